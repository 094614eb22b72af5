"""How details and values of events that follow each other are packed, and unpacked again without trusting a byte.

Neighbours say nearly the same, so they are compressed together (zlib). Inside are, little-endian: how many events there
are, the sizes of detail and data of each (uint32), then all details, then all data. An event that is kept apart has two
sizes of 0 there.
"""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

MOST = 128
"""Events of one block."""
FEW = 8
"""Events that are not worth a block."""
FULL = 1 << 15
"""Bytes of details and data with which a block is full: what is farther away zlib cannot refer to."""
MAX_DETAIL = 1 << 16
MAX_DATA = 512
"""Bytes of one event above which it is kept apart: numbers hardly get smaller, and packing them takes long."""
MAX_RAW = 4 + 8 * MOST + FULL + MAX_DETAIL + MAX_DATA
"""Bytes of an unpacked block at most."""
_LEVEL = 3

Entry = tuple[bytes, bytes | None]
"""Detail and data of one event; empty data is none."""
Block = tuple[int, bytes]
"""The first of its events, and these packed: a row of the ``block`` table."""
Apart = tuple[int, str, bytes | None]
"""An event, its detail and its data: a row of the ``apart`` table, but for its checksum."""


class PackingError(ValueError):
    """Bytes that are no block."""


def pack(first: int, entries: Sequence[Entry]) -> tuple[list[Block], list[Apart]]:
    """Return the blocks of events that follow each other from ``first`` on, and those that are kept apart."""
    blocks: list[Block] = []
    apart: list[Apart] = []
    begin = size = large = 0
    for end, (detail, data) in enumerate(entries, 1):
        length, more = len(detail), 0 if data is None else len(data)
        if length > MAX_DETAIL or more > MAX_DATA:
            large += 1
        else:
            size += length + more
        if size >= FULL or end - begin == MOST:
            _close(first + begin, entries[begin:end], large, blocks, apart)
            begin, size, large = end, 0, 0
    _close(first + begin, entries[begin:], large, blocks, apart)
    return blocks, apart


def _close(first: int, entries: Sequence[Entry], large: int, blocks: list[Block], apart: list[Apart]) -> None:
    """Pack some events in one block, but for the large ones; or keep all apart where few are left."""
    is_packed = len(entries) - large >= FEW
    if large or not is_packed:
        rows = [(first + index, *entry) for index, entry in enumerate(entries) if not is_packed or _is_large(*entry)]
        apart += [(seq, detail.decode("utf-8", "replace"), data or None) for seq, detail, data in rows]
    if is_packed:
        blocks.append((first, _packed([(b"", None) if large and _is_large(*entry) else entry for entry in entries])))


def _is_large(detail: bytes, data: bytes | None) -> bool:
    return len(detail) > MAX_DETAIL or (data is not None and len(data) > MAX_DATA)


def _packed(entries: Sequence[Entry]) -> bytes:
    details = [detail for detail, _ in entries]
    datas = [data or b"" for _, data in entries]
    sizes = [*map(len, details), *map(len, datas)]
    head = struct.pack(f"<{1 + len(sizes)}I", len(details), *sizes)
    return zlib.compress(b"".join((head, *details, *datas)), _LEVEL)


class Unpacked:
    """A block that was unpacked: its events, by their place in it.

    Raises:
        PackingError: it is none.
    """

    __slots__ = ("_ends", "_raw", "count")

    def __init__(self, packed: bytes) -> None:
        self._raw = raw = _inflated(packed)
        self.count = count = int.from_bytes(raw[:4], "little")
        body = 4 + 8 * count
        if not 0 < count <= MOST or body > len(raw):
            raise PackingError("a block has no number of events that it may have")
        self._ends = list(accumulate(struct.unpack_from(f"<{2 * count}I", raw, 4), initial=body))
        if self._ends[-1] != len(raw):
            raise PackingError("what is in a block is not of the sizes that it says")

    def __getitem__(self, index: int) -> Entry:
        """Return an event; one that is kept apart has an empty detail."""
        detail, data = (self._raw[self._ends[at] : self._ends[at + 1]] for at in (index, self.count + index))
        return detail, data or None

    def mentioning(self, text: bytes) -> list[int]:
        """Return the places of the events in whose details there is a text."""
        at, found = self._raw.find(text, self._ends[0], self._ends[self.count]), []
        while at >= 0:
            index = bisect_right(self._ends, at) - 1
            if at + len(text) <= self._ends[index + 1]:
                found.append(index)
            at = self._raw.find(text, max(self._ends[index + 1], at + 1), self._ends[self.count])
        return found


def _inflated(packed: bytes) -> bytes:
    machine = zlib.decompressobj()
    try:
        raw = machine.decompress(packed, MAX_RAW + 1)
    except zlib.error as error:
        raise PackingError(f"a block cannot be unpacked ({error})") from error
    if len(raw) > MAX_RAW or not machine.eof:
        raise PackingError("a block is larger than it may be, or cut off")
    return raw
