"""What becomes of ``.grad`` is told by its effect: cleared, changed, or nothing; one event for one call."""

from __future__ import annotations

import ctypes
import math
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from gradb.debugger.expect.names import TapeNames
from gradb.frame.reader import Tape
from gradb.link.spec import Intervention
from gradb.present.draw.text import to_text
from gradb.present.options import Options
from gradb.present.panes.table import PANES, pane_json
from gradb.tape.expressions.faults import NoName
from gradb.tape.expressions.operands import Numbers
from gradb.tape.kinds.grad_change import GradChangeDetail
from gradb.tape.kinds.zero_grad import ZeroGradDetail
from gradb.tracer.tensors.ids import TensorIds
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch

OFF, WATCH = Intervention("zero_grad", "off"), Intervention("record", "watch")


def _model() -> nn.Linear:
    torch.manual_seed(0)
    model = nn.Linear(2, 1)
    (model(torch.ones(1, 2)).pow(2).sum() * 100).backward()
    return model


def _grad(tensor: torch.Tensor) -> torch.Tensor:
    assert tensor.grad is not None
    return tensor.grad


def _told(tape: Tape) -> list[tuple[str, str, int]]:
    """Return (kind, by, how many buffers) of each clearing and change."""
    found: list[tuple[str, str, int]] = []
    for event in tape.events():
        detail = tape.detail(event.seq)
        if isinstance(detail, GradChangeDetail):
            found.append((event.kind, detail.by, len(detail.changed)))
        elif isinstance(detail, ZeroGradDetail):
            found.append((event.kind, detail.idiom, len(detail.cleared)))
    return found


def _unscale(model: nn.Linear) -> None:
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    scaler.scale(torch.zeros(()))
    scaler.unscale_(torch.optim.SGD(model.parameters(), lr=0.1))


def _add_noise_in_place_of(model: nn.Linear) -> None:
    model.weight.grad = _grad(model.weight) + torch.ones(1, 2)


def _set_data(model: nn.Linear) -> None:
    _grad(model.weight).data = _grad(model.weight).clamp(-0.5, 0.5)


def _divide(model: nn.Linear) -> None:
    _grad(model.weight).div_(2)


def _add(model: nn.Linear) -> None:
    model.weight.grad += 0.01  # type: ignore[operator, assignment]


def _mask_one(model: nn.Linear) -> None:
    _grad(model.weight)[0, 0] = 0


def _write_out(model: nn.Linear) -> None:
    torch.mul(_grad(model.weight), 2, out=_grad(model.weight))


CHANGES: dict[str, tuple[Callable[[nn.Linear], Any], str, int]] = {
    "clip_grad_norm_": (lambda m: nn.utils.clip_grad_norm_(m.parameters(), 1.0), "clip_grad_norm_", 2),
    "clip_grad_norm_, each": (
        lambda m: nn.utils.clip_grad_norm_(m.parameters(), 1.0, foreach=False),
        "clip_grad_norm_",
        2,
    ),
    "clip_grad_value_": (lambda m: nn.utils.clip_grad_value_(m.parameters(), 0.1), "clip_grad_value_", 2),
    "unscale_": (_unscale, "GradScaler.unscale_", 2),
    "div_": (_divide, "grad.div_", 1),
    "+=": (_add, "grad.add_", 1),
    "= value": (_add_noise_in_place_of, "grad = value", 1),
    ".data =": (_set_data, "grad.data = value", 1),
    "one element": (_mask_one, "grad[...] = value", 1),
    "out=": (_write_out, "grad.mul", 1),
    "init": (lambda m: nn.init.uniform_(_grad(m.weight)), "uniform_", 1),
    "init by name": (lambda m: nn.init.constant_(tensor=_grad(m.weight), val=2), "constant_", 1),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_no_clearing(name: str, tmp_path: Path) -> None:
    """It is an event of its own kind, one a call, with what every buffer was and is, and their norms."""
    change, by, count = CHANGES[name]
    values: dict[str, list[float]] = {}

    def script() -> None:
        model = _model()
        for when in ("before", "after"):
            grads = [_grad(model.weight), _grad(model.bias)][:count]
            values[when] = [number for grad in grads for number in grad.flatten().tolist()]
            if when == "before":
                change(model)

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert notes(tape) == []
    assert _told(tape) == [("grad_change", by, count)]
    (detail,) = [one for e in tape.events() if isinstance(one := tape.detail(e.seq), GradChangeDetail)]
    told = {"before": [one.before for one in detail.changed], "after": [one.after for one in detail.changed]}
    for when, norm in (("before", detail.norm_before), ("after", detail.norm_after)):
        numbers = [number for one in told[when] if one is not None for number in one.numbers() or ()]
        assert numbers == values[when]
        assert norm == pytest.approx(math.hypot(*values[when]), rel=1e-6)


@pytest.mark.parametrize("is_at_once", [True, False])
def test_the_norm_before_a_clipping_has_its_name(is_at_once: bool, tmp_path: Path) -> None:
    """From the event on that follows the call; where it is used at once, no earlier either."""
    norms: list[float] = []

    def script() -> None:
        model = _model()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if is_at_once:
            norm = norm * 1
        model.weight.grad = None
        norms.append(norm.item())

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert notes(tape) == []
    (change,) = [event.seq for event in tape.events() if event.kind == "grad_change"]
    with pytest.raises(NoName):
        TapeNames(tape, change).tensor("norm")
    named = TapeNames(tape, tape.head).tensor("norm")
    assert isinstance(named, Numbers)
    assert named.numbers == tuple(norms)


NOTHING: dict[str, Callable[[nn.Linear], Any]] = {
    "to": lambda m: m.to("cpu"),
    "float": lambda m: m.float(),
    "far from the limit": lambda m: nn.utils.clip_grad_norm_(m.parameters(), 1e6),
    "times one": lambda m: _grad(m.weight).mul_(1),
    "assigned again": lambda m: setattr(m.weight, "grad", _grad(m.weight) * 1),
    "itself": lambda m: setattr(_grad(m.weight), "data", _grad(m.weight).data),
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_changes_nothing_is_nothing(name: str, tmp_path: Path) -> None:
    """Equal values are no event, and the next accumulation is still seen in the buffer that there is then."""

    def script() -> None:
        model = _model()
        NOTHING[name](model)
        _grad(model.weight).mul_(2)

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert notes(tape) == []
    assert _told(tape) == [("grad_change", "grad.mul_", 1)]


def test_large_buffers_are_compared_in_full(tmp_path: Path) -> None:
    """Of a buffer that is not kept whole one element that differs is a change, and none is not."""

    def script() -> None:
        w = torch.ones(3000, requires_grad=True)
        (w * torch.arange(3000.0)).sum().backward()
        _grad(w).mul_(1)
        _grad(w)[1500] = 7.0
        _grad(w).copy_(_grad(w)[torch.randperm(3000)])

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert _told(tape) == [("grad_change", "grad[...] = value", 1), ("grad_change", "grad.copy_", 1)]


def test_calls_in_a_loop_are_events_of_their_own(tmp_path: Path) -> None:
    """Clipping one parameter after the other is as many changes as there are calls."""

    def script() -> None:
        model = _model()
        for parameter in model.parameters():
            nn.utils.clip_grad_value_([parameter], 0.1)
        for parameter in model.parameters():
            nn.utils.clip_grad_norm_([parameter], 0.01)

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    clips = [("grad_change", "clip_grad_value_", 1)] * 2 + [("grad_change", "clip_grad_norm_", 1)] * 2
    assert _told(tape) == clips


def test_until_zero_grad_does_not_stop_at_a_change(tmp_path: Path) -> None:
    """Only the first of these clears; the pane and the headline say what changed the buffers and by how much."""

    def script() -> None:
        model = _model()
        model.zero_grad()
        model(torch.ones(1, 2)).sum().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        _grad(model.weight).div_(2)

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    kinds = [event.kind for event in tape.events() if event.kind in {"zero_grad", "grad_change"}]
    assert kinds == ["zero_grad", "grad_change", "grad_change"]
    clip = next(event.seq for event in tape.events() if event.kind == "grad_change")
    hows = [buffer.how for buffer in tape.frame(clip).grads]
    assert hows == ["changed by clip_grad_norm_"] * 2
    assert tape.frame(clip).grads[0].is_current


# --- the policy off ---------------------------------------------------------------------------------------------------


def _assign_zeros(w: torch.Tensor) -> None:
    w.grad = torch.zeros_like(w)


def _set_all_items(w: torch.Tensor) -> None:
    _grad(w)[:] = 0


def _set_zero_data(w: torch.Tensor) -> None:
    _grad(w).data = torch.zeros(2)


HELD_BACK: dict[str, Callable[[torch.Tensor], Any]] = {
    "= zeros": _assign_zeros,
    "mul_(0)": lambda w: _grad(w).mul_(0),
    "fill_(0)": lambda w: _grad(w).fill_(0.0),
    "[:] = 0": _set_all_items,
    "copy_(zeros)": lambda w: _grad(w).copy_(torch.zeros(2)),
    "clamp_(0, 0)": lambda w: _grad(w).clamp_(0, 0),
    "-= itself": lambda w: _grad(w).sub_(_grad(w)),
    ".data = zeros": _set_zero_data,
    "zeros(out=)": lambda w: torch.zeros(2, out=_grad(w)),
    "mul(0, out=)": lambda w: torch.mul(_grad(w), 0, out=_grad(w)),
    "_foreach_mul_(0)": lambda w: torch._foreach_mul_([_grad(w)], 0),
    "a view of it": lambda w: _grad(w).view(2, 1).zero_(),
    "init": lambda w: nn.init.constant_(_grad(w), 0.0),
}
LET_THROUGH: dict[str, Callable[[torch.Tensor], Any]] = {
    "half and half": lambda w: (_grad(w)[:1].zero_(), _grad(w)[1:].zero_()),
    "bitwise": lambda w: _grad(w).view(torch.int32).bitwise_and_(0),
    "where it is finite": lambda w: _grad(w).masked_fill_(_grad(w).isfinite(), 0),
}


def _accumulated(clears: Iterable[Callable[[torch.Tensor], Any]]) -> list[list[float]]:
    """Run three backwards of gradient 2 for each way to clear; return what the buffers held after each."""
    found: list[list[float]] = []
    for clear in clears:
        w = torch.ones(2, requires_grad=True)
        found.append([])
        for _ in range(3):
            (w * 2).sum().backward()
            found[-1].append(float(_grad(w)[0]))
            clear(w)
    return found


def _counted(tape: Tape, kind: str) -> float:
    return max((series.values[series.count - 1] for series in tape.series if series.kind == kind), default=0)


@pytest.mark.parametrize("name", HELD_BACK)
def test_off_holds_back_what_is_known_to_clear(name: str, tmp_path: Path) -> None:
    """Three backwards of gradient 2 give 2, 4 and 6, and each call is said to have done nothing."""
    found, tape = record(tmp_path / "off.tape", lambda: _accumulated([HELD_BACK[name]]), probe="never", changes=[OFF])
    assert found == [[2, 4, 6]]
    assert notes(tape) == []
    assert (_counted(tape, "suppressed"), _counted(tape, "missed")) == (3, 0)
    assert tape.frame(tape.head).training.touched == 3


@pytest.mark.parametrize("name", LET_THROUGH)
def test_a_clear_known_only_afterwards_is_counted(name: str, tmp_path: Path) -> None:
    """It is not undone; the training says how many could not be held back."""
    found, tape = record(tmp_path / "off.tape", lambda: _accumulated([LET_THROUGH[name]]), probe="never", changes=[OFF])
    assert found == [[2, 2, 2]]
    assert notes(tape) == []
    assert (_counted(tape, "suppressed"), _counted(tape, "missed")) == (0, 3)
    assert tape.frame(tape.head).training.missed == 3


def test_off_does_the_same_while_only_watching(tmp_path: Path) -> None:
    """Each way to clear is held back, or counted, without a single op on the tape."""
    clears = [*HELD_BACK.values(), *LET_THROUGH.values()]
    found, tape = record(tmp_path / "off.tape", lambda: _accumulated(clears), probe="never", changes=[OFF, WATCH])
    assert found == [[2, 4, 6]] * len(HELD_BACK) + [[2, 2, 2]] * len(LET_THROUGH)
    assert notes(tape) == []
    assert (_counted(tape, "suppressed"), _counted(tape, "missed")) == (3 * len(HELD_BACK), 3 * len(LET_THROUGH))


def test_clears_go_as_written_without_a_policy(tmp_path: Path) -> None:
    """Each is one clearing on the tape, however it is written, and does what the script says."""
    clears = list(HELD_BACK.values())
    found, tape = record(tmp_path / "run.tape", lambda: _accumulated(clears), probe="never")
    assert found == [[2, 2, 2]] * len(clears)
    assert [kind for kind, _, _ in _told(tape)] == ["zero_grad"] * 3 * len(clears)


def test_what_numpy_writes_is_known_before_the_next_backward(tmp_path: Path) -> None:
    """An array that shares the memory of a gradient changes it past torch: recorded late, and not held back."""

    def script() -> list[list[float]]:
        def clear(w: torch.Tensor) -> None:
            _grad(w).numpy()[:] = 0

        return _accumulated([clear])

    found, tape = record(tmp_path / "run.tape", script, probe="never")
    assert found == [[2, 2, 2]]
    assert _told(tape) == [("zero_grad", "grad, past torch", 1)] * 2
    found, tape = record(tmp_path / "off.tape", script, probe="never", changes=[OFF])
    assert found == [[2, 2, 2]]
    assert _counted(tape, "missed") == 2


PAST_TORCH: dict[str, Callable[[torch.Tensor], Any]] = {
    "numpy": lambda w: _grad(w).numpy().fill(5),
    "dlpack": lambda w: torch.from_dlpack(_grad(w)).fill_(5),  # type: ignore[attr-defined]
    "storage": lambda w: _grad(w).untyped_storage().copy_(torch.tensor([5.0, 5.0]).untyped_storage()),
    "address": lambda w: ctypes.memmove(_grad(w).data_ptr(), torch.tensor([5.0, 5.0]).data_ptr(), 8),
}


@pytest.mark.parametrize("name", PAST_TORCH)
def test_what_is_written_past_torch_is_known_before_it_is_used(name: str, tmp_path: Path) -> None:
    """A step uses the gradient that was written, a clear clears it, and what is left at the end is told."""

    def script() -> torch.Tensor:
        w = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            (w * 2).sum().backward()
            PAST_TORCH[name](w)
            optimizer.step()
        _grad(w).numpy()[:] = 6
        w.grad = None
        (w * 2).sum().backward()
        PAST_TORCH[name](w)
        return w

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    once, clear = ("grad_change", "grad, past torch", 1), ("zero_grad", "optimizer.zero_grad", 1)
    assert _told(tape) == [clear, once, clear, once, once, ("zero_grad", "grad = None", 1), once]
    assert notes(tape) == []


def test_an_array_that_is_kept_is_looked_at_each_time(tmp_path: Path) -> None:
    """One array of a gradient's memory, written to after each backward, changes it each time."""

    def script() -> None:
        w = torch.ones(2, requires_grad=True)
        (w * 2).sum().backward()
        array = _grad(w).numpy()
        for number in (5, 6, 7):
            array[:] = number
            (w * 2).sum().backward()
            _grad(w).mul_(2)

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert _told(tape) == [("grad_change", "grad, past torch", 1), ("grad_change", "grad.mul_", 1)] * 3


PAST, CHANGED = ("grad_change", "grad, past torch", 1), ("grad_change", "grad.mul_", 1)


def _halve(w: torch.Tensor) -> None:
    _grad(w).mul_(0.5)


def _write(w: torch.Tensor) -> None:
    _grad(w).numpy()[:] *= 0.5


HOOKS: dict[str, tuple[Callable[[torch.Tensor], Any], list[tuple[str, str, int]], list[float]]] = {
    "none": (lambda w: None, [], [6, 6]),
    "torch": (_halve, [CHANGED] * 3, [1.75, 1.75]),
    "numpy": (_write, [], [1.75, 1.75]),
}


@pytest.mark.parametrize("name", HOOKS)
def test_what_the_engine_adds_is_no_change_past_torch(name: str, tmp_path: Path) -> None:
    """A lent gradient is told of once by each backward, and what a hook does to it once: by that hook's event too."""
    hook, told, values = HOOKS[name]

    def script() -> list[float]:
        w = torch.ones(2, requires_grad=True)
        w.register_post_accumulate_grad_hook(hook)
        for _ in range(3):
            (w * 2).sum().backward()
            _grad(w).numpy()
        return [float(value) for value in _grad(w)]

    found, tape = record(tmp_path / "run.tape", script, probe="never")
    assert found == values
    assert notes(tape) == []
    assert _told(tape) == told
    (buffer,) = tape.frame(tape.head).grads
    assert buffer.after is not None
    assert buffer.after.numbers() == values


def test_a_lent_gradient_that_a_tensor_retains_is_told_of_once(tmp_path: Path) -> None:
    """The engine gives a tensor that is no leaf another gradient each time."""

    def script() -> list[float]:
        y = torch.ones(2, requires_grad=True) * 1
        y.retain_grad()
        for _ in range(3):
            (y * 2).sum().backward(retain_graph=True)
            _grad(y).numpy()
        return [float(value) for value in _grad(y)]

    found, tape = record(tmp_path / "run.tape", script, probe="never")
    assert found == [6, 6]
    assert _told(tape) == []


@pytest.mark.parametrize("is_hooked", [False, True])
def test_a_write_past_torch_in_a_hook_is_told_once_before_what_is_added(is_hooked: bool, tmp_path: Path) -> None:
    """What a tensor hook writes through NumPy lies between the last look and the accumulation."""

    def script() -> torch.Tensor:
        w = torch.ones(2, requires_grad=True)
        (w * 2).sum().backward()
        array = _grad(w).numpy()
        if is_hooked:
            w.register_post_accumulate_grad_hook(_halve)
        w.register_hook(lambda gradient: array.fill(10))
        (w * 2).sum().backward()
        return _grad(w)

    found, tape = record(tmp_path / "run.tape", script, probe="never")
    assert found.tolist() == ([6, 6] if is_hooked else [12, 12])
    assert _told(tape) == [PAST, *[CHANGED] * is_hooked]
    kinds = [event.kind for event in tape.events() if event.kind in {"accumulate", "grad_change"}]
    assert kinds == ["accumulate", "grad_change", "accumulate", *["grad_change"] * is_hooked]


def test_a_write_past_torch_after_an_accumulation_is_told_at_the_end_of_its_backward(tmp_path: Path) -> None:
    """A hook that runs last writes through NumPy into a leaf that was filled before."""

    def script() -> torch.Tensor:
        v = torch.ones(2, requires_grad=True)
        w = torch.ones(2, requires_grad=True)
        (v.exp().log() * w).sum().backward()
        array = _grad(w).numpy()
        v.register_hook(lambda gradient: array.fill(9))
        (v.exp().log() * w).sum().backward()
        return w

    found, tape = record(tmp_path / "run.tape", script, probe="never")
    assert _grad(found).tolist() == [9, 9]
    assert _told(tape) == [PAST]
    end = max(event.seq for event in tape.events() if event.kind == "grad_change")
    detail = tape.detail(end)
    assert isinstance(detail, GradChangeDetail)
    (one,) = detail.changed
    assert one.before is not None
    assert one.after is not None
    assert (one.before.numbers(), one.after.numbers()) == ([2, 2], [9, 9])


@pytest.mark.parametrize("end", ["clear", "step", "none"])
def test_an_accumulation_is_not_told_again_by_what_comes_after(end: str, tmp_path: Path) -> None:
    """Clears and steps look at what was lent, and find what the backward has said."""

    def script() -> None:
        w = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.1)
        for _ in range(3):
            (w * 2).sum().backward()
            _grad(w).numpy()
            (w * 2).sum().backward()
            if end == "step":
                optimizer.step()
            if end == "clear":
                optimizer.zero_grad(set_to_none=False)

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert [one for one in _told(tape) if one[0] == "grad_change"] == []


def test_threads_do_not_take_each_others_accumulations_for_writes(tmp_path: Path) -> None:
    """Several threads add to one lent gradient, each in a backward of its own."""

    def script() -> torch.Tensor:
        w = torch.ones(2000, requires_grad=True)
        (w * 2).sum().backward()
        _grad(w).numpy()

        def work() -> None:
            for _ in range(8):
                (w * 2).sum().backward()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return _grad(w)

    found, tape = record(tmp_path / "run.tape", script, probe="never")
    assert found[0] == 66
    assert _told(tape) == []


def test_what_was_added_while_only_watching_is_no_write(tmp_path: Path) -> None:
    """A gradient lent before such a stretch: nothing is told within, nor after, of what the engine added."""

    def script() -> None:
        w = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.1)
        for _ in range(6):
            (w * 2).sum().backward()
            _grad(w).numpy()
            optimizer.step()

    changes = [Intervention("record", "watch", iteration=3), Intervention("record", "full", iteration=5)]
    _, tape = record(tmp_path / "run.tape", script, probe="never", changes=changes)
    assert [event.name for event in tape.events() if event.kind == "depth"] == ["watch", "full"]
    assert _told(tape) == []


@pytest.mark.parametrize("to_none", [False, True])
def test_recording_everything_again_finds_gradients_and_changes_none(to_none: bool, tmp_path: Path) -> None:
    """What they held before, and what was added, is not known there, and has no sign of a change, in pane and JSON."""

    def script() -> None:
        model = nn.Linear(2, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(5):
            model.zero_grad(set_to_none=to_none)
            model(torch.ones(1, 2)).sum().backward()
            optimizer.step()

    changes = [
        Intervention("record", "watch"),
        Intervention("record", "full", iteration=3),
        Intervention("record", "watch", iteration=5),
    ]
    _, tape = record(tmp_path / "run.tape", script, probe="never", changes=changes)
    begins = next(event.seq for event in tape.events() if (event.kind, event.name) == ("depth", "full"))
    frame = tape.frame(begins)
    assert [(one.is_current, one.how) for one in frame.grads] == [(False, "")] * 2
    assert [one.after and one.after.numbers() for one in frame.grads] == [[1, 1], [1]]
    for buffer in frame.grads:
        for value in (buffer.before, buffer.added):
            assert value is not None
            assert (value.numbers(), value.note) == (None, "not recorded: only watched before")
    shown = to_text(PANES["grads"].render(frame, Options(width=100)), 100)
    assert "[1 1]" in shown
    assert not {"▶", "None", "✓", "✗"} & set(shown.split())
    for told in pane_json("grads", frame)["grads"]:
        assert (told["current"], told["how"], told["check"]) == (False, None, None)
        assert told["before"]["note"] == told["added"]["note"] == "not recorded: only watched before"
    cleared = next(event.seq for event in tape.events() if event.kind == "zero_grad" and event.seq > begins)
    assert all(buffer.is_current and buffer.how for buffer in tape.frame(cleared).grads)


def _set(w: torch.Tensor, source: Any) -> None:
    _grad(w).set_(source)


SET: dict[str, tuple[Callable[[torch.Tensor], Any], str]] = {
    "zeros": (lambda w: _set(w, torch.zeros(w.shape)), "zero_grad"),
    "others": (lambda w: _set(w, torch.tensor([5.0, 6.0])), "grad_change"),
    "a storage": (lambda w: _set(w, torch.tensor([5.0, 6.0]).untyped_storage()), "grad_change"),
}


@pytest.mark.parametrize("name", SET)
def test_a_gradient_that_is_given_other_memory_is_seen_when_it_is_added_to(name: str, tmp_path: Path) -> None:
    """``set_`` passes by every mode: that the buffer lies elsewhere is told before what is added to it."""
    change, kind = SET[name]

    def script() -> None:
        w = torch.ones(2, requires_grad=True)
        for _ in range(3):
            (w * 2).sum().backward()
            with torch.no_grad():
                change(w)

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert _told(tape) == [(kind, "grad.set_", 1)] * 2
    assert notes(tape) == []
    kinds = [event.kind for event in tape.events() if event.kind in {"accumulate", kind}]
    assert kinds == ["accumulate", kind, "accumulate", kind, "accumulate"]
    if kind == "zero_grad":
        _, tape = record(tmp_path / "off.tape", script, probe="never", changes=[OFF])
        assert _counted(tape, "missed") == 2


def test_a_gradient_after_one_that_was_cleared_unseen_was_not_moved(tmp_path: Path) -> None:
    """It may have the id that the one before had, now and then: nothing is missing, and nothing is told as moved."""

    def script() -> None:
        w = torch.ones(2, requires_grad=True)
        for _ in range(60):
            (w * 2).sum().backward()
            id(w.grad)
            with torch._C.DisableTorchFunction():
                w.grad = None

    _, tape = record(tmp_path / "run.tape", script)
    assert notes(tape) == []
    assert _told(tape) == []
    assert not [event.seq for event in tape.events() if tape.missing(event.seq)]


def test_off_spares_a_part_that_is_zeroed(tmp_path: Path) -> None:
    """A row that is masked is no clearing of the buffer, so the policy lets it through and counts nothing."""

    def script() -> list[float]:
        w = torch.ones(2, requires_grad=True)
        for _ in range(2):
            (w * 2).sum().backward()
            _grad(w)[0] = 0
            _grad(w)[:1].zero_()
        result: list[float] = _grad(w).tolist()
        return result

    found, tape = record(tmp_path / "run.tape", script, probe="never", changes=[OFF])
    assert found == [0, 4]
    assert (_counted(tape, "suppressed"), _counted(tape, "missed")) == (0, 0)


def test_a_clear_that_raises_has_cleared_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What zero_grad had come to before it raised is told, and nothing more."""

    def script() -> list[list[float]]:
        first, second = (torch.ones(2, requires_grad=True) for _ in range(2))
        first.grad, second.grad = torch.ones(2), torch.ones(2)
        optimizer = torch.optim.SGD([first, second], lr=0.1, foreach=False)
        calls = iter([torch.Tensor.zero_, _raises])

        def clear(tensor: torch.Tensor) -> None:
            next(calls)(tensor)

        with monkeypatch.context() as patch:
            patch.setattr(torch.Tensor, "zero_", clear)
            with pytest.raises(ZeroDivisionError):
                optimizer.zero_grad(set_to_none=False)
        return [first.grad.tolist(), second.grad.tolist()]

    found, tape = record(tmp_path / "run.tape", script)
    assert found == [[0, 0], [1, 1]]
    cleared = [tape.detail(event.seq) for event in tape.events() if event.kind == "zero_grad"]
    assert [len(detail.cleared) for detail in cleared if isinstance(detail, ZeroGradDetail)] == [1]


def _raises(tensor: torch.Tensor) -> None:
    raise ZeroDivisionError


def test_a_gradient_of_a_tensor_that_is_no_leaf_is_never_taken_for_one_that_was_moved() -> None:
    """It is another each time, and may have the id that the one before had: that says nothing."""
    found = []
    for is_leaf in (True, False):
        tensor, grad, ids = torch.ones(2, requires_grad=True), torch.zeros(2), TensorIds()
        ids.record(tensor).is_leaf = is_leaf
        ids.note_grad(tensor, grad)
        grad.set_(torch.zeros(3))  # type: ignore[call-overload]
        found.append(ids.note_grad(tensor, grad).is_moved)
    assert found == [True, False]


def _divide_by_two(leaf: torch.Tensor) -> None:
    _grad(leaf).div_(2)


def test_gradients_that_are_changed_have_a_phase_of_their_own(tmp_path: Path) -> None:
    """No optimizer has part in that; in a hook it is part of the backward, and a clip stays where it was made."""

    def script() -> None:
        w = torch.ones(2, requires_grad=True)
        w.register_post_accumulate_grad_hook(_divide_by_two)
        (w * 8).sum().backward()
        nn.utils.clip_grad_norm_([w], 1.0)
        (w * 8).sum().backward()
        w.grad = None
        torch.optim.SGD([w], lr=0.1).zero_grad()

    _, tape = record(tmp_path / "run.tape", script)
    told = [event for event in tape.events() if event.kind in {"grad_change", "zero_grad"}]
    assert [(event.name, event.phase) for event in told] == [
        ("grad.div_", "backward"),
        ("clip_grad_norm_", "gradients"),
        ("grad.div_", "backward"),
        ("grad = None", "gradients"),
        ("optimizer.zero_grad", "gradients"),
    ]
    assert not any(event.phase == "optimizer" for event in tape.events())


@pytest.mark.parametrize("is_odd", [False, True])
def test_a_finite_gradient_put_in_place_is_told_as_finite(is_odd: bool, tmp_path: Path) -> None:
    """Whatever was in its memory before: another view of the same, or one whose NaNs were taken out."""

    def script() -> None:
        w = torch.ones(2, 2, requires_grad=True)
        (w * torch.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
        if is_odd:
            _grad(w)[0, 0] = float("nan")
            _grad(w).nan_to_num_(1.0)
        w.grad = _grad(w).t()

    _, tape = record(tmp_path / "run.tape", script)
    told = [event for event in tape.events() if event.name == "grad = value"]
    assert [(event.has_nonfinite, event.is_birth) for event in told] == [(False, False)]
    assert any(event.has_nonfinite for event in tape.events()) == is_odd


@pytest.mark.filterwarnings("ignore:Using backward.. with create_graph=True")
def test_a_sum_of_gradients_with_a_graph_is_a_new_tensor_that_nobody_moved(tmp_path: Path) -> None:
    """It may have the id of the one before, which has just gone."""

    def script() -> None:
        for _ in range(8):
            a = torch.randn(3, requires_grad=True)
            (a * 1).sum().backward()
            (a**3).sum().backward(create_graph=True)
            a.grad = None

    _, tape = record(tmp_path / "run.tape", script)
    assert sum(event.kind == "zero_grad" for event in tape.events()) == 8
    assert [event.name for event in tape.events() if event.kind == "grad_change"] == []
