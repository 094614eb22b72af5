"""The loss that is plotted is the script's: not times a scale, and where it is a part of it, called so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from gradb.frame.reader import Tape
from gradb.link.spec import Intervention
from gradb.present.draw.text import to_text
from gradb.present.lines.headline import headline
from gradb.present.options import Options
from gradb.present.panes.table import PANES
from gradb.tape.kinds.step import StepDetail
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch

DEPTHS: dict[str, tuple[Intervention, ...]] = {"full": (), "watch": (Intervention("record", "watch"),)}


class Training:
    """A model, its data and an optimizer; ``seen`` are the losses that the script itself knows."""

    def __init__(self, scale: float = 2.0**16) -> None:
        torch.manual_seed(0)
        self.model = nn.Linear(2, 1)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=2)
        self.x, self.y = 10 * torch.randn(8, 2), torch.randn(8, 1)
        self.clips = False
        self.seen: list[float] = []
        self.scales: list[float] = []

    def criterion(self) -> torch.Tensor:
        loss = nn.functional.mse_loss(self.model(self.x), self.y)
        self.seen.append(loss.item())
        return loss


def _series(tape: Tape, kind: str) -> dict[str, list[float]]:
    return {one.name: list(one.values[: one.count]) for one in tape.series if one.kind == kind}


def scaled(training: Training) -> None:
    for _ in range(4):
        criterion = training.criterion()
        training.optimizer.zero_grad()
        training.scales.append(training.scaler.get_scale())
        training.scaler.scale(criterion).backward()
        if training.clips:
            training.scaler.unscale_(training.optimizer)
            nn.utils.clip_grad_norm_(training.model.parameters(), 1.0)
        training.scaler.step(training.optimizer)
        training.scaler.update()


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_scaled_loss_is_told_as_the_scripts(depth: str, tmp_path: Path) -> None:
    """The series has its name and its values, and the scale is a series of its own."""
    training = Training()
    _, tape = record(tmp_path / "run.tape", lambda: scaled(training), probe="never", changes=DEPTHS[depth])
    assert notes(tape) == []
    assert _series(tape, "loss") == {"criterion": training.seen}
    assert _series(tape, "loss_scale") == {"scale": training.scales}
    assert "loss scale" in to_text(PANES["training"].render(tape.frame(tape.head), Options(width=100)), 100)


def test_several_scaled_roots_are_told_apart(tmp_path: Path) -> None:
    """Each of a list that a scaler multiplied has its own value."""
    training = Training()

    def script() -> None:
        both = training.scaler.scale([training.criterion(), training.criterion() * 3])
        torch.autograd.backward(list(both))

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    first, second = training.seen
    assert list(_series(tape, "loss").values()) == [[first], [pytest.approx(3 * second)]]


@pytest.mark.parametrize("clips", [False, True])
@pytest.mark.parametrize("depth", DEPTHS)
def test_a_step_that_is_skipped_is_an_iteration(depth: str, clips: bool, tmp_path: Path) -> None:
    """Every one says what was not finite; the losses are the script's, though times the scale they overflow."""
    training = Training(scale=2.0**127)
    training.clips = clips
    _, tape = record(tmp_path / "run.tape", lambda: scaled(training), probe="never", changes=DEPTHS[depth])
    assert notes(tape) == []
    steps = [event for event in tape.events() if event.kind == "step"]
    assert [event.iteration for event in steps] == [1, 2, 3, 4]
    details = [one for event in steps if isinstance(one := tape.detail(event.seq), StepDetail)]
    name = "weight" if depth == "full" else "parameter 1"
    assert all(one.skipped.startswith("inf in ") and one.skipped.endswith(f"{name}.grad") for one in details)
    assert _series(tape, "loss") == {"criterion": training.seen}
    assert _series(tape, "skipped") == {"GradScaler": [1, 2, 3, 4]}
    frame = tape.frame(steps[-1].seq)
    assert f"SGD step skipped by GradScaler: {details[-1].skipped}" in headline(frame).plain
    pane = to_text(PANES["training"].render(tape.frame(tape.head), Options(width=100)), 100)
    assert "4 steps skipped by GradScaler" in pane
    assert "never trains" not in pane


def test_a_step_that_is_made_is_not_called_skipped(tmp_path: Path) -> None:
    """Once the scale has come down the steps change the parameters again."""
    training = Training(scale=2.0**125)

    def script() -> None:
        scaled(training)
        training.scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
        scaled(training)

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    details = [one for event in tape.events() if isinstance(one := tape.detail(event.seq), StepDetail)]
    assert [bool(one.skipped) for one in details][-4:] == [False] * 4
    assert details[0].skipped
    before, after = details[0].before[0], details[0].parameters[0].value
    assert before is not None
    assert before.numbers() == after.numbers()


# --- accumulation -----------------------------------------------------------------------------------------------------


def named_anew(training: Training) -> None:
    loss = training.criterion()
    loss = loss / 4
    loss.backward()


def divided_in_place(training: Training) -> None:
    loss = training.criterion()
    loss *= 0.25
    loss.backward()


def without_a_name(training: Training) -> None:
    criterion = training.criterion()
    (criterion / 4).backward()


def scaled_and_divided(training: Training) -> None:
    criterion = training.criterion()
    training.scaler.scale(criterion / 4).backward()


def divided_when_it_is_scaled(training: Training) -> None:
    scaler, loss = training.scaler, training.criterion()
    (scaler.scale(loss) / 4).backward()


def a_mean_by_hand(training: Training) -> None:
    mean = (training.model(training.x) - training.y).pow(2).sum() / 8
    training.seen.append(4 * mean.item())
    mean.backward()


PARTS: dict[str, tuple[Callable[[Training], None], str]] = {
    "named anew": (named_anew, "loss / 4"),
    "in place": (divided_in_place, "loss × 0.25"),
    "without a name": (without_a_name, "loss / 4"),
    "scaled": (scaled_and_divided, "loss / 4"),
    "scaled before": (divided_when_it_is_scaled, "loss / 4"),
    "a mean": (a_mean_by_hand, "mean"),
}


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_a_loss_is_called_one(name: str, depth: str, tmp_path: Path) -> None:
    """What was divided before backward says so; a quotient that the script calls by a name of its own does not."""
    script, label = PARTS[name]
    training = Training()
    _, tape = record(tmp_path / "run.tape", lambda: script(training), probe="never", changes=DEPTHS[depth])
    assert notes(tape) == []
    assert _series(tape, "loss") == {label: [pytest.approx(training.seen[0] / 4)]}


def test_reading_a_divisor_runs_no_hook_of_the_script(tmp_path: Path) -> None:
    """Saved-tensor hooks see exactly what they see without gradb."""

    def script() -> list[str]:
        training, calls = Training(), list[str]()

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            calls.append("pack")
            return tensor

        def unpack(tensor: torch.Tensor) -> torch.Tensor:
            calls.append("unpack")
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
            loss = training.criterion()
            loss = loss / 4
        loss.backward()
        return calls

    bare = script()
    for depth, changes in DEPTHS.items():
        found, _ = record(tmp_path / f"{depth}.tape", script, probe="never", changes=changes)
        assert found == bare
