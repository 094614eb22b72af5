"""What nodes saved, held against torch: names, values, memory, what frees it; and that looking has no effect."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from gradb.frame.reader import Tape
from gradb.log.layouts import SAVED
from gradb.log.reader import LogReader
from gradb.log.writer import LogWriter
from gradb.tape.saved import NOT_READ, NodeSaved, SavedTensor, decode_saved
from gradb.tracer.tensors.ids import TensorIds
from gradb.tracer.tensors.records import NodeMark
from gradb.tracer.tensors.saving import Saving
from gradb.tracer.tensors.values import Snapshots
from tests.tracer.exact import Outcome, as_kept, assert_same, kept
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch

Op = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

OPS: dict[str, Op] = {
    "pow": lambda x, y: x**2,
    "mul": lambda x, y: x * y,
    "mul by a number": lambda x, y: x * 3,
    "div": lambda x, y: x / y,
    "exp": lambda x, y: x.exp(),
    "tanh in place": lambda x, y: (x * 1).tanh_(),
    "matmul": lambda x, y: x @ y.T,
    "softmax": lambda x, y: x.softmax(1),
    "cross entropy": lambda x, y: functional.cross_entropy(x, torch.tensor([0, 1])),
    "max": lambda x, y: x.max(1).values,
    "index": lambda x, y: x[torch.tensor([1, 0])],
    "slice": lambda x, y: x[:, 1:],
    "cat": lambda x, y: torch.cat([x, y]),
    "dropout": lambda x, y: functional.dropout(x, 0.5),
    "layer norm": lambda x, y: functional.layer_norm(x, (3,), y[0]),
    "batch norm": lambda x, y: functional.batch_norm(x, torch.zeros(3), torch.ones(3), training=True),
    "conv": lambda x, y: functional.conv1d(x[None], y[:, :, None].repeat(1, 1, 2)[:, :2], padding=1),
    "linear": lambda x, y: functional.linear(x, y, y[:, 0]),
    "clamp": lambda x, y: x.clamp(min=0.5),
    "where": lambda x, y: torch.where(x > 1, x, y),
    "svd": lambda x, y: torch.linalg.svd(x).S,
    "attention": lambda x, y: functional.scaled_dot_product_attention(x[None, None], y[None, None], y[None, None]),
    "embedding": lambda x, y: functional.embedding(torch.tensor([1, 0, 1]), x),
    "lstm": lambda x, y: nn.LSTM(3, 2)(x)[0],
    "complex": lambda x, y: torch.complex(x, y).prod(),
}


def _saved_by(tape: Tape, name: str, position: int | None = None) -> NodeSaved:
    """Return what the newest node of a name saved."""
    at = tape.head if position is None else position
    frame = tape.frame(at)
    found = [saved for node in range(1, 100) if (saved := frame.saved.of(node)) and saved.name == name]
    return found[-1]


def _by_name(saved: NodeSaved) -> dict[str, SavedTensor]:
    return {tensor.name: tensor for tensor in saved.tensors}


def _read_by_torch(node: Any) -> dict[str, Any]:
    """Return what torch itself says that a node saved: tensors by name, those of a list numbered."""
    found: dict[str, Any] = {}
    for name in [name.removeprefix("_raw_saved_") for name in dir(type(node)) if name.startswith("_raw_saved_")]:
        value = getattr(node, f"_saved_{name}")
        items = {f"{name}[{i}]": one for i, one in enumerate(value)} if isinstance(value, tuple) else {name: value}
        found.update({key: as_kept(one) for key, one in items.items()})
    return found


@pytest.mark.parametrize("name", OPS)
def test_names_and_values_are_torchs_own(tmp_path: Path, name: str) -> None:
    """Each tensor that a node saved has the name and, to the bit, the value that torch says."""

    def script() -> tuple[str, dict[str, Any]]:
        torch.manual_seed(0)
        x = (torch.rand(2, 3) + 0.5).requires_grad_()
        y = (torch.rand(2, 3) + 0.5).requires_grad_()
        out = OPS[name](x, y)
        node: Any = out.grad_fn
        return node.name(), _read_by_torch(node)

    (node, wanted), tape = record(tmp_path / "run.tape", script, probe="never")
    with tape:
        assert notes(tape) == []
        saved = _saved_by(tape, node)
        assert saved.note == ""
        assert {one.name: kept(one.value) for one in saved.tensors} == wanted


def test_arguments_that_are_no_tensors_are_told(tmp_path: Path) -> None:
    """What is saved besides tensors is there under torch's names; a negative number is one."""

    def script() -> None:
        x = torch.ones(2, 3, requires_grad=True)
        functional.cross_entropy(x, torch.tensor([0, 1]))
        x.sum(1, keepdim=True)

    _, tape = record(tmp_path / "run.tape", script)
    with tape:
        assert dict(_saved_by(tape, "NllLossBackward0").arguments)["ignore_index"] == "-100"
        told = dict(_saved_by(tape, "SumBackward1").arguments)
        assert (told["dim"], told["keepdim"], told["self_sym_sizes"]) == ("(1,)", "True", "(2, 3)")


def test_a_saved_tensor_is_told_by_its_name_in_the_script(tmp_path: Path) -> None:
    """Inputs, results and views of parameters are known by the variables that they belong to."""

    def script() -> None:
        x = torch.ones(4, 3, requires_grad=True)
        net = nn.Linear(3, 2)
        y = net(x)
        z = y.exp()
        z.sum()

    _, tape = record(tmp_path / "run.tape", script)
    with tape:
        linear, exp = _by_name(_saved_by(tape, "AddmmBackward0")), _by_name(_saved_by(tape, "ExpBackward0"))
        assert (linear["mat1"].variable, linear["mat1"].is_leaf) == ("x", True)
        assert (linear["mat2"].variable, linear["mat2"].view_of, linear["mat2"].is_leaf) == (None, "net.weight", True)
        assert (exp["result"].variable, exp["result"].is_leaf, exp["result"].bytes) == ("z", False, 32)


def test_a_saved_tensor_that_is_large_has_no_numbers_of_its_own(tmp_path: Path) -> None:
    """A large tensor that an event shows has its statistics; one that no event shows is said to be large."""

    def script() -> None:
        x = torch.rand(50, 50, requires_grad=True)
        functional.cross_entropy(x * x, torch.zeros(50, dtype=torch.long))

    _, tape = record(tmp_path / "run.tape", script)
    with tape:
        shown = _by_name(_saved_by(tape, "MulBackward0"))["self"].value
        own = _by_name(_saved_by(tape, "LogSoftmaxBackward0"))["result"].value
        assert shown is not None
        assert own is not None
        assert shown.stats is not None
        assert (own.shape, own.data, own.stats) == ((50, 50), None, None)
        assert "more than 1,024 elements" in own.note


def _train(iterations: int = 3) -> Outcome:
    torch.manual_seed(0)
    outcome = Outcome()
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(inplace=True), nn.Dropout(0.3), nn.Linear(4, 2))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(iterations):
        x = torch.randn(5, 3)
        optimizer.zero_grad()
        loss = functional.cross_entropy(net(x), torch.tensor([0, 1, 1, 0, 1]))
        loss.backward()
        optimizer.step()
        outcome.losses += [loss.item(), float(x._version), float(loss._version)]
        outcome.losses += [float(parameter._version) for parameter in net.parameters()]
    return outcome.close(net.parameters(), [optimizer])


@pytest.mark.parametrize("is_stepping", [False, True])
def test_reading_changes_nothing(tmp_path: Path, is_stepping: bool) -> None:
    """Losses, weights, gradients, random state and version counters are those of the bare run."""
    bare = _train()
    traced, tape = record(tmp_path / "run.tape", _train, is_stepping=is_stepping)
    tape.close()
    assert_same(traced, bare)


def test_nothing_that_was_read_is_kept_alive(tmp_path: Path) -> None:
    """Tensors, their memory and nodes go when the script lets them go, while the tracer runs."""

    class Witness:
        pass

    def script() -> list[bool]:
        x = torch.ones(3, requires_grad=True)
        y = x.exp()
        z = functional.cross_entropy((y * y)[None], torch.tensor([1]))
        witness = Witness()
        z.grad_fn.metadata["witness"] = witness  # type: ignore[union-attr, index]
        refs: list[weakref.ref[Any]] = [weakref.ref(one) for one in (y, z, y.untyped_storage(), witness)]
        del y, z, witness
        return [ref() is None for ref in refs]

    gone, tape = record(tmp_path / "run.tape", script, is_stepping=True)
    tape.close()
    assert gone == [True] * 4


def test_hooks_of_the_script_are_not_run(tmp_path: Path) -> None:
    """What a saved-tensors hook packed is said to be packed, and is not unpacked before backward does it."""
    counts = {"pack": 0, "unpack": 0}

    def pack(tensor: torch.Tensor) -> tuple[str, torch.Tensor]:
        counts["pack"] += 1
        return "packed", tensor

    def unpack(packed: tuple[str, torch.Tensor]) -> torch.Tensor:
        counts["unpack"] += 1
        return packed[1]

    def script() -> tuple[int, int]:
        x = torch.ones(3, requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
            y = x**3
        z = y.exp()
        before = counts["unpack"]
        z.sum().backward()
        return before, counts["unpack"]

    unpacked, tape = record(tmp_path / "run.tape", script, is_stepping=True)
    assert unpacked == (0, 1)
    assert counts["pack"] == 1
    with tape:
        (saved,) = _saved_by(tape, "PowBackward0").tensors
        assert (saved.form, saved.value) == ("packed", None)
        assert saved.note == "packed by a saved-tensors hook as tuple"
        position = next(event.seq for event in tape.events() if event.name == "SumBackward0")
        assert tape.frame(position).saved.memory().unread == 1


def test_hooks_are_seen_on_nodes_that_are_found_late(tmp_path: Path) -> None:
    """The graph of a gradient is found when the engine returns; hooks that were active are known even then."""
    counts = {"unpack": 0}

    def unpack(packed: torch.Tensor) -> torch.Tensor:
        counts["unpack"] += 1
        return packed

    def script() -> int:
        x = torch.ones(3, requires_grad=True)
        y = (x**3).sum()
        with torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, unpack):
            (grad,) = torch.autograd.grad(y, x, create_graph=True)
        assert grad.grad_fn is not None
        return counts["unpack"]

    unpacked, tape = record(tmp_path / "run.tape", script, is_stepping=True, probe="never")
    assert unpacked == 0
    with tape:
        assert "packed" in {one.form for one in _saved_by(tape, "MulBackward0").tensors}


def test_the_graph_of_a_gradient_is_read(tmp_path: Path) -> None:
    """What the nodes of a double backward saved is known, though no op event made them."""

    def script() -> None:
        x = torch.tensor([2.0, 3.0], requires_grad=True)
        y = (x**3).sum()
        (_grad,) = torch.autograd.grad(y, x, create_graph=True)

    _, tape = record(tmp_path / "run.tape", script)
    with tape:
        values = [one.value.numbers() for one in _saved_by(tape, "PowBackward0").tensors if one.value is not None]
        assert values == [[2.0, 3.0]]


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_a_checkpoint_is_not_recomputed(tmp_path: Path, use_reentrant: bool) -> None:
    """The function of a checkpoint runs once in forward and once in backward, as without gradb."""
    calls: list[str] = []

    def block(x: torch.Tensor) -> torch.Tensor:
        calls.append("block")
        return x.exp() * x

    def script() -> int:
        x = torch.ones(3, requires_grad=True)
        y = checkpoint(block, x * 2, use_reentrant=use_reentrant)
        before = len(calls)
        y.sum().backward()
        return before

    before, tape = record(tmp_path / "run.tape", script, is_stepping=True)
    assert (before, len(calls)) == (1, 2)
    with tape:
        assert notes(tape) == []


class _Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, factor: float) -> torch.Tensor:
        y = x * factor
        ctx.save_for_backward(x, y, None)
        ctx.factor = factor
        return y

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        return grad * ctx.factor, None


def test_a_custom_function(tmp_path: Path) -> None:
    """What a custom Function saved and what it left on ctx are told."""

    def script() -> None:
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = _Scale.apply(x, 3.0)  # type: ignore[no-untyped-call]
        y.sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    with tape:
        saved = _saved_by(tape, "_ScaleBackward")
        facts = [(one.name, one.form, one.variable) for one in saved.tensors]
        wanted = [("tensor", "x"), ("tensor", "y"), ("none", None)]
        assert facts == [(f"saved_tensors[{i}]", *one) for i, one in enumerate(wanted)]
        assert dict(saved.arguments)["ctx.factor"] == "3.0"
        assert saved.freed is not None


def test_memory_of_a_small_network(tmp_path: Path) -> None:
    """The bytes held after each op of a 3-4-2 network are those that counting by hand gives."""

    def script() -> None:
        net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
        x = torch.ones(5, 3)
        hidden = net[1](net[0](x))
        out = net[2](hidden)
        loss = (out**2).sum()
        loss.backward()

    _, tape = record(tmp_path / "run.tape", script)
    with tape:
        sums: dict[str, tuple[int, int]] = {}
        for event in tape.events():
            if event.kind in {"op", "node"} and event.node is not None:
                memory = tape.frame(event.seq).saved.memory()
                assert memory.unread == 0
                place = f"{event.kind} {event.name}"
                sums[f"{place} again" if place in sums else place] = memory.bytes, memory.leaf_bytes
    x, hidden, out, weight = 5 * 3 * 4, 5 * 4 * 4, 5 * 2 * 4, 4 * 2 * 4
    assert sums["op AddmmBackward0"] == (x, 0)  # the first weight is not needed: x wants no gradient
    assert sums["op ReluBackward0"] == (x + hidden, 0)
    assert sums["op AddmmBackward0 again"] == (
        x + hidden + weight,
        weight,
    )  # relu's result and the input are one tensor
    assert sums["op PowBackward0"] == (x + hidden + weight + out, weight)
    assert sums["node SumBackward0"] == sums["op PowBackward0"]
    assert sums["node PowBackward0"] == (x + hidden + weight, weight)
    assert sums["node AddmmBackward0"] == (x + hidden, 0)
    assert sums["node ReluBackward0"] == (x, 0)
    assert sums["node AddmmBackward0 again"] == (0, 0)


def test_what_frees_and_what_keeps(tmp_path: Path) -> None:
    """retain_graph keeps; the backward without it frees, and is the one that is named; grad frees as well."""

    def script() -> tuple[bool, bool]:
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = (x**2).sum()
        y.backward(retain_graph=True)
        y.backward()
        z = x.exp().sum()
        torch.autograd.grad(z, x)
        return y.requires_grad, z.requires_grad

    _, tape = record(tmp_path / "run.tape", script)
    with tape:
        starts = [event for event in tape.events() if event.kind == "backward_start"]
        between = starts[1].seq - 1
        kept_saved = _saved_by(tape, "PowBackward0", between)
        assert kept_saved.freed is None
        assert tape.frame(between).saved.memory().bytes == 8
        last = tape.head
        power, exp = _saved_by(tape, "PowBackward0", last), _saved_by(tape, "ExpBackward0", last)
        assert power.freed is not None
        assert exp.freed is not None
        assert (power.freed.backward, power.freed.line) == (starts[1].seq, starts[1].line)
        assert (exp.freed.backward, exp.freed.call) == (starts[2].seq, "grad")
        assert tape.frame(last).saved.memory().bytes == 0


def test_a_graph_that_is_dropped_is_gone(tmp_path: Path) -> None:
    """A variable that is assigned anew lets its graph go, from the next event on."""

    def script() -> None:
        x = torch.ones(1000, requires_grad=True)
        y = x.exp()
        y = x.tanh()
        y = y * 2

    _, tape = record(tmp_path / "run.tape", script)
    with tape:
        ops = {event.name: event.seq for event in tape.events() if event.kind == "op" and event.node is not None}
        sums = [tape.frame(seq).saved.memory().bytes for seq in ops.values()]
        assert sums == [4000, 8000, 4008]  # exp's result lives until tanh's is assigned; * 2 saves the number
        assert _saved_by(tape, "ExpBackward0").gone == ops["MulBackward0"]
        assert _saved_by(tape, "TanhBackward0", ops["MulBackward0"]).gone is None


def test_a_change_in_place_is_foreseen(tmp_path: Path) -> None:
    """Where torch will raise because a saved tensor was modified, the tape says so before."""

    def script() -> bool:
        x = torch.ones(3, requires_grad=True)
        y = x * 2
        z = y.exp()
        z.add_(1)
        try:
            z.sum().backward()
        except RuntimeError as error:
            return "modified by an inplace operation" in str(error)
        return False

    raised, tape = record(tmp_path / "run.tape", script)
    assert raised
    with tape:
        changed_at = next(event.seq for event in tape.events() if event.name == "AddBackward0")
        before, after = (_saved_by(tape, "ExpBackward0", seq).tensors[0] for seq in (changed_at - 1, changed_at))
        assert (before.change, before.variable) == ("", "z")
        assert (after.change, after.changed_at) == ("changed", changed_at)


def test_a_step_over_a_kept_graph_is_foreseen(tmp_path: Path) -> None:
    """An optimizer's step modifies parameters that a retained graph saved; writing to ``.data`` may go unnoticed."""

    def script() -> tuple[bool, bool]:
        w, u = (torch.ones(3, requires_grad=True) for _ in range(2))
        optimizer = torch.optim.SGD([w], lr=0.1)
        y, z = (w**2).sum(), (u**3).sum()
        y.backward(retain_graph=True)
        optimizer.step()
        u.data.mul_(2)
        results = []
        for root in (y, z):
            try:
                root.backward()
                results.append(False)
            except RuntimeError:
                results.append(True)
        return results[0], results[1]

    raised, tape = record(tmp_path / "run.tape", script, is_stepping=True)
    assert raised == (True, False)
    with tape:
        starts = [event.seq for event in tape.events() if event.kind == "backward_start"]
        frame = tape.frame(starts[1] - 1)
        found = [saved for node in range(1, 20) if (saved := frame.saved.of(node)) and saved.name == "PowBackward0"]
        assert [saved.tensors[0].change for saved in found] == ["changed", "perhaps"]


@pytest.mark.parametrize(("is_stepping", "read"), [(False, 8), (True, 12)])
def test_a_free_run_reads_the_first_visits_only(tmp_path: Path, is_stepping: bool, read: int) -> None:
    """A place is read eight times in a free run, and always while somebody steps; what is not read is said."""

    def script() -> None:
        x = torch.ones(3, requires_grad=True)
        held = [x.exp() for _ in range(12)]
        held[0].sum()

    _, tape = record(tmp_path / "run.tape", script, is_stepping=is_stepping)
    with tape:
        frame = tape.frame(13)
        found = [saved for node in range(1, 20) if (saved := frame.saved.of(node)) and saved.name == "ExpBackward0"]
        assert [saved.note for saved in found] == [""] * read + [NOT_READ] * (12 - read)
        assert frame.saved.memory().unread == 12 - read
        assert frame.saved.memory().bytes == 12 * read


def _unexpected(what: str, error: Exception) -> str:
    raise error


def test_a_freed_node_that_is_found_late_says_why(tmp_path: Path) -> None:
    """What was freed before gradb saw the node cannot be read, and torch's reason is given."""
    y = torch.ones(2, requires_grad=True).exp()
    y.sum().backward()
    writer = LogWriter(tmp_path / "run.tape")
    mark = NodeMark(1, "ExpBackward0", (None,) * 5, "", 1, False, writer)
    Saving(writer, TensorIds(), Snapshots(64, _unexpected), lambda: False, _unexpected).read(
        y.grad_fn, mark, "builtin", ()
    )
    writer.close()
    ((layout, _, (text, data)),) = LogReader(writer.folder).read()
    assert layout is SAVED
    assert text is not None
    said = "it cannot be read: RuntimeError: Trying to backward through the graph a second time"
    assert decode_saved(text.decode(), data).note.startswith(said)


def test_odd_tensors_are_survived(tmp_path: Path) -> None:
    """Sparse, meta and subclassed tensors are described as far as they can be, and nothing is noted as failed."""

    class Tagged(torch.Tensor):
        pass

    def script() -> None:
        x = torch.ones(2, 2, requires_grad=True)
        torch.sparse.mm(torch.eye(2).to_sparse(), x).sum().backward()
        (torch.ones(2, device="meta", requires_grad=True) ** 2).sum()
        (torch.ones(2).as_subclass(Tagged) * x).sum().backward()

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    with tape:
        assert notes(tape) == []
        for position in range(tape.head + 1):
            tape.frame(position).saved.memory()
        sparse = _by_name(_saved_by(tape, "SparseAddmmBackward0"))
        assert [one.bytes for one in sparse.values() if one.value is not None and one.value.note] in ([None], [])
