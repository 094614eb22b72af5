"""The rows of a graph put together by the module that made them: which folds there are, each holding rows and folds.

Built from the last row up, row by row, and never changed: what is known of the lower part of a graph serves every
graph that goes on in the same way, so that another node on top costs no more than its own rows. Nothing here knows
what is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from gradb.frame.graph.modules import Path


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


Item: TypeAlias = "Rows | Fold"


@dataclass(frozen=True, slots=True)
class Items:
    """A list from the top down that another item can be put before."""

    first: Item
    rest: Items | None

    def __iter__(self) -> Iterator[Item]:
        at: Items | None = self
        while at is not None:
            yield at.first
            at = at.rest


@dataclass(frozen=True, slots=True)
class State:
    """What is known once the rows from some row on are put together: the folds that may go on above it."""

    path: Path = ()
    items: Items | None = None
    rows: int = 0
    references: int = 0
    shape: int = 0
    outer: State | None = None
    """The fold around it; None for the graph as a whole."""

    def with_row(self, path: Path, name: str, *, is_reference: bool) -> State:
        """Return the state with a row more on top."""
        state = self
        while state.path != path[: len(state.path)]:
            state = state.closed()
        for depth in range(len(state.path), len(path)):
            state = State(path[: depth + 1], outer=state)
        first = state.items.first if state.items is not None else None
        rest = state.items
        more = Rows(1, int(is_reference))
        if isinstance(first, Rows) and state.items is not None:
            more, rest = Rows(first.rows + 1, first.references + is_reference), state.items.rest
        return State(
            state.path, Items(more, rest), state.rows + 1, state.references + is_reference,
            hash((state.shape, name)), state.outer,
        )  # fmt: skip

    def closed(self) -> State:
        """Return the state of the fold around it, to which nothing of this one is added any more."""
        outer, items = self.outer, self.items
        if outer is None or items is None:
            raise ValueError("the whole is never closed")
        fold: Item = Fold(self.path, items, self.rows, self.references, self.shape)
        if items.rest is None and isinstance(items.first, Fold):
            fold = items.first  # what holds nothing but one fold is no fold of its own
        return State(
            outer.path, Items(fold, outer.items), outer.rows + self.rows, outer.references + self.references,
            hash((outer.shape, self.path[len(outer.path) :] if not self.path[-1].isdigit() else "", self.shape)),
            outer.outer,
        )  # fmt: skip

    def whole(self) -> State:
        """Return the state of the graph, all folds closed."""
        state = self
        while state.outer is not None:
            state = state.closed()
        return state


def put_on_top(state: State, rows: Iterable[tuple[Path, str, bool]]) -> State:
    """Put rows on top, the lowest first: (path of its module, name of its node, whether it refers to another row)."""
    for path, name, is_reference in rows:
        state = state.with_row(path, name, is_reference=is_reference)
    return state
