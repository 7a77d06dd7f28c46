"""The sweeps of Chapter 6: optimizer × start × depth × learning rate × seed, on HIGGS and on digits.

    python -m course_staff.sweep FILE...                      rows of HIGGS in files
    python -m course_staff.sweep digits                       scikit-learn's 1797 digits
    python -m course_staff.sweep openml --rows 20000          scikit-learn's 98 050 rows of HIGGS
    python -m course_staff.sweep archive --scheduler tcp://…  all 11 million, on a Dask cluster

Every finished run is one line of the results file, on the disk before the next is taken. Stop it in any way and
start it again with the same command: finished runs are not run twice.

A start is a scale σ√n of 1, √2 (He) or 10, without a gain (γ = 1) or with √(2/v), which preserves the second moment
through LDLT and ReLU: six arms. What is compared was written down before the sweep ended:

* The measure is the accuracy on the test rows, looked at once, at the rate whose validation loss is lowest.
* On HIGGS, two contests, each pooled over both optimizers and all depths: He without a gain against 10/√n without
  (the review's), and against 10/√n with the gain (the start that does preserve).
* With 8 layers of SGD on digits, three: at each scale the gain against none.
* Everything else is a map: all 15 pairs of arms in each of four groups, {SGD, Adam} × {2 and 4 layers, 8 layers}, on
  either data set, the 60 intervals of a data set sharing 1 % of error.
  That 8 layers of SGD are apart was known, from a sweep of the first version on the same rows of HIGGS.

The sweep on digits left open what the gain does to 8 layers of SGD: its ten starts scatter too much. So that alone was
run again, the rate of each arm fixed at the sweep's best mean validation loss, on sixty new starts, six for each fold:

    for each arm and its rate: python -m course_staff.sweep digits --out course_utils/data/digits_again.csv
        --optimizers SGD --depths 8 --scales ARM --rates RATE --first 10 --seeds 70

Written down before it ran: the same measure, averaged over a fold's six starts, and two contests, the gain against none
at 1/√n and at He's scale. At 10/√n, where the sweep found 3 points, it is reported without a verdict.

Ten folds overlap in what they train on, and their plain interval is too short; all intervals are those of Nadeau and
Bengio (2003). Ten disjoint parts would be independent, but leave each run 375 rows of HIGGS to train on; there no
arm's validation loss gets below that of guessing (a pilot), and nothing could be compared.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from course_utils.data import higgs
from course_utils.experiments import ldlt_training as experiment
from course_utils.theory import ldlt_stacks

#: Seven half decades each; wide enough for the best rate of every start and depth that learns to lie inside.
RATES = {"SGD": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0), "Adam": (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)}

BEGINNING = b'# {"data": "'  # of every results file


def load(sources: list[str], rows: int | None) -> higgs.Higgs:
    """Rows of HIGGS, or the digits, in the same form."""
    if sources != ["digits"]:
        data = higgs.load(*sources, rows=rows)
        return data._replace(source=f"HIGGS, {data.source}")
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return higgs.Higgs(x[:rows], y[:rows].astype(np.int64), "scikit-learn's digits")


def plan(options: argparse.Namespace, done: set) -> list[tuple[ldlt_stacks.Setting, list[int]]]:
    """The settings with runs to do, each with its missing seeds."""
    settings = (
        ldlt_stacks.Setting(optimizer, scale, depth, rate)
        for optimizer, depth, scale in itertools.product(options.optimizers, options.depths, options.scales)
        for rate in options.rates or RATES[optimizer]
    )
    todo = (
        (setting, [s for s in range(options.first, options.seeds) if (*setting, s) not in done]) for setting in settings
    )
    return [(setting, seeds) for setting, seeds in todo if seeds]


def one_setting(
    x: np.ndarray, y: np.ndarray, setting: ldlt_stacks.Setting, seeds: list[int], recipe: ldlt_stacks.Recipe
) -> list[ldlt_stacks.Run]:
    """What a worker does, here or on another machine."""
    import torch

    torch.set_num_threads(1)  # the sweep is parallel already
    return ldlt_stacks.train_stacks(x, y, setting, seeds, recipe)


def finished(settings: list, data: higgs.Higgs, recipe: ldlt_stacks.Recipe, jobs: int, scheduler: str | None):
    """Yield the runs of each setting as it ends, in any order."""
    from joblib import Parallel, delayed, parallel_config

    with _cluster(scheduler):
        backend = {"backend": "dask"} if scheduler else {"backend": "loky", "n_jobs": jobs}
        with parallel_config(**backend):
            work = (delayed(one_setting)(data.x, data.y, setting, seeds, recipe) for setting, seeds in settings)
            yield from Parallel(return_as="generator_unordered", batch_size=1)(work)


@contextmanager
def _cluster(scheduler: str | None):
    if scheduler is None:
        yield
        return
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise SystemExit("--scheduler needs Dask: pip install 'course-utils[cluster]'") from None
    try:
        client = Client(scheduler, timeout=20)
    except (OSError, ValueError) as error:
        raise SystemExit(f"there is no Dask scheduler at {scheduler}: {error}") from None
    with client:
        yield


@contextmanager
def results_file(path: Path, provenance: dict):
    """The open file of results, ready for more lines, and the runs that it holds.

    A last line that was cut short is removed. Runs of other data or of another recipe are never mixed with these.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
    try:
        with suppress(ImportError):  # Windows: two sweeps on one file are then not noticed
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SystemExit(f"another sweep is writing to {path}") from None
        content = path.read_bytes()
        if content.count(b"\n") < 2 and (content.startswith(BEGINNING) or BEGINNING.startswith(content)):
            os.ftruncate(file, 0)  # new, or stopped before its first run
            append(file, experiment.header(provenance))
        try:
            found = experiment.read_results(path)
        except ValueError as error:
            raise SystemExit(f"{error}; nothing was changed") from None
        for name in ("rows", "sha256", "recipe"):
            if found.provenance.get(name) != provenance[name]:
                raise SystemExit(
                    f"{path} was made with {name} {found.provenance.get(name)}, not {provenance[name]}: "
                    "give another file with --out"
                )
        os.ftruncate(file, path.read_bytes().rfind(b"\n") + 1)
        yield file, found.runs
    finally:
        os.close(file)


def append(file: int, text: str) -> None:
    data = text.encode()
    while data:  # a write may be partial, and is then taken up
        data = data[os.write(file, data) :]
    os.fsync(file)


def provenance(data: higgs.Higgs, recipe: ldlt_stacks.Recipe) -> dict:
    """How the runs are made, as the results file keeps it; nothing in it names this machine."""
    import torch

    versions = {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__}
    return {
        "data": data.source,
        "rows": len(data.y),
        "larger_class": round(np.bincount(data.y).max() / len(data.y), 4),
        "sha256": data.fingerprint(),
        "recipe": recipe._asdict(),
        "versions": versions,
    }


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="+", help='files of HIGGS, "openml", "archive" or "digits"')
    parser.add_argument("--rows", type=int, help="use the first ROWS rows only")
    parser.add_argument("--out", type=Path, help="the results file; default: the recorded one of these data")
    parser.add_argument("--jobs", type=int, default=1, help="processes on this machine")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler, such as tcp://10.0.0.1:8786")
    parser.add_argument("--optimizers", nargs="+", choices=ldlt_stacks.OPTIMIZERS, default=ldlt_stacks.OPTIMIZERS)
    parser.add_argument("--scales", nargs="+", choices=tuple(ldlt_stacks.ARMS), default=tuple(ldlt_stacks.ARMS))
    parser.add_argument("--depths", nargs="+", type=int, default=(2, 4, 8))
    parser.add_argument("--rates", nargs="+", type=float, help="default: a grid for each optimizer")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first seed; default 0, so that --seeds counts them")
    recipes = ldlt_stacks.RECIPES
    for name, value in recipes["HIGGS"]._asdict().items():
        words = f"default {value}, on digits {getattr(recipes['digits'], name)}"
        parser.add_argument(f"--{name}", type=type(value), help=words)
    options = parser.parse_args(arguments)
    digits = options.source == ["digits"]
    defaults = recipes["digits" if digits else "HIGGS"]._asdict()
    for name, value in {**defaults, "out": experiment.DIGITS if digits else experiment.RESULTS}.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def main(arguments: list[str] | None = None) -> None:
    from tqdm import tqdm

    options = parse(arguments)
    try:
        data = load(options.source, options.rows)
    except (higgs.Unavailable, FileNotFoundError, ValueError) as error:
        raise SystemExit(str(error)) from None
    recipe = ldlt_stacks.Recipe(*(getattr(options, name) for name in ldlt_stacks.Recipe._fields))
    with results_file(options.out, provenance(data, recipe)) as (file, runs):
        todo = plan(options, {run.key for run in runs})
        missing = sum(len(seeds) for _, seeds in todo)
        print(f"{len(data.y)} rows of {data.source}; {len(runs)} runs are done, {missing} to do", file=sys.stderr)
        try:
            with tqdm(total=missing, unit="run", mininterval=1) as bar:
                for group in finished(todo, data, recipe, options.jobs, options.scheduler):
                    append(file, experiment.lines(group))
                    bar.update(len(group))
        except KeyboardInterrupt:
            raise SystemExit(f"stopped; the same command goes on from {options.out}") from None


if __name__ == "__main__":
    main()
