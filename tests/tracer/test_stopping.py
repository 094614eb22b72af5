"""Where a script stops while it is recorded: at the events of the tape that the order matches, whoever records them."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from gradb.frame.reader import Tape
from gradb.link.messages import Ask, Continue
from gradb.tape.kinds.event import Event
from gradb.tape.stops import Stop
from gradb.tracer.isolation import signals
from gradb.tracer.native.loading import standing
from gradb.tracer.recording.gate import Gate
from gradb.tracer.recording.interventions import Interventions
from gradb.tracer.recording.recorder import Recorder
from gradb.tracer.watch.tracing import tracing
from tests.tracer.both_ways import check_tapes_agree
from tests.tracer.recording import begin, end, notes, record

pytestmark = pytest.mark.torch

Reply = Callable[["Script", int], Continue | None]


def train() -> list[torch.Tensor]:
    """Train twice three times, with an infinity in the forward and a NaN in the backward of it."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    bad = torch.zeros(2, requires_grad=True)
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.ones(2, 3)).square().mean().backward()
        optimizer.step()
        (bad.log() * 0).sum().backward()
    return [weight.detach().clone() for weight in model.parameters()]


class Script:
    """A script that is recorded, and what replies each time that it is held: with the next order, or an errand."""

    def __init__(self, order: Continue | None, reply: Reply) -> None:
        self.heads: list[int] = []
        self._reply = reply
        self.gate = Gate(order, self._held)
        self.recorder: Recorder | None = None

    def _held(self, head: int, request_seq: int) -> None:
        self.heads.append(head)
        order = self._reply(self, head)
        if order is not None:
            self.gate.release(order)

    def ask(self, ask: Ask) -> None:
        """Have the thread that is held answer a question."""
        recorder = self.recorder
        assert recorder is not None

        def answer() -> int:
            with recorder.lock:
                recorder.guard(recorder.observer.asked, ask)
                return recorder.settle() - 1

        assert self.gate.send(answer, 1)

    def run(self, path: Path, function: Callable[[], Any]) -> tuple[Any, Tape]:
        """Record a function under the orders; no node is measured unasked."""
        recorder = self.recorder = begin(path, self.gate)
        recorder.places.learn_torch(os.path.dirname(torch.__file__))
        try:
            with tracing(recorder, Interventions(recorder), probe="never", is_stepping=self.gate.is_stepping):
                result = function()
        finally:
            end(recorder)
        return result, Tape.open(path)


def again(order: Continue) -> Reply:
    """Reply with the same order each time."""
    return lambda script, head: replace(order, seq=head)


def going_on(*stops: Stop) -> Continue:
    """Return the order to go on to breakpoints."""
    return Continue(Stop("end"), stops)


def free(path: Path) -> Tape:
    """Record the training with no order at all."""
    return Script(None, again(Continue(Stop("end")))).run(path, train)[1]


@pytest.fixture(scope="module")
def unheld(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Return the tape of the training with no order at all, recorded once by each writer."""

    @functools.cache
    def once(way: str | None) -> Path:
        path = tmp_path_factory.mktemp("unheld") / "free.tape"
        free(path).close()
        return path

    return lambda: once(os.environ.get("GRADB_ACCELERATOR"))


FIRST = train.__code__.co_firstlineno
BREAKPOINTS = {
    "none": (),
    "none that is met": (Stop("node", "Nope"), Stop("at", "999999"), Stop("iteration", "900"), Stop("kind", "hook")),
    "node": (Stop("node", "tanh"),),
    "node and leaves": (Stop("node", "AddmmBackward0"), Stop("kind", "accumulate")),
    "beginnings": (Stop("kind", "node_start"),),
    "ops": (Stop("kind", "op"),),
    "line": (Stop("at", f"{Path(__file__).name}:{FIRST + 8}"),),
    "statement": (Stop("at", f"{Path(__file__).name}:{FIRST + 6}-{FIRST + 9}"),),
    "birth": (Stop("birth"),),
    "not finite": (Stop("nonfinite"),),
    "positions": tuple(Stop("position", str(seq)) for seq in range(20, 400, 7)),
    "iteration": (Stop("iteration", "2"),),
    "every event": (Stop("event"),),
}


@pytest.mark.parametrize("breakpoints", BREAKPOINTS.values(), ids=BREAKPOINTS)
def test_a_script_stops_where_the_tape_says(
    breakpoints: tuple[Stop, ...], unheld: Callable[[], Path], tmp_path: Path
) -> None:
    """It is held at each event that a breakpoint matches, at no other, and what is recorded is what is without them."""
    order = going_on(*breakpoints)
    script = Script(order, again(order))
    result, tape = script.run(tmp_path / "held.tape", train)
    assert not notes(tape)
    events: Iterator[Event] = tape.events()
    wanted = [event.seq for event in events if any(stop.matches(event, None) for stop in order.stops)]
    assert script.heads == wanted
    assert bool(wanted) != (breakpoints == () or breakpoints[0].argument == "Nope")
    assert all(map(torch.equal, result, train()))
    check_tapes_agree(tmp_path / "held.tape", unheld())


def test_a_module_is_met_once_each_time_it_is_entered(tmp_path: Path) -> None:
    """A script is held where it enters a module, in the forward and in the backward: where the tape says the same."""
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Sequential(torch.nn.Tanh(), torch.nn.Linear(4, 2)))
    stop = Stop("module", "1")
    order = going_on(replace(stop, passes=1), Stop("module", "nope"))

    def train() -> None:
        for _ in range(3):
            module(torch.ones(2, 3)).exp().sum().backward()

    script = Script(order, lambda script, head: replace(going_on(replace(stop, is_inside=True)), seq=head))
    _, tape = script.run(tmp_path / "held.tape", train)
    entered = [event for event in tape.events() if event.seq in script.heads and event.kind != "end"]
    assert [event.phase for event in entered] == ["backward", "forward", "backward", "forward", "backward"]
    assert {event.scope for event in entered} <= {"1.0", "1.1"}
    found, position, stop = [], 0, replace(stop, passes=1)
    while (seq := tape.find(stop, position, 1)) is not None:
        found.append(seq)
        position, stop = seq, replace(stop, passes=0, is_inside=True)
    assert [event.seq for event in entered] == found


def emitted(path: Path, order: Continue | None) -> int:
    """Return how many events Python has written."""
    script, count = Script(order, again(Continue(Stop("end")))), 0

    def counting() -> None:
        recorder = script.recorder
        assert recorder is not None
        write = recorder.emit

        def emit(*args: Any, **kwargs: Any) -> int:
            nonlocal count
            count += 1
            return write(*args, **kwargs)

        vars(recorder)["emit"] = emit
        train()

    script.run(path, counting)
    return count


@pytest.mark.skipif(standing().module is None, reason="gradb has no C accelerator here")
def test_an_order_takes_nothing_from_the_accelerator(tmp_path: Path) -> None:
    """What is recorded in C while the script runs freely is so on the way to breakpoints, met ones too."""
    alone = emitted(tmp_path / "free.tape", None)
    for name in ("none", "none that is met", "node and leaves", "line", "not finite"):
        assert emitted(tmp_path / f"{name}.tape", going_on(*BREAKPOINTS[name])) == alone, name
    assert emitted(tmp_path / "stepping.tape", Continue(Stop("node", "Nope"))) >= alone


@pytest.mark.parametrize("kind", ["op", "node_start", "node", "accumulate"])
def test_from_where_it_is_held_the_script_is_stepped(kind: str, tmp_path: Path) -> None:
    """Held at an event of any kind it goes on to the very next, and each is on the tape as it is without stepping."""
    stop = Stop("kind", kind)

    def reply(script: Script, head: int) -> Continue:
        return Continue(Stop("event")) if 2 <= len(script.heads) < 7 else going_on(stop)

    script = Script(going_on(stop), reply)
    _, tape = script.run(tmp_path / "stepped.tape", train)
    assert not notes(tape)
    assert script.heads[1:7] == list(range(script.heads[1], script.heads[1] + 6))
    assert tape.event(script.heads[1]).kind == kind
    other = free(tmp_path / "free.tape")
    assert list(tape.events()) == list(other.events())


def test_a_node_that_is_held_can_be_stepped_into(tmp_path: Path) -> None:
    """Held before a node runs and asked to show what it does, its ATen calls are seen."""
    stop = Stop("kind", "node_start")

    def reply(script: Script, head: int) -> Continue:
        return Continue(Stop("into")) if len(script.heads) == 5 else going_on(*[stop] * (len(script.heads) < 5))

    script = Script(going_on(stop), reply)
    result, tape = script.run(tmp_path / "into.tape", train)
    assert not notes(tape)
    start, inside = map(tape.event, script.heads[4:6])
    assert (start.kind, inside.kind, inside.node) == ("node_start", "aten", start.node)
    detail = next(event for event in tape.events(inside.seq) if event.kind in {"node", "accumulate"})
    assert detail.node == start.node
    assert all(map(torch.equal, result, train()))


@pytest.mark.parametrize("kind", ["node_start", "node"])
def test_a_node_is_probed_where_the_script_is_held(kind: str, tmp_path: Path) -> None:
    """Its whole Jacobian is measured on the thread that is held, is what torch says, and nothing of it stays."""

    def reply(script: Script, head: int) -> Continue | None:
        if len(script.heads) == 1:
            script.ask(Ask("full"))
            return None
        return Continue(Stop("end"))

    def function() -> torch.Tensor:
        x = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
        for _ in range(2):
            x.tanh().sum().backward()
        assert x.grad is not None
        return x.grad

    stop = Stop("kind", kind, passes=1)
    script = Script(going_on(stop), reply)
    result, tape = script.run(tmp_path / "run.tape", function)
    assert not notes(tape)
    assert torch.equal(result, function())
    assert [tape.event(head).kind for head in script.heads] == [kind, "probe"]
    assert tape.event(script.heads[0]).name == "TanhBackward0"
    chain = tape.frame(script.heads[1]).chain
    assert chain is not None
    assert chain.asked[0].note == ""
    finished = tape.chain(chain.node, tape.head)
    assert finished is not None
    local, check = finished.edges[0].local, finished.edges[0].check
    assert local is not None
    assert local.structure == "diagonal"
    assert check is not None
    assert check.is_ok


def test_a_request_to_pause_is_seen_at_the_next_event(tmp_path: Path) -> None:
    """Asked for while the script runs freely, in the forward or between two nodes, it holds at the very next event."""
    asked: list[int] = []

    def ask() -> None:
        assert script.recorder is not None
        asked.append(script.recorder.writer.head + 1)
        script.gate.pause_next(7)

    def function() -> None:
        x = torch.ones(3, requires_grad=True)
        y = x * 2
        y.register_hook(lambda gradient: ask())
        ask()
        z = y.exp().sin()
        z.sum().backward()
        for _ in range(3):
            ask()
            z = z.detach() + x

    script = Script(None, again(Continue(Stop("end"))))
    _, tape = script.run(tmp_path / "run.tape", function)
    assert not notes(tape)
    assert len(asked) == 5
    assert script.heads == asked


@pytest.mark.parametrize("kind", ["op", "node_start", "node", "accumulate"])
def test_a_signal_waits_until_a_held_script_goes_on(kind: str, tmp_path: Path) -> None:
    """Its handler runs when the call or the backward that is held is over, and what it raises reaches the script."""
    held: list[bool] = []

    class Interrupted(Exception):
        pass

    def handler(number: int, frame: Any) -> None:
        held.append(script.gate.is_paused)
        raise Interrupted

    def reply(script: Script, head: int) -> Continue:
        signal.raise_signal(signal.SIGUSR1)
        return Continue(Stop("end"))

    def function() -> str:
        before = signal.signal(signal.SIGUSR1, handler)
        x = torch.ones(3, requires_grad=True)
        try:
            y = (x * 2).sum()
            assert kind != "op"
            y.backward()
        except Interrupted:
            return "interrupted"
        finally:
            signal.signal(signal.SIGUSR1, before)
        return "never"

    script = Script(going_on(Stop("kind", kind)), reply)
    with signals.deferring():
        result, tape = script.run(tmp_path / "run.tape", function)
    assert result == "interrupted"
    assert held == [False]
    assert not notes(tape)
    kinds = [event.kind for event in tape.events()]
    assert kinds.count("node_start") == kinds.count("node") + kinds.count("accumulate")
    assert kinds.count("backward_end") == (kind != "op")


def test_what_fails_at_the_gate_does_not_reach_the_script(tmp_path: Path) -> None:
    """A failure of ours while it is decided whether the script stops leaves its results as they are, and is told."""

    class Failing(Gate):
        def arrive(self, event: Event, detail: str, data: bytes | None) -> None:
            if event.kind in {"op", "node", "accumulate"}:
                raise ZeroDivisionError("ours")

    gate = Failing(going_on(Stop("event")), lambda head, request_seq: None)
    result, tape = record(tmp_path / "run.tape", train, probe="never", gate=gate)
    assert all(map(torch.equal, result, train()))
    assert any("ours" in note for note in notes(tape))


def test_what_is_told_to_the_gate_is_not_kept(tmp_path: Path) -> None:
    """After a thousand events that pass, nothing more is referred to than before."""
    seen: list[tuple[str, bytes | None]] = []
    counts: list[list[int]] = []
    words = [sys.intern(word) for word in ("op", "node_start", "node", "accumulate")]

    class Passing(Gate):
        def arrive(self, event: Event, detail: str, data: bytes | None) -> None:
            seen[:] = [(detail, data)]

    def function() -> None:
        x = torch.ones(3, requires_grad=True)
        for number in range(300):
            x.exp().sum().backward()
            if number in {50, 299}:
                seen.clear()
                counts.append([sys.getrefcount(one) for one in (*words, gate, gate.sieve)])

    gate = Passing(going_on(Stop("event")), lambda head, request_seq: None)
    record(tmp_path / "run.tape", function, probe="never", gate=gate)
    assert all(after - before < 100 for before, after in zip(*counts, strict=True))
