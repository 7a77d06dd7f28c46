"""Chapter 4's experiments against closed forms."""

import numpy as np
import pytest

from course_utils.experiments import curvature as experiment
from course_utils.theory import curvature, statistics

X, T = np.random.default_rng(0).standard_normal((20, 6)), np.arange(20) % 3


def test_a_linear_square_stack_keeps_its_variance_under_glorot():
    flow = experiment.variance_flow("Glorot", [50, 50, 50], "linear", np.ones((1, 50)), 400, np.random.default_rng(0))
    for rows, end in ((flow.forward, -1), (flow.backward, 0)):
        estimate = statistics.mean_interval(rows[:, end])
        assert estimate.low < 1 < estimate.high and estimate.high - estimate.low < 0.15
    assert (flow.forward[:, 0] == 1).all() and (flow.backward[:, -1] == 1).all()


def test_the_flow_of_a_skewed_layer_has_both_factors():
    flow = experiment.variance_flow("He", [80, 20], "linear", np.ones((1, 80)), 4000, np.random.default_rng(0))
    assert flow.forward[:, -1].mean() == pytest.approx(2, rel=0.05)
    assert flow.backward[:, 0].mean() == pytest.approx(20 * 2 / 80, rel=0.05)


def test_descent():
    assert experiment.descent(0.5, 2.0).path[1:] == pytest.approx(np.zeros(8))
    assert experiment.descent(2.0, 1.0, 3).path == pytest.approx([1, -1, 1, -1])


def test_the_model_of_a_step_returns_to_its_start_and_osculates():
    net = curvature.random_net([6, 5, 3], "tanh", "Glorot", np.random.default_rng(0))
    curve = experiment.step_curve(net, X, T, steps=4001)
    assert np.interp(curve.safe, curve.steps, curve.model) == pytest.approx(curve.start, abs=1e-5)
    assert curve.guarantee <= curve.safe
    gap = np.abs(curve.loss - curve.model)
    assert gap[0] < 1e-15 and gap[20] < 1.2e-3 * curve.steps[20] ** 2  # what is left is of third order
    assert gap[20] / gap[10] == pytest.approx(8, rel=0.1)


def test_maps_vanish_absolutely_and_not_relatively():
    scales = np.array([0.01, 0.1])
    relative, absolute = experiment.error_maps(scales, scales, [4, 5, 4, 2], 5, np.random.default_rng(0))
    assert relative.error.shape == (2, 2) and absolute.kind == "absolute"
    assert absolute.error[0, 0] < absolute.error[1, 1] / 100 and relative.error[0, 0] > 0.9
    fitted, _ = experiment.error_maps(scales, scales, [4, 5, 4, 2], 5, np.random.default_rng(0), residual=1e-6)
    assert fitted.error[0, 1] < 0.01


def test_clouds_and_norms():
    printed, corrected = experiment.bound_clouds([4, 5, 2], "ReLU", 30, np.random.default_rng(0))
    assert (corrected.exact <= corrected.bound * (1 + 1e-12)).all() and (printed.exact > printed.bound).any()
    sizes = experiment.norm_sizes([20, 80], 60, np.random.default_rng(0))
    assert sizes.ratio.mean(axis=0) == pytest.approx(sizes.predicted, rel=0.02)
    assert experiment.expected_norm(5, 30) == experiment.expected_norm(30, 5)


def test_shapes():
    assert experiment.layer_shape(64, 64).ratio == pytest.approx(0.5)
    assert experiment.layer_shape(1, 4096).ratio == pytest.approx(0.696, abs=1e-3)
