"""Lines of gradb's own and, marked at the margin, what the script prints, in the order in which they come."""

from __future__ import annotations

import re
from collections.abc import Callable

from gradb.present.draw.safe import plain

_MARKS = {"stderr": "|! "}
_MARK = "| "
_ENDS = re.compile(r"(\r\n|\n|\r)")


class Echo:
    """Writes lines, and what a script prints as it comes: a line that has no end yet is ended before another begins.

    A carriage return, by which progress bars begin their line anew, begins another line here.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._open = ""  # the mark of a line that has no end yet

    def say(self, *lines: str) -> None:
        """Write lines of gradb's own."""
        if lines:
            self._write(self._closing() + "".join(f"{line}\n" for line in lines))

    def print(self, stream: str, text: str) -> None:
        """Write what the script has printed."""
        mark = _MARKS.get(stream, _MARK)
        parts = [] if self._open in {"", mark} else [self._closing()]
        for piece in _ENDS.split(text):
            if piece not in {"\n", "\r\n", "\r"}:
                parts.append(f"{'' if self._open else mark}{plain(piece)}" if piece else "")
                self._open = mark if piece else self._open
            elif self._open or piece != "\r":
                parts.append(f"{'' if self._open else mark.rstrip()}\n")
                self._open = ""
        if written := "".join(parts):
            self._write(written)

    def end(self) -> None:
        """End a line that is open."""
        if closing := self._closing():
            self._write(closing)

    def _closing(self) -> str:
        closing, self._open = "\n" if self._open else "", ""
        return closing
