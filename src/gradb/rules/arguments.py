"""What a rule is evaluated on: the arguments of one call as plain numbers, read from the tape.

An ``Array`` is a shape and its elements in row-major order, nothing more. The text of an argument is parsed, never
evaluated: a tape may come from somewhere else.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from gradb.tape.indices import Index, Shape, ravel
from gradb.tape.values import TensorValue

_MAX_TEXT = 400
_MAX_INDICES = 1 << 20
_CONSTANTS = {"inf": math.inf, "nan": math.nan, "Ellipsis": ...}


class NotKnown(LookupError):
    """The tape does not tell what the formula needs."""


@dataclass(frozen=True, slots=True)
class Array:
    """A tensor's elements. A complex one has its real and imaginary parts side by side in a last dimension of 2."""

    shape: Shape
    numbers: Sequence[float] = ()
    """Row-major; empty where only the shape is known."""
    is_complex: bool = False
    is_bool: bool = False

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    def at(self, index: Sequence[int]) -> float:
        """Return one element."""
        return self.numbers[ravel(index, self.shape)]

    def row(self, row: int, length: int) -> Sequence[float]:
        """Return ``length`` elements from ``row * length`` on."""
        return self.numbers[row * length : (row + 1) * length]


def array_of(value: TensorValue) -> Array:
    """Return a tensor of the tape as an Array, without numbers where they were not kept."""
    numbers = value.numbers() or []
    if value.dtype.startswith("complex"):
        pairs = [part for n in numbers for part in (complex(n).real, complex(n).imag)]
        return Array((*value.shape, 2), pairs, is_complex=True)
    return Array(value.shape, [float(n.real) for n in numbers], is_bool=value.dtype == "bool")


class Listed(tuple[object, ...]):
    """A tuple that was a list in the call: a list of numbers in a key is a tensor of indices, a tuple is not."""

    __slots__ = ()


Value = object
"""What an argument can be: an Array, a number, a string, None, a slice, ``...`` or a tuple of such."""


def indices(shape: Sequence[int]) -> Iterator[Index]:
    """Return all indices of a shape, in row-major order.

    Raises:
        NotKnown: there are more than anybody would look at (a tape from somewhere else may claim any size).
    """
    if math.prod(shape) > _MAX_INDICES:
        raise NotKnown("too large")
    return product(*map(range, shape))


def parse(text: str, inputs: Sequence[Array]) -> Value:
    """Read an argument as the tape has it: ``3``, ``(slice(None, 2, None), 0)``, ``[%0, %1]``.

    Raises:
        NotKnown: the text is no literal (or is too long to be one).
    """
    if len(text) > _MAX_TEXT:
        raise NotKnown(text)
    try:
        return _value(ast.parse(re.sub(r"%(\d+)", r"_t\1", text), mode="eval").body, inputs)
    except (SyntaxError, ValueError, RecursionError, MemoryError, IndexError) as error:
        raise NotKnown(text) from error


def _value(node: ast.expr, inputs: Sequence[Array]) -> Value:
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None as value):
            return value
        case ast.Constant(value=value) if value is ...:
            return ...
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.Name(id=name) if name[:2] == "_t" and name[2:].isdecimal():
            return inputs[int(name[2:])]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            number = _value(operand, inputs)
            if isinstance(number, int | float):
                return -number
        case ast.List(elts=items):
            return Listed(_value(item, inputs) for item in items)
        case ast.Tuple(elts=items):
            return tuple(_value(item, inputs) for item in items)
        case ast.Call(func=ast.Name(id="slice"), args=items):
            return slice(*(_value(item, inputs) for item in items))
    raise NotKnown(ast.dump(node)[:80])


@dataclass(frozen=True, slots=True)
class Given:
    """One call, one input of it and one of its results: what the entries of a local Jacobian are computed from."""

    values: Mapping[str, Value]
    """The arguments by role, defaults included."""
    input: Array
    """The input that is differentiated."""
    out: Array
    """The result that upstream belongs to."""
    results: tuple[Array, ...] = ()
    """Everything the call returned, in its order (values, indices ...)."""
    inputs: tuple[Array, ...] = ()
    """Every tensor of the call, in its order."""
    slot: int = 0
    """Which of the node's outputs ``out`` is."""
    edge: int = 0
    """Which of the node's edges ``input`` is."""
    unknown: frozenset[str] = frozenset()
    """The arguments of which it is not known what they were: the call is not the rule's own (another that makes this
    node, or several), or its text is no literal."""

    def get(self, role: str) -> Value:
        """Return an argument; None where it was left out.

        Raises:
            NotKnown: it is not known what it was.
        """
        if role in self.unknown:
            raise NotKnown(role)
        return self.values.get(role)

    def has(self, role: str) -> bool:
        """Return True when an argument was given and is not None."""
        return self.get(role) is not None

    def array(self, role: str) -> Array:
        """Return a tensor argument.

        Raises:
            NotKnown: it is no tensor, or its elements were not kept.
        """
        value = self.values.get(role)
        if not isinstance(value, Array) or len(value.numbers) != value.size:
            raise NotKnown(role)
        return value

    def number(self, role: str) -> float:
        """Return an argument that is a number (or a tensor of one element)."""
        value = self.values.get(role)
        if isinstance(value, Array) and len(value.numbers) == 1:
            return value.numbers[0]
        if isinstance(value, int | float):
            return value
        raise NotKnown(role)

    def integer(self, role: str) -> int:
        """Return an argument that is a whole number."""
        return int(self.number(role))

    def word(self, role: str) -> str:
        """Return an argument that is a string."""
        value = self.values.get(role)
        if not isinstance(value, str):
            raise NotKnown(role)
        return value

    def integers(self, role: str, count: int) -> list[int]:
        """Return an argument of ``count`` whole numbers; a single one counts for all."""
        value = self.values.get(role)
        items = value if isinstance(value, tuple) else (value,)
        found = [item for item in items if isinstance(item, int)]
        if len(found) != len(items):
            raise NotKnown(role)
        found = found * count if len(found) == 1 else found
        if len(found) != count:
            raise NotKnown(role)
        return found

    def sequence(self, role: str) -> list[int]:
        """Return an argument of any count of whole numbers."""
        value = self.values.get(role)
        return self.integers(role, len(value) if isinstance(value, tuple) else 1)

    def dims(self, role: str = "dim") -> list[int]:
        """Return the dimensions an argument names, counted from the front; all where it is None or left out."""
        rank = len(self.input.shape)
        if not self.has(role) or self.get(role) == ():
            return list(range(rank))
        return sorted(d % max(rank, 1) for d in self.sequence(role)) if rank else []

    def dim(self, role: str = "dim") -> int:
        """Return the one dimension of the input that an argument names, counted from the front."""
        return self.dim_of(self.input.shape, role)

    def dim_of(self, shape: Shape, role: str = "dim") -> int:
        """Return the one dimension of a shape that an argument names, counted from the front."""
        rank, place = max(len(shape), 1), self.integer(role)
        if not -rank <= place < rank:
            raise NotKnown(role)
        return place % rank
