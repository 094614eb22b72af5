"""Explains a non-finite value of a tape: follows it to its birth, finds the reason, and tells the road from there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from gradb.algebra.figures import number
from gradb.diagnosis.nonfinite import changers, target
from gradb.diagnosis.nonfinite.case import Case, extremes
from gradb.diagnosis.nonfinite.explanation import Born, Explanation, Nothing, RoadStep
from gradb.diagnosis.nonfinite.hops import call_name, hop_text, named
from gradb.diagnosis.nonfinite.lasting import Lasting
from gradb.diagnosis.nonfinite.makers import End
from gradb.diagnosis.nonfinite.prelude import prelude
from gradb.diagnosis.nonfinite.reading import Reading, counts
from gradb.diagnosis.nonfinite.reasons import reason
from gradb.diagnosis.nonfinite.walk import Trail, follow
from gradb.frame.origins import Origins
from gradb.tape.indices import unravel

_MAX_TRIES = 400
_MAX_INPUTS = 4


def explain(
    origins: Origins, until: int, *, at: int | None = None, iteration: int | None = None
) -> Explanation | Nothing:
    """Explain the non-finite value of an event, of an iteration, or the first one that matters.

    Args:
        origins: of the tape.
        until: nothing after this event is looked at.
        at: the event; None: another is looked for.
        iteration: in which it is looked for; None: in all.
    """
    if at is not None:
        found = target.at(origins, at)
        if found is None:
            return _number_alone(origins, at) or Nothing(
                f"no value that is recorded at #{origins.called(at, ',')} is a NaN or an infinity", is_sure=True
            )
        return _explained(origins, found, follow(origins, found))
    if iteration is not None:
        return _first(origins, target.in_iteration(origins, iteration, until)) or _nothing(origins, until, iteration)
    return _in_run(origins, until) or _nothing(origins, until, None)


def _in_run(origins: Origins, until: int) -> Explanation | None:
    """Explain the first value of the run that matters; what came into a gradient before it, where that was born first.

    Mostly both were born of the same: then the loss, norm or parameter is what is told.
    """
    found = _first(origins, target.in_run(origins, until))
    filled = _first(origins, target.filled(origins, until))
    if found is None or filled is None:
        return found or filled
    is_other = filled.event < found.event and filled.births[0].event < found.births[0].event
    return filled if is_other else found


def _first(origins: Origins, candidates: Iterator[Reading]) -> Explanation | None:
    """Explain the first value that a computation made so; a mask of -inf that did no harm is none."""
    seen: set[int] = set()
    for one in islice(candidates, _MAX_TRIES):
        if one.event in seen:
            continue
        trail = follow(origins, one)
        seen |= {hop.event for hop in trail.hops}
        is_wanted = trail.end is not None and trail.end.kind == "given" and trail.nan_at is None and not one.has_nan
        if not is_wanted:
            return _explained(origins, one, trail)
    return None


def _number_alone(origins: Origins, at: int) -> Nothing | None:
    """Return what is known of a loss or a norm of an event that is not finite and of which no value is on the tape."""
    seen = target.onset_text(origins, at)
    if not seen:
        return None
    here, onset = f"{seen} (#{origins.called(at, ',')})", target.first_onset(origins, at)
    if onset == at:
        return _nothing(origins, at, None)
    if target.is_skipped(origins, at):
        return Nothing(f"{here}: GradScaler has found that, and skipped the step", is_sure=True)
    if _in_run(origins, at) is not None:
        return Nothing(
            f"{here}, and what it came of is not on the tape; `why` without a place tells how the first was born",
            is_sure=False,
        )
    first = _nothing(origins, at, None)
    return replace(first, text=f"{here}; {first.text}")


def _nothing(origins: Origins, until: int, iteration: int | None) -> Nothing:
    onset = target.first_onset(origins, until)
    if onset is not None and iteration in {None, origins.event(onset).iteration}:
        if not target.is_watched(origins, onset):
            seen = target.onset_text(origins, onset)
            return Nothing(
                f"{seen} (#{origins.called(onset, ',')}), and no value that it was computed of is a NaN or an infinity:"
                " the sum of the squares of such large numbers overflows",
                is_sure=True,
            )
        number = origins.event(onset).iteration
        where = f"#{origins.called(onset, ',')}, in iteration {number:,}"
        text = f"a loss or a norm is not finite at {where}, and the script was only watched"
        return Nothing(
            f"{text} there: what came before it is not on the tape",
            is_sure=False,
            onset=number,
            seen=target.onset_text(origins, onset),
        )
    watched = origins.watched_since(0, until)
    where = "on the tape" if iteration is None else f"in iteration {iteration:,}"
    if watched is not None:
        text = f"no NaN or infinity is {where}, and every loss and norm is finite"
        return Nothing(
            f"{text}; from #{origins.called(watched, ',')} on no more than these was recorded", is_sure=False
        )
    has_any = bool(origins.in_iteration(iteration, until) if iteration else origins.last_nonfinite(until + 1))
    if has_any:
        text = f"no NaN or infinity was born {where}: what there is was given as it is, like the -inf of a mask"
        return Nothing(text, is_sure=True)
    return Nothing(f"no NaN or infinity is {where}", is_sure=True)


# --- what was found ---------------------------------------------------------------------------------------------------


def _explained(origins: Origins, start: Reading, trail: Trail) -> Explanation:
    end = trail.end or End("unknown", trail.hops[-1], why="the road is longer than is followed")
    births = [_born(origins, end)]
    if trail.nan_at is not None and trail.hops[trail.nan_at].event != end.reading.event:
        births.append(_born(origins, End("birth", trail.hops[trail.nan_at])))
    steps = _steps(origins, trail, end)
    here = f"{named(origins, start)} is {counts(start.value)}"
    return Explanation(start.event, here, tuple(births), steps, prelude(origins, births[0], trail.hops), origins.called)


def _steps(origins: Origins, trail: Trail, end: End) -> tuple[RoadStep, ...]:
    """Return one step an event, oldest first."""
    found: dict[int, Reading] = {}
    for hop in [end.reading, *reversed(trail.hops)]:
        if hop.event not in found or hop.side == "made":
            found[hop.event] = hop
    kept = [
        hop for hop in found.values() if hop.side == "made" or hop.event in {end.reading.event, trail.hops[0].event}
    ]
    return tuple(_step(origins, hop, trail.lasting.get(hop.event)) for hop in kept)


def _step(origins: Origins, hop: Reading, lasting: Lasting | None) -> RoadStep:
    event = origins.event(hop.event)
    place = (event.file, event.line, event.scope, event.iteration)
    return RoadStep(hop.event, event.kind, hop_text(origins, hop), *place, lasting)


def _born(origins: Origins, end: End) -> Born:
    one = end.reading
    event = origins.event(one.event)
    element = unravel(one.element, one.value.shape) if one.element is not None and one.value.shape else None
    return Born(
        event=one.event,
        kind=end.kind,
        what=_what(one),
        call=call_name(origins, one.event),
        name=named(origins, one),
        shape=one.value.shape,
        element=element,
        counts=counts(one.value),
        inputs=_inputs(origins, one) if end.kind == "birth" else (),
        reason=reason(origins, one) if end.kind == "birth" and one.side == "made" else None,
        file=event.file,
        line=event.line,
        scope=event.scope,
        iteration=event.iteration,
        phase=event.phase,
        since=end.since,
        why=end.why,
        called=origins.called,
    )


def _what(one: Reading) -> str:
    found = one.nonfinite
    if found is None:
        return "unknown"
    return "nan" if found.nan else "inf" if found.posinf else "-inf"


def _inputs(origins: Origins, one: Reading) -> tuple[tuple[str, str], ...]:
    """Return what the event read at the element, by name; of a whole tensor its range."""
    kind = origins.event(one.event).kind
    if kind in {"step", "hook"}:
        return changers.given(origins, one)
    if kind not in {"op", "node"}:
        return ()
    case = Case(origins, one)
    found = []
    for index, operand in enumerate(case.operands[:_MAX_INPUTS]):
        name = operand.text or ("input" if index == 0 else f"input {index + 1}")
        if operand.number is not None:
            found.append((name, operand.shown))
        elif operand.value is not None and (bounds := extremes(operand.value)) is not None:
            low, high = (number(bound, operand.dtype) for bound in bounds)
            found.append((name, f"{low} to {high}"))
    sent = case.number_in(case.upstream[0].value) if case.upstream else None
    return (*found, *([("upstream", number(sent, case.dtype))] if sent is not None else []))
