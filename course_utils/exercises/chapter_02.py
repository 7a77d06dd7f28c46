"""Exercises of Chapter 2, ReLU sign flips."""

from functools import partial

import numpy as np

from course_utils.exercises import Card, Exercise, Prediction, Variants, Written, probes, proof, slips

# Where 1 is the chapter's own.
_SCALES = tuple(n / 20 for n in range(11, 60) if n != 20)


def _pre_activations(rng):
    m = rng.integers(1, 7)
    return {
        "u0": np.round(rng.normal(size=m), 1),
        "u": np.round(rng.normal(size=m), 1),
        "a": rng.choice([-1.0, 1.0], size=m),
        "alpha": round(rng.uniform(0, 1), 2),
    }


def leaky_gap(u0, u, a, alpha):
    # Or `flipped = (u > 0) != (u0 >= 0)`: u = 0 contributes nothing either way.
    flipped = (u >= 0) != (u0 >= 0)
    return (1 - alpha) * np.sum((a * np.abs(u))[flipped])


def _relu_gap(u0, u, a):
    return leaky_gap(u0, u, a, 0)


exercise_9 = Exercise(
    *Card("2.9", "a leaky switch", points=3, difficulty=3, minutes=7),
    cases=_pre_activations,
    reference=leaky_gap,
    edge_cases=(
        {"u0": np.array([1.0]), "u": np.array([-2.0]), "a": np.array([1.0]), "alpha": 0.25},
        {"u0": np.array([0.0, -1.0]), "u": np.array([-2.0, 0.0]), "a": np.array([1.0, 1.0]), "alpha": 0.5},
    ),
    misconceptions=slips(
        lambda u0, u, a, alpha: _relu_gap(u0, u, a),
        "This is the gap of ReLU, whose slope jumps by 1. Here it jumps from α to 1.",
        lambda u0, u, a, alpha: alpha * _relu_gap(u0, u, a),
        "You have multiplied by α. What counts is by how much the slope jumps: with α = 1 there is no kink and no gap.",
        lambda u0, u, a, alpha: (1 + alpha) * _relu_gap(u0, u, a),
        "The slopes are subtracted, 1 − α: with α = 1 there is no kink and no gap.",
        lambda u0, u, a, alpha: (1 - alpha) ** 2 * _relu_gap(u0, u, a),
        "The jump of the slope enters once: 1 − α, not its square.",
        lambda u0, u, a, alpha: -leaky_gap(u0, u, a, alpha),
        "The sign is turned round: f is convex in each neuron, and with a_i = 1 it lies above its tangent.",
        lambda u0, u, a, alpha: (1 - alpha) * np.sum((a * u)[(u >= 0) != (u0 >= 0)]),
        "A neuron that switches off counts too, with a_i |u_i|: both the slope's change and u_i are negative.",
        lambda u0, u, a, alpha: (1 - alpha) * np.sum(a * np.abs(u0) * ((u >= 0) != (u0 >= 0))),
        "A flipped neuron misses by what lies beyond zero, |u_i| of now, not by where it came from.",
        lambda u0, u, a, alpha: (1 - alpha) * np.sum(a * np.abs(u - u0) * ((u >= 0) != (u0 >= 0))),
        "Only the part of the move that lies beyond zero is missed: |u_i|, not the whole step.",
        lambda u0, u, a, alpha: (1 - alpha) * np.sum(np.abs(u) * ((u >= 0) != (u0 >= 0))),
        "Every neuron enters with its sign a_i; you have added them without.",
        lambda u0, u, a, alpha: (1 - alpha) * np.sum(a * np.abs(u) * (u * u0 < 0)),
        "A neuron at exactly zero is missed by the sign of a product: zero counts as on.",
        lambda u0, u, a, alpha: (1 - alpha) * np.sum(a * np.abs(u) * ((u > 0) != (u0 > 0))),
        "Right except where a neuron starts exactly at zero, which counts as on here: ≥, not >.",
        lambda u0, u, a, alpha: a @ (np.where(u >= 0, u, alpha * u) - np.where(u0 >= 0, u0, alpha * u0)),
        "This is how much f has changed. The gap is what the tangent has missed of that change.",
        lambda u0, u, a, alpha: (1 - alpha) * np.sum(a * np.abs(u) * ((u >= 0) == (u0 >= 0))),
        "These are the neurons that kept their side: for them f and its tangent agree.",
        lambda u0, u, a, alpha: a @ np.where(u >= 0, u, alpha * u),
        "This is f itself. Take f0 off.",
    ),
    after="So everything in this chapter holds for a leaky ReLU, with all gaps smaller by the factor 1 − α.",
)


def _moved_layer(rng):
    m, d = rng.integers(1, 9), rng.integers(1, 4)
    W0 = np.round(rng.normal(size=(m, d)), 1)
    return {
        "W0": W0,
        "W": W0 + np.round(rng.normal(scale=0.4, size=(m, d)), 1),
        "x": np.round(rng.normal(size=d) * rng.uniform(0.3, 1), 2),
        "tau": round(rng.uniform(0.2, 0.8), 2),
    }


def bad_set_size(W0, W, x, tau):
    near = np.abs(W0 @ x) <= tau * np.linalg.norm(x)
    far = np.linalg.norm(W - W0, axis=1) >= tau
    return np.sum(near | far)


def _near(W0, x, tau, reaches=np.less_equal):
    return reaches(np.abs(W0 @ x), tau * np.linalg.norm(x))


def _far(W0, W, tau, reaches=np.greater_equal):
    return reaches(np.linalg.norm(W - W0, axis=1), tau)


exercise_3 = Exercise(
    *Card("2.3", "build, stage 1: how large is the bad set?", points=3, difficulty=2, minutes=7),
    kind="build",
    cases=_moved_layer,
    reference=bad_set_size,
    whole=True,
    edge_cases=(
        # A start exactly at the edge of the strip, and a move of exactly τ.
        {"W0": np.array([[0.5], [2.0]]), "W": np.array([[0.5], [2.0]]), "x": np.array([1.0]), "tau": 0.5},
        {"W0": np.array([[2.0], [3.0]]), "W": np.array([[2.5], [3.0]]), "x": np.array([1.0]), "tau": 0.5},
    ),
    misconceptions=slips(
        lambda W0, W, x, tau: np.sum(_near(W0, x, tau)) + np.sum(_far(W0, W, tau)),
        "A neuron that is in both sets counts once: take the union, not the sum.",
        lambda W0, W, x, tau: np.sum(_near(W0, x, tau) & _far(W0, W, tau)),
        "You have the neurons that are in both sets. One reason is enough to be bad.",
        lambda W0, W, x, tau: np.sum((np.abs(W0 @ x) <= tau) | _far(W0, W, tau)),
        "S1 compares |w0ᵀx| with τ‖x‖: without ‖x‖, a short input looks near to everyone.",
        lambda W0, W, x, tau: np.sum(_near(W0, x, tau, np.less) | _far(W0, W, tau, np.greater)),
        "The boundary belongs to both sets: use ≤ for S1 and ≥ for S2, or a flip can slip through.",
        lambda W0, W, x, tau: np.sum(_near(W0, x, tau, np.less) | _far(W0, W, tau)),
        "A neuron that starts exactly at the edge of the strip is in S1: ≤, not <.",
        lambda W0, W, x, tau: np.sum(_near(W0, x, tau) | _far(W0, W, tau, np.greater)),
        "A neuron that moves by exactly τ is in S2: ≥, not >.",
        lambda W0, W, x, tau: np.sum(_near(W, x, tau) | _far(W0, W, tau)),
        "S1 looks at where a neuron starts, W0 @ x, not at where it has arrived.",
        lambda W0, W, x, tau: np.sum(_near(W0, x, tau)),
        "This is S1 alone. Those that move far, S2, are bad as well.",
        lambda W0, W, x, tau: np.sum(_far(W0, W, tau)),
        "This is S2 alone. Those that start near zero, S1, are bad as well.",
        lambda W0, W, x, tau: len(W0) - bad_set_size(W0, W, x, tau),
        "You have counted the neurons outside. Asked are those in S1 or S2.",
        lambda W0, W, x, tau: np.sum((W0 @ x <= tau * np.linalg.norm(x)) | _far(W0, W, tau)),
        "S1 is a strip around zero: take the absolute value of W0 @ x.",
        lambda W0, W, x, tau: np.sum(_near(W0, x, tau) | (np.abs((W - W0) @ x) >= tau * np.linalg.norm(x))),
        "S2 looks at the length of a row's move, not at its part along x.",
        lambda W0, W, x, tau: np.sum(_near(W0, x, tau) | (np.linalg.norm(W - W0) >= tau)),
        "Without `axis=1`, np.linalg.norm is the length of the whole move. Each row has its own.",
        lambda W0, W, x, tau: np.sum((W @ x >= 0) != (W0 @ x >= 0)),
        "These are the flips. Asked is the larger set S1 ∪ S2, outside of which none can happen.",
    ),
    after="Outside this set no neuron flips, whatever the direction in which the weights move.",
)


def _layer_budget(rng):
    k = int(rng.integers(0, 8))  # none, where the budget is below τ
    tau = round(rng.uniform(0.1, 1), 2)
    # B²/τ² lies half-way between whole numbers, so that rounding cannot decide.
    return {"m": k + int(rng.integers(1, 6)), "d": int(rng.integers(1, 4)), "B": tau * np.sqrt(k + 0.5), "tau": tau}


def far_move(m, d, B, tau):
    k = int(B**2 / tau**2)
    move = np.zeros((m, d))
    # Or `move[:k, -1] = B / np.sqrt(max(k, 1))`: the direction does not matter.
    # Or `move[:k, 0] = B / np.sqrt(k)`: infinity for no row.
    # Or `move[:k, 0] = B / np.sqrt(max(k, 0))`: likewise.
    move[:k, 0] = B / np.sqrt(max(k, 1))
    # Or `return -move`: the direction does not matter.
    return move


def _moves_far_enough(move, case):
    m, d, B, tau = case["m"], case["d"], case["B"], case["tau"]
    if np.shape(move) != (m, d):
        return f"Your move has shape {np.shape(move)}; the layer has shape ({m}, {d})."
    length = np.linalg.norm(move)
    if length > B * (1 + 1e-5):
        return f"Your move has length {length:.6g}; the budget is B = {B:.6g}."
    wanted, far = int(B**2 / tau**2), int(np.sum(np.linalg.norm(move, axis=1) >= tau * (1 - 1e-5)))
    if far < wanted:
        return f"Within the budget, but rows that move by τ or more: {far}. Possible: {wanted}."
    return None


exercise_4 = Exercise(
    *Card("2.4", "build: a tight case", points=4, difficulty=3, minutes=8),
    kind="build",
    cases=_layer_budget,
    reference=far_move,
    property=_moves_far_enough,
    misconceptions=slips(
        lambda m, d, B, tau: np.full((m, d), B / np.sqrt(m * d)),
        "You have spread the budget over all neurons, and too few of them get far. Serve only as many as can afford τ.",
        lambda m, d, B, tau: np.array([[tau] + [0.0] * (d - 1)] * m),
        "Every neuron moves by τ, which costs mτ² in squares: more than B². How many can you afford?",
        lambda m, d, B, tau: np.array([[B] + [0.0] * (d - 1)] + [[0.0] * d] * (m - 1)),
        "One neuron got everything, and only one is far. Lengths add in squares: B² pays for B²/τ² of them.",
    ),
    after="So |S2| ≤ B²/τ² is Markov's inequality for squared lengths, and it is tight.",
)


def exercise_6(c=1):
    """The neuron starts at a u of standard deviation ``c``."""

    def flip_probability(s):
        return np.arctan(s / c) / np.pi

    slips_with_c = ()
    if c != 1:
        slips_with_c = (
            exercise_6().reference,
            f"This is the answer where u has standard deviation 1; yours has {c}.",
            lambda s: np.arctan(s * c) / np.pi,
            f"A wider start makes flips rarer: only the ratio s/{c} can matter.",
            lambda s: np.arctan(s / c**2) / np.pi,
            f"You have divided by the variance. The standard deviation is {c}.",
            lambda s: np.arctan(s / np.sqrt(c)) / np.pi,
            f"You have taken {c} for the variance. It is the standard deviation.",
        )
    where = "For" if c == 1 else "With standard deviation 1: for"
    return Exercise(
        *Card("2.6", "the chance of a flip", points=5, difficulty=4, minutes=10),
        cases=lambda rng: {"s": round(10 ** rng.uniform(-2, 1), 3)},
        reference=flip_probability,
        rtol=1e-6,
        edge_cases=({"s": 1.0},),
        misconceptions=slips(
            *slips_with_c,
            lambda s: np.arctan(s / c) / (2 * np.pi),
            "Half of the answer: the line u = −s g cuts off two wedges, one on each side.",
            lambda s: 2 * np.arctan(s / c) / np.pi,
            "Twice the answer: a full turn is 2π, not π.",
            lambda s: s / (c * np.pi),
            "Right for a tiny s only. Large moves saturate: what is the limit for s → ∞?",
            lambda s: np.arctan(c / s) / np.pi,
            "This falls when the move grows. You have the angle on the other side of the line.",
            lambda s: np.arctan((s / c) ** 2) / np.pi,
            "The slope of the line is s itself, not its square.",
            lambda s: 0.5,
            "A half is the limit of large moves. Small ones flip less often.",
        ),
        after=f"{where} a layer that moves isotropically, s = B/√(md), and for a small s the chance is s/π: about "
        "B√m/(π√d) neurons flip.",
        variants=Variants(_SCALES, exercise_6),
    )


def _signed_layer(rng):
    case = _moved_layer(rng)
    return {
        "W0": case["W0"],
        "W": case["W"],
        "a": rng.choice([-1.0, 1.0], size=len(case["W"])),
        "x": case["x"],
        "tau": case["tau"],
    }


def tally(W0, W, a, x, tau):
    u0, u = W0 @ x, W @ x
    near = np.abs(u0) <= tau * np.linalg.norm(x)
    far = np.linalg.norm(W - W0, axis=1) >= tau
    flips = (u >= 0) != (u0 >= 0)
    return np.array([np.sum(near), np.sum(far), np.sum(near | far), np.sum(flips), np.sum(a * np.abs(u) * flips)])


def _tally_with(
    near=_near, far=_far, union=np.logical_or, above=np.greater_equal, missed=lambda u0, u, a: a * np.abs(u)
):
    """A tally with one thing done otherwise."""

    def answer(W0, W, a, x, tau):
        u0, u = W0 @ x, W @ x
        S1, S2 = near(W0, x, tau), far(W0, W, tau)
        flips = above(u, 0) != above(u0, 0)
        return np.array([S1.sum(), S2.sum(), union(S1, S2).sum(), flips.sum(), np.sum(missed(u0, u, a) * flips)])

    return answer


exercise_7 = Exercise(
    *Card("2.7", "build, stage 2: a tally", points=4, difficulty=2, minutes=8),
    kind="build",
    cases=_signed_layer,
    reference=tally,
    edge_cases=(
        {
            "W0": np.array([[0.5], [1.0], [-2.0]]),
            "W": np.array([[0.5], [-1.0], [-2.0]]),
            "a": np.array([1.0, -1.0, 1.0]),
            "x": np.array([1.0]),
            "tau": 0.5,
        },
        # A move of exactly τ, by a neuron that starts elsewhere.
        {
            "W0": np.array([[2.0], [3.0]]),
            "W": np.array([[2.5], [3.0]]),
            "a": np.array([1.0, -1.0]),
            "x": np.array([1.0]),
            "tau": 0.5,
        },
        # A neuron that arrives exactly at zero counts as on.
        {
            "W0": np.array([[-1.0], [0.0]]),
            "W": np.array([[0.0], [-1.0]]),
            "a": np.array([1.0, 1.0]),
            "x": np.array([1.0]),
            "tau": 0.5,
        },
    ),
    misconceptions=slips(
        _tally_with(missed=lambda u0, u, a: a * u),
        "The counts are right. In the gap a neuron that switches off has the bracket −1: its term is −a_i "
        "u_i, which is "
        "a_i |u_i|.",
        _tally_with(missed=lambda u0, u, a: -a * np.abs(u)),
        "The counts are right, and the gap has the wrong sign: now minus before, 1{u ≥ 0} − 1{u0 ≥ 0}.",
        _tally_with(missed=lambda u0, u, a: a * np.abs(u0)),
        "The counts are right. In the gap the switch multiplies the input of now, u, not u0.",
        _tally_with(missed=lambda u0, u, a: a * np.abs(u - u0)),
        "The counts are right. In the gap the switch multiplies the input of now, u, not the step u − u0.",
        _tally_with(missed=lambda u0, u, a: np.abs(u)),
        "The counts are right. In the gap every neuron enters with its sign a_i.",
        _tally_with(missed=lambda u0, u, a: a),
        "The counts are right. In the gap each flipped neuron enters with a_i |u_i|, not with its sign alone.",
        _tally_with(union=np.logical_and),
        "The third number is the union: one reason is enough. You have counted those in both.",
        lambda W0, W, a, x, tau: (
            tally(W0, W, a, x, tau) * [1, 1, 0, 1, 1] + np.array([0, 0, tally(W0, W, a, x, tau)[:2].sum(), 0, 0])
        ),
        "The third number is the union: a neuron in both sets counts once, not twice.",
        _tally_with(near=lambda W0, x, tau: np.abs(W0 @ x) <= tau),
        "S1 compares |w0ᵀx| with τ‖x‖: without ‖x‖, a short input looks near to everyone.",
        _tally_with(above=np.greater),
        "Right except where a neuron starts or arrives exactly at zero, which counts as on: ≥, not >.",
        _tally_with(far=lambda W0, W, tau: np.full(len(W), np.linalg.norm(W - W0) >= tau)),
        "Without `axis=1`, np.linalg.norm is the length of the whole move. Each row has its own.",
        _tally_with(
            near=lambda W0, x, tau: _near(W0, x, tau, np.less), far=lambda W0, W, tau: _far(W0, W, tau, np.greater)
        ),
        "The boundary belongs to both sets: use ≤ for S1 and ≥ for S2, or a flip can slip through.",
        lambda W0, W, a, x, tau: tally(W0, W, a, x, tau)[[0, 1, 2, 4, 3]],
        "The last two are exchanged: flips, then the gap.",
        lambda W0, W, a, x, tau: tally(W0, W, a, x, tau) / [len(W), len(W), len(W), len(W), 1],
        "Return numbers of neurons, not shares: numbers can be added up.",
    ),
    after="Five numbers, and each of them can be added up: this is what makes ten million neurons possible.",
)


def _long_layer(rng):
    d, period = int(rng.integers(1, 4)), int(rng.integers(300, 1200))
    W0 = np.round(rng.normal(size=(period, d)), 1)
    return {
        "parts": (W0, W0 + np.round(rng.normal(scale=0.3, size=(period, d)), 1), rng.choice([-1.0, 1.0], size=1201)),
        "m": int(rng.integers(1, 50_001)),
        "megabytes": _MEGABYTES,
        "x": np.round(rng.normal(size=d), 1),
        "tau": round(rng.uniform(0.2, 0.8), 2),
    }


_MEGABYTES = 8.0


def count(rows, m, x, tau):
    total = np.zeros(5)
    # Or `length = 10001`: any that fits.
    # Or `length = 9999`: likewise.
    # Or `length = 20000`: likewise.
    length = 10_000
    for start in range(0, m, length):
        W0, W, a = rows(start, min(start + length, m))
        total += _tally(W0, W, a, x, tau)
    return total


# The stage before as it is: what is right in its place is not asked again.
_tally = partial(tally)


def _counts(answer, case):
    found, too_much = answer
    right, _ = probes.in_blocks(count, **case)
    if np.shape(found) != (5,):
        return f"Five numbers are asked for, as of the stage before; yours have the shape {np.shape(found)}."
    if np.allclose(found, right, rtol=1e-9, atol=1e-6):
        if not too_much:
            return None
        return (
            f"The numbers are right, but more than {case['megabytes']:g} MB were held at once: ask for a block, add "
            "its five numbers up, and let it go before the next."
        )
    return "The numbers are not right yet: is each neuron in one block, none in two, the last short block counted too?"


def _in_blocks(rows, m, x, tau, start=0, step=10_000, width=10_000, last=True):
    stops = range(start, m if last else m - width + 1, step)
    return sum((tally(*rows(i, min(i + width, m)), x, tau) for i in stops), start=np.zeros(5))


exercise_8 = Exercise(
    *Card("2.8", "build, stage 3: ten million neurons", points=4, difficulty=3, minutes=8),
    kind="build",
    cases=_long_layer,
    reference=count,
    probe=probes.in_blocks,
    property=_counts,
    allows=lambda parts, m, megabytes, x, tau: all(np.ptp(part) > 0 for part in parts),
    show_cases=False,
    n_cases=3,
    edge_cases=tuple(
        {**_long_layer(np.random.default_rng(seed)), "m": m}
        for seed, m in ((5, 300_000), (1, 25_000), (2, 10_000), (3, 7))
    ),
    misconceptions=slips(
        lambda rows, m, x, tau: tally(*rows(0, m), x, tau),
        "The numbers are right, but the whole layer is held at once. Ask for a block, add its five numbers "
        "up, and let it "
        "go before the next.",
        lambda rows, m, x, tau: _in_blocks(rows, m, x, tau, last=False),
        "The last block is shorter than the others, and you have left it out.",
        lambda rows, m, x, tau: tally(*rows(0, min(10_000, m)), x, tau),
        "You have counted the first block only: add up all of them.",
        lambda rows, m, x, tau: tally(*rows((m - 1) // 10_000 * 10_000, m), x, tau),
        "You have returned the last block's numbers: add up all of them.",
        lambda rows, m, x, tau: _in_blocks(rows, m, x, tau, width=10_001),
        "Some neurons are counted twice: `rows(start, stop)` ends before `stop`, where the next block begins.",
        lambda rows, m, x, tau: _in_blocks(rows, m, x, tau, width=9_999),
        "One neuron of each block is left out: `rows(start, stop)` ends before `stop`.",
        lambda rows, m, x, tau: count(rows, m, x, tau) / m,
        "Return numbers of neurons, not shares of m.",
        lambda rows, m, x, tau: count(rows, m, x, tau) / (-(-m // 10_000)),
        "You have averaged over the blocks: add them up.",
    ),
    after="Its memory depends on a block's length alone, its time on m: a billion neurons would only take longer.",
)


exercise_10 = proof(
    *Card("2.10", "nothing flips outside", points=4, difficulty=3, minutes=8),
    lines={
        "G": (
            r"Let $i$ be outside $S_1 \cup S_2$: $\lvert w_{0,i}^\top x\rvert > \tau\lVert x\rVert$ **and** "
            r"$\lVert w_i - w_{0,i}\rVert < \tau$.",
            "",
        ),
        "C": (
            r"$\lvert (w_i - w_{0,i})^\top x\rvert \le \lVert w_i - w_{0,i}\rVert\,\lVert x\rVert$, by Cauchy–Schwarz.",
            "",
        ),
        "F": (r"$\lvert (w_i - w_{0,i})^\top x\rvert \le \tau\lVert x\rVert < \lvert w_{0,i}^\top x\rvert$.", "G C"),
        "B": (r"$w_i^\top x = w_{0,i}^\top x + (w_i - w_{0,i})^\top x$.", ""),
        "H": (
            r"A step shorter than the way to zero does not cross it: $w_i^\top x$ and $w_{0,i}^\top x$ have "
            r"the same sign, "
            r"and neither is 0.",
            "F B",
        ),
        "D": (r"$\mathbf 1\{w_i^\top x \ge 0\} = \mathbf 1\{w_{0,i}^\top x \ge 0\}$: neuron $i$ does not flip.", "H"),
    },
    flaws={
        "A": (
            r"Let $i$ be outside $S_1 \cup S_2$: $\lvert w_{0,i}^\top x\rvert > \tau\lVert x\rVert$ **or** "
            r"$\lVert w_i - w_{0,i}\rVert < \tau$.",
            "outside of a union is outside of both sets. With “or”, a neuron that starts far and moves "
            "farther would count.",
        ),
        "E": (
            r"$\lvert w_i^\top x\rvert > \tau\lVert x\rVert$: the neuron ends outside the strip too.",
            "this is false: it may arrive in the strip. It does not get through it.",
        ),
        "I": (
            r"$\lvert S_1 \cup S_2\rvert \le \lvert S_1\rvert + \lvert S_2\rvert$.",
            "true, and for counting later. Who flips is not a question of how many there are.",
        ),
        "J": (
            r"$w_i - w_{0,i}$ is independent of $w_{0,i}$, so that it is unlikely to point at the line.",
            "the claim holds for every W, also for one that was chosen by looking at W0. Nothing in it is random.",
        ),
    },
    goal="D",
    missing={
        "G": "it uses where the neuron starts and how far it moves, which nothing above it says of i.",
        "C": "it compares what x sees of a move with the move's length, and no line above it does.",
        "F": "it says that the step is shorter than the way to zero, which nothing above it gives.",
        "B": "it puts start and step together, and no line above it does.",
        "H": "it speaks of signs, and no line above it compares them.",
    },
    after="It was never said how W was chosen: an adversary who sees W0 is bound by it too.",
)


EXERCISES = (exercise_3, exercise_4, exercise_6(), exercise_7, exercise_8, exercise_9, exercise_10)


WRITTEN = (
    Written(
        *Card("2.11", "a smaller bad set?", points=6, difficulty=4, minutes=12),
        rubric=(
            (2, r"shows that the claim survives: the proof uses only $\lvert(w_i - w_{0,i})^\top x\rvert$"),
            (
                2,
                r"says that the worst count is the same, $B^2/\tau^2$, with a move that reaches it, and why a "
                r"random move "
                r"brings far fewer neurons into $S_2'$",
            ),
            (2, r"says what is lost: $S_2'$ depends on $x$, and every input has its own"),
        ),
        model=r"""The claim survives. Outside $S_1 \cup S_2'$ the step $\lvert(w_i - w_{0,i})^\top x\rvert$ is shorter
than $\tau\lVert x\rVert$, which is less than $\lvert w_{0,i}^\top x\rvert$: this is all that the proof needs, and
Cauchy–Schwarz is not even used. The set is smaller, since $\lvert(w_i - w_{0,i})^\top x\rvert \le \lVert w_i -
w_{0,i}\rVert\,\lVert x\rVert$, but its worst case is not: who moves $B^2/\tau^2$ neurons by τ along $x$ has as many in
$S_2'$ as in $S_2$, so that the bound stays what it is. A random move is another matter. In ten dimensions only a tenth
of its squared length lies along $x$: at $B = 3$, $m = 2000$ a row moves by 0.067, but $x$ sees about 0.021 of it: with
a threshold of five times that, a few dozen neurons are in $S_2$ and hardly one in $S_2'$. What is lost: $S_2$ knows
nothing of the input. One set serves all inputs, a whole data set at once, whereas $S_2'$ is another for each $x$. <!--
derived: 0.067 = 3/sqrt(2000); 0.021 = 3/sqrt(2000*10) -->""",
    ),
)


PREDICTIONS = (
    Prediction(
        "2/zero",
        r"At $z = 0$ ReLU has no slope, and one has to be chosen from $[0, 1]$. For which choice is "
        r"$\sigma(z) = z\,\sigma'(z)$ "
        "right at zero as well?",
        right="for every one",
        options=(
            (
                "only for 0",
                r"It is the usual convention, and it works. But $0\cdot\sigma'(0)$ is 0 for any slope, and so "
                r"is $\sigma(0)$.",
            ),
            (
                "only for 1/2",
                "It is the mean of the slopes on both sides, which looks fair. The identity does not ask for it.",
            ),
            ("for every one", "Yes: zero times anything is zero. Later, for (★), it will not be so easy."),
        ),
    ),
    Prediction(
        "2/flips",
        "All 20 000 weights of the 2000 neurons have moved, by $B = 3$ in all. How many neurons have changed "
        "their sign?",
        right="about twenty",
        options=(
            (
                "a few hundred",
                r"$B = 3$ sounds like much beside weights of size 1. But it is shared by 20 000 weights: a "
                r"neuron's input moves by "
                r"$B/\sqrt{md} \approx 0.02$, and few start so near to zero.",
            ),
            (
                "about twenty",
                "Yes, 18: the input of a neuron moves by about 0.02, and about one in a hundred starts near enough.",
            ),
            (
                "one or two",
                "The step is short, about 0.02, but 2000 neurons are many: about one in a hundred starts near enough.",
            ),
        ),
    ),
    Prediction(
        "2/kink",
        r"A single neuron, $a = 1$, sits at its kink, $w_0^\top x = 0$, and moves to $w^\top x = 0.3$. With "
        r"the slope of minimum norm at the "
        r"kink, what is $f - f_0$, and what does (★) say?",
        right="0.3, and (★) says 0",
        options=(
            (
                "0.3, and (★) says 0.3",
                r"(★) was an identity a page ago. There the slope at zero was 1; its indicator still says "
                r"$\mathbf 1\{0 \ge 0\} = 1$.",
            ),
            (
                "0.3, and (★) says 0",
                "Yes: the tangent with slope 0 does not see this neuron leave, and (★) says that there is "
                "nothing to see.",
            ),
            (
                "0, and (★) says 0",
                "So it is with slope 1. With slope 0 the tangent stays at 0, while the neuron goes to 0.3.",
            ),
        ),
    ),
    Prediction(
        "2/wider",
        r"The net gets wider, and a random move keeps its length $B$. What does the gap do (without the "
        r"factor $1/\sqrt m$)?",
        right="it falls, slowly",
        options=(
            (
                "it grows: more neurons flip",
                r"More do flip, like $\sqrt m$. But each moves less, and ends less far beyond zero; and their "
                r"signs cancel.",
            ),
            (
                "it stays: the move has the same length",
                "So does a smooth net's worst gap. Here two effects work against each other, and one of them "
                "wins by a little.",
            ),
            (
                "it falls, slowly",
                r"Yes, with slope $-\tfrac14$, while the bound by flips rises with slope $\tfrac14$ and the "
                r"naive one with slope 1.",
            ),
        ),
    ),
    Prediction(
        "2/thresholds",
        r"One and the same move of 150 neurons is looked at with three thresholds. With which is $S_1 \cup "
        r"S_2$ smallest?",
        right="τ = 0.5",
        options=(
            (
                "τ = 0.15: the strip holds fewest",
                "It holds 19, but 75 neurons move by 0.15 or more: 84 are in one or the other.",
            ),
            ("τ = 0.5", "Yes, 69: neither set is at its smallest, but their union is."),
            ("τ = 1.2: fewest move that far", "Only 5 do, but the strip has become so wide that 120 start in it."),
        ),
    ),
    Prediction(
        "2/boundary",
        r"Starts and moves are now multiples of $\tau/2$, so that boundaries are hit all the time. Of the "
        r"signs $\le$ in $S_1$ and $\ge$ in $S_2$: "
        "which does the claim need?",
        right="one of them, whichever",
        options=(
            (
                "both",
                "Both are safe. But with one of them alone no flip escapes either: a neuron that starts on "
                "the edge has to move by "
                "all of τ to get to zero.",
            ),
            (
                "none: boundaries have probability zero",
                r"For Gaussian weights they have. The claim is for all weights, and the neuron at $-\tau$ "
                r"that moves by $+\tau$ lands on zero, "
                "which counts as on.",
            ),
            ("one of them, whichever", "Yes: without both, exactly one flip escapes, and each sign alone catches it."),
        ),
    ),
    Prediction(
        "2/guilty",
        r"Ten million neurons move at random, each weight by about 0.1, and τ is chosen so that $S_1 \cup "
        r"S_2$ is as small as it can be. What "
        "share of its members really flips?",
        right="about one in ten",
        options=(
            (
                "nearly all",
                "The set holds all who flip, not only them. Who starts in the strip has to move towards the "
                "line, and far enough.",
            ),
            ("about one in ten", "Yes: 3.2 % of all neurons flip, and more than a third are in the set."),
            (
                "about one in a thousand",
                "Most moves are shorter than τ or point elsewhere, but not so many: 3.2 % of all neurons "
                "flip, and more than a third are in the set.",
            ),
        ),
    ),
    Prediction(
        "2/far",
        r"With $B = 3$ and $\tau = 0.1$ at most $B^2/\tau^2 = 900$ neurons can be in $S_2$. How many does the "
        r"random move of our 2000 neurons "
        "put there?",
        right="a few dozen",
        options=(
            (
                "nearly 900",
                r"The bound is what a move can do that is made for it. A random one spends on all rows alike: "
                r"$B/\sqrt m = 0.067$ each, which is "
                "just too little.",
            ),
            ("a few dozen", "Yes, 32: all rows move by about 0.067, and few by half as much again."),
            (
                "none",
                "Rows move by 0.067 on average, and ten coordinates let them scatter by a fifth of it: 32 of "
                "2000 get as far as 0.1.",
            ),
        ),
    ),
    Prediction(
        "2/best",
        "The sum of both terms has a best τ. What does it do when the net gets wider, with $B$ fixed?",
        right="it shrinks",
        options=(
            (
                "it stays: B has not changed",
                r"So does the second term, $B^2/\tau^2$. But the strip of half-width τ holds more and more "
                r"neurons, $m\tau$, which is worth less "
                "and less room.",
            ),
            ("it shrinks", r"Yes, as $m^{-1/3}$: a wide net is judged by a thin strip."),
            (
                "it grows: more neurons need more room",
                r"More neurons fill the strip: a wider one would hold even more. It is $B^2/\tau^2$ that can "
                r"afford to grow.",
            ),
        ),
    ),
)
