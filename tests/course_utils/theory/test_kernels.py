"""Chapter 7's closed forms against simulation, quadrature, automatic differentiation and plain loops."""

import tracemalloc

import numpy as np
import pytest

from course_utils.theory import kernel_training, kernels, networks
from course_utils.theory.networks import Init, gaussian_init

RNG = np.random.default_rng


def sphere(n, d, rng):
    X = rng.standard_normal((n, d))
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def psd(n, rng):
    A = rng.standard_normal((n, n))
    return A @ A.T


def test_angles_keep_their_digits_near_zero_and_pi():
    tiny = 1e-9
    X = np.array([[1.0, 0.0]])
    Y = np.array([[3.0, 0.0], [1.0, tiny], [-1.0, tiny], [-2.0, 0.0], [0.0, 5.0], [0.0, 0.0]])
    expected = [0, tiny, np.pi - tiny, np.pi, np.pi / 2, np.pi / 2]
    np.testing.assert_allclose(kernels.angles(X, Y)[0], expected, rtol=1e-12, atol=1e-24)


@pytest.mark.parametrize("degree, h", [(0, lambda u: u > 0), (1, lambda u: np.maximum(u, 0))])
def test_arc_cosine_is_the_mean_over_normal_weights(degree, h):
    X = RNG(0).standard_normal((4, 3))
    X[3] = 0
    drawn = [h(RNG(i).standard_normal((4000, 3)) @ X.T) * 1.0 for i in range(60)]
    means = np.array([on.T @ on / len(on) for on in drawn])
    error = means.std(axis=0, ddof=1) / np.sqrt(len(means))
    assert (np.abs(means.mean(axis=0) - kernels.arc_cosine(X, degree=degree)) <= 4 * error).all()


def test_the_limit_kernel_has_half_the_squared_norm_on_its_diagonal_and_scales_with_both_inputs():
    X = RNG(0).standard_normal((5, 3))
    K = kernels.limit_kernel(X)
    np.testing.assert_allclose(np.diag(K), np.sum(X**2, axis=1) / 2, rtol=1e-14)
    np.testing.assert_allclose(kernels.limit_kernel(2 * X, 3 * X), 6 * K, rtol=1e-12)
    np.testing.assert_allclose(K, K.T, rtol=1e-14)
    assert kernels.limit_kernel(X[:2], np.zeros((1, 3))).tolist() == [[0.0], [0.0]]


def test_the_odd_part_of_kernel_and_net_is_linear():
    rng = RNG(0)
    X, Z = rng.standard_normal((6, 4)), rng.standard_normal((5, 4))
    np.testing.assert_allclose(kernels.limit_kernel(X, Z) - kernels.limit_kernel(-X, Z), X @ Z.T / 2, atol=1e-13)
    W, a = rng.standard_normal((50, 4)), rng.standard_normal(50)
    odd = networks.outputs(X, W, a) - networks.outputs(-X, W, a)
    np.testing.assert_allclose(odd, X @ (a @ W) / np.sqrt(50), atol=1e-13)


def test_the_law_of_the_kernels_error():
    X = sphere(3, 4, RNG(0))
    drawn = np.array([kernels.random_kernel(50, X, RNG([1, i])) for i in range(6000)])
    squares = (drawn - kernels.limit_kernel(X)) ** 2 * 50
    error = squares.std(axis=0) / np.sqrt(len(squares))
    assert (np.abs(squares.mean(axis=0) - kernels.kernel_error_law(X) ** 2) <= 4 * error).all()
    across = kernels.kernel_error_law(X[:1], X)
    np.testing.assert_allclose(across[0], kernels.kernel_error_law(X)[0], rtol=1e-12)


def test_the_chance_of_a_shared_octant():
    from course_utils.experiments.kernels import first_layers

    Q = first_layers("orthogonal", 300_000, 3, 3, RNG(0))
    assert kernels.same_octant(np.array([0.0, np.pi / 2, 3.0])).tolist() == pytest.approx([1, 0, 0])
    for theta in (0.3, 0.8, 1.2):
        other = np.cos(theta) * Q[:, :, 0] + np.sin(theta) * Q[:, :, 1]
        p = float(kernels.same_octant(np.array(theta)))
        assert abs(((Q[:, :, 0] * other) > 0).all(axis=1).mean() - p) < 4 * np.sqrt(p * (1 - p) / len(Q))
    with pytest.raises(ValueError, match="theta must lie between 0 and π, got 4"):
        kernels.same_octant(np.array([4.0]))


@pytest.mark.parametrize(
    "kind, law, m", [("orthogonal", "orthogonal_error_law", 3), ("LDLT", "whitened_error_law", 300)]
)
def test_the_laws_of_orthogonal_and_whitened_rows_hold_at_every_angle(kind, law, m):
    from course_utils.experiments.kernels import first_layers

    theta = np.array([0.4, 1.0, 1.4, 2.0, 2.7])
    X = np.column_stack([np.cos(theta), np.sin(theta), np.zeros(5)])
    x, nets = np.array([[1.0, 0, 0]]), 60_000 if m == 3 else 6000
    on = [first_layers(kind, nets // 10, m, 3, RNG([2, i])) for i in range(10)]
    drawn = np.concatenate([np.mean((W @ x.T > 0) & (W @ X.T > 0), axis=1) for W in on]) * np.cos(theta)
    squares = m * (drawn - kernels.limit_kernel(x, X)) ** 2
    error = squares.std(axis=0) / np.sqrt(nets)
    assert (np.abs(squares.mean(axis=0) - getattr(kernels, law)(x, X)[0] ** 2) < 4 * error).all()
    assert (getattr(kernels, law)(x, X) < kernels.kernel_error_law(x, X)).all()


def test_the_law_of_orthogonal_rows_is_for_three_dimensions():
    with pytest.raises(ValueError, match="X must have 3 columns, got 2"):
        kernels.orthogonal_error_law(np.eye(2))


@pytest.mark.parametrize("signs", [True, False])
def test_the_empirical_kernel_is_that_of_the_jacobians(signs, monkeypatch):
    import torch
    from torch.func import grad, vmap

    monkeypatch.setattr(kernels, "CHUNK", 64)  # several chunks, the last one short
    rng = RNG(0)
    m, d = 37, 5
    a = rng.choice([-1.0, 1.0], m) if signs else rng.standard_normal(m)
    init = Init(rng.standard_normal((m, d)), a)
    X, Y = rng.standard_normal((6, d)), rng.standard_normal((4, d))

    def f(W, x):
        return torch.relu(W @ x) @ torch.as_tensor(a) / m**0.5

    W = torch.as_tensor(init.W0)
    jx, jy = (vmap(grad(f), (None, 0))(W, torch.as_tensor(Z)).flatten(1).numpy() for Z in (X, Y))
    np.testing.assert_allclose(kernels.empirical_kernel(init, X, Y), jx @ jy.T, atol=1e-13)
    np.testing.assert_allclose(kernels.empirical_kernel(init, X), jx @ jx.T, atol=1e-13)


def test_a_streamed_net_is_the_same_net():
    X = RNG(0).standard_normal((3, 2))
    W0 = RNG(1).standard_normal((1000, 2))
    expected = kernels.empirical_kernel(Init(W0, np.ones(1000)), X)
    np.testing.assert_array_equal(kernels.random_kernel(1000, X, RNG(1)), expected)


def test_memory_does_not_grow_with_the_width():
    X = sphere(16, 3, RNG(0))
    peaks = []
    for m in (1 << 17, 1 << 20):
        tracemalloc.start()
        kernels.random_kernel(m, X, RNG(0))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] < 2**24


@pytest.mark.parametrize("steps", [0, 1, 7, 300])
@pytest.mark.parametrize("share", [0.3, 1.9])
def test_the_descent_operator_is_descent(steps, share):
    rng = RNG(0)
    J, residual = rng.standard_normal((6, 4)), rng.standard_normal(6)  # two directions cannot be learned
    K = J @ J.T
    lr = share * 6 / np.linalg.eigvalsh(K)[-1]
    theta = np.zeros(4)
    for _ in range(steps):
        theta -= lr / 6 * J.T @ (J @ theta - residual)
    alpha = kernel_training.descent_operator(K, steps, lr) @ residual
    np.testing.assert_allclose(K @ alpha, J @ theta, atol=1e-12)
    np.testing.assert_allclose(np.sqrt(alpha @ K @ alpha), np.linalg.norm(theta), atol=1e-12)


def test_without_end_descent_is_kernel_regression():
    rng = RNG(0)
    K = psd(5, rng)
    np.testing.assert_allclose(kernel_training.descent_operator(K), np.linalg.inv(K), rtol=1e-8)
    K[:, 0] = K[0] = 0
    G = kernel_training.descent_operator(K)
    np.testing.assert_allclose(K @ G @ K, K, atol=1e-10)
    assert np.abs(G[0]).max() < 1e-12


def test_many_small_steps_keep_their_digits():
    K = np.diag([1.0, 1e-9])
    G = kernel_training.descent_operator(K, 1000, 1e-3)
    np.testing.assert_allclose(np.diag(G), [1 - (1 - 0.0005) ** 1000, 0.5], rtol=1e-6)


def test_the_expected_movement_is_that_of_random_starts():
    rng = RNG(0)
    X, y = sphere(5, 4, rng), rng.choice([-1.0, 1.0], 5)
    K, Sigma = kernels.limit_kernel(X), kernels.arc_cosine(X)
    starts = np.linalg.cholesky(Sigma) @ rng.standard_normal((5, 20_000))
    for steps, lr in ((np.inf, None), (10, 3.0)):
        G = kernel_training.descent_operator(K, steps, lr)
        squares = np.array([(y - start) @ G @ K @ G @ (y - start) for start in starts.T])
        error = squares.std() / np.sqrt(squares.size)
        assert abs(squares.mean() - kernel_training.expected_movement(X, y, steps, lr) ** 2) < 4 * error


def test_training_is_plain_gradient_descent():
    rng = RNG(0)
    X, y = sphere(5, 3, rng), rng.standard_normal(5)
    init = gaussian_init(20, 3, rng)
    run = networks.train_first_layer(init, X, y, 30, 1.5)
    W = init.W0.copy()
    for t in range(31):
        assert run.movement[t] == pytest.approx(np.linalg.norm(W - init.W0), abs=1e-12)
        error = networks.outputs(X, W, init.a) - y
        assert run.loss[t] == pytest.approx(np.mean(error**2) / 2)
        if t < 30:
            on = (W @ X.T > 0) * init.a[:, None] / np.sqrt(20)
            W -= 1.5 / 5 * (on * error) @ X
    np.testing.assert_allclose(run.W, W, atol=1e-12)


def test_the_trained_tangent_is_descent_on_f0():
    rng = RNG(0)
    X, y, X_new = sphere(4, 3, rng), rng.standard_normal(4), sphere(6, 3, rng)
    init = gaussian_init(30, 3, rng)
    found = kernel_training.train_three(init, X, y, X_new, 12, 2.0)

    def features(Z):
        return ((Z @ init.W0.T > 0) * init.a / np.sqrt(30))[:, :, None] * Z[:, None, :]

    J, J_new = (features(Z).reshape(len(Z), -1) for Z in (X, X_new))
    theta = init.W0.ravel().copy()
    for _ in range(12):
        theta -= 2.0 / 4 * J.T @ (J @ theta - y)
    np.testing.assert_allclose(found.tangent, J_new @ theta, atol=1e-11)
    np.testing.assert_allclose(found.start, networks.outputs(X_new, *init))
    np.testing.assert_allclose(found.net, networks.outputs(X_new, found.run.W, init.a))


def test_fits_pass_through_their_data():
    rng = RNG(0)
    X, y = sphere(8, 4, rng), rng.standard_normal(8)
    np.testing.assert_allclose(kernel_training.kernel_fit(X, y, X), y, atol=1e-10)
    np.testing.assert_allclose(kernel_training.linear_fit(X, X @ [1.0, 2, 3, 4] + 5, X[:2]), X[:2] @ [1, 2, 3, 4] + 5)


def test_a_bias_keeps_unit_rows():
    X = sphere(5, 3, RNG(0))
    Z = kernels.with_bias(X, 0.5)
    assert Z.shape == (5, 4)
    np.testing.assert_allclose(np.linalg.norm(Z, axis=1), 1)
    np.testing.assert_allclose(Z[:, 3] / Z[:, 0], 0.5 / X[:, 0])


def test_the_scale_of_the_first_layer_is_not_in_the_kernel():
    init, X = gaussian_init(50, 3, RNG(0)), RNG(1).standard_normal((4, 3))
    scaled = Init(7 * init.W0, init.a)
    np.testing.assert_array_equal(kernels.empirical_kernel(scaled, X), kernels.empirical_kernel(init, X))
