"""Copies a tape, as far as it is committed, while its writer may still be at work. It knows files and SQLite only."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Generator
from pathlib import Path

from gradb.debugger.errors import UserError

_PAGES = 512  # copied between two looks at whether it was broken off
_WAIT = 0.004  # seconds for the thread between two words on how far it is


class _BrokenOff(Exception):
    """Ends a copy that nobody waits for any more."""


def saving(tape: str, target: str) -> Generator[float, None, None]:
    """Copy the tape at ``tape`` to the new file ``target``: yields which share is done, 0 to 1.

    It goes on beside whoever looks at that; closed before the end, it leaves no file.

    Raises:
        UserError: there is no tape yet, the target exists, or it cannot be written.
    """
    destination = _made(target)
    copy = _Copy(tape, str(destination))
    try:
        copy.thread.start()
        while copy.thread.is_alive():
            copy.thread.join(_WAIT)
            yield copy.share
    finally:
        is_whole = copy.end()
        if not is_whole:
            with contextlib.suppress(OSError):
                destination.unlink(missing_ok=True)
    if copy.trouble:
        raise UserError(f"cannot save {target}: {copy.trouble}")


def _made(target: str) -> Path:
    """Return the file, which is there from now on."""
    try:
        destination = Path(target).expanduser()
        if destination.exists():
            raise UserError(f"{target} exists already: choose another name")
        destination.touch()
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror}") from error
    except (ValueError, RuntimeError) as error:  # a NUL, what no file system can name, a `~` of nobody
        raise UserError(f"{target!r} is not the name of a file: {error}") from error
    return destination


class _Copy:
    """A copy that a thread makes: SQLite lets Python do other things meanwhile.

    Args:
        tape: is copied.
        target: an empty file.
    """

    def __init__(self, tape: str, target: str) -> None:
        self.share = 0.0
        self.trouble = ""
        self.thread = threading.Thread(target=self._run, args=(tape, target), name="save", daemon=True)
        self.is_given_up = self._is_whole = False

    def end(self) -> bool:
        """Break it off where it is not over; return whether the copy is whole."""
        self.is_given_up = True
        if self.thread.ident is not None:
            self.thread.join()
        return self._is_whole

    def _run(self, tape: str, target: str) -> None:
        try:
            _copy(tape, target, self._look)
            self._is_whole = True
        except _BrokenOff:
            pass
        except sqlite3.Error as error:
            self.trouble = str(error)

    def _look(self, _: int, left: int, pages: int) -> None:
        self.share = 1 - left / max(pages, 1)
        if self.is_given_up:
            raise _BrokenOff


def _copy(tape: str, target: str, look: Callable[[int, int, int], None]) -> None:
    source = sqlite3.connect(f"{Path(tape).resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    copy = sqlite3.connect(target)
    try:
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # or it began anew whenever its writer commits
        source.backup(copy, pages=_PAGES, progress=look)
        copy.execute("PRAGMA journal_mode = DELETE")
    finally:
        copy.close()
        source.close()
