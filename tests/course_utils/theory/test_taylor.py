"""Chapter 1's mathematics: closed forms against automatic differentiation, bounds against attacks, input against nonsense."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.experiments import taylor as experiment
from course_utils.theory import activations, statistics, taylor
from course_utils.theory.activations import ACTIVATIONS, activation
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


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_no_random_move_beats_proposition_4_1(name):
    cloud = experiment.random_moves(activation(name), m=50, d=4, moves=300, rng=np.random.default_rng(1))
    assert (cloud.gap <= cloud.bound * (1 + 1e-12)).all()
    assert set(cloud.kind) == {0, 1, 2}


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


def test_chunked_random_move_has_the_law_of_the_plain_one():
    """The experiment never draws an (m, d) matrix; its gaps must be distributed as if it did.

    Two-sample Kolmogorov-Smirnov at a false-alarm rate of 1e-3, once, with fixed generators.
    """
    from scipy.stats import ks_2samp

    tanh, m, d, B = activation("tanh"), 64, 3, 4.0
    rng = np.random.default_rng(3)
    fast = [experiment._isotropic_gap(tanh, m, d, B, rng) for _ in range(3000)]
    plain = []
    for _ in range(3000):
        W0, a = gaussian_init(m, d, rng)
        D = rng.standard_normal((m, d))
        D *= B / np.linalg.norm(D)
        x = np.array([1.0, 0, 0])
        plain.append(a @ tangent_gap(tanh, (W0 + D) @ x, W0 @ x))
    assert ks_2samp(fast, plain).pvalue > 1e-3


def test_several_chunks_keep_the_length_of_the_move(monkeypatch):
    """For σ(z) = z² the gap is Σ a_i δ_i², so with d = 1 and all signs equal it is B² exactly."""
    square = activations.Activation("square", np.square, lambda z: 2 * z, lambda z: 2 + 0 * z, 2.0, 0.0)
    monkeypatch.setattr(experiment, "CHUNK", 100)

    class AllPlus:
        """A generator whose signs are all +1."""

        def __getattr__(self, name):
            return getattr(rng, name)

        def integers(self, *_, size, **__):
            return np.zeros(size)

    rng = np.random.default_rng(4)
    gap = experiment._isotropic_gap(square, 1050, 1, 3.0, AllPlus())
    assert gap == pytest.approx(9.0, rel=1e-9)


def test_both_rates_in_the_width():
    """Claim lecture/width-scaling-smooth on a smaller run; interval at 99 %, fixed generator."""
    scaling = experiment.width_scaling(
        activation("tanh"), [300, 3000, 30_000], B=1.0, d=5, networks=40, rng=np.random.default_rng(5)
    )
    assert (scaling.worst <= scaling.bound * (1 + 1e-12)).all()
    worst = statistics.power_law_slope(scaling.widths, scaling.worst)
    random = statistics.power_law_slope(scaling.widths, scaling.random)
    assert worst.value == pytest.approx(-0.5, abs=0.01)
    assert random.low <= -1 <= random.high
    # The median of 40 absolute normal draws has a relative standard deviation of 0.19.
    assert np.median(scaling.random, axis=0) / scaling.random_median == pytest.approx(1, abs=0.6)


def test_peak_memory_does_not_depend_on_the_width():
    """Bar of the chapter: at width 10⁶ the experiment holds some chunks, never the (m, d) matrix."""
    import tracemalloc

    tracemalloc.start()
    experiment.width_scaling(activation("tanh"), [1_000_000], B=1.0, d=50, networks=1, rng=np.random.default_rng(6))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 8 * experiment.CHUNK


def test_slope_of_an_exact_power_law():
    widths = np.array([10, 100, 1000])
    slope = statistics.power_law_slope(widths, np.outer([1, 2, 5], widths**-0.7))
    assert slope.value == pytest.approx(-0.7) and slope.high - slope.low < 1e-9


tanh = activation("tanh")
rng = np.random.default_rng(0)


@pytest.mark.parametrize(
    "call, error, names_it",
    [
        (lambda: activation("relu"), ValueError, "'relu'"),
        (lambda: tangent_gap(tanh, np.nan, 0.0), ValueError, "nan"),
        (lambda: tangent_gap(tanh, "x", 0.0), TypeError, "'x'"),
        (lambda: experiment.tangent_envelope("tanh", z0=np.inf), ValueError, "inf"),
        (lambda: experiment.tangent_envelope("tanh", reach=0), ValueError, "reach"),
        (lambda: experiment.tightness([]), ValueError, "empty"),
        (lambda: experiment.tightness([1.0, -2.0]), ValueError, "-2"),
        (lambda: taylor.integral_remainder(tanh, 0.0, float("nan")), ValueError, "nan"),
        (lambda: experiment.random_moves(tanh, -3, 2, 5, rng), ValueError, "-3"),
        (lambda: experiment.random_moves(tanh, 3, 2, 0, rng), ValueError, "moves"),
        (lambda: experiment.random_moves(tanh, 3.5, 2, 5, rng), TypeError, "3.5"),
        (lambda: taylor.worst_move(tanh, [1.0, 2.0], [1.0], 1.0), ValueError, "same length"),
        (lambda: taylor.worst_move(tanh, [1.0], [1.0], -1.0), ValueError, "-1"),
        (lambda: experiment.width_scaling(tanh, [10, -1], 1.0, 2, 2, rng), ValueError, "-1"),
        (lambda: experiment.width_scaling(tanh, [10], -1.0, 2, 2, rng), ValueError, "B"),
        (lambda: statistics.power_law_slope([1.0, 2.0], [[1.0, 2.0]]), ValueError, "(1, 2)"),
        (lambda: statistics.power_law_slope([1.0, 2.0], [[1.0, 2.0], [0.0, 1.0]]), ValueError, "positive"),
        (lambda: taylor.proposition_4_1(-1.0, np.ones((1, 1)), np.ones((1, 1))), ValueError, "-1"),
        (lambda: taylor.proposition_4_1(1.0, np.ones((2, 1)), np.ones((1, 2))), ValueError, "(2, 1)"),
        (lambda: gaussian_init(0, 3, rng), ValueError, "0"),
        (lambda: gaussian_init(True, 3, rng), TypeError, "True"),
        (
            lambda: linearization([1.0], np.ones((2, 3)), np.ones((1, 1)), [1.0, 1.0], np.tanh, np.cos),
            ValueError,
            "(2, 3)",
        ),
        (
            lambda: linearization([np.nan], np.ones((1, 1)), np.ones((1, 1)), [1.0], np.tanh, np.cos),
            ValueError,
            "x must be finite",
        ),
        (lambda: linearization([1.0], np.ones((1, 1)), np.ones((2, 1)), [1.0], np.tanh, np.cos), ValueError, "W0"),
    ],
)
def test_bad_input_is_named(call, error, names_it):
    with pytest.raises(error) as caught:
        call()
    assert names_it in str(caught.value)


@given(st.one_of(st.text(), st.none(), st.lists(st.text(), min_size=1), st.just(np.nan), st.just(np.ones((2, 2)))))
def test_numbers_refuse_whatever_is_not_one(value):
    """Property form of the table above: nothing but a finite number passes where a number is asked for."""
    with pytest.raises((ValueError, TypeError), match="z0"):
        experiment.tangent_envelope("tanh", z0=value)


@given(st.one_of(st.integers(max_value=0), st.floats(), st.booleans(), st.text()))
def test_sizes_refuse_whatever_is_not_a_positive_whole_number(value):
    with pytest.raises((ValueError, TypeError), match="m must be"):
        gaussian_init(value, 2, np.random.default_rng(0))
