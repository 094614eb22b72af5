"""The compiled module. It knows no torch until it is taught by ``learn``, and no tensor but those it was taught."""

from collections.abc import Callable, Mapping, Sized
from typing import Any

import torch

from gradb.log.pen import Row
from gradb.log.segments import Segment
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

class Pen:
    """Writes records of a log as ``gradb.log.pen.PythonPen`` does; its arguments are those of ``MakePen``."""

    head: int
    ids: dict[Any, int]
    def __init__(
        self, make_room: Callable[[int], object], say_rest: Callable[[], object], rest: tuple[Sized, ...], /
    ) -> None: ...
    def use(self, segment: Segment | None, /) -> None: ...
    def event(
        self,
        kind: str,
        name: str,
        place: Row,
        detail: str,
        data: bytes | None,
        scope: str,
        iteration: int,
        phase: str,
        node: int | None,
        flags: int,
        thread: int,
        /,
    ) -> int: ...
    def node(
        self,
        id: int,
        name: str,
        event: int,
        kind: str,
        saves: bool,
        tensor: int | None,
        edges: list[tuple[int | None, int]],
        /,
    ) -> None: ...
    def tensor(self, tensor: int, event: int, node: int | None, output_nr: int, /) -> None: ...
    def grad(self, tensor: int, event: int, fills: int, since: int, /) -> None: ...
    def name(self, tensor: int, event: int, name: str, /) -> None: ...
    def point(self, series: int, event: int, iteration: int, value: float, /) -> None: ...
    def say(self, record: bytes, /) -> None: ...
    def id(self, key: Any, /) -> int: ...
    def forget(self, head: int, /) -> None: ...
    def write(self) -> None: ...
    def has_said(self) -> bool: ...

class Reader:
    """Turns tensors into text and bytes: see ``Snapshots`` for what each method returns.

    Args:
        limit: the largest number of elements stored whole.
        otherwise: does what ``take`` does for a tensor that is not known here.
        passing: does what ``take_passing`` does for one above the limit.
    """

    def __init__(
        self,
        limit: int,
        otherwise: Callable[[torch.Tensor, Blob], str],
        passing: Callable[[torch.Tensor, Blob], str],
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
