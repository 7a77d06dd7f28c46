"""What maintainers and instructors run: set-up, build, ledger, slides.

Throughout, ``root`` is the repository, ``names`` select chapters ("01", "01_taylor_bounds"; by default all of them),
``exercises`` are declarations by id (by default those of :mod:`course_utils.exercises`), and ``say`` receives one line
at a time about the progress. A name that selects no chapter is a ValueError, and a chapter that is not built is one or
a FileNotFoundError.
"""

import sys

# nbformat imports jsonschema, and that, where it is installed, a grammar of addresses that takes a second to compile.
# No notebook is checked by it, and `make build` with nothing to do takes 1.7 seconds without it, and 2.8 with it.
# None says to the import system that there is no such module; the annotation of `sys.modules` does not know that.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
