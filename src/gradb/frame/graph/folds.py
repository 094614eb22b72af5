"""The rows of a graph put together by the module that made them: which folds there are, each holding rows and folds.

Ops that are repeated many times one below the other are put together too (`gradb.frame.graph.repeats`).

Built from the last row up, row by row, and never changed: what is known of the lower part of a graph serves every
graph that goes on in the same way, so that another node on top costs no more than its own rows. Nothing here knows
what is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from gradb.frame.graph.modules import Path
from gradb.frame.graph.repeats import NOTHING, Part, Repeats, Run, Unit

_DIGITS = 10  # of what is no number of a module any more
LEAF = "AccumulateGrad"
"""What the nodes of leaves are called."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that no fold of its own holds."""

    rows: int
    """How many, one below the other."""
    references: int
    """Those of them that refer to a node (leaves apart) which is drawn on another row."""


@dataclass(frozen=True, slots=True)
class Fold:
    """What one module made, as far as it is drawn in one piece."""

    path: Path
    items: Items
    """What it holds."""
    rows: int
    references: int
    """As in ``Rows``."""
    shape: int
    """The same for folds whose rows are the same nodes in the same order, by name."""

    @property
    def name(self) -> str:
        """The module's path as it is written: ``h.0.attn``."""
        return ".".join(self.path)

    @property
    def numbered(self) -> tuple[str, int] | None:
        """The name with its last number left out, and that number; None where there is none."""
        for at in range(len(self.path) - 1, -1, -1):
            if self.path[at].isdecimal() and len(self.path[at]) < _DIGITS:
                return ".".join((*self.path[:at], "#", *self.path[at + 1 :])), int(self.path[at])
        return None


Item: TypeAlias = "Rows | Run | Fold"


class Row(NamedTuple):
    """One row, as far as folding is about it."""

    path: Path
    """Of its module."""
    name: str
    """Of its node; empty where it refers to another row."""
    indent: int = 0
    is_reference: bool = False
    """True where it refers to a node, leaves apart, that is drawn on another row."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list from the top down that another item can be put before; make it with ``put_before``."""

    first: Item
    rest: Items | None
    beyond: Items | None = field(compare=False)
    """What follows the first and its neighbours that are the same but for their number: those are one group."""
    number: tuple[str, int] | None = field(default=None, compare=False)
    """What ``numbered`` says of the first, where that is a fold."""

    def __iter__(self) -> Iterator[Item]:
        at: Items | None = self
        while at is not None:
            yield at.first
            at = at.rest


def put_before(first: Item, rest: Items | None) -> Items:
    """Return a list with an item put before it."""
    if not isinstance(first, Fold):
        return Items(first, rest, rest)
    number = first.numbered
    return Items(first, rest, rest.beyond if rest is not None and _continues(first, number, rest) else rest, number)


def _continues(above: Fold, number: tuple[str, int] | None, below: Items) -> bool:
    """Tell whether the first of a list is the same as the fold above it, with the next number."""
    one, other = number, below.number
    if one is None or other is None or one[0] != other[0] or abs(one[1] - other[1]) != 1:
        return False
    fold = below.first
    return isinstance(fold, Fold) and (above.shape, above.rows) == (fold.shape, fold.rows)


@dataclass(frozen=True, slots=True)
class State:
    """What is known once the rows from some row on are put together: the folds that may go on above it."""

    path: Path = ()
    items: Items | None = None
    repeats: Repeats = NOTHING
    """The rows on top of ``items``."""
    rows: int = 0
    references: int = 0
    shape: int = 0
    outer: State | None = None
    """The fold around it; None for the graph as a whole."""

    def with_rows(self, path: Path, rows: Iterable[Row]) -> State:
        """Return the state with rows of one module more on top, the lowest first."""
        state = self
        while state.path != path[: len(state.path)]:
            state = state.closed()
        for depth in range(len(state.path), len(path)):
            state = State(path[: depth + 1], outer=state)
        units, small, references, shape, count, referring = list[Unit](), 0, 0, state.shape, 0, 0
        for _, name, indent, is_reference in rows:
            shape, count, small = hash((shape, name)), count + 1, small + 1
            references += is_reference
            if name and name != LEAF:
                units.append(Unit(name, indent, small, references))
                referring, small, references = referring + references, 0, 0
        known, repeats = state.repeats.taking(units)
        if small:  # below an op of another module
            known, repeats = [*known, *repeats.ended(), Unit("", 0, small, references)], NOTHING
        return State(
            state.path, _put(state.items, known), repeats, state.rows + count,
            state.references + referring + references, shape, state.outer,
        )  # fmt: skip

    def closed(self) -> State:
        """Return the state of the fold around it, to which nothing of this one is added any more."""
        outer, items = self.outer, _put(self.items, self.repeats.ended())
        if outer is None or items is None:
            raise ValueError("the whole is never closed")
        fold: Item = Fold(self.path, items, self.rows, self.references, self.shape)
        if items.rest is None and isinstance(items.first, Fold):
            fold = items.first  # what holds nothing but one fold is no fold of its own
        return State(
            outer.path, put_before(fold, _put(outer.items, outer.repeats.ended())), NOTHING, outer.rows + self.rows,
            outer.references + self.references,
            hash((outer.shape, self.path[len(outer.path) :] if not self.path[-1].isdigit() else "", self.shape)),
            outer.outer,
        )  # fmt: skip

    def whole(self) -> Items | None:
        """Return what the graph holds, all folds closed."""
        state = self
        while state.outer is not None:
            state = state.closed()
        return _put(state.items, state.repeats.ended())


def _put(items: Items | None, parts: Iterable[Part]) -> Items | None:
    """Return a list with parts put before it, the lowest first; rows that are no run are one item."""
    rows = references = 0
    if items is not None and isinstance(items.first, Rows):
        rows, references, items = items.first.rows, items.first.references, items.rest
    for part in parts:
        if isinstance(part, Unit):
            rows, references = rows + part.rows, references + part.references
            continue
        if rows:
            items = put_before(Rows(rows, references), items)
        items, rows, references = put_before(part, items), 0, 0
    return put_before(Rows(rows, references), items) if rows else items


def put_on_top(state: State, rows: Iterable[Row]) -> State:
    """Put rows on top, the lowest first."""
    for path, group in groupby(rows, key=attrgetter("path")):
        state = state.with_rows(path, group)
    return state
