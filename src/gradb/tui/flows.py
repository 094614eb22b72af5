"""Reads how large the gradients of a graph were, a little at a time, for the pane that shows it."""

from __future__ import annotations

import time
from collections.abc import Callable

from gradb.frame.graph.flows import Measure
from gradb.frame.graph.view import GraphView
from gradb.tui.painted import Painted
from gradb.tui.pulse import Pulse

_AT_ONCE, _PIECE = 500, 100  # events read with a key, and later between looks at a clock
_REST = 0.3  # seconds after a key until there are more
_SLICE, _PAUSE = 0.012, 0.02  # seconds for which, and between two such times
_SHOWN = 0.5  # seconds between two paints of what is known by then


class FlowReading:
    """What is left to be read of the flows of a graph.

    Args:
        pane: the widget that shows them.
        graph: returns the graph that is shown.
        tell: is told whether all is read, whenever more is.
    """

    def __init__(self, pane: Painted, graph: Callable[[], GraphView | None], tell: Callable[[bool], object]) -> None:
        self._pane, self._graph, self._tell = pane, graph, tell
        self._measure: Measure | None = None
        self._reading = Pulse(pane, self._read_on)
        self._shown_at = 0.0  # when what was read was painted last

    def read(self, measure: Measure | None) -> None:
        """Read what is soon read, and the rest later; nothing where nothing of it is shown."""
        graph, self._measure = self._graph(), measure
        if graph is None or measure is None:
            return
        is_read, self._shown_at = graph.flows().read(_AT_ONCE), time.monotonic()
        self._reading.end()
        if not is_read:
            self._reading.within(_REST)
        self._tell(is_read)

    def _read_on(self) -> float | None:
        """Read on for a while; return when to go on, None where all is read."""
        graph, began = self._graph(), time.monotonic()
        if graph is None or self._measure is None:
            return None
        flows = graph.flows()
        while not (is_read := flows.read(_PIECE)) and time.monotonic() - began < _SLICE:
            pass
        if is_read or began - self._shown_at > _SHOWN:
            self._shown_at = began
            self._tell(is_read)
            self._pane.repaint()
        return None if is_read else _PAUSE
