"""Where the mode is taken off: nothing that would have been recorded may be lost by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
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
