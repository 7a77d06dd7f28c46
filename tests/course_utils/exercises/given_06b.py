"""Answers to chapter 6b as people write them: wrong ones with words of the sentence each receives, and right ones."""

import math
from statistics import NormalDist

import numpy as np
import torch
from scipy import linalg, stats


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


def price(v, L, share, per_layer=None, gain=None, whole=None):
    """(gain, constant) with one of the steps changed."""
    kept = share ** (1 / L) if per_layer is None else per_layer
    gamma = math.sqrt(2 * kept / v) if gain is None else gain(kept)
    return gamma, gamma**L if whole is None else whole(gamma)


def stack(W, gamma, solve=np.linalg.solve, one=1.0):
    made = []
    for w in np.asarray(W):
        made.append(gamma * solve(np.linalg.cholesky(one * np.eye(len(w)) + w @ w.T), w))
    return np.array(made)


def stack_by_scipy(W, gamma):
    return np.array(
        [gamma * linalg.solve_triangular(np.linalg.cholesky(np.eye(len(w)) + w @ w.T), w, lower=True) for w in W]
    )


def first_layer_only(W, gamma):
    return stack(W[:1], gamma)


def trained(
    x, y, W, gamma, readout, steps=80, lr=0.01, sign=1, only=None, optimizer=torch.optim.Adam, relu=True, **more
):
    x, y = torch.as_tensor(x), torch.as_tensor(y)
    W, readout = torch.tensor(W, requires_grad=True), torch.tensor(readout, requires_grad=True)
    chosen_ones = {"readout": [readout], "W": [W], None: [W, readout]}[only]
    descent = optimizer(chosen_ones, lr=lr, **more)
    eye = torch.eye(W.shape[-1], dtype=W.dtype)
    for _ in range(steps):
        descent.zero_grad()
        h = x
        for w in W:
            h = h @ (gamma * torch.linalg.solve(torch.linalg.cholesky(w @ w.T + eye), w)).T
            h = torch.relu(h) if relu else h
        (sign * torch.nn.functional.cross_entropy(h @ readout.T, y)).backward()
        descent.step()
    return W.detach().numpy(), readout.detach().numpy()


def steep(x, W, gamma, power=None, norm=2, pick=max, whole=np.prod, off=lambda z: z > 0):
    made = stack(W, gamma)
    found = []
    for row in x:
        J, h = np.eye(W.shape[-1]), row
        for layer in made:
            z = layer @ h
            J = np.diag(1.0 * off(z)) @ layer @ J
            h = np.maximum(z, 0)
        found.append(np.linalg.norm(J, norm))
    powered = gamma ** (len(W) if power is None else power)
    return powered, whole([np.linalg.norm(layer, 2) for layer in made]), pick(found)


def by_autograd(x, W, gamma):
    made = torch.tensor(stack(W, gamma))

    def net(row):
        for layer in made:
            row = torch.relu(layer @ row)
        return row

    steepest = max(torch.linalg.matrix_norm(torch.autograd.functional.jacobian(net, torch.tensor(row)), 2) for row in x)
    return gamma ** len(W), math.prod(float(torch.linalg.matrix_norm(layer, 2)) for layer in made), float(steepest)


def order(labels):
    return lambda: labels


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
    "6.31": (
        (lambda v, L, share: price(v, L, share, per_layer=1.0), "This keeps all of the second moment"),
        (lambda v, L, share: price(v, L, share, per_layer=share), "You have given the whole share to each layer"),
        (
            lambda v, L, share: price(v, L, share, per_layer=share ** (2 / L)),
            "The share is one of the second moment, a",
        ),
        (lambda v, L, share: price(v, L, share, gain=lambda kept: math.sqrt(kept / v)), "These layers would be linear"),
        (
            lambda v, L, share: price(v, L, share, gain=lambda kept: 2 * math.sqrt(kept / v)),
            "The 2 of the ReLU stands below the root",
        ),
        (lambda v, L, share: price(v, L, share, gain=lambda kept: 2 * kept / v), "This is γ²"),
        (lambda v, L, share: price(v, L, share, whole=lambda gamma: gamma), "The gain is right"),
        (lambda v, L, share: price(v, L, share, whole=lambda gamma: L * gamma), "The gain is right"),
        (lambda v, L, share: price(v, L, share)[::-1], "The right numbers in the wrong order: first γ"),
        (lambda v, L, share: price(v, L, share, whole=lambda gamma: 1.0), "The gain is right"),
        (
            lambda v, L, share: price(v, L, share, gain=lambda kept: math.sqrt(v * kept / 2)),
            "This γ shrinks the signal further: solve γ²v/2 =",
        ),
        (
            lambda v, L, share: price(v, L, share, per_layer=share ** (-1 / L)),
            "The share is turned upside down: who keeps less",
        ),
        (lambda v, L, share: price(v, L, share)[0], "Expected 2 separate values; yours is a number"),
        (lambda v, L, share: price(v, L, share, per_layer=share / L), None),
    ),
    "6.32": (
        (lambda W, gamma: stack(W, 1.0), "The gain γ is missing"),
        (lambda W, gamma: stack(W, gamma, solve=lambda L, w: np.linalg.inv(L)), "This is γL⁻¹"),
        (lambda W, gamma: stack(W, gamma, solve=lambda L, w: L @ w), "You have multiplied by L"),
        (
            lambda W, gamma: stack(W, gamma, solve=lambda L, w: np.linalg.solve(L @ L.T, w)),
            "This divides by αI + WWᵀ itself",
        ),
        (lambda W, gamma: stack(W, gamma, solve=lambda L, w: np.linalg.solve(L.T, w)), "This is L⁻ᵀW"),
        (lambda W, gamma: stack(W, gamma, solve=lambda L, w: w @ np.linalg.inv(L)), None),
        (
            lambda W, gamma: stack(W, gamma, solve=lambda L, w: np.linalg.solve(L, w).T),
            "Every matrix is transposed: rows are outputs",
        ),
        (lambda W, gamma: stack(W, gamma**2), "γ multiplies the layer once; you have its square"),
        (lambda W, gamma: stack(W, gamma ** (1 / len(W))), "γ is the gain of each layer already, not"),
        (lambda W, gamma: stack(W, gamma, one=2.0), None),
        (first_layer_only, "Expected an array of shape (3, 4, 4); yours"),
        (lambda W, gamma: gamma * np.asarray(W), None),
        (lambda W, gamma: stack(W, gamma).sum(axis=0), "Expected an array of shape (3, 4, 4); yours"),
    ),
    "6.33": (
        (lambda x, y, W, gamma, readout: (W, readout), "You return the start"),
        (
            lambda x, y, W, gamma, readout: trained(x, y, W, gamma, readout, optimizer=torch.optim.SGD, lr=0.1),
            "hardly left the start",
        ),
        (
            lambda x, y, W, gamma, readout: trained(x, y, W, gamma, readout, optimizer=torch.optim.SGD, lr=1.0),
            "hardly left the start",
        ),
        (lambda x, y, W, gamma, readout: trained(x, y, W, gamma, readout, steps=3), "hardly left the start"),
        (lambda x, y, W, gamma, readout: trained(x, y, W, gamma, readout, lr=1e-5), "hardly left the start"),
        (lambda x, y, W, gamma, readout: trained(x, y, W, gamma, readout, sign=-1), "hardly left the start"),
        (
            lambda x, y, W, gamma, readout: trained(x, y, W, gamma, readout, only="readout"),
            "Nothing was learned in the layers: W has not",
        ),
        (lambda x, y, W, gamma, readout: trained(x, np.roll(y, 1), W, gamma, readout), "hardly left the start"),
        (
            lambda x, y, W, gamma, readout: trained(x, y, W, gamma, readout)[0],
            "Return two values: the trained weights W and the",
        ),
        (
            lambda x, y, W, gamma, readout: trained(x, y, W, gamma, readout)[::-1],
            "Your W has shape (10, 32); it came with",
        ),
        (lambda x, y, W, gamma, readout: (W * np.nan, readout), "Your answer holds NaN"),
        (lambda x, y, W, gamma, readout: (trained(x, y, W, gamma, readout)[0], readout), "it is on its way"),
    ),
    "6.34": (
        (
            lambda x, W, gamma: steep(x, W, gamma, off=lambda z: z > -np.inf),
            "The third number is that of the linear stack",
        ),
        (lambda x, W, gamma: steep(x, W, gamma, pick=np.mean), "The third number is the mean over rows"),
        (lambda x, W, gamma: steep(x, W, gamma, norm="fro"), "The third number is made of Frobenius norms, which"),
        (
            lambda x, W, gamma: steep(x, W, gamma, pick=lambda found: found[0]),
            "The third number is the slope at the first",
        ),
        (lambda x, W, gamma: steep(x, W, gamma, whole=np.sum), "In the second number norms of layers multiply, they"),
        (lambda x, W, gamma: steep(x, W, gamma, power=1), "The guarantee of the whole stack is γᴸ; γ"),
        (lambda x, W, gamma: steep(x, W, gamma)[::-1], "The right numbers in the wrong order: guarantee, product"),
        (
            lambda x, W, gamma: (
                steep(x, W, gamma)[0],
                math.prod(np.linalg.norm(W, 2, axis=(1, 2))),
                steep(x, W, gamma)[2],
            ),
            "The second number is made of the weights W",
        ),
        (lambda x, W, gamma: steep(x, W, gamma, pick=min), "Of the 3 values number 1 and 2 is"),
        (lambda x, W, gamma: steep(x, W, gamma, whole=max), "Of the 3 values number 1 and 3 is"),
        (lambda x, W, gamma: steep(x, W, gamma, off=lambda z: z < 0), "Of the 3 values number 1 and 2 is"),
        (lambda x, W, gamma: steep(x, W, gamma)[:2], "Expected 3 separate values; yours are 2"),
        (lambda x, W, gamma: steep(x, W, gamma, pick=sum), "Of the 3 values number 1 and 2 is"),
    ),
    "6.35": (
        (order("C G A H E B I K D"), "Line G: they are not: a layer never stretches"),
        (order("C F A H E B I J D"), "Line J: the logarithm of a mean is not"),
        (order("C F A H E L B I K D"), "Line L: a ReLU can switch off all $n$"),
        (order("A C F H E B I K D"), "Line A is not founded yet: it needs to"),
        (order("C F H A E B I K D"), "Line H is not founded yet: it needs the"),
        (order("C A H F E B I K D"), "Line H is not founded yet: it says what"),
        (order("C F A E H B I K D"), "Line E is not founded yet: it needs what"),
        (order("C B F A H E I K D"), "Line B is not founded yet: it needs the"),
        (order("C F A H E I B K D"), "Line I is not founded yet: it speaks of"),
        (order("C F A H E K B I D"), "Line K is not founded yet: it speaks of"),
        (order("C F A H E B I D"), "Line D is not founded yet: it compares the"),
        (order("C F A H E B K D"), "Line D is not founded yet: it needs to"),
        (order("C F A B I K D"), "Line D is not founded yet: it speaks of"),
        (order("C F A H E B I K"), "Each line stands on those above it, but they"),
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
    "6.31": (
        price,
        lambda v, L, share: (math.exp(math.log(2 * share ** (1 / L) / v) / 2), (2 / v) ** (L / 2) * math.sqrt(share)),
        lambda v, L, share: np.array(price(v, L, share)),
    ),
    "6.32": (stack, stack_by_scipy, lambda W, gamma: torch.tensor(stack(W, gamma))),
    "6.33": (
        trained,
        lambda x, y, W, gamma, readout: trained(x, y, W, gamma, readout, steps=120, lr=0.005),
        lambda x, y, W, gamma, readout: trained(x, y, W, gamma, readout, optimizer=torch.optim.AdamW),
    ),
    "6.34": (steep, by_autograd, lambda x, W, gamma: list(steep(x, W, gamma))),
    "6.35": (order("C F A H E B I K D"), order("F C A B K I H E D"), lambda: "c a b k i f h e d".split()),
}
