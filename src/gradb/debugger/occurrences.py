"""What is known of a tape that may grow: which stops there is an event for."""

from __future__ import annotations

from gradb.debugger.movement import nearest
from gradb.frame.reader import Tape
from gradb.tape.stops import Stop


class Occurrences:
    """What is known of a growing tape: which stops there is an event for, and up to where there is none for others."""

    def __init__(self) -> None:
        self._searched: dict[Stop, int | None] = {}  # up to which event there is none; None: there is one

    def has(self, stop: Stop, tape: Tape | None) -> bool:
        """Tell whether a tape has an event at which a stop stops; where there was none, only what is new is searched.

        Raises:
            UserError: the tape is damaged there.
        """
        if tape is None:
            return False
        if stop.kind == "iteration":  # the first ones get their numbers late
            return nearest(tape, (stop,), 0, 1) is not None
        head, after = tape.head, self._searched.get(stop, 0)
        if after is None:
            return True
        found = nearest(tape, (stop,), min(after, head), 1)
        self._searched[stop] = head if found is None else None
        return found is not None
