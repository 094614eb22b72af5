"""The shapes that local Jacobians have: elements moved, reduced in groups, mixed along a line, contracted.

Each function here returns a function from a ``Given`` to the entries of a Jacobian that are not 0, as (position in the
output, position in the input, value): a rule names its kernel and gives the one thing that is its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import Any

from gradb.rules.arguments import Array, Given, NotKnown, indices
from gradb.tape.indices import Index, Shape, ravel

Entry = tuple[int, int, float]
Entries = Callable[[Given], Iterator[Entry]]
Line = Sequence[float]


def one_to_one(given: Given) -> Iterator[Entry]:
    """Element i of the input is element i of the output, whatever the shapes."""
    return ((i, i, 1.0) for i in range(given.out.size))


def moved(source: Callable[[Given, Index], Index | None]) -> Entries:
    """Each output element is one input element: ``source`` gives its index, or None where it is none of them."""

    def entries(given: Given) -> Iterator[Entry]:
        for i, index in enumerate(indices(given.out.shape)):
            origin = source(given, index)
            if origin is not None:
                yield i, ravel(origin, given.input.shape), 1.0

    return entries


def placed(target: Callable[[Given, Index], Index | None]) -> Entries:
    """Each input element goes to one output element: ``target`` gives its index, or None where it is dropped."""

    def entries(given: Given) -> Iterator[Entry]:
        for j, index in enumerate(indices(given.input.shape)):
            place = target(given, index)
            if place is not None:
                yield ravel(place, given.out.shape), j, 1.0

    return entries


def broadcast_shape(shapes: Sequence[Shape]) -> Shape:
    """Return the shape that some shapes are expanded to together."""
    rank = max(map(len, shapes), default=0)
    padded = [(*(1,) * (rank - len(shape)), *shape) for shape in shapes]
    return tuple(next((size for size in sizes if size != 1), 1) for sizes in zip(*padded, strict=True))


def broadcast_index(index: Index, shape: Shape) -> Index:
    """Return which element of a tensor of ``shape`` stands at ``index`` of the tensor it was expanded to."""
    return tuple(i if size > 1 else 0 for i, size in zip(index[len(index) - len(shape) :], shape, strict=True))


def places(shape: Shape, expanded: Shape) -> list[int]:
    """Return which element of a tensor of ``shape`` stands at each place of the tensor that it is expanded to."""
    return [ravel(broadcast_index(index, shape), shape) for index in indices(expanded)]


def broadcast(scale: Callable[[Given], float] = lambda given: 1.0) -> Entries:
    """The input is copied along the dimensions it lacks, and multiplied by one number."""

    def entries(given: Given) -> Iterator[Entry]:
        factor = scale(given)
        for i, index in enumerate(indices(given.out.shape)):
            yield i, ravel(broadcast_index(index, given.input.shape), given.input.shape), factor

    return entries


def groups(shape: Shape, dims: Sequence[int]) -> Iterator[list[int]]:
    """Return for each element of a reduction over ``dims`` the positions of the elements that go into it."""
    kept = [d for d in range(len(shape)) if d not in dims]
    for outer in indices([shape[d] for d in kept]):
        fixed = dict(zip(kept, outer, strict=True))
        ranges = ((fixed[d],) if d in fixed else range(shape[d]) for d in range(len(shape)))
        yield [ravel(index, shape) for index in product(*ranges)]


def reduced(weights: Callable[[Line, Given, int], Iterable[float]], *, is_flat: bool = False) -> Entries:
    """Each output element is made of a group of input elements: ``weights(group, given, i)`` gives each one's factor.

    ``is_flat``: the factors are the same whatever the elements are.
    """

    def entries(given: Given) -> Iterator[Entry]:
        if not is_flat and len(given.input.numbers) != given.input.size:
            raise NotKnown("the input")
        for i, group in enumerate(groups(given.input.shape, given.dims())):
            line = [given.input.numbers[j] for j in group] if given.input.numbers else [0.0] * len(group)
            for j, weight in zip(group, weights(line, given, i), strict=False):
                yield i, j, weight

    return entries


def along(weight: Callable[[Line, int, int], float], role: str = "dim") -> Entries:
    """Elements mix along one dimension: ``weight(line, i, j)`` is the derivative of its element i by its element j."""

    def entries(given: Given) -> Iterator[Entry]:
        for line in groups(given.input.shape, [given.dim(role)]):
            numbers = [given.input.numbers[j] for j in line] if given.input.numbers else []
            for a, b in product(range(len(line)), repeat=2):
                value = weight(numbers, a, b)
                if value:
                    yield line[a], line[b], value

    return entries


def contracted(mine: str, result: str, scale: str = "", **factors: str) -> Entries:
    """A sum of products, written as for einsum: the entry is the product of the other factors.

    Args:
        mine: the subscripts of the input that is differentiated.
        result: the subscripts of the output.
        scale: the role of a number that multiplies all.
        factors: the subscripts of the other factors, by role.
    """

    def entries(given: Given) -> Iterator[Entry]:
        arrays = [(fit(given.array(role), len(subscripts)), subscripts) for role, subscripts in factors.items()]
        shapes = [(given.input.shape, mine), (fit(given.out, len(result)).shape, result)]
        shapes += [(array.shape, subscripts) for array, subscripts in arrays]
        size = {letter: length for shape, letters in shapes for letter, length in zip(letters, shape, strict=True)}
        factor = given.number(scale) if scale else 1.0
        rows, columns = [size[c] for c in result], [size[c] for c in mine]
        for point in indices(list(size.values())):
            at = dict(zip(size, point, strict=True))
            value = factor
            for array, subscripts in arrays:
                value *= array.at([at[c] for c in subscripts])
            yield ravel([at[c] for c in result], rows), ravel([at[c] for c in mine], columns), value

    return entries


def fit(array: Array, rank: int) -> Array:
    """Return a tensor of more dimensions as a matrix of its rows, as a product with a matrix sees it."""
    if rank != 2 or len(array.shape) <= 2:
        return array
    last = array.shape[-1]
    return Array((array.size // last if last else 0, last), array.numbers)


def by_element(derivative: Callable[[dict[str, float]], float]) -> Entries:
    """Element by element, with broadcasting: ``derivative`` is given each argument's value at the output's place."""

    def entries(given: Given) -> Iterator[Entry]:
        arrays = {role: value for role, value in given.values.items() if isinstance(value, Array) and value.numbers}
        unknown = given.unknown | {role for role, value in given.values.items() if _has_no_numbers(value)}
        aligned = {role: array.numbers for role, array in arrays.items() if array.shape == given.out.shape}
        stretched = {role: array for role, array in arrays.items() if role not in aligned}
        is_aligned = given.input.shape == given.out.shape
        fixed = {role: float(value) for role, value in given.values.items() if isinstance(value, int | float)}
        fixed |= {role: float(value != "none") for role, value in given.values.items() if isinstance(value, str)}
        if given.out.numbers:
            aligned["out"] = given.out.numbers
        for i, index in enumerate(indices(given.out.shape)):
            row = {role: numbers[i] for role, numbers in aligned.items()}
            row |= {role: array.at(broadcast_index(index, array.shape)) for role, array in stretched.items()}
            j = i if is_aligned else ravel(broadcast_index(index, given.input.shape), given.input.shape)
            yield i, j, _slope(derivative, _Row(unknown, fixed, row))

    return entries


def _slope(derivative: Callable[[dict[str, float]], float], row: dict[str, float]) -> float:
    """Return a derivative; NaN where Python's arithmetic has none (1/0), so that one element does not cost the rest."""
    try:
        return derivative(row)
    except (ArithmeticError, ValueError):
        return math.nan


class _Row(dict[str, float]):
    """The arguments at one place. What was left out has a default, what is not known has none."""

    def __init__(self, unknown: frozenset[str], fixed: dict[str, float], row: dict[str, float]) -> None:
        super().__init__(fixed)
        self.update(row)
        self._unknown = unknown

    def get(self, role: str, default: Any = None) -> Any:
        """Return an argument, or its default.

        Raises:
            NotKnown: it is not known what it was.
        """
        if role in self._unknown:
            raise NotKnown(role)
        return super().get(role, default)


def _has_no_numbers(value: object) -> bool:
    return isinstance(value, Array) and bool(value.size) and not value.numbers
