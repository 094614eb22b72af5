"""The other runs in the plot of the losses: what that is told of branches, and how often. It draws nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gradb.present.options import Branches, Options

if TYPE_CHECKING:
    from gradb.debugger.branches.family import Family

_EVERY = 0.4  # seconds between two drawings of a branch that runs


class KinView:
    """Keeps the options of the plot up to date with the other runs, a few times a second at most."""

    def __init__(self) -> None:
        self._known: tuple[object, ...] = ()
        self._drawn_at = 0.0

    def update(self, options: Options, family: Family | None, now: float) -> Options:
        """Return the options with what is new of the others, or the very same ones."""
        if family is None or len(family) == 1:
            return options if options.branches == Branches() else replace(options, branches=Branches())
        known = (family.here.key, *((one.key, one.head, one.is_running) for one in family.others))
        is_due = now - self._drawn_at >= _EVERY or known[0] != next(iter(self._known), None)
        if known == self._known or not is_due:
            return options
        self._known, self._drawn_at = known, now
        from gradb.debugger.branches.telling import kin

        return replace(options, branches=kin(family))
