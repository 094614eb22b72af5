"""The pane of ATen calls, as text and as JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.json.events import event_json
from gradb.present.lines.headline import headline
from gradb.present.options import Options
from gradb.present.panes.table import PANES, pane_json
from gradb.tape.kinds.aten import AtenDetail
from gradb.tape.kinds.node_start import NodeStartDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.values import TensorValue
from tests.fakes import TapeBuilder
from tests.fakes.packing import value
from tests.fakes.recording import Recording


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    """The chain rule, looked into."""
    TapeBuilder.looked_into_example(tmp_path / "run.tape")
    return Tape.open(tmp_path / "run.tape")


def drawn(tape: Tape, position: int, width: int = 80, height: int | None = None) -> list[str]:
    """Return the lines of the pane."""
    text = to_text(PANES["aten"].render(tape.frame(position), Options(width=width, height=height)), width)
    return [line.rstrip() for line in text.splitlines()]


def test_a_call_of_an_op_that_has_not_returned(tape: Tape) -> None:
    """The call at the position is marked, with what went in and what came out; its result has no name yet."""
    assert drawn(tape, 2) == [
        "this op has made 1 ATen call so far",
        "▶ #1  aten.mul.default(a)",
        "    in           a [4]   [1 2 3 4]",
        "    out          #1 [4]  [2 4 6 8]",
    ]


def test_an_op_that_has_returned_names_its_result(tape: Tape) -> None:
    """With the op's event the variable has its name, and the calls know it."""
    assert drawn(tape, 3) == [
        "MulBackward0 made 1 ATen call",
        "  #1  aten.mul.default(a)",
        "    out          b [4]  [2 4 6 8]",
    ]


@pytest.mark.parametrize("position", [15, 16])
def test_the_calls_of_a_node(tape: Tape, position: int) -> None:
    """Inside the node and at its end the call is there, with the gradient that flowed in by its name."""
    lines = drawn(tape, position)
    assert "aten.mul.Tensor(upstream)" in lines[1]
    assert lines[0] == (
        "PowBackward0 has made 1 ATen call so far" if position == 15 else "PowBackward0 made 1 ATen call"
    )


def test_what_is_not_known_is_said(tmp_path: Path, tape: Tape) -> None:
    """A node about to run, an op nobody looked into, and a position at neither."""
    assert drawn(tape, 11)[0].startswith("SumBackward0 is about to run: `into` (key >)")
    assert drawn(tape, 10) == ["no op and no node here: ATen calls are what they make"]
    TapeBuilder.chain_rule_example(tmp_path / "plain.tape")
    with Tape.open(tmp_path / "plain.tape") as plain:
        assert " ".join(drawn(plain, 2)).startswith("which ATen calls MulBackward0 made was not recorded")


def test_the_headline_at_a_call(tape: Tape) -> None:
    """It says which call of what, in the phase of that."""
    assert headline(tape.frame(15)).plain == (
        "15/28 backward  aten.mul.Tensor → [4], call 1 of PowBackward0  chain_rule.py:13"
    )


def test_the_node_runs_while_its_calls_do(tape: Tape) -> None:
    """At a call inside a node the chain is that of the node about to end: upstream known, downstream not."""
    inside, before = tape.frame(15), tape.frame(14)
    assert inside.chain == before.chain
    assert inside.chain is not None
    assert (inside.chain.node_name, inside.chain.state) == ("PowBackward0", "running")
    assert inside.graph.current == before.graph.current


def test_json(tape: Tape) -> None:
    """The pane and the event say the same, as data."""
    call = pane_json("aten", tape.frame(15))["aten"]
    (only,) = call.pop("calls")
    assert call == {"name": "PowBackward0", "node": 4, "over": False, "recorded": True, "count": 1}
    event = event_json(tape, tape.event(15))
    assert {key: event[key] for key in only if key != "event"} == {key: only[key] for key in only if key != "event"}
    assert (event["start"], event["node"], only["event"]) == (14, 4, 15)
    assert event["inputs"][0]["name"] == "upstream"
    assert pane_json("aten", tape.frame(10))["aten"] is None
    assert pane_json("aten", tape.frame(0))["aten"] is None


def _many(path: Path, count: int) -> Tape:
    """Write a node that makes many calls, each of the result of the last."""
    with Recording(path) as made:
        start = made.event(NodeStartDetail(0, (), ()), "node_start", "LongBackward", 1, node=1)
        for number in range(1, count + 1):
            before, after = (Tensor(number + at, None, value([float(number + at)], ())) for at in (0, 1))
            detail = AtenDetail(start, number, "aten.add.Tensor", (before,), (after,), (("self", "%0"), ("other", "1")))
            made.event(detail, "aten", "aten.add.Tensor", 1, node=1)
    return Tape.open(path)


def test_many_calls(tmp_path: Path) -> None:
    """The newest are shown, each refers to the one before, and what is left out is counted."""
    tape = _many(tmp_path / "run.tape", 450)
    lines = drawn(tape, tape.head)
    assert lines[:2] == ["LongBackward has made 450 ATen calls so far", "… 250 calls before these"]
    assert lines[-4:-2] == ["  #449  aten.add.Tensor(#448, other=1) → scalar", "▶ #450  aten.add.Tensor(#449, other=1)"]
    short = drawn(tape, tape.head, height=6)
    assert len(short) == 6
    assert (short[0], short[-1].split()) == (lines[0], ["out", "#450", "451"])


def test_a_hostile_call_is_plain_text(tmp_path: Path) -> None:
    """Names and arguments of a tape from somewhere else move no cursor; a start that is not there is refused."""
    nothing = TensorValue((2,), "float32", None, None, "")
    with Recording(tmp_path / "run.tape") as made:
        bad = Tensor(1, "a\x1b[2J", nothing)
        arguments = (("k\x1b[2J", "[%0, %9, \x1b[2J]"), ("", "%77"))
        made.event(AtenDetail(1, 1, "aten.\x1b[2J", (bad,), (bad,), arguments), "aten", "aten.x", 1)
    with Tape.open(tmp_path / "run.tape") as tape:
        assert "\x1b" not in "".join(drawn(tape, 1))
