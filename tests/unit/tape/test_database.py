"""A connection to a tape."""

from __future__ import annotations

import functools
import gc
import sqlite3

import pytest

from gradb.tape.database import Database
from gradb.tape.writer import TapeWriter


def test_a_connection_is_closed_with_the_last_that_holds_it() -> None:
    """Nobody need close a tape: the connection goes with its reader, so that Python 3.13 has nothing to warn of."""
    closed = []

    class Watched(sqlite3.Connection):
        def close(self) -> None:
            closed.append(self.in_transaction)
            super().close()

    database = Database(sqlite3.connect(":memory:", factory=Watched), "a.tape")
    assert database.one("SELECT 1") == (1,)
    assert closed == []
    del database
    gc.collect()
    assert closed == [False]


def test_a_tape_that_cannot_be_begun_leaves_no_connection_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first write fails (no room, no database) the connection is closed before the error is told."""
    closed = []

    class Watched(sqlite3.Connection):
        def close(self) -> None:
            closed.append(True)
            super().close()

    connect = functools.partial(sqlite3.connect, factory=Watched)
    monkeypatch.setattr("gradb.tape.writer.sqlite3.connect", connect)
    with pytest.raises(sqlite3.Error):
        TapeWriter("/dev/full")
    assert closed == [True]
