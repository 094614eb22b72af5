from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random
from unittest.mock import patch

import pytest

from gradb.frame.newest import Newest
from gradb.frame.reader import Tape
from gradb.tape.database import Database
from gradb.tape.finish import finish
from tests.fakes import TapeBuilder

_KINDS = 3


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    """Return a database with no events yet."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY, kind INTEGER)")
    yield connection
    connection.close()


@pytest.mark.parametrize("is_indexed", [True, False])
@pytest.mark.parametrize("most", [2, 4096])
def test_what_is_kept_is_what_the_tape_says(db: sqlite3.Connection, is_indexed: bool, most: int) -> None:
    """Whatever was asked before, and however the tape has grown, the answer is the newest event of the kind."""
    random, kinds, newest, kept = Random(0), [0], Newest(Database(db, "a.tape")), 0
    with patch("gradb.frame.newest._KEPT", most):
        for _ in range(60):
            for _ in range(random.randint(1, 5)):
                kinds.append(random.choice((1, 1, 1, 2)))
                db.execute("INSERT INTO event VALUES (?, ?)", (len(kinds) - 1, kinds[-1]))
            for _ in range(20):
                code, position = random.randint(1, _KINDS), random.randint(0, len(kinds) + 2)
                expected = max((seq for seq, kind in enumerate(kinds[: position + 1]) if kind == code), default=0)
                found = newest.kept(code, position)
                kept += found is not None
                if found is None:
                    found = newest.read(code, position, len(kinds) - 1, is_indexed=is_indexed)
                assert found == expected, (code, position)
    assert kept > (100 if most > 2 else 0)


def test_one_question_for_a_stretch(tmp_path: Path) -> None:
    """Between two events of a kind, and before the first, the tape is asked once, whichever position comes first."""
    with TapeBuilder(tmp_path / "a.tape") as builder:
        for name in "abcd":
            builder.leaf(name, [1.0])
        builder.output("hello\n")
        builder.leaf("e", [1.0])
        builder.end()
    finish(tmp_path / "a.tape", 0, None)
    ask = patch.object(Database, "all", autospec=True, side_effect=Database.all)
    with Tape.open(tmp_path / "a.tape") as tape, ask as asked:
        assert [tape.latest("output", at) for at in (7, 6, 5, 2, 4, 1)] == [5, 5, 5, None, None, None]
        assert sum("kind" in call.args[1] for call in asked.call_args_list) == 2


def test_an_end_that_is_moved_is_not_remembered(tmp_path: Path) -> None:
    """What was printed late comes before the end; nobody who asked earlier goes on to be told of the old place."""
    path = tmp_path / "a.tape"
    with TapeBuilder(path) as builder:
        builder.leaf("a", [1.0])
        builder.end()
    with Tape.open(path) as tape:
        assert (tape.head, tape.latest("end", 2), tape.latest("output", 2)) == (2, 2, None)
        assert finish(path, 0, None, [("stderr", "late\n")])
        assert (tape.head, tape.latest("end", 3), tape.latest("end", 2), tape.latest("output", 3)) == (3, 3, None, 2)
        assert tape.latest("output", 2) == 2


def test_a_finished_tape_is_not_asked_whether_it_has_grown(tmp_path: Path) -> None:
    """Nothing is added to a tape that says it was finished; one that does not say it is looked at again."""
    path = tmp_path / "a.tape"
    with TapeBuilder(path) as builder:
        builder.leaf("a", [1.0])
        builder.commit()
        with Tape.open(path) as tape:
            assert tape.head == 1
            builder.leaf("b", [1.0])
            builder.commit()
            assert tape.head == 2
    finish(path, 0, None)
    with Tape.open(path) as tape:
        assert tape.head == 3
        with patch.object(Database, "version", side_effect=AssertionError):
            assert tape.head == 3
