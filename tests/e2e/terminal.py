"""A terminal of our own with gradb in it: type keys, read the screen, wait for a condition and never for a time."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pexpect
import pyte

from tests.e2e.gradb_process import DEADLINE, ROOT

Condition = str | Callable[[str], bool]


def quiet() -> float:
    """Return the seconds without a byte after which the screen is taken to be painted: more on a busy machine."""
    return 0.3 if os.getloadavg()[0] < (os.cpu_count() or 1) else 1.5


class Terminal:
    """Runs ``gradb`` with the given arguments on a pseudo terminal and keeps its screen."""

    def __init__(
        self,
        *arguments: str | Path,
        columns: int = 100,
        lines: int = 30,
        cwd: Path = ROOT,
        env: dict[str, str] | None = None,
    ) -> None:
        words = ["-m", "gradb", *map(str, arguments)]
        inherited = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
        environment = inherited | {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | (env or {})
        size = (lines, columns)
        self.process = pexpect.spawn(sys.executable, words, cwd=str(cwd), env=environment, dimensions=size)
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.process.close(force=True)

    @property
    def lines(self) -> list[str]:
        """The screen's lines, without blanks at their ends."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """The whole screen."""
        return "\n".join(self.lines)

    def _read(self, seconds: float) -> bool:
        """Take in what arrives within some seconds and tell whether anything did."""
        try:
            self._stream.feed(self.process.read_nonblocking(65536, timeout=seconds))
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        return True

    def wait_for(self, condition: Condition, seconds: float = DEADLINE) -> str:
        """Wait until the screen contains a text or fulfils a condition, and return the screen."""
        test = condition if callable(condition) else lambda text: condition in text
        deadline = time.monotonic() + seconds
        while not test(self.text):
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s for {condition!r}; the screen is\n{self.text}")
            self._read(0.1)
        return self.text

    def settle(self, seconds: float = 60) -> str:
        """Wait until the program writes no more, and return the screen."""
        deadline = time.monotonic() + seconds
        while self._read(quiet()) and time.monotonic() < deadline:
            pass
        return self.text

    def press(self, keys: str | Sequence[str]) -> None:
        """Type keys; names such as ``space`` and ``backspace`` are those of Textual."""
        for key in [keys] if isinstance(keys, str) else keys:
            self.process.send(KEYS.get(key, key))

    def wait_until_gone(self, seconds: float = DEADLINE) -> int | None:
        """Wait for the program to end and return its exit code (None when a signal ended it)."""
        deadline = time.monotonic() + seconds
        while self.process.isalive():
            if time.monotonic() > deadline:
                raise AssertionError(f"still alive after {seconds} s; the screen is\n{self.text}")
            self._read(0.1)
        code: int | None = self.process.exitstatus
        return code


KEYS = {
    "space": " ",
    "backspace": "\x7f",
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "left": "\x1b[D",
    "right": "\x1b[C",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "ctrl+q": "\x11",
    "ctrl+c": "\x03",
}
"""What a terminal sends."""
