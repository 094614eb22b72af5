"""Snapshots of tensors: their values as wire forms, taken without changing anything.

A tensor up to the limit is copied whole, a larger one is summarised at once. Nothing is kept alive, no gradient graph
is built, and where reading could run somebody's code (subclasses, transforms, dispatch modes) the value is said not to
be known instead. Called with torch functions disabled.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes

from gradb.tape.codec import Blob, Wire

_NAMES: dict[torch.dtype, tuple[str, str | None]] = {
    torch.float64: ("float64", "d"),
    torch.float32: ("float32", "f"),
    torch.float16: ("float16", None),
    torch.bfloat16: ("bfloat16", None),
    torch.complex64: ("complex64", "f"),
    torch.complex128: ("complex128", "d"),
    torch.complex32: ("complex32", None),
    torch.int64: ("int64", ""),
    torch.int32: ("int32", ""),
    torch.int16: ("int16", ""),
    torch.int8: ("int8", ""),
    torch.uint8: ("uint8", ""),
    torch.bool: ("bool", ""),
}
_ORDINARY = frozenset({torch.Tensor, torch.nn.Parameter})
_SIMPLE = frozenset({torch.float32, torch.float64, torch.int64, torch.bool})
_SMALL = 64
"""Up to here elements are read by address, without any call that a dispatch mode could see."""
_CORNER = 8
_plain_types: dict[type, bool] = {torch.Tensor: True, torch.nn.Parameter: True}


class Unreadable(Exception):
    """The value cannot be read safely; the message says why."""


class Snapshots:
    """Turns tensors into wire forms.

    Args:
        limit: the largest number of elements stored whole.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def take(self, tensor: torch.Tensor | None, blob: Blob) -> tuple[Wire | None, bool]:
        """Return the wire form ``V`` of a value and whether it has a NaN or an infinity."""
        if tensor is None:
            return None, False
        shape: list[int] = []
        try:
            if _is_simple(tensor):
                return self._read(tensor, tensor, list(tensor.shape), blob)
            shape = _shape(tensor)
            with modes_off():
                return self._read(tensor, readable(tensor, self.limit), shape, blob)
        except Unreadable as refusal:
            why = str(refusal)
        except (RuntimeError, NotImplementedError, TypeError, Warning) as error:  # a script may make warnings errors
            why = f"torch cannot read it: {str(error)[:120]}"
        return [shape, str(tensor.dtype)[6:], None, None, why], False

    def _read(self, original: torch.Tensor, tensor: torch.Tensor, shape: list[int], blob: Blob) -> tuple[Wire, bool]:
        name, code = _NAMES[original.dtype]
        count = tensor.numel()
        if count <= self.limit:
            data = content(tensor)
            return [shape, name, blob.add(data), None, ""], has_nonfinite(data, code, tensor)
        stats, is_bad = _statistics(tensor, blob)
        return [shape, name, None, stats, ""], is_bad


def blank(tensor: torch.Tensor) -> Wire:
    """Return the wire form of memory that nothing has been written to yet: whatever lies there is no value."""
    try:
        return [_shape(tensor), str(tensor.dtype)[6:], None, None, "not initialised"]
    except (RuntimeError, Unreadable):
        return [[], str(tensor.dtype)[6:], None, None, "not initialised, not even its shape"]


def _shape(tensor: torch.Tensor) -> list[int]:
    shape = list(tensor.shape)
    if any(type(size) is not int for size in shape):
        raise Unreadable(f"a tensor of shape {tuple(map(str, shape))} is not read")
    return shape


def _is_simple(tensor: torch.Tensor) -> bool:
    """Tell, in a few look-ups, whether nothing about a tensor asks for care: the common case."""
    return (
        type(tensor) in _ORDINARY
        and tensor.is_cpu
        and tensor.layout is torch.strided
        and tensor.dtype in _SIMPLE
        and tensor.is_contiguous()
        and tensor.numel() <= _SMALL
        and not torch._C._functorch.is_functorch_wrapped_tensor(tensor)
        and not tensor.is_neg()
        and not tensor._is_zerotensor()
    )


@contextlib.contextmanager
def _no_modes() -> Iterator[None]:
    with _disable_current_modes():
        yield


_NOTHING = contextlib.nullcontext()


def modes_off() -> contextlib.AbstractContextManager[None]:
    """Keep a user's dispatch mode (a FLOP counter, say) from seeing our own reads."""
    return _no_modes() if torch._C._len_torch_dispatch_stack() else _NOTHING


def readable(tensor: torch.Tensor, limit: int) -> torch.Tensor:
    """Return a dense CPU tensor with the same value, detached.

    Raises:
        Unreadable: reading would run foreign code, or there is no value.
    """
    kind = type(tensor)
    if not (_plain_types.get(kind) or _is_plain(kind)):
        raise Unreadable(f"a {kind.__name__} with its own dispatch is not read")
    if torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        raise Unreadable("inside a torch.func transform")
    if tensor.layout is not torch.strided:
        if tensor.numel() > limit:
            raise Unreadable(str(tensor.layout)[6:])
        tensor = tensor.detach().to_dense()
    if tensor.is_meta or tensor.is_quantized or tensor.dtype not in _NAMES:
        raise Unreadable("no values on the meta device" if tensor.is_meta else f"dtype {tensor.dtype} is not decoded")
    if tensor.requires_grad or tensor.grad_fn is not None:
        tensor = tensor.detach()
    if tensor._is_zerotensor():
        tensor = tensor.clone()  # torch's shorthand for zeros: it has no memory
    if tensor.is_conj() or tensor.is_neg():
        tensor = tensor.resolve_conj().resolve_neg()
    return tensor if tensor.device.type == "cpu" else _to_cpu(tensor, limit)


def _is_plain(kind: type) -> bool:
    known = _plain_types.get(kind)
    if known is None:
        dispatch = getattr(kind, "__torch_dispatch__", None)
        known = _plain_types[kind] = dispatch is torch._C._disabled_torch_dispatch_impl
    return known


def _to_cpu(tensor: torch.Tensor, limit: int) -> torch.Tensor:
    return tensor.cpu() if tensor.numel() <= limit else tensor


def content(tensor: torch.Tensor) -> bytes:
    """Return the elements, row-major, little-endian, of a tensor that ``readable`` returned."""
    if not tensor.is_contiguous():
        tensor = tensor.contiguous()
    count = tensor.numel()
    return ctypes.string_at(tensor.data_ptr(), count * tensor.element_size()) if count else b""


def has_nonfinite(data: bytes, code: str | None, tensor: torch.Tensor) -> bool:
    """Tell whether whole stored values have a NaN or an infinity; ``code`` is the array code of their floats."""
    if code == "":
        return False
    if code is None:
        return bool((~torch.isfinite(tensor)).any())
    floats = array.array(code, data)
    return not math.isfinite(sum(floats)) and not all(map(math.isfinite, floats))


def _statistics(tensor: torch.Tensor, blob: Blob) -> tuple[Wire, bool]:
    """Return the wire form of the statistics; one pass for min and max, one for the sum, more only if it is not
    finite.
    """
    if tensor.is_complex():
        raise Unreadable("statistics of complex tensors are not kept")
    flat = tensor.detach().reshape(-1)
    corner = [float(number) for number in flat[:_CORNER].tolist()]
    offset = blob.add(array.array("d", corner).tobytes())
    if not tensor.is_floating_point():
        numbers = tensor.to(torch.float64)
        low, high = numbers.aminmax()
        return [low.item(), high.item(), numbers.mean().item(), 0, 0, 0, offset, len(corner)], False
    wide = torch.float64 if tensor.dtype is torch.float64 else torch.float32
    total = tensor.sum(dtype=wide).item()
    if math.isfinite(total):
        low, high = tensor.aminmax()
        return [low.item(), high.item(), total / tensor.numel(), 0, 0, 0, offset, len(corner)], False
    return _nonfinite_statistics(flat, offset, len(corner))


def _nonfinite_statistics(flat: torch.Tensor, offset: int, corner: int) -> tuple[Wire, bool]:
    nan = int(torch.isnan(flat).sum())
    posinf, neginf = int(torch.isposinf(flat).sum()), int(torch.isneginf(flat).sum())
    finite = flat[torch.isfinite(flat)].to(torch.float64)
    low, high = finite.aminmax() if finite.numel() else (None, None)
    mean: Any = flat.to(torch.float64).mean().item()  # json writes NaN and Infinity, and reads them back
    bounds = [None if low is None else low.item(), None if high is None else high.item()]
    return [*bounds, mean, nan, posinf, neginf, offset, corner], bool(nan or posinf or neginf)
