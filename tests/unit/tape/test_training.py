from __future__ import annotations

from pathlib import Path

import pytest

from gradb.frame.gradbuffer import GradBuffer
from gradb.frame.reader import Tape
from gradb.tape.kinds.depth import DepthDetail
from gradb.tape.kinds.step import StepDetail
from gradb.tape.values import TensorValue
from tests.fakes import TapeBuilder
from tests.unit.tape.pictures import numbers


def of_kind(tape: Tape, kind: str) -> list[int]:
    """Return the positions of the events of a kind."""
    return [event.seq for event in tape.events() if event.kind == kind]


def buffer(tape: Tape, position: int) -> GradBuffer:
    """Return the only .grad buffer of a tape."""
    (only,) = tape.frame(position).grads
    return only


@pytest.fixture
def off_at_3(tmp_path: Path) -> Tape:
    """Return a training of five iterations in which zero_grad is switched off at the third."""
    TapeBuilder.training_example(tmp_path / "t.tape", 5, off_at=3, seed="7")
    return Tape.open(tmp_path / "t.tape")


def test_what_is_in_force_holds_at_the_position(off_at_3: Tape) -> None:
    """Before the switch the policy is the script's; after it, the calls that it suppressed are counted."""
    (switch,) = of_kind(off_at_3, "intervention")
    calls = of_kind(off_at_3, "zero_grad")
    views = {position: off_at_3.frame(position).training for position in (0, switch - 1, switch, *calls)}
    assert views[switch - 1].policy is None
    policy = views[switch].policy
    assert policy is not None
    assert (policy.value, policy.iteration, policy.event) == ("off", 3, switch)
    assert [views[call].touched for call in calls] == [0, 0, 1, 2, 3]
    assert {view.iterations for view in views.values()} == {5}
    assert {view.seed for view in views.values()} == {7}
    assert [series.label for series in views[0].losses] == ["loss:7"]


def test_a_suppressed_call_leaves_the_gradient(off_at_3: Tape) -> None:
    """A call that did nothing touches no buffer, and says what is still in it."""
    call = of_kind(off_at_3, "zero_grad")[3]
    assert numbers(buffer(off_at_3, call).after) == numbers(buffer(off_at_3, call - 1).after)
    assert not buffer(off_at_3, call).is_current


def test_a_buffer_is_stale_in_a_backward_that_adds_to_older_gradients(off_at_3: Tape) -> None:
    """With zero_grad it never is; without, every later backward finds the sum of the earlier ones, and leaves it."""
    told = []
    for start in of_kind(off_at_3, "backward_start"):
        held = buffer(off_at_3, start)
        told.append((held.is_stale, held.fills, held.since))
    assert told == [(False, 0, 0), (False, 0, 0), (True, 1, 2), (True, 2, 2), (True, 3, 2)]
    filled = buffer(off_at_3, of_kind(off_at_3, "accumulate")[-1])
    assert (filled.is_stale, filled.fills) == (True, 4)
    assert [buffer(off_at_3, step).is_stale for step in of_kind(off_at_3, "step")] == [False, False, True, True, True]
    assert buffer(off_at_3, off_at_3.head).is_stale


def test_a_step_keeps_what_it_found_and_what_it_left(off_at_3: Tape) -> None:
    """Before, gradient, rate and after belong together: after = before - rate * gradient."""
    detail = off_at_3.detail(of_kind(off_at_3, "step")[0])
    assert isinstance(detail, StepDetail)
    (before,), (gradient,), (after,) = detail.before, detail.gradients, detail.parameters
    rate = detail.learning_rates[detail.groups[0]]
    pairs = zip(numbers(before) or [], numbers(gradient) or [], strict=True)
    assert after.value.numbers() == pytest.approx([w - rate * g for w, g in pairs])


def test_what_was_only_watched_is_said_not_to_be_known(tmp_path: Path) -> None:
    """In a stretch without events of ops no value is made up; when it ends, the tape takes stock again."""
    TapeBuilder.watched_example(tmp_path / "t.tape", 20)
    with Tape.open(tmp_path / "t.tape") as tape:
        watch, full = of_kind(tape, "depth")
        assert isinstance(tape.detail(full), DepthDetail)
        known, unknown = buffer(tape, watch), buffer(tape, watch + 1)
        assert numbers(known.after) is not None
        assert (numbers(unknown.after), numbers(unknown.leaf)) == (None, None)
        for value in (unknown.after, unknown.leaf, tape.lookup("w", full - 1), tape.grad("w", full - 1)):
            assert isinstance(value, TensorValue)
            assert value.note == "not recorded since iteration 4: only watched"
        view = tape.frame(watch + 1).training
        assert view.depth is not None
        assert (view.depth.value, view.depth.iteration) == ("watch", 4)
        assert tape.frame(full).training.depth is None
        assert numbers(buffer(tape, tape.head).after) is not None


def test_the_first_point_that_is_not_finite(tmp_path: Path) -> None:
    """The earliest NaN or infinity of losses and gradient norms is found, other series do not count."""
    with TapeBuilder(tmp_path / "t.tape") as builder:
        for number, (loss, norm) in enumerate([(1.0, 2.0), (2.0, float("inf")), (float("nan"), 1.0)], 1):
            seq = builder.output(f"{number}\n")
            builder.point("parameter_norm", "w", float("nan"), seq)
            builder.point("loss", "loss", loss, seq, 3)
            builder.point("grad_norm", "SGD", norm, seq)
            builder.iteration += 1
    with Tape.open(tmp_path / "t.tape") as tape:
        found = tape.frame(0).training.first_nonfinite
        assert found is not None
        assert (found.series.label, found.event, found.iteration, found.value) == ("SGD", 2, 2, float("inf"))
