"""Where the tape of a branch comes from: off which run it branches, from where on, and what was changed there.

A fact of the run. Knows the file alone; how a branch is made it must not know.
"""

from __future__ import annotations

import os
from dataclasses import astuple, dataclass

from gradb.tape import runfacts

KEY = "branch"
_FIELDS = (str, str, str, int, int, str, str, int)


@dataclass(frozen=True, slots=True)
class Origin:
    """Off which run a tape branches, and where."""

    run: str
    """What tells that run from every other; the same in each copy of its tape."""
    tape: str
    """Name of the file that the tape of that run was in."""
    place: str
    """What the last event that both have is called in that run: ``434``, ``3000:17``; ``0``: before the first."""
    iteration: int
    """Of that event; 0 before the first."""
    event: int
    """That event on the branch's own tape: what comes after it is the branch's own."""
    what: str
    """What was changed there: ``zero_grad``, ``lr``."""
    value: str
    """What it was set to: ``off``, ``1e-4``."""
    compared: int
    """How many losses and norms up to there were found the same, bit for bit."""


def write(path: str | os.PathLike[str], origin: Origin) -> None:
    """Add its origin to a tape that nobody is writing, or whose script is held.

    Raises:
        sqlite3.Error: it cannot be written.
    """
    runfacts.put(path, KEY, astuple(origin))


def read(text: str | None) -> Origin | None:
    """Read the fact; None where there is none, or what stands there is none."""
    row = runfacts.read(text, _FIELDS)
    return None if row is None else Origin(*row)
