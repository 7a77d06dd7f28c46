"""What runs inside the jail: a warm process that forks one session for each submission.

Started as ``python -m grading_worker.worker FD SETTINGS`` with a copy of ``course_utils`` that holds no reference
(see :mod:`grader.jail`). FD is a socket to the grader, over which it only receives the end of
another socket for each session: what a student handed in never passes through the process that the next
student's session is forked from.

A session gets namespaces, a /tmp and a /dev/shm of its own and loses every privilege; then it runs the cells. At
``check("1.2", f)`` it forks: the child keeps everything as it was at this moment and waits for inputs, so that
the answer is judged as it was in the notebook, and a loop, a crash or an exit in one exercise costs no other.
Nothing here is trusted by the grader.
"""

from __future__ import annotations

import ast
import contextlib
import ctypes
import dis
import errno
import gc
import json
import os
import re
import resource
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from . import protocol

# From <linux/sched.h>, <sys/mount.h> and <linux/prctl.h>.
# user, mount, pid, ipc, uts, and a network without any device: a closed connection is listed for a minute
_NEW_NAMESPACES = 0x10000000 | 0x00020000 | 0x20000000 | 0x08000000 | 0x04000000 | 0x40000000
_PRIVATE, _BIND, _NOSUID_NODEV, _NOSUID_NODEV_NOEXEC = 0x44000, 0x5000, 0x6, 0xE
_SET_DUMPABLE, _SET_SECCOMP, _SET_CHILD_SUBREAPER, _SET_NO_NEW_PRIVS = 4, 22, 36, 38

#: System calls that a session is refused, with their numbers on each machine.
_REFUSED: dict[str, tuple[int, ...]] = {
    # what keeps memory where no limit and no look at a process finds it
    "x86_64": (319, 447, 29, 68, 64, 425),  # memfd_create, memfd_secret, shmget, msgget, semget, io_uring_setup
    "aarch64": (279, 447, 194, 186, 190, 425),
}
_REFUSED["x86_64"] += (248, 249, 250)  # add_key, request_key, keyctl: keys outlive a session
_REFUSED["aarch64"] += (217, 218, 219)
# what tells of other sessions' files: preadv2, mincore, cachestat, flock, inotify_init, inotify_init1, fanotify_init
_REFUSED["x86_64"] += (327, 27, 451, 73, 253, 294, 300)
_REFUSED["aarch64"] += (286, 232, 451, 32, 26, 262)
_REFUSED["x86_64"] += (323, 298, 321)  # userfaultfd, perf_event_open, bpf: much kernel that no exercise needs
_REFUSED["aarch64"] += (282, 241, 280)
#: For each machine its number in <linux/audit.h>, the calls above, and that of socket().
REFUSED_CALLS = {"x86_64": (0xC000003E, _REFUSED["x86_64"], 41), "aarch64": (0xC00000B7, _REFUSED["aarch64"], 198)}
#: Families of sockets that a session may have, AF_UNIX, AF_INET and AF_INET6: namespaces shut off no others (AF_VSOCK).
_FAMILIES = 1, 2, 10

NOBODY = 65534
#: Snapshots that a notebook can have at one time: a check can also stand in a loop.
MAX_SNAPSHOTS = 40
#: Seconds beyond its time that an exercise has to stop by itself.
_GRACE = 2.0

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _mount(kind: bytes, target: bytes, flags: int, data: bytes | None = None) -> None:
    _call("mount", kind, target, kind, ctypes.c_ulong(flags), data)


# The process that sessions are forked from


def main(channel: int, settings: dict) -> None:
    """Serve sessions until the grader closes its socket."""
    control = socket.socket(fileno=channel)
    if settings["drop"]:  # the grader is root: only here, so that the jail could be made of folders of root's
        # A session can only mount a /proc of its own where one without covered parts is visible.
        _mount(b"proc", b"/proc", _NOSUID_NODEV_NOEXEC)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    _call("prctl", _SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _call("prctl", _SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _call("prctl", _SET_DUMPABLE, 0, 0, 0, 0)
    shown = _seen_answers() if settings["isolate"] else ""
    if shown:
        control.send(json.dumps({"isolated": False, "refused": shown}).encode())
        return
    problem = _isolation_problem(settings) if settings["isolate"] else "not asked for"
    # A process for one session only imports what this session needs.
    shell = _warm([] if problem and settings["isolate"] else settings["modules"])
    gc.collect()
    gc.freeze()  # so that the forks go on sharing its memory
    hello = {"isolated": not problem, "problem": problem, "uid": os.getuid()}
    control.send(json.dumps(hello).encode())
    while True:
        data, fds, *_ = socket.recv_fds(control, 64, 1)
        if not data:
            return
        if fds:  # else the end of a session that has ended by itself
            ended = _session(control, fds[0], shell, settings, isolate=not problem)
            control.send(json.dumps({"ended": ended}).encode())


def _seen_answers() -> str:
    """A visible file with answers, "" if there is none: whichever way the course was installed, and wherever."""
    for folder, below, files in os.walk("/", followlinks=True):
        if folder == "/":
            below[:] = [name for name in below if name not in ("proc", "dev", "course", "again")]
        below[:] = [name for name in below if not os.path.islink(os.path.join(folder, name))]
        if "exercises" in folder and re.search(r"course_utils[^/]*/exercises(/__pycache__)?$", folder):
            found = [name for name in files if name.startswith("chapter_")]
        else:
            found = [
                name for name in files if re.fullmatch(r"\d\d[ab]?_[a-z_]+\.(md|ipynb)", name) and "solution" in folder
            ]
        if found:
            return os.path.join(folder, found[0])
    return ""


def _warm(modules: list[str]) -> Any:
    """Import what notebooks import, and make the shell in which their cells run."""
    for name in modules:
        with contextlib.suppress(ImportError):
            __import__(name)
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    config.InteractiveShell.xmode = "Minimal"
    config.InteractiveShell.banner1 = ""
    shell: Any = InteractiveShell.instance(config=config, ipython_dir=os.environ["IPYTHONDIR"])

    def nothing(*_args: object, **_kwargs: object) -> None:
        """Displays and tracebacks have nobody to look at them here."""

    shell.showtraceback = shell.showsyntaxerror = shell.showindentationerror = nothing
    shell.enable_matplotlib = shell.enable_gui = nothing
    shell.display_pub.publish = nothing
    shell.display_formatter.active_types = ["text/plain"]
    import course_utils.desk  # noqa: F401, which every session needs

    return shell


def _isolation_problem(settings: dict) -> str:
    """Why a session cannot be shut off from the next one, "" when it can: tried once, at the start."""
    ours, theirs = socket.socketpair()
    pid = _fork_isolated(settings, lambda: theirs.send(b"ok"), keep=theirs.fileno())
    theirs.close()
    if pid is None:
        return "no namespaces of their own"
    answer = ours.recv(2)
    os.waitpid(pid, 0)
    return "" if answer == b"ok" else "a session's own /tmp and /proc cannot be mounted"


def _session(control: socket.socket, channel: int, shell: Any, settings: dict, isolate: bool) -> str:
    """Run one session in a fork and see it end; returns "", or why it was ended."""

    def serve() -> None:
        from course_utils import audience
        from course_utils.desk.checks import check

        session = _Session(socket.socket(fileno=channel), shell)
        with audience.only({check: session.check}):  # claims and figures have nobody to look at them either
            session.serve()

    if isolate:
        pid = _fork_isolated(settings, serve, keep=channel)
    else:
        pid = _fork_plain(settings, serve, keep=channel)
    os.close(channel)
    if pid is None:
        return "the session could not be started"
    ended, watched, own = "", os.pidfd_open(pid), _anonymous(os.getpid())
    try:
        while True:
            ready, _, _ = select.select([watched, control.fileno()], [], [], 0.05)
            if watched in ready:
                break
            if ready:
                control.recv(64)
                ended = ended or "the grader ended it"
            elif settings["isolate"] and _memory_used(own) > settings["memory"]:
                ended = "it used too much memory"
            if ended:
                os.kill(pid, signal.SIGKILL)
    finally:
        os.close(watched)
    _bury(pid, settings)
    return ended


def _memory_used(own: int) -> int:
    """Bytes that the processes of the session hold beyond the ``own`` ones of this one, which they share."""
    used = 0
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in (1, os.getpid()):
            used += max(0, _anonymous(int(name)) - own)
    return used


def _anonymous(pid: int) -> int:
    """Bytes of a process that come from no file on a disk; 0 when it has ended.

    All its threads have the same, but one that has ended, as the first may have, no longer tells of it.
    """
    most = 0
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/status") as file:
                sizes = dict(line.split(":", 1) for line in file)
                found = sum(int(sizes.get(name, "0").split()[0]) << 10 for name in ("RssAnon", "RssShmem"))
                most = max(most, found)
            if most:
                break
    return most


def _fork_isolated(settings: dict, run: Callable[[], object], keep: int) -> int | None:
    """Fork a first process of new namespaces; returns its id, or None where there are none to be had.

    It is a grandchild, whose parent ends at once, so that this process, a subreaper, becomes its parent. When
    it ends, the kernel kills every process that it has left.
    """
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(told)
            uid, gid = os.getuid(), os.getgid()
            _call("prctl", _SET_DUMPABLE, 1, 0, 0, 0)  # or its files in /proc would belong to root
            _call("unshare", _NEW_NAMESPACES)
            for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
                with open(f"/proc/self/{name}", "w") as file:
                    file.write(text)
            first = os.fork()
            if first == 0:
                os.close(tell)
                _shut_in(settings, keep)
                run()
            else:
                os.write(tell, str(first).encode())
        finally:
            os._exit(0)
    os.close(tell)
    with os.fdopen(told) as file:
        number = file.read()
    os.waitpid(child, 0)
    return int(number) if number else None


def _shut_in(settings: dict, keep: int) -> None:
    """The last steps of a session that has new namespaces: after them it can do no more than any process."""
    _call("mount", b"none", b"/", None, ctypes.c_ulong(_PRIVATE), None)
    _mount(b"proc", b"/proc", _NOSUID_NODEV_NOEXEC)
    for target, size in ((b"/tmp", settings["files"]), (b"/dev/shm", settings["files"] // 4)):
        _mount(b"tmpfs", target, _NOSUID_NODEV, b"mode=0700,nr_inodes=20k,size=%d" % size)
    _mount(b"devpts", b"/dev/pts", 0xA, b"newinstance,ptmxmode=0666,mode=0600")  # nosuid, noexec
    for source, target in settings["again"]:
        os.makedirs(target)
        _call("mount", source.encode(), target.encode(), None, ctypes.c_ulong(_BIND), None)
    with open("/proc/sys/user/max_user_namespaces", "w") as file:
        file.write("0")  # a student's process gets no namespaces, and no kernel code behind them
    # Version 3 of the interface, this process; no capability in any set.
    _call("capset", (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())
    _limit_and_detach(settings, keep)


def _fork_plain(settings: dict, run: Callable[[], object], keep: int) -> int:
    """Fork a session where no namespaces are to be had: its files and processes are cleared away afterwards."""
    pid = os.fork()
    if pid == 0:
        try:
            folder = tempfile.mkdtemp(prefix="session-")
            tempfile.tempdir = os.environ["TMPDIR"] = os.environ["HOME"] = folder
            _limit_and_detach(settings, keep)
            os.chdir(folder)
            sys.path.append(folder)
            run()
        finally:
            os._exit(0)
    return pid


def _limit_and_detach(settings: dict, keep: int) -> None:
    os.setsid()
    for name, limit in settings["limits"].items():
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (limit, limit))
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.set_inheritable(keep, False)
    os.closerange(3, keep)
    os.closerange(keep + 1, 65536)
    os.chdir("/tmp")
    sys.path.append("/tmp")  # last: what a notebook writes there can be imported, and covers nothing
    if settings["isolate"]:
        _refuse_calls()


def _refuse_calls() -> None:
    """From now on this process and those it starts have the refused system calls no more (a seccomp filter)."""
    architecture, refused, socket_call = REFUSED_CALLS[os.uname().machine]
    load, equal, at_least, end = 0x20, 0x15, 0x35, 0x06  # <linux/bpf_common.h>
    last = len(refused) + len(_FAMILIES) + 6  # where a call is refused; behind it, where it is allowed
    program = [(load, 0, 0, 4), (equal, 0, last - 2, architecture), (load, 0, 0, 0)]
    # Calls by another interface of the same processor (32 bits, x32) have other numbers: none of them is allowed.
    program.append((at_least, last - 4, 0, 0x40000000))
    program += [(equal, last - 1 - at, 0, number) for at, number in enumerate(refused, len(program))]
    program += [(equal, 0, last - len(program), socket_call), (load, 0, 0, 16)]  # its first argument
    program += [(equal, last - at, 0, family) for at, family in enumerate(_FAMILIES, len(program))]
    program += [(end, 0, 0, 0x00050000 | errno.ENOSYS), (end, 0, 0, 0x7FFF0000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    head = ctypes.create_string_buffer(struct.pack("HP", len(program), ctypes.addressof(code)))
    _call("prctl", _SET_SECCOMP, 2, head, 0, 0)


def _bury(pid: int, settings: dict) -> None:
    """Wait for a session, and for whatever has become this process's child since then."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)
    with contextlib.suppress(ChildProcessError):
        while True:
            # Without namespaces a daemon outlives its session, but ends up here.
            for child in _children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            os.waitpid(-1, 0)
    if settings["isolate"] is False:
        for name in os.listdir(tempfile.gettempdir()):
            if name.startswith("session-"):
                shutil.rmtree(os.path.join(tempfile.gettempdir(), name), ignore_errors=True)


def _children() -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{name}/stat", "rb") as file:
                    if int(file.read().rpartition(b")")[2].split()[1]) == os.getpid():
                        found.append(int(name))
    return found


# A session: everything below runs as the student


class _Session:
    """Runs the cells of one notebook, and has its exercises answered in forks."""

    def __init__(self, channel: socket.socket, shell: Any) -> None:
        self.channel, self.shell = channel, shell
        self.snapshots: dict[tuple[str, str], tuple[int, socket.socket]] = {}
        self.complete: dict[str, Any] = {}
        self.errors: dict[str, str] = {}
        self.files: dict[int, str] = {}
        self.asked: set[str] = set()

    def serve(self) -> None:
        # What the cells leave at the exit of the interpreter is theirs: this process never exits normally.
        header, _ = protocol.receive(self.channel)
        protocol.send(self.channel, {"started": True})
        self.run(header)
        protocol.send(
            self.channel,
            {
                "snapshots": [list(key) for key in self.snapshots],
                "complete": sorted(self.complete),
                "defined": [name for name in header["names"] if self.found(name) is not None],
                "errors": self.errors,
            },
        )
        with contextlib.suppress(protocol.Closed):
            while True:
                self.ask(*protocol.receive(self.channel))
        os._exit(0)

    # Cells

    def run(self, header: dict) -> None:
        from course_utils.desk.guarded import Guard

        names, self.asked = set(header["names"]), set(header["asked"])
        end = time.monotonic() + header["notebook_seconds"]
        parsed = [self.parse(source, number) for number, source in enumerate(header["cells"])]
        chosen = _needed(parsed, names) if header["lean"] else [None] * len(parsed)
        for number, (source, tree, wanted) in enumerate(zip(header["cells"], parsed, chosen, strict=True)):
            left = end - time.monotonic()
            if number in header["skip"] or wanted == [] or left <= 0:
                continue
            protocol.send(self.channel, {"at": number})
            with Guard(min(header["cell_seconds"], left)) as guard:
                if wanted is None:
                    outcome = guard.call(partial(self.shell.run_cell, source, store_history=True))
                    result = outcome.value
                    error = outcome.error or result and (result.error_before_exec or result.error_in_exec)
                else:
                    error = guard.call(partial(self.execute, wanted, number)).error
                if error is not None:
                    self.errors[str(number)] = str(guard.call(partial(_words, error)).value)[:300]
            self.keep_complete(tree, names)

    def parse(self, source: str, number: int) -> ast.Module | None:
        try:
            text = self.shell.transform_cell(source)
            self.files[number] = self.shell.compile.cache(text, number)
            return ast.parse(text, self.files[number])
        except Exception:  # not Python: the cell will say so itself when it is run
            return None

    def execute(self, statements: list[ast.stmt], number: int) -> None:
        for statement in statements:
            code = compile(ast.Module([statement], []), self.files[number], "exec")
            with contextlib.suppress(Exception):  # the next statement may do without
                exec(code, self.shell.user_ns)

    def keep_complete(self, tree: ast.Module | None, names: set[str]) -> None:
        """Remember what the exercises' names stand for, unless this cell has only put an empty stub there."""
        if tree is None:
            return
        defined = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        bound = {name for statement in tree.body for name in _names(statement)[0]}
        for name in names & bound & self.shell.user_ns.keys():
            if name not in defined or not _is_stub(defined[name]):
                self.complete[name] = self.shell.user_ns[name]

    def found(self, name: str) -> Any:
        return self.complete.get(name, self.shell.user_ns.get(name))

    # Exercises

    def check(self, id: str, fn: object, number: object = None) -> None:
        """What a notebook's check(...) is here: it keeps the moment, and shows nothing.

        Which number is the student's, the grader knows: ``number`` is not read.
        """
        name = getattr(fn, "__name__", "")
        if not (type(id) is str and type(name) is str and len(id) + len(name) < 200):
            return
        if not {id, name} & self.asked:  # a fork is the dearest part of a check
            return
        if (id, name) not in self.snapshots and len(self.snapshots) >= MAX_SNAPSHOTS:
            return
        self.drop((id, name))
        self.snapshots[id, name] = self.fork(fn)

    def fork(self, fn: object) -> tuple[int, socket.socket]:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            try:
                self.channel.close()
                ours.close()
                for _, other in self.snapshots.values():
                    other.close()
                _answer(theirs, fn)
            finally:
                os._exit(0)
        theirs.close()
        return pid, ours

    def drop(self, key: tuple[str, str]) -> None:
        if key in self.snapshots:
            pid, channel = self.snapshots.pop(key)
            channel.close()
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)

    def ask(self, header: dict, body: bytes) -> None:
        """Have one exercise answered, by a snapshot or as things are at the end of the notebook."""
        key = tuple(header["key"])
        if key not in self.snapshots:
            self.snapshots[key] = self.fork(self.found(key[1]))
        _, channel = self.snapshots[key]
        reply, answers, ended = None, b"", ""
        try:
            protocol.send(channel, header, [body], header["seconds"] + _GRACE)
            reply, answers = protocol.receive_reply(channel, header["question"], header["seconds"] + _GRACE)
        except protocol.Late:
            ended = "timeout"
        except protocol.ProtocolError:
            ended = "died"
        if ended:
            self.drop(key)
        self.sweep()
        protocol.send(self.channel, {"question": header["question"], "reply": reply, "ended": ended}, [answers])

    def sweep(self) -> None:
        """Kill what an exercise has left behind, before it can take the time of the next one."""
        known = {str(os.getpid()), *(str(pid) for pid, _ in self.snapshots.values())}
        for _ in range(100 if os.getpid() == 1 else 0):  # in a namespace of its own, where all others are its
            found = [int(name) for name in os.listdir("/proc") if name.isdigit() and name not in known]
            for number in (signal.SIGSTOP, signal.SIGKILL):  # first, so that nothing of it forks meanwhile
                for pid in found:
                    with contextlib.suppress(OSError):
                        os.kill(pid, number)
            for pid in found:
                with contextlib.suppress(OSError):
                    os.waitpid(pid, os.WNOHANG)
            if not found:
                break


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _answer(channel: socket.socket, fn: Any) -> None:
    """Wait for inputs, call the student's function on them, send what came back; again, until nobody asks."""
    from course_utils.desk import checks
    from course_utils.desk.guarded import Guard

    while True:
        header, body = protocol.receive(channel)
        cases = protocol.decode(header["cases"], body)
        probe = protocol.decode(header["probe"], b"")
        reply: dict = {"question": header["question"], "callable": callable(fn), "parameters": None, "attempts": []}
        answers: list[bytes] = []
        if callable(fn):
            with Guard(header["seconds"]) as guard:
                if probe is None:
                    reply["parameters"] = checks.other_parameters(fn, cases[0], guard)
                if reply["parameters"] is None:
                    attempts = checks.collect(fn, cases, guard, probe)
                    reply["attempts"] = [_sendable(attempt, answers) for attempt in attempts]
        protocol.send(channel, reply, answers)


def _sendable(attempt: Any, body: list[bytes]) -> dict:
    outcome, what, yours = attempt.outcome, attempt.what, None
    if attempt.yours is not None:
        parts = list(_arrays(attempt.yours))
        if sum(part.nbytes for part in parts) > protocol.MAX_ANSWER or len(parts) > 1000:
            outcome, what = "foreign", "far too large"
        else:
            yours = protocol.encode(attempt.yours, body)
    changed = [name for name in attempt.changed if isinstance(name, str)]
    return {
        "outcome": outcome,
        "yours": yours,
        "what": what,
        "where": attempt.where,
        "printed": attempt.printed,
        "changed": changed,
    }


def _arrays(plain: Any) -> Iterator[Any]:
    if isinstance(plain, tuple):
        for part in plain:
            yield from _arrays(part)
    else:
        yield plain


# What of a notebook an exercise needs


def _needed(cells: list[ast.Module | None], names: set[str]) -> list[list[ast.stmt]]:
    """For each cell the statements on which the named functions and the checks depend, judged by names.

    The figures and simulations of a chapter take most of its time, and an answer rarely needs them. What is
    judged so may be missing something, so whoever is not right by it is judged again after all cells have run.
    """
    statements = [
        (cell, statement, *_names(statement)) for cell, tree in enumerate(cells) if tree for statement in tree.body
    ]
    wanted, chosen, growing = {*names, "check"}, set(), True
    while growing:
        growing = False
        for index, (_, statement, bound, used) in enumerate(statements):
            star = isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*"
            if index not in chosen and (star or bound & wanted or _checks(statement)):
                chosen.add(index)
                wanted |= used
                growing = True
    return [
        [statements[index][1] for index in sorted(chosen) if statements[index][0] == cell] for cell in range(len(cells))
    ]


def _checks(statement: ast.stmt) -> bool:
    calls = (node.func for node in ast.walk(statement) if isinstance(node, ast.Call))
    return any(isinstance(function, ast.Name) and function.id == "check" for function in calls)


def _names(statement: ast.stmt) -> tuple[set[str], set[str]]:
    """The global names that a statement binds or changes, and those that it uses."""
    bound, used = set[str](), set[str]()
    try:
        codes = [compile(ast.Module([statement], []), "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return bound, used
    for code in codes:
        codes += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
        for instruction in dis.get_instructions(code):
            if instruction.opname == "STORE_GLOBAL" or instruction.opname == "STORE_NAME" and code is codes[0]:
                bound.add(instruction.argval)
            elif instruction.opname in ("LOAD_NAME", "LOAD_GLOBAL"):
                used.add(instruction.argval)
    for node in ast.walk(statement):
        # x[0] = 1, x.a = 1 and x.append(1) change x.
        target = None
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            target = node.value
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            target = node.value.func.value if isinstance(node.value.func, ast.Attribute) else None
        while isinstance(target, ast.Attribute | ast.Subscript):
            target = target.value
        if isinstance(target, ast.Name):
            bound.add(target.id)
    return bound, used


def _is_stub(definition: ast.FunctionDef) -> bool:
    """Whether nothing is written in a function yet: only ``raise NotImplementedError()``, ``pass`` or ``...``."""

    def empty(statement: ast.stmt) -> bool:
        match statement:
            case ast.Pass() | ast.Expr(ast.Constant()):
                return True
            case ast.Raise(ast.Name("NotImplementedError") | ast.Call(ast.Name("NotImplementedError"))):
                return True
        return False

    return all(map(empty, definition.body))


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
