"""Rules of elementwise ops of two inputs, and of ops that leave every number as it is.

Sources: elementary calculus; the values at ties are PyTorch's, from derivatives.yaml, and are tested against torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from gradb.rules.elementwise import STAIRCASE, inverse
from gradb.rules.model import Names, Numbers, Part, Rule


def _scaled(sign: str) -> Callable[[Names], str]:
    """Return the text of ``alpha``, which is nearly always 1."""

    def text(names: Names) -> str:
        return f"{sign}1" if names["alpha"] == "1" else f"{sign}{{alpha}}"

    return text


def power_text(names: Names) -> str:
    """Return the derivative of a power, in the form one would write by hand for a known exponent."""
    try:
        exponent = float(names["exponent"].strip("()"))
    except ValueError:
        return "{exponent}·{self}^({exponent} - 1)"
    less = exponent - 1
    if less in {-1.0, 0.0, 1.0}:
        return {-1.0: "0", 0.0: "1", 1.0: "{exponent}·{self}"}[less]
    return f"{{exponent}}·{{self}}^{less:g}" if less > 0 else f"{{exponent}}·{{self}}^({less:g})"


def power(v: Numbers) -> float:
    """Return exponent·self^(exponent - 1); 0 for a zero exponent, as PyTorch has it."""
    base, exponent = v["self"], v["exponent"]
    if exponent == 0:
        return 0.0
    if base == 0 and exponent < 1:
        return math.inf
    result = exponent * base ** (exponent - 1)
    return math.nan if isinstance(result, complex) else result


def _power_exponent(v: Numbers) -> float:
    base, exponent = v["self"], v["exponent"]
    if base == 0:
        return 0.0 if exponent >= 0 else -math.inf
    return math.nan if base < 0 else base**exponent * math.log(base)


_BASE = Part("self", power_text, "bring the exponent down and lower it by one", derivative=power)
_EXPONENT = Part(
    "exponent",
    "{self}^{exponent}·ln({self})",
    condition="for a base above 0; at base 0 with an exponent ≥ 0 PyTorch takes 0",
    derivative=_power_exponent,
)
_POW = ("self", "exponent")
_POW_CALLS = ("pow", "float_power", "ipow", "square")
_TIE = "where both are equal each gets half"


def _compare(sign: int, is_self: bool) -> Callable[[Numbers], float]:
    def derivative(v: Numbers) -> float:
        lead = sign * (v["self"] - v["other"]) * (1 if is_self else -1)
        return 0.5 if lead == 0 else float(lead > 0)

    return derivative


def _extreme(node: str, symbol: str, sign: int) -> Rule:
    mine = Part("self", f"1 where {{self}} {symbol} {{other}}, else 0", "", _TIE, derivative=_compare(sign, True))
    yours = Part("other", f"1 where {{other}} {symbol} {{self}}, else 0", "", _TIE, derivative=_compare(sign, False))
    calls = (node.lower(), "max" if sign > 0 else "min")
    return Rule(node, (mine, yours), ("self", "other"), calls)


_TWO = ("self", "other")
_ROUNDED = Part("self", "0", STAIRCASE, "1/{other} where rounding_mode is None")
_DIVISOR = Part("other", "0", STAIRCASE, "-{self}/{other}² where rounding_mode is None")
_ALPHA = ("self", "other", "alpha")
_ONE = {"alpha": "1"}
_SUM_ABOUT = "a sum passes the gradient on unchanged"

BINARY = (
    Rule(
        "Add",
        (
            Part("self", "1", _SUM_ABOUT, derivative=lambda v: 1.0),
            Part("other", _scaled(""), _SUM_ABOUT, derivative=lambda v: v["alpha"]),
        ),
        _ALPHA,
        ("add", "radd", "iadd"),
        defaults=_ONE,
    ),
    Rule(
        "Sub",
        (
            Part("self", "1", derivative=lambda v: 1.0),
            Part(
                "other",
                _scaled("-"),
                "what is subtracted gets the gradient with its sign turned",
                derivative=lambda v: -v["alpha"],
            ),
        ),
        _ALPHA,
        ("sub", "subtract", "isub"),
        defaults=_ONE,
    ),
    Rule(
        "Rsub",
        (
            Part(
                "self",
                _scaled("-"),
                "what is subtracted gets the gradient with its sign turned",
                derivative=lambda v: -v["alpha"],
            ),
            Part("other", "1", derivative=lambda v: 1.0),
        ),
        _ALPHA,
        ("rsub",),
        defaults=_ONE,
    ),
    Rule(
        "Mul",
        (
            Part("self", "{other}", "of a product, each factor gets the other one", derivative=lambda v: v["other"]),
            Part("other", "{self}", "of a product, each factor gets the other one", derivative=lambda v: v["self"]),
        ),
        _TWO,
        ("mul", "multiply", "rmul", "imul"),
    ),
    Rule(
        "Div",
        (
            Part("self", "1/{other}", derivative=lambda v: inverse(v["other"])),
            Part("other", "-{self}/{other}²", derivative=lambda v: -v["self"] / (v["other"] * v["other"])),
        ),
        _TWO,
        ("div", "divide", "true_divide", "truediv", "itruediv", "idiv"),
    ),
    Rule("Div2", (_ROUNDED, _DIVISOR), _TWO, ("div", "divide")),
    Rule("Div3", (_ROUNDED,), _TWO, ("div", "divide")),
    Rule("Pow", (_BASE, _EXPONENT), _POW, _POW_CALLS, defaults={"exponent": "2"}),
    Rule("Pow2", (_EXPONENT,), _POW, ("pow",), swapped=("rpow",)),
    _extreme("Maximum", ">", 1),
    _extreme("Minimum", "<", -1),
    Rule(
        "Where",
        (
            Part(
                "self",
                "1 where {condition}, else 0",
                "the gradient goes to the side that was taken",
                derivative=lambda v: 1.0 if v["condition"] else 0.0,
            ),
            Part(
                "other",
                "0 where {condition}, else 1",
                "the gradient goes to the side that was taken",
                derivative=lambda v: 0.0 if v["condition"] else 1.0,
            ),
        ),
        ("condition", "self", "other"),
        ("where",),
    ),
    Rule(
        "Atan2",
        (
            Part(
                "self",
                "{other}/({self}² + {other}²)",
                derivative=lambda v: v["other"] / (v["self"] ** 2 + v["other"] ** 2),
            ),
            Part(
                "other",
                "-{self}/({self}² + {other}²)",
                derivative=lambda v: -v["self"] / (v["self"] ** 2 + v["other"] ** 2),
            ),
        ),
        _TWO,
        ("atan2", "arctan2"),
    ),
)

IDENTITY_SENTENCE = "the numbers stay the same, so the gradient passes unchanged"


def _same(node: str, role: str = "self", functions: str = "", condition: str = "") -> Rule:
    part = Part(role, "1", IDENTITY_SENTENCE, condition, derivative=lambda v: 1.0)
    return Rule(node, (part,), (role,), tuple(functions.split()))


SAME = (
    _same("Clone", functions="clone contiguous"),
    _same("Copy", "src", condition="for what is copied in; what was there before gets no gradient"),
    _same("CopyBackwards", "src", condition="for what is copied in; what was there before gets no gradient"),
    _same("ToCopy", condition="the gradient is converted back to the dtype and device of the input"),
    _same("Alias"),
)
