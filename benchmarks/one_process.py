"""The usual way to grade, for comparison: cells and tests in one process, which passes when no test fails.

``python benchmarks/one_process.py [NAME ...]`` prints for each wrong answer of `tests/grader/` (by default all that
need no jail) the ways of testing that it passes. Each runs in a fork of its own, with a limit of time; those that
need a jail are refused. Some minutes.
"""

from __future__ import annotations

import copy
import os
import re
import resource
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch  # noqa: F401  (so that the forks need not import it, nor the figures)
from IPython.core.interactiveshell import InteractiveShell

import course_utils.figures.slider  # noqa: F401
from course_utils.desk.answers import read_reference
from course_utils.exercises import Case, Exercise, find

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "grader"))
from attack_suite import Attack, Surroundings, all_attacks, build, check_cell, public_cases

#: Tests as they are written for other graders; they see function, reference, case, expected, np and id.
WAYS = {
    "equality": "assert function(**case) == expected",
    "asking the reference afterwards": "assert np.allclose(function(**case), reference(**case))",
    "difference": "assert abs(function(**case) - expected) < 1e-6",
    "numpy.allclose": "assert np.allclose(function(**case), expected)",
    "numpy.testing": "np.testing.assert_allclose(function(**case), expected, rtol=1e-6)",
    "the notebook's check": "import course_utils.desk.checks as c; assert c.grade(c.find(id), function).correct",
}
SECONDS = 30
#: Groups of attacks that hand in wrong answers and a trick.
TRICKS = ("lies", "patches", "luck", "forgeries", "spies")


def main(names: list[str]) -> None:
    attacks = {attack.name: attack for attack in all_attacks()}
    names = names or [
        a.name for a in attacks.values() if a.group in TRICKS and _compared(a) and not a.jail and not a.make
    ]
    if any(attacks[name].jail for name in names):
        raise SystemExit(f"some of {names} must only run in a jail")
    passing = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            ways = _ways_passed(attacks[name], Path(folder))
            passing += bool(ways)
            print(f"{name}: {', '.join(ways) or 'passes none'}", flush=True)
    print(f"{passing} of {len(names)} wrong answers get full marks from one of {len(WAYS)} usual ways of testing.")


def _compared(attack: Attack) -> list[str]:
    """The exercises answered wrongly that ask for numbers: a proof has no value for these tests to compare."""
    return [id for id in attack.wrong if find(id).probe is None]


def _ways_passed(attack: Attack, folder: Path) -> list[str]:
    notebook = build(attack, Surroundings(folder, folder, folder, folder, "mark", 9, folder / "socket"))
    tests = []
    for id in _compared(attack):
        name = re.match(r'check\("[\d.]+", (\w+)\)', "".join(check_cell(notebook, id)["source"]))[1]
        tests += [(id, name, case, _expected(find(id), case)) for case in public_cases(find(id))]
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    passed = folder / f"{attack.name}.passed"
    passed.write_text("")

    def run() -> None:
        shell = InteractiveShell.instance()
        for source in cells:
            if not source.startswith("check("):
                shell.run_cell(source)
        for way, source in WAYS.items():
            if _in_a_fork(lambda source=source: _test(shell, tests, source), SECONDS) == 0:
                with open(passed, "a") as file:
                    file.write(f"{way}\n")

    _in_a_fork(run, 12 * SECONDS)
    return passed.read_text().splitlines()


def _test(shell: InteractiveShell, tests: list[tuple], source: str) -> None:
    """Run the tests as cells after those of the notebook, as nbgrader and otter do."""
    scope = shell.user_ns
    for id, name, case, expected in tests:
        scope.update(function=scope[name], reference=find(id).reference, case=copy.deepcopy(case), expected=expected)
        scope.update(np=np, id=id)
        shell.run_cell(source).raise_error()


def _expected(exercise: Exercise, case: Case) -> Any:
    value = read_reference(exercise.reference(**copy.deepcopy(case)))
    return tuple(part[()] for part in value) if isinstance(value, tuple) else value[()]


def _in_a_fork(run: Callable[[], None], seconds: int) -> int:
    """The exit code, which is all that many a grader looks at: 0 also where the answer ends the program so."""
    pid = os.fork()
    if pid == 0:
        try:
            signal.alarm(seconds)
            null = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(null, number)
            run()
        except SystemExit as end:
            os._exit(end.code if isinstance(end.code, int) else 1)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # some attacks crash on purpose
    main(sys.argv[1:])
