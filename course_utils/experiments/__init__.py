"""What a figure or a table needs: a named tuple and the function that fills it, a module for a chapter.

Imports theory and data only. What is refused, and how, is said in :mod:`course_utils.theory.accept`.
"""
