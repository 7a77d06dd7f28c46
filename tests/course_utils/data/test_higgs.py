"""Rows of HIGGS: what is read, what is refused, and what a reader hears where there is nothing."""

import gzip
import hashlib
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
import sklearn.datasets

from course_utils.data import higgs

BESIDE = Path(__file__).resolve().parents[4] / "shared" / "data"


def table(rows=12, seed=0):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.integers(0, 2, rows), rng.normal(size=(rows, 28)).round(3)])


def text(rows, names=True):
    head = ",".join(higgs.COLUMNS) + "\n" if names else ""
    return head + "".join(",".join(f"{value:g}" for value in row) + "\n" for row in rows)


@pytest.mark.parametrize("name, names", [("a.csv", True), ("a.csv", False), ("a.csv.gz", True), ("a.csv.gz", False)])
def test_a_file_with_and_without_names_and_gzip_gives_its_rows(tmp_path, name, names):
    data = table()
    content = text(data, names).encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    found = higgs.load(tmp_path / name)
    assert (found.x == data[:, 1:]).all() and (found.y == data[:, 0]).all()
    assert found.x.dtype == np.float64 and found.y.dtype == np.int64 and found.source == name
    first = higgs.load(tmp_path / name, rows=5)
    assert first.x.shape == (5, 28) and (first.x == data[:5, 1:]).all()


def test_files_follow_each_other_and_rows_counts_over_all(tmp_path):
    data = table(10)
    (tmp_path / "a.csv").write_text(text(data[:6]))
    (tmp_path / "b.csv").write_text(text(data[6:]))
    both = higgs.load(tmp_path / "a.csv", tmp_path / "b.csv", rows=8)
    assert (both.x == data[:8, 1:]).all() and both.source == "a.csv + b.csv"
    one = higgs.load(tmp_path / "a.csv", tmp_path / "not read.csv", rows=6)
    assert (one.x == data[:6, 1:]).all()
    with pytest.raises(ValueError, match="rows must be at most the 10 that there are, got 11"):
        higgs.load(tmp_path / "a.csv", tmp_path / "b.csv", rows=11)


def test_the_fingerprint_is_that_of_the_rows_not_of_the_file(tmp_path):
    data = table()
    (tmp_path / "a.csv").write_text(text(data))
    (tmp_path / "b.csv").write_text(text(data, names=False))
    changed = data.copy()
    changed[3, 7] += 1
    (tmp_path / "c.csv").write_text(text(changed))
    a, b, c = (higgs.load(tmp_path / f"{name}.csv").fingerprint() for name in "abc")
    assert a == b != c


@pytest.mark.parametrize(
    "content, words",
    [
        ("", "expected the 29 columns"),
        ("a,b\n1,2\n", "expected the 29 columns"),
        (text(table()).replace("lepton_pT", "lepton_PT"), "expected the 29 columns"),
        (",".join(higgs.COLUMNS) + "\n", "empty"),
        (text(table() + 2.0), "a label is"),
        (text([*table(), np.r_[1, np.full(28, np.nan)]]), "a feature is nan"),
        (text(table()) + "1,2,3\n", "does not hold HIGGS rows"),
        (text(table()) + text(table(), names=False).replace("1,", "one,", 1), "does not hold HIGGS rows"),
    ],
)
def test_files_of_something_else_are_refused(tmp_path, content, words):
    (tmp_path / "rows.csv").write_text(content)
    with pytest.raises(ValueError, match="rows.csv does not hold HIGGS rows") as caught:
        higgs.load(tmp_path / "rows.csv")
    assert words in str(caught.value)


def test_a_damaged_or_missing_file_is_named(tmp_path):
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(text(table(2000)).encode())[:-2000])
    with pytest.raises(ValueError, match="rows.csv.gz does not hold HIGGS rows"):
        higgs.load(tmp_path / "rows.csv.gz")
    (tmp_path / "plain.csv.gz").write_text(text(table()))
    with pytest.raises(ValueError, match="plain.csv.gz does not hold HIGGS rows"):
        higgs.load(tmp_path / "plain.csv.gz")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        higgs.load(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="rows must be at least 1, got 0"):
        higgs.load(tmp_path / "none.csv", rows=0)


def test_openml_gives_its_complete_rows(monkeypatch):
    x = np.zeros((higgs.OPENML_ROWS, 28))
    x[-1, 20:] = np.nan
    y = np.array(["1", "0"] * (higgs.OPENML_ROWS // 2))
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda *a, **k: SimpleNamespace(data=x, target=y))
    found = higgs.load("openml")
    assert found.x.shape == (higgs.OPENML_ROWS - 1, 28) and found.y[:4].tolist() == [1, 0, 1, 0]
    assert higgs.load(rows=7).x.shape == (7, 28)


def test_without_a_network_openml_says_one_sentence(monkeypatch):
    def fail(*arguments, **options):
        raise URLError("Temporary failure in name resolution")

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fail)
    with pytest.raises(higgs.Unavailable) as caught:
        higgs.load()
    assert str(caught.value) == higgs.OFFLINE and "\n" not in higgs.OFFLINE


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """An archive of twelve rows behind a file address, and an empty data folder."""
    content = gzip.compress(text(table(), names=False).encode())
    (tmp_path / "served.csv.gz").write_bytes(content)
    monkeypatch.setattr(higgs, "ARCHIVE_URL", (tmp_path / "served.csv.gz").as_uri())
    monkeypatch.setattr(higgs, "ARCHIVE_BYTES", len(content))
    monkeypatch.setattr(higgs, "ARCHIVE_SHA256", hashlib.sha256(content).hexdigest())
    home = tmp_path / "data"
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(home))
    return home


def test_the_archive_is_downloaded_once(archive, monkeypatch):
    found = higgs.load("archive")
    assert (found.x == table()[:, 1:]).all() and "public archive" in found.source
    monkeypatch.setattr(higgs, "ARCHIVE_URL", "file:///nowhere")
    assert (higgs.load("archive", rows=3).x == table()[:3, 1:]).all()


def test_a_half_file_in_the_data_folder_is_fetched_again(archive):
    archive.mkdir()
    (archive / "HIGGS.csv.gz").write_bytes(b"half")
    assert len(higgs.load("archive").y) == 12


@pytest.mark.parametrize("constant, value", [("ARCHIVE_SHA256", "0" * 64), ("ARCHIVE_BYTES", 7)])
def test_another_file_than_the_archive_is_refused_and_not_kept(archive, monkeypatch, constant, value):
    monkeypatch.setattr(higgs, constant, value)
    with pytest.raises(ValueError, match="the archive's file should have"):
        higgs.load("archive")
    assert list(archive.iterdir()) == []


def test_without_a_network_the_archive_says_one_sentence(archive, monkeypatch):
    monkeypatch.setattr(higgs, "ARCHIVE_URL", "file:///nowhere")
    with pytest.raises(higgs.Unavailable, match="connect to the network, or name a file"):
        higgs.load("archive")
    assert list(archive.iterdir()) == []


@pytest.mark.skipif(not BESIDE.is_dir(), reason="there are no HIGGS rows beside the project, in ../shared/data")
def test_the_rows_beside_the_project():
    found = higgs.load(BESIDE / "higgs_train_7000.csv.gz", BESIDE / "higgs_test_500.csv.gz")
    assert found.x.shape == (7500, 28)
    assert 0.5 < found.y.mean() < 0.56
    assert 0.9 < np.abs(found.x[:, 0]).mean() < 1.1  # the leptons' momentum is scaled to mean 1
