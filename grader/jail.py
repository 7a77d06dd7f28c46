"""The jail in which a student's cells run, and the sessions in it.

Bubblewrap makes it: no network, its own processes, a system that can only be read, and of the course only a copy
of ``course_utils`` without the exercises' references. In it one process waits with numpy, torch and matplotlib
already imported, and forks a session for each submission (:mod:`grader.worker`); where the kernel
does not let it shut sessions off from each other, every session gets a jail of its own, which costs the imports.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import course_utils
from course_utils.exercises import all_exercises
from grader import worker

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
    own = Path(__file__).resolve().parent
    files = {
        path.relative_to(_ROOT): path.read_bytes()
        for path in sorted(_PACKAGE.rglob("*"))
        if path.is_file()
        and "__pycache__" not in path.parts
        and path.name != "claims.toml"
        and not (path.parent.name == "exercises" and path.stem not in ("__init__", "probes", "variants"))
    }
    files[Path("course_utils/exercises/chapter_00.py")] = _declarations().encode()
    files[Path("grading_worker/__init__.py")] = b""
    for name in ("worker.py", "protocol.py"):
        files[Path("grading_worker") / name] = (own / name).read_bytes()
    digest = hashlib.sha256()
    for path, content in sorted(files.items()):
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    view = folder / f"view-{digest.hexdigest()[:16]}"
    if not view.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(dir=folder, prefix=".making-"))
        try:
            for path, content in files.items():
                (making / path).parent.mkdir(parents=True, exist_ok=True)
                (making / path).write_bytes(content)
            for place in (making, *making.rglob("*")):  # read in the jail by another user
                place.chmod(0o755 if place.is_dir() else 0o644)
            try:
                making.rename(view)
            except OSError:
                if not view.is_dir():  # else another grader was faster
                    raise
        finally:
            shutil.rmtree(making, ignore_errors=True)
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
    if os.uname().machine not in worker.REFUSED_CALLS:
        return f"the jail knows the system calls of {' and '.join(worker.REFUSED_CALLS)}, not of {os.uname().machine}"
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (Debian and Ubuntu: apt install bubblewrap)"
    tried = subprocess.run([*_bubblewrap([]), "true"], capture_output=True, text=True, timeout=60, check=False)
    if tried.returncode:
        said = (tried.stderr.strip().splitlines() or ["no word"])[-1]
        return f"bubblewrap cannot make a jail here ({said})"
    return ""


_SHUT_OFF = (
    "--unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup-try "
    "--die-with-parent --new-session --as-pid-1 --clearenv --hostname jail"
)
# What programs need of /etc and of systems that keep their files elsewhere; no names, no passwords.
_SETTINGS = "/etc/ld.so.cache /etc/ld.so.conf /etc/ld.so.conf.d /etc/alternatives /etc/fonts /etc/localtime /nix/store"


def _bubblewrap(binds: list[tuple[str, str]], hidden: tuple[Path, ...] = ()) -> list[str]:
    """The command that makes the jail: an empty system into which only what is listed is put, to be read."""
    command = [shutil.which("bwrap") or "bwrap", *_SHUT_OFF.split()]  # also where the jail's own PATH has none
    if os.getuid() == 0:
        # As root, folders that only root can enter can be put in. The worker itself then becomes nobody.
        command += "--cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID --cap-add CAP_SYS_ADMIN".split()
        command += ["--dir", "/proc"]
    else:
        command += ["--unshare-user", "--proc", "/proc"]
    system = [path for path in ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32") if os.path.isdir(path)]
    for path in system:
        if os.path.islink(path):
            command += ["--symlink", os.readlink(path), path]
    binds = [*((path, path) for path in system if not os.path.islink(path)), *binds]
    for path in _SETTINGS.split():
        command += ["--ro-bind-try", path, path]
    command += "--dev /dev --remount-ro /dev --perms 1777 --tmpfs /dev/shm --perms 1777 --tmpfs /tmp".split()
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


def _python_folders(hidden: tuple[Path, ...]) -> list[str]:
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
    """A running jail. ``with jail.session() as channel:`` runs one submission in it.

    Args:
        kind: "bubblewrap" or "none".
        view: from :func:`make_view`.
        limits: of each session.
        hidden: folders of which a session sees nothing, wherever they are; the repository is always one.
        modules: what notebooks import; it takes seconds, so it is done once.

    Raises:
        JailError: from the constructor and from :meth:`session`, when the jail cannot be made or has died.
    """

    def __init__(
        self, kind: str, view: Path, limits: Limits, hidden: tuple[Path, ...] = (), modules: tuple[str, ...] = ()
    ) -> None:
        self.kind, self.view, self.limits, self.modules = kind, view, limits, modules
        self.hidden = tuple(path.resolve() for path in (_ROOT, *_installed_copies(), *hidden))
        self.process: subprocess.Popen | None = None
        self.isolated = self.running = False
        self.ended = ""

    def start(self) -> None:
        """Start the waiting process, unless it runs."""
        if self.process is not None and self.process.poll() is None:
            return
        self.stop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._stderr = tempfile.TemporaryFile()
        inside = self.kind == BUBBLEWRAP
        view = "/course" if inside else str(self.view)
        self._folder = None if inside else tempfile.mkdtemp(prefix="grading-")
        limits = self.limits
        settings: dict[str, Any] = {
            "isolate": inside,
            "drop": inside and os.getuid() == 0,
            "modules": self.modules,
            "memory": limits.memory,
            "files": limits.files,
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
        environment = _environment(view, self._folder or "/tmp")
        command = [sys.executable, "-m", "grading_worker.worker", str(theirs.fileno())]
        if inside:
            folders = _python_folders(self.hidden)
            # A session's own /tmp would cover them, so they are also put where it can fetch them from.
            settings["again"] = [(f"/again/{n}", path) for n, path in enumerate(folders) if path.startswith("/tmp/")]
            binds = [
                *((path, path) for path in folders),
                (str(self.view), "/course"),
                *((path, again) for again, path in settings["again"]),
            ]
            variables = [part for pair in environment.items() for part in ("--setenv", *pair)]
            command = [*_bubblewrap(binds, self.hidden), "--chdir", "/tmp", "--remount-ro", "/", *variables, *command]
        command.append(json.dumps(settings))
        try:
            self.process = subprocess.Popen(
                command,
                env=environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise JailError(f"the process for the students' cells could not be started: {error}") from error
        finally:
            theirs.close()
        self.control = ours
        hello = self._hear(_START)
        self.isolated = hello["isolated"]
        if "refused" in hello:
            self.stop()
            raise JailError(f"students' code could read the answers in {hello['refused']}: hide or remove that copy")

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
        """A socket to a fresh session, which has ended with all its processes when the context is left."""
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
                if not self.isolated and self.kind == BUBBLEWRAP:
                    self.stop()
        return self.ended

    def stop(self) -> None:
        """End the jail and everything in it."""
        if self.process is None:
            return
        process, self.process, self.running = self.process, None, False
        self.control.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._stderr.close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Jail:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
