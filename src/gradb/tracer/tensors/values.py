"""Snapshots of tensors: their values as the text of wire forms, taken without changing anything.

A tensor up to the limit is copied whole, a larger one is summarised at once. Nothing is kept alive, no gradient graph
is built, and where reading could run somebody's code (subclasses, transforms, dispatch modes) the value is said not to
be known instead. Called with torch functions disabled.
"""

from __future__ import annotations

import contextlib
import ctypes
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes

from gradb.tape.cutting import first_line
from gradb.tape.oddity import UNREAD, oddity_of
from gradb.tape.wire import Blob, with_note, write_summary, write_unkept, write_whole
from gradb.tracer.isolation.genuine import Methods
from gradb.tracer.isolation.signals import shielded
from gradb.tracer.native import reading
from gradb.tracer.native.trial import accelerator
from gradb.tracer.tensors.forms import Form, Forms, is_decoded
from gradb.tracer.tensors.summaries import Summary, summarise

_ORDINARY = frozenset({torch.Tensor, torch.nn.Parameter})
_STRIDED = torch.strided
_integer = int.from_bytes
_mode_count = torch._C._len_torch_dispatch_stack
_is_neg, _is_contiguous, _data_ptr, _numel = Methods.is_neg, Methods.is_contiguous, Methods.data_ptr, Methods.numel
_plain_types: dict[type, bool] = {torch.Tensor: True, torch.nn.Parameter: True}


class Unreadable(Exception):
    """The value cannot be read safely; the message says why."""


class Snapshots:
    """Turns tensors into wire forms.

    Args:
        limit: the largest number of elements stored whole.
        missing: is told of what fails for a reason that is no refusal of torch's; returns what to say in its place.
    """

    def __init__(self, limit: int, missing: Callable[[str, Exception], str]) -> None:
        self.limit = limit
        self._missing = missing
        self._forms = Forms(limit)
        self._passed: dict[int, tuple[weakref.ref[torch.Tensor], int, Summary]] = {}
        self.is_passing = False
        """Whether the engine hands large gradients from node to node that nobody but it can change."""
        self._direct = {dtype: known for dtype, known in self._forms.by_dtype.items() if not dtype.is_complex}
        self._native = accelerator()
        reading.use(self._native)
        reader = self.reader = self._make_reader()
        self.take: Callable[[torch.Tensor | None, Blob], str] = reader.take if reader else self._take
        """Returns the text of the wire form ``V`` of a value; the blob gets its bytes, and notes a NaN or infinity."""
        self.take_passing: Callable[[torch.Tensor, Blob], str] = reader.take_passing if reader else self._take_passing
        """Returns the same of a gradient inside the engine, while ``is_passing`` reading a large one once."""
        self.take_each: Callable[[tuple[torch.Tensor | None, ...], Blob, str, str, bool], str] = (
            reader.take_each if reader else self._take_each
        )
        """Returns the texts of some values, with two texts around each that there is; True: they are passing."""

    def keep_passing(self, is_passing: bool) -> None:
        """Begin or end to remember large gradients that the engine hands from node to node."""
        self.is_passing = is_passing
        self._passed.clear()
        if self.reader is not None:
            self.reader.keep_passing(is_passing)

    def _make_reader(self) -> Any:
        """Return the accelerator's reader, where there is one."""
        if self._native is None:
            return None
        return self._native.Reader(self.limit, self._carefully, Blob, torch._C.DisableTorchFunction)

    def _take(self, tensor: torch.Tensor | None, blob: Blob) -> str:
        """Do what ``take`` does, where there is no accelerator.

        The common case is read by address, after a few look-ups that no mode, transform or subclass sees.
        """
        if tensor is None:
            return "null"
        try:
            if type(tensor) in _ORDINARY and tensor.is_cpu and tensor.layout is _STRIDED and not _is_neg(tensor):
                form = self._direct[tensor.dtype].get(tensor.shape)
                if form is None:
                    form = self._forms.make(tensor.dtype, _plain(tensor.shape))
                if form.is_whole and (dense := _dense(tensor)) is not None:
                    address = _data_ptr(dense)  # raises for what a transform wraps; 0 where there is no memory
                    if address:
                        return self._whole(form, form.read(address).raw, blob)
        except Exception:
            pass  # the long way finds out why, and says so
        return self._carefully(tensor, blob)

    def _whole(self, form: Form, data: bytes, blob: Blob) -> str:
        if form.exponents and ((_integer(data, "little") & form.exponents) + form.lowest) & form.signs:
            blob.odd |= oddity_of(data, form.name)
        offset = blob.size
        blob.parts.append(data)
        blob.size = offset + form.size
        return write_whole(form.head, offset)

    def _take_each(
        self, tensors: tuple[torch.Tensor | None, ...], blob: Blob, begin: str, end: str, is_passing: bool
    ) -> str:
        take = self.take_passing if is_passing else self.take
        return ",".join(["null" if tensor is None else f"{begin}{take(tensor, blob)}{end}" for tensor in tensors])

    def _take_passing(self, tensor: torch.Tensor, blob: Blob) -> str:
        if type(tensor) not in _ORDINARY or _numel(tensor) <= self.limit or not tensor.is_cpu:
            return self.take(tensor, blob)
        return self._take_large_passing(tensor, blob)

    def _take_large_passing(self, tensor: torch.Tensor, blob: Blob) -> str:
        """Return the text of what is larger than the limit, read once as long as nothing can have changed it.

        Each node hands its gradients to the next as they are. What is still the same tensor, in the same version, has
        the value that it had: see ``transit.is_private`` for why nobody can have changed it otherwise.
        """
        try:
            passed = self._passed if self.is_passing else {}
            known = passed.get(id(tensor))
            if known is None or known[0]() is not tensor or known[1] != tensor._version:
                with modes_off():
                    summary = self._summary(readable(tensor, self.limit))
                known = passed[id(tensor)] = weakref.ref(tensor), tensor._version, summary
            return write_summary(self._form(tensor.dtype, _plain(tensor.shape)).head, known[2].text(blob))
        except Exception:
            return self._carefully(tensor, blob)

    @shielded
    def _carefully(self, tensor: torch.Tensor, blob: Blob) -> str:
        shape: tuple[int, ...] = ()
        try:
            if tensor.is_nested and tensor.layout is _STRIDED:
                raise Unreadable(f"a tensor of shape ({Methods.size(tensor, 0)}, …) is not read: it is nested")
            shape = _plain(tensor.shape)
            with modes_off():
                text = self._read(shape, readable(tensor, self.limit), blob)
                return text if tensor.layout is _STRIDED else with_note(text, _stored(tensor))
        except Unreadable as refusal:
            why = str(refusal)
        except RecursionError as error:
            why = f"not recorded: {self._missing('values', error)}"
        except (RuntimeError, NotImplementedError, TypeError, Warning) as error:  # a script may make warnings errors
            why = f"torch cannot read it: {first_line(str(error), 120)}"
        except Exception as error:
            why = f"not recorded: {self._missing('values', error)}"
        blob.odd |= UNREAD
        return write_unkept(shape, str(tensor.dtype)[6:], why)

    def missing(self, why: str) -> str:
        """Return the text of the wire form ``V`` of a value of which nothing at all is known."""
        return write_unkept((), "", f"not recorded: {why}")

    def _read(self, shape: tuple[int, ...], tensor: torch.Tensor, blob: Blob) -> str:
        form = self._form(tensor.dtype, shape)
        if form.is_whole:
            return self._whole(form, content(tensor), blob)
        return write_summary(form.head, self._summary(tensor).text(blob))

    def _summary(self, tensor: torch.Tensor) -> Summary:
        if Methods.is_complex(tensor):
            raise Unreadable("statistics of complex tensors are not kept")
        known = None if self._native is None else self._native.summarise(tensor)
        return summarise(tensor) if known is None else Summary(*known)

    def _form(self, dtype: torch.dtype, shape: tuple[int, ...]) -> Form:
        return self._forms.by_dtype[dtype].get(shape) or self._forms.make(dtype, shape)


def _dense(tensor: torch.Tensor) -> torch.Tensor | None:
    """Return a tensor whose elements lie row by row, or None where a dispatch mode would see how that is made."""
    if _is_contiguous(tensor):
        return tensor
    return None if _mode_count() else Methods.contiguous(Methods.detach(tensor))


def blank(tensor: torch.Tensor) -> str:
    """Return the wire form of memory that nothing has been written to yet: whatever lies there is no value."""
    try:
        return write_unkept(_plain(tensor.shape), str(tensor.dtype)[6:], "not initialised")
    except Exception:
        return write_unkept((), str(tensor.dtype)[6:], "not initialised, not even its shape")


def _stored(tensor: torch.Tensor) -> str:
    """Return how a tensor that is shown dense really lies."""
    layout = str(tensor.layout)[6:]
    return (
        f"{layout}, {Methods._nnz(tensor)} entries stored; shown dense"
        if layout == "sparse_coo"
        else f"{layout}; shown dense"
    )


def _plain(shape: torch.Size) -> tuple[int, ...]:
    sizes = tuple(shape)
    if any(type(size) is not int for size in sizes):
        is_nested = any(str(size).startswith("j") for size in sizes)
        shape_text = ", ".join(map(str, sizes))
        raise Unreadable(f"a tensor of shape ({shape_text}) is not read{': it is nested' if is_nested else ''}")
    return sizes


@contextlib.contextmanager
def _no_modes() -> Iterator[None]:
    with _disable_current_modes():
        yield


_NOTHING = contextlib.nullcontext()


def modes_off() -> contextlib.AbstractContextManager[None]:
    """Keep a user's dispatch mode (a FLOP counter, say) from seeing our own reads."""
    return _no_modes() if _mode_count() else _NOTHING


def readable(tensor: torch.Tensor, limit: int) -> torch.Tensor:
    """Return a dense CPU tensor with the same value, detached.

    Raises:
        Unreadable: reading would run foreign code, or there is no value.
    """
    if reading.knows(tensor):
        return Methods.detach(tensor) if tensor.requires_grad else tensor
    kind = type(tensor)
    if not (_plain_types.get(kind) or _is_plain(kind)):
        raise Unreadable(f"a {kind.__name__} with its own dispatch is not read")
    if torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        raise Unreadable("inside a torch.func transform")
    if torch._C._functorch.is_legacy_batchedtensor(tensor):
        raise Unreadable("a whole batch of gradients: is_grads_batched")
    if tensor.layout is not torch.strided:
        if _numel(tensor) > limit:
            raise Unreadable(str(tensor.layout)[6:])
        tensor = Methods.to_dense(Methods.detach(tensor))
    if tensor.is_meta or tensor.is_quantized or not is_decoded(tensor.dtype):
        raise Unreadable("no values on the meta device" if tensor.is_meta else f"dtype {tensor.dtype} is not decoded")
    if tensor.requires_grad or tensor.grad_fn is not None:
        tensor = Methods.detach(tensor)
    if Methods._is_zerotensor(tensor):
        tensor = Methods.clone(tensor)  # torch's shorthand for zeros: it has no memory
    if Methods.is_conj(tensor) or _is_neg(tensor):
        tensor = Methods.resolve_neg(Methods.resolve_conj(tensor))
    if tensor.device.type != "cpu":
        return _to_cpu(tensor, limit)
    if not _is_backed(tensor):
        raise Unreadable("its memory was freed")
    return tensor


def _is_backed(tensor: torch.Tensor) -> bool:
    """Tell whether a dense tensor in the CPU's memory still has it: its storage may have been cut behind it."""
    if not _numel(tensor):
        return True
    places = _numel(tensor)
    if not _is_contiguous(tensor):
        distances = zip(tensor.shape, Methods.stride(tensor), strict=True)
        places = 1 + sum((size - 1) * stride for size, stride in distances)
    end = (Methods.storage_offset(tensor) + places) * Methods.element_size(tensor)
    return end <= Methods.untyped_storage(tensor).nbytes()


def is_ordinary(tensor: object) -> bool:
    """Tell whether a value is a tensor whose own attributes can be read without running foreign code."""
    kind = type(tensor)
    return isinstance(tensor, torch.Tensor) and (_plain_types.get(kind) or _is_plain(kind))


def _is_plain(kind: type) -> bool:
    known = _plain_types.get(kind)
    if known is None:
        dispatch = getattr(kind, "__torch_dispatch__", None)
        known = _plain_types[kind] = dispatch is torch._C._disabled_torch_dispatch_impl
    return known


def _to_cpu(tensor: torch.Tensor, limit: int) -> torch.Tensor:
    return Methods.cpu(tensor) if _numel(tensor) <= limit else tensor


def content(tensor: torch.Tensor) -> bytes:
    """Return the elements, row-major, little-endian, of a tensor that ``readable`` returned."""
    if not _is_contiguous(tensor):
        tensor = Methods.contiguous(tensor)
    count = _numel(tensor)
    return ctypes.string_at(_data_ptr(tensor), count * Methods.element_size(tensor)) if count else b""
