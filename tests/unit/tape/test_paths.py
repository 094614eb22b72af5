"""Paths from a leaf to the root: counted, found by number, multiplied, and their sum held against the engine's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from gradb.frame.chain.paths import Paths
from gradb.frame.graph.dag import Dag
from gradb.frame.graph.scope import Consumer
from gradb.frame.reader import Tape
from gradb.tape.database import TapeError
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.graph import Edge
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.tensor import Tensor
from tests.fakes import TapeBuilder, diagonal
from tests.fakes.packing import value
from tests.unit.tape.conftest import Opener
from tests.unit.tape.pictures import numbers


class Own(TapeBuilder):
    """A builder whose tape is read while it is written."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.tape = Tape.open(path)

    def paths(self, name: str) -> Paths:
        """Return the paths to a name on the tape so far."""
        self.commit()
        return paths_to(self.tape, name)

    @property
    def begun(self) -> int:
        """The event at which the last backward began."""
        self.commit()
        return max(event.seq for event in self.tape.events() if event.kind == "backward_start")


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[Own]:
    """Return a builder of a tape of one's own."""
    with Own(tmp_path / "own.tape") as builder:
        yield builder
        builder.tape.close()


def paths_to(tape: Tape, name: str, position: int | None = None) -> Paths:
    """Return the paths to what a name means."""
    at = tape.frame(tape.head if position is None else position).paths
    target = at.named(name)
    assert target is not None
    paths = at.of(target)
    assert paths is not None
    return paths


def products(paths: Paths) -> list[object]:
    """Return the numbers of the product of every path."""
    return [numbers(paths.path(number).product) for number in range(1, (paths.count or 0) + 1)]


# --- counting ---------------------------------------------------------------------------------------------------------

Graph = dict[int, list[Edge]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Return a graph whose node n leads to nodes below n, to the same one more than once at times."""
    size = draw(st.integers(2, 8))
    return {node: [Edge(to) for to in draw(st.lists(st.integers(0, node - 1), max_size=3))] for node in range(1, size)}


def dag_of(graph: Graph, root: int) -> Dag:
    """Return what lies between a root and node 0."""
    consumers: dict[int, list[Consumer]] = {}
    for node, edges in graph.items():
        for index, edge in enumerate(edges):
            consumers.setdefault(edge.to or 0, []).append((node, index, 0))
    members = set(graph)
    above = {node: [one for one in found if one[0] <= root] for node, found in consumers.items()}
    return Dag(lambda node: graph.get(node, []), above, members, [(root, 0)], (0, 0))


def walks(graph: Graph, node: int) -> list[tuple[tuple[int, int], ...]]:
    """Return every walk from a node to node 0 as (node, entry) pairs, one after the other."""
    if node == 0:
        return [()]
    return [((node, index), *rest) for index, edge in enumerate(graph[node]) for rest in walks(graph, edge.to or 0)]


@given(graphs())
def test_paths_are_counted_and_found_like_by_hand(graph: Graph) -> None:
    """The count is that of all walks, and the paths by number are these walks, each once and in their order."""
    root = max(graph)
    dag, expected = dag_of(graph, root), walks(graph, root)
    assert dag.count == len(expected)
    found = [tuple((step.node, step.index) for step in dag.route(number)[1]) for number in range(1, dag.count + 1)]
    assert found == expected


@pytest.mark.parametrize("number", [0, 5, -1])
def test_a_number_without_a_path(opener: Opener, number: int) -> None:
    """Beyond the count there is no path."""
    with pytest.raises(IndexError):
        paths_to(opener("shared_weight"), "w").path(number)


def test_a_cycle_is_damage() -> None:
    """A tape whose graph runs in a circle is refused with a sentence, not walked for ever."""
    graph = {1: [Edge(0), Edge(2)], 2: [Edge(1)]}
    with pytest.raises(TapeError, match="cycle"):
        dag_of(graph, 2)


def test_forty_doublings_have_two_to_the_fortieth_paths(opener: Opener) -> None:
    """They are counted exactly, summed through the graph, and the last one is at hand like the first."""
    paths = paths_to(opener("diamond"), "a")
    assert paths.count == 2**40
    assert len(paths.path(2**40).steps) == 40
    assert numbers(paths.path(2**40).product) == [1.0]
    assert numbers(paths.total.value) == [2.0**40]
    assert not paths.total.is_listed
    assert paths.check is not None
    assert paths.check.is_ok


# --- products ---------------------------------------------------------------------------------------------------------


def test_a_shared_weight(opener: Opener) -> None:
    """Of one weight in three places every path has its product, and they add up to what was added to .grad."""
    paths = paths_to(opener("shared_weight"), "w")
    assert products(paths) == [[3.0], [12.0], [12.0], [12.0]]
    assert [step.label for step in paths.path(2).steps] == ["loss", "y3", "y2", "y1"]
    assert [numbers(step.product) for step in paths.path(2, in_full=True).steps] == [[1.0], [2.0], [4.0], [12.0]]
    assert (numbers(paths.total.value), paths.total.is_listed) == ([39.0], True)
    assert paths.made.source == "added to .grad"
    assert paths.check is not None
    assert paths.check.is_ok


def test_any_tensor_on_the_way_has_its_paths(opener: Opener) -> None:
    """The gradient of y1, used twice, is held against upstream of its node."""
    paths = paths_to(opener("shared_weight"), "y1")
    assert products(paths) == [[1.0], [4.0]]
    assert (numbers(paths.made.value), paths.made.source) == ([5.0], "upstream")
    assert paths.check is not None


def test_products_are_row_vectors_of_the_leafs_shape(builder: Own) -> None:
    """Upstream times a Jacobian of two rows and four columns has the shape of the 2 x 2 leaf."""
    a = builder.leaf("a", [1, 2, 3, 4], (2, 2))
    b = builder.op("f", "SumBackward1", [a], [3, 7], jacobians=[[1, 1, 0, 0, 0, 0, 1, 1]], name="b")
    builder.backward(b, gradient=[10, 100])
    product = builder.paths("a").path(1).product
    assert product is not None
    assert (product.shape, numbers(product)) == ((2, 2), [10, 10, 100, 100])


def test_a_product_too_small_for_single_precision_is_not_zero(builder: Own) -> None:
    """Three factors of 1e-20 are shown as 1e-60, where the engine has a zero."""
    x = builder.leaf("a", [1.0], ())
    for _ in range(3):
        x = builder.op("f", "MulBackward0", [x], [1.0], (), jacobians=[[1e-20]])
    builder.backward(x)
    (product,) = products(builder.paths("a"))
    assert product == [pytest.approx(1e-60)]


def test_an_unprobed_node_leaves_its_paths_unknown(builder: Own) -> None:
    """The path through it is not known, and says which node; the other is; the sum is not."""
    a = builder.leaf("a", [1.0], ())
    b = builder.op("My.apply", "MyBackward", [a], [2.0], (), jacobians=[None], name="b")
    c = builder.op("Tensor.add", "AddBackward0", [b, a], [3.0], (), jacobians=[[1.0], [1.0]], name="c")
    builder.backward(c)
    paths = builder.paths("a")
    assert products(paths) == [None, [1.0]]
    assert paths.path(1).why == "MyBackward: not probed"
    assert (paths.total.value, paths.total.why) == (None, "MyBackward: not probed")
    assert paths.check is None


def test_nan_passes_through(builder: Own) -> None:
    """Zero times infinity is NaN on a path as it is in the engine."""
    a = builder.leaf("a", [0.0], ())
    b = builder.op("Tensor.sqrt", "SqrtBackward0", [a], [0.0], (), jacobians=[[float("inf")]])
    c = builder.op("Tensor.mul", "MulBackward0", [b], [0.0], (), jacobians=[[0.0]])
    builder.backward(c)
    paths = builder.paths("a")
    assert str(products(paths)) == "[[nan]]"
    assert paths.check is not None
    assert paths.check.is_ok


# --- the engine -------------------------------------------------------------------------------------------------------


def test_a_wrong_gradient_is_told(builder: Own) -> None:
    """Where the engine's gradient is not the sum over all paths, the check says by how much."""
    a = builder.leaf("a", [1.0, 2.0])
    b = builder.op("f", "MulBackward0", [a], [2.0, 4.0], jacobians=[diagonal([2.0, 2.0])], name="b")
    builder.backward(b, gradient=[1.0, 1.0])
    node = builder.leaves[a.id]
    wrong = value([2.0, 5.0])
    builder.event(AccumulateDetail(a.id, "a", None, wrong, wrong, builder.begun), "accumulate", "a", node=node)
    check = builder.paths("a").check
    assert check is not None
    assert not check.is_ok
    assert "1 of 2 elements, by up to 3" in check.text


def test_paths_in_the_middle_of_a_backward(opener: Opener) -> None:
    """While the engine is on its way the count is known, and a product as far as the nodes have run."""
    tape = opener("shared_weight")
    ran = [event.seq for event in tape.events() if event.kind == "node"]
    paths = paths_to(tape, "w", ran[1])  # loss and y3
    assert paths.count == 4
    assert products(paths) == [None, None, None, [12.0]]
    assert paths.path(1).why == "MulBackward0 has not run yet in this backward"
    assert (paths.made.source, paths.check) == ("", None)


def test_a_second_backward_begins_anew(opener: Opener) -> None:
    """What the first backward measured says nothing of the second one over the same graph."""
    tape = opener("accumulation")
    starts = [event.seq for event in tape.events() if event.kind == "backward_start"]
    assert products(paths_to(tape, "a", starts[1] - 1)) == [[28.0, 36.0, 44.0, 52.0]]
    assert products(paths_to(tape, "a", starts[1])) == [None]
    assert paths_to(tape, "a").backward.start == starts[2]


def test_before_the_first_backward_there_is_none(opener: Opener) -> None:
    """The forward alone has no root."""
    at = opener("shared_weight").frame(3).paths
    assert (at.backward, at.leaves, at.default, at.named("w")) == (None, (), None, None)


def hook(node: int, kind: str, before: float, after: float, backward: int) -> HookDetail:
    """Return a hook that has changed one gradient."""
    given, made = (Tensor(0, None, value([number], ())) for number in (before, after))
    return HookDetail(kind, "double", "script.py:5", 0, 0, True, True, (given,), (made,), backward)


@pytest.mark.parametrize("is_leaf", [True, False])
def test_hooks_that_change_a_gradient(builder: Own, is_leaf: bool) -> None:
    """At the leaf the sum is what arrived, and what the hook made of it is told apart; on the way it is named, and
    nothing is compared.
    """
    a = builder.leaf("a", [1.0], ())
    b = builder.op("f", "MulBackward0", [a], [3.0], (), jacobians=[[3.0]], name="b")
    c = builder.op("f", "MulBackward0", [b], [6.0], (), jacobians=[[2.0]], name="c")
    builder.backward(c)
    node = builder.leaves[a.id] if is_leaf else b.node
    builder.event(hook(node or 0, "tensor", 6.0, 12.0, builder.begun), "hook", "double", node=node)
    paths = builder.paths("a")
    if is_leaf:
        assert paths.hooks == ()
        assert (numbers(paths.made.value), numbers(paths.made.after)) == ([6.0], [12.0])
        assert paths.check is not None
        assert paths.check.is_ok
    else:
        assert paths.hooks == ("double (script.py:5) at b",)
        assert paths.check is None
