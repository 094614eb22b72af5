"""The wire forms of a value that was evaluated: text for objects, values for tensors, in containers too.

The script's own code runs here (``__repr__``); what it raises is told in the place of the text.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch

from gradb.tape.kinds.print_ import write_part, write_printed_tensor
from gradb.tape.wire import Blob
from gradb.tracer.isolation.genuine import no_grad
from gradb.tracer.isolation.modes import unseen
from gradb.tracer.source.variables import attributes_of
from gradb.tracer.tensors.history import maker
from gradb.tracer.tensors.values import Snapshots, is_ordinary

MOST_TEXT = 10_000
_MOST_ITEMS = 1_000
_MOST_PARTS = 100
_MOST_DEEP = 4
_Unseen = torch._C.DisableTorchFunction
_qualname = type.__dict__["__qualname__"].__get__


class _Part(NamedTuple):
    path: str
    value: Any
    items: int | None
    """How many items a container has that follow; None where it is shown by its text."""


def parts_of(value: Any, snapshots: Snapshots, blob: Blob) -> list[str]:
    """Return the texts of the parts of a value; the blob gets the values of tensors."""
    found = list(itertools.islice(_walk(value), _MOST_PARTS + 1))
    texts = [_text(part, snapshots, blob) for part in found[:_MOST_PARTS]]
    if len(found) > _MOST_PARTS:
        texts.append(write_part("…", "", f"more than {_MOST_PARTS} parts are not shown"))
    return texts


# --- which parts ------------------------------------------------------------------------------------------------------


def _walk(value: Any) -> Iterator[_Part]:
    pending: list[tuple[str, Any, int]] = [("", value, 0)]
    while pending:
        path, one, depth = pending.pop()
        items = list(_items(one)) if depth < _MOST_DEEP and _holds_tensors(one, depth) else None
        yield _Part(path, one, None if items is None else len(one))
        if items is not None:
            pending += [(path + step, item, depth + 1) for step, item in reversed(items)]
            if len(one) > len(items):
                pending.insert(0, (f"{path}[…]", _Rest(len(one) - len(items)), _MOST_DEEP))


class _Rest:
    """Stands for items that are not shown."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __repr__(self) -> str:
        return f"{self._count:,} more items"


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield how each item of a container is reached, and the item; of any other object nothing."""
    kind = type(value)
    if issubclass(kind, dict):
        pairs = itertools.islice(dict.items(value), _MOST_ITEMS)
        yield from ((f"[{_cut(_repr(key), 80)}]", item) for key, item in pairs)
    elif issubclass(kind, tuple) and type(fields := attributes_of(kind).get("_fields")) is tuple:
        yield from ((f".{name}", item) for name, item in zip(fields, tuple.__iter__(value), strict=False))
    elif issubclass(kind, (list, tuple, deque)):
        yield from ((f"[{index}]", item) for index, item in enumerate(itertools.islice(value, _MOST_ITEMS)))


def _holds_tensors(value: Any, depth: int) -> bool:
    kind = type(value)
    if depth > _MOST_DEEP or not issubclass(kind, (dict, list, tuple, deque)):
        return False
    return any(issubclass(type(item), torch.Tensor) or _holds_tensors(item, depth + 1) for _, item in _values(value))


def _values(value: Any) -> Iterator[tuple[None, Any]]:
    items = dict.values(value) if issubclass(type(value), dict) else value
    return ((None, item) for item in itertools.islice(items, _MOST_ITEMS))


# --- their texts ------------------------------------------------------------------------------------------------------


def _text(part: _Part, snapshots: Snapshots, blob: Blob) -> str:
    kind = type(part.value)
    if issubclass(kind, torch.Tensor):
        text = "" if _is_plain(part.value) else _repr(part.value)
        return write_part(part.path, _name(kind), text, _tensor(part.value, snapshots, blob))
    if part.items is not None:
        return write_part(part.path, _name(kind), f"{part.items:,} items")
    return write_part(part.path, "" if kind is _Rest else _name(kind), _repr(part.value))


def _tensor(tensor: torch.Tensor, snapshots: Snapshots, blob: Blob) -> str:
    with _Unseen(), unseen(), no_grad():
        node = maker(tensor)
        name = "" if node is None else str(node.name())
        return write_printed_tensor(snapshots.take(tensor, blob), str(tensor.device), tensor.requires_grad, name)


def _is_plain(tensor: torch.Tensor) -> bool:
    with _Unseen():
        return is_ordinary(tensor) and tensor.layout is torch.strided and not tensor.is_nested


def _name(kind: type) -> str:
    """Return the name of a class, as ``type`` knows it: nothing of a metaclass is run."""
    return _cut(str(_qualname(kind)), 200)


def _repr(value: Any) -> str:
    """Return the text of an object, cut where it is long; where that raises, what it raised."""
    try:
        return _cut(_bounded(value), MOST_TEXT)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the script's own code raises
        return f"its repr raised {said(error)}"


def _bounded(value: Any) -> str:
    """Return a ``repr``; of what is long and Python's own only that of its beginning is made."""
    kind = type(value)
    if kind in {str, bytes} and len(value) > MOST_TEXT:
        return f"{value[:MOST_TEXT]!r}… {len(value) - MOST_TEXT:,} more"
    if kind in {list, tuple} and len(value) > _MOST_ITEMS:
        return f"{value[:_MOST_ITEMS]!r}… {len(value) - _MOST_ITEMS:,} more items"
    if kind in {dict, set, frozenset} and len(value) > _MOST_ITEMS:
        first = itertools.islice(value.items() if kind is dict else value, _MOST_ITEMS)
        return f"{kind(first)!r}… {len(value) - _MOST_ITEMS:,} more items"
    return repr(value)


def said(error: BaseException) -> str:
    """Return the type and the message of an exception."""
    name = _name(type(error))
    try:
        message = _cut(str(error), MOST_TEXT)
    except KeyboardInterrupt:
        raise
    except BaseException:  # the script's own code again
        return f"{name}, whose message cannot be read"
    return f"{name}: {message}" if message else name


def _cut(text: str, most: int) -> str:
    more = str.__len__(text) - most
    return str.__getitem__(text, slice(most)) + (f"… {more:,} more characters" if more > 0 else "")
