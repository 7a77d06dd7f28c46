"""Questions to a reader: predictions to commit to before a run, the reading after it, and the lines of a proof.

``predict(id)`` shows the options as a control and notes what is chosen, ``after(id)`` says the sentence of that option.
Without a kernel both are plain text, the reading folded. A choice is kept with the progress and has no points.
"""

from __future__ import annotations

import html
import re
from typing import Any

from course_utils.audience import shown
from course_utils.desk import progress
from course_utils.desk.output import display, say
from course_utils.exercises import Prediction, find
from course_utils.exercises.predictions import find_prediction

_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
_WRAP = "<style>.course-options label{white-space:normal;height:auto;line-height:1.4}</style>"
_read: set[str] = set()  # in this session: after that a choice is none


def markup(text: str) -> str:
    """Markdown of a sentence as HTML: *emphasis*, **strong**, `code`; formulas stay as they are."""
    done = []
    for part in re.split(r"(\$[^$]+\$|`[^`]+`)", text):
        if part.startswith("`"):
            done.append(f"<code>{html.escape(part[1:-1])}</code>")
        elif part.startswith("$"):
            done.append(html.escape(part))
        else:
            strong = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", html.escape(part))
            done.append(re.sub(r"\*([^*]+)\*", r"<em>\1</em>", strong))
    return "".join(done)


@shown
def predict(id: str) -> None:
    """Ask: a control of the options, of which the chosen one is noted. The last choice before :func:`after` counts.

    Raises:
        ValueError: for an id that no prediction has.
    """
    asked = find_prediction(id)
    lettered = [f"{letter}  {option}" for option, letter in asked.letters.items()]
    items = "".join(f"<li>{html.escape(option)}</li>" for option, _ in asked.options)
    display(
        {
            "text/plain": "\n".join([f"Predict. {asked.question}", *lettered]),
            "text/html": f'<div><strong>Predict.</strong> {markup(asked.question)}<ol type="A">{items}</ol></div>',
            **_control(asked),
        }
    )


def _control(asked: Prediction) -> dict[str, Any]:
    """The live control as a MIME type of its own; nothing where there are no widgets."""
    try:
        import ipywidgets as widgets
    except ImportError:
        return {}
    options = [option for option, _ in asked.options]
    before = chosen(asked.id)
    wide = widgets.Layout(width="100%", max_width="46em")
    question = widgets.HTMLMath(f"{_WRAP}<strong>Predict.</strong> {markup(asked.question)}", layout=wide)
    choice = widgets.RadioButtons(options=options, value=before, layout=wide).add_class("course-options")
    noted = widgets.HTML(_noted(asked.id, before), layout=wide)

    def note(change: Any) -> None:
        if asked.id not in _read:
            message = progress.record_choice(asked.id, change["new"], change["new"] == asked.right)
            noted.value = _noted(asked.id, change["new"]) + html.escape(message)

    choice.observe(note, names="value")
    box = widgets.VBox([question, choice, noted])
    return {_WIDGET_VIEW: {"version_major": 2, "version_minor": 0, "model_id": box.model_id}}


def _noted(id: str, choice: str | None) -> str:
    if choice is None:
        said = "Choose, then run the next cell."
    elif id in _read:
        said = f"You have read what the run says; your choice was “{choice}”."
    else:
        said = f"Noted: “{choice}”. Now run the next cell."
    return f'<span role="status">{html.escape(said)}</span>'


def chosen(id: str) -> str | None:
    """The option that the reader chose last, or None."""
    options = find_prediction(id).sentences
    choice = progress.choices().get(id, {}).get("choice")
    return choice if choice in options else None  # an option of a former version says nothing


@shown
def after(id: str) -> None:
    """Say what the run means: to the reader's choice its sentence, then the right one's; without a choice all, folded.

    Raises:
        ValueError: for an id that no prediction has.
    """
    asked, choice = find_prediction(id), chosen(id)
    _read.add(id)
    marks = {option: "✓" if option == asked.right else "✗" for option, _ in asked.options}
    every = [(f"{marks[option]} {option}", sentence) for option, sentence in asked.options]
    told = [pair for pair in every if choice is not None and pair[0][2:] in (choice, asked.right)]
    told.sort(key=lambda pair: pair[0][2:] != choice)
    open_part = "".join(f"<div><strong>{html.escape(option)}</strong>: {markup(said)}</div>" for option, said in told)
    rest = "".join(f"<li><strong>{html.escape(option)}</strong>: {markup(said)}</li>" for option, said in every)
    fold = "All answers" if told else "After the run"
    text = [f"{option}: {sentence}" for option, sentence in told or every]
    display(
        {
            "text/plain": "\n".join(["After the run", *text]),
            "text/html": f"<div>{open_part}<details><summary>{fold}</summary><ul>{rest}</ul></details></div>",
        }
    )


@shown
def proof_lines(id: str) -> None:
    """The lines of a proof as labelled cards, right ones and others.

    Raises:
        ValueError: for an exercise that is no proof of ordered lines.
    """
    exercise = find(id)
    if exercise.proof is None:
        raise ValueError(f"exercise {id} is no proof of ordered lines")
    cards = exercise.proof.cards
    rows = "".join(
        f'<tr><th scope="row">{label}</th><td style="text-align:left">{markup(text)}</td></tr>'
        for label, text in cards.items()
    )
    display(
        {
            "text/plain": "\n".join(f"{label}  {text}" for label, text in cards.items()),
            "text/html": f"<table><tbody>{rows}</tbody></table>",
        }
    )


@shown
def my_predictions() -> None:
    """How often the reader's predictions were right, and which questions surprised."""
    made, known = progress.choices(), []
    for id, entry in made.items():
        try:
            known.append((find_prediction(id), entry))
        except ValueError:  # of a former version
            continue
    if not known:
        say("No prediction yet: each chapter asks some before its runs.")
        return
    right = sum(entry.get("choice") == asked.right for asked, entry in known)
    surprised = [(asked, entry["choice"]) for asked, entry in known if entry.get("choice") != asked.right]
    line = f"{right} of {len(known)} predictions were right."
    if surprised:
        line += " What surprised you:"
    items = "".join(
        f"<li>Chapter {asked.id.partition('/')[0]}: {markup(asked.question)} You said “{html.escape(choice)}”; "
        f"it was “{html.escape(asked.right)}”.</li>"
        for asked, choice in surprised
    )
    text = [f"- {asked.question} You said “{choice}”; it was “{asked.right}”." for asked, choice in surprised]
    display({"text/plain": "\n".join([line, *text]), "text/html": f"<div>{line}<ul>{items}</ul></div>"})
