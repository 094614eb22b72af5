"""Follows nn.Module calls: the scope of each event, and the names of parameters, arguments and results."""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import torch
from torch.compiler import is_compiling

from gradb.tracer.isolation.forgetting import forgotten
from gradb.tracer.isolation.patches import replaced
from gradb.tracer.isolation.signals import Torn, deliver, held, shielded
from gradb.tracer.native.trial import accelerator
from gradb.tracer.recording.composer import Composer
from gradb.tracer.source.places import NOWHERE, Found, ModuleCall
from gradb.tracer.source.syntax import Callee
from gradb.tracer.tensors.naming import are_swapped

_MODULE = Callee("")
_SOMEWHERE = ModuleCall(0, NOWHERE.found(False, False, False))


class _Tree:
    """The names inside one root module."""

    __slots__ = ("is_named", "names", "ref")

    def __init__(self, root: torch.nn.Module, trees: dict[int, _Tree]) -> None:
        self.is_named = False
        self.ref = forgotten(root, trees)
        kind = type(root).__name__
        self.names = {id(child): (weakref.ref(child), name or kind) for name, child in _named_modules(root)}

    def name(self, module: torch.nn.Module) -> str | None:
        """Return the path of a module, or None when it was not there when the names were collected."""
        ref, name = self.names.get(id(module), (None, ""))
        return name if ref is not None and ref() is module else None


class ModuleScopes:
    """Pushes a scope when a module is called and pops it when the call is over, however it ends.

    Args:
        composer: of the recording.
        forward: what stands in for the forward mode in C, where something does.
    """

    def __init__(self, composer: Composer, forward: object | None = None) -> None:
        self._composer = composer
        self._recorder = composer.recorder
        self._trees: dict[int, _Tree] = {}
        module = accelerator()
        self._quick = (
            None
            if forward is None or module is None
            else module.Scopes(forward, self._trees, ModuleCall, _Tree, _MODULE, Torn)
        )
        """Does the same in C, for the calls that are nothing new."""
        self._token: object | None = None
        """What is installed now: the script may keep what was installed before in a function of its own."""

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """See the calls of modules, and the registration of parameters, for as long as the context lasts."""
        self._token = object()
        with (
            replaced(torch.nn.Module, "_call_impl", functools.partial(self._watched, self._token)),
            replaced(torch.nn.Module, "register_parameter", functools.partial(self._registering, self._token)),
        ):
            try:
                yield
            finally:
                self._token = None
                self._composer.local.scopes.clear()
                self._composer.local.roots.clear()
                self._composer.local.calls.clear()

    def _watched(self, token: object, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def _call_impl(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
            if is_compiling() or self._token is not token:
                return original(module, *args, **kwargs)
            is_entered, result = self._enter(module, args), None
            try:
                if held:
                    deliver()
                result = original(module, *args, **kwargs)
            finally:
                if is_entered:
                    self._leave(result)
            if held:
                deliver()
            return result

        return _call_impl

    def _registering(self, token: object, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def register_parameter(module: torch.nn.Module, name: str, param: Any) -> None:
            original(module, name, param)
            is_ours = not is_compiling() and self._token is token
            if is_ours and isinstance(param, torch.Tensor) and param.requires_grad:
                self._composer.guard(self._registered, module, name, param)

        return register_parameter

    @shielded
    def _enter(self, module: torch.nn.Module, args: tuple[Any, ...]) -> bool:
        """Take note of a call; return whether its end has to be told."""
        if not self._recorder.is_full:
            self._composer.guard(self._recorder.observer.unseen_call)
            return False
        found = False if self._quick is None else self._quick.enter(module, args)
        if found is not False:
            if isinstance(found, Found):
                self._composer.guard(self._name_arguments, found, args)
            return True
        if Torn.is_torn and threading.get_ident() == threading.main_thread().ident:
            Torn.is_torn = False
            self._composer.guard(self._drop_what_is_over)
        calls = self._composer.local.calls
        depth = len(calls)
        self._composer.guard(self._entered, module, args)
        return len(calls) > depth

    @shielded
    def _leave(self, result: Any) -> None:
        to_name = False if self._quick is None else self._quick.leave(result)
        if to_name is False:
            to_name = self._left(result)
        if isinstance(to_name, Found):
            self._composer.guard(self._name_result, to_name, result)

    def _left(self, result: Any) -> Found | bool:
        """Forget the innermost call; return what was found of it where its result has a name."""
        local = self._composer.local
        calls = local.calls
        if not calls:
            return True
        local.scopes.pop()
        local.roots.pop()
        found: Found = calls.pop().found
        has_name = found.is_module_call and found.place.names.targets and result is not None
        return found if has_name else True

    def _entered(self, module: torch.nn.Module, args: tuple[Any, ...]) -> None:
        local = self._composer.local
        roots, scopes, calls = local.roots, local.scopes, local.calls
        root = roots[0] if roots else module
        path, call = scopes[-1] if scopes else "", _SOMEWHERE
        try:
            path = self._path(root, module)
            call = self._recorder.places.find_call(sys._getframe(2), calls[-1] if calls else None)
        except Exception as error:
            self._composer.missing("scopes", error)
        roots.append(root)  # all three together: what is entered will be left
        scopes.append(path)
        calls.append(call)
        found = call.found
        if len(roots) == 1:
            self._name_parameters(module, found)
        if found.is_module_call and args and found.place.names.operands:
            self._name_arguments(found, args)

    def _name_arguments(self, found: Found, args: tuple[Any, ...]) -> None:
        self._composer.naming.arguments(found.place.names, _MODULE, args, self._recorder.settle())

    def _drop_what_is_over(self) -> None:
        """Leave the calls that a KeyboardInterrupt has ended: torch announces the end of a call by none but errors."""
        running: list[int] = []
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            if frame.f_code.co_name == "_call_impl":
                running.append(id(frame))
            frame = frame.f_back
        del running[:1]  # the call that begins now, whose frame may lie where one lay that is over
        local = self._composer.local
        kept = [number for number, call in enumerate(local.calls) if call.frame in running]
        local.roots[:] = [local.roots[number] for number in kept]
        local.scopes[:] = [local.scopes[number] for number in kept]
        local.calls[:] = [local.calls[number] for number in kept]

    def _name_result(self, found: Found, result: Any) -> None:
        is_single = isinstance(result, torch.Tensor)
        results = [result] if is_single else _flat(result)
        self._composer.naming.results(found.place.names, _MODULE, results, is_single, self._recorder.settle())

    def _registered(self, module: torch.nn.Module, name: str, parameter: torch.Tensor) -> None:
        event = self._recorder.settle()
        self._composer.naming.provisional(parameter, f"{type(module).__name__}.{name}", event)
        self._composer.leaf(parameter, "nn.Parameter", self._recorder.find(4).place.row, is_quiet=True)

    def _path(self, root: torch.nn.Module, module: torch.nn.Module) -> str:
        tree = self._trees.get(id(root))
        name = None if tree is None or tree.ref() is not root else tree.name(module)
        if name is None:
            tree = self._trees[id(root)] = _Tree(root, self._trees)
            name = tree.name(module)
        return name or type(module).__name__

    def _name_parameters(self, root: torch.nn.Module, found: Found) -> None:
        """Give the parameters of a model that is called the paths by which variables lead to them."""
        tree = self._trees.get(id(root))
        if tree is None or tree.ref() is not root or tree.is_named or are_swapped():
            return
        tree.is_named = True
        names = {id(parameter): (name, parameter) for name, parameter in _named_parameters(root)}
        called, kind = found.place.names.callee if found.is_module_call else None, type(root)
        if called is None and not kind.__module__.startswith("torch."):
            called = kind.__name__  # what torch calls for itself is a part of something else
        fallback = None if called is None else f"{called.removeprefix('self.')}.{{}}".format
        parameters = [parameter for _, parameter in names.values()]
        self._composer.naming.settle(
            parameters, self._recorder.settle(), None if fallback is None else lambda key: fallback(names[key][0])
        )


def _named_modules(root: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module]]:
    """Yield each module below a root once, as ``named_modules`` does, but by identity: some cannot be hashed."""
    seen: set[int] = set()
    stack = [("", root)]
    while stack:
        prefix, module = stack.pop()
        if id(module) in seen:
            continue
        seen.add(id(module))
        yield prefix, module
        children = [(f"{prefix}.{name}" if prefix else name, child) for name, child in module._modules.items()]
        stack.extend((name, child) for name, child in reversed(children) if child is not None)


def _named_parameters(root: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Parameter]]:
    """Yield each parameter below a root once."""
    seen: set[int] = set()
    for prefix, module in _named_modules(root):
        for name, parameter in module._parameters.items():
            if parameter is not None and id(parameter) not in seen:
                seen.add(id(parameter))
                yield f"{prefix}.{name}" if prefix else name, parameter


def _flat(result: Any) -> list[torch.Tensor]:
    return [item for item in result if isinstance(item, torch.Tensor)] if isinstance(result, (list, tuple)) else []
