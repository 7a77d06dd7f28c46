"""Many networks at once are what each of them is alone."""

import numpy as np
import pytest

from course_utils.theory import curvature, ensembles, hessians

X = np.random.default_rng(0).standard_normal((20, 6))
LABELS, TARGETS = np.arange(20) % 3, np.random.default_rng(1).standard_normal((20, 3))


def three(sigma):
    return [curvature.random_net([6, 5, 4, 3], sigma, "He", np.random.default_rng(i), 0.1) for i in range(3)]


@pytest.mark.parametrize("sigma", ensembles.KNOWN)
@pytest.mark.parametrize("loss, t", [("cross_entropy", LABELS), ("squared", TARGETS)])
def test_descent_is_that_of_each_network_alone(sigma, loss, t):
    run = ensembles.descend(ensembles.stack(three(sigma)), X, t, 0.05, 3, loss, at=(0, 3))
    assert list(run.at) == [0, 3] and run.losses.shape == (3, 4)
    for i, net in enumerate(three(sigma)):
        for step in range(4):
            found = curvature.gradients(net, X, t, loss)
            assert run.losses[i, step] == pytest.approx(found.loss, rel=1e-12)
            if step in run.at:
                kept = run.kept[list(run.at).index(step)].member(i)
                for a, b in zip(kept.weights + kept.biases, net.weights + net.biases):
                    assert a == pytest.approx(b, rel=1e-10, abs=1e-13)
            net = net._replace(
                weights=tuple(w - 0.05 * u.T @ z / 20 for w, u, z in zip(net.weights, found.u, found.run.z)),
                biases=tuple(b - 0.05 * u.mean(axis=0) for b, u in zip(net.biases, found.u)),
            )


@pytest.mark.parametrize("layer", [None, 0, 2])
@pytest.mark.parametrize("sigma", ["tanh", "ReLU"])
def test_the_ends_of_the_spectrum_are_those_of_each_network_alone(sigma, layer):
    nets = three(sigma)
    ends = ensembles.spectrum_ends(ensembles.stack(nets), X, LABELS, layer=layer, rounds=60)
    few = ensembles.spectrum_ends(ensembles.stack(nets), X, LABELS, layer=layer)
    assert few.high == pytest.approx(ends.high, rel=0.02) and (few.high <= ends.high * (1 + 1e-12)).all()
    for i, net in enumerate(nets):
        model = hessians.to_torch(net)
        chosen = list(model.parameters()) if layer is None else model[2 * layer].weight
        loss = hessians.torch_loss(model, X, LABELS, "cross_entropy")
        spectrum = np.linalg.eigvalsh(hessians.dense(hessians.layer_operator(loss, chosen)))
        assert ends.high[i] == pytest.approx(spectrum[-1], rel=1e-8)
        assert ends.low[i] == pytest.approx(spectrum[0], rel=1e-6, abs=1e-9)
        assert ends.norm[i] == pytest.approx(np.abs(spectrum).max(), rel=1e-8)


def test_one_that_diverges_leaves_the_others_alone():
    nets = three("ReLU")
    nets[1] = nets[1]._replace(weights=tuple(30 * w for w in nets[1].weights))
    run = ensembles.descend(ensembles.stack(nets), X, TARGETS, 0.02, 20, "squared", at=[20])
    alone = ensembles.descend(ensembles.stack([nets[2]]), X, TARGETS, 0.02, 20, "squared")
    assert np.isinf(run.losses[1, -1]) and run.losses[2] == pytest.approx(alone.losses[0])
    ends = ensembles.spectrum_ends(run.kept[0], X, TARGETS, "squared")
    assert np.isfinite(ends.high[[0, 2]]).all()


def test_a_network_of_nothing_but_nan_has_no_ends():
    net = three("tanh")[0]
    lost = net._replace(weights=tuple(w * np.nan for w in net.weights))
    ends = ensembles.spectrum_ends(ensembles.stack([lost]), X, LABELS)
    assert np.isnan([*ends.low, *ends.high, *ends.norm]).all()


def test_what_does_not_fit_is_refused():
    nets = ensembles.stack(three("tanh"))
    with pytest.raises(ValueError, match="all of one shape"):
        ensembles.stack([*three("tanh"), curvature.random_net([6, 3], "tanh", "He", np.random.default_rng(0))])
    with pytest.raises(ValueError, match="all of one shape"):
        ensembles.stack([])
    with pytest.raises(ValueError, match="x must have shape"):
        ensembles.descend(nets, X[:, :4], LABELS, 0.1, 2)
    with pytest.raises(ValueError, match="labels must lie"):
        ensembles.spectrum_ends(nets, X, LABELS + 5)
    with pytest.raises(ValueError, match="layer must lie in 0 … 2, got 3"):
        ensembles.spectrum_ends(nets, X, LABELS, layer=3)
    with pytest.raises(ValueError, match="step must be greater than 0"):
        ensembles.descend(nets, X, LABELS, 0.0, 2)
    with pytest.raises(ValueError, match="steps must be at least 1"):
        ensembles.descend(nets, X, LABELS, 0.1, 0)
