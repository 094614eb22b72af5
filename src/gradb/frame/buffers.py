"""The ``.grad`` buffers of the leaves, as a position finds them: what the last event that touched each made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gradb.frame.gaps import Gaps
from gradb.frame.gradbuffer import GradBuffer, Touch, known
from gradb.frame.graph.runs import Runs
from gradb.frame.leaves import Leaves
from gradb.frame.naming import Naming
from gradb.frame.sizes import RecordedNorms
from gradb.frame.store import Store
from gradb.frame.touches import Touches, unknown
from gradb.frame.training import Trainings
from gradb.tape.database import Row
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.missing import Gap
from gradb.tape.values import TensorValue

Definition = tuple[int, int | None, int]
"""Event that defines a tensor, node and output number that it comes from."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """A position, and what is asked of it once for all leaves."""

    position: int
    iteration: int
    """That of the backward going on; 0 outside of any."""
    reached: frozenset[int]
    """The nodes that it runs, and those around it."""
    worked: int
    """Where the script has computed for the last time: what it lets go of after that stays to be looked at."""
    filling: int
    """Where the newest backward that filled buffers, and is over, had begun; 0 where there is none."""
    has_doubts: bool
    """Something may have changed unseen."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of a leaf from one position to another, whatever goes on there."""

    row: Row
    """What ``LeafRows`` has of it."""
    first: int
    last: int
    """The positions for which it holds as long as the row is the same; none where the first is beyond."""
    name: str
    definition: Tensor | None
    defined: Definition | None
    event: int | None
    """seq of what touched it last."""
    fills: int
    since: int
    newest: int
    """Iteration of the newest of several gradients in it; 0 of none and one, and where not known.

    A single one is only old news: most scripts clear it right before the next backward.
    """


_Signs = tuple[tuple[str, str, bool], bool, bool, bool, bool]
"""Why the leaf is not known, why its gradient is not, and whether the age of that may be another; whether the event at
the position is about it, whether it is stale, gone, and was left out."""
_NO_DOUBTS = ("", "", False)


class GradBuffers:
    """The buffers of one tape."""

    def __init__(self, store: Store, naming: Naming, gaps: Gaps, trainings: Trainings, runs: Runs) -> None:
        self._store = store
        self._runs = runs
        self._naming = naming
        self._gaps = gaps
        self._trainings = trainings
        self._leaves = Leaves(store)
        self._touches = Touches(store, Leaves.MAX)
        self._norms = RecordedNorms(trainings)
        self._kept: dict[int, tuple[_Facts, _Signs, GradBuffer]] = {}
        """Of each leaf the buffer that was made last: of many leaves an event touches few."""
        self._renumbered = 0

    def at(self, position: int, event: Event | None) -> tuple[GradBuffer, ...]:
        """Return the buffers at a position, at which ``event`` is, in the order in which their leaves appeared."""
        leaves = self._leaves.at(position)
        rows = self._store.leaves.load(leaves, position)
        self._naming.load(leaves)
        if self._renumbered != self._store.renumbering.until:
            self._kept, self._renumbered = {}, self._store.renumbering.until
        self._touches.load((row[0], row[1]) for row in rows if row[1] is not None)
        scene = _Scene(
            position,
            *self._going_on(event),
            self._store.last_work(position),
            self._leaves.filling(position),
            self._has_doubts(position),
        )
        found = [self._grad(row, scene) for row in rows]
        return tuple([one for one in found if one.event is not None or one.leaf is None or one.leaf.numel])

    def is_cut(self, position: int) -> bool:
        """Tell whether there are more leaves at a position than ``at`` returns."""
        return self._leaves.is_cut(position)

    def _has_doubts(self, position: int) -> bool:
        """Tell whether anything that was recorded may have changed unseen up to a position."""
        unseen = self._trainings.unseen_since(0, position) or self._gaps.of_value(0, position)
        return unseen is not None or self._gaps.may_hide_buffers(position)

    def _grad(self, row: Row, scene: _Scene) -> GradBuffer:
        """Return one buffer, the one that was made last where it would be the same."""
        position, kept = scene.position, self._kept.get(row[0])
        is_same = kept is not None and kept[0].row == row and kept[0].first <= position <= kept[0].last
        facts = kept[0] if kept is not None and is_same else self._facts(row, position)
        signs = self._signs(row, facts, scene)
        if kept is None or kept[1] != signs or (kept[0] is not facts and kept[0] != facts):
            kept = (facts, signs, self._made(row[0], facts, signs, position))
            self._kept[row[0]] = kept
        return kept[2]

    def _facts(self, row: Row, position: int) -> _Facts:
        leaf, at, node, number, event, fills, since, *_ = row
        definition = None if at is None else self._touches.definition(leaf, at)
        name, first, last = self._naming.named(leaf, position)
        if name is None:
            first, last = position, position - 1
            name = self._naming.best(leaf, position, definition.name if definition else None)
        if name is None:
            name = self._naming.best(leaf, position, self._touches.later(leaf, event)().told) or f"leaf #{leaf}"
        fills, since = fills or 0, 0 if event is None else self._store.renumbering.settled(event, since)
        newest = self._store.event(event).iteration if event is not None and fills > 1 else 0
        defined = None if at is None else (at, node, number)
        return _Facts(row, first, last, name, definition, defined, event, fills, since, newest)

    def _signs(self, row: Row, facts: _Facts, scene: _Scene) -> _Signs:
        leaf, _, node, _, event, *_, gone_last, gone_at = row
        position = scene.position
        doubts = self._doubts(leaf, facts.defined, event, scene) if scene.has_doubts else _NO_DOUBTS
        is_current = event is not None and event == position and bool(self._touches.later(leaf, event)().how)
        adding = scene.iteration if node in scene.reached else 0
        is_stale = facts.fills != 0 and facts.since < max(adding, facts.newest)
        has_end = node is not None and type(gone_last) is type(gone_at) is int
        is_gone = has_end and node <= gone_last and gone_at <= scene.worked
        return doubts, is_current, is_stale, is_gone, self._was_left_out(leaf, facts, scene)

    def _was_left_out(self, leaf: int, facts: _Facts, scene: _Scene) -> bool:
        """Tell whether nothing has ever filled the ``.grad`` of a leaf, though a backward came after it: one before it
        could not know it.
        """
        if not scene.filling or facts.fills or self._leaves.appeared(leaf) >= scene.filling:
            return False
        filled = self._leaves.first_filling(leaf)
        return filled is None or filled > scene.position

    def _going_on(self, event: Event | None) -> tuple[int, frozenset[int]]:
        """Return the iteration of the backward that an event is in, and what it runs with those around it."""
        if event is None or event.phase != "backward":
            return 0, frozenset()
        moment = self._runs.moment(event.seq)
        backward, reached = None if moment is None else moment.backward, frozenset[int]()
        while backward is not None:
            reached |= backward.nodes
            backward = self._runs.backward(backward.outer) if backward.outer else None
        return event.iteration, reached

    def _doubts(self, leaf: int, defined: Definition | None, event: int | None, scene: _Scene) -> tuple[str, str, bool]:
        """Return why the leaf is not known, why its gradient is not, and whether the age of that may be another."""
        position = scene.position
        of_value = "" if defined is None else self._doubt_of_value(defined[0], position)
        has_gap = self._gaps.may_hide_buffers(position) and (
            self._gap_of_grad(leaf, self._store.emptied(leaf, position), position) is not None
        )
        return of_value, self._doubt_of_grad(leaf, event or 0, position), has_gap

    def _made(self, leaf: int, facts: _Facts, signs: _Signs, position: int) -> GradBuffer:
        (of_value, of_grad, has_gap), is_current, is_stale, is_gone, is_never = signs
        value, event, fills = facts.definition, facts.event, facts.fills
        newest = None if value is None else unknown(value.value, of_value) if of_value else value.value
        touched = self._touches.later(leaf, event)
        if of_grad:
            after = known(Touch(after=unknown(touched().after or newest, of_grad)))
            return GradBuffer(leaf, facts.name, newest, after, None, is_current=False, fills=-1, is_stale=None)
        requires_grad = value is None or value.requires_grad
        is_undated = fills != 0 and has_gap
        return GradBuffer(
            tensor=leaf,
            name=facts.name,
            leaf=newest,
            touched=touched,
            event=event,
            is_current=is_current,
            fills=-1 if is_undated else fills,
            since=facts.since,
            is_stale=None if is_undated else is_stale,
            is_gone=is_gone,
            is_frozen=not requires_grad and touched().after is None,
            is_never_cleared=is_stale and not is_undated and not self._store.was_empty(leaf, position),
            is_never=is_never and requires_grad and touched().after is None,
            leaf_norm=None if of_value else self._norms.of(leaf, value, facts.defined),
        )

    def value(self, tensor: int, position: int) -> Tensor | None:
        """Return the newest appearance of a tensor; it has no value where that may have changed unseen."""
        found = self._store.defined_at(tensor, position)
        known = None if found is None else self._touches.definition(tensor, found[0])
        doubt = "" if found is None else self._doubt_of_value(found[0], position)
        if known is None or not doubt:
            return known
        return replace(known, value=unknown(known.value, doubt))

    def newest(self, tensor: int, position: int) -> TensorValue | None:
        """Return the newest value of a tensor: what the event there was given, or else what it was defined as.

        They differ where the script has changed it past autograd (``.data``), or an optimizer within its step.
        """
        detail = self._store.detail(position) if position else None
        given = (*detail.outputs, *detail.inputs) if isinstance(detail, OpDetail) else ()
        own = next((one.value for one in given if one.id == tensor), None)
        if own is not None:
            return own
        found = self.value(tensor, position)
        return None if found is None else found.value

    def _doubt_of_value(self, event: int, position: int) -> str:
        """Say why a value is not known any more that was recorded at an event; empty: it is."""
        return self._doubt(event, position, self._gaps.of_value(event, position))

    def _doubt_of_grad(self, tensor: int, event: int, position: int) -> str:
        """Say why the ``.grad`` of a tensor is not known any more that was recorded at an event; empty: it is."""
        return self._doubt(event, position, self._gap_of_grad(tensor, event, position))

    def _gap_of_grad(self, tensor: int, event: int, position: int) -> Gap | None:
        found = self._store.defined_at(tensor, position)
        return self._gaps.of_buffer(None if found is None else found[1], event, position)

    def _doubt(self, event: int, position: int, gap: Gap | None) -> str:
        mark = self._trainings.unseen_since(event, position)
        if mark is not None:
            return f"not recorded since iteration {mark.iteration}: only watched"
        return "" if gap is None else gap.doubt

    def grad(self, name: str | int, position: int) -> TensorValue | None:
        """Return the ``.grad`` of the variable called ``name``, or of the tensor of an id, at a position."""
        leaf = self._naming.tensor(name, position) if isinstance(name, str) else name
        found = None if leaf is None else self._store.grad_event(leaf, position)
        if leaf is None or found is None:
            return None
        after = self._touches.of(leaf, found[0]).after
        doubt = self._doubt_of_grad(leaf, found[0], position)
        return unknown(after, doubt) if doubt else after
