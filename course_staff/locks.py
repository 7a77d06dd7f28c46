"""Write requirements.lock and requirements-test.lock: `make lock`, or `make lock ARGS="torch==2.13.0"`.

A temporary virtual environment gets the ranges of pyproject.toml, first the package's own, then what the
extra `test` adds, and `pip freeze` says what came of it. Arguments are further requirements that hold a
release back. Standard library only: it runs before `.venv` exists.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Other packages ask for these on one system only, so that a lock made there would fail elsewhere.
ONE_SYSTEM_ONLY = re.compile(r"appnope|colorama|cuda-|nvidia-|pywin|triton")

HEADER = """\
# {what}
# Made from pyproject.toml by: {command}
# Python {major}.{minor}; what only one system needs is left to pip, local versions (+cpu) are dropped.
"""


def requirements(project: dict, extra: str | None = None) -> list[str]:
    """Requirements of the package, or of one of its extras with the extras that it names in turn."""
    if extra is None:
        return project["dependencies"]
    found = []
    for line in project["optional-dependencies"][extra]:
        own = re.fullmatch(rf"{re.escape(project['name'])}\[([\w-]+)\]", line)
        found += requirements(project, own[1]) if own else [line]
    return found


def pins(frozen: str) -> dict[str, str]:
    """Name -> version of the lines of `pip freeze` that hold on every system."""
    found = {}
    for line in frozen.splitlines():
        name, equals, version = line.partition("==")
        if not equals:
            raise ValueError(f"expected a line name==version from pip freeze, got {line!r}")
        if name != "pip" and not ONE_SYSTEM_ONLY.match(name.lower()):
            found[name] = version.partition("+")[0]
    return found


def write(path: Path, what: str, command: str, found: dict[str, str]) -> None:
    header = HEADER.format(what=what, command=command, major=sys.version_info[0], minor=sys.version_info[1])
    lines = [f"{name}=={version}" for name, version in sorted(found.items(), key=lambda pin: pin[0].lower())]
    path.write_text(header + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{path.name}: {len(lines)} packages")


def main(held_back: list[str]) -> None:
    """Resolve both lock files anew; `held_back` are further requirements such as "torch==2.13.0"."""
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = metadata["project"]
    command = " ".join(["make lock", *([f'ARGS="{" ".join(held_back)}"'] if held_back else [])])
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [str(Path(folder) / "bin" / "python"), "-m", "pip"]

        def install(*what: str) -> dict[str, str]:
            subprocess.run([*pip, "install", "--quiet", *what], check=True)
            return pins(subprocess.run([*pip, "freeze", "--all"], check=True, stdout=subprocess.PIPE, text=True).stdout)

        print("Resolving what a notebook needs (some minutes) ...", flush=True)
        base = install(*metadata["build-system"]["requires"], *requirements(project), *held_back)
        print("Resolving what the tests add ...", flush=True)
        constraints = Path(folder) / "base.txt"
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in base.items()))
        both = install("--constraint", str(constraints), *requirements(project, "test"))
    added = {name: version for name, version in both.items() if name not in base}
    write(ROOT / "requirements.lock", "The exact versions that `make lab` installs.", command, base)
    write(
        ROOT / "requirements-test.lock", "What `make test` installs in addition to requirements.lock.", command, added
    )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(error.cmd[1:4])} failed, see above; the lock files are as they were.")
