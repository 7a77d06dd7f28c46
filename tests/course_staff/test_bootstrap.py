"""The set-up, run for real on a miniature project whose packages come from a folder of tiny wheels."""

import ast
import fcntl
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from course_staff import bootstrap

ROOT = Path(bootstrap.ROOT)
INTERRUPTED = "\nInterrupted.\nNext step: Run the same command again: it mends what is half made.\n"
NO_NETWORK = (
    "The packages could not be fetched: the network, or the package index, does not answer.\n"
    "Next step: Check the connection, then run the same command again; what has arrived is kept.\n"
)
OFFLINE = {"PIP_NO_INDEX": None, "PIP_FIND_LINKS": None, "PIP_INDEX_URL": "http://127.0.0.1:9/"}

SHOW = """\
import json, os, sys, tiny
print("shown:" + json.dumps({"prefix": sys.prefix, "tiny": tiny.VERSION, "arguments": sys.argv[1:],
                             "environment": dict(os.environ)}))
"""
# Makes the tiny wheels here, and builds the project's own package there, unless there is a file `broken`.
BACKEND = """\
import os, zipfile
def make_wheel(folder, name, version):
    with zipfile.ZipFile(f"{folder}/{name}-{version}-py3-none-any.whl", "w") as wheel:
        info = f"{name}-{version}.dist-info"
        wheel.writestr(f"{name}.py", f"VERSION = '{version}'\\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return f"{name}-{version}-py3-none-any.whl"
def build_editable(folder, config_settings=None, metadata_directory=None):
    if os.path.exists("broken"):
        raise ValueError("broken")
    return make_wheel(folder, "mini", "1.0")
"""
PYPROJECT = """\
build-system = {requires = [], build-backend = "backend", backend-path = ["."]}
project = {name = "mini", version = "1.0"}
"""


class Project:
    """A folder with the real bootstrap.py and a course of one line."""

    def __init__(self, root, wheels):
        self.root, self.wheels = root, wheels
        self.venv, self.log = root / ".venv", root / ".venv-install.log"
        self.mark = self.venv / "made-by-the-course"

    def start(self, *arguments, **changes):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "COV_"))}
        clean |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        there = {name: value for name, value in (clean | changes).items() if value is not None}
        return subprocess.Popen(
            [sys.executable, "course_staff/bootstrap.py", *arguments],
            cwd=self.root,
            env=there,
            start_new_session=True,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments, **changes):
        """Exit code, what was said, what the command in `.venv` saw (None: it was not reached), stderr."""
        process = self.start(*arguments, **changes)
        out, err = process.communicate(timeout=120)
        said, _, shown = out.partition("shown:")
        return process.returncode, said, json.loads(shown) if shown else None, err

    def lock(self, version):
        (self.root / "requirements.lock").write_text(f"# a comment\ntiny=={version}\n")


def make_project(root, wheels):
    project = Project(root, wheels)
    (root / "course_staff").mkdir(parents=True)
    shutil.copy(bootstrap.__file__, root / "course_staff")
    for name, text in {
        "course_staff/lab.py": SHOW,
        "pytest.py": SHOW,
        "backend.py": BACKEND,
        "pyproject.toml": PYPROJECT,
        "requirements-test.lock": "tinytest==1.0\n",
    }.items():
        (root / name).write_text(text)
    project.lock("1.0")
    return project


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    exec(BACKEND, backend := {})
    for name, version in [("tiny", "1.0"), ("tiny", "2.0"), ("tinytest", "1.0")]:
        backend["make_wheel"](folder, name, version)
    return folder


@pytest.fixture(scope="module")
def first_run(tmp_path_factory, wheels):
    """A set-up under every setting of pip, Python and make that could lead it astray."""
    project = make_project(tmp_path_factory.mktemp("first") / "course with a space", wheels)
    astray = tmp_path_factory.mktemp("astray")
    (astray / "pip.conf").write_text(
        f"[global]\nno-index = true\nfind-links = {wheels}\nquiet = 3\nrequire-hashes = true\n"
        f"constraint = {astray}/missing\n"
        f"[install]\nuser = true\ntarget = {astray}/target\nprefix = {astray}/prefix\n"
    )
    variables = {
        "PIP_CONFIG_FILE": str(astray / "pip.conf"),
        **dict.fromkeys(("PIP_NO_INDEX", "PIP_FIND_LINKS")),
        **dict.fromkeys(("PIP_USER", "PIP_REQUIRE_VIRTUALENV"), "1"),
        **{f"PIP_{name.upper()}": name for name in ("target", "prefix", "root")},
        **dict.fromkeys(("PIP_CONSTRAINT", "PIP_PYTHON"), "missing"),
        "PYTHONPATH": "/nowhere",
        "VIRTUAL_ENV": "/elsewhere",
        "MAKEFLAGS": "n",
        "ARGS": "--port 1",
    }
    result = project.run("lab", "--port", "1234", **variables)
    assert os.listdir(astray) == ["pip.conf"]
    assert not {"target", "prefix", "root"} & set(os.listdir(project.root))
    return project, result


@pytest.fixture
def ready(first_run, tmp_path):
    """A project that is set up: a copy, told that it has always been where it is."""
    project = Project(tmp_path / "course", first_run[0].wheels)
    shutil.copytree(first_run[0].root, project.root, symlinks=True)
    _, *hashes = project.mark.read_text().splitlines()
    place = "{!a} {}.{}".format(str(project.venv), *sys.version_info[:2])
    project.mark.write_text("\n".join([place, *hashes, ""]))
    project.log.unlink()
    return project


def test_first_run_installs_the_lock_and_becomes_the_command(first_run):
    project, (code, said, seen, err) = first_run
    assert (code, err) == (0, "")
    assert re.fullmatch(
        r"Making \.venv with Python [\d.]+ \(takes a few minutes\) \.+\nInstalling "
        r"requirements\.lock \(pip's words: \.venv-install\.log\) \.+\nReady\.\n",
        said,
    )
    assert seen["prefix"] == seen["environment"]["VIRTUAL_ENV"] == str(project.venv)
    assert seen["environment"]["PATH"].startswith(str(project.venv / "bin") + os.pathsep)
    assert not {"PYTHONPATH", "MAKEFLAGS", "ARGS"} & set(seen["environment"])
    assert (seen["tiny"], seen["arguments"]) == ("1.0", ["--port", "1234"])
    assert "Successfully installed mini-1.0" in project.log.read_text()


def test_second_run_says_nothing_and_calls_no_pip(ready):
    started = time.monotonic()
    code, said, seen, err = ready.run("lab", **OFFLINE)
    assert (code, said, seen["tiny"], err) == (0, "", "1.0", "")
    assert not ready.log.exists() and time.monotonic() - started < 3


def test_tests_add_their_lock_and_the_lab_needs_no_more(ready):
    code, said, seen, err = ready.run("test", "-k", "taylor or flips")
    assert (code, err) == (0, "")
    assert said.startswith("Installing requirements.lock and requirements-test.lock ")
    assert seen["arguments"][-2:] == ["-k", "taylor or flips"] and "--nbval" in seen["arguments"]
    assert list(ready.venv.glob("lib/*/site-packages/tinytest.py"))
    assert [ready.run(command)[1] for command in ("lab", "quick")] == ["", ""]


def test_changed_lock_is_followed_and_without_network_leaves_what_works(ready):
    ready.lock("2.0")
    started = time.monotonic()
    code, _, seen, err = ready.run("lab", **OFFLINE)
    assert (code, seen, err) == (1, None, NO_NETWORK)
    assert time.monotonic() - started < 60
    ready.lock("1.0")
    code, said, seen, _ = ready.run("lab", **OFFLINE)
    assert (code, said, seen["tiny"]) == (0, "", "1.0")
    ready.lock("2.0")
    code, said, seen, _ = ready.run("lab")
    assert (code, said.count("Making"), seen["tiny"]) == (0, 0, "2.0")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_download_is_mended_by_the_next_run(ready, number):
    ready.lock("2.0")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        index = "http://127.0.0.1:{}/".format(silent.getsockname()[1])
        process = ready.start("lab", **OFFLINE | {"PIP_INDEX_URL": index})
        silent.settimeout(60)
        with silent.accept()[0]:  # pip is there, and waits for an answer
            assert ready.mark.read_text() == ""
            os.killpg(process.pid, number)
            _, err = process.communicate(timeout=30)
    if number == signal.SIGINT:
        assert (process.returncode, err) == (1, INTERRUPTED)
    code, said, seen, _ = ready.run("lab")
    assert (code, seen["tiny"]) == (0, "2.0")
    assert ("Removing a .venv" in said) == (number == signal.SIGKILL)


def test_a_last_step_that_failed_is_all_that_is_done_again(ready):
    (ready.root / "broken").touch()
    ready.lock("2.0")
    code, _, seen, err = ready.run("lab")
    assert (code, seen) == (1, None) and err.startswith("The installation failed: ")
    (ready.root / "broken").unlink()
    code, said, seen, _ = ready.run("lab")
    assert (code, "Making" in said, seen["tiny"]) == (0, False, "2.0")
    assert "Requirement already satisfied: tiny==2.0" in ready.log.read_text()


def test_second_of_two_runs_waits(ready):
    ready.lock("2.0")
    with open(ready.log, "w") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        process = ready.start("lab")
        assert process.stdout.readline().startswith("Another run is setting up .venv; waiting")
        assert ready.mark.read_text() and not ready.log.read_text()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and '"tiny": "2.0"' in out


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The module's own functions, on an empty folder, with steps that do nothing."""
    for name in ("ROOT", "VENV", "VENV_PYTHON", "MARK", "LOG"):
        monkeypatch.setattr(bootstrap, name, str(tmp_path / os.path.relpath(getattr(bootstrap, name), ROOT)))
    monkeypatch.setattr(bootstrap, "run", lambda command, log: None)
    return tmp_path


@pytest.mark.parametrize("damage", [b"", b"\xff\x00", b"'/elsewhere/.venv' 3.11\n"])
def test_a_venv_of_ours_that_cannot_be_used_goes(here, capsys, damage):
    for folder in (".venv/lib", ".venv.going", "kept"):  # the second: an earlier removal, interrupted
        (here / folder).mkdir(parents=True)
    (here / ".venv" / "lib" / "link").symlink_to(here / "kept")
    Path(bootstrap.MARK).write_bytes(damage)
    assert not bootstrap.read_mark().startswith(bootstrap.wanted())
    bootstrap.create(None)
    assert capsys.readouterr().out.startswith("Removing a .venv that was not finished, or was made for")
    assert sorted(os.listdir(here)) == [".venv", "kept"]
    assert os.listdir(here / ".venv") == ["made-by-the-course"]


@pytest.mark.parametrize("kind", ["folder", "file", "link", "broken link"])
def test_a_venv_that_is_not_ours_is_renamed_and_never_deleted(here, capsys, kind):
    (here / ".venv.old-1").touch()
    if kind == "folder":
        (here / ".venv" / "mine").mkdir(parents=True)
    elif kind == "file":
        (here / ".venv").write_text("mine")
    else:
        (here / ".venv").symlink_to(here / "target")
    if kind == "link":
        (here / "target").mkdir()
        Path(bootstrap.MARK).touch()
    bootstrap.create(None)
    assert "that this course did not make; it is now .venv.old-2.\n" in capsys.readouterr().out
    moved = here / ".venv.old-2"
    assert {"folder": moved / "mine", "link": here / "target" / "made-by-the-course"}.get(kind, here).exists()
    assert kind != "file" or moved.read_text() == "mine"
    assert moved.is_symlink() == ("link" in kind)


def test_an_interruption_while_files_change_begins_anew(here, monkeypatch):
    for name in ("pyproject.toml", "requirements.lock"):
        (here / name).touch()

    def interrupt(command, log):
        if "install" in command:
            assert bootstrap.read_mark() == ""
            log.write(b"Installing collected packages: tiny\n")
            raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "run", interrupt)
    with pytest.raises(KeyboardInterrupt):
        bootstrap.set_up("requirements.lock")
    assert Path(bootstrap.MARK).read_text() == ""


def test_a_venv_whose_python_is_gone_is_none(here):
    (here / ".venv" / "bin").mkdir(parents=True)
    Path(bootstrap.VENV_PYTHON).symlink_to(sys.executable)
    bootstrap.write_mark(bootstrap.wanted())
    assert bootstrap.read_mark() == bootstrap.wanted()
    Path(bootstrap.VENV_PYTHON).unlink()
    assert bootstrap.read_mark() == ""


def test_too_little_space_is_told_before_anything_is_made(here, monkeypatch):
    usage = shutil.disk_usage(here)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1.26e9))
    with pytest.raises(bootstrap.Stop, match="1.3 GB free, and 3 GB are needed"):
        bootstrap.create(None)
    assert os.listdir(here) == []


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
    tree = ast.parse(Path(bootstrap.__file__).read_text(), feature_version=(3, 5))
    younger = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Match)
    assert [node.lineno for node in ast.walk(tree) if isinstance(node, younger)] == []


def test_the_oldest_python_is_that_of_pyproject():
    assert 'requires-python = ">={}.{}"'.format(*bootstrap.OLDEST) in (ROOT / "pyproject.toml").read_text()


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
        (KeyboardInterrupt(), INTERRUPTED),
    ],
)
def test_an_error_of_the_system_is_one_sentence(monkeypatch, capsys, error, sentence):
    monkeypatch.setattr(bootstrap, "set_up", lambda *locks: (_ for _ in ()).throw(error))
    assert (bootstrap.main(["lab"]), capsys.readouterr().err) == (1, sentence)


def test_a_python_without_venv_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    remedy = "apt install python{}.{}-venv".format(*sys.version_info[:2])
    with pytest.raises(bootstrap.Stop, match=f"venv is not installed.*{remedy}"):
        bootstrap.require_python()


def test_windows_is_sent_to_its_linux(monkeypatch):
    monkeypatch.setattr(os, "name", "nt")
    with pytest.raises(bootstrap.Stop, match="WSL.*wsl --install"):
        bootstrap.require_python()


NO_TORCH = "ERROR: No matching distribution found for torch==2.13.0"
SAID = [  # what pip says, machine, what else is set, a part of the problem, a part of the next step
    ("ERROR: [Errno 28] No space left on device", "", {}, "The disk is full", "Free about 3 GB"),
    (
        f"WARNING: Retrying after connection broken by 'Error': /simple/\n{NO_TORCH}",
        "",
        {},
        "the network, or the package index",
        "Check the connection",
    ),
    (NO_TORCH, "Linux riscv64", {}, "no torch==2.13.0 for Python 3.", "3.11 to 3.14, on Linux (x86-64"),
    (NO_TORCH, "Darwin arm64", {}, "no torch==2.13.0 for Python 3.", "macOS 14 or newer on Apple silicon"),
    (NO_TORCH, "Darwin x86_64", {}, "nothing for Intel Macs", "No other Python helps, but Linux does"),
    (NO_TORCH, "Darwin x86_64", {"PIP_NO_INDEX": "1"}, "PIP_NO_INDEX is set", "Unset it"),
    ("ERROR: first\nERROR: last\nsome advice", "", {}, "installation failed: last", "Read .venv-install.log"),
    ("", "", {}, "installation failed: no word", "Read .venv-install.log"),
]


@pytest.mark.parametrize("said, machine, variables, problem, next_step", SAID)
def test_each_failure_of_pip_has_its_sentence(monkeypatch, said, machine, variables, problem, next_step):
    monkeypatch.delenv("PIP_NO_INDEX", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    system, _, processor = machine.partition(" ")
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: processor)
    stop = bootstrap.explain(said)
    assert problem in stop.args[0] and next_step in stop.args[1]


def test_unknown_command_names_the_known():
    done = subprocess.run([sys.executable, bootstrap.__file__, "serve"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == (
        f"There is no such command: serve.\nNext step: Choose one of: {', '.join(bootstrap.COMMANDS)}.\n"
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
