"""Exercises of Chapter 7, wide nets as kernels."""

import numpy as np

from course_utils.exercises import Card, Exercise, slips


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
    *Card("7.1", "the kernel of an infinitely wide net", points=1, difficulty=1, minutes=5),
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
    *Card("7.2", "a kernel without gradients", points=3, difficulty=3, minutes=8),
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


def _accuracy(rng):
    # An answer next to a whole number would hang on the order in which a student multiplies.
    while True:
        theta, eps = round(rng.uniform(0.1, 3.0), 2), round(rng.uniform(0.002, 0.05), 3)
        p = (np.pi - theta) / (2 * np.pi)
        exact = np.cos(theta) ** 2 * p * (1 - p) / eps**2
        if exact > 3 and 0.01 < exact % 1 < 0.99 and abs(np.cos(theta)) > 0.1:
            return {"theta": theta, "eps": eps}


def kernel_width(theta, eps):
    # Or `p = (np.pi + theta) / (2 * np.pi)`: p(1 − p) is the same for 1 − p.
    p = (np.pi - theta) / (2 * np.pi)
    return int(np.ceil(np.cos(theta) ** 2 * p * (1 - p) / eps**2))


def _chance(theta):
    return (np.pi - theta) / (2 * np.pi)


def _spread(theta):
    p = _chance(theta)
    return abs(np.cos(theta)) * np.sqrt(p * (1 - p))


exercise_3 = Exercise(
    *Card("7.3", "how wide for a good kernel?", points=2, difficulty=2, minutes=5),
    cases=_accuracy,
    whole=True,
    edge_cases=({"theta": 0.0, "eps": 0.01},),  # the law is met exactly, by 2500 neurons
    reference=kernel_width,
    misconceptions=slips(
        lambda theta, eps: int(np.ceil(_spread(theta) / eps)),
        "The error falls as 1/√m, not as 1/m: half the error costs four times the width.",
        lambda theta, eps: int(np.ceil(_spread(theta) ** 2 / eps)),
        "The variance is right; eps is an error, so its square has to be met: half the error costs four times "
        "the width.",
        lambda theta, eps: int(np.ceil(_chance(theta) * (1 - _chance(theta)) / eps**2)),
        "This is for the share of neurons. In the kernel it is multiplied by xᵀx' = cos θ.",
        lambda theta, eps: int(np.ceil(np.cos(theta) ** 2 * _chance(theta) / eps**2)),
        "The variance of an indicator is p(1 − p), not p.",
        lambda theta, eps: (_spread(theta) / eps) ** 2,
        "A net has a whole number of neurons: round up.",
        lambda theta, eps: int(np.floor((_spread(theta) / eps) ** 2)),
        "One neuron too few: round up.",
        lambda theta, eps: int((_spread(theta) / eps) ** 2) + 1,
        "Right unless the law gives a whole number, which is then wide enough: round up with np.ceil.",
        lambda theta, eps: int(np.ceil(_spread(theta) ** 2 / abs(np.cos(theta)) / eps**2)),
        "In the square of the error cos θ is squared, too.",
        lambda theta, eps: int(np.ceil(np.cos(theta) * _chance(theta) * (1 - _chance(theta)) / eps**2)),
        "The kernel has the factor cos θ, so its variance has cos² θ: an obtuse angle would give a negative one.",
        lambda theta, eps: int(np.ceil(np.cos(theta) ** 2 * 2 * _chance(theta) * (1 - 2 * _chance(theta)) / eps**2)),
        "The chance to be on for both is (π − θ)/(2π): at θ = 0 it is a half.",
        lambda theta, eps: int(np.ceil(1 / (4 * eps**2))),
        "This is the answer at θ = 0, the largest of all. The variance falls with the angle.",
        lambda theta, eps: round((_spread(theta) / eps) ** 2),
        "The nearest whole number may be one too few: round up.",
        lambda theta, eps: int(np.ceil((_spread(np.radians(theta)) / eps) ** 2)),
        "θ is given in radians already.",
        lambda theta, eps: int(np.ceil(1 / eps**2)),
        "You have taken 1 for the variance of one neuron. It is cos²θ p (1 − p).",
    ),
    after="The dimension of the inputs is not in the answer.",
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
    *Card("7.4", "train without a net", points=3, difficulty=3, minutes=8),
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
    *Card("7.5", "the whole way", points=2, difficulty=3, minutes=6),
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
    *Card("7.7", "which frequencies does the kernel hear?", points=3, difficulty=4, minutes=8),
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


EXERCISES = (exercise_1, exercise_2, exercise_3, exercise_4, exercise_5, exercise_6, exercise_7)
