"""The questions of a script that teaches, on the screen: they are asked when a movement comes to them.

The position is then where the step to the answer begins. It stays there when the question is answered, so that the
learner sees the answer come about. The keys stay what they are, so that one can look around for what one needs, until
the line to answer on is opened; who goes on instead passes the question over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from gradb.debugger.ahead import moment_here, moment_told, run_ahead
from gradb.debugger.commands.actions import continue_, is_reason_to_stop
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.quiz.quiz import faults_of, questions_of
from gradb.frame.lesson.lesson import Moment
from gradb.present.options import Asked, Options
from gradb.tui.answering import AnswerLine
from gradb.tui.telling import Tone

_JUMPS = frozenset({"goto", "head", "start", "finish", "until"})
"""Commands that go somewhere and not on: nothing is asked on their way."""
_FAR = "iteration @"
"""How a command begins that goes to an iteration wherever it is, which is no way on either."""
_MOST_AHEAD = 2_000
"""Steps that a script takes to the end of a statement before it is asked for again."""
_NOT_YET = "… not judged: the script is in the statement still. Enter lets it run on"

_GOES_ON = "Esc goes on"
"""Behind the engine's answer: were the line closed at once, what is typed next would be taken for commands."""


class Asking(Protocol):
    """The screen, as far as questions are concerned."""

    options: Options

    def notice(self, text: str, tone: Tone = "news") -> None:
        """Say something to the user."""

    def update_frame(self) -> None:
        """Show that the position may be another."""


class Quizzing:
    """Asks the questions on one screen.

    Args:
        screen: where they are asked.
        open_answer: shows the line to answer on, or hides it and gives the keyboard back.
    """

    def __init__(self, screen: Asking, open_answer: Callable[[bool], object]) -> None:
        self._screen, self._open_answer = screen, open_answer
        self._debugger: Debugger | None = None
        self._origin = 0
        self._asked: Asked | None = None
        self._place = 0  # where it is asked
        self._is_open = False
        self._pending = ""  # an answer that is judged once the script has left the statement
        self._ahead = 0
        self._is_paused = False  # somebody has the script pause
        self._is_read = False  # whether what is wrong with the lesson was said
        self.line = AnswerLine(self.check, self.leave)

    def look(self, debugger: Debugger, command: str) -> str:
        """Ask what the last movement has come to, once the debugger stands still.

        Returns:
            What was said of an answer that waited for this.

        Raises:
            UserError: the tape is damaged.
        """
        if debugger is not self._debugger:
            self._debugger, self._origin = debugger, debugger.position
            debugger.quiz.is_asking, self._is_read = True, False
            self._close()
            self._screen.options = replace(self._screen.options, given=frozenset())
        if debugger.is_running or debugger.progress is not None:
            return ""
        was_paused, self._is_paused = self._is_paused, False
        if not self._is_read and debugger.tape is not None:
            self._is_read = True
            if faults := faults_of(debugger.tape):
                more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
                self._screen.notice(faults[0] + more, "warning")
        if self._pending:
            return self.check(self._pending)
        self._follow(debugger)
        origin, self._origin = self._origin, debugger.position
        word = command.partition(" ")[0]
        if debugger.inplace or debugger.position <= origin or word in _JUMPS or command.startswith(_FAR):
            return ""
        moment = debugger.quiz.met(debugger.tape, origin, debugger.position)
        if moment is not None:
            self._ask(debugger, moment, max(moment.place, origin))
        elif word == "continue" and not was_paused and self._is_on_the_way(debugger, origin):
            before, self._origin = debugger.position, origin
            continue_(1)(debugger, "")  # it has stopped for a question that is asked further on in the statement
            if debugger.position > before:
                return self.look(debugger, command)
        return ""

    def _is_on_the_way(self, debugger: Debugger, origin: int) -> bool:
        """Tell whether `continue` has stopped for a question alone, and not because somebody had the script pause."""
        event, stops = debugger.event(), debugger.quiz.stops(debugger.tape, origin)
        return (
            event is not None and any(stop.matches(event, None) for stop in stops) and not is_reason_to_stop(debugger)
        )

    def answer(self, debugger: Debugger | None, text: str) -> None:
        """Open the line for the question at the position, which may be asked again; with a text, judge that.

        Raises:
            UserError: there is none.
        """
        if debugger is None or debugger.tape is None:
            raise UserError("there is no question yet")
        if self._screen.options.asked is None:
            moment = moment_here(debugger)
            at = debugger.position if moment.place <= debugger.position < moment.met else moment.place
            self._ask(debugger, moment, at)
        self._open(True)
        if text:
            self.check(text)

    def check(self, text: str) -> str:
        """Judge an answer; where it is not known yet what is right, let the script come to it first.

        Returns:
            What was said, where the question is over.
        """
        debugger, question = self._debugger, None if self._asked is None else self._asked.question
        self._pending = ""
        if debugger is None or question is None or debugger.tape is None:
            return ""
        try:
            position = moment_told(debugger, question)
            if position is None:
                self._wait_for(debugger, text)
                return ""
            reply = debugger.quiz.answer(debugger.tape, position, question, text)
        except UserError as error:
            self._say(f"✗ {error}")
            return ""
        self._reveal(debugger)
        if reply.verdict.is_right:
            return self._leave(f"{reply.text(question)}; go on to see it come about", "news")
        self._say(f"{reply.text(question)}. {_GOES_ON}" if reply.is_told else reply.text(question))
        return ""

    def break_off(self) -> None:
        """Let an answer wait no longer for the script to come to the end of the statement, nor have a script run on
        that is paused now.
        """
        self._is_paused = True  # until it stands still
        if self._pending:
            self._pending = ""
            self._say(_NOT_YET)

    def leave(self) -> None:
        """Give the keyboard back; the question stays, unless its answer was told."""
        self._pending = ""
        if self._debugger is not None and self._asked and self._debugger.quiz.is_done([self._asked.question]):
            self._leave("go on to see how it comes about; `a` asks again", "news")
        else:
            self._open(False)

    def _follow(self, debugger: Debugger) -> None:
        """Show the question where it is asked alone; who has gone past that has passed it over."""
        if self._asked is None:
            return
        if debugger.inplace or debugger.position > self._place:
            debugger.quiz.skip(self._asked.question)
            self._reveal(debugger)
            self._close()
        else:
            self._show(self._asked if debugger.position == self._place else None)

    def _show(self, asked: Asked | None) -> None:
        if self._screen.options.asked != asked:
            self._screen.options = replace(self._screen.options, asked=asked)

    def _open(self, is_open: bool) -> None:
        if self._is_open != is_open:
            self._is_open = is_open
            self._open_answer(is_open)

    def _ask(self, debugger: Debugger, moment: Moment, position: int) -> None:
        debugger.go(position)
        self._debugger, self._origin, self._place = debugger, position, position
        self._asked, self._ahead = Asked(moment.question, len(questions_of(debugger.tape))), 0
        debugger.quiz.ask(moment.question)
        self._show(self._asked)
        self._screen.notice("")

    def _wait_for(self, debugger: Debugger, text: str) -> None:
        self._ahead += 1
        if self._ahead > _MOST_AHEAD:
            self._ahead = 0
            self._say(_NOT_YET)
            return
        self._pending = text
        self._say("… the script runs on to the end of the statement")
        run_ahead(debugger)

    def _reveal(self, debugger: Debugger) -> None:
        """Let the hints be read that were given."""
        given = debugger.quiz.given(questions_of(debugger.tape))
        if given != self._screen.options.given:
            self._screen.options = replace(self._screen.options, given=given)

    def _say(self, text: str) -> None:
        if self._asked is not None and self._asked.said != text:
            self._asked = replace(self._asked, said=text)
            self._show(self._asked)

    def _leave(self, text: str, tone: Tone) -> str:
        self._close()
        self._screen.notice(text, tone)
        self._screen.update_frame()
        return text

    def _close(self) -> None:
        self._asked, self._pending = None, ""
        self._show(None)
        self._open(False)
