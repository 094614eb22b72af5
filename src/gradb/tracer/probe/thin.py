"""Matrices of rank one: random directions in which a product of matrices costs no more than its product with a vector.

Signs that are a column times a row are as good a direction as signs that are all drawn: what an error of the engine's
adds to the sum along it has the same variance. But a matrix times such a direction is one again, and the sum of a
matrix along it is taken without a copy, however the matrix lies in memory.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch

from gradb.tracer.isolation.genuine import Functions, Methods, vector_norm

TINY = 1e-15
"""A shorter one may have lost squares on the way."""


@dataclass(frozen=True, slots=True)
class Thin:
    """The matrix that a column times a row is."""

    column: torch.Tensor
    """As many elements as there are rows."""
    row: torch.Tensor
    """As many elements as there are columns."""

    def times(self, matrix: torch.Tensor) -> Thin:
        """Return this matrix times another."""
        return Thin(self.column, Methods.mv(Methods.t(matrix), self.row))

    def behind(self, matrix: torch.Tensor) -> Thin:
        """Return another matrix times this one."""
        return Thin(Methods.mv(matrix, self.column), self.row)

    def scaled(self, number: float) -> Thin:
        """Return this matrix times a number."""
        return Thin(self.column, Methods.mul(self.row, number))

    def turned(self) -> Thin:
        """Return the transpose."""
        return Thin(self.row, self.column)

    def to(self, dtype: torch.dtype) -> Thin:
        """Return this matrix in another dtype, or itself."""
        if self.column.dtype is dtype and self.row.dtype is dtype:
            return self
        return Thin(Methods.to(self.column, dtype), Methods.to(self.row, dtype))

    def sum_along(self, matrix: torch.Tensor) -> float:
        """Return the sum of the products of the elements of this matrix and another."""
        return float(Methods.item(Methods.dot(self.column, Methods.mv(matrix, self.row))))


@functools.cache
def wide_dtypes(dtype: torch.dtype) -> tuple[torch.dtype, torch.dtype]:
    """Return in which dtypes numbers of one are multiplied and added: in the second where the first was too narrow."""
    return Functions.promote_types(dtype, torch.float32), torch.float64


def length_of(one: torch.Tensor | Thin) -> float:
    """Return the 2-norm of all elements."""
    if isinstance(one, Thin):
        return length_of(one.column) * length_of(one.row)
    return float(Methods.item(vector_norm(one)))


def projected(one: torch.Tensor, other: Thin, length: torch.Tensor | Thin) -> tuple[float, float]:
    """Return the sum of a matrix along another one, and the length of what is told."""
    for dtype in wide_dtypes(one.dtype):
        along, told = other.to(dtype), length.to(dtype)
        total, size = along.sum_along(Methods.to(one, dtype)), length_of(told)
        if math.isfinite(total) and TINY < size < math.inf:
            break  # else sums or squares were too large or too small for a float32
    return total, size
