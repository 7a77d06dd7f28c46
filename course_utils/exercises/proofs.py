"""Proofs by ordered lines: the answer is an order of labelled lines in which each uses only what stands above it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Lines:
    """The lines of a proof.

    lines      label → (text, what must stand above it): labels separated by blanks, "A|B" where one of them is enough
    flaws      label → (text, sentence): lines that are false or not needed, and what is said to who uses them
    goal       the label of the line that is to be proved
    missing    label → sentence: what is said where a line uses this one before it stands above; a
               general sentence where none is given
    """

    lines: Mapping[str, tuple[str, str]]
    flaws: Mapping[str, tuple[str, str]]
    goal: str
    missing: Mapping[str, str]

    def __post_init__(self) -> None:
        known = {*self.lines, *self.flaws}
        named = {label for _, needs in self.lines.values() for label in needs.replace("|", " ").split()}
        for name, wrong in (
            ("labels must be single capitals", [x for x in known if not (len(x) == 1 and "A" <= x <= "Z")]),
            ("a line is right or flawed, not both", sorted(self.lines.keys() & self.flaws.keys())),
            ("a line needs right lines", sorted(named - self.lines.keys())),
            ("the goal and what is missing are right lines", sorted({self.goal, *self.missing} - self.lines.keys())),
        ):
            if wrong:
                raise ValueError(f"{name}; got {', '.join(wrong)}")
        if self.goal not in self.order():
            raise ValueError(f"the goal {self.goal} cannot be reached: some lines need each other")

    @property
    def cards(self) -> dict[str, str]:
        """Label → text of every line, right or not, in the order of the labels."""
        return {label: text for label, (text, _) in sorted({**self.lines, **self.flaws}.items())}

    def order(self) -> list[str]:
        """A right order, up to the goal; of several the one that takes the earliest label."""
        above: list[str] = []
        while self.goal not in above:
            ready = [x for x in sorted(self.lines) if x not in above and not self.unmet(x, above)]
            if not ready:
                break
            above.append(min(ready, key=lambda label: (label == self.goal, label)))
        return above

    def unmet(self, label: str, above: Sequence[str]) -> str:
        """What ``label`` needs and does not stand ``above``, the first of it; "" where all is there."""
        for group in self.lines[label][1].split():
            if not set(group.split("|")) & set(above):
                return group.split("|")[0]
        return ""

    def fault(self, order: Sequence[str]) -> str | None:
        """What is wrong with an order, in a sentence: the first unfounded line is named. None for a proof."""
        for place, label in enumerate(order):
            above = order[:place]
            if label not in self.lines and label not in self.flaws:
                return f"There is no line {label}: the lines are {', '.join(self.cards)}."
            if label in above:
                return f"Line {label} stands twice: once is enough."
            if label in self.flaws:
                return f"Line {label}: {self.flaws[label][1]}"
            if needed := self.unmet(label, above):
                own = self.missing.get(needed, "it uses something that no line above it gives.")
                return f"Line {label} is not founded yet: {own}"
            if self.goal in above:
                return f"The proof has ended with line {self.goal}: leave out what comes after it."
        if self.goal not in order:
            return "Each line stands on those above it, but they do not arrive: what is to be proved is not among them."
        return None
