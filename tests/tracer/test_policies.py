"""The zero_grad policy, bit for bit: `off` is the script with its calls deleted, `on` the script with correct calls."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn, optim
from torch.optim import optimizer as optimizer_hooks

from gradb.frame.reader import Tape
from gradb.link.spec import Intervention
from gradb.tape.kinds.intervention import InterventionDetail
from gradb.tape.kinds.zero_grad import ZeroGradDetail
from gradb.tracer.recording import interventions
from tests.tracer.exact import Outcome, assert_same, kept
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch

Parameters = list[nn.Parameter]
Clear = Callable[[nn.Module, optim.Optimizer], Any]
"""How a script clears the gradients of its model."""
ITERATIONS = 4
"""So many that an optimizer makes its state, uses it, and builds on what it made of it, once more."""


def _nothing(model: nn.Module, optimizer: optim.Optimizer) -> None:
    """Clear nothing: the call was deleted, or never written."""


def _zero_each(model: nn.Module, optimizer: optim.Optimizer) -> None:
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad.zero_()


def _zero_each_data(model: nn.Module, optimizer: optim.Optimizer) -> None:
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad.data.zero_()


def _zero_together(model: nn.Module, optimizer: optim.Optimizer) -> None:
    if grads := [parameter.grad for parameter in model.parameters() if parameter.grad is not None]:
        torch._foreach_zero_(grads)


def _set_to_none(model: nn.Module, optimizer: optim.Optimizer) -> None:
    for parameter in model.parameters():
        parameter.grad = None


def _delete(model: nn.Module, optimizer: optim.Optimizer) -> None:
    for parameter in model.parameters():
        del parameter.grad


IDIOMS: dict[str, Clear] = {
    "optimizer.zero_grad": lambda model, optimizer: optimizer.zero_grad(),
    "optimizer.zero_grad to zeros": lambda model, optimizer: optimizer.zero_grad(set_to_none=False),
    "module.zero_grad": lambda model, optimizer: model.zero_grad(),
    "module.zero_grad to zeros": lambda model, optimizer: model.zero_grad(set_to_none=False),
    "grad.zero_": _zero_each,
    "grad.data.zero_": _zero_each_data,
    "_foreach_zero_": _zero_together,
    "grad = None": _set_to_none,
    "del grad": _delete,
}
KINDS: dict[str, Callable[[Parameters], optim.Optimizer]] = {
    "SGD": lambda ps: optim.SGD(ps, lr=0.01),
    "SGD momentum": lambda ps: optim.SGD(ps, lr=0.01, momentum=0.9),
    "Adam": lambda ps: optim.Adam(ps, lr=0.01),
    "RMSprop": lambda ps: optim.RMSprop(ps, lr=0.01),
    "LBFGS": lambda ps: optim.LBFGS(ps, lr=0.1, max_iter=3),
}
OFF, ON = Intervention("zero_grad", "off"), Intervention("zero_grad", "on")
WATCH = Intervention("record", "watch")
DEPTHS = {"full": (), "watch": (WATCH,)}


def train(kind: str, clear: Clear, when: str = "before") -> Outcome:
    """Train a small network; gradients are cleared at the start of an iteration, before the backward or at its end."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.2), nn.Linear(4, 2))
    x, y = torch.randn(6, 3), torch.randn(6, 2)
    optimizer = KINDS[kind](list(model.parameters()))
    outcome = Outcome()

    def closure() -> torch.Tensor:
        if when == "start":
            clear(model, optimizer)
        loss: torch.Tensor = (model(x) - y).pow(2).mean()
        if when == "before":
            clear(model, optimizer)
        loss.backward()
        outcome.losses.append(loss.item())
        return loss

    for _ in range(ITERATIONS):
        if kind == "LBFGS":
            optimizer.step(closure)  # type: ignore[arg-type]
        else:
            closure()
            optimizer.step()
        if when == "end":
            clear(model, optimizer)
    return outcome.close(model.parameters(), [optimizer])


@functools.cache
def bare(kind: str, idiom: str | None, when: str = "before") -> Outcome:
    """Train without gradb, once for all that are held against it; None: nothing is cleared."""
    return train(kind, _nothing if idiom is None else IDIOMS[idiom], when)


def _traced(path: Path, function: Callable[[], Outcome], *changes: Intervention) -> tuple[Outcome, Tape]:
    outcome, tape = record(path, function, probe="never", changes=changes)
    assert [note for note in notes(tape) if "numbered anew" not in note] == []
    return outcome, tape


def _interventions(tape: Tape) -> list[tuple[int, str, str, str]]:
    found = [event for event in tape.events() if event.kind == "intervention"]
    details = [(event.iteration, tape.detail(event.seq)) for event in found]
    return [(at, one.what, one.before, one.after) for at, one in details if isinstance(one, InterventionDetail)]


def _series(tape: Tape, kind: str) -> list[tuple[int, float]]:
    """Return the points of the only series of a kind, as (iteration, value); empty where there is none."""
    found = [series for series in tape.series if series.kind == kind]
    assert len(found) < 2
    return [
        (iteration, value)
        for series in found
        for iteration, value in list(zip(series.iterations, series.values, strict=True))[: series.count]
    ]


def _clearings(tape: Tape) -> list[tuple[int, ZeroGradDetail]]:
    events = [event for event in tape.events() if event.kind == "zero_grad"]
    return [(event.seq, detail) for event in events if isinstance(detail := tape.detail(event.seq), ZeroGradDetail)]


# --- off --------------------------------------------------------------------------------------------------------------


@pytest.mark.pairs(idiom=IDIOMS, kind=["SGD momentum", "Adam", "LBFGS"], depth=DEPTHS)
def test_off_is_the_script_with_its_calls_deleted(idiom: str, kind: str, depth: str, tmp_path: Path) -> None:
    """Under `off` every idiom does nothing, whatever the optimizer and however deep the recording."""
    traced, tape = _traced(tmp_path / "run.tape", lambda: train(kind, IDIOMS[idiom]), OFF, *DEPTHS[depth])
    assert_same(traced, bare(kind, None))
    assert _interventions(tape) == [(1, "zero_grad", "script", "off")]
    assert _series(tape, "suppressed")
    assert not _series(tape, "inserted")


@pytest.mark.parametrize("when", ["start", "before", "end"])
def test_off_counts_the_calls_it_suppressed(when: str, tmp_path: Path) -> None:
    """Each call of optimizer.zero_grad counts once, and the tape says which call did nothing."""
    traced, tape = _traced(tmp_path / "run.tape", lambda: train("SGD", IDIOMS["optimizer.zero_grad"], when), OFF)
    assert_same(traced, bare("SGD", None))
    counts = [value for _, value in _series(tape, "suppressed")]
    assert counts == list(range(1, ITERATIONS + 1))
    details = [detail for _, detail in _clearings(tape)]
    assert [detail.is_suppressed for detail in details] == [True] * ITERATIONS
    assert {detail.idiom for detail in details} == {"optimizer.zero_grad"}
    assert tape.frame(tape.head).training.touched == ITERATIONS


def test_a_suppressed_call_leaves_the_values_as_they_are(tmp_path: Path) -> None:
    """Its event has the same values before and after, and the buffers shown there are those of the event before."""
    _, tape = _traced(tmp_path / "run.tape", lambda: train("SGD", IDIOMS["optimizer.zero_grad"], "end"), OFF)
    for seq, detail in _clearings(tape):
        assert len(detail.cleared) == 4
        for row in detail.cleared:
            assert row.before is not None
            assert kept(row.before) == kept(row.after)
        shown = [kept(buffer.after) for buffer in tape.frame(seq).grads]
        assert shown == [kept(buffer.after) for buffer in tape.frame(seq - 1).grads]
        assert sorted(map(str, shown)) == sorted(str(kept(row.after)) for row in detail.cleared)


@pytest.mark.parametrize("idiom", IDIOMS)
def test_off_leaves_the_buffers_on_the_tape_as_torch_has_them(idiom: str, tmp_path: Path) -> None:
    """The last Frame shows what the gradients really are, each the sum of all iterations."""
    traced, tape = _traced(tmp_path / "run.tape", lambda: train("SGD", IDIOMS[idiom], "end"), OFF)
    buffers = tape.frame(tape.head).grads
    assert sorted(str(kept(buffer.after)) for buffer in buffers) == sorted(
        str((dtype.removeprefix("torch."), shape, data)) for dtype, shape, data in traced.gradients
    )
    assert {(buffer.fills, buffer.since) for buffer in buffers} == {(ITERATIONS, 1)}


def test_off_spares_what_clears_no_gradient(tmp_path: Path) -> None:
    """Zeroing other tensors, and giving `.grad` a value, work as ever under `off`."""

    def script() -> list[Any]:
        a = torch.tensor([1.0, 2.0], requires_grad=True)
        other = torch.ones(2)
        (a * other).sum().backward()
        other.zero_()
        a.grad = torch.tensor([5.0, 6.0])
        kept_grad = a.grad.clone()
        a.grad.mul_(2)
        return [other.tolist(), kept_grad.tolist(), a.grad.tolist()]

    result, _ = record(tmp_path / "run.tape", script, changes=[OFF])
    assert result == [[0, 0], [5, 6], [10, 12]]


# --- on ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_on_makes_up_for_calls_that_are_missing(kind: str, depth: str, tmp_path: Path) -> None:
    """A script that never clears trains under `on` as one that does; gradb says how often it helped."""
    traced, tape = _traced(tmp_path / "run.tape", lambda: train(kind, _nothing), ON, *DEPTHS[depth])
    assert_same(traced, bare(kind, "optimizer.zero_grad"))
    assert _interventions(tape) == [(1, "zero_grad", "script", "on")]
    counts = [value for _, value in _series(tape, "inserted")]
    assert counts == list(range(1, len(traced.losses)))
    assert not _series(tape, "suppressed")


def test_on_writes_an_event_for_what_it_cleared(tmp_path: Path) -> None:
    """From the second iteration on, before the backward, the policy's own clearing is on the tape."""
    _, tape = _traced(tmp_path / "run.tape", lambda: train("SGD", _nothing), ON)
    clearings = _clearings(tape)
    assert [tape.event(seq).iteration for seq, _ in clearings] == list(range(2, ITERATIONS + 1))
    for seq, detail in clearings:
        assert (detail.idiom, detail.is_suppressed, len(detail.cleared)) == ("policy on", False, 4)
        assert all(row.before is not None and row.after is None for row in detail.cleared)
        assert tape.event(seq + 1).kind == "backward_start"
        assert not any(buffer.is_stale for buffer in tape.frame(seq + 1).grads)


@pytest.mark.pairs(idiom=IDIOMS, when=["start", "before", "end"], depth=DEPTHS)
def test_on_adds_nothing_where_the_calls_are_right(idiom: str, when: str, depth: str, tmp_path: Path) -> None:
    """A script with correct calls, wherever they stand, is the same under `on`, and gradb had nothing to clear."""

    def script() -> Outcome:
        return train("SGD momentum", IDIOMS[idiom], when)

    traced, tape = _traced(tmp_path / "run.tape", script, ON, *DEPTHS[depth])
    assert_same(traced, bare("SGD momentum", idiom, when))
    assert not _series(tape, "inserted")


@pytest.mark.pairs(kind=KINDS, idiom=["optimizer.zero_grad", "optimizer.zero_grad to zeros"], depth=DEPTHS)
def test_on_and_correct_calls_agree_for_every_kind(kind: str, idiom: str, depth: str, tmp_path: Path) -> None:
    """The same for the other optimizers."""

    def script() -> Outcome:
        return train(kind, IDIOMS[idiom])

    traced, _ = _traced(tmp_path / "run.tape", script, ON, *DEPTHS[depth])
    assert_same(traced, bare(kind, idiom))


def _micro_batches(clear: Clear) -> Outcome:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    x, y = torch.randn(8, 3), torch.randn(8, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
    outcome = Outcome()
    for _ in range(4):
        clear(model, optimizer)
        for x_part, y_part in zip(x.chunk(4), y.chunk(4), strict=True):
            loss = (model(x_part) - y_part).pow(2).mean() / 4
            loss.backward()
            outcome.losses.append(loss.item())
        optimizer.step()
    return outcome.close(model.parameters(), [optimizer])


def _gan(clear: Clear) -> Outcome:
    """Train a discriminator and a generator in turn, the discriminator first."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2))
    discriminator = nn.Sequential(nn.Linear(2, 4), nn.LeakyReLU(), nn.Linear(4, 1))
    of_g = optim.Adam(generator.parameters(), lr=0.01)
    of_d = optim.Adam(discriminator.parameters(), lr=0.01)
    criterion, outcome = nn.BCEWithLogitsLoss(), Outcome()
    for _ in range(4):
        clear(discriminator, of_d)
        fake = generator(torch.randn(4, 2))
        on_real = criterion(discriminator(torch.randn(4, 2) + 3), torch.ones(4, 1))
        on_real.backward()
        on_fake = criterion(discriminator(fake.detach()), torch.zeros(4, 1))
        on_fake.backward()
        of_d.step()
        clear(generator, of_g)
        loss = criterion(discriminator(fake), torch.ones(4, 1))
        loss.backward()
        of_g.step()
        outcome.losses += [on_real.item(), on_fake.item(), loss.item()]
    return outcome.close([*generator.parameters(), *discriminator.parameters()], [of_g, of_d])


def _shared(clear: Clear) -> Outcome:
    """Train two halves of one network with an optimizer each, which step one after the other."""
    torch.manual_seed(0)
    encoder, decoder = nn.Linear(3, 2), nn.Linear(2, 3)
    both = nn.Sequential(encoder, decoder)
    first, second = optim.SGD(encoder.parameters(), lr=0.1), optim.Adam(decoder.parameters(), lr=0.1)
    outcome = Outcome()
    for _ in range(4):
        x = torch.randn(5, 3)
        clear(both, first)
        clear(both, second)
        loss = (both(x) - x).pow(2).mean()
        loss.backward()
        first.step()
        second.step()
        outcome.losses.append(loss.item())
    return outcome.close(both.parameters(), [first, second])


def _sometimes_unused(clear: Clear) -> Outcome:
    """Train two heads, of which each iteration uses one: the other's gradient is None, and Adam leaves it alone."""
    torch.manual_seed(0)
    model = nn.ModuleList([nn.Linear(3, 1), nn.Linear(3, 1)])
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    outcome = Outcome()
    for iteration in range(6):
        clear(model, optimizer)
        loss = model[iteration % 2](torch.randn(4, 3)).pow(2).mean()
        loss.backward()
        optimizer.step()
        outcome.losses.append(loss.item())
    return outcome.close(model.parameters(), [optimizer])


def _scheduled_and_clipped(clear: Clear) -> Outcome:
    """Train with a scheduler, which wraps the optimizer's step, and with gradients clipped in between."""
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    optimizer = optim.AdamW(model.parameters(), lr=0.1)
    scheduler = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    outcome = Outcome()
    for _ in range(4):
        loss = model(torch.randn(4, 3)).pow(2).mean()
        clear(model, optimizer)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
        scheduler.step()
        outcome.losses.append(loss.item())
    return outcome.close(model.parameters(), [optimizer])


class _OwnIdea(optim.SGD):
    """An optimizer with a zero_grad of its own."""

    def zero_grad(self, set_to_none: bool = True) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None


def _own_zero_grad(clear: Clear) -> Outcome:
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    optimizer = _OwnIdea(model.parameters(), lr=0.1)
    outcome = Outcome()
    for _ in range(4):
        clear(model, optimizer)
        loss = model(torch.randn(4, 3)).pow(2).mean()
        loss.backward()
        optimizer.step()
        outcome.losses.append(loss.item())
    return outcome.close(model.parameters(), [optimizer])


def _in_two_passes(clear: Clear) -> Outcome:
    """Run two backwards through one graph before each step."""
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    outcome = Outcome()
    for _ in range(4):
        clear(model, optimizer)
        first, second = model(torch.randn(4, 3)).pow(2).mean(dim=0)
        first.backward(retain_graph=True)
        second.backward()
        optimizer.step()
        outcome.losses += [first.item(), second.item()]
    return outcome.close(model.parameters(), [optimizer])


def _by_hand(clear: Clear) -> Outcome:
    """Update parameters under no_grad, without an optimizer."""
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    x, y = torch.randn(6, 3), torch.randn(6, 1)
    nobody = optim.SGD([torch.zeros(1)], lr=0.0)
    outcome = Outcome()
    for _ in range(5):
        loss = (model(x) - y).pow(2).mean()
        clear(model, nobody)
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                assert parameter.grad is not None
                parameter.sub_(parameter.grad, alpha=0.1)
        outcome.losses.append(loss.item())
    return outcome.close(model.parameters())


def _by_hand_through_data(clear: Clear) -> Outcome:
    """Update parameters through `.data`, in place and by setting it."""
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    x, y = torch.randn(6, 3), torch.randn(6, 1)
    nobody = optim.SGD([torch.zeros(1)], lr=0.0)
    outcome = Outcome()
    for _ in range(5):
        loss = (model(x) - y).pow(2).mean()
        clear(model, nobody)
        loss.backward()
        assert model.weight.grad is not None
        assert model.bias.grad is not None
        model.weight.data.add_(model.weight.grad.data, alpha=-0.1)
        model.bias.data = model.bias.data - 0.1 * model.bias.grad
        outcome.losses.append(loss.item())
    return outcome.close(model.parameters())


def _by_hand_without_optimizer(clear: Clear) -> Outcome:
    """Update two plain leaves as the tutorials do; no optimizer was ever made."""
    torch.manual_seed(0)
    a, b = torch.randn((), requires_grad=True), torch.randn((), requires_grad=True)
    x = torch.linspace(-1, 1, 20)
    holder = nn.Module()
    outcome = Outcome()
    for _ in range(5):
        loss = (a + b * x - torch.sin(x)).pow(2).sum()
        loss.backward()
        outcome.losses.append(loss.item())
        with torch.no_grad():
            a -= 1e-2 * a.grad  # type: ignore[operator]
            b -= 1e-2 * b.grad  # type: ignore[operator]
            if clear is not _nothing:
                a.grad, b.grad = None, None
    clear(holder, None)  # type: ignore[arg-type]
    return outcome.close([a, b])


SCRIPTS: dict[str, tuple[Callable[[Clear], Outcome], Clear]] = {
    "micro-batches": (_micro_batches, IDIOMS["optimizer.zero_grad"]),
    "gan": (_gan, IDIOMS["optimizer.zero_grad"]),
    "two optimizers, one backward": (_shared, IDIOMS["optimizer.zero_grad"]),
    "heads in turn": (_sometimes_unused, IDIOMS["optimizer.zero_grad"]),
    "scheduled and clipped": (_scheduled_and_clipped, IDIOMS["optimizer.zero_grad"]),
    "zero_grad of its own": (_own_zero_grad, IDIOMS["optimizer.zero_grad"]),
    "two passes": (_in_two_passes, IDIOMS["optimizer.zero_grad"]),
    "by hand": (_by_hand, _set_to_none),
    "by hand through data": (_by_hand_through_data, _set_to_none),
    "by hand without optimizer": (_by_hand_without_optimizer, lambda model, optimizer: None),
}


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", SCRIPTS)
def test_on_is_right_for_every_shape_of_loop(name: str, depth: str, tmp_path: Path) -> None:
    """A loop without its calls computes under `on` what it computes with them."""
    script, clear = SCRIPTS[name]
    traced, tape = _traced(tmp_path / "run.tape", lambda: script(_nothing), ON, *DEPTHS[depth])
    bare = script(clear)
    assert_same(traced, bare, with_gradients=False)
    assert _series(tape, "inserted")


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("idiom", IDIOMS)
def test_on_clears_the_way_the_script_does(idiom: str, depth: str, tmp_path: Path) -> None:
    """Where the script clears at times, to None or to zeros, gradb does the rest likewise: Adam sees the difference."""

    def at_times(model: nn.Module, optimizer: optim.Optimizer) -> None:
        calls.append(None)
        if len(calls) in {2, 3}:
            IDIOMS[idiom](model, optimizer)

    calls: list[None] = []
    traced, _ = _traced(tmp_path / "run.tape", lambda: _sometimes_unused(at_times), ON, *DEPTHS[depth])
    assert_same(traced, _sometimes_unused(IDIOMS[idiom]))


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", SCRIPTS)
def test_on_leaves_every_shape_of_correct_loop_alone(name: str, depth: str, tmp_path: Path) -> None:
    """The same loops with their calls are the same under `on`."""
    script, clear = SCRIPTS[name]
    traced, _ = _traced(tmp_path / "run.tape", lambda: script(clear), ON, *DEPTHS[depth])
    assert_same(traced, script(clear), with_gradients=name != "gan")  # the discriminator's last one is used up


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", SCRIPTS)
def test_off_is_right_for_every_shape_of_loop(name: str, depth: str, tmp_path: Path) -> None:
    """The same loops with their calls are under `off` what they are without."""
    script, clear = SCRIPTS[name]
    traced, _ = _traced(tmp_path / "run.tape", lambda: script(clear), OFF, *DEPTHS[depth])
    assert_same(traced, script(_nothing))


# --- switches ---------------------------------------------------------------------------------------------------------


def _train_by_plan(plan: Callable[[int], bool]) -> Outcome:
    """Train for eight iterations; gradients are cleared before the backward of those that the plan names."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    x, y = torch.randn(6, 3), torch.randn(6, 2)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    outcome = Outcome()
    for iteration in range(1, 9):
        if plan(iteration):
            optimizer.zero_grad()
        loss = (model(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
        outcome.losses.append(loss.item())
    return outcome.close(model.parameters(), [optimizer])


def _with_calls() -> Outcome:
    return _train_by_plan(lambda iteration: True)


def _without_calls() -> Outcome:
    return _train_by_plan(lambda iteration: False)


ADJUSTABLE = [
    Intervention("zero_grad", "off", 3),
    Intervention("zero_grad", "on", 5),
    Intervention("zero_grad", "script", 7),
]


@pytest.mark.parametrize("depth", DEPTHS)
def test_policy_changes_at_its_iteration(depth: str, tmp_path: Path) -> None:
    """off@3,on@5,script@7 is the script with calls in all iterations but 3 and 4, and the tape says when and how."""
    traced, tape = _traced(tmp_path / "run.tape", _with_calls, *ADJUSTABLE, *DEPTHS[depth])
    assert_same(traced, _train_by_plan(lambda iteration: iteration not in {3, 4}))
    assert _interventions(tape) == [
        (3, "zero_grad", "script", "off"),
        (5, "zero_grad", "off", "on"),
        (7, "zero_grad", "on", "script"),
    ]
    assert _series(tape, "suppressed") == [(3, 1), (4, 2)]
    marks = [(mark.iteration, mark.value) for mark in tape.frame(tape.head).training.marks if mark.what == "zero_grad"]
    assert marks == [(3, "off"), (5, "on"), (7, "script")]


@pytest.mark.parametrize("depth", DEPTHS)
def test_policy_changes_where_the_script_has_no_calls(depth: str, tmp_path: Path) -> None:
    """The same on a script that never clears: only 5 and 6 begin with cleared gradients."""
    traced, tape = _traced(tmp_path / "run.tape", _without_calls, *ADJUSTABLE, *DEPTHS[depth])
    assert_same(traced, _train_by_plan(lambda iteration: iteration in {5, 6}))
    assert _series(tape, "inserted") == [(5, 1), (6, 2)]
    assert not _series(tape, "suppressed")


def test_counts_begin_anew_with_each_policy(tmp_path: Path) -> None:
    """off, script, off again: the second period counts from one, and the view at a position knows its period."""
    changes = [
        Intervention("zero_grad", "off", 2),
        Intervention("zero_grad", "script", 4),
        Intervention("zero_grad", "off", 6),
    ]
    _, tape = _traced(tmp_path / "run.tape", _with_calls, *changes)
    assert _series(tape, "suppressed") == [(2, 1), (3, 2), (6, 1), (7, 2), (8, 3)]
    seen = {}
    for event in tape.events():
        if event.kind == "step":
            training = tape.frame(event.seq).training
            seen[event.iteration] = (training.policy.value if training.policy else None, training.touched)
    off = ("off", 1)
    assert seen == {
        1: (None, 0),
        2: off,
        3: ("off", 2),
        4: (None, 0),
        5: (None, 0),
        6: off,
        7: ("off", 2),
        8: ("off", 3),
    }


def test_a_change_in_depth_does_not_disturb_the_policy(tmp_path: Path) -> None:
    """Watching from the third iteration to the sixth makes no difference to what `off` and `on` do."""
    depths = [Intervention("record", "watch", 3), Intervention("record", "full", 6)]
    for change, script, same in ((OFF, _with_calls, _without_calls), (ON, _without_calls, _with_calls)):
        traced, _ = _traced(tmp_path / f"{change.value}.tape", script, change, *depths)
        assert_same(traced, same())


# --- traces -----------------------------------------------------------------------------------------------------------


def _installed() -> list[Any]:
    hooks = (optimizer_hooks._global_optimizer_pre_hooks, optimizer_hooks._global_optimizer_post_hooks)
    return [
        *(optim.Optimizer.__init__, optim.Optimizer.zero_grad, nn.Module.zero_grad),
        torch.autograd.graph._engine_run_backward,
        torch._C._len_torch_function_stack(),
        *(len(one) for one in hooks),
    ]


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("policy", ["off", "on"])
def test_a_policy_leaves_nothing_installed(policy: str, depth: str, tmp_path: Path) -> None:
    """After a run under a policy torch is as it was, and the same script computes what it is written to."""
    bare, before = _with_calls(), _installed()
    _traced(tmp_path / "run.tape", _with_calls, Intervention("zero_grad", policy), *DEPTHS[depth])
    assert _installed() == before
    assert_same(_with_calls(), bare)


# --- the end ----------------------------------------------------------------------------------------------------------


def test_a_clear_after_the_last_step_makes_no_iteration(tmp_path: Path) -> None:
    """That it was suppressed is counted, and the script has as many iterations as steps."""

    def script() -> None:
        w = torch.ones(2, requires_grad=True)
        optimizer = optim.SGD([w], lr=0.1)
        for _ in range(4):
            w.pow(2).sum().backward()
            optimizer.step()
            w.grad = torch.zeros_like(w)

    _, tape = record(tmp_path / "run.tape", script, probe="never", changes=[Intervention("zero_grad", "off", 2)])
    training = tape.frame(tape.head).training
    assert (training.iterations, training.iteration, training.touched) == (4, 5, 4)


def test_a_depth_that_fails_leaves_the_rate_and_the_depth_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be switched to is not in force, and another change that is stays so."""

    def script() -> list[float]:
        w = torch.tensor([1.0], requires_grad=True)
        optimizer = optim.SGD([w], lr=0.1)
        for _ in range(4):
            optimizer.zero_grad()
            w.sum().backward()
            optimizer.step()
        return w.tolist()

    rate = Intervention("lr", "0.5", 1)
    alone, _ = record(tmp_path / "alone.tape", script, changes=[rate])

    def fail(**_: Any) -> str:
        raise RuntimeError("not today")

    monkeypatch.setattr(interventions, "write_depth", fail)
    result, tape = record(tmp_path / "run.tape", script, changes=[rate, Intervention("record", "watch", 3)])
    details = [tape.detail(event.seq) for event in tape.events() if event.kind == "intervention"]
    assert [(one.what, one.after) for one in details if isinstance(one, InterventionDetail)] == [("lr", "0.5")]
    assert result == alone
    assert sum(event.kind == "accumulate" for event in tape.events()) == 4
    assert any("not today" in note for note in notes(tape))
