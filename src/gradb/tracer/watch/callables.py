"""What a hook of the script's really is: the function it calls in the end, its name and where it is written."""

from __future__ import annotations

import functools
import inspect
import os
from types import CodeType
from typing import Any

import torch

import gradb
from gradb.tape.cutting import shortened

_MOST_LAYERS = 16
_OURS = tuple(os.path.dirname(os.path.abspath(module.__file__ or "")) + os.sep for module in (gradb, torch))
"""Folders whose functions are no hooks of the script's."""


@functools.lru_cache(1024)
def is_ours(code: CodeType | None) -> bool:
    """Tell whether a function is gradb's own or torch's."""
    return code is not None and code.co_filename.startswith(_OURS)


def name_of(hook: Any) -> str:
    """Return what a hook is called."""
    inner = _function_of(hook)
    name = str(getattr(inner, "__qualname__", "") or type(inner).__name__)
    return shortened(name.replace("<locals>.", ""), 80)


def _function_of(hook: Any) -> Any:
    """Return what a hook calls: the function of a partial, of a partial of that, of a bound method."""
    for _ in range(_MOST_LAYERS):
        inner = hook.func if isinstance(hook, (functools.partial, functools.partialmethod)) else hook
        inner = handed_to_torch(getattr(inner, "__func__", inner))
        if inner is hook:
            break
        hook = inner
    return hook


def handed_to_torch(hook: Any) -> Any:
    """Return what ``register_multi_grad_hook`` was given, of the hooks that torch makes of it; else the hook itself."""
    code = getattr(hook, "__code__", None)
    if code is None or not is_ours(code) or not code.co_qualname.startswith("register_multi_grad_hook."):
        return hook
    cells = dict(zip(code.co_freevars, hook.__closure__ or (), strict=False))
    return cells["fn"].cell_contents if "fn" in cells else hook


def code_of(hook: Any) -> CodeType | None:
    """Return the code of a hook that is written in Python: of a function, or of the class of an object."""
    inner = _function_of(hook)
    if getattr(inner, "__code__", None) is None:
        inner = _function_of(inspect.getattr_static(type(inner), "__call__", None))
    inner = inspect.unwrap(inner) if callable(inner) else inner
    code = getattr(inner, "__code__", None)
    return code if isinstance(code, CodeType) else None


def where_of(hook: Any) -> str:
    """Return the file and line where a hook is written; empty where that is not in Python."""
    code = code_of(hook)
    return "" if code is None else f"{os.path.basename(code.co_filename)}:{code.co_firstlineno}"
