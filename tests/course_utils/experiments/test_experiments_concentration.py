"""Chapter 3's experiments agree with the functions they draw."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from course_utils.experiments import concentration as experiment
from course_utils.theory import concentration, networks, sign_flips, worst_case


def exceedance(m, tau, bound):
    """Pr[count > bound] by scipy: the count is binomial."""
    return stats.binom.sf(math.floor(bound), m, concentration.near_zero_probability(tau))


def test_mgf_curves_are_the_two_functions():
    curves = experiment.mgf_curves([0.5, 0.04], reach=1.5)
    assert (curves.s[0], curves.s[-1]) == (-1.5, 1.5) and curves.curves.shape == (2, len(curves.s))
    np.testing.assert_array_equal(curves.curves[1], concentration.log_mgf(curves.s, 0.04))
    assert (curves.curves <= curves.bound + 1e-15).all()


def test_tail_curve_is_the_exact_tail():
    curve = experiment.tail_curve(0.3, 0.01, m=200)
    p = concentration.near_zero_probability(0.3)
    np.testing.assert_allclose(curve.tail, stats.binom.sf(curve.counts, 200, p), rtol=1e-9, atol=0)
    assert curve.counts[-1] == 200 and curve.tail[-1] == 0
    assert curve.bounds == concentration.tail_bounds(200, 0.3, 0.01)
    assert curve.tail[curve.bounds.exact] <= 0.01 < curve.tail[curve.bounds.exact - 1]


def test_coverage_grid_has_a_row_for_each_setting_and_breaks_no_promise():
    grid = experiment.coverage_grid([50, 5000], [0.05, 0.5], [0.2, 0.01], 4000, np.random.default_rng(13))
    assert grid.names == ("lecture", "hoeffding", "bernstein", "chernoff", "exact")
    assert grid.settings == tuple(itertools.product([50, 5000], [0.05, 0.5], [0.2, 0.01]))
    assert grid.values == tuple(concentration.tail_bounds(*setting) for setting in grid.settings)
    assert grid.share.shape == grid.low.shape == grid.high.shape == (8, 5)
    delta = np.array([setting[2] for setting in grid.settings])
    # 40 intervals at 99 %: on fresh generators one would fail for the exact bound in some 4 % of the runs
    assert (grid.low <= delta[:, None]).all()
    assert (np.diff(grid.share[:, [0, 1, 3, 4]], axis=1) >= 0).all()
    exact = [exceedance(m, tau, v.exact) for (m, tau, _), v in zip(grid.settings, grid.values)]
    assert (grid.low[:, 4] <= exact).all() and (exact <= grid.high[:, 4]).all()


@pytest.mark.parametrize("k", [1, 17, 300, 2000])
def test_adversary_curve_is_what_the_network_does(k):
    m, B, seed = 4500, 2.0, 3
    curve = experiment.adversary_curve(k, B, m, seed)
    rng = np.random.default_rng(seed)
    u, a = rng.standard_normal(m), rng.choice([-1.0, 1.0], m)
    moved = np.flatnonzero(a > 0)[np.argsort(np.abs(u[a > 0]))[:k]]
    W0 = u[:, None]
    W = W0.copy()
    W[moved, 0] -= np.where(u[moved] >= 0, 1, -1) * B / math.sqrt(k)
    assert curve.gains[k - 1] == pytest.approx(sign_flips.star_gap(W0, W, np.ones(1), a), rel=1e-9)


def test_adversary_curve_has_the_exact_maximum_and_follows_its_law():
    curve = experiment.adversary_curve(1, 3.0, 1_000_000)
    rng = np.random.default_rng(0)
    u, a = rng.standard_normal(1_000_000), rng.choice([-1.0, 1.0], 1_000_000)
    assert curve.gains.max() == pytest.approx(worst_case.adversary_gains(u, a, 3.0).max(), rel=1e-12)
    near = slice(100, 50_000)
    np.testing.assert_allclose(curve.gains[near], curve.limit[near], rtol=0.05)
    assert (np.abs(np.diff(curve.limit[100:])) < 1).all()


def test_worst_case_scaling_settles_on_the_constant():
    scaling = experiment.worst_case_scaling([1000, 100_000], [1.0, 3.0], 6, np.random.default_rng(14))
    assert scaling.gap.shape == scaling.constant.shape == (2, 6, 2)
    error = np.abs(scaling.constant.mean(axis=1) / worst_case.WORST_CASE_CONSTANT - 1)
    assert (error[:, 1] < 0.02).all()
    rng = np.random.default_rng(14)
    u, a = rng.standard_normal(1000), 2.0 * rng.integers(0, 2, 1000) - 1
    assert scaling.gap[1, 0, 0] == worst_case.worst_case_gap(u, a, 3.0).gap


def test_weights_of_another_scale_are_another_budget():
    # u/s with B has the gap of u with sB, divided by s
    small = experiment.worst_case_scaling([500], [2.0], 3, np.random.default_rng(16), deviation=0.25).gap
    unit = experiment.worst_case_scaling([500], [8.0], 3, np.random.default_rng(16)).gap
    np.testing.assert_allclose(small, unit / 4, rtol=1e-12)
    law = experiment.worst_case_scaling([500, 600], [1.0, 2.0], 1, np.random.default_rng(16)).law
    assert law.shape == (2, 2) and law[1, 0] == worst_case.worst_case_law(500, 2.0)


def test_rate_mixture_finds_both_parts():
    widths = np.array([100, 400, 1600, 6400])
    noise = np.random.default_rng(17).uniform(0.9, 1.1, (50, 1))
    alpha, beta = experiment.rate_mixture(widths, noise * np.sqrt(0.3 / widths + 5 / widths**1.5))
    assert alpha.low < 0.3 < alpha.high < 0.35 and beta.low < 5 < beta.high < 6
    with pytest.raises(ValueError, match="one column for each"):
        experiment.rate_mixture(widths, np.ones((3, 3)))
    with pytest.raises(ValueError, match="must be positive"):
        experiment.rate_mixture(-widths, np.ones((3, 4)))


def test_laws_of_width_rates_hold_at_the_measured_movement():
    rates = experiment.width_rates([512, 2048], np.eye(4), np.ones(4), 12, np.random.default_rng(18), random_moves=100)
    # a root mean square of 12 and of 1200 numbers: their standard errors are near 1 % and 2 %
    np.testing.assert_allclose(np.sqrt((rates.worst**2).mean(axis=0)), rates.worst_law, rtol=0.06)
    np.testing.assert_allclose(np.sqrt((rates.random**2).mean(axis=0)), rates.random_law, rtol=0.15)


def test_width_rates_order_the_three_moves():
    X = np.random.default_rng(9).standard_normal((4, 5))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    y = np.sin(3 * X[:, 0])
    rates = experiment.width_rates([64, 4096], X, y, 3, np.random.default_rng(15))
    for name in rates._fields[1:-2]:
        assert getattr(rates, name).shape == (3, 2), name
    assert (rates.trained < rates.worst).all() and (rates.random < rates.worst / 3).all()
    assert rates.lag[:, 1].mean() < 0 and rates.shape == (4, 5)
    assert (rates.loss < 0.5).all()
    rng = np.random.default_rng(15)
    init = networks.Init(rng.standard_normal((64, 5)), 2.0 * rng.integers(0, 2, 64) - 1)
    run = networks.train_first_layer(init, X, y, 20, 3.0)
    flips = [sign_flips.flipped(init.W0, run.W, x).sum() for x in X]
    gaps = np.array([sign_flips.direct_gap(init.W0, run.W, x, init.a) / 8 for x in X])
    assert rates.movement[0, 0] == pytest.approx(np.linalg.norm(run.W - init.W0))
    assert rates.flips[0, 0] == np.mean(flips) > 0
    assert rates.trained[0, 0] == pytest.approx(np.sqrt(np.mean(gaps**2)))
    change = networks.outputs(X, run.W, init.a) - networks.outputs(X, init.W0, init.a) - gaps
    assert rates.lag[0, 0] == pytest.approx(gaps @ change / np.sum(change**2))
    worst = worst_case.worst_case_gap(init.W0 @ X[0], init.a, rates.movement[0, 0]).gap
    assert rates.worst[0, 0] == pytest.approx(worst / 8)


def test_another_sweep_is_given_the_first_network_at_each_width():
    X, y = np.eye(3), np.array([1.0, -1.0, 2.0])
    given = []

    def yours(nets, inputs, targets, steps, lr):
        given.extend([nets, inputs, targets, steps, lr])
        return np.ones((len(nets), 3))

    rates = experiment.width_rates([8, 16], X, y, 2, np.random.default_rng(3), steps=5, lr=1.5, yours=yours)
    assert [len(a) for _, a in given[0]] == [8, 16] and given[3:] == [5, 1.5]
    run = networks.train_first_layer(networks.Init(*given[0][1]), X, y, 5, 1.5)
    assert rates.movement[0, 1] == pytest.approx(np.linalg.norm(run.W - given[0][1][0]))
    assert rates.yours.shape == (2, 3)


def test_the_worst_move_on_a_line_crosses_zero_with_one_sign():
    line = experiment.on_a_line(1.0)
    assert len(set(line.a[line.crossed])) == 1
    assert line.gap(line.after) == pytest.approx(worst_case.worst_case_gap(line.before, line.a, 1.0).gap)
    assert (line.crossed == (line.before != line.after)).all() and line.gap(line.before) == 0
