"""Decides where an iteration ends and the next one begins, from optimizer steps or from updates by hand.

An iteration ends with the step of the last of the optimizers that step in turn: one that stepped in the iteration
before, or that has not stepped yet, is waited for, unless another one steps twice meanwhile. Where a script updates its
parameters by hand, the next iteration begins with the first forward op after the update; where the update cannot be
seen, with the second backward from one line. Knows nothing of torch.
"""

from __future__ import annotations

import weakref
from typing import Any

from gradb.tracer.places import PlaceRow
from gradb.tracer.recorder import Recorder


class Iterations:
    """Counts the iterations of a run."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._made: weakref.WeakSet[Any] = weakref.WeakSet()
        self._before: weakref.WeakSet[Any] | None = None
        self._now: weakref.WeakSet[Any] = weakref.WeakSet()
        self._has_backward = False
        self._is_updated = False
        self._can_see_updates = False
        self._has_stepped = False
        self._lines: set[PlaceRow] = set()

    @property
    def optimizers(self) -> list[Any]:
        """The optimizers that are alive."""
        return list(self._made)

    def made(self, optimizer: Any) -> None:
        """Take note of a new optimizer."""
        self._made.add(optimizer)

    def stepped(self, optimizer: Any) -> list[Any]:
        """Take note of a step; return the optimizers that stepped in the iteration it ends, none if it goes on."""
        self._has_stepped = True
        is_again = optimizer in self._now
        self._made.add(optimizer)
        self._now.add(optimizer)
        awaited = self._made if self._before is None else self._before
        if not is_again and not all(one in self._now for one in awaited):
            return []
        round_ = list(self._now)
        self._before, self._now = self._now, weakref.WeakSet()
        self._begin()
        return round_

    def updated_by_hand(self) -> bool:
        """Take note of a change of a parameter by the script's own code; return whether it follows a backward."""
        if self._has_backward:
            self._is_updated = self._can_see_updates = True
        return self._has_backward

    def forward_begins(self) -> None:
        """Begin the next iteration if parameters were updated by hand since the last forward."""
        if self._is_updated:
            self._begin()

    def backward_begins(self, place: PlaceRow) -> None:
        """Take note of a backward; the second from one line begins an iteration where nothing else tells."""
        if self._is_updated or (
            place in self._lines and not self._made and not (self._can_see_updates and self._recorder.is_full)
        ):
            self._begin()
        self._lines.add(place)
        self._has_backward = True

    def _begin(self) -> None:
        self._has_backward = self._is_updated = False
        self._lines.clear()
        self._recorder.next_iteration()
