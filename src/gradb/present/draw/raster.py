"""Curves on a grid of characters with axes: the one place that knows plotext.

Everything is given in cells of the canvas, so that nothing that a script computed can upset the arithmetic there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gradb.present.draw.scale import Tick

BRAILLE = "braille"
AXES = 2
"""Lines below the canvas: the axis and its labels."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """One curve."""

    marker: str
    """A character, or ``braille`` for a fine line."""
    points: Sequence[tuple[float, float, bool]]
    """Cells from the left, cells from the bottom, and whether a line leads there from the point before."""


def cell_height(height: float, rows: int) -> float:
    """Return where a height from 0 to 1 is in ``rows`` lines of four dots each, in cells from the bottom."""
    return (round(height * (4 * rows - 1)) + 0.5) / 4


def _thinned(ticks: Sequence[Tick]) -> list[Tick]:
    """Leave out the labels that would fall on the line of the one below."""
    kept: list[Tick] = []
    for place, label in ticks:
        if not kept or int(place) > int(kept[-1][0]):
            kept.append((place, label))
    return kept


def margin(ticks: Sequence[Tick]) -> int:
    """Return how many cells the vertical axis takes at the left of the canvas."""
    return max((len(label) for _, label in ticks), default=0) + 1


def raster(
    strokes: Sequence[Stroke], width: int, height: int, x_ticks: Sequence[tuple[float, str]], y_ticks: Sequence[Tick]
) -> list[str]:
    """Return ``height`` lines of ``width`` characters: canvas, axes, labels. A later curve covers an earlier one.

    ``x_ticks`` are cells of the canvas, ``y_ticks`` heights from 0 to 1.
    """
    figure = _figure(width, height)
    columns, rows = width - margin(y_ticks), height - AXES
    tops = _thinned([(cell_height(place, rows), label) for place, label in y_ticks])
    for axis, size, ticks in (("x", columns, list(x_ticks)), ("y", rows, tops)):
        ruler = figure.ruler(axis)
        ruler.lim(0, size).alignment(lim="edge")
        ruler.ticks([place for place, _ in ticks], [label for _, label in ticks])
    figure.axes(False, axis="x", side="upper")
    figure.axes(False, axis="y", side="right")
    for stroke in strokes:
        if stroke.points:
            signal = figure.signal(
                [x for x, _, _ in stroke.points], [y for _, y, _ in stroke.points], marker=stroke.marker
            )
            for index, (_, _, is_joined) in enumerate(stroke.points):
                signal.line(index, is_joined)
            figure.draw(signal)
    lines = figure.build().string(colorless=True).split("\n")
    return [f"{line:<{width}}"[:width] for line in lines[:height]]


def prepare() -> None:
    """Load plotext, which takes some tenths of a second, ahead of the first draw."""
    import plotext  # noqa: F401


def _figure(width: int, height: int) -> Any:
    """Return an empty figure of our own: plotext's public one is shared by the whole process."""
    import plotext

    screen = type(plotext.terminal)()
    screen.limit(False, False)
    return screen._master.plot_size(width, height)
