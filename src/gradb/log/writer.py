"""Writes a log: what the tracer says, as packed records, each of them kept the moment it is written.

What is said of an event before the event itself waits for it, since it may be taken back. Not safe for use from several
threads at once: the Recorder holds a lock around it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import deque
from collections.abc import Sequence
from typing import Any

from gradb.log import layouts, segments
from gradb.log.layouts import ABSENT, NO_NUMBER, NOWHERE, PADDING
from gradb.log.segments import Segment
from gradb.tape.descriptors import FileLost
from gradb.tape.kinds.graph import RemarkKind
from gradb.tape.kinds.registry import Kind
from gradb.tape.missing import GapRow
from gradb.tape.trouble import GONE

Row = tuple[int | None, int | None, int | None, int | None, int | None]
Records = list[bytes]
_EVENT, _NODE, _NAME, _POINT = layouts.EVENT, layouts.NODE, layouts.NAME, layouts.POINT
_MAX_IDS = 1 << 15
_GROWTH = 4
_NO_LIBRARY = (NOWHERE, NOWHERE)


class LogFull(OSError):
    """The disk takes no more of a log."""


class LogWriter:
    """Appends to the log of one tape.

    Args:
        tape: path of the tape, beside which the log lies.

    Raises:
        OSError: the log cannot be made; nothing is left of it.
    """

    def __init__(self, tape: str | os.PathLike[str]) -> None:
        self.path = os.path.abspath(os.fspath(tape))
        self.folder = segments.folder_of(tape)
        self.head = 0
        self._number = 1
        self._is_over = False
        segments.make(self.folder)
        try:
            self._segment = Segment(segments.path_of(self.folder, 1), segments.FIRST)
        except BaseException:
            segments.remove(self.folder)
            raise
        self._ids: dict[Any, int] = {}
        self._sources: dict[str, int] = {}
        self._paths: list[str] = []
        self._series = 0
        self.touched: list[tuple[int, int]] = []
        """(storage, event) of the memory that custom backwards wrote to."""
        self.gone: deque[tuple[int, int]] = deque()
        """(event, node) of the nodes that are no more; a node may die on any thread and at any time."""
        self.gaps: list[GapRow] = []
        self.tensors: list[tuple[int, int, int | None, int]] = []
        self._grads: list[tuple[int, int, int, int]] = []
        self._rows: Records = []

    # --- events -------------------------------------------------------------------------------------------------------

    def event(
        self,
        kind: Kind,
        name: str,
        place: Row,
        detail: str,
        data: bytes | None,
        *,
        scope: str = "",
        iteration: int = 1,
        phase: str = "forward",
        node: int | None = None,
        flags: int = 0,
        thread: int = 0,
    ) -> int:
        """Append an event, with all that was said of it before, and return its seq.

        ``place`` is (source id, line, end line, column, end column).

        Raises:
            LogFull: the disk does not take it.
            FileLost: the log is not there any more.
        """
        ids, text, seq = self._ids, detail.encode("utf-8", "replace"), self.head + 1
        size = len(text) if data is None else len(text) + len(data)
        length = _EVENT.length(size)
        key: Any = place if type(place) is tuple else (place, getattr(place, "library", _NO_LIBRARY))
        try:
            words = ids[kind], ids[name], ids[key], ids[scope], ids[phase]
        except KeyError:
            words = self._id(kind), self._id(name), self._id(key), self._id(scope), self._id(phase)
        head = _EVENT.write(
            length, _EVENT.code, 0, seq, *words, iteration, NO_NUMBER if node is None else node, flags, thread,
            len(text), ABSENT if data is None else len(data),
        )  # fmt: skip
        record = b"".join((head, text, data or b"", PADDING[length - _EVENT.size - size]))
        if self._rows or self.tensors or self.gone or self.gaps or self.touched or self._grads:
            record = b"".join((*self._said(), record))
        if not self._is_over:
            if not self._segment.takes(len(record)):
                self._next(len(record))
            self._segment.write(record)
            self.head = seq  # from here on it is there: nothing may come between, not even the end of the stack
            self._forget_said()
        return seq

    def _said(self) -> Records:
        """Return what was said and is not written, as records."""
        rows = [*self._rows]
        if self.tensors:
            write, length, code = layouts.TENSOR.write, layouts.TENSOR.alone, layouts.TENSOR.code
            rows += [
                write(length, code, 0, tensor, event, NO_NUMBER if node is None else node, output_nr)
                for tensor, event, node, output_nr in self.tensors
            ]
        if self._grads:
            write, length, code = layouts.GRAD.write, layouts.GRAD.alone, layouts.GRAD.code
            rows += [write(length, code, 0, *grad) for grad in self._grads]
        rows += [layouts.TOUCHED.pack(touched) for touched in self.touched]
        rows += [layouts.MISSING.pack(gap[:1], tuple(map(_bytes, gap[1:]))) for gap in self.gaps]
        if self.gone:
            rows += [layouts.GONE.pack(some) for some in _ranges([self.gone.popleft() for _ in range(len(self.gone))])]
        return rows

    def _forget_said(self) -> None:
        """Say nothing twice; what is only stored is done even at the end of the stack."""
        self._rows, self.tensors, self._grads = [], [], []
        self.touched, self.gaps = [], []
        if len(self._ids) > _MAX_IDS:
            self._ids = {}
            self._next(0)

    def _write(self, records: bytes) -> None:
        """Write records, all at once."""
        if not self._is_over and records:
            if not self._segment.takes(len(records)):
                self._next(len(records))
            self._segment.write(records)

    def _id(self, key: Any) -> int:
        """Return the id of a text or a place, which is told before it is used first, and again in each segment."""
        known = self._ids.get(key)
        if known is None:
            known = len(self._ids)
            self._rows.append(_defined(key, known))
            self._ids[key] = known  # only now: who fails before has defined nothing
        return known

    def _next(self, size: int) -> None:
        """Go on in another segment, in which all ids are told anew."""
        known = b"".join([_defined(key, id_) for key, id_ in self._ids.items()])
        last = self._segment
        usual, needed = min(last.size * _GROWTH, segments.LARGEST), 2 * (size + len(known)) + segments.FIRST
        try:
            new = Segment(segments.path_of(self.folder, self._number + 1), max(usual, needed))
        except FileNotFoundError:
            raise FileLost(GONE) from None
        except OSError as error:
            raise LogFull(*error.args) from error
        if known:
            new.write(known)
        last.write(segments.END)
        self._segment, self._number = new, self._number + 1
        last.close()

    # --- rows beside the events ---------------------------------------------------------------------------------------

    def node(
        self,
        id: int,
        name: str,
        event: int,
        kind: str,
        saves: bool,
        tensor: int | None,
        edges: list[tuple[int | None, int]],
    ) -> None:
        """Append a node of the grad_fn graph."""
        text = ",".join([f"[{'null' if to is None else to},{number}]" for to, number in edges])
        words, edges_text = (self._id(name), self._id(kind)), f"[{text}]".encode()
        size = len(edges_text)
        length, leaf = (_NODE.size + size + 7) & -8, NO_NUMBER if tensor is None else tensor
        head = _NODE.write(length, _NODE.code, 0, id, event, *words, leaf, saves, size)
        self._rows.append(head + edges_text + PADDING[length - _NODE.size - size])

    def remark(self, node: int, event: int, kind: RemarkKind, text: str) -> None:
        """Say something of a node from ``event`` on (see ``kinds.graph.RemarkKind``)."""
        numbers = (node, event, self._id(kind))
        self._rows.append(layouts.REMARK.pack(numbers, (_bytes(text),)))

    def record_saved(self, node: int, detail: str, data: bytes | None) -> None:
        """Say what a node saved (see ``saved.SavedRecord``)."""
        self._rows.append(layouts.SAVED.pack((node,), (_bytes(detail), data)))

    def record_used(self, node: int, event: int, detail: str, data: bytes | None) -> None:
        """Say what a node holds at a later run of it, which begins at ``event`` (see ``saved.SavedRecord``)."""
        self._rows.append(layouts.USED.pack((node, event), (_bytes(detail), data)))

    def missing(self, event: int, part: str, why: str, hides: str = "") -> None:
        """Say what of an event could not be recorded (see the ``missing`` table)."""
        self.gaps.append((event, part, why, hides))

    def tensor(self, tensor: int, event: int, node: int | None, output_nr: int) -> None:
        """Say that a tensor's value (and from here on its node) is defined at ``event``."""
        self.tensors.append((tensor, event, node, output_nr))

    def name(self, tensor: int, event: int, name: str) -> None:
        """Say that a tensor is called ``name`` from ``event`` on."""
        text = self._ids.get(name)
        row = _NAME.write(_NAME.alone, _NAME.code, 0, tensor, event, self._id(name) if text is None else text)
        self._rows.append(row + _NAME.pad)

    def grad(self, tensor: int, event: int, fills: int, since: int) -> None:
        """Say that ``event`` touched the ``.grad`` of a leaf, which holds the sum of ``fills`` accumulations (-1: not
        known), the first of them in iteration ``since``.
        """
        self._grads.append((tensor, event, fills, since))

    def point(self, series: int, event: int, iteration: int, value: float) -> None:
        """Append a point to a series; it holds from position ``event`` on."""
        self._rows.append(_POINT.write(_POINT.alone, _POINT.code, 0, series, event, iteration, value) + _POINT.pad)

    def forget(self, head: int) -> None:
        """Take back what was said of values and gradients at an event after ``head``, which was never written."""
        for rows in (self.tensors, self._grads):
            while rows and rows[-1][1] > head:
                rows.pop()

    # --- facts of the run ---------------------------------------------------------------------------------------------

    def set_run(self, **facts: str) -> None:
        """Set facts of the run (see the ``run`` table)."""
        self._rows += [layouts.RUN.pack((), (_bytes(key), _bytes(value))) for key, value in facts.items()]
        self.commit()

    def source(self, path: str, text: str | None) -> int:
        """Register a source file and return its id; the first text given for a path stays."""
        known = self._sources.get(path)
        if known is None:
            self._paths.append(path)
            known = self._sources[path] = len(self._paths)
            self._rows.append(layouts.SOURCE.pack((known,), (_bytes(path), None if text is None else _bytes(text))))
        return known

    def source_path(self, source: int | None) -> str | None:
        """Return the path registered under a source id."""
        return None if source is None else self._paths[source - 1]

    def series(self, kind: str, name: str, source: int | None = None, line: int | None = None) -> int:
        """Begin a series and return its id (see ``series.SeriesKind``)."""
        self._series += 1
        where = [NOWHERE if one is None else one for one in (source, line)]
        self._rows.append(layouts.SERIES.pack((self._series, *where), (_bytes(kind), _bytes(name))))
        return self._series

    def renumber(self, event: int, numbers: Sequence[int]) -> None:
        """Say that of all before ``event`` iteration n is now iteration ``numbers[n - 1]``."""
        self._rows.append(layouts.RENUMBERED.pack((event,), (json.dumps(list(numbers)).encode(),)))
        self.commit()

    # --- the log itself -----------------------------------------------------------------------------------------------

    @property
    def committed(self) -> int:
        """The last event that is kept whatever happens: each is, as soon as it is written."""
        return self.head

    @property
    def has_pending(self) -> bool:
        """True when something was said that waits for its event, or for ``commit``."""
        return bool(self._rows or self.gaps or self.tensors or self._grads or self.touched)

    def commit(self) -> None:
        """Write what waits, though no event comes.

        Raises:
            LogFull: the disk does not take it.
            FileLost: the log is not there any more.
        """
        self._write(b"".join(self._said()))
        self._forget_said()

    def size(self) -> int:
        """Return the bytes that tape and log take on the disk now."""
        paths = [self.path, f"{self.path}-wal"]
        return sum(map(_size, paths)) + self.backlog()

    def backlog(self) -> int:
        """Return the bytes of the log that nobody has made a tape of yet."""
        return sum(size for _, size in segments.sizes(self.folder))

    def abandon(self) -> None:
        """Let go of what could not be written: from here on nothing is."""
        self._forget_said()
        self.gone.clear()

    def close(self) -> None:
        """Write what waits, and that nothing more will come."""
        try:
            self.commit()
            self._write(_CLOSED)
        finally:
            self.release()

    def release(self) -> None:
        """Let go of the log as it is; safe to call twice."""
        if not self._is_over:
            self._is_over = True
            self._segment.close()

    def leak(self) -> None:
        """Write nothing any more, in a forked child: the log is the parent's."""
        self._is_over = True


_CLOSED = layouts.CLOSED.pack(())


def _defined(key: Any, id_: int) -> bytes:
    """Return the record that tells what an id stands for: a text, or a place and that in a library."""
    if isinstance(key, str):
        return layouts.TEXT.pack((id_,), (_bytes(key),))
    place, library = key if len(key) == 2 else (key, _NO_LIBRARY)
    return layouts.PLACE.pack((id_, *[NOWHERE if one is None else one for one in place], *library))


def _bytes(text: str) -> bytes:
    """Return UTF-8; a path may have lone surrogates, which a tape does not store."""
    return text.encode("utf-8", "replace")


def _size(path: str) -> int:
    with contextlib.suppress(OSError):
        return os.stat(path).st_size
    return 0


def _ranges(gone: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Return the nodes that are gone as (first, last, event): a graph is let go all at once."""
    ranges: list[tuple[int, int, int]] = []
    for event, node in sorted(gone):
        if ranges and ranges[-1][1:] == (node - 1, event):
            ranges[-1] = (ranges[-1][0], node, event)
        else:
            ranges.append((node, node, event))
    return ranges
