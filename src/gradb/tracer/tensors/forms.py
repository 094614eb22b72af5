"""What is known of all dense tensors of one dtype and shape, found out once: how they are read, screened and written.

Nothing here looks at a tensor.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from typing import Any

import torch

from gradb.tape.wire import write_form

# dtype -> its name on the tape, bytes of an element, bytes of one float in it (0: no floats), mask of that float's
# exponent bits, and the lowest of these bits
_DTYPES: dict[torch.dtype, tuple[str, int, int, int, int]] = {
    torch.float64: ("float64", 8, 8, 0x7FF0 << 48, 1 << 52),
    torch.float32: ("float32", 4, 4, 0x7F80 << 16, 1 << 23),
    torch.float16: ("float16", 2, 2, 0x7C00, 1 << 10),
    torch.bfloat16: ("bfloat16", 2, 2, 0x7F80, 1 << 7),
    torch.complex64: ("complex64", 8, 4, 0x7F80 << 16, 1 << 23),
    torch.complex128: ("complex128", 16, 8, 0x7FF0 << 48, 1 << 52),
    torch.complex32: ("complex32", 4, 2, 0x7C00, 1 << 10),
    torch.int64: ("int64", 8, 0, 0, 0),
    torch.int32: ("int32", 4, 0, 0, 0),
    torch.int16: ("int16", 2, 0, 0, 0),
    torch.int8: ("int8", 1, 0, 0, 0),
    torch.uint8: ("uint8", 1, 0, 0, 0),
    torch.bool: ("bool", 1, 0, 0, 0),
}
_MAX_SHAPES = 4096


class Form:
    """One dtype and shape.

    Args:
        dtype: one of those that are decoded.
        shape: plain sizes.
        limit: the largest number of elements stored whole.
    """

    __slots__ = ("count", "exponents", "head", "is_whole", "lowest", "name", "read", "signs", "size")

    def __init__(self, dtype: torch.dtype, shape: tuple[int, ...], limit: int) -> None:
        self.name, element, width, exponent, lowest = _DTYPES[dtype]
        self.count = math.prod(shape)
        self.size = self.count * element
        self.is_whole = self.count <= limit
        self.head = write_form(shape, self.name)
        """How the wire form of a value begins."""
        self.read: Callable[[int], Any] = (ctypes.c_char * (self.size if self.is_whole else 0)).from_address
        """Takes an address; the ``raw`` of what it returns is a copy of the elements."""
        # A float is a NaN or an infinity where all bits of its exponent are ones: adding the lowest of them to it then
        # carries into the place of the sign. So one addition of two long integers tells of all elements at once.
        ones = 0
        if width and self.is_whole:
            ones = int.from_bytes((1).to_bytes(width, "little") * (self.size // width), "little")
        self.exponents, self.lowest, self.signs = (
            ones * exponent,
            ones * lowest,
            ones << (8 * width - 1 if ones else 0),
        )


class Forms:
    """All forms met so far, by dtype and then by shape."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.by_dtype: dict[torch.dtype, dict[tuple[int, ...], Form]] = {dtype: {} for dtype in _DTYPES}

    def make(self, dtype: torch.dtype, shape: tuple[int, ...]) -> Form:
        """Find out what there is to know of a dtype and shape, and remember it.

        Raises:
            KeyError: the dtype is not decoded.
        """
        known = self.by_dtype[dtype]
        if len(known) >= _MAX_SHAPES:
            known.clear()
        form = known[shape] = Form(dtype, shape, self._limit)
        return form


def is_decoded(dtype: torch.dtype) -> bool:
    """Tell whether values of a dtype can be kept."""
    return dtype in _DTYPES
