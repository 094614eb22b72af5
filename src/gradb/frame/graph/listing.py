"""The lines of a folded graph: which rows are to be seen, and what stands for those that are not.

A pure function of the folds there are, of what somebody has opened or closed, and of the nodes that must be seen: the
fold that holds one of them is open, or, where it was closed by hand, shows the way to it. Equal neighbours (the blocks
of a network) are one line. Rows that are shown one below the other are kept as a stretch, so that a graph of 100,000
rows that is all open costs no more than its folds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from gradb.frame.graph.choice import Choice
from gradb.frame.graph.folds import Fold, Item, Items, Rows

FEW = 40
"""Rows below which nothing is folded."""

_BRIEF = 3  # rows of a single node and what it refers to that are shown as they are
_LARGE = 2  # what holds more than a half of all rows is open at first


@dataclass(frozen=True, slots=True)
class Header:
    """A line that stands for rows: one fold, or neighbours that are the same."""

    name: str
    """By which it is opened and closed: ``h.0.attn``, ``h.0 to h.11``."""
    first: int
    """The first of its rows."""
    rows: int
    """How many rows it stands for."""
    references: int
    """Those of them that refer to a node (leaves apart) which is drawn on another row."""
    count: int
    """Folds that are the same; 1 for one alone."""
    is_open: bool
    """True where what it holds is shown below it."""
    key: str
    """What a choice names it by."""
    holds: tuple[int, ...] = ()
    """Rows that must be seen and that it hides."""
    part: str = ""
    """What of its module it is, where another line bears the same name: ``h.3 … h.5``."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a header, or a row of the graph."""

    row: int
    """The row; of a header the first that it stands for."""
    header: Header | None = None


Piece: TypeAlias = "Header | range"


def numbered(fold: Fold) -> tuple[str, int] | None:
    """Return the name of a fold with its last number left out, and that number; None where there is none."""
    for at in range(len(fold.path) - 1, -1, -1):
        if fold.path[at].isdecimal() and len(fold.path[at]) < 10:
            return ".".join((*fold.path[:at], "#", *fold.path[at + 1 :])), int(fold.path[at])
    return None


def grouped(items: Items | Sequence[Item]) -> Iterator[list[Item]]:
    """Yield the items of a fold, neighbours that are the same but for their number together."""
    group: list[Item] = []
    for item in items:
        if group and not _continue(group[-1], item):
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def _continue(above: Item, below: Item) -> bool:
    """Tell whether an item is the same as the one above it, with the next number."""
    if not (isinstance(above, Fold) and isinstance(below, Fold)):
        return False
    if (above.shape, above.rows) != (below.shape, below.rows):
        return False
    one, other = numbered(above), numbered(below)
    return one is not None and other is not None and one[0] == other[0] and abs(one[1] - other[1]) == 1


def _is_node(item: Item) -> bool:
    """Tell whether an item is a single node and a reference or two: its name says more than that of its module."""
    return item.rows - item.references <= 1 and item.rows <= _BRIEF


def part_of(fold: Fold) -> str:
    """Return which modules inside of its own a fold holds, from the first that ran to the last: ``h.3 … h.5``."""
    inner = [item.name for item in fold.items if isinstance(item, Fold)]
    if not inner:
        return ""
    return inner[0] if inner[0] == inner[-1] else f"{inner[-1]} … {inner[0]}"


class Listing:
    """The lines, top down.

    Args:
        items: what the whole graph holds; None where nothing is folded.
        rows: how many rows the graph has.
        choice: what somebody has opened and closed.
        seen: rows that must be seen.
    """

    def __init__(self, items: Items | None, rows: int, choice: Choice, seen: Sequence[int] = ()) -> None:
        self._rows = rows
        self._choice = choice
        self._seen = tuple(sorted(set(seen)))
        self._pieces: list[Piece] = []
        self._starts: list[int] = []
        self._tops: list[int] = []
        """First row of each piece."""
        self._count = 0
        self._alone: dict[str, list[tuple[int, Fold]]] = {}
        """name -> (index of its header, fold) of each fold that has a header for itself."""
        if items is None or choice.mode == "none":
            self._add(range(rows))
        else:
            self._list(items)
            self._tell_apart()

    def __len__(self) -> int:
        return self._count

    def line(self, index: int) -> Line:
        """Return one line, 0 <= index < len(self).

        Raises:
            IndexError: there is no such line.
        """
        if not 0 <= index < self._count:
            raise IndexError(index)
        at = bisect_right(self._starts, index) - 1
        piece = self._pieces[at]
        return Line(piece.first, piece) if isinstance(piece, Header) else Line(piece[index - self._starts[at]])

    def line_of(self, row: int) -> int:
        """Return the line that shows a row, or the header that hides it."""
        at = bisect_right(self._tops, row) - 1  # of an open header and what is first in it, the latter
        piece = self._pieces[at]
        return self._starts[at] + (0 if isinstance(piece, Header) else row - piece.start)

    def hiding(self, row: int) -> Header | None:
        """Return the closed header that hides a row; None where the row is to be seen."""
        return self.line(self.line_of(row)).header

    def again(self, line: Line) -> int:
        """Return where what a line of another listing of the same rows shows is here, or what holds it."""
        at = bisect_left(self._tops, line.row)
        while line.header is not None and at < len(self._pieces) and self._tops[at] == line.row:
            piece = self._pieces[at]
            if isinstance(piece, Header) and piece.key == line.header.key:
                return self._starts[at]
            at += 1
        return self.line_of(line.row)

    def around(self, index: int) -> Header | None:
        """Return the header at a line, or the nearest open one above that holds its row; None where none does."""
        line = self.line(index)
        for at in range(bisect_right(self._starts, index) - 1, -1, -1):
            piece = self._pieces[at]
            if isinstance(piece, Header) and (piece is line.header or line.row < piece.first + piece.rows):
                return piece
        return None

    @property
    def headers(self) -> Iterator[Header]:
        """Every header, top down."""
        return (piece for piece in self._pieces if isinstance(piece, Header))

    def _list(self, items: Items) -> None:
        """Walk through the folds that are open, with a stack of its own."""
        row, stack = 0, [grouped(items)]
        while stack:
            group = next(stack[-1], None)
            if group is None:
                stack.pop()
            elif isinstance(group[0], Rows) or (len(group) == 1 and _is_node(group[0])):
                row = self._add_rows(row, sum(item.rows for item in group))
            else:
                folds = [item for item in group if isinstance(item, Fold)]
                row, inner = self._fold(folds, row)
                stack.extend(reversed(inner))

    def _fold(self, folds: list[Fold], row: int) -> tuple[int, list[Iterator[list[Item]]]]:
        """Add the header of a fold or of equal ones; return the row it goes on with, and what is listed next."""
        header = self._header(folds, row)
        is_split = len(folds) > 1 and header.holds and self._choice.mode == "auto"
        if is_split and header.key not in self._choice.closed:
            return row, self._around(folds, row, header)
        if len(folds) == 1:
            self._alone.setdefault(header.name, []).append((len(self._pieces), folds[0]))
        self._add(header)
        if not header.is_open:
            return row + header.rows, []
        return row, [iter([[fold] for fold in folds])] if len(folds) > 1 else [grouped(folds[0].items)]

    def _tell_apart(self) -> None:
        """Say which part of its module each fold is, where a module was drawn in several pieces."""
        for at, fold in (one for pieces in self._alone.values() if len(pieces) > 1 for one in pieces):
            piece = self._pieces[at]
            if isinstance(piece, Header):
                self._pieces[at] = replace(piece, part=part_of(fold))

    def _around(self, folds: list[Fold], row: int, header: Header) -> list[Iterator[list[Item]]]:
        """Return equal folds so that those which hold what must be seen stand alone."""
        parts: list[list[Item]] = [[]]
        for fold in folds:
            if any(row <= one < row + fold.rows for one in header.holds):
                parts += [[fold], []]
            else:
                parts[-1].append(fold)
            row += fold.rows
        return [iter([part for part in parts if part])]

    def _header(self, folds: list[Fold], row: int) -> Header:
        rows, single = sum(fold.rows for fold in folds), folds[0]
        found = numbered(single)
        name = key = single.name
        if len(folds) > 1 and found is not None:
            ends = sorted((folds[0], folds[-1]), key=lambda fold: numbered(fold) or ("", 0))
            name, key = f"{ends[0].name} to {ends[1].name}", found[0]
        holds = tuple(one for one in self._seen if row <= one < row + rows)
        is_open = self._is_open(key, rows, holds, len(folds))
        references = sum(fold.references for fold in folds)
        return Header(name, row, rows, references, len(folds), is_open, key, () if is_open else holds)

    def _is_open(self, key: str, rows: int, holds: tuple[int, ...], count: int) -> bool:
        if key in self._choice.opened or key in self._choice.closed:
            return key in self._choice.opened
        if self._choice.mode == "all":
            return False
        return count == 1 and (bool(holds) or rows * _LARGE > self._rows)

    def _add_rows(self, row: int, count: int) -> int:
        last = self._pieces[-1] if self._pieces else None
        if isinstance(last, range):
            self._pieces[-1] = range(last.start, row + count)
            self._count += count
        else:
            self._add(range(row, row + count))
        return row + count

    def _add(self, piece: Piece) -> None:
        self._pieces.append(piece)
        self._starts.append(self._count)
        self._tops.append(piece.first if isinstance(piece, Header) else piece.start)
        self._count += 1 if isinstance(piece, Header) else len(piece)
