"""Follows a non-finite value back to where it came from, one event after the other.

A NaN comes from a NaN that the event read, else from an infinity; an infinity from an infinity. Of several the one that
was made first is followed, so that a run that has been NaN for long is crossed from step to step. Each hop goes to an
earlier event, so that every road ends; only the events on it are read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gradb.diagnosis.nonfinite import lasting, traffic
from gradb.diagnosis.nonfinite.lasting import Lasting
from gradb.diagnosis.nonfinite.makers import End, hooked_after, maker
from gradb.diagnosis.nonfinite.pointwise import is_pointwise
from gradb.diagnosis.nonfinite.reading import Reading, aligned, element_of, is_finite, is_nan
from gradb.frame.origins import Origins
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.op import OpDetail

MAX_HOPS = 100_000
_MAX_TRIES = 64
_GIVEN = re.compile(r"(?<![\w.])-?(inf|nan)(?!\w)")


@dataclass(slots=True)
class Trail:
    """What a walk has found, from where it began back to where it ended."""

    hops: list[Reading] = field(default_factory=list)
    """Each value as it was read or made, newest first."""
    nan_at: int | None = None
    """Index in ``hops`` of the value in which the NaN was born of infinities; None where the NaN itself goes on to the
    end, or there is none."""
    end: End | None = None
    """None where the walk was given up."""
    lasting: dict[int, Lasting] = field(default_factory=dict)
    """By the event of a value in ``hops``: what was passed over between it and the next newer one."""


def follow(origins: Origins, start: Reading) -> Trail:
    """Follow a non-finite value back.

    Of the infinities that an event read only one needs to have been made by a computation; others may have been given
    as they are (a mask). So roads that end in a value that was given are tried one after the other.
    """
    trail = Trail([start])
    forks: list[tuple[int, int | None, Reading]] = []
    first: Trail | None = None
    for _ in range(_MAX_TRIES):
        _walk(origins, trail, forks)
        if trail.end is None or trail.end.kind != "given":
            return trail
        first = first or Trail(list(trail.hops), trail.nan_at, trail.end, trail.lasting)
        if not forks:
            break
        length, nan_at, other = forks.pop()
        trail = Trail([*trail.hops[:length], other], nan_at, lasting=trail.lasting)
    return first or trail


def _walk(origins: Origins, trail: Trail, forks: list[tuple[int, int | None, Reading]]) -> None:
    while len(trail.hops) < MAX_HOPS:
        here = trail.hops[-1]
        if here.side == "read":
            found = maker(origins, here)
            if isinstance(found, End):
                trail.end = found
                return
            trail.hops.append(found)
            continue
        passed = lasting.since(origins, here)
        if passed is not None:
            trail.hops.append(passed[0])
            trail.lasting[passed[0].event] = passed[1]
            continue
        causes, end = _causes(origins, here)
        if end is not None:
            trail.end = end
            return
        if here.has_nan and not causes[0].has_nan and trail.nan_at is None:
            trail.nan_at = len(trail.hops) - 1
        forks += [(len(trail.hops), trail.nan_at, other) for other in reversed(causes[1:])]
        trail.hops.append(causes[0])


def _causes(origins: Origins, made: Reading) -> tuple[list[Reading], End | None]:
    """Return the values that an event read and that made its own non-finite, best first; or that the road ends here."""
    before = hooked_after(origins, made) or _inside(origins, made)
    if before is not None:
        return [before], None
    found = traffic.read_for(origins, made)
    wrong = _wrong(origins, made, found)
    if wrong:
        ranked = sorted(wrong, key=lambda one: _age(origins, one))
        return ranked, None
    return [], _end(origins, made, found)


def _wrong(origins: Origins, made: Reading, found: list[Reading]) -> list[Reading]:
    """Return the non-finite values among those read that can have made an element so."""
    wrong = [one for one in found if one.nonfinite and not _is_own(origins, made, one)]
    if made.has_nan and any(one.has_nan for one in wrong):
        wrong = [one for one in wrong if one.has_nan]
    exact: list[Reading] = []
    is_known = _is_followed(made)
    for one in found:
        here = aligned(one.value, made.element, made.value.shape)
        element = element_of(one.value, here)
        is_known = is_known and element is not None
        if one in wrong and element is not None and not is_finite(element) and _can_make(element, made, one):
            exact.append(one.at(here))
    if exact:
        return exact
    if is_known and found and is_pointwise(origins, made.event):
        return []
    return [one.first() for one in wrong]


def _is_followed(made: Reading) -> bool:
    """Tell whether the element that is followed is known, and is of the kind that is."""
    element = element_of(made.value, made.element)
    if element is None:
        return made.element is not None and made.value.stats is not None
    return is_nan(element) if made.has_nan else not is_finite(element)


def _can_make(element: object, made: Reading, one: Reading) -> bool:
    """Tell whether an element that is not finite is of the kind that is followed."""
    return not (made.has_nan and one.has_nan) or is_nan(element)  # type: ignore[arg-type]


def _is_own(origins: Origins, made: Reading, one: Reading) -> bool:
    """Tell whether a value is what an op in place left, which it cannot have been made of."""
    return one.side == "made" and one.event == made.event


def _age(origins: Origins, one: Reading) -> tuple[bool, int]:
    """Rank what was read by when it was made: first what was made first, last what has no maker."""
    if one.side == "made":
        return False, one.event
    found = maker(origins, one)
    if isinstance(found, End):
        return found.kind in {"unknown", "blank", "unrecorded"}, found.reading.event
    return False, found.event


def _inside(origins: Origins, made: Reading) -> Reading | None:
    """Return the value as the node's own code made it, where it was recorded: a custom backward, a checkpoint."""
    detail = origins.detail(made.event)
    if not isinstance(detail, NodeDetail):
        return None
    for seq in origins.nonfinite(detail.start, made.event, "op", "accumulate"):
        for one in traffic.made(origins, seq):
            if one.value == made.value and one.nonfinite:
                return one.at(made.element)
    return None


def _end(origins: Origins, made: Reading, found: list[Reading]) -> End:
    """Tell what it means that nothing that an event read was non-finite."""
    if made.role in {"leaf", "gradient"} and origins.event(made.event).kind == "depth":
        return End("unknown", made, why="the script was only watched before")
    if any(one.is_blank for one in found):
        return End("blank", made)
    unknown = next((one for one in found if one.is_unknown and one.value.dtype.startswith(_FLOATS)), None)
    if unknown is not None:
        note = unknown.value.note or "its values were not kept"
        return End("unknown", made, why=f"{unknown.name or 'what it read'}: {note}")
    event = origins.event(made.event)
    if event.kind == "leaf" or (event.kind == "grad_change" and not found):
        return End("outside", made)
    if event.kind == "op":
        return _end_of_op(origins, made, is_source=not found)
    return End("birth", made)


_FLOATS = ("float", "bfloat", "complex")


def _end_of_op(origins: Origins, made: Reading, *, is_source: bool) -> End:
    detail = origins.detail(made.event)
    assert isinstance(detail, OpDetail)
    if any(_GIVEN.search(text) for _, text in detail.arguments):
        is_data = is_source and made.has_nan
        return End("outside" if is_data else "given", made)
    return End("outside" if is_source else "birth", made)
