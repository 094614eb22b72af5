"""Small matrices as lists of rows: product, inverse, determinant; enough to hold a formula against the engine."""

from __future__ import annotations

import math

from gradb.rules.arguments import Array

Matrix = list[list[float]]


def matrices(array: Array) -> list[Matrix]:
    """Return the matrices of a batch."""
    *_, rows, columns = array.shape
    count = array.size // (rows * columns) if rows and columns else 0
    return [[list(array.row(b * rows + r, columns)) for r in range(rows)] for b in range(count)]


def transposed(a: Matrix) -> Matrix:
    """Return a matrix with rows and columns exchanged."""
    return [list(row) for row in zip(*a, strict=True)]


def multiplied(a: Matrix, b: Matrix) -> Matrix:
    """Return the product of two matrices."""
    columns = transposed(b)
    return [[math.fsum(x * y for x, y in zip(row, column, strict=True)) for column in columns] for row in a]


def inverted(a: Matrix) -> Matrix:
    """Return the inverse by Gauss and Jordan with pivots.

    Raises:
        ZeroDivisionError: the matrix is singular.
    """
    n = len(a)
    work = [[*row, *(float(i == j) for j in range(n))] for i, row in enumerate(a)]
    for k in range(n):
        pivot = max(range(k, n), key=lambda r: abs(work[r][k]))
        work[k], work[pivot] = work[pivot], work[k]
        work[k] = [x / work[k][k] for x in work[k]]
        for r in range(n):
            if r != k:
                work[r] = [x - work[r][k] * y for x, y in zip(work[r], work[k], strict=True)]
    return [row[n:] for row in work]


def determinant(a: Matrix) -> float:
    """Return the determinant, by rows."""
    if not a:
        return 1.0
    return math.fsum(
        (-1) ** j * x * determinant([[*row[:j], *row[j + 1 :]] for row in a[1:]]) for j, x in enumerate(a[0]) if x
    )


def cofactor(a: Matrix, i: int, j: int) -> float:
    """Return what the element (i, j) is multiplied by in the determinant."""
    sign = -1.0 if (i + j) % 2 else 1.0
    return sign * determinant([[*row[:j], *row[j + 1 :]] for r, row in enumerate(a) if r != i])
