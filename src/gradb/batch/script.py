"""The front end without a screen: it runs a command script, in the language of the `:` prompt, on a debugger.

`show` prints panes; a false `expect` ends the script. How commands are read and what they do is the debugger's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from gradb.batch.finding import found_text
from gradb.batch.gradcheck import carry_out, finding_text
from gradb.batch.lines import line
from gradb.batch.printing import answered_text, printed_text
from gradb.batch.show import Style, debugger_text
from gradb.batch.why import error_text, why_text
from gradb.debugger import living
from gradb.debugger.ahead import moment_here, moment_told, run_ahead
from gradb.debugger.branches.changes import read_order
from gradb.debugger.branches.family import Family
from gradb.debugger.branches.making import Made, Wanted, wanted
from gradb.debugger.branches.telling import kin, listed, place_told
from gradb.debugger.commands.language import Statement, parse
from gradb.debugger.commands.registry import needs_screen
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import BrokenOff, CheckpointLost, UserError
from gradb.debugger.expect.expect import read
from gradb.debugger.expect.reading import read as read_expression
from gradb.debugger.gradcheck import gradcheck
from gradb.debugger.printing import answer, ask, recalled
from gradb.debugger.quiz.quiz import questions_of
from gradb.debugger.rerun.consent import Consent, agree
from gradb.debugger.rerun.relived import Relived
from gradb.debugger.seeking import find, node_called
from gradb.debugger.why import why
from gradb.diagnosis.fault import Fault
from gradb.present.json.branches import branches_json
from gradb.present.lines.branches import branch_rows
from gradb.present.lines.questions import question_text

Write = Callable[[str], object]
Let = Callable[[Consent], object]
_READS: dict[str, Callable[[str], object]] = {
    "branch": read_order,
    "expect": read,
    "display": lambda text: read_expression(text) if text else None,
}
"""What has to be readable before anything is run, by the command that it is given to."""


def unasked(consent: Consent) -> None:
    """Let a script be run again only where nobody has to agree to that.

    Raises:
        UserError: somebody has to.
    """
    agree(consent, is_agreed=False, ask=None)


def prepare(text: str, origin: str = "") -> Script:
    """Read a command script, and refuse before anything is run what can be refused.

    Args:
        text: the statements.
        origin: the file they come from, for what is said of them; empty for a command line.

    Raises:
        UserError: a statement names no command or one that needs a screen, or an expression cannot be read.
    """
    script = Script(tuple(parse(text)), origin)
    for statement in script.statements:
        with script.placing(statement):
            _check(statement)
    return script


def _check(statement: Statement) -> None:
    if statement.command.has_screen:
        raise UserError(needs_screen(statement.command.name))
    if reads := _READS.get(statement.command.name):
        reads(statement.argument)


@dataclass(frozen=True, slots=True)
class Script:
    """A command script that has been read."""

    statements: tuple[Statement, ...]
    origin: str = ""
    """The file it comes from, or empty."""

    @contextmanager
    def placing(self, statement: Statement) -> Iterator[None]:
        """Put file and line before what a statement goes wrong with."""
        try:
            yield
        except UserError as error:
            raise type(error)(f"{self.place(statement)}{error}") from error

    def place(self, statement: Statement) -> str:
        """Return ``FILE:LINE: `` of a statement, empty on a command line."""
        return f"{self.origin}:{statement.line}: " if self.origin else ""

    def run(self, debugger: Debugger, style: Style, out: Write, let: Let = unasked) -> None:
        """Carry out the statements, each after the script under the debugger has paused again.

        Args:
            debugger: what they are carried out on.
            style: how `show` prints.
            out: takes what is to be printed.
            let: makes sure that the script may be run again where a branch is asked for.

        Raises:
            ExpectationFailed: an `expect` does not hold.
            BrokenOff: a KeyboardInterrupt has come.
            UserError: a command cannot be carried out, or what it looked for did not come.
        """
        _settle(debugger)
        front = Printout(Family(debugger), style, out, let)
        front.family.find()
        try:
            for statement in self.statements:
                with self.placing(statement), _breaking_off(statement, front.family):
                    statement.run(front.debugger, front)
                    front.notice(front.debugger.take_news())
                    front.notice(front.family.take_news())
                    if front.debugger.missed is not None:
                        raise UserError(front.debugger.message)
        finally:
            front.family.close(debugger)


@dataclass(frozen=True, slots=True)
class Printout:
    """The front end without a screen: what is asked for is printed."""

    family: Family
    style: Style
    out: Write
    let: Let

    @property
    def debugger(self) -> Debugger:
        """Of the run that one looks at."""
        return self.family.current

    def show(self, pane: str) -> None:
        """Print a pane at the position."""
        self.out(debugger_text(pane, self.debugger, self.style, kin(self.family)))

    def gradcheck(self, argument: str) -> None:
        """Check a gradient, wait for it, and print what was found."""
        self.out(finding_text(carry_out(gradcheck.start(self.debugger, argument)), self.style))

    def why(self, argument: str) -> None:
        """Print where a NaN or an infinity was born, or what an error means."""
        found = why(self.debugger, argument)
        if isinstance(found, Fault):
            self.out(error_text(found, self.debugger.frame().run, self.style))
        else:
            self.out(why_text(found, self.style))

    def relive(self, argument: str) -> None:
        """Go to an iteration in full, from a checkpoint if need be, else by a run from the start if that may be."""
        asked = living.wanted(self.debugger, argument)
        found, opened = asked.found, None
        if found is None and asked.has_checkpoint:
            opened = asked.go_on()
            found = opened.relived
        if found is None:
            found = self._lived(asked, opened.sentences if opened else [])
        statement, said = living.arrive(self.debugger, asked, found)
        for one in parse(statement):
            one.run(self.debugger, self)
        self.notice(said)

    def _lived(self, asked: living.Wanted, said: Sequence[str]) -> Relived:
        """Live an iteration again from the start of the script, if that may be run again.

        Args:
            asked: which one.
            said: why that comes of no checkpoint.

        Raises:
            UserError: it may not, or did not do the same.
        """
        try:
            first = asked.first()
            self.let(first.consent)
        except UserError as error:
            raise UserError("; ".join([*said, str(error)])) from error
        opened = asked.run(first)
        if opened.relived is None:
            raise UserError("; ".join(opened.sentences))
        return opened.relived

    def branch(self, argument: str) -> None:
        """Make a branch at the position, and go on with that."""
        asked = wanted(self.debugger, argument)
        made = self._made(asked)
        self.family.add(made)
        self.notice(f"{self.family.here.name}: {asked.label} {made.said}")

    def _made(self, asked: Wanted) -> Made:
        """Make a branch from a checkpoint; where that is not to be, from the start, if the script may be run again."""
        if asked.has_checkpoint:
            try:
                return asked.go_on()
            except CheckpointLost as error:
                asked = asked.from_start(str(error))
        self.let(asked.consent())
        return asked.run()

    def branches(self, argument: str) -> None:
        """Print the list of the branches, or go to another run."""
        if argument:
            self.family.go(argument)
            self.notice(place_told(self.family))
        else:
            rows = listed(self.family)
            text = (
                line(branches_json(rows)) if self.style.is_json else "\n".join(row.plain for row in branch_rows(rows))
            )
            self.out(text + "\n")

    def print(self, argument: str) -> None:
        """Print what an expression comes to; where the script is asked for it, wait for its answer."""
        found = ask(self.debugger, argument)
        if found is not None:
            self.out(printed_text(found, self.style))
            return
        _settle(self.debugger)
        answered = answer(self.debugger)
        known = recalled(self.debugger, answered, argument)
        self.out(answered_text(answered, self.style) if known is None else printed_text(known, self.style))

    def answer(self, argument: str) -> None:
        """Print the question at the position, or what an answer to it is worth."""
        debugger = self.debugger
        debugger.frame()  # from here on it is known what the script teaches
        question = moment_here(debugger).question
        if not argument:
            self.notice(question_text(question, len(questions_of(debugger.tape))))
            return
        while (position := moment_told(debugger, question)) is None:
            run_ahead(debugger)
            _settle(debugger)
        self.notice(debugger.quiz.answer(debugger.recorded(), position, question, argument).text(question))

    def find(self, argument: str) -> None:
        """Print the nodes of the graph that fit."""
        self.out(found_text(find(self.debugger, argument), self.style))

    def jump(self, argument: str) -> None:
        """Choose a node: until the position moves, panes are about it."""
        self.debugger.choose(node_called(self.debugger, argument))

    def notice(self, text: str) -> None:
        """Wait until the script stands still, and print what a command has done."""
        _settle(self.debugger)
        if text:
            self.out((line({"said": text}) if self.style.is_json else text) + "\n")


@contextmanager
def _breaking_off(statement: Statement, family: Family) -> Iterator[None]:
    """Break a statement off at a KeyboardInterrupt, and say so."""
    try:
        yield
    except KeyboardInterrupt:
        debugger = family.current
        progress = debugger.progress
        debugger.break_off()
        here = f"{debugger.head:,}" if debugger.is_running else debugger.name(debugger.position)
        event = here if progress is None else progress.where
        raise BrokenOff(f"`{statement.text}` was broken off at event {event}") from None


def _settle(debugger: Debugger) -> None:
    """Wait until the script pauses or is over, and tell if it never began."""
    debugger.wait()
    if debugger.failure:
        raise UserError(debugger.failure)
