"""What a checkpoint computes again during a backward is shown as that, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils import checkpoint

from gradb.present.json.events import event_json
from tests.tracer.hard.seeing import see
from tests.tracer.recording import notes, record

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::UserWarning")]


@pytest.mark.parametrize("is_reentrant", [False, True])
def test_the_recomputation_is_recorded_inside_of_the_backward(is_reentrant: bool) -> None:
    """Its ops come between a node's start and its end, are marked, and say for which node they were done again."""
    seen = see("checkpoint_reentrant" if is_reentrant else "checkpoint_nonreentrant")
    owner = "CheckpointFunctionBackward" if is_reentrant else "MulBackward0"
    position = next(place for place in seen.having(lambda e: e.kind == "op") if "recomputed" in seen.headline(place))
    assert seen.at(owner, "node_start") < position < seen.at(owner, "node", nth=0)
    assert seen.headline(position).startswith("recomputed: ")
    assert f"recomputed: a checkpoint computed its forward again when {owner}" in seen.chain(position)
    event = seen.events[position - 1]
    assert (event.phase, event.is_stop) == ("backward", True)
    assert event_json(seen.tape, event)["recomputed"] is True


def test_a_node_in_a_checkpoint_says_what_becomes_of_what_it_saves() -> None:
    """Those outside of it say nothing of the kind."""
    seen = see("checkpoint_nonreentrant")
    words = "in a checkpoint: what it would save is let go, and computed again when backward needs it"
    assert words in seen.chain(seen.at("ExpBackward0", "op"))
    assert words not in seen.chain(seen.at("SumBackward0"))


def test_a_reentrant_checkpoint_is_a_backward_inside_a_backward() -> None:
    """The inner one is stepped with products of its own; its graph is the one shown while it runs."""
    seen = see("checkpoint_reentrant")
    inner = seen.at("backward", "backward_start", nth=1)
    assert seen.at("CheckpointFunctionBackward", "node_start") < inner < seen.at("CheckpointFunctionBackward")
    assert seen.graph(inner).split()[1:3] == ["○", "MulBackward0"]
    assert "[2.718 14.78] ✓ agrees with the engine" in seen.chain(seen.at("ExpBackward0"))
    assert "runs a backward inside this one" in seen.chain(seen.at("CheckpointFunctionBackward"))


def test_what_is_computed_again_gives_nothing_another_name() -> None:
    """The node of the first forward keeps the variable's name when its twin has been made."""
    seen = see("checkpoint_nonreentrant")
    assert "= downstream ∂L/∂x [2.718 14.78]" in seen.chain(seen.at("ExpBackward0"))
    assert "ExpBackward0 y = x.exp()" in seen.chain(seen.at("ExpBackward0"))


def _train(is_reentrant: bool) -> list[bytes]:
    torch.manual_seed(0)
    block = nn.Sequential(nn.Linear(40, 60), nn.Dropout(0.5), nn.ReLU(inplace=True), nn.Linear(60, 40))
    optimizer = torch.optim.SGD(block.parameters(), lr=0.1)
    data = torch.randn(40, 40, requires_grad=True)
    for _ in range(2):
        optimizer.zero_grad()
        hidden = checkpoint.checkpoint(block, data, use_reentrant=is_reentrant)
        checkpoint.checkpoint(block, hidden, use_reentrant=is_reentrant).square().mean().backward()
        optimizer.step()
    found: list[Tensor | None] = [*block.parameters(), data.grad, torch.random.get_rng_state()]
    return [one.detach().contiguous().numpy().tobytes() for one in found if one is not None]


@pytest.mark.parametrize("is_reentrant", [False, True])
def test_training_through_checkpoints_is_bit_identical(is_reentrant: bool, tmp_path: Path) -> None:
    """With dropout, values in place, tensors above the limit and two checkpoints of one module; and nothing failed."""
    plain = _train(is_reentrant)
    traced, tape = record(tmp_path / "run.tape", lambda: _train(is_reentrant))
    assert traced == plain
    assert notes(tape) == []
    events = list(tape.events())
    assert [event.name for event in events if event.kind == "error"] == []
    assert [event.iteration for event in events if event.kind == "step"] == [1, 2]


def test_nothing_is_left_in_torch(tmp_path: Path) -> None:
    """What the tracer replaces in checkpoints, Functions, hooks and GradScaler is as it was when it ends."""
    owners = [
        (checkpoint._CheckpointFrame, "__init__"),
        (checkpoint.CheckpointFunction, "backward"),
        (torch.autograd.function.FunctionCtx, "set_materialize_grads"),
        (torch.amp.GradScaler, "scale"),
        (torch.amp.GradScaler, "_lazy_init_scale_growth_tracker"),
        (torch.utils.hooks.RemovableHandle, "remove"),
    ]
    before = [owner.__dict__[name] for owner, name in owners]
    during, _ = record(tmp_path / "run.tape", lambda: [owner.__dict__[name] for owner, name in owners])
    assert all(one is not other for one, other in zip(before, during, strict=True))
    assert all(owner.__dict__[name] is one for (owner, name), one in zip(owners, before, strict=True))
