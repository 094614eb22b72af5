"""A search of the graph as the graph pane holds it: begun anew for each Frame, looked on at for some milliseconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import cast

from rich.text import Text
from textual.widget import Widget

from gradb.frame.graph.finding import Query, Search, read_query
from gradb.frame.graph.view import GraphView
from gradb.tui.find import Tally
from gradb.tui.later import Later
from gradb.tui.lookup import MARK, beside, mark

_BUDGET = 0.012  # seconds of a look, so that a key that comes meanwhile is soon answered
_ROWS = 128  # looked at between two looks at the clock
BREATH = 0.005
"""Seconds in which something else may be done between two looks."""


class GraphSearch:
    """What is looked for in the graph, and the nodes that fit."""

    def __init__(self) -> None:
        self._query = Query()
        self._search: Search | None = None
        self._hits: set[int] = set()
        self._at: int | None = None
        self.tell: Callable[[], None] = lambda: None
        """Called when more may have been found."""

    @property
    def is_over(self) -> bool:
        """True where there is nothing more to look at."""
        return self._search is None or self._search.is_over

    @property
    def words(self) -> tuple[str, ...]:
        """What is looked for by name; part of the looks of a hit."""
        return self._query.words

    def look_for(self, text: str, graph: GraphView | None) -> None:
        """Begin a search; with an empty text end it."""
        self._query, self._at = read_query(text), None
        self.follow(graph)

    def follow(self, graph: GraphView | None) -> None:
        """Look in another graph."""
        self._search = None if graph is None or self._query.is_empty else graph.search(self._query)
        self._hits = set()

    def look_on(self) -> bool:
        """Look on for some milliseconds; tell whether more was found."""
        search = self._search
        if search is None:
            return False
        before, deadline = len(search.hits), time.perf_counter() + _BUDGET
        while not search.is_over and time.perf_counter() < deadline:
            search.look(_ROWS)
        self._hits.update(search.hits[before:])
        self.tell()
        return len(search.hits) > before

    def step(self, step: int, row: int) -> int | None:
        """Return the node so many hits on from a row, round the ends; 0: the first at or below it."""
        search = self._search
        if search is None or not search.hits:
            return None
        self._at = search.hits[beside(search.rows, row, step)]
        return self._at

    def has(self, node: int) -> bool:
        """Tell whether a node fits."""
        return node in self._hits

    def mark(self, text: Text, name: str) -> None:
        """Mark in the drawn row of a hit by what it was found; what is not seen there is marked at the node's name."""
        if not mark(text, *self.words) and (at := text.plain.find(name)) >= 0:
            text.stylize(MARK, at, at + len(name))

    @property
    def tally(self) -> Tally:
        """How many there are, and which was gone to."""
        search = self._search
        if search is None:
            return Tally()
        at = 0 if self._at is None or self._at not in self._hits else search.hits.index(self._at) + 1
        return Tally(len(search.hits), at, 1.0 if search.is_over else search.seen / search.size)


class GraphSearched:
    """A graph that can be searched, beside a widget's own class: that says which graph, and goes to a node."""

    search: GraphSearch
    looking: Later
    """Does ``look_on``."""

    @property
    def searched_graph(self) -> GraphView | None:
        """The graph in which nodes are looked for."""
        raise NotImplementedError

    def row_here(self) -> int:
        """Return the row from which the first hit is looked for, from 0."""
        raise NotImplementedError

    def reveal(self, node: int) -> bool:
        """Go to a node; return False where the graph does not have it."""
        raise NotImplementedError

    @property
    def tally(self) -> Tally:
        """What the search has come to."""
        return self.search.tally

    def look_for(self, text: str, tell: Callable[[], None]) -> None:
        """Begin a search for nodes, or with an empty text end it."""
        self.search.look_for(text, self.searched_graph)
        self.search.tell = tell
        self.look_on()
        cast("Widget", self).refresh()

    def look_on(self) -> None:
        """Look on for some milliseconds."""
        if self.search.look_on():
            cast("Widget", self).refresh()
        self.go_on_looking()

    def go_on_looking(self) -> None:
        """Look on after whatever else is to be done."""
        if not self.search.is_over:
            self.looking.ask()

    def go_to_hit(self, step: int) -> None:
        """Go so many hits on, or to the first at or below the cursor."""
        node = self.search.step(step, self.row_here())
        if node is not None:
            self.reveal(node)
