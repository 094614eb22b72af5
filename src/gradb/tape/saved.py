"""What nodes saved for their backward, as plain data: how the tape keeps it, and what a position makes of it.

A ``SavedRecord`` is written once, when the node is first seen. ``NodeSaved`` and ``Memory`` are that record at a
position: named, with values, freed or held. Nothing here knows how they are found (see ``holding``) or shown.

The wire form of a record is ``[note, [[name, form, tensor, base, storage, bytes or null, leaf, V, note]...],
[[name, text]...]]``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from gradb.tape.values import TensorValue
from gradb.tape.wire import WireError, dumps, read_value

NOT_READ = "not read in a free run after the first 8 visits of this place"

Form = Literal["tensor", "none", "packed"]
Change = Literal["", "changed", "perhaps", "unnoticed"]


@dataclass(frozen=True, slots=True)
class SavedEntry:
    """One saved tensor, as the tape keeps it."""

    name: str
    """As PyTorch calls it: ``self``, ``result``, ``indices[0]``."""
    form: Form
    """``none``: the node has a place for it and keeps nothing there; ``packed``: a saved-tensors hook of the script
    packed it."""
    tensor: int = 0
    """Id of the tensor that it is; 0 for one that no event shows."""
    base: int = 0
    """Id of the tensor whose memory it is a view of; 0 where there is none or it is not known."""
    storage: int = 0
    """Number of the memory it lies in, the same for all that share it; 0 where not known."""
    size: int | None = None
    """Bytes of that memory; None where not known."""
    is_leaf: bool = False
    """True when that memory is a leaf's, which is there with or without the graph."""
    value: TensorValue | None = None
    """Its value, or only shape and dtype where the node's own event shows the value; None where there is no tensor."""
    note: str = ""
    """How a hook packed it."""


@dataclass(frozen=True, slots=True)
class SavedRecord:
    """What one node saved."""

    note: str
    """Why it is not known, or empty."""
    tensors: tuple[SavedEntry, ...] = ()
    arguments: tuple[tuple[str, str], ...] = ()
    """What it saved besides tensors: (name, text), as ``("dim", "1")``."""


@dataclass(frozen=True, slots=True)
class SavedTensor:
    """One saved tensor at a position."""

    name: str
    form: Form
    variable: str | None
    """The script's name for it, where there is one."""
    view_of: str | None
    """The script's name for the tensor whose memory it shares."""
    value: TensorValue | None
    """As it was saved; without numbers where they are not known."""
    bytes: int | None
    """Of the memory that it keeps; None where not known."""
    is_leaf: bool
    change: Change
    """``changed``: modified in place since it was saved, so a backward raises; ``perhaps``: its memory was written to
    in a way that may or may not count as that; ``unnoticed``: changed, and autograd did not (or will not) notice."""
    changed_at: int
    """Event that changed it; 0 where none is known."""
    note: str
    changed_by: str = ""
    """Whose backward changed it: the node's name, and the op and place where they were seen."""
    used: TensorValue | None = None
    """What the node's latest run used, where that is not what was saved."""
    used_at: int = 0
    """Event at which that run began."""


@dataclass(frozen=True, slots=True)
class Freed:
    """The backward that freed what a node saved."""

    event: int
    """The run of the node after which it was let go."""
    backward: int
    """seq of the backward_start event."""
    call: str
    """``backward`` or ``grad``."""
    file: str | None
    line: int | None


@dataclass(frozen=True, slots=True)
class NodeSaved:
    """What one node saved, at a position."""

    node: int
    name: str
    note: str
    """Why it is not known what it saved, or empty."""
    tensors: tuple[SavedTensor, ...]
    arguments: tuple[tuple[str, str], ...]
    saves: bool
    """False for a node whose class has no saved tensors."""
    freed: Freed | None
    """None while it is held, or where nothing was to be freed."""
    gone: int | None
    """Event from which on the node itself is no more: nothing refers to its graph any longer."""
    bytes: int
    """Of all memory that its tensors lie in, each counted once, as far as known."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What the graph holds for backward at a position. Each memory is counted once, whoever shares it."""

    nodes: int
    """Nodes that are there, leaves not counted."""
    holding: int
    """Those of them that hold tensors."""
    freed: int
    """Those that held tensors and were freed by a backward."""
    bytes: int
    """Bytes held by saved tensors."""
    leaf_bytes: int
    """The part of it that is leaves' own memory, and would be there anyway."""
    named_bytes: int | None
    """The part of it, without the leaves', that a variable of the script names too and so may hold as well; None where
    that was not looked up."""
    unread: int
    """Nodes that may hold tensors, but of which it is not known what: where there are any, ``bytes`` is a least."""
    note: str = ""
    """What else makes it uncertain."""


class SavedView(Protocol):
    """What is saved at a position; found out when asked for."""

    position: int

    def of(self, node: int) -> NodeSaved | None:
        """Return what a node saved; None where there is no such node at the position."""
        ...

    def memory(self) -> Memory:
        """Return what the whole graph holds."""
        ...


def write_saved(entries: Iterable[str], arguments: Iterable[tuple[str, str]]) -> str:
    """Return the wire form of what a node saved; ``entries``: what ``write_entry`` and ``write_empty`` return."""
    return f'["",[{",".join(entries)}],{dumps([list(one) for one in arguments])}]'


def write_unread(why: str) -> str:
    """Return the same where it is not known what a node saved."""
    return dumps([why, [], []])


def write_entry(name: str, tensor: int, base: int, storage: int, size: int | None, is_leaf: bool, value: str) -> str:
    """Return the wire form of a saved tensor; see ``SavedEntry``. ``value`` is the text of its ``V``."""
    return f'[{dumps(name)},"tensor",{tensor},{base},{storage},{dumps(size)},{dumps(is_leaf)},{value},""]'


def write_empty(name: str, form: Form, note: str) -> str:
    """Return the wire form of an entry without a tensor."""
    return dumps([name, form, 0, 0, 0, None, False, None, note])


def _read_entry(raw: Any, data: bytes) -> SavedEntry:
    name, form, tensor, base, storage, size, is_leaf, value, note = raw
    if form not in {"tensor", "none", "packed"}:
        raise WireError("a saved tensor has no known form")
    if not (size is None or (isinstance(size, int) and size >= 0)):
        raise WireError("a saved tensor has no size")
    ids = (int(tensor), int(base), int(storage))
    return SavedEntry(str(name), form, *ids, size, bool(is_leaf), read_value(value, data), str(note))


def decode_saved(text: str, data: bytes | None) -> SavedRecord:
    """Read back what a node saved.

    Raises:
        WireError: the JSON is not of the wire form, or a size does not fit.
    """
    try:
        note, tensors, arguments = json.loads(text)
        entries = tuple(_read_entry(item, data or b"") for item in tensors)
        return SavedRecord(str(note), entries, tuple((str(name), str(told)) for name, told in arguments))
    except WireError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError) as error:
        raise WireError(f"what a node saved is damaged: {error}") from error
