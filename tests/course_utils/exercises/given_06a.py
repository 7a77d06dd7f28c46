"""Answers to chapter 6a as people write them: wrong ones with words of the sentence each receives, and right ones."""

import functools
import math
from fractions import Fraction

import numpy as np
import torch
from scipy.integrate import quad
from scipy.special import exp1


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


def lost_of_one(n, c):
    """E c/(c + x), x a chi-square with n degrees, by the Laplace integral."""
    return quad(lambda t: c * np.exp(-c * t) * (1 + 2 * t) ** (-n / 2), 0, np.inf, epsabs=1e-12, epsrel=1e-11)[0]


def one(n, ratio):
    return 1 - lost_of_one(n, 1 / ratio)


def one_by_density(n, ratio):
    norm = 2 ** (n / 2) * math.gamma(n / 2)
    top = np.sqrt(n) + 14
    return quad(
        lambda z: 2 * z ** (n - 1) * np.exp(-(z**2) / 2) * ratio * z**2 / (1 + ratio * z**2) / norm,
        0,
        top,
        epsabs=1e-12,
        epsrel=1e-11,
    )[0]


def one_by_steps(n, ratio, step=lambda c, lost, k: c * (1 - lost) / k):
    c = 1 / ratio
    k = 2 - n % 2
    lost = (
        c / 2 * math.exp(c / 2) * exp1(c / 2)
        if k == 2
        else math.sqrt(math.pi * c / 2) * math.exp(c / 2) * math.erfc(math.sqrt(c / 2))
    )
    while k < n:
        lost = step(c, lost, k)
        k += 2
    return 1 - lost


def first_step_only(n, ratio):
    c = 1 / ratio
    lost = math.sqrt(math.pi * c / 2) * math.exp(c / 2) * math.erfc(math.sqrt(c / 2))
    return 1 - lost**n


def two_on_grid(n, ratio, weight=lambda x, y: abs(x - y), power=None, points=900, m=2):
    """A double sum over singular values."""
    z = (np.arange(points) + 0.5) * (np.sqrt(n) + 7) / points
    x = z**2
    w = z ** (2 * (n - 3) / 2 + 1 if power is None else 2 * power + 1) * np.exp(-x / 2)
    joint = w[:, None] * w * weight(x[:, None], x)
    f = ratio * x / (1 + ratio * x)
    return (joint * (f[:, None] + f)).sum() / joint.sum() / m


def two_by_running_sum(n, ratio, sign=-1, parts=2, loss=False):
    h = (np.sqrt(n) + 9) / 20_000
    z = (np.arange(20_000) + 0.5) * h
    x = z**2
    phi = [z ** (n - 2) * np.exp(-x / 2), z**n * np.exp(-x / 2)]
    eps = [g.sum() - 2 * np.cumsum(g) + g for g in phi]
    f = 1 / (1 + ratio * x) if loss else ratio * x / (1 + ratio * x)
    return ((f * phi[0] * eps[1]).sum() + sign * (f * phi[1] * eps[0]).sum()) / (phi[0] * eps[1]).sum() / parts


def two_by_simulation(n, ratio):
    rng = np.random.default_rng(0)
    W = rng.standard_normal((2000, 2, n))
    x = np.linalg.svd(W, compute_uv=False) ** 2
    return (ratio * x / (1 + ratio * x)).mean()


def two_by_theta(n, ratio):
    """In polar coordinates of the two singular values: one integral inside another, both on Gauss nodes."""
    t, h = np.polynomial.legendre.leggauss(60)
    radius, hr = (t + 1) * (np.sqrt(2 * n) + 8) / 2, h * (np.sqrt(2 * n) + 8) / 2
    angle, ha = (t + 1) * np.pi / 8, h * np.pi / 8  # x <= y
    R, A = np.meshgrid(radius, angle, indexing="ij")
    x, y = (R * np.sin(A)) ** 2, (R * np.cos(A)) ** 2
    joint = hr[:, None] * ha * R * (np.sin(A) * np.cos(A)) ** (n - 2) * R ** (2 * n - 4) * (y - x) * np.exp(-(R**2) / 2)
    f = ratio * x / (1 + ratio * x) + ratio * y / (1 + ratio * y)
    return (joint * f).sum() / joint.sum() / 2


def traces(powers, m, n):
    return by_parts(tuple(powers), m, n)


@functools.lru_cache(maxsize=None)
def by_parts(powers, m, n, keep=1, factor=2, least=1, first=True):
    powers = tuple(sorted(powers))
    if not powers or powers[-1] == 0:
        return m ** len(powers)
    rest, k = powers[:-1], powers[-1]
    total = n * by_parts((*rest, k - 1), m, n, keep, factor, least, first)
    total += keep * (k - 1) * by_parts((*rest, k - 1), m, n, keep, factor, least, first)
    if first:
        for j in range(least, k):
            total += by_parts((*rest, j, k - 1 - j), m, n, keep, factor, least, first)
    if factor:
        for i, q in enumerate(rest):
            if q:
                others = rest[:i] + rest[i + 1 :]
                total += factor * q * by_parts((*others, k - 1 + q), m, n, keep, factor, least, first)
    return total


def without_cache(powers, m, n):
    powers = sorted(powers)
    if not powers or powers[-1] == 0:
        return m ** len(powers)
    *rest, k = powers
    total = (n + k - 1) * without_cache([*rest, k - 1], m, n)
    total += sum(without_cache([*rest, j, k - 1 - j], m, n) for j in range(1, k))
    return total + sum(2 * q * without_cache([*rest[:i], *rest[i + 1 :], k - 1 + q], m, n) for i, q in enumerate(rest))


class Traces:
    def __init__(self):
        self.known = {}

    def __call__(self, powers, m, n):
        key = (*sorted(powers), m, n)
        if key not in self.known:
            self.known[key] = by_parts(tuple(powers), m, n)
        return self.known[key]


def rule_from_hankel(mu):
    """a and b by Cholesky of the Hankel matrix, in fractions: pivots D_k and the entries beside them."""
    N = len(mu) // 2
    rows = [[Fraction(mu[i + j]) for j in range(N + 1)] for i in range(N)]
    for k in range(N):
        for i in range(k + 1, N):
            q = rows[i][k] / rows[k][k]
            rows[i] = [x - q * y for x, y in zip(rows[i], rows[k])]
    side = [rows[k][k + 1] / rows[k][k] for k in range(N)]
    a = [side[0], *(side[k] - side[k - 1] for k in range(1, N))]
    b = [rows[k][k] / rows[k - 1][k - 1] for k in range(1, N)]
    return np.array([float(x) for x in a]), np.array([float(x) for x in b])


def rule_by_polynomials(mu):
    """The Stieltjes procedure: coefficients of each polynomial, integrals by moments."""

    def mean(p, q, shift=0):
        return sum(Fraction(x) * y * mu[i + j + shift] for i, x in enumerate(p) for j, y in enumerate(q))

    before, now, a, b = [], [Fraction(1)], [], []
    for k in range(len(mu) // 2):
        a.append(mean(now, now, 1) / mean(now, now))
        if k:
            b.append(mean(now, now) / mean(before, before))
        new = [Fraction(0), *now]
        for i, c in enumerate(now):
            new[i] -= a[-1] * c
        for i, c in enumerate(before):
            new[i] -= b[-1] * c
        before, now = now, new
    return [float(x) for x in a], [float(x) for x in b]


def in_floats(mu, number=float, less=1):
    N = len(mu) // 2
    rows = [[0] * 2 * N, [number(value) for value in mu]]
    a, b = [rows[1][1] / rows[1][0]], []
    for k in range(1, N):
        new = [0] * 2 * N
        for i in range(k, 2 * N - k):
            new[i] = rows[-1][i + 1] - a[-1] * rows[-1][i] - (b[-1] * rows[-2][i] if b else 0)
        b.append(new[k] / rows[-1][k - 1])
        a.append(new[k + 1] / new[k] - less * rows[-1][k] / rows[-1][k - 1])
        rows.append(new)
    return np.array([float(x) for x in a]), np.array([float(x) for x in b])


def changed(of_a=lambda a: a, of_b=lambda b: b):
    def answer(mu):
        a, b = rule_from_hankel(mu)
        return of_a(a), of_b(b)

    return answer


def in_order(labels):
    return lambda: labels


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
    "6.13": (
        (lambda powers, m, n: math.prod(by_parts((k,), m, n) for k in powers), "You have multiplied means."),
        (lambda powers, m, n: by_parts((sum(powers),), m, n), "A product of traces is not the trace of a product:"),
        (lambda powers, m, n: by_parts(powers, n, m), "m and n are swapped:"),
        (lambda powers, m, n: by_parts(powers, m, n, keep=0), "The k − 1 partners that keep the circle are missing:"),
        (lambda powers, m, n: by_parts(powers, m, n, factor=1), "A circle tr S^q has 2q factors to merge with, not q."),
        (lambda powers, m, n: by_parts(powers, m, n, factor=0), "The factors of other circles are missing:"),
        (lambda powers, m, n: by_parts(powers, m, n, least=0), "The cut with j = 0 is the neighbour,"),
        (lambda powers, m, n: by_parts(powers, m, n, first=False), "The partners that cut the circle are missing:"),
        (lambda powers, m, n: float(traces(powers, m, n)), "The answer is a whole number, of the type `int`;"),
        (without_cache, "work that could be done once for all?"),
        (lambda powers, m, n: m * traces(powers, m, n), "Yours is the expected value times `m`, every time."),
        (lambda powers, m, n: (m * n) ** sum(powers), GENERIC),
        (lambda powers, m, n: traces(powers[:1], m, n), GENERIC),
        (
            lambda powers, m, n: np.mean(
                [
                    math.prod(np.trace(np.linalg.matrix_power(W @ W.T, k)) for k in powers)
                    for W in np.random.default_rng(0).standard_normal((50, m, n))
                ]
            ),
            "The answer is a whole number, of the type `int`;",
        ),
    ),
    "6.14": (
        (in_floats, "Your steps are right, and floating point has lost the digits:"),
        (lambda mu: (np.array([mu[1] / mu[0]]), np.array([])), "Expected"),
        (changed(of_b=np.sqrt), "These are the roots √b."),
        (changed(of_b=lambda b: 1 / b), "Yours is one over the expected value, every time."),
        (changed(of_b=lambda b: -b), "b is positive:"),
        (changed(of_a=lambda a: -a), "a has the wrong sign:"),
        (functools.partial(in_floats, number=Fraction, less=0), "In a, from a₁ on, the second quotient is missing:"),
        (changed(of_a=np.cumsum), "Of the 2 values number 2 is right, number 1 is not yet."),
        (changed(lambda a: a[::-1].copy(), lambda b: b[::-1].copy()), "The order is turned round:"),
        (lambda mu: rule_from_hankel(mu)[::-1], "a comes first, with N numbers;"),
        (lambda mu: (rule_from_hankel(mu)[0], np.array([mu[0], *rule_from_hankel(mu)[1]])), "b begins with b₁:"),
        (lambda mu: np.concatenate(rule_from_hankel(mu)), "Expected 2 separate values;"),
        (changed(of_a=lambda a: np.round(a, 3)), "rounded to 3 decimals"),
        (changed(of_b=lambda b: b**2), "Yours is the square of the expected value, every time."),
        (lambda mu: rule_from_hankel([mu[0], *(k * value for k, value in enumerate(mu[1:], 1))]), GENERIC),
    ),
    "6.15": (
        (lambda n, ratio: n * ratio / (1 + n * ratio), "This is the share of the mean."),
        (lambda n, ratio: 1 - one(n, ratio), "This is what is lost, E α/(α + λ)."),
        (lambda n, ratio: one(1, ratio), "This is right for one input only."),
        (lambda n, ratio: one(n, 1 / ratio), "You have taken α/σ² for the ratio."),
        (lambda n, ratio: one(2 * n, ratio), "Each square contributes (1 + 2t)^(−1/2):"),
        (lambda n, ratio: 1 - ratio * lost_of_one(n, 1 / ratio), "You have taken E 1/(c + x) for what is lost."),
        (lambda n, ratio: one(n, ratio / n), "The ratio is σ²/α, not nσ²/α:"),
        (lambda n, ratio: one(1, n * ratio), "You have put n into the size of one square."),
        (lambda n, ratio: n * ratio, "This is the mean of λ/α, as if nothing were lost."),
        (lambda n, ratio: n * ratio - n * (n + 2) * ratio**2, "These are the first two terms of a series"),
        (lambda n, ratio: one(n, ratio**0.5), "The ratio is σ²/α already:"),
        (lambda n, ratio: one(n + 2, ratio), "You have climbed one step of two too far:"),
        (first_step_only, GENERIC),
        (lambda n, ratio: one_by_steps(n, ratio, lambda c, lost, k: c * (1 - lost) / (k + 2)), GENERIC),
        (lambda n, ratio: round(one(n, ratio), 4), "Yours are the right values, rounded to 4 decimals:"),
    ),
    "6.16": (
        (lambda n, ratio: two_by_running_sum(n, ratio, parts=1), "This is the sum over both eigenvalues."),
        (
            lambda n, ratio: two_on_grid(n, ratio, lambda x, y: 1.0 + 0 * x * y),
            "This is the mean under the weight w alone",
        ),
        (one, "This is one row alone."),
        (lambda n, ratio: two_by_running_sum(n, 1 / ratio), "You have taken α/σ² for the ratio."),
        (lambda n, ratio: two_by_running_sum(n, ratio, loss=True), "This is what is lost."),
        (lambda n, ratio: two_by_theta(n + 1, ratio), "The exponent of w is (n − 3)/2 for two outputs: yours is half"),
        (lambda n, ratio: two_by_theta(n + 2, ratio), "The exponent of w is (n − 3)/2 for two outputs: yours is one"),
        (lambda n, ratio: two_on_grid(n, ratio, lambda x, y: (x - y) ** 2), "You have squared the distance,"),
        (lambda n, ratio: one(2 * n, ratio) / 2, "You have put the sum of both eigenvalues into the share."),
        (lambda n, ratio: n * ratio, "This is the mean of tr S σ²/2α, as if nothing were lost."),
        (lambda n, ratio: two_by_running_sum(n, ratio, sign=0), GENERIC),
        (lambda n, ratio: two_by_running_sum(n, ratio, sign=1), GENERIC),
        (lambda n, ratio: two_by_theta(n, ratio**0.5), "The ratio is σ²/α already:"),
        (lambda n, ratio: round(two_by_theta(n, ratio), 2), "Yours are the right values, rounded to 2 decimals:"),
        (two_by_simulation, "as from a simulation or a coarse grid."),
    ),
    "6.17": (
        (in_order("C H A F I D G"), "Line A: the left side has the size of the outputs"),
        (in_order("C H B F I D E G"), "Line E: the mean of an inverse is not the inverse of the mean"),
        (in_order("C H B F I D J"), "Line J: so it is printed in the review"),
        (in_order("C B F I D G"), "Line B is not founded yet: W has to be moved past an inverse"),
        (in_order("C H F I D G"), "Line I is not founded yet: the inverse is still on the side of the inputs."),
        (in_order("C H B I D G"), "Line I is not founded yet: a product of an inverse and S"),
        (in_order("H B F I D G"), "Line I is not founded yet: nothing above it says what the covariance is"),
        (in_order("C H B F I G"), "Line G is not founded yet: Cov[y] has a second part"),
        (in_order("C H B F D G"), "Line G is not founded yet: the trace of which covariance?"),
        (in_order("G C H B F I D"), "Line G is not founded yet:"),
        (in_order("C H B F I D"), "they do not arrive"),
        (in_order("C H B F I D G B"), "Line B stands twice"),
        (in_order("C H B F I D G E"), "Line E:"),
        (in_order("C H X B"), "There is no line X"),
        (in_order(7), "expected the labels in a text"),
    ),
}

RIGHT = {
    "6.1": (
        module(by_cholesky),
        RowByRow,
        module(lambda W, alpha, gamma: -by_cholesky(W, alpha, gamma)),
        module(lambda W, alpha, gamma: gamma * torch.linalg.solve(torch.linalg.cholesky(gram(W, alpha)), W.T).T),
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
    "6.13": (
        traces,
        Traces(),
        lambda powers, m, n: np.int64(by_parts(powers, m, n)),
        lambda powers, m, n: int(by_parts(tuple(reversed(powers)), m, n)),
    ),
    "6.14": (
        rule_from_hankel,
        rule_by_polynomials,
        lambda mu: tuple(np.asarray(part, dtype=object).astype(float) for part in rule_by_polynomials(mu)),
    ),
    "6.15": (one, one_by_density, one_by_steps),
    "6.16": (two_by_running_sum, two_by_theta, lambda n, ratio: two_on_grid(n, ratio, points=1500)),
    "6.17": (
        in_order("C H B F I D G"),
        in_order("H, B, F, C, I, D, G"),
        in_order("D -> F -> H -> B -> C -> I -> G"),
        in_order(["c", "f", "h", "b", "d", "i", "g"]),
    ),
}
