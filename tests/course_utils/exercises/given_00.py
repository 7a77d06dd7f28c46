"""Answers to chapter 0 as people write them: wrong ones with words of the sentence each receives, and right ones."""

import math

import numpy as np
import torch


def entry_by_entry(W, W0):
    total = 0.0
    for row, start in zip(W, W0):
        for v, v0 in zip(row, start):
            total += (v - v0) ** 2
    return math.sqrt(total)


def in_place(W, W0):
    W -= W0
    return np.linalg.norm(W)


GENERIC = None  # no slip is recognised: the sentence says only what kind of answer is not right yet

WRONG = {
    "0.1": (
        (lambda W, W0: np.sum((W - W0) ** 2), "You have the squared distance ‖W − W0‖²:"),
        (lambda W, W0: np.linalg.norm(W - W0, 2), "You have the largest singular value (the spectral norm)."),
        (
            lambda W, W0: np.linalg.norm(W) - np.linalg.norm(W0),
            "A difference of two lengths is not the length of the difference:",
        ),
        (lambda W, W0: np.sum(np.abs(W - W0)), "You have added absolute values."),
        (lambda W, W0: np.abs(W - W0).max(), "This is the largest move of a single weight."),
        (lambda W, W0: np.sqrt(np.mean((W - W0) ** 2)), "You have taken the mean of the squares."),
        (lambda W, W0: np.linalg.norm(W - W0, axis=1), "Of the 3 values return the one that is asked for."),
        (lambda W, W0: np.linalg.norm(W - W0, axis=0), "Of the 3 values return the one that is asked for."),
        (lambda W, W0: np.linalg.norm(W + W0), "A move is a difference:"),
        (lambda W, W0: np.linalg.norm(W), "This is how far W is from zero."),
        (lambda W, W0: W - W0, "Expected a number;"),
        (lambda W, W0: np.sqrt(np.sum(W**2 - W0**2)) if np.sum(W**2) >= np.sum(W0**2) else 0.0, GENERIC),
        (lambda W, W0: np.sum(W - W0), "Moves up and down cancel in a sum."),
        (lambda W, W0: (np.linalg.norm(W - W0),), "Expected a number;"),
        (lambda W, W0: np.linalg.norm(W - W0) / len(W), "Yours is the expected value divided by `len(W)`, every time."),
        (lambda W, W0: round(float(np.linalg.norm(W - W0)), 2), "Yours are the right values, rounded to 2 decimals:"),
        (lambda W, W0: np.linalg.norm(W - W0, "nuc"), "This is the sum of the singular values."),
    )
}

RIGHT = {
    "0.1": (
        entry_by_entry,
        in_place,
        lambda W, W0: np.linalg.norm(W - W0),
        lambda W, W0: torch.linalg.norm(torch.tensor(W) - torch.tensor(W0)),
        lambda now, start: math.dist(now.ravel(), start.ravel()),
        lambda W, W0: np.sqrt(np.trace((W - W0).T @ (W - W0))),
    )
}
