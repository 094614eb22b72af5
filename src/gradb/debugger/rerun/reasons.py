"""Says why a script did not do the same when it was run again: what is known to be another, and what is likely.

Knows two tapes of one script. What a script reads beside its own files is not on a tape, so nothing here is a proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gradb.debugger.rerun import origin
from gradb.debugger.rerun.signs import Signs, signs
from gradb.frame.reader import Tape

_MOST = 4
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that may have made the difference."""

    text: str
    """A clause: ``time.time is read (train.py:12)``."""
    is_known: bool
    """True where it is known to be another in the two runs, False where it is only likely to be."""


def reasons(first: Tape, again: Tape) -> list[Reason]:
    """Return what can be said, what is known first; empty where nothing is found."""
    own = {path: text for path, text in first.sources if text is not None and not origin.is_library(path)}
    found = signs(own)
    known = [Reason(text, is_known=True) for text in _known(first, again, found)]
    likely = [Reason(text, is_known=False) for text in _likely(first, found)]
    return [*known, *likely][:_MOST]


def _known(first: Tape, again: Tape, found: Signs) -> Iterator[str]:
    for key, what in (("python", "Python"), ("torch", "torch"), ("system", "the system"), ("cpus", "CPUs")):
        then, now = first.fact(key), again.fact(key)
        if then and now and then != now:
            yield f"{what}: {then} then, {now} now"
    texts = dict(again.sources)
    for path, text in first.sources:
        if text is not None and texts.get(path, text) not in {text, None}:
            yield f"{path} has been changed in between"
    stdin, stdin_again = origin.stdin_of(first), origin.stdin_of(again)
    if stdin is not None and stdin != stdin_again:
        yield f"{stdin[0]}, which is read as standard input, has been changed in between"
    if found.sets and first.fact("hash_seed") != again.fact("hash_seed"):
        yield f"the order of sets ({found.sets[0].where}), which PYTHONHASHSEED decides"


def _likely(first: Tape, found: Signs) -> Iterator[str]:
    if not first.fact("seed") and not found.is_seeded:
        yield "random numbers: no seed was given by --seed, and no torch.manual_seed is in the source"
    made = [write.path for write in first.writes.kept if not write.was_there and Path(write.path).is_file()]
    if made:
        named = ", ".join(Path(path).name for path in made[:_NAMED])
        rest = len(made) - _NAMED
        yield f"files that the first run made, and the next finds: {named}{f' and {rest:,} more' if rest > 0 else ''}"
    marks = [mark for mark in first.frame(first.head).training.marks if mark.what != "record" and mark.iteration > 1]
    if marks and not first.fact("seed"):
        yield f"{marks[0].what} was changed from outside in iteration {marks[0].iteration}, perhaps in its middle"
    for text, use in found.likely():
        yield f"{text} ({use.where})"
