"""The compiled module. It knows no torch until it is taught by ``learn``, and no tensor but those it was taught."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from gradb.log.pen import MakePen
from gradb.tape.wire import Blob

SOURCES: str
"""The digest of the C sources that it was compiled from: see ``sources.digest``."""

def learn(
    addresses: tuple[int, ...],
    types: tuple[type, type],
    holder: int,
    keys: int,
    key_sets: tuple[int, ...],
    dtypes: Mapping[str, int],
    /,
) -> None:
    """Take over how a tensor is read; from here on tensors are looked into. Without key sets, none is.

    Args:
        addresses: of torch's C functions, in the order of ``trial.QUESTIONS``.
        types: exactly of which type a tensor must be.
        holder: where in a Python tensor its C++ tensor is held, in bytes.
        keys: where in a C++ tensor its set of dispatch keys lies, in bytes.
        key_sets: which sets a plain dense tensor in the CPU's memory has.
        dtypes: torch's numbers of the dtypes that are read.
    """

def look(tensor: torch.Tensor, /) -> tuple[int, tuple[int, ...], tuple[int, ...], str, bool] | None:
    """Return address, shape, strides, dtype and whether it is contiguous; None where the tensor is not known here."""

def knows(tensor: torch.Tensor, /) -> bool:
    """Tell whether the tensor is known here: then all of it lies in the CPU's memory."""

def extend(floats: list[float], tensor: torch.Tensor, most: int, /) -> bool:
    """Append all elements, if they are at most so many of float32 or float64 that lie side by side; tell whether."""

def learn_classes(classes: tuple[type, ...], /) -> None:
    """Learn where the slots lie of TensorRecord, NodeMark, Place, Found, Names and Call (of torch functions).

    Raises:
        TypeError, AttributeError: one of them has no such slot.
    """

class Forward:
    """Stands in for ``ForwardMode.__torch_function__``; ``parts`` is what ``watch/common_ops.forward`` gives it."""

    def __init__(self, parts: dict[str, Any], /) -> None: ...
    def __call__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None, /
    ) -> Any: ...

Pen: MakePen
"""Writes records of a log as ``gradb.log.pen.PythonPen`` does."""

class Reader:
    """Turns tensors into text and bytes: see ``Snapshots`` for what each method returns.

    Args:
        limit: the largest number of elements stored whole.
        otherwise: does what ``take`` does for a tensor that is not known here.
        passing: does what ``take_passing`` does for one above the limit.
        blob: makes what these two put bytes into, where the reader itself collects them otherwise.
    """

    def __init__(
        self,
        limit: int,
        otherwise: Callable[[torch.Tensor, Blob], str],
        passing: Callable[[torch.Tensor, Blob], str],
        blob: type[Blob],
    ) -> None: ...
    def take(self, tensor: torch.Tensor | None, blob: Blob, /) -> str: ...
    def take_passing(self, tensor: torch.Tensor, blob: Blob, /) -> str: ...
    def take_each(
        self, tensors: tuple[torch.Tensor | None, ...], blob: Blob, begin: str, end: str, is_passing: bool, /
    ) -> str: ...

def content(tensor: torch.Tensor, /) -> bytes | None:
    """Return the elements, row-major; None where the tensor is not known here."""

def summarise(tensor: torch.Tensor, /) -> tuple[str, bytes, bool, int | None] | None:
    """Return what ``summaries.Summary`` consists of; None where the tensor is not known here, or too hard."""
