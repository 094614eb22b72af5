"""Follows nn.Module calls: the scope of each event, and the names of parameters, arguments and results."""

from __future__ import annotations

import contextlib
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.compiler import is_compiling
from torch.nn.modules import module as hooks

from gradb.tracer.composer import Composer
from gradb.tracer.places import Found
from gradb.tracer.syntax import Callee, Names

_MODULE = Callee("")


class _Tree:
    """The names inside one root module."""

    __slots__ = ("is_named", "names", "ref")

    def __init__(self, root: torch.nn.Module) -> None:
        self.is_named = False
        self.ref = weakref.ref(root)
        kind = type(root).__name__
        self.names = {id(child): (weakref.ref(child), name or kind) for name, child in _named_modules(root)}

    def name(self, module: torch.nn.Module) -> str | None:
        """Return the path of a module, or None when it was not there when the names were collected."""
        ref, name = self.names.get(id(module), (None, ""))
        return name if ref is not None and ref() is module else None


class ModuleScopes:
    """Pushes a scope when a module is called and pops it when the call is over, however it ends."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self.on_unseen_call: Callable[[], object] = lambda: None
        """Called when a module is called while only watching."""
        self._recorder = composer.recorder
        self._trees: dict[int, _Tree] = {}

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Register the global module hooks for as long as the context lasts."""
        handles = [
            hooks.register_module_forward_pre_hook(self._enter),
            hooks.register_module_forward_hook(self._leave, always_call=True),
            hooks.register_module_parameter_registration_hook(self._register),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            self._composer.local.scopes.clear()
            self._composer.local.roots.clear()
            self._composer.local.calls.clear()

    def _enter(self, module: torch.nn.Module, args: tuple[Any, ...]) -> None:
        if is_compiling():
            return
        if not self._recorder.is_full:
            self._composer.guard(self.on_unseen_call)
            return
        self._composer.guard(self._entered, module, args)

    def _leave(self, module: torch.nn.Module, args: tuple[Any, ...], result: Any) -> None:
        if is_compiling():
            return
        local = self._composer.local
        if not self._recorder.is_active or torch._C._get_tracing_state() is not None or not local.calls:
            return  # as ``guard``, without which it did not enter either
        local.scopes.pop()
        local.roots.pop()
        found = local.calls.pop().found
        if found.is_module_call and found.place.names.targets and result is not None:
            self._composer.guard(self._name_result, found, result)

    def _register(self, module: torch.nn.Module, name: str, parameter: Any) -> None:
        if isinstance(parameter, torch.Tensor) and parameter.requires_grad:
            self._composer.guard(self._registered, module, name, parameter)

    def _entered(self, module: torch.nn.Module, args: tuple[Any, ...]) -> None:
        local = self._composer.local
        roots = local.roots
        root = roots[0] if roots else module
        roots.append(root)
        local.scopes.append(self._path(root, module))
        call = self._recorder.places.find_call(sys._getframe(2), local.calls[-1] if local.calls else None)
        local.calls.append(call)
        if len(roots) == 1:
            self._name_parameters(module, call.found.place.names)
        if call.found.is_module_call:
            self._composer.naming.arguments(call.found.place.names, _MODULE, args, self._recorder.settle())

    def _name_result(self, found: Found, result: Any) -> None:
        is_single = isinstance(result, torch.Tensor)
        results = [result] if is_single else _flat(result)
        self._composer.naming.results(found.place.names, _MODULE, results, is_single, self._recorder.settle())

    def _registered(self, module: torch.nn.Module, name: str, parameter: torch.Tensor) -> None:
        event = self._recorder.settle()
        self._composer.naming.provisional(parameter, f"{type(module).__name__}.{name}", event)
        self._composer.leaf(
            parameter, "nn.Parameter", self._recorder.find(4).place.row, is_quiet=True, is_initialised=False
        )

    def _path(self, root: torch.nn.Module, module: torch.nn.Module) -> str:
        tree = self._trees.get(id(root))
        if tree is None or tree.ref() is not root or tree.name(module) is None:
            if tree is None or tree.ref() is not root:
                weakref.finalize(root, self._trees.pop, id(root), None).atexit = False
            tree = self._trees[id(root)] = _Tree(root)
        return tree.name(module) or type(module).__name__

    def _name_parameters(self, root: torch.nn.Module, around: Names) -> None:
        """Give the parameters of a model that is called the paths by which variables lead to them."""
        tree = self._trees.get(id(root))
        if tree is None or tree.ref() is not root or tree.is_named:
            return
        tree.is_named = True
        names = {id(parameter): (name, parameter) for name, parameter in _named_parameters(root)}
        called = (around.callee or type(root).__name__).removeprefix("self.")
        parameters = [parameter for _, parameter in names.values()]
        self._composer.naming.settle(parameters, self._recorder.settle(), lambda key: f"{called}.{names[key][0]}")


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
