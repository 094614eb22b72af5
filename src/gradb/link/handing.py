"""Messages with descriptors, over sockets that keep messages apart; what ``socket`` has for that takes no flags."""

from __future__ import annotations

import array
import contextlib
import json
import os
import socket
from collections.abc import Sequence
from typing import Any

LARGEST = 1 << 18
"""Bytes of the largest message."""
_MOST = 8
"""Descriptors of one message."""
_CLOSED = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


def send(sock: socket.socket, message: dict[str, Any], descriptors: Sequence[int] = (), flags: int = 0) -> None:
    """Send a message with descriptors.

    Raises:
        OSError: it cannot be sent.
    """
    handed = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    sock.sendmsg([json.dumps(message).encode()], handed, flags)


def receive(sock: socket.socket, flags: int = 0) -> tuple[dict[str, Any] | None, list[int]]:
    """Return the next message and its descriptors, which no process inherits; (None, []) where the other side is gone.

    What is no message is empty, and without descriptors.

    Raises:
        BlockingIOError: there is none, and ``flags`` say not to wait.
    """
    try:
        data, handed, _, _ = sock.recvmsg(
            LARGEST, socket.CMSG_SPACE(_MOST * array.array("i").itemsize), flags | _CLOSED
        )
    except BlockingIOError:
        raise
    except OSError:
        return None, []
    found = array.array("i")
    for level, kind, given in handed:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(given[: len(given) - len(given) % found.itemsize])
    descriptors = list(found)
    if not data:
        close(descriptors)
        return None, []
    try:
        raw: Any = json.loads(data)
    except (ValueError, RecursionError):
        raw = None
    if isinstance(raw, dict):
        return raw, descriptors
    close(descriptors)
    return {}, []


def close(descriptors: Sequence[int]) -> None:
    """Let go of descriptors."""
    for fd in descriptors:
        with contextlib.suppress(OSError):
            os.close(fd)
