"""Runs of nodes by the engine: which backward a position is in, when a node ran, and the state that leaves it in."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.cache import Cache
from gradb.tape.events import BackwardStartDetail, Tensor
from gradb.tape.frame import NodeState
from gradb.tape.store import Store

_MAX_SIBLINGS = 8  # backwards run one after the other inside one node; more are taken for separate ones
_RUN_KINDS = ("node_start", "node", "accumulate")


@dataclass(frozen=True, slots=True)
class Backward:
    """One call into the engine."""

    start: int
    """seq of its backward_start event."""
    roots: tuple[Tensor, ...]
    gradients: tuple[Tensor | None, ...]
    """The ``gradient=`` given for each root; None where it was left out."""
    retain_graph: bool
    nodes: frozenset[int]
    """What the engine will run."""
    create_graph: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one node by the engine, as far as a position knows it."""

    backward: int
    """seq of the backward_start event."""
    start: int | None
    """seq of the node_start event; None where the engine gave no notice (an accumulation only)."""
    end: int | None
    """seq of the node or accumulate event; None while the node runs, or where it raised."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The backward that a position is in, or that ended last before it."""

    backward: Backward
    is_open: bool
    """False after its backward_end."""
    end: int
    """seq of its backward_end event; 0 while it is open."""


class Runs:
    """Backward calls and node runs of one tape."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._backwards = Cache(self._read, 8)
        self._outers = Cache(self._enclosing, 64)

    def backward(self, start: int) -> Backward | None:
        """Return the backward that began at an event, or None where that event is no backward_start."""
        return self._backwards(start)

    def _read(self, start: int) -> Backward | None:
        detail = self._store.detail(start)
        if not isinstance(detail, BackwardStartDetail):
            return None
        ids, creates = frozenset(detail.nodes), detail.create_graph
        return Backward(start, detail.roots, detail.gradients, detail.retain_graph, ids, creates)

    def moment(self, position: int) -> Moment | None:
        """Return the innermost backward that is running at a position, else the one that ended last."""
        started = self._store.latest("backward_start", position)
        if started is None:
            return None
        ended = self._store.latest("backward_end", position)
        if ended is None or started > ended:
            return self._moment(started, 0)
        outer = self._outers(ended)
        return self._moment(self._store.first(ended), ended) if outer is None else self._moment(outer, 0)

    def _moment(self, start: int, end: int) -> Moment | None:
        backward = self.backward(start)
        return None if backward is None else Moment(backward, not end, end)

    def _enclosing(self, ended: int) -> int | None:
        """Return the backward inside which another one, that ended at ``ended``, was run by a node or hook."""
        for _ in range(_MAX_SIBLINGS):
            before = self._store.first(ended) - 1
            kind, seq = self._last_of_backward(before)
            if seq is None or kind == "backward_start":
                return seq
            if kind != "backward_end":
                return self.backward_of(kind, seq)
            ended = seq
        return None

    def _last_of_backward(self, position: int) -> tuple[str, int | None]:
        """Return kind and seq of the newest event up to a position that has to do with the engine."""
        kinds = (*_RUN_KINDS, "backward_start", "backward_end")
        found = {kind: self._store.latest(kind, position) for kind in kinds}
        kind = max(kinds, key=lambda kind: found[kind] or 0)
        return kind, found[kind]

    def backward_of(self, kind: str, seq: int) -> int | None:
        """Return the backward (seq of its start) that a node_start, node or accumulate event is part of."""
        if kind == "node_start":
            return self._store.first(seq)
        if kind == "node":
            return self._store.first(self._store.first(seq))
        detail = self._store.detail(seq)
        return getattr(detail, "backward", None)

    def last_run(self, node: int, position: int) -> Run | None:
        """Return the newest run of a node up to a position."""
        row = self._store.db.one(
            "SELECT seq, kind FROM event WHERE node = ? AND seq <= ? AND +kind IN ('node_start', 'node', 'accumulate')"
            " ORDER BY seq DESC LIMIT 1",
            node,
            position,
        )
        if row is None:
            return None
        seq, kind = row
        backward = self.backward_of(kind, seq) or 0
        if kind == "node_start":
            return Run(backward, seq, None)
        return Run(backward, self._store.first(seq) if kind == "node" else self._notice(node, backward, seq), seq)

    def _notice(self, node: int, backward: int, accumulated: int) -> int | None:
        """Return the node_start event of an accumulation."""
        row = self._store.db.one(
            "SELECT seq FROM event WHERE node = ? AND seq > ? AND seq < ? AND +kind = 'node_start'"
            " ORDER BY seq DESC LIMIT 1",
            node,
            backward,
            accumulated,
        )
        return None if row is None else row[0]

    def run_in(self, node: int, backward: int, until: int) -> int | None:
        """Return the node event of a node in one backward, up to and with event ``until``."""
        row = self._store.db.one(
            "SELECT seq FROM event WHERE node = ? AND seq > ? AND seq <= ? AND +kind = 'node'"
            " ORDER BY seq DESC LIMIT 1",
            node,
            backward,
            until,
        )
        return None if row is None else row[0]

    def state(self, node: int, moment: Moment | None, position: int) -> NodeState:
        """Return the state of a node at a position, of which ``moment`` is what ``moment(position)`` said."""
        run = self.last_run(node, position)
        is_wanted = moment is not None and moment.is_open and node in moment.backward.nodes
        if moment is not None and is_wanted and (run is None or run.backward != moment.backward.start):
            return "pending"
        if run is None:
            return "created"
        if run.end is None:
            return "running" if is_wanted else self._before(node, run)
        return self._after(node, run.backward)

    def _before(self, node: int, run: Run) -> NodeState:
        """Return the state of a node whose last run raised: what an earlier run left."""
        row = self._store.db.one(
            "SELECT seq, kind FROM event WHERE node = ? AND seq < ? AND +kind IN ('node', 'accumulate')"
            " ORDER BY seq DESC LIMIT 1",
            node,
            run.start,
        )
        return "created" if row is None else self._after(node, self.backward_of(row[1], row[0]) or 0)

    def _after(self, node: int, backward: int) -> NodeState:
        """Return the state in which a finished run leaves a node: freed where the engine drops what the node saved."""
        found, made = self.backward(backward), self._store.node(node)
        is_freed = found is not None and not found.retain_graph and made is not None and made.saves
        return "freed" if is_freed else "done"
