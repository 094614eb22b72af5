"""How much memory processes hold alone, and how much there is. Linux tells both; elsewhere nothing is known."""

from __future__ import annotations

from pathlib import Path

_KIB = 1024


def private_bytes(pid: int) -> int | None:
    """Return the bytes that nobody but one process holds; None where that cannot be told, or it is gone.

    The kernel looks through all its pages for that: about 5 ms for 300 MiB.
    """
    fields = _fields(f"/proc/{pid}/smaps_rollup")
    parts = [fields[name] for name in ("Private_Clean", "Private_Dirty") if name in fields]
    return sum(parts) if parts else None


def available_bytes() -> int | None:
    """Return the bytes that can be had without swapping; None where that cannot be told."""
    return _fields("/proc/meminfo").get("MemAvailable")


def _fields(path: str) -> dict[str, int]:
    """Return the fields of a file of lines such as ``Private_Dirty:   120 kB``, in bytes."""
    try:
        text = Path(path).read_text(encoding="ascii", errors="replace")
    except OSError:
        return {}
    rows = [line.split() for line in text.splitlines()]
    return {row[0].removesuffix(":"): int(row[1]) * _KIB for row in rows if len(row) == 3 and row[1].isdecimal()}
