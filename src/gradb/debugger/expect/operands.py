"""What an expectation can speak of: numbers with a shape, an event, a local derivative, a name on the tape.

These are plain views of what the tape holds. How expressions are read and compared is ``expect`` and ``compare``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from gradb.algebra.local import Local
from gradb.debugger.errors import UserError
from gradb.frame.chain.record import Chain, ChainEdge
from gradb.rules import examined
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.registry import Detail
from gradb.tape.values import Number, TensorValue


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers with a shape: a tensor's value, or a local derivative."""

    shape: tuple[int, ...]
    numbers: tuple[Number, ...]
    """Flat, row-major."""
    dtype: str
    """Equality rounds the other side to it."""
    structure: str = ""
    """Of a local derivative."""

    def attribute(self, name: str) -> Any:
        """Return what ``x.name`` means."""
        if name in {"shape", "dtype", "structure"}:
            return plain(getattr(self, name))
        raise UserError(f"a value has no {name!r}: it has shape and dtype")

    def item(self, index: int) -> Any:
        """Return what ``x[index]`` means."""
        if not self.shape:
            raise UserError("a single number cannot be indexed")
        rows, rest = self.shape[0], self.shape[1:]
        if not -rows <= index < rows:
            raise UserError(f"there is no [{index}] in a value of shape {list(self.shape)}")
        size = len(self.numbers) // rows
        start = index % rows * size
        return Numbers(rest, self.numbers[start : start + size], self.dtype)


@dataclass(frozen=True, slots=True)
class Unkept:
    """A value of which only shape and dtype are on the tape."""

    shape: tuple[int, ...]
    dtype: str
    why: str

    def attribute(self, name: str) -> Any:
        """Return what ``x.name`` means."""
        if name in {"shape", "dtype"}:
            return plain(getattr(self, name))
        raise UserError(f"a value has no {name!r}: it has shape and dtype")


@dataclass(frozen=True, slots=True)
class EventView:
    """An event with the plain fields of its detail."""

    event: Event
    detail: Detail | None

    def attribute(self, name: str) -> Any:
        """Return what ``event.name`` means: a field of the header, or a plain one of the detail."""
        for part in (self.event, self.detail):
            if part is not None and name in {field.name for field in fields(part)}:
                return plain(getattr(part, name))
        raise UserError(f"a {self.event.kind} event has no {name!r}")


Operand = Any  # Array | Unkept | EventView | list | str | int | float | bool | None


def tensor(value: TensorValue | None) -> Operand:
    """Return the operand of a tensor's value; None stays None."""
    if value is None:
        return None
    numbers = value.numbers()
    if numbers is None:
        return Unkept(value.shape, value.dtype, value.note or "it is too large to be kept whole")
    return Numbers(value.shape, tuple(numbers), value.dtype)


def plain(value: Any) -> Operand:
    """Return the operand of a field of an event."""
    if isinstance(value, TensorValue):
        return tensor(value)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    inner = getattr(value, "value", None)
    return tensor(inner) if isinstance(inner, TensorValue) else str(value)


def _only(items: Sequence[Operand]) -> Operand:
    """Return the one item itself, or the list of several."""
    return items[0] if len(items) == 1 else list(items)


def _edges(chain: Chain) -> list[ChainEdge]:
    return [edge for edge in chain.edges if edge.to is not None]


def upstream(chain: Chain) -> Operand:
    """Return dL/d(output): one value, or a list where the node has several outputs."""
    return _only([tensor(value) for value in chain.upstream])


def downstream(chain: Chain) -> Operand:
    """Return dL/d(input): one value, or a list where several edges lead on."""
    return _only([tensor(edge.downstream) for edge in _edges(chain)])


def local(chain: Chain) -> Operand:
    """Return the local derivative: one value, or a list where several edges lead on."""
    return _only([_local(edge.local) for edge in _edges(examined(chain))])


def _local(value: Local) -> Operand:
    name = value.structure
    if name == "unknown" or value.values is None:
        return Unkept((value.rows, value.columns), "", value.note or "it was not measured")
    if name in {"identity", "zero"}:
        return Numbers((), (1 if name == "identity" else 0,), "float64", name)
    if name in {"scalar", "sum", "expansion"}:
        return Numbers((), value.values[:1], "float64", name)
    shape = (len(value.values),) if name == "diagonal" else (value.rows, value.columns)
    return Numbers(shape, value.values, "float64", name)
