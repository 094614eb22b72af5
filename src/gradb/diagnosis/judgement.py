"""Judges a tape by rules: shows the judges its events in order and collects what they find."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.finding import Finding
from gradb.diagnosis.rule import DiagnosisRule, Judge, NotJudgedError
from gradb.frame.reader import Tape, TapeError
from gradb.tape.kinds.registry import Kind

_WATCHED: frozenset[Kind] = frozenset(
    {"loss", "step", "intervention", "depth", "output", "error", "note", "end", "breakpoint", "print"}
)
"""Kinds that are recorded while a run is only watched; an error then says no more than that it was raised."""
_UNSEEN = "the run was only watched: nothing of its ops and gradients is on the tape"
_TRAINING: frozenset[Kind] = frozenset({"backward_start", "accumulate", "step"})
_UNTRAINED = "nothing was trained: no backward, no optimizer"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What some rules say of a tape, as far as it was judged."""

    position: int
    """The last event judged."""
    findings: tuple[Finding, ...]
    """In the order of their events."""
    judged: tuple[str, ...]
    """Codes of the rules that could judge."""
    unjudged: tuple[tuple[str, str], ...]
    """Code of each other, and why it could not."""
    is_unseen: bool = False
    """True where the run was only watched: then hardly a rule can judge."""
    is_untrained: bool = False
    """True where there is no backward and no optimizer: then only what explains errors can judge, if there are any."""


class Judgement:
    """The judging of one tape, finished or growing, by some rules.

    Args:
        tape: what is judged.
        rules: by which; all see each event once, in order.
    """

    def __init__(self, tape: Tape, rules: Iterable[DiagnosisRule]) -> None:
        self._tape, self._evidence = tape, Evidence(tape)
        self._failed: dict[str, str] = {}
        self._judges: list[tuple[DiagnosisRule, Judge]] = []
        for rule in rules:
            try:
                self._judges.append((rule, rule.judge(self._evidence)))
            except Exception as error:
                self._fail(rule, error)
        self._by_kind: dict[Kind, list[tuple[DiagnosisRule, Judge]]] = {}
        for one in self._judges:
            for kind in one[0].kinds:
                self._by_kind.setdefault(kind, []).append(one)
        self.position = 0
        """The last event judged."""
        self._is_watched = self._is_seen = self._is_trained = self._has_raised = False

    def advance(self, limit: int | None = None) -> bool:
        """Judge the events that were recorded since, ``limit`` of them at most; return whether all are judged now.

        Raises:
            TapeError: an event's header is damaged.
        """
        head = self._tape.head
        last = head if limit is None else min(head, self.position + limit)
        for event in self._tape.events(self.position + 1, last):
            self._evidence.see(event)
            self._is_watched = self._is_watched or (event.kind == "depth" and event.name == "watch")
            self._is_seen = self._is_seen or event.kind not in _WATCHED
            self._is_trained = self._is_trained or event.kind in _TRAINING
            self._has_raised = self._has_raised or event.kind == "error"
            for rule, judge in self._by_kind.get(event.kind, ()):
                if rule.code not in self._failed:
                    try:
                        judge.see(event)
                    except Exception as error:
                        self._fail(rule, error)
            self.position = event.seq
        return self.position >= head

    def verdict(self) -> Verdict:
        """Return what was found so far."""
        findings: list[Finding] = []
        unjudged = dict(self._failed)
        is_unseen = self._is_watched and not self._is_seen
        is_untrained = not (self._is_trained or self._is_watched or self._tape.fact("optimizer_1") is not None)
        for rule, judge in self._judges:
            if is_unseen and (rule.severity == "error" or not rule.kinds <= _WATCHED):
                unjudged[rule.code] = _UNSEEN
            if rule.code not in unjudged:
                try:
                    found = list(judge.findings())
                    findings += found
                    if is_untrained and not found and not (rule.severity == "error" and self._has_raised):
                        unjudged[rule.code] = _UNTRAINED  # that it finds nothing says nothing
                except NotJudgedError as reason:
                    unjudged[rule.code] = _UNTRAINED if is_untrained else str(reason)
                except Exception as error:
                    self._fail(rule, error)
                    unjudged[rule.code] = self._failed[rule.code]
        judged = tuple(rule.code for rule, _ in self._judges if rule.code not in unjudged)
        findings.sort(key=lambda finding: (finding.event, finding.code))
        return Verdict(self.position, tuple(findings), judged, tuple(sorted(unjudged.items())), is_unseen, is_untrained)

    def _fail(self, rule: DiagnosisRule, error: Exception) -> None:
        """A fault of ours in one rule costs that rule, and is told."""
        what = "the tape is damaged" if isinstance(error, TapeError) else "gradb failed at it"
        self._failed[rule.code] = f"{what}: {type(error).__name__}: {error}"


def judge(tape: Tape, rules: Iterable[DiagnosisRule]) -> Verdict:
    """Judge all of a tape.

    Raises:
        TapeError: an event's header is damaged.
    """
    judgement = Judgement(tape, rules)
    judgement.advance()
    return judgement.verdict()
