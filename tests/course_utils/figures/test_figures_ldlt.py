"""Chapter 6's figures state what their data say, and its slider figures keep their limits."""

import numpy as np
import pytest

from course_utils.experiments import ldlt as experiment
from course_utils.figures import draw_panel, new_figure
from course_utils.figures import ldlt as draw
from course_utils.figures.slider import LiveFigure
from course_utils.theory import moments

S = np.array([0.5, 1.0, 2.0])
GRID = experiment.size_grid((2, 3), 0.1, 500, np.random.default_rng(0))
CASES = {
    "singular": (draw.singular, draw.Singular(S, 2 * S / np.sqrt(1 + S**2), 1.0, 2.0)),
    "spectrum": (draw.spectrum, experiment.spectrum(4, 4)),
    "variance curve": (draw.variance_curve, experiment.variance_curve(6, 9)),
    "moment curve": (draw.moment_curve, experiment.moment_curve(6, 9, 0.5)),
    "shape curve": (draw.shape_curve, experiment.shape_curve(1.0)),
    "exact": (draw.size_grid, draw.Differences(GRID, "exact")),
    "series": (draw.size_grid, draw.Differences(GRID, "series")),
}


def text_of(function, data):
    _, (ax,) = new_figure()
    return ax, draw_panel(function, ax, data)


@pytest.mark.parametrize("function, data", CASES.values(), ids=list(CASES))
def test_every_figure_has_labels_a_finding_and_alternative_text(function, data):
    ax, text = text_of(function, data)
    assert len(text) > 40 and text.endswith(".")
    assert ax.get_xlabel() and ax.get_ylabel() and ax.get_title("left")


@pytest.mark.parametrize(
    "k, says",
    [
        (1, "All pairings of 2 factors on a circle, 1 of 1 without crossing chords: 1 of mn."),
        (2, "2 of 3 without crossing chords: 1 of mn², 1 of mn, 1 of m²n."),
        (3, "5 of 15"),
    ],
)
def test_pairings_are_counted(k, says):
    ax, text = text_of(draw.pairings, list(moments.wick_pairings(k)))
    assert says in text
    assert len(ax.patches) == len(list(moments.wick_pairings(k)))


def test_crossing_chords_are_those_with_fewer_free_indices():
    """What the colours say: the sum of exponents is k + 1 exactly when no two chords cross."""
    for k in (1, 2, 3, 4):
        for pairing in moments.wick_pairings(k):
            chords = [sorted(pair) for pair in pairing.pairs]
            crossing = any(a < c < b < d for a, b in chords for c, d in chords)
            odd = any((b - a) % 2 == 0 for a, b in chords)
            assert (pairing.rows + pairing.columns == k + 1) == (not crossing and not odd)


def test_the_spectrum_says_how_far_it_is_from_its_limit():
    assert "0.80 at 0 where large layers have 0.64" in text_of(draw.spectrum, experiment.spectrum(1, 1))[1]


def test_the_grid_counts_what_lies_inside():
    spoilt = GRID._replace(exact=GRID.exact + np.array([[1.0, 0], [0, 0]]))
    assert "3 of 4 within" in text_of(draw.size_grid, draw.Differences(spoilt, "exact"))[0].get_title("left")


@pytest.mark.parametrize(
    "function, compute",
    [
        (draw.variance_curve, lambda n: experiment.variance_curve(n, n, 0.5)),
        (draw.moment_curve, lambda n: experiment.moment_curve(n, n, 0.5)),
    ],
)
def test_limits_stay_while_a_slider_moves(function, compute):
    live = LiveFigure(function)
    frames = []
    for n in (1, 8, 3):
        picture, text = live.update(compute(n))
        assert picture[:2] == b"\xff\xd8" and f"{n} by {n}" in text
        frames.append((live._ax.get_xlim(), live._ax.get_ylim()))
    assert len(set(frames)) == 1
