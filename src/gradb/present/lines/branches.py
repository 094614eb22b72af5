"""The runs that one goes to and fro between, a row each: which one looks at, how each looks in the plot and stands."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from gradb.algebra.figures import number
from gradb.present.draw import theme
from gradb.present.draw.curves import GHOST_SIGNS, look_of
from gradb.present.draw.fields import cut
from gradb.present.draw.safe import plain
from gradb.present.options import Listed

_HERE, _ELSEWHERE = "▸ ", "  "
_INDENT = " " * 9  # of a second line: below the name
_NAME_LIMIT = 200


def branch_rows(listed: Sequence[Listed], width: int | None = None) -> list[Text]:
    """Return a row for each run: on one line in columns, or where one has no room for that, all on two or more.

    Args:
        listed: the runs.
        width: cells of a line; None: as many as it takes.
    """
    column = max((cell_len(plain(one.label, _NAME_LIMIT)) for one in listed), default=0)
    rows = [_row(one, column) for one in listed]
    if width is None or all(row.cell_len <= width for row in rows):
        return rows
    return [_folded(one, width) for one in listed]


def _row(one: Listed, column: int) -> Text:
    name = _name(one)
    name.append(" " * (column - cell_len(plain(one.label, _NAME_LIMIT))))
    standing = _standing(one)
    return Text.assemble(name, "  ", standing, no_wrap=True) if standing else name


def _folded(one: Listed, width: int) -> Text:
    """Return the row on two lines or more: what the run is, and below it how it stands."""
    first, *more = textwrap.wrap(plain(one.label, _NAME_LIMIT), max(width - len(_INDENT), 8)) or [""]
    name = cut(_signs(one).append(first), width)
    rest = [cut(Text(f"{_INDENT}{line}"), width) for line in more]
    return Text("\n").join([name, *rest, cut(Text.assemble(_INDENT, _standing(one)), width)])


def _name(one: Listed) -> Text:
    return _signs(one).append(plain(one.label, _NAME_LIMIT))


def _signs(one: Listed) -> Text:
    """Return what stands before a name: whether one looks at it, what it is gone to by, and its look in the plot."""
    sign, style = (GHOST_SIGNS[0], "yellow") if one.key == "v" else look_of(int(one.key))
    line = Text(_HERE if one.is_here else _ELSEWHERE, style=theme.CURRENT, no_wrap=True)
    return line.append(f"{one.key:>2} ", theme.TITLE).append(f"{sign * 3} ", style)


def _standing(one: Listed) -> Text:
    """Return how far it is, its newest loss, and whether it goes on."""
    line = Text(no_wrap=True)
    if one.iteration:
        line.append(f"iteration {one.iteration:,}", theme.DIM)
        line.append(", loss ", theme.DIM).append("none" if one.loss is None else number(one.loss))
    return line.append(f"{'  ' if line else ''}{one.status}", theme.DIM) if one.status else line
