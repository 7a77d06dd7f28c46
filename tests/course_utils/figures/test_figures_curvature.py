"""Chapter 4's figures state what their data say, and its slider figures keep their limits."""

import numpy as np
import pytest

from course_utils.experiments import curvature as experiment
from course_utils.figures import curvature as draw
from course_utils.figures import draw_panel, new_figure
from course_utils.figures.slider import LiveFigure
from course_utils.theory import curvature

X, T = np.random.default_rng(0).standard_normal((12, 6)), np.arange(12) % 3
SCALES = np.array([0.1, 1.0])


def rng():
    return np.random.default_rng(0)


RUNS = tuple(
    experiment.train_scheme(s, 2, X, T, width=4, steps=4, seeds=2, checks=2) for s in ("Glorot", "He", "Hessian")
)
CASES = {
    "variance_flow": (draw.variance_flow, experiment.variance_flow("He", [6, 5, 3], "tanh", X, 3, rng())),
    "descent": (draw.descent, experiment.descent(0.5, 1.0)),
    "step_curve": (draw.step_curve, experiment.step_curve(curvature.random_net([6, 4, 3], "tanh", "He", rng()), X, T)),
    "relative": (draw.error_map, experiment.error_maps(SCALES, SCALES, [4, 5, 2], 3, rng())[0]),
    "absolute": (draw.error_map, experiment.error_maps(SCALES, SCALES, [4, 5, 2], 3, rng())[1]),
    "bound_cloud": (draw.bound_cloud, experiment.bound_clouds([4, 5, 2], "ReLU", 9, rng())[0]),
    "norm_sizes": (draw.norm_sizes, experiment.norm_sizes([3, 9], 4, rng())),
    "layer_shape": (draw.layer_shape, experiment.layer_shape()),
    "training": (draw.training, RUNS),
    "sharpness": (draw.sharpness, RUNS),
}


@pytest.mark.parametrize("function, data", CASES.values(), ids=list(CASES))
def test_every_figure_has_labels_a_finding_and_alternative_text(function, data):
    _, (ax,) = new_figure()
    text = draw_panel(function, ax, data)
    assert len(text) > 40 and text.endswith(".")
    assert ax.get_xlabel() and ax.get_ylabel() and ax.get_title("left")


@pytest.mark.parametrize("step, word", [(0.5, "shrinks"), (1.0, "arrives"), (2.0, "stays"), (2.5, "grows")])
def test_the_word_for_a_step_follows_the_product(step, word):
    _, (ax,) = new_figure()
    assert f"it {word}" in draw_panel(draw.descent, ax, experiment.descent(step, 1.0))


@pytest.mark.parametrize(
    "function, compute, ends",
    [
        (draw.descent, experiment.descent, [{"step": 0.1, "curvature": 0.5}, {"step": 2.5, "curvature": 2.0}]),
        (draw.layer_shape, experiment.layer_shape, [{"inputs": 4, "outputs": 1}, {"inputs": 1024, "outputs": 1024}]),
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
