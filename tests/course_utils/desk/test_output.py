"""In a script the desk prints text, whatever the stream can show."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
from course_utils.desk import at_most, check, claim, show_progress
from course_utils.desk.output import say

def movement(W, W0):
    return 0.0

check("0.1", movement)
check("0.1", lambda W, W0: None)
claim("lecture/prop-4.1", at_most(1, 2, "x"))
show_progress()
say("Ω ≥ ℓ₂ é 漢")
"""


@pytest.mark.parametrize(
    "encoding, keep, claimed, last",
    [
        ("utf-8", "✎", "✓ x: 1 ≤ 2", "Ω ≥ ℓ₂ é 漢"),
        ("cp1252", "*", "For beta-smooth sigma and ||x|| <= 1: f - f0 <= (beta/2)||W - W0||²_F", "Omega >= l2 é ?"),
        ("ascii", "*", "For beta-smooth sigma and ||x|| <= 1: f - f0 <= (beta/2)||W - W0||2_F", "Omega >= l2 e ?"),
    ],
)
def test_a_script_runs_on_any_stream(tmp_path, encoding, keep, claimed, last):
    env = {**os.environ, "PYTHONIOENCODING": encoding, "COURSE_PROGRESS": "", "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", SCRIPT], cwd=tmp_path, env=env, capture_output=True)
    assert run.returncode == 0, run.stderr
    out = run.stdout.decode(encoding)
    assert out.startswith(f"{keep} Exercise 0.1: keep working") and claimed in out
    assert "exercises solved" in out or "Nothing solved" in out
    assert out.splitlines()[-1] == last
