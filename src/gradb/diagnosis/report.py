"""The report on a run: what its verdict comes to, once findings of one place are one, and comments have been heeded.

It says what was judged and what was not, and whether the error that ended the script is explained. How it is shown it
does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gradb.diagnosis.fault import Fault, folded, single
from gradb.diagnosis.ignores import Ignores
from gradb.diagnosis.judgement import Verdict
from gradb.diagnosis.registry import RULES
from gradb.diagnosis.rule import DiagnosisRule
from gradb.diagnosis.uncaught import Uncaught, failure, uncaught
from gradb.frame.reader import Tape


@dataclass(frozen=True, slots=True)
class Stretch:
    """How much of a run there was to judge."""

    iterations: int
    """The last iteration with a loss or a step; 0 where there is none."""
    watched: tuple[int, int] | None
    """The first and last iteration of those that were only watched; None: all were recorded in full."""
    is_ended: bool
    """True where gradb has ended the run, which would have gone on."""
    is_unseen: bool
    """True where all of the run was only watched."""
    is_untrained: bool = False
    """True where there is no backward and no optimizer."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is said of a run."""

    faults: tuple[Fault, ...]
    """In the order of their first events."""
    suppressed: int
    """Findings that a comment in the source has let be."""
    unknown: tuple[tuple[str, int, str], ...]
    """File, line and code of each comment that names a code which no rule has."""
    judged: tuple[str, ...]
    """Codes of the rules that could judge."""
    unjudged: tuple[tuple[str, str], ...]
    """Code of each other, and why it could not."""
    uncaught: Uncaught | None
    failure: str
    """How the script ended that did not end well, otherwise than by an exception: ``exit code 3``; else empty."""
    stretch: Stretch


def report_of(tape: Tape, verdict: Verdict, table: Mapping[str, DiagnosisRule] = RULES) -> Report:
    """Make the report of a tape that was judged to its end.

    Raises:
        TapeError: the tape is damaged.
    """
    raised, ignores = uncaught(tape), Ignores.of(tape)
    errors = {code for code, rule in table.items() if rule.severity == "error"}
    found = [
        one
        for one in verdict.findings
        if one.code not in errors or (raised is not None and raised.is_behind(one, tape))
    ]
    kept = [one for one in found if not ignores.covers(one)]
    is_explained = any(one.code in errors for one in found)
    return Report(
        faults=folded(single(tape, one, table[one.code]) for one in kept),
        suppressed=len(found) - len(kept),
        unknown=tuple(ignores.unknown(table)),
        judged=verdict.judged,
        unjudged=verdict.unjudged,
        uncaught=None if raised is None else replace(raised, is_explained=is_explained),
        failure="" if raised is not None else failure(tape),
        stretch=_stretch(tape, verdict),
    )


def _stretch(tape: Tape, verdict: Verdict) -> Stretch:
    training = tape.frame(tape.head).training
    depths = [mark for mark in training.marks if mark.what == "record"]
    watched: list[int] = []
    for mark, following in zip(depths, [*depths[1:], None], strict=False):
        if mark.value == "watch":
            last = training.iterations if following is None else following.iteration - 1
            watched += [mark.iteration, max(last, mark.iteration)]
    ended = tape.fact("ended_after")
    return Stretch(
        iterations=training.iterations if ended is None else int(ended),
        watched=(watched[0], watched[-1]) if watched else None,
        is_ended=ended is not None,
        is_unseen=verdict.is_unseen,
        is_untrained=verdict.is_untrained,
    )
