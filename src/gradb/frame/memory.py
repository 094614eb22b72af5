"""What is saved at a position: by one node, and by the whole graph together.

Reads what was recorded when the nodes were first seen, and finds out which backward freed it, what was modified since,
and which nodes nothing refers to any more. Everything is found out when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from gradb.frame.cache import Cache
from gradb.frame.chain.rewrites import is_known, written_by
from gradb.frame.graph.graph import Graphs
from gradb.frame.training import Trainings
from gradb.tape.database import Row, TapeError
from gradb.tape.kinds.graph import Node
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.registry import CODES
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.saved import (
    NOT_READ,
    Change,
    Freed,
    Memory,
    NodeSaved,
    SavedEntry,
    SavedRecord,
    SavedTensor,
    decode_saved,
)
from gradb.tape.sums import checksum
from gradb.tape.values import TensorValue
from gradb.tape.wire import WireError

_MAX_NAMED = 2000  # tensors whose names are looked up for the sum of a whole graph
_MAX_CHANGES = 32  # later definitions of one tensor that are looked through
_FREEING = (
    "SELECT n.node, n.seq, s.seq - s.back FROM event n CROSS JOIN event s ON s.seq = n.seq - n.back"
    f" WHERE n.node BETWEEN ? AND ? AND n.seq <= ? AND +n.kind = {CODES['node']} ORDER BY n.node, n.seq"
)
_ALIVE = (
    "SELECT n.id, n.saves, n.event, s.detail, s.data, s.crc FROM node n LEFT JOIN saved s ON s.node = n.id"
    " WHERE n.id BETWEEN ? AND ? AND n.event <= ? AND n.kind <> 'accumulate'"
)


@dataclass(frozen=True, slots=True)
class _Used:
    """What a node held when it was run again."""

    event: int = 0
    """Its node_start event; 0 where it was not read."""
    values: dict[str, TensorValue | None] = field(default_factory=dict)


class Holdings:
    """What is saved, of all positions of one tape."""

    def __init__(self, graphs: Graphs, trainings: Trainings) -> None:
        self._graphs = graphs
        self._store = graphs.store
        self._trainings = trainings
        self._memories = Cache(self._sum, 8)

    def at(self, position: int) -> Holding:
        """Return what is saved at a position."""
        return Holding(self, position)

    # --- one node -----------------------------------------------------------------------------------------------------

    def of(self, node_id: int, position: int) -> NodeSaved | None:
        """Return what a node saved, as of a position; None where there is no such node by then.

        Raises:
            TapeError: the tape is damaged there.
        """
        node = self._store.node(node_id)
        if node is None or node.event > position:
            return None
        record = self._record(node)
        freed = self._freed(node_id, position) if node.saves else None
        used = self._used(node_id, position)
        found = [self._tensor(entry, node, freed, used, position) for entry in record.tensors]
        sizes = {entry.storage: entry.size or 0 for entry in record.tensors}
        gone = self._store.gone(node_id, position)
        facts = (record.arguments, node.saves, freed, gone, sum(sizes.values()))
        return NodeSaved(node.id, node.name, record.note, tuple(found), *facts)

    def record(self, node_id: int) -> SavedRecord:
        """Return what was read of a node's saved tensors when it was first seen.

        Raises:
            TapeError: the tape is damaged there.
        """
        node = self._store.node(node_id)
        return SavedRecord(NOT_READ) if node is None else self._record(node)

    def touched(self, storage: int, start: int, stop: int) -> list[int]:
        """Return the node events start..stop in which a custom backward wrote to a memory."""
        query = "SELECT event FROM touched WHERE storage = ? AND event BETWEEN ? AND ? ORDER BY event"
        return [int(event) for (event,) in self._store.db.all(query, storage, start, stop)] if storage else []

    def _record(self, node: Node) -> SavedRecord:
        if node.kind == "accumulate":
            return SavedRecord("")
        row = self._store.db.one("SELECT detail, data, crc FROM saved WHERE node = ?", node.id)
        if row is None:
            return SavedRecord(NOT_READ)
        return self._decoded((node.id,), *row)

    def _decoded(self, key: tuple[int, ...], text: object, data: object, crc: object) -> SavedRecord:
        """Read what a row says of a node (and of a run of it), whose numbers are its key."""
        name, node = self._store.db.name, key[0]
        if type(text) is not str or not (data is None or type(data) is bytes):
            raise TapeError(f"{name} is damaged: what node {node} saved is not text and bytes.")
        if crc != checksum(*key, text, data):
            raise TapeError(f"{name} is damaged: what node {node} saved is not what was written.")
        try:
            return decode_saved(text, data)
        except WireError as error:
            raise TapeError(f"{name} is damaged at node {node}: {error}.") from error

    def _freed(self, node: int, position: int) -> Freed | None:
        """Return the first backward that ran a node to the end and did not keep the graph."""
        for _, seq, start in self._store.db.all(_FREEING, node, node, position):
            backward = self._graphs.runs.backward(start)
            if backward is not None and not backward.retain_graph:
                begun = self._store.event(start)
                return Freed(seq, start, begun.name, begun.file, begun.line)
        return None

    # --- one tensor ---------------------------------------------------------------------------------------------------

    def _tensor(self, entry: SavedEntry, node: Node, freed: Freed | None, used: _Used, position: int) -> SavedTensor:
        shown = self._shown(entry.tensor, node.event) if entry.tensor else None
        value, now = _value(entry.value, shown), used.values.get(entry.name)
        whose, told = entry.base or entry.tensor, ""
        change, changed_at = self._change(whose, node, position) if whose and (freed is None or now) else ("", 0)
        is_other = is_known(value) and is_known(now) and now != value
        if is_other:
            change = "unnoticed"
        elif is_known(now) and changed_at < used.event:
            change, changed_at = "", 0  # the node has run since, with what it saved
        if freed is None and not is_other:
            seen = changed_at if change == "changed" else 0
            if (by := self._touched(entry, node, position, seen)) is not None:
                change, changed_at, told = "changed", *by
        return SavedTensor(
            name=entry.name,
            form=entry.form,
            variable=self._name(entry.tensor, position, shown),
            view_of=self._name(entry.base, position, None),
            value=value,
            bytes=entry.size,
            is_leaf=entry.is_leaf,
            change=change,
            changed_at=changed_at,
            note=entry.note,
            changed_by=told,
            used=now if is_other else None,
            used_at=used.event if is_other else 0,
        )

    def _used(self, node: int, position: int) -> _Used:
        """Return what a node held at its latest run up to a position, where that was read and the run came to its end.

        A run that raised used nothing: autograd may well have noticed.
        """
        query = "SELECT event, detail, data, crc FROM used WHERE node = ? AND event <= ? ORDER BY event DESC LIMIT 1"
        row = self._store.db.one(query, node, position)
        query = f"SELECT min(seq) FROM event WHERE node = ? AND seq > ? AND seq <= ? AND +kind = {CODES['node']}"
        end = None if row is None else self._store.db.one(query, node, row[0], position)
        if row is None or end is None or end[0] is None or self._store.first(end[0]) != row[0]:
            return _Used()
        record = self._decoded((node, row[0]), *row[1:])
        return _Used(int(row[0]), {entry.name: entry.value for entry in record.tensors})

    def _touched(self, entry: SavedEntry, node: Node, position: int, seen: int) -> tuple[int, str] | None:
        """Return the event at which a custom backward wrote to a saved tensor's memory, and what is known of it.

        None where a change was ``seen`` before that backward began: it came first.
        """
        query = "SELECT event FROM touched WHERE storage = ? AND event > ? AND event <= ? ORDER BY event LIMIT 1"
        row = self._store.db.one(query, entry.storage, node.event, position) if entry.storage else None
        if row is None:
            return None
        event, detail = self._store.event(row[0]), self._store.detail(row[0])
        start = detail.start if isinstance(detail, NodeDetail) else row[0]
        if 0 < seen < start:
            return None
        shown = self._shown(entry.tensor, node.event) if entry.tensor else None
        given = (_value(entry.value, shown),)
        call, where = written_by(self._graphs, start, row[0], given, entry.base or entry.tensor)
        return event.seq, f"{event.name}{f', {call} in {where}' if call else ''}"

    def _shown(self, tensor: int, event: int) -> Tensor | None:
        """Return a tensor as the event shows it at which a node was made: a result before an input."""
        detail = self._store.detail(event)
        if not isinstance(detail, OpDetail):
            return None
        return next((one for one in (*detail.outputs, *detail.inputs) if one.id == tensor), None)

    def _name(self, tensor: int, position: int, shown: Tensor | None) -> str | None:
        if not tensor:
            return None
        return self._graphs.naming.best(tensor, position, shown.name if shown is not None else None)

    def _change(self, tensor: int, node: Node, position: int) -> tuple[Change, int]:
        """Tell whether a tensor was modified in place after a node saved it, as far as events show it."""
        query = "SELECT event FROM tensor WHERE tensor = ? AND event > ? AND event <= ? ORDER BY event LIMIT ?"
        first: dict[Change, int] = {}
        for (event,) in self._store.db.all(query, tensor, node.event, position, _MAX_CHANGES):
            first.setdefault(self._changes(self._store.detail(event), tensor), event)
        kinds: tuple[Change, ...] = ("changed", "unnoticed", "perhaps")
        return next(((kind, first[kind]) for kind in kinds if kind in first), ("", 0))

    def _changes(self, detail: object, tensor: int) -> Change:
        """Tell whether an event modified a tensor in place.

        A leaf that was changed by way of another tensor may have been reached past autograd (``.data``), which torch
        does not count.
        """
        if isinstance(detail, StepDetail):
            given = zip(detail.parameters, detail.gradients, strict=False)
            is_changed = any(one.id == tensor and gradient is not None for one, gradient in given)
            return "" if not is_changed else "unnoticed" if detail.is_unnoticed else "changed"
        if not isinstance(detail, OpDetail) or not detail.is_inplace:
            return ""
        for index, output in enumerate(detail.outputs):
            if output.id == tensor:
                is_past = detail.function.startswith("Tensor.data") if index == 0 else self._is_leaf(output)
                return "perhaps" if is_past else "changed"
        return ""

    def _is_leaf(self, tensor: Tensor) -> bool:
        node = None if tensor.node is None else self._store.node(tensor.node)
        return node is None or node.kind == "accumulate"

    # --- the whole graph ----------------------------------------------------------------------------------------------

    def memory(self, position: int) -> Memory:
        """Return what the whole graph holds at a position.

        Raises:
            TapeError: the tape is damaged.
        """
        return self._memories(position)

    def _sum(self, position: int) -> Memory:
        nodes = holding = unread = freed_count = 0
        held: list[SavedEntry] = []
        earliest = position
        for first, last in self._alive(position):
            freed = self._freed_among(first, last, position)
            for id_, saves, event, text, data, crc in self._store.db.all(_ALIVE, first, last, position):
                nodes += 1
                earliest = min(earliest, event)
                if not saves or id_ in freed:
                    freed_count += bool(saves)
                    continue
                record = SavedRecord(NOT_READ) if text is None else self._decoded((id_,), text, data, crc)
                entries = [entry for entry in record.tensors if entry.form != "none"]
                unread += bool(record.note) or any(entry.size is None for entry in entries)
                holding += bool(entries)
                held += entries
        return Memory(
            nodes, holding, freed_count, *self._bytes(held, position), unread, self._unseen(earliest, position)
        )

    def _bytes(self, held: list[SavedEntry], position: int) -> tuple[int, int, int | None]:
        """Return all bytes, those of leaves, and those that variables name too."""
        sizes = {entry.storage: entry.size or 0 for entry in held}
        leaves = {entry.storage for entry in held if entry.is_leaf}
        known = {entry.storage: entry.base or entry.tensor for entry in held if entry.base or entry.tensor}
        owners = {storage: tensor for storage, tensor in known.items() if storage not in leaves}
        named: int | None = None
        if len(owners) <= _MAX_NAMED:
            label = self._graphs.naming.label
            named = sum(sizes[storage] for storage, tensor in owners.items() if label(tensor, position) is not None)
        return sum(sizes.values()), sum(sizes[storage] for storage in leaves), named

    def _alive(self, position: int) -> Iterator[tuple[int, int]]:
        """Yield the ranges of ids between those that are gone."""
        first = 1
        query = "SELECT first, last FROM gone WHERE event <= ? AND typeof(last) = 'integer' ORDER BY first"
        for begin, end in self._store.db.all(query, position):
            if begin > first:
                yield first, begin - 1
            first = max(first, end + 1)
        newest = self._store.db.one("SELECT max(id) FROM node WHERE event <= ?", position)
        if newest is not None and newest[0] is not None and newest[0] >= first:
            yield first, newest[0]

    def _freed_among(self, first: int, last: int, position: int) -> set[int]:
        """Return the nodes of a range that a backward freed."""
        rows: list[Row] = self._store.db.all(_FREEING, first, last, position)
        starts = {start for _, _, start in rows}
        backwards = {start: self._graphs.runs.backward(start) for start in starts}
        freeing = {start for start, found in backwards.items() if found is not None and not found.retain_graph}
        return {node for node, group in groupby(rows, lambda row: row[0]) if any(row[2] in freeing for row in group)}

    def _unseen(self, event: int, position: int) -> str:
        mark = self._trainings.unseen_since(event, position)
        return (
            "" if mark is None else f"only watched since iteration {mark.iteration}: what was freed then is not known"
        )


class Holding:
    """A ``SavedView``: what is saved at one position."""

    def __init__(self, holdings: Holdings, position: int) -> None:
        self.position = position
        self._holdings = holdings

    def of(self, node: int) -> NodeSaved | None:
        """Return what a node saved; None where there is no such node at the position."""
        return self._holdings.of(node, self.position)

    def memory(self) -> Memory:
        """Return what the whole graph holds."""
        return self._holdings.memory(self.position)


def _value(value: TensorValue | None, shown: Tensor | None) -> TensorValue | None:
    """Return a saved value: as it was recorded with it, else as its event shows it."""
    if value is None or value.data is not None or value.stats is not None or value.note or shown is None:
        return value
    return shown.value
