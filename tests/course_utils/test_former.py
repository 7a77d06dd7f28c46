"""A notebook of a former version runs: what its cells import and use is found where it is now."""

import os
import subprocess
import sys

import pytest

#: What the cells of version 0.1.0's chapters use, by its module then.
USED = {
    "checks": "check",
    "claims": "at_least at_most claim equals vanishes",
    "concentration": "WORST_CASE_CONSTANT adversary_curve ascent_gap clopper_pearson coverage coverage_grid "
    "lemma_4_1_bound log_mgf mgf_curves near_zero_probability near_zero_roundings tail_bounds tail_curve width_rates "
    "worst_case_gap worst_case_scaling worst_case_weights",
    "curvature": "CHOICES SCHEMES dense forward gradients gram_layers gram_top_eigenvalues layer_curvatures "
    "layer_operator random_net relative_errors slopes to_torch top_eigenvalue torch_loss",
    "data": "digits mnist",
    "environment": "check_environment",
    "exercises.variants": "yours",
    "figures": "show",
    "figures.concentration": "adversary approach coverage mgf rates tail",
    "figures.curvature": "bound_cloud descent error_map layer_shape norm_sizes sharpness step_curve training "
    "variance_flow",
    "figures.kernels": "Paths circle_fit circle_run distances kernel_curve kernel_errors layers learning paths",
    "figures.ldlt": "Differences Singular moment_curve pairings shape_curve singular size_grid spectrum variance_curve",
    "figures.ldlt_training": "Contest Stacks contest depths gain gradient_sizes higgs_rates stacks",
    "figures.perturbation": "Coordinates Runs cloud coordinates cosine losses sigma_sweep variances",
    "figures.sign_flips": "gap_against_width plane tau_tradeoff",
    "figures.taylor": "cloud envelope tightness width_scaling",
    "initial_curvature": "bound_clouds descent error_maps layer_shape mean_interval norm_sizes step_curve train "
    "variance_flow",
    "initializers": "hessian_jacobian_ jacobian_norms",
    "kernels": "arc_cosine circle_fit circle_run descent_operator empirical_kernel even_and_odd expected_movement "
    "kernel_curve kernel_errors kernel_fit layer_study learning_curve limit_kernel linear_fit outputs train "
    "train_three two_digits width_study with_bias",
    "ldlt": "exact_variance limit_variance moment moment_bounds moment_curve moment_polynomial partial_sums "
    "shape_curve simulate size_grid spectrum variance_curve wick_pairings wick_polynomial",
    "ldlt_layer": "LDLT ldlt_matrix",
    "ldlt_training": "OPTIMIZERS Recipe SCALES Setting at_best_rate compare first_gradients gain in_points pooled "
    "rate_curves read_results relabelled stack_variances train",
    "networks": "Init gaussian_init",
    "perturbation": "Local Quadratic SineNet SoftmaxNet TorchLoss cloud cosine_curve cosine_law draws draws_for_cosine "
    "estimate exact_cosine hessian largest_step local measure_variance sigma_sweep total_variance train usable_sigma",
    "progress": "show_progress",
    "sign_flips": "LECTURE_COUNT_CONSTANT bad_sets direct_gap flipped gap_against_width optimal_bad_set_bound "
    "plane_move star_gap tau_tradeoff tight_movement",
    "taylor": "ACTIVATIONS activation integral_remainder power_law_slope proposition_4_1 random_moves tangent_envelope "
    "tangent_gap tightness width_scaling",
    "widgets": "explore",
}


@pytest.fixture(scope="module")
def said():
    """Of each module, what a process says that imports it and its names in both ways."""
    code = f"""
import types
for module, names in {USED!r}.items():
    package, _, name = f"course_utils.{{module}}".rpartition(".")
    try:
        exec(f"from {{package}} import {{name}} as it")
        found = [getattr(it, name) for name in names.split()]
        for name in names.split():
            exec(f"from course_utils.{{module}} import {{name}} as one")
            found.append(one)
        print(module, "modules:", *[one for one in found if isinstance(one, types.ModuleType)])
    except Exception as error:
        print(module, repr(error))
"""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    return dict(line.split(" ", 1) for line in out.splitlines())


@pytest.mark.parametrize("module", USED)
def test_what_a_former_chapter_uses_is_found(said, module):
    assert said[module] == "modules:"


def test_functions_that_answer_otherwise_now_answer_as_they_did():
    import numpy as np
    from course_utils.concentration import clopper_pearson

    from course_utils import ldlt_training
    from course_utils import perturbation as wp
    from course_utils.data import digits

    assert len(digits(train=100).y) == 100 and ldlt_training.read_results().runs

    low, high = clopper_pearson(5, 10, 0.99)
    assert 0 < low < 0.5 < high < 1
    line, start = wp.Quadratic(3.0, np.arange(1.0, 6.0)), np.zeros(5)
    law = wp.total_variance("baseline", line.local(start), sigma=1e-3)
    rng = np.random.default_rng(0)
    measured = wp.measure_variance(line, start, line.g, 1e-3, 1, 2000, rng, "baseline", law)
    assert str(measured.fact("variance / law").decide()).startswith("✓ variance / law: ")
    assert measured.predicted == law and abs(measured.deviation) < 4


def test_what_never_was_is_an_ordinary_error():
    with pytest.raises(ImportError, match="cannot import name 'nothing' from 'course_utils.taylor'"):
        from course_utils.taylor import nothing  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match="No module named 'course_utils.nowhere'"):
        import course_utils.nowhere  # noqa: F401


def test_a_fact_of_a_former_notebook_with_its_interval_still_comes_out():
    """Version 0.1.0: it held wherever the interval allowed it, and `tolerance` is called `margin` now."""
    code = """
from course_utils.claims import at_most, equals
facts = at_most(1.1, 1, "x", interval=(0.9, 1.3)), equals(2, 1.5, "x", interval=(1, 3)), equals(2, 1, "x", tolerance=1)
missed = at_most(1.1, 1, "x", interval=(1.05, 1.2)), equals(2, 0, "x", interval=(1, 3)), equals(2, 0, "x", tolerance=1)
print([fact.decide().outcome for fact in (*facts, *missed)])
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == str(["holds"] * 3 + ["fails"] * 3)


def test_a_claim_of_a_former_notebook_whose_counter_example_is_none_any_more_still_shows_its_facts():
    code = """
from course_utils.claims import at_least, claim
claim("ldlt/higgs", at_least(1, 0, "a fact"), printed=at_least(1, 0, "came out"))
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "a fact" in said.stdout and "came out" not in said.stdout
