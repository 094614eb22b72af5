"""The calls that lead to an event: the script's own functions, with frames of libraries folded."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from types import FrameType

import pytest
import torch
from torch import nn

from gradb.frame.reader import Tape
from gradb.frame.stack import CallStack
from gradb.tracer.native.loading import standing
from gradb.tracer.source.places import NOWHERE, ModuleCall, Places
from gradb.tracer.source.walks import MOST_FRAMES
from tests.tracer.recording import record

pytestmark = pytest.mark.torch


def stack_at(tape: Tape, seq: int) -> CallStack:
    """Return the calls that run at a position."""
    stack = tape.frame(seq).stack
    assert stack is not None
    return stack


def functions(tape: Tape, seq: int) -> list[str]:
    """Return the functions that run, the innermost first, without what they stand in."""
    return [frame.function.rpartition(".")[2] for frame in stack_at(tape, seq).frames]


def found(tape: Tape, kind: str, name: str = "") -> list[int]:
    """Return the events of a kind, of a name where one is given."""
    return [event.seq for event in tape.events() if event.kind == kind and name in event.name]


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.helped(self.layer(x))

    def helped(self, x: torch.Tensor) -> torch.Tensor:
        return x.exp()


def test_the_calls_are_those_that_python_tells(tmp_path: Path) -> None:
    """In every round of a loop, in modules and in what they call: function, file and line as Python has them."""
    told: list[list[tuple[str, int | None]]] = []

    def inner(x: torch.Tensor) -> torch.Tensor:
        told.append([(one.name, one.lineno) for one in traceback.extract_stack()[::-1] if one.filename == __file__])
        return x.exp()

    class Model(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return inner(x)

    def script() -> None:
        model, x = Model(), torch.ones(2, requires_grad=True)
        for _ in range(4):
            model(x)
            inner(x)

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    events = found(tape, "op", "Exp")
    assert len(events) == len(told) == 8
    for seq, wanted in zip(events, told, strict=True):
        stack = stack_at(tape, seq)
        assert {frame.file for frame in stack.frames} == {__file__}
        assert not stack.is_cut
        names = [(frame.function.rpartition(".")[2], frame.line) for frame in stack.frames]
        until = [name for name, _ in wanted].index("script") + 1
        assert names[1:] == wanted[1:until]
        assert names[0] == ("inner", (wanted[0][1] or 0) + 1)


def test_frames_of_libraries_are_folded(tmp_path: Path) -> None:
    """Between a call of a module and its forward lie frames of torch: how many, and whose, is kept."""

    def script() -> None:
        Net()(torch.ones(1, 2)).sum().backward()

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    stack = stack_at(tape, found(tape, "op", "Exp")[0])
    assert [frame.function.rpartition(".")[2] for frame in stack.frames] == ["helped", "forward", "script"]
    assert [frame.packages for frame in stack.frames] == ["", "", "torch"]
    assert [frame.others for frame in stack.frames] == [0, 0, 2]
    layer = stack_at(tape, found(tape, "op", "Addmm")[0])
    assert (layer.frames[0].function.rpartition(".")[2], layer.frames[0].packages) == ("forward", "torch")


def test_a_node_stands_in_the_call_of_its_backward(tmp_path: Path) -> None:
    """Its place is that of the op which made it, what runs is the backward; a node's own calls are known too."""

    def forward(a: torch.Tensor) -> torch.Tensor:
        return (a * 2).sum()

    def script() -> None:
        forward(torch.ones(2, requires_grad=True)).backward()

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    (start,) = found(tape, "backward_start")
    for seq in (*found(tape, "node"), *found(tape, "node_start"), *found(tape, "accumulate")):
        assert stack_at(tape, seq).event == start
        assert functions(tape, seq) == ["script"]
    for seq in found(tape, "node"):
        source = tape.frame(seq).source
        assert source is not None
        assert source.caller is not None


def test_a_deep_stack_is_cut_and_says_so(tmp_path: Path) -> None:
    """So many calls are looked at; that there are more is known."""

    def down(x: torch.Tensor, depth: int) -> torch.Tensor:
        if depth:
            return down(x, depth - 1)
        return x.exp()

    def script() -> None:
        for _ in range(3):
            down(torch.ones(1, requires_grad=True), 150)

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    for seq in found(tape, "op", "Exp"):
        stack = stack_at(tape, seq)
        assert stack.is_cut
        assert 50 < len(stack.frames) < 150


def test_the_error_that_ends_a_script_has_the_calls_of_its_traceback(tmp_path: Path) -> None:
    """The line that failed is marked, and what led to it is told."""

    def wrong(x: torch.Tensor) -> torch.Tensor:
        return (x + 1) @ torch.ones(3)

    def script() -> None:
        wrong(torch.ones(2, requires_grad=True))

    _, tape = record(tmp_path / "run.tape", script, probe="never", keeps_error=True)
    for error in found(tape, "error"):
        view = tape.frame(error).source
        assert view is not None
        assert view.has_failed
        line = view.lines[(view.line or 1) - 1]
        assert line[view.column : view.end_column] == "(x + 1) @ torch.ones(3)"
        assert functions(tape, error)[:2] == ["wrong", "script"]


def test_what_is_remembered_stays_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that comes to its places in ever new ways does not make the tracer grow, and nothing is lost."""
    from gradb.tracer.source import places, walks

    monkeypatch.setattr(places, "_MAX_SITES", 5)
    monkeypatch.setattr(walks, "_MOST_WALKS", 5)

    def tree(x: torch.Tensor, depth: int) -> torch.Tensor:
        if not depth:
            return x.exp()
        return tree(x, depth - 1) + tree(x, depth - 1)

    _, tape = record(tmp_path / "run.tape", lambda: tree(torch.ones(1, requires_grad=True), 4), probe="never")
    lengths = {len(stack_at(tape, seq).frames) for seq in found(tape, "op", "Exp")}
    assert lengths == {6}


def _nowhere() -> Places:
    """Return what finds places, and looks up in Python what it has found."""
    numbers: dict[str, int] = {}
    places = Places(lambda path, _: numbers.setdefault(path, len(numbers) + 1), lambda *_: None, lambda *_: 1)
    places._quick = None
    return places


def _deep(calls: int) -> FrameType:
    return sys._getframe() if not calls else _deep(calls - 1)


@pytest.mark.only_c
@pytest.mark.parametrize("depth", [0, 5, MOST_FRAMES + 1])
@pytest.mark.skipif(standing().module is None, reason="needs the C accelerator")
def test_c_finds_a_place_where_python_has_found_it(depth: int) -> None:
    """The same frame is the same place, none before it was met, and none where more frames are above than are kept."""
    places, frame = _nowhere(), _deep(depth)
    within = ModuleCall(id(frame), NOWHERE.found(False, False, False))
    tables = places._kinds.known, places._walks.known, places._walks.end
    places.end_at(sys._getframe().f_code)
    known = standing().module.known_place
    assert known(*tables, frame, None) is None
    found = places.find(frame)
    assert known(*tables, frame, None) is (found if depth < MOST_FRAMES else None)
    assert known(*tables, frame, within) is None
    inside = places.find(frame, within)
    assert known(*tables, frame, within) is inside


@pytest.mark.only_c
@pytest.mark.skipif(standing().module is None, reason="needs the C accelerator")
@pytest.mark.parametrize("within", [0, (), (1,), ("1", 2)])
def test_c_takes_nothing_else_for_a_call_of_a_module(within: object) -> None:
    """What is no call of a module is said to be none."""
    with pytest.raises(TypeError):
        standing().module.known_place({}, {}, [], sys._getframe(), within)
