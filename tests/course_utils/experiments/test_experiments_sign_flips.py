"""Chapter 2's experiments agree with the functions they draw."""

import numpy as np
import pytest

from course_utils.experiments import sign_flips as experiment
from course_utils.theory import sign_flips


def test_plane_move_agrees_with_the_general_functions_and_keeps_its_budget():
    data = experiment.plane_move(m=80, B=5.0, tau=0.3)
    x = np.array([1.0, 0.0])
    assert np.linalg.norm(data.W - data.W0) == pytest.approx(5.0, rel=1e-12)
    assert (data.flipped == sign_flips.flipped(data.W0, data.W, x)).all() and data.flipped.any()
    assert (data.near | data.far)[data.flipped].all()
    assert data.bound == pytest.approx(80 * 0.3 + 25 / 0.09)


def test_a_slider_on_tau_does_not_change_the_layer_or_the_move():
    one, two = (experiment.plane_move(tau=tau) for tau in (0.1, 1.0))
    assert (one.W0 == two.W0).all() and (one.W == two.W).all()
    assert one.near.sum() < two.near.sum() and one.far.sum() > two.far.sum()


def test_tau_tradeoff_has_its_minimum_at_the_best_tau():
    data = experiment.tau_tradeoff(10_000, 2.0, np.geomspace(0.01, 1, 200), np.random.default_rng(0))
    assert data.best <= (data.near_bound + data.far_bound).min()
    assert data.best == pytest.approx(sign_flips.COUNT_CONSTANT * (10_000 * 2.0) ** (2 / 3))
    assert (np.diff(data.near) >= 0).all() and data.near[-1] == pytest.approx(6827, abs=5 * 47)  # 5 binomial sd


def test_gap_against_width_stays_below_its_bounds():
    data = experiment.gap_against_width([100, 1000, 10_000], 5, 2.0, 30, np.random.default_rng(0))
    assert (data.gap <= data.flip_bound + 1e-12).all() and (data.gap < data.naive).all()
    rms = np.sqrt(np.mean(data.gap**2, axis=0)) / data.rms
    assert rms == pytest.approx(1, abs=0.5)  # rms of 30 draws: standard deviation 0.13 for normal ones
