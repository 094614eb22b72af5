"""Which statements a script has come to, by the lines of two events."""

from __future__ import annotations

import pytest

from gradb.frame.lesson.passing import END, Lines, Places
from gradb.frame.lesson.reading import read_lesson

TEXT = '''\
"""T

Lesson: what.
"""
#: 6
opt = make()
#: 8
for i in range(2):
    #: 10
    x = f(i)
    y = x
    #: 13
    for j in x:
        #: 15
        z = j
    #: 17
    if z:
        w = 1
def f(i):
    #: 21
    k = 1
    return i * k
#: 24
print(x)
'''
"""Each caption says the line of its statement."""


def reached(before: Lines, lines: Lines) -> list[int]:
    """Return the statements that were come to."""
    lesson = read_lesson(TEXT)
    assert lesson is not None
    places = Places(lesson)
    return [each.span.first for each in lesson.captions if places.depth(each.span, before, lines) is not None]


@pytest.mark.parametrize(
    ("before", "lines", "wanted"),
    [
        ((), (6,), [6]),
        ((), (10,), [6, 8, 10]),
        ((6,), (10,), [8, 10]),
        ((10,), (10,), []),
        ((10,), (11,), []),
        ((11,), (15,), [13, 15]),
        ((15,), (15,), []),
        ((15,), (18,), [17]),
        ((18,), (10,), [10]),
        ((18,), (11,), [10]),
        ((18,), (24,), [24]),
        ((15,), (END,), [24]),
        ((24,), (END,), []),
        ((6,), (10, 22), [8, 10, 21]),
        ((10, 22), (10, 22), []),
        ((10, 22), (11,), []),
        ((11,), (10, 22), [10, 21]),
    ],
)
def test_reached(before: Lines, lines: Lines, wanted: list[int]) -> None:
    """At a statement, past it where nothing is recorded of it, again in each round of its loop and in each call."""
    assert reached(before, lines) == wanted


def test_a_statement_is_left_once_no_call_is_in_it() -> None:
    """Its body is in it, and what it calls."""
    lesson = read_lesson(TEXT)
    assert lesson is not None
    loop, places = lesson.captions[1].span, Places(lesson)
    assert places.is_in(loop, (18,))
    assert places.is_in(loop, (10, 22))
    assert not places.is_in(loop, (24,))
    assert not places.is_in(lesson.captions[-2].span, (24, 19))


def test_when_a_loop_was_gone_through() -> None:
    """Back within it or out of it; not by an inner loop, nor by what it calls."""
    lesson = read_lesson(TEXT)
    assert lesson is not None
    places = Places(lesson)
    (outer,) = (each.span for each in lesson.captions if each.span.first == 17)
    (inner,) = (each.span for each in lesson.captions if each.span.first == 15)
    assert [places.before(outer, lines) for lines in ((10,), (13, 22), (10, 21), (18,), (24,), (21,))] == [
        10, 13, 10, None, None, None]  # fmt: skip
    assert [places.is_around(outer, *pair) for pair in ((13, 10), (15, 10), (10, 15), (10, 0), (0, 10))] == [
        True, True, False, True, False]  # fmt: skip
    assert (places.is_around(outer, 15, 13), places.before(inner, (15,))) == (False, None)
