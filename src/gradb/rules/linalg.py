"""Rules of matrix decompositions and their kin: determinant, inverse, solve, Cholesky, eigenvalues, singular values.

Source: Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation" (2008).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from gradb.rules.arguments import Array, Given, NotKnown, indices
from gradb.rules.kernels import Entries, Entry
from gradb.rules.matrices import Matrix, cofactor, determinant, inverted, matrices, multiplied, transposed
from gradb.rules.model import Part, Rule

_MAX_LINEAR = 144

# --- formulas by entry ------------------------------------------------------------------------------------------------


def _by_entry(slope: Callable[[Matrix, int, int, Given], float]) -> Entries:
    """One number of each matrix: ``slope(matrix, i, j, given)`` is its derivative by the element (i, j)."""

    def entries(given: Given) -> Iterator[Entry]:
        rows, columns = given.input.shape[-2:]
        if max(rows, columns) > 6:
            raise NotKnown("too large for a determinant by rows")
        for b, a in enumerate(matrices(given.input)):
            for i, j in indices((rows, columns)):
                yield b, (b * rows + i) * columns + j, slope(a, i, j, given)

    return entries


def _log_slope(a: Matrix, i: int, j: int, given: Given) -> float:
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


def _inverse(a: Matrix, given: Given, b: int) -> Callable[[Matrix], Matrix]:
    inverse = inverted(a)
    return lambda d: [[-x for x in row] for row in multiplied(multiplied(inverse, d), inverse)]


def _right_side(given: Given) -> tuple[list[Matrix], bool]:
    """Return the solutions X of A X = B as matrices, and whether they are vectors."""
    is_vector = len(given.out.shape) == len(given.array("A").shape) - 1
    out = Array((*given.out.shape, 1), given.out.numbers) if is_vector else given.out
    return matrices(out), is_vector


def _solved(a: Matrix, given: Given, b: int) -> Callable[[Matrix], Matrix]:
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


def _triangle_solved(a: Matrix, given: Given, b: int) -> Callable[[Matrix], Matrix]:
    inverse, x, counts = inverted(_triangle(a, given)), matrices(given.out)[b], _is_half(given)

    def follow(d: Matrix) -> Matrix:
        kept = [[v if counts(i, j) else 0.0 for j, v in enumerate(row)] for i, row in enumerate(d)]
        return [[-v for v in row] for row in multiplied(inverse, multiplied(kept, x))]

    return follow


def _by_right_side(matrix: Callable[[Given], list[Matrix]]) -> Entries:
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


def _cholesky(a: Matrix, given: Given, b: int) -> Callable[[Matrix], Matrix]:
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


def _exponential(a: Matrix, given: Given, b: int) -> Callable[[Matrix], Matrix]:
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


def _eigen(a: Matrix, given: Given, b: int) -> Callable[[Matrix], Matrix]:
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


def _singular(given: Given) -> Iterator[Entry]:
    """A singular value changes by u·dA·v: its own two vectors, which the script's ``svd`` returned."""
    if given.slot != 1 or len(given.results) != 3:
        raise NotKnown("singular vectors")
    left, right = matrices(given.results[0]), matrices(given.results[2])
    rows, columns = given.input.shape[-2:]
    count = given.out.shape[-1]
    for b, (u, vh) in enumerate(zip(left, right, strict=True)):
        for k, i, j in indices((count, rows, columns)):
            yield b * count + k, (b * rows + i) * columns + j, u[i][k] * vh[k][j]


def _plain(given: Given) -> list[Matrix]:
    return matrices(given.array("A"))


def _triangular(given: Given) -> list[Matrix]:
    return [_triangle(a, given) for a in matrices(given.array("self"))]


def _pseudo(a: Matrix, given: Given, b: int) -> Callable[[Matrix], Matrix]:
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


# --- the table --------------------------------------------------------------------------------------------------------


def _one(
    node: str, role: str, local: str, sentence: str, where: str, product: str, entries: Entries, functions: str,
    condition: str = "", signature: Sequence[str] = (), **defaults: str,
) -> Rule:  # fmt: skip
    part = Part(role, local, sentence, condition, where, product, entries=entries)
    return Rule(node, (part,), (role, *signature), tuple(functions.split()), defaults=defaults)


_VOLUME = "the determinant is a sum of products: an element gets what it is multiplied by, its cofactor"
_AROUND = "∂{out}[i,l]/∂{%s}[j,k]"
_INVERTIBLE = "for a matrix that can be inverted"
_CHOLESKY = "the lower triangle of a change seen from L, with half its diagonal"
_SYMMETRIC = "{out} is L, E is 1 at (j,k), else 0; the gradient is made symmetric, as the matrix is"
_SOLVE = "what solves the equations also sends the gradient back: a system with the transposed matrix"


def _solve_parts(role: str, right: str, by_matrix: Entries, by_side: Entries) -> tuple[Part, Part]:
    matrix = Part(
        role,
        f"-inv({{{role}}})[i,j]·{{out}}[k,m]",
        _SOLVE,
        _INVERTIBLE,
        f"∂{{out}}[i,m]/∂{{{role}}}[j,k]",
        f"-solve({{{role}}}.T, upstream) @ {{out}}.T",
        entries=by_matrix,
    )
    side = Part(
        right,
        f"inv({{{role}}})[i,k]",
        _SOLVE,
        _INVERTIBLE,
        f"∂{{out}}[i,m]/∂{{{right}}}[k,m]",
        f"solve({{{role}}}.T, upstream)",
        entries=by_side,
    )
    return matrix, side


_TRIANGULAR = _solve_parts("self", "B", linear(_triangle_solved), _by_right_side(_triangular))

LINALG = (
    _one(
        "LinalgDet",
        "A",
        "cofactor({A})[i,j]",
        _VOLUME,
        "∂{out}/∂{A}[i,j]",
        "upstream·{out}·inv({A}).T",
        _by_entry(lambda a, i, j, g: cofactor(a, i, j)),
        "det linalg_det",
        "at a singular matrix a plain backward sends 0, though its cofactors need not be 0; with create_graph=True it "
        "sends them",
    ),
    _one(
        "LinalgSlogdet",
        "A",
        "inv({A})[j,i]",
        "the logarithm of the determinant has the inverse as its derivative",
        "∂{out}/∂{A}[i,j]",
        "upstream·inv({A}).T",
        _by_entry(_log_slope),
        "slogdet linalg_slogdet",
        "for the second result; the sign is flat and gets 0",
    ),
    _one(
        "LinalgSlogdet@logdet",
        "A",
        "inv({A})[j,i]",
        "the logarithm of the determinant has the inverse as its derivative",
        "∂{out}/∂{A}[i,j]",
        "upstream·inv({A}).T",
        _by_entry(_log_slope),
        "logdet",
        _INVERTIBLE,
    ),
    _one(
        "LinalgInvEx",
        "A",
        "-{out}[i,j]·{out}[k,l]",
        "the inverse shrinks where the matrix grows: 1/x has the slope -1/x², and so here",
        _AROUND % "A",
        "-{out}.T @ upstream @ {out}.T",
        linear(_inverse),
        "inv inverse inv_ex linalg_inv_ex",
        _INVERTIBLE,
    ),
    _one(
        "LinalgPinv",
        "self",
        "-{out}[i,j]·{out}[k,l] + what leaves the range",
        "as for the inverse, and two terms for what the matrix does not reach",
        _AROUND % "self",
        "",
        linear(_pseudo),
        "pinv linalg_pinv",
        "where the rank stays the same",
    ),
    Rule(
        "LinalgSolveEx",
        _solve_parts("A", "B", linear(_solved), _by_right_side(_plain)),
        ("A", "B"),
        ("solve", "solve_ex", "linalg_solve"),
    ),
    Rule(
        "LinalgSolveTriangular",
        _TRIANGULAR,
        ("self", "B", "upper", "left", "unitriangular"),
        ("solve_triangular", "linalg_solve_triangular"),
    ),
    _one(
        "LinalgCholeskyEx",
        "self",
        "({out}·Φ({out}⁻¹·E·{out}⁻ᵀ))[i,l]",
        _CHOLESKY,
        _AROUND % "self",
        "sym({out}⁻ᵀ·Φ({out}ᵀ·upstream)·{out}⁻¹)",
        linear(_cholesky),
        "cholesky cholesky_ex linalg_cholesky",
        _SYMMETRIC,
        ("upper",),
    ),
    _one(
        "Cholesky",
        "self",
        "({out}·Φ({out}⁻¹·E·{out}⁻ᵀ))[i,l]",
        _CHOLESKY,
        _AROUND % "self",
        "sym({out}⁻ᵀ·Φ({out}ᵀ·upstream)·{out}⁻¹)",
        linear(_cholesky),
        "cholesky",
        _SYMMETRIC,
        ("upper",),
    ),
    _one(
        "LinalgMatrixExp",
        "self",
        "Σn Σm (A^m·E·A^(n-1-m))[i,l]/n!",
        "e^A is a series of powers, and of each power every factor moves in turn",
        _AROUND % "self",
        "",
        linear(_exponential),
        "matrix_exp linalg_matrix_exp",
        "A is {self}; E is 1 at (j,k), else 0",
    ),
    _one(
        "LinalgEigh",
        "A",
        "v[i,k]·v[j,k]",
        "an eigenvalue moves by what the change does along its own eigenvector",
        "∂λ[k]/∂{A}[i,j]",
        "V·(diag(upstream) + (Vᵀ·upstream of V)/(λ[k] - λ[m]))·Vᵀ",
        linear(_eigen),
        "eigh linalg_eigh",
        "vectors need eigenvalues that differ: equal ones divide by 0",
    ),
    _one(
        "LinalgSvd",
        "A",
        "u[i,k]·v[j,k]",
        "a singular value moves by what the change does between its own two vectors",
        "∂s[k]/∂{A}[i,j]",
        "U·diag(upstream)·Vᵀ",
        _singular,
        "svd linalg_svd",
        "for the values alone; the vectors divide by s[i]² - s[j]², undefined where two are equal",
    ),
)
