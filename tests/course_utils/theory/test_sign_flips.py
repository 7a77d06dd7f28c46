"""Chapter 2's theory. Statistical tests use fixed generators; the false-alarm rate of fresh ones stands with each."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.integrate import quad
from scipy.stats import chi2_contingency, ks_2samp

from course_utils.theory import sign_flips

NUMBERS = st.floats(-10, 10).map(lambda v: round(v, 3))


@st.composite
def nets(draw):
    """Small networks, with zeros and repeated values as likely as any other."""
    m, d = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    W0, W = draw(arrays(float, (m, d), elements=NUMBERS)), draw(arrays(float, (m, d), elements=NUMBERS))
    return W0, W, draw(arrays(float, d, elements=NUMBERS)), draw(arrays(float, m, elements=NUMBERS))


def plain(m, d, B, tau, rng):
    """What `random_flips` draws, with W0 and W in memory."""
    W0, G = rng.standard_normal((m, d)), rng.standard_normal((m, d))
    x = np.zeros(d)
    x[-1] = 1
    return sign_flips.count_flips(W0, W0 + B * G / np.linalg.norm(G), x, rng.choice([-1.0, 1.0], m), tau)


def tables_differ(first, second):
    """p-value of the chi-square test that two lists of outcomes have one law; rare outcomes are pooled."""
    both = {key: (first.count(key), second.count(key)) for key in set(first) | set(second)}
    common = [counts for counts in both.values() if sum(counts) >= 20]
    rare = np.sum([counts for counts in both.values() if sum(counts) < 20], axis=0)
    table = np.array([*common, rare] if np.sum(rare) >= 20 else common)
    return chi2_contingency(table.T).pvalue


def test_no_flip_outside_the_bad_sets_on_an_exact_grid():
    # every product and norm that decides is a dyadic number, so the boundaries are hit exactly
    points = np.array(list(itertools.product(np.arange(-1, 1.25, 0.25), repeat=2)))
    W0, W = np.repeat(points, len(points), axis=0), np.tile(points, (len(points), 1))
    x = np.array([0.75, 1.0])
    u, moved = W0 @ x, np.linalg.norm(W - W0, axis=1)
    flips = sign_flips.flipped(W0, W, x)
    outside_both_strict = 0
    for tau in (0.0, 0.25, 0.5, 1.0, 1.25, 2.5):
        S1, S2 = sign_flips.bad_sets(W0, W, x, tau)
        np.testing.assert_array_equal(S1, np.abs(u) <= tau * 1.25)
        np.testing.assert_array_equal(S2, moved >= tau)
        assert not (flips & ~(S1 | S2)).any()
        # the docstring's remark: one closed boundary is enough, none is not
        open1, open2 = np.abs(u) < tau * 1.25, moved > tau
        assert not (flips & ~(S1 | open2)).any()
        assert not (flips & ~(open1 | S2)).any()
        outside_both_strict += (flips & ~(open1 | open2)).sum()
    assert outside_both_strict > 0


@pytest.mark.parametrize("tau", [0.01, 0.1, 1.0])
def test_no_flip_outside_the_bad_sets_in_a_million_random_neurons(tau):
    rng = np.random.default_rng(1)
    W0 = rng.standard_normal((1_000_000, 3))
    W = W0 + rng.standard_normal(W0.shape) * tau
    bad = sign_flips.bad_sets(W0, W, np.array([0.3, -0.5, 0.2]), tau)
    flips = sign_flips.flipped(W0, W, np.array([0.3, -0.5, 0.2]))
    assert not (flips & ~bad.S).any()
    # neither set is there for nothing
    assert (flips & bad.S1 & ~bad.S2).any() and (flips & bad.S2 & ~bad.S1).any()


def test_no_flip_just_outside_the_boundary():
    # the strongest try: start a hair outside the strip, move a hair less than tau, straight across
    rng = np.random.default_rng(2)
    n, tau = 1_000_000, 0.3
    x = np.array([0.6, -0.48, 0.64])
    side = rng.choice([-1.0, 1.0], n)
    hair = 10 ** rng.uniform(-12, -6, (2, n))
    W0 = rng.standard_normal((n, 3))
    W0 += np.outer(side * tau * (1 + hair[0]) - W0 @ x, x)
    W = W0 - np.outer(side * tau * (1 - hair[1]), x)
    bad = sign_flips.bad_sets(W0, W, x, tau)
    assert not bad.S.any()
    assert not sign_flips.flipped(W0, W, x).any()
    assert sign_flips.flipped(W0, W - np.outer(side * 1e-5, x), x).all()


@given(nets(), st.floats(0, 5))
def test_flips_lie_in_the_bad_sets(net, tau):
    W0, W, x, _ = net
    assert not (sign_flips.flipped(W0, W, x) & ~sign_flips.bad_sets(W0, W, x, tau).S & (np.abs(W0 @ x) > 1e-9)).any()


def test_zero_counts_as_on():
    W0, W = np.array([[0.0], [0.0], [1.0], [-1.0]]), np.array([[1.0], [-1.0], [0.0], [0.0]])
    assert sign_flips.flipped(W0, W, np.ones(1)).tolist() == [False, True, False, True]


@given(nets())
def test_the_star_identity(net):
    W0, W, x, a = net
    scale = np.abs(a) @ (np.abs(W0) + np.abs(W)) @ np.abs(x)
    assert abs(sign_flips.star_gap(W0, W, x, a) - sign_flips.direct_gap(W0, W, x, a)) <= 1e-12 * scale
    only = sign_flips.flipped(W0, W, x)
    assert sign_flips.star_gap(W0, W, x, a) == pytest.approx(float(a[only] @ np.abs(W @ x)[only]), abs=1e-12 * scale)


def test_direct_gap_is_the_network_minus_its_expansion():
    W0, W = np.array([[1.0, 2.0], [-1.0, 0.5]]), np.array([[-3.0, 2.0], [1.0, 1.0]])
    x, a = np.array([1.0, 0.5]), np.array([2.0, -1.0])
    # w0·x = 2, −0.75 and w·x = −2, 1.5, so f = −1.5, f(W0) = 4, and the only live neuron moves by −4, twice
    assert sign_flips.direct_gap(W0, W, x, a) == -1.5 - (4 + 2 * -4)


@given(nets(), st.floats(0.01, 5))
def test_the_bounds_hold(net, tau):
    W0, W, x, a = net
    x = x / max(1, np.linalg.norm(x))
    a = np.sign(a)
    totals = sign_flips.count_flips(W0, W, x, a, tau)
    slack = 1 + 1e-9
    assert abs(totals.gap) <= sign_flips.flip_bound(totals.flips, totals.B) * slack + 1e-9
    assert totals.S2 <= sign_flips.s2_bound(totals.B, tau) * slack
    assert max(totals.S1, totals.S2) <= totals.S <= totals.S1 + totals.S2


def test_count_flips_collects_the_other_functions():
    rng = np.random.default_rng(3)
    W0, W = rng.standard_normal((2, 500, 4))
    x, a, tau = rng.standard_normal(4), rng.standard_normal(500), 0.4
    bad = sign_flips.bad_sets(W0, W, x, tau)
    totals = sign_flips.count_flips(W0, W, x, a, tau)
    assert totals == (
        500,
        sign_flips.flipped(W0, W, x).sum(),
        sign_flips.star_gap(W0, W, x, a),
        bad.S1.sum(),
        bad.S2.sum(),
        bad.S.sum(),
        pytest.approx(np.linalg.norm(W - W0)),
    )


@given(st.floats(0.01, 50), st.floats(0.05, 5))
def test_s2_bound_is_tight(B, tau):
    k = math.floor((B / tau) ** 2 * (1 + 1e-12))
    if k == 0:
        with pytest.raises(ValueError, match="at least tau"):
            sign_flips.tight_movement(10, 2, B, tau)
        return
    move = sign_flips.tight_movement(k + 3, 2, B, tau)
    assert np.linalg.norm(move) == pytest.approx(B, rel=1e-9)
    assert sign_flips.bad_sets(np.zeros_like(move), move, np.ones(2), tau).S2.sum() == k


def test_tight_movement_meets_the_bound_exactly():
    move = sign_flips.tight_movement(1000, 3, 3.0, 0.1)
    assert sign_flips.bad_sets(np.zeros_like(move), move, np.ones(3), 0.1).S2.sum() == 900
    assert sign_flips.s2_bound(3.0, 0.1) == pytest.approx(900)
    with pytest.raises(ValueError, match="900"):
        sign_flips.tight_movement(899, 3, 3.0, 0.1)


@given(st.integers(1, 10**7), st.floats(0.01, 100), st.floats(1e-6, 0.99), st.floats(0.2, 5))
def test_optimal_tau_minimises_the_count(m, B, delta, factor):
    tau = sign_flips.optimal_tau(m, B)
    chance = math.sqrt(m * math.log(1 / delta))
    best = m * tau + sign_flips.s2_bound(B, tau) + chance
    assert best == pytest.approx(sign_flips.optimal_bad_set_bound(m, B, delta), rel=1e-12)
    assert best <= (m * tau * factor + sign_flips.s2_bound(B, tau * factor) + chance) * (1 + 1e-12)
    assert best <= sign_flips.optimal_bad_set_bound(m, B, delta, sign_flips.LECTURE_COUNT_CONSTANT)


def test_count_constant():
    assert round(sign_flips.COUNT_CONSTANT, 3) == 1.890


def test_peak_memory_does_not_grow_with_the_width():
    def peak(m):
        tracemalloc.start()
        sign_flips.random_flips(m, 50, 3.0, 0.1, np.random.default_rng(0), chunk=10_000)
        value = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return value

    peak(10)
    assert peak(1_280_000) < 1.3 * peak(40_000)


@pytest.mark.parametrize(
    "m, d, B, tau, chunk",
    [
        (3, 2, 2.0, 0.8, 1),  # one neuron a chunk: the shares of B² are all that matters
        (6, 1, 3.0, 1.0, 4),  # no chi-square part, last chunk shorter
        (12, 5, 4.0, 0.9, 5),
    ],
)
def test_random_flips_have_the_law_of_the_plain_version(m, d, B, tau, chunk):
    # 6 tests at 1e-4 in all: false-alarm rate at most 6e-4
    draws = 6000
    fast_rng, plain_rng = np.random.default_rng(7), np.random.default_rng(8)
    fast = [sign_flips.random_flips(m, d, B, tau, fast_rng, chunk=chunk) for _ in range(draws)]
    slow = [plain(m, d, B, tau, plain_rng) for _ in range(draws)]

    def joint(rows):
        return [(r.flips, r.S1, r.S2, r.S) for r in rows]

    assert tables_differ(joint(fast), joint(slow)) > 1e-4
    assert ks_2samp([r.gap for r in fast], [r.gap for r in slow]).pvalue > 1e-4
    # the comparison has teeth: a move 15 % longer is told apart
    longer = [sign_flips.random_flips(m, d, 1.15 * B, tau, fast_rng, chunk=chunk) for _ in range(draws)]
    assert tables_differ(joint(longer), joint(slow)) < 1e-4


def test_random_flips_spend_the_whole_budget_and_scale_with_x():
    one = sign_flips.random_flips(10_000, 7, 3.0, 0.05, np.random.default_rng(9), chunk=999)
    two = sign_flips.random_flips(10_000, 7, 3.0, 0.05, np.random.default_rng(9), norm_x=0.5, chunk=999)
    assert one.B == pytest.approx(3.0, rel=1e-12) and one.m == 10_000 and one.flips > 0
    assert two.gap == pytest.approx(one.gap / 2) and two[1] == one[1] and two[3:6] == one[3:6]
    still = sign_flips.random_flips(1000, 7, 0.0, 0.05, np.random.default_rng(9))
    assert (still.flips, still.gap, still.S2, still.B) == (0, 0.0, 0, 0.0)


def test_expected_random_flips_and_gap():
    m, d, B = 2000, 10, 8.0
    rng = np.random.default_rng(10)
    rows = [sign_flips.random_flips(m, d, B, 0.1, rng) for _ in range(4000)]
    flips, squares = np.array([r.flips for r in rows]), np.array([r.gap for r in rows]) ** 2
    # two z-tests at 4 standard errors: false-alarm rate 1.3e-4
    predicted = m * math.atan(B / math.sqrt(m * d)) / math.pi, sign_flips.random_gap_rms(m, d, B) ** 2
    for sample, mean in zip((flips, squares), predicted, strict=True):
        assert abs(sample.mean() - mean) < 4 * sample.std() / math.sqrt(len(sample))


@pytest.mark.parametrize("B", [1e-4, 0.09, 0.11, 3.0, 300.0])
def test_random_gap_rms_is_its_integral(B):
    m, d = 10, 10
    s = B / 10
    phi = math.atan(s)
    # E[R²] = 2, two sectors, and (u + s g)² = R² (1 + s²) sin²(angle to the edge of the sector)
    square = m * 2 * (1 + s**2) * 2 * quad(lambda t: math.sin(t) ** 2, 0, phi, epsabs=0)[0] / (2 * math.pi)
    assert sign_flips.random_gap_rms(m, d, B) == pytest.approx(math.sqrt(square), rel=1e-8)
    if s < 1e-3:
        leading = math.sqrt(2 / (3 * math.pi)) * B**1.5 * d**-0.75 * m**-0.25
        assert sign_flips.random_gap_rms(m, d, B) == pytest.approx(leading, rel=1e-6)


def test_at_a_kink_the_star_identity_needs_slope_one_or_a_strict_sign():
    """Claim lecture/min-norm: with the minimum-norm slope 0, (★) misses a neuron that leaves its kink."""
    W0, W, x, a = np.array([[1.0, -2.0]]), np.array([[1.3, -2.3]]), np.array([2.0, 1.0]), np.ones(1)
    before, after = W0 @ x, W @ x
    assert before == 0 and after == pytest.approx(0.3)
    assert sign_flips.star_gap(W0, W, x, a) == sign_flips.direct_gap(W0, W, x, a) == 0
    with_minimum_norm = np.maximum(after, 0) - (before > 0) * after
    strict = a @ (after * ((after >= 0) * 1.0 - (before > 0)))
    assert with_minimum_norm == strict == pytest.approx(0.3)
