"""The lines of the source that have a breakpoint, and the statement by which one comes there or goes."""

from __future__ import annotations

from gradb.debugger.breakpoints import Mark
from gradb.debugger.debugger import Debugger
from gradb.debugger.existence.admission import located, occurs
from gradb.debugger.stops import parse_stop


def breakpoint_lines(debugger: Debugger, file: str) -> dict[int, Mark]:
    """Return the lines of the source file that is shown which have a breakpoint, and what there is to say of it."""
    return debugger.breakpoints.marks(file, lambda stop: occurs(stop, debugger))


def toggling(debugger: Debugger | None, line: int, file: str) -> str:
    """Return the statement that sets a breakpoint on a line of the source that is shown, or takes it away.

    Args:
        debugger: whose breakpoints they are.
        line: from 1.
        file: is shown in the place of the one at the position; empty: that one is.
    """
    where = f"{file}:{line}" if file else f"line {line}"
    is_set = debugger is not None and debugger.breakpoints.at(located(parse_stop(where), debugger)) is not None
    return f"{'clear' if is_set else 'break'} {where}"
