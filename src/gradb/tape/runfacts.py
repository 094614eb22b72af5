"""Facts of a run that are rows of texts and numbers: how one is added to a tape, and read as a stranger's is.

Knows the file alone; what a row tells it must not know.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_MOST = 2**53
_MOST_TEXT = 4096


def put(path: str | os.PathLike[str], key: str, row: Sequence[str | int]) -> None:
    """Add a fact to the run of a tape that nobody is writing, or whose script is held.

    Raises:
        sqlite3.Error: it cannot be written.
    """
    uri = Path(os.fspath(path)).absolute().as_uri() + "?mode=rw"
    text = json.dumps(row, separators=(",", ":"))
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as db:
        db.execute("INSERT OR REPLACE INTO run VALUES(?, ?)", (key, text))


def read(text: str | None, kinds: Sequence[type]) -> list[Any] | None:
    """Read a fact; None where there is none, or what stands there is no such row.

    Args:
        text: as it stands on the tape.
        kinds: ``str`` or ``int`` for each of its fields. Numbers are from 0 to 2**53, texts have at most 4,096
            characters.
    """
    try:
        row: Any = json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
    if not (isinstance(row, list) and [type(one) for one in row] == list(kinds)):
        return None
    is_sound = all(len(one) <= _MOST_TEXT if type(one) is str else 0 <= one <= _MOST for one in row)
    return row if is_sound else None
