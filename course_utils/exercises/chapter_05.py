"""Exercises of Chapter 5, learning without a backward pass."""

import functools
from math import ceil

import numpy as np

from course_utils.data.digits import digits
from course_utils.exercises import Card, Exercise, Prediction, Written, probes, proof, slips
from course_utils.theory.losses import SoftmaxNet
from course_utils.theory.variance_laws import Local, total_variance


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
    *Card("5.1", "build, stage 1: one perturbation, one estimate", points=2, difficulty=1, minutes=5),
    kind="build",
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
    *Card("5.2", "build, stage 2: many perturbations, and how sure we are", points=3, difficulty=2, minutes=7),
    kind="build",
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
    *Card("5.3", "what the estimate is unbiased for", points=3, difficulty=3, minutes=6),
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
    *Card("5.7", "build, stage 1: perturb the nodes", points=3, difficulty=3, minutes=7),
    kind="build",
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
    *Card("5.8", "the usable step", points=4, difficulty=3, minutes=8),
    cases=_curved_loss,
    reference=usable_step,
    edge_cases=({"g": np.array([1.0, 0.0]), "H": np.eye(2), "K": 1},),
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


def _between(rng, low, high):
    """A whole number from both included, not drawn by ``rng.integers``: a statistical check is not tried at corners."""
    return low + int((high - low + 1) * rng.random())


def _quadratic(rng):
    n, A = _between(rng, 20, 30), rng.standard_normal((30, 30))
    g = rng.standard_normal(30)[:n]
    return {
        "E": round(2 + 4 * rng.random(), 1),
        "g": 5 * g / np.linalg.norm(g),
        "H": A[:n] @ A[:n].T / 30,
        "sigma": round(0.05 + 0.15 * rng.random(), 2),
        "K": _between(rng, 4, 8),
        "seed": _between(rng, 0, 10**6),
        "repetitions": 1000,
    }


def estimate(loss, theta, sigma, K, rng):
    Omega = sigma * rng.standard_normal((K, theta.size))
    differences = loss(theta + Omega) - loss(theta[None])
    return differences @ Omega / (K * sigma**2)


def _estimated(signal, factor=1.0, draws=None, divide=True):
    """A wrong estimate: Σ signal(loss, θ, Ω) Ω/σ² over ``draws`` instead of K, times a factor."""

    def answer(loss, theta, sigma, K, rng):
        Omega = sigma * rng.standard_normal((draws or K, theta.size))
        return factor * (signal(loss, theta, Omega) @ Omega) / ((len(Omega) if divide else 1) * sigma**2)

    return answer


def _change(loss, theta, Omega):
    return loss(theta + Omega) - loss(theta[None])


def _pair(loss, theta, Omega):
    return loss(theta + Omega) - loss(theta - Omega)


def _around_their_mean(loss, theta, Omega):
    values = loss(theta + Omega)
    return values - values.mean()


_SUMMED = "You have added the K estimates: take their mean."
_NOT_HALVED = "Twice the gradient: between θ + Ω and θ − Ω lies 2Ω, so take half of the difference."
_OWN_PART = "A K-th too small: each loss is itself a K-th of the mean that you subtract. Divide by K − 1 in place of K."
_ONCE = "Once by σ is not enough: the difference and Ω are both of the size of σ, so divide by σ²."
_SIGNS_ONLY = "You have kept the signs of Ω only. Its size counts too: multiply by Ω, and divide by σ²."
_DOWNHILL = "The sign is turned round: a perturbation that raises the loss points uphill."
_NO_BASELINE = (
    "Right on average, and far too noisy: each perturbation is multiplied by the whole loss. Give it something to "
    "compare with."
)
_SINGLE = "Right on average, and as noisy as a single perturbation. Draw K of them, and average."
_ACROSS = "Right along the gradient and wrong across it: is each difference multiplied by its own perturbation?"


def _estimates_well(found, case):
    (rows, most), g, K = found, case["g"], case["K"]
    if rows.shape != (case["repetitions"], g.size):
        return f"Your estimate has the shape {rows.shape}; the gradient has {g.shape}."
    if not np.isfinite(rows).all():
        return "Your estimate is not finite."
    if most > 2 * K:
        return f"For K = {K} you have asked for {most} losses; {2 * K} are allowed, two for each perturbation."
    if np.ptp(rows, axis=0).max() == 0:
        return "Every call returns the same: take the perturbations from `rng`, anew each time."
    root = np.sqrt(len(rows))
    along = rows @ g / (g @ g)
    share, error = along.mean(), along.std(ddof=1) / root + 1e-9
    if abs(share - 1) > 5.5 * error:
        named = (
            (-1, _DOWNHILL),
            (2, _NOT_HALVED),
            (K, _SUMMED),
            (1 - 1 / K, _OWN_PART),
            (1 / K, "A K-th of the gradient: are you dividing by K twice?"),
            (case["sigma"], _ONCE),
            (case["sigma"] ** 2, "This estimates σ² times the gradient: divide by σ²."),
            (np.sqrt(2 / np.pi), _SIGNS_ONLY),
            (0, "On average nothing: is each change of the loss multiplied by the perturbation that caused it?"),
        )
        nearest, sentence = min(named, key=lambda pair: abs(share - pair[0]))
        if abs(share - nearest) < 4 * error:
            return sentence
        return f"On average your estimate is {share:.2g} times the gradient, seen along it, where it should be once."
    if (np.abs(rows.mean(axis=0) - g) > 5.5 * rows.std(axis=0, ddof=1) / root + 1e-9).any():
        return _ACROSS
    squares = np.trace(case["H"]), np.square(case["H"]).sum(), np.square(np.diag(case["H"])).sum()
    at = Local(g.size, case["E"], g @ g, *squares)
    variance = rows.var(axis=0, ddof=1).sum()
    ratio = variance / total_variance("baseline", at, case["sigma"], K)
    if ratio > 2:
        if variance > total_variance("no baseline", at, case["sigma"], K) / 2:
            return _NO_BASELINE
        if 0.7 * K < ratio < 1.4 * K:
            return _SINGLE
        return f"Right on average, and {ratio:.1f} times as noisy as K perturbations with a baseline are."
    return None


exercise_9 = Exercise(
    *Card("5.9", "build, stage 3: an estimator with a signal", points=4, difficulty=3, minutes=9),
    kind="build",
    cases=_quadratic,
    reference=estimate,
    probe=probes.estimates,
    property=_estimates_well,
    show_cases=False,
    n_cases=4,
    edge_cases=(
        {
            **{"E": 3.0, "g": np.array([2.0, -1.0]), "H": np.diag([0.5, 0.2]), "sigma": 0.1, "K": 4},
            **{"seed": 5, "repetitions": 1000},
        },
    ),
    misconceptions=slips(
        _estimated(lambda loss, theta, Omega: loss(theta + Omega)),
        _NO_BASELINE,
        _estimated(_change, draws=1),
        _SINGLE,
        _estimated(_change, divide=False),
        _SUMMED,
        _estimated(_pair),
        _NOT_HALVED,
        _estimated(_around_their_mean),
        _OWN_PART,
        _estimated(_change, factor=-1),
        _DOWNHILL,
    ),
    after="Any estimator will do from here on that hears the change of the loss, and not the loss.",
)


@functools.cache
def _all_digits():
    data = digits()
    return np.concatenate([data.x, data.x_test]), np.concatenate([data.y, data.y_test])


def _shuffled(seed):
    """Digits with their labels renamed, 1400 for training and the others, in an order that belongs to the seed."""
    x, y = _all_digits()
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(len(x)), rng.permutation(10)
    return x[order], names[y[order]]


_HIDDEN, _TRAIN, _BUDGET, _SHARE = 16, 1400, 1_000_000, 0.9


def _training(rng):
    seed = _between(rng, 0, 10**6)
    x, y = _shuffled(seed)
    X, y = x[:_TRAIN], y[:_TRAIN]
    theta = SoftmaxNet(X, y, _HIDDEN).initial(np.random.default_rng(seed))
    return {"X": X, "y": y, "theta": theta, "hidden": _HIDDEN, "budget": _BUDGET, "seed": seed}


# Others do as well: these reach 94 % with any start.
_BATCH, _K, _SIGMA, _STEP = 64, 16, 1e-3, 0.1


def train(loss, theta, rng):
    # Or `steps = loss.left // (_BATCH * (_K + 2))`: one step in eighteen fewer arrives as well.
    steps = loss.left // (_BATCH * (_K + 1))
    for _ in range(steps):
        # Or `rows = rng.choice(loss.N, _BATCH)`: an example that is drawn twice does no harm.
        # Or `rows = rng.choice(loss.N, _BATCH, replace=True)`: likewise.
        rows = rng.choice(loss.N, _BATCH, replace=False)
        # By this name, so that tests do not train once more with each mutant of stage 3.
        g = exercise_9.reference(lambda thetas: loss(thetas, rows), theta, _SIGMA, _K, rng)  # noqa: B023
        theta = theta - _STEP * g
    # Or `return -theta`: tanh is odd, so that with all signs turned round the net is the same but for its last biases.
    return theta


def _trained(change, rows=None, steps=1.0):
    """A wrong training: ``change`` in the place of −η ĝ, the same rows in each step, or a share of the steps."""

    def answer(loss, theta, rng):
        for _ in range(int(steps * (loss.left // (_BATCH * (_K + 1))))):
            part = rng.choice(loss.N, _BATCH, replace=False) if rows is None else rows
            theta = theta + change * estimate(lambda thetas: loss(thetas, part), theta, _SIGMA, _K, rng)  # noqa: B023
        return theta

    return answer


def _knows_digits(found, case):
    theta, left = found
    if np.shape(theta) != case["theta"].shape:
        return f"Your parameters have the shape {np.shape(theta)}; they came as {case['theta'].shape}."
    if not np.isfinite(theta).all():
        return (
            "The training has run away: the parameters are not finite. Shorten the step, or make the estimate better."
        )
    x, y = _shuffled(case["seed"])
    share = SoftmaxNet(x[_TRAIN:], y[_TRAIN:], case["hidden"]).accuracy(theta)
    if share >= _SHARE:
        return None
    sentence = f"On digits that it has not seen your net is right in {share:.0%}; {_SHARE:.0%} are asked for."
    if left > case["budget"] / 4:
        return f"{sentence} {left / case['budget']:.0%} of the budget are left: go on."
    if share < 0.3:
        return f"{sentence} That is little more than guessing: look at the step, the sign and the baseline."
    return f"{sentence} The budget is spent: another step, batch or K makes more of it."


exercise_10 = Exercise(
    *Card("5.10", "build, stage 4: train the digits", points=4, difficulty=3, minutes=9),
    kind="build",
    cases=_training,
    reference=train,
    probe=probes.trained,
    property=_knows_digits,
    show_cases=False,
    n_cases=2,
    time_limit=10.0,
    misconceptions=slips(
        _trained(_STEP),
        "You have climbed: subtract the estimate.",
        lambda loss, theta, rng: theta,
        "These are the parameters that were given.",
        _trained(-_STEP, rows=np.arange(_BATCH)),
        "Your net has seen the same few digits in every step. Draw a new batch each time.",
        _trained(-_STEP, steps=0.01),
        "Only a hundredth of the budget is used: go on.",
    ),
    after="There is no derivative in it, and no chain rule.",
)


exercise_11 = proof(
    *Card("5.11", "Stein's identity from its lines", points=4, difficulty=3, minutes=8),
    lines={
        "E": (
            r"$E_\sigma(\theta) = \int E(u)\,\varphi_\sigma(u - \theta)\,du$, by the substitution "
            r"$u = \theta + \Omega$",
            "",
        ),
        "H": (
            r"$\partial_j E_\sigma(\theta) = \int E(u)\,\partial_j\big[\varphi_\sigma(u - \theta)\big]\,du$, as the "
            "Gaussian tames the growth of $E$ under the integral",
            "E",
        ),
        "B": (
            r"$\partial_j\big[\varphi_\sigma(u - \theta)\big] = \dfrac{u_j - \theta_j}{\sigma^2}\,\varphi_\sigma(u - "
            r"\theta)$",
            "",
        ),
        "J": (r"$\partial_j E_\sigma(\theta) = \mathbb E\,\tilde E\,\Omega_j/\sigma^2$", "H B"),
        "C": (r"$\mathbb E\,E(\theta)\,\Omega_j = E(\theta)\,\mathbb E\,\Omega_j = 0$", ""),
        "G": (r"$\partial_j E_\sigma(\theta) = \mathbb E\,(\tilde E - E)\,\Omega_j/\sigma^2$", "J C"),
    },
    flaws={
        "A": (
            r"$\partial_j\big[\varphi_\sigma(u - \theta)\big] = -\dfrac{u_j - \theta_j}{\sigma^2}\,\varphi_\sigma(u - "
            r"\theta)$",
            "The sign is that of the derivative by u. Here it is by θ, which stands in the density with a minus.",
        ),
        "D": (
            r"$\partial_j E_\sigma(\theta) = \int \partial_j E(u)\,\varphi_\sigma(u - \theta)\,du$",
            "True where E has a derivative, and not needed. The proof never differentiates E, which may have kinks and "
            "jumps.",
        ),
        "F": (
            r"$\tilde E - E = g^\top\Omega$",
            "True to first order only, for small σ. The identity holds at every σ.",
        ),
        "I": (
            r"$\mathbb E\,\tilde E\,\Omega_j = \mathbb E\,\tilde E\;\mathbb E\,\Omega_j = 0$",
            "Ẽ is the loss at θ + Ω and depends on Ω: a mean of a product is not the product of the means. That they "
            "go together is the whole signal.",
        ),
    },
    goal="G",
    missing={
        "E": "Under which integral is differentiated? Write the smoothed loss as one in which θ stands in the density "
        "alone.",
        "B": "It needs the derivative of the density, which nothing above it gives.",
        "H": "Whose derivative is it? Nothing above says that it may be taken under the integral.",
        "C": "Nothing above says that the baseline changes no mean.",
        "J": "A line with the baseline comes from one without it, which is not there yet.",
    },
    after="Only the density was differentiated: for a loss with jumps it is the same.",
)


def _layer_law(rng):
    N, h, d = (int(rng.integers(1, 5)) for _ in range(3))
    return {"delta": np.round(rng.normal(size=(N, h)), 1), "x": np.round(rng.normal(size=(N, d)), 1)}


def node_variance(delta, x):
    N, h = delta.shape
    return (h + 1) * np.sum(np.sum(delta**2, axis=1) * np.sum(x**2, axis=1)) / N**2


def _lengths(delta, x):
    return np.sum(delta**2, axis=1) * np.sum(x**2, axis=1)


exercise_12 = Exercise(
    *Card("5.12", "build, stage 2: how noisy are the nodes?", points=3, difficulty=3, minutes=6),
    kind="build",
    cases=_layer_law,
    reference=node_variance,
    misconceptions=slips(
        lambda delta, x: (delta.shape[1] * x.shape[1] + 1) * np.sum(_lengths(delta, x)) / len(x) ** 2,
        "You have counted the weights of the layer. The noise sits on its h nodes.",
        lambda delta, x: (delta.shape[1] + 1) * np.sum(_lengths(delta, x)) / len(x),
        "Of a mean of N independent estimates the variances add up and are divided by N².",
        lambda delta, x: (delta.shape[1] + 1) * np.sum(_lengths(delta, x)),
        "This is the variance of the sum over the examples. The estimate is their mean: divide by N².",
        lambda delta, x: (delta.shape[1] + 1) * np.sum(delta**2) * np.sum(x**2) / len(x) ** 2,
        "Each example's own ‖δ‖² meets its own ‖x‖²: multiply first, then add up.",
        lambda delta, x: (delta.shape[1] + 1) * np.sum(delta**2) / len(x) ** 2,
        "This is the noise on the nodes. The estimate for the weights multiplies it by the input: a factor ‖x‖² each.",
        lambda delta, x: delta.shape[1] * np.sum(_lengths(delta, x)) / len(x) ** 2,
        "The law with a baseline has h + 1: along δ there is twice as much.",
        lambda delta, x: (delta.shape[1] + 2) * np.sum(_lengths(delta, x)) / len(x) ** 2,
        "With h + 2 it is the mean square of the estimate. Its variance is that less the square of its mean.",
        lambda delta, x: (delta.shape[1] - 1) * np.sum(_lengths(delta, x)) / len(x) ** 2,
        "h − 1 belongs to random signs. Gaussian noise has h + 1.",
        lambda delta, x: (delta.shape[1] + 1) * np.sum(np.sqrt(_lengths(delta, x))) / len(x) ** 2,
        "A variance has squared lengths, ‖δ‖²‖x‖².",
        lambda delta, x: (len(x) * delta.shape[1] + 1) * np.sum(_lengths(delta, x)) / len(x) ** 2,
        "Each example has a signal of its own, and hears the noise on its own h nodes only.",
    ),
    after="The number of inputs is not in it, only their length.",
)


exercise_13 = proof(
    *Card("5.13", "the variance of one perturbation", points=4, difficulty=3, minutes=8),
    lines={
        "H": (r"$\mathbb E\,\hat g = \mathbb E\,zz^\top g = g$", ""),
        "C": (r"$\mathbb E\,\lVert\hat g - g\rVert^2 = \mathbb E\,\lVert\hat g\rVert^2 - \lVert g\rVert^2$", "H"),
        "F": (r"$\lVert\hat g\rVert^2 = (g^\top z)^2\,\lVert z\rVert^2$", ""),
        "A": (
            r"turn the axes so that $g = \lVert g\rVert e_1$, which leaves the law of $z$ as it is: "
            r"$\lVert\hat g\rVert^2 = \lVert g\rVert^2\,z_1^2\,(z_1^2 + z_2^2 + \dots + z_n^2)$",
            "F",
        ),
        "I": (r"$\mathbb E\,z_1^4 = 3$, and $\mathbb E\,z_1^2z_j^2 = 1$ for $j \ne 1$", ""),
        "B": (r"$\mathbb E\,\lVert\hat g\rVert^2 = (3 + n - 1)\,\lVert g\rVert^2$", "A I"),
        "E": (r"$\mathbb E\,\lVert\hat g - g\rVert^2 = (n + 1)\,\lVert g\rVert^2$", "C B"),
    },
    flaws={
        "D": (
            r"$\mathbb E\,(g^\top z)^2\lVert z\rVert^2 = \mathbb E\,(g^\top z)^2\;\mathbb E\,\lVert z\rVert^2 = "
            r"n\,\lVert g\rVert^2$",
            "The two factors are not independent: z₁ is in both. That is worth 2 more.",
        ),
        "G": (
            r"$\mathbb E\,z_1^4 = \mathbb E\,z_1^2z_j^2 = 1$",
            "So it is for random signs, whose squares are 1, and the law there is n − 1. The fourth moment of a "
            "standard normal number is 3.",
        ),
        "J": (
            r"$\mathbb E\,\lVert\hat g - g\rVert^2 = \mathbb E\,\lVert\hat g\rVert^2$, as the noise has mean 0",
            "ĝ has the mean g, not 0: the square of the mean has to be subtracted.",
        ),
    },
    goal="E",
    missing={
        "H": "What is subtracted is the square of the mean of ĝ, and nothing above says what that is.",
        "F": "Which product is it whose axes are turned? The squared length of ĝ comes first.",
        "A": "The moments are known, but not yet in which combination they enter.",
        "I": "It uses moments of normal numbers that no line above it gives.",
        "C": "The mean square is not yet the variance: what is between them?",
        "B": "How large the mean square of ĝ is, nothing above it says.",
    },
    after="One of the n + 1 comes from the fourth moment: along the gradient there is twice as much noise as across.",
)


EXERCISES = (
    exercise_1,
    exercise_2,
    exercise_3,
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
        "5/thousand",
        "Twelve coordinates, each averaged over 1000 perturbations. How good is the gradient?",
        right="wrong by about a tenth of its length",
        options=(
            (
                "wrong by about a hundredth of its length",
                r"A mean of 1000 has $1/\sqrt{1000}$, a thirtieth, of the scatter of one. But a single estimate "
                "scatters by several times the gradient's length: 0.14 is left.",
            ),
            (
                "wrong by about a tenth of its length",
                "Yes: 0.14. Each coordinate hears the noise of all the others as well, which a thousand draws make "
                "small, and not tiny.",
            ),
            (
                "only its signs can be trusted",
                "For a single draw not even they can. Averaging works all the same: what goes together with the loss "
                "adds up, the rest cancels, and the error is 0.14 of the gradient's length.",
            ),
        ),
    ),
    Prediction(
        "5/attempt",
        r"The estimate $\tilde E\,\Omega/\sigma^2$ has the right mean. With the best of the four lengths of the step, "
        "how much do 300 steps teach the network?",
        right="nothing",
        options=(
            (
                "most digits: the mean is right, so the steps add up",
                "They would, with patience that nobody has. Short steps leave the loss where it was, longer ones only "
                "carry the noise into the weights. Nothing is learned at any of the four.",
            ),
            (
                "some digits, more slowly than with E subtracted",
                "Slow learning needs a signal that stands out a little. Here a perturbation of σ = 0.001 changes "
                "the loss in the third decimal, and what is multiplied by the noise is all of the loss.",
            ),
            (
                "nothing",
                "Yes: the two short steps leave the loss at 2.6 and 2.7, the two long ones drive it up, and no run is "
                "right in more than 10 % of the digits.",
            ),
        ),
    ),
    Prediction(
        "5/whose",
        r"At $\sigma = 0.5$ the loss is far from linear. Whose gradient is the mean of the estimate?",
        right="another loss's, smoother than E",
        options=(
            (
                "the loss's own: a pair Ω, −Ω cancels what is curved",
                r"A pair cancels the even part of the loss and keeps its cubic one. The mean lies 0.055 $\lVert "
                r"g\rVert^2$ from the gradient in squared distance, and the interval does not reach zero.",
            ),
            (
                "no loss's: it is a difference over too long a way",
                "A field that is wrong everywhere is in general no gradient at all. This one is, to three decimals: "
                "that of the loss averaged over the Gaussian cloud around each point.",
            ),
            (
                "another loss's, smoother than E",
                "Yes: the gradient of the mean of the loss over the cloud of perturbations. From that gradient the "
                r"squared distance is 0.000 $\lVert g\rVert^2$, from the loss's own 0.055.",
            ),
        ),
    ),
    Prediction(
        "5/flat",
        r"On this quadratic loss, over $\sigma$ from 0.01 to 3: which variance does not change at all?",
        right="that of antithetic pairs",
        options=(
            (
                "that of a draw with a baseline",
                "It is flat as long as curvature is small beside the slope. At 0.91 the second term has doubled it, "
                "and it goes on growing as σ².",
            ),
            (
                "none: all rise with σ",
                "Three of them do in the end. In a pair the even part of the loss, which is all that curvature adds, "
                "is the same on both sides and cancels.",
            ),
            (
                "that of antithetic pairs",
                r"Yes: $z^\top Hz$ is the same for $z$ and $-z$, and half of the difference does not contain it. With "
                "a baseline the curve is flat and then rises; without one it falls first.",
            ),
            (
                "that of random signs: their length is fixed",
                r"Their length is, and it makes them a little better at small σ. But $z^\top Hz$ still changes from "
                "draw to draw, unless $H$ is diagonal.",
            ),
        ),
    ),
    Prediction(
        "5/exact-law",
        r"What makes the simple law $\sqrt{K/(K + n + 1)}$ exact?",
        right="many draws, and nothing else",
        options=(
            (
                "many parameters: then everything concentrates",
                r"All but one number does: the part of a single draw along $g$ is one normal number, whatever $n$. "
                r"Its mean size is $\sqrt{2/\pi} = 0.798$, and the law stays 20 % too high.",
            ),
            (
                "either of them",
                "Along a row the ratio tends to 1; down a column it does not, but to a number that depends on K: 0.798 "
                "for a single draw.",
            ),
            (
                "many draws, and nothing else",
                r"Yes. With a single one, which is the note's algorithm, the cosine is that of one normal number's "
                r"size, whose mean is $\sqrt{2/\pi}$, and it lies 20 % below the law for ever.",
            ),
        ),
    ),
    Prediction(
        "5/million",
        "How many forward passes give the gradient of a million weights with a cosine of 0.5?",
        right="hundreds of thousands",
        options=(
            (
                "about a thousand, the root of their number",
                r"A root does stand in the law, around all of it: the cosine, not $K$, grows as a root. A thousand "
                "draws have a cosine of 0.03 here.",
            ),
            (
                "about ten thousand",
                "So many make a cosine of 0.1. Five times the cosine costs more than twenty-five times the draws.",
            ),
            (
                "hundreds of thousands",
                "Yes: a third of a million, where back-propagation asks for the price of about three passes. Two "
                "directions in a space of a million dimensions are orthogonal unless somebody works for it.",
            ),
            (
                "about a million, one for each weight",
                "One for each weight is what finite differences need for the whole gradient. Half a cosine is a third "
                "of that; 0.9 is four times as much.",
            ),
        ),
    ),
    Prediction(
        "5/printed",
        "Gaussian noise, one draw, no baseline, squared error, a deep net, and the best pair of step and σ from a "
        "grid. What becomes of it?",
        right="it learns, more slowly than with a baseline",
        options=(
            (
                "it learns nothing: the baseline is missing",
                "So it was at σ = 0.001. But the noise of a missing baseline falls as 1/σ²; at σ = 0.1 it is bearable, "
                "and 79 % of the digits are told apart, where 54 % would be guessing.",
            ),
            (
                "it learns as well as with a baseline",
                "It comes to 79 %, and rules with a baseline to 86 % and 88 %, for the same number of passes.",
            ),
            (
                "it learns, more slowly than with a baseline",
                "Yes: 79 %, beside 86 % and 88 %, and 54 % for guessing. The missing baseline *is* a matter of "
                "tuning, at a price; the mean of four losses costs nothing and avoids it.",
            ),
        ),
    ),
    Prediction(
        "5/neurons",
        r"From 4 to 64 hidden neurons $n$ grows about sixteenfold. By how much does the price of weight perturbation "
        "grow, in units of back-propagation's?",
        right="hardly",
        options=(
            (
                "sixteenfold: the variance grows with n",
                r"The variance does. But what counts is how much shorter the step has to be, and that hangs on how "
                "many directions are stiff, which are much the same: from 46 to 66 times, within the scatter.",
            ),
            (
                "fourfold: the cosine falls as a root of n",
                "The cosine of one step does. Over many steps noise averages out, and what a step may cost is decided "
                "by curvature: the price is 46, 52 and 66 times that of back-propagation.",
            ),
            (
                "hardly",
                "Yes: some fifty times at each size, give or take a third, and for the nodes it does not grow at all.",
            ),
        ),
    ),
    Prediction(
        "5/scales",
        "For weight perturbation with $K = 1$: at which scale of the start is the largest usable step shortest?",
        right="at Glorot's own scale",
        options=(
            (
                "at the largest: large weights make a stiff loss",
                "Large weights saturate the tanh neurons, and a neuron that is saturated has no curvature: the trace "
                "falls from 16 to 8.",
            ),
            (
                "at the smallest: small weights learn slowly",
                "They do learn slowly, but that is the gradient's size. What limits the step is curvature, and outputs "
                "of small weights hardly curve: the trace is 8.",
            ),
            (
                "at Glorot's own scale",
                "Yes, in every column: the trace is largest there, 16, and the step shortest, 0.12 for one draw. "
                "Sixteen draws give back a factor of ten and more.",
            ),
        ),
    ),
    Prediction(
        "5/one-signal",
        "With a signal for each example, nodes have a variance of 26 and weights one of 724. What if both hear only "
        "the one global number?",
        right="nodes gain a factor of two at most",
        options=(
            (
                "nodes keep their lead: there are fewer of them",
                "There are fewer of them *for one example*. One signal has to serve 26 nodes for each of 64 examples: "
                "that is more unknowns than there are weights, and the gain is at most 2.0.",
            ),
            (
                "weights win: a node's noise is of no use then",
                "Not quite: the inputs are still known, by which a node's noise is passed on. Nodes gain 1.2 to 2.0.",
            ),
            (
                "nodes gain a factor of two at most",
                "Yes: 1.2 to 2.0 in twenty starts, and 25 to 31 with a signal for each example. What helps is the "
                "signal, and that the inputs are known.",
            ),
        ),
    ),
)

WRITTEN = (
    Written(
        *Card("5.14", "a thousand times the noise, fifty times the price", points=6, difficulty=3, minutes=12),
        rubric=(
            (2, r"says what the law is about: one estimate at one $\theta$, with variance $(n + 1)\lVert g\rVert^2/K$"),
            (
                2,
                "says why training pays less: noise averages out over the steps, and what counts is how much shorter "
                r"the step must be, about $\operatorname{tr}H/\rho$ and not $n$",
            ),
            (
                1,
                "gives numbers of the chapter: a price of some fifty times at three sizes, or a factor of dozens for "
                "1210",
            ),
            (
                1,
                "names a limit: digits only, up to 4810 weights, down to a loss of 1, or that the reason is a "
                "heuristic at the start",
            ),
        ),
        model=r"""The law is about one estimate at one point: the mean of $K$ draws has a total variance of
$(n + 1)\lVert g\rVert^2/K$, so that a single one is nearly orthogonal to the gradient. Training does not need a good
gradient in each step. It adds up many steps, in which the noise cancels and the gradient does not; what the noise
costs is a shorter step. A draw meets all curvatures instead of the one along $g$, so that the usable step falls from
$2/\rho$ to $2/(\rho + (\rho + \operatorname{tr}H)/K)$, by a factor of about $\operatorname{tr}H/\rho$ for a single
draw: dozens in our net, not 1210. Down to a loss of 1 the price was some fifty times that of back-propagation, at 310,
1210 and 4810 weights alike. So a million weights need not cost a million times as much. But nobody has measured a
million here: these are three small nets on the digits, and that the number of stiff directions stays small along the
way and at other sizes is a heuristic.""",
    ),
)
