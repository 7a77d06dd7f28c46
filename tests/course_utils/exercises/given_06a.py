"""Answers to chapter 6a as people write them: wrong ones with words of the sentence each receives, and right ones."""

import numpy as np
import torch


def module(matrix):
    """A layer class whose forward pass applies matrix(W, alpha, gamma) to rows."""

    class Layer(torch.nn.Module):
        def __init__(self, n, m, alpha, gamma):
            super().__init__()
            self.alpha, self.gamma = alpha, gamma
            self.W = torch.nn.Parameter(torch.zeros(m, n))

        def forward(self, x):
            return x @ matrix(self.W, self.alpha, self.gamma).T

    return Layer


def gram(W, alpha):
    return alpha * torch.eye(W.shape[1], dtype=W.dtype) + W.T @ W


def by_cholesky(W, alpha, gamma):
    L = torch.linalg.cholesky(gram(W, alpha))
    return gamma * torch.linalg.solve_triangular(L, W.T, upper=False).T


def by_eigh(W, alpha, gamma):
    values, vectors = torch.linalg.eigh(gram(W, alpha))
    return gamma * W @ (vectors / values.sqrt()) @ vectors.T


def by_svd(W, alpha, gamma):
    U, s, V = torch.linalg.svd(W, full_matrices=False)
    return gamma * U @ torch.diag(s / (alpha + s**2).sqrt()) @ V


def half_detached(W, alpha, gamma):
    return by_cholesky(torch.cat([W[:1].detach(), W[1:]]), alpha, gamma)


def root_detached(W, alpha, gamma):
    L = torch.linalg.cholesky(gram(W, alpha)).detach()
    return gamma * torch.linalg.solve_triangular(L, W.T, upper=False).T


def no_grad_root(W, alpha, gamma):
    with torch.no_grad():
        L = torch.linalg.cholesky(gram(W, alpha))
    return gamma * torch.linalg.solve_triangular(L, W.T, upper=False).T


def zero_times_sum(W, alpha, gamma):
    return by_cholesky(W.detach(), alpha, gamma) + 0 * W.sum()


def by_numpy(W, alpha, gamma):
    return torch.tensor(by_cholesky(W.detach(), alpha, gamma).numpy())


def nan_gradient(W, alpha, gamma):
    return by_cholesky(W, alpha, gamma) + 0 * torch.sqrt(W.sum() - W.sum())


class Cached(torch.nn.Module):
    def __init__(self, n, m, alpha, gamma):
        super().__init__()
        self.alpha, self.gamma, self.kept = alpha, gamma, None
        self.W = torch.nn.Parameter(torch.zeros(m, n))

    def forward(self, x):
        if self.kept is None:
            self.kept = by_cholesky(self.W, self.alpha, self.gamma)
        return x @ self.kept.T


class WithExtra(torch.nn.Module):
    def __init__(self, n, m, alpha, gamma):
        super().__init__()
        self.alpha, self.gamma = alpha, gamma
        self.W = torch.nn.Parameter(torch.zeros(m, n))

    def named_parameters(self, *args, **kwargs):
        return iter(())

    def forward(self, x):
        return x @ by_cholesky(self.W.detach(), self.alpha, self.gamma).T


class Relu(torch.nn.Module):
    def __init__(self, n, m, alpha, gamma):
        super().__init__()
        self.alpha, self.gamma = alpha, gamma
        self.W = torch.nn.Parameter(torch.zeros(m, n))

    def forward(self, x):
        return torch.relu(x @ by_cholesky(self.W, self.alpha, self.gamma).T)


class RowByRow(torch.nn.Module):
    def __init__(self, n, m, alpha, gamma):
        super().__init__()
        self.alpha, self.gamma = alpha, gamma
        self.W = torch.nn.Parameter(torch.zeros(m, n))

    def forward(self, x):
        A = gram(self.W, self.alpha)
        L = torch.linalg.cholesky(A)
        return torch.stack([self.gamma * self.W @ torch.linalg.solve(L.T, row) for row in x])


def var(G, m, alpha):
    return float(np.trace(G @ np.linalg.inv(alpha * np.eye(len(G)) + G)) / m)


def from_large(G, m, alpha):
    return var(G, m, alpha) + (m - len(G)) / m


def free(k, pairs):
    row, column = list(range(k)), list(range(k))

    def find(p, x):
        while p[x] != x:
            x = p[x]
        return x

    for a, b in pairs:
        row[find(row, (a + 1) // 2 % k)] = find(row, (b + 1) // 2 % k)
        column[find(column, a // 2)] = find(column, b // 2)
    return sum(row[x] == x for x in range(k)), sum(column[x] == x for x in range(k))


def no_modulo(k, pairs):
    i, j = list(range(k + 1)), list(range(k))
    for a, b in pairs:
        old, new = i[(a + 1) // 2], i[(b + 1) // 2]
        i = [new if x == old else x for x in i]
        old, new = j[a // 2], j[b // 2]
        j = [new if x == old else x for x in j]
    return len(set(i)), len(set(j))


def relabelled_once(k, pairs):
    i, j = list(range(k)), list(range(k))
    for a, b in pairs:
        i[(a + 1) // 2 % k] = i[(b + 1) // 2 % k]
        j[a // 2] = j[b // 2]
    return len(set(i)), len(set(j))


def t_minus_one(k, pairs):
    i, j = list(range(k)), list(range(k))
    for a, b in pairs:
        old, new = i[a // 2 if a % 2 == 0 else (a // 2 - 1) % k], i[b // 2 if b % 2 == 0 else (b // 2 - 1) % k]
        i = [new if x == old else x for x in i]
        old, new = j[a // 2], j[b // 2]
        j = [new if x == old else x for x in j]
    return len(set(i)), len(set(j))


def sums(M, m, ratio):
    return np.array([sum(-((-ratio) ** (k + 1)) * M[k] for k in range(K)) / m for K in range(1, len(M) + 1)])


def bounds(M, m, ratio):
    s = sums(M, m, ratio)
    return max([0.0, *s[1::2]]), min(s[::2])


def exponent_from_zero(M, m, ratio):
    k = np.arange(len(M))
    s = np.cumsum((-1.0) ** k * ratio**k * M) / m
    return max([0.0, *s[1::2]]), min(s[::2])


def rule(a, b, r, m, ratio, share=lambda x: x / (1 + x)):
    J = np.diag(a) + np.diag(np.sqrt(b), 1) + np.diag(np.sqrt(b), -1)
    x, V = np.linalg.eigh(J)
    return float(r / m * sum(V[0, i] ** 2 * share(ratio * x[i]) for i in range(len(a))))


def large(m, n, sigma2, alpha):
    rho, s = m / n, n * sigma2 / alpha
    return min(np.roots([rho * s, -(1 + s + s * rho), s]).real)


def by_fixed_point(m, n, sigma2, alpha, rounds=20_000):
    rho, s = m / n, n * sigma2 / alpha
    low, high = 0.0, min(1.0, 1 / rho)
    for _ in range(200):
        v = (low + high) / 2
        low, high = (v, high) if v < s * (1 - v) * (1 - rho * v) else (low, v)
    return v


GENERIC = None  # no slip is recognised: the sentence says only what kind of answer is not right yet

WRONG = {
    "6.1": (
        (module(lambda W, alpha, gamma: W), "Its largest singular value is 0.5; γ s/√(α + s²) with that"),
        (module(lambda W, alpha, gamma: gamma * W), "Its largest singular value is 0.6; γ s/√(α + s²) with that"),
        (
            module(lambda W, alpha, gamma: gamma * W @ torch.linalg.inv(gram(W, alpha))),
            "Its largest singular value is 1.0909; γ s/√(α + s²) with",
        ),
        (module(lambda W, alpha, gamma: by_cholesky(W, alpha, 1)), "The factor γ is missing."),
        (module(lambda W, alpha, gamma: by_cholesky(W, 1, gamma)), "You have αI with α = 1."),
        (
            module(lambda W, alpha, gamma: by_cholesky(W, alpha, gamma**2)),
            "Its largest singular value is 0.97085; γ s/√(α + s²) with",
        ),
        (
            module(lambda W, alpha, gamma: gamma * W @ torch.linalg.inv(torch.linalg.cholesky(gram(W, alpha)))),
            "This is W L⁻¹, and (L⁻¹)(L⁻¹)ᵀ is the inverse of LᵀL.",
        ),
        (module(lambda W, alpha, gamma: gamma * W @ gram(W, alpha) ** -0.5), "torch's power works entry by entry."),
        (
            module(lambda W, alpha, gamma: gamma * W / torch.linalg.matrix_norm(W, 2)),
            "Its largest singular value is 1.2; γ s/√(α + s²) with that",
        ),
        (module(half_detached), "The values are right, but W gets no gradient from them:"),
        (module(root_detached), "The values are right, and the gradient by W is not: a part"),
        (module(no_grad_root), "The values are right, and the gradient by W is not: a part"),
        (module(zero_times_sum), "The values are right, but W gets no gradient from them:"),
        (module(by_numpy), "The values are right, but W gets no gradient from them:"),
        (module(nan_gradient), "The values are right, and the gradient by W is not finite:"),
        (Cached, "After a step of W the layer still gives what it gave"),
        (WithExtra, "The values are right, but W gets no gradient from them:"),
        (Relu, "The output is not linear in x: no matrix maps these rows to"),
        (module(by_eigh), "The values are right, and the gradient by W is not finite:"),
        (module(by_svd), "The values are right, and the gradient by W is not finite:"),
        (
            module(lambda W, alpha, gamma: by_cholesky(W, alpha, gamma).detach()),
            "The values are right, but W gets no gradient from them:",
        ),
    ),
    "6.2": (
        (
            lambda G, m, alpha: (m - alpha * np.trace(np.linalg.inv(alpha * np.eye(len(G)) + G))) / m,
            "Each of the m − r eigenvalues 0 puts α/(α + 0) = 1 into the trace of",
        ),
        (lambda G, m, alpha: var(G, len(G), alpha), "You have averaged over the r eigenvalues."),
        (lambda G, m, alpha: var(G, 1, alpha), "This is the sum over the outputs."),
        (lambda G, m, alpha: var(G, m, 1), "This is the variance for α = 1."),
        (lambda G, m, alpha: var(G, m, alpha**2), "You have squared α:"),
        (
            lambda G, m, alpha: np.trace(np.linalg.inv(alpha * np.eye(len(G)) + G)) / m,
            "This is the trace of the inverse over m, as it stands in what is lost:",
        ),
        (lambda G, m, alpha: np.trace(G) / (alpha + np.trace(G)) / m, "Each eigenvalue has its own λ/(α + λ)."),
        (lambda G, m, alpha: np.trace(G) / m, "This is the mean square of W's rows."),
        (
            lambda G, m, alpha: np.diag(G @ np.linalg.inv(alpha * np.eye(len(G)) + G)),
            "Of the 3 values return the one that is asked for.",
        ),
        (
            lambda G, m, alpha: np.sum(G / (alpha + G)) / m,
            "A function of a matrix is that function of its eigenvalues, not of",
        ),
        (lambda G, m, alpha: np.sum(G @ np.linalg.inv(alpha * np.eye(len(G)) + G)) / m, "You have added all entries."),
        (
            lambda G, m, alpha: np.trace(G @ np.linalg.inv(np.eye(len(G)) + G / alpha)) / m,
            "Yours is the expected value times `alpha`, every time.",
        ),
        (lambda G, m, alpha: 1 - var(G, m, alpha), "Yours is 1 minus the expected value, every time."),
        (lambda G, m, alpha: np.sqrt(var(G, m, alpha)), "Yours is the square root of the expected value, every time."),
        (lambda G, m, alpha: round(var(G, m, alpha), 3), "Yours are the right values, rounded to 3 decimals:"),
    ),
    "6.3": (
        (lambda k, pairs: (k, k), "These are all indices."),
        (lambda k, pairs: (1, k), GENERIC),
        (lambda k, pairs: free(k, pairs)[::-1], "Rows and columns are swapped:"),
        (lambda k, pairs: sum(free(k, pairs)), "Expected 2 separate values;"),
        (relabelled_once, "Where a pair joins two indices, all that were joined with the first"),
        (t_minus_one, "Factor 2t + 1 has the next row, i_(t+1), not the one before."),
        (
            lambda k, pairs: (free(k, pairs)[0] - 1, free(k, pairs)[1]),
            "The columns are right, and of the rows one is missing:",
        ),
        (
            lambda k, pairs: (k - free(k, pairs)[0], k - free(k, pairs)[1]),
            "You have counted the indices that are lost.",
        ),
        (lambda k, pairs: tuple(map(float, free(k, pairs))), "The answer is a whole number, of the type `int`;"),
        (lambda k, pairs: free(k, pairs)[0], "Expected 2 separate values;"),
        (lambda k, pairs: (len({a // 2 for a, b in pairs}), len({b // 2 for a, b in pairs})), GENERIC),
        (lambda k, pairs: (len(set(pairs[:, 0] // 2)), len(set(pairs[:, 1] // 2))), GENERIC),
        (
            lambda k, pairs: (k + 1 - free(k, pairs)[1], free(k, pairs)[1]),
            "Rows and columns add up to k + 1 only where pairs do not cross.",
        ),
    ),
    "6.4": (
        (
            lambda M, m, ratio: (
                (sums(M, m, ratio)[-1], sums(M, m, ratio)[-2]) if len(M) > 1 else (0.0, sums(M, m, ratio)[0])
            ),
            GENERIC,
        ),
        (
            lambda M, m, ratio: (max(sums(M, m, ratio)[1::2]), min(sums(M, m, ratio)[::2])),
            "Your function stops with an error on this input.",
        ),
        (lambda M, m, ratio: bounds(M, m, ratio)[::-1], "The lower bound comes first:"),
        (lambda M, m, ratio: bounds(M, 1, ratio), "Divide by m:"),
        (lambda M, m, ratio: bounds(M, m, 1 / ratio), "You have taken α/σ² for the ratio."),
        (lambda M, m, ratio: bounds(M, m, 1), "The k-th moment is taken at σ = 1:"),
        (exponent_from_zero, "The powers begin with ratio¹:"),
        (
            lambda M, m, ratio: (max([0.0, *sums(M, m, ratio)[::2]]), min(sums(M, m, ratio)[1::2], default=np.inf)),
            "The sides are swapped:",
        ),
        (lambda M, m, ratio: (min(sums(M, m, ratio)), max(sums(M, m, ratio))), "This is the widest of all enclosures:"),
        (lambda M, m, ratio: sums(M, m, ratio), "Expected 2 separate values;"),
        (lambda M, m, ratio: sums(M, m, ratio)[-1], "Expected 2 separate values;"),
        (lambda M, m, ratio: (0.0, bounds(M, m, ratio)[1]), "The upper bound is right."),
        (lambda M, m, ratio: (bounds(M, m, ratio)[0], sums(M, m, ratio)[0]), "The lower bound is right."),
        (lambda M, m, ratio: bounds(M / np.arange(1, len(M) + 1), m, ratio), GENERIC),
    ),
    "6.5": (
        (lambda a, b, r, m, ratio: rule(a, b**2, r, m, ratio), "Beside the diagonal stand the roots √b."),
        (lambda a, b, r, m, ratio: rule(a, np.sqrt(b), r, m, ratio), "You have taken the root of b twice:"),
        (lambda a, b, r, m, ratio: rule(a, b, 1, 1, ratio), "This is the mean over one eigenvalue."),
        (lambda a, b, r, m, ratio: rule(a, b, r, 1, ratio), "Yours is the expected value times `m`, every time."),
        (lambda a, b, r, m, ratio: rule(a, b, 1, m, ratio), "Yours is the expected value divided by `r`, every time."),
        (lambda a, b, r, m, ratio: rule(a, b, m, r, ratio), "r and m are swapped:"),
        (lambda a, b, r, m, ratio: rule(a, b, r, m, ratio, lambda x: 1 / (1 + x)), "This is what is lost, α/(α + λ)."),
        (
            lambda a, b, r, m, ratio: rule(a, b, r, m, ratio, lambda x: x),
            "This is the mean of σ²λ/α, as if nothing were lost.",
        ),
        (
            lambda a, b, r, m, ratio: rule(a, b, r, m, ratio, lambda x: x / ratio / (1 + x)),
            "Yours is the expected value divided by `ratio`, every time.",
        ),
        (lambda a, b, r, m, ratio: rule(a, b, r, m, 1 / ratio), "You have taken α/σ² for the ratio."),
        (lambda a, b, r, m, ratio: rule(a, 0 * b, r, m, ratio), GENERIC),
        (
            lambda a, b, r, m, ratio: (
                r
                / m
                * np.mean(
                    [
                        x / (1 + x)
                        for x in ratio
                        * np.linalg.eigvalsh(np.diag(a) + np.diag(np.sqrt(b), 1) + np.diag(np.sqrt(b), -1))
                    ]
                )
            ),
            "The nodes do not count alike:",
        ),
        (lambda a, b, r, m, ratio: rule(a, b, r, m, np.sqrt(ratio)), "The ratio is σ²/α already:"),
        (
            lambda a, b, r, m, ratio: round(rule(a, b, r, m, ratio), 4),
            "Yours are the right values, rounded to 4 decimals:",
        ),
    ),
    "6.6": (
        (
            lambda m, n, sigma2, alpha: large(n, m, sigma2, alpha),
            "Either n and m are swapped (ρ = m/n, and s has n, the inputs), or ρ",
        ),
        (lambda m, n, sigma2, alpha: large(m, n, sigma2, 1), "α is missing:"),
        (lambda m, n, sigma2, alpha: large(m, n, sigma2**2, alpha), "sigma2 is σ² already:"),
        (lambda m, n, sigma2, alpha: large(m, n, sigma2 / n, alpha), "The n is missing:"),
        (lambda m, n, sigma2, alpha: large(m, n, np.sqrt(sigma2), alpha), "s has σ², not σ:"),
        (
            lambda m, n, sigma2, alpha: large(1, 1, n * sigma2, alpha),
            "Either ρ is missing, or it was taken for 1, as in a square layer.",
        ),
        (
            lambda m, n, sigma2, alpha: max(
                np.roots([m / n * n * sigma2 / alpha, -(1 + n * sigma2 / alpha * (1 + m / n)), n * sigma2 / alpha]).real
            ),
            "The other root, which exceeds 1:",
        ),
        (lambda m, n, sigma2, alpha: n * sigma2 / (alpha + n * sigma2), "This is right for a single output."),
        (
            lambda m, n, sigma2, alpha: n * sigma2 / alpha,
            "This is s, what the variance would be if no eigenvalue were squeezed.",
        ),
        (
            lambda m, n, sigma2, alpha: (
                (
                    (1 + n * sigma2 / alpha * (1 + m / n))
                    - np.sqrt((1 + n * sigma2 / alpha * (1 + m / n)) ** 2 - 4 * (m / n) * (n * sigma2 / alpha) ** 2)
                )
                / 2
            ),
            "You have divided the difference by 2 alone:",
        ),
        (
            lambda m, n, sigma2, alpha: (
                (
                    (1 + n * sigma2 / alpha * (1 + m / n))
                    - np.sqrt((1 + n * sigma2 / alpha * (1 + m / n)) ** 2 - 4 * (n * sigma2 / alpha) ** 2)
                )
                / (2 * n * sigma2 / alpha)
            ),
            GENERIC,
        ),
        (
            lambda m, n, sigma2, alpha: 1 - large(m, n, sigma2, alpha),
            "Yours is 1 minus the expected value, every time.",
        ),
        (
            lambda m, n, sigma2, alpha: np.sqrt(large(m, n, sigma2, alpha)),
            "Yours is the square root of the expected value, every time.",
        ),
        (
            lambda m, n, sigma2, alpha: m / n * large(m, n, sigma2, alpha),
            "Either n and m are swapped (ρ = m/n, and s has n, the inputs), or ρ",
        ),
    ),
}

RIGHT = {
    "6.1": (
        module(by_cholesky),
        RowByRow,
        module(lambda W, alpha, gamma: -by_cholesky(W, alpha, gamma)),
        module(lambda W, alpha, gamma: gamma * torch.linalg.solve(torch.linalg.cholesky(gram(W, alpha)), W.T).T),
    ),
    "6.2": (
        var,
        lambda G, m, alpha: sum(x / (alpha + x) for x in np.linalg.eigvalsh(G)) / m,
        lambda G, m, alpha: (
            torch.trace(torch.linalg.solve(torch.tensor(alpha * np.eye(len(G)) + G), torch.tensor(G))) / m
        ),
    ),
    "6.3": (
        free,
        no_modulo,
        lambda k, pairs: np.array(free(k, pairs)),
        lambda k, pairs: [int(x) for x in free(k, pairs)],
    ),
    "6.4": (
        bounds,
        lambda M, m, ratio: (np.maximum(0, sums(M, m, ratio)[1::2].max(initial=0)), sums(M, m, ratio)[::2].min()),
        lambda moments, outputs, q: list(bounds(moments, outputs, q)),
    ),
    "6.5": (
        rule,
        lambda a, b, r, m, ratio: (
            r
            / m
            * (
                1
                - np.linalg.inv(np.eye(len(a)) + ratio * (np.diag(a) + np.diag(b**0.5, 1) + np.diag(b**0.5, -1)))[0, 0]
            )
        ),
        lambda diagonal, beside, r, m, q: np.float64(rule(diagonal, beside, r, m, q)),
    ),
    "6.6": (
        large,
        by_fixed_point,
        lambda m, n, sigma2, alpha: (
            2
            * (n * sigma2 / alpha)
            / ((t := 1 + (n + m) * sigma2 / alpha) + (t * t - 4 * m * n * (sigma2 / alpha) ** 2) ** 0.5)
        ),
    ),
}
