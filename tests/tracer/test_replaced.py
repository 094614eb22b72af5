"""Scripts that put functions of their own in the place of torch's: they run once, and every number is as without us."""

from __future__ import annotations

import collections
import contextlib
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - what everybody calls it
from torch.nn import init

from gradb.present.draw.text import to_text
from gradb.present.options import Options
from gradb.present.panes.table import PANES
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch

_Run = Callable[[torch.Tensor], Any]


class _Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0] * 2 * ctx.saved_tensors[0]


def _squared(x: torch.Tensor) -> torch.Tensor:
    square: Any = _Square
    result: torch.Tensor = square.apply(x).sum()
    return result


def _step(x: torch.Tensor) -> torch.Tensor:
    optimizer = torch.optim.SGD([x], lr=0.1)
    optimizer.zero_grad()
    x.pow(2).sum().backward()
    optimizer.step()
    return x.detach()


def _scaled(x: torch.Tensor) -> Any:
    return torch.amp.GradScaler("cpu", init_scale=4.0).scale(x.sum())


PLACES: list[tuple[Any, str, _Run]] = [
    (F, "softmax", lambda x: F.softmax(x, 1)),
    (F, "cross_entropy", lambda x: F.cross_entropy(x, torch.tensor([1, 0]))),
    (F, "max_pool1d", lambda x: F.max_pool1d(x, 2)),  # the one that runs has another name
    (F, "gelu", lambda x: F.gelu(x, approximate="none")),
    (F, "linear", lambda x: F.linear(x, x)),
    (init, "normal_", lambda x: init.normal_(x.detach())),
    (torch, "matmul", lambda x: torch.matmul(x, x.t())),
    (torch, "norm", lambda x: torch.norm(x, 2)),
    (torch, "einsum", lambda x: torch.einsum("ij,kj->ik", x, x)),
    (torch.Tensor, "norm", lambda x: x.norm()),
    (torch.Tensor, "add", lambda x: x.add(1)),
    (torch.Tensor, "__add__", lambda x: x + 1),
    (torch.Tensor, "__rsub__", lambda x: 1 - x),
    (torch.Tensor, "__getitem__", lambda x: x[0]),
    (torch.Tensor, "zero_", lambda x: x.detach().zero_()),
    (torch.Tensor, "detach", lambda x: x.detach()),
    (torch.Tensor, "backward", lambda x: x.sum().backward()),
    (torch.Tensor, "register_hook", lambda x: x.register_hook(lambda g: g * 2).remove()),
    (torch.autograd, "backward", lambda x: torch.autograd.backward(x.sum())),
    (torch.autograd, "grad", lambda x: torch.autograd.grad(x.sum(), x)[0]),
    (torch.nn.Module, "__call__", lambda x: torch.nn.Softmax(1)(x * 1)),
    (torch.nn.Module, "zero_grad", lambda x: torch.nn.ParameterList([x]).zero_grad()),
    (torch.optim.Optimizer, "zero_grad", _step),
    (torch.optim.SGD, "step", _step),
    (torch.amp.GradScaler, "scale", _scaled),
    (_Square, "apply", _squared),
    (_Square, "backward", lambda x: _squared(x).backward()),
]


@contextlib.contextmanager
def _replaced(owner: Any, name: str, calls: list[str], *, wraps: bool) -> Iterator[None]:
    """Put a function that doubles what the genuine one returns in its place."""
    genuine = vars(owner).get(name, getattr(owner, name))
    call = getattr(owner, name)

    def double(*args: Any, **kwargs: Any) -> Any:
        calls.append(name)
        result = call(*args, **kwargs)
        return result * 2 if isinstance(result, torch.Tensor) else result

    is_static = owner is _Square
    mine: Any = functools.wraps(call)(double) if wraps else double
    setattr(owner, name, staticmethod(mine) if is_static else mine)
    try:
        yield
    finally:
        setattr(owner, name, genuine)


def _script(owner: Any, name: str, run: _Run, *, wraps: bool, is_late: bool) -> Callable[[], Any]:
    def script() -> Any:
        torch.manual_seed(0)
        x = torch.randn(2, 4, dtype=torch.float64).requires_grad_()
        calls: list[str] = []
        before = run(x) if is_late else None
        with _replaced(owner, name, calls, wraps=wraps):
            found = run(x)
        return [_plain(before), _plain(found), _plain(x), _plain(x.grad), calls]

    return script


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, torch.Tensor) else None


@pytest.mark.parametrize("is_late", [False, True], ids=["before the first call", "after it"])
@pytest.mark.parametrize("wraps", [False, True], ids=["plain", "functools.wraps"])
def test_a_replacement_runs_once(tmp_path: Path, *, wraps: bool, is_late: bool) -> None:
    """Results, gradients, weights and the number of calls are those of the bare script, for each kind of function."""
    scripts = [_script(*place, wraps=wraps, is_late=is_late) for place in PLACES]
    wanted = [script() for script in scripts]
    found, tape = record(tmp_path / "run.tape", lambda: [script() for script in scripts])
    for place, want, got in zip(PLACES, wanted, found, strict=True):
        assert got == want, place[1]
        assert got[4], place[1]
    assert notes(tape) == []


def test_an_attribute_that_became_a_property(tmp_path: Path) -> None:
    """What the property computes from the genuine attribute is computed once."""

    def script() -> list[Any]:
        genuine = torch.Tensor.T
        torch.Tensor.T = property(lambda self: genuine.__get__(self) * 2)  # type: ignore[assignment, attr-defined]
        try:
            found = torch.ones(1, 2).T.tolist()
        finally:
            torch.Tensor.T = genuine
        return list(found)

    assert record(tmp_path / "run.tape", script)[0] == script() == [[2.0], [2.0]]


class _Unhashable:
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs) * 3


def test_a_replacement_that_is_no_function(tmp_path: Path) -> None:
    """A mock counts its calls as it would; an object without a hash does not break the script."""

    def script() -> Any:
        x, genuine = torch.ones(1, 2), F.softmax
        with mock.patch("torch.nn.functional.softmax", wraps=genuine) as counting:
            first = F.softmax(x, 1)
        with mock.patch("torch.nn.functional.softmax", _Unhashable(genuine)):
            second = F.softmax(x, 1)
        return first.tolist(), second.tolist(), counting.call_count

    assert record(tmp_path / "run.tape", script)[0] == script() == ([[0.5, 0.5]], [[1.5, 1.5]], 1)


def test_one_function_in_two_places(tmp_path: Path) -> None:
    """What stands for several functions at once is not taken for the one that was seen first."""

    def script() -> Any:
        x = torch.tensor([[1.0, 2.0]])
        softmax, log_softmax = F.softmax, F.log_softmax

        def either(value: torch.Tensor, dim: int, *, is_log: bool = False, **rest: Any) -> Any:
            return (log_softmax if is_log else softmax)(value, dim)

        with mock.patch.object(F, "softmax", either), mock.patch.object(F, "log_softmax", either):
            return either(x, 1).tolist(), either(x, 1, is_log=True).tolist(), either(x, 1).tolist()

    assert record(tmp_path / "run.tape", script)[0] == script()


_WRITTEN_AS_OPERATORS = {"__getitem__", "__add__", "__sub__", "__mul__", "__matmul__", "__truediv__", "__neg__"}


def _counted(names: collections.Counter[str], name: str, genuine: Any) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        names[name] += 1
        return genuine(*args, **kwargs)

    return call


@contextlib.contextmanager
def _all_counted(names: collections.Counter[str]) -> Iterator[None]:
    """Put functions that count in the place of every method of tensors and every function that torch writes in C."""
    owners = [(torch.Tensor, torch._C.TensorBase), (torch, torch._C._VariableFunctions)]
    with contextlib.ExitStack() as stack:
        for owner, holder in owners:
            for name in dir(holder):
                genuine = getattr(owner, name, None)
                is_wanted = not name.startswith("_") or name in _WRITTEN_AS_OPERATORS
                if is_wanted and type(genuine) in {type(torch.Tensor.sum), type(torch.zeros)}:
                    stack.enter_context(mock.patch.object(owner, name, _counted(names, name, genuine)))
        for name in ("is_grad_enabled", "no_grad", "enable_grad", "inference_mode"):
            stack.enter_context(mock.patch.object(torch, name, _counted(names, name, getattr(torch, name))))
        stack.enter_context(
            mock.patch.object(torch.linalg, "vector_norm", _counted(names, "norm", torch.linalg.vector_norm))
        )
        yield


def _training() -> tuple[collections.Counter[str], list[Any]]:
    """Train with small and large tensors, what is not finite, complex numbers and a second derivative."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(40, 64), torch.nn.LayerNorm(64), torch.nn.Linear(64, 3))
    x, scale, classes = torch.randn(50, 40), torch.randn(3, requires_grad=True), torch.zeros(50, dtype=torch.long)
    optimizer = torch.optim.Adam(model.parameters())
    names: collections.Counter[str] = collections.Counter()
    with _all_counted(names):
        for _ in range(2):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x) * scale, classes) + (scale.to(torch.complex64) * 2j).abs().sum()
            (loss + (x.t() @ x / 0).exp().sum() * 0).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            optimizer.step()
            (grad,) = torch.autograd.grad((scale**3).sum(), scale, create_graph=True)
            grad.sum().backward()
            with torch.no_grad():
                scale.mul(2)
            scale.grad = None
    return names, [parameter.tolist() for parameter in model.parameters()]


def test_what_gradb_reads_is_not_read_by_replaced_functions(tmp_path: Path) -> None:
    """Whatever the script counts, converts or mocks: its functions are called as often as without us."""
    wanted, weights = _training()
    (found, others), tape = record(tmp_path / "run.tape", _training, probe="auto")
    assert found == wanted
    assert others == weights
    assert notes(tape) == []


def test_a_value_is_the_real_one_whatever_stands_in_the_place_of_reading_it(tmp_path: Path) -> None:
    """The statistics of a large tensor, and the loss, do not go by what the script makes of ``sum`` or ``item``."""

    def script() -> None:
        x = torch.ones(2000, requires_grad=True)
        with (
            mock.patch.object(torch.Tensor, "sum", return_value=torch.zeros(())),
            mock.patch.object(torch.Tensor, "detach", return_value=torch.zeros(2000)),
            mock.patch.object(torch.Tensor, "item", return_value=-1.0),
        ):
            (x * 2).mean().backward()

    tape = record(tmp_path / "run.tape", script, probe="auto")[1]
    assert [value for one in tape.series if one.kind == "loss" for value in one.values[: one.count]] == [2.0]
    made = next(event.seq for event in tape.events() if event.name == "MulBackward0")
    text = to_text(PANES["chain"].render(tape.frame(made), Options(width=100)), 100)
    assert "mean 2" in text
    assert "✗" not in text


class _Scaled(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: torch.Tensor) -> torch.Tensor:
        return x * 3

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Keep nothing."""

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0] * 3


_TRIPLE: Any = _Scaled


@pytest.mark.parametrize(
    "run",
    [
        lambda x: torch.vmap(_TRIPLE.apply)(x).sum(),
        lambda x: torch.vmap(torch.func.grad(lambda row: _TRIPLE.apply(row).pow(2).sum()))(x).sum(),
        lambda x: torch.func.jacrev(lambda v: _TRIPLE.apply(v).pow(2))(x).sum(),
    ],
    ids=["vmap", "grad", "jacrev"],
)
@pytest.mark.filterwarnings("ignore")
def test_an_operator_that_hands_over_itself(tmp_path: Path, run: _Run) -> None:
    """An operator of higher order is an object that hands itself over; its method alone would take another for it."""

    def script() -> list[float]:
        x = torch.linspace(-1, 1, 16).reshape(4, 4).requires_grad_()
        run(x).backward()
        assert x.grad is not None
        return [float(each) for each in x.grad.flatten()]

    bare = script()
    got: list[list[float]] = []
    record(tmp_path / "run.tape", lambda: got.append(script()))
    assert got == [bare]
