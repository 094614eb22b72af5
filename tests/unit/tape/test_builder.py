from __future__ import annotations

from pathlib import Path

import pytest

from gradb.frame.reader import Tape
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.node_start import NodeStartDetail
from gradb.tape.kinds.op import OpDetail
from tests.fakes import TapeBuilder, Variable, diagonal, pack, value
from tests.unit.tape.conftest import Opener
from tests.unit.tape.pictures import numbers

WALK = (
    "leaf a | op MulBackward0 | op AddBackward0 | op PowBackward0 | op SumBackward0 | backward_start backward"
    " | node_start SumBackward0 | node SumBackward0 | node_start PowBackward0 | node PowBackward0"
    " | node_start AddBackward0 | node AddBackward0 | node_start MulBackward0 | node MulBackward0"
    " | node_start AccumulateGrad | accumulate a | backward_end backward | output stdout | end finished"
)


def test_the_chain_rule_example_is_the_scenario(chain_rule: Tape) -> None:
    """The fake writes the events that the tracer writes for the scenario, in its order."""
    assert " | ".join(f"{event.kind} {event.name}" for event in chain_rule.events()) == WALK
    multiply = chain_rule.detail(2)
    assert isinstance(multiply, OpDetail)
    assert multiply.arguments == (("", "%0"), ("", "2"))
    start = chain_rule.detail(6)
    assert isinstance(start, BackwardStartDetail)
    assert (len(start.nodes), start.gradients, start.retain_graph) == (5, (None,), False)
    probes = chain_rule.detail(13)
    assert isinstance(probes, NodeStartDetail)
    assert [(probe.rows, probe.columns) for probe in probes.probes] == [(4, 4), (0, 0)]


@pytest.mark.parametrize("name", ["chain_rule", "accumulation", "small_diamond", "nonfinite", "training"])
def test_examples_are_consistent(opener: Opener, name: str) -> None:
    """In every example each product agrees with what the fake engine sent, and each phase follows its kind."""
    tape = opener(name)
    assert tape.is_finished
    for event in tape.events():
        chain = tape.frame(event.seq).chain
        if event.kind == "node" and chain is not None:
            assert all(edge.check is None or edge.check.is_ok for edge in chain.edges)
            assert chain.contributions_check is None or chain.contributions_check.is_ok


def test_the_engine_sums_over_paths(tmp_path: Path) -> None:
    """The gradient of x * x + x at 3 is 7, and a second backward doubles it."""
    with TapeBuilder(tmp_path / "t.tape") as tape:
        x = tape.leaf("x", [3.0], ())
        square = tape.op("Tensor.mul", "MulBackward0", [x, x], [9.0], (), jacobians=[[3.0], [3.0]])
        y = tape.op("Tensor.add", "AddBackward0", [square, x], [12.0], (), jacobians=[[1.0], [1.0]])
        tape.backward(y, retain_graph=True)
        assert numbers(tape.grads[x.id]) == [7.0]
        tape.backward(y)
        assert numbers(tape.grads[x.id]) == [14.0]
        (moved,) = tape.step([x], 0.5)
        assert moved.numbers == [-4.0]
        assert tape.iteration == 2
        tape.zero_grad([x], to_none=False)
        assert numbers(tape.grads[x.id]) == [0.0]


def test_a_root_without_a_graph_is_refused(tmp_path: Path) -> None:
    """A backward needs a grad_fn."""
    with TapeBuilder(tmp_path / "t.tape") as tape, pytest.raises(ValueError, match="no grad_fn"):
        tape.backward(tape.leaf("x", [1.0]))


def test_constants_are_quiet(tmp_path: Path) -> None:
    """Data preparation is on the tape and no ordinary stop."""
    path = tmp_path / "t.tape"
    with TapeBuilder(path) as tape:
        made = tape.constant("x", [1.0, 2.0])
        assert isinstance(made, Variable)
        tape.note("something of our own")
    with Tape.open(path) as read:
        assert [event.is_stop for event in read.events()] == [False, True]
        assert numbers(read.lookup("x", 2)) == [1.0, 2.0]


def test_packing() -> None:
    """Numbers are packed as the tape keeps them."""
    assert pack([1e300, -1e300]) == pack([float("inf"), float("-inf")])
    assert value([1, 2, 3, 4], (2, 2)).shape == (2, 2)
    assert diagonal([2, 3]) == [2, 0.0, 0.0, 3]


def test_big_tapes_are_whole(tmp_path: Path) -> None:
    """The long tape for measurements is one that can be read at any position."""
    path = tmp_path / "big.tape"
    TapeBuilder.big(path, nodes=300, events=2000)
    with Tape.open(path) as tape:
        assert tape.head >= 2000
        for position in range(0, tape.head + 1, 97):
            frame = tape.frame(position)
            drawn = [frame.graph.row(index).node for index in range(len(frame.graph))]
            assert all(frame.graph.index_of(node) is not None for node in drawn)
        at = next(event.seq for event in tape.events() if event.kind == "node")
        chain = tape.frame(at).chain
        assert chain is not None
        assert chain.edges[0].check is not None
        assert chain.edges[0].check.is_ok
