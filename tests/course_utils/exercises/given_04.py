"""Answers to chapter 4 as people write them: wrong ones with words of the sentence each receives, and right ones."""

import math

import numpy as np
import torch


def step(H, g):
    return 2 * (g @ g) / (g @ H @ g)


def bound(J, A, z, Hz, k):
    return Hz * (math.prod(J[k + 1 :]) * A[k] * z[k]) ** 2


def mean_norm(W, X):
    return np.mean([np.linalg.norm((W @ x > 0)[:, None] * W, 2) for x in X])


def in_place(W, X):
    W /= mean_norm(W, X)
    return W


def gram(M, Z):
    return np.array([[np.kron(m, z) @ np.kron(n, y) for n, y in zip(M, Z)] for m, z in zip(M, Z)]) / len(M)


def gradient(loss, w):
    w = w.detach().clone().requires_grad_()
    return torch.autograd.grad(loss(w), w)[0]


def times(loss, w, v):
    w = w.detach().clone().requires_grad_()
    (g,) = torch.autograd.grad(loss(w), w, create_graph=True)
    return torch.autograd.grad(g, w, grad_outputs=v)[0]


def without_create_graph(loss, w, v):
    w = w.detach().requires_grad_()
    (g,) = torch.autograd.grad(loss(w), w)
    return torch.autograd.grad(g @ v, w)[0]


def with_backward(loss, w, v):
    w = w.detach().requires_grad_()
    (g,) = torch.autograd.grad(loss(w), w, create_graph=True)
    (g @ v).backward()
    return w.grad


def powered(H, v, rounds):
    for _ in range(rounds):
        v = H @ v
        v = v / np.linalg.norm(v)
    return v


def spanned(H, v, rounds):
    """An orthonormal basis in columns, by QR of the directions as they come."""
    columns = [v / np.linalg.norm(v)]
    while len(columns) < min(rounds, len(v)):
        r = H @ columns[-1]
        for _ in range(2):
            for q in columns:
                r = r - (q @ r) * q
        if np.linalg.norm(r) < 1e-9:
            break
        columns.append(r / np.linalg.norm(r))
    return np.array(columns).T


def ritz(H, v, rounds):
    Q = spanned(H, v, rounds)
    return np.linalg.eigvalsh(Q.T @ H @ Q)


def without_end(H, v, rounds):
    basis, r = [], v
    for _ in range(rounds):
        basis.append(r / np.linalg.norm(r))
        Q = np.array(basis)
        r = H @ basis[-1]
        r = r - Q.T @ (Q @ r)
    return np.linalg.eigvalsh(Q @ H @ Q.T)[-1]


def three_terms(H, v, rounds):
    """Lanczos as in books, with α and β."""
    q, before, beta, alphas, betas = v / np.linalg.norm(v), 0 * v, 0.0, [], []
    for _ in range(rounds):
        r = H @ q - beta * before
        alphas.append(q @ r)
        r = r - alphas[-1] * q
        beta = np.linalg.norm(r)
        if beta < 1e-9 or len(alphas) == len(v):
            break
        betas.append(beta)
        before, q = q, r / beta
    off = betas[: len(alphas) - 1]
    return np.linalg.eigvalsh(np.diag(alphas) + np.diag(off, 1) + np.diag(off, -1))[-1]


def scaled(weights, X, rounds=25, norm=lambda J: np.linalg.norm(J, 2, axis=(1, 2)).mean(), last=True, new=True):
    """Weights divided again and again by a norm of their Jacobians, with what people do otherwise."""
    found, z = [], X
    for k, W in enumerate(weights):
        start, bent = W, k < len(weights) - 1 or not last
        for _ in range(rounds):
            slope = 1 - np.tanh(z @ W.T) ** 2 if bent else np.ones((len(z), len(W)))
            W = W / norm(slope[:, :, None] * W)
        found.append(W)
        z = np.tanh(z @ (W if new else start).T)
    return found


def by_bisection(weights, X):
    found, z = [], X
    for W in weights:

        def mean(c, z=z, W=W, last=W is weights[-1]):
            slope = np.ones((len(z), len(W))) if last else 1 - np.tanh(c * z @ W.T) ** 2
            return np.mean([np.linalg.norm(np.diag(row) @ (c * W), 2) for row in slope])

        low = high = 1e-3
        while mean(high) < 1:
            high *= 1.1
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if mean(middle) < 1 else (low, middle)
        found.append(high * W)
        z = np.tanh(z @ found[-1].T)
    return tuple(found)


def down(loss, w, step, steps, move=None):
    losses = [loss(w).item()]
    for k in range(steps):
        g = gradient(loss, w)
        w = w - step * g if move is None else move(w, g, k)
        losses.append(loss(w).item())
    return losses, w


def down_in_place(loss, w, step, steps):
    losses = [loss(w).item()]
    for _ in range(steps):
        w -= step * gradient(loss, w)
        losses.append(loss(w).item())
    return losses, w


def by_optimizer(loss, w, step, steps):
    w = torch.nn.Parameter(w.clone())
    optimizer, losses = torch.optim.SGD([w], lr=step), []
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss(w)
        losses.append(value.item())
        value.backward()
        optimizer.step()
    return losses + [loss(w).item()], w.detach()


def with_momentum(loss, w, step, steps):
    losses, before = [loss(w).item()], 0 * w
    for _ in range(steps):
        before = 0.9 * before + gradient(loss, w)
        w = w - step * before
        losses.append(loss(w).item())
    return losses, w


def says(order):
    return lambda: order


def by_grid(H, g):
    t = np.linspace(1e-3, 60, 60_000)
    drop = -t * (g @ g) + t**2 / 2 * (g @ H @ g)
    return t[drop <= 0][-1]


GENERIC = None  # no slip is recognised: the sentence says only what kind of answer is not right yet

WRONG = {
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
    "4.8": (
        (lambda loss, w, v: gradient(loss, w), "This is the gradient."),
        (lambda loss, w, v: v @ times(loss, w, v), "This is the number vᵀHv"),
        (lambda loss, w, v: gradient(loss, w) @ v, "This is the slope along v"),
        (lambda loss, w, v: v * times(loss, w, torch.ones_like(v)), "v belongs inside"),
        (lambda loss, w, v: gradient(loss, w + v) - gradient(loss, w), "over the whole step v"),
        (lambda loss, w, v: (gradient(loss, w + 1e-3 * v) - gradient(loss, w)) / 1e-3, "A difference of two gradients"),
        (lambda loss, w, v: gradient(loss, w) * (gradient(loss, w) @ v), "outer product with itself"),
        (lambda loss, w, v: times(loss, w, v) / len(w), "divided by the number of weights"),
        (lambda loss, w, v: times(loss, w, v / v.norm()) if v.norm() > 0 else 0 * v, "H times the unit vector"),
        (lambda loss, w, v: times(loss, w, times(loss, w, v)), "H was applied twice"),
        (without_create_graph, "Your function stops with an error"),
        (lambda loss, w, v: torch.autograd.functional.hessian(loss, w) @ v, "2 s"),
        (lambda loss, w, v: times(loss, w, v).sum(), "Expected an array of shape"),
        (lambda loss, w, v: -times(loss, w, v), "Only the sign"),
        (lambda loss, w, v: 2 * times(loss, w, v), "Yours is 2 times the expected value"),
        (lambda loss, w, v: None, "not attempted"),
    ),
    "4.9": (
        (lambda H, v, rounds: np.linalg.norm(H @ powered(H, v / np.linalg.norm(v), rounds)), "has lost its sign"),
        (lambda H, v, rounds: abs((q := powered(H, v, rounds)) @ H @ q / (q @ q)), "The sign is lost"),
        (lambda H, v, rounds: np.linalg.eigvalsh(H).max(), "This takes the matrix apart, which nobody has"),
        (lambda H, v, rounds: abs(np.linalg.eigvals(H)).max(), "and loses the sign"),
        (lambda H, v, rounds: (q := powered(H, v, rounds + 1)) @ H @ q / (q @ q), "One round too many"),
        (lambda H, v, rounds: (q := powered(H, v, max(0, rounds - 1))) @ H @ q / (q @ q), "One round too few"),
        (lambda H, v, rounds: v @ H @ v / (v @ v), "This is the quotient of the start"),
        (lambda H, v, rounds: (q := powered(H, v, rounds)) @ H @ q, "Divide by vᵀv"),
        (lambda H, v, rounds: powered(H, v / np.linalg.norm(v), rounds), "This is the direction"),
        (lambda H, v, rounds: (q := powered(H @ H, v, rounds)) @ H @ q / (q @ q), GENERIC),
        (lambda H, v, rounds: (q := powered(H, v, rounds)) @ q / (q @ H @ q), "one over the expected value"),
        (lambda H, v, rounds: (q := powered(H, v, rounds)) @ q, GENERIC),
        (lambda H, v, rounds: (q := np.linalg.matrix_power(H, rounds) @ v) @ H @ q / (q @ q), "NaN"),
        (lambda H, v, rounds: round((q := powered(H, v, rounds)) @ H @ q / (q @ q), 2), "rounded to 2 decimals"),
    ),
    "4.10": (
        (lambda H, v, rounds: np.linalg.eigvalsh(H)[-1], "This takes the matrix apart"),
        (lambda H, v, rounds: max(ritz(H, v, rounds), key=abs), "largest in size"),
        (lambda H, v, rounds: abs(ritz(H, v, rounds)).max(), "its sign is lost"),
        (lambda H, v, rounds: ritz(H, v, rounds)[0], "This is the smallest eigenvalue"),
        (lambda H, v, rounds: (q := powered(H, v, rounds - 1)) @ H @ q / (q @ q), "of the last direction alone"),
        (lambda H, v, rounds: ritz(H, v, rounds + 1)[-1], "One direction too many"),
        (lambda H, v, rounds: ritz(H, v, max(1, rounds - 1))[-1], "One direction too few"),
        (lambda H, v, rounds: max(q @ H @ q for q in spanned(H, v, rounds).T), "of a single direction"),
        (lambda H, v, rounds: np.linalg.eigvalsh((Q := spanned(H, v, rounds)).T @ Q)[-1], "This is QᵀQ"),
        (lambda H, v, rounds: ritz(H, v, rounds).sum(), "This is the trace"),
        (without_end, "stops with an error"),
        (lambda H, v, rounds: ritz(H, v, rounds), "Of the "),
        (lambda H, v, rounds: v @ H @ v / (v @ v), GENERIC),
        (lambda H, v, rounds: spanned(H, v, rounds), "Expected a number; yours is an array"),
    ),
    "4.11": (
        (lambda weights, X: scaled(weights, X, rounds=1), "After one division the slopes of tanh are others"),
        (lambda weights, X: [W / np.linalg.norm(W, 2) for W in weights], "You have made ‖w‖ = 1."),
        (lambda weights, X: [W / np.linalg.norm(W) for W in weights], "This is Frobenius's norm of w."),
        (lambda weights, X: scaled(weights, X, new=False), "A layer's input has passed"),
        (
            lambda weights, X: scaled(weights, X, norm=lambda J: np.linalg.norm(J, axis=(1, 2)).mean()),
            "This uses the Frobenius norm.",
        ),
        (
            lambda weights, X: scaled(weights, X, norm=lambda J: np.linalg.norm(J.mean(axis=0), 2)),
            "This is the norm of the mean Jacobian.",
        ),
        (
            lambda weights, X: scaled(weights, X, norm=lambda J: np.linalg.norm(J, 2, axis=(1, 2)).max()),
            "You have made the largest",
        ),
        (lambda weights, X: scaled(weights, X, last=False), "The last layer is linear"),
        (
            lambda weights, X: scaled(weights, X, norm=lambda J: np.linalg.norm(J[0], 2)),
            "Only the first input was looked at.",
        ),
        (lambda weights, X: scaled(weights, X)[-1], "yours are"),
        (lambda weights, X: scaled(weights, X)[:-1], "has shape (0,)"),
        (lambda weights, X: [W.T for W in scaled(weights, X)], "has shape"),
        (lambda weights, X: weights, "the mean of ‖J‖ over the inputs is"),
        (lambda weights, X: [-W for W in scaled(weights, X)], "is not the given one times a positive number"),
        (lambda weights, X: scaled(weights, X, rounds=3), "the mean of ‖J‖ over the inputs is"),
    ),
    "4.12": (
        (down_in_place, "changes the weights it was given"),
        (lambda loss, w, step, steps: down(loss, w, -step, steps), "This climbs"),
        (
            lambda loss, w, step, steps: (down(loss, w, step, steps)[0][1:], down(loss, w, step, steps)[1]),
            "of the start",
        ),
        (
            lambda loss, w, step, steps: (down(loss, w, step, steps)[0][:-1], down(loss, w, step, steps)[1]),
            "the last step",
        ),
        (
            lambda loss, w, step, steps: down(loss, w, step, steps, lambda v, g, k: v - step * gradient(loss, w)),
            "Every step has used the gradient of the start.",
        ),
        (
            lambda loss, w, step, steps: down(loss, w, step, steps, lambda w, g, k: w - step * g / g.norm()),
            "The gradient was made a unit vector.",
        ),
        (
            lambda loss, w, step, steps: down(loss, w, step, steps, lambda w, g, k: w - step / (k + 1) * g),
            "Your step shrinks on the way.",
        ),
        (lambda loss, w, step, steps: (down(loss, w, step, steps)[0], w), "are those of the start"),
        (lambda loss, w, step, steps: down(loss, w, step, steps, lambda w, g, k: w - g), "The step γ is missing"),
        (lambda loss, w, step, steps: down(loss, w, step, steps + 1), "One step too many."),
        (lambda loss, w, step, steps: down(loss, w, step, steps)[0], "expected two things"),
        (lambda loss, w, step, steps: down(loss, w, step, steps)[::-1], "Expected an array of shape"),
        (with_momentum, "that is momentum"),
        (lambda loss, w, step, steps: None, "not attempted"),
    ),
    "4.13": (
        (says("F A C H D G"), "what bounds gᵀHg"),
        (says("C A F H D G"), "the exact change of the loss"),
        (says("F C A D H G"), "along the steepest axis exist"),
        (says("F C A G"), "that a longer step climbs"),
        (says("F H D G"), "that no shorter step climbs"),
        (says("B C A H D G"), "Line B: as the paper prints it"),
        (says("F E A H D G"), "Line E: that holds for a gradient along the steepest axis alone"),
        (says("F C A H D I G"), "Line I: true, and the paper's γ*"),
        (says("F C A H D"), "they do not arrive"),
        (says("G F C A H D"), "Line G is not founded yet"),
        (says("H F D C G"), "that no shorter step climbs"),
        (says("F C C A H D G"), "Line C stands twice"),
        (says("F C A H D G Z"), "There is no line Z"),
        (says(""), "not attempted"),
    ),
    "4.14": (
        (says("B G A F H E"), "Line A: this is equation (4) as printed"),
        (says("B G C D E"), "Line D: the product rule has a second term"),
        (says("B G C I H E"), "Line I: false"),
        (says("B G C F H J E"), "Line J: true, and Theorem 2 begins with it"),
        (says("B C G F H E"), "how does the pre-activation move"),
        (says("G C F H B E"), "the dot are not defined"),
        (says("B G C H E"), "the second derivative of z is not said"),
        (says("B G F H E"), "the first derivative of z is not known"),
        (says("B G C F E"), "the second derivative of the loss is not written"),
        (says("B G C F H"), "they do not arrive"),
        (says("E B G C F H"), "Line E is not founded yet"),
        (says("B G F C D E"), "Line D: the product rule"),
        (says("B B G C F H E"), "Line B stands twice"),
        (says("..."), "not attempted"),
    ),
}

RIGHT = {
    "4.2": (
        lambda H, g: 2 * float(np.dot(g, g)) / float(np.einsum("i,ij,j", g, H, g)),
        lambda H, g: 2 / ((g / np.linalg.norm(g)) @ H @ (g / np.linalg.norm(g))),
        lambda hessian, gradient: torch.tensor(step(hessian, gradient)),
        lambda H, g: max(np.roots([(g @ H @ g) / 2, -(g @ g), 0]).real),
    ),
    "4.4": (
        bound,
        lambda J, A, z, Hz, k: Hz * np.prod(J[k + 1 :]) ** 2 * A[k] ** 2 * z[k] ** 2,
        lambda J, A, z, Hz, k: (
            Hz * math.exp(2 * (sum(math.log(j) for j in J[k + 1 :]) + math.log(A[k]) + math.log(z[k])))
        ),
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
    "4.8": (
        times,
        with_backward,
        lambda loss, w, v: torch.func.jvp(torch.func.grad(loss), (w,), (v,))[1],
        lambda loss, w, v: torch.autograd.functional.hvp(loss, w, v)[1].numpy(),
    ),
    "4.9": (
        lambda H, v, rounds: (q := powered(H, v / np.linalg.norm(v), rounds)) @ H @ q,
        lambda H, v, rounds: float(np.dot(u := H @ (q := powered(H, v, rounds)), q) / np.dot(q, q)) + 0 * u[0],
        lambda H, v, rounds: (
            (q := torch.from_numpy(powered(H, v, rounds))) @ torch.from_numpy(H) @ q / q.square().sum()
        ),
    ),
    "4.10": (
        lambda H, v, rounds: ritz(H, v, rounds)[-1],
        three_terms,
        lambda H, v, rounds: float(np.linalg.eigvals((Q := spanned(H, v, rounds)).T @ H @ Q).real.max()),
    ),
    "4.11": (scaled, by_bisection, lambda weights, X: [torch.tensor(W) for W in scaled(weights, X, rounds=60)]),
    "4.12": (
        down,
        by_optimizer,
        lambda loss, w, step, steps: (torch.tensor((run := down(loss, w, step, steps))[0]), run[1].numpy()),
    ),
    "4.13": (says("F C A H D G"), says("H F D C A G"), says(["C", "F", "A", "H", "D", "G"]), says("c, h, f, a, d, g")),
    "4.14": (says("B G C F H E"), says("G F C B H E"), says("b → h → g → f → c → e")),
}
