"""Looks into an op or a node: each ATen call that it makes becomes an event, while somebody asks for that.

The calls are seen by a kernel of ours in front of every op, under a dispatch key that nothing else uses on the machines
we run on and that is switched on, in this thread alone, for the one op or node (30 ms once, nothing before and after).
A TorchDispatchMode would see them too, but torch takes other paths while one is active (``isTensorSubclassLike``: a
product with a zero in it has another gradient, attention another graph): this kernel changes no path, so no result
changes a bit. It passes every call on as it came. Nothing is installed before somebody looks, and nothing is left when
the tracing is over.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.compiler import is_compiling

from gradb.tape.kinds.aten import write as write_aten
from gradb.tape.kinds.tensor import write_head, write_plain
from gradb.tape.wire import Blob
from gradb.tracer.isolation.genuine import is_grad_enabled
from gradb.tracer.isolation.signals import shielded, shielded_context
from gradb.tracer.recording.composer import Composer
from gradb.tracer.recording.threadstate import EngineCall
from gradb.tracer.source.arguments import argument_text, tensors_in
from gradb.tracer.source.places import PlaceRow
from gradb.tracer.tensors.records import NodeMark
from gradb.tracer.watch import torch_functions
from gradb.tracer.watch.call import ForwardCall

_NAME = "AutocastIPU"
_KEY = getattr(torch._C.DispatchKey, _NAME)  # not in the stubs
_BELOW = torch._C._dispatch_keyset_full_after(_KEY)
_has_kernel = torch._C._dispatch_has_kernel_for_dispatch_key
_include, _exclude = torch._C._dispatch_tls_set_dispatch_key_included, torch._C._dispatch_tls_set_dispatch_key_excluded
_in_transform = torch._C._functorch.peek_interpreter_stack
_NUMBERS = (int, float, complex)  # and bool, which is an int


@shielded
def _switch(is_on: bool) -> None:
    _include(_KEY, is_on)
    _exclude(_KEY, not is_on)


def looking_away(composer: Composer) -> contextlib.AbstractContextManager[None]:
    """Let a hook of the script's run inside a node without taking its calls for the node's."""
    return _away(composer) if composer.local.looks else _NOTHING


_NOTHING = contextlib.nullcontext()


@shielded_context
def _away(composer: Composer) -> Iterator[None]:
    local = composer.local
    looks, local.looks = local.looks, []
    _switch(False)
    try:
        yield
    finally:
        local.looks = looks
        _switch(True)


class Microscope:
    """Installs the kernel when it is first needed, and gives each call to the innermost look of its thread."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._recorder = composer.recorder
        self._local = composer.local
        self._libraries: list[Any] = []
        self._ops: dict[str, tuple[Any, bool]] = {}

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Take the kernel out, if there is one by then, when the context ends."""
        try:
            yield
        finally:
            for library in self._libraries:
                library.reset()
            self._libraries.clear()

    def run(self, call: ForwardCall, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Run a forward op and look into it, if that can be done."""
        look = self._composer.guard(self._into_op, call)
        if look is None:
            return function(*args, **kwargs)
        try:
            look.begin()
            return function(*args, **kwargs)
        finally:
            call.calls = look.end()

    def _into_op(self, call: ForwardCall) -> Look | None:
        is_op = call.call.kind == torch_functions.OP and not call.call.display.startswith("torch.autograd.")
        if not is_op or self._local.looks or _in_transform() is not None or call.is_hidden():
            return None  # or a look into the node that calls it sees it
        self._install()
        is_quiet = not (is_grad_enabled() and any(tensor.requires_grad for tensor in call.inputs))
        phase = "forward" if call.again is None and call.inside is None else "backward"
        return Look(self._composer, phase, self._composer.scope, is_quiet=is_quiet)

    def into_node(self, mark: NodeMark, start: int, gradients: tuple[Any, ...], backward: EngineCall) -> Look | None:
        """Begin to look into a node that is about to run, if that can be done.

        Args:
            mark: the node's.
            start: seq of its node_start event.
            gradients: what flows into it.
            backward: the call of the engine.
        """
        look: Look | None = self._composer.guard(self._into_node, mark, start, gradients, backward.place)
        looks = self._local.looks
        self._local.keep()
        looks[:] = [one for one in looks if one.backward is None or not one.backward.is_over]  # of nodes that raised
        if look is not None:
            look.backward = backward
            look.begin()
        return look

    def _into_node(self, mark: NodeMark, start: int, gradients: tuple[Any, ...], backward: PlaceRow) -> Look | None:
        if is_compiling() or _in_transform() is not None or mark.name.startswith("CompiledFunction"):
            return None
        self._install()
        look = Look(self._composer, "backward", mark.scope, start=start, node=mark.id)
        look.places = (backward, mark.place)
        for index, gradient in enumerate(gradients):
            if gradient is not None:
                name = "upstream" if len(gradients) == 1 else f"upstream {index}"
                look.names[self._composer.tensors.record(gradient).id] = name
        return look

    def _install(self) -> None:
        """Put the kernel before every op that there is.

        One kernel for all of them would be simpler, but torch does not find that for tensor subclasses and under
        dispatch modes. An op that is defined later is passed over: what it calls is seen in its place.
        """
        if self._libraries:
            return
        names: dict[str, list[str]] = {"_": []}
        for full in torch._C._dispatch_get_all_op_names():
            namespace, _, name = full.partition("::")
            names.setdefault(namespace, []).append(name)
        for namespace, ops in names.items():
            library: Any = torch._C._dispatch_library("IMPL", namespace, "", __file__, 1)
            self._libraries.append(library)
            if namespace == "_":
                library.fallback(_NAME, torch.library.fallthrough_kernel, True)
            for name in ops:
                library.impl(name, _NAME, functools.partial(self._kernel, f"{namespace}.{name}"), True)

    def _find(self, name: str) -> tuple[Any, bool]:
        """Return an op, and whether it has no kernel of its own: then it calls others, under autograd."""
        found = self._ops.get(name)
        if found is None:
            namespace, packet, *overload = name.split(".")
            op = getattr(getattr(getattr(torch.ops, namespace), packet), overload[0] if overload else "default")
            is_composite = _has_kernel(op.name(), "CompositeImplicitAutograd") and not _has_kernel(op.name(), "CPU")
            found = self._ops[name] = op, is_composite
        return found

    def _kernel(self, name: str, keyset: Any, *args: Any, **kwargs: Any) -> Any:
        """Record a call that an op or node makes; where it is composed of others, those are recorded in its place."""
        op, is_composite = self._find(name)
        has_numbers, looks = _has_numbers(op, args, kwargs), self._local.looks
        lock: Any = self._recorder.lock
        if not looks or lock._is_owned() or is_compiling():  # a call of our own, or none that can be looked into
            return _pass(keyset, op, args, kwargs, has_numbers)
        if is_composite and not has_numbers:
            return op.redispatch(keyset & _BELOW, *args, **kwargs)
        look: Look = looks[-1]
        inputs = self._composer.guard(look.before, args, kwargs)
        result = _pass(keyset, op, args, kwargs, has_numbers)
        if inputs is not None:
            self._composer.guard(look.after, op, args, kwargs, inputs, result)
        return result


def _pass(keyset: Any, op: Any, args: Any, kwargs: Any, has_numbers: bool) -> Any:
    """Pass a call on, unseen from here on down.

    A number that stands for a tensor is understood by the op as Python calls it only.
    """
    try:
        _switch(False)
        if not has_numbers:
            return op.redispatch(keyset & _BELOW, *args, **kwargs)
        with torch._C.DisableTorchFunction():
            return op(*args, **kwargs)
    finally:
        _switch(True)


def _has_numbers(op: Any, args: Any, kwargs: Any) -> bool:
    """Tell whether a tensor is given as a number (``a * 2`` is ``aten.mul.Tensor``)."""
    declared = op._schema.arguments
    for value, argument in zip(args, declared, strict=False):
        if isinstance(value, _NUMBERS) and isinstance(argument.type, torch.TensorType):
            return True
    if not kwargs:
        return False
    named = {argument.name: argument.type for argument in declared}
    return any(isinstance(v, _NUMBERS) and isinstance(named.get(k), torch.TensorType) for k, v in kwargs.items())


class _Inputs:
    """What a call was given, as it was before the call."""

    __slots__ = ("blob", "indexes", "texts")

    def __init__(self) -> None:
        self.blob = Blob()
        self.texts: list[str] = []
        self.indexes: dict[int, int] = {}


class Look:
    """One look into one op or node."""

    def __init__(
        self,
        composer: Composer,
        phase: str,
        scope: str,
        *,
        start: int = 0,
        node: int | None = None,
        is_quiet: bool = False,
    ) -> None:
        self.names: dict[int, str] = {}
        """What to call tensors that have no name, by id."""
        self.places: tuple[PlaceRow, PlaceRow] | None = None
        """Where the engine was called, and what stands for that: the place of the op that made the node."""
        self.backward: EngineCall | None = None
        """The call of the engine that runs the node."""
        self._composer = composer
        self._phase, self._scope, self._node, self._is_quiet = phase, scope, node, is_quiet
        self._start = start
        self.first = self._number = 0
        """seq of the first call seen so far; 0 before there is one."""

    @shielded
    def begin(self) -> None:
        """See the calls of this thread from here on."""
        self._composer.local.looks.append(self)
        _switch(True)

    @shielded
    def end(self) -> int:
        """See them no more; return the seq of the first one, 0 where there was none."""
        looks = self._composer.local.looks
        if self in looks:
            del looks[looks.index(self) :]
        _switch(bool(looks))
        return self.first

    def before(self, args: Any, kwargs: Any) -> _Inputs:
        """Take what a call is given."""
        found = _Inputs()
        for tensor in (*tensors_in(args), *tensors_in(kwargs.values())):
            if id(tensor) not in found.indexes:
                found.indexes[id(tensor)] = len(found.texts)
                found.texts.append(self._text(tensor, found.blob))
        return found

    def after(self, op: Any, args: Any, kwargs: Any, inputs: _Inputs, result: Any) -> None:
        """Record a call that has returned."""
        recorder, blob = self._composer.recorder, inputs.blob
        seq = recorder.settle()
        self._number += 1
        self.first = self.first or seq
        outputs = ",".join([self._text(tensor, blob) for tensor in tensors_in((result,))])
        named = zip(op._schema.arguments, args, strict=False)
        texts = [argument_text(parameter.name, value, inputs.indexes) for parameter, value in named]
        texts += [argument_text(key, value, inputs.indexes) for key, value in kwargs.items()]
        name = str(op)
        detail = write_aten(
            start=self._start or self.first, number=self._number, function=name, inputs=",".join(inputs.texts),
            outputs=outputs, arguments=",".join(texts), is_inplace=op._schema.is_mutable,
        )  # fmt: skip
        place, is_optimizer = self._place()
        recorder.emit(
            "aten", name, place, detail, blob,
            scope=self._scope, node=self._node, is_quiet=self._is_quiet, odd=blob.odd,
            phase="optimizer" if is_optimizer else self._phase,
        )  # fmt: skip

    def _place(self) -> tuple[PlaceRow, bool]:
        """Return where the call comes from: Python code inside the op or node, else where that itself stands."""
        found = self._composer.find(1)
        row = found.place.row
        if self.places is not None and row in {self.places[0], (None,) * 5}:
            row = self.places[1]
        return row, found.is_optimizer and self.places is None

    def _text(self, tensor: torch.Tensor, blob: Blob) -> str:
        """Return the text of the wire form ``T``: its nodes are the business of the op's own event."""
        known = self._composer.tensors.record(tensor)
        name = self.names.get(known.id) if known.name is None else None
        head = known.head if name is None else write_head(known.id, name)
        return write_plain(head, self._composer.snapshots.take(tensor, blob))
