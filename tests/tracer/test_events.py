"""The events a script leaves on the tape: kinds, names, lines, values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.options import Options
from gradb.present.panes.table import PANES
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.zero_grad import ZeroGradDetail
from gradb.tracer.watch.torch_functions import Call
from tests.tracer.recording import record

pytestmark = pytest.mark.torch


def _kinds(tape: Tape) -> list[str]:
    return [event.kind for event in tape.events() if event.kind != "node_start"]


def test_chain_rule_walk(tmp_path: Path) -> None:
    """The first scenario, event by event, with names known at once."""

    def script() -> None:
        a = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
        b = 2 * a
        c = b + 5
        d = c**2
        out = d.sum()
        out.backward()

    _, tape = record(tmp_path / "run.tape", script)
    assert [event.name for event in tape.events() if event.is_stop] == [
        *("a", "MulBackward0", "AddBackward0", "PowBackward0", "SumBackward0"),
        *("SumBackward0", "PowBackward0", "AddBackward0", "MulBackward0", "a"),
    ]
    assert tape.frame(5).names == ("a", "b", "c", "d", "out")
    (buffer,) = tape.frame(tape.head).grads
    assert buffer.after is not None
    assert buffer.after.numbers() == [28, 36, 44, 52]


def _names_of(tape: Tape) -> list[tuple[list[str | None], list[str | None]]]:
    details = [tape.detail(event.seq) for event in tape.events() if event.kind == "op"]
    return [([t.name for t in d.inputs], [t.name for t in d.outputs]) for d in details if isinstance(d, OpDetail)]


def test_names_come_from_the_source_and_are_never_guessed(tmp_path: Path) -> None:
    """A scalar variable on the left of a tensor does not lend it its name."""

    def script() -> None:
        a = torch.ones(2, requires_grad=True)
        k = 3.0
        x, y = (k * a).split(1)
        z = torch.add(x, y)
        (z - 1).sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    assert _names_of(tape)[:3] == [(["a"], [None]), ([None], ["x", "y"]), (["x", "y"], ["z"])]


def test_results_of_modules_are_named_when_the_call_has_returned(tmp_path: Path) -> None:
    """Inner ops of a module do not take the name its result is assigned to."""
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())

    def script() -> None:
        prediction = net(torch.ones(1, 2))
        loss = prediction.sum()
        loss.backward()

    _, tape = record(tmp_path / "run.tape", script)
    ops = [event for event in tape.events() if event.kind == "op" and not event.is_quiet]
    assert [event.scope for event in ops] == ["0", "1", ""]
    assert _names_of(tape)[-1] == (["prediction"], ["loss"])
    details = [tape.detail(event.seq) for event in tape.events() if event.kind == "accumulate"]
    told = {detail.parameter for detail in details if isinstance(detail, AccumulateDetail)}
    assert told == {"net.0.weight", "net.0.bias"}


_CLEARING: dict[str, Callable[[nn.Linear, torch.optim.Optimizer], Any]] = {
    "optimizer.zero_grad": lambda net, optimizer: optimizer.zero_grad(),
    "optimizer.zero_grad to zeros": lambda net, optimizer: optimizer.zero_grad(set_to_none=False),
    "module.zero_grad": lambda net, optimizer: net.zero_grad(),
    "grad.zero_": lambda net, optimizer: net.weight.grad.zero_(),  # type: ignore[union-attr]
    "grad = None": lambda net, optimizer: setattr(net.weight, "grad", None),
    "del grad": lambda net, optimizer: delattr(net.weight, "grad"),
}


@pytest.mark.parametrize("idiom", _CLEARING)
def test_each_way_of_clearing_is_one_event(idiom: str, tmp_path: Path) -> None:
    """All five idioms of zeroing are seen, each as one event, and the buffer shown is the real one."""
    net = nn.Linear(2, 1, bias=False)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    def script() -> None:
        net(torch.ones(1, 2)).sum().backward()
        _CLEARING[idiom](net, optimizer)

    _, tape = record(tmp_path / "run.tape", script)
    events = [event for event in tape.events() if event.kind == "zero_grad"]
    assert len(events) == 1
    detail = tape.detail(events[0].seq)
    assert isinstance(detail, ZeroGradDetail)
    assert idiom.startswith(detail.idiom)
    (row,) = detail.cleared
    assert row.before is not None
    assert row.before.numbers() == [1, 1]
    shown = tape.frame(tape.head).grads[0].after
    real = net.weight.grad
    assert (None if shown is None else shown.numbers()) == (None if real is None else real.flatten().tolist())


def test_clipping_is_seen_in_the_buffer(tmp_path: Path) -> None:
    """An in-place change of .grad leaves the tape with the gradient that the optimizer will use."""
    net = nn.Linear(2, 1, bias=False)

    def script() -> None:
        (net(torch.ones(1, 2)) * 100).sum().backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)

    _, tape = record(tmp_path / "run.tape", script)
    shown = tape.frame(tape.head).grads[0].after
    assert shown is not None
    assert net.weight.grad is not None
    assert shown.numbers() == net.weight.grad.flatten().tolist()


def test_only_nodes_that_will_run_are_pending(tmp_path: Path) -> None:
    """With inputs= the list of nodes is exactly what the engine then runs."""

    def script() -> None:
        a = torch.ones(2, requires_grad=True)
        w = torch.ones(2, requires_grad=True)
        b = a.exp()
        ((b * 2) + (w.sin() * 3)).sum().backward(inputs=[w])

    _, tape = record(tmp_path / "run.tape", script)
    start = next(event for event in tape.events() if event.kind == "backward_start")
    detail = tape.detail(start.seq)
    assert isinstance(detail, BackwardStartDetail)
    ran = {event.node for event in tape.events() if event.kind == "node_start"}
    assert set(detail.nodes) == ran


def test_an_error_is_recorded_where_torch_raised_it(tmp_path: Path) -> None:
    """A caught error is on the tape with its line and message."""

    def script() -> str:
        try:
            torch.tensor([[1, 2], [3, 4]], requires_grad=True)
        except RuntimeError as error:
            return str(error)
        return ""

    message, tape = record(tmp_path / "run.tape", script)
    (event,) = [event for event in tape.events() if event.kind == "error"]
    assert event.line == script.__code__.co_firstlineno + 2
    assert message in str(tape.detail(event.seq))


def test_initialisation_is_quiet_and_an_update_by_hand_is_not(tmp_path: Path) -> None:
    """What cannot matter to a gradient is stepped over; hand-written SGD is not."""

    def script() -> None:
        net = nn.Linear(2, 1)
        net(torch.ones(1, 2)).sum().backward()
        with torch.no_grad():
            net.weight -= 0.1 * net.weight.grad  # type: ignore[operator]

    _, tape = record(tmp_path / "run.tape", script)
    loud = [(event.name, event.phase) for event in tape.events() if event.is_stop and event.phase != "backward"]
    assert loud == [("AddmmBackward0", "forward"), ("SumBackward0", "forward"), ("Tensor.sub_", "optimizer")]


def test_a_retained_gradient_is_a_buffer_like_a_leafs(tmp_path: Path) -> None:
    """retain_grad makes the .grad of an intermediate tensor fill, and the tape shows it."""

    def script() -> None:
        a = torch.ones(2, requires_grad=True)
        b = a * 3
        b.retain_grad()
        (b**2).sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    buffers = {buffer.name: buffer.after for buffer in tape.frame(tape.head).grads}
    assert {name: value and value.numbers() for name, value in buffers.items()} == {"a": [18, 18], "b": [6, 6]}


def test_a_node_in_which_the_engine_raised_says_so(tmp_path: Path) -> None:
    """After an error inside a node there is no downstream, and the pane does not take that for a None gradient."""

    def script() -> None:
        a = torch.ones(2, requires_grad=True)
        out = (a**2).sum()
        out.backward()
        with pytest.raises(RuntimeError, match="second time"):
            out.backward()

    _, tape = record(tmp_path / "run.tape", script)
    frame = tape.frame(next(event.seq for event in tape.events() if event.kind == "error"))
    assert frame.chain is not None
    assert (frame.chain.node_name, frame.chain.is_interrupted) == ("PowBackward0", True)
    text = to_text(PANES["chain"].render(frame, Options(width=100)), 100)
    assert "the engine raised an error while this node ran" in text


def test_a_saved_tensor_changed_in_place_is_said_at_its_node(tmp_path: Path) -> None:
    """The pane of the node that needed the changed tensor says that it raised, not that it has not run yet."""

    def script() -> None:
        x = torch.ones(2, requires_grad=True)
        y = x.exp()
        z = (y * x).sum()
        y.add_(1)
        with pytest.raises(RuntimeError, match="inplace"):
            z.backward()

    _, tape = record(tmp_path / "run.tape", script)
    frame = tape.frame(next(event.seq for event in tape.events() if event.kind == "error"))
    text = to_text(PANES["chain"].render(frame, Options(width=100)), 100)
    assert "MulBackward0" in text
    assert "it began to run, and the engine raised an error" in text
    assert "not run yet" not in text


def test_a_call_that_changes_gradients_and_returns_nothing_is_recorded_where_it_is(tmp_path: Path) -> None:
    """What GradScaler does to the gradients bears its own name, and the next op keeps its own."""

    def script() -> None:
        a = torch.ones(3, requires_grad=True)
        (a * 2).sum().backward()
        assert a.grad is not None
        found = torch.zeros(1)
        torch._amp_foreach_non_finite_check_and_unscale_([a.grad], found, torch.tensor(0.5))
        found.to(torch.float64)

    _, tape = record(tmp_path / "run.tape", script)
    names = [event.name for event in tape.events() if event.kind in {"zero_grad", "grad_change", "op"}]
    assert names[-2:] == ["grad._amp_foreach_non_finite_check_and_unscale_", "Tensor.to"]


def test_a_failed_change_of_a_gradient_is_not_told_of_the_next_op(tmp_path: Path) -> None:
    """An in-place op on a gradient that raises leaves nothing behind for what follows."""

    def script() -> None:
        a = torch.ones(3, requires_grad=True)
        (a * 2).sum().backward()
        assert a.grad is not None
        with pytest.raises(RuntimeError):
            a.grad.add_(torch.ones(2))
        torch.ones(2).add_(1)

    _, tape = record(tmp_path / "run.tape", script)
    assert [event.kind for event in tape.events()][-3:] == ["error", "op", "op"]


@pytest.mark.parametrize("shape", [(40, 50), (600, 3), (2, 3, 400), (1500,)])
def test_statistics_of_a_transpose_are_those_of_its_elements(shape: tuple[int, ...], tmp_path: Path) -> None:
    """A large tensor that is not contiguous is summarised in its own order of elements."""
    torch.manual_seed(0)
    source = torch.randn(shape)

    def script() -> Any:
        return source.permute(*reversed(range(source.dim())))[1:]

    wanted, tape = record(tmp_path / "run.tape", script)
    detail = tape.detail(tape.head)
    assert isinstance(detail, OpDetail)
    stats = detail.outputs[0].value.stats
    assert stats is not None
    assert (stats.minimum, stats.maximum) == (wanted.min().item(), wanted.max().item())
    assert stats.mean == pytest.approx(wanted.double().mean().item(), abs=1e-6)
    assert list(stats.corner) == wanted.reshape(-1)[:8].tolist()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64])
@pytest.mark.parametrize("bad", [None, float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_seen_in_every_float(dtype: torch.dtype, bad: float | None, tmp_path: Path) -> None:
    """The flag is set for a NaN or an infinity anywhere, and never for the largest or smallest finite number."""
    info = torch.finfo(dtype)
    numbers = [0.0, -0.0, info.max, info.min, info.tiny, -info.eps, 1.0]
    numbers[5] = numbers[5] if bad is None else bad
    source = torch.tensor(numbers, dtype=dtype)
    _, tape = record(tmp_path / "run.tape", lambda: source[0:])
    assert tape.event(tape.head).has_nonfinite is (bad is not None)


def test_functions_of_several_names_are_told_by_the_documented_one(tmp_path: Path) -> None:
    """Torch has ``mm`` as ``spmm`` too, and ``einsum`` in a module that people do not name."""
    a, b = torch.ones(2, 2, requires_grad=True), torch.ones(2, 2, 1)

    def script() -> None:
        torch.mm(a, a)
        a.mm(a)
        torch.einsum("ii", a)
        torch.norm(a)
        functional.conv1d(b, b)
        torch.abs(a)
        torch.Tensor.__abs__(a)
        torch.special.expit(a)

    _, tape = record(tmp_path / "run.tape", script)
    details = [tape.detail(event.seq) for event in tape.events() if event.kind == "op"]
    assert [detail.function for detail in details if isinstance(detail, OpDetail)] == [
        *("torch.mm", "Tensor.mm", "torch.einsum", "torch.norm", "torch.nn.functional.conv1d"),
        *("torch.abs", "Tensor.abs", "torch.special.expit"),
    ]


def test_no_public_name_of_torchs_is_told_as_another_of_the_same_module() -> None:
    """Each public function of torch, looked at once: what equals others (``saddmm``, ``hsmm``) keeps its own name."""
    told = {name: Call(getattr(torch, name)).display for name in dir(torch) if _is_function(name)}
    assert len(told) > 500
    elsewhere = ("torch.nn.functional.", "torch._", "aten.")
    assert [name for name, other in told.items() if other != f"torch.{name}" and not other.startswith(elsewhere)] == []


def _is_function(name: str) -> bool:
    value = getattr(torch, name)
    return callable(value) and not isinstance(value, type) and not name.startswith("_")
