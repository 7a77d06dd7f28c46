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


def draws(n, c):
    return math.ceil(c**2 * (n + 1) / (1 - c**2))


def node(differences, xi, x, sigma):
    return sum(d * np.outer(k, v) for d, k, v in zip(differences, xi, x)) / (len(x) * sigma**2)


def step(g, H, K):
    rho = g @ H @ g / (g @ g)
    return 2 / (rho + (rho + np.trace(H)) / K)


def changed(differences, xi, x, sigma):
    xi *= differences[:, None]
    return xi.T @ x / (len(x) * sigma**2)


def one_by_one(loss, theta, sigma, K, rng, against=True, mean=True, scale=1.0, power=2):
    total = np.zeros(theta.size)
    for _ in range(K):
        omega = rng.normal(0, sigma, theta.size)
        change = loss(theta[None] + omega)[0]
        if against:
            change = change - loss(theta[None])[0]
        total += scale * change * omega / sigma**power
    return total / K if mean else total


def pairs(loss, theta, sigma, K, rng, half=0.5, more=False):
    omega = rng.normal(0, sigma, (K, theta.size))
    up, down = loss(theta + omega), loss(theta - omega)
    if more:
        up = up - loss(theta[None])
    return half * (up - down) @ omega / (K * sigma**2)


def covariance(loss, theta, sigma, K, rng, free=1):
    omega = rng.normal(0, sigma, (K, theta.size))
    values = loss(theta + omega)
    return (values - values.mean()) @ (omega - omega.mean(axis=0)) / ((K - free) * sigma**2)


def own_mean(loss, theta, sigma, K, rng):
    omega = rng.normal(0, sigma, (K, theta.size))
    values = loss(theta + omega)
    return sum((v - values.mean()) * o for v, o in zip(values, omega)) / (K * sigma**2)


def signs(loss, theta, sigma, K, rng):
    omega = sigma * rng.choice([-1, 1], size=(K, theta.size))
    return (loss(theta + omega) - loss(theta[None])) @ omega / K / sigma**2


def wandering(loss, theta, sigma, K, rng):
    base, total = loss(theta[None])[0], 0
    for _ in range(K):
        omega = rng.normal(0, sigma, theta.size)
        theta += omega
        total = total + (loss(theta[None])[0] - base) * omega / sigma**2
    return total / K


def shuffled(loss, theta, sigma, K, rng):
    omega = rng.normal(0, sigma, (K, theta.size))
    return (loss(theta + omega) - loss(theta[None])) @ np.roll(omega, 1, axis=0) / (K * sigma**2)


def by_coordinates(loss, theta, sigma, K, rng):
    steps = sigma * np.eye(theta.size)
    return (loss(theta + steps) - loss(theta - steps)) / (2 * sigma)


def sizes(loss, theta, sigma, K, rng):
    omega = rng.normal(0, sigma, (K, theta.size))
    return (loss(theta + omega) - loss(theta[None])) @ np.sign(omega) / (K * sigma)


def unscaled(loss, theta, sigma, K, rng):
    omega = rng.normal(size=(K, theta.size))
    return (loss(theta + omega) - loss(theta[None])) @ omega / (K * sigma**2)


def all_rows(loss, theta, sigma, K, rng):
    omega = rng.normal(0, sigma, (K, theta.size))
    return (loss(theta + omega) - loss(theta[None]))[:, None] * omega / sigma**2


def same_seed(loss, theta, sigma, K, rng):
    return one_by_one(loss, theta, sigma, K, np.random.default_rng(0))


def descent(K=16, batch=64, sigma=1e-3, eta=0.1, by=pairs, cost=2, sign=-1, share=1.0, rows=None, decay=False):
    def trained(loss, theta, rng):
        steps = int(share * (loss.left // (cost * K * batch)))
        for t in range(steps):
            chosen = rng.integers(loss.N, size=batch) if rows is None else rows
            g = by(lambda thetas: loss(thetas, chosen), theta, sigma, K, rng)  # noqa: B023
            theta = theta + sign * eta * (1 - t / steps if decay else 1) * g
        return theta

    return trained


def without(loss, theta, sigma, K, rng):
    omega = rng.normal(0, sigma, (K, theta.size))
    return loss(theta + omega) @ omega / (K * sigma**2)


def never_enough(loss, theta, rng):
    while True:
        rows = rng.choice(loss.N, 100)
        theta = theta - 0.1 * pairs(lambda thetas: loss(thetas, rows), theta, 1e-3, 20, rng)  # noqa: B023


def gradient_of_the_start(loss, theta, rng):
    rows = np.arange(loss.N)
    g = pairs(lambda thetas: loss(thetas, rows), theta, 1e-3, 300, rng)
    return theta - 5 * g


def while_left(loss, theta, rng):
    K, batch, sigma = 20, 50, 1e-3
    while loss.left >= batch * K:
        part = rng.permutation(loss.N)[:batch]
        noise = rng.normal(scale=sigma, size=(K, len(theta)))
        values = loss(theta + noise, part)
        theta = theta - 0.1 * (values - values.mean()) @ noise / (sigma**2 * (K - 1))
    return theta


def order(labels):
    return lambda: labels


def layer_law(delta, x, factor=lambda h, d: h + 1, power=2):
    N, h = delta.shape
    total = 0.0
    for one, other in zip(delta, x):
        total += factor(h, other.size) * (one @ one) * (other @ other)
    return total / N**power


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
    "5.9": (
        (
            lambda loss, theta, sigma, K, rng: one_by_one(loss, theta, sigma, K, rng, against=False),
            "Right on average, and far too noisy: each perturbation",
        ),
        (without, "Right on average, and far too noisy: each perturbation"),
        (
            lambda loss, theta, sigma, K, rng: one_by_one(loss, theta, sigma, K, rng, mean=False),
            "You have added the K estimates: take their mean",
        ),
        (
            lambda loss, theta, sigma, K, rng: one_by_one(loss, theta, sigma, 1, rng),
            "Right on average, and as noisy as a single",
        ),
        (
            lambda loss, theta, sigma, K, rng: pairs(loss, theta, sigma, K, rng, half=1.0),
            "Twice the gradient: between θ + Ω and θ",
        ),
        (lambda loss, theta, sigma, K, rng: pairs(loss, theta, sigma, K, rng, more=True), "losses; 8 are allowed"),
        (own_mean, "A K-th too small: each loss is itself a"),
        (
            lambda loss, theta, sigma, K, rng: one_by_one(loss, theta, sigma, K, rng, power=1),
            "Once by σ is not enough: the difference and",
        ),
        (
            lambda loss, theta, sigma, K, rng: one_by_one(loss, theta, sigma, K, rng, power=0),
            "This estimates σ² times the gradient: divide by σ²",
        ),
        (
            lambda loss, theta, sigma, K, rng: one_by_one(loss, theta, sigma, K, rng, scale=-1.0),
            "The sign is turned round: a perturbation that raises",
        ),
        (
            lambda loss, theta, sigma, K, rng: one_by_one(loss, theta, sigma, K, rng) / K,
            "A K-th of the gradient: are you dividing by",
        ),
        (same_seed, "Every call returns the same: take the perturbations"),
        (by_coordinates, "Every call returns the same: take the perturbations"),
        (sizes, "You have kept the signs of Ω only."),
        (unscaled, "times the gradient, seen along it"),
        (all_rows, "Your estimate has the shape (4, 2); the gradient has (2,)."),
        (wandering, "Right on average, and as noisy as a single"),
        (shuffled, "On average nothing: is each change of the loss"),
        (lambda loss, theta, sigma, K, rng: loss(theta)[0] * theta, "stops with an error"),
    ),
    "5.10": (
        (descent(sign=1), "little more than guessing"),
        (descent(by=without, cost=1), "has run away"),
        (descent(by=without, cost=1, eta=1e-5), "little more than guessing"),
        (descent(batch=1397, K=40), "The budget is spent"),
        (descent(eta=1e-4), "little more than guessing"),
        (descent(eta=30.0), "little more than guessing"),
        (descent(sigma=10.0), "The budget is spent"),
        (descent(rows=np.arange(64)), "The budget is spent"),
        (descent(share=0.01), "of the budget are left"),
        (descent(share=0.3, eta=0.01), "of the budget are left"),
        (never_enough, "stops with an error"),
        (gradient_of_the_start, "The budget is spent"),
        (lambda loss, theta, rng: theta, "These are the parameters that were given"),
        (lambda loss, theta, rng: theta[None], "Your parameters have the shape (1, 1210); they came"),
        (lambda loss, theta, rng: rng.normal(size=theta.size), "of the budget are left"),
    ),
    "5.11": (
        (order("E H A J C G"), "Line A: The sign is that of the derivative"),
        (order("D E H B J C G"), "Line D: True where E has a derivative, and"),
        (order("F E H B J C G"), "Line F: True to first order only, for small"),
        (order("E H B J I G"), "Line I: Ẽ is the loss at θ +"),
        (order("H E B J C G"), "Line H is not founded yet: Under which integral"),
        (order("E B J C G"), "Line J is not founded yet: Whose derivative is"),
        (order("E H J C G"), "Line J is not founded yet: It needs the"),
        (order("E H B J G"), "Line G is not founded yet: Nothing above says"),
        (order("E H B C G"), "Line G is not founded yet: A line with"),
        (order("E H B C J"), "Each line stands on those above it, but they"),
        (order("G C J B H E"), "Line G is not founded yet: A line with"),
        (order("E H B J C G G"), "Line G stands twice: once is enough"),
        (order("A B C D E F G H I J"), "Line A: The sign is that of the derivative"),
    ),
    "5.12": (
        (lambda delta, x: layer_law(delta, x, lambda h, d: h * d + 1), "You have counted the weights of the layer"),
        (lambda delta, x: layer_law(delta, x, lambda h, d: h), "The law with a baseline has h + 1"),
        (lambda delta, x: layer_law(delta, x, lambda h, d: h + 2), "With h + 2 it is the mean square"),
        (lambda delta, x: layer_law(delta, x, lambda h, d: h - 1), "h − 1 belongs to random signs"),
        (lambda delta, x: layer_law(delta, x, power=1), "Of a mean of N independent estimates the variances"),
        (lambda delta, x: layer_law(delta, x, power=0), "This is the variance of the sum over the"),
        (lambda delta, x: layer_law(delta, x, lambda h, d: d + 1), None),
        (
            lambda delta, x: (delta.shape[1] + 1) * (delta**2).sum() * (x**2).sum() / len(x) ** 2,
            "Each example's own ‖δ‖² meets its own ‖x‖²: multiply",
        ),
        (lambda delta, x: (delta.shape[1] + 1) * (delta**2).sum() / len(x) ** 2, "This is the noise on the nodes"),
        (
            lambda delta, x: (delta.shape[1] + 1) * np.mean((delta**2).sum(1) * (x**2).sum(1)),
            "Of a mean of N independent estimates the variances",
        ),
        (
            lambda delta, x: (delta.shape[1] + 1) * (delta**2).sum(1) * (x**2).sum(1) / len(x) ** 2,
            "Expected a number; yours is an array of shape",
        ),
        (
            lambda delta, x: (
                (delta.shape[1] + 1) * (np.linalg.norm(delta, axis=1) * np.linalg.norm(x, axis=1)).sum() / len(x) ** 2
            ),
            "A variance has squared lengths, ‖δ‖²‖x‖²",
        ),
        (lambda delta, x: (delta.shape[1] + 1) * np.sum((delta.T @ x / len(x)) ** 2), None),
        (lambda delta, x: math.sqrt(layer_law(delta, x)), "Yours is the square root of the expected value"),
    ),
    "5.13": (
        (order("H C F D B E"), "Line D: The two factors are not independent: z₁"),
        (order("H C F A G B E"), "Line G: So it is for random signs, whose"),
        (order("H J F A I B E"), "Line J: ĝ has the mean g, not 0"),
        (order("C H F A I B E"), "Line C is not founded yet: What is subtracted"),
        (order("C F A I B E"), "Line C is not founded yet: What is subtracted"),
        (order("H C A F I B E"), "Line A is not founded yet: Which product is"),
        (order("H C A I B E"), "Line A is not founded yet: Which product is"),
        (order("H C F A B I E"), "Line B is not founded yet: It uses moments"),
        (order("H C F I B E"), "Line B is not founded yet: The moments are"),
        (order("H F A I B E"), "Line E is not founded yet: The mean square"),
        (order("H C F A I E"), "Line E is not founded yet: How large the"),
        (order("H C F A I B"), "Each line stands on those above it, but they"),
        (order("E B I A F C H"), "Line E is not founded yet: The mean square"),
        (order("H C F A I B B E"), "Line B stands twice: once is enough"),
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
    "5.5": (
        draws,
        lambda n, c: next(
            k for k in itertools.count(max(1, draws(n, c) - 3)) if k / (k + n + 1) >= c * c * (1 - 1e-12)
        ),
        lambda n, cosine: np.int64(-((-(cosine**2) * (n + 1)) // (1 - cosine**2))),
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
    "5.9": (
        one_by_one,
        pairs,
        covariance,
        signs,
        lambda loss, at, width, number, rng: pairs(loss, at, width, number, rng),
    ),
    "5.10": (descent(), descent(K=32, by=signs, eta=0.2, decay=True), while_left),
    "5.11": (order("E H B J C G"), order("c b e h j g"), lambda: ["B", "E", "H", "C", "J", "G"]),
    "5.12": (
        layer_law,
        lambda delta, x: np.einsum("ih,ij,ik->", delta**2, x**2, np.ones((len(x), delta.shape[1] + 1))) / len(x) ** 2,
        lambda delta, x: torch.tensor(layer_law(delta, x)),
    ),
    "5.13": (order("H C F A I B E"), order("I F A B H C E"), lambda: "f a, i -> b; h c e"),
}
