"""Where a movement stops: predicates on event headers.

The same predicate decides in the debuggee (the gate) and on a recorded stretch of tape (the debugger), so that live
runs and recordings cannot disagree. A predicate sees one header and the header where the movement began; it keeps no
state. What is counted from event to event is kept by ``lookout`` in the debuggee, and found by ``frame.search`` on a
tape.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from gradb.tape.kinds.event import Event
    from gradb.tape.kinds.registry import Kind

PLACES: frozenset[str] = frozenset({"at", "module"})
"""Kinds of stops at a place, which the script has to leave before it comes to it again."""
TURNS: frozenset[Kind] = frozenset({"backward_start", "backward_end"})
"""Kinds that tell where the script is between forward and backward, though no step stops there."""
FORWARD_ENDS: frozenset[Kind] = frozenset({"op", "leaf", "zero_grad", "grad_change", "error", "end"})
"""Kinds that tell of a call of the torch API once it has returned (or raised)."""

StopKind = Literal[
    "step",  # the next stop event
    "event",  # the very next event, quiet ones, backward_start, node_start and output included
    "line",  # a stop event on another source line
    "phase",  # a stop event in another phase
    "iteration",  # a stop event in another iteration; with an argument: the first stop event of that iteration
    "into",  # an ATen call (the script then looks into ops and nodes), or where there is none, a stop event
    "out",  # the end of the op or node that the movement began in
    "aten",  # an ATen call of that name (`aten.mul.Tensor`, `mul.Tensor` or `mul`)
    "node",  # a node or op event whose node is called so (`MulBackward0`, or `Mul`, case ignored)
    "at",  # an event at FILE:LINE, at one of FILE:FIRST-LAST, or at LINE of whatever file
    "module",  # a stop event in the scope of that module, or of one inside of it
    "kind",  # any event of a kind (`accumulate`, `error` ...)
    "nonfinite",  # an event with a NaN or an infinity
    "nan",  # an event with a NaN
    "inf",  # an event with an infinity
    "birth",  # an event at which a NaN or an infinity is seen first, and no input is the reason
    "param",  # an event that changes a parameter, or its .grad: fills, edits or clears it, steps or writes to it
    "when",  # an event that newly determines something that the condition names
    "position",  # the event with this number
    "end",  # the end event
]


@dataclass(frozen=True, slots=True)
class Stop:
    """Where to stop."""

    kind: StopKind
    argument: str = ""
    with_quiet: bool = False
    """Let quiet events count as stop events (the switch "show data preparation and initialisation")."""
    passes: int = 0
    """How many events it passes, which it would stop at, before it stops."""
    is_inside: bool = False
    """Of places and ``iteration``: the script is still where it was met last, and has to leave that first."""
    condition: str = ""
    """An expression that has to hold as well."""

    def matches(self, event: Event, origin: Event | None) -> bool:
        """Tell whether a movement that began at ``origin`` (None: before the first event) stops at ``event``.

        Where it ``is_conditional``, what the event says beside its header has the last word: see ``conditions.meets``.
        """
        return _MATCHERS[self.kind](self, event, origin)

    @property
    def is_conditional(self) -> bool:
        """True when the header alone does not decide."""
        return bool(self.condition) or self.kind in {"param", "when"}

    def passed(self) -> Stop:
        """Return what is left of it once it was met and has let that pass."""
        return replace(self, passes=self.passes - 1, is_inside=self.kind in PLACES or self.kind == "iteration")

    def is_left(self, event: Event) -> bool:
        """Tell whether at ``event`` the script is not any more on the line, or in what else, that it stops at."""
        if self.kind == "module":
            return (event.is_stop or event.kind in TURNS) and not is_within(event.scope, self.argument)
        is_seen = event.is_stop or (self.kind in PLACES and event.kind in TURNS)
        return is_seen and not self.matches(event, None)

    def holds(self, event: Event | None) -> bool:
        """Tell whether at ``event`` the script is at the place that it stops at, which it has to leave first."""
        if self.kind not in PLACES or event is None:
            return False
        return is_within(event.scope, self.argument) if self.kind == "module" else self.matches(event, None)

    @property
    def looks_in(self) -> bool:
        """True when the ATen calls of ops and nodes have to be recorded to find it."""
        return self.kind in {"into", "aten"} or (self.kind == "kind" and self.argument == "aten")

    def __str__(self) -> str:
        if self.kind == "when":
            return self.condition
        return f"{self.kind} {self.argument}".rstrip() + (f" if {self.condition}" if self.condition else "")


def _is_stop(stop: Stop, event: Event) -> bool:
    return event.is_stop or (stop.with_quiet and event.is_quiet and event.kind in {"op", "leaf"})


def _step(stop: Stop, event: Event, origin: Event | None) -> bool:
    return _is_stop(stop, event)


def _event(stop: Stop, event: Event, origin: Event | None) -> bool:
    return True


def _into(stop: Stop, event: Event, origin: Event | None) -> bool:
    return (event.kind == "aten" and (stop.with_quiet or not event.is_quiet)) or _is_stop(stop, event)


def _out(stop: Stop, event: Event, origin: Event | None) -> bool:
    if event.kind in {"error", "end"}:
        return True
    if origin is None or origin.node is None or origin.kind not in {"aten", "node_start"}:
        return event.kind in FORWARD_ENDS
    return event.kind == "backward_end" or (event.kind in {"node", "accumulate"} and event.node == origin.node)


def _aten(stop: Stop, event: Event, origin: Event | None) -> bool:
    return event.kind == "aten" and is_call_named(event.name, stop.argument)


def is_call_named(name: str, argument: str) -> bool:
    """Tell whether the name of an ATen call is meant by what a stop at ATen calls was given."""
    wanted, name = argument.lower().removeprefix("aten."), name.lower().removeprefix("aten.")
    return wanted in {name, name.rpartition(".")[0]}


def _line(stop: Stop, event: Event, origin: Event | None) -> bool:
    here = None if origin is None else (origin.file, origin.line)
    return _is_stop(stop, event) and (event.file, event.line) != here


def _phase(stop: Stop, event: Event, origin: Event | None) -> bool:
    return _is_stop(stop, event) and event.phase != (origin.phase if origin else "start")


def _iteration(stop: Stop, event: Event, origin: Event | None) -> bool:
    before = origin.iteration if origin else 0
    if stop.argument:
        return event.iteration == int(stop.argument) != before and event.kind != "end" and _is_stop(stop, event)
    return event.iteration != before and _is_stop(stop, event)


def _node(stop: Stop, event: Event, origin: Event | None) -> bool:
    if event.kind not in {"node", "op"} or event.node is None:
        return False
    return is_named(event.name, stop.argument)


def is_named(name: str, argument: str) -> bool:
    """Tell whether the name of an op or node is meant by what a stop at nodes was given."""
    wanted, name = argument.lower(), name.lower()
    return name == wanted or name.rstrip("0123456789").removesuffix("backward") == wanted


@lru_cache(maxsize=256)
def lines_of(argument: str) -> tuple[str, int, int]:
    """Return file, first and last line of a stop at lines; no file: whatever file; no line where none can be read."""
    file, _, lines = argument.rpartition(":")
    first, _, last = lines.partition("-")
    if not (first.isdecimal() and (last or first).isdecimal()):
        return file, 1, 0
    return file, int(first), int(last or first)


def _at(stop: Stop, event: Event, origin: Event | None) -> bool:
    return is_at(event.file, event.line, stop.argument)


def is_at(path: str | None, line: int | None, argument: str) -> bool:
    """Tell whether a line of a file is meant by what a stop at lines was given."""
    file, first, last = lines_of(argument)
    if line is None or not first <= line <= last:
        return False
    return not file or (path or "") == file or (path or "").endswith("/" + file)


def _module(stop: Stop, event: Event, origin: Event | None) -> bool:
    return _is_stop(stop, event) and is_within(event.scope, stop.argument)


def is_within(scope: str, path: str) -> bool:
    """Tell whether a scope is that of the module a path means, or of one inside: the path may lack its beginning."""
    return bool(path) and f".{path}." in f".{scope}."


def _kind(stop: Stop, event: Event, origin: Event | None) -> bool:
    return event.kind == stop.argument


def _nonfinite(stop: Stop, event: Event, origin: Event | None) -> bool:
    return event.has_nonfinite


def _nan(stop: Stop, event: Event, origin: Event | None) -> bool:
    return event.has_nan


def _inf(stop: Stop, event: Event, origin: Event | None) -> bool:
    return event.has_inf


def _birth(stop: Stop, event: Event, origin: Event | None) -> bool:
    return event.is_birth and event.has_nonfinite and not event.is_scaled


def _param(stop: Stop, event: Event, origin: Event | None) -> bool:
    if event.kind == "accumulate":
        return is_called(event.name, stop.argument)
    return event.kind in CHANGES or (event.kind == "op" and writes_in_place(event.name))


CHANGES: frozenset[Kind] = frozenset({"zero_grad", "grad_change", "step"})
"""Kinds whose detail says which parameters they change."""


def is_called(name: str, path: str) -> bool:
    """Tell whether a path means the tensor of a name: it is that, or the end of it."""
    return name == path or name.endswith(f".{path}")


def writes_in_place(name: str) -> bool:
    """Tell whether the name of an op that makes no node may be that of one which changes a tensor in place."""
    return name.endswith("_") or "=" in name


def _when(stop: Stop, event: Event, origin: Event | None) -> bool:
    return True


def _position(stop: Stop, event: Event, origin: Event | None) -> bool:
    return event.seq == int(stop.argument)


def _end(stop: Stop, event: Event, origin: Event | None) -> bool:
    return event.kind == "end"


_MATCHERS = {
    "step": _step,
    "event": _event,
    "into": _into,
    "out": _out,
    "aten": _aten,
    "line": _line,
    "phase": _phase,
    "iteration": _iteration,
    "node": _node,
    "at": _at,
    "module": _module,
    "kind": _kind,
    "nonfinite": _nonfinite,
    "nan": _nan,
    "inf": _inf,
    "birth": _birth,
    "param": _param,
    "when": _when,
    "position": _position,
    "end": _end,
}
