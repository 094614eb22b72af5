"""A gate that is asked only about the events which its sieve lets pass stops where one that sees all events does.

What passes is told by the sieve in Python, or by the accelerator, which asks its parts too.
"""

from __future__ import annotations

import struct
from random import Random

import pytest

from gradb.link.messages import Continue
from gradb.tape.conditions.newest import Newest, SeriesName
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.registry import CODES, Kind
from gradb.tape.lookout import Lookout
from gradb.tape.stops import Stop, StopKind
from gradb.tracer.native.loading import sift
from gradb.tracer.recording.gate import Gate
from tests.properties import dice

Point = tuple[SeriesName, float]
CONDITIONS = [
    "", "loss > 2", "grad_norm > 2", "loss > 2 and grad_norm < 2", "loss > 2 or iteration == 2", "not loss > 2",
    "loss > loss.grad", "1 > 2", "event.line == 7", "loss > 2 and norm(w) > 1", "w > 1", "fc.w > 2", "loss in [1, 3]",
    "wx > 0 or x > 0", "w.grad is None",
]  # fmt: skip
NAMES = ["w", "fc.w", "wx", "x", "x.w"]
kinds: list[Kind] = ["op", "node_start", "node", "accumulate", "step", "backward_start"]
ARGUMENTS: dict[StopKind, str] = {
    "at": "7",
    "node": "mul",
    "kind": "step",
    "iteration": "2",
    "module": "layer1",
    "when": "",
}


def some_stop(chance: Random) -> Stop:
    """Return a stop, with a condition or without."""
    kind, condition = chance.choice(list(ARGUMENTS)), chance.choice(CONDITIONS)
    condition = condition or "loss > 2" if kind == "when" else condition
    return Stop(kind, ARGUMENTS[kind], passes=chance.randint(0, 2), condition=condition)


def some_moment(chance: Random) -> tuple[Kind, int, int, list[Point], str, bytes]:
    """Return kind and line of an event, whether an iteration begins with it, what is told of series before it, its wire
    form and its data.
    """
    names: list[SeriesName] = ["loss", "grad_norm"]
    told = [(chance.choice(names), chance.choice([1.0, 2.0, 3.0])) for _ in range(chance.randint(0, 2))]
    kind, name = chance.choice(kinds), chance.choice(NAMES)
    value = '[[],"float32",0,null,""]'
    details = {
        "op": f'["torch.mul",[[3,"{name}",true,null,0,{value}]],[],[],[],false]',
        "accumulate": f'[3,"{name}",null,{value},{chance.choice([value, "null"])},1]',
    }
    data = struct.pack("<f", chance.choice([0.0, 1.5, 3.0]))
    return kind, chance.choice([7, 8, 9]), chance.randint(0, 1), told, details.get(kind, "[]"), data


def event(seq: int, kind: Kind, line: int, iteration: int) -> Event:
    """Return a header; the line tells the module."""
    scope = {7: "layer1.0", 8: "layer2"}.get(line, "")
    return Event(seq, kind, "MulBackward0", "s.py", line, line, 0, 4, scope, iteration, "forward", 5)


class Live:
    """A gate as the recorder asks it, which is let go again with the same breakpoints wherever it holds."""

    def __init__(self, *breakpoints: Stop, has_c: bool = False) -> None:
        self.held: list[int] = []
        self.asked: list[int] = []
        self._order = Continue(Stop("end"), breakpoints)
        self.gate = Gate(self._order, self._pause)
        self.gate.sift = sift() if has_c else None

    def _pause(self, head: int, request_seq: int) -> None:
        self.held.append(head)
        self.gate.release(self._order)

    def see(self, event: Event, told: list[Point], detail: str = "[]", data: bytes | None = None) -> None:
        """Tell of points that hold from an event on, and then of the event."""
        for number, (kind, value) in enumerate(told):
            self.gate.point(kind, number, event.seq, value)
        sieve = self.gate.sieve
        assert sieve is not None
        place = (1, event.line, None, None, None)
        row, told_of = (event.kind, event.name, place, event.scope, event.iteration), (event.flags, detail, data)
        if (
            sieve.passes(event.seq, *row, event.flags)
            if self.gate.sift is None
            else self.gate.sift(sieve, event.seq, CODES[event.kind], *row, event.phase, event.node, *told_of)
        ):
            self.asked.append(event.seq)
            self.gate.arrive(event, detail, data)


@pytest.mark.parametrize("has_c", [False, True], ids=["Python", "C"])
def test_what_the_sieve_keeps_back_would_not_have_stopped_the_script(has_c: bool) -> None:
    """Whatever the conditions and the points of series: it stops where one that sees all events does."""
    if has_c and sift() is None:
        pytest.skip("there is no accelerator")
    for chance in dice(20):
        wanted = [some_stop(chance) for _ in range(chance.randint(1, 3))]
        seen = [some_moment(chance) for _ in range(chance.randint(0, 30))]
        live, held, iteration = Live(*wanted, has_c=has_c), [], 1
        known = Newest()
        lookout = Lookout((Stop("end"), *wanted), None, known)
        for seq, (kind, line, begins, told, detail, data) in enumerate(seen, 1):
            iteration += begins
            here = event(seq, kind, line, iteration)
            live.see(here, told, detail, data)
            for number, (name, value) in enumerate(told):
                known.add(name, number, seq, value)
            if lookout.sees(here, detail, data):
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


def test_c_asks_python_only_where_an_event_tells_of_a_variable() -> None:
    """Of a condition without a place: not where another one is told of, or one whose name ends otherwise."""
    if sift() is None:
        pytest.skip("there is no accelerator")
    live, stops = Live(Stop("when", condition="w >= 0 and loss in [1, 2]"), has_c=True), []
    for seq, name in enumerate(["x", "wx", "w", "fc.w", "w2", "x"], 1):
        detail = f'["torch.mul",[[3,"{name}",true,null,0,[[],"float32",0,null,""]]],[],[],[],false]'
        live.see(event(seq, "op", 7, 1), [("loss", 3.0)] if seq in {1, 6} else [], detail, struct.pack("<f", 1))
        stops += [seq] if name.endswith("w") or seq in {1, 6} else []
    assert live.asked == stops


def test_a_request_to_pause_outlives_a_point() -> None:
    """A series that comes to something else does not take the request away."""
    live = Live(Stop("at", "7", condition="loss > 100"))
    live.gate.pause_next(4)
    live.see(event(1, "node", 9, 1), [("loss", 300.0)])
    assert live.held == [1]


def test_two_points_before_one_event() -> None:
    """The second, of which another breakpoint speaks, does not take away that the first is to be looked at."""
    live = Live(Stop("when", condition="not loss > 2"), Stop("kind", "step", passes=1, condition="grad_norm > 2"))
    live.see(event(1, "backward_start", 7, 1), [("loss", 2.0), ("grad_norm", 3.0)])
    assert live.held == [1]
