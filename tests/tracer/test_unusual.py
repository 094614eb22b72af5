"""Uses of torch that are rare: the tracer steps aside, or records them, and never changes or loses the run."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradb.present.draw.text import to_text
from gradb.present.options import Options
from gradb.present.panes.table import PANES
from tests.tracer.recording import notes, record

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

Case = Callable[[], list[Tensor | None]]
CASES: dict[str, Case] = {}


def case(function: Case) -> Case:
    """Add a function to the table."""
    CASES[function.__name__] = function
    return function


def _leaf() -> Tensor:
    return torch.tensor([1.0, 2.0, 3.0], requires_grad=True)


def _ones_linear() -> nn.Linear:
    net = nn.Linear(2, 2)
    nn.init.ones_(net.weight)
    nn.init.zeros_(net.bias)
    return net


@case
def jit_trace() -> list[Tensor | None]:
    net = _ones_linear()
    traced = torch.jit.trace(net, torch.ones(1, 2))
    traced(torch.ones(1, 2)).sum().backward()
    return [net.weight.grad]


@case
def compiled_eagerly() -> list[Tensor | None]:
    a = _leaf()
    torch.compile(lambda x: (x * 2).exp(), backend="eager")(a).sum().backward()
    return [a.grad]


@case
def nested_tensors() -> list[Tensor | None]:
    a, b = _leaf(), torch.ones(2, requires_grad=True)
    nested = torch.nested.as_nested_tensor([a, b], layout=torch.jagged)
    (nested * 2).values().sum().backward()
    return [a.grad, b.grad]


@case
def fake_tensors() -> list[Tensor | None]:
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        (torch.ones(3, requires_grad=True) * 2).sum().backward()
    a = _leaf()
    (a * 2).sum().backward()
    return [a.grad]


@case
def default_device_meta() -> list[Tensor | None]:
    a = _leaf()
    torch.set_default_device("meta")
    try:
        (torch.ones(3, requires_grad=True) * 2).sum().backward()
        (a * 2).sum().backward()
    finally:
        torch.set_default_device(None)
    return [a.grad]


@case
def lazy_parameters() -> list[Tensor | None]:
    net = nn.LazyLinear(2)
    net(torch.ones(1, 3)).sum().backward()
    return [net.weight.grad]


class _Unhashable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


@case
def module_that_cannot_be_hashed() -> list[Tensor | None]:
    net = _Unhashable()
    net(torch.ones(2)).sum().backward()
    return [net.weight.grad]


@case
def parameters_swapped_on_conversion() -> list[Tensor | None]:
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        net = _ones_linear()
        net(torch.ones(1, 2)).sum().backward()
        net.double()
        net(torch.ones(1, 2).double()).sum().backward()
    finally:
        torch.__future__.set_swap_module_params_on_conversion(False)
    return [net.weight.grad, net.weight.detach()]


@case
def anomaly_mode() -> list[Tensor | None]:
    a = _leaf()
    with torch.autograd.set_detect_anomaly(True):
        (a.exp() * 2).sum().backward()
        with pytest.raises(RuntimeError, match="nan"):
            (torch.zeros(1, requires_grad=True).sqrt() * 0).sum().backward()
    return [a.grad]


@case
def interrupted_inside_the_engine() -> list[Tensor | None]:
    a = _leaf()

    def hook(grad: Tensor) -> None:
        raise KeyboardInterrupt

    b = a * 2
    b.register_hook(hook)
    with pytest.raises(KeyboardInterrupt):
        b.sum().backward()
    (a * 3).sum().backward()
    return [a.grad]


@case
def saved_to_a_file() -> list[Tensor | None]:
    net = _ones_linear()
    net(torch.ones(1, 2)).sum().backward()
    file = io.BytesIO()
    torch.save([net, net.state_dict(), net.weight.grad], file)
    return [torch.tensor(list(file.getvalue()))]


@case
def backward_inside_a_function() -> list[Tensor | None]:
    class Inner(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return x.exp()

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Tensor:
            (x,) = ctx.saved_tensors
            with torch.enable_grad():
                inner = x.detach().requires_grad_()
                torch.autograd.backward([inner.exp()], [grad])
            assert isinstance(inner.grad, Tensor)
            return inner.grad

    a = _leaf()
    Inner.apply(a).sum().backward()  # type: ignore[no-untyped-call]
    return [a.grad]


@case
def recursion() -> list[Tensor | None]:
    def deep(x: Any, levels: int) -> Any:
        return x if levels == 0 else deep(x * 1.0, levels - 1)

    a = _leaf()
    deep(a, (sys.getrecursionlimit() - 300) // 2).sum().backward()
    return [a.grad]


@pytest.mark.parametrize("name", CASES)
def test_the_run_is_what_it_is_without_the_tracer(name: str, tmp_path: Path) -> None:
    """Same results, and the recording goes on to the end."""
    plain = CASES[name]()
    traced, tape = record(tmp_path / "run.tape", CASES[name])
    for have, want in zip(traced, plain, strict=True):
        assert have is not None
        assert want is not None
        assert torch.equal(have, want)
    assert not notes(tape)
    starts = [event.kind for event in tape.events() if event.kind in {"backward_start", "backward_end"}]
    assert starts.count("backward_start") == starts.count("backward_end")


def test_a_warning_of_torch_stands_at_the_scripts_line(tmp_path: Path) -> None:
    """No frame of ours is ever named in what the user sees."""

    def script() -> list[str]:
        b = _leaf() * 2
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert b.grad is None
            nn.functional.softmax(b)
        return [f"{Path(warning.filename).name}:{warning.lineno}" for warning in caught]

    places, _ = record(tmp_path / "run.tape", script)
    first = script.__code__.co_firstlineno
    assert places == [f"test_unusual.py:{first + 4}", f"test_unusual.py:{first + 5}"]


def test_code_made_in_a_loop_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that compiles code again and again does not make the tracer grow."""
    from gradb.tracer.source import places

    monkeypatch.setattr(places, "_MAX_CODES", 10)
    found: list[places.Places] = []
    original = places.Places.__init__

    def init(self: places.Places, *parts: Any) -> None:
        original(self, *parts)
        found.append(self)

    monkeypatch.setattr(places.Places, "__init__", init)
    a = _leaf()

    def script() -> None:
        for _ in range(50):
            exec("a.exp()", {"a": a})

    record(tmp_path / "run.tape", script)
    assert len(found[0]._codes) <= 10


@pytest.mark.parametrize("has_run_before", [False, True])
def test_a_backward_from_a_root_without_a_graph_leaves_the_graph_to_be_seen(
    has_run_before: bool, tmp_path: Path
) -> None:
    """What the forward made is drawn on, in the backward that has no use of it and after its error."""

    def script() -> None:
        w = torch.ones(2, requires_grad=True)
        if has_run_before:
            (w * 3).sum().backward()
        y = torch.exp(w)
        for _ in range(2):
            with pytest.raises(RuntimeError, match="does not require grad"):
                y.detach().sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    made = next(event.seq for event in tape.events() if event.name == "ExpBackward0")
    for position in range(made, tape.head + 1):
        graph = tape.frame(position).graph
        assert [graph.row(index).name for index in range(len(graph))][:1] == ["ExpBackward0"], position


def test_only_where_nothing_was_computed_there_is_no_graph_yet(tmp_path: Path) -> None:
    """A backward that fails before anything requires grad leaves the pane to say that nothing does."""

    def script() -> None:
        with pytest.raises(RuntimeError, match="does not require grad"):
            torch.ones(2).sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    text = to_text(PANES["graph"].render(tape.frame(tape.head), Options(width=100)), 100)
    assert "no graph yet" in text


def test_memory_that_was_freed_is_no_value(tmp_path: Path) -> None:
    """A tensor whose storage was emptied behind it is said to have no values, not shown with whatever bytes come."""

    def script() -> None:
        emptied = torch.ones(4)
        emptied.untyped_storage().resize_(0)
        emptied.view(2, 2)

    _, tape = record(tmp_path / "run.tape", script)
    detail: Any = tape.detail(tape.head)
    for value in (detail.inputs[0].value, detail.outputs[0].value):
        assert (value.data, value.note) == (None, "its memory was freed")
