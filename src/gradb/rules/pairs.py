"""Rules of further elementwise ops of two or three inputs.

Sources: elementary calculus; the values at ties and at 0 are PyTorch's (derivatives.yaml) and are tested.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from gradb.rules.model import Names, Numbers, Part, Rule, Template
from gradb.rules.numeric import inverse, sigmoid

Slope = Callable[[Numbers], float]
Side = tuple[str, Template, str, Slope]
"""(role, local, sentence, derivative)."""


def _pair(
    node: str, sides: tuple[Side, ...], functions: str = "", signature: str = "self other", *, condition: str = "",
    **defaults: str,
) -> Rule:  # fmt: skip
    parts = tuple(Part(role, local, sentence, condition, derivative=slope) for role, local, sentence, slope in sides)
    calls = tuple(functions.split()) or (node.lower(),)
    return Rule(node, parts, tuple(signature.split()), calls, defaults=defaults)


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf if x == 0 else math.nan


def _over(x: float, y: float) -> float:
    return x / y if y else math.copysign(math.inf, x) if x else math.nan


# --- logarithms of sums, x·log y --------------------------------------------------------------------------------------

_SHARE = "each of the two gets its share of the sum: the larger one more"


def _share(base: float, is_self: bool) -> Slope:
    def slope(v: Numbers) -> float:
        gap = (v["self"] - v["other"]) * math.log(base)
        return sigmoid(gap if is_self else -gap)

    return slope


def _logged(shift: float) -> Slope:
    def slope(v: Numbers) -> float:
        if v["self"] == 0 and v["other"] <= -shift:
            return 0.0
        return _log(v["other"] + shift)

    return slope


def _x_log(node: str, inside: str, shift: float, functions: str) -> tuple[Rule, ...]:
    """Return the rules of x·log(y) (or of x·log(1 + y)): both tensors, the first a number, the second a number."""
    factor: Side = ("self", f"ln({inside})", "of a product, each factor gets the other one", _logged(shift))
    other: Side = (
        "other",
        f"{{self}}/({inside})" if shift else "{self}/{other}",
        "of a logarithm: one over what is inside, times the factor in front",
        lambda v: _over(v["self"], v["other"] + shift),
    )
    condition = f"where {{self}} is 0 and {inside} is not above 0, PyTorch takes 0"
    both = _pair(node, (factor, other), functions)
    first, second = replace(both.parts[0], condition=condition), both.parts[1]
    return (
        replace(both, parts=(first, second)),
        replace(both, node=f"{node}1", parts=(second,)),
        replace(both, node=f"{node}2", parts=(first,)),
    )


# --- remainders and mixtures ------------------------------------------------------------------------------------------


def _fraction(round_down: Callable[[float], float]) -> Slope:
    return lambda v: -float(round_down(v["self"] / v["other"]))


_REST = "taking off whole multiples leaves the slope as it is"
_MULTIPLES = "each whole multiple taken off counts once"
_JUMP = "between the jumps"


def _scaled(text: str) -> Template:
    def local(names: Names) -> str:
        return text if names["value"] in {"1", "1.0"} else f"{{value}}·{text}"

    return local


_FUSED = "self tensor1 tensor2 value"
_SUM = "a sum passes the gradient on unchanged"
_FACTOR = "of a product, each factor gets the other one"


def _clip_slope(which: str) -> Slope:
    """Return the slope of a clamp between tensors: 1 for what decided the result."""

    def slope(v: Numbers) -> float:
        low, high, x = v.get("min", -math.inf), v.get("max", math.inf), v["self"]
        if which == "self":
            return float(low <= x <= high)
        if which == "min":
            return float(x < low < high)
        return float(x > high or high < low)

    return slope


def _bound(role: str, text: str) -> Side:
    return role, text, "a bound gets the gradient where it decided the result", _clip_slope(role)


_INSIDE = "a gate: the gradient passes inside the bounds and is stopped outside"
_AT = "at the bounds themselves the value gets it, not the bound"


def _greater(is_self: bool, turn: int) -> Slope:
    """Return the slope of fmax (turn 1) or fmin (-1): NaN loses, a tie goes to the first."""

    def slope(v: Numbers) -> float:
        a, b = v["self"], v["other"]
        is_first = math.isnan(b) or turn * a >= turn * b
        return float(is_first == is_self)

    return slope


def _copied_sign(v: Numbers) -> float:
    x = v["self"]
    return math.copysign(1.0, v["other"]) * math.copysign(1.0, x) if x else 0.0


PAIRS = (
    _pair(
        "Logaddexp",
        (
            ("self", "e^({self} - {out})", _SHARE, _share(math.e, True)),
            ("other", "e^({other} - {out})", _SHARE, _share(math.e, False)),
        ),
    ),
    _pair(
        "Logaddexp2",
        (
            ("self", "2^({self} - {out})", _SHARE, _share(2, True)),
            ("other", "2^({other} - {out})", _SHARE, _share(2, False)),
        ),
    ),
    *_x_log("Xlogy", "{other}", 0.0, "xlogy special_xlogy"),
    *_x_log("SpecialXlog1Py", "1 + {other}", 1.0, "xlog1py special_xlog1py"),
    _pair(
        "Hypot",
        (
            (
                "self",
                "{self}/{out}",
                "each side of the triangle counts by its share of the long one",
                lambda v: v["self"] / v["out"] if v["out"] else math.nan,
            ),
            (
                "other",
                "{other}/{out}",
                "each side of the triangle counts by its share of the long one",
                lambda v: v["other"] / v["out"] if v["out"] else math.nan,
            ),
        ),
        condition="undefined where both are 0",
    ),
    _pair(
        "Fmod",
        (("self", "1", _REST, lambda v: 1.0), ("other", "-trunc({self}/{other})", _MULTIPLES, _fraction(math.trunc))),
        condition=_JUMP,
    ),
    _pair(
        "Remainder",
        (("self", "1", _REST, lambda v: 1.0), ("other", "-floor({self}/{other})", _MULTIPLES, _fraction(math.floor))),
        condition=_JUMP,
    ),
    _pair(
        "Lerp",
        (
            (
                "self",
                "1 - {weight}",
                "on the way from one to the other each counts by how near the result is",
                lambda v: 1 - v["weight"],
            ),
            (
                "end",
                "{weight}",
                "on the way from one to the other each counts by how near the result is",
                lambda v: v["weight"],
            ),
            (
                "weight",
                "{end} - {self}",
                "the longer the way, the more a step along it changes",
                lambda v: v["end"] - v["self"],
            ),
        ),
        "lerp",
        "self end weight",
    ),
    _pair(
        "Addcmul",
        (
            ("self", "1", _SUM, lambda v: 1.0),
            ("tensor1", _scaled("{tensor2}"), _FACTOR, lambda v: v["value"] * v["tensor2"]),
            ("tensor2", _scaled("{tensor1}"), _FACTOR, lambda v: v["value"] * v["tensor1"]),
        ),
        "addcmul",
        _FUSED,
        value="1",
    ),
    _pair(
        "Addcdiv",
        (
            ("self", "1", _SUM, lambda v: 1.0),
            (
                "tensor1",
                "{value}/{tensor2}",
                "what is divided gets one over the divisor",
                lambda v: v["value"] * inverse(v["tensor2"]),
            ),
            (
                "tensor2",
                lambda n: "-{tensor1}/{tensor2}²" if n["value"] == "1" else "-{value}·{tensor1}/{tensor2}²",
                "a larger divisor makes the quotient smaller",
                lambda v: -v["value"] * v["tensor1"] / v["tensor2"] ** 2,
            ),
        ),
        "addcdiv",
        _FUSED,
        value="1",
    ),
    _pair(
        "Fmax",
        (
            ("self", "1 where {self} ≥ {other}, else 0", "the larger one gets the gradient", _greater(True, 1)),
            ("other", "1 where {other} > {self}, else 0", "the larger one gets the gradient", _greater(False, 1)),
        ),
        condition="NaN loses against any number; of a tie the first gets it",
    ),
    _pair(
        "Fmin",
        (
            ("self", "1 where {self} ≤ {other}, else 0", "the smaller one gets the gradient", _greater(True, -1)),
            ("other", "1 where {other} < {self}, else 0", "the smaller one gets the gradient", _greater(False, -1)),
        ),
        condition="NaN loses against any number; of a tie the first gets it",
    ),
    _pair(
        "Copysign",
        (
            ("self", "±1", "-1 where the sign was turned, else 1", _copied_sign),
            ("other", "0", "only the sign of the other counts, and that is flat", lambda v: 0.0),
        ),
        condition="at 0 PyTorch takes 0",
    ),
    _pair(
        "Clamp0",
        (
            ("self", "1 where {min} ≤ {self} ≤ {max}, else 0", _INSIDE, _clip_slope("self")),
            _bound("min", "1 where {self} < {min} < {max}, else 0"),
            _bound("max", "1 where {self} > {max} or {max} < {min}, else 0"),
        ),
        "clamp clip",
        "self min max",
        condition=_AT,
    ),
    _pair(
        "ClampMin1",
        (
            ("self", "1 where {self} ≥ {min}, else 0", _INSIDE, _clip_slope("self")),
            (
                "min",
                "1 where {self} < {min}, else 0",
                "a bound gets the gradient where it decided the result",
                lambda v: float(v["self"] < v["min"]),
            ),
        ),
        "clamp_min clamp",
        "self min",
        condition=_AT,
    ),
    _pair(
        "ClampMax1",
        (
            ("self", "1 where {self} ≤ {max}, else 0", _INSIDE, _clip_slope("self")),
            (
                "max",
                "1 where {self} > {max}, else 0",
                "a bound gets the gradient where it decided the result",
                lambda v: float(v["self"] > v["max"]),
            ),
        ),
        "clamp_max clamp",
        "self max",
        condition=_AT,
    ),
    _pair(
        "Ldexp",
        (
            ("self", "2^{other}", "of a product, each factor gets the other one", lambda v: 2.0 ** v["other"]),
            (
                "other",
                "{out}·ln 2",
                "2^x has the slope 2^x·ln 2, times the factor in front",
                lambda v: v["self"] * 2.0 ** v["other"] * math.log(2),
            ),
        ),
    ),
)
