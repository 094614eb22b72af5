"""Decides where an iteration ends and the next one begins, from optimizer steps and from updates by hand.

It judges by what stepped (see docs/iterations.md for the rule and a table of shapes). One optimizer that steps alone
ends an iteration with each step. Several that step in turn form a round, and the last of them ends the iteration.
Updates by hand are a stepper like any other, whose step is over when the next forward begins. What the first round is
can be known only once it is over: until then its steps are counted one by one, and then they are numbered anew, once.
Knows nothing of torch.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

from gradb.tracer.isolation.signals import shielded
from gradb.tracer.recording.recorder import Recorder
from gradb.tracer.recording.rounds import Rounds
from gradb.tracer.source.places import PlaceRow

NOTE = "the steps so far, which were counted one by one, are numbered anew"
_MOST_NAMED = 4
HAND = 0
"""Stands for the script's own code among the steppers."""


class Iterations:
    """Counts the iterations of a run.

    Args:
        recorder: is told when one ends.
        may_join: tells whether an optimizer that has not stepped yet may still step beside those that have.
    """

    __slots__ = ("__dict__", "__weakref__", "is_updated")  # which the accelerator reads

    def __init__(
        self, recorder: Recorder, may_join: Callable[[Any, list[Any]], bool] = lambda optimizer, others: True
    ) -> None:
        self._moments, self._may_join = recorder.observer, may_join
        self._recorder = recorder
        self._made: dict[int, weakref.ref[Any]] = {}
        self._rounds = Rounds()
        self._stepped: set[int] = set()
        """Optimizers that have ever stepped."""
        self._is_told = False
        self._has_backward = False
        self.is_updated = False
        """True when parameters were updated by hand since the last step and forward."""
        self._can_see_updates = False
        self._counts_updates = True
        """False where optimizers have made the iterations while updates by hand were not seen: so it stays then."""
        self._lines: set[PlaceRow] = set()

    @property
    def optimizers(self) -> list[Any]:
        """The optimizers that are alive."""
        return [optimizer for ref in list(self._made.values()) if (optimizer := ref()) is not None]

    @property
    def steppers(self) -> list[Any]:
        """Those of them that have stepped."""
        return [one for key in self._stepped if (ref := self._made.get(key)) and (one := ref()) is not None]

    def is_settled(self) -> bool:
        """Tell whether the number of the iteration that goes on is sure to stay."""
        rounds = self._rounds
        if rounds.is_settled or not rounds.has_steps:
            return True
        if rounds.is_open:
            return False
        steppers = self.steppers
        return not any(self._may_join(one, steppers) for one in self.optimizers if id(one) not in self._stepped)

    def made(self, optimizer: Any) -> None:
        """Take note of a new optimizer."""
        key = id(optimizer)
        self._made[key] = weakref.ref(optimizer, functools.partial(self._forget, key))

    @shielded
    def _forget(self, key: int, ref: Any) -> None:
        if self._made.get(key) is ref:
            del self._made[key]
            self._stepped.discard(key)
            try:
                self._rounds.forget(key)
            except Exception:
                pass  # Python would print it, and at its end the module of `suppress` may be gone already

    def steps(self, optimizer: Any) -> None:
        """Take note of a step that is about to be recorded; it may be the first of a new iteration."""
        if self._rounds.comes_back(id(optimizer)):
            self._begin()

    def stepped(self, optimizer: Any) -> list[Any]:
        """Take note of a step; return the optimizers that stepped in the iteration it ends, none if it goes on."""
        key = id(optimizer)
        if key not in self._made:
            self.made(optimizer)
        self._stepped.add(key)
        if not self._recorder.is_full and not self._can_see_updates:
            self._counts_updates = False
        return self._step(key)

    def _step(self, key: int) -> list[Any]:
        rounds = self._rounds
        is_over = rounds.step(key, has_backward=self._has_backward)
        self._has_backward = self.is_updated = False
        who = [*rounds.now]
        if rounds.merged:
            who = list(rounds.members)  # this iteration began before it was known to be one
            self._renumber()
        if not is_over:
            return []
        found = [one for known in who if (ref := self._made.get(known)) and (one := ref()) is not None]
        self._begin()
        return found

    def _renumber(self) -> None:
        """Number the first round anew: what was counted as several iterations is one."""
        numbers, self._rounds.merged = self._rounds.merged, ()
        recorder = self._recorder
        before = recorder.iteration
        settled = numbers[before - 1] if before <= len(numbers) else before
        if settled == before:
            return
        recorder.writer.renumber(recorder.settle(), numbers)
        recorder.iteration = settled
        self._moments.iterations_renumbered(numbers)
        if not self._is_told:
            self._is_told = True
            recorder.note(f"{self._reason()}: {NOTE}")

    def _reason(self) -> str:
        """Say why what was counted as several iterations is one."""
        kinds = [type(one).__name__ for one in self.steppers]
        named = ", ".join(kinds[:_MOST_NAMED]) + (", ..." if len(kinds) > _MOST_NAMED else "")
        if not self._rounds.has_stepped(HAND):
            return f"{len(kinds)} optimizers ({named}) step in turn, and one round of them is one iteration"
        if len(kinds) == 1:
            return f"changes of parameters by hand and a step of {named} are one iteration together"
        return f"changes of parameters by hand and steps of several optimizers ({named}) are one iteration together"

    def updated_by_hand(self) -> bool:
        """Take note of a change of a parameter by the script's own code; return whether it follows a backward."""
        if self._has_backward:
            self.is_updated = self._can_see_updates = True
        return self._has_backward

    def forward_begins(self) -> None:
        """Take note that parameters were updated by hand, where they were since the last forward and no step."""
        if self.is_updated:
            self._by_hand()

    def backward_begins(self, place: PlaceRow) -> None:
        """Take note of a backward; the second from one line begins an iteration where nothing else tells."""
        if self.is_updated:
            self._by_hand()
        elif place in self._lines and not self._made and not (self._can_see_updates and self._recorder.is_full):
            self._begin()
        self._lines.add(place)
        self._has_backward = True
        self._moments.backward_begins()

    def _by_hand(self) -> None:
        if not self._counts_updates:
            self.is_updated = False
            return
        if self._rounds.comes_back(HAND):
            self._begin()
        self._step(HAND)

    def _begin(self) -> None:
        self._has_backward = self.is_updated = False
        self._lines.clear()
        self._moments.iteration_ends()
        self._rounds.begin()
        self._recorder.next_iteration()
