"""Takes a run that is held at its start to a moment, and changes on the way what was changed in another run.

It waits; ``tell`` is called now and then meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradb.debugger.branches.moments import BEGINS, Moment, is_same, moment_of
from gradb.debugger.errors import UserError
from gradb.debugger.rerun.following import Tell
from gradb.debugger.run import Run
from gradb.link.messages import Continue
from gradb.link.spec import Intervention
from gradb.tape.stops import Stop

_EVERY = 0.1


class Elsewhere(Exception):
    """The run does not come to the moment: the message is a clause that says what it did."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Something that is changed at a moment."""

    moment: Moment
    change: Intervention
    event: int = 0
    """Where it was changed in the other run."""


def reach(run: Run, turns: Sequence[Turn], moment: Moment, tell: Tell) -> None:
    """Take a run that was just started to a moment, and change on the way what is to be changed; then it is held.

    Raises:
        Elsewhere: it does not come there.
        UserError: it cannot be run.
    """
    rest(run, tell)
    for turn in turns:
        _to(run, turn.moment, tell)
        change(run, turn.change, tell)
    _to(run, moment, tell)


def change(run: Run, intervention: Intervention, tell: Tell) -> None:
    """Have something changed in a run that is held, and wait until it is.

    Raises:
        Elsewhere: the script has ended.
        UserError: it cannot be run.
    """
    run.intervene(intervention)
    rest(run, tell)


def rest(run: Run, tell: Tell) -> None:
    """Wait until a run is held.

    Raises:
        Elsewhere: the script has ended.
        UserError: it cannot be run.
    """
    while run.is_live and run.is_running:
        run.pump(_EVERY)
        tell(run)
    if run.failure:
        raise UserError(run.failure)
    if not run.is_live:
        raise Elsewhere(f"it has ended: {run.status}")


def _to(run: Run, moment: Moment, tell: Tell) -> None:
    while (order := _order(run, here := _here(run), moment)) is not None:
        run.run_on(order)
        rest(run, tell)
    if not is_same(here.event, moment.event):
        raise Elsewhere(f"there it was at {_called(here)}, and not at {_called(moment)}")


def _here(run: Run) -> Moment:
    tape = run.tape
    return Moment() if tape is None else moment_of(tape, run.head)


def _order(run: Run, here: Moment, wanted: Moment) -> Continue | None:
    """Return what takes the run nearer to a moment, and never past it; None where it is there.

    Raises:
        Elsewhere: it is past it.
    """
    one, other = (here.steps, here.begins, here.events), (wanted.steps, wanted.begins, wanted.events)
    if one > other:
        raise Elsewhere(f"it came to {_called(here)} without having been at {_called(wanted)}")
    if one == other:
        return None
    if here.steps < wanted.steps:
        return _until(Stop("kind", "step", passes=wanted.steps - here.steps - 1))
    step = Stop("kind", "step")
    if here.begins < wanted.begins:
        passes = (wanted.begins - here.begins - 1) // len(BEGINS)  # of each, and either may come
        return _until(*(Stop("kind", kind, passes=passes) for kind in BEGINS), step)
    left = wanted.events - here.events
    return _until(Stop("position", str(run.head + left)), step, *(Stop("kind", kind) for kind in BEGINS))


def _until(*stops: Stop) -> Continue:
    """Return the order to go on to one of some stops, as nobody steps: no more is recorded than in the other run."""
    return Continue(Stop("end"), stops)


def _called(moment: Moment) -> str:
    event = moment.event
    if event is None:
        return "its start"
    where = "" if event.line is None else f" of line {event.line}"
    return f"{event.kind} {event.name}{where} in iteration {event.iteration:,}"
