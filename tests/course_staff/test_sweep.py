"""The sweep: killed, it goes on where it was; on a cluster it gives what it gives here."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from course_staff import sweep
from course_utils.experiments import ldlt_training as experiment
from course_utils.theory import ldlt_stacks

OPTIONS = "--width 4 --epochs 1 --batch 40 --depths 1 2 --rates 0.01 0.1 --seeds 3".split()
RUNS = 2 * 6 * 2 * 2 * 3


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    rng, path = np.random.default_rng(0), tmp_path_factory.mktemp("data") / "rows.csv"
    table = np.column_stack([rng.integers(0, 2, 120), rng.normal(size=(120, 28))])
    np.savetxt(path, table, "%.3f", delimiter=",")
    return path


@pytest.fixture(scope="module")
def local(rows):
    """What the sweep gives on this machine, in this process."""
    path = rows.with_name("local.csv")
    sweep.main([str(rows), "--out", str(path), *OPTIONS])
    return experiment.read_results(path)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "new folder" / "runs.csv"


def start(rows, out, *more):
    command = [sys.executable, "-m", "course_staff.sweep", str(rows), "--out", str(out), *OPTIONS, *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for_lines(out, count, process):
    end = time.monotonic() + 120
    while not (out.exists() and out.read_bytes().count(b"\n") >= count):
        assert process.poll() is None and time.monotonic() < end, "the sweep ended or got nowhere"
        time.sleep(0.002)


def same(found, expected):
    """Run by run, whatever the order in which they ended."""
    found, expected = ({run.key: run[2:] for run in runs} for runs in (found, expected))
    assert found.keys() == expected.keys()
    for key in expected:
        assert found[key] == pytest.approx(expected[key], rel=2e-6), key


def test_a_sweep_runs_every_run_once_and_says_how(local):
    assert len(local.runs) == RUNS
    assert {run.setting.optimizer for run in local.runs} == set(ldlt_stacks.OPTIMIZERS)
    assert {run.setting.scale for run in local.runs} == set(ldlt_stacks.ARMS)
    assert local.provenance["rows"] == 120 and local.provenance["recipe"]["width"] == 4
    assert local.provenance["data"] == "HIGGS, rows.csv" and "torch" in local.provenance["versions"]
    assert 0.5 <= local.provenance["larger_class"] < 0.6
    assert "/" not in json.dumps(local.provenance)


def test_digits_are_swept_in_the_same_way(out):
    few = "--width 4 --epochs 1 --depths 1 --rates 0.01 --seeds 2 --optimizers SGD --scales".split()
    sweep.main(["digits", "--rows", "300", "--out", str(out), *few, "10/sqrt(n) gain"])
    found = experiment.read_results(out)
    assert found.provenance["data"] == "scikit-learn's digits" and len(found.runs) == 2
    assert found.provenance["recipe"] == ldlt_stacks.RECIPES["digits"]._replace(width=4, epochs=1)._asdict()
    assert sweep.parse(["digits"]).out == experiment.DIGITS and sweep.parse(["a"]).out == experiment.RESULTS


def killed(rows, out, count, *more) -> bytes:
    """What a process that was killed after ``count`` lines has left."""
    process = start(rows, out, *more)
    wait_for_lines(out, count, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    return out.read_bytes()


def test_killed_midway_it_loses_nothing_and_runs_nothing_twice(rows, out, local, capsys):
    before = killed(rows, out, 2 + 12)
    assert 14 <= before.count(b"\n") < 2 + RUNS
    done = before.count(b"\n") - 2
    # The worst that a kill can leave: a last line that is not whole.
    out.write_bytes(before + b"Adam,1/sqrt(n),1,0.0")
    sweep.main([str(rows), "--out", str(out), *OPTIONS, "--jobs", "2"])
    assert f"{done} runs are done, {RUNS - done} to do" in capsys.readouterr().err
    assert out.read_bytes().startswith(before)
    same(experiment.read_results(out).runs, local.runs)
    whole = out.read_bytes()
    sweep.main([str(rows), "--out", str(out), *OPTIONS])
    assert f"{RUNS} runs are done, 0 to do" in capsys.readouterr().err
    assert out.read_bytes() == whole


def test_only_the_missing_seeds_of_a_setting_are_run(rows, out, local):
    sweep.main([str(rows), "--out", str(out), *OPTIONS[:-1], "1"])
    before = out.read_bytes()
    assert len(experiment.read_results(out).runs) == RUNS / 3
    sweep.main([str(rows), "--out", str(out), *OPTIONS])
    assert out.read_bytes().startswith(before)
    same(experiment.read_results(out).runs, local.runs)


def test_interrupted_it_says_how_to_go_on(rows, out, monkeypatch):
    append, written = sweep.append, []

    def interrupted(file, text):
        if len(written) == 4:  # the header and three settings
            raise KeyboardInterrupt
        written.append(append(file, text))

    monkeypatch.setattr(sweep, "append", interrupted)
    with pytest.raises(SystemExit, match="stopped; the same command goes on from"):
        sweep.main([str(rows), "--out", str(out), *OPTIONS])
    assert len(experiment.read_results(out).runs) == 3 * 3


@pytest.mark.parametrize("content", [b"", b"#", b'# {"data": "HIGGS, rows.csv", "ro'])
def test_a_file_killed_in_its_first_line_is_begun_again(rows, out, content):
    out.parent.mkdir()
    out.write_bytes(content)
    sweep.main([str(rows), "--out", str(out), *OPTIONS])
    assert len(experiment.read_results(out).runs) == RUNS


def test_runs_of_another_recipe_or_other_rows_are_not_mixed(rows, out):
    rows = Path(shutil.copy(rows, out.parent.parent))
    sweep.main([str(rows), "--out", str(out), *OPTIONS])
    before = out.read_bytes()
    for change in (["--alpha", "0.5"], ["--rows", "100"]):
        with pytest.raises(SystemExit, match="give another file with --out"):
            sweep.main([str(rows), "--out", str(out), *OPTIONS, *change])
    rows.write_text(rows.read_text().replace("0.1", "0.2"))
    with pytest.raises(SystemExit, match="was made with sha256"):
        sweep.main([str(rows), "--out", str(out), *OPTIONS])
    assert out.read_bytes() == before


def test_a_file_of_something_else_is_never_touched(rows, out):
    out.parent.mkdir()
    for content in (b"my thesis", b"# my thesis\n", b"# {}\nmine\n", b"x\ny\nz\n"):
        out.write_bytes(content)
        with pytest.raises(SystemExit, match="is not a file of results.*; nothing was changed"):
            sweep.main([str(rows), "--out", str(out), *OPTIONS])
        assert out.read_bytes() == content


@pytest.mark.skipif(not find_spec("fcntl"), reason="this system has no file locks that a killed process gives back")
def test_two_sweeps_do_not_write_to_one_file(rows, out):
    made = sweep.provenance(sweep.load([rows], None), ldlt_stacks.Recipe())
    with sweep.results_file(out, made), pytest.raises(SystemExit, match="another sweep is writing"):
        sweep.main([str(rows), "--out", str(out), *OPTIONS])


def test_without_data_it_says_one_sentence(tmp_path, out):
    with pytest.raises(SystemExit, match="there is no file"):
        sweep.main([str(tmp_path / "none.csv"), "--out", str(out)])
    assert not out.exists()


@pytest.fixture
def cluster(tmp_path):
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        local_directory=str(tmp_path / "workers"),
        silence_logs=50,
    ) as started:
        yield started


def test_on_a_cluster_of_two_workers_every_run_is_the_same_also_after_a_kill(rows, out, local, cluster):
    address = cluster.scheduler_address
    assert len(cluster.scheduler_info["workers"]) == 2 and address.startswith("tcp://127.0.0.1:")
    before = killed(rows, out, 2 + 3, "--scheduler", address)
    sweep.main([str(rows), "--out", str(out), *OPTIONS, "--scheduler", address])
    assert out.read_bytes().startswith(before[: before.rfind(b"\n") + 1])
    same(experiment.read_results(out).runs, local.runs)


def test_a_scheduler_that_is_not_there_is_named(rows, out, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    client = distributed.Client
    monkeypatch.setattr(distributed, "Client", lambda address, timeout: client(address, timeout=1))
    with pytest.raises(SystemExit, match="there is no Dask scheduler at tcp://127.0.0.1:9"):
        sweep.main([str(rows), "--out", str(out), *OPTIONS, "--scheduler", "tcp://127.0.0.1:9"])


BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"
beside = pytest.mark.skipif(not BESIDE.is_dir(), reason="there are no HIGGS rows beside the project, in ../shared/data")


FILES = {"HIGGS": experiment.RESULTS, "digits": experiment.DIGITS}


@pytest.fixture(scope="module", params=FILES)
def recorded(request):
    return request.param, experiment.read_results(FILES[request.param])


def test_the_recorded_sweeps_are_complete(recorded):
    name, (provenance, runs) = recorded
    assert provenance["recipe"] == ldlt_stacks.RECIPES[name]._asdict()
    assert provenance["rows"] == {"HIGGS": 7500, "digits": 1797}[name]
    assert sweep.plan(sweep.parse(["digits" if name == "digits" else "rows.csv"]), {run.key for run in runs}) == []
    assert len(runs) == 2 * 6 * 3 * 7 * 10
    assert len({len(rates) for rates in sweep.RATES.values()}) == 1, "every optimizer has as many rates"


def test_the_runs_with_new_starts_are_at_the_rates_that_the_sweep_found_best():
    made, again = experiment.read_results(experiment.AGAIN)
    curves = experiment.rate_curves(experiment.read_results(experiment.DIGITS).runs, "SGD", 8)
    best = {scale: curves.rates[curves.best(i)] for i, scale in enumerate(curves.scales)}
    assert {run.setting for run in again} == {ldlt_stacks.Setting("SGD", s, 8, rate) for s, rate in best.items()}
    assert {run.seed for run in again} == {*range(10, 70)} and len(again) == 6 * 60
    assert made["recipe"] == ldlt_stacks.RECIPES["digits"]._asdict()


def test_the_best_recorded_rates_lie_inside_their_grids(recorded):
    name, (_, runs) = recorded
    guessing = {"HIGGS": np.log(2), "digits": np.log(10)}[name]
    for optimizer in ldlt_stacks.OPTIMIZERS:
        for depth in (2, 4, 8):
            curves = experiment.rate_curves(runs, optimizer, depth)
            for i, scale in enumerate(curves.scales):
                trained = curves.loss[i].mean(axis=1).min() < 0.99 * guessing
                inside = 0 < curves.best(i) < len(curves.rates) - 1
                assert inside or not trained, (optimizer, depth, scale)


@pytest.mark.parametrize(
    "name, setting",
    [
        pytest.param("HIGGS", ldlt_stacks.Setting("SGD", "sqrt(2/n)", 2, 0.03), marks=beside),
        ("digits", ldlt_stacks.Setting("Adam", "10/sqrt(n) gain", 2, 0.003)),
    ],
)
def test_a_recorded_run_comes_out_again(name, setting):
    provenance, runs = experiment.read_results(FILES[name])
    files = [BESIDE / "higgs_train_7000.csv.gz", BESIDE / "higgs_test_500.csv.gz"]
    data = sweep.load(files if name == "HIGGS" else ["digits"], None)
    assert data.fingerprint() == provenance["sha256"]
    (found,) = ldlt_stacks.train_stacks(data.x, data.y, setting, [7], ldlt_stacks.RECIPES[name])
    expected = next(run for run in runs if run.key == found.key)
    # Other processors round otherwise, and training amplifies it.
    assert found[2:4] == pytest.approx(expected[2:4], rel=1e-2)
    assert found.test_accuracy == pytest.approx(expected.test_accuracy, abs=0.02)
