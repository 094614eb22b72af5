"""How determinant, inverse, solve, Cholesky, eigenvalues and singular values change with the entries of their matrix.

Source: Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation" (2008).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from gradb.rules.arguments import Array, Given, NotKnown, indices
from gradb.rules.kernels import Entries, Entry
from gradb.rules.matrices import Matrix, cofactor, determinant, inverted, matrices, multiplied, transposed

_MAX_LINEAR = 144


def by_entry(slope: Callable[[Matrix, int, int, Given], float]) -> Entries:
    """One number of each matrix: ``slope(matrix, i, j, given)`` is its derivative by the element (i, j)."""

    def entries(given: Given) -> Iterator[Entry]:
        rows, columns = given.input.shape[-2:]
        if max(rows, columns) > 6:
            raise NotKnown("too large for a determinant by rows")
        for b, a in enumerate(matrices(given.input)):
            for i, j in indices((rows, columns)):
                yield b, (b * rows + i) * columns + j, slope(a, i, j, given)

    return entries


def log_slope(a: Matrix, i: int, j: int, given: Given) -> float:
    """Return the derivative of log|det a| by an element: its cofactor over the determinant; the sign has none."""
    return cofactor(a, i, j) / determinant(a) if given.slot else 0.0


def linear(change: Callable[[Matrix, Given, int], Callable[[Matrix], Matrix]]) -> Entries:
    """A matrix of a matrix: ``change(a, given, b)`` returns the map from a small change of a to that of the result.

    The entries are those of the map at each unit matrix.
    """

    def entries(given: Given) -> Iterator[Entry]:
        rows, columns = given.input.shape[-2:]
        if rows * columns > _MAX_LINEAR:
            raise NotKnown("too large to go through element by element")
        size = given.out.size // max(len(matrices(given.input)), 1)
        for b, a in enumerate(matrices(given.input)):
            follow = change(a, given, b)
            for k in range(rows * columns):
                unit = [[float(i * columns + j == k) for j in range(columns)] for i in range(rows)]
                for i, value in enumerate(x for row in follow(unit) for x in row):
                    yield b * size + i, b * rows * columns + k, value

    return entries


def inverse(a: Matrix, given: Given, b: int) -> Callable[[Matrix], Matrix]:
    """Follow dA⁻¹ = -A⁻¹·dA·A⁻¹."""
    result = inverted(a)
    return lambda d: [[-x for x in row] for row in multiplied(multiplied(result, d), result)]


def _right_side(given: Given) -> tuple[list[Matrix], bool]:
    """Return the solutions X of A X = B as matrices, and whether they are vectors."""
    is_vector = len(given.out.shape) == len(given.array("A").shape) - 1
    out = Array((*given.out.shape, 1), given.out.numbers) if is_vector else given.out
    return matrices(out), is_vector


def solved(a: Matrix, given: Given, b: int) -> Callable[[Matrix], Matrix]:
    """Follow dX = -A⁻¹·dA·X of A·X = B."""
    inverse, x = inverted(a), _right_side(given)[0][b]
    return lambda d: [[-v for v in row] for row in multiplied(inverse, multiplied(d, x))]


def _is_half(given: Given) -> Callable[[int, int], bool]:
    """Tell which elements of a triangular matrix count."""
    diagonal = given.get("unitriangular") is not True
    if given.get("upper") is True:
        return lambda i, j: i < j or (i == j and diagonal)
    return lambda i, j: i > j or (i == j and diagonal)


def _triangle(a: Matrix, given: Given) -> Matrix:
    counts, is_unit = _is_half(given), given.get("unitriangular") is True
    return [
        [1.0 if is_unit and i == j else x if counts(i, j) else 0.0 for j, x in enumerate(row)]
        for i, row in enumerate(a)
    ]


def triangle_solved(a: Matrix, given: Given, b: int) -> Callable[[Matrix], Matrix]:
    """Follow the same where only a triangle of A counts."""
    inverse, x, counts = inverted(_triangle(a, given)), matrices(given.out)[b], _is_half(given)

    def follow(d: Matrix) -> Matrix:
        kept = [[v if counts(i, j) else 0.0 for j, v in enumerate(row)] for i, row in enumerate(d)]
        return [[-v for v in row] for row in multiplied(inverse, multiplied(kept, x))]

    return follow


def by_right_side(matrix: Callable[[Given], list[Matrix]]) -> Entries:
    """A solution by its right side: dX = A⁻¹·dB; ``matrix`` returns the matrices A."""

    def entries(given: Given) -> Iterator[Entry]:
        for b, a in enumerate(matrix(given)):
            inverse, n = inverted(a), len(a)
            width = given.input.size // (len(matrix(given)) * n)
            for i, k in indices((n, n)):
                for m in range(width):
                    yield (b * n + i) * width + m, (b * n + k) * width + m, inverse[i][k]

    return entries


def even(d: Matrix) -> Matrix:
    """Return the symmetric part: PyTorch takes a symmetric matrix for granted."""
    return [[(d[i][j] + d[j][i]) / 2 for j in range(len(d))] for i in range(len(d))]


def cholesky(a: Matrix, given: Given, b: int) -> Callable[[Matrix], Matrix]:
    """Follow dL = L·Φ(L⁻¹·dA·L⁻ᵀ), Φ the lower triangle with half its diagonal."""
    factor = matrices(given.out)[b]
    lower = transposed(factor) if given.get("upper") is True else factor
    inverse = inverted(lower)

    def follow(d: Matrix) -> Matrix:
        inner = multiplied(multiplied(inverse, even(d)), transposed(inverse))
        half = [[x if i > j else x / 2 if i == j else 0.0 for j, x in enumerate(row)] for i, row in enumerate(inner)]
        result = multiplied(lower, half)
        return transposed(result) if given.get("upper") is True else result

    return follow


def exponential(a: Matrix, given: Given, b: int) -> Callable[[Matrix], Matrix]:
    """Follow the series: the derivative of a^k is the sum of a^i·d·a^(k-1-i)."""
    if max((math.fsum(map(abs, row)) for row in a), default=0.0) > 8:
        raise NotKnown("too large for the series")

    def follow(d: Matrix) -> Matrix:
        power = [[float(i == j) for j in range(len(a))] for i in range(len(a))]
        change = total = [[0.0] * len(a) for _ in a]
        for k in range(1, 60):
            change = [
                [(x + y) / k for x, y in zip(left, right, strict=True)]
                for left, right in zip(multiplied(change, a), multiplied(power, d), strict=True)
            ]
            power = [[x / k for x in row] for row in multiplied(power, a)]
            total = [
                [x + y for x, y in zip(left, right, strict=True)] for left, right in zip(total, change, strict=True)
            ]
        return total

    return follow


def eigenvalues(a: Matrix, given: Given, b: int) -> Callable[[Matrix], Matrix]:
    """Follow dλ_k = v_k·dA·v_k and dv_k = Σ_m v_m·(v_m·dA·v_k)/(λ_k - λ_m) for the symmetric part of dA."""
    if len(given.results) < 2:
        raise NotKnown("eigenvectors")
    n = len(a)
    values, vectors = given.results[0].row(b, n), matrices(given.results[1])[b]

    def follow(d: Matrix) -> Matrix:
        inner = multiplied(multiplied(transposed(vectors), even(d)), vectors)
        if given.slot == 0:
            return [[inner[k][k] for k in range(n)]]
        turn = [[inner[m][k] / (values[k] - values[m]) if m != k else 0.0 for k in range(n)] for m in range(n)]
        return multiplied(vectors, turn)

    return follow


def singular_values(given: Given) -> Iterator[Entry]:
    """A singular value changes by u·dA·v: its own two vectors, which the script's ``svd`` returned."""
    if given.slot != 1 or len(given.results) != 3:
        raise NotKnown("singular vectors")
    left, right = matrices(given.results[0]), matrices(given.results[2])
    rows, columns = given.input.shape[-2:]
    count = given.out.shape[-1]
    for b, (u, vh) in enumerate(zip(left, right, strict=True)):
        for k, i, j in indices((count, rows, columns)):
            yield b * count + k, (b * rows + i) * columns + j, u[i][k] * vh[k][j]


def whole(given: Given) -> list[Matrix]:
    """Return the matrices of a system of equations."""
    return matrices(given.array("A"))


def triangular(given: Given) -> list[Matrix]:
    """Return the same of a triangular system: of each the triangle that counts."""
    return [_triangle(a, given) for a in matrices(given.array("self"))]


def pseudo_inverse(a: Matrix, given: Given, b: int) -> Callable[[Matrix], Matrix]:
    """dA⁺ = -A⁺dA A⁺ + A⁺A⁺ᵀdAᵀ(1 - A A⁺) + (1 - A⁺A)dAᵀA⁺ᵀA⁺."""
    p = matrices(given.out)[b]

    def less(m: Matrix) -> Matrix:
        return [[(i == j) - x for j, x in enumerate(row)] for i, row in enumerate(m)]

    def chain(*factors: Matrix) -> Matrix:
        result = factors[0]
        for factor in factors[1:]:
            result = multiplied(result, factor)
        return result

    def follow(d: Matrix) -> Matrix:
        first = chain(p, d, p)
        second = chain(p, transposed(p), transposed(d), less(multiplied(a, p)))
        third = chain(less(multiplied(p, a)), transposed(d), transposed(p), p)
        return [[y + z - x for x, y, z in zip(*rows, strict=True)] for rows in zip(first, second, third, strict=True)]

    return follow
