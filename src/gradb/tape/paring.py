"""Pares a tape down to what is not on another one already: the points of its series before an iteration go.

For tapes that nobody is writing, and whose run was found to have the very same points before there.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from array import array
from pathlib import Path
from typing import Any

from gradb.tape.sums import summed

_SMALL = 4 << 20
_PAGE = 1024
"""Bytes of a page of a small tape: most tables have a page or two, of which little is used."""
_COUNTS = "skipped", "suppressed", "missed", "inserted"
"""Kinds of series that count: of what goes the last point stays, since what comes after it counts on."""


def pare(path: str | os.PathLike[str], first: int) -> None:
    """Remove the points of iterations before ``first``, and the room that nothing needs.

    Raises:
        sqlite3.Error: the file cannot be written.
    """
    uri = Path(os.fspath(path)).absolute().as_uri() + "?mode=rw"
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")  # it is put in its place only once it is whole
        if first > 1:
            db.execute("BEGIN")
            for series, kind in db.execute("SELECT id, kind FROM series").fetchall():
                _pare(db, series, first, keeps_last=kind in _COUNTS)
            db.execute("COMMIT")
        if os.stat(path).st_size < _SMALL:
            db.execute(f"PRAGMA page_size = {_PAGE}")
        db.execute("VACUUM")


def _pare(db: sqlite3.Connection, series: int, first: int, *, keeps_last: bool) -> None:
    points: list[tuple[int, int, float]] = []
    last: tuple[int, int, float] | None = None
    for row in db.execute(
        "SELECT count, events, iterations, numbers FROM chunk WHERE series = ? ORDER BY id", (series,)
    ):
        for point in _unpacked(*row):
            if point[1] >= first:
                points.append(point)
            else:
                last = point
    if last is not None and keeps_last:
        points.insert(0, last)
    db.execute("DELETE FROM chunk WHERE series = ?", (series,))
    if points:
        events, iterations, numbers = zip(*points, strict=True)
        packed = (array("q", events).tobytes(), array("q", iterations).tobytes(), array("d", numbers).tobytes())
        db.execute(
            "INSERT INTO chunk(series, count, events, iterations, numbers, crc) VALUES(?, ?, ?, ?, ?, ?)",
            *summed([(series, len(points), *packed)]),
        )


def _unpacked(count: int, events: bytes, iterations: bytes, numbers: bytes) -> list[tuple[int, int, float]]:
    some: list[Any] = [array("q", events), array("q", iterations), array("d", numbers)]
    return list(zip(*some, strict=True))[:count]
