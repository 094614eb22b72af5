"""What an expression can speak of: numbers with a shape, an event, lists and plain values.

These are plain views of what is on a tape. How they are compared is ``equality`` and ``relations``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gradb.tape.expressions.faults import ExpressionError
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.registry import Detail
from gradb.tape.values import Number, Stats, TensorValue

Operand = (
    Any  # Numbers | Unkept | EventView | OnsetView | Approx | list[Operand] | str | int | float | complex | bool | None
)


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

    def attribute(self, name: str) -> Operand:
        """Return what ``x.name`` means."""
        if name in {"shape", "dtype", "structure"}:
            return plain(getattr(self, name))
        raise ExpressionError(f"a value has no {name!r}: it has shape and dtype")

    def item(self, index: int) -> Numbers:
        """Return what ``x[index]`` means."""
        if not self.shape:
            raise ExpressionError("a single number cannot be indexed")
        rows, rest = self.shape[0], self.shape[1:]
        if not -rows <= index < rows:
            raise ExpressionError(f"there is no [{index}] in a value of shape {list(self.shape)}")
        size = len(self.numbers) // rows
        start = index % rows * size
        return Numbers(rest, self.numbers[start : start + size], self.dtype)


@dataclass(frozen=True, slots=True)
class Unkept:
    """A value of which only shape and dtype are on the tape, and statistics perhaps."""

    shape: tuple[int, ...]
    dtype: str
    why: str
    stats: Stats | None = None
    norm: float | None = None
    """Its 2-norm, where that was recorded for itself."""

    def attribute(self, name: str) -> Operand:
        """Return what ``x.name`` means."""
        if name in {"shape", "dtype"}:
            return plain(getattr(self, name))
        raise ExpressionError(f"a value has no {name!r}: it has shape and dtype")


@dataclass(frozen=True, slots=True)
class EventView:
    """An event with the plain fields of its detail."""

    event: Event
    detail: Detail | None
    called: str = ""
    """What it is called; empty: by its number."""

    def attribute(self, name: str) -> Operand:
        """Return what ``event.name`` means: a field of the header, a plain one of the detail, or what it is called."""
        if name == "place":
            return self.called or str(self.event.seq)
        for part in (self.event, self.detail):
            if part is not None and name in part.__dataclass_fields__:
                return plain(getattr(part, name))
        article = "an" if self.event.kind[0] in "aeiou" else "a"
        raise ExpressionError(f"{article} {self.event.kind} event has no {name!r}")


@dataclass(frozen=True, slots=True)
class OnsetView:
    """Where a loss or a gradient norm was first a NaN or an infinity."""

    iteration: int
    event: int
    """The event from which on it was."""
    value: float
    kind: str
    """``loss`` or ``grad_norm``."""
    series: str
    """``loss:42``, or of a norm the optimizer."""

    def attribute(self, name: str) -> Operand:
        """Return what ``first_nonfinite.name`` means."""
        if name in self.__dataclass_fields__:
            return plain(getattr(self, name))
        raise ExpressionError(f"first_nonfinite has no {name!r}: it has {', '.join(self.__dataclass_fields__)}")

    def __str__(self) -> str:
        """Return it in words: ``iteration 256, event 3,071: nan (loss:42)``."""
        return f"iteration {self.iteration:,}, event {self.event:,}: {self.value!r} ({self.series})"


VIEWS = (Numbers, Unkept, EventView, OnsetView)
"""What has attributes, and is neither true nor false."""


def tensor(value: TensorValue | None) -> Operand:
    """Return the operand of a tensor's value; None stays None."""
    if value is None:
        return None
    numbers = value.numbers()
    if numbers is None:
        return Unkept(value.shape, value.dtype, value.note or "it is too large to be kept whole", value.stats)
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
