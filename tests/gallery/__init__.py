"""Trainings, broken and clean, and the command that holds gradb to what is wrong there: ``python -m tests.gallery``.

What a case is, and what is right to say of it, stands in its docstring (see ``cases``).
"""
