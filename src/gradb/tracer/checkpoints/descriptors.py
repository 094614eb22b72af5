"""Descriptors for a child that must share none with its parent.

A descriptor that a fork hands on is the very file of the parent's: where one has read or written, the other goes on. So
before the fork each file is opened once more, at the place where it is, and what is open for writing is copied. The
child has only to put these at their numbers; what the parent does meanwhile does not matter.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from gradb.tape.descriptors import moved_up
from gradb.tracer.checkpoints import semaphores
from gradb.tracer.checkpoints.mappings import Mappings
from gradb.tracer.checkpoints.opened import OWN, Open, look, numbers, streams_of, why_not
from gradb.tracer.checkpoints.semaphores import Semaphore

LARGEST = 64 << 20
"""Bytes that are copied, where the file system cannot let two files have them in common."""
_KEPT_FLAGS = os.O_ACCMODE | os.O_APPEND | os.O_NONBLOCK | os.O_DIRECT | os.O_SYNC | os.O_DSYNC | os.O_NOATIME
_CLONE = 0x40049409
_PIECE = 1 << 30
_COMPARE = {"x86_64": 312, "aarch64": 272}
"""Numbers of the call kcmp."""


class CannotShare(Exception):
    """Something is open of which a child can have nothing of its own; the message says what."""


@dataclass(frozen=True, slots=True)
class _Own:
    """An open file of the child's."""

    fd: int
    """Where it is until it is put in its places."""
    places: tuple[Open, ...]
    """The descriptors, all of one open file of the parent's, in the place of which it comes."""
    is_copy: bool


@dataclass(frozen=True, slots=True)
class Private:
    """What a child is to have open."""

    own: list[_Own]
    streams: dict[int, int]
    """By descriptor: whether it is stdout (1) or stderr (2)."""
    kept: frozenset[int]
    """Descriptors that stay as they are."""
    copies: list[str]
    """Paths of the copies."""
    locks: list[Semaphore] = field(default_factory=list)
    """Those that others see too."""

    def settle(self, streams: Mapping[int, int], keep: Collection[int]) -> None:
        """Put all in place, in the child, and close whatever else is open.

        Args:
            streams: what comes in the place of stdout (1) and stderr (2); where there is nothing, the null device.
            keep: descriptors that stay as they are.

        Raises:
            OSError: it cannot be done; the child must not go on then.
        """
        for lock in self.locks:
            lock.settle()
        null = _up(os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))
        given = {number: _up(os.dup(fd)) for number, fd in streams.items()}
        for one in self.own:
            for place in one.places:
                os.dup2(one.fd, place.number, place.is_inherited)
        for number, stream in self.streams.items():
            os.dup2(given.get(stream, null), number)
        stays = {*self.streams, *self.kept, *keep, *(place.number for one in self.own for place in one.places)}
        for number in numbers():
            if number not in stays:
                with contextlib.suppress(OSError):
                    os.close(number)

    def release(self) -> None:
        """Let go of it in the parent once the child has it."""
        for one in self.own:
            os.close(one.fd)
        self.own.clear()

    def discard(self) -> None:
        """Let go of it where no child needs it, and of the copies."""
        self.release()
        for path in self.copies:
            with contextlib.suppress(OSError):
                os.unlink(path)
        self.copies.clear()

    def why_stale(self) -> str | None:
        """Return why a child that has waited cannot go on: a file that it reads is not what it was; None: it can."""
        for one in self.own:
            place = one.places[0]
            if place.is_file and not one.is_copy:
                now = os.fstat(place.number)
                if (now.st_size, now.st_mtime_ns) != (place.size, place.changed):
                    return f"{place.name}, which the script reads, was changed meanwhile"
        return None


def take(folder: str, ours: Collection[int], largest: int = LARGEST, log: str = "") -> Private:
    """Open once more what this process has open, for a child that is forked right afterwards.

    Args:
        folder: where the copies go; the child's own.
        ours: descriptors of gradb's, which the child gets in other ways.
        largest: how many bytes are copied.
        log: the folder of gradb's log, in which its listening thread may look just now; empty: there is none.

    Raises:
        CannotShare: there is something of which a child can have nothing of its own; nothing is left of all this.
    """
    log = os.path.realpath(log) if log else ""
    found = [one for one in look(ours) if not (log and one.lies_in(log))]
    if (why := why_not(found)) is not None:
        raise CannotShare(why)
    streams = streams_of(found)
    kept = frozenset(one.number for one in found if one.is_harmless and one.number not in streams)
    files = [one for one in found if one.number not in streams and one.number not in kept]
    private = Private([], streams, kept, [], semaphores.take(Mappings.now()))
    try:
        copies = _copied([one for one in files if one.is_file and one.writes], folder, largest, private.copies)
        for places in _shared(files):
            path = copies.get(places[0].file)
            if (fd := _opened(places[0], path)) is not None:
                private.own.append(_Own(fd, places, path is not None))
    except BaseException:
        private.discard()
        raise
    return private


def _copied(written: Iterable[Open], folder: str, largest: int, made: list[str]) -> dict[tuple[int, int], str]:
    """Copy each file that is open for writing; return the paths of the copies by file."""
    copies: dict[tuple[int, int], str] = {}
    for one in written:
        if one.file in copies:
            continue
        path = os.path.join(folder, f"{len(copies) + 1}.copy")
        made.append(path)
        copies[one.file] = path
        try:
            largest -= _copy(one, path, largest)
        except OSError as error:
            raise CannotShare(f"{one.name} is open for writing and cannot be copied ({error.strerror})") from error
    return copies


def _copy(one: Open, path: str, largest: int) -> int:
    """Copy a file as it is, past its descriptor's place; return how many bytes that took."""
    source = os.open(f"{OWN}/{one.number}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with contextlib.suppress(OSError):
                fcntl.ioctl(target, _CLONE, source)
                return 0
            size = os.fstat(source).st_size
            if size > largest:
                raise CannotShare(f"{one.name} is open for writing, and too large to be copied ({size:,} bytes)")
            at = 0
            while at < size and (some := os.sendfile(target, source, at, min(size - at, _PIECE))):
                at += some
            return at
        finally:
            os.close(target)
    finally:
        os.close(source)


def _opened(one: Open, copy: str | None) -> int | None:
    """Open a file once more, or its copy, at the same place; None: it was open for a moment, on a thread of gradb's."""
    try:
        fd = _up(os.open(copy or f"{OWN}/{one.number}", one.flags & _KEPT_FLAGS | os.O_CLOEXEC))
        try:
            os.lseek(fd, one.offset, os.SEEK_SET)
        except BaseException:
            os.close(fd)
            raise
    except OSError as error:
        if not one.is_there():
            return None
        raise CannotShare(f"{one.name} is open and cannot be opened once more ({error.strerror})") from error
    return fd


def _up(fd: int) -> int:
    """Move a descriptor to where no number of the script's is in its way."""
    return moved_up(fd)


def _shared(files: Iterable[Open]) -> list[tuple[Open, ...]]:
    """Return the descriptors, those together that stand for one open file: where one of them reads, all go on."""
    groups: list[list[Open]] = []
    for one in files:
        like = next((group for group in groups if _is_same(group[0], one)), None)
        if like is None:
            groups.append([one])
        else:
            like.append(one)
    return [tuple(group) for group in groups]


def _is_same(one: Open, other: Open) -> bool:
    if one.file != other.file or one.flags != other.flags or one.offset != other.offset:
        return False
    number, pid = _COMPARE.get(os.uname().machine), os.getpid()
    if number is None:
        return True
    told = int(ctypes.CDLL(None).syscall(number, pid, pid, 0, one.number, other.number))
    return told <= 0  # where the kernel does not tell, what looks the same is taken to be
