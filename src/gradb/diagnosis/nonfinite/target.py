"""From where the road is followed back: the non-finite value of a position, of an iteration, or of the whole run."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator

from gradb.diagnosis.nonfinite import traffic
from gradb.diagnosis.nonfinite.reading import Reading
from gradb.frame.origins import Origins
from gradb.tape.kinds.step import StepDetail
from gradb.tape.series import Series

_ONSETS = {"loss": "loss", "grad_norm": "gradient norm of", "parameter_norm": "norm of"}
_MAX_POINTS = 100_000  # of one series that are looked through


def at(origins: Origins, event: int) -> Reading | None:
    """Return the non-finite value of an event: what it made before what it read, a NaN before an infinity."""
    found = [one for one in traffic.made(origins, event) if one.nonfinite]
    found += [one for one in traffic.read(origins, event) if one.nonfinite and one.event == event]
    best = min(found, key=lambda one: (not one.has_nan, one.side == "read"), default=None)
    return None if best is None else best.first()


def in_iteration(origins: Origins, iteration: int, until: int) -> Iterator[Reading]:
    """Yield the non-finite values of an iteration: those of its losses and steps first."""
    events = origins.in_iteration(iteration, until)
    first = [seq for seq in events if origins.event(seq).kind in {"backward_start", "step"}]
    yield from _readings(origins, [*first, *(seq for seq in events if seq not in first)])


def in_run(origins: Origins, until: int) -> Iterator[Reading]:
    """Yield the first non-finite loss, gradient norm or parameter up to a position, then the newest of all else."""
    onset = first_onset(origins, until)
    if onset is not None:
        yield from _readings(origins, [onset])
    yield from _readings(origins, origins.last_nonfinite(until + 1))
    yield from _readings(origins, origins.births(until))


def filled(origins: Origins, until: int) -> Iterator[Reading]:
    """Yield the first value that is not finite and was put into a ``.grad``.

    Under a GradScaler that does not count: it looks for these and skips their step.
    """
    first = origins.first_nonfinite(until, "accumulate")
    if first is not None and not any(one.kind == "loss_scale" for one in origins.series):
        yield from _readings(origins, [first])


def first_onset(origins: Origins, until: int) -> int | None:
    """Return the event of the first non-finite loss, gradient norm or parameter norm, up to a position.

    What a GradScaler found when it skipped a step does not count: that is what it is for.
    """
    found = [_onset(origins, one, until) for one in origins.series if one.kind in _ONSETS]
    return min((each for each in found if each is not None), default=None)


def is_watched(origins: Origins, event: int) -> bool:
    """Tell whether the script was only watched at an event."""
    depth = origins.latest("depth", event)
    return depth is not None and origins.event(depth).name == "watch"


def onset_text(origins: Origins, event: int) -> str:
    """Return which number is not finite at an event: ``the loss was inf in iteration 31``."""
    for one in origins.series:
        index = bisect_left(one.events, event, 0, one.count)
        while one.kind in _ONSETS and index < one.count and one.events[index] == event:
            if not math.isfinite(one.values[index]):
                what = f"{_ONSETS[one.kind]} {one.label}"
                return f"the {what} was {one.values[index]!r} in iteration {one.iterations[index]:,}"
            index += 1
    return ""


def _onset(origins: Origins, series: Series, until: int) -> int | None:
    if series.first_nonfinite is None:
        return None
    for index in range(series.first_nonfinite, min(series.count, series.first_nonfinite + _MAX_POINTS)):
        event = series.events[index]
        if event > until:
            return None
        if not math.isfinite(series.values[index]) and not is_skipped(origins, event):
            return event
    return None


def is_skipped(origins: Origins, event: int) -> bool:
    """Tell whether an event is a step that a GradScaler has skipped."""
    detail = origins.detail(event) if origins.event(event).kind == "step" else None
    return isinstance(detail, StepDetail) and bool(detail.skipped)


def _readings(origins: Origins, events: list[int]) -> Iterator[Reading]:
    for event in events:
        found = at(origins, event)
        if found is not None:
            yield found
