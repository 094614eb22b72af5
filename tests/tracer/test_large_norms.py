"""The 2-norm of what is too large to be kept whole is torch's, whoever reads the value."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from gradb.frame.graph.flows import flow_of
from gradb.frame.sizes import norm_of
from gradb.tape.kinds.op import OpDetail
from gradb.tape.values import TensorValue
from gradb.tape.wire import Blob, read_value
from tests.tracer.both_ways import readers
from tests.tracer.recording import record

pytestmark = pytest.mark.torch

FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
VIEWS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "side by side": lambda x: x,
    "by rows": lambda x: x[:, :33],
    "transposed": torch.Tensor.t,
    "expanded": lambda x: x[:7, None].expand(7, 5, x.shape[1]),
    "every third": lambda x: x.reshape(-1)[::3],
    "overlapping": lambda x: x.reshape(-1).unfold(0, 8, 2),
}


def norms(tensor: torch.Tensor) -> tuple[float, float]:
    """Return the norm that is read back of what C keeps, and of what Python keeps."""
    found = []
    for snapshots in readers(64):
        blob = Blob()
        wire = json.loads(snapshots.take(tensor, blob))
        value = read_value(wire, blob.join() or b"")
        assert value is not None
        assert value.stats is not None
        found.append(norm_of(value))
    quick, slow = found
    assert quick is not None
    assert slow is not None
    return quick, slow


def check(tensor: torch.Tensor, wanted: float) -> None:
    """Hold both against a norm."""
    for found in norms(tensor):
        assert found == pytest.approx(wanted, rel=1e-6, abs=0, nan_ok=True)


def torchs(tensor: torch.Tensor) -> float:
    """Return what torch says, in double precision."""
    return float(torch.linalg.vector_norm(tensor.double()))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", [*FLOATS, *WHOLE], ids=str)
def test_it_is_that_of_torch(dtype: torch.dtype, view: str) -> None:
    """In every dtype, and however the elements lie in memory."""
    torch.manual_seed(0)
    source = (torch.randn(40, 50) * 30 + 2).abs() if dtype is torch.uint8 else torch.randn(40, 50) * 30 + 2
    tensor = VIEWS[view](source.to(dtype))
    check(tensor, torchs(tensor))


@pytest.mark.parametrize("count", [32_768, 100_003, 400_000])
def test_of_very_many_elements_it_errs_no_more(count: int) -> None:
    """Squares that are added one after the other in float32 would err by more than a millionth."""
    torch.manual_seed(0)
    for tensor in (torch.rand(count) + 1, torch.randn(count) * 1e-4):
        check(tensor, torchs(tensor))


@pytest.mark.parametrize("size", [1e300, 1e160, 1e30, 1e-30, 1e-160, 1e-300, 5e-324])
def test_no_square_is_lost(size: float) -> None:
    """Elements whose squares are beyond the largest or the smallest double have a norm as others do."""
    tensor = torch.rand(2000, dtype=torch.float64) * size
    tensor[11] = size
    check(tensor, math.hypot(*tensor.tolist()))


@pytest.mark.parametrize("count", [2000, 40_000])
@pytest.mark.parametrize("size", [3e38, 1e25, 1e-25, 1e-45])
def test_no_square_of_a_float32_is_lost(size: float, count: int) -> None:
    """The squares need not be float32 numbers."""
    tensor = torch.full((count,), size)
    tensor[5] = 0.0
    check(tensor, float(tensor[0].double()) * math.sqrt(count - 1))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("odd", [(math.nan,), (math.inf,), (-math.inf,), (math.inf, math.nan), (math.inf, -math.inf)])
def test_of_what_is_not_finite_it_is_nan_or_infinite(odd: tuple[float, ...], dtype: torch.dtype) -> None:
    """A NaN anywhere makes it NaN, else an infinity infinite, as torch has it."""
    tensor = torch.randn(3000).to(dtype)
    tensor[1500 : 1500 + len(odd)] = torch.tensor(odd, dtype=dtype)
    check(tensor, torchs(tensor))


def test_zeros_have_none_but_zero() -> None:
    """Nothing is divided by the largest magnitude, which is 0."""
    assert norms(torch.zeros(3000)) == norms(torch.zeros(3000, dtype=torch.float64)) == (0.0, 0.0)


def test_what_is_beyond_every_double_is_infinite() -> None:
    """There is no larger number: all elements are finite, and so are their bounds."""
    assert norms(torch.full((2000,), 1.5e308, dtype=torch.float64)) == (math.inf, math.inf)


def test_complex_numbers_have_no_statistics() -> None:
    """Nothing is known of a large complex value, and no norm is made up."""
    for snapshots in readers(64):
        value = read_value(json.loads(snapshots.take(torch.ones(100, dtype=torch.complex64), Blob())), b"")
        assert norm_of(value) is None


def test_a_model_has_all_its_norms(tmp_path: Path) -> None:
    """Each parameter and its gradient has a norm in the table of buffers, and each flow through the graph."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(40, 50), nn.Tanh(), nn.Linear(50, 60))

    def script() -> Any:
        x = torch.randn(30, 40)
        net(x).square().sum().backward()
        return x

    x, tape = record(tmp_path / "run.tape", script)
    shown = {buffer.name: (norm_of(buffer.leaf), norm_of(buffer.after)) for buffer in tape.frame(tape.head).grads}
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None
        leaf, grad = next(norms for path, norms in shown.items() if path.endswith(name))
        assert leaf == pytest.approx(torchs(parameter.detach()), rel=1e-6)
        assert grad == pytest.approx(torchs(parameter.grad), rel=1e-6)
    first = next(detail for event in tape.events() if isinstance(detail := tape.detail(event.seq), OpDetail))
    (made,) = [tensor.value for tensor in first.outputs]
    assert isinstance(made, TensorValue)
    assert flow_of([made]).norm == pytest.approx(torchs(x), rel=1e-6)
