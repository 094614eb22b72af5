"""By which library a thread was started: behind its stack the C library keeps with what function it began.

Where that is kept is nowhere said, so it is learned from a thread of Python's, whose record Python tells and whose
function is known. What lies on a stack proves less: of one that was another thread's before, calls of that are left.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from gradb.tracer.checkpoints.mappings import Mappings

_MEMORY = "/proc/self/mem"
_WORD = 8
_SIZE = 2048
"""Bytes of a record in which both are found."""
_AGAIN = 2 * _WORD
"""Where a record has its own address once more, which it begins with."""
_ALIGNED = 64
_PYTHON = re.compile(r"/(lib)?python3[^/]*$")
_CPP = re.compile(r"/libstdc\+\+[^/]*$")


class Start(NamedTuple):
    """Who has started a thread."""

    library: str
    """Path of its file."""
    is_cpp: bool
    """Whether it had C++ do it (``std::thread``)."""


def read(address: int, size: int) -> bytes:
    """Return what lies in this process's memory, as far as it can be read.

    Raises:
        OSError: nothing of it can.
    """
    memory = os.open(_MEMORY, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(memory, size, address)
    except OverflowError as error:
        raise OSError from error
    finally:
        os.close(memory)


@dataclass(frozen=True, slots=True)
class Records:
    """Where the record of a thread has what."""

    number: int
    """Bytes from its beginning to the system's number of the thread."""
    function: int
    """The same, to the address of the function that it began with; the argument of that comes next."""

    @classmethod
    def learned(cls, address: int, number: int, mappings: Mappings) -> Records | None:
        """Return it as a thread of Python's has it; None where that is not clear.

        Args:
            address: of its record: what Python calls its ident.
            number: what Python calls its native id.
            mappings: as they are now.
        """
        try:
            record = read(address, _SIZE)
        except OSError:
            return None
        numbers = [at for at in range(0, len(record) - 3, 4) if struct.unpack_from("=i", record, at) == (number,)]
        functions = [at for at, word in _words(record) if _PYTHON.search(mappings.code_of(word) or "")]
        if not _is_one(record, 0, address) or len(numbers) != 1 or len(functions) != 1:
            return None
        return cls(numbers[0], functions[0])

    def start_of(self, number: int, stack: bytes, begin: int, mappings: Mappings) -> Start | None:
        """Return who has started a thread; None where that cannot be told.

        Args:
            number: the system's, of it.
            stack: what lies on its stack, and behind that.
            begin: where that lies.
            mappings: as they are now.
        """
        for at in range(-begin % _ALIGNED, len(stack) - self.function - 2 * _WORD + 1, _ALIGNED):
            if _is_one(stack, at, begin + at) and struct.unpack_from("=i", stack, at + self.number) == (number,):
                function, argument = struct.unpack_from("=QQ", stack, at + self.function)
                library = mappings.code_of(function)
                if library is None or not _CPP.search(library):
                    return None if library is None else Start(library, is_cpp=False)
                return Start(_of_object(argument, mappings) or library, is_cpp=True)
        return None


def _words(record: bytes) -> Iterator[tuple[int, int]]:
    """Return each word of a record, with its place."""
    whole = record[: len(record) & -_WORD]
    return ((index * _WORD, word) for index, (word,) in enumerate(struct.iter_unpack("=Q", whole)))


def _is_one(memory: bytes, at: int, address: int) -> bool:
    own = struct.pack("=Q", address)
    return memory[at : at + _WORD] == own and memory[at + _AGAIN : at + _AGAIN + _WORD] == own


def _of_object(address: int, mappings: Mappings) -> str | None:
    """Return the library that has the class of an object of C++; it begins with the address of its class's table."""
    try:
        (table,) = struct.unpack("=Q", read(address, _WORD))
    except (OSError, struct.error):
        return None
    return mappings.file_of(table)
