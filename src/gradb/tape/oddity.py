"""What of some numbers is not finite, as the flags of an event say it, and when that is the birth of it.

A NaN is born where none went in: an infinity that did is its cause. An infinity is born of finite numbers only.
"""

from __future__ import annotations

from gradb.tape.schema import BIRTH, INFINITY, NAN, NONFINITE
from gradb.tape.values import PARTS, decode

UNREAD = 1
"""Said beside ``NAN`` and ``INFINITY`` where a value could not be read: then nobody knows."""


def oddity(number: float) -> int:
    """Return ``NAN``, ``INFINITY`` or 0."""
    if number - number == 0:
        return 0
    return NAN if number != number else INFINITY


def oddity_of(data: bytes, dtype: str) -> int:
    """Return what is odd about elements of a dtype that is decoded; of complex ones about their parts."""
    odd = 0
    for number in decode(data, PARTS.get(dtype, dtype)):
        odd |= oddity(number)  # type: ignore[arg-type]  # parts are no complex numbers
    return odd


def born(made: int, given: int) -> int:
    """Return ``BIRTH`` where what is odd about the outcome does not come of what went in, else 0."""
    if made & NAN and not given & (NAN | UNREAD):
        return BIRTH
    return BIRTH if made & INFINITY and not given & (NONFINITE | UNREAD) else 0
