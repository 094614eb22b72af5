"""Going into ops and nodes, and out of them: over a recording, and over a live run."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from gradb.debugger.errors import UserError
from gradb.link.messages import Continue
from gradb.tape.kinds.event import Event
from gradb.tape.stops import Stop
from gradb.tracer.recording.gate import Gate
from tests.unit.debugger.conftest import Recorded
from tests.unit.debugger.test_moving import do, here

EVENT = Event(7, "op", "MulBackward0", "a.py", 3, 3, 0, 5, "", 1, "forward", 2)


def test_where_no_call_was_recorded_that_is_said(recorded: Recorded) -> None:
    """On a recording that nobody looked into, `into` is a step, and says what is missing."""
    debugger = recorded("chain_rule")
    do(debugger, "step; into")
    assert here(debugger).name == "MulBackward0"
    assert debugger.message.startswith("the ATen calls of MulBackward0 were not recorded")


def test_an_op_that_was_left_by_stepping_says_nothing(recorded: Recorded) -> None:
    """There is nothing to say where the calls are there."""
    debugger = recorded("looked_into")
    do(debugger, "step; into; into")
    assert (here(debugger).kind, debugger.message) == ("op", "")


def test_out_needs_something_to_leave(recorded: Recorded) -> None:
    """Outside of any op or node `out` says so."""
    debugger = recorded("looked_into")
    do(debugger, "step")
    with pytest.raises(UserError, match="not inside an op or a node"):
        do(debugger, "out")


@pytest.mark.parametrize(
    ("order", "looks_in"),
    [
        (None, False),
        (Continue(Stop("step")), False),
        (Continue(Stop("event")), False),
        (Continue(Stop("out")), False),
        (Continue(Stop("into")), True),
        (Continue(Stop("aten", "mm")), True),
        (Continue(Stop("kind", "aten")), True),
        (Continue(Stop("end"), (Stop("aten", "mm"),)), True),
        (Continue(Stop("kind", "op")), False),
    ],
)
def test_the_gate_asks_for_calls_only_where_they_are_wanted(order: Continue | None, looks_in: bool) -> None:
    """The tracer looks into ops and nodes as long as the order needs their calls, or always."""
    gate = Gate(None, lambda head, request_seq: None)
    gate.release(order)
    assert gate.looks_in is looks_in
    assert Gate(order, lambda head, request_seq: None, always_looks_in=True).looks_in
    gate.release(None)
    assert not gate.looks_in


def test_a_pause_tells_which_request_it_answers() -> None:
    """A stop answers the order, a request to pause itself, an errand the one who gave it; the start answers none."""
    told: list[tuple[int, int]] = []

    def held(head: int, request_seq: int) -> None:
        told.append((head, request_seq))
        if len(told) == 3:
            gate.send(lambda: head + 1, 8)
        else:
            gate.release(Continue(Stop("event"), seq=len(told)))

    gate = Gate(None, held)
    gate.hold(0)
    gate.arrive(replace(EVENT, seq=1), "[]", None)
    gate.pause_next(7)
    gate.arrive(replace(EVENT, seq=2), "[]", None)
    assert told == [(0, 0), (1, 1), (2, 7), (3, 8)]


def test_a_held_script_learns_of_the_order_it_is_released_with() -> None:
    """What holds a node about to run is told to look into it before it goes on."""
    seen: list[bool] = []
    gate = Gate(None, lambda head, request_seq: threading.Timer(0.01, gate.release, [Continue(Stop("into"))]).start())
    gate.hold(3)
    seen.append(gate.looks_in)
    assert seen == [True]
    assert gate.is_stepping()
