"""A connection to a tape."""

from __future__ import annotations

import gc
import sqlite3

from gradb.tape.database import Database


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
