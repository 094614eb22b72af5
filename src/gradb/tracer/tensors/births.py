"""Births of values that are not finite: what an op makes of finite inputs, unless the script asked for it.

Only asked where something odd was made, which is rare: what is finite costs nothing here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from gradb.tape.oddity import born
from gradb.tape.schema import INFINITY, NAN

_MOST = 100_000


class Births:
    """Judges the births of one recording."""

    def is_birth(self, made: int, given: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Tell whether something odd is born in a call.

        Args:
            made: what is odd about the results, as flags.
            given: what is odd about the tensors it was given.
            args: all that it was given: an infinite number is one that the script wants (``masked_fill(mask, -inf)``).
            kwargs: the same by name.
        """
        if made & INFINITY and has_infinity((*args, *kwargs.values())):
            made &= NAN
        return born(made, given) != 0


def has_infinity(values: Iterable[Any], most: int = _MOST) -> bool:
    """Tell whether an infinite number is among some values, or in lists of them; only so many are looked at."""
    waiting = [iter(values)]
    while waiting and most:
        for value in waiting[-1]:
            most -= 1
            if type(value) is float and math.isinf(value):
                return True
            if type(value) is list or type(value) is tuple:
                waiting.append(iter(value))
                break
            if not most:
                break
        else:
            waiting.pop()
    return False
