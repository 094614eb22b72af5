"""Runs of nodes by the engine: which backward a position is in, when a node ran, and the state that leaves it in."""

from __future__ import annotations

import json
from dataclasses import dataclass

from gradb.frame.cache import Cache
from gradb.frame.gaps import Gaps
from gradb.frame.graph.view import NodeState
from gradb.frame.store import Store
from gradb.tape.database import Row
from gradb.tape.kinds.backward_end import BackwardEndDetail
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.registry import CODES, KINDS, numbers_of
from gradb.tape.kinds.tensor import Tensor

_RAN = f"+kind IN ({numbers_of('node_start', 'node', 'accumulate')})"
_LAST = f"SELECT seq FROM event WHERE node = {{}} AND seq <= ? AND {_RAN} ORDER BY seq DESC LIMIT 1"
_LAST_OF_MANY = (
    f"SELECT k.value, e.seq, e.kind FROM json_each(?) k LEFT JOIN event e ON e.seq = ({_LAST.format('k.value')})"
)
_MOST = 250_000  # nodes of all backwards that are kept
_BATCH = 64  # ends of backwards looked through at once: those of the ones inside come first


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
    outer: int = 0
    """seq of the backward_start event of the backward inside of which this one was called; 0 for none."""
    asked: frozenset[int] | None = None
    """The nodes that gradients are sent to, where ``inputs=`` named what is wanted; None where all are."""
    call: str = "backward"
    """``backward`` or ``grad``."""


@dataclass(frozen=True, slots=True)
class NodeRun:
    """One run of one node by the engine, as far as a position knows it."""

    backward: int
    """seq of the backward_start event."""
    start: int | None
    """seq of the node_start event; None where the engine gave no notice (an accumulation only)."""
    end: int | None
    """seq of the node or accumulate event; None while the node runs, or where it raised."""


@dataclass(frozen=True, slots=True)
class BackwardAt:
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
        self._backwards = Cache(self._read, 32, lambda found: len(found.nodes) if found is not None else 0, _MOST)
        self._ends = Cache(self._read_end, 256)
        self._gaps = Gaps(store)
        self._last: tuple[int, dict[int, Row | None]] = (0, {})
        """(seq, kind) of the newest run up to a position, of the nodes that were looked up at once."""

    def load(self, nodes: list[int], position: int) -> None:
        """Look up at once when some nodes have run last at a position."""
        known = self._last[1] if position == self._last[0] else {}
        missing = [node for node in dict.fromkeys(nodes) if node not in known]
        if missing:
            rows = self._store.db.all(_LAST_OF_MANY, json.dumps(missing), position)
            self._last = (position, known | {row[0]: None if row[1] is None else row[1:] for row in rows})

    def backward(self, start: int) -> Backward | None:
        """Return the backward that began at an event, or None where that event is no backward_start."""
        return self._backwards(start)

    def _read(self, start: int) -> Backward | None:
        detail = self._store.detail(start)
        if not isinstance(detail, BackwardStartDetail):
            return None
        ids, creates = frozenset(detail.nodes), detail.create_graph
        asked = None
        if detail.inputs is not None:
            asked = ids.union(detail.ends, (tensor.node for tensor in detail.inputs if tensor.node is not None))
        return Backward(
            start=start,
            roots=detail.roots,
            gradients=detail.gradients,
            retain_graph=detail.retain_graph,
            nodes=ids,
            create_graph=creates,
            outer=detail.outer,
            asked=asked,
            call=detail.call,
        )

    def moment(self, position: int) -> BackwardAt | None:
        """Return the innermost backward that is running at a position, else the one that ended last."""
        started = self._store.latest("backward_start", position)
        if started is None:
            return None
        ended = self._store.latest("backward_end", position)
        if ended is None or started > ended:
            return self._moment(started, 0)
        inner = self.backward(self._store.first(ended))
        if inner is not None and inner.outer and self.ended(inner.outer, position) is None:
            return self._moment(inner.outer, 0)
        return self._moment(self._store.first(ended), ended)

    def _moment(self, start: int, end: int) -> BackwardAt | None:
        backward = self.backward(start)
        return None if backward is None else BackwardAt(backward, not end, end)

    def ended(self, start: int, position: int) -> int | None:
        """Return the backward_end event of a backward, up to a position; None while it is open."""
        end = self._ends(start)
        if end is None:
            self._ends.drop(start)  # a growing tape may have it later
        return end if end is not None and end <= position else None

    def _read_end(self, start: int) -> int | None:
        query = f"SELECT seq FROM event WHERE kind = {CODES['backward_end']} AND seq > ? ORDER BY seq LIMIT ?"
        last, rows = start, [(start,)]
        while rows:
            rows = self._store.db.all(query, last, _BATCH)
            for (seq,) in rows:
                if self._store.first(seq) == start:
                    return int(seq)
            last = rows[-1][0] if rows else last
        return None

    def error(self, start: int, position: int) -> str:
        """Return what the engine raised in a backward that has ended by a position; empty where it raised nothing."""
        end = self.ended(start, position)
        detail = None if end is None else self._store.detail(end)
        return detail.error if isinstance(detail, BackwardEndDetail) else ""

    def backward_of(self, kind: str, seq: int) -> int | None:
        """Return the backward (seq of its start) that a node_start, node or accumulate event is part of."""
        if kind == "node_start":
            return self._store.first(seq)
        if kind == "node":
            return self._store.first(self._store.first(seq))
        detail = self._store.detail(seq)
        return getattr(detail, "backward", None)

    def last_run(self, node: int, position: int) -> NodeRun | None:
        """Return the newest run of a node up to a position."""
        self.load([node], position)
        row = self._last[1][node]
        if row is None:
            return None
        seq, kind = row[0], KINDS[row[1]]
        backward = self.backward_of(kind, seq) or 0
        if kind == "node_start":
            return NodeRun(backward, seq, None)
        return NodeRun(backward, self._store.first(seq) if kind == "node" else self._notice(node, backward, seq), seq)

    def _notice(self, node: int, backward: int, accumulated: int) -> int | None:
        """Return the node_start event of an accumulation."""
        row = self._store.db.one(
            f"SELECT seq FROM event WHERE node = ? AND seq > ? AND seq < ? AND +kind = {CODES['node_start']}"
            " ORDER BY seq DESC LIMIT 1",
            node,
            backward,
            accumulated,
        )
        return None if row is None else row[0]

    def run_in(self, node: int, backward: int, until: int) -> int | None:
        """Return the node event of a node in one backward, up to and with event ``until``."""
        row = self._store.db.one(
            f"SELECT seq FROM event WHERE node = ? AND seq > ? AND seq <= ? AND +kind = {CODES['node']}"
            " ORDER BY seq DESC LIMIT 1",
            node,
            backward,
            until,
        )
        return None if row is None else row[0]

    def state(self, node: int, moment: BackwardAt | None, position: int) -> NodeState:
        """Return the state of a node at a position, of which ``moment`` is what ``moment(position)`` said."""
        state = self._recorded_state(node, moment, position)
        is_known = state in {"done", "freed", "failed"}
        return state if is_known or not self.unseen(node, moment, position) else "unrecorded"

    def unseen(self, node: int, moment: BackwardAt | None, position: int) -> str:
        """Say why it is not known whether a node that has not run by what is recorded has run; else empty."""
        is_awaited = moment is not None and moment.is_open and node in moment.backward.nodes
        since = moment.backward.start if moment is not None and is_awaited else 0
        return self._gaps.of_node(node, since, position, is_awaited=is_awaited)

    def _recorded_state(self, node: int, moment: BackwardAt | None, position: int) -> NodeState:
        """Return the state that follows from what is recorded."""
        run = self.last_run(node, position)
        is_wanted = moment is not None and node in moment.backward.nodes
        if moment is None or not is_wanted or (run is not None and run.backward == moment.backward.start):
            return self._left(node, run, position)
        if moment.is_open:
            return "pending"
        left = self._left(node, run, position)
        if not self.error(moment.backward.start, position):
            return left
        if self._has_raised_hook(node, moment.backward.start, position):
            return "failed"
        return "created" if left == "done" else left

    def _has_raised_hook(self, node: int, backward: int, position: int) -> bool:
        """Tell whether a hook of the script's raised an error at a node, in a backward."""
        query = (
            f"SELECT seq FROM event WHERE node = ? AND seq > ? AND seq <= ? AND +kind = {CODES['hook']} ORDER BY seq"
        )
        details = (self._store.detail(seq) for (seq,) in self._store.db.all(query, node, backward, position))
        return any(isinstance(one, HookDetail) and one.backward == backward and one.error for one in details)

    def _left(self, node: int, run: NodeRun | None, position: int) -> NodeState:
        """Return the state in which its last run left a node."""
        if run is None:
            return "created"
        if run.end is None and self.ended(run.backward, position) is None:
            return "running"
        error = self.error(run.backward, position)
        if error and (run.end is None or self._is_blamed(node, run, error, position)):
            return "failed"
        return self._after(node, run.backward)

    def _is_blamed(self, node: int, run: NodeRun, error: str, position: int) -> bool:
        """Tell whether an error names a node that ran to its end, as anomaly detection does where it made a NaN."""
        found, end = self._store.node(node), self.ended(run.backward, position)
        if found is None or not error.startswith(f"RuntimeError: Function '{found.name}' returned nan"):
            return False
        return self._store.latest("node", end or 0) == run.end

    def _after(self, node: int, backward: int) -> NodeState:
        """Return the state in which a finished run leaves a node: freed where the engine drops what the node saved."""
        found, made = self.backward(backward), self._store.node(node)
        is_freed = found is not None and not found.retain_graph and made is not None and made.saves
        return "freed" if is_freed else "done"
