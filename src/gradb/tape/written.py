"""The files that a script has opened for writing, moved or removed: facts of the run, as they are written and read.

One fact holds some of them as a JSON list of [path, what was done, whether it was there before]; how many there are
beyond those that are kept is one more.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from gradb.tape.database import Database

Deed = Literal["opened", "database", "moved", "removed", "folder", "folder removed", "linked"]
"""What was done: a file opened for writing, a database opened, a path moved away, removed, a folder made or removed,
a link made."""
MOST = 1000
"""So many are kept."""
_PREFIX = "wrote_"
_MORE = f"{_PREFIX}more"


@dataclass(frozen=True, slots=True)
class Write:
    """What was done to one path."""

    path: str
    """Absolute."""
    deed: Deed
    was_there: bool
    """True where something was at the path before."""


@dataclass(frozen=True, slots=True)
class Writes:
    """What one run has done to files, as far as Python was told of it."""

    kept: tuple[Write, ...] = ()
    more: int = 0
    """How many there are beyond these."""


def facts(first: int, writes: Sequence[Write], more: int) -> dict[str, str]:
    """Return facts of a run that tell of some writes.

    Args:
        first: how many were told before.
        writes: what is new.
        more: how many there are beyond those that are kept.
    """
    told = {_MORE: str(more)} if more else {}
    if writes:
        rows = [[write.path, write.deed, write.was_there] for write in writes]
        told[f"{_PREFIX}{first:04}"] = json.dumps(rows, separators=(",", ":"))
    return told


def read(db: Database) -> Writes:
    """Return the writes of a run; what is damaged says nothing.

    Raises:
        TapeError: the file cannot be read.
    """
    rows = db.all("SELECT value FROM run WHERE key GLOB ? ORDER BY key LIMIT ?", f"{_PREFIX}[0-9]*", MOST)
    kept = [write for (text,) in rows for write in _read(str(text))]
    more = db.one("SELECT value FROM run WHERE key = ?", _MORE)
    return Writes(tuple(kept[:MOST]), int(more[0]) if more is not None and str(more[0]).isdecimal() else 0)


def _read(text: str) -> list[Write]:
    try:
        rows: Any = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [Write(row[0], row[1], row[2]) for row in (rows if isinstance(rows, list) else ()) if _is_write(row)]


def _is_write(row: Any) -> bool:
    is_row = isinstance(row, list) and [type(one) for one in row] == [str, str, bool]
    return is_row and row[1] in get_args(Deed)
