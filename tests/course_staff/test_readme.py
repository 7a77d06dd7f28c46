"""The front door: the README's table and links agree with what is there."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SOURCES = sorted((ROOT / "solutions").glob("*.md"))


@pytest.mark.parametrize("source", SOURCES, ids=[path.stem for path in SOURCES])
def test_the_table_has_every_chapter_with_its_minutes_and_what_it_proves(source):
    course = yaml.safe_load(source.read_text(encoding="utf-8").split("---\n")[1])["course"]
    letter = source.stem.split("_")[0][2:]
    row = (
        f"| {course['chapter']}{letter} | [{course['title']}](notebooks/{source.stem}.ipynb) | {course['minutes']} "
        f"| {course['proves']} |"
    )
    assert row in README


def test_every_file_that_is_linked_exists():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_command_that_is_named_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"make ([a-z]+)", README)):
        assert re.search(rf"^([a-z ]+ )?{target}\b.*:", makefile, re.MULTILINE), f"make {target} is not in the Makefile"
