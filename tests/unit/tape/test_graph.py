from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from gradb.frame.graph.region import region
from gradb.frame.graph.unfold import Unfolding
from gradb.frame.reader import Tape
from gradb.tape.database import TapeError
from gradb.tape.kinds.graph import Edge
from gradb.tape.kinds.op import OpDetail
from tests.fakes import TapeBuilder, diagonal
from tests.fakes.forward import Variable
from tests.unit.tape.conftest import Opener
from tests.unit.tape.pictures import rows, states


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[TapeBuilder]:
    """Return a builder; commit it, then open ``builder.writer.path``."""
    with TapeBuilder(tmp_path / "t.tape") as tape:
        yield tape


def opened(builder: TapeBuilder) -> Tape:
    """Commit what was built and open it."""
    builder.commit()
    return Tape.open(builder.writer.path)


def double(builder: TapeBuilder, x: Variable, name: str | None = None) -> Variable:
    """Write y = x * 2."""
    twice = [2 * number for number in x.numbers]
    jacobians = [diagonal([2.0] * len(twice)), None]
    return builder.op("Tensor.mul", "MulBackward0", [x, 2], twice, name=name, jacobians=jacobians)


def add(builder: TapeBuilder, x: Variable, y: Variable, name: str | None = None) -> Variable:
    """Write z = x + y."""
    total = [a + b for a, b in zip(x.numbers, y.numbers, strict=True)]
    one = diagonal([1.0] * len(total))
    return builder.op("Tensor.add", "AddBackward0", [x, y], total, name=name, jacobians=[one, one], saves=False)


def test_a_diamond_has_as_many_rows_as_edges(opener: Opener) -> None:
    """40 times x = x + x are 2 ** 40 paths and 81 rows: each node once, and one reference for its second edge."""
    frame = opener("diamond").frame(42)
    graph = frame.graph
    assert len(graph) == 81
    drawn = [graph.row(index) for index in range(len(graph))]
    assert sum(not row.is_reference for row in drawn) == 41
    assert [graph.index_of(row.node) for row in drawn if not row.is_reference] == [
        index for index, row in enumerate(drawn) if not row.is_reference
    ]
    assert drawn[0].label == "x"
    assert graph.expression(79) == "x.grad_fn" + ".next_functions[0][0]" * 40


def test_a_shared_node_is_drawn_below_the_branches_that_lead_to_it(builder: TapeBuilder) -> None:
    """It is whole after all that leads to it, at the indent at which these branched off; an edge to it refers to it."""
    a = builder.leaf("a", [1.0])
    b = double(builder, a, "b")
    add(builder, double(builder, b, "c"), b, "d")
    with opened(builder) as tape:
        graph = tape.frame(4).graph
        assert rows(graph) == [
            "AddBackward0 d",
            "  [MulBackward0 b]",
            "  MulBackward0 c",
            "| MulBackward0 b",
            "| AccumulateGrad a",
        ]
        assert [graph.row(index).reference for index in range(5)] == ["", "below", "", "", ""]
        assert [graph.row(index).lanes for index in range(5)] == [1, 1, 1, 1, 0]
        assert [graph.row(index).depth for index in range(5)] == [0, 1, 1, 2, 3]
        assert graph.expression(1) == "b.grad_fn"


def test_a_chain_is_flat_and_branches_are_not(builder: TapeBuilder) -> None:
    """The newer of two branches is drawn first and indented; leaves of their own hang from their node."""
    w, v = builder.leaf("w", [1.0]), builder.leaf("v", [1.0])
    left = double(builder, double(builder, w))
    add(builder, left, add(builder, v, w))
    with opened(builder) as tape:
        assert rows(tape.frame(6).graph) == [
            "AddBackward0",
            "  AddBackward0",
            "    AccumulateGrad v",
            "    AccumulateGrad w",
            "| MulBackward0",
            "| MulBackward0",
            "| [AccumulateGrad w]",
        ]


def test_several_roots_are_drawn_newest_first(builder: TapeBuilder) -> None:
    """Nodes that nothing consumes yet are roots; what they share is drawn below them; leaves last."""
    a = builder.leaf("a", [1.0])
    b = double(builder, a, "b")
    double(builder, b, "c")
    double(builder, b, "d")
    builder.leaf("e", [1.0])
    with opened(builder) as tape:
        assert rows(tape.frame(5).graph) == [
            "MulBackward0 d",
            "| [MulBackward0 b]",
            "MulBackward0 c",
            "| MulBackward0 b",
            "| AccumulateGrad a",
            "AccumulateGrad e",
        ]
        assert rows(tape.frame(2).graph) == ["MulBackward0 b", "| AccumulateGrad a"]
        assert rows(tape.frame(4).graph)[0] == "MulBackward0 d"
        assert rows(tape.frame(3).graph)[0] == "MulBackward0 c"


def test_a_new_forward_shows_what_it_builds_on(builder: TapeBuilder) -> None:
    """After a backward the graph stays until a new node is made; then it holds that node and what it reaches.

    What the earlier backward has run of it has run; the leaf waits, as in each graph that it is part of.
    """
    a = builder.leaf("a", [1.0])
    b = double(builder, a, "b")
    c = double(builder, b, "c")
    builder.backward(c, retain_graph=True)
    end = builder.head
    builder.output("between\n")
    double(builder, b, "d")
    with opened(builder) as tape:
        assert rows(tape.frame(end + 1).graph)[0] == "MulBackward0 c"
        assert rows(tape.frame(end + 2).graph) == ["MulBackward0 d", "| MulBackward0 b", "| AccumulateGrad a"]
        assert states(tape.frame(end + 1).graph) == "***"
        assert states(tape.frame(end + 2).graph) == "+*+"


def test_a_rebound_name_moves(builder: TapeBuilder) -> None:
    """Writing x = 2 * x takes the name away from the older tensor, whose node is then reached from the newer."""
    x = builder.leaf("x", [1.0])
    x = double(builder, x, "x")
    double(builder, x, "x")
    with opened(builder) as tape:
        assert rows(tape.frame(2).graph) == ["MulBackward0 x", "| AccumulateGrad"]
        graph = tape.frame(3).graph
        assert [graph.row(index).label for index in range(2)] == ["x", None]
        assert graph.expression(1) == "x.grad_fn.next_functions[0][0]"
        assert tape.lookup("x", 2) != tape.lookup("x", 3)


def test_a_tensor_keeps_an_older_name_when_it_loses_the_newer(builder: TapeBuilder) -> None:
    """A tensor with two names falls back on the first when the second is given away."""
    a = builder.leaf("a", [1.0])
    b = double(builder, a, "b")
    builder.output("now it is y\n")
    builder.name(b, "y")
    double(builder, b, "y")
    with opened(builder) as tape:
        assert [tape.frame(position).graph.row(0).label for position in (2, 3)] == ["b", "y"]
        assert rows(tape.frame(4).graph) == ["MulBackward0 y", "| MulBackward0 b", "| AccumulateGrad a"]


def test_a_node_without_any_name_has_no_expression(builder: TapeBuilder) -> None:
    """Where no variable is known there is no expression."""
    double(builder, double(builder, builder.leaf(None, [1.0])))
    with opened(builder) as tape:
        graph = tape.frame(3).graph
        assert [(graph.row(index).label, graph.expression(index)) for index in range(3)] == [(None, "")] * 3


def test_a_name_that_is_no_python_is_a_label_only(builder: TapeBuilder) -> None:
    """A name such as ``0.weight`` labels a node and begins no expression."""
    double(builder, builder.leaf("0.weight", [1.0]), "net.0.out")
    with opened(builder) as tape:
        graph = tape.frame(2).graph
        assert [graph.row(index).label for index in range(2)] == ["net.0.out", "0.weight"]
        assert [graph.expression(index) for index in range(2)] == ["", ""]


def test_shapes_come_from_the_forward(chain_rule: Tape) -> None:
    """A node's shape is that of its forward output; a leaf's that of the leaf."""
    graph = chain_rule.frame(5).graph
    assert [graph.shape(graph.row(index).node) for index in range(5)] == [(), (4,), (4,), (4,), (4,)]
    assert graph.shape(999) is None
    assert graph.index_of(999) is None


def test_rows_outside_are_refused(chain_rule: Tape) -> None:
    """Asking for a row that is not there is an IndexError."""
    graph = chain_rule.frame(5).graph
    for index in (-1, 5):
        with pytest.raises(IndexError):
            graph.row(index)


def test_a_long_chain_is_walked_without_recursion(tmp_path: Path) -> None:
    """A chain of thousands of nodes unfolds to its leaf, and its first rows do not wait for the last."""
    calls = []
    for nodes in (1_500, 3_000):
        path = tmp_path / f"{nodes}.tape"
        TapeBuilder.big(path, nodes=nodes, events=1)
        with Tape.open(path) as tape:
            graph = tape.frame(nodes + 1).graph
            assert len(graph) == nodes + 1
            assert graph.row(0).depth == 0
            last = graph.row(nodes)
            found = (last.name, last.label, last.depth, last.indent, graph.expression(nodes))
            assert found == ("AccumulateGrad", "w", nodes, 0, "")
            drawn = [_calls_of_first_row(tape, nodes + 3 + step) for step in range(20)]
            assert drawn[0] < 40 * nodes
            calls.append(sum(drawn[1:]))
    assert calls[1] < 1.1 * calls[0]


def _calls_of_first_row(tape: Tape, position: int) -> int:
    return calls_of(lambda: tape.frame(position).graph.row(0))


def calls_of(function: Callable[[], object]) -> int:
    """Return how many functions are called: work, whatever the clock says."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(None)
    return calls


def test_a_chain_is_laid_out_as_any_graph_is() -> None:
    """A chain of no branches, and one with a leaf far down, are the same rows by the short way and by the long."""

    def rows_of(edges: dict[int, tuple[Edge, ...]], start: int) -> list[tuple[object, ...]]:
        tree = Unfolding([start], lambda starts: region(starts, edges.__getitem__), start)
        tree.reach(start - 1)
        return [(tree.node(row), tree.parent(row), tree.depth(row), tree.reference(row)) for row in range(start)]

    chain: dict[int, tuple[Edge, ...]] = {node: (Edge(node - 1 or None),) for node in range(1, 601)}
    plain = rows_of(chain, 600)
    assert plain == [(600 - row, (row - 1, 0 if row else -1), row, "") for row in range(600)]
    bushy: dict[int, tuple[Edge, ...]] = {node: (Edge(None), *edges) for node, edges in chain.items()}
    assert [row[0] for row in rows_of(bushy, 600)] == [row[0] for row in plain]


edges = st.lists(st.lists(st.integers(0, 30), max_size=4), min_size=1, max_size=30)


@given(edges)
def test_any_graph_unfolds_to_its_edges(children: list[list[int]]) -> None:
    """Of any acyclic graph each reachable node is whole once, each edge is a row, and depths follow parents."""
    graph = {node: tuple(Edge(to if to < node else None) for to in targets) for node, targets in enumerate(children)}
    root = len(children) - 1
    reached, stack = set(), [root]
    while stack:
        node = stack.pop()
        if node not in reached:
            reached.add(node)
            stack.extend(edge.to for edge in graph[node] if edge.to is not None)
    size = 1 + sum(edge.to is not None for node in reached for edge in graph[node])
    tree = Unfolding([root], lambda starts: region(starts, graph.__getitem__), size)
    tree.reach(size - 1)
    assert tree.count == size
    assert sorted(tree.node(row) for row in range(size) if not tree.reference(row)) == sorted(reached)
    assert all(tree.find(node) is not None for node in reached)
    drawn = set()
    for row in range(1, size):
        parent, entry = tree.parent(row)
        drawn.add((tree.node(parent), entry))
        assert parent < row
        assert graph[tree.node(parent)][entry].to == tree.node(row)
        assert tree.depth(row) == tree.depth(parent) + 1
    assert len(drawn) == size - 1


def cycle(builder: TapeBuilder, *, is_reachable: bool) -> None:
    """Write a graph with a cycle, which no tracer does."""
    builder.leaf("a", [1.0])
    for id_, other in ((50, 51), (51, 50)):
        builder.writer.node(id_, "MulBackward0", 1, "builtin", True, None, [(other, 0)])
    if is_reachable:
        builder.writer.node(52, "AddBackward0", 1, "builtin", True, None, [(50, 0)])


def test_a_cycle_ends_in_a_reference(builder: TapeBuilder) -> None:
    """A cycle below a root is unfolded once."""
    cycle(builder, is_reachable=True)
    with opened(builder) as tape:
        found = rows(tape.frame(1).graph)
    assert found == ["AddBackward0", "| MulBackward0", "| MulBackward0", "| [MulBackward0]", "AccumulateGrad a"]


def test_a_cycle_without_a_root_is_refused(builder: TapeBuilder) -> None:
    """A cycle that no root leads to is an error when its rows are asked for, and no endless loop."""
    cycle(builder, is_reachable=False)
    with opened(builder) as tape, pytest.raises(TapeError, match="cycle"):
        rows(tape.frame(1).graph)


def test_an_edge_to_nowhere_is_shown_as_such(builder: TapeBuilder) -> None:
    """A node that is referred to but not on the tape is a row that says so."""
    builder.leaf("a", [1.0])
    builder.writer.node(60, "MulBackward0", 1, "builtin", True, None, [(77, 0)])
    with opened(builder) as tape:
        graph = tape.frame(1).graph
        assert rows(graph) == ["MulBackward0", "| (not on the tape)", "AccumulateGrad a"]
        assert graph.state(77) == "created"


def test_an_edge_bears_the_name_of_the_output_that_it_uses(builder: TapeBuilder) -> None:
    """A node with several outputs is referred to by each of them, not by the first; where it is drawn it bears all."""
    x = builder.leaf("x", [1.0, 2.0])
    u = builder.op("Tensor.unbind", "UnbindBackward0", [x], [1.0], (), name="u")
    assert u.node is not None
    for number, name in enumerate(("v", None), start=1):
        builder.writer.tensor(90 + number, builder.head, u.node, number)
        if name:
            builder.writer.name(90 + number, builder.head, name)
    node = len(builder.nodes) + 1
    edges: list[tuple[int | None, int]] = [(u.node, number) for number in range(3)]
    builder.writer.node(node, "StackBackward0", builder.head + 1, "builtin", False, None, edges)
    builder.event(OpDetail("torch.stack", (), (), (), (node,)), "op", "StackBackward0", node=node)
    with opened(builder) as tape:
        graph = tape.frame(3).graph
        drawn = [graph.row(index) for index in range(len(graph))]
        named = [(one.name, one.label, one.output_nr, one.reference) for one in drawn if one.node == u.node]
        assert [one.others for one in drawn if one.node == u.node] == [(), (), ("v",)]
    assert named == [
        ("UnbindBackward0", "v", 1, "below"), ("UnbindBackward0", None, 2, "below"), ("UnbindBackward0", "u", 0, "")
    ]  # fmt: skip
