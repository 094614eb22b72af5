"""The two passes of a checkpoint: the calls that it made in the forward, and those it made again for its backward."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gradb.frame.reader import Tape
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.op import OpDetail

_MOST_AROUND = 2_000
"""Events of the forward, on either side of where a node was made, that are looked through for what the checkpoint made
first."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a pass."""

    event: Event
    detail: OpDetail
    nodes: tuple[str, ...]
    """Names of the nodes that it made."""

    def is_like(self, other: Call) -> bool:
        """Tell whether it is the same function in the same place of the model."""
        return (self.detail.function, self.event.scope) == (other.detail.function, other.event.scope)

    def shares_input(self, other: Call) -> bool:
        """Tell whether it was given a tensor that the other was given too: a parameter, or what the checkpoint is."""
        return bool({one.id for one in self.detail.inputs} & {one.id for one in other.detail.inputs} - {0})


def second_pass(tape: Tape, events: Iterable[Event]) -> list[Call]:
    """Return the calls among some events that a checkpoint made again."""
    calls = (_call(tape, event) for event in events if event.kind == "op")
    return [call for call in calls if call is not None and call.detail.is_recomputed]


def first_pass(tape: Tape, node: int | None, before: int, again: Sequence[Call]) -> list[Call]:
    """Return the calls of the forward from the one on that the second pass began with.

    Args:
        tape: both are on it.
        node: id of the node for which the second pass was made.
        before: the event at which its backward began.
        again: the second pass.
    """
    known = None if node is None else tape.node(node)
    if known is None:
        return []
    events = tape.events(max(1, known.event - _MOST_AROUND), min(before - 1, known.event + _MOST_AROUND))
    calls = [_call(tape, event) for event in events if event.kind == "op"]
    forward = [call for call in calls if call is not None and not call.detail.is_recomputed]
    begins = [
        (_likeness(forward[index:], again), index)
        for index, call in enumerate(forward)
        if call.event.seq <= known.event
    ]
    likeness, index = max(begins, default=((0, 0), 0))
    return forward[index:] if likeness > (0, 0) else []


def _likeness(first: Sequence[Call], again: Sequence[Call]) -> tuple[int, int]:
    """Return how many calls are given the same tensors, then how many are alike, up to the first that is not."""
    shared = alike = 0
    for one, other in zip(first, again, strict=False):
        if not one.is_like(other):
            break
        alike += 1
        shared += one.shares_input(other)
    return shared, alike


def _call(tape: Tape, event: Event) -> Call | None:
    detail = tape.detail(event.seq)
    if not isinstance(detail, OpDetail):
        return None
    nodes = [tape.node(node) for node in detail.nodes]
    return Call(event, detail, tuple(node.name for node in nodes if node is not None))
