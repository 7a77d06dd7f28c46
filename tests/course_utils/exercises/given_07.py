"""Answers to chapter 7 as people write them: wrong ones with words of the sentence each receives, and right ones."""

import math
from fractions import Fraction

import numpy as np
import torch


def ang(X, Y):
    lengths = np.outer(np.linalg.norm(X, axis=1), np.linalg.norm(Y, axis=1))
    return np.arccos(np.clip(X @ Y.T / lengths, -1, 1))


def limit(X, Y):
    return X @ Y.T * (np.pi - ang(X, Y)) / (2 * np.pi)


def kern(W0, a, X):
    on = X @ W0.T > 0
    return (X @ X.T) * ((on * a**2) @ on.T) / len(a)


def descend(K, K_new, f, f_new, y, steps, lr):
    alpha = np.zeros(len(y))
    for _ in range(steps):
        alpha = alpha + lr / len(y) * (y - f - K @ alpha)
    return f_new + K_new @ alpha


def residual_wrong_sign(K, K_new, f, f_new, y, steps, lr):
    alpha = np.zeros(len(y))
    for _ in range(steps):
        alpha += lr / len(y) * (f - y + K @ alpha)
    return f_new + K_new @ alpha


def factor_two(K, K_new, f, f_new, y, steps, lr):
    return descend(K, K_new, f, f_new, y, steps, 2 * lr)


def in_f(K, K_new, f, f_new, y, steps, lr):
    f += 0.0
    for _ in range(steps):
        r = y - f
        f_new += lr / len(y) * K_new @ r
        f += lr / len(y) * K @ r
    return f_new


def lost_alpha(K, K_new, f, f_new, y, steps, lr):
    for _ in range(steps):
        alpha = lr / len(y) * (y - f)
        f = f + K @ alpha
    return f_new + K_new @ alpha


def on_train(K, K_new, f, f_new, y, steps, lr):
    for _ in range(steps):
        f = f + lr / len(y) * K @ (y - f)
    return f


def squared_steps(K, K_new, f, f_new, y, steps, lr):
    return descend(K, K_new, f, f_new, y, steps * 2, lr)


def coefficient(k):
    if k % 2:
        return 0.25 if k == 1 else 0.0
    t = (1 / (k - 1) ** 2 + 1 / (k + 1) ** 2) / np.pi**2
    return t if k else t / 2


def mean_over(k, n, a=-np.pi, b=np.pi, twice=True):
    t = np.linspace(a, b, n)
    K = np.cos(t) * (np.pi - abs(t)) / (2 * np.pi)
    return (2 if k and twice else 1) * np.mean(K * np.cos(k * t))


def net_by_loop(W0, a, X):
    n, m = len(X), len(a)
    K = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            for r in range(m):
                if W0[r] @ X[i] > 0 and W0[r] @ X[j] > 0:
                    K[i, j] += a[r] ** 2 * (X[i] @ X[j])
    return K / m


def by_autograd(W0, a, X):
    W = torch.tensor(W0, requires_grad=True)
    A, X_t = torch.tensor(a), torch.tensor(X)
    rows = []
    for x in X_t:
        (g,) = torch.autograd.grad((A @ torch.relu(W @ x)) / len(a) ** 0.5, W)
        rows.append(g.ravel())
    G = torch.stack(rows)
    return G @ G.T


def by_vmap(W0, a, X):
    def f(W, x):
        return torch.tensor(a) @ torch.relu(W @ x) / len(a) ** 0.5

    G = torch.func.vmap(torch.func.grad(f), in_dims=(None, 0))(torch.tensor(W0), torch.tensor(X))
    return (G.flatten(1) @ G.flatten(1).T).numpy()


def summed(W0, a, X):
    on = X @ W0.T > 0
    return float(np.sum(on * a**2) / len(a))


def descent(W, a, X, y, steps, lr, root=None, mean=True, gate=True, sign=1.0, second=True, targets=1.0):
    """Descent by loops over inputs and neurons, as one writes it down first."""
    m, n = len(a), len(y)
    root = math.sqrt(m) if root is None else root
    for _ in range(steps):
        G = np.zeros_like(W, dtype=float)
        for j in range(n):
            f = sum(a[i] * max(W[i] @ X[j], 0) for i in range(m)) / root
            for i in range(m):
                if W[i] @ X[j] > 0 or not gate:
                    G[i] += (f - targets * y[j]) * (a[i] if second else 1) / root * X[j] / (n if mean else 1)
        W = W - sign * lr * G
    return W


def by_torch_descent(W0, a, X, y, steps, lr):
    W = torch.tensor(W0, requires_grad=True)
    optimizer = torch.optim.SGD([W], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        f = torch.relu(torch.tensor(X) @ W.T) @ torch.tensor(a) / len(a) ** 0.5
        (0.5 * torch.mean((f - torch.tensor(y)) ** 2)).backward()
        optimizer.step()
    return W.detach()


def recursive_descent(W0, a, X, y, steps, lr):
    if steps == 0:
        return W0
    W = recursive_descent(W0, a, X, y, steps - 1, lr)
    return descent(W, a, X, y, 1, lr)


def in_combinations(W0, a, X, y, steps, lr):
    """W - W0 = diag(a) C X, without a step in W."""
    C, root = np.zeros((len(a), len(y))), np.sqrt(len(a))
    for _ in range(steps):
        Z = W0 @ X.T + a[:, None] * (C @ (X @ X.T)) / root
        C += lr / len(y) * (Z > 0) * (y - a @ np.maximum(Z, 0) / root)
    return W0 + a[:, None] * (C @ X) / root


def into_w0(W0, a, X, y, steps, lr):
    for _ in range(steps):
        Z = X @ W0.T
        W0 += (
            lr * (((y - np.maximum(Z, 0) @ a / len(a) ** 0.5)[:, None] * (Z > 0) * a).T @ X) / (len(y) * len(a) ** 0.5)
        )
    return W0


def frozen_switches(W0, a, X, y, steps, lr):
    on, W = X @ W0.T > 0, W0
    start = np.maximum(X @ W0.T, 0) @ a / len(a) ** 0.5
    for _ in range(steps):
        f = start + (on * (X @ (W - W0).T)) @ a / len(a) ** 0.5
        W = W + lr * ((y - f)[:, None] * on * a).T @ X / (len(y) * len(a) ** 0.5)
    return W


def goes_on(W0, a, X, y, steps, lr):
    m, W = len(a), descent(W0, a, X, y, steps, lr)
    rich = descent(W, a / m**0.5, X, y, steps, lr * m)
    return np.array([shares(W0, W, a, X), shares(W0, rich, a, X)])


def last_input(W0, a, X, y, steps, lr):
    return descent(W0, a, X[-1:], y[-1:], steps, lr)


def shares(W0, W, a, X):
    K0, K1 = net_by_loop(W0, a, X), net_by_loop(W, a, X)
    return math.sqrt(((W - W0) ** 2).sum() / (W0**2).sum()), math.sqrt(((K1 - K0) ** 2).sum() / (K0**2).sum())


def rows(W0, a, X, y, steps, lr, power=1.0, step=None, train=in_combinations):
    """Both rows; the second has m**(-power / 2 - 1 / 2) in front and the step lr times m**step."""
    m = len(a)
    step = power if step is None else step
    scaled = a / m ** (power / 2)
    lazy, rich = train(W0, a, X, y, steps, lr), train(W0, scaled, X, y, steps, lr * m**step)
    return [shares(W0, lazy, a, X), shares(W0, rich, a, X)]


def order(labels):
    return lambda: labels


GENERIC = None  # no slip is recognised: the sentence says only what kind of answer is not right yet

WRONG = {
    "7.1": (
        (lambda X, Y: X @ Y.T, "This is the kernel of a net whose neurons are always on."),
        (lambda X, Y: X @ Y.T / 2, "A half is the share that is on for both when the angle is 0."),
        (lambda X, Y: X @ Y.T * (np.pi - ang(X, Y)) / (2 * np.pi) / X.shape[1], "shape[1]`, every time."),
        (lambda X, Y: limit(X, Y).T, "Is it transposed?"),
        (lambda X, Y: limit(X, X), "Expected an array of shape (3, 4);"),
        (
            lambda X, Y: X @ Y.T * (np.pi + ang(X, Y)) / (2 * np.pi),
            "Two half-planes share the less, the larger their angle:",
        ),
        (lambda X, Y: X @ Y.T * (1 - ang(X, Y)) / (2 * np.pi), GENERIC),
        (lambda X, Y: X @ Y.T * (180 - np.degrees(ang(X, Y))) / (2 * np.pi), "3 times the expected value, every time."),
        (lambda X, Y: ang(X, Y), "This is the angle θ."),
        (lambda X, Y: np.round(limit(X, Y), 1), "Yours are the right values, rounded to 1 decimals:"),
        (lambda X, Y: np.diag(limit(X, Y)), "Expected an array of shape (4, 4);"),
        (
            lambda X, Y: X @ Y.T * (np.pi - np.arccos(X @ Y.T / np.linalg.norm(X) / np.linalg.norm(Y))) / (2 * np.pi),
            "Without `axis=1`, np.linalg.norm is the length of a whole matrix.",
        ),
        (lambda X, Y: abs(limit(X, Y)), "Yours is the absolute value of the expected value, every time."),
        (lambda X, Y: X @ Y.T * np.arccos(np.clip(X @ Y.T, -1, 1)) / (2 * np.pi), GENERIC),
    ),
    "7.2": (
        (
            lambda W0, a, X: net_by_loop(W0, a, X) * len(a),
            "The factor 1/√m of the net enters twice, once for each gradient:",
        ),
        (lambda W0, a, X: kern(W0, np.abs(a), X) / a.max(), GENERIC),
        (
            lambda W0, a, X: (X @ X.T) * (((X @ W0.T > 0) * np.abs(a)) @ (X @ W0.T > 0).T) / len(a),
            "Each of the two gradients has a factor a_i:",
        ),
        (
            lambda W0, a, X: (X @ X.T) * (((X @ W0.T > 0) * a) @ (X @ W0.T > 0).T) / len(a),
            "Each of the two gradients has a factor a_i:",
        ),
        (
            lambda W0, a, X: (X @ X.T) * (((X @ W0.T > 0) * a**2) @ (X @ W0.T > 0).T) / X.shape[1],
            "You have divided by the dimension of the inputs.",
        ),
        (
            lambda W0, a, X: (X @ X.T) * (((X @ W0.T > 0) * a**2) @ (X @ W0.T > 0).T) / len(X),
            "You have divided by the number of inputs.",
        ),
        (lambda W0, a, X: X @ X.T, "The inner products of the inputs are one factor."),
        (lambda W0, a, X: limit(X, X), "This is the kernel of an infinitely wide net, of Exercise 7.1."),
        (
            lambda W0, a, X: np.maximum(X @ W0.T, 0) @ np.maximum(X @ W0.T, 0).T / len(a),
            "This is the inner product of the outputs of the first layer.",
        ),
        (lambda W0, a, X: np.diag(kern(W0, a, X)), "Expected an array of shape (3, 3);"),
        (summed, "Expected an array of shape (3, 3);"),
        (lambda W0, a, X: np.round(kern(W0, a, X), 2), "Yours are the right values, rounded to 2 decimals:"),
        (lambda W0, a, X: (W0 @ W0.T) * np.outer(a, a) / len(a), "Expected an array of shape (3, 3);"),
        (lambda W0, a, X: (X @ X.T) * (((X @ W0.T > 0) * a**2) @ np.ones((len(a), len(X)))) / len(a), GENERIC),
        (
            lambda W0, a, X: (X @ X.T) * (((X @ W0.T < 0) * a**2) @ (X @ W0.T < 0).T) / len(a),
            "These are the neurons that are off for both.",
        ),
    ),
    "7.4": (
        (residual_wrong_sign, "You climb:"),
        (factor_two, "Each step is twice as long as asked:"),
        (in_f, "Your function changes `f_new` itself and returns it, so that whoever called it"),
        (lost_alpha, "Your function stops with an error on this input."),
        (on_train, "Expected an array of shape (2,);"),
        (squared_steps, GENERIC),
        (lambda K, K_new, f, f_new, y, steps, lr: descend(K, K_new, f, f_new, y, steps, lr / 2), GENERIC),
        (
            lambda K, K_new, f, f_new, y, steps, lr: descend(K, K_new, f, f_new, y, steps, lr) - f_new,
            "That is how far f0 has moved.",
        ),
        (
            lambda K, K_new, f, f_new, y, steps, lr: K_new @ np.linalg.solve(K, y),
            "This is where a net that starts at zero ends.",
        ),
        (
            lambda K, K_new, f, f_new, y, steps, lr: descend(K / len(y), K_new, f, f_new, y, steps, lr),
            "You have divided K by n where it tells what has been learned.",
        ),
        (
            lambda K, K_new, f, f_new, y, steps, lr: descend(K, K_new / len(y), f, f_new, y, steps, lr),
            "You have divided by n once too often:",
        ),
        (
            lambda K, K_new, f, f_new, y, steps, lr: (
                f_new
                + K_new @ (np.eye(len(y)) - np.linalg.matrix_power(np.eye(len(y)) - lr * K / len(y), steps)) @ (y - f)
            ),
            GENERIC,
        ),
        (lambda K, K_new, f, f_new, y, steps, lr: f_new + lr * K_new @ (y - f) / len(y), "This is f0 after one step."),
        (lambda K, K_new, f, f_new, y, steps, lr: np.sign(descend(K, K_new, f, f_new, y, steps, lr)), GENERIC),
        (
            lambda K, K_new, f, f_new, y, steps, lr: descend(K, K_new, f, f_new, y, max(steps, 1), lr),
            "Right, but not where `steps` is 0.",
        ),
    ),
    "7.5": (
        (lambda K, y, f: (y - f) @ np.linalg.solve(K, y - f), "This is the square of the distance."),
        (lambda K, y, f: np.sqrt(y @ np.linalg.solve(K, y)), "The net does not start at zero:"),
        (
            lambda K, y, f: np.sqrt((y - f) @ np.linalg.solve(K, y - f) / len(y)),
            "Yours is the expected value divided by the square root of `len(K)`, every time.",
        ),
        (lambda K, y, f: np.linalg.solve(K, y - f), "Of the 4 values return the one that is asked for."),
        (lambda K, y, f: np.linalg.norm(K @ (y - f)), GENERIC),
        (lambda K, y, f: np.sqrt((y - f) @ np.linalg.solve(K @ K, y - f)), "That is the length of α."),
        (lambda K, y, f: np.sum(np.abs(np.linalg.solve(K, y - f))), GENERIC),
        (lambda K, y, f: np.sqrt((y + f) @ np.linalg.solve(K, y + f)), "You have added f."),
        (lambda K, y, f: np.sqrt(np.sum((y - f) ** 2 / np.diag(K))), "You have divided by the diagonal of K only."),
        (lambda K, y, f: np.sqrt(np.sum((y - f) ** 2 / np.linalg.eigvalsh(K))), GENERIC),
        (
            lambda K, y, f: np.linalg.norm(y - f) / np.sqrt(np.linalg.eigvalsh(K)[0]),
            "This is the largest distance that a residual of this length can need.",
        ),
        (
            lambda K, y, f: round(float(np.sqrt((y - f) @ np.linalg.solve(K, y - f))), 2),
            "Yours are the right values, rounded to 2 decimals:",
        ),
        (lambda K, y, f: np.sqrt(y @ np.linalg.solve(K, y) - f @ np.linalg.solve(K, f)), GENERIC),
    ),
    "7.6": (
        (lambda W, a: a @ W / np.sqrt(W.shape[1]), "You have divided by the root of the input's dimension."),
        (lambda W, a: W.T @ a, "The factor 1/√m of the net is missing."),
        (lambda W, a: 2 * a @ W / np.sqrt(len(a)), "Yours is 2 times the expected value, every time."),
        (lambda W, a: W.mean(axis=0), "This is the mean of the rows."),
        (lambda W, a: np.abs(a) @ W / np.sqrt(len(a)), "The output weights enter with their signs, not as |a_i|."),
        (lambda W, a: a**2 @ W / np.sqrt(len(a)), "The output weights enter once, not squared:"),
        (lambda W, a: (a[:, None] * W) / np.sqrt(len(a)), "Expected an array of shape (4,);"),
        (lambda W, a: np.sum(a @ W) / np.sqrt(len(a)), "Expected an array of shape (4,);"),
        (lambda W, a: -a @ W / np.sqrt(len(a)), "Only the sign is wrong:"),
        (
            lambda W, a: W @ a[: W.shape[1]] / np.sqrt(len(a)) if len(a) >= W.shape[1] else a @ W,
            "Expected an array of shape (4,);",
        ),
        (lambda W, a: np.zeros(W.shape[1]), "Yours is zero, every time."),
        (
            lambda W, a: a @ (W > 0) / np.sqrt(len(a)),
            "You have put the switch of the weights in the place of the weights.",
        ),
        (lambda W, a: lambda x: a @ W @ x / np.sqrt(len(a)), "Expected an array;"),
        (lambda W, a: np.round(a @ W / np.sqrt(len(a)), 2), "Yours are the right values, rounded to 2 decimals:"),
    ),
    "7.7": (
        (lambda k: mean_over(k, 20), GENERIC),
        (lambda k: mean_over(k, 200), "005 of the value at most, sometimes above and sometimes below, as from a"),
        (lambda k: mean_over(k, 2000, twice=False), "Half for k ≥ 1:"),
        (lambda k: mean_over(k, 2001, 0, 2 * np.pi), "π − |θ| is meant for angles from −π to π."),
        (lambda k: 1 / (np.pi * k) ** 2 if k else 1 / np.pi**2, GENERIC),
        (lambda k: (1 / (k - 1) ** 2 + 1 / (k + 1) ** 2) / np.pi**2 if k != 1 else 0.25, GENERIC),
        (
            lambda k: (1 / (k - 1) + 1 / (k + 1)) / np.pi**2 if k % 2 == 0 and k else coefficient(k),
            "In the series the j are squared:",
        ),
        (
            lambda k: 4 / (np.pi * k**2) if k % 2 else (np.pi / 2 if k == 0 else 0.0),
            "This is the series of π − |θ| that you were given.",
        ),
        (
            lambda k: abs(coefficient(k)) * (-1) ** k,
            "Yours has the right size every time, and not always the right sign.",
        ),
        (lambda k: coefficient(k) if k else 0.25, "Right, but not where `k` is 0."),
        (lambda k: coefficient(k) if k else 0.0, "Right, but not where `k` is 0."),
        (lambda k: coefficient(k) if k != 1 else 0.5, "Right, but not where `k` is 1."),
        (lambda k: round(coefficient(k), 2), "Yours are the right values, rounded to 2 decimals:"),
        (lambda k: 0.0 if k % 2 == 0 else coefficient(k), "The odd frequencies are right."),
    ),
    "7.8": (
        (frozen_switches, "You have kept the switches of W0 for ever: this trains f0, not the net."),
        (lambda W0, a, X, y, steps, lr: descent(W0, a, X, y, steps, lr, root=1.0), "The factor 1/√m is missing:"),
        (
            lambda W0, a, X, y, steps, lr: descent(W0, a, X, y, steps, lr, mean=False),
            "You have summed over the inputs. The loss is a mean:",
        ),
        (lambda W0, a, X, y, steps, lr: descent(W0, a, X, y, steps, 2 * lr), "Each step is twice as long as asked:"),
        (
            lambda W0, a, X, y, steps, lr: descent(W0, a, X, y, steps, lr, gate=False),
            "You have differentiated as if every neuron were on.",
        ),
        (
            lambda W0, a, X, y, steps, lr: descent(W0, a, X, y, steps, lr, second=False),
            "The second layer is missing from the derivative:",
        ),
        (lambda W0, a, X, y, steps, lr: descent(W0, a, X, y, steps, lr, targets=0.0), "The targets are missing:"),
        (lambda W0, a, X, y, steps, lr: descent(W0, a, X, y, steps, lr, targets=-1.0), "You have added f to y."),
        (lambda W0, a, X, y, steps, lr: descent(W0, a, X, y, steps, lr, sign=-1.0), "You climb:"),
        (lambda W0, a, X, y, steps, lr: descent(W0, np.sign(a), X, y, steps, lr), GENERIC),
        (lambda W0, a, X, y, steps, lr: descent(W0, a, X, y, 1, lr), "This is one step."),
        (lambda W0, a, X, y, steps, lr: descent(W0, a, X, y, steps + 1, lr), "One step too many."),
        (lambda W0, a, X, y, steps, lr: W0 - descent(W0, a, X, y, steps, lr), GENERIC),
        (lambda W0, a, X, y, steps, lr: descent(W0, a, X, y, steps, lr) - W0, "This is the way, W − W0."),
        (lambda W0, a, X, y, steps, lr: descent(W0, a, X, y, steps, lr).T, "Is it transposed?"),
        (into_w0, "Your function changes `W0` itself"),
        (last_input, GENERIC),
        (lambda W0, a, X, y, steps, lr: descent(W0, a, X, y, steps, lr * len(a)), GENERIC),
    ),
    "7.9": (
        (lambda W0, W, a, X: (np.linalg.norm(W - W0), shares(W0, W, a, X)[1]), "The first number is the distance."),
        (
            lambda W0, W, a, X: (np.linalg.norm(W - W0) / np.linalg.norm(W), shares(W0, W, a, X)[1]),
            "The first number is a share of the length of W, after training.",
        ),
        (
            lambda W0, W, a, X: (np.linalg.norm(W) / np.linalg.norm(W0) - 1, shares(W0, W, a, X)[1]),
            "The first number says how much longer W has become.",
        ),
        (
            lambda W0, W, a, X: (np.linalg.norm(W - W0, 2) / np.linalg.norm(W0, 2), shares(W0, W, a, X)[1]),
            "The first number uses the largest singular values.",
        ),
        (lambda W0, W, a, X: shares(W0, W, a, X)[::-1], "The order is weights first, kernel second."),
        (lambda W0, W, a, X: shares(W0, W, np.ones(len(a)), X), "Your kernel counts every neuron once."),
        (
            lambda W0, W, a, X: (shares(W0, W, a, X)[0], np.linalg.norm(kern(W, a, X) - kern(W0, a, X))),
            "The second number is the move of the kernel.",
        ),
        (
            lambda W0, W, a, X: (
                shares(W0, W, a, X)[0],
                np.linalg.norm(kern(W, a, X)) / np.linalg.norm(kern(W0, a, X)) - 1,
            ),
            "The second number says how much the norm has grown.",
        ),
        (
            lambda W0, W, a, X: tuple(share**2 for share in shares(W0, W, a, X)),
            "Value 1 of 2: Yours is the square of the expected value, every time.",
        ),
        (lambda W0, W, a, X: (shares(W0, W, a, X)[0], 0.0), "Your two kernels are the same:"),
        (lambda W0, W, a, X: (shares(W0, W, a, X)[0], limit(X, X).sum()), "Of the 2 values number 1 is right,"),
        (lambda W0, W, a, X: shares(W0, W, a, X)[0], "Expected 2 separate values; yours is a number."),
        (lambda W0, W, a, X: tuple(100 * share for share in shares(W0, W, a, X)), "Yours is 100 times"),
        (
            lambda W0, W, a, X: (
                shares(W0, W, a, X)[0],
                np.linalg.norm(kern(W, a, X)) / np.linalg.norm(kern(W0, a, X)),
            ),
            "The second number compares the two norms.",
        ),
        (
            lambda W0, W, a, X: (shares(W0, W, a, X)[0], (np.abs(kern(W, a, X) - kern(W0, a, X))).mean()),
            "number 2 is not yet.",
        ),
    ),
    "7.10": (
        (lambda W0, a, X, y, steps, lr: rows(W0, a, X, y, steps, lr, step=0), "Your second net takes the short step:"),
        (
            lambda W0, a, X, y, steps, lr: rows(W0, a, X, y, steps, lr, step=0.5),
            "Your second step is √m times as long.",
        ),
        (
            lambda W0, a, X, y, steps, lr: rows(W0, a, X, y, steps, lr, step=-1),
            "Your second step is m times shorter than the first.",
        ),
        (
            lambda W0, a, X, y, steps, lr: rows(W0, a, X, y, steps, lr, power=2, step=1),
            "Your second net has m^(−3/2) in front:",
        ),
        (
            lambda W0, a, X, y, steps, lr: rows(W0, a, X, y, steps, lr, power=0, step=1),
            "Your second net has a long step, but still 1/√m in front.",
        ),
        (lambda W0, a, X, y, steps, lr: rows(W0, a, X, y, steps, lr)[::-1], "The first row belongs to 1/√m,"),
        (
            lambda W0, a, X, y, steps, lr: np.transpose(rows(W0, a, X, y, steps, lr)),
            "A row belongs to a factor, a column to what has moved:",
        ),
        (lambda W0, a, X, y, steps, lr: rows(W0, a, X, y, 1, lr), "These are the values after one step."),
        (lambda W0, a, X, y, steps, lr: rows(W0, a, X, y, steps, lr)[:1] * 2, "Both rows belong to the factor 1/√m."),
        (lambda W0, a, X, y, steps, lr: rows(W0, a, X, y, steps, lr, power=2), GENERIC),
        (goes_on, "Your second training goes on from where the first has ended."),
        (lambda W0, a, X, y, steps, lr: rows(W0, a, X, y, steps, lr)[0], "Expected an array of shape (2, 2);"),
        (
            lambda W0, a, X, y, steps, lr: np.array(rows(W0, a, X, y, steps, lr)) ** 2,
            "Yours is the square of the expected value, every time.",
        ),
        (lambda W0, a, X, y, steps, lr: [pair[::-1] for pair in rows(W0, a, X, y, steps, lr)], GENERIC),
        (
            lambda W0, a, X, y, steps, lr: rows(W0, a, X, y, steps, lr, power=0, step=0),
            "Both rows belong to the factor",
        ),
    ),
    "7.11": (
        (order("F C H B I D G"), "Line B: The two events are not independent:"),
        (order("F C H A E D G"), "Line E: P² = P makes p the mean of the square."),
        (order("F C H A J G"), "Line J: True, with the same rate, and not needed:"),
        (order("C H A I D G"), "Line C is not founded yet: A kernel is a product of two gradients:"),
        (order("F C A I D G"), "Line A is not founded yet: Only directions in the plane count"),
        (order("F C H I D G"), "Line I is not founded yet: The variance of an indicator hangs on its chance"),
        (order("F C H A D G"), "Line D is not founded yet: The variance of a mean comes from that of one term,"),
        (order("F C H A I G"), "Line G is not founded yet: The variance of the mean is what the last line needs,"),
        (order("F H A I D G"), "Line G is not founded yet: What has the kernel to do with the indicators?"),
        (order("F C H A I D"), "Each line stands on those above it, but they do not arrive:"),
        (order("G D I A H C F"), "Line G is not founded yet: What has the kernel to do with the indicators?"),
        (order("F C H A I D G G"), "Line G stands twice: once is enough."),
        (order("A B C D E F G H I J"), "Line A is not founded yet: Only directions in the plane count"),
    ),
}

RIGHT = {
    "7.1": (
        lambda X, Y: [
            [
                float(
                    x @ y * (math.pi - math.acos(max(-1, min(1, x @ y / math.sqrt((x @ x) * (y @ y)))))) / (2 * math.pi)
                )
                for y in Y
            ]
            for x in X
        ],
        lambda X, Y: (
            torch.tensor(X)
            @ torch.tensor(Y).T
            * (
                torch.pi
                - torch.arccos(
                    torch.clamp(
                        torch.nn.functional.normalize(torch.tensor(X))
                        @ torch.nn.functional.normalize(torch.tensor(Y)).T,
                        -1,
                        1,
                    )
                )
            )
            / (2 * torch.pi)
        ),
        lambda A, B: limit(A, B),
    ),
    "7.2": (
        net_by_loop,
        by_autograd,
        by_vmap,
        lambda W0, a, X: np.einsum("ir,jr,r,ij->ij", X @ W0.T > 0, X @ W0.T > 0, a**2, X @ X.T) / len(a),
    ),
    "7.4": (
        lambda K, K_new, f, f_new, y, steps, lr: (
            f_new
            + K_new
            @ sum(
                (
                    np.linalg.matrix_power(np.eye(len(y)) - lr * K / len(y), t) @ (y - f) * lr / len(y)
                    for t in range(steps)
                ),
                np.zeros(len(y)),
            )
        ),
        lambda K, K_new, f, f_new, y, steps, lr: (
            f_new
            + K_new
            @ np.linalg.solve(
                K, (np.eye(len(y)) - np.linalg.matrix_power(np.eye(len(y)) - lr * K / len(y), steps)) @ (y - f)
            )
        ),
        lambda K, K_new, f, f_new, y, steps, lr: torch.tensor(descend(K, K_new, f, f_new, y, steps, lr)),
    ),
    "7.5": (
        lambda K, y, f: np.linalg.norm(np.linalg.solve(np.linalg.cholesky(K), y - f)),
        lambda K, y, f: float(np.sqrt((y - f) @ np.linalg.inv(K) @ (y - f))),
        lambda K, targets, start: torch.sqrt(
            (torch.tensor(targets - start) @ torch.linalg.solve(torch.tensor(K), torch.tensor(targets - start)))
        ),
    ),
    "7.6": (
        lambda W, a: sum(a[i] * W[i] for i in range(len(a))) / math.sqrt(len(a)),
        lambda W, a: [
            float(a @ np.maximum(W @ e, 0) - a @ np.maximum(-W @ e, 0)) / math.sqrt(len(a)) for e in np.eye(W.shape[1])
        ],
        lambda W, a: torch.tensor(W).T @ torch.tensor(a) / len(a) ** 0.5,
    ),
    "7.7": (
        lambda k: mean_over(k, 20_001),
        lambda k: (
            Fraction(1, 4)
            if k == 1
            else 0
            if k % 2
            else 2 * (k * k + 1) / (math.pi * (k * k - 1)) ** 2 / (2 if k == 0 else 1)
        ),
        lambda k: (
            np.trapezoid(np.cos(t := np.linspace(0, np.pi, 100_001)) * (np.pi - t) / (2 * np.pi) * np.cos(k * t), t)
            * (2 if k else 1)
            / np.pi
        ),
    ),
    "7.8": (descent, by_torch_descent, recursive_descent, in_combinations),
    "7.9": (
        shares,
        lambda W0, W, a, X: np.array(shares(W0, W, a, X)),
        lambda W0, W, a, X: (
            torch.norm(torch.tensor(W - W0)) / torch.norm(torch.tensor(W0)),
            torch.norm(torch.tensor(kern(W, a, X) - kern(W0, a, X))) / torch.norm(torch.tensor(kern(W0, a, X))),
        ),
    ),
    "7.10": (
        lambda W0, a, X, y, steps, lr: np.array(rows(W0, a, X, y, steps, lr)),
        lambda W0, a, X, y, steps, lr: rows(W0, a, X, y, steps, lr, train=recursive_descent),
        lambda W0, a, X, y, steps, lr: torch.tensor(rows(W0, a, X, y, steps, lr, train=descent)),
    ),
    "7.11": (order("F C H A I D G"), order("H A I D F C G"), lambda: "h -> a, f, c, i, d, g"),
}
