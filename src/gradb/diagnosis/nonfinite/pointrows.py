"""Reasons of ops that work element by element: a condition on the numbers there, and what it makes of them."""

from __future__ import annotations

import math
from collections.abc import Callable

from gradb.algebra.figures import apart, number
from gradb.diagnosis.nonfinite.case import Case, Operand, extremes, is_same_kind, largest
from gradb.diagnosis.nonfinite.pointwise import names
from gradb.diagnosis.nonfinite.reason import Row

_INF, _NAN = math.inf, math.nan
Condition = Callable[..., bool]
Result = float | Callable[..., float]


def _row(code: str, ops: str, when: Condition, makes: Result, text: str) -> Row:
    """Return a row for a condition on the numbers at the element.

    ``makes``: what comes of them, or how that follows; the row holds only where that is what was recorded. ``text``:
    ``{0}`` and ``{1}`` are the numbers, ``{op}`` the op, ``{result}`` what was made.
    """

    def find(case: Case) -> str | None:
        for operands, where in _choices(case, when):
            values = [operand.number for operand in operands]
            result = makes if isinstance(makes, float) else makes(*values)
            if case.born is None or not is_same_kind(result, case.born):
                continue
            shown = [operand.shown for operand in operands]
            return text.format(*shown, op=case.name, result=number(result)) + where
        return None

    return Row(code, names(ops), find)


def _choices(case: Case, when: Condition) -> list[tuple[tuple[Operand, ...], str]]:
    """Return the operands for which a condition holds, at the element; where that is not known, at an extreme."""
    operands = case.operands
    try:
        if operands and all(one.number is not None for one in operands):
            return [(operands, "")] if when(*case.numbers) else []
        return [each for each in _at_extremes(operands) if when(*(one.number for one in each[0]))]
    except TypeError:  # another number of operands than the row is about
        return []


def _at_extremes(operands: tuple[Operand, ...]) -> list[tuple[tuple[Operand, ...], str]]:
    """Return the operands at the smallest and the largest element of the only tensor among them."""
    tensors = [index for index, one in enumerate(operands) if one.value is not None and one.value.numel > 1]
    bounds = extremes(operands[tensors[0]].value) if len(tensors) == 1 else None  # type: ignore[arg-type]
    if bounds is None:
        return []
    found = []
    for bound, word in zip(bounds, ("smallest", "largest"), strict=True):
        own = Operand("", bound, operands[tensors[0]].value)
        all_of_them = tuple(own if index == tensors[0] else one for index, one in enumerate(operands))
        if all(one.number is not None for one in all_of_them):
            found.append((all_of_them, f" ({own.shown} is the {word} element there)"))
    return found


def _is_whole(value: float) -> bool:
    return math.isfinite(value) and value == int(value)


def _sign(value: float) -> float:
    return math.copysign(1.0, value)


POINT_ROWS: tuple[Row, ...] = (
    _row("sqrt-negative", "sqrt rsqrt", lambda x: x < 0, _NAN,
         "{op} of {0} is nan: a negative number has no real root"),
    _row("rsqrt-zero", "rsqrt", lambda x: x == 0, lambda x: _sign(x) * _INF, "rsqrt of 0 is 1 / 0 = {result}"),
    _row("log-zero", "log log2 log10", lambda x: x == 0, -_INF, "{op} of 0 is -inf"),
    _row("log-zero", "log1p", lambda x: x == -1, -_INF, "log1p of -1 is the log of 0: -inf"),
    _row("log-negative", "log log2 log10", lambda x: x < 0, _NAN, "{op} of {0} is nan: it is negative"),
    _row("log-negative", "log1p", lambda x: x < -1, _NAN, "log1p of {0} is nan: it is the log of a negative number"),
    _row("zero-by-zero", "div", lambda a, b: a == 0 == b, _NAN, "0 / 0 is nan"),
    _row("divide-by-zero", "div", lambda a, b: a != 0 and b == 0 and not math.isnan(a),
         lambda a, b: _sign(a) * _sign(b) * _INF, "{0} / 0 is {result}"),
    _row("divide-by-zero", "reciprocal", lambda x: x == 0, lambda x: _sign(x) * _INF, "1 / 0 is {result}"),
    _row("modulo-zero", "remainder fmod mod", lambda a, b: b == 0, _NAN, "{op} of {0} by 0 is nan"),
    _row("inf-by-inf", "div", lambda a, b: math.isinf(a) and math.isinf(b), _NAN, "{0} / {1} is nan"),
    _row("inf-minus-inf", "add", lambda a, b: math.isinf(a) and a == -b, _NAN, "{0} + {1} is nan"),
    _row("inf-minus-inf", "sub", lambda a, b: math.isinf(a) and a == b, _NAN, "{0} - {1} is nan"),
    _row("zero-times-inf", "mul", lambda a, b: {abs(a), abs(b)} == {0.0, _INF}, _NAN, "{0} × {1} is nan"),
    _row("periodic-of-inf", "sin cos tan", math.isinf, _NAN, "{op} of {0} is nan"),
    _row("remainder-of-inf", "remainder fmod mod", lambda a, b: math.isinf(a), _NAN, "{op} of {0} by {1} is nan"),
    _row("power-of-negative", "pow float_power", lambda a, b: a < 0 and math.isfinite(a) and not _is_whole(b)
         and math.isfinite(b), _NAN, "{0} to the power {1} is nan: a negative number has no real power that is no whole"
         " number"),
    _row("power-of-zero", "pow float_power", lambda a, b: a == 0 and b < 0,
         lambda a, b: _sign(a) * _INF if _is_whole(b) and b % 2 else _INF, "0 to the power {1} is 1 / 0 = {result}"),
    _row("outside-of-domain", "acos asin atanh erfinv", lambda x: abs(x) > 1, _NAN,
         "{op} of {0} is nan: it is defined from -1 to 1"),
    _row("outside-of-domain", "acosh", lambda x: x < 1, _NAN, "acosh of {0} is nan: it is defined from 1 on"),
    _row("pole", "atanh erfinv", lambda x: abs(x) == 1, lambda x: _sign(x) * _INF, "{op} of {0} is {result}"),
    _row("outside-of-domain", "logit", lambda x: x < 0 or x > 1, _NAN,
         "logit of {0} is nan: it is defined from 0 to 1"),
    _row("pole", "logit", lambda x: x in {0, 1}, lambda x: _INF if x else -_INF, "logit of {0} is {result}"),
    _row("pole", "lgamma", lambda x: x <= 0 and _is_whole(x), _INF, "lgamma of {0} is inf: it has a pole there"),
    _row("pole", "digamma", lambda x: x <= 0 and _is_whole(x), lambda x: _NAN if x else -_sign(x) * _INF,
         "digamma of {0} is {result}: it has a pole there"),
    _row("log-negative", "xlogy", lambda x, y: y < 0, _NAN, "xlogy({0}, {1}) is nan: the log of a negative number"),
    _row("log-zero", "xlogy", lambda x, y: y == 0 and x != 0, lambda x, y: -_sign(x) * _INF,
         "xlogy({0}, 0) is {result}: {0} times the log of 0"),
)  # fmt: skip


# --- results that are too large ---------------------------------------------------------------------------------------

_EXPONENTIALS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "exp": (math.exp, math.log),
    "expm1": (math.expm1, math.log),
    "exp2": (lambda x: 2.0**x, math.log2),
    "sinh": (math.sinh, lambda x: math.log(x) + math.log(2)),
    "cosh": (math.cosh, lambda x: math.log(x) + math.log(2)),
}
"""Each with what gives the largest number that it can be given."""
_ARITHMETIC: dict[str, Callable[..., float]] = {
    "mul": lambda a, b: a * b,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "square": lambda a: a * a,
}
_SIGNS = {"mul": "×", "add": "+", "sub": "-", "div": "/"}
_CASTS = "to half bfloat16 float type type_as"


def _limit(case: Case, limit: str = "") -> str:
    return f"the largest {case.dtype} is {limit or number(largest(case.dtype))}"


def _exponential(case: Case) -> str | None:
    function, inverse = _EXPONENTIALS[case.name]
    limit = largest(case.dtype)
    for operands, where in _choices(case, lambda x: abs(x) > inverse(limit) and math.isfinite(x)):
        if _exceeds(function, [operands[0].number or 0.0], limit) == case.born:
            shown, most = apart(operands[0].number or 0.0, inverse(limit), operands[0].dtype)
            clause = f"{case.name}({shown}) overflows: {case.name} of more than {most}"
            return f"{clause} does not fit into {case.dtype}, {_limit(case)}{where}"
    return None


def _exceeds(function: Callable[..., float], values: list[float], limit: float) -> float | None:
    """Return the infinity that a result beyond a limit becomes; None where it is within."""
    try:
        result = function(*values)
    except OverflowError:
        is_negative = function in {_ARITHMETIC["pow"], math.sinh} and values[0] < 0
        return -_INF if is_negative and (len(values) < 2 or values[1] % 2) else _INF
    except ZeroDivisionError:
        return None
    if isinstance(result, complex) or not abs(result) > limit:
        return None
    return _sign(result) * _INF


def _arithmetic(case: Case) -> str | None:
    function, limit = _ARITHMETIC[case.name], largest(case.dtype)

    def is_too_much(*values: float) -> bool:
        return all(map(math.isfinite, values)) and _exceeds(function, list(values), limit) is not None

    for operands, where in _choices(case, is_too_much):
        values = [one.number or 0.0 for one in operands]
        if _exceeds(function, values, limit) == case.born:
            return f"{_formula(case.name, operands)} overflows: {_limit(case)}{where}"
    return None


def _formula(name: str, operands: tuple[Operand, ...]) -> str:
    shown = [one.shown for one in operands]
    if name == "square":
        return f"{shown[0]} squared"
    if name == "pow":
        return f"{shown[0]} to the power {shown[1]}"
    return f"{shown[0]} {_SIGNS[name]} {shown[1]}"


def _cast(case: Case) -> str | None:
    """A finite number does not fit into a smaller dtype."""
    given = case.operands[0] if case.operands else None
    if given is None or given.value is None or given.value.dtype == case.dtype or case.born is None:
        return None
    found = [given.number] if given.number is not None else list(extremes(given.value) or ())
    for value in found:
        if math.isfinite(value) and abs(value) > largest(case.dtype) and _sign(value) * _INF == case.born:
            shown, limit = apart(value, _sign(value) * largest(case.dtype), given.value.dtype)
            return f"{shown} as {case.dtype} is {number(case.born)}: {_limit(case, limit.lstrip('-'))}"
    return None


OVERFLOW_ROWS: tuple[Row, ...] = (
    Row("overflow", frozenset(_EXPONENTIALS), _exponential),
    Row("overflow", frozenset(_ARITHMETIC), _arithmetic),
    Row("overflow", names(_CASTS), _cast),
)
