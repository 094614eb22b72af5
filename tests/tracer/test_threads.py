"""What threads of the script's compute, as data parallel training does, is recorded with what the main thread does."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch


def _in_threads(works: list[Any]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_forward_in_threads_and_one_backward(tmp_path: Path) -> None:
    """Both halves of the batch reach the weight: its gradient is their sum, and every op is in its module's scope."""

    def script() -> tuple[list[float], nn.Module]:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        losses = []
        for _ in range(2):
            optimizer.zero_grad()
            parts: dict[int, torch.Tensor] = {}

            def work(number: int, parts: dict[int, torch.Tensor] = parts) -> None:
                parts[number] = net(torch.full((1, 2), float(number))).sum()

            _in_threads([lambda: work(1), lambda: work(2)])
            loss = parts[1] + parts[2]
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses, net

    plain, _ = script()
    (losses, net), tape = record(tmp_path / "run.tape", script)
    assert losses == plain
    assert notes(tape) == []
    ops = [event for event in tape.events() if event.kind == "op" and event.name == "TanhBackward0"]
    assert [(event.scope, event.iteration) for event in ops] == [("1", 1)] * 2 + [("1", 2)] * 2
    accumulated = [event.name for event in tape.events() if event.kind == "accumulate"]
    assert sorted(accumulated) == sorted(["net.0.weight", "net.0.bias"] * 2)
    assert len(list(net.parameters())) == 2
    assert {event.iteration for event in tape.events() if event.kind == "step"} == {1, 2}


def test_a_backward_in_a_thread(tmp_path: Path) -> None:
    """Two threads with a graph each: what each backward brings is on the tape, whole and apart."""

    def script() -> list[torch.Tensor]:
        leaves = [torch.full((2,), float(number), requires_grad=True) for number in (1, 2)]

        def work(leaf: torch.Tensor) -> None:
            for _ in range(20):
                leaf.grad = None
                (leaf * leaf).sum().backward()

        _in_threads([lambda leaf=leaf: work(leaf) for leaf in leaves])
        return leaves

    leaves, tape = record(tmp_path / "run.tape", script, probe="never")
    assert [leaf.grad.tolist() for leaf in leaves] == [[2, 2], [4, 4]]
    assert notes(tape) == []
    kinds = [event.kind for event in tape.events()]
    assert [kinds.count(kind) for kind in ("backward_start", "backward_end", "accumulate")] == [40, 40, 40]
    held = [buffer.after.numbers() for buffer in tape.frame(tape.head).grads if buffer.after is not None]
    assert sorted(str(numbers) for numbers in held) == ["[2.0, 2.0]", "[4.0, 4.0]"]
