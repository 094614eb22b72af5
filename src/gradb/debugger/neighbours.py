"""Tapes that were made of the run of another and lie beside it: in a folder of its name, by their numbers."""

from __future__ import annotations

import os
import re
from pathlib import Path

OF_RUN = ("started", "script", "module", "arguments", "cwd", "seed", "hash_seed")
"""Facts of a run that say when and what was run."""


def folder_beside(path: str | os.PathLike[str], ending: str) -> Path:
    """Return the folder beside a tape that has its name with another ending: ``x.relived`` for ``x.tape``."""
    tape = Path(path)
    return tape.with_name((tape.stem if tape.suffix == ".tape" else tape.name) + ending)


def numbers_in(folder: Path, name: re.Pattern[str], most: int) -> list[int]:
    """Return the numbers of the tapes in a folder, the smallest first, at most so many; none where there is no folder.

    Args:
        folder: where they lie.
        name: of a file, with its number as the first group.
        most: how many are returned.
    """
    try:
        with os.scandir(folder) as entries:
            found = [int(match[1]) for entry in entries if (match := name.fullmatch(entry.name))]
    except OSError:
        return []
    return sorted(found)[:most]
