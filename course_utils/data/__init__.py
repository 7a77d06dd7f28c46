"""The data that the chapters train on; what is refused is said in :mod:`course_utils.theory.accept`."""

# The function takes the name of its module: `from course_utils.data import digits` is what notebooks have always said.
from course_utils.data.digits import digits, mnist

__all__ = ["digits", "mnist"]
