"""An exercise that asks for a torch module is checked through a probe, along the whole ladder."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from course_utils.desk.checks import grade
from course_utils.exercises import Exercise, probes


def cases(rng):
    n, m = (int(k) for k in rng.integers(2, 5, size=2))
    return {"arguments": (n, m), "weight": rng.normal(size=(m, n)), "x": rng.normal(size=(3, n))}


class Layer(torch.nn.Module):
    def __init__(self, n, m):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(m, n))

    def forward(self, x):
        return torch.tanh(x @ self.weight.T)


class Linear(Layer):
    def forward(self, x):
        return x @ self.weight.T


class Stub(Layer):
    def forward(self, x):
        raise NotImplementedError


class Unregistered(Layer):
    def __init__(self, n, m):
        super().__init__(n, m)
        del self.weight
        self.weight = torch.zeros(m, n)


class LeavesTorch(Layer):
    def forward(self, x):
        return torch.tanh(torch.tensor(x.detach().numpy() @ self.weight.detach().numpy().T, requires_grad=True))


EXERCISE = Exercise(
    id="9.1",
    title="a layer",
    points=1,
    difficulty=1,
    minutes=1,
    cases=cases,
    reference=Layer,
    misconceptions=((Linear, "The activation is missing."),),
    probe=probes.trainable_output,
)


@pytest.mark.parametrize(
    "answer, status, says",
    [
        (Layer, "correct", "Well done"),
        (Linear, "misconception", "The activation is missing."),
        (Stub, "not attempted", "Nothing is written here yet."),
        (Unregistered, "error", "weight"),
        (lambda n, m: 3, "error", "expected a torch.nn.Module, got an object of type int"),
        (Layer(2, 2), "error", ""),
        (LeavesTorch, "values", "Right on 0"),
    ],
)
def test_ladder(answer, status, says):
    result = grade(EXERCISE, answer)
    assert result.status == status and says in str(result)


@pytest.mark.parametrize("probe", [lambda answer: 1, np.sin, "trainable_output", 3])
def test_a_probe_is_a_function_of_the_module_of_probes(probe):
    with pytest.raises(ValueError, match="exercise 9.1: probe"):
        replace(EXERCISE, probe=probe)


class Detached(Layer):
    def forward(self, x):
        return super().forward(x).detach()


class Returns(torch.nn.Module):
    """Its forward pass returns whatever it was made with."""

    def __init__(self, what):
        super().__init__()
        self.what = what

    def forward(self, x):
        return self.what


class Kept(Layer):
    """Computes its output for each number of rows once."""

    def __init__(self, n, m):
        super().__init__(n, m)
        self.kept = {}

    def forward(self, x):
        return self.kept.setdefault(len(x), super().forward(x))


class Lies(Detached):
    def named_parameters(self, *args, **kwargs):
        return iter(())


X, W = np.array([[0.5, -1.0], [0.1, 0.2]]), np.array([[1.0, 2.0]])
MOVED = np.array([[1.3, 0.8]])  # half of the other entry and 0.3


def test_a_probe_returns_outputs_and_gradients_before_and_after_a_step():
    output, gradient, later, gradient_later = probes.trainable_output(Layer, arguments=(2, 1), x=X, weight=W)
    for found, slopes, weight in ((output, gradient, W), (later, gradient_later, MOVED)):
        np.testing.assert_allclose(found, np.tanh(X @ weight.T), rtol=1e-12)
        # Of the squared outputs for the rows of the identity, by hand.
        np.testing.assert_allclose(slopes, (2 * np.tanh(weight) * (1 - np.tanh(weight) ** 2)).ravel(), rtol=1e-12)


@pytest.mark.parametrize("answer", [Detached, LeavesTorch, Lies])
def test_a_parameter_that_no_gradient_reaches_has_a_gradient_of_zeros(answer):
    _, gradient, _, later = probes.trainable_output(answer, arguments=(2, 1), x=X, weight=W)
    assert gradient.shape == (2,) and not gradient.any() and not later.any()


def test_what_was_kept_from_the_first_call_is_seen_after_the_step():
    X3 = np.vstack([X, X[:1]])
    output, _, later, _ = probes.trainable_output(Kept, arguments=(2, 1), x=X3, weight=W)
    assert np.array_equal(output, later)


@pytest.mark.parametrize("what, says", [(None, "`return` missing"), (np.ones(2), "numpy array"), (3, "type int")])
def test_a_forward_pass_that_returns_no_tensor_is_told_so(what, says):
    with pytest.raises(TypeError, match=says):
        probes.trainable_output(Returns, (what,), np.ones((1, 2)))


#: A linear softmax of one input and two classes; each row of ``w`` is a weight and a bias.
ONE_LAYER = {"widths": (1, 2), "x": np.array([[2.0]]), "t": np.array([0]), "w": np.array([0.1, 0.0, -0.3, 0.2])}


def test_a_hessian_along_a_direction_is_that_of_the_softmax_and_shows_what_became_of_the_weights():
    def product(loss, w, v):
        found = torch.autograd.functional.hvp(loss, w, v)[1]
        w += 1
        return found

    v = np.array([1.0, 0.0, 0.5, 2.0])
    found, after = probes.hessian_along(product, **ONE_LAYER, v=v)
    moved = np.array([2 * v[0] + v[1], 2 * v[2] + v[3]])  # of the two outputs
    logits = np.array([0.2, -0.4])
    p = np.exp(logits) / np.exp(logits).sum()
    change = p * (moved - p @ moved)
    np.testing.assert_allclose(found, np.outer(change, [2.0, 1.0]).ravel(), rtol=1e-12)
    np.testing.assert_array_equal(after, ONE_LAYER["w"] + 1)


def test_a_descent_is_read_as_losses_and_weights():
    def still(loss, w, step, steps):
        return [loss(w)] * (steps + 1), w

    losses, last, start = probes.descent(still, **ONE_LAYER, step=0.1, steps=2)
    np.testing.assert_allclose(losses, np.full(3, np.log(1 + np.exp(-0.6))), rtol=1e-12)
    np.testing.assert_array_equal(last, start)


@pytest.mark.parametrize("what, says", [([1.0], "two things"), ("ab", "two things"), (({}, 1), "array of numbers")])
def test_a_descent_that_returns_something_else_is_told_so(what, says):
    with pytest.raises(TypeError, match=says):
        probes.descent(lambda *given: what, **ONE_LAYER, step=0.1, steps=1)
    with pytest.raises(NotImplementedError):
        probes.descent(lambda *given: None, **ONE_LAYER, step=0.1, steps=1)
