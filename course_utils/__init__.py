"""What the notebooks of the course import: one module per chapter, in the chapter's words.

Importing this package imports nothing heavy; torch is imported only by the functions that use it.
"""
