"""What names mean at one event: the words of a condition, and the tensors that the event itself tells of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gradb.tape.conditions.newest import SERIES, Points
from gradb.tape.expressions.faults import NoValue
from gradb.tape.expressions.measures import update_of
from gradb.tape.expressions.operands import EventView, Numbers, Operand, tensor
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.backward_end import BackwardEndDetail
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.depth import DepthDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.grad_change import GradChangeDetail
from gradb.tape.kinds.leaf import LeafDetail
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.node_start import read_upstream
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.registry import Detail, decode
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.kinds.zero_grad import ZeroGradDetail
from gradb.tape.stops import is_called
from gradb.tape.values import TensorValue
from gradb.tape.wire import dumps

Raw = tuple[str, bytes | None]
"""The wire form of a detail, and its data."""
_FIELDS = frozenset(Event.__dataclass_fields__)


@dataclass(slots=True)
class EventNames:
    """An event as a condition sees it: see ``expressions.names.Names``. What is read of it is kept."""

    event: Event
    points: Points
    read: Callable[[], Raw]
    """Reads the wire form of the event's detail, and its data."""
    start: Callable[[int], Raw | None]
    """Reads the same of what a node began with, by the number of that event; None where that is not known."""
    _raw: Raw | None = None
    _detail: Detail | None = None

    @property
    def raw(self) -> Raw:
        """The wire form of the event's detail, and its data."""
        if self._raw is None:
            self._raw = self.read()
        return self._raw

    @property
    def detail(self) -> Detail:
        """What the event says beside its header."""
        if self._detail is None:
            self._detail = decode(self.event.kind, *self.raw)
        return self._detail

    def mentions(self, path: str) -> bool:
        """Tell whether something that is called so may be spoken of; costs next to nothing."""
        return mark_of(path) in self.raw[0]

    # --- the names of an expression -----------------------------------------------------------------------------------

    def means(self, path: str) -> bool:
        """Tell whether one tensor of the event is called so, in full or at the end of its path."""
        return self.mentions(path) and _called(path, tensors_of(self.detail)) is not None

    def has_grad(self, path: str) -> bool:
        """Tell whether the event tells of the ``.grad`` of what is called so."""
        return self.mentions(path) and any(
            name is not None and is_called(name, path) for name, _ in grads_of(self.detail)
        )

    def tensor(self, path: str) -> Operand:
        """Return the value, at this event, of the tensor that is called so."""
        found = _called(path, tensors_of(self.detail)) if self.mentions(path) else None
        if found is None:
            raise NoValue(f"no tensor of this event is called {path!r}")
        return tensor(found[0])

    def grad(self, path: str) -> Operand:
        """Return the ``.grad``, or None, that the event leaves to what is called so, or that a step has found."""
        found = _called(path, grads_of(self.detail)) if self.mentions(path) else None
        if found is None:
            raise NoValue(f"this event does not touch the .grad of {path!r}")
        return tensor(found[0])

    def word(self, name: str) -> Operand:
        """Return what a name means that stands alone."""
        known = _WORDS.get(name)
        return self.tensor(name) if known is None else known(self)

    def _event(self) -> Operand:
        return _View(self)

    def _series(self, name: str) -> Operand:
        for kind in SERIES:
            if kind == name and (value := self.points.latest(kind, self.event.seq)) is not None:
                return Numbers((), (value,), "float32")
        raise NoValue(f"there is no {name} yet")

    def _update(self) -> float:
        detail = self.detail if self.event.kind == "step" else None
        found = update_of(detail) if isinstance(detail, StepDetail) else None
        if found is None:
            raise NoValue("this is no step of which every parameter is kept whole")
        return found

    def _upstream(self) -> Operand:
        kind = self.event.kind
        if kind == "accumulate" and isinstance(self.detail, AccumulateDetail):
            return tensor(self.detail.added)
        started = self.raw if kind == "node_start" else self._started() if kind == "node" else None
        if started is None:
            raise NoValue("this is no run of a node")
        return _only(read_upstream(*started))

    def _started(self) -> Raw | None:
        """Return what the node of a node event began with; its number is all that is read of the event for that."""
        number = self.raw[0][1:].partition(",")[0]
        return self.start(int(number)) if number.isdecimal() else None

    def _downstream(self) -> Operand:
        detail = self.detail if self.event.kind == "node" else None
        if not isinstance(detail, NodeDetail):
            raise NoValue("this is no run of a node")
        return _only([one for one in detail.downstream if one is not None])


class _View(EventView):
    """An event whose detail is read only for what the header does not say."""

    __slots__ = ("_names",)
    _names: EventNames

    def __init__(self, names: EventNames) -> None:
        EventView.__init__(self, names.event, None)
        object.__setattr__(self, "_names", names)

    def attribute(self, name: str) -> Operand:
        """See ``EventView``."""
        return EventView(self.event, None if name in _FIELDS else self._names.detail).attribute(name)


_WORDS: dict[str, Callable[[EventNames], Operand]] = {
    "event": EventNames._event,
    "iteration": lambda names: names.event.iteration,
    "phase": lambda names: names.event.phase,
    "loss": lambda names: names._series("loss"),
    "grad_norm": lambda names: names._series("grad_norm"),
    "update": EventNames._update,
    "upstream": EventNames._upstream,
    "downstream": EventNames._downstream,
}


def _only(values: Sequence[Tensor | None]) -> Operand:
    """Return the one value itself, or the list of several."""
    found = [None if one is None else tensor(one.value) for one in values]
    return found[0] if len(found) == 1 else found


# --- tensors and gradients by their names -----------------------------------------------------------------------------

Named = Iterator[tuple[str | None, TensorValue | None]]


def tensors_of(detail: Detail) -> Named:
    """Yield name and value of each tensor of an event: what it left before what it was given."""
    match detail:
        case OpDetail(inputs=inputs, outputs=outputs):
            tensors: Sequence[Tensor | None] = (*outputs, *inputs)
        case LeafDetail(tensor=leaf):
            tensors = (leaf,)
        case StepDetail(parameters=parameters):
            tensors = parameters
        case BackwardStartDetail(roots=roots, inputs=inputs):
            tensors = (*roots, *(inputs or ()))
        case BackwardEndDetail(results=results):
            tensors = results
        case DepthDetail(leaves=leaves):
            tensors = leaves
        case _:
            tensors = ()
    for one in tensors:
        if one is not None:
            yield one.name, one.value


def grads_of(detail: Detail) -> Named:
    """Yield name and ``.grad`` of each leaf whose ``.grad`` an event tells of."""
    match detail:
        case AccumulateDetail(parameter=name, after=after):
            yield name, after
        case StepDetail(parameters=parameters, gradients=gradients):
            yield from zip((one.name for one in parameters), gradients, strict=False)
        case GradChangeDetail(changed=buffers) | ZeroGradDetail(cleared=buffers):
            for buffer in buffers:
                yield buffer.parameter, buffer.after


def _called(path: str, named: Named) -> tuple[TensorValue | None] | None:
    """Return the value that a path means: that of the first called so in full, else of the only one that ends so.

    It may be None, alone in its tuple: there is something that is called so, and it has no value.
    """
    ends: dict[str, TensorValue | None] = {}
    for name, value in named:
        if name == path:
            return (value,)
        if name is not None and name.endswith(f".{path}"):
            ends.setdefault(name, value)
    return (next(iter(ends.values())),) if len(ends) == 1 else None


# --- who a parameter is -----------------------------------------------------------------------------------------------


def touches(detail: Detail, parameter: str) -> bool:
    """Tell whether an event changes a parameter or its ``.grad``: fills, edits or clears it, steps or writes to it."""

    def is_meant(name: str | None) -> bool:
        return name is not None and is_called(name, parameter)

    match detail:
        case AccumulateDetail(parameter=name):
            return is_meant(name)
        case GradChangeDetail(changed=buffers):
            return any(is_meant(buffer.parameter) for buffer in buffers)
        case ZeroGradDetail(cleared=buffers, is_suppressed=False):
            return any(is_meant(buffer.parameter) for buffer in buffers)
        case StepDetail(parameters=parameters):
            return any(is_meant(one.name) for one in parameters)
        case OpDetail(inputs=inputs, outputs=outputs, is_inplace=True):
            return any(is_meant(one.name) for one in (*outputs, *inputs[:1]))
    return False


def mark_of(path: str) -> str:
    """Return how every name that a path means ends in the wire form of a detail."""
    return dumps(path)[1:]
