"""What a learner talks to: checks, claims, predictions, progress, and whether the machine is ready.

Hands on what the notebooks use: ``from course_utils.desk import check, claim, at_most``.
"""

from course_utils.desk.checks import check, mine
from course_utils.desk.claims import at_least, at_most, claim, equals, reproduces, show_misprints, vanishes, verdicts
from course_utils.desk.environment import check_environment
from course_utils.desk.progress import show_progress
from course_utils.desk.questions import after, my_predictions, predict, proof_lines

__all__ = [
    "after",
    "at_least",
    "at_most",
    "check",
    "check_environment",
    "claim",
    "equals",
    "mine",
    "my_predictions",
    "predict",
    "proof_lines",
    "reproduces",
    "show_misprints",
    "show_progress",
    "vanishes",
    "verdicts",
]
