"""Chapter 3's figures state what their data say, and its slider figures keep their limits."""

import numpy as np
import pytest

from course_utils.experiments import concentration as experiment
from course_utils.figures import concentration as draw
from course_utils.figures import draw_panel, new_figure
from course_utils.figures.slider import LiveFigure

RNG = np.random.default_rng(0)
CASES = {
    "mgf": (draw.mgf, experiment.mgf_curves([0.5, 0.04])),
    "tail": (draw.tail, experiment.tail_curve(0.05, 0.05)),
    "coverage": (draw.coverage, experiment.coverage_grid([100], [0.05, 0.5], [0.05, 0.001], 2000, RNG)),
    "adversary": (draw.adversary, experiment.adversary_curve(300)),
    "approach": (draw.approach, experiment.worst_case_scaling([100, 1000], [1.0, 3.0], 3, RNG)),
    "rates": (draw.rates, experiment.width_rates([64, 256], np.eye(2), np.array([1.0, -1.0]), 2, RNG)),
}


@pytest.mark.parametrize("function, data", CASES.values(), ids=list(CASES))
def test_every_figure_has_labels_a_finding_and_alternative_text(function, data):
    _, (ax,) = new_figure()
    text = draw_panel(function, ax, data)
    assert len(text) > 40 and text.endswith(".")
    assert ax.get_xlabel() and ax.get_ylabel() and ax.get_title("left")


def test_the_tail_names_the_bounds_of_the_lectures_example():
    _, (ax,) = new_figure()
    text = draw_panel(draw.tail, ax, experiment.tail_curve(0.05, 0.05, m=10_000))
    assert "Lemma 4.2 673, Hoeffding 521, Bernstein 448, Chernoff 448, exact 431" in text


def test_the_adversary_reports_the_chosen_and_the_best_number():
    data = experiment.adversary_curve(1000)
    _, (ax,) = new_figure()
    text = draw_panel(draw.adversary, ax, data)
    best = int(np.argmax(data.gains))
    assert f"k = 1000 gains {data.gains[999]:.1f}" in text
    assert f"best k = {data.ks[best]} gains {data.gains[best]:.1f}" in text


@pytest.mark.parametrize(
    "function, compute, ends",
    [
        (draw.tail, experiment.tail_curve, [{"tau": 0.02, "delta": 0.5}, {"tau": 0.36, "delta": 0.0001}]),
        (draw.adversary, experiment.adversary_curve, [{"k": 20, "B": 0.5}, {"k": 1200, "B": 5.0}]),
    ],
)
def test_a_slider_keeps_its_limits_and_everything_inside_them(function, compute, ends):
    frames = []
    for choice in ends:
        _, (ax,) = new_figure()
        data = compute(**choice)
        draw_panel(function, ax, data)
        frames.append((ax.get_xlim(), ax.get_ylim(), ax.get_xlabel(), ax.get_ylabel()))
        if function is draw.tail:
            assert data.bounds.lecture < ax.get_xlim()[1]
        else:
            assert data.gains.max() < ax.get_ylim()[1] and data.k <= ax.get_xlim()[1]
    assert frames[0] == frames[1]
    live = LiveFigure(function)
    first, _ = live.update(compute(**ends[0]))
    assert first != live.update(compute(**ends[1]))[0]
    assert first == live.update(compute(**ends[0]))[0]
