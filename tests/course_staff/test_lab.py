"""`work/`: a student's files stay theirs, whatever happens upstream; and JupyterLab starts as it should."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from course_staff import lab


def notebook(version, text="hello", **course):
    metadata = {"course": {"version": version, **course}} if version else {}
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": [text]}
    whole = {"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1) + "\n"  # laid out as the build does


OLD, NEW, NEWER = "11111111aa", "22222222bb", "33333333cc"


@pytest.fixture
def course(tmp_path):
    (tmp_path / "notebooks").mkdir()
    for name in ("00_start_here", "01_taylor_bounds"):
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text(notebook(OLD))
    (tmp_path / "notebooks" / "README.md").write_text("not a chapter")
    (tmp_path / "notebooks" / "draft.ipynb").write_text("not a chapter")
    return tmp_path


@pytest.fixture
def mine(course):
    """A chapter that a student has edited."""
    lab.bring_chapters(course)
    path = course / "work" / "01_taylor_bounds.ipynb"
    path.write_text(notebook(OLD, "my answer"))
    return path


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_first_time_copies_the_chapters_and_nothing_else(course):
    assert lab.bring_chapters(course) == ["2 new chapters in work/."]
    originals = contents(course / "notebooks")
    assert contents(course / "work") == {
        name: originals[name] for name in ("00_start_here.ipynb", "01_taylor_bounds.ipynb")
    }


def test_a_learners_copy_answers_nothing_before_it_is_run(course):
    def code(source, **metadata):
        said = {"output_type": "stream", "name": "stdout", "text": [source]}
        kind = {"cell_type": "code", "execution_count": 1, "id": "b"}
        return {**kind, "metadata": metadata, "outputs": [said], "source": [source]}

    hidden = {"jupyter": {"outputs_hidden": True}}
    cells = [
        code("first"),
        code('predict("1/a")'),
        code("run", **hidden),
        code('after("1/a")'),
        code('proof_lines("1.1")'),
    ]
    whole = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    copied = json.loads(lab.learners_copy(whole))["cells"]
    assert [len(cell["outputs"]) for cell in copied] == [1, 1, 0, 0, 1]
    assert [cell["execution_count"] for cell in copied] == [1, 1, None, None, 1]
    assert not any(cell["metadata"].get("jupyter") for cell in copied)


def test_second_time_changes_nothing_and_says_nothing(course):
    lab.bring_chapters(course)
    before = {path: path.stat().st_mtime_ns for path in (course / "work").iterdir()}
    assert lab.bring_chapters(course) == []
    assert {path: path.stat().st_mtime_ns for path in (course / "work").iterdir()} == before


def test_a_chapter_that_came_later_is_copied(course):
    lab.bring_chapters(course)
    (course / "notebooks" / "02_sign_flips.ipynb").write_text(notebook(OLD))
    (course / "notebooks" / "06a_part.ipynb").write_text(notebook(OLD))
    assert lab.bring_chapters(course) == ["2 new chapters in work/."]


def test_an_edited_file_stays_and_no_update_is_offered_while_upstream_is_the_same(course, mine):
    assert lab.bring_chapters(course) == []
    assert mine.read_text() == notebook(OLD, "my answer")


def test_a_changed_chapter_is_put_beside_the_students_once(course, mine):
    (course / "notebooks" / mine.name).write_text(notebook(NEW, "corrected"))
    assert lab.bring_chapters(course) == [
        "01_taylor_bounds.ipynb has changed. Your file is as you left it; the chapter as it is now lies "
        "beside it, in work/01_taylor_bounds.update-22222222.ipynb: open it there, and copy your answers "
        "over."
    ]
    assert mine.read_text() == notebook(OLD, "my answer")
    update = mine.with_name("01_taylor_bounds.update-22222222.ipynb")
    assert update.read_text() == notebook(NEW, "corrected")
    # What a student writes into the update is as safe as the rest.
    update.write_text(notebook(NEW, "my answer, again"))
    assert lab.bring_chapters(course) == []
    assert update.read_text() == notebook(NEW, "my answer, again")
    (course / "notebooks" / mine.name).write_text(notebook(NEWER))
    [said] = lab.bring_chapters(course)
    assert "update-33333333" in said and update.read_text() == notebook(NEW, "my answer, again")
    # A student who has moved over is left in peace.
    os.replace(mine.with_name("01_taylor_bounds.update-33333333.ipynb"), mine)
    assert lab.bring_chapters(course) == []


@pytest.mark.parametrize(
    "mine", ["", "{", "null", "[]", '{"metadata": []}', notebook(None), notebook(3), "[" * 10**5, b"\xff\xfe"]
)
def test_a_file_that_cannot_be_read_as_ours_stays_too(course, mine):
    mine = mine if isinstance(mine, bytes) else mine.encode()
    (course / "work").mkdir()
    path = course / "work" / "00_start_here.ipynb"
    path.write_bytes(mine)
    _, said = lab.bring_chapters(course)
    assert said.startswith("work/00_start_here.ipynb is no notebook of this course. Your file is as you left")
    assert path.read_bytes() == mine
    assert (course / "work" / "00_start_here.update-11111111.ipynb").read_text() == notebook(OLD)


def test_a_link_that_leads_nowhere_is_not_followed(course):
    (course / "work").mkdir()
    (course / "work" / "00_start_here.ipynb").symlink_to(course / "elsewhere.ipynb")
    lab.bring_chapters(course)
    assert not (course / "elsewhere.ipynb").exists()


def test_a_file_that_appears_in_between_is_kept(course, monkeypatch):
    target = course / "mine.ipynb"
    target.write_text("mine")
    monkeypatch.setattr(os.path, "lexists", lambda path: False)
    assert lab.place(course / "notebooks" / "00_start_here.ipynb", target) is False
    assert target.read_text() == "mine"
    assert sorted(os.listdir(course)) == ["mine.ipynb", "notebooks"]


@pytest.mark.parametrize("there", [False, True])
def test_a_file_system_without_hard_links_will_do(course, monkeypatch, there):
    def refuse(source, target):
        raise PermissionError(1, "Operation not permitted")

    source, target = course / "notebooks" / "00_start_here.ipynb", course / "mine.ipynb"
    if there:
        target.write_text("mine")
    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os.path, "lexists", lambda path: False)
    assert lab.place(source, target) is not there
    assert target.read_text() == ("mine" if there else source.read_text())


def test_no_notebooks_is_told(tmp_path):
    with pytest.raises(lab.Stop, match="The folder notebooks/ has no chapters.\nNext step: git checkout"):
        lab.bring_chapters(tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("damage", ["{", notebook(None), "<<<<<<< HEAD"])
def test_a_damaged_chapter_is_named_before_anything_is_copied(course, damage):
    (course / "notebooks" / "01_taylor_bounds.ipynb").write_text(damage)
    sentence = (
        "notebooks/01_taylor_bounds.ipynb is damaged: its version cannot be read.\n"
        "Next step: git checkout -- notebooks/01_taylor_bounds.ipynb"
    )
    with pytest.raises(lab.Stop, match=sentence):
        lab.bring_chapters(course)
    assert not (course / "work").exists()


def test_work_that_is_a_file_is_one_sentence(course, monkeypatch, capsys):
    (course / "work").touch()
    monkeypatch.setattr(lab, "ROOT", course)
    assert lab.main([]) == 1
    assert re.fullmatch(
        r"work/ cannot be filled: .*File exists.*\nNext step: mend that, then make lab\n", capsys.readouterr().err
    )


def test_arguments_reach_jupyterlab_and_come_last(course, monkeypatch, capsys):
    became = []
    monkeypatch.setattr(lab, "ROOT", course)
    monkeypatch.setattr(os, "execve", lambda path, line, env: became.append((path, line, env)))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/mine")
    lab.main(["--no-browser", "--ServerApp.token=x"])
    [(path, line, env)] = became
    assert env["JUPYTER_CONFIG_PATH"] == os.pathsep.join([str(lab.CONFIG), "/mine"])
    assert path == sys.executable and line[:3] == [sys.executable, "-m", "jupyterlab"]
    assert line[-2:] == ["--no-browser", "--ServerApp.token=x"]
    assert f"--ServerApp.root_dir={course / 'work'}" in line
    assert "--LabApp.default_url=/lab/tree/00_start_here.ipynb" in line
    assert "--ServerApp.port_retries=0" not in line
    assert "2 new chapters in work/." in capsys.readouterr().out


@pytest.mark.parametrize("spelling", [["--port", "{}"], ["--port={}"], ["--ServerApp.port={}", "--no-browser"]])
def test_a_port_that_was_asked_for_and_is_taken_is_told(course, spelling):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        arguments = [word.format(port) for word in spelling]
        with pytest.raises(lab.Stop) as stop:
            lab.command(course, arguments)
        sentence = rf"Port {port} is taken\.\nNext step: choose another: make lab ARGS='--port (\d+)'"
        other = int(re.fullmatch(sentence, str(stop.value))[1])
        assert other != port and not lab.is_taken(other, "localhost")
    line = lab.command(course, arguments)
    assert "--ServerApp.port_retries=0" in line and line[-len(arguments) :] == arguments


@pytest.mark.parametrize("port", ["abc", "-1", "65536", "8.5", ""])
def test_a_port_that_is_none_is_told(course, port):
    with pytest.raises(lab.Stop, match=f"^--port should be a number from 0 to 65535, not {port!r}."):
        lab.command(course, [f"--port={port}"])


def test_an_address_that_is_not_ours_is_left_to_jupyterlab():
    assert lab.is_taken(8888, "no such host") is False


def test_jupyterlab_serves_the_first_page_in_our_style_and_keeps_progress_out_of_sight(course):
    lab.bring_chapters(course)
    (course / "work" / "progress.jsonl").write_text("")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    line = lab.command(course, ["--no-browser", f"--port={port}", "--IdentityProvider.token=secret"])
    folders = {"JUPYTER_CONFIG_DIR": str(course / "config"), "JUPYTER_RUNTIME_DIR": str(course / "runtime")}
    with open(course / "log", "w") as log:
        server = subprocess.Popen(line, stdout=log, stderr=log, env={**lab.environment(), **folders})
    try:
        address = f"http://127.0.0.1:{port}"
        limit = time.monotonic() + 60
        while f"{address}/lab/tree/00_start_here.ipynb?token=" not in Path(log.name).read_text():
            assert server.poll() is None and time.monotonic() < limit, Path(log.name).read_text()
            time.sleep(0.1)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        news, listing = (
            json.load(opener.open(f"{address}/{path}?token=secret", timeout=30))
            for path in ("lab/api/settings/@jupyterlab/apputils-extension:notification", "api/contents")
        )
        style = opener.open(f"{address}/custom/custom.css?token=secret", timeout=30).read().decode()
    finally:
        server.terminate()
        server.wait()
    defaults = {name: schema["default"] for name, schema in news["schema"]["properties"].items()}
    assert defaults["fetchNews"] == "false" and defaults["checkForUpdates"] is False
    assert "max-width: 46rem" in style
    names = sorted(entry["name"] for entry in listing["content"])
    assert names == ["00_start_here.ipynb", "01_taylor_bounds.ipynb"]


def test_jupyterlab_reads_our_defaults_and_asks_nothing(monkeypatch):
    """Protects the first screen: JupyterLab's question about news hides the lower corner of the page."""
    config = pytest.importorskip("jupyter_server.services.config.manager")
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", lab.environment()["JUPYTER_CONFIG_PATH"])
    found = config.ConfigManager(config_dir_name="labconfig").get("default_setting_overrides")
    assert found["@jupyterlab/apputils-extension:notification"] == {"checkForUpdates": False, "fetchNews": "false"}


def test_a_home_that_cannot_be_written_to_is_said_and_done_without(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("HOME", str(tmp_path / "missing"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", "/of/the/user")
    monkeypatch.delenv("JUPYTER_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(lab.tempfile, "tempdir", str(tmp_path))
    inside = lab.environment()
    assert Path(inside["JUPYTER_RUNTIME_DIR"]).parent == tmp_path
    assert inside["JUPYTER_DATA_DIR"] == "/of/the/user"
    assert inside["JUPYTER_RUNTIME_DIR"] in capsys.readouterr().out
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "JUPYTER_RUNTIME_DIR" not in lab.environment()
