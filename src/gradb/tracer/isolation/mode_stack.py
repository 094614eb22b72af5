"""Hides the forward mode from Dynamo, which would write other ops for operators where it finds a mode on the stack.

Dynamo looks at the stack of modes when it begins to trace a frame. What compiled code itself puts on the stack, or
takes off, it does by setting the whole of it: the mode is put back below that. It stays on the real stack, which the
guards of compiled code compare as it is.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack

from gradb.tracer.isolation.importing import FirstImport
from gradb.tracer.isolation.patches import replaced

_MODULE = "torch._dynamo.variables.torch_function"
_UTILS = "torch._dynamo.utils"


def hidden(mode: TorchFunctionMode) -> contextlib.AbstractContextManager[None]:
    """Hide a mode from Dynamo, once it is imported, as long as the context lasts."""
    return once_imported(_MODULE, lambda module: _hidden(module, mode))


@contextlib.contextmanager
def once_imported(name: str, make: Callable[[ModuleType], contextlib.AbstractContextManager[None]]) -> Iterator[None]:
    """Enter a context of a module of Dynamo's, now or once it is imported, as long as this one lasts."""
    with contextlib.ExitStack() as stack:

        def enter(module: ModuleType) -> None:
            with contextlib.suppress(Exception):  # another torch: no worse than it was
                stack.enter_context(make(module))

        if name in sys.modules:
            enter(sys.modules[name])
        else:
            waiting = FirstImport(name, lambda: None, enter)
            waiting.install()
            stack.callback(waiting.uninstall)
        yield


@contextlib.contextmanager
def _hidden(module: Any, mode: TorchFunctionMode) -> Iterator[None]:
    def beginning(original: Any) -> Any:
        @functools.wraps(original)
        def begin(state: Any, py_stack: Any, *args: Any, **kwargs: Any) -> None:
            modes = list(py_stack)
            original(state, modes, *args, **kwargs)
            for index in reversed([i for i, one in enumerate(modes) if one is mode]):
                del state.mode_stack[index]

        return begin

    def setting(original: Any) -> Any:
        @functools.wraps(original)
        def set_stack(stack: list[Any]) -> None:
            is_lost = mode in _get_current_function_mode_stack() and not any(one is mode for one in stack)
            original([mode, *stack] if is_lost else stack)

        return set_stack

    with (
        replaced(module.SymbolicTorchFunctionState, "__init__", beginning),
        replaced(sys.modules[_UTILS], "set_torch_function_mode_stack", setting),
    ):
        yield
