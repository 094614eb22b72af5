"""Expectations of command scripts, and what an expression means at a position of a tape.

How expressions are read, evaluated and compared is ``gradb.tape.expressions``.
"""
