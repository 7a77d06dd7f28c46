"""Exercises of Chapter 6, first part: the variance of an LDLT layer."""

import functools
import math
from fractions import Fraction

import numpy as np

from course_utils.exercises import Card, Exercise, Prediction, Written, probes, proof, slips
from course_utils.theory.moments import moments_between


def _weights_and_rows(rng):
    n, m = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    alpha, gamma = round(rng.uniform(0.3, 3), 1), round(rng.uniform(1.2, 3), 1)
    W, rows = np.round(rng.normal(size=(m, n)), 1), np.round(rng.normal(size=(n + 1, n)), 1)
    # Each row also negated: a layer that is not linear, such as one with a ReLU, cannot hide.
    return {"arguments": (n, m, alpha, gamma), "W": W, "x": np.concatenate([rows, -rows])}


def _module(n, m, matrix):
    import torch

    class Layer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.W = torch.nn.Parameter(torch.zeros(m, n))

        def forward(self, x):
            # Or `return -(x @ matrix(self.W).T)`: any root of the inverse.
            return x @ matrix(self.W).T

    return Layer()


def layer(n, m, alpha, gamma):
    import torch

    def matrix(W):
        L = torch.linalg.cholesky(alpha * torch.eye(n) + W.T @ W)
        # Or `return -(gamma * torch.linalg.solve_triangular(L, W.T, upper=False).T)`: any root of the inverse.
        return gamma * torch.linalg.solve_triangular(L, W.T, upper=False).T

    return _module(n, m, matrix)


def _power(n, m, alpha, gamma, power):
    import torch

    def matrix(W):
        values, vectors = torch.linalg.eigh(alpha * torch.eye(n) + W.T @ W)
        return gamma * W @ (vectors * values**power) @ vectors.T

    return _module(n, m, matrix)


def _entry_by_entry(n, m, alpha, gamma):
    import torch

    return _module(n, m, lambda W: gamma * W @ (alpha * torch.eye(n) + W.T @ W) ** -0.5)


def _wrong_triangle(n, m, alpha, gamma):
    import torch

    def matrix(W):
        return gamma * W @ torch.linalg.inv(torch.linalg.cholesky(alpha * torch.eye(n) + W.T @ W))

    return _module(n, m, matrix)


def _is_a_form_of_the_layer(answer, case):
    alpha, gamma = case["arguments"][2:]
    before, after = case["W"], 0.5 * np.roll(case["W"], 1) + 0.3  # the step that the probe takes
    y, gradient, y_after, gradient_after = answer
    if wrong := _values(y, case, before) or _gradient(gradient, before, alpha, gamma):
        return wrong
    if _values(y_after, case, after):
        return "After a step of W the layer still gives what it gave before: compute from self.W at each call."
    return _gradient(gradient_after, after, alpha, gamma)


def _gradient(gradient, W, alpha, gamma):
    if gradient.size != W.size:
        return f"The layer has parameters with {gradient.size} numbers; W alone has {W.size}."
    if not np.isfinite(gradient).all():
        return (
            "The values are right, and the gradient by W is not finite: such a layer cannot be trained. Either a root "
            "was taken of zero, or eigenvectors were differentiated, which divides by differences of eigenvalues: all "
            "are zero at the start W = 0. Cholesky has neither."
        )
    if not gradient.any() and W.any():
        return (
            "The values are right, but W gets no gradient from them: such a layer cannot be trained. Keep the forward "
            "pass in torch, without `detach`, `no_grad` or numpy."
        )
    # Of tr(C M Mᵀ), with M Mᵀ = γ²(I − αR): its differential is γ²α tr(C R (dW Wᵀ + W dWᵀ) R).
    place = np.arange(len(W))
    C = 1 / (1.0 + np.abs(place[:, None] - place))
    R = np.linalg.inv(alpha * np.eye(len(W)) + W @ W.T)
    expected = 2 * gamma**2 * alpha * R @ C @ R @ W
    if np.abs(gradient.reshape(W.shape) - expected).max() > 1e-5 * max(np.abs(expected).max(), 1e-3):
        return (
            "The values are right, and the gradient by W is not: a part of the forward pass hides W, by `detach`, "
            "`no_grad` or a value kept from before; or eigenvectors were differentiated where eigenvalues coincide."
        )
    return None


def _values(y, case, W):
    (n, m, alpha, gamma), x = case["arguments"], case["x"]
    if np.shape(y) != (len(x), m):
        return f"{len(x)} rows gave an output of shape {np.shape(y)}; expected (rows, m) = {(len(x), m)}."
    if not np.isfinite(y).all():
        return "The output is not finite."
    M = np.linalg.lstsq(x, y)[0].T
    if np.abs(x @ M.T - y).max() > 1e-5 * max(gamma, np.abs(y).max()):
        return "The output is not linear in x: no matrix maps these rows to it."
    expected = gamma**2 * W @ np.linalg.inv(alpha * np.eye(n) + W.T @ W) @ W.T
    if np.abs(M @ M.T - expected).max() <= 1e-5 * gamma**2:
        return None
    if W.any() and not y.any():
        return "The output is zero: was the matrix computed in __init__, where W was still zero?"
    found, largest = np.linalg.norm(M, 2), np.sqrt(np.linalg.norm(expected, 2))
    if abs(found - largest) <= 1e-5 * gamma:
        return (
            "The singular values are right, and M Mᵀ is another matrix: Cholesky's root stands beside W on the side of "
            "the inputs, W L⁻ᵀ with LLᵀ = αI + WᵀW. A triangular root of αI + WWᵀ on the left does not give it."
        )
    return f"Its largest singular value is {found:.5g}; γ s/√(α + s²) with that of W is {largest:.5g}."


exercise_1 = Exercise(
    *Card("6.1", "the layer in torch", points=5, difficulty=3, minutes=10),
    cases=_weights_and_rows,
    allows=lambda x, **_: np.linalg.matrix_rank(x) == x.shape[1],  # or no rows could tell two matrices apart
    reference=layer,
    probe=probes.trainable_output,
    rtol=1e-6,  # of the misconceptions: torch.eye(n) alone rounds α to single precision
    atol=1e-6,
    property=_is_a_form_of_the_layer,
    misconceptions=slips(
        lambda n, m, alpha, gamma: _power(n, m, alpha, gamma, -1),
        "You have applied the inverse. The layer takes its square root, (αI + WᵀW)^(−1/2).",
        lambda n, m, alpha, gamma: _power(n, m, alpha, gamma, 0.5),
        "This multiplies by the root: large singular values have to be divided by it.",
        lambda n, m, alpha, gamma: layer(n, m, alpha, 1),
        "The factor γ is missing.",
        lambda n, m, alpha, gamma: layer(n, m, 1, gamma),
        "You have αI with α = 1. Use the α that is given.",
        lambda n, m, alpha, gamma: layer(n, m, alpha**2, gamma),
        "You have squared α: the matrix is αI + WᵀW.",
        _wrong_triangle,
        "This is W L⁻¹, and (L⁻¹)(L⁻¹)ᵀ is the inverse of LᵀL. The inverse of LLᵀ needs W L⁻ᵀ.",
        _entry_by_entry,
        "torch's power works entry by entry. The power of a matrix is the power of its eigenvalues.",
    ),
    after="Whether by eigenvalues or by Cholesky, the singular values are the same, and all are below γ.",
)


def _one_row(rng):
    return {"n": int(rng.integers(1, 11)), "ratio": round(rng.uniform(0.05, 4), 2)}


def one_row(n, ratio):
    c = 1 / ratio
    if n % 2:
        lost = math.sqrt(math.pi * c / 2) * math.exp(c / 2) * math.erfc(math.sqrt(c / 2))
    else:
        lost = c / 2 * _exp1_scaled(c / 2)
    for p in range(2 - n % 2, n, 2):
        lost = c * (1 - lost) / p
    return 1 - lost


def _exp1_scaled(x):
    from scipy.special import exp1

    return math.exp(x) * exp1(x)


exercise_15 = Exercise(
    *Card("6.15", "build A, stage 1: one output in closed form", points=4, difficulty=3, minutes=8),
    kind="build",
    cases=_one_row,
    reference=one_row,
    rtol=1e-7,
    edge_cases=({"n": 1, "ratio": 1.0}, {"n": 2, "ratio": 0.5}, {"n": 3, "ratio": 1.0}),
    misconceptions=slips(
        lambda n, ratio: n * ratio / (1 + n * ratio),
        "This is the share of the mean. Asked is the mean of the share, which is less: the function bends down.",
        lambda n, ratio: 1 - one_row(n, ratio),
        "This is what is lost, E α/(α + λ). The variance is what is left.",
        lambda n, ratio: one_row(1, ratio),
        "This is right for one input only. With n of them λ is σ² times a sum of n squares.",
        lambda n, ratio: one_row(n, 1 / ratio),
        "You have taken α/σ² for the ratio. It is σ²/α, as it is given.",
        lambda n, ratio: one_row(2 * n, ratio),
        "Each square contributes (1 + 2t)^(−1/2): the n of them (1 + 2t)^(−n/2), with the half.",
        lambda n, ratio: 1 - ratio * (1 - one_row(n, ratio)),
        "You have taken E 1/(c + x) for what is lost. It is c times that, with c = α/σ².",
        lambda n, ratio: one_row(n, math.sqrt(ratio)),
        "The ratio is σ²/α already: no root of it is taken.",
        lambda n, ratio: _mean_share(n, ratio / n),
        "The ratio is σ²/α, not nσ²/α: do not divide it by n.",
        lambda n, ratio: n * ratio,
        "This is the mean of λ/α, as if nothing were lost.",
        lambda n, ratio: n * ratio - n * (n + 2) * ratio**2,
        "These are the first two terms of a series that diverges. The integral over t is exact.",
        lambda n, ratio: one_row(1, n * ratio),
        "You have put n into the size of one square. A sum of n squares fluctuates less than n times one square.",
        lambda n, ratio: one_row(n + 2, ratio),
        "You have climbed one step of two too far: n = 1 and n = 2 need none.",
    ),
    after="One eigenvalue, one integral: nothing diverges as long as nothing is expanded.",
)


def _mean_share(n, ratio):
    """one_row where the closed form would lose digits: by the density of √x."""
    z, h = np.polynomial.legendre.leggauss(200)
    end = math.sqrt(n) + 12
    z, h = end / 2 * (z + 1), end / 2 * h
    weights = h * z ** (n - 1) * np.exp(-(z**2) / 2)
    return np.sum(weights * ratio * z**2 / (1 + ratio * z**2)) / np.sum(weights)


def _two_rows(rng):
    return {"n": int(rng.integers(2, 9)), "ratio": round(rng.uniform(0.05, 4), 2)}


def _nodes():
    """x and dx of a quadrature over eigenvalues, in the singular value √x, in which no integrand is singular."""
    z, h = np.polynomial.legendre.leggauss(80)
    end = 15  # where e^(−x/2) has ended, for 8 inputs and fewer
    z, h = end / 2 * (z + 1), end / 2 * h
    return z**2, 2 * z * h


_X, _DX = _nodes()


def two_rows(n, ratio):
    from scipy.special import gamma, gammainc

    def phi(j, x):
        # Or `return -(x ** (j - 1 + (n - 3) / 2) * np.exp(-x / 2))`: likewise.
        return x ** (j - 1 + (n - 3) / 2) * np.exp(-x / 2)

    def epsilon(j, x):
        a = j + (n - 3) / 2
        # Or `return -(2 ** a * gamma(a) * (1 - 2 * gammainc(a, x / 2)))`: a sign is in numerator and denominator.
        return 2**a * gamma(a) * (1 - 2 * gammainc(a, x / 2))

    def integral(f, j, k):
        # Or `return -np.sum(_DX * f * phi(j, _X) * epsilon(k, _X))`: a sign is in numerator and denominator.
        return np.sum(_DX * f * phi(j, _X) * epsilon(k, _X))

    share = ratio * _X / (1 + ratio * _X)
    return (integral(share, 1, 2) - integral(share, 2, 1)) / integral(1, 1, 2) / 2


def _two_by_grid(n, ratio, weight, of=lambda x, y: x + y):
    """With another joint weight of x and y: a mean over a grid."""
    s = (np.arange(600) + 0.5) * (math.sqrt(n) + 7) / 600
    x, y = s[:, None] ** 2, s[None, :] ** 2
    w = (s[:, None] * s[None, :]) ** (n - 2) * np.exp(-(x + y) / 2) * weight(x, y)
    return np.sum(w * of(ratio * x / (1 + ratio * x), ratio * y / (1 + ratio * y))) / np.sum(w) / 2


exercise_16 = Exercise(
    *Card("6.16", "build A, stage 2: two outputs", points=5, difficulty=4, minutes=10),
    kind="build",
    cases=_two_rows,
    reference=two_rows,
    rtol=1e-4,
    edge_cases=({"n": 2, "ratio": 1.0}, {"n": 3, "ratio": 1.0}),
    misconceptions=slips(
        lambda n, ratio: 2 * two_rows(n, ratio),
        "This is the sum over both eigenvalues. The variance is the average over the m = 2 outputs.",
        lambda n, ratio: one_row(n - 1, ratio),
        "This is the mean under the weight w alone, as if the eigenvalues did not repel: the factor y − x is missing.",
        one_row,
        "This is one row alone. Two rows overlap, and share what the inputs have.",
        lambda n, ratio: two_rows(n, 1 / ratio),
        "You have taken α/σ² for the ratio. It is σ²/α, as it is given.",
        lambda n, ratio: 1 - two_rows(n, ratio),
        "This is what is lost. The variance is what is left.",
        lambda n, ratio: two_rows(n + 1, ratio),
        "The exponent of w is (n − 3)/2 for two outputs: yours is half too large.",
        lambda n, ratio: two_rows(n + 2, ratio),
        "The exponent of w is (n − 3)/2 for two outputs: yours is one too large. Is φ₁ = w, without an x?",
        lambda n, ratio: _two_by_grid(n, ratio, lambda x, y: (x - y) ** 2),
        "You have squared the distance, which belongs to complex weights: here it is |x − y| itself.",
        lambda n, ratio: one_row(2 * n, ratio) / 2,
        "You have put the sum of both eigenvalues into the share. Each has its own.",
        lambda n, ratio: two_rows(n, math.sqrt(ratio)),
        "The ratio is σ²/α already: no root of it is taken.",
        lambda n, ratio: n * ratio,
        "This is the mean of tr S σ²/2α, as if nothing were lost.",
        lambda n, ratio: _two_by_grid(n, ratio, lambda x, y: abs(x - y), lambda f, g: 2 * np.maximum(f, g)),
        "This is the larger eigenvalue alone, taken twice.",
    ),
    after="Two functions φ, one number A₁₂: for r eigenvalues it becomes a matrix, and nothing else changes.",
)


def _random_pairing(rng):
    k = int(rng.integers(1, 5))
    return {"k": k, "pairs": rng.permutation(2 * k).reshape(k, 2)}


def _far_ones_first(shift):
    """Neighbours on the circle, in an order in which renaming from pair to pair takes four rounds to end."""
    t = np.array([3, 4, 2, 5, 1, 6, 0, 7])
    return {"k": 8, "pairs": np.stack([(2 * t + shift) % 16, (2 * t + shift + 1) % 16], axis=1)}


def free_indices(k, pairs):
    i = j = range(k)
    for a, b in pairs:
        i = _joined(i, (a + 1) // 2 % k, (b + 1) // 2 % k)
        j = _joined(j, a // 2, b // 2)
    return len(set(i)), len(set(j))


def _joined(names, one, other):
    old, new = names[one], names[other]
    return [new if name == old else name for name in names]


def _overwritten(k, pairs):
    i, j = list(range(k)), list(range(k))
    for a, b in pairs:
        i[(b + 1) // 2 % k] = i[(a + 1) // 2 % k]
        j[b // 2] = j[a // 2]
    return len(set(i)), len(set(j))


def _both(k, pairs):
    i, j = list(range(k)), list(range(k))
    for a, b in pairs:
        i, j = _joined(i, a // 2, b // 2), _joined(j, a // 2, b // 2)
    return len(set(i)), len(set(j))


def _renamed_once(k, pairs):
    i, j = list(range(k)), list(range(k))
    for a, b in pairs:
        i[(a + 1) // 2 % k] = i[(b + 1) // 2 % k]
        j[a // 2] = j[b // 2]
    return len(set(i)), len(set(j))


def _previous_row(k, pairs):
    i = j = range(k)
    for a, b in pairs:
        i = _joined(i, a // 2 if a % 2 == 0 else (a // 2 - 1) % k, b // 2 if b % 2 == 0 else (b // 2 - 1) % k)
        j = _joined(j, a // 2, b // 2)
    return len(set(i)), len(set(j))


exercise_3 = Exercise(
    *Card("6.3", "build B, stage 1: what one pairing contributes", points=5, difficulty=3, minutes=10),
    kind="build",
    cases=_random_pairing,
    whole=True,
    reference=free_indices,
    edge_cases=(
        {"k": 1, "pairs": np.array([[0, 1]])},
        {"k": 2, "pairs": np.array([[0, 1], [2, 3]])},
        {"k": 2, "pairs": np.array([[0, 2], [1, 3]])},
        {"k": 2, "pairs": np.array([[0, 3], [1, 2]])},
        {"k": 4, "pairs": np.array([[0, 4], [1, 6], [2, 7], [3, 5]])},
        _far_ones_first(0),
        _far_ones_first(1),
    ),
    misconceptions=slips(
        lambda k, pairs: free_indices(k, pairs)[::-1],
        "Rows and columns are swapped: i counts rows of W, j columns.",
        _both,
        "Factor 2t + 1 has the column of factor 2t, but the next row: i_(t+1), not i_t.",
        _overwritten,
        "Two indices that were joined before must both move when one of them is joined again.",
        lambda k, pairs: (k, k),
        "These are all indices. Each pair identifies two rows and two columns: count what is left.",
        _renamed_once,
        "Where a pair joins two indices, all that were joined with the first before take the new name, not it alone.",
        _previous_row,
        "Factor 2t + 1 has the next row, i_(t+1), not the one before.",
        lambda k, pairs: tuple(k - left for left in free_indices(k, pairs)),
        "You have counted the indices that are lost. Asked is how many are left.",
        lambda k, pairs: (free_indices(k, pairs)[0] - 1, free_indices(k, pairs)[1]),
        "The columns are right, and of the rows one is missing: i_k is i_0, and counts as one.",
        lambda k, pairs: (k + 1 - free_indices(k, pairs)[1], free_indices(k, pairs)[1]),
        "Rows and columns add up to k + 1 only where pairs do not cross. Count the rows themselves.",
    ),
    after="Pairings with rows + columns = k + 1 can be drawn without crossings: they alone survive in large layers.",
)


def _some_traces(rng):
    powers = rng.integers(0, 4, size=int(rng.integers(1, 4)))
    m, n = (int(size) for size in rng.integers(1, 6, size=2))
    return {"powers": tuple(int(k) for k in powers), "m": m, "n": n}


def mean_traces(powers, m, n):
    known = {}

    def mean(powers):
        powers = tuple(sorted(powers, reverse=True))
        if powers not in known:
            known[powers] = paired(powers)
        return known[powers]

    def paired(powers):
        if not any(powers):
            return m ** len(powers)
        k, rest = powers[0], powers[1:]
        cut = sum(mean((j, k - 1 - j, *rest)) for j in range(1, k))
        merged = sum(2 * q * mean((k + q - 1, *rest[:i], *rest[i + 1 :])) for i, q in enumerate(rest))
        return (n + k - 1) * mean((k - 1, *rest)) + cut + merged

    return mean(powers)


def _by_parts(neighbour=lambda k, m, n: n + k - 1, from_j=1, merge=2, empty=lambda m, n: m, cuts=True):
    """The recursion with one of its parts changed."""

    def answer(powers, m, n):
        @functools.cache
        def ordered(powers):
            if not any(powers):
                return empty(m, n) ** len(powers)
            k, rest = powers[0], powers[1:]
            cut = cuts * sum(mean((j, k - 1 - j, *rest)) for j in range(from_j, k))
            merged = sum(merge * q * mean((k + q - 1, *rest[:i], *rest[i + 1 :])) for i, q in enumerate(rest) if merge)
            return neighbour(k, m, n) * mean((k - 1, *rest)) + cut + merged

        def mean(powers):
            return ordered(tuple(sorted(powers, reverse=True)))

        return mean(powers)

    return answer


def _product_of_means(powers, m, n):
    return math.prod(mean_traces((k,), m, n) for k in powers)


exercise_13 = Exercise(
    *Card("6.13", "build B, stage 2: every moment by a recursion", points=5, difficulty=4, minutes=10),
    kind="build",
    cases=_some_traces,
    reference=mean_traces,
    whole=True,
    edge_cases=(
        {"powers": (1,), "m": 2, "n": 3},
        {"powers": (2,), "m": 2, "n": 3},
        {"powers": (1, 1), "m": 2, "n": 3},
        {"powers": (3, 2, 1), "m": 2, "n": 1},
        {"powers": (1, 3), "m": 1, "n": 2},
        {"powers": (2, 0), "m": 2, "n": 3},
        {"powers": (10,), "m": 3, "n": 2},
    ),
    size=lambda case: sum(case["powers"]) + len(case["powers"]) + case["m"] / 10 + case["n"] / 100,
    misconceptions=slips(
        _product_of_means,
        "You have multiplied means. All traces are of the same S, and fluctuate together: that is what merging counts.",
        _by_parts(merge=0),
        "The factors of other circles are missing: each tr S^q offers 2q partners, and the two circles merge.",
        _by_parts(merge=1),
        "A circle tr S^q has 2q factors to merge with, not q.",
        _by_parts(neighbour=lambda k, m, n: n),
        "The k − 1 partners that keep the circle are missing: n + k − 1 times the next lower trace.",
        _by_parts(neighbour=lambda k, m, n: n + k),
        "Of the 2k factors one is the first itself: k − 1 others keep the circle, not k.",
        _by_parts(neighbour=lambda k, m, n: m + k - 1),
        "The neighbour of the first factor shares its column, which stays free: it leaves n, not m.",
        _by_parts(from_j=0),
        "The cut with j = 0 is the neighbour, which n counts already: j runs from 1.",
        _by_parts(empty=lambda m, n: n),
        "tr S⁰ is the trace of the m × m identity: m, not n.",
        _by_parts(empty=lambda m, n: 1),
        "tr S⁰ is the trace of the m × m identity: m, not 1.",
        _by_parts(cuts=False),
        "The partners that cut the circle are missing: the sum over j of tr S^j tr S^(k−1−j).",
        lambda powers, m, n: mean_traces((sum(powers),), m, n),
        "A product of traces is not the trace of a product: the circles stay apart until a pair merges them.",
        lambda powers, m, n: mean_traces(powers, n, m),
        "m and n are swapped: it shows where a tr S⁰ = m is left.",
    ),
    after="The tenth moment has 654 729 075 pairings, and your recursion meets 193 products on its way to it.",
)


def _true_moments(rng):
    N = int(rng.integers(1, 6))
    r = N + int(rng.integers(0, 3))
    p = r + int(rng.integers(0, 4))
    return {"mu": [r, *moments_between(r, p, 1, 2 * N - 1)]}


def recurrence(mu):
    # Or `before, row = [1] * len(mu), [Fraction(value) for value in mu]`: there is no b₀.
    # Or `before, row = [-1] * len(mu), [Fraction(value) for value in mu]`: likewise.
    before, row = [0] * len(mu), [Fraction(value) for value in mu]
    a, b = [row[1] / row[0]], []
    for _ in range(len(mu) // 2 - 1):
        # Or `last = b[-1] if b else 1`: it multiplies zeros.
        # Or `last = b[-1] if b else -1`: likewise.
        last = b[-1] if b else 0
        new = [row[i + 1] - a[-1] * row[i] - last * before[i] for i in range(1, len(row) - 1)]
        b.append(new[0] / row[0])
        a.append(new[1] / new[0] - row[1] / row[0])
        before, row = row[1:], new
    return np.array([float(value) for value in a]), np.array([float(value) for value in b])


def _chebyshev(mu, next_a=lambda new, row: new[1] / new[0] - row[1] / row[0], next_b=None, use_b=True, exact=Fraction):
    before, row = [0] * len(mu), [exact(value) for value in mu]
    a, b = [row[1] / row[0]], []
    for _ in range(len(mu) // 2 - 1):
        last = b[-1] if b and use_b else 0
        new = [row[i + 1] - a[-1] * row[i] - last * before[i] for i in range(1, len(row) - 1)]
        b.append(next_b(new, row) if next_b else new[0] / row[0])
        a.append(next_a(new, row))
        before, row = row[1:], new
    return np.array([float(value) for value in a]), np.array([float(value) for value in b])


exercise_14 = Exercise(
    *Card("6.14", "build B, stage 3: a recurrence from moments", points=5, difficulty=4, minutes=10),
    kind="build",
    cases=_true_moments,
    reference=recurrence,
    edge_cases=({"mu": [2, 4]}, {"mu": [2, 4, 10, 28]}, {"mu": [9, *moments_between(9, 9, 1, 21)]}),
    size=lambda case: len(case["mu"]) + math.log(case["mu"][-1]),
    misconceptions=slips(
        lambda mu: _chebyshev(mu, next_a=lambda new, row: new[1] / new[0]),
        "In a, from a₁ on, the second quotient is missing: b_k σ(k−1, k) is not zero in the second equation.",
        lambda mu: _chebyshev(mu, exact=float),
        "Your steps are right, and floating point has lost the digits: make a `Fraction` of each moment first.",
        lambda mu: _chebyshev(mu, use_b=False),
        "From the second step on the rows need all three terms: b_k σ(k−1, l) is missing.",
        lambda mu: _chebyshev(mu, next_b=lambda new, row: row[0] / new[0]),
        "Each b is upside down: the newer row's first number stands above the older one's.",
        lambda mu: (recurrence(mu)[0], np.sqrt(recurrence(mu)[1])),
        "These are the roots √b. The recurrence has b itself, and the next stage takes the roots.",
        lambda mu: (recurrence(mu)[0], np.array([mu[0], *recurrence(mu)[1]], dtype=float)),
        "b begins with b₁: the mass μ₀ is not one of the N − 1 numbers.",
        lambda mu: _chebyshev(mu, next_a=lambda new, row: row[1] / row[0] - new[1] / new[0]),
        "In a, from a₁ on, the sign is turned round: the newer row's quotient minus the older one's.",
        lambda mu: (recurrence(mu)[0][::-1].copy(), recurrence(mu)[1][::-1].copy()),
        "The order is turned round: a₀ comes first.",
        lambda mu: (recurrence(mu)[0], -recurrence(mu)[1]),
        "b is positive: in the rule for π_(k+1) it stands with a minus already.",
        lambda mu: _chebyshev(mu, next_a=lambda new, row: new[1] / new[0] + row[1] / row[0]),
        "In a, from a₁ on, the second quotient is taken away, not added.",
        lambda mu: (-recurrence(mu)[0], recurrence(mu)[1]),
        "a has the wrong sign: in the rule for π_(k+1) it stands with a minus already.",
        lambda mu: recurrence(mu)[::-1],
        "a comes first, with N numbers; then b, with N − 1.",
    ),
    after="In floating point a digit is lost with every moment; fractions lose none.",
)


def _some_moments(rng):
    r, p = sorted(int(k) for k in rng.integers(1, 7, size=2))
    K = int(rng.integers(3, 8))
    samples = rng.chisquare(p, size=(50, r))  # positive numbers with the growth of true moments
    M = np.array([float(f"{(samples**k).sum(axis=1).mean():.4g}") for k in range(1, K + 1)])
    return {"M": M, "m": int(rng.choice([r, p])), "ratio": float(f"{rng.uniform(0.2, 0.6) / p:.2g}")}


def series_bounds(M, m, ratio):
    k = np.arange(1, len(M) + 1)
    sums = np.cumsum(-((-ratio) ** k) * M) / m
    return sums[1::2].max(initial=0), sums[::2].min()


def _sums(M, m, ratio, shift=1):
    k = np.arange(1, len(M) + 1)
    return np.cumsum((-1.0) ** (k + shift) * ratio**k * M) / m


def _ends(sums):
    return sums.min(), sums.max()


def _other_sign(M, m, ratio):
    sums = _sums(M, m, ratio, shift=0)
    return sums[1::2].max(initial=0), sums[::2].min()


def _single_terms(M, m, ratio):
    k = np.arange(1, len(M) + 1)
    terms = -((-ratio) ** k) * M / m
    return terms[1::2].max(initial=0), terms[::2].min()


def _even_and_odd_swapped(M, m, ratio):
    sums = _sums(M, m, ratio)
    return sums[::2].max(initial=0), sums[1::2].min(initial=np.inf)


exercise_4 = Exercise(
    *Card("6.4", "what a diverging series still says", points=4, difficulty=2, minutes=8),
    cases=_some_moments,
    reference=series_bounds,
    edge_cases=(
        {"M": np.array([12.0]), "m": 3, "ratio": 0.1},
        {"M": np.array([1.0, 50.0]), "m": 1, "ratio": 0.4},  # the only lower sum is below 0
    ),
    misconceptions=slips(
        lambda M, m, ratio: _ends(_sums(M, m, ratio)[-2:]),
        "The last two sums do enclose the variance, but earlier ones may do so more tightly.",
        lambda M, m, ratio: _ends(_sums(M, m, ratio)),
        "This is the widest of all enclosures: take the largest lower and the smallest upper one.",
        _other_sign,
        "The signs are turned round: the first term, with k = 1, is positive.",
        lambda M, m, ratio: series_bounds(M, m, ratio)[::-1],
        "The lower bound comes first: yours are in the other order.",
        _even_and_odd_swapped,
        "The sides are swapped: sums of one, three, five, ... terms are too large, the others too small.",
        lambda M, m, ratio: series_bounds(M, m, 1),
        "The k-th moment is taken at σ = 1: it needs the factor (σ²/α)^k, `ratio**k`.",
        lambda M, m, ratio: series_bounds(ratio * M, m, 1),
        "Each moment needs its own power of the ratio, `ratio**k`, not the ratio itself.",
        lambda M, m, ratio: series_bounds(M, 1, ratio),
        "Divide by m: the variance is an average over the outputs.",
        _single_terms,
        "These are single terms. The sums of the first one, two, three, ... enclose.",
        lambda M, m, ratio: tuple([0.0, *_sums(M, m, ratio)][-2:] if len(M) % 2 else _sums(M, m, ratio)[:-3:-1]),
        "The last two sums do enclose the variance, in the right order. Earlier ones may do so more tightly.",
        lambda M, m, ratio: series_bounds(M, m, 1 / ratio),
        "You have taken α/σ² for the ratio. It is σ²/α, as it is given.",
        lambda M, m, ratio: series_bounds(M / ratio, m, ratio),
        "The powers begin with ratio¹: the k-th moment has ratio**k, and k begins with 1.",
        lambda M, m, ratio: (0.0, series_bounds(M, m, ratio)[1]),
        "The upper bound is right. Sums of two, four, ... terms are lower bounds, and may be better than 0.",
        lambda M, m, ratio: (max(_sums(M, m, ratio)[1::2], default=0.0), series_bounds(M, m, ratio)[1]),
        "A lower bound below 0 says less than 0 itself, which holds for any variance: take the larger one.",
        lambda M, m, ratio: (max(0.0, *_sums(M, m, ratio)[1:2]) if len(M) > 1 else 0.0, _sums(M, m, ratio)[0]),
        "These are the first two sums. Later ones may enclose more tightly.",
        lambda M, m, ratio: (series_bounds(M, m, ratio)[0], _sums(M, m, ratio)[0]),
        "The lower bound is right. For the upper one look at the sums of three, five, ... terms as well.",
    ),
    after="Where the series stops being useful, its moments are not used up: read on.",
)


def _a_rule(rng):
    N = int(rng.integers(2, 5))
    p = N + int(rng.integers(1, 5))
    diagonal = np.round(np.cumsum(rng.uniform(1, 4, size=N)) + p, 1)
    return {
        "a": diagonal,
        "b": np.round(rng.uniform(0.5, 4, size=N - 1), 1),
        "r": N,
        "m": int(rng.choice([N, p])),
        "ratio": round(rng.uniform(0.05, 1), 2),
    }


def gauss_bound(a, b, r, m, ratio):
    root = np.sqrt(b)
    # Or `x, V = np.linalg.eigh(np.diag(a) - np.diag(root, 1) + np.diag(root, -1))`: eigh reads the lower triangle.
    # Or `x, V = np.linalg.eigh(np.diag(a) + np.diag(root, -1))`: eigh reads the lower triangle.
    # Or `x, V = np.linalg.eigh(np.diag(a) + np.diag(root, 1) - np.diag(root, -1))`: the signs of √b do not matter.
    x, V = np.linalg.eigh(np.diag(a) + np.diag(root, 1) + np.diag(root, -1))
    return r / m * np.sum(V[0] ** 2 * ratio * x / (1 + ratio * x))


def _quadrature(a, b, share, weights=lambda V: V[0] ** 2, root=np.sqrt):
    x, V = np.linalg.eigh(np.diag(a) + np.diag(root(b), 1) + np.diag(root(b), -1))
    return np.sum(weights(V) * share(x))


exercise_5 = Exercise(
    *Card("6.5", "build B, stage 4: nodes, weights and a bound", points=4, difficulty=3, minutes=8),
    kind="build",
    cases=_a_rule,
    reference=gauss_bound,
    edge_cases=({"a": np.array([4.0]), "b": np.array([]), "r": 3, "m": 5, "ratio": 0.4},),
    misconceptions=slips(
        lambda a, b, r, m, ratio: r / m * _quadrature(a, b, lambda x: ratio * x / (1 + ratio * x), root=lambda b: b),
        "Beside the diagonal stand the roots √b.",
        lambda a, b, r, m, ratio: gauss_bound(a, np.sqrt(b), r, m, ratio),
        "You have taken the root of b twice: beside the diagonal stands √b.",
        lambda a, b, r, m, ratio: (
            r / m * _quadrature(a, b, lambda x: ratio * x / (1 + ratio * x), weights=lambda V: V[0])
        ),
        "The weights are the squares of the first components: they have to add up to 1.",
        lambda a, b, r, m, ratio: (
            r / m * _quadrature(a, b, lambda x: ratio * x / (1 + ratio * x), weights=lambda V: V[:, 0] ** 2)
        ),
        "eigh returns eigenvectors as columns: their first components are the first row, V[0].",
        lambda a, b, r, m, ratio: _quadrature(a, b, lambda x: ratio * x / (1 + ratio * x)),
        "This is the mean over one eigenvalue. There are r of them, shared by m outputs.",
        lambda a, b, r, m, ratio: r / m * _quadrature(a, b, lambda x: 1 / (1 + ratio * x)),
        "This is what is lost, α/(α + λ). The variance is the mean of λ/(α + λ).",
        lambda a, b, r, m, ratio: r / m * np.mean(ratio * a / (1 + ratio * a)),
        "The nodes are the eigenvalues of the whole tridiagonal matrix, not its diagonal.",
        lambda a, b, r, m, ratio: gauss_bound(a, b, m, r, ratio),
        "r and m are swapped: r eigenvalues, shared by m outputs.",
        lambda a, b, r, m, ratio: r / m * _quadrature(a, b, lambda x: ratio * x),
        "This is the mean of σ²λ/α, as if nothing were lost. The share of an eigenvalue is σ²x/(α + σ²x).",
        lambda a, b, r, m, ratio: gauss_bound(a, b, r, m, 1 / ratio),
        "You have taken α/σ² for the ratio. It is σ²/α, as it is given.",
        lambda a, b, r, m, ratio: (
            r
            / m
            * _quadrature(a, b, lambda x: ratio * x / (1 + ratio * x), weights=lambda V: np.full(len(V), 1 / len(V)))
        ),
        "The nodes do not count alike: the weights are the squares of the first components, V[0]**2.",
        lambda a, b, r, m, ratio: gauss_bound(a, b, r, m, np.sqrt(ratio)),
        "The ratio is σ²/α already: no root of it is taken.",
    ),
    after="N nodes from 2N moments: the best that any rule could do with them.",
)


def _large_layer(rng):
    m, n = int(rng.integers(1, 200)), int(rng.integers(1, 200))
    return {
        "m": m,
        "n": n,
        "sigma2": float(f"{rng.uniform(0.2, 3) / n:.2g}"),
        "alpha": round(rng.choice([0.5, 2.0, 3.0]), 1),
    }


def large_variance(m, n, sigma2, alpha):
    rho, s = m / n, n * sigma2 / alpha
    t = 1 + s + s * rho
    return (t - np.sqrt(t**2 - 4 * rho * s**2)) / (2 * rho * s)


def _other_root(m, n, sigma2, alpha):
    rho, s = m / n, n * sigma2 / alpha
    t = 1 + s + s * rho
    return (t + np.sqrt(t**2 - 4 * rho * s**2)) / (2 * rho * s)


exercise_6 = Exercise(
    *Card("6.6", "the variance of a large layer", points=3, difficulty=2, minutes=7),
    cases=_large_layer,
    reference=large_variance,
    misconceptions=slips(
        _other_root,
        "The other root, which exceeds 1: the variance is below γ² = 1, and 0 for σ = 0.",
        lambda m, n, sigma2, alpha: large_variance(n, m, sigma2, alpha),
        "Either n and m are swapped (ρ = m/n, and s has n, the inputs), or ρ is missing below the fraction line.",
        lambda m, n, sigma2, alpha: large_variance(m, n, sigma2, 1),
        "α is missing: the variance depends on s = nσ²/α.",
        lambda m, n, sigma2, alpha: n * sigma2 / alpha / (1 + n * sigma2 / alpha),
        "This is right for a single output. The factor 1 − ρv, the others' share, is missing.",
        lambda m, n, sigma2, alpha: large_variance(n, n, sigma2, alpha),
        "Either ρ is missing, or it was taken for 1, as in a square layer. The shape enters by ρ = m/n.",
        lambda m, n, sigma2, alpha: large_variance(m, n, sigma2**2, alpha),
        "sigma2 is σ² already: it is not squared once more.",
        lambda m, n, sigma2, alpha: large_variance(m, n, sigma2 / n, alpha),
        "The n is missing: s = nσ²/α grows with the number of inputs.",
        lambda m, n, sigma2, alpha: n * sigma2 / alpha,
        "This is s, what the variance would be if no eigenvalue were squeezed. The equation has 1 − v and 1 − ρv.",
        lambda m, n, sigma2, alpha: large_variance(m, n, sigma2, alpha) * 2 * m * sigma2 / alpha / 2,
        "You have divided the difference by 2 alone: the quadratic's leading coefficient is ρs.",
        lambda m, n, sigma2, alpha: large_variance(m, n, np.sqrt(sigma2), alpha),
        "s has σ², not σ: sigma2 goes in as it is.",
    ),
    after="For a square layer v = s(1 − v)²: at s = 1 the solution is 1/φ², the golden ratio squared.",
)


exercise_17 = proof(
    *Card("6.17", "the variance of the layer, from its lines", points=5, difficulty=3, minutes=10),
    lines={
        "C": (
            (
                r"Given $W$, the output is Gaussian with $\operatorname{Cov}[y \mid W] = \gamma^2\,W(\alpha I + "
                r"W^\top W)^{-1}W^\top$."
            ),
            "",
        ),
        "H": (r"$(\alpha I + WW^\top)\,W = W(\alpha I + W^\top W)$", ""),
        "B": (r"$W(\alpha I + W^\top W)^{-1}W^\top = (\alpha I + S)^{-1}S$", "H"),
        "F": (r"$(\alpha I + S)^{-1}S = I - \alpha(\alpha I + S)^{-1}$", ""),
        "I": (r"$\operatorname{Cov}[y \mid W] = \gamma^2\big(I - \alpha(\alpha I + S)^{-1}\big)$", "C B F"),
        "D": (
            (
                r"$\mathbb E[y \mid W] = 0$ for every $W$, so that $\operatorname{Cov}[y] = \mathbb "
                r"E\operatorname{Cov}[y \mid W]$."
            ),
            "",
        ),
        "G": (
            r"$\frac1m\operatorname{tr}\operatorname{Cov}[y] = "
            r"\frac{\gamma^2}m\big(m - \alpha\,\mathbb E\operatorname{tr}(\alpha I + S)^{-1}\big)$",
            "I D",
        ),
    },
    flaws={
        "A": (
            r"$W(\alpha I + W^\top W)^{-1}W^\top = I - \alpha(\alpha I + W^\top W)^{-1}$",
            "the left side has the size of the outputs, m × m, and the right side that of the inputs, n × n. The "
            "inverse "
            "has to change sides.",
        ),
        "E": (
            r"$\mathbb E\operatorname{tr}(\alpha I + S)^{-1} = \operatorname{tr}(\alpha I + \mathbb E S)^{-1}$",
            "the mean of an inverse is not the inverse of the mean; by Jensen it is larger. Nothing here needs it: the "
            "mean stays outside.",
        ),
        "J": (
            (
                r"$\frac1m\operatorname{tr}\operatorname{Cov}[y] = \mathbb E\operatorname{Tr}\big((\alpha I + "
                r"S)^{-1}\big)$"
            ),
            "so it is printed in the review of the paper. For W = 0 the output is 0, and this trace is m/α.",
        ),
    },
    goal="G",
    missing={
        "H": "W has to be moved past an inverse, and nothing above it says how.",
        "B": "the inverse is still on the side of the inputs.",
        "F": "a product of an inverse and S has to become a difference first.",
        "D": "Cov[y] has a second part, the covariance of the conditional mean. What is it?",
        "C": "nothing above it says what the covariance is before it is rewritten.",
        "I": "the trace of which covariance? It has to be brought to the outputs' side first.",
    },
    after="In singular values the middle is one line: s²/(α + s²) = 1 − α/(α + s²).",
)


EXERCISES = (
    exercise_1,
    exercise_15,
    exercise_16,
    exercise_17,
    exercise_3,
    exercise_13,
    exercise_4,
    exercise_14,
    exercise_5,
    exercise_6,
)

WRITTEN = (
    Written(
        *Card("6.18", "what a divergent series is good for", points=6, difficulty=3, minutes=12),
        rubric=(
            (
                2,
                (
                    "first friend: sums of one, two, three, … terms enclose the variance although they diverge, or: "
                    "the moments give bounds"
                ),
            ),
            (
                1,
                (
                    "says why no σ > 0 is safe: a Gaussian eigenvalue has no upper end, or: the moments grow like "
                    "factorials"
                ),
            ),
            (
                2,
                (
                    "second friend: agreement is seen only where the largest eigenvalue is well below α; at 1/√n it "
                    "is above"
                ),
            ),
            (1, "gives a number that this chapter has measured for one of these points"),
        ),
        model=(
            "Both draw too much from something true. The series does diverge for every $\\sigma > 0$: an "
            "eigenvalue of a Gaussian "
            "matrix has no upper end, so that $\\mathbb E\\operatorname{tr}S^k$ grows like $2^kk!$, faster than "
            "any $(\\sigma^2/\\alpha)^k$ "
            "shrinks. But divergence is no lack of information. What $k$ terms miss of $\\lambda/(\\alpha + "
            "\\lambda)$ is "
            "$(-\\lambda/\\alpha)^k$ times something positive, and so successive sums enclose the variance. The "
            "same ten moments, used in a "
            "Gauss rule, give bounds less than a thousandth apart for a $9 \\times 9$ layer at $1/\\sqrt n$. The "
            "second friend "
            "has seen agreement where "
            "the largest eigenvalue, about $\\sigma^2(\\sqrt m + \\sqrt n)^2$, lies well below $\\alpha$; "
            "figures printed without their "
            "$\\sigma$ do not say that it fails elsewhere. At $1/\\sqrt n$ a large square layer has eigenvalues "
            "up to $4\\alpha$, and ten terms "
            "give $-15\\,481$ at $64 \\times 64$ for a number that is 0.381. They may be used up to about a "
            "quarter in $s = n\\sigma^2/\\alpha$ "
            "and no further."
        ),
    ),
)

PREDICTIONS = (
    Prediction(
        "6a/root",
        (
            "Cholesky's factor $L$ of $\\alpha I + W^\\top W$ replaces the symmetric root: $WL^{-\\top}$ for "
            "$W(\\alpha I + W^\\top W)^{-1/2}$. What changes?"
        ),
        right="the matrix, and none of its singular values",
        options=(
            (
                "nothing: both are roots of the same inverse",
                (
                    "Roots of one matrix may differ, as 2 and −2 do. The two layers differ by a rotation of the "
                    "inputs, entry by entry visibly."
                ),
            ),
            (
                "the matrix, and none of its singular values",
                (
                    "Other matrices, the same $MM^\\top$: a rotation of the inputs stands between them, and no norm "
                    "sees it."
                ),
            ),
            (
                "the matrix and its singular values",
                (
                    "The matrix does. But $MM^\\top = W(\\alpha I + W^\\top W)^{-1}W^\\top$ for both, and the "
                    "singular values are the roots of its eigenvalues."
                ),
            ),
        ),
    ),
    Prediction(
        "6a/shape",
        (
            "Three layers at $\\sigma^2 = 1/n$: outputs × inputs are 8 × 8, 4 × 12, 12 × 4. Which lets most variance "
            "through, on average over its outputs?"
        ),
        right="4 × 12",
        options=(
            (
                "12 × 4",
                (
                    "More outputs hear each input, but only 4 singular values are not 0: 8 of the 12 outputs' worth "
                    "of variance is missing by force."
                ),
            ),
            (
                "8 × 8",
                "Square looks natural, and has the smallest singular values of the three: its squares reach down to 0.",
            ),
            ("4 × 12", "Few outputs have many inputs to choose from: all 4 eigenvalues lie well away from 0."),
            (
                "all the same: σ² = 1/n makes up for it",
                (
                    "It makes the mean square of $Wx$ the same. But what is squeezed depends on how the eigenvalues "
                    "spread, and the shape decides that."
                ),
            ),
        ),
    ),
    Prediction(
        "6a/one",
        (
            "One output, $n$ inputs, $\\sigma^2 = \\alpha/n$, so that the mean of $\\lambda/\\alpha$ is 1 for each "
            "$n$. How does $v = \\mathbb E\\,\\lambda/(\\alpha + \\lambda)$ depend on $n$?"
        ),
        right="it grows with n, towards one half",
        options=(
            (
                "it is one half for each n",
                (
                    "One half is the share of the *mean*. The mean of the share is less, as the share bends down "
                    "(Jensen), and the more so the more λ fluctuates."
                ),
            ),
            (
                "it grows with n, towards one half",
                (
                    "With more inputs $\\lambda$ fluctuates less, and less is lost by bending: from 0.34 at $n = 1$ "
                    "to nearly a half at 100."
                ),
            ),
            (
                "it falls with n, towards one half",
                (
                    "That would need a function that bends up. $\\lambda/(\\alpha + \\lambda)$ bends down: "
                    "fluctuation costs."
                ),
            ),
        ),
    ),
    Prediction(
        "6a/smallest",
        (
            "Eigenvalues repel, and 0 is a wall. In a small square layer, is the density of singular values at 0 "
            "lower or higher than in a large one?"
        ),
        right="higher",
        options=(
            (
                "lower",
                (
                    "Repulsion keeps eigenvalues from each other, not from the wall: those above push the lowest one "
                    "towards it."
                ),
            ),
            (
                "higher",
                (
                    "The others push the lowest one against the wall, in a layer whose width is about $1/n$, which "
                    "small sizes feel."
                ),
            ),
            (
                "the same",
                (
                    "It is nearly so everywhere else. In a layer of width about $1/n$ at the wall the limit is never "
                    "reached."
                ),
            ),
        ),
    ),
    Prediction(
        "6a/crossing",
        (
            "Of the three ways to pair four factors on a circle two join neighbours and contribute $m^2n$ and "
            "$mn^2$. What does the third, which crosses, contribute?"
        ),
        right="mn: one free index of each kind",
        options=(
            (
                "nothing: its indices cannot all agree",
                "They can, if there are few enough of them: two rows become one, and two columns too.",
            ),
            (
                "mn: one free index of each kind",
                (
                    "Its two pairs join both rows and both columns. In a large layer that is a factor $m$ or $n$ "
                    "less than the others have."
                ),
            ),
            (
                "m²n²: crossing pairs are independent",
                (
                    "That would be all four indices. A pair joins two rows *and* two columns; of $2 + 2$ indices two "
                    "are left."
                ),
            ),
        ),
    ),
    Prediction(
        "6a/breaks",
        (
            "Ten terms at $64 \\times 64$, for $s = n\\sigma^2/\\alpha = 0.1$, 0.25, 0.5 and 1. From where on is the "
            "second decimal wrong?"
        ),
        right="at a quarter already",
        options=(
            (
                "beyond 1, where the mean eigenvalue passes α",
                (
                    "The mean eigenvalue is $s\\alpha$, and the largest is near $4s\\alpha$: it passes $\\alpha$ at "
                    "a quarter. At 1 ten terms say $-15\\,481$."
                ),
            ),
            (
                "at a half",
                (
                    "At a half ten terms give $-12$. The largest eigenvalue, near $4s\\alpha$, has passed $\\alpha$ "
                    "long before."
                ),
            ),
            (
                "at a quarter already",
                (
                    "The largest eigenvalue is near $4s\\alpha$, and the geometric series wants it below $\\alpha$. "
                    "At 0.1 five decimals agree."
                ),
            ),
            (
                "at 0.1: it diverges for every σ",
                "It does, in the end. But ten terms are not the end: at 0.1 they give five decimals.",
            ),
        ),
    ),
    Prediction(
        "6a/bounds",
        (
            "$9 \\times 9$ at $s = 1$, where ten terms of the series are off by tens of thousands. Bounds are made "
            "of the same ten moments: how far apart are they?"
        ),
        right="less than a thousandth",
        options=(
            (
                "they say little: about 0 to 1",
                "The moments know more than their alternating sum shows: two of them leave 0.2, and ten 0.0004.",
            ),
            ("about a tenth", "Four moments are enough for better than that."),
            (
                "less than a thousandth",
                "Four units in the fourth digit, from numbers whose alternating sum is $-56\\,541$.",
            ),
        ),
    ),
    Prediction(
        "6a/half",
        (
            "He's start, $\\sigma^2 = 2/n$, keeps the signal of a ReLU layer. How much of a unit variance does a "
            "large square LDLT layer let through there, at $\\alpha = \\gamma = 1$?"
        ),
        right="one half",
        options=(
            (
                "nearly all of it",
                (
                    "$Wx$ has twice the variance of $x$. But eigenvalues up to 8 count as less than 1, and the many "
                    "small ones are lost."
                ),
            ),
            (
                "two thirds, as 2/(1 + 2)",
                "That is the share of the mean eigenvalue, 2. They spread from 0 to 8, and the share bends down.",
            ),
            ("one half", "It solves $v = 2(1 - v)^2$: as much is lost as gets through."),
            (
                "about 0.4",
                "That is what passes at $1/\\sqrt n$, half of He's variance, as the end of this section finds.",
            ),
        ),
    ),
    Prediction(
        "6a/headline",
        (
            "Seven settings are tried: large square layers, two wider shapes, 3 × 5, two averages over sizes, "
            "uniform weights. How many give 0.41 at $1/\\sqrt n$ *and* 0.90 at $10/\\sqrt n$, to two digits?"
        ),
        right="none",
        options=(
            ("one: large square layers, as one would expect", "They have 0.90, and with it goes 0.38."),
            (
                "several: shape and size move both numbers a little",
                "They move both together: where the first is 0.41, the second is above 0.93.",
            ),
            (
                "none",
                (
                    "Where the first number is 0.41 the second is 0.94 or more; where the second is 0.90 the first "
                    "is 0.38."
                ),
            ),
        ),
    ),
    Prediction(
        "6a/commute",
        (
            "A square layer misses $1 - v$ of unit variance. For a *huge* $\\sigma$, is $(1 - v)\\,\\sigma\\sqrt n$ "
            "the same number as for a huge $n$ at moderate $\\sigma$?"
        ),
        right="no: it is about one and a half times that",
        options=(
            (
                "yes: both limits are large layers far from α",
                (
                    "The order matters: with $n$ first it is 1, with $\\sigma$ first $\\pi/2$. A huge $\\sigma$ sees "
                    "only the singular values next to 0."
                ),
            ),
            (
                "no: it tends to 0",
                "It would, if no singular value came near 0. A square layer has one within about $1/n$ of it.",
            ),
            (
                "no: it is about one and a half times that",
                (
                    "It climbs from 1 to $\\pi/2$: a huge $\\sigma$ sees the density at 0, which is $\\pi/2$ times "
                    "that of the quarter circle."
                ),
            ),
        ),
    ),
)
