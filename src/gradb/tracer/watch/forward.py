"""Watches forward ops through a TorchFunctionMode: one event a call that returns or changes tensors.

Inside an optimizer's step and inside torch.func transforms nothing is recorded. What cannot matter to a gradient is
recorded as quiet. Errors that torch raises are recorded where they are raised, and raised on.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

from torch.compiler import is_compiling
from torch.overrides import TorchFunctionMode

from gradb.tracer.isolation.originals import original
from gradb.tracer.isolation.signals import deliver, held, shielded
from gradb.tracer.recording.composer import Composer
from gradb.tracer.watch import torch_functions
from gradb.tracer.watch.aten import Microscope
from gradb.tracer.watch.call import UNSEEN, ForwardCall
from gradb.tracer.watch.clearing import target_of
from gradb.tracer.watch.common_ops import forward
from gradb.tracer.watch.gradients import GradWatch
from gradb.tracer.watch.hooks import UserHooks
from gradb.tracer.watch.torch_functions import Call
from gradb.tracer.watch.updates import UpdateWatch


class ForwardMode(TorchFunctionMode):
    """The mode; entered once in each thread that is traced."""

    def __init__(
        self, composer: Composer, grads: GradWatch, updates: UpdateWatch, hooks: UserHooks, microscope: Microscope,
        make_call: Callable[..., ForwardCall] = ForwardCall,
    ) -> None:  # fmt: skip
        super().__init__()
        self._hooks = hooks
        self._microscope = microscope
        self._composer = composer
        self._recorder = composer.recorder
        self._gate = composer.recorder.gate
        self._grads = grads
        self._updates = updates
        self._calls: dict[Any, Call] = {}
        self._customs: weakref.WeakKeyDictionary[type, Call] = weakref.WeakKeyDictionary()
        self._make_call = make_call
        if make_call is ForwardCall:
            slow = super().__getattribute__("__torch_function__")
            stand_in = forward(self, composer, updates.iterations, self._calls, slow, self._returned, self._raised)
            if stand_in is not None:
                self.__torch_function__ = stand_in  # type: ignore[method-assign]

    def __torch_function__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the function, recording it if it is one to record."""
        if is_compiling():  # Dynamo, which would follow the tracer into its graphs, knows this to be true
            return func(*args, **kwargs) if kwargs else func(*args)
        try:
            call = self._calls.get(func) or self._call(func, sys._getframe(1))
        except TypeError:  # the script's own object, which cannot be hashed
            call = self._call(func, sys._getframe(1))
        func = call.genuine
        if call.kind == torch_functions.PASS or not self._recorder.is_active:
            return func(*args, **kwargs) if kwargs else func(*args)
        if call.kind == torch_functions.LEND:
            self._composer.guard(self._grads.lend, args)
            return func(*args, **kwargs) if kwargs else func(*args)
        if call.kind == torch_functions.HOOK and len(args) == 2:
            hook = self._composer.guard(self._hooks.register, torch_functions.HOOKS[func.__name__], *args)
            return func(args[0], args[1] if hook is None else hook, **(kwargs or {}))
        is_off = (call.clears or (kwargs and "out" in kwargs)) and self._composer.interventions.zero_grad == "off"
        if is_off and self._composer.intervene("zero_grad", self._grads.suppresses, call, args, kwargs or {}):
            return None if call.kind == torch_functions.GRAD else target_of(args, kwargs or {})
        if not self._recorder.is_full:
            return self._watch(call, func, args, kwargs or {})
        return self._run(call, func, args, kwargs or {})

    def _returned(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Record a call that the accelerator has made and left to Python; its caller is the function's."""
        step = self._begin(call, args, kwargs)
        if step is not None:
            self._composer.guard(step.after, result)

    def _raised(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException) -> None:
        """Record what a call has raised that the accelerator has made."""
        if not isinstance(error, Exception):
            self._grads.forget()
            return
        step = self._begin(call, args, kwargs)
        if step is not None:
            self._composer.guard(step.failed, error)

    @shielded
    def _begin(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ForwardCall | None:
        """Begin to record a call; None where that fails. What a handler of the script's raises is no failure."""
        try:
            return self._make_call(self._composer, self._grads, self._updates, call, args, kwargs)
        except Exception as error:
            self._recorder.lost(error, "a call", hides="values gradients")
            return None

    @shielded
    def _call(self, func: Any, caller: FrameType) -> Call:
        """Return what is known of the function that is to be run for ``func``.

        What the script has put in the place of several functions stands for another one each time.
        """
        try:
            genuine = original(func, caller)
            call = self._calls.get(genuine)
            if call is None:
                call = self._calls[genuine] = Call(genuine)
                self._composer.nodes.is_exposed |= call.exposes
        except Exception as error:
            self._recorder.lost(error, "a call", hides="values gradients")
            call = Call.__new__(Call)
            call.kind, call.genuine = torch_functions.PASS, func
        return call

    def _watch(self, call: Call, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function of which only what it does to gradients and parameters matters."""
        changes = call.is_inplace or call.kind == torch_functions.GRAD or "out" in kwargs
        leaves = self._composer.guard(self._grads.before_unseen, call, args, kwargs) if changes else None
        result = func(*args, **kwargs)
        if leaves:
            self._composer.guard(self._grads.after_unseen, leaves)
        if changes:
            self._composer.guard(self._updates.look, call, args)
        return result

    def run_custom(self, function: Any, apply: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run ``apply``, bound to the custom autograd.Function ``function``, recording it as one op."""
        if is_compiling() or not self._recorder.is_active or not self._recorder.is_full:
            return apply(*args, **kwargs)
        call = self._customs.get(function)
        if call is None:
            call = self._customs[function] = Call.custom(function)
        return self._run(call, apply, args, kwargs)

    def _run(self, call: Call, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        step = self._begin(call, args, kwargs)
        if held:
            deliver()
        if step is None:
            return func(*args, **kwargs)
        if call.kind != torch_functions.OP or call.is_inplace or call.genuine is None or "out" in kwargs:
            step.blind = UNSEEN
            self._composer.guard(step.before)
        try:
            result = self._microscope.run(step, func, args, kwargs) if self._gate.looks_in else func(*args, **kwargs)
        except Exception as error:
            self._composer.guard(step.failed, error)
            raise
        except BaseException:
            self._grads.forget()
            raise
        if call.kind != torch_functions.ENGINE:  # what a backward does is told by who watches the engine
            self._composer.guard(step.after, result)
        return result
