"""What is displayed: numbered expressions, their value at a position and one stop before, and whether it changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gradb.debugger.debugger import Debugger
from gradb.debugger.displays import MOST, Displays, found, rows
from gradb.debugger.errors import UserError
from gradb.frame.displayed import Found, Row
from gradb.frame.reader import Tape
from gradb.tape.expressions.operands import Numbers, Unkept
from gradb.tape.expressions.syntax import read
from gradb.tape.kinds.op import OpDetail
from gradb.tape.stops import Stop
from gradb.tape.values import Stats, TensorValue
from tests.fakes import TapeBuilder
from tests.fakes.forward import Variable
from tests.unit.debugger.conftest import Recorded


def one(debugger: Debugger) -> Row:
    """Return the only row."""
    (row,) = debugger.displayed()
    return row


def test_value_is_shown_beside_that_at_the_stop_before(recorded: Recorded) -> None:
    """At an accumulation the gradient is new; a step later it is the same."""
    debugger = recorded("chain_rule")
    assert debugger.displays.add("a.grad") == 1
    debugger.go(16)
    assert debugger.event() is not None
    filled = Found(Numbers((4,), (28.0, 36.0, 44.0, 52.0), "float32"))
    assert one(debugger) == Row(1, "a.grad", filled, Found(None), True)
    debugger.forward(Stop("step"))
    row = one(debugger)
    assert replace(row, origin="") == Row(1, "a.grad", filled, filled, False)
    assert row.origin == "as of event 16, chain_rule.py:13"


def test_start_has_nothing_before_it(recorded: Recorded) -> None:
    """At position 0 there is no value before, and the first step has the start before it."""
    debugger = recorded("chain_rule")
    debugger.displays.add("a")
    row = one(debugger)
    assert (row.before, row.has_changed) == (None, None)
    assert row.now.why == "no tensor is called 'a' at position 0"
    debugger.forward(Stop("step"))
    row = one(debugger)
    assert row.before == Found(why="no tensor is called 'a' at position 0")
    assert (row.now.value.numbers, row.has_changed) == ((1.0, 2.0, 3.0, 4.0), True)


def test_there_is_no_event_at_the_start(recorded: Recorded) -> None:
    """It is not there yet: nothing is called wrongly."""
    debugger = recorded("chain_rule")
    debugger.displays.add("event.name")
    assert one(debugger).now == Found(why="there is no event here: this is the start")


def test_before_is_one_stop_before_at_every_position(recorded: Recorded) -> None:
    """The value before is the value at the position to which a step back leads."""
    debugger = recorded("training")
    texts = ("loss", "event.kind", "phase", "iteration * 2", "norm(upstream)", "nobody", "layer1.weight[0, 0] > 0")
    for text in texts:
        debugger.displays.add(text)
    assert debugger.tape is not None
    for position in range(0, debugger.head + 1, 3):
        debugger.go(position)
        shown = debugger.displayed()
        assert [row.text for row in shown] == list(texts)
        if position:
            debugger.back(Stop("step"))
            earlier = [found(debugger.tape, debugger.position, read(text)) for text in texts]
            assert [row.before for row in shown] == earlier
        assert [row.now for row in shown] == [found(debugger.tape, position, read(text)) for text in texts]


def test_rows_are_the_same_when_the_tape_has_grown(tmp_path: Path) -> None:
    """They are a pure function of tape and position."""
    path = tmp_path / "x.tape"
    displays = [(1, read("w")), (2, read("loss")), (3, read("event.name"))]
    with TapeBuilder(path) as tape:
        tape.leaf("w", [1.0])
        tape.leaf("v", [2.0])
        tape.point("loss", "loss", 2.5, 2)
        tape.commit()
        with Tape.open(path) as reader:
            before = rows(reader, 2, displays)
        tape.leaf("w", [3.0])
        tape.point("loss", "loss", 1.5, 3)
    with Tape.open(path) as reader:
        assert rows(reader, 2, displays) == before
        assert [row.has_changed for row in rows(reader, 3, displays)] == [True, True, True]


def test_value_that_was_not_kept_is_not_said_to_be_the_same(tmp_path: Path) -> None:
    """Other statistics are a change; the same ones of another look tell nothing, NaN among them or not."""
    path = tmp_path / "x.tape"
    odd, even = (Stats(0.0, 1.0, mean, nan, 0, 0, (0.0,)) for mean, nan in ((float("nan"), 1), (0.5, 0)))
    with TapeBuilder(path) as tape:
        for stats in (odd, odd, even):
            large = Variable(1, "w", TensorValue((5000,), "float32", None, stats))
            seq = tape.event(OpDetail("torch.rand", (), (large.seen(),), (), ()), "op", "torch.rand")
            tape._define(large, seq)
        tape.leaf("other", [1.0])
        tape.leaf("another", [1.0])
    with Tape.open(path) as reader:
        shown = [rows(reader, position, [(1, read("w"))])[0] for position in (2, 3, 5)]
        (total,) = rows(reader, 3, [(1, read("sum(w)"))])
    assert isinstance(shown[0].now.value, Unkept)
    assert [row.has_changed for row in shown] == [None, True, False]
    assert total.now == total.before == Found(why="the sum was not recorded: it is too large to be kept whole")


def test_what_is_not_there_yet_is_told_from_none(recorded: Recorded) -> None:
    """A .grad that is None is None; a node that has not run has no upstream."""
    debugger = recorded("chain_rule")
    for text in ("a.grad", "upstream", "norm(downstream)", "a.grad[0]"):
        debugger.displays.add(text)
    debugger.go(3)
    assert [row.now for row in debugger.displayed()] == [
        Found(None),
        Found(why="there is no upstream here: AddBackward0 has not run"),
        Found(why="there is nothing to take the norm of"),
        Found(why="None has no elements"),
    ]


def test_numbers_stay() -> None:
    """An expression keeps its number when another is taken away; the same one is not added twice."""
    displays = Displays()
    assert [displays.add(text) for text in ("a", "b", "c", " b ")] == [1, 2, 3, 2]
    assert displays.remove(2) == "b"
    assert [(number, one.text) for number, one in displays.expressions] == [(1, "a"), (3, "c")]
    assert displays.add("b") == 4
    with pytest.raises(UserError, match="there is no display 2: there are 1, 3, 4"):
        displays.remove(2)
    assert (displays.clear(), len(displays)) == (3, 0)
    with pytest.raises(UserError, match=r"there is no display 1$"):
        displays.remove(1)


def test_what_cannot_be_read_is_refused() -> None:
    """Syntax is told at once, and there is an end to displays."""
    displays = Displays()
    with pytest.raises(UserError, match="cannot read the expression"):
        displays.add("a ==")
    for index in range(MOST):
        displays.add(f"a{index}")
    with pytest.raises(UserError, match="there are 100 displays already"):
        displays.add("another")
