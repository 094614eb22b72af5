"""What was planned of a run by the numbers of iterations, and what of that is still to come behind a place in it.

A branch is the same run with one more change, so that is made in it too. What somebody has changed by hand is not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from gradb.debugger.branches.places import Place
from gradb.debugger.interventions import ADJUSTABLE
from gradb.debugger.rerun.orders import SURE
from gradb.frame.reader import Tape
from gradb.frame.training import InterventionMark
from gradb.link.spec import Intervention

_FACT = "planned"
_MOST, _LAST = 1_000, 10**15


def changes_behind(tape: Tape, place: Place, planned: Sequence[Intervention]) -> list[Intervention]:
    """Return what was planned to be changed and was not yet at a place; how much is recorded is ``depths_behind``'s.

    Raises:
        TapeError: the tape is damaged.
    """
    made = [mark for mark in tape.frame(tape.head).training.marks if mark.event <= place.position]
    return [one for one in planned if one.what != "record" and (one.iteration > place.within or _waits(one, made))]


def changes_before(tape: Tape, place: Place, planned: Sequence[Intervention]) -> list[Intervention]:
    """Return what was planned to be changed and was, by a place, in the very iteration that was named.

    In the first iteration it was so before anything was done.

    Raises:
        TapeError: the tape is damaged.
    """
    marks = [mark for mark in tape.frame(tape.head).training.marks if mark.event <= place.position]
    return [one for one in planned if one.iteration > 1 and any(is_kept(mark, (one,)) for mark in marks)]


def is_kept(mark: InterventionMark, kept: Sequence[Intervention]) -> bool:
    """Tell whether a change was one of those that were planned, made in the iteration that was named."""
    return any(
        (mark.what, mark.iteration) == (one.what, one.iteration) and _is_same(mark.value, one.value) for one in kept
    )


def _is_same(told: str, planned: str) -> bool:
    """Tell whether a value is the one that was planned: a learning rate is told in its shortest form."""
    if told == planned:
        return True
    try:
        return float(told) == float(planned)
    except ValueError:
        return False


def _waits(change: Intervention, made: Sequence[InterventionMark]) -> bool:
    """Tell whether a change was not made though its iteration had begun: what makes one was not known yet."""
    return change.iteration < SURE and not any(
        mark.what == change.what and mark.iteration >= change.iteration for mark in made
    )


def depths_behind(tape: Tape, place: Place, planned: Sequence[Intervention]) -> list[Intervention]:
    """Return how much is recorded after a place: what was planned for the run that it is of.

    What was lived again was recorded in full for its own sake: behind that the branch is recorded as the run was.

    Raises:
        TapeError: the tape is damaged.
    """
    depths = [one for one in planned if one.what == "record"]
    if not place.lived:
        return [one for one in depths if one.iteration > max(place.within, 1)]
    begin = place.last + 1
    marks = tape.frame(tape.head).training.marks
    before = [mark.value for mark in marks if mark.what == "record" and mark.iteration <= begin]
    later = [one for one in depths if one.iteration > begin]
    return [Intervention("record", before[-1] if before else "full", begin), *later]


def planned_of(tape: Tape) -> tuple[Intervention, ...]:
    """Return what was planned of a recording: changes, and how much was to be recorded from which iterations on.

    Raises:
        TapeError: the tape is damaged.
    """
    marks = tape.frame(tape.head).training.marks
    depths = (Intervention(mark.what, mark.value, mark.iteration) for mark in marks if mark.reason == "asked for")
    return (*depths, *_read(tape.fact(_FACT)))


def _read(text: str | None) -> list[Intervention]:
    """Read the fact, which is a stranger's word; what is no change in it is none."""
    try:
        rows: Any = json.loads(text or "null")
    except (ValueError, RecursionError):
        return []
    rows = rows[:_MOST] if isinstance(rows, list) else []
    return [Intervention(*row) for row in rows if _is_change(row)]


def _is_change(row: object) -> bool:
    if not (isinstance(row, list) and [type(one) for one in row] == [str, str, int]):
        return False
    what, value, iteration = row
    thing = None if what == "record" else ADJUSTABLE.get(what)
    return thing is not None and thing.has(value) and 1 <= iteration <= _LAST


def depth_at(tape: Tape, head: int) -> str:
    """Return how much was recorded right after an event.

    Raises:
        TapeError: the tape is damaged.
    """
    marks = tape.frame(tape.head).training.marks
    return next((mark.value for mark in reversed(marks) if mark.what == "record" and mark.event <= head), "full")
