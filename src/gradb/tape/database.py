"""Questions to an SQLite file that is not trusted: every failure is a ``TapeError``, and none may take for ever.

Owns ``TapeError`` and the time limit of a statement (a made-up file can describe a table without end). It knows nothing
of the schema.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
import weakref
from typing import Any

Row = tuple[Any, ...]
_PATIENCE = 20.0  # seconds for one statement; ours take milliseconds
_INSTRUCTIONS = 200_000  # of SQLite's machine between two looks at the clock


class TapeError(Exception):
    """A tape that cannot be read; the message is one sentence for the user."""


def _storable(value: object) -> object:
    """Return text as it is on a tape: lone surrogates cannot be stored, so nothing is found by them."""
    return value.encode("utf-8", "replace").decode("utf-8") if type(value) is str and not value.isascii() else value


def _close(db: sqlite3.Connection) -> None:
    with contextlib.suppress(sqlite3.Error):  # of another thread's, the collector closes it as it can
        db.close()


class _Clock:
    """When the statement that runs has to be done."""

    deadline = 0.0

    def is_late(self) -> bool:
        return time.monotonic() > self.deadline


class Database:
    """A read-only connection."""

    def __init__(self, db: sqlite3.Connection, name: str, patience: float = _PATIENCE) -> None:
        self.name = name
        self._db = db
        self._patience = patience
        self._clock = _Clock()
        db.set_progress_handler(self._clock.is_late, _INSTRUCTIONS)  # not a method of ours: db must not hold us
        weakref.finalize(self, _close, db).atexit = False  # Python 3.13 warns of a connection that nobody closed

    def all(self, sql: str, *parameters: object) -> list[Row]:
        """Return all rows of a query (give it a LIMIT).

        Raises:
            TapeError: the file is damaged, or the answer takes too long.
        """
        self._clock.deadline = time.monotonic() + self._patience
        parameters = tuple(_storable(each) for each in parameters)
        try:
            return self._db.execute(sql, parameters).fetchall()
        except sqlite3.ProgrammingError:
            raise  # ours: a closed tape, a wrong number of parameters
        except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:  # even a message may be no UTF-8
            raise TapeError(f"{self.name} is damaged and cannot be read ({error}).") from error

    def one(self, sql: str, *parameters: object) -> Row | None:
        """Return the first row of a query, or None.

        Raises:
            TapeError: as ``all``.
        """
        rows = self.all(sql, *parameters)
        return rows[0] if rows else None

    def version(self) -> int:
        """Return a number that is another once anybody has written to the file.

        Raises:
            TapeError: as ``all``.
        """
        return int(self.all("PRAGMA data_version")[0][0])

    def is_sound(self) -> bool:
        """Look through the structure of the whole file (a millisecond for each MB), without what its values are."""
        try:
            return self.all("PRAGMA quick_check(1)") == [("ok",)]
        except TapeError:
            return False

    def close(self) -> None:
        """Close the connection."""
        self._db.close()
