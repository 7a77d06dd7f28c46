"""Exercises of Chapter 3, Hoeffding's concentration and Lemma 4.1."""

from math import ceil, erf, log, pi, sqrt

import numpy as np
from scipy import special

from course_utils.exercises import Card, Exercise, Variants, slips
from course_utils.theory.sign_flips import star_gap
from course_utils.theory.worst_case import adversary_gains

# Neither 1, the chapter's own, nor 2, which would make one wrong answer of two: a factor √2 is what some forget anyway.
_SCALES = tuple(n / 20 for n in range(11, 60) if n not in (20, 40))


def exercise_1(c=1):
    """The weights have standard deviation ``c``."""

    def near_zero(t, norm_x):
        return erf(t / (c * norm_x * sqrt(2)))

    slips_with_c = ()
    if c != 1:
        slips_with_c = (
            exercise_1().reference,
            f"This is right for weights of standard deviation 1. Yours have {c}.",
            lambda t, norm_x: near_zero(c**2 * t, norm_x),
            f"Larger weights spread wᵀx out, smaller ones draw it together: divide by {c}.",
            lambda t, norm_x: near_zero(t / c, norm_x),
            f"You have divided by the variance of a weight. Its standard deviation is {c}.",
            lambda t, norm_x: near_zero(sqrt(c) * t, norm_x),
            f"You have taken {c} for the variance of a weight. It is the standard deviation.",
        )
    return Exercise(
        *Card("3.1", "the chance to start near zero", points=1, difficulty=1, minutes=5),
        cases=lambda rng: {"t": round(rng.uniform(0.02, 1.5), 2), "norm_x": round(rng.uniform(0.3, 3), 1)},
        reference=near_zero,
        misconceptions=slips(
            *slips_with_c,
            lambda t, norm_x: erf(t / (c * norm_x)),
            "The error function measures in units of √2: divide by it.",
            lambda t, norm_x: erf(t / (c * sqrt(2))),
            "This is right for ‖x‖ = 1. What is the standard deviation of wᵀx for a longer x?",
            lambda t, norm_x: erf(t * norm_x / (c * sqrt(2))),
            "A longer x spreads wᵀx out, and makes a small value less likely: divide by ‖x‖.",
            lambda t, norm_x: near_zero(t, norm_x) / 2,
            "Half of it: the strip reaches to both sides of zero.",
            lambda t, norm_x: 2 * t / (c * norm_x * sqrt(2 * pi)),
            "This is the bound by the density at zero. The density falls inside the strip: use erf.",
            lambda t, norm_x: erf(t / c),
            "erf is made for a standard deviation of 1/√2, and wᵀx has that of a weight times ‖x‖: divide by both.",
            lambda t, norm_x: (1 + near_zero(t, norm_x)) / 2,
            "This is Pr[wᵀx ≤ t], one-sided. Asked is the strip |wᵀx| ≤ t.",
            lambda t, norm_x: erf(t / (c * norm_x**2 * sqrt(2))),
            "You have divided by ‖x‖², the variance of wᵀx. Its standard deviation is ‖x‖.",
            lambda t, norm_x: erf(t / (c * sqrt(norm_x) * sqrt(2))),
            "The standard deviation of wᵀx is ‖x‖ itself, without a root.",
            lambda t, norm_x: erf(t / (2 * c * norm_x)),
            "The error function measures in units of √2, not 2.",
            lambda t, norm_x: t / (c * norm_x),
            "This is the slides' bound, τ for the chance. The exact chance is smaller: use erf.",
        ),
        after="The dimension d is nowhere in it.",
        variants=Variants(_SCALES, exercise_1, example={"t": 1, "norm_x": 1}),
    )


def _excess(rng):
    m = int(rng.integers(3, 10_000))
    return {"m": m, "t": round(m * rng.uniform(0.01, 0.3), 2), "v": round(rng.uniform(0.01, 0.24), 2)}


def best_s(m, t, v):
    return t / (m * v)


exercise_2 = Exercise(
    *Card("3.2", "choose the best s", points=1, difficulty=2, minutes=5),
    cases=_excess,
    reference=best_s,
    rtol=1e-6,  # a numerical minimiser cannot do better than the root of the rounding error
    misconceptions=slips(
        lambda m, t, v: 4 * t / m,
        "This is Hoeffding's s, for v = 1/4. Here v is known to be smaller: use it.",
        lambda m, t, v: 2 * t / (m * v),
        "Here the exponent is back at 0 and nothing is won. The best s lies half-way.",
        lambda m, t, v: -(t**2) / (2 * m * v),
        "This is the exponent that the best s reaches. Return the s itself.",
        lambda m, t, v: t / v,
        "This is the s for a single term: the bound of step 1 has m of them.",
        lambda m, t, v: m * v / t,
        "Upside down: solve m v s = t for s.",
        lambda m, t, v: np.exp(-(t**2) / (2 * m * v)),
        "This is the bound that the best s gives. Return the s itself.",
        lambda m, t, v: t / np.sqrt(m * v),
        "The derivative of m v s²/2 − s t is m v s − t: no root.",
    ),
    after="The exponent becomes −t²/(2mv): a quarter of the variance quadruples it.",
)


def _count(rng):
    return {
        "m": int(rng.integers(20, 20_000)),
        "tau": round(rng.uniform(0.02, 0.8), 2),
        "delta": round(10 ** rng.uniform(-4, -0.3), 4),
    }


def bernstein_count(m, tau, delta):
    p = erf(tau / sqrt(2))
    log_term = log(1 / delta)
    return m * p + sqrt(2 * m * p * (1 - p) * log_term) + log_term / 3


def _bernstein(m, tau, delta, p=None, spread=lambda m, p: 2 * m * p * (1 - p), last=1 / 3):
    p = erf(tau / sqrt(2)) if p is None else p
    return m * p + sqrt(spread(m, p) * log(1 / delta)) + last * log(1 / delta)


exercise_3 = Exercise(
    *Card("3.3", "the bound that knows the variance", points=3, difficulty=2, minutes=10),
    cases=_count,
    reference=bernstein_count,
    misconceptions=slips(
        lambda m, tau, delta: _bernstein(m, tau, delta, last=0),
        "Right to leading order, but a small sum exceeds it more often than δ. "
        "What does Bernstein add when the sum is small?",
        lambda m, tau, delta: _bernstein(m, tau, delta, p=tau),
        "You have taken τ for the probability. τ only bounds it: use the exact one, erf(τ/√2).",
        lambda m, tau, delta: bernstein_count(m, tau, delta / 2),
        "A little too large everywhere: you have split δ between two sides, and this event has one.",
        lambda m, tau, delta: m * erf(tau / sqrt(2)) + sqrt(m * log(1 / delta) / 2),
        "This is Hoeffding's bound. Bernstein's has the variance under the root, and a second term.",
        lambda m, tau, delta: _bernstein(m, tau, delta, last=2 / 3),
        "Many books print 2L/3, which is true as well and a little larger. The form above has L/3.",
        lambda m, tau, delta: _bernstein(m, tau, delta, spread=lambda m, p: 2 * m * p),
        "You have mp for the variance. That of an indicator is p(1 − p).",
        lambda m, tau, delta: _bernstein(m, tau, delta, spread=lambda m, p: m * p * (1 - p)),
        "There is a 2 under the root: 2 · variance · log(1/δ).",
        lambda m, tau, delta: _bernstein(m, tau, delta, spread=lambda m, p: 2 * p * (1 - p)),
        "You have used the variance of one indicator. That of the sum is m times as large.",
        lambda m, tau, delta: _bernstein(m, tau, delta, p=_DENSITY * tau),
        "You have bounded the probability by the density at zero. Use the exact one, erf(τ/√2).",
        lambda m, tau, delta: m * erf(tau / sqrt(2)),
        "This is the mean. What the count exceeds with probability δ lies above it.",
        lambda m, tau, delta: bernstein_count(m, tau, delta) - m * erf(tau / sqrt(2)),
        "This is the excess over the mean. Asked is the count: add m p.",
        lambda m, tau, delta: ceil(bernstein_count(m, tau, delta)),
        "Do not round: a bound on a count need not be whole.",
    ),
    after="For a rare event the root is about √(2mp log(1/δ)), far below Hoeffding's √(m log(1/δ)/2).",
)


def _budget(rng):
    return {
        "m": int(rng.integers(10, 100_000)),
        "B": round(rng.uniform(0.5, 5), 1),
        "delta": round(10 ** rng.uniform(-4, -0.3), 4),
    }


def kept_constants(m, B, delta):
    density = sqrt(2 / pi)
    flips = 3 / 2 ** (2 / 3) * (density * m * B) ** (2 / 3) + sqrt(m * log(1 / delta) / 2)
    return B * sqrt(flips)


_DENSITY = sqrt(2 / pi)


def _old_tau(m, B, delta):
    tau = (2 * B**2 / m) ** (1 / 3)
    return B * sqrt(_DENSITY * m * tau + B**2 / tau**2 + sqrt(m * log(1 / delta) / 2))


def _kept(m, B, delta, constant=3 / 2 ** (2 / 3), density=_DENSITY, half=0.5):
    return B * sqrt(constant * (density * m * B) ** (2 / 3) + sqrt(m * log(1 / delta) * half))


def _exact_chance(m, B, delta):
    tau = np.geomspace(1e-4, 20, 100_001)
    return B * sqrt((m * special.erf(tau / sqrt(2)) + B**2 / tau**2).min() + sqrt(m * log(1 / delta) / 2))


def _split_root(m, B, delta):
    near = 3 / 2 ** (2 / 3) * (_DENSITY * m * B) ** (2 / 3)
    return B * (sqrt(near) + (m * log(1 / delta) / 2) ** 0.25)


exercise_4 = Exercise(
    *Card("3.4", "the lemma without its roundings", points=3, difficulty=3, minutes=10),
    cases=_budget,
    reference=kept_constants,
    rtol=1e-6,  # a search over a grid of τ is an answer too
    misconceptions=slips(
        lambda m, B, delta: _kept(m, B, delta, constant=2),
        "Your constant is 2 where 3/2^(2/3), about 1.89, belongs: the slide's rounding, or a best τ that lost its 2.",
        lambda m, B, delta: _kept(m, B, delta, density=1),
        "You have bounded the probability by τ. By the density it is at most √(2/π) τ.",
        lambda m, B, delta: _kept(m, B, delta, half=1),
        "Hoeffding's own term is √(m log(1/δ)/2): the half has been rounded away.",
        lambda m, B, delta: (kept_constants(m, B, delta) / B) ** 2,
        "This is the bound on the number of flips. The gap is at most √|S| · B.",
        _old_tau,
        "You have kept the old best τ. With the factor √(2/π) in front of mτ, the best τ moves too.",
        _split_root,
        "You have split the root of a sum into two roots. That is allowed, and rounds.",
        _exact_chance,
        "This is valid, and tighter: you have kept the exact chance erf(τ/√2). Asked is the bound after p ≤ √(2/π) τ.",
        lambda m, B, delta: B * (kept_constants(m, B, delta) / B) ** 2,
        "The root is missing: |S| neurons share a movement of B, and Cauchy–Schwarz gives √|S| · B.",
        lambda m, B, delta: B * sqrt(2 * (m * B) ** (2 / 3) + sqrt(m * log(1 / delta))),
        "These are the slides' roundings, before the root is split. Keep 3/2^(2/3), √(2/π) and Hoeffding's half.",
        lambda m, B, delta: sqrt(2) * m ** (1 / 3) * B ** (4 / 3) + B * (m * log(1 / delta)) ** 0.25,
        "This is Lemma 4.1 as printed, with all its roundings.",
        lambda m, B, delta: kept_constants(m, B, 1.0),
        "The term of chance is missing: √(m log(1/δ)/2), below the root.",
        lambda m, B, delta: kept_constants(m, B, delta / 2),
        "You have split δ between two sides. Too many neurons near zero is the only bad event.",
    ),
    after="At m = 10 000 this takes the lemma's 217 down to 123: nearly half of it was rounding.",
)


def _net_and_budget(rng):
    # Mostly cases where the budget clearly reaches a neuron; where standing still is right stands below.
    while True:
        m, d = rng.choice([3, 5, 7, 60]), rng.integers(1, 4)
        x = rng.normal(size=d)
        if not x.any():
            continue
        case = {
            "W0": np.round(rng.normal(size=(m, d)), 1),
            "x": x / np.linalg.norm(x),
            "a": rng.choice([-1.0, 1.0], size=m),
            "B": round(rng.uniform(0.5, 2.5), 1),
        }
        if adversary_gains(case["W0"] @ case["x"], case["a"], case["B"]).max() > 0.2:
            return case


def worst_move(W0, x, a, B):
    u = W0 @ x
    group = np.flatnonzero(a == 1)
    order = group[np.argsort(np.abs(u[group]))]
    k = np.arange(1, order.size + 1)
    gains = B * np.sqrt(k) - np.cumsum(np.abs(u[order]))
    W = W0.copy()
    # Or `moved = order[:np.argmax(np.append(-1, gains))]`: who does not reach zero flips nobody and loses nothing.
    moved = order[: np.argmax(np.append(0, gains))]  # none, where no neuron is worth its way
    # Or `W[moved] -= B / np.sqrt(moved.size) * np.outer(np.where(u[moved] >= 0, 1, -1), x)`: infinity times no row.
    # Or `W[moved] -= B / np.sqrt(max(moved.size, 0)) * np.outer(np.where(u[moved] >= 0, 1, -1), x)`: likewise.
    W[moved] -= B / np.sqrt(max(moved.size, 1)) * np.outer(np.where(u[moved] >= 0, 1, -1), x)
    return W


def _across_zero(W0, x, moved, B, power=0.5):
    W, u = W0.copy(), W0 @ x
    if not moved.size:
        return W
    W[moved] -= np.outer(B / moved.size**power * np.where(u[moved] >= 0, 1, -1), x)
    return W


def _nearest(W0, x, B, group):
    u = W0 @ x
    order = group[np.argsort(np.abs(u[group]))]
    if not group.size:
        return order
    return order[: np.argmax(adversary_gains(u[group], np.ones(group.size), B))]


def _with_k(W0, x, a, B, more):
    group, u = np.flatnonzero(a > 0), W0 @ x
    order = group[np.argsort(np.abs(u[group]))]
    return _across_zero(W0, x, order[: max(_nearest(W0, x, B, group).size + more, 0)], B)


def _zero_is_off(W0, x, a, B):
    moved = _nearest(W0, x, B, np.flatnonzero(a > 0))
    W, u = W0.copy(), W0 @ x
    if moved.size:
        W[moved] -= np.outer(B / np.sqrt(moved.size) * np.where(u[moved] > 0, 1, -1), x)
    return W


def _is_worst(W, case):
    W0, x, a, B = case["W0"], case["x"], case["a"], case["B"]
    if np.shape(W) != W0.shape:
        return f"W has shape {np.shape(W)}, W0 has shape {W0.shape}: they must be the same."
    length = np.linalg.norm(W - W0)
    if length > B * (1 + 1e-5):
        return f"Your W lies at distance {length:.6g} from W0; the budget is B = {B:.6g}."
    gap, best = star_gap(W0, W, x, a), adversary_gains(W0 @ x, a, B).max()
    if gap < best * (1 - 1e-5):
        return f"Within the budget, your f − f0 is {gap:.6g}; {best:.6g} is possible."
    return None


exercise_5 = Exercise(
    *Card("3.5", "the worst move", points=4, difficulty=4, minutes=15),
    cases=_net_and_budget,
    reference=worst_move,
    property=_is_worst,
    edge_cases=(
        {"W0": np.array([[0.0], [2.0], [1.0]]), "x": np.array([1.0]), "a": np.array([1.0, 1.0, -1.0]), "B": 1.0},
        # Standing still is right: no neuron with a = +1, and one that is too far away.
        {"W0": np.array([[0.3], [-0.5]]), "x": np.array([1.0]), "a": np.array([-1.0, -1.0]), "B": 1.0},
        {"W0": np.array([[2.0], [0.1]]), "x": np.array([1.0]), "a": np.array([1.0, -1.0]), "B": 0.5},
    ),
    misconceptions=slips(
        lambda W0, x, a, B: _across_zero(W0, x, _nearest(W0, x, B, np.arange(a.size)), B),
        "You have moved the nearest neurons of either sign. Those with a = −1 take away what the others gain.",
        lambda W0, x, a, B: _across_zero(W0, x, np.flatnonzero(a > 0), B),
        "You have moved every neuron with a = 1. Some are too far away to pay: choose the best number k.",
        lambda W0, x, a, B: _across_zero(W0, x, _nearest(W0, x, B, np.flatnonzero(a > 0)), B, power=0),
        "Every moved row has moved by B, so that together they exceed it. Squared lengths add up to B².",
        lambda W0, x, a, B: _across_zero(W0, x, _nearest(W0, x, B, np.flatnonzero(a > 0)), B, power=1),
        "Lengths add in squares: k rows can move by B/√k each, which is more than B/k.",
        _zero_is_off,
        "Right except for a neuron at exactly zero: it counts as on, so push it against x.",
        lambda W0, x, a, B: worst_move(W0, x, a, B) - W0,
        "This is the move, W − W0. Add W0.",
        lambda W0, x, a, B: _across_zero(W0, x, _nearest(W0, x, B, np.flatnonzero(a > 0)), -B),
        "You have moved away from zero, so that nothing flips and f stays equal to f0.",
        lambda W0, x, a, B: _with_k(W0, x, a, B, 1),
        "One neuron too many has moved: count k from 1 in the gain, and in the slice.",
        lambda W0, x, a, B: _with_k(W0, x, a, B, -1),
        "One neuron too few has moved: the index of the largest gain is k − 1.",
        lambda W0, x, a, B: _across_zero(W0, x, _nearest(W0, x, B, np.flatnonzero(a < 0)), B),
        "You have moved the neurons with a = −1, which makes f − f0 as small as it can be. Asked is the largest.",
    ),
    after="No W in the ball does better, and finding it took one sort.",
)


def _width_question(rng):
    # An answer next to a whole number would hang on the order in which a student multiplies.
    while True:
        case = {
            "c": round(rng.uniform(0.3, 1.5), 2),
            "B": round(rng.uniform(0.5, 2), 1),
            "eps": round(rng.uniform(0.1, 0.6), 2),
        }
        exact = (case["c"] * case["B"] ** (4 / 3) / case["eps"]) ** 6
        # Small enough for a student who counts upwards from 1.
        if 1 < exact < 20_000 and 0.01 < exact % 1 < 0.99:
            return case


def exercise_6(k=1):
    """Neurons come in blocks of ``k``."""

    def relu_width(c, B, eps):
        return k * ceil((c * B ** (4 / 3) / eps) ** 6 / k)

    block, nearest = ("neuron", "whole number") if k == 1 else ("block", "block")
    slips_with_k = ()
    if k != 1:
        slips_with_k = (
            exercise_6().reference,
            f"Enough neurons, but they come in blocks of {k}: round up to whole blocks.",
            lambda c, B, eps: relu_width(c, B, eps) // k,
            f"This is the number of blocks. Return the number of neurons, {k} in each.",
        )
    else:  # with blocks, no exact number of them is met in the cases
        slips_with_k = (
            lambda c, B, eps: int((c * B ** (4 / 3) / eps) ** 6) + 1,
            "Right unless the law gives a whole number, which is then wide enough: round up with a ceiling.",
            lambda c, B, eps: ceil(c * B ** (4 / 3) / eps),
            "m^(1/3)/√m is m^(−1/6), not 1/m: the sixth power of the ratio is needed.",
            lambda c, B, eps: ceil((eps / (c * B ** (4 / 3))) ** 6),
            "Upside down: a smaller eps needs more neurons.",
        )
    return Exercise(
        *Card("3.6", "how wide is wide enough, for ReLU?", points=2, difficulty=2, minutes=5),
        cases=_width_question,
        reference=relu_width,
        whole=True,
        # 64 and 1 exactly, however it is multiplied: the law is met with equality.
        edge_cases=({"c": 2.0, "B": 1.0, "eps": 1.0}, {"c": 3.0, "B": 1.0, "eps": 3.0}),
        misconceptions=slips(
            *slips_with_k,
            lambda c, B, eps: k * ceil((c * B ** (4 / 3) / eps) ** 3 / k),
            "The cube belongs to a rate of m^(−1/3). With the factor 1/√m the gap falls as m^(1/3 − 1/2).",
            lambda c, B, eps: k * ceil((c * B ** (4 / 3) / eps) ** 2 / k),
            "This is the rate m^(−1/2) of a smooth activation. ReLU's worst case falls as m^(−1/6).",
            lambda c, B, eps: k * int((c * B ** (4 / 3) / eps) ** 6 / k),
            f"One {block} too few: the gap has to be at most eps, so round up.",
            lambda c, B, eps: k * round((c * B ** (4 / 3) / eps) ** 6 / k),
            f"You have rounded to the nearest {nearest}, which is sometimes too small: always round up.",
            lambda c, B, eps: k * ceil((c * B / eps) ** 6 / k),
            "The movement enters as B^(4/3), so as B⁸ in the end.",
            lambda c, B, eps: k * ceil(c * (B ** (4 / 3) / eps) ** 6 / k),
            "c is inside the sixth power, with all the rest.",
        ),
        after="Half the error costs 2⁶ times the neurons; a smooth activation asks for four times as many.",
        variants=Variants(range(3, 43), exercise_6, example={"c": 0.438, "B": 1, "eps": 0.1}),
    )


EXERCISES = (exercise_1(), exercise_2, exercise_3, exercise_4, exercise_5, exercise_6())
