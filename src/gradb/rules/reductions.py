"""Rules of reductions and cumulative ops: sums, products, extremes, spreads, norms, distances.

In a reduction j runs over the elements that go into one result; in a cumulative op i and j are places along the
dimension. Sources: elementary calculus; ties and provisos are PyTorch's (derivatives.yaml) and are tested.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from gradb.rules.elementwise import sign
from gradb.rules.given import Given, NotKnown, indices, ravel
from gradb.rules.kernels import Entries, Entry, Line, along, moved, reduced
from gradb.rules.model import Part, Rule
from gradb.rules.moves import by_returned_index

_BY_ONE = "∂{out}/∂{self}[j]"
_ALONG = "∂{out}[i]/∂{self}[j]"


def _one(
    node: str,
    local: str,
    sentence: str,
    entries: Entries,
    functions: str = "",
    signature: str = "self dim keepdim",
    *,
    condition: str = "",
    where: str = _BY_ONE,
    product: str = "",
    **defaults: str,
) -> Rule:
    part = Part("self", local, sentence, condition, where, product, entries=entries)
    calls = tuple(functions.split()) or (node.lower(),)
    return Rule(node, (part,), tuple(signature.split()), calls, defaults=defaults)


# --- the weights of a group -------------------------------------------------------------------------------------------


def _ones(line: Line, given: Given, i: int) -> list[float]:
    return [1.0] * len(line)


def _others(line: Line, given: Given, i: int) -> list[float]:
    return [math.prod([*line[:j], *line[j + 1 :]]) for j in range(len(line))]


def _shared(find: Callable[[Line], float]) -> Callable[[Line, Given, int], list[float]]:
    """One at the element found; a tie is shared evenly."""

    def weights(line: Line, given: Given, i: int) -> list[float]:
        wanted = find(line)
        count = sum(x == wanted for x in line)
        return [1 / count if x == wanted else 0.0 for x in line]

    return weights


def _middle(line: Line) -> float:
    return sorted(line)[(len(line) - 1) // 2]


def _nanmiddle(line: Line) -> float:
    return _middle([x for x in line if not math.isnan(x)])


def correction(given: Given) -> float:
    """Return what is taken off N in a variance: 1 unless the call says otherwise."""
    if given.has("correction"):
        return given.number("correction")
    return float(given.values.get("unbiased", True) is not False)


def _variance(line: Line, given: Given, i: int) -> list[float]:
    mean = math.fsum(line) / len(line)
    return [2 * (x - mean) / (len(line) - correction(given)) for x in line]


def _deviation(line: Line, given: Given, i: int) -> list[float]:
    mean, free = math.fsum(line) / len(line), len(line) - correction(given)
    spread = math.sqrt(math.fsum((x - mean) ** 2 for x in line) / free)
    return [(x - mean) / (free * spread) if spread else 0.0 for x in line]


def _mean(line: Line, given: Given, i: int) -> list[float]:
    return [1 / len(line)] * len(line)


def _first_of_two(first: Callable[[Line, Given, int], list[float]]) -> Callable[[Line, Given, int], list[float]]:
    return lambda line, given, i: (_mean if given.slot else first)(line, given, i)


def softmax(line: Line) -> list[float]:
    """Return e^x of each element, divided by their sum."""
    top = max(line)
    powers = [math.exp(x - top) for x in line]
    total = math.fsum(powers)
    return [power / total for power in powers]


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


# --- reductions -------------------------------------------------------------------------------------------------------

_SUM = "every element summed gets the whole upstream gradient"
_WINNER = "only the winner gets a gradient"
_EVENLY = "a tie is shared evenly"
_INDEX_ONLY = "of a tie only the one whose index was returned"
_AT_INDEX = "1 at the index returned, else 0"
_FREE = "N elements are reduced; correction is 1 unless given"
_FAR = "the farther an element is from the mean, the more it moves the spread"
_SPREAD = "self dim unbiased keepdim correction"
_NORM = "the gradient points along the vector itself, scaled to length 1"
_P = "for p=2; in general sign(x)·(|x|/norm)^(p-1); at 0 PyTorch takes 0"

_MIDDLE = "only the element in the middle gets a gradient"


def _index_of(node: str, functions: str, sentence: str = _WINNER) -> Rule:
    return _one(node, _AT_INDEX, sentence, moved(by_returned_index), functions, condition=_INDEX_ONLY)


def _extreme(node: str, word: str, find: Callable[[Line], float], functions: str, sentence: str = _WINNER) -> Rule:
    local = f"1 at the {word}, else 0"
    return _one(node, local, sentence, reduced(_shared(find)), functions, condition=_EVENLY)


def _two_extremes(line: Line, given: Given, i: int) -> list[float]:
    return _shared(max if given.slot else min)(line, given, i)


def _traced(given: Given) -> Iterator[Entry]:
    rows, columns = given.input.shape
    return ((0, i * columns + i, 1.0) for i in range(min(rows, columns)))


REDUCTIONS = (
    _one(
        "Sum",
        "1",
        _SUM,
        reduced(_ones),
        where="∂{out}/∂{self}",
        product="upstream, copied to each element that was summed",
    ),
    _one(
        "Nansum",
        "1, at a NaN 0",
        "NaN was left out of the sum, so it gets no gradient",
        reduced(lambda line, given, i: [0.0 if math.isnan(x) else 1.0 for x in line]),
    ),
    _one(
        "Mean",
        "1/{n}",
        "each of the {n} averaged elements counts 1/{n}",
        reduced(_mean),
        where="∂{out}/∂{self}",
        product="upstream/{n}, copied to each element",
    ),
    _one(
        "Prod",
        "{out}/{self}[j]",
        "the product of all the others",
        reduced(_others),
        condition="at a factor 0 it is the product of the others, not 0/0",
    ),
    _extreme("Max", "largest", max, "max"),
    _extreme("Min", "smallest", min, "min"),
    _extreme("Amax", "largest", max, "amax"),
    _extreme("Amin", "smallest", min, "amin"),
    _extreme("Median", "middle one", _middle, "median", _MIDDLE),
    _extreme("Nanmedian", "middle one", _nanmiddle, "nanmedian", _MIDDLE),
    _index_of("Max0", "max"),
    _index_of("Min0", "min"),
    _index_of("Median1", "median", _MIDDLE),
    _index_of("Nanmedian1", "nanmedian", _MIDDLE),
    _one(
        "Aminmax",
        "1 at the smallest (largest), else 0",
        "min and max are two results: each sends its gradient to its winner",
        reduced(_two_extremes),
        condition=_EVENLY,
        dim="None",
    ),
    _one("Var", "2·({self}[j] - mean)/(N - correction)", _FAR, reduced(_variance), "", _SPREAD, condition=_FREE),
    _one(
        "Std",
        "({self}[j] - mean)/((N - correction)·{out})",
        _FAR,
        reduced(_deviation),
        "",
        _SPREAD,
        condition=f"{_FREE}; where the spread is 0 PyTorch takes 0",
    ),
    _one(
        "VarMean",
        "2·({self}[j] - mean)/(N - correction)",
        f"{_FAR}; the mean gets 1/N of each",
        reduced(_first_of_two(_variance)),
        "var_mean",
        _SPREAD,
        condition=f"for the first result, the variance; {_FREE}",
    ),
    _one(
        "StdMean",
        "({self}[j] - mean)/((N - correction)·std)",
        f"{_FAR}; the mean gets 1/N of each",
        reduced(_first_of_two(_deviation)),
        "std_mean",
        _SPREAD,
        condition=f"for the first result, the deviation; {_FREE}",
    ),
    _one(
        "LinalgVectorNorm",
        "{self}[j]/{out}",
        _NORM,
        _norm("ord"),
        "vector_norm linalg_vector_norm",
        "self ord dim keepdim",
        condition=_P,
        ord="2",
    ),
    _one(
        "LinalgVectorNorm@norm",
        "{self}[j]/{out}",
        _NORM,
        _norm("p"),
        "norm",
        "self p dim keepdim",
        condition=_P,
        p="'fro'",
    ),
    _one(
        "Norm",
        "{self}[j]/{out}",
        _NORM,
        _norm("p"),
        "norm pairwise_distance",
        "self p dim keepdim",
        condition=_P,
        p="'fro'",
    ),
    _one(
        "Logsumexp",
        "softmax({self})[j]",
        "a soft maximum: the larger an element, the more of the gradient it gets",
        reduced(lambda line, given, i: softmax(line)),
    ),
    _one(
        "Trace",
        "1 on the diagonal, else 0",
        "only the diagonal is summed, so only it gets a gradient",
        _traced,
        product="upstream on the diagonal, 0 elsewhere",
        where="∂{out}/∂{self}[j,k]",
    ),
)

# --- cumulative -------------------------------------------------------------------------------------------------------


def _log_sum_weight(line: Line, i: int, j: int) -> float:
    return softmax(line[: i + 1])[j] if j <= i else 0.0


def _cumulated(node: str, local: str, sentence: str, entries: Entries, **more: str) -> Rule:
    return _one(node, local, sentence, entries, "", "self dim", where=_ALONG, **more)


CUMULATIVE = (
    _cumulated(
        "Cumsum",
        "1 where j ≤ i, else 0",
        "an element is part of every later sum",
        along(lambda line, i, j: float(j <= i)),
        product="upstream, summed from the end",
    ),
    _cumulated(
        "Cumprod",
        "{out}[i]/{self}[j] where j ≤ i, else 0",
        "an element is a factor of every later product: it gets the product of the others",
        along(lambda line, i, j: math.prod([*line[:j], *line[j + 1 : i + 1]]) if j <= i else 0.0),
        condition="at a factor 0 it is the product of the others, not 0/0",
    ),
    _cumulated(
        "Logcumsumexp",
        "e^({self}[j] - {out}[i]) where j ≤ i, else 0",
        "each result is a soft maximum of all elements so far",
        along(_log_sum_weight),
    ),
    *(
        _cumulated(
            node,
            "1 where j is the index returned for i, else 0",
            "each result is one element so far: its gradient goes back there",
            moved(by_returned_index),
        )
        for node in ("Cummax", "Cummin")
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
            Part("self", "({self}[j] - {other}[j])/{out}", _APART, _ZERO, _BY_ONE, entries=_apart("self", "other")),
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
    _one(
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

ALL_REDUCTIONS = (*REDUCTIONS, *CUMULATIVE, *DISTANCES)
