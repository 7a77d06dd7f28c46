"""What the desk shows: HTML beside text in a notebook; elsewhere text, in the signs that the stream has."""

from __future__ import annotations

import sys
import unicodedata

#: For streams that lack them. Greek letters get their names, and what is made of simpler signs becomes these.
_STAND_INS = str.maketrans(dict(zip("✓✗✎◐○·−–—×≤≥→∞‖“”’", '+ x * ~ o - - - - x <= >= -> inf || " " \''.split())))


def display(shown: dict) -> None:
    """Show a bundle of MIME types, of which one is text/plain: whole in a notebook, elsewhere its text is printed."""
    try:
        from IPython import get_ipython
        from IPython.display import display as display_there
    except ImportError:
        shell = None
    else:
        shell = get_ipython()
    if shell is None:
        say(shown["text/plain"])
    else:
        display_there(shown, raw=True)


def say(text: str) -> None:
    """Print, whatever the stream can encode: an ASCII terminal shows "sigma <= 1" for "σ ≤ 1"."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print("".join(sign if _fits(sign, encoding) else _stand_in(sign, encoding) for sign in text))


def _fits(sign: str, encoding: str) -> bool:
    try:
        sign.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _stand_in(sign: str, encoding: str) -> str:
    kind, _, letter = unicodedata.name(sign, "").rpartition(" LETTER ")
    if kind.startswith("GREEK"):
        simpler = letter.split(" ")[0].lower()
        simpler = simpler.title() if "CAPITAL" in kind else simpler
    else:
        parts = unicodedata.normalize("NFKD", sign).translate(_STAND_INS)
        simpler = "".join(part for part in parts if not unicodedata.combining(part))
    return simpler.encode(encoding, "replace").decode(encoding)
