"""From the executed solutions to ``site/``: the sliders' pictures, the pages' sources, and Sphinx."""

from __future__ import annotations

import base64
import functools
import importlib.util
import io
import re
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from textwrap import indent
from typing import Any

import nbformat
from nbformat import NotebookNode
from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.util.nodes import make_refnode

from course_staff import ledger
from course_staff.build import PARALLEL, ROOT, worker_context
from course_staff.execute import execute
from course_staff.files import write_whole
from course_staff.site import chapters, front, pages, sliders, typeset
from course_staff.source import SOLUTIONS

SITE, WORK = "site", Path("build") / "site"
STATIC = Path(__file__).with_name("static")
MATHJAX = ("sphinx-mathjax-offline", "static/mathjax/tex-svg-full.js")
#: Pictures that one worker computes at a time.
PORTION = 500


class SiteError(Exception):
    """What keeps the site from being built: Sphinx's warnings, one a line."""


def build(root: Path = ROOT, folder: Path | None = None, say: Callable[[str], None] = print) -> Path:
    """Make the site anew, by default in ``site/``; return its front page. The old one stays until this one is whole.

    Raises:
        FileNotFoundError: if a chapter is not built, or a package is missing.
        SiteError: if Sphinx warns of anything.
        SliderError: if a slider cannot be computed without running its notebook.
        LedgerError: if the ledger and the notebooks disagree.
    """
    folder = folder or root / SITE
    work = root / WORK
    notebooks = chapters.read(root)
    source, static, output = work / "source", work / "static", work / "html"
    for old in (source, static, output, work / "doctrees"):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(STATIC, static)
    _mathjax(static)
    scripts = _pictures(root, notebooks, work / "pictures", say)
    (static / "sliders").mkdir()
    for name, script in scripts.items():
        shutil.copyfile(script, static / "sliders" / f"{name}.js")
    (static / "pictures.css").write_text(
        (STATIC / "pictures.css").read_text(encoding="utf-8") + _fonts(scripts.values()), encoding="utf-8"
    )
    _write_sources(root, notebooks, source)
    say("Sphinx makes the pages")
    _sphinx(source, static, output, work / "doctrees")
    found = ledger.read(root)
    (output / "index.html").write_text(front.render(notebooks, found, output / "_static" / "cards"), encoding="utf-8")
    _finish(output)
    say("Formulas are set")
    if not typeset.formulas(output):
        say("No Chromium is here: the pages bring MathJax along, two megabytes, and set their formulas themselves.")
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(output, folder)
    shutil.rmtree(old, ignore_errors=True)
    return folder / "index.html"


def measure(root: Path = ROOT, say: Callable[[str], None] = print) -> None:
    """Run every solution once, only to note how long it takes; what it shows is dropped."""
    for name, notebook in chapters.read(root).items():
        label = f"{SOLUTIONS}/{name}.ipynb"
        start = time.perf_counter()
        execute(notebook, root / SOLUTIONS, root, label)
        seconds = time.perf_counter() - start
        pages.note_run_time(root, name, notebook.metadata.course["fingerprint"], seconds)
        say(f"{label}  {seconds:.1f} s")


def _pictures(
    root: Path, notebooks: dict[str, NotebookNode], cache: Path, say: Callable[[str], None]
) -> dict[str, Path]:
    """The scripts with the sliders' pictures by name; those that nothing changed for are kept from the last time."""
    cache.mkdir(parents=True, exist_ok=True)
    scripts, tasks = {}, []
    for name, notebook in notebooks.items():
        for number in sliders.find(notebook):
            slider = chapters.slider_name(name, notebook.cells[number])
            scripts[slider] = cache / f"{slider}-{sliders.fingerprint(notebook, number, root)}.js"
            if not scripts[slider].is_file():
                label = f"{SOLUTIONS}/{name}.ipynb"
                tasks.append((slider, root / label, number, sliders.read(notebook, number, label)))
    for old in set(cache.iterdir()) - set(scripts.values()):
        old.unlink()
    if not tasks:
        return scripts
    with ProcessPoolExecutor(PARALLEL, mp_context=worker_context()) as pool:
        futures = {
            slider: [
                pool.submit(sliders.compute, path, number, start, min(start + PORTION, read.size))
                for start in range(0, read.size, PORTION)
            ]
            for slider, path, number, read in tasks
        }
        for slider, _, _, read in tasks:
            text = sliders.script(slider, sliders.join(read, [future.result() for future in futures.pop(slider)]))
            write_whole(scripts[slider], text)
            say(f"slider {slider}: {read.size} pictures, {len(text) / 1e3:.0f} kB")
    return scripts


def _write_sources(root: Path, notebooks: dict[str, NotebookNode], source: Path) -> None:
    (source / "chapters").mkdir(parents=True)
    (source / "reference").mkdir()
    for name, notebook in notebooks.items():
        nbformat.write(chapters.page(name, notebook, {*notebooks}), source / "chapters" / f"{name}.ipynb")
    further = {
        page: text
        for page in ("lecture_plan", "teaching", "references")
        if (root / "docs" / f"{page}.md").is_file()
        for text in [(root / "docs" / f"{page}.md").read_text(encoding="utf-8")]
    }
    texts = {
        "index": pages.contents(notebooks, further),
        "ledger": pages.claims_page(root, notebooks),
        "errata": pages.errata(root, notebooks),
        "run_times": pages.run_times(root, notebooks),
        **{page: chapters.links(text, {*notebooks}) for page, text in further.items()},
    }
    for page, text in texts.items():
        (source / f"{page}.md").write_text(text, encoding="utf-8")
    for page, text in pages.reference().items():
        (source / "reference" / page).write_text(text, encoding="utf-8")


def _mathjax(static: Path) -> None:
    """MathJax in one file, glyphs included: a page that is a file may not fetch fonts in every browser."""
    package, inside = MATHJAX
    spec = importlib.util.find_spec(package)
    found = Path(spec.origin).parent / inside if spec and spec.origin else None
    if found is None or not found.is_file():
        raise FileNotFoundError(f"the site needs the package {package}; `make site` installs it")
    (static / "mathjax").mkdir()
    shutil.copyfile(found, static / "mathjax" / Path(inside).name)


def _fonts(scripts) -> str:
    """The pictures' font as CSS, reduced to printable signs of the pictures' scripts."""
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont
    from matplotlib import get_data_path

    signs = {sign for script in scripts for sign in sliders.signs(script)}
    rules = []
    for weight, file in (("normal", "DejaVuSans.ttf"), ("bold", "DejaVuSans-Bold.ttf")):
        font = TTFont(Path(get_data_path()) / "fonts" / "ttf" / file, recalcTimestamp=False)
        subsetter = Subsetter(Options(layout_features=["kern"], drop_tables=["FFTM"]))
        subsetter.populate(unicodes=[*range(0x20, 0x7F), *map(ord, signs)])
        subsetter.subset(font)
        font.flavor = "woff"
        buffer = io.BytesIO()
        font.save(buffer)
        data = base64.b64encode(buffer.getvalue()).decode()
        rules.append(
            f'@font-face {{ font-family: "Picture Sans"; font-weight: {weight}; '
            f"src: url(data:font/woff;base64,{data}) format('woff'); }}\n"
        )
    return "".join(rules)


def _sphinx(source: Path, static: Path, output: Path, doctrees: Path) -> None:
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    warnings = io.StringIO()
    with patch_docutils(), docutils_namespace():
        app = Sphinx(
            source,
            None,
            output,
            doctrees,
            "html",
            confoverrides=_settings(static),
            status=None,
            warning=warnings,
            freshenv=True,
            warningiserror=True,
        )
        app.connect("autodoc-process-docstring", _as_written)
        app.connect("missing-reference", _by_import)
        app.build(force_all=True)
    found = re.sub(r"\x1b\[[\d;]*m", "", warnings.getvalue()).strip()
    if found or app.statuscode:
        raise SiteError(found or "Sphinx failed without a word")


def _finish(output: Path) -> None:
    """Mend the theme: arrows that unfold the navigation get a name to read out, its own sources go, and so does what
    makes a page heavy: a script of icons, and the index of the search where nothing is searched."""
    icons = output / "_static" / "scripts" / "fontawesome.js"
    for left in [*(output / "_static").glob("*.html"), *output.rglob("*.map"), icons]:
        left.unlink()
    for page in output.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        text = text.replace("<summary><span", '<summary aria-label="Show the pages of this part"><span')
        heavy = "fontawesome" if page.name == "search.html" else "fontawesome|searchtools|language_data|searchindex"
        text = re.sub(rf'<script[^>]*src="[^"]*(?:{heavy})[^"]*"[^>]*></script>\s*', "", text)
        text = re.sub(rf'<link[^>]*href="[^"]*(?:{heavy})[^"]*"[^>]*/?>\s*', "", text)
        text = text.replace("</head>", _DESCRIPTION + "</head>", 1)
        page.write_text(text, encoding="utf-8")


_DESCRIPTION = (
    '<meta name="description" content="What a neural network is before it has learned anything: nine notebooks that '
    'prove it, let you build it, and put every claim of their sources to the test.">\n'
    '<meta property="og:title" content="Neural networks at birth: a course that checks its own theory">\n'
    '<meta property="og:type" content="website">\n'
)


def _settings(static: Path) -> dict:
    return {
        "project": "Neural networks at birth",
        "author": "",
        "copyright": "",
        "extensions": ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.mathjax"],
        "nb_execution_mode": "off",
        "myst_enable_extensions": ["dollarmath", "amsmath", "attrs_inline", "attrs_block", "deflist"],
        "nitpicky": True,
        "smartquotes": False,
        "add_module_names": False,
        "autodoc_preserve_defaults": True,  # as written: the value may name a folder of this machine
        "autodoc_typehints": "none",
        "autodoc_inherit_docstrings": False,
        # MathJax's menu would make every formula a stop of the Tab key.
        "mathjax3_config": {"options": {"enableMenu": False}, "svg": {"fontCache": "global"}},
        "mathjax_path": f"mathjax/{Path(MATHJAX[1]).name}",
        "html_theme": "sphinx_book_theme",
        "html_title": "Neural networks at birth",
        "html_static_path": [str(static)],
        "html_css_files": ["site.css", "pictures.css"],
        "html_favicon": str(static / "favicon.svg"),
        "html_js_files": [(f"{name}.js", {"defer": "defer"}) for name in ("explore", "predict", "ledger", "formulas")],
        "html_copy_source": False,
        "html_show_sourcelink": False,
        "html_use_index": False,
        "html_domain_indices": False,
        # A summary of each page found would be fetched, which a page that is a file may not do.
        "html_show_search_summary": False,
        "html_theme_options": {
            "use_download_button": False,
            "use_fullscreen_button": False,
            "show_toc_level": 2,
            "navbar_persistent": [],
            "pygments_light_style": "a11y-high-contrast-light",
            "pygments_dark_style": "a11y-high-contrast-dark",
            "extra_footer": "Code: MIT. Text and pictures: CC BY 4.0. To cite, see CITATION.cff in the repository.",
        },
        "html_context": {"default_mode": "auto"},
    }


_COLUMNS = re.compile(r"(?<=\n\n)\w+ {2,}\S.*(?:\n.*\S.*)*")


def _as_written(app, what, name: str, obj, options, lines: list[str]) -> None:
    """A docstring in Google's style as reST: bars are absolute values, and what is set in columns stays so."""
    text = _COLUMNS.sub(lambda match: "::\n\n" + indent(match[0], "    "), "\n".join(lines))
    escaped = re.sub(r"(?<!\\)\|", r"\\|", text).split("\n")
    # Of a variable or property Napoleon takes the words before a colon for its type.
    if what in ("attribute", "data", "property"):
        lines[:] = escaped
    else:
        settings: Any = Config(napoleon_use_ivar=True)  # made for this, and not the class that is annotated there
        lines[:] = GoogleDocstring(escaped, settings, app, what, name, obj, options).lines()


def _by_import(app, env, node, missing):
    """Links a name as the module that mentions it would look it up; what has no entry of its own is no link."""
    target = node.get("reftarget", "")
    module = sys.modules.get(node.get("py:module", ""))
    for start in (module, sys.modules.get("course_utils")):
        try:
            found = functools.reduce(getattr, target.split("."), start)
        except AttributeError:
            continue
        name = f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}"
        entry = env.domains["py"].objects.get(name)
        if entry is None:
            return missing
        return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, missing, name)
    return None
