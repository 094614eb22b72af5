"""The ATen calls of the op or node that a position is in, or that is at it, as far as somebody looked into it.

A forward op has its event when it has returned, so its calls come before that; a node's lie between its node_start and
its node event. Which calls belong together is told by the ``start`` that each of them names.
"""

from __future__ import annotations

from dataclasses import replace

from gradb.frame.frame import Aten, AtenCall
from gradb.frame.graph.runs import Runs
from gradb.frame.naming import Naming
from gradb.frame.store import Store
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.aten import AtenDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.registry import CODES, Detail
from gradb.tape.kinds.tensor import Tensor

MAX_CALLS = 200


class Atens:
    """Finds the ATen calls of ops and nodes on one tape."""

    def __init__(self, store: Store, naming: Naming, runs: Runs) -> None:
        self._store = store
        self._naming = naming
        self._runs = runs

    def at(self, event: Event | None, detail: Detail | None) -> Aten | None:
        """Return the calls of the op or node that an event is about; None where it is about neither."""
        if event is None:
            return None
        match detail:
            case AtenDetail():
                name = "" if event.node is None else self._store.event(detail.start).name
                return self._calls(event, name, detail.start, is_over=False)
            case OpDetail():
                return self._over(event, event.name if detail.nodes else detail.function, detail.calls, detail.calls)
            case NodeDetail():
                return self._over(event, event.name, detail.calls, detail.start)
            case AccumulateDetail() if event.node is not None:
                run = self._runs.last_run(event.node, event.seq)
                return self._over(event, "AccumulateGrad", detail.calls, None if run is None else run.start)
        if event.kind == "node_start":
            return Aten(name=event.name, node=event.node, is_over=False, is_seen=False, calls=(), count=0)
        return None

    def _over(self, event: Event, name: str, first: int | None, start: int | None) -> Aten:
        node = None if event.kind == "op" else event.node
        if not first or not start:
            return Aten(name=name, node=node, is_over=True, is_seen=first is not None, calls=(), count=0)
        return replace(self._calls(event, name, start, is_over=True), node=node)

    def _calls(self, event: Event, name: str, start: int, *, is_over: bool) -> Aten:
        rows = self._store.db.all(
            f"SELECT seq FROM event WHERE kind = {CODES['aten']} AND seq >= ? AND seq <= ? ORDER BY seq DESC LIMIT ?",
            start,
            event.seq,
            8 * MAX_CALLS,
        )
        own = [seq for (seq,) in rows if self._store.first(seq) == start]
        found = [
            AtenCall(seq, self._named(detail, event.seq))
            for seq in reversed(own[:MAX_CALLS])
            if isinstance(detail := self._store.detail(seq), AtenDetail)
        ]
        count = found[-1].detail.number if found else 0
        return Aten(name=name, node=event.node, is_over=is_over, is_seen=True, calls=tuple(found), count=count)

    def _named(self, detail: AtenDetail, position: int) -> AtenDetail:
        """Give the tensors the names that they have at a position: a result gets its own when the op has returned."""
        inputs, outputs = (
            tuple(self._name(tensor, position) for tensor in tensors) for tensors in (detail.inputs, detail.outputs)
        )
        return replace(detail, inputs=inputs, outputs=outputs)

    def _name(self, tensor: Tensor, position: int) -> Tensor:
        name = self._naming.label(tensor.id, position) if tensor.id else None
        return tensor if name is None or name == tensor.name else replace(tensor, name=name)
