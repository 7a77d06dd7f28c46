"""Grading a class: submissions in, marks and explanations out. The command is ``grader.grade``."""
