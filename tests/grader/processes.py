"""The processes below another, seen from outside."""

import contextlib
from pathlib import Path


def started(pid):
    """When a process began, or None: its number may be used again."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


def descendants(pid):
    """Process → when it began."""
    children = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            children.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    waiting, found = [pid], {}
    while waiting:
        below = children.get(waiting.pop(), [])
        found |= {child: began for child in below if (began := started(child))}  # else it has ended meanwhile
        waiting += below
    return found
