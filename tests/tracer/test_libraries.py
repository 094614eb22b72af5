"""What a library does for the script stands at the script's line, with the library's beside it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.options import Options
from gradb.present.panes.table import PANES
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch
LIBRARY = """
import torch

def fit(model, steps):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = model.training_step()
        loss.backward()
        optimizer.step()

def broken(x):
    return x @ torch.ones(7, 7)

class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, gradient):
        return gradient.mul(2)

def fit_by_closure(model, optimizer):
    def closure():
        optimizer.zero_grad()
        loss = Doubled.apply(model.training_step()) / 4
        loss.backward()
        return loss
    optimizer.step(closure)

class Descent(torch.optim.Optimizer):
    def __init__(self, parameters):
        super().__init__(parameters, {})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.sub_(parameter.grad.mul(0.1))
"""


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Linear(2, 1))

    def training_step(self) -> torch.Tensor:
        out: torch.Tensor = self.model(torch.ones(1, 2))
        return out.sum()


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Return a library that is installed."""
    folder = tmp_path / "site-packages" / "trainerlib"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "loop.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(str(folder.parent))
    for name in ("trainerlib", "trainerlib.loop"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("trainerlib.loop")


def _places(tape: Tape, kinds: set[str]) -> list[tuple[str, str, str]]:
    """Return (kind, line of the script, place in the library) of events."""
    found: list[tuple[str, str, str]] = []
    for event in tape.events():
        view = tape.frame(event.seq).source
        if event.kind in kinds and view is not None and view.line is not None:
            assert view.file == __file__
            found.append((event.kind, view.lines[view.line - 1].strip(), view.library))
    return found


def test_a_training_loop_in_a_library(library: object, tmp_path: Path) -> None:
    """zero_grad, backward and step stand at the call of the loop, the forward pass in the script's own model."""

    def script() -> None:
        library.fit(Model(), 1)  # type: ignore[attr-defined]

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert notes(tape) == []
    call = "library.fit(Model(), 1)  # type: ignore[attr-defined]"
    assert _places(tape, {"zero_grad", "backward_start", "step"}) == [
        ("zero_grad", call, "trainerlib/loop.py:7"),
        ("backward_start", call, "trainerlib/loop.py:9"),
        ("step", call, "trainerlib/loop.py:10"),
    ]
    for kind in ("zero_grad", "backward_start", "step"):
        stack = tape.frame(next(event.seq for event in tape.events() if event.kind == kind)).stack
        assert stack is not None
        assert [(frame.function.rpartition(".")[2], frame.others) for frame in stack.frames] == [("script", 1)]
        assert stack.frames[0].packages == "trainerlib"
    forward = next(event for event in tape.events() if event.name == "AddmmBackward0")
    calls = tape.frame(forward.seq).stack
    assert calls is not None
    assert [(frame.function.rpartition(".")[2], frame.packages) for frame in calls.frames] == [
        ("training_step", "torch"),
        ("script", "trainerlib"),
    ]
    view = tape.frame(forward.seq).source
    assert view is not None
    assert (view.lines[(view.line or 1) - 1].strip(), view.library) == (
        "out: torch.Tensor = self.model(torch.ones(1, 2))",
        "",
    )
    step = next(event.seq for event in tape.events() if event.kind == "step")
    assert "in trainerlib/loop.py:10" in to_text(
        PANES["source"].render(tape.frame(step), Options(width=80, height=9)), 80
    )
    assert {event.name for event in tape.events() if event.kind == "accumulate"} == {"model.0.weight", "model.0.bias"}


def test_an_error_in_a_library(library: object, tmp_path: Path) -> None:
    """An op that fails in a library stands at the script's call of it."""

    def script() -> None:
        with pytest.raises(RuntimeError):
            library.broken(torch.ones(2, 2))  # type: ignore[attr-defined]

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    call = "library.broken(torch.ones(2, 2))  # type: ignore[attr-defined]"
    assert _places(tape, {"error"}) == [("error", call, "trainerlib/loop.py:13")]


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.LBFGS])
def test_a_closure_of_a_library_is_recorded(library: Any, tmp_path: Path, kind: Any) -> None:
    """What a library computes where an optimizer calls it back is the training's, and no part of the update."""

    def script() -> None:
        model = Model()
        library.fit_by_closure(model, kind(model.parameters(), lr=0.1))

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    functions = [event.name for event in tape.events() if event.kind == "op"]
    count = sum(event.kind == "backward_start" for event in tape.events())
    assert functions.count("DoubledBackward") == functions.count("DivBackward0") == functions.count("Tensor.mul") / 2
    assert functions.count("DivBackward0") == count
    assert not any(tape.frame(event.seq).chain is None for event in tape.events() if event.kind == "node")


def test_the_update_of_a_librarys_optimizer_is_a_step(library: Any, tmp_path: Path) -> None:
    """Its own ops are no events beside the step."""

    def script() -> None:
        model = Model()
        optimizer = library.Descent(model.parameters())
        model.training_step().backward()
        optimizer.step()

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    last = [event.kind for event in tape.events()][-2:]
    assert last == ["backward_end", "step"]
