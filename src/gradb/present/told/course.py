"""The course of a training in sentences: its losses at some iterations while it runs, and what it came to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from gradb.algebra.figures import counted, number
from gradb.frame.frame import Frame
from gradb.present.draw.safe import plain
from gradb.present.told.sentences import ended
from gradb.tape.series import Series

_NAME_LIMIT = 40
_MAX_LOSSES = 4


def is_milestone(iteration: int) -> bool:
    """Tell whether the losses of an iteration are told: 1, 2, 5, 10, 20, 50, 100 and so on."""
    while iteration >= 10 and iteration % 10 == 0:
        iteration //= 10
    return iteration in {1, 2, 5}


def milestones(series: Sequence[Series], after: int, until: int) -> list[tuple[int, str]]:
    """Return (event, sentence) of the losses to be told of the events after one up to another, in their order."""
    losses = [one for one in series if one.kind == "loss"][:_MAX_LOSSES]
    return sorted(found for one in losses for found in _points(one, after, until))


def _points(series: Series, after: int, until: int) -> Iterator[tuple[int, str]]:
    first = series.until(after)
    for index in range(first, series.until(until)):
        iteration = series.iterations[index]
        is_first = not index or series.iterations[index - 1] != iteration
        is_odd = index == series.first_nonfinite
        if is_odd or (is_first and is_milestone(iteration)):
            words = ", the first that is not finite" if is_odd else ""
            told = f"iteration {iteration:,}: {_label(series)} is {number(series.values[index])}{words}"
            yield series.events[index], ended(told)


def _label(series: Series) -> str:
    return plain(series.label if "loss" in series.name else f"loss {series.label}", _NAME_LIMIT)


def ending_lines(frame: Frame) -> list[str]:
    """Return how a run has ended, how long it was, and what its losses came to."""
    training = frame.training
    length = counted(frame.head, "event")
    of = f" in {counted(training.iterations, 'iteration')}" if training.iterations else ""
    told = [f"The script is over ({plain(frame.run.status)}): {length}{of}."]
    losses = [one for one in training.losses if one.count]
    told += [_course(one) for one in losses[:_MAX_LOSSES] if one.count > 1]
    left = len(losses) - _MAX_LOSSES
    return [*told, f"{left} more losses are not told."] if left > 0 else told


def _course(series: Series) -> str:
    """Return ``loss:42 goes from 2.786 in iteration 1 to 1.888 in iteration 2; it is lowest ...``."""
    first, last = 0, series.count - 1
    finite = (index for index in range(series.count) if math.isfinite(series.values[index]))
    lowest = min(finite, key=series.values.__getitem__, default=first)
    told = f"{_label(series)} goes from {_at(series, first)} to {_at(series, last)}"
    return f"{told}." if lowest in {first, last} else f"{told}; it is lowest with {_at(series, lowest)}."


def _at(series: Series, index: int) -> str:
    return f"{number(series.values[index])} in iteration {series.iterations[index]:,}"
