"""Checkpoints of a live run as gradb holds them: which wait, which are let go, what they cost.

A checkpoint is a forked child of the script that waits where it was made; the tracer makes them. What is lived again
from one is the affair of ``debugger.rerun``.
"""
