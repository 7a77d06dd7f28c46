"""`make lint`: every check runs, each that fails is named with how to mend it."""

import re

from course_staff import lint


def test_a_check_that_fails_is_named_and_does_not_stop_the_next(monkeypatch, capfd):
    monkeypatch.setattr(lint, "CHECKS", ((("json.tool", "--no-such"), "by hand"), (("timeit", "-n1", "pass"), "")))
    assert lint.main() == 1
    said = capfd.readouterr().out
    assert (
        "json.tool --no-such failed. To mend it: by hand" in said and "loop" in said and "timeit -n1 failed" not in said
    )


def test_a_tool_that_is_missing_is_named(monkeypatch, capsys):
    monkeypatch.setattr(lint, "CHECKS", ((("no_such_linter", "check"), ""),))
    assert lint.main() == 2
    assert "no_such_linter" in capsys.readouterr().out


def test_commits_are_checked_by_the_versions_that_make_lint_has():
    hooks = (lint.ROOT / ".pre-commit-config.yaml").read_text()
    pins = dict(re.findall(r"^([\w-]+)==(\S+)", (lint.ROOT / "requirements-test.lock").read_text(), re.MULTILINE))
    for repository, tool in (("astral-sh/ruff-pre-commit", "ruff"), ("codespell-project/codespell", "codespell")):
        assert f"{repository}\n    rev: v{pins[tool]}\n" in hooks
