"""Takes the mode off where nothing would be recorded anyhow: in what torch's own optimizers compute.

A TorchFunctionMode is called for each attribute that an optimizer reads and each op of its arithmetic, ten to sixty
times a parameter. An op whose place is inside ``torch.optim`` is no event (the step as a whole is one), so there the
mode only costs time. It stays on in ``step`` itself, which may call a closure of the script.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from gradb.tracer.watch.optimizers import parameters_of

Tensors = Callable[[Any, tuple[Any, ...]], list[Any]]
_ORDINARY = frozenset({torch.Tensor, torch.nn.Parameter})


@contextlib.contextmanager
def unwatched(mode: TorchFunctionMode, is_stepping: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Wrap the functions in which optimizers compute, as long as the context lasts.

    A person who goes through the script step by step may step into them, so then the mode stays on.
    """
    originals = list(_functions())
    for owner, name, original, tensors in originals:
        setattr(owner, name, _without(mode, original, tensors, is_stepping))
    try:
        yield
    finally:
        for owner, name, original, _ in originals:
            setattr(owner, name, original)


def _functions() -> Iterator[tuple[Any, str, Callable[..., Any], Tensors]]:
    """Yield each function with the object that holds it, and how to find the tensors that it works on."""
    yield torch.optim.Optimizer, "zero_grad", torch.optim.Optimizer.zero_grad, _of_optimizer
    for kind in vars(torch.optim).values():
        if not (isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)):
            continue
        if "_init_group" in vars(kind):
            yield kind, "_init_group", vars(kind)["_init_group"], _of_group
        module = sys.modules[kind.__module__]
        name = kind.__name__.lower()
        if name in vars(module):
            yield module, name, vars(module)[name], lambda first, args: first


def _of_optimizer(optimizer: Any, args: tuple[Any, ...]) -> list[Any]:
    return list(parameters_of(optimizer))


def _of_group(optimizer: Any, args: tuple[Any, ...]) -> list[Any]:
    return list(args[0]["params"]) if args else _of_optimizer(optimizer, args)


def _without(
    mode: TorchFunctionMode, original: Callable[..., Any], tensors: Tensors, is_stepping: Callable[[], bool]
) -> Callable[..., Any]:
    @functools.wraps(original)
    def function(first: Any, *args: Any, **kwargs: Any) -> Any:
        if torch.compiler.is_compiling() or is_stepping() or not _is_alone(mode, tensors(first, args)):
            return original(first, *args, **kwargs)
        torch._C._pop_torch_function_stack()
        try:
            return original(first, *args, **kwargs)
        finally:
            torch._C._push_on_torch_function_stack(mode)

    return function


def _is_alone(mode: TorchFunctionMode, tensors: list[Any]) -> bool:
    """Tell whether nobody but this mode sees the calls: no mode of the script above it, no subclass of its own."""
    count = torch._C._len_torch_function_stack()
    if not count or torch._C._get_function_stack_at(count - 1) is not mode:
        return False
    return all(type(tensor) in _ORDINARY for tensor in tensors)
