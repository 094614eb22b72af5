"""Messages over one end of a socket pair: framing, timeouts and the end of the stream.

A frame is four bytes of length, big-endian, and the message's JSON. A frame that is no message is passed over; a length
that no message has closes the channel, for nothing behind it can be trusted. Nothing here knows what the messages mean.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time

from gradb.link.messages import Message, MessageError, decode, encode
from gradb.tape.descriptors import Held, moved_up

_LENGTH = struct.Struct(">I")
_MAX_FRAME = 1 << 20


class Closed(Exception):
    """The other side has gone (or sent what cannot be read)."""


class Lost(Closed):
    """The descriptor was closed by somebody else; its number may stand for another file by now."""


class Channel:
    """One end. Sending is safe from several threads; receiving belongs to one at a time."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._socket.setblocking(True)
        self._held = Held.of(sock.fileno())
        self._is_lost = False
        self._sending = threading.Lock()
        self._buffer = bytearray()

    @classmethod
    def from_fd(cls, fd: int) -> Channel:
        """Open the channel on an inherited file descriptor, out of the way; it is not inherited any further."""
        return cls(socket.socket(fileno=moved_up(fd)))

    @classmethod
    def pair(cls) -> tuple[Channel, Channel]:
        """Return two channels that speak to each other (for tests)."""
        here, there = socket.socketpair()
        return cls(here), cls(there)

    def fileno(self) -> int:
        """Return the file descriptor, -1 once closed."""
        return self._socket.fileno()

    def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            Closed: the other side has gone.
        """
        data = encode(message)
        with self._sending:
            self._know()
            try:
                self._socket.sendall(_LENGTH.pack(len(data)) + data)
            except OSError as error:
                raise Closed(str(error)) from error

    def offer(self, message: Message) -> bool:
        """Send a message unless that would wait for the other side to read; return whether it was sent.

        Raises:
            Closed: the other side has gone.
        """
        if not self._is_ready(select.POLLOUT, 0.0):
            return False
        self.send(message)
        return True

    def receive(self, timeout: float | None = None) -> Message | None:
        """Return the next message, or None when none came within ``timeout`` seconds (None: wait as long as it takes).

        Raises:
            Closed: the other side has gone and every message of it was returned.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            frame = self._next_frame()
            if frame is not None:
                try:
                    return decode(frame)
                except MessageError:
                    continue
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not self._is_ready(select.POLLIN, left):
                return None
            self._read()

    def close(self) -> None:
        """Close this end; safe to call twice."""
        with contextlib.suppress(Closed):
            self._know()
            self._socket.close()

    def _know(self) -> None:
        """Make sure that the descriptor is still ours, and never touch it again where it is not."""
        if self._socket.fileno() < 0 and not self._is_lost:
            raise Closed("the channel is closed")
        if self._is_lost or not self._held.is_ours:
            self._is_lost = True
            self._socket.detach()
            raise Lost("the script closed gradb's line")

    def wait(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds for something to receive, and tell whether there is.

        Raises:
            Closed: this end is closed.
        """
        return self._has_frame() or self._is_ready(select.POLLIN, timeout)

    def _has_frame(self) -> bool:
        """Tell whether a whole message was read together with the one before it: the socket says nothing of that."""
        if len(self._buffer) < _LENGTH.size:
            return False
        (length,) = _LENGTH.unpack_from(self._buffer)
        return bool(length > _MAX_FRAME or len(self._buffer) >= _LENGTH.size + length)

    def _is_ready(self, what: int, timeout: float | None) -> bool:
        self._know()
        poll = select.poll()
        poll.register(self._socket, what)
        return bool(poll.poll(None if timeout is None else timeout * 1000))

    def _read(self) -> None:
        self._know()
        try:
            data = self._socket.recv(65536)
        except OSError as error:
            raise Closed(str(error)) from error
        if not data:
            raise Closed("the other side has gone")
        self._buffer += data

    def _next_frame(self) -> bytes | None:
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        if length > _MAX_FRAME:
            raise Closed(f"a frame of {length} bytes is no message")
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            return None
        frame = bytes(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        return frame
