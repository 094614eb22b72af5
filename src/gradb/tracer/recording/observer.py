"""What the parts of the tracer tell one another of: named moments, to which those listen whom they concern.

The recorder is there before torch is, and most parts only after it: each listens when it is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, ParamSpec

from gradb.link.messages import Ask, Evaluate
from gradb.tape.wire import Blob
from gradb.tracer.source.places import PlaceRow

if TYPE_CHECKING:
    import torch

    from gradb.tracer.tensors.records import TensorRecord

P = ParamSpec("P")


class Moment(Generic[P]):
    """Something that happens; called when it does."""

    __slots__ = ("_listeners",)

    def __init__(self) -> None:
        self._listeners: list[Callable[P, object]] = []

    def listen(self, listener: Callable[P, object]) -> None:
        """Have something called at this moment, after those that listen already."""
        self._listeners.append(listener)

    @property
    def is_heard(self) -> bool:
        """True when somebody listens."""
        return bool(self._listeners)

    def __call__(self, *arguments: P.args, **keywords: P.kwargs) -> None:
        """Tell all that listen."""
        for listener in self._listeners:
            listener(*arguments, **keywords)


class Observer:
    """The moments of one recording."""

    def __init__(self) -> None:
        self.between_events: Moment[[]] = Moment()
        """Between two events, where somebody has said that there is something to do then."""
        self.before_commit: Moment[[bool]] = Moment()
        """Before a commit that must not hold the script: by the clock, or (True) because the process ends."""
        self.asked: Moment[[Ask]] = Moment()
        """Somebody asks about the node that the script is held at; on the thread that is held there."""
        self.evaluated: Moment[[Evaluate]] = Moment()
        """Somebody wants an expression evaluated, on the thread that is held."""
        self.stopped: Moment[[int, str]] = Moment()
        """The recording is over before the script is: the last event on the tape, and why there can be no more."""
        self.iteration_begins: Moment[[int]] = Moment()
        self.iteration_ends: Moment[[]] = Moment()
        """Before its last event."""
        self.iterations_renumbered: Moment[[tuple[int, ...]]] = Moment()
        """The new numbers of iterations 1, 2 ... where the first round is numbered anew."""
        self.backward_begins: Moment[[]] = Moment()
        self.goes_on: Moment[[str]] = Moment()
        """This process goes on as another run from here: which nodes it probes (see ``Prober``)."""
        self.policy_changed: Moment[[]] = Moment()
        """The zero_grad policy or the depth of recording is another."""
        self.unseen_call: Moment[[]] = Moment()
        """A module was called, or a backward has ended, while only watching."""
        self.leaf_seen: Moment[[TensorRecord, torch.Tensor]] = Moment()
        """A leaf is recorded: what is known of it, and the tensor."""
        self.grad_moved: Moment[[TensorRecord, str, Blob, PlaceRow]] = Moment()
        """A ``.grad`` that is added to was given other memory since; with what it held before that."""
