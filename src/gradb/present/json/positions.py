"""The position that an object is about, as JSON."""

from __future__ import annotations

from gradb.frame.called import Called
from gradb.present.json.values import Json


def position_json(called: Called, position: int) -> Json:
    """Return ``position``: a number, or in an iteration lived again its name, with the ``tape`` that has it."""
    if not called.path:
        return {"position": position}
    return {"position": called(position), "tape": called.path}
