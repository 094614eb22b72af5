"""What a numerical check found, in words, as rows of a table and as JSON."""

from __future__ import annotations

import math
from typing import Any

from gradb.algebra.differences import Outcome, Result, Verdict
from gradb.algebra.figures import number

EXIT_CODES: dict[Outcome, int] = {"agrees": 0, "differs": 1, "unclear": 2, "kink": 2, "jump": 2, "nonfinite": 2}


def exit_code(result: Result) -> int:
    """Return 0 where the two agree, 1 where they differ, 2 where that cannot be told."""
    return EXIT_CODES[result.verdict.outcome]


def sentence(result: Result) -> str:
    """Return the verdict in one sentence."""
    about = f"d {result.root} / d {result.label} in {result.where}, {result.runs} runs"
    return f"{result.label}: {_said(result)} ({about})"


def _said(result: Result) -> str:
    verdict, root = result.verdict, result.root
    engine = _digits(verdict.engine, verdict.error, 3)
    estimate = f"{_digits(verdict.estimate, verdict.error)} ± {verdict.error:.1g}"
    both = f"{estimate} by finite differences, {engine} by the engine"
    sides = f"{_digits(verdict.left, verdict.rounding)} and {_digits(verdict.right, verdict.rounding)}"
    near = f"here or within {number(result.rows[-2].step)}"
    match verdict.outcome:
        case "agrees":
            return f"agrees: {both}"
        case "differs" if verdict.is_kinked:
            return f"differs: left and right derivative are {sides}, {engine} by the engine"
        case "differs":
            return f"differs by {abs(verdict.difference):.2g}: {both}"
        case "unclear":
            return f"cannot tell: {both}: {_why_unclear(verdict, result)}"
        case "kink":
            return f"left and right derivative differ ({sides}): a kink {near}; {engine} by the engine"
        case "jump":
            return f"cannot tell: {root} jumps {near}, so it has no derivative; {engine} by the engine"
    return f"cannot tell: {root} or a gradient is NaN or infinite {near}; {engine} by the engine"


def _why_unclear(verdict: Verdict, result: Result) -> str:
    if verdict.rounding >= 0.25 * verdict.error:
        dtypes = " and ".join(dict.fromkeys(reversed(result.dtypes)))
        return f"{dtypes} has too few digits for so small a change of {result.root}"
    return f"{result.root} bends too much near this value"


def _digits(value: float, error: float, more: int = 0) -> str:
    """Return a number with the digits that an error leaves to it, and some more."""
    if value == 0 or not math.isfinite(value):
        return number(value)
    if not error or not math.isfinite(error):
        return number(value)
    digits = math.floor(math.log10(abs(value))) - math.floor(math.log10(error)) + 1
    return f"{value:.{min(max(digits, 1) + more, 15)}g}"


def legend(result: Result) -> str:
    """Say what the letters of the table stand for."""
    return f"f is {result.root}, x is {result.label} = {result.centre.x:.9g}"


def rows(result: Result) -> list[tuple[str, ...]]:
    """Return the figures as a table: a head, then one row a step."""
    found: list[tuple[str, ...]] = [("h", "f(x - h)", "f(x)", "f(x + h)", "left", "right", "central")]
    for row in result.rows:
        sides = (row.left(result.centre), row.right(result.centre), row.central)
        values = (row.minus.f, result.centre.f, row.plus.f)
        found.append((number(row.step), *(f"{value:.9g}" for value in values), *(f"{side:.6g}" for side in sides)))
    return found


def as_json(result: Result) -> dict[str, Any]:
    """Return everything as JSON; what is not finite is a string."""
    verdict = result.verdict
    return {
        "leaf": result.label,
        "root": result.root,
        "backward": result.backward,
        "where": result.where,
        "outcome": verdict.outcome,
        "engine": _json(verdict.engine),
        "estimate": _json(verdict.estimate),
        "error": _json(verdict.error),
        "rounding": _json(verdict.rounding),
        "left": _json(verdict.left),
        "right": _json(verdict.right),
        "x": _json(result.centre.x),
        "value": _json(result.centre.f),
        "steps": [
            {
                "step": row.step,
                "minus": [_json(row.minus.x), _json(row.minus.f)],
                "plus": [_json(row.plus.x), _json(row.plus.f)],
                "central": _json(row.central),
            }
            for row in result.rows
        ],
        "runs": result.runs,
        "sentence": sentence(result),
    }


def _json(value: float) -> float | str:
    return value if math.isfinite(value) else number(value)
