"""The front end that tells a run as text, for a pipe, a log and a screen reader: nobody steers it.

It walks the first iteration step by step, lets the rest run, and says in the end what that came to. What is said of a
step is ``present.told``'s, how a debugger moves is the debugger's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from operator import itemgetter

from gradb.algebra.figures import counted
from gradb.batch.echo import Echo
from gradb.batch.questions import Asked
from gradb.batch.show import Style, pane_text
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.diagnosis.explaining import explanation_of_end
from gradb.diagnosis.fault import Fault
from gradb.diagnosis.finding import Finding
from gradb.diagnosis.judged import judged_of
from gradb.diagnosis.judgement import Judgement
from gradb.diagnosis.selection import Selection
from gradb.frame.frame import Frame, RunInfo
from gradb.frame.reader import Tape
from gradb.present.draw.ascii import spelled_line
from gradb.present.draw.safe import plain
from gradb.present.lines.captions import caption_text
from gradb.present.lines.findings import headline, place_text
from gradb.present.told.course import ending_lines, milestones
from gradb.present.told.steps import step_lines
from gradb.tape.kinds.backward_end import BackwardEndDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.output import OutputDetail
from gradb.tape.kinds.registry import Kind
from gradb.tape.stops import Stop

MAX_STEPS = 200
"""Steps of the first iteration that are told."""
_MAX_COUNTED = 100_000
"""Further events of it that are looked at, to say how many more steps there are."""
_MAX_FINDINGS = 20
_MAX_JUDGED = 20_000
"""Events that are judged, so that nobody waits long for the end."""
_EVERY = 0.25
_TOLD_ALWAYS: tuple[Kind, ...] = ("output", "error", "breakpoint", "note", "intervention", "depth")
"""Kinds of events that are told of behind the first iteration too."""


class Walk:
    """Tells one run from its start to its end, once.

    Args:
        debugger: the run; a live one is paused at its start.
        style: about how wide values are.
        write: takes what is told, as it comes.
    """

    def __init__(self, debugger: Debugger, style: Style, write: Callable[[str], object]) -> None:
        self._debugger = debugger
        self._style = style
        self._echo = Echo(write)
        self._told = 0  # the last event that was told of, or passed
        self._steps = 0
        self._phase = ""
        self._ruled: set[str] = set()  # names of the nodes whose rule was told
        self._caption, self._asked = "", Asked()

    def run(self) -> None:
        """Tell all of it, as it was recorded, and nothing of what was lived again.

        Raises:
            UserError: the script could not begin, or the tape is damaged.
        """
        self._debugger.inplace.put(())
        self._wait(lambda: None)
        self._echo.say(_opening(self._debugger))
        while self._steps < MAX_STEPS and self._step():
            pass
        last = self._told
        if self._debugger.is_live or (self._debugger.tape is not None and last < self._debugger.head):
            self._echo.say(self._interval())
            self._debugger.run_to_end()
            self._wait(self._follow)
            self._follow()
        self._close(last)

    def _wait(self, tell: Callable[[], object]) -> None:
        """Wait until the script pauses or is over, and tell meanwhile of what comes."""
        while self._debugger.is_running:
            if self._debugger.pump(_EVERY):
                tell()
        if self._debugger.failure and not self._debugger.run.is_lost:
            raise UserError(self._debugger.failure)

    # --- the first iteration ------------------------------------------------------------------------------------------

    def _step(self) -> bool:
        """Go one step on and tell of it; False where there is none, or where it is of another iteration."""
        debugger, before = self._debugger, self._debugger.position
        debugger.forward(Stop("step"))
        self._wait(self._echo_prints)
        event = debugger.event() if debugger.position > before else None
        is_next = event is not None and event.iteration > 1 and event.kind != "end"
        if (tape := debugger.tape) is not None:
            until = debugger.position - is_next
            self._echo.say(*self._asked.before(tape, before, until))
            for one in tape.events(self._told + 1, until):
                self._tell(tape, one)
            self._echo.say(*self._asked.after(tape, until))
        return event is not None and not is_next and event.kind != "end"

    def _echo_prints(self) -> None:
        """Pass on what the script prints before its next step, while that takes its time."""
        if (tape := self._debugger.tape) is None:
            return
        for event in tape.events(self._told + 1):
            if event.kind != "output":
                return
            self._tell(tape, event)

    def _tell(self, tape: Tape, event: Event) -> None:
        """Tell of an event what there is to tell; of most that are no steps that is nothing."""
        self._told = event.seq
        if event.kind == "output":
            self._print(tape, event)
        elif event.kind != "end" and (event.is_stop or event.kind == "backward_start" or _is_failure(tape, event)):
            self._steps += event.is_stop
            if event.phase != self._phase:
                self._phase = event.phase
                self._echo.say(f"{plain(event.phase).capitalize()}:")
            self._say_step(tape, event)

    def _say_step(self, tape: Tape, event: Event) -> None:
        """Say what has happened; a fault of ours in this costs no more than that."""
        is_told = event.kind == "node" and event.name in self._ruled
        self._ruled |= {event.name} if event.kind == "node" else set()
        try:
            frame = tape.frame(event.seq)
            told = [*self._new_caption(frame), *step_lines(frame, self._style.width, with_rules=not is_told)]
        except Exception as error:
            told = [f"event {event.seq:,}: it cannot be told ({type(error).__name__}: {plain(str(error), 200)})"]
        self._echo.say(*told)

    def _new_caption(self, frame: Frame) -> list[str]:
        """Return what the script's comments say from here on, where that is something else than before."""
        before, self._caption = self._caption, caption_text(frame.lesson)
        return [f"#: {self._caption}"] if self._caption not in {before, ""} else []

    def _print(self, tape: Tape, event: Event) -> None:
        detail = tape.detail(event.seq)
        if isinstance(detail, OutputDetail):
            self._echo.print(detail.stream, detail.text)

    # --- the rest -----------------------------------------------------------------------------------------------------

    def _interval(self) -> str:
        if self._steps >= MAX_STEPS:
            return f"{MAX_STEPS} steps are told, and no more of iteration 1; the run goes on."
        return f"Iteration 1 is over after {counted(self._steps, 'step')}; the run goes on."

    def _follow(self) -> None:
        """Tell what the script prints, its losses now and then, and what goes wrong."""
        tape, head = self._debugger.tape, self._debugger.head
        if tape is None:
            return
        found: list[tuple[int, str]] = [(seq, "") for kind in _TOLD_ALWAYS for seq in self._of_kind(tape, kind, head)]
        for seq, sentence in sorted([*found, *milestones(tape.series, self._told, head)], key=itemgetter(0)):
            event = tape.event(seq)
            if sentence:
                self._echo.say(sentence)
            elif event.kind == "output":
                self._print(tape, event)
            else:
                self._say_step(tape, event)
        self._told = head

    def _of_kind(self, tape: Tape, kind: Kind, head: int) -> Iterator[int]:
        found: int | None = self._told
        while found is not None and (found := tape.find(Stop("kind", kind), found, 1, head)) is not None:
            yield found

    # --- the end ------------------------------------------------------------------------------------------------------

    def _close(self, last: int) -> None:
        """Say what it all came to; ``last``: the last event that was told step by step."""
        debugger, tape = self._debugger, self._debugger.tape
        self._echo.end()
        if tape is None:
            return
        debugger.go(debugger.head)
        self._echo.say("", *ending_lines(debugger.frame()))
        self._echo.say(*self._asked.rest(tape))
        if left := self._left(tape, last):
            self._echo.say(f"Of iteration 1 {left} not told (gradb --plain tells {MAX_STEPS}).")
        self._echo.say(*_findings(tape))
        if any(series.kind == "loss" and series.count > 1 for series in tape.series):
            self._echo.say("", *map(spelled_line, pane_text("training", debugger.frame(), self._style).splitlines()))

    def _left(self, tape: Tape, last: int) -> str:
        """Return how many steps of the first iteration were not told; empty where none."""
        count, end = 0, min(last + _MAX_COUNTED, tape.head)
        for event in tape.events(last + 1, end):
            if event.iteration > 1 or event.kind == "end":
                end = 0
                break
            count += event.is_stop
        if not count:
            return ""
        least = "at least " if 0 < end < tape.head else ""
        return f"{least}{counted(count, 'more step')} {'is' if count == 1 else 'are'}"


def _opening(debugger: Debugger) -> str:
    run: RunInfo | None = debugger.tape.run if debugger.tape is not None else None
    spec = debugger.run.spec
    name = plain(run.script if run is not None and run.script else spec.target if spec is not None else "")
    title = f" ({plain(run.title, 200)})" if run is not None and run.title else ""
    return f"gradb tells {name}{title} step by step. What the script prints follows a |, or a |! on stderr."


def _is_failure(tape: Tape, event: Event) -> bool:
    """Tell whether an event is the end of a backward that has failed."""
    detail = tape.detail(event.seq) if event.kind == "backward_end" else None
    return isinstance(detail, BackwardEndDetail) and bool(detail.error)


def _findings(tape: Tape) -> list[str]:
    """Return a line for each finding, and up to where was judged if that is not all.

    The explanation of the error that ended the script is none of them: it is told at length on stderr.
    """
    judgement = Judgement(tape, Selection().rules())
    is_whole = judgement.advance(_MAX_JUDGED)
    end = None
    with contextlib.suppress(Exception):  # a fault of ours in this is told where the error is explained
        end = explanation_of_end(tape)
    faults = [one for one in judged_of(tape, judgement.verdict()).until(tape.head) if not _is_of_end(one, end)]
    told = [f"finding: {place_text(one, tape.run)}: {headline(one)}" for one in faults[:_MAX_FINDINGS]]
    more = len(faults) - _MAX_FINDINGS
    told += [f"and {counted(more, 'more finding')}"] if more > 0 else []
    return told if is_whole else [*told, f"Judged up to event {judgement.position:,} (gradb check judges more)."]


def _is_of_end(fault: Fault, end: Finding | None) -> bool:
    """Tell whether a fault is no more than what explains the error that ended the script."""
    found = fault.finding
    if end is None or fault.count > 1:
        return False
    return (found.code, found.message, found.file, found.line) == (end.code, end.message, end.file, end.line)
