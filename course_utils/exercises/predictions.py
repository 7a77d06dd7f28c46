"""Predictions: what a reader commits to before a run, and what the run then says to each choice.

A chapter's module declares them beside its exercises, in a tuple ``PREDICTIONS``; the notebook asks with
``predict(id)`` and reads with ``after(id)``. They carry no points.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Prediction:
    """A question with two to five options that a thinking person could choose.

    id          chapter or part, and a word: "1/missed", "6a/rank-one"
    question    Markdown with ``$math$``, one or two sentences
    right       the option that the run bears out
    options     pairs (option, sentence): an option is plain text; its sentence, Markdown, says why it tempts or what
                it saw. The most tempting wrong option stands first among the wrong ones

    Raises ValueError for an id, options or a right one that cannot be.
    """

    id: str
    question: str
    right: str
    options: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        names = [option for option, _ in self.options]
        for name, holds, expected in (
            ("id", re.fullmatch(r"\d[a-z]?/[a-z0-9-]+", self.id), 'chapter and word, as "1/missed"'),
            ("question", self.question.strip().endswith("?"), "a text that ends with a question mark"),
            ("options", 2 <= len(names) == len(set(names)) <= 5, "two to five different ones"),
            ("options", all(text.strip() for pair in self.options for text in pair), "each with its sentence"),
            ("right", self.right in names, f"one of {names}"),
        ):
            if not holds:
                raise ValueError(f"prediction {self.id}: {name} is {getattr(self, name)!r}; expected {expected}")

    @cached_property
    def sentences(self) -> dict[str, str]:
        """Option → what is said to who chose it."""
        return dict(self.options)

    @cached_property
    def letters(self) -> dict[str, str]:
        """Option → its letter: how a vote is taken."""
        return {option: letter for letter, (option, _) in zip("ABCDE", self.options)}

    @property
    def usual_wrong(self) -> str:
        """The wrong option that most people choose: what a lecturer prepares for."""
        return next(option for option, _ in self.options if option != self.right)


def find_prediction(id: str) -> Prediction:
    """The prediction with this id. Raises ValueError for one that is not declared."""
    part, _, _ = str(id).partition("/")
    known: dict[str, Prediction] = {}
    if re.fullmatch(r"\d[a-z]?", part):
        try:
            module = importlib.import_module(f"course_utils.exercises.chapter_0{part}")
        except ModuleNotFoundError:
            pass
        else:
            known = {prediction.id: prediction for prediction in getattr(module, "PREDICTIONS", ())}
    if id not in known:
        raise ValueError(f"there is no prediction {id!r}; known in this chapter: {', '.join(known) or 'none'}")
    return known[id]
