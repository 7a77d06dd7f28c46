"""``python -m course_staff.site``: build the reading site."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from course_staff.ledger import LedgerError
from course_staff.site import build as site
from course_staff.site.sliders import SliderError
from course_staff.source import BuildError


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m course_staff.site", description=site.__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=site.ROOT, help=argparse.SUPPRESS)
    parser.add_argument("--time", action="store_true", help="run every solution first, for the page of run times")
    args = parser.parse_args(argv)
    start = time.monotonic()
    try:
        if args.time:
            site.measure(args.root, say=lambda line: print(line, flush=True))
        front = site.build(args.root, say=lambda line: print(line, flush=True))
    except (FileNotFoundError, SliderError, LedgerError, BuildError, site.SiteError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{front.relative_to(args.root)} is ready after {time.monotonic() - start:.0f} s; open it in a browser.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
