"""Chapter 1's mathematics: closed forms against torch, bounds against attacks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.theory import taylor
from course_utils.theory.activations import ACTIVATIONS, ONCE_DIFFERENTIABLE, activation
from course_utils.theory.networks import gaussian_init, linearization
from course_utils.theory.taylor import tangent_gap

finite = st.floats(-20, 20)
names = st.sampled_from(list(ACTIVATIONS))


@pytest.mark.parametrize("sigma", ACTIVATIONS.values(), ids=list(ACTIVATIONS))
def test_derivatives_in_closed_form_agree_with_torch(sigma):
    """Protects every number of the chapter: a slip in σ' or σ'' would move them all."""
    import torch
    from torch.nn import functional as F

    known = {
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "softplus": F.softplus,
        "GELU": F.gelu,
        "SiLU": F.silu,
        "sin": torch.sin,
        "erf": torch.erf,
    }
    z = torch.linspace(-5, 5, 101, dtype=torch.float64, requires_grad=True)
    value = known[sigma.name](z)
    (slope,) = torch.autograd.grad(value.sum(), z, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), z)
    points = z.detach().numpy()
    np.testing.assert_allclose(sigma.value(points), value.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(sigma.slope(points), slope.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(sigma.curvature(points), curvature.numpy(), atol=1e-12)


@pytest.mark.parametrize("sigma", ACTIVATIONS.values(), ids=list(ACTIVATIONS))
def test_beta_is_the_largest_curvature_and_is_reached(sigma):
    z = np.linspace(-10, 10, 200_001)
    assert np.abs(sigma.curvature(z)).max() <= sigma.beta * (1 + 1e-12)
    assert abs(sigma.curvature(np.array(sigma.peak))) == pytest.approx(sigma.beta, rel=1e-12)


@given(names, finite, finite)
def test_no_pair_of_points_leaves_the_envelope(name, z, z0):
    """Claim lecture/smooth-scalar; the slack covers the rounding of the four terms that cancel."""
    sigma = activation(name)
    assert abs(tangent_gap(sigma, z, z0)) <= sigma.beta / 2 * (z - z0) ** 2 + 1e-13 * (1 + abs(z) + abs(z0))


@given(names, st.floats(-4, 4), st.floats(-4, 4))
def test_corrected_remainder_is_the_remainder(name, a, x):
    """Claim lecture/taylor-remainder, in its corrected form, for every activation and both directions."""
    r = taylor.integral_remainder(activation(name), a, x)
    assert r.corrected == pytest.approx(r.actual, abs=1e-9)


def test_printed_remainder_is_not_the_remainder():
    r = taylor.integral_remainder(activation("tanh"), 0.3, 1.5)
    assert abs(r.printed - r.actual) > 0.2


def test_linearization_touches_and_is_affine():
    """Claim lecture/affine: exact at W0, superposition in W to 1e-12, not in x."""
    rng = np.random.default_rng(0)
    W0, a = gaussian_init(40, 6, rng)
    tanh = activation("tanh")
    x, y = rng.standard_normal((2, 6))
    U, V = rng.standard_normal((2, 40, 6))

    def f0(x, W):
        return linearization(x, W, W0, a, tanh.value, tanh.slope)

    assert f0(x, W0) == pytest.approx(a @ np.tanh(W0 @ x), abs=1e-12)
    assert f0(x, 0.3 * U + 0.7 * V) == pytest.approx(0.3 * f0(x, U) + 0.7 * f0(x, V), abs=1e-12)
    assert abs(f0((x + y) / 2, U) - (f0(x, U) + f0(y, U)) / 2) > 1e-3


def test_worst_move_has_the_asked_length_and_is_what_the_network_shows():
    """The gap that the scaling experiment reports is the network's own, on weights that lie at distance B."""
    rng = np.random.default_rng(2)
    W0, a = gaussian_init(3000, 7, rng)
    x = rng.standard_normal(7)
    x /= np.linalg.norm(x)
    tanh = activation("tanh")
    delta = taylor.worst_move(tanh, W0 @ x, a, B=2.0)
    W = W0 + np.outer(delta, x)
    gap = a @ np.tanh(W @ x) - linearization(x, W, W0, a, tanh.value, tanh.slope)
    assert np.linalg.norm(W - W0) == pytest.approx(2.0, rel=1e-12)
    assert 0.95 * taylor.proposition_4_1(tanh.beta, W, W0) < gap <= taylor.proposition_4_1(tanh.beta, W, W0)


@pytest.mark.parametrize("sigma", ONCE_DIFFERENTIABLE.values(), ids=list(ONCE_DIFFERENTIABLE))
def test_a_slope_that_is_lipschitz_keeps_the_envelope_and_reaches_it(sigma):
    """Claim lecture/without-second-derivative, on dyadic points, where nothing is rounded."""
    z = np.arange(-40, 41) / 8
    slopes = np.abs(np.subtract.outer(sigma.slope(z), sigma.slope(z)))
    steps = np.abs(np.subtract.outer(z, z))
    assert (slopes <= sigma.beta * steps).all() and (slopes == sigma.beta * steps)[steps > 0].any()
    gaps = np.abs(tangent_gap(sigma, z[:, None], z))
    assert (gaps <= sigma.beta / 2 * steps**2).all() and (gaps == sigma.beta / 2 * steps**2)[steps > 0].any()
    np.testing.assert_allclose(np.diff(sigma.value(z)), np.diff(z) * (sigma.slope(z[1:]) + sigma.slope(z[:-1])) / 2)
    jumps = np.diff(sigma.curvature(z))
    assert set(np.unique(np.abs(jumps))) == {0.0, sigma.beta}, "the second derivative jumps"
