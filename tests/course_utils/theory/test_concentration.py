"""Chapter 3's theory. Statistical tests use fixed generators; the false-alarm rate of fresh ones stands with each."""

import itertools
import math
import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from course_utils.theory import concentration, sign_flips, worst_case

WIDTHS = st.integers(1, 10**6)
TAUS = st.floats(1e-4, 3)
DELTAS = st.floats(1e-12, 0.999)


def layer(m, d, seed):
    """A random W0, a unit vector x and random signs a."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(d)
    return rng.standard_normal((m, d)), x / np.linalg.norm(x), rng.choice([-1.0, 1.0], m)


def exceedance(m, tau, bound):
    """Pr[count > bound] by scipy: the count is binomial."""
    return stats.binom.sf(math.floor(bound), m, concentration.near_zero_probability(tau))


@given(st.floats(0, 40, allow_subnormal=False))
def test_near_zero_probability_and_its_roundings(tau):
    exact, density, lecture = concentration.near_zero_roundings(tau)
    assert exact == concentration.near_zero_probability(tau) == pytest.approx(1 - 2 * stats.norm.sf(tau), abs=1e-15)
    assert exact <= density * (1 + 1e-15) and density <= lecture == tau
    assert density == pytest.approx(2 * tau * stats.norm.pdf(0))


@given(st.floats(-50, 50), st.floats(0.001, 0.999))
def test_hoeffdings_lemma(s, p):
    value = concentration.log_mgf(s, p)
    assert value == pytest.approx(math.log((1 - p) * math.exp(-s * p) + p * math.exp(s * (1 - p))), abs=1e-12)
    assert -1e-15 <= value <= concentration.hoeffding_log_mgf(s) + 1e-15


def test_log_mgf_at_its_extremes():
    assert concentration.log_mgf(0.0, 0.3) == 0
    # near 0 it is s²/2 times the variance, and p = 1/2 meets Hoeffding's s²/8
    assert concentration.log_mgf(1e-4, 0.2) == pytest.approx(1e-8 / 2 * 0.16, rel=1e-4)
    assert concentration.log_mgf(1e-3, 0.5) == pytest.approx(concentration.hoeffding_log_mgf(1e-3), rel=1e-5)
    assert concentration.log_mgf(5000.0, 0.2) == pytest.approx(4000 + math.log(0.2))
    grid = np.linspace(-1, 3, 7)
    np.testing.assert_array_equal(
        concentration.log_mgf(grid, 0.3), [concentration.log_mgf(float(s), 0.3) for s in grid]
    )


@given(st.integers(1, 1000), st.floats(0.1, 100), st.floats(0, 3))
def test_hoeffdings_exponent_is_smallest_at_4t_over_m(m, t, factor):
    def exponent(s):
        return m * concentration.hoeffding_log_mgf(s) - s * t

    best = exponent(4 * t / m)
    assert math.exp(best) == pytest.approx(math.exp(-2 * t**2 / m), rel=1e-9)
    assert best <= exponent(factor * 4 * t / m) + 1e-9


def test_tail_bounds_at_the_lectures_example():
    table = concentration.tail_bounds(10_000, 0.05, 0.05)
    assert table.exact == 431
    assert [round(v) for v in table[:4]] == [399, 673, 521, 448]
    assert table.exact <= table.chernoff <= table.bernstein


@given(WIDTHS, TAUS, DELTAS)
def test_tail_bounds_hold_and_are_ordered(m, tau, delta):
    table = concentration.tail_bounds(m, tau, delta)
    slack = 1 + 1e-9
    assert table.exact <= table.chernoff * slack
    assert table.chernoff <= min(table.hoeffding, table.bernstein) * slack
    assert table.hoeffding <= table.lecture * slack
    for bound in table[1:]:
        assert exceedance(m, tau, bound * slack) <= delta


@given(WIDTHS, TAUS, DELTAS)
def test_the_exact_quantile_is_the_smallest(m, tau, delta):
    k = concentration.tail_bounds(m, tau, delta).exact
    assert exceedance(m, tau, k) <= delta
    assert k == 0 or exceedance(m, tau, k - 1) > delta


@given(st.integers(1, 10**5), TAUS, st.floats(0.001, 0.99))
def test_the_exact_quantile_is_scipys(m, tau, delta):
    law = stats.binom(m, concentration.near_zero_probability(tau))
    k = concentration.tail_bounds(m, tau, delta).exact
    # scipy rounds 1 − δ first, so at a jump the two may choose its two sides
    assert abs(k - law.ppf(1 - delta)) <= 1


def test_a_delta_below_rounding_still_has_a_quantile():
    k = concentration.tail_bounds(1000, 0.05, 1e-40).exact
    assert stats.binom.sf(k, 1000, concentration.near_zero_probability(0.05)) <= 1e-40 and k < 200


@given(WIDTHS, TAUS, DELTAS)
def test_chernoff_solves_its_equation(m, tau, delta):
    p, q = concentration.near_zero_probability(tau), concentration.tail_bounds(m, tau, delta).chernoff / m
    if q < 1:
        divergence = q * math.log(q / p) + (1 - q) * math.log((1 - q) / (1 - p))
        assert m * divergence == pytest.approx(math.log(1 / delta), rel=1e-4, abs=1e-6)
    else:
        assert p**m >= delta * (1 - 1e-9)


def test_coverage_of_every_bound():
    # Clopper–Pearson at 99.99 %, 6 settings and 5 bounds: false-alarm rate at most 30 · 1e-4 = 0.003
    rng = np.random.default_rng(1)
    for m, tau, delta in itertools.product((200, 10_000), (0.02, 0.05, 0.3), (0.05,)):
        counts = rng.binomial(m, concentration.near_zero_probability(tau), 20_000)
        for bound in concentration.tail_bounds(m, tau, delta)[1:]:
            seen = concentration.coverage(counts, bound, confidence=0.9999)
            assert seen.draws == 20_000 and seen.share == np.mean(counts > bound)
            assert seen.low <= exceedance(m, tau, bound) <= seen.high
            assert seen.low <= delta


def test_coverage_of_the_count_of_real_neurons():
    # the law of |S1| is binomial whatever the direction and length of x; two tests at 1e-3 each
    m, tau, draws = 60, 0.2, 4000
    rng = np.random.default_rng(2)
    for x in (np.array([1.0, 0, 0, 0]), np.array([3.0, -2, 0.1, 5])):
        W0 = rng.standard_normal((draws * m, 4))
        counts = sign_flips.bad_sets(W0, W0, x, tau).S1.reshape(draws, m).sum(axis=1)
        law = stats.binom(m, concentration.near_zero_probability(tau))
        edges = np.arange(4, 16)
        seen = np.histogram(counts, [-1, *edges, m + 1])[0]
        expected = draws * np.diff([0, *law.cdf(edges - 1), 1])
        assert stats.chisquare(seen, expected).pvalue > 1e-3


@given(WIDTHS, st.just(0.0) | st.floats(1e-100, 100), DELTAS)
def test_lemma_4_1_follows_from_its_parts(m, B, delta):
    S = sign_flips.optimal_bad_set_bound(m, B, delta, sign_flips.LECTURE_COUNT_CONSTANT)
    assert sign_flips.flip_bound(S, B) <= worst_case.lemma_4_1_bound(m, B, delta) * (1 + 1e-12)


@given(WIDTHS, st.floats(1e-3, 100), DELTAS)
def test_without_roundings_the_lemma_is_the_best_choice_of_tau(m, B, delta):
    def bound(tau):
        p = 2 * tau * stats.norm.pdf(0)
        return B * math.sqrt(m * p + B**2 / tau**2 + math.sqrt(m * math.log(1 / delta) / 2))

    best = (2 * B**2 / (m * 2 * stats.norm.pdf(0))) ** (1 / 3)
    value = worst_case.unrounded_lemma_4_1(m, B, delta)
    assert value == pytest.approx(bound(best)) and value <= min(bound(0.9 * best), bound(1.1 * best))
    assert value <= worst_case.lemma_4_1_bound(m, B, delta)


def test_lemma_4_1_as_printed():
    assert worst_case.lemma_4_1_bound(1000, 8.0, math.exp(-16)) == pytest.approx(10 * (math.sqrt(2) * 16 + 8 * 2))


@pytest.mark.parametrize("B", [0.1, 1.0, 10.0])
def test_lemma_4_1_holds_for_the_worst_perturbation(B):
    rng = np.random.default_rng(3)
    for m in (1, 10, 300):
        for _ in range(200):
            u, a = rng.standard_normal(m), rng.choice([-1.0, 1.0], m)
            assert worst_case.worst_case_gap(u, a, B).gap <= worst_case.lemma_4_1_bound(m, B, 0.5)


@settings(max_examples=60)
@given(st.integers(1, 8), st.floats(0.01, 20), st.floats(0.1, 2), st.integers(0, 2**32))
def test_worst_case_against_every_subset(m, B, norm_x, seed):
    rng = np.random.default_rng(seed)
    u, a = norm_x * rng.standard_normal(m), rng.choice([-0.7, 0.7], m)
    best = 0.0
    for size in range(1, m + 1):
        for subset in itertools.combinations(range(m), size):
            if len(set(a[list(subset)])) == 1:
                best = max(best, 0.7 * (B * norm_x * math.sqrt(size) - np.abs(u[list(subset)]).sum()))
    assert worst_case.worst_case_gap(u, a, B, norm_x).gap == pytest.approx(best, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("u, a", [((0.3, -0.5), (1, 1)), ((0.2, 0.9), (-1, -1)), ((0.4, 0.1), (1, -1))])
def test_worst_case_against_a_grid_of_all_moves_of_two_neurons(u, a):
    # independent of the derivation: d = 1, x = 1, and every move in the disc
    u, a, B = np.array(u), np.array(a, dtype=float), 1.0
    radius, angle = np.meshgrid(np.linspace(0, B, 201), np.linspace(0, 2 * math.pi, 1441))
    w = u + np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    gaps = np.abs((np.maximum(w, 0) - np.maximum(u, 0) - (u >= 0) * (w - u)) @ a)
    worst = worst_case.worst_case_gap(u, a, B)
    assert gaps.max() <= worst.gap + 1e-12
    assert gaps.max() == pytest.approx(worst.gap, rel=1e-3)


@settings(max_examples=60)
@given(st.integers(1, 200), st.integers(1, 6), st.floats(1e-3, 50), st.floats(0.1, 3), st.integers(0, 2**32))
def test_the_worst_weights_attain_it(m, d, B, norm_x, seed):
    W0, x, a = layer(m, d, seed)
    x = norm_x * x
    worst = worst_case.worst_case_gap(W0 @ x, a, B, float(np.linalg.norm(x)))
    W = worst_case.worst_case_weights(W0, x, a, B)
    scale = 1e-13 * np.abs(W0 @ x).sum()
    for measured in (sign_flips.star_gap(W0, W, x, a), sign_flips.direct_gap(W0, W, x, a)):
        assert worst.sign * measured == pytest.approx(worst.gap, rel=1e-9, abs=scale)
    assert np.linalg.norm(W - W0) <= B * (1 + 1e-9)
    assert sign_flips.flipped(W0, W, x).sum() == worst.k == np.any(W != W0, axis=1).sum()
    assert worst.k == 0 or worst.lam == pytest.approx(B / math.sqrt(worst.k))


def test_a_neuron_at_zero_is_moved_so_that_it_flips():
    for zero in (0.0, -0.0):
        W0 = np.full((4, 1), zero)
        W = worst_case.worst_case_weights(W0, np.ones(1), np.ones(4), 1.0)
        assert worst_case.worst_case_gap(W0[:, 0], np.ones(4), 1.0) == (2.0, 4, 1, 0.5)
        assert sign_flips.direct_gap(W0, W, np.ones(1), np.ones(4)) == 2.0


def test_no_budget_no_gap():
    assert worst_case.worst_case_gap(np.ones(3), np.ones(3), 0.0) == (0.0, 0, 1, 0.0)
    assert worst_case.worst_case_gap(np.ones(3), np.ones(3), 0.9) == (0.0, 0, 1, 0.0)
    assert worst_case.worst_case_gap(np.zeros(3), np.ones(3), 5.0, norm_x=0.0).gap == 0
    np.testing.assert_array_equal(worst_case.worst_case_weights(np.ones((3, 2)), np.zeros(2), np.ones(3), 5.0), 1)


def test_the_side_is_chosen_by_the_signs():
    u = np.array([0.1, 0.2, 0.3, -0.1])
    worst = worst_case.worst_case_gap(u, np.array([-1.0, -1, -1, 1]), 1.0)
    assert worst.sign == -1 and worst.k == 3
    assert worst.gap == pytest.approx(math.sqrt(3) - 0.6)
    assert worst_case.worst_case_gap(u, np.array([1.0, 1, 1, -1]), 1.0).sign == 1


def test_adversary_gains_rise_and_fall():
    W0, x, a = layer(500, 3, 4)
    worst = worst_case.worst_case_gap(W0 @ x, a, 2.0)
    up, down = (worst_case.adversary_gains(W0 @ x, a, 2.0, sign=sign) for sign in (1, -1))
    assert len(up) == (a > 0).sum() + 1 and len(down) == (a < 0).sum() + 1
    assert up[0] == down[0] == 0 and worst.gap == max(up.max(), down.max())
    for gains in (up, down):
        assert (np.diff(gains, 2) < 0).all()


@pytest.mark.parametrize("m, d, B", [(30, 2, 0.5), (300, 5, 3.0), (600, 4, 12.0)])
def test_projected_gradient_ascent_never_wins(m, d, B):
    W0, x, a = layer(m, d, 5)
    worst = worst_case.worst_case_gap(W0 @ x, a, B)
    found = worst_case.ascent_gap(W0, x, a, B, np.random.default_rng(6), starts=24)
    assert found.shape == (24,) and (found <= worst.gap * (1 + 1e-12)).all()
    # and it is a real adversary: it comes within 2 %
    assert found.max() > 0.98 * worst.gap


def test_ascent_without_budget_or_input():
    W0, x, a = layer(10, 2, 0)
    assert not worst_case.ascent_gap(W0, x, a, 0.0, np.random.default_rng(0), steps=3, starts=2).any()
    assert not worst_case.ascent_gap(W0, 0 * x, a, 1.0, np.random.default_rng(0), steps=3, starts=2).any()


@given(st.floats(1e-3, 50), st.lists(st.floats(0, 60), min_size=1, max_size=8), st.floats(0, 60), st.floats(1e-3, 9))
def test_the_square_that_takes_the_move_out_of_the_upper_bound(lam, moves, u, B):
    for t in moves:
        assert max(t - u, 0) <= t**2 / (4 * lam) + max(lam - u, 0) + 1e-9


@pytest.mark.parametrize("m, B", [(1000, 0.05), (1000, 3.0), (1000, 60.0), (20_000, 1.0)])
def test_the_worst_case_lies_between_its_bounds(m, B):
    # δ = 1/5, 300 nets: were the share outside 1/5, fewer than 36 would lie there in less than 1e-4 of the runs
    rng = np.random.default_rng(9)
    low, high = worst_case.worst_case_bounds(m, B, 0.2)
    gaps = []
    for _ in range(300):
        gaps.append(worst_case.worst_case_gap(rng.standard_normal(m), rng.choice([-1.0, 1.0], m), B).gap)
    assert 0 < low < high and sum(not low <= gap <= high for gap in gaps) < 36
    # and the bounds are not idle: the middle of the worst cases is nearer to them than they are to one another
    assert max(np.median(gaps) - low, high - np.median(gaps)) < high - low


def test_the_lower_bound_holds_whatever_the_signs_are():
    rng = np.random.default_rng(10)
    low = worst_case.worst_case_bounds(2000, 2.0, 0.2).lower
    signs = np.where(np.arange(2000) % 2, 1.0, -1.0)
    assert all(worst_case.worst_case_gap(rng.standard_normal(2000), signs, 2.0).gap >= low for _ in range(100))


def test_the_parts_of_the_upper_bound_by_quadrature():
    # mean and mean square of 1{a = 1}(λ − |z|)₊, whose sums are at most B²/(8λ) and B²/12
    m, B = 5000, 4.0
    lam = (B**2 / (2 * math.sqrt(2 / math.pi) * m)) ** (1 / 3)
    u = (np.arange(200_000) + 0.5) / 200_000 * lam
    density = 2 * stats.norm.pdf(u) / 2
    mean, square = (m * np.mean((lam - u) ** k * density) * lam for k in (1, 2))
    assert 0.99 * B**2 / (8 * lam) < mean <= B**2 / (8 * lam)
    assert 0.99 * B**2 / 12 < square <= B**2 / 12
    leading = 3 * B**2 / (8 * lam)
    assert leading == pytest.approx(worst_case.WORST_CASE_CONSTANT * B ** (4 / 3) * m ** (1 / 3), rel=1e-12)
    L = math.log(4 / 0.1)
    upper = worst_case.worst_case_bounds(m, B, 0.1).upper
    assert upper == pytest.approx(leading + B * math.sqrt(L / 6) + lam * L / 3, rel=1e-12)


def test_both_bounds_meet_at_the_constant():
    for B in (0.5, 3.0, 20.0):
        ratio = np.array(worst_case.worst_case_bounds(10**15, B, 0.01)) / (B ** (4 / 3) * 1e5)
        np.testing.assert_allclose(ratio, worst_case.WORST_CASE_CONSTANT, rtol=1e-3)
    assert worst_case.worst_case_bounds(10, 0.01, 0.01).lower == 0


@given(WIDTHS, st.floats(1e-3, 100), DELTAS)
def test_the_proved_bounds_are_ordered(m, B, delta):
    low, high = worst_case.worst_case_bounds(m, B, delta)
    assert 0 <= low <= high <= worst_case.all_inputs_bound(m, 1, B, delta)
    assert worst_case.all_inputs_bound(m, 3, B, delta) < worst_case.all_inputs_bound(m, 4, B, delta)


def test_the_length_that_bounds_all_rows_of_the_first_layer():
    # Pr[‖w‖² > R²] is at most 2^(d/2) e^(−R²/4), which at R² = 2d log 2 + 4 log(2m/δ) makes δ/2 of m rows
    for d in (1, 20, 300):
        m, delta = 1000, 0.1
        R2 = 2 * d * math.log(2) + 4 * math.log(2 * m / delta)
        assert m * stats.chi2.sf(R2, d) <= delta / 2
        assert 2 ** (d / 2) * math.exp(-R2 / 4) * m == pytest.approx(delta / 2)


def test_an_ascent_over_inputs_finds_more_than_chance_and_less_than_the_bound():
    rng = np.random.default_rng(11)
    W0, _, a = layer(400, 6, 11)
    found, typical = worst_case.worst_input(W0, a, 2.0, rng, steps=40, starts=4)
    best = 0.0
    for x in rng.standard_normal((400, 6)):
        best = max(best, worst_case.worst_case_gap(W0 @ x / np.linalg.norm(x), a, 2.0).gap)
    assert typical < best <= found < worst_case.all_inputs_bound(400, 6, 2.0, 0.05)
    assert worst_case.worst_input(W0, a, 0.0, rng, steps=2, starts=2) == (0, 0)


def test_the_law_of_the_mean_worst_case():
    # 400 nets: the mean's standard error is 0.012 B, the law's own error below 0.01 B, so 0.06 B is four of the first
    rng = np.random.default_rng(12)
    m, B = 10_000, 3.0
    gaps = [worst_case.worst_case_gap(rng.standard_normal(m), rng.choice([-1.0, 1.0], m), B).gap for _ in range(400)]
    assert np.mean(gaps) == pytest.approx(worst_case.worst_case_law(m, B), abs=0.06 * B)
    limit = worst_case.WORST_CASE_CONSTANT * B ** (4 / 3) * m ** (1 / 3)
    assert worst_case.worst_case_law(m, B) - limit == pytest.approx(B / math.sqrt(12 * math.pi))


def test_few_sorted_neurons_give_the_same_worst_case_as_all():
    # u so small that far more neurons pay than the law expects
    u, a = 1e-3 * np.random.default_rng(13).standard_normal(3000), np.ones(3000)
    worst = worst_case.worst_case_gap(u, a, 0.5)
    gains = worst_case.adversary_gains(u, a, 0.5)
    assert worst.gap == gains.max() and worst.k == gains.argmax() > 1000


def test_the_constant_is_its_limit():
    assert worst_case.WORST_CASE_CONSTANT == pytest.approx(0.43822, abs=1e-5)
    # the derivation's own continuous problem, solved on a grid: B√k − k²/(m r) at B = m = 1
    k = np.linspace(0, 1, 1_000_001)
    gain = np.sqrt(k) - k**2 / math.sqrt(2 / math.pi)
    assert gain.max() == pytest.approx(worst_case.WORST_CASE_CONSTANT, abs=1e-9)


def test_a_million_neurons_come_within_one_percent_of_the_limit_in_under_a_second():
    m, B = 1_000_000, 3.0
    rng = np.random.default_rng(7)
    u, a = rng.standard_normal(m), rng.choice([-1.0, 1.0], m)
    start = time.perf_counter()
    worst = worst_case.worst_case_gap(u, a, B)
    assert time.perf_counter() - start < 1
    assert worst.gap / (m ** (1 / 3) * B ** (4 / 3)) == pytest.approx(worst_case.WORST_CASE_CONSTANT, rel=0.01)
    assert worst.k == pytest.approx((B * math.sqrt(2 / math.pi) * m / 4) ** (2 / 3), rel=0.05)


def test_a_random_move_is_far_from_the_worst():
    m, d, B = 10_000, 10, 3.0
    W0, x, a = layer(m, d, 8)
    assert sign_flips.random_gap_rms(m, d, B) < worst_case.worst_case_gap(W0 @ x, a, B).gap / 100


@given(st.integers(2, 6), st.data())
def test_unequal_second_layers_are_refused(m, data):
    a = np.array(data.draw(st.lists(st.sampled_from([-2.0, -1.0, 1.0, 2.0]), min_size=m, max_size=m)))
    assume(len(set(np.abs(a))) == 2)
    with pytest.raises(ValueError, match="must be equal"):
        worst_case.worst_case_gap(np.ones(m), a, 1.0)
