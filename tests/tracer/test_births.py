"""Births: an event at which a value that is not finite is seen first says so, and no other does."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.options import Options
from gradb.present.panes.table import PANES
from gradb.tape.kinds.op import OpDetail
from gradb.tape.stops import Stop
from gradb.tape.values import Nonfinite
from gradb.tracer.native.trial import accelerator
from tests.tracer.birth_cases import CASES, PASSED
from tests.tracer.both_ways import check_recording, in_python
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch
Script = Callable[[], Any]
WRITERS = ["C", "Python"] if accelerator() is not None else ["Python"]


@pytest.fixture(params=WRITERS)
def recorded(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Script], Tape]:
    """Return what records a script by one of the writers."""

    def run(script: Script) -> Tape:
        if request.param == "C":
            tape = record(tmp_path / "run.tape", script, probe="never")[1]
        else:
            with in_python():
                tape = record(tmp_path / "run.tape", script, probe="never")[1]
        assert notes(tape) == []
        return tape

    return run


Recorded = Callable[[Script], Tape]


def births(tape: Tape) -> list[str]:
    """Return what the events at which something is born are called."""
    return [event.name for event in tape.events() if event.is_birth]


def test_grad_mode_is_that_of_the_script(recorded: Recorded) -> None:
    """Ops, leaves and what becomes of gradients tell whether gradients were on, off, or it was inference mode."""
    w = torch.ones(2, requires_grad=True)

    def script() -> None:
        (w * 2).sum().backward()
        with torch.no_grad():
            w.exp()
            w.mul_(0.5)
        with torch.inference_mode():
            w.cos()
            with torch.enable_grad():
                w.sin()
        with torch.no_grad(), torch.enable_grad():
            w.neg()
        w.detach().abs()

    modes = {event.name: event.grad_mode for event in recorded(script).events() if event.kind in {"op", "leaf"}}
    assert modes == {
        "w": "on", "MulBackward0": "on", "SumBackward0": "on", "Tensor.exp": "off", "Tensor.mul_": "off",
        "Tensor.cos": "inference", "Tensor.sin": "inference", "NegBackward0": "on", "Tensor.detach": "on",
        "Tensor.abs": "on",
    }  # fmt: skip


def test_a_nan_and_an_infinity_are_told_apart(recorded: Recorded) -> None:
    """The header says which of the two a value has, whole or of which only statistics are kept."""

    def script() -> None:
        for size in (3, 5000):
            zeros = torch.zeros(size)
            zeros.log()
            zeros.div(0)
            both = torch.cat([zeros.div(0), zeros.log()])
            both.nan_to_num()

    seen = [(event.has_nan, event.has_inf) for event in recorded(script).events() if event.kind == "op"]
    once = [(False, False), (False, True), (True, False), (True, False), (False, True), (True, True), (True, True)]
    assert seen == [*once, *once]


BORN: dict[str, tuple[Script, list[str]]] = {
    "of finite numbers": (lambda: torch.zeros(3).log(), ["Tensor.log"]),
    "what comes of it is no other": (lambda: (torch.zeros(3) / 0).exp().sum(), ["Tensor.div"]),
    "of an infinity": (lambda: _twice(torch.zeros(3).log()), ["Tensor.log", "Tensor.sub"]),
    "an infinity that was given": (lambda: torch.full((2,), -math.inf).exp(), []),
    "a mask": (lambda: torch.ones(2, 2).masked_fill(torch.tensor([True, False]), -math.inf).softmax(1), []),
    "a mask of every element": (
        lambda: torch.ones(2, 2).masked_fill(torch.tensor([True, True]), -math.inf).softmax(1),
        ["Tensor.softmax"],
    ),
    "chosen": (lambda: torch.where(torch.tensor([True, False]), torch.ones(2), -math.inf), []),
    "in a list": (lambda: torch.tensor([[0.0, -math.inf]]), []),
    "by name": (lambda: torch.nn.functional.pad(torch.ones(2), (1, 1), value=math.inf), []),
    "a NaN that was given": (lambda: torch.full((2,), math.nan), ["torch.full"]),
    "too large for its dtype": (lambda: torch.tensor([1e6]).half(), ["Tensor.half"]),
    "reserved memory": (lambda: torch.empty(9).fill_(1.0), []),
    "a large one": (lambda: torch.zeros(5000).log(), ["Tensor.log"]),
    "one that is not contiguous": (lambda: torch.zeros(50, 100).t().log(), ["Tensor.log"]),
}


def _twice(x: torch.Tensor) -> torch.Tensor:
    return x - x


@pytest.mark.parametrize("name", BORN)
def test_births_of_ops(name: str, recorded: Recorded) -> None:
    """An op is the birth of what is not finite where its inputs and its numbers do not explain it."""
    script, expected = BORN[name]
    assert births(recorded(script)) == expected


@pytest.mark.parametrize("name", CASES)
def test_births_of_gradients_and_from_outside(name: str, recorded: Recorded) -> None:
    """Wherever a value comes from, there is one birth of it, and nothing that it is passed on by is another."""
    script, expected = CASES[name]
    tape = recorded(script)
    assert [(event.kind, event.name) for event in tape.events() if event.is_birth] == expected


@pytest.mark.parametrize("name", CASES)
def test_stops_at_births(name: str, recorded: Recorded) -> None:
    """A stop at births finds each, in both directions, but those in the backward of a scaled loss."""
    script, expected = CASES[name]
    tape, stop, found = recorded(script), Stop("birth"), [0]
    back = [tape.head] if stop.matches(tape.event(tape.head), None) else []
    while (seq := tape.find(stop, found[-1], 1)) is not None:
        found.append(seq)
    while (seq := tape.find(stop, back[-1] if back else tape.head, -1)) is not None:
        back.append(seq)
    stopped = [(event.kind, event.name) for event in map(tape.event, found[1:])]
    assert stopped == [one for one in expected if one not in PASSED.get(name, [])]
    assert back == found[:0:-1]


class Attention(nn.Module):
    """A layer of a GPT: causal attention, and a projection."""

    mask: torch.Tensor

    def __init__(self, width: int, length: int) -> None:
        super().__init__()
        self.mixing, self.projection = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.register_buffer("mask", torch.tril(torch.ones(length, length)) == 0)

    def forward(self, x: torch.Tensor, padding: torch.Tensor) -> torch.Tensor:
        """Return what each place makes of those before it that are no padding."""
        query, key, value = self.mixing(x).chunk(3, -1)
        scores = query @ key.transpose(-1, -2) / math.sqrt(x.shape[-1])
        hidden = scores.masked_fill(self.mask | padding[:, None, :], -math.inf)
        made: torch.Tensor = x + self.projection(hidden.softmax(-1) @ value)
        return made


def _train_a_gpt(bad: int) -> None:
    """Train for some iterations; in one the first place of a row is padding, so that it can attend to nothing."""
    torch.manual_seed(0)
    width, length = 8, 6
    embedding, layers = nn.Embedding(16, width), [Attention(width, length), Attention(width, length)]
    model = nn.ModuleList([embedding, *layers])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for iteration in range(1, bad + 2):
        tokens = torch.randint(16, (2, length))
        padding = torch.zeros(2, length, dtype=torch.bool)
        padding[1, 0] = iteration == bad
        x = embedding(tokens)
        for layer in layers:
            x = layer(x, padding)
        loss = (x @ embedding.weight.t()).flatten(0, 1).log_softmax(-1)[:, 0].neg().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


def test_masks_are_passed_and_a_row_that_is_masked_whole_is_found(recorded: Recorded) -> None:
    """Wanted infinities and fresh parameters are no births; the softmax of a row with nothing left is the first."""
    tape = recorded(lambda: _train_a_gpt(3))
    masked = [event for event in tape.events() if event.name == "MaskedFillBackward0" and event.kind == "op"]
    assert len(masked) == 8
    assert all(event.has_inf for event in masked)
    first = tape.find(Stop("birth"), 0, 1)
    assert first is not None
    event, detail = tape.event(first), tape.detail(first)
    assert (event.name, event.iteration) == ("SoftmaxBackward0", 3)
    assert isinstance(detail, OpDetail)
    assert detail.outputs[0].value.nonfinite() == Nonfinite(nan=6, posinf=0, neginf=0, first=36)


def test_the_chain_pane_says_what_was_born_of_what(recorded: Recorded) -> None:
    """A softmax of 1,024 values of which 256 are NaN says so, with the first, and what did it."""

    def script() -> None:
        scores = torch.ones(4, 256, requires_grad=True)
        hidden = scores.masked_fill(torch.arange(4)[:, None] == 2, -math.inf)
        probabilities = hidden.softmax(-1)
        (probabilities * 2).sum()

    tape = recorded(script)
    found = tape.find(Stop("birth"), 0, 1)
    assert found is not None
    frame = tape.frame(found)
    lines = [line.strip() for line in to_text(PANES["chain"].render(frame, Options(width=76)), 76).splitlines()]
    assert "× not finite: born here" in lines
    assert "probabilities: 256 × nan, the first at [2,0]" in lines
    assert "hidden: 256 × -inf, the first at [2,0]" in lines
    assert frame.source is not None
    assert frame.source.has_nonfinite


@pytest.mark.skipif(accelerator() is None, reason="needs the accelerator")
def test_both_writers_agree(tmp_path: Path) -> None:
    """What C records of all that, Python records too."""

    def script() -> None:
        torch.manual_seed(1)
        for run, _ in [*BORN.values(), *CASES.values()]:
            run()

    assert check_recording(tmp_path, "births", script, probe="never") > len(BORN) + len(CASES)


def test_the_end_of_a_call_that_returns_gradients_tells_what_is_in_them(recorded: Recorded) -> None:
    """``autograd.grad`` returns a NaN and an infinity that nodes have sent; what a call fills has its own events."""

    def script() -> None:
        x = torch.zeros(2, requires_grad=True)
        torch.autograd.grad((x * 2).sum(), x)
        torch.autograd.grad(x.sqrt().sum(), x)
        torch.autograd.grad((x.sqrt() * 0).sum(), x)
        x.sqrt().sum().backward()

    tape = recorded(script)
    ends = [event for event in tape.events() if event.kind == "backward_end"]
    assert [(end.has_nan, end.has_inf) for end in ends] == [
        (False, False),
        (False, True),
        (True, False),
        (False, False),
    ]
    assert not any(end.is_birth for end in ends)
