"""Formulas set when the site is built, so that no page loads the program that sets them, of two megabytes.

A headless Chromium, the one that the tests use, opens each page with MathJax and no other script, and the page keeps
what MathJax made: drawings whose outlines stand once a page. Without a Chromium the pages load MathJax as before.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from course_staff.chromium import browser

_SCRIPT = re.compile(r"<script\b.*?</script>\s*", re.DOTALL)
_ARTICLE = re.compile(r'<article class="bd-article".*?</article>', re.DOTALL)
# Of a formula's parts only errors and tables are styled by what they are; half of a page would be these words.
_SAID = re.compile(
    r' data-(?:c|latex|mjx-texclass)="[^"]*"| data-mml-node="(?:m[inos]|mrow|msu[bp]|msubsup|TeXAtom|mtext)"'
)
_OFF = '<script type="text/x-off"'
# Set by MathJax beside the formulas: the style sheet, and the outlines that the formulas refer to.
_READ = """async () => {
  await MathJax.startup.promise;
  return {
    article: document.querySelector("article.bd-article").outerHTML,
    outlines: document.getElementById("MJX-SVG-global-cache")?.outerHTML || "",
    style: document.getElementById("MJX-SVG-styles")?.textContent || "",
  };
}"""


def formulas(output: Path) -> bool:
    """Set the formulas of every page below ``output``; False where no browser is here: the pages stay as they are."""
    with browser() as opened:
        if opened is None:
            return False
        styles = set()
        for path in sorted(output.rglob("*.html")):
            text = path.read_text(encoding="utf-8")
            if "/mathjax/" not in text:
                continue
            article = _ARTICLE.search(text)
            if article and re.search(r'class="math|output_area|\$', article[0]):
                made = _set(opened, path, text)
                styles.add(made["style"])
                text = text.replace(article[0], made["article"] + made["outlines"], 1)
            path.write_text(
                _SCRIPT.sub(lambda match: "" if _is_mathjax(match[0]) else match[0], text), encoding="utf-8"
            )
        sheet = output / "_static" / "site.css"
        sheet.write_text(sheet.read_text(encoding="utf-8") + "\n".join(sorted(styles)), encoding="utf-8")
        shutil.rmtree(output / "_static" / "mathjax", ignore_errors=True)
        return True


def _is_mathjax(script: str) -> bool:
    return "/mathjax/" in script.partition(">")[0] or "window.MathJax" in script


def _set(opened: Any, path: Path, text: str) -> dict[str, str]:
    """What MathJax makes of a page that runs no other script."""
    alone = path.with_name(f".{path.name}")
    off = _SCRIPT.sub(lambda match: match[0] if _is_mathjax(match[0]) else match[0].replace("<script", _OFF, 1), text)
    alone.write_text(off, encoding="utf-8")
    page = opened.new_page()
    try:
        page.goto(alone.as_uri())
        made = page.evaluate(_READ)
        article = made["article"].replace(_OFF, "<script")
        return {**made, "article": _SAID.sub("", article), "outlines": _SAID.sub("", made["outlines"])}
    finally:
        page.close()
        alone.unlink()
