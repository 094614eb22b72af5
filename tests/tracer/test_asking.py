"""What is probed because somebody asks: at the node that the script is held at, and what is left after it."""

from __future__ import annotations

import gc
import os
import random
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from gradb.frame.chain.record import Chain
from gradb.frame.reader import Tape
from gradb.link.messages import Ask
from gradb.tape.kinds.event import Event
from gradb.tracer.recording.gate import Gate
from gradb.tracer.recording.interventions import Interventions
from gradb.tracer.recording.recorder import Recorder
from gradb.tracer.watch.tracing import tracing
from tests.tracer.recording import begin, end

pytestmark = pytest.mark.torch


class _Questions(Gate):
    """Asks at some events, on the thread that would be held there."""

    def __init__(self, asks: dict[tuple[str, str], list[Ask]]) -> None:
        super().__init__(None, lambda head, request_seq: None)
        self.asks = asks
        self.recorder: Recorder | None = None
        self.pause_next(1)  # whoever asks whether it watches is to hear yes

    def arrive(self, event: Event, detail: str, data: bytes | None) -> None:
        assert self.recorder is not None
        for ask in self.asks.pop((event.kind, event.name), []):
            self.recorder.observer.asked(ask)


def asked(path: Path, script: Callable[[], Any], kind: str, name: str, *asks: Ask) -> tuple[Any, Tape]:
    """Run a script and ask at the first event of a kind and name; return what it returned and the tape."""
    gate = _Questions({(kind, name): list(asks)})
    recorder = gate.recorder = begin(path, gate)
    recorder.places.learn_torch(os.path.dirname(torch.__file__))
    try:
        with tracing(recorder, Interventions(recorder), probe="never"):
            result = script()
    finally:
        end(recorder)
    return result, Tape.open(path)


def last(tape: Tape) -> Chain:
    """Return the record of the node at the last answer."""
    event = max(event.seq for event in tape.events() if event.kind == "probe")
    chain = tape.frame(event).chain
    assert chain is not None
    return chain


def product() -> Any:
    """Multiply two matrices and differentiate the sum."""
    a = torch.arange(6.0).reshape(2, 3).requires_grad_()
    b = torch.arange(6.0).reshape(3, 2).requires_grad_()
    out = a @ b
    (out * torch.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
    return a.grad, torch.rand(3)


@pytest.mark.parametrize("kind", ["node_start", "node"])
def test_the_whole_jacobian_when_asked(kind: str, tmp_path: Path) -> None:
    """Before a node runs and after it, asking gives its Jacobian, which then is checked as any other."""
    _, tape = asked(tmp_path / "run.tape", product, kind, "MmBackward0", Ask("full"))
    chain = last(tape)
    assert [edge.local.structure for edge in chain.edges] == ["block", "block"]
    assert chain.asked[0].note == ""
    assert not chain.asked[0].has_run_code
    finished = tape.chain(chain.node, tape.head)
    assert finished is not None
    assert all(edge.check is not None and edge.check.is_ok for edge in finished.edges)


def test_rows_columns_and_directions(tmp_path: Path) -> None:
    """A row is d out[1,0] / d each input, a column d out / d one element, a direction the product with it."""
    asks = [
        Ask("row", 2),
        Ask("column", 2, 0),
        Ask("with", numbers=(1, 2, 3, 4)),
        Ask("random", 7),
        Ask("with", numbers=(1,)),
    ]
    _, tape = asked(tmp_path / "run.tape", product, "node", "MmBackward0", *asks)
    row, column, given, drawn, ones = last(tape).asked

    def numbers(values: Any) -> list[Any]:
        return [None if value is None else value.numbers() for value in values]

    assert numbers(row.result) == [[0, 0, 0, 0, 2, 4], [3, 0, 4, 0, 5, 0]]
    assert numbers(column.result) == [[4, 5, 0, 0]]
    a, b, v = torch.arange(6.0).reshape(2, 3), torch.arange(6.0).reshape(3, 2), torch.tensor([[1.0, 2], [3, 4]])
    assert numbers(given.result) == [(v @ b.T).flatten().tolist(), (a.T @ v).flatten().tolist()]
    assert numbers(ones.vector) == [[1, 1, 1, 1]]
    assert drawn.check is not None
    assert drawn.check.is_ok
    assert "linear" in drawn.check.text


@pytest.mark.parametrize(
    ("ask", "clause"),
    [
        (Ask("row", 99), "there is no element 99 of output 0"),
        (Ask("row", 0, 5), "there is no element 0 of output 5"),
        (Ask("column", 99, 0), "there is no element 99"),
        (Ask("column", 0, 9), "no gradient is wanted there"),
        (Ask("with", numbers=(1.0, 2.0)), "2 numbers were given for 4 output elements"),
    ],
)
def test_what_there_is_not_is_said(ask: Ask, clause: str, tmp_path: Path) -> None:
    """A question about what the node does not have gets a sentence, and the recording goes on."""
    _, tape = asked(tmp_path / "run.tape", product, "node", "MmBackward0", ask)
    assert clause in last(tape).asked[0].note
    assert [event.name for event in tape.events() if event.kind == "accumulate"] == ["a", "b"]


def test_asking_leaves_no_trace(tmp_path: Path) -> None:
    """Gradients and random numbers are the same bit for bit, and neither node nor tensor is kept alive."""
    torch.manual_seed(3)
    bare = product()
    refs: list[weakref.ref[torch.Tensor]] = []

    def script() -> Any:
        torch.manual_seed(3)
        found = product()
        x = torch.ones(2, requires_grad=True)
        y = x.exp()
        refs.append(weakref.ref(y))
        y.sum().backward()
        return found

    asks = [Ask("full"), Ask("random"), Ask("row")]
    traced, _ = asked(tmp_path / "run.tape", script, "node", "ExpBackward0", *asks)
    gc.collect()
    assert all(torch.equal(one, other) for one, other in zip(bare, traced, strict=True))
    assert refs[0]() is None


class Scale(torch.autograd.Function):
    """Two tensors and a number, one of the tensors without a gradient; its backward draws a random number."""

    calls = 0

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, factor: float, y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        ctx.factor = factor
        return x * factor + y + z

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        Scale.calls += 1
        torch.rand(1)
        random.random()
        return gradients[0] * ctx.factor, None, None, gradients[0] * 3


def test_a_custom_function_is_run_only_when_asked(tmp_path: Path) -> None:
    """Its backward runs once for the engine and once a row when asked; the tape says so, random states are put back."""
    x, z = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)

    def script() -> Any:
        torch.manual_seed(1)
        random.seed(1)
        Scale.calls = 0
        Scale.apply(x, 2.0, torch.ones(3), z).sum().backward()  # type: ignore[no-untyped-call]
        return torch.rand(2), random.random()

    bare = script()
    traced, tape = asked(tmp_path / "run.tape", script, "node_start", "ScaleBackward", Ask("full"))
    assert Scale.calls == 4
    assert torch.equal(bare[0], traced[0])
    assert bare[1] == traced[1]
    chain = tape.chain(last(tape).node, tape.head)
    assert chain is not None
    assert chain.asked[0].has_run_code
    wanted = [edge for edge in chain.edges if edge.to is not None]
    assert [edge.local.values for edge in wanted] == [(2,), (3,)]
    assert all(edge.check is not None and edge.check.is_ok for edge in wanted)


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpoint_is_recomputed_only_when_asked(reentrant: bool, tmp_path: Path) -> None:
    """Asking recomputes the forward once a row; the engine then finds everything as it was, ``.grad`` too."""
    name = "CheckpointFunctionBackward" if reentrant else "SinBackward0"
    count = [0]

    def script() -> Any:
        count[0] = 0
        w, x = torch.ones(2, requires_grad=True), torch.tensor([0.5, 2.0], requires_grad=True)
        w.grad = torch.full((2,), 7.0)

        def forward(t: torch.Tensor) -> torch.Tensor:
            count[0] += 1
            return (t * w).sin()

        result: Any = checkpoint(forward, x, use_reentrant=reentrant)
        result.sum().backward()
        return x.grad, w.grad

    bare = script()
    traced, tape = asked(tmp_path / "run.tape", script, "node_start", name, Ask("full"))
    assert all(torch.equal(one, other) for one, other in zip(bare, traced, strict=True))
    chain = tape.chain(last(tape).node, tape.head)
    assert chain is not None
    assert chain.asked[0].note == ""
    assert count[0] > 3
    checks = [edge.check for edge in chain.edges if edge.to is not None]
    assert all(check is not None and check.is_ok for check in checks)
    assert torch._C._current_graph_task_id() == -1


def test_a_backward_that_raises_when_asked(tmp_path: Path) -> None:
    """What the script's own code raises is told in one sentence, and the engine's own run is not disturbed."""

    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.calls = 0
            return x * 2

        @staticmethod
        def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
            if torch.count_nonzero(gradients[0]) == 1:
                raise ValueError("only whole gradients here")
            return gradients[0] * 2

    x = torch.ones(3, requires_grad=True)

    def script() -> Any:
        x.grad = None
        Once.apply(x).sum().backward()  # type: ignore[no-untyped-call]
        return x.grad

    traced, tape = asked(tmp_path / "run.tape", script, "node_start", "OnceBackward", Ask("full"))
    assert traced is not None
    assert traced.tolist() == [2, 2, 2]
    assert last(tape).asked[0].note == "probing failed: ValueError: only whole gradients here"
