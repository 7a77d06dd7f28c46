"""Curvature: every formula against automatic differentiation, and what is refused."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from course_utils.theory import curvature, gram, hessians


def batch(net, n, loss, rng):
    x = rng.standard_normal((n, net.weights[0].shape[1]))
    classes = net.weights[-1].shape[0]
    return x, rng.standard_normal((n, classes)) if loss == "squared" else rng.integers(classes, size=n)


def autograd_block(net, x, t, loss, k):
    model = hessians.to_torch(net)
    return hessians.dense(hessians.layer_operator(hessians.torch_loss(model, x, t, loss), model[2 * k].weight))


def from_parts(curvature, which):
    """Mean of H_u ⊗ zzᵀ over samples, in the order of a flattened weight."""
    H, z = getattr(curvature, which), curvature.z
    size = H.shape[1] * z.shape[1]
    return np.einsum("nij,na,nb->iajb", H, z, z).reshape(size, size) / len(z)


NETS = st.tuples(
    st.integers(0, 10**6),
    st.integers(1, 4),
    st.integers(1, 7),
    st.integers(2, 4),
    st.sampled_from([0.0, 0.5]),
    st.integers(1, 6),
    st.sampled_from(["squared", "cross_entropy"]),
)


@given(NETS)
@settings(max_examples=40)
def test_the_gram_spectrum_is_that_of_the_dense_hessian(drawn):
    seed, depth, width, classes, bias, n, loss = drawn
    rng = np.random.default_rng(seed)
    net = curvature.random_net([3, *[width] * (depth - 1), classes], "ReLU", "He", rng, bias)
    x, t = batch(net, n, loss, rng)
    assume(all(u.any() for u in curvature.forward(net, x).u[:-1]))  # else there is no Hessian
    for k, layer in enumerate(gram.layers(net, x, t, loss)):
        wanted = np.linalg.eigvalsh(autograd_block(net, x, t, loss, k))[::-1]
        found = layer.spectrum()
        size = min(found.size, wanted.size)
        assert np.abs(found[:size] - wanted[:size]).max() <= 1e-10 * max(wanted[0], 1e-9)
        rest = np.abs(np.append(found[size:], wanted[size:]))
        assert rest.max(initial=0) <= 1e-10 * max(wanted[0], 1e-9)
        assert hessians.top_eigenvalue(layer.operator()) == pytest.approx(wanted[0], rel=1e-10, abs=1e-18)


@pytest.mark.parametrize("n, width", [(4, 40), (60, 6), (60, 30), (300, 4)])
def test_every_side_of_the_gram_operator_has_the_same_top_eigenvalue(n, width):
    rng = np.random.default_rng(n)
    net = curvature.random_net([30, width, width, 5], "ReLU", "Glorot", rng, 0.1)
    x, t = batch(net, n, "cross_entropy", rng)
    model = hessians.to_torch(net)
    loss = hessians.torch_loss(model, x, t, "cross_entropy")
    general = [hessians.top_eigenvalue(hessians.layer_operator(loss, model[2 * k].weight)) for k in range(3)]
    assert gram.top_eigenvalues(model, x, t) == pytest.approx(np.array(general), rel=1e-10)


def test_the_gram_block_with_biases():
    rng = np.random.default_rng(0)
    net = curvature.random_net([3, 4, 3], "ReLU", "He", rng, 0.5)
    x, t = batch(net, 20, "cross_entropy", rng)
    model = hessians.to_torch(net)
    loss = hessians.torch_loss(model, x, t, "cross_entropy")
    for k, layer in enumerate(gram.layers(net, x, t, bias=True)):
        block = hessians.dense(hessians.layer_operator(loss, [model[2 * k].weight, model[2 * k].bias]))
        wanted = np.linalg.eigvalsh(block)[::-1]
        assert layer.spectrum()[: wanted.size] == pytest.approx(wanted, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("sigma", ["ReLU", "tanh", "sigmoid", "softplus", "GELU", "SiLU", "linear"])
@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
def test_the_exact_curvature_is_autograds_for_every_activation(sigma, loss):
    rng = np.random.default_rng(1)
    net = curvature.random_net([3, 4, 5, 2], sigma, 1.5, rng, 0.5)
    x, t = batch(net, 4, loss, rng)
    for k, layer in enumerate(curvature.layer_curvatures(net, x, t, loss)):
        wanted = autograd_block(net, x, t, loss, k)
        assert from_parts(layer, "exact") == pytest.approx(wanted, rel=1e-10, abs=1e-12)
        g = rng.standard_normal(net.weights[k].shape)
        assert layer.form(g) == pytest.approx(g.ravel() @ wanted @ g.ravel(), rel=1e-10)
        exact_by_theorem = sigma in ("ReLU", "linear") or k == 2
        assert np.allclose(layer.main, layer.exact, rtol=1e-12, atol=1e-14) == exact_by_theorem
    errors = curvature.relative_errors(net, x, t, loss)
    assert errors.shape == (3, 4) and (errors[-1] < 1e-14).all()


def test_theorem_1_is_the_product_of_jacobians():
    rng = np.random.default_rng(2)
    net = curvature.random_net([3, 4, 5, 2], "tanh", 1.0, rng, 0.3)
    x, t = batch(net, 1, "squared", rng)
    run = curvature.forward(net, x)
    A = [np.diag(a[0]) for a in curvature.slopes(net, run.u)]
    g = rng.standard_normal((4, 3))
    v = net.weights[2] @ A[1] @ net.weights[1] @ A[0] @ g @ x[0]
    assert curvature.layer_curvatures(net, x, t)[0].form(g, "main") == pytest.approx(2 * v @ v)


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
def test_gradients_and_values_are_autograds(loss):
    rng = np.random.default_rng(3)
    net = curvature.random_net([3, 4, 2], "tanh", 1.0, rng, 0.3)
    x, t = batch(net, 7, loss, rng)
    model = hessians.to_torch(net)
    value = hessians.torch_loss(model, x, t, loss)
    value.backward()
    found = curvature.gradients(net, x, t, loss)
    assert found.loss == pytest.approx(value.item())
    for k in range(2):
        assert found.u[k].T @ found.run.z[k] / 7 == pytest.approx(model[2 * k].weight.grad.numpy())
        assert found.u[k].mean(axis=0) == pytest.approx(model[2 * k].bias.grad.numpy())


def test_the_softmax_root_squares_to_the_hessian():
    z = np.array([[1.0, -2.0, 0.5], [800.0, 0.0, -800.0]])
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    wanted = np.array([np.diag(q) - np.outer(q, q) for q in p])
    assert curvature.LOSSES["cross_entropy"].hessian(z) == pytest.approx(wanted, abs=1e-15)
    assert curvature.LOSSES["cross_entropy"].value(z, np.array([0, 2])) == pytest.approx([-np.log(p[0, 0]), 1600])


@given(st.integers(0, 10**6), st.sampled_from(["ReLU", "linear"]), st.sampled_from(["squared", "cross_entropy"]))
@settings(max_examples=60)
def test_the_corrected_theorem_2_is_never_violated(seed, sigma, loss):
    rng = np.random.default_rng(seed)
    net = curvature.random_net([8, 10, 9, 3], sigma, 1.0, rng, 0.5)
    bounds = curvature.norm_bounds(net, *batch(net, 1, loss, rng), loss)
    assert (bounds.exact <= bounds.corrected * (1 + 1e-12) + 1e-15).all()


def test_the_printed_theorem_2_is_violated_and_exact_norms_are_autograds():
    rng = np.random.default_rng(0)
    net = curvature.random_net([8, 10, 9, 3], "ReLU", "Glorot", rng)
    x, t = batch(net, 1, "squared", rng)
    bounds = curvature.norm_bounds(net, x, t)
    norms = [np.linalg.norm(autograd_block(net, x, t, "squared", k), 2) for k in range(3)]
    assert bounds.exact == pytest.approx(norms)
    assert (bounds.exact > bounds.printed).any()
    with pytest.raises(ValueError, match="one row"):
        curvature.norm_bounds(net, np.ones((2, 8)), np.ones((2, 3)))


def test_whole_model_operator():
    rng = np.random.default_rng(4)
    net = curvature.random_net([3, 4, 2], "tanh", 1.0, rng, 0.3)
    x, t = batch(net, 9, "squared", rng)
    model = hessians.to_torch(net)
    operator = hessians.layer_operator(hessians.torch_loss(model, x, t, "squared"), list(model.parameters()))
    matrix = hessians.dense(operator)
    assert matrix == pytest.approx(matrix.T)
    assert hessians.top_eigenvalue(operator) == pytest.approx(np.linalg.eigvalsh(matrix)[-1])


def test_a_quadratic_of_torch_and_a_linear_loss():
    p = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    unused = torch.ones(1, dtype=torch.float64, requires_grad=True)
    operator = hessians.layer_operator((p[0] ** 2 - p[1] ** 2) * 3, [p, unused])
    assert np.diag(hessians.dense(operator)) == pytest.approx([6, -6, 0, 0])
    assert hessians.top_eigenvalue(operator) == pytest.approx(6)
    assert hessians.top_eigenvalue(hessians.layer_operator(p.sum(), p)) == 0


def model_of(*parts):
    torch.manual_seed(0)
    return torch.nn.Sequential(*parts).to(torch.float64)


def linear(n, m):
    return torch.nn.Linear(n, m)


SHARED = linear(3, 3)
X, T = np.random.default_rng(5).standard_normal((4, 3)), np.array([0, 1, 2, 0])


@pytest.mark.parametrize(
    "model, words",
    [
        (model_of(linear(3, 4), torch.nn.Tanh(), linear(4, 3)), "got Tanh where ReLU belongs"),
        (model_of(linear(3, 4), torch.nn.LeakyReLU(), linear(4, 3)), "got LeakyReLU"),
        (model_of(linear(3, 4), torch.nn.BatchNorm1d(4), linear(4, 3)), "got BatchNorm1d"),
        (model_of(linear(3, 4), torch.nn.ReLU()), "linear last layer"),
        (model_of(SHARED, torch.nn.ReLU(), SHARED), "used once"),
        (linear(3, 3), "torch.nn.Sequential, got Linear"),
        (curvature.random_net([3, 4, 3], "tanh", 1.0, np.random.default_rng(0)), "got tanh"),
    ],
)
def test_models_without_a_gram_form_are_refused_with_the_reason(model, words):
    with pytest.raises(TypeError, match=words):
        gram.layers(model, X, T)


@pytest.mark.parametrize(
    "x, t, loss, words",
    [
        (X[:0], T[:0], "cross_entropy", "x must not be empty"),
        (X, np.array([0, 1, 2, 3]), "cross_entropy", "labels must lie in 0 … 2, got 0 to 3"),
        (X, np.array([0, 1, 2, -1]), "cross_entropy", "got -1 to 2"),
        (X, T * 1.0, "cross_entropy", "labels must be whole numbers"),
        (X, T[:3], "cross_entropy", "shape"),
        (X[:, :2], T, "cross_entropy", r"x must have shape \(N, 3\), got \(4, 2\)"),
        (X * np.nan, T, "cross_entropy", "x must be finite"),
        (X, X[:, :2], "squared", "t must have shape"),
        (X, T, "hinge", "loss must be one of squared, cross_entropy, got 'hinge'"),
    ],
)
def test_bad_batches_are_refused(x, t, loss, words):
    net = curvature.random_net([3, 4, 3], "ReLU", "He", np.random.default_rng(0))
    for function in (gram.layers, curvature.layer_curvatures):
        with pytest.raises(ValueError, match=words):
            function(net, x, t, loss)


def test_nan_weights_and_a_kink_at_every_input_are_refused():
    model = model_of(linear(3, 4), torch.nn.ReLU(), linear(4, 3))
    with torch.no_grad():
        model[0].weight[1, 2] = torch.nan
    with pytest.raises(ValueError, match="weights of layer 0 must be finite, got nan"):
        gram.layers(model, X, T)
    with torch.no_grad():
        model[0].weight.zero_(), model[0].bias.zero_()
    with pytest.raises(ValueError, match="layer 0 has u = 0 at every input"):
        gram.layers(model, X, T)


def test_operators_refuse_what_cannot_be_differentiated():
    p = torch.ones(2, dtype=torch.float64, requires_grad=True)
    q = torch.ones(2, dtype=torch.float64, requires_grad=True)
    for loss, parameters, words in [
        (p, p, "one finite number"),
        (p.sum() * torch.nan, p, "one finite number"),
        (p.detach().sum(), p, "must depend on the parameters"),
        (p.sum(), q, "must depend on the parameters"),
        (p.sum(), [], "require a gradient"),
        (p.sum(), p.detach(), "require a gradient"),
    ]:
        with pytest.raises(ValueError, match=words):
            hessians.layer_operator(loss, parameters)


def test_the_papers_own_check_on_mnist():
    """784-30-30-10 on real MNIST, one image at a time: gᵀHg by differentiation against Theorem 1's vᵀH_z v.

    For ReLU they are equal in every layer. For tanh only the last layer's are; what the paper's figure suggests for
    the others does not come out.
    """
    from course_utils.data.digits import mnist

    images = mnist()
    ratios = {}
    for sigma in ("ReLU", "tanh"):
        ratios[sigma] = np.array([_theorem_1_over_truth(sigma, images, i) for i in range(6)])
    assert ratios["ReLU"] == pytest.approx(1, rel=1e-9)
    assert ratios["tanh"][:, 2] == pytest.approx(1, rel=1e-9)
    assert np.abs(ratios["tanh"][:, :2] - 1).max() > 0.1


def _theorem_1_over_truth(sigma, images, i):
    net = curvature.random_net([784, 30, 30, 10], sigma, "Glorot", np.random.default_rng(i))
    x, t = images.x[i : i + 1], images.y[i : i + 1]
    found = curvature.gradients(net, x, t, "cross_entropy")
    model = hessians.to_torch(net)
    loss = hessians.torch_loss(model, x, t, "cross_entropy")
    ratios = []
    for k, layer in enumerate(curvature.layer_curvatures(net, x, t, "cross_entropy")):
        g = found.u[k].T @ found.run.z[k]
        operator = hessians.layer_operator(loss, model[2 * k].weight)
        ratios.append(layer.form(g, "main") / (g.ravel() @ operator.matvec(g.ravel())))
    return ratios
