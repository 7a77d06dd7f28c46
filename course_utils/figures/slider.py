"""Sliders: they compute and draw by the same two functions as the static pictures, only again and quickly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from course_utils.figures import PANEL, PIXELS_PER_INCH, draw_panel, jpeg, new_figure


class LiveFigure:
    """A figure that is redrawn often: axes, ticks and labels are kept as pixels while the data artists change.

    A full redraw of the axes costs some 40 ms, of which ticks and labels are most; it happens only when limits or
    labels change. Texts placed in axes coordinates count as labels.
    """

    def __init__(self, draw: Callable[..., str]) -> None:
        self._draw = draw
        self._figure, (self._ax,) = new_figure()
        self._frame: tuple | None = None
        self._background = None

    def update(self, data: Any) -> tuple[bytes, str]:
        """Draw ``data``; returns the picture as JPEG bytes and its alternative text."""
        ax, canvas = self._ax, self._figure.canvas
        for artist in (*ax.lines, *ax.collections, *ax.patches, *ax.texts):
            artist.remove()
        ax.containers.clear()  # error bars would come back in the legend, once more at each move
        ax.set_prop_cycle(None)
        text = draw_panel(self._draw, ax, data)
        titles = (ax.title, ax._left_title, ax._right_title)
        labels = [text for text in ax.texts if text.get_transform() == ax.transAxes]
        moving = [*ax.collections, *ax.patches, *ax.lines, *(t for t in ax.texts if t not in labels), *titles]
        frame = (
            ax.get_xlim(),
            ax.get_ylim(),
            ax.get_xlabel(),
            ax.get_ylabel(),
            ax.get_xscale(),
            ax.get_yscale(),
            *((text.get_text(), text.get_position(), text.get_color()) for text in labels),
        )
        if frame != self._frame:
            canvas.draw()  # lets the layout find room for the title
            self._figure.set_layout_engine("none")
            for artist in moving:
                artist.set_visible(False)
            canvas.draw()
            self._background, self._frame = canvas.copy_from_bbox(self._figure.bbox), frame
            for artist in moving:
                artist.set_visible(True)
        canvas.restore_region(self._background)
        for artist in sorted(moving, key=lambda artist: artist.get_zorder()):
            ax.draw_artist(artist)
        if ax.get_legend() is not None:
            ax.draw_artist(ax.get_legend())
        return jpeg(self._figure), text


def explore(
    compute: Callable[..., Any], draw: Callable[..., str], *, start: dict[str, Any] | None = None, **choices: Sequence
) -> None:
    """Show ``draw(compute(name=value, ...))`` with one control for each name.

    Args:
        compute: a chapter's function that returns what ``draw`` draws.
        draw: a drawing function (see :mod:`course_utils.figures`).
        start: the value nearest to which a slider starts, or the word with which buttons do; default: the middle
            one, or the first.
        choices: for each argument of ``compute`` the values it can take, in order: words become buttons, numbers a
            slider.

    Raises:
        ValueError: if there is no choice, or one without values, or a start for an argument without choices.
    """
    import ipywidgets as widgets
    from IPython.display import display

    if not choices or not all(len(values) for values in choices.values()):
        raise ValueError(f"explore needs at least one argument with values, got {choices}")
    start = start or {}
    if not start.keys() <= choices.keys():
        raise ValueError(f"start names {sorted(start.keys() - choices.keys())}; the arguments are {sorted(choices)}")
    live = LiveFigure(draw)
    width = f"{PANEL[0] * PIXELS_PER_INCH:.0f}px"
    image = widgets.Image(format="jpeg", layout=widgets.Layout(width=width, max_width="100%"))
    caption = widgets.HTML()
    controls = {name: _control(name, list(values), start.get(name)) for name, values in choices.items()}

    def redraw(_change=None) -> None:
        image.value, text = live.update(compute(**{name: control.value for name, control in controls.items()}))
        caption.value = f'<span role="status">{text}</span>'

    for control in controls.values():
        control.observe(redraw, names="value")
    redraw()
    display(widgets.VBox([*controls.values(), image, caption]))


def _control(name: str, values: list, start: Any):
    import ipywidgets as widgets

    layout = widgets.Layout(width="540px")
    label = name.replace("_", " ")
    if all(isinstance(value, str) for value in values):
        style = {"button_width": "auto"}
        return widgets.ToggleButtons(options=values, value=start or values[0], description=label, style=style)
    options = [(f"{value:.4g}", value) for value in values]
    index = len(values) // 2 if start is None else min(range(len(values)), key=lambda i: abs(values[i] - start))
    return widgets.SelectionSlider(options=options, index=index, description=label, layout=layout)
