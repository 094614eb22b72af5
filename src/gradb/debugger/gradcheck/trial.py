"""One run of the script that a numerical check makes: started, followed until it has told what it is for, and ended.

It has a tape in a folder of its own, shows nothing of what the script prints, and never waits.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Generic, TypeVar

from gradb.debugger.errors import UserError
from gradb.debugger.folders import temporary
from gradb.debugger.rerun.orders import but_depth, unattended
from gradb.debugger.run import Run
from gradb.frame.reader import Tape, TapeError
from gradb.link.messages import Continue
from gradb.link.spec import Nudge, RunSpec
from gradb.tape.cutting import first_line
from gradb.tape.kinds.error import ErrorDetail
from gradb.tape.stops import Stop

T = TypeVar("T")


class Trial(Generic[T]):
    """A run that is asked one question; it begins when it is first pumped.

    Args:
        spec: what to run, as the user's own run has it; tape, pauses and output are the trial's.
        about: which run it is, for what is said when it fails: ``as it is``, ``with a[2] + 0.01``.
        ask: looks at the tape whenever the script pauses and when it is over (the second argument); returns the
            answer, or None where it is not there yet.
        stop: the kind of event at which the script pauses.
        nudge: what is changed in this run.
        command: what is started in place of the tracer, in tests.
    """

    def __init__(
        self, spec: RunSpec, about: str, ask: Callable[[Tape, bool], T | None], stop: str, nudge: Nudge | None = None,
        command: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        self.answer: T | None = None
        self._about, self._ask, self._command = about, ask, command
        self._stops = (Stop("kind", stop),)
        self._spec = unattended(spec, breakpoints=self._stops, interventions=but_depth(spec), nudge=nudge)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._run: Run | None = None

    def _begin(self) -> Run:
        self._folder = temporary("gradb-check-")
        self._run = Run.launch(replace(self._spec, tape=str(Path(self._folder.name) / "run.tape")), self._command)
        return self._run

    def pump(self, timeout: float = 0.0) -> bool:
        """Take in what the script said; return whether the answer is there, and end the run then.

        Raises:
            UserError: the run cannot be started or ended without an answer, or its tape cannot be read.
        """
        run = self._run or self._begin()
        run.pump(timeout)
        if run.is_running and run.is_live:
            return False
        try:
            self.answer = None if run.tape is None else self._ask(run.tape, not run.is_live)
        except TapeError as error:
            raise UserError(str(error)) from error
        if self.answer is None and run.is_live:
            run.run_on(Continue(Stop("end"), self._stops))
            return False
        if self.answer is None:
            raise UserError(
                f"the script, run {self._about}, does not come to the backward that is meant: {how_it_ended(run)}"
            )
        self.close()
        return True

    @property
    def passed(self) -> str:
        """What is to be said of the script's own breakpoints, once the run is over."""
        return "" if self._run is None else self._run.passed

    def close(self) -> None:
        """End the run with all its children and remove its tape; safe to call twice."""
        if self._run is not None:
            self._run.close()
        if self._folder is not None:
            self._folder.cleanup()


def how_it_ended(run: Run) -> str:
    """Say in a clause how a run ended before it came to what it was made for."""
    tape = run.tape
    if tape is None:
        return run.failure or run.status
    seq = tape.find(Stop("kind", "error"), tape.head, -1)
    detail = None if seq is None else tape.detail(seq)
    if isinstance(detail, ErrorDetail):
        return first_line(f"{detail.type}: {detail.message}", 200)
    return run.status


def reading(tape: Tape, fact: str) -> float | None:
    """Return a number that a nudged run has read, or None where it has not.

    Raises:
        UserError: the tape says something else there.
    """
    text = tape.fact(f"nudge_{fact}")
    return None if text is None else _number(text)


def leaf_reading(tape: Tape) -> tuple[float, float] | None:
    """Return the element before and after it was changed, or None where it was not.

    Raises:
        UserError: the tape says something else there.
    """
    text = tape.fact("nudge_leaf")
    try:
        pair = None if text is None else json.loads(text)
        return None if pair is None else (_number(json.dumps(pair[0])), _number(json.dumps(pair[1])))
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise UserError("the tape of a run for the check is damaged") from error


def trouble(tape: Tape) -> str | None:
    """Return why a nudged run could not read what it was made for, or None."""
    text = tape.fact("nudge_trouble")
    try:
        return None if text is None else str(json.loads(text))
    except (ValueError, RecursionError):
        return "it does not say why"


def _number(text: str) -> float:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError("the tape of a run for the check is damaged") from error
    if type(value) not in {int, float}:
        raise UserError("the tape of a run for the check is damaged")
    return math.nan if value != value else float(value)
