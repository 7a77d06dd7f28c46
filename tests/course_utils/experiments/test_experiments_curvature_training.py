"""Chapter 4's training against the theory of one network, and against closed forms."""

import warnings

import numpy as np
import pytest

from course_utils.experiments import curvature_training as experiment
from course_utils.theory import curvature, ensembles

X, T = np.random.default_rng(0).standard_normal((20, 6)), np.arange(20) % 3


def test_training_follows_the_gradient_and_checks_the_curvature():
    run = experiment.train_scheme("Glorot", 2, X, T, width=5, step=0.3, steps=30, seeds=2, checks=3)
    assert run.losses.shape == (2, 31) and list(run.checks) == [0, 15, 30] and run.top.shape == (2, 3)
    assert (np.diff(run.losses, axis=1) < 0).all()
    small = experiment.train_scheme("Glorot", 2, X, T, width=5, step=1e-4, steps=1, seeds=1, checks=0)
    assert small.top.shape == (1, 0)
    net = curvature.random_net([6, 5, 3], "tanh", "Glorot", np.random.default_rng(0))
    found = curvature.gradients(net, X, T, "cross_entropy")
    squared = sum(np.square(u.T @ z / 20).sum() + np.square(u.mean(axis=0)).sum() for u, z in zip(found.u, found.run.z))
    assert small.losses[0, 0] - small.losses[0, 1] == pytest.approx(1e-4 * squared, rel=1e-3)


def test_training_that_diverges_says_so_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = experiment.train_scheme("He", 4, X, T, sigma="ReLU", width=8, step=100.0, steps=20, seeds=2, checks=2)
    assert np.isfinite(run.losses[:, 0]).all() and np.isfinite(run.top[:, 0]).all()
    assert np.isinf(run.losses[:, -1]).all() and np.isnan(run.top[:, -1]).all()
    assert experiment.guessed(run) == np.inf


@pytest.mark.parametrize("sigma", ["tanh", "ReLU"])
def test_every_start_has_the_norms_that_it_is_named_after(sigma):
    options = {"sigma": sigma, "width": 60, "seeds": 3}
    for scheme, law in curvature.SCHEMES.items():
        nets = experiment.starts(scheme, 3, X, gain=2.0, **options)
        assert nets.weights[1].std() == pytest.approx(2 * law(60, 60), rel=0.03) and not nets.biases[1].any()
    nets = experiment.starts("data-driven", 3, X, **options)
    run = curvature.forward(nets.member(1), X)
    for w, slopes in zip(nets.member(1).weights, curvature.slopes(nets.member(1), run.u)):
        norms = [np.linalg.norm(slope[:, None] * w, 2) for slope in slopes]
        assert np.mean(norms) == pytest.approx(1, abs=2e-3)


def test_corollary_1_sets_the_norms_and_its_bound_bounds():
    room = experiment.corollary_1(X, T, [6, 8, 7, 3], 4, np.random.default_rng(0))
    assert room.jacobian == pytest.approx(np.ones((4, 3)), abs=1e-9)
    assert (room.exact <= room.bound).all() and (room.exact > room.bound / 1e4).all()
    # with all norms at 1 it would be ½ E‖x‖²; but only their means are, and the mean of a product is another number
    assert (np.abs(room.bound / (np.square(X).sum(axis=1).mean() / 2) - 1) > 1e-4).all()


def test_blocks_add_up_to_at_least_the_whole_and_none_exceeds_it():
    """For the Gauss–Newton part; ReLU has no other."""
    nets = experiment.starts("He", 3, X, sigma="ReLU", width=5, seeds=3, classes=3)
    norms = experiment.layer_norms(nets, X, T)
    biases = 3 * 0.5 * max(np.linalg.norm(w, 2) for w in nets.weights[2]) ** 2 * 4  # generous
    assert (norms.layers.max(axis=1) <= norms.whole * (1 + 1e-6)).all()
    assert (norms.whole <= norms.layers.sum(axis=1) + biases).all()


def test_under_squared_loss_the_neglected_share_goes_with_the_residual_and_under_cross_entropy_it_stays():
    labels = np.arange(20) % 10
    kept = experiment.neglect("squared", X, labels, at=(0, 100, 1000), nets=2)
    assert kept.share.shape == (3, 2, 2) and kept.loss.shape == (3, 2)
    assert (kept.share[2] < 0.7 * kept.share[1]).all() and (kept.loss[2] < 0.7 * kept.loss[1]).all()
    kept = experiment.neglect("cross_entropy", X, labels, at=(100, 400), nets=2)
    assert kept.share[1] == pytest.approx(kept.share[0], rel=0.2) and (kept.loss[1] < kept.loss[0] / 2).all()


def test_the_neglected_share_is_the_theorys():
    nets = experiment.starts("Glorot", 3, X, width=30, seeds=1)
    kept = experiment.neglect("cross_entropy", X, np.arange(20) % 10, at=(0, 1), nets=1)
    errors = curvature.relative_errors(nets.member(0), X, np.arange(20) % 10, "cross_entropy")
    assert kept.share[0, 0] == pytest.approx(np.median(errors, axis=1)[:2])


def test_all_starts_draw_the_same_numbers_and_the_data_driven_one_scales_them():
    seeds = {"width": 8, "seeds": 2}
    plain, scaled = (experiment.starts(scheme, 4, X, **seeds) for scheme in ("Glorot", "data-driven"))
    for w, v in zip(plain.weights, scaled.weights):
        ratio = (v / w).reshape(2, -1)
        assert np.ptp(ratio, axis=1) == pytest.approx([0, 0], abs=1e-10) and (ratio > 0).all()


def test_a_loss_is_a_share_of_guessings_to_five_per_cent():
    run = experiment.train_scheme("Glorot", 2, X, T, width=5, steps=3, seeds=2, checks=0)
    assert experiment.guessed(run._replace(losses=np.full((2, 4), 0.97 * np.log(10)))) == 0.95
    assert experiment.guessed(run._replace(losses=np.full((2, 4), np.inf))) == np.inf


@pytest.mark.parametrize("scheme", ["Xavier", "hessian"])
def test_a_start_has_a_name(scheme):
    with pytest.raises(ValueError, match="scheme must be one of Glorot, He, Hessian, data-driven"):
        experiment.starts(scheme, 2, X)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="gain must be greater than 0"):
        experiment.starts("He", 2, X, gain=0)
    with pytest.raises(ValueError, match="step must be greater than 0"):
        experiment.train_scheme("He", 2, X, T, step=0)
    with pytest.raises(ValueError, match="kind must be one of"):
        experiment.neglect("hinge", X, T)
    with pytest.raises(ValueError, match="activation must be one of tanh, ReLU, linear"):
        ensembles.stack([curvature.random_net([2, 2], "sin", "He", np.random.default_rng(0))])
