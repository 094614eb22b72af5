"""What an expression comes to at a position, as plain data: a row of what is displayed at every stop."""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.expressions.operands import Operand


@dataclass(frozen=True, slots=True)
class Found:
    """What an expression comes to at one position."""

    value: Operand = None
    """None where that is Python's None (a ``.grad`` that is none), and where there is no value: see ``why``."""
    why: str = ""
    """One sentence that says why there is no value; empty where there is one."""


@dataclass(frozen=True, slots=True)
class Row:
    """One expression that is displayed, at a position."""

    number: int
    """What the user calls it by, from 1; it stays when others are taken away."""
    text: str
    """The expression as it was typed."""
    now: Found
    """At the position."""
    before: Found | None
    """At the stop before the position: where a step back leads to; None at the start, before which there is nothing."""
    has_changed: bool | None
    """Whether it is another value now, or none, or one where there was none; None where that is not known: of values
    too large to be kept, of which the same statistics are known, and where there is no ``before``."""
    origin: str = ""
    """Where the values of its variables were recorded, ``as of event 9, train.py:5 in f``: the tape knows no scopes.
    Empty where they are of the position itself, and where it names none."""
