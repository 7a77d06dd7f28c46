"""Exercises of Chapter 6, second notebook: stacks of LDLT layers and their training."""

from math import ceil, log, sqrt

import numpy as np

from course_utils.exercises import Card, Exercise, Prediction, Written, proof, slips


def _dying_signal(rng):
    # An answer next to a whole number would hang on the order in which a student computes.
    while True:
        case = {"v": round(rng.uniform(0.15, 0.97), 2), "share": round(rng.uniform(0.001, 0.3), 3)}
        exact = log(case["share"]) / log(case["v"])
        if exact > 2.2 and 0.02 < exact % 1 < 0.98:
            return case


def layers_until(v, share):
    return ceil(log(share) / log(v))


exercise_7 = Exercise(
    *Card("6.7", "how deep until the signal is gone?", points=2, difficulty=2, minutes=5),
    cases=_dying_signal,
    reference=layers_until,
    whole=True,
    edge_cases=(
        {"v": 0.38, "share": 0.0005},
        {"v": 0.9, "share": 0.01},
        {"v": 0.5, "share": 0.001},
        {"v": 0.5, "share": 0.25},  # both logarithms are exact multiples: the share itself is reached
        {"v": 0.5, "share": 0.2499},  # and here just missed
        {"v": 0.3, "share": 0.5},
        {"v": 0.99, "share": 0.01},
    ),
    misconceptions=slips(
        lambda v, share: log(share) / log(v),
        "The right number, but a stack has whole layers: round up.",
        lambda v, share: int(log(share) / log(v)),
        "One layer too few: at this depth the variance is still above the share. Round up.",
        lambda v, share: int(log(share) / log(v)) + 1,
        "One layer too many where vᴸ meets the share exactly: “at most” includes it. Round up; do not add 1.",
        lambda v, share: ceil(2 * log(share) / log(v)),
        "v is already a variance, a square: the amplitude √v would need twice as many layers.",
        lambda v, share: ceil((1 - share) / (1 - v)),
        "You have subtracted the same amount for each layer. Each layer takes a share of what is left: vᴸ.",
        lambda v, share: ceil(log(v) / log(share)),
        "The fraction is upside down. Take logarithms of vᴸ ≤ share, and mind which of the two divides the other.",
        lambda v, share: round(log(share) / log(v)),
        "You have rounded to the nearest number, which is sometimes a layer too few: always round up.",
        lambda v, share: ceil(log(share) / log(v) / 2),
        "v multiplies the variance itself, once a layer: vᴸ, not v²ᴸ.",
        lambda v, share: ceil(log(1 - share) / log(v)),
        "You have asked when so much is lost. Asked is when at most this share is left.",
        lambda v, share: ceil(log(share)),
        "Each layer multiplies by v: divide by log v.",
    ),
    after="At 10/√n a linear stack may be nine times as deep as at 1/√n before its mean signal is as weak.",
)


def _rectangle(rng):
    m, n = int(rng.integers(1, 7)), int(rng.integers(1, 7))
    return {
        "W": np.round(rng.normal(size=(m, n)), 1),
        "alpha": round(rng.uniform(0.3, 2.5), 1) + 0.05,
        "gamma": round(rng.uniform(1.1, 2), 1),
    }


def backward_variance(W, alpha, gamma):
    n = W.shape[1]
    gram = W.T @ W
    # Or `return gamma ** 2 * np.trace(np.linalg.inv(alpha * np.eye(n) + gram) @ gram) / n`: they commute.
    return gamma**2 * np.trace(gram @ np.linalg.inv(alpha * np.eye(n) + gram)) / n


exercise_9 = Exercise(
    *Card("6.9", "the way back", points=3, difficulty=3, minutes=7),
    cases=_rectangle,
    reference=backward_variance,
    rtol=1e-6,  # a torch.eye in single precision costs half of the digits, whatever the answer's type
    misconceptions=slips(
        lambda W, alpha, gamma: backward_variance(W, alpha, gamma) * W.shape[1] / W.shape[0],
        "This is the forward variance, divided by the m outputs. Backwards there are n components.",
        lambda W, alpha, gamma: backward_variance(W, alpha, gamma) / gamma,
        "γ multiplies the signal, so that the variance has γ².",
        lambda W, alpha, gamma: backward_variance(W, alpha, 1),
        "γ is missing; it multiplies the way back as well.",
        lambda W, alpha, gamma: backward_variance(W, alpha, gamma) * W.shape[1],
        "This is the sum over the n components: take their mean.",
        lambda W, alpha, gamma: backward_variance(W, alpha**2, gamma),
        "αI stands below a square root in the layer, and once, unsquared, in its square.",
        lambda W, alpha, gamma: gamma**2 * np.trace(W.T @ W) / (alpha * W.shape[1]),
        "Without WᵀW in the inverse this grows without limit; the layer's singular values stay below γ.",
        lambda W, alpha, gamma: gamma**2 * np.trace(W.T @ W @ np.linalg.inv(np.eye(W.shape[1]) + W.T @ W)) / W.shape[1],
        "α is missing: it is not 1 here.",
        lambda W, alpha, gamma: backward_variance(W, sqrt(alpha), gamma),
        "αI is in the square of the layer as it stands: no root is taken of α.",
        lambda W, alpha, gamma: gamma**2 * np.sum(W**2) / W.shape[1],
        "This is the mean square of Wᵀ's rows. The inverse of αI + WᵀW is missing.",
        lambda W, alpha, gamma: gamma**2 * np.linalg.norm(W, 2) ** 2 / (alpha + np.linalg.norm(W, 2) ** 2),
        "This is the largest squared singular value. The variance is a mean over all n directions.",
        lambda W, alpha, gamma: gamma**2 - backward_variance(W, alpha, gamma),
        "This is what is lost. The variance is what is left.",
        lambda W, alpha, gamma: backward_variance(W, alpha, gamma) * W.shape[1] / min(W.shape),
        "The mean is over all n components on the input's side, also those that nothing comes back to.",
    ),
    after="Only square layers treat signals and gradients alike; a wide one starves the gradient by m/n.",
)


def _steps(rng):
    return {
        "alpha": round(rng.choice([0.01, 0.04, 0.25, 0.5, 2.0, 4.0]), 2),
        "sigma": round(rng.uniform(0.05, 1), 2),
        "eta": round(rng.uniform(0.01, 0.3), 2),
    }


def same_start_and_step(alpha, sigma, eta):
    return sigma / sqrt(alpha), eta / alpha


exercise_10 = Exercise(
    *Card("6.10", "a smaller α, or a larger σ?", points=4, difficulty=4, minutes=9),
    cases=_steps,
    reference=same_start_and_step,
    misconceptions=slips(
        lambda alpha, sigma, eta: (sigma / sqrt(alpha), eta / sqrt(alpha)),
        "σ is right. V = W/√α has a gradient √α times as long and is itself 1/√α times as long: "
        "its step changes twice.",
        lambda alpha, sigma, eta: (sigma / sqrt(alpha), eta),
        "σ is right: the start is the same. A step of the same η is not: compare ∂/∂V with ∂/∂W.",
        lambda alpha, sigma, eta: (sigma / sqrt(alpha), eta * alpha),
        "σ is right. The rate is turned upside down: a smaller α makes W more sensitive.",
        lambda alpha, sigma, eta: (sigma / alpha, eta / alpha),
        "The layer depends on WᵀW/α, so that W itself is divided by √α.",
        lambda alpha, sigma, eta: (sigma * sqrt(alpha), eta * alpha),
        "Both are turned upside down: αI + WᵀW = α(I + VᵀV) with V = W/√α.",
        lambda alpha, sigma, eta: (sigma / sqrt(alpha), eta * sqrt(alpha)),
        "σ is right. The rate changes by a whole power of α, and the other way: ∂/∂V = √α ∂/∂W, and ΔV = ΔW/√α.",
        lambda alpha, sigma, eta: (eta / alpha, sigma / sqrt(alpha)),
        "The right numbers in the wrong order: first σ, then the rate.",
        lambda alpha, sigma, eta: (sigma, eta / alpha),
        "The rate is right. V = W/√α starts from another σ than W.",
        lambda alpha, sigma, eta: (sigma, eta),
        "Nothing has changed, but α did: with α = 1 this layer is another function. What is V?",
        lambda alpha, sigma, eta: (sigma / alpha, eta / alpha**2),
        "W is divided by √α, not by α: αI + WᵀW = α(I + VᵀV). The rate follows by the square of that, 1/α.",
        lambda alpha, sigma, eta: (sigma * sqrt(alpha), eta / alpha),
        "The rate is right. σ is turned upside down: V = W/√α.",
        lambda alpha, sigma, eta: (sigma * alpha, eta * alpha),
        "Both are turned upside down, and σ changes by the root of α only: V = W/√α.",
    ),
    after="Same function at the start, same forward variance, and SGD moves it 1/α times as far.",
)


def _rate_search(rng):
    rates, seeds = int(rng.integers(3, 6)), int(rng.integers(3, 6))
    loss = np.round(rng.uniform(0.3, 0.9, size=(rates, seeds)), 3)
    # Sorted apart, so that no two rates tie and the rate that is best on average is not best for every seed.
    validation = loss + 0.0001 * np.arange(rates)[:, None]
    return {"validation": validation, "test": np.round(rng.uniform(0.5, 0.9, size=(rates, seeds)), 3)}


def tested_accuracy(validation, test):
    best = validation.argmin(axis=0)
    return test[best, np.arange(test.shape[1])].mean()


exercise_11 = Exercise(
    *Card("6.11", "sweep, stage 1: a learning rate for each seed", points=3, difficulty=3, minutes=6),
    kind="build",
    cases=_rate_search,
    reference=tested_accuracy,
    misconceptions=slips(
        lambda validation, test: test.max(axis=0).mean(),
        "You have chosen by the test rows, and reported their luck. Choose by validation loss only.",
        lambda validation, test: test[validation.argmax(axis=0), np.arange(test.shape[1])].mean(),
        "These are the rates with the highest validation loss: a loss is good when it is small.",
        lambda validation, test: test[validation.mean(axis=1).argmin()].mean(),
        "You have chosen one rate for all seeds together, and the validation rows of one seed are the test rows "
        "of another. Each seed chooses its own.",
        lambda validation, test: test[np.arange(len(test)), validation.argmin(axis=1)].mean(),
        "This is the luckiest seed of each rate. Turn it around: for each seed, a column, the best rate.",
        lambda validation, test: test[validation.argmin(axis=0)].mean(),
        "One index takes whole rows, all seeds at each chosen rate. Count each seed at its own rate only.",
        lambda validation, test: test.T[validation.T.argmin(axis=0) % test.shape[1]].mean(),
        "You have searched along the wrong axis: rows are rates, columns are seeds.",
        lambda validation, test: test[validation.argmin(axis=0), np.arange(test.shape[1])].sum(),
        "The right entries, one for each seed: return their mean, not their sum.",
        lambda validation, test: test.mean(),
        "This is the average over all rates. Nobody would use the bad ones: choose first.",
        lambda validation, test: test[validation.argmin(axis=0), np.arange(test.shape[1])].max(),
        "You have reported the luckiest seed. Return the mean over the seeds.",
        lambda validation, test: test.flat[validation.argmin()],
        "You have chosen one pair of rate and seed. Each seed chooses its own rate; then take the mean.",
        lambda validation, test: np.median(test[validation.argmin(axis=0), np.arange(test.shape[1])]),
        "The right entries, one for each seed: return their mean, not their median.",
        lambda validation, test: validation.min(axis=0).mean(),
        "This is the validation loss. Asked is the test accuracy of the rates chosen by it.",
        lambda validation, test: test.mean(axis=1).max(),
        "You have chosen by the test rows, one rate for all. Choose by validation loss only, and for each seed.",
    ),
    after="Tuning is a part of the method: what it costs in luck belongs in the interval.",
)


def _two_starts(rng):
    seeds = int(rng.integers(2, 12))
    common, apart = rng.normal(scale=0.05, size=seeds), rng.choice([-0.015, 0.015])
    return {
        "a": np.round(0.63 + apart + common + rng.normal(scale=0.01, size=seeds), 3),
        "b": np.round(0.63 - apart + common + rng.normal(scale=0.01, size=seeds), 3),
    }


def _quantile(share, free):
    from scipy.stats import t

    return t.ppf(share, free)


def _interval(differences, quantile=None, ddof=1, power=0.5):
    seeds = len(differences)
    quantile = _quantile(0.995, seeds - 1) if quantile is None else quantile
    half = quantile * differences.std(ddof=ddof) / seeds**power
    return np.array([differences.mean() - half, differences.mean() + half])


def paired_interval(a, b):
    from scipy.stats import t

    d = a - b
    half = t.ppf(0.995, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))
    return np.array([d.mean() - half, d.mean() + half])


def _apart(a, b, free):
    half = _quantile(0.995, free) * np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))
    return np.array([(a - b).mean() - half, (a - b).mean() + half])


def _mean_and_half(a, b):
    low, high = paired_interval(a, b)
    return np.array([(low + high) / 2, (high - low) / 2])


exercise_12 = Exercise(
    *Card("6.12", "sweep, stage 2: paired, with an interval", points=3, difficulty=3, minutes=7),
    kind="build",
    cases=_two_starts,
    allows=lambda a, b: np.ptp(a - b) > 1e-9,  # or the interval would be a point
    reference=paired_interval,
    edge_cases=({"a": np.array([0.64, 0.65, 0.66]), "b": np.full(3, 0.63)},),
    misconceptions=slips(
        lambda a, b: _apart(a, b, len(a) - 1),
        "You have added the variances of both. The seeds are shared: take differences first, and what "
        "they have in common cancels.",
        lambda a, b: _apart(a, b, 2 * len(a) - 2),
        "This is the interval for two independent groups, with 2S − 2 degrees of freedom. Here each seed "
        "serves both: take differences first, and what they have in common cancels.",
        lambda a, b: _interval(a - b, 2.5758293035489),
        "2.576 is the normal quantile. With so few seeds the spread is uncertain too: use Student's t.",
        lambda a, b: _interval(a - b, 2.58),
        "2.58 belongs to the normal law. With so few seeds the spread is uncertain too: use Student's t.",
        lambda a, b: _interval(a - b, _quantile(0.975, len(a) - 1)),
        "This is the 95 % interval: for 99 % each side keeps 0.5 %.",
        lambda a, b: _interval(a - b, _quantile(0.99, len(a) - 1)),
        "You have left 1 % on each side, which makes 98 %: for 99 % each side keeps 0.5 %.",
        lambda a, b: _interval(a - b, power=0),
        "This is the spread of single seeds. Their mean has 1/√seeds of it.",
        lambda a, b: _interval(a - b, ddof=0),
        "The spread around their own mean is a little too small: divide the squares by seeds − 1 (ddof=1).",
        lambda a, b: paired_interval(b, a),
        "The sign: the question is a minus b.",
        lambda a, b: paired_interval(a, b)[::-1],
        "The right ends in the wrong order: the lower one comes first.",
        _mean_and_half,
        "These are the mean and half of the width: return where the interval begins and where it ends.",
        lambda a, b: _interval(a - b, power=1),
        "The standard error of a mean has the root of the number of seeds below it.",
        lambda a, b: _interval(a - b, _quantile(0.995, len(a))),
        "One degree of freedom goes into the mean: S − 1, not S.",
        lambda a, b: _interval(a - b, _quantile(0.995, 2 * len(a) - 2)),
        "The spread is right. Its degrees of freedom are those of the S differences: S − 1.",
        lambda a, b: np.array([(a - b).min(), (a - b).max()]),
        "This is the range of the differences. An interval for their mean uses its standard error and Student's t.",
        lambda a, b: np.quantile(a - b, [0.005, 0.995]),
        "These are quantiles of single differences. An interval for their mean uses its standard error.",
        lambda a, b: _interval(a - b, 3.0),
        "Three standard errors belong to no 99 %: with few seeds Student's t asks for more.",
    ),
    after="Pairing is free accuracy: the luck of a fold enters both sides. Shared rows cost some of it.",
)


def signal_for_a_price(v, L, share):
    gamma = sqrt(2 / v) * share ** (1 / (2 * L))
    return gamma, gamma**L


exercise_31 = Exercise(
    *Card("6.31", "stack, stage 1: a signal for a price", points=3, difficulty=2, minutes=5),
    kind="build",
    cases=lambda rng: {
        "v": round(rng.uniform(0.2, 0.95), 2),
        "L": int(rng.integers(1, 12)),
        "share": round(rng.uniform(0.01, 1), 2),
    },
    reference=signal_for_a_price,
    edge_cases=({"v": 0.5, "L": 2, "share": 0.25}, {"v": 0.38, "L": 8, "share": 1.0}),
    misconceptions=slips(
        lambda v, L, share: (sqrt(2 / v), (2 / v) ** (L / 2)),
        "This keeps all of the second moment. Asked is a given share of it, which costs less.",
        lambda v, L, share: (sqrt(2 / v) * sqrt(share), (2 * share / v) ** (L / 2)),
        "You have given the whole share to each layer. L layers multiply: one of them keeps share^(1/L).",
        lambda v, L, share: (sqrt(2 / v) * share ** (1 / L), (2 / v) ** (L / 2) * share),
        "The share is one of the second moment, a square; γ multiplies amplitudes, and needs its root.",
        lambda v, L, share: (share ** (1 / (2 * L)) / sqrt(v), v ** (-L / 2) * sqrt(share)),
        "These layers would be linear. Each ReLU takes half: γ²v/2.",
        lambda v, L, share: (2 / sqrt(v) * share ** (1 / (2 * L)), (4 / v) ** (L / 2) * sqrt(share)),
        "The 2 of the ReLU stands below the root, too: it is a share of a square.",
        lambda v, L, share: (2 / v * share ** (1 / L), (2 / v) ** L * share),
        "This is γ². It multiplies the second moment; the layer is multiplied by its root.",
        lambda v, L, share: (signal_for_a_price(v, L, share)[0],) * 2,
        "The gain is right. Lipschitz constants of layers multiply: L layers have γᴸ.",
        lambda v, L, share: (signal_for_a_price(v, L, share)[0], L * signal_for_a_price(v, L, share)[0]),
        "The gain is right. Lipschitz constants of layers multiply, they do not add.",
        lambda v, L, share: (signal_for_a_price(v, L, share)[1],) * 2,
        "The Lipschitz constant is right. You return it as the gain of each layer, too, of which it is the L-th power.",
        lambda v, L, share: signal_for_a_price(v, L, share)[::-1],
        "The right numbers in the wrong order: first γ, then the Lipschitz constant.",
        lambda v, L, share: (signal_for_a_price(v, L, share)[0], 1.0),
        "The gain is right. It also stretches: a layer is γ-Lipschitz, so that 1 is not kept.",
        lambda v, L, share: (signal_for_a_price(v, L, share)[0], signal_for_a_price(v, L, share)[1] * 2 ** (-L / 2)),
        "The gain is right. A ReLU takes half of the second moment on average; it does not halve what a stack may "
        "stretch, since where all components are positive it changes nothing.",
        lambda v, L, share: (signal_for_a_price(v, L, share)[0], signal_for_a_price(v, L, share)[1] ** 2),
        "The gain is right. The guarantee is γᴸ; you return what becomes of a square, γ²ᴸ.",
        lambda v, L, share: (sqrt(v / 2) * share ** (1 / (2 * L)), (v / 2) ** (L / 2) * sqrt(share)),
        "This γ shrinks the signal further: solve γ²v/2 = share^(1/L) for γ.",
        lambda v, L, share: (sqrt(2 / v) * share ** (-1 / (2 * L)), (2 / v) ** (L / 2) / sqrt(share)),
        "The share is turned upside down: who keeps less needs a smaller gain.",
    ),
    after="The price is √share·(2/v)^(L/2): a tenth of the signal is three times cheaper, and no cheaper than that.",
)


# The build: from the layers' matrices to a stack that trains and knows its slopes. Answers are torch code.


def _stack(rng):
    n = int(rng.integers(1, 5))
    return {"W": np.round(rng.normal(size=(int(rng.integers(1, 4)), n, n)), 1), "gamma": round(rng.uniform(0.8, 2), 1)}


def layers(W, gamma):
    # Or `one = np.eye(len(W[-1]))`: all layers have the same shape.
    one = np.eye(len(W[0]))
    return np.array([gamma * np.linalg.solve(np.linalg.cholesky(one + w @ w.T), w) for w in W])


def _symmetric_form(W, gamma):
    values, vectors = np.linalg.eigh(W.swapaxes(1, 2) @ W)
    return gamma * W @ (vectors / np.sqrt(1 + values)[:, None, :]) @ vectors.swapaxes(1, 2)


def _by_cholesky(W, gamma, gram=lambda W: W @ W.swapaxes(1, 2), alpha=1.0):
    return gamma * np.linalg.solve(np.linalg.cholesky(gram(W) + alpha * np.eye(W.shape[-1])), W)


exercise_32 = Exercise(
    *Card("6.32", "stack, stage 2: all layers at once", points=3, difficulty=2, minutes=6),
    kind="build",
    cases=_stack,
    reference=layers,
    rtol=1e-6,
    atol=1e-7,  # a torch.eye in single precision is no slip of the matter
    misconceptions=slips(
        lambda W, gamma: layers(W, 1.0),
        "The gain γ is missing.",
        lambda W, gamma: gamma * np.linalg.inv(np.linalg.cholesky(W @ W.swapaxes(1, 2) + np.eye(W.shape[-1]))),
        "This is γL⁻¹. It is to be multiplied by W.",
        lambda W, gamma: gamma * np.linalg.cholesky(W @ W.swapaxes(1, 2) + np.eye(W.shape[-1])) @ W,
        "You have multiplied by L. The layer divides by it: L⁻¹W, by a triangular system.",
        lambda W, gamma: gamma * np.linalg.solve(W @ W.swapaxes(1, 2) + np.eye(W.shape[-1]), W),
        "This divides by αI + WWᵀ itself. Its factor L is a kind of root of it: solve with L alone.",
        lambda W, gamma: (
            gamma * np.linalg.solve(np.linalg.cholesky(W @ W.swapaxes(1, 2) + np.eye(W.shape[-1])).swapaxes(1, 2), W)
        ),
        "This is L⁻ᵀW. Here L stands on the left of LLᵀ, and L⁻¹(I + WWᵀ)L⁻ᵀ = I needs L⁻¹W.",
        lambda W, gamma: _by_cholesky(W, gamma, lambda W: W.swapaxes(1, 2) @ W),
        "For this form L comes from I + WWᵀ; you have WᵀW.",
        _symmetric_form,
        "This is the symmetric form, which is ours with its outputs rotated. With a ReLU behind it a rotation is "
        "another network: the stack below is made with L⁻¹W.",
        lambda W, gamma: _by_cholesky(W, gamma, alpha=0.0) if np.all(np.abs(np.linalg.det(W)) > 1e-6) else 0 * W,
        "The I below the root is missing, the layer's αI at α = 1.",
        lambda W, gamma: layers(W, gamma).swapaxes(1, 2),
        "Every matrix is transposed: rows are outputs.",
        lambda W, gamma: layers(W, gamma**2),
        "γ multiplies the layer once; you have its square.",
        lambda W, gamma: layers(W, gamma ** (1 / len(W))),
        "γ is the gain of each layer already, not that of the whole stack.",
    ),
    after="Leading axes come for free: one call for eight layers, or for eight layers of sixty starts.",
)


_REACHES = 0.85  # share of the hidden digits; Adam gets beyond 0.9 at these prices, guessing to a tenth
_PRICES = (1.0, 4.0, 2.0)


def _shown_digits(rng):
    from course_utils.experiments.ldlt_training import SHOWN, deep_start, narrow_digits

    seed = int(rng.integers(0, len(_PRICES)))
    x, y = narrow_digits()
    W, readout = deep_start(100 + seed)
    return {"x": x[:SHOWN], "y": y[:SHOWN], "W": W, "gamma": _PRICES[seed] ** (1 / len(W)), "readout": readout}


def train(x, y, W, gamma, readout):
    from course_utils.experiments.ldlt_training import train_stack

    return train_stack(x, y, W, gamma, readout, "Adam", 80, lr=0.01)


def _by_sgd(x, y, W, gamma, readout):
    from course_utils.experiments.ldlt_training import train_stack

    return train_stack(x, y, W, gamma, readout, "SGD", 80, lr=0.1, momentum=0.9)


def _knows_hidden_digits(found, case):
    from course_utils.experiments.ldlt_training import hidden_accuracy

    if not isinstance(found, tuple) or len(found) != 2:
        return "Return two values: the trained weights W and the trained readout."
    for name, value in zip(("W", "readout"), found, strict=True):
        if np.shape(value) != case[name].shape:
            return f"Your {name} has shape {np.shape(value)}; it came with shape {case[name].shape} and keeps it."
        if not np.all(np.isfinite(value)):
            return f"Your {name} holds numbers that are not finite: training diverged. Take a smaller learning rate."
    W, readout = found
    if np.array_equal(W, case["W"]):
        stayed = "neither W nor the readout has" if np.array_equal(readout, case["readout"]) else "W has not"
        return f"Nothing was learned in the layers: {stayed} moved from where it started. Does the gradient reach it?"
    share, price = hidden_accuracy(W, case["gamma"], readout), case["gamma"] ** len(W)
    if share >= _REACHES:
        return None
    told = (
        f"At the price γ⁸ = {price:.0f} your stack names {share:.0%} of 400 hidden digits, {_REACHES:.0%} is asked for"
    )
    if share < 0.3:
        return (
            f"{told}: it has hardly left the start. So little of the signal arrives behind eight layers that a step "
            "as long as its gradient leads nowhere."
        )
    return f"{told}: it is on its way. Take more steps, or another learning rate."


exercise_33 = Exercise(
    *Card("6.33", "stack, stage 3: train eight layers at a low price", points=5, difficulty=4, minutes=11),
    kind="build",
    cases=_shown_digits,
    reference=train,
    n_cases=1,
    time_limit=10.0,
    show_cases=False,
    property=_knows_hidden_digits,
    misconceptions=slips(
        _by_sgd,
        "Plain SGD gets nowhere here: at so low a price hardly any of the signal reaches the end, and its steps are as "
        "long as the gradient that is left. Which optimizer divides by the gradient's size?",
        lambda x, y, W, gamma, readout: (W, readout),
        "You return the start. Train both, and return what they have become.",
    ),
    after="With the price left at 1 the guarantee is whole, and what was lost at the start has not stopped Adam.",
)


def _trained_stack(rng):
    n = int(rng.integers(1, 5))
    return {
        "x": np.round(rng.normal(size=(int(rng.integers(1, 6)), n)), 1) + 0.05,
        "W": np.round(rng.normal(size=(int(rng.integers(1, 5)), n, n)), 1),
        "gamma": round(rng.uniform(1.1, 2), 1),
    }


def _all_signs_clear(x, W, gamma):
    """No neuron at its kink, where the derivative of a ReLU is a matter of taste."""
    h = x
    for layer in layers(W, gamma):
        z = h @ layer.T
        if np.any(np.abs(z) < 1e-6) and np.any(np.abs(h) > 0):
            alive = np.any(np.abs(h) > 0, axis=1)
            if np.any(np.abs(z[alive]) < 1e-6):
                return False
        h = np.maximum(z, 0)
    return True


def slopes(x, W, gamma):
    made = layers(W, gamma)
    steepest = np.linalg.norm(_jacobians(x, W, gamma), 2, axis=(1, 2)).max()
    return gamma ** len(W), np.prod(np.linalg.norm(made, 2, axis=(1, 2))), steepest


def _with_slopes(x, W, gamma, steepest):
    guarantee, product, _ = slopes(x, W, gamma)
    return guarantee, product, steepest


def _jacobians(x, W, gamma):
    # Or `J, h = (np.eye(len(W[-1])), x)`: all layers have the same shape.
    J, h = np.eye(len(W[0])), x
    for layer in layers(W, gamma):
        z = h @ layer.T
        # Or `J = (z >= 0)[:, :, None] * (layer @ J)`: none is at its kink, and behind a dead layer nothing is left.
        J = (z > 0)[:, :, None] * (layer @ J)
        h = np.maximum(z, 0)
    # Or `return -J`: a norm has no sign.
    return J


exercise_34 = Exercise(
    *Card("6.34", "stack, stage 4: what it may stretch, and what it does", points=4, difficulty=4, minutes=9),
    kind="build",
    cases=_trained_stack,
    allows=_all_signs_clear,
    reference=slopes,
    rtol=1e-6,
    atol=1e-7,
    misconceptions=slips(
        lambda x, W, gamma: _with_slopes(
            x, W, gamma, np.linalg.norm(np.linalg.multi_dot([np.eye(W.shape[-1]), *layers(W, gamma)[::-1]]), 2)
        ),
        "The third number is that of the linear stack, without ReLUs. At a row the neurons that are off pass nothing "
        "on.",
        lambda x, W, gamma: _with_slopes(x, W, gamma, np.linalg.norm(_jacobians(x, W, gamma), 2, axis=(1, 2)).mean()),
        "The third number is the mean over rows. Asked is the steepest of them.",
        lambda x, W, gamma: _with_slopes(x, W, gamma, np.linalg.norm(_jacobians(x, W, gamma), axis=(1, 2)).max()),
        "The third number is made of Frobenius norms, which add all directions. The norm of a slope is its largest "
        "singular value, `matrix_norm(J, 2)`.",
        lambda x, W, gamma: _with_slopes(x, W, gamma, np.linalg.norm(_jacobians(x, W, gamma)[0], 2)),
        "The third number is the slope at the first row only. Asked is the steepest of all rows.",
        lambda x, W, gamma: (
            slopes(x, W, gamma)[0],
            np.prod(np.linalg.norm(layers(W, gamma), axis=(1, 2))),
            slopes(x, W, gamma)[2],
        ),
        "The second number is made of Frobenius norms. What a layer stretches at most is its largest singular value.",
        lambda x, W, gamma: (
            slopes(x, W, gamma)[0],
            np.sum(np.linalg.norm(layers(W, gamma), 2, axis=(1, 2))),
            slopes(x, W, gamma)[2],
        ),
        "In the second number norms of layers multiply, they do not add.",
        lambda x, W, gamma: (gamma, *slopes(x, W, gamma)[1:]),
        "The guarantee of the whole stack is γᴸ; γ is that of one layer.",
        lambda x, W, gamma: (
            slopes(x, W, gamma)[0],
            np.prod(np.linalg.norm(W, 2, axis=(1, 2))),
            slopes(x, W, gamma)[2],
        ),
        "The second number is made of the weights W. The layers are what `layers(W, gamma)` returns.",
        lambda x, W, gamma: slopes(x, W, gamma)[::-1],
        "The right numbers in the wrong order: guarantee, product, steepest.",
    ),
    after="A guarantee from above, a slope that was seen from below: the true constant lies between them.",
)


exercise_35 = proof(
    *Card("6.35", "a stack, its mean and the typical one", points=5, difficulty=3, minutes=10),
    lines={
        "C": (r"For every rotation $Q$, $WQ$ has the law of $W$, and the layer made of it is $MQ$.", ""),
        "F": (
            r"$-W$ has the law of $W$, and its layer is $-M$. So $z = Mh$ and $-z$ have the same law; and "
            r"$\lVert\mathrm{relu}(z)\rVert^2 + \lVert\mathrm{relu}(-z)\rVert^2 = \lVert z\rVert^2$. Hence "
            r"$\mathbb E\lVert\mathrm{relu}(Mh)\rVert^2 = \frac12\,\mathbb E\lVert Mh\rVert^2$.",
            "",
        ),
        "A": (
            r"$\mathbb E\,M^\top M = Q^\top\,\mathbb E[M^\top M]\,Q$ for all $Q$: it is a multiple of $I$, and its "
            r"trace is $n\gamma^2v$. Hence $\mathbb E\lVert Mh\rVert^2 = \gamma^2v\,\lVert h\rVert^2$.",
            "C",
        ),
        "H": (
            r"The next $W$ is independent of what arrives, $h$. So with ReLUs $\mathbb E[q_{l+1} \mid h] = "
            r"\frac{\gamma^2v}2\,q_l$, for $h = 0$ too.",
            "F A",
        ),
        "E": (r"With ReLUs $\mathbb E\,q_L = q_0\,(\gamma^2v/2)^L$: take means, layer after layer.", "H"),
        "B": (
            r"Without ReLUs the share $r = \lVert Mh\rVert^2/\lVert h\rVert^2$ of a layer is positive almost surely "
            r"and has the same law for every $h \ne 0$: any direction can be turned into any other. Its mean is "
            r"$\gamma^2v$.",
            "C A",
        ),
        "I": (
            r"Without ReLUs $\frac1L\log\frac{q_L}{q_0} = \frac1L\sum_l\log r_l$, a mean of independent numbers that "
            r"all have the law of $\log r$. By the law of large numbers it goes to $\mathbb E\log r$.",
            "B",
        ),
        "K": (
            r"$\log$ is strictly concave and $r$ is not constant: $\mathbb E\log r < \log\mathbb E\,r = "
            r"\log(\gamma^2v)$.",
            "B",
        ),
        "D": (
            r"With ReLUs $\mathbb E\,q_L = q_0\,(\gamma^2v/2)^L$; without them "
            r"$\frac1L\log\frac{q_L}{q_0} \to \mathbb E\log r < \log(\gamma^2v)$.",
            "E I K",
        ),
    },
    flaws={
        "G": (
            r"The components of $z = Mh$ are Gaussian, so that $\mathbb E\,\mathrm{relu}(z_i)^2 = \frac12\,\mathbb "
            r"E\,z_i^2$.",
            "they are not: a layer never stretches more than γ-fold, and a Gaussian has no such limit. The half is "
            "right, and comes from a symmetry.",
        ),
        "J": (
            r"$\log$ of a product is a sum, so that $\mathbb E\log q_L = \log\mathbb E\,q_L$.",
            "the logarithm of a mean is not the mean of a logarithm, and what lies between the two is what is to be "
            "proved.",
        ),
        "L": (
            r"With ReLUs too $r$ is positive almost surely, so that $\mathbb E\log r$ is a number.",
            "a ReLU can switch off all $n$ neurons at once, with probability $2^{-n}$. Then nothing is left, and the "
            "logarithm is −∞.",
        ),
    },
    goal="D",
    missing={
        "C": "it needs to know that no direction of the input is preferred, and nothing above says so.",
        "F": "it says what a ReLU takes, and nothing above does.",
        "A": "it needs the mean square of Mh, which nothing above gives.",
        "H": "it needs what one layer and its ReLU pass on in the mean, given what arrives.",
        "E": "it speaks of the mean of a whole stack with ReLUs, which nothing above gives.",
        "B": "it speaks of the share r and its law, and nothing above defines it for every input.",
        "I": "it needs to know where the mean of the logarithms goes, which nothing above says.",
        "K": "it compares the mean of log r with log of the mean, which nothing above does.",
    },
    after="The first half holds at every width and input. The second is why a deep narrow stack is worse than its law.",
)

EXERCISES = (
    exercise_7,
    exercise_9,
    exercise_10,
    exercise_11,
    exercise_12,
    exercise_31,
    exercise_32,
    exercise_33,
    exercise_34,
    exercise_35,
)


WRITTEN = (
    Written(
        *Card("6.36", "what the price says", points=6, difficulty=3, minutes=12),
        rubric=(
            (
                2,
                "says that the guarantee bounds every slope from above, for all inputs and all weights that training "
                "may reach",
            ),
            (1, "says that the steepest slope seen bounds the stack's own constant from below, at these rows only"),
            (2, "says what neither is about: the readout and its margins, or hidden rows that are named wrong"),
            (1, "supports it with numbers of the table"),
        ),
        model=(
            r"The sentence takes a guarantee for a measurement. $\gamma^8 = 770$ bounds the slope at every input and "
            "for every weight that training may ever reach; the stack that was trained has a constant of its own, at "
            "most the product of its layers' norms, about 320, and at least the steepest slope that we saw, about "
            "56. So the gain has really made the stack steeper, dozens of times beside the 0.73 of the stack at price "
            "1, and we know of no input where it is 770. How easily a digit is misread depends on two more things "
            "that none of the three numbers contains: the readout, which multiplies what the stack hands on, and the "
            "margin by which the right class leads. A stack whose outputs are so much larger also has larger "
            "margins, so that the ratio of margin to slope is what one should compare; and the guarantee is worth "
            "something only beside it."
        ),
    ),
)


PREDICTIONS = (
    Prediction(
        "6b/one-layer",
        "A square layer of 32 neurons, at $\\alpha = \\gamma = 1$. How large must $\\sigma\\sqrt n$ be before it "
        "misses no more than 1 % of unit variance?",
        right="above a hundred",
        options=(
            (
                "about ten",
                "The bound says so, $1/(1 + 10^2)$ is 1 %, and a wide layer nearly reaches it. The square one misses "
                "ten times as much: its smallest singular values are near 0, and the mean hides them.",
            ),
            (
                "about thirty",
                "Smaller singular values do need more than the mean says; but the smallest of 32 are near 0, and 30 "
                "still leaves out 4 %.",
            ),
            (
                "above a hundred",
                "Yes, 140: singular values near 0 are lifted last, so that what is missing falls as $1/\\sigma$ "
                "and not as $1/\\sigma^2$.",
            ),
        ),
    ),
    Prediction(
        "6b/typical",
        "The mean variance of 32 linear layers is $v^{32}$. Take narrow layers, of 8 neurons, and draw such stacks "
        "again and again. Where does the *median* one stand?",
        right="at about a third of the mean",
        options=(
            (
                "at the mean, nearly",
                "For wide layers it is: 32 neurons reach 0.9 of it. With 8 neurons each layer's factor scatters, and "
                "32 scattered factors are multiplied.",
            ),
            (
                "at about a third of the mean",
                "Yes. A product of random factors is skewed: few lucky stacks carry the mean, and most lie below it.",
            ),
            (
                "at about three times the mean",
                "The skewness is on the other side: a product can be many times its mean, but never below 0, so that "
                "the mean stands above the median.",
            ),
        ),
    ),
    Prediction(
        "6b/half",
        "A ReLU takes half of the mean square of a Gaussian. Our layers are no Gaussians: they have 32 neurons, and "
        "the input may be lopsided, all of it in one component. What does it leave of a layer's output, on average "
        "over the weights?",
        right="exactly a half",
        options=(
            (
                "half in the limit of wide layers only",
                "So it would be if the half came from a Gaussian. At width 32 eight layers already follow the half "
                "to within the intervals.",
            ),
            (
                "less than half for a lopsided input",
                "A random layer turns the input at once: whatever came in, no direction of what goes out is preferred.",
            ),
            (
                "exactly a half",
                "Yes: $W$ and $-W$ are as likely as each other, and what a ReLU cuts off one it keeps of the other.",
            ),
        ),
    ),
    Prediction(
        "6b/price",
        "A gain γ mends what a layer and its ReLU take. Is there a scale σ at which eight such layers keep their "
        "second moment and still guarantee a Lipschitz constant of 2?",
        right="no, at no scale",
        options=(
            (
                "yes, at a large σ",
                "A large σ brings $v$ near 1, and linear layers then need hardly any gain. But the ReLU's half is "
                "left, and no σ reaches it: eight layers at $10/\\sqrt n$ guarantee 25.",
            ),
            (
                "yes, if α is small instead",
                "Only $\\sigma^2/\\alpha$ enters $v$: a small α is a large σ, and the half that ReLU takes remains.",
            ),
            (
                "no, at no scale",
                "Yes: $v < 1$ makes $\\gamma > \\sqrt2$, so that eight layers guarantee no less than $2^4 = 16$.",
            ),
        ),
    ),
    Prediction(
        "6b/back",
        "White noise goes forward through a layer with 64 inputs and 16 outputs, and white noise comes back. How "
        "large is the mean square that arrives at the 64 inputs, beside that of the 16 outputs?",
        right="a quarter",
        options=(
            (
                "the same",
                "So says the list of findings, and for square layers it is so. The sum of squares is the same both "
                "ways; but 64 components share what 16 shared before.",
            ),
            ("four times as much", "Turned round: the same energy is spread over four times as many components."),
            (
                "a quarter",
                "Yes: a matrix and its transpose have the same sum of squares, and the mean is over 64 components, "
                "not 16.",
            ),
            (
                "a sixteenth",
                "One factor of 4 too many: only the number of components changes, and a mean divides by it once.",
            ),
        ),
    ),
    Prediction(
        "6b/deep",
        "Now the gradient at the *first* $W$ of a stack, from $1/\\sqrt n$ to $10/\\sqrt n$. Does it grow or shrink, "
        "in one layer and in sixteen?",
        right="it shrinks in one, and grows in sixteen",
        options=(
            (
                "it shrinks in both",
                "Saturation is there in every layer. But fifteen layers at $1/\\sqrt n$ pass on nearly nothing, and "
                "a large σ opens them: that weighs more.",
            ),
            (
                "it grows in both",
                "In a single layer nothing stands between the loss and $W$, so that only saturation is left.",
            ),
            (
                "it shrinks in one, and grows in sixteen",
                "Yes: it falls to a fifth in one layer, and grows a hundredfold in sixteen.",
            ),
        ),
    ),
    Prediction(
        "6b/alpha",
        "Two layers that no input can tell apart: $\\sigma = 10/\\sqrt n$ at $\\alpha = 1$, and $\\sigma = 1/\\sqrt "
        "n$ at $\\alpha = 0.01$. Each takes one step of gradient descent, same loss, same small rate. How far does "
        "the second move its output, beside the first?",
        right="a hundred times as far",
        options=(
            (
                "as far: it is the same function",
                "It is the same function of $x$, not of $W$: a gradient sees what the weights do, and weights ten "
                "times as small do more.",
            ),
            (
                "ten times as far",
                "Its gradient is ten times as large, true. The step it makes then also counts ten times as much, "
                "beside weights that are ten times as small.",
            ),
            (
                "a hundred times as far",
                "Yes: ten times the gradient, and ten times the effect of a step of the same length.",
            ),
        ),
    ),
    Prediction(
        "6b/digits",
        "Eight layers with ReLU at $1/\\sqrt n$ without gain start with two millionths of the second moment. Adam "
        "trains them on digits, each start at its own best rate. How do they do beside those whose gain keeps all of "
        "it?",
        right="as well, within two points",
        options=(
            ("they learn nothing", "So it is under SGD: 27 % against 95 %. Under Adam they reach 96 %."),
            (
                "ten points worse",
                "Something must be lost, one thinks. The means are 96 % without gain and 94 % with it.",
            ),
            (
                "as well, within two points",
                "Yes: 96 % without gain, 94 % with it. It is SGD with eight layers that needs the gain, and nothing "
                "else.",
            ),
        ),
    ),
    Prediction(
        "6b/higgs",
        "On the collisions of HIGGS, over both optimizers and all depths: how does He's start do beside $10/\\sqrt "
        "n$, neither with a gain?",
        right="ahead by a point, not for certain",
        options=(
            (
                "better, for certain",
                "That is what the abstract says. He is 1.1 points ahead, but the interval holds 0 as soon as it "
                "counts that folds share their training rows.",
            ),
            (
                "worse: it starves the stack",
                "With eight layers of SGD it is, by three to four points. In every other row it is ahead.",
            ),
            ("ahead by a point, not for certain", "Yes: +1.1 points, with an interval from −0.2 to +2.5."),
        ),
    ),
    Prediction(
        "6b/steepest",
        "Eight layers with the gain that keeps their signal guarantee 770, and Adam trains them on digits. How large "
        "is the steepest slope that the trained stack has at any of 400 hidden digits?",
        right="near 60",
        options=(
            (
                "near 770",
                "A layer stretches γ-fold at most in its best directions, and only if its weights are huge. Eight "
                "layers would have to line up their best directions, and no ReLU to be off.",
            ),
            (
                "near 300",
                "That is the product of the layers' own norms, 320. But the direction that one layer stretches most "
                "is not the one that the next does, and half of the neurons are off.",
            ),
            (
                "near 60",
                "Yes, 56: the guarantee is fourteen times that. It speaks of all inputs, and of all weights that "
                "training may reach.",
            ),
            (
                "near 1",
                "At price 1 it is so, 0.7. The gain makes the stack really steeper, only not by as much as it may.",
            ),
        ),
    ),
)
