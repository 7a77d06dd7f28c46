"""pyproject.toml's ranges, the lock files and environment.yml say the same."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from nbval.plugin import get_sanitize_patterns
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from course_staff import locks

ROOT = Path(__file__).resolve().parents[2]
METADATA = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = METADATA["project"]
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}


def pinned(name):
    lines = [line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")]
    pins = [re.fullmatch(r"([\w.-]+)==([\w.!]+)", line) for line in lines]
    assert [line for line, pin in zip(lines, pins) if pin is None] == [], f"{name}: not name==version"
    found = {canonicalize_name(pin[1]): Version(pin[2]) for pin in pins}
    assert len(found) == len(pins), f"{name}: a name twice"
    return found


def ranges(lines):
    return {canonicalize_name(line.name): line.specifier for line in map(Requirement, lines)}


def unmet(wanted, pins):
    return {name: range_ for name, range_ in wanted.items() if name not in pins or pins[name] not in range_}


def test_requirements_lock_satisfies_the_package_and_its_build():
    wanted = ranges([*PROJECT["dependencies"], *METADATA["build-system"]["requires"]])
    assert unmet(wanted, pinned("requirements.lock")) == {}


@pytest.mark.parametrize("extra", PROJECT["optional-dependencies"])
def test_both_locks_satisfy_each_extra(extra):
    own = PROJECT["name"] + "["  # an extra that this one includes is looked at by itself
    lines = [line for line in PROJECT["optional-dependencies"][extra] if not line.startswith(own)]
    assert lines and unmet(ranges(lines), pinned("requirements.lock") | pinned("requirements-test.lock")) == {}


def test_every_pin_admits_the_oldest_python_promised():
    refused = {}
    for name, version in (pinned("requirements.lock") | pinned("requirements-test.lock")).items():
        found = importlib.metadata.distribution(name)
        assert Version(found.version).public == str(version), f"{name} is not installed as pinned"
        range_ = found.metadata.get("Requires-Python") or ""
        if locks.OLDEST not in SpecifierSet(range_):
            refused[name] = range_
    assert locks.OLDEST in SpecifierSet(PROJECT["requires-python"]) and refused == {}


def test_what_is_installed_agrees():
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_second_lock_only_adds():
    assert pinned("requirements.lock").keys() & pinned("requirements-test.lock").keys() == set()


def test_no_lock_holds_what_one_system_needs():
    names = pinned("requirements.lock") | pinned("requirements-test.lock")
    assert [name for name in names if locks.ONE_SYSTEM_ONLY.match(name)] == []


def test_environment_yml_equals_pyproject():
    *lines, pip = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = ranges(lines)
    wanted = ranges([*PROJECT["dependencies"], *METADATA["build-system"]["requires"]])
    wanted = {CONDA_NAMES.get(name, name): range_ for name, range_ in wanted.items()}
    assert conda == {**wanted, "python": SpecifierSet(PROJECT["requires-python"]), "pip": SpecifierSet()}
    assert pip == {"pip": ["-e ."]}


def test_pins_keep_what_holds_on_every_system():
    names = ["numpy 2.4.6", "torch 2.13.0+cpu", "course-utils 0.1.0", "nvidia-nccl-cu12 2.1", "triton 3"]
    report = {"install": [{"metadata": dict(zip(("name", "version"), line.split()))} for line in names]}
    assert locks.pins(report) == {"numpy": "2.4.6", "torch": "2.13.0"}


def test_pictures_are_not_compared_and_their_descriptions_are():
    [(pattern, replacement)] = get_sanitize_patterns((ROOT / "tests" / "nbval_sanitize.cfg").read_text())
    shown = '<img alt="two lines" src="data:image/png;base64,iVBOR/w+0KGgo=="> 0.438'
    assert re.sub(pattern, replacement, shown) == '<img alt="two lines" src="PNG"> 0.438'
