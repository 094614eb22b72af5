"""Movements of a script that runs, as on its tape."""

from __future__ import annotations

import pytest

from tests.processes.debugger.conftest import Live, Recorded
from tests.unit.debugger.test_moving import WALK, do, here

MOVES = (
    ("step 6", 8),
    ("step 6; back 2", 4),
    ("event 7", 7),
    ("event 7; event-back 3", 4),
    ("event 7; event back 3", 4),
    ("line 3", 3),
    ("line 3; line-back", 2),
    ("phase", 1),
    ("phase 2", 8),
    ("phase 2; phase-back", 5),
    ("until node PowBackward0", 4),
    ("until node pow; until node pow", 10),
    ("until node pow; until node pow; until-back node pow", 4),
    ("until accumulate", 16),
    ("until kind output", 18),
    ("goto 13", 13),
    ("goto 13; start", 0),
    ("finish", 19),
    ("until node pow; finish; head", 19),
    ("until chain_rule.py:11", 4),
    ("break line 11; continue", 4),
    ("break line 13; continue", 6),
    ("break line 13; continue; continue", 19),
    ("break line 13; break line 14; continue; continue", 18),
    ("break line 11; break line 13; continue; continue", 6),
    ("break node MulBackward0; continue; continue", 14),
    ("break line 11; finish; reverse-continue", 4),
    ("break line 11; finish; reverse-continue; reverse-continue", 0),
    ("break line 11; break line 13; finish; reverse-continue", 17),
    ("break line 11; break line 13; finish; reverse-continue; reverse-continue", 4),
    ("break line 11; continue; clear line 11; continue", 19),
    ("continue", 19),
    ("finish; reverse-continue", 0),
    ("step 1000", 19),
    ("step; back 1000", 0),
)


@pytest.mark.parametrize(("commands", "position"), MOVES)
def test_recorded_and_live_stop_at_the_same_events(
    commands: str, position: int, recorded: Recorded, live: Live
) -> None:
    """A command ends at the same position on a tape and on a script that runs on as it is asked to."""
    tape, script = recorded("chain_rule"), live("chain_rule")
    do(tape, commands)
    do(script, commands)
    assert (tape.position, script.position) == (position, position)
    assert tape.frame().event == script.frame().event


def test_frames_of_live_and_recorded_are_the_same(recorded: Recorded, live: Live) -> None:
    """What is true at a position does not depend on whether the script is still there."""
    tape, script = recorded("chain_rule"), live("chain_rule")
    for _ in WALK[:-1]:
        do(tape, "step")
        do(script, "step")
        one, two = tape.frame(), script.frame()
        assert (one.event, one.chain, one.grads, one.names) == (two.event, two.chain, two.grads, two.names)
        assert script.head == script.position
    assert tape.frame() is tape.frame()


def test_live_search_to_the_end(live: Live) -> None:
    """A live run that ends before what was looked for says both."""
    debugger = live("chain_rule")
    do(debugger, "until error")
    assert not debugger.is_live
    assert debugger.position == 19
    assert debugger.message == "the script has ended (finished) without error"


def test_goto_past_the_head_runs_on(live: Live) -> None:
    """On a live run, a later position is run to."""
    debugger = live("chain_rule")
    do(debugger, "step 2; start; goto 9")
    assert (debugger.position, debugger.head, debugger.is_live) == (9, 9, True)
    do(debugger, "goto 99")
    assert (debugger.position, debugger.is_live) == (19, False)
    assert "ended (finished) without position 99" in debugger.message


def test_a_birth_is_stopped_at_and_what_comes_of_it_is_not(recorded: Recorded, live: Live) -> None:
    """`continue` stops where the first NaN is born, live and recorded, and passes all that has it from there."""
    for debugger in (recorded("nonfinite"), live("nonfinite")):
        do(debugger, "continue")
        first = here(debugger)
        assert (first.kind, first.name, first.is_birth, first.has_nan) == ("node", "SqrtBackward0", True, True)
        do(debugger, "continue")
        assert here(debugger).kind == "end"
        assert debugger.tape is not None
        assert any(debugger.tape.event(seq).has_nan for seq in range(first.seq + 1, debugger.head))
        do(debugger, "reverse-continue")
        assert debugger.position == first.seq


def test_breakpoints_at_values_that_are_not_finite(recorded: Recorded, live: Live) -> None:
    """`break nan` stops at each event with a NaN, and `break inf` at none of them."""
    for debugger in (recorded("nonfinite"), live("nonfinite")):
        do(debugger, "break nan; break inf; continue; continue")
        second = here(debugger)
        assert (second.has_nan, second.has_inf, second.is_birth) == (True, False, False)
        do(debugger, "clear nan; clear inf; until-back birth")
        assert here(debugger).is_birth


def test_breakpoint_in_a_loop(recorded: Recorded, live: Live) -> None:
    """A breakpoint is met once each time the script comes to its line, not once an event."""
    for debugger in (recorded("training"), live("training")):
        do(debugger, "break line 7")
        seen = []
        for _ in range(3):
            do(debugger, "continue")
            seen.append((here(debugger).kind, here(debugger).iteration))
        assert seen == [("backward_start", 1), ("backward_start", 2), ("backward_start", 3)]
        do(debugger, "continue; reverse-continue; reverse-continue")
        assert (here(debugger).line, here(debugger).iteration) == (7, 2)


def test_breakpoints_of_the_scripts_own_are_stopped_at(recorded: Recorded, live: Live) -> None:
    """`continue` and its reverse stop there as at a breakpoint, a step too, and `finish` passes them."""
    for debugger in (recorded("paused"), live("paused")):
        stops = []
        for _ in range(2):
            do(debugger, "continue")
            stops.append((here(debugger).kind, here(debugger).line))
        assert stops == [("breakpoint", 13), ("breakpoint", 15)]
        do(debugger, "reverse-continue")
        assert here(debugger).line == 13
        do(debugger, "step; back")
        assert here(debugger).line == 13
        do(debugger, "start; finish")
        assert here(debugger).kind == "end"
        do(debugger, "until-back breakpoint")
        assert here(debugger).line == 15


def test_breakpoints_that_nobody_can_go_on_from_are_told_once(live: Live) -> None:
    """A run that does not pause at its start passes them, and says so in one sentence."""
    debugger = live("paused", is_paused_at_start=False)
    assert debugger.run.passed == "breakpoint() was passed 2 times, first at paused.py:13 (gradb SCRIPT pauses there)"


@pytest.mark.parametrize(("name", "is_paused_at_start"), [("paused", True), ("chain_rule", False)])
def test_nothing_is_said_of_breakpoints_without_a_reason(name: str, is_paused_at_start: bool, live: Live) -> None:
    """Where somebody could go on from them, or there are none, there is nothing to say."""
    debugger = live(name, is_paused_at_start=is_paused_at_start)
    do(debugger, "finish")
    assert (debugger.status, debugger.run.passed) == ("finished", "")
