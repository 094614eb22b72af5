"""Memory of a process that is forked from, in few large pages: a fork copies an entry a page, and its end frees them.

With torch there are sixty thousand small ones, for which a fork and its end take 25 ms; of large ones, 7. Best effort:
Linux does it since 6.1, and only pages that are written to afterwards are small again.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

_COLLAPSE = 25
"""MADV_COLLAPSE of madvise(2): copy what is there into large pages, now."""
_LARGE = 1 << 21
_WORTH = 1 << 20
"""Bytes of memory below which a stretch is left as it is."""


def collapse() -> None:
    """Put the memory that this process has written to into large pages."""
    if sys.platform != "linux":
        return
    advise = ctypes.CDLL(None).madvise
    for line in Path("/proc/self/maps").read_text().splitlines():
        bounds, access, _, _, inode, *name = line.split()
        start, end = (int(bound, 16) for bound in bounds.split("-"))
        if access == "rw-p" and inode == "0" and name in ([], ["[heap]"]) and end - start >= _WORTH:
            first, last = -(-start // _LARGE) * _LARGE, end // _LARGE * _LARGE
            if first < last:
                advise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _COLLAPSE)
