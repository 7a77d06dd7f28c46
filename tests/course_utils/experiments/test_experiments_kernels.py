"""Chapter 7's experiments on data, spheres and circles."""

import numpy as np
import pytest

from course_utils.experiments import kernels as experiment
from course_utils.theory import kernel_training, kernels, networks
from course_utils.theory.networks import gaussian_init
from course_utils.theory.statistics import power_law_slope

RNG = np.random.default_rng


def sphere(n, d, rng):
    X = rng.standard_normal((n, d))
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def test_the_kernel_on_the_circle_has_one_odd_frequency():
    n = 1 << 12
    kernel = kernels.limit_kernel(
        experiment.on_circle(np.zeros(1)), experiment.on_circle(2 * np.pi * np.arange(n) / n)
    )[0]
    found = np.fft.rfft(kernel).real / n
    found[1:] *= 2
    k = np.arange(12)
    coefficients, even = np.zeros(12), k % 2 == 0
    coefficients[even] = ((k[even] - 1.0) ** -2 + (k[even] + 1.0) ** -2) / np.pi**2
    coefficients[0] /= 2  # the constant counts once
    coefficients[1] = 1 / 4  # and no other odd frequency
    np.testing.assert_allclose(coefficients, found[:12], atol=1e-6)


def test_kernel_errors_fall_as_the_root_of_the_width():
    found = experiment.kernel_errors([64, 256, 1024, 4096], sphere(12, 3, RNG(0)), 40, RNG(1))
    slope = power_law_slope(found.widths, found.error)
    assert slope.low <= -0.5 <= slope.high and slope.high - slope.low < 0.1
    np.testing.assert_allclose(np.sqrt(np.mean(found.error**2, axis=0)), found.law, rtol=0.2)


def test_wide_nets_approach_the_limit_and_travel_equally_far():
    rng = RNG(0)
    X, y, X_new = sphere(6, 5, rng), rng.choice([-1.0, 1.0], 6), sphere(20, 5, rng)
    study = experiment.width_study([64, 512, 4096], X, y, X_new, 12, 40, 3.0, rng)
    for distance in (study.net_tangent, study.tangent_limit, study.net_limit):
        medians = np.median(distance, axis=0)
        assert medians[2] < medians[1] / 2 < medians[0] / 4
    moved = np.sqrt(np.mean(study.movement**2, axis=0))
    np.testing.assert_allclose(moved, kernel_training.expected_movement(X, y, 40, 3.0), rtol=0.3)
    assert (
        (study.gap <= study.lemma).all()
        and (study.gap_seen <= study.lemma).all()
        and (study.worst <= study.lemma).all()
    )
    assert study.paths.shape == (3, 41)
    np.testing.assert_allclose(study.paths[:, -1], moved)
    np.testing.assert_allclose(study.relative * np.sqrt(5 * study.widths) / study.movement, 1, rtol=0.2)


def test_the_gap_of_the_study_is_that_of_chapter_2():
    from course_utils.theory.sign_flips import direct_gap

    rng = RNG(0)
    X, y, X_new = sphere(3, 4, rng), np.array([1.0, -1, 1]), sphere(1, 4, rng)
    study = experiment.width_study([200], X, y, X_new, 1, 20, 3.0, RNG(5))
    init = gaussian_init(200, 4, RNG(5))
    W = networks.train_first_layer(init, X, y, 20, 3.0).W
    new, *seen = (direct_gap(init.W0, W, x, init.a) / np.sqrt(200) for x in (X_new[0], *X))
    assert study.gap[0, 0] == pytest.approx(abs(new))
    assert study.gap_seen[0, 0] == pytest.approx(np.sqrt(np.mean(np.square(seen))))


def test_two_digits_are_unit_vectors_with_signs():
    data = experiment.two_digits(3, 8, 30)
    assert data.X.shape == (30, 64) and data.X_new.shape[1] == 64
    for X, y in ((data.X, data.y), (data.X_new, data.y_new)):
        np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1)
        assert set(y) == {-1.0, 1.0} and len(X) == len(y)
    np.testing.assert_array_equal(experiment.two_digits(8, 3, 30).y, -data.y)


def test_the_two_targets_are_orthonormal_and_nonlinear():
    X = sphere(400_000, 3, RNG(0))
    even, odd = experiment.even_and_odd(X)
    columns = np.column_stack([even, odd, X, np.ones(len(X))])
    products = columns.T @ columns / len(X)
    np.testing.assert_allclose(products[:2], np.eye(6)[:2], atol=0.02)
    np.testing.assert_allclose(experiment.even_and_odd(-X[:9])[0], even[:9])
    np.testing.assert_allclose(experiment.even_and_odd(-X[:9])[1], -odd[:9])


def test_only_a_bias_lets_the_kernel_learn_an_odd_cubic():
    curve = experiment.learning_curve(lambda X: experiment.even_and_odd(X)[1], [30, 200], 6, RNG(0), new=300)
    assert curve.kernel.min() > 0.9 and curve.linear.min() > 0.9
    assert curve.with_bias[:, 1].max() < 0.1
    curve = experiment.learning_curve(lambda X: experiment.even_and_odd(X)[0], [200], 6, RNG(0), new=300)
    assert curve.kernel.max() < 0.1 and curve.linear.min() > 0.9


def test_the_circle_hears_its_even_part_only():
    without, having = experiment.circle_fit(24, "without"), experiment.circle_fit(24, "with")
    assert without.error == pytest.approx(0.5, abs=0.01) and having.error < 0.01
    np.testing.assert_allclose(without.kernel, np.cos(2 * without.grid), atol=0.1)


@pytest.mark.parametrize("kind", experiment.LAYERS)
def test_a_first_layer_has_its_shape_and_centred_rows(kind):
    W = experiment.first_layer(kind, 6000, 4, RNG(0))
    assert W.shape == (6000, 4) and np.isfinite(W).all()
    assert np.abs(W.mean(axis=0)).max() < 4.5 * W.std() / np.sqrt(len(W))


def test_orthogonal_ldlt_and_mirrored_layers_are_what_they_say():
    Q = experiment.first_layer("orthogonal", 8, 4, RNG(0))
    np.testing.assert_allclose(Q[:4] @ Q[:4].T, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(Q[4:] @ Q[4:].T, np.eye(4), atol=1e-12)
    W = RNG(0).standard_normal((8, 4)) / 2
    L = experiment.first_layer("LDLT", 8, 4, RNG(0))
    s, t = (np.linalg.svd(layer, compute_uv=False) for layer in (W, L))
    np.testing.assert_allclose(t, s / np.sqrt(1 + s**2))
    P = experiment.first_layer("mirrored", 8, 4, RNG(0))
    np.testing.assert_array_equal(P[:4], -P[4:])


def test_round_layers_have_the_limit_and_square_ones_another():
    study = experiment.layer_study([100, 6400], sphere(12, 2, RNG(3)), 60, RNG(0))
    error = dict(zip(study.kinds, np.sqrt(np.mean(study.error**2, axis=1))))
    for kind in ("Gaussian", "orthogonal", "LDLT"):
        np.testing.assert_allclose(error[kind], study.gaussian_law, rtol=0.35)
    np.testing.assert_allclose(error["mirrored"], study.mirrored_law, rtol=0.2)
    for kind in ("uniform", "signs"):
        assert error[kind][1] > 2 * study.gaussian_law
    assert study.smallest.shape == study.largest.shape == (6, 2)


def test_the_kernel_curve_and_the_circle_run_agree_with_their_parts():
    curve = experiment.kernel_curve(100_000)
    assert np.abs(curve.kernel - curve.limit).max() < 5 * curve.law.max()
    expected = np.cos(curve.angle) * (np.pi - curve.angle) / (2 * np.pi)
    np.testing.assert_allclose(curve.limit, expected, atol=1e-14)
    narrow, wide = experiment.circle_run(16, 50), experiment.circle_run(1024, 50)
    assert wide.apart < narrow.apart
    assert wide.distance == wide.functions.run.movement[-1]


def test_each_net_of_the_study_comes_with_its_own_prediction_and_the_turn_of_its_kernel():
    rng = RNG(0)
    X, y, X_new = sphere(3, 4, rng), np.array([1.0, -1, 1]), sphere(2, 4, rng)
    study = experiment.width_study([20, 5000], X, y, X_new, 2, 40, 3.0, RNG(5))
    ratio = study.movement / study.predicted
    np.testing.assert_allclose(ratio[:, 1], 1, atol=0.02)
    assert (study.turned[:, 0] > study.turned[:, 1]).all() and study.turned.min() >= 0


def test_the_theorem_is_kept_and_its_ratios_are_those_of_the_promise():
    kept = experiment.theorem_study(np.eye(2), np.array([1.0, -1]), np.ones(2) / 2, 3, 8, 2.0, 0.3, RNG(0))
    assert kept.all == 3 and len(kept.farthest) == 3
    assert (kept.slowest >= 1).all()  # at the start the residual is all there


def test_only_one_over_m_keeps_turning_the_kernel():
    data = experiment.two_digits(3, 8, 8)
    switch = experiment.lazy_switch([128, 2048], data.X, data.y, 3, 60, 4.0, RNG(0))
    lazy, rich = switch.turned.mean(axis=1)
    assert lazy[1] < lazy[0] / 2 and rich[1] > 0.1
    np.testing.assert_allclose(switch.share[1], switch.share[1].mean(), rtol=0.15)


def test_tossed_targets_cost_distance_and_gap_within_the_guarantee():
    found = experiment.generalization_study(64, [0, 1], 6, 0.1, RNG(0), new=200)
    gap = found.new - found.seen
    assert (found.B[:, 1] > 2 * found.B[:, 0]).all() and gap[:, 1].mean() > gap[:, 0].mean()
    assert (gap <= found.bound).all()


def test_ratios_of_layers_do_not_hang_on_how_they_are_batched():
    X = sphere(5, 3, RNG(0))
    one = experiment.layer_ratios("Gaussian", 12, X, 250, RNG(1))
    rng = RNG(1)
    law = np.mean(kernels.kernel_error_law(X) ** 2)
    W = experiment.first_layers("Gaussian", 200, 12, 3, rng)[0]
    K = kernels.empirical_kernel(networks.Init(W, np.ones(12)), X)
    assert one.shape == (250,)
    assert one[0] == pytest.approx(12 * np.mean((K - kernels.limit_kernel(X)) ** 2) / law)
