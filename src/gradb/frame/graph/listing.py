"""The lines of a folded graph: which rows are to be seen, and what stands for those that are not.

A pure function of the folds there are, of what somebody has opened or closed, and of the nodes that must be seen: the
fold that holds one of them is open, or, where it was closed by hand, shows the way to it. Equal neighbours (the blocks
of a network) are one line, and so are ops that are repeated one below the other, but for those around what must be
seen. Rows that are shown one below the other are kept as a stretch, so that a graph of 100,000
rows that is all open costs no more than its folds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from gradb.frame.graph.choice import Choice
from gradb.frame.graph.folds import Fold, Item, Items, Rows
from gradb.frame.graph.grouping import grouped, is_brief, part_of
from gradb.frame.graph.repeats import Run

FEW = 40
"""Rows below which nothing is folded."""

_AROUND = 3  # ops of a run that are shown above and below one that must be seen
_WORTH = 6  # rows that a line may stand for, at least
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
    is_run: bool = False
    """True where it stands for ops that are repeated, ``count`` times."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a header, or a row of the graph."""

    row: int
    """The row; of a header the first that it stands for."""
    header: Header | None = None


Piece: TypeAlias = "Header | range"


class Listing:
    """The lines, top down.

    Args:
        items: what the whole graph holds; None where nothing is folded.
        rows: how many rows the graph has.
        choice: what somebody has opened and closed.
        seen: rows that must be seen; of a run what is around the first of them is seen too.
    """

    def __init__(self, items: Items | None, rows: int, choice: Choice, seen: Sequence[int] = ()) -> None:
        self._rows = rows
        self._choice = choice
        self._seen = tuple(sorted(set(seen)))
        self._main = seen[0] if seen else -1
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
            elif isinstance(group[0], Rows) or (len(group) == 1 and is_brief(group[0])):
                row = self._add_rows(row, sum(item.rows for item in group))
            elif isinstance(group[0], Run):
                row = self._repeat(group[0], row)
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

    def _repeat(self, run: Run, row: int) -> int:
        """Add a run: what must be seen and what is around that row by row; return the row it goes on with."""
        if run.name in self._choice.opened:
            self._add(Header(run.name, row, run.rows, run.references, run.count, True, run.name, is_run=True))
            return self._add_rows(row, run.rows)
        done = 0
        for first, last in self._windows(run, row):
            done = self._stand_for(run, row, done, max(first, done))
            self._add_rows(row + done * run.each, max(last - done, 0) * run.each)
            done = max(done, last)
        self._stand_for(run, row, done, run.count)
        return row + run.rows

    def _windows(self, run: Run, row: int) -> list[tuple[int, int]]:
        """Return which parts of a run must be seen, by times from the top, in order; some may overlap."""
        found = []
        for one in self._seen:
            if row <= one < row + run.rows:
                at, around = (one - row) // run.each, _AROUND // len(run.pattern) if one == self._main else 0
                found.append((max(at - around, 0), min(at + around + 1, run.count)))
        return sorted(found)

    def _stand_for(self, run: Run, row: int, first: int, last: int) -> int:
        """Add a line for a part of a run that begins at a row, from its ``first`` time to before its ``last``, or the
        rows where that would save little; return ``last``.
        """
        count, top = last - first, row + first * run.each
        if count * run.each < _WORTH:
            self._add_rows(top, count * run.each)
        else:
            references = run.references // run.count * count
            self._add(Header(run.name, top, count * run.each, references, count, False, run.name, is_run=True))
        return last

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
        found = single.numbered
        name = key = single.name
        if len(folds) > 1 and found is not None:
            ends = sorted((folds[0], folds[-1]), key=lambda fold: fold.numbered or ("", 0))
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
        if not count:
            return row
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
