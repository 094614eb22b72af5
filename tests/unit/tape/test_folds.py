"""The graph by modules: which folds there are, which lines are shown, and that nothing is lost by folding."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from gradb.frame.graph.choice import AT_FIRST, Choice
from gradb.frame.graph.flows import Flow, flow_of
from gradb.frame.graph.folds import Items, Row, State, put_on_top
from gradb.frame.graph.listing import Listing
from gradb.frame.graph.opening import names_of, showing, turning
from gradb.frame.graph.view import GraphView
from gradb.frame.reader import Tape
from gradb.frame.sizes import largest_of, norm_of
from gradb.tape.values import Stats, TensorValue
from tests.fakes import TapeBuilder
from tests.fakes.blocks import network


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """Return a tape of a network of six blocks."""
    path = tmp_path_factory.mktemp("network") / "network.tape"
    network(path)
    return Tape.open(path)


def lines(graph: GraphView, choice: Choice = AT_FIRST, seen: int | None = None) -> list[str]:
    """Return the lines of a graph: a fold's sign, name and number of nodes, or a node's name."""
    row = None if seen is None else graph.index_of(seen)
    found = []
    listing = Listing(graph.folds(), len(graph), choice, () if row is None else (row,))
    for line in map(listing.line, range(len(listing))):
        header = line.header
        if header is None:
            found.append(graph.row(line.row).name)
        else:
            found.append(f"{'-' if header.is_open else '+'} {header.name} {graph.nodes_of(header)}")
    return found


def test_equal_blocks_are_one_line(tape: Tape) -> None:
    """What a module made is a line; equal neighbours are one; what holds more than a half is open."""
    assert lines(tape.frame(tape.head).graph) == ["SumBackward0", "+ head 3", "- h 96", "+ h.0 to h.5 96", "+ wte 3"]


def test_the_node_that_must_be_seen_is(tape: Tape) -> None:
    """The folds that hold it are open, its equal neighbours stay one line each side."""
    graph = tape.frame(tape.head).graph
    relu = next(row.node for row in map(graph.row, range(len(graph))) if row.name == "ReluBackward0")
    second = graph.row(graph.index_of(relu) or 0).node
    found = lines(graph, seen=second)
    assert found[:6] == ["SumBackward0", "+ head 3", "- h 96", "- h.5 16", "AddBackward0", "AddBackward0"]
    assert found[6:9] == ["- h.5.mlp 4", "ReluBackward0", "MmBackward0"]
    assert found[-2:] == ["+ h.0 to h.4 80", "+ wte 3"]


def test_what_was_closed_by_hand_shows_the_way(tape: Tape) -> None:
    """A fold that was closed stays closed, and says which row it hides that must be seen."""
    graph = tape.frame(tape.head).graph
    row = len(graph) // 2
    listing = Listing(graph.folds(), len(graph), Choice("auto", closed=frozenset({"h"})), (row,))
    assert [header.holds for header in listing.headers] == [(), (row,), ()]
    assert listing.hiding(row) is not None


def test_opening_all_folds_shows_every_row_in_order(tape: Tape) -> None:
    """Nothing is lost: with every fold open the rows are those of the graph that is not folded."""
    graph = tape.frame(tape.head).graph
    choice, names = Choice("all"), {"+"}
    while names:
        names = {header.key for header in Listing(graph.folds(), len(graph), choice).headers if not header.is_open}
        for name in names:
            choice = choice.turned(name, is_open=True)
    listing = Listing(graph.folds(), len(graph), choice)
    shown = [line.row for line in map(listing.line, range(len(listing))) if line.header is None]
    assert shown == list(range(len(graph)))
    assert lines(graph, Choice("none")) == [graph.row(row).name for row in range(len(graph))]


def test_folds_are_turned_by_name(tape: Tape) -> None:
    """A fold is named by its module, wherever it is hidden, or by the blocks that it stands for."""
    graph = tape.frame(tape.head).graph
    items = graph.folds()
    assert items is not None
    assert names_of(items) == ["head", "h", "wte"]
    opened = turning(items, len(graph), AT_FIRST, "h.3.attn")
    assert opened is not None
    assert "- h.3.attn 7" in lines(graph, opened)
    closed = turning(items, len(graph), opened, "h.3.attn")
    assert closed is not None
    assert "+ h.3.attn 7" in lines(graph, closed)
    blocks = turning(items, len(graph), AT_FIRST, "h.0 to h.5")
    assert blocks is not None
    assert "+ h.2 16" in lines(graph, blocks)
    assert turning(items, len(graph), AT_FIRST, "nothing") is None


def test_two_pieces_of_one_module_are_told_apart() -> None:
    """Each says which of its modules it holds; what is drawn in one piece does not."""
    scopes = [*["wte"] * 20, *["h.0"] * 5, *["h.1"] * 5, *[""] * 50, *["h.2"] * 5, *["h.3"] * 5, *["head"] * 9]
    rows = [Row(tuple(scope.split(".")) if scope else (), f"{at}") for at, scope in enumerate(scopes)]
    headers = list(Listing(put_on_top(State(), rows).whole(), len(rows), AT_FIRST).headers)
    assert [(one.name, one.part) for one in headers] == [
        ("head", ""), ("h", "h.2 … h.3"), ("h", "h.0 … h.1"), ("wte", "")
    ]  # fmt: skip


def test_a_node_or_two_are_no_fold() -> None:
    """Their own names say more than that of their module, and a fold would save no line; three are one."""
    scopes = [*["blocks.1"] * 20, "net", "net", *["blocks.2"] * 20, "net", "net", "net", *["blocks.3"] * 20]
    rows = [Row(tuple(scope.split(".")), f"{at}") for at, scope in enumerate(scopes)]
    rows[20] = Row(("net",), "", is_reference=True)
    listing = Listing(put_on_top(State(), rows).whole(), len(rows), Choice("all"))
    shown = [line.header.name if line.header else line.row for line in map(listing.line, range(len(listing)))]
    assert shown == ["blocks.3", "net", "blocks.2", 43, 44, "blocks.1"]


def repeated(names: str, seen: tuple[int, ...] = (), choice: Choice = AT_FIRST) -> list[object]:
    """Return the lines of a graph of ops, given from the top down: a run's (name, times) or a row."""
    rows = [Row((), name) for name in reversed(names)]
    listing = Listing(put_on_top(State(), rows).whole(), len(rows), choice, seen)
    lines = map(listing.line, range(len(listing)))
    return [(line.header.name, line.header.count) if line.header else line.row for line in lines]


def test_what_is_repeated_is_one_line() -> None:
    """Equal ops one below the other, and a few that come again and again; what is short is shown as it is."""
    assert repeated("a" * 1000) == [("a", 1000)]
    assert repeated("s" + "ab" * 500) == [0, ("a, b", 500)]
    assert repeated("s" + "aab" * 50 + "c" * 20 + "d") == [0, ("a, a, b", 50), ("c", 20), 171]
    assert repeated("abcdefgh" * 9) == [("a, b and 6 more", 9)]
    assert repeated("a" * 15) == list(range(15))
    assert repeated("abcdefghi" * 9) == list(range(81))


def test_what_must_be_seen_of_a_run_is_shown_with_what_is_around_it() -> None:
    """The rest is one line each side, or rows where that would save none; opened by name all of it is shown."""
    assert repeated("a" * 1000, (500,)) == [("a", 497), *range(497, 504), ("a", 496)]
    assert repeated("a" * 1000, (500, 503)) == [("a", 497), *range(497, 504), ("a", 496)]
    assert repeated("a" * 1000, (500, 498)) == [("a", 497), *range(497, 504), ("a", 496)]
    assert repeated("a" * 1000, (500, 510)) == [("a", 497), *range(497, 504), ("a", 6), 510, ("a", 489)]
    assert repeated("a" * 1000, (500, 504, 2)) == [*range(3), ("a", 494), *range(497, 505), ("a", 495)]
    assert repeated("a" * 1000, (5,)) == [*range(9), ("a", 991)]
    assert repeated("ab" * 100, (101,)) == [("a, b", 49), *range(98, 104), ("a, b", 48)]
    opened = repeated("a" * 100, (5,), Choice(opened=frozenset({"a"})))
    assert opened == [("a", 100), *range(100)]
    assert repeated("a" * 100, (), Choice("none")) == list(range(100))


def test_a_run_goes_on_when_its_graph_grows() -> None:
    """Rows put on top one by one come to what they come to at once."""
    names = "dcc" + "ab" * 20 + "ca" * 30 + "a" * 40 + "x"
    rows, state = [Row((), name) for name in names], State()
    for row in rows:
        state = put_on_top(state, [row])
    assert list(state.whole() or ()) == list(put_on_top(State(), rows).whole() or ())


def test_a_small_graph_is_not_folded(tmp_path: Path) -> None:
    """A graph of one block shows its nodes."""
    path = tmp_path / "small.tape"
    network(path, blocks=1)
    with Tape.open(path) as small:
        assert small.frame(small.head).graph.folds() is None


def test_folds_are_the_same_whatever_was_looked_at_before(tape: Tape) -> None:
    """What is kept of other positions changes nothing: a forward looked at backwards has the folds of a fresh look."""
    for position in range(tape.latest("op", tape.head) or 0, 60, -7):
        with Tape.open(tape.path) as fresh:
            assert lines(tape.frame(position).graph) == lines(fresh.frame(position).graph)


def test_thousands_of_leaves_that_nothing_uses_are_rows_once(tmp_path: Path) -> None:
    """As a library makes them beforehand: they stand below all that is folded."""
    with TapeBuilder(tmp_path / "loose.tape") as builder:
        leaves = [builder.leaf(f"w{number}", [1.0]) for number in range(2100)]
        x = leaves[0]
        for _ in range(40):
            x = builder.op("Tensor.neg", "NegBackward0", [x], [1.0], jacobians=[[-1.0]])
    with Tape.open(tmp_path / "loose.tape") as tape:
        graph = tape.frame(tape.head).graph
        assert len(graph) == 40 + 2100
        assert sum(item.rows for item in graph.folds() or ()) == len(graph)
        assert {graph.row(row).name for row in range(41, len(graph))} == {"AccumulateGrad"}


paths = st.lists(st.sampled_from(["a", "a.b", "a.0", "a.1", "a.1.c", "h.0", "h.1", "h.2", ""]), min_size=1, max_size=60)
many = st.lists(st.tuples(st.sampled_from(["a", "a.b", "h.0", ""]), st.integers(1, 40)), min_size=1, max_size=6)


@given(paths | many.map(lambda some: [scope for scope, times in some for _ in range(times)]), st.data())
def test_folding_loses_no_row(scopes: list[str], data: st.DataObject) -> None:
    """Of any rows and any choice: what is not shown one header counts, and what must be seen is, or is told of."""
    rows = [Row(tuple(scope.split(".")) if scope else (), scope[-1:] or "x") for scope in reversed(scopes)]
    items = put_on_top(State(), rows).whole()
    assert isinstance(items, Items)
    names = st.frozensets(st.sampled_from(["a", "a.b", "h.0", "h.1", "h.#", "a.#"]), max_size=4)
    choice = Choice(data.draw(st.sampled_from(["auto", "all", "none"])), data.draw(names), data.draw(names))
    row = data.draw(st.integers(0, len(scopes) - 1))
    listing = Listing(items, len(scopes), choice, (row,))
    covered = []
    for line in map(listing.line, range(len(listing))):
        if line.header is None:
            covered.append(line.row)
        elif not line.header.is_open:
            covered += range(line.row, line.row + line.header.rows)
    assert covered == list(range(len(scopes)))
    header = listing.hiding(row)
    assert header is None or row in header.holds
    assert all(listing.line(listing.line_of(one)).row <= one for one in range(len(scopes)))
    assert Listing(items, len(scopes), showing(items, len(scopes), choice, row), (row,)).hiding(row) is None


def test_what_came_to_each_node(tmp_path: Path) -> None:
    """2-norm and largest element of upstream, where the node has run; read at once or little by little, the same."""
    path = tmp_path / "flows.tape"
    network(path, blocks=3, slope=0.1)
    with Tape.open(path) as tape:
        frame = tape.frame(tape.head)
        graph, flows = frame.graph, frame.graph.flows()
        assert flows.of(graph.row(0).node) is None
        while not flows.read(1):
            pass
        for index in range(len(graph)):
            chain = tape.chain(graph.row(index).node, tape.head)
            assert chain is not None
            (upstream,) = chain.upstream
            numbers = [float(number.real) for number in (upstream.numbers() if upstream else None) or []]
            flow = flows.of(graph.row(index).node)
            assert flow is not None
            assert (flow.norm, flow.max) == (math.hypot(*numbers), max(map(abs, numbers)))
        assert flows.largest("max") == 1.0
        start = tape.latest("backward_start", tape.head) or 0
        early = tape.frame(start + 5).graph
        assert early.flows().read()
        has_run = [early.flows().of(early.row(index).node) is not None for index in range(len(early))]
        assert 0 < sum(has_run) < 8


def test_what_is_not_whole_has_no_norm() -> None:
    """Statistics tell the largest element and not the norm; of a complex value not even that; None is undefined."""
    stats = Stats(-3.0, 2.0, 0.0, 0, 0, 0, ())
    assert flow_of([TensorValue((2000,), "float32", stats=stats)]) == Flow(None, 3.0)
    assert flow_of([TensorValue((2000,), "complex64", stats=stats)]) == Flow(None, None)
    assert flow_of([None]) == Flow(None, None, is_undefined=True)
    assert flow_of([TensorValue((1,), "float32", note="sparse_coo")]) == Flow(None, None)
    nan = flow_of([TensorValue((2000,), "float32", stats=Stats(0.0, 1.0, math.nan, 1, 0, 0, ()))])
    assert nan.max is not None
    assert math.isnan(nan.max)


def test_a_flow_is_as_large_as_its_value_is_elsewhere() -> None:
    """Of a large gradient that is the same everywhere the norm follows; several outputs are measured together."""
    same = TensorValue((2500,), "float32", stats=Stats(-0.5, -0.5, -0.5, 0, 0, 0, ()))
    assert flow_of([same]) == Flow(norm_of(same), largest_of(same)) == Flow(25.0, 0.5)
    whole = TensorValue((1,), "float64", struct.pack("<d", 60.0))
    assert flow_of([same, whole]) == Flow(65.0, 60.0)
    assert flow_of([TensorValue((0,), "float32", b"")]) == Flow(0.0, 0.0)
