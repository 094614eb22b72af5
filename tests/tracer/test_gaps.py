"""What is missing is said of the event that it is missing from, and nothing false stands in its place."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gradb.frame.reader import Tape
from gradb.link.spec import Intervention
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.step import StepDetail
from gradb.tracer.isolation import genuine
from gradb.tracer.source.places import Places
from gradb.tracer.watch.call import ForwardCall
from gradb.tracer.watch.optimizers import OptimizerState
from gradb.tracer.watch.steps import StepWatch
from tests.tracer.recording import record


def _fails(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, *numbers: int) -> None:
    """Make the calls of these numbers, from 0, of a method fail."""
    count, original = itertools.count(), vars(owner)[name]

    def call(*args: Any, **kwargs: Any) -> Any:
        if next(count) in numbers:
            raise ZeroDivisionError("a bug in gradb")
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, call)


def _missing(tape: Tape) -> dict[int, set[str]]:
    """Return which parts are missing from which events."""
    gaps = {event.seq: {gap.part for gap in tape.missing(event.seq)} for event in tape.events()}
    return {seq: parts for seq, parts in gaps.items() if parts}


def _events(tape: Tape, kind: str) -> list[int]:
    return [event.seq for event in tape.events() if event.kind == kind]


def _two_steps() -> None:
    w = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.5)
    for _ in range(2):
        w.grad = torch.ones(2)
        optimizer.step()


def test_a_place_is_missing_from_its_own_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first note of its kind stands before the event; it is the event that has no line."""

    def script() -> None:
        w = torch.ones(2, requires_grad=True)
        (w * 2).sum()

    _fails(monkeypatch, Places, "find", 1)
    _, tape = record(tmp_path / "run.tape", script)
    (without,) = [event.seq for event in tape.events() if event.kind == "op" and event.line is None]
    assert _missing(tape) == {without: {"places in the source"}}


@pytest.mark.parametrize(
    ("owner", "name"), [(OptimizerState, "look_at_once"), (StepWatch, "_before"), (StepWatch, "_attempt")]
)
def test_a_step_that_was_not_seen_beginning_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: type, name: str
) -> None:
    """What the step before found is not shown as what this one has found."""
    _fails(monkeypatch, owner, name, 1)
    _, tape = record(tmp_path / "run.tape", _two_steps)
    first, second = _events(tape, "step")
    whole, detail = tape.detail(first), tape.detail(second)
    assert isinstance(whole, StepDetail)
    assert isinstance(detail, StepDetail)
    assert [len(whole.before), len(detail.before)] == [1, 0]
    assert "parameters before the step" in _missing(tape)[second]
    assert first not in _missing(tape)


def test_a_step_that_raises_forgets_what_it_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The failure is counted, and the next step has nothing of it."""

    def script() -> None:
        w = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.LBFGS([w], max_iter=1)

        def closure(is_bad: bool = False) -> torch.Tensor:
            w.grad = torch.ones(2)
            if is_bad:
                raise ValueError("bad")
            return w.detach().sum()

        with pytest.raises(ValueError, match="bad"):
            optimizer.step(lambda: closure(is_bad=True))
        optimizer.step(closure)

    _fails(monkeypatch, StepWatch, "_before", 0)
    _, tape = record(tmp_path / "run.tape", script)
    (step,) = _events(tape, "step")
    assert [failure.part for failure in tape.run.failures] == ["parameters before the step"]
    assert step not in _missing(tape)


def test_a_step_that_was_not_recorded_was_not_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step is said to be skipped by GradScaler only if it was not made."""
    _fails(monkeypatch, StepWatch, "_after", 0)
    _, tape = record(tmp_path / "run.tape", lambda: _scaled(torch.optim.SGD))
    assert _skipped(tape) == []


def test_a_step_that_nobody_watches_was_not_skipped(tmp_path: Path) -> None:
    """What stands in an optimizer's place, and is none, makes its steps unseen."""

    class Wrapped:
        def __init__(self, parameters: list[torch.Tensor], lr: float) -> None:
            self.param_groups = [{"params": parameters, "lr": lr}]

        def step(self) -> None:
            with torch.no_grad():
                for one in self.param_groups[0]["params"]:  # type: ignore[attr-defined]
                    one.sub_(one.grad)

    _, tape = record(tmp_path / "run.tape", lambda: _scaled(Wrapped))
    assert _skipped(tape) == []


def _scaled(make: Callable[..., Any]) -> None:
    w = torch.ones(2, requires_grad=True)
    optimizer, scaler = make([w], lr=0.5), torch.amp.GradScaler("cpu", init_scale=2.0)
    scaler.scale((w * w).sum()).backward()
    scaler.step(optimizer)
    scaler.update()


def _skipped(tape: Tape) -> list[str]:
    details = [tape.detail(seq) for seq in _events(tape, "step")]
    return [detail.skipped for detail in details if isinstance(detail, StepDetail) and detail.skipped]


def test_what_a_call_was_about_to_change_is_not_what_it_has_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing looked at the inputs before a call in place, they are not known."""

    def script() -> None:
        x = torch.ones(2)
        x.mul_(3)

    _fails(monkeypatch, ForwardCall, "before", 0)
    _, tape = record(tmp_path / "run.tape", script)
    (changing,) = [event.seq for event in tape.events() if event.name == "Tensor.mul_"]
    detail = tape.detail(changing)
    assert isinstance(detail, OpDetail)
    assert detail.inputs[0].value.data is None
    assert detail.inputs[0].value.note.startswith("not recorded: ")
    assert "inputs" in _missing(tape)[changing]


def test_the_scripts_grad_mode_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that fails while it has gradients off leaves the script as it was: graphs are built."""

    def script() -> list[bool]:
        w = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.5)
        modes = []
        for _ in range(3):
            loss = (w * w).sum()
            modes.append(loss.requires_grad)
            loss.backward()
            optimizer.step()
        return modes

    _fails(monkeypatch, genuine._GradMode, "__exit__", *range(20))
    try:
        modes, tape = record(tmp_path / "run.tape", script, changes=[Intervention("zero_grad", "on")])
    finally:
        torch.set_grad_enabled(True)
    assert modes == [True, True, True]
    assert tape.run.failures


def test_a_node_whose_making_was_not_seen_has_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of the op that was the next to use its output is not the line that made it."""

    def script() -> None:
        w = torch.ones(2, requires_grad=True)
        hidden = w.exp()
        hidden.sum().backward()

    _fails(monkeypatch, ForwardCall, "after", 1)
    _, tape = record(tmp_path / "run.tape", script)
    lines = {event.name: event.line for event in tape.events() if event.kind == "node"}
    assert lines["ExpBackward0"] is None
    assert lines["SumBackward0"] is not None
