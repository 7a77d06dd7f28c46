"""Exercises of Chapter 4, Hessian initialization."""

import numpy as np

from course_utils.exercises import Card, Exercise, slips


def _stack(rng):
    layers = int(rng.integers(1, 6))
    return {"widths": rng.integers(1, 60, size=layers + 1), "sigmas": np.round(rng.uniform(0.05, 0.4, size=layers), 3)}


def forward_factor(widths, sigmas):
    return np.prod(widths[:-1] * sigmas**2)


exercise_1 = Exercise(
    *Card("4.1", "what a stack does to the variance", points=2, difficulty=2, minutes=5),
    cases=_stack,
    reference=forward_factor,
    misconceptions=slips(
        lambda widths, sigmas: np.prod(widths[1:] * sigmas**2),
        "This is the backward factor. Forward, a layer sums over its inputs: d_k, not d_{k+1}.",
        lambda widths, sigmas: np.prod(widths[:-1] * sigmas),
        "σ is a standard deviation; variances multiply by σ².",
        lambda widths, sigmas: np.sum(widths[:-1] * sigmas**2),
        "The factors of successive layers multiply; you have added them.",
        lambda widths, sigmas: np.prod(sigmas**2),
        "A sum of d_k independent terms has d_k times the variance of one.",
        lambda widths, sigmas: np.prod((widths[:-1] + widths[1:]) / 2 * sigmas**2),
        "Glorot's compromise takes the mean of both widths. Forward alone, only the inputs count.",
        lambda widths, sigmas: np.sqrt(np.prod(widths[:-1] * sigmas**2)),
        "This is the factor of the standard deviation. The variance is asked for: no root.",
        lambda widths, sigmas: widths[-2] * sigmas[-1] ** 2,
        "This is the factor of the last layer. A stack multiplies those of all its layers.",
        lambda widths, sigmas: widths[0] * sigmas[0] ** 2,
        "This is the factor of the first layer. A stack multiplies those of all its layers.",
        lambda widths, sigmas: np.prod(widths) * np.prod(sigmas**2),
        "One width too many: there are L layers, and the last width d_L sums over nothing.",
        lambda widths, sigmas: np.prod(widths[:-1] ** 2 * sigmas**2),
        "The variances of d_k independent terms add up: d_k of them, not d_k².",
        lambda widths, sigmas: np.prod(widths[:-1] * sigmas**2 / 2),
        "The half belongs to ReLU, which loses half of the mean square. These layers are linear.",
    ),
    after="One factor per layer, all multiplied: a few percent off at each is a collapse at depth fifty.",
)


def _bowl(rng):
    n = int(rng.integers(1, 5))
    A = np.round(rng.normal(size=(n, n)), 1)
    return {"H": A @ A.T + 0.5 * np.eye(n), "g": np.round(rng.normal(size=n), 1) + 0.05}


def largest_step(H, g):
    # Or `return 2 * (g @ g) / (H @ g @ g)`: H is symmetric.
    # Or `return 2 * (g @ g) / (g @ (g @ H))`: H is symmetric.
    return 2 * (g @ g) / (g @ H @ g)


exercise_2 = Exercise(
    *Card("4.2", "the largest step that does not climb", points=3, difficulty=3, minutes=7),
    cases=_bowl,
    reference=largest_step,
    misconceptions=slips(
        lambda H, g: (g @ g) / (g @ H @ g),
        "This is the step at which the model is lowest. It climbs back to its start at twice that step.",
        lambda H, g: 2 / np.linalg.eigvalsh(H)[-1],
        "This is safe whatever the gradient. This gradient's own curvature gᵀHg/‖g‖² may allow more.",
        lambda H, g: 1 / np.linalg.eigvalsh(H)[-1],
        "The paper's 1/‖H‖: half of the guarantee, and it forgets which direction g has.",
        lambda H, g: 2 * np.sqrt(g @ g) / (g @ H @ g),
        "The linear term is −γ‖g‖², with the square: the gradient is slope and direction at once.",
        lambda H, g: 2 / (g @ H @ g),
        "The linear term −γ‖g‖² is missing: it pulls down what the curvature lifts.",
        lambda H, g: (g @ H @ g) / (2 * (g @ g)),
        "Upside down: the more curvature, the shorter the step.",
        lambda H, g: 2 / np.linalg.norm(H),
        "np.linalg.norm of a matrix is by default Frobenius's. And what counts is the curvature along g, gᵀHg/‖g‖².",
        lambda H, g: 2 / np.trace(H),
        "The trace adds the curvatures of all directions. What counts is the one along g, gᵀHg/‖g‖².",
        lambda H, g: 2 / np.linalg.eigvalsh(H)[0],
        "This is the step that the flattest direction would allow. Along g it is gᵀHg/‖g‖² that counts.",
        lambda H, g: 2 * (g @ g) / ((H @ g) @ (H @ g)),
        "You have ‖Hg‖² below. The quadratic term is gᵀHg: H enters once.",
        lambda H, g: 2 * (g @ g) / np.linalg.norm(H @ g),
        "You have the length of Hg below. The quadratic term is its inner product with g.",
    ),
    after="2/λ_max is the smallest of these steps over all gradients: a guarantee, not a limit.",
)


def _theorem(rng):
    n, m, C = (int(rng.integers(1, 5)) for _ in range(3))
    R = np.round(rng.normal(size=(C, C)), 1)
    return {
        "B": np.round(rng.normal(size=(C, m)), 1),
        "slope": np.round(rng.uniform(-0.2, 1.1, size=m), 2),  # of ReLU zero, of GELU below zero as well
        "g": np.round(rng.normal(size=(m, n)), 1),
        "z": np.round(rng.normal(size=n), 1),
        "Hz": R.T @ R + np.eye(C),
    }


def theorem_1(B, slope, g, z, Hz):
    v = B @ (slope * (g @ z))
    # Or `return Hz @ v @ v`: H_z is symmetric.
    # Or `return v @ (v @ Hz)`: H_z is symmetric.
    return v @ Hz @ v


exercise_3 = Exercise(
    *Card("4.3", "Theorem 1 in three products", points=3, difficulty=3, minutes=8),
    cases=_theorem,
    reference=theorem_1,
    misconceptions=slips(
        lambda B, slope, g, z, Hz: (B @ (g @ z)) @ Hz @ (B @ (g @ z)),
        "The activation's slope A is missing: it multiplies the vector g z, entry by entry.",
        lambda B, slope, g, z, Hz: np.sum((B @ (slope * (g @ z))) ** 2),
        "This is ‖v‖². The loss has a curvature of its own: vᵀ H_z v.",
        lambda B, slope, g, z, Hz: np.sum(Hz @ (B @ (slope * (g @ z)))),
        "You have summed H_z v. The quadratic form multiplies by v a second time.",
        lambda B, slope, g, z, Hz: (B @ (slope**2 * (g @ z))) @ Hz @ (B @ (slope**2 * (g @ z))),
        "A enters v once. You have multiplied by it twice, as if B were B^(k), which contains it already.",
        lambda B, slope, g, z, Hz: theorem_1(B, np.abs(slope), g, z, Hz),
        "A slope below zero turns its entry of v round: take it with its sign.",
        lambda B, slope, g, z, Hz: theorem_1(B, np.maximum(slope, 0), g, z, Hz),
        "A slope below zero counts, with its sign: GELU has some.",
        lambda B, slope, g, z, Hz: np.linalg.norm(Hz, 2) * np.sum((B @ (slope * (g @ z))) ** 2),
        "This is a bound on the form, by the norm of H_z. The form itself is vᵀ H_z v.",
        lambda B, slope, g, z, Hz: np.trace(Hz) * np.sum((B @ (slope * (g @ z))) ** 2),
        "The trace of H_z stands for no direction. The form is vᵀ H_z v.",
        lambda B, slope, g, z, Hz: (B @ (g @ z)) @ Hz @ (B @ (slope * (g @ z))),
        "The slope A belongs to v on both sides of H_z.",
    ),
    after="Products of matrices with vectors only, for a form whose matrix has (d_k d_{k+1})² entries.",
)


def _norms(rng):
    layers = int(rng.integers(1, 6))
    return {
        "J": np.round(rng.uniform(0.3, 3, size=layers), 2),
        "A": np.round(rng.uniform(0.2, 1, size=layers), 2),
        "z": np.round(rng.uniform(0.3, 3, size=layers), 2),
        "Hz": round(rng.uniform(0.3, 3), 2),
        "k": int(rng.integers(0, layers)),
    }


def theorem_2(J, A, z, Hz, k):
    return Hz * (np.prod(J[k + 1 :]) * A[k] * z[k]) ** 2


exercise_4 = Exercise(
    *Card("4.4", "Theorem 2, corrected", points=2, difficulty=2, minutes=6),
    cases=_norms,
    reference=theorem_2,
    misconceptions=slips(
        lambda J, A, z, Hz, k: np.prod(np.delete(J, k)) * A[k],
        "This is the printed bound. A quadratic form needs squares, and the norm of H_z.",
        lambda J, A, z, Hz, k: Hz * np.prod(J[k + 1 :]) * A[k] * z[k],
        "v enters the form vᵀH_z v twice, so its bound must be squared.",
        lambda J, A, z, Hz, k: Hz * (np.prod(J[k:]) * A[k] * z[k]) ** 2,
        "The layer itself contributes A only: its weights are what is varied. Start the product at k + 1.",
        lambda J, A, z, Hz, k: Hz * (np.prod(J[k + 1 :]) * A[k]) ** 2,
        "The layer's input is missing: g z is as long as ‖g‖‖z‖.",
        lambda J, A, z, Hz, k: Hz * (np.prod(np.delete(J, k)) * A[k] * z[0]) ** 2,
        "A bound, and a looser one: ‖z^(k)‖ itself is given, so that the layers before k need not be bounded.",
        lambda J, A, z, Hz, k: Hz * (np.prod(np.delete(J, k)) * A[k] * z[k]) ** 2,
        "The layers before k have made z^(k) already, whose length you have: only those after it remain.",
        lambda J, A, z, Hz, k: Hz * (np.prod(J[k + 1 :]) * A[k]) ** 2 * z[k],
        "v enters the form twice, with all its factors: the length of z is squared, too.",
        lambda J, A, z, Hz, k: Hz * (np.prod(J[k + 1 :]) * z[k]) ** 2 * A[k],
        "v enters the form twice, with all its factors: the norm of A is squared, too.",
        lambda J, A, z, Hz, k: Hz * (np.prod(J[k + 1 :]) * z[k]) ** 2,
        "The activation's slope is missing: layer k contributes ‖A^(k)‖.",
        lambda J, A, z, Hz, k: (np.prod(J[k + 1 :]) * A[k] * z[k]) ** 2,
        "This bounds ‖v‖². The loss has a curvature of its own, and it multiplies: ‖H_z‖.",
        lambda J, A, z, Hz, k: (Hz * np.prod(J[k + 1 :]) * A[k] * z[k]) ** 2,
        "v enters vᵀH_z v twice, H_z only once.",
        lambda J, A, z, Hz, k: Hz * (np.prod(J[:k]) * A[k] * z[k]) ** 2,
        "These are the Jacobians before layer k. The way from layer k to the output goes through those after it.",
        lambda J, A, z, Hz, k: Hz * (np.prod(J) * A[k] * z[k]) ** 2,
        "The product runs over the layers after k only: those up to k have made z^(k), whose length is given.",
        lambda J, A, z, Hz, k: Hz * (np.prod(J[k + 2 :]) * A[k] * z[k]) ** 2,
        "One Jacobian is missing: the layers after k begin with k + 1.",
        lambda J, A, z, Hz, k: Hz * (np.sum(J[k + 1 :]) * A[k] * z[k]) ** 2,
        "Norms of a product multiply; you have added them.",
        lambda J, A, z, Hz, k: Hz * (np.prod(J[k + 1 :]) * np.prod(A[k:]) * z[k]) ** 2,
        "The slopes of the layers after k are in their Jacobians J already.",
        lambda J, A, z, Hz, k: Hz * (np.prod(J[k + 1 :]) * A[k] * z[-1]) ** 2,
        "The input of layer k is z^(k), not that of the last layer.",
    ),
    after="Every factor is squared: halving one layer's norm divides the bound of every other layer by four.",
)


def _layer(rng):
    return {"n": int(rng.integers(1, 900)), "m": int(rng.integers(1, 900)), "slope": round(rng.uniform(0.2, 1.5), 2)}


def hessian_sigma(n, m, slope):
    return 1 / (slope * (np.sqrt(n) + np.sqrt(m)))


exercise_5 = Exercise(
    *Card("4.5", "the Hessian scheme for any slope", points=2, difficulty=2, minutes=5),
    cases=_layer,
    reference=hessian_sigma,
    misconceptions=slips(
        lambda n, m, slope: slope / (np.sqrt(n) + np.sqrt(m)),
        "A steeper activation needs smaller weights: J ≈ slope · w.",
        lambda n, m, slope: 1 / (slope * np.sqrt(n + m)),
        "The norm is about (√n + √m)σ: a sum of roots, not the root of the sum.",
        lambda n, m, slope: 1 / (np.sqrt(n) + np.sqrt(m)),
        "Right for slope 1 only: then J ≈ w.",
        lambda n, m, slope: slope * (np.sqrt(n) + np.sqrt(m)),
        "This is ‖J‖ for σ = 1. Which σ makes it 1?",
        lambda n, m, slope: 1 / (slope * (np.sqrt(n) + np.sqrt(m))) ** 2,
        "This is σ². The standard deviation is asked for.",
        lambda n, m, slope: np.sqrt(2 / (n + m)) / slope,
        "Glorot's σ, which looks after variances. Here the norm of the matrix is to be 1.",
        lambda n, m, slope: 1 / (slope * (n + m)),
        "The norm of a random matrix grows with the roots of its sides, √n + √m.",
        lambda n, m, slope: 1 / (slope * np.sqrt(n)),
        "This keeps the variance of what passes. The norm of the matrix is (√n + √m)σ.",
        lambda n, m, slope: np.sqrt(2 / n),
        "This is He's σ, for ReLU's variance. Here the norm of the matrix, with the slope, is to be 1.",
        lambda n, m, slope: 1 / (slope * 2 * np.sqrt(n)),
        "Right for a square weight only: both sides enter, √n + √m.",
    ),
    after="tanh has slope 1 at zero, sigmoid 1/4: its weights must be four times as large.",
)


def _relu_layer(rng):
    m, n, N = rng.integers(3, 6), rng.integers(2, 5), rng.integers(4, 9)
    W, X = np.round(rng.normal(size=(m, n)), 1) + 0.03, np.round(rng.normal(size=(60, n)), 1) + 0.05
    # No input on a kink, where rounding would decide.
    clear = (np.abs(X @ W.T) > 1e-3).all(axis=1) & (np.abs(X.sum(axis=1)) > 1e-3)  # some take rows of ones
    return {"W": W, "X": X[clear][:N]}


def mean_norm(W, X):
    # Or `return np.mean([np.linalg.norm((W @ x >= 0)[:, None] * W, 2) for x in X])`: no input sits on a kink.
    return np.mean([np.linalg.norm((W @ x > 0)[:, None] * W, 2) for x in X])


def unit_jacobian(W, X):
    return W / mean_norm(W, X)


def _has_unit_jacobian(answer, case):
    W, X = case["W"], case["X"]
    if np.shape(answer) != W.shape:
        return f"Your weight has shape {np.shape(answer)}; the layer has shape {W.shape}."
    found = mean_norm(np.asarray(answer, dtype=float), X)
    if not abs(found - 1) < 1e-5:
        return f"With your weight the mean of ‖J‖ over the inputs is {found:.6f}, not 1."
    return None


exercise_6 = Exercise(
    *Card("4.6", "a layer whose Jacobian has norm 1", points=3, difficulty=4, minutes=10),
    cases=_relu_layer,
    allows=lambda W, X: len(X) > 0 and mean_norm(W, X) > 0,
    # The second input switches every neuron off: its Jacobian is zero, and counts in the mean.
    edge_cases=({"W": np.array([[1.0, 0.3], [0.2, 1.5]]), "X": np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, -2.0]])},),
    reference=unit_jacobian,
    property=_has_unit_jacobian,
    misconceptions=slips(
        lambda W, X: W / np.linalg.norm(W, 2),
        "You have made ‖w‖ = 1. ReLU switches rows off at each input, so ‖J‖ is smaller.",
        lambda W, X: W / np.linalg.norm(np.mean([(W @ x > 0)[:, None] * W for x in X], axis=0), 2),
        "This is the norm of the mean Jacobian. The mean of the norms is larger.",
        lambda W, X: W / np.sqrt(np.mean([np.linalg.norm((W @ x > 0)[:, None] * W, 2) ** 2 for x in X])),
        "You have normalised the root mean square. The exercise asks for the mean of ‖J‖.",
        lambda W, X: W / np.mean([np.linalg.norm((W @ x > 0)[:, None] * W) for x in X]),
        "This uses the Frobenius norm. ‖J‖ is the largest singular value: `np.linalg.norm(J, 2)`.",
        lambda W, X: W / max(np.linalg.norm((W @ x > 0)[:, None] * W, 2) for x in X),
        "You have made the largest ‖J‖ equal to 1. The exercise asks for the mean.",
        lambda W, X: W / np.mean([n for x in X if (n := np.linalg.norm((W @ x > 0)[:, None] * W, 2)) > 0]),
        "Inputs at which no neuron is on have a Jacobian of norm 0, and count in the mean.",
        lambda W, X: W / np.linalg.norm((W @ X.mean(axis=0) > 0)[:, None] * W, 2),
        "You have taken one set of switches for all inputs, that of their mean. Each input has its own.",
    ),
    after="One division is enough because ReLU is homogeneous: scaling w leaves every switch where it is.",
)


def _factors(rng):
    N, d, n = (int(rng.integers(1, 6)) for _ in range(3))
    return {"M": np.round(rng.normal(size=(N, d)), 1), "Z": np.round(rng.normal(size=(N, n)), 1) + 0.05}


def gram_matrix(M, Z):
    return (M @ M.T) * (Z @ Z.T) / len(Z)


exercise_7 = Exercise(
    *Card("4.7", "the Gram matrix of a layer", points=3, difficulty=4, minutes=9),
    cases=_factors,
    reference=gram_matrix,
    misconceptions=slips(
        lambda M, Z: (M @ M.T) @ (Z @ Z.T) / len(Z),
        "Inner products of Kronecker products multiply entry by entry, not as matrices.",
        lambda M, Z: (M @ M.T) * (Z @ Z.T),
        "The loss is a mean over samples: divide by N.",
        lambda M, Z: M @ M.T / len(Z),
        "The layer's inputs are missing: (m ⊗ z)·(m′ ⊗ z′) = (m·m′)(z·z′).",
        lambda M, Z: np.kron(M.T @ M, Z.T @ Z) / len(Z),
        "This has the size of the layer, and mixes the samples. The Gram matrix is N × N.",
        lambda M, Z: (M @ M.T) * (Z @ Z.T) / M.shape[1],
        "You have divided by the number of columns. The mean is over samples, the rows: divide by N.",
        lambda M, Z: (M @ M.T) * (Z @ Z.T) / Z.shape[1],
        "You have divided by the number of columns of Z. The mean is over samples, the rows: divide by N.",
        lambda M, Z: (M @ M.T + Z @ Z.T) / len(Z),
        "Inner products of Kronecker products are products, not sums: (m ⊗ z)·(m′ ⊗ z′) = (m·m′)(z·z′).",
        lambda M, Z: Z @ Z.T / len(Z),
        "The other factor is missing, the inner products of the m_i: (m ⊗ z)·(m′ ⊗ z′) = (m·m′)(z·z′).",
    ),
    after="Its non-zero eigenvalues are the layer's: N² numbers in place of (d_k d_{k+1})².",
)


EXERCISES = (exercise_1, exercise_2, exercise_3, exercise_4, exercise_5, exercise_6, exercise_7)
