"""What is a leaf: a tensor where gradients end. A view made where gradients are off is none, whatever torch says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.options import Options
from gradb.present.panes.table import PANES
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.leaf import LeafDetail
from gradb.tape.kinds.op import OpDetail
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch

VIEWS: dict[str, Callable[[torch.Tensor], object]] = {
    "an element filled": lambda w: w[0].fill_(0),
    "rows scaled": lambda w: w[1:3].mul_(0.1),
    "an element assigned": lambda w: w.__setitem__(0, 0),
    "unbound": lambda w: next(iter(w.unbind())) + 1,
    "split": lambda w: [part + 1 for part in w.split([1, 2])],
    "chunked": lambda w: w.chunk(3),
    "transposed": lambda w: w.H * 2,
    "a view of a view": lambda w: w.view(-1)[2:4].zero_(),
    "kept and read after its base changed": lambda w: (w[0], w.mul_(2), w.sum())[0] + 1,
    "detached": lambda w: w.detach()[0].add_(1),
}


class _Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return -gradients[0]


class _Same(_Through):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x


def leaves(tape: Tape) -> list[str | None]:
    """Return the names of the leaves on a tape."""
    details = [tape.detail(event.seq) for event in tape.events() if event.kind == "leaf"]
    return [detail.tensor.name for detail in details if isinstance(detail, LeafDetail)]


@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode], ids=["no_grad", "inference_mode"])
@pytest.mark.parametrize("what", VIEWS)
def test_a_view_made_where_gradients_are_off_is_no_leaf(what: str, off: Any, tmp_path: Path) -> None:
    """What changes a leaf through a view of it is an op like any other; the leaf has its new values and stays alone."""

    def script() -> tuple[torch.Tensor, list[float]]:
        w = torch.arange(6.0).view(3, 2).clone().requires_grad_()
        with off():
            VIEWS[what](w)
        values = w.flatten().tolist()
        (w * 2).sum().backward()
        return w, values

    (w, values), tape = record(tmp_path / "run.tape", script, probe="never")
    assert notes(tape) == []
    assert leaves(tape) == ["w"]
    (buffer,) = tape.frame(tape.head).grads
    assert buffer.after is not None
    assert buffer.after.numbers() == [2] * 6
    last = next(event for event in reversed(list(tape.events())) if event.name == "MulBackward0" and event.kind == "op")
    detail = tape.detail(last.seq)
    assert isinstance(detail, OpDetail)
    assert detail.inputs[0].value.numbers() == values == w.flatten().tolist()


def test_a_view_that_torch_refuses_is_refused_by_torch_alone(tmp_path: Path) -> None:
    """A view whose base changed where gradients were off cannot be used; the script gets torch's own error."""

    def script() -> str:
        w = torch.ones(3, 2, requires_grad=True)
        with torch.no_grad():
            row = w[0]
            row += 1
        with pytest.raises(RuntimeError, match="view was created in no_grad") as caught:
            torch.autograd.backward((w * row.detach()).sum(), inputs=[row])
        with pytest.raises(RuntimeError, match="view was created in no_grad"):
            (row * 2).sum().backward()
        w.sum().backward()
        return str(caught.value)

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert notes(tape) == []
    assert [event.name for event in tape.events() if event.kind == "accumulate"] == ["w"]


def test_modules_that_change_rows_of_their_weights(tmp_path: Path) -> None:
    """``nn.Embedding(padding_idx=...)`` and a forget gate's bias are set through views under ``no_grad``."""

    def script() -> None:
        emb = nn.Embedding(4, 2, padding_idx=0)
        lstm = nn.LSTM(2, 3)
        with torch.no_grad():
            nn.init.ones_(lstm.get_parameter("bias_ih_l0")[3:6])
            weight = emb.weight
            weight[1:3] *= 0.1
            nn.init.zeros_(weight[3])
        lstm(emb(torch.tensor([1, 0])))[0].sum().backward()

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert notes(tape) == []
    assert len(leaves(tape)) == len(tape.frame(tape.head).grads) == 5


def test_an_update_through_a_view_is_one_of_the_leaf(tmp_path: Path) -> None:
    """``w[0] -= ...`` by hand after a backward updates w, as ``w -= ...`` does."""

    def script() -> None:
        w = torch.ones(3, 2, requires_grad=True)
        for _ in range(2):
            (w * w).sum().backward()
            with torch.no_grad():
                w[0] -= 0.1
                w[1].sub_(0.1)

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    updates = [event for event in tape.events() if event.kind == "op" and event.phase == "optimizer"]
    assert [event.iteration for event in updates] == [1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("function", [_Through, _Same], ids=["a view of its input", "its input"])
def test_a_function_that_hands_its_input_on_makes_no_leaf(function: Any, tmp_path: Path) -> None:
    """Gradient reversal and straight-through estimators view their input where gradients are off."""

    def script() -> None:
        w = torch.ones(2, requires_grad=True)
        y = function.apply(w * 3)
        y.sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    assert leaves(tape) == ["w"]
    assert [buffer.name for buffer in tape.frame(tape.head).grads] == ["w"]


def test_full_backward_hooks_make_no_leaves(tmp_path: Path) -> None:
    """Modules with such a hook have their inputs and outputs handed through a function of torch's own."""
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    for module in net:
        module.register_full_backward_hook(lambda *_: None)

    _, tape = record(tmp_path / "run.tape", lambda: net(torch.ones(1, 2, requires_grad=True)).sum().backward())
    assert len(leaves(tape)) == len(tape.frame(tape.head).grads) == 3


def test_a_part_that_is_made_a_leaf_gets_its_gradient(tmp_path: Path) -> None:
    """A view of what requires no grad can be a leaf, and so is what ``requires_grad_`` makes one."""

    def script() -> tuple[torch.Tensor, torch.Tensor]:
        flat = torch.zeros(6)
        part = flat[:4].requires_grad_()
        w = torch.ones(3, requires_grad=True)
        with torch.no_grad():
            tail = w[1:]
        tail.requires_grad_()
        ((part * 2).sum() + (tail * 3).sum()).backward()
        return part, tail

    (part, tail), tape = record(tmp_path / "run.tape", script)
    details = [tape.detail(event.seq) for event in tape.events() if event.kind == "accumulate"]
    found = {d.parameter: d.after.numbers() for d in details if isinstance(d, AccumulateDetail) and d.after}
    assert part.grad is not None
    assert tail.grad is not None
    assert found == {"part": part.grad.tolist(), "tail": tail.grad.tolist()}


def test_gradients_made_in_inference_mode(tmp_path: Path) -> None:
    """Tensors of inference mode count no versions; nothing that reads versions may stop at one."""

    def script() -> torch.Tensor:
        w = torch.ones(2, requires_grad=True)
        y = w * 2
        y.register_hook(lambda gradient: gradient * 5)
        with torch.inference_mode():
            gradient = torch.ones(2)
        y.backward(gradient)
        assert w.grad is not None
        return w.grad

    grad, tape = record(tmp_path / "run.tape", script)
    assert notes(tape) == []
    (buffer,) = tape.frame(tape.head).grads
    assert buffer.after is not None
    assert buffer.after.numbers() == grad.tolist() == [10, 10]


def _of_a_few_kinds() -> None:
    net, base = nn.Linear(2, 2, bias=False), nn.Linear(2, 2)
    base.weight.requires_grad = False
    base.bias.requires_grad_(False)
    for _ in range(3):
        x = torch.randn(1, 2, requires_grad=True)
        base(net(x)).sum().backward()


def test_leaves_that_are_gone_or_frozen_are_folded(tmp_path: Path) -> None:
    """What the script has let go of, and what needs no gradient any more, is counted in one line and flagged."""
    _, tape = record(tmp_path / "run.tape", _of_a_few_kinds, probe="never")
    grads = tape.frame(tape.head).grads
    assert {buffer.name for buffer in grads if not (buffer.is_gone or buffer.is_frozen)} == {"net.weight", "x"}
    assert [buffer.is_gone for buffer in grads] == [False] * 3 + [True] * 2 + [False]
    assert {buffer.name for buffer in grads if buffer.is_frozen} == {"base.weight", "base.bias"}
    text = to_text(PANES["grads"].render(tape.frame(tape.head), Options(width=100)), 100)
    assert "2 leaves are gone" in text
    assert "2 leaves are frozen" in text
    assert text.count(".grad") == 2


@pytest.mark.parametrize("width", [40, 100])
def test_where_all_leaves_are_gone_or_frozen_the_pane_says_so(tmp_path: Path, width: int) -> None:
    """There is no row then, but the line that counts them."""

    def script() -> None:
        weight = torch.ones(2, requires_grad=True)
        (weight * 2).sum()
        del weight
        frozen = nn.Linear(1, 1, bias=False).requires_grad_(requires_grad=False)
        frozen(torch.ones(1))

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    text = to_text(PANES["grads"].render(tape.frame(tape.head), Options(width=width)), width)
    assert text.split("\n")[:2] == ["▸ 1 leaf is gone", "▸ 1 leaf is frozen"]


def test_what_a_function_leaves_behind_can_be_looked_at(tmp_path: Path) -> None:
    """When the script ends right after its training, the leaves of the training are still listed."""

    def script() -> None:
        _of_a_few_kinds()
        print("done")

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    listed = [buffer.name for buffer in tape.frame(tape.head).grads if not (buffer.is_gone or buffer.is_frozen)]
    assert listed == ["net.weight", "x"]
