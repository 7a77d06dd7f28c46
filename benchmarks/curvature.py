"""The top eigenvalue of every layer's Hessian, several ways in one run: `python benchmarks/curvature.py`.

    gram         the Gram operators of course_utils.theory.gram, no automatic differentiation
    kept graph   Lanczos on Hessian-vector products through one kept graph, course_utils.theory.hessians.layer_operator
    rebuilt      the same Lanczos, with the graph built anew for every product, as general tools do

ReLU, cross-entropy, float64. Both Lanczos ways share start and tolerance; times are medians over interleaved
repetitions, errors relative to the kept graph at tolerance 0. After the main case, curves in N and in the width.
With the packages of benchmarks/requirements.txt (in an environment of their own) the peers join the table, one layer
at a time: curvlinops under the same Lanczos, hessian-eigenthings with its own, PyHessian with its power iteration,
which by default stops at 1e-3 (two rows show what that tolerance costs here).
"""

import argparse
import statistics
import time
import warnings
from functools import partial

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator

from course_utils.theory import curvature, gram, hessians

TOLERANCE = 1e-8


def case(n: int, width: int):
    rng = np.random.default_rng(0)
    net = curvature.random_net([784, width, width, 10], "ReLU", "He", rng, 0.1)
    return hessians.to_torch(net), rng.standard_normal((n, 784)), rng.integers(10, size=n)


def linear_layers(model):
    return [part for part in model if isinstance(part, torch.nn.Linear)]


def by_gram(model, x, t, tol=TOLERANCE):
    return gram.top_eigenvalues(model, x, t, tol=tol)


def kept_graph(model, x, t, tol=TOLERANCE):
    loss = hessians.torch_loss(model, x, t, "cross_entropy")
    return np.array(
        [hessians.top_eigenvalue(hessians.layer_operator(loss, layer.weight), tol) for layer in linear_layers(model)]
    )


def rebuilt(model, x, t, tol=TOLERANCE):
    def operator(weight):
        def product(v):
            return hessians.layer_operator(hessians.torch_loss(model, x, t, "cross_entropy"), weight) @ v

        return LinearOperator((weight.numel(), weight.numel()), matvec=product, dtype=np.float64)

    return np.array([hessians.top_eigenvalue(operator(layer.weight), tol) for layer in linear_layers(model)])


def curvlinops(model, x, t, tol=TOLERANCE):
    from curvlinops import HessianLinearOperator
    from scipy.sparse.linalg import eigsh

    data = [(torch.from_numpy(x), torch.from_numpy(t))]
    found = []
    for layer in linear_layers(model):
        operator = HessianLinearOperator(
            model, torch.nn.CrossEntropyLoss(), [layer.weight], data, check_deterministic=False
        )
        start = np.random.default_rng(0).standard_normal(layer.weight.numel())
        found.append(eigsh(operator.to_scipy(), k=1, which="LA", tol=tol, v0=start, return_eigenvectors=False)[0])
    return np.array(found)


def eigenthings(model, x, t, tol=TOLERANCE):
    """Its own Lanczos with 40 steps; its default of two steps would be far off."""
    from hessian_eigenthings import HessianOperator, lanczos, match_names, supervised_loss

    data = [(torch.from_numpy(x), torch.from_numpy(t))]
    loss = supervised_loss(torch.nn.functional.cross_entropy)
    found = []
    for name, _ in model.named_parameters():
        if name.endswith("weight"):
            operator = HessianOperator(model, data, loss, param_filter=match_names(name))
            found.append(lanczos(operator, k=1, max_iter=40, tol=tol, which="LA", seed=0).eigenvalues[0].item())
    return np.array(found)


def pyhessian(model, x, t, tol=1e-3, steps=100):
    """By default its own defaults; it takes the parameters that require a gradient."""
    from pyhessian import hessian

    weights, found = [layer.weight for layer in linear_layers(model)], []
    for weight in weights:
        for p in model.parameters():
            p.requires_grad_(p is weight)
        data = (torch.from_numpy(x), torch.from_numpy(t))
        found.append(
            hessian(model, torch.nn.CrossEntropyLoss(), data=data, cuda=False).eigenvalues(
                maxIter=steps, tol=tol, top_n=1
            )[0][0]
        )
    for p in model.parameters():
        p.requires_grad_(True)
        p.grad = None
    return np.array(found)


OWN = {
    "gram": by_gram,
    "kept graph": kept_graph,
    "rebuilt": rebuilt,
    "gram, 1e-3": partial(by_gram, tol=1e-3),
    "kept graph, 1e-3": partial(kept_graph, tol=1e-3),
}
PEERS = {
    "curvlinops": ("curvlinops", curvlinops),
    "eigenthings": ("hessian_eigenthings", eigenthings),
    "PyHessian": ("pyhessian", pyhessian),
    "PyHessian, 1e-10": ("pyhessian", partial(pyhessian, tol=1e-10, steps=2000)),
}


def available() -> dict:
    found = dict(OWN)
    for name, (package, function) in PEERS.items():
        try:
            __import__(package)
            found[name] = function
        except ImportError as error:
            print(f"{name} is left out: {error}")
    return found


def compare(n: int, width: int, methods: dict, repetitions: int) -> None:
    model, x, t = case(n, width)
    wanted = kept_graph(model, x, t, tol=0)
    seconds, found = {name: [] for name in methods}, {}
    for _ in range(repetitions):
        for name, method in methods.items():
            start = time.perf_counter()
            found[name] = method(model, x, t)
            seconds[name].append(time.perf_counter() - start)
    reference = statistics.median(seconds["gram"])
    print(f"\n784-{width}-{width}-10, N = {n}, all three layers, {torch.get_num_threads()} thread(s)")
    for name in methods:
        median = statistics.median(seconds[name])
        error = np.abs(found[name] / wanted - 1).max()
        print(f"  {name:16} {median:8.3f} s   × {median / reference:5.1f}   largest relative error {error:.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--only-main", action="store_true", help="leave out the curves")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)  # PyHessian draws its vectors in the default type
    warnings.filterwarnings("ignore", message="Using backward.. with create_graph=True")  # PyHessian's own way
    compare(512, 256, available(), arguments.repetitions)
    if not arguments.only_main:
        own = {name: OWN[name] for name in ("gram", "kept graph")}
        for n in (64, 128, 256, 1024):
            compare(n, 256, own, arguments.repetitions)
        for width in (64, 128, 512):
            compare(512, width, own, arguments.repetitions)


if __name__ == "__main__":
    main()
