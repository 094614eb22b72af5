"""Series and trainings made of lists, for tests of what is drawn of them."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

from gradb.frame.training import InterventionMark, Training
from gradb.tape.series import Series, SeriesKind

NAN, INF = math.nan, math.inf


def made_series(
    values: Sequence[float],
    name: str = "loss",
    line: int | None = 42,
    *,
    kind: SeriesKind = "loss",
    iterations: Sequence[int] | None = None,
    events: Sequence[int] | None = None,
) -> Series:
    """Return a series with one point an iteration, each at ten times its iteration as position."""
    places = range(1, len(values) + 1) if iterations is None else iterations
    positions = array("q", (10 * place for place in places) if events is None else events)
    bad = next((index for index, value in enumerate(values) if not math.isfinite(value)), None)
    file = None if line is None else "train.py"
    return Series(kind, name, file, line, len(values), positions, array("q", places), array("d", values), bad)


def made_training(
    *series: Series,
    iteration: int | None = None,
    marks: Sequence[InterventionMark] = (),
    is_finished: bool = True,
    seed: int | None = None,
) -> Training:
    """Return a training at the end of an iteration (None: the last), with the marks in force that are before it."""
    last = max((one.iterations[one.count - 1] for one in series if one.count), default=0)
    at = last if iteration is None else iteration
    known = [mark for mark in marks if mark.event <= 10 * at]
    force = {what: next((m for m in reversed(known) if m.what == what), None) for what in ("zero_grad", "lr", "record")}
    counts = [one for one in series if one.kind in {"suppressed", "inserted"}]
    touched = int(max((one.latest(10 * at) or 0 for one in counts), default=0)) if force["zero_grad"] else 0
    missed = int(max((one.latest(10 * at) or 0 for one in series if one.kind == "missed"), default=0))
    return Training(
        series, tuple(marks), 10 * at, at, last, is_finished,
        force["zero_grad"], force["lr"], force["record"], force["record"], touched, missed, seed,
    )  # fmt: skip
