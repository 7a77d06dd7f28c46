"""The plan for lecturers, ``docs/lecture_plan.md``, and the minute at which each slide is due.

Everything comes from the chapters: a slide with a heading opens a part; the speaker notes say what to do in
it, and their metadata how long it takes: ``+++ {"slideshow": {"slide_type": "notes"}, "minutes": 4}``; the cells up
to the next heading hold its claims, its questions and its exercises.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from course_staff.ledger import LIST
from course_staff.source import SOLUTIONS, slide_type, sources
from course_utils.desk.claims import Claim, read_list
from course_utils.exercises.predictions import Prediction, find_prediction

PAGE = "docs/lecture_plan.md"
LENGTHS = (50, 90)
#: The tag of a slide whose part may be left out: ``+++ {"slideshow": ..., "tags": ["if-time"]}``.
IF_TIME = "if-time"

_SHOWN = ("slide", "subslide", "fragment")  # what a key press brings
_HEADING = re.compile(r"^#+ +(?:\d+\w? · )?(.+)")


@dataclass(frozen=True, eq=False)
class Part:
    """One part of a lecture.

    title        the heading of its first slide
    start        the minute of the talk at which it begins; exercises are not counted
    minutes      how long it takes: what its notes say, or one minute for each slide and fragment
    if_time      whether its slide is tagged "if-time", or its title begins with ★
    notes        what the notes say to do
    votes        ids of the predictions that it asks
    claims       ids of the claims that it shows
    exercises    ids of the exercises that follow it
    marks        position of a cell that appears → the minute at which it does
    """

    title: str
    start: int
    minutes: int
    if_time: bool
    notes: str
    votes: list[str]
    claims: list[str]
    exercises: list[str]
    marks: dict[int, float]

    @property
    def end(self) -> int:
        return self.start + self.minutes


def parts(cells: Sequence, course: Mapping) -> list[Part]:
    """The parts of a chapter's lecture, from all cells of its solution and its metadata; none without slides."""
    claims, cards, votes = defaultdict(list), {}, {}
    for claim in course.get("claims", ()):
        claims[claim["cell"]].append(claim["id"])
    for exercise in course.get("exercises", ()):
        cards[exercise["cells"]["card"]] = exercise["id"]
    for prediction in course.get("predictions", ()):
        votes[prediction["cells"]["asks"]] = prediction["id"]
    for question in course.get("written", ()):
        cards[question["cells"]["card"]] = question["id"]
    opens = [place for place, cell in enumerate(cells) if _title(cell)]
    found: list[Part] = []
    for first, after in zip(opens, [*opens[1:], len(cells)]):
        mine = range(first, after)
        spoken = [i for i in mine if slide_type(cells[i]) == "notes"]
        notes = " ".join(cells[i].source for i in spoken)
        shown = [i for i in mine if slide_type(cells[i]) in _SHOWN]
        said = sum(cells[i].metadata.get("minutes", 0) for i in spoken)
        start, minutes = found[-1].end if found else 0, said or len(shown)
        found.append(
            Part(
                title=_title(cells[first]),
                start=start,
                minutes=minutes,
                if_time=IF_TIME in cells[first].metadata.get("tags", []) or _title(cells[first]).startswith("★"),
                notes=_one_line(notes),
                votes=[votes[cells[i].id] for i in mine if cells[i].id in votes],
                claims=list(dict.fromkeys(id for i in mine for id in claims[cells[i].id])),
                exercises=[cards[cells[i].id] for i in mine if cells[i].id in cards],
                marks={i: start + minutes * place / len(shown) for place, i in enumerate(shown)},
            )
        )
    return found


def cut(parts: Sequence[Part], exercises: Mapping, length: int) -> tuple[list[Part], list, int]:
    """What to leave out of a lecture of ``length`` minutes.

    Parts tagged "if-time" go first, from the last to the first, each with its exercises; then exercises, the
    longest first (of equals the hardest), until the rest fits.

    Returns:
        The parts left out, the exercises left for home, and the minutes that remain: for questions, or, when
        negative, missing.
    """
    in_class = {part: [exercises[id] for id in part.exercises if id in exercises] for part in parts}
    left = length - sum(part.minutes + _minutes(in_class[part]) for part in parts)
    skipped: list[Part] = []
    home: list = []
    for part in reversed([part for part in parts if part.if_time]):
        if left < 0:
            skipped.insert(0, part)
            home += in_class[part]
            left += part.minutes + _minutes(in_class[part])
    order = [exercise for part in parts for exercise in in_class[part]]
    for exercise in sorted(order, key=lambda e: (e.minutes, e.difficulty), reverse=True):
        if left < 0 and exercise not in home:
            home.append(exercise)
            left += exercise.minutes
    return skipped, sorted(home, key=order.index), left


def render(root: Path, exercises: Mapping | None = None) -> str | None:
    """The text of the plan; None for a repository whose chapters have no slides."""
    if exercises is None:
        from course_utils.exercises import all_exercises, all_written

        exercises = {**all_exercises(), **all_written()}
    claims = {claim.id: claim for claim in read_list(root / LIST)}
    chapters = []
    for path in sources(root):
        try:
            notebook = json.loads((root / SOLUTIONS / f"{path.stem}.ipynb").read_text(encoding="utf-8"))
            cells = [_Cell(cell) for cell in notebook["cells"]]
            course = notebook["metadata"]["course"]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            continue  # missing or damaged, which the drift check reports
        if found := parts(cells, course):
            chapters += _chapter(path.stem, course, found, exercises, claims)
    if not chapters:
        return None
    return (
        "\n".join(
            [
                "# A plan for lecturers",
                "",
                f"Generated by `make build` from `{SOLUTIONS}/`, `{Path(LIST).name}` and the exercises; do not edit.",
                "",
                "**Before.** `make slides` writes the decks, `make present CHAPTER=03` opens a chapter for a "
                "projector. Minutes count the talk alone and are those on the slides; exercises come on top, each "
                "after its part. Every question is put to the vote before its cell is run; what to expect is folded.",
                "",
                "**Short of time?** What to cut is said for "
                + " and ".join(f"{length} minutes" for length in LENGTHS)
                + ": first parts marked *if time permits*, then the longest exercises, which go home.",
                *chapters,
            ]
        )
        + "\n"
    )


class _Cell:
    """A cell as it is stored, with its source in one piece."""

    def __init__(self, stored: dict):
        self.cell_type, self.metadata, self.id = stored["cell_type"], stored["metadata"], stored["id"]
        self.source = "".join(stored["source"])


def _chapter(name: str, course: dict, parts: list[Part], exercises: Mapping, claims: Mapping[str, Claim]) -> list[str]:
    number = name.partition("_")[0].removeprefix("0")
    in_class = [exercises[id] for part in parts for id in part.exercises if id in exercises]
    lines = [
        "",
        f"## {number} · {course['title']}",
        "",
        f"*Follows*: {course['follows']}. *Talk*: {parts[-1].end} minutes. *Exercises*: "
        f"{_minutes(in_class)} minutes. [The chapter](../{SOLUTIONS}/{name}.ipynb).",
        "",
        *_what_to_cut(parts, exercises),
        "",
        "| minute | part | follows | then, in class |",
        "|---:|---|---|---|",
    ]
    for part in parts:
        follows = "; ".join(dict.fromkeys(_follows(claims[id]) for id in part.claims if id in claims))
        then = ", ".join(f"{id} ({exercises[id].minutes} min)" for id in part.exercises if id in exercises)
        title = part.title + " *(if time permits)*" * part.if_time
        cells = (f"{part.start}–{part.end}", title, follows, then)
        lines.append("| " + " | ".join(re.sub(r"(?<!\\)\|", r"\\|", cell) for cell in cells) + " |")
    for part in parts:
        said = [line for id in part.votes for line in _vote(find_prediction(id))]
        said += [_exercise(exercises[id]) for id in part.exercises if id in exercises]
        if part.notes or said:
            stop = "" if part.title.endswith(("?", "!", ".")) else "."
            lines += ["", f"**{part.start}–{part.end}, {part.title}{stop}** {part.notes}".rstrip(), ""]
            folded = ["<details><summary>Votes and slips</summary>", "", *said, "", "</details>"]
            lines += folded if said else []
    return [line for line, before in zip(lines, ["x", *lines]) if line or before]


def _what_to_cut(parts: list[Part], exercises: Mapping) -> list[str]:
    """A line for each length, up to the one in which everything fits."""
    lines = []
    for length in LENGTHS:
        skipped, home, left = cut(parts, exercises, length)
        said = [f"leave out {', '.join(f'“{part.title}”' for part in skipped)}"] if skipped else []
        said += [f"give home {', '.join(exercise.id for exercise in home)}"] if home else []
        rest = f"{left or 'no'} minute{'s' * (left > 1)} remain{'s' * (left < 2)} for questions"
        if left < 0:
            rest = f"and still {-left} minutes are missing: take two lectures"
        lines.append(f"- **In {length} minutes**: {'; '.join([*(said or ['everything']), rest])}.")
        if not said and left >= 0:
            break
    return lines


def _minutes(exercises: Sequence) -> int:
    return sum(exercise.minutes for exercise in exercises)


def _vote(asked: Prediction) -> list[str]:
    """The question with its lettered options, the answer, and the vote to expect with what to say to it."""
    letters, wrong = asked.letters, asked.usual_wrong
    options = " ".join(f"**{letter}** {_plain(option)}." for option, letter in letters.items())
    return [
        f"- *Vote*: {_one_line(asked.question)} {options}",
        f"  - *Answer*: {letters[asked.right]}. {_one_line(asked.sentences[asked.right])}",
        f"  - *Usual wrong vote*: {letters[wrong]}. {_one_line(asked.sentences[wrong])}",
    ]


def _exercise(exercise) -> str:
    """With the likeliest slip; its minutes stand in the table."""
    slips = getattr(exercise, "misconceptions", ())
    wrong = "".join(f". What goes wrong: “{_plain(m.message)}”" for m in slips[:1])
    return f"- *Exercise {exercise.id}, {exercise.title}*{wrong or '.'}"


def _follows(claim: Claim) -> str:
    return "beyond the sources" if claim.source.key == "course" else claim.section


def _title(cell) -> str:
    """The heading of a slide that opens a part, or nothing."""
    if cell.cell_type != "markdown" or slide_type(cell) not in ("slide", "subslide"):
        return ""
    heading = _HEADING.match(cell.source.lstrip())
    return heading[1].strip() if heading else ""


def _plain(text: str) -> str:
    """Text that is no Markdown, as Markdown on one line."""
    return re.sub(r"([\\*_`$<\[\]])", r"\\\1", _one_line(text))


def _one_line(text: str) -> str:
    return " ".join(text.split())
