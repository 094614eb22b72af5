"""By which path the script's variables lead to a tensor: ``netG.main.12.weight``, ``layers[0].w[1]``.

The variables of the running frames are looked through, the outermost first, and within a frame modules before plain
variables before lists, dictionaries and objects. What is found is true at that moment. Nothing of the script's is run
(no property, no ``__getattr__``, no ``__eq__``), and no value is kept alive.
"""

from __future__ import annotations

import contextlib
import dis
import functools
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FrameType, MemberDescriptorType
from typing import Any

import torch

from gradb.tracer.source.keptlocals import kept_dictionary, put_back

_MOST_SEEN = 20_000
_MOST_ITEMS = 1_000
_MOST_DEEP = 6
_OPTIMIZED = 0x1
"""Flag of the code of a function: its variables are no dictionary."""
_FOREIGN = frozenset({"builtins", "gradb", "numpy", "torch", "__builtin__"}) | sys.stdlib_module_names - {"__main__"}
_SEES_LOCALS = frozenset({"locals", "f_locals", "currentframe", "_getframe", "set_trace"})
_BUILTINS_SEE_LOCALS = frozenset({"vars", "dir", "eval", "exec"})
"""As methods these are others: ``model.eval()``."""
_MOST_CODES = 256
Variables = list[tuple[str, Any]]


def variables_of(frame: FrameType) -> Variables:
    """Return the variables of a running frame, leaving no trace in it.

    Where the script may hold the very dictionary that is made of them, nothing is read.
    """
    is_kept = frame.f_code.co_flags & _OPTIMIZED and sys.version_info < (3, 13)
    if is_kept and (sys.gettrace() is not None or _sees_locals(frame.f_code)):
        return []
    return all_variables_of(frame)


def all_variables_of(frame: FrameType) -> Variables:
    """Return the variables of a running frame, even where the script may hold their very dictionary.

    Up to Python 3.12 a function's frame keeps that dictionary, and to read it writes into it what the variables are
    now: what was in it is put back, so that the script finds what it last asked for.
    """
    if not frame.f_code.co_flags & _OPTIMIZED or sys.version_info >= (3, 13):
        return list(frame.f_locals.items())
    kept = kept_dictionary(frame)
    before = {} if kept is None else dict(kept)
    held = frame.f_locals
    try:
        return list(held.items())
    finally:
        if kept is held or sys.getrefcount(held) <= 3:  # the frame, this variable, the call
            put_back(held, before)


@functools.lru_cache(_MOST_CODES)
def _sees_locals(code: CodeType) -> bool:
    """Tell whether a function may get hold of the dictionary of its own variables."""
    if not _SEES_LOCALS.isdisjoint(code.co_names):
        return True
    return not _BUILTINS_SEE_LOCALS.isdisjoint(code.co_names) and any(
        one.argval in _BUILTINS_SEE_LOCALS for one in dis.get_instructions(code) if one.opname == "LOAD_GLOBAL"
    )


class Search:
    """Looks for some tensors; a path once found stays, and what is found is looked for no more.

    Args:
        wanted: the ids of the tensors; they are alive as long as the search lasts.
        opens_modules: whether a path may lead through a module.
        without: a variable that no path begins with; empty: any may.
    """

    def __init__(self, wanted: Iterable[int], *, opens_modules: bool = True, without: str = "") -> None:
        self.wanted = set(wanted)
        self._opens_modules, self._without = opens_modules, without
        self.found: dict[int, tuple[str, str]] = {}
        """Path, and the function whose variable it begins with."""
        self._scope = ""
        self._seen: set[int] = set()
        self._room = _MOST_SEEN

    def look(self, variables: Variables, scope: str, is_passing: Callable[[str], bool] = lambda name: False) -> None:
        """Look through the variables of one frame.

        Args:
            variables: in the order in which they were assigned.
            scope: the function, as its code is called; empty for a module.
            is_passing: tells those that are one thing after another, as the variables of loops are: they come last.
        """
        self._scope = scope
        named = [
            (name, value)
            for name, value in variables
            if not name.startswith("__") and name.isidentifier() and name != self._without
        ]
        self._pass([(name, value) for name, value in named if not is_passing(name)])
        self._pass([(name, value) for name, value in named if is_passing(name)])

    def _pass(self, variables: Variables) -> None:
        pending: deque[tuple[str, Any, int]] = deque()
        for name, value in variables:
            if issubclass(type(value), torch.nn.Module) and name != "self":
                self._module(name, value, 0, pending)
        for name, value in variables:
            if issubclass(type(value), torch.Tensor):
                self._claim(name, value)
        pending.extendleft((name, value, 0) for name, value in reversed(variables))
        while pending and self.wanted and self._room > 0:
            self._open(*pending.popleft(), pending)

    def _claim(self, path: str, value: Any) -> None:
        if id(value) in self.wanted:
            self.wanted.discard(id(value))
            self.found[id(value)] = path, self._scope

    def _open(self, path: str, value: Any, depth: int, pending: deque[tuple[str, Any, int]]) -> None:
        """Look at one value, and put off what is in it."""
        kind = type(value)
        if issubclass(kind, torch.Tensor):
            self._claim(path, value)
        elif id(value) not in self._seen and depth < _MOST_DEEP:
            if issubclass(kind, torch.nn.Module):
                self._module(path, value, depth, pending)
                return
            parts = list(_parts(path, value, kind))
            if parts:
                self._seen.add(id(value))
                self._room -= len(parts)
                pending.extend((name, part, depth + 1) for name, part in parts)

    def _module(self, path: str, root: Any, depth: int, pending: deque[tuple[str, Any, int]]) -> None:
        """Claim the parameters below a module, and put off what else its modules hold."""
        stack = [(path, root)] if self._opens_modules else []
        while stack and self.wanted:
            prefix, module = stack.pop()
            if id(module) in self._seen:
                continue
            self._seen.add(id(module))
            state = attributes_held(module)
            for name, value in [*_items(state.get("_parameters")), *_items(state.get("_buffers"))]:
                self._claim(f"{prefix}.{name}" if _is_dotted(name) else f"{prefix}[{_quoted(name)}]", value)
            children = _items(state.get("_modules"))
            stack.extend((f"{prefix}.{name}", child) for name, child in reversed(children) if child is not None)
            others = [(name, value) for name, value in _items(state) if name not in _OF_MODULES]
            pending.extend((f"{prefix}.{name}", value, depth + 1) for name, value in others if _may_hold(value))


attributes_of = type.__dict__["__dict__"].__get__
"""Returns the dictionary of a class, past all that its metaclass may do."""
_OF_MODULES = frozenset(vars(torch.nn.Module()))


def attributes_held(value: Any) -> dict[Any, Any]:
    """Return the attributes of an object, or of a class, as it keeps them, past all that its class may do."""
    if issubclass(type(value), type):
        return dict(attributes_of(value))
    try:
        found = object.__getattribute__(value, "__dict__")
    except (AttributeError, TypeError):
        return {}
    return found if type(found) is dict else {}


def _slots(value: Any, kind: type) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of an object that lie in slots."""
    for name, slot in [item for base in kind.__mro__ for item in attributes_of(base).items()]:
        if type(slot) is MemberDescriptorType and type(name) is str:
            with contextlib.suppress(AttributeError):  # nothing is in it yet
                yield name, slot.__get__(value, kind)


def _items(value: Any) -> list[tuple[Any, Any]]:
    """Return the items of a dictionary of whatever class."""
    return list(dict.items(value))[:_MOST_ITEMS] if issubclass(type(value), dict) else []


def _may_hold(value: Any) -> bool:
    kind = type(value)
    return kind in {list, tuple} or issubclass(kind, (dict, torch.Tensor)) or not _is_foreign(kind)


def _is_foreign(kind: type) -> bool:
    module = attributes_of(kind).get("__module__", "builtins")
    return type(module) is not str or is_foreign(module)


def is_foreign(module: str) -> bool:
    """Tell whether nothing in a module is looked into: Python's own, torch, numpy and gradb."""
    return module.partition(".")[0] in _FOREIGN


def _parts(path: str, value: Any, kind: type) -> Iterator[tuple[str, Any]]:
    """Yield (path, value) of what an object holds."""
    if issubclass(kind, tuple) and type(fields := attributes_of(kind).get("_fields")) is tuple:
        yield from ((f"{path}.{name}", item) for name, item in zip(fields, tuple.__iter__(value), strict=False))
    elif kind in {list, tuple}:
        yield from ((f"{path}[{index}]", item) for index, item in enumerate(value[:_MOST_ITEMS]))
    elif issubclass(kind, dict):
        yield from ((f"{path}[{_quoted(key)}]", item) for key, item in _items(value) if type(key) in {str, int})
    elif not _is_foreign(value if issubclass(kind, type) else kind):
        held = [*_items(attributes_held(value)), *(() if issubclass(kind, type) else _slots(value, kind))]
        yield from ((f"{path}.{name}", item) for name, item in held if type(name) is str)


def _is_dotted(name: Any) -> bool:
    """Tell whether a name can follow a dot: ``weight``, ``0``, ``a.b``."""
    return type(name) is not str or name.replace(".", "_").isidentifier() or name.isdecimal()


def _quoted(key: str | int) -> str:
    return repr(key) if type(key) is int else f'"{key}"'
