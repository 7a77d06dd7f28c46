"""The usual way to grade, for comparison: cells and tests in one process, which passes when no test fails.

``python one_process.py NAME ...`` prints as JSON, for each named attack, the ways to compare that a wrong answer
passes. It runs attacks that need no jail, each in a fork of its own.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import zlib
from pathlib import Path

import numpy as np
import torch  # noqa: F401  (so that the forks need not)
from attack_suite import Attack, Surroundings, all_attacks, build, check_cell
from course_utils import answers, checks, exercises
from IPython.core.interactiveshell import InteractiveShell

#: Source of tests as they are written for other graders, with the cases that the notebook's check has.
WAYS = {
    "equality": "assert function(**case) == expected",
    "difference": "assert abs(function(**case) - expected) < 1e-6",
    "numpy.allclose": "assert np.allclose(function(**case), expected)",
    "numpy.testing": "np.testing.assert_allclose(function(**case), expected, rtol=1e-6)",
    "the notebook's check": "import course_utils.checks as c; assert c.grade(c.find(id), function).correct",
}
SECONDS = 10


def passes(attack: Attack, way: str, folder: Path) -> bool:
    """Whether every wrong answer of an attack passes one way of testing it."""
    pid = os.fork()
    if pid == 0:
        try:
            signal.alarm(SECONDS)
            os.chdir(folder)
            null = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(null, number)
            _grade(attack, way, folder)
            os._exit(0)
        except SystemExit as end:
            os._exit(end.code if isinstance(end.code, int) else 1)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _grade(attack: Attack, way: str, folder: Path) -> None:
    around = Surroundings(folder, folder, folder, folder, "mark", 9, folder / "socket")
    notebook = build(attack, around)
    ids = list(attack.wrong)
    names = [re.match(r'check\("[\d.]+", (\w+)\)', "".join(check_cell(notebook, id)["source"]))[1] for id in ids]
    cases = {}
    for id in ids:
        exercise = exercises.find(id)
        drawn = exercise.draw_cases(zlib.crc32(id.encode()))
        cases[id] = [(case, answers.read_reference(exercise.reference(**case))[()]) for case in drawn]
    shell = InteractiveShell.instance()
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and not source.startswith("check("):
            shell.run_cell(source)
    for id, name in zip(ids, names, strict=True):
        for case, expected in cases[id]:
            shell.user_ns.update(function=shell.user_ns[name], case=case, expected=expected, np=np, id=id)
            exec(WAYS[way], shell.user_ns)


def main(names: list[str], folder: Path) -> dict[str, list[str]]:
    """Attack → the ways that it passes."""
    attacks = {attack.name: attack for attack in all_attacks()}
    if any(attacks[name].jail for name in names):
        raise ValueError(f"some of {names} must only run in a jail")
    checks.find("1.2")
    return {name: [way for way in WAYS if passes(attacks[name], way, folder)] for name in names}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[2:], Path(sys.argv[1]))))
