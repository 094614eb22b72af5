"""Follows nn.Module calls: the scope of each event, and the names of parameters, arguments and results."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator
from typing import Any

import torch
from torch.nn.modules import module as hooks

from gradb.tracer.composer import Composer
from gradb.tracer.places import Found


class _Tree:
    """The names inside one root module."""

    __slots__ = ("names", "ref")

    def __init__(self, root: torch.nn.Module) -> None:
        self.ref = weakref.ref(root)
        kind = type(root).__name__
        self.names = {id(child): name or kind for name, child in root.named_modules()}


class ModuleScopes:
    """Pushes a scope when a module is called and pops it when the call is over, however it ends."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
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

    def _enter(self, module: torch.nn.Module, args: tuple[Any, ...]) -> None:
        self._composer.guard(self._entered, module, args)

    def _leave(self, module: torch.nn.Module, args: tuple[Any, ...], result: Any) -> None:
        self._composer.guard(self._left, result)

    def _register(self, module: torch.nn.Module, name: str, parameter: Any) -> None:
        if isinstance(parameter, torch.Tensor) and parameter.requires_grad:
            self._composer.guard(self._registered, module, name, parameter)

    def _entered(self, module: torch.nn.Module, args: tuple[Any, ...]) -> None:
        local = self._composer.local
        roots = local.roots
        if not roots:
            self._name_parameters(module)
        root = roots[0] if roots else module
        roots.append(root)
        local.scopes.append(self._path(root, module))
        found = self._recorder.find(3)
        if _is_users_call(found):
            direct = Found(found.place, True, False, 0)
            self._composer.name_arguments(direct, args, "same", self._recorder.settle())

    def _left(self, result: Any) -> None:
        local = self._composer.local
        if local.scopes:
            local.scopes.pop()
            local.roots.pop()
        found = self._recorder.find(3)
        if _is_users_call(found) and result is not None:
            results = [result] if isinstance(result, torch.Tensor) else _flat(result)
            direct = Found(found.place, True, False, 0)
            self._composer.name_results(direct, results, isinstance(result, torch.Tensor), self._recorder.settle())

    def _registered(self, module: torch.nn.Module, name: str, parameter: torch.Tensor) -> None:
        event = self._recorder.settle()
        self._composer.name(parameter, f"{type(module).__name__}.{name}", event)
        self._composer.leaf(
            parameter, "nn.Parameter", self._recorder.find(4).place.row, is_quiet=True, is_initialised=False
        )

    def _path(self, root: torch.nn.Module, module: torch.nn.Module) -> str:
        tree = self._trees.get(id(root))
        if tree is None or tree.ref() is not root or id(module) not in tree.names:
            tree = self._trees[id(root)] = _Tree(root)
            weakref.finalize(root, self._trees.pop, id(root), None).atexit = False
        return tree.names.get(id(module), type(module).__name__)

    def _name_parameters(self, root: torch.nn.Module) -> None:
        tree = self._trees.get(id(root))
        if tree is not None and tree.ref() is root:
            return
        event = self._recorder.settle()
        for name, parameter in root.named_parameters():
            owner = self._composer.owner(name)
            known = self._composer.tensors.record(parameter)
            if owner is not None and owner != known.id:
                name = f"{type(root).__name__}.{name}"  # noqa: PLW2901 - another model has a parameter of that name
            self._composer.name(parameter, name, event, is_parameter=True)


def _is_users_call(found: Found) -> bool:
    return found.module_calls == 1 and found.place.is_call


def _flat(result: Any) -> list[torch.Tensor]:
    return [item for item in result if isinstance(item, torch.Tensor)] if isinstance(result, (list, tuple)) else []
