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
        "repetitions": 600,
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
_DOWNHILL = "The sign is turned round: a perturbation that raises the loss points uphill."
_NO_BASELINE = (
    "Right on average, and far too noisy: each perturbation is multiplied by the whole loss. Give it something to "
    "compare with."
)
_SINGLE = "Right on average, and as noisy as a single perturbation. Draw K of them, and average."
_ACROSS = "Right along the gradient and wrong across it: is each difference multiplied by its own perturbation?"


def _estimates_well(found, case):
    (rows, most), g, K = found, case["g"], case["K"]
    if rows.ndim != 2:
        return f"Your estimate has the shape {rows.shape}; the gradient has {g.shape}."
    if not np.isfinite(rows).all():
        return "Your estimate is not finite."
    if most > 2 * K:
        return f"For K = {K} you have asked for {most} losses; {2 * K} are allowed, two for each perturbation."
    if np.ptp(rows, axis=0).max() == 0 and g.size > 1:
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
            (0, "On average nothing: is each change of the loss multiplied by the perturbation that caused it?"),
        )
        for factor, sentence in named:
            if abs(share - factor) < 5.5 * error:
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
        if ratio > K / 2:
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
            **{"E": 3.0, "g": np.array([2.0]), "H": np.array([[0.5]]), "sigma": 0.1, "K": 4},
            **{"seed": 5, "repetitions": 600},
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
    for _ in range(loss.left // (_BATCH * (_K + 1))):
        # Or `rows = rng.choice(loss.N, _BATCH)`: an example that is drawn twice does no harm.
        # Or `rows = rng.choice(loss.N, _BATCH, replace=True)`: likewise.
        rows = rng.choice(loss.N, _BATCH, replace=False)
        theta = theta - _STEP * estimate(lambda thetas: loss(thetas, rows), theta, _SIGMA, _K, rng)
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
            r"$E_\sigma(\theta) = \int E(u)\,\varphi_\sigma(u - \theta)\,du$, by the substitution $u = \theta + \Omega$",
            "",
        ),
        "H": (
            r"$\partial_j E_\sigma(\theta) = \int E(u)\,\partial_j\big[\varphi_\sigma(u - \theta)\big]\,du$, as the Gaussian "
            "tames the growth of $E$ under the integral",
            "E",
        ),
        "B": (
            r"$\partial_j\big[\varphi_\sigma(u - \theta)\big] = \dfrac{u_j - \theta_j}{\sigma^2}\,\varphi_\sigma(u - \theta)$",
            "",
        ),
        "J": (r"$\partial_j E_\sigma(\theta) = \mathbb E\,\tilde E\,\Omega_j/\sigma^2$", "H B"),
        "C": (r"$\mathbb E\,E(\theta)\,\Omega_j = E(\theta)\,\mathbb E\,\Omega_j = 0$", ""),
        "G": (r"$\partial_j E_\sigma(\theta) = \mathbb E\,(\tilde E - E)\,\Omega_j/\sigma^2$", "J C"),
    },
    flaws={
        "A": (
            r"$\partial_j\big[\varphi_\sigma(u - \theta)\big] = -\dfrac{u_j - \theta_j}{\sigma^2}\,\varphi_\sigma(u - \theta)$",
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
            "Ẽ is the loss at θ + Ω and depends on Ω: a mean of a product is not the product of the means. That they go "
            "together is the whole signal.",
        ),
    },
    goal="G",
    missing={
        "E": "Under which integral is differentiated? Write the smoothed loss as one in which θ stands in the density alone.",
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
            r"$\mathbb E\,(g^\top z)^2\lVert z\rVert^2 = \mathbb E\,(g^\top z)^2\;\mathbb E\,\lVert z\rVert^2 = n\,\lVert g\rVert^2$",
            "The two factors are not independent: z₁ is in both. That is worth 2 more.",
        ),
        "G": (
            r"$\mathbb E\,z_1^4 = \mathbb E\,z_1^2z_j^2 = 1$",
            "So it is for random signs, whose squares are 1, and the law there is n − 1. The fourth moment of a standard "
            "normal number is 3.",
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

WRITTEN = (
    Written(
        *Card("5.14", "a thousand times the noise, fifty times the price", points=6, difficulty=3, minutes=12),
        rubric=(
            (
                2,
                r"says what the law is about: the variance of *one* estimate at one place, $(n + 1)\lVert g\rVert^2$, "
                "which is right, and that a run averages over many short steps",
            ),
            (
                2,
                "gives the measurement: from 310 to 4810 parameters the price stays near fifty times that of "
                "back-propagation, and hardly depends on $K$",
            ),
            (
                2,
                r"names what shortens the step, $\operatorname{tr}H/\rho$ and not $n$, and what is open: that is a "
                "heuristic, for one step from the start, on one task of three sizes. Nothing was measured at a million",
            ),
        ),
        model=r"""The law that you have read is right. One perturbation estimates the gradient with the variance
$(n + 1)\lVert g\rVert^2$, and for a good estimate of a *single* gradient one pays in proportion to $n$. But training does not
need a good estimate of any single gradient. It takes many short steps, and their errors average out on the way, as long as the
step is short enough for the noise. How short that is does not follow from $n$. A noisy step costs $\frac{\eta^2}2\hat g^\top H\hat g$,
and noise meets all curvatures: a single draw may use a step that is shorter by a factor of about $\operatorname{tr}H/\rho$. That
counts the directions as stiff as the gradient's, 27 at our start, and not the 1210 parameters; most directions of a network are
nearly flat, and noise in them does no harm. The measurement agrees: with 310, 1210 and 4810 parameters weight perturbation took
46, 52 and 66 times the evaluations of back-propagation, and about the same with 4, 16 or 64 draws a step. So your million is
wrong as a rule, and “as cheap as back-propagation” would be wrong too. What happens at a million weights I do not know: it
was one task and three sizes, and the argument about the step holds at the start only.""",
    ),
)


PREDICTIONS = (
    Prediction(
        "5/thousand",
        "Twelve parameters, and the mean of a thousand estimates. How far will it be from the gradient, measured by "
        r"$\lVert\hat g - g\rVert/\lVert g\rVert$?",
        right="about 10 %",
        options=(
            (
                "about 3 %",
                r"The mean of a thousand has $1/\sqrt{1000}$, or 3 %, of one estimate's error. But one estimate is wrong by "
                "more than the whole gradient: every weight hears what the eleven others have done.",
            ),
            (
                "about 10 %",
                r"Yes: 14 % here, and 11 % is to be expected. It will turn out to be $\sqrt{(n + 1)/K}$, more than the "
                r"$1/\sqrt K$ that one would expect of a mean.",
            ),
            (
                "only the signs will be right",
                "One estimate is that bad. The mean of a thousand is wrong by 14 % of the gradient's length, which is "
                "enough for the sign of every coordinate that matters.",
            ),
        ),
    ),
    Prediction(
        "5/attempt",
        "The loss of a net that guesses among ten digits is about 2.3. What will 300 steps make of it, with the best of "
        "the four lengths?",
        right="nothing: it does not fall with any of them",
        options=(
            (
                "it falls, slowly",
                "The mean of the estimate is the right one, and with 300 steps of 16 draws it seems that the noise ought to "
                "average out. It is too large for that: where steps are long enough to go anywhere the loss explodes.",
            ),
            (
                "it falls to less than 0.5",
                "So it will, with the same passes and a better signal. Here the shortest step stays where it is, and the "
                "longest ones explode.",
            ),
            (
                "nothing: it does not fall with any of them",
                "Yes. The shortest step leaves the net where it was, and the longer ones make the loss grow beyond "
                "all bounds.",
            ),
        ),
    ),
    Prediction(
        "5/whose",
        "With $\\sigma = 0.5$ and next to no noise left, which gradient does the mean of the estimates show?",
        right="that of the loss averaged over perturbations",
        options=(
            (
                "that of the loss, as autograd gives it",
                "So the note says, and so it would be if the loss were a plane or a parabola. Over moves of 0.5 a "
                "sine is neither: the mean is off by a twentieth of $\\lVert g\\rVert^2$, and none of the twelve intervals "
                "holds autograd's value.",
            ),
            (
                "that of the loss averaged over perturbations",
                "Yes: all twelve intervals hold it, and none holds the gradient of the loss itself. It is no accident.",
            ),
            (
                "no gradient of anything",
                "The first order breaks down, so there seems to be no reason for a meaning. Yet the mean has one, "
                "exactly: it is the gradient of the loss averaged over perturbations.",
            ),
        ),
    ),
    Prediction(
        "5/flat",
        "The loss is quadratic, and σ grows from 0.01 to 3. Whose variance stays the same all the way?",
        right="that of antithetic pairs",
        options=(
            (
                "that of the estimate with a baseline",
                "At small σ it is flat, and there it is the $n + 1$ of the law. Near $\\sigma = 1$ curvature takes over "
                "and it rises as $\\sigma^2$: a clean pass says nothing of what is even in Ω.",
            ),
            (
                "that of random signs",
                "Their length is fixed, so that little is left to vary, but $z^\\top Hz$ varies with them all the same: the "
                "curve rises as $\\sigma^2$, from a somewhat lower start.",
            ),
            (
                "that of antithetic pairs",
                "Yes: $E(\\theta + \\Omega) - E(\\theta - \\Omega)$ has no even part, so the curvature drops out exactly.",
            ),
            (
                "nobody's",
                "Without a baseline the curve falls and then rises, with one it is flat and then rises. One kind has no "
                "term in $H$ at all, because it takes the difference of two opposite moves.",
            ),
        ),
    ),
    Prediction(
        "5/exact-law",
        "The simple law replaces the mean of a quotient by a quotient of means. What makes it exact?",
        right="many draws",
        options=(
            (
                "many parameters",
                "With many parameters the length of a draw hardly varies, which ought to help. But the part along $g$ is one "
                "Gaussian number for each draw, at any $n$: for a single draw the law is 20 % too high for ever.",
            ),
            (
                "many draws",
                "Yes, and nothing else. For a single draw, which is the note's algorithm, the mean cosine is "
                r"$\sqrt{2/\pi}$ of the law's at large $n$, the mean size of one Gaussian number.",
            ),
            (
                "either of the two",
                "Only many draws do. The rows of the table differ by little, the columns do not: with a single draw the "
                "law is 20 % too high, for a million parameters as well.",
            ),
        ),
    ),
    Prediction(
        "5/million",
        "A network has a million weights. Take the number of draws that give a cosine of 0.5: how many times as many give 0.9?",
        right="about 13 times",
        options=(
            (
                "about 3 times",
                r"So it would be if the cosine grew as $\sqrt K$ for ever: $(0.9/0.5)^2$ is 3.2. That holds for small cosines "
                "only; close to 1 each step of it costs more than the one before.",
            ),
            (
                "about twice",
                "The cosine nearly doubles, the draws do not. Even where the cosine still grows as $\\sqrt K$, twice the "
                "cosine takes four times the draws.",
            ),
            (
                "about 13 times",
                "Yes: a third of a million draws for 0.5, more than four million for 0.9, and the same factor at every "
                "large $n$. Back-propagation asks for the price of about three passes.",
            ),
        ),
    ),
    Prediction(
        "5/printed",
        "Even or odd, by the rule as printed, with the best pair of σ and η. How well does it do?",
        right="it learns, but well behind the rules with a baseline",
        options=(
            (
                "it does not learn: no better than the larger class",
                "That is what the first attempt suggests, and most pairs of the grid go that way. But a large σ makes the "
                "missing baseline cheap: at $\\sigma = 0.1$ the rule is right in 79 %, the larger class in 54 %.",
            ),
            (
                "it learns, but well behind the rules with a baseline",
                "Yes: 79 % on test digits, against 86 and 88 % with a baseline and 54 % for the larger class. It learns, "
                "slowly, and only when tuned.",
            ),
            (
                "as well as the rules with a baseline",
                "Tuning makes up for much, not for everything: its loss is about twice theirs at the end, as noise wants a "
                "large σ and curvature a small one.",
            ),
        ),
    ),
    Prediction(
        "5/neurons",
        "From 4 hidden neurons to 64 the number of parameters grows fifteen times. How does the price of perturbing the "
        "weights grow, in units of back-propagation?",
        right="hardly: it does not even double",
        options=(
            (
                "about fifteen times",
                "The variance grows that much, and a single good estimate would cost it. In training the price went from "
                "46 to 66: most of the new directions are flat, and noise in them does no harm.",
            ),
            (
                "about four times",
                r"A cosine falls as $1/\sqrt n$, and $\sqrt{15}$ is about 4. But many steps average, and what they need did "
                "not grow like that: from 46 to 66.",
            ),
            (
                "hardly: it does not even double",
                "Yes: 46, 52 and 66 times, give or take a third. For the nodes the price rather falls. Nobody has a proof; "
                "a reason follows below.",
            ),
        ),
    ),
    Prediction(
        "5/scales",
        "At which scale of the start is the usable step *shortest*?",
        right="at Glorot's own",
        options=(
            (
                "at 3 times Glorot's",
                "Large weights make a large output and a large loss. But they also saturate the tanh neurons, which stop "
                "responding: the trace of $H$ is 8, half of what it is at Glorot's own scale.",
            ),
            (
                "at Glorot's own",
                "Yes, in all three columns: the trace of $H$ is 16 there, and 8 on either side. Sixteen draws "
                "give back a factor of ten and more.",
            ),
            (
                "at 0.3 times Glorot's",
                "There the signal is weak, and so is the curvature: the trace of $H$ is 8, half of what it is at Glorot's own "
                "scale.",
            ),
        ),
    ),
    Prediction(
        "5/one-signal",
        "In the table above nodes beat weights by a factor of more than seventy. How much of it is left when both hear "
        "one signal?",
        right="a factor of about 2 at most",
        options=(
            (
                "nearly all of it: there are fewer nodes",
                "There are 26 nodes, but for each of 64 examples anew: 1664 unknowns under one number, more than there "
                "are weights. <!-- derived: 1664 = 26*64 -->",
            ),
            (
                "a factor of about 2 at most",
                "Yes: 1.2 to 2.0 at twenty other starts. With a signal for each example nodes gain a factor of 25 to 31, since "
                "each signal has only 26 unknowns to sort out. What helps is the signal, and that the inputs are known.",
            ),
            (
                "nothing: nodes do worse",
                "There are more unknowns than weights, 1664 against 1210, so this could be. But the inputs are known, and "
                "the pattern that they impose leaves a gain of up to 2. <!-- derived: 1664 = 26*64 -->",
            ),
        ),
    ),
)
