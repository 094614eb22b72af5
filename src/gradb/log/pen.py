"""Packs what is said into records, and puts them into the segment that is being written.

The part of writing a log that is done for every event, behind one interface: this is the Python one, which is always
there; the C one (``tracer/native``) does the same faster.
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import Any, Protocol

from gradb.log import layouts
from gradb.log.layouts import ABSENT, NO_NUMBER, NOWHERE, PADDING
from gradb.log.segments import Segment

Row = tuple[int | None, int | None, int | None, int | None, int | None]
_EVENT, _NODE, _NAME, _POINT = layouts.EVENT, layouts.NODE, layouts.NAME, layouts.POINT
_TENSOR, _GRAD = layouts.TENSOR, layouts.GRAD
_NO_LIBRARY = (NOWHERE, NOWHERE)


class Spot:
    """A place with what is beside it, known by its identity: what an event's place that is no plain tuple has as
    ``spot``, one for all that say the same.
    """

    __slots__ = ("library", "row", "stack")

    def __init__(self, row: Row, library: tuple[int, int] | None, stack: int) -> None:
        self.row = row
        """Source id, line, end line, column, end column."""
        self.library = library
        """Source id and line where a library did it that was called there; None where none was."""
        self.stack = stack
        """What stands for the call that it lies in (see ``LogWriter.stack``); 0 where that is not known."""


class Pen(Protocol):
    """Writes records. What is said of an event before the event waits for it, and is there together with it."""

    head: int
    """The last event that was written."""
    ids: dict[Any, int]
    """What stands for each text, and for each place; told where it is new."""

    def use(self, segment: Segment | None) -> None:
        """Write into a segment from here on, whose ``at`` is right once another is used; None: nowhere, and what was
        said is let go.
        """
        ...

    def event(
        self,
        kind: str,
        name: str,
        place: Row,
        detail: str,
        data: bytes | None,
        scope: str,
        iteration: int,
        phase: str,
        node: int | None,
        flags: int,
        thread: int,
        /,
    ) -> int:
        """Write all that was said, and an event; return its number. ``place`` is (source id, line, end line, column,
        end column), and may have a ``spot``.

        Raises:
            OSError: there is no room, and none can be made.
        """
        ...

    def node(
        self,
        id: int,
        name: str,
        event: int,
        kind: str,
        saves: bool,
        tensor: int | None,
        edges: list[tuple[int | None, int]],
        /,
    ) -> None:
        """Say that there is a node of the grad_fn graph from an event on."""
        ...

    def tensor(self, tensor: int, event: int, node: int | None, output_nr: int, /) -> None:
        """Say that a tensor's value (and from here on its node) is defined at an event."""
        ...

    def grad(self, tensor: int, event: int, fills: int, since: int, /) -> None:
        """Say that an event touched the ``.grad`` of a leaf, which holds the sum of ``fills`` accumulations (-1: not
        known), the first of them in iteration ``since``.
        """
        ...

    def name(self, tensor: int, event: int, name: str, /) -> None:
        """Say that a tensor is called by a name from an event on."""
        ...

    def point(self, series: int, event: int, iteration: int, value: float, /) -> None:
        """Say that a series has a point, which holds from an event on."""
        ...

    def say(self, record: bytes, /) -> None:
        """Say anything else."""
        ...

    def id(self, key: Any, /) -> int:
        """Return the id of a text, or of a place."""
        ...

    def forget(self, head: int, /) -> None:
        """Take back what was said of values and gradients at an event after ``head``, which was never written."""
        ...

    def write(self) -> None:
        """Write what was said, though no event comes.

        Raises:
            OSError: as in ``event``.
        """
        ...

    def has_said(self) -> bool:
        """Tell whether something was said that waits."""
        ...


MakePen = Callable[[Callable[[int], object], Callable[[], object], tuple[Sized, ...]], Pen]
"""Makes a pen of: what finds room for so many bytes; what says the rest before an event, and what is empty as long as
there is none.
"""


class PythonPen:
    """See ``Pen``; its arguments are those of ``MakePen``."""

    def __init__(
        self, make_room: Callable[[int], object], say_rest: Callable[[], object], rest: tuple[Sized, ...]
    ) -> None:
        self.head = 0
        self.ids: dict[Any, int] = {}
        self._make_room, self._say_rest, self._rest = make_room, say_rest, rest
        self._segment: Segment | None = None
        self._rows: list[bytes] = []
        self._tensors: list[tuple[int, int, int, int]] = []
        self._grads: list[tuple[int, int, int, int]] = []

    def use(self, segment: Segment | None) -> None:
        """See ``Pen``."""
        self._segment = segment
        if segment is None:
            self._rows, self._tensors, self._grads = [], [], []

    def event(
        self,
        kind: str,
        name: str,
        place: Row,
        detail: str,
        data: bytes | None,
        scope: str,
        iteration: int,
        phase: str,
        node: int | None,
        flags: int,
        thread: int,
        /,
    ) -> int:
        """See ``Pen``."""
        for rest in self._rest:
            if rest:
                self._say_rest()
                break
        ids, text, seq = self.ids, detail.encode("utf-8", "replace"), self.head + 1
        size = len(text) if data is None else len(text) + len(data)
        length = _EVENT.length(size)
        key: Any = place if type(place) is tuple else place.spot  # type: ignore[attr-defined]
        try:
            words = ids[kind], ids[name], ids[key], ids[scope], ids[phase]
        except KeyError:
            words = self.id(kind), self.id(name), self.id(key), self.id(scope), self.id(phase)
        head = _EVENT.write(
            length, _EVENT.code, 0, seq, *words, iteration, NO_NUMBER if node is None else node, flags, thread,
            len(text), ABSENT if data is None else len(data),
        )  # fmt: skip
        record = b"".join((head, text, data or b"", PADDING[length - _EVENT.size - size]))
        if self._rows or self._tensors or self._grads:
            record = b"".join((*self._said(), record))
        self._put(record)
        self.head = seq  # from here on it is there: nothing may come between, not even the end of the stack
        self._rows, self._tensors, self._grads = [], [], []
        return seq

    def _said(self) -> list[bytes]:
        write, length, code = _TENSOR.write, _TENSOR.alone, _TENSOR.code
        rows = self._rows + [write(length, code, 0, *tensor) for tensor in self._tensors]
        if self._grads:
            write, length, code = _GRAD.write, _GRAD.alone, _GRAD.code
            rows += [write(length, code, 0, *grad) for grad in self._grads]
        return rows

    def _put(self, records: bytes) -> None:
        if self._segment is not None and not self._segment.takes(len(records)):
            self._make_room(len(records))
        if self._segment is not None:
            self._segment.write(records)

    def node(
        self,
        id: int,
        name: str,
        event: int,
        kind: str,
        saves: bool,
        tensor: int | None,
        edges: list[tuple[int | None, int]],
        /,
    ) -> None:
        """See ``Pen``."""
        text = ",".join([f"[{'null' if to is None else to},{number}]" for to, number in edges])
        words, body = (self.id(name), self.id(kind)), f"[{text}]".encode()
        length = _NODE.length(len(body))
        leaf = NO_NUMBER if tensor is None else tensor
        head = _NODE.write(length, _NODE.code, 0, id, event, *words, leaf, saves, len(body))
        self._rows.append(head + body + PADDING[length - _NODE.size - len(body)])

    def tensor(self, tensor: int, event: int, node: int | None, output_nr: int, /) -> None:
        """See ``Pen``."""
        self._tensors.append((tensor, event, NO_NUMBER if node is None else node, output_nr))

    def grad(self, tensor: int, event: int, fills: int, since: int, /) -> None:
        """See ``Pen``."""
        self._grads.append((tensor, event, fills, since))

    def name(self, tensor: int, event: int, name: str, /) -> None:
        """See ``Pen``."""
        self._rows.append(_NAME.write(_NAME.alone, _NAME.code, 0, tensor, event, self.id(name)) + _NAME.pad)

    def point(self, series: int, event: int, iteration: int, value: float, /) -> None:
        """See ``Pen``."""
        self._rows.append(_POINT.write(_POINT.alone, _POINT.code, 0, series, event, iteration, value) + _POINT.pad)

    def say(self, record: bytes, /) -> None:
        """See ``Pen``."""
        self._rows.append(record)

    def id(self, key: Any, /) -> int:
        """See ``Pen``."""
        known = self.ids.get(key)
        if known is None:
            known = len(self.ids)
            self._rows.append(defined(key, known))
            self.ids[key] = known  # only now: who fails before has defined nothing
        return known

    def forget(self, head: int, /) -> None:
        """See ``Pen``."""
        for rows in (self._tensors, self._grads):
            while rows and rows[-1][1] > head:
                rows.pop()

    def write(self) -> None:
        """See ``Pen``."""
        if self.has_said():
            self._put(b"".join(self._said()))
            self._rows, self._tensors, self._grads = [], [], []

    def has_said(self) -> bool:
        """See ``Pen``."""
        return bool(self._rows or self._tensors or self._grads)


def defined(key: Any, id_: int) -> bytes:
    """Return the record that tells what an id stands for: a text, or a place and what is beside it."""
    if isinstance(key, str):
        return layouts.TEXT.pack((id_,), (key.encode("utf-8", "replace"),))
    spot = key if isinstance(key, Spot) else Spot(key, None, 0)
    row = [NOWHERE if one is None else one for one in spot.row]
    return layouts.PLACE.pack((id_, *row, *(spot.library or _NO_LIBRARY), spot.stack))
