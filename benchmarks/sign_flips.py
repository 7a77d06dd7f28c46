"""Time and memory of Chapters 2 and 3 on very wide layers: `python benchmarks/sign_flips.py`.

Two ways to the same totals (flips, f − f0, |S1|, |S2|, |S1 ∪ S2|) under a random move, side by side in one
run:

    plain      W0 and W in memory
    in law     three numbers a neuron instead of 2d (`random_flips`)

and the exact worst case over the width. Times are medians over interleaved repetitions (one at 10⁷), peaks
are what a fresh process adds to its resident memory after the imports. `--widest` adds the plain version at
10⁷ neurons, which needs 12 GB.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time

import numpy as np

from course_utils.theory.sign_flips import FlipCounts, count_flips, random_flips
from course_utils.theory.worst_case import WORST_CASE_CONSTANT, worst_case_gap

D, B, TAU = 50, 3.0, 0.05
WIDTHS = (10**4, 10**5, 10**6, 10**7)
PLAIN_FITS = 10**6
X = np.full(D, D**-0.5)


def plain(m: int) -> FlipCounts:
    rng = np.random.default_rng(0)
    W0, W = rng.standard_normal((m, D)), rng.standard_normal((m, D))
    W *= B / np.linalg.norm(W)
    W += W0
    return count_flips(W0, W, X, rng.choice([-1.0, 1.0], m), TAU)


def in_law(m: int) -> FlipCounts:
    return random_flips(m, D, B, TAU, np.random.default_rng(0))


def worst(m: int):
    rng = np.random.default_rng(0)
    u, a = rng.standard_normal(m), rng.choice([-1.0, 1.0], m)
    start = time.perf_counter()
    return worst_case_gap(u, a, B), time.perf_counter() - start


WAYS = {"plain": plain, "in law": in_law}


def peak_mb(way: str, m: int) -> float:
    """Resident memory added by one call in a fresh process, in MB (ru_maxrss counts kB, on macOS bytes)."""
    command = [sys.executable, __file__, "--peak", way, str(m)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def print_peak(way: str, m: int) -> None:
    WAYS[way](10)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    WAYS[way](m)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(grown / (2**20 if sys.platform == "darwin" else 2**10))


def seconds(call, m: int) -> float:
    start = time.perf_counter()
    call(m)
    return time.perf_counter() - start


def main() -> None:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    parser.add_argument("--widest", action="store_true", help="run the plain version at 10⁷ neurons too")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peak", nargs=2, metavar=("WAY", "M"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        print_peak(options.peak[0], int(options.peak[1]))
        return

    fits = WIDTHS[-1] if options.widest else PLAIN_FITS
    # memory first: a fresh process inherits the peak of the one that started it
    peaks = {(way, m): peak_mb(way, m) for m in WIDTHS for way in WAYS if way != "plain" or m <= fits}

    print(f"random move, d = {D}, B = {B}, tau = {TAU}: seconds (median), times plain's speed, peak MB")
    print(f"{'m':>10}" + "".join(f"{way:>26}" for way in WAYS))
    for m in WIDTHS:
        ways = [way for way in WAYS if (way, m) in peaks]
        repeats = options.repeats if m < 10**7 else 1
        times = {way: [] for way in ways}
        for _ in range(repeats):
            for way in ways:
                times[way].append(seconds(WAYS[way], m))
        medians = {way: statistics.median(times[way]) for way in ways}
        line = f"{m:>10}"
        for way in WAYS:
            if way not in ways:
                line += f"{'does not fit':>26}"
                continue
            ratio = f"{medians['plain'] / medians[way]:.1f}x" if "plain" in ways else ""
            line += f"{medians[way]:>10.4f} {ratio:>6} {peaks[way, m]:>5.0f} MB"
        print(line, flush=True)

    print(f"\nexact worst case, B = {B}: seconds, gap / (B^(4/3) m^(1/3)), limit {WORST_CASE_CONSTANT:.4f}")
    for m in WIDTHS:
        runs = [worst(m) for _ in range(3)]
        found = runs[0][0]
        constant = found.gap / (B ** (4 / 3) * m ** (1 / 3))
        print(f"{m:>10} {statistics.median(t for _, t in runs):>10.4f} {constant:>10.4f}   k = {found.k}")


if __name__ == "__main__":
    main()
