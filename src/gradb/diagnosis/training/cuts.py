"""Where values go on to a loss and gradients do not come back: followed op by op over a few events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gradb.frame.reader import Tape
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.values import TensorValue

_MOST_EVENTS = 20_000
_MOST_OPS = 4_000
_MOST_IN_CHECKPOINT = 2_000
_DATA = ".data"
_CHECKPOINT = "CheckpointFunction.apply"


@dataclass(frozen=True, slots=True)
class Known:
    """What ``.data`` of a leaf is told by."""

    attribute: str
    """The last part of its name: ``weight``."""
    value: TensorValue
    """Its value in the iteration that is followed."""

    def is_of(self, one: Tensor) -> bool:
        """Tell whether a tensor is called ``.data`` of such an attribute, and has the very value of the leaf."""
        mine, its = self.value, one.value
        if (one.name or "").removesuffix(_DATA).rpartition(".")[2] != self.attribute:
            return False
        is_telling = mine.data is not None and len({*mine.data}) > 1 if mine.stats is None else mine.numel > 1
        is_same = (mine.shape, mine.dtype, mine.data, mine.stats) == (its.shape, its.dtype, its.data, its.stats)
        return is_telling and is_same


def reaching(tape: Tape, wanted: Mapping[int, Known | None], first: int, last: int) -> dict[int, Event]:
    """Return, of some leaves, where the graph is cut between them and what a backward goes through.

    Args:
        tape: that is looked at.
        wanted: ids of leaves that no backward reaches, each with what its ``.data`` is told by where that is known.
        first: event from which on an iteration is followed.
        last: its last event.
    """
    events = list(tape.events(first, min(last, first + _MOST_EVENTS)))
    run = _run(tape, events)
    ops = [event for event in events if event.kind == "op" and event.phase == "forward"]
    follower = _Follower(wanted, run)
    for event in ops[:_MOST_OPS] if run else ():
        detail = tape.detail(event.seq)
        if isinstance(detail, OpDetail):
            follower.take(event, detail)
    return follower.found


def _is_past(event: Event, detail: OpDetail) -> bool:
    """Tell whether an op where the graph is cut is no cut itself, but was given the ``.data`` of what is cut off."""
    is_cut = event.node is None and any(one.node is not None for one in detail.inputs)
    return not is_cut and any(_is_data(one) for one in detail.inputs)


@dataclass(frozen=True, slots=True)
class Cause:
    """What cuts a graph, in words."""

    name: str
    """``no_grad``, ``detach`` ..."""
    event: Event
    """Where that stands."""
    why: str = ""
    """How it comes to that, where it is not plain: in brackets, with a blank before."""


def cause_of(tape: Tape, event: Event) -> Cause:
    """Return what cuts the graph at an op."""
    if (around := _checkpoint_around(tape, event)) is not None:
        return Cause("the checkpoint", around, " (use_reentrant=True, and no input that requires grad)")
    detail = tape.detail(event.seq)
    if isinstance(detail, OpDetail) and _is_past(event, detail):
        return Cause(_DATA, event)
    return Cause("no_grad" if event.grad_mode != "on" else event.name.rpartition(".")[2], event)


def _checkpoint_around(tape: Tape, cut: Event) -> Event | None:
    """Return the call of the reentrant checkpoint inside which a graph is cut since none of its inputs requires grad.

    Such a checkpoint computes its forward without gradients, as always, and then makes no node: what comes out is what
    the last op in it made. None where the cut is another's.
    """
    if cut.grad_mode != "off":
        return None
    made: set[int] = set()
    for event in tape.events(cut.seq, min(tape.head, cut.seq + _MOST_IN_CHECKPOINT)):
        detail = tape.detail(event.seq) if event.kind == "op" and event.thread == cut.thread else None
        if not isinstance(detail, OpDetail):
            continue
        given = {one.id for one in detail.inputs}
        if event.grad_mode != "off":
            is_end = event.name == _CHECKPOINT and not detail.nodes and not made & given
            return event if is_end and made & {one.id for one in detail.outputs} else None
        if event.seq == cut.seq or made & given:
            made |= {one.id for one in detail.outputs} - {0}
    return None


def _is_data(one: Tensor) -> bool:
    return one.name is not None and one.name.endswith(_DATA) and not one.requires_grad


def _run(tape: Tape, events: list[Event]) -> set[int]:
    """Return the nodes that the backwards among some events go through."""
    found: set[int] = set()
    for event in events:
        detail = tape.detail(event.seq) if event.kind == "backward_start" else None
        if isinstance(detail, BackwardStartDetail):
            found.update(detail.nodes)
    return found


class _Follower:
    """Follows values from leaves, op by op.

    Args:
        wanted: the leaves, as above.
        run: the nodes that count as reached.
    """

    def __init__(self, wanted: Mapping[int, Known | None], run: set[int]) -> None:
        self._run, self._wanted = run, wanted
        self._cuts: dict[int, dict[int, Event | None]] = {leaf: {leaf: None} for leaf in wanted}
        """Of what is computed of the leaves, by tensor: of which, and at which op the graph to that leaf was lost."""
        self.found: dict[int, Event] = {}

    def take(self, event: Event, detail: OpDetail) -> None:
        """Take in an op."""
        for one in detail.inputs:
            if one.id and one.id not in self._cuts and _is_data(one):
                self._take_data(event, one)
        given = [one for one in detail.inputs if one.id in self._cuts]
        if not given:
            return
        cuts = self._merged(given)
        if not self._run.isdisjoint(detail.nodes):
            for leaf, cut in cuts.items():
                if cut is not None:
                    self.found.setdefault(leaf, cut)
        is_cut = any(one.node is not None for one in given)
        for made in detail.outputs:
            if made.id:
                new = event if is_cut and made.node is None else None
                self._cuts[made.id] = {leaf: cut or new for leaf, cut in cuts.items()}

    def _merged(self, given: list[Tensor]) -> dict[int, Event | None]:
        """Return the leaves that an op is computed of, each with the first cut on any of the ways to it."""
        merged: dict[int, Event | None] = {}
        for one in given:
            for leaf, cut in self._cuts[one.id].items():
                merged[leaf] = merged.get(leaf) or cut
        return merged

    def _take_data(self, event: Event, one: Tensor) -> None:
        """Take in ``.data`` of a leaf, where it is of one only."""
        leaves = [leaf for leaf, known in self._wanted.items() if known is not None and known.is_of(one)]
        if len(leaves) == 1:
            self._cuts[one.id] = {leaves[0]: event}
