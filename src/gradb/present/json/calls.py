"""A backward call as data, and where in its iteration it stands."""

from __future__ import annotations

from gradb.frame.backwards import BackwardCall
from gradb.frame.frame import RunInfo
from gradb.present.draw.files import relative
from gradb.present.json.values import Json


def call_json(call: BackwardCall, run: RunInfo) -> Json:
    """Return which backward call runs, and where it was called."""
    where = {"file": None if call.event.file is None else relative(call.event.file, run), "line": call.event.line}
    return {**where, "event": call.event.seq, "number": call.number, "count": call.count, "is_whole": call.is_whole}
