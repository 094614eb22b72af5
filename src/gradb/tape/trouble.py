"""What a tape's file fails with, in words for people."""

from __future__ import annotations

import errno
import sqlite3

from gradb.tape.descriptors import FileLost

GONE = "its file was removed or moved away"
REPLACED = "another file is in its place"
_FULL = "the disk does not take it: it is full, or files may not become larger"
_WORDS = {
    sqlite3.SQLITE_BUSY: "another program has locked it",
    sqlite3.SQLITE_LOCKED: "another program has locked it",
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _FULL,
    sqlite3.SQLITE_READONLY: "its file may not be written any more",
    sqlite3.SQLITE_CORRUPT: "another program has written into it",
    sqlite3.SQLITE_NOTADB: "another program has written into it",
}
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PRIMARY = 0xFF  # SQLite's extended codes have the primary one in their lowest byte


def is_full(error: BaseException) -> bool:
    """Tell whether the disk does not take it."""
    return why(error) == _FULL


def why(error: BaseException) -> str:
    """Return why a tape cannot be written; empty where that is not known."""
    if isinstance(error, FileLost):
        return str(error)
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return _FULL
    code = getattr(error, "sqlite_errorcode", None)
    return "" if code is None else _WORDS.get(code & _PRIMARY, "")


def has_lost_file(why: str) -> bool:
    """Tell whether a recording has ended because its file was not in its place: what is there is none of ours."""
    return why.endswith((GONE, REPLACED))
