"""What every test runs in, the kernels of `pytest --nbval` included."""

import os
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import settings

try:
    import nbval.kernel
except ImportError:  # a plain `pytest tests/course_utils` needs no notebooks
    nbval = None

ROOT = Path(__file__).resolve().parent

# Kernels and pytest's workers inherit these. There is a worker for each core, so each one gets one thread;
# progress stays in memory; and MPLBACKEND must be absent, since kernels choose their own backend then.
os.environ.update(
    {
        "COURSE_PROGRESS": "",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "MATPLOTLIBRC": str(ROOT / "tests" / "matplotlibrc"),
    }
)
os.environ.pop("MPLBACKEND", None)

# Tests that take seconds or start processes, by the name of their file and the beginning of their own: `make quick`
# leaves them out.
SLOW = (
    "test_bootstrap.py::",
    "test_installed.py::",
    "test_sweep.py::",
    "test_lab.py::test_jupyterlab_serves",
    "test_release.py::test_nbgrader",
    "test_release.py::test_the_real_",
    "test_site.py::test_a_site_that_fails",
    "test_slides.py::",
    "test_variants.py::test_a_neighbours",
    "test_variants.py::test_the_reference",
    "test_variants.py::test_the_texts",
    "test_exercises.py::test_mutants_are_refused",
)
# Tests of the build execute the small course.
NOTEBOOK = ("test_build.py::", "test_drift.py::")

settings.register_profile("course", deadline=None, print_blob=True, derandomize="CI" in os.environ)
settings.load_profile("course")


@pytest.hookimpl(optionalhook=True)  # a plain `pytest tests/...` may run without pytest-xdist
def pytest_xdist_auto_num_workers() -> int:
    """Cores that we may use, but no more workers than memory holds kernels with torch (1.5 GB each)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cores, int(memory // 1.5e9)))


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marks
def pytest_collection_modifyitems(config, items) -> None:
    """Set marks. Of a student's notebook keep what an answer can touch: the solution's run tests all other cells."""
    kept, left = [], []
    for path, group in groupby(items, key=lambda item: item.path):
        group = list(group)
        for item in group:
            name = f"{path.name}::{item.name}"
            if name.startswith(SLOW):
                item.add_marker(pytest.mark.slow)
            if path.suffix == ".ipynb" or name.startswith(NOTEBOOK):
                item.add_marker(pytest.mark.notebook)
        if path.suffix != ".ipynb":
            kept += group
            continue
        run = _cells_to_run(path) if path.parent == ROOT / "notebooks" else {item.cell.id for item in group}
        for item in group:
            (kept if item.cell.id in run else left).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


def _cells_to_run(path: Path) -> set[str]:
    import nbformat
    from needed_cells import as_in_solution, needed

    student, solution = (nbformat.read(ROOT / folder / path.name, 4).cells for folder in ("notebooks", "solutions"))
    same = as_in_solution(student, solution)
    return {cell.id for cell in needed(student, lambda cell: cell.id not in same)}


if nbval is not None:
    _start_once = nbval.kernel.start_new_kernel

    def _start_new_kernel(*arguments, **options):
        """Kernels that start at the same time can pick the same port; the one that dies of it gets another chance."""
        for _ in range(2):
            try:
                return _start_once(*arguments, **options)
            except RuntimeError:
                continue
        return _start_once(*arguments, **options)

    nbval.kernel.start_new_kernel = _start_new_kernel
