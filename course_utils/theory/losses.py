"""Chapter 5: losses of a whole batch of parameter vectors, shape (k, n) → (k,), with the gradients that judge them."""

from __future__ import annotations

import math

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
    """A classifier with one tanh layer and the mean cross-entropy, batched over parameter vectors.

    θ holds W1 (h, d), b1 (h,), W2 (c, h), b2 (c,), one after the other: n = h(d + 1) + c(h + 1). Arrays inside have
    the shape (k, units, N), so that the sums over units run along contiguous examples.
    """

    def __init__(self, X: Array, y: Array, hidden: int, classes: int = 10) -> None:
        """X: inputs (N, d); y: labels (N,) from 0 to classes − 1."""
        self.X = check_array("X", X, 2)
        self.hidden, self.classes = check_size("hidden", hidden), check_size("classes", classes)
        self.y = np.asarray(y)
        if self.y.shape != (len(self.X),) or self.y.dtype.kind not in "iu":
            raise ValueError(f"y must hold {len(self.X)} whole numbers, got shape {self.y.shape}, {self.y.dtype}")
        if self.y.min() < 0 or self.y.max() >= classes:
            raise ValueError(f"y must lie from 0 to {classes - 1}, got {self.y.min()} to {self.y.max()}")
        d = self.X.shape[1]
        self._sizes = [hidden * d, hidden, classes * hidden, classes]
        self.n = sum(self._sizes)

    def batch(self, rows: Array) -> SoftmaxNet:
        """The same network on some of its examples."""
        return SoftmaxNet(self.X[rows], self.y[rows], self.hidden, self.classes)

    def initial(self, rng: np.random.Generator, scale: float = 1.0) -> Array:
        """Random θ, shape (n,): normal weights of Chapter 4's Glorot size times ``scale``, zero biases."""
        theta = np.zeros(self.n)
        W1, _, W2, _ = self._unpack(theta[None])
        for W in (W1, W2):
            W[:] = check_rng(rng).normal(scale=scale * math.sqrt(2 / sum(W.shape[1:])), size=W.shape)
        return theta

    def __call__(self, thetas: Array) -> Array:
        _, logits = self._forward(thetas)
        return self._losses(logits).mean(axis=1)

    def accuracy(self, theta: Array) -> float:
        """The share of examples whose largest output is that of their label."""
        _, logits = self._forward(np.asarray(theta)[None])
        return float((logits[0].argmax(axis=0) == self.y).mean())

    def gradient(self, theta: Array) -> Array:
        """Back-propagation, by hand: the gradient of the mean loss, shape (n,)."""
        _, _, W2, _ = self._unpack(np.asarray(theta)[None])
        Z, logits = self._forward(np.asarray(theta)[None])
        d_out = self._residual(logits)[0]
        d_hidden = W2[0].T @ d_out * (1 - Z[0] ** 2)
        return self._outer(d_hidden[None], d_out[None], Z)[0] / len(self.X)

    def slopes(self, theta: Array, V: Array) -> Array:
        """Forward-mode derivatives ``gᵀv`` along the rows of V, shape (k, n), without g: shape (k,)."""
        _, _, W2, _ = self._unpack(np.asarray(theta)[None])
        Z, logits = self._forward(np.asarray(theta)[None])
        V1, v1, V2, v2 = self._unpack(np.asarray(V))
        d_hidden = (1 - Z**2) * (self._inputs(V1) + v1[:, :, None])
        d_out = W2 @ d_hidden + V2 @ Z + v2[:, :, None]
        return (self._residual(logits) * d_out).sum(axis=1).mean(axis=1)

    def node_draws(self, theta: Array, sigma: float, k: int, rng: np.random.Generator) -> Array:
        """k draws of node perturbation with baseline, shape (k, n).

        The noise sits on the h + c pre-activations, independently for every example, and each example's own change of
        loss is its error signal. A unit's noise times its input stands in for the gradient of its weights.
        """
        W1, b1, W2, b2 = self._unpack(np.asarray(theta)[None])
        U, N = self._inputs(W1) + b1[:, :, None], len(self.X)
        Z = np.tanh(U)
        clean = self._losses(W2 @ Z + b2[:, :, None])
        xi_1, xi_2 = (sigma * rng.standard_normal((k, units, N)) for units in (self.hidden, self.classes))
        noisy = W2 @ np.tanh(U + xi_1) + b2[:, :, None] + xi_2
        signal = (self._losses(noisy) - clean)[:, None, :] / (sigma**2 * N)
        return self._outer(signal * xi_1, signal * xi_2, Z)

    def node_variance(self, theta: Array, K: int = 1) -> float:
        """The law of node perturbation for small σ: E‖ĝ − g‖² of the mean of K draws.

        For one example with gradient δ = (δ1, δ2) by its nodes the Gaussian law has covariance ‖δ‖² I + δδᵀ; layer
        l's part is spread over weights and bias by the factor ‖z_l‖² + 1. Examples are independent:
        (1/N²) Σ_i Σ_l (n_l ‖δ_i‖² + ‖δ_il‖²)(‖z_il‖² + 1)/K, which counts nodes, not weights.
        """
        _, _, W2, _ = self._unpack(np.asarray(theta)[None])
        Z, logits = self._forward(np.asarray(theta)[None])
        d_2 = self._residual(logits)[0]
        d_1 = W2[0].T @ d_2 * (1 - Z[0] ** 2)
        size_1, size_2 = np.square(d_1).sum(axis=0), np.square(d_2).sum(axis=0)
        in_1, in_2 = np.square(self.X).sum(axis=1) + 1, np.square(Z[0]).sum(axis=0) + 1
        total = (self.hidden * (size_1 + size_2) + size_1) * in_1 + (self.classes * (size_1 + size_2) + size_2) * in_2
        return float(total.sum() / len(self.X) ** 2 / check_size("K", K))

    def _unpack(self, thetas):
        k, d = len(thetas), self.X.shape[1]
        if thetas.shape != (k, self.n):
            raise ValueError(f"parameters must have shape (k, {self.n}), got {thetas.shape}")
        W1, b1, W2, b2 = np.split(thetas, np.cumsum(self._sizes[:-1]), axis=1)
        return W1.reshape(k, self.hidden, d), b1, W2.reshape(k, self.classes, self.hidden), b2

    def _inputs(self, W):
        return W @ self.X.T  # k small products: W is a part of θ, and one large product would first copy it

    def _forward(self, thetas):
        W1, b1, W2, b2 = self._unpack(np.asarray(thetas))
        Z = self._inputs(W1)
        Z += b1[:, :, None]
        np.tanh(Z, out=Z)
        logits = W2 @ Z
        logits += b2[:, :, None]
        return Z, logits

    def _losses(self, logits):
        above = logits - logits.max(axis=1, keepdims=True)
        correct = above[:, self.y, np.arange(len(self.y))]
        return np.log(np.exp(above, out=above).sum(axis=1)) - correct

    def _residual(self, logits):
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        p[:, self.y, np.arange(len(self.y))] -= 1
        return p

    def _outer(self, by_hidden, by_out, Z):
        """Sums over examples of (derivative by pre-activation) × (input, 1), flattened as θ is."""
        k = len(by_out)
        parts = by_hidden @ self.X, by_hidden.sum(axis=2), by_out @ Z.transpose(0, 2, 1), by_out.sum(axis=2)
        return np.concatenate([part.reshape(k, -1) for part in parts], axis=1)


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
