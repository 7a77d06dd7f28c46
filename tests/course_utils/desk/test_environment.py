"""The first cell of the course: it must notice what is missing and say how to mend it."""

from importlib import metadata

import pytest

from course_utils.desk import environment


def test_here_everything_is_found(capsys):
    environment.check_environment()
    assert "Everything is here" in capsys.readouterr().out


@pytest.fixture
def copy(monkeypatch, tmp_path):
    """As if the package lay in an empty folder."""
    monkeypatch.setattr(environment, "_PACKAGE", tmp_path / "course_utils")
    for name in environment.FILES:
        path = tmp_path / "course_utils" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path


@pytest.mark.parametrize(
    "requirement, said",
    [("numpy<1", "needs numpy<1: version"), ("no-such-package>=2", "needs no-such-package>=2: not installed")],
)
@pytest.mark.parametrize("checkout", [True, False])
def test_what_is_missing_is_named_with_the_remedy(monkeypatch, capsys, copy, requirement, said, checkout):
    monkeypatch.setattr(metadata, "requires", lambda name: [requirement, 'absent; extra == "staff"'])
    if checkout:
        (copy / "Makefile").write_text("")
    environment.check_environment()
    out = capsys.readouterr().out
    assert said in out and "absent" not in out
    assert ("make lab" in out) == checkout and (f'%pip install "{requirement}"' in out) != checkout


def test_a_file_that_is_missing_is_named(capsys, copy):
    assert environment.missing_files() == []
    (copy / "course_utils/claims.toml").unlink()
    environment.check_environment()
    out = capsys.readouterr().out
    assert f"needs {copy / 'course_utils/claims.toml'}: no such file" in out and "Get the course again" in out
    assert "Everything is here" not in out and "make lab" not in out


def test_a_package_that_is_not_installed_has_the_requirements_of_its_project(monkeypatch, copy):
    """In a class's zip it lies beside the notebooks."""

    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", absent)
    (copy / "pyproject.toml").write_text('[project]\ndependencies = ["numpy<1"]\n')
    assert list(environment.missing_requirements()) == ["numpy<1"]


def test_what_must_be_there_is_what_is_read():
    from course_utils.desk import claims
    from course_utils.experiments import ldlt_training

    found = {(environment._PACKAGE / name).resolve() for name in environment.FILES}
    assert found == {claims.LIST, ldlt_training.RESULTS, ldlt_training.DIGITS, ldlt_training.AGAIN}
