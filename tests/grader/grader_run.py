"""One run of the grader over the whole suite, watched from outside: what it left behind and whom it reached."""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from attack_suite import REPOSITORY, Attack, Surroundings, base_notebook, build, code_cell
from submission_files import CLASSMATE, encode, hand_in

from grader import records
from grader.records import UnitResult

#: Honest students, graded first and last: the solved one, and one who has solved half.
CLASSMATES = {CLASSMATE: "solution", "zzz-classmate": "student"}
#: Small limits, so that what never ends costs seconds; nobody honest comes near them.
OPTIONS = ("--cell-seconds", "6", "--notebook-seconds", "30", "--patience", "0.25", "--memory", "1")
RUN_LIMIT = 1500  # seconds, at which the run is given up; a quiet machine needs a tenth of it
_SUBREAPER = 36


@dataclass(frozen=True)
class Run:
    """What is known after the run; everything is read from ``folder``."""

    folder: Path
    names: tuple[str, ...]
    code: int | str
    seconds: float
    stderr: str
    connections: tuple[str, ...]
    left_processes: tuple[str, ...]
    left_files: tuple[str, ...]
    changed: tuple[str, ...]
    secret: str

    @property
    def out(self) -> Path:
        return self.folder / "grades"

    @cached_property
    def results(self) -> dict[str, dict[str, UnitResult]]:
        """student → chapter → result."""
        found: dict[str, dict[str, UnitResult]] = {}
        for result in records.read_all(self.out):
            found.setdefault(result.student, {})[result.chapter] = result
        return found

    def feedback(self, student: str) -> Path:
        return self.out / "feedback" / f"{student}.html"

    @cached_property
    def files(self) -> dict[str, list[Path]]:
        """Name → the files below ``out`` that carry it, or lie in a folder that does."""
        found: dict[str, list[Path]] = {}
        for path in sorted(path for path in self.out.rglob("*") if path.is_file()):
            for name in {*path.relative_to(self.out).parts, path.stem}:
                found.setdefault(name, []).append(path)
        return found

    def told(self, student: str) -> str:
        """All that a student gets to read, as text: the feedback page, and every file that carries the name."""
        return "\n".join(map(_as_text, self.files.get(student, [])))


def _as_text(path: Path) -> str:
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".json":
        return "\n".join(_texts(json.loads(text)))
    return html.unescape(re.sub(r"</?[a-z][^<>]*>", " ", text)) if path.suffix == ".html" else text


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        value = [part for pair in value.items() for part in pair]
    if isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, str):
        yield value


def grade_all(attacks: tuple[Attack, ...], folder: Path, jail: str) -> Run:
    """Hand in every attack and two honest classmates, and grade them in one run of the command."""
    marker, secret = f"mark{secrets.token_hex(6)}", f"CLASSMATE-{secrets.token_hex(8)}"
    submissions, home, out = folder / "submitted", folder / "home", folder / "grades"
    submissions.mkdir(parents=True)
    home.mkdir()
    for place in (home, submissions):
        (place / "canary").write_text("sings\n")
    _hand_in_classmates(submissions, secret)
    with listening(folder, marker) as (port, path, connections):
        around = Surroundings(submissions, out, home, folder, marker, port, path)
        for attack in attacks:
            hand_in(attack, build(attack, around), around)
        roster = folder / "roster.csv"
        rows = [f"{name},{name} {secret},{secret}@example.org" for name in CLASSMATES]
        rows += [f"{attack.name},Student {number}," for number, attack in enumerate(attacks)]
        roster.write_text("\n".join(["student_id,name,email", *rows]) + "\n")
        roster.chmod(0o600)
        before = _fingerprints(submissions) | _fingerprints(home) | _fingerprints(roster)
        chapters = sorted({attack.chapter for attack in attacks})
        command = [sys.executable, "-m", "grader", str(submissions), "--roster", str(roster), "--out", str(out)]
        command += ["--chapter", *chapters, "--jobs", "2", "--jail", jail, *OPTIONS]
        known = watched(command, home)
        after = _fingerprints(submissions) | _fingerprints(home) | _fingerprints(roster)
    return Run(
        folder,
        tuple(attack.name for attack in attacks),
        **known,
        connections=tuple(connections),
        secret=secret,
        left_files=tuple(_left_files(folder, marker)),
        changed=tuple(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))),
    )


def _hand_in_classmates(submissions: Path, secret: str) -> None:
    for student, base in CLASSMATES.items():
        notebook = base_notebook("01", base)
        notebook["cells"].append(code_cell(f"mine = '{secret}'", "mine"))
        if base == "student":
            notebook["cells"].append(code_cell("def safe_step(beta, eps):\n    return (2 * eps / beta) ** 0.5", "own"))
        (submissions / student).mkdir()
        (submissions / student / "01_taylor_bounds.ipynb").write_bytes(encode(notebook))


@contextmanager
def listening(folder: Path, marker: str) -> Iterator[tuple[int, Path, list[str]]]:
    """Servers on this machine that note whoever reaches them, and give a friend's answer back."""
    heard: list[str] = []
    # A path for a Unix socket is short.
    path = Path(tempfile.mkdtemp(prefix="friend-")) / "socket"
    stream = socket.create_server(("127.0.0.1", 0))
    port = stream.getsockname()[1]
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", port))
    abstract, named = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0{marker}")
    named.bind(str(path))
    path.chmod(0o666)
    path.parent.chmod(0o755)
    for server in (abstract, named):
        server.listen()

    def serve(server: socket.socket, name: str) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(2)
                try:
                    said = connection.recv(1000)
                    connection.sendall(said)
                except OSError:
                    said = b""
            heard.append(f"{name}: {said[:80]!r}")

    def hear() -> None:
        while True:
            try:
                said, _ = datagrams.recvfrom(1000)
            except OSError:
                return
            if said == b"the end":
                return
            heard.append(f"udp: {said[:80]!r}")

    servers = {"tcp": stream, "abstract socket": abstract, "unix socket": named}
    threads = [threading.Thread(target=serve, args=(server, name), daemon=True) for name, server in servers.items()]
    threads.append(threading.Thread(target=hear, daemon=True))
    for thread in threads:
        thread.start()
    try:
        yield port, path, heard
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"the end", ("127.0.0.1", port))
        for server in (*servers.values(), datagrams):
            try:
                server.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            server.close()
        path.unlink()
        path.parent.rmdir()


def _fingerprints(place: Path) -> dict[str, str]:
    """Path → what it is; large files by size and time only, links not followed."""
    found = {}
    for path in [place, *place.rglob("*")] if place.is_dir() else [place]:
        status = path.lstat()
        text = f"{status.st_mode} {status.st_size if not path.is_dir() else ''}"
        if path.is_file() and not path.is_symlink():
            text += f" {status.st_mtime_ns}"
            if status.st_size < 10**8:
                text += hashlib.sha256(path.read_bytes()).hexdigest()
        found[str(path)] = text
    return found


def _left_files(folder: Path, marker: str) -> Iterator[str]:
    """Files that only an attack can have made, wherever attacks try to make them."""
    import course_utils

    names = {"left_for_a_friend", "seen", "numpy.py", "sitecustomize.py", "usercustomize.py", "x.pth"}
    shallow = {
        *map(Path, "/ /etc /usr /opt /root /home /tmp /var/tmp /dev/shm /run".split()),
        *(Path.home(), REPOSITORY, REPOSITORY / "build", Path(course_utils.__file__).parent),
        *(Path.cwd(), Path.cwd().parent, Path(sys.prefix)),
        *map(Path, filter(os.path.isdir, sys.path)),
    }
    for place in sorted(shallow):
        if place.is_dir() and os.access(place, os.R_OK):  # what this user cannot read, its jail cannot write
            found = sorted(place.iterdir())
            yield from (str(path) for path in found if marker in path.name or path.name == "left_for_a_friend")
    for path in sorted(folder.rglob("*")):
        if marker in path.name or path.name in names:
            yield str(path)


_RUN = """
import ctypes, json, os, subprocess, sys, time
ctypes.CDLL(None).prctl({subreaper}, 1, 0, 0, 0)
started = time.monotonic()
with open(sys.argv[1] + "/grade.log", "wb") as log:
    process = subprocess.Popen(sys.argv[2:], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        code = process.wait(timeout={limit})
    except subprocess.TimeoutExpired:
        process.kill()
        code = "gave up after {limit} s"
seconds = time.monotonic() - started

def children():
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            status = open(f"/proc/{{name}}/stat").read().rpartition(")")[2].split()
            if int(status[1]) == os.getpid() and status[0] != "Z":
                found.append((int(name), open(f"/proc/{{name}}/cmdline").read().replace("\\0", " ")[:200]))
        except OSError:
            pass
    return found

end = time.monotonic() + 5
while children() and time.monotonic() < end:
    time.sleep(0.1)
left = children()
for pid, _ in left:
    os.kill(pid, 9)
json.dump([code, seconds, [command for _, command in left]], open(sys.argv[1] + "/watched.json", "w"))
"""


def watched(command: list[str], home: Path) -> dict:
    """Run a command as the ancestor of whatever it leaves behind; what is known of it, named as in :class:`Run`."""
    folder = home.parent
    environment = {
        **os.environ,
        "HOME": str(home),
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
        "XDG_CACHE_HOME": str(folder / "cache"),
        "MPLCONFIGDIR": str(folder / "cache"),
        "GRADING_TEST_TOKEN": "not for students",
    }
    script = _RUN.format(subreaper=_SUBREAPER, limit=RUN_LIMIT)
    subprocess.run([sys.executable, "-c", script, str(folder), *command], env=environment, cwd=REPOSITORY, check=True)
    code, seconds, left = json.loads((folder / "watched.json").read_text())
    return {
        "code": code,
        "seconds": seconds,
        "left_processes": tuple(left),
        "stderr": (folder / "grade.log").read_text(errors="replace"),
    }
