"""Watches the script's own hooks: each is listed where it was registered, and what it changed is recorded when it runs.

A hook is wrapped when it is registered, since the engine calls whatever lies in its dictionary then. The wrapper calls
the hook and returns what it returned; when nothing is recorded it does no more than that.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

import torch

import gradb
from gradb.tape.codec import Blob, dumps
from gradb.tracer.composer import Composer
from gradb.tracer.history import grad_of, version
from gradb.tracer.microscope import looking_away
from gradb.tracer.places import NOWHERE, PlaceRow

TENSOR, NODE, NODE_PRE, POST, MODULE, MODULE_PRE = (
    "tensor",
    "node",
    "node pre",
    "post-accumulate",
    "module",
    "module pre",
)
REMOVED = "removed"
_OURS = tuple(os.path.dirname(os.path.abspath(module.__file__ or "")) + os.sep for module in (gradb, torch))
"""Folders whose functions are no hooks of the script's."""


class UserHooks:
    """Wraps and records the script's hooks."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._recorder = composer.recorder

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """See the registration of hooks on nodes and modules for as long as the context lasts.

        Those of tensors go through the torch API, where the forward mode sees them.
        """
        mixin, module_hook = torch.autograd.function._HookMixin, torch.utils.hooks.BackwardHook
        of_node, of_module = mixin.__dict__["_register_hook"], module_hook.__init__
        register, handle = of_node.__func__, torch.utils.hooks.RemovableHandle
        of_handle = handle.remove

        def register_on_node(backward_hooks: Any, hook: Any) -> Any:
            return register(backward_hooks, self.wrap(hook, NODE))

        @functools.wraps(of_module)
        def begin(backward: Any, module: Any, user_hooks: Any, user_pre_hooks: Any) -> None:
            hooks = [self.wrap(hook, MODULE) for hook in user_hooks]
            of_module(backward, module, hooks, [self.wrap(hook, MODULE_PRE) for hook in user_pre_hooks])

        @functools.wraps(of_handle)
        def remove(removable: Any) -> None:
            hooks = removable.hooks_dict_ref()
            hook = None if hooks is None else hooks.get(removable.id)
            of_handle(removable)
            if isinstance(hook, Watched) and hook.node is not None and self._recorder.is_full:
                self._composer.guard(self._removed, hook)

        handle.remove = remove  # type: ignore[method-assign, assignment]
        mixin._register_hook = staticmethod(register_on_node)  # type: ignore[method-assign]
        module_hook.__init__ = begin  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            handle.remove = of_handle  # type: ignore[method-assign]
            mixin._register_hook = of_node  # type: ignore[method-assign]
            module_hook.__init__ = of_module  # type: ignore[method-assign]

    def wrap(self, hook: Any, kind: str) -> Any:
        """Return what to register in a hook's place: the hook itself where it is not the script's own."""
        code = getattr(hook, "__code__", None)
        if _is_ours(code):  # nearly all: two for each node that the engine runs
            return hook
        if not self._recorder.is_active or not callable(hook) or isinstance(hook, Watched):
            return hook
        return Watched(self, hook, kind)

    def register(self, kind: str, tensor: Any, hook: Any) -> Any:
        """Return what to register on a tensor in a hook's place, and tell the tape where it is."""
        if self._composer.is_in_transform():
            return hook
        found = self.wrap(hook, kind)
        if isinstance(found, Watched) and tensor.requires_grad:
            recorder, composer = self._recorder, self._composer
            place = recorder.find(3).place.row
            event = recorder.settle()
            composer.leaves([tensor], place)
            event = recorder.next_seq
            found.node, found.output_nr = composer.node_of(tensor, event, place)
            found.tensor = composer.tensors.record(tensor).id
            self._emit(found, ([], []), None, place, is_quiet=True)
        return found

    def _removed(self, watched: Watched) -> None:
        """Tell that a hook will not be called any more."""
        self._emit(watched, ([], []), None, self._recorder.find().place.row, kind=REMOVED, is_quiet=True)

    # --- when one runs ------------------------------------------------------------------------------------------------

    def run(self, watched: Watched, arguments: tuple[Any, ...]) -> Any:
        """Run a hook, recording the gradients before and after it."""
        composer, hook = self._composer, watched.__wrapped__
        if not self._recorder.is_active or not self._recorder.is_full or composer.local.backward is None:
            return hook(*arguments)
        kind = watched.kind
        if kind == NODE and len(arguments) == 1:
            kind = NODE_PRE
        if kind == POST:
            composer.guard(self._fill)
        before = composer.guard(self._before, kind, arguments)
        with looking_away(composer):
            result = hook(*arguments)
        if before is not None:
            composer.guard(self._after, watched, kind, before, arguments, result)
        return result

    def _fill(self) -> None:
        """Have what was added to ``.grad`` recorded before a hook changes it."""
        visit = self._composer.local.visit
        if visit is not None:
            visit.fill()

    def _before(self, kind: str, arguments: tuple[Any, ...]) -> tuple[list[str], Blob, list[int]]:
        blob, given = Blob(), _given(kind, arguments)
        return self._texts(given, blob), blob, [version(one) for one in given]

    def _texts(self, tensors: list[Any], blob: Blob) -> list[str]:
        return [self._composer.gradients((tensor,), blob) for tensor in tensors]

    def _after(
        self,
        watched: Watched,
        kind: str,
        before: tuple[list[str], Blob, list[int]],
        arguments: tuple[Any, ...],
        result: Any,
    ) -> None:
        given, (texts, blob, versions) = _given(kind, arguments), before
        after = _listed(result) if result is not None and kind != POST else given
        was = b"".join(blob.parts)
        size, blob.has_nonfinite = blob.size, False
        later = self._texts(after, blob)
        is_same = b"".join(blob.parts)[size:] == was and len(after) == len(given)
        is_touched = [version(one) for one in given] != versions
        is_changed = not is_same or (not size and (is_touched or after is not given))  # nothing of it could be read
        if kind == POST and is_changed:
            self._note_grad(arguments[0])
        self._emit(watched, (texts, later), blob, None, kind=kind, is_quiet=not is_changed)

    def _note_grad(self, leaf: torch.Tensor) -> None:
        composer = self._composer
        known = composer.tensors.note_grad(leaf)
        composer.writer.grad(known.id, self._recorder.settle(), known.fills, known.since)

    def _emit(
        self,
        watched: Watched,
        values: tuple[list[str], list[str]],
        blob: Blob | None,
        place: PlaceRow | None,
        *,
        kind: str = "",
        is_quiet: bool,
    ) -> None:
        """Record that a hook was registered (at a place), or ran (where it is written)."""
        recorder, local = self._recorder, self._composer.local
        if place is None:
            place = self._written(watched.__wrapped__)
        node = watched.node
        if blob is not None and node is None and local.visit is not None:
            node = local.visit.mark.id
        flags = f"{dumps(blob is not None)},{dumps(blob is not None and not is_quiet)}"
        before, after = ",".join(values[0]), ",".join(values[1])
        backward = 0 if local.backward is None or blob is None else local.backward.start
        detail = (
            f"[{dumps(kind or watched.kind)},{dumps(_name(watched.__wrapped__))},{dumps(_where(watched.__wrapped__))},"
            f"{watched.tensor},{watched.output_nr},{flags},[{before}],[{after}],{backward}]"
        )

        def emit(node: int | None) -> None:
            recorder.settle()
            recorder.emit(
                "hook", _name(watched.__wrapped__), place, detail, blob, scope=self._composer.scope, node=node,
                is_quiet=is_quiet, has_nonfinite=blob is not None and blob.has_nonfinite,
                phase=None if blob is not None else "forward",
            )  # fmt: skip

        if node is None and blob is not None:
            local.awaiting.append(emit)  # the node is told by the next that begins to run
        else:
            emit(node)

    def _written(self, hook: Any) -> PlaceRow:
        code = getattr(getattr(hook, "__func__", hook), "__code__", None)
        return NOWHERE.row if code is None else self._recorder.places.of_code(code)


class Watched:
    """A hook of the script's, and where it hangs."""

    def __init__(self, hooks: UserHooks, hook: Callable[..., Any], kind: str) -> None:
        self.__wrapped__ = hook
        self.hooks = hooks
        self.kind = kind
        self.node: int | None = None
        self.output_nr = 0
        self.tensor = 0

    def __call__(self, *arguments: Any) -> Any:
        """Run the hook."""
        return self.hooks.run(self, arguments)

    def __getattr__(self, name: str) -> Any:
        """Look like the hook."""
        return getattr(self.__dict__["__wrapped__"], name)

    def __repr__(self) -> str:
        """Look like the hook."""
        return repr(self.__wrapped__)

    def __reduce__(self) -> Any:
        """Become the hook itself where it is copied or pickled."""
        return _itself, (self.__wrapped__,)


@functools.lru_cache(1024)
def _is_ours(code: CodeType | None) -> bool:
    """Tell whether a function is gradb's own or torch's."""
    return code is not None and code.co_filename.startswith(_OURS)


def _itself(hook: Any) -> Any:
    return hook


def _given(kind: str, arguments: tuple[Any, ...]) -> list[Any]:
    """Return the gradients that a hook may change."""
    if kind == POST:
        return [grad_of(arguments[0])]
    found = arguments[1] if kind in (MODULE, MODULE_PRE) else arguments[0]
    return _listed(found)


def _listed(found: Any) -> list[Any]:
    items = found if isinstance(found, (tuple, list)) else (found,)
    return [item if isinstance(item, torch.Tensor) else None for item in items]


def _name(hook: Any) -> str:
    inner = hook.func if isinstance(hook, functools.partial) else hook
    return str(getattr(inner, "__qualname__", "") or type(inner).__name__).replace("<locals>.", "")[:80]


def _where(hook: Any) -> str:
    code = getattr(getattr(hook, "__func__", hook), "__code__", None)
    return "" if code is None else f"{os.path.basename(code.co_filename)}:{code.co_firstlineno}"
