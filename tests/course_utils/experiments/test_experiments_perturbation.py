"""Chapter 5's experiments: descent, and what the figures show."""

import numpy as np
import pytest

from course_utils.experiments import perturbation as experiment
from course_utils.theory import losses, perturbation, variance_laws

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


@pytest.mark.parametrize("method", ["backprop", "note", *perturbation.KINDS])
def test_a_step_together_is_that_of_the_estimate_alone(method):
    """One step of one run against draws with the same stream, which is used for the order of the examples first."""
    net, theta = a_net()
    (run,) = experiment.descend_together(net, theta[None], method, 0.1, 1, RNG(5), sigma=0.05, K=3, batch=12)
    rng = RNG(5)
    part = net.batch(rng.permutation(12))
    if method == "backprop":
        g = part.gradient(theta)
    else:
        kind = "no baseline" if method == "note" else method
        g = perturbation.draws(part, theta, 0.05, 3, rng, kind).mean(axis=0) * (0.05**2 if method == "note" else 1)
    np.testing.assert_allclose(run.theta, theta - 0.1 * g, rtol=1e-12)


def test_runs_together_have_their_own_steps_and_noise_and_say_where_they_diverge():
    net, theta = a_net(N=40)
    net = losses.SquaredNet(net.X, net.y, 4, classes=3)
    starts = np.stack([theta] * 3)
    one, other, wild = experiment.descend_together(
        net, starts, "baseline", [0.01, 0.01, 1e200], 40, RNG(0), sigma=0.1, batch=10, looks=40
    )
    assert (one.theta != other.theta).any() and (starts == theta).all()
    assert np.isfinite(one.loss).all() and np.isinf(wild.loss[-1])
    assert one.loss.size == 41 and one.evaluations[1] == 20  # after every batch: ten losses, and their clean pass


def test_the_crossing_is_found_after_every_batch_and_ends_the_run():
    net, theta = a_net(N=40)
    level = net(theta[None])[0] * 0.9
    run, _ = experiment.descend_together(
        net, np.stack([theta, theta]), "backprop", 0.5, 400, RNG(0), batch=10, looks=400, until=level
    )
    crossed = int((run.loss < level).argmax())
    assert 0 < crossed <= run.loss.size - 1 < 400
    assert run.evaluations_until(level) == crossed * 10 * 3
    assert run.evaluations_until(-1.0) == np.inf


def test_a_single_run_refuses_to_diverge():
    net, theta = a_net()
    net = losses.SquaredNet(net.X, net.y, 4, classes=3)
    with pytest.raises(ValueError, match="the loss must stay finite"):
        experiment.stochastic_descent(net, theta, "baseline", 1e200, 2, RNG(0), sigma=0.1, batch=6)


def test_evaluations_are_counted_per_example():
    net, theta = a_net(N=20)
    for method, K, cost in (("backprop", 1, 3), ("signs", 4, 5), ("antithetic", 4, 8), ("node", 1, 2), ("note", 4, 4)):
        run = experiment.stochastic_descent(net, theta, method, 1e-6, 2, RNG(0), K=K, batch=10, looks=1)
        assert run.evaluations[-1] == 40 * cost, method


def test_the_best_step_and_sigma_are_chosen_by_other_starts():
    net, _ = a_net(N=40)
    found = experiment.tuned_descents(
        net, net, "backprop", [0.001, 0.5], 40, RNG(0), sigmas=[0.01, 0.02], batch=10, starts=3
    )
    assert set(found.trials) == {(s, e) for s in (0.01, 0.02) for e in (0.001, 0.5)}
    assert found.trials[found.sigma, found.eta] == min(found.trials.values()) and found.eta == 0.5
    assert len(found.runs) == 3 and found.runs[0].evaluations[-1] == 40 * 10 * 3


def test_a_cost_is_that_of_the_best_step_and_no_spacing_of_looks():
    net, _ = a_net(N=40)
    slow, fast, both = (
        experiment.evaluations_until(net, "backprop", etas, 0.8, RNG(0), batch=10, starts=4)
        for etas in ([0.05], [0.5], [0.05, 0.5])
    )
    assert fast.mean() < slow.mean() / 3 and np.isfinite(fast).all()
    assert both.mean() < slow.mean() / 3
    assert (fast % 30 == 0).all() and len(set(fast)) > 1
    assert np.isinf(experiment.evaluations_until(net, "backprop", [0.01], 1e-6, RNG(0), batch=10, most=3)).all()


def test_gains_of_nodes_are_ratios_of_the_laws():
    net, _ = a_net(N=12)
    gains = experiment.gains_of_nodes(net, 2, RNG(0), batch=6)
    rng = RNG(0)
    theta, part = net.initial(rng), net.batch(rng.permutation(12)[:6])
    g = part.gradient(theta)
    law = variance_laws.total_variance("baseline", variance_laws.Local(net.n, 0.0, g @ g), 1.0)
    np.testing.assert_allclose(gains[0, 0], law / part.node_variance(theta, one_signal=True))
    np.testing.assert_allclose(gains[0, 1], part.example_variance(theta) / part.node_variance(theta))


def test_curvature_from_a_few_products_is_that_of_the_whole_hessian():
    net, _ = a_net(N=12)
    found = experiment.curvature(net, 1.0, (1, 16), 1, RNG(0), batch=12, vectors=3000)
    rng = RNG(0)
    theta, part = net.initial(rng), net.batch(rng.permutation(12))
    H, g = variance_laws.hessian(theta, part.gradient), part.gradient(theta)
    assert abs(found.trace[0] / np.trace(H) - 1) < 0.06
    assert abs(found.stiff[0] / (np.trace(H) * (g @ g) / (g @ H @ g)) - 1) < 0.06
    expected = variance_laws.usable_sigma(variance_laws.local(part, theta, part.gradient))
    assert abs(found.usable_sigma[0] / expected - 1) < 0.06
    for K, step in zip((1, 16), found.steps[0]):
        assert abs(step / variance_laws.largest_step(g, H, K) - 1) < 0.06


def test_a_readers_training_is_looked_at_along_its_budget_and_where_it_ends():
    net, _ = a_net(N=40)
    marks = []

    def train(loss, theta, rng):
        while loss.left >= 100:
            marks.append(theta)
            loss(np.stack([theta - 0.1, theta + 0.1]), np.arange(40))
            theta = theta - 1e-3
        return theta + 1

    one, other = experiment.budget_runs(train, net, net, 1000, 2)
    assert one.evaluations.size == 26 and one.evaluations[0] == 0 and one.evaluations[-1] == 1000
    np.testing.assert_allclose(one.loss[2], net(marks[0][None])[0])
    np.testing.assert_allclose(one.loss[-1], net(one.theta[None])[0])
    assert (one.theta != other.theta).any() and one.accuracy.size == 1


def test_a_cloud_may_be_the_readers_own():
    def exact(loss, theta, sigma, K, rng):
        steps = 1e-4 * np.eye(2)
        return (loss(theta + steps) - loss(theta - steps)) / 2e-4

    data = experiment.cloud(exact, K=5, points=3)
    assert data.kind == "yours" and data.measured < 1e-9
    assert data.predicted == experiment.cloud("baseline", K=5, points=3).predicted
