"""Rules of further activation functions.

Sources: their definitions in PyTorch's documentation; the values at kinks are PyTorch's (derivatives.yaml), tested.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from gradb.rules.arguments import Given, indices
from gradb.rules.elementwise import SCALED
from gradb.rules.kernels import Entry
from gradb.rules.model import Numbers, Part, Rule, Template
from gradb.rules.numeric import sigmoid
from gradb.tape.indices import ravel

_GATE = "a gate: the gradient passes where the value was kept and is stopped elsewhere"
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _activation(
    node: str, local: Template, sentence: str, slope: Callable[[Numbers], float], functions: str, *,
    condition: str = "", signature: str = "self", is_strict: bool = False, **defaults: str,
) -> Rule:  # fmt: skip
    part = Part("self", local, sentence, condition, derivative=slope)
    return Rule(
        node, (part,), tuple(signature.split()), tuple(functions.split()), defaults=defaults, is_strict=is_strict
    )


def _hardswish(v: Numbers) -> float:
    x = v["self"]
    return 0.0 if x <= -3 else 1.0 if x >= 3 else x / 3 + 0.5


def _mish(v: Numbers) -> float:
    x = v["self"]
    t = math.tanh(x + math.log1p(math.exp(-x)) if x > 0 else math.log1p(math.exp(x)))
    return t + x * sigmoid(x) * (1 - t * t)


def _selu(v: Numbers) -> float:
    return _SELU_SCALE * (1.0 if v["self"] > 0 else _SELU_ALPHA * math.exp(v["self"]))


def _celu(v: Numbers) -> float:
    return 1.0 if v["self"] > 0 else math.exp(v["self"] / v["alpha"])


def _drawn_slope(v: Numbers) -> float:
    """Return the slope of an element: what made the result of it."""
    return 1.0 if v["self"] >= 0 else v["out"] / v["self"]


def _halved(given: Given) -> Iterator[Entry]:
    """The first half of the input is a, the second b: the result is a·σ(b)."""
    dim, shape = given.dim(), given.input.shape
    half = shape[dim] // 2
    for i, index in enumerate(indices(given.out.shape)):
        other = (*index[:dim], index[dim] + half, *index[dim + 1 :])
        a, b = given.input.at(index), sigmoid(given.input.at(other))
        yield i, ravel(index, shape), b
        yield i, ravel(other, shape), a * b * (1 - b)


def _per_channel(given: Given, index: tuple[int, ...]) -> int:
    """Return which weight of prelu an element has: one for all, or one a channel (dimension 1)."""
    return 0 if given.array("weight").size == 1 else index[1 if len(index) > 1 else 0]


def _prelu_input(given: Given) -> Iterator[Entry]:
    weight = given.array("weight").numbers
    for i, index in enumerate(indices(given.out.shape)):
        yield i, i, 1.0 if given.array("self").numbers[i] > 0 else weight[_per_channel(given, index)]


def _prelu_weight(given: Given) -> Iterator[Entry]:
    for i, index in enumerate(indices(given.out.shape)):
        x = given.array("self").numbers[i]
        if x <= 0:
            yield i, _per_channel(given, index), x


_HARDTANH = next(rule for rule in SCALED if rule.node == "Hardtanh")
_CLIPPED = _HARDTANH.parts[0]

ACTIVATIONS = (
    _activation(
        "Hardsigmoid",
        "1/6 where -3 < {self} < 3, else 0",
        "a straight line between two flat parts",
        lambda v: 1 / 6 if -3 < v["self"] < 3 else 0.0,
        "hardsigmoid",
        condition="at the bounds themselves PyTorch takes 0",
    ),
    _activation(
        "Hardswish",
        "{self}/3 + 1/2 where -3 < {self} < 3",
        "flat on the left, slope 1 on the right, and a parabola between",
        _hardswish,
        "hardswish",
        condition="0 at -3 and below, 1 at 3 and above",
    ),
    _activation(
        "Mish",
        "t + {self}·σ({self})·(1 - t²)",
        "a product rule: mish(x) is x·t",
        _mish,
        "mish",
        condition="t = tanh(ln(1 + e^{self}))",
    ),
    _activation(
        "Celu",
        "1 where {self} > 0, else e^({self}/{alpha})",
        "slope 1 on the right, dying away on the left",
        _celu,
        "celu",
        signature="self alpha",
        condition="at 0 both sides have slope 1",
        alpha="1.0",
    ),
    _activation(
        "Elu@selu",
        "λ where {self} > 0, else λ·α·e^{self}",
        "elu with two constants that keep mean and spread of the values",
        _selu,
        "selu",
        condition="λ = 1.0507, α = 1.6733; at 0 PyTorch takes the value of the left side",
        is_strict=True,
    ),
    _activation(
        "Softshrink",
        "0 where |{self}| ≤ {lambd}, else 1",
        _GATE,
        lambda v: float(abs(v["self"]) > v["lambd"]),
        "softshrink",
        signature="self lambd",
        condition="at the bounds themselves PyTorch takes 0",
        lambd="0.5",
    ),
    _activation(
        "Hardshrink",
        "0 where |{self}| ≤ {lambd}, else 1",
        _GATE,
        lambda v: float(abs(v["self"]) > v["lambd"]),
        "hardshrink",
        signature="self lambd",
        condition="at the bounds themselves PyTorch takes 0",
        lambd="0.5",
    ),
    _activation(
        "Threshold",
        "1 where {self} > {threshold}, else 0",
        _GATE,
        lambda v: float(v["self"] > v["threshold"]),
        "threshold",
        signature="self threshold value",
        condition="at the threshold itself PyTorch takes 0",
    ),
    _activation(
        "RreluWithNoise",
        "1 where {self} > 0, else the slope drawn for it",
        "the slope of the left side is drawn at random, one for each element",
        _drawn_slope,
        "rrelu rrelu_with_noise",
        condition="in eval() mode it is the mean of the bounds",
    ),
    Rule(
        "Hardtanh@relu6",
        (replace(_CLIPPED, local="1 where 0 < {self} < 6, else 0", derivative=lambda v: float(0 < v["self"] < 6)),),
        functions=("relu6",),
    ),
    Rule(
        "Glu",
        (
            Part(
                "self",
                "σ(b) for a, a·σ(b)·(1 - σ(b)) for b",
                "one half is the value, the other the gate that it passes: each gets its side of the product",
                "a is the first half of {self}, b the second",
                product="upstream times each half's factor, joined",
                entries=_halved,
            ),
        ),
        ("self", "dim"),
        ("glu",),
        defaults={"dim": "-1"},
    ),
    Rule(
        "PreluKernel",
        (
            Part(
                "self",
                "1 where {self} > 0, else {weight}",
                "a gate that is not quite shut: the slope of the left side is learned",
                "at 0 PyTorch takes the slope of the left side",
                entries=_prelu_input,
            ),
            Part(
                "weight",
                "0 where {self} > 0, else {self}",
                "the slope gets a gradient from the elements it acted on",
                entries=_prelu_weight,
            ),
        ),
        ("self", "weight"),
        ("prelu",),
        is_composite=True,
    ),
)
