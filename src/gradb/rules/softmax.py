"""Rules of softmax and of its logarithm: every score moves every probability."""

from __future__ import annotations

from gradb.rules.kernels import Line, along
from gradb.rules.model import Part, Rule
from gradb.rules.reductions import softmax

_BETWEEN = "∂{out}[i]/∂{self}[j]"


def _softmax_weight(line: Line, i: int, j: int) -> float:
    p = softmax(line)
    return p[i] * ((i == j) - p[j])


def _softmax(node: str, functions: str) -> Rule:
    part = Part(
        "self",
        "{out}[i]·(δ[i,j] - {out}[j])",
        "raising one score lowers all other probabilities; δ is 1 where i = j",
        where=_BETWEEN,
        product="{out}·(upstream - sum(upstream·{out}))",
        entries=along(_softmax_weight),
    )
    return Rule(node, (part,), ("self", "dim"), tuple(functions.split()))


SOFTMAX = (
    _softmax("Softmax", "softmax"),
    _softmax("SafeSoftmax", "safe_softmax"),
    Rule(
        "LogSoftmax",
        (
            Part(
                "self",
                "δ[i,j] - softmax({self})[j]",
                "a score raises its own log-probability and lowers all by its share; δ is 1 where i = j",
                where=_BETWEEN,
                product="upstream - softmax({self})·sum(upstream)",
                entries=along(lambda line, i, j: (i == j) - softmax(line)[j]),
            ),
        ),
        ("self", "dim"),
        ("log_softmax",),
        result="log_softmax({self})",
    ),
)
