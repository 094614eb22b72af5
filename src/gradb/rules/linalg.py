"""Rules of matrix decompositions and their kin: determinant, inverse, solve, Cholesky, eigenvalues, singular values."""

from __future__ import annotations

from collections.abc import Sequence

from gradb.rules.differentials import (
    by_entry,
    by_right_side,
    cholesky,
    eigenvalues,
    exponential,
    inverse,
    linear,
    log_slope,
    pseudo_inverse,
    singular_values,
    solved,
    triangle_solved,
    triangular,
    whole,
)
from gradb.rules.kernels import Entries
from gradb.rules.matrices import cofactor
from gradb.rules.model import Part, Rule


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


_TRIANGULAR = _solve_parts("self", "B", linear(triangle_solved), by_right_side(triangular))

LINALG = (
    _one(
        "LinalgDet",
        "A",
        "cofactor({A})[i,j]",
        _VOLUME,
        "∂{out}/∂{A}[i,j]",
        "upstream·{out}·inv({A}).T",
        by_entry(lambda a, i, j, g: cofactor(a, i, j)),
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
        by_entry(log_slope),
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
        by_entry(log_slope),
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
        linear(inverse),
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
        linear(pseudo_inverse),
        "pinv linalg_pinv",
        "where the rank stays the same",
    ),
    Rule(
        "LinalgSolveEx",
        _solve_parts("A", "B", linear(solved), by_right_side(whole)),
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
        linear(cholesky),
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
        linear(cholesky),
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
        linear(exponential),
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
        linear(eigenvalues),
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
        singular_values,
        "svd linalg_svd",
        "for the values alone; the vectors divide by s[i]² - s[j]², undefined where two are equal",
    ),
)
