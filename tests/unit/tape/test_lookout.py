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


def test_a_backward_leaves_the_line_that_it_goes_back_over() -> None:
    """What stands on a line is gone over again by a backward that is called on another: that is another time."""
    begun = replace(EVENT, kind="backward_start", name="backward", line=4, node=None)
    back = replace(EVENT, kind="node", phase="backward")
    lookout = Lookout([Stop("at", "3", is_inside=True)], EVENT)
    assert [lookout.sees(event) for event in (EVENT, begun, back)] == [False, False, True]
    lookout = Lookout([Stop("at", "3", is_inside=True)], EVENT)
    assert [lookout.sees(event) for event in (EVENT, replace(begun, line=3), back)] == [False, False, False]


def test_a_module_is_entered_once_a_call() -> None:
    """While the script is in the module, or in one inside of it, nothing is met; quiet events tell nothing."""
    inside, deeper, other = (replace(EVENT, scope=scope) for scope in ("h.0", "h.0.attn", "h.1"))
    lookout = Lookout([Stop("module", "h.0", passes=1)], None)
    seen = (replace(inside, flags=1), deeper, inside, replace(other, flags=1), deeper, other, inside)
    assert [lookout.sees(event) for event in seen] == [False] * 6 + [True]
