"""Opens a tape file that may come from anywhere: read-only, and only when it is exactly what gradb writes.

Owns the checks of the file and of its schema. It must not know what the rows mean. Nothing in a tape
is ever run: the schema has to be ours word for word, so there are no views, triggers or computed columns to evaluate.
"""

from __future__ import annotations

import os
import re
import sqlite3
import stat
from functools import cache
from pathlib import Path

from gradb.tape.database import Database, TapeError
from gradb.tape.schema import APPLICATION_ID, FORMAT_VERSION, INDEXES, OLDEST_VERSION, SCHEMA

_MAGIC = b"SQLite format 3\x00"
_STATEMENTS = 256  # kept prepared: Frames ask some 150 different questions
_MAX_FIELD = 256 * 1024 * 1024  # bytes of one text or blob: a longer one is refused before it is read
_IGNORED = re.compile(r"sqlite_(autoindex_\w+|stat\d|sequence)", re.IGNORECASE)


def connect(path: str | os.PathLike[str]) -> Database:
    """Open a tape read-only and check that it is one.

    Raises:
        TapeError: the file is missing, not a tape, of a newer version, damaged or not what gradb would have written.
    """
    name = os.fspath(path)
    _check_file(name)
    try:
        return _open(name)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise TapeError(f"{name} is damaged and cannot be read ({error}).") from error


def _check_file(name: str) -> None:
    """Refuse what is plainly not a database, before SQLite sees it (a pipe would block it)."""
    try:
        found = Path(name).stat()
    except FileNotFoundError:
        raise TapeError(f"{name} does not exist.") from None
    except (OSError, ValueError) as error:
        raise TapeError(f"{name!r} cannot be opened ({_reason(error)}).") from error
    if stat.S_ISDIR(found.st_mode):
        raise TapeError(f"{name} is a directory, not a tape.")
    if not stat.S_ISREG(found.st_mode):
        raise TapeError(f"{name} is not a regular file.")
    if found.st_size == 0:
        raise TapeError(f"{name} is empty, so there is no tape in it.")
    _check_header(name, found.st_size)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _check_header(name: str, size: int) -> None:
    try:
        with Path(name).open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise TapeError(f"{name} cannot be opened ({_reason(error)}).") from error
    if header[:16] != _MAGIC[: len(header)]:
        raise TapeError(f"{name} is not a gradb tape.")
    if len(header) < 100:
        raise TapeError(f"{name} is truncated: its end is missing.")
    page = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    if not has_journal(name) and size < pages * (65536 if page == 1 else page):
        raise TapeError(f"{name} is truncated: its end is missing.")


def has_journal(name: str) -> bool:
    """Tell whether part of the tape is still in a write-ahead log beside it (a live run, or one that was killed)."""
    try:
        return Path(name + "-wal").stat().st_size > 0
    except OSError:
        return False


def _open(name: str) -> Database:
    uri = Path(name).absolute().as_uri()
    try:
        return _checked(uri + "?mode=ro", name)
    except sqlite3.OperationalError:
        if has_journal(name):
            raise
    return _checked(uri + "?mode=ro&immutable=1", name)  # a read-only directory: no side files can be made there


def _checked(uri: str, name: str) -> Database:
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=5.0, cached_statements=_STATEMENTS
    )
    try:
        _harden(connection)
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()  # fails where side files cannot be made
        db = Database(connection, name)
        _check_identity(db)
        _check_schema(db)
        _check_numbering(db)
    except BaseException:
        connection.close()
        raise
    return db


def _harden(connection: sqlite3.Connection) -> None:
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_FIELD)
    for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON", "mmap_size = 0"):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _check_identity(db: Database) -> None:
    ((application,),) = db.all("PRAGMA application_id")
    if application != APPLICATION_ID:
        raise TapeError(f"{db.name} is an SQLite file, but not a gradb tape.")
    ((version,),) = db.all("PRAGMA user_version")
    if version > FORMAT_VERSION:
        raise TapeError(f"{db.name} is a tape of version {version}; this gradb reads up to version {FORMAT_VERSION}.")
    if version < 1:
        raise TapeError(f"{db.name} is damaged: it says it is a tape of version {version}.")
    if version < OLDEST_VERSION:
        raise TapeError(
            f"{db.name} is a tape of version {version}; this gradb reads from version {OLDEST_VERSION} on:"
            " record it again."
        )


def _check_schema(db: Database) -> None:
    expected = _expected()
    found = db.all("SELECT type, name, sql FROM sqlite_master LIMIT 100")
    ours = {(kind, entry): _plain(sql) for kind, entry, sql in found if not _IGNORED.fullmatch(str(entry))}
    strange = [key for key, sql in ours.items() if expected.get(key) != sql]
    if strange:
        raise TapeError(f"{db.name} is not laid out as a gradb tape: {strange[0][1]!r} does not belong in it.")
    missing = [key for key in expected if key[0] == "table" and key not in ours]
    if missing:
        raise TapeError(f"{db.name} is not laid out as a gradb tape: the table {missing[0][1]!r} is missing.")


def _check_numbering(db: Database) -> None:
    ends = db.all("SELECT (SELECT min(seq) FROM event), (SELECT max(seq) FROM event), (SELECT count(*) FROM event)")
    first, last, count = ends[0]
    if count and (first != 1 or last != count):
        raise TapeError(f"{db.name} is damaged: its events are not numbered from 1 without gaps.")


def _plain(sql: object) -> str:
    """Return a statement of the schema without comments and spacing."""
    return " ".join(re.sub(r"--[^\n]*", " ", str(sql)).split()).lower()


@cache
def _expected() -> dict[tuple[str, str], str]:
    db = sqlite3.connect(":memory:")
    db.executescript(SCHEMA + INDEXES)
    rows = db.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'").fetchall()
    db.close()
    return {(kind, entry): _plain(sql) for kind, entry, sql in rows}
