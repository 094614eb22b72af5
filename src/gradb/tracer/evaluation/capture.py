"""Keeps what is printed while an expression is evaluated: it is part of the answer, and no output of the script's."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
from collections.abc import Iterator
from typing import Any

_MOST_TEXT = 10_000


class Printed:
    """What was printed, up to a limit."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._size = 0

    def take(self, text: str) -> None:
        """Take what somebody prints."""
        if self._size < _MOST_TEXT:
            self._texts.append(text[: _MOST_TEXT - self._size])
        self._size += len(text)

    @property
    def text(self) -> str:
        """All of it, or how it begins and how much there is."""
        more = self._size - _MOST_TEXT
        return "".join(self._texts) + (f"… {more:,} more characters" if more > 0 else "")


class _Stream(io.TextIOBase):
    """Takes what one thread prints; what others print goes where it went before."""

    def __init__(self, original: Any, printed: Printed) -> None:
        super().__init__()
        self._original, self._printed = original, printed
        self._ident = threading.get_ident()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(getattr(self._original, "encoding", "utf-8"))

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        found: str | None = getattr(self._original, "errors", None)
        return found

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._original.fileno())

    def write(self, text: str) -> int:
        if threading.get_ident() != self._ident:
            return int(self._original.write(text))
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._printed.take(str(text))
        return len(text)


@contextlib.contextmanager
def captured() -> Iterator[Printed]:
    """Take what this thread prints by Python's own streams, as long as the context lasts."""
    printed, before = Printed(), (sys.stdout, sys.stderr)
    ours = tuple(None if stream is None else _Stream(stream, printed) for stream in before)
    sys.stdout, sys.stderr = ours
    try:
        yield printed
    finally:
        sys.stdout, sys.stderr = before
