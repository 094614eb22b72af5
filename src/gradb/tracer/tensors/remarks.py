"""What is to be known of a node beside its edges: who wrote its backward, and what becomes of what it saves.

Reads only what a node's class and torch's own stacks say: nothing here unpacks a saved tensor or runs anybody's code.
"""

from __future__ import annotations

import functools
import inspect
import os
import weakref
from collections.abc import Callable
from types import CodeType
from typing import Any

import torch
from torch.nn.modules import _functions
from torch.utils.checkpoint import CheckpointFunction

from gradb.tape.cutting import shortened
from gradb.tape.kinds.graph import RemarkKind

_ONCE = torch.autograd.function.once_differentiable.__code__
_OF_CPU = "save_on_cpu.__init__"
_OF_CHECKPOINT = "_checkpoint_hook.__init__"
_OF_RECOMPUTATION = "_recomputation_hook.__init__"
UNMATERIALISED = "gradb unmaterialised"
"""Key in the metadata of a node whose Function called ``set_materialize_grads(False)``: torch does not tell."""
Remarks = list[tuple[RemarkKind, str]]
_known: weakref.WeakKeyDictionary[type, Remarks] = weakref.WeakKeyDictionary()
"""What is to be known of each custom Function, found out once; a class made on the fly is not kept alive by it."""


def of_custom(node: Any, kind: str) -> Remarks:
    """Return (kind, text) of what is to be known of a Python Function's node."""
    if kind == "compiled":
        return [("compiled", "")]
    function = getattr(node, "_forward_cls", None)
    if function is CheckpointFunction:
        return [("reentrant", "")]
    if function is _functions.BackwardHookFunction:
        return [("module_hooks", "")]
    backward = getattr(function, "backward", None)
    if function is None or backward is None:
        return []
    found = _known.get(function)
    if found is None:
        found = _known[function] = _of_function(function, backward)
    return [*found, ("unmaterialised", "")] if node.metadata.get(UNMATERIALISED) else found


def _of_function(function: type, backward: Callable[..., Any]) -> Remarks:
    if "vjp" in vars(function):
        backward = vars(function)["vjp"]
        backward = getattr(backward, "__func__", backward)
    found: Remarks = [("custom", f"{shortened(function.__name__, 80)}, {place(inspect.unwrap(backward))}")]
    code = getattr(backward, "__code__", None)
    if isinstance(code, CodeType) and code in _ONCE.co_consts:
        found.append(("once_differentiable", ""))
    return found


def of_hooks(hooks: Any) -> Remarks:
    """Return (kind, text) of the saved-tensor hooks under which a node was made."""
    pack, unpack = hooks[0], hooks[1]
    name = getattr(pack, "__qualname__", "")
    is_torch = str(getattr(pack, "__module__", "")).startswith("torch.")
    if is_torch and name.startswith(_OF_CPU):
        return [("save_on_cpu", "")]
    if is_torch and name.startswith(_OF_CHECKPOINT):
        return [("checkpoint", "")]
    if is_torch and name.startswith(_OF_RECOMPUTATION):
        return []
    return [("saved_hooks", f"{title(pack)} ({place(pack)}), {title(unpack)} ({place(unpack)})")]


def title(function: Any) -> str:
    """Return what to call a function."""
    inner = function.func if isinstance(function, functools.partial) else function
    name = getattr(inner, "__qualname__", "") or type(inner).__name__
    return shortened(str(name).rpartition("<locals>.")[2], 80)


def place(function: Any) -> str:
    """Return ``file:line`` where a function is defined, or that this is not known."""
    inner = function.func if isinstance(function, functools.partial) else function
    code = getattr(getattr(inner, "__func__", inner), "__code__", None)
    if not isinstance(code, CodeType):
        return "not Python"
    return f"{os.path.basename(code.co_filename)}:{code.co_firstlineno}"
