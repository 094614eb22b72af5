"""What the variables of a question mean that its own statement gives new values."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.debugger.errors import UserError
from gradb.debugger.quiz.judging import engine
from gradb.debugger.quiz.quiz import bound_of, moment_of, questions_of
from gradb.frame.lesson.reading import read_lesson
from gradb.frame.reader import Tape
from tests.fakes import TapeBuilder
from tests.fakes.forward import Variable

HEAD = '"""T\n\nLesson: x.\n"""\n'
SOURCE = (
    HEAD + "w = leaf()\n#? loss\nloss = criterion(w)\nuse(loss)\n#? loss\nloss = criterion(w)\nother()\nuse(loss)\n"
)
LOOP = HEAD + "w = leaf()\n#? loss\nfor i in range(2):\n    use(loss)\n    loss = criterion(w)\n"


def criterion(tape: TapeBuilder, leaf: Variable, number: float, line: int) -> Variable:
    """Do an op of which the script gets the result by another's call: the tape does not know by what name."""
    return tape.op("mse_loss", "MseLossBackward0", [leaf], [number], (), line=line)


def values(tape: Tape) -> list[object]:
    """Return what the questions of a tape come to, with the name that is not known in place of a value."""
    found: list[object] = []
    for question in questions_of(tape):
        moment = moment_of(tape, question, tape.head)
        assert moment is not None
        assert moment.told is not None
        try:
            operand = engine(tape, moment.told, question.text, bound_of(tape, question))
            found.append(getattr(operand, "numbers", operand))
        except UserError as error:
            found.append(str(error))
    return found


@pytest.mark.parametrize("is_used", [True, False])
def test_a_result_of_a_library_is_read_by_its_next_use(tmp_path: Path, *, is_used: bool) -> None:
    """Also where the name was another tensor's before; without a use it is not known, and nothing untrue is said."""
    with TapeBuilder(path := tmp_path / "t.tape", "s.py", SOURCE) as tape:
        tape.set_run(lesson="Lesson: x.")
        leaf = tape.leaf("w", [1.0], line=5)
        for number, line in ((9.0, 7), (4.0, 10)):
            loss = criterion(tape, leaf, number, line)
            if line == 10:
                tape.op("mul", "MulBackward0", [leaf, 2], [2.0], line=11)
            tape.op("mul", "MulBackward0", [loss, 2], [2 * number], (), line=line + 1 + (line == 10))
            if line == 7 or is_used:
                tape.name(loss, "loss")
        tape.end()
    with Tape.open(path) as opened:
        first, second = values(opened)
        assert first == (9.0,)
        if is_used:
            assert second == (4.0,)
        else:
            assert "'loss' is then is not known" in str(second)


@pytest.mark.parametrize("is_used", [True, False])
def test_of_a_loop_the_last_value_counts(tmp_path: Path, *, is_used: bool) -> None:
    """Its name came to the tape with the next iteration's use: after the last one it is another tensor's."""
    with TapeBuilder(path := tmp_path / "t.tape", "s.py", LOOP + "use(loss)\n") as tape:
        tape.set_run(lesson="Lesson: x.")
        leaf = tape.leaf("w", [1.0], line=5)
        loss = leaf
        for number in (9.0, 4.0):
            tape.op("mul", "MulBackward0", [loss, 2], [2 * number], (), line=8)
            if loss is not leaf:
                tape.name(loss, "loss")
            loss = criterion(tape, leaf, number, 9)
        tape.op("mul", "MulBackward0", [loss, 2], [8.0], (), line=10)
        if is_used:
            tape.name(loss, "loss")
        tape.end()
    with Tape.open(path) as opened:
        (value,) = values(opened)
        assert value == (4.0,) if is_used else "not known" in str(value)


def test_what_an_op_of_the_script_makes_has_its_name_at_once(tmp_path: Path) -> None:
    """Also in a loop, and where another is made on the same line after it."""
    source = HEAD + "w = leaf()\n#? h\n#? k\nfor i in range(2):\n    h, k = 2 * w, w + 1\nh + k\n"
    with TapeBuilder(path := tmp_path / "t.tape", "s.py", source) as tape:
        tape.set_run(lesson="Lesson: x.")
        leaf = tape.leaf("w", [1.0], line=5)
        for number in (1.0, 2.0):
            tape.op("mul", "MulBackward0", [leaf, 2], [number], line=9, name="h")
            tape.op("add", "AddBackward0", [leaf, 1], [number + 1], line=9, name="k")
        tape.op("add", "AddBackward0", [leaf, 1], [0.0], line=10)
        tape.end()
    with Tape.open(path) as opened:
        assert values(opened) == [(2.0,), (3.0,)]


def test_the_reader_tells_what_a_statement_assigns() -> None:
    """All of its body, attributes and items of tuples too; not what it changes in place, nor functions in it."""
    body = "for i, (x, y) in z:\n    self.a = b = (\n        c := 1\n    )\n    d += 1\n    def f():\n        e = 1\n"
    lesson = read_lesson(f"{HEAD}#? x\n{body}    with g() as h:\n        k: int = 2\n")
    assert lesson is not None
    found = {(one.name, one.first, one.last) for one in lesson.questions[0].span.assigns}
    assert found == {
        ("i", 6, 6), ("x", 6, 6), ("y", 6, 6), ("self.a", 7, 8), ("b", 7, 8), ("c", 7, 8), ("h", 13, 13), ("k", 14, 14)
    }  # fmt: skip
