"""What `why` says of a loss or a norm that is not finite where the script was only watched."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradb.debugger.why import ask, is_unseen
from gradb.diagnosis.nonfinite.explanation import Nothing
from gradb.frame.reader import Tape
from tests.fakes.backward import Autograd


@pytest.fixture
def tape(tmp_path: Path) -> Iterator[Tape]:
    """Open a recording of losses alone: those from iteration 4 on are NaN."""
    with Autograd(tmp_path / "nan.tape") as tape:
        tape.set_depth("watch")
        for iteration in range(1, 7):
            tape.loss("loss", math.nan if iteration >= 4 else 1.0 / iteration, 7)
            tape.step_unseen(0.1, line=8)
        tape.end()
    with Tape.open(tmp_path / "nan.tape") as opened:
        yield opened


def _at(tape: Tape, iteration: int) -> Nothing:
    (event,) = [one.seq for one in tape.events() if one.kind == "loss" and one.iteration == iteration]
    found = ask(tape, at=event)
    assert isinstance(found, Nothing)
    return found


def test_of_the_first_it_is_said_that_what_came_before_is_not_known(tape: Tape) -> None:
    found = _at(tape, 4)
    assert "not finite" in found.text
    assert "the script was only watched there" in found.text
    assert (found.onset, found.is_sure) == (4, False)


def test_of_a_later_one_it_is_said_where_the_first_is(tape: Tape) -> None:
    """A run again, which that offers, is in full around the first."""
    found = _at(tape, 6)
    assert found.text.startswith("the loss loss:7 was nan in iteration 6 (#")
    assert "in iteration 4, and the script was only watched there" in found.text
    assert is_unseen(found)
    assert found.onset == 4


def test_of_a_finite_one_there_is_nothing_to_say(tape: Tape) -> None:
    found = _at(tape, 2)
    assert (found.onset, found.is_sure) == (None, True)
    assert found.text.startswith("no value that is recorded at #")
