"""The gradient that came to a node as a bar and a number, in front of its line in the graph.

A cell of the bar is a power of ten: it is full where the gradient is the largest of the backward, and empty where it is
smaller by as many powers of ten as the bar has cells. What is not known is ``?``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from gradb.algebra.figures import number
from gradb.frame.graph.flows import Flow, Measure
from gradb.present.draw import theme

CELLS = 8
"""Cells of a bar where there is room."""

_MOST = 9  # characters of a number
_NARROW = 50  # cells of a line below which there is a number and no bar: the names of nodes are worth more


def bar_cells(width: int) -> int:
    """Return how many cells the bars on lines of a width have."""
    return CELLS if width >= _NARROW else 0


def room(bar: int) -> int:
    """Return the cells that a bar of so many and its number take, a blank behind them included."""
    return bar + _MOST + (2 if bar else 1)


def flow_text(flow: Flow | None, measure: Measure, largest: float, bar: int = CELLS) -> Text:
    """Return number and bar, of so many cells, of one node; blank where no gradient has come to it."""
    if flow is None:
        return Text(" " * room(bar))
    value = flow.of(measure)
    said = "none" if flow.is_undefined else "?" if value is None else _short(value)
    style = theme.NONFINITE if value is not None and not math.isfinite(value) else theme.UPSTREAM
    full = "" if value is None else "█" * cells(value, largest)
    return _measured(full, said, bar, theme.UPSTREAM if full else theme.DIM, style)


def _measured(full: str, said: str, bar: int, bar_style: str, style: str) -> Text:
    """Return a bar, where it has cells, and what is said behind it."""
    return Text(f"{full:·<{bar}} " if bar else "", bar_style).append(f"{said:<{_MOST + 1}}", style)


def range_text(flows: Sequence[Flow | None], measure: Measure, largest: float, bar: int = CELLS) -> Text:
    """Return the least and the most that came to some nodes: the bar is full up to the least, shaded up to the most."""
    there = [flow for flow in flows if flow is not None and not flow.is_undefined]
    values = [value for flow in there if (value := flow.of(measure)) is not None]
    if not there:
        return Text(" " * room(bar))
    if not values:
        return _measured("", "?", bar, theme.DIM, theme.DIM)
    odd = [value for value in values if not math.isfinite(value)]
    low, high = min(values, default=0.0), max(values, default=0.0)
    least, most = (0, CELLS) if odd else (cells(low, largest), cells(high, largest))
    said = _short(odd[0]) if odd else _short(high)
    full = "█" * least + "▒" * (most - least)
    return _measured(full, said, bar, theme.UPSTREAM, theme.NONFINITE if odd else theme.UPSTREAM)


def range_words(flows: Sequence[Flow | None], measure: Measure) -> str:
    """Return ``0.001 to 3.2``, and how many are not known; empty where nothing came to any of them."""
    there = [flow for flow in flows if flow is not None and not flow.is_undefined]
    values = [value for flow in there if (value := flow.of(measure)) is not None]
    finite = [value for value in values if math.isfinite(value)]
    parts = []
    if finite:
        low, high = _short(min(finite)), _short(max(finite))
        parts.append(low if low == high else f"{low} to {high}")
    if len(finite) < len(values):
        parts.append(f"{len(values) - len(finite)} not finite")
    if len(values) < len(there):
        parts.append(f"{len(there) - len(values)} not known")
    return ", ".join(parts)


def cells(value: float, largest: float) -> int:
    """Return how many cells are full: all for the largest, one less a power of ten."""
    if not math.isfinite(value):
        return CELLS
    if value <= 0 or largest <= 0:
        return 0
    return max(min(CELLS + math.ceil(math.log10(value) - math.log10(largest) - 1e-9), CELLS), 0)


def _short(value: float) -> str:
    """Return a number of at most nine characters."""
    text = number(value)
    return text if len(text) <= _MOST else f"{value:.2e}"
