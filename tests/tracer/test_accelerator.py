"""The C accelerator keeps what Python keeps, declines what it does not know, and is not used where it is in doubt."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn

from gradb.frame.reader import Tape
from gradb.log import layouts, writer as writing
from gradb.log.segments import Segment
from gradb.tape.kinds.op import OpDetail
from gradb.tape.wire import Blob
from gradb.tracer.isolation import signals
from gradb.tracer.native import reading, trial
from gradb.tracer.native.loading import standing
from gradb.tracer.recording.gate import Gate
from gradb.tracer.recording.interventions import Interventions
from gradb.tracer.tensors.norms import norm_of_all
from gradb.tracer.tensors.values import Snapshots
from gradb.tracer.watch.forward import ForwardMode
from gradb.tracer.watch.torch_functions import Call
from gradb.tracer.watch.tracing import tracing
from tests.tracer.both_ways import (
    check_memory,
    check_recording,
    check_value,
    check_views,
    in_python,
    random_view,
    readers,
    scenario,
)
from tests.tracer.recording import begin, end, notes, record

pytestmark = pytest.mark.torch
built = pytest.mark.skipif(standing().module is None, reason="gradb has no C accelerator here")


class _Marked(torch.Tensor):
    pass


class _Foreign(torch.Tensor):
    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        raise AssertionError("read by foreign code")


def _without_memory() -> torch.Tensor:
    tensor = torch.ones(4)
    tensor.untyped_storage().resize_(0)
    return tensor


def _wrapped() -> torch.Tensor:
    kept: list[torch.Tensor] = []

    def keep(x: torch.Tensor) -> torch.Tensor:
        kept.append(x)
        return x

    torch.func.vmap(keep)(torch.ones(2, 3))
    return kept[0]


STRANGE: dict[str, Callable[[], torch.Tensor | None]] = {
    "nothing": lambda: None,
    "parameter": lambda: nn.Parameter(torch.ones(3)),
    "inference": lambda: torch.inference_mode()(torch.ones)(3),
    "subclass": lambda: torch.ones(3).as_subclass(_Marked),
    "foreign": lambda: torch.Tensor._make_wrapper_subclass(_Foreign, (3,)),
    "meta": lambda: torch.ones(3, device="meta"),
    "conjugate": lambda: torch.ones(3, dtype=torch.complex64).conj(),
    "negative": lambda: torch.ones(3, dtype=torch.complex64).conj().imag,
    "zeros without memory": lambda: torch._efficientzerotensor(3),
    "sparse": lambda: torch.eye(3).to_sparse(),
    "nested": lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
    "quantized": lambda: torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
    "float8": lambda: torch.ones(3).to(torch.float8_e4m3fn),
    "uint16": lambda: torch.ones(3).to(torch.uint16),
    "wrapped by a transform": _wrapped,
    "without memory": _without_memory,
    "many dimensions": lambda: torch.ones([1] * 70),
    "not aligned": lambda: torch.frombuffer(bytearray(101), dtype=torch.float32, offset=1, count=25),
    "zeros of either sign": lambda: torch.tensor([-0.0, 0.0] * 9),
    "sum too large for float32": lambda: torch.full((99,), 3e38),
    "sum too large for float64": lambda: torch.full((99,), 1e308, dtype=torch.float64),
    "expanded": lambda: torch.tensor(math.inf).expand(30, 40),
    "subnormal": lambda: torch.tensor([6e-8, -6e-8, 0.0], dtype=torch.float16).repeat(9),
    "large integers": lambda: torch.tensor([2**62, -(2**62) + 1, 2**53 + 1] * 5),
}


@pytest.mark.parametrize("limit", [0, 1024])
@pytest.mark.parametrize("name", STRANGE)
def test_what_is_unusual_is_kept_as_python_keeps_it(name: str, limit: int) -> None:
    """Whatever a tensor is, both ways say the same of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some kinds are deprecated, or in beta
        tensor = STRANGE[name]()
    check_value(tensor, limit)


@built
def test_random_views_are_kept_as_python_keeps_them() -> None:
    """Any dtype, strides, slices, expanded and overlapping dimensions, with NaN and infinities anywhere."""
    check_views(0, 800)


@given(seed=st.integers(0, 2**32), limit=st.integers(0, 100))
def test_a_value_is_what_torch_says_it_is(seed: int, limit: int) -> None:
    """Shape, bounds, norm and counts are those that torch computes, with the accelerator or without."""
    tensor = random_view(random.Random(seed))
    blob = Blob()
    shape, dtype, offset, stats, note = json.loads(readers(limit)[0].take(tensor, blob))
    assert (shape, f"torch.{dtype}") == (list(tensor.shape), str(tensor.dtype))
    if stats is None:
        assert note or offset == 0
        return
    numbers = tensor.double().reshape(-1)
    finite = numbers[numbers.isfinite()]
    assert stats[4:7] == [int(test(numbers).sum()) for test in (torch.isnan, torch.isposinf, torch.isneginf)]
    assert stats[:2] == ([finite.min().item(), finite.max().item()] if finite.numel() else [None, None])
    assert stats[9:] == ((~numbers.isfinite()).nonzero().flatten()[:1].tolist() or [None])
    if torch.isfinite(norm := torch.linalg.vector_norm(numbers)) and norm > 1e-100:  # torch loses squares beyond
        assert stats[3] == pytest.approx(norm.item(), rel=1e-12)


def test_memory_that_was_freed_is_no_value() -> None:
    """A tensor whose storage was emptied behind it is said to have no values, whichever way it is read."""
    for snapshots in readers(1024):
        blob = Blob()
        assert json.loads(snapshots.take(_without_memory(), blob)) == [
            [4],
            "float32",
            None,
            None,
            "its memory was freed",
        ]
        assert blob.parts == []


@given(seed=st.integers(0, 2**32))
def test_a_norm_is_that_of_python(seed: int) -> None:
    """The norm of some tensors of any kind is the same, whichever way they are read: 0, infinity and NaN exactly."""
    choose = random.Random(seed)
    tensors = [random_view(choose) for _ in range(3)]
    reading.use(None)
    slow = norm_of_all(tensors)
    reading.use(trial.accelerator())
    quick = norm_of_all(tensors)
    if slow is None or not slow or not math.isfinite(slow):
        assert repr(quick) == repr(slow)
    else:
        assert quick == pytest.approx(slow, rel=1e-6, abs=0)


def _train() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(60, 50), nn.ReLU(), nn.Linear(50, 1))
    optimizer = torch.optim.Adam(net.parameters())
    for _ in range(2):
        optimizer.zero_grad()
        net(torch.randn(30, 60)).pow(2).mean().backward()
        optimizer.step()


@built
def test_a_training_is_recorded_as_in_python(tmp_path: Path) -> None:
    """Every row of the tape is the same, of large tensors too; means to six digits."""
    assert check_recording(tmp_path, "training", _train) > 50


@built
def test_a_thread_that_others_have_left_changes_no_recording(tmp_path: Path) -> None:
    """A recording is the same whether or not a thread is still about that an earlier test has begun."""
    over = threading.Event()
    left = threading.Thread(target=over.wait)
    left.start()

    def script() -> None:
        _train()
        over.set()
        left.join()

    assert check_recording(tmp_path, "training", script) > 50


@built
@pytest.mark.parametrize("name", ["accumulation", "double_backward", "hooks", "inplace_views", "integer_grad", "mlp"])
def test_a_scenario_is_recorded_as_in_python(name: str, tmp_path: Path) -> None:
    """Every row of the tape is the same."""
    assert check_recording(tmp_path, name, scenario(name)) > 5


def test_no_signal_is_handled_in_the_middle_of_an_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Python does for the pen, in the middle of an event, is not left half-way for a handler of the script's."""
    seen: list[int] = []
    gone = layouts.GONE

    def look(*args: Any) -> bytes:
        seen.append(signals.shields_above(sys._getframe(1)))
        return gone.write(*args)

    def make(*args: Any) -> Any:
        seen.append(signals.shields_above(sys._getframe(1)))
        return Segment(*args)

    def script() -> None:
        w = torch.ones(200, requires_grad=True)
        for _ in range(200):
            (w * 2).sum()

    recorder = begin(tmp_path / "run.tape", Gate(None, lambda head, request_seq: None))
    monkeypatch.setattr(writing, "Segment", make)
    monkeypatch.setattr(writing, "_GONE", SimpleNamespace(write=look, alone=gone.alone, code=gone.code))
    with tracing(recorder, Interventions(recorder)):
        script()
        count = len(seen)
    monkeypatch.undo()
    end(recorder)
    assert count > 100
    assert all(seen[:count])


def _train_hooked() -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    v = torch.tensor([3.0], requires_grad=True)
    v.register_hook(lambda grad: grad * 2)
    for _ in range(12):
        w.grad = None
        (w * v).sum().backward()


@built
def test_a_training_with_a_hook_is_recorded_as_in_python(tmp_path: Path) -> None:
    """Where the script could have changed a gradient on its way, each value is read where it is told, both ways."""
    assert check_recording(tmp_path, "hooked", _train_hooked) > 50


def _lose() -> None:
    """Have a NaN or an infinity in whatever there is an event of."""
    a = torch.tensor([0.0, 4.0, math.inf], requires_grad=True)
    large = torch.full((2000,), math.nan, requires_grad=True)
    optimizer = torch.optim.SGD([a, large], lr=0.1)
    for _ in range(2):
        optimizer.zero_grad(set_to_none=False)
        b = a.sqrt() * 0
        b.register_hook(lambda gradient: gradient / 0)
        (b.sum() + large.sum()).backward()
        assert a.grad is not None
        a.grad.fill_(math.inf)
        optimizer.step()
    torch.autograd.grad((a * math.inf).sum(), a)


@built
def test_what_is_not_finite_is_flagged_as_in_python(tmp_path: Path) -> None:
    """Each kind of event that may have a NaN or an infinity says so, whichever writer it is of."""
    assert check_recording(tmp_path, "lost", _lose) > 30
    flagged = []
    for ending in ("quick", "slow"):
        with Tape.open(tmp_path / f"lost.{ending}") as tape:
            flagged.append([(event.seq, event.kind) for event in tape.events() if event.has_nonfinite])
    assert flagged[0] == flagged[1]
    kinds = {kind for _, kind in flagged[0]}
    assert kinds == {
        "accumulate", "backward_end", "backward_start", "grad_change", "hook", "leaf", "node", "node_start", "op",
        "step",
    }  # fmt: skip


def _index() -> None:
    x = torch.arange(12.0).reshape(3, 4).requires_grad_()
    ends = torch.tensor(1), torch.tensor(3)
    for number in range(12):
        y = x[:, number % 3 :] * number
        (y[ends[0] : ends[1]].sum(dim=(0, 1)) + y[..., None, -1].sum()).backward()


@built
def test_what_is_indexed_is_recorded_as_in_python(tmp_path: Path) -> None:
    """Slices are shown alike, those of numbers and those that hold tensors; no tensor lives on for having been one."""
    assert check_recording(tmp_path, "index", _index) > 100


class _Index:
    """An index of the script's own."""

    def __index__(self) -> int:
        return 1

    def __repr__(self) -> str:
        raise KeyboardInterrupt


def _slice() -> None:
    x, start = torch.arange(6.0).requires_grad_(), torch.tensor(0)
    reused = slice(start, None)
    for _ in range(4):
        x[_Index() :]
        x[reused]
        start += 1


def test_what_a_slice_holds_is_shown_without_running_it(tmp_path: Path) -> None:
    """No ``__repr__`` of the script's runs, and what a slice held before is not said of it later."""
    assert check_recording(tmp_path, "slice", _slice) > 8
    with Tape.open(tmp_path / "slice.quick") as tape:
        details = [tape.detail(event.seq) for event in tape.events() if event.kind == "op"]
    texts = {
        detail.arguments[1][1] for detail in details if isinstance(detail, OpDetail) and len(detail.arguments) == 2
    }
    assert {"slice(<_Index>, None, None)", "slice(tensor, None, None)"} <= texts


class _Unhashable(type):
    def __eq__(cls, other: object) -> bool:
        return cls is other

    __hash__ = None  # type: ignore[assignment]


class _Odd(metaclass=_Unhashable):
    """Of a class that cannot be looked up."""


def _many(x: torch.Tensor, odd: object = 0) -> torch.Tensor:
    """Make 600 nodes in one call, of a function that torch hands to whoever watches."""
    if torch.overrides.has_torch_function_unary(x):
        found: torch.Tensor = torch.overrides.handle_torch_function(_many, (x,), x, odd)
        return found
    for number in range(300):
        x = x * number + 1
    return x


def _call_many() -> None:
    x = torch.ones(2, requires_grad=True)
    for _ in range(12):
        _many(x).sum()
        _many(x, _Odd()).sum()


@built
def test_all_nodes_of_a_call_are_recorded_as_in_python(tmp_path: Path) -> None:
    """However many nodes a call makes, and whatever it is given: its event lists them."""
    assert check_recording(tmp_path, "many", _call_many, probe="never") > 48
    with Tape.open(tmp_path / "many.quick") as tape:
        details = [tape.detail(event.seq) for event in tape.events() if event.kind == "op"]
        counts = [len(detail.nodes) for detail in details if isinstance(detail, OpDetail)]
        said = [event for event in tape.events() if event.kind == "note"]
    assert (max(counts), said) == (600, [])


@built
def test_a_list_that_changes_meanwhile_is_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tensors of a call are held until it is recorded, though the list that they came in is emptied in between."""
    window: list[torch.Tensor] = []
    original = Snapshots._carefully

    def carefully(self: Snapshots, tensor: torch.Tensor, blob: Blob) -> str:
        window.clear()
        return original(self, tensor, blob)

    waiting = [[torch.ones(2, dtype=torch.complex64).conj() for _ in range(6)] for _ in range(20)]

    def script() -> None:
        while waiting:
            window.extend(waiting.pop())
            torch.stack(window)

    monkeypatch.setattr(Snapshots, "_carefully", carefully)
    _, tape = record(tmp_path / "run.tape", script)
    with tape:
        details = [tape.detail(event.seq) for event in tape.events() if event.name == "torch.stack"]
    assert [len(detail.inputs) for detail in details if isinstance(detail, OpDetail)] == [6] * 20


def test_memory_does_not_grow() -> None:
    """Values that are let go of leave nothing behind, and no reference to a tensor is kept."""
    assert check_memory(20_000) < 2048


def _script() -> torch.Tensor:
    a = torch.tensor([2.0, 3.0], requires_grad=True)
    (a**2).sum().backward()
    assert a.grad is not None
    return a.grad


@pytest.mark.only_c
@built
@pytest.mark.parametrize(
    "names", [("get_sizes", "get_strides"), ("get_dim", "get_numel"), ("is_contiguous", "no_such")]
)
def test_what_is_in_doubt_is_not_used(names: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where torch's answers are not what is expected, values are read in Python, and one note says so."""
    exchanged = dict(zip(names, reversed(names), strict=True))
    monkeypatch.setattr(trial, "QUESTIONS", tuple(exchanged.get(name, name) for name in trial.QUESTIONS))
    trial.attempt.cache_clear()
    try:
        _, tape = record(tmp_path / "run.tape", _script)
    finally:
        monkeypatch.undo()
        trial.attempt.cache_clear()
        assert trial.accelerator() is not None
    assert sum("C accelerator" in note for note in notes(tape)) == 1
    assert _grad(tape) == [4.0, 6.0]


def test_without_it_nothing_is_said(tmp_path: Path) -> None:
    """That it is switched off is no fault to tell of."""
    with in_python():
        _, tape = record(tmp_path / "run.tape", _script)
    assert notes(tape) == []
    assert _grad(tape) == [4.0, 6.0]


def _grad(tape: Tape) -> Any:
    detail: Any = next(tape.detail(event.seq) for event in tape.events() if event.kind == "accumulate")
    return detail.after.numbers()


@pytest.mark.only_c
@built
def test_common_ops_are_recorded_without_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once its places are known, no op of a plain training is left to Python; an unusual one is."""
    left: list[str] = []
    original = ForwardMode._returned

    def returned(mode: ForwardMode, call: Call, *rest: Any) -> None:
        left.append(call.display)
        original(mode, call, *rest)

    def script() -> None:
        net = nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1))
        for iteration in range(20):
            left.clear()
            out = net(torch.ones(4, 3)) * 2
            loss = torch.stack([out, out + iteration]).reshape(-1).mean(dim=0)
            loss.backward()
            out.topk(1)

    monkeypatch.setattr(ForwardMode, "_returned", returned)
    record(tmp_path / "run.tape", script)
    assert left == ["Tensor.topk"]


_AUDITED = """
import os, sys, tempfile
from gradb.tracer.native.loading import standing
seen, traced = [], []
def taker(event, given):
    seen.append((event, given[0]))
    if str(given[0]).endswith("forbidden"):
        raise PermissionError("by the taker")
standing().module.audit(taker, "os.mkdir", "os.rename")
for wrong in ((taker, "open"), (taker,)):
    try:
        standing().module.audit(*wrong)
    except (RuntimeError, TypeError) as error:
        seen.append(type(error).__name__)
sys.settrace(lambda frame, *rest: traced.append(frame.f_code.co_name))
with tempfile.TemporaryDirectory() as folder:
    del seen[2:], traced[:]
    os.mkdir(folder + "/a")
    id(folder), open(os.devnull).close(), sys._getframe()
    try:
        os.mkdir(folder + "/forbidden")
    except PermissionError as error:
        seen.append(str(error))
    seen.append(os.listdir(folder))
    sys.settrace(None)
print([str(each[1] if isinstance(each, tuple) else each).rpartition("/")[2] for each in seen], "taker" in traced)
"""


@pytest.mark.only_c
@built
def test_only_the_audit_events_that_are_meant_are_taken() -> None:
    """One taker, for a few names: what it raises stops what was announced, and no trace function sees it."""
    done = subprocess.run([sys.executable, "-c", _AUDITED], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "['RuntimeError', 'TypeError', 'a', 'forbidden', 'by the taker', \"['a']\"] False\n", (
        done.stderr
    )
