"""Moving over a recording, and over a live run: both stop at the same events."""

from __future__ import annotations

import pytest

from gradb.debugger.commands.language import parse
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.tape.kinds.event import Event
from gradb.tape.stops import Stop
from tests.unit.debugger.conftest import PATIENCE, Notes, Recorded

WALK = [1, 2, 3, 4, 5, 8, 10, 12, 14, 16, 19]
"""Where `step` stops on the first scenario."""


def do(debugger: Debugger, text: str) -> None:
    for statement in parse(text):
        statement.run(debugger, Notes())
        assert debugger.wait(PATIENCE)


def here(debugger: Debugger) -> Event:
    event = debugger.event()
    assert event is not None
    return event


def test_steps_walk_there_and_back(recorded: Recorded) -> None:
    """Each step has its reverse, to the start and to the end, and not beyond."""
    debugger = recorded("chain_rule")
    forth = []
    for _ in WALK:
        do(debugger, "step")
        forth.append(debugger.position)
    assert forth == WALK
    do(debugger, "step")
    assert (debugger.position, debugger.message) == (19, "already at the end")
    back = []
    for _ in WALK:
        do(debugger, "back")
        back.append(debugger.position)
    assert back == [*reversed(WALK[:-1]), 0]
    do(debugger, "back")
    assert (debugger.position, debugger.message) == (0, "already at the start")


def test_what_is_not_there_is_said(recorded: Recorded) -> None:
    """A search that finds nothing on a recording stays where it is, forwards and back, and says so."""
    debugger = recorded("chain_rule")
    do(debugger, "until node Pow; until nonfinite")
    assert (debugger.position, debugger.missed) == (4, Stop("nonfinite"))
    assert debugger.message == "there is no later nonfinite"
    do(debugger, "until-back nonfinite")
    assert (debugger.position, debugger.message) == (4, "there is no earlier nonfinite")
    do(debugger, "until node Mul; until-back line 10; until-back line 10")
    assert (debugger.position, debugger.message) == (3, "there is no earlier chain_rule.py:10")
    do(debugger, "back")
    assert debugger.missed is None


@pytest.mark.parametrize("position", [-1, 20, 10**12])
def test_go_refuses_what_is_not_there(position: int, recorded: Recorded) -> None:
    """Outside of a recording there is nothing to go to."""
    debugger = recorded("chain_rule")
    with pytest.raises(UserError, match=f"no position {position}: this run has positions 0 to 19"):
        debugger.go(position)


def test_continue_stops_at_an_error(recorded: Recorded) -> None:
    """`continue` and `reverse-continue` stop at errors."""
    debugger = recorded("accumulation")
    do(debugger, "continue")
    assert here(debugger).kind == "error"
    do(debugger, "continue; reverse-continue")
    assert here(debugger).kind == "error"


def test_iterations(recorded: Recorded) -> None:
    """`iteration` goes from one iteration to the next, and back."""
    debugger = recorded("training")
    do(debugger, "iteration 2")
    assert here(debugger).iteration == 2
    do(debugger, "iteration-back")
    assert here(debugger).iteration == 1
    do(debugger, "iteration-back")
    assert debugger.position == 0


def test_breakpoint_on_this_line_is_set_and_cleared(recorded: Recorded) -> None:
    """`break` alone is a switch for the line at the position."""
    debugger = recorded("chain_rule")
    do(debugger, "step 4; break")
    assert debugger.breakpoints.stops == (Stop("at", "chain_rule.py:11"),)
    do(debugger, "break")
    assert not debugger.breakpoints
    do(debugger, "start")
    with pytest.raises(UserError, match="no source line here"):
        do(debugger, "break")


def test_quiet_steps_are_stepped_over_by_default(recorded: Recorded) -> None:
    """The switch lets steps stop at data preparation as well."""
    debugger = recorded("training")
    do(debugger, "step 3")
    by_default = debugger.position
    do(debugger, "start; quiet on; step 3; quiet off")
    assert debugger.position <= by_default
    assert not debugger.shows_quiet
