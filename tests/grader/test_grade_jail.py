"""What the jail promises: one test for each promise, made by cells that try the contrary."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from processes import descendants

from grader import jail as jails
from grader import protocol
from grader.jail import BUBBLEWRAP, Jail, JailError, Limits

pytestmark = [pytest.mark.jail, pytest.mark.usefixtures("needs_jail")]
MIB = 1 << 20
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def jail(view, tmp_path_factory):
    limits = Limits(
        cell_seconds=5,
        notebook_seconds=20,
        memory=700 * MIB,
        address_space=4096 * MIB,
        files=16 * MIB,
        file_size=8 * MIB,
        processes=40,
        open_files=64,
    )
    hidden = tmp_path_factory.getbasetemp()
    with Jail(BUBBLEWRAP, view, limits, (hidden,)) as made:
        yield made


@contextmanager
def session(jail, *cells, seconds=5):
    asked = {"cells": cells, "names": ["f"], "skip": []}
    with jail.session() as channel:
        protocol.send(channel, asked | {"cell_seconds": seconds, "notebook_seconds": 60})
        protocol.receive(channel, 60)
        while "at" in (header := protocol.receive(channel, 60)[0]):
            pass
        yield channel, header


def words_of(jail, cell):
    """What a cell says by raising RuntimeError(text)."""
    with session(jail, cell) as (_, header):
        text = header["errors"].get("0", "nothing")
    assert text.startswith("RuntimeError: "), text
    return text.removeprefix("RuntimeError: ")


@pytest.fixture
def said(jail):
    return partial(words_of, jail)


def test_no_network_not_even_to_this_machine(said):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        text = said(f"""
import socket
try:
    socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), 1)
    result = "connected"
except OSError as error:
    result = error.strerror or "timeout"
devices = [line.split(":")[0].strip() for line in open("/proc/net/dev").readlines()[2:]]
raise RuntimeError(f"{{result}} {{sorted(devices)}}")
""")
        with pytest.raises(TimeoutError):  # else a connection came out of the jail
            server.accept()
    assert "connected" not in text and text.endswith("['lo']")


def test_the_system_can_only_be_read(said):
    text = said("""
import os, sys, numpy, course_utils
places = ["/", "/usr", "/etc", "/dev", "/course", "/course/course_utils", sys.prefix, os.path.dirname(numpy.__file__)]
written = []
for place in places:
    try:
        open(os.path.join(place, "canary"), "w").close()
        written.append(place)
    except OSError:
        pass
raise RuntimeError(str(written))
""")
    assert text == "[]"


def test_nothing_of_the_course_that_tells_an_answer(said, view):
    text = said("""
import os, importlib
found = []
for name in ("course_staff", "course_utils.exercises.chapter_01", "tests"):
    try:
        importlib.import_module(name)
        found.append(name)
    except ImportError:
        pass
from course_utils.exercises import all_exercises
for exercise in all_exercises().values():
    try:
        exercise.reference()
        found.append(exercise.id)
    except NotImplementedError:
        pass
for folder, folders, files in os.walk("/"):
    folders[:] = [name for name in folders if name not in ("proc", "usr", "dev", "site-packages")]
    found += [name for name in (*folders, *files) if name in ("solutions", "claims.toml", "roster.csv", "secret",
              "chapter_01.py", "course_staff", "pytest-of-root")]
secret = [name for name in os.environ if "SECRET" in name or "TOKEN" in name or "PYTEST" in name]
raise RuntimeError(f"{found} {secret} {len(all_exercises())}")
""")
    assert text.startswith("[] [] ") and int(text.split()[2]) > 30
    assert not [path for path in view.rglob("*") if "np.tanh(u0) + slope" in _text(path)], "a reference in the view"


def _text(path):
    return path.read_text() if path.is_file() else ""


def test_the_repository_and_hidden_folders_are_empty_even_below_python(monkeypatch, view, tmp_path):
    """As when the course lies in the folder of an environment: what is hidden covers what is put in."""
    inner = tmp_path / "env" / "course"
    inner.mkdir(parents=True)
    (inner / "secret").write_text("s")
    (tmp_path / "env" / "library").write_text("l")
    tmp_path.chmod(0o755)
    real = jails._python_folders()
    monkeypatch.setattr(jails, "_python_folders", lambda hidden: [*real, str(tmp_path / "env")])
    with Jail(BUBBLEWRAP, view, Limits(), (inner,)) as jail:
        text = words_of(
            jail,
            f"""
import os
raise RuntimeError(f"{{os.listdir({str(tmp_path / "env")!r})}} {{os.listdir({str(inner)!r})}}")
""",
        )
    assert "library" in text and text.endswith(" []")


@pytest.mark.parametrize("copy", ["site/course_utils/exercises/chapter_01.py", "backup/notes.txt"])
def test_no_jail_is_made_where_another_copy_of_an_answer_can_be_read(monkeypatch, view, tmp_path, copy):
    """As when the course is installed twice, or lies somewhere else once more, in whatever version or name."""
    place = tmp_path / copy
    place.parent.mkdir(parents=True)
    original = jails._PACKAGE / "exercises/chapter_01.py"
    place.write_bytes(original.read_bytes() if "notes" in copy else b"of another version")
    for folder in (tmp_path, *place.parents):
        if folder.is_relative_to(tmp_path):
            folder.chmod(0o755)
    real = jails._python_folders()
    monkeypatch.setattr(jails, "_python_folders", lambda hidden: [*real, str(tmp_path)])
    with pytest.raises(JailError, match=f"could read the answers in {place}"):
        Jail(BUBBLEWRAP, view, Limits()).start()
    covered = Jail(BUBBLEWRAP, view, Limits(), (place.parent,))
    covered.start()
    covered.stop()


def test_packages_that_are_the_course_once_more_are_covered(monkeypatch, tmp_path):
    (tmp_path / "course_utils").mkdir()
    (tmp_path / "course_utils/__init__.py").touch()
    monkeypatch.setattr(jails.sysconfig, "get_path", lambda name: str(tmp_path))
    assert jails._installed_copies() == [tmp_path / "course_utils"]


SEARCH = """
import os
found = []
for folder, below, files in os.walk("/"):
    if folder == "/":
        below[:] = [name for name in below if name not in ("proc", "sys", "dev")]
    found += [os.path.join(folder, name) for name in files if "chapter_01" in name or "taylor_bounds" in name]
    found += [os.path.join(folder, name) for name in below if name == "course_staff"]
raise RuntimeError(str(found))
"""


@pytest.mark.skipif(not os.access("/usr/src", os.W_OK), reason="only root may put the course below /usr")
def test_a_course_that_lies_below_usr_is_as_hidden_as_elsewhere(tmp_path):
    """Many images keep it in /usr/src/app."""
    tmp_path.chmod(0o755)
    with tempfile.TemporaryDirectory(prefix="app-", dir="/usr/src") as place:
        for name in ("course_utils", "course_staff", "grader", "notebooks", "solutions"):
            shutil.copytree(ROOT / name, Path(place) / name)
        Path(place).chmod(0o755)
        script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_grade_jail import *
assert str(jails._ROOT) == {place!r}
with Jail(BUBBLEWRAP, jails.make_view(Path({str(tmp_path)!r})), Limits()) as jail:
    print(words_of(jail, SEARCH))
"""
        environment = {**os.environ, "PYTHONPATH": place, "PYTHONDONTWRITEBYTECODE": "1"}
        run = subprocess.run([sys.executable, "-c", script], cwd=place, env=environment, capture_output=True, text=True)
    assert run.stdout == "[]\n", run.stdout + run.stderr


def test_bubblewrap_is_started_from_where_it_was_found_in_a_control_group_if_there_is_one(monkeypatch, view, tmp_path):
    """The kernel then counts a submission's memory, all of it; the tools here are found in no usual folder."""
    real = shutil.which("bwrap")
    (tmp_path / "bwrap").write_text(f'#!/bin/sh\necho bwrap "$0" >> {tmp_path}/log\nexec {real} "$@"\n')
    (tmp_path / "systemd-run").write_text(
        f'#!/bin/sh\necho systemd-run "$@" >> {tmp_path}/log\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n'
    )
    for name in ("bwrap", "systemd-run"):
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere:{os.environ['PATH']}")
    monkeypatch.setattr(
        jails.os.path, "exists", lambda path, real=os.path.exists: "cgroup.controllers" in path or real(path)
    )
    jails._control_group.cache_clear()
    try:
        assert jails.memory_is_walled()
        with Jail(BUBBLEWRAP, view, Limits(memory=700 * MIB)) as jail:
            assert words_of(jail, "raise RuntimeError('works')") == "works"
    finally:
        jails._control_group.cache_clear()
    log = (tmp_path / "log").read_text()
    assert f"bwrap {tmp_path}/bwrap" in log and f"-p MemoryMax={(700 + 256 + 1024) * MIB} -p MemorySwapMax=0" in log
    assert ("--user" in log) == (os.getuid() != 0)


def test_an_ordinary_user_without_any_capability(said):
    text = said("""
import os, ctypes
status = open("/proc/self/status").read()
caps = [line.split()[1] for line in status.splitlines() if line.startswith(("CapEff", "CapPrm", "CapAmb"))]
libc = ctypes.CDLL(None, use_errno=True)
new_user = libc.unshare(0x10000000)
raise RuntimeError(f"{os.getuid()} {set(caps)} {libc.umount(b'/tmp')} {new_user} {'NoNewPrivs:	1' in status}")
""")
    uid, rest = text.split(" ", 1)
    assert int(uid) != 0 and rest == "{'0000000000000000'} -1 -1 True"


def test_no_session_finds_what_another_has_left(jail, said):
    leave = """
import os, subprocess, sys, time
open("/tmp/left", "w").write("x")
open("/dev/shm/left", "w").write("x")
open("left-here", "w").write("x")
import numpy
numpy.sin = None
import course_utils.theory.taylor
course_utils.theory.taylor.left = 1
os.environ["LEFT"] = "1"
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
"""
    look = """
import os, numpy, course_utils.theory.taylor
pids = [name for name in os.listdir("/proc") if name.isdigit()]
files = [os.path.join(place, name) for place in ("/tmp", "/dev/shm", ".", "/dev") for name in os.listdir(place)
         if "left" in name]
kept = numpy.sin is None or hasattr(course_utils.theory.taylor, "left") or "LEFT" in os.environ
raise RuntimeError(f"{len(pids)} {files} {kept}")
"""
    with session(jail, leave) as (_, header):
        assert not header["errors"]
    assert said(look) == "2 [] False", "not even another session of the same notebook does"
    jail.reason()
    assert len(descendants(jail.process.pid)) == 1, "a process of a session lives on"


@pytest.mark.parametrize(
    "act",
    [
        "os.kill(-1, signal.SIGKILL)",
        "os.kill(-1, signal.SIGSTOP)",
        "os.kill(os.getppid(), signal.SIGKILL)",
        "os.kill(1, signal.SIGKILL)",
        "os.killpg(0, signal.SIGKILL)",
        "os._exit(0)",
        "os.closerange(0, 9999)",
        "ctypes.string_at(0)",
        "sys.exit(3)",
    ],
)
def test_the_jail_outlives_every_end_of_a_session(jail, said, act):
    try:
        with session(jail, f"import os, signal, ctypes, sys\n{act}"):
            pass
    except protocol.ProtocolError:
        pass
    process = jail.process
    assert said("raise RuntimeError('alive')") == "alive" and jail.process is process


def test_memory_of_one_process_and_of_all_together(jail, said):
    text = said("""
try:
    bytearray(8 << 30)
except MemoryError:
    raise RuntimeError("refused") from None
""")
    assert text == "refused"
    bomb = """
import os, time
for _ in range(20):
    if os.fork() == 0:
        block = bytearray(b"x" * (150 << 20))
        time.sleep(60)
time.sleep(60)
"""
    begun = time.monotonic()
    with pytest.raises(protocol.ProtocolError), session(jail, bomb, seconds=50):
        pass
    assert jail.reason() == "it used too much memory" and time.monotonic() - begun < 40


def test_what_forks_share_counts_once(jail):
    """Each check forks: an honest notebook with a large table would otherwise hold it as often as it has checks."""
    cell = """
import os, time
table = b"x" * (300 << 20)
for _ in range(8):
    if os.fork() == 0:
        time.sleep(1)
        os._exit(0)
time.sleep(0.5)
raise RuntimeError("alive")
"""
    assert words_of(jail, cell) == "alive"


def test_shared_memory_counts_and_memory_without_a_process_is_not_to_be_had(jail, said):
    bomb = """
import mmap, time
kept = []
while True:
    kept.append(mmap.mmap(-1, 100 << 20))
    kept[-1].write(bytes(100 << 20))
"""
    with pytest.raises(protocol.ProtocolError), session(jail, bomb, seconds=50):
        pass
    assert jail.reason() == "it used too much memory"
    text = said("""
import ctypes, errno, os
results = []
try:
    os.memfd_create("x")
except OSError as error:
    results.append(errno.errorcode[error.errno])
libc = ctypes.CDLL(None, use_errno=True)
results += [libc.shmget(0, 100 << 20, 0o1600), errno.errorcode[ctypes.get_errno()]]
raise RuntimeError(" ".join(map(str, results)))
""")
    assert text == "ENOSYS -1 ENOSYS"


def test_a_processor_whose_system_calls_are_not_known_has_no_jail(monkeypatch):
    monkeypatch.setattr(jails, "_MACHINES", ("mips",))
    assert jails.problem(BUBBLEWRAP).startswith("the jail knows the system calls of mips, not of ")


def test_files_processes_and_descriptors_are_limited(said):
    text = said("""
import os, errno, signal
def until(act, most):
    for count in range(most):
        try:
            act(count)
        except OSError as error:
            return count, errno.errorcode[error.errno]
    return most, None
def write(count):
    with open(f"/tmp/{count}", "wb") as file:
        file.write(b"x" * (1 << 20))
def large(count):
    with open("/tmp/large", "ab") as file:
        file.write(b"x" * (1 << 20))
        file.flush()
def fork(count):
    if os.fork() == 0:
        signal.pause()
one = until(large, 100)
os.unlink("/tmp/large")
found = [one, until(write, 100), until(lambda count: os.dup(0), 1000), until(fork, 1000)]
raise RuntimeError(str(found))
""")
    (one, why_one), (files, why_files), (opened, why_opened), (forks, why_forks) = eval(text)
    assert (why_one, why_files, why_opened, why_forks) == ("EFBIG", "ENOSPC", "EMFILE", "EAGAIN")
    assert one == 8 and 14 <= files <= 16 and 40 < opened < 64 and 30 < forks < 40


def test_a_loop_is_cut_and_the_next_cell_runs(jail):
    with session(
        jail,
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "x = 1",
        "raise RuntimeError(str(x))",
        seconds=1,
    ) as (_, header):
        assert header["errors"] == {"0": protocol.TIME_UP, "2": "RuntimeError: 1"}


def test_a_cell_that_sleeps_has_as_long_as_one_that_works(jail):
    begun = time.monotonic()
    with session(jail, "import time; time.sleep(20)", seconds=1) as (_, header):
        assert header["errors"] == {"0": protocol.TIME_UP} and time.monotonic() - begun < 10


def test_claims_and_figures_have_nobody_to_look_at_them(said):
    text = said("""
from course_utils.desk.claims import claim
from course_utils.figures import show
claim("no such claim"), show("no drawing function", "no data")
raise RuntimeError("neither was judged nor drawn")
""")
    assert text == "neither was judged nor drawn"


def test_a_jail_that_dies_says_so_and_the_next_session_has_a_new_one(jail, said):
    with pytest.raises(protocol.Closed), session(jail, "x = 1") as (channel, _):
        os.kill(next(iter(descendants(jail.process.pid))), 9)
        while True:
            protocol.receive(channel, 20)
    assert said("raise RuntimeError('again')") == "again"


def test_a_jail_that_cannot_be_made_says_why(monkeypatch, view):
    monkeypatch.setattr(jails, "_bubblewrap", lambda *_: ["bwrap", "--no-such-option"])
    with pytest.raises(JailError, match="no-such-option"):
        Jail(BUBBLEWRAP, view, Limits()).start()
    assert "no-such-option" in jails.problem(BUBBLEWRAP)
    monkeypatch.setattr(jails.shutil, "which", lambda name: None)
    assert "apt install bubblewrap" in jails.problem(BUBBLEWRAP)
