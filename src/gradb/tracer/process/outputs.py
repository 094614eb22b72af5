"""Records what the script prints, at the position where it prints it.

A line is an event as soon as it is complete, so that two recordings of one script agree; what is no whole line waits
for the next event, for output from elsewhere or for a while without any output.
``sys.stdout`` and ``sys.stderr`` become text streams of the same kind over a raw file that tells the recorder before it
writes on. What bypasses them (C code, child processes) is seen by the parent process only.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import Any

from gradb.tape.kinds.note import write as write_note
from gradb.tape.kinds.output import write as write_output
from gradb.tracer.isolation.signals import deliver, held, shielded_but_for_its_end
from gradb.tracer.recording.recorder import Recorder
from gradb.tracer.source.places import NOWHERE, PlaceRow

_PIECE = 1 << 16
_MAX_RECORDED = 8 << 20
_LINES = 1000
_IDLE_TICKS = 8  # of the clock that commits: a process that is stopped or starved has none, so nothing is cut in two


class Outputs:
    """Makes an event of each line; of many from one place, beyond the first thousand, an event of each 64 KiB.

    Args:
        recorder: the tape's recorder.
        passes: whether the text also goes on to the process's own stdout and stderr.
    """

    def __init__(self, recorder: Recorder, passes: bool) -> None:
        self._recorder = recorder
        self._passes = passes
        self._pid = os.getpid()
        self._pending: list[str] = []
        self._size = 0
        self._total = 0
        self._key: tuple[str, PlaceRow] | None = None
        self._is_busy = False
        self._ends_line = False
        self._lines = 0
        self._ticks = 0

    def install(self) -> None:
        """Replace ``sys.stdout`` and ``sys.stderr`` (and what Python keeps as their originals)."""
        for name, fd in (("stdout", 1), ("stderr", 2)):
            old = getattr(sys, name)
            if old is None:
                continue
            old.flush()
            raw = _Tee(fd, self, name)
            stream = io.TextIOWrapper(
                _Unbuffered(raw, self), encoding=old.encoding, errors=old.errors, newline=None,
                line_buffering=True, write_through=True,
            )  # fmt: skip
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
        self._recorder.observer.before_commit.listen(self._flush_idle)

    def go_on(self, passes: bool) -> None:
        """Go on in a forked process."""
        self._pid, self._passes, self._ticks = os.getpid(), passes, 0

    def is_full(self) -> bool:
        """True when no more output is kept."""
        return self._total > _MAX_RECORDED

    def wrote(self, name: str, text: str) -> None:
        """Take note of printed text."""
        if not self._recorder.is_active or os.getpid() != self._pid or self._is_busy:
            return
        self._recorder.guard(self._take, name, text, what="what was printed")

    def end_line(self) -> None:
        """Make an event of what is pending when that is whole lines; may hold the script."""
        if self._ends_line and not self._is_busy and os.getpid() == self._pid:
            self._recorder.guard(self._end_line, what="what was printed")

    def _end_line(self) -> None:
        if self._ends_line:
            self._lines += 1
            self.flush()

    def passes(self) -> bool:
        """Tell whether text is written on: on request, and always in a forked child."""
        return self._passes or os.getpid() != self._pid

    def _take(self, name: str, text: str) -> None:
        if self._recorder.pending is not None:  # what is printed may show what it has to tell
            self._recorder.settle()
        key = (name, self._recorder.find(5).place.row)
        if key != self._key:
            self.flush()
            self._key = key
            self._lines = 0
        self._ticks = 0
        if self.is_full():
            return
        self._total += len(text)
        self._pending.append(text)
        self._size += len(text)
        if self.is_full():
            self.flush()
            self._note("more output followed; it is not kept on the tape")
        elif self._size > _PIECE:
            self.flush()
        else:  # a traceback that Python prints at the end has no place, and many lines
            self._ends_line = text.endswith("\n") and self._lines < _LINES and key[1] != NOWHERE.row
        self._recorder.before_event = self._make_way

    def _make_way(self) -> None:
        """Write what was printed before an event of another kind."""
        self._lines = 0
        self.flush()

    def _flush_idle(self, is_last: bool) -> None:
        """Write what is no whole line once nothing more has come for a while; called by the clock, and at an end."""
        self._ticks += 1
        if is_last or self._ticks >= _IDLE_TICKS:
            self.flush(may_hold=False)

    def flush(self, may_hold: bool = True) -> None:
        """Write what was collected as one output event."""
        self._ends_line = False
        if not self._pending or self._key is None:
            return
        text, self._pending, self._size = "".join(self._pending), [], 0
        name, place = self._key
        self._is_busy = True
        try:
            self._recorder.emit("output", name, place, write_output(stream=name, text=text), may_hold=may_hold)
        finally:
            self._is_busy = False

    def _note(self, text: str) -> None:
        place = self._key[1] if self._key else (None, None, None, None, None)
        self._recorder.emit("note", "gradb", place, write_note(text=text))


class _Tee(io.RawIOBase):
    """The raw end of a text stream: tells what is written, then writes it on if that is wanted."""

    def __init__(self, fd: int, outputs: Outputs, stream: str) -> None:
        super().__init__()
        self._fd = fd
        self._outputs = outputs
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.name = f"<{stream}>"
        self.mode = "wb"

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd

    def isatty(self) -> bool:
        return os.isatty(self._fd)

    @shielded_but_for_its_end
    def write(self, data: Any) -> int:
        content = bytes(data)
        if not self._outputs.is_full():
            self._outputs.wrote(self._stream, self._decoder.decode(content))
        if not self._outputs.passes():
            return len(content)
        return os.write(self._fd, content)


class _Unbuffered(io.BufferedWriter):
    """Writes at once, so that what is printed is known at the position where it was printed."""

    def __init__(self, raw: _Tee, outputs: Outputs) -> None:
        super().__init__(raw)
        self._outputs = outputs

    def write(self, data: Any) -> int:
        count = super().write(data)
        self.flush()
        self._outputs.end_line()  # only here: while it writes, no handler of a signal could print
        if held:
            deliver()
        return count
