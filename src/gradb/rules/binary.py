"""Rules of elementwise ops of two inputs, and of ops that leave every number as it is.

Sources: elementary calculus; the values at ties are PyTorch's, from derivatives.yaml, and are tested against torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from gradb.rules.elementwise import STAIRCASE
from gradb.rules.model import Names, Numbers, Part, Rule
from gradb.rules.numeric import inverse


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
        is_odd = (exponent - 1) % 2 == 1 and math.copysign(1, base) < 0
        return math.copysign(math.inf, -exponent if is_odd else exponent)
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
    "an exponential is its own derivative, times the logarithm of its base",
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
    about = f"only the {'larger' if sign > 0 else 'smaller'} of the two gets the gradient"
    mine = Part("self", f"1 where {{self}} {symbol} {{other}}, else 0", about, _TIE, derivative=_compare(sign, True))
    yours = Part("other", f"1 where {{other}} {symbol} {{self}}, else 0", about, _TIE, derivative=_compare(sign, False))
    calls = (node.lower(), "max" if sign > 0 else "min")
    return Rule(node, (mine, yours), ("self", "other"), calls)


_TWO = ("self", "other")
_ROUNDED = Part(
    "self",
    lambda names: "1/{other}" if names["rounding_mode"] == "None" else "0",
    STAIRCASE,
    "with rounding_mode=None it is 1/{other}, as for any quotient",
    derivative=lambda v: 0.0 if v.get("rounding_mode") else inverse(v["other"]),
)
_DIVISOR = Part(
    "other",
    lambda names: "-{self}/{other}²" if names["rounding_mode"] == "None" else "0",
    STAIRCASE,
    "with rounding_mode=None it is -{self}/{other}², as for any quotient",
    derivative=lambda v: 0.0 if v.get("rounding_mode") else -v["self"] / v["other"] ** 2,
)
_ALPHA = ("self", "other", "alpha")
_ONE = {"alpha": "1"}
_AS_IS = {"rounding_mode": "None"}
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
            Part("self", "1", _SUM_ABOUT, derivative=lambda v: 1.0),
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
            Part("other", "1", _SUM_ABOUT, derivative=lambda v: 1.0),
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
            Part(
                "self",
                "1/{other}",
                "what is divided gets one over the divisor",
                derivative=lambda v: inverse(v["other"]),
            ),
            Part(
                "other",
                "-{self}/{other}²",
                "a larger divisor makes the quotient smaller",
                derivative=lambda v: -v["self"] / (v["other"] * v["other"]),
            ),
        ),
        _TWO,
        ("div", "divide", "true_divide", "truediv", "itruediv", "idiv"),
    ),
    Rule("Div2", (_ROUNDED, _DIVISOR), (*_TWO, "rounding_mode"), ("div", "divide", "floor_divide"), defaults=_AS_IS),
    Rule("Div3", (_ROUNDED,), (*_TWO, "rounding_mode"), ("div", "divide", "Scalar_mode"), defaults=_AS_IS),
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
                "only a move across the ray turns the angle, and less so far out",
                derivative=lambda v: v["other"] / (v["self"] ** 2 + v["other"] ** 2),
            ),
            Part(
                "other",
                "-{self}/({self}² + {other}²)",
                "only a move across the ray turns the angle, and less so far out",
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


_OVERWRITTEN = "what was there before is overwritten and gets no gradient"

SAME = (
    Rule(
        "CopyBackwards",
        (
            Part("self", "0", _OVERWRITTEN, derivative=lambda v: 0.0),
            Part("src", "1", IDENTITY_SENTENCE, derivative=lambda v: 1.0),
        ),
        ("self", "src"),
        ("copy",),
    ),
    _same("Clone", functions="clone contiguous"),
    _same("ToCopy", condition="the gradient is converted back to the dtype and device of the input"),
    _same("Alias"),
)
