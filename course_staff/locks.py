"""Write requirements.lock and requirements-test.lock: `make lock`, or `make lock ARGS="torch==2.13.0"`.

pip resolves the ranges of pyproject.toml for the oldest Python that they promise, first the package's own,
then what the extra `test` adds; nothing is installed. Arguments are further requirements that hold a release
back. Standard library only: it runs without `.venv`.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from course_staff import bootstrap

ROOT = Path(__file__).resolve().parents[1]
OLDEST = "{}.{}.0".format(*bootstrap.OLDEST)

# Other packages ask for these on one system only, so that a lock made there would fail elsewhere.
ONE_SYSTEM_ONLY = re.compile(r"appnope|colorama|course-utils|cuda-|nvidia-|pywin|triton")

HEADER = """\
# {}
# Made from pyproject.toml by: {}
# For Python {} and newer; what only one system needs is left to pip, local versions (+cpu) are dropped.
"""


def pins(report: dict) -> dict[str, str]:
    """Name -> version of what pip's installation report lists and every system needs."""
    found = {item["metadata"]["name"]: item["metadata"]["version"] for item in report["install"]}
    return {
        name: version.partition("+")[0] for name, version in found.items() if not ONE_SYSTEM_ONLY.match(name.lower())
    }


def main(held_back: list[str]) -> None:
    """Resolve both lock files anew; `held_back` are further requirements such as "torch==2.13.0"."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    command = f'make lock ARGS="{" ".join(held_back)}"' if held_back else "make lock"

    def write(name: str, what: str, found: dict[str, str]) -> None:
        lines = [f"{package}=={found[package]}\n" for package in sorted(found, key=str.lower)]
        (ROOT / name).write_text(HEADER.format(what, command, OLDEST) + "".join(lines), encoding="utf-8")
        print(f"{name}: {len(found)} packages")

    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)

        def resolve(*wanted: str) -> dict[str, str]:
            pip = [f"{folder}/bin/python", *"-m pip install --quiet --dry-run --ignore-installed".split()]
            places = ["--report", f"{folder}/report", "--target", f"{folder}/none"]
            which = ["--python-version", OLDEST, "--only-binary", ":all:", *wanted]
            inside = {**bootstrap.environment(), **bootstrap.PIP_SETTINGS}
            subprocess.run([*pip, *places, *which], check=True, env=inside)
            return pins(json.loads(Path(folder, "report").read_text(encoding="utf-8")))

        print("Resolving what a notebook needs ...", flush=True)
        base = resolve(str(ROOT), *build, *held_back)
        print("Resolving what the tests add ...", flush=True)
        both = resolve(f"{ROOT}[test]", *(f"{name}=={version}" for name, version in base.items()))
    write("requirements.lock", "The exact versions that `make lab` installs.", base)
    write(
        "requirements-test.lock",
        "What `make test` installs in addition to requirements.lock.",
        {name: version for name, version in both.items() if name not in base},
    )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except subprocess.CalledProcessError:
        sys.exit("pip failed, see above; the lock files are as they were.")
