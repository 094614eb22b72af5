from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from gradb.frame.frame import Frame
from gradb.frame.reader import Tape
from gradb.tape.database import Database, TapeError
from gradb.tape.stops import Stop
from gradb.tape.writer import TapeWriter
from tests.fakes import TapeBuilder
from tests.fakes.flat import flat
from tests.properties import tried


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a sound tape."""
    made = tmp_path / "sound.tape"
    TapeBuilder.chain_rule_example(made)
    return made


def sentence(path: str | Path) -> str:
    """Return the sentence with which a path is refused."""
    with pytest.raises(TapeError) as caught:
        Tape.open(path).close()
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def change(path: Path, sql: str) -> None:
    """Run SQL on a tape as a stranger might have; the schema may be rewritten too."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA writable_schema = ON")
    db.executescript(sql)
    db.commit()
    db.close()


def alter(path: Path, sql: str) -> None:
    """Run SQL on a tape whose events are one flat table, as a stranger who knows the format might have."""
    with flat(path) as db:
        db.execute(sql)


def test_what_is_no_file(tmp_path: Path) -> None:
    """A missing path, a directory, a pipe and a path that cannot be are refused, each by name."""
    assert "does not exist" in sentence(tmp_path / "none.tape")
    assert "is a directory" in sentence(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in sentence(tmp_path / "pipe")
    assert "cannot be opened" in sentence("nul\0byte")


FILES = {
    "empty": (b"", "is empty"),
    "text": (b"import torch\n", "not a gradb tape"),
    "binary": (bytes(range(256)) * 20, "not a gradb tape"),
    "magic only": (b"SQLite format 3\0", "truncated"),
    "part of the magic": (b"SQLite", "truncated"),
    "zeros": (bytes(5000), "not a gradb tape"),
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_tape(tmp_path: Path, name: str) -> None:
    """Files of other kinds are refused."""
    content, clause = FILES[name]
    (tmp_path / "x.tape").write_bytes(content)
    assert clause in sentence(tmp_path / "x.tape")


def test_other_databases(tmp_path: Path) -> None:
    """An SQLite file of another program is refused as such."""
    other = tmp_path / "other.db"
    db = sqlite3.connect(other)
    db.execute("CREATE TABLE event(seq)")
    db.commit()
    db.close()
    assert "an SQLite file, but not a gradb tape" in sentence(other)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_truncated_tapes(path: Path, keep: float) -> None:
    """A tape whose end is missing is refused."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    assert "truncated" in sentence(path)


def test_a_tape_of_this_format_has_all_its_tables(path: Path) -> None:
    """What older tapes may lack it may not."""
    change(path, "DROP TABLE called")
    assert "the table 'called' is missing" in sentence(path)


HOSTILE = {
    "a newer version": ("PRAGMA user_version = 11", "version 11; this gradb reads up to version 10"),
    "an older version": ("PRAGMA user_version = 9", "version 9; this gradb reads from version 10 on: record it again"),
    "no version": ("PRAGMA user_version = 0", "version 0"),
    "a view for a table": (
        "ALTER TABLE event RENAME TO hidden; CREATE VIEW event AS SELECT * FROM hidden",
        "does not belong in it",
    ),
    "a trigger": (
        "CREATE TRIGGER t AFTER INSERT ON run BEGIN DELETE FROM run; END",
        "'t' does not belong in it",
    ),
    "another table": ("CREATE TABLE more(x)", "'more' does not belong in it"),
    "a computed column": (
        "ALTER TABLE run ADD COLUMN bomb AS (zeroblob(1000000000))",
        "'run' does not belong in it",
    ),
    "an index on an expression": ("CREATE INDEX i ON event(abs(node))", "'i' does not belong in it"),
    "a missing table": ("DROP TABLE grad", "the table 'grad' is missing"),
    "a gap": ("DELETE FROM event WHERE seq = 4", "without gaps"),
    "a negative number": ("UPDATE event SET seq = -1 WHERE seq = 1", "without gaps"),
    "an absurd number": ("UPDATE event SET seq = 9223372036854775807 WHERE seq = 19", "without gaps"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_schemas(path: Path, name: str) -> None:
    """A file that is not laid out exactly as a tape is refused before any of it is read."""
    sql, clause = HOSTILE[name]
    change(path, sql)
    assert clause in sentence(path)


def test_a_tape_with_fewer_indexes_opens(path: Path) -> None:
    """An index that is missing makes a tape slow, not strange."""
    change(path, "DROP INDEX event_kind; DROP INDEX tensor_node; ANALYZE")
    with Tape.open(path) as tape:
        assert tape.frame(10).chain is not None


def walk(tape: Tape) -> None:
    """Read all of a tape, as the panes would."""
    for position in range(tape.head + 1):
        frame: Frame = tape.frame(position)
        for index in range(len(frame.graph)):
            row = frame.graph.row(index)
            frame.graph.state(row.node)
            frame.graph.shape(row.node)
        for name in frame.names:
            tape.lookup(name, position)
            tape.grad(name, position)
    for stop in (Stop("step"), Stop("line"), Stop("at", "3"), Stop("node", "mul"), Stop("nonfinite"), Stop("phase")):
        tape.find(stop, 1, +1)
    assert tape.series
    list(tape.events())


DAMAGED = {
    "json": ("UPDATE event SET detail = 'x' WHERE seq = 10", "at event 10"),
    "a blob for the json": ("UPDATE event SET detail = x'00' WHERE seq = 10", "at event 10"),
    "data too short": ("UPDATE event SET data = x'00' WHERE seq = 10", "at event 10"),
    "data as text": ("UPDATE event SET data = 'text' WHERE seq = 10", "at event 10"),
    "a kind": ("UPDATE event SET kind = 'dance' WHERE seq = 10", "the header of event 10"),
    "a line": ("UPDATE event SET line = 'ten' WHERE seq = 10", "the header of event 10"),
    "a name": ("UPDATE event SET name = x'ff' WHERE seq = 10", "the header of event 10"),
    "not utf-8": ("UPDATE event SET scope = CAST(x'ff' AS TEXT) WHERE seq = 10", "damaged"),
    "edges": ("UPDATE node SET edges = '[[\"a\",0]]' WHERE id = 3", "node 3"),
    "edges that are none": ("UPDATE node SET edges = '7' WHERE id = 3", "node 3"),
    "nested json": ("UPDATE node SET edges = replace(hex(zeroblob(50000)), '0', '[') WHERE id = 3", "node 3"),
    "a start that is none": ("UPDATE event SET detail = '[\"x\",[]]' WHERE seq = 10", "event 10"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_rows(path: Path, name: str) -> None:
    """Damage inside a row is a TapeError with one sentence, at the position where it matters."""
    sql, clause = DAMAGED[name]
    alter(path, sql)
    with Tape.open(path) as tape, pytest.raises(TapeError) as caught:
        walk(tape)
    assert clause in str(caught.value)
    assert "\n" not in str(caught.value)


STRANGE = {
    "nodes that lead nowhere": "UPDATE node SET edges = '[[999,0],[-5,3]]'",
    "self loops": "UPDATE node SET edges = '[[3,0],[3,0]]' WHERE id = 3",
    "another world's run facts": "UPDATE run SET value = '{' WHERE key = 'arguments'",
    "no sources": "DELETE FROM source",
    "no nodes": "DELETE FROM node",
    "no names": "DELETE FROM name",
    "no definitions": "DELETE FROM tensor",
    "definitions that are elsewhere": "UPDATE tensor SET event = event + 1",
    "gradients that are elsewhere": "UPDATE grad SET event = 3",
    "a backward without a start": "UPDATE event SET kind = 'note', detail = '[\"x\"]' WHERE seq = 6",
    "escape sequences": "UPDATE name SET name = char(27) || '[2J[red]' ",
    "absurd shapes": """UPDATE event SET data = NULL,
        detail = '[16,[[0,null,false,null,0,[[4611686018427387904,4611686018427387904],"float32",null,null,""]]]]'
        WHERE seq = 17""",
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_tapes_are_read_or_refused(path: Path, name: str) -> None:
    """A tape that contradicts itself gives Frames or a TapeError, and never another exception."""
    alter(path, STRANGE[name])
    with suppress(TapeError), Tape.open(path) as tape:
        walk(tape)


@tried(0.48)
@given(data=st.data())
def test_flipped_bytes(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Bytes changed anywhere in the file give Frames or a TapeError, and never another exception."""
    folder = tmp_path_factory.mktemp("flip")
    path = folder / "t.tape"
    TapeBuilder.chain_rule_example(path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 12))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with suppress(TapeError), Tape.open(path) as tape:
        walk(tape)


def test_a_statement_does_not_run_for_ever() -> None:
    """A query that would not end is cut off with a TapeError."""
    db = Database(sqlite3.connect(":memory:"), "endless", patience=0.2)
    with pytest.raises(TapeError, match="endless is damaged"):
        db.all("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")
    db.close()


def test_strange_file_names(tmp_path: Path) -> None:
    """Names with the signs of a URI in them open like any other."""
    for name in ("a?b=c.tape", "a#b.tape", "100%25.tape", "ä ö.tape"):
        TapeBuilder.chain_rule_example(tmp_path / name)
        with Tape.open(tmp_path / name) as tape:
            assert tape.head == 19


def test_opening_writes_nothing(path: Path) -> None:
    """Reading a finished tape leaves the file and its folder as they were."""
    before = path.read_bytes()
    with Tape.open(path) as tape:
        walk(tape)
        assert [item.name for item in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == before


def in_wal_mode(path: Path) -> None:
    """Leave a tape as a copy taken from a live run: marked for a log that is not there."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    db.close()


@pytest.mark.parametrize("prepare", [lambda path: None, in_wal_mode], ids=["finished", "cut off from its log"])
@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_read_only_folders(path: Path, prepare: Callable[[Path], None]) -> None:
    """A tape opens where nothing can be written beside it."""
    prepare(path)
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        with Tape.open(path) as tape:
            walk(tape)
    finally:
        path.parent.chmod(0o755)


def test_no_permission(path: Path) -> None:
    """A file that may not be read is refused with the system's reason."""
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("the superuser may read everything")
    assert "Permission denied" in sentence(path)


def test_a_tape_without_its_log_is_still_known_for_one(tmp_path: Path) -> None:
    """What kind of file it is stands in the file itself, before anything is written to the log beside it."""
    writer = TapeWriter(tmp_path / "live.tape")
    (tmp_path / "copied.tape").write_bytes((tmp_path / "live.tape").read_bytes())
    writer.close()
    assert "is not laid out as a gradb tape" in sentence(tmp_path / "copied.tape")
