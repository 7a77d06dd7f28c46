"""The first cell of the course: it must notice what is missing and say how to mend it."""

import subprocess
import sys
from importlib import metadata

import pytest

from course_utils.desk import environment


def test_here_everything_is_found(capsys):
    environment.check_environment()
    assert "Everything is here" in capsys.readouterr().out


@pytest.mark.parametrize(
    "requirement, said",
    [("numpy<1", "needs numpy<1: version"), ("no-such-package>=2", "needs no-such-package>=2: not installed")],
)
def test_what_is_missing_is_named_with_the_remedy(monkeypatch, capsys, requirement, said):
    monkeypatch.setattr(metadata, "requires", lambda name: [requirement, 'absent; extra == "staff"'])
    environment.check_environment()
    out = capsys.readouterr().out
    assert said in out and "make lab" in out and "absent" not in out


def test_importing_the_package_imports_nothing_heavy():
    """Bar: `import course_utils` under 0.3 s; torch, matplotlib and scipy take longer than that on their own."""
    code = (
        "import sys, course_utils, course_utils.theory.taylor, course_utils.desk.claims, course_utils.desk.checks, course_utils.figures.slider;"
        "print([m for m in ('torch', 'matplotlib', 'scipy', 'IPython', 'ipywidgets', 'course_staff') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
