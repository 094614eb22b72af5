"""Reads where to stop, as people write it: ``node PowBackward0``, ``line 12``, ``iteration 120``, ``error`` ...

One table; `until`, `break` and `clear` share it. It makes ``Stop`` values and knows no debugger.
"""

from __future__ import annotations

from gradb.debugger.errors import UserError
from gradb.debugger.interventions import parse_iteration
from gradb.tape.kinds.registry import SPECS
from gradb.tape.stops import Stop, StopKind, lines_of

KINDS = tuple(SPECS)
VALUES: dict[str, StopKind] = {"birth": "birth", "nan": "nan", "inf": "inf", "nonfinite": "nonfinite"}
"""What stops at values that are not finite, whatever kind of event they are of."""
WAYS = (
    "node NAME, aten NAME, line N, FILE:N, iteration N, birth, nan, inf, nonfinite, "
    "or a kind of event (error, accumulate, step ...)"
)


def parse_stop(text: str) -> Stop:
    """Read where to stop.

    Raises:
        UserError: the words say nothing of the kind.
    """
    word, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    if word == "node":
        return Stop("node", _need(rest, "until node needs a name, e.g. node PowBackward0"))
    if word == "aten" and rest:
        return Stop("aten", rest)
    if word in {"line", "at"}:
        return _line(rest)
    if word == "iteration":
        return Stop(
            "iteration", str(parse_iteration(_need(rest, "until iteration needs a number, e.g. iteration 120")))
        )
    if word == "kind":
        return _kind(rest)
    if rest:
        raise UserError(f"{text!r} is not a place to stop: {WAYS}")
    if (value := VALUES.get(word)) is not None:
        return Stop(value)
    if word.removesuffix("!").isdigit() or ":" in word:
        return _line(word)
    return _kind(word)


def _need(text: str, sentence: str) -> str:
    if not text:
        raise UserError(sentence)
    return text


def _line(text: str) -> Stop:
    _, _, number = text.removesuffix("!").rpartition(":")
    if not (number.isascii() and number.isdigit()):
        raise UserError(f"{text!r} is not a line: give a number, or FILE:NUMBER")
    return Stop("at", text)


def _kind(text: str) -> Stop:
    if text not in KINDS:
        raise UserError(f"{text!r} is not a place to stop: {WAYS}")
    return Stop("kind", text)


def describe(stop: Stop) -> str:
    """Say where a stop stops, in the words that ``parse_stop`` reads; of a whole path the last part."""
    if stop.kind == "at":
        file, first, _ = lines_of(stop.argument)
        name = file.rpartition("/")[2] if file.startswith("/") else file
        return f"{name}:{first}" if file else f"line {first}"
    return stop.argument if stop.kind == "kind" else str(stop)
