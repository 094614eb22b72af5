"""Nodes of the graph are found by name, variable, module, shape and by what is not finite."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from gradb.frame.graph.finding import Query, read_query
from gradb.frame.graph.view import GraphView
from gradb.frame.reader import Tape
from gradb.tape.schema import INFINITY, NAN
from tests.fakes import TapeBuilder, diagonal
from tests.unit.tape.conftest import Opener

QUERIES = (
    ("", Query()),
    ("Mul W1", Query(("mul", "w1"))),
    ("64x10", Query((), ((64, 10),))),
    ("64×10 mm", Query(("mm",), ((64, 10),))),
    ("[64, 10]", Query((), ((64, 10),))),
    ("[64 × 10]", Query((), ((64, 10),))),
    ("(64, 10)", Query((), ((64, 10),))),
    ("(3,) [3]", Query((), ((3,), (3,)))),
    ("[]", Query((), ((),))),
    ("nan", Query((), (), (NAN,))),
    ("NaN inf mul", Query(("mul",), (), (NAN, INFINITY))),
    ("nonfinite", Query((), (), (NAN | INFINITY,))),
    ("nan_to_num", Query(("nan_to_num",))),
    ("layers.64 conv2x", Query(("layers.64", "conv2x"))),
    ("[w", Query(("[w",))),
)


@pytest.mark.parametrize(("text", "query"), QUERIES)
def test_what_a_text_asks_for(text: str, query: Query) -> None:
    """Shapes and what is not finite are read apart; all else are words."""
    assert read_query(text) == query
    assert read_query(text).is_empty == (text == "")


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    """Return a tape of two modules, one of which makes an infinity and the other a NaN of it."""
    with TapeBuilder(tmp_path / "t.tape") as builder:
        w = builder.leaf("fc.weight", [1.0, 2.0, 3.0], (3,), line=1)
        builder.scope = "fc"
        h = builder.op("Tensor.mul", "MulBackward0", [w, 2], [2.0, 4.0, 6.0], name="h", jacobians=[diagonal([2.0] * 3)])
        builder.scope = "head"
        big = builder.op("torch.exp", "ExpBackward0", [h], [1.0, 2.0, math.inf], jacobians=[diagonal([2.0] * 3)])
        builder.op("torch.sum", "SumBackward0", [big], [math.nan], (), name="Loss", jacobians=[None])
    return Tape.open(tmp_path / "t.tape")


def found(tape: Tape, text: str, position: int | None = None) -> list[str]:
    """Return the names of the nodes that fit, in the order in which they are found."""
    graph = tape.frame(tape.head if position is None else position).graph
    names = {graph.row(index).node: graph.row(index).name for index in range(len(graph))}
    return [names[node] for node in graph.search(read_query(text)).look_at_all()]


FOUND = (
    ("", ""),
    ("mul", "MulBackward0"),
    ("BACKWARD0", "SumBackward0 ExpBackward0 MulBackward0"),
    ("loss", "SumBackward0"),
    ("fc.weight", "AccumulateGrad"),
    ("head", "SumBackward0 ExpBackward0"),
    ("head exp", "ExpBackward0"),
    ("head mul", ""),
    ("[3]", "ExpBackward0 MulBackward0 AccumulateGrad"),
    ("3", "ExpBackward0 MulBackward0 AccumulateGrad"),
    ("4", ""),
    ("[3] exp", "ExpBackward0"),
    ("[]", "SumBackward0"),
    ("4x4", ""),
    ("inf", "SumBackward0 ExpBackward0"),
    ("umul", ""),
    ("grad", "AccumulateGrad"),
    ("ckwa", "SumBackward0 ExpBackward0 MulBackward0"),
    ("nan", "SumBackward0"),
    ("nonfinite", "SumBackward0 ExpBackward0"),
    ("torch.exp", "ExpBackward0"),
    ("tensor.mul", "MulBackward0"),
    ("torch.mul", "MulBackward0"),
    ("Tensor.exp", "ExpBackward0"),
    ("torch", ""),
)


@pytest.mark.parametrize(("text", "names"), FOUND)
def test_nodes_are_found(text: str, names: str, tape: Tape) -> None:
    """From the top down, each once."""
    assert found(tape, text) == names.split()


def test_a_node_is_found_by_what_it_is_called(tape: Tape) -> None:
    """To the letter, or by a part of what its variable or module is called; never by its op."""
    graph = tape.frame(tape.head).graph
    found = {
        called: [graph.row(row).name for row in _rows(graph, called)] for called in ("MulBackward0", "mul", "fc", "exp")
    }
    assert found["MulBackward0"] == ["MulBackward0"]
    assert found["fc"] == ["MulBackward0", "AccumulateGrad"]
    assert found["mul"] == found["exp"] == []


def _rows(graph: GraphView, called: str) -> list[int]:
    search = graph.search(Query(called=called))
    search.look_at_all()
    return search.rows


def test_what_comes_later_is_not_found(tape: Tape) -> None:
    """The graph is that of the position."""
    assert found(tape, "backward0", 2) == ["MulBackward0"]
    assert found(tape, "nonfinite", 2) == []
    assert found(tape, "x", 0) == []


def test_a_search_goes_on_where_it_was(opener: Opener) -> None:
    """A little at a time finds the same as all at once, and a second search reads nothing twice."""
    graph = opener("diamond").frame(42).graph
    whole = graph.search(read_query("add")).look_at_all()
    assert len(whole) == 40
    search = graph.search(read_query("add"))
    sizes = []
    while not search.is_over:
        search.look(7)
        sizes.append(len(search.hits))
    assert search.hits == whole
    assert sizes == sorted(sizes)
    assert search.seen == search.size == len(graph)


def test_a_variable_that_was_bound_to_another_tensor_is_not_found_at_the_old(opener: Opener) -> None:
    """Of 40 nodes that were called x in turn, the last one is."""
    graph = opener("diamond").frame(42).graph
    (node,) = graph.search(read_query("x")).look_at_all()[:1]
    assert graph.row(0).node == node


def test_shapes_are_those_that_the_graph_shows(opener: Opener) -> None:
    """Read in blocks they are what is read for a single node."""
    for name in ("diamond", "training"):
        tape = opener(name)
        graph = tape.frame(tape.head).graph
        for row in range(len(graph)):
            shape = graph.shape(graph.row(row).node)
            if shape is not None and not graph.row(row).is_reference:
                text = "[" + ", ".join(map(str, shape)) + "]"
                assert graph.row(row).node in graph.search(read_query(text)).look_at_all()
