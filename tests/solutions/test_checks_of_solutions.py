"""The solutions that stand in the chapters pass their own checks, as they were executed."""

import json
from pathlib import Path

import pytest

SOLUTIONS = sorted((Path(__file__).resolve().parents[2] / "solutions").glob("*.ipynb"))


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_every_check_of_a_solution_says_well_done(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    for exercise in notebook["metadata"]["course"]["exercises"]:
        texts = ["".join(o["data"]["text/plain"]) for o in cells[exercise["cells"]["check"]]["outputs"] if "data" in o]
        assert texts and texts[0].startswith(f"✓ Exercise {exercise['id']}"), texts
