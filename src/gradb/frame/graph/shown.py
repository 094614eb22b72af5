"""Which nodes are shown at which position: what a backward can reach, or what was made since the last one.

What several positions share is kept. A large graph is read a little at a time where somebody waits for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradb.frame.cache import Cache
from gradb.frame.edges import ends_of
from gradb.frame.graph.runs import Backward, BackwardAt, Runs
from gradb.frame.graph.scope import Consumer, Reach, Segment
from gradb.frame.store import Store
from gradb.tape.database import TapeError

_KEPT, _MOST = 32, 250_000  # of each kind that are kept, and the rows or nodes of all of them
_MAX_WITHOUT_GRAPH = 100  # backwards without a graph, one after the other, that are passed over
_WHOLE = 2000  # nodes of a backward that are read at once, to find which of them lead to one


class Shown:
    """The nodes shown at all positions of one tape."""

    def __init__(self, store: Store, runs: Runs) -> None:
        self._store, self._runs = store, runs
        self._reaches = Cache(self._reach, _KEPT, lambda reach: reach.size, _MOST)
        self._segments: Cache[int, Segment] = Cache(
            lambda after: Segment(store, after), _KEPT, lambda segment: segment.weight, _MOST
        )

    def reach(self, backward: int) -> Reach:
        """Return what a backward (seq of its start) can reach.

        Raises:
            TapeError: the tape is damaged.
        """
        reach = self._reaches(backward)
        for _ in reach.reading():
            pass
        return reach

    def _reach(self, backward: int) -> Reach:
        found = self._runs.backward(backward)
        roots = found.roots if found is not None else ()
        return Reach(self._store, [root.node for root in roots if root.node is not None])

    def consumers(self, backward: int, node: int) -> Sequence[Consumer]:
        """Return who feeds a node in a backward; of a large one that was not read yet they are looked for alone."""
        reach, found = self._reaches(backward), self._runs.backward(backward)
        if not reach.is_read and found is not None and len(found.nodes) > _WHOLE:
            consumers = self._leading_to(node, min(found.nodes), max(found.nodes))
            if all(one in found.nodes for one, _, _ in consumers):  # of others only ``reach`` knows
                return consumers
        return self.reach(backward).consumers.get(node, ())

    def _leading_to(self, node: int, first: int, last: int) -> list[Consumer]:
        """Return which of the nodes first..last have an edge to one: all whose edges name it are looked at."""
        query = "SELECT id, edges FROM node WHERE id BETWEEN ? AND ? AND instr(edges, ?) AND edges GLOB ?"
        rows = self._store.db.all(query, first, last, str(node), f"*[^0-9]{node}[^0-9]*")
        found = list[Consumer]()
        for (consumer, _), ends in zip(rows, ends_of([row[1] for row in rows]), strict=True):
            if ends is None:
                raise TapeError(f"{self._store.db.name} is damaged: node {consumer!r} is not one.")
            found += [(consumer, index, number) for index, (to, number) in enumerate(ends) if to == node]
        return found

    # --- at a position ------------------------------------------------------------------------------------------------

    def scope(self, position: int, moment: BackwardAt | None) -> Reach | Segment:
        """Return the nodes shown at a position, of which ``moment`` is what ``Runs.moment`` said.

        Raises:
            TapeError: the tape is damaged.
        """
        for _ in self.reading(position, moment):
            pass
        shown = self._at(position, moment)
        return self._segments(shown) if isinstance(shown, int) else self._reaches(shown.start)

    def reading(self, position: int, moment: BackwardAt | None) -> Iterator[float]:
        """Read the nodes shown at a position, a little at a time: yields which share is read, 0 to 1.

        Raises:
            TapeError: the tape is damaged.
        """
        shown = self._at(position, moment)
        if isinstance(shown, int):
            counts, size = self._segments(shown).reading(position), 0
        else:
            counts, size = self._reaches(shown.start).reading(), len(shown.nodes)
        for count in counts:
            size = size or self._count(shown, position)
            yield min(count / max(size, 1), 1.0)

    def is_empty(self, position: int, moment: BackwardAt | None) -> bool:
        """Tell whether there is nothing to be shown at a position."""
        shown = self._at(position, moment)
        return isinstance(shown, int) and not self._has_new_node(shown, position)

    def _at(self, position: int, moment: BackwardAt | None) -> Backward | int:
        """Return the backward of which is shown what it reaches, or the event after which the shown nodes begin."""
        after, moment = 0, self._with_graph(moment)
        if moment is not None:  # under create_graph the engine made nodes itself: those of the gradient
            after = moment.backward.start if moment.backward.create_graph else moment.end
        if moment is not None and (moment.is_open or not self._has_new_node(after, position)):
            return moment.backward
        return after

    def _with_graph(self, moment: BackwardAt | None) -> BackwardAt | None:
        """Return the newest backward, from one on back, whose roots have a graph: what a failed one shows is older."""
        for _ in range(_MAX_WITHOUT_GRAPH):
            if moment is None or any(root.node is not None for root in moment.backward.roots):
                return moment
            moment = self._runs.moment(moment.backward.start - 1)
        return None

    def _has_new_node(self, after: int, position: int) -> bool:
        query = "SELECT 1 FROM node WHERE event > ? AND event <= ? LIMIT 1"
        return self._store.db.one(query, after, position) is not None

    def _count(self, after: object, position: int) -> int:
        """Count the nodes that were made after an event, up to a position."""
        query = "SELECT count(*) FROM node WHERE event > ? AND event <= ?"
        return int(self._store.db.all(query, after, position)[0][0])
