"""Reads what is to be changed from outside, as people write it: ``off@120,on@200``, ``1e-4@300``, ``full@100-110``.

One grammar for the command line and the commands, and the sentences that say what a change does. It knows no debugger.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from gradb.debugger.errors import UserError
from gradb.link.spec import Intervention

if TYPE_CHECKING:
    from gradb.frame.training import InterventionMark, Training
    from gradb.link.spec import What

_ITERATION = re.compile(r"[0-9]{1,15}", re.ASCII)
_RANGE = re.compile(r"([0-9]{1,15})-([0-9]{1,15})", re.ASCII)
_RATE = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,4})?", re.ASCII | re.IGNORECASE)

ZERO_GRAD = ("script", "off", "on")
"""The zero_grad policies, in the order in which a switch goes round."""
DEPTHS = ("full", "watch")


def _is_rate(word: str) -> bool:
    return word == "script" or (_RATE.fullmatch(word) is not None and math.isfinite(float(word)))


@dataclass(frozen=True, slots=True)
class Adjustable:
    """Something that can be changed from outside."""

    title: str
    """What it is called in a sentence."""
    allowed: str
    """What it can be set to, in words."""
    first: str
    """What it is before anything is changed."""
    has: Callable[[str], bool]
    """Tells whether a word is one that it can be set to."""


ADJUSTABLE: dict[What, Adjustable] = {
    "zero_grad": Adjustable("zero_grad", "script, off or on", "script", lambda word: word in ZERO_GRAD),
    "lr": Adjustable("the learning rate", "script, or a number from 0 on such as 1e-4", "script", _is_rate),
    "record": Adjustable("recording", "full or watch", "full", lambda word: word in DEPTHS),
}


def parse_intervention(what: What, text: str) -> Intervention:
    """Read ``WORD`` or ``WORD@ITERATION``; without an iteration the change is for the first, which means at once.

    Raises:
        UserError: it is not that.
    """
    word, at, number = (part.strip() for part in text.partition("@"))
    thing = ADJUSTABLE[what]
    if not thing.has(word):
        raise UserError(f"{word!r} is not what {thing.title} can be set to: give {thing.allowed}")
    return Intervention(what, word, parse_iteration(number) if at else 1)


def parse_iteration(text: str) -> int:
    """Read the number of an iteration.

    Raises:
        UserError: it is not a whole number from 1.
    """
    if _ITERATION.fullmatch(text) is None or int(text) == 0:
        raise UserError(f"{text!r} is not an iteration: give a whole number from 1")
    return int(text)


def parse_schedule(what: What, text: str) -> tuple[Intervention, ...]:
    """Read changes separated by commas, and put them in order.

    Raises:
        UserError: one of them cannot be read, or two are for the same iteration.
    """
    return _ordered(text, (parse_intervention(what, part) for part in text.split(",")))


def _ordered(text: str, interventions: Iterable[Intervention]) -> tuple[Intervention, ...]:
    ordered = tuple(sorted(interventions, key=lambda intervention: intervention.iteration))
    for one, two in pairwise(ordered):
        if one.iteration == two.iteration:
            raise UserError(f"{text!r} gives iteration {one.iteration} twice: give each once")
    return ordered


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of iterations recorded in one way; ``last`` None: to the end."""

    word: str
    first: int
    last: int | None


def parse_depths(text: str) -> tuple[Intervention, ...]:
    """Read ``full``, ``watch``, ``WORD@N`` (from N on) or ``WORD@A-B`` (those alone), separated by commas.

    Before the first of them, and after a range, the run is recorded in the other way.

    Raises:
        UserError: it is not that, or the ranges are not in order.
    """
    spans: list[_Span] = []
    for part in map(str.strip, text.split(",")):
        span = _span(part, spans[-1].word if spans else "")
        if spans and span.first <= (spans[-1].last or spans[-1].first):
            raise UserError(f"{part!r} does not come after what is before it in {text!r}: give iterations in order")
        spans.append(span)
    depths = {1: other_depth(spans[0].word)}
    for span in spans:
        depths[span.first] = span.word
        if span.last is not None:
            depths[span.last + 1] = other_depth(span.word)
    return _without_repeats(depths)


def _span(part: str, word_before: str) -> _Span:
    """Read one part; a range alone goes on with the word of the part before it."""
    word, at, where = (piece.strip() for piece in part.partition("@"))
    if not at and word_before and _RANGE.fullmatch(word):
        word, where = word_before, word
    bounds = _RANGE.fullmatch(where)
    if bounds is None:
        return _Span(word, parse_intervention("record", part).iteration, None)
    first, last = (parse_intervention("record", f"{word}@{bound}").iteration for bound in bounds.groups())
    if last < first:
        raise UserError(f"{part!r} ends before it begins: give the smaller iteration first")
    return _Span(word, first, last)


def _without_repeats(depths: dict[int, str]) -> tuple[Intervention, ...]:
    """Leave out what changes nothing."""
    kept: list[Intervention] = []
    for iteration, word in sorted(depths.items()):
        if word != (kept[-1].value if kept else ADJUSTABLE["record"].first):
            kept.append(Intervention("record", word, iteration))
    return tuple(kept)


def other_depth(word: str) -> str:
    """Return ``watch`` for ``full`` and ``full`` for anything else."""
    return "watch" if word == "full" else "full"


def next_policy(word: str) -> str:
    """Return the policy after one: script, off, on, and script again."""
    return ZERO_GRAD[(ZERO_GRAD.index(word) + 1) % len(ZERO_GRAD)] if word in ZERO_GRAD else "script"


_DOES: dict[tuple[What, str], str] = {
    ("zero_grad", "script"): "the script's own calls clear gradients",
    ("zero_grad", "off"): "nothing clears gradients, whatever the script calls",
    ("zero_grad", "on"): "what a step has used is cleared before the next backward, whatever the script calls",
    ("lr", "script"): "each optimizer uses its own",
    ("record", "full"): "every event is kept",
    ("record", "watch"): "losses, gradient norms and output are kept, ops and nodes are not",
}


def say(intervention: Intervention, when: str) -> str:
    """Say what a change does, and when."""
    does = _DOES.get((intervention.what, intervention.value), "every optimizer uses it")
    return f"{ADJUSTABLE[intervention.what].title}: {intervention.value} {when}: {does}"


def option(intervention: Intervention, iteration: int) -> str:
    """Return the option that makes a new run with a change from an iteration on: ``--zero-grad off@120``."""
    where = f"@{iteration}" if iteration > 1 else ""
    return f"--{intervention.what.replace('_', '-')} {intervention.value}{where}"


class Settings:
    """What is set to what at the head of a run: as recorded, or as just asked for."""

    def __init__(self) -> None:
        self._asked: dict[What, tuple[str, int]] = {}  # value, and how many marks there will be with its own

    def ask(self, intervention: Intervention, training: Training | None) -> None:
        """Take note of a change that is to be made now, given what is recorded up to the head."""
        expected = max(len(_marks(intervention.what, training)), self._asked.get(intervention.what, ("", 0))[1])
        is_new = self.in_force(intervention.what, training) != intervention.value
        self._asked[intervention.what] = (intervention.value, expected + is_new)

    def in_force(self, what: What, training: Training | None) -> str:
        """Return what is in force, given what is recorded up to there."""
        marks = _marks(what, training)
        asked, expected = self._asked.get(what, (ADJUSTABLE[what].first, 0))
        return marks[-1].value if marks and len(marks) >= expected else asked


def _marks(what: What, training: Training | None) -> list[InterventionMark]:
    known = () if training is None else training.marks
    return [mark for mark in known if mark.what == what and training is not None and mark.event <= training.position]
