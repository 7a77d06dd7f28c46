"""Chapter 6's curves and grids hold what the functions say."""

import math

import numpy as np
import pytest

from course_utils.experiments import ldlt as experiment
from course_utils.theory import ldlt, moment_bounds


def test_the_curves_are_what_their_functions_say():
    curve = experiment.variance_curve(6, 9, s=2.0, moments=4, points=5)
    for i, s in enumerate(curve.s):
        assert curve.exact[i] == pytest.approx(ldlt.exact_variance(6, 9, s / 9).value)
        assert curve.limit[i] == pytest.approx(ldlt.limit_variance(6, 9, s / 9))
        bounds = moment_bounds.bounds(6, 9, s / 9, moments=4)
        assert (curve.lower[i], curve.upper[i]) == pytest.approx(bounds)
    assert curve.value == ldlt.exact_variance(6, 9, 2 / 9).value
    assert curve.bounds == moment_bounds.bounds(6, 9, 2 / 9, moments=4)
    by_moments = experiment.moment_curve(6, 9, 0.5, most=7)
    assert by_moments.lower[3] == moment_bounds.bounds(6, 9, 0.5 / 9, moments=4).lower
    np.testing.assert_array_equal(by_moments.series, moment_bounds.partial_sums(7, 6, 9, 0.5 / 9))
    assert by_moments.best == 1 + np.abs(by_moments.series - by_moments.exact).argmin()


def test_the_spectrum_is_a_density_that_approaches_the_quarter_circle():
    gaps = []
    for n in (4, 64):
        data = experiment.spectrum(n, n)
        weights = ldlt.mean_density(n, n).weights / n
        inside = data.s < 1.8
        gaps.append(np.abs(data.density - data.limit)[inside & (data.s > 0.2)].max())
        assert weights[inside].sum() == pytest.approx(0.95, abs=0.02)  # of the quarter circle 0.948
        np.testing.assert_allclose(data.limit[inside], np.sqrt(4 - data.s[inside] ** 2) / math.pi)
    assert gaps[1] < gaps[0] / 4
    tall, wide = experiment.spectrum(9, 4), experiment.spectrum(4, 9)
    np.testing.assert_array_equal(tall.density, wide.density)
    width = np.gradient(wide.s)
    assert (wide.limit * width).sum() == pytest.approx(1, abs=0.02)


def test_the_shapes():
    data = experiment.shape_curve(1.0, sizes=(5,))
    ratio, variance = data.exact[5]
    assert ratio[2] == 0.6 and variance[2] == ldlt.exact_variance(3, 5, 0.2).value and len(ratio) == 10
    assert data.limit[0] > 0.49 and data.limit[-1] == ldlt.limit_variance(2, 1, 1.0)


def test_the_grid_of_sizes():
    grid = experiment.size_grid((2, 5), 0.1, 4000, np.random.default_rng(0))
    assert grid.exact[0, 1] == ldlt.exact_variance(2, 5, 0.1 / 5).value
    assert grid.series[1, 0] == moment_bounds.partial_sums(10, 5, 2, 0.1 / 2)[-1]
    assert (np.abs(grid.simulated - grid.exact) < 4 * grid.standard_error).all() and not grid.at_edge
    at_edge = experiment.size_grid((2, 8), 0.1, 100, np.random.default_rng(0), at_edge=True)
    assert at_edge.exact[0, 1] == pytest.approx(ldlt.exact_variance(2, 8, 0.1 / 18).value) and at_edge.at_edge


def test_largest_distances_are_those_of_the_worst_pair_and_never_too_small_on_average():
    rng = np.random.default_rng(0)
    grid = experiment.size_grid((2, 5), 0.3, 10, rng)
    spoilt = grid._replace(exact=grid.exact + np.array([[0, 0], [0.5, 0]]))
    distances = experiment.largest_distances(spoilt, "exact", 4000, 12, rng)
    assert distances.shape == (12,) and np.abs(distances - 0.5).max() < 0.02
    assert 0 < experiment.largest_distances(grid, "exact", 4000, 12, rng).mean() < 0.02
    off = np.abs(grid.series - grid.exact).max()
    assert experiment.largest_distances(grid, "series", 4000, 12, rng).mean() > 0.9 * off
    with pytest.raises(ValueError, match="theory must be one of exact, series, got 'limit'"):
        experiment.largest_distances(grid, "limit", 10, 10, rng)


def test_the_reach_of_ten_terms():
    data = experiment.reach([(2, 8), (3, 3)], np.array([0.1, 0.5, 1.0]), s=0.5)
    assert data.edges_at_s == pytest.approx(np.array([0.5 * 18 / 8, 0.5 * 4]))

    def error(m, n, sigma2):
        return abs(moment_bounds.partial_sums(10, m, n, sigma2)[-1] - ldlt.exact_variance(m, n, sigma2).value)

    for j, (m, n, edge) in enumerate(((2, 8, 18), (3, 3, 12))):
        assert data.error_at_s[j] == pytest.approx(error(m, n, 0.5 / n), rel=1e-9)
        assert data.error[:, j] == pytest.approx([error(m, n, at / edge) for at in data.edges], rel=1e-6, abs=1e-15)
    assert data.upto(1e-3) == 0.5 and data.upto(1e9) == 1.0 and data.upto(0) == 0
    made = data._replace(error=np.array([[0, 0], [2.0, 0], [0, 0]]))
    assert made.upto(1) == 0.1


@pytest.mark.parametrize("edges", [[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
def test_edges_that_do_not_increase_are_named(edges):
    with pytest.raises(ValueError, match="edges must be positive and increase"):
        experiment.reach([(2, 3)], np.array(edges))
