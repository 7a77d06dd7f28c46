"""Answers to chapter 2 as people write them: wrong ones with words of the sentence each receives, and right ones."""

import math

import numpy as np
import torch
from scipy import stats


def gap(u0, u, a):
    return np.sum(a * (np.maximum(u, 0) - np.where(u0 >= 0, u, 0)))


def leaky(u0, u, a, alpha):
    def net(v):
        return np.where(v >= 0, v, alpha * v)

    return a @ (net(u) - np.where(u0 >= 0, 1, alpha) * u)


def turned(u0, u):
    return (u >= 0) != (u0 >= 0)


def five(W0, W, a, x, tau):
    """One neuron after the other."""
    S1 = {i for i in range(len(W)) if abs(W0[i] @ x) <= tau * np.linalg.norm(x)}
    S2 = {i for i in range(len(W)) if np.linalg.norm(W[i] - W0[i]) >= tau}
    flips = [i for i in range(len(W)) if (W[i] @ x >= 0) != (W0[i] @ x >= 0)]
    return [len(S1), len(S2), len(S1 | S2), len(flips), sum(a[i] * abs(W[i] @ x) for i in flips)]


def quick(W0, W, a, x, tau):
    u0, u = W0 @ x, W @ x
    near, far = abs(u0) <= tau * np.linalg.norm(x), np.sqrt(((W - W0) ** 2).sum(axis=1)) >= tau
    return np.array([near.sum(), far.sum(), (near | far).sum(), turned(u0, u).sum(), gap(u0, u, a)])


def but(place, value):
    """The five numbers with one of them replaced by ``value(W0, W, a, x, tau)``."""

    def answer(W0, W, a, x, tau):
        found = quick(W0, W, a, x, tau)
        found[place] = value(W0, W, a, x, tau)
        return found

    return answer


def added(rows, m, x, tau, step=7_000):
    return sum(quick(*rows(i, min(i + step, m)), x, tau) for i in range(0, m, step))


def kept(rows, m, x, tau):
    blocks = [rows(i, min(i + 5_000, m)) for i in range(0, m, 5_000)]
    return sum(quick(*block, x, tau) for block in blocks)


def glued(rows, m, x, tau):
    blocks = [rows(i, min(i + 5_000, m)) for i in range(0, m, 5_000)]
    return quick(*(np.concatenate(parts) for parts in zip(*blocks)), x, tau)


def while_loop(rows, m, x, tau):
    total, start = [0.0] * 5, 0
    while start < m:
        stop = min(m, start + 4096)
        total = [one + other for one, other in zip(total, quick(*rows(start, stop), x, tau))]
        start = stop
    return total


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
    "2.7": (
        (
            but(4, lambda W0, W, a, x, tau: np.sum((a * (W @ x))[turned(W0 @ x, W @ x)])),
            "a neuron that switches off has the",
        ),
        (but(4, lambda W0, W, a, x, tau: -gap(W0 @ x, W @ x, a)), "the gap has the wrong sign:"),
        (
            but(4, lambda W0, W, a, x, tau: np.sum((a * abs(W0 @ x))[turned(W0 @ x, W @ x)])),
            "the switch multiplies the input of now, u, not u0.",
        ),
        (
            but(4, lambda W0, W, a, x, tau: np.sum((a * abs((W - W0) @ x))[turned(W0 @ x, W @ x)])),
            "the input of now, u, not the step u − u0.",
        ),
        (
            but(4, lambda W0, W, a, x, tau: gap(W0 @ x, W @ x, abs(a))),
            "In the gap every neuron enters with its sign a_i.",
        ),
        (but(4, lambda W0, W, a, x, tau: np.sum(a[turned(W0 @ x, W @ x)])), "with a_i |u_i|, not with its sign alone."),
        (
            but(2, lambda W0, W, a, x, tau: sum(five(W0, W, a, x, tau)[:2])),
            "a neuron in both sets counts once, not twice.",
        ),
        (
            but(2, lambda W0, W, a, x, tau: sum(five(W0, W, a, x, tau)[:2]) - five(W0, W, a, x, tau)[2]),
            "You have counted those in both.",
        ),
        (lambda W0, W, a, x, tau: quick(W0, W, a, x, tau * 1.0)[[0, 1, 2, 4, 3]], "The last two are exchanged:"),
        (lambda W0, W, a, x, tau: quick(W0, W, a, x, tau)[:4], "Expected an array of shape (5,)"),
        (lambda W0, W, a, x, tau: quick(W, W0, a, x, tau), GENERIC),
        (lambda W0, W, a, x, tau: quick(W0, W, a, x, tau) / [len(W)] * 4 + [1], GENERIC),
        (lambda W0, W, a, x, tau: quick(W0, W, a, x, tau) / np.array([len(W)] * 4 + [1]), "not shares:"),
        (lambda W0, W, a, x, tau: sum(quick(W0, W, a, x, tau)), "Expected an array of shape (5,); yours is a number."),
        (lambda W0, W, a, x, tau: quick(W0, W, a, x, tau * np.linalg.norm(x)), GENERIC),
        (lambda W0, W, a, x, tau: quick(W0, W, a, x / np.linalg.norm(x) if x.any() else x, tau), GENERIC),
    ),
    "2.8": (
        (lambda rows, m, x, tau: quick(*rows(0, m), x, tau), "The numbers are right, but"),
        (kept, "The numbers are right, but"),
        (glued, "The numbers are right, but"),
        (
            lambda rows, m, x, tau: sum(
                (quick(*rows(i, i + 10_000), x, tau) for i in range(0, m - 9_999, 10_000)), start=np.zeros(5)
            ),
            "The last block is shorter than the others, and you have left it out.",
        ),
        (lambda rows, m, x, tau: quick(*rows(0, min(m, 10_000)), x, tau), "You have counted the first block only:"),
        (
            lambda rows, m, x, tau: sum(quick(*rows(i, i + 10_000), x, tau) for i in range(0, m, 10_000)),
            "IndexError: rows are numbered from 0 to m",
        ),
        (
            lambda rows, m, x, tau: sum(quick(*rows(i, min(i + 10_001, m)), x, tau) for i in range(0, m, 10_000)),
            "Some neurons are counted twice:",
        ),
        (
            lambda rows, m, x, tau: sum(quick(*rows(i, min(i + 9_999, m)), x, tau) for i in range(0, m, 10_000)),
            "One neuron of each block is left out:",
        ),
        (lambda rows, m, x, tau: added(rows, m, x, tau) / m, "Return numbers of neurons, not shares of m."),
        (
            lambda rows, m, x, tau: added(rows, m, x, tau, 10_000) / math.ceil(m / 10_000),
            "You have averaged over the blocks: add them up.",
        ),
        (lambda rows, m, x, tau: added(rows, m, x, tau)[:4], "Five numbers are asked for, as of the stage before;"),
        (lambda rows, m, x, tau: np.zeros(5), "The numbers are not right yet:"),
        (lambda rows, m, x, tau: added(rows, m, x, 2 * tau), "The numbers are not right yet:"),
        (lambda rows, m, x, tau: m * quick(*rows(0, 1), x, tau), "The numbers are not right yet:"),
    ),
    "2.9": (
        (lambda u0, u, a, alpha: gap(u0, u, a), "This is the gap of ReLU, whose slope jumps by 1."),
        (lambda u0, u, a, alpha: alpha * gap(u0, u, a), "You have multiplied by α."),
        (lambda u0, u, a, alpha: (1 + alpha) * gap(u0, u, a), "The slopes are subtracted, 1 − α:"),
        (lambda u0, u, a, alpha: (1 - alpha) ** 2 * gap(u0, u, a), "The jump of the slope enters once:"),
        (lambda u0, u, a, alpha: -leaky(u0, u, a, alpha), "The sign is turned round:"),
        (
            lambda u0, u, a, alpha: (1 - alpha) * np.sum((a * u)[turned(u0, u)]),
            "A neuron that switches off counts too, with a_i |u_i|:",
        ),
        (
            lambda u0, u, a, alpha: (1 - alpha) * np.sum((a * abs(u0))[turned(u0, u)]),
            "A flipped neuron misses by what lies beyond zero,",
        ),
        (
            lambda u0, u, a, alpha: (1 - alpha) * np.sum((a * abs(u - u0))[turned(u0, u)]),
            "Only the part of the move that lies beyond zero is missed:",
        ),
        (lambda u0, u, a, alpha: leaky(u0, u, abs(a), alpha), "Every neuron enters with its sign a_i;"),
        (
            lambda u0, u, a, alpha: (1 - alpha) * np.sum((a * abs(u))[u * u0 < 0]),
            "A neuron at exactly zero is missed by the sign of a product:",
        ),
        (
            lambda u0, u, a, alpha: (1 - alpha) * np.sum((a * abs(u))[(u > 0) != (u0 > 0)]),
            "Right except where a neuron starts exactly at zero,",
        ),
        (
            lambda u0, u, a, alpha: a @ (np.where(u >= 0, u, alpha * u) - np.where(u0 >= 0, u0, alpha * u0)),
            "This is how much f has changed.",
        ),
        (lambda u0, u, a, alpha: a @ np.where(u >= 0, u, alpha * u), "This is f itself."),
        (lambda u0, u, a, alpha: abs(leaky(u0, u, a, alpha)), "Yours is the absolute value of the expected value,"),
        (
            lambda u0, u, a, alpha: leaky(u0, u, a, alpha) / math.sqrt(len(a)),
            "Yours is the expected value divided by the square root of `len(u0)`, every time.",
        ),
    ),
    "2.10": (
        (lambda: "A C F B H D", "Line A: outside of a union is outside of both sets."),
        (lambda: "G C F E B H D", "Line E: this is false:"),
        (lambda: "G C F B I H D", "Line I: true, and for counting later."),
        (lambda: "J G C F B H D", "Line J: the claim holds for every W,"),
        (lambda: "F G C B H D", "Line F is not founded yet: it uses where the neuron starts"),
        (lambda: "G F C B H D", "Line F is not founded yet: it compares what x sees of a move"),
        (lambda: "G C B H D", "Line H is not founded yet: it says that the step is shorter"),
        (lambda: "G C F H D", "Line H is not founded yet: it puts start and step together,"),
        (lambda: "G C F B D", "Line D is not founded yet: it speaks of signs,"),
        (lambda: "G C F B H", "they do not arrive:"),
        (lambda: "G C F B H D G", "Line G stands twice: once is enough."),
        (lambda: "D", "Line D is not founded yet:"),
        (lambda: "G C F B Q H D", "There is no line Q:"),
        (lambda: 6, "expected the labels in a text,"),
    ),
}

RIGHT = {
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
    "2.6": (
        lambda s: math.atan2(s, 1) / math.pi,
        lambda s: 0.5 - math.asin(1 / math.sqrt(1 + s * s)) / math.pi,
        lambda s: math.acos(1 / math.sqrt(1 + s * s)) / math.pi,
        lambda s: stats.cauchy.cdf(s) - 0.5,
    ),
    "2.7": (
        five,
        lambda W0, W, a, x, tau: tuple(quick(W0, W, a, x, tau)),
        lambda before, now, signs, x, tau: torch.tensor(quick(before, now, signs, x, tau)),
    ),
    "2.8": (
        added,
        while_loop,
        lambda rows, m, x, tau: np.sum(
            [
                quick(*rows(i, i + 1 if m < 100 else min(i + 9_000, m)), x, tau)
                for i in range(0, m, 1 if m < 100 else 9_000)
            ],
            axis=0,
        ),
    ),
    "2.9": (
        leaky,
        lambda u0, u, a, alpha: float(
            sum(s * (1 - alpha) * abs(v) for v0, v, s in zip(u0, u, a) if (v >= 0) != (v0 >= 0))
        ),
        lambda before, after, signs, leak: torch.tensor(leaky(before, after, signs, leak)),
    ),
    "2.10": (
        lambda: "G C F B H D",
        lambda: "b c g f h d",
        lambda: ["C", "G", "F", "B", "H", "D"],
        lambda: "G, B, C → F → H → D",
    ),
}
