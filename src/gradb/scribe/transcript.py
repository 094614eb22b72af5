"""Turns the records of a log into the rows of a tape; goes on where an earlier one has stopped.

With each batch of rows the tape gets, in the same transaction, how far the log was read for it. What is written in the
log is believed no more than what is written in a stranger's tape.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sqlite3
from collections.abc import Callable
from typing import Any, Self

from gradb.log import layouts, segments
from gradb.log.layouts import NO_NUMBER, NOWHERE, DamageError, Layout
from gradb.log.reader import START, LogReader, Position
from gradb.scribe.prefixes import keep
from gradb.tape import trouble
from gradb.tape.descriptors import FileLost, identity
from gradb.tape.events import Place
from gradb.tape.kinds.registry import CODES
from gradb.tape.writer import TapeWriter

FACT = "log"
"""The fact of a run that says how far its log was read; ``DONE`` once all of it was."""
DONE = "read"
_BATCH = 2000
_Known = tuple[int, int, tuple[int, int] | None]
"""Number of a kind and of a site, and where in a library that is."""


class TakenError(OSError):
    """Another process is making a tape of the log."""


class Transcript:
    """One tape that is being made of its log.

    Args:
        path: of the tape, which is laid out already.
        file: what tells it from every other, where that is known (see ``descriptors.identity``).
        keeps: whether the tape is kept as it is at each mark, for those who go on from a checkpoint.

    Raises:
        TakenError: another process is at it.
        FileLost: the tape is not there any more, or another file is in its place.
        sqlite3.Error: the tape cannot be written.
        OSError: the log cannot be read.
        DamageError: what lies there is none.
    """

    def __init__(
        self, path: str | os.PathLike[str], file: tuple[int, int] | None = None, *, keeps: bool = False
    ) -> None:
        self._keeps = keeps
        self._folder = segments.folder_of(path)
        _look(os.fspath(path), file)
        self._claim = _claim(self._folder)
        try:
            self.tape = TapeWriter(path, goes_on=True)
        except BaseException:
            os.close(self._claim)
            raise
        self._size = sum(size for _, size in segments.sizes(self._folder))
        self._texts: dict[int, str] = {}
        self._places: dict[int, tuple[Place, tuple[int, int] | None, int]] = {}
        self._known: dict[tuple[int, ...], _Known] = {}
        self._takers: dict[Layout, Callable[[Any, Any], None]] = {
            layouts.TEXT: self._text,
            layouts.PLACE: self._place,
            layouts.EVENT: self._event,
            layouts.RUN: self._run,
            layouts.SOURCE: self._source,
            layouts.SERIES: self._series,
            layouts.RENUMBERED: self._renumbered,
            layouts.NODE: self._node,
            layouts.SAVED: lambda numbers, parts: self.tape.saved.append((*numbers, _text(parts[0]), parts[1])),
            layouts.USED: lambda numbers, parts: self.tape.used.append((*numbers, _text(parts[0]), parts[1])),
            layouts.TOUCHED: lambda numbers, parts: self.tape.touched.append(numbers),
            layouts.GONE: lambda numbers, parts: self.tape.departed.append(numbers),
            layouts.REMARK: self._remark,
            layouts.MISSING: lambda numbers, parts: self.tape.missing(*numbers, *map(_text, parts)),
            layouts.TENSOR: self._tensor,
            layouts.NAME: self._name,
            layouts.GRAD: lambda numbers, parts: self.tape.grads.append(numbers),
            layouts.POINT: self._point,
            layouts.STACK: self._stack,
            layouts.MARK: self._mark,
        }
        self.is_done = False
        """True where all of it is on the tape already."""
        self._reader = LogReader(self._folder)
        try:
            self._reader = self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> LogReader:
        """Return a reader that goes on where the tape ends; what the segment has defined before that is read again."""
        known = self.tape.fact(FACT)
        self.is_done = known == DONE
        if self.is_done:
            return LogReader(self._folder)
        done = Position(*json.loads(known)) if known else START
        reader = LogReader(self._folder, Position(done.segment, 0))
        while records := reader.read(done):
            for layout, numbers, parts in records:
                if layout in {layouts.TEXT, layouts.PLACE}:
                    self._takers[layout](numbers, parts)
        return reader

    @property
    def is_closed(self) -> bool:
        """True once the log was read to the end that its writer gave it."""
        return self._reader.is_closed

    @property
    def head(self) -> int:
        """The last event that is on the tape, committed."""
        return self.tape.committed

    def advance(self) -> bool:
        """Take what the log holds by now, up to some hundred KiB of it; return whether there was anything.

        Raises:
            DamageError, OSError: as in the constructor.
        """
        if self.is_done:
            return False
        records, takers = self._reader.read(), self._takers
        try:
            for layout, numbers, parts in records:
                takers[layout](numbers, parts)
        except (KeyError, IndexError, ValueError) as error:
            raise DamageError(f"a record says what cannot be: {error}") from error
        return bool(records)

    def commit(self) -> None:
        """Write what was taken, and let go of the segments that are not needed any more.

        Raises:
            sqlite3.Error, FileLost: the tape cannot be written.
        """
        self._commit(position := self._reader.position)
        for number in segments.numbers_in(self._folder):
            if number < position.segment:
                os.unlink(segments.path_of(self._folder, number))

    def _commit(self, position: Position) -> None:
        self.tape.facts[FACT] = json.dumps(position)
        self.tape.commit()

    @property
    def share(self) -> float:
        """How much of what the log held at the beginning has been taken, from 0 to 1."""
        left = sum(size for number, size in segments.sizes(self._folder) if number >= self._reader.position.segment)
        return 1 - max(0, left - self._reader.position.offset) / self._size if self._size else 1.0

    @property
    def is_full(self) -> bool:
        """True when a batch has been taken."""
        return len(self.tape.events) >= _BATCH

    @property
    def has_pending(self) -> bool:
        """True when something was taken that is not committed."""
        return self.tape.has_pending

    def stop(self, why: str) -> None:
        """Say on the tape, if it takes that, after which event and why it could not be written."""
        try:
            with contextlib.suppress(sqlite3.Error, OSError):
                self.tape.commit()  # what was taken before it came to what is damaged
            self.tape.abandon()
            self.tape.set_run(stopped=json.dumps([self.head, why]))
        except (sqlite3.Error, OSError):
            pass  # who started us is told as well

    def finish(self) -> None:
        """Take and commit all that there is, leave one clean tape, and no log.

        Raises:
            sqlite3.Error, FileLost, DamageError, OSError: as above.
        """
        while self.advance():
            self.commit()
        is_begun = self._reader.position != START or not os.path.isdir(self._folder)
        if is_begun and not (self.is_done or self.is_closed or self._reader.has_found):
            raise FileLost(trouble.GONE)
        self.tape.facts[FACT] = DONE
        self.tape.commit()
        self.tape.close()
        segments.remove(self._folder)  # last: who is killed before can be followed by another
        self.close()

    def close(self) -> None:
        """Let go of tape and log; safe to call twice."""
        if self._claim >= 0:
            os.close(self._claim)
            self._claim = -1
            self.tape.release()
            self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- one kind of record each --------------------------------------------------------------------------------------

    def _text(self, numbers: Any, parts: Any) -> None:
        if numbers[0] in self._texts:  # each segment has numbers of its own
            self._known.clear()
        self._texts[numbers[0]] = _text(parts[0])

    def _place(self, numbers: Any, parts: Any) -> None:
        id_, source, line, end_line, column, end_column, file, inner, stack = numbers
        found = (source, line, end_line, column, end_column)
        row: Any = tuple(None if one == NOWHERE else one for one in found) if NOWHERE in found else found
        if id_ in self._places:
            self._known.clear()
        self._places[id_] = row, None if file == NOWHERE else (file, inner), stack

    def _event(self, numbers: Any, parts: Any) -> None:
        seq, kind, name, place, scope, phase, iteration, node, flags, thread = numbers
        tape, key = self.tape, (kind, name, place, scope, phase, thread)
        if seq != tape.head + 1:
            raise DamageError(f"event {seq} follows event {tape.head}")
        code, site, library = self._known.get(key) or self._learn(key)
        tape.events.add(
            seq, code, site, iteration, None if node == NO_NUMBER else node, flags, parts[0] or b"", parts[1]
        )
        tape.head = seq
        if library is not None:
            tape.libraries.append((seq, *library))

    def _learn(self, key: tuple[int, ...]) -> _Known:
        kind, name, place, scope, phase, thread = key
        texts, (row, library, stack) = self._texts, self._places[place]
        code = CODES[texts[kind]]  # type: ignore[index]
        site = self.tape.events.site(texts[name], row, texts[scope], texts[phase], thread, stack)
        found = self._known[key] = code, site, library
        return found

    def _mark(self, numbers: Any, parts: Any) -> None:
        """Keep the tape as it is before a mark; who is killed in this comes to the mark again."""
        if not self._keeps:
            return
        segment, end = self._reader.position
        self._commit(Position(segment, end - layouts.MARK.alone))
        try:
            keep(self.tape.path, numbers[0], FACT)
        except (sqlite3.Error, OSError):
            pass  # nobody can go on from there, which is told to who tries

    def _stack(self, numbers: Any, parts: Any) -> None:
        id_, outer, others, *where = numbers
        row = [None if one == NOWHERE else one for one in where]
        self.tape.events.stacks.append((id_, outer, others, *row, *map(_text, parts)))

    def _run(self, numbers: Any, parts: Any) -> None:
        key, value = map(_text, parts)
        if key != FACT:
            self.tape.facts[key] = value

    def _source(self, numbers: Any, parts: Any) -> None:
        self.tape.source(_text(parts[0]), None if parts[1] is None else _text(parts[1]))

    def _series(self, numbers: Any, parts: Any) -> None:
        id_, source, line = numbers
        if id_ > self.tape.series_count:  # else it was begun before the batch that was lost
            where = [None if one == NOWHERE else one for one in (source, line)]
            self.tape.series(_text(parts[0]), _text(parts[1]), *where)

    def _renumbered(self, numbers: Any, parts: Any) -> None:
        self.tape.renumber(numbers[0], json.loads(_text(parts[0])))

    def _node(self, numbers: Any, parts: Any) -> None:
        id_, event, name, kind, tensor, saves = numbers
        leaf = None if tensor == NO_NUMBER else tensor
        self.tape.nodes.append((id_, self._texts[name], event, self._texts[kind], saves, leaf, _text(parts[0])))

    def _remark(self, numbers: Any, parts: Any) -> None:
        node, event, kind = numbers
        self.tape.remarks.append((node, event, self._texts[kind], _text(parts[0])))

    def _tensor(self, numbers: Any, parts: Any) -> None:
        tensor, event, node, output_nr = numbers
        self.tape.tensors.append((tensor, event, None if node == NO_NUMBER else node, output_nr))

    def _name(self, numbers: Any, parts: Any) -> None:
        tensor, event, name = numbers
        self.tape.names.append((tensor, event, self._texts[name]))

    def _point(self, numbers: Any, parts: Any) -> None:
        series, event, iteration, value = numbers
        self.tape.point(series, event, iteration, value)


def _text(part: bytes | None) -> str:
    return "" if part is None else part.decode("utf-8", "replace")


def _look(path: str, file: tuple[int, int] | None) -> None:
    found = identity(path)
    if found is None or (file is not None and found != file):
        raise FileLost(trouble.GONE if found is None else trouble.REPLACED)


def _claim(folder: str) -> int:
    """Return a descriptor that keeps a log from everybody else who would make a tape of it, as long as it is open."""
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise TakenError(f"{folder} is being read by another process") from error
    return fd


def transcribe(path: str | os.PathLike[str]) -> None:
    """Make a tape of all that its log holds, in this process; see ``Transcript``."""
    with Transcript(path) as transcript:
        transcript.finish()
