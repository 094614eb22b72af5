"""The position that an object is about, as JSON."""

from __future__ import annotations

from gradb.frame.called import Called
from gradb.present.json.values import Json


def tape_json(called: Called) -> Json:
    """Return ``tape``, whose the numbers of events are, where that is none that was opened; else nothing."""
    return {"tape": called.path} if called.path else {}


def position_json(called: Called, position: int) -> Json:
    """Return ``position``: a number, or in an iteration lived again its name, with the ``tape`` that has it."""
    return {"position": called(position) if called.path else position, **tape_json(called)}
