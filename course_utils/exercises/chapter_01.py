"""Exercises of Chapter 1, Taylor bounds."""

from math import ceil, sqrt

import numpy as np

from course_utils.exercises import Card, Exercise, Variants, slips

_BLOCKS = range(3, 43)
_BETA_OF_TANH = 4 / (3 * sqrt(3))


def _small_net(rng):
    m, d = rng.integers(1, 5), rng.integers(1, 4)
    return {
        "x": np.round(rng.normal(size=d), 1),
        "W": np.round(rng.normal(size=(m, d)), 1),
        "W0": np.round(rng.normal(size=(m, d)), 1),
        "a": rng.choice([-1.0, 1.0], size=m),
    }


def linearized_net(x, W, W0, a):
    u0 = W0 @ x
    slope = 1 - np.tanh(u0) ** 2
    # Or `return (np.tanh(u0) + slope * ((W - W0) @ x)) @ a`: an inner product is symmetric.
    return a @ (np.tanh(u0) + slope * ((W - W0) @ x))


exercise_1 = Exercise(
    *Card("1.1", "write the linearization", points=3, difficulty=2, minutes=10),
    cases=_small_net,
    reference=linearized_net,
    misconceptions=slips(
        lambda x, W, W0, a: a @ (np.tanh(W0 @ x) + (1 - np.tanh(W @ x) ** 2) * ((W - W0) @ x)),
        "You have taken the slope at W @ x. A tangent keeps the slope of the point where it touches: W0 @ x.",
        lambda x, W, W0, a: a @ ((1 - np.tanh(W0 @ x) ** 2) * ((W - W0) @ x)),
        "This is only the change. A tangent starts at the function's own value: add f(x; W0).",
        lambda x, W, W0, a: a @ (np.tanh(W0 @ x) + (1 - np.tanh(W0 @ x) ** 2) * (W @ x)),
        "You have multiplied the slope by W @ x. It multiplies the move, (W − W0) @ x.",
        lambda x, W, W0, a: np.sum(np.tanh(W0 @ x) + (1 - np.tanh(W0 @ x) ** 2) * ((W - W0) @ x)),
        "Every neuron enters with its sign a_i; you have added them without.",
        lambda x, W, W0, a: a @ np.tanh(W @ x),
        "This is the network f itself. Asked is its tangent at W0.",
        lambda x, W, W0, a: a @ np.tanh(W0 @ x),
        "This is the value at W0. The tangent moves on from there with the slope.",
        lambda x, W, W0, a: linearized_net(x, W0, W, a),
        "W and W0 are swapped: the tangent touches at W0.",
        lambda x, W, W0, a: a @ (np.tanh(W0 @ x) + (1 - np.tanh(W0 @ x)) * ((W - W0) @ x)),
        "The slope of tanh is 1 − tanh², with the square.",
        lambda x, W, W0, a: a @ (np.tanh(W0 @ x) + (1 + np.tanh(W0 @ x) ** 2) * ((W - W0) @ x)),
        "The slope of tanh is 1 − tanh², with a minus: it falls away from zero.",
        lambda x, W, W0, a: a @ (np.tanh(W0 @ x) - (1 - np.tanh(W0 @ x) ** 2) * ((W - W0) @ x)),
        "The move is turned round: W − W0 is added, with the slope.",
        lambda x, W, W0, a: a @ (np.tanh(W0 @ x) + (W - W0) @ x),
        "You have taken the slope 1 of tanh at zero. At W0 @ x it is 1 − tanh².",
        lambda x, W, W0, a: a @ np.tanh(W @ x) - linearized_net(x, W, W0, a),
        "This is what the tangent misses, f − f0. Asked is f0.",
    ),
    after="Only the slope at W0 is needed: f0 never looks at the activation anywhere else.",
)


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
        *Card("1.3", "how far may one step?", points=1, difficulty=1, minutes=5),
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
    *Card("1.4", "the remainder, as an integral", points=3, difficulty=3, minutes=10),
    cases=_interval,
    reference=remainder,
    rtol=1e-5,
    atol=1e-6,
    edge_cases=({"second_derivative": np.exp, "a": 0.0, "x": 1.0}, {"second_derivative": np.exp, "a": 1.0, "x": 0.0}),
    misconceptions=slips(
        lambda second_derivative, a, x: _integral(lambda t: second_derivative(t) * (x - t) ** 2 / 2, a, x),
        "This is the slide's (x − t)²/2, which belongs to an expansion one order higher. "
        "What is left after one derivative has (x − t).",
        lambda second_derivative, a, x: abs(remainder(second_derivative, a, x)),
        "A remainder has a sign: drop the absolute value.",
        lambda second_derivative, a, x: remainder(second_derivative, a, x) * (1 if x >= a else -1),
        "Right where x ≥ a. Left of it either the ends were sorted, or the weight is |x − t|: the integral runs "
        "backwards there, and (x − t) is negative.",
        lambda second_derivative, a, x: _integral(lambda t: second_derivative(t) * (t - a), a, x),
        "Either the weight is (t − a), or a and x are exchanged. It is the distance to the end point, (x − t): early "
        "curvature counts longest.",
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
    after="Bounding f'' by β under this integral gives β(x − a)²/2 at once.",
)


def _unit_input(rng):
    m, d = rng.integers(1, 5), rng.integers(1, 4)
    x = rng.normal(size=d)
    if not x.any():  # it has length 1, whatever is drawn
        x[0] = 1
    return {"W0": np.round(rng.normal(size=(m, d)), 1), "x": x / np.linalg.norm(x), "B": round(rng.uniform(0.5, 3), 1)}


def tight_move(W0, x, B):
    m = W0.shape[0]
    # Or `return W0 - B / np.sqrt(m) * x`: the bound is reached on both sides.
    return W0 + B / np.sqrt(m) * x


def _is_tight(W, case):
    W0, x, B = case["W0"], case["x"], case["B"]
    if W.shape != W0.shape:
        return f"W has shape {W.shape}, W0 has shape {W0.shape}: they must be the same."
    length = np.linalg.norm(W - W0)
    if not np.isclose(length, B, rtol=1e-5):
        return f"Your W lies at distance {length:.6g} from W0; it should be at B = {B:.6g}."
    gap = 0.5 * np.sum(((W - W0) @ x) ** 2)
    if not np.isclose(gap, B**2 / 2, rtol=5e-5):
        return (
            f"The distance is right, but the gap is {gap:.6g} and the bound {B**2 / 2:.6g}: "
            "some of the movement is across x, where it changes nothing."
        )
    return None


exercise_5 = Exercise(
    *Card("1.5", "a move that reaches the bound", points=3, difficulty=3, minutes=10),
    cases=_unit_input,
    reference=tight_move,
    property=_is_tight,
    misconceptions=slips(
        lambda W0, x, B: W0 + B * x,
        "Every row has moved by B, so that the whole matrix has moved by B√m. Share the budget among the rows.",
        lambda W0, x, B: W0 * (1 + B / np.linalg.norm(W0)),
        "You have moved along W0 itself. Only movement along x changes what a neuron sees.",
        lambda W0, x, B: W0 + B / W0.shape[0] * x,
        "Lengths add in squares: m rows that move by B/m give B/√m in all, not B.",
    ),
    after="One row, a few, or all: for a parabola it does not matter who moves, only that all of it is along x.",
)


def _width_question(rng):
    # An answer next to a whole number would hang on the order in which a student multiplies.
    while True:
        case = {
            "beta": round(rng.uniform(0.1, 1), 2),
            "B": round(rng.uniform(1, 5), 1),
            "eps": round(rng.uniform(0.01, 0.2), 3),
        }
        exact = (case["beta"] * case["B"] ** 2 / (2 * case["eps"])) ** 2
        if 0.01 < exact % 1 < 0.99:
            return case


def exercise_6(k=1):
    """Neurons come in blocks of ``k``."""

    def width_needed(beta, B, eps):
        return k * ceil((beta * B**2 / (2 * eps)) ** 2 / k)

    block, whole = ("neuron", "a whole one") if k == 1 else ("block", f"whole blocks of {k}")
    slips_with_k = ()
    if k != 1:
        slips_with_k = (
            exercise_6().reference,
            f"Enough neurons, but they come in blocks of {k}: round up to whole blocks.",
            lambda beta, B, eps: width_needed(beta, B, eps) // k,
            f"This is the number of blocks. Return the number of neurons, {k} in each.",
        )
    more_slips = ()
    if k == 1:  # in blocks these give the same numbers as others
        more_slips = (
            lambda beta, B, eps: round((beta * B**2 / (2 * eps)) ** 2),
            "The nearest whole number may be one too few: round up.",
            lambda beta, B, eps: int((beta * B**2 / (2 * eps)) ** 2) + 1,
            "Right unless the bound is met by a whole number, which is then wide enough: round up with a ceiling.",
            lambda beta, B, eps: ceil(sqrt(beta * B**2 / (2 * eps))),
            "√m is the fraction: square it, and take no root.",
            lambda beta, B, eps: ceil((B**2 / (2 * eps)) ** 2),
            "β is missing: a smoother activation needs fewer neurons.",
            lambda beta, B, eps: ceil(beta * B**2 / (2 * eps)) ** 2,
            "You have rounded before squaring, which asks for too many: square first, then round up.",
            lambda beta, B, eps: ceil(beta * (B**2 / (2 * eps)) ** 2),
            "β is squared with the rest.",
        )
    return Exercise(
        *Card("1.6", "how wide is wide enough?", points=2, difficulty=2, minutes=5),
        cases=_width_question,
        reference=width_needed,
        whole=True,
        edge_cases=({"beta": 1.0 * k, "B": 1.0, "eps": 0.25},),  # exactly 4k blocks
        misconceptions=slips(
            *slips_with_k,
            lambda beta, B, eps: (beta * B**2 / (2 * eps)) ** 2,
            f"This is the right number, but there are no fractions of a neuron: round up to {whole}.",
            lambda beta, B, eps: k * ceil(beta * B**2 / (2 * eps) / k),
            "The gap falls with the square root of m: solve for √m first, then square.",
            lambda beta, B, eps: k * int((beta * B**2 / (2 * eps)) ** 2 / k),
            f"One {block} too few: the guarantee has to hold, so round up.",
            lambda beta, B, eps: k * ceil((beta * B**2 / eps) ** 2 / k),
            "Four times too many: the half of β/2 is squared as well.",
            lambda beta, B, eps: k * ceil((beta * B / (2 * eps)) ** 2 / k),
            "The movement enters as B², and is then squared once more with the rest.",
            *more_slips,
        ),
        after="Half the error costs four times the neurons; twice the movement costs sixteen times as many.",
        variants=Variants(_BLOCKS, exercise_6, example={"beta": _BETA_OF_TANH, "B": 1, "eps": 0.01}),
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
        *Card("1.7", "read a rate off a log-log plot", points=2, difficulty=2, minutes=10),
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


EXERCISES = (exercise_1, exercise_2, exercise_3(), exercise_4, exercise_5, exercise_6(), exercise_7())
