"""A checksum of a finished tape as a whole, behind its last page, where SQLite does not look.

Rows with values have one each (see ``sums``), and what is packed has zlib's. Headers of events, places and indexes have
none: a byte that is another one there is another line or phase, and only the whole tells that it is damage.

It is 16 bytes: ``gradbsum``, the change counter of the database's header and the CRC-32 of all pages, big-endian. Where
the counter is another by now somebody has written to the tape with SQLite, and there is no seal any more.
"""

from __future__ import annotations

import os
from typing import BinaryIO
from zlib import crc32

LARGEST = 64 << 20
"""Bytes of a tape, at most, that is sealed: to look at all of a larger one takes too long."""
_MAGIC = b"gradbsum"
_SIZE = len(_MAGIC) + 8
_ROLLBACK = b"\1"
_AT_ONCE = 1 << 20


def seal(path: str | os.PathLike[str]) -> None:
    """Seal a tape that is one file and that nobody writes any more; any other stays as it is.

    Raises:
        OSError: it cannot be written.
    """
    with open(path, "r+b") as file:
        end, counter = _pages(file)
        if 0 < end <= LARGEST and end <= os.fstat(file.fileno()).st_size <= end + _SIZE:
            crc = _sum(file, end)
            file.seek(end)
            file.write(_MAGIC + counter + crc.to_bytes(4, "big"))


def is_broken(path: str | os.PathLike[str]) -> bool:
    """Tell whether a tape has a seal and is not what was sealed.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        end, counter = _pages(file)
        if not 0 < end <= LARGEST or os.fstat(file.fileno()).st_size != end + _SIZE:
            return False
        crc = _sum(file, end)
        found = file.read(_SIZE)
        return found[:-4] == _MAGIC + counter and found[-4:] != crc.to_bytes(4, "big")


def _pages(file: BinaryIO) -> tuple[int, bytes]:
    """Return where the last page ends, by the header, and the change counter; 0 where the tape is not in one file."""
    header = file.read(100)
    size = int.from_bytes(header[16:18], "big")
    count = int.from_bytes(header[28:32], "big")
    is_one = header[18:19] == _ROLLBACK
    return (count * (1 << 16 if size == 1 else size) if is_one else 0), header[24:28]


def _sum(file: BinaryIO, end: int) -> int:
    file.seek(0)
    crc = 0
    while end > 0 and (some := file.read(min(end, _AT_ONCE))):
        crc = crc32(some, crc)
        end -= len(some)
    return crc
