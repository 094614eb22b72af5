"""Where a tape comes from that was made by living iterations of another run again: a fact of the run.

Knows the file alone; what makes two runs the same it must not know.
"""

from __future__ import annotations

import os
from dataclasses import astuple, dataclass

from gradb.tape import runfacts

KEY = "relived"
_FIELDS = (str, str, int, int, int)


@dataclass(frozen=True, slots=True)
class Lineage:
    """Of which run a tape lives iterations again, and of which iterations it has all."""

    run: str
    """What tells the first run from every other; the same in each copy of its tape."""
    tape: str
    """Name of the file that the first run's tape was in."""
    iteration: int
    """The one that is meant."""
    first: int
    """The first one that is whole in the tape; ``first <= iteration <= last``."""
    last: int
    """The last one."""


def write(path: str | os.PathLike[str], lineage: Lineage) -> None:
    """Add its lineage to a tape that nobody is writing.

    Raises:
        sqlite3.Error: it cannot be written.
    """
    runfacts.put(path, KEY, astuple(lineage))


def read(text: str | None) -> Lineage | None:
    """Read the fact; None where there is none, or what stands there is none."""
    row = runfacts.read(text, _FIELDS)
    if row is None:
        return None
    found = Lineage(*row)
    return found if 1 <= found.first <= found.iteration <= found.last else None
