"""Rules of reductions and cumulative ops: sums, products, extremes, spreads, norms, distances.

In a reduction j runs over the elements that go into one result; in a cumulative op i and j are places along the
dimension. Sources: elementary calculus; ties and provisos are PyTorch's (derivatives.yaml) and are tested.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import accumulate
from operator import mul

from gradb.rules.arguments import Given
from gradb.rules.kernels import Entries, Entry, Line, along, moved, reduced
from gradb.rules.model import Names, Part, Rule, Template
from gradb.rules.selections import by_returned_index

BY_ONE = "∂{out}/∂{self}[j]"
_ALONG = "∂{out}[i]/∂{self}[j]"


def reduction(
    node: str,
    local: Template,
    sentence: Template,
    entries: Entries,
    functions: str = "",
    signature: str = "self dim keepdim",
    *,
    condition: Template = "",
    where: str = BY_ONE,
    product: str = "",
    **defaults: str,
) -> Rule:
    """Return the rule of an op of one input that is reduced or cumulated."""
    part = Part("self", local, sentence, condition, where, product, entries=entries)
    calls = tuple(functions.split()) or (node.lower(),)
    return Rule(node, (part,), tuple(signature.split()), calls, defaults=defaults)


# --- the weights of a group -------------------------------------------------------------------------------------------


def _ones(line: Line, given: Given, i: int) -> list[float]:
    return [1.0] * len(line)


def _others(line: Line, given: Given, i: int) -> list[float]:
    before, after = ([*accumulate(part, mul, initial=1.0)] for part in (line, line[::-1]))
    return [before[j] * after[len(line) - 1 - j] for j in range(len(line))]


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
    if given.get("unbiased") is False:
        return 0.0
    return given.number("correction") if given.has("correction") else 1.0


def _freedom(names: Names) -> str:
    """Return what a variance divides by: the number of elements, less the correction."""
    taken = "0" if names["unbiased"] == "False" else names["correction"].replace("None", "1")
    return "{n}" if taken == "0" else f"({{n}} - {taken})"


def _variance_text(names: Names) -> str:
    return f"2·({{self}}[j] - mean)/{_freedom(names)}"


def _deviation_text(names: Names) -> str:
    return f"({{self}}[j] - mean)/({_freedom(names)}·{{out}})"


def _free(line: Line, given: Given) -> float:
    """Return what a variance divides by: below 1 PyTorch takes 0."""
    return max(len(line) - correction(given), 0.0)


def _variance(line: Line, given: Given, i: int) -> list[float]:
    mean, free = math.fsum(line) / len(line), _free(line, given)
    return [2 * (x - mean) / free for x in line]


def _deviation(line: Line, given: Given, i: int) -> list[float]:
    mean, free = math.fsum(line) / len(line), _free(line, given)
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


# --- reductions -------------------------------------------------------------------------------------------------------

_SUM = "every element summed gets the whole upstream gradient"
_WINNER = "only the winner gets a gradient"
_EVENLY = "a tie is shared evenly"
_INDEX_ONLY = "of a tie only the one whose index was returned"
_AT_INDEX = "1 at the index returned, else 0"
_FREE = "what is taken off the number of elements is the correction, 1 unless given"
_CORRECTED = {"unbiased": "True", "correction": "1"}
_FAR = "the farther an element is from the mean, the more it moves the spread"
_SPREAD = "self dim unbiased keepdim correction"

_MIDDLE = "only the element in the middle gets a gradient"


def _index_of(node: str, functions: str, sentence: str = _WINNER) -> Rule:
    return reduction(node, _AT_INDEX, sentence, moved(by_returned_index), functions, condition=_INDEX_ONLY)


def _extreme(node: str, word: str, find: Callable[[Line], float], functions: str, sentence: str = _WINNER) -> Rule:
    local = f"1 at the {word}, else 0"
    return reduction(node, local, sentence, reduced(_shared(find)), functions, condition=_EVENLY)


def _two_extremes(line: Line, given: Given, i: int) -> list[float]:
    return _shared(max if given.slot else min)(line, given, i)


def _traced(given: Given) -> Iterator[Entry]:
    rows, columns = given.input.shape
    return ((0, i * columns + i, 1.0) for i in range(min(rows, columns)))


REDUCTIONS = (
    reduction(
        "Sum",
        "1",
        _SUM,
        reduced(_ones, is_flat=True),
        where="∂{out}/∂{self}",
        product="upstream, copied to each element that was summed",
    ),
    reduction(
        "Nansum",
        "1, at a NaN 0",
        "NaN was left out of the sum, so it gets no gradient",
        reduced(lambda line, given, i: [0.0 if math.isnan(x) else 1.0 for x in line]),
    ),
    reduction(
        "Mean",
        "1/{n}",
        "each of the {n} averaged elements counts 1/{n}",
        reduced(_mean, is_flat=True),
        where="∂{out}/∂{self}",
        product="upstream/{n}, copied to each element",
    ),
    reduction(
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
    reduction(
        "Aminmax",
        "1 at the smallest (largest), else 0",
        "min and max are two results: each sends its gradient to its winner",
        reduced(_two_extremes),
        condition=_EVENLY,
        dim="None",
    ),
    reduction("Var", _variance_text, _FAR, reduced(_variance), "", _SPREAD, condition=_FREE, **_CORRECTED),
    reduction(
        "Std",
        _deviation_text,
        _FAR,
        reduced(_deviation),
        "",
        _SPREAD,
        condition=f"{_FREE}; where the spread is 0 PyTorch takes 0",
        **_CORRECTED,
    ),
    reduction(
        "VarMean",
        _variance_text,
        f"{_FAR}; the mean gets 1/N of each",
        reduced(_first_of_two(_variance)),
        "var_mean",
        _SPREAD,
        condition=f"for the first result, the variance; {_FREE}",
        **_CORRECTED,
    ),
    reduction(
        "StdMean",
        lambda names: _deviation_text(names).replace("{out}", "std"),
        f"{_FAR}; the mean gets 1/N of each",
        reduced(_first_of_two(_deviation)),
        "std_mean",
        _SPREAD,
        condition=f"for the first result, the deviation; {_FREE}",
        **_CORRECTED,
    ),
    reduction(
        "Logsumexp",
        "softmax({self})[j]",
        "a soft maximum: the larger an element, the more of the gradient it gets",
        reduced(lambda line, given, i: softmax(line)),
    ),
    reduction(
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
    return reduction(node, local, sentence, entries, "", "self dim", where=_ALONG, **more)


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
