"""A live debuggee as the debugger sees it: messages in, stray output drained, the end of the process noticed.

One file descriptor (``fileno``) becomes readable whenever ``poll`` has something to do, so that an event loop can watch
it; no thread is needed. Nothing here knows the tape or positions.
"""

from __future__ import annotations

import os
import selectors
import sys
import time

from gradb.debugger.writing import Writing
from gradb.link.channel import Closed
from gradb.link.launch import Debuggee
from gradb.link.messages import Message, Quit

_PARTING = 1.0
_CHANNEL = "channel"
_PROCESS = "process"
_WRITING = "writing"


class Live:
    """Watches one debuggee until it is gone, and its tape is written.

    Args:
        debuggee: its process.
        writing: writes the tape; None where the debuggee does so itself.
    """

    def __init__(self, debuggee: Debuggee, writing: Writing | None = None) -> None:
        self.debuggee = debuggee
        self._writing = writing
        self._writing_fd = -1
        self._selector = selectors.DefaultSelector()
        self._selector.register(debuggee.channel.fileno(), selectors.EVENT_READ, _CHANNEL)
        self._pid_fd: int | None = None
        self._cut_at: float | None = None
        for fd, stream in debuggee.pipes.items():
            self._selector.register(fd, selectors.EVENT_READ, stream)
        self._watch_process()
        self._watch_writing()

    def _watch_writing(self) -> None:
        """Hear the scribe, or the one that is in its place now."""
        if self._writing is None:
            return
        fd = -1 if self._writing.is_over else self._writing.fileno()
        if fd != self._writing_fd:
            if self._writing_fd >= 0:
                self._selector.unregister(self._writing_fd)
            if fd >= 0:
                self._selector.register(fd, selectors.EVENT_READ, _WRITING)
            self._writing_fd = fd

    def _watch_process(self) -> None:
        if sys.platform == "linux":
            try:
                self._pid_fd = os.pidfd_open(self.debuggee.pid)
            except OSError:
                return  # an old kernel: poll() looks at every call
            self._selector.register(self._pid_fd, selectors.EVENT_READ, _PROCESS)

    def fileno(self) -> int:
        """Return a descriptor that is readable whenever ``poll`` has something to do."""
        fileno: int = self._selector.fileno()
        return fileno

    def poll(self, timeout: float) -> list[Message]:
        """Drain everything, waiting up to ``timeout`` seconds for something to come; return the messages."""
        messages: list[Message] = []
        for key, _ in self._selector.select(timeout):
            if key.data == _CHANNEL:
                messages += self._receive()
            elif key.data == _WRITING:
                messages += self._hear()
            elif key.data == _PROCESS or (not self.debuggee.drain(key.fd) and key.fd not in self.debuggee.pipes):
                self._selector.unregister(key.fd)
        if self._writing is not None:
            self._writing.look()
            if self.is_dead:
                self._writing.finish()
        return messages

    def _hear(self) -> list[Message]:
        if self._writing is None:
            return []
        fd = self._writing_fd
        self._selector.unregister(fd)  # the scribe may be another after this, with the same number
        self._writing_fd = -1
        messages = self._writing.hear()
        self._watch_writing()
        return messages

    def _receive(self) -> list[Message]:
        messages: list[Message] = []
        channel = self.debuggee.channel
        try:
            while (message := channel.receive(0.0)) is not None:
                messages.append(message)
        except Closed:
            self._selector.unregister(channel.fileno())
            channel.close()
            self._cut_at = time.monotonic()
        return messages if self._writing is None else self._writing.pass_on(messages)

    def send(self, message: Message) -> None:
        """Send a message; a debuggee that has gone does not mind."""
        try:
            self.debuggee.channel.send(message)
        except Closed:
            pass  # the next poll notices

    @property
    def is_dead(self) -> bool:
        """True once the process has ended; what it has recorded may still be on its way to the tape."""
        return self.debuggee.poll() is not None

    @property
    def is_gone(self) -> bool:
        """True once the process has ended, and all is on the tape."""
        return self.is_dead and (self._writing is None or self._writing.is_over)

    @property
    def is_whole(self) -> bool:
        """True where all that was recorded is on the tape; else the rest of it lies in the log."""
        return self._writing is None or self._writing.is_whole

    @property
    def is_on_record(self) -> bool:
        """True where what the debuggee records is kept, though it cannot be heard any more."""
        return self._writing is not None

    @property
    def is_cut_off(self) -> bool:
        """True when the debuggee closed its end some time ago: one that ends does so only a moment before."""
        return self._cut_at is not None and time.monotonic() - self._cut_at > _PARTING

    def last_words(self) -> list[Message]:
        """Return what a debuggee that is gone had still said, and drain its pipes."""
        self.debuggee.drain_rest()
        return self._receive() if self.debuggee.channel.fileno() >= 0 else []

    def end(self, grace: float) -> None:
        """Ask the debuggee to quit, and kill its whole process group when it does not within ``grace`` seconds."""
        if not self.is_dead:
            self.send(Quit())
            self.debuggee.wait(grace)
        self.debuggee.kill()

    def end_writing(self) -> list[Message]:
        """Have the rest written once the process is gone; return what was still said."""
        if self._writing is None or self._writing.is_over:
            return []
        if self._writing_fd >= 0:
            self._selector.unregister(self._writing_fd)
            self._writing_fd = -1
        return self._writing.end()

    def close(self) -> None:
        """Let go of every descriptor; the process must be gone."""
        if self._writing is not None:
            self._writing.close()
        self._selector.close()
        if self._pid_fd is not None:
            os.close(self._pid_fd)
        self.debuggee.close()
