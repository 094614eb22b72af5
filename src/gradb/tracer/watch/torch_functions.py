"""What is known of a torch function: what it is called, whether and how it is recorded. Found out once for each.

A table over names; nothing here records anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import resolve_name

from gradb.tape.wire import dumps
from gradb.tracer.source.syntax import Callee
from gradb.tracer.watch.clearing import CLEARING

_SEEN_GETTERS = frozenset({"T", "mT", "H", "mH", "real", "imag"})
_ENGINE_CALLS = frozenset({"torch.Tensor.backward", "torch.autograd.backward"})
_UNSEEN = frozenset(
    {
        "size",
        "dim",
        "ndim",
        "stride",
        "numel",
        "nelement",
        "element_size",
        "storage_offset",
        "is_contiguous",
        "is_complex",
        "is_floating_point",
        "is_signed",
        "is_conj",
        "is_neg",
        "is_inference",
        "is_nonzero",
        "is_same_size",
        "is_set_to",
        "item",
        "tolist",
        "numpy",
        "data_ptr",
        "untyped_storage",
        "storage",
        "register_hook",
        "register_post_accumulate_grad_hook",
        "type_as_name",
        "get_device",
        "has_names",
        "__len__",
        "__bool__",
        "__int__",
        "__float__",
        "__index__",
        "__complex__",
        "__repr__",
        "__str__",
        "__format__",
        "__hash__",
        "__contains__",
        "__array__",
        "__array_wrap__",
        "__dir__",
        "__reduce_ex__",
        "__setstate__",
        "__deepcopy__",
        "__cuda_array_interface__",
        "__dlpack__",
        "__dlpack_device__",
        "share_memory_",
        "is_shared",
        "is_pinned",
        "_is_view",
        "_has_compatible_shallow_copy_type",
    }
)
_REFLECTED = frozenset(
    {"__rsub__", "__rtruediv__", "__rdiv__", "__rpow__", "__rmatmul__", "__rfloordiv__", "__rmod__"}
    | {"__rand__", "__ror__", "__rxor__", "__rlshift__", "__rrshift__"}
)
_ELSEWHERE = {"torch.grad": "torch.autograd.grad"}
"""Names that torch resolves to where people do not look for them."""
_EITHER = frozenset({"mul", "add"})
_INPLACE = frozenset(
    {"__setitem__", "__iadd__", "__isub__", "__imul__", "__itruediv__", "__idiv__", "__ipow__", "__imatmul__"}
)
_EXPOSING = frozenset(
    {
        "numpy",
        "__array__",
        "__dlpack__",
        "data_ptr",
        "untyped_storage",
        "storage",
        "from_numpy",
        "frombuffer",
        "from_dlpack",
        "as_tensor",
        "asarray",
    }
)
"""What hands out a tensor's memory, or makes a tensor of memory that others hold."""
_OVERWRITING = frozenset(
    {"fill_", "zero_", "copy_", "set_", "normal_", "uniform_", "random_", "bernoulli_", "exponential_", "cauchy_"}
    | {"log_normal_", "geometric_"}
)
PASS, OP, ENGINE, GRAD, RETAIN, HOOK, LEND = range(7)
_LENDING = frozenset({"numpy", "__array__", "__dlpack__", "data_ptr", "untyped_storage", "storage"})
"""Methods of a tensor that give its memory away."""
HOOKS = {"register_hook": "tensor", "register_post_accumulate_grad_hook": "post-accumulate"}
_APPLY = Callee("apply")
resolve_name(torch.add)  # torch makes its table of names, and touches the warnings filters for that
_name_of: Callable[[Any], str | None] = getattr(resolve_name, "__wrapped__", resolve_name)
"""Without a touch of the filters, after which Python shows again what it has shown already."""


class Call:
    """What is known of a torch function, found out once."""

    __slots__ = (
        "callee",
        "clears",
        "display",
        "exposes",
        "genuine",
        "is_blank",
        "is_inplace",
        "kind",
        "overwrites",
        "quoted",
    )
    genuine: Any
    """The function itself; None of a custom autograd.Function."""

    def __init__(self, func: Callable[..., Any]) -> None:
        self.genuine = func
        name = getattr(func, "__name__", "") or type(func).__name__
        full = _full_name(func) or f"torch.{name}"
        full = _ELSEWHERE.get(full, full)
        self.display = full.removeprefix("torch.") if full.startswith("torch.Tensor.") else full
        order: Any = "reversed" if name in _REFLECTED else "either" if name in _EITHER else "same"
        self.callee = Callee(name, full.startswith("torch.Tensor."), order)
        is_dunder = name.startswith("__") and name.endswith("__")
        self.is_inplace = name in _INPLACE or (name.endswith("_") and not is_dunder)
        self.kind = _kind(func, name, full)
        self.clears = name in CLEARING and (self.kind != GRAD or _attribute(func) != "requires_grad")
        """True when it may clear a gradient."""
        self.quoted = dumps(self.display)
        self.is_blank = name.startswith(("empty", "new_empty"))
        """True when what it returns is memory that nothing was written to."""
        self.overwrites = int(name in _OVERWRITING or full.startswith("torch.nn.init."))
        """Of how many of its arguments, from the first on, nothing is used but where they lie."""
        self.exposes = name in _EXPOSING
        """True when from then on memory may be written to without torch."""

    @classmethod
    def custom(cls, function: type) -> Call:
        """Describe the ``apply`` of a custom autograd.Function."""
        call = cls(function)
        call.display, call.callee = f"{function.__name__}.apply", _APPLY
        call.quoted = dumps(call.display)
        call.is_inplace, call.kind, call.genuine = False, OP, None
        return call


def _full_name(func: Callable[..., Any]) -> str | None:
    try:
        name = _name_of(func)
    except Exception:
        return None
    return None if name is None else _documented(func, name)


def _documented(func: Callable[..., Any], full: str) -> str:
    """Return by which name torch documents a function, of which it resolves any: ``torch.mm``, not ``torch.spmm``.

    What arrives is the function that torch's parser names, whatever alias the script wrote; all aliases are equal.
    """
    if full.startswith("torch.functional."):
        short = full.replace("torch.functional.", "torch.", 1)
        return short if getattr(torch, short.removeprefix("torch."), None) is func else full
    room, _, last = full.rpartition(".")
    own = getattr(func, "__name__", last)
    if room == "torch" and own != last and getattr(torch, own, None) == func:
        return f"torch.{own}"
    return full


def _attribute(func: Any) -> str:
    """Return the attribute that a descriptor's method gets, sets or deletes."""
    return str(getattr(getattr(func, "__self__", None), "__name__", ""))


def _kind(func: Callable[..., Any], name: str, full: str) -> int:
    if name in HOOKS:
        return HOOK
    if name in _LENDING:
        return LEND
    if full in _ENGINE_CALLS:
        return ENGINE
    if name == "retain_grad":
        return RETAIN
    if name in {"__get__", "__set__", "__delete__"}:
        attribute = _attribute(func)
        if name == "__get__":
            return OP if attribute in _SEEN_GETTERS else PASS
        return GRAD if attribute in {"grad", "requires_grad", "data"} else PASS
    return PASS if name in _UNSEEN or name.startswith(("_set_", "_record_function")) else OP
