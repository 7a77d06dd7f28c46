"""The grade command: a class from the roster to the reports, again and again, and after every kind of end."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import pytest
from processes import descendants, started

from grader import exports, grade, records, run
from grader import jail as jails
from grader.jail import BUBBLEWRAP, NONE, JailError
from grader.marking import Marker
from grader.submissions import find

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = "00_start_here"
SOLVED, EMPTY = (ROOT / folder / f"{CHAPTER}.ipynb" for folder in ("solutions", "notebooks"))

pytestmark = pytest.mark.jail


def hand_in(folder, student, content, name=f"{CHAPTER}.ipynb"):
    path = folder / "submissions" / student / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())


@pytest.fixture
def klass(tmp_path):
    """A small class: a solved notebook, an empty one, one that is none, and one student without any."""
    (tmp_path / "roster.csv").write_text("student_id,name\nada,Ada\nbob,Bob\ncyd,Cyd\ndan,Dan\n")
    hand_in(tmp_path, "ada", SOLVED)
    hand_in(tmp_path, "bob", EMPTY)
    hand_in(tmp_path, "cyd", b"[]")
    hand_in(tmp_path, "eve", SOLVED)
    return tmp_path


@pytest.fixture
def arguments(kind):
    """The command's arguments for a class."""

    def made(folder, *more, jail=kind):
        names = {"--roster": folder / "roster.csv", "--out": folder / "grades", "--chapter": "00"}
        options = {**names, "--jobs": 1, "--jail": jail}
        return [
            str(part) for part in (folder / "submissions", *(word for pair in options.items() for word in pair), *more)
        ]

    return made


@pytest.fixture
def grading(arguments, monkeypatch, warm_jail, kind):
    """Runs the command on a class, in the jail that all tests share, and makes no reports."""
    real = run.Jail
    monkeypatch.setattr(
        run, "Jail", lambda wanted, *rest: nullcontext(warm_jail) if wanted == kind else real(wanted, *rest)
    )
    monkeypatch.setattr(exports, "write_all", lambda *_: [])
    return lambda folder, *more, **options: grade.main(arguments(folder, *more, **options))


def results(folder):
    return {result.student: result for result in records.read_all(folder / "grades")}


def log(folder, event="written"):
    lines = map(json.loads, (folder / "grades/log.jsonl").read_text().splitlines())
    return Counter(line["student"] for line in lines if line["event"] == event)


def test_a_class_from_roster_to_reports(klass, arguments, kind, capsys):
    assert grade.main(arguments(klass)) == 0
    found = results(klass)
    assert {name: (r.status, r.points, r.max_points) for name, r in found.items()} == {
        "ada": ("graded", 1, 1),
        "bob": ("graded", 0, 1),
        "cyd": ("student error", 0, 1),
        "dan": ("missing", 0, 1),
    }
    assert all(result.jail == kind for result in found.values())
    assert found["ada"].submission == f"ada/{CHAPTER}.ipynb" and found["dan"].submission is None
    said = capsys.readouterr()
    assert "2 graded, 1 missing, 1 student error" in said.out and "'eve' is not in the roster" in said.out
    assert "cyd, 00_start_here: student error: The file is JSON, but no notebook." in said.out
    assert "4/4" in said.err, "no progress bar"
    assert (klass / "grades/report.html").is_file() and (klass / "grades/grades.csv").is_file()
    assert sorted(path.stem for path in (klass / "grades/feedback").glob("*.html")) == ["ada", "bob", "cyd", "dan"]
    files = [path for path in (klass / "grades").rglob("*") if path.is_file() and ".grading" not in path.parts]
    assert (klass / "grades").stat().st_mode & 0o777 == 0o700
    assert {path.name for path in files if path.stat().st_mode & 0o077} <= {".lock"}, "others may read these"
    assert found["ada"].handed_in == pytest.approx((klass / "submissions/ada" / f"{CHAPTER}.ipynb").stat().st_mtime)


def test_a_second_run_does_only_what_is_new(klass, grading):
    assert grading(klass) == 0
    first = {name: result.key for name, result in results(klass).items()}
    assert grading(klass) == 0
    assert log(klass, "started") == log(klass) == Counter("ada bob cyd dan".split())
    hand_in(klass, "dan", SOLVED)
    hand_in(klass, "cyd", SOLVED)
    (klass / "grades/results/ada" / f"{CHAPTER}.json").write_text("{")  # damaged
    assert grading(klass) == 0
    assert log(klass) == Counter({"ada": 2, "bob": 1, "cyd": 2, "dan": 2})
    found = results(klass)
    assert [found[name].points for name in ("ada", "bob", "cyd", "dan")] == [1, 0, 1, 1]
    assert found["ada"].key == first["ada"] and found["dan"].key != first["dan"]
    assert grading(klass, "--patience", "2") == 0  # other limits, other verdicts perhaps
    assert log(klass)["bob"] == 2


def test_only_reports(klass, grading, monkeypatch):
    assert grading(klass) == 0
    made = []
    monkeypatch.setattr(exports, "write_all", lambda out, results, *_: made.append(len(results)) or [])
    monkeypatch.setattr(run, "run", None)
    assert grading(klass, "--only-reports") == 0 and made == [4]


def test_what_an_instructor_wrote_counts_in_every_run_and_stays(klass, arguments):
    (klass / "grades").mkdir()
    table = klass / "grades" / "adjustments.csv"
    text = "student,what,points,reason\nbob,0.1,0.5,shown to me\n"
    table.write_text(text)
    for more in ((), ("--only-reports",)):
        assert grade.main([*arguments(klass), *more]) == 0
        assert "bob,Bob,,0.5,0.5" in (klass / "grades/totals.csv").read_text(encoding="utf-8-sig")
        assert results(klass)["bob"].points == 0 and table.read_text() == text
    table.write_text(text + "eve,0.1,1,\n")
    before = (klass / "grades/totals.csv").read_bytes()
    assert grade.main(arguments(klass)) == grade.UNUSABLE
    assert (klass / "grades/totals.csv").read_bytes() == before
    table.write_text(text)
    assert grade.main([*arguments(klass), "--anonymous"]) == 0
    assert (klass / "grades/anonymous/report.html").is_file() and (klass / "grades/anonymous-key.csv").is_file()


def test_trouble_of_the_grader_is_no_zero_and_is_graded_later(klass, grading, monkeypatch, capsys):
    real, calls = Marker.mark, []

    def troubled(self, notebook, *rest):
        calls.append(1)
        raise JailError("no memory left")

    monkeypatch.setattr(Marker, "mark", troubled)
    assert grading(klass, "--retries", "1") == grade.UNGRADED
    found = results(klass)
    assert found["ada"].status == "infrastructure error" and found["ada"].points is None
    assert found["ada"].problem == "The grader had a problem of its own (no memory left)."
    assert found["cyd"].status == "student error" and len(calls) == 4, "tried twice for each of two students"
    assert "run the same command again" in capsys.readouterr().out
    monkeypatch.setattr(Marker, "mark", real)
    assert grading(klass) == 0 and results(klass)["ada"].points == 1
    assert log(klass)["cyd"] == 1


def test_trouble_that_passes_leaves_no_trace(klass, grading, monkeypatch):
    real, calls = Marker.mark, []

    def once(self, *rest):
        calls.append(1)
        if len(calls) == 1:
            raise OSError("too many open files")
        return real(self, *rest)

    monkeypatch.setattr(Marker, "mark", once)
    assert grading(klass) == 0 and results(klass)["ada"].points == 1


def test_without_a_jail_only_when_allowed_and_then_said_everywhere(klass, grading, monkeypatch, capsys):
    monkeypatch.setattr(jails.shutil, "which", lambda name: None)
    assert grading(klass, jail=BUBBLEWRAP) == grade.UNUSABLE
    said = capsys.readouterr().err
    assert "apt install bubblewrap" in said and "--jail none" in said and not (klass / "grades").exists()
    assert grading(klass, jail=NONE) == 0
    assert "without a jail" in capsys.readouterr().out
    found = results(klass)
    assert {result.jail for result in found.values()} == {"none"} and found["ada"].points == 1


def test_two_graders_never_share_a_folder(klass, grading, capsys):
    with run.locked(klass / "grades"):
        assert grading(klass) == grade.UNUSABLE
    assert "another grader is at work" in capsys.readouterr().err
    assert grading(klass) == 0


@pytest.mark.parametrize(
    "change, says",
    [
        (["--chapter", "99"], "no chapter '99'"),
        (["--jobs", "0"], "--jobs is 0"),
        (["--patience", "0"], "--patience"),
        (["--retries", "-1"], "--retries"),
        (["--roster", "nowhere.csv"], "nowhere.csv"),
        (["--release", "nowhere"], "nowhere"),
        (["--secret-file", "nowhere"], "nowhere"),
        (["--memory", "nan"], "--memory"),
        (["--out", "{}/submissions/grades"], "choose a folder outside"),
        (["--out", "{}/roster.csv"], "is a file; expected a folder"),
        (["--out", "{}"], "holds 'roster.csv' and no grades"),
        (["--release", "{}/roster.csv"], "is a file; expected the folder"),
        (["--adjustments", "{}/nowhere.csv"], "no table of adjustments"),
        (["--adjustments", "{}/roster.csv"], "has the columns student_id, name; expected"),
        (["--scheduler", "tcp://127.0.0.1:9"], "no Dask scheduler answers at tcp://127.0.0.1:9"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(klass, arguments, capsys, change, says):
    assert grade.main([*arguments(klass), *(word.format(klass) for word in change)]) == grade.UNUSABLE
    said = capsys.readouterr().err
    assert says in said and "Traceback" not in said and len(said.strip().split("\n")) <= 2  # the bar of progress is one


def test_another_release_is_noted_and_still_graded(klass, grading):
    notebook = json.loads(SOLVED.read_text())
    notebook["metadata"]["course"]["version"] = "0" * 16
    hand_in(klass, "bob", json.dumps(notebook).encode())
    assert grading(klass) == 0
    found = results(klass)
    assert found["bob"].points == 1 and "another release" in found["bob"].notes[0] and not found["ada"].notes


def test_what_runs_out_of_time_beside_others_is_repeated_alone_before_it_is_final(klass, arguments):
    notebook = json.loads(SOLVED.read_text())
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]).replace(
            "return np.sqrt(np.sum", "\n    while True: pass\n    return np.sqrt(np.sum"
        )
    hand_in(klass, "bob", json.dumps(notebook).encode())
    assert grade.main(arguments(klass, "--jobs", "2", "--patience", "0.2")) == 0
    assert log(klass) == Counter({"ada": 1, "bob": 2, "cyd": 1, "dan": 1})
    found = results(klass)["bob"]
    assert found.exercises[0].status == "timeout" and found.key != run.NOT_FINAL
    assert grade.main(arguments(klass, "--jobs", "2", "--patience", "0.2")) == 0
    assert log(klass)["bob"] == 2, "it was final"


def test_a_cell_that_runs_out_of_time_is_repeated_alone_too(klass, arguments):
    """The answer below it may have needed what it was to make."""
    notebook = json.loads(SOLVED.read_text())
    [asks] = [cell for cell in notebook["cells"] if "return np.sqrt(np.sum" in "".join(cell["source"])]
    asks["source"] = "while True: pass\n" + "".join(asks["source"])
    hand_in(klass, "bob", json.dumps(notebook).encode())
    for _ in range(2):  # the second run has nothing to do
        assert grade.main(arguments(klass, "--jobs", "2", "--cell-seconds", "1")) == 0
        assert log(klass) == Counter({"ada": 1, "bob": 2, "cyd": 1, "dan": 1})
    [exercise] = results(klass)["bob"].exercises
    assert exercise.points == 0 and "longer than a cell may" in exercise.sentence


def test_what_was_not_repeated_alone_before_a_kill_is_not_final(klass, grading, monkeypatch):
    assert grading(klass) == 0
    path = klass / "grades/results/ada" / f"{CHAPTER}.json"
    path.write_text(path.read_text().replace(results(klass)["ada"].key, run.NOT_FINAL))
    assert grading(klass) == 0 and log(klass)["ada"] == 2


# Killed, and resumed

STUDENTS = [f"s{number:02}" for number in range(24)]
WRONG = set(STUDENTS[::3])
EXPECTED = {
    student: ("graded", 0, "misconception") if student in WRONG else ("graded", 1, "correct") for student in STUDENTS
}
KILLS = int(os.environ.get("GRADING_KILLS", "3"))  # each takes some seconds


@pytest.fixture
def large(tmp_path):
    """A class of which each third student is wrong."""
    (tmp_path / "roster.csv").write_text("student_id\n" + "\n".join(STUDENTS))
    for number, student in enumerate(STUDENTS):
        notebook = json.loads(SOLVED.read_text())
        notebook["metadata"]["number"] = number
        if student in WRONG:
            for cell in notebook["cells"]:
                cell["source"] = "".join(cell["source"]).replace("np.sqrt(np.sum", "np.abs(np.sum")
        hand_in(tmp_path, student, json.dumps(notebook).encode())
    return tmp_path


def marks(found):
    return {result.student: (result.status, result.points, result.exercises[0].status) for result in found}


def test_killed_at_random_moments_and_resumed(large, arguments):
    command = [sys.executable, "-m", "grader", *arguments(large, "--jobs", "2")]  # the last one counts
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    rng, kept = random.Random(1), {}
    for _ in range(KILLS):
        before = len(kept)
        grader = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wanted = before + rng.randint(0, max(1, 20 // KILLS))
        end = time.monotonic() + 100
        while grader.poll() is None and time.monotonic() < end:
            if len(list((large / "grades/results").glob("*/*.json"))) >= wanted:
                break
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 0.2))
        family = descendants(grader.pid)
        assert grader.poll() is None, "it ended before it was killed"
        grader.kill()
        grader.wait()
        end = time.monotonic() + 60  # a process that is still importing ends as soon as it has done so
        while time.monotonic() < end and any(started(pid) == began for pid, began in family.items()):
            time.sleep(0.05)
        alive = [Path(f"/proc/{pid}/stat").read_text()[:60] for pid, began in family.items() if started(pid) == began]
        assert not alive, "a process of a killed grader lives on"
        for path in (large / "grades/results").glob("*/*.json"):
            if path in kept:
                assert path.stat().st_mtime_ns == kept[path], "graded twice"
            kept[path] = path.stat().st_mtime_ns
    subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, timeout=280)
    assert marks(records.read_all(large / "grades")) == EXPECTED
    assert all(path.stat().st_mtime_ns == written for path, written in kept.items()), "graded twice"
    # A task that is killed between its result and its line in the log has written nothing twice either.
    assert max(log(large).values()) == 1 and set(log(large, "started")) == set(STUDENTS)
    assert not list((large / "grades").rglob(".making-*"))


# More than one machine


@pytest.fixture
def cluster():
    """The address of a scheduler on loopback, and its two worker processes."""
    pytest.importorskip("distributed", reason="distributed is not installed (extra `cluster`)")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

    def start(*command):
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    scheduler = start("distributed.cli.dask_scheduler", "--host", address, "--no-dashboard", "--no-show")
    options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1", "--death-timeout", "60")
    workers = [start("distributed.cli.dask_worker", address, *options) for _ in range(2)]
    try:
        from distributed import Client

        with Client(address, timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
        yield address, workers
    finally:
        for process in (*workers, scheduler):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_cluster_gives_the_same_marks_also_when_a_worker_is_killed_midway(large, cluster, kind, view):
    address, workers = cluster
    chapters = grade.chapters(["00"], None)
    units = find(large / "submissions", STUDENTS, list(chapters)).units
    for kill in (False, True):
        out = large / f"grades-{kill}"
        out.mkdir()
        settings = run.Settings(
            out=str(out),
            submissions=str(large / "submissions"),
            view=str(view),
            jail=kind,
            secret=run.grading_secret(out),
            chapters=chapters,
        )
        count, killed = [], threading.Event()

        def done(result, kill=kill, count=count, killed=killed):
            count.append(result)
            if kill and len(count) == 8:
                os.killpg(workers[0].pid, signal.SIGKILL)
                killed.set()

        found = run.run(units, settings, scheduler=address, done=done)
        assert killed.is_set() == kill
        assert marks(found.values()) == marks(records.read_all(out)) == EXPECTED
