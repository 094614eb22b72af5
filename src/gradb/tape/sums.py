"""Checksums of what a row says, by which it is known that it is what was written.

What is packed has one of its own (zlib's). Where a value stands as it is, a byte that is another one would be a number
that nobody computed, and a verdict on the engine of what the engine never said.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from zlib import crc32


def checksum(*parts: int | str | bytes | None) -> int:
    """Return the CRC-32 of the columns of a row, in their order: bytes as they are, text as UTF-8, numbers as text.

    NULL counts as empty.
    """
    crc = 0
    for part in parts:
        crc = crc32(part if type(part) is bytes else b"" if part is None else str(part).encode("utf-8", "replace"), crc)
    return crc


def summed(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return rows with the checksum of each at its end."""
    return [(*row, checksum(*row)) for row in rows]
