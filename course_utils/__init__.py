"""What the notebooks of the course import, in wings; each imports only those below it.

desk         what a learner talks to: checks, claims, progress
exercises    what is asked, with its cases, references and misconceptions
figures      drawings, and the sliders that redraw them
experiments  what a figure or a table needs
data         what is trained on
theory       what is true

Importing this package imports nothing heavy; torch is imported only by the functions that use it.
"""

from course_utils import _former  # noqa: F401, which finds what a notebook of a former version imports
