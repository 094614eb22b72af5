"""Reads where to stop, as people write it: ``node PowBackward0``, ``line 12 if loss > 100``, ``grad_norm > 1e3`` ...

One table; `until`, `break` and `clear` share it. It makes ``Stop`` values and knows no debugger.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from gradb.debugger.errors import UserError
from gradb.debugger.interventions import parse_iteration
from gradb.tape.conditions.condition import condition_of
from gradb.tape.expressions.faults import ExpressionError
from gradb.tape.expressions.variables import quoted
from gradb.tape.kinds.registry import SPECS
from gradb.tape.stops import Stop, StopKind, lines_of

KINDS = tuple(SPECS)
VALUES: dict[str, StopKind] = {"birth": "birth", "nan": "nan", "inf": "inf", "nonfinite": "nonfinite"}
"""What stops at values that are not finite, whatever kind of event they are of."""
WAYS = (
    "node NAME, aten NAME, line N, FILE:N, iteration N, param NAME, module NAME, birth, nan, inf, nonfinite, "
    "a kind of event (error, accumulate, step ...), or a condition such as grad_norm > 1e3"
)
_IF = re.compile(r"(?:^|\s)if(?:\s|$)")
_RELATION = re.compile(r"[<>=!(]|\s(?:in|is|not)\s")
"""What stands in a condition, and in no name of a place."""
_IN_FILE = re.compile(r"\.py:[0-9]+!?\s*$")
"""The end of a line in a file, whose path may have what stands in a condition; no condition ends so."""
_FOLLOWS = re.compile(r"\s*(?:[<>=!+\-*/.\[]|in\s|is\s|not\s|and\s|or\s)")
"""What cannot follow the word that begins a place."""


def parse_stop(text: str) -> Stop:
    """Read where to stop.

    Raises:
        UserError: the words say nothing of the kind, or the condition cannot be read.
    """
    where, *rest = _IF.split(text.strip(), maxsplit=1)
    if not rest:
        return _place(where)
    condition, place = rest[0].strip(), _place(where)
    _read(condition)
    if place.condition:
        raise UserError(f"`if` follows a place: say `{place.condition} and {condition}`")
    return replace(place, condition=condition)


def condition_alone(text: str) -> str | None:
    """Return the condition of ``if EXPR``, which says no place; None where there is something else.

    Raises:
        UserError: it cannot be read.
    """
    where, *rest = _IF.split(text.strip(), maxsplit=1)
    if where.strip() or not rest:
        return None
    _read(condition := rest[0].strip())
    return condition


def _place(text: str) -> Stop:
    word, _, rest = text.strip().partition(" ")
    if not word:
        raise UserError(f"there is no place to stop: {WAYS}")
    if (reader := _PLACES.get(word)) is not None and not _FOLLOWS.match(text.strip()[len(word) :]):
        return reader(rest.strip())
    if (not rest and (word.removesuffix("!").isdigit() or _is_line(word))) or _IN_FILE.search(text):
        return _line(text.strip())
    if _RELATION.search(text):
        return _when(text.strip())
    raise UserError(f"{quoted(text)} is not a place to stop: {WAYS}")


def _is_line(word: str) -> bool:
    return ":" in word and not _RELATION.search(word.removesuffix("!"))


def _need(text: str, sentence: str) -> str:
    if not text:
        raise UserError(sentence)
    return text


def _line(text: str) -> Stop:
    _, _, number = text.removesuffix("!").rpartition(":")
    if not (number.isascii() and number.isdigit()):
        raise UserError(f"{text!r} is not a line: give a number, or FILE:NUMBER")
    return Stop("at", text)


def _iteration(text: str) -> Stop:
    return Stop("iteration", str(parse_iteration(_need(text, "until iteration needs a number, e.g. iteration 120"))))


def _kind(text: str) -> Stop:
    if text not in KINDS:
        raise UserError(f"{quoted(text)} is not a place to stop: {WAYS}")
    return Stop("kind", text)


def _named(kind: StopKind, example: str) -> Callable[[str], Stop]:
    return lambda rest: Stop(kind, _need(rest, f"{kind} needs a name, e.g. {kind} {example}"))


def _alone(stop: Stop) -> Callable[[str], Stop]:
    def read(rest: str) -> Stop:
        if rest:
            raise UserError(f"{quoted(f'{stop.argument or stop.kind} {rest}')} is not a place to stop: {WAYS}")
        return stop

    return read


_PLACES: dict[str, Callable[[str], Stop]] = {
    **{kind: _alone(Stop("kind", kind)) for kind in KINDS},
    **{word: _alone(Stop(kind)) for word, kind in VALUES.items()},
    "node": lambda rest: Stop("node", _need(rest, "until node needs a name, e.g. node PowBackward0")),
    "aten": lambda rest: Stop("aten", rest) if rest else Stop("kind", "aten"),
    "line": _line,
    "at": _line,
    "iteration": _iteration,
    "param": _named("param", "layer1.weight"),
    "module": _named("module", "layer1"),
    "kind": _kind,
}
"""What reads the rest behind the word that begins a place."""


def without_mark(condition: str) -> str:
    """Return a condition without the ``!`` at its end, which says that what it names will come."""
    return condition.removesuffix("!").rstrip()


def _read(text: str) -> None:
    try:
        condition_of(without_mark(text))
    except ExpressionError as error:
        raise UserError(str(error)) from error


def _when(text: str) -> Stop:
    _read(text)
    if not condition_of(without_mark(text)).can_stop:
        raise UserError(f"nothing that `{text}` names is newly determined by an event: say where, as in `12 if {text}`")
    return Stop("when", condition=text)


def describe(stop: Stop) -> str:
    """Say where a stop stops, in the words that ``parse_stop`` reads; of a whole path the last part."""
    if stop.kind == "when":
        return stop.condition
    where = stop.argument if stop.kind == "kind" else str(replace(stop, condition=""))
    if stop.kind == "at":
        file, first, _ = lines_of(stop.argument)
        name = file.rpartition("/")[2] if file.startswith("/") else file
        where = f"{name}:{first}" if file else f"line {first}"
    return f"{where} if {stop.condition}" if stop.condition else where
