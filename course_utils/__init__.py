"""What the notebooks of the course import, in wings: desk, exercises, figures, theory, data.

Importing this package imports nothing heavy; torch is imported only by the functions that use it.
"""

from course_utils import _former  # noqa: F401, which finds what a notebook of a former version imports
