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
        name: what it is called.
        numbers: format, as ``struct`` names it, and name of each.
        parts: names of the texts or bytes that follow.
    """

    __slots__ = ("_read", "_struct", "alone", "code", "fields", "name", "pad", "part_names", "parts", "size", "write")

    def __init__(self, code: int, name: str, numbers: str = "", parts: str = "") -> None:
        self.code, self.name, self.part_names = code, name, tuple(parts.split())
        self.fields = [(word[0], word[2:]) for word in numbers.split()]
        """(format, name) of each number."""
        self.parts = len(self.part_names)
        formats = "".join(letter for letter, _ in self.fields)
        self._struct = struct.Struct(f"<{_HEADER}{formats}{self.parts}I")
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
        try:
            found = self._read(data, at)
        except struct.error:
            raise DamageError("a record is shorter than its kind") from None
        end = at + found[0]
        if found[0] < self.size or end > len(data):
            raise DamageError("a record is shorter than its kind")
        if not self.parts:
            return found[3:], []
        parts: list[bytes | None] = []
        begin = at + self.size
        for size in found[-self.parts :]:
            if size == ABSENT:
                parts.append(None)
            else:
                parts.append(data[begin : begin + size])
                begin += size
        if begin > end:
            raise DamageError("a part of a record reaches beyond it")
        return found[3 : -self.parts], parts


TEXT = Layout(1, "text", "I:id", "text")
"""``id`` stands for a text, from here to the end of the segment; so do those of places."""
PLACE = Layout(
    2, "place", "I:id i:source i:line i:end_line i:column i:end_column i:library_source i:library_line I:stack"
)  # fmt: skip
EVENT = Layout(
    3, "event", "q:seq I:kind I:name I:place I:scope I:phase I:iteration q:node H:flags H:thread", "detail data"
)  # fmt: skip
"""Kind, name, place, scope and phase by their ids."""
RUN = Layout(4, "run", "", "key value")
SOURCE = Layout(5, "source", "I:id", "path text")
SERIES = Layout(6, "series", "I:id i:source i:line", "kind name")
RENUMBERED = Layout(7, "renumbered", "q:event", "numbers")
NODE = Layout(8, "node", "q:id q:event I:name I:kind q:tensor B:saves", "edges")
"""Name and kind by their ids; the edges as JSON."""
SAVED = Layout(9, "saved", "q:node", "detail data")
USED = Layout(10, "used", "q:node q:event", "detail data")
TOUCHED = Layout(11, "touched", "q:storage q:event")
GONE = Layout(12, "gone", "q:first q:last q:event")
REMARK = Layout(13, "remark", "q:node q:event I:kind", "text")
"""Kind by its id."""
MISSING = Layout(14, "missing", "q:event", "part why hides")
TENSOR = Layout(15, "tensor", "q:tensor q:event q:node q:output_nr")
NAME = Layout(16, "name", "q:tensor q:event I:name")
"""Name by its id."""
GRAD = Layout(17, "grad", "q:tensor q:event q:fills q:since")
POINT = Layout(18, "point", "I:series q:event q:iteration d:value")
CLOSED = Layout(19, "closed")
"""The writer has ended in order: nothing follows."""
NEXT = Layout(20, "next")
"""The log goes on in the next segment."""
STACK = Layout(
    21, "stack", "I:id i:outer I:others i:source i:line i:end_line i:column i:end_column", "function packages"
)

MARK = Layout(22, "mark", "I:number")
"""A checkpoint: the tape as it is here is kept, by its number."""

LAYOUTS: dict[int, Layout] = {
    layout.code: layout
    for layout in (
        TEXT, PLACE, EVENT, RUN, SOURCE, SERIES, RENUMBERED, NODE, SAVED, USED, TOUCHED, GONE, REMARK, MISSING, TENSOR,
        NAME, GRAD, POINT, CLOSED, NEXT, STACK, MARK,
    )
}  # fmt: skip
