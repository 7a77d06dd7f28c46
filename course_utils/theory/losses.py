"""Chapter 5: losses of a whole batch of parameter vectors, shape (k, n) → (k,), with the gradients that judge them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import numpy as np

from course_utils.theory.accept import Array, check_array, check_number, check_rng, check_size
from course_utils.theory.variance_laws import Local


class Quadratic:
    """``E + gᵀ(θ − at) + (θ − at)ᵀH(θ − at)/2``: the loss for which every law here is exact."""

    def __init__(self, E: float, g: Array, H: Array | None = None, at: Array | None = None) -> None:
        self.E, self.g = check_number("E", E), check_array("g", g, 1)
        n = self.g.size
        self.H = np.zeros((n, n)) if H is None else check_array("H", H, 2)
        self.at = np.zeros(n) if at is None else check_array("at", at, 1, n)
        if self.H.shape != (n, n):
            raise ValueError(f"H must have shape ({n}, {n}), got {self.H.shape}")
        self.H = (self.H + self.H.T) / 2

    def __call__(self, thetas: Array) -> Array:
        moved = np.asarray(thetas) - self.at
        return self.E + moved @ self.g + np.einsum("ki,ij,kj->k", moved, self.H, moved, optimize=True) / 2

    def gradient(self, theta: Array) -> Array:
        return self.g + self.H @ (theta - self.at)

    def slopes(self, theta: Array, V: Array) -> Array:
        return V @ self.gradient(theta)

    def local(self, theta: Array) -> Local:
        """The loss to second order at θ, for the laws."""
        g = self.gradient(theta)
        traces = np.trace(self.H), np.square(self.H).sum(), np.square(np.diag(self.H)).sum()
        return Local(g.size, float(self(theta[None])[0]), float(g @ g), *map(float, traces))


class SineNet:
    """``y(x) = Σ_i a_i sin(w_iᵀx)`` with the mean of ½(y(x) − y)²: a net whose *smoothed* loss has a closed form.

    Under Ω ~ N(0, σ²) each pre-activation is normal with variance s² = σ²‖x‖², and E sin = e^(−s²/2) sin,
    E sin² = (1 − e^(−2s²) cos 2·)/2. Shapes: X (N, d), y (N,), a (m,); θ holds W (m, d), so n = m d.
    """

    def __init__(self, X: Array, y: Array, a: Array) -> None:
        self.X, self.a = check_array("X", X, 2), check_array("a", a, 1)
        self.y = check_array("y", y, 1, len(self.X))
        self.n = self.a.size * self.X.shape[1]

    def errors(self, theta: Array) -> Array:
        """½(y(x_i) − y_i)² of each example, shape (N,)."""
        return self._errors(np.asarray(theta)[None])[0]

    def _errors(self, thetas):
        W = thetas.reshape(len(thetas) * self.a.size, -1)
        outputs = self.a @ np.sin(W @ self.X.T).reshape(len(thetas), self.a.size, -1)
        return np.square(outputs - self.y) / 2

    def __call__(self, thetas: Array) -> Array:
        return self._errors(np.asarray(thetas)).mean(axis=1)

    def gradient(self, theta: Array, sigma: float = 0.0) -> Array:
        """The gradient, shape (n,), of the loss smoothed by a Gaussian of width σ; at σ = 0 of the loss itself."""
        u = check_array("theta", theta, 1, self.n).reshape(self.a.size, -1) @ self.X.T
        s2 = check_number("sigma", sigma, at_least=0) ** 2 * np.square(self.X).sum(axis=1)
        a, fade = self.a[:, None], np.exp(-s2 / 2)
        outputs = self.a @ (fade * np.sin(u))
        # each neuron's own square is smoothed as sin², the products of different neurons as sin · sin
        others = outputs - a * fade * np.sin(u) - self.y
        by_u = a**2 / 2 * np.exp(-2 * s2) * np.sin(2 * u) + a * fade * np.cos(u) * others
        return (by_u @ self.X / len(self.X)).ravel()


class SoftmaxNet:
    """A classifier with tanh layers and the mean cross-entropy, batched over parameter vectors.

    θ holds W1 (h, d), b1 (h,), W2, b2, …, one after the other; with one hidden layer n = h(d + 1) + c(h + 1). Arrays
    inside have the shape (k, units, N), so that the sums over units run along contiguous examples.
    """

    def __init__(self, X: Array, y: Array, hidden: int | Sequence[int], classes: int = 10) -> None:
        """X: inputs (N, d); y: labels (N,) from 0 to classes − 1; hidden: the width of the hidden layer, or of each."""
        self.X = check_array("X", X, 2)
        widths = [hidden] if np.ndim(hidden) == 0 else list(hidden)
        self.hidden, self.classes = [check_size("hidden", h) for h in widths], check_size("classes", classes)
        self.y = np.asarray(y)
        if self.y.shape != (len(self.X),) or self.y.dtype.kind not in "iu":
            raise ValueError(f"y must hold {len(self.X)} whole numbers, got shape {self.y.shape}, {self.y.dtype}")
        if self.y.min() < 0 or self.y.max() >= classes:
            raise ValueError(f"y must lie from 0 to {classes - 1}, got {self.y.min()} to {self.y.max()}")
        units = [self.X.shape[1], *self.hidden, self.classes]
        self._shapes = list(zip(units[1:], units))
        self._sizes = [size for h, d in self._shapes for size in (h * d, h)]
        self.n = sum(self._sizes)

    def batch(self, rows: Array) -> Self:
        """The same network on some of its examples."""
        return type(self)(self.X[rows], self.y[rows], self.hidden, self.classes)

    def initial(self, rng: np.random.Generator, scale: float = 1.0) -> Array:
        """Random θ, shape (n,): normal weights of Chapter 4's Glorot size times ``scale``, zero biases."""
        theta = np.zeros(self.n)
        for W, _ in self._layers(theta[None]):
            W[:] = check_rng(rng).normal(scale=scale * math.sqrt(2 / sum(W.shape[1:])), size=W.shape)
        return theta

    @property
    def is_bias(self) -> Array:
        """Which entries of θ are biases, shape (n,)."""
        return np.repeat(np.arange(len(self._sizes)) % 2 == 1, self._sizes)

    @property
    def fan_in(self) -> Array:
        """The number of weights that lead to the unit of each entry of θ, shape (n,)."""
        return np.repeat([d for _, d in self._shapes for _ in range(2)], self._sizes)

    def __call__(self, thetas: Array) -> Array:
        return self._losses(self._forward(thetas)[1]).mean(axis=1)

    def accuracy(self, theta: Array) -> float:
        """The share of examples whose largest output is that of their label."""
        _, outputs = self._forward(np.asarray(theta)[None])
        return float((outputs[0].argmax(axis=0) == self.y).mean())

    def gradient(self, theta: Array) -> Array:
        """Back-propagation, by hand: the gradient of the mean loss, shape (n,)."""
        inputs, deltas = self._backward(theta)
        return self._outer(deltas, inputs)[0] / len(self.X)

    def slopes(self, theta: Array, V: Array) -> Array:
        """Forward-mode derivatives ``gᵀv`` along the rows of V, shape (k, n), without g: shape (k,)."""
        thetas = np.asarray(theta)[None]
        inputs, outputs = self._forward(thetas)
        moved: Array | float = 0.0
        for (W, _), (V_l, v_l), Z in zip(self._layers(thetas), self._layers(np.asarray(V)), inputs):
            along = V_l @ Z + v_l[:, :, None]
            if Z is not inputs[0]:
                along += W @ ((1 - Z**2) * moved)
            moved = along
        return (self._residual(outputs) * moved).sum(axis=1).mean(axis=1)

    def node_draws(
        self, theta: Array, sigma: float, k: int, rng: np.random.Generator, one_signal: bool = False
    ) -> Array:
        """k draws of node perturbation with baseline, shape (k, n).

        The noise sits on the pre-activations of all layers, independently for every example, and each example's own
        change of loss is its error signal; with ``one_signal`` all have the change of the mean loss, as weights do. A
        unit's noise times its input stands in for the gradient of its weights.
        """
        inputs, outputs = self._forward(np.asarray(theta)[None])
        xis = [sigma * rng.standard_normal((k, h, len(self.X))) for h, _ in self._shapes]
        _, noisy = self._forward(np.asarray(theta)[None], xis)
        signal = (self._losses(noisy) - self._losses(outputs))[:, None, :] / (sigma**2 * len(self.X))
        if one_signal:
            signal = signal.sum(axis=2, keepdims=True)
        return self._outer([signal * xi for xi in xis], inputs)

    def example_draws(self, theta: Array, sigma: float, k: int, rng: np.random.Generator) -> Array:
        """k draws of weight perturbation with one signal per example, shape (k, n).

        Each is the mean of N estimates, one from the change of each example's loss under its own noise on all weights.
        """
        N, rows = len(self.X), np.empty((k, self.n))
        clean = self._losses(self._forward(np.asarray(theta)[None])[1])[0]
        for row in rows:
            omega = sigma * rng.standard_normal((N, self.n))
            outputs = self._forward(theta + omega, first=self.X[:, :, None])[1]
            row[:] = (self._losses(outputs[:, :, 0].T[None])[0] - clean) @ omega / (sigma**2 * N)
        return rows

    def node_variance(self, theta: Array, K: int = 1, one_signal: bool = False) -> float:
        """The law of node perturbation for small σ: E‖ĝ − g‖² of the mean of K draws.

        (1/N²) Σ_i Σ_l (n_l ‖δ_i‖² + ‖δ_il‖²)(‖x_il‖² + 1)/K for example i and layer l with n_l nodes, the input x_il
        and the derivative δ_il by its nodes: Chapter 5 derives it in five steps.

        With one signal for all, the nodes of all examples are one vector D = (δ_1, …, δ_N)/N, and g = A D with the
        linear map A that multiplies by inputs. The covariance ‖D‖² I + DDᵀ becomes ‖D‖² AAᵀ + ggᵀ, of trace
        (1/N²) Σ_i ‖δ_i‖² · Σ_i Σ_l n_l (‖x_il‖² + 1) + ‖g‖².
        """
        inputs, deltas = self._backward(theta)
        spread = [np.square(Z).sum(axis=-2).reshape(-1) + 1 for Z in inputs]
        parts = [np.square(delta[0]).sum(axis=0) for delta in deltas]
        nodes = sum(h * s for (h, _), s in zip(self._shapes, spread))
        N, K = len(self.X), check_size("K", K)
        if one_signal:
            g = self._outer(deltas, inputs)[0] / N
            return float((sum(parts).sum() * nodes.sum() / N**2 + g @ g) / K)
        own = sum(part * s for part, s in zip(parts, spread))
        return float((sum(parts) * nodes + own).sum() / N**2 / K)

    def example_variance(self, theta: Array, K: int = 1) -> float:
        """The law of :meth:`example_draws` for small σ: (n + 1)/N² Σ_i ‖g_i‖²/K, N independent estimates of g_i each.

        The gradient g_i of example i has the squared length Σ_l ‖δ_il‖² (‖x_il‖² + 1).
        """
        inputs, deltas = self._backward(theta)
        own = sum(
            np.square(delta[0]).sum(axis=0) * (np.square(Z).sum(axis=-2).reshape(-1) + 1)
            for delta, Z in zip(deltas, inputs)
        )
        return float((self.n + 1) * own.sum() / len(self.X) ** 2 / check_size("K", K))

    def _layers(self, thetas):
        """(W (k, out, in), b (k, out)) of each layer, as views of θ."""
        if thetas.shape != (len(thetas), self.n):
            raise ValueError(f"parameters must have shape (k, {self.n}), got {thetas.shape}")
        parts = np.split(thetas, np.cumsum(self._sizes[:-1]), axis=1)
        return [(W.reshape(-1, *shape), b) for W, b, shape in zip(parts[::2], parts[1::2], self._shapes)]

    def _forward(self, thetas, noise=None, first=None):
        """Each layer's inputs, the first (d, N) and the others (k, units, N), and the outputs (k, c, N)."""
        Z = self.X.T if first is None else first
        inputs = []
        for number, (W, b) in enumerate(self._layers(np.asarray(thetas))):
            inputs.append(Z)
            Z = W @ Z  # k small products: W is a part of θ, and one large product would first copy it
            Z += b[:, :, None]
            if noise is not None:
                Z = Z + noise[number]
            if number < len(self.hidden):
                np.tanh(Z, out=Z)
        return inputs, Z

    def _backward(self, theta):
        """Each layer's inputs, and each example's derivatives by its pre-activations (1, units, N)."""
        inputs, outputs = self._forward(np.asarray(theta)[None])
        deltas = [self._residual(outputs)]
        for (W, _), Z in zip(self._layers(np.asarray(theta)[None])[:0:-1], inputs[:0:-1]):
            deltas.insert(0, W.transpose(0, 2, 1) @ deltas[0] * (1 - Z**2))
        return inputs, deltas

    def _losses(self, outputs):
        """The loss of each example, (k, N)."""
        above = outputs - outputs.max(axis=1, keepdims=True)
        correct = above[:, self.y, np.arange(len(self.y))]
        return np.log(np.exp(above, out=above).sum(axis=1)) - correct

    def _residual(self, outputs):
        """Its derivative by the outputs, (k, c, N)."""
        p = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        p[:, self.y, np.arange(len(self.y))] -= 1
        return p

    def _outer(self, deltas, inputs):
        """Sums over examples of (derivative by pre-activation) × (input, 1), flattened as θ is."""
        k = len(deltas[0])
        parts = [(delta @ Z.swapaxes(-1, -2), delta.sum(axis=2)) for delta, Z in zip(deltas, inputs)]
        return np.concatenate([part.reshape(k, -1) for layer in parts for part in layer], axis=1)


class SquaredNet(SoftmaxNet):
    """The same network with the note's loss: the mean of ½‖y(x) − t‖², t the indicator (c,) of the label."""

    def _losses(self, outputs):
        return np.square(self._residual(outputs)).sum(axis=1) / 2

    def _residual(self, outputs):
        off = np.array(outputs)
        off[:, self.y, np.arange(len(self.y))] -= 1
        return off


class Metered:
    """A net's mean loss over chosen examples, which counts: ``loss(thetas, rows)``, (k, n) and numbers 0 … N − 1.

    ``N``, ``n``      examples and parameters
    ``left``          evaluations (losses of one example) that remain; a call costs k · len(rows) of them
    ``path``          pairs (evaluations used, mean of the θ that were asked about) at some fifty moments

    Raises:
        RuntimeError: for a call that would exceed the budget.
    """

    def __init__(self, net: SoftmaxNet, budget: int) -> None:
        self.N, self.n, self.left, self.path = len(net.X), net.n, check_size("budget", budget), []
        self._net, self._budget = net, budget

    def __call__(self, thetas: Array, rows: Array) -> Array:
        thetas, rows = np.atleast_2d(np.asarray(thetas, dtype=float)), np.atleast_1d(rows)
        if len(thetas) * len(rows) > self.left:
            raise RuntimeError(
                f"the budget of {self._budget} evaluations is spent: {self.left} were left for "
                f"{len(thetas)} losses of {len(rows)} examples"
            )
        self.left -= len(thetas) * len(rows)
        used = self._budget - self.left
        if used >= len(self.path) * self._budget / 50:
            self.path.append((used, thetas.mean(axis=0)))
        return self._net.batch(rows)(thetas)


class TorchLoss:
    """Any torch module as a loss over a batch of parameter vectors, by ``torch.func``.

    θ holds the module's parameters in the order of ``named_parameters``. ``criterion(outputs, target)`` returns a
    number. Computes in the module's precision; losses and gradients come back as float64 arrays.
    """

    def __init__(self, module, criterion, x, target) -> None:
        import torch

        named = dict(module.named_parameters())
        self.n = sum(p.numel() for p in named.values())
        self.theta = torch.cat([p.detach().reshape(-1) for p in named.values()]).numpy().astype(float)
        self._dtype = next(iter(named.values())).dtype

        def of_one(flat):
            pieces = torch.split(flat, [p.numel() for p in named.values()])
            parameters = {name: piece.reshape(p.shape) for (name, p), piece in zip(named.items(), pieces)}
            return criterion(torch.func.functional_call(module, parameters, (x,)), target)

        self._of_one, self._of_many = of_one, torch.vmap(of_one)

    def __call__(self, thetas: Array) -> Array:
        import torch

        with torch.no_grad():
            return self._numpy(self._of_many(self._torch(thetas)))

    def gradient(self, theta: Array) -> Array:
        """The gradient by automatic differentiation, shape (n,)."""
        import torch

        return self._numpy(torch.func.grad(self._of_one)(self._torch(theta)))

    def slopes(self, theta: Array, V: Array) -> Array:
        """Forward-mode derivatives along the rows of V, shape (k, n): shape (k,)."""
        import torch

        at = self._torch(theta)
        along = torch.vmap(lambda v: torch.func.jvp(self._of_one, (at,), (v,))[1])
        return self._numpy(along(self._torch(V)))

    def _torch(self, array):
        import torch

        return torch.as_tensor(np.asarray(array), dtype=self._dtype)

    @staticmethod
    def _numpy(tensor):
        return tensor.detach().numpy().astype(float)
