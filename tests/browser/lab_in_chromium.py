"""The course as a student has it: JupyterLab started as ``make lab`` starts it, in a real headless Chromium."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_staff import lab
from course_staff.chromium import chromium

REPOSITORY = Path(__file__).resolve().parents[2]
# Chromium's own services are out of reach in a closed network, and asking for them floods the log.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_LIMIT = 60  # seconds
RUN_LIMIT = 240
SAVE_LIMIT = 10
NOTHING_HAPPENS = 15

# Called in the page with a slider's handle: presses an arrow key and waits until the picture below is a new one on
# the screen. The clock starts at the key and stops at the first frame after the image has been decoded.
MOVE_AND_WAIT = """async ([handle, image, key]) => {
  const before = image.src;
  handle.focus();
  const start = performance.now();
  handle.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}));
  while (image.src === before || !image.complete) {
    if (performance.now() - start > 5000) return null;
    await new Promise(next => setTimeout(next, 1));
  }
  await image.decode();
  await new Promise(next => requestAnimationFrame(next));
  return performance.now() - start;
}"""


@contextmanager
def running_lab(root: Path, change: Callable[[NotebookNode, str], None] = lambda *_: None) -> Iterator[str]:
    """JupyterLab on changed copies of the repository's notebooks below ``root``; yields its address with the token."""
    (root / "notebooks").mkdir()
    for path in (REPOSITORY / "notebooks").glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        change(notebook, path.name)
        nbformat.write(notebook, root / "notebooks" / path.name)
    lab.bring_chapters(root)
    with serving(root, lab.environment()) as address:
        yield address.format("/lab/tree/{}") + "&reset"


@contextmanager
def serving(root: Path, inside: dict[str, str]) -> Iterator[str]:
    """JupyterLab on ``root``/work in the environment ``inside``; yields its address, with a gap for the page."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(8)
    environment = {k: v for k, v in inside.items() if k not in {"COURSE_PROGRESS", "MPLBACKEND"}}
    arguments = ["--no-browser", "--port", str(port), f"--IdentityProvider.token={token}"]
    log = root / "lab.log"
    with open(log, "wb") as output:
        server = subprocess.Popen(
            lab.command(root, arguments), stdout=output, stderr=output, env=environment, start_new_session=True
        )
    try:
        _wait_until_it_answers(f"http://localhost:{port}/api?token={token}", server, log)
        yield f"http://localhost:{port}{{}}?token={token}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def _wait_until_it_answers(address: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-2000:]}")


class ChapterPage:
    """One notebook of ``work/`` open in the browser."""

    def __init__(self, page, address: str, root: Path, name: str) -> None:
        self.page, self.path = page, root / "work" / name
        page.goto(address.format(name))
        self.panel = page.locator(".jp-NotebookPanel:visible")  # others may be open behind it
        for part in (".jp-Notebook .jp-Cell", ".jp-Notebook-ExecutionIndicator[data-status=idle]"):
            self.panel.locator(part).first.wait_for(timeout=START_LIMIT * 1000)

    def run_all(self) -> list[dict]:
        """Clear all outputs, run all cells from the menu, wait, save; returns the cells as saved."""
        self._clear()
        deadline, asked = time.monotonic() + RUN_LIMIT, 0.0
        while time.monotonic() < deadline:
            if time.monotonic() - asked > NOTHING_HAPPENS and self._idle() and not self._started():
                # While JupyterLab still loads its extensions a menu can be redrawn under the mouse, and the click
                # is lost: a student clicks again, and so do we, as long as no cell has run.
                self._menu("Run", "Run All Cells")
                asked = time.monotonic()
            self.page.wait_for_timeout(300)
            cells = self.save()
            code = [cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]
            stopped = any(output["output_type"] == "error" for cell in code for output in cell["outputs"])
            if stopped or all(cell["execution_count"] for cell in code) and self._idle():
                return cells
        raise TimeoutError(f"{self.path.name} did not finish within {RUN_LIMIT} s")

    def _clear(self) -> None:
        for _ in range(5):
            self._menu("Edit", "Clear Outputs of All Cells")
            self.save()
            if not self._started():
                return
        raise RuntimeError(f"{self.path.name}: the outputs do not go away")

    def save(self) -> list[dict]:
        """Save as a student does, and read the file once it is whole."""
        self.page.keyboard.press("Control+s")
        deadline = time.monotonic() + SAVE_LIMIT
        while True:
            self.page.wait_for_timeout(400)
            try:
                return json.loads(self.path.read_text(encoding="utf-8"))["cells"]
            except ValueError:
                if time.monotonic() > deadline:
                    raise

    def sliders(self) -> list[tuple]:
        """A ``(handle, image)`` pair for every slider of the notebook; scrolls through it, for cells out of view."""
        boxes = self.panel.locator(".jp-OutputArea .widget-vbox:has(img.widget-image)")
        notebook = self.panel.locator(".jp-WindowedPanel-outer").first
        height = notebook.evaluate("panel => panel.scrollHeight")
        for top in range(0, height, 600):
            notebook.evaluate("(panel, top) => panel.scrollTo(0, top)", top)
            self.page.wait_for_timeout(60)
        pairs = []
        for box in boxes.all():
            box.scroll_into_view_if_needed()
            image = box.locator("img.widget-image").element_handle()
            pairs += [(handle.element_handle(), image) for handle in box.locator(".noUi-handle").all()]
        return pairs

    def move(self, slider: tuple, key: str) -> float | None:
        """Press an arrow key on a slider; milliseconds until the new picture is on the screen, None if it never is."""
        handle, image = slider
        image.scroll_into_view_if_needed()
        return self.page.evaluate(MOVE_AND_WAIT, [handle, image, key])

    def _started(self) -> bool:
        cells = json.loads(self.path.read_text(encoding="utf-8"))["cells"]
        return any(cell.get("execution_count") for cell in cells)

    def _idle(self) -> bool:
        return self.panel.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").count() > 0

    def _menu(self, menu: str, entry: str) -> None:
        self.page.get_by_role("menuitem", name=menu, exact=True).click()
        self.page.get_by_role("menuitem", name=re.compile(f"^{entry}")).first.click()


@contextmanager
def browser_page() -> Iterator:
    """A fresh page, 1280 × 900."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        try:
            yield browser.new_page(viewport={"width": 1280, "height": 900})
        finally:
            browser.close()
