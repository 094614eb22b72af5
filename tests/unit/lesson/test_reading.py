"""What a main file teaches, by its text."""

from __future__ import annotations

import pytest

from gradb.frame.lesson.lesson import Lesson
from gradb.frame.lesson.reading import read_lesson
from tests.fakes.examples import LESSON
from tests.properties import dice

HEAD = '"""T\n\nLesson: what.\n"""\n'


def lesson_of(text: str) -> Lesson:
    """Read a lesson that is one; its first line of code is the fifth."""
    found = read_lesson(HEAD + text)
    assert found is not None
    return found


def test_captions_and_questions_stand_at_their_statements() -> None:
    """Lines of their own belong to the statement below, together; what is behind a statement belongs to that."""
    lesson = read_lesson(LESSON)
    assert lesson is not None
    assert lesson.learns == "how a gradient is made of products."
    assert [(each.span.first, len(each.lines)) for each in lesson.captions] == [(7, 1), (8, 1), (20, 2)]
    assert [(each.number, each.text, each.stop, len(each.hints), each.span.first) for each in lesson.questions] == [
        (1, "c", "", 1, 11),
        (2, "a.grad", "", 2, 20),
        (3, "downstream", "node PowBackward0", 0, 20),
    ]


def test_what_one_will_learn_goes_to_the_next_empty_line() -> None:
    """Folded over several lines of the docstring it is one sentence."""
    lesson = read_lesson('"""T\n\nLesson: one\n  and two.\n\nMore.\n"""\nx = 1\n')
    assert lesson is not None
    assert lesson.learns == "one and two."


@pytest.mark.parametrize(
    "text",
    [
        LESSON.replace("Lesson:", "Lesson"),
        LESSON.replace('"""', ""),
        "x = 1\n" + LESSON,
        LESSON.replace("import torch", "import"),
        LESSON + "\0",
        "",
        HEAD + "(" * 2000,
    ],
    ids=["no colon", "no docstring", "not at its top", "no Python", "a zero", "empty", "too deep"],
)
def test_other_files_teach_nothing(text: str) -> None:
    """Only a docstring with the line says so, and only what Python reads is read."""
    assert read_lesson(text) is None


def test_what_looks_like_a_comment_in_a_string_is_none() -> None:
    """The tokenizer tells; other comments are no captions either."""
    lesson = lesson_of('a = """\n#: no\n#? no\n"""\nb = "#: no"\n# : no\n## no\nc = 1  # : no\n')
    assert (lesson.captions, lesson.questions) == ((), ())


def test_a_caption_of_a_compound_statement_is_at_its_header() -> None:
    """And one behind a header too; decorators belong to it."""
    lesson = lesson_of(
        "#: loop\nfor i in range(3):  #: head\n    #: body\n    x = 1\n#: f\n@d\ndef f(\n    a,\n): return a\n"
    )
    spans = [(each.span.first, each.span.last, each.span.end, each.span.scope) for each in lesson.captions]
    assert spans == [(6, 7, 8, 0), (6, 7, 8, 0), (8, 8, 8, 0), (10, 12, 13, 0)]


def test_branches_and_functions_are_told_apart() -> None:
    """A statement knows where its block ends, and in which function it is."""
    lesson = lesson_of(
        "if a:\n    #: yes\n    x = 1\n    y = 2\nelse:\n    #: no\n    x = 3\ndef f():\n    #: in\n    z = 1\n"
    )
    assert [(each.span.first, each.span.until, each.span.scope) for each in lesson.captions] == [
        (7, 8, 0),
        (11, 11, 0),
        (14, 14, 12),
    ]


def test_a_hint_without_a_question_and_a_comment_at_the_end_are_nothing() -> None:
    """They belong to no statement, or to no question."""
    lesson = lesson_of("#? hint: alone\nx = 1\n#: no statement follows\n#? x\n")
    assert (lesson.captions, lesson.questions) == ((), ())


def test_a_question_may_have_an_at_of_its_own() -> None:
    """Only ` at ` before a word is where it stops."""
    texts = [
        (each.text, each.stop)
        for each in lesson_of("#? cat\n#? a.grad at accumulate\n#? x[0] at node Pow\nx = 1\n").questions
    ]
    assert texts == [("cat", ""), ("a.grad", "accumulate"), ("x[0]", "node Pow")]


_PIECES = (
    "#: a\n", "#? x\n", "#? hint: h\n", "#?\n", "#: \n", "#? a at \n", "    #? y at node N\n", "x = 1\n", "if x:\n",
    "    x = 2\n", "def f():\n", "else:\n", "try:\n", "except E:\n", "match x:\n", "    case 1:\n", "        y = 3\n",
    "for i in x:\n", "while 1:\n", "class C:\n", "@d\n", "é = 1; z = 2 #: t\n", "(", ")\n", "'''", "\\\n", "\t", "\f",
    "\r\n", "\0",
)  # fmt: skip


def test_no_text_makes_it_raise() -> None:
    """Whatever follows a docstring that teaches: it is read, or there is no lesson."""
    for chance in dice(20):
        pieces = [*_PIECES, "".join(map(chr, chance.choices(range(1, 0x3000), k=4)))]
        lesson = read_lesson(HEAD + "".join(chance.choices(pieces, k=chance.randrange(8))))
        assert lesson is None or all(each.span.first <= each.span.last <= each.span.end for each in lesson.captions)
