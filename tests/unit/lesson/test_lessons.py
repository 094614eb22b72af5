"""What holds of a lesson at the positions of a tape."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.frame.lesson.lesson import Moment
from gradb.frame.lesson.moments import stop_of
from gradb.frame.reader import Tape
from gradb.present.json.lessons import lesson_json
from gradb.present.lines.captions import asked_lines, caption_lines, caption_rows
from gradb.present.options import Asked
from gradb.present.panes.source import veiled
from gradb.present.panes.table import pane_json
from tests.fakes import TapeBuilder, examples


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """The tape of a lesson, opened."""
    path = tmp_path_factory.mktemp("lesson") / "lesson.tape"
    examples.lesson(path)
    return Tape.open(path)


def first_lines(tape: Tape) -> list[str]:
    """Return the first words of the caption at each position, empty where there is none."""
    found = (tape.frame(position).lesson for position in range(tape.head + 1))
    return ["" if at is None or at.caption is None else at.caption.lines[0].split()[0] for at in found]


def test_a_caption_stands_until_the_next_is_reached(tape: Tape) -> None:
    """In the backward that of the call: nodes do not lead back to the lines of their ops."""
    assert first_lines(tape) == ["", "A", *["Each"] * 4, *["Backward:"] * 14]


def test_a_question_is_asked_before_the_step_into_its_statement(tape: Tape) -> None:
    """And within it before that which comes where it is meant; as far as the tape goes it does not matter how far."""
    asked = [at.question and at.question.number for p in range(tape.head + 1) if (at := tape.frame(p).lesson)]
    assert asked == [None, None, 1, None, None, 2, None, None, 3, 3, *[None] * 10]


def test_moments_are_known_once_the_statement_is_left(tape: Tape) -> None:
    """With a head in its midst it is not known yet what it comes to."""
    at = tape.frame(3).lesson
    assert at is not None
    moments = tape.lessons.moments
    assert moments is not None
    one, two, three = at.lesson.questions
    assert moments.of(one, 2) is None
    assert moments.of(one, 3) == Moment(one, place=2, met=3, told=None)
    assert moments.of(one, 19) == Moment(one, place=2, met=3, told=3)
    assert moments.of(two, 16) == Moment(two, place=5, met=6, told=None)
    assert moments.of(two, 19) == Moment(two, place=5, met=6, told=17)
    assert moments.of(three, 19) == Moment(three, place=8, met=10, told=10)


def test_a_position_looks_the_same_however_it_was_reached(tape: Tape, tmp_path: Path) -> None:
    """A tape opened anew tells at its end what one tells that was walked through."""
    path = tmp_path / "again.tape"
    examples.lesson(path)
    with Tape.open(path) as again:
        assert [again.frame(p).lesson for p in reversed(range(20))] == [
            tape.frame(p).lesson for p in reversed(range(20))
        ]


def test_other_scripts_teach_nothing(tmp_path: Path) -> None:
    """A Frame of theirs has no lesson."""
    examples.chain_rule(path := tmp_path / "chain.tape")
    with Tape.open(path) as plain:
        assert plain.frame(7).lesson is None
        assert pane_json("source", plain.frame(7))["lesson"] is None


def test_a_caption_is_drawn_behind_a_bar(tape: Tape) -> None:
    """As written where that fits, else folded; the room is that of the longest, whatever the position."""
    at = tape.frame(7).lesson
    assert at is not None
    assert [line.plain for line in caption_lines(at, 76)] == [
        "┃ Backward: from out to a, node by node,",
        "┃ and at the end the result is added to a.grad.",
    ]
    assert caption_rows(at.lesson, 76) == 2
    assert all(line.cell_len <= 30 for line in caption_lines(at, 30))
    assert caption_rows(at.lesson, 30) == 3
    start = tape.frame(0).lesson
    assert start is not None
    assert [line.plain for line in caption_lines(start, 76)] == [
        "┃ Press 3 and z to read the lesson, z to go back. 3 questions will be asked."
    ]


def test_the_statement_stands_beside_its_question(tape: Tape) -> None:
    """It may be out of view in the source pane: behind the question where that has room, else below it."""
    at = tape.frame(0).lesson
    assert at is not None
    asked = Asked(at.lesson.questions[0], 3, "✗ not yet")
    assert [line.plain for line in asked_lines(asked, 76)] == [
        "? Question 1 of 3: what will c be once line 11 has run?   11  c = b + 5",
        "  ✗ not yet",
    ]
    assert [line.plain for line in asked_lines(asked, 60)][1:] == ["  11  c = b + 5", "  ✗ not yet"]


def test_hints_that_were_not_given_are_not_to_be_read(tape: Tape) -> None:
    """In the source pane of the screen; all else of the text is as it is."""
    frame = tape.frame(5)
    assert frame.source is not None
    view = veiled(frame, frozenset({17}))
    assert view is not None
    changed = [pair for pair in zip(frame.source.lines, view.lines, strict=True) if pair[0] != pair[1]]
    assert changed == [
        ("#? hint: 5 is added to each element", "#? hint: …"),
        ("#? hint: c is [7, 9, 11, 13]", "#? hint: …"),
    ]
    assert veiled(frame, frozenset({10, 17, 18})) == frame.source


def test_json_has_caption_and_question(tape: Tape) -> None:
    """As documented; a position without either says so."""
    assert lesson_json(tape.frame(2).lesson) == {
        "learns": "how a gradient is made of products.",
        "questions": 3,
        "caption": {"lines": ["Each op leaves a node."], "line": 8},
        "question": {"number": 1, "text": "c", "at": None, "line": 11},
    }
    assert pane_json("source", tape.frame(0))["lesson"]["caption"] is None


@pytest.mark.parametrize(("reason", "told"), [("finished", 1), ("exit code 1", None)])
def test_the_last_statement_is_left_at_the_end(tmp_path: Path, reason: str, told: int | None) -> None:
    """A run that came to the end of its file has run it; one that did not may be in it still."""
    with TapeBuilder(path := tmp_path / "t.tape", "s.py", '"""T\n\nLesson: x.\n"""\n#? a\na = leaf()\n') as tape:
        tape.set_run(lesson="Lesson: x.")
        tape.leaf("a", [1.0], line=6)
        tape.end(0, reason)
    with Tape.open(path) as opened:
        at, moments = opened.frame(1).lesson, opened.lessons.moments
        assert at is not None
        assert moments is not None
        moment = moments.of(at.lesson.questions[0], 2)
        assert moment is not None
        assert (moment.place, moment.met, moment.told) == (0, 1, told)


_LOOP = """\
\"""T

Lesson: x.
\"""
a = leaf()
for i in range(2):
    b = 2 * a
    c = 3 * b
    #? c
    done = True
d = 4 * a
"""


@pytest.mark.parametrize("times", [1, 2])
def test_a_statement_at_the_end_of_a_loop_is_asked_about(tmp_path: Path, times: int) -> None:
    """Nothing is recorded of it: it has run once the script is around the loop, or out of it."""
    with TapeBuilder(path := tmp_path / "t.tape", "s.py", _LOOP) as tape:
        tape.set_run(lesson="Lesson: x.")
        a = tape.leaf("a", [1.0], line=5)
        for _ in range(times):
            b = tape.op("Tensor.mul", "MulBackward0", [a, 2], [2.0], name="b", line=7)
            tape.op("Tensor.mul", "MulBackward0", [b, 3], [6.0], name="c", line=8)
        tape.op("Tensor.mul", "MulBackward0", [a, 4], [4.0], name="d", line=11)
        tape.end()
    with Tape.open(path) as opened:
        at, moments = opened.frame(3).lesson, opened.lessons.moments
        assert at is not None
        assert moments is not None
        assert at.question == at.lesson.questions[0]
        assert moments.of(at.question, 3) is None
        assert moments.of(at.question, opened.head) == Moment(at.question, place=3, met=4, told=3)


def test_where_a_question_may_stop() -> None:
    """Nodes, ATen calls, kinds of events and values that are not finite; nothing else."""
    assert [str(stop_of(text)) for text in ("node Pow", "aten mul", "accumulate", "nan")] == [
        "node Pow", "aten mul", "kind accumulate", "nan"]  # fmt: skip
    assert [stop_of(text) for text in ("", "somewhere", "accumulate 2")] == [None] * 3
