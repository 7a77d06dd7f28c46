"""The variance of an LDLT layer: moments, series, bounds, exact values, limit, simulation."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.theory import ldlt, moment_bounds, moments

SIZES = st.integers(1, 12)


def evaluate(polynomial, m, n):
    return sum(value * m**a * n**b for (a, b), value in polynomial.items())


def pairs(count, seed):
    rng = np.random.default_rng(seed)
    corners = [(1, 1), (1, 100), (100, 1), (2, 2), (99, 100), (100, 99), (100, 100), (2, 100), (3, 100)]
    return corners + [tuple(int(k) for k in rng.integers(1, 101, size=2)) for _ in range(count)]


def test_the_first_three_moments():
    assert moments.moment_polynomial(0) == {(1, 0): 1}
    assert moments.moment_polynomial(1) == {(1, 1): 1}
    assert moments.moment_polynomial(2) == {(2, 1): 1, (1, 2): 1, (1, 1): 1}
    m, n = 5, 3
    assert moments.moment(3, m, n) == m * n * (m**2 + n**2 + 3 * m * n + 3 * m + 3 * n + 4)


@pytest.mark.parametrize("k", range(1, 8))
def test_partitions_agree_with_every_single_pairing(k):
    assert moments.moment_polynomial(k) == moments.wick_polynomial(k)


def test_there_are_as_many_pairings_as_there_should_be():
    for k, count in ((1, 1), (2, 3), (3, 15), (4, 105)):
        found = list(moments.wick_pairings(k))
        assert len(found) == len({pairing.pairs for pairing in found}) == count
        for pairing in found:
            assert sorted(sum(pairing.pairs, ())) == list(range(2 * k))


@pytest.mark.parametrize("k", range(1, 11))
def test_integration_by_parts_gives_the_same_polynomials_as_partitions(k):
    """Of degree ≤ k in m and in n, 0 at 0: equal at 1..k is equal everywhere."""
    sizes = range(1, k + 1)
    assert all(moments.mean_traces((k,), m, n) == moments.moment(k, m, n) for m in sizes for n in sizes)


@pytest.mark.parametrize("m, n", [(9, 9), (3, 20), (70, 2)])
def test_integration_by_parts_agrees_up_to_the_twentieth_moment(m, n):
    assert [moments.mean_traces((k,), m, n) for k in range(1, 21)] == moments.moments(20, m, n)[1:]


@given(st.integers(1, 40), SIZES, SIZES)
@settings(max_examples=40, deadline=None)
def test_moments_lie_between_those_of_a_rows_and_of_all_weights_squares(k, m, n):
    assert math.prod(range(n, n + 2 * k, 2)) <= moments.moment(k, m, n) <= math.prod(range(m * n, m * n + 2 * k, 2))


def test_the_claims_tenth_moment():
    assert moments.moment(10, 9, 9) == 2165445899082675


@given(st.integers(0, 12), SIZES, SIZES)
@settings(max_examples=40, deadline=None)
def test_moments_of_any_order(k, m, n):
    value = moments.moment(k, m, n)
    assert isinstance(value, int) and value == evaluate(moments.moment_polynomial(k), m, n)
    assert moments.moments(12, m, n)[k] == value
    if k:
        assert value == moments.moment(k, n, m)


@given(st.integers(1, 60), st.integers(1, 50))
@settings(max_examples=40, deadline=None)
def test_a_single_row_has_the_moments_of_chi_square(k, n):
    assert moments.moment(k, 1, n) == math.prod(range(n, n + 2 * k, 2))


def test_moments_by_simulation():
    rng = np.random.default_rng(0)
    W = rng.standard_normal((200_000, 3, 4))
    S = W @ W.transpose(0, 2, 1)
    power = S
    for k in (2, 3):
        power = power @ S
        traces = np.trace(power, axis1=1, axis2=2)
        error = traces.std() / math.sqrt(len(traces))
        assert abs(traces.mean() - moments.moment(k, 3, 4)) < 4 * error


@pytest.mark.parametrize("k, m, n", [(100, 64, 64), (40, 1000, 3)])
def test_high_moments_are_log_convex_and_exact(k, m, n):
    """Cauchy and Schwarz; a rounded or wrong term would break it, or not be whole."""
    low, middle, high = (moments.moment(order, m, n) for order in (k - 1, k, k + 1))
    assert middle**2 < low * high and all(isinstance(value, int) for value in (low, middle, high))


@pytest.mark.parametrize(
    "n, s, value", [(64, 0.1, 0.083826), (64, 0.25, 0.162), (64, 0.5, -12), (64, 1, -15480), (9, 1, -5.7e4)]
)
def test_the_series_of_the_claim(n, s, value):
    assert moment_bounds.partial_sums(10, n, n, s / n)[-1] == pytest.approx(value, rel=0.02)


@given(SIZES, SIZES, st.floats(0.01, 3))
@settings(max_examples=40, deadline=None)
def test_successive_partial_sums_have_the_variance_between_them(m, n, s):
    sums, exact = moment_bounds.partial_sums(8, m, n, s / n), ldlt.exact_variance(m, n, s / n).value
    assert (sums[::2] >= exact - 1e-14).all() and (sums[1::2] <= exact + 1e-14).all()


def test_what_no_float_holds_is_infinite():
    sums = moment_bounds.partial_sums(21, 1000, 1000, 1e20)
    assert sums[-1] == math.inf and sums[-2] == -math.inf


@given(SIZES, SIZES, st.floats(0.01, 30), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_bounds_hold_and_tighten(m, n, s, K):
    exact = ldlt.exact_variance(m, n, s / n).value
    wide, tight = (moment_bounds.bounds(m, n, s / n, moments=k) for k in (K, K + 2))
    assert wide.lower - 1e-13 <= tight.lower <= exact + 1e-13
    assert exact - 1e-13 <= tight.upper <= wide.upper + 1e-13


def test_bounds_are_quadratures_that_reproduce_their_moments():
    for shift, N in ((0, 5), (1, 5), (0, 9)):
        x, weights = moment_bounds._gauss_rule(6, 9, shift, N)
        for k in range(2 * N):
            exact = moments.moments(k + shift, 6, 9)[-1]
            assert float(weights @ x**k) == pytest.approx(exact, rel=1e-10)


def test_twenty_nodes_agree_to_nine_digits():
    bounds = moment_bounds.bounds(9, 9, 1 / 9, moments=40)
    assert 0 < bounds.upper - bounds.lower < 1e-9
    assert bounds.lower < 0.3741683654129 < bounds.upper


def test_one_moment_says_what_jensen_says():
    m, n, sigma2 = 4, 6, 0.3
    assert moment_bounds.bounds(m, n, sigma2, moments=1) == pytest.approx((0, sigma2 * n / (1 + sigma2 * n)))


def test_ten_moments_leave_little_room():
    lower, upper = moment_bounds.bounds(9, 9, 1 / 9)
    assert lower > 0.374 and f"{upper - lower:.2g}" == "0.00036"


@pytest.mark.parametrize("sigma2", [1e-6, 0.01, 1, 100, 1e6, 1e12])
def test_a_single_number_in_closed_form(sigma2):
    """E z²/(c + z²) = 1 − √(πc/2) e^(c/2) erfc(√(c/2)) with c = 1/σ²."""
    from scipy.special import erfcx

    c = 1 / sigma2
    closed = 1 - math.sqrt(math.pi * c / 2) * erfcx(math.sqrt(c / 2))
    assert ldlt.exact_variance(1, 1, sigma2).value == pytest.approx(closed, abs=1e-14)


@pytest.mark.parametrize("n, sigma2", [(2, 0.5), (5, 1.0), (40, 0.3), (400, 0.01)])
def test_a_single_row_by_an_integral_over_chi_square(n, sigma2):
    from scipy.integrate import quad
    from scipy.stats import chi2

    def integrand(x):
        return sigma2 * x / (1 + sigma2 * x) * chi2.pdf(x, n)

    value = quad(integrand, 0, n + 12 * math.sqrt(2 * n) + 60, points=[n], epsabs=1e-12, limit=200)[0]
    assert ldlt.exact_variance(1, n, sigma2).value == pytest.approx(value, abs=1e-9)
    assert ldlt.exact_variance(n, 1, sigma2).value == pytest.approx(value / n, abs=1e-9)


@pytest.mark.parametrize("n, sigma2", [(2, 0.5), (5, 2.0)])
def test_two_rows_by_an_integral_over_the_joint_density(n, sigma2):
    """With x + y = t, x = t (1 + u)/2 the density |x − y| (xy)^((n−3)/2) e^(−(x+y)/2) is smooth for u > 0."""
    t, wt = np.polynomial.legendre.leggauss(400)
    total, wt = 60 * (t + 1), 60 * wt
    theta, wu = np.pi / 4 * (t + 1), np.pi / 4 * np.polynomial.legendre.leggauss(400)[1]
    u, wu = np.sin(theta), wu * np.cos(theta)  # takes the root singularity of n = 2 at u = 1
    T, U = total[:, None], u[None, :]
    x, y = T * (1 + U) / 2, T * (1 - U) / 2
    density = T * U * (x * y) ** ((n - 3) / 2) * np.exp(-T / 2) * T
    mass = wt @ density @ wu
    share = sigma2 * x / (1 + sigma2 * x) + sigma2 * y / (1 + sigma2 * y)
    value = wt @ (share * density) @ wu / mass / 2
    assert ldlt.exact_variance(2, n, sigma2).value == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize(
    "m, n, s, value",
    [(9, 9, 1, 0.3741683654), (64, 64, 1, 0.3807869643), (3, 5, 1, 0.4100), (100, 100, 1, 0.3812080833)],
)
def test_the_claims_values(m, n, s, value):
    digits = len(str(value)) - 2
    found = ldlt.exact_variance(m, n, s / n)
    assert found.value == pytest.approx(value, abs=0.51 * 10**-digits) and found.error < 1e-14


def test_every_size_is_certified_and_inside_the_bounds():
    """On some sizes here, on all of 1..100 in benchmarks/ldlt.py."""
    for m, n in pairs(60, seed=1):
        for s in (1, 2, 100):
            found = ldlt.exact_variance(m, n, s / n)
            bounds = moment_bounds.bounds(m, n, s / n, moments=12)
            assert found.error < 1e-13
            assert bounds.lower - 1e-12 <= found.value <= bounds.upper + 1e-12, (m, n, s)


@pytest.mark.parametrize("m, n", [(12, 12), (40, 55), (7, 90), (100, 100)])
def test_where_the_bounds_close_they_are_the_exact_value(m, n):
    bounds = moment_bounds.bounds(m, n, 0.02 / n, moments=20)
    assert bounds.upper - bounds.lower <= 1e-12
    assert ldlt.exact_variance(m, n, 0.02 / n).value == pytest.approx(bounds.lower, abs=2e-12)


@pytest.mark.parametrize("m, n", [(10, 10), (33, 47)])
def test_another_grid_gives_the_same(m, n, monkeypatch):
    before = [ldlt.exact_variance(m, n, s / n).value for s in (0.1, 1, 100, 1e5)]
    caches = (ldlt._density, ldlt._legendre)
    monkeypatch.setattr(ldlt, "NODES", 23)
    for kept in caches:
        kept.cache_clear()
    try:
        after = [ldlt.exact_variance(m, n, s / n).value for s in (0.1, 1, 100, 1e5)]
    finally:
        for kept in caches:
            kept.cache_clear()
    np.testing.assert_allclose(after, before, atol=1e-13)


def test_the_density_is_that_of_simulated_eigenvalues():
    density = ldlt.mean_density(5, 8)
    W = np.random.default_rng(3).standard_normal((40_000, 5, 8))
    values = np.linalg.svd(W, compute_uv=False) ** 2
    for edge in (1.0, 4.0, 9.0, 16.0):
        found = (values < edge).sum(axis=1)
        expected = density.weights[density.x < edge].sum()
        # A panel that the edge cuts adds or loses a node: up to the largest weight.
        slack = 4 * found.std() / math.sqrt(len(found)) + density.weights.max()
        assert abs(found.mean() - expected) < slack
    assert (density.density > -1e-12).all() and density.weights.sum() == pytest.approx(5)


def test_the_inverse_has_its_known_mean():
    """E tr S⁻¹ = m/(n − m − 1): no moment of a positive order knows about it."""
    for m, n in ((3, 6), (10, 14), (50, 60)):
        density = ldlt.mean_density(m, n)
        assert (density.weights / density.x).sum() == pytest.approx(m / (n - m - 1), rel=1e-11)


def test_large_sizes_are_exact_or_refused():
    far = ldlt.exact_variance(300, 400, 1 / 400)
    assert far.error < 1e-12 and far.value == pytest.approx(ldlt.limit_variance(300, 400, 1 / 400), abs=1e-3)
    assert ldlt.exact_variance(3, 10**5, 1e-5).error < 1e-12
    refusal = "at most 1000 for the exact variance, got 1001; limit_variance gives 0.381966"
    with pytest.raises(ValueError, match=refusal):
        ldlt.exact_variance(1001, 1001, 1 / 1001)
    with pytest.raises(ValueError, match="at most 1000, got 1001"):
        ldlt.mean_density(1001, 2000)


def test_an_uncertified_value_is_refused(monkeypatch):
    spoilt = ldlt._density(4, 4)._replace(error=1e-9)
    monkeypatch.setattr(ldlt, "_density", lambda r, p: spoilt)
    with pytest.raises(ValueError, match="at 4 × 4 the density reproduces the exact moments to 1.0e-09 only"):
        ldlt.exact_variance(4, 4, 0.25)


def test_the_error_estimate_sees_a_wrong_density(monkeypatch):
    true = ldlt._laguerre_functions
    monkeypatch.setattr(ldlt, "_laguerre_functions", lambda r, c, s: true(r, c, s) * (1 + 1e-6 * s))
    assert ldlt._density.__wrapped__(6, 9).error > 1e-9


def test_only_the_ratio_matters_and_gamma_squares():
    one = ldlt.exact_variance(4, 7, 0.3, alpha=2.0, gamma=3.0)
    assert one.value == pytest.approx(9 * ldlt.exact_variance(4, 7, 0.15).value)
    for function in (ldlt.limit_variance, lambda *a, **k: moment_bounds.bounds(*a, **k).lower):
        assert function(4, 7, 0.3, alpha=2.0, gamma=3.0) == pytest.approx(9 * function(4, 7, 0.15))
    assert ldlt.exact_variance(4, 7, 0).value == ldlt.limit_variance(4, 7, 0) == 0


def test_the_limit():
    assert ldlt.limit_variance(10, 10, 0.1) == pytest.approx((3 - math.sqrt(5)) / 2, abs=1e-15)
    assert ldlt.limit_variance(10, 10, 0.2) == pytest.approx(0.5, abs=1e-15)
    assert ldlt.limit_variance(10, 10, 10) == pytest.approx(0.905, abs=1e-3)
    assert ldlt.limit_variance(3, 4, 1 / 4) == pytest.approx(0.4093, abs=5e-5)


@given(st.integers(1, 500), st.integers(1, 500), st.floats(0.01, 100), st.floats(0.1, 10))
@settings(max_examples=60, deadline=None)
def test_the_limit_is_the_claims_formula(m, n, s, alpha):
    y, root = m / n, math.sqrt((alpha + s + s * m / n) ** 2 - 4 * m / n * s**2)
    printed = 1 - alpha * (-(s * (1 - y) + alpha) + root) / (2 * alpha * y * s)
    assert ldlt.limit_variance(m, n, s / n, alpha) == pytest.approx(printed, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (1, 2)])
def test_the_exact_value_tends_to_the_limit_as_one_over_n(shape):
    gaps = []
    for scale in (20, 40, 80):
        m, n = (scale * side for side in shape)
        gaps.append(ldlt.exact_variance(m, n, 1 / n).value - ldlt.limit_variance(m, n, 1 / n))
    assert 1.9 < gaps[0] / gaps[1] < 2.1 and 1.9 < gaps[1] / gaps[2] < 2.1


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.01, 300))
@settings(max_examples=60, deadline=None)
def test_the_limit_is_as_near_as_proved(m, n, s):
    gap = ldlt.exact_variance(m, n, s / n).value - ldlt.limit_variance(m, n, s / n)
    assert -s / (4 * n) - 1e-12 <= gap <= 27 * s**2 / (64 * n**2) + 1e-12


@pytest.mark.parametrize("n, s", [(2, 0.3), (5, 10.0), (40, 1.0)])
def test_the_limits_equation_is_exact_with_its_two_corrections(n, s):
    """For one row, where the density is the law of the only eigenvalue and gives the variance of its share."""
    density = ldlt.mean_density(1, n)
    x = s / n * density.x
    share = x / (1 + x)
    v, square, last = (density.weights @ values for values in (share, share**2, x / (1 + x) ** 2))
    right = s * (1 - v) * (1 - v / n) + s / n * (square - v**2) - s / n * last
    assert v == pytest.approx(right, abs=1e-13)


@pytest.mark.parametrize("n", [1, 8, 65])
def test_a_huge_sigma_sees_only_the_density_at_zero(n):
    density = ldlt.mean_density(n, n)
    at_zero = density.density[0] * math.sqrt(n) / n
    missing = (1 - ldlt.exact_variance(n, n, 1e12 / n).value) * 1e6
    assert missing == pytest.approx(math.pi / 2 * at_zero, rel=1e-3)
    assert at_zero == pytest.approx(1, abs=0.26 / n)


@pytest.mark.parametrize("m, n, s", [(1, 1, 1), (1, 6, 2), (6, 1, 2), (5, 5, 100), (8, 20, 1), (20, 8, 0.5)])
def test_simulation_agrees_with_the_exact_value(m, n, s):
    plain = ldlt.simulate(m, n, s / n, 100_000, np.random.default_rng(7))
    controlled = ldlt.simulate(m, n, s / n, 100_000, np.random.default_rng(8), controls=True)
    exact = ldlt.exact_variance(m, n, s / n).value
    for found in (plain, controlled):
        assert abs(found.mean - exact) < 4 * found.standard_error
    assert controlled.standard_error < plain.standard_error


def test_controls_leave_six_percent_of_the_variance_and_an_honest_error():
    rng = np.random.default_rng(5)
    plain = ldlt.simulate(64, 64, 1 / 64, 4000, rng)
    runs = [ldlt.simulate(64, 64, 1 / 64, 500, rng, controls=True) for _ in range(200)]
    means, errors = np.array(runs).T
    assert 0.04 < (errors.mean() ** 2 * 500) / (plain.standard_error**2 * 4000) < 0.08
    assert 0.85 < means.std() / errors.mean() < 1.15
    assert abs(means.mean() - ldlt.exact_variance(64, 64, 1 / 64).value) < 4 * errors.mean() / math.sqrt(200)


def test_a_single_trace_is_that_of_the_bidiagonal_matrix():
    """The positive recurrences against numpy on the very matrix that was drawn."""
    r, p, ratio = 5, 8, 0.7

    class Recorder:
        def __init__(self):
            self.rng, self.drawn = np.random.default_rng(1), []

        def chisquare(self, degrees, size):
            self.drawn.append((degrees, self.rng.chisquare(degrees, size)))
            return self.drawn[-1][1]

    recorder = Recorder()
    found, trace, square = ldlt._traces(r, p, ratio, 3, recorder)
    assert [degrees for degrees, _ in recorder.drawn] == [8, 4, 7, 3, 6, 2, 5, 1, 4]
    for i in range(3):
        values = [draw[i] for _, draw in recorder.drawn]
        B = np.diag(np.sqrt(values[::2])) + np.diag(np.sqrt(values[1::2]), -1)
        eigenvalues = ratio * np.linalg.svd(B, compute_uv=False) ** 2
        assert found[i] == pytest.approx((eigenvalues / (1 + eigenvalues)).sum() / r, rel=1e-12)
        assert trace[i] == pytest.approx(eigenvalues.sum(), rel=1e-12)
        assert square[i] == pytest.approx((eigenvalues**2).sum(), rel=1e-12)


def test_the_bidiagonal_model_has_the_law_of_the_dense_one():
    from scipy.stats import ks_2samp

    rng = np.random.default_rng(11)
    m, n, ratio = 6, 4, 0.5
    eigenvalues = ratio * np.linalg.svd(rng.standard_normal((5000, m, n)), compute_uv=False) ** 2
    dense = (eigenvalues / (1 + eigenvalues)).sum(axis=1) / m
    assert ks_2samp(dense, ldlt._traces(m, n, ratio, 5000, rng)[0]).pvalue > 1e-3


def test_chunks_are_only_chunks():
    one = ldlt.simulate(6, 6, 0.2, 1000, np.random.default_rng(0), chunk=1000, gamma=2.0)
    many = ldlt.simulate(6, 6, 0.2, 1000, np.random.default_rng(0), chunk=64, gamma=2.0)
    assert one.standard_error == pytest.approx(many.standard_error, rel=0.2)
    assert abs(one.mean - many.mean) < 5 * one.standard_error
    values = 4 * ldlt._traces(6, 6, 0.2, 1000, np.random.default_rng(0))[0]
    assert one == pytest.approx((values.mean(), values.std(ddof=1) / math.sqrt(1000)))
    assert math.isnan(ldlt.simulate(3, 3, 1.0, 1, np.random.default_rng(0)).standard_error)
    assert math.isnan(ldlt.simulate(3, 3, 1.0, 3, np.random.default_rng(0), controls=True).standard_error)
    assert ldlt.simulate(3, 3, 0.0, 9, np.random.default_rng(0), controls=True) == (0, 0)


def test_rationals_stay_rational():
    assert all(isinstance(weight, Fraction) for *_, weight in moments._hooks(6))
