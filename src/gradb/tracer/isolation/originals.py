"""Tells torch's own functions from those that a script has put in their place.

A torch function that is written in Python passes on whatever its public name now stands for (``softmax`` hands over
``torch.nn.functional.softmax``), and so does a method of ``Tensor`` that is written in C. Where a script has replaced
that name, its own function is running already: the one to go on with is the function that it has called.
"""

from __future__ import annotations

import gc
import inspect
from collections.abc import Iterator
from types import CodeType, FrameType, FunctionType
from typing import Any

import torch
from torch.nn import functional, init

_DISPATCH = torch.overrides.handle_torch_function.__code__
_PLACES = (torch, torch.functional, functional, init, torch.autograd, torch.Tensor, torch._tensor)
_BASE = torch._C.TensorBase


def _functions() -> Iterator[Any]:
    for place in _PLACES:
        yield from (value for value in vars(place).values() if callable(value) or isinstance(value, property))


_ORIGINALS = {id(function): function for function in _functions()}
"""What torch itself has put there: tracing begins before the script can have changed anything."""


def _by_code() -> dict[CodeType, Any]:
    whole = {f.__code__: f for f in _ORIGINALS.values() if isinstance(f, FunctionType)}
    inner = (inspect.unwrap(f) for f in whole.values() if hasattr(f, "__wrapped__"))
    return {f.__code__: f for f in inner if isinstance(f, FunctionType)} | whole


_BY_CODE = _by_code()


def original(func: Any, caller: FrameType | None) -> Any:
    """Return the function of torch's that is to be run where ``func`` was handed over by ``caller``."""
    if id(func) in _ORIGINALS:
        return func
    if caller is not None and caller.f_code is _DISPATCH and caller.f_back is not None:
        return _of_code(caller.f_back.f_code, func)
    return _of_tensor(func)


def _of_code(running: CodeType, func: Any) -> Any:
    """Return the function whose code is running."""
    found = _BY_CODE.get(running)
    if found is not None or getattr(func, "__code__", None) is running:
        return func if found is None else found
    holders = [f for f in gc.get_referrers(running) if isinstance(f, FunctionType) and f.__code__ is running]
    if len(holders) == 1 and _is_method(holders[0], func):  # an operator that hands over itself
        return func
    return holders[0] if len(holders) == 1 and _is_named(func, holders[0]) else func


def _is_method(holder: FunctionType, owner: Any) -> bool:
    return any(value is holder for kind in type(owner).__mro__ for value in vars(kind).values())


def _is_named(func: Any, holder: FunctionType) -> bool:
    """Tell whether a name of torch's now stands for another function, and it is not handed over on purpose."""
    return getattr(func, "__code__", None) is None or func.__code__.co_filename != holder.__code__.co_filename


def _of_tensor(func: Any) -> Any:
    """Return the method, or the reading or setting of an attribute, in whose place the script has put ``func``."""
    owner = getattr(func, "__self__", None)
    stands, access = (owner, func.__name__) if isinstance(owner, property) else (func, "")
    if id(stands) in _ORIGINALS:
        return func
    for name, value in vars(torch.Tensor).items():
        if value is stands and hasattr(_BASE, name):
            found = getattr(_BASE, name)
            return getattr(found, access) if access else found
    return func
