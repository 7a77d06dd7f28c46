"""Stacks of LDLT layers: the same network as torch modules, runs that do not depend on their company, fair folds."""

import numpy as np
import pytest
import torch

from course_utils.experiments import ldlt_training as experiment
from course_utils.theory import ldlt_stacks
from course_utils.theory.ldlt import exact_variance
from course_utils.theory.ldlt_layer import LDLT
from course_utils.theory.statistics import mean_interval

RNG = np.random.default_rng
SMALL = ldlt_stacks.Recipe(width=5, epochs=2, batch=20)
DATA = RNG(0).normal(size=(103, 4)), RNG(1).integers(0, 3, 103)
ADAM = ldlt_stacks.Setting("Adam", "sqrt(2/n)", 3, 0.01)


def train(setting=ADAM, seeds=(0, 1, 2), recipe=SMALL, data=DATA):
    return ldlt_stacks.train_stacks(*data, setting, seeds, recipe)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_stack_is_the_network_of_ldlt_modules(seed):
    recipe = ldlt_stacks.Recipe(width=6, alpha=0.7, gamma=1.3)
    stacks = ldlt_stacks.Stacks([RNG(0), RNG(1)], 4, 3, 3, 2.0, recipe)
    modules = []
    for layer, W in enumerate([stacks.first[seed], *stacks.hidden[seed]]):
        module = LDLT(W.shape[1], W.shape[0], alpha=0.7, gamma=1.3, form="cholesky")
        module.load_state_dict({"W": W.detach()})
        modules.append(module)
    x = torch.from_numpy(RNG(3).normal(size=(2, 9, 4)))
    value = x[seed]
    with torch.no_grad():
        stacks.biases.normal_(generator=torch.Generator().manual_seed(0))
        for module, bias in zip(modules, stacks.biases[seed], strict=True):
            value = torch.relu(module(value) + bias)
        expected = value @ stacks.readout[seed].T + stacks.offset[seed]
        assert torch.allclose(stacks(x)[seed], expected, rtol=0, atol=1e-12)


def test_seeds_draw_the_same_normals_at_every_scale_and_others_for_each_seed():
    small, large = (ldlt_stacks.Stacks([RNG(0), RNG(1)], 50, 3, 4, factor) for factor in (1.0, 10.0))
    assert torch.allclose(10 * small.first, large.first) and torch.allclose(10 * small.hidden, large.hidden)
    assert torch.equal(small.readout, large.readout)
    assert not torch.allclose(small.first[0], small.first[1])
    assert small.first.detach().std() * np.sqrt(50) == pytest.approx(1, abs=0.1)
    assert small.hidden.detach().std() * np.sqrt(32) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("optimizer", ldlt_stacks.OPTIMIZERS)
def test_a_run_does_not_depend_on_its_company(optimizer):
    setting = ADAM._replace(optimizer=optimizer)
    together = train(setting)
    for run in together:
        (alone,) = train(setting, seeds=[run.seed])
        assert alone.setting == run.setting and alone.seed == run.seed
        assert np.allclose(alone[2:], run[2:], rtol=1e-9)


def test_a_single_step_of_sgd_is_that_of_autograd():
    recipe = ldlt_stacks.Recipe(
        width=5, epochs=1, batch=73
    )  # seven folds of ten and the three rows left over: one step
    (run,) = train(ldlt_stacks.Setting("SGD", "1/sqrt(n)", 2, 0.5), [4], recipe)
    x, y = DATA
    parts = ldlt_stacks.fold_rows(len(x), [4])
    x = (x - x[parts.train[0]].mean(axis=0)) / x[parts.train[0]].std(axis=0)
    stacks = ldlt_stacks.Stacks([RNG([20_260_613, 4])], 4, 3, 2, 1.0, recipe)
    rows = [torch.from_numpy(x[part]) for part in parts]
    labels = [torch.from_numpy(y[part[0]]) for part in parts]
    torch.nn.functional.cross_entropy(stacks(rows[0])[0], labels[0]).backward()
    with torch.no_grad():
        for parameter in stacks.parameters():
            parameter -= 0.5 * parameter.grad
        logits = [stacks(part)[0] for part in rows]
    losses = [torch.nn.functional.cross_entropy(z, t).item() for z, t in zip(logits, labels)]
    accuracy = (logits[2].argmax(1) == labels[2]).double().mean().item()
    assert run[2:] == pytest.approx((*losses, accuracy), rel=1e-10)


def test_training_learns():
    x = RNG(0).normal(size=(400, 4))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    runs = ldlt_stacks.train_stacks(
        x,
        y,
        ldlt_stacks.Setting("Adam", "1/sqrt(n)", 2, 0.03),
        range(3),
        ldlt_stacks.Recipe(width=16, epochs=20, batch=40),
    )
    assert min(run.test_accuracy for run in runs) > 0.8
    assert max(run.train_loss for run in runs) < 0.3


def test_a_run_that_diverges_is_infinite_and_leaves_the_others_alone(monkeypatch):
    (calm,) = train(seeds=[1])
    spoiled = ldlt_stacks.Stacks.stop_diverged

    def spoil(stacks):
        if stacks.first.shape[0] == 3:
            with torch.no_grad():
                stacks.first[0, 0, 0] = torch.nan
        return spoiled(stacks)

    monkeypatch.setattr(ldlt_stacks.Stacks, "stop_diverged", spoil)
    first, second, _ = train()
    assert first.train_loss == first.validation_loss == first.test_loss == np.inf
    assert np.allclose(second[2:], calm[2:], rtol=1e-9)
    monkeypatch.undo()
    far = train(ldlt_stacks.Setting("SGD", "1/sqrt(n)", 2, 1e9))
    assert all(run.train_loss == np.inf for run in far)


def test_every_row_is_tested_once_and_never_trained_or_validated_by_that_seed():
    parts = ldlt_stacks.fold_rows(103, range(10))
    assert parts.test.shape == (10, 10) and parts.validation.shape == (10, 20) and parts.train.shape == (10, 73)
    assert np.unique(parts.test).size == 100
    for train_rows, validation, test in zip(*parts, strict=True):
        assert sorted(np.concatenate([train_rows, validation, test])) == list(range(103))
    assert (ldlt_stacks.fold_rows(103, [13]).test[0] == parts.test[3]).all()


@pytest.mark.parametrize(
    "change, error, words",
    [
        ({"setting": ADAM._replace(optimizer="Adagrad")}, ValueError, "optimizer must be one of SGD, Adam"),
        ({"setting": ADAM._replace(scale="1/n")}, ValueError, "scale must be one of 1/sqrt"),
        ({"setting": ADAM._replace(depth=0)}, ValueError, "depth must be at least 1, got 0"),
        ({"setting": ADAM._replace(depth=2.5)}, TypeError, "depth must be a whole number"),
        ({"setting": ADAM._replace(rate=0)}, ValueError, "rate must be greater than 0"),
        ({"recipe": SMALL._replace(batch=74)}, ValueError, "batch must be at most the 73 training rows, got 74"),
        ({"recipe": SMALL._replace(alpha=-1)}, ValueError, "alpha must be greater than 0"),
        ({"recipe": SMALL._replace(epochs=0)}, ValueError, "epochs must be at least 1"),
        ({"seeds": [-1]}, ValueError, "seed must be at least 0, got -1"),
        ({"seeds": [1.0]}, TypeError, "seed must be a whole number"),
        ({"data": (DATA[0], DATA[1][:-1])}, ValueError, "as many rows, got 103 and 102"),
        ({"data": (DATA[0], DATA[1] - 1)}, ValueError, "y must hold classes 0, 1, …, got -1"),
        ({"data": (DATA[0][:9], DATA[1][:9])}, ValueError, "rows must be at least 10"),
    ],
)
def test_what_does_not_fit_is_named(change, error, words):
    with pytest.raises(error, match=words):
        train(**change)


def write(tmp_path, runs, end=""):
    path = tmp_path / "runs.csv"
    path.write_text(experiment.header({"rows": 3}) + experiment.lines(runs) + end, encoding="utf-8")
    return path


def test_results_are_read_as_they_were_written_and_a_cut_line_is_ignored(tmp_path):
    runs = [ldlt_stacks.Run(ADAM, 0, 0.5, 0.25, np.inf, 0.75), ldlt_stacks.Run(ADAM, 1, 0.1, 0.2, 0.3, 0.4)]
    assert experiment.read_results(write(tmp_path, runs)) == experiment.Results({"rows": 3}, runs)
    assert experiment.read_results(write(tmp_path, runs, "Adam,sqrt(2/n),3,0.01,2,0.")).runs == runs


@pytest.mark.parametrize(
    "content", ["", "text\n", "# {}\nother,names\n", "# no json\n" + ",".join(experiment.FIELDS) + "\n"]
)
def test_other_files_are_not_results(tmp_path, content):
    (tmp_path / "runs.csv").write_text(content)
    with pytest.raises(ValueError, match="runs.csv is not a file of results"):
        experiment.read_results(tmp_path / "runs.csv")


def test_a_damaged_line_or_a_run_twice_is_refused(tmp_path):
    run = ldlt_stacks.Run(ADAM, 0, 0.5, 0.25, 0.6, 0.75)
    with pytest.raises(ValueError, match="holds a run twice"):
        experiment.read_results(write(tmp_path, [run, run]))
    with pytest.raises(ValueError, match="is not a file of results"):
        experiment.read_results(write(tmp_path, [run], "Adam,1/sqrt(n),2\n"))


@pytest.mark.parametrize("factor", ldlt_stacks.SCALES.values())
def test_the_variance_of_a_stack_is_the_product(factor):
    variances = ldlt_stacks.stack_variances(3, 12, factor, 2000, RNG(0), gamma=1.2)
    assert variances.shape == (2000, 4) and (variances[:, 0] == 1).all()
    one = 1.2**2 * exact_variance(12, 12, factor**2 / 12).value
    for depth in (1, 2, 3):
        mean = mean_interval(variances[:, depth])
        assert mean.low <= one**depth <= mean.high


def test_first_gradients_are_those_of_autograd_through_the_whole_stack():
    found = ldlt_stacks.first_gradients([0.5, 3.0], 3, 5, 4, RNG(0))
    rng = RNG(0)
    normals = rng.standard_normal((3, 4, 5, 5)) / np.sqrt(5)
    x, delta = torch.from_numpy(rng.standard_normal((2, 4, 5, 1)))
    for draw in range(4):
        layers = [LDLT(5, 5) for _ in range(3)]
        for layer, W in zip(layers, normals, strict=True):
            layer.load_state_dict({"W": torch.from_numpy(3.0 * W[draw])})
        y = x[draw, :, 0]
        for layer in layers:
            y = layer(y)
        (delta[draw, :, 0] * y).sum().backward()
        size = layers[0].W.grad.norm().item()
        assert found.absolute[draw, 1] == pytest.approx(size, rel=1e-9)
        assert found.relative[draw, 1] == pytest.approx(size / layers[0].W.norm().item(), rel=1e-9)


def test_a_gain_is_paid_in_lipschitz_constant():
    v = exact_variance(32, 32, 1 / 32).value
    found = experiment.gain(1.0, v**-0.5, 8)
    assert np.allclose(found.variance, 1) and found.lipschitz[8] == pytest.approx(v**-4)
    assert experiment.gain(1.0, 1.0, 8).variance[8] == pytest.approx(v**8)
    with pytest.raises(ValueError, match="depth must be at most 16, got 17"):
        experiment.gain(depth=17)
    with pytest.raises(ValueError, match="gamma must be greater than 0"):
        experiment.gain(gamma=0)


def table():
    """Three seeds, two rates, two scales: 1/sqrt(n) is better by 0.1, 0.2 and 0.3 at the rates that validation picks."""
    validation = {("1/sqrt(n)", 0.1): (1, 2, 1), ("1/sqrt(n)", 0.2): (2, 1, np.inf)}
    test = {("1/sqrt(n)", 0.1): (0.7, 0.1, 0.9), ("1/sqrt(n)", 0.2): (0.1, 0.8, 0.1)}
    runs = []
    for rate in (0.1, 0.2):
        for seed in range(3):
            one = ldlt_stacks.Setting("Adam", "1/sqrt(n)", 2, rate)
            runs.append(
                ldlt_stacks.Run(one, seed, 0, validation[one.scale, rate][seed], 0, test[one.scale, rate][seed])
            )
            other = ldlt_stacks.Setting("Adam", "10/sqrt(n)", 2, rate)
            runs.append(ldlt_stacks.Run(other, seed, 0, rate, 0, 0.6))
    return runs


def test_each_seed_takes_the_rate_that_its_validation_rows_prefer():
    best = experiment.at_best_rate(table())
    assert [run.setting.rate for run in best["Adam", "1/sqrt(n)", 2]] == [0.1, 0.2, 0.1]
    assert [run.seed for run in best["Adam", "1/sqrt(n)", 2]] == [0, 1, 2]


def test_a_comparison_is_paired_over_seeds():
    (found,) = experiment.compare(table(), "1/sqrt(n)", "10/sqrt(n)")
    mean = mean_interval(np.array([0.1, 0.2, 0.3]))
    assert (found.optimizer, found.depth) == ("Adam", 2)
    assert (found.value, *found.interval) == pytest.approx(mean)
    assert found.sign == 0
    (other,) = experiment.compare(table(), "10/sqrt(n)", "1/sqrt(n)")
    assert other.value == pytest.approx(-found.value)
    assert found._replace(low=0.1).sign == 1 and found._replace(low=-2.0, high=-1.0).sign == -1


def test_pooling_is_over_settings_first_and_then_over_seeds():
    (one,) = experiment.compare(table(), "1/sqrt(n)", "10/sqrt(n)")
    other = one._replace(differences=np.array([0.5, 0.2, -0.1]))
    assert tuple(experiment.pooled([one, other])) == pytest.approx(tuple(mean_interval(np.array([0.3, 0.2, 0.1]))))
    with pytest.raises(ValueError, match="as many seeds each"):
        experiment.pooled([one, one._replace(differences=np.zeros(2))])
    with pytest.raises(ValueError, match="got 0"):
        experiment.pooled([])


def test_relabelled_runs_are_compared_with_others():
    mine = [run for run in table() if run.setting.scale == "1/sqrt(n)"]
    both = table() + experiment.relabelled(mine, "alpha = 0.01")
    (found,) = experiment.compare(both, "alpha = 0.01", "1/sqrt(n)")
    assert (found.differences == 0).all()


def test_points_are_hundredths_with_their_interval():
    (found,) = experiment.compare(table(), "1/sqrt(n)", "10/sqrt(n)")
    assert experiment.in_points(found._replace(value=0.0114, low=-0.001, high=0.023)) == "+1.1 (-0.1 to +2.3) points"


def test_comparisons_need_the_same_seeds_and_known_scales():
    with pytest.raises(ValueError, match="must have the same seeds"):
        experiment.compare([run for run in table() if run.seed or "10" in run.setting.scale], "1/sqrt(n)", "10/sqrt(n)")
    with pytest.raises(ValueError, match="scale must be one of those that were run"):
        experiment.compare(table(), "sqrt(2/n)", "10/sqrt(n)")


def test_rate_curves_hold_every_seed_and_refuse_gaps():
    curves = experiment.rate_curves(table(), "Adam", 2)
    assert curves.scales == ("1/sqrt(n)", "10/sqrt(n)") and curves.rates.tolist() == [0.1, 0.2]
    assert curves.loss.shape == (2, 2, 3) and curves.loss[0, 1].tolist() == [2, 1, np.inf]
    assert curves.best(0) == 0 and curves.best(1) == 0
    with pytest.raises(ValueError, match="there are no runs of SGD at depth 2"):
        experiment.rate_curves(table(), "SGD", 2)
    with pytest.raises(ValueError, match="the sweep has not ended"):
        experiment.rate_curves(table()[1:], "Adam", 2)
