"""Chapter 6's experiments on training: gains of stacks, and the results of a sweep, compared seed by seed."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_array, check_choice, check_number, check_size
from course_utils.theory.ldlt import exact_variance
from course_utils.theory.ldlt_stacks import (
    ARMS,
    FOLDS,
    MOMENTUM,
    TEST_FOLDS,
    VALIDATION_FOLDS,
    Run,
    Setting,
    contraction,
)
from course_utils.theory.statistics import Interval


class Gain(NamedTuple):
    """A stack of n × n layers with a gain γ: its second moment and its Lipschitz constant after each layer."""

    factor: float
    gamma: float
    one_layer: float  # variance of one layer at γ = 1
    depths: Array
    variance: Array  # second moment of an output; without ReLU its mean is 0 and this is its variance
    lipschitz: Array  # γ^L, which no stack reaches
    depth: int  # the one that is marked
    activation: str = "none"


def gain(
    factor: float = 1.0, gamma: float = 1.0, depth: int = 8, n: int = 32, deepest: int = 16, activation: str = "none"
) -> Gain:
    """Exact second moment and Lipschitz constant ``γ^L`` for L = 0 … ``deepest`` (α = 1, σ = factor/√n).

    The moment is ``(γ² v)^L``, and ``(γ² v / 2)^L`` with a ReLU after every layer (ldlt/activations).
    """
    factor, gamma = check_number("factor", factor, above=0), check_number("gamma", gamma, above=0)
    depth, depths = check_size("depth", depth), np.arange(check_size("deepest", deepest) + 1)
    check_choice("activation", activation, KEPT)
    if depth > deepest:
        raise ValueError(f"depth must be at most {deepest}, got {depth}")
    v = exact_variance(check_size("n", n), n, factor**2 / n).value
    moments = (KEPT[activation] * gamma**2 * v) ** depths
    return Gain(factor, gamma, v, depths, moments, gamma**depths, depth, activation)


#: Share of the second moment that an activation keeps of a variable as often positive as negative.
KEPT = {"none": 1.0, "ReLU": 0.5}

_DATA = Path(__file__).resolve().parents[1] / "data"
#: The recorded sweeps on HIGGS and on digits with ten seeds, and 8 layers of SGD on digits again with sixty new ones
#: (`python -m course_staff.sweep`).
RESULTS, DIGITS, AGAIN = (_DATA / f"{name}.csv" for name in ("higgs_sweep", "digits_sweep", "digits_again"))

FIELDS = (*Setting._fields, *Run._fields[1:])


class Results(NamedTuple):
    """Finished runs and how they were made: data, recipe, versions."""

    provenance: dict
    runs: list[Run]


def read_results(path: str | Path = RESULTS) -> Results:
    """A file of results; a last line that was cut short is ignored."""
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
    """Runs as lines of a file of results, losses and accuracies with four digits."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for run in runs:
        measured = (f"{value:.4g}" for value in run[2:])
        writer.writerow([*run.setting[:3], f"{run.setting.rate:g}", run.seed, *measured])
    return out.getvalue()


def _parse(row: list[str]) -> Run:
    if len(row) != len(FIELDS):
        raise ValueError(f"a line has {len(row)} fields, expected {len(FIELDS)}")
    optimizer, scale, depth, rate, seed, *measured = row
    return Run(Setting(optimizer, scale, int(depth), float(rate)), int(seed), *map(float, measured))


def at_best_rate(runs: Sequence[Run]) -> dict[tuple[str, str, int], list[Run]]:
    """Of each (optimizer, scale, depth), seed by seed, the run whose rate did best on that seed's validation rows."""
    best: dict[tuple, dict[int, Run]] = {}
    for run in runs:
        chosen = best.setdefault(run.setting[:3], {})
        if run.seed not in chosen or run.validation_loss < chosen[run.seed].validation_loss:
            chosen[run.seed] = run
    return {key: [chosen[seed] for seed in sorted(chosen)] for key, chosen in best.items()}


def by_rate(runs: Sequence[Run], optimizer: str, scale: str, depth: int) -> tuple[Array, Array]:
    """Validation losses and test accuracies of one start, each of shape (rates, seeds).

    Raises:
        ValueError: where a rate lacks a seed, or there is no run at all.
    """
    own = {(run.setting.rate, run.seed): run for run in runs if run.setting[:3] == (optimizer, scale, depth)}
    rates, seeds = (sorted(set(values)) for values in ([rate for rate, _ in own], [seed for _, seed in own]))
    if not own or len(own) < len(rates) * len(seeds):
        raise ValueError(f"runs of {optimizer} at depth {depth} from {scale} are missing")
    table = np.array([[(own[r, s].validation_loss, own[r, s].test_accuracy) for s in seeds] for r in rates])
    return table[..., 0], table[..., 1]


def overlap_interval(values: Array, confidence: float = 0.99) -> Interval:
    """The mean over seeds whose training rows overlap, with the interval of Nadeau and Bengio.

    Folds share most of their training rows, so that a Student-t interval of their plain mean is too short. Its length
    is multiplied by ``√(1 + J · test rows / training rows)``, √(1 + 10/7) = 1.56 for J = 10 seeds. That is an
    approximation (Machine Learning 52, 2003); an exact interval is not known. Where luck in training counts as much as
    luck in the test, it misses the truth in 5 % of all cases, and the plain one in 18 %.
    """
    values = check_array("values", values, 1)
    if values.size < 2:
        raise ValueError(f"values must be those of at least 2 seeds, got {values.size}")
    share = TEST_FOLDS / (FOLDS - TEST_FOLDS - VALIDATION_FOLDS)
    error = float(values.std(ddof=1)) * math.sqrt(1 / values.size + share)
    return Interval.t(float(values.mean()), error, values.size).at(confidence)


class Comparison(NamedTuple):
    """One scale minus another, paired over seeds, with the 99 % interval for overlapping folds."""

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
    """For each optimizer and depth the difference of ``field`` between two scales, each run at its best rate."""
    best = at_best_rate(runs)
    found = []
    for optimizer, scale, depth in best:
        if scale != one:
            continue
        a, b = best[optimizer, one, depth], best.get((optimizer, other, depth), [])
        if [run.seed for run in a] != [run.seed for run in b]:
            raise ValueError(f"{optimizer}, depth {depth}: {one} and {other} must have the same seeds")
        difference = np.array([getattr(x, field) - getattr(y, field) for x, y in zip(a, b, strict=True)])
        found.append(Comparison(optimizer, depth, difference, *overlap_interval(difference)))
    if not found:
        raise ValueError(f"scale must be one of those that were run, got {one!r}")
    return found


def pooled(comparisons: Sequence[Comparison]) -> Interval:
    """The mean of several comparisons with its 99 % interval: first the mean for each seed, then over seeds."""
    if len({one.differences.size for one in comparisons}) != 1:
        raise ValueError(f"comparisons must be some with as many seeds each, got {len(comparisons)}")
    return overlap_interval(np.mean([one.differences for one in comparisons], axis=0))


#: Groups of settings, written down before the sweep ended (see ``course_staff.sweep``): name → (optimizer, depths).
GROUPS = {
    "SGD, 2 and 4 layers": ("SGD", (2, 4)),
    "SGD, 8 layers": ("SGD", (8,)),
    "Adam, 2 and 4 layers": ("Adam", (2, 4)),
    "Adam, 8 layers": ("Adam", (8,)),
}


class Pair(NamedTuple):
    """One arm minus another in one group; all intervals of a map hold together with 99 %."""

    group: str
    one: str
    other: str
    difference: Interval

    @property
    def winner(self) -> str:
        """The better arm, or "" where the interval holds 0."""
        return self.one if self.difference.low > 0 else self.other if self.difference.high < 0 else ""

    @property
    def loser(self) -> str:
        return "" if not self.winner else self.other if self.winner == self.one else self.one

    @property
    def lead(self) -> Interval:
        """The difference the other way round where ``other`` is the better arm."""
        value, low, high = self.difference
        if self.winner != self.other:
            return self.difference
        kept = {name: getattr(self.difference, name) for name in ("repetitions", "confidence", "error")}
        return Interval(-value, -high, -low, **kept)


def all_pairs(runs: Sequence[Run]) -> list[Pair]:
    """All pairs of arms in all four groups, in test accuracy; their intervals share an error of 1 % (Bonferroni)."""
    pairs = [(group, *both) for group in GROUPS for both in itertools.combinations(ARMS, 2)]
    found = []
    for group, one, other in pairs:
        optimizer, depths = GROUPS[group]
        own = [c for c in compare(runs, one, other) if c.optimizer == optimizer and c.depth in depths]
        found.append(Pair(group, one, other, pooled(own).at(1 - 0.01 / len(pairs))))
    return found


def fold_means(runs: Sequence[Run], arm: str) -> Array:
    """Mean test accuracy of all runs of an arm that share a test fold, shape (10,): several starts for each fold.

    Raises:
        ValueError: for runs of more than one optimizer, depth or rate, and where a fold has fewer than another.
    """
    own = [run for run in runs if run.setting.scale == arm]
    if len({run.setting for run in own}) != 1:
        raise ValueError(f"runs of {arm!r} must be those of one setting, got {len({run.setting for run in own})}")
    folds = [[run.test_accuracy for run in own if run.seed % FOLDS == fold] for fold in range(FOLDS)]
    if len({len(fold) for fold in folds}) != 1:
        raise ValueError(f"every fold must have as many runs, got {[len(fold) for fold in folds]}")
    return np.mean(folds, axis=1)


class Accuracies(NamedTuple):
    """Test accuracies of every arm for each optimizer and depth, each seed at its best rate."""

    name: str
    settings: list[tuple[str, int]]
    arms: tuple[str, ...]
    values: Array  # (settings, arms, seeds)
    larger_class: float  # what always naming the most frequent class reaches


def accuracies(name: str, results: Results) -> Accuracies:
    """The table behind every comparison of a sweep; ``name`` is that of the data.

    Raises:
        ValueError: where an arm is missing for an optimizer and a depth.
    """
    best = at_best_rate(results.runs)
    settings = sorted({(o, d) for o, _, d in best}, key=lambda one: (one[0] != "SGD", one))
    if missing := [(o, s, d) for o, d in settings for s in ARMS if (o, s, d) not in best]:
        raise ValueError(f"runs are missing: there are none of {missing[0]}")
    table = [[[run.test_accuracy for run in best[o, s, d]] for s in ARMS] for o, d in settings]
    return Accuracies(name, settings, tuple(ARMS), np.array(table), results.provenance["larger_class"])


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
    """The runs of one optimizer and depth, ordered by scale, rate and seed."""
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


class Signal(NamedTuple):
    """One signal on its way through a stack of n × n LDLT layers with a ReLU after each."""

    factor: float
    gamma: float
    components: Array  # (depth + 1, n): what came in, and after each layer

    @property
    def left(self) -> float:
        """Share of the mean square that is left at the end."""
        return float(np.mean(self.components[-1] ** 2) / np.mean(self.components[0] ** 2))

    @property
    def guarantee(self) -> float:
        """The Lipschitz constant that the stack guarantees."""
        return self.gamma ** (len(self.components) - 1)


def signal(factor: float = 1.0, gamma: float = 1.0, depth: int = 8, n: int = 32, seed: int = 3) -> Signal:
    """The same input and the same normals for every scale and gain: σ = factor/√n, α = 1."""
    import torch

    from course_utils.theory.ldlt_layer import ldlt_matrix  # imports torch

    factor, gamma = check_number("factor", factor, above=0), check_number("gamma", gamma, above=0)
    rng = np.random.default_rng(seed)
    h = rng.standard_normal(check_size("n", n))
    components = [h]
    for _ in range(check_size("depth", depth)):
        W = factor / math.sqrt(n) * rng.standard_normal((n, n))
        h = np.maximum(ldlt_matrix(torch.from_numpy(W), 1.0, gamma).numpy() @ h, 0)
        components.append(h)
    return Signal(factor, gamma, np.array(components))


#: Rows of the narrow digits that stacks of a price are trained on, and those that are hidden from them.
SHOWN, HIDDEN = 500, 400


def narrow_digits() -> tuple[Array, Array]:
    """Digits of 8 × 4 pixels, each the mean of two neighbours, and their labels: shapes (900, 32) and (900,).

    In a fixed random order; the first :data:`SHOWN` are for training and the others hidden. Pixels are centred, and all
    divided by one number.
    """
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))[: SHOWN + HIDDEN]
    x = x[order].reshape(-1, 32, 2).mean(axis=2)
    x = x - x[:SHOWN].mean(axis=0)
    return x / x[:SHOWN].std(), y[order]


def deep_start(seed: int, depth: int = 8, n: int = 32, classes: int = 10) -> tuple[Array, Array]:
    """Weights (depth, n, n) and readout (classes, n) of a stack, normal with the deviation 1/√n."""
    draws = np.random.default_rng(seed).standard_normal((depth * n + classes, n)) / math.sqrt(n)
    return draws[: depth * n].reshape(depth, n, n), draws[depth * n :]


class Priced(NamedTuple):
    """Stacks with ReLU trained at several prices γ^L, all from the same starts; arrays have shape (prices, seeds)."""

    prices: Array  # (prices,)
    accuracy: dict[str, Array]  # by optimizer: share of hidden rows named right
    product: Array  # of the layers' norms, trained by Adam
    steepest: Array  # largest norm of the derivative at a hidden row, trained by Adam
    yours: Array | None = None  # (prices,): accuracy of a stack that the reader trained


#: Learning rates of :func:`priced`, which decide little (80 steps, all rows at once).
RATES = {"SGD": 0.1, "Adam": 0.01}


def priced(prices: Sequence[float] = (1, 4, 16, 770), seeds: Sequence[int] = (0, 1, 2), steps: int = 80) -> Priced:
    """Train 8 layers at each price with both optimizers on the shown digits, and look at the hidden ones."""
    found = {
        name: np.array([[_train_priced(price, name, seed, steps) for seed in seeds] for price in prices])
        for name in RATES
    }
    accuracy = {name: values[..., 0] for name, values in found.items()}
    return Priced(np.array(prices, float), accuracy, found["Adam"][..., 1], found["Adam"][..., 2])


def _train_priced(price: float, name: str, seed: int, steps: int) -> tuple[float, float, float]:
    """Accuracy, product of norms and steepest slope of one stack."""
    import torch

    x, y = narrow_digits()
    W, readout = deep_start(seed)
    gamma = price ** (1 / len(W))
    options = {"momentum": MOMENTUM} if name == "SGD" else {}
    W, readout = train_stack(x[:SHOWN], y[:SHOWN], W, gamma, readout, name, steps, lr=RATES[name], **options)
    layers = gamma * contraction(W, 1.0)
    product = float(torch.linalg.matrix_norm(layers, 2).prod())
    return hidden_accuracy(W, gamma, readout), product, steepest_slope(torch.from_numpy(x[SHOWN:]), layers)


def train_stack(x: Array, y: Array, W: Array, gamma: float, readout: Array, optimizer: str, steps: int, **options):
    """Train a stack with ReLU on all rows at once, by an optimizer of ``torch.optim`` with these options.

    x (rows, n), y (rows,) labels; W and readout as of :func:`deep_start`. Returns both, trained, as tensors.
    """
    import torch

    x, y = torch.as_tensor(x), torch.as_tensor(y)
    W, readout = (torch.tensor(start, requires_grad=True) for start in (W, readout))
    descent = getattr(torch.optim, optimizer)([W, readout], **options)
    for _ in range(steps):
        descent.zero_grad()
        h = x
        for layer in gamma * contraction(W, 1.0):
            h = (h @ layer.mT).relu()
        torch.nn.functional.cross_entropy(h @ readout.mT, y).backward()
        descent.step()
    return W.detach(), readout.detach()


def steepest_slope(x, layers) -> float:
    """The largest spectral norm of the derivative of a stack with ReLU at a row of ``x``; torch tensors."""
    import torch

    slopes = torch.eye(x.shape[1], dtype=x.dtype)
    for layer in layers:
        x = x @ layer.mT
        slopes = (x > 0)[:, :, None] * (layer @ slopes)
        x = x.relu()
    return float(torch.linalg.matrix_norm(slopes, 2).max())


def hidden_accuracy(W: Array, gamma: float, readout: Array) -> float:
    """Share of the hidden digits that a stack names right; arrays or tensors, shapes as of :func:`deep_start`."""
    import torch

    x, y = narrow_digits()
    h = torch.from_numpy(x[SHOWN:])
    for layer in gamma * contraction(torch.as_tensor(W).detach().double(), 1.0):
        h = (h @ layer.mT).relu()
    found = (h @ torch.as_tensor(readout).detach().double().mT).argmax(1).numpy()
    return float(np.mean(found == y[SHOWN:]))


def _trained_by(train, price: float, seed: int = 0) -> tuple:
    """What the reader's ``train`` makes of a start at a price: weights, γ and readout."""
    x, y = narrow_digits()
    W, readout = deep_start(seed)
    gamma = price ** (1 / len(W))
    W, readout = train(x[:SHOWN], y[:SHOWN], W, gamma, readout)
    return W, gamma, readout


def accuracy_of(train, prices: Sequence[float]) -> Array:
    """Accuracy on the hidden digits of stacks that ``train`` has trained, one for each price."""
    return np.array([hidden_accuracy(*_trained_by(train, price)) for price in prices])


def slopes_of(train, slopes, price: float) -> tuple[float, ...]:
    """What ``slopes`` says of a stack that ``train`` has trained, at the hidden digits."""
    W, gamma, _ = _trained_by(train, price)
    return tuple(float(value) for value in slopes(narrow_digits()[0][SHOWN:], W, gamma))
