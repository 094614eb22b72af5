"""Follows a run to its end, for as long as it may take. It shows nothing: ``tell`` is called now and then."""

from __future__ import annotations

import time
from collections.abc import Callable

from gradb.algebra.figures import number
from gradb.debugger.errors import UserError
from gradb.debugger.run import Run

_EVERY = 0.1
Tell = Callable[[Run], object]


def silent(run: Run) -> None:
    """Tell nobody how far a run has got."""


def follow(run: Run, tell: Tell = silent, seconds: float | None = None) -> None:
    """Wait until a run is over.

    Raises:
        UserError: it is not after so many seconds.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    while run.is_live:
        if deadline is not None and time.monotonic() > deadline:
            raise UserError(f"the script did not come to its end in {number(float(seconds or 0))} seconds")
        run.pump(_EVERY)
        tell(run)
