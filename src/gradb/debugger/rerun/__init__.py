"""Running a script again: watched to its end, then once more with what is around one iteration recorded in full.

What is compared, what is asked before, and what is said of a run that did not repeat is decided here; how it is asked
and shown is the front ends'.
"""
