"""Written answers: what a person marks, by a rubric that the reader sees too.

A chapter's module declares them in a tuple ``WRITTEN``. In the notebook the answer is a Markdown cell; nothing checks
it. The model answer stands in the solutions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: What the answer's cell holds until something is written.
EMPTY = "*Write your answer here.*"


@dataclass(frozen=True)
class Written:
    """A question for a paragraph.

    id, title, points, difficulty, minutes   as of an :class:`course_utils.exercises.Exercise`
    rubric    pairs (points, what they are for), which add up to ``points``
    model     a model answer, Markdown

    Raises ValueError for an id, points or a rubric that cannot be right.
    """

    id: str
    title: str
    points: int
    difficulty: int
    minutes: int
    rubric: tuple[tuple[int, str], ...]
    model: str

    def __post_init__(self) -> None:
        total = sum(points for points, _ in self.rubric)
        for name, holds, expected in (
            ("id", isinstance(self.id, str) and re.fullmatch(r"\d+\.\d+", self.id), 'chapter and number, as "1.2"'),
            ("points", isinstance(self.points, int) and self.points >= 1, "a whole number, at least 1"),
            ("rubric", total == self.points, f"items that add up to {self.points} points"),
            ("rubric", all(points >= 1 and what.strip() for points, what in self.rubric), "points of 1 or more"),
            ("model", self.model.strip(), "a model answer"),
        ):
            if not holds:
                raise ValueError(f"written answer {self.id}: {name} is {getattr(self, name)!r}; expected {expected}")

    @property
    def rubric_text(self) -> str:
        """The rubric as Markdown, a list."""
        return "\n".join(f"- {what} ({points})" for points, what in self.rubric)
