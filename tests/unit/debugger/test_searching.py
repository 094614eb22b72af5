"""A movement over a recording, made a little at a time: it comes to the same, says how far it is, and can end."""

from __future__ import annotations

import math

import pytest

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from tests.unit.debugger.conftest import Recorded, carry_out

MOVES = (
    "step 30",
    "iteration 2",
    "until norm(value) > 1e9",
    "until norm(upstream) > 0",
    "until loss > 1e9",
    "until node MulBackward0 if norm(upstream) > 0",
    "until line 9 if norm(upstream) > 1e9",
    "continue",
)


def moved(debugger: Debugger, text: str) -> tuple[int, str, list[int]]:
    """Make a movement from the start; return where it came to, what it said, and what its breakpoints have met."""
    debugger.go(0)
    debugger.message = ""
    try:
        carry_out(debugger, text)
    except UserError as error:
        return debugger.position, str(error), []
    shares = []
    while not debugger.search_on(0.0):
        assert debugger.progress is not None
        assert 0 <= debugger.progress.event <= debugger.head
        shares.append(debugger.progress.share)
    assert all(0 <= share <= 1 for share in shares)
    return debugger.position, debugger.message, [one.hits for one in debugger.breakpoints]


def state(debugger: Debugger) -> tuple[object, ...]:
    """Return where a debugger is, how far a search is, and what was missed."""
    return debugger.position, debugger.progress, debugger.missed


@pytest.mark.parametrize("text", MOVES)
def test_slices_come_to_the_same(text: str, recorded: Recorded) -> None:
    """Where it stops, what is said and what is counted does not depend on how much of it is done at a time."""
    whole, sliced = recorded("training"), recorded("training")
    sliced.patience = 0.0
    for debugger in (whole, sliced):
        carry_out(debugger, "break node MulBackward0 if norm(upstream) > 0")
        carry_out(debugger, "ignore 1 2")
    assert moved(sliced, text) == moved(whole, text)
    assert sliced.progress is None


def test_a_search_that_is_broken_off_leaves_the_position(recorded: Recorded) -> None:
    """Nothing was missed, nothing was met, and the next movement begins where this one did."""
    debugger = recorded("training")
    carry_out(debugger, "goto 7")
    debugger.patience = 0.0
    for text in ("until norm(upstream) > 1e9", "step 30"):
        carry_out(debugger, text)
        for _ in range(9):
            assert not debugger.search_on(0.0)
        assert debugger.progress is not None
        debugger.break_off()
        assert state(debugger) == (7, None, None)
        assert debugger.search_on(math.inf)
    debugger.patience = math.inf
    carry_out(debugger, "event")
    assert debugger.position == 8
