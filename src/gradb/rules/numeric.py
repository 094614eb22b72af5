"""Functions of one number that the tables need and Python's math does not have.

Sources: series and asymptotic expansions of Abramowitz and Stegun, chapters 6 and 9.
"""

from __future__ import annotations

import math


def sigmoid(x: float) -> float:
    """Return 1 / (1 + e^-x) without overflow."""
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    return math.exp(x) / (1 + math.exp(x))


def inverse(x: float) -> float:
    """Return 1/x, infinite at 0."""
    return 1 / x if x else math.copysign(math.inf, x)


def normal_density(x: float) -> float:
    """Return the density of the standard normal distribution."""
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def normal_share(x: float) -> float:
    """Return the share of the standard normal distribution below x."""
    return math.erfc(-x / math.sqrt(2)) / 2


_SHIFT = 15  # from here on the expansions below are exact to the last digit or two
_MAX_ORDER = 20
_MAX_STEPS = 10_000  # of the recurrence, from a negative argument up to where the expansion holds
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730)


def digamma(x: float) -> float:
    """Return ψ(x), the derivative of ln Γ."""
    if x <= 0 and x == int(x):
        return math.nan
    if x < 0:
        return digamma(1 - x) - math.pi / math.tan(math.pi * x)
    total = 0.0
    while x < _SHIFT:
        total -= 1 / x
        x += 1
    tail = sum(b / (2 * k * x ** (2 * k)) for k, b in enumerate(_BERNOULLI, 1))
    return total + math.log(x) - 1 / (2 * x) - tail


def polygamma(n: int, x: float) -> float:
    """Return the n-th derivative of ψ, n ≥ 1."""
    if not 1 <= n <= _MAX_ORDER or x < -_MAX_STEPS:
        raise ValueError("order or argument of polygamma")
    sign, total = -1.0 if n % 2 == 0 else 1.0, 0.0
    if x <= 0 and x == int(x):
        return sign * math.inf
    while x < _SHIFT + n:
        total += math.factorial(n) / x ** (n + 1)
        x += 1
    lead = math.factorial(n - 1) / x**n + math.factorial(n) / (2 * x ** (n + 1))
    tail = sum(
        b * math.factorial(2 * k + n - 1) / (math.factorial(2 * k) * x ** (2 * k + n))
        for k, b in enumerate(_BERNOULLI, 1)
    )
    return sign * (total + lead + tail)


def bessel(order: int, x: float) -> float:
    """Return the modified Bessel function of the first kind, I_n(x), by its series; for |x| below 700."""
    half = x / 2
    term = half**order / math.factorial(order)
    total, k = term, 0
    while abs(term) > abs(total) * 1e-17 and k < 2000:
        k += 1
        term *= half * half / (k * (k + order))
        total += term
    return total
