"""The jail in which a student's cells run, and the sessions in it.

Each submission gets one, made by bubblewrap: a network, processes and files of its own, a system that can only be read,
and of the course only a copy of ``course_utils`` without the exercises' references. So that nothing has to be cleaned
away between two students, nothing is shared by them; bubblewrap itself takes 10 ms. In the jail one process imports
what the chapter does, 1.5 s for torch and matplotlib, and forks the few sessions that a submission needs, which costs
10 ms each (:mod:`grader.worker`).
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import json
import os
import secrets
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

import course_utils
from course_utils.exercises import all_exercises

BUBBLEWRAP, NONE = "bubblewrap", "none"

_PACKAGE = Path(course_utils.__file__).resolve().parent
_ROOT = _PACKAGE.parent
_GIB = 1 << 30
#: Seconds that the jail may take to import everything, on a busy machine.
_START = 120.0


class JailError(Exception):
    """The jail, not the student, is in trouble; the message says what and what to do."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    cell_seconds, notebook_seconds   for one cell, and for all cells of a notebook
    patience        times an exercise's own time limit: the grader's machine may be busier than the student's
    memory          bytes of all its processes together
    address_space   bytes of one process; torch alone maps nearly 1 GiB
    files           bytes in its /tmp; file_size of one file
    processes, open_files
    """

    cell_seconds: float = 60.0
    notebook_seconds: float = 300.0
    patience: float = 3.0
    memory: int = 3 * _GIB
    address_space: int = 6 * _GIB
    files: int = _GIB // 4
    file_size: int = _GIB // 8
    processes: int = 64  # with the open files: what is kept in buffers of sockets belongs to no process
    open_files: int = 128


def make_view(folder: Path) -> Path:
    """A copy of what a session may import of the course, below ``folder``: made once, then found again.

    It has ``course_utils`` with every exercise's title and points but no reference, wrong answer or case, and
    what runs the cells. Nothing of ``solutions``, ``tests`` or ``course_staff``, no claims and no names.
    """
    import matplotlib
    from matplotlib import font_manager  # which looks for the fonts, once for all jails

    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(".making-*"):  # by a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    making = Path(tempfile.mkdtemp(dir=folder, prefix=".making-"))
    without = shutil.ignore_patterns("__pycache__", "claims.toml", "chapter_*")
    shutil.copytree(_PACKAGE, making / "course_utils", ignore=without)
    (making / "course_utils/exercises/chapter_00.py").write_text(_declarations(), encoding="utf-8")
    (making / "grading_worker").mkdir()
    (making / "grading_worker/__init__.py").touch()
    for name in ("worker.py", "protocol.py"):
        shutil.copy(Path(__file__).with_name(name), making / "grading_worker")
    (making / "fonts").mkdir()
    for path in Path(matplotlib.get_cachedir()).glob(f"fontlist-v{font_manager.FontManager.__version__}*.json"):
        shutil.copy(path, making / "fonts")
    digest = hashlib.sha256()
    for path in sorted(making.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)  # read in the jail by another user
        if path.is_file():
            digest.update(f"{path.relative_to(making)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    making.chmod(0o755)
    view = folder / f"view-{digest.hexdigest()[:16]}"
    try:
        making.rename(view)
    except OSError:  # it is there already
        shutil.rmtree(making)
    return view


def _declarations() -> str:
    """The module of exercises that a session sees."""
    rows = "".join(
        f"    Exercise(id={e.id!r}, title={e.title!r}, points={e.points}, difficulty={e.difficulty},\n"
        f"             minutes={e.minutes}, cases=_later, reference=_later, misconceptions=_NONE),\n"
        for e in all_exercises().values()
    )
    return (
        '"""The exercises\' titles and points; answers are judged elsewhere."""\n\n'
        "from course_utils.exercises import Exercise, Misconception\n\n\n"
        'def _later(*_args, **_kwargs):\n    raise NotImplementedError("answers are judged after all cells have run")\n'
        f'\n\n_NONE = (Misconception(_later, "Judged later."),)\n\nEXERCISES = (\n{rows})\n'
    )


def problem(kind: str) -> str:
    """Why no jail of this kind can be made here, in a sentence; "" when it can. Makes one to find out."""
    if kind == NONE:
        return ""
    if os.uname().machine not in _MACHINES:
        return f"the jail knows the system calls of {' and '.join(_MACHINES)}, not of {os.uname().machine}"
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (Debian and Ubuntu: apt install bubblewrap)"
    command = [*_control_group(Limits()), *_bubblewrap([]), "true"]
    tried = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if tried.returncode:
        said = (tried.stderr.strip().splitlines() or ["no word"])[-1]
        return f"bubblewrap cannot make a jail here ({said}); it must be of version 0.7 or newer"
    return ""


# What bubblewrap is asked for

_SHUT_OFF = (
    "--unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup-try "
    "--die-with-parent --new-session --as-pid-1 --clearenv --hostname jail"
)
# What programs need of /etc and of systems that keep their files elsewhere; no names, no passwords.
_SETTINGS = "/etc/ld.so.cache /etc/ld.so.conf /etc/ld.so.conf.d /etc/alternatives /etc/fonts /etc/localtime /nix/store"


def _bubblewrap(binds: list[tuple[str, str]], hidden: tuple[Path, ...] = (), files: int = _GIB // 4) -> list[str]:
    """The command that makes the jail: an empty system into which only what is listed is put, to be read."""
    command = [shutil.which("bwrap") or "bwrap", *_SHUT_OFF.split()]  # also where the jail's own PATH has none
    if os.getuid() == 0:
        # As root, folders that only root can enter can be put in. The worker itself then becomes somebody else.
        command += "--cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID".split()
    else:
        command.append("--unshare-user")
    system = [path for path in ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32") if os.path.isdir(path)]
    for path in system:
        if os.path.islink(path):
            command += ["--symlink", os.readlink(path), path]
    binds = [*((path, path) for path in system if not os.path.islink(path)), *binds]
    for path in _SETTINGS.split():
        command += ["--ro-bind-try", path, path]
    command += "--proc /proc --dev /dev --remount-ro /dev".split()
    for own, size in ("/dev/shm", files // 4), ("/tmp", files):
        command += ["--perms", "1777", "--size", str(size), "--tmpfs", own]
    places = {Path(target): ["--ro-bind", source, target] for source, target in binds}
    for source, target in binds:
        for folder in hidden:
            if folder.is_relative_to(source) and folder != Path(source):
                covered = Path(target) / folder.relative_to(source)
                places[covered] = ["--tmpfs", str(covered)]
    for place in sorted(places):  # what lies in another one comes after it
        for parent in reversed(place.parents[:-1]):
            if parent not in places and not any(other in places for other in parent.parents):
                command += ["--perms", "0755", "--dir", str(parent)]
        command += places[place]
    return command


def _python_folders(hidden: tuple[Path, ...] = ()) -> list[str]:
    """Where this interpreter and its packages live, outermost only; of /usr, which is bound, what is hidden there."""
    paths = {sys.prefix, sys.base_prefix, *map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib"))}
    paths |= {os.path.realpath(path) for path in paths}
    inside = {path for path in paths if any(Path(path).is_relative_to(folder) for folder in hidden)}
    paths = {path for path in paths if os.path.isdir(path) and (path in inside or not f"{path}/".startswith("/usr/"))}
    return sorted(path for path in paths if not any(path.startswith(other + "/") for other in paths))


def _installed_copies() -> list[Path]:
    """Other copies of the course, with its answers, among the packages of this interpreter."""
    places = {Path(os.path.realpath(sysconfig.get_path(name))) for name in ("purelib", "platlib")}
    names = "course_utils", "course_staff", "grader"
    return [place / name for place in places for name in names if (place / name / "__init__.py").is_file()]


@functools.cache
def _answers() -> dict[str, list[str]]:
    """The files that tell answers, by which the jail looks for copies of them: size → hashes."""
    found: dict[str, list[str]] = {}
    for path in (*_PACKAGE.glob("exercises/chapter_*.py"), *_ROOT.glob("solutions/*.*")):
        content = path.read_bytes()
        found.setdefault(str(len(content)), []).append(hashlib.sha256(content).hexdigest())
    return found


@functools.cache
def _control_group(limits: Limits) -> list[str]:
    """What puts a command into a control group of its own, which holds its memory and tasks; [] where systemd has none.

    The kernel then counts every byte and every task. Elsewhere a look at processes has to do (:mod:`grader.worker`).
    """
    if shutil.which("systemd-run") is None or not os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        return []
    who = [] if os.getuid() == 0 else ["--user"]
    held = f"MemoryMax={limits.memory + limits.files + _GIB}"  # with what the jail has imported
    command = ["systemd-run", *who, "--scope", "--quiet", "--collect", "-p", held, "-p", "MemorySwapMax=0"]
    command += ["-p", f"TasksMax={limits.processes + 16}", "--"]
    tried = subprocess.run([*command, "true"], capture_output=True, timeout=60, check=False)
    return command if tried.returncode == 0 else []


def memory_is_walled() -> bool:
    """Whether the kernel itself limits a submission's memory here, or only a look at its processes, at intervals."""
    return bool(_control_group(Limits()))


# System calls that no session has: for each machine its number in <linux/audit.h>, then those of the calls.
_CALLS = {
    "x86_64": (0xC000003E, 41, 56),
    "aarch64": (0xC00000B7, 198, 220),
}  # socket and clone, of which some are allowed
_REFUSED = [  # x86_64, aarch64
    # memfd_create, memfd_secret, shmget, msgget, semget, io_uring_setup: memory that no look at a process finds
    *((319, 279), (447, 447), (29, 194), (68, 186), (64, 190), (425, 425)),
    # unshare, setns, mount, clone3 (whose flags lie in memory; libraries then use clone): no namespaces of their own
    *((272, 97), (308, 268), (165, 40), (435, 435)),
    # add_key, request_key, keyctl: keys outlive a session
    *((248, 217), (249, 218), (250, 219)),
    # preadv2, mincore, cachestat, flock, inotify_init1, inotify_init, fanotify_init: what others do with their files
    *((327, 286), (27, 232), (451, 451), (73, 32), (294, 26), (253, None), (300, 262)),
    # userfaultfd, perf_event_open, bpf: much kernel that no exercise needs
    *((323, 282), (298, 241), (321, 280)),
]
_MACHINES = tuple(_CALLS)
#: Families of sockets that a session may have, AF_UNIX, AF_INET and AF_INET6: namespaces shut off no others (AF_VSOCK).
_FAMILIES = 1, 2, 10
_NEW_USER = 0x10000000  # in the flags of clone


def _filter() -> bytes:
    """The program, for seccomp, that refuses these calls with ENOSYS: steps (code, jump if so, jump if not, value)."""
    machine = os.uname().machine
    audit, socket_call, clone = _CALLS[machine]
    load, equal, at_least, any_bit, end = 0x20, 0x15, 0x35, 0x45, 0x06  # <linux/bpf_common.h>
    number, first_argument = (load, 0, 0, 0), (load, 0, 0, 16)
    no, yes = (end, 0, 0, 0x00050000 | errno.ENOSYS), (end, 0, 0, 0x7FFF0000)
    # Calls by another interface of the same processor (32 bits, x32) have other numbers: none of them is allowed.
    program = [(load, 0, 0, 4), (equal, 1, 0, audit), no, number, (at_least, 0, 1, 0x40000000), no]
    for call in (pair[_MACHINES.index(machine)] for pair in _REFUSED):
        if call is not None:
            program += [(equal, 0, 1, call), no]
    program += [(equal, 0, 3, clone), first_argument, (any_bit, 0, 1, _NEW_USER), no, number]
    program += [(equal, 1, 0, socket_call), yes, first_argument]
    for family in _FAMILIES:
        program += [(equal, 0, 1, family), yes]
    return b"".join(struct.pack("HBBI", *step) for step in [*program, no])


def _environment(view: str, home: str) -> dict[str, str]:
    kept = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "LD_LIBRARY_PATH")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PATH": "/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "PYTHONPATH": view,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        "PYTHONSAFEPATH": "1",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "IPYTHONDIR": f"{home}/.ipython",
        "COURSE_PROGRESS": "",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }


class Jail:
    """The jail of one submission. ``with jail.session() as channel:`` runs its cells once.

    Args:
        kind: "bubblewrap" or "none".
        view: from :func:`make_view`.
        limits: of each session.
        hidden: folders of which a session sees nothing, wherever they are; the repository is always one.
        modules: what the notebook imports; it takes seconds, so it is done once for all sessions.

    Raises:
        JailError: from :meth:`session`, when the jail cannot be made.
    """

    #: What jails of this process have searched for answers, in vain: it takes a second.
    searched: ClassVar[set[tuple]] = set()

    def __init__(
        self, kind: str, view: Path, limits: Limits, hidden: tuple[Path, ...] = (), modules: tuple[str, ...] = ()
    ) -> None:
        self.kind, self.view, self.limits, self.modules = kind, view, limits, modules
        self.hidden = tuple(path.resolve() for path in (_ROOT, *_installed_copies(), *hidden))
        self.process: subprocess.Popen | None = None
        self.running = False
        self.ended = ""

    def start(self) -> None:
        """Start the waiting process, unless it runs."""
        if self.process is not None and self.process.poll() is None:
            return
        self.stop()
        inside, limits = self.kind == BUBBLEWRAP, self.limits
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._open = contextlib.ExitStack()
        self._stderr = self._open.enter_context(tempfile.TemporaryFile())
        calls = self._open.enter_context(tempfile.TemporaryFile())
        home = "/tmp" if inside else self._open.enter_context(tempfile.TemporaryDirectory(prefix="grading-"))
        binds = [*((path, path) for path in _python_folders(self.hidden)), (str(self.view), "/course")]
        visible = *binds, *self.hidden
        settings: dict[str, Any] = {
            "jail": inside,
            # Another user for each jail, so that the kernel counts their processes apart.
            "user": 30_000 + secrets.randbelow(30_000) if inside and os.getuid() == 0 else None,
            "answers": _answers() if inside and visible not in self.searched else {},
            "modules": self.modules,
            "memory": limits.memory,
            "limits": {
                "RLIMIT_AS": limits.address_space,
                "RLIMIT_FSIZE": limits.file_size,
                "RLIMIT_CORE": 0,
                "RLIMIT_NOFILE": limits.open_files,
                "RLIMIT_CPU": int(limits.notebook_seconds) + 60,
                # Without a namespace of users this would count all processes of the instructor.
                **({"RLIMIT_NPROC": limits.processes} if inside else {}),
            },
        }
        environment = _environment("/course" if inside else str(self.view), home)
        command = [sys.executable, "-m", "grading_worker.worker", str(theirs.fileno()), json.dumps(settings)]
        if inside:
            calls.write(_filter())
            calls.seek(0)
            variables = [part for pair in environment.items() for part in ("--setenv", *pair)]
            shut_in = [*_bubblewrap(binds, self.hidden, limits.files), "--seccomp", str(calls.fileno())]
            command = [*shut_in, "--chdir", "/tmp", "--remount-ro", "/", *variables, *command]
            command = [*_control_group(limits), *command]
        try:
            self.process = subprocess.Popen(
                command,
                env=None if inside else environment,  # bubblewrap clears it, systemd-run needs it
                pass_fds=[theirs.fileno(), calls.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            self._open.close()
            raise JailError(f"the process for the students' cells could not be started: {error}") from error
        finally:
            theirs.close()
        self.control = ours
        refused = self._hear(_START)["refused"]
        if refused:
            self.stop()
            raise JailError(f"students' code could read the answers in {refused}: hide or remove that copy")
        self.searched.add(visible)

    def _hear(self, seconds: float) -> dict:
        ready, _, _ = select.select([self.control], [], [], seconds)
        data = self.control.recv(4096) if ready else b""
        if not data:
            self._stderr.seek(0)
            said = self._stderr.read()[-2000:].decode(errors="replace").strip().splitlines()
            self.stop()
            raise JailError(f"the process for the students' cells has died: {said[-1] if said else 'no word'}")
        return json.loads(data)

    @contextlib.contextmanager
    def session(self) -> Iterator[socket.socket]:
        """A socket to a fresh session, which has ended with all its processes when the next one begins."""
        self.reason()
        self.start()
        ours, theirs = socket.socketpair()
        try:
            try:
                socket.send_fds(self.control, [b"session"], [theirs.fileno()])
            except OSError as error:
                self.stop()
                raise JailError(f"the process for the students' cells has died: {error}") from error
            finally:
                theirs.close()
            self.running = True
            yield ours
        finally:
            ours.close()
            with contextlib.suppress(OSError, AttributeError):
                self.control.send(b"kill")

    def reason(self) -> str:
        """Wait until the last session and all its processes are gone; returns why it was ended, or ""."""
        if self.running:
            self.running = False
            with contextlib.suppress(JailError):  # the next session starts anew
                self.ended = self._hear(30.0)["ended"]
        return self.ended

    def stop(self) -> None:
        """End the jail and everything in it."""
        if self.process is None:
            return
        process, self.process, self.running = self.process, None, False
        self.control.close()  # upon which it ends, and bubblewrap buries it
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._open.close()

    def __enter__(self) -> Jail:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
