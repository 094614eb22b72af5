"""A ``breakpoint()`` of the script's is an event at its place, wherever it stands, and the run is held there."""

# ruff: noqa: T100 - breakpoints are what is tried here

from __future__ import annotations

import linecache
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import torch

import gradb
from gradb.frame.reader import Tape
from gradb.link.messages import Continue
from gradb.link.spec import Intervention
from gradb.tape.kinds.breakpoint import BreakpointDetail
from gradb.tape.kinds.event import Event
from gradb.tape.stops import Stop
from gradb.tracer.process.breakpoints import Breakpoints
from gradb.tracer.recording.gate import Gate
from gradb.tracer.recording.recorder import Recorder
from tests.tracer import recording

Script = Callable[[], torch.Tensor]
ORDER = Continue(Stop("end"), (Stop("kind", "breakpoint"),))


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each recording of a test take the place of pdb, until the test is over."""
    monkeypatch.delenv("PYTHONBREAKPOINT", raising=False)
    for name in ("breakpointhook", "__breakpointhook__"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    monkeypatch.setattr(gradb, "on_trace", None)
    begin = recording.begin

    def begin_with_breakpoints(path: Path, gate: Gate) -> Recorder:
        recorder = begin(path, gate)
        Breakpoints(recorder).install()
        return recorder

    monkeypatch.setattr(recording, "begin", begin_with_breakpoints)


def leaf() -> torch.Tensor:
    return torch.tensor([1.0, -2.0], requires_grad=True)


def between_two_ops() -> torch.Tensor:
    a = leaf()
    b = a * 2
    breakpoint()
    b.sum().backward()
    return a


def by_set_trace() -> torch.Tensor:
    a = leaf()
    gradb.set_trace(header="here")
    a.sum().backward()
    return a


def by_pythons_own_hook() -> torch.Tensor:
    a = leaf()
    sys.__breakpointhook__()
    a.sum().backward()
    return a


def in_a_hook() -> torch.Tensor:
    a = leaf()
    b = a * 2

    def hook(grad: torch.Tensor) -> torch.Tensor:
        breakpoint()
        return grad * 3

    b.register_hook(hook)
    b.sum().backward()
    return a


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
        twice = grads[0] * 2
        breakpoint()
        return twice


def in_a_custom_backward() -> torch.Tensor:
    a = leaf()
    b: torch.Tensor = Doubled.apply(a)  # type: ignore[no-untyped-call]
    b.sum().backward()
    return a


def in_no_grad() -> torch.Tensor:
    a = leaf()
    with torch.no_grad():
        breakpoint()
    a.sum().backward()
    return a


class Halves(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        breakpoint()
        return x / 2


def in_a_module() -> torch.Tensor:
    a = leaf()
    torch.nn.Sequential(Halves())(a).sum().backward()
    return a


def in_a_thread() -> torch.Tensor:
    a = leaf()
    losses: list[torch.Tensor] = []

    def work() -> None:
        b = a * 2
        breakpoint()
        losses.append(b.sum())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    losses[0].backward()
    return a


PLACES: dict[Script, str] = {
    between_two_ops: "breakpoint()",
    by_set_trace: 'gradb.set_trace(header="here")',
    by_pythons_own_hook: "sys.__breakpointhook__()",
    in_a_hook: "breakpoint()",
    in_a_custom_backward: "breakpoint()",
    in_no_grad: "breakpoint()",
    in_a_module: "breakpoint()",
    in_a_thread: "breakpoint()",
}
"""Where it stands, and the call as it is written there."""


def breakpoints(tape: Tape) -> list[Event]:
    return [event for event in tape.events() if event.kind == "breakpoint"]


def called_at(event: Event) -> str:
    """Return the source of the very expression that an event is at."""
    assert event.file is not None
    assert event.line is not None
    return linecache.getline(event.file, event.line)[event.column : event.end_column]


def plainly(script: Script) -> torch.Tensor:
    """Run a script without gradb and without breakpoints; return the gradient that it leaves."""
    sys.breakpointhook = sys.__breakpointhook__ = lambda *args, **kwargs: None
    gradb.on_trace = lambda header: None
    grad = script().grad
    assert grad is not None
    return grad


@pytest.mark.parametrize("script", PLACES)
@pytest.mark.parametrize("depth", ["full", "watch"])
def test_it_is_an_event_wherever_it_stands(script: Script, depth: Literal["full", "watch"], tmp_path: Path) -> None:
    """One event at the very call, the run is held at it, and the gradient is the same as without gradb."""
    held: list[int] = []

    def on_pause(head: int, request_seq: int) -> None:
        held.append(head)
        gate.release(ORDER)

    gate = Gate(ORDER, on_pause)
    result, tape = recording.record(tmp_path / "a.tape", script, gate=gate, changes=[Intervention("record", depth)])
    (event,) = breakpoints(tape)
    assert held == [event.seq]
    assert called_at(event) == PLACES[script]
    assert not recording.notes(tape)
    assert torch.equal(result.grad, plainly(script))


def test_it_tells_where_it_is(tmp_path: Path) -> None:
    """The header that it was given, the module that it is in, the grad mode, and the thread."""
    found = {}
    for script in PLACES:
        _, tape = recording.record(tmp_path / f"{script.__name__}.tape", script)
        found[script] = tape, breakpoints(tape)[0]
    tape, event = found[by_set_trace]
    assert tape.detail(event.seq) == BreakpointDetail("here")
    assert found[in_a_module][1].scope == "0"
    assert found[in_no_grad][1].grad_mode == "off"
    assert found[between_two_ops][1].grad_mode == "on"
    assert found[in_a_thread][1].thread == 1
    assert {script for script in PLACES if found[script][1].phase == "backward"} == {in_a_hook, in_a_custom_backward}


def test_it_stands_between_the_ops_around_it(tmp_path: Path) -> None:
    """What comes before it is recorded before it, and what comes after it after; each call has an event of its own."""

    def script() -> None:
        a = leaf() * 2
        for _ in range(2):
            breakpoint()
        a.sum()

    _, tape = recording.record(tmp_path / "a.tape", script)
    kinds = [event.kind for event in tape.events()]
    assert kinds == ["leaf", "op", "breakpoint", "breakpoint", "op"]


def test_a_debugger_that_is_chosen_later_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that sets PYTHONBREAKPOINT or the hook itself gets what it has set, and nothing of it is recorded."""

    def script() -> None:
        monkeypatch.setenv("PYTHONBREAKPOINT", "0")
        breakpoint()
        monkeypatch.setenv("PYTHONBREAKPOINT", f"{__name__}.call")
        breakpoint("named")
        monkeypatch.delenv("PYTHONBREAKPOINT")
        monkeypatch.setattr(sys, "breakpointhook", lambda: call("own"))
        breakpoint()

    called.clear()
    _, tape = recording.record(tmp_path / "a.tape", script)
    assert called == ["named", "own"]
    assert breakpoints(tape) == []


called: list[str] = []


def call(name: str) -> None:
    """Stand for another debugger."""
    called.append(name)


def test_a_debugger_that_was_chosen_before_is_left_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PYTHONBREAKPOINT is set, Python's own hook stays: nothing of gradb's is between it and the script."""
    monkeypatch.setenv("PYTHONBREAKPOINT", "gradb.set_trace")
    hook = sys.breakpointhook
    _, tape = recording.record(tmp_path / "a.tape", lambda: breakpoint(header="by name"))
    assert sys.breakpointhook is hook
    (event,) = breakpoints(tape)
    assert (event.name, tape.detail(event.seq)) == ("gradb.set_trace()", BreakpointDetail("by name"))
