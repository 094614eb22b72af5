"""What an answer is worth: it is compared with what the engine came to, and of a wrong one is said what is so."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from gradb.algebra.figures import counted, number
from gradb.debugger.errors import UserError
from gradb.debugger.expect import reading
from gradb.debugger.quiz.bound import BoundNames
from gradb.frame.reader import Tape, TapeError
from gradb.tape.expressions.equality import Approx, cut, flatten, is_equal, show
from gradb.tape.expressions.evaluator import Evaluator
from gradb.tape.expressions.faults import NoName
from gradb.tape.expressions.operands import Numbers, Operand
from gradb.tape.expressions.syntax import MAX_LENGTH
from gradb.tape.values import Number

_GAP = re.compile(r"(?<=[\d.\]nf])[ \t]+(?=[-+]?[\d.\[]|[-+]?(?:nan|inf)\b)")
"""What stands between the numbers of a value as the panes show it."""
_WORD = re.compile(r"[A-Za-z_][\w.]*")
_LONGEST = 300
_RIGHT = "the right value"
Bound = Mapping[str, int | None]
_NONE: Bound = {}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer is worth."""

    is_right: bool
    remark: str
    """Of a wrong one what is so: ``2 of 4 elements are right``; each is true, and none is the answer."""
    engine: str
    """What the engine came to."""


def judge(tape: Tape, position: int, text: str, answer: str, bound: Bound = _NONE) -> Verdict:
    """Compare an answer with what an expression comes to at a position.

    It is right within the tolerance of ``approx``, and where it rounds to what the panes show of the value.

    Args:
        tape: of the run.
        position: 0 to its head.
        text: the expression.
        answer: as it was typed.
        bound: what some of its names mean: see ``BoundNames``.

    Raises:
        UserError: the answer is no value, or it is not known what the expression comes to.
    """
    wanted = engine(tape, position, text, bound)
    given = read_answer(answer, wanted)
    with reading.told():
        is_right = _is_right(wanted, given)
    return Verdict(is_right, "" if is_right else "; ".join(_remarks(wanted, given)), told(wanted))


def engine(tape: Tape, position: int, text: str, bound: Bound = _NONE) -> Operand:
    """Return what an expression comes to at a position; see ``judge``.

    Raises:
        UserError: it cannot be read, or is not known.
    """
    try:
        with reading.told():
            return Evaluator(BoundNames(tape, position, bound)).value(reading.read(text, "a question"))
    except TapeError as error:
        raise UserError(str(error)) from error


def told(value: Operand) -> str:
    """Return a value as a person would write it."""
    return cut(show(value), _LONGEST)


def read_answer(text: str, wanted: Operand = None) -> Operand:
    """Return the value that an answer is; numbers may stand beside each other without commas, as the panes show them.

    Args:
        text: as it was typed.
        wanted: what it is compared with: where that is a text, an answer needs no quotes.

    Raises:
        UserError: it is none.
    """
    text = text.strip()
    if isinstance(wanted, str) and _WORD.fullmatch(text):
        return text
    if len(text) > MAX_LENGTH:
        raise UserError("the answer is too long")
    expression = reading.read(_GAP.sub(", ", text), "an answer")
    if expression.paths:
        raise UserError('an answer is a value: 28, [28, 36], None, True or "text", and no names')
    with reading.told():
        return Evaluator(_Nameless()).value(expression)


class _Nameless:
    """What names mean in an answer: nothing."""

    def means(self, path: str) -> bool:
        return False

    def tensor(self, path: str) -> NoReturn:
        raise NoName(f"an answer is a value, and {path} is a name")

    grad = word = tensor


# --- what is right ----------------------------------------------------------------------------------------------------


def _is_right(wanted: Operand, given: Operand) -> bool:
    if is_equal(wanted, Approx(given)):
        return True
    one, two = flatten(wanted), flatten(given)
    if one is None or two is None or one[0] != two[0] or isinstance(wanted, bool):
        return False
    return all(_is_same(a, b, _dtype(wanted)) for a, b in zip(one[1], two[1], strict=True))


def _is_same(wanted: Number, given: Number, dtype: str) -> bool:
    """Tell whether a number is right; of one that the panes do not show whole it may be what rounds to what they show.

    They show four digits, which can be farther from it than the tolerance.
    """
    if is_equal(wanted, Approx(given)):
        return True
    if isinstance(wanted, complex) or isinstance(given, complex) or not math.isfinite(wanted + given):
        return False
    shown = float(number(wanted, dtype))
    return shown != wanted and float(number(float(given), dtype)) == shown


def _dtype(value: Operand) -> str:
    return value.dtype if isinstance(value, Numbers) else "float64"


# --- what is so with a wrong answer -----------------------------------------------------------------------------------


def _remarks(wanted: Operand, given: Operand) -> Iterator[str]:
    one, two = flatten(wanted), flatten(given)
    if one is None or two is None or isinstance(wanted, bool):
        yield _kind(wanted, given)
    elif one[0] != two[0]:
        yield _shapes(one[0], two[0])
    else:
        yield from _elements(one[1], two[1], _dtype(wanted))


def _kind(wanted: Operand, given: Operand) -> str:
    if wanted is None:
        return f"{_RIGHT} is not {_a(given)}"
    if type(wanted) is type(given):
        return f"{_RIGHT} is another" if isinstance(wanted, str | bool) else f"{_RIGHT} is another list"
    return f"{_RIGHT} is {_a(wanted)}, yours is {_a(given)}"


def _a(value: Operand) -> str:
    """Return what kind of thing a value is."""
    if value is None:
        return "None"
    if isinstance(value, bool):
        return "True or False"
    if isinstance(value, str):
        return "a text"
    found = flatten(value)
    return "a list" if found is None else _shaped(found[0])


def _shapes(wanted: tuple[int, ...], given: tuple[int, ...]) -> str:
    if len(wanted) == 1 and len(given) < 2:
        return f"{_RIGHT} has {counted(wanted[0], 'element')}, yours {f'has {given[0]}' if given else 'is one number'}"
    return f"{_RIGHT} is {_shaped(wanted)}, yours is {_shaped(given)}"


def _shaped(shape: tuple[int, ...]) -> str:
    return f"of shape {list(shape)}" if shape else "one number"


def _elements(wanted: Sequence[Number], given: Sequence[Number], dtype: str) -> Iterator[str]:
    """Say how many elements are right, and what the others have in common."""
    wrong = [(a, b) for a, b in zip(wanted, given, strict=True) if not _is_same(a, b, dtype)]
    right = len(wanted) - len(wrong)
    if len(wanted) > 1:
        yield f"{right or 'none'} of {len(wanted)} elements {'are' if right > 1 else 'is'} right"
    finite = [(a, b) for a, b in wrong if _is_real(a) and _is_real(b)]
    if len(finite) < len(wrong):
        return
    others = "of the others " if right else ""
    if all(is_equal(a, Approx(-b)) for a, b in finite):
        yield f"{others}only the sign is wrong"
    elif len(wanted) == 1:
        yield f"{_RIGHT} is {'larger' if finite[0][0] > finite[0][1] else 'smaller'}"  # type: ignore[operator]
    elif len(finite) > 1 and _have_one([a / b for a, b in finite if a and b], len(finite)):
        yield f"{others}all are off by the same factor"
    elif len(finite) > 1 and _have_one([a - b for a, b in finite], len(finite)):
        yield f"{others}all are off by the same amount"


def _is_real(number: Number) -> bool:
    return isinstance(number, int | float) and math.isfinite(number)


def _have_one(numbers: Sequence[Number], count: int) -> bool:
    """Tell whether so many numbers are all the same."""
    return len(numbers) == count and all(is_equal(numbers[0], Approx(each)) for each in numbers)
