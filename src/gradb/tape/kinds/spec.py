"""What the registry holds of a kind of event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from gradb.tape.wire import Wire

Phase = Literal["start", "forward", "backward", "gradients", "optimizer", "end"]


@dataclass(frozen=True, slots=True)
class Spec:
    """One kind of event."""

    read: Callable[[Wire, bytes], Any]
    """Makes the detail of the wire form and the event's blob, checking every size."""
    phase: Phase | None = None
    """The phase that begins with it; None: it takes that of the event before it."""
    is_stop: bool = False
    """True when an ordinary step stops there (unless the event is quiet)."""
