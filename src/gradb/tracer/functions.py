"""Watches custom ``torch.autograd.Function`` calls, which a TorchFunctionMode does not see."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import torch

from gradb.tracer.forward import ForwardMode
from gradb.tracer.remarks import UNMATERIALISED


@contextlib.contextmanager
def watched(mode: ForwardMode) -> Iterator[None]:
    """Record each ``Function.apply`` as one op for as long as the context lasts."""
    function = torch.autograd.Function
    original = function.__dict__["apply"]
    bind = original.__get__  # a classmethod of Python's up to torch 2.13, a descriptor in C since: both bind this way

    def apply(cls, *args, **kwargs):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN003, ANN202 - as torch's
        return mode.run_custom(cls, bind(None, cls), args, kwargs)

    genuine = bind(None, function)
    apply.__doc__, apply.__module__ = genuine.__doc__, genuine.__module__
    apply.__name__, apply.__qualname__ = genuine.__name__, genuine.__qualname__
    context = torch.autograd.function.FunctionCtx
    setting = context.set_materialize_grads

    @functools.wraps(setting)
    def set_materialize_grads(ctx: Any, value: bool) -> None:
        setting(ctx, value)
        with contextlib.suppress(Exception):
            ctx.metadata[UNMATERIALISED] = not value

    function.apply = classmethod(apply)  # type: ignore[method-assign, assignment]
    context.set_materialize_grads = set_materialize_grads  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        function.apply = original  # type: ignore[method-assign]
        context.set_materialize_grads = setting  # type: ignore[method-assign]
