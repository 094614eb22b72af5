"""What the reasons look at: an op or node at one element of what it made, with the numbers that are on the tape."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from functools import cached_property

from gradb.algebra.figures import beside_whole
from gradb.diagnosis.nonfinite import traffic
from gradb.diagnosis.nonfinite.pointwise import node_name, plain_name
from gradb.diagnosis.nonfinite.reading import Reading, aligned, element_of, place
from gradb.frame.origins import Origins
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.values import Number, TensorValue

_LARGEST = {
    "float16": 65504.0,
    "bfloat16": 3.3895313892515355e38,
    "float32": 3.4028234663852886e38,
    "float64": 1.7976931348623157e308,
}
_CONSTANTS = {"inf": math.inf, "nan": math.nan}
_MAX_TEXT = 200
_SWAPPED = frozenset({"__rsub__", "__rtruediv__", "__rdiv__", "__rpow__", "__rfloordiv__", "__rmod__", "rsub"})


def largest(dtype: str) -> float:
    """Return the largest finite number of a dtype; infinity where it is no float."""
    return _LARGEST.get(dtype, math.inf)


@dataclass(frozen=True, slots=True)
class Operand:
    """One argument of a call, at the element that is looked at."""

    text: str
    """What it is called there: ``x[2, 3]``; empty for a number in the source or one without a name."""
    number: float | None
    """None where it was not kept, or is no real number."""
    value: TensorValue | None = None
    """All of it, where it is a tensor."""

    @property
    def dtype(self) -> str:
        """Its dtype; float64 for a number of Python's."""
        return "float64" if self.value is None else self.value.dtype

    @property
    def shown(self) -> str:
        """Its number as text, on its side of where a domain may end."""
        return "?" if self.number is None else beside_whole(self.number, self.dtype)


class Case:
    """A birth, as far as the tape has numbers of it.

    Args:
        origins: of the tape.
        made: the value that was born.
    """

    def __init__(self, origins: Origins, made: Reading) -> None:
        self.made = made
        self.origins = origins
        event, detail = origins.event(made.event), origins.detail(made.event)
        self.is_backward = isinstance(detail, NodeDetail)
        self.node = origins.node(event.node) if self.is_backward else None
        self.op = detail if isinstance(detail, OpDetail) else self._forward()
        self.name = node_name(event.name) if self.is_backward else plain_name(self.op.function if self.op else "")

    def _forward(self) -> OpDetail | None:
        """Return the forward call of the node that ran, where it made this node alone."""
        if self.node is None:
            return None
        detail = self.origins.detail(self.node.event)
        return detail if isinstance(detail, OpDetail) and detail.nodes == (self.node.id,) else None

    @cached_property
    def born(self) -> float | None:
        """The number that was made at the element; of what is only known by its counts, what that must be."""
        found = element_of(self.made.value, self.made.element)
        if found is not None:
            return _real(found)
        odd = self.made.nonfinite
        if odd is None:
            return None
        return math.nan if odd.nan else math.inf if odd.posinf else -math.inf

    @property
    def dtype(self) -> str:
        """Of what was made."""
        return self.made.value.dtype

    @cached_property
    def upstream(self) -> tuple[Reading, ...]:
        """What a node was sent, one per output."""
        return tuple(one for one in traffic.read(self.origins, self.made.event) if one.role == "upstream")

    @cached_property
    def operands(self) -> tuple[Operand, ...]:
        """The arguments of the call in order, those without a number or tensor left out, at the element."""
        if self.op is None:
            return self._saved()
        found = [self._operand(text) for keyword, text in self.op.arguments if keyword in {"", "input", "self", "other",
                 "exponent", "target", "weight"}]  # fmt: skip
        known = [one for one in found if one is not None]
        if self.op.function.rpartition(".")[2] in _SWAPPED:
            known[:2] = reversed(known[:2])
        return tuple(known)

    def _saved(self) -> tuple[Operand, ...]:
        """Return what a node saved of its inputs, where no call is known that made this node alone."""
        kept = None if self.node is None else self.origins.saved(self.node.id, self.made.event)
        if kept is None:
            return ()
        found: dict[str, Operand] = {}
        for one in kept.tensors:
            value = one.used or one.value
            if value is not None:
                flat = aligned(value, self.made.element, self.made.value.shape)
                name = f"{one.variable}{place(value.shape, flat)}" if one.variable else ""
                found[one.name] = Operand(name, self.number_in(value), value)
        for name, text in kept.arguments:
            literal = self.literal(text)
            if isinstance(literal, int | float) and not isinstance(literal, bool):
                found[name] = Operand("", float(literal))
        return tuple(found[name] for name in ("self", "other", "exponent") if name in found)

    @property
    def numbers(self) -> tuple[float | None, ...]:
        """The numbers of the operands."""
        return tuple(one.number for one in self.operands)

    def result(self) -> float | None:
        """Return what the forward call made at the element."""
        if self.op is not None and self.op.outputs:
            return self.number_in(self.op.outputs[0].value)
        kept = None if self.node is None else self.origins.saved(self.node.id, self.made.event)
        made = [one.used or one.value for one in kept.tensors if one.name == "result"] if kept is not None else []
        return self.number_in(made[0]) if made and made[0] is not None else None

    def _operand(self, text: str) -> Operand | None:
        assert self.op is not None
        if text.startswith("%") and text[1:].isdecimal() and int(text[1:]) < len(self.op.inputs):
            tensor = self.op.inputs[int(text[1:])]
            flat = aligned(tensor.value, self.made.element, self.made.value.shape)
            name = tensor.name or ""
            return Operand(name and name + place(tensor.value.shape, flat), self.number_in(tensor.value), tensor.value)
        literal = self.literal(text)
        is_number = isinstance(literal, int | float) and not isinstance(literal, bool)
        return Operand("", float(literal)) if is_number else None  # type: ignore[arg-type]

    def number_in(self, value: TensorValue) -> float | None:
        """Return the number of a value that stands at the element."""
        return _real(element_of(value, aligned(value, self.made.element, self.made.value.shape)))

    def argument(self, keyword: str, position: int) -> object:
        """Return an argument that is no tensor: by its keyword, or its position in the call; None where left out."""
        if self.op is None:
            return None
        for index, (name, text) in enumerate(self.op.arguments):
            if name == keyword or (not name and index == position):
                return self.literal(text)
        return None

    @staticmethod
    def literal(text: str) -> object:
        """Read a literal; None where it is none."""
        if len(text) > _MAX_TEXT:
            return None
        stripped = text.strip("-")
        if stripped in _CONSTANTS:
            return -_CONSTANTS[stripped] if text.startswith("-") else _CONSTANTS[stripped]
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            return None


def _real(found: Number | None) -> float | None:
    """Return a real number as a float; a complex one is not looked at."""
    if found is None or isinstance(found, complex):
        return None
    try:
        return float(found)
    except OverflowError:
        return None


def is_same_kind(one: float, other: float) -> bool:
    """Tell whether two numbers are both NaN, both infinity, both minus infinity."""
    return (one != one and other != other) or one == other


def extremes(value: TensorValue) -> tuple[float, float] | None:
    """Return the smallest and the largest finite element of a tensor; None where they are not known."""
    if value.stats is not None:
        low, high = value.stats.minimum, value.stats.maximum
        return None if low is None or high is None else (low, high)
    numbers = [each for each in map(_real, value.numbers() or ()) if each is not None and math.isfinite(each)]
    return (min(numbers), max(numbers)) if numbers else None
