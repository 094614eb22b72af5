"""What a tape says of a stop beside where it stops: names that nothing has, conditions that made no sense."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gradb.debugger.movement import nearest, seek
from gradb.debugger.stops import describe
from gradb.frame.reader import Tape
from gradb.frame.steps import finished
from gradb.tape.conditions.condition import condition_of
from gradb.tape.expressions.variables import owners_of, unindexed
from gradb.tape.stops import Stop, is_called

_OF_NAMES = frozenset({"node", "aten", "module"})
_TOLD_BY_SOME = frozenset({"update", "upstream", "downstream"})
"""Words that have a value at events of some kinds."""
_MOST = 50
"""Events at a place that are looked at for what they tell of."""


def unnamed(stop: Stop, tapes: Sequence[Tape]) -> tuple[str, ...]:
    """Return the paths in a stop's condition that no tensor is called by so far, and what ``param`` names so."""
    paths = condition_of(stop.condition).variables if stop.condition else ()
    known = [name for tape in tapes if paths or stop.kind == "param" for name in tape.names(tape.head)]
    params = [stop.argument] if stop.kind == "param" else []
    told = {**{path: unindexed(path) for path in paths}, **{path: path for path in params}}
    return tuple(told[path] for path in (*params, *paths) if not _is_named(path, known))


def _is_named(path: str, known: Sequence[str]) -> bool:
    return any(is_called(name, owner) for owner in owners_of(path) for name in known)


def nothing_called(paths: tuple[str, ...]) -> str:
    """Say of what is recorded as a whole that nothing has the first of some names; empty where there are none."""
    return f"nothing in this recording was ever called {paths[0]!r}" if paths else ""


def fault(stop: Stop, tapes: Sequence[Tape]) -> str:
    """Say why a condition counted as false somewhere; empty where it did not."""
    found = next((why for tape in tapes if (why := tape.fault(stop)) is not None), None)
    return "" if found is None else f"counted as false somewhere: {found}"


def never(stop: Stop, tapes: Sequence[Tape]) -> str:
    """Say of a script that is over what a stop names and it never came to; empty where it did."""
    if nobody := nothing_called(unnamed(stop, tapes)):
        return nobody
    place = replace(stop, condition="")
    is_missing = stop.kind in _OF_NAMES and all(nearest(tape, (place,), 0, 1) is None for tape in tapes)
    return f"there was no {describe(place)} in this recording" if is_missing else untold(stop, tapes)


def untold(stop: Stop, tapes: Sequence[Tape]) -> str:
    """Say which name of a condition no event tells of where it is asked; empty where each is told of somewhere."""
    if not stop.condition or stop.kind == "when":
        return ""
    place = replace(stop, condition="", passes=0, is_inside=False)
    looked = [(tape, *_first(tape, place)) for tape in tapes]
    count = sum(seen for _, _, seen in looked)
    for name, told in _tellings(stop.condition) if count else ():
        probe = replace(place, condition=told)
        if all(finished(seek(tape, (probe,), 0, 1, last)) is None for tape, last, _ in looked):
            which = "no event" if all(seen < _MOST for _, _, seen in looked) else f"none of the first {count} events"
            return f"{which} there tells of {name!r}"
    return ""


def _first(tape: Tape, place: Stop) -> tuple[int, int]:
    """Return the last of the events at a place that are looked at, 0 where there is none, and how many they are."""
    last = count = 0
    while count < _MOST and (hit := nearest(tape, (place,), last, 1)) is not None:
        last, count = hit, count + 1
    return last, count


def _tellings(text: str) -> Iterator[tuple[str, str]]:
    """Yield what a condition names that an event may tell of or not, and a condition that holds where one does."""
    condition = condition_of(text)
    for word in sorted(condition.names & _TOLD_BY_SOME):
        yield word, f"{word} is None or {word} is not None"
    for path in condition.variables:
        grads = [owner.removesuffix(".grad") for owner in owners_of(path) if owner.endswith(".grad")]
        tensors = [] if grads else owners_of(path)
        told = [*(f"tensor({one!r}).grad" for one in grads), *(f"tensor({one!r})" for one in tensors)]
        yield path, " or ".join(f"{one} is not None" for one in told)
