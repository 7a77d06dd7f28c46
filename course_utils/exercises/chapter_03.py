"""Exercises of Chapter 3, Hoeffding's concentration and Lemma 4.1."""

from math import erf, log, pi, sqrt

import numpy as np
from scipy import special

from course_utils.exercises import Card, Exercise, Prediction, Variants, Written, proof, slips
from course_utils.theory.sign_flips import star
from course_utils.theory.worst_case import worst_case_gap

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
        *Card("3.1", "the chance to start near zero", points=2, difficulty=1, minutes=5),
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
    *Card("3.2", "choose the best s", points=2, difficulty=2, minutes=5),
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
        "This is the s for a single term: the sum has m of them.",
        lambda m, t, v: m * v / t,
        "Upside down: solve m v s = t for s.",
        lambda m, t, v: np.exp(-(t**2) / (2 * m * v)),
        "This is the bound that the best s gives. Return the s itself.",
        lambda m, t, v: t / np.sqrt(m * v),
        "The derivative of m v s²/2 − s t is m v s − t: no root.",
    ),
    after="The exponent becomes −t²/(2mv): a quarter of the variance quadruples it.",
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
    *Card("3.4", "the lemma without its roundings", points=4, difficulty=3, minutes=9),
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


def _some_nearest(rng):
    m = int(rng.integers(1, 9))
    return {"k": int(rng.integers(1, m + 1)), "u": rng.normal(size=m), "B": round(rng.uniform(0.3, 4), 1)}


def gain(k, u, B):
    return B * np.sqrt(k) - np.sort(np.abs(u))[:k].sum()


def _nearest_sum(k, u):
    return np.sort(np.abs(u))[:k].sum()


exercise_7 = Exercise(
    *Card("3.7", "build, stage 1: what k neurons gain", points=3, difficulty=2, minutes=6),
    kind="build",
    cases=_some_nearest,
    reference=gain,
    edge_cases=({"k": 2, "u": np.array([3.0, -0.5, 0.2]), "B": 2.0}, {"k": 2, "u": np.array([1.0, -2.0]), "B": 3.0}),
    misconceptions=slips(
        lambda k, u, B: B - _nearest_sum(k, u),
        "Lengths add up in squares: k moves of λ cost √k λ, so that each of them may be B/√k, more than B/k.",
        lambda k, u, B: B * k - _nearest_sum(k, u),
        "Each of your k neurons has moved by B, which costs B√k together. Squared lengths add up to B².",
        lambda k, u, B: B * np.sqrt(k) - np.abs(u)[:k].sum(),
        "You have taken the first k of the list. Take the k nearest to zero: sort their distances.",
        lambda k, u, B: B * np.sqrt(k) - np.sort(u)[:k].sum(),
        "A neuron that is off has a negative u. Sort the distances |u|, not u.",
        lambda k, u, B: np.maximum(B / np.sqrt(k) - np.sort(np.abs(u))[:k], 0).sum(),
        "You have counted who stops short of zero as 0. Here it counts with a minus, as wasted way.",
        lambda k, u, B: B * np.sqrt(k),
        "This is how far all of them move together. Only what lies beyond zero is gained: take off the way there.",
        lambda k, u, B: B * np.sqrt(k) - _nearest_sum(k + 1, u),
        "You have taken off the way of one neuron too many: a slice [:k] holds k.",
        lambda k, u, B: B * np.sqrt(k) - _nearest_sum(k - 1, u),
        "You have taken off the way of one neuron too few: a slice [:k] holds k.",
        lambda k, u, B: B * np.sqrt(k) - np.sort(np.abs(u))[::-1][:k].sum(),
        "These are the k farthest. `np.sort` begins with the smallest.",
        lambda k, u, B: B / np.sqrt(k) - _nearest_sum(k, u),
        "B/√k is the move of one neuron. There are k of them.",
        lambda k, u, B: B * np.sqrt(k) - np.sqrt((np.sort(np.abs(u))[:k] ** 2).sum()),
        "The ways to zero add up as they are; only the budget is counted in squares.",
        lambda k, u, B: B * np.sqrt(k) - np.sort(np.abs(u))[k - 1],
        "You have taken off the way of the last one only. Each of the k has to walk to zero.",
    ),
    after="The first term grows as √k, the second faster than k: somewhere in between lies the best k.",
)


def _layer(rng):
    m = int(rng.integers(1, 12))
    return {"u": rng.normal(size=m), "a": rng.choice([-1.0, 1.0], size=m), "B": round(rng.uniform(0.2, 3), 1)}


def worst_gain(u, a, B):
    gains = [0.0]  # who stands still
    for sign in (1, -1):
        # Or `distances = np.sort(np.abs(u[a != sign]))`: each sign has its turn.
        distances = np.sort(np.abs(u[a == sign]))
        k = np.arange(1, distances.size + 1)
        gains.extend(B * np.sqrt(k) - np.cumsum(distances))
    return max(gains)


def _gains(distances, B, start=1):
    distances = np.sort(distances)
    return B * np.sqrt(np.arange(start, distances.size + start)) - np.cumsum(distances)


def _of_sign(u, a, B, sign=1):
    return float(_gains(np.abs(u[a == sign]), B).max(initial=0))


def _no_standing_still(u, a, B):
    return float(max(_gains(np.abs(u[a == sign]), B).max() for sign in (1, -1) if (a == sign).any()))


def _number_moved(u, a, B):
    best, number = 0.0, 0
    for sign in (1, -1):
        gains = _gains(np.abs(u[a == sign]), B)
        if gains.max(initial=0) > best:
            best, number = gains.max(), int(gains.argmax()) + 1
    return number


def _wide_layer(m=200_000):
    rng = np.random.default_rng(3)
    return {"u": rng.standard_normal(m), "a": 2.0 * rng.integers(0, 2, m) - 1, "B": 3.0}


exercise_8 = Exercise(
    *Card("3.8", "build, stage 2: the best k", points=3, difficulty=3, minutes=7),
    kind="build",
    cases=_layer,
    reference=worst_gain,
    edge_cases=(
        {"u": np.array([2.0, 0.3, -0.4]), "a": np.array([1.0, -1.0, -1.0]), "B": 1.0},
        {"u": np.array([0.2, -0.1, 0.9]), "a": np.array([1.0, 1.0, -1.0]), "B": 1.0},
        {"u": np.array([2.0, -3.0]), "a": np.array([1.0, -1.0]), "B": 0.5},  # nobody can be reached
        _wide_layer(),
    ),
    misconceptions=slips(
        _of_sign,
        "Right where the neurons with a = 1 are the better ones. |f − f0| is also large where f − f0 is very negative.",
        lambda u, a, B: _of_sign(u, a, B, -1),
        "Right where the neurons with a = −1 are the better ones. Try the other sign as well.",
        lambda u, a, B: float(_gains(np.abs(u), B).max(initial=0)),
        "You have moved neurons of both signs together. What those with a = −1 add, the others lose.",
        lambda u, a, B: _of_sign(u, a, B) + _of_sign(u, a, B, -1),
        "You have spent the budget twice, once for each sign. Take the better of the two.",
        _no_standing_still,
        "Where not even the nearest is worth its way, the adversary stands still and gains 0.",
        _number_moved,
        "This is how many neurons move. Return what they gain.",
        lambda u, a, B: max(max(_gains(np.abs(u[a == s]), B, start=0).max(initial=0) for s in (1, -1)), 0.0),
        "One neuron's way is taken off too many: count k from 1, not from 0.",
        lambda u, a, B: max(0.0, *(B - np.abs(u[a == s]).min(initial=np.inf) for s in (1, -1))),
        "You have spent everything on the nearest neuron. Several together may move farther: B√k.",
        lambda u, a, B: max(0.0, *(gain((a == s).sum(), u[a == s], B) for s in (1, -1))),
        "You have moved all neurons of a sign. Those far from zero cost more than they bring: try every k.",
        lambda u, a, B: max(
            max((B * np.sqrt(np.arange(1, (a == s).sum() + 1)) - np.cumsum(np.abs(u[a == s]))).max(initial=0), 0.0)
            for s in (1, -1)
        ),
        "The running sum goes along the list as it was given. Sort the distances first.",
    ),
    after="One sort and one running sum: this is the exact maximum over a ball in millions of dimensions.",
)


def _net_and_budget(rng):
    # Mostly cases where the budget clearly reaches a neuron; where standing still is right stands below.
    while True:
        m, d = rng.choice([3, 5, 7, 60]), rng.integers(1, 4)
        x = rng.normal(size=d)
        if not x.any():
            continue
        x = x / np.linalg.norm(x)
        W0, a = rng.normal(size=(m, d)), rng.choice([-1.0, 1.0], size=m)  # rounded they would tie
        B = round(rng.uniform(0.5, 2.5), 1)
        if worst_gain(W0 @ x, a, B) > 0.2:
            return {"W0": W0, "x": x, "a": a, "B": B}


def worst_weights(W0, x, a, B):
    u = W0 @ x
    groups = [np.flatnonzero(a == 1), np.flatnonzero(a == -1)]
    up, down = (worst_gain(u[group], a[group], B) for group in groups)
    # Or `group = groups[0] if up > down else groups[1]`: either is right where both gain as much.
    group = groups[0] if up >= down else groups[1]
    order = group[np.argsort(np.abs(u[group]))]
    k = np.arange(1, order.size + 1)
    gains = B * np.sqrt(k) - np.cumsum(np.abs(u[order]))
    # Or `moved = order[:np.argmax(np.append(-1, gains))]`: who does not reach zero flips nobody and loses nothing.
    moved = order[: np.argmax(np.append(0, gains))]  # none, where no neuron is worth its way
    W = W0.copy()
    # Or `W[moved] -= B / np.sqrt(moved.size) * np.outer(np.where(u[moved] >= 0, 1, -1), x)`: infinity times no row.
    # Or `W[moved] -= B / np.sqrt(max(moved.size, 0)) * np.outer(np.where(u[moved] >= 0, 1, -1), x)`: likewise.
    W[moved] -= B / np.sqrt(max(moved.size, 1)) * np.outer(np.where(u[moved] >= 0, 1, -1), x)
    return W


def _better_sign(u, a, B):
    return 1 if _of_sign(u, a, B) >= _of_sign(u, a, B, -1) else -1


def _across_zero(W0, x, a, B, power=0.5, more=0, sign=None, on=np.greater_equal, group=None):
    """The worst move, with something of it changed."""
    u = W0 @ x
    group = np.flatnonzero(a == (sign or _better_sign(u, a, B))) if group is None else group
    order = group[np.argsort(np.abs(u[group]), kind="stable")]
    gains = np.append(0, _gains(np.abs(u[order]), B))
    moved = order[: max(int(np.argmax(gains)) + more, 0)]
    W = W0.copy()
    if moved.size:
        W[moved] -= np.outer(B / moved.size**power * np.where(on(u[moved], 0), 1, -1), x)
    return W


def _whole_group(W0, x, a, B):
    u = W0 @ x
    group = np.flatnonzero(a == _better_sign(u, a, B))
    W = W0.copy()
    W[group] -= np.outer(B / np.sqrt(max(group.size, 1)) * np.where(u[group] >= 0, 1, -1), x)
    return W


def _is_worst(W, case):
    W0, x, a, B = case["W0"], case["x"], case["a"], case["B"]
    if np.shape(W) != W0.shape:
        return f"W has shape {np.shape(W)}, W0 has shape {W0.shape}: they must be the same."
    length = np.linalg.norm(W - W0)
    if length > B * (1 + 1e-5):
        return f"Your W lies at distance {length:.6g} from W0; the budget is B = {B:.6g}."
    before, after = W0 @ x, W @ x
    # A sum that is zero in one order of its terms is 1e-17 in another: such a neuron may have started on either side.
    unsure = (np.abs(before) < 1e-12) & W0.any(axis=1)
    settled = np.where(unsure, 0, before)
    terms = [a * after * ((after >= 0).astype(float) - on) for on in (settled >= 0, settled > 0)]
    sure = star(before[~unsure], after[~unsure], a[~unsure])
    either = [sure + np.sort(np.array(terms)[:, unsure], axis=0)[place].sum() for place in (0, 1)]
    gap, best = np.abs(either).max(), worst_case_gap(before, a, B).gap
    if gap < best * (1 - 1e-5):
        return f"Within the budget, your |f − f0| is {gap:.6g}; {best:.6g} is possible."
    return None


exercise_5 = Exercise(
    *Card("3.5", "build, stage 3: the worst weights", points=4, difficulty=4, minutes=9),
    kind="build",
    cases=_net_and_budget,
    reference=worst_weights,
    property=_is_worst,
    edge_cases=(
        {"W0": np.array([[0.0], [2.0], [1.0]]), "x": np.array([1.0]), "a": np.array([1.0, 1.0, -1.0]), "B": 1.0},
        {"W0": np.array([[1.0], [-2.0]]), "x": np.array([1.0]), "a": np.array([1.0, 1.0]), "B": 3.0},
        # Only one sign is there, or standing still is right.
        {"W0": np.array([[0.3], [-0.5]]), "x": np.array([1.0]), "a": np.array([-1.0, -1.0]), "B": 1.0},
        {"W0": np.array([[0.3], [-0.5]]), "x": np.array([1.0]), "a": np.array([1.0, 1.0]), "B": 1.0},
        {"W0": np.array([[2.0], [0.8]]), "x": np.array([1.0]), "a": np.array([1.0, -1.0]), "B": 0.5},
        # Zero or 1e-17, as the sum is taken.
        {"W0": np.array([[0.6, -0.8], [1.0, 2.0]]), "x": np.array([0.8, 0.6]), "a": np.array([1.0, -1.0]), "B": 1.0},
    ),
    misconceptions=slips(
        lambda W0, x, a, B: _across_zero(W0, x, a, B, sign=1),
        "Right where neurons with a = 1 are the better ones. Push f − f0 down where that takes it farther.",
        lambda W0, x, a, B: _across_zero(W0, x, a, B, sign=-1),
        "Right where neurons with a = −1 are the better ones. Push f − f0 up where that takes it farther.",
        lambda W0, x, a, B: _across_zero(W0, x, a, B, sign=-_better_sign(W0 @ x, a, B)),
        "You have moved the neurons of the worse sign.",
        lambda W0, x, a, B: _across_zero(W0, x, a, B, group=np.arange(a.size)),
        "You have moved the nearest neurons of either sign. What those with a = −1 add, the others lose.",
        _whole_group,
        "You have moved every neuron of a sign. Some are too far away to pay: choose the best number k.",
        lambda W0, x, a, B: _across_zero(W0, x, a, B, power=0),
        "Every moved row has moved by B, so that together they exceed it. Squared lengths add up to B².",
        lambda W0, x, a, B: _across_zero(W0, x, a, B, power=1),
        "Lengths add in squares: k rows can move by B/√k each, which is more than B/k.",
        lambda W0, x, a, B: _across_zero(W0, x, a, B, on=np.greater),
        "Right except for a neuron at exactly zero: it counts as on, so push it against x.",
        lambda W0, x, a, B: worst_weights(W0, x, a, B) - W0,
        "This is the move, W − W0. Add W0.",
        lambda W0, x, a, B: 2 * W0 - worst_weights(W0, x, a, B),
        "You have moved away from zero, so that nothing flips and f stays equal to f0.",
        lambda W0, x, a, B: _across_zero(W0, x, a, B, more=1),
        "One neuron too many has moved: count k from 1 in the gain, and in the slice.",
        lambda W0, x, a, B: _across_zero(W0, x, a, B, more=-1),
        "One neuron too few has moved: the index of the largest gain is k − 1.",
    ),
    after="No W in the ball does better, and finding it took one sort.",
)


exercise_9 = proof(
    *Card("3.9", "Lemma 4.1 from its lines", points=5, difficulty=3, minutes=10),
    lines={
        "D": (
            r"$\lvert f - f_0\rvert \le \sum_{i \in S}\lVert w_i - w_{0,i}\rVert$, where $S = S_1 \cup S_2$ holds all "
            "neurons that flip",
            "",
        ),
        "H": (
            r"$\sum_{i \in S}\lVert w_i - w_{0,i}\rVert \le \sqrt{\lvert S\rvert}\,B$, so that "
            r"$\lvert f - f_0\rvert \le \sqrt{\lvert S\rvert}\,B$",
            "D",
        ),
        "A": (r"$\lvert S\rvert \le \lvert S_1\rvert + \lvert S_2\rvert$", ""),
        "G": (r"$\lvert S_2\rvert \le B^2/\tau^2$", ""),
        "C": (r"with probability $1 - \delta$, for all $W$ at once: $\lvert S_1\rvert \le m\tau + \sqrt{mL}$", ""),
        "I": (r"at $\tau = (2B^2/m)^{1/3}$: $\lvert S\rvert \le 2\,m^{2/3}B^{2/3} + \sqrt{mL}$", "A G C"),
        "E": (
            r"$\lvert f - f_0\rvert \le m^{1/3}\big(\sqrt2\,B^{4/3} + L^{1/4}B\big)$, as "
            r"$\sqrt m \le m^{2/3}$ and $\sqrt{b + c} \le \sqrt b + \sqrt c$",
            "H I",
        ),
    },
    flaws={
        "B": (
            r"$\sum_{i \in S}\lVert w_i - w_{0,i}\rVert \le \lvert S\rvert\,B$, so that "
            r"$\lvert f - f_0\rvert \le \lvert S\rvert\,B$",
            "True, and too weak: Cauchy–Schwarz gives the root, as |S| numbers whose squares sum to at most B² sum to "
            "at most √|S| B. With |S| in place of its root the bound grows as m^(2/3).",
        ),
        "F": (
            r"with probability $1 - \delta$, for each $W$ separately: $\lvert S\rvert \le m\tau + \sqrt{mL}$",
            "S depends on W, and an adversary chooses W after seeing W₀. Which of the two sets is fixed before?",
        ),
        "J": (
            r"$\lvert f - f_0\rvert \le \sqrt m\,\lVert W\rVert_F$, by (★) and Cauchy–Schwarz",
            "True, and of no use: it does not know B. This is what the slide's “plug this into (★)” would leave.",
        ),
    },
    goal="E",
    missing={
        "G": "The bound on |S| needs one on |S₂|, which nothing above it gives.",
        "C": "The bound on |S| needs one on |S₁|, which nothing above it gives: that is Lemma 4.2.",
        "D": "Why do the moves of the neurons in S bound f − f₀ at all? Somebody has to say so first.",
        "A": "What is known of S₁ and of S₂ says something of S only when S is tied to them.",
        "H": "A bound on |S| is not yet one on f − f₀: what is the gap of |S| neurons at most?",
        "I": "The gap is bounded by |S|, and how large |S| is, at the best τ, nothing above it says.",
    },
    after="All chance sits in one line, which does not know W: hence “for every W”.",
)


exercise_10 = proof(
    *Card("3.10", "Hoeffding from one exponential", points=4, difficulty=3, minutes=8),
    lines={
        "F": (r"for $s > 0$: $\Pr[X \ge t] = \Pr[e^{sX} \ge e^{st}] \le e^{-st}\,\mathbb E\,e^{sX}$, by Markov", ""),
        "B": (r"$\mathbb E\,e^{sX} = \big(\mathbb E\,e^{s(P - p)}\big)^m = e^{m\psi(s)}$, by independence", ""),
        "H": (r"$\psi(0) = \psi'(0) = 0$", ""),
        "D": (r"$\psi''(s) = q(1 - q)$ with $q = \dfrac{pe^s}{1 - p + pe^s}$, so that $\psi''(s) \le \tfrac14$", ""),
        "A": (r"$\psi(s) \le s^2/8$, by Taylor's theorem", "H D"),
        "G": (r"$\Pr[X \ge t] \le e^{ms^2/8 - st}$", "F B A"),
        "C": (
            r"at $s = 4t/m$, and then $t = \sqrt{mL/2}$: $\Pr\big[X \ge \sqrt{mL/2}\,\big] \le e^{-2t^2/m} = \delta$",
            "G",
        ),
    },
    flaws={
        "E": (
            r"$\mathbb E\,e^{sX} = m\,\mathbb E\,e^{s(P - p)}$, as expectations add up",
            "The exponential of a sum is a product, and the mean of a product of independent factors is the product of "
            "their means: a power m, not a factor.",
        ),
        "I": (
            r"$\psi''(s) \le p(1 - p)$, the variance of $P$",
            "Only at s = 0. The exponential tilts p to q, and q(1 − q) may be larger than p(1 − p): for p = 0.04 it "
            "reaches ¼ at s = 3.2.",
        ),
        "J": (
            r"$\Pr[X \ge t] \le mp(1 - p)/t^2$, by Chebyshev",
            "True, and not needed: it falls as 1/t² only, so that δ = 0.0001 would cost a factor √(1/δ) = 100.",
        ),
    },
    goal="C",
    missing={
        "H": "A bound on ψ'' bounds ψ only when its value and slope at some point are known.",
        "D": "s²/8 comes from a bound on ψ'', which nothing above it gives.",
        "A": "Where does s²/8 come from? Nothing above it says so.",
        "F": "How does an exponential come to bound a probability? Nothing above it says so.",
        "B": "X is a sum of m terms, ψ belongs to one: what ties them together?",
        "G": "The best s minimises a bound that does not stand above it yet.",
    },
    after="Independence was used once, and of P only that it lies in [0, 1].",
)


def loss_gradient(W, X, y, a):
    Z = X @ W.T
    error = np.maximum(Z, 0) @ a / np.sqrt(len(a)) - y
    # Or `gate = Z >= 0`: no input puts a neuron exactly at its kink.
    gate = Z > 0
    return (gate * np.outer(error, a)).T @ X / (len(y) * np.sqrt(len(a)))


def _training(rng):
    n, m, d = int(rng.integers(1, 4)), int(rng.integers(1, 6)), int(rng.integers(1, 4))
    return {
        "W": rng.normal(size=(m, d)),
        "X": rng.normal(size=(n, d)),
        "y": np.round(rng.uniform(-2, 2, size=n), 1),
        "a": rng.choice([-1.0, 1.0], size=m),
    }


def _off_kinks(W, X, **_):
    return np.abs(X @ W.T).min() > 1e-6


def _gradient(W, X, y, a, inside=1.0, outside=1.0, gate=None, signs=None, targets=1.0):
    """The gradient, with one of its factors changed."""
    root, Z = np.sqrt(len(a)), X @ W.T
    error = np.maximum(Z, 0) @ a / root * inside - targets * y
    gate = Z > 0 if gate is None else gate
    return outside * (gate * np.outer(error, a if signs is None else signs)).T @ X / (len(y) * root)


exercise_11 = Exercise(
    *Card("3.11", "build, stage 1: the gradient", points=3, difficulty=3, minutes=7),
    kind="build",
    cases=_training,
    reference=loss_gradient,
    allows=_off_kinks,
    rtol=1e-6,  # differences with a small step are an answer too, slow as they are
    atol=1e-8,
    misconceptions=slips(
        lambda W, X, y, a: _gradient(W, X, y, a, outside=np.sqrt(len(a))),
        "The factor 1/√m of f is missing once: f has it, and so has its derivative.",
        lambda W, X, y, a: _gradient(W, X, y, a, inside=np.sqrt(len(a)), outside=np.sqrt(len(a))),
        "The factor 1/√m is missing: f = m^(−1/2) Σ aᵢ max(wᵢᵀx, 0).",
        lambda W, X, y, a: _gradient(W, X, y, a, inside=np.sqrt(len(a))),
        "Your f, inside the error, has no factor 1/√m.",
        lambda W, X, y, a: _gradient(W, X, y, a, outside=len(y)),
        "You have summed over the inputs. The loss is a mean: divide by n.",
        lambda W, X, y, a: _gradient(W, X, y, a, outside=2),
        "Twice too large: the ½ of the loss cancels the 2 of the square.",
        lambda W, X, y, a: _gradient(W, X, y, a, gate=1.0),
        "You have differentiated as if every neuron were on. One that is off passes nothing back.",
        lambda W, X, y, a: _gradient(W, X, y, a, gate=np.maximum(X @ W.T, 0)),
        "The slope of the ReLU is 0 or 1, not its value.",
        lambda W, X, y, a: _gradient(W, X, y, a, signs=np.ones(len(a))),
        "The second layer is missing from the derivative: each row has its factor aᵢ.",
        lambda W, X, y, a: _gradient(W, X, y, a, targets=0),
        "The targets are missing: the error is f − y.",
        lambda W, X, y, a: _gradient(W, X, y, a, targets=-1),
        "The error is f − y, not f + y.",
        lambda W, X, y, a: _gradient(W, X, y, a, outside=-1),
        "This is the direction in which descent goes. The gradient points uphill.",
    ),
    after="A neuron that is off for an input does not feel it: remember this when it comes to whom training wakes.",
)


def descend(W, X, y, a, steps, eta):
    for _ in range(steps):
        W = W - eta * loss_gradient(W, X, y, a)
    return W


def _training_steps(rng):
    return {**_training(rng), "steps": int(rng.integers(1, 5)), "eta": round(rng.uniform(0.1, 1.5), 1)}


def _path(W, X, y, a, steps, eta):
    return [descend(W, X, y, a, done, eta) for done in range(steps + 1)]


def _path_off_kinks(W, X, y, a, steps, eta):
    return all(_off_kinks(at, X) for at in _path(W, X, y, a, steps, eta))


def _frozen_gradient(W, X, y, a, steps, eta):
    return W - steps * eta * loss_gradient(W, X, y, a)


def _one_by_one(W, X, y, a, steps, eta):
    for _ in range(steps):
        for j in range(len(y)):
            W = W - eta * loss_gradient(W, X[j : j + 1], y[j : j + 1], a)
    return W


exercise_12 = Exercise(
    *Card("3.12", "build, stage 2: descend", points=3, difficulty=2, minutes=6),
    kind="build",
    cases=_training_steps,
    reference=descend,
    edge_cases=tuple(
        {"W": np.ones((1, 1)), "X": np.array([[2.0]]), "y": np.ones(1), "a": np.ones(1), "steps": steps, "eta": 0.1}
        for steps in (1, 2)
    ),
    allows=_path_off_kinks,
    rtol=1e-5,
    atol=1e-7,
    misconceptions=slips(
        lambda W, X, y, a, steps, eta: descend(W, X, y, a, steps, -eta),
        "You have climbed: subtract the gradient.",
        lambda W, X, y, a, steps, eta: descend(W, X, y, a, 1, eta),
        "This is one step. Is the `return` inside the loop?",
        lambda W, X, y, a, steps, eta: descend(W, X, y, a, steps + 1, eta),
        "One step too many.",
        lambda W, X, y, a, steps, eta: descend(W, X, y, a, steps - 1, eta),
        "One step too few: `range(steps)` makes as many rounds as steps.",
        _frozen_gradient,
        "All your steps use the gradient at the start. Take it anew at each W.",
        _one_by_one,
        "You have gone input by input. A step of full-batch descent uses the gradient of the mean over all of them.",
        lambda W, X, y, a, steps, eta: descend(W, X, y, a, steps, eta) - W,
        "This is the way, W − W0. Return where it ends.",
        lambda W, X, y, a, steps, eta: descend(W, X, y, a, steps, eta / len(y)),
        "Your steps are n times too short: the loss is a mean already.",
        lambda W, X, y, a, steps, eta: descend(W, X, y, a, steps, eta / steps),
        "You have divided the step by their number. Each of them has the length eta.",
        lambda W, X, y, a, steps, eta: descend(W, X, y, a, steps, 1.0),
        "Your step does not use eta.",
    ),
    after="Four lines, and nothing of the course's own code in them.",
)


def _journey(W0, a, X, y, steps, eta):
    W = descend(W0, X, y, a, steps, eta)
    before, after = W0 @ X.T, W @ X.T
    # Or `flipped = (before > 0) != (after >= 0)`: none of these starts or ends exactly at zero.
    # Or `flipped = (before >= 0) != (after > 0)`: likewise.
    flipped = (before >= 0) != (after >= 0)
    gap = a @ (flipped * np.abs(after)) / np.sqrt(len(a))
    return np.linalg.norm(W - W0), flipped.sum(axis=0).mean(), np.sqrt(np.mean(gap**2))


def sweep(nets, X, y, steps, eta):
    rows = []
    for W0, a in nets:
        rows.append(_journey(W0, a, X, y, steps, eta))
    return np.array(rows)


def _nets(rng):
    number, n, d = int(rng.integers(1, 4)), int(rng.integers(1, 4)), int(rng.integers(1, 4))
    nets = []
    for _ in range(number):
        m = int(rng.integers(1, 30))
        nets.append((rng.normal(size=(m, d)), rng.choice([-1.0, 1.0], size=m)))
    return {
        "nets": nets,
        "X": rng.normal(size=(n, d)),
        "y": np.round(rng.uniform(-2, 2, size=n), 1),
        "steps": int(rng.integers(1, 4)),
        "eta": round(rng.uniform(0.5, 3), 1),
    }


def _nets_off_kinks(nets, X, y, steps, eta):
    return all(_path_off_kinks(W0, X, y, a, steps, eta) for W0, a in nets)


def _swept(change):
    """A sweep whose rows ``change(row, W0, W, a, X)`` makes of the right ones."""

    def answer(nets, X, y, steps, eta):
        rows = []
        for W0, a in nets:
            row = np.array(_journey(W0, a, X, y, steps, eta))
            rows.append(change(row, W0, descend(W0, X, y, a, steps, eta), a, X))
        return np.array(rows)

    return answer


def _with(column, value):
    """A sweep in which one column is ``value(W0, W, a, X)``."""

    def change(row, W0, W, a, X):
        row[column] = value(W0, W, a, X)
        return row

    return _swept(change)


def _each_gap(W0, W, a, X):
    return star(W0 @ X.T, W @ X.T, a) / np.sqrt(len(a))


def _each_flip(W0, W, a, X):
    return ((W0 @ X.T >= 0) != (W @ X.T >= 0)).sum(axis=0)


def _each_change(W0, W, a, X):
    return a @ (np.maximum(W @ X.T, 0) - np.maximum(W0 @ X.T, 0)) / np.sqrt(len(a))


def _rms(values):
    return np.sqrt(np.mean(np.square(values)))


exercise_13 = Exercise(
    *Card("3.13", "build, stage 3: over the widths", points=4, difficulty=3, minutes=9),
    kind="build",
    cases=_nets,
    reference=sweep,
    edge_cases=(
        {
            "nets": [(np.array([[1.0]]), np.array([1.0]))],
            **{"X": np.array([[2.0]]), "y": np.array([-4.0]), "steps": 1, "eta": 0.1},
        },
    ),
    allows=_nets_off_kinks,
    rtol=1e-5,
    atol=1e-7,
    misconceptions=slips(
        _with(0, lambda W0, W, a, X: np.linalg.norm(W - W0, 2)),
        "The first column is the largest singular value of the move. Asked is the root of the sum of all squares.",
        _with(0, lambda W0, W, a, X: np.sum((W - W0) ** 2)),
        "The first column is the squared distance: take the root.",
        _with(0, lambda W0, W, a, X: np.linalg.norm(W) - np.linalg.norm(W0)),
        "The first column is how much longer W has become. Asked is how far it lies from W0.",
        _with(1, lambda W0, W, a, X: _each_flip(W0, W, a, X).sum()),
        "The second column is the sum over the inputs: take their mean.",
        _with(1, lambda W0, W, a, X: _each_flip(W0, W, a, X).mean() / len(a)),
        "The second column is the share of neurons that flip. Asked is their number.",
        _with(1, lambda W0, W, a, X: ((W0 >= 0) != (W >= 0)).sum()),
        "You have counted weights that change sign. A neuron flips for an input when w·x changes sign.",
        _with(2, lambda W0, W, a, X: _rms(_each_change(W0, W, a, X))),
        "The third column is how far f has gone from its start. Asked is how far it is from its tangent f0.",
        _with(2, lambda W0, W, a, X: _rms(_each_gap(W0, W, a, X)) * np.sqrt(len(a))),
        "The third column lacks the factor 1/√m, which this network has.",
        _with(2, lambda W0, W, a, X: np.mean(_each_gap(W0, W, a, X))),
        "The third column is the mean of f − f0, in which signs cancel. Asked is its root mean square.",
        _with(2, lambda W0, W, a, X: np.mean(np.abs(_each_gap(W0, W, a, X)))),
        "The third column is the mean of |f − f0|. Asked is the root mean square over the inputs.",
        _with(2, lambda W0, W, a, X: np.sqrt(np.sum(_each_gap(W0, W, a, X) ** 2))),
        "The third column is the root of a sum of squares: take their mean over the inputs.",
        _with(2, lambda W0, W, a, X: np.mean(_each_gap(W0, W, a, X) ** 2)),
        "The third column is the mean square: take its root.",
        _swept(lambda row, *_: row[[0, 2, 1]]),
        "The order of the columns is movement, flips, gap.",
        lambda nets, X, y, steps, eta: np.array([_journey(W0, a, X, y, 1, eta) for W0, a in nets]),
        "These are the values after one step.",
        lambda nets, X, y, steps, eta: np.zeros((len(nets), 3)),
        "Nothing has moved: are W0 and W one array, because the training writes into what it was given?",
    ),
    after="This is the only training run of the lecture's first half, and it is yours.",
)


EXERCISES = (
    exercise_1(),
    exercise_2,
    exercise_4,
    exercise_5,
    exercise_7,
    exercise_8,
    exercise_9,
    exercise_10,
    exercise_11,
    exercise_12,
    exercise_13,
)

PREDICTIONS = (
    Prediction(
        "3/direction",
        r"Turn the input, at the same length. Does the share of neurons with $\lvert w^\top x\rvert \le 0.05\,\lVert "
        r"x\rVert$ change when the weights are normal? And when they are random signs?",
        right="not with normal weights, but with signs",
        options=(
            (
                "with neither: both have mean 0 and variance 1",
                r"They agree in mean and variance of $w^\top x$, and for inputs with many coordinates nearly in law. "
                "But along an axis a sign is never near zero (share 0.00), along the diagonal it often is (0.17).",
            ),
            (
                "with both: near an axis only one weight counts",
                "Only one weight counts there, and for normal weights that one has the law that all sums of them "
                "have: 0.04 for each of the four inputs.",
            ),
            (
                "not with normal weights, but with signs",
                "Yes: 0.04 each time for normal weights, whose cloud looks the same from every side; from 0.00 to "
                "0.17 for signs, which sit at the corners of a cube.",
            ),
        ),
    ),
    Prediction(
        "3/shell",
        r"From $d = 2$ to $d = 2000$ the lengths $\lVert w\rVert/\sqrt d$ crowd together at 1. What happens to the "
        r"share of vectors with $\lvert w^\top x\rvert \le 0.05$, for an $x$ of length 1?",
        right="it stays as it is",
        options=(
            (
                "it falls: no vector is short any more",
                r"This is the slide's intuition. The shell is real, and beside the point: a vector of length $\sqrt "
                "d$ can be nearly orthogonal to $x$, and as many are as before.",
            ),
            (
                "it rises: in high dimension everything is nearly orthogonal",
                r"The *angle* does come close to 90 degrees, like $1/\sqrt d$. But the length grows as $\sqrt d$, "
                r"and $w^\top x$ is their product: nothing changes.",
            ),
            (
                "it stays as it is",
                "Yes: 0.04, up to the 0.005 that ten thousand draws leave open. What keeps neurons away from zero "
                r"is no shell, only that the density of $w^\top x$ is bounded there.",
            ),
        ),
    ),
    Prediction(
        "3/parabola",
        r"One parabola, $s^2/8$, lies above $\psi$ for every $p$. For which indicator does it waste least?",
        right="a fair coin, p = 0.5",
        options=(
            (
                "a rare event, p = 0.04",
                r"A rare event is nearly a constant, which tempts: but then $\psi$ is nearly 0, and the parabola "
                "does not know. At $s = 1$ it allows 0.125 for 0.026, nearly five times too much.",
            ),
            (
                "much the same for all",
                "A bound that holds for every $p$ knows nothing of $p$, but what it bounds does: at $s = 1$ it is "
                "0.120 for the coin and 0.026 for $p = 0.04$.",
            ),
            (
                "a fair coin, p = 0.5",
                r"Yes: 0.120 of 0.125 at $s = 1$. The coin has the variance $\frac14$ that the parabola assumes; our "
                "neurons near zero, with $p = 0.04$, have about a sixth of it.",
            ),
        ),
    ),
    Prediction(
        "3/coverage",
        r"At $\delta = 0.05$ each bound may be exceeded in 5 % of random layers. With $m = 10\,000$ and $\tau = "
        "0.05$, in what share of 4000 layers will the count exceed the bound of Lemma 4.2?",
        right="in none of them",
        options=(
            (
                "in about 5 %",
                "This is what the lemma allows, and what only the exact quantile comes near: 431 is exceeded in "
                "about 5 % of the layers. The lemma's bound is 673.",
            ),
            (
                "in about 1 %",
                "Hoeffding's proof loses something, so fewer than 5 % is a good guess. Bernstein, told the "
                "variance, is exceeded in half a percent; the lemma is told neither the variance nor the mean.",
            ),
            (
                "in none of them",
                "Yes: it allows 673, where the mean is 399 and 431 would do. Step 2 has raised the mean to 500, and "
                "step 3 does not know that the event is rare.",
            ),
        ),
    ),
    Prediction(
        "3/roundings",
        r"By how much do these three roundings raise the bound together, at $m = 10\,000$, $B = 3$ and $\delta = "
        "0.05$?",
        right="by about 60 %",
        options=(
            (
                "by about 5 %",
                "The first one alone costs 3 %, which tempts. With the second it is 17 %, from 134 to 157; and "
                "splitting the root makes 217 of 157.",
            ),
            (
                "by about 60 %",
                "Yes: from 134 to 217. And the second has a price that this number hides: the term of chance, which "
                "belongs to $m^{1/4}$, is lifted to $m^{1/3}$, so that it never fades beside the main term.",
            ),
            (
                "threefold",
                "The second lifts its term 4.6-fold, but that term is small, and stands below a root: from 134 to "
                "217 is 62 %.",
            ),
        ),
    ),
    Prediction(
        "3/how-many",
        "A net of 10 000 neurons, half of them with $a_i = 1$, and the budget $B = 3$. How many neurons should the "
        "adversary move, each by the same length?",
        right="about 300",
        options=(
            (
                "about 40",
                "Forty moves of 0.47 are long: nearly all of each is spent beyond zero, which is where it pays. But "
                "four times as many neurons move twice as far in all, and those near zero cost next to nothing: 40 "
                "gain 19 of a possible 39.",
            ),
            (
                "about 300",
                r"Yes: 304. Too few, and the moves in all, $B\sqrt k$, stay short; too many, and most neurons stop "
                "short of zero.",
            ),
            (
                "about 1000",
                "A thousand moves of less than 0.1 each: most of these neurons start farther from zero than that, "
                "and are moved for nothing.",
            ),
            (
                "all 5000 of its sign",
                r"$B\sqrt k$ is largest there, 212, and yet 97 of 100 neurons never arrive: each moves by 0.04.",
            ),
        ),
    ),
    Prediction(
        "3/loose",
        r"At fixed $B$ and $\delta$, from a thousand neurons to a million, what becomes of the ratio of the lemma's "
        "bound to the worst case?",
        right="it hardly changes",
        options=(
            (
                "it falls towards 3.2",
                r"So it would, if the term of chance faded beside the main one. Rounding $\sqrt m$ up to $m^{2/3}$ "
                "has made the two grow alike: the ratio stays between 4.1 and 7.2, most where $B$ and δ are small.",
            ),
            (
                "it grows",
                "A bound that adds up roundings often drifts away. Here both sides grow as $m^{1/3}$: this is what "
                "it means that the rate is right.",
            ),
            (
                "it hardly changes",
                "Yes: it lies between 4.1 and 7.2, and hardly knows the width. 3.2 is only its floor, as the term "
                "of chance grows as fast as the main one.",
            ),
        ),
    ),
    Prediction(
        "3/movement",
        r"From 512 neurons to 16 384, same data, same steps: what becomes of the distance $\lVert W - W_0\rVert_F$ "
        "that training travels?",
        right="it stays",
        options=(
            (
                "it grows, as √m: there are more weights to move",
                r"More weights, but each has a gradient with the factor $1/\sqrt m$. The sum of $m$ squares of that "
                "size does not depend on $m$: the distance stays at 8 to 10.",
            ),
            (
                "it falls: each weight has less to do",
                r"Each *weight* does move less, as $1/\sqrt m$. But there are $m$ rows of them, and the squares add "
                "up: the distance stays at 8 to 10.",
            ),
            (
                "it stays",
                "Yes, at 8 to 10: 32 times as many neurons share the same squared length. The number of flips grows "
                r"all the same, about as $\sqrt m$.",
            ),
        ),
    ),
    Prediction(
        "3/gap",
        r"With the factor $1/\sqrt m$ the gap of the worst move falls as $m^{-1/6}$ and that of a random move, by "
        "Chapter 2, as $m^{-3/4}$. And the gap of the trained nets, which have moved equally far?",
        right="in between, and it depends on the data",
        options=(
            (
                "as the worst move's: training moves weights on purpose",
                "It has a purpose, but another one: it wants to fit the targets, not to leave its tangent. Its gap "
                "is 70 to nearly 500 times smaller than the worst one, and falls much faster.",
            ),
            (
                "as a random move's: it knows nothing of the tangent",
                "It does not look at the tangent. But who moves, and in which direction, it knows from the signs "
                "and the gates: on four inputs its gap is more than twice a random move's at 16 384 neurons, and "
                "falls more slowly.",
            ),
            (
                "in between, and it depends on the data",
                r"Yes: about $m^{-1/2}$ on four inputs; on sixteen the interval excludes both $-\frac12$ and "
                r"$-\frac34$. The lemma's rate is that of an adversary.",
            ),
        ),
    ),
    Prediction(
        "3/lag",
        "Seen in the direction in which the tangent $f_0$ has moved on the inputs, where does the trained net $f$ "
        "stand?",
        right="behind its tangent",
        options=(
            (
                "beyond its tangent: neurons that wake add to it",
                "Those that wake do push it on. But a neuron that is off does not feel the input that should wake "
                "it, so that fewer wake than fall asleep: the signs of both numbers are negative.",
            ),
            (
                "behind its tangent",
                "Yes: by a few thousandths of the way, and the intervals do not reach zero. It is what a gate that "
                "slows the net down would do; it does not prove that the gate is the reason.",
            ),
            (
                "on either side, as chance has it",
                "The random part does fall on either side, and averages out over the nets. What is left is negative "
                "in both settings.",
            ),
        ),
    ),
)

WRITTEN = (
    Written(
        *Card("3.14", "what Lemma 4.1 does not say", points=6, difficulty=3, minutes=12),
        rubric=(
            (2, "says that the lemma is about any $W$ within $B$ of $W_0$, and so about trained ones that stay there"),
            (2, "says that nothing in it keeps training there: $B$ is given, and might grow with $m$ (or with time)"),
            (
                1,
                "names one more limit: one fixed $x$, probability over $W_0$, a rate of $m^{-1/6}$ only, one hidden "
                "layer",
            ),
            (1, "gives a number of the chapter that compares a trained net with the bound or with the worst case"),
        ),
        model=r"""The lemma bounds $\lvert f - f_0\rvert$ for *every* $W$ with $\lVert W - W_0\rVert_F \le B$,
an adversary's included: if training stays within $B$, the bound holds for what it found. But it is silent on
whether training does. $B$ is an assumption, and if it grew as $m^{1/8}$, $B^{4/3}m^{1/3}/\sqrt m$ would no
longer fall. That the distance stays at 8 to 10 from 512 to 16 384 neurons we have measured, for twenty steps on
a few inputs; it is not in the lemma. It also holds for one $x$, fixed before $W_0$ is drawn, and with
probability $1 - \delta$ only. And as a description of training it is poor: it promises $m^{-1/6}$, where the
gap of the trained nets falls about as $m^{-1/2}$, and at 16 384 neurons the worst move is hundreds of times
farther from the tangent than the trained net.""",
    ),
)
