"""How a tape is judged: every event once and in order, alone or as the tape grows; a failing rule costs itself."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.finding import Finding
from gradb.diagnosis.judgement import Judgement, judge
from gradb.diagnosis.rule import DiagnosisRule, NotJudgedError, Severity
from gradb.frame.reader import Tape
from gradb.tape.kinds.event import Event
from tests.fakes import TapeBuilder
from tests.unit.conftest import Tapes


class Accumulations:
    """Finds every event of accumulation."""

    def __init__(self, evidence: Evidence) -> None:
        self._seen: list[Event] = []

    def see(self, event: Event) -> None:
        self._seen.append(event)

    def findings(self) -> Iterable[Finding]:
        return [Finding("G900", event.seq, f"{event.name} is filled", event.file, event.line) for event in self._seen]


class Refuses(Accumulations):
    """Cannot tell."""

    def findings(self) -> Iterable[Finding]:
        raise NotJudgedError("nothing steps")


class Breaks(Accumulations):
    """Has a fault of its own."""

    def see(self, event: Event) -> None:
        raise ZeroDivisionError("division by zero")


class Count:
    """An account: how many events were seen."""

    def __init__(self, evidence: Evidence) -> None:
        self.seen: list[int] = []

    def see(self, event: Event) -> None:
        self.seen.append(event.seq)


def _rule(code: str, made: type[Accumulations], severity: Severity = "warning") -> DiagnosisRule:
    return DiagnosisRule(code, "title", severity, "meaning", "advice", frozenset({"accumulate"}), made)


@pytest.fixture
def tape(tapes: Tapes) -> Iterable[Tape]:
    with Tape.open(tapes("training")) as opened:
        yield opened


def test_a_judge_is_shown_all_events_of_its_kinds(tape: Tape) -> None:
    """And its findings come in the order of the tape."""
    verdict = judge(tape, [_rule("G900", Accumulations)])
    expected = [event.seq for event in tape.events() if event.kind == "accumulate"]
    assert [finding.event for finding in verdict.findings] == expected
    assert verdict.position == tape.head
    assert verdict.judged == ("G900",)
    assert verdict.unjudged == ()


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_judging_bit_by_bit_finds_the_same(tape: Tape, limit: int) -> None:
    """A tape that is judged while it grows gets the verdict of the whole."""
    judgement = Judgement(tape, [_rule("G900", Accumulations)])
    turns = 1
    while not judgement.advance(limit):
        turns += 1
    assert turns == -(-tape.head // limit)
    assert judgement.verdict() == judge(tape, [_rule("G900", Accumulations)])


def test_a_rule_that_cannot_judge_says_why(tape: Tape) -> None:
    """It is not among those that found nothing."""
    verdict = judge(tape, [_rule("G900", Accumulations), _rule("G901", Refuses)])
    assert verdict.judged == ("G900",)
    assert verdict.unjudged == (("G901", "nothing steps"),)


def test_a_rule_that_fails_costs_itself_alone(tape: Tape) -> None:
    """The others go on, and it is told as not judged."""
    verdict = judge(tape, [_rule("G900", Accumulations), _rule("G901", Breaks)])
    assert verdict.judged == ("G900",)
    assert verdict.unjudged == (("G901", "gradb failed at it: ZeroDivisionError: division by zero"),)


def test_an_account_is_shared_and_sees_every_event(tape: Tape) -> None:
    """However many rules ask for it, it is one, and it is ahead of the judges."""
    evidence = Evidence(tape)
    count = evidence.account(Count)
    assert evidence.account(Count) is count
    for event in tape.events():
        evidence.see(event)
    assert count.seen == list(range(1, tape.head + 1))


def test_nothing_found_where_nothing_was_trained_is_not_judged(tmp_path: Path) -> None:
    """A run without a backward and an optimizer is no clean training, and without an error none is explained."""
    with TapeBuilder(tmp_path / "forward.tape") as builder:
        builder.leaf("a", [1.0], line=1)
        builder.end()
    rules = [_rule("G900", Accumulations), _rule("G901", Refuses), _rule("G991", Accumulations, "error")]
    with Tape.open(tmp_path / "forward.tape", is_over=True) as forward:
        verdict = judge(forward, rules)
    assert not verdict.judged
    why = "nothing was trained: no backward, no optimizer"
    assert verdict.unjudged == (("G900", why), ("G901", why), ("G991", why))


def test_what_explains_errors_judges_where_nothing_was_trained(tmp_path: Path) -> None:
    """An error is one without a training too."""
    with TapeBuilder(tmp_path / "forward.tape") as builder:
        builder.error("RuntimeError", "it failed")
        builder.end(exit_code=1)
    with Tape.open(tmp_path / "forward.tape", is_over=True) as forward:
        verdict = judge(forward, [_rule("G900", Accumulations), _rule("G991", Accumulations, "error")])
    assert verdict.judged == ("G991",)


def test_what_is_found_without_a_training_is_judged(tmp_path: Path) -> None:
    """A finding stands, whatever else there is not."""
    leaves = DiagnosisRule("G900", "title", "warning", "meaning", "advice", frozenset({"leaf"}), Accumulations)
    with TapeBuilder(tmp_path / "forward.tape") as builder:
        builder.leaf("a", [1.0], line=1)
        builder.end()
    with Tape.open(tmp_path / "forward.tape", is_over=True) as forward:
        verdict = judge(forward, [leaves])
    assert verdict.judged == ("G900",)
    assert len(verdict.findings) == 1
