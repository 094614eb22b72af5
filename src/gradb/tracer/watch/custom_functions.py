"""Watches custom ``torch.autograd.Function`` calls, which a TorchFunctionMode does not see."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any

import torch

from gradb.tracer.tensors.remarks import UNMATERIALISED
from gradb.tracer.watch.forward import ForwardMode


class _Apply(classmethod):  # type: ignore[type-arg]
    """Stands for ``Function.apply``: bound to a class, it is called and described as torch's own is there."""

    def __init__(self, run: Callable[..., Any], original: Any) -> None:
        super().__init__(run)
        self._bind = original.__get__  # a classmethod of Python's up to torch 2.13, since then a descriptor in C
        self._run = run
        self._named: dict[str, Callable[..., Any]] = {}

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        cls = type(instance) if owner is None else owner
        name = self._bind(None, cls).__qualname__
        return MethodType(self._named.get(name) or self._name(name), cls)

    def _name(self, name: str) -> Callable[..., Any]:
        """Return a function of this name; of those classes that have one name it is the same, as torch's is."""
        run = self._run

        @functools.wraps(self._bind(None, torch.autograd.Function))
        def apply(*args: Any, **kwargs: Any) -> Any:
            return run(*args, **kwargs)

        apply.__qualname__ = name
        return self._named.setdefault(name, apply)


@contextlib.contextmanager
def watched(mode: ForwardMode) -> Iterator[None]:
    """Record each ``Function.apply`` as one op for as long as the context lasts."""
    function = torch.autograd.Function
    original = function.__dict__["apply"]

    def apply(cls, *args, **kwargs):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN003, ANN202 - as torch's
        return mode.run_custom(cls, original.__get__(None, cls), args, kwargs)

    context = torch.autograd.function.FunctionCtx
    setting = context.set_materialize_grads

    @functools.wraps(setting)
    def set_materialize_grads(ctx: Any, value: bool) -> None:
        setting(ctx, value)
        with contextlib.suppress(Exception):
            ctx.metadata[UNMATERIALISED] = not value

    function.apply = _Apply(apply, original)  # type: ignore[method-assign, assignment]
    context.set_materialize_grads = set_materialize_grads  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        function.apply = original  # type: ignore[method-assign]
        context.set_materialize_grads = setting  # type: ignore[method-assign]
