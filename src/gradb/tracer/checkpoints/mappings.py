"""What is mapped into this process: whose code lies at an address, and which memory it has in common with others."""

from __future__ import annotations

import bisect
import functools
import os
import re
from dataclasses import dataclass

_MAPS = "/proc/self/maps"
_LINE = re.compile(rb"^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+ *(.*)$", re.MULTILINE)
_SHARED = re.compile(rb" [r-]w[x-]s \S+ \S+ \S+ *(.*)$", re.MULTILINE)
_OPENMP = re.compile(rb" (/\S.*/lib(?:gomp|iomp5|omp)\b[^/\n]*)$", re.MULTILINE)


@dataclass(frozen=True)
class Mappings:
    """As it is at one moment."""

    text: bytes

    @classmethod
    def now(cls) -> Mappings:
        """Read it."""
        with open(_MAPS, "rb", buffering=0) as file:
            return cls(file.readall())

    def shared(self) -> list[str]:
        """Return the names of what this process writes to and others see: files, or what the kernel calls it."""
        return [os.fsdecode(name) for name in _SHARED.findall(self.text)]

    def openmp(self) -> list[str]:
        """Return the paths of the OpenMP libraries that are loaded."""
        return [os.fsdecode(path) for path in dict.fromkeys(_OPENMP.findall(self.text))]

    def code_of(self, address: int) -> str | None:
        """Return the file whose code lies at an address; None where there is no code."""
        found = self._around(address)
        return found[2] if found is not None and found[3] else None

    def end_of(self, address: int) -> int:
        """Return where the memory ends that has an address; the address itself where there is none."""
        found = self._around(address)
        return address if found is None else found[1]

    def _around(self, address: int) -> tuple[int, int, str, bool] | None:
        index = bisect.bisect_right(self._rows, address, key=lambda row: row[0]) - 1
        row = self._rows[index] if index >= 0 else None
        return row if row is not None and address < row[1] else None

    @functools.cached_property
    def _rows(self) -> list[tuple[int, int, str, bool]]:
        """(begin, end, file, whether it is code), in order."""
        return [
            (int(begin, 16), int(end, 16), os.fsdecode(name), b"x" in rights)
            for begin, end, rights, name in _LINE.findall(self.text)
        ]
