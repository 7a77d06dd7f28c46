"""Sliders: they compute and draw by the same two functions as the static pictures, only again and quickly.

A :class:`Slider` is a value. A notebook makes a widget of it (:func:`explore`), the site a set of pictures.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

from course_utils.audience import shown
from course_utils.figures import PANEL, PIXELS_PER_INCH, course_style, draw_panel, jpeg, new_figure

#: The numbers of a decade in steps of about a quarter that are easiest to read (ISO 3, series R″10).
ROUND = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)


def round_values(low: float, high: float, decade: Sequence[float] = ROUND) -> list[float]:
    """The values from ``low`` to ``high``, both included, that are one of ``decade`` times a power of ten."""
    powers = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    values = [float(f"{digits}e{power}") for power in powers for digits in decade]
    return [value for value in values if low <= value <= high]


@dataclass(frozen=True)
class Control:
    """One argument of a slider: its label, the values it can take in order, and the number of the one to start with."""

    label: str
    values: list
    start: int

    @classmethod
    def of(cls, label: str, values: Sequence, start: Any) -> Control:
        """``start`` is a value near the one to start with; None: the middle one, or the first word."""
        control, values = cls(label, list(values), 0), list(values)
        if control.buttons:
            if start is not None and start not in values:
                raise ValueError(f"the start of {label!r} must be one of {values}, got {start!r}")
            number = 0 if start is None else values.index(start)
        elif start is None:
            number = len(values) // 2
        else:
            number = min(range(len(values)), key=lambda index: abs(values[index] - start))
        return replace(control, start=number)

    @property
    def buttons(self) -> bool:
        """Whether a reader chooses among words, and not along a scale of numbers."""
        return all(isinstance(value, str) for value in self.values)

    @property
    def words(self) -> list[str]:
        """The values as a reader sees them: 0.05, 16 384, −2."""
        return [_words(value) for value in self.values]


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value
    whole = isinstance(value, Integral) and abs(int(value)) >= 10_000
    return (f"{value:,}".replace(",", "\u202f") if whole else f"{value:.4g}").replace("-", "−")


@dataclass(frozen=True)
class Slider:
    """``draw(compute(name=value, ...))`` for all values of the controls, which are listed by argument."""

    compute: Callable[..., Any]
    draw: Callable[..., str]
    controls: dict[str, Control]

    @classmethod
    def of(cls, compute: Callable, draw: Callable, choices: dict[str, Sequence], start: dict, labels: dict) -> Slider:
        """What :func:`explore` shows, from the same arguments."""
        if not choices or not all(len(values) for values in choices.values()):
            raise ValueError(f"explore needs at least one argument with values, got {choices}")
        for what, named in (("start", start), ("labels", labels)):
            if unknown := sorted(named.keys() - choices.keys()):
                raise ValueError(f"{what} names {unknown}; the arguments are {sorted(choices)}")
        controls = {
            name: Control.of(labels.get(name, name.replace("_", " ")), values, start.get(name))
            for name, values in choices.items()
        }
        return cls(compute, draw, controls)

    @property
    def size(self) -> int:
        return math.prod(len(control.values) for control in self.controls.values())

    def arguments(self) -> Iterator[dict[str, Any]]:
        """The arguments of every picture; the last name varies fastest."""
        values = [control.values for control in self.controls.values()]
        return (dict(zip(self.controls, chosen)) for chosen in itertools.product(*values))

    @property
    def first(self) -> dict[str, Any]:
        """The arguments of the picture that the slider starts with."""
        return {name: control.values[control.start] for name, control in self.controls.items()}


class Redrawn:
    """A figure that is drawn again and again: its frame is kept, and only what moves is drawn anew.

    A full redraw of the axes costs some 40 ms, of which ticks and labels are most; it happens only when limits or
    labels change. Texts placed in axes coordinates count as labels. What a kept frame is, and how what moves comes on
    top of it, a subclass says: :class:`LiveFigure` in pixels, the site as SVG.
    """

    KEPT = 20  # frames, of which pixels take 0.8 MB each

    def __init__(self, draw: Callable[..., str]) -> None:
        self._draw = draw
        self.figure, self.ax = new_figure()
        self._titles = [self.ax.set_title("", loc=place) for place in ("left", "center", "right")]
        self._frames: dict[tuple, Any] = {}

    @course_style()
    def update(self, data: Any) -> tuple[Any, str]:
        """Draw ``data``; returns the picture and its alternative text."""
        ax, old = self.ax, self.ax.get_legend()
        for artist in (*ax.lines, *ax.collections, *ax.patches, *ax.texts, *([old] if old else [])):
            artist.remove()
        ax.containers.clear()  # error bars would come back in the legend, once more at each move
        ax.set_prop_cycle(None)
        text = draw_panel(self._draw, ax, data)
        labels = [text for text in ax.texts if text.get_transform() == ax.transAxes]
        others = [text for text in ax.texts if text not in labels]
        moving: list = [*ax.collections, *ax.patches, *ax.lines, *others, *self._titles]
        moving.sort(key=lambda artist: artist.get_zorder())
        if ax.get_legend() is not None:
            moving.append(ax.get_legend())
        frame = (
            ax.get_xlim(),
            ax.get_ylim(),
            ax.get_xlabel(),
            ax.get_ylabel(),
            ax.get_xscale(),
            ax.get_yscale(),
            *((text.get_text(), text.get_position(), text.get_color()) for text in labels),
        )
        if frame not in self._frames:
            if not self._frames:
                self.figure.canvas.draw()  # lets the layout find room for the title, once for all pictures
                self.figure.set_layout_engine("none")
            elif len(self._frames) == self.KEPT:
                del self._frames[next(iter(self._frames))]
            for artist in moving:
                artist.set_visible(False)
            self._frames[frame] = self._keep_frame()
            for artist in moving:
                artist.set_visible(True)
        return self._on_top(self._frames[frame], moving), text

    def _keep_frame(self) -> Any:
        """What is drawn now, when all that moves is hidden."""
        raise NotImplementedError

    def _on_top(self, frame: Any, moving: list) -> Any:
        """The picture: a frame that was kept, and above it the artists that move, in their order."""
        raise NotImplementedError


class LiveFigure(Redrawn):
    """A notebook's picture, as JPEG bytes."""

    def _keep_frame(self) -> Any:
        canvas: Any = self.figure.canvas
        canvas.draw()
        return canvas.copy_from_bbox(self.figure.bbox)

    def _on_top(self, frame: Any, moving: list) -> bytes:
        canvas: Any = self.figure.canvas
        canvas.restore_region(frame)
        for artist in moving:
            self.ax.draw_artist(artist)
        return jpeg(self.figure)


def explore(
    compute: Callable[..., Any],
    draw: Callable[..., str],
    *,
    start: dict[str, Any] | None = None,
    labels: dict[str, str] | None = None,
    **choices: Sequence,
) -> None:
    """Show ``draw(compute(name=value, ...))`` with one control for each name.

    Args:
        compute: a chapter's function that returns what ``draw`` draws.
        draw: a drawing function (see :mod:`course_utils.figures`).
        start: the value nearest to which a slider starts, or the word with which buttons do; default: the middle
            one, or the first.
        labels: what a control is called, "half-width τ"; default: the argument's name.
        choices: for each argument of ``compute`` the values it can take, in order: words become buttons, numbers a
            slider. Round ones can be read (:func:`round_values`).
    """
    show_slider(Slider.of(compute, draw, choices, start or {}, labels or {}))


@shown
def show_slider(slider: Slider) -> None:
    """Display the slider as a widget: its controls, the picture, and the picture's alternative text."""
    import ipywidgets as widgets
    from IPython.display import display

    live = LiveFigure(slider.draw)
    width = f"{PANEL[0] * PIXELS_PER_INCH:.0f}px"
    image = widgets.Image(format="jpeg", layout=widgets.Layout(width=width, max_width="100%"))
    caption = widgets.HTML()
    controls = {name: _widget(control) for name, control in slider.controls.items()}

    def redraw(_change=None) -> None:
        arguments = {name: control.value for name, control in controls.items()}
        image.value, text = live.update(slider.compute(**arguments))
        caption.value = f'<span role="status">{text}</span>'

    for control in controls.values():
        control.observe(redraw, names="value")
    redraw()
    display(widgets.VBox([*controls.values(), image, caption]))


def _widget(control: Control) -> Any:
    import ipywidgets as widgets

    known = {"options": list(zip(control.words, control.values)), "index": control.start, "description": control.label}
    style = {"description_width": "11em"}
    if control.buttons:
        return widgets.ToggleButtons(**known, style={**style, "button_width": "auto"})
    return widgets.SelectionSlider(**known, style=style, layout=widgets.Layout(width="600px", max_width="100%"))
