"""Exercises, predictions and the written answer of Chapter 4, Hessian initialization."""

import numpy as np

from course_utils.exercises import Card, Exercise, Prediction, Written, probes, proof, slips


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
    *Card("4.4", "Theorem 2, corrected", points=3, difficulty=2, minutes=6),
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


def _along(rng):
    layers = int(rng.integers(1, 3))
    widths = tuple(int(n) for n in rng.integers(2, 4, size=layers + 1))
    size = sum((n + 1) * m for n, m in zip(widths, widths[1:]))
    N = int(rng.integers(1, 4))
    return {
        "widths": widths,
        "x": np.round(rng.normal(size=(N, widths[0])), 1),
        "t": rng.integers(0, widths[-1], size=N),
        "w": np.round(rng.normal(size=size), 1),
        "v": np.round(rng.normal(size=size), 1),
    }


def _many_weights():
    """A network whose Hessian as a matrix has 79 million entries: row by row it takes longer than the check waits."""
    rng = np.random.default_rng(0)
    case = {"widths": (100, 80, 10), "x": rng.normal(size=(50, 100)), "t": rng.integers(0, 10, size=50)}
    return {**case, "w": 0.1 * rng.normal(size=8890), "v": rng.normal(size=8890)}


def hessian_vector(loss, w, v):
    import torch

    w = w.detach().requires_grad_()
    (g,) = torch.autograd.grad(loss(w), w, create_graph=True)
    # Or `product, = torch.autograd.grad(v @ g, w)`: an inner product.
    (product,) = torch.autograd.grad(g @ v, w)
    return product


def _gradient(loss, w):
    import torch

    w = w.detach().clone().requires_grad_()
    (g,) = torch.autograd.grad(loss(w), w)
    return g


exercise_8 = Exercise(
    *Card("4.8", "build, stage 1: the Hessian times a vector", points=4, difficulty=3, minutes=8),
    kind="build",
    cases=_along,
    edge_cases=(_many_weights(),),
    reference=hessian_vector,
    probe=probes.hessian_along,
    rtol=1e-6,
    atol=1e-8,
    time_limit=2.0,
    misconceptions=slips(
        lambda loss, w, v: _gradient(loss, w),
        "This is the gradient. Differentiate it once more, along v: the gradient of g·v.",
        lambda loss, w, v: v @ hessian_vector(loss, w, v),
        "This is the number vᵀHv, the curvature along v. The vector Hv is asked for.",
        lambda loss, w, v: v * hessian_vector(loss, w, v * 0 + 1),
        "The sum of all entries of g was differentiated, and v multiplied afterwards: that is v times the row sums of "
        "H. v belongs inside: differentiate g·v.",
        lambda loss, w, v: _gradient(loss, w) @ v,
        "This is the slope along v, g·v. Its gradient by w is Hv.",
        lambda loss, w, v: _gradient(loss, w + v) - _gradient(loss, w),
        "A difference of gradients over the whole step v is Hv for a parabola only. Differentiate g·v instead.",
        lambda loss, w, v: (_gradient(loss, w + 1e-3 * v) - _gradient(loss, w)) / 1e-3,
        "A difference of two gradients is Hv up to an error that shows here. Differentiating g·v has none.",
        lambda loss, w, v: _gradient(loss, w) * (_gradient(loss, w) @ v),
        "This is g(g·v), the gradient's outer product with itself in place of the Hessian.",
        lambda loss, w, v: hessian_vector(loss, w, v) / len(w),
        "This is Hv divided by the number of weights. The loss is a mean over images already, and nothing else is.",
        lambda loss, w, v: hessian_vector(loss, w, v / v.norm() if v.norm() > 0 else v),
        "This is H times the unit vector v/‖v‖. Take v as long as it is.",
        lambda loss, w, v: hessian_vector(loss, w, hessian_vector(loss, w, v)),
        "This is HHv: H was applied twice.",
    ),
    after="Two gradients, whatever the number of weights: nobody needs the matrix.",
)


def _symmetric(rng, size):
    A = np.round(rng.normal(size=(size, size)), 1)
    return (A + A.T) / 2


def _powers(rng):
    n = int(rng.integers(1, 6))
    return {
        "H": _symmetric(rng, n) + rng.uniform(-2, 3) * np.eye(n),
        "v": np.round(rng.normal(size=n), 1) + 0.05,
        "rounds": int(rng.integers(0, 9)),
    }


def _powers_exist(H, v, rounds):
    """No product comes near zero, where rounding would decide on the direction."""
    for _ in range(rounds):
        v = H @ v / np.linalg.norm(v)
        if not np.linalg.norm(v) > 1e-3:
            return False
    return np.linalg.norm(v) > 1e-3


def power_iteration(H, v, rounds):
    for _ in range(rounds):
        # Or `v = H @ v / np.linalg.norm(v)`: the length of the former one keeps it from growing as well.
        # Or `v = H @ v / np.linalg.norm(H * v)`: so does any length in proportion to it.
        # Or `v = v @ H / np.linalg.norm(H @ v)`: H is symmetric.
        # Or `v = H @ v / np.linalg.norm(v @ H)`: H is symmetric.
        v = H @ v / np.linalg.norm(H @ v)
    # Or `return v @ (v @ H) / (v @ v)`: H is symmetric.
    # Or `return H @ v @ v / (v @ v)`: H is symmetric.
    return v @ (H @ v) / (v @ v)


exercise_9 = Exercise(
    *Card("4.9", "build, stage 2: power iteration", points=3, difficulty=2, minutes=6),
    kind="build",
    cases=_powers,
    allows=_powers_exist,
    edge_cases=(
        {"H": np.diag([3.0, -1.0]), "v": np.ones(2), "rounds": 2},
        # 4³⁰⁰⁰ is no number, nor is what remains of a vector that a fixed number divides.
        {"H": np.diag([4.0, 3.9, 0.5]), "v": np.ones(3), "rounds": 3000},
    ),
    reference=power_iteration,
    rtol=1e-6,
    misconceptions=slips(
        lambda H, v, rounds: np.linalg.norm(H @ _powered(H, v, rounds)) / np.linalg.norm(_powered(H, v, rounds)),
        "The length ‖Hv‖ has lost its sign: an eigenvalue may be negative. Take vᵀHv for a unit vector v.",
        lambda H, v, rounds: np.abs(power_iteration(H, v, rounds)),
        "The sign is lost: an eigenvalue may be negative.",
        lambda H, v, rounds: np.linalg.eigvalsh(H)[-1],
        "This takes the matrix apart, which nobody has for a network. Multiply by it, and return what `rounds` "
        "products have found.",
        lambda H, v, rounds: np.abs(np.linalg.eigvalsh(H)).max(),
        "This takes the matrix apart, and loses the sign. Multiply by it, and return what `rounds` products have "
        "found.",
        lambda H, v, rounds: power_iteration(H, v, rounds + 1),
        "One round too many: the quotient vᵀHv is taken after `rounds` products, and its own product is no round.",
        lambda H, v, rounds: power_iteration(H, v, max(rounds - 1, 0)),
        "One round too few.",
        lambda H, v, rounds: v @ (H @ v) / (v @ v),
        "This is the quotient of the start. Multiply by H `rounds` times first.",
        lambda H, v, rounds: _powered(H, v, rounds) @ (H @ _powered(H, v, rounds)),
        "Divide by vᵀv, or make v a unit vector: what remains has the length of the start.",
        lambda H, v, rounds: _powered(H, v, rounds) / np.linalg.norm(_powered(H, v, rounds)),
        "This is the direction. Return its curvature, vᵀHv.",
    ),
    after="Its error falls like a power of the ratio of the two largest eigenvalues in size: slowly, where they are "
    "near.",
)


def _powered(H, v, rounds):
    """The vector after the rounds, in the length that one gets who never divides by vᵀv in the end."""
    for _ in range(rounds):
        v = H @ v / np.linalg.norm(H @ v)
    return v


def _krylov(rng):
    n = int(rng.integers(1, 9))
    return {
        "H": _symmetric(rng, n) + rng.uniform(-2, 3) * np.eye(n),
        "v": np.round(rng.normal(size=n), 1) + 0.05,
        "rounds": int(rng.integers(1, 9)),
    }


def _krylov_is_clear(H, v, rounds):
    """A start, and no direction that is new by rounding only."""
    if not np.linalg.norm(v) > 1e-3:
        return False
    basis, r = [], v
    for _ in range(rounds):
        size = np.linalg.norm(r)
        if 1e-12 < size < 1e-4:
            return False
        if size <= 1e-12:
            return True
        basis.append(r / size)
        Q = np.array(basis)
        r = H @ basis[-1]
        r = r - Q.T @ (Q @ r)
    return True


DIGITS = 9  # a direction of which no more is left lies in the span already, up to rounding


def lanczos(H, v, rounds):
    basis, images, r = [], [], v
    while len(basis) < rounds and np.any(np.round(r, DIGITS)):
        basis.append(r / np.linalg.norm(r))
        # Or `images.append(basis[-1] @ H)`: H is symmetric.
        images.append(H @ basis[-1])
        Q = np.array(basis)
        r = images[-1] - Q.T @ (Q @ images[-1])
    return np.linalg.eigvalsh(Q @ np.array(images).T)[-1]


exercise_10 = Exercise(
    *Card("4.10", "build, stage 3: Lanczos", points=5, difficulty=4, minutes=11),
    kind="build",
    cases=_krylov,
    # All of the space is spanned before the rounds are used up.
    edge_cases=(
        {"H": np.diag([2.0, -5.0, 1.0]), "v": np.ones(3), "rounds": 2},
        {"H": 3 * np.eye(2), "v": np.array([1.0, 2.0]), "rounds": 4},
        {"H": np.diag([4.0, 4.0, 1.0]), "v": np.ones(3), "rounds": 6},
    ),
    allows=_krylov_is_clear,
    reference=lanczos,
    rtol=1e-6,
    atol=1e-9,
    misconceptions=slips(
        lambda H, v, rounds: np.linalg.eigvalsh(H)[-1],
        "This takes the matrix apart, which nobody has for a network. Only products H @ q are there: return the "
        "largest eigenvalue of QᵀHQ.",
        lambda H, v, rounds: _ritz(H, v, rounds)[np.abs(_ritz(H, v, rounds)).argmax()],
        "This is the eigenvalue of QᵀHQ that is largest in size. The largest is asked for, with its sign.",
        lambda H, v, rounds: np.abs(_ritz(H, v, rounds)).max(),
        "This is the size of an eigenvalue of QᵀHQ: its sign is lost.",
        lambda H, v, rounds: _ritz(H, v, rounds)[0],
        "This is the smallest eigenvalue of QᵀHQ: `eigvalsh` sorts them upwards.",
        lambda H, v, rounds: power_iteration(H, v, rounds - 1),
        "This is the curvature of the last direction alone, as power iteration has it. Lanczos asks for the best one "
        "of all that are in the span.",
        lambda H, v, rounds: lanczos(H, v, rounds + 1),
        "One direction too many: v itself is the first of `rounds`.",
        lambda H, v, rounds: lanczos(H, v, max(rounds - 1, 1)),
        "One direction too few: v itself is the first of `rounds`.",
        lambda H, v, rounds: np.max([q @ (H @ q) for q in _basis(H, v, rounds)]),
        "This is the largest curvature of a single direction of the basis. A combination of them may have more: take "
        "the largest eigenvalue of QᵀHQ, with its entries beside the diagonal.",
        lambda H, v, rounds: np.linalg.eigvalsh(_basis(H, v, rounds) @ _basis(H, v, rounds).T)[-1],
        "This is QᵀQ, the identity. Lanczos needs QᵀHQ.",
        lambda H, v, rounds: np.trace(_basis(H, v, rounds) @ H @ _basis(H, v, rounds).T),
        "This is the trace of QᵀHQ, the sum of its eigenvalues.",
    ),
    after="It never overestimates, and a dozen products give the end of a network's spectrum to a percent.",
)


def _basis(H, v, rounds):
    basis, r = [], v
    while len(basis) < rounds and np.linalg.norm(r) > 1e-10:
        basis.append(r / np.linalg.norm(r))
        Q = np.array(basis)
        r = H @ basis[-1]
        r = r - Q.T @ (Q @ r)
    return np.array(basis)


def _ritz(H, v, rounds):
    Q = _basis(H, v, rounds)
    return np.linalg.eigvalsh(Q @ H @ Q.T)


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
    *Card("4.6", "build, stage 1: a layer whose Jacobian has norm 1", points=4, difficulty=3, minutes=9),
    kind="build",
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


def _tanh_net(rng):
    widths = rng.integers(1, 5, size=int(rng.integers(2, 5)))
    weights = tuple(np.round(rng.normal(size=(m, n)), 1) + 0.05 for n, m in zip(widths, widths[1:]))
    return {"weights": weights, "X": np.round(0.3 * rng.normal(size=(int(rng.integers(1, 5)), int(widths[0]))), 2)}


def _norms_of(weights, X):
    """Mean ‖J‖ of every layer: tanh, the last one linear."""
    found, z = [], X
    for k, W in enumerate(weights):
        slope = 1 - np.tanh(z @ W.T) ** 2 if k < len(weights) - 1 else np.ones((len(z), len(W)))
        found.append(np.linalg.norm(slope[:, :, None] * W, 2, axis=(1, 2)).mean())
        z = np.tanh(z @ W.T)
    return np.array(found)


def _can_be_scaled(weights, X):
    """No weight is zero, and a few divisions find a scale: for large signals tanh has none.

    The latter also on signals that have passed the weights as they were, for who goes on with these.
    """
    if not all(np.linalg.norm(W) > 0.2 for W in weights):
        return False
    with np.errstate(all="ignore"):
        found = [_norms_of(_scaled_by(weights, X, _mean_norm_of, rounds=7), X)]
        z = X
        for W in weights:
            bent = (W, np.eye(len(W)))
            found.append(_norms_of(_scaled_by(bent, z, _mean_norm_of, rounds=7), z))
            z = np.tanh(z @ W.T)
    return bool(np.abs(np.concatenate(found) - 1).max() < 1e-3)


def _wide_tanh_net():
    """Signals of which some bend tanh and others do not, so that a mean of norms is no other mean."""
    rng = np.random.default_rng(3)
    weights = tuple(np.round(rng.normal(size=shape), 1) + 0.05 for shape in ((8, 6), (8, 8), (3, 8)))
    return {"weights": weights, "X": np.round(0.5 * rng.normal(size=(6, 6)), 1)}


ROUNDS = 14


def data_driven(weights, X):
    scaled, z = [], X
    for k, W in enumerate(weights):
        for _ in range(ROUNDS):
            slope = 1 - np.tanh(z @ W.T) ** 2 if k < len(weights) - 1 else np.ones((len(z), len(W)))
            W = W / np.linalg.norm(slope[:, :, None] * W, 2, axis=(1, 2)).mean()
        scaled.append(W)
        z = np.tanh(z @ W.T)
    # Or `return scaled`: a list is as good.
    return tuple(scaled)


def _has_unit_jacobians(answer, case):
    weights, X = case["weights"], case["X"]
    answer = answer if isinstance(answer, tuple) else (answer,)
    if len(answer) != len(weights):
        return f"The network has {len(weights)} weights; yours are {len(answer)}."
    for k, (mine, W) in enumerate(zip(answer, weights)):
        if np.shape(mine) != W.shape:
            return f"Your weight {k} has shape {np.shape(mine)}; the one that was given has shape {W.shape}."
        factor = np.vdot(mine, W) / np.vdot(W, W)
        if not (factor > 0 and np.abs(mine - factor * W).max() <= 1e-5 * np.abs(mine).max()):
            return f"Your weight {k} is not the given one times a positive number."
    for k, found in enumerate(_norms_of(answer, X)):
        if not abs(found - 1) < 1e-4:
            return f"With your weights the mean of ‖J‖ over the inputs is {found:.5f} in layer {k}, not 1."
    return None


def _scaled_by(weights, X, scale, rounds=ROUNDS):
    """The same with another number to divide by, ``scale(slope, W)``."""
    scaled, z = [], X
    for k, W in enumerate(weights):
        for _ in range(rounds):
            slope = 1 - np.tanh(z @ W.T) ** 2 if k < len(weights) - 1 else np.ones((len(z), len(W)))
            W = W / size if (size := scale(slope, W)) > 1e-3 else W  # it has run away
        scaled.append(W)
        z = np.tanh(z @ W.T)
    return tuple(scaled)


def _mean_norm_of(slope, W):
    return np.linalg.norm(slope[:, :, None] * W, 2, axis=(1, 2)).mean()


def _of_unscaled(weights, X):
    """Every layer is scaled on signals that have passed the weights as they were."""
    found, z = [], X
    for k, W in enumerate(weights):
        one = (W,) if k == len(weights) - 1 else (W, np.eye(len(W)))
        found.append(_scaled_by(one, z, _mean_norm_of)[0])
        z = np.tanh(z @ W.T)
    return tuple(found)


exercise_11 = Exercise(
    *Card("4.11", "build, stage 2: the whole network, from data", points=5, difficulty=4, minutes=10),
    kind="build",
    cases=_tanh_net,
    allows=_can_be_scaled,
    edge_cases=(_wide_tanh_net(),),
    reference=data_driven,
    property=_has_unit_jacobians,
    rtol=1e-4,
    atol=1e-6,
    size=lambda case: len(case["weights"]) + np.size(case["X"]) / 100,
    misconceptions=slips(
        lambda weights, X: _scaled_by(weights, X, _mean_norm_of, rounds=1),
        "After one division the slopes of tanh are others, and so is the mean of ‖J‖: repeat until it stays.",
        lambda weights, X: tuple(W / np.linalg.norm(W, 2) for W in weights),
        "You have made ‖w‖ = 1. The slopes of tanh make ‖J‖ smaller.",
        lambda weights, X: tuple(W / np.linalg.norm(W) for W in weights),
        "This is Frobenius's norm of w. ‖J‖ is the largest singular value of the weights with their slopes.",
        _of_unscaled,
        "A layer's input has passed the layers before it *as they are scaled*: go on with the new weights.",
        lambda weights, X: _scaled_by(
            weights, X, lambda slope, W: np.linalg.norm(slope[:, :, None] * W, axis=(1, 2)).mean()
        ),
        "This uses the Frobenius norm. ‖J‖ is the largest singular value: `np.linalg.norm(J, 2)`.",
        lambda weights, X: _scaled_by(weights, X, lambda slope, W: np.linalg.norm(slope.mean(axis=0)[:, None] * W, 2)),
        "This is the norm of the mean Jacobian. The mean of the norms is larger.",
        lambda weights, X: _scaled_by(
            weights, X, lambda slope, W: np.linalg.norm(slope[:, :, None] * W, 2, axis=(1, 2)).max()
        ),
        "You have made the largest ‖J‖ equal to 1. The mean over the inputs is asked for.",
        lambda weights, X: _scaled_by((*weights, np.eye(len(weights[-1]))), X, _mean_norm_of)[:-1],
        "The last layer is linear: its Jacobian is its weight, whose norm becomes 1.",
        lambda weights, X: _scaled_by(
            weights, X, lambda slope, W: np.linalg.norm(slope[:, :, None] * W, 2, axis=(1, 2))[0]
        ),
        "Only the first input was looked at. The mean over all of them is to be 1.",
    ),
    after="Corollary 1 asks for no formula of ‖w‖: whatever the activation and the law of the weights, it measures.",
)


def _start(rng):
    case = _along(rng)
    del case["v"]
    return {**case, "step": round(rng.uniform(0.1, 2.0), 1), "steps": int(rng.integers(1, 6))}


def descend(loss, w, step, steps):
    import torch

    losses = []
    for _ in range(steps):
        w = w.detach().requires_grad_()
        losses.append(loss(w).item())
        (g,) = torch.autograd.grad(loss(w), w)
        w = w - step * g
    return [*losses, loss(w).item()], w.detach()


def _descend(loss, w, step, steps, move):
    """The same with another move, ``move(w, g, k)`` in the k-th step."""
    losses = []
    for k in range(steps):
        losses.append(loss(w).item())
        w = move(w, _gradient(loss, w), k)
    return [*losses, loss(w).item()], w


def _with_momentum(loss, w, step, steps):
    losses, move = [loss(w).item()], 0 * w
    for _ in range(steps):
        move = 0.9 * move + _gradient(loss, w)
        w = w - step * move
        losses.append(loss(w).item())
    return losses, w


def _in_place(loss, w, step, steps):
    losses = []
    for _ in range(steps):
        losses.append(loss(w).item())
        w -= step * _gradient(loss, w)
    return [*losses, loss(w).item()], w


exercise_12 = Exercise(
    *Card("4.12", "build, stage 3: descend", points=3, difficulty=2, minutes=7),
    kind="build",
    cases=_start,
    reference=descend,
    probe=probes.descent,
    rtol=1e-6,
    atol=1e-8,
    misconceptions=slips(
        _in_place,
        "Your function changes the weights it was given, so that no other start can be compared with them: `w = w - "
        "step * g` makes new ones.",
        lambda loss, w, step, steps: _descend(loss, w, step, steps, lambda w, g, k: w + step * g),
        "This climbs: the step goes against the gradient.",
        lambda loss, w, step, steps: (descend(loss, w, step, steps)[0][1:], descend(loss, w, step, steps)[1]),
        "The loss of the start is missing: `steps` steps have `steps + 1` losses.",
        lambda loss, w, step, steps: (descend(loss, w, step, steps)[0][:-1], descend(loss, w, step, steps)[1]),
        "The loss after the last step is missing: `steps` steps have `steps + 1` losses.",
        lambda loss, w, step, steps: _descend(loss, w, step, steps, lambda v, g, k: v - step * _gradient(loss, w)),
        "Every step has used the gradient of the start. It is another one after each step.",
        lambda loss, w, step, steps: _descend(loss, w, step, steps, lambda w, g, k: w - step * g / g.norm()),
        "The gradient was made a unit vector. The step is γ times the gradient as it is.",
        lambda loss, w, step, steps: _descend(loss, w, step, steps, lambda w, g, k: w - step / (k + 1) * g),
        "Your step shrinks on the way. It is to stay constant: that is what is compared with 2/γ.",
        _with_momentum,
        "Your step remembers the steps before it: that is momentum. Plain descent moves by −γ times the gradient "
        "where it stands.",
        lambda loss, w, step, steps: (descend(loss, w, step, steps)[0], w),
        "The weights that you return are those of the start.",
        lambda loss, w, step, steps: _descend(loss, w, step, steps, lambda w, g, k: w - g),
        "The step γ is missing: w − γg.",
        lambda loss, w, step, steps: descend(loss, w, step, steps + 1),
        "One step too many.",
    ),
    after="Six lines; everything that this section finds out is in what they are given to start from.",
)


def _factors(rng):
    N, d, n = (int(rng.integers(1, 6)) for _ in range(3))
    return {"M": np.round(rng.normal(size=(N, d)), 1), "Z": np.round(rng.normal(size=(N, n)), 1) + 0.05}


def gram_matrix(M, Z):
    return (M @ M.T) * (Z @ Z.T) / len(Z)


exercise_7 = Exercise(
    *Card("4.7", "the Gram matrix of a layer", points=4, difficulty=4, minutes=9),
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


exercise_13 = proof(
    *Card(
        "4.13", "the longest step that is safe for every gradient, from its lines", points=4, difficulty=3, minutes=8
    ),
    lines={
        "A": (
            r"For every $g$: $L(w - \gamma g) - L(w) \le -\gamma\lVert g\rVert^2\,(1 - "
            r"\tfrac12\gamma\lambda_{\max})$, which is not positive if $\gamma \le 2/\lambda_{\max}$.",
            "F C",
        ),
        "C": (r"$g^\top Hg \le \lambda_{\max}\lVert g\rVert^2$ for every $g$.", ""),
        "D": (
            r"For a $g$ with $Hg = \lambda_{\max}g$: $L(w - \gamma g) - L(w) = -\gamma\lVert g\rVert^2\,(1 - "
            r"\tfrac12\gamma\lambda_{\max})$, which is positive if $\gamma > 2/\lambda_{\max}$.",
            "F H",
        ),
        "F": (
            r"On a bowl $L(w - \gamma g) - L(w) = -\gamma\lVert g\rVert^2 + \tfrac12\gamma^2\, g^\top Hg$, where $g$ "
            r"is the gradient at $w$.",
            "",
        ),
        "G": (r"A step $\gamma$ is safe for every gradient exactly if $\gamma \le 2/\lambda_{\max}$.", "A D"),
        "H": (r"There is a $g \ne 0$ with $Hg = \lambda_{\max}g$, and on a bowl some $w$ has it as its gradient.", ""),
    },
    flaws={
        "B": (
            r"On a bowl $L(w - \gamma g) - L(w) = -\gamma g + \tfrac12\gamma^2\, g^\top Hg$.",
            "as the paper prints it, a vector is added to a number. The slope along −g is −‖g‖².",
        ),
        "E": (
            r"$g^\top Hg = \lambda_{\max}\lVert g\rVert^2$ for every $g$.",
            "that holds for a gradient along the steepest axis alone. For all others there is ≤.",
        ),
        "I": (
            r"The right-hand side $-\gamma\lVert g\rVert^2(1 - \tfrac12\gamma\lambda_{\max})$ is smallest at $\gamma "
            r"= 1/\lambda_{\max}$.",
            "true, and the paper's γ*: there the guarantee is best. How far it reaches is another question, so that "
            "the line is not needed.",
        ),
    },
    goal="G",
    missing={
        "F": "it uses the exact change of the loss, which stands nowhere above.",
        "C": "what bounds gᵀHg for a gradient of any direction?",
        "H": "does a gradient along the steepest axis exist?",
        "D": "“exactly” has two halves: that a longer step climbs for some gradient is not shown yet.",
        "A": "“exactly” has two halves: that no shorter step climbs is not shown yet.",
    },
    after="Both halves use the same formula: once with ≤ for all gradients, once with = for one.",
)

exercise_14 = proof(
    *Card("4.14", "Theorem 1 for ReLU, from its lines", points=5, difficulty=4, minutes=10),
    lines={
        "B": (
            r"Along $w^{(k)} + \varepsilon g$ let $\varphi(\varepsilon)$ be the loss, $z(\varepsilon)$ the output and "
            r"$\dot{\ }$ the derivative by $\varepsilon$ at 0. Then $H_{w(k)}[g,g] = \ddot\varphi$.",
            "",
        ),
        "C": (r"$\dot z = B^{(k+1)}A^{(k)}\,g\,z^{(k)} = v$.", "G"),
        "E": (r"$H_{w(k)}[g,g] = v^\top H_z\,v$.", "B C F H"),
        "F": (
            r"$\ddot z = 0$: without a kink in reach every layer from $k$ on is affine in $u^{(k)}$, and so is the "
            r"output.",
            "G",
        ),
        "G": (
            r"The layer's input $z^{(k)}$ does not depend on $w^{(k)}$, so $u^{(k)}(\varepsilon) = u^{(k)} + "
            r"\varepsilon\,g\,z^{(k)}$, and no signal crosses ReLU's kink for small $\varepsilon$.",
            "",
        ),
        "H": (
            r"$\ddot\varphi = \dot z^\top H_z\,\dot z + \partial_zL\cdot\ddot z$, by the chain rule and the product "
            r"rule.",
            "B",
        ),
    },
    flaws={
        "A": (
            r"$\dot z = B^{(k)}A^{(k)}\,g\,z^{(k)} = v$.",
            "this is equation (4) as printed. $B^{(k)}$ is the derivative by $z^{(k)}$, and holds $w^{(k)}$ and "
            "$A^{(k)}$ already.".replace("$B^{(k)}$", "B^(k)")
            .replace("$z^{(k)}$", "z^(k)")
            .replace("$w^{(k)}$", "w^(k)")
            .replace("$A^{(k)}$", "A^(k)"),
        ),
        "D": (
            r"$\ddot\varphi = \dot z^\top H_z\,\dot z$, by the chain rule.",
            "the product rule has a second term, ∂L/∂z times the second derivative of z. It vanishes for ReLU, and "
            "for tanh it is what Theorem 1 neglects.",
        ),
        "I": (
            r"$\partial_zL = 0$ at a random start.",
            "false: the residual is zero where the fit is perfect. It is the second derivative of z that vanishes.",
        ),
        "J": (
            r"$\lVert v\rVert \le \lVert B^{(k+1)}\rVert\,\lVert A^{(k)}\rVert\,\lVert g\rVert\,\lVert z^{(k)}\rVert$.",
            "true, and Theorem 2 begins with it. Theorem 1 is an equality and does not need it.",
        ),
    },
    goal="E",
    missing={
        "G": "how does the pre-activation move with the weights?",
        "B": "φ and the dot are not defined yet.",
        "F": "what becomes of the second derivative of z is not said yet.",
        "C": "the first derivative of z is not known yet.",
        "H": "the second derivative of the loss is not written down yet.",
    },
    after="For tanh line F fails, and what it leaves out is the next section's Q.",
)


EXERCISES = (
    exercise_2,
    exercise_4,
    exercise_6,
    exercise_7,
    exercise_8,
    exercise_9,
    exercise_10,
    exercise_11,
    exercise_12,
    exercise_13,
    exercise_14,
)

WRITTEN = (
    Written(
        *Card("4.15", "what the threshold says of training", points=6, difficulty=3, minutes=12),
        rubric=(
            (
                2,
                "says what $2/\\lambda_{\\max}$ is: exact for a bowl, the border for the worst gradient, and at a "
                "fixed $H$",
            ),
            (
                2,
                "says what it does not cover: a network's curvature changes with every step, so that a start above "
                "the line may come down, and one below it climb",
            ),
            (1, "gives a number of the chapter for either"),
            (1, "says that a low start has a price: small weights carry no signal through depth"),
        ),
        model=(
            "The threshold is exact on a bowl: there, with one $H$ for all steps, some gradient makes the loss climb "
            "as soon as $\\gamma > 2/\\lambda_{\\max}$. Of a network it describes the first step, and only in the "
            "steepest direction. After it the Hessian is another one. He's start of ten layers has $\\lambda_{\\max}$ "
            "about three times $2/\\gamma$, and the first steps jump to flatter ground: it ends with the lowest loss "
            "of all. The Hessian scheme starts at 0.2, far below the line of 4, climbs past it in all ten networks, "
            "and its loss is still high. So the friend chooses the one start that does not train: with $\\lVert "
            "w\\rVert = 1$ ten layers let a millionth of the signal through, and a gradient that does not arrive is "
            "not mended by a safe step."
        ),
    ),
)

PREDICTIONS = (
    Prediction(
        "4/border",
        "A bowl has the curvatures 4, 1 and 0.1 along its axes. You make the step $\\gamma$ longer and longer, from "
        "many points. Beyond which product $\\gamma\\lambda_{\\max}$ does a step make the loss climb from at least "
        "one of them?",
        right="beyond 2",
        options=(
            (
                "beyond 1",
                "This is the paper's $\\gamma^* = 1/\\lVert H\\rVert$. Beyond it a step overshoots along the steepest "
                "axis, yet it arrives lower than it started.",
            ),
            (
                "beyond 2",
                "Yes: at 2 a step along the steepest axis lands on the opposite slope at the same height. All other "
                "gradients allow more.",
            ),
            (
                "beyond about 4: no gradient is exactly along one axis",
                "A typical gradient does allow more than 2. One along the steepest axis is among the 2000 as well, "
                "and a guarantee counts the worst.",
            ),
            (
                "at every product some of them climb",
                "A short step against the gradient goes down from everywhere: the linear term wins.",
            ),
        ),
    ),
    Prediction(
        "4/glorot",
        "A linear layer has 60 inputs and 120 outputs, and Glorot's weights. What does it do to the mean square of a "
        "signal on its way forward, and of a gradient on its way back?",
        right="the signal shrinks, the gradient grows",
        options=(
            (
                "both keep their size: that is what the scheme is for",
                "Two conditions, $d_k\\sigma^2 = 1$ and $d_{k+1}\\sigma^2 = 1$, cannot both hold with one $\\sigma$ "
                "unless the layer is square.",
            ),
            (
                "the signal grows, the gradient shrinks",
                "There are more outputs, but the mean square is *per entry*: each output sums over 60 inputs, each "
                "gradient over 120 outputs.",
            ),
            (
                "the signal shrinks, the gradient grows",
                "Yes: by $2\\cdot 60/180$ and $2\\cdot 120/180$. The two factors have the mean 1, and a product below "
                "1.",
            ),
            (
                "both shrink",
                "Their product does: $8/9$. But one of the two factors is above 1, because their mean is 1.",
            ),
        ),
    ),
    Prediction(
        "4/exact",
        "The theorem says “$\\approx$”. A ReLU network with biases, one layer, one direction: how near will automatic "
        "differentiation of the loss come to $v^\\top H_zv$?",
        right="equal, to all digits",
        options=(
            (
                "within some percent, better for small weights",
                "The paper's “$\\approx$” says so. Yet ReLU is made of straight pieces: between its kinks there is "
                "nothing of second order to neglect.",
            ),
            (
                "equal, to all digits",
                "Yes, biases included: the second derivative of the output along a layer's weights is zero.",
            ),
            (
                "of the same size: the kinks spoil the second derivative",
                "A kink matters only where a signal sits on it. Nearby nothing bends.",
            ),
        ),
    ),
    Prediction(
        "4/share",
        "tanh bends least near zero. At weights of scale 0.1, a tenth of the usual, which share of the first layer's "
        "Hessian does Theorem 1 miss?",
        right="nearly all of it",
        options=(
            (
                "about a hundredth: what bends is of third order",
                "What is missed is small, as the middle map shows. The part that Theorem 1 keeps is smaller still.",
            ),
            (
                "about a tenth: in proportion to the weights",
                "The missed part is in proportion to some power of the weights, and so is the kept one, to a higher "
                "power.",
            ),
            (
                "nearly all of it",
                "Yes: 98 % and more. The kept part holds the later weights twice, the missed part only once.",
            ),
        ),
    ),
    Prediction(
        "4/printed",
        "Of 300 random ReLU networks all 900 layers are measured, $\\lVert H_{w(k)}\\rVert$ against the bound that "
        "the paper prints. In how many is the bound exceeded?",
        right="in most of them",
        options=(
            (
                "in a few: bounds of this kind are generous",
                "The corrected one is: it is never exceeded. What is printed lacks a square and two norms, which no "
                "generosity makes good.",
            ),
            (
                "in none: a theorem was proved",
                "Its proof ends with “we have approximately”, and there the formula is missing.",
            ),
            (
                "in most of them",
                "Yes, in 70 %, as drawn here. Where $\\lVert x\\rVert$ and $\\lVert H_z\\rVert$ are 1 only the square "
                "is missing, and it is exceeded in a few.",
            ),
        ),
    ),
    Prediction(
        "4/typical",
        "With the scheme's weights every layer has $\\lVert w\\rVert \\approx 1$: no signal can grow, and none has to "
        "shrink. Ten layers of tanh are fed with digits. Which share of the signals' mean square is left at the end?",
        right="about a millionth",
        options=(
            (
                "more than a half: norm one keeps the length",
                "It keeps the length of the one worst direction. A typical vector has $\\sigma\\sqrt n = 1/2$ of its "
                "length left after a square layer.",
            ),
            ("about a tenth", "That is Glorot's share, which loses only what tanh takes."),
            (
                "about a millionth",
                "Yes: a square layer keeps a quarter of the mean square, and $4^{-10}$ is a millionth.",
            ),
        ),
    ),
    Prediction(
        "4/division",
        "With the closed form (8) and ReLU, is the mean of $\\lVert J^{(k)}\\rVert$ over images 1?",
        right="below 1, by a sixth or so",
        options=(
            (
                "1: that is what (8) was made for",
                "(8) makes $\\lVert w\\rVert \\approx 1$. $J$ lacks the rows of the neurons that are off.",
            ),
            ("below 1, by a sixth or so", "Yes, 0.85 and 0.81: some rows are off, and the norm is that of the rest."),
            (
                "about a half: half of the rows are off",
                "Half of the rows do not carry half of the *largest* singular value: with $m/2$ rows it is about "
                "$(\\sqrt n + \\sqrt{m/2})\\,\\sigma$, or 0.85 of it.",
            ),
        ),
    ),
    Prediction(
        "4/best",
        "Ten layers, $\\gamma = 0.5$, so $2/\\gamma = 4$. The four starts have a $\\lambda_{\\max}$ of 3.5 (Glorot), "
        "11 (He) and 0.2 (the scheme, and the data-driven start). Which has the lowest loss after 100 steps?",
        right="He",
        options=(
            (
                "the data-driven start: it is farthest below 4 and knows the data",
                "Its first steps are the safest of all. It hardly moves: its gradients vanish with its signals.",
            ),
            (
                "Glorot: just below 4, as fast as is safe",
                "A good second. The line is not the limit that it seems to be.",
            ),
            ("He", "Yes, though it starts at almost three times the line. The first steps jump to flatter ground."),
            (
                "the Hessian scheme",
                "Its first steps are the safest. It hardly moves: its gradients vanish with its signals.",
            ),
        ),
    ),
    Prediction(
        "4/edge",
        "Five layers from the Hessian scheme start with $\\lambda_{\\max} = 0.5$ and train well. Where is "
        "$\\lambda_{\\max}$ after 100 steps of $\\gamma = 0.5$?",
        right="near 2/γ = 4",
        options=(
            (
                "still below 1: the start has set it",
                "A start says little about the way: training itself makes the loss steeper.",
            ),
            (
                "lower than at the start, since the loss has fallen",
                "At the very end of training it may. On the way the weights grow, and the curvature with them.",
            ),
            (
                "near 2/γ = 4",
                "Yes. Descent with a constant step climbs towards the steepest ground on which it can stand.",
            ),
            (
                "far above 4, and the loss diverges",
                "Past the line it would be thrown out again, to flatter ground: He's start shows it.",
            ),
        ),
    ),
    Prediction(
        "4/longer",
        "So gentle a start allows a longer step. Each scheme now trains its ten layers with the best of three steps, "
        "0.5 among them. Does the Hessian scheme catch up?",
        right="no, with neither tanh nor ReLU",
        options=(
            (
                "yes: with a step twenty times as long",
                "A longer step multiplies all gradients. It does not bring a signal through ten layers that has died "
                "in five.",
            ),
            (
                "with tanh yes, with ReLU no",
                "It is the other way round, if at all: with tanh it gets somewhere, but 0.5 was its best step already.",
            ),
            (
                "no, with neither tanh nor ReLU",
                "It does not: 80 % of guessing's loss is left with tanh, and all of it with ReLU.",
            ),
        ),
    ),
)
