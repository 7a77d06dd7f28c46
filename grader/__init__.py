"""Grading a class: submissions in, marks and explanations out. See README.md; the command is ``python -m grader``."""
