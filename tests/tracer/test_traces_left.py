"""What the tracer leaves behind in torch and in memory: nothing."""

from __future__ import annotations

import builtins
import dis
import gc
import inspect
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from gradb.frame.reader import Tape
from gradb.tracer.recording.composer import Composer
from tests.tracer.installed import installed, left_since
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch


def _train(iterations: int) -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x = torch.ones(4, 2)
    for _ in range(iterations):
        optimizer.zero_grad()
        loss = net(x).pow(2).mean()
        loss.backward()
        optimizer.step()
    return net


def test_torch_is_left_as_it_was_found(tmp_path: Path) -> None:
    """After the context nothing is installed, in torch or in Python."""
    before = installed()
    record(tmp_path / "run.tape", lambda: _train(2))
    assert left_since(before) == []


def test_torch_is_left_as_found_after_an_error(tmp_path: Path) -> None:
    """The same when the script raises inside the engine."""
    before = installed()

    def explode(grad: torch.Tensor) -> None:
        raise ValueError(str(grad.shape))

    def script() -> None:
        a = torch.ones(2, requires_grad=True)
        b = a * 2
        b.register_hook(explode)
        b.sum().backward()

    with pytest.raises(ValueError, match="Size"):
        record(tmp_path / "run.tape", script)
    assert left_since(before) == []
    tape = Tape.open(tmp_path / "run.tape")
    assert [event.kind for event in tape.events()][-2:] == ["backward_end", "error"]


def test_no_tensor_and_no_node_is_kept_alive(tmp_path: Path) -> None:
    """What the script lets go is gone, while the tracer still runs."""
    alive: list[weakref.ref[Any]] = []

    class Witness:
        pass

    def script() -> list[bool]:
        leaf = torch.ones(3, requires_grad=True)
        out = (leaf.exp() * 2).sum()
        witness = Witness()
        out.grad_fn.metadata["witness"] = witness  # type: ignore[union-attr, index]
        alive.extend([weakref.ref(leaf), weakref.ref(out), weakref.ref(witness)])
        del witness
        out.backward()
        del leaf, out
        return [ref() is None for ref in alive]

    gone, _ = record(tmp_path / "run.tape", script)
    assert gone == [True, True, True]


def test_a_custom_function_made_on_the_fly_is_let_go(tmp_path: Path) -> None:
    """Classes of autograd Functions that a script makes and drops are not kept by what is remembered of calls."""

    def make() -> weakref.ref[Any]:
        class Twice(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
                return x * 2

            @staticmethod
            def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
                return grad * 2

        Twice.apply(torch.ones(2, requires_grad=True)).sum().backward()  # type: ignore[no-untyped-call]
        return weakref.ref(Twice)

    def script() -> bool:
        ref = make()
        gc.collect()
        return ref() is None

    gone, _ = record(tmp_path / "run.tape", script)
    assert gone


def test_memory_does_not_grow_with_iterations(tmp_path: Path) -> None:
    """A thousand more iterations leave no more objects of ours than there were."""
    counts: list[int] = []

    def script() -> None:
        net = nn.Linear(2, 1)
        x = torch.ones(4, 2)
        for iteration in range(1301):
            net.zero_grad()
            loss = net(x).pow(2).mean()
            loss.backward()
            if iteration in {300, 1300}:
                gc.collect()
                counts.append(len(gc.get_objects()))

    record(tmp_path / "run.tape", script, probe="auto")
    assert counts[1] - counts[0] < 6000  # one batch of rows comes and goes; a leak is 10 objects a turn


def test_events_per_iteration_stay_constant(tmp_path: Path) -> None:
    """Hooks do not pile up on leaves while the previous loss is still referenced."""
    _, tape = record(tmp_path / "run.tape", lambda: _train(50), probe="never")
    per_iteration: dict[int, int] = {}
    for event in tape.events():
        per_iteration[event.iteration] = per_iteration.get(event.iteration, 0) + 1
    assert len({per_iteration[i] for i in range(2, 50)}) == 1


def test_an_error_of_ours_never_reaches_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tracer fails open: the script goes on to its usual result, and the tape says in each gap what happened."""
    expected = _train(2).state_dict()

    def broken(*args: object, **kwargs: object) -> None:
        raise AssertionError("a bug")

    monkeypatch.setattr(Composer, "tensor", broken)
    net, tape = record(tmp_path / "run.tape", lambda: _train(2))
    assert all(torch.equal(value, expected[name]) for name, value in net.state_dict().items())
    assert notes(tape)
    assert all("a bug" in note for note in notes(tape))
    assert {"zero_grad", "step"} <= {event.kind for event in tape.events()}  # what does not need it is whole


class _Nested(torch.autograd.Function):
    """Runs a backward in its backward, as checkpoints of the older kind do."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.large = x.clone()
        _large.append(weakref.ref(ctx.large))
        return x * 2

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        inner = torch.ones(2, requires_grad=True)
        with torch.enable_grad():
            loss = (inner * 2).sum()
        loss.backward()
        return gradients[0] * 2


_large: list[weakref.ref[torch.Tensor]] = []


def _nested() -> None:
    function: Any = _Nested
    function.apply(torch.ones(3, requires_grad=True)).sum().backward()


@pytest.mark.parametrize("run", [_nested, lambda: torch.ones(2, requires_grad=True).sum().backward()])
def test_nothing_waits_for_the_garbage_collector(tmp_path: Path, run: Callable[[], None]) -> None:
    """What a backward held goes with the last reference to it, as it does without us: it may be a network's inputs."""

    def script() -> list[str]:
        run()
        gc.collect()
        gc.disable()
        _large.clear()
        try:
            run()
            assert [one() for one in _large] == [None] * len(_large)
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            return [f"{type(one).__module__}.{type(one).__name__}" for one in gc.garbage]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()

    found, _ = record(tmp_path / "run.tape", script)
    assert [name for name in found if "gradb" in name or "torch" in name] == []


def _callbacks() -> list[Any]:
    """Return the functions of the package that Python calls when something goes."""
    found: set[Any] = set()
    for name, module in sys.modules.items():
        if name.startswith(("gradb.tracer.", "gradb.log.", "gradb.link.")):
            kinds = [kind for kind in vars(module).values() if isinstance(kind, type)]
            spaces = [vars(module), *(vars(kind) for kind in kinds if kind.__module__ == name)]
            found |= {space[key] for space in spaces for key in ("_forget", "__del__") if key in space}
    return [one for one in found if inspect.isfunction(one)]


def test_what_runs_at_the_end_of_python_needs_no_module() -> None:
    """Modules may be gone when the last objects go: a callback that asks for one is printed to the script's stderr."""
    found = _callbacks()
    assert len(found) > 5
    asked = {
        f"{one.__module__}: {line.argval}"
        for one in found
        for line in dis.get_instructions(one)
        if line.opname == "LOAD_GLOBAL" and not hasattr(builtins, line.argval)
    }
    assert asked == set()
