"""Rows that are others in later versions of torch: what is taken at bounds and ties, and who gets it.

Each list holds from the version that it was measured with until a later list has the same row. Sources: torch's
derivatives.yaml of that version; every row is tested against tests/conformance/kinks.json, which was measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from gradb.rules.elementwise import SCALED, clamp_text
from gradb.rules.model import Numbers, Rule, Template
from gradb.rules.pairs import PAIRS

_BOUNDS = "at the bounds themselves PyTorch takes 0"
_HALVES = "at a bound itself the value gets one half, the bound the other"
_ROWS = {rule.node: rule for rule in (*SCALED, *PAIRS)}
Side = tuple[Template, Callable[[Numbers], float]]
"""(local, derivative) of one input."""


def _row(node: str, sides: tuple[Side, ...], condition: str) -> Rule:
    """Return the row of a node with other formulas and another proviso."""
    rule = _ROWS[node]
    parts = tuple(
        replace(part, local=local, condition=condition, derivative=slope)
        for part, (local, slope) in zip(rule.parts, sides, strict=True)
    )
    return replace(rule, parts=parts)


# --- bounds that are numbers ------------------------------------------------------------------------------------------


def _is_strictly_within(v: Numbers) -> float:
    return float(v.get("min", -math.inf) < v["self"] < v.get("max", math.inf))


_WITHIN: Side = (lambda names: clamp_text(names, "<"), _is_strictly_within)


# --- bounds and rivals that are tensors -------------------------------------------------------------------------------


def _of_value(v: Numbers) -> float:
    x, low, high = v["self"], v.get("min", -math.inf), v.get("max", math.inf)
    if x < low or x > high:
        return 0.0
    return 0.5 if low < high and x in {low, high} else 1.0


def _of_lower(v: Numbers) -> float:
    x, low, high = v["self"], v.get("min", -math.inf), v.get("max", math.inf)
    return 1.0 if x < low <= high else 0.5 if x == low < high else 0.0


def _of_upper(v: Numbers) -> float:
    x, low, high = v["self"], v.get("min", -math.inf), v.get("max", math.inf)
    if low > high or (x > high and low <= high):
        return 1.0
    return 0.5 if x == high > low else 0.0


def _shared(mine: str, others: str, turn: int) -> Callable[[Numbers], float]:
    """Return what the larger (turn 1) or the smaller one (-1) of two gets: half of a tie, all beside a NaN."""

    def slope(v: Numbers) -> float:
        a, b = turn * v[mine], turn * v[others]
        return 0.0 if a < b else 0.5 if a == b else 1.0

    return slope


def _numbered(mine: str, others: str, turn: int) -> Callable[[Numbers], float]:
    """The same where a NaN loses against any number, and the second one of two against the first."""
    shared = _shared(mine, others, turn)

    def slope(v: Numbers) -> float:
        if math.isnan(v["other"]):
            return float(mine == "self")
        return float(mine == "other") if math.isnan(v["self"]) else shared(v)

    return slope


def _extreme(node: str, sign: str, share: Callable[[str, str, int], Callable[[Numbers], float]], nan: str) -> Rule:
    turn = 1 if sign == ">" else -1
    sides = (
        (f"1 where {{self}} {sign} {{other}}, else 0", share("self", "other", turn)),
        (f"1 where {{other}} {sign} {{self}}, else 0", share("other", "self", turn)),
    )
    return _row(node, sides, f"of a tie each gets one half; {nan}")


_BOTH = "beside a NaN both get all of it"
_LOSES = "NaN loses against any number"

CHANGED: tuple[tuple[str, tuple[Rule, ...]], ...] = (
    (
        "2.14.1",
        (
            *(_row(node, (_WITHIN,), _BOUNDS) for node in ("Clamp", "ClampMin", "ClampMax")),
            _row(
                "Clamp0",
                (
                    ("1 where {min} < {self} < {max}, else 0", _of_value),
                    ("1 where {self} < {min} ≤ {max}, else 0", _of_lower),
                    ("1 where {self} > {max} or {max} < {min}, else 0", _of_upper),
                ),
                _HALVES,
            ),
            _row(
                "ClampMin1",
                (
                    ("1 where {self} > {min}, else 0", _shared("self", "min", 1)),
                    ("1 where {self} < {min}, else 0", _shared("min", "self", 1)),
                ),
                _HALVES,
            ),
            _row(
                "ClampMax1",
                (
                    ("1 where {self} < {max}, else 0", _shared("self", "max", -1)),
                    ("1 where {self} > {max}, else 0", _shared("max", "self", -1)),
                ),
                _HALVES,
            ),
            _extreme("Fmax", ">", _shared, _BOTH),
            _extreme("Fmin", "<", _shared, _BOTH),
        ),
    ),
    ("2.15.0", (_extreme("Fmax", ">", _numbered, _LOSES), _extreme("Fmin", "<", _numbered, _LOSES))),
)
"""(version, rows that are others from there on), oldest first."""
