"""What a training is made of, as far as the rules need to know: leaves with their gradients, backwards, optimizers.

Plain data that the ``ledger`` keeps up to date as it takes in one event after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gradb.tape.kinds.event import Event


@dataclass(slots=True)
class Backward:
    """A call into the engine."""

    event: Event
    """Its backward_start."""
    made: int
    """Position at which the newest of its roots was computed; 0 where that is not known."""


@dataclass(slots=True, eq=False)
class Leaf:
    """A leaf that requires grad, and what became of its ``.grad``."""

    id: int
    name: str
    event: Event
    """At which it was first seen: where it was made."""
    is_parameter: bool
    """True of an ``nn.Parameter``."""
    is_made: bool
    """True where the event is the one that made it, and not only the first to show it."""
    fills: int = 0
    """How often a backward added to its gradient."""
    first: Backward | None = None
    """The first backward that did."""
    newest: Backward | None = None
    """The newest backward that did."""
    iterations: int = 0
    """Iterations in which that happened, as far as one can count while the tape grows."""
    changes: int = 0
    """How often the script's own code changed its value after it was first filled."""
    is_frozen: bool = False
    """True when it did not require grad at the newest step of an optimizer that has it."""
    is_given: bool = False
    """True once the script has put a gradient of its own there."""
    optimizers: list[Optimizer] = field(default_factory=list)
    """Those that have stepped with it."""
    is_held: bool = False
    """True when its gradient is not cleared."""
    used: Event | None = None
    """The step that used what its gradient holds since it was last cleared."""
    is_added_to: bool = False
    """True when a backward has added to it since that step."""
    reuses: int = 0
    """How many steps without a break used a gradient that was added to one that a step before had used."""
    origin: Event | None = None
    """The step whose gradient the first of these used again."""
    cleared: Event | None = None
    """When it was last cleared."""
    is_cleared_between: bool = False
    """True once it was cleared after a step had used it."""
    discarded: tuple[Backward, Event] | None = None
    """The backward whose gradient was cleared before any step used it, and what cleared it; None once one is used."""

    def fill(self, backward: Backward) -> None:
        """Take note of an accumulation."""
        if self.newest is None or self.newest.event.iteration != backward.event.iteration:
            self.iterations += 1
        self.first = self.first or backward
        self.newest = backward
        self.fills += 1
        self.is_held = self.is_added_to = True

    def use(self, event: Event) -> bool:
        """Take note of a step that has used the gradient; return whether a step before it had, in part."""
        is_reuse = self.used is not None and self.is_added_to
        if is_reuse:
            self.origin = self.origin if self.reuses else self.used
            self.reuses += 1
        elif self.is_added_to:
            self.reuses = 0
        self.used, self.is_added_to, self.discarded = event, False, None
        return is_reuse

    def clear(self, event: Event) -> None:
        """Take note that the gradient was cleared."""
        if self.used is not None:
            self.is_cleared_between = True
        if self.is_held and self.is_added_to and self.newest is not None:
            self.discarded = self.newest, event
        self.cleared = event
        self.is_held = self.is_added_to = False
        self.used = None

    def forget(self) -> None:
        """Take note that nobody knows what becomes of the gradient from here on."""
        self.is_held = self.is_added_to = False
        self.used, self.discarded, self.reuses = None, None, 0


@dataclass(slots=True, eq=False)
class Optimizer:
    """An optimizer that has stepped."""

    key: object
    kind: str
    """Its class."""
    label: str
    """The variable it is called by where there are several, else its class."""
    file: str | None
    line: int | None
    """Where it was made."""
    made: int
    """The newest event then."""
    leaves: list[Leaf] = field(default_factory=list)
    """What it stepped last."""
    twice: list[Leaf] = field(default_factory=list)
    """Of these, those that it has more than once."""
    steps: int = 0
    """Steps that were not skipped."""
    last: Event | None = None
    """The newest step."""
    before: Event | None = None
    """The step before that."""
    stale: int = 0
    """Backwards since the newest step that filled its leaves from a graph computed between the two steps before."""
    fresh: int = 0
    """The others since then."""
    newest: Backward | None = None
    """The newest of both."""
    used: int = 0
    """Steps that found a gradient."""
    is_frozen: bool = False
    """True when none of its leaves requires grad now."""

    @property
    def place(self) -> str:
        """Where it was made: `` (made at line 12)``; empty where that is not known."""
        return "" if self.line is None else f" (made at line {self.line})"

    def reached(self, backward: Backward) -> None:
        """Take note of a backward that has filled one of its leaves."""
        if self.newest is backward:
            return
        self.newest = backward
        since = 0 if self.before is None else self.before.seq
        if self.last is not None and since < backward.made < self.last.seq:
            self.stale += 1
        else:
            self.fresh += 1


@dataclass(slots=True)
class Use:
    """A step of an optimizer, or an update by hand, and the gradients it found."""

    event: Event
    optimizer: Optimizer | None
    """None for an update by hand."""
    leaves: list[Leaf]
    """All that it changes, or would."""
    used: list[Leaf]
    """Those that had a gradient."""
    reused: list[Leaf]
    """Those whose gradient a step before had used too."""
    discarded: list[tuple[Backward, Event]]
    """What a backward had computed for it and was cleared before it could use it."""
    stale: int = 0
    """See ``Optimizer``: as it was when the step began."""
    fresh: int = 0
    backward: Backward | None = None
    """The newest that filled any of them by then."""
