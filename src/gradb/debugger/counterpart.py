"""What of the first run corresponds to a position in an iteration of it that was lived again.

The runs have had the same losses and gradient norms in each iteration, one after the other, so the newest of them says
how far the first run had come. What came before may be on one of the tapes alone.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace

from gradb.debugger.lived import Lived
from gradb.frame.called import begin_of
from gradb.frame.reader import Tape
from gradb.frame.training import Training
from gradb.tape.series import Series

_SHARED = ("loss", "grad_norm")
"""What is told of a run that is only watched as well as of one that is recorded in full."""


def counterpart(first: Tape, lived: Lived, position: int) -> int:
    """Return the newest event of the first tape that had happened at a position of an iteration lived again.

    Raises:
        TapeError: one of the tapes is damaged.
    """
    iteration = lived.tape.event(position).iteration
    newest, end = (begin_of(one, first.event, first.head) - 1 for one in (iteration, iteration + 1))
    known = {(one.kind, one.name, one.file, one.line): one for one in first.series if one.kind in _SHARED}
    for series in lived.tape.series:
        same = known.get((series.kind, series.name, series.file, series.line))
        event = 0 if same is None else _same_point(series, series.until(position), same)
        if event <= end:
            newest = max(newest, event)
    return newest


def _same_point(series: Series, count: int, other: Series) -> int:
    """Return the event of the point of another series that is the ``count``-th of this one; 0 where there is none."""
    if not count:
        return 0
    iteration = series.iterations[count - 1]
    begin, same = (bisect_left(one.iterations, iteration, 0, one.count) for one in (series, other))
    at = same + count - 1 - begin
    return other.events[at] if at < other.count and other.iterations[at] == iteration else 0


def training_of(first: Tape, lived: Lived, position: int, own: Training) -> Training:
    """Return how the training goes in the whole of the first run, at a position of an iteration of it lived again.

    How much is recorded there is what ``own``, of the tape lived again, says; an iteration that is whole on that is
    from its first event on, though what says so may come right behind it.

    Raises:
        TapeError: one of the tapes is damaged.
    """
    here = counterpart(first, lived, position)
    depth = None if lived.relived.has(own.iteration) else own.depth
    return replace(first.training(here, own.iteration), depth=depth, watched=own.watched)
