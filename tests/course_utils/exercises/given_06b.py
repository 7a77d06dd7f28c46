"""Answers to chapter 6b as people write them: wrong ones with words of the sentence each receives, and right ones."""

import math
from statistics import NormalDist

import numpy as np
import torch
from scipy import stats


def layers(v, share):
    return math.ceil(math.log(share) / math.log(v))


def by_counting(v, share):
    depth, left = 0, 1.0
    while left > share:
        depth, left = depth + 1, left * v
    return depth


def one_too_late(v, share):
    depth, left = 0, 1.0
    while left >= share:
        depth, left = depth + 1, left * v
    return depth


def back(W, alpha, gamma):
    s = np.linalg.svd(W, compute_uv=False)
    return gamma**2 * np.sum(s**2 / (alpha + s**2)) / W.shape[1]


def alike(alpha, sigma, eta):
    return sigma / math.sqrt(alpha), eta / alpha


def chosen(validation, test):
    return np.mean([test[np.argmin(validation[:, s]), s] for s in range(test.shape[1])])


def interval(a, b, share=0.995, ddof=1, root=0.5, free=None):
    d = a - b
    half = stats.t.ppf(share, len(d) - 1 if free is None else free) * d.std(ddof=ddof) / len(d) ** root
    return np.array([d.mean() - half, d.mean() + half])


def normal(a, b, digits=None):
    q = NormalDist().inv_cdf(0.995)
    d = a - b
    half = (q if digits is None else round(q, digits)) * d.std(ddof=1) / math.sqrt(len(d))
    return d.mean() - half, d.mean() + half


GENERIC = None  # no slip is recognised: the sentence says only what kind of answer is not right yet

WRONG = {
    "6.7": (
        (lambda v, share: math.log(share) / math.log(v), "The right number, but a stack has whole layers:"),
        (lambda v, share: float(layers(v, share)), "The answer is a whole number, of the type `int`;"),
        (lambda v, share: int(math.log(share) / math.log(v)), "One layer too few:"),
        (
            lambda v, share: int(math.log(share) / math.log(v)) + 1,
            "One layer too many where vᴸ meets the share exactly:",
        ),
        (
            lambda v, share: round(math.log(share) / math.log(v)),
            "You have rounded to the nearest number, which is sometimes a layer",
        ),
        (lambda v, share: math.ceil(math.log(v) / math.log(share)), "The fraction is upside down."),
        (lambda v, share: math.ceil(2 * math.log(share) / math.log(v)), "v is already a variance, a square:"),
        (
            lambda v, share: math.ceil(math.log(share) / math.log(v) / 2),
            "v multiplies the variance itself, once a layer:",
        ),
        (lambda v, share: math.ceil((1 - share) / (1 - v)), "You have subtracted the same amount for each layer."),
        (lambda v, share: math.ceil(1 / (share * v)), GENERIC),
        (lambda v, share: math.ceil(math.log(1 - share) / math.log(v)), "You have asked when so much is lost."),
        (lambda v, share: math.ceil(math.log(share / v)) if share < v else 1, GENERIC),
        (lambda v, share: layers(v, share) - 1, "Yours is 1 less than the expected value, every time."),
        (lambda v, share: -layers(v, share), "Only the sign is wrong:"),
        (one_too_late, "One layer too many where vᴸ meets the share exactly:"),
        (lambda v, share: math.ceil(math.log(share)), "Each layer multiplies by v:"),
    ),
    "6.9": (
        (
            lambda W, alpha, gamma: back(W, alpha, gamma) * W.shape[1] / W.shape[0],
            "This is the forward variance, divided by the m outputs.",
        ),
        (lambda W, alpha, gamma: back(W, alpha, gamma) * W.shape[1], "This is the sum over the n components:"),
        (
            lambda W, alpha, gamma: back(W, alpha, gamma) / gamma,
            "γ multiplies the signal, so that the variance has γ².",
        ),
        (lambda W, alpha, gamma: back(W, alpha, 1), "γ is missing; it multiplies the way back as well."),
        (lambda W, alpha, gamma: back(W, 1, gamma), "α is missing:"),
        (
            lambda W, alpha, gamma: back(W, alpha**2, gamma),
            "αI stands below a square root in the layer, and once, unsquared, in",
        ),
        (lambda W, alpha, gamma: back(W, math.sqrt(alpha), gamma), "αI is in the square of the layer as it stands:"),
        (
            lambda W, alpha, gamma: gamma**2 * np.sum(W**2) / (alpha * W.shape[1]),
            "Without WᵀW in the inverse this grows without limit; the layer's",
        ),
        (lambda W, alpha, gamma: gamma**2 * np.sum(W**2) / W.shape[1], "This is the mean square of Wᵀ's rows."),
        (
            lambda W, alpha, gamma: gamma**2 * np.linalg.norm(W, 2) ** 2 / (alpha + np.linalg.norm(W, 2) ** 2),
            "This is the largest squared singular value.",
        ),
        (
            lambda W, alpha, gamma: np.sqrt(back(W, alpha, gamma)),
            "Yours is the square root of the expected value, every time.",
        ),
        (lambda W, alpha, gamma: gamma**2 - back(W, alpha, gamma), "This is what is lost."),
        (
            lambda W, alpha, gamma: (
                gamma**2 * np.sum(1 / (alpha + np.linalg.svd(W, compute_uv=False) ** 2)) / W.shape[1]
            ),
            GENERIC,
        ),
        (
            lambda W, alpha, gamma: (
                gamma**2 * np.sum((s := np.linalg.svd(W, compute_uv=False)) / (alpha + s)) / W.shape[1]
            ),
            GENERIC,
        ),
        (
            lambda W, alpha, gamma: gamma**2 * np.mean((s := np.linalg.svd(W, compute_uv=False)) ** 2 / (alpha + s**2)),
            "The mean is over all n components on the input's side, also those",
        ),
        (
            lambda W, alpha, gamma: round(float(back(W, alpha, gamma)), 3),
            "Yours are the right values, rounded to 3 decimals:",
        ),
    ),
    "6.10": (
        (lambda alpha, sigma, eta: (sigma, eta), "Nothing has changed, but α did:"),
        (lambda alpha, sigma, eta: (sigma, eta / alpha), "The rate is right."),
        (lambda alpha, sigma, eta: (sigma / math.sqrt(alpha), eta), "σ is right:"),
        (lambda alpha, sigma, eta: (sigma / math.sqrt(alpha), eta / math.sqrt(alpha)), "σ is right."),
        (lambda alpha, sigma, eta: (sigma / math.sqrt(alpha), eta * alpha), "σ is right."),
        (lambda alpha, sigma, eta: (sigma / math.sqrt(alpha), eta * math.sqrt(alpha)), "σ is right."),
        (
            lambda alpha, sigma, eta: (sigma / alpha, eta / alpha),
            "The layer depends on WᵀW/α, so that W itself is divided by √α.",
        ),
        (lambda alpha, sigma, eta: (sigma / alpha, eta / alpha**2), "W is divided by √α, not by α:"),
        (lambda alpha, sigma, eta: (sigma * math.sqrt(alpha), eta * alpha), "Both are turned upside down:"),
        (lambda alpha, sigma, eta: (sigma * math.sqrt(alpha), eta / alpha), "The rate is right."),
        (lambda alpha, sigma, eta: alike(alpha, sigma, eta)[::-1], "The right numbers in the wrong order:"),
        (
            lambda alpha, sigma, eta: (sigma / math.sqrt(alpha), eta / alpha**2),
            "Yours is the expected value divided by `alpha`, every time.",
        ),
        (
            lambda alpha, sigma, eta: (sigma**2 / alpha, eta / alpha),
            "Yours is the square of the expected value, every time.",
        ),
        (lambda alpha, sigma, eta: sigma / math.sqrt(alpha), "Expected 2 separate values;"),
        (
            lambda alpha, sigma, eta: (sigma * alpha, eta * alpha),
            "Both are turned upside down, and σ changes by the root of α only:",
        ),
    ),
    "6.11": (
        (
            lambda validation, test: test.max(axis=0).mean(),
            "You have chosen by the test rows, and reported their luck.",
        ),
        (
            lambda validation, test: test[validation.argmax(axis=0), np.arange(test.shape[1])].mean(),
            "These are the rates with the highest validation loss:",
        ),
        (
            lambda validation, test: test[validation.mean(axis=1).argmin()].mean(),
            "You have chosen one rate for all seeds together, and the validation",
        ),
        (
            lambda validation, test: test[np.arange(len(test)), validation.argmin(axis=1)].mean(),
            "This is the luckiest seed of each rate.",
        ),
        (
            lambda validation, test: test[validation.argmin(axis=0)].mean(),
            "One index takes whole rows, all seeds at each chosen rate.",
        ),
        (
            lambda validation, test: test[validation.argmin(axis=0), np.arange(test.shape[1])],
            "Of the 5 values return the one that is asked for.",
        ),
        (
            lambda validation, test: test[validation.argmin(axis=0), np.arange(test.shape[1])].sum(),
            "The right entries, one for each seed:",
        ),
        (
            lambda validation, test: test[validation.argmin(axis=0), np.arange(test.shape[1])].max(),
            "You have reported the luckiest seed.",
        ),
        (lambda validation, test: test.mean(), "This is the average over all rates."),
        (lambda validation, test: test.flat[validation.argmin()], "You have chosen one pair of rate and seed."),
        (
            lambda validation, test: np.median(test[validation.argmin(axis=0), np.arange(test.shape[1])]),
            "The right entries, one for each seed:",
        ),
        (lambda validation, test: validation.min(axis=0).mean(), "This is the validation loss."),
        (lambda validation, test: test.mean(axis=1).max(), "You have chosen by the test rows, one rate for all."),
        (
            lambda validation, test: test[validation.argmin(axis=0), validation.argmin(axis=0) % test.shape[1]].mean(),
            GENERIC,
        ),
        (
            lambda validation, test: round(float(chosen(validation, test)), 2),
            "Yours are the right values, rounded to 2 decimals:",
        ),
    ),
    "6.12": (
        (lambda a, b: interval(b, a), "The sign:"),
        (lambda a, b: interval(a, b)[::-1], "The right ends in the wrong order:"),
        (lambda a, b: interval(a, b, share=0.975), "This is the 95 % interval:"),
        (lambda a, b: interval(a, b, share=0.99), "You have left 1 % on each side, which makes 98 %:"),
        (lambda a, b: interval(a, b, ddof=0), "The spread around their own mean is a little too small:"),
        (lambda a, b: interval(a, b, root=0), "This is the spread of single seeds."),
        (lambda a, b: interval(a, b, root=1), "The standard error of a mean has the root of the number of seeds"),
        (lambda a, b: interval(a, b, free=len(a)), "One degree of freedom goes into the mean:"),
        (lambda a, b: interval(a, b, free=2 * len(a) - 2), "The spread is right."),
        (lambda a, b: np.array(normal(a, b)), "2.576 is the normal quantile."),
        (lambda a, b: np.array(normal(a, b, 2)), "2.58 belongs to the normal law."),
        (
            lambda a, b: np.array(
                [
                    (a - b).mean() - 3 * (a - b).std(ddof=1) / math.sqrt(len(a)),
                    (a - b).mean() + 3 * (a - b).std(ddof=1) / math.sqrt(len(a)),
                ]
            ),
            "Three standard errors belong to no 99 %:",
        ),
        (
            lambda a, b: np.array(stats.ttest_ind(a, b).confidence_interval(0.99)),
            "This is the interval for two independent groups, with 2S − 2 degrees",
        ),
        (lambda a, b: (a - b).mean(), "Expected an array of shape (2,);"),
        (
            lambda a, b: np.array(
                [(a - b).mean(), stats.t.ppf(0.995, len(a) - 1) * (a - b).std(ddof=1) / math.sqrt(len(a))]
            ),
            "These are the mean and half of the width:",
        ),
        (lambda a, b: np.array([(a - b).min(), (a - b).max()]), "This is the range of the differences."),
        (lambda a, b: np.quantile(a - b, [0.005, 0.995]), "These are quantiles of single differences."),
    ),
}

RIGHT = {
    "6.7": (
        by_counting,
        lambda v, share: next(L for L in range(1, 100_000) if v**L <= share),
        lambda variance, share: np.int64(layers(variance, share)),
    ),
    "6.9": (
        back,
        lambda W, alpha, gamma: (
            gamma**2 / W.shape[1] * (W.shape[1] - alpha * np.trace(np.linalg.inv(alpha * np.eye(W.shape[1]) + W.T @ W)))
        ),
        lambda W, alpha, gamma: (
            gamma**2
            * torch.trace(
                torch.linalg.solve(
                    alpha * torch.eye(W.shape[0], dtype=torch.float64) + torch.tensor(W @ W.T), torch.tensor(W @ W.T)
                )
            )
            / W.shape[1]
        ),
    ),
    "6.10": (
        alike,
        lambda alpha, sigma, eta: (sigma * alpha**-0.5, eta * alpha**-1),
        lambda a, s, rate: [s / a**0.5, rate / a],
    ),
    "6.11": (
        chosen,
        lambda validation, test: np.take_along_axis(test, validation.argmin(axis=0)[None], axis=0).mean(),
        lambda validation, test: (
            sum(test[min(range(len(test)), key=lambda r: validation[r, s]), s] for s in range(test.shape[1]))
            / test.shape[1]
        ),
    ),
    "6.12": (
        interval,
        lambda a, b: np.array(stats.ttest_rel(a, b).confidence_interval(0.99)),
        lambda first, second: stats.t.interval(
            0.99, len(first) - 1, loc=np.mean(first - second), scale=stats.sem(first - second)
        ),
    ),
}
