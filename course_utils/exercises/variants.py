"""Exercises that exist with many numbers, so that a class can give each student another one.

A notebook made for one student says its number before the check, ``yours("1.3", 7)``, and its card and its
stub say the same. Which student gets which number is decided by ``course_staff.variants``, from a secret;
here is only what an exercise becomes with a given number.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, erf, sqrt

import numpy as np

from course_utils import exercises
from course_utils.exercises import Exercise, Misconception, chapter_01, chapter_02, chapter_03

Number = int | float


@dataclass(frozen=True)
class Variant:
    """One exercise, for any of some numbers.

    base       the exercise as the chapter has it
    numbers    those that a student may get: all of them are tested
    fields     ``fields(number)``: what of the declaration changes
    texts      ``texts(number)``: old → new, each once in the exercise's card, stub, hints or closing sentence
    """

    base: Exercise
    numbers: tuple[Number, ...]
    fields: Callable[[Number], dict]
    texts: Callable[[Number], dict[str, str]]

    def exercise(self, number: Number) -> Exercise:
        """The exercise with this number. Raises ValueError for a number that it does not have."""
        if number not in self.numbers:
            raise ValueError(
                f"exercise {self.base.id} has no variant with the number {number!r}; "
                f"expected one of {', '.join(map(str, self.numbers))}"
            )
        return replace(self.base, **self.fields(number))


def yours(id: str, number: Number) -> None:
    """From now on ``check(id, ...)`` asks for the variant with this number, in this process.

    Raises:
        ValueError: for an exercise without variants, or a number that it does not have.
    """
    if id not in VARIANTS:
        raise ValueError(f"exercise {id!r} has no variants; those with some: {', '.join(VARIANTS)}")
    exercises._declared()[id] = VARIANTS[id].exercise(number)


def _base(module, id: str) -> Exercise:
    return next(exercise for exercise in module.EXERCISES if exercise.id == id)


def _not_yours(base: Exercise, message: str) -> Misconception:
    """The published answer, which is the wrong one that a copied solution gives."""
    return Misconception(base.reference, message)


_BLOCKS = tuple(range(3, 43))
_SCALES = tuple(n / 20 for n in range(11, 60) if n != 20)
# Where 2 would make one wrong answer of two: a factor √2 is what some forget anyway.
_NOT_TWO = tuple(number for number in _SCALES if number != 2)


# 1.3: several neurons share the error.


def safe_step(beta, eps, k):
    return np.sqrt(2 * eps / (k * beta))


def _safe_step(k: int) -> dict:
    return {
        "reference": partial(safe_step, k=k),
        "misconceptions": (
            _not_yours(_STEP, f"This is the step of a single neuron. Yours are {k}, and their errors may add up."),
            Misconception(
                lambda beta, eps: np.sqrt(2 * eps / beta) / k,
                f"Too short: the errors of {k} neurons add up, but the error is a square of the step. "
                "Divide below the root.",
            ),
            Misconception(
                lambda beta, eps: np.sqrt(eps / (k * beta)),
                "Too short by a factor √2: the envelope is β step²/2, with the half.",
            ),
            Misconception(
                lambda beta, eps: 2 * eps / (k * beta),
                f"This is the square of the step: solve {k} β step²/2 = eps for the step.",
            ),
            Misconception(
                lambda beta, eps: k * beta * eps**2 / 2, "You have put eps in for the step. It is the error."
            ),
        ),
    }


def _safe_step_texts(k: int) -> dict[str, str]:
    answer = safe_step(4 / (3 * sqrt(3)), 0.01, k)
    return {
        "Return the largest step for which the envelope guarantees an error of at most `eps`.": (
            f"A sum of **{k} neurons** is moved, every one of them by the same step. Return the largest step "
            "for which their envelopes together guarantee an error of at most `eps`."
        ),
        "with beta * step**2 / 2 <= eps.": f"with {k} * beta * step**2 / 2 <= eps.",
        "Set the envelope equal to": f"Set {k} times the envelope equal to",
        "divide by β, take the root": f"divide by {k}β, take the root",
        "the answer is 0.16.": f"the answer is {answer:.3f}.",
    }


# 1.6 and 3.6: neurons come in blocks.


def width_needed(beta, B, eps, k):
    return k * ceil((beta * B**2 / (2 * eps)) ** 2 / k)


def _width_needed(k: int) -> dict:
    return {
        "reference": partial(width_needed, k=k),
        "edge_cases": ({"beta": 4.0 * k, "B": 1.0, "eps": 1.0},),  # exactly 4k blocks
        "misconceptions": (
            _not_yours(_WIDTH, f"Enough neurons, but they come in blocks of {k}: round up to whole blocks."),
            Misconception(
                lambda beta, B, eps: ceil(width_needed(beta, B, eps, k) / k),
                f"This is the number of blocks. Return the number of neurons, {k} in each.",
            ),
            Misconception(
                lambda beta, B, eps: (beta * B**2 / (2 * eps)) ** 2,
                f"There are no fractions of a neuron: round up, to whole blocks of {k}.",
            ),
            Misconception(
                lambda beta, B, eps: k * ceil(beta * B**2 / (2 * eps) / k),
                "The gap falls with the square root of m: solve for √m first, then square.",
            ),
            Misconception(
                lambda beta, B, eps: k * int((beta * B**2 / (2 * eps)) ** 2 / k),
                "One block too few: the guarantee has to hold, so round up.",
            ),
            Misconception(
                lambda beta, B, eps: k * ceil((beta * B**2 / eps) ** 2 / k),
                "Four times too many: the half of β/2 is squared as well.",
            ),
            Misconception(
                lambda beta, B, eps: k * ceil((beta * B / (2 * eps)) ** 2 / k),
                "The movement enters as B², and is then squared once more with the rest.",
            ),
        ),
    }


def _width_needed_texts(k: int) -> dict[str, str]:
    return {
        "Return the smallest whole number.": (
            f"They come in blocks of **{k} neurons**: return the smallest multiple of {k}."
        ),
        "Smallest m with beta": f"Smallest multiple m of {k} with beta",
        "so round up: <code>np.ceil</code>, then <code>int</code>.": f"so round up, to whole blocks of {k}: "
        "<code>np.ceil</code> of the number of blocks, then <code>int</code>.",
        "the answer is 1482.": f"the answer is {width_needed(4 / (3 * sqrt(3)), 1, 0.01, k)}.",
    }


def relu_width(c, B, eps, k):
    return k * ceil((c * B ** (4 / 3) / eps) ** 6 / k)


def _relu_width(k: int) -> dict:
    return {
        "reference": partial(relu_width, k=k),
        "misconceptions": (
            _not_yours(_RELU, f"Enough neurons, but they come in blocks of {k}: round up to whole blocks."),
            Misconception(
                lambda c, B, eps: ceil(relu_width(c, B, eps, k) / k),
                f"This is the number of blocks. Return the number of neurons, {k} in each.",
            ),
            Misconception(
                lambda c, B, eps: k * ceil((c * B ** (4 / 3) / eps) ** 3 / k),
                "The cube belongs to a rate of m^(−1/3). With the factor 1/√m the gap falls as m^(1/3 − 1/2).",
            ),
            Misconception(
                lambda c, B, eps: k * ceil((c * B ** (4 / 3) / eps) ** 2 / k),
                "This is the rate m^(−1/2) of a smooth activation. ReLU's worst case falls as m^(−1/6).",
            ),
            Misconception(
                lambda c, B, eps: k * int((c * B ** (4 / 3) / eps) ** 6 / k),
                "One block too few: the gap has to be at most eps, so round up.",
            ),
            Misconception(
                lambda c, B, eps: k * round((c * B ** (4 / 3) / eps) ** 6 / k),
                "You have rounded to the nearest block, which is sometimes too small: always round up.",
            ),
            Misconception(
                lambda c, B, eps: k * ceil((c * B / eps) ** 6 / k),
                "The movement enters as B^(4/3), so as B⁸ in the end.",
            ),
        ),
    }


def _relu_width_texts(k: int) -> dict[str, str]:
    return {
        "Return the smallest whole $m$ that brings it to `eps`.": (
            f"Neurons come in blocks of **{k}**: return the smallest multiple $m$ of {k} that brings it to `eps`."
        ),
        "Smallest m with c": f"Smallest multiple m of {k} with c",
        "Then round up.": f"Then round up to whole blocks of {k}.",
        "the answer is 7061.": f"the answer is {relu_width(0.438, 1, 0.1, k)}.",
    }


# 1.7: the rate, said as a factor.


def growth_factor(widths, gaps, k):
    x, y = np.log(widths), np.log(gaps)
    x = x - np.mean(x)
    return k ** (np.sum(x * y) / np.sum(x**2))


def _growth_factor(k: int) -> dict:
    def as_factor(misconception: Misconception) -> Misconception:
        return replace(misconception, answer=lambda widths, gaps: k ** misconception.answer(widths, gaps))

    return {
        "reference": partial(growth_factor, k=k),
        "misconceptions": (
            _not_yours(
                _RATE, f"This is the rate r. When the width grows {k}-fold, the gap changes by {k} to the power r."
            ),
            Misconception(
                lambda widths, gaps: k * _RATE.reference(widths, gaps),
                f"A power law: {k} is raised to the power r, not multiplied by it.",
            ),
            *map(as_factor, _RATE.misconceptions),
        ),
    }


def _growth_factor_texts(k: int) -> dict[str, str]:
    return {
        "Return the least-squares estimate of $r$.": (
            "Estimate $r$ by least squares, and return the factor by which the gap changes when the width "
            f"grows **{k}-fold**."
        ),
        "Slope of log(gaps) against log(widths), a float.": (
            f"{k}**r, with r the slope of log(gaps) against log(widths)."
        ),
    }


# 2.5: another density at zero.


def best_tau(m, B, c):
    return (2 * B**2 / (c * m)) ** (1 / 3)


def _best_tau(c: float) -> dict:
    return {
        "reference": partial(best_tau, c=c),
        "misconceptions": (
            _not_yours(_TAU, f"This is where m τ + B²/τ² is smallest. Your sum has {c} in front of m τ."),
            Misconception(
                lambda m, B: (2 * B**2 / m) ** (1 / 3) / c,
                f"The equation is one for τ³, so the factor {c} goes below the cube root with the rest.",
            ),
            Misconception(
                lambda m, B: (B**2 / (c * m)) ** (1 / 3),
                f"Here both terms are equal. The sum is smallest where their slopes cancel: {c} m = 2B²/τ³.",
            ),
            Misconception(
                lambda m, B: (2 * B**2 / (c * m)) ** (1 / 2),
                "The derivative of B²/τ² is −2B²/τ³, so that a cube root is needed.",
            ),
            Misconception(
                lambda m, B: c * m * best_tau(m, B, c) + B**2 / best_tau(m, B, c) ** 2,
                "This is the smallest value of the sum. The question is where it is reached.",
            ),
            Misconception(
                lambda m, B: (2 * B / (c * m)) ** (1 / 3), "The budget enters squared: B²/τ² neurons, not B/τ."
            ),
        ),
    }


def _best_tau_texts(c: float) -> dict[str, str]:
    return {
        r"Return the τ that makes $m\tau + B^2/\tau^2$ smallest.": (
            f"Other initial weights put a neuron within τ of zero with probability at most **{c}** τ. "
            rf"Return the τ that makes ${c}\,m\tau + B^2/\tau^2$ smallest."
        ),
        "Minimiser of m * tau": f"Minimiser of {c} * m * tau",
        "m = 2B²/τ³ is an equation": f"{c} m = 2B²/τ³ is an equation",
        "the answer is 0.056, where the figure has its dot.": f"the answer is {best_tau(100_000, 3, c):.4f}; "
        "the figure's dot belongs to the factor 1.",
    }


# 2.6 and 3.1: weights of another standard deviation.


def flip_probability(s, c):
    return np.arctan(s / c) / np.pi


def _flip_probability(c: float) -> dict:
    return {
        "reference": partial(flip_probability, c=c),
        "misconceptions": (
            _not_yours(_FLIP, f"This is the answer where u has standard deviation 1; yours has {c}."),
            Misconception(
                lambda s: np.arctan(s * c) / np.pi, f"A wider start makes flips rarer: only the ratio s/{c} can matter."
            ),
            Misconception(
                lambda s: np.arctan(s / c**2) / np.pi,
                f"You have divided by the variance. The standard deviation is {c}.",
            ),
            Misconception(
                lambda s: np.arctan(s / sqrt(c)) / np.pi,
                f"You have taken {c} for the variance. It is the standard deviation.",
            ),
            Misconception(
                lambda s: np.arctan(s / c) / (2 * np.pi),
                "Half of the answer: the line u = −s g cuts off two wedges, one on each side.",
            ),
            Misconception(lambda s: 2 * np.arctan(s / c) / np.pi, "Twice the answer: a full turn is 2π, not π."),
            Misconception(
                lambda s: s / (c * np.pi), "Right for a tiny s only. Large moves saturate: what is the limit for s → ∞?"
            ),
            Misconception(
                lambda s: np.arctan(c / s) / np.pi,
                "This falls when the move grows. You have the angle on the other side of the line.",
            ),
        ),
        "after": f"With standard deviation 1: {_FLIP.after[0].lower()}{_FLIP.after[1:]}",
    }


def _flip_probability_texts(c: float) -> dict[str, str]:
    return {
        "with $u$ and $g$ independent\nstandard normals.": (
            "with $u$ and $g$ independent\n"
            f"normals of mean 0, $u$ of standard deviation **{c}** and $g$ of standard deviation 1."
        ),
        "u and g independent standard normal, s > 0.": f"u ~ N(0, {c}**2), g ~ N(0, 1) independent, s > 0.",
        "(u, g) is a point": f"(u/{c}, g) is a point",
        "is arctan(s).": f"is arctan(s/{c}).",
        "For s = 1 the answer": f"For s = {c} the answer",
    }


def near_zero(t, norm_x, c):
    return erf(t / (c * norm_x * sqrt(2)))


def _near_zero(c: float) -> dict:
    def scaled(misconception: Misconception) -> Misconception:
        return replace(misconception, answer=lambda t, norm_x: misconception.answer(t / c, norm_x))

    return {
        "reference": partial(near_zero, c=c),
        "misconceptions": (
            _not_yours(_ZERO, f"This is right for weights of standard deviation 1. Yours have {c}."),
            Misconception(
                lambda t, norm_x: near_zero(t, norm_x, 1 / c),
                f"Larger weights spread wᵀx out, smaller ones draw it together: divide by {c}.",
            ),
            Misconception(
                lambda t, norm_x: near_zero(t, norm_x, c**2),
                f"You have divided by the variance of a weight. Its standard deviation is {c}.",
            ),
            Misconception(
                lambda t, norm_x: near_zero(t, norm_x, sqrt(c)),
                f"You have taken {c} for the variance of a weight. It is the standard deviation.",
            ),
            *map(scaled, _ZERO.misconceptions),
        ),
    }


def _near_zero_texts(c: float) -> dict[str, str]:
    return {
        "for a standard normal vector $w$ and an $x$ of any length.": (
            f"for a vector $w$ of independent normals with mean 0 and standard deviation **{c}**, and an $x$ "
            "of any length."
        ),
        "for standard normal w and": f"for w ~ N(0, {c}**2 I) and",
        "has the strip at τ‖x‖": f"has the strip at {c} τ‖x‖ for your w",
        "the answer is 0.683.": f"the answer is {near_zero(1, 1, c):.3f}.",
    }


_STEP, _WIDTH, _RATE = (_base(chapter_01, id) for id in ("1.3", "1.6", "1.7"))
_TAU, _FLIP = (_base(chapter_02, id) for id in ("2.5", "2.6"))
_ZERO, _RELU = (_base(chapter_03, id) for id in ("3.1", "3.6"))

#: By id, every exercise that has variants.
VARIANTS = {
    variant.base.id: variant
    for variant in (
        Variant(_STEP, _BLOCKS, _safe_step, _safe_step_texts),
        Variant(_WIDTH, _BLOCKS, _width_needed, _width_needed_texts),
        Variant(_RATE, _BLOCKS, _growth_factor, _growth_factor_texts),
        Variant(_TAU, _SCALES, _best_tau, _best_tau_texts),
        Variant(_FLIP, _SCALES, _flip_probability, _flip_probability_texts),
        Variant(_ZERO, _NOT_TWO, _near_zero, _near_zero_texts),
        Variant(_RELU, _BLOCKS, _relu_width, _relu_width_texts),
    )
}
