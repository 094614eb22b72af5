"""The rule about an optimizer that never steps, on scripts that run to their ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gallery.running import PARENT, Found

pytestmark = pytest.mark.e2e

_SCRIPT = """\
import torch
from torch import nn

model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for number in range({count}):
    optimizer.zero_grad()
    model(torch.ones(2, 3)).square().mean().backward()
    {more}
"""


def _found(path: Path, more: str, count: int = 4) -> list[Found]:
    script = path / "script.py"
    script.write_text(_SCRIPT.format(count=count, more=more))
    result = PARENT.run(script)
    assert not result.failure
    assert bool(result.code) is ("raise" in more), result.err
    return [one for one in result.findings if one.code == "G017"]


@pytest.mark.parametrize("more", ["pass", "nn.utils.clip_grad_norm_(model.parameters(), 1.0)"])
def test_one_that_nothing_steps_is_found(tmp_path: Path, more: str) -> None:
    """The finding stands where the optimizer was made, and says what backward fills."""
    (found,) = _found(tmp_path, more)
    assert found.line == 5
    assert "SGD was made here and never steps: 4 backwards fill model.weight and model.bias" in found.text


@pytest.mark.parametrize(
    "more",
    [
        "print(model.weight.grad)",
        "torch.no_grad()(model.weight.mul_)(0.9)",
        "model.weight.data.mul_(0.9)",
        "optimizer.step()",
        "torch.optim.SGD(model.parameters(), lr=0.1).step()",
        "if number > 5: optimizer.step()",
        "if number == 3: raise ValueError",
    ],
)
def test_one_that_may_not_need_to_step_is_let_be(tmp_path: Path, more: str) -> None:
    """Gradients are read, values change, there are steps, or there would be some in a longer run."""
    assert not _found(tmp_path, more)


def test_two_backwards_show_nothing(tmp_path: Path) -> None:
    """There have to be three."""
    assert not _found(tmp_path, "pass", count=2)
