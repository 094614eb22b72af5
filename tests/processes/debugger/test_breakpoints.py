"""Breakpoints and conditions at which a script is stopped."""

from __future__ import annotations

import pytest

from gradb.debugger.debugger import Debugger
from tests.processes.debugger.conftest import Live, Recorded
from tests.unit.debugger.test_breakpoints import do


def hits(debugger: Debugger) -> list[int]:
    return [one.hits for one in debugger.breakpoints]


def test_what_is_switched_off_stops_nothing(recorded: Recorded, live: Live) -> None:
    """One or all are switched off and on; what is off is kept, listed as off, and meets nothing."""
    for debugger in (recorded("chain_rule"), live("chain_rule")):
        do(debugger, "break line 11; break line 13")
        assert do(debugger, "disable 1") == "disabled 1: chain_rule.py:11"
        do(debugger, "continue")
        assert debugger.position == 6
        assert do(debugger, "breakpoints") == "1 ○ chain_rule.py:11  0 hits, off\n2 ◉ chain_rule.py:13  1 hit"
        assert do(debugger, "disable") == "2 breakpoints disabled"
        assert do(debugger, "enable line 11") == "enabled 1: chain_rule.py:11"
        do(debugger, "continue")
        assert (debugger.position, hits(debugger)) == (19, [0, 1])


PASSES = (
    # commands, position, hits, how many each still lets pass
    ("break node pow; continue; continue; continue", 19, [2], [0]),
    ("break node pow; ignore 1 1; continue", 10, [2], [0]),
    ("break node pow; ignore 1 2; continue", 19, [2], [0]),
    ("break node pow; ignore 1 9; continue", 19, [2], [7]),
    ("break node pow; ignore 1 9; finish; reverse-continue", 0, [2], [7]),
    ("break node pow; break node mul; ignore 1 1; continue; continue; continue", 14, [2, 2], [0, 0]),
    ("break node pow; ignore 1 1; step 2; continue", 10, [2], [0]),
    ("break line 11; ignore 1 1; continue", 19, [1], [0]),
    ("break line 13; break line 14; ignore 1 1; continue", 18, [1, 1], [0, 0]),
    ("break line 11; break line 13; ignore 2 1; finish; reverse-continue", 4, [1, 1], [0, 0]),
    ("break line 11; step 4; ignore 1 1; continue", 19, [0], [1]),
    ("break node pow; ignore 1 1; finish", 19, [0], [1]),
    ("break iteration 1; ignore 1 1; continue", 19, [1], [0]),
    ("step 5; start; break node pow; ignore 1 1; continue", 10, [2], [0]),
    ("step 5; start; break line 11; break line 13; ignore 1 1; continue; continue", 19, [1, 1], [0, 0]),
    ("step 7; start; break line 13; break line 14; ignore 1 1; continue; continue", 19, [1, 1], [0, 0]),
)


@pytest.mark.parametrize(("commands", "position", "met", "left"), PASSES)
def test_a_live_run_and_a_tape_count_the_same(
    commands: str, position: int, met: list[int], left: list[int], recorded: Recorded, live: Live
) -> None:
    """What is let pass, where it stops, how often each was met: the same, also where a tape lies before the head."""
    for debugger in (recorded("chain_rule"), live("chain_rule")):
        do(debugger, commands)
        assert (debugger.position, hits(debugger)) == (position, met)
        assert [one.ignores for one in debugger.breakpoints] == left


def test_a_temporary_breakpoint_stops_one_movement(recorded: Recorded, live: Live) -> None:
    """It is listed as temporary, passes what it is told to, and is gone once it has stopped a movement, either way."""
    for debugger in (recorded("chain_rule"), live("chain_rule")):
        assert do(debugger, "tbreak node pow").startswith("temporary breakpoint 1: node pow")
        assert do(debugger, "tbreak node pow").startswith("there is a breakpoint already: 1, node pow")
        assert do(debugger, "breakpoints").startswith("1 ◉ node pow  temporary, 0 hits")
        do(debugger, "ignore 1 1; continue")
        assert (debugger.position, len(debugger.breakpoints)) == (10, 0)
        do(debugger, "step; tbreak; finish; reverse-continue")
        event = debugger.event()
        assert event is not None
        assert (event.line, len(debugger.breakpoints)) == (13, 0)


def test_a_line_is_met_once_each_time_the_script_comes_to_it(recorded: Recorded, live: Live) -> None:
    """Of a loop, whole rounds are let pass, not events of the line."""
    for debugger in (recorded("training"), live("training")):
        do(debugger, "break line 7; ignore 1 2; continue")
        event = debugger.event()
        assert event is not None
        assert (event.line, event.iteration, hits(debugger)) == (7, 3, [3])


CONDITIONS = (
    # commands and positions on the first scenario
    ("break node pow if iteration > 1; continue", 19),
    ("break node pow if norm(upstream) > 1; continue", 10),
    ("break node pow if phase == 'backward'; continue; continue", 19),
    ("break line 13 if event.kind == 'node'; continue", 8),
    ("break line 13 if norm(upstream) > 1e9; continue", 19),
    ("break param a; continue; continue", 19),
    ("break param a; finish; reverse-continue", 16),
    ("break loss > 1; continue", 6),
    ("break loss > 1; ignore 1 1; continue", 19),
    ("break loss > 1e9; continue", 19),
    ("break norm(downstream) > 1; continue", 8),
    ("break norm(a.grad) > 1; continue", 16),
    ("break node mul if loss > 1; continue", 14),
    ("break node mul if not loss > 1; continue", 19),
    ("break node mul if loss > 1; finish; reverse-continue", 14),
    ("step 3; break node mul if loss > 1; continue", 14),
    ("break iteration 1 if norm(upstream) > 1; continue", 10),
)


@pytest.mark.parametrize(("commands", "position"), CONDITIONS)
def test_conditions_stop_a_live_run_and_a_tape_at_the_same_events(
    commands: str, position: int, recorded: Recorded, live: Live
) -> None:
    """A place, or an event that newly determines something, is stopped at where the condition holds there."""
    for debugger in (recorded("chain_rule"), live("chain_rule")):
        do(debugger, commands)
        assert debugger.position == position


def test_conditions_are_listed_and_cleared_as_they_were_set(recorded: Recorded, live: Live) -> None:
    """The words of a breakpoint are what was typed, and a name that may come is waited for."""
    debugger = recorded("chain_rule")
    assert do(debugger, "break node pow if loss > 2") == "breakpoint 1: node pow if loss > 2"
    assert do(debugger, "break loss > 2") == "breakpoint 2: loss > 2"
    assert do(debugger, "break loss > 2") == "there is a breakpoint already: 2, loss > 2"
    assert do(debugger, "clear node pow if loss > 2") == "cleared 1: node pow if loss > 2"
    assert do(debugger, "breakpoints") == "2 ◉ loss > 2  0 hits"
    do(debugger, "step 4")
    assert do(debugger, "break if loss > 3") == "breakpoint 3: chain_rule.py:11 if loss > 3"
    pending = do(live("chain_rule"), "break node pow if later > 2 !")
    assert "pending: nothing is called 'later' so far" in pending
