"""Cost of Chapter 5's estimators on the digits net: `python benchmarks/perturbation.py`, one thread.

1. The losses of K = 256 perturbations of the digits net, four ways on the same numbers, side by side (interleaved,
   medians): the leanest loop over perturbations and all at once, in numpy; a loop and `torch.func.vmap`, in torch.
   Then the whole estimate with its drawing and standard errors, of which the random numbers cost the same either way.
2. Cost of an estimate over K and over n, with the memory it adds.

Set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 for figures that compare.
"""

import tracemalloc
from functools import partial

import numpy as np
import torch
from timing import side_by_side

from course_utils.data.digits import digits
from course_utils.theory import losses, perturbation

SIGMA = 1e-3


def in_chunks(loss, theta: np.ndarray, omega: np.ndarray) -> np.ndarray:
    return np.concatenate(
        [loss(theta + omega[i : i + perturbation.CHUNK]) for i in range(0, len(omega), perturbation.CHUNK)]
    )


def ways(net: losses.SoftmaxNet, theta: np.ndarray, omega: np.ndarray) -> dict:
    layers = torch.nn.Linear(64, net.hidden), torch.nn.Tanh(), torch.nn.Linear(net.hidden, 10)
    module, X, y = torch.nn.Sequential(*layers).double(), torch.as_tensor(net.X), torch.as_tensor(net.y)
    vectorized = losses.TorchLoss(module, torch.nn.functional.cross_entropy, X, y)
    shapes = [(name, p.shape, p.numel()) for name, p in module.named_parameters()]
    at, moves = torch.as_tensor(theta), torch.as_tensor(omega)

    @torch.no_grad()
    def torch_loop():
        losses = []
        for move in moves:
            pieces = torch.split(at + move, [size for _, _, size in shapes])
            parameters = {name: piece.reshape(shape) for (name, shape, _), piece in zip(shapes, pieces)}
            outputs = torch.func.functional_call(module, parameters, (X,))
            losses.append(torch.nn.functional.cross_entropy(outputs, y).item())
        return np.array(losses)

    return {
        "numpy loop": lambda: np.array([net((theta + row)[None])[0] for row in omega]),
        "numpy batched": lambda: in_chunks(net, theta, omega),
        "torch loop": torch_loop,
        "torch.func": lambda: in_chunks(vectorized, theta, omega),
    }


def whole_loop(net: losses.SoftmaxNet, theta: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    E, mean, squares = net(theta[None])[0], np.zeros_like(theta), np.zeros_like(theta)
    for k in range(1, 257):
        omega = SIGMA * perturbation.random_signs(1, theta.size, rng)[0]
        draw = (net((theta + omega)[None])[0] - E) / SIGMA**2 * omega
        step = draw - mean
        mean += step / k
        squares += step * (draw - mean)
    return mean, np.sqrt(squares / 255 / 256)


def main() -> None:
    torch.set_num_threads(1)
    data, rng = digits(), np.random.default_rng(0)
    net = losses.SoftmaxNet(data.x, data.y, hidden=16)
    theta = net.initial(rng)

    print("losses of K = 256 perturbations, n = 1210: milliseconds")
    omega = SIGMA * rng.standard_normal((256, net.n))
    for N in (32, 64):
        calls = ways(net.batch(np.arange(N)), theta, omega)
        values = {name: call() for name, call in calls.items()}
        assert all(np.allclose(v, values["numpy loop"], rtol=1e-12) for v in values.values())
        t = side_by_side(calls, 15)
        listed = ", ".join(f"{name} {1e3 * value:.1f}" for name, value in t.items())
        print(
            f"  {N} examples: {listed}; batched is {t['numpy loop'] / t['numpy batched']:.1f} times faster than its "
            f"loop, torch.func {t['torch loop'] / t['torch.func']:.1f} times than torch's",
            flush=True,
        )

    part = net.batch(np.arange(32))
    calls = {
        "loop": lambda: whole_loop(part, theta, rng),
        "batched": lambda: perturbation.estimate(part, theta, SIGMA, 256, rng, "signs"),
    }
    t = side_by_side(calls, 15)
    print(
        f"  whole estimate, random signs, 32 examples: loop {1e3 * t['loop']:.1f}, batched "
        f"{1e3 * t['batched']:.1f}, {t['loop'] / t['batched']:.1f} times faster"
    )

    print("\ncost of estimate(), 32 examples: milliseconds (peak memory added, MB)")
    part = net.batch(np.arange(32))
    for K in (16, 64, 256, 1024, 4096):
        line = f"  K = {K:5}, n = {net.n}: "
        for kind in ("baseline", "signs", "antithetic", "forward", "node"):
            call = partial(perturbation.estimate, part, theta, SIGMA, K, rng, kind)
            t = side_by_side({kind: call}, 3)[kind]
            line += f"{kind} {1e3 * t:.1f} ({peak(call):.1f})  "
        print(line, flush=True)
    for hidden in (4, 16, 64, 256):
        wide = losses.SoftmaxNet(part.X, part.y, hidden)
        at = wide.initial(rng)
        t = side_by_side({"": partial(perturbation.estimate, wide, at, SIGMA, 256, rng, "signs")}, 3)[""]
        print(f"  K =   256, n = {wide.n:6}: signs {1e3 * t:.1f}", flush=True)


def peak(call) -> float:
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return peak


if __name__ == "__main__":
    main()
