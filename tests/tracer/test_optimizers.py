"""Every optimizer of torch.optim: training is the same under the tracer, and each step is on the tape as it was."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn, optim

from gradb.frame.reader import Tape
from gradb.link.spec import Intervention
from gradb.tape.kinds.step import StepDetail
from tests.tracer.exact import Outcome, as_kept, assert_same, kept
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch

ITERATIONS = 5
Parameters = list[nn.Parameter]


def _grouped(parameters: Parameters) -> optim.Optimizer:
    groups: list[dict[str, Any]] = [{"params": parameters[:1]}, {"params": parameters[1:], "lr": 0.01}]
    return optim.SGD(groups, lr=0.1)


@dataclass(frozen=True, slots=True)
class Row:
    """One way to train."""

    make: Callable[[Parameters], optim.Optimizer]
    has_closure: bool = False
    is_sparse: bool = False
    """The model is an embedding with sparse gradients."""
    has_bias: bool = True


ROWS = {
    "SGD": Row(lambda ps: optim.SGD(ps, lr=0.1)),
    "SGD momentum": Row(lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9, dampening=0.1)),
    "SGD nesterov": Row(lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9, nesterov=True)),
    "SGD decay": Row(lambda ps: optim.SGD(ps, lr=0.1, weight_decay=0.1)),
    "SGD maximize, one by one": Row(lambda ps: optim.SGD(ps, lr=1e-3, maximize=True, foreach=False)),
    "SGD fused": Row(lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9, fused=True)),
    "SGD groups": Row(_grouped),
    "SGD closure": Row(lambda ps: optim.SGD(ps, lr=0.1), has_closure=True),
    "Adam": Row(lambda ps: optim.Adam(ps, lr=0.01)),
    "Adam amsgrad": Row(lambda ps: optim.Adam(ps, lr=0.01, amsgrad=True, foreach=True)),
    "Adam fused": Row(lambda ps: optim.Adam(ps, lr=0.01, fused=True)),
    "Adam tensor rate": Row(lambda ps: optim.Adam(ps, lr=torch.tensor(0.01), foreach=False)),
    "Adam closure": Row(lambda ps: optim.Adam(ps, lr=0.01), has_closure=True),
    "AdamW": Row(lambda ps: optim.AdamW(ps, lr=0.01)),
    "Adamax": Row(optim.Adamax),
    "NAdam": Row(optim.NAdam),
    "RAdam": Row(optim.RAdam),
    "Adagrad": Row(optim.Adagrad),
    "Adadelta": Row(optim.Adadelta),
    "Adafactor": Row(optim.Adafactor),
    "ASGD": Row(optim.ASGD),
    "RMSprop": Row(lambda ps: optim.RMSprop(ps, momentum=0.9, centered=True)),
    "Rprop": Row(optim.Rprop),
    "LBFGS": Row(lambda ps: optim.LBFGS(ps, lr=0.5, max_iter=4), has_closure=True),
    "LBFGS search": Row(lambda ps: optim.LBFGS(ps, line_search_fn="strong_wolfe", max_iter=3), has_closure=True),
    "SparseAdam": Row(lambda ps: optim.SparseAdam(ps, lr=0.1), is_sparse=True),
    "SGD sparse": Row(lambda ps: optim.SGD(ps, lr=0.1), is_sparse=True),
    "Muon": Row(optim.Muon, has_bias=False),
}
DEPTHS: dict[str, tuple[Intervention, ...]] = {
    "full": (),
    "watch": (Intervention("record", "watch"),),
    "switching": (
        Intervention("record", "watch", 2),
        Intervention("record", "full", 4),
        Intervention("record", "watch", 5),
    ),
}


@dataclass(slots=True)
class Seen:
    """What torch had around one step."""

    before: list[Any]
    gradients: list[Any]
    after: list[Any]
    rates: list[float]


@dataclass(slots=True)
class Training(Outcome):
    """A training and what it saw of its own steps."""

    steps: list[Seen] = field(default_factory=list)


def _classes(base: type[optim.Optimizer] = optim.Optimizer) -> Iterator[type[optim.Optimizer]]:
    for one in base.__subclasses__():
        yield from _classes(one)
        if one.__module__.split(".")[:2] == ["torch", "optim"]:
            yield one


def _clones(tensors: list[Any]) -> list[Any]:
    dense = [one.to_dense() if one is not None and one.is_sparse else one for one in tensors]
    return [None if one is None else one.detach().clone() for one in dense]


def train(row: Row) -> Training:
    """Train for some iterations; the script looks at every step itself."""
    torch.manual_seed(0)
    if row.is_sparse:
        model: nn.Module = nn.Sequential(nn.Embedding(7, 3, sparse=True))
        x, y = torch.randint(0, 7, (6,)), torch.randn(6, 3)
    else:
        layers = [nn.Linear(3, 4, bias=row.has_bias), nn.Tanh(), nn.Dropout(0.2), nn.Linear(4, 2, bias=row.has_bias)]
        model = nn.Sequential(*layers)
        x, y = torch.randn(6, 3), torch.randn(6, 2)
    parameters = list(model.parameters())
    optimizer = row.make(parameters)
    training = Training()

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss: torch.Tensor = (model(x) - y).pow(2).mean()
        loss.backward()
        training.losses.append(loss.item())
        return loss

    for _ in range(ITERATIONS):
        if not row.has_closure:
            closure()
        before, gradients = _clones(parameters), _clones([one.grad for one in parameters])
        if row.has_closure:
            optimizer.step(closure)  # type: ignore[arg-type]
            gradients = _clones([one.grad for one in parameters])
        else:
            optimizer.step()
        rates = [float(group["lr"]) for group in optimizer.param_groups]
        training.steps.append(Seen(before, gradients, _clones(parameters), rates))
    training.close(parameters, [optimizer])
    return training


@functools.cache
def bare(name: str) -> Training:
    """Train a row without gradb, once for all depths."""
    return train(ROWS[name])


Recorded = Callable[[str, str], tuple[Training, Tape]]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Give a function that records a row at a depth, once each."""

    @functools.cache
    def once(name: str, depth: str) -> tuple[Training, Tape]:
        path, function = tmp_path_factory.mktemp("tapes") / "run.tape", functools.partial(train, ROWS[name])
        training, tape = record(path, function, probe="auto", changes=DEPTHS[depth])
        assert notes(tape) == []
        return training, tape

    return once


def _steps(tape: Tape) -> list[tuple[int, StepDetail]]:
    events = [event for event in tape.events() if event.kind == "step"]
    return [(event.iteration, detail) for event in events if isinstance(detail := tape.detail(event.seq), StepDetail)]


def test_every_optimizer_of_torch_has_a_row() -> None:
    """A new optimizer in torch.optim fails this test until it has a row."""
    covered = {name.partition(" ")[0] for name in ROWS}
    assert {one.__name__ for one in _classes()} - covered == set()


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", ROWS)
def test_training_is_the_same_to_the_last_bit(name: str, depth: str, recorded: Recorded) -> None:
    """Losses, parameters, gradients, optimizer and random state are those of the bare run, at any depth."""
    traced, _ = recorded(name, depth)
    assert_same(traced, bare(name))


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", ROWS)
def test_each_step_is_one_event_and_ends_an_iteration(name: str, depth: str, recorded: Recorded) -> None:
    """There is one step an iteration, of the right class and with the rates of the groups."""
    training, tape = recorded(name, depth)
    steps = _steps(tape)
    assert [iteration for iteration, _ in steps] == list(range(1, ITERATIONS + 1))
    for seen, (_, detail) in zip(training.steps, steps, strict=True):
        assert detail.optimizer == name.partition(" ")[0]
        assert list(detail.learning_rates) == seen.rates


@pytest.mark.parametrize("name", ROWS)
def test_a_step_is_recorded_as_torch_had_it(name: str, recorded: Recorded) -> None:
    """Parameters before and after, gradients and groups on the tape are clones that the script took itself."""
    training, tape = recorded(name, "full")
    for seen, (_, detail) in zip(training.steps, _steps(tape), strict=True):
        assert [kept(value) for value in detail.before] == [as_kept(one) for one in seen.before]
        assert [kept(value) for value in detail.gradients] == [as_kept(one) for one in seen.gradients]
        assert [kept(one.value) for one in detail.parameters] == [as_kept(one) for one in seen.after]
        assert list(detail.groups) == ([0] + [1] * (len(seen.after) - 1) if "groups" in name else [0] * len(seen.after))


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", ROWS)
def test_the_loss_series_is_every_loss(name: str, depth: str, recorded: Recorded) -> None:
    """One series, named by the variable, has the value of each backward's root; a closure may run it several times."""
    training, tape = recorded(name, depth)
    (series,) = [one for one in tape.series if one.kind == "loss"]
    assert series.name == "loss"
    assert list(series.values[: series.count]) == training.losses


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", ["SGD", "SGD groups", "Adam tensor rate", "AdamW", "LBFGS", "SGD closure"])
def test_gradient_norm_and_rate_have_series(name: str, depth: str, recorded: Recorded) -> None:
    """The norm over all gradients of each step and each group's rate are series, while watching too."""
    training, tape = recorded(name, depth)
    (norms,) = [one for one in tape.series if one.kind == "grad_norm"]
    assert list(norms.iterations[: norms.count]) == list(range(1, ITERATIONS + 1))
    for value, seen in zip(norms.values[: norms.count], training.steps, strict=True):
        flat = torch.cat([one.flatten() for one in seen.gradients]).double()
        assert value == pytest.approx(float(flat.norm()), rel=1e-5)
    rates = [one for one in tape.series if one.kind == "learning_rate"]
    expected = list(zip(*(seen.rates for seen in training.steps), strict=True))
    assert [tuple(one.values[: one.count]) for one in rates] == expected


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_step_without_any_gradient_has_no_norm(depth: str, tmp_path: Path) -> None:
    """It is not 0: there is none."""

    def script() -> None:
        w = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.1)
        for has_gradient in (True, False, False):
            w.grad = torch.ones(2) if has_gradient else None
            optimizer.step()

    _, tape = record(tmp_path / "run.tape", script, probe="never", changes=DEPTHS[depth])
    points = {one.kind: list(one.iterations[: one.count]) for one in tape.series}
    assert (points["grad_norm"], points["learning_rate"]) == ([1], [1, 2, 3])


def test_several_optimizers_are_told_apart_by_their_variables(tmp_path: Path) -> None:
    """Where each has one; those that a loop runs through are told apart by their numbers."""

    def script() -> None:
        first, second = (torch.ones(2, requires_grad=True) for _ in range(2))
        optimizer_g, optimizer_d = (torch.optim.SGD([one], lr=0.1) for one in (first, second))
        others = [torch.optim.Adam([torch.ones(2, requires_grad=True)]) for _ in range(2)]
        for _ in range(2):
            (first * second).sum().backward()
            optimizer_d.step()
            optimizer_g.step()
            for other in others:
                other.step()

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    labels = [one.name for one in tape.series if one.kind == "learning_rate"]
    assert labels == ["optimizer_d", "optimizer_g", "Adam", "Adam 2"]


def test_one_that_is_made_anew_goes_on_under_its_name(tmp_path: Path) -> None:
    """The inner optimizer of each task: what a variable holds one after the other is one series."""

    def script() -> None:
        weight = torch.ones(2, requires_grad=True)
        outer = torch.optim.SGD([weight], lr=0.1)
        for _ in range(3):
            fast = weight.detach().clone().requires_grad_()
            inner = torch.optim.SGD([fast], lr=0.2)
            fast.sum().backward()
            inner.step()
            weight.grad = weight.detach() - fast.detach()
            outer.step()

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    rates = {one.name: list(one.values[: one.count]) for one in tape.series if one.kind == "learning_rate"}
    assert rates == {"inner": [0.2] * 3, "outer": [0.1] * 3}


def test_an_optimizer_called_grad_norm_has_the_series_of_both(tmp_path: Path) -> None:
    """What an optimizer is called does not mix the series of its rate with that of its gradients' norm."""

    def script() -> None:
        one, other = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
        grad_norm, second = optim.SGD([one], lr=0.125), optim.SGD([other], lr=0.25)
        for _ in range(2):
            (3 * one + other).sum().backward()
            grad_norm.step()
            second.step()

    _, tape = record(tmp_path / "run.tape", script)
    found = {one.kind: list(one.values[: one.count]) for one in tape.series if one.name == "grad_norm"}
    assert found == {"grad_norm": [3.0, 6.0], "learning_rate": [0.125, 0.125]}
