"""What a script tried that it may not where it goes on from a checkpoint: to write, be it to a file or elsewhere.

Its process is ended where the attempt is seen; what only the kernel sees is an error at the line that tried.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gradb.debugger.rerun.consent import DEEDS
from gradb.diagnosis.uncaught import uncaught
from gradb.frame.reader import Tape
from gradb.present.draw.safe import plain

_FACT = "tried"
_MESSAGE = 80


def attempt(tape: Tape, *, is_brief: bool = False) -> str:
    """Return what was tried, as a clause behind ``the script``; empty where nothing is known to have been.

    Args:
        tape: of what has gone on from a checkpoint.
        is_brief: whether the file is told by its name alone.

    Raises:
        TapeError: the tape is damaged.
    """
    try:
        found: Any = json.loads(tape.fact(_FACT) or "null")
    except (ValueError, RecursionError):
        return ""
    if not (isinstance(found, list) and len(found) == 4 and isinstance(found[0], str)):
        return ""
    path, deed, file, line = found
    path = Path(path).name if is_brief else path
    where = f" ({Path(file).name}:{line})" if isinstance(file, str) and file and isinstance(line, int) else ""
    return plain(f"would have had {path} {DEEDS.get(deed, 'changed')}{where}")


def error_of(tape: Tape) -> str:
    """Return the error that ended the script, in a few words; empty where none did.

    Raises:
        TapeError: the tape is damaged.
    """
    found = uncaught(tape)
    if found is None:
        return ""
    event, lines = tape.event(found.event), found.detail.message.splitlines()
    where = f" at {Path(event.file).name}:{event.line}" if event.file and event.line else ""
    return plain(f"{found.detail.type}{where}: {lines[0] if lines else ''}".removesuffix(": "), _MESSAGE)
