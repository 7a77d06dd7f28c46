"""Answers to chapter 3 as people write them: wrong ones with words of the sentence each receives, and right ones."""

import math

import numpy as np
import torch
from scipy import optimize, stats


def chance(t, norm_x):
    return math.erf(t / (norm_x * math.sqrt(2)))


def simulated(t, norm_x):
    return np.mean(np.abs(np.random.default_rng(0).normal(size=200_000) * norm_x) <= t)


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


def lengths(k, u, B):
    """The gain, move by move."""
    nearest = sorted(abs(value) for value in u)[:k]
    return sum(B / math.sqrt(k) - distance for distance in nearest)


def by_heap(u, a, B):
    """The best gain, each sign on its own, neuron after neuron."""
    best = 0.0
    for sign in (1, -1):
        way = 0.0
        for k, distance in enumerate(np.sort(np.abs(np.asarray(u)[np.asarray(a) == sign])).tolist(), 1):
            way += distance
            best = max(best, B * math.sqrt(k) - way)
    return best


def stage_by_stage(u, a, B):
    """Stage 1 for every k anew."""
    return max(lengths(k, u[a == s], B) for s in (1, -1) for k in range(1, int((a == s).sum()) + 1))


def signed(u, a, B, sign=1, floor=0.0, start=1, order=np.sort):
    distances = order(np.abs(u[a == sign]))
    return max([floor, *(B * np.sqrt(np.arange(start, len(distances) + start)) - np.cumsum(distances))])


def best(W0, x, a, B, sign=None, offset=0, inside=False):
    """The worst move by a loop over k; of both signs, or of one."""
    u = W0 @ x
    found = (0.0, [])
    for s in (1, -1) if sign is None else (sign,):
        order = sorted((i for i in range(len(a)) if a[i] == s), key=lambda i: abs(u[i]))
        gains = [B * math.sqrt(k) - sum(abs(u[i]) for i in order[:k]) for k in range(len(order) + 1)]
        k = max(range(len(gains)), key=gains.__getitem__)
        if gains[k] >= found[0]:
            found = gains[k], order[: max(0, min(len(order), k + offset))]
    W, rows = W0 if inside else W0.copy(), found[1]
    for i in rows:
        W[i] = W[i] - (B / math.sqrt(len(rows))) * (1 if u[i] >= 0 else -1) * x
    return W


def in_place(W0, x, a, B):
    W0 += best(W0, x, a, B) - W0
    return W0


def nearest_only(W0, x, a, B):
    u = W0 @ x
    W, i = W0.copy(), int(np.argmin(np.abs(u)))
    if abs(u[i]) < B:
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


def summed_otherwise(W0, x, a, B):
    """As `best`, with each pre-activation summed from its last term, where 0 may become 1e-17."""
    shuffled = np.array([sum(row[j] * x[j] for j in reversed(range(len(x)))) for row in W0])
    u = W0 @ x
    W = best(W0, x, a, B)
    rows = np.flatnonzero((W != W0).any(axis=1) & (np.abs(u) < 1e-12) & W0.any(axis=1))
    for i in rows:  # whichever side it started on, in the other order of the sum
        move = B / math.sqrt(int((W != W0).any(axis=1).sum()))
        W[i] = W0[i] - move * (1 if shuffled[i] >= 0 else -1) * x
    return W


def loss(W, X, y, a):
    f = np.maximum(X @ W.T, 0) @ a / math.sqrt(len(a))
    return np.mean((f - y) ** 2) / 2


def one_by_one(W, X, y, a, mean=True, root=True, gate=True, sign=1.0, targets=True, twice=1.0, second=True):
    """The gradient by loops over inputs and neurons."""
    out = np.zeros_like(W)
    for x, target in zip(X, y):
        f = sum(a[i] * max(W[i] @ x, 0) for i in range(len(a))) / math.sqrt(len(a))
        error = f - target if targets else f
        for i in range(len(a)):
            on = W[i] @ x > 0 if gate else True
            out[i] += twice * sign * error * (a[i] if second else 1) * on * x / (math.sqrt(len(a)) if root else 1)
    return out / (len(y) if mean else 1)


def by_torch(W, X, y, a):
    W = torch.tensor(W, requires_grad=True)
    f = torch.relu(torch.tensor(X) @ W.T) @ torch.tensor(a) / math.sqrt(len(a))
    ((f - torch.tensor(y)) ** 2).mean().div(2).backward()
    return W.grad


def by_differences(W, X, y, a, h=1e-6):
    out = np.zeros_like(W)
    for index in np.ndindex(W.shape):
        step = np.zeros_like(W)
        step[index] = h
        out[index] = (loss(W + step, X, y, a) - loss(W - step, X, y, a)) / (2 * h)
    return out


def steps_of(gradient, more=0, sign=1.0, copy=True):
    def answer(W, X, y, a, steps, eta):
        W = W.copy() if copy else W
        for _ in range(steps + more):
            W -= sign * eta * gradient(W, X, y, a)
        return W

    return answer


def recursive(W, X, y, a, steps, eta):
    return W if steps == 0 else recursive(W - eta * one_by_one(W, X, y, a), X, y, a, steps - 1, eta)


def shuffled_batches(W, X, y, a, steps, eta):
    rng, W = np.random.default_rng(0), W.copy()
    for _ in range(steps):
        j = rng.integers(len(y), size=1)
        W -= eta * one_by_one(W, X[j], y[j], a)
    return W


def momentum(W, X, y, a, steps, eta):
    W, v = W.copy(), 0.0
    for _ in range(steps):
        v = 0.9 * v + one_by_one(W, X, y, a)
        W -= eta * v
    return W


def frozen(W, X, y, a, steps, eta):
    return W - eta * steps * one_by_one(W, X, y, a)


def report(nets, X, y, steps, eta, columns=None, rows=None, train=None):
    """A sweep from other parts: ``columns`` replaces some of the three functions of (W0, W, a, X)."""
    train = train or steps_of(one_by_one)
    measured = {"movement": moved, "flips": crossed, "gap": strayed, **(columns or {})}
    table = [[f(W0, train(W0, X, y, a, steps, eta), a, X) for f in measured.values()] for W0, a in nets]
    return np.array(table) if rows is None else rows(np.array(table))


def moved(W0, W, a, X):
    return math.sqrt(((W - W0) ** 2).sum())


def crossed(W0, W, a, X):
    return np.mean([np.count_nonzero((W0 @ x >= 0) ^ (W @ x >= 0)) for x in X])


def tangent(W0, W, a, x):
    return a @ ((W0 @ x >= 0) * (W @ x)) / math.sqrt(len(a))


def gaps(W0, W, a, X):
    return np.array([a @ np.maximum(W @ x, 0) / math.sqrt(len(a)) - tangent(W0, W, a, x) for x in X])


def strayed(W0, W, a, X):
    return math.sqrt(np.mean(gaps(W0, W, a, X) ** 2))


def swept(**changes):
    return lambda nets, X, y, steps, eta: report(nets, X, y, steps, eta, **changes)


def order(text):
    """A proof's answer."""
    return lambda: text


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
        (in_place, "Your function changes `W0` itself and returns it, so that whoever"),
        (
            lambda W0, x, a, B: best(W0, x, a, B) - W0,
            "Your W lies at distance 2.15407 from W0; the budget is B = 0.5. Right",
        ),
        (lambda W0, x, a, B: best(W0, x, a, B, sign=-1), "Right where neurons with a = −1 are the better ones."),
        (lambda W0, x, a, B: best(W0, x, a, B, sign=1), "Right where neurons with a = 1 are the better ones."),
        (
            lambda W0, x, a, B: best(W0, x, np.ones(len(a)), B),
            "You have moved the nearest neurons of either sign. What those with a",
        ),
        (
            lambda W0, x, a, B: best(W0, x, a, B, offset=1),
            "Within the budget, your |f − f0| is 0.614214; 0.7 is possible. Right",
        ),
        (
            lambda W0, x, a, B: best(W0, x, a, B, offset=-1),
            "One neuron too few has moved: the index of the largest gain is k − 1.",
        ),
        (nearest_only, "Within the budget, your |f − f0| is 0.8; 1.13137 is possible. Right"),
        (raises, "Your function stops with an error on this input."),
        (lambda W0, x, a, B: W0.copy(), "Within the budget, your |f − f0| is 0; 0.7 is possible."),
        (
            lambda W0, x, a, B: W0 + B / np.sqrt(len(a)) * np.outer(a, x),
            "Within the budget, your |f − f0| is 0.407107; 0.7 is possible. Right",
        ),
        (lambda W0, x, a, B: W0 - B * np.outer(a == 1, x), "Within the budget, your |f − f0| is 0; 0.7 is possible."),
        (lambda W0, x, a, B: 2 * W0 - best(W0, x, a, B), "Within the budget, your |f − f0| is 0; 0.7 is possible."),
        (lambda W0, x, a, B: best(W0, x, a, 2 * B), "Your W lies at distance 1 from W0; the budget is B = 0.5."),
        (
            lambda W0, x, a, B: best(W0, x, a, B).T,
            "W has shape (1, 2), W0 has shape (2, 1): they must be the same. Right",
        ),
        (lambda W0, x, a, B: np.round(best(W0, x, a, B), 1), "Your W lies at distance"),
    ),
    "3.7": (
        (
            lambda k, u, B: B - sum(sorted(np.abs(u))[:k]),
            "Lengths add up in squares: k moves of λ cost √k λ, so that each of",
        ),
        (
            lambda k, u, B: k * B - sum(sorted(np.abs(u))[:k]),
            "Each of your k neurons has moved by B, which costs B√k together.",
        ),
        (
            lambda k, u, B: B * math.sqrt(k) - sum(np.abs(u)[:k]),
            "You have taken the first k of the list. Take the k nearest to zero:",
        ),
        (
            lambda k, u, B: B * math.sqrt(k) - sum(sorted(u)[:k]),
            "A neuron that is off has a negative u. Sort the distances |u|, not u.",
        ),
        (lambda k, u, B: B * math.sqrt(k) - abs(sum(sorted(u, key=abs)[:k])), GENERIC),
        (
            lambda k, u, B: sum(max(B / math.sqrt(k) - d, 0) for d in sorted(np.abs(u))[:k]),
            "You have counted who stops short of zero as 0. Here it counts with a",
        ),
        (lambda k, u, B: B * math.sqrt(k), "This is how far all of them move together. Only what lies beyond zero"),
        (
            lambda k, u, B: B * math.sqrt(k) - sum(sorted(np.abs(u))[: k + 1]),
            "You have taken off the way of one neuron too many: a slice [:k] holds",
        ),
        (lambda k, u, B: B * math.sqrt(k) - sum(sorted(np.abs(u))[:-1][:k]), GENERIC),
        (
            lambda k, u, B: B * math.sqrt(k) - sum(sorted(np.abs(u), reverse=True)[:k]),
            "These are the k farthest. `np.sort` begins with the smallest.",
        ),
        (
            lambda k, u, B: B / math.sqrt(k) - sum(sorted(np.abs(u))[:k]),
            "B/√k is the move of one neuron. There are k of them.",
        ),
        (
            lambda k, u, B: B * math.sqrt(k) - sorted(np.abs(u))[k - 1],
            "You have taken off the way of the last one only. Each of the k has to",
        ),
        (lambda k, u, B: -lengths(k, u, B), "Only the sign is wrong: yours is the negative of the expected value,"),
        (
            lambda k, u, B: [B / math.sqrt(k) - d for d in sorted(np.abs(u))[:k]],
            "Expected a number; yours is an array of shape (8,). Of the 8 values",
        ),
        (
            lambda k, u, B: round(lengths(k, u, B), 2),
            "Yours are the right values, rounded to 2 decimals: return all digits.",
        ),
    ),
    "3.8": (
        (signed, "Right where the neurons with a = 1 are the better ones. |f − f0| is"),
        (lambda u, a, B: signed(u, a, B, sign=-1), "Right where the neurons with a = −1 are the better ones. Try the"),
        (
            lambda u, a, B: signed(u, np.ones(len(u)), B),
            "You have moved neurons of both signs together. What those with a = −1",
        ),
        (
            lambda u, a, B: signed(u, a, B) + signed(u, a, B, -1),
            "You have spent the budget twice, once for each sign. Take the better",
        ),
        (lambda u, a, B: signed(u, a, B) - signed(u, a, B, -1), GENERIC),
        (
            lambda u, a, B: max(signed(u, a, B, s, floor=-np.inf) for s in (1, -1)),
            "Where not even the nearest is worth its way, the adversary stands",
        ),
        (
            lambda u, a, B: max(
                np.max(B * np.sqrt(k) - np.cumsum(d))
                for s in (1, -1)
                for d in [np.sort(abs(u[a == s]))]
                for k in [np.arange(1, len(d) + 1)]
            ),
            "Your function stops with an error on this input.",
        ),
        (
            lambda u, a, B: max(signed(u, a, B, s, start=0) for s in (1, -1)),
            "One neuron's way is taken off too many: count k from 1, not from 0.",
        ),
        (
            lambda u, a, B: max(signed(u, a, B, s, order=np.asarray) for s in (1, -1)),
            "The running sum goes along the list as it was given. Sort the",
        ),
        (lambda u, a, B: max(signed(np.square(u), a, B, s) for s in (1, -1)), GENERIC),
        (stage_by_stage, "No answer within 5 seconds; it was busy with this input. Is there a"),
        (
            lambda u, a, B: max(0, B - np.abs(u).min()),
            "You have spent everything on the nearest neuron. Several together may",
        ),
        (
            lambda u, a, B: int(np.argmax(B * np.sqrt(np.arange(1, len(u) + 1)) - np.cumsum(np.sort(np.abs(u))))),
            GENERIC,
        ),
        (
            lambda u, a, B: by_heap(u, a, B) / math.sqrt(len(u)),
            "Yours is the expected value divided by the square root of `len(u)`,",
        ),
        (lambda u, a, B: 0.438 * B ** (4 / 3) * len(u) ** (1 / 3), GENERIC),
    ),
    "3.9": (
        (order("D B A G C I E"), "Line B: True, and too weak: Cauchy–Schwarz gives the root, as |S|"),
        (order("D H A G F I E"), "Line F: S depends on W, and an adversary chooses W after seeing W₀."),
        (order("J D H A G C I E"), "Line J: True, and of no use: it does not know B. This is what the"),
        (order("H D A G C I E"), "Line H is not founded yet: Why do the moves of the neurons in S bound"),
        (order("D H A C I G E"), "Line I is not founded yet: The bound on |S| needs one on |S₂|, which"),
        (order("D H A G I C E"), "Line I is not founded yet: The bound on |S| needs one on |S₁|, which"),
        (order("D H G C I E"), "Line I is not founded yet: What is known of S₁ and of S₂ says"),
        (order("A G C I E"), "Line E is not founded yet: A bound on |S| is not yet one on f − f₀:"),
        (order("D H E"), "Line E is not founded yet: The gap is bounded by |S|, and how large"),
        (order("D H A G C I"), "Each line stands on those above it, but they do not arrive: what is"),
        (order("D H A G C I E J"), "Line J: True, and of no use: it does not know B. This is what the"),
        (order("A B C D E F G H I J"), "Line B: True, and too weak: Cauchy–Schwarz gives the root, as |S|"),
        (order(""), "Your function returns nothing yet. Once it returns a value, check"),
        (order("D H A G C I K E"), "There is no line K: the lines are A, B, C, D, E, F, G, H, I, J."),
    ),
    "3.10": (
        (order("F E H D A G C"), "Line E: The exponential of a sum is a product, and the mean of a"),
        (order("F B H I A G C"), "Line I: Only at s = 0. The exponential tilts p to q, and q(1 − q) may"),
        (order("J F B H D A G C"), "Line J: True, and not needed: it falls as 1/t² only, so that δ ="),
        (order("F B D A G C"), "Line A is not founded yet: A bound on ψ'' bounds ψ only when its"),
        (order("F B H A G C"), "Line A is not founded yet: s²/8 comes from a bound on ψ'', which"),
        (order("F B G H D A C"), "Line G is not founded yet: Where does s²/8 come from? Nothing above"),
        (order("F H D A G C"), "Line G is not founded yet: X is a sum of m terms, ψ belongs to one:"),
        (order("B H D A G C"), "Line G is not founded yet: How does an exponential come to bound a"),
        (order("F B H D A C"), "Line C is not founded yet: The best s minimises a bound that does not"),
        (order("F B H D A G"), "Each line stands on those above it, but they do not arrive: what is"),
        (order("C G A D H B F"), "Line C is not founded yet: The best s minimises a bound that does not"),
        (order("F B H D A G C C"), "Line C stands twice: once is enough."),
        (order("A B C D E F G H I J"), "Line A is not founded yet: A bound on ψ'' bounds ψ only when its"),
    ),
    "3.11": (
        (
            lambda W, X, y, a: one_by_one(W, X, y, a, root=False),
            "The factor 1/√m of f is missing once: f has it, and so has its",
        ),
        (
            lambda W, X, y, a: one_by_one(W, X, y, a, mean=False),
            "You have summed over the inputs. The loss is a mean: divide by n.",
        ),
        (
            lambda W, X, y, a: one_by_one(W, X, y, a, twice=2.0),
            "Twice too large: the ½ of the loss cancels the 2 of the square.",
        ),
        (
            lambda W, X, y, a: one_by_one(W, X, y, a, gate=False),
            "You have differentiated as if every neuron were on. One that is off",
        ),
        (lambda W, X, y, a: one_by_one(W, X, y, a, targets=False), "The targets are missing: the error is f − y."),
        (
            lambda W, X, y, a: one_by_one(W, X, y, a, second=False),
            "The second layer is missing from the derivative: each row has its",
        ),
        (
            lambda W, X, y, a: one_by_one(W, X, y, a, sign=-1.0),
            "This is the direction in which descent goes. The gradient points",
        ),
        (
            lambda W, X, y, a: one_by_one(W, X, y, a).T,
            "Expected an array of shape (5, 3); yours is an array of shape (3, 5).",
        ),
        (lambda W, X, y, a: one_by_one(W, X, -y, a), "The error is f − y, not f + y."),
        (
            lambda W, X, y, a: one_by_one(W, X, y, a).sum(axis=0),
            "Expected an array of shape (5, 3); yours is an array of shape (3,).",
        ),
        (
            lambda W, X, y, a: one_by_one(W, X, y, a) / np.linalg.norm(one_by_one(W, X, y, a)),
            "Your answer holds NaN (not a number): look for 0/0, ∞ − ∞ or the root",
        ),
        (loss, "Expected an array of shape (5, 3); yours is a number."),
        (lambda W, X, y, a: one_by_one(W, X[:1], y[:1], a), GENERIC),
        (
            lambda W, X, y, a: one_by_one(W * math.sqrt(len(a)), X, y, a),
            "Your f, inside the error, has no factor 1/√m.",
        ),
    ),
    "3.12": (
        (steps_of(one_by_one, sign=-1.0), "You have climbed: subtract the gradient."),
        (steps_of(one_by_one, more=1), "One step too many."),
        (steps_of(one_by_one, more=-1), "One step too few: `range(steps)` makes as many rounds as steps."),
        (steps_of(one_by_one, copy=False), "Your function changes `W` itself and returns it, so that whoever"),
        (
            lambda W, X, y, a, steps, eta: W - eta * one_by_one(W, X, y, a),
            "This is one step. Is the `return` inside the loop?",
        ),
        (frozen, "All your steps use the gradient at the start. Take it anew at each W."),
        (shuffled_batches, GENERIC),
        (momentum, GENERIC),
        (
            lambda W, X, y, a, steps, eta: recursive(W, X, y, a, steps, eta) - W,
            "This is the way, W − W0. Return where it ends.",
        ),
        (
            lambda W, X, y, a, steps, eta: recursive(W, X, y, a, steps, eta / len(y)),
            "Your steps are n times too short: the loss is a mean already.",
        ),
        (
            lambda W, X, y, a, steps, eta: recursive(W, X, y, a, steps, eta / steps),
            "You have divided the step by their number. Each of them has the",
        ),
        (lambda W, X, y, a, steps, eta: recursive(W, X, y, a, steps, 3.0), GENERIC),
        (
            lambda W, X, y, a, steps, eta: [recursive(W, X, y, a, t, eta) for t in range(steps + 1)],
            "Expected an array of shape (5, 3); yours is an array of shape (5, 5,",
        ),
        (
            lambda W, X, y, a, steps, eta: loss(recursive(W, X, y, a, steps, eta), X, y, a),
            "Expected an array of shape (5, 3); yours is a number.",
        ),
        (steps_of(lambda W, X, y, a: one_by_one(W, X, y, a, gate=False)), GENERIC),
    ),
    "3.13": (
        (
            swept(columns={"movement": lambda W0, W, a, X: np.linalg.norm(W - W0, 2)}),
            "The first column is the largest singular value of the move. Asked is",
        ),
        (swept(columns={"movement": lambda W0, W, a, X: np.abs(W - W0).max()}), GENERIC),
        (
            swept(columns={"movement": lambda W0, W, a, X: moved(W0, W, a, X) ** 2}),
            "The first column is the squared distance: take the root.",
        ),
        (
            swept(columns={"flips": lambda W0, W, a, X: crossed(W0, W, a, X) * len(X)}),
            "The second column is the sum over the inputs: take their mean.",
        ),
        (
            swept(columns={"flips": lambda W0, W, a, X: crossed(W0, W, a, X) / len(a)}),
            "The second column is the share of neurons that flip. Asked is their",
        ),
        (
            swept(columns={"flips": lambda W0, W, a, X: np.count_nonzero((W0 >= 0) != (W >= 0))}),
            "You have counted weights that change sign. A neuron flips for an",
        ),
        (
            swept(columns={"gap": lambda W0, W, a, X: strayed(W0, W, a, X) * math.sqrt(len(a))}),
            "The third column lacks the factor 1/√m, which this network has.",
        ),
        (
            swept(columns={"gap": lambda W0, W, a, X: gaps(W0, W, a, X).mean()}),
            "The third column is the mean of f − f0, in which signs cancel. Asked",
        ),
        (
            swept(columns={"gap": lambda W0, W, a, X: np.abs(gaps(W0, W, a, X)).mean()}),
            "The third column is the mean of |f − f0|. Asked is the root mean",
        ),
        (swept(columns={"gap": lambda W0, W, a, X: np.abs(gaps(W0, W, a, X)).max()}), GENERIC),
        (
            swept(columns={"gap": lambda W0, W, a, X: strayed(W0, W, a, X) ** 2}),
            "The third column is the mean square: take its root.",
        ),
        (swept(rows=lambda table: table.T), "Expected an array of shape (2, 3); yours is an array of shape (3, 2)."),
        (
            swept(rows=lambda table: table.mean(axis=0)),
            "Expected an array of shape (3, 3); yours is an array of shape (3,).",
        ),
        (swept(rows=lambda table: table[:, [0, 2, 1]]), "The order of the columns is movement, flips, gap."),
        (swept(train=frozen), GENERIC),
        (
            swept(train=steps_of(one_by_one, copy=False)),
            "Nothing has moved: are W0 and W one array, because the training",
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
        summed_otherwise,
    ),
    "3.7": (
        lengths,
        lambda k, u, B: torch.tensor(lengths(k, u, B), dtype=torch.float64),
        lambda k, u, B: k * (B / np.sqrt(k) - np.mean(np.partition(np.abs(u), k - 1)[:k])),
    ),
    "3.8": (
        by_heap,
        lambda u, a, B: max(signed(u, a, B, sign) for sign in (1, -1)),
        lambda u, signs, budget: torch.tensor(by_heap(u, signs, budget), dtype=torch.float64),
    ),
    "3.9": (order("D H A G C I E"), order("C G A I D H E"), lambda: "A,D,G,H,C,I,E"),
    "3.10": (order("F B H D A G C"), order("D H A B F G C"), lambda: "h d a f b g c"),
    "3.11": (one_by_one, by_torch, by_differences),
    "3.12": (
        steps_of(one_by_one),
        recursive,
        lambda W, X, y, a, steps, eta: torch.tensor(recursive(W, X, y, a, steps, eta)),
    ),
    "3.13": (
        report,
        lambda nets, X, y, steps, eta: report(nets, X, y, steps, eta).tolist(),
        lambda nets, X, y, steps, eta: report(nets, X, y, steps, eta, train=recursive),
    ),
}
