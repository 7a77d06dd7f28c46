"""Answers to chapter 1 as people write them: wrong ones with words of the sentence each receives, and right ones."""

import itertools
import math

import numpy as np
import torch
from scipy import integrate


def f0(x, W, W0, a):
    return float(
        sum(s * (math.tanh(w0 @ x) + (1 - math.tanh(w0 @ x) ** 2) * ((w - w0) @ x)) for s, w, w0 in zip(a, W, W0))
    )


def by_jvp(x, W, W0, a):
    def net(V):
        return torch.tensor(a) @ torch.tanh(V @ torch.tensor(x))

    value, slope = torch.func.jvp(net, (torch.tensor(W0),), (torch.tensor(W - W0),))
    return value + slope


def by_autograd(x, W, W0, a):
    V = torch.tensor(W0, requires_grad=True)
    out = torch.tensor(a) @ torch.tanh(V @ torch.tensor(x))
    out.backward()
    return out.item() + (V.grad * torch.tensor(W - W0)).sum().item()


def single(x, W, W0, a):
    W, W0, x, a = (torch.tensor(v, dtype=torch.float32) for v in (W, W0, x, a))
    return (a @ (torch.tanh(W0 @ x) + (1 - torch.tanh(W0 @ x) ** 2) * ((W - W0) @ x))).item()


def rest(g, a, x, n=4001, weight=lambda x, t, a: x - t):
    t = np.linspace(a, x, n)
    return np.trapezoid(g(t) * weight(x, t, a), t)


def coarse(g, a, x):
    return rest(g, a, x, 11)


def left_sum(g, a, x, n=1000):
    t = np.linspace(a, x, n, endpoint=False)
    return np.sum(g(t) * (x - t)) * (x - a) / n


def in_place(W0, x, B):
    W0 += B / math.sqrt(len(W0)) * x
    return W0


def one_row(W0, x, B):
    W = W0.copy()
    W[-1] -= B * x
    return W


def width(beta, B, eps):
    return math.ceil((beta * B**2 / (2 * eps)) ** 2)


def rate(widths, gaps):
    x = np.log10(widths)
    return np.cov(x, np.log10(gaps))[0, 1] / np.var(x, ddof=1)


GENERIC = None  # no slip is recognised: the sentence says only what kind of answer is not right yet

WRONG = {
    "1.1": (
        (lambda x, W, W0, a: a @ np.tanh(W @ x), "This is the network f itself."),
        (lambda x, W, W0, a: a @ np.tanh(W0 @ x), "This is the value at W0."),
        (lambda x, W, W0, a: f0(x, W0, W, a), "W and W0 are swapped:"),
        (lambda x, W, W0, a: f0(x, W, W0, a) - a @ np.tanh(W0 @ x), "This is only the change."),
        (
            lambda x, W, W0, a: f0(x, W, W0, np.ones(len(a))),
            "Every neuron enters with its sign a_i; you have added them without.",
        ),
        (
            lambda x, W, W0, a: a @ (np.tanh(W0 @ x) + (1 - np.tanh(W @ x) ** 2) * ((W - W0) @ x)),
            "You have taken the slope at W @ x.",
        ),
        (
            lambda x, W, W0, a: a @ (np.tanh(W0 @ x) + (1 - np.tanh(W0 @ x) ** 2) * (W @ x)),
            "You have multiplied the slope by W @ x.",
        ),
        (
            lambda x, W, W0, a: a @ (np.tanh(W0 @ x) + (1 - np.tanh(W0 @ x)) * ((W - W0) @ x)),
            "The slope of tanh is 1 − tanh², with the square.",
        ),
        (
            lambda x, W, W0, a: a @ (np.tanh(W0 @ x) + (1 + np.tanh(W0 @ x) ** 2) * ((W - W0) @ x)),
            "The slope of tanh is 1 − tanh², with a minus:",
        ),
        (
            lambda x, W, W0, a: a @ (np.tanh(W0 @ x) - (1 - np.tanh(W0 @ x) ** 2) * ((W - W0) @ x)),
            "The move is turned round:",
        ),
        (
            lambda x, W, W0, a: a * (np.tanh(W0 @ x) + (1 - np.tanh(W0 @ x) ** 2) * ((W - W0) @ x)),
            "Of the 4 values return the one that is asked for.",
        ),
        (
            lambda x, W, W0, a: f0(x, W, W0, a) / math.sqrt(len(a)),
            "Yours is the expected value divided by the square root of `len(W)`, every time.",
        ),
        (lambda x, W, W0, a: a @ (np.tanh(W0 @ x) + ((W - W0) @ x)), "You have taken the slope 1 of tanh at zero."),
        (lambda x, W, W0, a: a @ np.tanh(W @ x) - f0(x, W, W0, a), "This is what the tangent misses, f − f0."),
        (lambda x, W, W0, a: a @ (np.tanh(W0 @ x) + (1 - np.tanh(W0 @ x) ** 2) * np.abs((W - W0) @ x)), GENERIC),
        (lambda x, W, W0, a: -f0(x, W, W0, a), "Only the sign is wrong:"),
    ),
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
    "1.5": (
        (in_place, "Your function changes `W0` itself and returns it, so that whoever called it has"),
        (
            lambda W0, x, B: B / math.sqrt(len(W0)) * np.outer(np.ones(len(W0)), x),
            "Your W lies at distance 0.9 from W0; it should be at B =",
        ),
        (lambda W0, x, B: W0 + B * x, "Every row has moved by B, so that the whole matrix has moved by B√m."),
        (lambda W0, x, B: W0 + B / len(W0) * x, "Lengths add in squares:"),
        (
            lambda W0, x, B: W0 * (1 + B / np.linalg.norm(W0)) if W0.any() else W0 + B * np.sign(x),
            "The distance is right, but the gap is 0.0928127 and the",
        ),
        (lambda W0, x, B: W0 + B / math.sqrt(W0.size), "The distance is right, but the gap is 0.177688 and the"),
        (lambda W0, x, B: W0 + B, "Your W lies at distance 1.9799 from W0; it should be at B ="),
        (
            lambda W0, x, B: W0 + B / math.sqrt(len(x)) * x,
            "Your W lies at distance 1.9799 from W0; it should be at B =",
        ),
        (lambda W0, x, B: W0 + x, "Your W lies at distance 1 from W0; it should be at B = 0.5."),
        (lambda W0, x, B: W0.copy(), "Your W lies at distance 0 from W0; it should be at B = 0.5."),
        (
            lambda W0, x, B: W0 + B / 2 / math.sqrt(len(W0)) * x,
            "Your W lies at distance 0.25 from W0; it should be at B =",
        ),
        (
            lambda W0, x, B: W0 + B**2 / math.sqrt(len(W0)) * x,
            "Your W lies at distance 0.25 from W0; it should be at B =",
        ),
        (
            lambda W0, x, B: (W0 + B / math.sqrt(len(W0)) * x)[0],
            "W has shape (1,), W0 has shape (1, 1): they must be the",
        ),
        (
            lambda W0, x, B: np.round(W0 + B / math.sqrt(len(W0)) * x, 1),
            "Your W lies at distance 1.41421 from W0; it should be at B",
        ),
        (
            lambda W0, x, B: W0 + B * np.eye(*W0.shape) / math.sqrt(min(W0.shape)),
            "The distance is right, but the gap is 0.670423 and the",
        ),
    ),
    "1.6": (
        (
            lambda beta, B, eps: (beta * B**2 / (2 * eps)) ** 2,
            "This is the right number, but there are no fractions of a neuron:",
        ),
        (lambda beta, B, eps: float(width(beta, B, eps)), "The answer is a whole number, of the type `int`;"),
        (lambda beta, B, eps: int((beta * B**2 / (2 * eps)) ** 2), "One neuron too few:"),
        (
            lambda beta, B, eps: int((beta * B**2 / (2 * eps)) ** 2) + 1,
            "Right unless the bound is met by a whole number, which is then wide",
        ),
        (lambda beta, B, eps: round((beta * B**2 / (2 * eps)) ** 2), "The nearest whole number may be one too few:"),
        (lambda beta, B, eps: math.ceil(beta * B**2 / (2 * eps)), "The gap falls with the square root of m:"),
        (lambda beta, B, eps: math.ceil(math.sqrt(beta * B**2 / (2 * eps))), "√m is the fraction:"),
        (lambda beta, B, eps: math.ceil((beta * B**2 / eps) ** 2), "Four times too many:"),
        (
            lambda beta, B, eps: math.ceil((beta * B / (2 * eps)) ** 2),
            "The movement enters as B², and is then squared once more with the",
        ),
        (lambda beta, B, eps: math.ceil((B**2 / (2 * eps)) ** 2), "β is missing:"),
        (
            lambda beta, B, eps: math.ceil(beta * B**2 / (2 * eps)) ** 2,
            "You have rounded before squaring, which asks for too many:",
        ),
        (lambda beta, B, eps: math.ceil(beta * (B**2 / (2 * eps)) ** 2), "β is squared with the rest."),
        (lambda beta, B, eps: math.ceil((beta * B**2 / 2) ** 2 / eps), GENERIC),
        (lambda beta, B, eps: width(beta, B, eps) - 1, "Yours is 1 less than the expected value, every time."),
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
}

RIGHT = {
    "1.1": (
        f0,
        by_jvp,
        by_autograd,
        single,
        lambda x, weights, start, signs: (
            signs @ (np.tanh(start @ x) + ((weights - start) @ x) / np.cosh(start @ x) ** 2)
        ),
    ),
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
    "1.5": (
        one_row,
        lambda W0, x, B: W0 - B / math.sqrt(len(W0)) * x[None],
        lambda W0, x, B: torch.tensor(W0) + torch.tensor(B * np.outer(np.eye(len(W0))[0], x)),
    ),
    "1.6": (
        width,
        lambda beta, B, eps: next(
            m
            for m in itertools.count(max(1, width(beta, B, eps) - 3))
            if beta * B**2 / (2 * math.sqrt(m)) <= eps * (1 + 1e-12)
        ),
        lambda beta, B, eps: np.int64(width(beta, B, eps)),
    ),
    "1.7": (
        rate,
        lambda widths, gaps: np.linalg.lstsq(
            np.stack([np.log(widths), np.ones(len(widths))], axis=1), np.log(gaps), rcond=None
        )[0][0],
        lambda m, measured: np.polyfit(np.log2(m), np.log2(measured), 1)[0],
    ),
}
