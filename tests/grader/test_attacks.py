"""The grader under attack: every submission of the suite in one run, then one test for what became of each."""

import re
import socket
import sys
import time
from pathlib import Path

import attacks_table
import grader_run
import pytest
from attack_suite import REPOSITORY, all_attacks, public_cases
from browser import lab_in_chromium
from grader_run import CLASSMATES, Run, grade_all

from course_utils.exercises import all_exercises
from grader import jail, records

ATTACKS = {attack.name: attack for attack in all_attacks()}
#: Seconds that one submission may cost, however hostile, under the run's limits.
SANE = 180

pytestmark = [pytest.mark.jail, pytest.mark.timeout(grader_run.RUN_LIMIT + 60)]
needs_jail = pytest.mark.usefixtures("needs_jail")


@pytest.fixture(scope="module")
def run(kind, tmp_path_factory, request) -> Run:
    """The one run; it leaves build/attacks.md, and what the option --attacks-table asks for."""
    attacks = tuple(attack for attack in ATTACKS.values() if kind == jail.BUBBLEWRAP or not attack.jail)
    run = grade_all(attacks, tmp_path_factory.mktemp("attacks") / "run", kind)
    table = attacks_table.page(attacks, {attack.name: happened(run, attack) for attack in attacks})
    (REPOSITORY / "build").mkdir(exist_ok=True)
    (REPOSITORY / "build" / "attacks.md").write_text(table, encoding="utf-8")
    if request.config.getoption("--attacks-table", default=None):
        Path(request.config.getoption("--attacks-table")).write_text(table, encoding="utf-8")
    return run


def result_of(run, attack):
    return run.results.get(attack.name, {}).get(attack.chapter_name)


def happened(run, attack):
    """(points, what became of it) for the table."""
    result = result_of(run, attack)
    if result is None:
        return "–", "no result"
    if result.status != records.GRADED:
        return f"{result.points} of {result.max_points}", f"{result.status}: {_plain(result.problem, run)}"
    rungs = {}
    for exercise in result.exercises:
        if exercise.points == 0:
            rungs.setdefault(exercise.status, []).append(exercise.id)
    text = "; ".join(f"{rung}: {', '.join(ids)}" for rung, ids in rungs.items())
    return f"{result.points} of {result.max_points}", text or "all right"


def _plain(sentence, run):
    return sentence.replace(str(run.folder), "…")


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=lambda attack: attack.name)
def test_attack(run, kind, request, attack):
    if attack.jail:
        request.getfixturevalue("needs_jail")
    result = result_of(run, attack)
    assert result is not None, f"no result; the grader said: {run.stderr[-2000:]}"
    assert result.status in attack.statuses(), result
    assert result.jail == kind
    marks = frozenset(e.id for e in result.exercises if e.points)
    assert all(e.points in (0, e.max_points) and e.max_points == all_exercises()[e.id].points for e in result.exercises)
    assert result.points == sum(all_exercises()[id].points for id in marks)
    assert marks in attack.allowed(), "\n".join(f"{e.id} {e.status}: {e.sentence} {e.rows}" for e in result.exercises)
    for id, rungs in attack.rungs.items():
        [exercise] = [e for e in result.exercises if e.id == id]
        assert exercise.status in rungs, exercise
    told = run.told(attack.name)
    assert attack.says in told, told
    for text in (*attack.never, run.secret, "SPY found something", "BEGIN SOLUTION", "Misconception("):
        assert text not in told
    if attack.hides_inputs:
        public = {float(case["beta"]) for case in public_cases(all_exercises()[attack.hides_inputs])}
        shown = {float(number) for number in re.findall(r"beta=(\d+\.\d+)", told)}
        assert shown <= public, f"hidden inputs are shown: {sorted(shown - public)}"


@pytest.mark.parametrize(("student", "solved"), [("000-classmate", None), ("zzz-classmate", {"1.3"})])
def test_an_honest_classmates_marks_are_unchanged(run, student, solved):
    assert student in CLASSMATES
    result = run.results[student]["01_taylor_bounds"]
    right = {e.id for e in result.exercises if e.points}
    assert (result.status, right) == (records.GRADED, solved or {id for id in all_exercises() if id.startswith("1.")})


def test_every_unit_of_the_roster_has_a_result(run):
    assert set(run.results) == {*run.names, *CLASSMATES}
    graded = [result for units in run.results.values() for result in units.values()]
    assert not [r for r in graded if r.status == records.INFRASTRUCTURE_ERROR]


def test_the_grader_ends_well_and_in_time(run, record_property):
    record_property("summary", f"{len(run.names)} submissions in {run.seconds:.0f} s")
    assert run.code == 0, run.stderr[-3000:]
    long = {r.student: r.seconds for units in run.results.values() for r in units.values() if r.seconds > SANE}
    assert not long
    assert "Traceback" not in run.stderr


def test_a_file_name_does_not_act_on_the_terminal(run):
    assert "\x1b" not in run.stderr and "=cmd|calc" in run.stderr


def test_nothing_is_written_outside_or_changed(run):
    assert not run.left_files
    assert not run.changed


def test_no_process_is_left(run):
    assert not run.left_processes


@needs_jail
def test_nobody_is_reached_over_the_network(run):
    assert not run.connections


def test_the_servers_would_notice_a_visitor(tmp_path):
    tmp_path.chmod(0o755)
    with grader_run.listening(tmp_path, "mark-visitor") as (port, path, heard):
        with socket.create_connection(("127.0.0.1", port)) as visitor:
            visitor.sendall(b"1.5\n")
            assert visitor.recv(100) == b"1.5\n"
        for family, address in ((socket.AF_UNIX, "\0mark-visitor"), (socket.AF_UNIX, str(path))):
            with socket.socket(family) as visitor:
                visitor.connect(address)
                visitor.sendall(b"hello")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as visitor:
            visitor.sendto(b"hello", ("127.0.0.1", port))
        end = time.monotonic() + 5
        while len(heard) < 4 and time.monotonic() < end:
            time.sleep(0.01)
    assert sorted(name.split(":")[0] for name in heard) == ["abstract socket", "tcp", "udp", "unix socket"]


def test_a_process_that_is_left_would_be_noticed(tmp_path):
    (tmp_path / "home").mkdir()
    sleep = "[sys.executable, '-c', 'import time; time.sleep(60)', 'left-behind']"
    left = f"import subprocess, sys; subprocess.Popen({sleep}, start_new_session=True)"
    known = grader_run.watched([sys.executable, "-c", left], tmp_path / "home")
    assert known["code"] == 0
    assert len(known["left_processes"]) == 1 and "left-behind" in known["left_processes"][0]


@pytest.mark.browser
@pytest.mark.skipif(lab_in_chromium.chromium() is None, reason="no Chromium here: apt-get install chromium")
def test_no_markup_of_a_student_acts_in_a_browser(run):
    pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
    pages = [run.feedback(name) for name in run.names if ATTACKS[name].markup]
    assert len(pages) > 5 and all(page.is_file() for page in pages)
    acted, told = [], ""
    with lab_in_chromium.browser_page() as page:
        page.on("dialog", lambda dialog: (acted.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: acted.append(f"request {request.url}"))
        for path in [*pages, *sorted(run.out.glob("*.html"))]:
            page.goto(path.as_uri())
            page.wait_for_timeout(150)
            assert acted.pop(0) == f"request {path.as_uri()}"
            assert acted == [], path.name
            assert page.evaluate("window.pwned === undefined"), path.name
            acting = page.locator("script, iframe, object, embed, base, img[onerror], [onload], [onmouseover]")
            assert acting.count() == 0
            told += page.inner_text("body")
    assert "<img src=x onerror=alert(1)>" in told and "<script>window.pwned=1" in told, "the markup is shown as text"


def test_the_committed_table_lists_every_attack():
    table = (REPOSITORY / "docs" / "attacks.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| ([a-z0-9-]+) \|", table, flags=re.MULTILINE)) - {"submission"}
    assert listed == set(ATTACKS), "write it anew: pytest tests/grader --attacks-table docs/attacks.md"
