"""A search of the graph as the graph pane holds it: begun anew for each Frame, looked on at for some milliseconds."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.text import Text

from gradb.frame.graph.finding import Query, Search, read_query
from gradb.frame.graph.view import GraphView
from gradb.tui.find import Tally
from gradb.tui.later import Later
from gradb.tui.lookup import MARK, beside, mark
from gradb.tui.painted import Painted

_BUDGET = 0.012  # seconds of a look, so that a key that comes meanwhile is soon answered
_ROWS = 128  # looked at between two looks at the clock
_BREATH = 0.005  # seconds in which something else may be done between two looks
_SHOWN = 0.1  # seconds between two paints of what is found by then


class GraphSearch:
    """What is looked for in the graph of a pane, and the nodes that fit.

    Args:
        pane: whose loop waits, and which is painted where more is found.
        graph: returns the graph in which nodes are looked for.
        here: returns the row from which the first hit is looked for, from 0.
        reveal: goes to a node.
    """

    def __init__(
        self,
        pane: Painted,
        graph: Callable[[], GraphView | None],
        here: Callable[[], int],
        reveal: Callable[[int], object],
    ) -> None:
        self._pane, self._graph, self._here, self._reveal = pane, graph, here, reveal
        self._query = Query()
        self._search: Search | None = None
        self._hits: set[int] = set()
        self._shown = (0.0, 0)
        """When it was said last how many there are, and how many there were."""
        self._at: int | None = None
        self._tell: Callable[[], None] = lambda: None
        self._looking = Later(pane, _BREATH, self._look_on)

    @property
    def words(self) -> tuple[str, ...]:
        """What is looked for by name; part of the looks of a hit."""
        return self._query.words

    @property
    def tally(self) -> Tally:
        """How many there are, and which was gone to."""
        search = self._search
        if search is None:
            return Tally()
        at = 0 if self._at is None or self._at not in self._hits else search.hits.index(self._at) + 1
        return Tally(len(search.hits), at, 1.0 if search.is_over else search.seen / search.size)

    def look_for(self, text: str, tell: Callable[[], None]) -> None:
        """Begin a search for nodes, or with an empty text end it."""
        self._query, self._at = read_query(text), None
        self._begin()
        self._tell = tell
        self._look_on()
        self._pane.repaint()

    def follow(self) -> None:
        """Look in a graph that may be another, after whatever else is to be done."""
        self._begin()
        self._go_on()

    def _begin(self) -> None:
        graph = self._graph()
        self._search = None if graph is None or self._query.is_empty else graph.search(self._query)
        self._hits, self._shown = set(), (0.0, 0)

    def _look_on(self) -> None:
        """Look on for some milliseconds, and then again after a pause while there is more to look at."""
        search = self._search
        if search is None:
            return
        before, deadline = len(search.hits), time.perf_counter() + _BUDGET
        while not search.is_over and time.perf_counter() < deadline:
            search.look(_ROWS)
        self._hits.update(search.hits[before:])
        self._show(search)
        self._go_on()

    def _show(self, search: Search) -> None:
        """Say how many there are: the first and the last at once, others now and then."""
        (since, known), now, count = self._shown, time.perf_counter(), len(search.hits)
        if search.is_over or (count and not known) or now - since > _SHOWN:
            self._shown = (now, count)
            self._tell()
            if count > known:
                self._pane.repaint()

    def _go_on(self) -> None:
        if self._search is not None and not self._search.is_over:
            self._looking.ask()

    def go_to_hit(self, step: int) -> None:
        """Go so many hits on, or to the first at or below the cursor."""
        search = self._search
        if search is not None and search.hits:
            self._at = search.hits[beside(search.rows, self._here(), step)]
            self._reveal(self._at)

    def has(self, node: int) -> bool:
        """Tell whether a node fits."""
        return node in self._hits

    def mark(self, text: Text, name: str) -> None:
        """Mark in the drawn row of a hit by what it was found; what is not seen there is marked at the node's name."""
        if not mark(text, *self.words) and (at := text.plain.find(name)) >= 0:
            text.stylize(MARK, at, at + len(name))
