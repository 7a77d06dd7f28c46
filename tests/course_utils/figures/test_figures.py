"""Figures carry their alternative text, are reproducible, and a slider draws what the static picture draws."""

import io
import re

import numpy as np
import pytest

from course_utils.experiments import sign_flips, taylor
from course_utils.figures import PANEL, Picture, draw_panel, new_figure, png, show
from course_utils.figures import sign_flips as draw_flips
from course_utils.figures import slider as widgets
from course_utils.figures import taylor as draw
from course_utils.theory import activations

CASES = {
    "envelope": (draw.envelope, taylor.tangent_envelope("tanh", 0.5, 1.5)),
    "tightness": (draw.tightness, taylor.tightness(np.geomspace(0.05, 8, 10))),
    "cloud": (draw.cloud, taylor.random_moves(activations.activation("tanh"), 20, 3, 60, np.random.default_rng(0))),
    "width_scaling": (
        draw.width_scaling,
        taylor.width_scaling(activations.activation("tanh"), [10, 100], 1.0, 3, 3, np.random.default_rng(0)),
    ),
    "plane": (draw_flips.plane, sign_flips.plane_move()),
    "tau_tradeoff": (
        draw_flips.tau_tradeoff,
        sign_flips.tau_tradeoff(1000, 1.0, np.geomspace(0.01, 1, 9), np.random.default_rng(0)),
    ),
    "gap_against_width": (
        draw_flips.gap_against_width,
        sign_flips.gap_against_width([100, 1000], 5, 2.0, 4, np.random.default_rng(0)),
    ),
}


@pytest.mark.parametrize("function, data", CASES.values(), ids=list(CASES))
def test_every_figure_has_labels_a_finding_and_alternative_text(function, data):
    _, (ax,) = new_figure()
    text = draw_panel(function, ax, data)
    assert len(text) > 40 and text.endswith(".")
    assert ax.get_xlabel() and ax.get_ylabel() and ax.get_title("left")


def test_the_picture_shows_its_alternative_text_and_nothing_unescaped():
    bundle = Picture(b"\x89PNG", 10, 'gap < bound & "tight"')._repr_mimebundle_()
    assert bundle["text/plain"].startswith("Figure. gap")
    assert 'alt="gap &lt; bound &amp; &quot;tight&quot;"' in bundle["text/html"]


def test_show_displays_one_image_with_a_panel_for_each_item(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    show(draw.envelope, CASES["envelope"][1], CASES["envelope"][1])
    (picture,) = shown
    assert picture.text.count("|") == 1
    assert picture.image.startswith(b"\x89PNG")


def test_a_drawing_function_without_alternative_text_is_refused():
    _, (ax,) = new_figure()
    with pytest.raises(TypeError, match="alternative text"):
        draw_panel(lambda ax, data: None, ax, None)


def test_pictures_are_reproducible():
    """Building twice must change nothing, images included."""

    def image():
        figure, (ax,) = new_figure()
        draw_panel(*CASES["envelope"][:1], ax, CASES["envelope"][1])
        return png(figure)

    assert image() == image()


def _pixels(image: bytes):
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(image)).convert("RGB")).astype(int)


def test_the_live_figure_equals_a_fresh_one():
    """Its kept background must not leave traces of earlier pictures, also after the limits have changed."""

    def other_limits(ax, data):
        draw.envelope(ax, data)
        ax.set_ylim(-1, 1)
        return "A picture with other limits."

    first, second = (taylor.tangent_envelope("tanh", 0.5, step) for step in (1.5, -2.0))
    live = widgets.LiveFigure(lambda ax, data: (other_limits if data is None else draw.envelope)(ax, data or first))
    start, _ = live.update(first)
    title = _pixels(start)[:25, :300]
    assert (title < 128).any(), "the first picture has no title"
    live.update(second)
    live.update(None)
    again, text = live.update(first)
    assert (_pixels(start) == _pixels(again)).all()
    assert "1.5" in text
    assert (_pixels(start) != _pixels(live.update(second)[0])).any()
    assert _pixels(start).shape == (int(PANEL[1] * 100), int(PANEL[0] * 100), 3)


def test_moving_a_control_changes_picture_and_caption(monkeypatch):
    import ipywidgets

    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    widgets.explore(
        taylor.tangent_envelope,
        draw.envelope,
        start={"z0": 0.9},
        sigma=["tanh", "sin"],
        z0=[-1.0, 0.0, 1.0],
        step=[0.5, 1.0, 2.0],
    )
    buttons, z0, slider, image, caption = shown[0].children
    assert isinstance(buttons, ipywidgets.ToggleButtons) and slider.value == 1.0 and z0.value == 1.0
    before = image.value, caption.value
    slider.value = 2.0
    assert image.value != before[0] and "step of 2" in caption.value
    buttons.value = "sin"
    assert caption.value.count("sin") and not re.search("tanh", caption.value)


@pytest.mark.parametrize("choices", [{}, {"step": []}])
def test_a_slider_without_values_is_refused(choices):
    with pytest.raises(ValueError, match="at least one argument"):
        widgets.explore(taylor.tangent_envelope, draw.envelope, **choices)


def test_a_start_for_an_unknown_argument_is_refused():
    with pytest.raises(ValueError, match="z9"):
        widgets.explore(taylor.tangent_envelope, draw.envelope, start={"z9": 1}, z0=[1.0])
