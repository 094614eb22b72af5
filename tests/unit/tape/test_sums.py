"""Values that are not packed, and bytes of them that are other ones than were written."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from gradb.frame.reader import Tape
from gradb.tape.database import TapeError
from gradb.tape.sums import checksum
from tests.fakes import TapeBuilder
from tests.fakes.flat import flat


def test_each_column_counts() -> None:
    """Numbers, text and bytes, in their order; NULL is nothing, and text is its bytes in UTF-8."""
    assert checksum(12, "ünder", b"\0\1", None) == checksum("12ünder".encode() + b"\0\1")
    assert checksum(12, "a", b"b") != checksum(13, "a", b"b")
    assert checksum(12, "\udcff") == checksum(12, "?")


def flip(path: Path, table: str, column: str, key: str) -> None:
    """Change one bit in the middle of a column, as a failing disk does."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        ((found, kind),) = db.execute(f"SELECT CAST({column} AS BLOB), typeof({column}) FROM {table} WHERE {key}")
        at = len(found) // 2
        changed = found[:at] + bytes([found[at] ^ 1]) + found[at + 1 :]
        db.execute(f"UPDATE {table} SET {column} = CAST(? AS {kind}) WHERE {key}", (changed,))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a tape on which each event is kept apart."""
    made = tmp_path / "t.tape"
    TapeBuilder.chain_rule_example(made)
    with flat(made):
        pass
    return made


@pytest.mark.parametrize("column", ["detail", "data"])
def test_values_that_are_not_those_written_are_not_shown(path: Path, column: str) -> None:
    """The event is damaged, and there is no verdict on it; the others are read."""
    with Tape.open(path) as tape:
        whole = tape.frame(10).chain
    assert whole is not None
    flip(path, "apart", column, "event = 10")
    with Tape.open(path) as tape:
        with pytest.raises(TapeError, match=r"damaged at event 10: its values are not those that were written\."):
            tape.detail(10)
        with pytest.raises(TapeError, match="damaged at event 10"):
            assert tape.frame(10).chain
        tape.detail(9)


def test_values_of_another_event_are_not_taken(path: Path) -> None:
    """A row that is whole, in the place of another one."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM apart WHERE event = 10")
        db.execute("UPDATE apart SET event = 10 WHERE event = 9")
    with Tape.open(path) as tape, pytest.raises(TapeError, match="damaged at event 10"):
        tape.detail(10)


@pytest.mark.parametrize("column", ["detail", "data"])
@pytest.mark.parametrize("table", ["saved", "used"])
def test_what_a_node_saved_is_what_it_saved(path: Path, table: str, column: str) -> None:
    """When it was made, and at a later run of it: whole it is read, with one bit changed it is refused."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        ((detail,),) = db.execute("SELECT detail FROM saved WHERE node = 2")
        data = (3).to_bytes(8, "little")  # another value than it saved
        db.execute("INSERT INTO used VALUES(2, 13, ?, ?, ?)", (detail, data, checksum(2, 13, detail, data)))
    with Tape.open(path) as tape:
        found = tape.frame(15).saved.of(2)
        assert found is not None
        assert found.tensors[0].used is not None
    flip(path, table, column, "node = 2")
    with Tape.open(path) as tape, pytest.raises(TapeError, match="what node 2 saved is not what was written"):
        tape.frame(15).saved.of(2)


@pytest.mark.parametrize("column", ["events", "iterations", "numbers"])
def test_points_of_series_are_those_recorded(path: Path, column: str) -> None:
    """Not a loss that nobody computed, and not one of another iteration."""
    flip(path, "chunk", column, "id = 1")
    with Tape.open(path) as tape, pytest.raises(TapeError, match="chunk 1 of a series is not what was written"):
        assert tape.series
