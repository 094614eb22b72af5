"""What gradb and the debuggee say to each other: one frozen value a message, and its JSON form.

The conversation, seen from the debuggee::

    Loading("importing torch") ...  Ready("2.13.0")  Paused(0)      (no Paused when the run does not pause at its start)
    Continue ->  Progress, Progress ...  Paused(head)               (as often as the user moves on)
    Continue ->  Progress ...  Ended(exit_code)                     (then the channel closes and the process exits)

``Pause`` may arrive while the script runs, ``Set`` and ``Quit`` at any time; a closed channel means ``Quit``. A ``Set``
that a paused script gets is carried out at once, and answered by a new ``Paused``; so is an ``Ask`` or an ``Evaluate``,
which only a paused script hears. A ``Pause`` that comes while it evaluates breaks that off. Each request has a number,
higher than those before, and a ``Paused`` the number of the request that it answers: one that answers less than the
newest ``Continue`` was said before the script went on.

With the scribe, which makes the tape of what the debuggee records, it is shorter::

    Written(head), Written(head) ...   Commit(head) ->  Written(head)   Finish ->  Written(head)   (and it ends)

A ``Paused`` is passed on only once the tape goes as far as its ``head``, so whoever receives it may read up to there.
Either of them says ``RecordingStopped`` when nothing more can be written; the debuggee is told so by ``Abandon``.
Nothing here knows sockets or processes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import Any, get_args

from gradb.link.spec import Intervention, What
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.registry import SPECS
from gradb.tape.stops import Stop, StopKind
from gradb.tape.wire import integer, text


class MessageError(ValueError):
    """Bytes that are no message."""


@dataclass(frozen=True, slots=True)
class Continue:
    """To the debuggee: run on, and pause at the first event that one of the stops matches."""

    stop: Stop
    """Where the user wants to go."""
    breakpoints: tuple[Stop, ...] = ()
    """Where to pause as well."""
    origin: Event | None = None
    """The event the movement began at, for ``Lookout``; None before the first event."""
    seq: int = 0
    """Number of the request."""
    measures_updates: bool = False
    """From here on it is measured how much each step changes, whether or not one of the stops asks for it."""

    @property
    def stops(self) -> tuple[Stop, ...]:
        """Everything it pauses at."""
        return (self.stop, *self.breakpoints)

    @property
    def looks_in(self) -> bool:
        """True when the ATen calls of ops and nodes have to be recorded to find where to pause."""
        return any(stop.looks_in for stop in self.stops)


@dataclass(frozen=True, slots=True)
class Pause:
    """To the debuggee: pause at the next event."""

    seq: int = 0
    """Number of the request."""


@dataclass(frozen=True, slots=True)
class Set:
    """To the debuggee: change something from outside."""

    intervention: Intervention
    seq: int = 0
    """Number of the request."""


@dataclass(frozen=True, slots=True)
class Ask:
    """To the debuggee: probe the node that the script is held at."""

    what: str
    """``full``, ``row``, ``column``, ``random`` or ``with``."""
    index: int = 0
    """row, column: the element, flat and row-major; random: the seed."""
    of: int = 0
    """row: which output of the node; column: which of its edges."""
    numbers: tuple[float, ...] = ()
    """with: the vector upstream, one number for each element of all outputs, or one for all."""
    seq: int = 0
    """Number of the request."""


@dataclass(frozen=True, slots=True)
class Evaluate:
    """To the debuggee: evaluate an expression in the frame that the script is held in."""

    text: str
    seq: int = 0
    """Number of the request."""


FIRST_AFTER = 1.25
"""CPU seconds of a script behind the beginning of its first iteration after which the first checkpoint is due."""


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """To the debuggee: make checkpoints from here on, or no more (see ``link.checkpoints``)."""

    most: int
    """So many at most are kept; 0: make no more."""
    is_now: bool = False
    """Make one where the next iteration begins, whatever it costs."""
    seq: int = 0
    """Number of the request."""


@dataclass(frozen=True, slots=True)
class Quit:
    """To the debuggee: end the process now."""


@dataclass(frozen=True, slots=True)
class Abandon:
    """To the debuggee: nothing more can be recorded, for the tape takes no more."""

    why: str


@dataclass(frozen=True, slots=True)
class Commit:
    """To the scribe: somebody waits for the tape up to an event, which is in the log already."""

    head: int


@dataclass(frozen=True, slots=True)
class Finish:
    """To the scribe: nothing more will be written to the log."""


@dataclass(frozen=True, slots=True)
class Written:
    """From the scribe: how far the tape goes, committed."""

    head: int


@dataclass(frozen=True, slots=True)
class Ready:
    """From the debuggee: torch is imported, the script comes next."""

    torch: str
    """Version of torch."""


@dataclass(frozen=True, slots=True)
class Refused:
    """From the debuggee: there can be no tape, so the script is not begun (the process ends)."""

    why: str


@dataclass(frozen=True, slots=True)
class Loading:
    """From the debuggee: what takes time before the script starts."""

    what: str
    """One short clause, e.g. ``importing torch``."""


@dataclass(frozen=True, slots=True)
class Paused:
    """From the debuggee: the script waits."""

    head: int
    """The last event on the tape, committed."""
    request_seq: int = 0
    """Number of the request that it answers; 0 before the first."""


@dataclass(frozen=True, slots=True)
class Progress:
    """From the debuggee, at most ten times a second: the script runs."""

    head: int
    """The last event on the tape, committed."""
    iteration: int
    loss: float | None = None
    """The newest value that a backward began from; None before the first."""


@dataclass(frozen=True, slots=True)
class RecordingStopped:
    """From the debuggee or the scribe: nothing more can be recorded, but the script goes on."""

    head: int
    """The last event on the tape."""
    why: str


@dataclass(frozen=True, slots=True)
class Ended:
    """From the debuggee: the script is over and the tape closed."""

    exit_code: int | None
    """The exit code that the process will have; None where it is not known."""


Request = Continue | Pause | Set | Ask | Evaluate | Checkpoints
Message = (
    Request | Quit | Abandon | Commit | Finish | Written | Ready | Refused | Loading | Paused | Progress
    | RecordingStopped | Ended
)  # fmt: skip


def encode(message: Message) -> bytes:
    """Return the JSON form: a list of the message's name and its fields."""
    return json.dumps([type(message).__name__, *astuple(message)], separators=(",", ":")).encode("ascii")


def decode(data: bytes) -> Message:
    """Read the JSON form back.

    Raises:
        MessageError: the bytes are not a message.
    """
    try:
        name, *fields = json.loads(data)
        return _READERS[name](*fields)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise MessageError(f"not a message: {data[:80]!r}") from error


def _stop(raw: Any) -> Stop:
    kind, argument, with_quiet, passes, is_inside, condition = raw
    if kind not in get_args(StopKind):
        raise ValueError(f"unknown stop {kind!r}")
    return Stop(kind, str(argument), bool(with_quiet), int(passes), bool(is_inside), str(condition))


def _continue(stop: Any, breakpoints: Any, origin: Any, seq: Any, measures_updates: Any) -> Continue:
    event = None if origin is None else _event(*origin)
    return Continue(_stop(stop), tuple(_stop(raw) for raw in breakpoints), event, int(seq), bool(measures_updates))


def _event(seq: Any, kind: Any, name: Any, file: Any, *rest: Any) -> Event:
    *place, scope, iteration, phase, node, flags, thread = rest
    if kind not in SPECS:
        raise ValueError(f"unknown kind of event {kind!r}")
    line, end_line, column, end_column = map(integer, place)
    return Event(
        int(seq), kind, str(name), text(file), line, end_line, column, end_column, str(scope), int(iteration),
        str(phase), integer(node), int(flags), int(thread),
    )  # fmt: skip


def _intervention(what: Any, value: Any, iteration: Any) -> Intervention:
    if what not in get_args(What):
        raise ValueError(f"unknown change {what!r}")
    return Intervention(what, str(value), int(iteration))


ASKS = ("full", "row", "column", "random", "with")
"""What can be asked for."""


def _ask(what: Any, index: Any, of: Any, numbers: Any, seq: Any) -> Ask:
    if what not in ASKS:
        raise ValueError(f"cannot ask for {what!r}")
    return Ask(str(what), int(index), int(of), tuple(float(number) for number in numbers), int(seq))


_READERS: dict[str, Callable[..., Message]] = {
    "Continue": _continue,
    "Pause": lambda seq: Pause(int(seq)),
    "Set": lambda intervention, seq: Set(_intervention(*intervention), int(seq)),
    "Ask": _ask,
    "Evaluate": lambda text, seq: Evaluate(str(text), int(seq)),
    "Checkpoints": lambda most, is_now, seq: Checkpoints(int(most), bool(is_now), int(seq)),
    "Quit": Quit,
    "Abandon": lambda why: Abandon(str(why)),
    "Commit": lambda head: Commit(int(head)),
    "Finish": Finish,
    "Written": lambda head: Written(int(head)),
    "Ready": lambda torch: Ready(str(torch)),
    "Refused": lambda why: Refused(str(why)),
    "Loading": lambda what: Loading(str(what)),
    "Paused": lambda head, request_seq: Paused(int(head), int(request_seq)),
    "Progress": lambda head, iteration, loss: Progress(
        int(head), int(iteration), None if loss is None else float(loss)
    ),
    "RecordingStopped": lambda head, why: RecordingStopped(int(head), str(why)),
    "Ended": lambda code: Ended(None if code is None else int(code)),
}
