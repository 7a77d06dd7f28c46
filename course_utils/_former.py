"""What notebooks of former versions import, found where it is now, so that they still run.

The names are those of version 0.1.0, whose modules lay side by side in ``course_utils``.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

#: Former module → where its names are now, the first place that has one.
NOW = {
    **{name: (f"desk.{name}",) for name in ("answers", "checks", "claims", "environment", "guarded", "progress")},
    "concentration": ("theory.concentration", "theory.worst_case", "theory.statistics", "experiments.concentration"),
    "curvature": ("theory.curvature", "theory.hessians", "theory.activations", "theory.gram"),
    "higgs": ("data.higgs",),
    "initial_curvature": ("theory.statistics", "experiments.curvature"),
    "initializers": ("theory.initializers",),
    "kernels": ("theory.kernels", "theory.kernel_training", "theory.networks", "experiments.kernels"),
    "ldlt": ("theory.ldlt", "theory.moments", "theory.moment_bounds", "experiments.ldlt"),
    "ldlt_layer": ("theory.ldlt_layer",),
    "ldlt_training": ("theory.ldlt_stacks", "experiments.ldlt_training"),
    "networks": ("theory.networks", "theory.accept"),
    "perturbation": ("theory.perturbation", "theory.variance_laws", "theory.losses", "experiments.perturbation"),
    "probes": ("exercises.probes",),
    "sign_flips": ("theory.sign_flips", "theory.accept", "experiments.sign_flips"),
    "taylor": ("theory.taylor", "theory.activations", "theory.statistics", "experiments.taylor"),
    "widgets": ("figures.slider",),
}
#: Former name → what it is called now.
RENAMED = {
    "curvature.gram_layers": "theory.gram.layers",
    "curvature.gram_top_eigenvalues": "theory.gram.top_eigenvalues",
    "initial_curvature.train": "experiments.curvature_training.train_scheme",
    "kernels.train": "theory.networks.train_first_layer",
    "ldlt.moment_bounds": "theory.moment_bounds.bounds",
    "ldlt_training.train": "theory.ldlt_stacks.train_stacks",
    "perturbation.train": "experiments.perturbation.stochastic_descent",
}


def _low_high(clopper_pearson: Callable) -> Callable:
    """It returned the two ends of the interval alone."""
    return lambda *args, **options: tuple(clopper_pearson(*args, **options))[-2:]


def _with_fact(measure_variance: Callable) -> Callable:
    """What it returned could be asked for the fact of a claim."""

    def fact(measured: Any, label: str) -> Any:
        value, half = measured.measured / measured.predicted, 3 * measured.error / measured.predicted
        return _find("claims", "equals")(value, 1, label, interval=(value - half, value + half))

    def former(*args: Any, **options: Any) -> Any:
        measured = measure_variance(*args, **options)
        return type("Measured", (type(measured),), {"fact": fact})(*measured)

    return former


def _with_interval(compare: Callable) -> Callable:
    """What was measured came with its interval beside it, and held wherever that allowed it."""

    def former(measured: float, bound: float, label: str, *, interval: Any = None, tolerance: float = 0.0) -> Any:
        low, high = interval or (measured, measured)
        if compare.__name__ == "equals":
            return compare(measured, bound, label, margin=abs(measured - bound) if low <= bound <= high else tolerance)
        return compare(min(measured, bound) if low <= bound else measured, bound, label)

    return former


def _whatever_came_out(claim: Callable) -> Callable:
    """A counter-example that is none any more, because a recorded sweep is another, is left out."""

    def former(id: str, *facts: Any, printed: Any = None, setting: str = "") -> None:
        try:
            claim(id, *facts, printed=printed, setting=setting)
        except ValueError:
            if printed is None or not facts:
                raise
            claim(id, *facts, setting=setting)

    return former


#: Former name → what makes a function of now answer as it did.
ADAPTED = {
    "claims.at_most": _with_interval,
    "claims.claim": _whatever_came_out,
    "claims.equals": _with_interval,
    "concentration.clopper_pearson": _low_high,
    "perturbation.measure_variance": _with_fact,
}


def _find(module: str, name: str) -> Any:
    """A former name, such as ``"taylor", "activation"``.

    Raises:
        AttributeError: for a name that the module did not have, or that is no more.
    """
    former = f"{module}.{name}"
    for place in (*([RENAMED[former]] if former in RENAMED else []), *(f"{home}.{name}" for home in NOW[module])):
        home, _, now = place.rpartition(".")
        try:
            found = getattr(importlib.import_module(f"{__package__}.{home}"), now)
        except AttributeError:
            continue
        except ModuleNotFoundError as error:
            if not error.name.startswith(__package__):  # torch, say
                raise
            continue
        return ADAPTED[former](found) if former in ADAPTED else found
    raise AttributeError(f"module '{__package__}.{module}' has no attribute {name!r}")


class _Former:
    """Finds a former module after everybody else, and makes one that looks up its names where they are now."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        package, _, module = name.rpartition(".")
        return ModuleSpec(name, _Former) if package == __package__ and module in NOW else None

    @staticmethod
    def create_module(spec: ModuleSpec) -> None:
        """An ordinary module."""

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        former = module.__name__.rpartition(".")[2]

        def look_up(name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            return _find(former, name)

        module.__getattr__ = look_up


if _Former not in sys.meta_path:
    sys.meta_path.append(_Former)
