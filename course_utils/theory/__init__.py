"""What is true: laws, bounds and the constructions that meet them, a module for an idea; imports numpy, scipy, torch.

Whatever a function takes is passed through :mod:`course_utils.theory.accept`, which says what is refused and how.
"""
