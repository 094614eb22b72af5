"""What is measured of a node unasked: how far a budget goes, and that every node it measures is linear."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st
from torch.nn import functional

from gradb.algebra.jacobian import check, local
from gradb.present.draw.text import to_text
from gradb.present.options import Options
from gradb.present.panes.table import PANES
from gradb.tape.kinds.jacobian import Probe
from gradb.tape.kinds.node_start import NodeStartDetail
from gradb.tape.kinds.registry import decode
from gradb.tape.values import TensorValue
from gradb.tape.wire import Blob, dumps
from gradb.tracer.probe import measuring
from gradb.tracer.probe.measuring import FREE, STEPPING, Budget, Refusal, measure
from gradb.tracer.probe.probing import clause
from gradb.tracer.tensors.values import content
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch

OPS: dict[str, Callable[..., torch.Tensor]] = {
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / (y.abs() + 1),
    "pow": lambda x, y: x**3,
    "exp": lambda x, y: x.exp(),
    "relu": lambda x, y: x.relu(),
    "softmax": lambda x, y: x.softmax(1),
    "logsumexp": lambda x, y: x.logsumexp(0),
    "mm": lambda x, y: x @ y.T,
    "sum": lambda x, y: x.sum(1),
    "max": lambda x, y: x.amax(1),
    "expand": lambda x, y: x[:1].expand(4, 3),
    "permute": lambda x, y: x.permute(1, 0),
    "gather": lambda x, y: x.gather(1, torch.tensor([[2, 0], [1, 1]])),
    "cumprod": lambda x, y: x.cumprod(1),
    "norm": lambda x, y: torch.linalg.vector_norm(x, dim=1),
    "layer_norm": lambda x, y: functional.layer_norm(x, (3,)),
    "conv": lambda x, y: functional.conv1d(x[None], y[None, :, :2]),
    "huber": lambda x, y: functional.huber_loss(x, y, reduction="none"),
    "inverse": lambda x, y: torch.linalg.inv(x @ y.T + 5 * torch.eye(2)),
    "complex": lambda x, y: torch.fft.fft(x),
    "abs": lambda x, y: torch.complex(x, y).abs(),
    "sgn": lambda x, y: torch.complex(x, y).sgn(),
}


def probes(node: Any, budget: Budget = STEPPING) -> list[Probe]:
    """Measure a node; return what the tape would have."""
    blob = Blob()
    with torch.no_grad():
        wire = measure(node, node, budget, blob)
    detail = decode("node_start", dumps([1, [], wire]), blob.join())
    assert isinstance(detail, NodeStartDetail)
    return list(detail.probes)


def stored(tensor: torch.Tensor) -> TensorValue:
    """Return a tensor as the tape keeps it."""
    return TensorValue(tuple(tensor.shape), str(tensor.dtype)[6:], content(tensor.detach()))


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**31), a=st.floats(-3, 3, width=16), b=st.floats(-3, 3, width=16))
@pytest.mark.parametrize("name", OPS)
def test_what_is_measured_is_linear_and_the_matrix(name: str, seed: int, a: float, b: float) -> None:
    """Each node sends a u + b v to a J u + b J v, and J is the matrix that was measured."""
    generator = torch.Generator().manual_seed(seed)
    x, y = (torch.randn(2, 3, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(2))
    x.data, y.data = x.data.float(), y.data.float()
    out = OPS[name](x, y)
    node: Any = out.grad_fn
    u, v = (torch.randn(out.shape, generator=generator, dtype=torch.float64).to(out.dtype) for _ in range(2))
    both = node(a * u + b * v)
    one, two = node(u), node(v)
    measured, edges = probes(node), measuring.edges_of(node)
    for index, probe in enumerate(measured):
        if edges[index].target is None:
            assert probe.data is None
            continue
        first, second, third = (measuring.results_of(part)[index] for part in (one, two, both))
        torch.testing.assert_close(third, a * first + b * second, rtol=1e-3, atol=1e-4)
        sent = stored(edges[index].deliver(first, 10_000).contiguous())
        verdict = check([stored(u)], None, probe, sent)
        assert verdict is not None
        assert verdict.is_ok, (name, verdict, local(probe))


def test_sizes_decide_and_not_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine a hundred times as slow the same is measured: 5 ms a row, 128 rows."""
    clock = iter(range(10_000))
    monkeypatch.setattr("gradb.tracer.probe.measuring.time.perf_counter", lambda: next(clock) * 5e-3)
    node = torch.ones(1, requires_grad=True).expand(128).grad_fn
    assert local(probes(node, FREE)[0]).structure == "expansion"


def test_the_clock_is_the_last_guard_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node whose rows take far longer than any known one is given up, and the refusal says by what."""
    clock = iter(range(10_000))
    monkeypatch.setattr("gradb.tracer.probe.measuring.time.perf_counter", lambda: next(clock) * 0.3)
    node = torch.ones(16, requires_grad=True).exp().grad_fn
    with pytest.raises(Refusal, match="given up by the clock, after 3 of 16 rows and 1 s"):
        probes(node, FREE)


def test_what_is_measured_in_a_free_run_is_the_same_at_any_pace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two recordings of one script, one on a clock that jumps: each node's probes are the same bytes."""

    def script() -> None:
        x = torch.linspace(-1, 1, 60, requires_grad=True)
        (x.exp().reshape(6, 10).softmax(1) @ torch.ones(10, 2)).expand(8, 6, 2).sum().backward()

    def recorded(name: str) -> list[object]:
        _, tape = record(tmp_path / name, script, probe="auto")
        details = [tape.detail(event.seq) for event in tape.events() if event.kind == "node_start"]
        return [detail.probes for detail in details if isinstance(detail, NodeStartDetail)]

    calm = recorded("calm.tape")
    clock = iter(range(1_000_000))
    monkeypatch.setattr("gradb.tracer.probe.measuring.time.perf_counter", lambda: next(clock) * 1e-3)
    assert recorded("busy.tape") == calm


def test_a_node_is_measured_in_the_grad_mode_of_the_engine(tmp_path: Path) -> None:
    """The determinant of a singular matrix: 0 by a plain backward, the cofactors with create_graph; both agree."""
    found = []
    for create in (False, True):

        def script(create: bool = create) -> None:
            x = torch.ones(2, 2, requires_grad=True)
            torch.autograd.grad(torch.linalg.det(x), x, create_graph=create)

        _, tape = record(tmp_path / f"{create}.tape", script)
        event = next(event for event in tape.events() if event.kind == "node" and "Det" in event.name)
        chain = tape.frame(event.seq).chain
        assert chain is not None
        (edge,) = chain.edges
        assert edge.check is not None
        assert edge.check.is_ok
        assert not [node for node in tape.events() if node.kind == "note"]
        found.append(edge.local)
    assert found[0].structure == "zero"
    assert [round(value.real) for value in found[1].values or ()] == [1, -1, -1, 1]


@pytest.mark.parametrize(
    ("size", "budget", "clause"),
    [
        (300, FREE, "300 output elements are more than the 128 that are measured in a free run"),
        (100, FREE, "100 x 100 entries are more than the 4,096 that are measured in a free run"),
        (300, STEPPING, "300 x 300 entries are more than the 32,768 that are measured while stepping"),
    ],
)
def test_a_large_node_is_refused_before_it_is_called(size: int, budget: Budget, clause: str) -> None:
    """Rows and entries are known beforehand, so that a node far too large costs no call."""
    node = torch.ones(size, requires_grad=True).exp().grad_fn

    def call(*vectors: torch.Tensor) -> Any:
        raise AssertionError("called")

    with pytest.raises(Refusal, match=clause):
        measure(node, call, budget, Blob())


def test_outputs_without_a_gradient_are_left_out_where_they_hinder(tmp_path: Path) -> None:
    """A formula that refuses one-hot vectors of eigenvectors is measured for the eigenvalues alone, and says so."""

    def script() -> None:
        m = torch.tensor([[2.0, 1j], [-1j, 3.0]], dtype=torch.complex128, requires_grad=True)
        torch.linalg.eigh(m)[0].sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    event = next(event for event in tape.events() if event.kind == "node" and "Eigh" in event.name)
    chain = tape.frame(event.seq).chain
    assert chain is not None
    (edge,) = chain.edges
    assert edge.local.form == "from_real"
    assert "without output 1" in edge.local.note
    assert edge.check is not None
    assert edge.check.is_ok


def test_where_the_scripts_own_code_would_run_it_offers(tmp_path: Path) -> None:
    """A custom Function and saved-tensor hooks are not probed unasked, and the pane says how to ask."""

    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
            return gradients[0] * 2

    def script() -> None:
        x = torch.ones(2, requires_grad=True)
        with torch.autograd.graph.save_on_cpu():
            y = x.exp()
        Double.apply(y).sum().backward()  # type: ignore[no-untyped-call]

    _, tape = record(tmp_path / "run.tape", script)
    notes = {}
    for event in tape.events():
        if event.kind == "node":
            chain = tape.frame(event.seq).chain
            assert chain is not None
            notes[event.name] = chain.edges[0].local.note
    assert "its backward is Python code" in notes["DoubleBackward"]
    assert "`probe` runs it once a row" in notes["DoubleBackward"]
    assert "saved-tensor hooks were active here; `probe` runs them" in notes["ExpBackward0"]
    assert notes["SumBackward0"] == ""


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("layout", [torch.jagged, torch.strided])
def test_a_node_beside_a_nested_tensor_says_why_it_is_not_measured(tmp_path: Path, layout: torch.layout) -> None:
    """A nested tensor has no plain sizes: no value and no shape is made up, its gradient is added to all the same."""

    def script() -> None:
        parts = [torch.ones(2, 3), torch.ones(1, 3)]
        a = torch.nested.nested_tensor(parts, layout=layout, requires_grad=True)
        torch.nested.to_padded_tensor(a * 2, 0.0).sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    assert not notes(tape)
    kinds = [event.kind for event in tape.events()]
    assert "accumulate" in kinds
    told = [
        edge.local.note
        for event in tape.events()
        if event.kind == "node" and event.node and (chain := tape.chain(event.node, event.seq))
        for edge in chain.edges
    ]
    assert any("a nested tensor has no plain sizes" in note for note in told)
    assert not any("Error" in note or "`probe`" in note for note in told)
    text = to_text(PANES["grads"].render(tape.frame(tape.head), Options(width=200)), 200)
    assert "is not read: it is nested" in text
    assert "scalar" not in text


@pytest.mark.parametrize(("message", "said"), [("no " * 33, "no " * 33), ("no " * 40, "no " * 33 + "…"), ("", "")])
def test_a_long_error_is_cut_with_an_ellipsis(message: str, said: str) -> None:
    """What an exception says is one short clause, and shows where it was cut."""
    assert clause(ValueError(message)) == (f"ValueError: {said}" if said else "ValueError")


def test_a_node_whose_saved_values_are_freed_says_so(tmp_path: Path) -> None:
    """That is no failure of measuring, and no error is quoted."""

    def run() -> None:
        w = torch.ones(3, requires_grad=True)
        y = w.exp()
        y.sum().backward()
        y.sum().backward()

    error, tape = record(tmp_path / "freed.tape", run, keeps_error=True)
    assert "second time" in str(error)
    starts = [event.seq for event in tape.events() if event.kind == "node_start" and event.name == "ExpBackward0"]
    detail = tape.detail(starts[-1])
    assert isinstance(detail, NodeStartDetail)
    (probe,) = detail.probes
    assert probe.note == "not measured: its saved values are freed, by a backward that has gone through it"
