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
