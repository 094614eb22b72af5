"""Rules of backward functions, which are ops of their own where a gradient is differentiated again (create_graph).

``grad_output`` is the upstream that the first backward was given, ``output`` (or ``self``) what it had saved. Source:
the first derivatives in this table, differentiated once more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from gradb.rules.arguments import Given, NotKnown
from gradb.rules.kernels import Entries, Entry, Line, groups
from gradb.rules.model import Numbers, Part, Rule

_AGAIN = "a backward is linear in its upstream: the factor is the one it multiplied by"
_BEND = "how the slope itself changes: the second derivative, times the upstream of the first backward"
_FLAT = "the slope is the same everywhere beside the kink, so it has no slope of its own"


def _slope_of(
    node: str, slope: str, by_slope: Callable[[Numbers], float], saved: str, bend: str,
    by_bend: Callable[[Numbers], float], signature: str,
) -> Rule:  # fmt: skip
    """Return the rule of the backward of an elementwise op."""
    sentence = _FLAT if bend == "0" else _BEND
    parts = (
        Part("grad_output", slope, _AGAIN, where="∂{out}/∂{grad_output}", derivative=by_slope),
        Part(saved, bend, sentence, where=f"∂{{out}}/∂{{{saved}}}", derivative=by_bend),
    )
    call = {"Tanh": "tanh", "Sigmoid": "sigmoid", "Threshold": "threshold", "LeakyRelu": "leaky_relu"}[node]
    return Rule(f"{node}Backward", parts, tuple(signature.split()), (f"{call}_backward",))


def _lines(weight: Callable[[Line, Line, int, int], float]) -> Entries:
    """Elements mix along one dimension: ``weight(upstream, output, i, j)`` is the derivative of element i by j."""

    def entries(given: Given) -> Iterator[Entry]:
        upstream, output = given.array("grad_output").numbers, given.array("output").numbers
        for line in groups(given.input.shape, [given.dim()]):
            g, y = [upstream[k] for k in line], [output[k] for k in line]
            for a, i in enumerate(line):
                for b, j in enumerate(line):
                    yield i, j, weight(g, y, a, b)

    return entries


def _dot(left: Line, right: Line) -> float:
    return math.fsum(a * b for a, b in zip(left, right, strict=True))


def _mixing(node: str, call: str, first: tuple[str, Entries], second: tuple[str, Entries], note: str) -> Rule:
    """Return the rule of the backward of softmax or of its logarithm."""
    parts = (
        Part("grad_output", first[0], _AGAIN, "", "∂{out}[i]/∂{grad_output}[j]", entries=first[1]),
        Part("output", second[0], _BEND, note, "∂{out}[i]/∂{output}[j]", entries=second[1]),
    )
    return Rule(node, parts, ("grad_output", "output", "dim"), (call,))


def _squared(slope: Callable[[float, float, float], float]) -> Entries:
    """The backward of a squared error: ``slope(upstream, self, target)``; a mean divides by the number of elements."""

    def entries(given: Given) -> Iterator[Entry]:
        upstream, mine = given.array("grad_output").numbers, given.array("self").numbers
        target, kind = given.array("target").numbers, given.integer("reduction")
        if len(mine) != len(target):
            raise NotKnown("target")
        share = 2 / len(mine) if kind == 1 else 2.0
        for i, (x, t) in enumerate(zip(mine, target, strict=True)):
            j = i if given.input.size > 1 else 0
            yield i, j, share * slope(upstream[i if len(upstream) > 1 else 0], x, t)

    return entries


_MEAN = "for a mean also divided by the number of elements"

SECOND = (
    _slope_of(
        "Tanh",
        "1 - {output}²",
        lambda v: 1 - v["output"] ** 2,
        "output",
        "-2·{output}·{grad_output}",
        lambda v: -2 * v["output"] * v["grad_output"],
        "grad_output output",
    ),
    _slope_of(
        "Sigmoid",
        "{output}·(1 - {output})",
        lambda v: v["output"] * (1 - v["output"]),
        "output",
        "(1 - 2·{output})·{grad_output}",
        lambda v: (1 - 2 * v["output"]) * v["grad_output"],
        "grad_output output",
    ),
    _slope_of(
        "Threshold",
        "1 where {self} > {threshold}, else 0",
        lambda v: float(v["self"] > v["threshold"]),
        "self",
        "0",
        lambda v: 0.0,
        "grad_output self threshold",
    ),
    _slope_of(
        "LeakyRelu",
        "1 where {self} > 0, else {negative_slope}",
        lambda v: 1.0 if v["self"] > 0 else v["negative_slope"],
        "self",
        "0",
        lambda v: 0.0,
        "grad_output self negative_slope",
    ),
    _mixing(
        "SoftmaxBackwardData",
        "softmax_backward_data",
        ("{output}[i]·(δ[i,j] - {output}[j])", _lines(lambda g, y, i, j: y[i] * ((i == j) - y[j]))),
        (
            "δ[i,j]·({grad_output}[i] - s) - {output}[i]·{grad_output}[j]",
            _lines(lambda g, y, i, j: (g[i] - _dot(g, y) if i == j else 0.0) - y[i] * g[j]),
        ),
        "δ is 1 where i = j; s = sum({grad_output}·{output})",
    ),
    _mixing(
        "LogSoftmaxBackwardData",
        "log_softmax_backward_data",
        ("δ[i,j] - e^{output}[i]", _lines(lambda g, y, i, j: (i == j) - math.exp(y[i]))),
        (
            "-δ[i,j]·e^{output}[i]·sum({grad_output})",
            _lines(lambda g, y, i, j: -math.exp(y[i]) * math.fsum(g) if i == j else 0.0),
        ),
        "δ is 1 where i = j",
    ),
    Rule(
        "MseLossBackward",
        (
            Part(
                "grad_output",
                "2·({self} - {target})",
                _AGAIN,
                _MEAN,
                "∂{out}/∂{grad_output}",
                entries=_squared(lambda g, x, t: x - t),
            ),
            Part("self", "2·{grad_output}", _BEND, _MEAN, entries=_squared(lambda g, x, t: g)),
            Part("target", "-2·{grad_output}", _BEND, _MEAN, entries=_squared(lambda g, x, t: -g)),
        ),
        ("grad_output", "self", "target", "reduction"),
        ("mse_loss_backward",),
    ),
)
