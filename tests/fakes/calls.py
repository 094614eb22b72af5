"""Calls that lead to the events of a tape that was written without any."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

Call = tuple[int, str, int, str]
"""Line, function, how many frames of others lie between it and what it has called, and whose these are."""


def add_calls(path: Path, event: int, calls: Sequence[Call], *, is_cut: bool = False) -> None:
    """Have an event of a tape lie in calls, the innermost first, all of them in the first source file."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        (last,) = db.execute("SELECT coalesce(max(id), 0) FROM stack").fetchone()
        outer = -1 if is_cut else 0
        for line, function, others, packages in reversed(calls):
            last += 1
            row = (last, outer, others, 1, line, line, 0, 4, function, packages)
            db.execute("INSERT INTO stack VALUES(?,?,?,?,?,?,?,?,?,?)", row)
            outer = last
        db.execute("INSERT OR REPLACE INTO called SELECT site, ? FROM event WHERE seq = ?", (outer, event))
        db.commit()
