"""Reads a log as one would a stranger's: every length is checked, and nothing in it is run.

A log that is still being written is read as far as it goes; ``read`` goes on from there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from gradb.log import segments
from gradb.log.layouts import ALIGNMENT, CLOSED, LAYOUTS, LENGTH, MARK, MAX_RECORD, NEXT, DamageError, Layout

_CHUNK = 1 << 18


class Position(NamedTuple):
    """How far a log was read: everything before it."""

    segment: int
    offset: int


START = Position(1, 0)
Record = tuple[Layout, tuple[Any, ...], list[bytes | None]]
"""Its kind, its numbers and its parts."""


class LogReader:
    """Reads one log from a position on.

    Args:
        folder: where its segments lie.
        position: where to begin.
    """

    def __init__(self, folder: str, position: Position = START) -> None:
        self.folder = folder
        self.position = position
        self.is_closed = False
        """True once the writer's own end has been read."""
        self._damage: DamageError | None = None
        self._open: tuple[int, int] | None = None  # the segment that is read, and its descriptor

    @property
    def has_found(self) -> bool:
        """True where the segment that is to be read is there, or was when its reading began."""
        return self._open is not None and self._open[0] == self.position.segment

    def close(self) -> None:
        """Let go of the segment that is read; safe to call twice."""
        if self._open is not None:
            os.close(self._open[1])
            self._open = None

    def __del__(self) -> None:
        """Leave no descriptor open."""
        self.close()

    def __iter__(self) -> Iterator[Record]:
        """Yield all records that are there by now."""
        while records := self.read():
            yield from records

    def read(self, end: Position | None = None) -> list[Record]:
        """Return the next records that are there by now, some 256 KiB of them; none where there are none yet.

        Args:
            end: how far to read at most.

        Raises:
            DamageError: what lies there was not written by a writer of ours; what lay before it was returned before.
            OSError: a segment cannot be read.
        """
        if self._damage is not None:
            raise self._damage
        records: list[Record] = []
        while not (records or self.is_closed or self.position == end):
            position = self.position
            data, offsets = self._published(end)
            records, at, what = _parsed(data, offsets)
            self.position = Position(position.segment, position.offset + at)  # an end is met again by who goes on here
            if isinstance(what, DamageError):
                self._damage = what
            elif what is CLOSED:
                self.is_closed = True
            elif what is NEXT:
                self.position = Position(position.segment + 1, 0)
            if self._damage is not None and not records:
                raise self._damage
            if self.position == position:
                break
        return records

    def _published(self, end: Position | None) -> tuple[bytes, list[int]]:
        """Return whole records from the position on, about a chunk of them, and where each begins.

        They are read once to see how far they go, and then once more: what was written in between may have been seen
        in part.
        """
        number, offset = self.position
        size = _CHUNK if end is None or end.segment != number else min(_CHUNK, end.offset - offset)
        try:
            fd = self._descriptor(number)
        except FileNotFoundError:
            return b"", []
        offsets, length, self._damage = _walked(os.pread(fd, size, offset), os.fstat(fd).st_size - offset)
        return (os.pread(fd, length, offset) if length else b""), offsets

    def _descriptor(self, number: int) -> int:
        """Return that of a segment: once it is open, it is read to its end even if its file is removed."""
        if self._open is None or self._open[0] != number:
            fd = os.open(segments.path_of(self.folder, number), os.O_RDONLY | os.O_CLOEXEC)
            self.close()
            self._open = number, fd
        return self._open[1]


def _walked(chunk: bytes, left: int) -> tuple[list[int], int, DamageError | None]:
    """Return where the whole records of a chunk begin, where they end, and whether what follows is none.

    A record that is longer than the chunk is the only one. ``left`` is how many bytes the segment has from there on.
    """
    offsets: list[int] = []
    at, size, length_at = 0, len(chunk), LENGTH.unpack_from
    while at + ALIGNMENT <= size:
        length: int = length_at(chunk, at)[0]
        if not length:
            break
        if length % ALIGNMENT or length > MAX_RECORD or at + length > left:
            return offsets, at, DamageError("there is no record where one should be")
        if at + length > size and offsets:
            break
        offsets.append(at)
        at += length
    return offsets, at, None


def _parsed(data: bytes, offsets: list[int]) -> tuple[list[Record], int, Layout | DamageError | None]:
    """Return the records of a chunk up to one that ends them, where that is, and what it is; else None.

    A mark is returned alone.
    """
    records: list[Record] = []
    for at in offsets:
        layout = LAYOUTS.get(data[at + 4] | data[at + 5] << 8)
        if layout is None:
            return records, at, DamageError("there is a record of no kind that is known")
        if layout is CLOSED or layout is NEXT:
            return records, at, layout
        if layout is MARK and records:  # it comes alone: what was before it is taken first
            return records, at, None
        try:
            numbers, parts = layout.unpack(data, at)
        except DamageError as damage:
            return records, at, damage
        records.append((layout, numbers, parts))
        if layout is MARK:
            return records, at + MARK.alone, None
    return records, len(data), None
