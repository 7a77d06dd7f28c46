"""Answers to chapter 1 as people write them: wrong ones with words of the sentence each receives, and right ones."""

import math

import numpy as np
import torch
from scipy import integrate, stats


def miss(u0, h, a):
    return (a * (np.tanh(u0 + h) - np.tanh(u0) - h / np.cosh(u0) ** 2)).sum(axis=-1) / a.shape[-1] ** 0.5


def neuron_by_neuron(u0, h, a):
    def one(u, v, s):
        total = sum(
            s[i] * (math.tanh(u[i] + v[i]) - math.tanh(u[i]) - v[i] * (1 - math.tanh(u[i]) ** 2)) for i in range(len(u))
        )
        return total / math.sqrt(len(u))

    return one(u0, h, a) if u0.ndim == 1 else np.array([one(*net) for net in zip(u0, h, a)])


def by_jvp(u0, h, a):
    u, v, s = (torch.tensor(part) for part in (u0, h, a))
    value, slope = torch.func.jvp(torch.tanh, (u,), (v,))
    return (s * (torch.tanh(u + v) - value - slope)).sum(-1) / u.shape[-1] ** 0.5


def bend(u0, a):
    return -2 * a * np.tanh(u0) / np.cosh(u0) ** 2


def best(u0, a, B, k):
    h = np.zeros(len(a))
    h[np.argsort(-bend(u0, a))[:k]] = B / math.sqrt(k)
    return h


def near_the_peak(u0, a, B):
    chosen = np.abs(a * u0 + 0.658) < 0.1
    return B * chosen / math.sqrt(chosen.sum())


def worst(u0, a, B):
    """The steps grow with what a neuron bends beyond 0.9 of the most."""
    extra = np.maximum(bend(u0, a) / 0.7698 - 0.95, 0)
    return -B * extra / np.linalg.norm(extra)


def swept(widths, W0, G, a, x, B, length=np.linalg.norm, find=worst, size=abs):
    def row(V, D, s):
        pairs = [(V[:m] @ x, D[:m], s[:m]) for m in widths]
        bad = [size(miss(u, find(u, t, B), t)) for u, _, t in pairs]
        return bad, [size(miss(u, B * (g @ x) / length(g), t)) for u, g, t in pairs]

    rows = [row(*net) for net in zip(W0, G, a)]
    return np.array([bad for bad, _ in rows]), np.array([fair for _, fair in rows])


def whole_length(widths, W0, G, a, x, B):
    nets = [swept(widths, *(part[None] for part in net), x, B, lambda g, D=net[1]: np.linalg.norm(D))
            for net in zip(W0, G, a)]  # fmt: skip
    return np.concatenate([one for one, _ in nets]), np.concatenate([other for _, other in nets])


def fitted(widths, gaps):
    return np.polyfit(np.log(widths), np.log(gaps).T, 1)[0]


def around(widths, gaps, half):
    slopes = fitted(widths, gaps)
    return slopes.mean(), slopes.mean() - half(slopes), slopes.mean() + half(slopes)


def standard_error(slopes):
    return slopes.std(ddof=1) / math.sqrt(len(slopes))


def interval(widths, gaps):
    slopes = fitted(widths, gaps)
    return slopes.mean(), *stats.t.interval(0.99, len(slopes) - 1, slopes.mean(), stats.sem(slopes))


def rest(g, a, x, n=4001, weight=lambda x, t, a: x - t):
    t = np.linspace(a, x, n)
    return np.trapezoid(g(t) * weight(x, t, a), t)


def coarse(g, a, x):
    return rest(g, a, x, 11)


def left_sum(g, a, x, n=1000):
    t = np.linspace(a, x, n, endpoint=False)
    return np.sum(g(t) * (x - t)) * (x - a) / n


def rate(widths, gaps):
    x = np.log10(widths)
    return np.cov(x, np.log10(gaps))[0, 1] / np.var(x, ddof=1)


GENERIC = None  # no slip is recognised: the sentence says only what kind of answer is not right yet

WRONG = {
    "1.2": (
        (lambda beta, s, c: abs(s * c) * beta, "The inner factor c comes out once for each of the two derivatives, so"),
        (lambda beta, s, c: s * c**2 * beta, "β is a largest absolute value and cannot be negative:"),
        (lambda beta, s, c: c**2 * beta, "The outer factor s multiplies the second derivative as well."),
        (lambda beta, s, c: abs(s) * beta, "The inner factor c comes out of each of the two derivatives:"),
        (lambda beta, s, c: s**2 * c**2 * beta, "Only the inner factor is differentiated twice:"),
        (lambda beta, s, c: s**2 * abs(c) * beta, "The exponents are turned round:"),
        (lambda beta, s, c: beta, "Rescaling changes the second derivative:"),
        (lambda beta, s, c: abs(s) * c**2, "Yours is the expected value divided by `beta`, every time."),
        (
            lambda beta, s, c: abs(s) * c**2 / beta,
            "Yours is the expected value divided by the square of `beta`, every time.",
        ),
        (lambda beta, s, c: abs(s) * abs(c) ** 3 * beta, "The second derivative brings c twice, not three times."),
        (lambda beta, s, c: abs(s) * c * beta, "Yours is the expected value divided by `c`, every time."),
        (lambda beta, s, c: s * c * beta, "The inner factor comes out twice, and a largest absolute value has no"),
        (lambda beta, s, c: abs(s) * beta / c**2 if c else 0.0, GENERIC),
        (lambda beta, s, c: abs(s) * c**2 * beta / 2, "5 times the expected value, every time."),
        (lambda beta, s, c: round(abs(s) * c**2 * beta, 1), "Yours are the right values, rounded to 1 decimals:"),
    ),
    "1.3": (
        (lambda beta, eps: math.sqrt(eps / beta), "Too short by a factor √2:"),
        (lambda beta, eps: 2 * eps / beta, "This is the square of the step:"),
        (lambda beta, eps: math.sqrt(2 * eps * beta), "Yours is the expected value times `beta`, every time."),
        (
            lambda beta, eps: math.sqrt(2 * eps) / beta,
            "Yours is the expected value divided by the square root of `beta`, every time.",
        ),
        (lambda beta, eps: beta * eps**2 / 2, "You have put eps in for the step."),
        (lambda beta, eps: math.sqrt(beta / (2 * eps)), "Yours is one over the expected value, every time."),
        (lambda beta, eps: math.sqrt(eps / (2 * beta)), "5 times the expected value, every time."),
        (lambda beta, eps: 2 * math.sqrt(eps / beta), "414 times the expected value, every time."),
        (lambda beta, eps: 2 * math.sqrt(2 * eps / beta), "Yours is 2 times the expected value, every time."),
        (lambda beta, eps: -math.sqrt(2 * eps / beta), "Only the sign is wrong:"),
        (lambda beta, eps: (2 * eps / beta) ** (1 / 3), "The envelope is a parabola:"),
        (lambda beta, eps: (2 * eps / beta) ** 1 / 2, "`** 1 / 2` is a power of one, halved:"),
        (lambda beta, eps: math.sqrt(2 * eps) / math.sqrt(math.sqrt(beta)), GENERIC),
        (lambda beta, eps: round(math.sqrt(2 * eps / beta), 3), "Yours are the right values, rounded to 3 decimals:"),
        (
            lambda beta, eps: (math.sqrt(2 * eps / beta), -math.sqrt(2 * eps / beta)),
            "Of the 2 values return the one that is asked for.",
        ),
    ),
    "1.4": (
        (
            lambda second_derivative, a, x: rest(second_derivative, a, x, weight=lambda x, t, a: (x - t) ** 2 / 2),
            "This is the slide's (x − t)²/2, which belongs to an expansion one",
        ),
        (
            lambda second_derivative, a, x: rest(second_derivative, a, x, weight=lambda x, t, a: np.abs(x - t)),
            "Right where x ≥ a.",
        ),
        (lambda second_derivative, a, x: abs(rest(second_derivative, a, x)), "A remainder has a sign:"),
        (lambda second_derivative, a, x: rest(second_derivative, min(a, x), max(a, x)), "You have sorted the ends."),
        (
            lambda second_derivative, a, x: rest(second_derivative, a, x, weight=lambda x, t, a: t - a),
            "Either the weight is (t − a), or a and x are exchanged.",
        ),
        (
            lambda second_derivative, a, x: rest(second_derivative, a, x, weight=lambda x, t, a: t - x),
            "The sign is turned round:",
        ),
        (
            lambda second_derivative, a, x: rest(second_derivative, a, x, weight=lambda x, t, a: 1.0),
            "This is f'(x) − f'(a).",
        ),
        (
            lambda second_derivative, a, x: rest(second_derivative, a, x, weight=lambda x, t, a: x - a),
            "The weight changes along the way:",
        ),
        (
            lambda second_derivative, a, x: float(second_derivative(a)) * (x - a) ** 2 / 2,
            "This takes f'' to be constant, as it is at a.",
        ),
        (lambda second_derivative, a, x: rest(second_derivative, a, x) / 2, "Half of it:"),
        (coarse, GENERIC),
        (left_sum, GENERIC),
        (
            lambda second_derivative, a, x: rest(second_derivative, a, x, weight=lambda x, t, a: (x - t) ** 2),
            "The weight is (x − t), to the first power.",
        ),
        (
            lambda second_derivative, a, x: round(float(rest(second_derivative, a, x, 20_001)), 3),
            "Yours are the right values, rounded to 3 decimals:",
        ),
        (
            lambda second_derivative, a, x: rest(second_derivative, x, a),
            "Either the weight is (t − a), or a and x are exchanged.",
        ),
    ),
    "1.7": (
        (lambda widths, gaps: np.polyfit(widths, gaps, 1)[0], "You have fitted a line to the numbers themselves."),
        (lambda widths, gaps: np.polyfit(widths, np.log(gaps), 1)[0], "Only one axis is logarithmic:"),
        (lambda widths, gaps: np.polyfit(np.log(widths), gaps, 1)[0], "Only one axis is logarithmic."),
        (lambda widths, gaps: np.polyfit(np.log(widths), np.log(gaps), 1)[1], "This is the intercept of the line."),
        (lambda widths, gaps: np.polyfit(np.log(gaps), np.log(widths), 1)[0], "The axes are exchanged:"),
        (lambda widths, gaps: -rate(widths, gaps), "The sign is turned round:"),
        (lambda widths, gaps: np.exp(rate(widths, gaps)), GENERIC),
        (
            lambda widths, gaps: np.log(gaps[-1] / gaps[0]) / np.log(widths[-1] / widths[0]),
            "You have joined the first and the last point.",
        ),
        (
            lambda widths, gaps: np.mean(np.diff(np.log(gaps)) / np.diff(np.log(widths))),
            "You have averaged the slopes between neighbours, in which the first",
        ),
        (lambda widths, gaps: np.mean(np.log(gaps) / np.log(widths)), "A slope is a ratio of differences:"),
        (
            lambda widths, gaps: np.polyfit(np.log2(widths), np.log(gaps), 1)[0],
            "6931 times the expected value, every time.",
        ),
        (
            lambda widths, gaps: np.sum(np.log(widths) * np.log(gaps)) / np.sum(np.log(widths) ** 2),
            "Your line goes through the origin.",
        ),
        (
            lambda widths, gaps: np.polyfit(np.log(widths), np.log(gaps), 1),
            "Of the 2 values return the one that is asked for.",
        ),
        (
            lambda widths, gaps: round(float(rate(widths, gaps)), 1),
            "Yours are the right values, rounded to 1 decimals:",
        ),
        (lambda widths, gaps: -0.5, GENERIC),
    ),
    "1.8": (
        (lambda u0, h, a: miss(u0, h, a) * a.shape[-1] ** 0.5, "The factor 1/√m is missing:"),
        (lambda u0, h, a: miss(u0, h, a) / a.shape[-1] ** 0.5, "You have divided by m."),
        (lambda u0, h, a: miss(u0, h, a) * math.sqrt(a.shape[-1] / len(a)), "`len(a)` is the number of nets where"),
        (
            lambda u0, h, a: miss(u0, h, a) * math.sqrt(a.shape[-1] / a.size),
            "You have divided by the root of all neurons",
        ),
        (lambda u0, h, a: miss(u0, h, a) * a.shape[-1], GENERIC),
        (lambda u0, h, a: miss(u0, h, abs(a)), "Every neuron enters with its sign a_i; you have added them without."),
        (lambda u0, h, a: miss(u0, h - u0, a), "h is the step, not the place of arrival:"),
        (lambda u0, h, a: abs(miss(u0, h, a)), "Keep the sign of f − f0:"),
        (lambda u0, h, a: -miss(u0, h, a), "Only the sign is wrong:"),
        (lambda u0, h, a: np.sum(miss(u0, h, a)), "You have added the nets together:"),
        (
            lambda u0, h, a: np.sum(a * (np.tanh(u0 + h) - np.tanh(u0)), axis=-1) / a.shape[-1] ** 0.5,
            "This is how much f changes.",
        ),
        (
            lambda u0, h, a: (
                np.sum(a * (np.tanh(u0 + h) - np.tanh(u0) - h / np.cosh(u0 + h) ** 2), axis=-1) / a.shape[-1] ** 0.5
            ),
            "You have taken the slope after the move.",
        ),
        (
            lambda u0, h, a: (
                np.sum(a * (np.tanh(u0 + h) - np.tanh(u0) - h * (1 - np.tanh(u0))), axis=-1) / a.shape[-1] ** 0.5
            ),
            "The slope of tanh is 1 − tanh², with the square.",
        ),
        (
            lambda u0, h, a: a * (np.tanh(u0 + h) - np.tanh(u0) - h / np.cosh(u0) ** 2) / a.shape[-1] ** 0.5,
            "Expected an array of shape (3,); yours is an array of shape (3, 5).",
        ),
        (lambda u0, h, a: np.sum(-np.tanh(u0) / np.cosh(u0) ** 2 * h**2 * a, -1) / a.shape[-1] ** 0.5, GENERIC),
    ),
    "1.9": (
        (
            lambda u0, a, B: np.full(len(a), B / math.sqrt(len(a))),
            "All neurons move alike, and bend up as often as down:",
        ),
        (lambda u0, a, B: np.full(len(a), B), "Every neuron moves by B, so that the whole move has length B√m."),
        (lambda u0, a, B: a * B / math.sqrt(len(a)), "which has no sign:"),
        (lambda u0, a, B: best(u0, a, B, 1), "One neuron takes a long step, on which tanh flattens out."),
        (lambda u0, a, B: best(u0, a, B, 3), "So few neurons take long steps, on which tanh flattens out:"),
        (lambda u0, a, B: best(u0, a, B, len(a) // 2), "some of those that move bend less than others could,"),
        (lambda u0, a, B: best(u0, a, B, len(a) // 20) / 2, "is not used up."),
        (lambda u0, a, B: best(u0, a, B, len(a) // 20) * 2, "the budget is B ="),
        (lambda u0, a, B: best(u0, a, B, len(a) // 20) * math.sqrt(len(a) // 20), "the budget is B ="),
        (lambda u0, a, B: best(u0, a, B, len(a) // 20) / math.sqrt(len(a) // 20), "is not used up."),
        (
            lambda u0, a, B: best(u0, np.ones(len(a)), B, len(a) // 20),
            "neurons that bend up and neurons that bend down cancel.",
        ),
        (lambda u0, a, B: best(abs(u0), np.ones(len(a)), B, len(a) // 20), "Your move reaches"),
        (lambda u0, a, B: best(u0, a, B, len(a) // 20)[:, None], "one number for each neuron is asked for:"),
        (lambda u0, a, B: np.flatnonzero(best(u0, a, B, len(a) // 20)), "one number for each neuron is asked for:"),
        (lambda u0, a, B: np.where(a > 0, B / np.sqrt(np.sum(a > 0)), 0.0), "You have chosen by the sign a_i alone."),
        (lambda u0, a, B: np.zeros(len(a)), "is not used up."),
    ),
    "1.10": (
        (lambda widths, W0, G, a, x, B: swept(widths, W0, G, a, x, B)[::-1], "The two are exchanged:"),
        (
            lambda widths, W0, G, a, x, B: swept(widths, W0, G, a, x, B)[0],
            "Two arrays are asked for, worst and random,",
        ),
        (lambda widths, W0, G, a, x, B: swept(widths, W0, G, a, x, B, size=float), "The random gaps are right but for"),
        (whole_length, "The move of the first m neurons has to be of length B itself:"),
        (lambda widths, W0, G, a, x, B: swept(widths, W0, G, a, x, B, lambda g: 1.0), "Your random move is B G,"),
        (
            lambda widths, W0, G, a, x, B: swept(widths, W0, G, a, x, B, lambda g: np.linalg.norm(g @ x)),
            "Your random move has all its length along x.",
        ),
        (
            lambda widths, W0, G, a, x, B: tuple(gaps * np.sqrt(widths) for gaps in swept(widths, W0, G, a, x, B)),
            "The random gaps lack the factor 1/√m.",
        ),
        (
            lambda widths, W0, G, a, x, B: swept(widths, W0, G, a, x, B, find=lambda u, s, B: best(u, s, B, 1)),
            "The random gaps are right; a worst one reaches only",
        ),
        (
            lambda widths, W0, G, a, x, B: swept(widths, W0, G, a, x, B, find=lambda u, s, B: 2 * worst(u, s, B)),
            "times Proposition 4.1 is impossible:",
        ),
        (
            lambda widths, W0, G, a, x, B: tuple(gaps.mean(axis=0) for gaps in swept(widths, W0, G, a, x, B)),
            "Two arrays are asked for, worst and random,",
        ),
        (
            lambda widths, W0, G, a, x, B: swept(widths, W0[:1], G[:1], a[:1], x, B),
            "Two arrays are asked for, worst and random,",
        ),
        (
            lambda widths, W0, G, a, x, B: tuple(gaps.T for gaps in swept(widths, W0, G, a, x, B)),
            "Two arrays are asked for, worst and random,",
        ),
        (lambda widths, W0, G, a, x, B: swept(widths, G, W0, a, x, B), "The random gaps are not right yet:"),
        (lambda widths, W0, G, a, x, B: swept(widths, W0, G, a, x, 1.0), "The random gaps are not right yet:"),
    ),
    "1.11": (
        (
            lambda widths, gaps: around(widths, gaps, lambda s: stats.norm.ppf(0.995) * standard_error(s)),
            "You have taken the quantile of a normal law.",
        ),
        (
            lambda widths, gaps: around(widths, gaps, lambda s: stats.t.ppf(0.99, len(s) - 1) * standard_error(s)),
            "Half of the missing 1 % lies on each side:",
        ),
        (
            lambda widths, gaps: around(widths, gaps, lambda s: stats.t.ppf(0.975, len(s) - 1) * standard_error(s)),
            "This is the interval at 95 %.",
        ),
        (
            lambda widths, gaps: around(widths, gaps, lambda s: stats.t.ppf(0.995, len(s)) * standard_error(s)),
            "n slopes leave n − 1 degrees of freedom,",
        ),
        (
            lambda widths, gaps: around(
                widths, gaps, lambda s: stats.t.ppf(0.995, len(s) - 1) * s.std() / math.sqrt(len(s))
            ),
            "The spread is estimated around a mean",
        ),
        (
            lambda widths, gaps: around(widths, gaps, lambda s: stats.t.ppf(0.995, len(s) - 1) * s.std(ddof=1)),
            "This is where a single net's slope falls.",
        ),
        (
            lambda widths, gaps: around(
                widths, gaps, lambda s: stats.t.ppf(0.995, len(s) - 1) * s.std(ddof=1) / len(s)
            ),
            "The spread of a mean is that of one net divided by √n, not by n.",
        ),
        (lambda widths, gaps: around(widths, gaps, standard_error), "This is the mean and one standard error"),
        (lambda widths, gaps: interval(widths, gaps)[0], "This is the mean slope."),
        (lambda widths, gaps: interval(widths, gaps)[1:], "Expected 3 separate values; yours are 2."),
        (lambda widths, gaps: np.array(interval(widths, gaps))[[0, 2, 1]], "The lower end comes before the upper one."),
        (
            lambda widths, gaps: (interval(widths, gaps)[0], interval(widths, gaps)[2] - interval(widths, gaps)[0]),
            "Return the two ends, not half the width",
        ),
        (
            lambda widths, gaps: around(widths, gaps, lambda s: 0.0),
            "Of the 3 values number 1 is right, number 2 is not yet.",
        ),
        (lambda widths, gaps: interval(np.exp(widths / widths.max()), gaps), GENERIC),
        (lambda widths, gaps: tuple(-end for end in interval(widths, gaps)), "Value 1 of 3: Only the sign is wrong:"),
    ),
    "1.12": (
        (lambda: "D A H C F", "Line A: this is the slide's remainder,"),
        (lambda: "D E F", "Line E: the proposition holds for any W,"),
        (lambda: "D G B H C I F", "Line I: true, and it leads away:"),
        (lambda: "D G B H J F", "Line J: equal it is only for a row that moves along x."),
        (lambda: "G B H D C F", "Line H is not founded yet: it speaks of the steps h_i,"),
        (lambda: "D B G H C F", "Line B is not founded yet: it bounds a difference of slopes,"),
        (lambda: "D G H B C F", "Line H is not founded yet: it bounds each neuron's miss by a parabola,"),
        (lambda: "D C G B F", "Line F is not founded yet: it starts from |f − f0|,"),
        (lambda: "D G B H F", "Line F is not founded yet: it turns the steps into movements of rows,"),
        (lambda: "C D G B H F", "Line C is not founded yet: it speaks of the steps h_i,"),
        (lambda: "D C G B H", "they do not arrive:"),
        (lambda: "D C G B H F H", "Line H stands twice: once is enough."),
        (lambda: "F", "Line F is not founded yet: it starts from |f − f0|,"),
        (lambda: "X D C G B H F", "There is no line X:"),
        (lambda: 3, "expected the labels in a text,"),
    ),
}

RIGHT = {
    "1.2": (
        lambda beta, s, c: np.abs(s) * np.square(c) * beta,
        lambda beta, s, c: max(s, -s) * c * c * beta,
        lambda beta, outer, inner: torch.tensor(abs(outer) * inner**2 * beta, dtype=torch.float64),
    ),
    "1.3": (
        lambda beta, eps: (2 * eps / beta) ** 0.5,
        lambda beta, eps: math.exp(0.5 * math.log(2 * eps / beta)),
        lambda b, error: float(max(np.roots([b / 2, 0, -error]).real)),
    ),
    "1.4": (
        lambda second_derivative, a, x: integrate.quad(lambda t: second_derivative(t) * (x - t), a, x)[0],
        lambda second_derivative, a, x: rest(second_derivative, a, x, 20_001),
        lambda g, start, end: (
            integrate.simpson(g(t := np.linspace(start, end, 401)) * (end - t), x=t) if start != end else 0.0
        ),
        lambda second_derivative, a, x: (
            (x - a) ** 2 * integrate.quad(lambda u: (1 - u) * second_derivative(a + u * (x - a)), 0, 1)[0]
        ),
    ),
    "1.7": (
        rate,
        lambda widths, gaps: np.linalg.lstsq(
            np.stack([np.log(widths), np.ones(len(widths))], axis=1), np.log(gaps), rcond=None
        )[0][0],
        lambda m, measured: np.polyfit(np.log2(m), np.log2(measured), 1)[0],
    ),
    "1.8": (miss, neuron_by_neuron, by_jvp),
    "1.9": (
        near_the_peak,
        worst,
        lambda u0, a, B: best(u0, a, B, 60),
        lambda start, signs, budget: torch.tensor(-best(start, signs, budget, len(signs) // 15)),
    ),
    "1.10": (
        swept,
        lambda widths, W0, G, a, x, B: np.stack(swept(widths, W0, G, a, x, B)),
        lambda sizes, start, moves, signs, x, B: tuple(map(torch.tensor, swept(sizes, start, moves, signs, x, B))),
        lambda widths, W0, G, a, x, B: swept(widths, W0, G, a, -x, B, find=near_the_peak),
    ),
    "1.11": (
        interval,
        lambda widths, gaps: list(interval(widths, gaps)),
        lambda m, measured: around(
            m, measured, lambda s: -stats.t.isf(0.995, len(s) - 1) * math.sqrt(np.var(s, ddof=1) / len(s))
        ),
    ),
    "1.12": (
        lambda: "D C G B H F",
        lambda: "G, B, D, H, C, F",
        lambda: ["D", "G", "B", "C", "H", "F"],
        lambda: "g→b→d→c→h→f",
    ),
}
