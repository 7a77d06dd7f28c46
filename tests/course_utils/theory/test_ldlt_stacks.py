"""Stacks of LDLT layers: the same network as torch modules, runs that do not depend on their company, fair folds."""

import numpy as np
import pytest
import torch

from course_utils.theory import ldlt_stacks
from course_utils.theory.ldlt import exact_variance
from course_utils.theory.ldlt_layer import LDLT, ldlt_matrix
from course_utils.theory.statistics import mean_interval

RNG = np.random.default_rng
SMALL = ldlt_stacks.Recipe(width=5, epochs=2, batch=20)
DATA = RNG(0).normal(size=(103, 4)), RNG(1).integers(0, 3, 103)
ADAM = ldlt_stacks.Setting("Adam", "sqrt(2/n)", 3, 0.01)


def train(setting=ADAM, seeds=(0, 1, 2), recipe=SMALL, data=DATA):
    return ldlt_stacks.train_stacks(*data, setting, seeds, recipe)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("gain", [False, True])
def test_a_stack_is_the_network_of_its_layers(seed, gain):
    recipe = ldlt_stacks.Recipe(width=6, alpha=0.7, gamma=1.3)
    stacks = ldlt_stacks.Stacks([RNG(0), RNG(1)], 4, 3, 3, 2.0, recipe, gain)
    gammas = ldlt_stacks.layer_gains([4, 6, 6, 6], 2.0, 0.7) if gain else [1.3] * 3
    x = RNG(3).normal(size=(2, 9, 4))
    value = x[seed]
    with torch.no_grad():
        stacks.biases.copy_(torch.from_numpy(RNG(4).normal(size=tuple(stacks.biases.shape))))
        for W, gamma, bias in zip([stacks.first[seed], *stacks.hidden[seed]], gammas, stacks.biases[seed], strict=True):
            W = W.numpy()
            layer = gamma * np.linalg.solve(np.linalg.cholesky(0.7 * np.eye(len(W)) + W @ W.T), W)
            value = np.maximum(value @ layer.T + bias.numpy(), 0)
        expected = value @ stacks.readout[seed].numpy().T + stacks.offset[seed].numpy()
        assert np.allclose(stacks(torch.from_numpy(x))[seed], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("m, n", [(3, 5), (4, 4), (5, 3)])
def test_a_trained_layer_is_the_papers_with_its_outputs_rotated(m, n):
    """So that rotating the inputs of W rotates those of the layer, which the other Cholesky form does not do."""
    W, Q = torch.from_numpy(RNG(0).normal(size=(m, n))), torch.from_numpy(np.linalg.qr(RNG(1).normal(size=(n, n)))[0])
    layer, paper = ldlt_stacks.contraction(W, 0.3), ldlt_matrix(W, 0.3)
    assert torch.allclose(layer.mT @ layer, paper.mT @ paper, atol=1e-12)
    assert torch.allclose(ldlt_stacks.contraction(W @ Q, 0.3), layer @ Q, atol=1e-12)


@pytest.mark.parametrize("factor", ldlt_stacks.SCALES.values())
def test_with_relu_the_second_moment_of_any_input_is_multiplied_by_half_of_v(factor):
    x = np.array([3.0, 0, 0, 0, 1])  # not without a preferred direction
    law = [np.mean(x**2)]
    for m, n in ((7, 5), (7, 7), (7, 7)):
        law.append(law[-1] * exact_variance(m, n, factor**2 / n).value / 2)
    found = ldlt_stacks.second_moments(3, x, 7, factor, 8000, RNG(0))
    level = ldlt_stacks.second_moments(3, x, 7, factor, 8000, RNG(1), gain=True)
    assert found.shape == level.shape == (8000, 4)
    for depth in (1, 2, 3):
        mean = mean_interval(found[:, depth] / law[depth])
        assert mean.low <= 1 <= mean.high and mean.half < 0.06
        mean = mean_interval(level[:, depth] / law[0])
        assert mean.low <= 1 <= mean.high and mean.half < 0.06


def test_what_is_trained_starts_with_the_second_moments_of_the_law():
    """The network itself, not a copy of it: its last hidden values, averaged over 300 seeds."""
    for gain, expected in ((True, 1.0), (False, np.prod([exact_variance(8, 8, 1 / 8).value / 2] * 4))):
        recipe = ldlt_stacks.Recipe(width=8)
        stacks = ldlt_stacks.Stacks([RNG(seed) for seed in range(2000)], 8, 8, 4, 1.0, recipe, gain)
        with torch.no_grad():
            stacks.readout.copy_(torch.eye(8, dtype=torch.float64).expand_as(stacks.readout))
            x = torch.ones(2000, 1, 8, dtype=torch.float64)
            mean = mean_interval(stacks(x).square().mean((1, 2)).numpy() / expected)
        assert mean.low <= 1 <= mean.high and mean.half < 0.2


def test_seeds_draw_the_same_normals_at_every_scale_and_others_for_each_seed():
    small, large = (ldlt_stacks.Stacks([RNG(0), RNG(1)], 50, 3, 4, factor) for factor in (1.0, 10.0))
    assert torch.allclose(10 * small.first, large.first) and torch.allclose(10 * small.hidden, large.hidden)
    assert torch.equal(small.readout, large.readout)
    assert not torch.allclose(small.first[0], small.first[1])
    assert small.first.detach().std() * np.sqrt(50) == pytest.approx(1, abs=0.1)
    assert small.hidden.detach().std() * np.sqrt(32) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("optimizer, scale", [("SGD", "sqrt(2/n)"), ("Adam", "10/sqrt(n) gain")])
def test_a_run_does_not_depend_on_its_company(optimizer, scale):
    setting = ADAM._replace(optimizer=optimizer, scale=scale)
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
    losses = [torch.nn.functional.cross_entropy(z, t).item() for z, t in zip(logits[1:], labels[1:])]
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
    assert max(run.test_loss for run in runs) < 0.6


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
    assert first.validation_loss == first.test_loss == np.inf
    assert np.allclose(second[2:], calm[2:], rtol=1e-9)
    monkeypatch.undo()
    far = train(ldlt_stacks.Setting("SGD", "1/sqrt(n)", 2, 1e9))
    assert all(run.validation_loss == np.inf for run in far)


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
