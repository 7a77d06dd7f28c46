"""From the slider's key press to the new picture on the screen, for every slider of every chapter.

    .venv/bin/python benchmarks/slider_latency.py

How it is measured: JupyterLab started as `make lab` starts it, a headless Chromium on the same machine, all cells
run. In the page, the clock starts when an arrow key is dispatched to the slider's handle and stops at the first
animation frame after the new image has been decoded: the round trip through the kernel, its computation and drawing,
encoding, transport and decoding are all inside. Forty moves a slider, half of them to and fro, after five to warm up.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.browser.lab_in_chromium import REPOSITORY, ChapterPage, browser_page, running_lab

WARM_UP, MOVES = 5, 40


def main() -> None:
    with tempfile.TemporaryDirectory() as root, running_lab(Path(root)) as address, browser_page() as page:
        print("chapter                        slider  median ms  90 % ms")
        for path in sorted((REPOSITORY / "notebooks").glob("*.ipynb")):
            chapter = ChapterPage(page, address, Path(root), path.name)
            chapter.run_all()
            for number, slider in enumerate(chapter.sliders(), start=1):
                keys = ["ArrowRight", "ArrowLeft"] * ((WARM_UP + MOVES + 1) // 2)
                times = [chapter.move(slider, key) for key in keys][WARM_UP:]
                if None in times:
                    sys.exit(f"{path.name}, slider {number}: the picture did not change")
                ninety = statistics.quantiles(times, n=10)[-1]
                print(f"{path.stem:30} {number:6}  {statistics.median(times):9.0f}  {ninety:7.0f}")


if __name__ == "__main__":
    main()
