from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from gradb.frame.chain.record import Chain, Edges
from gradb.frame.reader import Tape
from gradb.rules import examined
from gradb.tape.kinds.backward_end import BackwardEndDetail
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.jacobian import Axis, Probe
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.node_start import NodeStartDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.values import Number, Stats, TensorValue
from tests.fakes import TapeBuilder, diagonal, pack, value
from tests.unit.tape.conftest import Opener
from tests.unit.tape.pictures import numbers, states


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[TapeBuilder]:
    """Return a builder; commit it, then open ``builder.writer.path``."""
    with TapeBuilder(tmp_path / "t.tape") as tape:
        yield tape


def opened(builder: TapeBuilder) -> Tape:
    """Commit what was built and open it."""
    builder.commit()
    return Tape.open(builder.writer.path)


def chain_at(tape: Tape, position: int) -> Chain:
    """Return the chain of a Frame, which must have one."""
    chain = tape.frame(position).chain
    assert chain is not None
    return chain


def gradient(items: Sequence[Number], dtype: str = "float32") -> Tensor:
    """Return a gradient inside the engine."""
    return Tensor(0, None, value(items, dtype=dtype))


def two_consumers(builder: TapeBuilder) -> None:
    """Write y = 2x, a = 3y, b = 5y, c = a + b and its backward: y gets 3 and 5."""
    x = builder.leaf("x", [1.0])
    y = builder.op("Tensor.mul", "MulBackward0", [x, 2], [2.0], name="y", jacobians=[[2.0], None])
    a = builder.op("Tensor.mul", "MulBackward0", [y, 3], [6.0], name="a", jacobians=[[3.0], None])
    b = builder.op("Tensor.mul", "MulBackward0", [y, 5], [10.0], name="b", jacobians=[[5.0], None])
    c = builder.op("Tensor.add", "AddBackward0", [a, b], [16.0], name="c", jacobians=[[1.0], [1.0]], saves=False)
    builder.backward(c)


def test_contributions_of_several_consumers_are_summed(builder: TapeBuilder) -> None:
    """A node fed by two consumers shows what each sent, and their sum is its upstream."""
    two_consumers(builder)
    with opened(builder) as tape:
        at = next(event.seq for event in tape.events() if event.kind == "node" and event.node == 2)
        chain = chain_at(tape, at)
    assert sorted((one.node_name, numbers(one.value)) for one in chain.contributions) == [
        ("MulBackward0", [3.0]),
        ("MulBackward0", [5.0]),
    ]
    assert numbers(chain.upstream[0]) == [8.0]
    assert chain.contributions_check is not None
    assert chain.contributions_check.is_ok


def test_contributions_come_in_while_a_node_waits(builder: TapeBuilder) -> None:
    """A waiting node shows what has flowed in so far, without a verdict."""
    two_consumers(builder)
    with opened(builder) as tape:
        first = [event.seq for event in tape.events() if event.kind == "node"][1]
        chain = tape.chain(2, first)
    assert chain is not None
    assert (chain.state, len(chain.contributions), chain.contributions_check) == ("pending", 1, None)


def test_an_edge_used_twice_contributes_twice(opener: Opener) -> None:
    """The sum x + x sends two contributions along its two edges."""
    tape = opener("diamond")
    at = [event.seq for event in tape.events() if event.kind == "node"][1]
    chain = chain_at(tape, at)
    assert [numbers(one.value) for one in chain.contributions] == [[1.0], [1.0]]
    assert numbers(chain.upstream[0]) == [2.0]
    assert chain.contributions_check is not None
    assert chain.contributions_check.is_ok


def test_a_hook_that_changes_a_gradient_shows(builder: TapeBuilder) -> None:
    """Where upstream is not the sum of the contributions (a user's hook), the check says so."""
    builder.leaf("x", [1.0])
    for id_, edge in ((2, 1), (3, 2)):
        builder.writer.node(id_, "NegBackward0", 1, "builtin", False, None, [(edge, 0)])
    root = Tensor(9, None, value([1.0]), True, 3)
    start = builder.event(
        BackwardStartDetail("backward", (root,), (None,), False, False, None, (3, 2, 1)), "backward_start", "backward"
    )
    for id_, up, down in ((3, 1.0, -1.0), (2, -10.0, 10.0)):
        probe = Probe(1, 1, "float32", pack([-1.0]))
        begun = builder.event(
            NodeStartDetail(start, (gradient([up]),), (probe,)), "node_start", "NegBackward0", node=id_
        )
        builder.event(NodeDetail(begun, (gradient([down]),)), "node", "NegBackward0", node=id_)
    with opened(builder) as tape:
        chain = chain_at(tape, builder.head)
    assert chain.contributions_check is not None
    assert not chain.contributions_check.is_ok
    assert chain.edges[0].check is not None
    assert chain.edges[0].check.is_ok


def test_a_large_gradient_with_nan_arrives_as_it_was_sent(builder: TapeBuilder) -> None:
    """Of it there are statistics, and a NaN in them is no difference: nobody is said to have changed it."""
    large = TensorValue((40, 50), "float32", None, Stats(0, 1, math.nan, 3, 0, 0, (math.nan, 1.0), 0, math.nan))
    builder.leaf("x", [1.0])
    for id_, edge in ((2, 1), (3, 2)):
        builder.writer.node(id_, "NegBackward0", 1, "builtin", False, None, [(edge, 0)])
    root = Tensor(9, None, large, True, 3)
    call = BackwardStartDetail("backward", (root,), (None,), False, False, None, (3, 2, 1))
    start = builder.event(call, "backward_start", "backward")
    sent = Tensor(0, None, large, False, None)
    for id_ in (3, 2):
        begun = builder.event(NodeStartDetail(start, (sent,), ()), "node_start", "NegBackward0", node=id_)
        builder.event(NodeDetail(begun, (sent,)), "node", "NegBackward0", node=id_)
    with opened(builder) as tape:
        assert chain_at(tape, builder.head).rewrites == ()


def run(builder: TapeBuilder, node: int, started: NodeStartDetail, sent: tuple[Tensor | None, ...]) -> int:
    """Write the run of a node and return the position of its node event."""
    begun = builder.event(started, "node_start", "N", node=node)
    return builder.event(NodeDetail(begun, sent), "node", "N", node=node)


def lone_node(builder: TapeBuilder, outputs: tuple[Tensor, ...], edges: list[tuple[int | None, int]]) -> int:
    """Write node 5 as made by an op with some outputs, and the start of a backward from it; return the start."""
    builder.leaf("x", [1.0, 2.0])
    seq = builder.head + 1
    builder.writer.node(5, "UnbindBackward0", seq, "builtin", False, None, edges)
    builder.event(OpDetail("torch.unbind", (), outputs, (), (5,)), "op", "UnbindBackward0", node=5)
    detail = BackwardStartDetail("backward", outputs[:1], (None,), False, False, None, (5, 1))
    return builder.event(detail, "backward_start", "backward")


def test_a_node_with_several_outputs(builder: TapeBuilder) -> None:
    """Upstream has one gradient an output, None where undefined, and the product counts that one as zeros."""
    outputs = tuple(Tensor(10 + nr, f"u{nr}", value([1.0], ()), True, 5, nr) for nr in range(2))
    start = lone_node(builder, outputs, [(1, 0), (None, 0)])
    probe = Probe(2, 2, "float32", pack([1, 0, 0, 1]))
    started = NodeStartDetail(start, (None, gradient([7.0])), (probe,))
    at = run(builder, 5, started, (gradient([0.0, 7.0]), None))
    with opened(builder) as tape:
        chain = chain_at(tape, at)
    assert [numbers(one) for one in chain.upstream] == [None, [7.0]]
    assert chain.output is not None
    assert chain.output.name == "u0"
    first, second = chain.edges
    assert first.check is not None
    assert first.check.is_ok
    assert (second.to, second.local.note, second.check) == (None, "no gradient is wanted here", None)


def test_a_complex_product_is_checked(builder: TapeBuilder) -> None:
    """A holomorphic op shows the conjugate of its derivative, and upstream times that is held against the engine."""
    output = Tensor(10, "z", value([1j], (), "complex64"), True, 5)
    start = lone_node(builder, (output,), [(1, 0)])
    axis = Axis((), is_complex=True)
    probe = Probe(2, 2, "float32", pack([2, -1, 1, 2]), "", (axis,), axis)
    at = run(
        builder, 5, NodeStartDetail(start, (gradient([1j], "complex64"),), (probe,)), (gradient([1 + 2j], "complex64"),)
    )
    with opened(builder) as tape:
        edge = chain_at(tape, at).edges[0]
    assert (edge.local.form, edge.local.values) == ("complex", (2 - 1j,))
    assert edge.check is not None
    assert edge.check.is_ok


def test_half_a_complex_matrix_says_nothing(builder: TapeBuilder) -> None:
    """An older tape has one row a complex element: that is not shown as the derivative."""
    output = Tensor(10, "z", value([1j], (), "complex64"), True, 5)
    start = lone_node(builder, (output,), [(1, 0)])
    probe = Probe(1, 1, "complex64", pack([2 - 1j], "complex64"))
    at = run(
        builder, 5, NodeStartDetail(start, (gradient([1j], "complex64"),), (probe,)), (gradient([1 + 2j], "complex64"),)
    )
    with opened(builder) as tape:
        edge = chain_at(tape, at).edges[0]
    assert (edge.check, edge.local.structure) == (None, "unknown")
    assert "older" in edge.local.note


def test_a_node_that_was_not_probed(builder: TapeBuilder) -> None:
    """Without probes the numbers flow through, and local says that it is unknown."""
    output = Tensor(10, "z", value([1.0], ()), True, 5)
    start = lone_node(builder, (output,), [(1, 0)])
    at = run(builder, 5, NodeStartDetail(start, (gradient([1.0]),), ()), (gradient([3.0, 3.0]),))
    with opened(builder) as tape:
        edge = chain_at(tape, at).edges[0]
    assert (edge.check, edge.local.structure, edge.local.note) == (None, "unknown", "not probed")
    assert numbers(edge.downstream) == [3.0, 3.0]


def test_nan_is_followed_through_the_products(opener: Opener) -> None:
    """The NaN of 0 * inf agrees with the engine, and is flagged on its events."""
    tape = opener("nonfinite")
    bad = [event.seq for event in tape.events() if event.has_nonfinite]
    chain = chain_at(tape, bad[0])
    assert chain.node_name == "SqrtBackward0"
    edge = chain.edges[0]
    assert edge.local.values == (math.inf, 0.25)
    sent = numbers(edge.downstream)
    assert sent is not None
    assert math.isnan(sent[0])  # type: ignore[arg-type]
    assert edge.check is not None
    assert edge.check.is_ok
    assert edge.check.text == "agrees with the engine; 0 × inf = nan in 1 of 2 elements"


def test_a_backward_that_raised(builder: TapeBuilder) -> None:
    """A node that raised is running until its backward ends, and then failed; what comes after it was not run."""
    output = Tensor(10, "z", value([1.0], ()), True, 5)
    start = lone_node(builder, (output,), [(1, 0)])
    builder.event(NodeStartDetail(start, (gradient([1.0]),), ()), "node_start", "N", node=5)
    builder.error("RuntimeError", "boom")
    builder.event(BackwardEndDetail(start, (), "RuntimeError: boom"), "backward_end", "backward")
    with opened(builder) as tape:
        head = tape.head
        assert [states(tape.frame(at).graph) for at in (head - 3, head - 2, head - 1, head)] == ["..", ">.", ">.", "!+"]
        chain = chain_at(tape, head)
        assert (chain.state, numbers(chain.upstream[0])) == ("failed", [1.0])


def test_a_freed_node_that_is_run_again(builder: TapeBuilder) -> None:
    """A second backward over a freed graph makes its nodes wait, then raises: one failed, the rest was not run."""
    x = builder.leaf("x", [3.0])
    y = builder.op("Tensor.pow", "PowBackward0", [x], [9.0], name="y", jacobians=[[6.0]])
    builder.backward(y)
    detail = BackwardStartDetail("backward", (y.seen(),), (None,), False, False, None, (2, 1))
    start = builder.event(detail, "backward_start", "backward")
    builder.event(NodeStartDetail(start, (gradient([1.0]),), ()), "node_start", "PowBackward0", node=2)
    builder.event(BackwardEndDetail(start, (), "RuntimeError: freed"), "backward_end", "backward")
    with opened(builder) as tape:
        assert [states(tape.frame(start + at).graph) for at in (-1, 0, 1, 2)] == ["x*", "..", ">.", "!+"]


def test_a_backward_inside_a_node(builder: TapeBuilder) -> None:
    """A backward inside of a node shows its own graph while it runs; then the outer one's comes back, after each."""
    x = builder.leaf("x", [1.0])
    outer = builder.op("f", "CheckpointFunctionBackward", [x], [1.0], name="outer", jacobians=[[1.0]])
    detail = BackwardStartDetail("backward", (outer.seen(),), (None,), False, False, None, (2, 1))
    start = builder.event(detail, "backward_start", "backward")
    begun = builder.event(NodeStartDetail(start, (gradient([1.0]),), ()), "node_start", "N", node=2)
    for _ in range(12):
        inner = builder.op("g", "SinBackward0", [x], [1.0], name="inner", jacobians=[[1.0]])
        builder.backward(inner, outer=start)
    inside = builder.head
    builder.event(NodeDetail(begun, (gradient([1.0]),)), "node", "N", node=2)
    with opened(builder) as tape:
        graph = tape.frame(inside - 1).graph
        assert graph.row(0).name == "SinBackward0"
        graph = tape.frame(inside).graph
        assert (graph.row(0).name, states(graph)) == ("CheckpointFunctionBackward", ">.")
        assert states(tape.frame(inside + 1).graph) == "x."


def test_a_root_that_is_also_inside(builder: TapeBuilder) -> None:
    """A root that other roots consume gets the script's own gradient beside their contributions."""
    x = builder.leaf("x", [1.0], ())
    y = builder.op("Tensor.mul", "MulBackward0", [x, 2], [2.0], (), name="y", jacobians=[[2.0], None])
    z = builder.op("Tensor.mul", "MulBackward0", [y, 3], [6.0], (), name="z", jacobians=[[3.0], None])
    detail = BackwardStartDetail("backward", (z.seen(), y.seen()), (None, None), False, False, None, (3, 2, 1))
    start = builder.event(detail, "backward_start", "backward")
    run(
        builder,
        3,
        NodeStartDetail(start, (Tensor(0, None, value([1.0], ())),), ()),
        (Tensor(0, None, value([3.0], ())), None),
    )
    at = run(builder, 2, NodeStartDetail(start, (Tensor(0, None, value([4.0], ())),), ()), (None, None))
    with opened(builder) as tape:
        chain = chain_at(tape, at)
        assert [row.name for row in map(tape.frame(at).graph.row, range(3))] == [
            "MulBackward0",
            "MulBackward0",
            "AccumulateGrad",
        ]
    assert [(one.node_name, numbers(one.value)) for one in chain.contributions] == [
        ("backward()", [1.0]),
        ("MulBackward0", [3.0]),
    ]
    assert chain.contributions_check is not None
    assert chain.contributions_check.is_ok


def test_a_node_that_is_not_there_yet(chain_rule: Tape) -> None:
    """A node has no record before the event that made it, nor where there is no such node."""
    assert chain_rule.chain(4, 3) is None
    assert chain_rule.chain(4, 4) is not None
    assert chain_rule.chain(99, 19) is None


def test_an_input_used_twice(builder: TapeBuilder) -> None:
    """For x * x both edges lead to the same input."""
    x = builder.leaf("x", [1.0, 3.0])
    both = diagonal(x.numbers)
    builder.op("Tensor.mul", "MulBackward0", [x, x], [1.0, 9.0], name="y", jacobians=[both, both])
    with opened(builder) as tape:
        chain = chain_at(tape, 2)
    assert [edge.tensor.name if edge.tensor else None for edge in chain.edges] == ["x", "x"]


def test_of_many_edges_each_is_what_it_would_be_among_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are made when they are asked for, and are checked no less."""
    path = tmp_path / "t.tape"
    with TapeBuilder(path) as tape:
        leaves = [tape.leaf(f"w.{number}", [1.0 + number]) for number in range(70)]
        total = tape.op("torch.cat", "CatBackward0", leaves, [9.0], name="total", jacobians=[diagonal([1.0])] * 70)
        tape.backward(total, gradient=[1.0])
        tape.end()
    with Tape.open(path) as tape:
        chains = [chain for position in range(71, 75) if (chain := tape.frame(position).chain) is not None]
        assert any(isinstance(chain.edges, Edges) for chain in chains)
        monkeypatch.setattr(Edges, "FEW", 100)
        for chain, position in zip(chains, range(71, 75), strict=True):
            alone = chain_at(tape, position)
            assert isinstance(alone.edges, tuple)
            assert (chain, list(chain.downstream)) == (alone, list(alone.downstream))
            assert examined(chain).edges == examined(alone).edges
            assert chain.edges[-2:] == alone.edges[-2:]
