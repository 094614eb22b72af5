"""The grader: a file of answers, and what is said of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gradb.batch.quiz import grade, read_answers
from gradb.batch.show import Style
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from tests.fakes import TapeBuilder
from tests.unit.conftest import Tapes

RIGHT = "# of lesson 1\n\n[7 9 11 13]\n[28, 36, 44, 52]\n[14, 18, 22, 26]\n"


def graded(tape: Path, text: str, *, is_json: bool = False) -> tuple[bool, list[str]]:
    """Grade answers to the questions of a tape; return whether all are right, and the lines, warnings behind."""
    debugger, out, warned = Debugger.open(str(tape)), list[str](), list[str]()
    answers, style = read_answers(text, "answers.txt"), Style(is_json=is_json)
    try:
        is_right = grade(debugger, answers, "answers.txt", style, out.append, warned.append)
    finally:
        debugger.close()
    return is_right, [*"".join(out).splitlines(), *(f"! {each}" for each in warned)]


def test_all_right(tapes: Tapes) -> None:
    """Comments and empty lines do not count; numbers may stand as the panes show them."""
    assert graded(tapes("lesson"), RIGHT) == (
        True,
        [
            "1 right      c (line 11): [7 9 11 13]",
            "2 right      a.grad (line 20): [28, 36, 44, 52]",
            "3 right      downstream at node PowBackward0 (line 20): [14, 18, 22, 26]",
            "3 of 3 right",
        ],
    )


def test_wrong_and_missing(tapes: Tapes) -> None:
    """Both answers are said, and what is so with the wrong one; what is left out is missing as `-` is."""
    is_right, lines = graded(tapes("lesson"), "-\n[7, 9, 11, 13]\n")
    remark = "none of 4 elements is right; all are off by the same factor"
    assert not is_right
    assert lines == [
        "1 missing    c (line 11): the engine: [7, 9, 11, 13]",
        f"2 wrong      a.grad (line 20): [7, 9, 11, 13]; the engine: [28, 36, 44, 52]; {remark}",
        "3 missing    downstream at node PowBackward0 (line 20): the engine: [14, 18, 22, 26]",
        "0 of 3 right",
    ]


def test_json(tapes: Tapes) -> None:
    """A line a question, and one with the sum."""
    is_right, lines = graded(tapes("lesson"), RIGHT, is_json=True)
    rows = [json.loads(line) for line in lines]
    assert is_right
    assert rows[1] == {"number": 2, "text": "a.grad", "at": None, "line": 20, "result": "right",
                       "answer": "[28, 36, 44, 52]", "engine": "[28, 36, 44, 52]", "remark": None}  # fmt: skip
    assert rows[-1] == {"right": 3, "questions": 3, "ended": "finished"}


def test_what_was_never_come_to_is_not_right(tmp_path: Path) -> None:
    """A statement that was not run, a place to stop that is none, and what nothing is called."""
    source = (
        '"""T\n\nLesson: x.\n"""\nif a:\n    #? b\n    b = leaf()\n#? a at home\n#? zz\n#? a at node Pow\n'
        "a = leaf()\n#? a\n"
    )
    with TapeBuilder(path := tmp_path / "t.tape", "s.py", source) as tape:
        tape.set_run(lesson="Lesson: x.")
        tape.leaf("a", [1.0], line=11)
        tape.error("ValueError", "boom\nmore", line=11, is_uncaught=True)
        tape.end(1, "exit code 1")
    is_right, lines = graded(path, "1\n2\n3\n4\n")
    assert not is_right
    assert lines == [
        "1 not asked  b (line 7): 1; nothing that is recorded shows that the run came to line 7",
        "2 not asked  a at home (line 11): 2; home is no place to stop",
        "3 not judged zz (line 11): 3; no tensor is called 'zz' at position 3",
        "4 not asked  a at node Pow (line 11): 4; no node Pow came while line 11 ran",
        "0 of 4 right",
        "! s.py:12: #? a has no statement below it, so it is never asked",
        "! the script did not run to its end: ValueError: boom (s.py:11); 3 of 4 questions did not come up",
    ]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("lesson", RIGHT + "1\n", "answers.txt:6: there are more answers than the script has questions"),
        ("lesson", "1\n[a, b]\n", "answers.txt:2: an answer is a value"),
        ("lesson", "[1,\n", "answers.txt:1: cannot read"),
        ("chain_rule", "1\n", "the script asks no questions"),
    ],
)
def test_bad_input_is_refused(tapes: Tapes, name: str, text: str, sentence: str) -> None:
    """One sentence, with the line."""
    with pytest.raises(UserError, match=sentence):
        graded(tapes(name), text)
