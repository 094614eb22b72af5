"""A leaf's element changed by a little in a run of its own: the right one, at the right moment, unnoticed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from gradb.algebra.differences import Sample, Samples, Verdict, epsilon, first_step, judge
from gradb.debugger.errors import UserError
from gradb.debugger.gradcheck.target import Request, Target, locate, roots_of
from gradb.debugger.gradcheck.trial import leaf_reading, reading, trouble
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch

Script = Callable[[], Any]


class Checked:
    """A script checked in this process: what `gradb gradcheck` does in processes of their own."""

    def __init__(self, folder: Path, script: Script, leaf: str, backward: int | None = None) -> None:
        self._folder, self._script = folder, script
        self._count = 0
        with record(folder / "plain.tape", script, probe="never")[1] as tape:
            target = locate(tape, Request(leaf, backward), is_over=True)
        assert target is not None
        self.target: Target = target
        self.centre, self.gradient = self._run(0.0)

    def _run(self, delta: float) -> tuple[Sample, float | None]:
        self._count += 1
        nudge = replace(self.target.nudge, delta=delta)
        with record(self._folder / f"{self._count}.tape", self._script, probe="never", nudge=nudge)[1] as tape:
            assert notes(tape) == []
            assert trouble(tape) is None
            leaf, root = leaf_reading(tape), reading(tape, "root")
            assert leaf is not None
            assert root is not None
            if not delta:
                assert roots_of(tape, self.target.nudge.backward) == self.target.roots
            return Sample(leaf[1], root), reading(tape, "gradient")

    def verdict(self) -> Verdict:
        """Return what two steps to either side say."""
        eps = epsilon(self.target.dtypes)
        step = first_step(self.centre.x, eps)
        wide, narrow = (Samples(h, self._run(-h)[0], self._run(h)[0]) for h in (step, step / 2))
        assert self.gradient is not None
        return judge(self.centre, wide, narrow, self.gradient, eps)


def cube() -> None:
    a = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    loss = (a**3).sum()
    loss.backward()


class HalfSquare(torch.autograd.Function):
    """x * x with a backward that forgets the 2."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        downstream: torch.Tensor = gradients[0] * x
        return downstream


def half_square() -> None:
    a = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    loss = HalfSquare.apply(a).sum()  # type: ignore[no-untyped-call]
    loss.backward()


def data_edit() -> None:
    a = torch.tensor(1.0, requires_grad=True)
    b = a.exp()
    c = b * 1
    b.data.mul_(10)
    c.backward()


def at_the_kink() -> None:
    a = torch.zeros(2, requires_grad=True)
    loss = functional.relu(a).sum()
    loss.backward()


def trained() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1, weight_decay=0.1)
    x, y = torch.randn(8, 3).double(), torch.randn(8, 1).double()
    for _ in range(4):
        optimizer.zero_grad()
        loss = functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()


def by_hand() -> None:
    w = torch.tensor([0.5, -1.0], dtype=torch.float64, requires_grad=True)
    for _ in range(3):
        loss = (w.sin() * w).sum()
        loss.backward()
        with torch.no_grad():
            w -= 0.1 * w.grad  # type: ignore[operator]
        w.grad = None


def by_data() -> None:
    w = torch.tensor([0.5, -1.0], dtype=torch.float64, requires_grad=True)
    for _ in range(3):
        loss = (w.sin() * w).sum()
        loss.backward()
        w.data -= 0.1 * w.grad  # type: ignore[operator]
        w.grad = None


def asked_for() -> None:
    a = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64, requires_grad=True)
    out = a.t() @ a
    torch.autograd.grad(out, a, torch.tensor([[1.0, 2.0], [-1.0, 0.5]], dtype=torch.float64))


def complex_leaf() -> None:
    z = torch.tensor([1 + 2j, 3 - 1j], dtype=torch.complex128, requires_grad=True)
    loss = (z * z).abs().sum()
    loss.backward()


def of_a_gradient() -> None:
    x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(x**4, x, create_graph=True)
    slope.backward()


def recurrent() -> None:
    torch.manual_seed(0)
    model = nn.LSTM(2, 3).double()
    out, _ = model(torch.randn(4, 1, 2).double())
    loss = out.sum()
    loss.backward()


@pytest.mark.parametrize(
    ("script", "leaf", "backward", "derivative"),
    [
        (cube, "a[1]", None, 12.0),
        (cube, "", None, 27.0),
        (trained, "0.weight[2,1]", 1, None),
        (trained, "0.weight[2,1]", 3, None),
        (trained, "2.bias", 4, None),
        (by_hand, "w[0]", 3, None),
        (by_data, "w[1]", 2, None),
        (asked_for, "a[0, 1]", None, None),
        (complex_leaf, "z[0].imag", None, 4.0),
        (complex_leaf, "z[0]", None, 2.0),
        (of_a_gradient, "x", 2, 48.0),
        (recurrent, "weight_hh_l0[0,0]", None, None),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(value),
)
def test_a_right_gradient_agrees(
    script: Script, leaf: str, backward: int | None, derivative: float | None, tmp_path: Path
) -> None:
    """Whatever the leaf is and whenever it is updated, the engine's gradient is confirmed to many digits."""
    verdict = Checked(tmp_path, script, leaf, backward).verdict()
    assert verdict.outcome == "agrees"
    assert verdict.error < 1e-5 * max(1.0, abs(verdict.engine))
    assert derivative is None or verdict.engine == pytest.approx(derivative)


def test_a_wrong_backward_differs(tmp_path: Path) -> None:
    """The engine believes a custom Function; the values of the script do not."""
    verdict = Checked(tmp_path, half_square, "a[2]").verdict()
    assert verdict.outcome == "differs"
    assert verdict.engine == 3.0
    assert verdict.estimate == pytest.approx(6.0, rel=1e-3)


def test_a_data_edit_differs(tmp_path: Path) -> None:
    """What ``.data`` changed after it was used is in the engine's gradient, and not in the loss."""
    verdict = Checked(tmp_path, data_edit, "a").verdict()
    assert verdict.outcome == "differs"
    assert verdict.engine == pytest.approx(27.18, rel=1e-3)
    assert verdict.estimate == pytest.approx(2.718, rel=1e-3)


def test_a_kink_is_called_one(tmp_path: Path) -> None:
    """At 0, relu has two slopes, and the engine gives one of them."""
    verdict = Checked(tmp_path, at_the_kink, "a[1]").verdict()
    assert verdict.outcome == "kink"
    assert (verdict.left, verdict.right, verdict.engine) == (0.0, 1.0, 0.0)


def test_the_script_notices_by_its_numbers_alone(tmp_path: Path) -> None:
    """Version counters are what they are without the change, the random state too, and nothing is left installed."""
    versions = []

    def script() -> None:
        torch.manual_seed(3)
        a = torch.ones(2, requires_grad=True)
        b = (a * 2).sum()
        versions.append((a._version, b._version, torch.rand(()).item(), a[0].item()))
        b.backward()

    engine = torch.autograd.graph._engine_run_backward
    checked = Checked(tmp_path, script, "a[0]")
    assert checked.verdict().outcome == "agrees"
    assert len({row[:3] for row in versions}) == 1
    assert len({row[3] for row in versions}) == 5
    assert torch.autograd.graph._engine_run_backward is engine
    assert torch._C._len_torch_function_stack() == 0


def refused(folder: Path, script: Script, leaf: str) -> str:
    with record(folder / "a.tape", script)[1] as tape, pytest.raises(UserError) as caught:
        locate(tape, Request(leaf), is_over=True)
    return str(caught.value)


def test_what_is_no_leaf_is_refused_by_name(tmp_path: Path) -> None:
    """An integer tensor, a result and a name that there is not: each a sentence that lists the leaves."""

    def script() -> None:
        n = torch.tensor([1, 2])
        a = torch.ones(2, requires_grad=True)
        b = a * n
        b.sum().backward()

    for number, (leaf, said) in enumerate(
        [
            ("n[0]", "n holds int64 numbers, which have no derivative"),
            ("b[0]", "b is no leaf that requires grad"),
            ("nix", "there is no leaf called 'nix'"),
        ]
    ):
        (tmp_path / str(number)).mkdir()
        sentence = refused(tmp_path / str(number), script, leaf)
        assert said in sentence
        assert sentence.endswith("the leaves are a")


def test_an_update_between_use_and_backward_is_refused(tmp_path: Path) -> None:
    """Where the value that the loss was computed from is gone, there is nothing to change."""

    def script() -> None:
        a = torch.ones(2, requires_grad=True)
        loss = (a * 3).sum()
        a.data.mul_(2)
        loss.backward()

    assert "changed" in refused(tmp_path, script, "a[0]")


def test_an_index_outside_of_the_leaf_is_refused(tmp_path: Path) -> None:
    """The sentence says what shape there is."""
    assert "shape [3]" in refused(tmp_path, cube, "a[3]")
