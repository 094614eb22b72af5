"""A gate that is asked only about the events which its sieve lets pass stops where one that sees all events does."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from gradb.link.messages import Continue
from gradb.tape.conditions.newest import Newest, SeriesName
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.registry import Kind
from gradb.tape.lookout import Lookout
from gradb.tape.stops import Stop, StopKind
from gradb.tracer.recording.gate import Gate
from tests.properties import tried

Point = tuple[SeriesName, float]
CONDITIONS = [
    "", "loss > 2", "grad_norm > 2", "loss > 2 and grad_norm < 2", "loss > 2 or iteration == 2", "not loss > 2",
    "loss > loss.grad", "1 > 2", "event.line == 7", "loss > 2 and norm(w) > 1",
]  # fmt: skip
kinds: list[Kind] = ["op", "node_start", "node", "accumulate", "step", "backward_start"]
points = st.tuples(st.sampled_from(["loss", "grad_norm"]), st.sampled_from([1.0, 2.0, 3.0]))
moments = st.tuples(st.sampled_from(kinds), st.sampled_from([7, 8, 9]), st.integers(0, 1), st.lists(points, max_size=2))
ARGUMENTS: dict[StopKind, str] = {
    "at": "7",
    "node": "mul",
    "kind": "step",
    "iteration": "2",
    "module": "layer1",
    "when": "",
}
stops = st.builds(
    lambda kind, condition, passes: Stop(
        kind, ARGUMENTS[kind], passes=passes, condition=condition if kind != "when" else condition or "loss > 2"
    ),
    st.sampled_from(list(ARGUMENTS)),
    st.sampled_from(CONDITIONS),
    st.integers(0, 2),
)


def event(seq: int, kind: Kind, line: int, iteration: int) -> Event:
    """Return a header; the line tells the module."""
    scope = {7: "layer1.0", 8: "layer2"}.get(line, "")
    return Event(seq, kind, "MulBackward0", "s.py", line, line, 0, 4, scope, iteration, "forward", 5)


class Live:
    """A gate as the recorder asks it, which is let go again with the same breakpoints wherever it holds."""

    def __init__(self, *breakpoints: Stop) -> None:
        self.held: list[int] = []
        self.asked: list[int] = []
        self._order = Continue(Stop("end"), breakpoints)
        self.gate = Gate(self._order, self._pause)

    def _pause(self, head: int, request_seq: int) -> None:
        self.held.append(head)
        self.gate.release(self._order)

    def see(self, event: Event, told: list[Point]) -> None:
        """Tell of points that hold from an event on, and then of the event."""
        for number, (kind, value) in enumerate(told):
            self.gate.point(kind, number, event.seq, value)
        sieve = self.gate.sieve
        assert sieve is not None
        if sieve.passes(event.seq, event.kind, event.name, event.line, event.scope, event.iteration, event.flags):
            self.asked.append(event.seq)
            self.gate.arrive(event, "[]", None)


@tried(20)
@given(st.lists(stops, min_size=1, max_size=3), st.lists(moments, max_size=30))
def test_what_the_sieve_keeps_back_would_not_have_stopped_the_script(
    wanted: list[Stop], seen: list[tuple[Kind, int, int, list[Point]]]
) -> None:
    """Whatever the conditions and the points of series: it stops where one that sees all events does."""
    live, held, iteration = Live(*wanted), [], 1
    known = Newest()
    lookout = Lookout((Stop("end"), *wanted), None, known)
    for seq, (kind, line, begins, told) in enumerate(seen, 1):
        iteration += begins
        here = event(seq, kind, line, iteration)
        live.see(here, told)
        for number, (name, value) in enumerate(told):
            known.add(name, number, seq, value)
        if lookout.sees(here, "[]", None):
            held.append(seq)
            lookout = Lookout((Stop("end"), *wanted), None, known)
    assert live.held == held


@pytest.mark.parametrize(
    "stop", [Stop("at", "7", condition="loss > 100"), Stop("when", condition="loss > 100"), Stop("kind", "op")]
)
def test_a_condition_on_series_costs_nothing_until_it_holds(stop: Stop) -> None:
    """No event is asked about while the loss is low; from the point on that is high the breakpoint is alive."""
    live = Live(stop)
    for seq in range(1, 10):
        live.see(event(seq, "node", 7, 1), [("loss", 3.0)] if seq % 3 == 0 else [])
    assert live.asked == []
    live.see(event(10, "backward_start", 7, 1), [("loss", 300.0)])
    assert live.held == ([] if stop.kind == "kind" else [10])
    live.see(event(11, "node", 7, 1), [])
    live.see(event(12, "backward_start", 7, 1), [("loss", 3.0)])
    live.see(event(13, "node", 7, 1), [])
    assert live.asked == {"at": [10, 11], "when": [10], "kind": []}[stop.kind]


def test_a_request_to_pause_outlives_a_point() -> None:
    """A series that comes to something else does not take the request away."""
    live = Live(Stop("at", "7", condition="loss > 100"))
    live.gate.pause_next(4)
    live.see(event(1, "node", 9, 1), [("loss", 300.0)])
    assert live.held == [1]
