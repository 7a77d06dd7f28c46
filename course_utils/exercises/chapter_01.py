"""Exercises of Chapter 1, Taylor bounds."""

from functools import partial
from math import sqrt

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from course_utils.exercises import Card, Exercise, Prediction, Variants, Written, proof, slips

_BLOCKS = range(3, 43)
_BETA_OF_TANH = 4 / (3 * sqrt(3))


def _scales(rng):
    return {
        "beta": round(rng.uniform(0.1, 2), 2),
        "s": round(rng.choice([-1, 1]) * rng.uniform(0.2, 3), 1),
        "c": round(rng.choice([-1, 1]) * rng.uniform(0.2, 3), 1),
    }


def scaled_beta(beta, s, c):
    return abs(s) * c**2 * beta


exercise_2 = Exercise(
    *Card("1.2", "β of a rescaled activation", points=2, difficulty=2, minutes=5),
    cases=_scales,
    reference=scaled_beta,
    edge_cases=(
        {"beta": 1.0, "s": -2.0, "c": 3.0},
        {"beta": 1.0, "s": 0.0, "c": 3.0},
        {"beta": 1.0, "s": -2.0, "c": 0.0},
    ),
    misconceptions=slips(
        lambda beta, s, c: abs(s * c) * beta,
        "The inner factor c comes out once for each of the two derivatives, so it is squared.",
        lambda beta, s, c: s * c**2 * beta,
        "β is a largest absolute value and cannot be negative: what happens to the sign of s?",
        lambda beta, s, c: c**2 * beta,
        "The outer factor s multiplies the second derivative as well.",
        lambda beta, s, c: s**2 * c**2 * beta,
        "Only the inner factor is differentiated twice: s comes out once.",
        lambda beta, s, c: abs(s) * beta,
        "The inner factor c comes out of each of the two derivatives: c².",
        lambda beta, s, c: s**2 * abs(c) * beta,
        "The exponents are turned round: the inner factor is squared, the outer one is not.",
        lambda beta, s, c: beta,
        "Rescaling changes the second derivative: which factors come out?",
        lambda beta, s, c: abs(s) * abs(c) ** 3 * beta,
        "The second derivative brings c twice, not three times.",
        lambda beta, s, c: s * c * beta,
        "The inner factor comes out twice, and a largest absolute value has no sign: |s| c² β.",
    ),
    after="A steeper inner scale costs quadratically: this is why large initial weights leave the linear regime.",
)


def exercise_3(k=1):
    """``k`` neurons are moved, each by the step, and their errors may add up."""

    def safe_step(beta, eps):
        return np.sqrt(2 * eps / (k * beta))

    all_beta = "β" if k == 1 else f"{k} β"
    slips_with_k = ()
    if k != 1:
        slips_with_k = (
            exercise_3().reference,
            f"This is the step of a single neuron. Yours are {k}, and their errors may add up.",
            lambda beta, eps: np.sqrt(2 * eps / beta) / k,
            f"Too short: the errors of {k} neurons add up, but the error is a square of the step. Divide below the "
            "root.",
        )
    return Exercise(
        *Card("1.3", "how far may one step?", points=1, difficulty=1, minutes=3),
        cases=lambda rng: {"beta": round(rng.uniform(0.1, 2), 2), "eps": round(rng.uniform(0.001, 1), 3)},
        reference=safe_step,
        misconceptions=slips(
            *slips_with_k,
            lambda beta, eps: np.sqrt(eps / (k * beta)),
            "Too short by a factor √2: the envelope is β step²/2, with the half.",
            lambda beta, eps: 2 * eps / (k * beta),
            f"This is the square of the step: solve {all_beta} step²/2 = eps for the step.",
            lambda beta, eps: k * beta * eps**2 / 2,
            "You have put eps in for the step. It is the error.",
            lambda beta, eps: (2 * eps / (k * beta)) ** (1 / 3),
            "The envelope is a parabola: a square root, not a cube root.",
            lambda beta, eps: 2 * eps / (k * beta) / 2,
            "`** 1 / 2` is a power of one, halved: the exponent needs its brackets, `** (1 / 2)`.",
        ),
        after="Ten times more accuracy costs only a factor √10 in distance.",
        variants=Variants(_BLOCKS, exercise_3, example={"beta": _BETA_OF_TANH, "eps": 0.01}),
    )


# Second derivatives with a readable name, so that a failing case can be shown.
_CURVATURES = (np.sin, np.cos, np.exp, np.cosh, np.arctan)


def _interval(rng):
    return {
        "second_derivative": _CURVATURES[rng.integers(len(_CURVATURES))],
        "a": round(rng.uniform(-2, 2), 1),
        "x": round(rng.uniform(-2, 2), 1),
    }


# Gauss-Legendre nodes and weights on [-1, 1]: exact to rounding for the functions above.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)


def _integral(g, a, x):
    return np.sum(_WEIGHTS * (x - a) / 2 * g(a + (x - a) * (_NODES + 1) / 2))


def remainder(second_derivative, a, x):
    return _integral(lambda t: second_derivative(t) * (x - t), a, x)


exercise_4 = Exercise(
    *Card("1.4", "what the tangent leaves, from the curvature alone", points=4, difficulty=3, minutes=9),
    cases=_interval,
    reference=remainder,
    rtol=1e-5,
    atol=1e-6,
    edge_cases=({"second_derivative": np.exp, "a": 0.0, "x": 1.0}, {"second_derivative": np.exp, "a": 1.0, "x": 0.0}),
    misconceptions=slips(
        lambda second_derivative, a, x: _integral(lambda t: second_derivative(t) * (x - t) ** 2 / 2, a, x),
        "This is the slide's (x − t)²/2, which belongs to an expansion one order higher: for a parabola, f'' = 1, it "
        "gives h³/6 in place of h²/2.",
        lambda second_derivative, a, x: abs(remainder(second_derivative, a, x)),
        "A remainder has a sign: drop the absolute value.",
        lambda second_derivative, a, x: remainder(second_derivative, a, x) * (1 if x >= a else -1),
        "Right where x ≥ a. Left of it either the ends were sorted, or the weight is |x − t|: the integral runs "
        "backwards there, and (x − t) is negative.",
        lambda second_derivative, a, x: _integral(lambda t: second_derivative(t) * (t - a), a, x),
        "Either the weight is (t − a), or a and x are exchanged. Curvature met early changes the slope for longest: "
        "its weight is the way that is still to go, (x − t).",
        lambda second_derivative, a, x: _integral(second_derivative, a, x),
        "This is f'(x) − f'(a). The curvature at t needs the weight (x − t).",
        lambda second_derivative, a, x: -remainder(second_derivative, a, x),
        "The sign is turned round: the weight is (x − t), and the integral runs from a to x.",
        lambda second_derivative, a, x: _integral(lambda t: second_derivative(t) * (x - a), a, x),
        "The weight changes along the way: (x − t), not (x − a).",
        lambda second_derivative, a, x: second_derivative(np.float64(a)) * (x - a) ** 2 / 2,
        "This takes f'' to be constant, as it is at a. Integrate it.",
        lambda second_derivative, a, x: remainder(second_derivative, a, x) / 2,
        "Half of it: no 1/2 stands in front of this integral.",
        lambda second_derivative, a, x: _integral(lambda t: second_derivative(t) * (x - t) ** 2, a, x),
        "The weight is (x − t), to the first power.",
        lambda second_derivative, a, x: remainder(second_derivative, min(a, x), max(a, x)),
        "You have sorted the ends. The point of expansion is a, wherever x lies.",
    ),
    after="Bound f'' by β under your integral: the parabola β(x − a)²/2 comes out at once.",
)


def _measured_decay(rng):
    widths = np.sort(rng.choice(2.0 ** np.arange(4, 17), size=rng.integers(3, 8), replace=False))
    gaps = rng.uniform(0.5, 5) * widths ** rng.uniform(-1.2, -0.2)
    return {"widths": widths, "gaps": gaps * np.exp(rng.normal(scale=0.1, size=widths.size))}


def decay_rate(widths, gaps):
    x, y = np.log(widths), np.log(gaps)
    x = x - np.mean(x)
    return np.sum(x * y) / np.sum(x**2)


def exercise_7(k=None):
    """Asks for the rate, or with a number ``k`` for the factor by which the gap changes when the width grows k-fold."""

    def growth_factor(widths, gaps):
        return k ** decay_rate(widths, gaps)

    def asked(rate):
        return rate if k is None else lambda widths, gaps: k ** rate(widths, gaps)

    slips_with_k = ()
    if k is not None:
        slips_with_k = (
            decay_rate,
            f"This is the rate r. When the width grows {k}-fold, the gap changes by {k} to the power r.",
            lambda widths, gaps: k * decay_rate(widths, gaps),
            f"A power law: {k} is raised to the power r, not multiplied by it.",
        )
    return Exercise(
        *Card("1.7", "build, stage 1: read a rate off a log-log plot", points=2, difficulty=2, minutes=5),
        kind="build",
        cases=_measured_decay,
        reference=decay_rate if k is None else growth_factor,
        rtol=1e-5,
        misconceptions=slips(
            *slips_with_k,
            asked(lambda widths, gaps: np.polyfit(widths, gaps, 1)[0]),
            "You have fitted a line to the numbers themselves. A power law is a line in their logarithms.",
            asked(lambda widths, gaps: np.polyfit(widths, np.log(gaps), 1)[0]),
            "Only one axis is logarithmic: that is the rate of an exponential. Take log(widths) too.",
            asked(lambda widths, gaps: -decay_rate(widths, gaps)),
            "The sign is turned round: a gap that falls has a negative slope.",
            asked(lambda widths, gaps: np.log(gaps[-1] / gaps[0]) / np.log(widths[-1] / widths[0])),
            "You have joined the first and the last point. Least squares uses all of them.",
            asked(lambda widths, gaps: np.polyfit(np.log(widths), gaps, 1)[0]),
            "Only one axis is logarithmic. Take log(gaps) too.",
            asked(lambda widths, gaps: np.polyfit(np.log(widths), np.log(gaps), 1)[1]),
            "This is the intercept of the line. The rate is its slope, which np.polyfit returns first.",
            asked(lambda widths, gaps: np.polyfit(np.log(gaps), np.log(widths), 1)[0]),
            "The axes are exchanged: the gap is a function of the width.",
            asked(lambda widths, gaps: np.mean(np.diff(np.log(gaps)) / np.diff(np.log(widths)))),
            "You have averaged the slopes between neighbours, in which the first and last points decide. Fit one line.",
            asked(lambda widths, gaps: np.sum(np.log(widths) * np.log(gaps)) / np.sum(np.log(widths) ** 2)),
            "Your line goes through the origin. A power law has a constant in front: let the line have an intercept.",
            asked(lambda widths, gaps: np.mean(np.log(gaps) / np.log(widths))),
            "A slope is a ratio of differences: the constant in front would spoil log(gap)/log(m).",
        ),
        after="Every rate in this course is read in this way, with an interval over independent networks.",
        variants=Variants(_BLOCKS, exercise_7),
    )


# The build: from one net to a sweep over widths. Its stages call each other as a reader's do.


def _seen_by_one_input(rng):
    shape = rng.integers(1, 6)
    if n := int(rng.integers(0, 4)):  # several nets of one width, or a single one
        shape = (n, shape)
    return {
        "u0": np.round(rng.normal(size=shape), 1),
        "h": np.round(rng.normal(size=shape), 1),
        "a": rng.choice([-1.0, 1.0], size=shape),
    }


def net_gap(u0, h, a):
    missed = np.tanh(u0 + h) - np.tanh(u0) - (1 - np.tanh(u0) ** 2) * h
    return np.sum(a * missed, axis=-1) / np.sqrt(a.shape[-1])


exercise_8 = Exercise(
    *Card("1.8", "build, stage 1: the gap of many nets", points=3, difficulty=2, minutes=6),
    kind="build",
    cases=_seen_by_one_input,
    reference=net_gap,
    edge_cases=({"u0": np.zeros(1), "h": np.ones(1), "a": np.ones(1)},),
    misconceptions=slips(
        lambda u0, h, a: np.sum(a * (np.tanh(u0 + h) - np.tanh(u0) - (1 - np.tanh(u0) ** 2) * h), axis=-1),
        "The factor 1/√m is missing: m is the length of the last axis.",
        lambda u0, h, a: net_gap(u0, h, a) * np.sqrt(a.shape[-1]) / np.sqrt(a.size),
        "You have divided by the root of all neurons of all nets. Each net has its own m, the length of the last axis.",
        lambda u0, h, a: net_gap(u0, h, a) * np.sqrt(a.shape[-1]) / np.sqrt(len(a)),
        "`len(a)` is the number of nets where there are several. The width is the length of the last axis.",
        lambda u0, h, a: net_gap(u0, h, a) / np.sqrt(a.shape[-1]),
        "You have divided by m. The factor is 1/√m.",
        lambda u0, h, a: net_gap(u0, h, np.ones_like(a)),
        "Every neuron enters with its sign a_i; you have added them without.",
        lambda u0, h, a: np.sum(a * (np.tanh(u0 + h) - np.tanh(u0)), axis=-1) / np.sqrt(a.shape[-1]),
        "This is how much f changes. Take off what the tangent knew of it, the slope times h.",
        lambda u0, h, a: (
            np.sum(a * (np.tanh(u0 + h) - np.tanh(u0) - (1 - np.tanh(u0 + h) ** 2) * h), axis=-1) / np.sqrt(a.shape[-1])
        ),
        "You have taken the slope after the move. A tangent keeps the slope of the point where it touches, u0.",
        lambda u0, h, a: net_gap(u0, h - u0, a),
        "h is the step, not the place of arrival: after the move the neuron sees u0 + h.",
        lambda u0, h, a: np.abs(net_gap(u0, h, a)),
        "Keep the sign of f − f0: the absolute value is taken later.",
        lambda u0, h, a: np.sum(net_gap(u0, h, a)),
        "You have added the nets together: sum over the last axis only.",
        lambda u0, h, a: (
            np.sum(a * (np.tanh(u0 + h) - np.tanh(u0) - (1 - np.tanh(u0)) * h), axis=-1) / np.sqrt(a.shape[-1])
        ),
        "The slope of tanh is 1 − tanh², with the square.",
    ),
    after="One line for one net or a thousand: the inputs' shape decides.",
)


_REACHES = 0.95  # of Proposition 4.1, which takes some care and no search


def _wide_net(rng):
    m = int(rng.integers(1000, 5001))
    return {"u0": rng.normal(size=m), "a": rng.choice([-1.0, 1.0], size=m), "B": round(rng.uniform(0.3, 1.5), 2)}


def _spread(u0, a, B):
    """A draw with neurons of all kinds, of both signs: where they are all alike nobody bends most."""
    return np.ptp(u0) > 4 and abs(np.mean(a)) < 0.5


def worst_move(u0, a, B):
    t = np.tanh(u0)
    # Or `bend = a * t * (1 - t**4)`: it peaks nearby.
    bend = a * t * (1 - t**2)
    # Or `best = np.argsort(bend)[:20]`: so few are enough.
    # Or `best = np.argsort(bend)[:len(a) // 21]`: the bend is nearly the same among the twentieth that bend most.
    # Or `best = np.argsort(bend)[:len(a) // 19]`: likewise.
    # Or `best = np.argsort(bend)[:len(a) // 40]`: likewise.
    best = np.argsort(bend)[: len(a) // 20]
    h = np.zeros(len(a))
    h[best] = B / np.sqrt(len(best))
    # Or `return -h`: the bend does not see the direction.
    return h


def _bends_most(h, case):
    u0, a, B = case["u0"], case["a"], case["B"]
    if np.shape(h) != u0.shape:
        return f"Your move has shape {np.shape(h)}, one number for each neuron is asked for: {u0.shape}."
    length = float(np.linalg.norm(h))
    if length > B * (1 + 1e-5):
        return f"Your move has length ‖h‖ = {length:.4g}; the budget is B = {B:.4g}."
    bound = _BETA_OF_TANH / 2 * B**2 / sqrt(u0.size)
    share = abs(float(net_gap(u0, h, a))) / bound
    if share >= _REACHES:
        return None
    reached = f"Your move reaches {share:.0%} of the bound, {_REACHES:.0%} is asked for"
    if length < B * (1 - 1e-3):
        return f"{reached}: it has length {length:.4g}, and the budget B = {B:.4g} is not used up."
    if share < 0.25:
        return f"{reached}: neurons that bend up and neurons that bend down cancel."
    if np.count_nonzero(np.abs(h) > 1e-3 * np.abs(h).max()) < 30:
        return f"{reached}. So few neurons take long steps, on which tanh flattens out: share the budget among more."
    return f"{reached}: some of those that move bend less than others could, or less than they cost."


exercise_9 = Exercise(
    *Card("1.9", "build, stage 2: the worst move", points=5, difficulty=4, minutes=10),
    kind="build",
    cases=_wide_net,
    reference=worst_move,
    n_cases=8,
    allows=_spread,
    property=_bends_most,
    misconceptions=slips(
        lambda u0, a, B: np.full(len(a), B / np.sqrt(len(a))),
        "All neurons move alike, and bend up as often as down: choose those whose bend has one sign.",
        lambda u0, a, B: np.full(len(a), B),
        "Every neuron moves by B, so that the whole move has length B√m. Share the budget.",
        lambda u0, a, B: a * B / np.sqrt(len(a)),
        "The bend grows with the square of the step, which has no sign: h_i = a_i s and h_i = s bend alike. Choose "
        "whom to move.",
        lambda u0, a, B: B * np.eye(len(a))[np.argmin(a * np.tanh(u0) * (1 - np.tanh(u0) ** 2))],
        "One neuron takes a long step, on which tanh flattens out. Share the budget among many that bend most.",
        lambda u0, a, B: np.where(a > 0, B / np.sqrt(np.sum(a > 0)), 0.0),
        "You have chosen by the sign a_i alone. A neuron of either sign bends up or down, as its curvature says: look "
        "at a_i σ″(u0_i).",
    ),
    after="Nobody can do worse by more than a twentieth: the rest of the bound is all that is left to look for.",
)


def _nets_to_sweep(rng):
    n, d = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    widths = np.sort(rng.choice([1000, 1500, 2000, 3000], size=int(rng.integers(1, 4)), replace=False))
    x = rng.normal(size=d)
    if not x.any():  # it has length 1, whatever is drawn
        x[0] = 1
    return {
        "widths": widths,
        "W0": rng.normal(size=(n, 3000, d)),
        "G": rng.normal(size=(n, 3000, d)),
        "a": rng.choice([-1.0, 1.0], size=(n, 3000)),
        "x": x / np.linalg.norm(x),
        "B": round(rng.uniform(0.3, 1.5), 2),
    }


def _ordinary(widths, W0, G, a, x, B):
    return all(_spread(u, s, B) and np.std(g) > 0.5 for u, s, g in zip(W0 @ x, a, G, strict=True))


# The earlier stages as they are: what is right in their place is not asked again.
_gap, _worst = partial(net_gap), partial(worst_move)


def sweep(widths, W0, G, a, x, B):
    worst, random = np.empty((2, len(W0), len(widths)))
    for net, place in np.ndindex(worst.shape):
        m = widths[place]
        u0, g, signs = W0[net, :m] @ x, G[net, :m], a[net, :m]
        # Or `worst[net, place] = _gap(u0, _worst(u0, signs, B), signs)`: this move bends up.
        worst[net, place] = abs(_gap(u0, _worst(u0, signs, B), signs))
        random[net, place] = abs(_gap(u0, B * (g @ x) / np.linalg.norm(g), signs))
    return worst, random


def _random_gaps(case, length):
    """The random gaps of all nets and widths where the move is B G / ``length(all of G, width)``; with signs."""
    W0, G, a, x = (case[name] for name in ("W0", "G", "a", "x"))
    columns = [
        net_gap(W0[:, :m] @ x, case["B"] * (G[:, :m] @ x) / length(G, m)[:, None], a[:, :m]) for m in case["widths"]
    ]
    return np.stack(columns, axis=1)


def _length(G, m):
    return np.linalg.norm(G[:, :m].reshape(len(G), -1), axis=1)


def _sweeps(answer, case):
    n, widths, B = len(case["W0"]), case["widths"], case["B"]
    if np.shape(answer) != (2, n, len(widths)):
        return (
            "Two arrays are asked for, worst and random, each with a row for each net and a column for each width: "
            f"({n}, {len(widths)}). Together yours have the shape {np.shape(answer)}."
        )
    worst, random = np.asarray(answer)
    signed, bound = _random_gaps(case, _length), _BETA_OF_TANH / 2 * B**2 / np.sqrt(widths)
    if not np.allclose(random, np.abs(signed), rtol=2e-5, atol=1e-15):
        for other, sentence in (
            (signed, "The random gaps are right but for their signs: asked are absolute values."),
            (np.abs(signed) * np.sqrt(widths), "The random gaps lack the factor 1/√m."),
            (
                np.abs(_random_gaps(case, lambda G, m: _length(G, 3000))),
                "The move of the first m neurons has to be of length B itself: divide by the length of G[net, :m], not "
                "of all of G.",
            ),
            (
                np.abs(_random_gaps(case, lambda G, m: np.ones(len(G)))),
                "Your random move is B G, which is much longer than B: divide by the length of G[net, :m].",
            ),
            (
                np.abs(_random_gaps(case, lambda G, m: np.linalg.norm(G[:, :m] @ case["x"], axis=1))),
                "Your random move has all its length along x. A random one lies mostly across: divide by the length of "
                "G[net, :m], not of what x sees of it.",
            ),
        ):
            if np.allclose(random, other, rtol=2e-5, atol=1e-15):
                return sentence
        if np.allclose(worst, np.abs(signed), rtol=2e-5, atol=1e-15):
            return "The two are exchanged: the worst moves come first, then the random ones."
        return "The random gaps are not right yet: |f − f0| for the move B G/‖G‖ of the first m neurons."
    share = worst / bound
    if share.max() > 1 + 1e-5:
        return f"A worst gap of {share.max():.3g} times Proposition 4.1 is impossible: its move is longer than B."
    if share.min() < _REACHES - 0.02:
        return f"The random gaps are right; a worst one reaches only {share.min():.0%} of Proposition 4.1."
    return None


exercise_10 = Exercise(
    *Card("1.10", "build, stage 3: the sweep over widths", points=5, difficulty=3, minutes=10),
    kind="build",
    cases=_nets_to_sweep,
    reference=sweep,
    n_cases=4,
    allows=_ordinary,
    size=lambda case: len(case["W0"]) * sum(case["widths"]),
    property=_sweeps,
    misconceptions=slips(
        lambda widths, W0, G, a, x, B: sweep(widths, W0, G, a, x, B)[0],
        "These are the worst gaps alone. Return both arrays: `return worst, random`.",
        lambda widths, W0, G, a, x, B: sweep(widths, W0, G, a, x, B)[1],
        "These are the random gaps alone. Return both arrays: `return worst, random`.",
        lambda widths, W0, G, a, x, B: tuple(gaps.T for gaps in sweep(widths, W0, G, a, x, B)),
        "Both are transposed: a row for each net, a column for each width.",
        lambda widths, W0, G, a, x, B: tuple(gaps.mean(axis=0) for gaps in sweep(widths, W0, G, a, x, B)),
        "You have averaged over the nets. Keep a row for each: the interval needs them.",
    ),
    after="Your three stages are a complete experiment: the next figure draws it beside the course's.",
)


def _sweep_measured(rng):
    n, widths = int(rng.integers(2, 12)), np.sort(rng.choice(2.0 ** np.arange(4, 17), size=4, replace=False))
    scatter = rng.normal(scale=0.3, size=(n, 4))
    return {"widths": widths, "gaps": rng.uniform(0.5, 5) * widths ** rng.uniform(-1.2, -0.2) * np.exp(scatter)}


def slope_interval(widths, gaps):
    slopes = np.array([decay_rate(widths, row) for row in gaps])
    n = len(slopes)
    half = student.ppf(0.995, n - 1) * slopes.std(ddof=1) / np.sqrt(n)
    return slopes.mean(), slopes.mean() - half, slopes.mean() + half


def _with(half_width):
    """The mean slope and its ends at ``half_width(slopes)`` from it."""

    def answer(widths, gaps):
        slopes = np.array([decay_rate(widths, row) for row in gaps])
        return slopes.mean(), slopes.mean() - half_width(slopes), slopes.mean() + half_width(slopes)

    return answer


def _t(share):
    return lambda slopes: student.ppf(share, len(slopes) - 1) * slopes.std(ddof=1) / np.sqrt(len(slopes))


exercise_11 = Exercise(
    *Card("1.11", "build, stage 2: a slope and its interval", points=3, difficulty=3, minutes=7),
    kind="build",
    cases=_sweep_measured,
    reference=slope_interval,
    allows=lambda widths, gaps: np.std(_slopes(widths, gaps)) > 1e-3,
    edge_cases=({"widths": np.array([10.0, 100.0]), "gaps": 10.0 ** -np.array([[0.0, 1], [0, 2], [0, 3]])},),
    rtol=1e-6,
    atol=1e-9,
    misconceptions=slips(
        _with(lambda slopes: norm.ppf(0.995) * slopes.std(ddof=1) / np.sqrt(len(slopes))),
        "You have taken the quantile of a normal law. The spread is estimated too, from few nets: Student's t with "
        "n − 1 degrees of freedom.",
        _with(_t(0.99)),
        "Half of the missing 1 % lies on each side: the quantile at 0.995.",
        _with(_t(0.975)),
        "This is the interval at 95 %. Asked is 99 %: the quantile at 0.995.",
        _with(lambda slopes: student.ppf(0.995, len(slopes)) * slopes.std(ddof=1) / np.sqrt(len(slopes))),
        "n slopes leave n − 1 degrees of freedom, since their mean is estimated too.",
        _with(lambda slopes: student.ppf(0.995, len(slopes) - 1) * slopes.std() / np.sqrt(len(slopes))),
        "The spread is estimated around a mean that is estimated too: `std(ddof=1)`, which divides by n − 1.",
        _with(lambda slopes: student.ppf(0.995, len(slopes) - 1) * slopes.std(ddof=1)),
        "This is where a single net's slope falls. The mean of n has its spread divided by √n.",
        _with(lambda slopes: student.ppf(0.995, len(slopes) - 1) * slopes.std(ddof=1) / len(slopes)),
        "The spread of a mean is that of one net divided by √n, not by n.",
        _with(lambda slopes: slopes.std(ddof=1) / np.sqrt(len(slopes))),
        "This is the mean and one standard error to each side. Multiply it by Student's quantile.",
        lambda widths, gaps: slope_interval(widths, gaps)[0],
        "This is the mean slope. Return its interval too: mean, lower end, upper end.",
        lambda widths, gaps: (
            slope_interval(widths, gaps)[0],
            slope_interval(widths, gaps)[2],
            slope_interval(widths, gaps)[1],
        ),
        "The lower end comes before the upper one.",
        lambda widths, gaps: (slope_interval(widths, gaps)[0], _t(0.995)(_slopes(widths, gaps))),
        "Return the two ends, not half the width of the interval.",
    ),
    after="The mean slope alone is a number; with its interval it is a measurement that can contradict a theory.",
)


def _slopes(widths, gaps):
    return np.array([decay_rate(widths, row) for row in gaps])


exercise_12 = proof(
    *Card("1.12", "Proposition 4.1 from its lines", points=4, difficulty=3, minutes=8),
    lines={
        "D": (
            r"With $u_i = w_{0,i}^\top x$ and $h_i = (w_i - w_{0,i})^\top x$: "
            r"$f - f_0 = \sum_i a_i\big(\sigma(u_i + h_i) - \sigma(u_i) - \sigma'(u_i)h_i\big)$.",
            "",
        ),
        "G": (
            r"σ is β-smooth: $\lvert\sigma'(u + s) - \sigma'(u)\rvert \le \beta\lvert s\rvert$ for all $u$ and $s$.",
            "",
        ),
        "B": (
            r"$\big\lvert\sigma(u + h) - \sigma(u) - \sigma'(u)h\big\rvert "
            r"= \big\lvert\int_0^h \big(\sigma'(u + s) - \sigma'(u)\big)\,ds\big\rvert \le \tfrac\beta2 h^2$.",
            "G",
        ),
        "H": (
            r"$\lvert f - f_0\rvert \le \sum_i \lvert a_i\rvert\,\tfrac\beta2 h_i^2 "
            r"= \tfrac\beta2 \sum_i h_i^2$, since $\lvert a_i\rvert = 1$.",
            "D B",
        ),
        "C": (
            r"$h_i^2 \le \lVert w_i - w_{0,i}\rVert^2\,\lVert x\rVert^2 \le \lVert w_i - w_{0,i}\rVert^2$ "
            r"by Cauchy–Schwarz and $\lVert x\rVert \le 1$.",
            "D",
        ),
        "F": (
            r"$\lvert f - f_0\rvert \le \tfrac\beta2\sum_i\lVert w_i - w_{0,i}\rVert^2 "
            r"= \tfrac\beta2\lVert W - W_0\rVert_F^2$.",
            "H C",
        ),
    },
    flaws={
        "A": (
            r"$\sigma(u + h) - \sigma(u) - \sigma'(u)h = \int_u^{u+h} \sigma''(t)\,\frac{(u + h - t)^2}{2}\,dt$.",
            "this is the slide's remainder, which belongs to one more derivative. It would make the gap a third power "
            "of h, and asks for a second derivative that a β-smooth σ need not have.",
        ),
        "E": (
            r"The signs $a_i$ are random, so that $\big\lvert\sum_i a_i h_i^2\big\rvert$ "
            r"is about $\big(\sum_i h_i^4\big)^{1/2}$.",
            "the proposition holds for any W, also for one that was chosen after the signs were seen. Nothing in it is "
            "random.",
        ),
        "I": (
            r"$\sum_i h_i^2 \le \big(\sum_i\lvert h_i\rvert\big)^2 \le m\sum_i h_i^2$.",
            "true, and it leads away: the width m would come into a bound that has none.",
        ),
        "J": (
            r"$h_i^2 = \lVert w_i - w_{0,i}\rVert^2\,\lVert x\rVert^2$.",
            "equal it is only for a row that moves along x. What is across x changes nothing.",
        ),
    },
    goal="F",
    missing={
        "D": "it speaks of the steps h_i, which nothing above it defines or brings into f − f0.",
        "G": "it bounds a difference of slopes, and nothing above it says how fast a slope may change.",
        "B": "it bounds each neuron's miss by a parabola, which nothing above it gives.",
        "H": "it starts from |f − f0|, which nothing above it bounds by the steps.",
        "C": "it turns the steps into movements of rows, which nothing above it compares.",
    },
    after="Nothing in it is random, and the width does not appear.",
)


EXERCISES = (
    exercise_2,
    exercise_3(),
    exercise_4,
    exercise_7(),
    exercise_8,
    exercise_9,
    exercise_10,
    exercise_11,
    exercise_12,
)


WRITTEN = (
    Written(
        *Card("1.13", "a sharper bound of your own", points=6, difficulty=4, minutes=12),
        rubric=(
            (
                2,
                r"sums the steps before bounding them: "
                r"$\sum_i h_i^2 = \lVert (W - W_0)x\rVert^2 \le \lVert W - W_0\rVert^2$",
            ),
            (
                2,
                "says why it is never weaker, and for which moves nothing is gained: those of rank one, such as the "
                "one that reaches the bound",
            ),
            (
                2,
                "gives a number for the isotropic move, and says what still separates the new bound from what was "
                "measured (cancelling signs, neurons that bend less than β)",
            ),
        ),
        model=r"""In the proof each $h_i^2$ is bounded alone, and the bounds are added up. Added up first, the steps are
the entries of one vector, $h = (W - W_0)x$, so that

$$\lvert f - f_0\rvert \le \tfrac\beta2\sum_i h_i^2 = \tfrac\beta2\lVert(W - W_0)x\rVert^2
  \le \tfrac\beta2\lVert W - W_0\rVert^2 \qquad(\lVert x\rVert \le 1)$$

with the spectral norm. It is never weaker, because the squared Frobenius norm is the sum of *all* squared singular
values and this is the largest of them alone. Nothing is gained where there is only one: when all rows move along $x$,
as in the move that reaches the bound. An isotropic move with $m = 200$, $d = 10$ has a largest singular value of about
$B(\sqrt m + \sqrt d)/\sqrt{md}$, squared $0.15\,B^2$: the new bound is about 7 times smaller. The gap itself is smaller
still: this $x$ sees only a tenth of the squared movement, not the largest share; the signs $a_i$ cancel; and most
neurons bend less than β. <!-- derived: 0.15 = (sqrt(200) + sqrt(10))**2/(200*10);
7 = (200*10)/(sqrt(200) + sqrt(10))**2 -->""",
    ),
)


PREDICTIONS = (
    Prediction(
        "1/missed",
        "Every weight moves by about 0.1, a tenth of its own size. How much of the change of $f$ will the "
        "tangent miss?",
        right="about a tenth",
        options=(
            (
                "most of it",
                "Fifty neurons with five weights each, and all of them move: it sounds like a lot. But each neuron's "
                "input moves by about 0.1 only, and over such a step tanh is nearly straight.",
            ),
            (
                "about a tenth",
                "Yes. The move changed $f$ by −0.23, and the tangent missed 0.03 of it. The miss goes with the "
                "square of "
                "a step, the change with the step itself.",
            ),
            (
                "about a thousandth",
                "The square of a small step is small, but a thousandth would take steps ten times smaller still, or a "
                "tanh that bends less: the tangent missed 0.03 of 0.23.",
            ),
        ),
    ),
    Prediction(
        "1/linear",
        "$f_0$ is called *linear*. For which function $g$ does $g\\big(\\tfrac{u+v}{2}\\big) = \\tfrac{g(u) + "
        "g(v)}{2}$ "
        "hold exactly: for $f_0$ as a function of the weights, of the input, or of either?",
        right="of the weights only",
        options=(
            (
                "of either",
                "“Linear” says nothing of in what. But $x$ also sits inside $\\sigma(w_{0,i}^\\top x)$: in the "
                "input the rule "
                "fails by 1.7 on average.",
            ),
            ("of the weights only", "Yes. $W$ enters through $(w_i - w_{0,i})^\\top x$ alone, to the first power."),
            (
                "of the input only",
                "A tangent to a curve is a straight line over the curve's own axis. Here that axis is $W$: the tangent "
                "was taken with respect to the weights, for each $x$ anew.",
            ),
        ),
    ),
    Prediction(
        "1/bends",
        "Which of these bends most, that is: has the largest $\\lvert\\sigma''\\rvert$ somewhere?",
        right="GELU",
        options=(
            (
                "sigmoid",
                "It looks like a switch, but a slow one: it needs a stretch of about ten to get from 0 to 1. "
                "Its β of 0.096 is "
                "the smallest of the seven.",
            ),
            (
                "tanh",
                "Nearly: 0.770. It is a sigmoid, twice as high and twice as fast, which makes β eight times as large.",
            ),
            ("GELU", "Yes, by a hair: 0.798 at zero, where it turns from flat to steep; tanh has 0.770."),
            ("SiLU", "It turns from flat to steep as GELU does, and takes more room for it: 0.5."),
        ),
    ),
    Prediction(
        "1/doubled",
        "The parabola is to follow from the slide's integral, with $\\lvert f''\\rvert \\le \\beta$. When a short step "
        "$h = x - a$ is doubled, how does that integral grow?",
        right="8 times",
        options=(
            (
                "4 times",
                "So it should, if a parabola is to come out, and so does what the tangent really leaves. But "
                "count the powers "
                "of $h$ in the integral: two in the weight, one from the length of the way.",
            ),
            ("8 times", "Yes: it is of the order of $h^3$. No parabola can come out of it."),
            ("2 times", "The way gets twice as long, and the weight $(x - t)^2/2$ four times as large on top of it."),
        ),
    ),
    Prediction(
        "1/huber",
        "*Huber* is $z^2/2$ up to $\\lvert z\\rvert = 1$ and straight beyond: its second derivative jumps from 1 to 0. "
        "How much of its envelope, with β = 1, can it use at best?",
        right="all of it",
        options=(
            (
                "nothing can be said: it has no second derivative",
                "At two points it has none, and the integral over $f''$ is not allowed to ask. But its slope is "
                "Lipschitz with β = 1, which is all that the envelope needs.",
            ),
            (
                "about half",
                "So it is for a step from the middle to far outside. A step that stays within $[-1, 1]$ does better.",
            ),
            ("all of it", "Yes: inside $[-1, 1]$ Huber *is* the parabola."),
        ),
    ),
    Prediction(
        "1/record",
        "Three thousand random moves of one tanh net, a third of each kind. Which kind holds the record, the move that "
        "comes closest to the bound?",
        right="one neuron moves alone",
        options=(
            (
                "all rows move along x",
                "They waste nothing across $x$, and typically do best: 4 % of the bound. But 200 neurons of both signs "
                "cancel, and their record is 23 %.",
            ),
            ("all weights move alike", "Most of such a move is across $x$ and what is left cancels: 2 % at best."),
            (
                "one neuron moves alone",
                "Yes, with 68 %: it has no partner of the other sign to cancel with. Typically it is worse than rows "
                "along $x$, since its direction is random and mostly across $x$.",
            ),
        ),
    ),
    Prediction(
        "1/reached",
        "None of 3000 moves came closer to the bound than 68 %. Could the constant $\\beta/2$ be made smaller?",
        right="no, some move of some net reaches it",
        options=(
            (
                "yes, there is room for every net",
                "Three thousand moves of one net are no proof: all of them were random, and nobody searched.",
            ),
            (
                "only in the limit of wide nets",
                "Signs cancel in a wide net that moves at random. A net whose signs are all +1 cancels nothing, "
                "at any width.",
            ),
            (
                "no, some move of some net reaches it",
                "Yes: a parabola with all signs +1 and all rows along $x$ reaches it exactly.",
            ),
        ),
    ),
    Prediction(
        "1/wider",
        "The worst move's gap falls as $m^{-1/2}$, with $B$ fixed. How does that of a *random* move of the same "
        "length fall?",
        right="faster, as 1/m",
        options=(
            (
                "as m^(−1/2) too",
                "That is the guarantee, the same for every move. But the signs of a random move are random too, and "
                "the sum of $m$ of them is only $\\sqrt m$.",
            ),
            (
                "faster, as 1/m",
                "Yes: slope −1.0 against −0.5. At 300 000 neurons the worst move is thousands of times worse.",
            ),
            (
                "not at all: more neurons, more misses",
                "There are more of them, but each one moves less: the length $B$ is shared by all.",
            ),
        ),
    ),
)
