from __future__ import annotations

import contextlib
import itertools
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from torch import nn
from torch.utils import checkpoint as torch_checkpoint
from torch.utils.checkpoint import checkpoint

from gradb.frame.reader import Tape
from gradb.link.spec import Intervention
from gradb.tape.kinds.intervention import InterventionDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.writer import TapeWriter
from gradb.tracer.recording.recorder import Recorder
from gradb.tracer.source import syntax
from gradb.tracer.source.places import Places
from gradb.tracer.source.syntax import Names
from gradb.tracer.tensors.losses import Losses
from gradb.tracer.tensors.saving import Saving
from gradb.tracer.tensors.values import Snapshots
from gradb.tracer.watch import tracing
from gradb.tracer.watch.call import ForwardCall
from gradb.tracer.watch.gradients import GradWatch
from gradb.tracer.watch.optimizers import OptimizerState
from gradb.tracer.watch.policy import ZeroPolicy
from gradb.tracer.watch.scopes import ModuleScopes
from gradb.tracer.watch.step_events import StepEvents
from gradb.tracer.watch.visits import NodeVisit
from tests.tracer import injection
from tests.tracer.recording import notes, record


def train() -> list[float]:
    """Train three iterations and return the losses."""
    torch.manual_seed(0)
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = model(torch.ones(1, 2)).square().sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _broken(*_: object) -> NoReturn:
    raise ZeroDivisionError("a bug in gradb")


def test_a_bug_in_gradb_costs_one_event_each_and_not_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be recorded is a note in its place, of which the first is to be seen; all else is there."""
    plain = train()
    monkeypatch.setattr(StepEvents, "_record", _broken)
    losses, tape = record(tmp_path / "run.tape", train)
    assert losses == plain
    told = [event for event in tape.events() if event.kind == "note"]
    assert len(told) == 3
    assert [event.is_quiet for event in told] == [False, True, True]
    assert "a step not recorded here: ZeroDivisionError: a bug in gradb (step_events.py:" in notes(tape)[0]
    assert sum(event.kind == "backward_end" for event in tape.events()) == 3


def test_a_look_into_a_node_that_fails_reaches_no_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on while the node runs, where nothing guards it; what it costs are the calls of the node."""
    plain = train()
    monkeypatch.setenv("GRADB_ACCELERATOR", "off")  # what is broken here is Python's way
    monkeypatch.setattr(NodeVisit, "look_in", _broken)
    losses, tape = record(tmp_path / "run.tape", train)
    assert losses == plain
    assert {(failure.part, failure.is_event) for failure in tape.run.failures} == {("an ATen call", True)}
    assert sum(event.kind == "node" for event in tape.events()) > 9


def test_autograd_grad_clears_nothing(tmp_path: Path) -> None:
    """Under the policy on, gradients that a step has used are cleared before a backward, not before autograd.grad."""

    def script() -> tuple[bool, bool]:
        w = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.1)
        (w * 2).sum().backward()
        optimizer.step()
        torch.autograd.grad((w * 3).sum(), w)
        is_kept = w.grad is not None
        (w * 5).sum().backward()
        return is_kept, torch.equal(w.grad, torch.full((2,), 5.0))  # type: ignore[arg-type]

    assert record(tmp_path / "run.tape", script, changes=[Intervention("zero_grad", "on")])[0] == (True, True)


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, injection.Clean, deque[injection.Part]]:
    """The folder of the clean recording of the script that uses all of autograd, that, and every part at work in it."""
    folder = tmp_path_factory.mktemp("parts")
    return folder, injection.clean(folder), injection.parts(folder, [])


@pytest.mark.parametrize("always", [False, True])
@pytest.mark.parametrize("share", range(4))
def test_a_part_that_fails_does_no_harm(
    rich: tuple[Path, injection.Clean, deque[injection.Part]], share: int, always: bool, tmp_path: Path
) -> None:
    """Losses, gradients and weights have the same bits, the tape opens, and what is missing is on it and counted."""
    _, whole, parts = rich
    assert len(parts) > 250
    for part in itertools.islice(parts, 24 * share + 12 * always, None, 96):
        injection.check(part, tmp_path, whole, always=always)


def test_a_part_outside_of_the_guard_does_no_harm(
    rich: tuple[Path, injection.Clean, deque[injection.Part]], tmp_path: Path
) -> None:
    """What only has itself to keep its failures from the script is tried whole, and not in a sample."""
    _, whole, parts = rich
    bare = deque(part for part in parts if part.is_bare)
    assert len(bare) > 5
    for part in bare:
        injection.check(part, tmp_path, whole, always=True)


def test_an_event_is_recorded_once_whatever_fails_beside_it(
    rich: tuple[Path, injection.Clean, deque[injection.Part]], tmp_path: Path
) -> None:
    """What the gate keeps of a node that runs is lost, and not the event, which does not come again either."""
    _, whole, parts = rich
    kept = deque(part for part in parts if part.name in {"gate.Gate.begun", "gate.Gate.ended"})
    assert len(kept) == 2
    for part in kept:
        injection.check(part, tmp_path, whole, always=False)


@pytest.mark.parametrize("change", injection.CHANGES, ids=lambda change: f"{change.what} {change.value}")
def test_a_change_is_never_half_in_force(change: Intervention, tmp_path: Path) -> None:
    """Whatever fails: the change holds for all parameters, or ends for all, for good, and told."""
    parts = injection.parts(tmp_path, [change], injection.steer)
    known = deque(part for part in parts if part.name in _WHERE_IT_MATTERS)
    assert len(known) > 5
    assert injection.names() >= _WHERE_IT_MATTERS
    for part in {part.name: part for part in [*known, *itertools.islice(parts, 0, None, 120)]}.values():
        injection.check_change(part, tmp_path, change, always=False)


_WHERE_IT_MATTERS = frozenset(
    {"engine_run.BackwardRun.__init__", "backward.EngineWatch._prepare", "engine_run.BackwardRun._begin"}
    | {"gradients.GradWatch.before_backward", "gradients.GradWatch._refused", "gradients.GradWatch._suppressed"}
    | {"steps.StepWatch._before", "steps.StepWatch._attempt", "steps.StepWatch._after", "steps.StepWatch._restore"}
    | {"optimizers.OptimizerState.set_rate", "optimizers.OptimizerState.restore_rates", "policy.ZeroPolicy.left_out"}
    | {"policy.ZeroPolicy.clear", "policy.ZeroPolicy.used_by", "optimizers.OptimizerStates.of"}
)


@pytest.mark.parametrize(
    ("owner", "name", "part"),
    [
        (Snapshots, "_whole", "values"),
        (Names, "of_arguments", "names"),
        (Places, "_place", "places in the source"),
        (Saving, "_told", "saved tensors"),
        (Losses, "of", "losses"),
        (ForwardCall, "_told_arguments", "arguments"),
        (ModuleScopes, "_path", "scopes"),
    ],
)
def test_a_part_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, part: str) -> None:
    """The events are all there without it, a note says so once, and it is counted."""
    monkeypatch.setenv("GRADB_ACCELERATOR", "off")  # what is broken here is Python's way
    plain, clean = train(), [event.kind for event in record(tmp_path / "clean.tape", train)[1].events()]
    monkeypatch.setattr(owner, name, _broken)
    losses, tape = record(tmp_path / "run.tape", train)
    assert losses == plain
    assert [event.kind for event in tape.events() if event.kind != "note"] == clean
    assert sum(f"{part} could not be recorded here" in note for note in notes(tape)) == 1
    (failure,) = (one for one in tape.run.failures if one.part == part)
    assert failure.count > 1
    assert not failure.is_event


def test_a_value_that_is_missing_is_no_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that it was not recorded, and why."""
    monkeypatch.setenv("GRADB_ACCELERATOR", "off")  # what is broken here is Python's way
    monkeypatch.setattr(Snapshots, "_whole", _broken)
    _, tape = record(tmp_path / "run.tape", train)
    detail = next(tape.detail(event.seq) for event in tape.events() if event.name == "SumBackward0")
    assert isinstance(detail, OpDetail)
    value = detail.outputs[0].value
    assert value.data is None
    assert value.note.startswith("not recorded: ZeroDivisionError: a bug in gradb (values.py:")


@pytest.mark.parametrize(
    ("owner", "name", "change"),
    [
        (OptimizerState, "set_rate", Intervention("lr", "0.5")),
        (OptimizerState, "look_at_once", Intervention("lr", "0.5")),
        (GradWatch, "_suppressed", Intervention("zero_grad", "off")),
        (ZeroPolicy, "clear", Intervention("zero_grad", "on")),
    ],
)
def test_an_intervention_that_fails_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, change: Intervention
) -> None:
    """It is never half in force: the script runs as it is written, and the tape says from where on."""
    script = train if change.value != "on" else _never_clears
    plain = script()
    monkeypatch.setattr(owner, name, _broken)
    losses, tape = record(tmp_path / "run.tape", script, changes=[change])
    assert losses == plain
    told = [tape.detail(event.seq) for event in tape.events() if event.kind == "intervention"]
    before = change.value
    assert told == [
        InterventionDetail(change.what, "script", before),
        InterventionDetail(change.what, before, "script"),
    ]
    assert sum("ends here, since it could not be carried out" in note for note in notes(tape)) == 1


def _never_clears() -> list[float]:
    w, losses = torch.ones(2, requires_grad=True), []
    optimizer = torch.optim.SGD([w], lr=0.1)
    for _ in range(3):
        loss = (w * w).sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_the_end_of_the_stack_costs_the_events_there(tmp_path: Path) -> None:
    """A RecursionError that the script catches ends nothing: what follows is recorded."""

    def deep(x: torch.Tensor) -> torch.Tensor:
        return deep(x * 1)

    def script() -> float:
        w = torch.ones(2, requires_grad=True)
        with pytest.raises(RecursionError):
            deep(w)
        loss = (w * 2).sum()
        loss.backward()
        return loss.item()

    loss, tape = record(tmp_path / "run.tape", script)
    assert loss == 4
    assert [event.kind for event in tape.events() if event.kind != "note"][-1] == "backward_end"


def test_what_is_lost_without_a_word_keeps_its_first_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not even the loss of an event can be told, what it was lost by and where is told later, of the first."""

    def speechless(*_: object, **__: object) -> NoReturn:
        raise RecursionError

    monkeypatch.setattr(ForwardCall, "after", _broken)
    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "lost", speechless)
        losses, tape = record(tmp_path / "run.tape", train)
    assert len(losses) == 3
    first = next(text for text in notes(tape) if "end of the stack" in text)
    assert re.search(r"ZeroDivisionError \(composer\.py:\d+\); more could not be said", first)


def test_a_parser_that_fails_costs_the_names_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's parser cannot be called from inside of itself: the place is known all the same, and the names later."""
    genuine, calls = syntax.index, [0]

    def index(text: str) -> syntax.Index:
        calls[0] += 1
        if calls[0] == 1:
            raise SystemError("AST constructor recursion depth mismatch")
        return genuine(text)

    monkeypatch.setattr("gradb.tracer.source.files.index", index)
    _, tape = record(tmp_path / "run.tape", train)
    assert [(one.part, one.count) for one in tape.run.failures] == [("names", 1)]
    assert all(event.line for event in tape.events() if event.kind == "op")
    assert "loss" in tape.frame(tape.head).names


def test_a_path_that_is_no_utf_8_is_stored(tmp_path: Path) -> None:
    """What cannot be written in UTF-8 is replaced, and costs nothing else."""
    with contextlib.closing(TapeWriter(tmp_path / "run.tape")) as writer:
        writer.set_run(script="n\udcffo.py")
        writer.source("n\udcffo.py", "x = 1")
    with Tape.open(tmp_path / "run.tape") as tape:
        assert tape.run.script == "n?o.py"
        assert tape.source_text("n?o.py") == "x = 1"


def _checkpointed() -> list[float]:
    """Run both kinds of checkpoints, and return a gradient."""
    leaf = torch.ones(2, requires_grad=True)
    y = checkpoint(lambda x: torch.cos(torch.exp(x)), leaf * 2, use_reentrant=False)  # ends before it is through
    z = checkpoint(torch.sin, leaf * 3, use_reentrant=True)
    (y + z).sum().backward()
    assert leaf.grad is not None
    return [float(value) for value in leaf.grad]


def _recomputed(tape: Tape) -> set[str]:
    details = [tape.detail(event.seq) for event in tape.events()]
    return {detail.function for detail in details if isinstance(detail, OpDetail) and detail.is_recomputed}


@pytest.mark.parametrize(
    ("owner", "name", "what", "left"),
    [
        (torch_checkpoint, "_CheckpointFrame", "what a checkpoint computes again", {"torch.sin"}),
        (torch_checkpoint, "CheckpointFunction", "what a reentrant checkpoint computes again", {"torch.exp"}),
        (torch.autograd.function, "BackwardCFunction", "what a custom backward computes", {"torch.exp", "torch.sin"}),
    ],
)
def test_what_this_torch_lacks_costs_the_part_that_rests_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, what: str, left: set[str]
) -> None:
    """A private name of torch's that another version has no more: what it served is missing, which is said at once."""
    plain = _checkpointed()
    installed = tracing._installed

    def without(*args: object) -> Iterator[tuple[str, Exception]]:
        with monkeypatch.context() as patch:
            patch.delattr(owner, name)
            yield from list(installed(*args))  # type: ignore[arg-type]

    monkeypatch.setattr(tracing, "_installed", without)
    found, tape = record(tmp_path / "run.tape", _checkpointed)
    assert found == plain
    assert _recomputed(tape) == left
    (note,) = notes(tape)
    assert f"{what} not recorded here: AttributeError" in note
    assert name in note
    assert "accumulate" in {event.kind for event in tape.events()}
