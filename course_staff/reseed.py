"""The ledger once more with other random numbers: ``make ledger SEED=7``.

A verdict that its test has earned does not hang on the seed that a cell happens to name. Every chapter's executed
solution is run again in a copy, where whatever seeds a generator is joined by SEED, and each verdict is compared with
the one in ``claims.toml``. Nothing in the repository changes. It takes as long as all chapters take; give their numbers
for some of them: ``python -m course_staff.reseed 7 03 06b``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from course_staff import ledger
from course_staff.execute import execute
from course_staff.source import SOLUTIONS, BuildError, sources

ROOT = Path(__file__).resolve().parents[1]

#: Runs before a notebook's first cell. Every draw of the course comes from ``numpy.random.default_rng(seed)``.
JOINED = """
import numpy as np

def _joined(seed=None, make=np.random.default_rng, sequence=np.random.SeedSequence):
    if isinstance(seed, (np.random.Generator, np.random.SeedSequence)):
        return make(seed)
    return make(sequence(SEED, spawn_key=tuple(np.atleast_1d(0 if seed is None else seed).tolist())))

np.random.default_rng = _joined
"""


def again(path: Path, seed: int, root: Path = ROOT) -> tuple[list[ledger.Record], list[str]]:
    """The records of a solution run with another seed, and what it raised; ``path`` is the executed notebook."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [new_code_cell(JOINED.replace("SEED", str(seed))), *notebook.cells]
    for cell in notebook.cells:
        cell.metadata.tags = [*cell.metadata.get("tags", []), "raises-exception"]  # go on below
    with tempfile.TemporaryDirectory() as folder:
        try:
            execute(notebook, Path(folder), root, path.stem)
        except BuildError as error:
            return ledger.records_of(notebook.cells), error.problems
    return ledger.records_of(notebook.cells), _raised(notebook)


def _raised(notebook: NotebookNode) -> list[str]:
    outputs = (output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs)
    return [f"{output.ename}: {output.evalue}" for output in outputs if output.output_type == "error"]


def compare(listed: list[ledger.Claim], shown: list[ledger.Record]) -> tuple[int, list[str]]:
    """How many verdicts are as listed, and a line with its facts for each that is not."""
    expected = {claim.id: claim.verdict for claim in listed}
    other = [record for record in shown if record.verdict != expected[record.id]]
    return len(shown) - len(other), [f"{record.id}: listed {expected[record.id]}\n{record}" for record in other]


def main(arguments: list[str] | None = None) -> int:
    """Say for each chapter how many verdicts repeat, and what does not; 1 if anything does not."""
    parser = argparse.ArgumentParser(prog="make ledger", description=__doc__.split("\n\n")[0])
    parser.add_argument("seed", type=int, help="a whole number that joins every seed of the chapters")
    parser.add_argument("chapters", nargs="*", help="such as 03 or 06b; all if none is named")
    options = parser.parse_args(arguments)
    if options.seed < 0:
        parser.error(f"seed must be at least 0, got {options.seed}")
    paths = [path.with_suffix(".ipynb") for path in sources(ROOT)]
    chosen = [p for p in paths if not options.chapters or p.stem.startswith(tuple(f"{c}_" for c in options.chapters))]
    if not chosen:
        parser.error(f"no chapter of {SOLUTIONS}/ is called {', '.join(options.chapters)}")
    repeated, wrong = 0, 0
    for path in chosen:
        records, problems = again(path, options.seed)
        same, others = compare(ledger.read_list(ROOT / ledger.LIST), records)
        lost = len(ledger.records(path)) - len(records)
        problems += [f"{lost} of its claims were not reached"] * (lost > 0) + others
        print(f"{path.stem}: {same} of {len(records)} verdicts as listed", *problems, sep="\n  ", flush=True)
        repeated, wrong = repeated + same, wrong + len(problems)
    print(f"With seed {options.seed} {repeated} verdicts are as listed; {wrong or 'nothing'} to look at.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
