"""A finished tape as a whole: bytes of it that are other ones than were written are never taken for the truth."""

from __future__ import annotations

import contextlib
import random
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from gradb.cli.events import event_lines
from gradb.debugger.ending import flaw
from gradb.frame.reader import Tape
from gradb.tape.database import TapeError
from gradb.tape.finish import finish
from gradb.tape.paring import pare
from gradb.tape.seal import is_broken, seal
from tests.fakes import TapeBuilder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the bytes of a small tape that is sealed."""
    path = tmp_path_factory.mktemp("whole") / "t.tape"
    TapeBuilder.chain_rule_example(path)
    pare(path, 1)
    seal(path)
    return path.read_bytes()


def told(path: Path) -> tuple[list[str], bool]:
    """Return what a tape tells, and whether it says that it is damaged."""
    lines: list[str] = []
    is_damaged = bool(flaw(str(path)))

    def look(what: Callable[[], object]) -> None:
        nonlocal is_damaged
        try:
            lines.append(re.sub(" at 0x[0-9a-f]+", "", repr(what())))
        except TapeError:
            is_damaged = True

    with contextlib.ExitStack() as stack:
        try:
            tape = stack.enter_context(Tape.open(path, is_over=True))
        except TapeError:
            return [], True
        look(lambda: list(event_lines(tape)))
        look(lambda: [(one.label, one.iterations, one.values) for one in tape.series])
        for position in (10, 19):
            look(lambda position=position: tape.frame(position).grads)  # type: ignore[misc]
            look(lambda position=position: tape.frame(position).saved.memory())  # type: ignore[misc]
    return lines, is_damaged


def test_whatever_is_overwritten_is_told_or_harmless(whole: bytes, tmp_path: Path) -> None:
    """At random, between one byte and a quarter of a page: no other number, place or verdict without a word."""
    path = tmp_path / "t.tape"
    path.write_bytes(whole)
    wanted = told(path)
    assert not wanted[1]
    page = int.from_bytes(whole[16:18], "big")
    used = [at for at in range(page, len(whole)) if whole[at] and b"CREATE" not in whole[at // page * page :][:page]]
    chance, count = random.Random(0), 0
    for _ in range(8):
        size = chance.choice((1, 1, 16, 256))
        at = min(chance.choice(used), len(whole) - size)
        path.write_bytes(whole[:at] + chance.randbytes(size) + whole[at + size :])
        lines, is_damaged = told(path)
        count += is_damaged
        assert is_damaged or lines == wanted[0], f"{size} bytes at {at}"
    assert count > 4


def test_a_run_that_is_over_is_sealed(tmp_path: Path) -> None:
    """By whoever finishes the tape; doing it again changes nothing, and one that was changed since has no seal."""
    path = tmp_path / "t.tape"
    TapeBuilder.chain_rule_example(path)
    assert finish(path, 0, None)
    assert b"gradbsum" in path.read_bytes()[-16:]
    sealed = path.read_bytes()
    assert not is_broken(path)
    assert finish(path, 0, None)
    assert path.read_bytes()[-16:-8] == sealed[-16:-8]
    assert not is_broken(path)
    path.write_bytes(sealed[:5000] + b"\7" + sealed[5001:])
    assert is_broken(path)
    assert "is damaged: bytes of it are not those that were written" in flaw(str(path))
    path.write_bytes(sealed)
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT OR REPLACE INTO run VALUES('title', 'another')")
    assert not is_broken(path)
    with Tape.open(path) as tape:
        assert tape.head == 19


def test_what_is_still_written_is_not_sealed(tmp_path: Path) -> None:
    """Where a part lies in another file, and where it is no tape."""
    path = tmp_path / "t.tape"
    TapeBuilder.chain_rule_example(path)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL").fetchall()
        before = path.read_bytes()
        seal(path)
        assert path.read_bytes() == before
        assert not is_broken(path)
    path.write_bytes(b"no tape")
    seal(path)
    assert path.read_bytes() == b"no tape"
    assert not is_broken(path)
