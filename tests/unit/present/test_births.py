"""What the chain pane says where a value that is not finite was born."""

from __future__ import annotations

from dataclasses import replace

from gradb.frame.frame import Frame
from gradb.present.draw.text import to_text
from gradb.present.lines.births import birth_lines
from gradb.tape.kinds.leaf import LeafDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.schema import BIRTH, INFINITY, NAN
from gradb.tape.values import TensorValue
from tests.fakes.packing import value
from tests.unit.present.conftest import OpenExample

INF, NOT = float("inf"), float("nan")


def said(frame: Frame, width: int = 60) -> list[str]:
    return [to_text(line, width).strip() for line in birth_lines(frame, width)]


def at_birth(example: OpenExample, made: list[TensorValue], given: list[TensorValue]) -> Frame:
    """Return a frame at an op that is a birth."""
    frame = example("chain_rule").frame(3)
    assert frame.event is not None
    tensors = [tuple(Tensor(1, name, one) for one in values) for name, values in (("y", made), ("x", given))]
    detail = OpDetail("Tensor.log", tensors[1], tensors[0], (), ())
    return replace(frame, event=replace(frame.event, flags=NAN | INFINITY | BIRTH), detail=detail)


def test_a_node_says_what_it_has_made(example: OpenExample) -> None:
    """0 times infinity in the backward of a square root: what was sent on, and that what arrived was finite."""
    tape = example("nonfinite")
    births = [event.seq for event in tape.events() if event.is_birth]
    assert len(births) == 1
    assert said(tape.frame(births[0])) == [
        "× not finite: born here",
        "sent to AccumulateGrad: 1 × nan, the first at [0]",
        "all that is known of what it was given is finite",
    ]
    assert said(tape.frame(births[0] + 1)) == []


def test_an_op_names_what_did_it(example: OpenExample) -> None:
    """The infinities that a NaN was made of are listed, with how many and the first."""
    frame = at_birth(example, [value([0.0, NOT, NOT])], [value([1.0, INF, -INF]), value([0.0, 0.0, 0.0])])
    assert said(frame) == [
        "× not finite: born here", "y: 2 × nan, the first at [1]", "given",
        "x: 1 × inf, 1 × -inf, the first of them at [1]",
    ]  # fmt: skip


def test_what_comes_from_outside_is_said_to(example: OpenExample) -> None:
    """Where the inputs explain all that is odd, the birth is theirs."""
    frame = at_birth(example, [value([NOT])], [value([NOT])])
    assert said(frame) == ["× not finite, from outside: shown here first", "x: 1 × nan, the first at [0]"]


def test_many_are_counted(example: OpenExample) -> None:
    """A long list ends with how many more there are."""
    frame = at_birth(example, [value([NOT])] * 9, [])
    assert said(frame)[-2:] == ["… 5 more", "all that is known of what it was given is finite"]
    assert len(said(frame)) == 7


def test_a_leaf_and_what_was_only_watched(example: OpenExample) -> None:
    """A leaf that arrives so is named; of a loss while only watching it is not known where its NaN was born."""
    frame = at_birth(example, [], [])
    leaf = LeafDetail(Tensor(1, "w", value([NOT, 1.0])), "first seen here")
    assert said(replace(frame, detail=leaf), 80) == [
        "× not finite, came in from outside: it was there when w was first seen", "w: 1 × nan, the first at [0]",
    ]  # fmt: skip
    assert said(replace(frame, detail=None)) == ["× not finite: seen here first; its birth was not seen"]
