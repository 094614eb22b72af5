"""What the user wants to see at every stop: a list of expressions, and what they come to at a position and before it.

Expressions have numbers that stay. What they come to is a pure function of tape and position (``rows``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gradb.debugger.errors import UserError
from gradb.debugger.expect import reading
from gradb.debugger.expect.names import TapeNames
from gradb.debugger.provenance import sources_of, sources_text
from gradb.frame.displayed import Found, Row
from gradb.frame.reader import Tape
from gradb.tape.expressions.equality import is_equal
from gradb.tape.expressions.evaluator import Evaluator
from gradb.tape.expressions.faults import ExpressionError, NoValue
from gradb.tape.expressions.operands import Operand, Unkept
from gradb.tape.expressions.syntax import Expression
from gradb.tape.expressions.variables import path_of
from gradb.tape.stops import Stop

MOST = 100


class Displays:
    """The expressions, by their numbers."""

    def __init__(self) -> None:
        self._expressions: dict[int, Expression] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self._expressions)

    @property
    def expressions(self) -> tuple[tuple[int, Expression], ...]:
        """Number and expression of each, oldest first."""
        return tuple(self._expressions.items())

    @property
    def asks_for_updates(self) -> bool:
        """True where one of them has to know how much steps change, which has to be measured while they are made."""
        return any("update" in one.names for one in self._expressions.values())

    def add(self, text: str) -> int:
        """Add an expression and return its number; one that is there already keeps the one it has.

        Raises:
            UserError: it cannot be read, or there are too many.
        """
        expression = reading.read(text)
        for number, other in self.expressions:
            if other.text == expression.text:
                return number
        if len(self) >= MOST:
            raise UserError(f"there are {MOST} displays already: take one away first, e.g. undisplay 1")
        self._last += 1
        self._expressions[self._last] = expression
        return self._last

    def remove(self, number: int) -> str:
        """Take an expression away and return it.

        Raises:
            UserError: there is none of that number.
        """
        if number not in self._expressions:
            known = ", ".join(map(str, self._expressions))
            raise UserError(f"there is no display {number}" + (f": there are {known}" if known else ""))
        return self._expressions.pop(number).text

    def clear(self) -> int:
        """Take all away and return how many there were."""
        count = len(self)
        self._expressions.clear()
        return count


def rows(
    tape: Tape, position: int, displays: Iterable[tuple[int, Expression]], *, with_quiet: bool = False
) -> tuple[Row, ...]:
    """Return what expressions come to at a position and at the stop before it.

    Args:
        tape: the tape.
        position: 0 to its head.
        displays: number and expression of each.
        with_quiet: quiet events count as stops, as for a step.

    Raises:
        TapeError: the tape is damaged there.
    """
    displays = tuple(displays)
    if not displays:
        return ()
    before = tape.find(Stop("step", with_quiet=with_quiet), position, -1)
    return tuple(_row(tape, position, before, *display) for display in displays)


def _row(tape: Tape, position: int, before: int | None, number: int, expression: Expression) -> Row:
    now = found(tape, position, expression)
    earlier = None if before is None else found(tape, before, expression)
    has_changed = None if earlier is None else _has_changed(earlier, now)
    return Row(
        number, expression.text, now, earlier, has_changed, "" if now.why else _origin(tape, position, expression)
    )


def _origin(tape: Tape, position: int, expression: Expression) -> str:
    sources = sources_of(tape, position, expression)
    return sources_text(sources) if any(one.event != position for one in sources) else ""


def found(tape: Tape, position: int, expression: Expression) -> Found:
    """Return what an expression comes to at a position, or why it comes to nothing.

    Raises:
        TapeError: the tape is damaged there.
    """
    try:
        return Found(value_at(tape, position, expression))
    except ExpressionError as error:
        return Found(why=str(error))


def value_at(tape: Tape, position: int, expression: Expression) -> Operand:
    """Return what an expression comes to at a position.

    Raises:
        NoName: it speaks of what there is not.
        NoValue: it speaks of what has no value, or of one that was not recorded.
        ExpressionError: it makes no sense of these values.
        TapeError: the tape is damaged there.
    """
    names = TapeNames(tape, position)
    value = Evaluator(names).value(expression)
    if (value is None or value == []) and (why := names.lack(path_of(expression.tree))):
        raise NoValue(why)
    return value


def _has_changed(before: Found, now: Found) -> bool | None:
    if before.why or now.why:
        return bool(before.why) is not bool(now.why)
    one, two = before.value, now.value
    if isinstance(one, Unkept) and isinstance(two, Unkept):
        if one.stats is not None and one.stats is two.stats:  # of one event, not merely the same numbers
            return False
        return True if _known(one) != _known(two) else None
    try:
        return not is_equal(one, two)
    except NoValue:  # only one of them was kept, or some of several
        return None


def _known(value: Unkept) -> str:
    """Return all that is known of a value, as text: a NaN among it is the same NaN there."""
    return repr(replace(value, why=""))
