"""Which calls leave nothing but zeros (or None) in what they change, told before they run.

A table over the names of torch functions, and a look at their arguments. What cannot be told before is told afterwards,
by its effect, elsewhere.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from typing import Any

import torch

from gradb.tracer.isolation.genuine import Methods
from gradb.tracer.tensors.norms import norm_of_all


def is_setting(call: str) -> bool:
    """Tell whether a call sets or deletes ``.grad`` itself."""
    return "Tensor.grad." in call or "__delete__" in call


def clears(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Tell whether a call leaves only zeros, whatever was there, or takes the gradient away."""
    judge = _OUT.get(name) if "out" in kwargs else _IN_PLACE.get(name)
    return judge is not None and bool(judge(args, kwargs))


def target_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return what a call changes: a tensor, or a list of them."""
    if args or "out" in kwargs:
        return kwargs.get("out", args[0] if args else None)
    return next((kwargs[name] for name in ("self", "input", "tensor") if name in kwargs), None)  # tensor: torch.nn.init


def covers(tensor: torch.Tensor, grad: torch.Tensor) -> bool:
    """Tell whether a change of a tensor that shares the memory of a gradient reaches all of it."""
    return tensor is grad or Methods.numel(tensor) == Methods.numel(grad)


def _is_zero(value: Any) -> bool:
    """Tell whether a number, or every element of a tensor or of a list of either, is zero."""
    if isinstance(value, torch.Tensor):
        return Methods.numel(value) > 0 and norm_of_all((value,)) == 0
    if isinstance(value, Sequence) and not isinstance(value, str):
        return len(value) > 0 and all(map(_is_zero, value))
    return isinstance(value, numbers.Real) and float(value) == 0


def _given(args: tuple[Any, ...], kwargs: dict[str, Any], *names: str) -> list[Any]:
    """Return the arguments after the first, those given by position and then those given by name."""
    return [*args[1:], *(kwargs[name] for name in names if name in kwargs)]


def _of_second(*names: str) -> Callable[[tuple[Any, ...], dict[str, Any]], bool]:
    """Make what judges a call by its second argument: zero there means zeros everywhere."""
    return lambda args, kwargs: any(map(_is_zero, _given(args, kwargs, *names)[:1]))


def _sets_item(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    index = args[1] if isinstance(args[1], tuple) else (args[1],)
    return all(one is ... or one == slice(None) for one in index if not isinstance(one, torch.Tensor)) and (
        not any(isinstance(one, torch.Tensor) for one in index) and _is_zero(args[2])
    )


def _clamps(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    bounds = _given(args, kwargs, "min", "max")
    return len(bounds) == 2 and all(map(_is_zero, bounds))


def _takes_itself(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return any(other is args[0] for other in _given(args, kwargs, "other")[:1]) and kwargs.get("alpha", 1) == 1


def _always(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return True


def _sets(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return args[1] is None or _is_zero(args[1])


_PRODUCT, _SOURCE = _of_second("other", "scalar"), _of_second("source", "src", "value")
_IN_PLACE: dict[str, Callable[[tuple[Any, ...], dict[str, Any]], bool]] = {
    "zero_": _always,
    "_foreach_zero_": _always,
    "fill_": _SOURCE,
    "constant_": _of_second("val"),
    "copy_": _SOURCE,
    "_foreach_copy_": _SOURCE,
    "mul_": _PRODUCT,
    "multiply_": _PRODUCT,
    "__imul__": _PRODUCT,
    "_foreach_mul_": _PRODUCT,
    "__setitem__": _sets_item,
    "clamp_": _clamps,
    "clip_": _clamps,
    "sub_": _takes_itself,
    "subtract_": _takes_itself,
    "__isub__": _takes_itself,
    "__set__": _sets,
    "__delete__": _always,
}
_OUT: dict[str, Callable[[tuple[Any, ...], dict[str, Any]], bool]] = {
    "zeros": _always,
    "full": _of_second("fill_value"),
    "mul": lambda args, kwargs: any(map(_is_zero, (*args, *_given((), kwargs, "other")))),
}
CLEARING = frozenset(_IN_PLACE)
"""Names of the functions that may clear what they change."""
