"""Decides where an iteration ends and the next one begins, from optimizer steps or from updates by hand.

An iteration ends with the step of the last of the optimizers that step in turn: one that stepped in the iteration
before, or that has not stepped yet, is waited for, unless another one steps twice meanwhile. Where a script updates its
parameters by hand, the next iteration begins with the first forward op after the update; where the update cannot be
seen, with the second backward from one line. Knows nothing of torch.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

from gradb.tracer.places import PlaceRow
from gradb.tracer.recorder import Recorder


class Iterations:
    """Counts the iterations of a run."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._made: dict[int, weakref.ref[Any]] = {}
        self._before: set[int] | None = None
        """Those that stepped in the iteration before; None in the first."""
        self._now: set[int] = set()
        self._has_backward = False
        self._is_updated = False
        self._can_see_updates = False
        self._lines: set[PlaceRow] = set()
        self.on_end: Callable[[], None] = lambda: None
        """Called before an iteration ends."""

    @property
    def optimizers(self) -> list[Any]:
        """The optimizers that are alive."""
        return [optimizer for ref in list(self._made.values()) if (optimizer := ref()) is not None]

    def made(self, optimizer: Any) -> None:
        """Take note of a new optimizer."""
        key = id(optimizer)
        self._made[key] = weakref.ref(optimizer, functools.partial(self._forget, key))

    def _forget(self, key: int, ref: Any) -> None:
        if self._made.get(key) is ref:
            del self._made[key]
            self._now.discard(key)
            if self._before is not None:
                self._before.discard(key)

    def stepped(self, optimizer: Any) -> list[Any]:
        """Take note of a step; return the optimizers that stepped in the iteration it ends, none if it goes on."""
        key, now = id(optimizer), self._now
        if self._before == {key} and not now and key in self._made:  # the usual loop, in which only one steps
            self._begin()
            return [optimizer]
        if key not in self._made:
            self.made(optimizer)
        is_again = key in now
        now.add(key)
        awaited = self._made.keys() if self._before is None else self._before
        if not is_again and not awaited <= now:
            return []
        round_ = [optimizer] if len(now) == 1 else [one for known in now if (one := self._made[known]()) is not None]
        self._before, self._now = now, set()
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
        self.on_end()
        self._recorder.next_iteration()
