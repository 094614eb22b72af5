"""Finishes a tape after the debuggee is gone: says how the run ended, and leaves one clean file.

Called by the parent process. A debuggee that ended in order has written its own end; one that was killed has not.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal as signals
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from gradb.tape import trouble
from gradb.tape.database import TapeError
from gradb.tape.details import Details
from gradb.tape.kinds.end import write as write_end
from gradb.tape.kinds.output import write as write_output
from gradb.tape.kinds.registry import CODES, Kind
from gradb.tape.missing import Stopped
from gradb.tape.schema import APPLICATION_ID, INDEXES
from gradb.tape.seal import seal
from gradb.tape.sums import checksum

_WAL = b"\x02"
"""What the header of a database says whose newest pages lie in a file beside it."""
_SITE = "INSERT INTO site(name, scope, phase, thread) VALUES(?, '', ?, 0)"
_EVENT = "INSERT INTO event(seq, kind, site, iteration, flags) VALUES(?, ?, ?, ?, 0)"
_DETAIL = "INSERT OR REPLACE INTO apart(event, detail, crc) VALUES(?, ?, ?)"
_END = CODES["end"]


def finish(
    path: str | os.PathLike[str],
    exit_code: int | None,
    signal: int | None,
    strays: Sequence[tuple[str, str]] = (),
    stopped: Stopped | None = None,
) -> bool:
    """Write what is missing at the end of a tape; doing it again changes nothing.

    Args:
        path: the tape. Nobody may be writing it any more.
        exit_code: of the debuggee; None when a signal ended it.
        signal: the number of that signal, or None.
        strays: (stream, text) that the process printed past the tracer.
        stopped: after which event, and why, the debuggee could not write any more; None where it could.

    Returns:
        False where the file is not a tape that can be finished: it is left as it is.
    """
    uri = Path(os.fspath(path)).absolute().as_uri() + "?mode=rw"
    try:
        db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5.0)
    except sqlite3.Error:
        return False
    try:
        is_finished = _finish(db, exit_code, signal, strays, stopped)
    except sqlite3.Error:
        return False
    finally:
        db.close()
    if is_finished:
        with contextlib.suppress(OSError):
            seal(path)
    return is_finished


def tidy(path: str | os.PathLike[str]) -> None:
    """Bring a tape that nobody writes any more into one file, where it was left in two; else it stays as it is."""
    try:
        with open(path, "rb") as file:
            is_in_two = file.read(20)[18:19] == _WAL
        if is_in_two:
            db = sqlite3.connect(f"{Path(os.fspath(path)).absolute().as_uri()}?mode=rw", uri=True, timeout=0.0)
            try:
                (application,) = db.execute("PRAGMA application_id").fetchone()
                if application == APPLICATION_ID:
                    _clean(db)
            finally:
                db.close()
    except (OSError, sqlite3.Error):
        pass  # it may not be written, or somebody has it open


def _finish(
    db: sqlite3.Connection,
    exit_code: int | None,
    signal: int | None,
    strays: Sequence[tuple[str, str]],
    stopped: Stopped | None,
) -> bool:
    (application,) = db.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        return False
    db.execute("PRAGMA synchronous = OFF")  # as its writer: whoever quits need not wait for the disk
    if not db.execute("SELECT 1 FROM run WHERE key = 'is_finished'").fetchone():
        try:
            _write(db, exit_code, signal, strays, stopped)
        except sqlite3.Error as error:
            if not trouble.is_full(error):
                raise
            _clean(db)  # no room for a log: the file itself may have some
            _write_or_say(db, exit_code, signal, strays, stopped)
    _clean(db)
    return True


def _write_or_say(
    db: sqlite3.Connection,
    exit_code: int | None,
    signal: int | None,
    strays: Sequence[tuple[str, str]],
    stopped: Stopped | None,
) -> None:
    """Write the end, or if there is no room for it only where the recording stopped."""
    try:
        _write(db, exit_code, signal, strays, stopped)
    except sqlite3.Error:
        _say_stopped(db, stopped)
        raise


def _write(
    db: sqlite3.Connection,
    exit_code: int | None,
    signal: int | None,
    strays: Sequence[tuple[str, str]],
    stopped: Stopped | None,
) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        _say_stopped(db, stopped)
        _append(db, exit_code, signal, strays, is_cut=stopped is not None)
        for statement in filter(str.strip, INDEXES.split(";")):
            db.execute(statement)
        db.execute("INSERT OR REPLACE INTO run VALUES('is_finished', '1')")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # SQLite has taken it back itself where the disk is full
            db.execute("ROLLBACK")
        raise


def _say_stopped(db: sqlite3.Connection, stopped: Stopped | None) -> None:
    if stopped is not None:
        db.execute("INSERT OR REPLACE INTO run VALUES('stopped', ?)", (json.dumps([stopped.event, stopped.why]),))


def _append(
    db: sqlite3.Connection,
    exit_code: int | None,
    signal: int | None,
    strays: Sequence[tuple[str, str]],
    *,
    is_cut: bool,
) -> None:
    """Append strays and an end; an end that is there already stays the last event."""
    end = db.execute("SELECT max(seq) FROM event WHERE kind = ?", (_END,)).fetchone()[0]
    last = (
        "SELECT e.seq, e.iteration, t.phase FROM event e JOIN site t ON t.id = e.site WHERE e.kind <> ?"
        " ORDER BY e.seq DESC LIMIT 1"
    )
    seq, iteration, phase = db.execute(last, (_END,)).fetchone() or (0, 1, "start")
    if end is not None and end < seq:  # not where a tracer leaves it: nothing to repair here
        return
    texts = [(stream, text) for stream, text in strays if text]
    if end is not None and texts:
        _move(db, end, end + len(texts))
    for stream, text in texts:
        seq += 1
        _add(db, seq, "output", _clear(stream), iteration, phase, write_output(stream=stream, text=text))
    if end is None:
        why = status(exit_code, signal) if is_cut else reason(exit_code, signal)  # cut: nothing is known of its end
        detail = write_end(exit_code=exit_code, signal=signal, reason=why)
        _add(db, seq + 1, "end", "end", iteration, "end", detail)
        db.execute("INSERT OR REPLACE INTO run VALUES('status', ?)", (status(exit_code, signal),))


def _add(db: sqlite3.Connection, seq: int, kind: Kind, name: str, iteration: int, phase: str, detail: str) -> None:
    site = db.execute(_SITE, (name, phase)).lastrowid
    db.execute(_EVENT, (seq, CODES[kind], site, iteration))
    db.execute(_DETAIL, (seq, detail, checksum(seq, detail)))


def _move(db: sqlite3.Connection, seq: int, to: int) -> None:
    """Give an event without values another number."""
    with contextlib.suppress(TapeError):  # what is damaged stays so
        detail = Details(lambda sql, *values: db.execute(sql, values).fetchone(), "").of(seq)[1]
        db.execute(_DETAIL, (to, detail, checksum(to, detail)))
    db.execute("DELETE FROM apart WHERE event = ?", (seq,))
    db.execute("UPDATE event SET seq = ? WHERE seq = ?", (to, seq))


def _clear(text: str) -> str:
    """Replace lone surrogates, which SQLite does not store."""
    return text.encode("utf-8", "replace").decode("utf-8")


def reason(exit_code: int | None, signal: int | None) -> str:
    """Say how a run ended that did not say so itself: past Python's own way out, or by a signal."""
    if signal is not None:
        return status(exit_code, signal)
    return "ended without notice" if exit_code is None else f"os._exit({exit_code})"


def status(exit_code: int | None, signal: int | None) -> str:
    """Return the status of a run that is over, as the ``run`` table keeps it."""
    if signal is not None:
        return f"killed by {_signal_name(signal)}"
    if exit_code is None:
        return "ended without notice"
    return f"exit code {exit_code}" if exit_code else "finished"


def _signal_name(number: int) -> str:
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _clean(db: sqlite3.Connection) -> None:
    """Bring everything into the one file; where somebody still reads it, the log stays beside it."""
    try:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        db.execute("PRAGMA journal_mode = DELETE").fetchall()
    except sqlite3.OperationalError:
        pass  # a reader has it open: the file is complete all the same
