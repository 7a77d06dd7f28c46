"""What maintainers and instructors run: set-up, build, ledger, slides."""

import sys

# nbformat imports jsonschema, and that, where it is installed, a grammar of addresses that takes a second to compile.
# No notebook is checked by it; without it, `make build` with nothing to do ends in half the time.
sys.modules.setdefault("rfc3987_syntax", None)
