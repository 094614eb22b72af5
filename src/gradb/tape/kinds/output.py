"""The script printed: ``[stream, text]``."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.spec import Spec
from gradb.tape.wire import Wire, dumps


@dataclass(frozen=True, slots=True)
class OutputDetail:
    """The script printed."""

    stream: str
    """``stdout`` or ``stderr``."""
    text: str


def write(*, stream: str, text: str) -> str:
    """Return the wire form."""
    return dumps([stream, text])


def read(raw: Wire, data: bytes) -> OutputDetail:
    """Read the wire form."""
    return OutputDetail(str(raw[0]), str(raw[1]))


SPEC = Spec(read)
