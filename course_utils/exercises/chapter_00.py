"""Exercise of "Start here": the distance that the whole course measures."""

import numpy as np

from course_utils.exercises import Card, Exercise, Prediction, slips


def _two_matrices(rng):
    shape = rng.integers(1, 4), rng.integers(1, 4)
    return {"W": np.round(rng.normal(size=shape), 1), "W0": np.round(rng.normal(size=shape), 1)}


def movement(W, W0):
    return np.sqrt(np.sum((W - W0) ** 2))


exercise_1 = Exercise(
    *Card("0.1", "how far did the weights move?", points=1, difficulty=1, minutes=3),
    cases=_two_matrices,
    reference=movement,
    edge_cases=({"W": np.array([[3.0, 0.0], [0.0, 4.0]]), "W0": np.zeros((2, 2))},),
    misconceptions=slips(
        lambda W, W0: np.sum((W - W0) ** 2),
        "You have the squared distance ‖W − W0‖²: one square root is missing.",
        lambda W, W0: np.linalg.norm(W - W0, 2),
        "You have the largest singular value (the spectral norm). The Frobenius norm counts every entry.",
        lambda W, W0: np.linalg.norm(W) - np.linalg.norm(W0),
        "A difference of two lengths is not the length of the difference: subtract first, then measure.",
        lambda W, W0: np.sum(np.abs(W - W0)),
        "You have added absolute values. The Frobenius norm squares, adds, and takes the root.",
        lambda W, W0: np.abs(W - W0).max(),
        "This is the largest move of a single weight. The Frobenius norm counts all of them.",
        lambda W, W0: np.sqrt(np.mean((W - W0) ** 2)),
        "You have taken the mean of the squares. The Frobenius norm takes their sum.",
        lambda W, W0: np.linalg.norm(W + W0),
        "A move is a difference: W − W0.",
        lambda W, W0: np.linalg.norm(W),
        "This is how far W is from zero. Subtract W0 first.",
        lambda W, W0: np.sum(W - W0),
        "Moves up and down cancel in a sum. Square each before you add.",
        lambda W, W0: np.linalg.norm(W - W0, "nuc"),
        "This is the sum of the singular values. The Frobenius norm is the root of the sum of their squares.",
    ),
    after="This number, ‖W − W0‖_F, is called B in every chapter that follows.",
)


EXERCISES = (exercise_1,)

PREDICTIONS = (
    Prediction(
        "0/size",
        "How large is a typical pre-activation $w^\\top x$: does it depend on how many entries $x$ has?",
        right="about 1 in both cases",
        options=(
            (
                "it grows with the number of entries",
                "More terms are added, but each is smaller: $x$ has norm 1, so that its entries are $1/\\sqrt d$.",
            ),
            (
                "about 1 in both cases",
                "A Gaussian vector looks the same from every side, so each $w^\\top x$ is a standard normal number.",
            ),
            (
                "it falls with the number of entries",
                "Each term is smaller, but there are more of them: variances add up to $\\lVert x\\rVert^2 = 1$.",
            ),
        ),
    ),
)
