"""Exercises of Chapter 6, first part: the variance of an LDLT layer."""

import numpy as np

from course_utils.exercises import Card, Exercise, probes, slips


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
    *Card("6.1", "the layer in torch", points=3, difficulty=3, minutes=10),
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


def _small_gram(rng):
    r = int(rng.integers(1, 4))
    p = r + int(rng.integers(1, 4))
    W = np.round(rng.normal(size=(r, p)), 1)
    return {"G": W @ W.T, "m": int(rng.choice([r, p, p + 2])), "alpha": round(rng.uniform(0.3, 3), 1)}


def variance_from_gram(G, m, alpha):
    r = len(G)
    return (r - alpha * np.trace(np.linalg.inv(alpha * np.eye(r) + G))) / m


def _with_size(size):
    def answer(G, m, alpha):
        return (size(G, m) - alpha * np.trace(np.linalg.inv(alpha * np.eye(len(G)) + G))) / m

    return answer


exercise_2 = Exercise(
    *Card("6.2", "the variance from the smaller side", points=2, difficulty=2, minutes=7),
    cases=_small_gram,
    reference=variance_from_gram,
    misconceptions=slips(
        _with_size(lambda G, m: m),
        "Each of the m − r eigenvalues 0 puts α/(α + 0) = 1 into the trace of the large side. "
        "Without them, the first term is r.",
        lambda G, m, alpha: variance_from_gram(G, m, alpha) * m / len(G),
        "You have averaged over the r eigenvalues. The variance is the average over the m outputs.",
        lambda G, m, alpha: (len(G) - np.trace(np.linalg.inv(alpha * np.eye(len(G)) + G))) / m,
        "The factor α in front of the trace is missing.",
        lambda G, m, alpha: alpha * np.trace(np.linalg.inv(alpha * np.eye(len(G)) + G)) / m,
        "This is what is lost. The variance is what is left.",
        lambda G, m, alpha: variance_from_gram(G, m, 1),
        "This is the variance for α = 1. Use the α that is given, in both places.",
        lambda G, m, alpha: variance_from_gram(G, 1, alpha),
        "This is the sum over the outputs. Divide by m for the average.",
        lambda G, m, alpha: (len(G) - alpha * len(G) ** 2 / (alpha * len(G) + np.trace(G))) / m,
        "The trace of an inverse is not the inverse of a trace: invert the matrix first.",
        lambda G, m, alpha: variance_from_gram(G, m, alpha**2),
        "You have squared α: an eigenvalue λ contributes λ/(α + λ).",
        lambda G, m, alpha: np.trace(np.linalg.inv(alpha * np.eye(len(G)) + G)) / m,
        "This is the trace of the inverse over m, as it stands in what is lost: times α, and taken from r.",
        lambda G, m, alpha: np.trace(G) / (alpha + np.trace(G)) / m,
        "Each eigenvalue has its own λ/(α + λ). You have put their sum in the place of λ.",
        lambda G, m, alpha: np.trace(G) / m,
        "This is the mean square of W's rows. Large eigenvalues do not pass whole: λ/(α + λ).",
        lambda G, m, alpha: np.sum(G / (alpha + G)) / m,
        "A function of a matrix is that function of its eigenvalues, not of its entries.",
        lambda G, m, alpha: np.sum(G @ np.linalg.inv(alpha * np.eye(len(G)) + G)) / m,
        "You have added all entries. Of the covariance the diagonal is asked for: a trace.",
    ),
    after="A layer of 10 inputs needs a 10 × 10 inverse, however many outputs it has.",
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
    *Card("6.3", "what one pairing contributes", points=3, difficulty=3, minutes=10),
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
    *Card("6.4", "what a diverging series still says", points=2, difficulty=2, minutes=8),
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
    *Card("6.5", "a quadrature from a tridiagonal matrix", points=3, difficulty=3, minutes=9),
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
    *Card("6.6", "the variance of a large layer", points=2, difficulty=2, minutes=7),
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


EXERCISES = (exercise_1, exercise_2, exercise_3, exercise_4, exercise_5, exercise_6)
