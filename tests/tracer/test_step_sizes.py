"""How much a step changes is measured for every optimizer, and the script does not notice it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch

from gradb.frame.reader import Tape
from gradb.tape.expressions.measures import update_of
from gradb.tape.kinds.step import StepDetail
from gradb.tracer.native import reading
from gradb.tracer.recording.gate import Gate
from gradb.tracer.watch.step_sizes import copies_of, size_of
from tests.tracer.recording import record

pytestmark = pytest.mark.torch

OPTIMIZERS: dict[str, Callable[[Iterable[Any]], torch.optim.Optimizer]] = {
    "SGD": lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9),
    "fused": lambda weights: torch.optim.SGD(weights, lr=0.1, fused=True),
    "foreach": lambda weights: torch.optim.AdamW(weights, lr=0.1, foreach=True),
    "LBFGS": lambda weights: torch.optim.LBFGS(weights, max_iter=3),
    "closure": torch.optim.Rprop,
}


class _Training:
    """Two steps of a model whose parameters are too large to be kept whole."""

    def __init__(self, optimizer: str) -> None:
        self._optimizer = optimizer
        self.sizes: list[float] = []
        self.digest = ""

    def __call__(self) -> None:
        torch.manual_seed(3)
        model = torch.nn.Sequential(torch.nn.Linear(40, 50), torch.nn.Tanh(), torch.nn.Linear(50, 1))
        optimizer = OPTIMIZERS[self._optimizer](model.parameters())
        inputs = torch.randn(6, 40)

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            loss: torch.Tensor = model(inputs).square().mean()
            loss.backward()
            return loss

        for _ in range(2):
            before = _flat(model)
            optimizer.step(closure)  # type: ignore[arg-type]
            self.sizes.append(float((_flat(model) - before).norm() / before.norm()))
        state = torch.cat([_flat(model), torch.rand(1).double()])
        self.digest = hashlib.sha256(state.numpy().tobytes()).hexdigest()
        self.versions = [parameter._version for parameter in model.parameters()]


def _flat(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().double().reshape(-1) for parameter in model.parameters()])


def _gate(*, measures_updates: bool = True) -> Gate:
    return Gate(None, lambda head, request_seq: None, measures_updates=measures_updates)


def _updates(tape: Tape) -> list[float | None]:
    details = [tape.detail(event.seq) for event in tape.events() if event.kind == "step"]
    return [update_of(detail) for detail in details if isinstance(detail, StepDetail)]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_size_is_that_of_the_change(name: str, tmp_path: Path) -> None:
    """2-norm of all changes by that of all parameters before; weights, random state and versions are as without it."""
    measured, free, bare = _Training(name), _Training(name), _Training(name)
    with record(tmp_path / "t.tape", measured, gate=_gate())[1] as tape:
        assert _updates(tape) == pytest.approx(measured.sizes, rel=1e-6)
    with record(tmp_path / "free.tape", free)[1] as tape:
        assert _updates(tape) == [None, None]
    bare()
    assert measured.digest == free.digest == bare.digest
    assert measured.versions == bare.versions


def test_a_step_that_is_skipped_changes_nothing(tmp_path: Path) -> None:
    """GradScaler leaves a step out where a gradient is not finite: its size is 0, not unknown."""

    def script() -> None:
        weight = torch.ones(2000, requires_grad=True)
        optimizer, scaler = torch.optim.SGD([weight], lr=0.1), torch.amp.GradScaler("cpu")
        for factor in (1.0, math.inf):
            scaler.scale((weight * factor).sum()).backward()
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()

    with record(tmp_path / "t.tape", script, gate=_gate())[1] as tape:
        assert _updates(tape) == pytest.approx([0.1, 0.0], rel=1e-6)


def test_what_cannot_be_read_has_no_size(tmp_path: Path) -> None:
    """A parameter without values, and one of another shape after the step: not known, and nothing else is lost."""

    class Growing(torch.optim.SGD):
        def step(self, closure: Any = None) -> None:  # type: ignore[override]
            super().step(closure)
            weight = self.param_groups[0]["params"][0]
            weight.data = torch.ones(3)

    def script() -> None:
        for weight, kind in ((torch.ones(2, device="meta"), torch.optim.SGD), (torch.ones(2), Growing)):
            weight.requires_grad_()
            optimizer = kind([weight], lr=0.1)
            weight.sum().backward()
            optimizer.step()

    with record(tmp_path / "t.tape", script, gate=_gate())[1] as tape:
        assert _updates(tape) == [None, None]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(
    "numbers", [[1.0, -2.0, 3.0], [1e-30, 2e-30], [0.0, 0.0], [math.inf, 1.0], [math.nan, math.inf]]
)
def test_a_size_is_the_same_in_c_and_in_python(
    dtype: torch.dtype, numbers: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Side by side or not, large or small or not finite: the accelerator finds what torch does."""
    sizes = []
    for is_declined in (False, True):
        if is_declined:
            monkeypatch.setattr(reading, "keep", lambda tensors: None)
        for number in range(3):
            whole = torch.tensor(numbers * 4, dtype=dtype)
            old = (whole, whole[::2], whole.reshape(2, -1).t())[number]
            copies = copies_of([old])
            assert copies is not None
            whole.mul_(1.5)
            sizes.append(size_of(copies, [old]))
            assert size_of(copies, [old[:1]]) is None
    for found, wanted in zip(sizes[:3], sizes[3:], strict=True):
        assert found is not None
        assert wanted is not None
        assert [found.change, found.whole] == pytest.approx(
            [wanted.change, wanted.whole], rel=1e-12, abs=0, nan_ok=True
        )
