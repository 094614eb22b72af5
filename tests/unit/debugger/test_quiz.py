"""What an answer is worth, and which questions a session has come to."""

from __future__ import annotations

import math

import pytest

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.quiz.judging import _is_right, _remarks, judge, read_answer
from gradb.debugger.quiz.quiz import Quiz, questions_of
from gradb.tape.expressions.equality import Approx, is_equal
from gradb.tape.expressions.operands import Numbers, Operand
from tests.properties import dice
from tests.unit.debugger.conftest import Recorded

NUMBERS = Numbers((4,), (28.0, 36.0, 44.0, 52.0), "float32")
ONE = Numbers((), (420.0,), "float32")


@pytest.fixture
def debugger(recorded: Recorded) -> Debugger:
    """Give a lesson at its start."""
    return recorded("lesson")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("28", 28),
        ("-2 * 7", -14),
        ("None", None),
        ("True", True),
        ("'node'", "node"),
        ("[28, 36]", [28, 36]),
        ("[28 36 -4 .5]", [28, 36, -4, 0.5]),
        ("[[ 1.  2.] [30. 40.]]", [[1, 2], [30, 40]]),
        ("[inf -inf nan]", [math.inf, -math.inf, math.nan]),
    ],
)
def test_an_answer_is_a_value(text: str, value: Operand) -> None:
    """As expectations have it, or as the panes show it, without commas."""
    assert is_equal(read_answer(text), value)


@pytest.mark.parametrize(
    "text", ["", "a.grad", "[1, x]", "norm(a)", "1 +", "[" * 500, "x" * 20_000, "__import__('os')"]
)
def test_what_is_no_value_is_refused(text: str) -> None:
    """With a sentence, and before it is compared with anything."""
    with pytest.raises(UserError):
        read_answer(text)


@pytest.mark.parametrize(
    ("wanted", "given", "remark"),
    [
        (NUMBERS, [28, 36, 44], "the right value has 4 elements, yours has 3"),
        (NUMBERS, 28, "the right value has 4 elements, yours is one number"),
        (NUMBERS, [28, 36, 44, 50], "3 of 4 elements are right"),
        (NUMBERS, [28, 1, 2, 3], "1 of 4 elements is right"),
        (NUMBERS, [-28, -36, -44, -52], "none of 4 elements is right; only the sign is wrong"),
        (NUMBERS, [28, -36, 44, -52], "2 of 4 elements are right; of the others only the sign is wrong"),
        (NUMBERS, [14, 18, 22, 26], "none of 4 elements is right; all are off by the same factor"),
        (NUMBERS, [0, 0, 0, 0], "none of 4 elements is right"),
        (Numbers((4,), (0.0, 0.0, 44.0, 52.0), "float32"), [28, 36, 44, 52], "2 of 4 elements are right"),
        (NUMBERS, [29, 37, 45, 53], "none of 4 elements is right; all are off by the same amount"),
        (NUMBERS, [math.nan, 1, 2, 3], "none of 4 elements is right"),
        (NUMBERS, None, "the right value is of shape [4], yours is None"),
        (ONE, 400, "the right value is larger"),
        (ONE, 500, "the right value is smaller"),
        (ONE, -420, "only the sign is wrong"),
        (ONE, "x", "the right value is one number, yours is a text"),
        (None, 0, "the right value is not one number"),
        ("node", "op", "the right value is another"),
        (True, False, "the right value is another"),
    ],
)
def test_what_is_said_of_a_wrong_answer_is_true(wanted: Operand, given: Operand, remark: str) -> None:
    """Shape, length, sign, a common factor, how many are right."""
    assert not is_equal(wanted, Approx(given))
    assert "; ".join(_remarks(wanted, given)) == remark


@pytest.mark.parametrize(
    ("wanted", "given", "is_right"),
    [
        (3352.918, 3353, True),
        (3352.918, 3353.4, True),  # both are shown as 3353.
        (3352.918, 3352, False),
        (0.00278512, 0.002785, True),
        (0.00278512, 0.002784, False),
        (0.10005, 0.1, False),  # it is shown as 0.1001
        (-0.66524, -0.6652, True),
        (100.0, 100.04, False),  # 100 is shown whole
        (math.inf, 1e300, False),
        (2j, 2, False),
        (Numbers((2,), (0.10005, 3352.918), "float32"), [0.1001, 3353], True),
        (Numbers((2,), (0.10005, 3352.918), "float32"), [0.1001, 3352], False),
    ],
)
def test_what_is_read_off_a_pane_is_right(wanted: Operand, given: Operand, is_right: bool) -> None:
    """An answer that rounds to the digits that are shown, though it is farther off than a ten-thousandth."""
    assert _is_right(wanted, given) == is_right


def test_any_wrong_answer_can_be_spoken_of() -> None:
    """Whatever two values are compared, judging does not raise."""
    pool: list[Operand] = [
        None,
        True,
        "a",
        0,
        1.5,
        -0.0,
        math.nan,
        math.inf,
        2j,
        [],
        [1],
        [1, 2],
        [[1], [2]],
        ["a", 1],
        NUMBERS,
        ONE,
    ]
    for chance in dice(8):
        wanted, given = chance.choice(pool), chance.choice(pool)
        if not _is_right(wanted, given):
            assert all(_remarks(wanted, given))


def test_a_question_is_judged_by_the_engine(debugger: Debugger) -> None:
    """At the moment that it is about; a name of a node needs no quotes."""
    assert debugger.tape is not None
    assert judge(debugger.tape, 17, "a.grad", "[28 36 44 52]").is_right
    verdict = judge(debugger.tape, 10, "downstream", "[28, 36, 44, 52]")
    assert (verdict.is_right, verdict.engine) == (False, "[14, 18, 22, 26]")
    assert judge(debugger.tape, 10, "event.name", "PowBackward0").is_right
    with pytest.raises(UserError, match="no tensor is called"):
        judge(debugger.tape, 10, "zz", "1")


def test_a_movement_comes_to_questions_once(debugger: Debugger) -> None:
    """The first of those on its way that were not asked yet."""
    quiz, tape = Quiz(), debugger.tape
    assert tape is not None
    first, second, third = questions_of(tape)
    assert quiz.met(tape, 0, 2) is None
    moment = quiz.met(tape, 1, 19)
    assert moment is not None
    assert (moment.question, moment.place) == (first, 2)
    quiz.ask(first)
    assert quiz.met(tape, 2, 3) is None
    moment = quiz.met(tape, 2, 19)
    assert moment is not None
    assert moment.question == second
    quiz.ask(second)
    assert quiz.stops(tape, 0) == ()
    quiz.is_asking = True
    assert [str(stop) for stop in quiz.stops(tape, 0)] == ["at lesson.py:20-20"]
    assert [str(stop) for stop in quiz.stops(tape, 6)] == ["node PowBackward0"]
    quiz.ask(third)
    assert quiz.met(tape, 0, 19) is None
    assert quiz.stops(tape, 6) == ()


def test_hints_are_given_one_by_one_and_then_the_answer(debugger: Debugger) -> None:
    """After that the question is closed, but for who has answered it before."""
    quiz, tape = Quiz(), debugger.tape
    assert tape is not None
    second = questions_of(tape)[1]
    replies = [quiz.answer(tape, 17, second, "[7, 9, 11, 13]") for _ in range(3)]
    assert [(reply.hint, reply.is_told) for reply in replies] == [
        ("it is 4 times c", False),
        ("c is [7, 9, 11, 13]", False),
        ("", True),
    ]
    assert "same factor" in replies[0].verdict.remark
    assert replies[2].verdict.engine == "[28, 36, 44, 52]"
    assert quiz.standing(second).outcome == "told"
    quiz.skip(second)
    assert quiz.standing(second).outcome == "told"
    assert quiz.answer(tape, 17, second, "[28, 36, 44, 52]").verdict.is_right
    assert quiz.is_done([second])


def test_the_question_here_is_the_one_due_or_the_last(debugger: Debugger) -> None:
    """What is not answered goes before what is; before the first there is none."""
    quiz, tape = Quiz(), debugger.tape
    assert tape is not None
    with pytest.raises(UserError, match="no question was asked up to here"):
        quiz.here(tape, 1, 19)
    assert [quiz.here(tape, position, 19).question.number for position in (2, 3, 5, 8, 19)] == [1, 1, 2, 3, 3]


def test_other_scripts_ask_nothing(recorded: Recorded) -> None:
    """And say so when they are asked to."""
    plain = recorded("chain_rule")
    assert Quiz().met(plain.tape, 0, 19) is None
    assert Quiz().stops(plain.tape, 0) == ()
    with pytest.raises(UserError, match="this script asks no questions"):
        Quiz().here(plain.tape, 3, 19)
