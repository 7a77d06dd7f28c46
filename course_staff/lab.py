"""Open the course in JupyterLab, on copies in `work/`: the second half of `make lab`.

`python -m course_staff.lab [JupyterLab's arguments]` copies the chapters of `notebooks/` that `work/` does
not have yet, puts the new version of a chapter that changed beside the student's, and becomes JupyterLab.
No file in `work/` is ever written to twice.
"""

import argparse
import errno
import json
import os
import socket
import sys
import tempfile
from pathlib import Path

from course_staff.cells import calls_last
from course_staff.files import write_whole

ROOT = Path(__file__).resolve().parents[1]
FIRST_PAGE = "00_start_here.ipynb"
#: What ends a cell whose output a learner reads before running it.
QUESTIONS = ("predict", "proof_lines")

# Defaults for this start of JupyterLab; the user's own settings win. Nothing is asked, and nothing is fetched.
CONFIG = Path(__file__).with_name("lab_config")


class Stop(Exception):
    """One sentence that says what is wrong, and what to do next."""


def version_of(path: Path) -> str | None:
    """The course version that the notebook at `path` stems from; None where it has none or cannot be read."""
    try:
        version = json.loads(path.read_text(encoding="utf-8"))["metadata"]["course"]["version"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return version if isinstance(version, str) and version else None


def learners_copy(text: str) -> str:
    """The notebook without outputs, so that nothing answers before it is run; questions and the first picture stay."""
    notebook = json.loads(text)
    first = True
    for cell in notebook.get("cells", ()):
        if cell["cell_type"] != "code":
            continue
        cell["metadata"].get("jupyter", {}).pop("outputs_hidden", None)
        if not first and not calls_last("".join(cell["source"]), *QUESTIONS):
            cell["outputs"], cell["execution_count"] = [], None
        first = False
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def place(source: Path, target: Path) -> bool:
    """Put the learner's copy of `source` at `target`, whole or not at all; False where that exists, which it keeps."""
    return write_whole(target, learners_copy(source.read_text(encoding="utf-8")), replace=False)


def bring_chapters(root: Path) -> list[str]:
    """Bring `work/` up to date with `notebooks/`; return one sentence for each thing a student should know."""
    chapters = sorted((root / "notebooks").glob("[0-9][0-9]*_*.ipynb"))
    if not chapters:
        raise Stop("The folder notebooks/ has no chapters.\nNext step: git checkout -- notebooks, then make lab")
    versions = {}
    for chapter in chapters:
        version = version_of(chapter)
        if version is None:
            raise Stop(
                f"notebooks/{chapter.name} is damaged: its version cannot be read.\n"
                f"Next step: git checkout -- notebooks/{chapter.name}, then make lab"
            )
        versions[chapter] = version
    work = root / "work"
    work.mkdir(exist_ok=True)
    said, copied = [], 0
    for chapter, version in versions.items():
        mine = work / chapter.name
        if place(chapter, mine):
            copied += 1
            continue
        stems_from = version_of(mine)
        if stems_from == version:
            continue
        update = work / f"{chapter.stem}.update-{version[:8]}.ipynb"
        if place(chapter, update):
            why = f"{chapter.name} has changed"
            if stems_from is None:
                why = f"work/{mine.name} is no notebook of this course"
            said.append(
                f"{why}. Your file is as you left it; the chapter as it is now lies beside it, in "
                f"work/{update.name}: open it there, and copy your answers over."
            )
    if copied:
        said.insert(0, f"{copied} new chapter{'s' * (copied > 1)} in work/.")
    return said


def is_taken(port: int, address: str) -> bool:
    """Whether another program listens at `port`, on one of the addresses that `address` stands for."""
    try:
        for family, kind, protocol, _, where in socket.getaddrinfo(
            address or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            with socket.socket(family, kind, protocol) as server:
                # As JupyterLab does: a port whose program has just ended is free.
                server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                server.bind(where)
    except OSError as error:
        return error.errno == errno.EADDRINUSE  # what else is wrong JupyterLab says better
    return False


def command(root: Path, arguments: list[str], page: str | None = None) -> list[str]:
    """The command line that starts JupyterLab in `root`/work as `make lab` does.

    `page` is the address that it opens, "/lab/tree/..."; by default the course's first page, where there is
    one. Raises Stop where `arguments` name a port that is not a number, or is taken.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--port", "--ServerApp.port")
    parser.add_argument("--ip", "--ServerApp.ip", default="localhost")
    asked, _ = parser.parse_known_args(arguments)
    line = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root / 'work'}"]
    if page is None and (root / "work" / FIRST_PAGE).exists():
        page = f"/lab/tree/{FIRST_PAGE}"
    if page is not None:
        line.append(f"--LabApp.default_url={page}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        line.append("--allow-root")  # a container's only user; JupyterLab would refuse
    if asked.port is not None:
        if not (asked.port.isdecimal() and int(asked.port) < 2**16):
            raise Stop(
                f"--port should be a number from 0 to 65535, not {asked.port!r}.\n"
                "Next step: make lab ARGS='--port 8888'"
            )
        port, address = int(asked.port), asked.ip.strip("*")
        if is_taken(port, address):
            other = next(n for n in (*range(port + 1, 2**16), *range(1024, port)) if not is_taken(n, address))
            raise Stop(f"Port {port} is taken.\nNext step: choose another: make lab ARGS='--port {other}'")
        line.append("--ServerApp.port_retries=0")  # where a port was asked for, no other is meant
    return [*line, *arguments]


def environment(*more: Path) -> dict[str, str]:
    """The environment that JupyterLab is started in: ours, with the course's defaults on Jupyter's path.

    `more` are folders like `CONFIG`, whose defaults win over it.
    """
    others = os.environ.get("JUPYTER_CONFIG_PATH")
    paths = [*map(str, more), str(CONFIG), *([others] if others else [])]
    spare = {}
    if not os.access(os.path.expanduser("~"), os.W_OK):  # Jupyter would end in a traceback
        folder = tempfile.mkdtemp(prefix="jupyter-")
        print(f"The home folder cannot be written to: JupyterLab keeps its settings in {folder} this time.")
        spare = dict.fromkeys(
            ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "MPLCONFIGDIR"), folder
        )
    return {**spare, **os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(paths)}


def main(arguments: list[str]) -> int:
    """Bring the chapters and become JupyterLab; return an exit code where that cannot be."""
    try:
        for sentence in bring_chapters(ROOT):
            print(sentence)
        line = command(ROOT, arguments)
    except Stop as stop:
        print(stop, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"work/ cannot be filled: {error}.\nNext step: mend that, then make lab", file=sys.stderr)
        return 1
    inside = environment()
    print("Opening the course in JupyterLab; Ctrl-C twice here ends it.", flush=True)
    os.execve(line[0], line, inside)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
