"""The ATen calls of ops and nodes: which are seen, with what, and that looking changes nothing."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.testing._internal.two_tensor import TwoTensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint

from gradb.frame.frame import Aten
from gradb.frame.reader import Tape
from gradb.tape.kinds.aten import AtenDetail
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.op import OpDetail
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch


def looked_into(path: Path, function: Callable[[], Any]) -> Tape:
    """Record a function with the calls of every op and node, and nothing to complain of."""
    _, tape = record(path / "run.tape", function, probe="never", aten=True)
    assert notes(tape) == []
    return tape


def at(tape: Tape, kind: str, name: str) -> Aten:
    """Return the calls at the first event of a kind and name."""
    seq = next(event.seq for event in tape.events() if event.kind == kind and event.name == name)
    aten = tape.frame(seq).aten
    assert aten is not None
    return aten


def functions(aten: Aten) -> list[str]:
    """Return the names of the calls."""
    return [call.detail.function.removeprefix("aten.") for call in aten.calls]


def leaf(*shape: int) -> torch.Tensor:
    """Return small numbers that require grad, the same at every call."""
    count = int(torch.Size(shape).numel())
    return ((torch.arange(count) * 7 % 11 - 5) / 4).reshape(shape).requires_grad_()


def twice(x: torch.Tensor) -> torch.Tensor:
    """Return 2x, by a custom Function."""
    doubled: torch.Tensor = Twice.apply(x)  # type: ignore[no-untyped-call]
    return doubled


class Twice(torch.autograd.Function):
    """Doubles, with a backward of two ATen calls."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        """Return 2x."""
        return x * 2

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        """Return twice the gradient."""
        (gradient,) = gradients
        third = gradient * 3
        return third - gradient


def test_the_calls_of_a_matrix_product(tmp_path: Path) -> None:
    """Forward one product; backward two, of the transposed factors: with names, values and the calls' own numbers."""

    def script() -> None:
        a, b = leaf(2, 3), leaf(3, 2)
        c = a @ b
        c.sum().backward()

    tape = looked_into(tmp_path, script)
    assert functions(at(tape, "op", "MmBackward0")) == ["mm.default"]
    node = at(tape, "node", "MmBackward0")
    assert functions(node) == ["t.default", "mm.default", "t.default", "mm.default"]
    assert [call.detail.number for call in node.calls] == [1, 2, 3, 4]
    transposed, left, _, right = [call.detail for call in node.calls]
    assert transposed.inputs[0].name == "a"
    assert left.inputs[0].id == transposed.outputs[0].id
    assert left.inputs[1].name == right.inputs[0].name == "upstream"
    ones = torch.ones(2, 2)
    assert left.outputs[0].value.numbers() == (leaf(2, 3).detach().t() @ ones).flatten().tolist()
    assert right.outputs[0].value.numbers() == (ones @ leaf(3, 2).detach().t()).flatten().tolist()


def test_calls_are_inside_their_op_or_node(tmp_path: Path) -> None:
    """The calls of an op come before its event, those of a node between its two; both name where they begin."""
    tape = looked_into(tmp_path, lambda: (leaf(2).exp() * 3).sum().backward())
    inside: list[int] = []
    for event in tape.events():
        detail = tape.detail(event.seq)
        if isinstance(detail, AtenDetail):
            assert event.phase == ("forward" if event.node is None else "backward")
            inside.append(detail.start)
        elif isinstance(detail, OpDetail):
            assert detail.calls
            assert set(inside) == {detail.calls}
            inside.clear()
        elif isinstance(detail, NodeDetail):
            assert detail.calls is not None
            assert set(inside) <= {detail.start}
            assert tape.event(detail.start).kind == "node_start"
            inside.clear()
        elif event.kind in {"leaf", "accumulate"}:
            inside.clear()


@pytest.mark.parametrize(
    ("make", "op", "node", "forward", "backward"),
    [
        (lambda: leaf(3).softmax(0), "SoftmaxBackward0", "SoftmaxBackward0", ["_softmax.default"],
         ["_softmax_backward_data.default"]),
        (lambda: functional.linear(leaf(2, 3), leaf(4, 3), leaf(4)), "AddmmBackward0", "AddmmBackward0",
         ["t.default", "addmm.default"], ["t.default", "mm.default", "t.default", "mm.default", "t.default",
          "sum.dim_IntList", "view.default"]),
        (lambda: functional.layer_norm(leaf(2, 4), (4,)), "NativeLayerNormBackward0", "NativeLayerNormBackward0",
         ["native_layer_norm.default"], ["native_layer_norm_backward.default"]),
        (lambda: functional.scaled_dot_product_attention(leaf(1, 1, 2, 4), leaf(1, 1, 2, 4), leaf(1, 1, 2, 4)),
         "ScaledDotProductFlashAttentionForCpuBackward0", "ScaledDotProductFlashAttentionForCpuBackward0",
         ["_scaled_dot_product_flash_attention_for_cpu.default"],
         ["_scaled_dot_product_flash_attention_for_cpu_backward.default"]),
        (lambda: leaf(3) * 2, "MulBackward0", "MulBackward0", ["mul.Tensor"], ["mul.Tensor"]),
    ],
    ids=["softmax", "linear", "layer_norm", "attention", "a number for a tensor"],
)  # fmt: skip
def test_the_calls_of_ops(
    tmp_path: Path, make: Callable[[], torch.Tensor], op: str, node: str, forward: list[str], backward: list[str]
) -> None:
    """A composite op is seen as what it is composed of."""
    tape = looked_into(tmp_path, lambda: make().sum().backward())
    assert functions(at(tape, "op", op)) == forward
    assert functions(at(tape, "node", node)) == backward


def test_a_node_that_calls_nothing(tmp_path: Path) -> None:
    """A sum of two hands its gradient on: it was looked into, and made no call."""
    tape = looked_into(tmp_path, lambda: (leaf(2) + leaf(2)).sum().backward())
    node = at(tape, "node", "AddBackward0")
    assert node.is_seen
    assert node.is_over
    assert not node.calls


def test_the_backward_of_a_custom_function(tmp_path: Path) -> None:
    """Its calls stand at the lines of the Python code that makes them."""
    tape = looked_into(tmp_path, lambda: twice(leaf(2)).sum().backward())
    node = at(tape, "node", "TwiceBackward")
    assert functions(node) == ["mul.Tensor", "sub.Tensor"]
    lines = [tape.event(call.event).line for call in node.calls]
    code = Twice.backward.__code__
    assert lines[0]
    assert lines[1] == lines[0] + 1
    assert code.co_firstlineno < lines[0]


def test_an_inplace_call_shows_what_was_there(tmp_path: Path) -> None:
    """Its input is shown as it was before the call, its output as it is after."""

    def script() -> None:
        x = leaf(2) * 1
        x.mul_(4)

    call = at(looked_into(tmp_path, script), "op", "MulBackward0").calls[0].detail
    tape = Tape.open(tmp_path / "run.tape")
    last = [event.seq for event in tape.events() if event.kind == "op"][-1]
    aten = tape.frame(last).aten
    assert aten is not None
    assert not call.is_inplace
    changed = aten.calls[0].detail
    assert changed.function == "aten.mul_.Tensor"
    assert changed.is_inplace
    assert changed.inputs[0].id == changed.outputs[0].id
    before, after = changed.inputs[0].value.numbers(), changed.outputs[0].value.numbers()
    assert before == [-1.25, 0.5]
    assert after == [-5.0, 2.0]


def test_nothing_is_looked_into_unasked(tmp_path: Path) -> None:
    """An ordinary recording has no ATen call, and says that it does not know them."""
    _, tape = record(tmp_path / "run.tape", lambda: leaf(2).exp().sum().backward(), is_stepping=True)
    assert "aten" not in {event.kind for event in tape.events()}
    assert not at(tape, "op", "ExpBackward0").is_seen
    assert not at(tape, "node", "ExpBackward0").is_seen


def test_reading_and_probing_are_not_seen(tmp_path: Path) -> None:
    """What gradb calls itself, to read values or to probe, is no call of the node."""
    _, tape = record(tmp_path / "run.tape", lambda: leaf(40, 40).exp().sum().backward(), probe="always", aten=True)
    assert functions(at(tape, "op", "ExpBackward0")) == ["exp.default"]
    assert functions(at(tape, "node", "ExpBackward0")) == ["mul.Tensor"]


def _training() -> list[torch.Tensor]:
    """Return all that a small training leaves, of many kinds of ops."""
    torch.manual_seed(3)
    net = nn.ModuleDict({
        "conv": nn.Conv1d(2, 4, 3, padding=1), "lstm": nn.LSTM(4, 4, batch_first=True), "norm": nn.LayerNorm(4),
        "attention": nn.MultiheadAttention(4, 2, batch_first=True), "drop": nn.Dropout(0.3), "out": nn.Linear(4, 3),
    })  # fmt: skip
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    left: list[torch.Tensor] = []
    for _ in range(2):
        optimizer.zero_grad()
        x, _ = net["lstm"](net["conv"](torch.randn(2, 2, 6)).transpose(1, 2))
        y, _ = net["attention"](x, x, x)
        y = net["drop"](functional.relu(net["norm"](y), inplace=True))
        y[:, :2].mul_(1.5)
        z = checkpoint(net["out"], y, use_reentrant=False)
        product = (z.softmax(-1) - 0.3).clamp(min=0).prod(1)  # with zeros: torch has two formulas for its gradient
        loss = functional.cross_entropy(z.flatten(0, 1), torch.arange(12) % 3) + product.sum() + twice(z).mean()
        loss.backward()
        optimizer.step()
        left += [loss.detach(), *[p.grad.clone() for p in net.parameters() if p.grad is not None], y.detach()]
    return [*left, *[p.detach() for p in net.parameters()], torch.get_rng_state()]


def test_looking_changes_no_bit(tmp_path: Path) -> None:
    """Losses, gradients, weights and the random state are those of the bare script, bit for bit."""
    bare = _training()
    seen, tape = record(tmp_path / "run.tape", _training, probe="never", aten=True)
    assert notes(tape) == []
    assert len([event for event in tape.events() if event.kind == "aten"]) > 100
    assert len(bare) == len(seen)
    for one, other in zip(bare, seen, strict=True):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)


def _graph(tensor: torch.Tensor) -> list[str]:
    assert tensor.grad_fn is not None
    names, stack = list[str](), [tensor.grad_fn]
    while stack:
        node = stack.pop()
        names.append(node.name())
        stack += [child for child, _ in node.next_functions if child is not None]
    return names


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.tensor([2.0, 0.0, 3.0], requires_grad=True).prod(),
        lambda: torch.tensor([[2.0, 0.0, 3.0]], requires_grad=True).cumprod(1).sum(),
        lambda: functional.scaled_dot_product_attention(leaf(2, 3, 4), leaf(2, 5, 4), leaf(2, 5, 4)).sum(),
        lambda: torch.linalg.tensorinv(torch.eye(6).reshape(2, 3, 6).requires_grad_(), 2).sum(),
        lambda: (leaf(3, 3).to(torch.complex64).conj() @ leaf(3, 3).to(torch.complex64)).abs().sum(),
    ],
    ids=["prod", "cumprod", "attention", "tensorinv", "complex"],
)
def test_looking_takes_no_other_path(tmp_path: Path, make: Callable[[], torch.Tensor]) -> None:
    """Where torch goes another way under a dispatch mode, graph and gradient are still those of the bare script."""

    def script() -> tuple[list[str], torch.Tensor]:
        out = make()
        names, node = _graph(out), out.grad_fn
        out.backward()
        while node is not None and node.next_functions:
            node = next((child for child, _ in node.next_functions if child is not None), None)
        assert node is not None
        gradient: torch.Tensor = node.variable.grad  # type: ignore[attr-defined]
        return names, gradient

    names, gradient = script()
    seen_names, seen = record(tmp_path / "run.tape", script, probe="never", aten=True)[0]
    assert seen_names == names
    assert torch.equal(seen, gradient)


def test_an_error_inside_is_torchs_own(tmp_path: Path) -> None:
    """What an ATen call raises arrives as it was raised, in the forward and in a node; nothing stays switched on."""

    class Fails(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
            return gradients[0].reshape(7)

    def script() -> list[str]:
        found = []
        with pytest.raises(RuntimeError) as raised:
            torch.linalg.cholesky(-torch.eye(2, requires_grad=True))
        found += [type(raised.value).__name__, str(raised.value)]
        with pytest.raises(RuntimeError) as failed:
            Fails.apply(leaf(2)).sum().backward()  # type: ignore[no-untyped-call]
        found.append(str(failed.value))
        (leaf(2) * 2).sum().backward()
        return found

    bare = script()
    seen, tape = record(tmp_path / "run.tape", script, probe="never", aten=True)
    assert [text.splitlines()[0] for text in seen] == [text.splitlines()[0] for text in bare]
    assert functions(at(tape, "node", "MulBackward0")) == ["mul.Tensor"]
    assert not _is_on()


def _is_on() -> bool:
    return bool(torch._C._dispatch_tls_is_dispatch_key_included(torch._C.DispatchKey.AutocastIPU))  # type: ignore[attr-defined]


def test_nothing_is_left(tmp_path: Path) -> None:
    """The kernel is gone, so that another can be put in its place; no tensor is kept alive."""
    kept: list[weakref.ref[torch.Tensor]] = []

    def script() -> None:
        x = leaf(3)
        y = x.exp()
        y.sum().backward()
        kept.extend((weakref.ref(x), weakref.ref(y)))

    looked_into(tmp_path, script)
    gc.collect()
    assert not _is_on()
    assert all(ref() is None for ref in kept)
    assert not torch._C._dispatch_has_kernel_for_dispatch_key("aten::exp", "AutocastIPU")
    library = torch.library.Library("_", "IMPL")  # torch refuses a second fallback under one key
    library.fallback(torch.library.fallthrough_kernel, "AutocastIPU")
    library._destroy()


def test_the_scripts_own_dispatch_mode_sees_the_same(tmp_path: Path) -> None:
    """A mode of the script's sees the calls that it sees without gradb, none of gradb's, and its results count."""

    class Mode(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()  # type: ignore[no-untyped-call]
            self.seen: list[str] = []

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.seen.append(str(func))
            return func(*args, **(kwargs or {}))

    def script() -> list[str]:
        with Mode() as mode:
            functional.linear(leaf(2, 3), leaf(4, 3)).softmax(-1).sum().backward()
        seen: list[str] = mode.seen
        return seen

    bare = script()
    seen, tape = record(tmp_path / "run.tape", script, probe="never", aten=True)
    assert seen == bare
    assert functions(at(tape, "op", "SoftmaxBackward0")) == ["_softmax.default"]


def test_calls_of_hooks_are_not_the_nodes(tmp_path: Path) -> None:
    """What the script's own hook calls, at the end of a node, is left out."""

    def look(tensor: torch.Tensor) -> None:
        tensor.cos().sum()

    def script() -> None:
        x = leaf(2)
        y = x.exp()
        assert y.grad_fn is not None
        y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 5,))
        x.register_post_accumulate_grad_hook(look)
        y.sum().backward()

    tape = looked_into(tmp_path, script)
    assert functions(at(tape, "node", "ExpBackward0")) == ["mul.Tensor"]
    assert functions(at(tape, "accumulate", "x")) == ["detach.default"]


def test_tensor_subclasses_are_passed_on(tmp_path: Path) -> None:
    """A subclass with a dispatch of its own gets every call as it came, numbers for tensors too."""

    def script() -> list[float]:
        pair = TwoTensor(torch.ones(2), torch.full((2,), 3.0))
        both: Any = (pair * 2 + 1).exp().log().sum()
        return [both.a.item(), both.b.item()]

    bare = script()
    seen, tape = record(tmp_path / "run.tape", script, probe="never", aten=True)
    assert seen == bare == [6.0, 14.0]
    assert notes(tape) == []


def test_an_op_defined_later(tmp_path: Path) -> None:
    """An op that the script defines after the first look is run, and seen as what it calls."""

    def script() -> torch.Tensor:
        leaf(2).exp()
        library = torch.library.Library("gradb_test", "DEF")
        library.define("cube(Tensor x) -> Tensor")
        library.impl("cube", lambda x: x * x * x, "CompositeImplicitAutograd")
        cubed: torch.Tensor = torch.ops.gradb_test.cube(leaf(2))
        cubed.sum().backward()
        library._destroy()
        return cubed.detach()

    seen, tape = record(tmp_path / "run.tape", script, probe="never", aten=True)
    assert torch.equal(seen, leaf(2).detach() ** 3)
    calls = [tape.event(event.seq).name for event in tape.events() if event.kind == "aten" and not event.is_quiet]
    assert calls.count("aten.mul.Tensor") >= 2


def test_inside_transforms_nothing_is_looked_into(tmp_path: Path) -> None:
    """Tensors of torch.func have no values; the transform's result is right."""
    result, tape = record(
        tmp_path / "run.tape", lambda: torch.func.grad(lambda x: (x**3).sum())(torch.tensor([2.0])), aten=True
    )
    assert result.tolist() == [12.0]
    assert all(event.kind != "aten" or event.is_quiet for event in tape.events())


def test_versions_are_counted_once(tmp_path: Path) -> None:
    """Looking into an op that writes in place does not count its version up twice."""

    def script() -> int:
        x = leaf(2) * 1
        x.add_(1)
        x[0] = 5
        return x._version

    bare = script()
    assert record(tmp_path / "run.tape", script, aten=True)[0] == bare == 2
