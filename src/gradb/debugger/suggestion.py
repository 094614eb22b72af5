"""Which known name somebody may have meant, and how that is said."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable

_ENDING = re.compile(r"backward\d*(_copy)?$")
"""What the names of most nodes have in common says nothing of which is near."""


def nearest_name(name: str, known: Iterable[str]) -> str:
    """Return the known name that is nearest to one, case ignored; empty where none is near."""
    return _nearest(name, tuple(known))


@functools.lru_cache(maxsize=64)  # of many names it takes long, and what is displayed is asked for at every key
def _nearest(name: str, known: tuple[str, ...]) -> str:
    by_root = {_root(one): one for one in sorted(known, reverse=True)}
    close = difflib.get_close_matches(_root(name), by_root, n=1)
    return by_root[close[0]] if close else ""


def _root(name: str) -> str:
    return _ENDING.sub("", name.lower())


def did_you_mean(name: str, *known: Iterable[str]) -> str:
    """Return `` (did you mean NAME?)`` with a name of the first of several groups that has one near; else nothing."""
    near = next(filter(None, (nearest_name(name, group) for group in known)), "")
    return f" (did you mean {near}?)" if near else ""
