"""The data that the chapters train on; what is refused is said in :mod:`course_utils.theory.accept`."""
