"""Iterations: where they begin and end, their series, stale buffers, and the learning rate set from outside."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn, optim

from gradb.frame.gradbuffer import GradBuffer
from gradb.frame.reader import Tape
from gradb.link.spec import Intervention
from gradb.tape.kinds.intervention import InterventionDetail
from gradb.tape.kinds.step import StepDetail
from gradb.tracer.recording.iterations import NOTE
from tests.tracer.exact import Outcome, assert_same
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch

WATCH = Intervention("record", "watch")
DEPTHS: dict[str, tuple[Intervention, ...]] = {"full": (), "watch": (WATCH,)}


def _data() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(6, 3), torch.randn(6, 1)


# --- loops ------------------------------------------------------------------------------------------------------------


def optimizer_loop() -> None:
    x, y = _data()
    model = nn.Linear(3, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss = (model(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()


def micro_batches() -> None:
    x, y = _data()
    model = nn.Linear(3, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        for part, target in zip(x.chunk(3), y.chunk(3), strict=True):
            loss = (model(part) - target).pow(2).mean() / 3
            loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def two_in_turn() -> None:
    torch.manual_seed(0)
    generator, discriminator = nn.Linear(2, 2), nn.Linear(2, 1)
    of_g, of_d = optim.Adam(generator.parameters()), optim.Adam(discriminator.parameters())
    for _ in range(3):
        fake = generator(torch.randn(4, 2))
        of_d.zero_grad()
        loss_d = discriminator(fake.detach()).mean() - discriminator(torch.randn(4, 2)).mean()
        loss_d.backward()
        of_d.step()
        of_g.zero_grad()
        loss_g = -discriminator(fake).mean()
        loss_g.backward()
        of_g.step()


def two_at_once() -> None:
    x, y = _data()
    encoder, decoder = nn.Linear(3, 2), nn.Linear(2, 1)
    first, second = optim.SGD(encoder.parameters(), lr=0.1), optim.SGD(decoder.parameters(), lr=0.1)
    for _ in range(3):
        first.zero_grad()
        second.zero_grad()
        loss = (decoder(encoder(x)) - y).pow(2).mean()
        loss.backward()
        first.step()
        second.step()


def critic_more_often() -> None:
    """Step one optimizer three times for each step of the other."""
    torch.manual_seed(0)
    actor, critic = nn.Linear(2, 1), nn.Linear(2, 1)
    of_a, of_c = optim.SGD(actor.parameters(), lr=0.1), optim.SGD(critic.parameters(), lr=0.1)
    for _ in range(2):
        for _ in range(3):
            of_c.zero_grad()
            loss_c = critic(torch.randn(4, 2)).pow(2).mean()
            loss_c.backward()
            of_c.step()
        of_a.zero_grad()
        loss_a = actor(torch.randn(4, 2)).pow(2).mean()
        loss_a.backward()
        of_a.step()


def one_of_two_is_never_used() -> None:
    x, y = _data()
    model, other = nn.Linear(3, 1), nn.Linear(3, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    unused = optim.SGD(other.parameters(), lr=0.1)
    for _ in range(4):
        loss = (model(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    unused.zero_grad()


def closures() -> None:
    x, y = _data()
    model = nn.Linear(3, 1)
    optimizer = optim.LBFGS(model.parameters(), max_iter=2, tolerance_grad=0, tolerance_change=0)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss: torch.Tensor = (model(x) - y).pow(2).mean()
        loss.backward()
        return loss

    for _ in range(2):
        optimizer.step(closure)


def by_hand_in_place() -> None:
    x, y = _data()
    w = torch.zeros(3, 1, requires_grad=True)
    for _ in range(3):
        loss = (x @ w - y).pow(2).mean()
        loss.backward()
        with torch.no_grad():
            w -= 0.1 * w.grad  # type: ignore[operator]
            w.grad = None


def by_hand_through_data() -> None:
    x, y = _data()
    w = torch.zeros(3, 1, requires_grad=True)
    for _ in range(3):
        loss = (x @ w - y).pow(2).mean()
        loss.backward()
        assert w.grad is not None
        w.data.sub_(0.1 * w.grad.data)
        w.grad.zero_()


def by_hand_setting_data() -> None:
    x, y = _data()
    w = torch.zeros(3, 1, requires_grad=True)
    for _ in range(3):
        loss = (x @ w - y).pow(2).mean()
        loss.backward()
        assert w.grad is not None
        w.data = w.data - 0.1 * w.grad
        w.grad = None


def by_hand_rebinding() -> None:
    x, y = _data()
    w = torch.zeros(3, 1, requires_grad=True)
    for _ in range(3):
        loss = (x @ w - y).pow(2).mean()
        loss.backward()
        assert w.grad is not None
        w = (w - 0.1 * w.grad).detach().requires_grad_()


def by_hand_from_autograd_grad() -> None:
    x, y = _data()
    w = torch.zeros(3, 1, requires_grad=True)
    for _ in range(3):
        loss = (x @ w - y).pow(2).mean()
        (grad,) = torch.autograd.grad(loss, [w])
        with torch.no_grad():
            w -= 0.1 * grad


def by_hand_in_micro_batches() -> None:
    x, y = _data()
    w = torch.zeros(3, 1, requires_grad=True)
    for _ in range(2):
        for part, target in zip(x.chunk(2), y.chunk(2), strict=True):
            loss = (part @ w - target).pow(2).mean()
            loss.backward()
        with torch.no_grad():
            w -= 0.1 * w.grad  # type: ignore[operator]
        w.grad = None


def several_leaves_by_hand() -> None:
    torch.manual_seed(0)
    a, b = torch.zeros((), requires_grad=True), torch.zeros((), requires_grad=True)
    x = torch.linspace(-1, 1, 5)
    for _ in range(3):
        loss = (a + b * x - x.sin()).pow(2).sum()
        loss.backward()
        with torch.no_grad():
            for leaf in (a, b):
                leaf -= 0.1 * leaf.grad  # type: ignore[operator]  # noqa: PLW2901
                leaf.grad = None


def never_trains() -> None:
    a = torch.ones(3, requires_grad=True)
    out = (a * 2).sum()
    out.backward(retain_graph=True)
    print(a.grad)


LOOPS: dict[str, tuple[Callable[[], None], list[int]]] = {
    "an optimizer": (optimizer_loop, [1, 2, 3]),
    "micro-batches": (micro_batches, [1, 1, 1, 2, 2, 2]),
    "two in turn": (two_in_turn, [1, 1, 2, 2, 3, 3]),
    "two at once": (two_at_once, [1, 2, 3]),
    "a closure": (closures, [1, 1, 2, 2]),
    "by hand, in place": (by_hand_in_place, [1, 2, 3]),
    "by hand, through data": (by_hand_through_data, [1, 2, 3]),
    "by hand, setting data": (by_hand_setting_data, [1, 2, 3]),
    "by hand, rebinding": (by_hand_rebinding, [1, 2, 3]),
    "by hand, autograd.grad": (by_hand_from_autograd_grad, [1, 2, 3]),
    "by hand, several leaves": (several_leaves_by_hand, [1, 2, 3]),
    "no training": (never_trains, [1]),
}
"""Each with the iteration of each of its backwards."""


def _iterations(tape: Tape, *kinds: str) -> list[int]:
    return [event.iteration for event in tape.events() if event.kind in kinds]


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", LOOPS)
def test_each_backward_is_in_its_iteration(name: str, depth: str, tmp_path: Path) -> None:
    """Iterations are what a reader of the script would count, however deep the recording."""
    script, expected = LOOPS[name]
    _, tape = record(tmp_path / "run.tape", script, probe="never", changes=DEPTHS[depth])
    assert [note for note in notes(tape) if NOTE not in note] == []
    assert _iterations(tape, "backward_start", "loss") == expected


@pytest.mark.parametrize("name", [name for name in LOOPS if name not in {"by hand, rebinding", "no training"}])
def test_a_whole_iteration_has_one_number(name: str, tmp_path: Path) -> None:
    """Numbers never fall, and forward ops, backward and step of one iteration agree."""
    script, _ = LOOPS[name]
    _, tape = record(tmp_path / "run.tape", script, probe="never")
    numbers = [event.iteration for event in tape.events()]
    assert numbers == sorted(numbers)
    forward = {event.iteration for event in tape.events() if event.kind == "op" and not event.is_quiet}
    assert forward == set(_iterations(tape, "backward_start"))
    roots = [event for event in tape.events() if event.kind == "op" and event.name == "MeanBackward0"]
    for root, iteration in itertools.zip_longest(roots, _iterations(tape, "backward_start")):
        if len(roots) == len(_iterations(tape, "backward_start")):
            assert root.iteration == iteration


def test_steps_that_alternate_unevenly_end_an_iteration_each_round(tmp_path: Path) -> None:
    """Where one optimizer steps three times for one of another's, the iterations of the steps never fall behind."""
    _, tape = record(tmp_path / "run.tape", critic_more_often, probe="never")
    steps = _iterations(tape, "step")
    assert len(steps) == 8
    assert steps == sorted(steps)
    assert set(steps) == set(range(1, steps[-1] + 1))


def test_an_optimizer_that_never_steps_does_not_hold_up(tmp_path: Path) -> None:
    """It is waited for once; from the second step of the other on, each step ends an iteration."""
    _, tape = record(tmp_path / "run.tape", one_of_two_is_never_used, probe="never")
    steps = _iterations(tape, "step")
    assert len(steps) == 4
    assert [after - before for before, after in itertools.pairwise(steps)][1:] == [1, 1]


def test_micro_batches_by_hand_are_one_iteration(tmp_path: Path) -> None:
    """In full depth the update is seen, so two backwards from one line before it belong together."""
    _, tape = record(tmp_path / "run.tape", by_hand_in_micro_batches, probe="never")
    numbers = _iterations(tape, "backward_start")
    assert numbers[2:] == [numbers[2]] * 2
    assert numbers[2] > numbers[1]


def test_to_freeze_and_thaw_a_leaf_is_no_update(tmp_path: Path) -> None:
    """Between two backwards it changes whether a gradient is wanted, and no number: the iteration goes on."""

    def run() -> None:
        weight = torch.ones(3, requires_grad=True)
        (weight * 2).sum().backward()
        weight.requires_grad_(False)
        weight.requires_grad_(True)
        (weight * 3).sum().backward()

    _, tape = record(tmp_path / "run.tape", run)
    assert tape.event(tape.head).iteration == 1
    assert not [event for event in tape.events() if event.phase == "optimizer"]


def test_a_script_that_never_trains_stays_in_its_first_iteration(tmp_path: Path) -> None:
    """There are no steps and no series of any, and the view says that there is one iteration."""
    _, tape = record(tmp_path / "run.tape", never_trains)
    training = tape.frame(tape.head).training
    assert {event.iteration for event in tape.events()} == {1}
    assert training.iterations == 1
    assert {series.kind for series in training.series} == {"loss"}


# --- series -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", DEPTHS)
def test_each_call_site_has_a_series_of_its_own(depth: str, tmp_path: Path) -> None:
    """Two losses are told apart by variable and line, also where both have one name."""
    seen: dict[str, list[float]] = {"reconstruction": [], "penalty": [], "loss": []}

    def script() -> None:
        x, y = _data()
        model = nn.Linear(3, 1)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            reconstruction = (model(x) - y).pow(2).mean()
            reconstruction.backward()
            penalty = model.weight.pow(2).sum()
            penalty.backward()
            loss = model.bias.pow(2).sum()
            torch.autograd.backward(loss)
            optimizer.step()
            for name, value in (("reconstruction", reconstruction), ("penalty", penalty), ("loss", loss)):
                seen[name].append(value.item())

    _, tape = record(tmp_path / "run.tape", script, probe="never", changes=DEPTHS[depth])
    losses = tape.frame(tape.head).training.losses
    assert {one.name: list(one.values[: one.count]) for one in losses} == seen
    assert all(list(one.iterations[: one.count]) == [1, 2, 3] for one in losses)
    lines = [one.line for one in losses]
    first = script.__code__.co_firstlineno
    assert [line - first for line in lines if line is not None] == [7, 9, 11]
    assert {one.file for one in losses} == {__file__}
    assert [one.label for one in losses] == [
        f"{name}:{line}" for name, line in zip(("reconstruction", "penalty", "loss"), lines, strict=True)
    ]


@pytest.mark.parametrize("depth", DEPTHS)
def test_two_losses_of_one_name_stay_apart(depth: str, tmp_path: Path) -> None:
    """The line tells them apart."""

    def script() -> None:
        w = torch.ones(2, requires_grad=True)
        loss = w.sum()
        loss.backward()
        loss = (w * 3).sum()
        loss.backward()

    _, tape = record(tmp_path / "run.tape", script, probe="never", changes=DEPTHS[depth])
    losses = tape.frame(tape.head).training.losses
    assert [(one.name, list(one.values[: one.count])) for one in losses] == [("loss", [2]), ("loss", [6])]
    assert losses[0].label != losses[1].label


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_loss_that_is_not_a_scalar_has_no_series(depth: str, tmp_path: Path) -> None:
    """A vector with `gradient=` is trained as ever; one that raises says so, and nothing is made up."""

    def script() -> list[Any]:
        w = torch.ones(2, requires_grad=True)
        optimizer = optim.SGD([w], lr=0.1)
        (w * 2).backward(gradient=torch.ones(2))
        optimizer.step()
        with pytest.raises(RuntimeError, match="scalar"):
            (w * 2).backward()
        return w.tolist()

    weights, tape = record(tmp_path / "run.tape", script, probe="never", changes=DEPTHS[depth])
    assert weights == pytest.approx([0.8, 0.8])
    assert notes(tape) == []
    assert tape.frame(tape.head).training.losses == ()
    if depth == "full":
        assert [event.name for event in tape.events() if event.kind == "error"] == ["RuntimeError"]


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_first_loss_that_is_not_finite_is_known(depth: str, tmp_path: Path) -> None:
    """NaN in the third iteration: the view says which series, which iteration, and the event has its flag."""

    def script() -> None:
        w = torch.ones(1, requires_grad=True)
        optimizer = optim.SGD([w], lr=0.1)
        for iteration in range(4):
            optimizer.zero_grad()
            loss = (w * (float("nan") if iteration == 2 else 1.0)).sum()
            loss.backward()
            optimizer.step()

    _, tape = record(tmp_path / "run.tape", script, probe="never", changes=DEPTHS[depth])
    found = tape.frame(tape.head).training.first_nonfinite
    assert found is not None
    assert (found.series.name, found.series.kind, found.iteration) == ("loss", "loss", 3)
    event = tape.event(found.event)
    assert event.has_nonfinite
    assert event.kind == {"full": "backward_start", "watch": "loss"}[depth]


def test_parameter_norms_are_kept_in_full_depth(tmp_path: Path) -> None:
    """One series a parameter, named after it, with the norm after each step."""
    norms: dict[str, list[float]] = {"model.weight": [], "model.bias": []}

    def script() -> None:
        x, y = _data()
        model = nn.Linear(3, 1)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            (model(x) - y).pow(2).mean().backward()
            optimizer.step()
            for name, parameter in model.named_parameters():
                norms[f"model.{name}"].append(float(parameter.detach().norm()))

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    found = {one.name: list(one.values[: one.count]) for one in tape.series if one.kind == "parameter_norm"}
    assert set(found) == set(norms)
    for name, values in norms.items():
        assert found[name] == pytest.approx(values, rel=1e-5)


def test_tiny_gradients_are_not_called_cleared(tmp_path: Path) -> None:
    """A gradient whose square is too small for a float32 has a norm all the same, and fills its buffer."""

    def script(count: int) -> None:
        w = torch.ones(count, requires_grad=True)
        optimizer = optim.SGD([w], lr=0.1)
        (w * 1e-20).sum().backward()
        assert w.grad is not None
        w.grad.mul_(1e-10)
        optimizer.step()

    for count in (3, 100):
        _, tape = record(tmp_path / f"{count}.tape", functools.partial(script, count), probe="never")
        (norm,) = [one for one in tape.series if one.kind == "grad_norm"]
        assert norm.values[0] == pytest.approx(1e-30 * count**0.5, rel=1e-4, abs=0)
        (buffer,) = tape.frame(tape.head).grads
        assert buffer.fills == 1


# --- stale buffers ----------------------------------------------------------------------------------------------------


def _train(iterations: int, clears: bool, parts: int = 1) -> None:
    x, y = _data()
    model = nn.Linear(3, 1, bias=False)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    for _ in range(iterations):
        if clears:
            optimizer.zero_grad()
        for _ in range(parts):
            (model(x) - y).pow(2).mean().backward()
        optimizer.step()


def _buffers(tape: Tape, kind: str) -> list[GradBuffer]:
    """Return the only buffer at each event of a kind."""
    found = []
    for event in tape.events():
        if event.kind == kind:
            (buffer,) = tape.frame(event.seq).grads
            found.append(buffer)
    return found


def test_a_buffer_that_was_never_cleared_is_stale(tmp_path: Path) -> None:
    """From the second backward on it holds the gradients of all iterations before, and says since when."""
    _, tape = record(tmp_path / "run.tape", lambda: _train(4, clears=False), probe="never")
    starts, fillings = _buffers(tape, "backward_start"), _buffers(tape, "accumulate")
    assert [(one.is_stale, one.fills) for one in starts] == [(False, 0), (True, 1), (True, 2), (True, 3)]
    assert [(one.is_stale, one.fills, one.since) for one in fillings] == [
        (False, 1, 1), (True, 2, 1), (True, 3, 1), (True, 4, 1),
    ]  # fmt: skip
    steps = _buffers(tape, "step")
    assert [one.fills for one in steps] == [1, 2, 3, 4]


def test_a_stale_buffer_that_was_never_cleared_says_so(tmp_path: Path) -> None:
    """Until something clears it; one that was cleared once is stale since then."""

    def script() -> None:
        x, y = _data()
        model = nn.Linear(3, 1, bias=False)
        optimizer = optim.SGD(model.parameters(), lr=0.01)
        for number in range(4):
            if number == 2:
                model.zero_grad()
            (model(x) - y).pow(2).mean().backward()
            optimizer.step()

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    told = [(one.is_stale, one.is_never_cleared) for one in _buffers(tape, "accumulate")]
    assert told == [(False, False), (True, True), (False, False), (True, False)]


def test_a_buffer_that_is_cleared_is_never_stale(tmp_path: Path) -> None:
    """With zero_grad each backward finds it empty."""
    _, tape = record(tmp_path / "run.tape", lambda: _train(4, clears=True), probe="never")
    for kind in ("backward_start", "node", "accumulate", "step"):
        assert not any(one.is_stale for one in _buffers(tape, kind))
    assert [one.fills for one in _buffers(tape, "accumulate")] == [1] * 4
    assert [one.since for one in _buffers(tape, "accumulate")] == [1, 2, 3, 4]
    assert [one.fills for one in _buffers(tape, "zero_grad")] == [0] * 4


def test_micro_batches_fill_a_buffer_without_making_it_stale(tmp_path: Path) -> None:
    """Three backwards of one iteration add up on purpose."""
    _, tape = record(tmp_path / "run.tape", lambda: _train(2, clears=True, parts=3), probe="never")
    assert [(one.is_stale, one.fills) for one in _buffers(tape, "accumulate")] == [
        (False, 1), (False, 2), (False, 3), (False, 1), (False, 2), (False, 3),
    ]  # fmt: skip


def test_a_policy_makes_a_buffer_stale_from_its_iteration_on(tmp_path: Path) -> None:
    """off@3: the third backward is the first that adds to an old gradient."""
    _, tape = record(
        tmp_path / "run.tape",
        lambda: _train(5, clears=True),
        probe="never",
        changes=[Intervention("zero_grad", "off", 3)],
    )
    assert [(one.is_stale, one.fills) for one in _buffers(tape, "accumulate")] == [
        (False, 1), (False, 1), (True, 2), (True, 3), (True, 4),
    ]  # fmt: skip


def test_what_was_only_watched_is_not_counted(tmp_path: Path) -> None:
    """After watching, nobody knows how often a full buffer was filled; it is stale all the same."""
    depths = [Intervention("record", "watch", 2), Intervention("record", "full", 4)]
    _, stale = record(tmp_path / "stale.tape", lambda: _train(5, clears=False), probe="never", changes=depths)
    assert [(one.is_stale, one.fills) for one in _buffers(stale, "accumulate")] == [(False, 1), (True, -1), (True, -1)]
    _, clean = record(tmp_path / "clean.tape", lambda: _train(5, clears=True), probe="never", changes=depths)
    assert [(one.is_stale, one.fills) for one in _buffers(clean, "accumulate")] == [(False, 1)] * 3


# --- the learning rate from outside -----------------------------------------------------------------------------------


def _scheduled(override: Callable[[int], float | None], seen: list[float] | None = None) -> Outcome:
    """Train with a scheduler; the rate of some steps is another one than the script's."""
    x, y = _data()
    model = nn.Linear(3, 1)
    groups: list[dict[str, Any]] = [{"params": [model.weight]}, {"params": [model.bias], "lr": 0.02}]
    optimizer = optim.Adam(groups, lr=0.1)
    scheduler = optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)
    outcome = Outcome()
    for iteration in range(1, 7):
        optimizer.zero_grad()
        loss = (model(x) - y).pow(2).mean()
        loss.backward()
        own = [group["lr"] for group in optimizer.param_groups]
        rate = override(iteration)
        if rate is not None:
            for group in optimizer.param_groups:
                group["lr"] = rate
        optimizer.step()
        if rate is not None:
            for group, one in zip(optimizer.param_groups, own, strict=True):
                group["lr"] = one
        if seen is not None:
            seen += [group["lr"] for group in optimizer.param_groups]
        scheduler.step()
        outcome.losses.append(loss.item())
    return outcome.close(model.parameters(), [optimizer])


RATES = [Intervention("lr", "1e-4", 3), Intervention("lr", "script", 5)]


@pytest.mark.parametrize("depth", DEPTHS)
def test_learning_rate_is_used_for_the_steps_in_force_alone(depth: str, tmp_path: Path) -> None:
    """1e-4@3,script@5: two steps use it, the groups keep the script's own, and the scheduler goes on as written."""
    seen: list[float] = []
    traced, tape = record(
        tmp_path / "run.tape",
        lambda: _scheduled(lambda iteration: None, seen),
        probe="never",
        changes=[*RATES, *DEPTHS[depth]],
    )
    assert notes(tape) == []
    assert_same(traced, _scheduled(lambda iteration: 1e-4 if iteration in {3, 4} else None))
    bare: list[float] = []
    _scheduled(lambda iteration: None, bare)
    assert seen == bare
    steps = [event for event in tape.events() if event.kind == "step"]
    details = [detail for event in steps if isinstance(detail := tape.detail(event.seq), StepDetail)]
    assert [detail.learning_rates for detail in details] == [
        (0.1, 0.02), (0.1, 0.02), (1e-4, 1e-4), (1e-4, 1e-4), (0.025, 0.005), (0.025, 0.005),
    ]  # fmt: skip
    interventions = [event for event in tape.events() if event.kind == "intervention"]
    assert [event.iteration for event in interventions] == [3, 5]
    changes = [one for event in interventions if isinstance(one := tape.detail(event.seq), InterventionDetail)]
    assert [(one.what, one.before, one.after) for one in changes] == [
        ("lr", "script", "0.0001"),
        ("lr", "0.0001", "script"),
    ]


@pytest.mark.parametrize("kind", ["Adam", "LBFGS", "SGD"])
def test_learning_rate_as_a_tensor_or_in_a_closure(kind: str, tmp_path: Path) -> None:
    """A rate that is a tensor stays the script's tensor; a closure sees its own rate too once the step is over."""

    def script(rate: float | None) -> tuple[Outcome, list[bool]]:
        x, y = _data()
        model = nn.Linear(3, 1)
        own: Any = torch.tensor(0.1) if kind == "Adam" else 0.1
        make: Any = {"Adam": optim.Adam, "LBFGS": optim.LBFGS, "SGD": optim.SGD}[kind]
        optimizer = make(model.parameters(), lr=own)
        outcome, same = Outcome(), []

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            loss: torch.Tensor = (model(x) - y).pow(2).mean()
            loss.backward()
            outcome.losses.append(loss.item())
            return loss

        for _ in range(3):
            if rate is not None:
                optimizer.param_groups[0]["lr"] = torch.tensor(rate) if kind == "Adam" else rate
            optimizer.step(closure)
            if rate is not None:
                optimizer.param_groups[0]["lr"] = own
            same.append(optimizer.param_groups[0]["lr"] is own)
        return outcome.close(model.parameters(), [optimizer]), same

    (traced, same), tape = record(
        tmp_path / "run.tape", lambda: script(None), probe="never", changes=[Intervention("lr", "0.003")]
    )
    assert notes(tape) == []
    assert same == [True] * 3
    assert_same(traced, script(0.003)[0])


def test_rate_comes_back_after_a_step_that_raised(tmp_path: Path) -> None:
    """A closure that raises leaves the override to be undone before the next step at the latest."""

    def script() -> list[float]:
        w = torch.ones(2, requires_grad=True)
        optimizer = optim.SGD([w], lr=0.5)

        def closure() -> float:
            raise ValueError("no loss today")

        with pytest.raises(ValueError, match="today"):
            optimizer.step(closure)
        rates = [optimizer.param_groups[0]["lr"]]
        w.sum().backward()
        optimizer.step()
        return [*rates, optimizer.param_groups[0]["lr"], *w.tolist()]

    result, _ = record(tmp_path / "run.tape", script, probe="never", changes=[Intervention("lr", "0.25")])
    assert result == [0.5, 0.5, 0.75, 0.75]
