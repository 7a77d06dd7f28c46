"""What :mod:`course_utils.theory.accept` promises for theory and experiments: what does not fit is refused, and named.

Each function is called with arguments that fit, but for one.
"""

import inspect

import numpy as np
import pytest

from course_utils.experiments import concentration as counts
from course_utils.experiments import curvature as starts
from course_utils.experiments import kernels as nets
from course_utils.experiments import ldlt as curves
from course_utils.experiments import ldlt_training, perturbation, sign_flips, taylor
from course_utils.theory import (
    concentration,
    kernel_training,
    kernels,
    ldlt,
    ldlt_stacks,
    moment_bounds,
    moments,
    networks,
    statistics,
    variance_laws,
    worst_case,
)
from course_utils.theory import perturbation as estimators
from course_utils.theory import sign_flips as flips
from course_utils.theory import taylor as tangents
from course_utils.theory.activations import activation
from course_utils.theory.losses import Quadratic

RNG, TANH = np.random.default_rng(0), activation("tanh")
W, X, A, EYE = np.ones((3, 2)), np.ones(2), np.ones(3), np.eye(2)
LOSS = Quadratic(1.0, X)

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
    (kernels.kernel_error_law, W, W),
    (kernels.with_bias, W),
    (kernels.random_kernel, 4, W, RNG, W),
    (kernel_training.descent_operator, EYE, 3, 1.0),
    (kernel_training.movement, EYE, X),
    (kernel_training.expected_movement, EYE, X, 3, 1.0),
    (kernel_training.kernel_fit, EYE, X, W),
    (kernel_training.linear_fit, EYE, X, W),
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
    (estimators.estimate, LOSS, X, 0.1, 2, RNG),
    (estimators.draws, LOSS, X, 0.1, 2, RNG),
    (estimators.measure_variance, LOSS, X, X, 0.1, 2, 3, RNG, "baseline", 1.0),
    (variance_laws.total_variance, "baseline", LOSS.local(X), 0.1),
    (variance_laws.exact_cosine, 2, 3),
    (variance_laws.draws_for_cosine, 0.5, 3),
    (variance_laws.largest_step, X, EYE, 2),
    (taylor.tangent_envelope, "tanh", 0.5, 1.5),
    (taylor.tightness, X, X),
    (taylor.random_moves, TANH, 3, 2, 4, RNG),
    (taylor.width_scaling, TANH, [3], 1.0, 2, 2, RNG),
    (sign_flips.plane_move, 9, 1.0, 0.5),
    (sign_flips.tau_tradeoff, 9, 1.0, X, RNG),
    (counts.mgf_curves, [0.5], 1.0),
    (counts.tail_curve, 0.1, 0.1, 9),
    (counts.coverage_grid, [9], [0.1], [0.1], 4, RNG),
    (counts.adversary_curve, 1, 1.0, 9),
    (counts.worst_case_scaling, [9], X, 2, RNG),
    (counts.width_rates, [4], EYE, X, 2, RNG, 2, 1.0, 2),
    (starts.descent, 0.5, 1.0),
    (starts.layer_shape, 3, 2),
    (starts.expected_norm, 3, 2),
    (starts.norm_sizes, [3], 2, RNG),
    (nets.kernel_curve, 4),
    (nets.circle_fit, 4),
    (nets.circle_run, 4, 2),
    (nets.even_and_odd, np.eye(3)),
    (curves.spectrum, 3, 2),
    (curves.shape_curve, 1.0, (2,)),
    (curves.variance_curve, 3, 2),
    (curves.moment_curve, 3, 2, 1.0),
    (ldlt_training.gain, 1.0, 1.0, 2, 3),
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
    **dict.fromkeys(
        ("alpha", "gamma", "lr", "reach", "accuracy", "m", "n", "d", "chunk", "draws", "repetitions"), NAUGHT
    ),
    **dict.fromkeys(("samples", "starts", "moments", "terms", "points", "networks", "depth", "most"), NAUGHT),
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


@pytest.mark.parametrize("function, fitting, name, misfits", cases())
def test_whatever_does_not_fit_is_refused_and_named(function, fitting, name, misfits):
    arguments = inspect.signature(function).bind(*fitting).arguments
    function(**arguments)
    for misfit in misfits:
        with pytest.raises((ValueError, TypeError), match=rf"\b{name.removesuffix('s')}"):
            function(**{**arguments, name: misfit})
