"""What a loss plot is to show: curves with their signs, the iterations, the cursor and the marks.

Each curve has a sign of its own, so that no two of them are told apart by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.text import Text

from gradb.algebra.figures import number
from gradb.frame.training import InterventionMark
from gradb.present.draw.columns import Column, IterationRange
from gradb.present.draw.raster import BRAILLE
from gradb.present.draw.smoothing import smoothed
from gradb.tape.series import Series

OWN_SIGNS = (BRAILLE, "+", "*", "#", "%")
GHOST_SIGNS = ("g", "h", "k")  # no digits: a legend stands beside numbers
SMOOTH_SIGNS = ("~", "=", "-")
FIRST_SIGN, BRANCH_SIGNS = "o", "abcdef"
_OWN_STYLES = ("cyan", "green", "magenta", "blue", "yellow")
_BRANCH_STYLES = ("magenta", "green", "blue", "red", "bright_cyan", "bright_magenta")
_GHOST_STYLE = "yellow"
SAMPLE = "⠤⠒⠉"
"""How a fine line looks in a legend."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One series in the plot."""

    series: Series
    label: str
    sign: str
    """What draws it: a character, or ``braille`` for a fine line."""
    style: str
    is_derived: bool = False
    """True for what is computed of another curve and says nothing of its own."""

    @property
    def sample(self) -> Text:
        """How it looks, for a legend."""
        return Text(SAMPLE if self.sign == BRAILLE else self.sign * 3, style=self.style)


@dataclass(frozen=True, slots=True)
class Fork:
    """Where another run branches off."""

    iteration: int
    text: str
    """``a zero_grad off``: its sign, and what is changed."""
    style: str


@dataclass(frozen=True, slots=True)
class Canvas:
    """What is to be drawn."""

    curves: tuple[Curve, ...]
    """The one drawn on top first."""
    window: IterationRange
    is_log: bool = False
    cursor: int | None = None
    """The iteration of the position."""
    marks: tuple[InterventionMark, ...] = ()
    ghost_marks: tuple[InterventionMark, ...] = ()
    """Those of the other run: their labels begin with its sign."""
    forks: tuple[Fork, ...] = ()
    """Where branches begin."""
    chosen: int | None = None
    """The iteration that the user has chosen; None: none."""
    gathered: dict[int, list[list[Column]]] = field(default_factory=dict, compare=False, repr=False)
    """Points gathered into columns, by the number of cells: kept while one drawing is tried at several heights."""


def curves_of(
    own: Sequence[Series], ghost: Sequence[Series] = (), ghost_name: str = "", own_name: str = ""
) -> tuple[Curve, ...]:
    """Give each series a sign, as far as there are signs; the names tell two runs apart."""
    mine = zip(_named(own, own_name), OWN_SIGNS, _OWN_STYLES, strict=False)
    other = zip(_named(ghost, ghost_name), GHOST_SIGNS, strict=False)
    return (
        *(Curve(series, label, sign, style) for (series, label), sign, style in mine),
        *(Curve(series, label, sign, _GHOST_STYLE) for (series, label), sign in other),
    )


def look_of(number: int) -> tuple[str, str]:
    """Return sign and style of a run among branches, by its number; 0 is the first run."""
    if not number:
        return FIRST_SIGN, _OWN_STYLES[0]
    return BRANCH_SIGNS[(number - 1) % len(BRANCH_SIGNS)], _BRANCH_STYLES[(number - 1) % len(BRANCH_SIGNS)]


def kin_curve(series: Series, name: str, number: int) -> Curve:
    """Return the curve of a run among branches: each has a sign and a colour of its own."""
    return Curve(series, name, *look_of(number))


def smooth_curves(curves: Sequence[Curve], over: int | None, window: IterationRange) -> tuple[Curve, ...]:
    """Return the smoothed line of each curve, as far as there are signs; none where none is wanted."""
    if over is None:
        return ()
    return tuple(
        Curve(smoothed(curve.series, over, window), curve.label, sign, f"bold {curve.style}", is_derived=True)
        for curve, sign in zip(curves, SMOOTH_SIGNS, strict=False)
    )


def _named(series: Sequence[Series], name: str) -> list[tuple[Series, str]]:
    """Label series by the run's name, where it has one, and by their own where it has several."""
    if name and len(series) == 1:
        return [(series[0], name)]
    return [(one, f"{name} {one.label}".lstrip()) for one in series]


def onset(series: Series) -> tuple[int, str]:
    """Return where a series stops being numbers: ``(163, "NaN from iteration 163")``; no words where it does not."""
    first = series.first_nonfinite
    if first is None:
        return 0, ""
    until = "from" if not math.isfinite(series.values[series.count - 1]) else "first at"
    at, value = series.iterations[first], series.values[first]
    if math.isnan(value):
        return at, f"NaN {until} iteration {at:,}"
    nan = next((i for i in range(first, series.count) if math.isnan(series.values[i])), None)
    more = "" if nan is None else f", NaN {until} {series.iterations[nan]:,}"
    return at, f"{number(value)} {until} iteration {at:,}{more}"
