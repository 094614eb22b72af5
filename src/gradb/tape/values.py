"""Values of tensors as the tape keeps them: raw bytes or statistics, never a torch object.

This module decodes what the tracer wrote. It must not know torch, and it must survive any bytes: a tape may come from
somewhere else.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

Number = float | int | bool | complex

# dtype name -> (struct code of one scalar, bytes of one element); bfloat16 and the complex types are built on these.
_CODES: dict[str, tuple[str, int]] = {
    "float64": ("d", 8),
    "float32": ("f", 4),
    "float16": ("e", 2),
    "int64": ("q", 8),
    "int32": ("i", 4),
    "int16": ("h", 2),
    "int8": ("b", 1),
    "uint8": ("B", 1),
    "bool": ("?", 1),
}
PARTS = {"complex64": "float32", "complex128": "float64", "complex32": "float16"}
"""The dtype of the real and of the imaginary part."""


def element_size(dtype: str) -> int | None:
    """Return the bytes of one element of ``dtype``, or None where gradb cannot decode that dtype."""
    if dtype in PARTS:
        return 2 * _CODES[PARTS[dtype]][1]
    if dtype == "bfloat16":
        return 2
    return _CODES[dtype][1] if dtype in _CODES else None


def decode(data: bytes, dtype: str) -> list[Number]:
    """Decode row-major little-endian bytes into Python numbers.

    Raises:
        ValueError: the dtype is unknown, or the bytes are not a whole number of elements.
    """
    size = element_size(dtype)
    if size is None:
        raise ValueError(f"values of dtype {dtype} cannot be decoded")
    if len(data) % size:
        raise ValueError(f"{len(data)} bytes are not a whole number of {dtype} elements")
    if dtype in PARTS:
        parts = decode(data, PARTS[dtype])
        return [complex(re, im) for re, im in zip(parts[::2], parts[1::2], strict=True)]
    if dtype == "bfloat16":
        count = len(data) // 2
        words = struct.unpack(f"<{count}H", data)
        return list(struct.unpack(f"<{count}f", struct.pack(f"<{count}I", *(w << 16 for w in words))))
    if dtype == "bool":
        return [byte != 0 for byte in data]
    return list(struct.unpack(f"<{len(data) // size}{_CODES[dtype][0]}", data))


@dataclass(frozen=True, slots=True)
class Stats:
    """What is kept of a tensor above the size limit."""

    minimum: float | None
    """Smallest finite element; None when there is none."""
    maximum: float | None
    """Largest finite element; None when there is none."""
    mean: float | None
    """Mean over all elements (nan or infinite when the sum is)."""
    nan: int
    """Number of NaN elements."""
    posinf: int
    """Number of +infinity elements."""
    neginf: int
    """Number of -infinity elements."""
    corner: tuple[Number, ...]
    """The first few elements in row-major order."""
    first: int | None = None
    """Flat index of the first element that is not finite; None where all are."""
    norm: float | None = None
    """2-norm of all elements, in double precision: NaN where one is, else infinite where one is; None where it was not
    recorded, before version 9 of the tape."""

    def __eq__(self, other: object) -> bool:
        """Tell whether the same was kept; a NaN is the same as another one here."""
        return self._kept == other._kept if isinstance(other, Stats) else NotImplemented

    def __hash__(self) -> int:
        """Return what is the same for equal ones."""
        return hash(self._kept)

    @property
    def _kept(self) -> tuple[object, ...]:
        """All fields, each NaN as its name."""
        numbers = (self.minimum, self.maximum, self.mean, self.norm, *self.corner)
        counts = (self.nan, self.posinf, self.neginf, self.first)
        return (*counts, *(repr(each) if each != each else each for each in numbers))


@dataclass(frozen=True, slots=True)
class Nonfinite:
    """What of a tensor is not finite."""

    nan: int
    posinf: int
    neginf: int
    first: int | None
    """Flat index of the first such element; None where it was not kept."""


@dataclass(frozen=True, slots=True)
class TensorValue:
    """One value of one tensor at one moment."""

    shape: tuple[int, ...]
    dtype: str
    """Name without the ``torch.`` prefix, e.g. ``float32``."""
    data: bytes | None = None
    """All elements, row-major, little-endian; None above the limit or when the value is not known."""
    stats: Stats | None = None
    """Statistics in place of ``data`` above the limit."""
    note: str = ""
    """Why there is neither data nor stats (``sparse_coo``, ``inside a torch.func transform`` ...)."""

    @property
    def numel(self) -> int:
        """Number of elements; 1 for a 0-d tensor."""
        return math.prod(self.shape)

    def numbers(self) -> list[Number] | None:
        """Return all elements, flat and row-major, or None where they were not kept."""
        if self.data is None:
            return None
        return decode(self.data, self.dtype)

    def nonfinite(self) -> Nonfinite | None:
        """Return what is not finite; None where nothing is, or that is not known."""
        if self.stats is not None:
            found = Nonfinite(self.stats.nan, self.stats.posinf, self.stats.neginf, self.stats.first)
            return found if found.nan or found.posinf or found.neginf else None
        odd = [(index, number) for index, number in enumerate(self.numbers() or ()) if not _is_finite(number)]
        if not odd:
            return None
        parts = [(number.real, number.imag) if isinstance(number, complex) else (number,) for _, number in odd]
        nan = sum(any(map(math.isnan, part)) for part in parts)
        posinf = sum(math.inf in part and not any(map(math.isnan, part)) for part in parts)
        return Nonfinite(nan, posinf, len(odd) - nan - posinf, odd[0][0])

    @property
    def is_finite(self) -> bool | None:
        """True when no element is NaN or infinite; None where that is not known."""
        if self.stats is not None:
            return not (self.stats.nan or self.stats.posinf or self.stats.neginf)
        numbers = self.numbers()
        if numbers is None:
            return None
        return all(_is_finite(number) for number in numbers)


def _is_finite(number: Number) -> bool:
    if isinstance(number, complex):
        return math.isfinite(number.real) and math.isfinite(number.imag)
    return math.isfinite(number)
