"""What a node held when it ran: changes of it that autograd sees, and those that it does not."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.options import Options
from gradb.present.panes.table import PANES, pane_json
from gradb.tape.saved import SavedTensor
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch

Edit = Callable[[torch.Tensor, torch.optim.Optimizer], None]


def saved(tape: Tape, position: int, node: str, name: str) -> SavedTensor:
    """Return a tensor that the first node of a name saved, as of a position."""
    frame = tape.frame(position)
    ids = [frame.graph.row(index) for index in range(len(frame.graph))]
    found = frame.saved.of(next(row.node for row in ids if row.name == node))
    assert found is not None
    return next(tensor for tensor in found.tensors if tensor.name == name)


def numbers(tensor: SavedTensor) -> list[Any]:
    """Return what was saved, and what was used."""
    return [None if value is None else value.numbers() for value in (tensor.value, tensor.used)]


def ends(tape: Tape) -> list[int]:
    """Return the events at which the backwards ended."""
    return [event.seq for event in tape.events() if event.kind == "backward_end"]


def by_data(weight: torch.Tensor, optimizer: torch.optim.Optimizer) -> None:
    """Write past autograd."""
    weight.data.mul_(3)


def by_numpy(weight: torch.Tensor, optimizer: torch.optim.Optimizer) -> None:
    """Write to the memory itself."""
    weight.detach().numpy()[:] = [6, 9]


def by_data_setting(weight: torch.Tensor, optimizer: torch.optim.Optimizer) -> None:
    """Put other memory in its place, which the saved tensor does not share: nothing changes for the node."""
    weight.data = torch.tensor([6.0, 9.0])


def by_step(weight: torch.Tensor, optimizer: torch.optim.Optimizer) -> None:
    """Have a fused optimizer write, which raises no version."""
    optimizer.step()


@pytest.mark.parametrize("edit", [by_data, by_numpy, by_step])
@pytest.mark.parametrize("is_first", [True, False])
def test_what_a_node_used_is_shown_where_autograd_did_not_notice_a_change(
    tmp_path: Path, edit: Edit, is_first: bool
) -> None:
    """A weight written to unnoticed between forward and backward, or two backwards: saved and used are both shown."""

    def script() -> list[float]:
        w = torch.tensor([2.0, 3.0], requires_grad=True)
        x = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=4, fused=True)
        y = (w * x).sum()
        if not is_first:
            y.backward(retain_graph=True)
        w.grad = torch.tensor([-1.0, -1.5])
        edit(w, optimizer)
        return torch.autograd.grad(y, x)[0].tolist()

    used, tape = record(tmp_path / "run.tape", script)
    assert not notes(tape)
    assert used == [6, 9]
    tensor = saved(tape, ends(tape)[-1], "MulBackward0", "self")
    assert (numbers(tensor), tensor.change) == ([[2, 3], [6, 9]], "unnoticed")
    assert tensor.used_at in [event.seq for event in tape.events() if event.kind == "node_start"]


def test_a_fused_step_is_not_said_to_make_a_backward_raise(tmp_path: Path) -> None:
    """Before the backward runs, the pane says that it will use the new values; of an ordinary step, that it raises."""

    def script(*, is_fused: bool) -> None:
        w = torch.tensor([2.0, 3.0], requires_grad=True)
        x = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=1.0, fused=is_fused)
        y = (w * x).sum()
        y.backward(retain_graph=True)
        optimizer.step()

    for is_fused, change in ((True, "unnoticed"), (False, "changed")):
        _, tape = record(tmp_path / f"{is_fused}.tape", functools.partial(script, is_fused=is_fused))
        tensor = saved(tape, tape.head, "MulBackward0", "self")
        assert (tensor.change, tensor.used) == (change, None)
        frame = tape.frame(tape.head)
        node = next(row.node for row in map(frame.graph.row, range(len(frame.graph))) if row.name == "MulBackward0")
        text = " ".join(to_text(PANES["saved"].render(frame, Options(width=120, selected_node=node)), 120).split())
        words = "autograd did not notice: a backward through here uses the new values"
        assert (words in text) == is_fused
        assert ("a backward through here raises an error" in text) == (not is_fused)


def test_a_second_backward_with_the_same_values_says_nothing(tmp_path: Path) -> None:
    """What is read again and has not changed is no news; nor is memory that was only put in another's place."""

    def script() -> None:
        w = torch.tensor([2.0, 3.0], requires_grad=True)
        x = torch.ones(2, requires_grad=True)
        y = (w * x).sum()
        y.backward(retain_graph=True)
        w.data = torch.tensor([6.0, 9.0])
        y.backward(retain_graph=True)

    _, tape = record(tmp_path / "run.tape", script)
    tensor = saved(tape, tape.head, "MulBackward0", "other")
    assert (tensor.change, tensor.used) == ("", None)
    assert pane_json("saved", tape.frame(tape.head))["saved"] is not None


def test_a_large_weight_written_to_unnoticed_is_told_by_its_statistics(tmp_path: Path) -> None:
    """Of what is too large to be kept whole the summaries are held against each other."""

    def script() -> None:
        w = torch.ones(2000, requires_grad=True)
        x = torch.ones(2000, requires_grad=True)
        y = (w * x).sum()
        y.backward(retain_graph=True)
        w.data.mul_(3)
        y.backward()

    _, tape = record(tmp_path / "run.tape", script)
    tensor = saved(tape, tape.head, "MulBackward0", "self")
    assert tensor.change == "unnoticed"
    assert tensor.used is not None
    assert tensor.used.stats is not None
    assert tensor.used.stats.maximum == 3


def test_a_hook_that_packs_what_is_saved_is_not_run_for_reading_again(tmp_path: Path) -> None:
    """Where saved-tensor hooks packed a tensor nothing is unpacked but by the engine."""
    unpacked: list[int] = []

    def unpack(packed: torch.Tensor) -> torch.Tensor:
        unpacked.append(1)
        return packed

    def script() -> None:
        w = torch.tensor([2.0, 3.0], requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor.clone(), unpack):
            y = w.exp().sum()
        y.backward(retain_graph=True)
        w.data.mul_(3)
        y.backward()

    record(tmp_path / "run.tape", script, probe="never")
    assert len(unpacked) == 2


def test_a_custom_backward_that_writes_to_what_is_saved_is_told(tmp_path: Path) -> None:
    """Its node is named at the node whose saved result it wrote to, and which raises because of it."""

    class Swiglu(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(a, b)
            return torch.nn.functional.silu(a) * b

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> Any:
            a, b = ctx.saved_tensors
            s = torch.sigmoid(a)
            db = a.clone().mul_(s).mul_(grad)
            da = b.mul_(grad).mul_(s * (1 + a * (1 - s)))
            return da, db

    def script() -> None:
        x = torch.tensor([0.5, -1.0], requires_grad=True)
        e = torch.exp(x)
        out = Swiglu.apply(e, e)  # type: ignore[no-untyped-call]
        with pytest.raises(RuntimeError, match="inplace"):
            out.sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    frame = tape.frame(tape.head)
    tensor = saved(tape, tape.head, "ExpBackward0", "result")
    node = next(event.seq for event in tape.events() if event.kind == "node" and event.name == "SwigluBackward")
    assert (tensor.change, tensor.changed_at) == ("changed", node)
    assert tensor.changed_by.startswith("SwigluBackward")
    text = " ".join(to_text(PANES["saved"].render(frame, Options(width=160)), 160).split())
    assert "! e was modified in place since by SwigluBackward" in text


def test_a_run_that_raised_because_of_the_change_used_nothing(tmp_path: Path) -> None:
    """Where autograd noticed and raised, the change is told as such, and not as one that went unnoticed."""

    def script() -> None:
        w = torch.tensor([2.0, 3.0], requires_grad=True)
        x = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=1.0)
        y = (w * x).sum()
        y.backward(retain_graph=True)
        optimizer.step()
        with pytest.raises(RuntimeError, match="inplace"):
            y.backward()

    _, tape = record(tmp_path / "run.tape", script)
    tensor = saved(tape, tape.head, "MulBackward0", "self")
    step = next(event.seq for event in tape.events() if event.kind == "step")
    assert (tensor.change, tensor.changed_at, tensor.used) == ("changed", step, None)


def write_to_it(a: torch.Tensor, b: torch.Tensor, grad: torch.Tensor) -> None:
    """Write to a fresh tensor of the same values first, then to what was saved."""
    a.clone().mul_(grad)
    b.sub_(grad)


def write_to_a_view(a: torch.Tensor, b: torch.Tensor, grad: torch.Tensor) -> None:
    """Write to what was saved by way of a part of it."""
    a.clone().mul_(grad)
    b[1:].sub_(grad[1:])


def write_to_what_is_detached(a: torch.Tensor, b: torch.Tensor, grad: torch.Tensor) -> None:
    """Write to what was saved past its graph."""
    copy = a * 1
    (copy + 1).mul_(copy.mul_(grad))
    b.detach().sub_(grad)


@pytest.mark.parametrize("write", [write_to_it, write_to_a_view, write_to_what_is_detached])
def test_the_op_that_wrote_to_what_is_saved_is_known_by_the_tensor(write: Any, tmp_path: Path) -> None:
    """An op that wrote to a fresh tensor of the same values is not blamed."""

    class Writing(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(a, b)
            return a * b

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> Any:
            write(*ctx.saved_tensors, grad)
            return grad, grad

    def script() -> None:
        e = torch.exp(torch.tensor([0.5, -1.0], requires_grad=True))
        with pytest.raises(RuntimeError, match="inplace"):
            Writing.apply(e, e).sum().backward()  # type: ignore[no-untyped-call]

    _, tape = record(tmp_path / "run.tape", script)
    told = saved(tape, tape.head, "ExpBackward0", "result").changed_by
    assert told.startswith("WritingBackward, Tensor.sub_ in test_held.py:")


def test_a_change_before_a_custom_backward_wrote_too_is_told_first(tmp_path: Path) -> None:
    """What the script did to a saved tensor before the backward began is not put down to the backward."""

    class Writing(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return x.clone()

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            ctx.saved_tensors[0].add_(1)
            return grad

    def script() -> None:
        e = torch.exp(torch.tensor([0.5, -1.0], requires_grad=True))
        e.mul_(2)
        with pytest.raises(RuntimeError, match="inplace"):
            Writing.apply(e).sum().backward()  # type: ignore[no-untyped-call]

    _, tape = record(tmp_path / "run.tape", script)
    tensor = saved(tape, tape.head, "ExpBackward0", "result")
    changed = next(event.seq for event in tape.events() if event.name == "MulBackward0")
    assert (tensor.change, tensor.changed_at, tensor.changed_by) == ("changed", changed, "")


def test_a_copy_of_a_gradient_is_no_culprit(tmp_path: Path) -> None:
    """Of a backward that writes into a copy first and then into the gradient itself, the latter line is told."""

    class Shift(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            grad.clone().mul_(3)
            grad.add_(1)
            return grad

    def script() -> None:
        a = torch.tensor([1.0, 2.0], requires_grad=True)
        left, right = a * 5, Shift.apply(a)  # type: ignore[no-untyped-call]
        ((left + right) * torch.tensor([1.0, 10.0])).sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    node = [event.seq for event in tape.events() if event.kind == "node" and event.name == "MulBackward0"][-1]
    chain = tape.frame(node).chain
    assert chain is not None
    assert [(one.name, one.call) for one in chain.rewrites] == [("ShiftBackward", "Tensor.add_")]
