"""What the leaf of an event is called: it may have been seen before it had a name."""

from __future__ import annotations

from gradb.frame.frame import Frame
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.leaf import LeafDetail


def leaf_name(frame: Frame, event: Event, detail: LeafDetail) -> str:
    """Return the name that a leaf had when it was seen; where it had none, what it is called by now."""
    if detail.tensor.name:
        return event.name
    return next((buffer.name for buffer in frame.grads if buffer.tensor == detail.tensor.id), event.name)
