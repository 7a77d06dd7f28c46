"""Exercises of Chapter 5, learning without a backward pass."""

from math import ceil

import numpy as np

from course_utils.exercises import Card, Exercise, slips


def _one_perturbation(rng):
    n, sigma, E = int(rng.integers(1, 5)), round(rng.uniform(0.1, 0.6), 2), round(rng.uniform(0, 4), 1)
    Omega = np.round(rng.normal(scale=sigma, size=n), 2)
    return {
        "E_perturbed": round(E + rng.normal(scale=0.3), 2),
        "E": E,
        "Omega": np.where(Omega == 0, 0.01, Omega),  # some people divide by it
        "sigma": sigma,
    }


def one_estimate(E_perturbed, E, Omega, sigma):
    return (E_perturbed - E) * Omega / sigma**2


exercise_1 = Exercise(
    *Card("5.1", "one perturbation, one estimate", points=1, difficulty=1, minutes=5),
    cases=_one_perturbation,
    reference=one_estimate,
    misconceptions=slips(
        lambda E_perturbed, E, Omega, sigma: (E_perturbed - E) * Omega,
        "This estimates σ² times the gradient: divide by σ².",
        lambda E_perturbed, E, Omega, sigma: (E_perturbed - E) * Omega / sigma,
        "Once by σ is not enough: the difference and Ω are both of the size of σ, so divide by σ².",
        lambda E_perturbed, E, Omega, sigma: E_perturbed * Omega / sigma**2,
        "Right on average, and far too noisy: subtract the unperturbed loss E first.",
        lambda E_perturbed, E, Omega, sigma: (E - E_perturbed) * Omega / sigma**2,
        "The sign is turned round: a perturbation that raises the loss points uphill.",
        lambda E_perturbed, E, Omega, sigma: (E_perturbed - E) / Omega,
        "A difference quotient for each coordinate would need each of them to be moved alone. "
        "Multiply by Ω: then the average sorts them out.",
        lambda E_perturbed, E, Omega, sigma: (E_perturbed - E) * np.sign(Omega) / sigma,
        "You have kept the signs of Ω only. Its size counts too: multiply by Ω, and divide by σ².",
        lambda E_perturbed, E, Omega, sigma: (E_perturbed - E) * Omega / (Omega @ Omega),
        "‖Ω‖² is about nσ², n times what is to divide: σ², the variance of one coordinate.",
        lambda E_perturbed, E, Omega, sigma: (E_perturbed + E) * Omega / sigma**2,
        "The change of the loss is a difference: E_perturbed − E.",
        lambda E_perturbed, E, Omega, sigma: (E_perturbed - E) * Omega * sigma**2,
        "You have multiplied by σ². The difference and Ω are both of the size of σ: divide by σ².",
    ),
    after="One number, the change of the loss, has just given an estimate for every weight.",
)


def _batch_of_perturbations(rng):
    K, n, sigma = int(rng.integers(2, 7)), int(rng.integers(1, 4)), round(rng.uniform(0.1, 0.6), 2)
    return {
        "differences": np.round(rng.normal(scale=0.3, size=K), 2),
        "Omega": np.round(rng.normal(scale=sigma, size=(K, n)), 2),
        "sigma": sigma,
    }


def with_error(differences, Omega, sigma):
    rows = differences[:, None] * Omega / sigma**2
    return rows.mean(axis=0), rows.std(axis=0, ddof=1) / np.sqrt(len(rows))


def _spread(differences, Omega, sigma, ddof=1, power=0.5):
    rows = differences[:, None] * Omega / sigma**2
    return rows.mean(axis=0), rows.std(axis=0, ddof=ddof) / len(rows) ** power


def _summed(differences, Omega, sigma):
    mean, error = with_error(differences, Omega, sigma)
    return mean * len(Omega), error * len(Omega)


def _product_of_means(differences, Omega, sigma):
    _, error = with_error(differences, Omega, sigma)
    return differences.mean() * Omega.mean(axis=0) / sigma**2, error


exercise_2 = Exercise(
    *Card("5.2", "many perturbations, and how sure we are", points=2, difficulty=2, minutes=7),
    cases=_batch_of_perturbations,
    reference=with_error,
    misconceptions=slips(
        lambda differences, Omega, sigma: _spread(differences, Omega, sigma, power=0),
        "Your second array is the spread of a single estimate. The mean of K has 1/√K of it.",
        lambda differences, Omega, sigma: _spread(differences, Omega, sigma, ddof=0),
        "The spread around their own mean is a little too small: divide the squares by K − 1 (ddof=1).",
        lambda differences, Omega, sigma: _spread(differences, Omega, sigma, power=1),
        "Independent errors add in squares: divide the spread by √K, not by K.",
        _summed,
        "You have added the K estimates: take their mean.",
        lambda differences, Omega, sigma: (
            _summed(differences, Omega, sigma)[0],
            with_error(differences, Omega, sigma)[1],
        ),
        "The standard error is right. You have added the K estimates: take their mean.",
        lambda differences, Omega, sigma: with_error(differences, Omega, np.sqrt(sigma)),
        "Once by σ is not enough: the difference and Ω are both of the size of σ, so divide by σ².",
        lambda differences, Omega, sigma: with_error(differences, Omega, sigma)[::-1],
        "Both arrays are right, in the other order: first the mean, then its standard error.",
        _product_of_means,
        "The mean of products is not the product of means, which is a K-th of the gradient on average.",
        lambda differences, Omega, sigma: _spread(differences, Omega, sigma, ddof=0, power=0),
        "Your second array is the spread of a single estimate around their own mean. The mean of K has 1/√K of it.",
        lambda differences, Omega, sigma: (
            with_error(differences, Omega, sigma)[0],
            with_error(differences, Omega, sigma)[1] ** 2 * len(Omega),
        ),
        "Your second array is the variance of a single estimate. The standard error is the root of a K-th of it.",
        lambda differences, Omega, sigma: (
            with_error(differences, Omega, sigma)[0],
            with_error(differences, Omega, sigma)[1] ** 2,
        ),
        "Your second array is the variance of the mean. The standard error is its root.",
        lambda differences, Omega, sigma: with_error(differences, Omega, 1.0),
        "Each of the K estimates is divided by σ².",
        lambda differences, Omega, sigma: (
            with_error(differences, Omega, sigma)[0],
            with_error(differences, Omega, sigma)[1] * np.sqrt(len(Omega) / Omega.shape[1]),
        ),
        "You have divided by the root of the number of weights. The mean is over the K perturbations.",
    ),
    after="Without a standard error an estimated gradient is an opinion.",
)


def _width(rng):
    return {"w": round(rng.uniform(-2, 2), 2), "sigma": round(rng.uniform(0.2, 1), 2)}


def smoothed_slope(w, sigma):
    return 4 * w**3 + 12 * w * sigma**2


exercise_3 = Exercise(
    *Card("5.3", "what the estimate is unbiased for", points=2, difficulty=3, minutes=7),
    cases=_width,
    reference=smoothed_slope,
    misconceptions=slips(
        lambda w, sigma: 4 * w**3,
        "This is the slope of the loss itself. The estimate has the mean of the slope at w + Ω.",
        lambda w, sigma: 4 * w**3 + 12 * w * sigma,
        "Right but for one exponent: the variance of Ω is σ².",
        lambda w, sigma: 4 * w**3 + 4 * w * sigma**2,
        "If this is a central difference: it knows only the two moves ±σ. On average over Ω there are three "
        "ways to choose the factor w from (w + Ω)³: its middle term is 3wΩ².",
        lambda w, sigma: w**4 + 6 * w**2 * sigma**2 + 3 * sigma**4,
        "This is the smoothed loss, correctly. The question is its slope.",
        lambda w, sigma: w**3 + 3 * w * sigma**2,
        "This is the mean of (w + Ω)³. The slope of w⁴ is four times a cube.",
        lambda w, sigma: 4 * w**3 + 3 * w * sigma**2,
        "The mean of (w + Ω)³ is w³ + 3wσ². The slope is four times all of it.",
        lambda w, sigma: 4 * w**3 + 6 * w * sigma**2,
        "This is half of the bias: the mean of 4(w + Ω)³ has 4 · 3 w σ².",
        lambda w, sigma: 4 * w**3 + 12 * w**2 * sigma**2,
        "The middle term of the cube is 3wΩ²: w stands there once.",
        lambda w, sigma: 4 * w**3 + 12 * sigma**2,
        "The middle term of the cube is 3wΩ²: its w is missing.",
        lambda w, sigma: 4 * w**3 - 12 * w * sigma**2,
        "The sign is turned round: smoothing w⁴ makes it steeper.",
        lambda w, sigma: w**4,
        "This is the loss. Asked is what the estimate of its slope gives on average.",
        lambda w, sigma: 12 * w * sigma**2,
        "This is the bias. The slope 4w³ is still there: add it.",
        lambda w, sigma: 12 * w**2,
        "This is the second derivative. The estimate has the mean of the first, at w + Ω.",
    ),
    after="The bias 12wσ² vanishes as σ²: half the σ, a quarter of the bias.",
)


def _variance_question(rng):
    return {
        "n": int(rng.integers(1, 1000)),
        "K": int(rng.integers(1, 100)),
        "g_norm": round(rng.uniform(0, 3), 1),
        "E": round(rng.uniform(0, 3), 1),
        "sigma": round(rng.uniform(0.3, 2), 2),  # both parts of the answer count
    }


def variance_without_baseline(n, K, g_norm, E, sigma):
    return ((n + 1) * g_norm**2 + n * E**2 / sigma**2) / K


exercise_4 = Exercise(
    *Card("5.4", "the price of no baseline", points=2, difficulty=2, minutes=6),
    cases=_variance_question,
    reference=variance_without_baseline,
    misconceptions=slips(
        lambda n, K, g_norm, E, sigma: (n + 1) * g_norm**2 / K,
        "This is the variance with baseline. Without it E · Ω/σ² is added to every draw.",
        lambda n, K, g_norm, E, sigma: (n + 1) * g_norm**2 + n * E**2 / sigma**2,
        "This is the variance of one draw; the mean of K has a K-th of it.",
        lambda n, K, g_norm, E, sigma: (n + 1) * g_norm**2 / K + n * E**2 / sigma**2,
        "Averaging helps both terms: divide the second one by K as well.",
        lambda n, K, g_norm, E, sigma: (n + 1) * g_norm**2 + n * E**2 / sigma**2 / K,
        "Averaging helps both terms: divide the first one by K as well.",
        lambda n, K, g_norm, E, sigma: ((n + 1) * g_norm**2 + n * E / sigma) / K,
        "Nearly: a variance is a square, E²/σ² in each coordinate.",
        lambda n, K, g_norm, E, sigma: ((n + 1) * g_norm**2 + E**2 / sigma**2) / K,
        "E · Ω/σ² disturbs each of the n coordinates, with variance E²/σ² in each.",
        lambda n, K, g_norm, E, sigma: ((n + 1) * g_norm**2 + n * E**2 / sigma**4) / K,
        "Ω itself has variance σ², so that E · Ω/σ² has E²/σ² a coordinate.",
        lambda n, K, g_norm, E, sigma: n * E**2 / sigma**2 / K,
        "This is what comes on top. The variance with baseline is still there: add it.",
        lambda n, K, g_norm, E, sigma: ((n + 1) * g_norm + n * E**2 / sigma**2) / K,
        "The variance with baseline is (n + 1)‖g‖², with the square of the norm.",
        lambda n, K, g_norm, E, sigma: ((n + 1) * g_norm**2 + n * E**2 / sigma) / K,
        "E · Ω/σ² has the variance E²/σ² in each coordinate: Ω brings σ² and σ⁴ divides.",
        lambda n, K, g_norm, E, sigma: ((n + 1) * g_norm**2 + n * E / sigma**2) / K,
        "A variance is a square: E², not E.",
        lambda n, K, g_norm, E, sigma: ((n + 1) * g_norm**2 + n * E**2) / K,
        "E · Ω/σ² has the variance E²/σ² in each coordinate: the σ² is missing.",
        lambda n, K, g_norm, E, sigma: (n * g_norm**2 + n * E**2 / sigma**2) / K,
        "The variance with baseline is (n + 1)‖g‖²: along g there is twice as much.",
        lambda n, K, g_norm, E, sigma: ((n + 2) * g_norm**2 + n * E**2 / sigma**2) / K,
        "You have the mean square of the estimate, (n + 2)‖g‖². Its variance is that less ‖g‖².",
    ),
    after="A loss of 2.3 is ten classes guessed at random: every run starts with a large E.",
)


def _target_cosine(rng):
    # An answer next to a whole number would hang on the order in which a student multiplies.
    while True:
        case = {"n": int(rng.integers(5, 100_000)), "c": round(rng.uniform(0.05, 0.98), 2)}
        c = case["c"]
        exact = c**2 * (case["n"] + 1) / (1 - c**2)
        if exact > 2 and 0.01 < exact % 1 < 0.99:
            return case


def draws_needed(n, c):
    return ceil(c**2 * (n + 1) / (1 - c**2))


exercise_5 = Exercise(
    *Card("5.5", "how many forward passes is a gradient worth?", points=2, difficulty=2, minutes=5),
    cases=_target_cosine,
    reference=draws_needed,
    whole=True,
    # The third is 17 exactly: there the law is met with equality. The fourth is 5.0004, and asks for one more.
    edge_cases=(
        {"n": 50, "c": 0.1},
        {"n": 1, "c": 0.5},
        {"n": 50, "c": 0.5},
        {"n": 1383, "c": 0.06},
        {"n": 1210, "c": 0.1},
        {"n": 1_000_000, "c": 0.9},
    ),
    misconceptions=slips(
        lambda n, c: c**2 * (n + 1) / (1 - c**2),
        "The right number, but nobody makes a fraction of a draw: round up to a whole one.",
        lambda n, c: round(c**2 * (n + 1) / (1 - c**2)),
        "You have rounded to the nearest whole number, which is sometimes too small: always round up.",
        lambda n, c: ceil(c * (n + 1) / (1 - c)),
        "The law gives the cosine as a root: square c before you solve for K.",
        lambda n, c: int(c**2 * (n + 1) / (1 - c**2)),
        "One draw too few: the cosine has to reach c, so round up.",
        lambda n, c: ceil(c**2 * (n + 1)),
        "K stands below the fraction as well: K = c²(K + n + 1) has to be solved for K.",
        lambda n, c: ceil((n + 1) / (1 - c**2)),
        "A factor c² is lost: (1 − c²) K = c² (n + 1).",
        lambda n, c: int(c**2 * (n + 1) / (1 - c**2)) + 1,
        "Right unless the law gives a whole number, which is then enough: round up with a ceiling.",
        lambda n, c: ceil(c**2 * n / (1 - c**2)),
        "The law has n + 1 beside K: the variance is (n + 1)‖g‖².",
        lambda n, c: ceil(c**2 * (n - 1) / (1 - c**2)),
        "You have n − 1 beside K. Asked is the law with n + 1, as in the function's first line.",
        lambda n, c: max(1, ceil(c**2 * (n - 1) / (1 - c**2))),
        "You have n − 1 beside K, and at least one draw. Asked is the law with n + 1, as in the function's first line.",
        lambda n, c: ceil(c**2 * (n + 2) / (1 - c**2)),
        "You have n + 2 beside K, which belongs to the mean square of one draw. The law has n + 1.",
        lambda n, c: ceil((1 - c**2) * (n + 1) / c**2),
        "Upside down: a larger cosine needs more draws.",
        lambda n, c: int(c**2 * (n + 1) / (1 - c**2) + 0.999),
        "Right, but for a number just above a whole one: use a ceiling, not a fraction that is nearly 1.",
    ),
    after="For a cosine of 0.71 it takes as many draws as there are parameters.",
)


def _gaussian_rows(rng):
    K = int(rng.integers(1, 5))
    n = K + int(rng.integers(1, 4))
    return {"G": np.round(rng.normal(size=(K, n)), 1), "sigma": round(rng.uniform(0.1, 0.9), 1)}


def orthogonal_rows(G, sigma):
    # Or `return -(sigma * np.sqrt(G.shape[1]) * np.linalg.qr(G.T)[0].T)`: a direction and its opposite.
    return sigma * np.sqrt(G.shape[1]) * np.linalg.qr(G.T)[0].T


def _are_orthogonal(rows, case):
    G, sigma = case["G"], case["sigma"]
    if np.shape(rows) != G.shape:
        return f"Your perturbations have shape {np.shape(rows)}; expected {G.shape}, as G."
    if not np.isfinite(rows).all():
        return "Your perturbations are not finite."
    products = rows @ rows.T
    lengths, wanted = np.sqrt(np.diag(products)), sigma * np.sqrt(G.shape[1])
    if np.abs(lengths - wanted).max() > 1e-5 * wanted:
        found = lengths[np.argmax(np.abs(lengths - wanted))]
        return f"A row has length {found:.6g}; each should have σ√n = {wanted:.6g}."
    largest = np.abs(products - np.diag(np.diag(products))).max()
    if largest > 1e-5 * wanted**2:
        return f"Two rows are not orthogonal: their inner product is {largest:.2g}."
    inside = G @ rows.T @ rows / wanted**2
    if np.abs(inside - G).max() > 1e-4:
        return "Orthogonal, but your rows span other directions than the rows of G: the randomness is lost."
    return None


exercise_6 = Exercise(
    *Card("5.6", "directions that do not overlap", points=3, difficulty=3, minutes=8),
    cases=_gaussian_rows,
    allows=lambda G, sigma: np.linalg.matrix_rank(G) == len(G),
    reference=orthogonal_rows,
    property=_are_orthogonal,
    misconceptions=slips(
        lambda G, sigma: sigma * np.sqrt(G.shape[1]) * G / np.linalg.norm(G, axis=1, keepdims=True),
        "All lengths are right, but independent rows overlap: make each orthogonal to those before it.",
        lambda G, sigma: np.linalg.qr(G.T)[0].T,
        "Orthogonal, with length 1. A Gaussian perturbation has a length of about σ√n.",
        lambda G, sigma: sigma * np.linalg.qr(G.T)[0].T,
        "Orthogonal, with length σ. Each coordinate should have size σ, which makes σ√n for the row.",
        lambda G, sigma: sigma * np.sqrt(G.shape[1]) * np.eye(*G.shape),
        "These are the first K axes: the same weights every time, and never the others. Use G.",
    ),
    after="With K = n the error is 0, and you have reinvented finite differences in a rotated basis.",
)


def _noisy_layer(rng):
    N, h, d, sigma = (*(int(rng.integers(1, 5)) for _ in range(3)), round(rng.uniform(0.1, 0.6), 2))
    return {
        "differences": np.round(rng.normal(scale=0.3, size=N), 2),
        "xi": np.round(rng.normal(scale=sigma, size=(N, h)), 2),
        "x": np.round(rng.normal(size=(N, d)), 1),
        "sigma": sigma,
    }


def node_gradient(differences, xi, x, sigma):
    return (differences[:, None] * xi).T @ x / (len(x) * sigma**2)


exercise_7 = Exercise(
    *Card("5.7", "perturb the nodes", points=3, difficulty=3, minutes=8),
    cases=_noisy_layer,
    reference=node_gradient,
    misconceptions=slips(
        lambda differences, xi, x, sigma: differences.mean() * xi.T @ x / (len(x) * sigma**2),
        "You have averaged the changes of loss first. Every example has its own noise and its own signal.",
        lambda differences, xi, x, sigma: np.outer((differences[:, None] * xi).mean(axis=0), x.mean(axis=0)) / sigma**2,
        "The mean of products is not the product of means: each example's signal meets its own input.",
        lambda differences, xi, x, sigma: (differences[:, None] * xi).T @ x / sigma**2,
        "This is the sum over examples; the loss is their mean.",
        lambda differences, xi, x, sigma: (differences[:, None] * xi).T @ x / len(x),
        "Divide by σ², as for weights: the noise enters twice.",
        lambda differences, xi, x, sigma: (differences[:, None] * xi).T @ x / (len(x) * sigma),
        "Once by σ is not enough: the change of loss and the noise are both of its size, so divide by σ².",
        lambda differences, xi, x, sigma: xi.T @ x / (len(x) * sigma**2),
        "The change of loss is missing: it is the signal that each example's noise is weighed with.",
        lambda differences, xi, x, sigma: node_gradient(differences, xi, x, sigma).T,
        "Transposed: the layer is W x, so the gradient has the shape (units, inputs) of W.",
    ),
    after="Noise on h nodes instead of h·d weights: the input x, which is known, need not be searched for.",
)


def _curved_loss(rng):
    n = int(rng.integers(1, 5))
    A = np.round(rng.normal(size=(n, n)), 1)
    return {"g": np.round(rng.uniform(0.2, 1.5, size=n), 1), "H": A @ A.T + np.eye(n), "K": int(rng.integers(1, 40))}


def usable_step(g, H, K):
    # Or `rho = H @ g @ g / (g @ g)`: H is symmetric.
    # Or `rho = g @ (g @ H) / (g @ g)`: H is symmetric.
    rho = g @ H @ g / (g @ g)
    return 2 / (rho + (rho + np.trace(H)) / K)


exercise_8 = Exercise(
    *Card("5.8", "the usable step", points=3, difficulty=3, minutes=8),
    cases=_curved_loss,
    reference=usable_step,
    misconceptions=slips(
        lambda g, H, K: 2 * (g @ g) / (g @ H @ g),
        "This is Chapter 4's step for the exact gradient. The noise of ĝ meets curvature too.",
        lambda g, H, K: 2 / np.linalg.eigvalsh(H)[-1],
        "This is the guarantee for the exact gradient, 2/λ_max. Noise adds up all curvatures, tr H.",
        lambda g, H, K: 2 / (g @ H @ g / (g @ g) + np.trace(H) / K),
        "Almost everything is there. E ĝᵀHĝ is ‖g‖² times ρ + (ρ + tr H)/K: the noise is larger along g, and brings a "
        "second ρ.",
        lambda g, H, K: 2 / (2 * (g @ H @ g) / (g @ g) + np.trace(H)),
        "This is the step for a single draw. The covariance of the mean is a K-th.",
        lambda g, H, K: usable_step(g, H, K) / 2,
        "This is the best step of the quadratic model. The largest one that does no harm is twice as long.",
        lambda g, H, K: 2 / ((g @ H @ g) / (g @ g) + ((g @ H @ g) / (g @ g) + np.trace(H) / len(g)) / K),
        "You have taken the mean curvature, tr H / n. The noise meets the sum of all of them, tr H.",
        lambda g, H, K: 2 / ((g @ H @ g) / (g @ g) + ((g @ H @ g) / (g @ g) + np.linalg.eigvalsh(H)[-1]) / K),
        "You have taken the largest curvature. The noise has every direction and meets their sum, tr H.",
        lambda g, H, K: 2 * (g @ g) / (g @ H @ g + (g @ H @ g + np.trace(H)) / K),
        "E ĝĝᵀ has the term ‖g‖² I / K: the trace comes with ‖g‖², which then cancels.",
        lambda g, H, K: usable_step(g, H, np.sqrt(K)),
        "The covariance of a mean of K draws is a K-th, not one over the root of K.",
        lambda g, H, K: 2 / (g @ H @ g + (g @ H @ g + np.trace(H)) / K),
        "ρ is a curvature per length, gᵀHg/‖g‖².",
        lambda g, H, K: 2 / ((g @ H @ g) / (g @ g) * (1 + np.trace(H) / K)),
        "The two curvatures add: ρ + (ρ + tr H)/K, and do not multiply.",
        lambda g, H, K: 2 * K / np.trace(H),
        "This is what noise alone would allow. The gradient meets its own curvature ρ as well.",
        lambda g, H, K: 2 * K / ((g @ H @ g) / (g @ g) + np.trace(H)),
        "This is what noise alone would allow. The mean of ĝ meets the curvature ρ as well: ρ + (ρ + tr H)/K.",
        lambda g, H, K: 2 / ((g @ H @ g) / (g @ g) + ((g @ H @ g) / (g @ g) + np.sum(H)) / K),
        "You have added all entries of H. The trace is the sum of its diagonal.",
        lambda g, H, K: 2 / ((g @ H @ g) / (g @ g) + (2 * (g @ H @ g) / (g @ g) + np.trace(H)) / K),
        "You have E ĝĝᵀ of one draw, with 2ggᵀ, for the covariance. The mean has its own ρ already: one of two goes.",
    ),
    after="A gradient meets the curvature of one direction, its noisy estimate a K-th of the sum of all.",
)


EXERCISES = (exercise_1, exercise_2, exercise_3, exercise_4, exercise_5, exercise_6, exercise_7, exercise_8)
