"""Answers to chapter 3 as people write them: wrong ones with words of the sentence each receives, and right ones."""

import itertools
import math

import numpy as np
import torch
from scipy import optimize, stats


def chance(t, norm_x):
    return math.erf(t / (norm_x * math.sqrt(2)))


def simulated(t, norm_x):
    return np.mean(np.abs(np.random.default_rng(0).normal(size=200_000) * norm_x) <= t)


def count(m, tau, delta, p=None, half=2.0, last=1 / 3, L=None):
    p = math.erf(tau / math.sqrt(2)) if p is None else p
    L = math.log(1 / delta) if L is None else L
    return m * p + math.sqrt(half * m * p * (1 - p) * L) + last * L


def flips(m, B, delta):
    return 3 / 2 ** (2 / 3) * (math.sqrt(2 / math.pi) * m * B) ** (2 / 3) + math.sqrt(m * math.log(1 / delta) / 2)


def by_minimum(m, B, delta, p=lambda t: math.sqrt(2 / math.pi) * t):
    found = optimize.minimize_scalar(
        lambda s: m * p(math.exp(s)) + B**2 / math.exp(2 * s),
        bounds=(-12, 4),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return B * math.sqrt(found.fun + math.sqrt(m * math.log(1 / delta) / 2))


def best(W0, x, a, B, sign=1, offset=0, still=True, inside=False):
    """The worst move by a loop over k."""
    u = W0 @ x
    order = sorted((i for i in range(len(a)) if a[i] == sign), key=lambda i: abs(u[i]))
    gains = [B * math.sqrt(k) - sum(abs(u[i]) for i in order[:k]) for k in range(len(order) + 1)]
    k = max(range(len(gains)), key=gains.__getitem__)
    k = max(0, min(len(order), k + offset))
    W = W0 if inside else W0.copy()
    for i in order[:k]:
        W[i] = W[i] - (B / math.sqrt(k)) * (1 if u[i] >= 0 else -1) * x
    return W


def in_place(W0, x, a, B):
    W0 += best(W0, x, a, B) - W0
    return W0


def first_k(W0, x, a, B):
    u, group = W0 @ x, np.flatnonzero(a == 1)
    k = max(1, len(group) // 2)
    W = W0.copy()
    for i in group[:k]:
        W[i] -= B / np.sqrt(k) * np.sign(u[i] + 1e-300) * x
    return W


def nearest_only(W0, x, a, B):
    u, group = W0 @ x, np.flatnonzero(a == 1)
    W = W0.copy()
    i = group[np.argmin(np.abs(u[group]))]
    W[i] -= B * (1 if u[i] >= 0 else -1) * x
    return W


def raises(W0, x, a, B):
    u, group = W0 @ x, np.flatnonzero(a == 1)
    order = group[np.argsort(np.abs(u[group]))]
    gains = B * np.sqrt(np.arange(1, len(order) + 1)) - np.cumsum(np.abs(u[order]))
    k = int(np.argmax(gains)) + 1
    W = W0.copy()
    W[order[:k]] -= B / np.sqrt(k) * np.outer(np.where(u[order[:k]] >= 0, 1, -1), x)
    return W


def width(c, B, eps):
    return math.ceil((c * B ** (4 / 3) / eps) ** 6)


GENERIC = None  # no slip is recognised: the sentence says only what kind of answer is not right yet

WRONG = {
    "3.1": (
        (lambda t, norm_x: chance(t, 1), "This is right for ‖x‖ = 1."),
        (lambda t, norm_x: chance(t * norm_x, 1), "A longer x spreads wᵀx out, and makes a small value less likely:"),
        (lambda t, norm_x: math.erf(t / norm_x), "The error function measures in units of √2:"),
        (lambda t, norm_x: math.erf(t), "erf is made for a standard deviation of 1/√2, and wᵀx has that of a"),
        (lambda t, norm_x: chance(t, norm_x) / 2, "Half of it:"),
        (lambda t, norm_x: 1 - chance(t, norm_x), "Yours is 1 minus the expected value, every time."),
        (lambda t, norm_x: stats.norm.cdf(t / norm_x), "This is Pr[wᵀx ≤ t], one-sided."),
        (lambda t, norm_x: 2 * t / (norm_x * math.sqrt(2 * math.pi)), "This is the bound by the density at zero."),
        (lambda t, norm_x: t / norm_x, "This is the slides' bound, τ for the chance."),
        (lambda t, norm_x: chance(t, norm_x**2), "You have divided by ‖x‖², the variance of wᵀx."),
        (
            lambda t, norm_x: chance(t, math.sqrt(norm_x)),
            "The standard deviation of wᵀx is ‖x‖ itself, without a root.",
        ),
        (lambda t, norm_x: stats.norm.pdf(t / norm_x), GENERIC),
        (simulated, "005 of the value at most, sometimes above and sometimes below, as from a"),
        (lambda t, norm_x: round(chance(t, norm_x), 2), "Yours are the right values, rounded to 2 decimals:"),
        (lambda t, norm_x: math.erf(t / (2 * norm_x)), "The error function measures in units of √2, not 2."),
    ),
    "3.2": (
        (lambda m, t, v: 4 * t / m, "This is Hoeffding's s, for v = 1/4."),
        (lambda m, t, v: t / m, "Yours is the expected value times `v`, every time."),
        (lambda m, t, v: t / v, "This is the s for a single term:"),
        (lambda m, t, v: m * v / t, "Upside down:"),
        (lambda m, t, v: 2 * t / (m * v), "Here the exponent is back at 0 and nothing is won."),
        (lambda m, t, v: t / (2 * m * v), "5 times the expected value, every time."),
        (lambda m, t, v: -(t**2) / (2 * m * v), "This is the exponent that the best s reaches."),
        (lambda m, t, v: np.exp(-(t**2) / (2 * m * v)), "This is the bound that the best s gives."),
        (lambda m, t, v: np.sqrt(t / (m * v)), "Yours is the square root of the expected value, every time."),
        (lambda m, t, v: t / (m * v**2), "Yours is the expected value divided by `v`, every time."),
        (lambda m, t, v: -t / (m * v), "Only the sign is wrong:"),
        (lambda m, t, v: t / (np.sqrt(m) * v), "Yours is the expected value times the square root of `m`, every time."),
        (lambda m, t, v: t / np.sqrt(m * v), "The derivative of m v s²/2 − s t is m v s − t:"),
        (
            lambda m, t, v: float(
                np.linspace(0.001, 50, 5000)[
                    np.argmin(m * v * np.linspace(0.001, 50, 5000) ** 2 / 2 - np.linspace(0.001, 50, 5000) * t)
                ]
            ),
            GENERIC,
        ),
    ),
    "3.3": (
        (
            lambda m, tau, delta: count(m, tau, delta, last=0),
            "Right to leading order, but a small sum exceeds it more often than δ.",
        ),
        (
            lambda m, tau, delta: count(m, tau, delta, last=2 / 3),
            "Many books print 2L/3, which is true as well and a little larger.",
        ),
        (lambda m, tau, delta: count(m, tau, delta, half=1.0), "There is a 2 under the root:"),
        (lambda m, tau, delta: count(m, tau, delta, p=tau) if tau < 1 else 0, "You have taken τ for the probability."),
        (
            lambda m, tau, delta: count(m, tau, delta, p=math.sqrt(2 / math.pi) * tau),
            "You have bounded the probability by the density at zero.",
        ),
        (lambda m, tau, delta: count(m, tau, delta / 2), "A little too large everywhere:"),
        (lambda m, tau, delta: count(m, tau, delta, L=math.log(delta) * -math.log10(math.e)), GENERIC),
        (
            lambda m, tau, delta: m * math.erf(tau / math.sqrt(2)) + math.sqrt(m * math.log(1 / delta) / 2),
            "This is Hoeffding's bound.",
        ),
        (lambda m, tau, delta: m * math.erf(tau / math.sqrt(2)), "This is the mean."),
        (
            lambda m, tau, delta: count(m, tau, delta) - m * math.erf(tau / math.sqrt(2)),
            "This is the excess over the mean.",
        ),
        (lambda m, tau, delta: float(stats.binom.isf(delta, m, math.erf(tau / math.sqrt(2)))), GENERIC),
        (
            lambda m, tau, delta: (
                m * (p := math.erf(tau / math.sqrt(2)))
                + math.sqrt(2 * m * p * math.log(1 / delta))
                + math.log(1 / delta) / 3
            ),
            "You have mp for the variance.",
        ),
        (
            lambda m, tau, delta: (
                m * (p := math.erf(tau / math.sqrt(2)))
                + math.sqrt(2 * p * (1 - p) * math.log(1 / delta))
                + math.log(1 / delta) / 3
            ),
            "You have used the variance of one indicator.",
        ),
        (lambda m, tau, delta: math.ceil(count(m, tau, delta)), "Do not round:"),
        (lambda m, tau, delta: count(m, tau, delta) / m, "Yours is the expected value divided by `m`, every time."),
    ),
    "3.4": (
        (lambda m, B, delta: flips(m, B, delta), "This is the bound on the number of flips."),
        (lambda m, B, delta: math.sqrt(flips(m, B, delta)), "Yours is the expected value divided by `B`, every time."),
        (lambda m, B, delta: B * flips(m, B, delta), "The root is missing:"),
        (
            lambda m, B, delta: (
                B * math.sqrt(2 * (math.sqrt(2 / math.pi) * m * B) ** (2 / 3) + math.sqrt(m * math.log(1 / delta) / 2))
            ),
            "Your constant is 2 where 3/2^(2/3), about 1.89, belongs:",
        ),
        (
            lambda m, B, delta: (
                B * math.sqrt(3 / 2 ** (2 / 3) * (m * B) ** (2 / 3) + math.sqrt(m * math.log(1 / delta) / 2))
            ),
            "You have bounded the probability by τ.",
        ),
        (
            lambda m, B, delta: (
                B
                * math.sqrt(
                    3 / 2 ** (2 / 3) * (math.sqrt(2 / math.pi) * m * B) ** (2 / 3) + math.sqrt(m * math.log(1 / delta))
                )
            ),
            "Hoeffding's own term is √(m log(1/δ)/2):",
        ),
        (lambda m, B, delta: by_minimum(m, B, delta, lambda t: math.erf(t / math.sqrt(2))), GENERIC),
        (
            lambda m, B, delta: B * math.sqrt(2 * m ** (2 / 3) * B ** (2 / 3) + math.sqrt(m * math.log(1 / delta))),
            "These are the slides' roundings, before the root is split.",
        ),
        (
            lambda m, B, delta: math.sqrt(2) * m ** (1 / 3) * B ** (4 / 3) + B * (m * math.log(1 / delta)) ** 0.25,
            "This is Lemma 4.1 as printed, with all its roundings.",
        ),
        (
            lambda m, B, delta: (
                B
                * (
                    math.sqrt(3 / 2 ** (2 / 3) * (math.sqrt(2 / math.pi) * m * B) ** (2 / 3))
                    + (m * math.log(1 / delta) / 2) ** 0.25
                )
            ),
            "You have split the root of a sum into two roots.",
        ),
        (lambda m, B, delta: B * math.sqrt(flips(m, B, 1.0)), "The term of chance is missing:"),
        (
            lambda m, B, delta: B * math.sqrt(flips(m, B, delta)) / math.sqrt(m),
            "Yours is the expected value divided by the square root of `m`, every time.",
        ),
        (
            lambda m, B, delta: (
                B
                * math.sqrt(
                    math.sqrt(2 / math.pi) * m * (t := (2 * B**2 / m) ** (1 / 3))
                    + B**2 / t**2
                    + math.sqrt(m * math.log(1 / delta) / 2)
                )
            ),
            "You have kept the old best τ.",
        ),
        (
            lambda m, B, delta: round(B * math.sqrt(flips(m, B, delta)), 1),
            "Yours are the right values, rounded to 1 decimals:",
        ),
        (lambda m, B, delta: B * math.sqrt(flips(m, B, delta / 2)), "You have split δ between two sides."),
    ),
    "3.5": (
        (in_place, "Your function changes `W0` itself and returns it, so that whoever called it has"),
        (lambda W0, x, a, B: best(W0, x, a, B) - W0, "Your W lies at distance 2.0025 from W0; the budget is B ="),
        (
            lambda W0, x, a, B: best(W0, x, a, B, sign=-1),
            "You have moved the neurons with a = −1, which makes f − f0 as small",
        ),
        (lambda W0, x, a, B: best(W0, x, np.ones(len(a)), B), "You have moved the nearest neurons of either sign."),
        (lambda W0, x, a, B: best(W0, x, a, B, offset=1), "One neuron too many has moved:"),
        (
            lambda W0, x, a, B: best(W0, x, a, B, offset=-1),
            "Within the budget, your f − f0 is 0.8; 1.13137 is possible.",
        ),
        (first_k, "Within the budget, your f − f0 is 0.8; 1.13137 is possible."),
        (nearest_only, "Your function stops with an error on this input."),
        (raises, "Your function stops with an error on this input."),
        (lambda W0, x, a, B: W0.copy(), "Within the budget, your f − f0 is 0; 1.13137 is possible."),
        (
            lambda W0, x, a, B: W0 + B / np.sqrt(len(a)) * np.outer(a, x),
            "Within the budget, your f − f0 is -0.253553; 0 is possible.",
        ),
        (
            lambda W0, x, a, B: W0 - B * np.outer(a == 1, x),
            "Your W lies at distance 1.13137 from W0; the budget is B =",
        ),
        (lambda W0, x, a, B: 2 * W0 - best(W0, x, a, B), "Within the budget, your f − f0 is 0; 1.13137 is possible."),
        (lambda W0, x, a, B: best(W0, x, a, 2 * B), "Your W lies at distance 1.6 from W0; the budget is B = 0.8."),
        (lambda W0, x, a, B: best(W0, x, a, B).T, "W has shape (1, 2), W0 has shape (2, 1): they must be the"),
        (
            lambda W0, x, a, B: np.round(best(W0, x, a, B), 1),
            "Your W lies at distance 0.848528 from W0; the budget is B =",
        ),
    ),
    "3.6": (
        (
            lambda c, B, eps: int((c * B ** (4 / 3) / eps) ** 6) + 1,
            "Right unless the law gives a whole number, which is then wide enough:",
        ),
        (lambda c, B, eps: int((c * B ** (4 / 3) / eps) ** 6), "One neuron too few:"),
        (
            lambda c, B, eps: round((c * B ** (4 / 3) / eps) ** 6),
            "You have rounded to the nearest whole number, which is sometimes too",
        ),
        (lambda c, B, eps: (c * B ** (4 / 3) / eps) ** 6, "The answer is a whole number, of the type `int`;"),
        (lambda c, B, eps: float(width(c, B, eps)), "The answer is a whole number, of the type `int`;"),
        (lambda c, B, eps: math.ceil((c * B ** (4 / 3) / eps) ** 3), "The cube belongs to a rate of m^(−1/3)."),
        (
            lambda c, B, eps: math.ceil((c * B ** (4 / 3) / eps) ** 2),
            "This is the rate m^(−1/2) of a smooth activation.",
        ),
        (lambda c, B, eps: math.ceil(c * B ** (4 / 3) / eps), "m^(1/3)/√m is m^(−1/6), not 1/m:"),
        (lambda c, B, eps: math.ceil((c * B / eps) ** 6), "The movement enters as B^(4/3), so as B⁸ in the end."),
        (lambda c, B, eps: math.ceil(c * (B ** (4 / 3) / eps) ** 6), "c is inside the sixth power, with all the rest."),
        (lambda c, B, eps: math.ceil((eps / (c * B ** (4 / 3))) ** 6), "Upside down:"),
        (
            lambda c, B, eps: math.ceil((c * B ** (4 // 3) / eps) ** 6),
            "The movement enters as B^(4/3), so as B⁸ in the end.",
        ),
        (lambda c, B, eps: width(c, B, eps) - 1, "Yours is 1 less than the expected value, every time."),
        (
            lambda c, B, eps: next(
                m for m in itertools.count(1) if c * B ** (4 / 3) * m ** (1 / 3) / math.sqrt(m) < eps
            ),
            "Right, but not where `c` is 3.",
        ),
    ),
}

RIGHT = {
    "3.1": (
        lambda t, norm_x: 2 * stats.norm.cdf(t / norm_x) - 1,
        lambda t, length: stats.chi2.cdf((t / length) ** 2, 1),
        lambda t, norm_x: torch.erf(torch.tensor(t / norm_x, dtype=torch.float64) / 2**0.5),
    ),
    "3.2": (
        lambda m, t, v: (t / m) / v,
        lambda m, t, v: optimize.minimize_scalar(lambda s: m * v * s**2 / 2 - s * t).x,
        lambda terms, excess, v: np.float64(excess) / (terms * v),
    ),
    "3.3": (
        count,
        lambda m, tau, delta: (
            m * (p := 2 * stats.norm.cdf(tau) - 1) + np.sqrt(-2 * m * p * (1 - p) * np.log(delta)) - np.log(delta) / 3
        ),
        lambda neurons, t, d: torch.tensor(count(neurons, t, d)),
    ),
    "3.4": (
        by_minimum,
        lambda m, B, delta: B * math.sqrt(flips(m, B, delta)),
        lambda m, B, delta: (
            B
            * math.sqrt(
                (math.sqrt(2 / math.pi) * m * (t := np.geomspace(1e-4, 50, 200_001)) + B**2 / t**2).min()
                + math.sqrt(m * math.log(1 / delta) / 2)
            )
        ),
    ),
    "3.5": (
        best,
        lambda weights, x, a, B: torch.tensor(best(weights, x, a, B)),
        lambda W0, x, a, B: best(W0, x, a, B).tolist(),
    ),
    "3.6": (
        width,
        lambda c, B, eps: next(
            m for m in itertools.count(1) if c * B ** (4 / 3) * m ** (1 / 3) / math.sqrt(m) <= eps * (1 + 1e-12)
        ),
        lambda c, B, eps: np.int64(width(c, B, eps)),
    ),
}
