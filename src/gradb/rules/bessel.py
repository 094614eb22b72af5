"""Rules of the Bessel functions that torch can differentiate since 2.15, and those functions as numbers.

Sources: Abramowitz and Stegun, 9.1 and 9.6: the derivatives 9.1.27, 9.1.28, 9.6.26 and 9.6.27, the backward recurrence
of 9.12, Neumann's series 9.1.88 and the integral 9.6.24.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import count

from gradb.rules.model import Numbers, Part, Rule
from gradb.rules.numeric import bessel as modified

_FARTHEST = 1000.0  # beyond it the recurrence is long, and nobody looks at single numbers there
_SURE = 60  # orders above the argument from which the recurrence starts: what it starts with is forgotten on the way
_STEP = 1 / 16
_EULER = 0.57721566490153286


def _first_kind(x: float) -> list[float]:
    """Return J_0(x), J_1(x) ... for x ≥ 0, by Miller's backward recurrence, scaled by J_0 + 2·(J_2 + J_4 ...) = 1.

    Raises:
        ValueError: x is too large.
    """
    if not 0 <= x <= _FARTHEST:
        raise ValueError("argument of a Bessel function")
    orders = 2 * ((int(x) + _SURE) // 2)
    if x < 1e-6:
        return [1.0, x / 2, *[0.0] * (orders - 1)]
    found = [0.0] * (orders + 2)
    found[orders] = 1e-300
    for k in range(orders, 0, -1):
        found[k - 1] = 2 * k / x * found[k] - found[k + 1]
        if abs(found[k - 1]) > 1e200:
            found[k - 1 :] = [value * 1e-200 for value in found[k - 1 :]]
    total = found[0] + 2 * math.fsum(found[2::2])
    return [value / total for value in found[:-1]]


def bessel_j(order: int, x: float) -> float:
    """Return J of order 0 or 1."""
    value = _first_kind(abs(x))[order]
    return -value if order and x < 0 else value


def bessel_y(order: int, x: float) -> float:
    """Return Y of order 0 or 1: -infinity at 0, undefined below."""
    if x <= 0:
        return -math.inf if x == 0 else math.nan
    j = _first_kind(x)
    slopes = [-j[1], *((before - after) / 2 for before, after in zip(j, j[2:], strict=False))]
    log = math.log(x / 2) + _EULER
    if order == 0:
        return 2 / math.pi * (log * j[0] - 2 * _alternating(j))
    return -2 / math.pi * (j[0] / x + log * slopes[0] - 2 * _alternating(slopes))


def _alternating(values: list[float]) -> float:
    """Return Σ (-1)^k·v_2k/k over k ≥ 1."""
    return math.fsum((-1) ** k * value / k for k, value in enumerate(values[2::2], 1))


def bessel_k(order: int, x: float) -> float:
    """Return K of order 0 or 1, ∫ e^(-x·cosh t)·cosh(order·t) dt: infinite at 0, undefined below."""
    if x <= 0:
        return math.inf if x == 0 else math.nan
    total = math.exp(-x) / 2
    for t in count(_STEP, _STEP):
        term = math.exp(-x * math.cosh(t)) * math.cosh(order * t)
        if term <= total * 1e-18:
            return total * _STEP
        total += term
    raise AssertionError


def _over_x(numerator: float, x: float, at_zero: float) -> float:
    return numerator / x if x else at_zero


_NEXT = "the slope of one Bessel function is the next"
_NEIGHBOURS = "the slope of a Bessel function comes from its neighbours"
_ABOVE = "for values above 0; infinite at 0"


def _rule(name: str, local: str, sentence: str, slope: Callable[[float], float], condition: str = "") -> Rule:
    def derivative(v: Numbers) -> float:
        return slope(v["self"])

    node = "Special" + "".join(word.capitalize() for word in name.split("_"))
    return Rule(
        node, (Part("self", local, sentence, condition, derivative=derivative),), ("self",), (name, f"special_{name}")
    )


BESSEL = (
    _rule("bessel_j0", "-J₁({self})", _NEXT, lambda x: -bessel_j(1, x)),
    _rule(
        "bessel_j1",
        "J₀({self}) - {out}/{self}",
        _NEIGHBOURS,
        lambda x: bessel_j(0, x) - _over_x(bessel_j(1, x), x, 0.5),
        "1/2 at 0",
    ),
    _rule("bessel_y0", "-Y₁({self})", _NEXT, lambda x: -bessel_y(1, x), _ABOVE),
    _rule(
        "bessel_y1",
        "Y₀({self}) - {out}/{self}",
        _NEIGHBOURS,
        lambda x: bessel_y(0, x) - bessel_y(1, x) / x if x else math.inf,
        _ABOVE,
    ),
    _rule("modified_bessel_i0", "I₁({self})", _NEXT, lambda x: modified(1, x)),
    _rule(
        "modified_bessel_i1",
        "I₀({self}) - {out}/{self}",
        _NEIGHBOURS,
        lambda x: modified(0, x) - _over_x(modified(1, x), x, 0.5),
        "1/2 at 0",
    ),
    _rule("modified_bessel_k0", "-K₁({self})", _NEXT, lambda x: -bessel_k(1, x), _ABOVE),
    _rule(
        "modified_bessel_k1",
        "-K₀({self}) - {out}/{self}",
        _NEIGHBOURS,
        lambda x: -bessel_k(0, x) - _over_x(bessel_k(1, x), x, math.inf),
        _ABOVE,
    ),
)
