"""The run is over: ``[exit_code, signal, reason]``."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.spec import Spec
from gradb.tape.wire import Wire, dumps, integer


@dataclass(frozen=True, slots=True)
class EndDetail:
    """The run is over."""

    exit_code: int | None
    """The process's exit code; None when a signal ended it."""
    signal: int | None = None
    reason: str = ""
    """One clause: ``finished``, ``sys.exit(3)``, ``killed by SIGKILL``."""


def write(*, exit_code: int | None, signal: int | None = None, reason: str) -> str:
    """Return the wire form."""
    return dumps([exit_code, signal, reason])


def read(raw: Wire, data: bytes) -> EndDetail:
    """Read the wire form."""
    return EndDetail(integer(raw[0]), integer(raw[1]), str(raw[2]))


SPEC = Spec(read, phase="end", is_stop=True)
