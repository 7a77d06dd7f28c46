"""The set-up, run for real on a miniature project whose packages come from a folder of tiny wheels."""

import ast
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from course_staff import bootstrap

ROOT = Path(bootstrap.ROOT)
INTERRUPTED = "Interrupted. Run the same command again: it mends what is half made.\n"
NO_NETWORK = (
    "The packages could not be fetched: the network, or the package index, does not answer.\n"
    "Next step: Check the connection, then run the same command again; what has arrived is kept.\n"
)

SHOW = """\
import json, os, sys, tiny
print("shown:" + json.dumps({"prefix": sys.prefix, "tiny": tiny.VERSION, "arguments": sys.argv[1:],
                             "environment": dict(os.environ)}))
"""
BACKEND = """\
import zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "mini-1.0-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        info = "mini-1.0.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: mini\\nVersion: 1.0\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return name
"""
PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "mini"
version = "1.0"
"""


def make_wheel(folder, name, version):
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        info = f"{name}-{version}.dist-info"
        wheel.writestr(f"{name}.py", f"VERSION = '{version}'\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


class Project:
    """A folder with the real bootstrap.py and a course of one line."""

    def __init__(self, root, wheels):
        self.root = root
        self.wheels = wheels
        self.venv = root / ".venv"
        self.log = root / ".venv-install.log"
        self.stamp = self.venv / "course-stamp.json"

    def environment(self, **changes):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "COV_"))}
        clean.update(PIP_CONFIG_FILE=os.devnull, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(self.wheels))
        clean.update(changes)
        return {name: value for name, value in clean.items() if value is not None}

    def start(self, *arguments, **changes):
        return subprocess.Popen(
            [sys.executable, "course_staff/bootstrap.py", *arguments],
            cwd=self.root,
            env=self.environment(**changes),
            start_new_session=True,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments, **changes):
        """Exit code, lines said, what the command in `.venv` saw (None where it was not reached), stderr."""
        process = self.start(*arguments, **changes)
        out, err = process.communicate(timeout=120)
        *said, last = out.splitlines() or [""]
        seen = json.loads(last[len("shown:") :]) if last.startswith("shown:") else None
        return process.returncode, said if seen else [*said, last], seen, err

    def lock(self, version):
        (self.root / "requirements.lock").write_text(f"# a comment\ntiny=={version}\n")


OFFLINE = {"PIP_NO_INDEX": None, "PIP_FIND_LINKS": None, "PIP_INDEX_URL": "http://127.0.0.1:9/"}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    for name, version in [("tiny", "1.0"), ("tiny", "2.0"), ("tinytest", "1.0")]:
        make_wheel(folder, name, version)
    return folder


def make_project(root, wheels):
    project = Project(root, wheels)
    (root / "course_staff").mkdir(parents=True)
    shutil.copy(bootstrap.__file__, root / "course_staff")
    (root / "course_staff" / "lab.py").write_text(SHOW)
    (root / "pytest.py").write_text(SHOW)
    (root / "backend.py").write_text(BACKEND)
    (root / "pyproject.toml").write_text(PYPROJECT)
    project.lock("1.0")
    (root / "requirements-test.lock").write_text("tinytest==1.0\n")
    return project


@pytest.fixture(scope="module")
def first_run(tmp_path_factory, wheels):
    project = make_project(tmp_path_factory.mktemp("first") / "course with a space", wheels)
    return project, project.run(
        "lab", "--port", "1234", PYTHONPATH="/nowhere", VIRTUAL_ENV="/elsewhere", MAKEFLAGS="n", ARGS="--port 1234"
    )


@pytest.fixture
def ready(first_run, tmp_path):
    """A project that is set up: a copy, told that it has always been where it is."""
    project = Project(tmp_path / "course", first_run[0].wheels)
    shutil.copytree(first_run[0].root, project.root, symlinks=True)
    stamp = json.loads(project.stamp.read_text())
    project.stamp.write_text(json.dumps({**stamp, "path": str(project.venv)}))
    project.log.unlink()
    return project


@contextlib.contextmanager
def silent_index():
    """The address of a package index that takes a connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield {**OFFLINE, "PIP_INDEX_URL": "http://127.0.0.1:{}/".format(server.getsockname()[1])}


def wait_for_pip(project):
    limit = time.monotonic() + 60
    while not (project.log.exists() and "Looking in indexes" in project.log.read_text()):
        assert time.monotonic() < limit, "pip did not start within a minute"
        time.sleep(0.05)


def test_first_run_installs_the_lock_and_becomes_the_command(first_run):
    project, (code, said, seen, err) = first_run
    version = ".".join(map(str, sys.version_info[:3]))
    assert (code, err) == (0, "")
    assert said == [
        f"Making .venv with Python {version} (once; takes a few minutes).",
        "Installing requirements.lock (what pip says is in .venv-install.log).",
        "  unpacking 1 packages (about a minute)",
        "Ready.",
    ]
    assert seen["prefix"] == str(project.venv)
    assert seen["tiny"] == "1.0"
    assert seen["arguments"] == ["--port", "1234"]
    assert "Successfully installed mini-1.0" in project.log.read_text()


def test_the_callers_python_and_make_do_not_reach_in(first_run):
    project, (_, _, seen, _) = first_run
    assert seen["environment"]["VIRTUAL_ENV"] == str(project.venv)
    assert seen["environment"]["PATH"].startswith(str(project.venv / "bin") + os.pathsep)
    assert not {"PYTHONPATH", "MAKEFLAGS", "ARGS"} & set(seen["environment"])
    assert seen["environment"]["PIP_NO_INDEX"] == "1"


def test_second_run_says_nothing_and_calls_no_pip(ready):
    started = time.monotonic()
    code, said, seen, err = ready.run("lab", **OFFLINE)
    assert (code, said, seen["tiny"], err) == (0, [], "1.0", "")
    assert not ready.log.exists()
    assert time.monotonic() - started < 5


def test_test_adds_its_lock_and_passes_arguments_on(ready):
    code, said, seen, err = ready.run("test", "-k", "taylor or flips")
    assert (code, err) == (0, "")
    assert said[:2] == [
        "Bringing .venv up to date.",
        "Installing requirements.lock and requirements-test.lock (what pip says is in .venv-install.log).",
    ]
    assert seen["arguments"][-2:] == ["-k", "taylor or flips"]
    assert "--nbval" in seen["arguments"]
    assert list(ready.venv.glob("lib/*/site-packages/tinytest.py"))
    # The lab needs no more than that, and what the tests need stays in step when the lock changes.
    ready.log.unlink()
    assert ready.run("lab")[0] == 0 and not ready.log.exists()
    ready.lock("2.0")
    assert "requirements-test.lock" in ready.run("lab")[1][1]


def test_changed_lock_upgrades(ready):
    ready.lock("2.0")
    code, said, seen, _ = ready.run("lab")
    assert (code, said[0], said[-1], seen["tiny"]) == (0, "Bringing .venv up to date.", "Ready.", "2.0")


def test_upgrade_without_network_leaves_what_works(ready):
    ready.lock("2.0")
    code, _, seen, err = ready.run("lab", **OFFLINE)
    assert (code, seen, err) == (1, None, NO_NETWORK)
    ready.lock("1.0")
    code, said, seen, _ = ready.run("lab", **OFFLINE)
    assert (code, said, seen["tiny"]) == (0, [], "1.0")


def test_first_install_without_network_is_told_within_a_minute_and_not_stamped(tmp_path, wheels):
    project = make_project(tmp_path / "course", wheels)
    started = time.monotonic()
    code, _, seen, err = project.run("lab", **OFFLINE)
    assert (code, seen, err) == (1, None, NO_NETWORK)
    assert time.monotonic() - started < 60
    assert not project.stamp.exists()


def test_killed_in_mid_install_is_repaired_by_the_next_run(ready):
    ready.lock("2.0")
    with silent_index() as index:
        process = ready.start("lab", **index)
        wait_for_pip(ready)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert not ready.stamp.exists()
    code, said, seen, _ = ready.run("lab")
    assert (code, said[0], seen["tiny"]) == (0, "Removing a .venv that was not finished.", "2.0")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruption_says_what_to_do(ready, number):
    ready.lock("2.0")
    with silent_index() as index:
        process = ready.start("lab", **index)
        wait_for_pip(ready)
        os.killpg(process.pid, number)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err.lstrip("\n")) == (130, INTERRUPTED)
    assert ready.run("lab")[2]["tiny"] == "2.0"


def test_second_of_two_runs_waits(ready):
    fcntl = pytest.importorskip("fcntl")
    ready.lock("2.0")
    with open(ready.root / ".venv-install.turn", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        process = ready.start("lab")
        assert process.stdout.readline() == (
            "Another run is setting up .venv; waiting until it has finished (Ctrl-C to stop waiting).\n"
        )
        assert ready.stamp.exists() and not ready.log.exists()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and '"tiny": "2.0"' in out


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The module's own functions, on an empty folder."""
    for name in ("ROOT", "VENV", "VENV_PYTHON", "OURS", "STAMP", "LOG", "TURN"):
        old = getattr(bootstrap, name)
        monkeypatch.setattr(bootstrap, name, str(tmp_path / os.path.relpath(old, ROOT)))
    return tmp_path


@pytest.mark.parametrize("stamp, reason", [(None, "that was not finished"), ("{}", "made for another place or Python")])
def test_a_venv_of_ours_that_cannot_be_used_goes(here, capsys, stamp, reason):
    (here / "kept").mkdir()
    (here / "kept" / "file").touch()
    (here / ".venv" / "lib").mkdir(parents=True)
    (here / ".venv" / "lib" / "link").symlink_to(here / "kept")
    (here / ".venv" / "lib64").symlink_to("lib")
    Path(bootstrap.OURS).touch()
    if stamp:
        Path(bootstrap.STAMP).write_text(stamp)
    bootstrap.make_way()
    assert capsys.readouterr().out == f"Removing a .venv {reason}.\n"
    assert sorted(os.listdir(here)) == ["kept"] and (here / "kept" / "file").exists()


def test_an_interrupted_removal_is_still_known_as_ours(here, monkeypatch):
    (here / ".venv" / "lib").mkdir(parents=True)
    Path(bootstrap.OURS).touch()
    monkeypatch.setattr(shutil, "rmtree", lambda path: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        bootstrap.make_way()
    assert Path(bootstrap.OURS).exists()


@pytest.mark.parametrize("kind", ["folder", "file", "link", "broken link"])
def test_a_venv_that_is_not_ours_is_renamed_and_never_deleted(here, capsys, kind):
    (here / ".venv.old-1").touch()
    venv, target = here / ".venv", here / "target"
    if kind == "folder":
        (venv / "bin").mkdir(parents=True)
    elif kind == "file":
        venv.write_text("mine")
    else:
        if kind == "link":
            target.mkdir()
            (target / "made-by-the-course").touch()
        venv.symlink_to(target)
    bootstrap.make_way()
    moved = here / ".venv.old-2"
    said = capsys.readouterr().out
    assert said == "A .venv was here that this course did not make; it is now .venv.old-2.\n"
    assert not os.path.lexists(venv) and os.path.lexists(moved)
    assert kind != "folder" or (moved / "bin").is_dir()
    assert kind != "file" or moved.read_text() == "mine"
    assert kind != "link" or (target / "made-by-the-course").exists()


@pytest.mark.parametrize("damage", ["", "[]", "{", "\x00"])
def test_damaged_stamp_is_none(here, damage):
    (here / ".venv" / "bin").mkdir(parents=True)
    Path(bootstrap.VENV_PYTHON).touch()
    Path(bootstrap.STAMP).write_text(damage)
    assert bootstrap.read_stamp() == {}


def test_stamp_without_a_python_is_none(here):
    (here / ".venv" / "bin").mkdir(parents=True)
    Path(bootstrap.VENV_PYTHON).symlink_to(here / "uninstalled")
    bootstrap.write_stamp({"path": "here"})
    assert bootstrap.read_stamp() == {}


def test_moved_folder_and_another_python_are_noticed(here, monkeypatch):
    for name in ("pyproject.toml", "requirements.lock", "requirements-test.lock"):
        (here / name).touch()
    stamp = bootstrap.wanted(with_tests=True)
    assert bootstrap.agrees(stamp, bootstrap.wanted(True))
    assert bootstrap.agrees(stamp, bootstrap.wanted(False))
    assert not bootstrap.agrees(bootstrap.wanted(False), bootstrap.wanted(True))
    monkeypatch.setattr(bootstrap, "VENV", "/moved/.venv")
    assert not bootstrap.agrees(stamp, bootstrap.wanted(False))
    monkeypatch.undo()
    assert not bootstrap.agrees({**stamp, "python": "3.99"}, bootstrap.wanted(False))


def test_old_python_reads_the_script_and_is_told():
    old = (
        "import runpy, sys; sys.version_info = (3, 8, 18, 'final', 0); sys.argv = sys.argv[1:]; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", old, bootstrap.__file__, "lab"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Python 3.8.18 is too old: the course needs Python 3.11 or newer.\n"
        "Next step: Install a newer Python and name it: make lab PYTHON=python3.12\n"
    )


def test_syntax_is_that_of_python_3_5():
    tree = ast.parse(Path(bootstrap.__file__).read_text(), feature_version=(3, 5))
    younger = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Match)
    assert [node.lineno for node in ast.walk(tree) if isinstance(node, younger)] == []


def test_the_oldest_python_is_that_of_pyproject():
    oldest = ".".join(map(str, bootstrap.OLDEST_PYTHON))
    assert f'requires-python = ">={oldest}"' in (ROOT / "pyproject.toml").read_text()


def test_missing_venv_module_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(bootstrap.Stop, match="its venv is not installed") as stop:
        bootstrap.require_python()
    assert "sudo apt install python{}.{}-venv".format(*sys.version_info[:2]) in stop.value.next_step


def test_too_little_space_is_told_before_anything_is_made(here, monkeypatch):
    usage = shutil.disk_usage(here)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1.26e9))
    with pytest.raises(bootstrap.Stop, match="too little space on the disk: 1.3 GB free, 3 GB needed."):
        bootstrap.create()
    assert os.listdir(here) == []


PIP_SAYS = {
    "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device": "The disk is full.",
    "WARNING: Retrying (Retry(total=1)) after connection broken by 'NewConnectionError(1)': /simple/numpy/\n"
    "ERROR: No matching distribution found for numpy==2.4.6": NO_NETWORK.splitlines()[0],
    "ERROR: No matching distribution found for torch==2.13.0": "There is no torch==2.13.0 for Python {}.{} on this system.".format(
        *sys.version_info[:2]
    ),
    "tiny 1.0 requires huge, which is not installed.": "Checking the packages failed: tiny 1.0 requires huge, which is not installed.",
    "ERROR: first\nERROR: last\nsome advice": "Checking the packages failed: last",
    "": "Checking the packages failed: no word",
}


@pytest.mark.parametrize("said", PIP_SAYS)
def test_each_failure_of_pip_has_its_sentence(said):
    stop = bootstrap.explain(said, "checking the packages")
    assert stop.problem == PIP_SAYS[said]
    assert stop.next_step


@pytest.mark.parametrize(
    "error, sentence",
    [
        (
            OSError(28, "No space left on device"),
            "The disk is full.\nNext step: Free about 3 GB, then run the same command again.\n",
        ),
        (
            PermissionError(13, "Permission denied", "/x"),
            "The set-up cannot go on: [Errno 13] Permission denied: '/x'.\n"
            "Next step: Mend that, then run the same command again.\n",
        ),
    ],
)
def test_an_error_of_the_system_is_one_sentence(monkeypatch, capsys, error, sentence):
    def fail(with_tests):
        raise error

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(bootstrap, "set_up", fail)
    try:
        assert bootstrap.main(["lab"]) == 1
    finally:
        signal.signal(signal.SIGTERM, before)
    assert capsys.readouterr().err == sentence


@pytest.mark.parametrize("arguments, named", [([], "none"), (["serve"], "serve")])
def test_unknown_command_names_the_known(arguments, named):
    done = subprocess.run([sys.executable, bootstrap.__file__, *arguments], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == (
        f"There is no such command: {named}.\n"
        "Next step: Choose one of: lab, test, present, release, grade, build, check, "
        "slides, site, lock.\n"
    )


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_makefile_has_a_target_for_each_command_and_passes_arguments_on():
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^make (\w+)", shown, re.MULTILINE) == list(bootstrap.COMMANDS)
    for name in bootstrap.COMMANDS:
        done = subprocess.run(
            ["make", "--dry-run", name, "ARGS=-k 'a or b'", "PYTHON=python3.99"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert f"python3.99 course_staff/bootstrap.py {name} -k 'a or b'" in done.stdout
