"""How each kind of record lies in the log: one row each, from which both the writer and the reader derive.

A record is ``length, code, 0``, its numbers, the sizes of its parts, and the parts; little-endian, without gaps, and
filled up with zeros to a multiple of 8 bytes. ``length`` counts all of it. A part that is None has the size ``ABSENT``.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

ABSENT = 0xFFFF_FFFF
NO_NUMBER = -(2**63)
"""A number that is None, where it may be."""
NOWHERE = -1
"""The same of a line or a column."""
ALIGNMENT = 8
LENGTH = struct.Struct("<I")
MAX_RECORD = 1 << 30
PADDING = [bytes(count) for count in range(ALIGNMENT)]
_HEADER = "IHH"


class DamageError(ValueError):
    """Bytes that no writer of ours has written."""


class Layout:
    """One kind of record.

    Args:
        code: tells it from the others.
        numbers: their formats, as ``struct`` names them.
        parts: how many texts or bytes follow.
    """

    __slots__ = ("_read", "_struct", "alone", "code", "numbers", "pad", "parts", "size", "write")

    def __init__(self, code: int, numbers: str, parts: int) -> None:
        self.code, self.numbers, self.parts = code, numbers, parts
        self._struct = struct.Struct(f"<{_HEADER}{numbers}{parts}I")
        self.size = self._struct.size
        """Bytes in front of the parts."""
        self._read = self._struct.unpack_from
        self.write = self._struct.pack
        """Takes length, code, 0, the numbers and the sizes of the parts; returns what stands in front of these."""
        self.pad = PADDING[-self.size % ALIGNMENT]
        """What a record without parts ends with."""
        self.alone = self.size + len(self.pad)
        """Its length."""

    def pack(self, numbers: Sequence[Any], parts: Sequence[bytes | None] = ()) -> bytes:
        """Return a record.

        Raises:
            ValueError: a part is longer than any may be.
        """
        body = b"".join([part for part in parts if part])
        length = self.length(len(body))
        sizes = [ABSENT if part is None else len(part) for part in parts]
        head = self.write(length, self.code, 0, *numbers, *sizes)
        return head + body + PADDING[length - self.size - len(body)]

    def length(self, size: int) -> int:
        """Return the length of a record whose parts have so many bytes, all together.

        Raises:
            ValueError: it is longer than any may be.
        """
        length = (self.size + size + ALIGNMENT - 1) & -ALIGNMENT
        if length > MAX_RECORD:
            raise ValueError(f"a record of {length:,} bytes is longer than any may be")
        return length

    def unpack(self, data: bytes, at: int = 0) -> tuple[tuple[Any, ...], list[bytes | None]]:
        """Return the numbers and the parts of a record of this kind that begins at ``at``.

        Raises:
            DamageError: it is shorter than its kind, or its parts are not within it.
        """
        end = at + int.from_bytes(data[at : at + 4], "little")
        if end - at < self.size or end > len(data):
            raise DamageError("a record is shorter than its kind")
        found = self._read(data, at)
        if not self.parts:
            return found[3:], []
        first = len(found) - self.parts
        parts: list[bytes | None] = []
        at += self.size
        for size in found[first:]:
            if size == ABSENT:
                parts.append(None)
                continue
            parts.append(data[at : at + size])
            at += size
        if at > end:
            raise DamageError("a part of a record reaches beyond it")
        return found[3:first], parts


TEXT = Layout(1, "I", 1)
"""``id`` stands for a text, from here to the end of the segment; so do those of places."""
PLACE = Layout(2, "I5i2i", 0)
"""id; source, line, end line, column, end column; source and line in a library."""
EVENT = Layout(3, "qIIIIIIqHH", 2)
"""seq, kind, name, place, scope, phase (all by id), iteration, node, flags, thread; detail, data."""
RUN = Layout(4, "", 2)
"""A fact of the run: key, value."""
SOURCE = Layout(5, "I", 2)
"""id; path, text."""
SERIES = Layout(6, "Iii", 2)
"""id, source, line; kind, name."""
RENUMBERED = Layout(7, "q", 1)
"""event; the numbers as JSON."""
NODE = Layout(8, "qqIIqB", 1)
"""id, event, name and kind (by id), tensor, saves; edges as JSON."""
SAVED = Layout(9, "q", 2)
"""node; detail, data."""
USED = Layout(10, "qq", 2)
"""node, event; detail, data."""
TOUCHED = Layout(11, "qq", 0)
"""storage, event."""
GONE = Layout(12, "qqq", 0)
"""first node, last node, event."""
REMARK = Layout(13, "qqI", 1)
"""node, event, kind (by id); text."""
MISSING = Layout(14, "q", 3)
"""event; part, why, hides."""
TENSOR = Layout(15, "qqqq", 0)
"""tensor, event, node, output number."""
NAME = Layout(16, "qqI", 0)
"""tensor, event, name (by id)."""
GRAD = Layout(17, "qqqq", 0)
"""tensor, event, fills, since."""
POINT = Layout(18, "Iqqd", 0)
"""series, event, iteration, value."""
CLOSED = Layout(19, "", 0)
"""The writer has ended in order: nothing follows."""
NEXT = Layout(20, "", 0)
"""The log goes on in the next segment."""

LAYOUTS: dict[int, Layout] = {
    layout.code: layout
    for layout in (
        TEXT, PLACE, EVENT, RUN, SOURCE, SERIES, RENUMBERED, NODE, SAVED, USED, TOUCHED, GONE, REMARK, MISSING, TENSOR,
        NAME, GRAD, POINT, CLOSED, NEXT,
    )
}  # fmt: skip
