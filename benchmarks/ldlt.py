"""Chapter 6's bars, measured in one run: `OMP_NUM_THREADS=1 python benchmarks/ldlt.py`.

1. Moments: E tr S^k for k = 1..10 at 64 × 64 from a cold start, and for k = 100; as polynomials equal to
   every pairing for k ≤ 7.
2. Samples per second: the bidiagonal model beside singular values of dense matrices (taking turns, medians).
3. Time to a standard error of 1e-4 at 64 × 64: the bidiagonal model, without and with controls, beside inputs
   drawn through the layer, one for each matrix and the best number of them.
4. The layer: forward and backward of both forms.
5. Exact variance for every (m, n) in 1..100 and σ² = 1/n, 2/n, 100/n: largest estimated error, slowest size
   (the best of three, from a cold start), whether all lie inside the bounds of 10 moments; 10⁶ simulated
   samples on random sizes; 1000 × 1000.
"""

import math
import statistics
import time
from functools import partial

import numpy as np
import torch
from timing import seconds, side_by_side

from course_utils.theory import ldlt, moment_bounds, moments
from course_utils.theory.ldlt_layer import LDLT, ldlt_matrix


def exact_moments() -> None:
    def cold(call) -> float:
        moments._hooks.cache_clear()
        return seconds(call)

    ten = statistics.median(cold(lambda: moments.moments(10, 64, 64)) for _ in range(7))
    hundred = statistics.median(cold(lambda: moments.moment(100, 64, 64)) for _ in range(7))
    print(f"moments at 64 x 64: k = 1..10 in {1e3 * ten:.1f} ms, k = 100 in {hundred:.2f} s")
    same = all(moments.moment_polynomial(k) == moments.wick_polynomial(k) for k in range(1, 8))
    print(f"as polynomials equal to all pairings for k = 1..7: {same}")


def exact() -> None:
    worst, slowest, inside = 0.0, (0.0, ()), True
    for m in range(1, 101):
        for n in range(1, 101):
            took = math.inf
            for _ in range(3):
                ldlt._density.cache_clear()
                took = min(took, seconds(lambda m=m, n=n: ldlt.exact_variance(m, n, 1 / n)))
            slowest = max(slowest, (took, (m, n)))
            for s in (1, 2, 100):
                found, bounds = ldlt.exact_variance(m, n, s / n), moment_bounds.bounds(m, n, s / n)
                worst = max(worst, found.error)
                inside &= bounds.lower - 1e-13 <= found.value <= bounds.upper + 1e-13
    print(
        f"exact variance, 30 000 cases: largest error {worst:.1e}, slowest size {slowest[1]} in "
        f"{1e3 * slowest[0]:.0f} ms, all inside the bounds: {inside}"
    )
    rng, distances = np.random.default_rng(0), []
    for _ in range(12):
        m, n = (int(k) for k in rng.integers(1, 101, size=2))
        s = int(rng.choice([1, 2, 100]))
        found = ldlt.simulate(m, n, s / n, 10**6, rng)
        distances.append((found.mean - ldlt.exact_variance(m, n, s / n).value) / found.standard_error)
    print(f"12 random sizes, 10⁶ samples each: at most {max(map(abs, distances)):.1f} standard errors away")
    took = time.perf_counter()
    large = ldlt.exact_variance(1000, 1000, 1e-3)
    print(f"1000 x 1000: {large.value:.12f}, error {large.error:.0e}, {time.perf_counter() - took:.1f} s")


def singular_values(n: int, matrices: int, rng: np.random.Generator) -> float:
    s = np.linalg.svd(rng.standard_normal((matrices, n, n)), compute_uv=False) ** 2 / n
    return (s / (1 + s)).mean()


def samples_per_second() -> None:
    for n, dense, model in ((64, 40, 20_000), (256, 4, 20_000)):
        rng = np.random.default_rng(0)
        calls = {
            "dense": partial(singular_values, n, dense, rng),
            "model": partial(ldlt.simulate, n, n, 1 / n, model, rng),
        }
        took = side_by_side(calls, repeats=9)
        per_second = dense / took["dense"], model / took["model"]
        print(
            f"n = {n}: {per_second[0]:.0f} dense samples/s, {per_second[1]:.0f} by the bidiagonal model, "
            f"{per_second[1] / per_second[0]:.0f} times more"
        )


def to_a_standard_error() -> None:
    n, target, rng = 64, 1e-4, np.random.default_rng(0)

    def through_the_layer(inputs: int, matrices: int) -> np.ndarray:
        W = torch.as_tensor(rng.standard_normal((matrices, n, n)) / 8)
        x = torch.as_tensor(rng.standard_normal((matrices, inputs, n)))
        return ((x @ ldlt_matrix(W, form="cholesky").mT) ** 2).mean(dim=(1, 2)).numpy()

    costs = {}
    for inputs in (1, 8, 32, 128, 512):
        took = statistics.median(seconds(partial(through_the_layer, inputs, 50)) for _ in range(5)) / 50
        costs[inputs] = took * through_the_layer(inputs, 400).var() / target**2
    best = min(costs, key=costs.get)
    print(
        f"standard error {target:g} at {n} x {n}: one input through each layer {costs[1]:.1f} s, "
        f"{best} inputs {costs[best]:.1f} s"
    )
    for words, controls in (("bidiagonal model", False), ("and with controls", True)):
        model = partial(ldlt.simulate, n, n, 1 / n, 20_000, rng, controls=controls)
        found = 20_000 * model().standard_error ** 2 / target**2
        took = found * statistics.median(seconds(model) for _ in range(5)) / 20_000
        times = f"{costs[1] / took:.0f} and {costs[best] / took:.0f} times less"
        print(f"  {words}: {1e3 * took:.1f} ms, {times}")


def layer() -> None:
    for n, m in ((64, 64), (64, 256), (256, 64)):
        calls = {}
        x = torch.as_tensor(np.random.default_rng(0).standard_normal((256, n)))
        for form in ("symmetric", "cholesky"):
            module = LDLT(n, m, form=form)
            calls[form] = lambda module=module, x=x: module(x).square().sum().backward()
        took = side_by_side(calls, repeats=15)
        print(
            f"layer {n} -> {m}, 256 rows, forward and backward: "
            f"symmetric {1e3 * took['symmetric']:.1f} ms, cholesky {1e3 * took['cholesky']:.1f} ms"
        )


if __name__ == "__main__":
    torch.set_num_threads(1)
    for part in (exact_moments, samples_per_second, to_a_standard_error, layer, exact):
        part()
