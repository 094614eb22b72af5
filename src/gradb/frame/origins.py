"""Where the values that an event read came from: which event made a tensor, sent a gradient, filled a buffer.

Each answer is a few indexed queries and depends only on rows up to the event that is asked about. Nothing here knows
what a value is, or what anybody wants with it.
"""

from __future__ import annotations

from itertools import takewhile

from gradb.frame.called import Called
from gradb.frame.graph.graph import Graphs
from gradb.frame.memory import Holdings
from gradb.frame.store import Store
from gradb.frame.training import Trainings
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.graph import Node
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.registry import KINDS, Detail, Kind, numbers_of
from gradb.tape.saved import NodeSaved
from gradb.tape.schema import BIRTH, NAN, NONFINITE
from gradb.tape.series import Series

_INSIDE = 400  # events inside of one node that are looked through
_BACK = 200  # non-finite events that are looked through at once
_LASTING = 20_000  # definitions of one tensor that are looked through at once


class Origins:
    """The makers of the values of one tape."""

    def __init__(self, store: Store, graphs: Graphs, holdings: Holdings, trainings: Trainings) -> None:
        self._store = store
        self._graphs = graphs
        self._holdings = holdings
        self._trainings = trainings

    @property
    def called(self) -> Called:
        """What the events of the tape are called."""
        return self._store.called

    def event(self, seq: int) -> Event:
        """Return the header of an event."""
        return self._store.event(seq)

    def detail(self, seq: int) -> Detail:
        """Return the values and structure of an event."""
        return self._store.detail(seq)

    @property
    def series(self) -> tuple[Series, ...]:
        """Every series as far as it is recorded."""
        return self._trainings.all_series()

    def watched_since(self, event: int, position: int) -> int | None:
        """Return from where on a script was only watched, between an event and a position; None where it was not."""
        mark = self._trainings.unseen_since(event, position)
        return None if mark is None else mark.event

    # --- tensors ------------------------------------------------------------------------------------------------------

    def definition(self, tensor: int, before: int) -> int | None:
        """Return the event that gave a tensor its newest value before another event; None where none is known."""
        found = self._store.defined_at(tensor, before - 1) if tensor else None
        return None if found is None else found[0]

    def lasting(self, tensor: int, until: int) -> list[tuple[int, Kind, str]]:
        """Return what defined a tensor up to an event, newest first, as long as each is marked as having a NaN.

        Of each: the event, its kind and its name. No more than some thousands are returned.
        """
        rows = self._store.db.all(
            "SELECT e.seq, e.kind, s.name, e.flags FROM tensor t CROSS JOIN event e ON e.seq = t.event"
            " LEFT JOIN site s ON s.id = e.site WHERE t.tensor = ? AND t.event <= ? ORDER BY t.event DESC LIMIT ?",
            tensor,
            until,
            _LASTING,
        )
        kept = takewhile(lambda row: row[3] & NAN, rows)
        return [(int(seq), KINDS[kind], str(name)) for seq, kind, name, _ in kept]

    def tensor(self, name: str, position: int) -> int | None:
        """Return the tensor that a name means at a position; None where none is called so."""
        return self._graphs.naming.tensor(name, position)

    def label(self, tensor: int, position: int) -> str | None:
        """Return the name that a tensor has at a position."""
        return self._graphs.naming.label(tensor, position)

    def buffer(self, tensor: int, before: int) -> tuple[int, int, int] | None:
        """Return (event, fills, since) of what touched the ``.grad`` of a leaf last before an event."""
        return self._store.grad_event(tensor, before - 1)

    def was_cleared(self, tensor: int, position: int) -> bool:
        """Tell whether anything has cleared the ``.grad`` of a leaf, up to a position."""
        return self._store.was_empty(tensor, position)

    # --- nodes --------------------------------------------------------------------------------------------------------

    def node(self, node: int | None) -> Node | None:
        """Return a node."""
        return None if node is None else self._store.node(node)

    def saved(self, node: int, position: int) -> NodeSaved | None:
        """Return what a node saved for its backward, as of a position."""
        return self._holdings.of(node, position)

    def senders(self, backward: int, node: int, output_nr: int, until: int) -> list[tuple[int, int]]:
        """Return (event, edge) of each node that sent a gradient to one output of a node, in one backward."""
        found = []
        for consumer, index, number in self._graphs.shown.consumers(backward, node):
            event = self._graphs.runs.run_in(consumer, backward, until) if number == output_nr else None
            if event is not None:
                found.append((event, index))
        return sorted(found)

    def enclosing(self, seq: int) -> int | None:
        """Return the node_start of the node whose own code made an event; None where none did."""
        detail, start = self._store.detail(seq), self._store.latest("node_start", seq)
        if isinstance(detail, BackwardStartDetail):
            return start if detail.outer else None
        if not isinstance(detail, OpDetail) or not (detail.is_recomputed or detail.inside is not None):
            return None
        return start

    def hooks(self, node: int, position: int) -> list[int]:
        """Return the events of the script's hooks at a node up to a position, oldest first."""
        return self._store.hooks.of(node, position)

    # --- stretches ----------------------------------------------------------------------------------------------------

    def nonfinite(self, after: int, before: int, *kinds: Kind) -> list[int]:
        """Return the events between two others that have a NaN or an infinity, newest first; some hundreds at most."""
        of = f"AND +kind IN ({numbers_of(*kinds)})" if kinds else ""
        rows = self._store.db.all(
            f"SELECT seq FROM event WHERE seq > ? AND seq < ? AND flags & {NONFINITE} {of} ORDER BY seq DESC LIMIT ?",
            after,
            before,
            _INSIDE,
        )
        return [int(row[0]) for row in rows]

    def last_nonfinite(self, before: int) -> list[int]:
        """Return the newest events before another that have a NaN or an infinity, newest first."""
        query = f"SELECT seq FROM event WHERE flags & {NONFINITE} AND seq < ? ORDER BY seq DESC LIMIT ?"
        return [int(row[0]) for row in self._store.db.all(query, before, _BACK)]

    def first_nonfinite(self, until: int, *kinds: Kind) -> int | None:
        """Return the first event of some kinds, up to another, that has a NaN or an infinity; None where none has."""
        of = f"flags & {NONFINITE} AND +kind IN ({numbers_of(*kinds)})"
        rows = self._store.db.all(f"SELECT seq FROM event WHERE {of} AND seq <= ? ORDER BY seq LIMIT 1", until)
        return int(rows[0][0]) if rows else None

    def births(self, until: int) -> list[int]:
        """Return the newest events up to another that are births, newest first."""
        flags = f"flags & {NONFINITE} AND flags & {BIRTH}"  # the first for the index
        query = f"SELECT seq FROM event WHERE {flags} AND seq <= ? ORDER BY seq DESC LIMIT ?"
        return [int(row[0]) for row in self._store.db.all(query, until, _BACK)]

    def in_iteration(self, iteration: int, until: int) -> list[int]:
        """Return the events of an iteration that have a NaN or an infinity, oldest first."""
        query = f"SELECT seq FROM event WHERE iteration = ? AND flags & {NONFINITE} AND seq <= ? ORDER BY seq LIMIT ?"
        return [int(row[0]) for row in self._store.db.all(query, iteration, until, _BACK)]

    def latest(self, kind: Kind, until: int) -> int | None:
        """Return the newest event of a kind up to another."""
        return self._store.latest(kind, until)
