"""gradb: a time-travel debugger for PyTorch autograd in the terminal.

This module is light on purpose: it runs inside the user's process too, so it imports nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__version__ = "0.1.0"

on_trace: Callable[[str | None], object] | None = None
"""Called with the header by ``set_trace`` in a script that runs under gradb; there the tracer sets it."""
_has_passed = False


def set_trace(*, header: str | None = None) -> None:
    """Pause here, in a script that is run by ``gradb SCRIPT`` or ``gradb run``, as at a breakpoint.

    Whatever else runs the script passes it: ``gradb record`` and its like say so at the end, plain Python at the first.
    """
    global _has_passed
    if on_trace is not None:
        on_trace(header)
    elif not _has_passed:
        import sys

        _has_passed = True
        if sys.stderr is not None:
            print("gradb: set_trace() is passed, since gradb does not run this (gradb SCRIPT does)", file=sys.stderr)
