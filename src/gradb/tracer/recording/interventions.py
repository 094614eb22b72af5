"""What is changed from outside while the script runs: the zero_grad policy, the learning rate, the depth of recording.

Wishes come from the command line and, at any time, from the listening thread. They are carried out on a thread of the
script's, between two events, so that each has its position on the tape. Knows nothing of torch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from gradb.link.spec import Intervention
from gradb.tape.kinds.depth import write as write_depth
from gradb.tape.kinds.intervention import write as write_intervention
from gradb.tape.kinds.note import write as write_note
from gradb.tape.wire import Blob
from gradb.tracer.recording.recorder import Recorder
from gradb.tracer.source.places import NOWHERE


class ScriptTraining(Protocol):
    """What the script trains, as far as changes of it depend on that."""

    def is_settled(self) -> bool:
        """Tell whether the number of the iteration that goes on is sure to stay; until it is, changes wait."""
        ...

    def snapshot(self) -> tuple[str, str, Blob]:
        """Return the leaves and gradients of this moment, from which everything is to be recorded again."""
        ...


class Interventions:
    """The changes in force, and those still to come.

    Args:
        recorder: the tape's recorder.
        changes: what to change, and when.
    """

    def __init__(self, recorder: Recorder, interventions: Sequence[Intervention] = ()) -> None:
        self.zero_grad = "script"
        """The policy: ``script``, ``off`` or ``on``."""
        self.lr: float | None = None
        """The learning rate of every step; None: the script's own."""
        self.training: ScriptTraining | None = None
        """What the script trains, once torch is there."""
        self._recorder = recorder
        self._later = sorted(interventions, key=lambda intervention: intervention.iteration)
        self._now: deque[tuple[Intervention, str]] = deque()
        self._changed = recorder.observer.policy_changed
        recorder.observer.between_events.listen(self._carry_out)
        recorder.observer.stopped.listen(self._let_go)
        recorder.observer.iteration_begins.listen(self._begin_iteration)
        recorder.has_errands = bool(self._later) and self._later[0].iteration <= recorder.iteration

    def go_on(self, interventions: Sequence[Intervention]) -> None:
        """Have these in the place of those still to come, in another process; what is in force stays so."""
        here = self._recorder.iteration
        self._later = sorted((one for one in interventions if one.iteration > here), key=lambda one: one.iteration)
        self._now = deque((one, "asked for") for one in interventions if one.iteration <= here)

    def give_up(self, what: str) -> None:
        """End a change that could not be carried out, with the recorder's lock held: none may be half in force."""
        before = self.zero_grad if what == "zero_grad" else "script" if self.lr is None else f"{self.lr:g}"
        if before == "script" or what == "record":
            return
        if what == "zero_grad":
            self.zero_grad = "script"
        else:
            self.lr = None
        try:
            self._tell(what, before, "script")
            note = f"{what} {before} ends here, since it could not be carried out: the script's own is in force"
            self._recorder.emit("note", "gradb", NOWHERE.row, write_note(text=note), may_hold=self._may_hold)
            self._changed()
        except Exception as error:
            self._recorder.failures.part("the end of a change from outside", error)

    def _let_go(self, head: int, why: str) -> None:
        """Set everything to the script's own: the recording is over, and nobody would see what is done."""
        self.zero_grad, self.lr = "script", None
        self._changed()

    def is_settled(self) -> bool:
        """Tell whether the number of the iteration that goes on is sure to stay."""
        return self.training is None or self.training.is_settled()

    @property
    def _may_hold(self) -> bool:
        """False where the script is held already, and only wakes for an errand."""
        return not self._recorder.gate.is_paused

    def ask(self, intervention: Intervention, reason: str = "asked for") -> None:
        """Take a wish; from any thread."""
        if intervention.iteration > self._recorder.iteration:
            self._later = sorted([*self._later, intervention], key=lambda one: one.iteration)
        else:
            self._now.append((intervention, reason))
            self._recorder.has_errands = True

    def _begin_iteration(self, iteration: int) -> None:
        """Look whether something was to be changed now."""
        if self._later and self._later[0].iteration <= iteration and self.is_settled():
            self._recorder.has_errands = True

    def left(self) -> str:
        """Say which changes came to nothing though the script came to their iteration; empty where there is none."""
        due = [intervention for intervention in self._later if intervention.iteration <= self._recorder.iteration]
        texts = ", ".join(f"{intervention.what} {intervention.value}@{intervention.iteration}" for intervention in due)
        return (
            f"not carried out: {texts}; which steps make an iteration was not settled before the end" if texts else ""
        )

    def _carry_out(self) -> None:
        """Make the changes that are due; called between two events with the recorder's lock held."""
        while self._later and self._later[0].iteration <= self._recorder.iteration and self.is_settled():
            self._try(self._later.pop(0), "asked for")
        while self._now:
            self._try(*self._now.popleft())

    def _try(self, intervention: Intervention, reason: str) -> None:
        try:
            self._apply(intervention, reason)
        except Exception as error:
            self._recorder.failures.event(f"{intervention.what} {intervention.value}", error, hides="values gradients")
            self.give_up(intervention.what)

    def _apply(self, intervention: Intervention, reason: str) -> None:
        match intervention.what:
            case "zero_grad" if intervention.value != self.zero_grad:
                before, self.zero_grad = self.zero_grad, intervention.value
                self._tell("zero_grad", before, intervention.value)
            case "lr" if (rate := None if intervention.value == "script" else float(intervention.value)) != self.lr:
                before, self.lr = "script" if self.lr is None else f"{self.lr:g}", rate
                self._tell("lr", before, "script" if rate is None else f"{rate:g}")
            case "record" if (intervention.value == "full") != self._recorder.is_full:
                self._set_depth(intervention.value, reason)
        self._changed()

    def _tell(self, what: str, before: str, after: str) -> None:
        detail = write_intervention(what=what, before=before, after=after)
        self._recorder.emit("intervention", what, NOWHERE.row, detail, may_hold=self._may_hold)

    def _set_depth(self, depth: str, reason: str) -> None:
        recorder, before = self._recorder, self._recorder.is_full
        recorder.is_full = depth == "full"
        try:
            self._tell_depth(depth, reason)
        except Exception:
            recorder.is_full = before
            raise

    def _tell_depth(self, depth: str, reason: str) -> None:
        recorder = self._recorder
        try:
            leaves, gradients, blob = (
                self.training.snapshot() if recorder.is_full and self.training is not None else ("", "", None)
            )
        except Exception as error:
            leaves, gradients, blob = "", "", None
            recorder.failures.part("what the leaves hold", error, hides="values gradients")
        detail = write_depth(depth=depth, reason=reason, leaves=leaves, gradients=gradients)
        odd = 0 if blob is None else blob.odd
        recorder.emit("depth", depth, NOWHERE.row, detail, blob, odd=odd, may_hold=self._may_hold)
