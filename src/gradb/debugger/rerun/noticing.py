"""Notices while a script runs again that it does not do the same, so that nobody waits for its end in vain."""

from __future__ import annotations

import time
from collections.abc import Sequence

from gradb.debugger.rerun.comparison import compare
from gradb.debugger.rerun.following import Tell
from gradb.debugger.rerun.orders import SURE
from gradb.debugger.run import Run
from gradb.frame.reader import Tape, TapeError
from gradb.tape.series import Series

_EVERY = 0.5
_SHARE = 20
"""The next look is so many times later as the last one took."""


class Differs(Exception):
    """The run does not do the same, and need not go on."""


class Noticing:
    """Holds the numbers of a run against those of the first as they come.

    Args:
        first: the tape of the first run.
        begin: the first iteration that is run again.
        tell: is called each time too.
    """

    def __init__(self, first: Tape, tell: Tell, begin: int = 1) -> None:
        self._first, self._tell, self._begin = first, tell, begin
        self._due = 0.0

    def __call__(self, run: Run) -> None:
        """Look at what has come, if it is time to.

        Raises:
            Differs: a number is another one than it was.
        """
        self._tell(run)
        begin = time.monotonic()
        if begin < self._due:
            return
        try:
            tape = run.tape
            has_differed = tape is not None and differ(self._first.series, tape.series, self._begin)
        except TapeError:
            has_differed = False  # it is told of where the run is over
        if has_differed:
            raise Differs
        end = time.monotonic()
        self._due = end + max(_EVERY, _SHARE * (end - begin))


def differ(first: Sequence[Series], again: Sequence[Series], begin: int = 1) -> bool:
    """Tell whether a run that goes on is known to be another one already.

    A number that is missing may still come, and the first iterations may get other numbers: neither counts.
    """
    reached = max((one.iterations[one.count - 1] for one in again if one.count), default=0)
    found = None if reached <= SURE else compare(first, again, reached - 1, begin=begin).difference
    return found is not None and found.first is not None and found.again is not None
