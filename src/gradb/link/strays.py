"""What reaches the stdout and stderr of a debuggee's process itself, past the tracer."""

from __future__ import annotations

import os
from collections import deque

_CHUNK = 1 << 16
_LIMIT = 1 << 18


class Strays:
    """What reached the stdout and stderr of the process itself, past the tracer: the newest 256 KiB of it."""

    def __init__(self, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._chunks: deque[tuple[str, bytes]] = deque()
        self._size = 0
        self.dropped = 0
        """Bytes let go."""

    def add(self, stream: str, data: bytes) -> None:
        """Keep ``data``, and let the oldest go when there is too much."""
        self._chunks.append((stream, data))
        self._size += len(data)
        while self._size > self._limit and len(self._chunks) > 1:
            _, oldest = self._chunks.popleft()
            self._size -= len(oldest)
            self.dropped += len(oldest)

    def texts(self) -> list[tuple[str, str]]:
        """Return (stream, text) in order of arrival, neighbours of one stream joined."""
        joined: list[tuple[str, bytearray]] = []
        for stream, data in self._chunks:
            if not joined or joined[-1][0] != stream:
                joined.append((stream, bytearray()))
            joined[-1][1].extend(data)
        texts = [(stream, bytes(data).decode("utf-8", "replace")) for stream, data in joined]
        if self.dropped:
            texts.insert(0, (texts[0][0], f"... {self.dropped:,} bytes before this were not kept ...\n"))
        return texts


class Drained:
    """A process whose stdout and stderr come by pipes of ours."""

    def __init__(self) -> None:
        self.strays = Strays()
        self.pipes: dict[int, str] = {}
        """Open pipes to drain: file descriptor -> stream."""

    def watch(self, stream: str, fd: int) -> None:
        """Have a pipe drained."""
        os.set_blocking(fd, False)
        self.pipes[fd] = stream

    def drain(self, fd: int) -> bool:
        """Read what one pipe holds now, up to 64 KiB; return False when there was nothing to read."""
        try:
            data = os.read(fd, _CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if data:
            self.strays.add(self.pipes[fd], data)
        else:
            del self.pipes[fd]
        return bool(data)

    def drain_rest(self) -> None:
        """Read what is left in the pipes, but at most 4 MiB of each: a child of the script may hold them open."""
        for fd in list(self.pipes):
            for _ in range(64):
                if not self.drain(fd):
                    break
