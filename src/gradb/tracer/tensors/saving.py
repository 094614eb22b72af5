"""Reads what a node saved for backward, when it is first seen, without unpacking anything.

``node._raw_saved_x.data`` is the tensor as it lies in the node: reading it runs no unpack hook, checks no version and
makes no detached copy, as reading ``node._saved_x`` would. Where a saved-tensors hook packed the tensor, what it made
of it is there instead, and is only described. Nothing read is kept.
"""

from __future__ import annotations

import functools
import itertools
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from gradb.log.writer import LogWriter
from gradb.tape.cutting import first_line, shortened
from gradb.tape.oddity import UNREAD, oddity
from gradb.tape.saved import write_empty, write_entry, write_saved, write_unread
from gradb.tape.wire import Blob, write_unkept
from gradb.tracer.isolation.genuine import Methods
from gradb.tracer.isolation.signals import shielded
from gradb.tracer.tensors.history import maker, version
from gradb.tracer.tensors.ids import TensorIds
from gradb.tracer.tensors.records import NodeMark
from gradb.tracer.tensors.values import Snapshots, is_ordinary

VISITS = 8
_RAW, _SAVED = "_raw_saved_", "_saved_"
_MAX_TENSORS = 64
_MAX_TEXT = 80
_LITERALS = (int, float, complex, bool, str, bytes, type(None), torch.dtype, torch.device, torch.layout)
_FUNCTION: Any = torch._C._FunctionBase
_raw_of_custom: Callable[[Any], Any] = _FUNCTION._raw_saved_tensors.__get__  # past what a subclass may call the same
AtHand = Sequence[Sequence[torch.Tensor]]


class Saving:
    """Writes to the tape what nodes saved: of each place in the script a limited number, and all while it is stepped.

    Args:
        writer: the tape.
        tensors: ids of tensors.
        snapshots: takes the values that no event shows.
        is_stepping: tells whether a person is stepping the script.
        missing: is told what cannot be found out, and why.
    """

    def __init__(
        self, writer: LogWriter, tensors: TensorIds, snapshots: Snapshots, is_stepping: Callable[[], bool],
        missing: Callable[[str, Exception], object],
    ) -> None:  # fmt: skip
        self._writer = writer
        self._tensors = tensors
        self._snapshots = snapshots
        self._is_stepping = is_stepping
        self._storages = Storages()
        self.visits: dict[tuple[Any, ...], int] = {}
        """How often what a node saved was read, by (place, scope, name) of its mark."""
        self._later: dict[tuple[Any, ...], int] = {}
        self._missing = missing

    def is_packed(self, node: Any, kind: str) -> bool:
        """Tell whether hooks packed what a node saved, of which it was not seen how it was made."""
        try:
            if kind == "custom":
                return any(raw.unpack_hook is not None for raw in _raw_of_custom(node) or ())
            return any(raw.unpack_hook is not None for _, raw in _raws(node, _attributes(_class_of(node))[0]))
        except RuntimeError:
            return True  # freed, or not to be read: nothing is to be tried on it

    def wants(self, mark: NodeMark) -> bool:
        """Tell whether what a new node saved is to be read."""
        return self._counts(self.visits, mark)

    def _counts(self, visits: dict[tuple[Any, ...], int], mark: NodeMark) -> bool:
        key = (mark.place, mark.scope, mark.name)
        count = visits.get(key, 0)
        if count < VISITS:
            visits[key] = count + 1
            return True
        return self._is_stepping()

    def read(self, node: Any, mark: NodeMark, kind: str, at_hand: AtHand) -> None:
        """Write what a node saved.

        Args:
            node: seen for the first time now.
            mark: the node's.
            kind: as the tape calls it.
            at_hand: the inputs and the results of the call that made it, which its event shows; empty where it is
                found later.
        """
        blob = Blob()
        try:
            text = self._told(node, kind, at_hand, blob)
        except Exception as error:
            if type(error) is not RuntimeError:  # torch's own refusal: it was freed
                self._missing("saved tensors", error)
            said = first_line(str(error), 100)
            text, blob = write_unread(f"it cannot be read: {type(error).__name__}: {said}"), Blob()
        self._writer.record_saved(mark.id, text, blob.join())

    def read_again(self, node: Any, mark: NodeMark, kind: str, event: int) -> None:
        """Write what a node holds now that it is about to run, whole; nothing where it is freed."""
        if not self._counts(self._later, mark):
            return
        blob = Blob()
        try:
            text = self._told(node, kind, None, blob)
        except RuntimeError:
            return  # torch will raise the same
        self._writer.record_used(mark.id, event, text, blob.join())

    def oddity(self, node: Any, kind: str) -> int:
        """Return what is odd about what a node holds now, as flags; ``UNREAD`` for what is not read.

        Raises:
            RuntimeError: it was freed.
            TypeError: torch cannot make a value of it.
        """
        if kind == "compiled":
            return UNREAD
        blob = Blob()
        if kind == "custom":
            raws, others = list(_raw_of_custom(node) or ()), list(vars(node).values())
        else:
            tensors, names = _attributes(_class_of(node))
            raws, others = [raw for _, raw in _raws(node, tensors)], [getattr(node, name) for name in names]
        for raw in raws[:_MAX_TENSORS]:
            if raw.data is None:
                raw.unpack()  # raises where it was freed
            elif raw.unpack_hook is not None or not is_ordinary(raw.data):
                return UNREAD
            else:
                self._snapshots.take(raw.data, blob)
        for other in others[:_MAX_TENSORS]:
            if is_ordinary(other):
                self._snapshots.take(other, blob)
            elif type(other) is float:
                blob.odd |= oddity(other)
        return blob.odd

    def versions(self, node: Any) -> list[tuple[int, int]]:
        """Return, of each tensor that a custom Function saved, the number of its memory and its version."""
        try:
            raws = [raw for raw in _raw_of_custom(node) or () if raw.unpack_hook is None]
            tensors = [raw.data for raw in raws if is_ordinary(raw.data)]
        except RuntimeError:
            return []  # freed
        return [(self._storages.number(tensor)[0], version(tensor)) for tensor in tensors]

    def _told(self, node: Any, kind: str, at_hand: AtHand | None, blob: Blob) -> str:
        """Return the wire form; with nothing at hand (None) all values are taken as they are now."""
        if kind == "compiled":
            return write_unread("what a compiled region saved is not read")
        if kind == "custom":
            raws: Iterator[tuple[str, Any]] = (
                (f"saved_tensors[{i}]", raw) for i, raw in _numbered(_raw_of_custom(node))
            )
            arguments = [(f"ctx.{name}", describe(value)) for name, value in list(vars(node).items())[:_MAX_TENSORS]]
        else:
            cls: Any = type(node)
            tensors, others = _attributes(cls)
            raws = _raws(node, tensors)
            arguments = [(name.removeprefix(_SAVED), _other(node, name)) for name in others]
        entries = [self._entry(name, raw, at_hand, blob) for name, raw in itertools.islice(raws, _MAX_TENSORS)]
        return write_saved(entries, arguments)

    def _entry(self, name: str, raw: Any, at_hand: AtHand | None, blob: Blob) -> str:
        """Return the text of the wire form of one saved tensor."""
        saved = raw.data
        if raw.unpack_hook is not None:
            return write_empty(name, "packed", f"packed by a saved-tensors hook as {_kind_of(saved)}")
        if saved is None:
            raw.unpack()  # there is nothing to unpack: raises where it was freed, and else there never was any
            return write_empty(name, "none", "")
        if not is_ordinary(saved):
            return write_empty(name, "packed", f"a {_kind_of(saved)}, which is not read")
        return self._tensor(name, saved, at_hand, blob)

    def _tensor(self, name: str, saved: torch.Tensor, at_hand: AtHand | None, blob: Blob) -> str:
        storage, size = self._storages.number(saved)
        base = saved._base
        known = _shown(saved, storage, at_hand or (), self._storages)
        id_ = self._tensors.record(known).id if known is not None else self._id(saved)
        owner = known if known is not None else saved
        whose = base if base is not None else owner
        is_leaf = maker(whose) is None and whose.requires_grad
        is_now = at_hand is None
        value = self._snapshots.take(saved, blob) if is_now else self._value(saved, blob, is_shown=known is not None)
        return write_entry(name, id_, self._id(base), storage, size, is_leaf, value)

    def _id(self, tensor: torch.Tensor | None) -> int:
        """Return the id of a tensor that was seen before, else 0."""
        is_known = tensor is not None and self._tensors.is_known(tensor)
        return self._tensors.record(tensor).id if tensor is not None and is_known else 0

    def _value(self, saved: torch.Tensor, blob: Blob, *, is_shown: bool) -> str:
        """Return the text of the wire form of a value; where an event shows it, or it is large, without numbers."""
        if not is_ordinary(saved) or (not is_shown and Methods.numel(saved) <= self._snapshots.limit):
            return self._snapshots.take(saved, blob)
        why = "" if is_shown else f"more than {self._snapshots.limit:,} elements, and no event shows it"
        return write_unkept(saved.shape, str(saved.dtype)[6:], why)


class Storages:
    """Numbers the memory of tensors, so that what shares it is recognised; keeps none of it alive."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._next = itertools.count(1)

    def number(self, tensor: torch.Tensor) -> tuple[int, int | None]:
        """Return the number of a tensor's memory and its bytes; 0 and None where it has none of the usual kind."""
        if tensor.layout is not torch.strided or tensor.is_meta:
            return 0, None
        try:
            storage = Methods.untyped_storage(tensor)
        except (RuntimeError, NotImplementedError):
            return 0, None
        key = storage._cdata
        known = self._known.get(key)
        if known is None or known[0]() is not storage:
            known = self._known[key] = weakref.ref(storage, functools.partial(self._forget, key)), next(self._next)
        return known[1], storage.nbytes()

    @shielded
    def _forget(self, key: int, ref: weakref.ref[Any]) -> None:
        known = self._known.get(key)
        if known is not None and known[0] is ref:
            del self._known[key]


def _shown(saved: torch.Tensor, storage: int, at_hand: AtHand, storages: Storages) -> torch.Tensor | None:
    """Return which of the tensors at hand a saved one is: itself, or the result of which the node keeps a twin."""
    for tensors in at_hand:
        for tensor in tensors:
            if tensor is saved:
                return tensor
    if not storage or not is_ordinary(saved) or maker(saved) is not None:
        return None
    for tensors in reversed(at_hand):
        for tensor in tensors:
            if is_ordinary(tensor) and tensor.shape == saved.shape and _is_twin(tensor, saved, storage, storages):
                return tensor
    return None


def _is_twin(tensor: torch.Tensor, saved: torch.Tensor, storage: int, storages: Storages) -> bool:
    """Tell whether two tensors of one shape are the same elements of the same memory."""
    if tensor.dtype is not saved.dtype or tensor.layout is not torch.strided:
        return False
    is_alike = all(part(tensor) == part(saved) for part in (Methods.stride, Methods.storage_offset))
    return is_alike and storages.number(tensor)[0] == storage


@functools.lru_cache(1024)
def _attributes(cls: type) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of a node class's saved tensors, and those of what it saves besides."""
    names = dir(cls)
    tensors = tuple(name.removeprefix(_RAW) for name in names if name.startswith(_RAW))
    others = (name for name in names if name.startswith(_SAVED) and name.removeprefix(_SAVED) not in tensors)
    return tensors, tuple(name for name in others if not name.endswith("_sym_strides"))


def _raws(node: Any, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Yield (name, torch's own record) of each saved tensor; those of a list are numbered."""
    for name in names:
        raw = getattr(node, _RAW + name)
        if isinstance(raw, (tuple, list)):
            yield from ((f"{name}[{index}]", one) for index, one in _numbered(raw))
        else:
            yield name, raw


def _numbered(raws: Any) -> Iterator[tuple[int, Any]]:
    return enumerate(raws or ())


def _other(node: Any, name: str) -> str:
    """Return the text of something saved that is no tensor."""
    try:
        value = getattr(node, name)
    except (RuntimeError, TypeError) as error:
        return f"not readable: {first_line(str(error), _MAX_TEXT)}"
    if type(value) is int and value >= 2**63:  # torch reads its negative integers as unsigned
        value -= 2**64
    return describe(value)


def describe(value: Any) -> str:
    """Return a short text of a value without running anybody's ``__repr__``."""
    if isinstance(value, torch.Tensor):
        return f"tensor {list(value.shape)}" if is_ordinary(value) else _kind_of(value)
    if type(value) in (list, tuple):
        inner = ", ".join(map(describe, value[:8])) + (", …" if len(value) > 8 else "")
        return f"[{inner}]" if type(value) is list else f"({inner}{',' if len(value) == 1 else ''})"
    if type(value) in _LITERALS:
        text = repr(value)
        return shortened(text, _MAX_TEXT)
    return f"<{_kind_of(value)}>"


def _kind_of(value: Any) -> str:
    return type(value).__name__


def _class_of(node: Any) -> Any:
    return type(node)
