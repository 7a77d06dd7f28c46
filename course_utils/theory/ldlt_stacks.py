"""Chapter 6: many small stacks of LDLT layers at once, trained and at their random start.

A *setting* is an optimizer, an initialization scale, a depth and a learning rate; a *run* is a setting and a seed.
The runs of one setting are trained together: every weight carries a leading axis of seeds, so that one batched
Cholesky factorization serves all of them. They never exchange a number, and a run does not depend on its company.

A trained layer is ``relu(γ L⁻¹W x + b)`` with ``LLᵀ = αI + WWᵀ``: the paper's ``γ W(αI + WᵀW)^(-1/2)`` with its outputs
rotated, in the Cholesky form that leaves the inputs alone. So rotating W's inputs rotates the layer's, and with ReLU
the mean square of a layer's outputs is exactly ``γ²v/2`` times that of its inputs, on average over W and for every
input, v being ``theory.ldlt.exact_variance`` (ldlt/activations). A *gain* of ``γ = √(2/v)`` makes the factor 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_choice, check_number, check_rng, check_size

if TYPE_CHECKING:
    import torch


#: Names of the initialization scales and their factor σ√n, n being the inputs of a layer (claim ldlt/higgs).
SCALES = {"1/sqrt(n)": 1.0, "sqrt(2/n)": sqrt(2), "10/sqrt(n)": 10.0}

#: What a stack starts from: name → (factor σ√n, whether each layer has the gain √(2/v)). Without it γ is the recipe's.
ARMS = {name + " gain" * gain: (factor, gain) for gain in (False, True) for name, factor in SCALES.items()}

#: Adam stands for its kind: AdamW and RMSprop, whose steps are made of the same running means, were one group with it.
OPTIMIZERS = ("SGD", "Adam")

MOMENTUM = 0.9  # of SGD; everything else is torch's default

FOLDS = 10

TEST_FOLDS, VALIDATION_FOLDS = 1, 2

DIVERGED = 1e6  # beyond it αI is lost in WᵀW to rounding, and nothing is learned any more


class Setting(NamedTuple):
    """What is compared; ``scale`` is one of :data:`ARMS`, ``rate`` the learning rate."""

    optimizer: str
    scale: str
    depth: int
    rate: float


class Recipe(NamedTuple):
    """What all runs have in common."""

    width: int = 32
    epochs: int = 12
    batch: int = 125
    alpha: float = 1.0
    gamma: float = 1.0


RECIPE = Recipe()

#: Those of the recorded sweeps, some 340 steps each.
RECIPES = {"HIGGS": Recipe(epochs=8), "digits": Recipe(batch=42)}


class Run(NamedTuple):
    """How one run ended; losses are mean cross-entropies in nats, infinite where training diverged."""

    setting: Setting
    seed: int
    validation_loss: float
    test_loss: float
    test_accuracy: float

    @property
    def key(self) -> tuple:
        return *self.setting, self.seed


class Parts(NamedTuple):
    """Rows for training, validation and testing of each seed: lists of index arrays of equal lengths."""

    train: Array
    validation: Array
    test: Array


def fold_rows(rows: int, seeds: Sequence[int]) -> Parts:
    """Seed s tests on fold s of ten, chooses its learning rate on the two next folds and trains on the other seven.

    So ten seeds in a row test on every row once, and no run has seen its test rows. But any two seeds share most of
    their training rows, so that their results are not independent: see ``experiments.ldlt_training.Comparison``. The
    folds are those of a fixed random order; rows left over by ten equal folds are used for training only. Shapes are
    (seeds, rows of that part).
    """
    rows = check_size("rows", rows)
    if rows < FOLDS:
        raise ValueError(f"rows must be at least {FOLDS}, one for each fold, got {rows}")
    order, size = np.random.default_rng(0).permutation(rows), rows // FOLDS
    folds, rest = order[: FOLDS * size].reshape(FOLDS, size), order[FOLDS * size :]
    parts = [], [], []
    for seed in seeds:
        turned = np.roll(folds, -check_size("seed", seed, 0), axis=0)
        cut = TEST_FOLDS + VALIDATION_FOLDS
        parts[0].append(np.concatenate([turned[cut:].ravel(), rest]))
        parts[1].append(turned[TEST_FOLDS:cut].ravel())
        parts[2].append(turned[:TEST_FOLDS].ravel())
    return Parts(*(np.array(part) for part in parts))


def layer_gains(widths: Sequence[int], factor: float, alpha: float = 1.0) -> list[float]:
    """The gains ``√(2/v)`` with which a stack of LDLT layers and ReLU keeps the mean square of its inputs.

    Args:
        widths: inputs of the first layer, then outputs of each; a layer with n inputs has σ = factor/√n.
    """
    from course_utils.theory.ldlt import exact_variance

    factor = check_number("factor", factor, above=0)
    shapes = zip(widths[1:], widths[:-1], strict=True)
    return [sqrt(2 / exact_variance(m, n, factor**2 / n, alpha).value) for m, n in shapes]


class Stacks:
    """One network for each seed: ``depth`` LDLT layers of ``width`` neurons, a ReLU after each, a linear readout.

    Weights of a layer with n inputs are normal with deviation σ = factor/√n, biases 0, the readout's deviation is
    1/√width. Each seed has its generator, and draws the same normals at every scale: comparisons are paired.
    """

    def __init__(
        self,
        rngs: list,
        inputs: int,
        classes: int,
        depth: int,
        factor: float,
        recipe: Recipe = RECIPE,
        gain: bool = False,
    ) -> None:
        import torch

        n = recipe.width

        def normal(*shape: int) -> torch.Tensor:
            draws = np.stack([rng.standard_normal(shape) for rng in rngs])
            return torch.from_numpy(draws / sqrt(shape[-1]))

        self.recipe = recipe
        self.gains = [recipe.gamma] * depth
        if gain:
            # Two shapes, whatever the depth.
            first, hidden = layer_gains([inputs, n, n], factor, recipe.alpha)
            self.gains = [first] + [hidden] * (depth - 1)
        self.first = normal(n, inputs) * factor
        self.hidden = normal(depth - 1, n, n) * factor
        self.biases = torch.zeros(len(rngs), depth, 1, n, dtype=torch.float64)
        self.readout = normal(classes, n)
        self.offset = torch.zeros(len(rngs), 1, classes, dtype=torch.float64)
        for parameter in self.parameters():
            parameter.requires_grad_()

    def parameters(self) -> list[torch.Tensor]:
        return [self.first, self.hidden, self.biases, self.readout, self.offset]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of shape (s, rows, classes) for x of shape (s, rows, inputs)."""
        layers = [contraction(self.first, self.recipe.alpha)]
        if self.hidden.shape[1]:
            layers += contraction(self.hidden, self.recipe.alpha).unbind(1)
        for layer, gamma, bias in zip(layers, self.gains, self.biases.unbind(1), strict=True):
            x = (gamma * (x @ layer.mT) + bias).relu()
        return x @ self.readout.mT + self.offset

    def stop_diverged(self) -> torch.Tensor:
        """Which seeds have diverged, shape (s,); their weights become 0, so that the others can go on."""
        import torch

        with torch.no_grad():
            size = torch.stack([p.flatten(1).abs().amax(1) for p in self.parameters() if p.numel()])
            diverged = ~(size.amax(0) < DIVERGED)  # also true of NaN
            if diverged.any():
                for parameter in self.parameters():
                    parameter[diverged] = 0
        return diverged


def contraction(W: torch.Tensor, alpha: float) -> torch.Tensor:
    """``L⁻¹W`` with ``LLᵀ = αI + WWᵀ``, shape as W; rotating the inputs of W rotates those of the layer."""
    import torch

    identity = torch.eye(W.shape[-2], dtype=W.dtype)
    return torch.linalg.solve_triangular(torch.linalg.cholesky(W @ W.mT + alpha * identity), W, upper=False)


def train_stacks(x: Array, y: Array, setting: Setting, seeds: Sequence[int], recipe: Recipe = RECIPE) -> list[Run]:
    """Train one setting for all seeds at once; each result is what training that seed alone gives.

    Args:
        x: rows, shape (rows, inputs); columns are standardised as measured on each seed's training rows.
        y: classes 0, 1, …, shape (rows,).
        setting, recipe: see there. A last incomplete batch of an epoch is left out.
        seeds: whole numbers ≥ 0: each its own initialization, order of rows and test fold.
    """
    import torch

    x, y = check_array("x", x, 2), check_array("y", y, 1).astype(np.int64)
    _check(x, y, setting, recipe)
    parts = fold_rows(len(x), seeds)
    if parts.train.shape[1] < recipe.batch:
        raise ValueError(f"batch must be at most the {parts.train.shape[1]} training rows, got {recipe.batch}")
    rows, labels = _standardised(x, parts), Parts(*(torch.from_numpy(y[part]) for part in parts))
    rngs = [np.random.default_rng([20_260_613, seed]) for seed in seeds]
    factor, gain = ARMS[setting.scale]
    stacks = Stacks(rngs, x.shape[1], int(y.max()) + 1, setting.depth, factor, recipe, gain)
    optimizer = _optimizer(setting, stacks.parameters())
    at = torch.arange(len(seeds))[:, None]
    steps = parts.train.shape[1] // recipe.batch
    diverged = torch.zeros(len(seeds), dtype=torch.bool)
    for _ in range(recipe.epochs):
        order = torch.from_numpy(np.stack([rng.permutation(parts.train.shape[1]) for rng in rngs]))
        for batch in order[:, : steps * recipe.batch].split(recipe.batch, dim=1):
            optimizer.zero_grad()
            # The sum over seeds: the gradient of each seed's weights is that of its own mean loss.
            _loss(stacks(rows.train[at, batch]), labels.train[at, batch]).sum().backward()
            optimizer.step()
            diverged |= stacks.stop_diverged()
    with torch.no_grad():
        logits = stacks(rows.validation), stacks(rows.test)
        losses = [
            _loss(z, t).masked_fill(diverged, torch.inf).numpy()
            for z, t in zip(logits, (labels.validation, labels.test), strict=True)
        ]
        accuracy = (logits[1].argmax(-1) == labels.test).double().mean(1).numpy()
    return [
        Run(setting, int(seed), *(float(loss[i]) for loss in losses), float(accuracy[i]))
        for i, seed in enumerate(seeds)
    ]


def _standardised(x: Array, parts: Parts) -> Parts:
    import torch

    mean, deviation = x[parts.train].mean(axis=1, keepdims=True), x[parts.train].std(axis=1, keepdims=True)
    deviation[deviation == 0] = 1  # a pixel that is never inked
    return Parts(*(torch.from_numpy((x[part] - mean) / deviation) for part in parts))


def _loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of each seed, shape (s,)."""
    import torch

    chosen = logits.log_softmax(-1).gather(-1, labels[..., None])
    return -torch.mean(chosen, dim=(1, 2))


def _optimizer(setting: Setting, parameters: list):
    import torch

    options = {"momentum": MOMENTUM} if setting.optimizer == "SGD" else {}
    return getattr(torch.optim, setting.optimizer)(parameters, lr=setting.rate, **options)


def _check(x: Array, y: Array, setting: Setting, recipe: Recipe) -> None:
    if len(x) != len(y):
        raise ValueError(f"x and y must have as many rows, got {len(x)} and {len(y)}")
    if y.min() < 0:
        raise ValueError(f"y must hold classes 0, 1, …, got {y.min()}")
    check_choice("optimizer", setting.optimizer, OPTIMIZERS)
    check_choice("scale", setting.scale, ARMS)
    check_size("depth", setting.depth)
    check_number("rate", setting.rate, above=0)
    for name in ("width", "epochs", "batch"):
        check_size(name, getattr(recipe, name))
    for name in ("alpha", "gamma"):
        check_number(name, getattr(recipe, name), above=0)


def stack_variances(
    depth: int, n: int, factor: float, draws: int, rng: np.random.Generator, gamma: float = 1.0
) -> Array:
    """Variance of the outputs after 0, 1, …, ``depth`` linear LDLT layers, α = 1, for random W and x ~ N(0, I).

    Given the weights it is ``‖P‖²_F / n`` for the product P of the n × n layers: no input is drawn. Transposed, P
    carries gradients, and has the same norm: backwards the variance is the same (ldlt/unit-variance, ldlt/backward).
    That a trained layer is the paper's with its outputs rotated does not show: the next W has no preferred direction.
    ``factor`` is σ√n; the shape is (draws, depth + 1), a row for each of the independent stacks.
    """
    import torch

    depth, n, draws = check_size("depth", depth), check_size("n", n), check_size("draws", draws)
    factor, gamma = check_number("factor", factor, at_least=0), check_number("gamma", gamma, above=0)
    rng = check_rng(rng)
    product = torch.eye(n, dtype=torch.float64).expand(draws, n, n)
    variances = [torch.ones(draws, dtype=torch.float64)]
    for _ in range(depth):
        W = torch.from_numpy(factor / sqrt(n) * rng.standard_normal((draws, n, n)))
        product = gamma * (contraction(W, 1.0) @ product)
        variances.append(product.square().sum((1, 2)) / n)
    return torch.stack(variances, dim=1).numpy()


def second_moments(
    depth: int, x: Array, width: int, factor: float, draws: int, rng: np.random.Generator, gain: bool = False
) -> Array:
    """Mean square of the components of ``x`` and after 1, …, ``depth`` LDLT layers with ReLU, α = 1, for random W.

    On average over W it is multiplied by ``γ²v/2`` at each layer, for every single x (ldlt/activations); with ``gain``
    by 1, for γ = √(2/v). ``x`` has shape (n,), ``factor`` is σ√n, the result has shape (draws, depth + 1).
    """
    import torch

    depth, width, draws = check_size("depth", depth), check_size("width", width), check_size("draws", draws)
    x, factor, rng = check_array("x", x, 1), check_number("factor", factor, above=0), check_rng(rng)
    widths = [x.size] + [width] * depth
    gammas = [1.0] * depth
    if gain:
        first, hidden = layer_gains([x.size, width, width], factor)
        gammas = [first] + [hidden] * (depth - 1)
    h = torch.from_numpy(np.broadcast_to(x[:, None], (draws, x.size, 1)).copy())
    moments = [np.full(draws, np.mean(x**2))]
    for n, m, gamma in zip(widths, widths[1:], gammas, strict=False):
        W = torch.from_numpy(factor / sqrt(n) * rng.standard_normal((draws, m, n)))
        L = torch.linalg.cholesky(W @ W.mT + torch.eye(m, dtype=W.dtype))
        h = gamma * torch.linalg.solve_triangular(L, W @ h, upper=False).relu()
        moments.append(h.square().mean((1, 2)).numpy())
    return np.stack(moments, axis=1)


class FirstGradients(NamedTuple):
    """Gradients of ``δᵀy`` at the first W of a linear stack; rows are draws, columns scales."""

    depth: int
    n: int
    factors: Array  # σ√n, shape (scales,)
    absolute: Array  # ‖∂/∂W‖_F
    relative: Array  # the same / ‖W‖_F


def first_gradients(
    factors: Sequence[float], depth: int, n: int, draws: int, rng: np.random.Generator, form: str = "symmetric"
) -> FirstGradients:
    """How large a gradient arrives at the first of ``depth`` layers n × n, for x, δ ~ N(0, I) and α = γ = 1.

    The same normals serve every scale (ldlt/saturation). ``form`` is that of ``ldlt_layer.ldlt_matrix``.
    """
    import torch

    from course_utils.theory.ldlt_layer import ldlt_matrix

    factors = np.array([check_number("factor", factor, above=0) for factor in factors])
    depth, n, draws = check_size("depth", depth), check_size("n", n), check_size("draws", draws)
    normals = torch.from_numpy(check_rng(rng).standard_normal((depth, draws, n, n)) / sqrt(n))
    x, delta = torch.from_numpy(rng.standard_normal((2, draws, n, 1)))
    absolute, relative = np.empty((2, draws, factors.size))
    for j, factor in enumerate(factors.tolist()):
        first = (factor * normals[0]).requires_grad_()
        with torch.no_grad():
            back = delta
            for layer in ldlt_matrix(factor * normals[1:], form=form).flip(0):
                back = layer.mT @ back
        (back * (ldlt_matrix(first, form=form) @ x)).sum().backward()
        absolute[:, j] = first.grad.flatten(1).norm(dim=1).numpy()
        relative[:, j] = absolute[:, j] / first.detach().flatten(1).norm(dim=1).numpy()
    return FirstGradients(depth, n, factors, absolute, relative)
