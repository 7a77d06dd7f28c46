"""What docs/teaching.md names is there: options, targets, files, chapters and exercises."""

import re
from pathlib import Path

from course_staff import release
from course_utils.exercises import all_exercises
from grader import grade, records

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
#: Of other programs.
FOREIGN = {"--force"} | {"--nthreads", "--host", "--port", "--no-dashboard", "--protocol"} | {"--scope", "--user"}
FOREIGN |= {"--rm", "--network", "--read-only", "--tmpfs", "--pids-limit", "--security-opt"}


def test_every_option_exists():
    known = {option for made in (release.parser(), grade.parser()) for option in made._option_string_actions}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", PAGE))
    assert len(named) > 8
    assert named - FOREIGN <= known


def test_the_commands_of_the_page_are_understood():
    for line in re.findall(r'make (?:release|grade) ARGS="([^"]*)"', PAGE):
        made = grade.parser() if "--roster" in line else release.parser()
        made.parse_args(line.split())


def test_the_table_of_statuses_has_all_of_them():
    rows = re.findall(r"^\| ([a-z ]+) \| ", PAGE, re.MULTILINE)
    assert set(records.STATUSES) <= set(rows)


def test_the_exercises_with_variants_are_listed():
    [listed] = re.findall(r"exist with many numbers\s+\(([^)]*) today\)", PAGE)
    assert re.findall(r"\d+\.\d+", listed) == [id for id, e in all_exercises().items() if e.variants]


def test_files_that_are_named_exist():
    named = re.findall(r"`((?:course_staff|course_utils|grader|tests|solutions|docs)/[^`*]*)`", PAGE)
    named += ["environment.yml", "requirements.lock"]
    assert len(named) > 3 and [name for name in named if not (ROOT / name).exists()] == []
    for name in re.findall(r"`?(\d\d[a-z]?_[a-z_]+)(?:\.ipynb|\b)", PAGE):
        assert (ROOT / "solutions" / f"{name}.md").exists(), name
