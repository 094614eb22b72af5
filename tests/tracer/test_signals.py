from __future__ import annotations

import asyncio
import gc
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch
from torch import nn

from gradb.tracer import PACKAGE
from gradb.tracer.isolation import signals
from gradb.tracer.isolation.signals import deferring, held, remind, shielded, shields_above
from gradb.tracer.recording.composer import Composer
from gradb.tracer.recording.recorder import Recorder
from gradb.tracer.source.arguments import tensors_in
from gradb.tracer.watch import aten, blind_spots, call, checkpoints, node_code, scopes, steps
from tests.tracer.interrupting import Interrupting
from tests.tracer.recording import notes, record


class TimeIsUpError(Exception):
    """What a handler raises."""


@pytest.fixture(autouse=True)
def deferred() -> Iterator[None]:
    """Have handlers wait as in the debuggee, and leave those of the process as they were."""
    before = [(number, signal.getsignal(number)) for number in (signal.SIGUSR1, signal.SIGVTALRM)]
    with deferring():
        yield
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        for number, handler in before:
            signal.signal(number, handler)


def _raises(number: int, frame: object) -> None:
    raise TimeIsUpError


def _during(monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> list[int]:
    """Send a signal in the middle of every 7th call of a method of the recorder's; return how many were sent."""
    sent = [0, 0]
    original = getattr(Recorder, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        sent[1] += 1
        if sent[1] % 7 == 0 and shields_above(sys._getframe()):
            sent[0] += 1
            signal.raise_signal(number)
        return original(*args, **kwargs)

    monkeypatch.setattr(Recorder, name, call)
    return sent


@pytest.mark.parametrize("name", ["emit", "settle", "find"])
def test_a_handler_that_raises_raises_in_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A signal that arrives while an event is made becomes an exception at the script's line; no event is torn."""
    sent = _during(monkeypatch, name, signal.SIGUSR1)

    def script() -> int:
        signal.signal(signal.SIGUSR1, _raises)
        caught, w = 0, torch.ones(2, requires_grad=True)
        for _ in range(60):
            try:
                (w * 2).sum().backward()
            except TimeIsUpError:
                caught += 1
        return caught

    caught, tape = record(tmp_path / "run.tape", script)
    assert sent[0] >= 10
    assert caught >= 10
    assert not [event for event in tape.events() if event.kind == "note"]
    assert tape.head == len(list(tape.events()))


def test_what_a_handler_raises_is_no_failure_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What arrives while gradb begins to look at a call is raised in the script, and not told as our failure."""
    is_ready: list[object] = []
    sent = [0]

    def look(values: Any) -> Any:
        if is_ready and shields_above(sys._getframe(1)) and sent[0] < 20:
            sent[0] += 1
            signal.raise_signal(signal.SIGUSR1)
        return tensors_in(values)

    def script() -> int:
        caught, x = 0, torch.ones(3)
        is_ready.append(signal.signal(signal.SIGUSR1, _raises))
        for _ in range(20):
            try:
                x.split(1)
            except TimeIsUpError:
                caught += 1
        return caught

    monkeypatch.setattr(call, "tensors_in", look)
    caught, tape = record(tmp_path / "run.tape", script)
    assert caught >= 10
    assert not [event for event in tape.events() if event.kind == "note"]


def test_a_backward_is_not_stopped_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bare engine runs no Python in which a handler could raise: the exception comes when it has returned."""
    monkeypatch.setenv("GRADB_ACCELERATOR", "off")  # in C there is no call in which one could arrive

    def script() -> tuple[bool, torch.Tensor | None]:
        w = torch.ones(2, requires_grad=True)
        loss = (w * 2).sum()
        signal.signal(signal.SIGUSR1, _raises)
        original = Recorder.emit

        def emit(*args: Any, **kwargs: Any) -> int:
            if args[1] == "node_start":
                signal.raise_signal(signal.SIGUSR1)
            return original(*args, **kwargs)

        monkeypatch.setattr(Recorder, "emit", emit)
        try:
            loss.backward()
        except TimeIsUpError:
            return True, w.grad
        return False, w.grad

    (has_raised, gradient), tape = record(tmp_path / "run.tape", script)
    assert has_raised
    assert gradient is not None
    assert gradient.tolist() == [2, 2]
    assert [event.kind for event in tape.events()][-2:] == ["backward_end", "error"]


def test_an_interrupt_leaves_no_module_call_open(tmp_path: Path) -> None:
    """What follows a KeyboardInterrupt inside of a module stands in no scope of it."""

    class Slow(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            signal.raise_signal(signal.SIGINT)
            return x

    def script() -> None:
        x, linear = torch.ones(1, 2, requires_grad=True), nn.Linear(2, 2)
        with pytest.raises(KeyboardInterrupt):
            nn.Sequential(Slow())(x)
        linear(x)
        x * 3

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _, tape = record(tmp_path / "run.tape", script)
    finally:
        signal.signal(signal.SIGINT, before)
    scopes = {event.name: event.scope for event in tape.events() if event.kind == "op"}
    assert scopes["AddmmBackward0"] == "Linear"
    assert scopes["MulBackward0"] == ""


def test_the_script_sees_its_own_handlers() -> None:
    """What it has set is what it gets back, and what Python had set before."""
    assert signal.signal(signal.SIGUSR1, _raises) in {signal.SIG_DFL, None}
    assert signal.getsignal(signal.SIGUSR1) is _raises
    assert signal.signal(signal.SIGUSR1, signal.SIG_IGN) is _raises
    assert signal.signal(signal.SIGUSR1, signal.SIG_DFL) is signal.SIG_IGN
    assert signal.signal.__module__ == "signal"
    with pytest.raises(TypeError):
        signal.signal(signal.SIGUSR1, "nothing")  # type: ignore[arg-type]


def test_an_interval_timer_ends_what_never_ends(tmp_path: Path) -> None:
    """A time limit by a timer stops a loop of ops, wherever in gradb it comes."""

    def script() -> float:
        signal.signal(signal.SIGVTALRM, _raises)
        w, start = torch.ones(1, requires_grad=True), time.monotonic()
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.1)
        try:
            while time.monotonic() - start < 60:
                (w * 2).backward()
        except TimeIsUpError:
            return time.monotonic() - start
        return 60.0

    seconds, tape = record(tmp_path / "run.tape", script)
    assert seconds < 60
    assert not [event for event in tape.events() if event.kind == "note"]


def test_a_handler_that_comes_where_c_asks_python_raises_in_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the recording asks in the middle of an op, whether a person is stepping, is not left half-way either."""
    sent = [0]
    make: Any = Composer.__init__

    def is_stepping() -> bool:
        sent[0] += 1
        if sent[0] % 7 == 0:
            signal.raise_signal(signal.SIGUSR1)
        return False

    def script() -> int:
        signal.signal(signal.SIGUSR1, _raises)
        caught, w = 0, torch.ones(1, requires_grad=True)
        for _ in range(60):
            try:
                (w * 2).backward()
            except TimeIsUpError:
                caught += 1
        return caught

    monkeypatch.setattr(Composer, "__init__", lambda self, *args: make(self, *args[:-1], is_stepping))
    caught, tape = record(tmp_path / "run.tape", script)
    assert caught == sent[0] // 7 > 5
    assert not notes(tape)


def _optimizer() -> object:
    w = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    (w * 2).backward()
    optimizer.step()
    return optimizer


def _scaled_loss() -> object:
    w = torch.ones(1, requires_grad=True)
    return torch.amp.GradScaler("cpu").scale((w * 2).sum())


def _model() -> object:
    model = nn.Sequential(nn.Linear(1, 1))
    model(torch.ones(1))
    return model


@pytest.mark.parametrize("make", [_optimizer, _scaled_loss, _model])
def test_a_handler_that_comes_while_an_object_is_forgotten_raises_later(
    tmp_path: Path, make: Callable[[], object]
) -> None:
    """Python swallows what is raised in a callback, so that waits for what comes next."""
    sent: list[str] = []

    def look(frame: FrameType, event: str, argument: object) -> None:
        if (
            event == "call"
            and frame.f_code.co_filename.startswith((PACKAGE, weakref.__file__))
            and not shields_above(frame.f_back)
        ):
            sent.append(frame.f_code.co_qualname)
            signal.raise_signal(signal.SIGUSR1)

    def script() -> int:
        signal.signal(signal.SIGUSR1, _raises)
        kept = [make()]
        gc.collect()
        sys.setprofile(look)
        kept.clear()
        gc.collect()
        sys.setprofile(None)
        caught = 0
        for _ in sent:
            try:
                torch.ones(1) * 2
            except TimeIsUpError:
                caught += 1
        return caught

    caught, _ = record(tmp_path / "run.tape", script)
    assert caught == len(sent) > 0, sent


def test_a_handler_runs_between_two_ops_as_well(tmp_path: Path) -> None:
    """One that does not raise is called once a signal, with a frame of the script's."""
    seen: list[str] = []

    def handler(number: int, frame: Any) -> None:
        seen.append(frame.f_code.co_filename)

    def script() -> None:
        signal.signal(signal.SIGUSR1, handler)
        torch.ones(2, requires_grad=True) * 2
        signal.raise_signal(signal.SIGUSR1)
        print("said")

    record(tmp_path / "run.tape", script)
    assert seen == [__file__]


def test_asyncio_keeps_its_interrupt() -> None:
    """An event loop looks whether Python's own handler is in place before it sets one."""

    async def main() -> Callable[..., Any] | int | None:
        return signal.getsignal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert asyncio.run(main()) is not signal.default_int_handler
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_handler_that_comes_in_a_finaliser_raises_after_it() -> None:
    """Python swallows what is raised in a finaliser, and nothing of ours need run after it: the clock sends it on."""

    class Kept:
        @shielded
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGUSR1)

    signal.signal(signal.SIGUSR1, _raises)
    Kept()
    assert held == [signal.SIGUSR1]
    with pytest.raises(TimeIsUpError):
        _waits_for(threading.Thread(target=remind))
    assert not held


def _waits_for(thread: threading.Thread) -> None:
    thread.start()
    thread.join(10)
    for _ in range(1000):  # the signal may come a little after
        time.sleep(0.01)


class _Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x * x

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient * 2


def _train() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()


def _run_own_code_in_nodes() -> None:
    w = torch.ones(2, requires_grad=True)
    product = _Square.apply(w)  # type: ignore[no-untyped-call]
    product.register_hook(lambda gradient: gradient * 2)
    torch.utils.checkpoint.checkpoint(torch.sin, product, use_reentrant=False).sum().backward()


@pytest.mark.parametrize(("run", "is_aten"), [(_train, False), (_run_own_code_in_nodes, True)])
def test_a_handler_that_raises_leaves_the_tracing_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[[], None], is_aten: bool
) -> None:
    """Wherever it comes: the mode is on, no module call is open, no optimizer is stepping, no look goes on."""
    interrupting = Interrupting(signal.SIGUSR1, aten, blind_spots, checkpoints, node_code, scopes, steps)
    composers: list[Composer] = []
    changed: list[object] = []

    def state() -> list[object]:
        local = composers[0].local
        return [
            torch._C._len_torch_function_stack(), list(local.scopes), len(local.calls), len(local.steps), local.inside,
            local.recomputing, len(local.looks), torch._C._dispatch_tls_is_dispatch_key_included(aten._KEY),
        ]  # fmt: skip

    def arrived(number: int, frame: FrameType | None, arrived: Any = signals._arrived) -> None:
        interrupting.disarm()
        arrived(number, frame)

    def script() -> int:
        composers.extend(found for found in gc.get_objects() if type(found) is Composer and found.recorder.is_active)
        signal.signal(signal.SIGUSR1, _raises)
        caught, before = 0, state()
        while True:
            try:
                interrupting.arm()
                run()
                interrupting.disarm()
                torch.ones(1) * 2
            except TimeIsUpError:
                caught += 1
            if state() != before:
                changed.append(state())
            if not interrupting.disarm():
                return caught

    monkeypatch.setattr(signals, "_arrived", arrived)
    caught, tape = record(tmp_path / "run.tape", script, aten=is_aten)
    assert caught > 10
    assert not changed
    assert not [note for note in notes(tape) if "recorded" in note]
