"""Keeps the scribe at work: a pause is passed on once the tape has got there, and a scribe that dies is started again.

It stands between what the debuggee says and the run; what is on the tape it must not know.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from dataclasses import replace

from gradb.link.channel import Closed
from gradb.link.messages import Commit, Finish, Message, Paused, Progress, RecordingStopped, Written
from gradb.link.scribes import ScribeProcess
from gradb.log import segments
from gradb.scribe.tapes import discard_log

_LIVES = 3
_DIED = "the process that writes the tape dies again and again"
_PARTING = 5.0
PATIENCE = 20.0
"""Seconds for which a scribe that is waited for may say nothing: it commits far more often than that."""


class Writing:
    """The tape of one live run being written.

    Args:
        tape: its path; it is laid out already.
        file: what tells it from every other (see ``descriptors.identity``).

    Raises:
        OSError: no process can be started.
    """

    def __init__(self, tape: str, file: tuple[int, int]) -> None:
        self._tape, self._file = tape, file
        self._claim = segments.claim(segments.folder_of(tape))
        try:
            self._scribe = ScribeProcess(tape, file)
        except BaseException:
            os.close(self._claim)
            raise
        self._is_failed = False
        self.is_whole = False
        """True once all that was recorded is on the tape, or what is left of it never will be."""
        self._held: deque[Message] = deque()
        self._written = -1
        self._asked = -1
        self._lives = _LIVES
        self._is_finishing = False
        self._heard_at = time.monotonic()
        self.is_over = False
        """True once all is written that ever will be."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when ``hear`` has something to do; another one after a new start."""
        return self._scribe.channel.fileno()

    def pass_on(self, messages: list[Message]) -> list[Message]:
        """Take what the debuggee has said; return what may be known by now."""
        self._held += messages
        return self._release()

    def hear(self) -> list[Message]:
        """Return what the scribe has said, and what of the debuggee's may be known by now."""
        messages: list[Message] = []
        try:
            while not self.is_over and (message := self._scribe.channel.receive(0.0)) is not None:
                messages.append(message)
                self._heard_at = time.monotonic()
                self._take(message)
        except Closed:
            messages += self._died()
        return messages + self._release()

    def look(self) -> None:
        """End a scribe that is waited for and does not answer, so that another takes its place."""
        is_waited_for = self._is_finishing or bool(self._held)
        if is_waited_for and not self.is_over and time.monotonic() - self._heard_at > PATIENCE:
            self._heard_at = time.monotonic()
            self._scribe.process.kill()

    def finish(self) -> None:
        """Say that the debuggee is gone."""
        if not self._is_finishing:
            self._is_finishing, self._heard_at = True, time.monotonic()
            self._send(Finish())

    def end(self) -> list[Message]:
        """Have the rest written, for some seconds at most, and let go of the scribe; what is left stays in the log."""
        messages: list[Message] = []
        self.finish()
        deadline = time.monotonic() + _PARTING
        while not self.is_over and (left := deadline - time.monotonic()) > 0:
            with contextlib.suppress(Closed):
                self._scribe.channel.wait(left)
            messages += self.hear()
        self.close()
        return messages + self._release()

    def close(self) -> None:
        """Let go of the scribe, once the debuggee is gone; of a log that no tape will be made of nothing is left."""
        if self._claim < 0:
            return
        self._scribe.close(_PARTING if self.is_over else 0.0)
        self.is_over = True
        if self._is_failed:
            discard_log(self._tape)
        os.close(self._claim)
        self._claim = -1

    def _take(self, message: Message) -> None:
        match message:
            case Written(head):
                self._written, self._lives = head, _LIVES if head > self._written else self._lives
            case RecordingStopped(head):
                self._written = head
                self.is_over = self._is_failed = self.is_whole = True
            case _:
                pass

    def _died(self) -> list[Message]:
        """Start another scribe in the place of one that is gone, if it is not done."""
        self._scribe.close(_PARTING)
        if self.is_over or (self._is_finishing and self._scribe.process.returncode == 0):
            self.is_over = self.is_whole = True
            return []
        self._lives -= 1
        if self._lives:
            try:
                self._scribe = ScribeProcess(self._tape, self._file)
            except OSError:
                self._lives = 0
        if not self._lives:
            self.is_over = True
            return [RecordingStopped(max(self._written, 0), _DIED)]
        self._asked = -1
        if self._is_finishing:
            self._send(Finish())
        return []

    def _release(self) -> list[Message]:
        released: list[Message] = []
        while self._held:
            message = self._held[0]
            if isinstance(message, Paused | RecordingStopped) and not self.is_over and message.head > self._written:
                if message.head != self._asked:
                    self._asked, self._heard_at = message.head, time.monotonic()
                    self._send(Commit(message.head))
                break
            self._held.popleft()
            if isinstance(message, Progress | Paused):  # nobody is to look where the tape does not go
                message = replace(message, head=max(0, min(message.head, self._written)))
            released.append(message)
        return released

    def _send(self, message: Message) -> None:
        with contextlib.suppress(Closed):
            self._scribe.channel.send(message)
