"""Updates by hand with gradients that can be differentiated themselves: what is computed of these is no forward."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from gradb.frame.reader import Tape
from tests.tracer.recording import record


def _norms(tape: Tape) -> dict[str, list[int]]:
    """Return the iterations in which each parameter's norm was taken."""
    found = [series for series in tape.series if series.kind == "parameter_norm"]
    return {series.name: list(series.iterations[: series.count]) for series in found}


def maml() -> None:
    """Update a copy with gradients of which the graph is kept, and step with what goes through it."""
    model, x = nn.Linear(2, 1), torch.ones(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        adapted = copy.deepcopy(model)
        inner = adapted(x).square().sum()
        grads = torch.autograd.grad(inner, list(adapted.parameters()), create_graph=True)
        for p, g in zip(adapted.parameters(), grads, strict=True):
            p.data -= 0.1 * g
        optimizer.zero_grad()
        adapted(x).square().sum().backward()
        optimizer.step()


def test_every_parameter_of_a_copy_has_its_norm(tmp_path: Path) -> None:
    """The second parameter is as much updated as the first, though something was computed between."""
    _, tape = record(tmp_path / "run.tape", maml, probe="never")
    assert _norms(tape) == {
        name: [1, 2, 3] for name in ("adapted.weight", "adapted.bias", "model.weight", "model.bias")
    }
    assert [event.iteration for event in tape.events() if event.kind == "step"] == [1, 2, 3]


def _by_hand(update: Callable[[torch.Tensor, torch.Tensor], None]) -> Callable[[], list[torch.Tensor]]:
    def script() -> list[torch.Tensor]:
        w, b, x = nn.Parameter(torch.ones(2)), nn.Parameter(torch.zeros(1)), torch.ones(2)
        for _ in range(3):
            loss = ((w * x).sum() + b).square().sum()
            for p, g in zip((w, b), torch.autograd.grad(loss, [w, b], create_graph=True), strict=True):
                update(p, g)
        return [w, b]

    return script


def _set_data(p: torch.Tensor, g: torch.Tensor) -> None:
    p.data = p.data - 0.1 * g


def _clipped(p: torch.Tensor, g: torch.Tensor) -> None:
    scaled = (g / (1 + g.norm())) * 0.1
    with torch.no_grad():
        p -= scaled


@pytest.mark.parametrize("update", [_set_data, _clipped])
def test_an_update_by_hand_ends_before_the_next_forward(
    tmp_path: Path, update: Callable[[torch.Tensor, torch.Tensor], None]
) -> None:
    """Both parameters are of one iteration, and there are three."""
    _kept, tape = record(tmp_path / "run.tape", _by_hand(update), probe="never")
    assert _norms(tape) == {"w": [1, 2, 3], "b": [1, 2, 3]}


def test_a_forward_without_a_leaf_is_a_forward(tmp_path: Path) -> None:
    """What is computed of an older graph ends the iteration of an update."""

    def script() -> torch.Tensor:
        w = nn.Parameter(torch.ones(2))
        hidden = w * 2
        for _ in range(3):
            (g,) = torch.autograd.grad((hidden * 3).sum(), w, retain_graph=True)
            w.data -= 0.1 * g
        return w

    _kept, tape = record(tmp_path / "run.tape", script, probe="never")
    assert _norms(tape) == {"w": [1, 2, 3]}
