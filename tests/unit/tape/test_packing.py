"""Details and values packed in blocks, and what a stranger can put in the place of a block."""

from __future__ import annotations

import contextlib
import sqlite3
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from gradb.frame.reader import Tape
from gradb.tape import packing
from gradb.tape.database import TapeError
from gradb.tape.packing import FEW, MAX_DATA, MAX_DETAIL, MAX_RAW, MOST, Entry, PackingError, Unpacked, pack
from gradb.tape.sums import checksum
from gradb.tape.writer import TapeWriter

NOWHERE = (None, None, None, None, None)
DETAILS = st.one_of(
    st.binary(min_size=1, max_size=40),
    st.integers(1, MAX_DETAIL + 10).map(lambda size: b"x" * size),
)
DATAS = st.one_of(st.none(), st.binary(max_size=20), st.integers(1, 2 * MAX_DATA).map(bytes))


def found(first: int, entries: list[Entry]) -> dict[int, tuple[str, bytes | None]]:
    """Return what is read of some events after packing, by their numbers."""
    blocks, apart = pack(first, entries)
    read: dict[int, tuple[str, bytes | None]] = {}
    for begin, packed in blocks:
        block = Unpacked(packed)
        for index in range(block.count):
            detail, data = block[index]
            if detail:
                assert begin + index not in read
                read[begin + index] = (detail.decode("utf-8", "replace"), data)
    for seq, text, data in apart:
        assert seq not in read
        read[seq] = (text, data)
    return read


@settings(max_examples=20)
@given(
    first=st.integers(1, 2**40),
    some=st.lists(st.tuples(DETAILS, DATAS), min_size=1, max_size=12),
    times=st.integers(1, 30),
)
def test_every_event_is_read_as_it_was_packed(first: int, some: list[Entry], times: int) -> None:
    """Few or many, small or large: each is in one place, as it was; empty data is none in any."""
    entries = some * times
    wanted = {
        first + at: (detail.decode("utf-8", "replace"), data or None) for at, (detail, data) in enumerate(entries)
    }
    assert found(first, entries) == wanted


def test_no_block_is_larger_than_a_reader_takes() -> None:
    """Just below the sizes that are kept apart, as many as fit."""
    entries: list[Entry] = [(b"x" * MAX_DETAIL, bytes(MAX_DATA)), (b"y", bytes(MAX_DATA))] * MOST
    for events in (entries, [(b"z", None), *entries], [(b"z" * 200, b"1" * 55)] * (MOST - 1) + entries):
        assert len(found(1, events)) == len(events)


def test_what_is_few_is_not_packed() -> None:
    """A pause after each event leaves rows that any SQLite reader shows."""
    entries: list[Entry] = [(b"[1]", b"data")] * (FEW - 1)
    assert pack(5, entries) == ([], [(5 + at, "[1]", b"data") for at in range(FEW - 1)])


def raw(count: int, sizes: list[int], body: bytes) -> bytes:
    """Return the bytes of a block, sound or not, before they are packed."""
    return struct.pack(f"<{1 + len(sizes)}I", count, *sizes) + body


STRANGE = {
    "nothing": b"",
    "no zlib": b"block",
    "cut off": zlib.compress(raw(1, [3, 0], b"[1]"))[:-3],
    "no events": zlib.compress(raw(0, [], b"")),
    "no number": zlib.compress(b"\1"),
    "too many events": zlib.compress(raw(MOST + 1, [0] * (2 * MOST + 2), b"")),
    "more events than sizes": zlib.compress(raw(MOST, [3, 0], b"[1]")),
    "absurdly many": zlib.compress(raw(2**32 - 1, [3, 0], b"[1]")),
    "sizes too large": zlib.compress(raw(1, [2**32 - 1, 2**32 - 1], b"[1]")),
    "sizes too small": zlib.compress(raw(1, [1, 0], b"[1]")),
    "a bomb": zlib.compress(bytes(1 << 26), 1),
    "one byte too many": zlib.compress(raw(1, [MAX_RAW - 11, 0], bytes(MAX_RAW - 11)), 1),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_no_block_is_refused(name: str) -> None:
    """Nothing is taken for granted, and nothing large is made of little."""
    with pytest.raises(PackingError):
        Unpacked(STRANGE[name])


@given(noise=st.binary(max_size=60), is_packed=st.booleans())
def test_noise_is_refused_or_read(noise: bytes, is_packed: bool) -> None:
    """Whatever the bytes are, there is no other exception."""
    with contextlib.suppress(PackingError):
        block = Unpacked(zlib.compress(noise) if is_packed else noise)
        for index in range(block.count):
            block[index]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a tape with three blocks."""
    made = tmp_path / "t.tape"
    with contextlib.closing(TapeWriter(made)) as writer:
        for number in range(1, 2 * MOST + 20):
            writer.event("note", "a note", NOWHERE, f'["text {number}"]', None)
    return made


DAMAGED = {
    "noise": "UPDATE block SET packed = x'0102' WHERE first = 129",
    "text": "UPDATE block SET packed = 'block' WHERE first = 129",
    "another's": "UPDATE block SET packed = (SELECT packed FROM block ORDER BY first DESC LIMIT 1) WHERE first = 129",
    "none": "DELETE FROM block WHERE first = 129",
    "elsewhere": "UPDATE block SET first = 200 WHERE first = 129",
    "not utf-8": "INSERT INTO apart VALUES(180, CAST(x'ff' AS TEXT), NULL, 0)",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_block_is_named(path: Path, name: str) -> None:
    """Its events are refused in a sentence; those of the blocks beside it are read."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(DAMAGED[name])
        db.commit()
    with Tape.open(path) as tape:
        assert "text 128" in repr(tape.detail(128))
        with pytest.raises(TapeError, match=r"t\.tape is damaged"):
            tape.detail(180)
        assert "text 260" in repr(tape.detail(260))


def test_a_row_apart_counts_more_than_the_block(path: Path) -> None:
    """What ends a tape may come between events that are packed."""
    text = '["another"]'
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO apart VALUES(180, ?, NULL, ?)", (text, checksum(180, text)))
        db.commit()
    with Tape.open(path) as tape:
        assert "another" in repr(tape.detail(180))
        assert "text 181" in repr(tape.detail(181))


def test_packing_takes_no_part_in_what_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same events in many commits or in one, in blocks of any size, are the same details."""
    tapes = []
    for name, most, every in (("one", MOST, 1000), ("each", MOST, 1), ("some", MOST, 50), ("small", 9, 1000)):
        monkeypatch.setattr(packing, "MOST", most)
        path = tmp_path / f"{name}.tape"
        with contextlib.closing(TapeWriter(path)) as writer:
            for number in range(1, 300):
                writer.event("note", "a note", NOWHERE, f'["text {number}"]', None)
                if number % every == 0:
                    writer.commit()
        monkeypatch.undo()
        with Tape.open(path) as tape:
            tapes.append([repr(tape.detail(number)) for number in range(1, 300)])
    assert tapes[1:] == tapes[:1] * 3
