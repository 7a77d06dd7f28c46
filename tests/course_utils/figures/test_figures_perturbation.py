"""Chapter 5's figures state what their data say, and its slider figures keep their limits."""

import numpy as np
import pytest

from course_utils.experiments import perturbation as experiment
from course_utils.figures import draw_panel, new_figure
from course_utils.figures import perturbation as draw
from course_utils.figures.slider import LiveFigure
from course_utils.theory import losses, perturbation, variance_laws

RNG = np.random.default_rng
LOSS = losses.Quadratic(1.0, np.array([1.0, -2.0]), np.eye(2))
THETA = np.zeros(2)
FOUND = perturbation.estimate(LOSS, THETA, 0.1, 500, RNG(0))
NET = losses.SoftmaxNet(RNG(0).normal(size=(16, 3)), RNG(1).integers(0, 2, 16), 3, 2)
RUNS = {
    method: [
        experiment.stochastic_descent(NET, NET.initial(RNG(s)), method, 0.1, 2, RNG(s), batch=8, looks=4)
        for s in (0, 1)
    ]
    for method in ("backprop", "node")
}
MEASURED = perturbation.measure_variance(LOSS, THETA, LOSS.g, 0.1, 2, 500, RNG(0), "signs", 5.0)
CASES = {
    "coordinates": (draw.coordinates, draw.Coordinates(FOUND, LOSS.g, LOSS.g)),
    "cloud": (draw.cloud, experiment.cloud()),
    "sigma_sweep": (
        draw.sigma_sweep,
        experiment.sigma_sweep(
            LOSS, LOSS.local(THETA), THETA, lambda s: LOSS.g, np.array([0.01, 0.1]), 100, ("baseline", "signs"), RNG(0)
        ),
    ),
    "cosine": (draw.cosine, experiment.cosine_curve()),
    "variances": (draw.variances, [MEASURED]),
    "losses per epoch": (draw.losses, draw.Runs(RUNS)),
    "losses per evaluation": (draw.losses, draw.Runs(RUNS, "evaluations")),
}


@pytest.mark.parametrize("function, data", CASES.values(), ids=list(CASES))
def test_every_figure_has_labels_a_finding_and_alternative_text(function, data):
    _, (ax,) = new_figure()
    text = draw_panel(function, ax, data)
    assert len(text) > 40 and text.endswith(".")
    assert ax.get_xlabel() and ax.get_ylabel() and ax.get_title("left")


def test_the_cloud_reports_the_law_and_what_it_leaves_out():
    data = experiment.cloud("no baseline", 0.05, 1)
    _, (ax,) = new_figure()
    text = draw_panel(draw.cloud, ax, data)
    outside = (np.abs(data.estimates) > 6).any(axis=1).sum()
    assert outside > 50 and f"{outside} lie outside" in text
    assert f"law {data.predicted:.2g}" in text


def test_the_coordinates_count_the_intervals_that_hold():
    far = draw.Coordinates(FOUND, LOSS.g + np.array([0, 100.0]), LOSS.g)
    _, (ax,) = new_figure()
    text = draw_panel(draw.coordinates, ax, far)
    assert "2 intervals hold the gradient of the smoothed loss, 1 that of the loss itself" in text


def test_the_cosine_names_the_draws_that_are_needed():
    data = experiment.cosine_curve(n=10**6, K=1000)
    _, (ax,) = new_figure()
    text = draw_panel(draw.cosine, ax, data)
    assert f"{variance_laws.cosine_law(1000, 10**6):.3f} at K = 1000" in text
    assert f"{variance_laws.draws_for_cosine(0.9, 10**6):,} draws" in text


@pytest.mark.parametrize(
    "function, compute, ends",
    [
        (
            draw.cosine,
            experiment.cosine_curve,
            [{"n": 10, "sigma": 0.0, "K": 1}, {"n": 10**6, "sigma": 3.0, "K": 10**7}],
        ),
        (
            draw.cloud,
            experiment.cloud,
            [{"kind": "no baseline", "sigma": 0.05}, {"kind": "orthogonal", "sigma": 2.0, "K": 2}],
        ),
    ],
)
def test_a_slider_keeps_its_limits(function, compute, ends):
    frames = []
    for choice in ends:
        _, (ax,) = new_figure()
        draw_panel(function, ax, compute(**choice))
        frames.append((ax.get_xlim(), ax.get_ylim(), ax.get_xlabel(), ax.get_ylabel()))
    assert frames[0] == frames[1]
    live = LiveFigure(function)
    first, _ = live.update(compute(**ends[0]))
    assert first != live.update(compute(**ends[1]))[0]
    assert first == live.update(compute(**ends[0]))[0]
