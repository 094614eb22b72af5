"""An exception, uncaught or raised by a torch call (caught later or not): ``[type, message, traceback, uncaught]``."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.spec import Spec
from gradb.tape.wire import Wire, dumps


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """An exception."""

    type: str
    message: str
    traceback: str = ""
    """Python's own rendering, without gradb's frames; empty for one seen where it was raised."""
    is_uncaught: bool = True


def write(*, type: str, message: str, traceback: str = "", is_uncaught: bool) -> str:
    """Return the wire form."""
    return dumps([type, message, traceback, is_uncaught])


def read(raw: Wire, data: bytes) -> ErrorDetail:
    """Read the wire form."""
    return ErrorDetail(str(raw[0]), str(raw[1]), str(raw[2]), bool(raw[3]))


SPEC = Spec(read, is_stop=True)
