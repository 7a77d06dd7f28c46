"""Set up `.venv` and run one of the course's commands in it; the Makefile calls it.

    python3 course_staff/bootstrap.py lab|test|present|release|grade|build|check|slides|site|lock [arguments passed on]

`.venv` gets exactly requirements.lock, and requirements-test.lock for every command but `lab`. A stamp
inside it says what it holds: it is removed before a change and written after one that succeeded, so that
a `.venv` without a stamp is a half-made one, and is made anew.

Standard library only, and no syntax younger than Python 3.5, so that an old Python gets as far as the
sentence that says it is too old.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys

try:
    import fcntl
except ImportError:
    fcntl = None

OLDEST_PYTHON = (3, 11)
NEEDED_GB = 3.0  # measured: 1.8 GB for everything with a CPU build of torch, and pip's unpacking beside it

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
OURS = os.path.join(VENV, "made-by-the-course")
STAMP = os.path.join(VENV, "course-stamp.json")
LOG = os.path.join(ROOT, ".venv-install.log")
TURN = os.path.join(ROOT, ".venv-install.turn")

# Notebooks come first, in the order of `testpaths`: they take longest.
PYTEST = [
    "-m",
    "pytest",
    "-n",
    "auto",
    "--dist",
    "loadfile",
    "--no-loadscope-reorder",
    "--nbval",
    "--nbval-sanitize-with",
    os.path.join("tests", "nbval_sanitize.cfg"),
]
COMMANDS = {
    "lab": ["-m", "course_staff.lab"],
    "test": PYTEST,
    "present": ["-m", "course_staff.present"],
    "release": ["-m", "course_staff.release"],
    "grade": ["-m", "grader.grade"],
    "build": ["-m", "course_staff.build"],
    "check": ["-m", "course_staff.build", "--check"],
    "slides": ["-m", "course_staff.slides"],
    "site": ["-m", "course_staff.site"],
    "lock": [os.path.join("course_staff", "locks.py")],
}

# What would let the caller's Python, or the make that called us, reach into `.venv`.
NOT_PASSED_ON = (
    "PYTHONPATH",
    "PYTHONHOME",
    "__PYVENV_LAUNCHER__",
    "MAKEFLAGS",
    "MFLAGS",
    "MAKELEVEL",
    "ARGS",
    "PYTHON",
)

NO_NETWORK = re.compile(
    r"connection broken by|NewConnectionError|ConnectTimeoutError|NameResolutionError"
    r"|ReadTimeoutError|ProxyError|SSLError|Max retries exceeded|Network is unreachable"
)
NO_SPACE = re.compile(r"No space left on device|Errno 28\b|Disk quota exceeded")
NO_BUILD = re.compile(r"No matching distribution found for (\S+)")


class Stop(Exception):
    """One sentence that says what is wrong, and one that says what to do next."""

    def __init__(self, problem, next_step):
        super(Stop, self).__init__(problem)
        self.problem = problem
        self.next_step = next_step


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def disk_full():
    return Stop("The disk is full.", "Free about {:.0f} GB, then run the same command again.".format(NEEDED_GB))


def require_python():
    """Stop where this Python is too old, or has no venv or ensurepip."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if tuple(sys.version_info[:2]) < OLDEST_PYTHON:
        raise Stop(
            "Python {} is too old: the course needs Python {}.{} or newer.".format(version, *OLDEST_PYTHON),
            "Install a newer Python and name it: make lab PYTHON=python3.12",
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        raise Stop(
            "Python {} cannot make a virtual environment: its venv is not installed.".format(version),
            "On Debian or Ubuntu: sudo apt install python{}.{}-venv; then run the same command again.".format(
                *sys.version_info[:2]
            ),
        )


def environment():
    """The caller's environment as a program inside `.venv` should see it."""
    inside = {name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON}
    inside["VIRTUAL_ENV"] = VENV
    inside["PATH"] = os.path.dirname(VENV_PYTHON) + os.pathsep + inside.get("PATH", os.defpath)
    return inside


def digest(name):
    with open(os.path.join(ROOT, name), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def wanted(with_tests):
    """What the stamp of a finished `.venv` says."""
    stamp = {
        "path": VENV,
        "python": "{}.{}".format(*sys.version_info[:2]),
        "pyproject.toml": digest("pyproject.toml"),
        "requirements.lock": digest("requirements.lock"),
    }
    if with_tests:
        stamp["requirements-test.lock"] = digest("requirements-test.lock")
    return stamp


def read_stamp():
    """The stamp of `.venv`, or {} where it has none, or its Python is gone."""
    try:
        with open(STAMP) as file:
            stamp = json.load(file)
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) and os.path.exists(VENV_PYTHON) else {}


def write_stamp(stamp):
    with open(STAMP + ".new", "w") as file:
        json.dump(stamp, file, indent=1)
    os.replace(STAMP + ".new", STAMP)


def agrees(stamp, wish):
    return all(stamp.get(key) == value for key, value in wish.items())


def set_up(with_tests):
    """Bring `.venv` to what the lock files say; does nothing, fast, where it is there already."""
    if agrees(read_stamp(), wanted(with_tests)):
        return
    with open(TURN, "w") as turn:
        wait_for_turn(turn)
        stamp = read_stamp()
        if agrees(stamp, wanted(with_tests)):
            return
        open(LOG, "w").close()
        same_venv = {key: value for key, value in wanted(False).items() if key in ("path", "python")}
        if stamp and agrees(stamp, same_venv):
            say("Bringing .venv up to date.")
        else:
            make_way()
            stamp = {}
            create()
        # The test packages stay in step once they are there: `pip check` looks at all of them together.
        install(with_tests or "requirements-test.lock" in stamp, stamp)


def wait_for_turn(turn):
    """Lock the open file `turn`, which closing it ends."""
    if fcntl is None:
        return
    # pip inherits the lock: one that outlives its caller still keeps others out.
    os.set_inheritable(turn.fileno(), True)
    try:
        fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("Another run is setting up .venv; waiting until it has finished (Ctrl-C to stop waiting).")
        fcntl.flock(turn, fcntl.LOCK_EX)
    except OSError:
        pass  # some network file systems have no locks


def make_way():
    """Remove a `.venv` of ours that cannot be used; rename one that is not ours."""
    if not os.path.lexists(VENV):
        return
    ours = os.path.isdir(VENV) and not os.path.islink(VENV) and (os.path.exists(OURS) or not os.listdir(VENV))
    if not ours:
        number = 1
        while os.path.lexists("{}.old-{}".format(VENV, number)):
            number += 1
        os.rename(VENV, "{}.old-{}".format(VENV, number))
        say("A .venv was here that this course did not make; it is now .venv.old-{}.".format(number))
        return
    say(
        "Removing a .venv {}.".format(
            "made for another place or Python" if os.path.exists(STAMP) else "that was not finished"
        )
    )
    # The mark that it is ours goes last: an interrupted removal must still be known as ours.
    for name in os.listdir(VENV):
        path = os.path.join(VENV, name)
        if path != OURS:
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.remove(path)
    shutil.rmtree(VENV)


def create():
    """Make an empty virtual environment, marked as ours from its first moment."""
    free_gb = shutil.disk_usage(ROOT).free / 1e9
    if free_gb < NEEDED_GB:
        raise Stop(
            "There is too little space on the disk: {:.1f} GB free, {:.0f} GB needed.".format(free_gb, NEEDED_GB),
            "Free some space, then run the same command again.",
        )
    say("Making .venv with Python {}.{}.{} (once; takes a few minutes).".format(*sys.version_info[:3]))
    os.mkdir(VENV)
    with open(OURS, "w") as file:
        file.write("make lab and make test may remove this folder and make it anew.\n")
    # From inside another environment, or this one, the Python that it was made from is meant.
    python = getattr(sys, "_base_executable", None) or sys.executable
    run([python, "-m", "venv", VENV], "making the virtual environment")


def install(with_tests, stamp):
    """Install the lock files and the package, and stamp `.venv`.

    `stamp` is the one that `.venv` had before. It comes back where pip stopped before it changed anything,
    for example without a network: what was there still works.
    """
    locks = ["requirements.lock"] + (["requirements-test.lock"] if with_tests else [])
    if stamp:
        os.remove(STAMP)
    pip = [VENV_PYTHON, "-m", "pip"]
    progress = Progress(locks)
    try:
        say("Installing {} (what pip says is in {}).".format(" and ".join(locks), os.path.basename(LOG)))
        arguments = [argument for name in locks for argument in ("-r", os.path.join(ROOT, name))]
        run(pip + ["install"] + arguments, "installing packages", progress)
        progress.close()
        progress.changing = True
        run(pip + ["install", "--no-deps", "--no-build-isolation", "-e", ROOT], "installing the course")
        run(pip + ["check"], "checking the packages")
    finally:
        progress.close()
        if stamp and not progress.changing:
            write_stamp(stamp)
    write_stamp(wanted(with_tests))
    say("Ready.")


class Progress:
    """pip's hundreds of lines told in a few, or in one that changes where there is a terminal."""

    def __init__(self, locks):
        self.total = 0
        for name in locks:
            with open(os.path.join(ROOT, name)) as file:
                self.total += sum(not line.startswith("#") for line in file)
        self.seen = set()
        self.changing = False
        self.live = sys.stdout.isatty()
        self.open_line = False

    def __call__(self, line):
        # "Processing" is said of a wheel on this machine, by its path.
        collecting = re.match(
            r"(?:Collecting|Processing|Requirement already satisfied:) (?:\S*/)?"
            r"(\w[\w.]*(?:-[A-Za-z][\w.]*)*)",
            line,
        )
        large = re.match(r"\s+Downloading (\S+?)-(\S+?)-\S+ \((\d{2,}\.\d MB|[\d.]+ GB)\)", line)
        if collecting and collecting.group(1) not in self.seen:
            self.seen.add(collecting.group(1))
            number = min(len(self.seen), self.total)
            self.show("  {}/{} {}".format(number, self.total, collecting.group(1)), len(self.seen) % 25 == 0)
        elif large:
            self.show("  downloading {} {} ({})".format(*large.groups()), True)
        elif line.startswith("Installing collected packages:"):
            self.changing = True
            self.show("  unpacking {} packages (about a minute)".format(line.count(",") + 1), True)

    def show(self, text, milestone):
        if self.live:
            sys.stdout.write("\r\033[K" + text)
            sys.stdout.flush()
            self.open_line = True
        elif milestone:
            say(text)

    def close(self):
        if self.open_line:
            sys.stdout.write("\r\033[K")
            self.open_line = False


def run(command, doing, progress=None):
    """Run a step, its output into the log; Stop with the reason where it fails."""
    inside = environment()
    inside.setdefault("PIP_RETRIES", "2")  # pip's own 5 keep a machine without network waiting for minutes
    inside["PYTHONUNBUFFERED"] = "1"
    said = []
    with open(LOG, "a", 1, encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=inside,
            close_fds=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            for raw in process.stdout:
                line = raw.decode("utf-8", "replace").rstrip("\n")
                log.write(line + "\n")
                said.append(line)
                if progress:
                    progress(line)
            code = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if code != 0:
        raise explain("\n".join(said), doing)


def explain(said, doing):
    """The Stop for a step that failed, from what it said."""
    log = os.path.basename(LOG)
    if NO_SPACE.search(said):
        return disk_full()
    if NO_NETWORK.search(said):
        return Stop(
            "The packages could not be fetched: the network, or the package index, does not answer.",
            "Check the connection, then run the same command again; what has arrived is kept.",
        )
    missing = NO_BUILD.search(said)
    if missing:
        return Stop(
            "There is no {} for Python {}.{} on this system.".format(missing.group(1), *sys.version_info[:2]),
            "Try another Python, for example: make lab PYTHON=python3.12 ({} says more).".format(log),
        )
    lines = said.splitlines()
    last = ([line for line in lines if line.startswith("ERROR:")] or lines or ["no word"])[-1]
    return Stop(
        "{} failed: {}".format(doing.capitalize(), last.replace("ERROR: ", "")),
        "Read {}, mend the cause, then run the same command again.".format(log),
    )


def interrupted(signum, frame):
    raise KeyboardInterrupt


def main(arguments):
    """Run one command; return the exit code of a failure, or become the command."""
    try:
        signal.signal(signal.SIGTERM, interrupted)
        name = arguments[0] if arguments else "none"
        if name not in COMMANDS:
            raise Stop("There is no such command: {}.".format(name), "Choose one of: {}.".format(", ".join(COMMANDS)))
        require_python()
        if name == "lock":
            python = sys.executable
        else:
            python = VENV_PYTHON
            set_up(with_tests=name != "lab")
        os.chdir(ROOT)
        os.execve(python, [python] + COMMANDS[name] + arguments[1:], environment())
    except Stop as stop:
        problem = stop
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. Run the same command again: it mends what is half made.\n")
        return 130
    except OSError as error:
        if NO_SPACE.search(str(error)):
            problem = disk_full()
        else:
            problem = Stop("The set-up cannot go on: {}.".format(error), "Mend that, then run the same command again.")
    sys.stderr.write("{}\nNext step: {}\n".format(problem.problem, problem.next_step))
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
