"""What the commands about breakpoints do: small functions of (debugger, argument) that return what to tell the user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from gradb.algebra.figures import counted
from gradb.debugger.breakpoints import Breakpoint
from gradb.debugger.commands.actions import take_nothing
from gradb.debugger.errors import UserError
from gradb.debugger.existence.admission import admit, located, occurs, unmeasured
from gradb.debugger.numerals import read_whole
from gradb.debugger.remarks import fault, nothing_called, unnamed, untold
from gradb.debugger.stops import condition_alone, parse_stop
from gradb.tape.stops import Stop

if TYPE_CHECKING:
    from gradb.debugger.debugger import Debugger

SIGNS = {True: "◉", False: "○"}
"""What stands for a breakpoint that is switched on, and for one that is off."""


def this_line(debugger: Debugger) -> Stop:
    """Return a stop at the line of the position.

    Raises:
        UserError: it has none.
    """
    event = debugger.event() if debugger.position else None
    if event is None or event.line is None:
        raise UserError("there is no source line here to set a breakpoint on: give one, e.g. break 12")
    return Stop("at", f"{event.file}:{event.line}" if event.file else str(event.line))


def break_(debugger: Debugger, argument: str) -> str | None:
    """Set a breakpoint; on this line, set or clear one."""
    return _set(debugger, argument, is_temporary=False)


def tbreak(debugger: Debugger, argument: str) -> str | None:
    """Set a breakpoint that is gone once it has stopped a movement."""
    return _set(debugger, argument, is_temporary=True)


def _set(debugger: Debugger, argument: str, *, is_temporary: bool) -> str:
    condition = condition_alone(argument)
    if condition is not None:
        stop = replace(this_line(debugger), condition=condition)
    else:
        stop = parse_stop(argument) if argument else this_line(debugger)
    admitted = admit(stop, debugger)
    remark = admitted.note or ("" if debugger.is_live else untold(admitted.stop, debugger.tapes))
    note = f" ({remark})" if remark else ""
    known = debugger.breakpoints.at(admitted.stop)
    if known is None:
        made = debugger.breakpoints.add(admitted.stop, is_temporary=is_temporary)
        return f"{'temporary ' if is_temporary else ''}breakpoint {made.number}: {made.words}{note}"
    if argument or is_temporary:
        return f"there is a breakpoint already: {known.number}, {known.words}{note}"
    return _clear(debugger, known)


def clear(debugger: Debugger, argument: str) -> str | None:
    """Clear one breakpoint, or all."""
    if argument:
        return _clear(debugger, _meant(debugger, argument))
    return f"{counted(debugger.breakpoints.clear(), 'breakpoint')} cleared"


def _meant(debugger: Debugger, text: str) -> Breakpoint:
    return debugger.breakpoints.meant(text, lambda stop: located(stop, debugger))


def _clear(debugger: Debugger, one: Breakpoint) -> str:
    debugger.breakpoints.remove(one)
    return f"cleared {one.number}: {one.words}"


def switch(is_on: bool) -> Callable[[Debugger, str], str | None]:
    """Make the command that switches one breakpoint, or all, on or off."""
    word = "enabled" if is_on else "disabled"

    def run(debugger: Debugger, argument: str) -> str | None:
        chosen = [_meant(debugger, argument)] if argument else list(debugger.breakpoints)
        for one in chosen:
            debugger.breakpoints.change(replace(one, is_enabled=is_on))
        return (
            f"{word} {chosen[0].number}: {chosen[0].words}"
            if argument
            else f"{counted(len(chosen), 'breakpoint')} {word}"
        )

    return run


def ignore(debugger: Debugger, argument: str) -> str | None:
    """Let a breakpoint pass the next so many times that it is met."""
    which, _, times = argument.rpartition(" ")
    count = read_whole(times)
    if not which or count is None:
        raise UserError("`ignore` takes a breakpoint's number and how many times to let pass, e.g. ignore 1 10")
    one = debugger.breakpoints.change(replace(_meant(debugger, which.strip()), ignores=count))
    return f"breakpoint {one.number}: {one.words}: {_passes(one) or 'stops the next time'}"


def _passes(one: Breakpoint) -> str:
    times = "time" if one.ignores == 1 else counted(one.ignores, "time")
    return f"lets pass the next {times}" if one.ignores else ""


def list_breakpoints(debugger: Debugger, argument: str) -> str | None:
    """List the breakpoints: number, switched on or off, place and condition, hits."""
    take_nothing(argument, "breakpoints")
    breakpoints = list(debugger.breakpoints)
    if not breakpoints:
        return "there are no breakpoints"
    digits = len(str(breakpoints[-1].number))
    width = min(max(len(one.words) for one in breakpoints), 48)
    return "\n".join(_line(one, digits, width, _pending(one, debugger), _fault(one, debugger)) for one in breakpoints)


def _pending(one: Breakpoint, debugger: Debugger) -> str:
    place = replace(one.stop, condition="")
    if paths := unnamed(one.stop, debugger.tapes):
        if debugger.is_live:
            return f"pending: nothing is called {paths[0]!r} so far"
        return nothing_called(paths)
    if one.hits or place.kind == "when" or occurs(place, debugger):
        return ""
    return "pending" if debugger.is_live else "not in this recording"


def _fault(one: Breakpoint, debugger: Debugger) -> str:
    """Say why a condition counted as false somewhere, where it could not be evaluated or asks for what is not known."""
    unknown = unmeasured(one.stop.condition, debugger) if one.stop.condition else ""
    is_silent = not one.hits and not debugger.is_live
    return fault(one.stop, debugger.tapes) or unknown or (untold(one.stop, debugger.tapes) if is_silent else "")


def _line(one: Breakpoint, digits: int, width: int, pending: str, fault: str) -> str:
    said = [
        "temporary" if one.is_temporary else "",
        counted(one.hits, "hit"),
        pending,
        _passes(one),
        "" if one.is_enabled else "off",
        fault,
    ]
    facts = ", ".join(fact for fact in said if fact)
    return f"{one.number:>{digits}} {SIGNS[one.is_enabled]} {one.words:<{width}}  {facts}"
