"""Every drawing function with data to draw and what its title or text must say, and every slider with its ends.

A new drawing function needs a line in FIGURES, one that a slider redraws another in SLIDERS. Data are made when a test
asks for them, and a needle that depends on them is a function of them.
"""

from functools import cache

import numpy as np

from course_utils.exercises import chapter_03, chapter_05, chapter_07
from course_utils.experiments import concentration as on_3
from course_utils.experiments import curvature as on_4
from course_utils.experiments import curvature_training as on_4t
from course_utils.experiments import kernels as on_7
from course_utils.experiments import ldlt as on_6a
from course_utils.experiments import ldlt_training as on_6b
from course_utils.experiments import perturbation as on_5
from course_utils.experiments import sign_flips as on_2
from course_utils.experiments import taylor as on_1
from course_utils.figures import concentration as draw_3
from course_utils.figures import curvature as draw_4
from course_utils.figures import kernels as draw_7
from course_utils.figures import ldlt as draw_6a
from course_utils.figures import ldlt_training as draw_6b
from course_utils.figures import perturbation as draw_5
from course_utils.figures import sign_flips as draw_2
from course_utils.figures import taylor as draw_1
from course_utils.theory import curvature, ldlt_stacks, losses, moments, perturbation, variance_laws
from course_utils.theory.activations import activation
from course_utils.theory.worst_case import worst_case_weights

rng = np.random.default_rng
SCALES = np.array([0.1, 1.0])
S = np.array([0.5, 1.0, 2.0])
X, T = rng(0).standard_normal((12, 6)), np.arange(12) % 3
LOSS, THETA = losses.Quadratic(1.0, np.array([1.0, -2.0]), np.eye(2)), np.zeros(2)
CIRCLE = np.array([[1.0, 0.0], [0.6, 0.8], [-0.8, 0.6]])
ROWS = [on_6b.Comparison("SGD", 2, THETA, 0.02, 0.01, 0.03), on_6b.Comparison("SGD", 8, THETA, -0.04, -0.06, -0.02)]
ROWS.append(on_6b.Comparison("Adam", 2, THETA, 0.01, -0.01, 0.03))


@cache
def trainings():
    return tuple(on_4t.train_scheme(s, 2, X, T, width=4, steps=4, seeds=2, checks=2) for s in on_4t.STARTS)


def neglects(kind, *shares):
    share = np.array(shares)[:, None, :] + np.zeros((1, 2, 1))
    return on_4t.Neglect(kind, np.arange(2), np.array([[1.0, 1.0], [0.1, 0.1]]), share.transpose(2, 1, 0))


@cache
def runs():
    net = losses.SoftmaxNet(rng(0).normal(size=(16, 3)), rng(1).integers(0, 2, 16), 3, 2)

    def train(method, seed):
        return on_5.stochastic_descent(net, net.initial(rng(seed)), method, 0.1, 2, rng(seed), batch=8, looks=4)

    return {method: [train(method, 0), train(method, 1)] for method in ("backprop", "node")}


@cache
def budget_runs():
    net = losses.SoftmaxNet(rng(0).normal(size=(80, 3)), rng(1).integers(0, 2, 80), 3, 2)
    return on_5.budget_runs(chapter_05.train, net, net, 20_000, 2)


@cache
def grid():
    return on_6a.size_grid((2, 3), 0.1, 500, rng(0))


@cache
def gradients(depth):
    return ldlt_stacks.first_gradients([0.1, 1.0, 10.0], depth, 8, 4, rng(0))


@cache
def study():
    return on_7.width_study([16, 32, 64], CIRCLE, np.array([1.0, -1, 1]), CIRCLE[:2], 3, 5, 1.0, rng(0))


def coordinates():
    """Two parameters, of which the second is far from the loss's own gradient only."""
    found = perturbation.estimate(LOSS, THETA, 0.1, 500, rng(0))
    return draw_5.Coordinates(found, LOSS.g + np.array([0, 100.0]), LOSS.g)


def sweep():
    kinds = ("baseline", "signs")
    return on_5.sigma_sweep(LOSS, LOSS.local(THETA), THETA, lambda s: LOSS.g, SCALES / 10, 100, kinds, rng(0))


def left_out(data):
    outside = (np.abs(data.estimates) > 6).any(axis=1).sum()
    assert outside > 50
    return f"{outside} lie outside"


def stacks():
    measured = {
        name: ldlt_stacks.stack_variances(3, 8, factor, 4, rng(0)) for name, factor in ldlt_stacks.SCALES.items()
    }
    return draw_6b.Stacks(measured, dict.fromkeys(ldlt_stacks.SCALES, 0.5))


def rates(optimizer="Adam", rates=(0.01, 0.1)):
    loss = 0.65 + 0.01 * rng(0).uniform(size=(3, 2, 5))
    loss[1, 0], loss[0, 1, 3] = 0.5, np.inf  # which has diverged
    return on_6b.RateCurves(optimizer, 2, np.array(rates), tuple(ldlt_stacks.SCALES), loss)


def priced():
    """Two prices and three seeds, as if trained."""
    shares = np.arange(6).reshape(2, 3) / 10
    return on_6b.Priced(np.array([1.0, 4.0]), {"SGD": shares, "Adam": shares + 0.4}, 2 + shares, 1 + shares)


def six_rates(optimizer="Adam"):
    one = rates(optimizer)
    return one._replace(scales=tuple(ldlt_stacks.ARMS), loss=np.concatenate([one.loss, one.loss + 0.01]))


def relu():
    x, moments, gammas = np.ones(8), {}, {}
    for name, factor in ldlt_stacks.SCALES.items():
        moments[name] = ldlt_stacks.second_moments(3, x, 8, factor, 30, rng(0), gain=True)
        gammas[name] = ldlt_stacks.layer_gains([8, 8], factor)[0]
    return draw_6b.Rectified(moments, gammas)


def accuracies():
    values = 0.5 + 0.01 * rng(0).uniform(size=(2, 6, 5))
    values[1, 3] += 0.4
    return on_6b.Accuracies("digits", [("SGD", 2), ("SGD", 8)], tuple(ldlt_stacks.ARMS), values, 0.1)


def step_curve():
    return on_4.step_curve(curvature.random_net([6, 4, 3], "tanh", "He", rng(0)), X, T)


def error_maps():
    return on_4.error_maps(SCALES, SCALES, [4, 5, 2], 3, rng(0))


def spoilt():
    return grid()._replace(exact=grid().exact + np.array([[1.0, 0], [0, 0]]))


def mean_square(values):
    return np.sqrt(np.mean(values**2))


def swept():
    course = on_1.width_scaling(activation("tanh"), [10, 100], 1.0, 3, 3, rng(0))
    return course._replace(yours=(np.array([10, 30]), *rng(1).uniform(0.1, 0.2, size=(2, 2, 2))))


FIGURES = [
    (draw_1.envelope, lambda: on_1.tangent_envelope("tanh", 0.5, 1.5), "1.5"),
    (draw_1.tightness, lambda: on_1.tightness(np.geomspace(0.05, 8, 10)), ""),
    (draw_1.cloud, lambda: on_1.random_moves(activation("tanh"), 20, 3, 60, rng(0)), ""),
    (draw_1.width_scaling, lambda: on_1.width_scaling(activation("tanh"), [10, 100], 1.0, 3, 3, rng(0)), "slope −1."),
    (draw_1.width_scaling, swept, "yours, 2 nets up to width 30"),
    (draw_2.flips, lambda: on_2.plane_move(B=3.0), lambda d: f"{d.flipped.sum()} of 150 flip"),
    (draw_2.flips, lambda: on_2.plane_move(B=3.0, way="on the nearest"), lambda d: f"{d.flipped.sum()} have crossed"),
    (draw_2.plane, on_2.plane_move, "0 outside"),
    (draw_2.reasons, lambda: on_2.reasons(1000, 5, 0.1, SCALES, rng(0)), "over τ"),
    (
        draw_2.reasons,
        lambda: on_2.reasons(1000, 5, 0.1, SCALES, rng(0))._replace(yours=(50, 0.3, np.full(4, 0.2))),
        "yours, 50 neurons at τ = 0.3",
    ),
    (draw_2.tau_tradeoff, lambda: on_2.tau_tradeoff(1000, 1.0, np.geomspace(0.01, 1, 9), rng(0)), ""),
    (draw_2.gap_against_width, lambda: on_2.gap_against_width([100, 1000], 5, 2.0, 4, rng(0)), ""),
    (draw_3.line, lambda: on_3.on_a_line(1.0), "takes 6 across zero"),
    (draw_3.line, lambda: on_3.on_a_line(1.0, worst_case_weights), "equal to the course's to 9 digits"),
    (draw_3.line, lambda: on_3.on_a_line(1.0, lambda W0, x, a, B: 0.99 * W0), "of the course's"),
    (draw_3.mgf, lambda: on_3.mgf_curves([0.5, 0.04]), ""),
    (
        draw_3.tail,
        lambda: on_3.tail_curve(0.05, 0.05, m=10_000),
        "Lemma 4.2 673, Hoeffding 521, Bernstein 448, Chernoff 448, exact 431",
    ),
    (draw_3.coverage, lambda: on_3.coverage_grid([100], [0.05, 0.5], [0.05, 0.001], 2000, rng(0)), ""),
    (draw_3.adversary, lambda: on_3.adversary_curve(1000), lambda d: f"k = 1000 gains {d.gains[999]:.1f}"),
    (
        draw_3.adversary,
        lambda: on_3.adversary_curve(300),
        lambda d: f"best k = {d.ks[np.argmax(d.gains)]} gains {d.gains.max():.1f}",
    ),
    (draw_3.approach, lambda: on_3.worst_case_scaling([100, 1000], [1.0, 3.0], 3, rng(0)), ""),
    (draw_3.rates, lambda: on_3.width_rates([64, 256], np.eye(2), np.array([1.0, -1.0]), 2, rng(0)), ""),
    (
        draw_3.rates,
        lambda: on_3.width_rates([64, 256], np.eye(2), np.array([1.0, -1.0]), 2, rng(0), yours=chapter_03.sweep),
        "equal to the course's to 9 digits in movement, flips and gap",
    ),
    (draw_4.variance_flow, lambda: on_4.variance_flow("He", [6, 5, 3], "tanh", X, 3, rng(0)), ""),
    (draw_4.descent, lambda: on_4.descent(0.5, 1.0), "it shrinks"),
    (draw_4.descent, lambda: on_4.descent(1.0, 1.0), "it arrives"),
    (draw_4.descent, lambda: on_4.descent(2.0, 1.0), "it stays"),
    (draw_4.descent, lambda: on_4.descent(2.5, 1.0), "it grows"),
    (draw_4.step_choice, lambda: on_4.step_choice(1.0), "the loss falls to"),
    (draw_4.step_choice, lambda: on_4.step_choice(12.0), "the loss climbs to"),
    (draw_4.step_curve, step_curve, ""),
    (draw_4.step_curve, lambda: step_curve()._replace(yours=0.5), "by the reader's own λ_max 0.5"),
    (draw_4.error_map, lambda: error_maps()[0], ""),
    (draw_4.error_map, lambda: error_maps()[1], ""),
    (draw_4.bound_cloud, lambda: on_4.bound_clouds([4, 5, 2], "ReLU", 9, rng(0))[0], ""),
    (draw_4.norm_sizes, lambda: on_4.norm_sizes([3, 9], 4, rng(0)), ""),
    (draw_4.layer_shape, on_4.layer_shape, ""),
    (draw_4.neglect, lambda: neglects("cross_entropy", [0.9, 0.4], [0.4, 0.4]), "in the end 40% is neglected"),
    (draw_4.neglect, lambda: neglects("squared", [0.5, 0.1], [0.3, 0.01]), "layer 0 from 0.50 to 0.10"),
    (draw_4.training, trainings, "data-driven"),
    (draw_4.training, lambda: (*trainings(), trainings()[0]._replace(scheme="yours")), "yours"),
    (draw_4.sharpness, trainings, "2/γ = 4"),
    (draw_4.sharpness, lambda: (*trainings(), trainings()[0]._replace(scheme="yours")), "2/γ = 4"),
    (draw_5.coordinates, coordinates, "2 intervals hold the gradient of the smoothed loss, 1 that of the loss itself"),
    (draw_5.cloud, lambda: on_5.cloud("no baseline", 0.05, 1), left_out),
    (draw_5.cloud, on_5.cloud, lambda d: f"law {d.predicted:.2g}"),
    (draw_5.cloud, lambda: on_5.cloud(chapter_05.estimate, 0.2, 10), "estimates (yours, sigma = 0.2, K = 10;"),
    (draw_5.sigma_sweep, sweep, ""),
    (
        draw_5.cosine,
        lambda: on_5.cosine_curve(n=10**6),
        lambda d: f"{variance_laws.cosine_law(100, 10**6):.3f} at K = 100;",
    ),
    (draw_5.cosine, on_5.cosine_curve, lambda d: f"{variance_laws.draws_for_cosine(0.9, 1000):,} draws"),
    (
        draw_5.variances,
        lambda: [perturbation.measure_variance(LOSS, THETA, LOSS.g, 0.1, 2, 500, rng(0), "signs", 5.0)],
        "",
    ),
    (draw_5.losses, lambda: draw_5.Runs(runs()), ""),
    (draw_5.losses, lambda: draw_5.Runs(runs(), "evaluations"), ""),
    (draw_5.losses, lambda: draw_5.Runs({"yours": budget_runs()}, "evaluations"), "yours "),
    (draw_6a.singular, lambda: draw_6a.Singular(S, 2 * S / np.sqrt(1 + S**2), 1.0, 2.0), "below gamma = 2"),
    (draw_6a.singular, lambda: on_6a.squeeze(10.0), lambda d: f"{d.s.max():.2g}, becomes {d.layer.max():.3g}"),
    (draw_6a.few_rows, lambda: on_6a.few_rows(4, lambda n, ratio: 0.5, None), "Yours, m = 1, lies within 0.5"),
    (
        draw_6a.pairings,
        lambda: [*moments.wick_pairings(1)],
        "2 factors on a circle, 1 of 1 without crossing chords: 1 of mn",
    ),
    (
        draw_6a.pairings,
        lambda: [*moments.wick_pairings(2)],
        "2 of 3 without crossing chords: 1 of mn², 1 of mn, 1 of m²n.",
    ),
    (draw_6a.pairings, lambda: [*moments.wick_pairings(3)], "5 of 15"),
    (draw_6a.spectrum, lambda: on_6a.spectrum(1, 1), "0.80 at 0 where large layers have 0.64"),
    (draw_6a.variance_curve, lambda: on_6a.variance_curve(6, 9), "6 by 9"),
    (draw_6a.moment_curve, lambda: on_6a.moment_curve(6, 9, 0.5), "6 by 9"),
    (
        draw_6a.moment_curve,
        lambda: on_6a.moment_curve(6, 9, 0.5, yours=lambda *given: (0, 1)),
        "Yours from ten are 1 apart",
    ),
    (draw_6a.shape_curve, lambda: on_6a.shape_curve(1.0), ""),
    (draw_6a.size_grid, lambda: draw_6a.Differences(spoilt(), "exact"), "3 of 4 within"),
    (draw_6a.size_grid, lambda: draw_6a.Differences(grid(), "series"), "at n sigma squared 0.1"),
    (
        draw_6a.size_grid,
        lambda: draw_6a.Differences(on_6a.size_grid((2, 3), 0.1, 500, rng(0), at_edge=True), "series"),
        "a largest eigenvalue of alpha times 0.1",
    ),
    (
        draw_6a.reach,
        lambda: on_6a.reach([(2, 2), (9, 2)], np.array([0.1, 0.4, 4.0])),
        lambda d: f"up to 0.4; at n sigma squared 1 they are off by {d.error_at_s.min():.1g} to",
    ),
    (draw_6b.stacks, stacks, ""),
    (draw_6b.gradient_sizes, lambda: gradients(1), ""),
    (
        draw_6b.depths,
        lambda: [gradients(1), gradients(4)],
        lambda d: f"4 layers at {d[1].factors[np.median(d[1].absolute, axis=0).argmax()]:.2g}",
    ),
    (draw_6b.gain, lambda: on_6b.gain(10.0, 2.0, 16), lambda d: f"the Lipschitz constant {d.lipschitz[16]:.2g}"),
    (draw_6b.gain, on_6b.gain, lambda d: f"{d.variance[8]:.2g} left"),
    (draw_6b.rectified, relu, lambda d: f"10/√n {d.without('10/sqrt(n)')[:, -1].mean():.2g}. With the gain"),
    (draw_6b.gain, lambda: on_6b.gain(1.0, 2.0, 4, activation="ReLU"), lambda d: f"{d.variance[4]:.2g} left"),
    (draw_6b.rates, rates, "Adam, 2 layers: "),
    (draw_6b.rates, rates, lambda d: f"1/√n {d.loss[0, 0].mean():.3f} at rate 0.01"),
    (draw_6b.higgs_rates, six_rates, "means of 5 seeds and the middle 80 % of them"),
    (draw_6b.accuracies, accuracies, "digits: the start matters most for SGD with 8 layers"),
    (draw_6b.accuracies, accuracies, "SGD 8: 1/√n and gain 9"),
    (draw_6b.priced, priced, lambda d: f"SGD {100 * d.accuracy['SGD'][0].mean():.0f} % at 1"),
    (draw_6b.priced, lambda: priced()._replace(yours=np.array([0.85, 0.9])), "Yours: 85 %, 90 %."),
    (draw_6b.signal, lambda: on_6b.signal(10.0, 1.49), "at most 24-fold"),
    (draw_6b.contest, lambda: draw_6b.Contest("sqrt(2/n)", "10/sqrt(n)", ROWS), "better in 1 of 3, worse in 1"),
    (draw_6b.contest, lambda: draw_6b.Contest("sqrt(2/n)", "10/sqrt(n)", ROWS), "SGD 8: -4.0, Adam 2: +1.0"),
    (draw_7.kernel_curve, lambda: on_7.kernel_curve(64), lambda d: f"distance {np.abs(d.kernel - d.limit).max():.3f}"),
    (draw_7.kernel_errors, lambda: on_7.kernel_errors([16, 64], CIRCLE, 4, rng(0)), ""),
    (draw_7.paths, lambda: draw_7.Paths(study(), np.arange(6)), lambda d: f"{study().paths[2, -1]:.1f} at m = 64"),
    (draw_7.distances, study, lambda d: f"net, f₀ {np.median(d.net_tangent[:, 0]):.2g} to"),
    (
        draw_7.switch,
        lambda: on_7.lazy_switch([16, 64], CIRCLE, np.array([1.0, -1, 1]), 3, 5, 1.0, rng(0)),
        lambda d: f"1/m {100 * np.median(d.turned[1, :, 0]):.2g} % to",
    ),
    (
        draw_7.switch,
        lambda: on_7.lazy_switch(
            [16, 64], CIRCLE, np.array([1.0, -1, 1]), 3, 5, 1.0, rng(0), yours=chapter_07.both_factors
        ),
        "Yours, one net a width: equal to the course's.",
    ),
    (draw_7.neurons, lambda: on_7.neurons(0.5), "m to the power −0.5: they moved 19%"),
    (draw_7.neurons, lambda: on_7.neurons(1.0, chapter_07.descend), "of their length by your descent."),
    (draw_7.beside, lambda: on_7.circle_run(16, 10), lambda d: f"differ by {d.apart:.3f}"),
    (draw_7.circle_run, lambda: on_7.circle_run(16, 10), lambda d: f"differ by {d.apart:.3f}"),
    (
        draw_7.circle_run,
        lambda: on_7.circle_run(16, 10, yours=(chapter_07.descend, chapter_07.after_descent)),
        "yours, in rings: equal to the course's.",
    ),
    (draw_7.circle_run, lambda: on_7.circle_run(16, 10, yours=(lambda W0, *_: W0, None)), "% of the course's."),
    (draw_7.circle_fit, lambda: on_7.circle_fit(8), lambda d: f"leaves {d.error:.2g}"),
    (
        draw_7.learning,
        lambda: on_7.learning_curve(lambda X: sum(on_7.even_and_odd(X)), [8, 16], 3, rng(0), new=20),
        lambda d: f"with_bias {np.median(d.with_bias[:, -1]):.2g}",
    ),
    (
        draw_7.layers,
        lambda: on_7.layer_study([8, 32], CIRCLE, 3, rng(0)),
        lambda d: f"signs {mean_square(d.error[4, :, -1]):.2g}",
    ),
]

SLIDERS = [
    (on_1.tangent_envelope, draw_1.envelope, {"sigma": ("tanh", "sin"), "z0": (-3.0, 3.0), "step": (-3.0, 3.0)}),
    (on_2.plane_move, draw_2.flips, {"B": (0.0, 8.0), "way": ("at random", "on the nearest")}),
    (on_2.plane_move, draw_2.plane, {"tau": (0.05, 2.0), "B": (0.0, 16.0), "m": (25, 200)}),
    (on_3.on_a_line, draw_3.line, {"B": (0.1, 4.0)}),
    (on_3.tail_curve, draw_3.tail, {"tau": (0.02, 0.36), "delta": (0.5, 0.0001)}),
    (on_3.adversary_curve, draw_3.adversary, {"k": (20, 1200), "B": (0.5, 5.0)}),
    (on_4.step_choice, draw_4.step_choice, {"step": (0.0, 12.0), "scheme": ("Glorot", "Hessian")}),
    (on_4.descent, draw_4.descent, {"step": (0.1, 2.5), "curvature": (0.5, 2.0)}),
    (on_4.layer_shape, draw_4.layer_shape, {"inputs": (4, 1024), "outputs": (1, 1024)}),
    (on_5.cosine_curve, draw_5.cosine, {"n": (10, 10**6), "sigma": (0.0, 3.0), "K": (1, 10**7)}),
    (on_5.cloud, draw_5.cloud, {"kind": ("no baseline", "orthogonal"), "sigma": (0.05, 2.0), "K": (1, 2)}),
    (on_6a.squeeze, draw_6a.singular, {"scale": (0.1, 30.0), "alpha": (0.1, 10.0)}),
    (on_6a.variance_curve, draw_6a.variance_curve, {"m": (1, 8), "n": (1, 8), "s": (0.5, 0.5)}),
    (on_6a.moment_curve, draw_6a.moment_curve, {"m": (1, 8), "n": (1, 8), "s": (0.5, 0.5)}),
    (
        on_6b.gain,
        draw_6b.gain,
        {"factor": (0.1, 10.0), "gamma": (1.0, 2.0), "depth": (1, 16), "activation": ("none", "ReLU")},
    ),
    (six_rates, draw_6b.higgs_rates, {"optimizer": ("Adam", "SGD")}),
    (on_7.kernel_curve, draw_7.kernel_curve, {"m": (4, 2**14)}),
    (on_7.circle_run, draw_7.beside, {"m": (4, 1024), "steps": (1, 200)}),
    (on_7.neurons, draw_7.neurons, {"power": (0.5, 1.0)}),
    (on_7.circle_fit, draw_7.circle_fit, {"n": (4, 64), "bias": ("without", "with")}),
]
