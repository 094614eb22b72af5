"""What one iteration is, for every shape of training in docs/iterations.md, however deep the recording."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn, optim

from gradb.frame.reader import Tape
from gradb.link.spec import Intervention
from gradb.tape.kinds.intervention import InterventionDetail
from gradb.tape.stops import Stop
from gradb.tracer.recording.iterations import NOTE
from gradb.tracer.recording.rounds import Rounds
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch

WATCH = Intervention("record", "watch")


class Loop:
    """A model, a batch and a loss: what every shape needs."""

    def __init__(self, count: int = 1) -> None:
        torch.manual_seed(0)
        self.models = [nn.Linear(3, 1) for _ in range(count)]
        self.x, self.y = torch.randn(6, 3), torch.randn(6, 1)
        self.optimizers = [optim.SGD(model.parameters(), lr=0.1) for model in self.models]

    def loss(self, number: int = 0) -> torch.Tensor:
        return nn.functional.mse_loss(self.models[number](self.x), self.y)

    def update(self, number: int = 0) -> None:
        """Make a forward, a backward and a step of one optimizer."""
        self.optimizers[number].zero_grad()
        self.loss(number).backward()
        self.optimizers[number].step()


def one() -> None:
    loop = Loop()
    for _ in range(4):
        loop.update()


def in_turn() -> None:
    loop = Loop(2)
    for _ in range(3):
        loop.update(0)
        loop.update(1)


def three_in_turn() -> None:
    loop = Loop(3)
    for _ in range(3):
        for number in range(3):
            loop.update(number)


def one_a_parameter() -> None:
    """Make an optimizer for each parameter when it steps first, as Pyro does."""
    loop = Loop()
    optimizers: dict[nn.Parameter, optim.Optimizer] = {}
    for _ in range(5):
        loop.loss().backward()
        for parameter in loop.models[0].parameters():
            if parameter not in optimizers:
                optimizers[parameter] = optim.Adam([parameter], lr=0.1)
            optimizers[parameter].step()
            parameter.grad = None


def many_parameters_inside_of_backward() -> None:
    """Step each parameter's optimizer from a hook as soon as its gradient is there."""
    parameters = [nn.Parameter(torch.ones(2)) for _ in range(14)]
    optimizers = {parameter: optim.SGD([parameter], lr=0.1) for parameter in parameters}

    def step(parameter: torch.Tensor) -> None:
        optimizers[parameter].step()  # type: ignore[index]
        parameter.grad = None

    for parameter in parameters:
        parameter.register_post_accumulate_grad_hook(step)
    for _ in range(3):
        torch.stack([parameter.pow(2).sum() for parameter in parameters]).sum().backward()


def _wgan(critic: int, generator: int, rounds: int) -> None:
    loop = Loop(2)
    for _ in range(rounds):
        for _ in range(critic):
            loop.update(0)
            with torch.no_grad():
                for parameter in loop.models[0].parameters():
                    parameter.clamp_(-0.5, 0.5)
        for _ in range(generator):
            loop.update(1)


def pretrain_then_fine_tune() -> None:
    loop = Loop(2)
    for number in (0, 1):
        for _ in range(5):
            loop.update(number)


def pretrain_then_in_turn() -> None:
    loop = Loop(2)
    for _ in range(3):
        loop.update(0)
    for _ in range(3):
        loop.update(0)
        loop.update(1)


def one_never_steps() -> None:
    loop = Loop(2)
    for _ in range(3):
        loop.update(0)


def a_template_never_steps() -> None:
    loop = Loop()
    loop.optimizers.append(optim.SGD(loop.models[0].parameters(), lr=0.1))
    for _ in range(3):
        loop.update(0)


def sharpness_aware() -> None:
    """SAM by hand: to the worst point nearby, its gradient, back, and a step with it."""
    loop = Loop()
    parameters = list(loop.models[0].parameters())
    for _ in range(4):
        loop.optimizers[0].zero_grad()
        loop.loss().backward()
        away = [0.01 * parameter.grad for parameter in parameters if parameter.grad is not None]
        with torch.no_grad():
            for parameter, change in zip(parameters, away, strict=True):
                parameter.add_(change)
        loop.optimizers[0].zero_grad()
        loop.loss().backward()
        with torch.no_grad():
            for parameter, change in zip(parameters, away, strict=True):
                parameter.sub_(change)
        loop.optimizers[0].step()


class Sam(optim.Optimizer):
    """The same as an optimizer around another one."""

    def __init__(self, parameters: Iterator[nn.Parameter]) -> None:
        super().__init__(parameters, {"lr": 0.1})
        self.base = optim.SGD(self.param_groups, lr=0.1)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any]) -> None:  # type: ignore[override]
        held = [parameter for group in self.param_groups for parameter in group["params"]]
        with torch.enable_grad():
            closure()
        before = [parameter.clone() for parameter in held]
        for parameter in held:
            parameter.add_(parameter.grad, alpha=0.01)
        with torch.enable_grad():
            closure()
        for parameter, old in zip(held, before, strict=True):
            parameter.copy_(old)
        self.base.step()


def sharpness_aware_optimizer() -> None:
    loop = Loop()
    optimizer = Sam(loop.models[0].parameters())

    def closure() -> None:
        optimizer.zero_grad()
        loop.loss().backward()

    for _ in range(4):
        optimizer.step(closure)


def closures() -> None:
    loop = Loop()
    optimizer = optim.LBFGS(loop.models[0].parameters(), max_iter=3)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = loop.loss()
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)


def accumulation() -> None:
    loop = Loop()
    for number in range(6):
        (loop.loss() / 2).backward()
        if number % 2:
            loop.optimizers[0].step()
            loop.optimizers[0].zero_grad()


def by_hand() -> None:
    loop = Loop()
    loop.optimizers.clear()
    for _ in range(3):
        loop.loss().backward()
        with torch.no_grad():
            for parameter in loop.models[0].parameters():
                parameter.sub_(parameter.grad, alpha=0.1)  # type: ignore[arg-type]
                parameter.grad = None


def assigned_in_a_list() -> None:
    """Write all parameters in one call on a list, as Keras' optimizers do."""
    parameters = [nn.Parameter(torch.ones(2)) for _ in range(2)]
    for _ in range(3):
        sum(parameter.pow(2).sum() for parameter in parameters).backward()  # type: ignore[union-attr]
        grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
        with torch.no_grad():
            torch._foreach_add_(list[torch.Tensor](parameters), grads, alpha=-0.1)
        for parameter in parameters:
            parameter.grad = None


def _meta(inner_steps: int) -> None:
    """MAML: a copy is updated by hand, and an optimizer steps with the gradient through that."""
    loop = Loop()
    for _ in range(3):
        adapted = copy.deepcopy(loop.models[0])
        for _ in range(inner_steps):
            inner = nn.functional.mse_loss(adapted(loop.x), loop.y)
            grads = torch.autograd.grad(inner, list(adapted.parameters()))
            for parameter, grad in zip(adapted.parameters(), grads, strict=True):
                parameter.data.sub_(grad, alpha=0.1)
        outer = nn.functional.mse_loss(adapted(loop.x), loop.y) + loop.loss()
        loop.optimizers[0].zero_grad()
        outer.backward()
        loop.optimizers[0].step()


def skipping() -> None:
    """Steps that GradScaler skips, since the gradients overflow."""
    loop = Loop()
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)
    for _ in range(3):
        loop.optimizers[0].zero_grad()
        scaler.scale(loop.loss() * 100).backward()
        scaler.step(loop.optimizers[0])
        scaler.update()


SHAPES: dict[str, tuple[Callable[[], None], list[int]]] = {
    "one": (one, [1, 2, 3, 4]),
    "two in turn": (in_turn, [1, 1, 2, 2, 3, 3]),
    "three in turn": (three_in_turn, [1, 1, 1, 2, 2, 2, 3, 3, 3]),
    "one a parameter": (one_a_parameter, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]),
    "one a parameter, in backward": (many_parameters_inside_of_backward, [1] * 14 + [2] * 14 + [3] * 14),
    "WGAN 3:1": (lambda: _wgan(3, 1, 3), [1] * 4 + [2] * 4 + [3] * 4),
    "WGAN 1:2": (lambda: _wgan(1, 2, 3), [1] * 3 + [2] * 3 + [3] * 3),
    "pretrain, then fine-tune": (pretrain_then_fine_tune, list(range(1, 11))),
    "pretrain, then in turn": (pretrain_then_in_turn, [1, 2, 3, 4, 4, 5, 5, 6, 6]),
    "one that never steps": (one_never_steps, [1, 2, 3]),
    "a template that never steps": (a_template_never_steps, [1, 2, 3]),
    "SAM": (sharpness_aware, [1, 2, 3, 4]),
    "SAM as an optimizer": (sharpness_aware_optimizer, [1, 1, 2, 2, 3, 3, 4, 4]),
    "LBFGS": (closures, [1, 2, 3]),
    "accumulation": (accumulation, [1, 2, 3]),
    "MAML": (lambda: _meta(1), [1, 2, 3]),
    "MAML, three inner steps": (lambda: _meta(3), [1, 2, 3]),
}
"""Each with the iteration of each of its steps."""
DEPTHS = {
    "full": [],
    "watch": [WATCH],
    **{f"full from {n}": [WATCH, Intervention("record", "full", n)] for n in (2, 3)},
}


def _iterations(tape: Tape, *kinds: str) -> list[int]:
    return [event.iteration for event in tape.events() if event.kind in kinds]


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_has_the_iterations_of_the_table(shape: str, depth: str, tmp_path: Path) -> None:
    """Steps, series and the view of the training agree, and the numbers never fall."""
    script, expected = SHAPES[shape]
    call = torch.nn.Module._call_impl
    _, tape = record(tmp_path / "run.tape", script, probe="never", changes=DEPTHS[depth])
    assert torch.nn.Module._call_impl is call
    assert [note for note in notes(tape) if NOTE not in note and "not carried out" not in note] == []
    assert _iterations(tape, "step") == expected
    numbers = [event.iteration for event in tape.events()]
    assert numbers == sorted(numbers)
    assert tape.frame(tape.head).training.iterations == expected[-1]
    rates = [series for series in tape.series if series.kind == "learning_rate"]
    assert sorted(n for one in rates for n in one.iterations[: one.count]) == expected


def test_recording_that_is_switched_on_inside_of_a_backward_sees_what_follows(tmp_path: Path) -> None:
    """The engine takes its modes off at its end; ops of the next iterations are recorded all the same."""
    script, _ = SHAPES["one a parameter, in backward"]
    _, tape = record(tmp_path / "run.tape", script, probe="never", changes=DEPTHS["full from 2"])
    assert set(_iterations(tape, "op")) == {2, 3}


def beside_an_idle_optimizer() -> None:
    """Update by hand what an optimizer holds that never steps."""
    w = torch.ones(2, requires_grad=True)
    idle = optim.SGD([w], lr=0.1)
    for _ in range(3):
        w.pow(2).sum().backward()
        with torch.no_grad():
            w.sub_(_grad(w), alpha=0.1)
        idle.zero_grad()


def _grad(tensor: torch.Tensor) -> torch.Tensor:
    assert tensor.grad is not None
    return tensor.grad


@pytest.mark.parametrize("script", [by_hand, assigned_in_a_list, beside_an_idle_optimizer])
def test_updates_by_hand_are_iterations(script: Callable[[], None], tmp_path: Path) -> None:
    """Each has a loss, a gradient norm and the norms of the parameters, as an optimizer's step has."""
    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert notes(tape) == []
    assert _iterations(tape, "backward_start") == [1, 2, 3]
    kinds = {series.kind: list(series.iterations[: series.count]) for series in tape.series}
    assert kinds["grad_norm"] == [1, 2, 3]
    assert set(kinds["parameter_norm"]) >= {1, 2}  # the last is taken at the end, when these leaves are gone


def test_what_an_optimizer_puts_back_is_no_update(tmp_path: Path) -> None:
    """SAM's way to the worst point and back leaves no norms of updates by hand."""
    _, tape = record(tmp_path / "run.tape", sharpness_aware, probe="never")
    assert {series.name for series in tape.series if series.kind == "grad_norm"} == {"SGD"}


def test_the_first_round_is_said_to_be_numbered_anew(tmp_path: Path) -> None:
    """A note tells it once; a reader who was there before the end and one who comes later see the same numbers."""
    _, tape = record(tmp_path / "run.tape", in_turn, probe="never")
    assert [NOTE in note for note in notes(tape)] == [True]
    frames = [tape.frame(position).iteration for position in range(1, tape.head + 1)]
    assert frames == [event.iteration for event in tape.events()]
    first = next(event.seq for event in tape.events() if event.iteration == 2 and event.is_stop)
    assert tape.find(Stop("iteration", "2"), 0, 1) == first
    assert tape.find(Stop("iteration", "2"), tape.head, -1) == first
    assert tape.find(Stop("iteration"), 1, 1) == first


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("SAM", "changes of parameters by hand and a step of SGD are one iteration together"),
        ("one a parameter", "optimizers (Adam, Adam) step in turn, and one round of them is one iteration"),
        ("in turn", "2 optimizers (SGD, SGD) step in turn, and one round of them is one iteration"),
    ],
)
def test_the_note_says_why_numbers_changed(script: str, reason: str, tmp_path: Path) -> None:
    """Nothing takes turns where a perturbation is undone before the step of the only optimizer."""
    functions = {"SAM": sharpness_aware, "one a parameter": one_a_parameter, "in turn": in_turn}
    _, tape = record(tmp_path / "run.tape", functions[script], probe="never")
    (note,) = notes(tape)
    assert reason in note


def _changes(tape: Tape) -> list[tuple[str, int]]:
    found = [(event.iteration, tape.detail(event.seq)) for event in tape.events() if event.kind == "intervention"]
    return [(f"{one.what} {one.after}", at) for at, one in found if isinstance(one, InterventionDetail)]


SETTLED: dict[str, tuple[Callable[[], None], int]] = {
    "one": (one, 2),
    "two in turn": (in_turn, 2),
    "one a parameter": (one_a_parameter, 2),
    "a template that never steps": (a_template_never_steps, 2),
    "SAM": (sharpness_aware, 2),
    "by hand": (by_hand, 2),
    "WGAN 3:1": (lambda: _wgan(3, 1, 4), 3),
    "one that may still step": (lambda: _in_pairs(12), 7),
}


def _in_pairs(count: int) -> None:
    loop = Loop(2)
    for _ in range(count):
        loop.update(0)


@pytest.mark.parametrize("shape", SETTLED)
def test_changes_apply_from_the_settled_count(shape: str, tmp_path: Path) -> None:
    """A change for the second iteration comes with it, or where that is not sure yet, as soon as it is."""
    script, at = SETTLED[shape]
    changes = [Intervention("zero_grad", "off", 2)]
    _, tape = record(tmp_path / "run.tape", script, probe="never", changes=changes)
    assert _changes(tape) == [("zero_grad off", at)]


def test_a_change_that_came_to_nothing_is_said(tmp_path: Path) -> None:
    """Where the script ends before it is settled what an iteration is, a change that was due is not kept quiet."""
    _, tape = record(
        tmp_path / "run.tape", one_never_steps, probe="never", changes=[Intervention("zero_grad", "off", 3)]
    )
    assert _changes(tape) == []
    assert any("not carried out: zero_grad off@3" in note for note in notes(tape))


STREAMS = {
    "AAAAA": "12345",
    "AABAAB": "111222",
    "AAAAABBBBBAAAAABBBBB": None,
    "ABABABCCC": "112233456",
    "ABBBB": "11234",
    "AAAAABAAAAAB": "111111222222",
    "AAABAB": "12334" + "4",
}


@pytest.mark.parametrize("stream", STREAMS)
def test_rounds_of_bare_steps(stream: str) -> None:
    """The rule on its own: who steps after whom, each after a backward of its own."""
    rounds, iteration, found = Rounds(), 1, list[int]()
    for key in map(ord, stream):
        if rounds.comes_back(key):
            rounds.begin()
            iteration += 1
        is_over = rounds.step(key, has_backward=True)
        if numbers := rounds.merged:
            rounds.merged = ()
            kept = len(numbers) - numbers[-1]
            found = [numbers[one - 1] if one <= len(numbers) else one - kept for one in found]
            iteration = numbers[iteration - 1] if iteration <= len(numbers) else iteration - kept
        found.append(iteration)
        if is_over:
            rounds.begin()
            iteration += 1
    expected = STREAMS[stream]
    assert found == ([int(one) for one in expected] if expected else list(range(1, len(stream) + 1)))
