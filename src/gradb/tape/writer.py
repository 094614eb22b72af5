"""Writes a tape: append-only, in batches, committed at every pause.

Owned by the scribe while the script runs (and by the test fakes). Not safe for use from several threads at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gradb.tape import trouble
from gradb.tape.events import EventRows, Place
from gradb.tape.kinds.graph import RemarkKind
from gradb.tape.kinds.registry import CODES, Kind
from gradb.tape.missing import GapRow
from gradb.tape.owning import Own, remove
from gradb.tape.points import Points
from gradb.tape.schema import APPLICATION_ID, FORMAT_VERSION, INDEXES, SCHEMA
from gradb.tape.sums import summed

_NODE = "INSERT OR IGNORE INTO node VALUES(?,?,?,?,?,?,?)"
_SAVED = "INSERT OR IGNORE INTO saved VALUES(?,?,?,?)"
_USED = "INSERT OR IGNORE INTO used VALUES(?,?,?,?,?)"
_TOUCHED = "INSERT OR IGNORE INTO touched VALUES(?,?)"
_GONE = "INSERT OR IGNORE INTO gone VALUES(?,?,?)"
_REMARK = "INSERT OR IGNORE INTO remark VALUES(?,?,?,?)"
_MISSING = "INSERT OR IGNORE INTO missing VALUES(?,?,?,?)"
_TENSOR = "INSERT OR REPLACE INTO tensor VALUES(?,?,?,?)"
_NAME = "INSERT OR REPLACE INTO name VALUES(?,?,?)"
_GRAD = "INSERT OR IGNORE INTO grad VALUES(?,?,?,?)"
_LIBRARY = "INSERT OR IGNORE INTO library VALUES(?,?,?)"
_FACT = "INSERT OR REPLACE INTO run VALUES(?,?)"
_CHUNK = "INSERT INTO chunk(series, count, events, iterations, numbers, crc) VALUES(?,?,?,?,?,?)"


class TapeWriter:
    """Appends to one tape file.

    Rows are kept in lists and handed to SQLite by ``commit``, which the owner calls at every pause, at the end and at
    least every 50 ms while there is something to write.

    Args:
        path: of a file that does not exist yet, or of the tape that is to be gone on with.
        is_indexed: whether readers are to be quick from the beginning; otherwise ``index`` makes them so.
        goes_on: whether the tape is there already.

    Raises:
        sqlite3.Error: the file cannot be created or laid out; nothing is left of it.
    """

    def __init__(self, path: str | os.PathLike[str], *, is_indexed: bool = True, goes_on: bool = False) -> None:
        self.path = os.path.abspath(os.fspath(path))
        self.head = 0
        self.committed = 0
        is_new = not os.path.lexists(self.path)
        self._connection = _connect(self.path, goes_on=goes_on)
        self._is_released = False
        self._is_indexed = False
        try:
            self._set_up()
            if goes_on:
                self._connection.execute("PRAGMA journal_mode = WAL")
            else:
                self._lay_out(is_indexed)
            self._take_hold()
        except BaseException:
            self._connection.close()
            if is_new:
                with contextlib.suppress(OSError):
                    remove(self.path)
            raise
        self._sources: dict[str, int] = {}
        self._paths: list[str] = []
        self.events = EventRows()
        self.nodes: list[tuple[Any, ...]] = []
        self.saved: list[tuple[Any, ...]] = []
        self.used: list[tuple[Any, ...]] = []
        self.touched: list[tuple[int, int]] = []
        """(storage, event) of the memory that custom backwards wrote to."""
        self.departed: list[tuple[int, int, int]] = []
        """(first, last, event) of the nodes that are no more, as ranges of ids."""
        self.remarks: list[tuple[Any, ...]] = []
        self.gaps: list[GapRow] = []
        self.tensors: list[tuple[Any, ...]] = []
        self.names: list[tuple[Any, ...]] = []
        self.grads: list[tuple[Any, ...]] = []
        self.libraries: list[tuple[int, int, int]] = []
        """(event, source id, line): where in a library something happened that the script's line led to."""
        self._points = Points()
        self.facts: dict[str, str] = {}
        """Facts of the run that are written together with what is pending."""
        if goes_on:
            try:
                self._go_on()
            except BaseException:
                self._connection.close()
                raise

    def _set_up(self) -> None:
        self._connection.execute(
            "PRAGMA synchronous = OFF"
        )  # survives kill -9 of the process; power loss is not our case
        self._connection.execute("PRAGMA cache_size = -16000")  # KiB: the pages that a batch touches

    def _go_on(self) -> None:
        """Find out how far the tape goes.

        Raises:
            sqlite3.Error: it is none.
        """
        db = self._connection
        self.head = self.committed = db.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0]
        for id_, path in db.execute("SELECT id, path FROM source ORDER BY id").fetchall():
            self._paths.append(path)
            self._sources[path] = id_
        for _ in range(db.execute("SELECT count(*) FROM series").fetchone()[0]):
            self._points.begin()
        self.events.read_sites(db)
        self._is_indexed = bool(db.execute("SELECT 1 FROM sqlite_master WHERE name = 'event_kind'").fetchone())

    def _lay_out(self, is_indexed: bool) -> None:
        self._connection.execute(
            f"PRAGMA application_id = {APPLICATION_ID}"
        )  # in the file itself, which may lose its log
        self._connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        self._connection.execute("PRAGMA journal_mode = WAL")
        # in one transaction: one each would cost more than all the rest of a small recording
        self._connection.executescript(f"BEGIN; {SCHEMA} {INDEXES if is_indexed else ''} COMMIT;")
        self._is_indexed = is_indexed

    def _take_hold(self) -> None:
        """Remember which files are ours."""
        self._own = Own(self.path, f"{self.path}-wal", f"{self.path}-shm")

    def set_run(self, **facts: str) -> None:
        """Set facts of the run (see the ``run`` table); committed at once."""
        rows = [(key, _storable(value)) for key, value in facts.items()]
        self._connection.executemany(_FACT, rows)

    def source(self, path: str, text: str | None) -> int:
        """Register a source file and return its id; the first text given for a path stays."""
        known = self._sources.get(path)
        if known is None:
            self._paths.append(path)
            known = self._sources[path] = len(self._sources) + 1
            row = (known, _storable(path), None if text is None else _storable(text))
            self._connection.execute("INSERT INTO source VALUES(?,?,?)", row)
        return known

    def event(
        self,
        kind: Kind,
        name: str,
        place: Place,
        detail: str,
        data: bytes | None,
        *,
        scope: str = "",
        iteration: int = 1,
        phase: str = "forward",
        node: int | None = None,
        flags: int = 0,
        thread: int = 0,
        stack: int = 0,
    ) -> int:
        """Append an event and return its seq. ``place`` is (source id, line, end line, column, end column)."""
        self.head = seq = self.head + 1
        site = self.events.site(_storable(name), place, _storable(scope), phase, thread, stack)
        self.events.add(seq, CODES[kind], site, iteration, node, flags, detail.encode("utf-8", "replace"), data)
        return seq

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
        self.nodes.append((id, name, event, kind, int(saves), tensor, f"[{text}]"))

    def record_saved(self, node: int, detail: str, data: bytes | None) -> None:
        """Say what a node saved (see ``saved.SavedRecord``)."""
        self.saved.append((node, detail, data))

    def record_used(self, node: int, event: int, detail: str, data: bytes | None) -> None:
        """Say what a node holds at a later run of it, which begins at ``event`` (see ``saved.SavedRecord``)."""
        self.used.append((node, event, detail, data))

    def remark(self, node: int, event: int, kind: RemarkKind, text: str) -> None:
        """Say something of a node from ``event`` on (see ``kinds.graph.RemarkKind``)."""
        self.remarks.append((node, event, kind, text))

    def missing(self, event: int, part: str, why: str, hides: str = "") -> None:
        """Say what of an event could not be recorded (see the ``missing`` table)."""
        self.gaps.append((event, part, why, hides))

    def tensor(self, tensor: int, event: int, node: int | None, output_nr: int) -> None:
        """Say that a tensor's value (and from here on its node) is defined at ``event``."""
        self.tensors.append((tensor, event, node, output_nr))

    def name(self, tensor: int, event: int, name: str) -> None:
        """Say that a tensor is called ``name`` from ``event`` on."""
        self.names.append((tensor, event, name))

    def grad(self, tensor: int, event: int, fills: int, since: int) -> None:
        """Say that ``event`` touched the ``.grad`` of a leaf, which holds the sum of ``fills`` accumulations (-1: not
        known), the first of them in iteration ``since``.
        """
        self.grads.append((tensor, event, fills, since))

    def series(self, kind: str, name: str, source: int | None = None, line: int | None = None) -> int:
        """Begin a series and return its id (see ``series.SeriesKind``)."""
        id_ = self._points.begin()
        self._connection.execute("INSERT INTO series VALUES(?,?,?,?,?)", (id_, kind, _storable(name), source, line))
        return id_

    @property
    def series_count(self) -> int:
        """How many series there are."""
        return self._points.count

    def fact(self, key: str) -> str:
        """Return a fact of the run, empty where there is none."""
        found = self._connection.execute("SELECT value FROM run WHERE key = ?", (key,)).fetchone()
        return "" if found is None else str(found[0])

    def renumber(self, event: int, numbers: Sequence[int]) -> None:
        """Say that of all before ``event`` iteration n is now iteration ``numbers[n - 1]``; committed at once."""
        self._connection.execute("INSERT OR REPLACE INTO renumbered VALUES(?,?)", (event, json.dumps(list(numbers))))

    def point(self, series: int, event: int, iteration: int, value: float) -> None:
        """Append a point to a series; it holds from position ``event`` on."""
        self._points.add(series, event, iteration, value)

    @property
    def has_pending(self) -> bool:
        """True when something has not been committed."""
        rows = (self.nodes, self.saved, self.used, self.remarks, self.gaps, self.tensors, self.names)
        return bool(len(self.events) or self.facts or self._points or any(rows))

    @property
    def pending(self) -> int:
        """Number of events not yet committed."""
        return len(self.events)

    def commit(self) -> None:
        """Write everything pending in one transaction.

        Raises:
            sqlite3.Error: SQLite cannot write it.
            FileLost: the file is not where it was; what is written to it nobody would find.
        """
        db = self._connection
        self._own.look()
        db.execute("BEGIN IMMEDIATE")
        try:
            self.events.write(db)
            for statement, rows in (
                (_NODE, self.nodes),
                (_SAVED, summed(self.saved)),
                (_USED, summed(self.used)),
                (_TOUCHED, self.touched),
                (_GONE, self.departed),
                (_REMARK, self.remarks),
                (_MISSING, self.gaps),
                (_TENSOR, self.tensors),
                (_NAME, self.names),
                (_GRAD, self.grads),
                (_LIBRARY, self.libraries),
                (_CHUNK, summed(self._points.rows())),
                (_FACT, list(self.facts.items())),
            ):
                if rows:
                    db.executemany(statement, rows)
        except BaseException:
            if db.in_transaction:  # SQLite has taken it back itself where the disk is full
                db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")
        self.committed = self.head
        self._clear()
        self.facts.clear()

    def _clear(self) -> None:
        saved = (self.saved, self.used, self.touched, self.departed)
        self.events.clear()
        for rows in (self.nodes, self.remarks, *saved, self.gaps, self.tensors, self.names, self.grads):
            rows.clear()
        self.libraries.clear()
        self._points.clear()

    def abandon(self) -> None:
        """Let go of what could not be written: from here on nothing is."""
        self.head = self.committed
        self._clear()

    def index(self) -> None:
        """Make what readers search by quick to find, from here on; with ``commit`` before, all of it."""
        if not self._is_indexed:
            self._is_indexed = True
            self._connection.executescript(INDEXES)

    def _index_if_it_fits(self) -> None:
        """Index a tape that is whole without; where the disk is full, it stays as it is."""
        try:
            self.index()
        except sqlite3.Error as error:
            if not trouble.is_full(error):
                raise

    def close(self) -> None:
        """Commit and leave one clean file (no -wal, no -shm)."""
        try:
            self.commit()
            self._index_if_it_fits()
            with contextlib.suppress(sqlite3.OperationalError):
                self._connection.execute(
                    "PRAGMA journal_mode = DELETE"
                )  # else the last one to close cleans up, or `finish`
        finally:
            self.release()

    def release(self) -> None:
        """Close the file as it is."""
        if self._is_released:
            return
        self._is_released = True
        with contextlib.suppress(sqlite3.Error):  # a file that was moved is given all of it: nobody else will
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        self._connection.close()
        self._own.clear_away()


def _connect(path: str, *, goes_on: bool) -> sqlite3.Connection:
    uri = f"{Path(path).as_uri()}?mode={'rw' if goes_on else 'rwc'}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)


def _storable(text: str) -> str:
    """Replace lone surrogates (a path may be no UTF-8), which SQLite does not store."""
    return text.encode("utf-8", "replace").decode("utf-8")
