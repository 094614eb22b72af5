"""A filter over system calls, for what Landlock lets pass: owners, times and locks of files; new sockets and queues.

A forbidden call fails with EPERM, which is a PermissionError in Python. Knows nothing of checkpoints.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from dataclasses import dataclass

_SECCOMP, _FILTER, _NO_NEW_PRIVILEGES = 22, 2, 38
_LOAD, _IS, _IS_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # the words of classic BPF
_ALLOWED, _REFUSED = 0x7FFF0000, 0x00050000 | errno.EPERM
_NUMBER_AT, _MACHINE_AT, _SECOND_ARGUMENT_AT = 0, 4, 24
_X32 = 0x40000000
"""From this number on a call on x86-64 has another meaning."""
_LOCKS = (6, 7, 37, 38, 1024)
"""Of fcntl: F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW, F_SETLEASE."""
_SET_FLAGS = (0x40086602, 0x401C5820)
"""Of ioctl: FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR."""
_SINCE_5_1 = (425, 452, 463, 466, 469)
"""On every architecture alike: io_uring_setup, fchmodat2, setxattrat, removexattrat, file_setattr."""


@dataclass(frozen=True, slots=True)
class _Machine:
    """The numbers of an architecture."""

    audit: int
    """How the kernel calls it in a filter."""
    fcntl: int
    ioctl: int
    forbidden: tuple[int, ...]
    """chmod, fchmod, fchmodat; chown, fchown, lchown, fchownat; utime, utimes, futimesat, utimensat;
    set and remove extended attributes; flock; socket; shmget, semget, msgget; mq_open, mq_unlink."""


_MACHINES = {
    "x86_64": _Machine(
        0xC000003E, 72, 16,
        (90, 91, 268, 92, 93, 94, 260, 132, 235, 261, 280, 188, 189, 190, 197, 198, 199, 73, 41, 29, 64, 68, 240, 241),
    ),
    "aarch64": _Machine(
        0xC00000B7, 25, 29, (52, 53, 54, 55, 88, 5, 6, 7, 14, 15, 16, 32, 198, 194, 190, 186, 180, 181)
    ),
}  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def is_known() -> bool:
    """Tell whether the numbers of this architecture are known, and a process is of that kind."""
    return os.uname().machine in _MACHINES and ctypes.sizeof(ctypes.c_void_p) == 8


def forbid() -> None:
    """Forbid them to this thread and to all that it starts, for good.

    Raises:
        OSError: the kernel does not take it.
    """
    text = _program(_MACHINES[os.uname().machine])
    program = _Program(len(text) // 8, text)
    gain_no_privileges()
    _control(_SECCOMP, _FILTER, ctypes.addressof(program))


def gain_no_privileges() -> None:
    """Let no program that this thread starts have more privileges than it has, which limiting itself asks for.

    Raises:
        OSError: the kernel does not take it.
    """
    _control(_NO_NEW_PRIVILEGES, 1, 0)


def _control(what: int, one: int, other: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(what, ctypes.c_ulong(one), ctypes.c_ulong(other), ctypes.c_ulong(0), ctypes.c_ulong(0)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _program(machine: _Machine) -> bytes:
    refuse = _word(_RETURN, _REFUSED)
    lines = [_word(_LOAD, _MACHINE_AT), _word(_IS, machine.audit, then=1), refuse, _word(_LOAD, _NUMBER_AT)]
    lines += [_word(_IS_AT_LEAST, _X32, otherwise=1), refuse]
    for number in machine.forbidden + _SINCE_5_1:
        lines += [_word(_IS, number, otherwise=1), refuse]
    for number, values in ((machine.fcntl, _LOCKS), (machine.ioctl, _SET_FLAGS)):
        looks = [_word(_LOAD, _SECOND_ARGUMENT_AT)]
        for value in values:
            looks += [_word(_IS, value, otherwise=1), refuse]
        looks.append(_word(_RETURN, _ALLOWED))
        lines += [_word(_IS, number, otherwise=len(looks)), *looks]
    return b"".join([*lines, _word(_RETURN, _ALLOWED)])


def _word(code: int, value: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    """Return one instruction; a comparison passes over so many where it holds, or where it does not."""
    return struct.pack("=HBBI", code, then, otherwise, value)
