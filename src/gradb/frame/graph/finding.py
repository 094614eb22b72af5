"""Finds nodes of the graph at a position: by name, by the op, variable or module they belong to, by shape, by NaN.

A graph of 100,000 nodes is looked through a stretch at a time, so that who waits for it can do something else between
two; what was read of it for one text is there for the next. Knows no clock and no screen.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gradb.frame.graph.makings import Makings, Shape
from gradb.frame.naming import Naming
from gradb.frame.store import Store
from gradb.tape.kinds.registry import CODES
from gradb.tape.schema import INFINITY, NAN

_STRETCH = 128  # rows of which the names are read at once
_UNKNOWN = ("", None, None, None, None)
_NAMES = 32  # variables that are looked up at once
_SAME = ("torch", "tensor")  # a function of the one is a method of the other
_FLAGS = {"nan": NAN, "inf": INFINITY, "nonfinite": NAN | INFINITY}
_SHAPE = re.compile(r"[\[(]\s*((?:\d+\s*[,x×]\s*)*(?:\d+)?)\s*,?\s*[\])]|(?<!\S)(\d+(?:[x×]\d+)+)(?!\S)")
_FIGURE = re.compile(r"[0-9]{1,18}")  # may be part of a name, or the shape of a vector
_PLACES = (
    "SELECT n.id, n.name, s.scope, n.tensor, n.event, e.kind FROM node n"
    " LEFT JOIN event e ON e.seq = n.event LEFT JOIN site s ON s.id = e.site WHERE n.id IN"
)


class Rows(Protocol):
    """The rows of a graph."""

    size: int

    def drawn(self, row: int) -> int | None:
        """Return the node that is drawn in full on a row; None where it is a reference."""
        ...


class Known(Protocol):
    """What is known of nodes at a position."""

    store: Store
    naming: Naming

    def label(self, node: int, position: int) -> str | None:
        """Return the name of the variable or parameter that a node belongs to."""
        ...


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: all of it has to fit."""

    words: tuple[str, ...] = ()
    """In lower case; each is in a variable, a parameter, a module or an op, or in the node's name, or the length of a
    vector.
    """
    shapes: tuple[tuple[int, ...], ...] = ()
    """Of what the node computed, or of its leaf."""
    flags: tuple[int, ...] = ()
    """Of each, one bit at least is set in an event of the node's, for what went in or came out."""
    called: str = ""
    """What the node is called to the letter, or a part of its variable, parameter or module."""

    @property
    def is_empty(self) -> bool:
        """True where nothing is asked for, and so nothing is found."""
        return not (self.words or self.shapes or self.flags or self.called)


def read_query(text: str) -> Query:
    """Read what a person typed: words, shapes (``[64, 10]``, ``64x10``), and ``nan``, ``inf`` or ``nonfinite``."""
    shapes = [
        tuple(map(int, re.findall(r"\d+", match[1] or match[2] or "")))
        for match in _SHAPE.finditer(text)
    ]  # fmt: skip
    words = _SHAPE.sub(" ", text).lower().split()
    return Query(
        tuple(word for word in words if word not in _FLAGS),
        tuple(shapes),
        tuple(_FLAGS[word] for word in words if word in _FLAGS),
    )


def is_part(word: str, name: str) -> bool:
    """Tell whether a word, in lower case, is in the name of a node; ``mul`` is not meant to be in AccumulateGrad."""
    if name == "AccumulateGrad":
        return "accumulategrad".startswith(word) or "grad".startswith(word)
    return word in name.lower()


def _other_ways(function: str) -> tuple[str, ...]:
    """Return how else a function, in lower case, may be written: ``torch.sum`` and ``tensor.sum`` are one."""
    owner, _, name = function.rpartition(".")
    return tuple(f"{other}.{name}" for other in _SAME if owner in _SAME and other != owner)


class Texts:
    """By what the nodes of one graph are found, read from the top as far as somebody has looked.

    Args:
        rows: of the graph.
        known: names and modules.
        shape: the shape that is shown of a node.
        position: where the graph is.
    """

    def __init__(self, rows: Rows, known: Known, shape: Callable[[int], Shape | None], position: int) -> None:
        self.size = rows.size
        self.nodes: list[int | None] = []
        """By row, as far as it was read: the node that is drawn there; None for a reference."""
        self.names: list[str] = []
        """By row: what the node is called."""
        self.rests: list[str] = []
        """By row: its variables, its parameter and its module, in lower case."""
        self._rows, self._known, self._position = rows, known, position
        self._variables = known.naming.known(position)
        self._looked_up = 0
        self._called: dict[int, list[str]] = {}
        """node -> variables whose ``grad_fn`` it is."""
        self._makings = Makings(known.store, shape)
        self._ops: list[int | None] = []
        """By row: the op that made it; None where no op did."""
        self._odd: dict[int, frozenset[int]] = {}

    def read(self, count: int) -> bool:
        """Read on, until so many rows are known or the variables have taken as long; tell whether the rows are."""
        for _ in range(-(-count // _NAMES)):
            if self._looked_up >= len(self._variables):
                break
            self._look_up(self._variables[self._looked_up : self._looked_up + _NAMES])
            self._looked_up += _NAMES
        if self._looked_up < len(self._variables):
            return False
        while len(self.nodes) < min(count, self.size):
            self._read_stretch(min(len(self.nodes) + _STRETCH, self.size))
        return True

    def _look_up(self, names: Sequence[str]) -> None:
        for name in names:
            tensor = self._known.naming.tensor(name, self._position)
            defined = None if tensor is None else self._known.store.defined_at(tensor, self._position)
            if defined is not None and defined[1] is not None:
                self._called.setdefault(defined[1], []).append(name)

    def _read_stretch(self, last: int) -> None:
        drawn = [self._rows.drawn(row) for row in range(len(self.nodes), last)]
        nodes = [node for node in drawn if node is not None]
        query = f"{_PLACES} ({','.join('?' * len(nodes))})"
        found = {row[0]: row[1:] for row in self._known.store.db.all(query, *nodes)}
        for node in drawn:
            name, scope, leaf, event, kind = found.get(node, _UNKNOWN)
            is_made = leaf is None and kind == CODES["op"] and event <= self._position
            self.names.append(sys.intern(name))
            self.rests.append("" if node is None else self._rest(node, scope, leaf))
            self._ops.append(event if is_made else None)
        self.nodes += drawn

    def _rest(self, node: int, scope: str | None, leaf: int | None) -> str:
        variables = self._called.get(node, [])
        if leaf is not None:
            variables = [self._known.label(node, self._position) or ""]
        return " ".join((*variables, scope or "")).lower()

    def has(self, row: int, word: str) -> bool:
        """Tell whether a word, in lower case, is in what the node on a row is found by.

        All of the name of an op counts where a word has a dot: a ``t`` is not meant to be in every ``torch.``
        What is a function of torch's and a method of tensors too is found by either name.
        """
        if word in self.rests[row] or is_part(word, self.names[row]):
            return True
        if (node := self.nodes[row]) is None:
            return False
        if _FIGURE.fullmatch(word) and self.shape(row) == (int(word),):
            return True
        if self._ops[row] is None:
            return False
        function = self._makings.function(node, self._ops[row])
        if "." not in word:
            return word in function.rpartition(".")[2]
        return word in function or any(word in way for way in _other_ways(function))

    def shape(self, row: int) -> Shape | None:
        """Return the shape of what the node on a row computed, or of its leaf, where known."""
        node = self.nodes[row]
        return None if node is None else self._makings.shape(node, self._ops[row])

    def is_odd(self, node: int, flags: int) -> bool:
        """Tell whether a recorded value of a node's has what flags say, up to the position."""
        if flags not in self._odd:
            query = "SELECT node FROM event WHERE flags & 6 AND flags & ? AND seq <= ?"
            self._odd[flags] = frozenset(row[0] for row in self._known.store.db.all(query, flags, self._position))
        return node in self._odd[flags]


class Search:
    """The nodes of a graph that fit, top down.

    Args:
        texts: of the graph.
        query: what is looked for.
    """

    def __init__(self, texts: Texts, query: Query) -> None:
        self.hits: list[int] = []
        """Nodes, in the order of their rows, as far as it was looked."""
        self.rows: list[int] = []
        """The row of each."""
        self.seen = 0
        """Rows that were looked at."""
        self.size = 0 if query.is_empty else texts.size
        """Rows there are to look at."""
        self._texts, self._query = texts, query

    @property
    def is_over(self) -> bool:
        """True when all rows were looked at."""
        return self.seen >= self.size

    def look(self, rows: int) -> None:
        """Look at so many rows more, or read as much of what they are found by.

        Raises:
            TapeError: the tape is damaged.
        """
        last = min(self.seen + rows, self.size)
        texts = self._texts
        if not texts.read(last):
            return
        for row in range(self.seen, last):
            node = texts.nodes[row]
            if node is not None and self._fits(row, node):
                self.hits.append(node)
                self.rows.append(row)
        self.seen = last

    @property
    def names(self) -> frozenset[str]:
        """What the nodes are called that were read so far."""
        return frozenset(self._texts.names) - {""}

    def look_at_all(self) -> list[int]:
        """Look at every row, and return the nodes that fit."""
        while not self.is_over:
            self.look(self.size - self.seen)
        return self.hits

    def _fits(self, row: int, node: int) -> bool:
        texts, query = self._texts, self._query
        if query.called and texts.names[row] != query.called and query.called.lower() not in texts.rests[row]:
            return False
        for word in query.words:
            if not texts.has(row, word):
                return False
        for flags in query.flags:
            if not texts.is_odd(node, flags):
                return False
        return not query.shapes or all(texts.shape(row) == shape for shape in query.shapes)
