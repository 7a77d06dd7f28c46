"""Chapter 6's experiments on training: gains of stacks, and the results of a sweep, compared seed by seed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_number, check_size
from course_utils.theory.ldlt import exact_variance
from course_utils.theory.ldlt_stacks import Run, Setting
from course_utils.theory.statistics import mean_interval


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
    """Exact variance ``(γ² v)^L`` and Lipschitz constant ``γ^L`` for L = 0 … ``deepest`` (α = 1, σ = factor/√n)."""
    factor, gamma = check_number("factor", factor, above=0), check_number("gamma", gamma, above=0)
    depth, depths = check_size("depth", depth), np.arange(check_size("deepest", deepest) + 1)
    if depth > deepest:
        raise ValueError(f"depth must be at most {deepest}, got {depth}")
    v = exact_variance(check_size("n", n), n, factor**2 / n).value
    return Gain(factor, gamma, v, depths, (gamma**2 * v) ** depths, gamma**depths, depth)


#: The recorded sweeps on HIGGS and on digits, with ten seeds (`python -m course_staff.sweep`).
RESULTS, DIGITS = (Path(__file__).resolve().parents[1] / "data" / f"{name}_sweep.csv" for name in ("higgs", "digits"))

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
        mean = mean_interval(difference)
        found.append(Comparison(optimizer, depth, difference, mean.value, mean.low, mean.high))
    if not found:
        raise ValueError(f"scale must be one of those that were run, got {one!r}")
    return found


def pooled(comparisons: Sequence[Comparison]):
    """The mean of several comparisons with its 99 % interval: first the mean for each seed, then over seeds."""
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
