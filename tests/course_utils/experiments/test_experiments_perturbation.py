"""Chapter 5's experiments: descent, and what the figures show."""

import numpy as np

from course_utils.experiments import perturbation as experiment
from course_utils.theory import losses

RNG = np.random.default_rng


def a_net(N=12, seed=0):
    rng = RNG(seed)
    net = losses.SoftmaxNet(rng.normal(size=(N, 5)), rng.integers(0, 3, N), hidden=4, classes=3)
    return net, net.initial(rng, scale=1.5)


def test_the_cosine_curve_follows_its_law():
    data = experiment.cosine_curve(n=200, sigma=0.7, repetitions=4000)
    large = data.Ks > 50
    np.testing.assert_allclose(data.cosines.mean(axis=0)[large], data.law[large], rtol=0.02)


def test_a_net_learns_without_a_backward_pass():
    rng = RNG(0)
    X = rng.normal(size=(128, 5))
    net = losses.SoftmaxNet(X, (X[:, 0] > 0).astype(int), hidden=3, classes=2)
    theta = net.initial(rng)
    for method, step, K in (("backprop", 0.5, 1), ("node", 0.2, 1), ("signs", 0.1, 8)):
        run = experiment.stochastic_descent(net, theta, method, step, 20, RNG(1), K=K)
        assert run.loss[0] == net(theta[None])[0]
        assert run.loss[-1] < 0.35 and run.accuracy[-1] > 0.85
        assert run.epoch[-1] == 20


def test_the_notes_update_is_the_estimate_without_baseline_times_sigma_squared():
    rng = RNG(0)
    net = losses.SoftmaxNet(rng.normal(size=(8, 5)), rng.integers(0, 2, 8), hidden=3, classes=2)
    theta, sigma = net.initial(rng), 0.1
    one = experiment.stochastic_descent(net, theta, "note", 0.5, 1, RNG(1), sigma=sigma, K=2, batch=8, looks=1)
    other = experiment.stochastic_descent(
        net, theta, "no baseline", 0.5 * sigma**2, 1, RNG(1), sigma=sigma, K=2, batch=8, looks=1
    )
    np.testing.assert_allclose(one.theta, other.theta, rtol=1e-12)
    assert (one.theta != theta).any()


def test_evaluations_are_counted_per_example():
    net, theta = a_net(N=20)
    for method, K, cost in (("backprop", 1, 3), ("signs", 4, 5), ("antithetic", 4, 8), ("node", 1, 2), ("note", 4, 4)):
        run = experiment.stochastic_descent(net, theta, method, 1e-6, 2, RNG(0), K=K, batch=10, looks=1)
        assert run.evaluations[-1] == 40 * cost, method
