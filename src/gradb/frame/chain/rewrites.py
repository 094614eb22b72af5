"""Who wrote into a gradient on its way: what a node was sent held against what arrived there.

The engine hands one tensor to several nodes, so a hook or a custom backward that changes what it was given in place
changes what others get. Everything is read from the tape; nothing here knows words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gradb.algebra.local import Check
from gradb.frame.chain.hooks import Values, values
from gradb.frame.chain.record import Contribution, Rewrite
from gradb.frame.graph.graph import Graphs
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.node_start import NodeStartDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.registry import CODES
from gradb.tape.values import TensorValue

_MAX_WRITERS = 1000
_MAX_OPS = 1000
_VIEWS = {
    "__getitem__",
    "alias",
    "detach",
    "narrow",
    "permute",
    "select",
    "squeeze",
    "t",
    "transpose",
    "unsqueeze",
    "view",
}


@dataclass(frozen=True, slots=True)
class _Write:
    """One event that changed gradients in place."""

    rewrite: Rewrite
    before: Values
    after: Values


def rewrites(
    graphs: Graphs, found: tuple[Contribution, ...], check: Check | None, arrived: Values, until: int | None
) -> tuple[Rewrite, ...]:
    """Return who changed what was sent to a node before event ``until``, its node_start; empty where nobody did.

    ``check`` holds the sum of what was sent against what arrived.
    """
    sent = [one for one in found if one.node]
    is_whole = until is not None and sent and len(sent) == len(found)
    if until is None or not is_whole or not _is_other(sent, check, arrived):
        return ()
    writers = tuple(_writers(graphs, min(one.event for one in sent), until))
    blamed: dict[int, Rewrite] = {}
    for one in sent:
        value = one.value
        for write in (write for write in writers if write.rewrite.event > one.event):
            at = next((index for index, given in enumerate(write.before) if given == value), None)
            if at is not None and at < len(write.after):
                value = write.after[at]
                blamed[write.rewrite.event] = write.rewrite
    unknown = () if check is not None and not check.is_ok and len(sent) > 1 else (Rewrite("unknown", "", "", "", 0),)
    return tuple(blamed.values()) or unknown  # a sum that does not agree is told as that


def _is_other(sent: list[Contribution], check: Check | None, arrived: Values) -> bool:
    """Tell whether what arrived is sure not to be what was sent, or the sum of it."""
    if check is not None and not check.is_ok:
        return True
    for number, total in enumerate(arrived):
        parts = [one.value for one in sent if one.output_nr == number]
        if len(parts) == 1 and is_known(parts[0]) and is_known(total) and parts[0] != total:
            return True
    return False


def is_known(value: TensorValue | None) -> bool:
    """Tell whether a value, or what sums it up, is on the tape."""
    if value is None:
        return False
    return value.data is not None or value.stats is not None


def is_written(graphs: Graphs, after: int, until: int) -> bool:
    """Tell whether anybody wrote into a gradient between two events."""
    return next(_writers(graphs, after, until), None) is not None


def _writers(graphs: Graphs, after: int, until: int) -> Iterator[_Write]:
    query = (
        "SELECT e.seq, e.kind FROM event e LEFT JOIN node n ON n.id = e.node WHERE e.seq > ? AND e.seq < ?"
        f" AND (e.kind = {CODES['hook']} OR (e.kind = {CODES['node']} AND n.kind = 'custom')) ORDER BY e.seq LIMIT ?"
    )
    for seq, _ in graphs.store.db.all(query, after, until, _MAX_WRITERS):
        detail = graphs.store.detail(seq)
        if isinstance(detail, HookDetail) and detail.has_run and detail.is_inplace:
            yield _Write(_by_hook(graphs, seq, detail), values(detail.before), values(detail.after))
        elif isinstance(detail, NodeDetail) and detail.left:
            started = graphs.store.detail(detail.start)
            given = values(started.upstream) if isinstance(started, NodeStartDetail) else ()
            yield _Write(_by_node(graphs, seq, detail, given), given, values(detail.left))


def _by_hook(graphs: Graphs, seq: int, detail: HookDetail) -> Rewrite:
    node = graphs.store.event(seq).node
    found = None if node is None else graphs.store.node(node)
    label = None if node is None else graphs.label(node, seq, None if detail.kind != "tensor" else detail.output_nr)
    at = label or ("" if found is None else found.name)
    return Rewrite("hook", detail.function, detail.where, at, seq)


def _by_node(graphs: Graphs, seq: int, detail: NodeDetail, given: Values) -> Rewrite:
    event = graphs.store.event(seq)
    call, where = written_by(graphs, detail.start, seq, given)
    return Rewrite(kind="node", name=event.name, where=where, at=event.name, event=seq, call=call)


def written_by(graphs: Graphs, start: int, end: int, given: Values, tensor: int = 0) -> tuple[str, str]:
    """Return the op between two events that wrote into a tensor, and its ``file:line``, where it was seen.

    The tensor is known by its id; where no op shows that, by one of its values ``given``, if one alone had it.
    """
    query = f"SELECT seq FROM event WHERE kind = {CODES['op']} AND seq > ? AND seq < ? ORDER BY seq LIMIT ?"
    details = [(seq, graphs.store.detail(seq)) for (seq,) in graphs.store.db.all(query, start, end, _MAX_OPS)]
    ops = [(seq, detail) for seq, detail in details if isinstance(detail, OpDetail)]
    writes = [(seq, op) for seq, op in ops if op.is_inplace and op.inputs]
    found = [(seq, op) for seq, op in writes if tensor and tensor in _written(op)]
    found = found or _alike(writes, given, _made([op for _, op in ops]))
    if not found:
        return "", ""
    event = graphs.store.event(found[0][0])
    where = f"{Path(event.file).name}:{event.line}" if event.file and event.line else ""
    return found[0][1].function, where


def _written(op: OpDetail) -> set[int]:
    """Return the tensors that an op in place wrote into: its own, and those that it is a view of."""
    return {one.id for one in (*op.inputs[:1], *op.outputs)}


def _made(ops: list[OpDetail]) -> set[int]:
    """Return the tensors that ops made in memory of their own."""
    makers = [op for op in ops if not op.is_inplace and op.function.rpartition(".")[2] not in _VIEWS]
    return {one.id for op in makers for one in op.outputs if one.id not in {given.id for given in op.inputs}}


def _alike(writes: list[tuple[int, OpDetail]], given: Values, made: set[int]) -> list[tuple[int, OpDetail]]:
    """Return the writes into what held one of some values; none where several tensors did."""
    values = [value for value in given if is_known(value)]
    found = [(seq, op) for seq, op in writes if op.inputs[0].value in values and op.inputs[0].id not in made - {0}]
    tensors = {op.inputs[0].id for _, op in found}
    return found if len(found) == 1 or (len(tensors) == 1 and 0 not in tensors) else []
