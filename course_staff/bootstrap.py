"""Set up `.venv` and run one of the course's commands in it; the Makefile calls it.

    python3 course_staff/bootstrap.py lab|test|quick|lint|... [arguments passed on]

`.venv` gets exactly requirements.lock, and requirements-test.lock too for every command but `lab`. MARK, a
file inside it, says how far that came, one line a step: the place and Python it was made for, then a hash of
each file it was installed from. It is empty while files change, and a `.venv` whose MARK is empty is made
anew. Standard library only, and no syntax younger than Python 3.5: an old Python is told that it is old.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from itertools import count

OLDEST, NEWEST = (3, 11), (3, 14)  # Python; the newest is the last that every pin has a wheel for
NEEDED_GB = 3.0  # measured: 1.8 GB for everything with a CPU build of torch, and pip's unpacking beside it

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
MARK = os.path.join(VENV, "made-by-the-course")
LOG = os.path.join(ROOT, ".venv-install.log")

PYTEST = ["-m", "pytest", "-n", "auto"]
# In the order of `testpaths`.
NOTEBOOKS_TOO = "--dist loadfile --no-loadscope-reorder --nbval --nbval-sanitize-with tests/nbval_sanitize.cfg".split()
COMMANDS = {
    "lab": ["-m", "course_staff.lab"],
    "test": PYTEST + NOTEBOOKS_TOO,
    "quick": PYTEST + ["-m", "not notebook and not browser and not jail and not slow", "tests"],
    "lint": ["-m", "course_staff.lint"],
    "present": ["-m", "course_staff.present"],
    "release": ["-m", "course_staff.release"],
    "grade": ["-m", "grader"],
    "build": ["-m", "course_staff.build"],
    "check": ["-m", "course_staff.build", "--check"],
    "ledger": ["-m", "course_staff.reseed"],
    "slides": ["-m", "course_staff.slides"],
    "site": ["-m", "course_staff.site"],
    "lock": ["-m", "course_staff.locks"],
}

# What would let the caller's Python, its pip, or the make that called us, reach into `.venv`.
NOT_PASSED_ON = (
    "PYTHONPATH PYTHONHOME __PYVENV_LAUNCHER__ PIP_TARGET PIP_ROOT PIP_PYTHON MAKEFLAGS MFLAGS MAKELEVEL ARGS PYTHON"
).split()
# The user's pip settings say where packages come from; where they go, and which, we say. A variable outdoes
# pip.conf; for `target` none could be harmless, but an option can. pip's own 5 tries take minutes offline.
PIP_SETTINGS = {
    "PIP_USER": "0",
    "PIP_PREFIX": VENV,
    "PIP_CONSTRAINT": os.devnull,
    "PIP_REQUIRE_HASHES": "0",
    "PIP_QUIET": "0",
    "PIP_RETRIES": os.environ.get("PIP_RETRIES", "2"),
}
PIP_INSTALL = [VENV_PYTHON, "-m", "pip", "install", "--target="]

NO_NETWORK = re.compile(
    r"connection broken by|NewConnectionError|ConnectTimeoutError|NameResolutionError"
    r"|ReadTimeoutError|ProxyError|SSLError|Max retries exceeded|Network is unreachable"
)
NO_SPACE = re.compile(r"No space left on device|Errno 28\b|Disk quota exceeded")


class Stop(Exception):
    """One sentence that says what is wrong, and one that says what to do next."""


def require_python():
    """Stop on Windows, and where this Python is too old, or has no venv or ensurepip."""
    version = "{}.{}.{}".format(*sys.version_info[:3])
    if os.name == "nt":
        raise Stop(
            "The course does not run on Windows itself, but in its Linux, WSL.",
            "In PowerShell: wsl --install; then in Ubuntu: sudo apt install python3-venv make, and this command.",
        )
    if tuple(sys.version_info[:2]) < OLDEST:
        raise Stop(
            "Python {} is too old: the course needs Python {}.{} or newer.".format(version, *OLDEST),
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
        ) from None


def environment():
    """The caller's environment as a program inside `.venv` should see it."""
    inside = {name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON}
    path = os.path.dirname(VENV_PYTHON) + os.pathsep + inside.get("PATH", os.defpath)
    return dict(inside, VIRTUAL_ENV=VENV, PATH=path)


def wanted(*locks):
    """What MARK begins with once `.venv` holds the lock files `locks`."""
    lines = ["{} {}.{}".format(ascii(VENV), *sys.version_info[:2])]
    for name in ("pyproject.toml",) + locks if locks else ():
        with open(os.path.join(ROOT, name), "rb") as file:
            lines.append(name + " " + hashlib.sha256(file.read()).hexdigest())
    return "\n".join(lines) + "\n"


def read_mark():
    """The content of MARK, or "" where it is missing, or the Python of `.venv` is gone."""
    try:
        with open(MARK, errors="replace") as file:
            return file.read() if os.path.exists(VENV_PYTHON) else ""
    except OSError:
        return ""


def write_mark(text):
    with open(MARK, "w") as file:
        file.write(text)


def set_up(*locks):
    """Bring `.venv` to what the lock files say; does nothing, fast, where it is there already."""
    if read_mark().startswith(wanted(*locks)):
        return
    with open(LOG, "a+b") as log:
        lock_file(log)
        before = read_mark()
        if before.startswith(wanted(*locks)):
            return
        log.truncate(0)
        if not before.startswith(wanted()):
            create(log)
            before = wanted()
        print("Installing {} (pip's words: {})".format(" and ".join(locks), os.path.basename(LOG)), end=" ")
        write_mark("")
        try:
            # Nothing is compiled: where torch has no wheel, the sources of others are of no use.
            run(
                PIP_INSTALL
                + ["--only-binary", ":all:"]
                + [part for name in locks for part in ("-r", os.path.join(ROOT, name))],
                log,
            )
        except BaseException:
            log.seek(0)
            if b"Installing collected packages:" not in log.read():
                write_mark(before)  # pip stopped before it changed anything, for want of a network perhaps
            raise
        write_mark(wanted())
        run(PIP_INSTALL + ["--no-deps", "--no-build-isolation", "-e", ROOT], log)
        write_mark(wanted(*locks))
        print("\nReady.")


def lock_file(log):
    """Wait until no other run, nor the pip that it left behind, has the open file `log`."""
    import fcntl

    try:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another run is setting up .venv; waiting until it has finished (Ctrl-C to stop).", flush=True)
        fcntl.flock(log, fcntl.LOCK_EX)
    except OSError:
        pass  # some network file systems have no locks


def create(log):
    """Make a `.venv` with nothing but pip. One of ours that is of no use goes; any other is renamed."""
    going = VENV + ".going"
    shutil.rmtree(going, ignore_errors=True)  # what an interrupted removal left
    if os.path.isfile(MARK) and not os.path.islink(VENV):
        print("Removing a .venv that was not finished, or was made for another place or Python.", flush=True)
        os.rename(VENV, going)
        shutil.rmtree(going)
    elif os.path.lexists(VENV):
        old = next(filter(lambda name: not os.path.lexists(name), map((VENV + ".old-{}").format, count(1))))
        os.rename(VENV, old)
        print("A .venv was here that this course did not make; it is now {}.".format(os.path.basename(old)))
    free_gb = shutil.disk_usage(ROOT).free / 1e9
    if free_gb < NEEDED_GB:
        raise Stop(
            "The disk has {:.1f} GB free, and {:.0f} GB are needed.".format(free_gb, NEEDED_GB),
            "Free some space, then run the same command again.",
        )
    print("Making .venv with Python {}.{}.{} (takes a few minutes)".format(*sys.version_info[:3]), end=" ")
    os.mkdir(VENV)
    write_mark("")
    # From inside another environment, or this one, the Python that it was made from is meant.
    run([getattr(sys, "_base_executable", None) or sys.executable, "-m", "venv", VENV], log)
    write_mark(wanted())
    print()


def run(command, log):
    """Run a step, its output into the log, a dot every two seconds; Stop with the reason where it fails."""
    begin = log.seek(0, os.SEEK_END)
    process = subprocess.Popen(
        command, cwd=ROOT, env=dict(environment(), **PIP_SETTINGS), stdin=subprocess.DEVNULL, stdout=log, stderr=log
    )
    try:
        while process.poll() is None:
            print(".", end="", flush=True)
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                pass
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if process.returncode != 0:
        print()
        log.seek(begin)
        raise explain(log.read().decode("utf-8", "replace"))


def explain(said):
    """The Stop for a step that failed, from what it said."""
    log = os.path.basename(LOG)
    again = "then run the same command again"
    if NO_SPACE.search(said):
        return Stop("The disk is full.", "Free about {:.0f} GB, {}.".format(NEEDED_GB, again))
    if NO_NETWORK.search(said):
        return Stop(
            "The packages could not be fetched: the network, or the package index, does not answer.",
            "Check the connection, {}; what has arrived is kept.".format(again),
        )
    missing = re.search(r"No matching distribution found for (\S+)", said)
    if not missing:
        last = (re.findall("^ERROR: (.*)", said, re.MULTILINE) or said.splitlines() or ["no word"])[-1]
        return Stop("The installation failed: {}".format(last), "Read {}, mend the cause, {}.".format(log, again))
    problem = "There is no {} for Python {}.{} on {}".format(
        missing.group(1), sys.version_info[0], sys.version_info[1], platform.platform()
    )
    if os.environ.get("PIP_NO_INDEX"):
        return Stop(
            problem + " where pip may look: PIP_NO_INDEX is set.",
            "Unset it, or put what the lock files name where PIP_FIND_LINKS points.",
        )
    if platform.system() == "Darwin" and platform.machine() == "x86_64":
        return Stop(
            problem + ": PyTorch makes nothing for Intel Macs since 2.3.",
            "No other Python helps, but Linux does: in a virtual machine on this Mac, or on Binder. "
            "If the Mac has Apple silicon, install a Python made for it.",
        )
    return Stop(
        problem + ".",
        "Use Python {}.{} to {}.{}, on Linux (x86-64 or ARM, glibc 2.28 or newer), macOS 14 or newer "
        "on Apple silicon, or WSL. If you do, your package index lacks it: see {}.".format(*OLDEST + NEWEST + (log,)),
    )


def main(arguments):
    """Run one command; return the exit code of a failure, or become the command."""
    try:
        name = arguments[0] if arguments else "none"
        if name not in COMMANDS:
            raise Stop("There is no such command: {}.".format(name), "Choose one of: {}.".format(", ".join(COMMANDS)))
        require_python()
        python = VENV_PYTHON
        if name == "lock":  # a lock that cannot be installed is mended without `.venv`
            python = sys.executable
        else:
            set_up(*["requirements.lock", "requirements-test.lock"][: 1 if name == "lab" else 2])
        os.chdir(ROOT)
        sys.stdout.flush()
        os.execve(python, [python] + COMMANDS[name] + arguments[1:], environment())
    except Stop as stop:
        problem = stop.args
    except KeyboardInterrupt:
        problem = "\nInterrupted.", "Run the same command again: it mends what is half made."
    except OSError as error:
        problem = (
            explain(str(error)).args
            if NO_SPACE.search(str(error))
            else ("The set-up cannot go on: {}.".format(error), "Mend that, then run the same command again.")
        )
    sys.stderr.write("{}\nNext step: {}\n".format(*problem))
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
