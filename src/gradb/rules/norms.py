"""Rules of norms and of distances, which are norms of differences.

Source: elementary calculus; what is taken at 0 and at ties is PyTorch's (derivatives.yaml) and is tested.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from gradb.rules.elementwise import sign
from gradb.rules.given import Given, NotKnown, indices, ravel
from gradb.rules.kernels import Entries, Entry, Line, reduced
from gradb.rules.model import Part, Rule
from gradb.rules.reductions import BY_ONE, reduction


def norm_weights(line: Line, p: float) -> list[float]:
    """Return the derivative of a p-norm by each element, as PyTorch has it at 0 and at ties."""
    if p == 0:
        return [0.0] * len(line)
    if math.isinf(p):
        wanted = (max if p > 0 else min)(map(abs, line))
        count = sum(abs(x) == wanted for x in line)
        return [sign(x) / count if abs(x) == wanted else 0.0 for x in line]
    norm = math.fsum(abs(x) ** p for x in line) ** (1 / p)
    if norm == 0 or p == 1:
        return [sign(x) if p == 1 else 0.0 for x in line]
    return [sign(x) * (abs(x) / norm) ** (p - 1) if x else 0.0 for x in line]


def order(given: Given, role: str) -> float:
    """Return the p of a norm: a number, or 2 for ``'fro'`` and None."""
    value = given.values.get(role)
    return 2.0 if value in {None, "fro"} else given.number(role)


def _norm(role: str) -> Entries:
    return reduced(lambda line, given, i: norm_weights(line, order(given, role)))


_NORM = "the gradient points along the vector itself, scaled to length 1"
_P = "for p=2; in general sign(x)·(|x|/norm)^(p-1); at 0 PyTorch takes 0"

VECTOR_NORMS = (
    reduction(
        "LinalgVectorNorm",
        "{self}[j]/{out}",
        _NORM,
        _norm("ord"),
        "vector_norm linalg_vector_norm",
        "self ord dim keepdim",
        condition=_P,
        ord="2",
    ),
    reduction(
        "LinalgVectorNorm@norm",
        "{self}[j]/{out}",
        _NORM,
        _norm("p"),
        "norm",
        "self p dim keepdim",
        condition=_P,
        p="'fro'",
    ),
    reduction(
        "Norm",
        "{self}[j]/{out}",
        _NORM,
        _norm("p"),
        "norm pairwise_distance",
        "self p dim keepdim",
        condition=_P,
        p="'fro'",
    ),
)

# --- distances --------------------------------------------------------------------------------------------------------


def _apart(role: str, other: str) -> Entries:
    """The distance of two tensors as one number."""

    def entries(given: Given) -> Iterator[Entry]:
        mine, yours = given.array(role), given.array(other)
        if mine.shape != yours.shape:
            raise NotKnown(other)
        gap = [a - b for a, b in zip(mine.numbers, yours.numbers, strict=True)]
        return ((0, j, w) for j, w in enumerate(norm_weights(gap, order(given, "p"))))

    return entries


def _row(given: Given, role: str, index: Sequence[int]) -> Line:
    array = given.array(role)
    return array.row(ravel(index, array.shape[:-1]), array.shape[-1])


def _pairwise(is_first: bool) -> Entries:
    """The distances of all rows of ``x1`` from all rows of ``x2``."""

    def entries(given: Given) -> Iterator[Entry]:
        width = given.input.shape[-1]
        for i, (*batch, a, b) in enumerate(indices(given.out.shape)):
            gap = [x - y for x, y in zip(_row(given, "x1", (*batch, a)), _row(given, "x2", (*batch, b)), strict=True)]
            row = ravel((*batch, a if is_first else b), given.input.shape[:-1])
            for k, weight in enumerate(norm_weights(gap, order(given, "p"))):
                yield i, row * width + k, weight if is_first else -weight

    return entries


def _within(given: Given) -> Iterator[Entry]:
    """The distances of all pairs of rows of one matrix."""
    rows, width = given.input.shape
    pairs = ((a, b) for a in range(rows) for b in range(a + 1, rows))
    for i, (a, b) in enumerate(pairs):
        gap = [x - y for x, y in zip(given.input.row(a, width), given.input.row(b, width), strict=True)]
        for k, weight in enumerate(norm_weights(gap, order(given, "p"))):
            yield i, a * width + k, weight
            yield i, b * width + k, -weight


_APART = "the gradient points along the line between the two"
_ZERO = "for p=2; at distance 0 PyTorch takes 0"

DISTANCES = (
    Rule(
        "Dist",
        (
            Part("self", "({self}[j] - {other}[j])/{out}", _APART, _ZERO, BY_ONE, entries=_apart("self", "other")),
            Part(
                "other",
                "({other}[j] - {self}[j])/{out}",
                _APART,
                _ZERO,
                "∂{out}/∂{other}[j]",
                entries=_apart("other", "self"),
            ),
        ),
        ("self", "other", "p"),
        ("dist",),
        defaults={"p": "2"},
    ),
    Rule(
        "Cdist",
        (
            Part(
                "x1",
                "({x1}[i,k] - {x2}[j,k])/{out}[i,j]",
                _APART,
                _ZERO,
                "∂{out}[i,j]/∂{x1}[i,k]",
                entries=_pairwise(True),
            ),
            Part(
                "x2",
                "({x2}[j,k] - {x1}[i,k])/{out}[i,j]",
                _APART,
                _ZERO,
                "∂{out}[i,j]/∂{x2}[j,k]",
                entries=_pairwise(False),
            ),
        ),
        ("x1", "x2", "p"),
        ("cdist",),
        defaults={"p": "2"},
    ),
    Rule(
        "EuclideanDist",
        (
            Part(
                "x1",
                "({x1}[i,k] - {x2}[j,k])/{out}[i,j]",
                _APART,
                _ZERO,
                "∂{out}[i,j]/∂{x1}[i,k]",
                entries=_pairwise(True),
            ),
            Part(
                "x2",
                "({x2}[j,k] - {x1}[i,k])/{out}[i,j]",
                _APART,
                _ZERO,
                "∂{out}[i,j]/∂{x2}[j,k]",
                entries=_pairwise(False),
            ),
        ),
        ("x1", "x2", "p"),
        ("cdist",),
        defaults={"p": "2"},
    ),
    reduction(
        "Pdist",
        "({self}[a,k] - {self}[b,k])/{out}[a,b]",
        _APART,
        _within,
        "pdist",
        "self p",
        condition=_ZERO,
        where="∂{out}[a,b]/∂{self}[a,k]",
        p="2",
    ),
)

NORMS = (*VECTOR_NORMS, *DISTANCES)
