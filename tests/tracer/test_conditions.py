"""Conditions of breakpoints: a running script stops where a search of its tape stops, forwards and in reverse."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st

from gradb.frame.reader import Tape
from gradb.link.messages import Continue
from gradb.tape.kinds.step import StepDetail
from gradb.tape.stops import Stop
from gradb.tracer.recording.gate import Gate
from gradb.tracer.recording.interventions import Interventions
from gradb.tracer.recording.recorder import Recorder
from gradb.tracer.watch.tracing import tracing
from tests.properties import tried
from tests.tracer.recording import begin, end, notes

pytestmark = pytest.mark.torch


class Held:
    """A script that stops at some stops, and goes on to them again each time."""

    def __init__(self, *stops: Stop) -> None:
        self.heads: list[int] = []
        self._order = Continue(Stop("end"), stops)
        self.gate = Gate(self._order, self._paused)

    def _paused(self, head: int, request_seq: int) -> None:
        self.heads.append(head)
        self.gate.release(self._order)

    def before(self, head: int) -> list[int]:
        """Return where it was held before an event."""
        return [one for one in self.heads if one < head]

    def run(self, path: Path, function: Callable[[], Any]) -> Tape:
        """Record a function, and return its tape."""
        recorder: Recorder = begin(path, self.gate)
        recorder.places.learn_torch(os.path.dirname(torch.__file__))
        try:
            with tracing(recorder, Interventions(recorder), probe="never", is_stepping=self.gate.is_stepping):
                function()
        finally:
            end(recorder)
        return Tape.open(path)


def found(tape: Tape, stops: tuple[Stop, ...], direction: int) -> list[int]:
    """Return where movements over a tape stop, one after the other from its start or its end, but for that itself."""
    position = 0 if direction > 0 else tape.head
    heads: list[int] = []
    while True:
        hits = [hit for stop in stops if (hit := tape.find(stop, position, direction)) is not None]
        if not hits:
            return [head for head in heads if head < tape.head]
        position = min(hits) if direction > 0 else max(hits)
        heads.append(position)


def when(condition: str) -> Stop:
    return Stop("when", condition=condition)


class Training:
    """A small training of a random kind."""

    def __init__(self, seed: int, steps: int, micro: int, optimizer: str, has_two_losses: bool, large: bool) -> None:
        self.seed, self.steps, self.micro, self.optimizer = seed, steps, micro, optimizer
        self.has_two_losses, self.width = has_two_losses, 40 if large else 5

    def __repr__(self) -> str:
        return f"Training({vars(self)})"

    def __call__(self) -> None:
        torch.manual_seed(self.seed)
        model = torch.nn.Sequential(torch.nn.Linear(3, self.width), torch.nn.Tanh(), torch.nn.Linear(self.width, 1))
        if self.width == 40:
            model.append(torch.nn.Linear(1, 2000))
        optimizers = self._optimizers(model)
        for _ in range(self.steps):
            for _ in range(self.micro):
                out = model(torch.randn(4, 3))
                loss = out.square().mean() / self.micro
                loss.backward(retain_graph=self.has_two_losses)
                if self.has_two_losses:
                    other = out.abs().sum()
                    other.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimizer in optimizers:
                optimizer.step()
            if not optimizers:
                with torch.no_grad():
                    for weight in model.parameters():
                        assert weight.grad is not None
                        weight.sub_(0.1 * weight.grad)
            model.zero_grad()

    def _optimizers(self, model: torch.nn.Module) -> list[torch.optim.Optimizer]:
        weights = list(model.parameters())
        match self.optimizer:
            case "SGD":
                return [torch.optim.SGD(weights, lr=0.5)]
            case "Adam":
                return [torch.optim.Adam(weights, lr=0.05)]
            case "two":
                return [torch.optim.SGD(weights[:2], lr=0.5), torch.optim.Adam(weights[2:], lr=0.05)]
        return []


trainings = st.builds(
    Training, st.integers(0, 99), st.integers(1, 4), st.integers(1, 2), st.sampled_from(["SGD", "Adam", "two", "hand"]),
    st.booleans(), st.booleans(),
)  # fmt: skip
numbers = st.sampled_from(["0", "1e-3", "0.02", "0.1", "0.3", "0.7", "1", "3", "20"])
series = st.sampled_from(["loss", "grad_norm", "update", "norm(upstream)", "norm(downstream)", "norm(model.0.bias)"])
comparisons = st.builds("{} {} {}".format, series, st.sampled_from("<>"), numbers)
joined = comparisons | st.builds("{} {} {}".format, comparisons, st.sampled_from(["and", "or"]), comparisons)
further = st.sampled_from([
    "iteration > 1", "phase == 'backward'", "event.name == 'TanhBackward0'", "not loss > 1", "loss is None",
    "event.inputs[0] is None", "upstream > 0.1", "norm(model.0.weight.grad) > 0.3", "model.2.weight[0][0] > 0",
    "loss > 'x'", "max(abs(upstream)) > 0.02", "norm(downstream) > 2 * norm(upstream)", "abs(downstream) > 1",
])  # fmt: skip
places = st.sampled_from([
    Stop("node", "tanh"), Stop("node", "MulBackward0"), Stop("kind", "step"), Stop("kind", "accumulate"),
    Stop("kind", "op"), Stop("kind", "node_start"), Stop("param", "0.weight"), Stop("param", "bias"), Stop("birth"),
])  # fmt: skip
stops = st.one_of(
    joined.map(when),
    places,
    st.builds(lambda place, condition: Stop(place.kind, place.argument, condition=condition), places, joined | further),
)


@settings(tried(0.4), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trainings, st.lists(stops, min_size=1, max_size=3).map(tuple), st.integers(0, 2))
def test_live_stops_are_those_of_the_tape(
    tmp_path_factory: pytest.TempPathFactory, training: Training, wanted: tuple[Stop, ...], passes: int
) -> None:
    """Whatever is trained and asked for, and let pass: a running script is held where a search of its tape ends."""
    passing = tuple(replace(stop, passes=passes) for stop in wanted)
    held = Held(*passing)
    with held.run(tmp_path_factory.mktemp("passes") / "t.tape", training) as tape:
        assert held.before(tape.head) == found(tape, passing, 1)
    held = Held(*wanted)
    with held.run(tmp_path_factory.mktemp("conditions") / "t.tape", training) as tape:
        assert held.before(tape.head) == found(tape, wanted, 1) == found(tape, wanted, -1)[::-1]


PLAIN = Training(seed=3, steps=4, micro=1, optimizer="SGD", has_two_losses=False, large=False)
CONDITIONS = {
    "loss": when("loss > 0"),
    "norm": when("grad_norm > 0"),
    "update": when("update > 0"),
    "upstream": when("norm(upstream) >= 0"),
    "downstream": when("norm(downstream) >= 0"),
    "value": when("norm(model.0.weight) > 0"),
    "gradient": when("norm(model.0.weight.grad) > 0"),
    "element": when("model.0.weight[0][0] > -100"),
    "row": when("model.0.bias[0].shape == []"),
    "no gradient": when("model.0.weight.grad is None"),
    "a gradient or none": when("model.0.weight.grad is not None or iteration > 1"),
    "element of a gradient": when("model.0.weight.grad[0][0] > -100"),
    "parameter": Stop("param", "0.weight"),
    "node": Stop("node", "tanh", condition="norm(upstream) > 0"),
    "iteration": Stop("kind", "step", condition="iteration > 2"),
    "field": Stop("kind", "op", condition="event.function == 'torch.square' or event.function == 'Tensor.square'"),
}


@pytest.mark.parametrize("stop", CONDITIONS.values(), ids=CONDITIONS)
def test_each_name_of_a_condition_stops_a_script(stop: Stop, tmp_path: Path) -> None:
    """Each is met somewhere in a training, at the same events while it runs and on its tape."""
    held = Held(stop)
    with held.run(tmp_path / "t.tape", PLAIN) as tape:
        assert held.heads
        assert held.before(tape.head) == found(tape, (stop,), 1) == found(tape, (stop,), -1)[::-1]
        assert not notes(tape)


def test_what_a_condition_sees_is_what_is_recorded(tmp_path: Path) -> None:
    """The loss, the gradient norm and the update at which it stops are torch's: between the numbers beside them."""
    with Held().run(tmp_path / "free.tape", PLAIN) as tape:
        known: dict[str, float] = {one.kind: one.values[0] for one in tape.series}
        first = next(event.seq for event in tape.events() if event.kind == "step")
        step = tape.detail(first)
        assert isinstance(step, StepDetail)
        pairs = [
            (new.value.numbers(), old.numbers()) for new, old in zip(step.parameters, step.before, strict=True) if old
        ]
        before = torch.tensor([number for _, old in pairs for number in old or ()], dtype=torch.float64)
        after = torch.tensor([number for new, _ in pairs for number in new or ()], dtype=torch.float64)
        known["update"] = float((after - before).norm() / before.norm())
    for name in ("loss", "grad_norm", "update"):
        low, high = known[name] * (1 - 1e-9), known[name] * (1 + 1e-9)
        held = Held(when(f"{low!r} < {name} < {high!r}"))
        with held.run(tmp_path / f"{name}.tape", PLAIN) as tape:
            assert tape.event(held.heads[0]).iteration == 1
    assert math.isfinite(known["update"])


def test_a_condition_that_makes_no_sense_counts_as_false_and_is_told_once(tmp_path: Path) -> None:
    """The script goes on and its events have the numbers that they have without it; the tape knows what was wrong."""
    stops = (Stop("node", "mm", condition="upstream > 1"), Stop("node", "addmm", condition="upstream > 1"))
    held = Held(*stops)
    with held.run(tmp_path / "t.tape", PLAIN) as tape, Held().run(tmp_path / "free.tape", PLAIN) as free:
        assert held.heads == []
        assert [(event.kind, event.name) for event in tape.events()] == [
            (event.kind, event.name) for event in free.events()
        ]
        assert not notes(tape)
        for stop in stops:
            assert (tape.fault(stop) or "").startswith("only single numbers are smaller or larger")
            assert free.fault(stop) is None


LARGE = Training(seed=0, steps=3, micro=1, optimizer="SGD", has_two_losses=False, large=True)


def test_the_update_of_a_large_parameter_is_known_where_it_is_asked_for(tmp_path: Path) -> None:
    """A step is measured because a condition speaks of it: not in a recording that nobody has asked it of."""
    stop = when("update >= 0")
    with Held().run(tmp_path / "free.tape", LARGE) as tape:
        assert found(tape, (stop,), 1) == []
        assert all(detail.size is None for detail in _steps(tape))
    held = Held(stop)
    with held.run(tmp_path / "t.tape", LARGE) as tape:
        assert held.heads == found(tape, (stop,), 1) == found(tape, (stop,), -1)[::-1]
        assert len(held.heads) == 3
        assert all(detail.size is not None for detail in _steps(tape))


class Doubling(torch.autograd.Function):
    """Doubles, by an op in its backward too."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        """Return the double."""
        return x * 2

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        """Return the double of what comes in."""
        return gradients[0] * 2


IN_BACKWARD = Stop("kind", "op", condition="phase == 'backward'")


@pytest.mark.parametrize("where", [Stop("kind", "node_start"), IN_BACKWARD], ids=["begins", "runs"])
def test_what_a_node_began_with_is_known_where_nobody_had_asked_for_it(where: Stop, tmp_path: Path) -> None:
    """Held as the first node begins, or at an op that its backward calls, the script is given another order."""
    stop, held = when("norm(upstream) > 0"), Held()
    orders = iter([Continue(Stop("end"), (stop,)), None, None])

    def pause(head: int, request_seq: int) -> None:
        held.heads.append(head)
        held.gate.release(next(orders))

    held.gate = Gate(Continue(where), pause)

    def train() -> None:
        double: Any = Doubling.apply(torch.ones(4, requires_grad=True))  # type: ignore[no-untyped-call]
        double.sum().backward()

    with held.run(tmp_path / "t.tape", train) as tape:
        first = held.heads[0]
        assert tape.event(first).kind == where.argument
        assert held.heads[1:] == [head for head in found(tape, (stop,), 1) if head > first][:1] != []


def test_what_is_asked_for_stays_asked_for(tmp_path: Path) -> None:
    """After a stop the script goes on to another place, and how much the steps change is still on the tape."""
    held = Held(Stop("when", condition="update > 0"))
    held.gate = Gate(Continue(Stop("when", condition="update > 0")), lambda head, seq: held.gate.release(None))
    with held.run(tmp_path / "t.tape", LARGE) as tape:
        assert [detail.size is None for detail in _steps(tape)] == [False, False, False]


def _steps(tape: Tape) -> list[StepDetail]:
    details = [tape.detail(event.seq) for event in tape.events() if event.kind == "step"]
    return [detail for detail in details if isinstance(detail, StepDetail)]
