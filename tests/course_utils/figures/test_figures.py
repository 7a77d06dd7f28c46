"""Figures state what their data say, are reproducible, and a slider draws what the static picture draws."""

import importlib
import inspect
import io
import pkgutil
import re

import numpy as np
import pytest
from every_figure import FIGURES, SLIDERS, draw_1, draw_3, draw_6a, draw_6b, rates

from course_utils import figures
from course_utils.experiments import sign_flips as on_flips
from course_utils.experiments import taylor as on_taylor
from course_utils.figures import PANEL, Picture, draw_panel, new_figure, png, show
from course_utils.figures.slider import LiveFigure, Slider, explore, round_values
from course_utils.theory import moments


def drawn(function, data):
    _, ax = new_figure()
    return ax, draw_panel(function, ax, data)


def named(entry) -> str:
    return getattr(entry, "__module__", "").rpartition(".")[2] + "." + getattr(entry, "__name__", "")


@pytest.mark.parametrize("function, data, says", FIGURES, ids=[named(function) for function, *_ in FIGURES])
def test_every_figure_has_labels_a_finding_and_alternative_text_that_states_it(function, data, says):
    data = data()
    ax, text = drawn(function, data)
    assert len(text) > 40 and text.endswith(".")
    if function is not draw_6a.pairings:  # chords on circles: nothing to measure along an axis
        assert ax.get_xlabel() and ax.get_ylabel() and ax.get_title("left")
    else:
        assert len(ax.patches) == len(data)
    assert (says(data) if callable(says) else says) in f"{ax.get_title('left')}\n{text}"


def test_no_drawing_function_is_left_out():
    every = set()
    for info in pkgutil.iter_modules(figures.__path__):
        module = importlib.import_module(f"course_utils.figures.{info.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                every |= {function} if "ax" in inspect.signature(function).parameters else set()
    missing = sorted(named(function) for function in every - {function for function, *_ in FIGURES})
    assert every and missing == [], "without a line in FIGURES of every_figure.py"
    assert {function for function, *_ in FIGURES} == every


def test_crossing_chords_are_those_with_fewer_free_indices():
    """What the colours say: the sum of exponents is k + 1 exactly when no two chords cross."""
    for k in (1, 2, 3, 4):
        for pairing in moments.wick_pairings(k):
            chords = [sorted(pair) for pair in pairing.pairs]
            crossing = any(a < c < b < d for a, b in chords for c, d in chords)
            odd = any((b - a) % 2 == 0 for a, b in chords)
            assert (pairing.rows + pairing.columns == k + 1) == (not crossing and not odd)


@pytest.mark.parametrize("compute, function, choices", SLIDERS, ids=[named(function) for _, function, _ in SLIDERS])
def test_a_slider_keeps_its_limits_and_no_trace_of_earlier_pictures(compute, function, choices):
    low, high = (compute(**{name: ends[i] for name, ends in choices.items()}) for i in (0, 1))
    axes = [drawn(function, data)[0] for data in (low, high)]
    frames = [(ax.get_xlim(), ax.get_ylim(), ax.get_xlabel(), ax.get_ylabel()) for ax in axes]
    assert frames[0] == frames[1]
    live = LiveFigure(function)
    first, _ = live.update(low)
    assert first[:2] == b"\xff\xd8" and first != live.update(high)[0]
    assert first == live.update(low)[0]
    for ax, data in zip(axes, (low, high)):
        if function is draw_3.tail:
            assert data.bounds.lecture < ax.get_xlim()[1]
        elif function is draw_3.adversary:
            assert data.gains.max() < ax.get_ylim()[1] and data.k <= ax.get_xlim()[1]


def test_the_picture_shows_its_alternative_text_and_nothing_unescaped():
    bundle = Picture([(b"\x89PNG", 10, 'gap < bound & "tight"')])._repr_mimebundle_()
    assert bundle["text/plain"].startswith("Figure. gap")
    assert 'alt="gap &lt; bound &amp; &quot;tight&quot;"' in bundle["text/html"]


def test_show_displays_an_image_for_each_item_in_a_row_that_wraps(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    show(draw_1.envelope, *(on_taylor.tangent_envelope("tanh", 0.5, step) for step in (1.5, 2.5)))
    (picture,) = shown
    assert [image[:4] for image, _, _ in picture.panels] == [b"\x89PNG"] * 2
    bundle = picture._repr_mimebundle_()
    assert bundle["text/plain"].count("|") == 1 and bundle["text/html"].count("<img alt=") == 2
    assert "flex-wrap:wrap" in bundle["text/html"]


def test_a_title_wider_than_its_panel_is_broken_between_words(monkeypatch):
    drawn_axes = []

    def draw(ax, data):
        ax.set_title("a title of many words that is far too long for a panel beside others")
        drawn_axes.append(ax)
        return "a text"

    monkeypatch.setattr("IPython.display.display", lambda picture: None)
    show(draw, 1, 2)
    lines = drawn_axes[0].get_title("left").split("\n")
    assert len(lines) > 1 and " ".join(lines).endswith("panel beside others")


def test_a_drawing_function_without_alternative_text_is_refused():
    with pytest.raises(TypeError, match="alternative text"):
        drawn(lambda ax, data: None, None)


def test_pictures_are_reproducible_whatever_style_the_reader_has_chosen():
    """Building twice must change nothing; a dark style of the reader's would leave black words on black."""
    import matplotlib.pyplot as plt

    def images():
        figure, ax = new_figure()
        draw_panel(draw_1.envelope, ax, on_taylor.tangent_envelope("tanh", 0.5, 1.5))
        return png(figure), LiveFigure(draw_6b.rates).update(rates())

    plain = images()
    assert plain == images()
    with plt.style.context("dark_background"):
        assert plt.rcParams["text.color"] == "white"
        assert plain == images()
        assert plt.rcParams["text.color"] == "white", "the reader's own figures have lost their style"


def _pixels(image: bytes):
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(image)).convert("RGB")).astype(int)


def test_the_live_figure_equals_a_fresh_one():
    """Its kept background must not leave traces of earlier pictures, also after the limits have changed."""

    def draw(ax, data):
        text = draw_1.envelope(ax, data or first)
        if data is None:
            ax.set_ylim(-1, 1)
            ax.legend(["other limits"])
        return text

    first, second = (on_taylor.tangent_envelope("tanh", 0.5, step) for step in (1.5, -2.0))
    live = LiveFigure(draw)
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


def test_a_slider_does_not_gather_error_bars_in_its_legend():
    """What is removed from the axes between two moves must not come back in the legend."""
    live = LiveFigure(draw_6b.rates)
    for _ in range(3):
        live.update(rates())
    assert len(live.ax.get_legend().get_texts()) == 3


def test_moving_a_control_changes_picture_and_caption(monkeypatch):
    import ipywidgets

    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    explore(
        on_taylor.tangent_envelope,
        draw_1.envelope,
        start={"z0": 0.9},
        labels={"z0": "point z₀"},
        sigma=["tanh", "sin"],
        z0=[-1.0, 0.0, 1.0],
        step=[0.5, 1.0, 2.0],
    )
    buttons, z0, slider, image, caption = shown[0].children
    assert isinstance(buttons, ipywidgets.ToggleButtons) and slider.value == 1.0 and z0.value == 1.0
    assert [control.description for control in (buttons, z0, slider)] == ["sigma", "point z₀", "step"]
    before = image.value, caption.value
    slider.value = 2.0
    assert image.value != before[0] and "step of 2" in caption.value
    buttons.value = "sin"
    assert caption.value.count("sin") and not re.search("tanh", caption.value)


def test_a_sliders_values_are_round_and_say_so():
    assert round_values(0.05, 1.2) == [0.05, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2]
    assert round_values(3, 300, (1, 2, 5)) == [5, 10, 20, 50, 100, 200]
    slider = Slider.of(max, max, {"n": [-2, 9999, 16_384], "x": round_values(0.001, 0.003)}, {"n": 9000}, {})
    assert slider.controls["n"].words == ["−2", "9999", "16\u202f384"]
    assert slider.controls["x"].words == ["0.001", "0.0012", "0.0015", "0.002", "0.0025", "0.003"]
    assert slider.first == {"n": 9999, "x": 0.002} and slider.size == 18


REFUSED = {
    "no argument": ({}, "at least one argument"),
    "no values": ({"step": []}, "at least one argument"),
    "a start for another argument": ({"start": {"z9": 1}, "z0": [1.0]}, r"start names \['z9'\]"),
    "a label for another argument": ({"labels": {"z9": "z"}, "z0": [1.0]}, r"labels names \['z9'\]"),
    "a start that is no word": ({"start": {"kind": "z"}, "kind": ["x", "y"]}, "must be one of .*got 'z'"),
}


@pytest.mark.parametrize("choices, message", REFUSED.values(), ids=REFUSED)
def test_a_slider_that_cannot_start_is_refused(choices, message):
    with pytest.raises(ValueError, match=message):
        explore(on_flips.plane_move, draw_1.envelope, **choices)
