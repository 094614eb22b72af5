"""What keeps watch over the events of a run for where an order stops."""

from __future__ import annotations

from dataclasses import replace

from gradb.tape.kinds.event import Event
from gradb.tape.lookout import Lookout
from gradb.tape.stops import Stop

EVENT = Event(7, "op", "MulBackward0", "a.py", 3, 3, 0, 5, "", 1, "forward", 2)


def test_it_sees_what_one_of_its_stops_stops_at() -> None:
    """A run pauses at what the user wants or at a breakpoint, seen from where the movement began."""
    assert Lookout([Stop("line"), Stop("node", "mul")], EVENT).sees(EVENT)
    assert not Lookout([Stop("line")], EVENT).sees(EVENT)
    assert Lookout([Stop("line")], None).sees(EVENT)


def test_a_line_that_was_let_pass_has_to_be_left() -> None:
    """Of events on one line the first is let pass with all others, and the next after another line stops."""
    lookout, other = Lookout([Stop("at", "3", passes=1)], None), replace(EVENT, line=4)
    assert [lookout.sees(event) for event in (EVENT, EVENT, other, EVENT)] == [False, False, False, True]
