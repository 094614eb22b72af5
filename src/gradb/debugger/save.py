"""Copies a tape, as far as it is committed, while its writer may still be at work. It knows files and SQLite only."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from gradb.debugger.errors import UserError


def save(tape: str, target: str) -> None:
    """Copy the tape at ``tape`` to the new file ``target``.

    Raises:
        UserError: there is no tape yet, the target exists, or it cannot be written.
    """
    try:
        destination = Path(target).expanduser()
        if destination.exists():
            raise UserError(f"{target} exists already: choose another name")
        destination.touch()
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror}") from error
    except (ValueError, RuntimeError) as error:  # a NUL, what no file system can name, a `~` of nobody
        raise UserError(f"{target!r} is not the name of a file: {error}") from error
    try:
        _copy(tape, str(destination))
    except sqlite3.Error as error:
        destination.unlink(missing_ok=True)
        raise UserError(f"cannot save {target}: {error}") from error


def _copy(tape: str, target: str) -> None:
    source = sqlite3.connect(f"{Path(tape).resolve().as_uri()}?mode=ro", uri=True)
    copy = sqlite3.connect(target)
    try:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    finally:
        copy.close()
        source.close()
