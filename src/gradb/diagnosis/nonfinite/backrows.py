"""Reasons of backward nodes: the local derivative at the element, and what upstream times that is.

A row of ``LOCALS`` is the derivative of an op by each of its inputs, as a function of what the forward read and made,
with the infinities and NaNs that torch's own formula gives. A differential test holds each against torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from gradb.algebra.figures import apart, beside_whole, number
from gradb.diagnosis.nonfinite import traffic
from gradb.diagnosis.nonfinite.case import Case, Operand, extremes, is_same_kind, largest
from gradb.diagnosis.nonfinite.pointwise import node_name
from gradb.diagnosis.nonfinite.reading import place
from gradb.diagnosis.nonfinite.reason import Row
from gradb.diagnosis.nonfinite.rowwise import spread_of_one

_INF, _NAN = math.inf, math.nan
Local = Callable[..., float]


def _over(above: float, below: float) -> float:
    """Divide as hardware does."""
    if below == 0:
        return _NAN if above == 0 or math.isnan(above) else math.copysign(_INF, above) * math.copysign(1.0, below)
    return above / below


def _root(value: float) -> float:
    return _NAN if value < 0 or math.isnan(value) else math.sqrt(value)


def _power(base: float, exponent: float) -> float:
    try:
        found = base**exponent
    except ZeroDivisionError:
        return _INF
    except OverflowError:
        return _INF
    return _NAN if isinstance(found, complex) else found


def _log(value: float) -> float:
    return _NAN if value < 0 or math.isnan(value) else -_INF if value == 0 else math.log(value)


def _power_base(a: float, b: float, result: float) -> float:
    return 0.0 if b == 0 else b * _power(a, b - 1)


def _erfinv(x: float, result: float) -> float:
    return _INF if abs(x) == 1 else _NAN if abs(x) > 1 else math.sqrt(math.pi) / 2 * math.exp(result * result)


def _log_ndtr(x: float, result: float) -> float:
    """As torch computes it: the two terms cancel where x is far below 0, and what is left of them is exponentiated."""
    try:
        return math.exp(-(result + x * x / 2)) / math.sqrt(2 * math.pi)
    except OverflowError:
        return _INF


_LN = {"log": 1.0, "log2": math.log(2), "log10": math.log(10)}

LOCALS: dict[str, tuple[tuple[Local, str], ...]] = {
    "sqrt": ((lambda x, y: _over(1.0, 2 * _root(x)), "1 / (2·√x)"),),
    "rsqrt": ((lambda x, y: -0.5 * _over(1.0, _root(x) * x), "-1 / (2·x·√x)"),),
    "log": ((lambda x, y: _over(1.0, x), "1 / x"),),
    "log2": ((lambda x, y: _over(1.0, x * _LN["log2"]), "1 / (x·ln 2)"),),
    "log10": ((lambda x, y: _over(1.0, x * _LN["log10"]), "1 / (x·ln 10)"),),
    "log1p": ((lambda x, y: _over(1.0, 1 + x), "1 / (1 + x)"),),
    "reciprocal": ((lambda x, y: -_over(1.0, x * x), "-1 / x²"),),
    "div": ((lambda a, b, y: _over(1.0, b), "1 / b"), (lambda a, b, y: -_over(_over(a, b), b), "-a / b²")),
    "pow": ((_power_base, "n·x^(n - 1)"),
            (lambda a, b, y: 0.0 if a == 0 and b >= 0 else _power(a, b) * _log(a), "x^n·ln x")),
    "acos": ((lambda x, y: -_over(1.0, _root(1 - x * x)), "-1 / √(1 - x²)"),),
    "asin": ((lambda x, y: _over(1.0, _root(1 - x * x)), "1 / √(1 - x²)"),),
    "acosh": ((lambda x, y: _over(1.0, _root(x * x - 1)), "1 / √(x² - 1)"),),
    "atanh": ((lambda x, y: _over(1.0, 1 - x * x), "1 / (1 - x²)"),),
    "logit": ((lambda x, y: _over(1.0, x * (1 - x)) if 0 <= x <= 1 else _NAN, "1 / (x·(1 - x))"),),
    "erfinv": ((_erfinv, "√π/2·exp(erfinv(x)²)"),),
    "log_ndtr": ((_log_ndtr, "exp(-(log_ndtr(x) + x²/2)) / √(2π)"),),
    "hypot": ((lambda a, b, y: _over(a, math.hypot(a, b)), "a / √(a² + b²)"),
              (lambda a, b, y: _over(b, math.hypot(a, b)), "b / √(a² + b²)")),
    "xlogy": ((lambda x, y, r: 0.0 if x == 0 and y <= 0 else _log(y), "ln y"),
              (lambda x, y, r: _over(x, y), "x / y")),
    "exp": ((lambda x, y: y, "exp(x)"),),
    "expm1": ((lambda x, y: y + 1, "exp(x)"),),
    "exp2": ((lambda x, y: y * math.log(2), "2^x·ln 2"),),
    "abs": ((lambda x, y: float((x > 0) - (x < 0)), "sign(x)"),),
    "tanh": ((lambda x, y: 1 - y * y, "1 - tanh²(x)"),),
    "sigmoid": ((lambda x, y: y * (1 - y), "σ(x)·(1 - σ(x))"),),
    "sin": ((lambda x, y: math.cos(x), "cos(x)"),),
    "cos": ((lambda x, y: -math.sin(x), "-sin(x)"),),
    "mul": ((lambda a, b, y: b, "(the other factor)"), (lambda a, b, y: a, "(the other factor)")),
}  # fmt: skip
"""Op -> for each of its inputs the derivative, by its inputs and its result, and how that is written."""


def _local(case: Case) -> str | None:
    """Multiply upstream by the local derivative at the element."""
    parts = LOCALS.get(case.name)
    if parts is None or case.made.number >= len(parts) or not case.upstream:
        return None
    derivative, formula = parts[case.made.number]
    operands, where = _operands(case, derivative)
    if not operands:
        return None
    factor = derivative(*(one.number for one in operands), case.result() if not where else _NAN)
    sent = case.number_in(case.upstream[0].value) if not where else _implied(case, factor)
    if sent is None or case.born is None:
        return None
    return _clause(case, operands, (factor, formula, sent), where)


def _operands(case: Case, derivative: Local) -> tuple[tuple[Operand, ...], str]:
    """Return the operands at the element; where that is not known, at the extreme where the derivative is infinite."""
    operands, count = case.operands, derivative.__code__.co_argcount - 1
    if len(operands) < count:
        return (), ""
    operands = operands[:count]
    if all(one.number is not None for one in operands):
        return operands, ""
    bounds = extremes(operands[0].value) if count == 1 and operands[0].value is not None else None
    dtype = operands[0].dtype
    for bound, word in zip(bounds or (), ("smallest", "largest"), strict=False):
        if not math.isfinite(derivative(bound, _NAN)):
            return (
                Operand("", bound, operands[0].value),
            ), f" ({beside_whole(bound, dtype)} is the {word} element there)"
    return (), ""


def _implied(case: Case, factor: float) -> float | None:
    """Return what must have been sent where the factor is infinite and a NaN came of it: 0, the rest being finite."""
    found = case.upstream[0].value.is_finite
    return 0.0 if found and math.isinf(factor) and case.born is not None and math.isnan(case.born) else None


def _clause(case: Case, operands: tuple[Operand, ...], product: tuple[float, str, float], where: str) -> str | None:
    factor, formula, sent = product
    made = sent * factor if not (math.isnan(factor) or math.isnan(sent)) else _NAN
    is_overflow = math.isfinite(factor) and math.isfinite(sent) and abs(made) > largest(case.dtype)
    result = math.copysign(_INF, made) if is_overflow else made
    if not is_same_kind(result, case.born if case.born is not None else 0.0):
        return None
    at = _at(case, operands, where)
    local = f"the local derivative {formula} is {number(factor)}"
    if is_overflow:
        return (
            f"{at}{local}, and {number(sent)} × {number(factor)} overflows: the largest {case.dtype} is"
            f" {number(largest(case.dtype))}"
        )
    if math.isnan(factor):
        return f"{at}{local} (0 / 0, or a root or log of a negative number)"
    return f"{at}{local}, and upstream {number(sent)} × {number(factor)} = {number(result)}{_trap(case, sent)}"


def _at(case: Case, operands: tuple[Operand, ...], where: str) -> str:
    """Return ``sqrt at x[2, 3] = 0: ``."""
    words = [_operand(case, index, one) for index, one in enumerate(operands)]
    return f"{case.name} at {', '.join(words)}{where}: "


def _operand(case: Case, index: int, one: Operand) -> str:
    if one.value is None:
        return one.shown
    word = one.text or ("its input" if index == 0 else "its other input")
    is_there = not one.text and one.value.shape == case.made.value.shape
    return f"{word}{place(one.value.shape, case.made.element) if is_there else ''} = {one.shown}"


def _trap(case: Case, sent: float) -> str:
    """Say of a 0 that ``where`` sent it into the branch that was not taken: that does not keep the NaN out."""
    if sent != 0 or not case.upstream:
        return ""
    arrived = case.upstream[0]
    if arrived.node is None:
        return ""
    for event, edge in case.origins.senders(arrived.backward, arrived.node, arrived.number, arrived.event):
        header = case.origins.event(event)
        name = node_name(header.name)
        if name in {"where", "maskedfill"} and any(one.number == edge for one in traffic.made(case.origins, event)):
            line = f" on line {header.line}" if header.line else ""
            call = "where" if name == "where" else "masked_fill"
            return f"; the 0 comes from {call}{line}, which did not take this branch: 0 × inf is nan all the same"
    return ""


def _masked(case: Case) -> str | None:
    """The softmax, or logsumexp, of a row that is all -inf."""
    made = case.op.outputs[0].value if case.op is not None and case.op.outputs else None
    given = case.op.inputs[0].value if case.op is not None and case.op.inputs else None
    if made is None or given is None or case.born is None or not math.isnan(case.born):
        return None
    found = given.nonfinite()
    if found is None or found.nan or not found.neginf:
        return None
    odd = made.nonfinite()
    if odd is None or not (odd.nan or odd.neginf):
        return None
    return "a row of its input is all -inf: exp(-inf - (-inf)) is exp of nan"


def _product_too_large(case: Case) -> str | None:
    """Finite numbers came in, and a sum or product of them does not fit."""
    sent = [one.value for one in case.upstream]
    if case.born is None or not sent or any(one.is_finite is not True for one in sent):
        return None
    bounds = [extremes(one) for one in sent]
    top = max((max(map(abs, each)) for each in bounds if each is not None), default=0.0)
    others = [one.value for one in traffic.saved(case.origins, case.made.event)]
    if any(one.is_finite is not True for one in others):
        return None
    known = [extremes(one) for one in others]
    reach = max((max(map(abs, each)) for each in known if each is not None), default=1.0)
    terms = max([one.numel for one in (*sent, *others)], default=1)
    if math.log(max(top, 1e-300)) + 2 * math.log(max(reach, 1.0)) + math.log(terms) < math.log(largest(case.dtype)) - 2:
        return None
    return (
        f"upstream goes up to {number(top)} and what was saved to {number(reach)}: their products do not fit into"
        f" {case.dtype}, the largest is {number(largest(case.dtype))}"
    )


def _cast(case: Case) -> str | None:
    """What arrived does not fit into the smaller dtype that is sent on."""
    if len(case.upstream) != 1 or case.upstream[0].value.dtype == case.dtype or case.born is None:
        return None
    arrived = case.upstream[0].value
    sent = case.number_in(arrived) if arrived.shape == case.made.value.shape else None
    if sent is None or not math.isfinite(sent) or not abs(sent) > largest(case.dtype):
        return None
    if math.copysign(_INF, sent) not in {case.born, -case.born}:
        return None
    shown, limit = apart(sent, math.copysign(largest(case.dtype), sent), arrived.dtype)
    return f"upstream {shown} is sent on as {case.dtype}, of which the largest is {limit.lstrip('-')}"


BACK_ROWS: tuple[Row, ...] = (
    Row("local-derivative", frozenset(LOCALS), _local),
    Row("spread-of-one", frozenset({"var", "std", "varmean", "stdmean"}), spread_of_one),
    Row("masked-row", frozenset({"softmax", "logsoftmax", "logsumexp"}), _masked),
    Row("overflow", frozenset({"add", "sub", "tocopy", "mul"}), _cast),
    Row("overflow", frozenset(), _product_too_large),
)
