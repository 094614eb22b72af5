"""What is written in a log is read from it, whole and in order, however it ends; and nothing else is believed."""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from gradb.log import layouts, segments
from gradb.log.header import header
from gradb.log.layouts import LAYOUTS, DamageError, Layout
from gradb.log.pen import MakePen
from gradb.log.reader import LogReader, Position, Record
from gradb.log.writer import LogFull, LogWriter
from gradb.tape.descriptors import FileLost
from gradb.tracer.native.loading import standing
from tests.tracer.both_pens import check_memory, check_pens, check_refusals

PLACE = (1, 2, 2, 0, 5)
built = pytest.mark.skipif(standing().module is None, reason="gradb has no C accelerator here")
_NUMBERS = {
    "H": st.integers(0, 2**16 - 1), "B": st.integers(0, 2**8 - 1), "I": st.integers(0, 2**32 - 1),
    "i": st.integers(-(2**31), 2**31 - 1), "q": st.integers(-(2**63), 2**63 - 1),
    "d": st.floats(allow_nan=False),
}  # fmt: skip


@st.composite
def records(draw: st.DrawFn) -> tuple[Layout, tuple[Any, ...], list[bytes | None]]:
    """Draw a record of any kind."""
    layout = draw(st.sampled_from(list(LAYOUTS.values())))
    numbers = tuple(draw(_NUMBERS[letter]) for letter, _ in layout.fields)
    parts = draw(st.lists(st.none() | st.binary(max_size=40), min_size=layout.parts, max_size=layout.parts))
    return layout, numbers, parts


@given(records())
def test_a_record_survives(record: tuple[Layout, tuple[Any, ...], list[bytes | None]]) -> None:
    """What is unpacked is what was packed, and its length is a multiple of what the next must be aligned to."""
    layout, numbers, parts = record
    data = layout.pack(numbers, parts)
    assert len(data) % layouts.ALIGNMENT == 0
    assert layouts.LENGTH.unpack_from(data) == (len(data),)
    assert layout.unpack(data) == (numbers, parts)


def events(folder: str) -> list[tuple[int, bytes | None]]:
    """Return (seq, data) of the events in a log."""
    return [(numbers[0], parts[1]) for layout, numbers, parts in LogReader(folder) if layout is layouts.EVENT]


def seqs(records: Iterable[Record]) -> list[int]:
    """Return the numbers of the events among some records."""
    return [numbers[0] for layout, numbers, _ in records if layout is layouts.EVENT]


def write(writer: LogWriter, number: int, data: bytes | None = b"") -> None:
    """Write an event, with a node, a name and a value said of it before."""
    event = writer.head + 1
    writer.pen.node(number, f"Node{number % 7}", event, "builtin", True, None, [(None, 0), (3, 1)])
    writer.pen.name(number, event, f"name {number}")
    writer.pen.tensor(number, event, number, 0)
    writer.event("op", f"torch.f{number % 50}", PLACE, '["detail"]', data, scope="layer", node=number)


def write_many(writer: LogWriter) -> None:
    """Write more than one segment has room for."""
    for number in range(1, 3000):
        write(writer, number)


@pytest.mark.parametrize("size", [0, 1000, 100_000])
def test_all_events_are_read_in_order(size: int, tmp_path: Path, make_pen: MakePen) -> None:
    """Over many segments, of which each tells anew what its ids mean; however large a record is."""
    writer = LogWriter(tmp_path / "run.tape", make_pen)
    for number in range(1, 300):
        write(writer, number, bytes(size))
    writer.close()
    assert events(writer.folder) == [(number, bytes(size)) for number in range(1, 300)]
    count = len(segments.numbers_in(writer.folder))
    assert count > 1 or not size
    for first in segments.numbers_in(writer.folder):
        known: set[int] = set()
        for layout, numbers, _ in LogReader(writer.folder, Position(first, 0)).read():
            if layout is layouts.TEXT:
                known.add(numbers[0])
            if layout is layouts.EVENT:
                assert known.issuperset(numbers[1:3])


def test_what_is_being_written_is_read_as_far_as_it_goes(tmp_path: Path, make_pen: MakePen) -> None:
    """One reader goes on where it was, record by record; the end is known as such."""
    writer = LogWriter(tmp_path / "run.tape", make_pen)
    reader = LogReader(writer.folder)
    for number in range(1, 2000):
        write(writer, number)
        assert seqs(reader.read()) == [number]
        assert not reader.is_closed
    writer.close()
    assert reader.read() == []
    assert reader.is_closed


@given(st.lists(st.tuples(st.sampled_from([8, 9]), st.integers(1, 12)), unique_by=lambda row: row[1]))
def test_nodes_that_are_gone_are_all_told_as_few_as_need_be(gone: list[tuple[int, int]]) -> None:
    """Each node is told with the event from which it was no more, and those side by side at once."""
    with tempfile.TemporaryDirectory() as folder:
        writer = LogWriter(os.path.join(folder, "run.tape"))
        writer.gone.extend(gone)
        write(writer, 1)
        writer.close()
        told = [numbers for layout, numbers, _ in LogReader(writer.folder).read() if layout is layouts.GONE]
    assert [(event, node) for first, last, event in told for node in range(first, last + 1)] == sorted(gone)
    assert len(told) == sum((event, node - 1) not in gone for event, node in gone)


def test_what_was_taken_back_is_not_there(tmp_path: Path, make_pen: MakePen) -> None:
    """Of an event that was never written nothing that was said of values is."""
    writer = LogWriter(tmp_path / "run.tape", make_pen)
    writer.pen.tensor(1, 1, None, 0)
    writer.pen.grad(1, 1, 1, 1)
    writer.pen.forget(0)
    writer.event("note", "gradb", PLACE, "[]", None)
    writer.close()
    kinds = [layout for layout, _, _ in LogReader(writer.folder)]
    assert layouts.EVENT in kinds
    assert layouts.TENSOR not in kinds
    assert layouts.GRAD not in kinds


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Let no file of this process become larger than some bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_an_error(tmp_path: Path, make_pen: MakePen) -> None:
    """It is raised before anything is written that has no room; what was written is there, and can go on later."""
    writer = LogWriter(tmp_path / "run.tape", make_pen)
    with no_file_above(segments.FIRST), pytest.raises(LogFull):
        write_many(writer)
    head = writer.head
    assert events(writer.folder) == [(number, b"") for number in range(1, head + 1)]
    write(writer, head + 1)
    writer.close()
    assert [seq for seq, _ in events(writer.folder)] == list(range(1, head + 2))


def test_nothing_is_left_of_a_log_that_cannot_be_made(tmp_path: Path, make_pen: MakePen) -> None:
    """Neither a folder nor a file."""
    with no_file_above(100), pytest.raises(OSError, match="File too large"):
        LogWriter(tmp_path / "run.tape", make_pen)
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_was_removed_is_missed(tmp_path: Path, make_pen: MakePen) -> None:
    """As soon as it has to go on in another segment."""
    writer = LogWriter(tmp_path / "run.tape", make_pen)
    segments.remove(writer.folder)
    with pytest.raises(FileLost):
        write_many(writer)
    writer.release()


def test_what_no_tape_has_been_made_of_is_counted(tmp_path: Path, make_pen: MakePen) -> None:
    """Segment by segment, as they are written and let go; one that has just been begun is no backlog."""
    writer = LogWriter(tmp_path / "run.tape", make_pen)
    write(writer, 1)
    assert (writer.backlog(), writer.size()) == (0, 0)
    write_many(writer)
    left = segments.numbers_in(writer.folder)[:-1]
    assert writer.backlog() == sum(os.path.getsize(segments.path_of(writer.folder, number)) for number in left) > 0
    for number in left:
        os.unlink(segments.path_of(writer.folder, number))
    assert writer.backlog() == 0
    writer.close()


def test_another_log_in_its_place_is_not_touched(tmp_path: Path, make_pen: MakePen) -> None:
    """A recording that was left alone does not write into that which has begun to the same path since."""
    old = LogWriter(tmp_path / "run.tape", make_pen)
    segments.remove(old.folder)
    new = LogWriter(tmp_path / "run.tape", make_pen)
    with pytest.raises(FileLost):
        write_many(old)
    old.release()
    write_many(new)
    new.close()
    assert [seq for seq, _ in events(new.folder)] == list(range(1, 3000))


def test_no_descriptor_is_kept(tmp_path: Path, make_pen: MakePen) -> None:
    """A script may close all that it finds."""
    before = os.listdir("/dev/fd")
    writer = LogWriter(tmp_path / "run.tape", make_pen)
    for number in range(1, 2000):
        write(writer, number)
    assert os.listdir("/dev/fd") == before
    writer.close()


@built
def test_both_pens_write_the_same_bytes(tmp_path: Path) -> None:
    """Whatever is said in whatever order, segment by segment, to the last."""
    assert all(check_pens(tmp_path, seed, 700) > segments.FIRST for seed in range(3))


@built
def test_what_is_no_call_is_refused(tmp_path: Path) -> None:
    """The pen in C raises, and goes on afterwards as if there had been no such call."""
    check_refusals(tmp_path, 2)


@built
def test_a_pen_keeps_nothing(tmp_path: Path) -> None:
    """Memory does not grow with the events, and nothing that was given to the pen in C is held."""
    assert check_memory(tmp_path, 20_000) < 2048


def test_the_header_of_the_c_sources_is_that_of_the_layouts() -> None:
    """It is printed from them: a layout that was changed is changed in C as well."""
    native = Path(layouts.__file__).parents[1] / "tracer" / "native" / "layouts.h"
    assert native.read_text() == header()


@pytest.fixture(scope="module")
def segment(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give the bytes of a segment."""
    writer = LogWriter(tmp_path_factory.mktemp("log") / "run.tape")
    for number in range(1, 20):
        write(writer, number, b"data")
    writer.close()
    return Path(segments.path_of(writer.folder, 1)).read_bytes()


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder for a log."""
    return tmp_path_factory.mktemp("strange")


@given(st.data())
def test_what_a_stranger_wrote_is_read_or_refused(segment: bytes, strange: Path, data: st.DataObject) -> None:
    """Whatever bytes are others: no record reaches beyond the file, and there is no other error."""
    used = len(segment.rstrip(b"\0"))
    changed = bytearray(segment[: data.draw(st.integers(0, used + 64))])
    for _ in range(data.draw(st.integers(0, 4))):
        if changed:
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    (strange / "1").write_bytes(changed)
    try:
        found = list(LogReader(str(strange)))
    except DamageError:
        found = []
    assert sum(layout.length(sum(map(len, filter(None, parts)))) for layout, _, parts in found) <= len(changed)
