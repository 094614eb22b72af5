"""What a tape says of a stop beside where it stops: names that nothing has, conditions that made no sense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gradb.debugger.movement import nearest
from gradb.debugger.stops import describe
from gradb.frame.reader import Tape
from gradb.tape.conditions.condition import condition_of
from gradb.tape.expressions.variables import owners_of, unindexed
from gradb.tape.stops import Stop, is_called

_OF_NAMES = frozenset({"node", "aten", "module"})


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
    return f"there was no {describe(place)} in this recording" if is_missing else ""
