"""The results of a sweep: written, read, compared seed by seed."""

import numpy as np
import pytest

from course_utils.experiments import ldlt_training as experiment
from course_utils.theory import ldlt_stacks
from course_utils.theory.ldlt import exact_variance
from course_utils.theory.statistics import mean_interval

ADAM = ldlt_stacks.Setting("Adam", "sqrt(2/n)", 3, 0.01)


def write(tmp_path, runs, end=""):
    path = tmp_path / "runs.csv"
    path.write_text(experiment.header({"rows": 3}) + experiment.lines(runs) + end, encoding="utf-8")
    return path


def table():
    """Three seeds, two rates, two scales: 1/sqrt(n) is better by 0.1, 0.2 and 0.3 at the rates of validation."""
    validation = {("1/sqrt(n)", 0.1): (1, 2, 1), ("1/sqrt(n)", 0.2): (2, 1, np.inf)}
    test = {("1/sqrt(n)", 0.1): (0.7, 0.1, 0.9), ("1/sqrt(n)", 0.2): (0.1, 0.8, 0.1)}
    runs = []
    for rate in (0.1, 0.2):
        for seed in range(3):
            one = ldlt_stacks.Setting("Adam", "1/sqrt(n)", 2, rate)
            runs.append(ldlt_stacks.Run(one, seed, validation[one.scale, rate][seed], 0, test[one.scale, rate][seed]))
            other = ldlt_stacks.Setting("Adam", "10/sqrt(n)", 2, rate)
            runs.append(ldlt_stacks.Run(other, seed, rate, 0, 0.6))
    return runs


def test_results_are_read_as_they_were_written_and_a_cut_line_is_ignored(tmp_path):
    runs = [ldlt_stacks.Run(ADAM, 0, 0.25, np.inf, 0.75), ldlt_stacks.Run(ADAM, 1, 0.2, 0.3, 0.4)]
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
    run = ldlt_stacks.Run(ADAM, 0, 0.25, 0.6, 0.75)
    with pytest.raises(ValueError, match="holds a run twice"):
        experiment.read_results(write(tmp_path, [run, run]))
    with pytest.raises(ValueError, match="is not a file of results"):
        experiment.read_results(write(tmp_path, [run], "Adam,1/sqrt(n),2\n"))


def test_a_gain_is_paid_in_lipschitz_constant():
    v = exact_variance(32, 32, 1 / 32).value
    found = experiment.gain(1.0, v**-0.5, 8)
    assert np.allclose(found.variance, 1) and found.lipschitz[8] == pytest.approx(v**-4)
    assert experiment.gain(1.0, 1.0, 8).variance[8] == pytest.approx(v**8)
    assert np.allclose(experiment.gain(1.0, (2 / v) ** 0.5, 8, activation="ReLU").variance, 1)
    with pytest.raises(ValueError, match="activation must be one of none, ReLU, got 'tanh'"):
        experiment.gain(activation="tanh")


def test_each_seed_takes_the_rate_that_its_validation_rows_prefer():
    best = experiment.at_best_rate(table())
    assert [run.setting.rate for run in best["Adam", "1/sqrt(n)", 2]] == [0.1, 0.2, 0.1]
    assert [run.seed for run in best["Adam", "1/sqrt(n)", 2]] == [0, 1, 2]


def test_a_comparison_is_paired_over_seeds():
    (found,) = experiment.compare(table(), "1/sqrt(n)", "10/sqrt(n)")
    mean = experiment.overlap_interval(np.array([0.1, 0.2, 0.3]))
    assert (found.optimizer, found.depth) == ("Adam", 2)
    assert (found.value, *found.interval) == pytest.approx(mean)
    assert found.sign == 0
    (other,) = experiment.compare(table(), "10/sqrt(n)", "1/sqrt(n)")
    assert other.value == pytest.approx(-found.value)
    assert found._replace(low=0.1).sign == 1 and found._replace(low=-2.0, high=-1.0).sign == -1


def test_pooling_is_over_settings_first_and_then_over_seeds():
    (one,) = experiment.compare(table(), "1/sqrt(n)", "10/sqrt(n)")
    other = one._replace(differences=np.array([0.5, 0.2, -0.1]))
    assert tuple(experiment.pooled([one, other])) == pytest.approx(
        tuple(experiment.overlap_interval(np.array([0.3, 0.2, 0.1])))
    )
    with pytest.raises(ValueError, match="as many seeds each"):
        experiment.pooled([one, one._replace(differences=np.zeros(2))])
    with pytest.raises(ValueError, match="got 0"):
        experiment.pooled([])


def test_relabelled_runs_are_compared_with_others():
    mine = [run for run in table() if run.setting.scale == "1/sqrt(n)"]
    both = table() + experiment.relabelled(mine, "alpha = 0.01")
    (found,) = experiment.compare(both, "alpha = 0.01", "1/sqrt(n)")
    assert (found.differences == 0).all()


def test_overlapping_folds_widen_an_interval_as_nadeau_and_bengio_say():
    values = np.random.default_rng(0).normal(size=10)
    plain, wide = mean_interval(values), experiment.overlap_interval(values)
    assert wide.value == plain.value and wide.repetitions == 10
    assert (
        wide.half / plain.half == pytest.approx(np.sqrt((1 / 10 + 750 / 5250) * 10)) == pytest.approx(1.558, abs=1e-3)
    )
    assert experiment.overlap_interval(values, 0.999).half > wide.half
    with pytest.raises(ValueError, match="at least 2 seeds, got 1"):
        experiment.overlap_interval(values[:1])


def test_of_overlapping_folds_plain_intervals_miss_far_more_than_the_wider_ones():
    """Seed s finds the luck of its seven training folds and that of its test fold; the truth is 0."""
    rng, plain, wide = np.random.default_rng(0), 0, 0
    for _ in range(1000):
        rows = rng.normal(size=10)
        found = np.array([np.roll(rows, -seed)[3:].mean() for seed in range(10)]) + rows
        plain += abs(found.mean()) > mean_interval(found).half
        wide += abs(found.mean()) > experiment.overlap_interval(found).half
    assert 30 < wide < 70 and 150 < plain < 220


def whole():
    """All arms, both optimizers and all depths: arm number i reaches (50 + i) %, and 60 % more with Adam."""
    runs = []
    for optimizer in ldlt_stacks.OPTIMIZERS:
        for depth in (2, 4, 8):
            for i, arm in enumerate(ldlt_stacks.ARMS):
                setting = ldlt_stacks.Setting(optimizer, arm, depth, 0.1)
                accuracy = 0.5 + 0.01 * i * (optimizer == "SGD")
                runs += [ldlt_stacks.Run(setting, seed, 1, 1, accuracy + 0.001 * seed) for seed in range(10)]
    return experiment.Results({"larger_class": 0.53}, runs)


def test_all_pairs_of_arms_are_compared_in_every_group_and_share_an_error():
    found = experiment.all_pairs(whole().runs)
    assert len(found) == 4 * 15 and len({pair[:3] for pair in found}) == 60
    assert {pair.winner for pair in found if "Adam" in pair.group} == {""}
    assert all(pair.winner == pair.other for pair in found if "SGD" in pair.group)
    assert all((pair.loser == pair.one, pair.lead.low > 0) == (True, True) for pair in found if "SGD" in pair.group)
    assert {pair.difference.confidence for pair in found} == {1 - 0.01 / 60}


def test_accuracies_are_a_table_of_settings_arms_and_seeds():
    found = experiment.accuracies("digits", whole())
    assert found.settings == [("SGD", 2), ("SGD", 4), ("SGD", 8), ("Adam", 2), ("Adam", 4), ("Adam", 8)]
    assert found.values.shape == (6, 6, 10) and found.values[0, 5, 3] == pytest.approx(0.553)
    with pytest.raises(ValueError, match="there are none of"):
        experiment.accuracies("digits", whole()._replace(runs=whole().runs[:-10]))


def test_several_starts_of_a_fold_are_one_repetition():
    setting = ldlt_stacks.Setting("SGD", "sqrt(2/n)", 8, 0.1)
    runs = [ldlt_stacks.Run(setting, seed, 1, 1, 0.01 * seed) for seed in range(10, 30)]
    assert np.allclose(experiment.fold_means(runs, "sqrt(2/n)"), 0.15 + 0.01 * np.arange(10))
    with pytest.raises(ValueError, match="as many runs, got"):
        experiment.fold_means(runs[:-1], "sqrt(2/n)")
    with pytest.raises(ValueError, match="must be those of one setting, got 0"):
        experiment.fold_means(runs, "10/sqrt(n)")


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
