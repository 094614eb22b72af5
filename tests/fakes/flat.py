"""The events of a tape in one flat table, for tests that read or change single columns.

In the file they are spread over ``event``, ``site``, ``block`` and ``apart`` (see docs/tape.md).
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from gradb.tape.details import Details
from gradb.tape.kinds.registry import CODES, KINDS, PARTS
from gradb.tape.sums import checksum

_TABLE = (
    "CREATE TEMP TABLE event(seq, kind, name, file, line, end_line, col, end_col, scope, iteration, phase, node, flags,"
    " thread, detail, data)"
)
_ROWS = (
    "SELECT e.seq, e.kind, t.name, t.file, t.line, t.end_line, t.col, t.end_col, t.scope, e.iteration, t.phase, e.node,"
    " e.flags, t.thread FROM main.event e JOIN site t ON t.id = e.site ORDER BY e.seq"
)


def flatten(db: sqlite3.Connection) -> None:
    """Let ``event`` stand, for this connection, for a table with a row an event and all that is told of it."""
    rows = db.execute(_ROWS).fetchall()
    details = Details(lambda sql, *values: db.execute(sql, values).fetchone(), "a tape")
    found = [(seq, KINDS[code], *rest, *details.of(seq)[1:]) for seq, code, *rest in rows]
    db.execute(_TABLE)
    db.executemany(f"INSERT INTO temp.event VALUES({','.join('?' * 16)})", found)


@contextlib.contextmanager
def flat(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection to a tape where ``event`` is the flat table; what is changed in it is written to the tape."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        flatten(db)
        yield db
        _write_back(db)
        db.commit()


def _write_back(db: sqlite3.Connection) -> None:
    """Give each event a site of its own, and keep its detail apart; SQLite copies what is no text and no number too."""
    codes = {str(kind): code for kind, code in CODES.items()}
    db.create_function("code", 1, lambda kind: codes.get(kind, -1))
    db.create_function("back", 3, _back)
    db.create_function("crc", 3, checksum)
    for table in ("event", "site", "block", "apart"):
        db.execute(f"DELETE FROM main.{table}")
    db.execute(
        "INSERT INTO main.site SELECT rowid, name, file, line, end_line, col, end_col, scope, phase, thread"
        " FROM temp.event"
    )
    db.execute(
        "INSERT INTO main.event SELECT seq, code(kind), rowid, iteration, node, flags, back(kind, seq, detail)"
        " FROM temp.event"
    )
    db.execute("INSERT INTO main.apart SELECT seq, detail, data, crc(seq, detail, data) FROM temp.event")


def _back(kind: str, seq: int, detail: str | bytes) -> int | str | None:
    begin = str(detail)[1:].partition(",")[0]
    if kind not in PARTS:
        return None
    return seq - int(begin) if begin.isdecimal() else begin
