"""Watches forward ops through a TorchFunctionMode: one event a call that returns or changes tensors.

Inside an optimizer's step and inside torch.func transforms nothing is recorded. What cannot matter to a gradient is
recorded as quiet. Errors that torch raises are recorded where they are raised, and raised on.
"""

from __future__ import annotations

import functools
import gc
import inspect
import sys
import weakref
from collections.abc import Callable, Iterable
from types import FrameType, FunctionType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode, resolve_name

from gradb.tape.codec import Blob, Wire
from gradb.tracer.composer import Composer
from gradb.tracer.gradients import GradWatch
from gradb.tracer.places import Found
from gradb.tracer.syntax import Callee

_SEEN_GETTERS = frozenset({"T", "mT", "H", "mH", "real", "imag"})
_ENGINE_CALLS = frozenset({"torch.Tensor.backward", "torch.autograd.grad", "torch.autograd.backward"})
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
_EITHER = frozenset({"mul", "add"})
_INPLACE = frozenset(
    {"__setitem__", "__iadd__", "__isub__", "__imul__", "__itruediv__", "__idiv__", "__ipow__", "__imatmul__"}
)
_PASS, _OP, _ENGINE, _GRAD, _RETAIN = range(5)
_APPLY = Callee("apply")


class Call:
    """What is known of a torch function, found out once."""

    __slots__ = ("callee", "display", "genuine", "is_inplace", "kind")

    def __init__(self, func: Callable[..., Any]) -> None:
        self.genuine: Any = func
        name = getattr(func, "__name__", "") or type(func).__name__
        full = _full_name(func) or f"torch.{name}"
        self.display = full.removeprefix("torch.") if full.startswith("torch.Tensor.") else full
        order: Any = "reversed" if name in _REFLECTED else "either" if name in _EITHER else "same"
        self.callee = Callee(name, full.startswith("torch.Tensor."), order)
        is_dunder = name.startswith("__") and name.endswith("__")
        self.is_inplace = name in _INPLACE or (name.endswith("_") and not is_dunder)
        self.kind = _kind(func, name, full)

    @classmethod
    def custom(cls, function: type) -> Call:
        """Describe the ``apply`` of a custom autograd.Function."""
        call = cls(function)
        call.display, call.callee = f"{function.__name__}.apply", _APPLY
        call.is_inplace, call.kind, call.genuine = False, _OP, None
        return call


def _genuine(func: Callable[..., Any], caller: FrameType | None) -> Callable[..., Any]:
    """Return the function to run: ``func``, unless the script has put a function of its own in torch's place.

    ``Tensor.backward`` passes on whatever ``Tensor.backward`` now is; the one that is running is the one to go on with.
    """
    code = getattr(func, "__code__", None)
    if code is None or caller is None or caller.f_code.co_name != "handle_torch_function" or caller.f_back is None:
        return func
    running = caller.f_back.f_code
    if running is code or getattr(inspect.unwrap(func), "__code__", None) is running:
        return func
    found = [f for f in gc.get_referrers(running) if isinstance(f, FunctionType) and f.__code__ is running]
    return found[0] if len(found) == 1 and found[0].__name__ == getattr(func, "__name__", "") else func


def _full_name(func: Callable[..., Any]) -> str | None:
    try:
        name: str | None = resolve_name(func)
    except Exception:
        return None
    return name


def _kind(func: Callable[..., Any], name: str, full: str) -> int:
    if full in _ENGINE_CALLS:
        return _ENGINE
    if name == "retain_grad":
        return _RETAIN
    if name in {"__get__", "__set__", "__delete__"}:
        attribute = getattr(getattr(func, "__self__", None), "__name__", "")
        if name == "__get__":
            return _OP if attribute in _SEEN_GETTERS else _PASS
        return _GRAD if attribute in {"grad", "requires_grad", "data"} else _PASS
    return _PASS if name in _UNSEEN or name.startswith(("_set_", "_record_function")) else _OP


class ForwardMode(TorchFunctionMode):
    """The mode; entered once in each thread that is traced."""

    def __init__(self, composer: Composer, grads: GradWatch) -> None:
        super().__init__()
        self._composer = composer
        self._recorder = composer.recorder
        self._grads = grads
        self._calls: dict[Any, Call] = {}
        self._customs: weakref.WeakKeyDictionary[type, Call] = weakref.WeakKeyDictionary()

    def __torch_function__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the function, recording it if it is one to record."""
        call = self._calls.get(func)
        if call is None:
            call = self._calls[func] = Call(func)
            call.genuine = _genuine(func, sys._getframe(1))
        func = call.genuine
        if call.kind == _PASS or not self._recorder.is_active:
            return func(*args, **kwargs) if kwargs else func(*args)
        return self._run(call, func, args, kwargs or {})

    def run_custom(self, function: Any, apply: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run ``function.apply`` of a custom autograd.Function, recording it as one op."""
        if not self._recorder.is_active:
            return apply(function, *args, **kwargs)
        call = self._customs.get(function)
        if call is None:
            call = self._customs[function] = Call.custom(function)
        return self._run(call, functools.partial(apply, function), args, kwargs)

    def _run(self, call: Call, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        step = _Step(self._composer, self._grads, call, args, kwargs)
        self._composer.guard(step.before)
        try:
            result = func(*args, **kwargs)
        except Exception as error:
            self._composer.guard(step.failed, error)
            raise
        self._composer.guard(step.after, result)
        return result


class _Step:
    """One call on its way to the tape."""

    __slots__ = ("args", "bad", "blob", "call", "composer", "found", "grads", "inputs", "kwargs", "recorder", "wires")

    def __init__(
        self, composer: Composer, grads: GradWatch, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self.composer, self.grads, self.call, self.args, self.kwargs = composer, grads, call, args, kwargs
        self.recorder = composer.recorder
        self.found: Found | None = None
        self.blob = Blob()
        self.bad = False
        self.inputs: list[torch.Tensor] = []
        self.wires: list[Wire] | None = None

    def before(self) -> None:
        """Look at what has to be seen before the call changes it."""
        self.inputs = _tensors(self.args) + _tensors(self.kwargs.values())
        if self.call.kind != _OP:
            self._name_inputs()
        if self.call.kind == _GRAD:
            self.grads.before_setting(self.call.display, self.args)
        elif self.call.is_inplace or "out" in self.kwargs:
            if self._locate().is_optimizer or self.composer.is_in_transform():
                return
            self._take_inputs()
            self.grads.before_inplace(self.kwargs["out"] if "out" in self.kwargs else next(iter(self.args), None))

    def after(self, result: Any) -> None:
        """Record the call, now that it has returned."""
        if self.call.kind == _GRAD:
            self.grads.after_setting(self.call.display, self.args, self._locate())
            return
        if self.call.kind == _RETAIN:
            self.composer.retain(self.args[0])
        if self.call.kind in {_ENGINE, _RETAIN}:
            return
        results = [result] if isinstance(result, torch.Tensor) else _tensors((result,))
        if not results and self.call.is_inplace and self.args and isinstance(self.args[0], torch.Tensor):
            results = [self.args[0]]  # __setitem__ returns nothing
        if not results or self._locate().is_optimizer or self.composer.is_in_transform():
            return
        if self.grads.after_inplace(self.call.display, self._locate()):
            return
        if self.wires is None:
            self._take_inputs()
        self._record(results, isinstance(result, torch.Tensor))

    def failed(self, error: Exception) -> None:
        """Record an error where torch raised it."""
        self.recorder.settle()
        self.grads.error(error, self._locate().place.row)

    def _locate(self) -> Found:
        if self.found is None:
            self.found = self.recorder.find(4)
        return self.found

    def _name_inputs(self) -> None:
        event, found = self.recorder.settle(), self._locate()
        if found.is_direct:
            self.composer.name_arguments(found.place.names, self.call.callee, self.args, event)

    def _name_results(self, results: list[torch.Tensor], is_single: bool, event: int) -> None:
        found = self._locate()
        if found.is_direct:
            self.composer.name_results(found.place.names, self.call.callee, results, is_single, event)

    def _take_inputs(self) -> None:
        place = self._locate().place.row
        self._name_inputs()
        self.composer.leaves(self.inputs, place)
        event = self.recorder.next_seq
        pairs = [self.composer.tensor(tensor, self.blob, event, place) for tensor in self.inputs]
        self.wires = [wire for wire, _ in pairs]
        self.bad = any(is_bad for _, is_bad in pairs)

    def _record(self, results: list[torch.Tensor], is_single: bool) -> None:
        composer, found = self.composer, self._locate()
        event, place = self.recorder.settle(), found.place.row
        is_leaf = is_single and results[0].is_leaf and results[0].requires_grad
        if is_leaf and not composer.tensors.record(results[0]).is_leaf:
            self._name_results(results, is_single, event)
            composer.leaf(results[0], self.call.display, place, is_quiet=False)
            return
        new = [n for tensor in results if tensor.grad_fn is not None
               for n in composer.nodes.register(tensor.grad_fn, event, place, composer.scope)]  # fmt: skip
        self._name_results(results, is_single, event)
        outputs = [self._output(tensor, event, found) for tensor in results]
        is_quiet = not (any(tensor.grad_fn is not None for tensor in results) or self._changes_leaf(results))
        first = next((wire for wire in outputs if wire[3] is not None), None)
        name = results[0].grad_fn.name() if results[0].grad_fn is not None and new else self.call.display
        detail = [self.call.display, self.wires, outputs, self._arguments(), new, self.call.is_inplace]
        self.recorder.emit(
            "op", name, place, detail, self.blob, scope=composer.scope,
            node=first[3] if first else None, is_quiet=is_quiet, has_nonfinite=self.bad,
        )  # fmt: skip

    def _changes_leaf(self, results: list[torch.Tensor]) -> bool:
        """Tell whether this is the script's own update of a leaf (hand-written SGD), not its initialisation."""
        is_update = (
            self.call.is_inplace and self._locate().is_direct and not self.call.display.startswith("torch.nn.init")
        )
        return is_update and results[0].requires_grad

    def _output(self, tensor: torch.Tensor, event: int, found: Found) -> Wire:
        is_initialised = "empty" not in self.call.display
        wire, is_bad = self.composer.tensor(tensor, self.blob, event, found.place.row, is_initialised=is_initialised)
        self.composer.writer.tensor(wire[0], event, wire[3], wire[4])
        self.bad |= is_bad
        return wire

    def _arguments(self) -> list[list[str]]:
        indexes = {id(tensor): i for i, tensor in enumerate(self.inputs)}
        pairs = [["", describe(value, indexes)] for value in self.args]
        return pairs + [[key, describe(value, indexes)] for key, value in self.kwargs.items()]


def _tensors(values: Iterable[Any]) -> list[torch.Tensor]:
    """Return the tensors among values and the lists and tuples in them, in order."""
    found: list[torch.Tensor] = []
    for value in values:
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found.extend(item for item in value if isinstance(item, torch.Tensor))
    return found


_LITERALS = (int, float, complex, bool, str, bytes, type(None), slice, torch.dtype, torch.device, type(...))


def describe(value: Any, indexes: dict[int, int]) -> str:
    """Return a short text of an argument without running anybody's ``__repr__``."""
    if isinstance(value, torch.Tensor):
        return f"%{indexes[id(value)]}" if id(value) in indexes else "tensor"
    if isinstance(value, (list, tuple)):
        inner = ", ".join(describe(item, indexes) for item in value[:8]) + (", …" if len(value) > 8 else "")
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    if type(value) in _LITERALS:
        text = repr(value)
        return text if len(text) <= 60 else text[:59] + "…"
    return f"<{type(value).__name__}>"
