"""What a learner talks to: checks, claims, progress, and whether the machine is ready.

Hands on what the notebooks use: ``from course_utils.desk import check, claim, at_most``.
"""

_PLACES = {
    "check": "checks",
    "claim": "claims",
    "at_most": "claims",
    "at_least": "claims",
    "equals": "claims",
    "vanishes": "claims",
    "show_progress": "progress",
    "check_environment": "environment",
}


def __getattr__(name: str):
    """Fetched when it is asked for: a claim does not need what a check imports."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
