"""Rows of a tape as typed values: headers, details, nodes, names, tensors and gradients.

Every method is one indexed query or a look into a bounded cache. What is returned for a position depends only on rows
up to that position; nothing is cached that a growing tape could change. It knows nothing of graphs, Frames or panes.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace

from gradb.frame.cache import Cache
from gradb.frame.called import NUMBERS
from gradb.frame.defining import defined_by
from gradb.frame.edges import End, edges_of, ends_of
from gradb.frame.growing import Growing
from gradb.frame.hookrows import HookRows
from gradb.frame.leafrows import LeafRows
from gradb.frame.mentions import Mentions
from gradb.frame.stretches import Stretches
from gradb.tape.database import Database, Row, TapeError
from gradb.tape.details import Details, Sweep
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.graph import Edge, Node
from gradb.tape.kinds.registry import CODES, KINDS, Detail, Kind, decode, numbers_of
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.missing import Stopped
from gradb.tape.series import SeriesReader
from gradb.tape.wire import WireError

HEADER = (
    "SELECT e.seq, e.kind, t.name, s.path, t.line, t.end_line, t.col, t.end_col, t.scope, e.iteration, t.phase, e.node,"
    " e.flags, t.thread FROM event e LEFT JOIN site t ON t.id = e.site LEFT JOIN source s ON s.id = t.file"
)

_NODE = "SELECT id, name, event, kind, saves, tensor, edges FROM node"
_BATCH = 5000
_STRETCH = 1000  # nodes of which the edges are read at once, while somebody waits
_GONE = "SELECT last, event FROM gone WHERE first <= ? ORDER BY first DESC LIMIT 1"
_BLOCK = 64  # nodes read at once: neighbours in the graph have neighbouring ids
_BLOCKS = 1024  # that are kept: a node with its edges takes half a KiB


class Store(Growing):
    """Reads rows of one tape."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self.leaves = LeafRows(db)
        self.stopped: Stopped | None = None
        """Where a recording is known to have ended of which the tape itself does not say it yet."""
        self.is_over = False
        """True where it is opened as a recording: the one who opened it does not know of a script that goes on."""
        self._headers = Cache(self._read_event, 2048)
        self._details = Cache(self._read_detail, 256)
        self._packed = Details(db.one, db.name)
        self._firsts = Cache(self._read_first, 8192)
        self.stretches = Stretches(db)
        self.mentions = Mentions(db)
        self.series = SeriesReader(db, self.renumbering)
        self.called = NUMBERS
        """What events are called."""
        self.faults: dict[str, str] = {}
        """What is wrong with conditions that could not be evaluated somewhere."""
        self.hooks = HookRows(db)
        self._defined = Cache(self._read_defined, 64)
        self._blocks: Cache[int, tuple[int, dict[int, Node]]] = Cache(self._read_block, _BLOCKS)
        self.outputs = self.history("SELECT node, event, output_nr, tensor FROM tensor", "node", "output_nr, tensor")
        self.definitions = self.history("SELECT tensor, event, node, output_nr FROM tensor", "tensor", "event")

    @property
    def torch(self) -> str:
        """The version of torch that recorded the tape; empty where torch was not imported."""
        row = self.db.one("SELECT value FROM run WHERE key = 'torch'")
        return "" if row is None else str(row[0])

    # --- events -------------------------------------------------------------------------------------------------------

    def event(self, seq: int) -> Event:
        """Return the header of an event.

        Raises:
            TapeError: there is no such event, or it is damaged.
        """
        return self._settled(self._headers(seq))

    def _settled(self, event: Event) -> Event:
        """Give an event the number of its iteration that is known by now."""
        if event.seq >= self.renumbering.until:
            return event
        return replace(event, iteration=self.renumbering.settled(event.seq, event.iteration))

    def _read_event(self, seq: int) -> Event:
        row = self.db.one(f"{HEADER} WHERE e.seq = ?", seq)
        if row is None:
            raise TapeError(f"{self.db.name} has no event {seq}.")
        return self._header(row)

    def header(self, row: Row) -> Event:
        """Make an Event of a row of ``HEADER``.

        Raises:
            TapeError: a column holds something of another type.
        """
        return self._settled(self._header(row))

    def _header(self, row: Row) -> Event:
        """Make an Event of a row of ``HEADER``, with the iteration that was recorded.

        Raises:
            TapeError: a column holds something of another type.
        """
        seq, code, name, path, line, end_line, column, end_column, scope, iteration, phase, node, flags, thread = row
        numbers = (line, end_line, column, end_column, node)
        if (
            code not in KINDS
            or not all(type(text) is str for text in (name, scope, phase))
            or not all(type(number) is int for number in (seq, iteration, flags, thread))
            or not all(number is None or type(number) is int for number in numbers)
            or not (path is None or type(path) is str)
        ):
            raise TapeError(f"{self.db.name} is damaged: the header of event {seq!r} is not one.")
        place = (path, line, end_line, column, end_column)
        return Event(seq, KINDS[code], name, *place, scope, iteration, phase, node, flags, thread)

    def detail(self, seq: int) -> Detail:
        """Return the values of an event.

        Raises:
            TapeError: there is no such event, or it is damaged.
        """
        return self._details(seq)

    def _read_detail(self, seq: int) -> Detail:
        return self._decoded(seq, *self._packed.of(seq))

    def _decoded(self, seq: int, code: object, text: str, data: bytes | None) -> Detail:
        try:
            return decode(KINDS.get(code, str(code)), text, data)
        except WireError as error:
            raise TapeError(f"{self.db.name} is damaged at event {seq}: {error}.") from error

    def sweep(self) -> Sweep:
        """Return what reads many details near each other, as wire forms."""
        return Sweep(self._packed)

    def first(self, seq: int) -> int:
        """Return the event that an event is part of: the backward_start of a node_start, the node_start of a node.

        Reads no values, so it is cheap where ``detail`` is not.
        """
        return self._firsts(seq)

    def _read_first(self, seq: int) -> int:
        row = self.db.one("SELECT back FROM event WHERE seq = ?", seq)
        if row is None or type(row[0]) is not int:
            raise TapeError(f"{self.db.name} is damaged at event {seq}: it does not say what it belongs to.")
        return seq - int(row[0])

    def batch(self, first: int, last: int) -> list[Event]:
        """Return the headers of events first..last, both included."""
        rows = self.db.all(f"{HEADER} WHERE e.seq BETWEEN ? AND ? ORDER BY e.seq", first, last)
        return [self.header(row) for row in rows]

    def latest(self, kind: Kind, position: int) -> int | None:
        """Return the seq of the newest event of a kind up to a position."""
        return self.newest(CODES[kind], position)

    def counted(self, kind: Kind) -> list[tuple[str, int, int]]:
        """Return (name, how many, seq of the first) of the events of a kind, in the order of their first."""
        rows = self.db.all(
            "SELECT t.name, count(*), min(e.seq) FROM event e CROSS JOIN site t ON t.id = e.site"
            " WHERE e.kind = ? GROUP BY t.name ORDER BY 3",
            CODES[kind],
        )
        return [(str(name), int(count), int(first)) for name, count, first in rows]

    def last_work(self, position: int) -> int:
        """Return the seq of the newest event up to a position at which the script computed something; else 0."""
        idle = numbers_of("output", "error", "note", "end", "breakpoint", "print")
        row = self.db.one(
            f"SELECT seq FROM event WHERE seq <= ? AND kind NOT IN ({idle}) ORDER BY seq DESC LIMIT 1", position
        )
        return 0 if row is None else int(row[0])

    def source(self, path: str | None) -> int | None:
        """Return the id of a source file."""
        row = None if path is None else self.db.one("SELECT id FROM source WHERE path = ?", path)
        return None if row is None else int(row[0])

    def library(self, seq: int) -> str:
        """Return where in a library an event happened, from the library's folder on; empty where in none."""
        row = self.db.one("SELECT s.path, l.line FROM library l JOIN source s ON s.id = l.file WHERE l.event = ?", seq)
        if row is None:
            return ""
        path = str(row[0]).replace(os.sep, "/")
        for folder in ("/site-packages/", "/dist-packages/"):
            path = path.rpartition(folder)[2]
        return f"{path}:{row[1]}"

    # --- nodes --------------------------------------------------------------------------------------------------------

    def node(self, node: int) -> Node | None:
        """Return a node, or None where the tape has no such node."""
        key = node // _BLOCK
        read_at, block = self._blocks(key)
        if node not in block and read_at < self.head:
            self._blocks.drop(key)
            _, block = self._blocks(key)
        return block.get(node)

    def _read_block(self, key: int) -> tuple[int, dict[int, Node]]:
        head = self.head
        rows = self.db.all(f"{_NODE} WHERE id BETWEEN ? AND ?", key * _BLOCK, key * _BLOCK + _BLOCK - 1)
        edges = edges_of([row[-1] for row in rows])
        return head, {row[0]: self._node(row, found) for row, found in zip(rows, edges, strict=True)}

    def created(self, after: int, until: int) -> Iterator[Node]:
        """Yield the nodes first seen at events after < event <= until, oldest first."""
        query = "SELECT event, id FROM node WHERE (event, id) > (?, ?) AND event <= ? ORDER BY event, id LIMIT ?"
        rows: list[Row] = [(after, 2**63 - 1)]
        while rows:
            rows = self.db.all(query, *rows[-1], until, _BATCH)
            for row in rows:
                node = self.node(row[1])
                if node is not None:
                    yield node

    def ends(self, first: int, last: int) -> dict[int, list[End]]:
        """Return (other node, which of its outputs) of every edge of the nodes first..last, those that there are.

        Raises:
            TapeError: the tape is damaged.
        """
        rows = self.db.all("SELECT id, edges FROM node WHERE id BETWEEN ? AND ?", first, last)
        found = ends_of([row[1] for row in rows])
        if None in found:
            raise TapeError(f"{self.db.name} is damaged: node {rows[found.index(None)][0]!r} is not one.")
        return {row[0]: ends for row, ends in zip(rows, found, strict=True) if ends is not None}

    def linked(self, after: int, until: int) -> Iterator[tuple[int, int, list[int]]]:
        """Yield (node, event, nodes that it leads to) of the same, without more of each: a graph may have many.

        Raises:
            TapeError: the tape is damaged.
        """
        query = "SELECT event, id, edges FROM node WHERE (event, id) > (?, ?) AND event <= ? ORDER BY event, id LIMIT ?"
        rows: list[Row] = [(after, 2**63 - 1, "")]
        while rows:
            rows = self.db.all(query, *rows[-1][:2], until, _STRETCH)
            for (event, node, _), ends in zip(rows, ends_of([row[-1] for row in rows]), strict=True):
                if ends is None or type(node) is not int:
                    raise TapeError(f"{self.db.name} is damaged: node {node!r} is not one.")
                yield node, event, [to for to, _ in ends if to is not None]

    def _node(self, row: Row, found: tuple[Edge, ...] | None) -> Node:
        id_, name, event, kind, saves, tensor, _ = row
        typed = type(id_) is int and type(event) is int and type(name) is str and type(kind) is str
        if not typed or found is None:
            raise TapeError(f"{self.db.name} is damaged: node {id_!r} is not one.")
        return Node(
            id=id_,
            name=sys.intern(name),
            event=event,
            kind=sys.intern(kind),
            saves=bool(saves),
            tensor=tensor if type(tensor) is int else None,
            edges=found,
        )

    def remarks(self, node: int, position: int) -> list[tuple[str, str]]:
        """Return (kind, text) of what is to be known of a node at a position, oldest first."""
        query = "SELECT kind, text FROM remark WHERE node = ? AND event <= ? ORDER BY event, kind LIMIT 64"
        return [(str(kind), str(text)) for kind, text in self.db.all(query, node, position)]

    def reused(self, after: int) -> list[tuple[int, int, int]]:
        """Return the rows of ``used`` past one: (row, node, event), in the order in which they were written."""
        query = "SELECT rowid, node, event FROM used WHERE rowid > ? ORDER BY rowid LIMIT ?"
        return [(int(row), int(node), int(event)) for row, node, event in self.db.all(query, after, _BATCH)]

    def lost_hooks(self) -> list[tuple[int, str]]:
        """Return the remarks on hooks that were left behind: (event, text)."""
        rows = self.db.all("SELECT event, text FROM remark WHERE kind = 'lost_hooks' ORDER BY event LIMIT ?", _BATCH)
        return [(int(event), str(text)) for event, text in rows]

    def gone(self, node: int, position: int) -> int | None:
        """Return the event from which on a node is no more, up to a position; None while it is there."""
        row = self.leaves.end(node, position) or self.db.one(_GONE, node)
        if row is None or not (type(row[0]) is int and type(row[1]) is int):
            return None
        return row[1] if node <= row[0] and row[1] <= position else None

    # --- tensors and gradients ----------------------------------------------------------------------------------------

    def defined(self, event: int) -> dict[int, Tensor]:
        """Return the tensors that an event defines, by id: outputs of an op, a leaf, parameters after a step."""
        return self._defined(event)

    def _read_defined(self, event: int) -> dict[int, Tensor]:
        return defined_by(self.detail(event))

    def definitions_of(self, events: Iterable[int]) -> Iterator[tuple[int, dict[int, Tensor]]]:
        """Yield each of many events that lie near each other, and what it defines; what is read is not kept."""
        query = "SELECT seq, kind FROM event WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq"
        sweep = self.sweep()
        for seq, code in self.db.all(query, json.dumps(sorted(events))):
            yield seq, defined_by(self._decoded(seq, code, *sweep.of(seq)))

    def defined_at(self, tensor: int, position: int) -> tuple[int, int | None, int] | None:
        """Return (event, node, output number) of the newest definition of a tensor up to a position."""
        if self.leaves.defines(tensor, position):
            return self.leaves.definition(tensor)
        known = self.definitions(tensor, position)
        if known is not None:
            return next(((row[0], row[1], row[2]) for row in reversed(known) if row[0] <= position), None)
        row = self.db.one(
            "SELECT event, node, output_nr FROM tensor WHERE tensor = ? AND event <= ? ORDER BY event DESC LIMIT 1",
            tensor,
            position,
        )
        return None if row is None else (row[0], row[1], row[2])

    def value_at(self, tensor: int, position: int) -> Tensor | None:
        """Return the newest recorded appearance of a tensor up to a position."""
        found = self.defined_at(tensor, position)
        return None if found is None else self.defined(found[0]).get(tensor)

    def first_output(self, node: int, position: int) -> Tensor | None:
        """Return the first tensor that was told to have a node as its ``grad_fn``, as it was then."""
        row = self.db.one(
            "SELECT event, tensor FROM tensor WHERE node = ? AND event <= ? ORDER BY event, output_nr LIMIT 1",
            node,
            position,
        )
        return None if row is None else self.defined(row[0]).get(row[1])

    def outputs_of(self, node: int, position: int) -> list[tuple[int, int]]:
        """Return (output number, tensor) of what a node is the grad_fn of at a position, first output first."""
        known = self.outputs(node, position)
        if known is not None:
            return list(dict.fromkeys((number, tensor) for event, number, tensor in known if event <= position))
        rows = self.db.all(
            "SELECT DISTINCT output_nr, tensor FROM tensor WHERE node = ? AND event <= ? ORDER BY 1, 2 LIMIT 64",
            node,
            position,
        )
        return [(number, tensor) for number, tensor in rows]

    def grad_event(self, tensor: int, position: int) -> tuple[int, int, int] | None:
        """Return (event, fills, since) of what touched the ``.grad`` of a leaf last, up to a position."""
        if self.leaves.has(tensor, position):
            row: Row | None = self.leaves.touched(tensor)
            return None if row is None else (row[0], row[1], self.renumbering.settled(row[0], row[2]))
        row = self.db.one(
            "SELECT event, fills, since FROM grad WHERE tensor = ? AND event <= ? ORDER BY event DESC LIMIT 1",
            tensor,
            position,
        )
        return None if row is None else (row[0], row[1], self.renumbering.settled(row[0], row[2]))

    def was_empty(self, tensor: int, position: int) -> bool:
        """Tell whether something has left nothing, or zeros, in the ``.grad`` of a leaf, up to a position."""
        return self.emptied(tensor, position) > 0

    def emptied(self, tensor: int, position: int) -> int:
        """Return the newest event up to a position that has left nothing, or zeros, there; 0 where none has."""
        query = "SELECT event FROM grad WHERE tensor = ? AND event <= ? AND fills = 0 ORDER BY event DESC LIMIT 1"
        row = self.db.one(query, tensor, position)
        return 0 if row is None else int(row[0])
