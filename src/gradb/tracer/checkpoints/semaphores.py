"""Locks that processes have in common, as ``multiprocessing`` makes them: a child gets its own, in the same memory.

Such a lock is made even where no other process ever uses it, as by the bars of tqdm. A child that was ended while it
holds one would leave the script waiting for ever.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from dataclasses import dataclass

from gradb.tracer.checkpoints.mappings import Mappings

_FOLDER = "/dev/shm/sem."  # noqa: S108 - this is where the C library puts them
_VALUE = 4
"""Bytes at the beginning that count how often it can still be taken."""
_FIXED = 0x10
_FAILED = ctypes.c_void_p(-1).value


@dataclass(frozen=True, slots=True)
class Semaphore:
    """One of them, as it is now."""

    address: int
    content: bytes

    @property
    def is_taken(self) -> bool:
        """True where nobody else can take it now."""
        return not any(self.content[:_VALUE])

    def settle(self) -> None:
        """Have it in memory that is this process's own.

        Raises:
            OSError: it cannot be done.
        """
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
        rights, kind = mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _FIXED
        if libc.mmap(self.address, len(self.content), rights, kind, -1, 0) == _FAILED:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        ctypes.memmove(self.address, self.content, len(self.content))


def is_one(name: str) -> bool:
    """Tell whether a file that is mapped holds one."""
    return name.startswith(_FOLDER)


def take(mappings: Mappings) -> list[Semaphore]:
    """Return those of this process, as they are now."""
    found = (row for row in mappings.shared() if is_one(row.name))
    return [Semaphore(row.begin, ctypes.string_at(row.begin, row.end - row.begin)) for row in found]
