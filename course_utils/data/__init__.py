"""The data that the chapters train on."""

from course_utils.data.images import digits, mnist

__all__ = ["digits", "mnist"]
