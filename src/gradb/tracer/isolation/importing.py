"""Installs the tracer at the moment the script imports torch, and not before.

A script may set environment variables that torch reads on import, and a script that never imports torch pays nothing.
Torch is imported ahead of the script (while the screen is being drawn) only where the script's own text shows that
nothing but standard-library imports comes before its import of torch.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any


class FirstImport(MetaPathFinder):
    """Calls ``before`` and ``after`` around the first import of a module.

    Args:
        name: the module.
        before: called when the import begins.
        after: called with the module when it has been executed.
    """

    def __init__(self, name: str, before: Callable[[], None], after: Callable[[ModuleType], None]) -> None:
        self._name = name
        self._before = before
        self._after = after

    def install(self) -> None:
        """Begin to wait."""
        sys.meta_path.insert(0, self)

    def uninstall(self) -> None:
        """Stop waiting."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Find the module as Python would, and wrap its loader; leave every other one to the other finders."""
        if fullname != self._name:
            return None
        self.uninstall()
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Wrapped(spec.loader, self._before, self._after)
        return spec


class _Wrapped(Loader):
    """A loader that reports when its module has been executed, and then puts the original back."""

    def __init__(self, loader: Any, before: Callable[[], None], after: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._before = before
        self._after = after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._before()
        self._loader.exec_module(module)
        self._after(module)


def begins_with_torch(text: str) -> bool:
    """Tell whether a script imports torch before it does anything but import from the standard library."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    for statement in body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        roots = _imported(statement)
        if roots is None:
            return False
        if "torch" in roots:
            return True
        if not roots <= sys.stdlib_module_names:
            return False
    return False


def _imported(statement: ast.stmt) -> set[str] | None:
    if isinstance(statement, ast.Import):
        return {alias.name.partition(".")[0] for alias in statement.names}
    if isinstance(statement, ast.ImportFrom) and not statement.level and statement.module:
        return {statement.module.partition(".")[0]}
    return None
