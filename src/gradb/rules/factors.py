"""Rules of the matrix square root and of the polar decomposition, which torch has since 2.14.

Both follow from a Sylvester equation S·X + X·S = D with a symmetric S. Source: Higham, "Functions of Matrices" (2008),
6.1 and 8.1.
"""

from __future__ import annotations

from collections.abc import Callable

from gradb.rules.arguments import Given, NotKnown
from gradb.rules.differentials import even, linear
from gradb.rules.matrices import Matrix, inverted, matrices, multiplied, transposed
from gradb.rules.model import Part, Rule

_MAX_ROWS = 6  # the equation is one of rows² unknowns


def _less(a: Matrix, b: Matrix) -> Matrix:
    return [[x - y for x, y in zip(*rows, strict=True)] for rows in zip(a, b, strict=True)]


def _sylvester(s: Matrix) -> Callable[[Matrix], Matrix]:
    """Return what solves S·X + X·S = D for X."""
    n = len(s)
    if n > _MAX_ROWS:
        raise NotKnown("too large an equation")
    places = [(i, j) for i in range(n) for j in range(n)]
    inverse = inverted([[s[i][k] * (j == m) + s[m][j] * (i == k) for k, m in places] for i, j in places])

    def solve(d: Matrix) -> Matrix:
        flat = [row[0] for row in multiplied(inverse, [[x] for row in d for x in row])]
        return [flat[i * n : (i + 1) * n] for i in range(n)]

    return solve


def _root(a: Matrix, given: Given, b: int) -> Callable[[Matrix], Matrix]:
    solve = _sylvester(matrices(given.out)[b])
    return lambda d: solve(even(d))


def _factors(a: Matrix, given: Given, b: int) -> Callable[[Matrix], Matrix]:
    """Follow dH = Uᵀ·dA - X·H and dU = (dA - U·dH)·H⁻¹, where H·X + X·H = Uᵀ·dA - dAᵀ·U."""
    if len(given.results) != 2:
        raise NotKnown("the other factor")
    u, h = (matrices(result)[b] for result in given.results)
    solve, inverse = _sylvester(h), inverted(h)

    def follow(d: Matrix) -> Matrix:
        seen = multiplied(transposed(u), d)
        stretch = _less(seen, multiplied(solve(_less(seen, transposed(seen))), h))
        return stretch if given.slot else multiplied(_less(d, multiplied(u, stretch)), inverse)

    return follow


_AROUND = "∂{out}[i,l]/∂{%s}[j,k]"

FACTORS = (
    Rule(
        "LinalgMatrixSqrth",
        (
            Part(
                "self",
                "X[i,l] where {out}·X + X·{out} = E",
                "the square root times itself is the matrix: a change of either factor counts",
                "E is 1 at (j,k), else 0; it is made symmetric, as the matrix is",
                _AROUND % "self",
                "Y, where {out}·Y + Y·{out} = upstream",
                entries=linear(_root),
            ),
        ),
        ("self",),
        ("matrix_sqrth", "linalg_matrix_sqrth"),
    ),
    Rule(
        "LinalgPolar",
        (
            Part(
                "A",
                "dH: Uᵀ·E - X·H; dU: (E - U·dH)·H⁻¹",
                "A = U·H: what turns goes to U, what stretches to H",
                "E is 1 at (j,k), else 0; H·X + X·H = Uᵀ·E - Eᵀ·U; for a matrix of full rank",
                _AROUND % "A",
                entries=linear(_factors),
            ),
        ),
        ("A",),
        ("polar", "linalg_polar"),
    ),
)
