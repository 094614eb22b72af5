"""Where the tape of a branch comes from: off which run it branches, from where on, and what was changed there.

A fact of the run. Knows the file alone; how a branch is made it must not know.
"""

from __future__ import annotations

import json
import os
from dataclasses import astuple, dataclass
from typing import Any

from gradb.tape.lineage import put

KEY = "branch"
_MOST = 2**53
_MOST_TEXT = 4096


@dataclass(frozen=True, slots=True)
class Origin:
    """Off which run a tape branches, and where."""

    run: str
    """What tells that run from every other; the same in each copy of its tape."""
    tape: str
    """Name of the file that the tape of that run was in."""
    place: str
    """What the last event that both have is called in that run: ``434``, ``3000:17``; ``0``: before the first."""
    iteration: int
    """Of that event; 0 before the first."""
    event: int
    """That event on the branch's own tape: what comes after it is the branch's own."""
    what: str
    """What was changed there: ``zero_grad``, ``lr``."""
    value: str
    """What it was set to: ``off``, ``1e-4``."""
    compared: int
    """How many losses and norms up to there were found the same, bit for bit."""


def write(path: str | os.PathLike[str], origin: Origin) -> None:
    """Add its origin to a tape that nobody is writing, or whose script is held.

    Raises:
        sqlite3.Error: it cannot be written.
    """
    put(path, KEY, json.dumps(astuple(origin), separators=(",", ":")))


def read(text: str | None) -> Origin | None:
    """Read the fact; None where there is none, or what stands there is none."""
    try:
        raw: Any = json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
    kinds = [str, str, str, int, int, str, str, int]
    if not (isinstance(raw, list) and [type(one) for one in raw] == kinds):
        return None
    is_short = all(len(one) <= _MOST_TEXT for one in raw if type(one) is str)
    is_sound = all(0 <= one <= _MOST for one in raw if type(one) is int)
    return Origin(*raw) if is_short and is_sound else None
