"""What JupyterLab serves in the course: its own style sheet, and a file list without the file of progress."""

from pathlib import Path

c = get_config()  # type: ignore[name-defined]  # noqa: F821, which the program that reads this file provides

c.LabApp.custom_css = True
c.ServerApp.tornado_settings = {"static_custom_path": [str(Path(__file__).parent / "custom")]}
c.ContentsManager.hide_globs = ["__pycache__", "*.pyc", "*.pyo", ".DS_Store", "*~", "progress*.jsonl"]
