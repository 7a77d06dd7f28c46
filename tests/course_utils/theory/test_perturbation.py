"""Chapter 5's estimators follow their laws: exactly on quadratics, in small σ on networks."""

import tracemalloc

import numpy as np
import pytest

from course_utils.theory import losses, perturbation, variance_laws

RNG = np.random.default_rng


def a_quadratic(n=6, seed=0):
    rng = RNG(seed)
    return losses.Quadratic(1.5, rng.normal(size=n), rng.normal(size=(n, n)), at=rng.normal(size=n)), rng.normal(size=n)


def a_net(N=12, seed=0):
    rng = RNG(seed)
    net = losses.SoftmaxNet(rng.normal(size=(N, 5)), rng.integers(0, 3, N), hidden=4, classes=3)
    return net, net.initial(rng, scale=1.5)


def a_deep_net(N=12, seed=0, kind=losses.SoftmaxNet):
    rng = RNG(seed)
    net = kind(rng.normal(size=(N, 5)), rng.integers(0, 3, N), hidden=(4, 3), classes=3)
    return net, net.initial(rng, scale=1.5) + 0.1 * rng.normal(size=net.n)


def a_squared_net():
    return a_deep_net(kind=losses.SquaredNet)


def a_sine_net(seed=0):
    rng = RNG(seed)
    return losses.SineNet(rng.normal(size=(7, 2)), rng.normal(size=7), rng.normal(size=3)), rng.normal(size=6)


def numerical(loss, theta, h=1e-5):
    steps = h * np.eye(theta.size)
    return (loss(theta + steps) - loss(theta - steps)) / (2 * h)


@pytest.mark.parametrize("make", [a_quadratic, a_net, a_deep_net, a_squared_net, a_sine_net])
def test_gradients_agree_with_differences_of_losses(make):
    loss, theta = make()
    np.testing.assert_allclose(loss.gradient(theta), numerical(loss, theta), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("make", [a_quadratic, a_net, a_deep_net, a_squared_net])
def test_forward_mode_slopes_are_projections_of_the_gradient(make):
    loss, theta = make()
    V = RNG(1).normal(size=(9, theta.size))
    np.testing.assert_allclose(loss.slopes(theta, V), V @ loss.gradient(theta), rtol=1e-12)


def test_the_squared_net_is_half_the_squared_distance_to_the_indicators_of_the_labels():
    net, theta = a_squared_net()
    (W1, b1), (W2, b2), (W3, b3) = ((W[0], b[0]) for W, b in net._layers(theta[None]))
    outputs = [W3 @ np.tanh(W2 @ np.tanh(W1 @ x + b1) + b2) + b3 for x in net.X]
    errors = [np.sum((y - np.eye(3)[label]) ** 2) / 2 for y, label in zip(outputs, net.y)]
    assert net(theta[None])[0] == pytest.approx(np.mean(errors))
    assert net.accuracy(theta) == np.mean([y.argmax() == label for y, label in zip(outputs, net.y)])
    assert type(net.batch([0, 1])) is losses.SquaredNet and net.batch([0, 1]).n == net.n


def test_biases_and_the_width_before_them_are_found_in_theta():
    net, _ = a_deep_net()
    assert net.is_bias.sum() == 4 + 3 + 3 and net.is_bias[20:24].all() and not net.is_bias[:20].any()
    assert net.fan_in[:24].tolist() == [5] * 24 and net.fan_in[-3:].tolist() == [3] * 3
    np.testing.assert_allclose(net.initial(RNG(0))[net.is_bias], 0)


def test_a_batch_of_parameters_gives_what_each_gives_alone():
    net, _ = a_net()
    thetas = RNG(1).normal(size=(5, net.n))
    np.testing.assert_allclose(net(thetas), [net(theta[None])[0] for theta in thetas], rtol=1e-12)


def test_the_softmax_net_equals_torch():
    import torch

    net, theta = a_net()
    module = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3)).double()
    other = losses.TorchLoss(module, torch.nn.functional.cross_entropy, torch.as_tensor(net.X), torch.as_tensor(net.y))
    assert other.n == net.n == other.theta.size
    thetas = theta + 0.1 * RNG(1).normal(size=(6, net.n))
    np.testing.assert_allclose(other(thetas), net(thetas), rtol=1e-12)
    np.testing.assert_allclose(other.gradient(theta), net.gradient(theta), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(other.slopes(theta, thetas), net.slopes(theta, thetas), rtol=1e-10)
    one, two = (perturbation.estimate(loss, theta, 0.1, 20, RNG(2)) for loss in (net, other))
    np.testing.assert_allclose(one.gradient, two.gradient, rtol=1e-9)


def test_the_smoothed_gradient_of_the_sine_net_is_that_of_its_averaged_loss():
    """Against Gauss–Hermite quadrature in two of its parameters, the others' noise being averaged in closed form."""
    X, y, a, theta, sigma = (
        np.array([[0.7], [-1.3]]),
        np.array([0.2, -0.4]),
        np.array([1.1, -0.6]),
        np.array([0.3, 0.9]),
        0.8,
    )
    net = losses.SineNet(X, y, a)
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    grid = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 2)
    weights = np.outer(weights, weights).ravel() / (2 * np.pi)

    def smoothed(thetas):
        return np.array([weights @ net(t + sigma * grid) for t in thetas])

    np.testing.assert_allclose(net.gradient(theta, sigma), numerical(smoothed, theta), rtol=1e-7)
    assert np.abs(net.gradient(theta, sigma) - net.gradient(theta)).max() > 0.01
    assert net.errors(theta).mean() == pytest.approx(net(theta[None])[0])


LAWS = [k for k in perturbation.KINDS if k not in ("node", "global node", "example")]


@pytest.mark.parametrize("sigma, K", [(0.7, 1), (0.7, 4)])
@pytest.mark.parametrize("kind", LAWS)
def test_the_laws_are_exact_for_a_quadratic_at_large_sigma(kind, sigma, K):
    if (kind, K) == ("mean baseline", 1):
        with pytest.raises(ValueError, match="K must be at least 2"):
            variance_laws.total_variance(kind, variance_laws.Local(3, 1.0, 1.0), sigma, K)
        return
    loss, theta = a_quadratic()
    g = loss.gradient(theta)
    predicted = variance_laws.total_variance(kind, loss.local(theta), sigma, K)
    repetitions = 4000 if kind in perturbation.TOGETHER else 40_000 // K
    found = perturbation.measure_variance(loss, theta, g, sigma, K, repetitions, RNG(3), kind, predicted)
    assert abs(found.deviation) < 3.5
    # heavy tails make the interval wide; a law that forgot n + 1, or the curvature, would be further off
    assert found.error < 0.05 * predicted


def test_a_clean_pass_is_worth_one_draw_and_costs_one():
    at = variance_laws.Local(50, 3.0, 2.0)
    for K in (2, 10):
        clean = variance_laws.total_variance("baseline", at, 1e-3, K)
        assert perturbation.forward_passes("baseline", K) == perturbation.forward_passes("mean baseline", K + 1)
        assert variance_laws.total_variance("mean baseline", at, 1e-3, K + 1) == pytest.approx(clean)
    curved = at._replace(trace=8.0, frobenius2=9.0)
    assert variance_laws.total_variance("mean baseline", curved, 1.0, 11) < variance_laws.total_variance(
        "baseline", curved, 1.0, 10
    )


def test_the_mean_baseline_is_the_covariance_of_loss_and_noise_in_the_sample():
    net, theta = a_net()
    found = perturbation.estimate(net, theta, 0.2, 20, RNG(3), "mean baseline")
    omega = 0.2 * RNG(3).standard_normal((20, net.n))
    values = net(theta + omega)
    expected = [np.cov(values, column)[0, 1] / 0.2**2 for column in omega.T]
    np.testing.assert_allclose(found.gradient, expected, rtol=1e-9)
    assert found.evaluations == 20


@pytest.mark.parametrize("make", [a_net, a_deep_net, a_squared_net])
@pytest.mark.parametrize("kind", ["node", "global node", "example"])
def test_laws_that_know_the_network(make, kind):
    net, theta = make()
    g = net.gradient(theta)
    one = kind == "global node"
    predicted = net.example_variance(theta) if kind == "example" else net.node_variance(theta, one_signal=one)
    found = perturbation.measure_variance(net, theta, g, 1e-4, 1, 6000, RNG(1), kind, predicted)
    assert abs(found.deviation) < 3.5 and found.error < 0.03 * predicted
    law = net.example_variance(theta, 8) if kind == "example" else net.node_variance(theta, 8, one)
    assert law == pytest.approx(predicted / 8)
    draws = perturbation.draws(net, theta, 1e-4, 4000, RNG(2), kind)
    z = (draws.mean(axis=0) - g) / draws.std(axis=0) * np.sqrt(4000)
    assert 0.6 < np.sqrt(np.mean(z**2)) < 1.5  # the mean is the gradient
    if kind == "node":
        assert predicted < variance_laws.total_variance("baseline", variance_laws.Local(net.n, 0.0, g @ g), 1e-4)


@pytest.mark.parametrize("kind", perturbation.KINDS)
def test_every_estimate_lies_around_the_gradient_with_the_error_it_claims(kind):
    net, theta = a_net()
    found = perturbation.estimate(
        net, theta, 0.05 if kind == "no baseline" else 1e-4, net.n - 7 if kind == "orthogonal" else 6000, RNG(1), kind
    )
    z = (found.gradient - net.gradient(theta)) / found.standard_error
    assert 0.5 < np.sqrt(np.mean(z**2)) < 1.6


def test_the_survey_standard_error_of_orthogonal_directions():
    """√(1 − K/n) times the usual: its mean square over many frames is the variance of each coordinate."""
    loss, theta = a_quadratic(n=5)
    loss.H[:] = 0
    runs = [perturbation.estimate(loss, theta, 0.1, 3, rng, "orthogonal") for rng in RNG(0).spawn(6000)]
    actual = np.var([run.gradient for run in runs], axis=0)
    claimed = np.mean([run.standard_error**2 for run in runs], axis=0)
    np.testing.assert_allclose(claimed, actual, rtol=0.12)
    whole = perturbation.estimate(loss, theta, 0.1, 5, RNG(0), "orthogonal")
    np.testing.assert_allclose(whole.gradient, loss.g, rtol=1e-10)
    assert (whole.standard_error == 0).all()


def test_stein_the_mean_is_the_gradient_of_the_smoothed_loss_at_every_sigma():
    net, theta = a_sine_net()
    for sigma in (0.3, 1.0):
        found = perturbation.estimate(net, theta, sigma, 200_000, RNG(4), "antithetic")
        z = (found.gradient - net.gradient(theta, sigma)) / found.standard_error
        assert np.abs(z).max() < 3.5
        far = (found.gradient - net.gradient(theta)) / found.standard_error
        assert np.abs(far).max() > 10


def test_the_chunk_changes_nothing_but_memory():
    net, theta = a_net()
    for kind in ("baseline", "antithetic", "signs", "forward", "no baseline"):
        runs = [perturbation.estimate(net, theta, 0.1, 40, RNG(5), kind, chunk=c) for c in (8, 40, 1000)]
        for run in runs[1:]:
            np.testing.assert_allclose(run.gradient, runs[0].gradient, rtol=1e-9)
            np.testing.assert_allclose(run.standard_error, runs[0].standard_error, rtol=1e-9)


def test_the_standard_error_is_that_of_the_draws():
    loss, theta = a_quadratic()
    rows = perturbation.draws(loss, theta, 0.3, 50, RNG(6))
    found = perturbation.estimate(loss, theta, 0.3, 50, RNG(6), chunk=7)
    np.testing.assert_allclose(found.gradient, rows.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.standard_error, rows.std(axis=0, ddof=1) / np.sqrt(50), rtol=1e-12)
    assert np.isnan(perturbation.estimate(loss, theta, 0.3, 1, RNG(6)).standard_error).all()


def test_memory_is_that_of_a_chunk():
    loss, theta = losses.Quadratic(0.0, np.ones(2000), None), np.zeros(2000)
    tracemalloc.start()
    perturbation.estimate(loss, theta, 0.1, 640, RNG(0), chunk=16)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 640 * 2000 * 8 / 4


def test_one_forward_pass_for_a_chunk_of_perturbations():
    loss, theta = a_quadratic()
    calls = []

    def counted(thetas):
        calls.append(len(thetas))
        return loss(thetas)

    found = perturbation.estimate(counted, theta, 0.1, 300, RNG(0), chunk=100)
    assert calls == [1, 100, 100, 100] and found.evaluations == sum(calls)
    calls.clear()
    assert perturbation.estimate(counted, theta, 0.1, 30, RNG(0), "antithetic").evaluations == sum(calls) == 60


def test_the_exact_cosine_is_the_mean_of_simulated_ones():
    n, K = 50, 50
    g = RNG(0).normal(size=n)
    z = RNG(1).normal(size=(4000, K, n))
    estimates = np.einsum("rkn,rk->rn", z, z @ g)
    cosines = estimates @ g / np.linalg.norm(estimates, axis=1) / np.linalg.norm(g)
    error = cosines.std() / np.sqrt(cosines.size)
    assert abs(cosines.mean() - variance_laws.exact_cosine(K, n)) < 3.5 * error
    assert variance_laws.exact_cosine(K, n) == pytest.approx(0.709, abs=5e-4)
    assert variance_laws.cosine_law(K, n) == pytest.approx(np.sqrt(50 / 101))
    assert (
        abs(variance_laws.cosine_law(K, n) - cosines.mean()) > 5 * error
    )  # the law is an approximation, and 4000 nets see it


def test_only_many_draws_make_the_cosine_law_exact():
    def ratio(K, n):
        return variance_laws.exact_cosine(K, n) / variance_laws.cosine_law(K, n)

    assert ratio(1, 10**6) == pytest.approx(np.sqrt(2 / np.pi), abs=1e-5)
    assert ratio(1, 1210) == pytest.approx(0.799, abs=5e-4)
    assert ratio(3, 1210) == pytest.approx(0.92, abs=3e-3)
    assert ratio(10_000, 1000) == pytest.approx(1, abs=1e-4)


def test_no_use_of_directional_derivatives_beats_orthogonal_ones():
    n, K = 12, 4
    loss = losses.Quadratic(0.0, RNG(0).normal(size=n))
    cosines = []
    for rng in RNG(1).spawn(2000):
        mean = perturbation.draws(loss, np.zeros(n), 0.1, K, rng, "orthogonal").mean(axis=0)
        cosines.append(mean @ loss.g / np.linalg.norm(mean) / np.linalg.norm(loss.g))
    error = np.std(cosines) / np.sqrt(2000)
    assert abs(np.mean(cosines) - variance_laws.best_cosine(K, n)) < 3.5 * error
    assert variance_laws.best_cosine(K, n) > variance_laws.exact_cosine(K, n) + 5 * error
    assert variance_laws.best_cosine(1, n) == pytest.approx(variance_laws.exact_cosine(1, n))
    assert variance_laws.best_cosine(K, n) <= np.sqrt(K / n)
    with pytest.raises(ValueError, match="n must be at least 5"):
        variance_laws.best_cosine(4, 4)


def test_draws_for_a_cosine_are_the_fewest():
    for n in (1, 50, 10**6):
        for c in (0.1, 0.5, 0.9, 0.999):
            K = variance_laws.draws_for_cosine(c, n)
            assert variance_laws.cosine_law(K, n) >= c * (1 - 1e-9)
            assert K == 1 or variance_laws.cosine_law(K - 1, n) < c


def test_the_largest_step_is_where_the_mean_decrease_ends():
    loss, theta = a_quadratic(n=4)
    loss.H[:] = loss.H @ loss.H
    g, K = loss.gradient(theta), 3
    step = variance_laws.largest_step(g, loss.H, K)
    rows = perturbation.draws(loss, theta, 1e-4, 300_000, RNG(0), "antithetic").reshape(-1, K, 4).mean(axis=1)
    changes = loss(theta - step * rows) - loss(theta[None])
    assert abs(changes.mean()) < 3.5 * changes.std() / np.sqrt(len(changes))
    half = loss(theta - step / 2 * rows) - loss(theta[None])
    assert half.mean() < -10 * half.std() / np.sqrt(len(half))
    assert variance_laws.largest_step(g, -loss.H, K) == np.inf


def test_the_usable_sigma_doubles_the_variance():
    loss, theta = a_quadratic()
    at = loss.local(theta)
    assert variance_laws.total_variance("baseline", at, variance_laws.usable_sigma(at)) == pytest.approx(
        2 * (at.n + 1) * at.g2
    )
    assert variance_laws.usable_sigma(variance_laws.Local(3, 1.0, 1.0)) == np.inf


def test_the_local_model_of_a_net_is_that_of_its_hessian():
    loss, theta = a_quadratic()
    np.testing.assert_allclose(variance_laws.hessian(theta, loss.gradient), loss.H, atol=1e-8)
    np.testing.assert_allclose(variance_laws.local(loss, theta, loss.gradient), loss.local(theta), rtol=1e-6)


def test_signs_and_frames_are_what_they_say():
    signs = perturbation.random_signs(300, 41, RNG(0))
    assert signs.shape == (300, 41) and set(np.unique(signs)) == {-1.0, 1.0}
    assert abs(signs.mean()) < 0.03
    frame = perturbation.orthogonal_directions(3, 8, RNG(0))
    np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)


def test_products_of_independent_errors_measure_the_distance_of_the_mean_alone():
    rng = RNG(0)
    mean, target = np.array([1.0, 2.0, 0.0]), np.array([1.0, 1.5, 0.0])
    estimates = mean + 3 * rng.standard_normal((20_000, 3))
    far, near = perturbation.squared_distance(estimates, target), perturbation.squared_distance(estimates, mean)
    assert abs(far.value - 0.25) < 3.5 * far.error and abs(near.value) < 3.5 * near.error
    assert near.error < 0.2 and far.repetitions == 10_000  # the square of an error would have the mean 27
    with pytest.raises(ValueError, match="in pairs"):
        perturbation.squared_distance(estimates[:3], mean)


def test_the_mean_of_estimates_has_the_error_of_a_mean():
    estimates = RNG(0).normal(size=(12, 4))
    found = perturbation.mean_of(estimates, 10)
    np.testing.assert_allclose(found.standard_error, estimates.std(axis=0, ddof=1) / np.sqrt(12))
    np.testing.assert_allclose(found.gradient, estimates.mean(axis=0))
    assert found.evaluations == 120


def test_a_metered_loss_is_the_mean_over_its_rows_counts_and_stops_at_the_budget():
    rng = np.random.default_rng(0)
    net = losses.SoftmaxNet(rng.normal(size=(12, 5)), rng.integers(0, 3, 12), hidden=4, classes=3)
    thetas = np.array([net.initial(rng) for _ in range(3)])
    loss = losses.Metered(net, 100)
    np.testing.assert_allclose(loss(thetas, [1, 4, 5]), net.batch([1, 4, 5])(thetas))
    assert loss.left == 91 and loss.N == 12 and loss.n == net.n
    assert loss(thetas[0], np.arange(12)).shape == (1,) and loss.left == 79
    with pytest.raises(RuntimeError, match="the budget of 100 evaluations is spent: 79 were left for 3 losses of 27"):
        loss(thetas, np.zeros(27, dtype=int))
    assert loss.left == 79
    used, at = loss.path[0]
    np.testing.assert_allclose(at, thetas.mean(axis=0))
    assert used == 9
