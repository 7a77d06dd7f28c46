"""Chapter 7's figures state what their data say, and its slider figures keep their limits."""

import numpy as np
import pytest

from course_utils.experiments import kernels as experiment
from course_utils.figures import draw_panel, new_figure
from course_utils.figures import kernels as draw
from course_utils.figures.slider import LiveFigure

RNG = np.random.default_rng
X = experiment.on_circle(np.array([0.0, 1.0, 2.5]))
STUDY = experiment.width_study([16, 32, 64], X, np.array([1.0, -1, 1]), X[:2], 3, 5, 1.0, RNG(0))
CURVE = experiment.learning_curve(lambda X: sum(experiment.even_and_odd(X)), [8, 16], 3, RNG(0), new=20)
LAYERS = experiment.layer_study([8, 32], X, 3, RNG(0))
CASES = {
    "kernel_curve": (draw.kernel_curve, experiment.kernel_curve()),
    "kernel_errors": (draw.kernel_errors, experiment.kernel_errors([16, 64], X, 4, RNG(0))),
    "paths": (draw.paths, draw.Paths(STUDY, np.linspace(0, 2, 6))),
    "distances": (draw.distances, STUDY),
    "circle_run": (draw.circle_run, experiment.circle_run(16, 10)),
    "circle_fit": (draw.circle_fit, experiment.circle_fit(8)),
    "learning": (draw.learning, CURVE),
    "layers": (draw.layers, LAYERS),
}


def text_of(function, data):
    _, (ax,) = new_figure()
    return draw_panel(function, ax, data), ax


@pytest.mark.parametrize("function, data", CASES.values(), ids=list(CASES))
def test_every_figure_has_labels_a_finding_and_alternative_text(function, data):
    text, ax = text_of(function, data)
    assert len(text) > 40 and text.endswith(".")
    assert ax.get_xlabel() and ax.get_ylabel() and ax.get_title("left")


def test_the_texts_carry_the_measured_numbers():
    curve = experiment.kernel_curve(64)
    largest = np.abs(curve.kernel - curve.limit).max()
    assert f"largest distance {largest:.3f}" in text_of(draw.kernel_curve, curve)[0]
    run = experiment.circle_run(16, 10)
    assert f"differ by {run.apart:.3f}" in text_of(draw.circle_run, run)[0]
    fit = experiment.circle_fit(8)
    assert f"leaves {fit.error:.2g}" in text_of(draw.circle_fit, fit)[0]
    assert f"with_bias {np.median(CURVE.with_bias[:, -1]):.2g}" in text_of(draw.learning, CURVE)[0]
    signs = np.sqrt(np.mean(LAYERS.error[4, :, -1] ** 2))
    assert f"signs {signs:.2g}" in text_of(draw.layers, LAYERS)[0]
    assert f"{STUDY.paths[2, -1]:.1f} at m = 64" in text_of(*CASES["paths"])[0]
    assert f"net, f₀ {np.median(STUDY.net_tangent[:, 0]):.2g} to" in text_of(draw.distances, STUDY)[0]


@pytest.mark.parametrize(
    "function, compute, ends",
    [
        (draw.kernel_curve, experiment.kernel_curve, [{"m": 4}, {"m": 2**14}]),
        (draw.circle_run, experiment.circle_run, [{"m": 8, "steps": 1}, {"m": 1024, "steps": 200}]),
        (draw.circle_fit, experiment.circle_fit, [{"n": 4, "bias": "without"}, {"n": 64, "bias": "with"}]),
    ],
)
def test_a_slider_keeps_its_limits(function, compute, ends):
    frames = []
    for choice in ends:
        _, ax = text_of(function, compute(**choice))
        frames.append((ax.get_xlim(), ax.get_ylim(), ax.get_xlabel(), ax.get_ylabel()))
    assert frames[0] == frames[1]
    live = LiveFigure(function)
    first, _ = live.update(compute(**ends[0]))
    assert first != live.update(compute(**ends[1]))[0]
    assert first == live.update(compute(**ends[0]))[0]
