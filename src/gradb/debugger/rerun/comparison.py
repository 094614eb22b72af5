"""Holds two runs of a script against each other: their losses and norms, bit for bit, iteration by iteration."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from gradb.tape.series import Series

BY_HAND = "by hand"
"""Gradient norms of updates by hand, which are seen only where ops are recorded."""
_TOLD_ALWAYS = ("loss", "grad_norm")
_COMPARED = (*_TOLD_ALWAYS, "parameter_norm", "learning_rate", "loss_scale")
_Key = tuple[str, str, str | None, int | None]
_Points = dict[int, list[tuple[int, float]]]
"""Event and value of the points of each iteration."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first number that was another one when the script was run again."""

    series: str
    """``loss:42``, ``gradient norm of Adam``."""
    iteration: int
    first: float | None
    """In the first run; None where there was none."""
    again: float | None

    @property
    def text(self) -> str:
        """Return it as a clause: ``loss:7 of iteration 3 was 0.5 and is 0.25``."""
        first, again = ("none" if value is None else repr(value) for value in (self.first, self.again))
        return f"{self.series} of iteration {self.iteration:,} was {first} and is {again}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two runs have in common."""

    count: int
    """How many numbers were compared, up to the first difference."""
    until: int
    """The last iteration of which any was compared; 0 where none was."""
    difference: Difference | None


def compare(
    first: Sequence[Series],
    again: Sequence[Series],
    last: int,
    *,
    begin: int = 1,
    is_cut: bool = False,
    is_again_cut: bool = False,
) -> Comparison:
    """Compare what both runs have told of iterations ``begin`` to ``last``; all NaN are alike.

    A run that was only watched tells less than one that was recorded in full, and one that is ended after an iteration
    has not told all of it that is told late: what only one of them can tell is not compared.

    Args:
        first: series of the first run.
        again: of the second one.
        last: the last iteration that is compared.
        begin: the first one.
        is_cut: whether the first run was ended from outside, and so may not have told all of its last iteration.
        is_again_cut: the same of the second one.
    """
    one, two = _points(first, begin, last), _points(again, begin, last)
    if is_cut:
        _cut(one, two)
    if is_again_cut:
        _cut(two, one)
    keys = [key for key in {**one, **two} if (key in one and key in two) or _is_told_always(key)]
    known = [iteration for key in keys for iteration in one.get(key, {})]
    found = [_difference(key, one.get(key, {}), two.get(key, {}), last) for key in keys]
    differences = [where for where in found if where is not None]
    if not differences:
        count = sum(len(points) for key in keys for points in one.get(key, {}).values())
        return Comparison(count, max(known, default=0), None)
    _, event, difference = min(differences, key=lambda found: found[:2])
    count = sum(at < event for key in keys for points in one.get(key, {}).values() for at, _ in points)
    return Comparison(count, difference.iteration, difference)


def _points(series: Sequence[Series], begin: int, last: int) -> dict[_Key, _Points]:
    found: dict[_Key, _Points] = {}
    for one in series:
        if one.kind not in _COMPARED:
            continue
        points = found.setdefault((one.kind, one.name, one.file, one.line), {})
        for event, iteration, value in zip(one.events, one.iterations, one.values, strict=True):
            if begin <= iteration <= last:
                points.setdefault(iteration, []).append((event, value))
    return {key: points for key, points in found.items() if points}


def _cut(one: dict[_Key, _Points], two: dict[_Key, _Points]) -> None:
    """Leave out of one run what the other had no time for in its last iteration."""
    end = max((iteration for points in one.values() for iteration in points), default=0)
    for key, points in two.items():
        told = points.pop(end, [])[: len(one.get(key, {}).get(end, []))]
        if told:
            points[end] = told


def _is_told_always(key: _Key) -> bool:
    return key[0] in _TOLD_ALWAYS and key[1] != BY_HAND


def _difference(key: _Key, one: _Points, two: _Points, last: int) -> tuple[int, int, Difference] | None:
    """Return (iteration, event of the first run, difference) of the first that there is."""
    for iteration in sorted({*one, *two}):
        mine, other = one.get(iteration, []), two.get(iteration, [])
        is_late = iteration == last or not (mine and other)  # or told only where everything is recorded
        if len(mine) != len(other) and not _is_told_always(key) and is_late:
            continue
        for index in range(max(len(mine), len(other))):
            a = mine[index] if index < len(mine) else None
            b = other[index] if index < len(other) else None
            if a is None or b is None or not _are_same(a[1], b[1]):
                values = (None if a is None else a[1], None if b is None else b[1])
                event = a[0] if a is not None else mine[-1][0] + 1 if mine else 0
                return iteration, event, Difference(_label(key), iteration, *values)
    return None


def _are_same(one: float, two: float) -> bool:
    return struct.pack("<d", one) == struct.pack("<d", two) or (one != one and two != two)


def _label(key: _Key) -> str:
    kind, name, _, line = key
    if kind == "loss":
        return name if line is None else f"{name}:{line}"
    words = {"grad_norm": "gradient norm", "parameter_norm": "norm", "learning_rate": "learning rate"}
    return f"{words.get(kind, kind.replace('_', ' '))} of {name}"
