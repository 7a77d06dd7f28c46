"""A notebook of a former version runs: what its cells import and use is found where it is now."""

import os
import subprocess
import sys

import pytest

DESK = """
from course_utils.checks import check
from course_utils.claims import at_least, at_most, claim, equals, vanishes
from course_utils.widgets import explore
from course_utils.exercises.variants import yours
from course_utils.figures import show
"""
#: The other import lines of version 0.1.0's chapters, and what their cells use of a module.
CHAPTERS = {
    "0": (
        """
from course_utils.environment import check_environment
from course_utils.progress import show_progress
from course_utils.taylor import activation, tangent_gap
""",
        {},
    ),
    "1": (
        "from course_utils import taylor\nfrom course_utils.figures import show, taylor as draw",
        {
            "taylor": "ACTIVATIONS activation integral_remainder power_law_slope proposition_4_1 random_moves "
            "tangent_envelope tightness width_scaling",
            "draw": "cloud envelope tightness width_scaling",
        },
    ),
    "2": (
        """
from course_utils import sign_flips
from course_utils.concentration import clopper_pearson, near_zero_probability
from course_utils.figures import show, sign_flips as draw
from course_utils.taylor import power_law_slope
""",
        {
            "sign_flips": "LECTURE_COUNT_CONSTANT bad_sets direct_gap flipped gap_against_width optimal_bad_set_bound "
            "plane_move star_gap tau_tradeoff tight_movement",
            "draw": "gap_against_width plane tau_tradeoff",
        },
    ),
    "3": (
        """
from course_utils import concentration
from course_utils.figures import concentration as draw, show
from course_utils.networks import gaussian_init
from course_utils.taylor import power_law_slope
""",
        {
            "concentration": "WORST_CASE_CONSTANT adversary_curve ascent_gap coverage coverage_grid lemma_4_1_bound "
            "log_mgf mgf_curves near_zero_roundings tail_bounds tail_curve width_rates worst_case_gap "
            "worst_case_scaling worst_case_weights",
            "draw": "adversary approach coverage mgf rates tail",
        },
    ),
    "4": (
        """
from course_utils import curvature as cv, initial_curvature as ic
from course_utils.data import digits, mnist
from course_utils.figures import curvature as draw, show
from course_utils.initializers import hessian_jacobian_, jacobian_norms
from course_utils.taylor import power_law_slope
digits(train=100)
""",
        {
            "cv": "CHOICES SCHEMES dense forward gradients gram_layers gram_top_eigenvalues layer_curvatures "
            "layer_operator random_net relative_errors slopes to_torch top_eigenvalue torch_loss",
            "ic": "bound_clouds descent error_maps layer_shape mean_interval norm_sizes step_curve train variance_flow",
            "draw": "bound_cloud descent error_map layer_shape norm_sizes sharpness step_curve training variance_flow",
        },
    ),
    "5": (
        """
from course_utils import perturbation as wp
from course_utils.data import digits
from course_utils.figures import perturbation as draw, show
from course_utils.taylor import power_law_slope
""",
        {
            "wp": "Local Quadratic SineNet SoftmaxNet TorchLoss cloud cosine_curve cosine_law draws draws_for_cosine "
            "estimate exact_cosine hessian largest_step local measure_variance sigma_sweep total_variance train "
            "usable_sigma",
            "draw": "Coordinates Runs cloud coordinates cosine losses sigma_sweep variances",
        },
    ),
    "6a": (
        """
from course_utils import ldlt
from course_utils.concentration import clopper_pearson
from course_utils.figures import ldlt as draw, show
from course_utils.ldlt_layer import LDLT, ldlt_matrix
""",
        {
            "ldlt": "exact_variance limit_variance moment moment_bounds moment_curve moment_polynomial partial_sums "
            "shape_curve simulate size_grid spectrum variance_curve wick_pairings wick_polynomial",
            "draw": "Differences Singular moment_curve pairings shape_curve singular size_grid spectrum variance_curve",
        },
    ),
    "6b": (
        """
from course_utils import ldlt_training as lt
from course_utils.figures import ldlt_training as draw, show
from course_utils.initial_curvature import mean_interval
from course_utils.ldlt import exact_variance, limit_variance
from course_utils.ldlt_layer import LDLT
from course_utils.taylor import power_law_slope
lt.read_results()
""",
        {
            "lt": "OPTIMIZERS Recipe SCALES Setting at_best_rate compare first_gradients gain in_points pooled "
            "rate_curves read_results relabelled stack_variances train",
            "draw": "Contest Stacks contest depths gain gradient_sizes higgs_rates stacks",
        },
    ),
    "7": (
        """
from course_utils import curvature, kernels as kn
from course_utils.data import digits
from course_utils.figures import kernels as draw, show
from course_utils.networks import Init, gaussian_init
from course_utils.taylor import power_law_slope
""",
        {
            "kn": "arc_cosine circle_fit circle_run descent_operator empirical_kernel even_and_odd expected_movement "
            "kernel_curve kernel_errors kernel_fit layer_study learning_curve limit_kernel linear_fit outputs train "
            "train_three two_digits width_study with_bias",
            "draw": "Paths circle_fit circle_run distances kernel_curve kernel_errors layers learning paths",
            "curvature": "gram_top_eigenvalues",
        },
    ),
}


@pytest.fixture(scope="module")
def said():
    """What a process says that runs the import cells of all chapters, each in a namespace of its own."""
    code = f"""
import types
for chapter, (cell, used) in {CHAPTERS!r}.items():
    cells = {{}}
    try:
        exec({DESK!r} + cell, cells)
        lost = [f"{{name}}.{{a}}" for name, all in used.items() for a in all.split() if not hasattr(cells[name], a)]
        modules = [f"{{name}}.{{a}}" for name, all in used.items() for a in all.split()
                   if isinstance(getattr(cells[name], a, None), types.ModuleType)]
        print(chapter, "lost:", *lost, *modules)
    except Exception as error:
        print(chapter, repr(error))
"""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    return dict(line.split(" ", 1) for line in out.splitlines())


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_what_a_former_chapter_uses_is_found(said, chapter):
    assert said[chapter] == "lost:"


def test_functions_that_answer_otherwise_now_answer_as_they_did():
    import numpy as np
    from course_utils.concentration import clopper_pearson

    from course_utils import perturbation as wp

    low, high = clopper_pearson(5, 10, 0.99)
    assert 0 < low < 0.5 < high < 1
    line, start = wp.Quadratic(3.0, np.arange(1.0, 6.0)), np.zeros(5)
    law = wp.total_variance("baseline", line.local(start), sigma=1e-3)
    rng = np.random.default_rng(0)
    measured = wp.measure_variance(line, start, line.g, 1e-3, 1, 2000, rng, "baseline", law)
    assert str(measured.fact("variance / law")).startswith("✓ variance / law: ")
    assert measured.predicted == law and abs(measured.deviation) < 4


def test_what_never_was_is_an_ordinary_error():
    with pytest.raises(ImportError, match="cannot import name 'nothing' from 'course_utils.taylor'"):
        from course_utils.taylor import nothing  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match="No module named 'course_utils.nowhere'"):
        import course_utils.nowhere  # noqa: F401
