"""The figures of Chapter 6's training state what their data say, and its slider figures keep their limits."""

import numpy as np
import pytest

from course_utils.experiments import ldlt_training as experiment
from course_utils.figures import draw_panel, new_figure
from course_utils.figures import ldlt_training as draw
from course_utils.figures.slider import LiveFigure
from course_utils.theory import ldlt_stacks

RNG = np.random.default_rng
SCALES = tuple(ldlt_stacks.SCALES)
MEASURED = {name: ldlt_stacks.stack_variances(3, 8, factor, 4, RNG(0)) for name, factor in ldlt_stacks.SCALES.items()}
ONE = ldlt_stacks.first_gradients([0.1, 1.0, 10.0], 1, 8, 4, RNG(0))
DEEP = ldlt_stacks.first_gradients([0.1, 1.0, 10.0], 4, 8, 4, RNG(0))
LOSS = 0.65 + 0.01 * RNG(0).uniform(size=(3, 2, 5))
CURVES = experiment.RateCurves("Adam", 2, np.array([0.01, 0.1]), SCALES, LOSS)
NONE = np.zeros(2)
ROWS = [
    experiment.Comparison("SGD", 2, NONE, 0.02, 0.01, 0.03),
    experiment.Comparison("SGD", 8, NONE, -0.04, -0.06, -0.02),
    experiment.Comparison("Adam", 2, NONE, 0.01, -0.01, 0.03),
]
CASES = {
    "stacks": (draw.stacks, draw.Stacks(MEASURED, dict.fromkeys(SCALES, 0.5))),
    "gradient_sizes": (draw.gradient_sizes, ONE),
    "depths": (draw.depths, [ONE, DEEP]),
    "gain": (draw.gain, experiment.gain()),
    "rates": (draw.rates, CURVES),
    "higgs_rates": (draw.higgs_rates, CURVES),
    "contest": (draw.contest, draw.Contest("sqrt(2/n)", "10/sqrt(n)", ROWS)),
}


def text_and_axes(function, data):
    _, (ax,) = new_figure()
    return draw_panel(function, ax, data), ax


@pytest.mark.parametrize("function, data", CASES.values(), ids=list(CASES))
def test_every_figure_has_labels_a_finding_and_alternative_text(function, data):
    text, ax = text_and_axes(function, data)
    assert len(text) > 40 and text.endswith(".")
    assert ax.get_xlabel() and ax.get_ylabel() and ax.get_title("left")


def test_the_contest_counts_intervals_on_either_side():
    text, ax = text_and_axes(*CASES["contest"])
    assert ax.get_title("left") == "√2/√n is better in 1 of 3, worse in 1"
    assert "SGD 2: +2.0, SGD 8: -4.0, Adam 2: +1.0" in text


def test_rates_name_the_best_and_leave_out_what_diverged():
    loss = LOSS.copy()
    loss[0, 1, 3] = np.inf
    loss[1, 0] = 0.5
    text, ax = text_and_axes(draw.rates, CURVES._replace(loss=loss))
    assert "√2/√n 0.500 at rate 0.01" in text and "5 seeds" in text
    assert ax.get_title("left") == "Adam, 2 layers: √2/√n is lowest"
    lowest = LOSS[0, 0].mean()
    assert f"1/√n {lowest:.3f} at rate 0.01" in text


def test_depths_say_where_each_gradient_is_largest():
    text, _ = text_and_axes(draw.depths, [ONE, DEEP])
    peak = DEEP.factors[DEEP.absolute.mean(axis=0).argmax()]
    assert f"4 layers at {peak:.2g}" in text


@pytest.mark.parametrize("factor, gamma, depth", [(0.1, 1.0, 1), (10.0, 2.0, 16), (1.0, 1.62, 8)])
def test_the_gain_figure_keeps_its_limits(factor, gamma, depth):
    data = experiment.gain(factor, gamma, depth)
    text, ax = text_and_axes(draw.gain, data)
    assert ax.get_ylim() == (1e-7, 1e5)
    assert f"{data.lipschitz[depth]:.2g}" in text and f"{data.variance[depth]:.2g}" in ax.get_title("left")


def test_the_higgs_rates_keep_their_limits():
    for optimizer, rates in (("Adam", [0.0003, 0.3]), ("SGD", [0.01, 3.0])):
        _, ax = text_and_axes(draw.higgs_rates, CURVES._replace(optimizer=optimizer, rates=np.array(rates)))
        assert ax.get_xlim() == (2e-4, 4) and ax.get_ylim() == (0.61, 0.74)


def test_a_slider_does_not_gather_error_bars_in_its_legend():
    """What is removed from the axes between two moves must not come back in the legend."""
    live = LiveFigure(draw.rates)
    for _ in range(3):
        live.update(CURVES)
    assert len(live._ax.get_legend().get_texts()) == len(SCALES)
