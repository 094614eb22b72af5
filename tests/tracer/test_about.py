"""Which node a position is about: at what is no node of a backward it is not the one that ran before it."""

from __future__ import annotations

import contextlib

import pytest
import torch

from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.options import Options
from gradb.present.panes.table import PANES, pane_json
from tests.tracer.recording import record

pytestmark = pytest.mark.torch


def _raise(tensor: torch.Tensor) -> None:
    with contextlib.suppress(RuntimeError):
        tensor.view(5)


def _script() -> None:
    three = torch.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    torch.relu(three).sum().backward()
    _raise(three)
    weight = torch.ones(2, requires_grad=True)
    _raise(weight)
    cut = weight.detach()
    twice = cut * 2
    (weight * twice).sum().backward()
    with torch.no_grad():
        weight -= 0.1
    weight.grad = None


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """Return a tape of two backwards with a leaf, a cut and an update after them."""
    return record(tmp_path_factory.mktemp("about") / "run.tape", _script)[1]


def _about(tape: Tape, kind: str) -> list[str | None]:
    """Return the name of the node that each event of a kind is about."""
    chains = (tape.chain_at(event.seq) for event in tape.events() if event.kind == kind)
    return [None if chain is None else chain.node_name.rpartition("::")[2] for chain in chains]


def test_a_position_is_about_the_node_that_runs_or_is_made(tape: Tape) -> None:
    """A leaf and an op without a node are about none; an error is about what the event before it was about."""
    assert _about(tape, "leaf") == [None, None]
    assert _about(tape, "op") == ["ReluBackward0", "SumBackward0", None, None, "MulBackward0", "SumBackward0", None]
    assert _about(tape, "backward_start") == ["SumBackward0", "SumBackward0"]
    assert _about(tape, "accumulate") == ["AccumulateGrad"] * 2
    assert _about(tape, "backward_end") == ["AccumulateGrad"] * 2
    assert _about(tape, "error") == ["AccumulateGrad", None]
    assert _about(tape, "zero_grad") == [None]


@pytest.mark.parametrize(
    ("kind", "number", "words"),
    [
        ("leaf", 1, "weight is a leaf: no op made it"),
        ("op", 2, "weight.detach() leaves no node: its result does not require grad"),
        ("op", 3, "cut * 2 leaves no node: nothing that it is given requires grad"),
        ("op", 6, "leaves no node: gradients are off here (no_grad)"),
        ("error", 1, "no node here: what happens here has no part in the graph"),
    ],
)
def test_the_pane_says_why_there_is_no_node(tape: Tape, kind: str, number: int, words: str) -> None:
    """What ran before is not shown as if it were here."""
    seq = [event.seq for event in tape.events() if event.kind == kind][number]
    frame = tape.frame(seq)
    assert words in " ".join(to_text(PANES["chain"].render(frame, Options(width=70)), 70).split())
    assert pane_json("chain", frame, Options())["chain"] is None
