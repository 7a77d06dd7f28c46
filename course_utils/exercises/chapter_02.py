"""Exercises of Chapter 2, ReLU sign flips."""

import numpy as np

from course_utils.exercises import Card, Exercise, Variants, slips

# Where 1 is the chapter's own.
_SCALES = tuple(n / 20 for n in range(11, 60) if n != 20)


def _small_net(rng):
    m, d = rng.integers(1, 6), rng.integers(1, 4)
    return {
        "x": np.round(rng.normal(size=d), 1),
        "W": np.round(rng.normal(size=(m, d)), 1),
        "W0": np.round(rng.normal(size=(m, d)), 1),
        "a": rng.choice([-1.0, 1.0], size=m),
    }


def relu_linearization(x, W, W0, a):
    # Or `return (W0 @ x >= 0) * (W @ x) @ a`: an inner product is symmetric.
    return a @ ((W0 @ x >= 0) * (W @ x))


exercise_1 = Exercise(
    *Card("2.1", "the linearization of a ReLU network", points=2, difficulty=2, minutes=5),
    cases=_small_net,
    reference=relu_linearization,
    edge_cases=(
        # A neuron that starts exactly at zero counts as on.
        {"x": np.array([1.0, 1.0]), "W": np.array([[1.0, 1.0]]), "W0": np.array([[1.0, -1.0]]), "a": np.array([1.0])},
    ),
    misconceptions=slips(
        lambda x, W, W0, a: a @ np.maximum(W @ x, 0),
        "This is the network f itself: you have switched neurons by W @ x. The tangent keeps the switches of W0.",
        lambda x, W, W0, a: a @ np.maximum(W0 @ x, 0),
        "This is f at W0, which never moves. The switches are those of W0, but the input of each is W @ x.",
        lambda x, W, W0, a: a @ np.maximum(W0 @ x, 0) + a @ ((W0 @ x >= 0) * (W @ x)),
        "The value at W0 is counted twice: by homogeneity it is already contained in the second sum.",
        lambda x, W, W0, a: a @ ((W0 @ x > 0) * (W @ x)),
        "Right except where a neuron starts exactly at zero, which counts as on here: ≥, not >.",
        lambda x, W, W0, a: np.sum((W0 @ x >= 0) * (W @ x)),
        "Every neuron enters with its sign a_i; you have added them without.",
        lambda x, W, W0, a: relu_linearization(x, W0, W, a),
        "W and W0 are swapped: the switches are those of W0, and they pass W @ x.",
        lambda x, W, W0, a: relu_linearization(x, W - W0, W0, a),
        "This is only the change since W0. The tangent starts at f(x; W0), and both sums together have W @ x.",
        lambda x, W, W0, a: a @ (W @ x),
        "No neuron is switched off. Those with W0 @ x below zero pass nothing.",
        lambda x, W, W0, a: a @ ((W0 @ x < 0) * (W @ x)),
        "You have kept the neurons that are off at W0. Those that are on pass their input.",
        lambda x, W, W0, a: a @ np.maximum(W @ x, 0) - relu_linearization(x, W, W0, a),
        "This is the gap f − f0. Asked is f0 alone.",
    ),
    after="No constant term is left: for ReLU the linearization is linear in W, not only affine.",
)


def _pre_activations(rng):
    m = rng.integers(1, 7)
    return {
        "u0": np.round(rng.normal(size=m), 1),
        "u": np.round(rng.normal(size=m), 1),
        "a": rng.choice([-1.0, 1.0], size=m),
    }


def flip_gap(u0, u, a):
    # Or `flipped = (u > 0) != (u0 >= 0)`: u = 0 contributes nothing either way.
    flipped = (u >= 0) != (u0 >= 0)
    return np.sum((a * np.abs(u))[flipped])


exercise_2 = Exercise(
    *Card("2.2", "the gap from the flips alone", points=3, difficulty=2, minutes=8),
    cases=_pre_activations,
    reference=flip_gap,
    edge_cases=({"u0": np.array([0.0, -1.0]), "u": np.array([-2.0, 0.0]), "a": np.array([1.0, 1.0])},),
    misconceptions=slips(
        lambda u0, u, a: -flip_gap(u0, u, a),
        "The sign is turned round: now minus before, 1{u ≥ 0} − 1{u0 ≥ 0}.",
        lambda u0, u, a: np.sum(a * u0 * ((u >= 0) * 1.0 - (u0 >= 0))),
        "The switch multiplies the input of now, u, not u0.",
        lambda u0, u, a: np.sum(a * u * ((u > 0) * 1.0 - (u0 > 0))),
        "Right except where a neuron starts exactly at zero, which counts as on: ≥, not >.",
        lambda u0, u, a: a @ (np.maximum(u, 0) - np.maximum(u0, 0)),
        "This is how much f has changed. The gap is what the tangent has missed of that change.",
        lambda u0, u, a: np.sum(u * ((u >= 0) * 1.0 - (u0 >= 0))),
        "Every neuron enters with its sign a_i; you have added them without.",
        lambda u0, u, a: np.sum((u >= 0) != (u0 >= 0)),
        "You have counted the flips. Each one contributes a_i u_i times plus or minus one.",
        lambda u0, u, a: np.sum((a * u)[(u >= 0) != (u0 >= 0)]),
        "A neuron that switches off counts with minus: −u_i, which is |u_i|.",
        lambda u0, u, a: np.sum(a[(u >= 0) != (u0 >= 0)]),
        "You have added the signs of the flipped neurons. Each enters with a_i |u_i|.",
        lambda u0, u, a: np.sum((a * (u - u0))[(u >= 0) != (u0 >= 0)]),
        "The switch multiplies the input of now, u, not the change u − u0.",
        lambda u0, u, a: np.sum((a * np.abs(u))[u * u0 < 0]),
        "A neuron at exactly zero is missed by the sign of a product: zero counts as on.",
        lambda u0, u, a: np.sum((a * np.abs(u))[(u >= 0) == (u0 >= 0)]),
        "These are the neurons that kept their side: for them f and its tangent agree.",
    ),
    after="Whichever way a neuron flips, its term is a_i |u_i|: only the signs a_i can cancel.",
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
    *Card("2.3", "how large is the bad set?", points=3, difficulty=2, minutes=10),
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
    *Card("2.4", "spend the budget on far moves", points=3, difficulty=3, minutes=10),
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


def exercise_5(c=1):
    """A neuron starts within τ of zero with probability at most ``c`` τ."""

    def best_tau(m, B):
        return (2 * B**2 / (c * m)) ** (1 / 3)

    slope = "m" if c == 1 else f"{c} m"
    slips_with_c = ()
    if c != 1:
        slips_with_c = (
            exercise_5().reference,
            f"This is where m τ + B²/τ² is smallest. Your sum has {c} in front of m τ.",
            lambda m, B: (2 * B**2 / m) ** (1 / 3) / c,
            f"The equation is one for τ³, so the factor {c} goes below the cube root with the rest.",
        )
    return Exercise(
        *Card("2.5", "the best τ", points=2, difficulty=2, minutes=7),
        cases=lambda rng: {"m": int(rng.integers(10, 100_000)), "B": round(rng.uniform(0.5, 5), 1)},
        reference=best_tau,
        rtol=1e-6,  # a numerical minimiser cannot do better than the root of the rounding error
        misconceptions=slips(
            *slips_with_c,
            lambda m, B: (B**2 / (c * m)) ** (1 / 3),
            f"Here both terms are equal. The sum is smallest where their slopes cancel: {slope} = 2B²/τ³.",
            lambda m, B: (2 * B**2 / (c * m)) ** (1 / 2),
            "The derivative of B²/τ² is −2B²/τ³, so that a cube root is needed.",
            lambda m, B: c * m * best_tau(m, B) + B**2 / best_tau(m, B) ** 2,
            "This is the smallest value of the sum. The question is where it is reached.",
            lambda m, B: (2 * B / (c * m)) ** (1 / 3),
            "The budget enters squared: B²/τ² neurons, not B/τ.",
            lambda m, B: 2 * B**2 / (c * m) / 3,
            "`** 1 / 3` is a power of one, divided by three: the exponent needs its brackets, `** (1 / 3)`.",
            lambda m, B: (2 * B**2 / (c * m)) ** (1 / 4),
            "The equation has τ³: a cube root, not a fourth one.",
            lambda m, B: B / np.sqrt(c * m),
            "At this τ the second term alone is the number of neurons. Set the derivative of the sum to zero.",
            lambda m, B: 2 * (B**2 / (c * m)) ** (1 / 3),
            "The 2 belongs below the cube root.",
        ),
        after="τ shrinks as m^(−1/3): wide networks are judged by a thin strip.",
        variants=Variants(_SCALES, exercise_5, example={"m": 100_000, "B": 3}),
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
        *Card("2.6", "the chance of a flip", points=3, difficulty=4, minutes=10),
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
        after=f"{where} the network of (★), s = B/√(md). Multiply by its neurons: so many flips are to be expected; "
        "you can compare them with those that we counted.",
        variants=Variants(_SCALES, exercise_6),
    )


EXERCISES = (exercise_1, exercise_2, exercise_3, exercise_4, exercise_5(), exercise_6())
