"""Run a notebook from top to bottom; keep of its outputs what is the same on every run and every machine."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from copy import deepcopy
from pathlib import Path

from nbformat import NotebookNode

from course_staff.source import BuildError, first_line

CELL_TIMEOUT = 300
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
UNCOMPARED = "nbval-ignore-output"

_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_DATA_URI = re.compile(r"data:[\w/+.-]*;base64,[A-Za-z0-9+/=]*")
_NOISE = {
    # Nine digits and more: a 32-bit number in hexadecimal is a legitimate output.
    "a memory address": re.compile(r"\b0x[0-9a-fA-F]{9,}"),
    "a path of this machine": re.compile(r"/home/\w|/Users/\w|/root/|/tmp/|site-packages|ipykernel_\d|\b[A-Z]:\\\\?\w"),
    "a timing": re.compile(
        r"Wall time|CPU times|per loop|\bit/s\b"
        r"|\b(?:took|elapsed)\b[^\n]{0,20}?\d[\d.]*\s*(?:[nµm]?s|seconds|minutes)\b"
    ),
    "a time of day": re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d"),
}


def execute(notebook: NotebookNode, folder: Path, root: Path, label: str) -> NotebookNode:
    """Run ``notebook`` in place, in a fresh kernel that starts in ``folder``, its own; messages call it ``label``.

    Raises:
        BuildError: if a cell raises, warns, or prints what would differ on another run or machine.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    running = []
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        shutdown_kernel="immediate",
        # ipykernel 7 warns at each start that its local sockets are not encrypted.
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        on_cell_start=lambda cell, cell_index: running.append(cell_index),
    )
    folder.mkdir(exist_ok=True)
    metadata = deepcopy(notebook.metadata)  # nbclient puts the interpreter's version into it

    def where() -> str:
        number = running[-1] if running else 0
        return f"{label}, cell {number + 1} ({first_line(notebook.cells[number])!r})"

    try:
        client.execute(env=_environment(root))
    except CellExecutionError as error:
        raised = f"{error.ename}: {error.evalue}{_below(error.traceback, root)}"
        raise BuildError([f"{where()}: raises {raised}"]) from None
    except CellTimeoutError:
        raise BuildError([f"{where()}: ran for more than {CELL_TIMEOUT} s"]) from None
    except DeadKernelError:
        raise BuildError([f"{where()}: the kernel died"]) from None
    notebook.metadata = metadata
    clean(notebook, label, root)
    return notebook


def clean(notebook: NotebookNode, label: str, root: Path) -> None:
    """Drop widget views and run times, count executions from 1, and refuse outputs that would not repeat."""
    problems = []
    count = 0
    for number, cell in enumerate(notebook.cells, 1):
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        where = f"{label}, cell {number} ({first_line(cell)!r})"
        for output in cell.outputs:
            if "text/html" in output.get("data", {}):  # which is what stands there without a kernel
                output.data.pop(WIDGET_VIEW, None)
        kept = [output for output in cell.outputs if WIDGET_VIEW not in output.get("data", {})]
        if len(kept) < len(cell.outputs) and UNCOMPARED not in cell.metadata.get("tags", []):
            problems.append(f"{where}: shows a widget, which is not stored; tag the cell {UNCOMPARED}")
        cell.outputs = kept
        for output in kept:
            if "execution_count" in output:
                output.execution_count = count
            if output.get("name") == "stderr":
                problems.append(f"{where}: writes to stderr: {output.text.strip().splitlines()[0][:200]}")
                continue
            for text in _texts(output):
                problems += [f"{where}: shows {what}: {found!r}" for what, found in noise(text, root)]
    if problems:
        raise BuildError(list(dict.fromkeys(problems)))


def noise(text: str, root: Path) -> list[tuple[str, str]]:
    """What in a text would differ on another run or machine, as pairs (kind, excerpt)."""
    text = _DATA_URI.sub("", text)
    found = [(what, match[0]) for what, pattern in _NOISE.items() if (match := pattern.search(text))]
    if not any(what == "a path of this machine" for what, _ in found):
        places = {str(place) for place in (root.resolve(), Path.home(), tempfile.gettempdir(), sys.prefix)} - {"/"}
        match = re.search("|".join(rf"{re.escape(place)}(?![\w-])" for place in sorted(places)), text)
        if match:
            found.append(("a path of this machine", match[0]))
    return found


def _below(traceback: str, root: Path) -> str:
    """Where in ``course_utils`` a cell's error arose, as IPython's traceback says; "" for the cell itself."""
    root = root.resolve()
    for place, line in reversed(re.findall(r"^File (.+?):(\d+)", _COLOUR.sub("", traceback), re.MULTILINE)):
        path = Path(place).expanduser()
        if path.is_relative_to(root / "course_utils"):
            return f" (raised in {path.relative_to(root).as_posix()}, line {line})"
    return ""


def _texts(output: NotebookNode) -> list[str]:
    """All text of an output; an image in base64 is none."""
    if output.output_type == "stream":
        return [output.text]
    return [
        value if isinstance(value, str) else str(value)
        for kind, value in output.get("data", {}).items()
        if not kind.startswith("image/") or kind == "image/svg+xml"
    ]


def _environment(root: Path) -> dict[str, str]:
    # Nothing of the maintainer's own settings shall show in an output.
    own = ("NBGRADER_", "MPLBACKEND", "MATPLOTLIBRC")
    env = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    paths = [str(root.resolve()), *filter(None, [env.get("PYTHONPATH")])]
    return {
        **env,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "COURSE_PROGRESS": "",
    }
