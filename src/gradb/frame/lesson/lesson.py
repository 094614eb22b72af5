"""What a script's comments teach, as plain data: captions and questions, each at a statement."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A statement of the main file, by its lines (from 1), and what lies around it."""

    first: int
    last: int
    """Of its header, where it has a body."""
    end: int
    """Of all of it."""
    until: int
    """The end of the last statement in the same block."""
    scope: int
    """First line of the function or class whose body it stands in; 0 in the file's own."""
    assigns: tuple[Assigned, ...] = ()
    """What it gives new values, its body too."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """A variable that a statement gives a new value."""

    name: str
    """Also of an attribute: ``self.w``."""
    first: int
    last: int
    """The lines of what does it."""


@dataclass(frozen=True, slots=True)
class Body:
    """A function, class or loop."""

    first: int
    """Of its header."""
    begin: int
    """Of its body."""
    end: int


@dataclass(frozen=True, slots=True)
class Caption:
    """What is said from the first event at a statement on, until another caption is reached.

    That of the first statement stands from the start on.
    """

    lines: tuple[str, ...]
    """As written, without the sign of the comment."""
    span: Span


@dataclass(frozen=True, slots=True)
class Question:
    """What an expression will come to, asked before the statement is run."""

    number: int
    """From 1, in the order of the file."""
    text: str
    """The expression."""
    stop: str
    """Where within the statement it is meant: see ``moments.stop_of``; empty: once the statement has run."""
    hints: tuple[str, ...]
    hint_lines: tuple[int, ...]
    """Where each is written."""
    line: int
    """Where it is written."""
    span: Span
    code: str = ""
    """The first line of its statement."""


@dataclass(frozen=True, slots=True)
class Stray:
    """A question or hint that belongs to nothing, so that nobody sees it."""

    line: int
    text: str
    is_hint: bool


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a main file teaches."""

    learns: str
    """What one will learn, by its docstring."""
    captions: tuple[Caption, ...] = ()
    questions: tuple[Question, ...] = ()
    strays: tuple[Stray, ...] = ()
    scopes: tuple[Body, ...] = ()
    """The functions and classes of the file."""
    loops: tuple[Body, ...] = ()
    begin: int = 0
    """Its first line that says something, behind its docstring."""
    end: int = 0
    """Its last one."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a question is about, as far as the tape tells."""

    question: Question
    place: int
    """The position from which the next step leads to what it asks for."""
    met: int
    """The event of that step."""
    told: int | None
    """The position that it is about; None as long as the script is in the statement."""


@dataclass(frozen=True, slots=True)
class LessonAt:
    """What holds of a lesson at a position."""

    lesson: Lesson
    caption: Caption | None
    """The one that was reached last; None where none was, or too long ago."""
    question: Question | None
    """The one that is asked before the next step; None where none is, or the tape does not go on yet."""
    file: str = ""
    """Path of the main file, as on the tape."""
    is_start: bool = False
    """Nothing has happened yet."""
