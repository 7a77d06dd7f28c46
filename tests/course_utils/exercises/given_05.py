"""Answers to chapter 5 as people write them: wrong ones with words of the sentence each receives, and right ones."""

import itertools
import math

import numpy as np
import torch


def estimate(E_perturbed, E, Omega, sigma):
    return (E_perturbed - E) * Omega / sigma**2


def rows(differences, Omega, sigma):
    return np.array([d * o / sigma**2 for d, o in zip(differences, Omega)])


def both(differences, Omega, sigma, ddof=1):
    r = rows(differences, Omega, sigma)
    return r.mean(axis=0), r.std(axis=0, ddof=ddof) / math.sqrt(len(r))


def slope(w, sigma):
    return 4 * w**3 + 12 * w * sigma**2


def simulated(w, sigma):
    z = np.random.default_rng(1).normal(size=100_000)
    return np.mean(4 * (w + sigma * z) ** 3)


def by_hermite(w, sigma):
    x, weights = np.polynomial.hermite_e.hermegauss(8)
    return weights @ (4 * (w + sigma * x) ** 3) / math.sqrt(2 * math.pi)


def variance(n, K, g_norm, E, sigma):
    return ((n + 1) * g_norm**2 + n * E**2 / sigma**2) / K


def draws(n, c):
    return math.ceil(c**2 * (n + 1) / (1 - c**2))


def gram_schmidt(G, sigma):
    found = []
    for row in G:
        v = row.copy()
        for u in found:
            v = v - (v @ u) * u
        found.append(v / np.linalg.norm(v))
    return sigma * math.sqrt(G.shape[1]) * np.array(found)


def half_schmidt(G, sigma):
    found = []
    for row in G:
        v = row - sum((row @ u) * u for u in found[-1:])
        found.append(v / np.linalg.norm(v))
    return sigma * math.sqrt(G.shape[1]) * np.array(found)


def node(differences, xi, x, sigma):
    return sum(d * np.outer(k, v) for d, k, v in zip(differences, xi, x)) / (len(x) * sigma**2)


def step(g, H, K):
    rho = g @ H @ g / (g @ g)
    return 2 / (rho + (rho + np.trace(H)) / K)


def changed(differences, xi, x, sigma):
    xi *= differences[:, None]
    return xi.T @ x / (len(x) * sigma**2)


GENERIC = None  # no slip is recognised: the sentence says only what kind of answer is not right yet

WRONG = {
    "5.1": (
        (lambda E_perturbed, E, Omega, sigma: (E_perturbed - E) * Omega, "This estimates σ² times the gradient:"),
        (lambda E_perturbed, E, Omega, sigma: (E_perturbed - E) * Omega / sigma, "Once by σ is not enough:"),
        (lambda E_perturbed, E, Omega, sigma: E_perturbed * Omega / sigma**2, "Right on average, and far too noisy:"),
        (lambda E_perturbed, E, Omega, sigma: (E - E_perturbed) * Omega / sigma**2, "The sign is turned round:"),
        (
            lambda E_perturbed, E, Omega, sigma: (E_perturbed - E) / Omega,
            "A difference quotient for each coordinate would need each of them to",
        ),
        (lambda E_perturbed, E, Omega, sigma: (E_perturbed - E) / sigma**2, "Expected an array of shape (4,);"),
        (
            lambda E_perturbed, E, Omega, sigma: (E_perturbed - E) * Omega / (2 * sigma**2),
            "5 times the expected value, every time.",
        ),
        (lambda E_perturbed, E, Omega, sigma: (E_perturbed - E) * Omega / np.sqrt(sigma), GENERIC),
        (
            lambda E_perturbed, E, Omega, sigma: np.sum((E_perturbed - E) * Omega / sigma**2),
            "Expected an array of shape (4,);",
        ),
        (
            lambda E_perturbed, E, Omega, sigma: (E_perturbed - E) * np.sign(Omega) / sigma,
            "You have kept the signs of Ω only.",
        ),
        (
            lambda E_perturbed, E, Omega, sigma: (E_perturbed - E) * Omega / (Omega @ Omega),
            "‖Ω‖² is about nσ², n times what is to divide:",
        ),
        (
            lambda E_perturbed, E, Omega, sigma: (E_perturbed - E) * Omega / (len(Omega) * sigma**2),
            "Yours is the expected value divided by `len(Omega)`, every time.",
        ),
        (
            lambda E_perturbed, E, Omega, sigma: (E_perturbed + E) * Omega / sigma**2,
            "The change of the loss is a difference:",
        ),
        (lambda E_perturbed, E, Omega, sigma: (E_perturbed - E) * Omega * sigma**2, "You have multiplied by σ²."),
        (
            lambda E_perturbed, E, Omega, sigma: np.round(estimate(E_perturbed, E, Omega, sigma), 2),
            "Yours are the right values, rounded to 2 decimals:",
        ),
    ),
    "5.2": (
        (lambda differences, Omega, sigma: both(differences, Omega, sigma)[0], "Expected 2 separate values;"),
        (
            lambda differences, Omega, sigma: both(differences, Omega, sigma, ddof=0),
            "The spread around their own mean is a little too small:",
        ),
        (
            lambda differences, Omega, sigma: (
                both(differences, Omega, sigma)[0],
                rows(differences, Omega, sigma).std(axis=0, ddof=1),
            ),
            "Your second array is the spread of a single estimate.",
        ),
        (
            lambda differences, Omega, sigma: (
                both(differences, Omega, sigma)[0],
                rows(differences, Omega, sigma).std(axis=0),
            ),
            "Your second array is the spread of a single estimate around their own",
        ),
        (
            lambda differences, Omega, sigma: (
                both(differences, Omega, sigma)[0],
                rows(differences, Omega, sigma).var(axis=0, ddof=1),
            ),
            "Your second array is the variance of a single estimate.",
        ),
        (
            lambda differences, Omega, sigma: (
                both(differences, Omega, sigma)[0],
                rows(differences, Omega, sigma).var(axis=0, ddof=1) / len(Omega),
            ),
            "Your second array is the variance of the mean.",
        ),
        (
            lambda differences, Omega, sigma: (
                both(differences, Omega, sigma)[0],
                rows(differences, Omega, sigma).std(axis=0, ddof=1) / len(Omega),
            ),
            "Independent errors add in squares:",
        ),
        (
            lambda differences, Omega, sigma: both(differences, Omega, sigma)[::-1],
            "Both arrays are right, in the other order:",
        ),
        (lambda differences, Omega, sigma: both(differences, Omega, math.sqrt(sigma)), "Once by σ is not enough:"),
        (lambda differences, Omega, sigma: both(differences, Omega, 1.0), "Each of the K estimates is divided by σ²."),
        (
            lambda differences, Omega, sigma: (
                rows(differences, Omega, sigma).sum(axis=0),
                both(differences, Omega, sigma)[1],
            ),
            "The standard error is right.",
        ),
        (
            lambda differences, Omega, sigma: (
                differences.mean() * Omega.mean(axis=0) / sigma**2,
                both(differences, Omega, sigma)[1],
            ),
            "The mean of products is not the product of means, which is a K-th of",
        ),
        (
            lambda differences, Omega, sigma: (
                rows(differences, Omega, sigma).mean(),
                rows(differences, Omega, sigma).std(ddof=1) / math.sqrt(len(Omega)),
            ),
            "Value 1 of 2:",
        ),
        (
            lambda differences, Omega, sigma: (
                both(differences, Omega, sigma)[0],
                rows(differences, Omega, sigma).std(axis=0, ddof=1) / math.sqrt(Omega.shape[1]),
            ),
            "You have divided by the root of the number of weights.",
        ),
        (
            lambda differences, Omega, sigma: (
                both(differences, Omega, sigma)[0],
                2.576 * both(differences, Omega, sigma)[1],
            ),
            "576 times the expected value, every time.",
        ),
    ),
    "5.3": (
        (lambda w, sigma: 4 * w**3, "This is the slope of the loss itself."),
        (lambda w, sigma: 4 * w**3 + 12 * w * sigma, "Right but for one exponent:"),
        (lambda w, sigma: 4 * w**3 + 4 * w * sigma**2, "If this is a central difference:"),
        (lambda w, sigma: 4 * w**3 + 3 * w * sigma**2, "The mean of (w + Ω)³ is w³ + 3wσ²."),
        (lambda w, sigma: 4 * w**3 + 6 * w * sigma**2, "This is half of the bias:"),
        (lambda w, sigma: 4 * w**3 + 12 * w**2 * sigma**2, "The middle term of the cube is 3wΩ²:"),
        (lambda w, sigma: 4 * w**3 + 12 * sigma**2, "The middle term of the cube is 3wΩ²:"),
        (lambda w, sigma: 4 * w**3 - 12 * w * sigma**2, "The sign is turned round:"),
        (lambda w, sigma: w**3 + 3 * w * sigma**2, "This is the mean of (w + Ω)³."),
        (lambda w, sigma: w**4 + 6 * w**2 * sigma**2 + 3 * sigma**4, "This is the smoothed loss, correctly."),
        (lambda w, sigma: w**4, "This is the loss."),
        (lambda w, sigma: 12 * w**2, "This is the second derivative."),
        (lambda w, sigma: 12 * w * sigma**2, "This is the bias."),
        (lambda w, sigma: 4 * w**3 + 12 * w * sigma**2 + 3 * sigma**4, GENERIC),
        (simulated, "009 of the value at most, sometimes above and sometimes below, as from a"),
    ),
    "5.4": (
        (lambda n, K, g_norm, E, sigma: (n + 1) * g_norm**2 / K, "This is the variance with baseline."),
        (
            lambda n, K, g_norm, E, sigma: variance(n, 1, g_norm, E, sigma),
            "This is the variance of one draw; the mean of K has a K-th of it.",
        ),
        (lambda n, K, g_norm, E, sigma: (n + 1) * g_norm**2 / K + n * E**2 / sigma**2, "Averaging helps both terms:"),
        (
            lambda n, K, g_norm, E, sigma: ((n + 1) * g_norm**2 + n * E**2 / sigma) / K,
            "E · Ω/σ² has the variance E²/σ² in each coordinate:",
        ),
        (lambda n, K, g_norm, E, sigma: ((n + 1) * g_norm**2 + n * E / sigma**2) / K, "A variance is a square:"),
        (
            lambda n, K, g_norm, E, sigma: ((n + 1) * g_norm**2 + n * E**2) / K,
            "E · Ω/σ² has the variance E²/σ² in each coordinate:",
        ),
        (
            lambda n, K, g_norm, E, sigma: ((n + 1) * g_norm**2 + n * E**2 / sigma**4) / K,
            "Ω itself has variance σ², so that E · Ω/σ² has E²/σ² a coordinate.",
        ),
        (
            lambda n, K, g_norm, E, sigma: ((n + 1) * g_norm**2 + E**2 / sigma**2) / K,
            "E · Ω/σ² disturbs each of the n coordinates, with variance E²/σ² in",
        ),
        (
            lambda n, K, g_norm, E, sigma: (n * g_norm**2 + n * E**2 / sigma**2) / K,
            "The variance with baseline is (n + 1)‖g‖²:",
        ),
        (
            lambda n, K, g_norm, E, sigma: ((n + 2) * g_norm**2 + n * E**2 / sigma**2) / K,
            "You have the mean square of the estimate, (n + 2)‖g‖².",
        ),
        (lambda n, K, g_norm, E, sigma: n * E**2 / sigma**2 / K, "This is what comes on top."),
        (
            lambda n, K, g_norm, E, sigma: math.sqrt(variance(n, K, g_norm, E, sigma)),
            "Yours is the square root of the expected value, every time.",
        ),
        (
            lambda n, K, g_norm, E, sigma: variance(n, K, g_norm, E, sigma) / n,
            "Yours is the expected value divided by `n`, every time.",
        ),
        (
            lambda n, K, g_norm, E, sigma: variance(n, math.sqrt(K), g_norm, E, sigma),
            "Yours is the expected value times the square root of `K`, every time.",
        ),
        (
            lambda n, K, g_norm, E, sigma: ((n + 1) * g_norm + n * E**2 / sigma**2) / K,
            "The variance with baseline is (n + 1)‖g‖², with the square of the",
        ),
    ),
    "5.5": (
        (lambda n, c: float(draws(n, c)), "The answer is a whole number, of the type `int`;"),
        (
            lambda n, c: int(c**2 * (n + 1) / (1 - c**2)) + 1,
            "Right unless the law gives a whole number, which is then enough:",
        ),
        (lambda n, c: int(c**2 * (n + 1) / (1 - c**2) + 0.999), "Right, but for a number just above a whole one:"),
        (lambda n, c: int(c**2 * (n + 1) / (1 - c**2)), "One draw too few:"),
        (
            lambda n, c: round(c**2 * (n + 1) / (1 - c**2)),
            "You have rounded to the nearest whole number, which is sometimes too",
        ),
        (lambda n, c: c**2 * (n + 1) / (1 - c**2), "The right number, but nobody makes a fraction of a draw:"),
        (lambda n, c: math.ceil(c * (n + 1) / (1 - c)), "The law gives the cosine as a root:"),
        (lambda n, c: math.ceil(c**2 * n / (1 - c**2)), "The law has n + 1 beside K:"),
        (lambda n, c: math.ceil(c**2 * (n + 1)), "K stands below the fraction as well:"),
        (lambda n, c: math.ceil((n + 1) / (1 - c**2)), "A factor c² is lost:"),
        (lambda n, c: math.ceil((1 - c**2) * (n + 1) / c**2), "Upside down:"),
        (lambda n, c: n, GENERIC),
        (lambda n, c: draws(n, c) - 1, "Yours is 1 less than the expected value, every time."),
        (
            lambda n, c: next(
                k for k in itertools.count(max(1, draws(n, c) - 3)) if math.sqrt(k / (k + n + 1)) > c + 1e-12
            ),
            "Right unless the law gives a whole number, which is then enough:",
        ),
    ),
    "5.6": (
        (lambda G, sigma: G, "A row has length 2.45967; each should have σ√n = 0.141421."),
        (lambda G, sigma: sigma * G, "A row has length 0.245967; each should have σ√n = 0.141421."),
        (
            lambda G, sigma: sigma * math.sqrt(G.shape[1]) * G / np.linalg.norm(G, axis=1, keepdims=True),
            "All lengths are right, but independent rows overlap:",
        ),
        (lambda G, sigma: np.linalg.qr(G.T)[0].T, "Orthogonal, with length 1."),
        (lambda G, sigma: sigma * np.linalg.qr(G.T)[0].T, "Orthogonal, with length σ."),
        (
            lambda G, sigma: math.sqrt(G.shape[1]) * np.linalg.qr(G.T)[0].T,
            "A row has length 1.41421; each should have σ√n = 0.141421.",
        ),
        (
            lambda G, sigma: sigma * math.sqrt(len(G)) * np.linalg.qr(G.T)[0].T,
            "A row has length 0.1; each should have σ√n = 0.141421.",
        ),
        (
            lambda G, sigma: sigma * G.shape[1] * np.linalg.qr(G.T)[0].T,
            "A row has length 0.2; each should have σ√n = 0.141421.",
        ),
        (
            lambda G, sigma: sigma * math.sqrt(G.shape[1]) * np.linalg.qr(G.T)[0],
            "Your perturbations have shape (2, 1); expected (1, 2), as",
        ),
        (
            lambda G, sigma: sigma * math.sqrt(G.shape[1]) * np.linalg.qr(G)[0],
            "Your perturbations have shape (1, 1); expected (1, 2), as",
        ),
        (lambda G, sigma: sigma * math.sqrt(G.shape[1]) * np.eye(*G.shape), "These are the first K axes:"),
        (
            lambda G, sigma: (
                sigma * math.sqrt(G.shape[1]) * np.linalg.qr(np.random.default_rng(0).normal(size=G.T.shape))[0].T
            ),
            "Orthogonal, but your rows span other directions than the",
        ),
        (half_schmidt, "Two rows are not orthogonal: their inner product is 0.028."),
        (lambda G, sigma: np.linalg.qr(sigma * G.T)[1].T, "Your perturbations have shape (1, 1); expected (1, 2), as"),
        (
            lambda G, sigma: sigma**2 * math.sqrt(G.shape[1]) * np.linalg.qr(G.T)[0].T,
            "A row has length 0.0141421; each should have σ√n =",
        ),
    ),
    "5.7": (
        (
            lambda differences, xi, x, sigma: differences.mean() * xi.T @ x / (len(x) * sigma**2),
            "You have averaged the changes of loss first.",
        ),
        (
            lambda differences, xi, x, sigma: len(x) * node(differences, xi, x, sigma),
            "This is the sum over examples; the loss is their mean.",
        ),
        (lambda differences, xi, x, sigma: sigma * node(differences, xi, x, sigma), "Once by σ is not enough:"),
        (lambda differences, xi, x, sigma: sigma**2 * node(differences, xi, x, sigma), "Divide by σ², as for weights:"),
        (lambda differences, xi, x, sigma: node(differences, xi, x, sigma).T, "Transposed:"),
        (lambda differences, xi, x, sigma: xi.T @ x / (len(x) * sigma**2), "The change of loss is missing:"),
        (
            lambda differences, xi, x, sigma: (
                np.outer((differences[:, None] * xi).mean(axis=0), x.mean(axis=0)) / sigma**2
            ),
            "The mean of products is not the product of means:",
        ),
        (lambda differences, xi, x, sigma: -node(differences, xi, x, sigma), "Only the sign is wrong:"),
        (
            lambda differences, xi, x, sigma: (differences[:, None] * xi).mean(axis=0) / sigma**2,
            "Expected an array of shape (4, 4);",
        ),
        (
            lambda differences, xi, x, sigma: np.abs(node(differences, xi, x, sigma)),
            "Yours is the absolute value of the expected value, every time.",
        ),
        (lambda differences, xi, x, sigma: (differences[:, None] * xi).T @ x / (xi.shape[1] * sigma**2), GENERIC),
        (lambda differences, xi, x, sigma: (differences[:, None] * xi).T @ x / (x.shape[1] * sigma**2), GENERIC),
        (
            lambda differences, xi, x, sigma: differences[:, None, None] * xi[:, :, None] * x[:, None, :] / sigma**2,
            "Expected an array of shape (4, 4);",
        ),
        (
            lambda differences, xi, x, sigma: node(differences, xi, x, sigma) / 2,
            "5 times the expected value, every time.",
        ),
        (
            lambda differences, xi, x, sigma: np.round(node(differences, xi, x, sigma), 2),
            "Yours are the right values, rounded to 2 decimals:",
        ),
    ),
    "5.8": (
        (lambda g, H, K: 2 * (g @ g) / (g @ H @ g), "This is Chapter 4's step for the exact gradient."),
        (lambda g, H, K: 2 / np.linalg.eigvalsh(H)[-1], "This is the guarantee for the exact gradient, 2/λ_max."),
        (lambda g, H, K: step(g, H, K) / 2, "This is the best step of the quadratic model."),
        (lambda g, H, K: 2 / (g @ H @ g / (g @ g) + np.trace(H) / K), "Almost everything is there."),
        (lambda g, H, K: step(g, H, 1), "This is the step for a single draw."),
        (
            lambda g, H, K: step(g, H, math.sqrt(K)),
            "The covariance of a mean of K draws is a K-th, not one over the root",
        ),
        (lambda g, H, K: 2 / (g @ H @ g + (g @ H @ g + np.trace(H)) / K), "ρ is a curvature per length, gᵀHg/‖g‖²."),
        (lambda g, H, K: 2 * (g @ g) / (g @ H @ g + (g @ H @ g + np.trace(H)) / K), "E ĝĝᵀ has the term ‖g‖² I / K:"),
        (lambda g, H, K: 2 / ((g @ H @ g) / (g @ g) * (1 + np.trace(H) / K)), "The two curvatures add:"),
        (lambda g, H, K: 2 / (np.trace(H) / K), "This is what noise alone would allow."),
        (lambda g, H, K: 2 * K / ((g @ H @ g) / (g @ g) + np.trace(H)), "This is what noise alone would allow."),
        (
            lambda g, H, K: 2 / ((g @ H @ g) / (g @ g) + ((g @ H @ g) / (g @ g) + np.trace(H) / len(g)) / K),
            "You have taken the mean curvature, tr H / n.",
        ),
        (
            lambda g, H, K: 2 / ((g @ H @ g) / (g @ g) + ((g @ H @ g) / (g @ g) + np.linalg.norm(H, 2)) / K),
            "You have taken the largest curvature.",
        ),
        (lambda g, H, K: 1 / step(g, H, K), "Yours is one over the expected value, every time."),
        (
            lambda g, H, K: 2 / ((g @ H @ g) / (g @ g) + ((g @ H @ g) / (g @ g) + np.sum(H)) / K),
            "You have added all entries of H.",
        ),
    ),
}

RIGHT = {
    "5.1": (
        lambda E_perturbed, E, Omega, sigma: [(E_perturbed - E) * o / sigma / sigma for o in Omega],
        lambda E_perturbed, E, Omega, sigma: torch.tensor(Omega) * ((E_perturbed - E) / sigma**2),
        lambda perturbed, loss, noise, width: estimate(perturbed, loss, noise, width),
    ),
    "5.2": (
        both,
        lambda differences, Omega, sigma: (
            differences @ Omega / (len(Omega) * sigma**2),
            np.sqrt(np.var(rows(differences, Omega, sigma), axis=0, ddof=1) / len(Omega)),
        ),
        lambda differences, Omega, sigma: tuple(torch.tensor(part) for part in both(differences, Omega, sigma)),
    ),
    "5.3": (by_hermite, lambda w, sigma: 4 * w * (w * w + 3 * sigma * sigma), lambda w, width: slope(w, width)),
    "5.4": (
        variance,
        lambda n, K, g_norm, E, sigma: (n + 1) / K * g_norm**2 + n / K * (E / sigma) ** 2,
        lambda n, K, norm, loss, sigma: np.float64(variance(n, K, norm, loss, sigma)),
    ),
    "5.5": (
        draws,
        lambda n, c: next(
            k for k in itertools.count(max(1, draws(n, c) - 3)) if k / (k + n + 1) >= c * c * (1 - 1e-12)
        ),
        lambda n, cosine: np.int64(-((-(cosine**2) * (n + 1)) // (1 - cosine**2))),
    ),
    "5.6": (
        gram_schmidt,
        lambda G, sigma: sigma * math.sqrt(G.shape[1]) * np.linalg.svd(G, full_matrices=False)[2],
        lambda G, sigma: sigma * math.sqrt(G.shape[1]) * torch.linalg.qr(torch.tensor(G.T))[0].T,
    ),
    "5.7": (
        node,
        lambda differences, xi, x, sigma: np.einsum("n,nh,nd->hd", differences, xi, x) / len(x) / sigma**2,
        lambda differences, xi, x, sigma: (
            torch.tensor(xi * differences[:, None]).T @ torch.tensor(x) / (len(x) * sigma**2)
        ),
        changed,
    ),
    "5.8": (
        step,
        lambda g, H, K: 2 * K / ((K + 1) * np.einsum("i,ij,j", g, H, g) / np.dot(g, g) + np.linalg.eigvalsh(H).sum()),
        lambda g, H, K: torch.tensor(step(g, H, K)),
    ),
}
