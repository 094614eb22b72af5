"""What is mapped into this process: whose code lies at an address, and which memory it has in common with others."""

from __future__ import annotations

import bisect
import functools
import os
import re
from dataclasses import dataclass
from typing import NamedTuple

_MAPS = "/proc/self/maps"
_LINE = r"^([0-9a-f]+)-([0-9a-f]+) (%s) \S+ \S+ \S+ *(.*)$"
_ANY, _SHARED = (re.compile((_LINE % rights).encode(), re.MULTILINE) for rights in (r"\S{4}", r"\Sw\Ss"))
_WRITTEN_AND_SHARED = re.compile(rb"w[-x]s ")
_OPENMP = re.compile(rb" (/\S.*/lib(?:gomp|iomp5|omp)\b[^/\n]*)$", re.MULTILINE)


class Mapping(NamedTuple):
    """A stretch of memory."""

    begin: int
    end: int
    rights: str
    """As in ``r-xp``: read, write, execute; private or shared."""
    name: str
    """Its file, or what the kernel calls it."""


@dataclass(frozen=True)
class Mappings:
    """As it is at one moment."""

    text: bytes

    @classmethod
    def now(cls) -> Mappings:
        """Read it."""
        with open(_MAPS, "rb", buffering=0) as file:
            return cls(file.readall())

    def shared(self) -> list[Mapping]:
        """Return what this process can write to and others see."""
        return _rows(_SHARED, self.text) if _WRITTEN_AND_SHARED.search(self.text) else []

    def openmp(self) -> list[str]:
        """Return the paths of the OpenMP libraries that are loaded."""
        return [os.fsdecode(path) for path in dict.fromkeys(_OPENMP.findall(self.text))]

    def code_of(self, address: int) -> str | None:
        """Return the file whose code lies at an address; None where there is no code."""
        found = self._around(address)
        return found.name if found is not None and "x" in found.rights else None

    def file_of(self, address: int) -> str | None:
        """Return the file of which an address is a part; None where it is of none."""
        found = self._around(address)
        return found.name if found is not None and found.name.startswith("/") else None

    def end_of(self, address: int) -> int:
        """Return where the memory ends that has an address; the address itself where there is none."""
        found = self._around(address)
        return address if found is None else found.end

    def _around(self, address: int) -> Mapping | None:
        index = bisect.bisect_right(self._all, address, key=lambda row: row.begin) - 1
        row = self._all[index] if index >= 0 else None
        return row if row is not None and address < row.end else None

    @functools.cached_property
    def _all(self) -> list[Mapping]:
        """All of it, in order."""
        return _rows(_ANY, self.text)


def _rows(lines: re.Pattern[bytes], text: bytes) -> list[Mapping]:
    return [
        Mapping(int(begin, 16), int(end, 16), rights.decode(), os.fsdecode(name))
        for begin, end, rights, name in lines.findall(text)
    ]
