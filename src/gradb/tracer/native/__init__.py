"""The C accelerator: the hot common part of reading tensors, in an extension module that need not be there.

It owns the C sources, their compiled form beside them, and whether that is used: it must have been compiled from these
very sources (``loading``), and have read probe tensors as torch itself does (``trial``). What it does not know it
declines; then the Python way is taken, and both must tell the same. Nothing above it may need it.

The module needs ``Python.h`` alone. It finds torch by addresses that are handed to it when torch is there.
"""
