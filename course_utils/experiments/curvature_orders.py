"""Chapter 4's orders: with which power the parts of a layer's Hessian vanish when something is made small.

H₁ is what Theorem 1 keeps, ``vᵀH_z v``, H₂ what it neglects, Skorski's equation (10). Each exponent is that between
a scale and twice the scale, log₂ of the ratio of two norms, of one random network: no fit, one number a network.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_choice, check_number, check_size
from course_utils.theory.activations import Activation
from course_utils.theory.curvature import Net, layer_curvatures, random_net


class Parts(NamedTuple):
    """Something of ‖H₁‖ and of ‖H₂‖: their sizes, arrays (layers,), or the exponents of :func:`orders`."""

    main: Array
    neglected: Array


def sizes(net: Net, x: Array, t: Array) -> Parts:
    """Norms of both parts for one sample ``x`` (1, d_0) and the squared loss: ‖H_u‖‖z‖² for either part of H_u."""
    if len(x) != 1:
        raise ValueError(f"x must have one row, got shape {np.shape(x)}")
    found = layer_curvatures(net, x, t)
    main, neglected = (
        np.array([np.linalg.norm(part[0], 2) * np.square(c.z).sum() for c, part in zip(found, parts)])
        for parts in ([c.main for c in found], [c.exact - c.main for c in found])
    )
    return Parts(main, neglected)


def orders(depth: int, nets: int, rng: np.random.Generator, *, bias: float = 0.0, at: float = 0.01) -> Parts:
    """How the parts vanish with the weights of a whole tanh network of ``depth`` layers, whose ``bias`` scale stays.

    Arrays (nets, layers − 1) of exponents, for all layers but the last. Targets are standard normal. Without biases
    the exponents of layer k of n are 2(n − 1) and n + 2k (claim hessian/remark-2).
    """
    depth, at = check_size("depth", depth, 2), check_number("at", at, above=0)
    found = []
    for _ in range(check_size("nets", nets)):
        unit = random_net([8, *[10] * (depth - 1), 3], "tanh", 1.0, rng, 1.0)
        x, t = rng.standard_normal((1, 8)), rng.standard_normal((1, 3))
        small, large = (np.array(sizes(_scaled(unit, s, bias), x, t))[:, :-1] for s in (at, 2 * at))
        found.append(np.log2(large / small))
    return Parts(*np.array(found).transpose(1, 0, 2))


#: What :func:`neglected_orders` makes small, the networks being 8-10-9-3 with weights of scale 1. "f‴": that of
#: tanh(cu)/c, 2c². "own weights": those of the layer, no biases. "biases": of this layer and the later ones, its own
#: weights being zero. "own weights and bias": while later layers keep their biases. "own bias": while all weights stay.
SMALL = ("f‴", "own weights", "biases", "own weights and bias", "own bias")


def neglected_orders(small: str, nets: int, rng: np.random.Generator, *, layer: int = 0, at: float = 0.005) -> Array:
    """The exponent with which ‖H₂‖ of a layer vanishes, (nets,), when one of :data:`SMALL` alone is made small.

    Inputs have norm 1, targets are standard normal (claims hessian/thm-1-order and hessian/claim-2).
    """
    check_choice("small", small, SMALL)
    if check_size("layer", layer, 0) > 1:
        raise ValueError(f"layer must be 0 or 1, those before the linear one, got {layer}")
    at, found = check_number("at", at, above=0), []
    for _ in range(check_size("nets", nets)):
        unit = random_net([8, 10, 9, 3], "tanh", 1.0, rng, 1.0)
        x, t = rng.standard_normal((1, 8)), rng.standard_normal((1, 3))
        x /= np.linalg.norm(x)
        low, high = (sizes(_shrunk(unit, small, s, layer), x, t).neglected[layer] for s in (at, 2 * at))
        found.append(np.log2(high / low) / (2 if small == "f‴" else 1))
    return np.array(found)


def _shrunk(unit: Net, small: str, s: float, layer: int) -> Net:
    here, later = np.arange(3) == layer, np.arange(3) >= layer
    if small == "f‴":
        return _scaled(unit, 1, 0.3)._replace(sigma=_with_small_third_derivative(s))
    if small == "own weights":
        return _scaled(unit, np.where(here, s, 1), 0)
    if small == "biases":
        return _scaled(unit, ~here, np.where(later, s, 1))
    if small == "own weights and bias":
        return _scaled(unit, np.where(here, s, 1), np.where(here, s, 1))
    return _scaled(unit, 1, s * here)


def _with_small_third_derivative(c: float) -> Activation:
    return Activation(
        "tanh",
        lambda u: np.tanh(c * u) / c,
        lambda u: 1 - np.tanh(c * u) ** 2,
        lambda u: -2 * c * np.tanh(c * u) * (1 - np.tanh(c * u) ** 2),
        np.inf,
        0.0,
    )


def _scaled(net: Net, weights: float | Array, biases: float | Array) -> Net:
    """The network with all weights and all biases multiplied by a factor, or each layer's by its own."""
    layers = len(net.weights)
    return net._replace(
        weights=tuple(s * w for s, w in zip(np.broadcast_to(weights, layers), net.weights)),
        biases=tuple(s * b for s, b in zip(np.broadcast_to(biases, layers), net.biases)),
    )
