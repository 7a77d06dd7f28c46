"""Chapter 1's experiments: no move beats the bound, and none costs the memory of a matrix."""

import numpy as np
import pytest

from course_utils.experiments import taylor as experiment
from course_utils.theory import activations, statistics
from course_utils.theory.activations import ACTIVATIONS, activation
from course_utils.theory.networks import gaussian_init
from course_utils.theory.taylor import tangent_gap


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_no_random_move_beats_proposition_4_1(name):
    cloud = experiment.random_moves(activation(name), m=50, d=4, moves=300, rng=np.random.default_rng(1))
    assert (cloud.gap <= cloud.bound * (1 + 1e-12)).all()
    assert set(cloud.kind) == {0, 1, 2}


def test_the_random_move_has_the_law_of_the_plain_one():
    """The experiment never draws an (m, d) matrix; its gaps must be distributed as if it did.

    Two-sample Kolmogorov-Smirnov at a false-alarm rate of 1e-3, once, with fixed generators.
    """
    from scipy.stats import ks_2samp

    tanh, m, d, B = activation("tanh"), 64, 3, 4.0
    rng = np.random.default_rng(3)
    fast = experiment.width_scaling(tanh, [m], B, d, 3000, rng).random[:, 0]
    plain = []
    for _ in range(3000):
        W0, a = gaussian_init(m, d, rng)
        D = rng.standard_normal((m, d))
        D *= B / np.linalg.norm(D)
        x = np.array([1.0, 0, 0])
        plain.append(abs(a @ tangent_gap(tanh, (W0 + D) @ x, W0 @ x)) / np.sqrt(m))
    assert ks_2samp(fast, plain).pvalue > 1e-3


def test_with_one_input_coordinate_all_of_the_move_is_along_it():
    """For σ(z) = z² and d = 1 the gap is |Σ a_i δ_i²|/√m, at most B²/√m."""
    square = activations.Activation("square", np.square, lambda z: 2 * z, lambda z: 2 + 0 * z, 2.0, 0.0)
    alone = experiment.width_scaling(square, [1], 3.0, 1, 5, np.random.default_rng(4))
    assert alone.random == pytest.approx(9.0, rel=1e-9)


def test_both_rates_in_the_width():
    """Claim lecture/width-scaling-smooth on a smaller run; interval at 99 %, fixed generator."""
    scaling = experiment.width_scaling(
        activation("tanh"), [300, 3000, 30_000], B=1.0, d=5, networks=40, rng=np.random.default_rng(5)
    )
    assert (scaling.worst <= scaling.bound * (1 + 1e-12)).all()
    worst = statistics.power_law_slope(scaling.widths, scaling.worst)
    random = statistics.power_law_slope(scaling.widths, scaling.random)
    assert worst.value == pytest.approx(-0.5, abs=0.01)
    assert random.low <= -1 <= random.high
    # The median of 40 absolute normal draws has a relative standard deviation of 0.19.
    assert np.median(scaling.random, axis=0) / scaling.random_median == pytest.approx(1, abs=0.6)


def test_peak_memory_does_not_depend_on_the_dimension():
    """Bar of the chapter: at width 10⁶ the experiment holds some rows of numbers, never the (m, d) matrix."""
    import tracemalloc

    tracemalloc.start()
    experiment.width_scaling(activation("tanh"), [1_000_000], B=1.0, d=50, networks=1, rng=np.random.default_rng(6))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 8 * 1_000_000


def test_the_largest_share_of_the_envelope_is_one_for_a_parabola_and_less_across_a_kink():
    huber = activations.ONCE_DIFFERENTIABLE["Huber"]
    assert experiment.largest_share(huber, np.array([-1.0, 0.0, 1.0])) == 1
    assert experiment.largest_share(huber, np.array([0.5, 1.5])) == 0.75
    with pytest.raises(ValueError, match="two different points"):
        experiment.largest_share(huber, np.array([2.0, 2.0]))
