"""Reads the graph of a Frame for the pane that shows it: a small one at once, a large one between two keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from gradb.frame.graph.view import GraphView
from gradb.frame.reader import TapeError
from gradb.tui.later import Later
from gradb.tui.painted import Painted

_AT_ONCE = 0.02  # seconds of the processor that are taken for it with a key
_SLICE, _BREATH = 0.012, 0.004  # seconds for which it is read on, and in which something else may be done


class GraphReading:
    """The graph of the newest Frame.

    Args:
        pane: whose loop waits, and which is painted as the reading goes on.
        taken: called once there is a graph, or none, to be shown.
    """

    def __init__(self, pane: Painted, taken: Callable[[], None]) -> None:
        self._pane, self._taken = pane, taken
        self.graph: GraphView | None = None
        """What is read whole; None while it is being read."""
        self.note = ""
        """What is to be said where there is no graph to be shown."""
        self._wanted: GraphView | None = None
        self._shares: Iterator[float] = iter(())
        self._reading = Later(pane, _BREATH, self._read_on)

    def read(self, graph: GraphView | None) -> None:
        """Take the graph of another Frame, at once if it is soon read."""
        self.graph, self.note, self._wanted = None, "", graph
        self._shares = iter(()) if graph is None else graph.reading()
        self._read_for(_AT_ONCE)
        self._taken()

    def _read_on(self) -> None:
        if self._wanted is None:
            return
        before = self.note
        if self._read_for(_SLICE):
            self._taken()
        elif self.note != before:
            self._pane.repaint()

    def _read_for(self, seconds: float) -> bool:
        """Read on for some time, and have it go on where that was not enough; tell whether it was."""
        deadline = time.thread_time() + seconds
        try:
            for share in self._shares:
                if time.thread_time() > deadline:
                    self.note = f"reading the graph: {share:.0%}"
                    self._reading.ask()
                    return False
        except TapeError as error:
            self.note, self._wanted = str(error), None
        else:
            self.graph, self.note, self._wanted = self._wanted, "", None
        return True
