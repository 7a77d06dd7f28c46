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
    assert (np.abs(grid.simulated - grid.exact) < 4 * grid.standard_error).all()
