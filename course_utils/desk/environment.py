"""Is everything here that the course needs, in a version that it was made for?"""

from __future__ import annotations

import re
from importlib import metadata

from course_utils.audience import shown


def missing_requirements() -> dict[str, str]:
    """What the package needs and does not find, as ``{requirement: what was found}``; empty when all is well.

    The requirements are those of the installed package ``course-utils``, that is of ``pyproject.toml``.
    """
    from packaging.requirements import Requirement

    problems = {}
    for requirement in map(Requirement, metadata.requires("course-utils") or []):
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


@shown
def check_environment() -> None:
    """Say that everything is here, or what is missing and the command that mends it."""
    problems = missing_requirements()
    if not problems:
        print("Everything is here: the course can start.")
    for requirement, found in problems.items():
        print(f"needs {requirement}: {found}")
    if problems:
        print("To mend this, close JupyterLab and run  make lab  in the course's folder.")
