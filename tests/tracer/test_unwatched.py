"""Where the mode is taken off: nothing that would have been recorded may be lost by it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim import optimizer as torchs
from torch.overrides import TorchFunctionMode

from gradb.frame.reader import Tape
from tests.tracer.recording import record

pytestmark = pytest.mark.torch


class _Seeing(TorchFunctionMode):
    """A script's own mode, which counts what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


def _kinds(path: Path, script: Callable[[], Any]) -> list[str]:
    tape: Tape = record(path, script)[1]
    return [event.kind for event in tape.events() if event.kind not in {"node_start", "node"}]


def test_a_closure_is_recorded(tmp_path: Path) -> None:
    """What an optimizer's step calls back is the script's own, op by op."""
    leaf = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([leaf], lr=0.1)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (leaf * 2).sum()
        loss.backward()
        return loss

    kinds = _kinds(tmp_path / "run.tape", lambda: optimizer.step(closure))
    assert kinds == ["leaf", "zero_grad", "op", "op", "backward_start", "accumulate", "backward_end", "step"]


class SGDOfMine(torch.optim.SGD):
    """An optimizer of torch's with a part of the script's."""

    def _init_group(self, group: Any, *lists: Any) -> Any:
        group["params"][0] * 2
        return super()._init_group(group, *lists)  # type: ignore[no-untyped-call]


def _hooked(optimizer: Any, args: Any, kwargs: Any) -> None:
    optimizer.param_groups[0]["params"][0] * 2


def _with_step_hook(leaf: Any, monkeypatch: pytest.MonkeyPatch) -> torch.optim.Optimizer:
    optimizer = torch.optim.SGD([leaf], lr=0.1)
    optimizer.register_step_post_hook(_hooked)
    return optimizer


def _with_hook_of_all(leaf: Any, monkeypatch: pytest.MonkeyPatch) -> torch.optim.Optimizer:
    monkeypatch.setitem(vars(torchs)["_global_optimizer_pre_hooks"], 0, _hooked)
    return torch.optim.SGD([leaf], lr=0.1)


def _with_own_arithmetic(leaf: Any, monkeypatch: pytest.MonkeyPatch) -> torch.optim.Optimizer:
    def sgd(parameters: Any, *args: Any, **kwargs: Any) -> None:
        parameters[0] * 2

    monkeypatch.setattr(sys.modules["torch.optim.sgd"], "sgd", sgd)
    return torch.optim.SGD([leaf], lr=0.1)


def _with_own_state(leaf: Any, monkeypatch: pytest.MonkeyPatch) -> torch.optim.Optimizer:
    optimizer: Any = torch.optim.SGD([leaf], lr=0.1)
    original = optimizer._init_group

    def init_group(*args: Any) -> Any:
        leaf * 2
        return original(*args)

    optimizer._init_group = init_group
    made: torch.optim.Optimizer = optimizer
    return made


@pytest.mark.parametrize(
    "make",
    [
        _with_step_hook,
        _with_hook_of_all,
        _with_own_arithmetic,
        _with_own_state,
        lambda leaf, monkeypatch: SGDOfMine([leaf], lr=0.1),
    ],
)
def test_what_a_step_runs_of_the_scripts_is_recorded(
    make: Callable[..., torch.optim.Optimizer], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Hooks of a step, and what the script has put in the place of a part of it, are recorded op by op."""
    leaf = torch.ones(2, requires_grad=True)

    def script() -> None:
        optimizer = make(leaf, monkeypatch)
        leaf.grad = torch.ones(2)
        optimizer.step()

    tape = record(tmp_path / "run.tape", script)[1]
    names = [event.name for event in tape.events()]
    assert names[-1] == type(make(leaf, monkeypatch)).__name__
    assert {"Tensor.mul", "MulBackward0"} & set(names[:-1])  # with or without a graph


def test_the_mode_is_back_after_a_step_that_raised(tmp_path: Path) -> None:
    """An error inside an optimizer leaves nothing switched off."""
    leaf = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([leaf], lr=0.1)

    def script() -> None:
        leaf.grad = torch.ones(2)
        optimizer.param_groups[0]["lr"] = "fast"
        with pytest.raises(TypeError):
            optimizer.step()
        torch.ones(3) + 1

    assert _kinds(tmp_path / "run.tape", script)[-2:] == ["op", "op"]


def test_a_mode_of_the_script_sees_what_it_would_see(tmp_path: Path) -> None:
    """Under a mode of the script's own an optimizer's calls still reach that mode, all of them."""

    def script() -> Any:
        leaf = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([leaf], lr=0.1, momentum=0.9)
        leaf.grad = torch.ones(2)
        with _Seeing() as mode:
            optimizer.step()
            optimizer.zero_grad()
        return mode.count

    wanted = script()
    assert record(tmp_path / "run.tape", script)[0] == wanted
