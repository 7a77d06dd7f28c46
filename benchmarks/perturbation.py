"""Cost of Chapter 5's estimators on the digits net: `python benchmarks/perturbation.py`, one thread.

1. K = 256 perturbations: in chunks, without a loop over them, against the loop that evaluates them one after the
   other, on the same numbers, side by side (interleaved, medians). The batch is training's 32 examples, and 64. Then
   the whole estimate with its drawing and its standard errors, whose random numbers cost both ways the same.
2. Cost of an estimate over K and over n, with the memory it adds.
3. Seconds until the training loss falls below 0.5, for each recipe of the chapter.

Set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 for figures that compare.
"""

import statistics
import time
import tracemalloc

import numpy as np

from course_utils import perturbation as wp
from course_utils.data import digits

SIGMA = 1e-3


def seconds(call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def side_by_side(calls: dict, repeats: int) -> dict[str, float]:
    """Median seconds of each call; they take turns, so that a busy machine disturbs all of them alike."""
    times = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            times[name].append(seconds(call))
    return {name: statistics.median(values) for name, values in times.items()}


def loop(net: wp.SoftmaxNet, theta: np.ndarray, omega: np.ndarray) -> np.ndarray:
    """The estimate as one would first write it: a forward pass, and an addition, for each perturbation."""
    E, total = net(theta[None])[0], np.zeros_like(theta)
    for row in omega:
        total += (net((theta + row)[None])[0] - E) / SIGMA**2 * row
    return total / len(omega)


def batched(net: wp.SoftmaxNet, theta: np.ndarray, omega: np.ndarray) -> np.ndarray:
    E, total = net(theta[None])[0], np.zeros_like(theta)
    for start in range(0, len(omega), wp.CHUNK):
        part = omega[start : start + wp.CHUNK]
        total += (net(theta + part) - E) / SIGMA**2 @ part
    return total / len(omega)


def whole_loop(net: wp.SoftmaxNet, theta: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    E, mean, squares = net(theta[None])[0], np.zeros_like(theta), np.zeros_like(theta)
    for k in range(1, 257):
        omega = SIGMA * wp.random_signs(1, theta.size, rng)[0]
        draw = (net((theta + omega)[None])[0] - E) / SIGMA**2 * omega
        step = draw - mean
        mean += step / k
        squares += step * (draw - mean)
    return mean, np.sqrt(squares / 255 / 256)


def main() -> None:
    data, rng = digits(), np.random.default_rng(0)
    net = wp.SoftmaxNet(data.x, data.y, hidden=16)
    theta = net.initial(rng)

    print("K = 256 perturbations of the digits net, n = 1210: milliseconds")
    omega = SIGMA * rng.standard_normal((256, net.n))
    for N in (32, 64):
        part = net.batch(np.arange(N))
        difference = np.abs(loop(part, theta, omega) - batched(part, theta, omega)).max()
        calls = {"loop": lambda: loop(part, theta, omega), "batched": lambda: batched(part, theta, omega)}
        t = side_by_side(calls, 15)
        print(f"  {N:3} examples: loop {1e3 * t['loop']:6.1f}, batched {1e3 * t['batched']:5.1f}, "
              f"{t['loop'] / t['batched']:4.1f} times faster; they differ by {difference:.0e}")
    part = net.batch(np.arange(32))
    calls = {
        "loop": lambda: whole_loop(part, theta, rng),
        "batched": lambda: wp.estimate(part, theta, SIGMA, 256, rng, "signs"),
    }
    t = side_by_side(calls, 15)
    print(f"  whole estimate, random signs, 32 examples: loop {1e3 * t['loop']:.1f}, batched "
          f"{1e3 * t['batched']:.1f}, {t['loop'] / t['batched']:.1f} times faster")

    print("\ncost of estimate(), 32 examples: milliseconds (peak memory added, MB)")
    part = net.batch(np.arange(32))
    for K in (16, 64, 256, 1024, 4096):
        line = f"  K = {K:5}, n = {net.n}: "
        for kind in ("baseline", "signs", "antithetic", "forward", "node"):
            t = side_by_side({kind: lambda: wp.estimate(part, theta, SIGMA, K, rng, kind)}, 3)[kind]
            line += f"{kind} {1e3 * t:.1f} ({peak(lambda: wp.estimate(part, theta, SIGMA, K, rng, kind)):.1f})  "
        print(line, flush=True)
    for hidden in (4, 16, 64, 256):
        wide = wp.SoftmaxNet(part.X, part.y, hidden)
        at = wide.initial(rng)
        t = side_by_side({"": lambda: wp.estimate(wide, at, SIGMA, 256, rng, "signs")}, 3)[""]
        print(f"  K =   256, n = {wide.n:6}: signs {1e3 * t:.1f}", flush=True)

    print("\ntraining until the loss falls below 0.5: epochs, evaluations of one example, seconds")
    recipes = (("backprop", 0.1, 1), ("node", 0.05, 1), ("signs", 0.02, 16), ("signs", 0.003, 1))
    for method, step, K in recipes:
        taken = seconds(lambda: wp.train(net, theta, method, step, 40, np.random.default_rng(1), K=K, looks=1))
        run = wp.train(net, theta, method, step, 40, np.random.default_rng(1), K=K, looks=80)
        if (run.loss < 0.5).any():
            first = int((run.loss < 0.5).argmax())
            reached = f"{run.epoch[first]:5.1f} {run.evaluations[first]:9} {taken * run.epoch[first] / run.epoch[-1]:7.3f}"
        else:
            reached = f"not in 40 epochs, {run.evaluations[-1]} evaluations, {taken:.2f} s"
        print(f"  {method:9} K = {K:2}: {reached}", flush=True)


def peak(call) -> float:
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return peak


if __name__ == "__main__":
    main()
