"""Exercises of Chapter 7, wide nets as kernels."""

import numpy as np

from course_utils.exercises import Card, Exercise, Prediction, Written, proof, slips


def _rounded(rng, n, d):
    rows = np.round(rng.normal(size=(n, d)), 1)
    rows[:, 0] += np.where(rows[:, 0] >= 0, 0.5, -0.5)  # no row is zero
    return rows


def _two_groups(rng):
    n, p, d = (int(k) for k in rng.integers(2, 5, size=3))
    return {"X": _rounded(rng, n, d), "Y": _rounded(rng, p, d)}


def limit_kernel(X, Y):
    products = X @ Y.T
    lengths = np.outer(np.linalg.norm(X, axis=1), np.linalg.norm(Y, axis=1))
    # Or `theta = np.arccos(np.clip(-1, products / lengths, 1))`: the middle one of three numbers.
    theta = np.arccos(np.clip(products / lengths, -1, 1))
    return products * (np.pi - theta) / (2 * np.pi)


# Parallel rows, whose cosine may come out as 1.0000000000000002.
_PARALLEL = {
    "X": np.array([[1.3, -0.8, 1.7], [1.8, 1.3, 0.4]]),
    "Y": np.array([[1.3, -0.8, 1.7], [-1.3, 0.8, -1.7], [3.6, 2.6, 0.8], [-5.4, -3.9, -1.2]]),
}


def _unclipped(X, Y):
    lengths = np.outer(np.linalg.norm(X, axis=1), np.linalg.norm(Y, axis=1))
    with np.errstate(invalid="ignore"):
        return X @ Y.T * (np.pi - np.arccos(X @ Y.T / lengths)) / (2 * np.pi)


def _clipped_above(X, Y):
    lengths = np.outer(np.linalg.norm(X, axis=1), np.linalg.norm(Y, axis=1))
    with np.errstate(invalid="ignore"):
        return X @ Y.T * (np.pi - np.arccos(np.minimum(X @ Y.T / lengths, 1))) / (2 * np.pi)


def _angle(X, Y):
    lengths = np.outer(np.linalg.norm(X, axis=1), np.linalg.norm(Y, axis=1))
    return np.arccos(np.clip(X @ Y.T / lengths, -1, 1)), lengths


def _first_order(X, Y):
    theta, lengths = _angle(X, Y)
    return lengths * (np.sin(theta) + (np.pi - theta) * np.cos(theta)) / (2 * np.pi)


def _whole_angle(X, Y):
    return np.arccos(np.clip(X @ Y.T / (np.linalg.norm(X) * np.linalg.norm(Y)), -1, 1))


exercise_1 = Exercise(
    *Card("7.1", "build, stage 2: the kernel of an infinitely wide net", points=2, difficulty=2, minutes=5),
    kind="build",
    cases=_two_groups,
    reference=limit_kernel,
    edge_cases=(_PARALLEL,),
    rtol=1e-3,  # an arccosine loses half of its digits near 0 and π, which leaves four of float32
    atol=1e-3,
    misconceptions=slips(
        _unclipped,
        "Right, but for parallel inputs rounding may give the cosine 1.0000000000000002, whose angle "
        "is nan. Clip the cosine to [-1, 1].",
        _clipped_above,
        "Right, but for opposite inputs rounding may give the cosine −1.0000000000000002, whose angle is "
        "nan, too. Clip it on both sides.",
        lambda X, Y: X @ Y.T * (np.pi - np.arccos(np.clip(X @ Y.T, -1, 1))) / (2 * np.pi),
        "The rows are not unit vectors: divide xᵀx' by both lengths before you take the angle.",
        lambda X, Y: X @ Y.T / _angle(X, Y)[1] * (np.pi - _angle(X, Y)[0]) / (2 * np.pi),
        "The angle needs unit vectors, the factor in front does not: it is xᵀx' with its lengths.",
        lambda X, Y: (np.pi - _angle(X, Y)[0]) / (2 * np.pi),
        "This is the chance that a neuron is on for both. The kernel multiplies it by xᵀx'.",
        lambda X, Y: X @ Y.T * _angle(X, Y)[0] / (2 * np.pi),
        "θ/(2π) is the chance to be on for x and off for x'. Both on is what is left of a half.",
        lambda X, Y: X @ Y.T * (np.pi - _angle(X, Y)[0]) / np.pi,
        "Twice too large: for x = x' a neuron is on with chance 1/2, not 1.",
        lambda X, Y: X @ Y.T,
        "This is the kernel of a net whose neurons are always on. The share that is on for both inputs is missing.",
        lambda X, Y: X @ Y.T / 2,
        "A half is the share that is on for both when the angle is 0. It falls with the angle.",
        lambda X, Y: X @ Y.T * (np.pi + _angle(X, Y)[0]) / (2 * np.pi),
        "Two half-planes share the less, the larger their angle: π − θ, not π + θ.",
        lambda X, Y: X @ Y.T * (np.pi - _whole_angle(X, Y)) / (2 * np.pi),
        "Without `axis=1`, np.linalg.norm is the length of a whole matrix. Each row has its own.",
        lambda X, Y: _angle(X, Y)[0],
        "This is the angle θ. The kernel is the inner product times the share (π − θ)/(2π).",
        _first_order,
        "This averages σ(wᵀx)σ(wᵀx'), the covariance of the outputs. The kernel averages slopes.",
    ),
    after="The same function for every random start: in the limit the luck of the draw is gone.",
)


def _small_net(rng):
    m, n, d = int(rng.integers(3, 7)), int(rng.integers(2, 4)), int(rng.integers(2, 4))
    while True:
        W0, X = np.round(rng.normal(size=(m, d)), 1), _rounded(rng, n, d)
        on = W0 @ X.T > 0
        if np.abs(W0 @ X.T).min() > 1e-6 and 1 < on.sum() < m * n:
            return {"W0": W0, "a": np.round(rng.choice([-1, 1], m) * rng.uniform(0.5, 2, m), 1), "X": X}


def net_kernel(W0, a, X):
    # Or `on = X @ W0.T >= 0`: no input sits on a kink.
    on = X @ W0.T > 0
    return (X @ X.T) * ((on * a**2) @ on.T) / len(a)


def _kernel_with(W0, a, X, weight, divisor, gate=lambda u: u > 0):
    on = gate(X @ W0.T)
    return (X @ X.T) * ((on * weight) @ on.T) / divisor


exercise_2 = Exercise(
    *Card("7.2", "build, stage 1: a kernel without gradients", points=4, difficulty=3, minutes=8),
    kind="build",
    cases=_small_net,
    reference=net_kernel,
    misconceptions=slips(
        lambda W0, a, X: _kernel_with(W0, a, X, a**2, 1),
        "The factor 1/√m of the net enters twice, once for each gradient: divide by m.",
        lambda W0, a, X: _kernel_with(W0, a, X, a**2, np.sqrt(len(a))),
        "Each of the two gradients has a factor 1/√m: together they make 1/m.",
        lambda W0, a, X: _kernel_with(W0, a, X, a, len(a)),
        "Each of the two gradients has a factor a_i: a neuron counts with a_i².",
        lambda W0, a, X: (X @ X.T) * ((X @ W0.T > 0) @ (X @ W0.T > 0).T) / len(a),
        "A matrix product of booleans asks whether any neuron is on for both. To count them, multiply "
        "one of the factors by numbers first: by a_i².",
        lambda W0, a, X: _kernel_with(W0, a, X, 1.0, len(a)),
        "You count every neuron once. That is right for random signs; here a has other sizes.",
        lambda W0, a, X: _kernel_with(W0, a, X, a**2, len(a), lambda u: np.maximum(u, 0)),
        "You have multiplied the outputs σ(w·x). The derivative of σ is a switch, 0 or 1.",
        lambda W0, a, X: ((X @ W0.T > 0) * a**2) @ (X @ W0.T > 0).T / len(a),
        "The switches are right. The gradient by w_i is also a multiple of x: where is xᵀx'?",
        lambda W0, a, X: (X @ X.T) @ (((X @ W0.T > 0) * a**2) @ (X @ W0.T > 0).T) / len(a),
        "Entry by entry, with *: each pair of inputs has its own inner product and its own count.",
        lambda W0, a, X: _kernel_with(W0, a, X, np.abs(a), len(a)),
        "Each of the two gradients has a factor a_i: together a_i², not |a_i|.",
        lambda W0, a, X: _kernel_with(W0, a, X, a**2, X.shape[1]),
        "You have divided by the dimension of the inputs. The net's factor 1/√m, squared, is one over the number of "
        "neurons, len(a).",
        lambda W0, a, X: _kernel_with(W0, a, X, a**2, len(X)),
        "You have divided by the number of inputs. The net's factor 1/√m, squared, is one over the number of neurons, "
        "len(a).",
        lambda W0, a, X: X @ X.T,
        "The inner products of the inputs are one factor. The other counts the neurons that are on for both.",
        lambda W0, a, X: limit_kernel(X, X),
        "This is the kernel of an infinitely wide net, of Exercise 7.1. Asked is that of the net at hand, with its W0.",
        lambda W0, a, X: np.maximum(X @ W0.T, 0) @ np.maximum(X @ W0.T, 0).T / len(a),
        "This is the inner product of the outputs of the first layer. Asked are gradients by W, which have switches.",
        lambda W0, a, X: _kernel_with(W0, a, X, a**2, len(a), lambda u: u < 0),
        "These are the neurons that are off for both. A gradient passes those that are on.",
    ),
    after="Two thin matrix products in place of n gradients of m·d numbers each.",
)


def _descent(rng):
    n, p, d = int(rng.integers(2, 5)), int(rng.integers(1, 4)), 4
    X, X_new = _rounded(rng, n, d), _rounded(rng, p, d)
    K = limit_kernel(X, X)
    return {
        "K": K,
        "K_new": limit_kernel(X_new, X),
        "f": np.round(rng.normal(size=n), 1),
        "f_new": np.round(rng.normal(size=p), 1),
        "y": rng.choice([-2.0, 2.0], size=n),
        "steps": int(rng.integers(2, 9)),
        "lr": round(float(rng.uniform(0.3, 1.2) * n / np.linalg.eigvalsh(K)[-1]), 2),
    }


def after_descent(K, K_new, f, f_new, y, steps, lr):
    alpha = np.zeros(len(y))
    for _ in range(steps):
        # Or `alpha += lr / len(y) * (y - f - alpha @ K)`: K is symmetric.
        alpha += lr / len(y) * (y - f - K @ alpha)
    return f_new + K_new @ alpha


def _moved_too_early(K, K_new, f, f_new, y, steps, lr):
    for _ in range(steps):
        f = f + lr / len(y) * K @ (y - f)
        f_new = f_new + lr / len(y) * K_new @ (y - f)
    return f_new


exercise_4 = Exercise(
    *Card("7.4", "build, stage 3: train without a net", points=4, difficulty=3, minutes=8),
    kind="build",
    cases=_descent,
    allows=lambda K, **_: np.linalg.matrix_rank(K) == len(K),
    edge_cases=tuple({**_descent(np.random.default_rng(7)), "steps": steps} for steps in (0, 1, 60)),
    reference=after_descent,
    rtol=1e-7,
    misconceptions=slips(
        lambda K, K_new, f, f_new, y, steps, lr: after_descent(K, K_new, f, 0, y, steps, lr),
        "That is how far f0 has moved. It started at f_new.",
        lambda K, K_new, f, f_new, y, steps, lr: after_descent(K, K_new, 0 * f, f_new, y, steps, lr),
        "The residual is what is missing, y − f: the net did not start at zero on its inputs.",
        lambda K, K_new, f, f_new, y, steps, lr: after_descent(K, K_new, f, f_new, y, steps, lr * len(y)),
        "The loss is a mean over n inputs: so is its gradient. Divide by n.",
        lambda K, K_new, f, f_new, y, steps, lr: f_new + K_new @ np.linalg.solve(K, y - f),
        "This is where descent ends. After finitely many steps it is still on its way.",
        lambda K, K_new, f, f_new, y, steps, lr: f_new + K_new @ (y - f) * lr * steps / len(y),
        "Every step sees the residual of the step before: subtract what has been learned, K @ alpha.",
        _moved_too_early,
        "The new inputs move by the residual that the training inputs have before the step: compute y − f "
        "once for both.",
        lambda K, K_new, f, f_new, y, steps, lr: after_descent(K, K_new, f, f_new, y, steps - 1, lr),
        "One step too few.",
        lambda K, K_new, f, f_new, y, steps, lr: after_descent(K, K_new, f, f_new, y, steps + 1, lr),
        "One step too many.",
        lambda K, K_new, f, f_new, y, steps, lr: after_descent(K, K_new, f, f_new, y, steps, -lr),
        "You climb: the residual is y − f, not f − y, and every step makes it smaller.",
        lambda K, K_new, f, f_new, y, steps, lr: after_descent(-K, K_new, f, f_new, y, steps, lr),
        "What has been learned is no longer missing: the residual is now y − f − K @ alpha.",
        lambda K, K_new, f, f_new, y, steps, lr: after_descent(K, -K_new, f, f_new, y, steps, lr),
        "The sign is turned round: descent moves f towards y.",
        lambda K, K_new, f, f_new, y, steps, lr: after_descent(K, K_new, f, f_new, y, steps, 2 * lr),
        "Each step is twice as long as asked: the gradient of the loss is −(1/n) Σ r_j ∇f(x_j), without a 2.",
        lambda K, K_new, f, f_new, y, steps, lr: K_new @ np.linalg.solve(K, y),
        "This is where a net that starts at zero ends. Yours starts at f and f_new, and takes finitely many steps.",
        lambda K, K_new, f, f_new, y, steps, lr: after_descent(K, K_new, f, f_new, y, 1, lr),
        "This is f0 after one step. Repeat it: the residual has changed.",
        lambda K, K_new, f, f_new, y, steps, lr: after_descent(K / len(y), K_new, f, f_new, y, steps, lr),
        "You have divided K by n where it tells what has been learned. On the training inputs f0 is f + K α, whole.",
        lambda K, K_new, f, f_new, y, steps, lr: f_new + (after_descent(K, K_new, f, 0, y, steps, lr)) / len(y),
        "You have divided by n once too often: α has its 1/n already, and f0 is f_new + K_new α.",
    ),
    after="No weight was touched: K and the start are all that gradient descent on f0 knows of the net.",
)


def _interpolation(rng):
    while True:
        X = _rounded(rng, int(rng.integers(2, 5)), 5)
        K = limit_kernel(X, X)
        if np.linalg.cond(K) < 100:
            y, f = rng.choice([-1.0, 1.0], size=len(X)), np.round(rng.normal(size=len(X)), 1)
            return {"K": K, "y": y, "f": f}


def distance(K, y, f):
    residual = y - f
    # Or `return np.sqrt(np.linalg.solve(K, residual) @ residual)`: an inner product is symmetric.
    return np.sqrt(residual @ np.linalg.solve(K, residual))


exercise_5 = Exercise(
    *Card("7.5", "the whole way", points=2, difficulty=3, minutes=5),
    cases=_interpolation,
    reference=distance,
    rtol=1e-7,
    misconceptions=slips(
        lambda K, y, f: distance(K, y, f) ** 2,
        "This is the square of the distance.",
        lambda K, y, f: np.sqrt((y - f) @ K @ (y - f)),
        "You have put the residual in the place of α. At the end of descent K α equals "
        "the residual of the start, y − f.",
        lambda K, y, f: np.linalg.norm(np.linalg.solve(K, y - f)),
        "That is the length of α. W − W0 = Σ α_j ∇f(x_j), and these gradients are not orthonormal.",
        lambda K, y, f: distance(K, y, 0 * f),
        "The net does not start at zero: what it has to learn is y − f.",
        lambda K, y, f: np.linalg.norm(y - f),
        "That is how far the outputs must go. How far must the weights go to move the outputs by that much?",
        lambda K, y, f: distance(K, y, -f),
        "You have added f. What is left to learn is y − f.",
        lambda K, y, f: np.sqrt(np.abs(y @ np.linalg.solve(K, y) - f @ np.linalg.solve(K, f))),
        "The squares of two distances from zero do not subtract: put y − f in before you square.",
        lambda K, y, f: np.sqrt(np.sum((y - f) ** 2 / np.diag(K))),
        "You have divided by the diagonal of K only. The inputs are not orthogonal: solve with the whole K.",
        lambda K, y, f: np.linalg.norm(y - f) / np.sqrt(np.linalg.eigvalsh(K)[0]),
        "This is the largest distance that a residual of this length can need. Yours lies along all eigenvectors of K.",
    ),
    after="Targets along a small eigenvalue of K are far away: that is what makes a problem hard.",
)


def _any_net(rng):
    m, d = int(rng.integers(2, 7)), int(rng.integers(2, 5))
    return {"W": np.round(rng.normal(size=(m, d)), 1), "a": np.round(rng.normal(size=m), 1)}


def odd_direction(W, a):
    return a @ W / np.sqrt(len(a))


exercise_6 = Exercise(
    *Card("7.6", "the odd part of a net", points=2, difficulty=2, minutes=5),
    cases=_any_net,
    reference=odd_direction,
    misconceptions=slips(
        lambda W, a: a @ W,
        "The factor 1/√m of the net is missing.",
        lambda W, a: a @ W / len(a),
        "The factor of the net is 1/√m, not 1/m.",
        lambda W, a: a @ W / (2 * np.sqrt(len(a))),
        "Half of it: f(x) − f(−x) is asked for, without the 1/2 of the odd part.",
        lambda W, a: W.sum(axis=0) / np.sqrt(len(a)),
        "Each neuron enters with its output weight a_i.",
        lambda W, a: a @ np.maximum(W, 0) / np.sqrt(len(a)),
        "σ acts on w·x, not on the weights. What is σ(u) − σ(−u)?",
        lambda W, a: a @ np.abs(W) / np.sqrt(len(a)),
        "σ(u) + σ(−u) is |u|. Here they are subtracted.",
        lambda W, a: a @ W / np.sqrt(W.shape[1]),
        "You have divided by the root of the input's dimension. The net has 1/√m, m = len(a) neurons.",
        lambda W, a: W.mean(axis=0),
        "This is the mean of the rows. Each enters with its a_i, and the net has 1/√m in front.",
        lambda W, a: np.abs(a) @ W / np.sqrt(len(a)),
        "The output weights enter with their signs, not as |a_i|.",
        lambda W, a: a**2 @ W / np.sqrt(len(a)),
        "The output weights enter once, not squared: this is no kernel.",
        lambda W, a: a @ (W > 0) / np.sqrt(len(a)),
        "You have put the switch of the weights in the place of the weights. σ(u) − σ(−u) is u itself, for every u.",
    ),
    after="You have just shown what no net without biases, however wide and however trained, can be.",
)


def circle_coefficient(k):
    if k % 2 == 1:
        return 1 / 4 if k == 1 else 0.0
    total = 1 / (k - 1) ** 2 + 1 / (k + 1) ** 2
    # Or `return total / np.pi ** 2 if k > 1 else total / (2 * np.pi ** 2)`: k = 1 has its answer by then.
    return total / np.pi**2 if k > 0 else total / (2 * np.pi**2)


def _one_of_two(k, j):
    return circle_coefficient(k) if k == 0 or k % 2 else 1 / (np.pi * j) ** 2


def _over_one_turn_from_zero(k):
    theta = np.linspace(0, 2 * np.pi, 2001)
    kernel = np.cos(theta) * (np.pi - np.abs(theta)) / (2 * np.pi)
    return (2 if k > 0 else 1) * np.mean(kernel * np.cos(k * theta))


exercise_7 = Exercise(
    *Card("7.7", "which frequencies does the kernel hear?", points=4, difficulty=4, minutes=8),
    cases=lambda rng: {"k": int(rng.integers(0, 13))},
    edge_cases=tuple({"k": k} for k in (0, 1, 2, 3, 4, 20)),
    reference=circle_coefficient,
    rtol=1e-3,  # the mean over np.linspace(-np.pi, np.pi, 2000), with both ends, is off by 1/2000
    atol=1e-6,  # and meets a kink, where the coefficient is zero, too
    misconceptions=slips(
        lambda k: 2 * circle_coefficient(k),
        "Twice the coefficient, for every k: the kernel is cos θ (π − θ)/(2π), and at θ = 0 it is 1/2.",
        lambda k: circle_coefficient(k) / 2,
        "Half the coefficient, for every k: at θ = 0 the coefficients add up to 1/2.",
        lambda k: circle_coefficient(k) * (1 if k % 2 else 2),
        "Right for odd k, twice too large for even k: cos θ cos jθ has a factor 1/2.",
        lambda k: _one_of_two(k, k - 1),
        "Right as far as it goes, but for k ≥ 2 also j = k + 1 makes cos kθ: its share is missing.",
        lambda k: _one_of_two(k, k + 1),
        "Right as far as it goes, but for k ≥ 2 also j = k − 1 makes cos kθ: its share is missing.",
        lambda k: circle_coefficient(k) / (2 if k > 0 else 1),
        "Half for k ≥ 1: the mean of cos² over the circle is 1/2, so divide by it.",
        lambda k: circle_coefficient(k) * (1 if k > 0 else 2),
        "Right but for k = 0: there the coefficient is the plain mean.",
        lambda k: circle_coefficient(k) * (k != 1),
        "Right but for k = 1: cos θ itself is in the kernel.",
        lambda k: circle_coefficient(k) * 2 * np.pi,
        "2π times too large: either the kernel's 1/(2π) is missing, or you have integrated over the circle and "
        "not divided by its length.",
        lambda k: 2 / (np.pi * k) ** 2 if k % 2 else (0.25 if k == 0 else 0.0),
        "This is the series of (π − θ)/(2π). Multiplied by cos θ it shifts every frequency.",
        lambda k: circle_coefficient(k) if k % 2 == 0 or k == 1 else (1 / (k - 1) ** 2 + 1 / (k + 1) ** 2) / np.pi**2,
        "Right but for the odd k from 3 on: j = k − 1 and k + 1 are even there, and the series has odd j only.",
        lambda k: circle_coefficient(k) if k % 2 or k == 0 else (1 / (k - 1) + 1 / (k + 1)) / np.pi**2,
        "In the series the j are squared: 1/j².",
        lambda k: 4 / (np.pi * k**2) if k % 2 else (np.pi / 2 if k == 0 else 0.0),
        "This is the series of π − |θ| that you were given. The kernel multiplies it by cos θ/(2π).",
        lambda k: circle_coefficient(k) if k % 2 else 0.0,
        "The odd frequencies are right. The even ones are not zero: cos θ cos jθ with an odd j makes even ones.",
        _over_one_turn_from_zero,
        "π − |θ| is meant for angles from −π to π. Yours run from 0 to 2π, where it turns negative.",
    ),
    after="Every even frequency, and of the odd ones only the first: Exercise 7.6 in numbers.",
)


def _training(rng):
    m, n, d = int(rng.integers(1, 7)), int(rng.integers(1, 4)), int(rng.integers(1, 4))
    return {
        "W0": rng.normal(size=(m, d)),
        "a": np.round(rng.choice([-1, 1], m) * rng.uniform(0.5, 2, m), 1),
        "X": rng.normal(size=(n, d)),
        "y": np.round(rng.uniform(-2, 2, size=n), 1),
        "steps": int(rng.integers(1, 5)),
        "lr": round(rng.uniform(0.1, 1.0), 1),
    }


def descend(W0, a, X, y, steps, lr):
    W, root = W0, np.sqrt(len(a))
    for _ in range(steps):
        Z = X @ W.T
        missing = (y - np.maximum(Z, 0) @ a / root) / (len(y) * root)
        # Or `W = W + lr * (missing[:, None] * (Z >= 0) * a).T @ X`: no input puts a neuron exactly at its kink.
        W = W + lr * (missing[:, None] * (Z > 0) * a).T @ X
    return W


def _off_kinks(W0, a, X, y, steps, lr):
    return all(np.abs(X @ descend(W0, a, X, y, t, lr).T).min() > 1e-6 for t in range(steps + 1))


def _descend(W0, a, X, y, steps, lr, inside=1.0, outside=1.0, gate=None, weights=None, targets=1.0):
    """Descent with one of its factors changed."""
    W, root = W0, np.sqrt(len(a))
    for _ in range(steps):
        Z = X @ W.T
        missing = (targets * y - np.maximum(Z, 0) @ a / root * inside) / (len(y) * root) * outside
        W = (
            W
            + lr * (missing[:, None] * (Z > 0 if gate is None else gate(Z)) * (a if weights is None else weights)).T @ X
        )
    return W


def _one_by_one(W0, a, X, y, steps, lr):
    for _ in range(steps):
        for j in range(len(y)):
            W0 = descend(W0, a, X[j : j + 1], y[j : j + 1], 1, lr)
    return W0


def _tangent_descent(W0, a, X, y, steps, lr):
    W, on, root = W0, X @ W0.T > 0, np.sqrt(len(a))
    for _ in range(steps):
        missing = (y - (on * (X @ W.T)) @ a / root) / (len(y) * root)
        W = W + lr * (missing[:, None] * on * a).T @ X
    return W


exercise_8 = Exercise(
    *Card("7.8", "build, stage 4: train the net", points=4, difficulty=3, minutes=8),
    kind="build",
    cases=_training,
    reference=descend,
    edge_cases=tuple(
        {"W0": np.ones((1, 1)), "a": np.ones(1), "X": np.array([[2.0]]), "y": np.ones(1), "steps": steps, "lr": 0.1}
        for steps in (1, 2)
    ),
    allows=_off_kinks,
    rtol=1e-5,  # differences with a small step are an answer too, slow as they are
    atol=1e-7,
    misconceptions=slips(
        lambda W0, a, X, y, steps, lr: _descend(W0, a, X, y, steps, lr, gate=lambda Z: X @ W0.T > 0),
        "Your residual is that of the net, but your switches are those of W0 for ever. Take them anew at each W.",
        _tangent_descent,
        "You have kept the switches of W0 for ever: this trains f0, not the net. Take them anew at each W.",
        lambda W0, a, X, y, steps, lr: _descend(W0, a, X, y, steps, lr, outside=np.sqrt(len(a))),
        "The factor 1/√m of f is missing once: f has it, and so has its derivative.",
        lambda W0, a, X, y, steps, lr: _descend(
            W0, a, X, y, steps, lr, inside=np.sqrt(len(a)), outside=np.sqrt(len(a))
        ),
        "The factor 1/√m is missing: f = m^(−1/2) Σ aᵢ σ(wᵢᵀx).",
        lambda W0, a, X, y, steps, lr: _descend(W0, a, X, y, steps, lr, inside=np.sqrt(len(a))),
        "Your f, inside the residual, has no factor 1/√m.",
        lambda W0, a, X, y, steps, lr: descend(W0, a, X, y, steps, lr * len(y)),
        "You have summed over the inputs. The loss is a mean: divide by n.",
        lambda W0, a, X, y, steps, lr: descend(W0, a, X, y, steps, 2 * lr),
        "Each step is twice as long as asked: the ½ of the loss cancels the 2 of the square.",
        lambda W0, a, X, y, steps, lr: _descend(W0, a, X, y, steps, lr, gate=np.ones_like),
        "You have differentiated as if every neuron were on. One that is off passes nothing back.",
        lambda W0, a, X, y, steps, lr: _descend(W0, a, X, y, steps, lr, gate=lambda Z: np.maximum(Z, 0)),
        "The slope of the ReLU is 0 or 1, not its value.",
        lambda W0, a, X, y, steps, lr: _descend(W0, a, X, y, steps, lr, weights=np.ones(len(a))),
        "The second layer is missing from the derivative: each row has its factor aᵢ.",
        lambda W0, a, X, y, steps, lr: _descend(W0, a, X, y, steps, lr, weights=np.sign(a)),
        "You have used the signs of a only. Here a has other sizes.",
        lambda W0, a, X, y, steps, lr: _descend(W0, a, X, y, steps, lr, weights=a**2),
        "Two factors aᵢ in the derivative are one too many: f is linear in a.",
        lambda W0, a, X, y, steps, lr: _descend(W0, a, X, y, steps, lr, targets=0),
        "The targets are missing: the residual is y − f.",
        lambda W0, a, X, y, steps, lr: _descend(W0, a, X, y, steps, lr, targets=-1),
        "You have added f to y. What is missing is y − f.",
        lambda W0, a, X, y, steps, lr: descend(W0, a, X, y, steps, -lr),
        "You climb: the loss grows. Subtract the gradient, or add the residual's part.",
        lambda W0, a, X, y, steps, lr: descend(W0, a, X, y, 1, lr),
        "This is one step. Is the `return` inside the loop?",
        lambda W0, a, X, y, steps, lr: descend(W0, a, X, y, steps + 1, lr),
        "One step too many.",
        lambda W0, a, X, y, steps, lr: descend(W0, a, X, y, steps - 1, lr),
        "One step too few: `range(steps)` makes as many rounds as steps.",
        lambda W0, a, X, y, steps, lr: W0 + steps * (descend(W0, a, X, y, 1, lr) - W0),
        "All your steps use the gradient at the start. Take it anew at each W.",
        _one_by_one,
        "You have gone input by input. A step of full-batch descent uses the gradient of the mean over all of them.",
        lambda W0, a, X, y, steps, lr: descend(W0, a, X, y, steps, lr) - W0,
        "This is the way, W − W0. Return where it ends.",
        lambda W0, a, X, y, steps, lr: descend(W0, a, X, y, steps, lr / len(y)),
        "Your steps are n times too short: the loss is a mean already.",
        lambda W0, a, X, y, steps, lr: descend(W0, a, X, y, steps, 1.0),
        "Your step does not use lr.",
    ),
    after="The only line that makes this another training than that of f0 is the switch, taken anew at each step.",
)


def _two_layers(rng):
    m, n, d = int(rng.integers(1, 7)), int(rng.integers(1, 4)), int(rng.integers(1, 4))
    W0 = rng.normal(size=(m, d))
    return {
        "W0": W0,
        "W": W0 + rng.normal(size=(m, d)),
        "a": np.round(rng.choice([-1, 1], m) * rng.uniform(0.5, 2, m), 1),
        "X": rng.normal(size=(n, d)),
    }


def _some_on(W0, W, a, X):
    return min(np.abs(X @ W0.T).min(), np.abs(X @ W.T).min()) > 1e-6 and (X @ W0.T > 0).any()


def _times_width(W, a, X):
    # Or `on = X @ W.T >= 0`: no input sits on a kink.
    on = X @ W.T > 0
    # Or `return -(X @ X.T * (on * a ** 2 @ on.T))`: a factor cancels in the share.
    return (X @ X.T) * ((on * a**2) @ on.T)


def changes(W0, W, a, X):
    before, after = _times_width(W0, a, X), _times_width(W, a, X)
    share = np.linalg.norm(W - W0) / np.linalg.norm(W0)
    return share, np.linalg.norm(after - before) / np.linalg.norm(before)


def _changed(share=None, turned=None):
    """The two numbers, one of them by another formula: of W0 and W, or of the kernels before and after."""

    def answer(W0, W, a, X):
        kernels = net_kernel(W0, a, X), net_kernel(W, a, X)
        right = changes(W0, W, a, X)
        return right[0] if share is None else share(W0, W), right[1] if turned is None else turned(*kernels)

    return answer


def _norm(A):
    return np.linalg.norm(A)


exercise_9 = Exercise(
    *Card("7.9", "build, stage 1: what has moved", points=2, difficulty=2, minutes=5),
    kind="build",
    cases=_two_layers,
    reference=changes,
    edge_cases=({"W0": np.ones((1, 1)), "W": -np.ones((1, 1)), "a": np.ones(1), "X": np.ones((1, 1))},),
    allows=_some_on,
    rtol=1e-7,
    misconceptions=slips(
        _changed(share=lambda W0, W: np.linalg.norm(W - W0)),
        "The first number is the distance. Asked is its share of the length of W0.",
        _changed(share=lambda W0, W: _norm(W - W0) / _norm(W)),
        "The first number is a share of the length of W, after training. Divide by that of W0.",
        _changed(share=lambda W0, W: (_norm(W) - _norm(W0)) / _norm(W0)),
        "The first number says how much longer W has become. Asked is how far it lies from W0.",
        _changed(share=lambda W0, W: (_norm(W - W0) / _norm(W0)) ** 2),
        "The first number is the square of the share: take its root.",
        _changed(share=lambda W0, W: np.linalg.norm(W - W0, 2) / np.linalg.norm(W0, 2)),
        "The first number uses the largest singular values. Asked are roots of the sums of all squares.",
        _changed(turned=lambda before, after: _norm(after - before)),
        "The second number is the move of the kernel. Asked is its share of the norm of the kernel before.",
        _changed(turned=lambda before, after: _norm(after - before) / max(_norm(after), 1e-300)),
        "The second number is a share of the kernel after training. Divide by the norm of the one before.",
        _changed(turned=lambda before, after: (_norm(after) - _norm(before)) / _norm(before)),
        "The second number says how much the norm has grown. Subtract the matrices, then take the norm.",
        _changed(turned=lambda before, after: _norm(after) / _norm(before)),
        "The second number compares the two norms. Subtract the matrices, then take the norm.",
        _changed(turned=lambda before, after: np.linalg.norm(after - before, 2) / np.linalg.norm(before, 2)),
        "The second number uses the largest eigenvalues. Asked are roots of the sums of all squares.",
        _changed(turned=lambda before, after: (_norm(after - before) / _norm(before)) ** 2),
        "The second number is the square of the share: take its root.",
        lambda W0, W, a, X: changes(W0, W, a, X)[::-1],
        "The order is weights first, kernel second.",
        lambda W0, W, a, X: changes(W0, W, np.ones(len(a)), X),
        "Your kernel counts every neuron once. Here a has other sizes: use your kernel of stage 1.",
        lambda W0, W, a, X: (changes(W0, W, a, X)[0], 0.0),
        "Your two kernels are the same: is one of them that of W, after training?",
    ),
    after="The first number asks whether a net stays near its start, the second whether it learns what is similar.",
)


def both_factors(W0, a, X, y, steps, lr):
    rows = []
    for factor in (1, 1 / np.sqrt(len(a))):
        W = descend(W0, factor * a, X, y, steps, lr / factor**2)
        rows.append(changes(W0, W, a, X))
    return np.array(rows)


def _both_off_kinks(W0, a, X, y, steps, lr):
    root = np.sqrt(len(a))
    fits = _off_kinks(W0, a, X, y, steps, lr) and _off_kinks(W0, a / root, X, y, steps, lr * len(a))
    return fits and (X @ W0.T > 0).any()


def _rich(second):
    """The right first row, and a second one of ``second(W0, a, X, y, steps, lr, root)``, a training."""

    def answer(W0, a, X, y, steps, lr):
        W = second(W0, a, X, y, steps, lr, np.sqrt(len(a)))
        return np.array([both_factors(W0, a, X, y, steps, lr)[0], changes(W0, W, a, X)])

    return answer


exercise_10 = Exercise(
    *Card("7.10", "build, stage 2: two factors", points=4, difficulty=3, minutes=8),
    kind="build",
    cases=_training,
    reference=both_factors,
    edge_cases=(
        {"W0": np.ones((4, 1)), "a": np.ones(4), "X": np.ones((1, 1)), "y": np.array([4.0]), "steps": 1, "lr": 0.5},
    ),
    allows=_both_off_kinks,
    rtol=1e-5,
    atol=1e-7,
    misconceptions=slips(
        _rich(lambda W0, a, X, y, steps, lr, root: descend(W0, a / root, X, y, steps, lr)),
        "Your second net takes the short step: with 1/m in front its kernel is m times smaller, and so its step is to "
        "be m times as long.",
        _rich(lambda W0, a, X, y, steps, lr, root: descend(W0, a / root, X, y, steps, lr * root)),
        "Your second step is √m times as long. The kernel has the factor of the net squared.",
        _rich(lambda W0, a, X, y, steps, lr, root: descend(W0, a / root, X, y, steps, lr / root**2)),
        "Your second step is m times shorter than the first. A slow net needs a long one.",
        _rich(lambda W0, a, X, y, steps, lr, root: descend(W0, a / root**2, X, y, steps, lr * root**2)),
        "Your second net has m^(−3/2) in front: stage 4 has 1/√m already.",
        _rich(lambda W0, a, X, y, steps, lr, root: descend(W0, a, X, y, steps, lr * root**2)),
        "Your second net has a long step, but still 1/√m in front.",
        _rich(
            lambda W0, a, X, y, steps, lr, root: (
                descend(W0, a / root, X, y, len(a) * steps, lr) if len(a) * steps < 99 else W0
            )
        ),
        "You have taken m times as many steps. Asked are as many, each m times as long.",
        _rich(
            lambda W0, a, X, y, steps, lr, root: descend(
                descend(W0, a, X, y, steps, lr), a / root, X, y, steps, lr * root**2
            )
        ),
        "Your second training goes on from where the first has ended. Both start at W0.",
        lambda W0, a, X, y, steps, lr: both_factors(W0, a, X, y, steps, lr)[::-1],
        "The first row belongs to 1/√m, the second to 1/m.",
        lambda W0, a, X, y, steps, lr: both_factors(W0, a, X, y, steps, lr).T,
        "A row belongs to a factor, a column to what has moved: yours is transposed.",
        lambda W0, a, X, y, steps, lr: both_factors(W0, a, X, y, 1, lr),
        "These are the values after one step.",
        lambda W0, a, X, y, steps, lr: both_factors(W0, a, X, y, steps, lr)[[0, 0]],
        "Both rows belong to the factor 1/√m.",
    ),
    after="Same weights, same data, same speed of f. One factor is all that differs.",
)


exercise_11 = proof(
    *Card("7.11", "the kernel's limit and its rate", points=4, difficulty=3, minutes=8),
    lines={
        "F": (r"$\nabla_{w_i} f(x; W_0) = \frac{a_i}{\sqrt m}\,\mathbf 1\{w_{0,i}^\top x > 0\}\,x$", ""),
        "C": (
            r"$K_m(x, x') = x^\top x'\cdot\frac1m\sum_i P_i$, where $P_i$ is 1 if neuron $i$ is on for both inputs, "
            r"else 0, as $a_i^2 = 1$",
            "F",
        ),
        "H": (r"the part of $w_{0,i}$ in the plane of $x$ and $x'$ points in a uniformly random direction", ""),
        "A": (
            r"$\mathbb E\,P_i = \frac{\pi - \theta}{2\pi} = p$: two half-planes, at the angle $\theta$ to each other, "
            r"have this share of the circle in common",
            "H",
        ),
        "I": (r"$\operatorname{Var} P_i = p(1 - p)$", "A"),
        "D": (r"$\operatorname{Var}\big(\frac1m\sum_i P_i\big) = \frac{p(1 - p)}m$, as rows are independent", "I"),
        "G": (
            r"with $K(x, x') = x^\top x'\,p$: $\ \mathbb E\,\big(K_m(x, x') - K(x, x')\big)^2 = "
            r"\frac{(x^\top x')^2\,p(1 - p)}m$",
            "C D",
        ),
    },
    flaws={
        "B": (
            r"$\mathbb E\,P_i = \frac12\cdot\frac12 = p$, as a neuron is on for each of the inputs with the chance "
            r"$\frac12$",
            "The two events are not independent: for x' = x they are one. Only at a right angle is their chance ¼.",
        ),
        "E": (
            r"$\operatorname{Var} P_i = p$, as $P_i^2 = P_i$",
            "P² = P makes p the mean of the square. The variance is what is left of it without the square of the mean.",
        ),
        "J": (
            r"$\lvert K_m(x, x') - x^\top x'\,\mathbb E\,P_i\rvert \le \lvert x^\top x'\rvert\sqrt{\log(2/\delta)/2m}$ "
            r"with probability $1 - \delta$, by Hoeffding",
            "True, with the same rate, and not needed: an inequality cannot give the equality that is to be proved.",
        ),
    },
    goal="G",
    missing={
        "F": "A kernel is a product of two gradients: which ones?",
        "H": "Only directions in the plane count for a share of the circle, and nothing above says how they are drawn.",
        "A": "The variance of an indicator hangs on its chance to be 1, which nothing above gives.",
        "I": "The variance of a mean comes from that of one term, which does not stand above it yet.",
        "C": "What has the kernel to do with the indicators? Nothing above it says so.",
        "D": "The variance of the mean is what the last line needs, and it does not stand above it.",
    },
    after="There is no inequality in it: the law holds at every width, and the dimension of the inputs is not in it.",
)


EXERCISES = (
    exercise_1,
    exercise_2,
    exercise_4,
    exercise_5,
    exercise_6,
    exercise_7,
    exercise_8,
    exercise_9,
    exercise_10,
    exercise_11,
)

PREDICTIONS = (
    Prediction(
        "7/exact",
        r"Unit inputs $x$, fixed, and $x'$, which turns from $0$ to 180 degrees away from it. At which angles is the "
        "kernel of *any* net with random signs, however narrow, exactly that of the limit?",
        right="at 90 and at 180 degrees",
        options=(
            (
                "at 0 degrees: it is the same input",
                r"There $x^\top x'$ is largest, 1, and the count of neurons that are on is as random as at any other "
                "angle: in a net of 16 it need not be eight. This is where the error is *largest*.",
            ),
            (
                "at none: it is a count of random events",
                r"The count is random at most angles. But it is multiplied by $x^\top x'$, which is zero at a right "
                "angle whatever the count; and at 180 degrees no neuron can be on for both.",
            ),
            (
                "at 90 and at 180 degrees",
                r"Yes: at a right angle $x^\top x' = 0$ silences the count, and of two opposite inputs no neuron can "
                "see both, in the net as in the limit.",
            ),
        ),
    ),
    Prediction(
        "7/hessian",
        r"Chapter 4's Gram method computes $\lambda_{\max}$ of the Hessian of the first layer, and knows nothing of "
        r"kernels. What does it find for a net of 512 neurons, compared with $\lambda_{\max}(K_m)/n$ of the same net?",
        right="the same number, all digits",
        options=(
            (
                "about the same: they agree as m grows",
                "Much in this chapter holds only as the width grows, which tempts. But the second derivative of a "
                "ReLU is zero off its kink, so that the Hessian has no other part than the gradients' products: 0.0870 "
                "twice, and all digits.",
            ),
            (
                "the same number, all digits",
                "Yes: 0.0870. A ReLU is straight off its kink, so that the Hessian of this loss consists of "
                "products of gradients only, and these have the eigenvalues of the kernel.",
            ),
            (
                "a larger one: the Hessian also has the second derivatives of the net",
                "For a smooth slope it would. A ReLU has none off its kink: 0.0870 is all there is.",
            ),
        ),
    ),
    Prediction(
        "7/distance",
        "The distance of an infinitely wide net is computed from 48 images before any net is drawn. Then nets of 128 "
        "to 4096 neurons are trained. How far off is it at 128 neurons, and at 4096?",
        right="by less than a tenth at both",
        options=(
            (
                "by a half at 128, by less than a tenth at 4096",
                "Limits need not say anything about narrow nets, which tempts. But each net's start is all that is "
                "random in this number, and it is random at every width: 8.3 at 128 neurons, 8.1 at 4096, and 8.0 "
                "computed.",
            ),
            (
                "narrow nets go farther: fewer weights share the work",
                "Each *weight* does go farther in a narrow net, as $1/\\sqrt m$, and there are fewer of them: the sum "
                "of squares stays. 8.3 at 128 neurons, 8.0 computed.",
            ),
            (
                "by less than a tenth at both",
                "Yes: 8.3 and 8.1, where 8.0 was computed. Thirty-two times as many neurons share the same squared "
                "distance, and the widest first layer moves by less than two percent of its length.",
            ),
        ),
    ),
    Prediction(
        "7/closest",
        r"Three functions after the same 200 steps: the net, its trained tangent $f_0$ and the limit kernel. Which two "
        "are closest to each other at $m = 16$?",
        right="the net and the limit kernel",
        options=(
            (
                "the net and its trained tangent: they share their weights at the start",
                r"They share their start, and with 16 neurons soon nothing else: $f_0$ jumps wherever one of its "
                r"switches turns, and those of the net have moved. They are twice as far apart as net and limit.",
            ),
            (
                "the trained tangent and the limit kernel: both are kernel regression",
                r"Both are, each with a kernel of its own, and that of 16 neurons is a poor picture of the limit: "
                "0.30 apart, where the net is only 0.14 away.",
            ),
            (
                "the net and the limit kernel",
                "Yes: 0.14 apart, and each of them twice as far from $f_0$, which is torn at its 16 kinks. A moving "
                "switch smooths what a frozen one tears.",
            ),
        ),
    ),
    Prediction(
        "7/luck",
        r"On the digits the net ends away from the limit for two reasons: it has left its tangent (net against trained "
        r"$f_0$), and its $K_m$ is not $K$ (trained $f_0$ against limit). Which of the two is larger at $m = 4096$?",
        right="the kernel's luck, some three times",
        options=(
            (
                "leaving the tangent, some three times",
                "Training moves every weight, and chance only tilts the kernel a little: so one may think. It is the "
                "other way round: 0.005 against 0.015.",
            ),
            (
                "about equal: both fall with the width",
                r"Both fall, but not alike: the luck as $m^{-1/2}$, leaving the tangent faster, so that their ratio "
                "grows with the width. At 4096 neurons it is three.",
            ),
            (
                "the kernel's luck, some three times",
                "Yes: 0.015 against 0.005. What separates a finite net from the infinite one is the luck of the draw, "
                "more than what training does to it.",
            ),
        ),
    ),
    Prediction(
        "7/two",
        "Two infinitely wide nets, drawn independently, are trained on the same 48 digits until the loss is nearly "
        "gone. Do they agree on new digits?",
        right="no: they differ by about a third of what they learned",
        options=(
            (
                "yes: they have the same kernel and the same data",
                r"Kernel and data are the same, the start is not: $f(\cdot; W_0)$ stays random at any width, and what "
                "the data do not determine, the net keeps from it. It is 0.31, where the targets put in 0.85.",
            ),
            (
                "nearly: training forgets the start",
                "On the digits it has seen it does. On new ones most of the accident stays: 0.31, where the targets "
                "put in 0.85.",
            ),
            (
                "no: they differ by about a third of what they learned",
                "Yes: chance's part is 0.31 (root mean square), the targets' 0.85. The width makes the kernel certain, "
                "not the start.",
            ),
        ),
    ),
    Prediction(
        "7/switch",
        r"With $\frac1m$ in the place of $\frac1{\sqrt m}$, and a step $m$ times as long, $f$ learns as fast as "
        "before. What does the first layer do as the net becomes wider?",
        right="it moves by the same share of its length at every width",
        options=(
            (
                "it moves by an ever smaller share, only more slowly so",
                "This is what the chapter has taught so far, and it was about one factor. Here the way to the targets "
                r"grows as $\sqrt m$, like the length of the weights: more than half of it at every width, and a fifth "
                "of the kernel.",
            ),
            (
                "it moves by the same share of its length at every width",
                "Yes: more than half of its length, at 256 neurons as at 4096, and the kernel by a fifth of its norm. "
                "Width alone makes no net lazy.",
            ),
            (
                "it moves by a growing share: the step grows with m",
                r"The step grows, and the gradients shrink: together they make the way $\sqrt m$ times as long, which "
                r"is how $\lVert W_0\rVert_F$ grows, too.",
            ),
        ),
    ),
    Prediction(
        "7/odd",
        r"The net has no biases. From points of the circle it is to learn $\cos 2\varphi + \cos 3\varphi$. How much of "
        "this will an infinitely wide one have learned from 24 points?",
        right="half of it, and more points do not help",
        options=(
            (
                "nearly all of it: 24 points are plenty for two frequencies",
                "For a kernel that hears both they would be: with one constant coordinate more, 24 points leave a "
                r"thousandth. Without it the kernel is deaf to $\cos 3\varphi$.",
            ),
            (
                r"most of cos 2φ, a little of cos 3φ; more points bring the rest",
                "Lower frequencies do come first for most kernels, which tempts. But this is no question of time or "
                "of points: with 8, 24 or 64 of them half of the mean square stays.",
            ),
            (
                "half of it, and more points do not help",
                r"Yes: it finds $\cos 2\varphi$ and nothing of $\cos 3\varphi$, with 8 points as with 24. It cannot "
                "even pass through the points it has seen. The next exercise says why.",
            ),
        ),
    ),
    Prediction(
        "7/width",
        "How wide must a net be for this theorem to speak of our 48 digits, with $\\delta = 0.1$? And from which width "
        "on do nets in fact keep (a) and (b), with their own residual for $\\rho$?",
        right="more than ten million million neurons; in fact fewer than twenty",
        options=(
            (
                "some ten thousand neurons; in fact hundreds",
                "Nets of 4096 neurons did follow, which tempts. But each step of the proof assumes that all bad luck "
                r"points the same way, and the width enters as $1/\lambda^4$: $3\cdot10^{13}$.",
            ),
            (
                "millions of neurons; in fact thousands",
                r"Too little for the theorem ($3\cdot10^{13}$), too much for the nets: sixteen neurons are enough, "
                "four nearly always.",
            ),
            (
                "more than ten million million neurons; in fact fewer than twenty",
                r"Yes: $3\cdot10^{13}$ by the theorem; in fact sixteen, and nearly always four. No neuron "
                "used more than a twentieth of the way that it was allowed.",
            ),
        ),
    ),
    Prediction(
        "7/layers",
        "Which of the six has a kernel that tends to *another* limit than the Gaussian one, so that "
        r"$\sqrt m\,\lvert K_m - K\rvert$ grows with the width?",
        right="uniform entries and signs",
        options=(
            (
                "orthogonal and LDLT: their rows are not independent",
                "They are not independent of each other, and yet each of them points in a uniformly random "
                "direction, which is all that the limit knows.",
            ),
            (
                "mirrored: every row comes with its opposite",
                "Each of the two is a Gaussian row, so the mean is that of the limit; and as one of the two is on, "
                "part of the luck cancels: its error is the smallest of all.",
            ),
            (
                "uniform entries and signs",
                "Yes: their directions prefer the corners of a cube. For the other four each row points in a "
                "uniformly random direction.",
            ),
        ),
    ),
)

WRITTEN = (
    Written(
        *Card("7.12", "what the limit does not say", points=6, difficulty=3, minutes=12),
        rubric=(
            (
                2,
                r"says what is right, with its conditions: with $1/\sqrt m$ in front, fixed data, and as the width "
                "grows, the trained net tends to its own start moved by the kernel",
            ),
            (2, r"says that the factor decides, not the width: with $1/m$ weights and kernel move at every width"),
            (
                1,
                "names one more thing that separates a net from kernel regression: its random start, its finite width "
                "(the luck of its kernel), or the odd functions that a net without biases cannot learn",
            ),
            (1, "gives a number of the chapter for one of these"),
        ),
        model=r"""There is a limit in which he is right: with $1/\sqrt m$ in front and the data fixed, $K_m$ tends to
$K$, the distance $\lVert W - W_0\rVert_F$ stays, and the trained net tends to its own start, moved by kernel
regression. But the width alone does not do this, the factor does. With $1/m$ in front the same weights, trained as
fast on the same data, move by more than half of their length at every width, and their kernel by a fifth of its norm:
such a net learns which inputs are similar, and no kernel that was fixed at its start describes it. And even in the
lazy limit a net is not *just* kernel regression: what the data do not determine it keeps from its random start,
on our digits about a third of what the targets put in. Nor is the kernel always a good learner: without a bias half of
$\cos 2\varphi + \cos 3\varphi$ is out of its reach.""",
    ),
)
