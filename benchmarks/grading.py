"""Solved notebooks of chapter 1 graded by the course's grader and by nbgrader: `python benchmarks/grading.py`.

Both grade the same notebooks in one run on the same machine, first ours with two processes, then `nbgrader autograde`,
which takes one notebook after the other; both times include the start of the command. The marks of both are compared.
Then ours alone for growing classes, which shows what a class costs: a start, and a time for each notebook.
"""

import argparse
import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHAPTER = "01_taylor_bounds"
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONPATH": str(ROOT),
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
}


def timed(command: list[str], folder: Path) -> float:
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:6])} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return time.perf_counter() - begun


def submit(folder: Path, count: int) -> list[str]:
    """`count` solved notebooks in nbgrader's layout; each has a number in it, so that no two are one file."""
    students = [f"s{number:04}" for number in range(count)]
    notebook = json.loads((ROOT / "solutions" / f"{CHAPTER}.ipynb").read_text())
    for number, student in enumerate(students):
        notebook["metadata"]["number"] = number
        path = folder / "submitted" / student / CHAPTER / f"{CHAPTER}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook))
    (folder / "roster.csv").write_text("student_id\n" + "\n".join(students) + "\n")
    return students


def ours(folder: Path, jobs: int) -> tuple[float, list[float]]:
    out = folder / "grades"
    options = {"--roster": folder / "roster.csv", "--out": out, "--chapter": "01", "--jobs": jobs}
    words = (folder / "submitted", *(word for option in options.items() for word in option))
    seconds = timed([sys.executable, "-m", "grader", *map(str, words)], ROOT)
    results = [json.loads(path.read_text()) for path in sorted(out.glob("results/*/*.json"))]
    print(
        f"ours, {len(results)} notebooks, {jobs} processes: {seconds:.1f} s, in the worker a median of "
        f"{statistics.median(result['seconds'] for result in results):.2f} s each",
        flush=True,
    )
    return seconds, [result["points"] for result in results]


def nbgrader(folder: Path) -> tuple[float, list[float]]:
    source = folder / "source" / CHAPTER / f"{CHAPTER}.ipynb"
    source.parent.mkdir(parents=True)
    shutil.copy(ROOT / "solutions" / source.name, source)
    (folder / "nbgrader_config.py").write_text(f"c = get_config()\nc.CourseDirectory.root = {str(folder)!r}\n")
    command = [sys.executable, "-m", "nbgrader"]
    timed([*command, "generate_assignment", CHAPTER], folder)
    seconds = timed([*command, "autograde", CHAPTER], folder)
    timed([*command, "export", "--to", "marks.csv"], folder)
    with open(folder / "marks.csv") as file:
        points = [float(row["score"]) for row in sorted(csv.DictReader(file), key=lambda row: row["student_id"])]
    print(f"nbgrader, {len(points)} notebooks: {seconds:.1f} s", flush=True)
    return seconds, points


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--notebooks", type=int, default=100, help="graded by both")
    parser.add_argument(
        "--curve", type=int, nargs="*", default=[10, 100, 1000], help="class sizes, graded by ours alone"
    )
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        submit(folder, arguments.notebooks)
        own, own_marks = ours(folder, arguments.jobs)
        other, other_marks = nbgrader(folder)
    print(f"{other / own:.1f} times as fast as nbgrader; the same marks: {own_marks == other_marks}")
    costs = {}
    for count in arguments.curve:
        with tempfile.TemporaryDirectory() as name:
            submit(Path(name), count)
            costs[count], _ = ours(Path(name), arguments.jobs)
    if len(costs) > 1:
        low, high = min(costs), max(costs)
        each = (costs[high] - costs[low]) / (high - low)
        print(f"cost of a class: {costs[low] - low * each:.1f} s to start, and {each:.2f} s for each notebook")


if __name__ == "__main__":
    main()
