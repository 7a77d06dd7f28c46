"""Answers to chapter 2 as people write them: wrong ones with words of the sentence each receives, and right ones."""

import math

import numpy as np
import torch
from scipy import optimize, stats


def short(x, W, W0, a):
    return float(sum(a[i] * (W[i] @ x) for i in range(len(a)) if W0[i] @ x >= 0))


def through_torch(x, W, W0, a):
    on = (torch.tensor(W0) @ torch.tensor(x) >= 0).double()
    return torch.tensor(a) @ (on * (torch.tensor(W) @ torch.tensor(x)))


def gap(u0, u, a):
    return np.sum(a * (np.maximum(u, 0) - np.where(u0 >= 0, u, 0)))


def bad(W0, W, x, tau):
    return sum(abs(W0[i] @ x) <= tau * np.linalg.norm(x) or np.linalg.norm(W[i] - W0[i]) >= tau for i in range(len(W)))


def far(m, d, B, tau):
    move, k = np.zeros((m, d)), int(B**2 / tau**2)
    for i in range(k):
        move[i, d - 1] = tau
    return move


def with_one_more(m, d, B, tau):
    move, k = np.zeros((m, d)), int(B**2 / tau**2) + 1
    move[:k, 0] = B / math.sqrt(k)
    return move


def divided(m, d, B, tau):
    move, k = np.zeros((m, d)), int(B**2 // tau**2)
    move[:k] = B / k / math.sqrt(d)
    return move


def simulated(s):
    z = np.random.default_rng(0).normal(size=(2, 200_000))
    return np.mean((z[0] > 0) != (z[0] + s * z[1] > 0))


GENERIC = None  # no slip is recognised: the sentence says only what kind of answer is not right yet

WRONG = {
    "2.1": (
        (lambda x, W, W0, a: a @ np.maximum(W @ x, 0), "This is the network f itself:"),
        (lambda x, W, W0, a: a @ np.maximum(W0 @ x, 0), "This is f at W0, which never moves."),
        (
            lambda x, W, W0, a: a @ np.maximum(W0 @ x, 0) + short(x, W - W0, W0, a) * 0 + short(x, W, W0, a),
            "The value at W0 is counted twice:",
        ),
        (
            lambda x, W, W0, a: a @ ((W0 @ x > 0) * (W @ x)),
            "Right except where a neuron starts exactly at zero, which counts as",
        ),
        (
            lambda x, W, W0, a: np.sum((W0 @ x >= 0) * (W @ x)),
            "Every neuron enters with its sign a_i; you have added them without.",
        ),
        (lambda x, W, W0, a: short(x, W0, W, a), "W and W0 are swapped:"),
        (lambda x, W, W0, a: short(x, W - W0, W0, a), "This is only the change since W0."),
        (lambda x, W, W0, a: a @ (W @ x), "No neuron is switched off."),
        (lambda x, W, W0, a: a * ((W0 @ x >= 0) * (W @ x)), "Of the 5 values return the one that is asked for."),
        (lambda x, W, W0, a: -short(x, W, W0, a), "Only the sign is wrong:"),
        (
            lambda x, W, W0, a: short(x, W, W0, a) / np.sqrt(len(a)),
            "Yours is the expected value divided by the square root of `len(W)`, every time.",
        ),
        (
            lambda x, W, W0, a: short(x, W, W0, a) / len(a),
            "Yours is the expected value divided by `len(W)`, every time.",
        ),
        (lambda x, W, W0, a: a @ ((W0 @ x < 0) * (W @ x)), "You have kept the neurons that are off at W0."),
        (lambda x, W, W0, a: a @ np.maximum(W @ x, 0) - short(x, W, W0, a), "This is the gap f − f0."),
        (
            lambda x, W, W0, a: np.abs(a) @ ((W0 @ x >= 0) * (W @ x)),
            "Every neuron enters with its sign a_i; you have added them without.",
        ),
        (lambda x, W, W0, a: round(short(x, W, W0, a), 1), "Yours are the right values, rounded to 1 decimals:"),
    ),
    "2.2": (
        (lambda u0, u, a: -gap(u0, u, a), "The sign is turned round:"),
        (
            lambda u0, u, a: np.sum(a * u0 * ((u >= 0) * 1.0 - (u0 >= 0))),
            "The switch multiplies the input of now, u, not u0.",
        ),
        (
            lambda u0, u, a: np.sum(a * u * ((u > 0) * 1.0 - (u0 > 0))),
            "Right except where a neuron starts exactly at zero, which counts as",
        ),
        (lambda u0, u, a: a @ (np.maximum(u, 0) - np.maximum(u0, 0)), "This is how much f has changed."),
        (
            lambda u0, u, a: np.sum(u * ((u >= 0) * 1.0 - (u0 >= 0))),
            "Every neuron enters with its sign a_i; you have added them without.",
        ),
        (lambda u0, u, a: np.sum((u >= 0) != (u0 >= 0)), "You have counted the flips."),
        (lambda u0, u, a: np.sum((a * u)[(u >= 0) != (u0 >= 0)]), "A neuron that switches off counts with minus:"),
        (
            lambda u0, u, a: np.sum(np.abs(u)[(u >= 0) != (u0 >= 0)]),
            "Every neuron enters with its sign a_i; you have added them without.",
        ),
        (lambda u0, u, a: np.sum(a[(u >= 0) != (u0 >= 0)]), "You have added the signs of the flipped neurons."),
        (lambda u0, u, a: a * u * ((u >= 0) * 1.0 - (u0 >= 0)), "Of the 6 values return the one that is asked for."),
        (lambda u0, u, a: np.abs(gap(u0, u, a)), "Yours is the absolute value of the expected value, every time."),
        (
            lambda u0, u, a: np.sum((a * (u - u0))[(u >= 0) != (u0 >= 0)]),
            "The switch multiplies the input of now, u, not the change u − u0.",
        ),
        (
            lambda u0, u, a: np.sum((a * np.abs(u))[u * u0 < 0]),
            "A neuron at exactly zero is missed by the sign of a product:",
        ),
        (lambda u0, u, a: a @ (np.maximum(u, 0) - (u0 >= 0) * u0), "This is how much f has changed."),
        (
            lambda u0, u, a: np.sum((a * np.abs(u))[(u >= 0) == (u0 >= 0)]),
            "These are the neurons that kept their side:",
        ),
        (
            lambda u0, u, a: gap(u0, u, a) / np.sqrt(len(a)),
            "Yours is the expected value divided by the square root of `len(u0)`, every time.",
        ),
    ),
    "2.3": (
        (
            lambda W0, W, x, tau: (
                np.sum(np.abs(W0 @ x) <= tau * np.linalg.norm(x)) + np.sum(np.linalg.norm(W - W0, axis=1) >= tau)
            ),
            "A neuron that is in both sets counts once:",
        ),
        (
            lambda W0, W, x, tau: np.sum(
                (np.abs(W0 @ x) <= tau * np.linalg.norm(x)) & (np.linalg.norm(W - W0, axis=1) >= tau)
            ),
            "You have the neurons that are in both sets.",
        ),
        (
            lambda W0, W, x, tau: np.sum((np.abs(W0 @ x) <= tau) | (np.linalg.norm(W - W0, axis=1) >= tau)),
            "S1 compares |w0ᵀx| with τ‖x‖:",
        ),
        (
            lambda W0, W, x, tau: np.sum(
                (np.abs(W0 @ x) < tau * np.linalg.norm(x)) | (np.linalg.norm(W - W0, axis=1) > tau)
            ),
            "The boundary belongs to both sets:",
        ),
        (
            lambda W0, W, x, tau: np.sum(
                (np.abs(W0 @ x) < tau * np.linalg.norm(x)) | (np.linalg.norm(W - W0, axis=1) >= tau)
            ),
            "A neuron that starts exactly at the edge of the strip is in S1:",
        ),
        (
            lambda W0, W, x, tau: np.sum(
                (np.abs(W0 @ x) <= tau * np.linalg.norm(x)) | (np.linalg.norm(W - W0, axis=1) > tau)
            ),
            "A neuron that moves by exactly τ is in S2:",
        ),
        (
            lambda W0, W, x, tau: np.sum(
                (np.abs(W @ x) <= tau * np.linalg.norm(x)) | (np.linalg.norm(W - W0, axis=1) >= tau)
            ),
            "S1 looks at where a neuron starts, W0 @ x, not at where it has",
        ),
        (lambda W0, W, x, tau: np.sum(np.abs(W0 @ x) <= tau * np.linalg.norm(x)), "This is S1 alone."),
        (lambda W0, W, x, tau: np.sum(np.linalg.norm(W - W0, axis=1) >= tau), "This is S2 alone."),
        (lambda W0, W, x, tau: float(bad(W0, W, x, tau)), "The answer is a whole number, of the type `int`;"),
        (lambda W0, W, x, tau: bad(W0, W, x, tau) / len(W), "The answer is a whole number, of the type `int`;"),
        (lambda W0, W, x, tau: len(W) - bad(W0, W, x, tau), "You have counted the neurons outside."),
        (
            lambda W0, W, x, tau: np.sum((W0 @ x <= tau * np.linalg.norm(x)) | (np.linalg.norm(W - W0, axis=1) >= tau)),
            "S1 is a strip around zero:",
        ),
        (
            lambda W0, W, x, tau: np.sum(
                (np.abs(W0 @ x) <= tau * np.linalg.norm(x)) | (np.abs((W - W0) @ x) >= tau * np.linalg.norm(x))
            ),
            "S2 looks at the length of a row's move, not at its part along x.",
        ),
        (
            lambda W0, W, x, tau: np.sum((np.abs(W0 @ x) <= tau * np.linalg.norm(x)) | (np.linalg.norm(W - W0) >= tau)),
            "Without `axis=1`, np.linalg.norm is the length of the whole move.",
        ),
        (lambda W0, W, x, tau: np.sum((W @ x >= 0) != (W0 @ x >= 0)), "These are the flips."),
    ),
    "2.4": (
        (
            lambda m, d, B, tau: np.full((m, d), B / np.sqrt(m * d)),
            "You have spread the budget over all neurons, and too few of them get",
        ),
        (
            lambda m, d, B, tau: np.array([[tau] + [0.0] * (d - 1)] * m),
            "Every neuron moves by τ, which costs mτ² in squares:",
        ),
        (
            lambda m, d, B, tau: np.array([[B] + [0.0] * (d - 1)] + [[0.0] * d] * (m - 1)),
            "One neuron got everything, and only one is far.",
        ),
        (with_one_more, "Within the budget, but rows that move by τ or more: 0."),
        (divided, "Within the budget, but rows that move by τ or more: 0."),
        (lambda m, d, B, tau: np.zeros((m, d)), "Within the budget, but rows that move by τ or more: 0."),
        (lambda m, d, B, tau: far(m, d, B, tau).T, "Your move has shape (1, 2); the layer has shape (2, 1)."),
        (lambda m, d, B, tau: far(m, d, B, tau)[0], "Your move has shape (1,); the layer has shape (1, 1). Right"),
        (lambda m, d, B, tau: far(m, d, B, tau) * 0.999, "Within the budget, but rows that move by τ or more: 0."),
        (lambda m, d, B, tau: far(m, d, B, tau) * tau, "Within the budget, but rows that move by τ or more: 0."),
        (
            lambda m, d, B, tau: np.ones((m, d)) * tau * (np.arange(m) < int(B**2 / tau**2))[:, None],
            "Your move has length 0.900666; the budget is B = 0.636867.",
        ),
        (lambda m, d, B, tau: np.eye(m, d) * tau, "Your move has length 0.1; the budget is B = 0.0707107."),
        (lambda m, d, B, tau: far(m, d, B, tau) + 1.0, "Your move has length 1; the budget is B = 0.0707107. Right"),
        (lambda m, d, B, tau: int(B**2 / tau**2), "Your move has shape (); the layer has shape (1, 1). Right"),
        (
            lambda m, d, B, tau: np.array([[tau] + [0.0] * (d - 1)] * int(B / tau) + [[0.0] * d] * (m - int(B / tau))),
            "Within the budget, but rows that move by τ or more: 1.",
        ),
    ),
    "2.5": (
        (lambda m, B: (B**2 / m) ** (1 / 3), "Here both terms are equal."),
        (lambda m, B: (2 * B**2 / m) ** (1 / 2), "The derivative of B²/τ² is −2B²/τ³, so that a cube root is needed."),
        (lambda m, B: (2 * B**2 / m) ** 1 / 3, "`** 1 / 3` is a power of one, divided by three:"),
        (lambda m, B: (2 * B**2 / m) ** (1 // 3), GENERIC),
        (lambda m, B: (2 * B / m) ** (1 / 3), "The budget enters squared:"),
        (lambda m, B: m * (t := (2 * B**2 / m) ** (1 / 3)) + B**2 / t**2, "This is the smallest value of the sum."),
        (lambda m, B: (m / (2 * B**2)) ** (1 / 3), "Yours is one over the expected value, every time."),
        (lambda m, B: m ** (-1 / 3), GENERIC),
        (lambda m, B: (4 * B**2 / m) ** (1 / 3), "26 times the expected value, every time."),
        (lambda m, B: 2 * (B**2 / m) ** (1 / 3), "The 2 belongs below the cube root."),
        (lambda m, B: (B**2 / (2 * m)) ** (1 / 3), "63 times the expected value, every time."),
        (lambda m, B: (2 * B**2 / m) ** (1 / 4), "The equation has τ³:"),
        (lambda m, B: B / math.sqrt(m), "At this τ the second term alone is the number of neurons."),
        (
            lambda m, B: float(
                np.linspace(0.001, 3, 300)[
                    np.argmin(m * np.linspace(0.001, 3, 300) + B**2 / np.linspace(0.001, 3, 300) ** 2)
                ]
            ),
            GENERIC,
        ),
    ),
    "2.6": (
        (lambda s: math.atan(s) / (2 * math.pi), "Half of the answer:"),
        (lambda s: 2 * math.atan(s) / math.pi, "Twice the answer:"),
        (lambda s: s / math.pi, "Right for a tiny s only."),
        (lambda s: math.atan(1 / s) / math.pi, "This falls when the move grows."),
        (lambda s: math.atan(s), "142 times the expected value, every time."),
        (lambda s: 0.5, "A half is the limit of large moves."),
        (lambda s: 1 - math.atan(s) / math.pi, "Yours is 1 minus the expected value, every time."),
        (lambda s: 0.5 - math.atan(s) / math.pi, "This falls when the move grows."),
        (lambda s: math.asin(min(s, 1)) / math.pi, GENERIC),
        (lambda s: math.acos(1 / math.sqrt(1 + s)) / math.pi, GENERIC),
        (lambda s: math.atan(s**2) / math.pi, "The slope of the line is s itself, not its square."),
        (lambda s: math.degrees(math.atan(s)) / math.pi, "3 times the expected value, every time."),
        (lambda s: stats.norm.cdf(s) - 0.5, GENERIC),
        (simulated, GENERIC),
        (lambda s: round(math.atan(s) / math.pi, 3), "Yours are the right values, rounded to 3 decimals:"),
    ),
}

RIGHT = {
    "2.1": (
        short,
        through_torch,
        lambda x, W, W0, a: np.einsum("i,ij,j,i->", a, W, x, W0 @ x >= 0),
        lambda x, weights, start, signs: signs @ np.where(start @ x >= 0, weights @ x, 0),
    ),
    "2.2": (
        gap,
        lambda u0, u, a: float(sum(s * v * (int(v >= 0) - int(v0 >= 0)) for v0, v, s in zip(u0, u, a))),
        lambda u0, u, a: torch.tensor(gap(u0, u, a)),
        lambda before, after, sign: sign @ (after * (np.heaviside(after, 1) - np.heaviside(before, 1))),
    ),
    "2.3": (
        lambda W0, W, x, tau: int(bad(W0, W, x, tau)),
        lambda W0, W, x, tau: len(
            {
                *np.flatnonzero(abs(W0 @ x) <= tau * np.linalg.norm(x)),
                *np.flatnonzero(np.linalg.norm(W - W0, axis=1) >= tau),
            }
        ),
        lambda W0, W, x, tau: np.count_nonzero(
            (abs(W0 @ x) <= tau * np.linalg.norm(x)) | (np.sqrt(((W - W0) ** 2).sum(axis=1)) >= tau)
        ),
    ),
    "2.4": (
        far,
        lambda m, d, B, tau: [[-tau if i < int(B**2 / tau**2) and j == 0 else 0.0 for j in range(d)] for i in range(m)],
        lambda m, d, B, tau: torch.tensor(
            np.outer(np.arange(m) >= m - int(B**2 / tau**2), np.full(d, tau / math.sqrt(d)))
        ),
    ),
    "2.5": (
        lambda m, B: np.cbrt(2 * B**2 / m),
        lambda m, B: (
            optimize.minimize_scalar(
                lambda t: m * math.exp(t) + B**2 / math.exp(2 * t),
                bounds=(-10, 3),
                method="bounded",
                options={"xatol": 1e-12},
            )
            and math.exp(math.log(2 * B**2 / m) / 3)
        ),
        lambda neurons, budget: optimize.brentq(lambda t: neurons * t**3 - 2 * budget**2, 0, 100),
    ),
    "2.6": (
        lambda s: math.atan2(s, 1) / math.pi,
        lambda s: 0.5 - math.asin(1 / math.sqrt(1 + s * s)) / math.pi,
        lambda s: math.acos(1 / math.sqrt(1 + s * s)) / math.pi,
        lambda s: stats.cauchy.cdf(s) - 0.5,
    ),
}
