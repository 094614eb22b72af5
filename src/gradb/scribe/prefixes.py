"""Keeps a tape as it is at a checkpoint, so that another run can go on from there (see ``gradb.log.marks``)."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from gradb.log import marks

_NOT_ITS = "DELETE FROM run WHERE key = ? OR key GLOB 'wrote_*'"


def keep(tape: str, number: int, read: str) -> None:
    """Copy a tape as it is committed, in the place where who goes on from a checkpoint looks for it.

    How far the log was read does not go with it, for the copy gets a log of its own; nor does what was written to
    files, for that was done once.

    Args:
        tape: its path.
        number: of the checkpoint.
        read: the fact that says how far the log was read.

    Raises:
        sqlite3.Error, OSError: the disk does not take it.
    """
    marks.make(tape)
    part = marks.part_of(tape, number)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(part)
    with (
        contextlib.closing(sqlite3.connect(f"{Path(tape).as_uri()}?mode=ro", uri=True)) as whole,
        contextlib.closing(sqlite3.connect(part, isolation_level=None)) as copy,
    ):
        copy.execute("PRAGMA synchronous = OFF")
        whole.backup(copy)
        copy.execute(_NOT_ITS, (read,))
        copy.execute("PRAGMA journal_mode = DELETE")
    os.rename(part, marks.path_of(tape, number))
