"""Read one notebook as a program of its own: bytes in, what counts of it out, as JSON.

What is handed in may be made to take all memory while it is parsed: a list of empty lists needs thirty times its size.
So :func:`grader.submissions.read_notebook` has it parsed here, with limits; only the standard library is imported.
"""

import ast
import dis
import json
import re
import resource
import sys
import types

#: Most cells, and bytes of code as JSON, where a letter may take six: far more than any honest notebook has.
MAX_CELLS, MAX_SOURCE = 3000, 3 << 20
#: Bytes of memory and seconds of a processor for one notebook.
MEMORY, SECONDS = 2 << 30, 60

_AGAIN = "Open it in JupyterLab, save it, and hand it in again."


def read(data: bytes) -> dict:
    """``cells`` (the sources of the code cells), ``version``, ``variant`` and ``exercises`` of nbformat 4 or 3.

    And ``names``: for each cell the global variables that it mentions, and ``.name`` for attributes; None where that
    cannot be said.

    Raises:
        ValueError: with a sentence for the student, if it is no notebook.
    """
    if not data.strip():
        raise ValueError(f"The file is empty. {_AGAIN}")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError(f"The file is no notebook: it is not UTF-8 text. {_AGAIN}") from None
    except (ValueError, RecursionError):
        raise ValueError(f"The file is no notebook: it is not JSON. {_AGAIN}") from None
    if not isinstance(notebook, dict):
        raise ValueError(f"The file is JSON, but no notebook. {_AGAIN}")
    cells = notebook.get("cells")
    if cells is None and isinstance(notebook.get("worksheets"), list):  # nbformat 3
        sheets = [sheet for sheet in notebook["worksheets"] if isinstance(sheet, dict)]
        cells = [cell for sheet in sheets for cell in sheet.get("cells") or []]
    if not isinstance(cells, list):
        raise ValueError(f"The file is JSON, but no notebook: it has no cells. {_AGAIN}")
    sources = [source for cell in cells[:MAX_CELLS] if (source := _source(cell)) is not None]
    if len(json.dumps(sources)) > MAX_SOURCE:
        raise ValueError(f"The notebook's code has more than {MAX_SOURCE >> 20} MB; expected an ordinary notebook.")
    metadata = notebook.get("metadata")
    course = metadata.get("course") if isinstance(metadata, dict) else None
    course = course if isinstance(course, dict) else {}
    version, variant = course.get("version"), course.get("variant")
    return {
        "cells": sources,
        "names": [_names(source) for source in sources],
        "version": version if isinstance(version, str) else None,
        "variant": variant if isinstance(variant, dict) else {},
        "exercises": sorted({id for source in sources for id in re.findall(r"check\(\s*[\"'](\d+\.\d+)[\"']", source)}),
    }


def _names(source: str) -> list[str] | None:
    try:
        codes = [compile(source, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)]
    except Exception:  # no Python, or IPython's own, which may do anything
        return None
    names = set[str]()
    for code in codes:
        for step in dis.get_instructions(code):
            if "NAME" in step.opname or "GLOBAL" in step.opname:
                names.add(str(step.argval))
            elif "ATTR" in step.opname or "METHOD" in step.opname:
                names.add(f".{step.argval}")
        codes += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return sorted(names)


def _source(cell: object) -> str | None:
    if not isinstance(cell, dict) or cell.get("cell_type") != "code":
        return None
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    # Half a letter, which JSON can hold, cannot be written to a file.
    return source.encode("utf-8", "replace").decode() if isinstance(source, str) else None


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    try:
        print(json.dumps(read(sys.stdin.buffer.read())))
    except ValueError as error:
        print(json.dumps({"problem": str(error)}))
