"""Look over the repository without running it, ``make lint``: rules, format, spelling and types.

What each looks at, and with which settings, is in pyproject.toml.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

#: A check, as a module of this Python with its arguments, and how one mends what it finds.
CHECKS = (
    (("ruff", "check"), "python -m ruff check --fix; what it cannot mend, by hand"),
    (("ruff", "format", "--check"), "python -m ruff format"),
    (("codespell_lib",), "python -m codespell_lib --interactive 3 --write-changes"),
    (("mypy",), "by hand"),
)


def main() -> int:
    """Run every check, also after one that has failed; 0 if all have passed."""
    missing = sorted({module for (module, *_), _ in CHECKS if importlib.util.find_spec(module) is None})
    if missing:
        print(f"Not installed for {sys.executable}: {', '.join(missing)}. python -m pip install ruff codespell mypy")
        return 2
    failed = []
    for command, mend in CHECKS:
        print(f"> python -m {' '.join(command)}", flush=True)
        if subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode:
            failed.append(f"{' '.join(command)} failed. To mend it: {mend}")
    print("\n".join(failed) or "Nothing to mend.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
