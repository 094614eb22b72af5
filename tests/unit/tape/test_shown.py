"""Which nodes are shown, where a graph is read a little at a time: the same as at once, whoever comes in between."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gradb.frame.graph import scope, shown
from gradb.frame.graph.runs import Runs
from gradb.frame.reader import Tape
from gradb.frame.store import Store
from gradb.tape.admission import connect
from gradb.tape.database import TapeError
from tests.fakes import TapeBuilder, examples
from tests.fakes.blocks import network
from tests.unit.tape.pictures import rows


@pytest.fixture(autouse=True)
def node_by_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look after each node whether to go on."""
    monkeypatch.setattr(scope, "_STRETCH", 1)


@pytest.mark.parametrize("example", [network, examples.shared_weight, examples.small_diamond])
@pytest.mark.parametrize("place", ["forward", "backward"])
def test_the_rows_are_those_that_are_found_at_once(tmp_path: Path, example: Callable[[Path], None], place: str) -> None:
    """The shares grow up to the whole; then the rows and folds are those of a tape that is read at once."""
    example(tmp_path / "t.tape")
    with Tape.open(tmp_path / "t.tape") as tape, Tape.open(tmp_path / "t.tape") as other:
        start = tape.latest("backward_start", tape.head) or 0
        position = start - 1 if place == "forward" else start + 3
        graph, at_once = tape.frame(position).graph, other.frame(position).graph
        shares = list(graph.reading())
        assert shares == sorted(shares)
        assert all(0 <= share <= 1 for share in shares)
        assert shares or place == "backward", "a Frame has read it"
        assert rows(graph) == rows(at_once)
        assert graph.folds() == at_once.folds()


def test_what_another_position_asks_for_meanwhile_is_right_and_kept(tmp_path: Path) -> None:
    """A reading that is left in the middle, or overtaken, changes no row of any position."""
    network(tmp_path / "t.tape", blocks=2)
    with Tape.open(tmp_path / "t.tape") as tape, Tape.open(tmp_path / "t.tape") as other:
        start = tape.latest("backward_start", tape.head) or 0
        for position in (start - 1, start + 2):
            begun = tape.frame(position).graph.reading()
            next(begun)
            for earlier in (position - 5, position):
                assert rows(tape.frame(earlier).graph) == rows(other.frame(earlier).graph)
            list(begun)
            assert rows(tape.frame(position).graph) == rows(other.frame(position).graph)


@pytest.mark.parametrize("example", [network, examples.shared_weight, examples.small_diamond])
def test_who_feeds_a_node_is_the_same_whether_the_graph_is_read_or_not(
    tmp_path: Path, example: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked for alone, the nodes that lead to one are those that are found by way of all."""
    example(tmp_path / "t.tape")
    store = Store(connect(tmp_path / "t.tape"))
    start = store.latest("backward_start", store.head) or 0
    whole = shown.Shown(store, Runs(store)).reach(start)
    monkeypatch.setattr(shown, "_WHOLE", 0)
    alone = shown.Shown(store, Runs(store))
    nodes = [node for node in range(1, 200) if node in whole]
    assert len(nodes) > 3
    assert {node: sorted(alone.consumers(start, node)) for node in nodes} == {
        node: sorted(whole.consumers.get(node, [])) for node in nodes
    }
    assert not alone._reaches(start).is_read
    store.db.close()


def test_a_graph_is_empty_until_there_is_a_node(tmp_path: Path) -> None:
    """Whether it is, is known without reading it."""
    examples.chain_rule(tmp_path / "t.tape")
    with Tape.open(tmp_path / "t.tape") as tape:
        graphs = [tape.frame(position).graph for position in range(tape.head + 1)]
        assert [graph.is_empty for graph in graphs] == [not len(graph) for graph in graphs]
        assert graphs[0].is_empty
        assert not graphs[-1].is_empty


def test_a_damaged_graph_is_refused_each_time(tmp_path: Path) -> None:
    """An error in the middle leaves nothing half read: it is raised again."""
    with TapeBuilder(tmp_path / "t.tape") as builder:
        a = builder.leaf("a", [1.0])
        b = builder.op("Tensor.mul", "MulBackward0", [a, 2], [2.0], jacobians=[[2.0], None])
        c = builder.op("Tensor.mul", "MulBackward0", [b, 2], [4.0], jacobians=[[2.0], None])
        builder.backward(c, gradient=[1.0])
        builder.end()
    with closing(sqlite3.connect(tmp_path / "t.tape")) as db, db:
        db.execute("UPDATE node SET edges = '[[\"x\",0]]' WHERE id = ?", (b.node,))
    with Tape.open(tmp_path / "t.tape") as tape:
        for _ in range(2):
            with pytest.raises(TapeError, match="is damaged: node"):
                len(tape.frame(tape.head).graph)
