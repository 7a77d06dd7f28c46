"""What a learner talks to: checks, claims, progress, and whether the machine is ready.

Hands on what the notebooks use: ``from course_utils.desk import check, claim, at_most``.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course_utils.desk.checks import check
    from course_utils.desk.claims import at_least, at_most, claim, equals, vanishes
    from course_utils.desk.environment import check_environment
    from course_utils.desk.progress import show_progress

__all__ = ["at_least", "at_most", "check", "check_environment", "claim", "equals", "show_progress", "vanishes"]


def __getattr__(name: str) -> Any:
    """Fetched when it is asked for: a claim needs nothing of what a check imports."""
    from importlib import import_module

    for module in ("claims", "environment", "progress", "checks") if name in __all__ else ():
        found = getattr(import_module(f"{__name__}.{module}"), name, None)
        if found is not None:
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
