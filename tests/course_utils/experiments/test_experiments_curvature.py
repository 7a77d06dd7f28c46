"""Chapter 4's experiments against closed forms."""

import numpy as np
import pytest

from course_utils.data.digits import digits
from course_utils.experiments import curvature as experiment
from course_utils.experiments import curvature_orders
from course_utils.theory import curvature, statistics

RNG = np.random.default_rng
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
    assert np.interp(curve.safe, curve.steps, curve.model) == pytest.approx(curve.loss[0], abs=1e-5)
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


def test_the_error_of_the_linearized_flow_is_a_square_for_tanh_and_constant_for_relu():
    errors = {
        f: [np.array(experiment.linearization_errors(f, size, [9, 12, 5], 10, RNG(0))) for size in (0.01, 0.02)]
        for f in ("tanh", "ReLU")
    }
    assert errors["tanh"][1] / errors["tanh"][0] == pytest.approx(4, rel=0.02)
    assert errors["ReLU"][1] == pytest.approx(errors["ReLU"][0]) and errors["ReLU"][0].min() > 0.1
    assert np.max(experiment.linearization_errors("linear", 1.0, [9, 12, 5], 3, RNG(0))) < 1e-15


def test_theorem_1_is_exact_for_straight_pieces_alone():
    for f in ("ReLU", "leaky ReLU", "ReLU6", "hard tanh"):
        assert experiment.theorem_1_errors(f, 10, RNG(1)).max() < 1e-12, f
    for f in ("ELU", "GELU", "tanh"):
        errors = experiment.theorem_1_errors(f, 10, RNG(1))
        assert errors.shape == (10, 3) and errors[:, 2].max() < 1e-12 and np.median(errors[:, :2]) > 0.05, f
    assert experiment.theorem_1_errors("ReLU", 10, RNG(1), "cross_entropy").max() < 1e-12
    printed = experiment.theorem_1_errors("ReLU", 10, RNG(1), widths=(4, 4, 4, 3), as_printed=True)
    assert printed.shape == (10, 2) and np.median(printed) > 0.1


@pytest.mark.parametrize("name", list(experiment.VARIANTS))
def test_slopes_and_curvatures_of_the_variants_are_differences_of_their_values(name):
    f, u, h = experiment.VARIANTS[name], np.array([-2.3, -0.7, 0.4, 0.9, 3.1, 7.2]), 1e-5
    assert f.slope(u) == pytest.approx((f.value(u + h) - f.value(u - h)) / (2 * h), abs=1e-8)
    assert f.curvature(u) == pytest.approx((f.slope(u + h) - f.slope(u - h)) / (2 * h), abs=1e-8)


def second_derivatives(net, u, by_u, k):
    P, Q = np.eye(u[k].size), np.zeros((u[k].size, u[k].size))
    for j in range(k, len(u) - 1):
        delta = by_u[j + 1] @ net.weights[j + 1]
        Q += P.T @ np.diag(net.sigma.curvature(u[j]) * delta) @ P
        P = net.weights[j + 1] @ np.diag(net.sigma.slope(u[j])) @ P
    return Q


def test_the_hessian_splits_and_a_wrong_second_part_is_seen():
    right = experiment.split_errors(second_derivatives, "tanh", 6, RNG(2))
    assert right.both.max() < 1e-12 and right.direction.max() < 1e-12 and right.share[:, :2].min() > 1e-4
    wrong = experiment.split_errors(lambda *given: 1.001 * second_derivatives(*given), "tanh", 6, RNG(2))
    assert wrong.both[:, :2].min() > 1e-8
    assert experiment.split_errors(second_derivatives, "linear", 3, RNG(2)).share.max() == 0
    with pytest.raises(ValueError, match="sigma must be one of tanh, sin, linear"):
        experiment.split_errors(second_derivatives, "GELU", 3, RNG(2))


@pytest.mark.parametrize("depth", [2, 3, 4, 6])
def test_both_parts_have_the_orders_that_counting_weights_gives(depth):
    found = curvature_orders.orders(depth, 10, RNG(3))
    k = np.arange(depth - 1)
    assert found.main == pytest.approx(np.full((10, depth - 1), 2 * (depth - 1)), abs=0.03)
    assert found.neglected == pytest.approx(np.tile(depth + 2 * k, (10, 1)), abs=0.03)


def test_what_is_neglected_is_linear_in_weights_biases_and_third_derivative_but_not_in_the_layers_own_bias():
    mean = {small: curvature_orders.neglected_orders(small, 10, RNG(4)).mean() for small in curvature_orders.SMALL}
    for small in ("f‴", "own weights", "biases"):
        assert mean[small] == pytest.approx(1, abs=0.05), small
    for small in ("own weights and bias", "own bias"):
        assert mean[small] == pytest.approx(0, abs=0.05), small
    # after the second layer no bias passes an activation
    assert curvature_orders.neglected_orders("own weights and bias", 10, RNG(4), layer=1).mean() > 0.9


def test_the_factorization_errs_by_a_cube_for_tanh_by_a_square_for_gelu_and_not_for_relu():
    for f, power in (("tanh", 3), ("GELU", 2)):
        small, large = (experiment.factorization_errors(f, size, 0.0, 10, RNG(5)) for size in (0.002, 0.004))
        assert np.log2(large / small).mean() == pytest.approx(power, abs=0.1)
    assert experiment.factorization_errors("ReLU", 1.0, 0.0, 10, RNG(5)).max() < 1e-14
    assert experiment.factorization_errors("ReLU", 1e-6, 1.0, 10, RNG(5)).min() > 0.01


def test_in_unit_norms_the_printed_bound_fails_only_above_1():
    printed, corrected = experiment.bound_clouds([4, 5, 2], "ReLU", 60, RNG(6), unit=True, scale=2.0)
    above = printed.exact > printed.bound * (1 + 1e-12)
    assert above.any() and printed.bound[above].min() > 1 and printed.kind == "printed (unit norms)"
    assert (corrected.exact <= corrected.bound * (1 + 1e-12)).all()
    small, _ = experiment.bound_clouds([4, 5, 2], "ReLU", 60, RNG(6), unit=True, scale=0.3)
    assert (small.exact <= small.bound * (1 + 1e-12)).all()


def test_norms_of_matrices_for_every_law_and_an_exact_one():
    for law, draw in experiment.LAWS.items():
        values = draw(RNG(7), (400, 500))
        assert values.shape == (400, 500) and values.mean() == pytest.approx(0, abs=0.02)
        if "Student" not in law:  # whose sample variance hardly converges
            assert values.var() == pytest.approx(1, rel=0.02)
    pairs = statistics.mean_interval(experiment.norm_ratios([(2, 2)], 20_000, RNG(8)) * 2 * 2**0.5)
    assert pairs.low < np.pi**0.5 < pairs.high and pairs.half < 0.02
    w = RNG(9).standard_normal((3, 7))
    found = experiment.norm_ratios([(3, 7)], 1, RNG(9))
    assert found[0, 0] == pytest.approx(np.linalg.norm(w, 2) / (3**0.5 + 7**0.5))


def test_the_step_that_is_chosen_arrives_where_the_curve_is():
    still, far = experiment.step_choice(0.0), experiment.step_choice(12.0, "He")
    assert still.after == still.loss[0] and far.after == far.loss[-1]
    net = curvature.random_net([64, 30, 30, 10], "tanh", "Glorot", RNG(5))
    images = digits()
    start = curvature.gradients(net, images.x[:300], images.y[:300], "cross_entropy").loss
    assert still.loss[0] == pytest.approx(start) and np.isnan(experiment.step_curve(net, images.x, images.y).yours)


def test_shapes():
    assert experiment.layer_shape(64, 64).ratio == pytest.approx(0.5)
    assert experiment.layer_shape(1, 4096).ratio == pytest.approx(0.696, abs=1e-3)
