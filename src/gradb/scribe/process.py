"""The scribe's process: writes the tape by the clock, and at once where somebody waits for it.

Who started it says when the script is held (``Commit``), and when it is over (``Finish``); if that one is gone, the
script ends too, and what it has recorded until then is still written.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time

from gradb.link.channel import Channel, Closed
from gradb.link.messages import Commit, Finish, RecordingStopped, Written
from gradb.link.ticks import Ticks
from gradb.log import marks
from gradb.log.layouts import DamageError
from gradb.scribe.tapes import drop_lock
from gradb.scribe.transcript import Transcript
from gradb.tape import trouble
from gradb.tape.descriptors import FileLost

_TICK, _QUIET_TICK, _QUIET = 0.02, 0.2, 20  # seconds between two looks at the log, and after so many in vain
_EVERY = 0.05
"""Seconds between two commits that nobody waits for."""
_TOLD_EVERY = 0.1
"""Seconds between two words about how far the tape goes, where nobody waits for one."""
_ORPHANED = 1.0
"""Seconds in which a script ends whose debugger is gone."""
_NICE = 10
_DAMAGED = "what lies between the script and its tape is damaged"


class Scribe:
    """Makes one tape.

    Args:
        transcript: of the tape.
        channel: to who started it.
    """

    def __init__(self, transcript: Transcript, channel: Channel) -> None:
        self._transcript = transcript
        self._channel = channel
        self._wanted = -1
        self._is_last = self._is_orphan = False
        self._committed_at = time.monotonic()
        self._told_at = 0.0
        self._is_untold = False
        self._ticks = Ticks(_TICK, _QUIET_TICK, _QUIET)

    def run(self) -> None:
        """Write until all is written, or the tape takes no more."""
        try:
            while not (self._is_last or self._transcript.is_done):
                is_busy = self._advance()
                self._ticks.count(is_quiet=not (is_busy or self._is_untold or self._transcript.has_pending))
                self._hear(0.0 if is_busy else self._ticks.seconds)
            self._transcript.finish()
            self._send(Written(self._transcript.head))
            if self._is_orphan:
                drop_lock(self._transcript.tape.path)
                marks.sweep(self._transcript.tape.path)
        except (sqlite3.Error, OSError, DamageError) as error:
            self._transcript.stop(_why(error))
            self._send(RecordingStopped(self._transcript.head, _why(error)))

    def _advance(self) -> bool:
        """Take what there is, and commit where it is time; return whether there may be more."""
        transcript = self._transcript
        is_any = transcript.advance()
        is_wanted = self._wanted >= 0 and not is_any
        is_due = time.monotonic() - self._committed_at >= _EVERY
        if is_wanted or (is_due and transcript.has_pending) or transcript.is_full:
            self._commit(is_wanted)
        if self._is_untold and (now := time.monotonic()) - self._told_at >= _TOLD_EVERY:
            self._tell(now)
        return is_any

    def _commit(self, is_wanted: bool) -> None:
        """Commit what was taken: with ``is_wanted`` all that there is, so that what is waited for must be among it."""
        transcript = self._transcript
        transcript.commit()
        self._committed_at = now = time.monotonic()
        self._is_untold = True
        if not is_wanted:
            return
        if self._wanted > transcript.head:
            raise FileLost(trouble.GONE)
        transcript.tape.index()
        self._tell(now)
        self._wanted = -1

    def _tell(self, now: float) -> None:
        self._is_untold, self._told_at = False, now
        self._send(Written(self._transcript.head))

    def _hear(self, timeout: float) -> None:
        try:
            message = self._channel.receive(timeout)
        except Closed:
            self._is_orphan = self._is_last = True
            time.sleep(_ORPHANED)
            return
        match message:
            case Commit(head):
                self._wanted = head
            case Finish():
                self._is_last = True
            case _:
                pass

    def _send(self, message: Written | RecordingStopped) -> None:
        if not self._is_orphan:
            with contextlib.suppress(Closed, OSError):
                self._channel.send(message)


def _why(error: Exception) -> str:
    if isinstance(error, DamageError):
        return _DAMAGED
    known = trouble.why(error)
    return f"the tape cannot be written any more{f': {known}' if known else f' ({type(error).__name__}: {error})'}"


def main(fd: int, tape: str, device: int, inode: int) -> None:
    """Run as the scribe of a tape that is laid out already, on an inherited socket."""
    channel = Channel.from_fd(fd)
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    try:
        transcript = Transcript(tape, (device, inode), keeps=True)
    except (sqlite3.Error, OSError, DamageError) as error:
        channel.send(RecordingStopped(0, _why(error)))
        return
    with transcript:
        Scribe(transcript, channel).run()
