"""What is run of a student's notebook, and what is not because the solution's run has shown it."""

from nbformat.v4 import new_code_cell, new_output
from needed_cells import as_in_solution, needed


def cells(**texts):
    return [new_code_cell(text, id=name, outputs=[new_output("stream", text="1")]) for name, text in texts.items()]


SOLUTION = cells(
    imports="import numpy as np",
    data="rng, a = np.random.default_rng(0), [1]",
    answer="def double(x):\n    return 2 * x",
    uses="print(double(3))",
    draws="b = rng.normal()",
    more="a.append(b)",
    heavy="c = sum(i * a[0] for i in range(10**9))",
    last="print(c, a)",
)


def student(**changes):
    return cells(**{cell.id: changes.get(cell.id, cell.source) for cell in SOLUTION})


def test_cells_that_neither_differ_nor_use_an_answer_are_as_in_the_solution():
    found = as_in_solution(student(answer="def double(x):\n    raise NotImplementedError"), SOLUTION)
    assert found == {"imports", "data", "draws", "more", "heavy", "last"}


def test_another_text_or_output_differs_and_a_pictures_pixels_do_not():
    changed, theirs = student(), student()
    changed[1].outputs[0]["text"] = "2"
    for notebook, pixels in ((changed, "AAAA"), (theirs, "BBBB")):
        notebook[6].outputs = [new_output("display_data", {"text/html": f'<img src="data:image/png;base64,{pixels}">'})]
    assert as_in_solution(changed, theirs) == {"imports", "answer", "uses"}


def test_what_makes_or_changes_a_name_is_needed_and_what_only_looks_is_not():
    def ids(last):
        return [cell.id for cell in needed(SOLUTION, lambda cell: cell.id == last)]

    assert ids("answer") == ["answer"]
    assert ids("uses") == ["answer", "uses"]
    assert ids("heavy") == ["imports", "data", "draws", "more", "heavy"]
