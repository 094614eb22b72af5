"""How much memory a second copy of this process could take, and whether there is so much."""

from __future__ import annotations

import contextlib
import os

_PAGE = os.sysconf("SC_PAGE_SIZE")
_GROUPS = "/sys/fs/cgroup"


def why_not(room: int | None) -> str | None:
    """Return why there is not enough of it; None: there is.

    Args:
        room: bytes that a copy may take; None: what is free.
    """
    own, free = held(), available() if room is None else room
    if free is None or own <= free:
        return None
    return f"the script holds {_mib(own)} of memory, and a child that had to copy it all could have {_mib(free)}"


def held() -> int:
    """Return the bytes that are this process's own and in memory."""
    with open("/proc/self/statm", "rb", buffering=0) as file:
        _, resident, shared = (file.readall() or b"0 0 0").split()[:3]
    return (int(resident) - int(shared)) * _PAGE


def available() -> int | None:
    """Return the bytes that are free, of the machine's and of this process's group; None: it is not known."""
    known = [free for free in (_of_machine(), _of_group()) if free is not None]
    return min(known, default=None)


def _of_machine() -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError), open("/proc/meminfo", "rb") as file:
        return int(file.read().partition(b"MemAvailable:")[2].split()[0]) << 10
    return None


def _of_group() -> int | None:
    """Return what the innermost limit of this process's control group leaves (of version 2, where that is in use)."""
    with contextlib.suppress(OSError, ValueError, KeyError, IndexError, StopIteration):
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            path = next(line for line in file if line.startswith("0::"))[3:].strip()
        words = {name: _words(f"{_GROUPS}{path}/memory.{name}") for name in ("max", "current", "stat")}
        stat = dict(zip(words["stat"][::2], words["stat"][1::2], strict=True))
        cached = int(stat["active_file"]) + int(stat["inactive_file"])  # the kernel lets go of it where it must
        return int(words["max"][0]) - int(words["current"][0]) + cached
    return None


def _words(path: str) -> list[str]:
    with open(path, encoding="utf-8") as file:
        return file.read().split()


def _mib(size: int) -> str:
    return f"{size >> 20:,} MiB"
