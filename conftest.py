"""What every test runs in, the kernels of `pytest --nbval` included."""

import os
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

settings.register_profile("course", deadline=None, print_blob=True, derandomize="CI" in os.environ)
settings.load_profile("course")


@pytest.hookimpl(optionalhook=True)  # a plain `pytest tests/...` may run without pytest-xdist
def pytest_xdist_auto_num_workers() -> int:
    """Cores that we may use, but no more workers than memory holds kernels with torch (1.5 GB each)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cores, int(memory // 1.5e9)))


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
