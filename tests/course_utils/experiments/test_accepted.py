"""What :mod:`course_utils.theory.accept` promises for theory and experiments: what does not fit is refused, and named.

Each function is called with arguments that fit, but for one; and a table has what only some of them refuse, in which
words.
"""

import inspect

import numpy as np
import pytest

from course_utils.experiments import concentration as counts
from course_utils.experiments import curvature as starts
from course_utils.experiments import curvature_orders, ldlt_training, perturbation, sign_flips, taylor
from course_utils.experiments import curvature_training as training
from course_utils.experiments import kernels as nets
from course_utils.experiments import ldlt as curves
from course_utils.theory import (
    concentration,
    curvature,
    kernel_training,
    kernels,
    ldlt,
    ldlt_stacks,
    losses,
    moment_bounds,
    moments,
    networks,
    statistics,
    variance_laws,
    wide_limit,
    worst_case,
)
from course_utils.theory import perturbation as estimators
from course_utils.theory import sign_flips as flips
from course_utils.theory import taylor as tangents
from course_utils.theory.activations import activation
from course_utils.theory.ldlt_layer import LDLT

RNG, TANH = np.random.default_rng(0), activation("tanh")
W, X, A, EYE = np.ones((3, 2)), np.ones(2), np.ones(3), np.eye(2)
X2, LOSS = np.ones((2, 2)), losses.Quadratic(1.0, X)

FITTING = [
    (flips.flipped, W, W, X),
    (flips.bad_sets, W, W, X, 0.1),
    (flips.star_gap, W, W, X, A),
    (flips.direct_gap, W, W, X, A),
    (flips.count_flips, W, W, X, A, 0.1),
    (flips.flip_bound, 3, 1.0),
    (flips.s2_bound, 1.0, 0.5),
    (flips.tight_movement, 9, 2, 1.0, 0.5),
    (flips.optimal_tau, 9, 1.0),
    (flips.optimal_bad_set_bound, 9, 1.0, 0.1),
    (flips.random_flips, 9, 2, 1.0, 0.5, RNG),
    (flips.random_gap_rms, 9, 2, 1.0),
    (concentration.near_zero_probability, 0.1),
    (concentration.near_zero_roundings, 0.1),
    (concentration.log_mgf, X, 0.5),
    (concentration.hoeffding_log_mgf, X),
    (concentration.tail_bounds, 9, 0.1, 0.1),
    (concentration.coverage, X, 1.0),
    (worst_case.lemma_4_1_bound, 9, 1.0, 0.1),
    (worst_case.worst_case_gap, A, A, 1.0),
    (worst_case.worst_case_weights, W, X, A, 1.0),
    (worst_case.ascent_gap, W, X, A, 1.0, RNG, 2, 2),
    (worst_case.unrounded_lemma_4_1, 9, 1.0, 0.1),
    (worst_case.worst_case_law, 9, 1.0),
    (worst_case.worst_case_bounds, 9, 1.0, 0.1),
    (worst_case.all_inputs_bound, 9, 2, 1.0, 0.1),
    (worst_case.worst_input, W, A, 1.0, RNG, 2, 2),
    (statistics.mean_interval, A),
    (statistics.power_law_slope, np.arange(1.0, 4), np.ones((2, 3))),
    (statistics.clopper_pearson, 1, 3),
    (networks.gaussian_init, 3, 2, RNG),
    (networks.linearization, X, W, W, A, np.tanh, np.cos),
    (networks.outputs, W, W, A),
    (networks.train_first_layer, networks.Init(W, A), W, A, 2, 0.1),
    (tangents.tangent_gap, TANH, X, X),
    (tangents.integral_remainder, TANH, 0.0, 1.0),
    (tangents.worst_move, TANH, A, A, 1.0),
    (tangents.proposition_4_1, 1.0, W, W),
    (kernels.angles, W, W),
    (kernels.arc_cosine, W, W),
    (kernels.limit_kernel, W, W),
    (kernels.kernel_error_law, W, W),
    (kernels.whitened_error_law, W, W),
    (kernels.orthogonal_error_law, np.eye(3), np.eye(3)),
    (kernels.same_octant, X),
    (kernels.with_bias, W),
    (kernels.random_kernel, 4, W, RNG, W),
    (kernel_training.descent_operator, EYE, 3, 1.0),
    (kernel_training.expected_movement, EYE, X, 3, 1.0),
    (kernel_training.kernel_fit, EYE, X, W),
    (kernel_training.linear_fit, EYE, X, W),
    (wide_limit.guarantee, EYE, X, X / 9, 4, 1.0, 0.1),
    (wide_limit.rademacher_bound, EYE, 1.0),
    (wide_limit.generalization_bound, 9, X, 0.1),
    (moments.moment, 2, 3, 2),
    (moments.moments, 2, 3, 2),
    (moments.moment_polynomial, 2),
    (moment_bounds.partial_sums, 2, 3, 2, 0.1),
    (moment_bounds.bounds, 3, 2, 0.1, 1.0, 1.0, 4),
    (ldlt.exact_variance, 3, 2, 0.1),
    (ldlt.mean_density, 3, 2),
    (ldlt.limit_variance, 3, 2, 0.1),
    (ldlt.simulate, 3, 2, 0.1, 4, RNG),
    (ldlt_stacks.stack_variances, 2, 3, 1.0, 2, RNG),
    (ldlt_stacks.first_gradients, [1.0], 2, 3, 2, RNG),
    (ldlt_stacks.second_moments, 2, X, 3, 1.0, 2, RNG),
    (estimators.estimate, LOSS, X, 0.1, 2, RNG),
    (estimators.draws, LOSS, X, 0.1, 2, RNG),
    (estimators.measure_variance, LOSS, X, X, 0.1, 2, 3, RNG, "baseline", 1.0),
    (variance_laws.total_variance, "baseline", LOSS.local(X), 0.1),
    (variance_laws.exact_cosine, 2, 3),
    (variance_laws.best_cosine, 2, 3),
    (estimators.squared_distance, np.ones((4, 2)), np.ones(2)),
    (estimators.mean_of, np.eye(2), 5),
    (variance_laws.draws_for_cosine, 0.5, 3),
    (variance_laws.largest_step, X, EYE, 2),
    (taylor.tangent_envelope, "tanh", 0.5, 1.5),
    (taylor.tightness, X, X),
    (taylor.largest_share, TANH, np.arange(2)),
    (taylor.random_moves, TANH, 3, 2, 4, RNG),
    (taylor.width_scaling, TANH, [3], 1.0, 2, 2, RNG),
    (sign_flips.plane_move, 9, 1.0, 0.5),
    (sign_flips.tau_tradeoff, 9, 1.0, X, RNG),
    (counts.mgf_curves, [0.5], 1.0),
    (counts.tail_curve, 0.1, 0.1, 9),
    (counts.coverage_grid, [9], [0.1], [0.1], 4, RNG),
    (counts.adversary_curve, 1, 1.0, 9),
    (counts.worst_case_scaling, [9], X, 2, RNG, 1.0),
    (counts.rate_mixture, np.arange(1.0, 4), np.ones((2, 3))),
    (counts.width_rates, [4], EYE, X, 2, RNG, 2, 1.0, 2),
    (starts.descent, 0.5, 1.0),
    (starts.layer_shape, 3, 2),
    (starts.expected_norm, 3, 2),
    (starts.norm_sizes, [3], 2, RNG),
    (training.starts, "Glorot", 2, X2),
    (training.train_scheme, "Glorot", 2, X2, np.array([0, 1])),
    (nets.kernel_curve, 4),
    (nets.circle_fit, 4),
    (nets.circle_run, 4, 2),
    (nets.even_and_odd, np.eye(3)),
    (curves.spectrum, 3, 2),
    (curves.shape_curve, 1.0, (2,)),
    (curves.variance_curve, 3, 2),
    (curves.moment_curve, 3, 2, 1.0),
    (curves.reach, [(3, 2)], np.array([0.1, 0.2]), 1.0),
    (curves.edge, 3, 2),
    (curves.largest_distances, curves.size_grid((2,), 1.0, 4, np.random.default_rng(0)), "exact", 4, 2, RNG),
    (ldlt_training.gain, 1.0, 1.0, 2, 3),
    (ldlt_training.overlap_interval, A),
    (perturbation.cosine_curve, 10, 0.0, 3),
]
MISFITS = {  # by the kind of argument; None comes last
    "int": (-1, 1.5, True, "3", None),
    "float": (np.nan, np.inf, "0.5", [0.5], None),
    "Array": (np.array([[np.nan]]), [], [["a"]], [[1j]], "text", None),
    "np.random.Generator": (7, np.random, None),
}
SHARE, NEGATIVE, NAUGHT = (0, 1, 2), (-0.1,), (0, -1)
BEYOND = {  # and by its name, where numbers have an end
    **dict.fromkeys(("p", "delta", "confidence", "cosine"), SHARE),
    **dict.fromkeys(("B", "S", "tau", "norm_x", "sigma2", "sigma", "beta", "factor"), NEGATIVE),
    **dict.fromkeys(("alpha", "gamma", "lr", "reach", "m", "n", "d", "chunk", "draws", "repetitions"), NAUGHT),
    **dict.fromkeys(("samples", "starts", "moments", "terms", "points", "networks", "depth", "most", "trials"), NAUGHT),
}
# A choice of two, and a number of steps that may be infinite: refused in the tests of kernels.
OTHERWISE = {("arc_cosine", "degree"), ("descent_operator", "steps"), ("expected_movement", "steps")}


def cases():
    for function, *fitting in FITTING:
        for name, parameter in inspect.signature(function).parameters.items():
            misfits = MISFITS.get(parameter.annotation.partition(" | ")[0])
            if misfits and name != "seed" and (function.__name__, name) not in OTHERWISE:
                misfits = misfits[: -1 if parameter.default is None else None] + BEYOND.get(name, ())
                yield pytest.param(function, fitting, name, misfits, id=f"{function.__name__}-{name}")


@pytest.mark.parametrize("function, fitting, name, misfits", [*cases()])
def test_whatever_does_not_fit_is_refused_and_named(function, fitting, name, misfits):
    arguments = inspect.signature(function).bind(*fitting).arguments
    function(**arguments)
    for misfit in misfits:
        with pytest.raises((ValueError, TypeError), match=rf"\b{name.removesuffix('s') or name}"):
            function(**{**arguments, name: misfit})


NET = losses.SoftmaxNet(np.ones((2, 5)), np.array([0, 1]), hidden=4, classes=3)
ESTIMATE = {"loss": LOSS, "theta": X, "sigma": 0.1, "K": 4, "rng": RNG}
REFUSED = [  # call, and the words of its ValueError
    (lambda: flips.flipped(W, X2, X), r"\(2, 2\) and \(3, 2\)"),
    (lambda: flips.flipped(W, W, A), r"x must have shape \(2,\), got \(3,\)"),
    (lambda: flips.flipped(np.ones((0, 2)), np.ones((0, 2)), X), r"empty, got shape \(0, 2\)"),
    (lambda: flips.star_gap(W, W, X, X), r"a must have shape \(3,\), got \(2,\)"),
    (lambda: flips.flip_bound(1, 1.0, norm_x=2), "norm_x must be at most 1"),
    (lambda: flips.s2_bound(1.0, 0.0), "tau must be greater than 0, got 0"),
    (lambda: flips.random_flips(3, 2, 1.0, 0.1, RNG, norm_x=0), "norm_x must be greater than 0"),
    (lambda: concentration.tail_bounds(10, 0.0, 0.1), "tau must be greater than 0, got 0"),
    (lambda: worst_case.lemma_4_1_bound(10, 1.0, 0.1, norm_x=1.1), "norm_x must be at most 1 .* 1.1"),
    (lambda: worst_case.worst_case_gap(A, [1, 1, 2], 1.0), r"all \|a_i\| must be equal .* 1.0 to 2.0"),
    (lambda: worst_case.worst_case_gap(A, [1, 1], 1.0), r"a must have shape \(3,\), got \(2,\)"),
    (lambda: worst_case.worst_case_gap(A, A, 1.0, 0), "u must be 0 everywhere when norm_x is 0, got 1"),
    (lambda: worst_case.adversary_gains(A, A, 1.0, sign=0), "sign must be 1 or -1, got 0"),
    (lambda: worst_case.worst_case_weights(W, A, A, 1.0), r"x must have shape \(2,\), got \(3,\)"),
    (lambda: activation("relu"), "'relu'"),
    (lambda: tangents.worst_move(TANH, [1.0, 2.0], [1.0], 1.0), "same length"),
    (lambda: tangents.proposition_4_1(1.0, np.ones((2, 1)), np.ones((1, 2))), r"\(2, 1\)"),
    (lambda: networks.linearization([1.0], np.ones((2, 3)), np.ones((1, 1)), X, np.tanh, np.cos), r"\(2, 3\)"),
    (lambda: networks.linearization([1.0], np.ones((1, 1)), np.ones((2, 1)), [1.0], np.tanh, np.cos), "W0"),
    (lambda: statistics.clopper_pearson(5, 4), "successes must be .* trials = 4, got 5"),
    (lambda: statistics.clopper_pearson(0.5, 4), "successes must be a whole number .* got 0.5"),
    (lambda: statistics.clopper_pearson(1, 4, 1.0), "confidence must lie strictly .* got 1"),
    (lambda: statistics.mean_interval([1.0]), "at least 2"),
    (lambda: statistics.power_law_slope([1.0, 2.0], [[1.0, 2.0]]), r"\(1, 2\)"),
    (lambda: statistics.power_law_slope([1.0, 2.0], [[1.0, 2.0], [0.0, 1.0]]), "positive"),
    (lambda: estimators.estimate(**ESTIMATE | {"sigma": 0.0}), "sigma must be greater than 0, got 0"),
    (lambda: estimators.estimate(**ESTIMATE | {"K": 0}), "K must be at least 1, got 0"),
    (lambda: estimators.estimate(**ESTIMATE, kind="magic"), "kind must be one of no baseline"),
    (lambda: estimators.estimate(**ESTIMATE | {"kind": "orthogonal", "K": 3}), "K must be at most n = 2"),
    (lambda: estimators.estimate(**ESTIMATE | {"theta": EYE}), "theta must have 1 axes"),
    (lambda: estimators.estimate(**ESTIMATE | {"loss": lambda t: t}), "one number for each of the 1 rows"),
    (lambda: estimators.estimate(**ESTIMATE | {"loss": lambda t: t.mean()}), r"shape \(\)"),
    (lambda: estimators.estimate(**ESTIMATE | {"loss": lambda t: [np.nan] * len(t)}), "loss must be finite, got nan"),
    (lambda: estimators.measure_variance(LOSS, X, X, 0.1, 1, 1, RNG, "baseline", 1.0), "at least 2"),
    (lambda: estimators.draws(LOSS, X, 0.1, 3, RNG, "orthogonal"), "at most n = 2"),
    (lambda: variance_laws.total_variance("node", LOSS.local(X), 0.1), "kind must be one of"),
    (lambda: variance_laws.draws_for_cosine(1.0, 5), "cosine must be below 1"),
    (lambda: variance_laws.exact_cosine(3, 1), "n must be at least 2"),
    (lambda: variance_laws.largest_step(np.zeros(2), EYE, 1), "g must not be 0"),
    (lambda: variance_laws.largest_step(A, EYE, 1), r"H must have shape \(3, 3\)"),
    (lambda: losses.SoftmaxNet(X2, np.array([0, 3]), 2, 3), "y must lie from 0 to 2"),
    (lambda: losses.SoftmaxNet(X2, np.array([0.0, 1.0]), 2, 3), "whole numbers"),
    (lambda: NET(np.ones((2, 3))), r"shape \(k, "),
    (lambda: losses.SineNet(X2, A, X), r"y must have shape \(2,\)"),
    (lambda: losses.Quadratic(0.0, X, np.eye(3)), r"H must have shape \(2, 2\)"),
    (lambda: next(moments.wick_pairings(0)), "k must be at least 1, got 0"),
    (lambda: ldlt.exact_variance(2, 2, 1, alpha=0), "alpha must be greater than 0, got 0"),
    (lambda: ldlt.exact_variance(2, 2, 1e300, alpha=1e-300), "sigma2 / alpha must be finite"),
    (lambda: kernels.limit_kernel(X2 * np.nan), "X must be finite"),
    (lambda: kernels.limit_kernel(X2, np.ones((1, 3))), "same number of columns, got 2 and 3"),
    (lambda: kernels.arc_cosine(X2, degree=2), "degree must be 0 or 1, got 2"),
    (lambda: kernels.empirical_kernel(networks.Init(np.ones((3, 5)), A), X2), "columns as X, 2"),
    (lambda: kernels.empirical_kernel(networks.Init(W, np.ones(4)), X2), "a must have"),
    (lambda: kernel_training.descent_operator(np.ones((2, 3))), "square and symmetric"),
    (lambda: kernel_training.descent_operator(np.diag([1.0, -1.0])), "got an eigenvalue -1"),
    (lambda: kernel_training.descent_operator(EYE, 1.5, 1.0), "steps must be a whole number"),
    (lambda: kernel_training.descent_operator(EYE, -1, 1.0), "steps must be a whole number"),
    (lambda: kernel_training.descent_operator(EYE, 3), "needs lr"),
    (lambda: kernel_training.descent_operator(EYE, 3, 4.0), "2n/λ_max = 4 to converge, got 4"),
    (lambda: networks.train_first_layer(networks.gaussian_init(4, 2, RNG), X2, A, 5, 1.0), "y must have"),
    (lambda: networks.train_first_layer(networks.gaussian_init(400, 2, RNG), X2, X, 5, 1e150), "lr must be"),
    (lambda: taylor.tightness([1.0, -2.0]), "-2"),
    (lambda: taylor.width_scaling(TANH, [10, -1], 1.0, 2, 2, RNG), "-1"),
    (lambda: sign_flips.plane_move(tau=0), "tau"),
    (lambda: sign_flips.tau_tradeoff(10, 1.0, [0.0], RNG), "tau"),
    (lambda: sign_flips.gap_against_width([10], 2, 1.0, 0, RNG), "repetitions"),
    (lambda: sign_flips.gap_against_width([0], 2, 1.0, 1, RNG), "m"),
    (lambda: counts.mgf_curves([0.5], reach=0), "reach must be greater than 0, got 0"),
    (lambda: counts.coverage_grid([], [0.1], [0.1], 10, RNG), "ms, taus and deltas must not be empty"),
    (lambda: counts.adversary_curve(10, 3.0, 12), "k must be at most"),
    (lambda: counts.adversary_curve(0), "k must be"),
    (lambda: counts.adversary_curve(1, 0.0), "B must be greater than 0, got 0"),
    (lambda: counts.worst_case_scaling([0], [1.0], 2, RNG), "width must be"),
    (lambda: counts.width_rates([8], 2 * EYE, X, 2, RNG), "norm 1, got 2"),
    (lambda: starts.descent(0, 1), "step must be greater than 0"),
    (lambda: starts.error_maps(-np.ones(2), X, [4, 2], 1, RNG), "scales must not be negative, got -1"),
    (lambda: starts.expected_norm(1, 5), "at least 2, got 1"),
    (lambda: starts.layer_shape(64, 0), "outputs must be at least 1"),
    (lambda: starts.linearization_errors("tanh", 0.0, [4, 2], 1, RNG), "scale must be greater than 0"),
    (lambda: starts.norm_ratios([(2, 2)], 1, RNG, "Cauchy"), "law must be one of normal, signs"),
    (lambda: curvature_orders.orders(1, 1, RNG), "depth must be at least 2"),
    (lambda: curvature_orders.neglected_orders("all", 1, RNG), "small must be one of f‴"),
    (lambda: curvature_orders.neglected_orders("biases", 1, RNG, layer=2), "layer must be 0 or 1"),
    (lambda: curvature_orders.sizes(curvature.random_net([2, 2], "tanh", 1.0, RNG), X2, X2), "one row"),
    (lambda: ldlt_training.gain(depth=17), "depth must be at most 16, got 17"),
    (lambda: ldlt_training.gain(gamma=0), "gamma must be greater than 0"),
    (lambda: curves.variance_curve(2, 2, s=0), "s must be greater than 0, got 0"),
    (lambda: curves.size_grid((), 1, 5, RNG), "sizes must not be empty"),
    (lambda: nets.two_digits(3, 3), "two different digits, got 3 and 3"),
    (lambda: nets.two_digits(3, 8, 10**6), "train must be at most"),
    (lambda: nets.even_and_odd(X2), "3 columns, got 2"),
    (lambda: nets.first_layer("round", 4, 2, RNG), "kind must be one of Gaussian"),
    (lambda: nets.first_layer("mirrored", 5, 2, RNG), "even m, got 5"),
    (lambda: nets.circle_fit(8, "yes"), "bias must be 'with' or 'without', got 'yes'"),
    (lambda: perturbation.stochastic_descent(NET, NET.initial(RNG), "magic", 0.1, 1, RNG), "kind must be one of"),
    (lambda: perturbation.stochastic_descent(NET, NET.initial(RNG), "signs", 0.0, 1, RNG), "step must be greater"),
    (lambda: perturbation.stochastic_descent(NET, NET.initial(RNG), "signs", 0.1, 1, RNG), "batch must be at most"),
    (lambda: perturbation.evaluations_until(NET, "magic", [0.1], 1.0, RNG, batch=2), "kind must be one of"),
    (lambda: perturbation.tuned_descents(NET, NET, "signs", [0.0], 2, RNG, batch=2), "step must be greater"),
    (lambda: perturbation.gains_of_nodes(NET, 0, RNG), "starts must be at least 1, got 0"),
    (lambda: perturbation.curvature(NET, 1.0, [], 2, RNG), "Ks must not be empty"),
    (lambda: estimators.estimate(LOSS, X, 0.1, 1, RNG, "mean baseline"), "at least 2 for a mean of K losses"),
    (lambda: curvature.random_net([3], "ReLU", "He", RNG), "widths must name input and output"),
    (lambda: curvature.random_net([3, 0], "ReLU", "He", RNG), "width must be at least 1"),
    (lambda: curvature.random_net([3, 2], "Mish", "He", RNG), "activation must be one of"),
    (lambda: curvature.random_net([3, 2], "ReLU", "Xavier", RNG), "scheme must be a number or one of Glorot, He, Hess"),
    (lambda: curvature.random_net([3, 2], "ReLU", -1.0, RNG), "scheme must be at least 0"),
    (lambda: LDLT(0, 2), "n must be at least 1, got 0"),
    (lambda: LDLT(3, 2, sigma=-0.1), "sigma must be .* 0, got -0.1"),
    (lambda: LDLT(3, 2, alpha=0), "alpha must be greater than 0, got 0"),
    (lambda: LDLT(3, 2, gamma=-1), "gamma must be greater than 0, got -1"),
    (lambda: LDLT(3, 2, alpha=np.nan), "alpha must be finite, got nan"),
    (lambda: LDLT(3, 2, form="eigen"), "form must be one of symmetric, cholesky, got 'eigen'"),
]
OF_ANOTHER_TYPE = [  # the same for TypeError
    (lambda: estimators.estimate(**ESTIMATE, kind="node"), "node_draws"),
    (lambda: LDLT(3, 2.0), "m must be a whole number, got 2.0"),
    (lambda: LDLT(3, 2, rng=3), "rng"),
]


@pytest.mark.parametrize(
    "error, call, words", [(ValueError, *row) for row in REFUSED] + [(TypeError, *row) for row in OF_ANOTHER_TYPE]
)
def test_what_only_some_refuse_is_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
