"""The ``.grad`` buffers of the leaves, as a position finds them: what the last event that touched each made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gradb.algebra import jacobian
from gradb.algebra.local import Check
from gradb.frame.gaps import Gaps
from gradb.frame.gradbuffer import GradBuffer
from gradb.frame.graph.runs import Runs
from gradb.frame.leaves import Leaves
from gradb.frame.naming import Naming
from gradb.frame.sizes import RecordedNorms
from gradb.frame.store import Store
from gradb.frame.touches import Touch, Touches, unknown
from gradb.frame.training import Trainings
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
class _Known:
    """All that a buffer is made of: as long as it is the same, so is the buffer."""

    defined: Definition | None
    touched: tuple[int, int, int] | None
    """(event, fills, since) of what touched it last."""
    name: str
    doubts: tuple[str, str, bool]
    """Why the leaf is not known, why its gradient is not, and whether the age of that may be another."""
    is_current: bool
    is_stale: bool
    is_gone: bool
    is_never: bool


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
        self._kept: dict[int, tuple[_Known, GradBuffer]] = {}
        """Of each leaf the buffer that was made last: of many leaves an event touches few."""

    def at(self, position: int, event: Event | None) -> tuple[GradBuffer, ...]:
        """Return the buffers at a position, at which ``event`` is, in the order in which their leaves appeared."""
        leaves = self._leaves.at(position)
        self._store.leaves.load(leaves, position)
        self._naming.load(leaves)
        scene = _Scene(
            position,
            *self._going_on(event),
            self._store.last_work(position),
            self._leaves.filling(position),
            self._has_doubts(position),
        )
        found = (self._grad(leaf, scene) for leaf in leaves)
        return tuple(one for one in found if one.event is not None or one.leaf is None or one.leaf.numel)

    def is_cut(self, position: int) -> bool:
        """Tell whether there are more leaves at a position than ``at`` returns."""
        return self._leaves.is_cut(position)

    def _has_doubts(self, position: int) -> bool:
        """Tell whether anything that was recorded may have changed unseen up to a position."""
        unseen = self._trainings.unseen_since(0, position) or self._gaps.of_value(0, position)
        return unseen is not None or self._gaps.may_hide_buffers(position)

    def _grad(self, leaf: int, scene: _Scene) -> GradBuffer:
        """Return one buffer, the one that was made last where it would be the same."""
        position = scene.position
        defined, touched = self._store.defined_at(leaf, position), self._store.grad_event(leaf, position)
        event, fills, since = touched or (None, 0, 0)
        value = None if defined is None else self._touches.definition(leaf, defined[0])
        touch = self._touches.of(leaf, event)
        known = _Known(
            defined,
            touched,
            self._naming.best(leaf, position, value.name if value else None, touch.told) or f"leaf #{leaf}",
            self._doubts(leaf, defined, event, scene),
            is_current=event is not None and event == position and bool(touch.how),
            is_stale=fills != 0 and since < max(self._adding(leaf, scene), self._newest_in(event, fills)),
            is_gone=self._is_gone(leaf, scene.worked),
            is_never=self._leaves.was_left_out(leaf, scene.filling, position),
        )
        kept = self._kept.get(leaf)
        if kept is None or kept[0] != known:
            kept = self._kept[leaf] = (known, self._made(leaf, known, value, touch, position))
        return kept[1]

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

    def _adding(self, leaf: int, scene: _Scene) -> int:
        """Return the iteration of the backward going on, where it adds to a leaf; else 0."""
        defined = self._store.defined_at(leaf, scene.position)
        return scene.iteration if defined is not None and defined[1] in scene.reached else 0

    def _newest_in(self, event: int | None, fills: int) -> int:
        """Return the iteration of the newest of several gradients in a buffer; 0 of none and one, and where not known.

        A single one is only old news: most scripts clear it right before the next backward.
        """
        return self._store.event(event).iteration if event is not None and fills > 1 else 0

    def _doubts(self, leaf: int, defined: Definition | None, event: int | None, scene: _Scene) -> tuple[str, str, bool]:
        """Return why the leaf is not known, why its gradient is not, and whether the age of that may be another."""
        if not scene.has_doubts:
            return "", "", False
        position = scene.position
        of_value = "" if defined is None else self._doubt_of_value(defined[0], position)
        has_gap = self._gaps.may_hide_buffers(position) and (
            self._gap_of_grad(leaf, self._store.emptied(leaf, position), position) is not None
        )
        return of_value, self._doubt_of_grad(leaf, event or 0, position), has_gap

    def _made(self, leaf: int, known: _Known, value: Tensor | None, touch: Touch, position: int) -> GradBuffer:
        of_value, of_grad, has_gap = known.doubts
        event, fills, since = known.touched or (None, 0, 0)
        newest = None if value is None else unknown(value.value, of_value) if of_value else value.value
        if of_grad:
            after = unknown(touch.after or newest, of_grad)
            return GradBuffer(
                leaf, known.name, newest, None, None, after, None, is_current=False, check=None, fills=-1, is_stale=None
            )
        is_stale: bool | None = known.is_stale
        if fills and has_gap:
            fills, is_stale = -1, None
        is_adding = known.is_current and touch.how == "accumulated"
        return GradBuffer(
            tensor=leaf,
            name=known.name,
            leaf=newest,
            before=touch.before,
            added=touch.added,
            after=touch.after,
            event=event,
            is_current=known.is_current,
            check=_check(touch.before, touch.added, touch.after) if is_adding else None,
            how=touch.how,
            fills=fills,
            since=since,
            is_stale=is_stale,
            is_gone=known.is_gone,
            is_frozen=value is not None and not value.requires_grad and touch.after is None,
            is_never_cleared=bool(is_stale) and not self._store.was_empty(leaf, position),
            is_never=known.is_never and touch.after is None and (value is None or value.requires_grad),
            leaf_norm=self._norms.of(leaf, value, known.defined) if not of_value else None,
        )

    def _is_gone(self, leaf: int, position: int) -> bool:
        """Tell whether a leaf is no more at a position: its node lives as long as it does."""
        found = self._store.defined_at(leaf, position)
        return found is not None and found[1] is not None and self._store.gone(found[1], position) is not None

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


def _check(before: TensorValue | None, added: TensorValue | None, after: TensorValue | None) -> Check | None:
    check = None if added is None else jacobian.check_sum((before, added), after)
    if check is None or not check.is_ok or check.text != jacobian.AGREES:
        return check
    return Check(True, check.max_error, "before + added = after")
