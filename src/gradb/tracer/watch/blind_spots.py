"""Takes the mode off where nothing would be recorded anyhow: in what torch's own optimizers compute.

A TorchFunctionMode is called for each attribute that an optimizer reads and each op of its arithmetic, ten to sixty
times a parameter. An op whose place is inside ``torch.optim`` is no event (the step as a whole is one), so there the
mode only costs time. In ``step`` itself it stays on where that may call the script: a closure, hooks, what the script
has put in the place of a part of it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import torch
from torch.compiler import is_compiling
from torch.optim import optimizer as torchs
from torch.overrides import TorchFunctionMode

from gradb.tracer.watch.optimizers import parameters_of

Tensors = Callable[[Any, tuple[Any, ...]], list[Any]]
_ORDINARY = frozenset({torch.Tensor, torch.nn.Parameter})
_TORCH = os.path.dirname(torch.__file__) + os.sep
_count = torch._C._len_torch_function_stack
_at = torch._C._get_function_stack_at
_pop = torch._C._pop_torch_function_stack
_push = torch._C._push_on_torch_function_stack


class BlindSpots:
    """The functions in which optimizers compute, and where the mode is off in them.

    Args:
        mode: the mode.
        is_stepping: tells whether a person goes through the script step by step, who may step into them: then it
            stays on.
    """

    def __init__(self, mode: TorchFunctionMode, is_stepping: Callable[[], bool] = lambda: False) -> None:
        self._mode = mode
        self._is_stepping = is_stepping
        self._parts: dict[type, list[tuple[Any, str, Any]]] = {}
        """What the step of each of torch's own classes is made of."""

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Wrap the functions in which optimizers compute, as long as the context lasts."""
        originals = list(_functions())
        for owner, name, original, tensors in originals:
            setattr(owner, name, self._without(original, tensors))
        self._parts = {kind: list(_parts_of(kind)) for kind in _kinds()}
        try:
            yield
        finally:
            self._parts.clear()
            for owner, name, original, _ in originals:
                setattr(owner, name, original)

    def _without(self, original: Callable[..., Any], tensors: Tensors) -> Callable[..., Any]:
        @functools.wraps(original)
        def function(first: Any, *args: Any, **kwargs: Any) -> Any:
            if is_compiling() or not _count() or not self._can_be_off(tensors, first, args):
                return original(first, *args, **kwargs)
            return self.run(original, first, *args, **kwargs)

        return function

    def _can_be_off(self, tensors: Tensors, first: Any, args: tuple[Any, ...]) -> bool:
        """Tell whether nobody but this mode sees the calls: no mode of the script above it, no subclass of its own."""
        if not self.is_uppermost() or self._is_stepping():
            return False
        return _ORDINARY.issuperset(map(type, tensors(first, args)))

    def is_uppermost(self) -> bool:
        """Tell whether no mode of the script's is above this one, which is in place."""
        count = _count()
        return count > 0 and _at(count - 1) is self._mode

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function without the mode, which is the uppermost."""
        try:
            _pop()  # Python looks for signals right after it
            return function(*args, **kwargs)
        finally:
            _push(self._mode)

    def covers(self, optimizer: Any) -> bool:
        """Tell whether a step that is given nothing can run without the mode: nothing in it is the script's."""
        parts = self._parts.get(type(optimizer)) if _count() else None
        if parts is None:
            return False
        own = vars(optimizer)
        return (
            not (torchs._global_optimizer_pre_hooks or torchs._global_optimizer_post_hooks)
            and not (own.get("_optimizer_step_pre_hooks", True) or own.get("_optimizer_step_post_hooks", True))
            and "_init_group" not in own
            and all(getattr(owner, name, None) is part for owner, name, part in parts)
            and self._can_be_off(_of_optimizer, optimizer, ())
        )


def is_torchs(function: Any) -> bool:
    """Tell whether a function, and all that it is wrapped around, is torch's own."""
    while isinstance(function, FunctionType) and function.__code__.co_filename.startswith(_TORCH):
        if (inner := vars(function).get("__wrapped__")) is None:
            return True
        function = inner
    return False


def _kinds() -> Iterator[type]:
    for kind in vars(torch.optim).values():
        if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer):
            yield kind


def _functions() -> Iterator[tuple[Any, str, Callable[..., Any], Tensors]]:
    """Yield each function with the object that holds it, and how to find the tensors that it works on."""
    yield torch.optim.Optimizer, "zero_grad", torch.optim.Optimizer.zero_grad, _of_optimizer
    for kind in _kinds():
        if "_init_group" in vars(kind):
            yield kind, "_init_group", vars(kind)["_init_group"], _of_group
        if (found := _arithmetic_of(kind)) is not None:
            yield *found, _given


def _arithmetic_of(kind: type) -> tuple[Any, str, Callable[..., Any]] | None:
    """Return the function in which a class computes, with its module and name there."""
    module, name = sys.modules[kind.__module__], kind.__name__.lower()
    return (module, name, vars(module)[name]) if name in vars(module) else None


def _parts_of(kind: type) -> Iterator[tuple[Any, str, Any]]:
    """Yield what the step of a class calls by name: the object that has it, its name there, and what it is now."""
    yield kind, "_init_group", getattr(kind, "_init_group", None)
    for one in kind.__mro__:
        if issubclass(one, torch.optim.Optimizer) and (found := _arithmetic_of(one)) is not None:
            yield found


def _given(first: Any, args: tuple[Any, ...]) -> list[Any]:
    return list(first)


def _of_optimizer(optimizer: Any, args: tuple[Any, ...]) -> list[Any]:
    return parameters_of(optimizer)


def _of_group(optimizer: Any, args: tuple[Any, ...]) -> list[Any]:
    return list(args[0]["params"]) if args else parameters_of(optimizer)
