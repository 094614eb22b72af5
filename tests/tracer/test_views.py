"""What shares memory with a tensor that is changed in place has changed too, and the tape says so."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gradb.tape.kinds.op import OpDetail
from tests.tracer.recording import record

pytestmark = pytest.mark.torch


def _write_through_a_view() -> torch.Tensor:
    a = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    b = a * 2
    view = b[:2]
    view.mul_(3)
    b.sum().backward()
    return b


def test_a_write_through_a_view_changes_its_base(tmp_path: Path) -> None:
    """The base has the new value from that op on, and its node is the CopySlices that the op made."""
    b, tape = record(tmp_path / "run.tape", _write_through_a_view)
    details = {event.seq: tape.detail(event.seq) for event in tape.events() if event.kind == "op"}
    seq, write = next((seq, op) for seq, op in details.items() if isinstance(op, OpDetail) and op.is_inplace)
    outputs = {tensor.name: tensor for tensor in write.outputs}
    assert outputs["view"].value.numbers() == [6, 12]
    assert outputs["b"].value.numbers() == b.tolist() == [6, 12, 6]
    node = tape.chain(outputs["b"].node or 0, seq)
    assert node is not None
    assert node.node_name.endswith("CopySlices")


def _differentiate() -> torch.Tensor:
    x = torch.tensor(2.0, requires_grad=True)
    y = x**3
    (g,) = torch.autograd.grad(y, x, create_graph=True)
    return g


def test_what_grad_returns_has_its_name(tmp_path: Path) -> None:
    """``(g,) = torch.autograd.grad(...)`` names the gradient."""
    g, tape = record(tmp_path / "run.tape", _differentiate)
    call = next(event for event in tape.events() if event.kind == "op" and event.name == "torch.autograd.grad")
    detail = tape.detail(call.seq)
    assert isinstance(detail, OpDetail)
    (output,) = detail.outputs
    assert output.name == "g"
    assert output.value.numbers() == [g.item()] == [12]
