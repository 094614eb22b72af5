"""The runs that one goes to and fro between, a row each: which one looks at, how each looks in the plot and stands."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from gradb.algebra.figures import number
from gradb.present.draw import theme
from gradb.present.draw.curves import GHOST_SIGNS, look_of
from gradb.present.draw.safe import plain
from gradb.present.options import Listed

_HERE, _ELSEWHERE = "▸ ", "  "
_NAME_LIMIT = 60


def branch_rows(listed: Sequence[Listed]) -> list[Text]:
    """Return a row for each run."""
    width = max((len(plain(one.label, _NAME_LIMIT)) for one in listed), default=0)
    return [_row(one, width) for one in listed]


def _row(one: Listed, width: int) -> Text:
    sign, style = (GHOST_SIGNS[0], "yellow") if one.key == "v" else look_of(int(one.key))
    line = Text(_HERE if one.is_here else _ELSEWHERE, style=theme.CURRENT, no_wrap=True)
    line.append(f"{one.key:>2} ", theme.TITLE).append(f"{sign * 3} ", style)
    line.append(f"{plain(one.label, _NAME_LIMIT):<{width}}")
    if one.iteration:
        line.append(f"  iteration {one.iteration:,}", theme.DIM)
        line.append(", loss ", theme.DIM).append("none" if one.loss is None else number(one.loss))
    return line.append(f"  {one.status}", theme.DIM) if one.status else line
