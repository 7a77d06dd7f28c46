"""pyproject.toml's ranges, the lock files and environment.yml say the same."""

import re
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
    pins = pinned("requirements.lock") | pinned("requirements-test.lock")
    wanted = ranges(locks.requirements(PROJECT, extra))
    assert wanted and unmet(wanted, pins) == {}


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
    frozen = "numpy==2.4.6\ntorch==2.13.0+cpu\npip==23.2.1\nnvidia-nccl-cu12==2.1\ntriton==3\nappnope==0.1\n"
    assert locks.pins(frozen) == {"numpy": "2.4.6", "torch": "2.13.0"}


def test_pins_refuse_a_path():
    with pytest.raises(ValueError, match="name==version.*tiny @ file"):
        locks.pins("tiny @ file:///tiny.whl\n")


def test_extras_that_name_extras_are_followed():
    project = {
        "name": "course-utils",
        "dependencies": ["numpy"],
        "optional-dependencies": {"staff": ["nbgrader"], "test": ["course-utils[staff]", "pytest>=8"]},
    }
    assert locks.requirements(project) == ["numpy"]
    assert locks.requirements(project, "test") == ["nbgrader", "pytest>=8"]


def test_pictures_are_not_compared_and_their_descriptions_are():
    [(pattern, replacement)] = get_sanitize_patterns((ROOT / "tests" / "nbval_sanitize.cfg").read_text())
    shown = '<img alt="two lines" src="data:image/png;base64,iVBOR/w+0KGgo=="> 0.438'
    assert re.sub(pattern, replacement, shown) == '<img alt="two lines" src="PNG"> 0.438'
