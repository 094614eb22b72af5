"""The files of a log: segments, numbered from 1, in a folder beside the tape.

A segment is given its space on the disk before it is mapped, so that a full disk is an error and never a signal. Of the
files nothing is kept open: a script may close every descriptor it finds.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import re

from gradb.log.layouts import LENGTH, NEXT

FIRST, LARGEST = 1 << 16, 1 << 22
"""Bytes of the first segment, and of those of a long run: each is four times as large as the one before."""
END = NEXT.pack(())
"""What stands at the end of a segment that is not the last."""
_ENDING = ".gradb-log"
_SEGMENT = re.compile(rf"\d{{6,12}}{re.escape(_ENDING)}", re.ASCII)
_CLAIM = f"claim{_ENDING}"
_length_of = LENGTH.unpack_from
_FAILED = ctypes.c_void_p(-1).value
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [
    ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int64,
]  # fmt: skip
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


def folder_of(tape: str | os.PathLike[str]) -> str:
    """Return the folder in which the log of a tape lies."""
    return f"{os.path.abspath(os.fspath(tape))}-log"


def path_of(folder: str, number: int) -> str:
    """Return the path of a segment."""
    return os.path.join(folder, f"{number:06}{_ENDING}")


def numbers_in(folder: str) -> list[int]:
    """Return the numbers of the segments that there are, in order."""
    return sorted(int(name[: -len(_ENDING)]) for name in _names_in(folder) if _SEGMENT.fullmatch(name))


def _names_in(folder: str) -> list[str]:
    """Return what lies in the folder of a log; nothing where it is a link to another."""
    try:
        return [] if os.path.islink(folder) else os.listdir(folder)
    except OSError:
        return []


def is_strange(folder: str) -> bool:
    """Tell whether there is something in the place of a log that is none."""
    if not os.path.lexists(folder):
        return False
    is_folder = os.path.isdir(folder) and not os.path.islink(folder)
    return not is_folder or any(name != _CLAIM and not _SEGMENT.fullmatch(name) for name in _names_in(folder))


def sizes(folder: str) -> list[tuple[int, int]]:
    """Return (number, bytes) of the segments that there are, in order."""
    found = []
    for number in numbers_in(folder):
        with contextlib.suppress(OSError):
            found.append((number, os.stat(path_of(folder, number)).st_size))
    return found


def make(folder: str) -> None:
    """Make an empty folder for a log, or empty the one that there is.

    Raises:
        OSError: it cannot be made, or something else lies in its place.
    """
    if is_strange(folder):
        raise FileExistsError(errno.EEXIST, f"{folder} is there already, and it is no log of gradb's")
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    for number in numbers_in(folder):
        os.unlink(path_of(folder, number))


def remove(folder: str) -> None:
    """Remove a log with all its segments; what else lies there stays."""
    for path in [path_of(folder, number) for number in numbers_in(folder)] + [os.path.join(folder, _CLAIM)]:
        with contextlib.suppress(OSError):
            if not os.path.islink(folder):
                os.unlink(path)
    with contextlib.suppress(OSError):
        os.rmdir(folder)


def claim(folder: str) -> int:
    """Return a descriptor that keeps others from taking a log for one that was left alone, as long as it is open.

    Raises:
        BlockingIOError: another process has it.
        OSError: there is no such folder, or nothing can be locked there.
    """
    fd = os.open(os.path.join(folder, _CLAIM), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _allocate(fd: int, size: int) -> None:
    """Give a file its space on the disk."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size)
    else:
        os.write(fd, bytes(size))
        if os.fstat(fd).st_size < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Segment:
    """One segment that is being written.

    Args:
        path: of the file; what it held is lost.
        size: its bytes.

    Raises:
        OSError: the file cannot be made, or the disk does not take it; nothing is left of it.
    """

    def __init__(self, path: str, size: int) -> None:
        self.path, self.size, self.at = path, size, 0
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            _allocate(fd, size)
            self.address = _libc.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, fd, 0)
            if self.address == _FAILED:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise
        finally:
            os.close(fd)
        self._bytes = memoryview((ctypes.c_char * size).from_address(self.address)).cast("B")
        self._lengths = self._bytes.cast("I")

    def takes(self, size: int) -> bool:
        """Tell whether so many bytes have room, with the word that the log goes on elsewhere after them."""
        return self.at + size + len(END) <= self.size

    def write(self, records: bytes) -> None:
        """Append records: all of them are there at once, with the length of the first."""
        at, length = self.at, _length_of(records)[0]
        end = at + len(records)
        self._bytes[at + 4 : end] = records[4:]
        self._lengths[at >> 2] = length
        self.at = end

    def close(self) -> None:
        """Let go of the memory; safe to call twice."""
        address, self.address = self.address, None
        if address is not None:
            self._lengths.release()
            self._bytes.release()
            _libc.munmap(address, self.size)
