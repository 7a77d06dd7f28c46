"""Is everything here that the course needs, in a version that it was made for?"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from course_utils.audience import shown
from course_utils.desk.output import say

_PACKAGE = Path(__file__).resolve().parents[1]
#: What notebooks read of the package beside its modules.
FILES = ("claims.toml", "data/higgs_sweep.csv", "data/digits_sweep.csv", "data/digits_again.csv")


def missing_requirements() -> dict[str, str]:
    """What the package needs and does not find, as ``{requirement: what was found}``; empty when all is well.

    The requirements are those of the installed package ``course-utils``, or of the ``pyproject.toml`` beside it.
    """
    from importlib import metadata

    from packaging.requirements import Requirement

    problems = {}
    for requirement in map(Requirement, _requirements()):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            problems[str(requirement)] = "not installed"
        else:
            # A local build label such as "+cpu" says how it was compiled, not which version it is.
            if not requirement.specifier.contains(re.sub(r"\+.*", "", found), prereleases=True):
                problems[str(requirement)] = f"version {found}"
    return problems


def _requirements() -> list[str]:
    from importlib import metadata

    try:
        return metadata.requires("course-utils") or []
    except metadata.PackageNotFoundError:  # the package lies beside the notebooks, as in a class's zip
        project = _PACKAGE.with_name("pyproject.toml")
        return tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]


def missing_files() -> list[str]:
    """The files of the package that are not there."""
    return [name for name in FILES if not (_PACKAGE / name).is_file()]


@shown
def check_environment() -> None:
    """Say that everything is here, or what is missing and the command that mends it."""
    requirements, files = missing_requirements(), missing_files()
    if not requirements and not files:
        say("Everything is here: the course can start.")
        return
    for requirement, found in requirements.items():
        say(f"needs {requirement}: {found}")
    for name in files:
        say(f"needs {_PACKAGE / name}: no such file")
    if _PACKAGE.with_name("Makefile").is_file() and requirements:
        say("To mend this, close JupyterLab and run  make lab  in the course's folder.")
    elif requirements:
        wanted = " ".join(f'"{requirement}"' for requirement in requirements)
        say(f"To mend this, run  %pip install {wanted}  in a cell, then restart the kernel.")
    if files:
        say("Get the course again, from where you had it: this copy is not whole.")
