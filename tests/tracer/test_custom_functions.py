from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from gradb.tape.kinds.op import OpDetail
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch


class _Descriptor:
    """A class method as C makes it: it binds, and has no ``__func__``."""

    __slots__ = ("_original",)

    def __init__(self, original: Any) -> None:
        self._original = original

    def __get__(self, instance: object, owner: Any = None) -> Any:
        return self._original.__get__(instance, owner)


class _Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, factor: float = 1.0) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.factor = factor
        return factor * x * x

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        (x,) = ctx.saved_tensors
        return 2 * ctx.factor * x * grads[0], None


class _Doubled(_Square):
    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        return super().apply(*args, 2.0, **kwargs)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("is_in_c", [False, True])
@pytest.mark.parametrize("function", [_Square, _Doubled])
def test_apply_is_recorded_whatever_it_is_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: Any, is_in_c: bool
) -> None:
    """A custom Function is one op, with ``apply`` in Python or in C, and when a subclass overrides it."""
    original = torch.autograd.Function.__dict__["apply"]
    if is_in_c:
        monkeypatch.setattr(torch.autograd.Function, "apply", _Descriptor(original))
    found = torch.autograd.Function.__dict__["apply"]

    def script() -> list[float]:
        x = torch.tensor([1.0, 3.0], requires_grad=True)
        function.apply(x).sum().backward()
        return x.grad.tolist()  # type: ignore[union-attr]

    result, tape = record(tmp_path / "run.tape", script)
    assert result == ([4.0, 12.0] if function is _Doubled else [2.0, 6.0])
    assert torch.autograd.Function.__dict__["apply"] is found
    assert notes(tape) == []
    ops = [detail for event in tape.events() if isinstance(detail := tape.detail(event.seq), OpDetail)]
    assert f"{function.__name__}.apply" in [op.function for op in ops]
    assert [event.kind for event in tape.events()].count("accumulate") == 1


@pytest.mark.parametrize("attribute", ["__name__", "__doc__", "__module__"])
def test_apply_is_called_as_it_was(tmp_path: Path, attribute: str) -> None:
    """What a script reads from ``Function.apply`` is the same with and without the tracer."""
    bare = getattr(_Square.apply, attribute)
    assert record(tmp_path / "run.tape", lambda: getattr(_Square.apply, attribute))[0] == bare
