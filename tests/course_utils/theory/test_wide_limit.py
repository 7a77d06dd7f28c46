"""Chapter 7's theorems: the promises are kept where they are given, and the bounds are what their formulas say."""

import math

import numpy as np
import pytest

from course_utils.theory import kernels, wide_limit
from course_utils.theory.networks import gaussian_init, outputs, train_first_layer

RNG = np.random.default_rng


def sphere(n, d, rng):
    X = rng.standard_normal((n, d))
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def test_at_the_width_of_the_theorem_epsilon_is_half_of_lambda_and_promises_fall_as_the_root():
    X, y, x = sphere(5, 3, RNG(0)), np.ones(5), np.array([0.0, 0, 1])
    delta, lr, n = 0.1, 1.0, 5
    smallest = np.linalg.eigvalsh(kernels.limit_kernel(X))[0]
    width = wide_limit.guarantee(X, y, x, 1, lr, delta).width
    rho, log = math.sqrt((5 + n / 2) / delta), math.sqrt(math.log((n + 1) / delta))
    R = 2 * np.linalg.norm(X, 2) * rho / (smallest * math.sqrt(width))
    epsilon = (n + 1) * (2 * R + (2 * log + 1 / (2 * math.sqrt(delta))) / math.sqrt(width))
    assert epsilon == pytest.approx(smallest / 2)
    narrow, wide = (wide_limit.guarantee(X, y, x, m, lr, delta) for m in (100, 10_000))
    assert narrow.radius == pytest.approx(10 * wide.radius) and narrow.apart == pytest.approx(10 * wide.apart)
    assert narrow.gap == pytest.approx(10 * wide.gap) and narrow.rate == wide.rate == 1 - smallest / 10
    found = wide_limit.guarantee(X, y, x, math.ceil(width), lr, delta)
    assert found.radius == pytest.approx(R, rel=1e-3)
    expected = 2 * epsilon * rho / smallest * (1 + math.sqrt(n) / smallest)
    assert found.apart == pytest.approx(expected, rel=1e-3)


def test_a_step_of_the_net_is_a_step_with_a_kernel_of_half_switches():
    """The step 2 of the proof: r(t + 1) = (I − lr/n G) r(t), with G from secant slopes, exactly."""
    rng = RNG(0)
    X, y = sphere(4, 3, rng), rng.standard_normal(4)
    init = gaussian_init(6, 3, rng)
    before = init.W0
    after = train_first_layer(init, X, y, 1, 5.0).W
    u, v = before @ X.T, after @ X.T
    assert ((u > 0) != (v > 0)).any()  # or the step would be easy
    secant = (np.maximum(v, 0) - np.maximum(u, 0)) / (v - u)
    G = (X @ X.T) * (secant.T @ (u > 0)) / 6
    residual = y - outputs(X, *init)
    np.testing.assert_allclose(y - outputs(X, after, init.a), residual - 5.0 / 4 * G @ residual, atol=1e-12)
    assert secant.min() >= 0 and secant.max() <= 1 + 1e-12


def test_nets_keep_what_the_theorem_promises_from_its_width_on():
    X, y, x, lr = np.eye(2), np.array([1.0, -1]), np.array([0.6, 0.8]), 2.0
    m = math.ceil(wide_limit.guarantee(X, y, x, 1, lr, 0.3).width)
    promise = wide_limit.guarantee(X, y, x, m, lr, 0.3)
    for seed in range(3):
        init = gaussian_init(m, 2, RNG(seed))
        run = train_first_layer(init, X, y, 10, lr)
        assert np.linalg.norm(run.W - init.W0, axis=1).max() <= promise.radius
        assert (np.sqrt(run.loss / run.loss[0]) <= promise.rate ** np.arange(11) + 1e-12).all()


def test_the_theorem_refuses_what_it_does_not_speak_of():
    X, y, x = np.eye(2), np.ones(2), np.ones(2) / 2
    with pytest.raises(ValueError, match="norm_x must be at most 1"):
        wide_limit.guarantee(2 * X, y, x, 9, 1.0, 0.1)
    with pytest.raises(ValueError, match=r"lr must be at most 2n/\(λ_max \+ λ_min\) = 4"):
        wide_limit.guarantee(X, y, x, 9, 5.0, 0.1)
    with pytest.raises(ValueError, match="eigenvalue 0"):
        wide_limit.guarantee(np.ones((2, 2)) / 2, y, x, 9, 1.0, 0.1)


def test_the_rademacher_bound_exceeds_the_mean_over_tosses_by_little():
    rng = RNG(0)
    X, init, B = sphere(30, 4, rng), gaussian_init(50, 4, rng), 2.5
    K = kernels.empirical_kernel(init, X)
    tosses = rng.choice([-1.0, 1.0], (20_000, 30))
    # the largest (1/n) Σ ε_j ⟨∇f(x_j), W − W0⟩ within B
    largest = B / 30 * np.sqrt(np.einsum("tj,jk,tk->t", tosses, K, tosses))
    bound = wide_limit.rademacher_bound(K, B)
    assert 0.9 * bound < largest.mean() < bound
    assert np.sqrt(np.mean(largest**2)) == pytest.approx(bound, rel=0.01)


def test_the_generalization_bound_pays_for_every_whole_distance():
    found = wide_limit.generalization_bound(50, np.array([0.0, 1.0, 1.5, 2.0]), 0.1)
    one, two = (2 * k / 10 + math.sqrt(math.log(k * (k + 1) / 0.1) / 100) for k in (1, 2))
    np.testing.assert_allclose(found, [one, one, two, two])
    with pytest.raises(ValueError, match="B must be at least 0, got -1"):
        wide_limit.generalization_bound(50, np.array([-1.0]), 0.1)
