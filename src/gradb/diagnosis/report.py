"""The report on a run: what its verdict comes to, once findings of one place are one, and comments have been heeded.

It says what was judged and what was not, and whether the error that ended the script is explained. How it is shown it
does not know.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gradb.diagnosis.finding import Finding
from gradb.diagnosis.ignores import Ignore, ignores_of
from gradb.diagnosis.judgement import Verdict
from gradb.diagnosis.registry import RULES
from gradb.diagnosis.rule import DiagnosisRule
from gradb.frame.reader import Tape
from gradb.tape.kinds.end import EndDetail
from gradb.tape.kinds.error import ErrorDetail
from gradb.tape.stops import Stop


@dataclass(frozen=True, slots=True)
class Fault:
    """All findings of one rule at one line."""

    rule: DiagnosisRule
    finding: Finding
    """The first of them."""
    iterations: tuple[int, int]
    """Of the first and of the last of them."""
    count: int = 1

    @property
    def advice(self) -> str:
        """What to do: here, where the finding says so, else as the rule does."""
        return self.finding.advice or self.rule.advice


@dataclass(frozen=True, slots=True)
class Uncaught:
    """The exception that ended the script."""

    event: int
    detail: ErrorDetail
    is_explained: bool
    """A rule has found what is behind it."""


@dataclass(frozen=True, slots=True)
class BadIgnore:
    """A comment that names a code which no rule has."""

    file: str
    line: int
    code: str


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


@dataclass(frozen=True, slots=True)
class Report:
    """What is said of a run."""

    faults: tuple[Fault, ...]
    """In the order of their first events."""
    suppressed: int
    """Findings that a comment in the source has let be."""
    bad_ignores: tuple[BadIgnore, ...]
    judged: tuple[str, ...]
    """Codes of the rules that could judge."""
    unjudged: tuple[tuple[str, str], ...]
    """Code of each other, and why it could not."""
    uncaught: Uncaught | None
    failure: str
    """How the script ended that did not end well, otherwise than by an exception: ``exit code 3``; else empty."""
    stretch: Stretch


def report_of(tape: Tape, verdict: Verdict, table: dict[str, DiagnosisRule] = RULES) -> Report:
    """Make the report of a tape that was judged.

    Raises:
        TapeError: the tape is damaged.
    """
    uncaught = _uncaught(tape)
    found = [one for one in verdict.findings if not _is_caught(tape, one, table[one.code], uncaught)]
    ignores = {file: ignores_of(text) for file, text in tape.sources if text is not None and "gradb:" in text}
    kept = [one for one in found if not _is_ignored(one, ignores)]
    explained = any(table[one.code].severity == "error" for one in found)
    return Report(
        faults=tuple(_folded(tape, kept, table)),
        suppressed=len(found) - len(kept),
        bad_ignores=tuple(_bad(ignores, table)),
        judged=verdict.judged,
        unjudged=verdict.unjudged,
        uncaught=None if uncaught is None else replace(uncaught, is_explained=explained),
        failure="" if uncaught is not None else _failure(tape),
        stretch=_stretch(tape, is_unseen=verdict.is_unseen),
    )


def _folded(tape: Tape, findings: Iterable[Finding], table: dict[str, DiagnosisRule]) -> list[Fault]:
    """Make one of those that one rule has at one line."""
    faults: dict[object, Fault] = {}
    for number, one in enumerate(findings):
        at = tape.event(one.event).iteration if one.event else 1
        key = (one.code, one.file, one.line) if one.line is not None else number
        known = faults.get(key)
        if known is None:
            faults[key] = Fault(table[one.code], one, (at, at))
        else:
            faults[key] = replace(known, count=known.count + 1, iterations=(known.iterations[0], at))
    return list(faults.values())


# --- errors -----------------------------------------------------------------------------------------------------------


def _uncaught(tape: Tape) -> Uncaught | None:
    seq = tape.find(Stop("kind", "error"), tape.head, -1) if tape.head else None
    detail = None if seq is None else tape.detail(seq)
    if seq is None or not isinstance(detail, ErrorDetail) or not detail.is_uncaught:
        return None
    return Uncaught(seq, detail, is_explained=False)


def _failure(tape: Tape) -> str:
    detail = tape.detail(tape.head) if tape.is_finished else None
    if not isinstance(detail, EndDetail) or (not detail.exit_code and detail.signal is None):
        return ""
    return detail.reason if detail.signal is not None else f"exit code {detail.exit_code}"


def _is_caught(tape: Tape, finding: Finding, rule: DiagnosisRule, uncaught: Uncaught | None) -> bool:
    """Tell whether a finding explains an error that the script has caught: it expected that, and it is no fault."""
    if rule.severity != "error":
        return False
    if uncaught is None:
        return True
    raised = finding.event
    if tape.event(raised).kind != "error":
        raised = tape.find(Stop("kind", "error"), raised, 1) or raised
    detail = tape.detail(raised)
    is_it = isinstance(detail, ErrorDetail) and detail.type == uncaught.detail.type
    return not is_it or detail.message != uncaught.detail.message  # type: ignore[union-attr]


# --- comments ---------------------------------------------------------------------------------------------------------


def _is_ignored(finding: Finding, ignores: dict[str, tuple[Ignore, ...]]) -> bool:
    line = finding.line
    if line is None:
        return False
    return any(ignore.covers(finding.code, line) for ignore in ignores.get(finding.file or "", ()))


def _bad(ignores: dict[str, tuple[Ignore, ...]], table: dict[str, DiagnosisRule]) -> Iterable[BadIgnore]:
    for file, comments in ignores.items():
        for comment in comments:
            yield from (BadIgnore(file, comment.line, code) for code in comment.codes if code not in table)


# --- how much there was -----------------------------------------------------------------------------------------------


def _stretch(tape: Tape, *, is_unseen: bool) -> Stretch:
    training = tape.frame(tape.head).training
    depths = [mark for mark in training.marks if mark.what == "record"]
    watched: list[int] = []
    for mark, following in zip(depths, [*depths[1:], None], strict=False):
        if mark.value == "watch":
            last = training.iterations if following is None else following.iteration - 1
            watched += [mark.iteration, max(last, mark.iteration)]
    ended = tape.fact("ended_after")
    return Stretch(
        iterations=training.iterations if ended is None else int(ended),  # the one after it has begun
        watched=(watched[0], watched[-1]) if watched else None,
        is_ended=ended is not None,
        is_unseen=is_unseen,
    )
