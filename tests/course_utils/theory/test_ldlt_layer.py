"""The LDLT layer: singular values, forms, gradients."""

import numpy as np
import pytest
import torch

from course_utils.theory.ldlt_layer import FORMS, LDLT, ldlt_matrix

SHAPES = [(1, 1), (4, 4), (3, 7), (7, 3), (1, 5), (5, 1)]  # (m, n)


def weight(m, n, seed=0, scale=1.0):
    return torch.tensor(scale * np.random.default_rng(seed).standard_normal((m, n)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES)
def test_singular_values_are_gamma_s_over_root_of_alpha_plus_s_squared(shape, form):
    W, alpha, gamma = weight(*shape), 0.3, 2.0
    s = torch.linalg.svdvals(W)
    found = torch.linalg.svdvals(ldlt_matrix(W, alpha, gamma, form))
    torch.testing.assert_close(found, gamma * s / (alpha + s**2).sqrt())
    assert found.max() < gamma


@pytest.mark.parametrize("shape", SHAPES)
def test_the_symmetric_form_is_the_papers(shape):
    W, alpha = weight(*shape), 0.7
    values, vectors = np.linalg.eigh(0.7 * np.eye(shape[1]) + W.numpy().T @ W.numpy())
    expected = 1.5 * W.numpy() @ (vectors / np.sqrt(values)) @ vectors.T
    np.testing.assert_allclose(ldlt_matrix(W, alpha, 1.5).numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(4, 4), (7, 3)])
def test_the_cholesky_form_of_tall_layers_has_the_same_covariance(shape):
    W = weight(*shape)
    one, two = (ldlt_matrix(W, 1.0, 1.0, form) for form in FORMS)
    torch.testing.assert_close(one @ one.mT, two @ two.mT)
    L = np.linalg.cholesky(np.eye(shape[1]) + W.numpy().T @ W.numpy())
    np.testing.assert_allclose(two.numpy(), W.numpy() @ np.linalg.inv(L).T, atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients(shape, form):
    W = weight(*shape).requires_grad_()
    assert torch.autograd.gradcheck(lambda W: ldlt_matrix(W, 0.5, 1.3, form), W)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_in_alpha_and_gamma(shape, form):
    W = weight(*shape).requires_grad_()
    alpha, gamma = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (0.5, 1.3))
    assert torch.autograd.gradcheck(lambda *knobs: ldlt_matrix(*knobs, form), (W, alpha, gamma))
    stacked = torch.stack([W, 2 * W]).detach()
    assert torch.autograd.gradcheck(lambda alpha: ldlt_matrix(stacked, alpha, 1.3, form), alpha)


@pytest.mark.parametrize("shape", SHAPES)
def test_only_the_unit_of_W_and_a_factor_distinguish_two_layers(shape):
    """M(W; α, γ) = γ M(W/√α; 1, 1), hence Euler's identity 2α ∂M/∂α + ⟨W, ∂/∂W⟩ M = 0."""
    W, alpha, gamma = weight(*shape).requires_grad_(), torch.tensor(0.7, dtype=torch.float64, requires_grad=True), 2.3
    M = ldlt_matrix(W, alpha, gamma)
    torch.testing.assert_close(M, gamma * ldlt_matrix(W / alpha.sqrt()))
    by_W, by_alpha = torch.autograd.grad((weight(*shape, seed=1) * M).sum(), (W, alpha))
    torch.testing.assert_close(2 * alpha * by_alpha, -(W * by_W).sum())


@pytest.mark.parametrize("W", [torch.eye(3, dtype=torch.float64), torch.zeros(2, 4, dtype=torch.float64)])
def test_gradients_where_singular_values_coincide(W):
    """There torch's own gradient of eigenvectors is not a number."""
    W = W.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda W: ldlt_matrix(W, 1.0, 1.0), W)
    assert torch.autograd.gradcheck(lambda W: ldlt_matrix(W, 1.0, 1.0, "cholesky"), W)


def test_stacked_layers_and_vmap_agree_in_the_symmetric_form():
    W = torch.stack([weight(3, 5, seed) for seed in range(4)])
    torch.testing.assert_close(torch.func.vmap(lambda W: ldlt_matrix(W, 0.5))(W), ldlt_matrix(W, 0.5))

    def loss(W):
        return (ldlt_matrix(W, 0.5) ** 3).sum()

    by_vmap = torch.func.vmap(torch.func.grad(loss))(W)
    one_by_one = torch.stack([torch.autograd.grad(loss(V), V)[0] for V in W.clone().requires_grad_()])
    torch.testing.assert_close(by_vmap, one_by_one)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e3])
def test_single_precision_is_right_to_single_precision(form, scale):
    W = weight(20, 30, scale=scale)
    W32 = W.float().requires_grad_()
    W64 = W32.detach().double().requires_grad_()
    for V in (W32, W64):
        (ldlt_matrix(V, 1.0, 1.0, form) ** 2).sum().backward()
    half, full = ldlt_matrix(W32, 1.0, 1.0, form).detach().double(), ldlt_matrix(W64, 1.0, 1.0, form).detach()
    assert (half - full).norm() <= 2e-4 * full.norm()
    # A saturated layer's gradient is a small difference of terms of size 1/s.
    allowed = 2e-3 * W64.grad.norm() + 1e-5 * min(scale, 1 / scale)
    assert (W32.grad.double() - W64.grad).norm() <= allowed


def test_the_layer():
    layer = LDLT(5, 3, sigma=0.4, alpha=0.5, gamma=2.0, rng=np.random.default_rng(1))
    assert layer.W.shape == (3, 5) and layer.W.dtype == torch.float64
    np.testing.assert_array_equal(layer.W.detach(), 0.4 * np.random.default_rng(1).standard_normal((3, 5)))
    x = torch.ones(2, 7, 5, dtype=torch.float64)
    torch.testing.assert_close(layer(x), x @ ldlt_matrix(layer.W, 0.5, 2.0).mT)
    assert layer(x[0, 0]).shape == (3,)
    layer(x).sum().backward()
    assert layer.W.grad.shape == (3, 5)
    assert [name for name, _ in layer.named_parameters()] == ["W"]
    assert "n=5, m=3, alpha=0.5, gamma=2" in repr(layer)
    assert abs(LDLT(400, 400).W.std().item() - 0.05) < 0.001
    assert LDLT(2, 2, dtype=torch.float32).W.dtype == torch.float32


def test_bad_rows_and_forms_are_named():
    with pytest.raises(ValueError, match=r"x must have shape \(..., n\) with n = 3, got \(4, 2\)"):
        LDLT(3, 2)(torch.ones(4, 2))
    with pytest.raises(ValueError, match="form must be one of symmetric, cholesky, got 'other'"):
        ldlt_matrix(torch.eye(2), form="other")
