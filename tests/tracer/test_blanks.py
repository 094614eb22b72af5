"""Memory that nothing was written to has no value, and so none that is not finite."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from gradb.tape.kinds.leaf import LeafDetail
from gradb.tape.kinds.op import OpDetail
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch


def _leave_nan() -> None:
    """Have memory full of NaN given back, so that the next of its size is likely to begin with it."""
    torch.full((64, 64), float("nan"))


def test_initialising_is_finite_whatever_lay_there(tmp_path: Path) -> None:
    """``nn.Linear`` fills memory that may hold NaN: no event of it is flagged, and its leaves end with their values."""

    def script() -> list[nn.Linear]:
        layers = []
        for _ in range(3):
            _leave_nan()
            layers.append(nn.Linear(64, 64))
        return layers

    layers, tape = record(tmp_path / "run.tape", script, probe="never")
    assert notes(tape) == []
    assert {event.name for event in tape.events() if event.has_nonfinite} == {"torch.full"}
    weight = tape.frame(tape.head).grads[0].leaf
    assert weight is not None
    assert weight.stats is not None
    assert weight.stats.maximum == pytest.approx(float(layers[0].weight.detach().max()))


def test_what_is_there_at_once_is_shown_at_once(tmp_path: Path) -> None:
    """A parameter made of values has them where it is registered; one made of reserved memory has none yet."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.full = nn.Parameter(torch.ones(2))
            self.blank = nn.Parameter(torch.empty(3))

    _, tape = record(tmp_path / "run.tape", Net, probe="never")
    leaves = [detail for event in tape.events() if isinstance(detail := tape.detail(event.seq), LeafDetail)]
    full, blank = (leaf.tensor.value for leaf in leaves)
    assert full.numbers() == [1, 1]
    assert (blank.numbers(), blank.note) == (None, "not initialised")


def test_a_view_of_reserved_memory_has_no_value_until_it_is_written(tmp_path: Path) -> None:
    """A view says the same as what it views, and the first write to either gives both their values."""

    def script() -> None:
        whole = torch.empty(4)
        part = whole[:2]
        whole.fill_(3)
        part.add_(1)

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    ops = [detail for event in tape.events() if isinstance(detail := tape.detail(event.seq), OpDetail)]
    assert [op.outputs[0].value.numbers() for op in ops] == [None, None, [3] * 4, [4] * 2]
    assert [tensor.value.numbers() for op in ops for tensor in op.inputs] == [None, None, [3] * 2]


def test_memory_that_is_written_elsewhere_is_read(tmp_path: Path) -> None:
    """What NumPy has written is a value as soon as an op computes with it."""

    def script() -> None:
        whole = torch.empty(2)
        whole.numpy()[:] = 5
        (whole * 2).sum()

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    ops = [detail for event in tape.events() if isinstance(detail := tape.detail(event.seq), OpDetail)]
    assert [tensor.value.numbers() for op in ops for tensor in op.inputs] == [[5, 5], [10, 10]]
