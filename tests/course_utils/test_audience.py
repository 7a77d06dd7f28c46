"""Whoever runs a chapter's cells says who sees what they show; nobody has to replace a module's function."""

import pytest

from course_utils import audience
from course_utils.desk.checks import check
from course_utils.desk.claims import claim
from course_utils.desk.environment import check_environment
from course_utils.desk.progress import show_progress
from course_utils.figures import show
from course_utils.figures.slider import show_slider


def test_without_an_audience_of_its_own_a_chapter_shows_to_its_reader(capsys):
    check_environment()
    assert capsys.readouterr().out


def test_an_audience_gets_what_it_names_and_the_rest_is_neither_computed_nor_shown(capsys, monkeypatch):
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: pytest.fail("displayed"))
    seen = []
    with audience.only({check: lambda *arguments: seen.append(arguments)}):
        check("no such exercise", len)
        for function in (claim, show, show_slider, show_progress, check_environment):
            function("no such argument")
        with audience.only({}):
            check("nobody", len)
        check("again", max)
    assert seen == [("no such exercise", len), ("again", max)]
    assert capsys.readouterr() == ("", "")
    with pytest.raises(ValueError, match="no such exercise"):
        check("no such exercise", len)
