"""Where a tape comes from that was made by living iterations of another run again: a fact of the run.

Knows the file alone; what makes two runs the same it must not know.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

KEY = "relived"
_MOST = 2**53
_MOST_TEXT = 4096


@dataclass(frozen=True, slots=True)
class Lineage:
    """Of which run a tape lives iterations again, and of which iterations it has all."""

    run: str
    """What tells the first run from every other; the same in each copy of its tape."""
    tape: str
    """Name of the file that the first run's tape was in."""
    iteration: int
    """The one that is meant."""
    first: int
    """The first one that is whole in the tape; ``first <= iteration <= last``."""
    last: int
    """The last one."""


def write(path: str | os.PathLike[str], lineage: Lineage) -> None:
    """Add its lineage to a tape that nobody is writing.

    Raises:
        sqlite3.Error: it cannot be written.
    """
    put(path, KEY, json.dumps(astuple(lineage), separators=(",", ":")))


def put(path: str | os.PathLike[str], key: str, text: str) -> None:
    """Add a fact to the run of a tape.

    Raises:
        sqlite3.Error: it cannot be written.
    """
    uri = Path(os.fspath(path)).absolute().as_uri() + "?mode=rw"
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as db:
        db.execute("INSERT OR REPLACE INTO run VALUES(?, ?)", (key, text))


def read(text: str | None) -> Lineage | None:
    """Read the fact; None where there is none, or what stands there is none."""
    try:
        raw: Any = json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
    if not (isinstance(raw, list) and [type(one) for one in raw] == [str, str, int, int, int]):
        return None
    run, tape, iteration, first, last = raw
    is_sound = 1 <= first <= iteration <= last <= _MOST and max(len(run), len(tape)) <= _MOST_TEXT
    return Lineage(run, tape, iteration, first, last) if is_sound else None
