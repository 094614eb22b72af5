"""Packs Python numbers into the bytes of a tensor value: the opposite of ``gradb.tape.values.decode``."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from gradb.tape.kinds.tensor import Tensor
from gradb.tape.oddity import oddity
from gradb.tape.values import Number, TensorValue

_CODES = {
    "float64": "d",
    "float32": "f",
    "float16": "e",
    "int64": "q",
    "int32": "i",
    "int16": "h",
    "int8": "b",
    "uint8": "B",
    "bool": "?",
}
_COMPLEX = {"complex128": "float64", "complex64": "float32", "complex32": "float16"}


def pack(numbers: Iterable[Number], dtype: str = "float32") -> bytes:
    """Return little-endian row-major bytes. float32 overflows to infinity; bfloat16 is cut off, not rounded."""
    items = list(numbers)
    if dtype in _COMPLEX:
        parts = [part for item in items for part in (complex(item).real, complex(item).imag)]
        return pack(parts, _COMPLEX[dtype])
    if dtype == "bfloat16":
        wide = pack(items, "float32")
        return b"".join(wide[index + 2 : index + 4] for index in range(0, len(wide), 4))
    if dtype == "float32":
        items = [_single(item) for item in items]
    return struct.pack(f"<{len(items)}{_CODES[dtype]}", *items)


def _single(item: Number) -> Number:
    number = float(item)  # type: ignore[arg-type]
    if abs(number) > 3.4028235677973366e38:
        return float("inf") if number > 0 else float("-inf")
    return number


def value(numbers: Sequence[Number], shape: Sequence[int] | None = None, dtype: str = "float32") -> TensorValue:
    """Return a tensor value; without a shape it is one-dimensional."""
    return TensorValue((len(numbers),) if shape is None else tuple(shape), dtype, pack(numbers, dtype))


def diagonal(numbers: Sequence[Number]) -> list[Number]:
    """Return a diagonal Jacobian, row-major."""
    size = len(numbers)
    return [numbers[at // size] if at // size == at % size else 0.0 for at in range(size * size)]


def oddity_in(*tensors: Tensor | None) -> int:
    """Return what is odd about some tensors, as flags."""
    odd = 0
    for tensor in tensors:
        for number in () if tensor is None or tensor.value is None else tensor.value.numbers() or ():
            odd |= oddity(abs(number))
    return odd
