"""Watches the script's own hooks: each is listed where it was registered, and what it changed is recorded when it runs.

A hook is wrapped when it is registered, since the engine calls whatever lies in its dictionary then. The wrapper calls
the hook and returns what it returned; when nothing is recorded it does no more than that.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any, NamedTuple

import torch
from torch.overrides import TorchFunctionMode

from gradb.tape.kinds.hook import write as write_hook
from gradb.tape.wire import Blob
from gradb.tracer.isolation.signals import shielded
from gradb.tracer.native.trial import accelerator
from gradb.tracer.recording.composer import Composer
from gradb.tracer.source.places import NOWHERE, PlaceRow
from gradb.tracer.tensors.history import grad_of, version
from gradb.tracer.watch.aten import looking_away
from gradb.tracer.watch.callables import code_of, handed_to_torch, is_ours, name_of, where_of
from gradb.tracer.watch.lending import Lending
from gradb.tracer.watch.node_code import inside
from gradb.tracer.watch.visits import NodeVisit

TENSOR, NODE, NODE_PRE, POST, MODULE, MODULE_PRE = (
    "tensor",
    "node",
    "node pre",
    "post-accumulate",
    "module",
    "module pre",
)
REMOVED = "removed"
_task = torch._C._current_graph_task_id
_compiling = torch._guards.TracingContext.try_get


class UserHooks:
    """Wraps and records the script's hooks."""

    def __init__(self, composer: Composer, lending: Lending) -> None:
        self._composer = composer
        self._lending = lending
        self._recorder = composer.recorder
        self._mode: TorchFunctionMode | None = None
        """The forward mode, which a hook is traced with."""

    @contextlib.contextmanager
    def installed(self, mode: TorchFunctionMode) -> Iterator[None]:
        """See the registration of hooks on nodes and modules for as long as the context lasts.

        Those of tensors go through the torch API, where the forward mode sees them.
        """
        self._mode = mode
        mixin, module_hook = torch.autograd.function._HookMixin, torch.utils.hooks.BackwardHook
        of_node, of_module = mixin.__dict__["_register_hook"], module_hook.__init__
        register, handle = of_node.__func__, torch.utils.hooks.RemovableHandle
        of_handle, visits = handle.remove, {NodeVisit.before, NodeVisit.after}

        def register_on_node(backward_hooks: Any, hook: Any) -> Any:
            is_visit = type(hook) is MethodType and hook.__func__ in visits  # nearly all: two for each node that runs
            return register(backward_hooks, hook if is_visit else self.wrap(hook, NODE))

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
        native = accelerator()
        ours = staticmethod(register_on_node) if native is None else native.Registrar(register_on_node)
        mixin._register_hook = ours  # type: ignore[method-assign]
        module_hook.__init__ = begin  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            handle.remove = of_handle  # type: ignore[method-assign]
            mixin._register_hook = of_node  # type: ignore[method-assign]
            module_hook.__init__ = of_module  # type: ignore[method-assign]

    def wrap(self, hook: Any, kind: str) -> Any:
        """Return what to register in a hook's place: the hook itself where it is not the script's own."""
        if is_ours(getattr(handed_to_torch(hook), "__code__", None)):
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
            known = composer.tensors.record(tensor)
            found.tensor = known.id
            if found.node is not None and not tensor.is_leaf:
                found.hung = known.hang(found.node, f"{name_of(hook)} ({where_of(hook)})")
            self._emit(found, ([], []), None, place, None)
        return found

    def _removed(self, watched: Watched) -> None:
        """Tell that a hook will not be called any more."""
        entry = [watched.node, f"{name_of(watched.__wrapped__)} ({where_of(watched.__wrapped__)})"]
        if entry in watched.hung:
            watched.hung.remove(entry)
        self._emit(watched, ([], []), None, self._recorder.find().place.row, None, kind=REMOVED)

    # --- when one runs ------------------------------------------------------------------------------------------------

    def run(self, watched: Watched, arguments: tuple[Any, ...]) -> Any:
        """Run a hook, recording the gradients before and after it."""
        composer, hook = self._composer, watched.__wrapped__
        is_seen = composer.run() is not None or (_task() >= 0 and _compiling() is None)
        if not self._recorder.is_active or not self._recorder.is_full or not is_seen:
            return hook(*arguments)
        kind = watched.kind
        if kind == NODE and len(arguments) == 1:
            kind = NODE_PRE
        if kind == POST:
            composer.guard(self._fill)
        before = composer.guard(self._before, kind, arguments)
        try:
            with looking_away(composer), self._inside(watched):
                result = hook(*arguments)
        except BaseException as error:
            if before is not None:
                composer.guard(self._after, watched, kind, before, arguments, None, f"{type(error).__name__}: {error}")
            raise
        if before is not None:
            composer.guard(self._after, watched, kind, before, arguments, result)
        return result

    def _inside(self, watched: Watched) -> contextlib.AbstractContextManager[None]:
        """Trace what a hook computes as part of the node that it hangs on."""
        visit = self._composer.visit()
        node = watched.node or (0 if visit is None else visit.mark.id)
        return contextlib.nullcontext() if self._mode is None else inside(self._composer, self._mode, node)

    def _fill(self) -> None:
        """Have what was added to ``.grad`` recorded before a hook changes it."""
        visit = self._composer.visit()
        if visit is not None:
            visit.fill()

    def _before(self, kind: str, arguments: tuple[Any, ...]) -> _Given:
        return _Given(self._composer, _given(kind, arguments))

    def _after(
        self, watched: Watched, kind: str, before: _Given, arguments: tuple[Any, ...], result: Any, error: str = ""
    ) -> None:
        given = _given(kind, arguments)
        after = _listed(result) if result is not None and kind != POST else given
        is_inplace = before.has_changed(given, is_same=True)
        is_same = len(after) == len(given) and all(one is other for one, other in zip(after, given, strict=True))
        is_changed = is_inplace if is_same else before.has_changed(after, is_same=False)
        if kind == POST and is_changed:
            self._note_grad(arguments[0])
        blob = before.blob
        given_odd, blob.odd = blob.odd, 0
        values = before.texts, [self._composer.gradients((tensor,), blob) for tensor in after]
        run = self._composer.run()
        blob.odd = blob.odd if run is None else run.births.hooked(after, given_odd, blob.odd)
        self._emit(watched, values, blob, None, _Made(is_changed, is_inplace, error), kind=kind)

    def _note_grad(self, leaf: torch.Tensor) -> None:
        composer = self._composer
        known = composer.tensors.note_grad(leaf, grad_of(leaf))
        composer.writer.pen.grad(known.id, self._recorder.settle(), known.fills, known.since)
        self._lending.told(leaf)

    def _emit(
        self,
        watched: Watched,
        values: tuple[list[str], list[str]],
        blob: Blob | None,
        place: PlaceRow | None,
        made: _Made | None,
        *,
        kind: str = "",
    ) -> None:
        """Record that a hook was registered (at a place), or ran (where it is written) and what it ``made``."""
        recorder, local = self._recorder, self._composer.local
        if place is None:
            place = self._written(watched.__wrapped__)
        node, visit = watched.node, self._composer.visit()
        if blob is not None and node is None and visit is not None:
            node = visit.mark.id
        backward = 0 if blob is None else self._composer.backward_here()
        made = made or _Made(False, False, "")
        detail = write_hook(
            kind=kind or watched.kind, function=name_of(watched.__wrapped__), where=where_of(watched.__wrapped__),
            tensor=watched.tensor, output_nr=watched.output_nr, has_run=blob is not None, is_changed=made.is_changed,
            before=",".join(values[0]), after=",".join(values[1]), backward=backward, is_inplace=made.is_inplace,
            error=made.error,
        )  # fmt: skip
        is_quiet = not (made.is_changed or made.error)

        def emit(node: int | None) -> None:
            recorder.settle()
            recorder.emit(
                "hook", name_of(watched.__wrapped__), place, detail, blob, scope=self._composer.scope, node=node,
                is_quiet=is_quiet, odd=0 if blob is None else blob.odd,
                phase=None if blob is not None else "forward",
            )  # fmt: skip

        if node is None and backward:
            local.awaiting.append(emit)  # the node is told by the next that begins to run
            local.keep()
        else:
            emit(node)

    def _written(self, hook: Any) -> PlaceRow:
        code = code_of(hook)
        return NOWHERE.row if code is None else self._recorder.places.of_code(code)


class _Given:
    """What a hook is given, as it was before the hook ran."""

    __slots__ = ("blob", "composer", "data", "texts", "versions")

    def __init__(self, composer: Composer, tensors: list[Any]) -> None:
        self.composer, self.blob = composer, Blob()
        self.texts = [composer.gradients((tensor,), self.blob) for tensor in tensors]
        self.data = self.blob.join()
        self.versions = _versions(tensors)

    def has_changed(self, tensors: list[Any], *, is_same: bool) -> bool:
        """Tell whether some gradients are other than these were; ``is_same``: they are the same tensors."""
        blob = Blob()
        if [self.composer.gradients((tensor,), blob) for tensor in tensors] != self.texts or blob.join() != self.data:
            return True
        return not self.data and (not is_same or _versions(tensors) != self.versions)  # nothing of them could be read


class _Made(NamedTuple):
    """What a hook made of what it was given."""

    is_changed: bool
    is_inplace: bool
    error: str


class Watched:
    """A hook of the script's, and where it hangs."""

    def __init__(self, hooks: UserHooks, hook: Callable[..., Any], kind: str) -> None:
        self.__wrapped__ = hook
        self.hooks = hooks
        self.kind = kind
        self.node: int | None = None
        self.output_nr = 0
        self.tensor = 0
        self.hung: list[list[Any]] = []
        """All hooks of that tensor: (node, what to call it)."""

    def __call__(self, *arguments: Any) -> Any:
        """Run the hook."""
        return self.hooks.run(self, arguments)

    @shielded
    def __getattr__(self, name: str) -> Any:
        """Look like the hook."""
        return getattr(self.__dict__["__wrapped__"], name)

    def __repr__(self) -> str:
        """Look like the hook."""
        return repr(self.__wrapped__)

    def __reduce__(self) -> Any:
        """Become the hook itself where it is copied or pickled."""
        return _itself, (self.__wrapped__,)


def _itself(hook: Any) -> Any:
    return hook


def _versions(tensors: list[Any]) -> list[int]:
    return [0 if tensor is None else version(tensor) for tensor in tensors]


def _given(kind: str, arguments: tuple[Any, ...]) -> list[Any]:
    """Return the gradients that a hook may change."""
    if kind == POST:
        return [grad_of(arguments[0])]
    found = arguments[1] if kind in (MODULE, MODULE_PRE) else arguments[0]
    return _listed(found)


def _listed(found: Any) -> list[Any]:
    items = found if isinstance(found, (tuple, list)) else (found,)
    return [item if isinstance(item, torch.Tensor) else None for item in items]
