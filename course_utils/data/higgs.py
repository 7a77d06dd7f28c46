"""The HIGGS data set: collisions described by 21 measured and 7 derived features, signal or background.

Source: P. Baldi, P. Sadowski and D. Whiteson, Nature Communications 5, 4308 (2014); UCI Machine Learning Repository,
CC BY 4.0. Nothing is downloaded unless it is asked for by name.
"""

from __future__ import annotations

import gzip
import hashlib
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_utils.data.files import replacing
from course_utils.theory.accept import Array, check_size

_JETS = tuple(f"jet{j}_{part}" for j in (1, 2, 3, 4) for part in ("pt", "eta", "phi", "btag"))
#: The label and the 28 features, in the order of the archive.
COLUMNS = (
    *"class_label lepton_pT lepton_eta lepton_phi missing_energy_magnitude missing_energy_phi".split(),
    *_JETS,
    *"m_jj m_jjj m_lv m_jlv m_bb m_wbb m_wwbb".split(),
)

OPENML_ROWS = 98_050
ARCHIVE_URL = "https://archive.ics.uci.edu/ml/machine-learning-databases/00280/HIGGS.csv.gz"
ARCHIVE_BYTES = 2_816_407_858
ARCHIVE_SHA256 = "ea302c18164d4e3d916a1e2e83a9a8d07069fa6ebc7771e4c0540d54e593b698"
CHUNK = 1 << 20

OFFLINE = (
    "HIGGS is not on this machine and could not be downloaded: connect to the network, or name a file of its rows "
    "(CSV, also gzipped: the label, then 28 features)"
)


class Unavailable(RuntimeError):
    """HIGGS is neither here nor within reach; the message is one sentence for the reader."""


class Higgs(NamedTuple):
    """Rows of HIGGS: features ``x`` (n, 28) as float64, ``y`` (n,) as int64, 1 for signal; where they come from."""

    x: Array
    y: Array
    source: str

    def fingerprint(self) -> str:
        """SHA-256 of the rows, the same wherever and in whatever file format they were read."""
        digest = hashlib.sha256(np.ascontiguousarray(self.x, dtype="<f8").tobytes())
        digest.update(np.ascontiguousarray(self.y, dtype="<i8").tobytes())
        return digest.hexdigest()


def load(*sources: str | Path, rows: int | None = None) -> Higgs:
    """The first ``rows`` rows (default: all) of one or more sources, one after the other.

    Args:
        sources: files, or "openml" for the 98 050 rows that scikit-learn fetches, or "archive" for all 11 million
            (2.8 GB, in scikit-learn's data folder once downloaded); default "openml".

    Raises:
        FileNotFoundError: for a file that is not there.
        Unavailable: if a download is needed and fails.
        ValueError: if a file does not hold HIGGS rows, a download is not the file it should be, or there are fewer
            rows than asked for.
    """
    if rows is not None:
        rows = check_size("rows", rows)
    parts, missing = [], rows
    for source in sources or ("openml",):
        if missing == 0:
            break
        part = _load_one(source, missing)
        parts.append(part)
        missing = None if missing is None else missing - len(part.y)
    if missing:
        raise ValueError(f"rows must be at most the {rows - missing} that there are, got {rows}")
    x, y = np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts])
    return Higgs(x, y, " + ".join(part.source for part in parts))


def _load_one(source: str | Path, rows: int | None) -> Higgs:
    if source == "openml":
        return _openml(rows)
    if source == "archive":
        return read_file(_archive(), rows)._replace(source="the whole set's public archive")
    return read_file(source, rows)


def read_file(path: str | Path, rows: int | None = None) -> Higgs:
    """The first ``rows`` rows (default: all) of a CSV file, gzipped or not, with or without a line of column names."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            names = file.readline().strip().split(",")
            has_names = not _is_number(names[0])
            if len(names) != len(COLUMNS) or (has_names and tuple(names) != COLUMNS):
                raise ValueError(f"expected the {len(COLUMNS)} columns {COLUMNS[0]}, {COLUMNS[1]}, …")
            file.seek(0)
            with warnings.catch_warnings(action="ignore"):  # an empty table is refused below
                table = np.loadtxt(file, delimiter=",", skiprows=int(has_names), max_rows=rows, ndmin=2)
    except (ValueError, UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
        raise ValueError(f"{path.name} does not hold HIGGS rows: {error}") from error
    return _checked(table[:, 1:], table[:, 0], path.name)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _checked(x: Array, y: Array, source: str) -> Higgs:
    if len(y) == 0:
        raise ValueError(f"{source} does not hold HIGGS rows: it is empty")
    if not np.isin(y, (0, 1)).all():
        raise ValueError(f"{source} does not hold HIGGS rows: a label is {y[~np.isin(y, (0, 1))][0]:g}, not 0 or 1")
    if not np.isfinite(x).all():
        raise ValueError(f"{source} does not hold HIGGS rows: a feature is {x[~np.isfinite(x)][0]}")
    return Higgs(x.astype(np.float64), y.astype(np.int64), source)


def _openml(rows: int | None) -> Higgs:
    from sklearn.datasets import fetch_openml

    try:
        with warnings.catch_warnings(action="ignore"):  # it announces every failed attempt
            table = fetch_openml("higgs", version=2, as_frame=False, parser="liac-arff", n_retries=1)
    except OSError as error:
        raise Unavailable(OFFLINE) from error
    x, y = np.asarray(table.data, dtype=np.float64), np.asarray(table.target).astype(np.int64)
    if x.shape != (OPENML_ROWS, len(COLUMNS) - 1):
        raise ValueError(f"OpenML's higgs should have shape {(OPENML_ROWS, len(COLUMNS) - 1)}, got {x.shape}")
    complete = np.isfinite(x).all(axis=1)  # its last row is cut off
    return _checked(x[complete][:rows], y[complete][:rows], "OpenML's higgs, version 2")


def _archive() -> Path:
    """The archive's file in scikit-learn's data folder; downloaded where it is not there, or not whole."""
    from sklearn.datasets import get_data_home

    path = Path(get_data_home()) / "HIGGS.csv.gz"
    if not path.is_file() or path.stat().st_size != ARCHIVE_BYTES:
        _download(path)
    return path


def _download(path: Path) -> None:
    from urllib.request import urlopen

    from tqdm import tqdm

    digest = hashlib.sha256()
    with replacing(path) as file:
        try:
            with (
                urlopen(ARCHIVE_URL, timeout=60) as answer,
                tqdm(total=ARCHIVE_BYTES, unit="B", unit_scale=True, desc="HIGGS") as bar,
            ):
                while chunk := answer.read(CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
                    bar.update(len(chunk))
        except OSError as error:
            raise Unavailable(OFFLINE) from error
        size = file.tell()
        if (size, digest.hexdigest()) != (ARCHIVE_BYTES, ARCHIVE_SHA256):
            raise ValueError(
                f"the archive's file should have {ARCHIVE_BYTES} bytes and SHA-256 {ARCHIVE_SHA256[:12]}…, "
                f"got {size} bytes and {digest.hexdigest()[:12]}…"
            )
