"""A debugger and its ghost in an event loop: statements go in, a call says that something changed. Nothing ever blocks.

Knows the debugger and asyncio; knows nothing of the screen. The debugger keeps the steps that are asked for while the
script moves; here only the later statements of one line (`until node Pow; back 2`) wait for the earlier ones.
"""

from __future__ import annotations

import asyncio
import signal
from collections import deque
from typing import Protocol

from gradb.debugger.branches.family import Family
from gradb.debugger.commands.frontend import FrontEnd
from gradb.debugger.commands.language import Statement, parse
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.ghost import Ghost
from gradb.tui.checks import Checks, Told
from gradb.tui.evaluations import Evaluations
from gradb.tui.slices import FIRST, Slices
from gradb.tui.telling import Tone

_MOST_KEPT = 20
"""Statements that wait for a search to be over."""
_EARLY = frozenset({"quit", "help", "prompt", "interrupt", "break-off", "pause"})
"""What keys may do before there is anything to be seen."""
_FOR_ALL = frozenset({signal.SIGHUP, signal.SIGWINCH, signal.SIGCONT})


class Front(Told, FrontEnd, Protocol):
    """The screen, as far as a session has to do with it."""

    def update_frame(self) -> None:
        """Show that the debugger may be somewhere else, or in another state."""

    def stands_still(self, command: str) -> str:
        """Hear that the debugger may stand still after a command, and return what was said to the user of that.

        May raise UserError.
        """

    def keeps(self, statement: Statement) -> bool:
        """Keep a statement for a run that is still to come, where it is for that; return whether it was."""

    def run_on_screen(self, statement: Statement) -> None:
        """Carry out a command that is about the screen; may raise UserError."""


class Session:
    """One debugger, or none yet, and the statements that wait for it."""

    def __init__(self, front: Front) -> None:
        self.debugger: Debugger | None = None
        self.family: Family | None = None
        """The run and its branches, of which the debugger is one's."""
        self.ghost: Ghost | None = None
        """Another run to look at beside it."""
        self.checks = Checks(front)
        self.doing = ""
        """What was carried out last, as typed."""
        self._front = front
        self._slices = Slices(self._on_found)
        self._evaluations = Evaluations()
        self._verdict = ""  # of the last answer, until the next statement
        self._waiting: deque[Statement] = deque()
        self._watched: frozenset[int] = frozenset()

    def begin(self, debugger: Debugger) -> None:
        """Take the debugger."""
        self.debugger, self.family = debugger, Family(debugger)
        debugger.patience, self.doing = FIRST, ""
        self.family.find()
        self._ask()
        self.poll()
        self._front.update_frame()

    def look_at(self, debugger: Debugger) -> None:
        """Go on with another run of the family; what waits was meant for the one before."""
        self._slices.end()
        self._waiting.clear()
        self.debugger, self.doing = debugger, ""
        self._ask()
        self._watch()
        self._front.update_frame()

    def take_waiting(self) -> list[str]:
        """Return what waits, and forget it."""
        taken = [statement.text for statement in self._waiting]
        self._waiting.clear()
        return taken

    def press(self, text: str) -> None:
        """Run the statements of a key; before there is anything to be seen, only if they are of the few that may be."""
        debugger = self.debugger
        if (debugger is not None and _has_begun(debugger)) or all(each.command.name in _EARLY for each in parse(text)):
            self.submit(text)
        else:
            self._refuse(text)

    def submit(self, text: str) -> None:
        """Run the statements of ``text``, each as soon as the script stands still after the one before."""
        self._verdict = ""
        try:
            statements = parse(text)
        except UserError as error:
            self._front.notice(str(error), "refusal")
            return
        if self.is_searching or self._is_for_behind_a_step(statements):
            self._keep(statements)
            return
        self._waiting = deque(statements)
        if self.debugger is not None:
            self.debugger.missed = None
        if self._waiting:
            self._run(self._waiting.popleft())
        self._advance()

    def _is_for_behind_a_step(self, statements: list[Statement]) -> bool:
        """Tell whether statements are for where a step leads that the script is at: they change something there."""
        if self.debugger is None or not self.debugger.is_stepping:
            return False
        is_change = any(statement.command.group == "change" for statement in statements)
        return (is_change or bool(self._waiting)) and all(each.command.name != "pause" for each in statements)

    @property
    def is_moving(self) -> bool:
        """True while a script runs, or a recording is searched."""
        is_ghost_running = self.ghost is not None and self.ghost.is_running
        is_kin_running = self.family is not None and self.family.is_running
        return (
            is_ghost_running
            or is_kin_running
            or self.is_searching
            or (self.debugger is not None and self.debugger.is_running)
        )

    @property
    def is_searching(self) -> bool:
        """True while a recording is searched."""
        return self.debugger is not None and self.debugger.progress is not None

    def _keep(self, statements: list[Statement]) -> None:
        """Have statements wait for the search, but for those about the screen."""
        for statement in statements:
            if statement.command.has_screen:
                self._run(statement)
            elif len(self._waiting) < _MOST_KEPT:
                self._waiting.append(statement)

    def break_off_search(self) -> str:
        """Give up a search, and what waits for it, and return what to say; empty where there is none."""
        debugger = self.debugger
        if debugger is None or debugger.progress is None:
            return ""
        reached = debugger.progress.where
        debugger.break_off()
        self._slices.end()
        self._waiting.clear()
        self._front.update_frame()
        at = f" at event {reached}: the position is where it was" if reached else ""
        return f"`{self.doing}` was broken off{at}"

    def _on_found(self, error: UserError | None) -> None:
        """Go on once a search is over."""
        if error is not None:
            self._waiting.clear()
            self._front.notice(str(error), "warning")
        self._advance()

    def printed(self, argument: str, width: int) -> str:
        """Return what an expression comes to: see ``Evaluations``."""
        return self._evaluations.printed(self.debugger, argument, width)

    def set_ghost(self, ghost: Ghost | None) -> None:
        """Take a ghost in place of the one there was, if any; None: let that go."""
        before, self.ghost = self.ghost, ghost
        if self.family is not None:
            self.family.haunt(ghost)
            self.debugger = self.family.current
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
        """Begin a numerical check, or end the one under way, and return what to say: see ``Checks``."""
        return self.checks.begin(self.debugger, argument)

    def poll(self) -> None:
        """Take in what the debuggees have said."""
        if self.debugger is None:
            return
        self.checks.poll()
        has_news = self.ghost is not None and self.ghost.pump()
        has_news = (self.family is not None and self.family.pump()) or has_news
        try:
            has_changed = self.debugger.pump(0.0)
        except UserError as error:
            self._front.notice(str(error), "warning")
            has_changed = True
        if has_changed:
            self._advance()
            if known := self._evaluations.recalled(self.debugger):
                self._front.notice(known)
        elif has_news:
            if self.family is not None and (told := self.family.take_news()):
                self._front.notice(told)
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
        self._slices.end()
        self.checks.close()
        ends = [each for each in (self.debugger, self.ghost) if each is not None]
        if ends:
            self._watch(is_over=True)
        if self.debugger is not None and grace:
            self.debugger.run.linger(grace)
        family, self.family = self.family, None
        self.debugger = self.ghost = None  # or who still looked at the run would open its tape again
        if family is not None:
            family.close()
        for each in ends:
            each.close()

    def _advance(self) -> None:
        while self._waiting and not (self.debugger and (self.debugger.is_running or self.is_searching)):
            if self.debugger is not None and self.debugger.missed is not None:
                self._waiting.clear()  # they were meant for the place that was not found
            else:
                self._run(self._waiting.popleft())
        if self.debugger is not None:
            if not self._waiting:
                self._verdict = self._ask() or self._verdict
            self._slices.begin(self.debugger)
            kin = "" if self.family is None else self.family.take_news()
            said = [text for text in (self.debugger.message, self.debugger.take_news(), kin) if text]
            news: Tone = "end" if self.debugger.tells_of_end else "news"
            self.debugger.message, self.debugger.tells_of_end = "", False
            if said:  # behind what an answer is worth, for which the script may have run to its end
                said = [text for text in (self._verdict, *said) if text]
                self._front.notice("; ".join(said), news if self.debugger.missed is None else "warning")
        self._front.update_frame()

    def _ask(self) -> str:
        """Have the front ask what the script asks at the place that was come to; return what it has said."""
        try:
            return self._front.stands_still(self.doing)
        except UserError as error:
            self._front.notice(str(error), "warning")
            return str(error)

    def _run(self, statement: Statement) -> None:
        """Carry one statement out and pass on what there is to say."""
        try:
            if statement.command.has_screen:
                self._front.run_on_screen(statement)
            elif statement.command.front is not None:
                statement.command.front(self._front, statement.argument)
            elif self.debugger is None or self._is_too_early(statement):
                self._refuse(statement.command.name)
            elif not self._front.keeps(statement):
                self._carry_out(statement, self.debugger)
        except UserError as error:
            self._waiting.clear()
            self._front.notice(str(error), "refusal")

    def _carry_out(self, statement: Statement, debugger: Debugger) -> None:
        """Carry out what is the debugger's; while a movement is under way another is refused, and that one goes on.

        Raises:
            UserError: it is refused.
        """
        command, before = statement.command, self.doing
        is_second = debugger.is_running and command.group in {"move", "run"} and command.name != "pause"
        self.doing = before if is_second else statement.text
        try:
            statement.run(debugger, self._front)
        except UserError:
            self.doing = before
            raise

    def _refuse(self, name: str) -> None:
        """Say that a command was not carried out, since there is nothing yet that it could be about."""
        status = "starting" if self.debugger is None else self.debugger.status
        self._front.notice(f"`{name}` was not done: the script had not begun ({status})", "warning")

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
        if self.family is not None and not is_over:
            wanted |= {*self.family.filenos()}
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
