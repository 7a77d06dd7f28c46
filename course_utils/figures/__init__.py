"""The one path for a figure: style, colours, bands and alternative text.

A *drawing function* takes an Axes and the data that a chapter's function returned, draws them, and returns the
alternative text. :func:`show` displays one or more panels; :func:`course_utils.figures.slider.explore` calls the same
drawing function again for a slider. Each chapter's drawing functions live in their own module of this package.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import TYPE_CHECKING, Any

from course_utils.audience import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Draw = Callable[[Axes, Any], str]

# Okabe and Ito's palette, which readers with any colour vision can tell apart.
THEORY = "#000000"
MEASURED = "#0072B2"
WORST = "#D55E00"
ALLOWED = "#E69F00"
SECOND = "#009E73"
THIRD = "#CC79A7"
MUTED = "#8C8C8C"
CYCLE = [MEASURED, WORST, SECOND, THIRD, ALLOWED, "#56B4E9", THEORY]

STYLE = {
    "axes.prop_cycle": "cycler('color', %r)" % CYCLE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titley": 1.0,  # fixed: matplotlib's own search for a place fails while a slider hides the title
    "axes.labelsize": 10,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "font.size": 9.5,
    "font.family": "DejaVu Sans",
    "figure.facecolor": "white",
}

PANEL = (5.6, 3.4)  # inches of a figure with one panel
SIDE_BY_SIDE = (3.7, 3.1)  # of one of several, which stand in a row where there is room
PIXELS_PER_INCH = 100


@contextmanager
def course_style(changes: bool = True) -> Iterator[None]:
    """Matplotlib's own defaults, whatever style the user has chosen, with the course's :data:`STYLE` on top."""
    from matplotlib import rc_context, rcParams

    # Only what differs: setting a parameter is slow, and a slider comes here twice for each of its pictures.
    differing: dict[Any, Any] = {name: value for name, value in _parameters(changes).items() if rcParams[name] != value}
    with rc_context(differing) if differing else nullcontext():
        yield


@cache
def _parameters(changes: bool) -> dict[Any, Any]:
    from matplotlib import RcParams, rcParamsDefault

    parameters = RcParams({**rcParamsDefault, **(STYLE if changes else {})})
    return {name: parameters[name] for name in parameters if name != "backend"}  # merely read, it would be chosen


@course_style()
def new_figure(panel: tuple[float, float] = PANEL) -> tuple[Figure, Axes]:
    """A figure with its one panel, without pyplot and its global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=panel, dpi=PIXELS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


@course_style()
def draw_panel(draw: Draw, ax: Axes, data: Any) -> str:
    """Draw in the course's style; returns the alternative text."""
    text = draw(ax, data)
    if not isinstance(text, str) or not text.strip():
        raise TypeError(f"{draw.__name__} must return the figure's alternative text, got {text!r}")
    return text


def pixels(figure: Figure):
    """What is drawn on the figure's canvas, as a PIL image without transparency."""
    import numpy as np
    from PIL import Image

    return Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")


@course_style(changes=False)  # ticks are made when they are first drawn; in stored pictures they are matplotlib's own
def png(figure: Figure, scale: int = 2, colours: int = 64) -> bytes:
    """The figure as PNG for a stored notebook; the reduced palette makes it four times smaller."""
    figure.set_dpi(PIXELS_PER_INCH * scale)
    figure.canvas.draw()
    buffer = io.BytesIO()
    pixels(figure).quantize(colours).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def jpeg(figure: Figure) -> bytes:
    """What is drawn already, as JPEG for a slider: 1 ms where PNG takes 9, and no colour is blurred."""
    buffer = io.BytesIO()
    pixels(figure).save(buffer, "jpeg", quality=92, subsampling=0)
    return buffer.getvalue()


class Picture:
    """A figure as a notebook shows it: an image for each panel, in a row that wraps, each with its alternative text."""

    def __init__(self, panels: list[tuple[bytes, int, str]]) -> None:
        self.panels = panels  # the image as PNG, its width in pixels, its alternative text

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        tags = "".join(
            f'<img alt="{html.escape(text)}" style="max-width:100%;height:auto" width="{width}" '
            f'src="data:image/png;base64,{base64.b64encode(image).decode()}">'
            for image, width, text in self.panels
        )
        row = f'<div class="panels" style="display:flex;flex-wrap:wrap;gap:4px 12px">{tags}</div>'
        text = " | ".join(text for _, _, text in self.panels)
        return {"text/plain": f"Figure. {text}", "text/html": row if len(self.panels) > 1 else tags}


@shown
def show(draw: Draw, *data: Any, panel: tuple[float, float] = PANEL) -> None:
    """Display one panel for each of ``data``, drawn by the same function."""
    from IPython.display import display

    size = panel if len(data) == 1 else SIDE_BY_SIDE
    panels = []
    for item in data:
        figure, ax = new_figure(size)
        text = draw_panel(draw, ax, item)
        _break_titles(figure, ax)
        panels.append((png(figure), int(size[0] * PIXELS_PER_INCH), text))
    display(Picture(panels))


@course_style()
def _break_titles(figure: Figure, ax: Axes) -> None:
    """Break a title that is wider than its axes."""
    canvas: Any = figure.canvas
    room = 0.84 * figure.bbox.width  # the rest is for the labels of the other axis
    for title in (ax.title, ax._left_title, ax._right_title):  # type: ignore[attr-defined]
        lines: list[str] = []
        for word in title.get_text().split(" "):
            title.set_text(f"{lines[-1]} {word}" if lines else word)
            if lines and title.get_window_extent(canvas.get_renderer()).width <= room:
                lines[-1] += f" {word}"
            else:
                lines.append(word)
        title.set_text("\n".join(lines))


def band(ax: Axes, x, rows, colour: str, label: str) -> None:
    """Median of repetitions (rows) over ``x`` with the band that holds the middle 80 % of them."""
    import numpy as np

    low, middle, high = np.quantile(rows, [0.1, 0.5, 0.9], axis=0)
    ax.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    ax.plot(x, middle, "o", color=colour, markersize=4, label=label)


def agreement(error: float, exactly: str = "equal to the course's") -> str:
    """How far a reader's result is from the course's, in words; rounding in another order leaves nine digits."""
    return exactly if error < 1e-9 else f"within {100 * error:.2g} % of the course's"


def __getattr__(name: str):
    """What :mod:`course_utils.figures.slider` has for chapters, fetched when asked for: it imports this module."""
    if name == "explore":
        from course_utils.figures.slider import explore as found
    elif name == "round_values":
        from course_utils.figures.slider import round_values as found
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return found
