"""Chapter 6, training: many small stacks of LDLT layers at once, and what compares them fairly.

A *setting* is an optimizer, an initialization scale, a depth and a learning rate; a *run* is a setting and a seed.
The runs of one setting are trained together: every weight carries a leading axis of seeds, so that one batched
Cholesky factorization serves all of them. They never exchange a number, and a run does not depend on its company.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from course_utils.theory.networks import Array, check_array, check_number, check_size

if TYPE_CHECKING:
    import torch

#: Names of the initialization scales and their factor σ√n, n being the inputs of a layer (claim ldlt/higgs).
SCALES = {"1/sqrt(n)": 1.0, "sqrt(2/n)": sqrt(2), "10/sqrt(n)": 10.0}
OPTIMIZERS = ("SGD", "Adam", "AdamW", "RMSprop")
MOMENTUM = 0.9  # of SGD; everything else is torch's default
FOLDS = 10
TEST_FOLDS, VALIDATION_FOLDS = 1, 2
DIVERGED = 1e6  # beyond it αI is lost in WᵀW to rounding, and nothing is learned any more


class Setting(NamedTuple):
    """What is compared; ``scale`` is one of :data:`SCALES`, ``rate`` the learning rate."""

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


class Run(NamedTuple):
    """How one run ended; losses are mean cross-entropies in nats, infinite where training diverged."""

    setting: Setting
    seed: int
    train_loss: float
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

    So ten seeds in a row test on every row once, and no run has seen its test rows. The folds are those of a fixed
    random order; rows left over by ten equal folds are used for training only.

    Args:
        rows: number of rows, at least 10.
        seeds: s of them.

    Returns:
        Index arrays of shapes (s, rows of that part).

    Raises:
        ValueError, TypeError: if there are too few rows, or a seed is not a whole number ≥ 0.
    """
    rows = check_size("rows", rows)
    if rows < FOLDS:
        raise ValueError(f"rows must be at least {FOLDS}, one for each fold, got {rows}")
    order, size = np.random.default_rng(0).permutation(rows), rows // FOLDS
    folds, rest = order[: FOLDS * size].reshape(FOLDS, size), order[FOLDS * size :]
    parts = [], [], []
    for seed in seeds:
        turned = np.roll(folds, -_check_seed(seed), axis=0)
        cut = TEST_FOLDS + VALIDATION_FOLDS
        parts[0].append(np.concatenate([turned[cut:].ravel(), rest]))
        parts[1].append(turned[TEST_FOLDS:cut].ravel())
        parts[2].append(turned[:TEST_FOLDS].ravel())
    return Parts(*(np.array(part) for part in parts))


class Stacks:
    """One network for each seed: ``depth`` LDLT layers of ``width`` neurons with ReLU, then a linear readout.

    Weights of a layer with n inputs are normal with deviation factor/√n, biases 0, the readout's deviation is
    1/√width. Seeds draw the same standard normals at every scale: comparisons are paired.

    Args:
        rngs: one generator for each of s seeds.
        inputs, classes: sizes at both ends.
        depth: number of LDLT layers.
        factor: σ√n.
    """

    def __init__(
        self, rngs: list, inputs: int, classes: int, depth: int, factor: float, recipe: Recipe = Recipe()
    ) -> None:
        import torch

        n = recipe.width

        def normal(*shape: int) -> torch.Tensor:
            draws = np.stack([rng.standard_normal(shape) for rng in rngs])
            return torch.from_numpy(draws / sqrt(shape[-1]))

        self.recipe = recipe
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
        from course_utils.theory.ldlt_layer import ldlt_matrix

        alpha, gamma = self.recipe.alpha, self.recipe.gamma
        layers = [ldlt_matrix(self.first, alpha, gamma, "cholesky")]
        if self.hidden.shape[1]:
            layers += ldlt_matrix(self.hidden, alpha, gamma, "cholesky").unbind(1)
        for layer, bias in zip(layers, self.biases.unbind(1), strict=True):
            x = (x @ layer.mT + bias).relu()
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


def train(x: Array, y: Array, setting: Setting, seeds: Sequence[int], recipe: Recipe = Recipe()) -> list[Run]:
    """Train one setting for all seeds at once; each result is what training that seed alone gives.

    Args:
        x: rows, shape (rows, inputs); columns are standardised as measured on each seed's training rows.
        y: classes 0, 1, …, shape (rows,).
        setting, recipe: see there. A last incomplete batch of an epoch is left out.
        seeds: whole numbers ≥ 0: each its own initialization, order of rows and test fold.

    Raises:
        ValueError, TypeError: if something is not among the choices or does not fit, naming it.
    """
    import torch

    x, y = check_array("x", x, 2), check_array("y", y, 1).astype(np.int64)
    _check(x, y, setting, recipe)
    parts = fold_rows(len(x), seeds)
    if parts.train.shape[1] < recipe.batch:
        raise ValueError(f"batch must be at most the {parts.train.shape[1]} training rows, got {recipe.batch}")
    rows, labels = _standardised(x, parts), Parts(*(torch.from_numpy(y[part]) for part in parts))
    rngs = [np.random.default_rng([20_260_613, seed]) for seed in seeds]
    stacks = Stacks(rngs, x.shape[1], int(y.max()) + 1, setting.depth, SCALES[setting.scale], recipe)
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
        logits = Parts(*(stacks(part) for part in rows))
        losses = [_loss(z, t).masked_fill(diverged, torch.inf).numpy() for z, t in zip(logits, labels, strict=True)]
        accuracy = (logits.test.argmax(-1) == labels.test).double().mean(1).numpy()
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
    if setting.optimizer not in OPTIMIZERS:
        raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, got {setting.optimizer!r}")
    if setting.scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}, got {setting.scale!r}")
    check_size("depth", setting.depth)
    check_number("rate", setting.rate, above=0)
    for name in ("width", "epochs", "batch"):
        check_size(name, getattr(recipe, name))
    for name in ("alpha", "gamma"):
        check_number(name, getattr(recipe, name), above=0)


def _check_seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"seed must be a whole number, got {seed!r}")
    if seed < 0:
        raise ValueError(f"seed must be at least 0, got {seed}")
    return int(seed)


# --- a stack at its random start ------------------------------------------------------------------


def stack_variances(
    depth: int, n: int, factor: float, draws: int, rng: np.random.Generator, gamma: float = 1.0
) -> Array:
    """Variance of the outputs after 0, 1, …, ``depth`` linear LDLT layers, α = 1, for random W and x ~ N(0, I).

    Given the weights it is ``‖P‖²_F / n`` for the product P of the layers: no input is drawn. Transposed, P carries
    gradients, and has the same norm: backwards the variance is the same (ldlt/unit-variance, ldlt/backward).

    Args:
        depth, n: layers, and the size n × n of each.
        factor: σ√n.
        draws: independent stacks.

    Returns:
        Array of shape (draws, depth + 1).

    Raises:
        ValueError, TypeError: if a size is not a positive whole number, or γ not positive.
    """
    import torch

    from course_utils.theory.ldlt_layer import ldlt_matrix

    depth, n, draws = check_size("depth", depth), check_size("n", n), check_size("draws", draws)
    gamma = check_number("gamma", gamma, above=0)
    product = torch.eye(n, dtype=torch.float64).expand(draws, n, n)
    variances = [torch.ones(draws, dtype=torch.float64)]
    for _ in range(depth):
        W = torch.from_numpy(factor / sqrt(n) * rng.standard_normal((draws, n, n)))
        product = ldlt_matrix(W, 1.0, gamma) @ product
        variances.append(product.square().sum((1, 2)) / n)
    return torch.stack(variances, dim=1).numpy()


class Gradients(NamedTuple):
    """Gradients of ``δᵀy`` at the first W of a linear stack; rows are draws, columns scales."""

    depth: int
    n: int
    factors: Array  # σ√n, shape (scales,)
    absolute: Array  # ‖∂/∂W‖_F
    relative: Array  # the same / ‖W‖_F


def first_gradients(
    factors: Sequence[float], depth: int, n: int, draws: int, rng: np.random.Generator, form: str = "symmetric"
) -> Gradients:
    """How large a gradient arrives at the first of ``depth`` layers n × n, for x, δ ~ N(0, I) and α = γ = 1.

    The same normals serve every scale (ldlt/saturation). ``form`` is that of :func:`ldlt_layer.ldlt_matrix`.

    Raises:
        ValueError, TypeError: if a size is not a positive whole number, or a factor not positive.
    """
    import torch

    from course_utils.theory.ldlt_layer import ldlt_matrix

    factors = np.array([check_number("factor", factor, above=0) for factor in factors])
    depth, n, draws = check_size("depth", depth), check_size("n", n), check_size("draws", draws)
    normals = torch.from_numpy(rng.standard_normal((depth, draws, n, n)) / sqrt(n))
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
    return Gradients(depth, n, factors, absolute, relative)


class Gain(NamedTuple):
    """A linear stack of n × n layers with a gain γ: its variance and its Lipschitz constant after each layer."""

    factor: float
    gamma: float
    one_layer: float  # variance of one layer at γ = 1
    depths: Array
    variance: Array
    lipschitz: Array  # γ^L, which no stack reaches
    depth: int  # the one that is marked


def gain(factor: float = 1.0, gamma: float = 1.0, depth: int = 8, n: int = 32, deepest: int = 16) -> Gain:
    """Exact variance ``(γ² v)^L`` and Lipschitz constant ``γ^L`` for L = 0 … ``deepest`` (α = 1, σ = factor/√n).

    Raises:
        ValueError, TypeError: if a size is not a positive whole number, or a number not positive.
    """
    from course_utils.theory.ldlt import exact_variance

    factor, gamma = check_number("factor", factor, above=0), check_number("gamma", gamma, above=0)
    depth, depths = check_size("depth", depth), np.arange(check_size("deepest", deepest) + 1)
    if depth > deepest:
        raise ValueError(f"depth must be at most {deepest}, got {depth}")
    v = exact_variance(n, n, factor**2 / n).value
    return Gain(factor, gamma, v, depths, (gamma**2 * v) ** depths, gamma**depths, depth)


# --- results of a sweep ---------------------------------------------------------------------------


#: The recorded sweep on HIGGS, with ten seeds (`python -m course_staff.sweep`).
RESULTS = Path(__file__).resolve().parents[1] / "data" / "higgs_sweep.csv"
FIELDS = (*Setting._fields, *Run._fields[1:])


class Results(NamedTuple):
    """Finished runs and how they were made: data, recipe, versions."""

    provenance: dict
    runs: list[Run]


def read_results(path: str | Path = RESULTS) -> Results:
    """A file of results; a last line that was cut short is ignored.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is not such a file, or a run appears twice.
    """
    path = Path(path)
    lines = path.read_bytes().decode("utf-8").split("\n")[:-1]  # what follows the last newline is not whole
    try:
        if len(lines) < 2 or not lines[0].startswith("# ") or lines[1] != ",".join(FIELDS):
            raise ValueError(f"expected a line of provenance and one of names, got {''.join(lines[:1])[:40]!r}")
        provenance, runs = json.loads(lines[0][2:]), [_parse(row) for row in csv.reader(lines[2:])]
    except ValueError as error:
        raise ValueError(f"{path.name} is not a file of results: {error}") from error
    if len({run.key for run in runs}) < len(runs):
        raise ValueError(f"{path.name} holds a run twice")
    return Results(provenance, runs)


def header(provenance: dict) -> str:
    """The two lines with which a file of results begins."""
    return f"# {json.dumps(provenance, ensure_ascii=False)}\n{','.join(FIELDS)}\n"


def lines(runs: Sequence[Run]) -> str:
    """Runs as lines of a file of results, losses and accuracies with six digits."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for run in runs:
        measured = (f"{value:.6g}" for value in run[2:])
        writer.writerow([*run.setting[:3], f"{run.setting.rate:g}", run.seed, *measured])
    return out.getvalue()


def _parse(row: list[str]) -> Run:
    if len(row) != len(FIELDS):
        raise ValueError(f"a line has {len(row)} fields, expected {len(FIELDS)}")
    optimizer, scale, depth, rate, seed, *measured = row
    return Run(Setting(optimizer, scale, int(depth), float(rate)), int(seed), *map(float, measured))


def at_best_rate(runs: Sequence[Run]) -> dict[tuple[str, str, int], list[Run]]:
    """Of each (optimizer, scale, depth) and seed the run whose rate did best on that seed's own validation rows.

    Returns:
        Lists in the order of the seeds. No choice has looked at test rows.
    """
    best: dict[tuple, dict[int, Run]] = {}
    for run in runs:
        chosen = best.setdefault(run.setting[:3], {})
        if run.seed not in chosen or run.validation_loss < chosen[run.seed].validation_loss:
            chosen[run.seed] = run
    return {key: [chosen[seed] for seed in sorted(chosen)] for key, chosen in best.items()}


class Comparison(NamedTuple):
    """One scale minus another, paired over seeds, with the 99 % Student-t interval of the mean."""

    optimizer: str
    depth: int
    differences: Array  # (seeds,)
    value: float
    low: float
    high: float

    @property
    def interval(self) -> tuple[float, float]:
        return self.low, self.high

    @property
    def sign(self) -> int:
        """1 or −1 where the interval lies on one side of 0, else 0."""
        return int(self.low > 0) - int(self.high < 0)


def compare(runs: Sequence[Run], one: str, other: str, field: str = "test_accuracy") -> list[Comparison]:
    """For each optimizer and depth the difference of ``field`` between two scales, each run at its best rate.

    Raises:
        ValueError: for a scale without runs, or scales whose seeds differ.
    """
    from course_utils.theory.initial_curvature import mean_interval

    best = at_best_rate(runs)
    found = []
    for optimizer, scale, depth in best:
        if scale != one:
            continue
        a, b = best[optimizer, one, depth], best.get((optimizer, other, depth), [])
        if [run.seed for run in a] != [run.seed for run in b]:
            raise ValueError(f"{optimizer}, depth {depth}: {one} and {other} must have the same seeds")
        difference = np.array([getattr(x, field) - getattr(y, field) for x, y in zip(a, b, strict=True)])
        mean = mean_interval(difference)
        found.append(Comparison(optimizer, depth, difference, mean.value, mean.low, mean.high))
    if not found:
        raise ValueError(f"scale must be one of those that were run, got {one!r}")
    return found


def pooled(comparisons: Sequence[Comparison]):
    """The mean of several comparisons with its 99 % interval: first the mean for each seed, then over seeds.

    Raises:
        ValueError: if there are none, or their numbers of seeds differ.
    """
    from course_utils.theory.initial_curvature import mean_interval

    if len({one.differences.size for one in comparisons}) != 1:
        raise ValueError(f"comparisons must be some with as many seeds each, got {len(comparisons)}")
    return mean_interval(np.mean([one.differences for one in comparisons], axis=0))


def in_points(mean) -> str:
    """A difference of accuracies with its interval, in hundredths: "+1.1 (-0.1 to +2.3) points"."""
    return f"{100 * mean.value:+.1f} ({100 * mean.low:+.1f} to {100 * mean.high:+.1f}) points"


def relabelled(runs: Sequence[Run], scale: str) -> list[Run]:
    """The same runs with another name for their scale, to compare them with runs of another recipe."""
    return [run._replace(setting=run.setting._replace(scale=scale)) for run in runs]


class RateCurves(NamedTuple):
    """Validation loss against learning rate for each scale; infinite where a run diverged."""

    optimizer: str
    depth: int
    rates: Array  # (r,)
    scales: tuple[str, ...]
    loss: Array  # (scales, r, seeds)

    def best(self, scale: int) -> int:
        """Index of the rate with the lowest mean loss."""
        return int(self.loss[scale].mean(axis=1).argmin())


def rate_curves(runs: Sequence[Run], optimizer: str = "Adam", depth: int = 2) -> RateCurves:
    """The runs of one optimizer and depth, ordered by scale, rate and seed.

    Raises:
        ValueError: if there are none, or a run is missing.
    """
    own = [run for run in runs if (run.setting.optimizer, run.setting.depth) == (optimizer, depth)]
    if not own:
        raise ValueError(f"there are no runs of {optimizer} at depth {depth}")
    scales = tuple(dict.fromkeys(run.setting.scale for run in own))
    rates, seeds = (sorted(set(values)) for values in ((r.setting.rate for r in own), (r.seed for r in own)))
    loss = {(run.setting.scale, run.setting.rate, run.seed): run.validation_loss for run in own}
    if len(loss) < len(scales) * len(rates) * len(seeds):
        raise ValueError(f"runs of {optimizer} at depth {depth} are missing: the sweep has not ended")
    table = [[[loss[scale, rate, seed] for seed in seeds] for rate in rates] for scale in scales]
    return RateCurves(optimizer, depth, np.array(rates), scales, np.array(table))
