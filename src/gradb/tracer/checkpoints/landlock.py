"""Landlock: from the moment it is asked, a process can write into some folders alone, and never again anywhere else.

No privilege is needed for it. What it lets pass is forbidden by ``calls``. Knows nothing of checkpoints.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable

from gradb.tracer.checkpoints import calls

LEAST = 3
"""The version of its interface from which on it knows of truncating."""
_CREATE, _ADD, _RESTRICT = 444, 445, 446  # on every architecture alike
_VERSION = 1
_BENEATH = 1
_OLDEST_WRITING = sum(1 << bit for bit in (1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13))
"""Write to a file; remove folders and files; make devices, folders, files, sockets, pipes and links; move elsewhere."""
_TRUNCATE, _DEVICE_CONTROL = 1 << 14, 1 << 15
_OF_FILES = 1 << 1 | _TRUNCATE | _DEVICE_CONTROL
"""What can be allowed of something that is no folder."""
_BIND_AND_CONNECT = 0b11
_SOCKETS_AND_SIGNALS = 0b11
_NULL = "/dev/null"
_LATER = ((4, "TCP connections"), (6, "signals to other processes"))
"""From which version on it forbids what."""


def abi() -> int:
    """Return the version of the interface that the kernel has; 0: none, or none that is known here."""
    if sys.platform != "linux" or not calls.is_known():
        return 0
    version = int(_libc().syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION)))
    return max(version, 0)


def why_not() -> str | None:
    """Return why a process cannot be kept from writing here; None: it can."""
    if sys.platform != "linux":
        return f"on {sys.platform} a forked child cannot be kept from writing: Linux is needed"
    if not calls.is_known():
        return f"on {os.uname().machine} it is not known how a forked child is kept from writing"
    found = abi()
    if found >= LEAST:
        return None
    has = f"it has version {found}" if found else "it has none"
    return (
        f"a forked child cannot be kept from writing: the kernel needs Landlock version {LEAST} (Linux 6.2), and {has}"
    )


def missing() -> list[str]:
    """Return what a process cannot be kept from here though newer kernels can; empty: nothing."""
    why, found = why_not(), abi()
    return [what for least, what in _LATER if found < least] if why is None else [why]


def confine(folders: Iterable[str]) -> None:
    """Let this process, and all that it starts, write into some folders and to /dev/null alone, for good.

    Only the calling thread is meant, and those that it starts from then on. Descriptors that are open already stay as
    they are.

    Raises:
        OSError: it cannot be done, or not wholly; the process must not go on then.
    """
    if (why := why_not()) is not None:
        raise OSError(why)
    libc, rights, version = _libc(), _rights(abi()), abi()
    attributes = struct.pack(
        "=QQQ", rights, _BIND_AND_CONNECT if version >= 4 else 0, _SOCKETS_AND_SIGNALS if version >= 6 else 0
    )
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _sure(libc.syscall(_CREATE, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0)))
    try:
        for path in (*folders, _NULL):
            _allow(libc, ruleset, path, rights)
        calls.gain_no_privileges()
        _sure(libc.syscall(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0)))
    finally:
        os.close(ruleset)
    calls.forbid()


def _rights(version: int) -> int:
    return _OLDEST_WRITING | _TRUNCATE | (_DEVICE_CONTROL if version >= 5 else 0)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        allowed = rights if stat.S_ISDIR(os.fstat(fd).st_mode) else rights & _OF_FILES
        rule = struct.pack("=Qi", allowed, fd)
        _sure(libc.syscall(_ADD, ctypes.c_int(ruleset), ctypes.c_int(_BENEATH), rule, ctypes.c_uint32(0)))
    finally:
        os.close(fd)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _sure(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
