"""The tape of a run, as far as it goes: while it grows, once it is finished, and where it is lost.

Who writes it, and whether anybody still does, it must not know.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

from gradb.debugger.ending import closing_lines
from gradb.frame.reader import Tape, TapeError
from gradb.tape import trouble
from gradb.tape.descriptors import identity
from gradb.tape.missing import Stopped


class Recording:
    """A tape that may still grow."""

    def __init__(self, path: str) -> None:
        self.path = path
        """The tape's path."""
        self.head = 0
        """The last event recorded."""
        self.failure = ""
        """Why there is no tape that can be read, once that is known."""
        self.stopped: Stopped | None = None
        """Where and why the recording has ended before the script, as soon as that is known."""
        self.closing: list[str] = []
        """What is to be said of the recording when it is closed: one sentence for each thing that is missing."""
        self.is_lost = False
        """True where there was a tape and is none any more: another file is in its place, or none."""
        self._tape: Tape | None = None
        self._has_tape = False
        self._file: tuple[int, int] | None = None

    @property
    def tape(self) -> Tape | None:
        """The tape; None as long as nothing is committed."""
        if self._tape is None and self._has_tape:
            with contextlib.suppress(TapeError):
                self._tape = Tape.open(self.path)
        if self._tape is not None and self.stopped is not None:
            self._tape.end_at(self.stopped)
        return self._tape

    def grow(self, head: int) -> None:
        """Take note of how far the tape goes."""
        self._has_tape = True
        self._file = self._file or _identity(self.path)
        self.head = max(head, self.head)
        if self._tape is not None:
            self._tape.refresh()

    def stop_at(self, head: int, why: str) -> bool:
        """Take note that nothing is recorded after an event; False where that was said: the first is believed."""
        self._has_tape = True
        is_first = self.stopped is None
        self.stopped = self.stopped or Stopped(head, why)
        return is_first

    def find_file(self) -> bool:
        """Tell whether there is a file; where it is not the tape that there was, take note that this is lost."""
        found = _identity(self.path)
        is_known_lost = self.stopped is not None and trouble.has_lost_file(self.stopped.why)
        if is_known_lost or (self._has_tape and (found is None or found != (self._file or found))):
            self._miss(trouble.GONE if found is None else trouble.REPLACED)
        return found is not None

    def _miss(self, why: str) -> None:
        """Take note that nothing is left of the recording: the script's end is known all the same."""
        self.is_lost, self._has_tape = True, False
        self.stopped = self.stopped or Stopped(self.head, f"the tape is not there any more: {why}")
        self.failure = self.stopped.text
        self.closing = [self.failure]

    def has_end(self) -> bool:
        """Tell whether a script has said on the tape how it ended, though perhaps not to us."""
        try:
            with Tape.open(self.path) as tape:
                return tape.is_finished
        except TapeError:
            return False

    def settle(self) -> None:
        """Open the finished tape: what it says of itself is what counts."""
        try:
            self._tape = Tape.open(self.path, is_over=True)
        except TapeError as error:
            self.failure = str(error)
            return
        self._has_tape = True
        if self.stopped is not None:
            self._tape.end_at(self.stopped)  # a full disk may not even have taken that
        self.head = self._tape.head
        info = self._tape.run
        self.stopped = info.stopped or self.stopped
        self.closing = closing_lines(replace(info, stopped=self.stopped))

    def close_tape(self) -> None:
        """Let go of the file."""
        if self._tape is not None:
            self._tape.close()
            self._tape = None


def _identity(path: str) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        return identity(path)
    return None
