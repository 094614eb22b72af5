"""Large gradients are read once on their way from node to node, but only where nobody can have changed them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gradb.frame.reader import Tape
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.node_start import NodeStartDetail
from gradb.tape.wire import Blob
from gradb.tracer.tensors import summaries
from gradb.tracer.tensors.values import Snapshots
from tests.tracer.recording import record

pytestmark = pytest.mark.torch


def _shown(tape: Tape) -> dict[str, list[Any]]:
    """Return the means of all large gradients on a tape, by kind of event."""
    found: dict[str, list[Any]] = {"node_start": [], "node": [], "accumulate": []}
    for event in tape.events():
        detail = tape.detail(event.seq)
        if isinstance(detail, NodeStartDetail):
            found["node_start"] += [t.value.stats.mean for t in detail.upstream if t and t.value.stats]
        elif isinstance(detail, NodeDetail):
            found["node"] += [t.value.stats.mean for t in detail.downstream if t and t.value.stats]
        elif isinstance(detail, HookDetail):
            found.setdefault("hook", []).extend(t.value.stats.mean for t in detail.after if t and t.value.stats)
        elif isinstance(detail, AccumulateDetail):
            found["accumulate"] += [v.stats.mean for v in (detail.before, detail.added, detail.after) if v and v.stats]
    return found


def _count(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    monkeypatch.setenv("GRADB_ACCELERATOR", "off")  # what is counted here is Python's reads
    read: list[float] = []
    original = summaries._corner

    def corner(tensor: Tensor) -> list[float]:
        found = original(tensor)
        read.append(found[0])  # not the tensor: what is held elsewhere does not become a buffer
        return found

    monkeypatch.setattr(summaries, "_corner", corner)
    return read


def test_each_gradient_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a node hands on is not read again by the next node, nor when it becomes the buffer of a leaf."""
    a = torch.ones(2000, requires_grad=True)
    loss = (a * 2 * 3).sum()
    read = _count(monkeypatch)
    _, tape = record(tmp_path / "run.tape", loss.backward)
    assert read == [1.0, 3.0, 6.0]
    assert _shown(tape) == {"node_start": [1.0, 3.0, 6.0], "node": [1.0, 3.0, 6.0], "accumulate": [6.0, 6.0]}


class _Edited(torch.autograd.Function):
    """Changes the gradient that it is handed, behind torch's back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        gradients[0].data.mul_(5)
        return gradients[0]


def _edit(gradient: Tensor) -> None:
    gradient.data.mul_(5)


def _tensor_hook(a: Tensor) -> Tensor:
    b = a * 2
    b.register_hook(_edit)
    return (b * 3).sum()


def _node_hook(a: Tensor) -> Tensor:
    b = a * 2
    assert b.grad_fn is not None
    b.grad_fn.register_prehook(lambda gradients: _edit(*gradients))
    return (b * 3).sum()


def _custom(a: Tensor) -> Tensor:
    edited: Tensor = _Edited.apply(a * 2)  # type: ignore[no-untyped-call]
    return (edited * 3).sum()


def _leaf_hook(a: Tensor) -> Tensor:
    def edit(leaf: Tensor) -> None:
        assert leaf.grad is not None
        leaf.grad.data.mul_(5)

    a.register_post_accumulate_grad_hook(edit)
    return (a * 6).sum()


@pytest.mark.parametrize("script", [_tensor_hook, _node_hook, _custom, _leaf_hook])
def test_an_edit_behind_torch_is_seen(script: Callable[[Tensor], Tensor], tmp_path: Path) -> None:
    """Where the script's own code gets hold of a gradient, each value is read where it is shown."""
    a = torch.ones(2000, requires_grad=True)
    _, tape = record(tmp_path / "run.tape", lambda: script(a).backward())
    assert a.grad is not None
    assert a.grad[0] == 30
    shown = _shown(tape)
    last = shown["hook" if script is _leaf_hook else "accumulate"]  # that hook runs when .grad has been filled
    assert last[-1] == 30.0


def test_a_sum_of_gradients_is_read_as_a_sum(tmp_path: Path) -> None:
    """Where a tensor is used twice the engine adds in place; the next node is shown the sum."""
    a = torch.ones(2000, requires_grad=True)

    def script() -> None:
        b = a * 2
        (b * 3 + b.sin() * 0).sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    for event in tape.events():
        detail = tape.detail(event.seq)
        if isinstance(detail, AccumulateDetail):
            assert detail.after is not None
            assert detail.after.stats is not None
            assert detail.after.stats.mean == 6.0
    assert 3.0 in _shown(tape)["node_start"]


def test_a_second_backward_reads_anew(tmp_path: Path) -> None:
    """What one run of the engine handed on is not remembered by the next."""
    net = nn.Linear(50, 50)
    x = torch.ones(1, 50)

    def script() -> None:
        for _ in range(2):
            net(x).sum().backward()
            for parameter in net.parameters():
                assert parameter.grad is not None
                parameter.grad.data.mul_(7)

    _, tape = record(tmp_path / "run.tape", script)
    means = _shown(tape)["accumulate"]
    assert means == [1.0, 1.0, 7.0, 1.0, 8.0]


def test_other_threads_make_it_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another thread of the script about, nothing is taken for unchanged."""
    a = torch.ones(2000, requires_grad=True)
    loss = (a * 2).sum()
    read = _count(monkeypatch)
    over = threading.Event()
    other = threading.Thread(target=over.wait)

    def script() -> None:
        other.start()
        loss.backward()

    record(tmp_path / "run.tape", script)
    over.set()
    other.join()
    assert read == [1.0, 1.0, 2.0, 2.0, 2.0, 2.0]


def _taken(take: Callable[[Tensor, Blob], str], tensor: Tensor) -> tuple[str, bytes | None]:
    """Return the text of a value, and the bytes beside it."""
    blob = Blob()
    return take(tensor, blob), blob.join()


def _turned(tensor: Tensor) -> list[Tensor]:
    """Return what begins where a matrix of floats begins, and is made of its memory, or of some of it."""
    parts = [tensor[:, :40], tensor[:40], tensor.view(torch.int32), tensor.unsqueeze(1).expand(50, 2, 50)]
    return [tensor, tensor.t(), tensor.view(-1), tensor.detach(), *parts, tensor.data]


@pytest.mark.parametrize("odd", [None, float("nan"), float("-inf")])
def test_what_is_made_of_the_same_memory_is_read_as_what_it_is(odd: float | None) -> None:
    """In whatever order its elements are taken, and again where torch has seen a change of them."""
    snapshots = Snapshots(1000, lambda _, error: str(error))
    base = torch.arange(2500.0).view(50, 50) / 7
    if odd is not None:
        base[3, 5] = odd
    snapshots.keep_passing(True)
    for factor in (1, 2):
        base.mul_(factor)
        for one in _turned(base):
            for other in _turned(base):
                for tensor in (one, other):
                    assert _taken(snapshots.take_passing, tensor) == _taken(snapshots.take, tensor)


def test_what_lies_where_another_one_lay_is_read() -> None:
    """The memory of a tensor that is gone, or was given another memory, has what is written there since."""
    snapshots = Snapshots(1000, lambda _, error: str(error))
    snapshots.keep_passing(True)
    memory = np.zeros(2000, np.float32)
    held = [torch.from_numpy(memory)]
    _taken(snapshots.take_passing, held[0])
    memory += 1
    held[0].data = torch.ones(2000)
    second = torch.from_numpy(memory)
    assert _taken(snapshots.take_passing, second) == _taken(snapshots.take, second)
    memory += 1
    del second
    third = torch.from_numpy(memory).view(40, 50)
    assert _taken(snapshots.take_passing, third) == _taken(snapshots.take, third)
