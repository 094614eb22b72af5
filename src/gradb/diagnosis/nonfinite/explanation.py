"""What is told of a NaN or an infinity: where it was born and why, what led to it, and its road from there to here."""

from __future__ import annotations

from dataclasses import dataclass, field

from gradb.diagnosis.nonfinite.lasting import Lasting
from gradb.diagnosis.nonfinite.makers import EndKind
from gradb.diagnosis.nonfinite.reason import Reason
from gradb.frame.called import NUMBERS, Called
from gradb.tape.kinds.registry import Kind


@dataclass(frozen=True, slots=True)
class Born:
    """An event at which a NaN or an infinity appears."""

    event: int
    kind: EndKind
    what: str
    """``nan``, ``inf`` or ``-inf``."""
    call: str
    """The op, node, optimizer or hook that made it: ``Tensor.sqrt``, ``SqrtBackward0``, ``SGD.step``."""
    name: str
    """The value in which it appears: ``layer.weight.grad``; empty where it has no name."""
    shape: tuple[int, ...]
    element: tuple[int, ...] | None
    """The first one; None where it is not known."""
    counts: str
    """``1 of 12 nan``."""
    inputs: tuple[tuple[str, str], ...]
    """What it read at that element: name and number, or the range of a whole tensor."""
    reason: Reason | None
    """None where no row of the table fits."""
    file: str | None
    line: int | None
    scope: str
    """Path of the module; empty outside of any."""
    iteration: int
    phase: str
    since: int = 0
    """``unrecorded``: the event that left it finite."""
    why: str = ""
    """``unknown``: why nothing more is known, as the end of a sentence."""
    called: Called = field(default=NUMBERS, compare=False)
    """What the events of its tape are called."""


@dataclass(frozen=True, slots=True)
class RoadStep:
    """An event on the road."""

    event: int
    kind: Kind
    text: str
    """What happened there, in a few words."""
    file: str | None
    line: int | None
    scope: str
    iteration: int
    lasting: Lasting | None = None
    """What came between it and the next step of the road, and did no more than keep the value as it is."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of one non-finite value."""

    event: int
    """Where it was seen."""
    here: str
    """What is not finite there: ``loss is nan``."""
    births: tuple[Born, ...]
    """The origin first; a second one where the NaN was born of infinities that were born before."""
    road: tuple[RoadStep, ...]
    """From the origin to here, one step an event."""
    prelude: tuple[str, ...] = ()
    """What led to it over the iterations, a clause each."""
    called: Called = field(default=NUMBERS, compare=False)
    """What the events of its tape are called."""

    @property
    def is_found(self) -> bool:
        """True where it is known where it began."""
        return self.births[0].kind != "unknown"


@dataclass(frozen=True, slots=True)
class Nothing:
    """Why nothing was found."""

    text: str
    is_sure: bool
    """True where everything was recorded, and is finite."""
    onset: int | None = None
    """The iteration in which a loss or a norm is not finite that was only watched; None where none is."""
    seen: str = ""
    """Which number that is: ``the loss was inf in iteration 31``."""
