"""Reads an event as people name it: by its number, ``17``, or in an iteration that was lived again, ``3000:17``.

How they are written is ``frame.called``'s.
"""

from __future__ import annotations

from gradb.debugger.numerals import read_whole
from gradb.frame.called import Place

WAYS = "a number, or ITERATION:NUMBER in an iteration that was lived again, e.g. 3000:17"


def read_place(text: str) -> Place | None:
    """Return the place that a text names; None where it names none."""
    iteration, colon, number = text.strip().rpartition(":")
    event = read_whole(number, 1 if colon else 0)
    counted = read_whole(iteration, 1) if colon else 0
    return None if event is None or counted is None else Place(event, counted)
