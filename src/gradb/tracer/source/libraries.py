"""What a library calls the tensors that it keeps for the script, where no variable of the script's leads to them.

A store of parameters is a dictionary in an object (or a class) that a module of the library holds: Pyro's, for one. Its
keys are the names that the script gave. Only libraries that run at that moment, called by the script, are looked into.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

from gradb.tracer.source.variables import Search, Variables, attributes_of, is_foreign

_KEYS = re.compile(r'(?:\["[^"]*"\])+$')
_MOST_MODULES = 2_000


def names_in(libraries: Sequence[str], wanted: Iterable[int]) -> dict[int, str]:
    """Return, by ``id``, what some tensors are called in libraries: the keys that they have, else their path.

    Args:
        libraries: top-level packages, in the order in which they are looked into: there is room for so many objects.
        wanted: ids of the tensors, which are alive.
    """
    search, all_of_them = Search(wanted), frozenset(libraries)
    for library in libraries:
        kept = _kept(library, all_of_them)
        for is_class in (False, True):  # there are more classes, and few of them hold anything
            for variables in kept:
                if search.wanted:
                    search.look([item for item in variables if issubclass(type(item[1]), type) is is_class], "")
    return {key: _name(path) for key, (path, _) in search.found.items()}


def packages_of(modules: Iterable[str]) -> tuple[str, ...]:
    """Return the top-level packages of modules in their order, without those that keep no tensors of the script's."""
    return tuple(dict.fromkeys(module.partition(".")[0] for module in modules if not is_foreign(module)))


def _kept(library: str, libraries: frozenset[str]) -> list[Variables]:
    """Return what the modules of a library hold of its own objects, classes and dictionaries, or of the others'."""
    found = [
        module
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] == library and issubclass(type(module), ModuleType)
    ]
    return [_own(module, libraries) for module in found[:_MOST_MODULES]]


def _own(module: ModuleType, libraries: frozenset[str]) -> Variables:
    variables = list(object.__getattribute__(module, "__dict__").items())
    return [(name, value) for name, value in variables if type(name) is str and _is_of(value, libraries)]


def _is_of(value: Any, libraries: frozenset[str]) -> bool:
    kind = type(value)
    if kind is dict:
        return True
    home = attributes_of(value if issubclass(kind, type) else kind).get("__module__")
    return type(home) is str and home.partition(".")[0] in libraries


def _name(path: str) -> str:
    keys = _KEYS.search(path)
    return path if keys is None else ".".join(keys[0][2:-2].split('"]["'))
