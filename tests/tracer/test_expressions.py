"""What expressions come to on a recording is what torch says of the same values."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from gradb.debugger.displays import value_at
from gradb.frame.reader import Tape
from gradb.tape.expressions.faults import NoValue
from gradb.tape.expressions.syntax import read
from tests.tracer.recording import record

pytestmark = pytest.mark.torch
CLOSE = pytest.approx


def number(tape: Tape, position: int, text: str) -> float:
    """Return the single number that an expression comes to."""
    value = value_at(tape, position, read(f"{text} + 0"))
    assert isinstance(value, int | float)
    return value


def steps_of(tape: Tape) -> list[int]:
    """Return the positions of the steps."""
    return [event.seq for event in tape.events() if event.kind == "step"]


@pytest.mark.parametrize("size", [4, 64], ids=["kept", "large"])
def test_norms_of_a_training_are_torchs(size: int, tmp_path: Path) -> None:
    """After each step: of a parameter, of all gradients and of the update, as far as they are known."""
    torch.manual_seed(1)
    told: list[dict[str, float]] = []

    def train() -> None:
        net = nn.Linear(size, size)
        optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
        for _ in range(3):
            optimizer.zero_grad()
            loss = (net(torch.randn(2, size)) ** 2).mean()
            loss.backward()
            before = [parameter.detach().clone() for parameter in net.parameters()]
            optimizer.step()
            with torch.no_grad():
                after = list(net.parameters())
                change = torch.cat([(b.double() - a.double()).flatten() for a, b in zip(before, after, strict=True)])
                whole = torch.cat([a.double().flatten() for a in before])
                grads = torch.cat([b.grad.double().flatten() for b in after if b.grad is not None])
                told.append(
                    {
                        "norm(net.weight)": net.weight.double().norm().item(),
                        "norm(net.bias)": net.bias.double().norm().item(),
                        "max(net.weight)": net.weight.max().item(),
                        "min(net.weight)": net.weight.min().item(),
                        "mean(net.weight)": net.weight.double().mean().item(),
                        "sum(net.bias)": net.bias.double().sum().item(),
                        "grad_norm": grads.norm().item(),
                        "loss": loss.item(),
                        "update": (change.norm() / whole.norm()).item(),
                    }
                )

    _, tape = record(tmp_path / "run.tape", train, probe="never")
    positions = steps_of(tape)
    assert len(positions) == len(told) == 3
    for iteration, (position, truth) in enumerate(zip(positions, told, strict=True), 1):
        assert number(tape, position, "iteration") == iteration
        known = truth if size == 4 else {text: value for text, value in truth.items() if text != "update"}
        for text, value in known.items():
            assert number(tape, position, text) == CLOSE(value, rel=1e-5, abs=1e-7), (text, position)
    if size == 64:
        with pytest.raises(NoValue, match="not every parameter was kept whole"):
            number(tape, positions[0], "update")


def test_norm_of_what_flows_is_torchs(tmp_path: Path) -> None:
    """Of upstream and downstream, at each node that ran."""
    seen: dict[str, tuple[float, float]] = {}

    def backward() -> None:
        x = torch.tensor([0.5, -2.0, 3.0], requires_grad=True)
        y = x.sin()
        z = y.exp()

        def keep(inputs: tuple[torch.Tensor, ...], outputs: tuple[torch.Tensor, ...]) -> None:
            seen[f"{len(seen)}"] = (outputs[0].double().norm().item(), inputs[0].double().norm().item())

        for tensor in (z, y):
            assert tensor.grad_fn is not None
            tensor.grad_fn.register_hook(keep)
        z.backward(torch.tensor([1.0, 10.0, 100.0]))

    _, tape = record(tmp_path / "run.tape", backward, probe="never")
    runs = [
        event.seq for event in tape.events() if event.kind == "node" and event.name != "torch::autograd::AccumulateGrad"
    ]
    found = [(number(tape, seq, "norm(upstream)"), number(tape, seq, "norm(downstream)")) for seq in runs]
    assert found == [CLOSE(pair, rel=1e-6) for pair in seen.values()]
    assert len(found) == 2


def test_value_is_that_which_the_event_was_given(tmp_path: Path) -> None:
    """What was changed past autograd is seen where a call is given it next, with the norm that it has there."""

    def edit() -> None:
        small, large = torch.ones(2, requires_grad=True), torch.ones(2000, requires_grad=True)
        optimizer = torch.optim.SGD([small, large], lr=0.0)
        (small.sum() + large.sum()).backward()
        optimizer.step()
        small.data.mul_(10)
        large.data.mul_(10)
        (small.sum() + large.sum()).backward()

    _, tape = record(tmp_path / "run.tape", edit, probe="never")
    (step,) = steps_of(tape)
    sums = [event.seq for event in tape.events(step) if event.name == "SumBackward0" and event.kind == "op"]
    assert value_at(tape, step, read("norm(large)")) == CLOSE(2000**0.5)
    assert value_at(tape, step, read("sum(small)")) == 2
    assert value_at(tape, sums[0], read("sum(small)")) == 20
    assert value_at(tape, sums[1], read("max(large)")) == 10
    assert value_at(tape, sums[1], read("norm(large)")) == CLOSE(10 * 2000**0.5)
