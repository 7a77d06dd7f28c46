"""The front door: what README, CONTRIBUTING and the repository's other papers say agrees with what is there."""

import os
import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
README, CONTRIBUTING, CHANGELOG = (
    (ROOT / f"{name}.md").read_text(encoding="utf-8") for name in ("README", "CONTRIBUTING", "CHANGELOG")
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SOURCES = sorted((ROOT / "solutions").glob("*.md"))
both = pytest.mark.parametrize("paper", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])


def read(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("source", SOURCES, ids=[path.stem for path in SOURCES])
def test_the_table_has_every_chapter_with_its_minutes_and_what_it_proves(source):
    course = yaml.safe_load(source.read_text(encoding="utf-8").split("---\n")[1])["course"]
    letter = source.stem.split("_")[0][2:]
    row = (
        f"| {course['chapter']}{letter} | [{course['title']}](notebooks/{source.stem}.ipynb) | {course['minutes']} "
        f"| {course['proves']} |"
    )
    assert row in README


@both
def test_every_file_that_is_linked_exists(paper):
    links = [link for link in re.findall(r"\]\(([^)]+)\)", paper) if "://" not in link]
    assert links and [link for link in links if not (ROOT / link).exists()] == []


@both
def test_every_command_that_is_named_exists(paper):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"make ([a-z]+)", paper)):
        assert re.search(rf"^([a-z ]+ )?{target}\b.*:", makefile, re.MULTILINE), f"make {target} is not in the Makefile"


def test_the_tree_of_the_maintainers_page_is_there():
    tree = CONTRIBUTING.split("```")[1]
    folders = re.findall(r"^(  )?([a-z_]+/) ", tree, re.MULTILINE)
    paths = [("course_utils/" if inside else "") + folder for inside, folder in folders]
    assert "course_utils/theory/" in paths and [path for path in paths if not (ROOT / path).is_dir()] == []


def test_the_workflow_runs_the_tests_on_every_python_that_is_promised():
    (job,) = read(".github/workflows/test.yml")["jobs"].values()
    pythons = job["strategy"]["matrix"]["python"]
    assert f">={pythons[0]}" == PROJECT["requires-python"]
    assert pythons == [f"3.{minor}" for minor in range(int(pythons[0][2:]), 15)]
    assert {name.split("-")[0] for name in job["strategy"]["matrix"]["os"]} == {"ubuntu", "macos"}
    command = job["steps"][-1]["run"]
    assert os.access(ROOT / command, os.X_OK)


@pytest.mark.parametrize("name", ["mistake", "installation"])
def test_an_issue_form_asks_each_question_once(name):
    form = read(f".github/ISSUE_TEMPLATE/{name}.yml")
    ids = [question["id"] for question in form["body"]]
    assert form["name"] and form["description"] and len(set(ids)) == len(ids) > 1
    assert all(question["attributes"]["label"] for question in form["body"])


def test_hooks_citation_and_changelog_are_of_this_version():
    hooks = [hook["id"] for repository in read(".pre-commit-config.yaml")["repos"] for hook in repository["hooks"]]
    assert hooks == ["ruff-check", "ruff-format", "codespell", "check-added-large-files"]
    citation = read("CITATION.cff")
    assert citation["version"] == PROJECT["version"]
    assert f"## [{citation['version']}] - {citation['date-released']}" in CHANGELOG and "## [Unreleased]" in CHANGELOG
