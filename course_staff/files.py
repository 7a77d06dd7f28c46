"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: str | bytes, *, replace: bool = True) -> bool:
    """Write a file in one step: an interruption leaves what was there, or all of the new.

    Args:
        path: its folder is made if its parent is there.
        content: text is written as UTF-8, its line ends as they are.
        replace: whether a file that is there may be replaced.

    Returns:
        False where ``replace`` is false and something of this name exists, which is kept.
    """
    if not replace and os.path.lexists(path):
        return False
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as partial:
            partial.write(data)
        os.chmod(name, 0o644)
        if replace:
            os.replace(name, path)
        else:
            _link(name, path, data)
    except FileExistsError:
        return False
    finally:
        Path(name).unlink(missing_ok=True)
    return True


def _link(name: str, path: Path, data: bytes) -> None:
    try:
        os.link(name, path)  # unlike os.replace it refuses a name that exists by now
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        with open(path, "xb") as file:
            file.write(data)
