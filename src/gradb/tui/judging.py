"""Judges the run while it is looked at, a little at a time, and tells the panes what was found. It draws nothing."""

from __future__ import annotations

from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING

from gradb.debugger.debugger import Debugger
from gradb.debugger.judging import load_rules
from gradb.frame.reader import TapeError
from gradb.present.options import Options

if TYPE_CHECKING:
    from gradb.diagnosis.judged import Judged

_BUDGET = 0.015
"""Seconds of judging at a time, on the thread that takes keys."""
_EVERY = 1.0
"""Seconds between two times while the script runs."""


class JudgingView:
    """Keeps the options up to date with what was found."""

    def __init__(self) -> None:
        self._looked_at = float("-inf")
        self._known: tuple[object, ...] = ()
        self._loading: Thread | None = None

    def is_ready(self) -> bool:
        """Tell whether the rules are loaded, which is done on a thread of its own from the first time on."""
        if self._loading is None:
            self._loading = Thread(target=load_rules, name="gradb-rules", daemon=True)
            self._loading.start()
        return not self._loading.is_alive()

    def update(self, options: Options, debugger: Debugger, now: float) -> Options:
        """Judge a little, if there is something to judge and it is time; return the options with what is new."""
        tape, judging = debugger.tape, debugger.judging
        if tape is None or self.is_done(debugger) or (debugger.is_running and now - self._looked_at < _EVERY):
            return options
        if not self.is_ready():
            return options
        self._looked_at = now
        try:
            is_done = judging.look(tape, _BUDGET)
        except TapeError:
            is_done = True  # the Frame says so
        self._known = _known(debugger) if is_done else ()
        return options if judging.judged == options.judged else replace(options, judged=judging.judged)

    def is_done(self, debugger: Debugger) -> bool:
        """Tell whether all that is recorded is judged."""
        return self._known == _known(debugger)


def _known(debugger: Debugger) -> tuple[object, ...]:
    return debugger.tape, debugger.head, debugger.is_live, debugger.judging.with_hints


def marks_of(judged: Judged | None) -> tuple[int, ...]:
    """Return the events that something was found at."""
    return () if judged is None else tuple(fault.finding.event for fault in judged.found)


def found_alone(judged: Judged | None) -> Judged | None:
    """Return what was found, without how far that was looked for: the same as long as nothing more is found."""
    return None if judged is None else replace(judged, position=0, judged=(), unjudged=(), suppressed=0)
