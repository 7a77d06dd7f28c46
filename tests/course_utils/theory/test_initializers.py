"""Hessian initialization: in place, the norm that was asked for, and what is refused."""

import numpy as np
import pytest
import torch

from course_utils.theory.initializers import hessian_jacobian_, hessian_normal_, jacobian_norms

ACTIVATIONS = [torch.nn.ReLU, torch.nn.Tanh, torch.nn.GELU, torch.nn.Sigmoid]


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(200, 200), (20, 800), (300, 30)])
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_a_large_layer_has_norm_near_the_gain(shape, gain):
    weight = torch.empty(shape, dtype=torch.float64)
    assert hessian_normal_(weight, rng(), gain) is weight
    assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(gain, rel=0.04)
    assert weight.std().item() == pytest.approx(gain / (shape[0] ** 0.5 + shape[1] ** 0.5), rel=0.05)


def test_parameters_keep_their_type_and_their_gradient():
    layer = torch.nn.Linear(5, 4)
    assert hessian_normal_(layer.weight, rng()) is layer.weight
    assert layer.weight.requires_grad and layer.weight.dtype is torch.float32 and layer.weight.is_leaf


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_the_data_driven_scale_gives_every_layer_the_same_mean_norm(activation, gain):
    gain = gain / 4 if activation is torch.nn.Sigmoid else gain  # its slope is at most 1/4
    model = torch.nn.Sequential(
        torch.nn.Linear(12, 20), activation(), torch.nn.Linear(20, 15), activation(), torch.nn.Linear(15, 4)
    ).double()
    x = torch.from_numpy(rng().standard_normal((30, 12)))
    assert hessian_jacobian_(model, x, rng(), gain, rounds=60) is model
    z = x
    for k in (0, 2, 4):
        after = model[k + 1] if k < 4 else torch.nn.Identity()
        assert jacobian_norms(model[k], after, z).mean().item() == pytest.approx(gain, rel=1e-3)
        assert not model[k].bias.any()
        z = after(model[k](z)).detach()


def test_jacobian_norms_are_autograds():
    layer = torch.nn.Linear(3, 4).double()
    z = torch.from_numpy(rng().standard_normal((5, 3)))
    wanted = [
        torch.linalg.matrix_norm(torch.autograd.functional.jacobian(lambda r: torch.tanh(layer(r)), row), 2).item()
        for row in z
    ]
    assert jacobian_norms(layer, torch.nn.Tanh(), z).tolist() == pytest.approx(wanted)


@pytest.mark.parametrize("tensor", [torch.empty(3), torch.empty(0, 3), torch.empty(2, 3, 4)])
def test_only_matrices_are_filled(tensor):
    with pytest.raises(ValueError, match="two axes"):
        hessian_normal_(tensor, rng())


@pytest.mark.parametrize("gain", [0, -1, np.nan])
def test_a_gain_is_positive(gain):
    with pytest.raises(ValueError, match="gain must be"):
        hessian_normal_(torch.empty(3, 3), rng(), gain)


def test_models_and_inputs_that_do_not_fit_are_refused():
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    for x in (torch.empty(0, 3), torch.ones(2, 4), torch.full((2, 3), torch.nan), torch.ones(3)):
        with pytest.raises(ValueError, match="x must be finite of shape"):
            hessian_jacobian_(model, x, rng())
    with pytest.raises(TypeError, match="starts with Linear, got Linear"):
        hessian_jacobian_(torch.nn.Linear(3, 3), torch.ones(2, 3), rng())
    with pytest.raises(TypeError, match="got BatchNorm1d"):
        hessian_jacobian_(torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4)), torch.ones(2, 3), rng())
    with pytest.raises(ValueError, match="flat at every input"):
        hessian_jacobian_(model, torch.zeros(2, 3), rng())
