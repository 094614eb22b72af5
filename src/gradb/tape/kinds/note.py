"""gradb says something about the recording itself (failed open, output cut ...): ``[text]``."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.spec import Spec
from gradb.tape.wire import Wire, dumps


@dataclass(frozen=True, slots=True)
class NoteDetail:
    """gradb about itself."""

    text: str


def write(*, text: str) -> str:
    """Return the wire form."""
    return dumps([text])


def read(raw: Wire, data: bytes) -> NoteDetail:
    """Read the wire form."""
    return NoteDetail(str(raw[0]))


SPEC = Spec(read, is_stop=True)
