"""The debuggee's side: runs the user's script and writes what autograd does to the tape.

Everything in this package runs inside the user's process: standard library, torch, and gradb's own ``link`` and
``tape``.
"""
