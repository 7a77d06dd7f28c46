"""The kernel of a wide net on a few inputs, several ways in one run: `python benchmarks/kernels.py`.

    closed counting   course_utils.theory.kernels.empirical_kernel: switches, no Jacobians
    streamed          course_utils.theory.kernels.random_kernel: W0 is drawn, used and forgotten (drawing included)
    limit             course_utils.theory.kernels.limit_kernel, an infinitely wide net
    jacobians         torch.func, the contraction of Jacobians of torch's own tutorial on neural tangent kernels
    products          torch.func, the tutorial's products of the kernel with vectors (vjp, then jvp)

Every measurement is a process of its own. The rounds go through all methods in turn; of each the median time and the
median peak of resident memory beyond what its imports and its inputs took. Times leave out a first call at width 64, in
which torch.func warms up. The net is in float64 everywhere; kernels are compared to 1e-9.
"""

import argparse
import json
import math
import resource
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

METHODS = ("closed counting", "streamed", "limit", "jacobians", "products")


def case(m: int, n: int, d: int):
    from course_utils.theory.networks import gaussian_init

    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    return gaussian_init(m, d, rng), X / np.linalg.norm(X, axis=1, keepdims=True)


def counting(init, X):
    from course_utils.theory.kernels import empirical_kernel

    return lambda: empirical_kernel(init, X)


def streamed(init, X):
    from course_utils.theory.kernels import random_kernel

    return lambda: random_kernel(len(init.a), X, np.random.default_rng(0))


def limit(init, X):
    from course_utils.theory.kernels import limit_kernel

    return lambda: limit_kernel(X)


def _torch_net(init, X):
    import torch

    a, inputs, W = (torch.from_numpy(array) for array in (init.a, X, init.W0))

    def f(W, x):
        return torch.relu(W @ x) @ a / math.sqrt(len(a))

    return f, W, inputs


def jacobians(init, X):
    import torch
    from torch.func import jacrev, vmap

    f, W, inputs = _torch_net(init, X)

    def kernel():
        J = vmap(jacrev(f), (None, 0))(W, inputs).flatten(1)
        return torch.einsum("Nf,Mf->NM", J, J).numpy()

    return kernel


def products(init, X):
    import torch
    from torch.func import jvp, vjp, vmap

    f, W, inputs = _torch_net(init, X)

    def entry(x1, x2):
        (gradient,) = vjp(lambda W: f(W, x1), W)[1](torch.ones((), dtype=W.dtype))
        return jvp(lambda W: f(W, x2), (W,), (gradient,))[1]

    return lambda: vmap(vmap(entry, (None, 0)), (0, None))(inputs, inputs).numpy()


def resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def measure(method: str, m: int, n: int, d: int) -> dict:
    """Seconds, and MiB of resident memory at the peak of the call beyond those before it."""
    build = dict(zip(METHODS, (counting, streamed, limit, jacobians, products)))[method]
    build(*case(64, n, d))()
    call = build(*case(m, n, d))
    before, peak, done = resident(), [0.0], threading.Event()

    def watch():
        while not done.wait(0.0005):
            peak[0] = max(peak[0], resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    kernel = call()
    seconds = time.perf_counter() - start
    peak[0] = max(peak[0], resident())
    done.set()
    watcher.join()
    return {"seconds": seconds, "mib": peak[0] - before, "kernel": kernel.ravel()[:200].tolist()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=2**16)
    parser.add_argument("--points", type=int, default=64)
    parser.add_argument("--dimensions", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--methods", nargs="*", choices=METHODS, default=METHODS)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    size = arguments.width, arguments.points, arguments.dimensions
    if arguments.one:
        print(json.dumps(measure(arguments.one, *size)))
        return
    found = {method: [] for method in arguments.methods}
    sizes = ["--width", str(size[0]), "--points", str(size[1]), "--dimensions", str(size[2])]
    for _ in range(arguments.rounds):
        for method in found:
            command = [sys.executable, __file__, "--one", method, *sizes]
            try:
                run = subprocess.run(command, check=True, capture_output=True, text=True)
            except subprocess.CalledProcessError as error:
                # on Linux a process that asks for more memory than there is gets signal 9
                if error.returncode != -9:
                    raise RuntimeError(f"{method} failed:\n{error.stderr}") from error
                print(f"{method}: killed, out of memory")
                continue
            found[method].append(json.loads(run.stdout))
    print("width {}, {} points in {} dimensions, medians of {} rounds".format(*size, arguments.rounds))
    medians = {
        method: [statistics.median(run[key] for run in runs) for key in ("seconds", "mib")]
        for method, runs in found.items()
        if runs
    }
    seconds, mib = medians.get("closed counting", next(iter(medians.values())))
    reference = found.get("closed counting")
    for method, (s, memory) in medians.items():
        line = f"  {method:16} {s:9.4f} s  × {s / seconds:7.2f}   {memory:8.1f} MiB  × {memory / mib:7.2f}"
        if reference and method in ("jacobians", "products"):
            error = np.abs(np.subtract(found[method][0]["kernel"], reference[0]["kernel"])).max()
            line += f"   differs by {error:.0e}"
            if error > 1e-9:
                sys.exit(f"{method} gives another kernel: largest difference {error:.2g}")
        print(line)


if __name__ == "__main__":
    main()
