"""Answers to chapter 4 as people write them: wrong ones with words of the sentence each receives, and right ones."""

import math

import numpy as np
import torch


def step(H, g):
    return 2 * (g @ g) / (g @ H @ g)


def form(B, slope, g, z, Hz):
    v = B @ (slope * (g @ z))
    return v @ Hz @ v


def bound(J, A, z, Hz, k):
    return Hz * (math.prod(J[k + 1 :]) * A[k] * z[k]) ** 2


def mean_norm(W, X):
    return np.mean([np.linalg.norm((W @ x > 0)[:, None] * W, 2) for x in X])


def in_place(W, X):
    W /= mean_norm(W, X)
    return W


def gram(M, Z):
    return np.array([[np.kron(m, z) @ np.kron(n, y) for n, y in zip(M, Z)] for m, z in zip(M, Z)]) / len(M)


def by_grid(H, g):
    t = np.linspace(1e-3, 60, 60_000)
    drop = -t * (g @ g) + t**2 / 2 * (g @ H @ g)
    return t[drop <= 0][-1]


GENERIC = None  # no slip is recognised: the sentence says only what kind of answer is not right yet

WRONG = {
    "4.1": (
        (
            lambda widths, sigmas: [widths[k] * sigmas[k] ** 2 for k in range(len(sigmas))][-1],
            "This is the factor of the last layer.",
        ),
        (lambda widths, sigmas: widths[:-1] * sigmas**2, "Of the 5 values return the one that is asked for."),
        (
            lambda widths, sigmas: np.sum(widths[:-1] * sigmas**2),
            "The factors of successive layers multiply; you have added them.",
        ),
        (lambda widths, sigmas: np.prod(widths[1:] * sigmas**2), "This is the backward factor."),
        (lambda widths, sigmas: np.prod(widths) * np.prod(sigmas**2), "One width too many:"),
        (lambda widths, sigmas: np.prod(widths[:-1] * sigmas), "σ is a standard deviation; variances multiply by σ²."),
        (
            lambda widths, sigmas: np.prod(sigmas**2),
            "A sum of d_k independent terms has d_k times the variance of one.",
        ),
        (
            lambda widths, sigmas: np.prod(widths[:-1] ** 2 * sigmas**2),
            "The variances of d_k independent terms add up:",
        ),
        (
            lambda widths, sigmas: np.prod(np.sqrt(widths[:-1]) * sigmas),
            "This is the factor of the standard deviation.",
        ),
        (
            lambda widths, sigmas: np.prod(widths[:-1] * sigmas**2 / 2),
            "The half belongs to ReLU, which loses half of the mean square.",
        ),
        (lambda widths, sigmas: np.prod(2 / widths[:-1]), GENERIC),
        (lambda widths, sigmas: widths[0] * sigmas[0] ** 2, "This is the factor of the first layer."),
        (lambda widths, sigmas: np.mean(widths[:-1] * sigmas**2) ** len(sigmas), GENERIC),
        (
            lambda widths, sigmas: round(float(np.prod(widths[:-1] * sigmas**2)), 2),
            "Yours are the right values, rounded to 2 decimals:",
        ),
    ),
    "4.2": (
        (lambda H, g: step(H, g) / 2, "This is the step at which the model is lowest."),
        (lambda H, g: 2 / np.linalg.eigvalsh(H).max(), "This is safe whatever the gradient."),
        (lambda H, g: 1 / np.linalg.norm(H, 2), "The paper's 1/‖H‖:"),
        (lambda H, g: 2 / np.linalg.norm(H), "np.linalg.norm of a matrix is by default Frobenius's."),
        (lambda H, g: 2 / np.trace(H), "The trace adds the curvatures of all directions."),
        (lambda H, g: 2 / np.linalg.eigvalsh(H).min(), "This is the step that the flattest direction would allow."),
        (lambda H, g: 2 * np.linalg.norm(g) / (g @ H @ g), "The linear term is −γ‖g‖², with the square:"),
        (lambda H, g: 2 / (g @ H @ g), "The linear term −γ‖g‖² is missing:"),
        (lambda H, g: (g @ H @ g) / (g @ g) / 2, "Upside down:"),
        (lambda H, g: 2 * (g @ g) / np.linalg.norm(H @ g), "You have the length of Hg below."),
        (lambda H, g: 2 * (g @ g) / ((H @ g) @ (H @ g)), "You have ‖Hg‖² below."),
        (lambda H, g: 4 * (g @ g) / (g @ H @ g), "Yours is 2 times the expected value, every time."),
        (by_grid, "003 of the value at most, never above it."),
        (lambda H, g: round(step(H, g), 3), "Yours are the right values, rounded to 3 decimals:"),
        (lambda H, g: 2 * np.linalg.solve(H, g), "Of the 4 values return the one that is asked for."),
    ),
    "4.3": (
        (lambda B, slope, g, z, Hz: form(B, np.ones(len(slope)), g, z, Hz), "The activation's slope A is missing:"),
        (lambda B, slope, g, z, Hz: form(B, slope**2, g, z, Hz), "A enters v once."),
        (lambda B, slope, g, z, Hz: np.sum((B @ (slope * (g @ z))) ** 2), "This is ‖v‖²."),
        (lambda B, slope, g, z, Hz: np.sum(Hz @ (B @ (slope * (g @ z)))), "You have summed H_z v."),
        (lambda B, slope, g, z, Hz: B @ (slope * (g @ z)), "Of the 4 values return the one that is asked for."),
        (lambda B, slope, g, z, Hz: (slope * (g @ z)) @ (B.T @ B) @ (slope * (g @ z)), "This is ‖v‖²."),
        (lambda B, slope, g, z, Hz: form(B, np.abs(slope), g, z, Hz), "A slope below zero turns its entry of v round:"),
        (
            lambda B, slope, g, z, Hz: form(B, np.maximum(slope, 0), g, z, Hz),
            "A slope below zero counts, with its sign:",
        ),
        (lambda B, slope, g, z, Hz: form(B, slope, g, z, Hz) / 2, "5 times the expected value, every time."),
        (
            lambda B, slope, g, z, Hz: np.sqrt(form(B, slope, g, z, Hz)),
            "Yours is the square root of the expected value, every time.",
        ),
        (
            lambda B, slope, g, z, Hz: np.trace(Hz) * np.sum((B @ (slope * (g @ z))) ** 2),
            "The trace of H_z stands for no direction.",
        ),
        (
            lambda B, slope, g, z, Hz: np.linalg.norm(Hz, 2) * np.sum((B @ (slope * (g @ z))) ** 2),
            "This is a bound on the form, by the norm of H_z.",
        ),
        (lambda B, slope, g, z, Hz: form(B, slope, g, np.ones(len(z)), Hz), GENERIC),
        (
            lambda B, slope, g, z, Hz: (B @ (g @ z)) @ Hz @ (B @ (slope * (g @ z))),
            "The slope A belongs to v on both sides of H_z.",
        ),
        (lambda B, slope, g, z, Hz: 1 / (1 / slope).sum() * 0 + form(B, slope / np.abs(slope), g, z, Hz), GENERIC),
    ),
    "4.4": (
        (lambda J, A, z, Hz, k: np.prod(np.delete(J, k)) * A[k], "This is the printed bound."),
        (lambda J, A, z, Hz, k: Hz * (np.prod(J) * A[k] * z[k]) ** 2, "The product runs over the layers after k only:"),
        (lambda J, A, z, Hz, k: Hz * (np.prod(J[k:]) * A[k] * z[k]) ** 2, "The layer itself contributes A only:"),
        (
            lambda J, A, z, Hz, k: Hz * (np.prod(J[k + 1 :]) * A[k] * z[k]),
            "v enters the form vᵀH_z v twice, so its bound must be squared.",
        ),
        (lambda J, A, z, Hz, k: Hz * (np.prod(J[k + 2 :]) * A[k] * z[k]) ** 2, "One Jacobian is missing:"),
        (lambda J, A, z, Hz, k: Hz * (np.prod(J[k + 1 :]) * A[k]) ** 2, "The layer's input is missing:"),
        (lambda J, A, z, Hz, k: Hz * (np.prod(J[k + 1 :]) * z[k]) ** 2, "The activation's slope is missing:"),
        (lambda J, A, z, Hz, k: (np.prod(J[k + 1 :]) * A[k] * z[k]) ** 2, "This bounds ‖v‖²."),
        (
            lambda J, A, z, Hz, k: Hz**2 * (np.prod(J[k + 1 :]) * A[k] * z[k]) ** 2,
            "v enters vᵀH_z v twice, H_z only once.",
        ),
        (
            lambda J, A, z, Hz, k: Hz * (np.sum(J[k + 1 :]) * A[k] * z[k]) ** 2,
            "Norms of a product multiply; you have added them.",
        ),
        (
            lambda J, A, z, Hz, k: Hz * (np.prod(J[k + 1 :]) * np.prod(A[k:]) * z[k]) ** 2,
            "The slopes of the layers after k are in their Jacobians J already.",
        ),
        (lambda J, A, z, Hz, k: Hz * (np.prod(J[:k]) * A[k] * z[k]) ** 2, "These are the Jacobians before layer k."),
        (lambda J, A, z, Hz, k: Hz * (J[k + 1] * A[k] * z[k]) ** 2, "Your function stops with an error on this input."),
        (lambda J, A, z, Hz, k: bound(J, A, z, Hz, k - 1), GENERIC),
        (
            lambda J, A, z, Hz, k: Hz * (np.prod(J[k + 1 :]) * A[k] * z[-1]) ** 2,
            "The input of layer k is z^(k), not that of the last layer.",
        ),
    ),
    "4.5": (
        (lambda n, m, slope: 1 / (np.sqrt(n) + np.sqrt(m)), "Right for slope 1 only:"),
        (lambda n, m, slope: slope / (np.sqrt(n) + np.sqrt(m)), "A steeper activation needs smaller weights:"),
        (lambda n, m, slope: 1 / (slope * np.sqrt(n + m)), "The norm is about (√n + √m)σ:"),
        (
            lambda n, m, slope: 1 / (slope * (n + m)),
            "The norm of a random matrix grows with the roots of its sides, √n +",
        ),
        (lambda n, m, slope: (1 / (slope * (np.sqrt(n) + np.sqrt(m)))) ** 2, "This is σ²."),
        (lambda n, m, slope: np.sqrt(2 / (n + m)) / slope, "Glorot's σ, which looks after variances."),
        (lambda n, m, slope: np.sqrt(1 / n) / slope, "This keeps the variance of what passes."),
        (lambda n, m, slope: np.sqrt(2 / n), "This is He's σ, for ReLU's variance."),
        (
            lambda n, m, slope: 2 / (slope * (np.sqrt(n) + np.sqrt(m))),
            "Yours is 2 times the expected value, every time.",
        ),
        (lambda n, m, slope: slope * (np.sqrt(n) + np.sqrt(m)), "This is ‖J‖ for σ = 1."),
        (
            lambda n, m, slope: 1 / (slope**2 * (np.sqrt(n) + np.sqrt(m))),
            "Yours is the expected value divided by `slope`, every time.",
        ),
        (lambda n, m, slope: (np.sqrt(n) - np.sqrt(m)) / (slope * (n - m)), "Your answer holds NaN (not a number):"),
        (lambda n, m, slope: 1 / (slope * 2 * np.sqrt(max(n, m))), GENERIC),
        (lambda n, m, slope: 1 / (slope * 2 * np.sqrt(n)), "Right for a square weight only:"),
        (lambda n, m, slope: 1 / (slope * (n**0.5 + m)), GENERIC),
    ),
    "4.6": (
        (lambda W, X: W / np.linalg.norm(W, 2), "You have made ‖w‖ = 1."),
        (lambda W, X: W / np.linalg.norm(W), "With your weight the mean of ‖J‖ over the inputs is"),
        (
            lambda W, X: W / np.linalg.norm((W @ X.mean(axis=0) > 0)[:, None] * W, 2),
            "You have taken one set of switches for all inputs, that of their mean.",
        ),
        (
            lambda W, X: W / np.linalg.norm((W @ X[0] > 0)[:, None] * W, 2) if (W @ X[0] > 0).any() else W,
            "With your weight the mean of ‖J‖ over the inputs is",
        ),
        (
            lambda W, X: W / np.linalg.norm(((W @ X.T > 0).mean(axis=1))[:, None] * W, 2),
            "This is the norm of the mean Jacobian.",
        ),
        (
            lambda W, X: W / np.sqrt(np.mean([np.linalg.norm((W @ x > 0)[:, None] * W, 2) ** 2 for x in X])),
            "You have normalised the root mean square.",
        ),
        (
            lambda W, X: W / np.mean([np.linalg.norm((W @ x > 0)[:, None] * W) for x in X]),
            "This uses the Frobenius norm.",
        ),
        (
            lambda W, X: W / max(np.linalg.norm((W @ x > 0)[:, None] * W, 2) for x in X),
            "You have made the largest ‖J‖ equal to 1.",
        ),
        (
            lambda W, X: W / np.median([np.linalg.norm((W @ x > 0)[:, None] * W, 2) for x in X]),
            "With your weight the mean of ‖J‖ over the inputs is",
        ),
        (
            lambda W, X: W / np.mean([n for x in X if (n := np.linalg.norm((W @ x > 0)[:, None] * W, 2)) > 0]),
            "Inputs at which no neuron is on have a Jacobian of norm 0, and count",
        ),
        (lambda W, X: W / mean_norm(W, X) ** 2, "With your weight the mean of ‖J‖ over the inputs is"),
        (lambda W, X: W * mean_norm(W, X), "With your weight the mean of ‖J‖ over the inputs is"),
        (lambda W, X: mean_norm(W, X), "Your weight has shape (); the layer has shape (2, 2). Right"),
        (lambda W, X: (W / mean_norm(W, X)).T, "With your weight the mean of ‖J‖ over the inputs is"),
        (in_place, "Your function changes `W` itself and returns it, so that whoever called it has"),
        (
            lambda W, X: W / np.mean(1 / np.array([np.linalg.norm((W @ x > 0)[:, None] * W, 2) for x in X])),
            "With your weight the mean of ‖J‖ over the inputs is",
        ),
        (lambda W, X: np.round(W / mean_norm(W, X), 2), "With your weight the mean of ‖J‖ over the inputs is"),
    ),
    "4.7": (
        (lambda M, Z: gram(M, Z) * len(M), "The loss is a mean over samples:"),
        (
            lambda M, Z: (M @ M.T) @ (Z @ Z.T) / len(Z),
            "Inner products of Kronecker products multiply entry by entry, not as",
        ),
        (lambda M, Z: (M @ M.T + Z @ Z.T) / len(Z), "Inner products of Kronecker products are products, not sums:"),
        (lambda M, Z: M @ M.T / len(M), "The layer's inputs are missing:"),
        (lambda M, Z: Z @ Z.T / len(M), "The other factor is missing, the inner products of the m_i:"),
        (lambda M, Z: (M.T @ M).sum() * (Z.T @ Z) / len(M), "Expected an array of shape (4, 4);"),
        (lambda M, Z: (M @ M.T) * (Z @ Z.T) / M.shape[1], "You have divided by the number of columns."),
        (lambda M, Z: (M @ M.T) * (Z @ Z.T) / Z.shape[1], "You have divided by the number of columns of Z."),
        (
            lambda M, Z: (M @ M.T) * (Z @ Z.T) / len(Z) ** 2,
            "Yours is the expected value divided by `len(M)`, every time.",
        ),
        (lambda M, Z: np.sqrt(np.abs(gram(M, Z))), GENERIC),
        (lambda M, Z: np.kron(M, Z) @ np.kron(M, Z).T / len(M), "Expected an array of shape (5, 5);"),
        (lambda M, Z: np.diag(gram(M, Z)), "Expected an array of shape (5, 5);"),
        (lambda M, Z: np.trace(gram(M, Z)), "Expected an array of shape (5, 5);"),
        (lambda M, Z: gram(M, Z) / 2, GENERIC),
        (lambda M, Z: np.round(gram(M, Z), 2), "Yours are the right values, rounded to 2 decimals:"),
    ),
}

RIGHT = {
    "4.1": (
        lambda widths, sigmas: math.prod(int(d) * float(s) ** 2 for d, s in zip(widths, sigmas)),
        lambda d, s: np.exp(np.sum(np.log(d[:-1]) + 2 * np.log(s))),
        lambda widths, sigmas: torch.prod(torch.tensor(widths[:-1]) * torch.tensor(sigmas) ** 2),
    ),
    "4.2": (
        lambda H, g: 2 * float(np.dot(g, g)) / float(np.einsum("i,ij,j", g, H, g)),
        lambda H, g: 2 / ((g / np.linalg.norm(g)) @ H @ (g / np.linalg.norm(g))),
        lambda hessian, gradient: torch.tensor(step(hessian, gradient)),
        lambda H, g: max(np.roots([(g @ H @ g) / 2, -(g @ g), 0]).real),
    ),
    "4.3": (
        lambda B, slope, g, z, Hz: np.einsum("i,ij,j", B @ np.diag(slope) @ g @ z, Hz, B @ np.diag(slope) @ g @ z),
        lambda B, slope, g, z, Hz: sum(
            Hz[i, j] * (B @ (slope * (g @ z)))[i] * (B @ (slope * (g @ z)))[j]
            for i in range(len(Hz))
            for j in range(len(Hz))
        ),
        lambda B, slope, g, z, Hz: torch.tensor(form(B, slope, g, z, Hz)),
    ),
    "4.4": (
        bound,
        lambda J, A, z, Hz, k: Hz * np.prod(J[k + 1 :]) ** 2 * A[k] ** 2 * z[k] ** 2,
        lambda J, A, z, Hz, k: (
            Hz * math.exp(2 * (sum(math.log(j) for j in J[k + 1 :]) + math.log(A[k]) + math.log(z[k])))
        ),
    ),
    "4.5": (
        lambda n, m, slope: 1 / slope / (math.sqrt(n) + math.sqrt(m)),
        lambda inputs, outputs, slope: (slope * (inputs**0.5 + outputs**0.5)) ** -1,
        lambda n, m, slope: float(torch.tensor(1 / (slope * (math.sqrt(n) + math.sqrt(m))), dtype=torch.float64)),
    ),
    "4.6": (
        lambda W, X: W.copy() / mean_norm(W, X),
        lambda W, X: -W / mean_norm(-W, X) if mean_norm(-W, X) > 0 else W / mean_norm(W, X),
        lambda W, X: (
            torch.tensor(W)
            / torch.stack([torch.linalg.matrix_norm(torch.tensor((W @ x >= 0)[:, None] * W), 2) for x in X]).mean()
        ),
    ),
    "4.7": (
        gram,
        lambda M, Z: np.einsum("id,jd,in,jn->ij", M, M, Z, Z) / len(M),
        lambda M, Z: (rows := np.einsum("ij,ik->ijk", M, Z).reshape(len(M), -1)) @ rows.T / len(M),
    ),
}
