"""gradb: a time-travel debugger for PyTorch autograd in the terminal.

This module is light on purpose: it runs inside the user's process too, so it imports nothing.
"""

__version__ = "0.1.0"
