"""Verdicts run again with other random numbers: the draws are others, and a verdict that hangs on them is named."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_staff import ledger, reseed

CLAIM = 'claim("lecture/prop-4.1", at_most(measured, 1, "x"))'
LISTED = [claim for claim in ledger.read_list(reseed.ROOT / ledger.LIST) if claim.id == "lecture/prop-4.1"]


def run(tmp_path, seed, *cells):
    first = "import numpy as np\nfrom course_utils.desk import at_most, claim"
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in (first, *cells, CLAIM)])
    nbformat.write(notebook, tmp_path / "01_x.ipynb")
    return reseed.again(tmp_path / "01_x.ipynb", seed)


def test_a_verdict_that_hangs_on_its_seed_is_named_and_one_that_does_not_is_counted(tmp_path):
    draw = "measured = {} + np.random.default_rng([2, 3]).uniform()"
    found = [run(tmp_path, seed, draw.format(0.5)) for seed in (1, 2, 1)]
    assert found[0] == found[2] != found[1] and not found[0][1]
    measured = [float(records[0].facts[0].measured) for records, _ in found]
    assert measured[0] != measured[1]
    records, _ = run(tmp_path, 1, draw.format(1.0))
    same, others = reseed.compare(LISTED, records)
    assert same == 0 and others[0].startswith("lecture/prop-4.1: listed holds\nLecture, Proposition 4.1: fails.")
    records, _ = run(tmp_path, 1, "measured = 1")
    assert reseed.compare(LISTED, records) == (1, [])


def test_what_a_cell_raises_is_said_and_the_cells_below_run(tmp_path):
    records, problems = run(tmp_path, 1, "measured = 1", "assert measured > 1, 'a sentence'")
    assert problems == ["AssertionError: a sentence"] and len(records) == 1


@pytest.mark.parametrize("arguments, said", [(["x"], "invalid int"), (["-1"], "seed"), (["1", "99"], "99")])
def test_bad_arguments_are_named(arguments, said, capsys):
    with pytest.raises(SystemExit):
        reseed.main(arguments)
    assert said in capsys.readouterr().err
