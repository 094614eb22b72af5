"""Holds a run again against the first one up to a position: their losses and norms, bit for bit."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace

from gradb.debugger.rerun.comparison import Difference, compare
from gradb.debugger.rerun.orders import SURE
from gradb.frame.reader import Tape
from gradb.tape.series import Series


def compare_up_to(
    first: Tape, position: int, again: Tape, head: int, *, begin: int = 1, is_cut: bool = False
) -> tuple[int, Difference | None]:
    """Return how many numbers were compared, and the first that differed.

    Args:
        first: the tape of the first run.
        position: up to this event of it.
        again: the tape of the run again.
        head: up to this event of that.
        begin: the first iteration that was run again: what is before it is a copy.
        is_cut: whether the run again did not come as far.
    """
    one, other = _until(first.series, position), _until(again.series, head)
    if begin == 1 and _last(one) < SURE:  # what makes an iteration may not be known yet in one of them
        one, other = _by_order(one), _by_order(other)
    last = min(_last(one), _last(other) - 1) if is_cut else _last(one)
    found = compare(one, other, last, begin=begin)
    return found.count, found.difference


def _last(series: Sequence[Series]) -> int:
    return max((one.iterations[-1] for one in series), default=0)


def _until(series: Sequence[Series], position: int) -> list[Series]:
    cut = []
    for one in series:
        if count := one.until(position):
            events, iterations, values = one.events[:count], one.iterations[:count], one.values[:count]
            cut.append(replace(one, count=count, events=events, iterations=iterations, values=values))
    return cut


def _by_order(series: Sequence[Series]) -> list[Series]:
    return [replace(one, iterations=array("q", range(1, one.count + 1))) for one in series]
