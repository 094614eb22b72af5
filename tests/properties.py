"""On how many examples a property is tried: what Hypothesis's profile says, or a multiple of that."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from random import Random

from hypothesis import settings

_LEAST = 3


def _examples(times: float) -> int:
    default = settings.default
    assert default is not None
    return max(_LEAST, round(times * default.max_examples))


def tried(times: float) -> settings:
    """Return the settings of a property that is tried on so many times the usual number of examples."""
    return settings(max_examples=_examples(times))


def positions(head: int, times: float = 1) -> range:
    """Return positions from 0 to the head: all of them, or as many as a property is tried on, evenly spread."""
    return range(0, head + 1, 1 + head // _examples(times))


def dice(times: float) -> Iterator[Random]:
    """Yield a source of chance for each of so many times the usual number of examples.

    For a property whose examples cost more to draw by Hypothesis than to try: they are the same at each run but where
    the profile asks for others, and are not made smaller where one fails.
    """
    is_same = settings.default is None or settings.default.derandomize
    for number in range(_examples(times)):
        yield Random(number if is_same else secrets.randbits(64))
