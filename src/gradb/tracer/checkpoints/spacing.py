"""Decides when the next checkpoint is due: once the script has spent many times what one costs."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import NamedTuple

from gradb.link.messages import FIRST_AFTER

SHARE = 40
"""So many times what a checkpoint costs is spent until the next: together they cost 2.5 %, and what is copied later (by
a collection of garbage, or at the script's end) comes on top.
"""
_LOOK = 3
"""So many iterations after a checkpoint most of what it makes the script copy is copied."""
_FIRST = FIRST_AFTER / SHARE
"""What the first is taken to cost: CPU seconds."""


class Usage(NamedTuple):
    """What this process has used so far."""

    seconds: float
    """Of CPU time, on all threads."""
    faults: int
    """Pages that it was given, or that were copied for it."""


def used() -> Usage:
    """Return what this process has used so far."""
    found = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(found.ru_utime + found.ru_stime, found.ru_minflt)


class Spacing:
    """Counts what checkpoints cost, the copies of pages included that they cause afterwards.

    A page that script and checkpoint share is copied when the script writes to it. That is seen as faults beyond those
    that the iterations before the checkpoint had.

    Args:
        usage: returns what this process has used.
        clock: returns the CPU seconds of it, at less cost.
    """

    def __init__(self, usage: Callable[[], Usage] = used, clock: Callable[[], float] = time.process_time) -> None:
        self._usage, self._clock = usage, clock
        self.price = _FIRST
        """CPU seconds that the last one cost, without what was copied."""
        self.copied = 0.0
        """The same, of what was copied because of it."""
        self._iterations = -1
        self._base, self._rate, self._fault, self._most = 0, 0.0, 0.0, 0
        self._has_looked = True
        self._due = 0.0

    def is_due(self) -> bool:
        """Take note that an iteration begins, and tell whether a checkpoint is due."""
        self._iterations += 1
        if not self._iterations:
            self._base, self._due = self._usage().faults, self._clock() + SHARE * self.price
        if not self._has_looked and self._iterations >= _LOOK:
            self._look()
        return self._clock() >= self._due

    def _look(self) -> None:
        """Find out how much was copied since the last one."""
        faults = self._usage().faults
        further = faults - self._base - self._rate * self._iterations
        self.copied = min(max(further, 0.0), self._most) * self._fault
        self._due += SHARE * self.copied
        self._base, self._iterations, self._has_looked = faults, 0, True

    def begins(self) -> Usage:
        """Take note that a checkpoint is being made; return what was used until now."""
        usage = self._usage()
        if self._iterations > 0:
            self._rate = (usage.faults - self._base) / self._iterations
        return usage

    def made(self, price: float, fault: float, pages: int) -> None:
        """Take note of a checkpoint.

        Args:
            price: CPU seconds that making it has cost, in all processes.
            fault: the same, of one page that is copied.
            pages: how many there are that can be.
        """
        self.price, self._fault, self._most = price, fault, pages
        self.copied, self._has_looked = 0.0, False
        self._wait(price)

    def failed(self, price: float) -> None:
        """Take note of one that could not be made, and of what that cost."""
        self._wait(max(price, _FIRST))

    def _wait(self, price: float) -> None:
        usage = self._usage()
        self._base, self._iterations, self._due = usage.faults, 0, self._clock() + SHARE * price
