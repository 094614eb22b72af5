"""Rules about a training on tapes of fakes: what the user switched off, what was only watched, and what is bounded."""

from __future__ import annotations

from pathlib import Path

from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.judgement import Verdict, judge
from gradb.diagnosis.registry import RULES
from gradb.diagnosis.training.ledger import Ledger
from gradb.frame.reader import Tape
from tests.fakes.builder import TapeBuilder


def _verdict(path: Path) -> Verdict:
    with Tape.open(path) as tape:
        return judge(tape, [rule for rule in RULES.values() if rule.severity != "error"])


def _codes(path: Path) -> list[str]:
    return [finding.code for finding in _verdict(path).findings]


def _forgetful(path: Path, iterations: int, watched: int = 0) -> None:
    """Write a training that never clears a gradient; in an iteration it is only watched from then on, for a while."""
    with TapeBuilder(path) as tape:
        w = tape.leaf("w", [1.0, 2.0], line=1)
        for iteration in range(1, iterations + 1):
            loss = tape.op("Tensor.sum", "SumBackward0", [w], [3], (), name="loss", line=2, jacobians=[[1.0, 1.0]])
            tape.backward(loss, line=3)
            w = tape.step([w], 0.01, line=4)[0]
            if iteration == watched:
                tape.set_depth("watch", "asked for")
                tape.take_stock([w])
        tape.end()


def test_a_clear_that_the_user_switched_off_is_not_forgotten(tmp_path: Path) -> None:
    """The policy off keeps gradients on purpose: nobody is told that zero_grad is missing."""
    TapeBuilder.training_example(tmp_path / "on.tape", 6)
    TapeBuilder.training_example(tmp_path / "off.tape", 6, off_at=2)
    assert _codes(tmp_path / "on.tape") == []
    assert "G004" not in _codes(tmp_path / "off.tape")


def test_what_was_only_watched_counts_for_nothing(tmp_path: Path) -> None:
    """Whether a gradient was cleared while the run was only watched is not known, so counting begins anew."""
    _forgetful(tmp_path / "full.tape", 3)
    _forgetful(tmp_path / "watched.tape", 3, watched=2)
    assert "G004" in _codes(tmp_path / "full.tape")
    assert "G004" not in _codes(tmp_path / "watched.tape")


def test_a_stretch_that_was_watched_breaks_no_rule(tmp_path: Path) -> None:
    """Between the parts that were recorded in full nothing is found, and no rule fails."""
    TapeBuilder.watched_example(tmp_path / "run.tape")
    found = _verdict(tmp_path / "run.tape")
    assert found.findings == ()
    assert not [why for _, why in found.unjudged if "gradb failed" in why]


def test_the_ledger_does_not_grow_with_the_iterations(tmp_path: Path) -> None:
    """Of a training that goes on it keeps one leaf and one optimizer, however long."""
    TapeBuilder.training_example(tmp_path / "run.tape", 30)
    with Tape.open(tmp_path / "run.tape") as tape:
        ledger = Evidence(tape).account(Ledger)
        for event in tape.events():
            ledger.see(event)
        assert (len(ledger.leaves), len(ledger.optimizers), len(ledger.clears)) == (1, 1, 1)
        assert next(iter(ledger.optimizers.values())).steps == 30
