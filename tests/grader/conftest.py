"""What the grader's tests share: an option for the table of the attacks, and one warm jail."""

import json
from functools import cache
from pathlib import Path

import pytest

from grader import jail as jails
from grader.jail import BUBBLEWRAP, NONE, Jail, Limits, make_view
from grader.marking import read_released

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def pytest_addoption(parser):
    parser.addoption(
        "--attacks-table",
        metavar="FILE",
        default=None,
        help="also write what the attack suite tried and what happened to FILE (docs/attacks.md)",
    )


@cache
def _problem():
    return jails.problem(BUBBLEWRAP)


@pytest.fixture(scope="session")
def kind():
    """How students' code is run here: in bubblewrap, or without a jail where there is none to be had."""
    return NONE if _problem() else BUBBLEWRAP


@pytest.fixture
def needs_jail():
    if _problem():
        pytest.skip(f"needs a jail: {_problem()}")


@pytest.fixture(scope="session")
def view(tmp_path_factory):
    """What a session may import of the course."""
    return make_view(tmp_path_factory.mktemp("view"))


@pytest.fixture(scope="session")
def warm_jail(kind, view):
    """One jail for all notebooks that do nothing to it: it takes seconds to import what the chapters do."""
    released = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))]
    modules = dict.fromkeys(name for notebook in released for name in read_released(notebook)[1])
    with Jail(kind, view, Limits(notebook_seconds=30), (), tuple(modules)) as jail:
        yield jail
