"""The ghost on the screen: what the plot is told of it, and how often.

Knows the debugger's ghost and the renderers' options; it draws nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.ghost import Ghost
from gradb.frame.reader import TapeError
from gradb.present.lines.underway import again_line
from gradb.present.options import Options, OtherRun
from gradb.tape.series import Series

_EVERY = 0.4  # seconds between two drawings of a ghost that runs
_LEAST = 1.0  # seconds of which nothing is said


class GhostView:
    """Keeps the options of the plot up to date with a ghost, a few times a second at most."""

    def __init__(self) -> None:
        self._known: tuple[object, ...] = ()
        self._drawn_at = 0.0

    def update(self, options: Options, ghost: Ghost | None, debugger: Debugger, now: float) -> Options:
        """Return the options with what is new of the ghost, or the very same ones."""
        if ghost is None or debugger.run is ghost.run:  # which one looks at
            return options if options.ghost is None else replace(options, ghost=None)
        is_due = now - self._drawn_at >= _EVERY or not ghost.is_running
        known = (id(ghost), ghost.is_running, ghost.run.head, debugger.is_running, debugger.run.head)
        if options.ghost is not None and (not is_due or known == self._known):
            return options
        self._known, self._drawn_at = known, now
        shown = OtherRun(ghost.label, ghost.series, ghost.note(_series(debugger)), ghost.is_running)
        return options if shown == options.ghost else replace(options, ghost=shown)


def _series(debugger: Debugger) -> tuple[Series, ...]:
    try:
        return () if debugger.run.tape is None else debugger.run.tape.series
    except TapeError:
        return ()  # the Frame says so


class GhostLine:
    """What the event line says of a ghost that runs, until something else is said there.

    Args:
        clock: tells the seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ghost: Ghost | None = None
        self._began = 0.0
        self._said = ""

    def told(self, notice: str, ghost: Ghost | None) -> str:
        """Return what the line is to say in place of what it says: the very same unless that is of the ghost."""
        if ghost is None and notice and notice == self._said:
            notice = ""
        if ghost is not self._ghost:
            self._ghost, self._began = ghost, self._clock()
            self._said = "" if ghost is None else _launched(ghost)
        if ghost is None or notice != self._said:
            return notice
        if not ghost.is_running:
            self._said = f"the ghost ({ghost.label}) is over"
            return self._said
        seconds = self._clock() - self._began
        if seconds >= _LEAST:
            iteration = ghost.run.pace.news.iteration
            done = f"iteration {iteration:,}" if iteration else ""
            self._said = again_line(f"the ghost ({ghost.label})", done, seconds)
        return self._said


def _launched(ghost: Ghost) -> str:
    return f"the ghost runs the whole script again with {ghost.label}, whatever else it does"


def ghost_for(argument: str, ghost: Ghost | None, debugger: Debugger) -> tuple[Ghost | None, str]:
    """Carry out the command ``ghost``: return the ghost that there is from now on, and a sentence about it.

    Raises:
        UserError: there is none to let go, or none can be made.
    """
    if argument == "off" or (not argument and ghost is not None):
        if ghost is None:
            raise UserError("there is no ghost: `ghost` starts one")
        return None, "the ghost is gone"
    if argument:
        made = Ghost.open(argument)
        return made, f"the ghost is {made.label}"
    made = Ghost.launch(debugger)
    return made, _launched(made)
