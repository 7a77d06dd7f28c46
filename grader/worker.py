"""What runs inside the jail: for one submission a warm process, which forks its sessions.

Started as ``python -m grading_worker.worker FD SETTINGS`` with a copy of ``course_utils`` that holds no reference
(see :mod:`grader.jail`). FD is a socket to the grader, over which it only receives the end of another socket for each
session: what a student handed in never passes through the process that the next session is forked from.

A session runs the cells. At ``check("1.2", f)`` it forks: the child keeps everything as it was at this moment and
waits for inputs, so that the answer is judged as it was in the notebook, and a loop, a crash or an exit in one exercise
costs no other. Nothing here is trusted by the grader.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import hashlib
import json
import os
import pickle
import re
import resource
import select
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from . import protocol

_SET_DUMPABLE, _SET_CHILD_SUBREAPER = 4, 36  # <linux/prctl.h>
#: Snapshots that a notebook can have at one time: a check can also stand in a loop.
MAX_SNAPSHOTS = 40
#: Seconds beyond its time that an exercise has to stop by itself.
_GRACE = 2.0


# The process that sessions are forked from


def main(channel: int, settings: dict) -> None:
    """Serve sessions until the grader closes its socket."""
    control, user = socket.socket(fileno=channel), settings["user"]
    if user is not None:  # the grader is root: only here, so that the jail could be made of folders of root's
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    libc = ctypes.CDLL(None)
    libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0)  # no session looks into this process
    libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    os.nice(10)
    refused = _seen_answers(settings["answers"]) if settings["answers"] else ""
    gc.disable()  # a tenth of the time of the imports, which leave nothing to collect
    shell = None if refused else _warm(settings["modules"])
    gc.freeze()  # so that the forks go on sharing its memory
    gc.enable()
    control.send(json.dumps({"refused": refused}).encode())
    while True:
        data, fds, *_ = socket.recv_fds(control, 64, 1)
        if not data:
            return
        if fds:  # else the end of a session that has ended by itself
            ended = _session(control, fds[0], shell, settings)
            control.send(json.dumps({"ended": ended}).encode())


def _seen_answers(answers: dict[str, list[str]]) -> str:
    """A visible file with answers, "" if there is none: whichever way the course was installed, and wherever.

    That is an exercise module of any version, by its name, or a file of one of the sizes and hashes in ``answers``.
    """
    for folder, below, files in os.walk("/"):
        if folder == "/":
            below[:] = [name for name in below if name not in ("proc", "dev", "sys", "course")]
        exercises = re.search(r"/exercises(/__pycache__)?$", folder)
        for name in files:
            path = os.path.join(folder, name)
            with contextlib.suppress(OSError):  # what cannot be read tells nothing
                if exercises and re.match(r"chapter_\d\d", name) and os.access(path, os.R_OK):
                    return path
                hashes = answers.get(str(os.lstat(path).st_size))
                if hashes:
                    with open(path, "rb") as file:
                        if hashlib.sha256(file.read()).hexdigest() in hashes:
                            return path
    return ""


def _warm(modules: list[str]) -> Any:
    """Import what notebooks import, and make the shell in which their cells run."""
    # matplotlib would look for the fonts of the system anew, in every jail.
    shutil.copytree(os.path.join(os.environ["PYTHONPATH"], "fonts"), os.environ["MPLCONFIGDIR"], dirs_exist_ok=True)
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
    shell.enable_gui, shell.enable_matplotlib = nothing, lambda *_args: (None, "agg")
    shell.display_pub.publish = nothing
    shell.display_formatter.active_types = ["text/plain"]
    import course_utils.desk  # noqa: F401, which every session needs

    return shell


def _session(control: socket.socket, channel: int, shell: Any, settings: dict) -> str:
    """Run one session in a fork and end it with all that it has started; returns "", or why it was ended."""
    pid = os.fork()
    if pid == 0:
        try:
            control.close()
            _limit(settings, channel)
            from course_utils import audience
            from course_utils.desk.checks import check

            session = _Session(socket.socket(fileno=channel), shell)
            heard: dict[Any, Any] = {check: session.check}
            with audience.only(heard):  # claims and figures have nobody to look at them either
                session.serve()
        finally:
            os._exit(0)
    os.close(channel)
    ended, watched, own = "", os.pidfd_open(pid), _anonymous(os.getpid())
    while not ended:
        ready, _, _ = select.select([watched, control.fileno()], [], [], 0.05)
        if watched in ready:
            break
        if ready:
            control.recv(64)
            ended = "the grader ended it"
        elif settings["jail"] and _memory_used(own, settings["memory"]) > settings["memory"]:
            ended = "it used too much memory"
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:  # orphans, which would count as processes of the session
                pass
    os.close(watched)
    _end_all(settings["jail"])
    for place in {os.environ["TMPDIR"], *(("/dev/shm",) if settings["jail"] else ())}:
        for entry in os.scandir(place):
            with contextlib.suppress(OSError):
                shutil.rmtree(entry) if entry.is_dir(follow_symlinks=False) else os.unlink(entry)
    return ended


def _end_all(jail: bool) -> None:
    """Kill and bury every other process of the jail; without one, those that have become this process's children."""
    with contextlib.suppress(ChildProcessError):
        while True:
            with contextlib.suppress(ProcessLookupError):
                if jail:
                    os.kill(-1, signal.SIGKILL)
                for child in () if jail else _children():
                    os.kill(child, signal.SIGKILL)
            os.waitpid(-1, 0)


def _children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return [int(pid) for pid in file.read().split()]


def _memory_used(own: int, limit: int) -> int:
    """Bytes that a session holds in its processes, beyond the ``own`` ones of this one, and in files.

    Forks share most of what they have, which takes a closer look: only where they would otherwise hold too much.
    """
    files = 0
    for place in "/tmp", "/dev/shm":
        found = os.statvfs(place)
        files += (found.f_blocks - found.f_bfree) * found.f_frsize + (found.f_files - found.f_ffree << 10)
    others = [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
    held = {pid: _anonymous(pid) for pid in others}
    used = files + sum(max(0, size - own) for size in held.values())
    if used > limit:
        shares = {pid: _anonymous(pid, "smaps_rollup", ("Pss_Anon", "Pss_Shmem")) for pid in others}
        used = files - own + sum(shares[pid] or held[pid] for pid in others)
    return used


def _anonymous(pid: int, table: str = "status", rows: tuple[str, ...] = ("RssAnon", "RssShmem")) -> int:
    """Bytes of a process that come from no file on a disk; 0 when it has ended.

    All its threads have the same, but one that has ended, as the first may have, no longer tells of it.
    """
    most = 0
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/{table}") as file:
                sizes = dict(line.split(":", 1) for line in file if ":" in line)
                most = max(most, sum(int(sizes.get(name, "0").split()[0]) << 10 for name in rows))
            if most:
                break
    return most


def _limit(settings: dict, keep: int) -> None:
    """The first steps of a session: after them it has its limits, its own folder, and one socket."""
    os.setsid()
    ctypes.CDLL(None).prctl(_SET_DUMPABLE, 1, 0, 0, 0)  # or its own files in /proc would not be its own
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # where memory ends all the same, this ends first
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
    os.chdir(os.environ["TMPDIR"])
    sys.path.append(os.environ["TMPDIR"])  # last: what a notebook writes there can be imported, and covers nothing


# A session: everything below runs as the student


class _Session:
    """Runs the cells of one notebook, and has its exercises answered in forks."""

    def __init__(self, channel: socket.socket, shell: Any) -> None:
        self.channel, self.shell = channel, shell
        self.snapshots: dict[tuple, tuple[int, socket.socket]] = {}
        self.versions: dict[str, list] = {}
        self.errors: dict[int, str] = {}

    def serve(self) -> None:
        # What the cells leave at the exit of the interpreter is theirs: this process never exits normally.
        header, _ = protocol.receive(self.channel)
        protocol.send(self.channel, {"started": True})
        self.run(header)
        protocol.send(
            self.channel,
            {
                "snapshots": [list(key) for key in self.snapshots],
                "versions": {name: len(found) for name, found in self.versions.items()},
                "errors": self.errors,
            },
        )
        with contextlib.suppress(protocol.Closed):
            while True:
                self.ask(*protocol.receive(self.channel))

    # Cells

    def run(self, header: dict) -> None:
        from course_utils.desk.guarded import Guard

        self.versions = {name: [] for name in header["names"]}
        end = time.monotonic() + header["notebook_seconds"]
        for number, source in enumerate(header["cells"]):
            left = end - time.monotonic()
            if number in header["skip"] or left <= 0:
                continue
            protocol.send(self.channel, {"at": number})
            with Guard(min(header["cell_seconds"], left), fence=1) as guard:  # by the clock, whatever it waits for
                outcome = guard.call(partial(self.shell.run_cell, source, store_history=True))
                result = outcome.value
                error = outcome.error or result and (result.error_before_exec or result.error_in_exec)
                if error is not None:
                    self.errors[number] = str(guard.call(partial(_words, error)).value)[:300]
            for name, found in self.versions.items():
                value = self.shell.user_ns.get(name)
                if value is not None and not (found and found[-1] is value):
                    found[:] = [*found[1 - protocol.MAX_VERSIONS :], value]

    # Exercises

    def check(self, id: str, fn: object, number: object = None) -> None:
        """What a notebook's check(...) is here: it keeps the moment, and shows nothing.

        Which number is the student's, the grader knows: ``number`` is not read.
        """
        name = getattr(fn, "__name__", "")
        if not (type(id) is str and type(name) is str and len(id) + len(name) < 200):
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

    def drop(self, key: tuple) -> None:
        if key in self.snapshots:
            pid, channel = self.snapshots.pop(key)
            channel.close()
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)

    def ask(self, header: dict, body: bytes) -> None:
        """Have one exercise answered, by a snapshot or as things are at the end of the notebook."""
        which, name = key = tuple(header["key"])
        if key not in self.snapshots:
            self.snapshots[key] = self.fork(self.versions[name][which])
        pid, channel = self.snapshots[key]
        reply, answers, ended = None, b"", ""
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGCONT)  # a cell may have stopped whatever it could
        try:
            until = protocol.FENCE * header["seconds"] + _GRACE
            protocol.send(channel, header, body, until)
            reply, answers = protocol.receive_reply(channel, header["question"], until)
        except protocol.Late:
            ended = "timeout"
        except protocol.ProtocolError:
            ended = "died"
        if ended:
            self.drop(key)
        self.sweep()
        protocol.send(self.channel, {"question": header["question"], "reply": reply, "ended": ended}, answers)

    def sweep(self) -> None:
        """Kill what an exercise has left behind, before it can take the time of the next one."""
        known = {"1", str(os.getpid()), *(str(pid) for pid, _ in self.snapshots.values())}
        for _ in range(100 if os.getppid() == 1 else 0):  # in a namespace of its own, where all others are its
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
    from course_utils.desk.guarded import TimeUp

    if isinstance(error, TimeUp):
        return protocol.TIME_UP
    if isinstance(error, SyntaxError):
        line = f" (line {error.lineno}): {error.text.strip()}" if error.lineno and error.text else ""
        return f"{type(error).__name__}: {error.msg}{line}"
    return f"{type(error).__name__}: {error}"


def _answer(channel: socket.socket, fn: Any) -> None:
    """Wait for inputs, call the student's function on them, send what came back; again, until nobody asks."""
    from course_utils.desk import checks
    from course_utils.desk.guarded import Guard, left_as_found, warm_up

    while True:
        header, body = protocol.receive(channel)
        cases, probe = pickle.loads(body)  # which the grader sent
        reply: dict = {"question": header["question"], "callable": callable(fn), "parameters": None, "attempts": []}
        answers: list[bytes] = []
        if callable(fn):
            warm_up(fn)
            with left_as_found(), Guard(header["seconds"], protocol.FENCE) as guard:
                if probe is None:
                    reply["parameters"] = checks.other_parameters(fn, cases[0], guard)
                if reply["parameters"] is None:
                    attempts = checks.collect(fn, cases, guard, probe)
                    reply["attempts"] = [_sendable(attempt, answers) for attempt in attempts]
        protocol.send(channel, reply, b"".join(answers))


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


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
