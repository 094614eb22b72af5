"""The rows of several parameters of a test in which any two values of two of them meet, instead of all there are.

What fails in all that is recorded fails by one value or by two together; three that have to meet, where each two of
them are right, take the whole product, which the commands that take hours try.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

Row = tuple[object, ...]


def product(axes: Mapping[str, Sequence[object]]) -> list[Row]:
    """Return all rows, each with a value of every parameter."""
    return list(itertools.product(*axes.values()))


def pairs(axes: Mapping[str, Sequence[object]]) -> list[Row]:
    """Return few rows in which any value of a parameter meets any of another one."""
    numbers = list(itertools.product(*(range(len(values)) for values in axes.values())))
    left = set(itertools.chain.from_iterable(map(_met, numbers)))
    rows = []
    while left:
        best = max(numbers, key=lambda row: len(left & _met(row)))
        left -= _met(best)
        rows.append(best)
    return [tuple(values[number] for number, values in zip(row, axes.values(), strict=True)) for row in rows]


def _met(row: tuple[int, ...]) -> set[tuple[tuple[int, int], tuple[int, int]]]:
    return set(itertools.combinations(enumerate(row), 2))
