"""What several folders of tests share: the small course in tests/fixtures/course, and the sentences of measuring tests.

The small course has two chapters, two exercises and two claims, as source and built. A test that measures may leave a
sentence, ``record_property("summary", ...)``: it closes the run.
"""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

SMALL_COURSE = Path(__file__).resolve().parent / "fixtures" / "course"


def pytest_terminal_summary(terminalreporter):
    # From the reports, because under pytest-xdist the test ran in another process.
    lines = [
        f"{report.nodeid.split('::')[-1]}: {value}"
        for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed"))
        for name, value in report.user_properties
        if name == "summary" and report.when == "call"
    ]
    if lines:
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def declared():
    """What the exercise modules of a course would declare, as far as the build reads it."""
    exercises = [
        SimpleNamespace(id="90.1", title="the square", points=2, difficulty=1, minutes=1),
        SimpleNamespace(id="90.2", title="the cube", points=1, difficulty=2, minutes=3),
        SimpleNamespace(id="1.1", title="of another chapter", points=1, difficulty=1, minutes=1),
    ]
    for exercise in exercises:
        exercise.kind, exercise.variants, exercise.corner = "warm-up", None, None
        exercise.misconceptions = [SimpleNamespace(message=f"Slip {n} in x_{n}.") for n in (1, 2, 3)]
    return {exercise.id: exercise for exercise in exercises}


@pytest.fixture
def course(tmp_path):
    """A copy of the small course, not built."""
    return _copy(SMALL_COURSE, tmp_path / "course")


@pytest.fixture(scope="session")
def built_once(tmp_path_factory, declared):
    from course_staff.build import build

    root = _copy(SMALL_COURSE, tmp_path_factory.mktemp("built") / "course")
    lines = []
    assert build(root, exercises=declared, say=lines.append) == ["90_fixture", "91_other"]
    (root / "build.log").write_text("\n".join(lines))
    return root


@pytest.fixture
def built(built_once, tmp_path):
    """A copy of the small course, built."""
    return _copy(built_once, tmp_path / "course")


@pytest.fixture(scope="session")
def site(tmp_path_factory, request):
    """The whole site, built once for all workers; the sliders' pictures come from build/ where they are current."""
    from filelock import FileLock

    from course_staff.site import build

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if hasattr(request.config, "workerinput") else base) / "reading" / "site"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():  # it is whole as soon as it is there
            build.build(build.ROOT, folder, say=lambda line: None)
    return folder


def _copy(source, target):
    return shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
