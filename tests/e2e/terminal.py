"""A terminal of our own with gradb in it: type keys, read the screen, wait for a condition and never for a time."""

from __future__ import annotations

import os
import re
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pexpect
import pyte
from ptyprocess import PtyProcess  # type: ignore[import-untyped]
from pyte import modes
from pyte.screens import Char
from wcwidth import wcwidth

from tests.e2e.gradb_process import DEADLINE, ROOT, WarmProcess

Condition = str | Callable[[str], bool]


_CALM = 10
"""Looks in a row at which the program neither writes nor runs: then the screen is painted, however busy the machine."""


def is_running(pid: int) -> bool:
    """Tell whether a thread of a process has something to do, be it that it waits for its turn."""
    states = [_state(path) for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return any(state in {"R", "D"} for state in states)


def _state(path: Path) -> str:
    try:
        return path.read_text().rpartition(")")[2].split()[0]
    except OSError:  # the thread has ended
        return ""


class _Forked(pexpect.spawn):  # type: ignore[misc]
    """A process on a terminal; gradb is forked from one that has torch and Textual in memory."""

    def _spawnpty(self, args: list[str], **options: Any) -> PtyProcess:
        known = WarmProcess.server([os.fspath(word) for word in args]) if sys.platform == "linux" else None
        if known is None:
            return super()._spawnpty(args, **options)
        server, asked = known
        ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, options["dimensions"])
        asked |= {"line": args, "cwd": options["cwd"], "env": options["env"]}
        pid = server.fork(asked, dict.fromkeys(range(3), theirs), group=-1, has_terminal=True)
        os.close(theirs)
        return PtyProcess(pid, ours)


class _Cells(dict[str, Char | None]):
    """A cell of the screen for each character that takes one, None for any other."""

    def __missing__(self, char: str) -> Char | None:
        cell = self[char] = Char(char) if wcwidth(char) == 1 else None
        return cell


class _Screen(pyte.Screen):
    """A screen without colours: what is written on a line is put there at once, not looked at letter by letter."""

    _cells = _Cells()

    def draw(self, data: str) -> None:
        """Put a text where the cursor is."""
        cells = [cell for char in data if (cell := self._cells[char]) is not None]
        x = self.cursor.x
        if len(cells) < len(data) or x + len(cells) > self.columns or modes.IRM in self.mode or self.charset:
            super().draw(data)
            return
        self.buffer[self.cursor.y].update(zip(range(x, x + len(cells)), cells, strict=True))
        self.cursor.x += len(cells)
        self.dirty.add(self.cursor.y)


class _Plain:
    """Leaves out what sets colours, most of what arrives and nothing that is looked at, where it comes in parts too."""

    _COLORS = re.compile(rb"\x1b\[[0-9;:]*m")
    _PART = re.compile(rb"\x1b(\[[0-9;:]*)?\Z")

    def __init__(self) -> None:
        self._rest = b""

    def __call__(self, data: bytes) -> bytes:
        data = self._rest + data
        part = self._PART.search(data)
        end = part.start() if part else len(data)
        self._rest = data[end:]
        return self._COLORS.sub(b"", data[:end])


class Terminal:
    """Runs ``gradb`` with the given arguments on a pseudo terminal and keeps its screen.

    Args:
        arguments: of gradb.
        columns: of the terminal.
        lines: of the terminal.
        cwd: the folder in which it runs.
        env: further environment variables; with these an interpreter is started for it.
        is_new: start an interpreter for it in any case.
    """

    def __init__(
        self,
        *arguments: str | Path,
        columns: int = 100,
        lines: int = 30,
        cwd: Path = ROOT,
        env: dict[str, str] | None = None,
        is_new: bool = False,
    ) -> None:
        words = ["-m", "gradb", *map(str, arguments)]
        inherited = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
        environment = inherited | {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | (env or {})
        size = (lines, columns)
        spawn = pexpect.spawn if env or is_new else _Forked
        self.process = spawn(sys.executable, words, cwd=str(cwd), env=environment, dimensions=size)
        self.screen = _Screen(columns, lines)
        self._lines = [""] * lines
        self._stream, self._plain = pyte.ByteStream(self.screen), _Plain()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.process.close(force=True)

    @property
    def lines(self) -> list[str]:
        """The screen's lines, without blanks at their ends."""
        for number in self.screen.dirty:
            line = self.screen.buffer[number]
            self._lines[number] = "".join(line[column].data for column in range(self.screen.columns)).rstrip()
        self.screen.dirty.clear()
        return self._lines[:]

    @property
    def text(self) -> str:
        """The whole screen."""
        return "\n".join(self.lines)

    def _read(self, seconds: float) -> bool:
        """Take in what arrives within some seconds and tell whether anything did."""
        try:
            self._stream.feed(self._plain(self.process.read_nonblocking(65536, timeout=seconds)))
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
        deadline, calm = time.monotonic() + seconds, 0
        while calm < _CALM and time.monotonic() < deadline:
            calm = 0 if self._read(0.03) or is_running(self.process.pid) else calm + 1
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
