"""An optimizer step in the chain-rule pane: nothing is claimed but what is on the tape."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradb.frame.frame import Frame
from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.lines.step import MAX_PARAMETERS, is_descent
from gradb.present.options import Options
from gradb.present.panes.table import PANES
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.values import TensorValue
from tests.fakes.packing import value
from tests.unit.present.conftest import OpenExample


def at_kind(tape: Tape, kind: str, number: int = 0) -> Frame:
    """Return the frame of the event of a kind, counted from 0."""
    return tape.frame([event.seq for event in tape.events() if event.kind == kind][number])


def chain(frame: Frame, width: int = 80, height: int | None = None) -> list[str]:
    return to_text(PANES["chain"].render(frame, Options(width=width, height=height)), width).splitlines()


def with_step(frame: Frame, detail: StepDetail) -> Frame:
    return replace(frame, detail=detail)


def test_a_step_shows_before_gradient_and_after(example: OpenExample) -> None:
    """Value, gradient and new value of each parameter under the optimizer and its rate."""
    assert chain(at_kind(example("training"), "step", 1)) == [
        "SGD step   learning rate 0.01   1 parameter",
        "── w  [2]",
        "before       w       [0.82 1.99]",
        "gradient     w.grad  [14.76 0.995]",
        "after        w       [0.6724 1.980]",
        "✓ before - 0.01 · gradient = after",
    ]


def test_another_rule_is_not_claimed_to_be_descent(example: OpenExample) -> None:
    """Where the numbers are not value minus rate times gradient, that is not said."""
    frame = at_kind(example("training"), "step")
    assert isinstance(frame.detail, StepDetail)
    (after,) = frame.detail.parameters
    other = replace(frame.detail, optimizer="Adam", parameters=(replace(after, value=value([0.9, 1.9])),))
    assert "✓" not in " ".join(chain(with_step(frame, other)))


def test_rates_of_groups_stand_beside_their_parameters(example: OpenExample) -> None:
    """With several groups each parameter has the rate of its own."""
    frame = at_kind(example("training"), "step")
    one, two = Tensor(1, "w", value([1.0])), Tensor(2, "b", value([2.0]))
    detail = StepDetail("SGD", (0.1, 0.5), (one, two), (value([1.0]), None), (None, value([4.0])), (1, 0))
    lines = chain(with_step(frame, detail))
    assert lines[0] == "SGD step   learning rates 0.1, 0.5   2 parameters"
    assert [line.split()[-1] for line in lines if line.startswith("rate")] == ["0.5", "0.1"]
    assert "None: the step leaves this parameter as it is" in " ".join(lines)
    assert sum(line.startswith("before") for line in lines) == 1


def test_a_watched_step_has_no_values(example: OpenExample) -> None:
    """While only watching the pane says first that nothing else is known."""
    tape = example("watched")
    seen = [event.seq for event in tape.events() if event.kind == "step" and event.iteration == 10]
    lines = chain(tape.frame(seen[0]))
    assert lines[0].startswith("only watched since iteration 4")
    assert lines[-2:] == [
        "SGD step   learning rate 0.01",
        "what the step found and left is not recorded",
    ]


def test_many_parameters_are_cut(example: OpenExample) -> None:
    """What is left out is counted, at the end of the list and in a low pane."""
    frame = at_kind(example("training"), "step")
    many = tuple(Tensor(i, f"w{i}", value([1.0])) for i in range(MAX_PARAMETERS + 7))
    detail = StepDetail("SGD", (), many)
    assert chain(with_step(frame, detail))[-1] == "… and 7 more parameters"
    low = chain(with_step(frame, detail), height=5)
    assert len(low) == 5
    assert low[0].startswith("SGD step   no learning rate")
    assert low[-1].endswith("more lines")


def test_a_selected_node_comes_before_the_step(example: OpenExample) -> None:
    """Who selects a node at a step sees the node."""
    tape = example("training")
    frame = at_kind(tape, "step")
    chain = tape.chain(at_kind(tape, "node").graph.current or 0, frame.position)
    shown = to_text(PANES["chain"].render(frame, Options(chain=chain)), 80)
    assert chain is not None
    assert "step" not in shown.splitlines()[0]


@pytest.mark.parametrize(
    ("before", "gradient", "after", "rate", "holds"),
    [
        (value([1.0, 2.0]), value([10.0, 0.0]), value([0.0, 2.0]), 0.1, True),
        (value([1.0, 2.0]), value([10.0, 0.0]), value([0.5, 2.0]), 0.1, False),
        (value([1.0]), value([float("nan")]), value([float("nan")]), 0.1, False),
        (value([3e38]), value([-3e38]), value([float("inf")]), 2.0, False),
        (value([1.0]), value([float("inf")]), value([1.0]), 0.1, False),
        (value([1.0]), value([float("inf")]), value([-float("inf")]), 0.1, False),
        (value([1 + 1j], dtype="complex64"), value([1.0]), value([1.0]), 0.1, False),
        (TensorValue((5000,), "float32"), value([1.0]), value([1.0]), 0.1, False),
        (value([1.0, 2.0]), value([1.0]), value([1.0]), 0.1, False),
        (value([], (0,)), value([], (0,)), value([], (0,)), 0.1, False),
    ],
)
def test_descent_is_recognised_by_its_numbers(
    before: TensorValue, gradient: TensorValue, after: TensorValue, rate: float, holds: bool
) -> None:
    """Every element has to be there and to agree but for rounding."""
    assert is_descent(Tensor(1, "w", after), before, gradient, rate) is holds
