"""The script called ``breakpoint()`` or ``gradb.set_trace()``: ``[header]``.

Whether it was held there is not part of it, so that a recording has the same events as a live run.
"""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.spec import Spec
from gradb.tape.wire import Wire, dumps


@dataclass(frozen=True, slots=True)
class BreakpointDetail:
    """A breakpoint that the script has of its own."""

    header: str = ""
    """What the script says at it (``breakpoint(header="before the step")``), or empty."""


def write(*, header: str) -> str:
    """Return the wire form."""
    return dumps([header])


def read(raw: Wire, data: bytes) -> BreakpointDetail:
    """Read the wire form."""
    return BreakpointDetail(str(raw[0]))


SPEC = Spec(read, is_stop=True)
