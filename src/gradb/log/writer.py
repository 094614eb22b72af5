"""Writes a log: what the tracer says, each event kept the moment it is written.

Not safe for use from several threads at once: the Recorder holds a lock around it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import deque
from collections.abc import Sequence

from gradb.log import layouts, segments
from gradb.log.layouts import NOWHERE
from gradb.log.pen import MakePen, Pen, PythonPen, Row, defined
from gradb.log.segments import Segment
from gradb.tape.descriptors import FileLost, identity
from gradb.tape.kinds.graph import RemarkKind
from gradb.tape.kinds.registry import Kind
from gradb.tape.missing import GapRow
from gradb.tape.trouble import GONE

_MAX_IDS = 1 << 15
_GROWTH = 4
_CLOSED = layouts.CLOSED.pack(())
_GONE = layouts.GONE


class LogFull(OSError):
    """The disk takes no more of a log."""


class LogWriter:
    """Appends to the log of one tape.

    Args:
        tape: path of the tape, beside which the log lies.
        make_pen: makes what packs the records.

    Raises:
        OSError: the log cannot be made; nothing is left of it.
    """

    def __init__(self, tape: str | os.PathLike[str], make_pen: MakePen = PythonPen) -> None:
        self.path = os.path.abspath(os.fspath(tape))
        self.folder = segments.folder_of(tape)
        self.touched: list[tuple[int, int]] = []
        """(storage, event) of the memory that custom backwards wrote to."""
        self.gone: deque[tuple[int, int]] = deque()
        """(event, node) of the nodes that are no more; a node may die on any thread and at any time."""
        self.gaps: list[GapRow] = []
        self._sources: dict[bytes, int] = {}
        self._paths: list[str] = []
        self._series = self._stacks = 0
        self.pen: Pen = make_pen(self._go_on, self._say_rest, (self.gone, self.gaps, self.touched))
        """What is said for every event is said to it, without a call in between."""
        segments.make(self.folder)
        self._place = identity(self.folder)
        self._number = 1
        try:
            self._segment: Segment | None = Segment(segments.path_of(self.folder, 1), segments.FIRST)
        except BaseException:
            segments.remove(self.folder)
            raise
        self.pen.use(self._segment)

    @property
    def head(self) -> int:
        """The last event."""
        return self.pen.head

    @property
    def committed(self) -> int:
        """The last event that is kept whatever happens: each is, as soon as it is written."""
        return self.pen.head

    # --- the records --------------------------------------------------------------------------------------------------

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
        """Append an event, with all that was said of it before, and return its seq (see ``Pen.event``).

        Raises:
            LogFull: the disk does not take it.
            FileLost: the log is not there any more.
        """
        return self.pen.event(kind, name, place, detail, data, scope, iteration, phase, node, flags, thread)

    def _say_rest(self) -> None:
        """Say what is not said to the pen."""
        say = self.pen.say
        while self.touched:
            say(layouts.TOUCHED.pack(self.touched.pop(0)))
        while self.gaps:
            event, *words = self.gaps.pop(0)
            say(layouts.MISSING.pack((event,), tuple(map(_bytes, words))))
        if self.gone:
            gone, write = self.gone.popleft, _GONE.write
            for some in _ranges([gone() for _ in range(len(self.gone))]):
                say(write(_GONE.alone, _GONE.code, 0, *some))

    def _go_on(self, size: int) -> None:
        """Go on in another segment, with room for so many bytes."""
        last = self._segment
        if last is None:
            return
        if identity(self.folder) != self._place:  # another recording to the same path has begun
            raise FileLost(GONE)
        known = b"".join([defined(key, id_) for key, id_ in self.pen.ids.items()])
        usual, needed = min(last.size * _GROWTH, segments.LARGEST), size + len(known) + segments.FIRST
        try:
            new = Segment(segments.path_of(self.folder, self._number + 1), max(usual, needed))
        except FileNotFoundError:
            raise FileLost(GONE) from None
        except OSError as error:
            raise LogFull(*error.args) from error
        if known:
            new.write(known)
        self.pen.use(new)
        last.write(segments.END)
        self._segment, self._number = new, self._number + 1
        last.close()

    def remark(self, node: int, event: int, kind: RemarkKind, text: str) -> None:
        """Say something of a node from ``event`` on (see ``kinds.graph.RemarkKind``)."""
        self.pen.say(layouts.REMARK.pack((node, event, self.pen.id(kind)), (_bytes(text),)))

    def record_saved(self, node: int, detail: str, data: bytes | None) -> None:
        """Say what a node saved (see ``saved.SavedRecord``)."""
        self.pen.say(layouts.SAVED.pack((node,), (_bytes(detail), data)))

    def record_used(self, node: int, event: int, detail: str, data: bytes | None) -> None:
        """Say what a node holds at a later run of it, which begins at ``event`` (see ``saved.SavedRecord``)."""
        self.pen.say(layouts.USED.pack((node, event), (_bytes(detail), data)))

    def missing(self, event: int, part: str, why: str, hides: str = "") -> None:
        """Say what of an event could not be recorded (see the ``missing`` table)."""
        self.gaps.append((event, part, why, hides))

    # --- facts of the run ---------------------------------------------------------------------------------------------

    def set_run(self, **facts: str) -> None:
        """Set facts of the run (see the ``run`` table)."""
        for key, value in facts.items():
            self.pen.say(layouts.RUN.pack((), (_bytes(key), _bytes(value))))
        self.commit()

    def source(self, path: str, text: str | None) -> int:
        """Register a source file and return its id; the first text given for a path stays."""
        stored = _bytes(path)  # two paths that are stored alike are one source
        known = self._sources.get(stored)
        if known is None:
            self._paths.append(path)
            known = self._sources[stored] = len(self._paths)
            self.pen.say(layouts.SOURCE.pack((known,), (stored, None if text is None else _bytes(text))))
        return known

    def stack(self, outer: int, row: Row, function: str, others: int, packages: str) -> int:
        """Say that there is a call of a function of the script's, and return what stands for it.

        Args:
            outer: what stands for the call around it; 0: there is none, -1: it was not looked at.
            row: where it has come to.
            function: its name.
            others: how many frames of others lie between it and what it has called.
            packages: whose these are.
        """
        self._stacks += 1
        where = [NOWHERE if one is None else one for one in row]
        self.pen.say(layouts.STACK.pack((self._stacks, outer, others, *where), (_bytes(function), _bytes(packages))))
        return self._stacks

    def source_path(self, source: int | None) -> str | None:
        """Return the path registered under a source id."""
        return None if source is None else self._paths[source - 1]

    def series(self, kind: str, name: str, source: int | None = None, line: int | None = None) -> int:
        """Begin a series and return its id (see ``series.SeriesKind``)."""
        self._series += 1
        where = [NOWHERE if one is None else one for one in (source, line)]
        self.pen.say(layouts.SERIES.pack((self._series, *where), (_bytes(kind), _bytes(name))))
        return self._series

    def renumber(self, event: int, numbers: Sequence[int]) -> None:
        """Say that of all before ``event`` iteration n is now iteration ``numbers[n - 1]``."""
        self.pen.say(layouts.RENUMBERED.pack((event,), (json.dumps(list(numbers)).encode(),)))
        self.commit()

    # --- the log itself -----------------------------------------------------------------------------------------------

    @property
    def has_pending(self) -> bool:
        """True when something was said that waits for its event, or for ``commit``."""
        return self.pen.has_said() or bool(self.gaps or self.touched)

    def commit(self) -> None:
        """Write what waits, though no event comes.

        Raises:
            LogFull: the disk does not take it.
            FileLost: the log is not there any more.
        """
        self._say_rest()
        self.pen.write()
        if len(self.pen.ids) > _MAX_IDS:
            self.pen.ids.clear()
            self._go_on(0)

    def size(self) -> int:
        """Return the bytes that tape and log take on the disk now."""
        paths = [self.path, f"{self.path}-wal"]
        return sum(map(_size, paths)) + self.backlog()

    def backlog(self) -> int:
        """Return the bytes of the segments that wait to be made a tape of, but for the one that is being written."""
        return sum(size for number, size in segments.sizes(self.folder) if number < self._number)

    def abandon(self) -> None:
        """Let go of what could not be written."""
        for rows in (self.gaps, self.touched, self.gone):
            rows.clear()
        self.pen.use(None)
        self.pen.use(self._segment)

    def close(self) -> None:
        """Write what waits, and that nothing more will come."""
        try:
            self.commit()
            self.pen.say(_CLOSED)
            self.pen.write()
        finally:
            self.release()

    def release(self) -> None:
        """Let go of the log as it is; safe to call twice."""
        self.pen.use(None)
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.close()

    def mark(self, number: int) -> None:
        """Have the tape kept as it is here, for a checkpoint of that number.

        Raises:
            LogFull, FileLost: as in ``commit``.
        """
        self.commit()
        self.pen.say(layouts.MARK.pack((number,)))
        self.pen.write()

    def go_on_at(self, tape: str | os.PathLike[str]) -> None:
        """Go on in the log of another tape, whose folder is there: of one that is what this one was at its last mark.

        Raises:
            OSError: the log cannot be made.
        """
        self.path = os.path.abspath(os.fspath(tape))
        self.folder = segments.folder_of(tape)
        self._place, self._number = identity(self.folder), 1
        known = b"".join([defined(key, id_) for key, id_ in self.pen.ids.items()])
        self._segment = Segment(segments.path_of(self.folder, 1), segments.FIRST + len(known))
        if known:
            self._segment.write(known)
        self.pen.use(self._segment)

    def leak(self) -> None:
        """Write nothing any more, in a forked child: the log is the parent's."""
        self.pen.use(None)
        self._segment = None


def _bytes(text: str) -> bytes:
    """Return UTF-8; a path may have lone surrogates, which a tape does not store."""
    return text.encode("utf-8", "replace")


def _size(path: str) -> int:
    with contextlib.suppress(OSError):
        return os.stat(path).st_size
    return 0


def _ranges(gone: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Return the nodes that are gone as (first, last, event): a graph is let go all at once."""
    gone.sort()
    (event, first), (latest, last) = gone[0], gone[-1]
    if event == latest and last - first == len(gone) - 1:
        return [(first, last, event)]
    ranges, last = list[tuple[int, int, int]](), first - 1
    for when, node in gone:
        if node != last + 1 or when != event:
            ranges.append((first, last, event))
            event, first = when, node
        last = node
    return [*ranges, (first, last, event)]
