"""A debugger and its ghost in an event loop: statements go in, a call says that something changed. Nothing ever blocks.

Knows the debugger and asyncio; knows nothing of the screen. The debugger keeps the steps that are asked for while the
script moves; here only the later statements of one line (`until node Pow; back 2`) wait for the earlier ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import deque
from typing import Protocol

from gradb.algebra.differences import Result
from gradb.debugger.breakpoints import Mark
from gradb.debugger.commands.frontend import FrontEnd
from gradb.debugger.commands.language import Statement, command_of, parse
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.existence.admission import located, occurs
from gradb.debugger.ghost import Ghost
from gradb.debugger.gradcheck import gradcheck
from gradb.debugger.gradcheck.gradcheck import GradCheck
from gradb.debugger.printing import Printed, answer, ask, recalled
from gradb.debugger.stops import parse_stop
from gradb.frame.frame import Frame
from gradb.present.lines.operand import printed_line

_WIDE = 200
"""Cells of a line that is told without being asked for one of some width."""
_EARLY = frozenset({"quit", "help", "prompt", "interrupt", "break-off", "pause"})
"""What keys may do before there is anything to be seen."""
_FOR_ALL = frozenset({signal.SIGHUP, signal.SIGWINCH, signal.SIGCONT})


class Front(FrontEnd, Protocol):
    """The screen, as far as a session has to do with it."""

    def notice(self, text: str, is_error: bool = False) -> None:
        """Say something to the user; ``is_error``: about a mistake."""

    def update_frame(self) -> None:
        """Show that the debugger may be somewhere else, or in another state."""

    def show_finding(self, result: Result) -> None:
        """Show what a numerical check has found."""

    def run_on_screen(self, statement: Statement) -> None:
        """Carry out a command that is about the screen; may raise UserError."""


class Session:
    """One debugger, or none yet, and the statements that wait for it."""

    def __init__(self, front: Front) -> None:
        self.debugger: Debugger | None = None
        self._asked = ""
        """What the script was asked for and has not answered yet."""
        self.ghost: Ghost | None = None
        """Another run to look at beside it."""
        self.check: GradCheck | None = None
        """A numerical check under way."""
        self._front = front
        self._waiting: deque[Statement] = deque()
        self._watched: frozenset[int] = frozenset()

    def begin(self, debugger: Debugger) -> None:
        """Take the debugger."""
        self.debugger = debugger
        self.poll()
        self._front.update_frame()

    def press(self, text: str) -> None:
        """Run the statement of a key; before there is anything to be seen, only if it is one of the few that may be."""
        debugger = self.debugger
        if command_of(text)[0].name in _EARLY or (debugger is not None and _has_begun(debugger)):
            self.submit(text)
        else:
            self._refuse(text)

    def submit(self, text: str) -> None:
        """Run the statements of ``text``, each as soon as the script stands still after the one before."""
        try:
            statements = parse(text)
        except UserError as error:
            self._front.notice(str(error), True)
            return
        self._waiting = deque(statements)
        if self.debugger is not None:
            self.debugger.missed = None
        if self._waiting:
            self._run(self._waiting.popleft())
        self._advance()

    def set_ghost(self, ghost: Ghost | None) -> None:
        """Take a ghost in place of the one there was, if any; None: let that go."""
        before, self.ghost = self.ghost, ghost
        self._watch()
        if before is not None:
            before.close()
        self._front.update_frame()

    def stop_ghost(self) -> str:
        """End a ghost that runs, and return what to say; its losses stay. Empty where none runs."""
        if self.ghost is None or not self.ghost.is_running:
            return ""
        self.ghost.stop()
        self._watch()
        self._front.update_frame()
        return "the ghost is broken off; `ghost off` takes its losses away too"

    def gradcheck(self, argument: str) -> str:
        """Begin a numerical check in place of the one under way, or with ``off`` end that; return what to say.

        Raises:
            UserError: there is nothing to check, or no check to end.
        """
        if argument == "off":
            if self.check is None:
                raise UserError("there is no check under way")
            self.check.close()
            self.check = None
            return "the check is given up"
        if self.debugger is None:
            raise UserError("there is no run yet to check")
        check = gradcheck.start(self.debugger, argument)
        if self.check is not None:
            self.check.close()
        self.check = check
        return "gradcheck: the script is run again, six times or ten; `gradcheck off` gives up"

    def printed(self, argument: str, width: int) -> str:
        """Return what an expression comes to, on a line; nothing where the script was asked, which answers later.

        Raises:
            UserError: it cannot be read, or speaks of what there is not.
        """
        if self.debugger is None:
            raise UserError("there is no run yet to ask")
        found = ask(self.debugger, argument)
        if found is None:
            self._asked = argument
            return "the script evaluates it: `pause` breaks that off"
        return _told(found, width)

    def _recall(self) -> None:
        """Tell what the tape has, once the script has answered that its frame does not know a name."""
        text, debugger = self._asked, self.debugger
        if not text or debugger is None or debugger.is_running:
            return
        self._asked = ""
        with contextlib.suppress(UserError):  # it has not answered: it is over
            if (known := recalled(debugger, answer(debugger), text)) is not None:
                self._front.notice(_told(known, _WIDE), False)

    def _poll_check(self, check: GradCheck) -> None:
        before = (check.runs, check.doing)
        try:
            is_over = check.pump()
        except UserError as error:
            self.check = None
            self._front.notice(f"gradcheck: {error}", True)
            return
        if is_over and check.result is not None:
            self.check = None
            self._front.show_finding(check.result)
        elif before != (check.runs, check.doing):
            self._front.notice(f"gradcheck: {check.doing} ({check.runs} runs made)", False)

    def poll(self) -> None:
        """Take in what the debuggees have said."""
        if self.debugger is None:
            return
        if self.check is not None:
            self._poll_check(self.check)
        has_news = self.ghost is not None and self.ghost.pump()
        try:
            has_changed = self.debugger.pump(0.0)
        except UserError as error:
            self._front.notice(str(error), True)
            has_changed = True
        if has_changed:
            self._advance()
            self._recall()
        elif has_news:
            self._front.update_frame()
        self._watch()

    def signal(self, number: int) -> None:
        """Send the script a signal that came to the app; what a terminal sends goes to its children too."""
        if self.debugger is not None:
            self.debugger.run.signal(number, is_for_all=number in _FOR_ALL)

    def stop(self) -> None:
        """Stop the script, since the app is about to stop."""
        if self.debugger is not None:
            self.debugger.run.stop()

    def close(self, grace: float = 0.0) -> None:
        """Leave the event loop and end the debuggees, after ``grace`` seconds for the first to end; idempotent."""
        self._waiting.clear()
        if self.check is not None:
            self.check.close()
        ends = [each for each in (self.debugger, self.ghost) if each is not None]
        if ends:
            self._watch(is_over=True)
        if self.debugger is not None and grace:
            self.debugger.run.linger(grace)
        for each in ends:
            each.close()

    def _advance(self) -> None:
        while self._waiting and not (self.debugger and self.debugger.is_running):
            if self.debugger is not None and self.debugger.missed is not None:
                self._waiting.clear()  # they were meant for the place that was not found
            else:
                self._run(self._waiting.popleft())
        if self.debugger is not None:
            said = [text for text in (self.debugger.message, self.debugger.take_news()) if text]
            self.debugger.message = ""
            if said:
                self._front.notice("; ".join(said), False)
        self._front.update_frame()

    def _run(self, statement: Statement) -> None:
        """Carry one statement out and pass on what there is to say."""
        try:
            if statement.command.has_screen:
                self._front.run_on_screen(statement)
            elif statement.command.front is not None:
                statement.command.front(self._front, statement.argument)
            elif self.debugger is None or self._is_too_early(statement):
                self._refuse(statement.command.name)
            else:
                statement.run(self.debugger, self._front)
        except UserError as error:
            self._waiting.clear()
            self._front.notice(str(error), True)

    def _refuse(self, name: str) -> None:
        """Say that a command was not carried out, since there is nothing yet that it could be about."""
        status = "starting" if self.debugger is None else self.debugger.status
        self._front.notice(f"`{name}` was not done: the script had not begun ({status})", False)

    def _is_too_early(self, statement: Statement) -> bool:
        """Tell whether a movement is asked for before there is anything to be seen."""
        debugger = self.debugger
        return (
            debugger is not None
            and not _has_begun(debugger)
            and statement.command.group in {"move", "run"}
            and statement.command.name != "pause"
        )

    def _watch(self, *, is_over: bool = False) -> None:
        """Have the loop call ``poll`` when one of the debuggees has something to say."""
        ends = () if is_over else (self.debugger, self.ghost)
        wanted = frozenset(fd for each in ends if each is not None and (fd := each.fileno()) >= 0)
        if wanted == self._watched:
            return
        loop = asyncio.get_running_loop()
        for fd in self._watched - wanted:
            loop.remove_reader(fd)
        for fd in wanted - self._watched:
            loop.add_reader(fd, self.poll)
        self._watched = wanted


def _has_begun(debugger: Debugger) -> bool:
    """Tell whether there is something to be seen, or a script that waits to take its first step."""
    return debugger.tape is not None or not debugger.is_running


def breakpoint_lines(debugger: Debugger, frame: Frame | None) -> dict[int, Mark]:
    """Return the lines of the Frame's source file that have a breakpoint, and what there is to say of it."""
    file = "" if frame is None or frame.source is None else frame.source.file
    return debugger.breakpoints.marks(file, lambda stop: occurs(stop, debugger))


def toggling(debugger: Debugger | None, line: int) -> str:
    """Return the statement that sets a breakpoint on a line of the source that is shown, or takes it away."""
    where = f"line {line}"
    is_set = debugger is not None and debugger.breakpoints.at(located(parse_stop(where), debugger)) is not None
    return f"{'clear' if is_set else 'break'} {where}"


def _told(found: Printed, width: int) -> str:
    """Return what an expression comes to, and where that is from, on a line."""
    origin = f"  {found.origin}" if found.origin else ""
    return printed_line(found.text, found.found, max(width - len(origin), 20)).plain + origin
