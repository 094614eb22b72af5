"""What a script tried that it may not where it goes on from a checkpoint: to write, be it to a file or elsewhere.

Its process is ended where the attempt is seen; what only the kernel sees is an error at the line that tried.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gradb.debugger.rerun.consent import DEEDS
from gradb.frame.reader import Tape
from gradb.present.draw.safe import plain

_FACT = "tried"


def attempt(tape: Tape, *, is_brief: bool = False) -> str:
    """Return what was tried, as a clause behind ``the script``; empty where nothing is known to have been.

    Args:
        tape: of what has gone on from a checkpoint.
        is_brief: whether the file is told by its name alone.

    Raises:
        TapeError: the tape is damaged.
    """
    found = _read(tape)
    if found is None:
        return ""
    path, deed, where = found
    path = Path(path).name if is_brief else path
    return plain(f"would have had {path} {deed}{f' ({where})' if where else ''}")


def ending(tape: Tape) -> str:
    """Return the same as how the script has ended, the line and the file first: it may be cut where there is no room.

    Raises:
        TapeError: the tape is damaged.
    """
    found = _read(tape)
    if found is None:
        return ""
    path, deed, where = found
    return plain(f"ended{f' at {where}' if where else ''}: {Path(path).name} would have been {deed}")


def _read(tape: Tape) -> tuple[str, str, str] | None:
    """Return the path, what would have been done, and where; None where nothing is known to have been tried."""
    try:
        found: Any = json.loads(tape.fact(_FACT) or "null")
    except (ValueError, RecursionError):
        return None
    if not (isinstance(found, list) and len(found) == 4 and isinstance(found[0], str)):
        return None
    path, deed, file, line = found
    is_known = isinstance(file, str) and file and isinstance(line, int)
    return path, DEEDS.get(deed, "changed"), f"{Path(file).name}:{line}" if is_known else ""
