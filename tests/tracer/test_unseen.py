"""What gradb reads is seen by nothing that the script has put in place to see what torch computes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch


def _train() -> list[float]:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(40, 50), torch.nn.ReLU(), torch.nn.Linear(50, 1))
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(2):
        optimizer.zero_grad()
        loss = model(torch.ones(30, 40).t().contiguous().t()).pow(2).mean()
        loss.backward()
        optimizer.step()
    return [float(weight.detach().norm()) for weight in model.parameters()]


class _Calls(TorchDispatchMode):
    """Lists the ATen calls that it sees."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def _of_mode() -> list[str]:
    mode = _Calls()
    with mode:
        _train()
    return mode.names


def _of_profiler(**options: Any) -> list[tuple[str, int]]:
    with profile(activities=[ProfilerActivity.CPU], acc_events=True, **options) as found:
        _train()
    return sorted(Counter(event.name for event in found.events()).items())


def _of_old_profiler() -> list[tuple[str, int]]:
    with torch.autograd.profiler.profile(use_kineto=False) as found:
        _train()
    return sorted(Counter(event.name for event in found.function_events).items())


def _flops() -> int:
    with FlopCounterMode(display=False) as counter:
        _train()
    return int(counter.get_total_flops())


def _gradient(weight: torch.Tensor) -> torch.Tensor:
    return torch.autograd.grad((weight * weight).sum(), weight)[0]


def _traced(size: int, tracing: Literal["real", "fake", "symbolic"], *, pre_dispatch: bool = False) -> str:
    traced = make_fx(_gradient, tracing_mode=tracing, pre_dispatch=pre_dispatch)(torch.ones(size, requires_grad=True))
    guards = [str(guard.expr) for guard in traced.shape_env.guards] if traced.shape_env is not None else []
    return f"{traced.code} {guards}"


LOOKS: dict[str, Callable[[], Any]] = {
    "a dispatch mode": _of_mode,
    "the flop counter": _flops,
    "the profiler": _of_profiler,
    "the profiler, with shapes": lambda: _of_profiler(record_shapes=True, with_flops=True),
    "the older profiler": _of_old_profiler,
    "make_fx of a small tensor": lambda: _traced(3, "real"),
    "make_fx of a large tensor": lambda: _traced(3000, "real"),
    "make_fx with fake tensors": lambda: _traced(3000, "fake"),
    "make_fx with sizes left open": lambda: _traced(3000, "symbolic"),
    "make_fx before dispatch": lambda: _traced(3000, "symbolic", pre_dispatch=True),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_only_what_the_script_computes_is_seen(tmp_path: Path, look: Callable[[], Any]) -> None:
    """The list is that of the bare script, and the recording loses nothing."""
    look()  # what torch does once a process
    wanted = look()
    seen, tape = record(tmp_path / "run.tape", look, probe="auto")
    assert seen == wanted
    assert notes(tape) == []


def test_the_profiler_sees_the_script_again_after_a_read(tmp_path: Path) -> None:
    """A read inside a read puts nothing back too early, and the last one does."""

    def script() -> list[str]:
        with profile(activities=[ProfilerActivity.CPU], acc_events=True) as found:
            model = torch.nn.Linear(2, 2)
            model(torch.ones(1, 2)).sum().backward()
            torch.ones(5).cumsum(0)
        return [event.name for event in found.events()]

    seen = record(tmp_path / "run.tape", script)[0]
    assert seen.count("aten::cumsum") == 1
    assert seen == script()
