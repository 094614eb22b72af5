"""Rules of norms and of distances, which are norms of differences.

Source: elementary calculus; what is taken at 0 and at ties is PyTorch's (derivatives.yaml) and is tested.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from gradb.rules.arguments import Given, NotKnown, indices
from gradb.rules.elementwise import sign
from gradb.rules.kernels import Entries, Entry, Line, reduced
from gradb.rules.model import Names, Part, Rule, Template
from gradb.rules.reductions import BY_ONE, reduction
from gradb.tape.indices import ravel


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


def order(given: Given, role: str | float) -> float:
    """Return the p of a norm: a number, or 2 for ``'fro'`` and None. ``role``: its argument, or p itself."""
    if isinstance(role, float):
        return role
    value = given.get(role)
    return 2.0 if value in {None, "fro"} else given.number(role)


def _norm(role: str) -> Entries:
    return reduced(lambda line, given, i: norm_weights(line, order(given, role)))


def _order_text(names: Names, role: str | float) -> float | None:
    """Return the p of a norm as the call gave it; None where the text does not tell."""
    if isinstance(role, float):
        return role
    text = names.get(role, "").strip("()")
    if text in {"'fro'", "None"}:
        return 2.0
    try:
        return float(text)
    except ValueError:
        return None


def by_order(role: str | float, gap: str, out: str = "{out}") -> Template:
    """Return the derivative of a p-norm of ``gap``, for the p that the call gave."""

    def text(names: Names) -> str:
        p = _order_text(names, role)
        if p == 2:
            return f"{gap}/{out}"
        if p in {0, 1}:
            return f"sign({gap})" if p else "0"
        if p is not None and math.isinf(p):
            return f"sign({gap}) at the {'largest' if p > 0 else 'smallest'}, else 0"
        power = "p" if p is None else f"{p:g}"
        return f"sign({gap})·(|{gap}|/{out})^({power} - 1)"

    return text


def at_zero(role: str | float, two: str) -> Template:
    """Return the proviso of a p-norm: ``two`` is that of p = 2."""

    def text(names: Names) -> str:
        p = _order_text(names, role)
        if p == 0:
            return "how many are not 0 is flat: PyTorch sends no gradient"
        if p is not None and math.isinf(p):
            return "a tie is shared evenly"
        return two if p is not None else f"p is the order of the norm; {two}"

    return text


_FLAT = "at 0 PyTorch takes 0"


def _in_words(role: str) -> Template:
    """Say what a p-norm does; of the orders that have a plain word for it."""

    def text(names: Names) -> str:
        p = _order_text(names, role)
        if p == 2:
            return "the gradient points along the vector itself, scaled to length 1"
        return "each element counts alike, with its sign" if p == 1 else ""

    return text


def _vector_norm(node: str, role: str, functions: str, default: str) -> Rule:
    return reduction(
        node,
        by_order(role, "{self}[j]"),
        _in_words(role),
        _norm(role),
        functions,
        f"self {role} dim keepdim",
        condition=at_zero(role, _FLAT),
        **{role: default},
    )


VECTOR_NORMS = (
    _vector_norm("LinalgVectorNorm", "ord", "vector_norm linalg_vector_norm", "2"),
    _vector_norm("LinalgVectorNorm@norm", "p", "norm", "'fro'"),
    _vector_norm("Norm", "p", "norm", "'fro'"),
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


def _pairwise(is_first: bool, p: str | float) -> Entries:
    """The distances of all rows of ``x1`` from all rows of ``x2``."""

    def entries(given: Given) -> Iterator[Entry]:
        width = given.input.shape[-1]
        for i, (*batch, a, b) in enumerate(indices(given.out.shape)):
            gap = [x - y for x, y in zip(_row(given, "x1", (*batch, a)), _row(given, "x2", (*batch, b)), strict=True)]
            row = ravel((*batch, a if is_first else b), given.input.shape[:-1])
            for k, weight in enumerate(norm_weights(gap, order(given, p))):
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


def _touching(p: str | float = "p") -> Template:
    return at_zero(p, "at distance 0 PyTorch takes 0")


def _of_pairs(node: str, p: str | float = "p") -> Rule:
    """Return the rule of a node that computes p-norms; ``p``: its argument, or the one p that the node is for."""
    gaps = ("({x1}[i,k] - {x2}[j,k])", "({x2}[j,k] - {x1}[i,k])")
    places = ("∂{out}[i,j]/∂{x1}[i,k]", "∂{out}[i,j]/∂{x2}[j,k]")
    parts = tuple(
        Part(role, by_order(p, gap, "{out}[i,j]"), _APART, _touching(p), where, entries=_pairwise(role == "x1", p))
        for role, gap, where in zip(("x1", "x2"), gaps, places, strict=True)
    )
    return Rule(node, parts, ("x1", "x2", "p"), ("cdist",), defaults={"p": "2"})


DISTANCES = (
    Rule(
        "Dist",
        (
            Part(
                "self",
                by_order("p", "({self}[j] - {other}[j])"),
                _APART,
                _touching(),
                BY_ONE,
                entries=_apart("self", "other"),
            ),
            Part(
                "other",
                by_order("p", "({other}[j] - {self}[j])"),
                _APART,
                _touching(),
                "∂{out}/∂{other}[j]",
                entries=_apart("other", "self"),
            ),
        ),
        ("self", "other", "p"),
        ("dist",),
        defaults={"p": "2"},
    ),
    _of_pairs("Cdist"),
    _of_pairs("EuclideanDist", 2.0),
    reduction(
        "Pdist",
        by_order("p", "({self}[a,k] - {self}[b,k])", "{out}[a,b]"),
        _APART,
        _within,
        "pdist",
        "self p",
        condition=_touching(),
        where="∂{out}[a,b]/∂{self}[a,k]",
        p="2",
    ),
)

NORMS = (*VECTOR_NORMS, *DISTANCES)
