"""The ``.grad`` buffers of the leaves, as a position finds them: what the last event that touched each made of it."""

from __future__ import annotations

from dataclasses import replace

from gradb.algebra import jacobian
from gradb.algebra.local import Check
from gradb.frame.frame import GradBuffer
from gradb.frame.gaps import Gaps
from gradb.frame.naming import Naming
from gradb.frame.store import Store
from gradb.frame.training import Trainings
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.depth import DepthDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.grad_change import GradChangeDetail
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.registry import CODES, Detail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.kinds.zero_grad import ZeroGradDetail
from gradb.tape.missing import Gap
from gradb.tape.values import TensorValue


class GradBuffers:
    """The buffers of one tape."""

    def __init__(self, store: Store, naming: Naming, gaps: Gaps, trainings: Trainings) -> None:
        self._store = store
        self._naming = naming
        self._gaps = gaps
        self._trainings = trainings
        self._leaves = Leaves(store)

    def at(self, position: int, event: Event | None) -> tuple[GradBuffer, ...]:
        """Return the buffers at a position, at which ``event`` is, in the order in which their leaves appeared."""
        iteration = event.iteration if event is not None and event.phase == "backward" else 0
        worked = self._store.last_work(position)
        leaves = self._leaves.at(position)
        self._store.leaves.load(leaves, position)
        self._naming.load(leaves)
        found = (self._grad(leaf, position, iteration, worked) for leaf in leaves)
        return tuple(one for one in found if one.event is not None or one.leaf is None or one.leaf.numel)

    def _grad(self, leaf: int, position: int, iteration: int, worked: int) -> GradBuffer:
        """Return one buffer.

        ``iteration`` is that of the backward going on, 0 outside of any; what the script lets go of after it has
        computed for the last time, at ``worked``, stays to be looked at.
        """
        value = self.value(leaf, position)
        event, fills, since = self._store.grad_event(leaf, position) or (None, 0, 0)
        before, added, after, how, told = _touched(leaf, None if event is None else self._store.detail(event))
        name = self._naming.best(leaf, position, value.name if value else None, told) or f"leaf #{leaf}"
        is_current = event is not None and event == position and bool(how)
        check = _check(before, added, after) if is_current and how == "accumulated" else None
        newest = value.value if value else None
        doubt = self._doubt_of_grad(leaf, event or 0, position)
        if doubt:
            unknown = _unknown(after or newest, doubt)
            return GradBuffer(
                tensor=leaf,
                name=name,
                leaf=newest,
                before=None,
                added=None,
                after=unknown,
                event=None,
                is_current=False,
                check=None,
                how="",
                fills=-1,
                since=0,
                is_stale=None,
            )
        is_stale: bool | None = fills != 0 and since < iteration
        may_hide = self._gaps.may_hide_buffers(position)
        if fills and may_hide and self._gap_of_grad(leaf, self._store.emptied(leaf, position), position) is not None:
            fills, is_stale = -1, None
        return GradBuffer(
            tensor=leaf,
            name=name,
            leaf=newest,
            before=before,
            added=added,
            after=after,
            event=event,
            is_current=is_current,
            check=check,
            how=how,
            fills=fills,
            since=since,
            is_stale=is_stale,
            is_gone=self._is_gone(leaf, worked),
            is_frozen=value is not None and not value.requires_grad and after is None,
            is_never_cleared=bool(is_stale) and not self._store.was_empty(leaf, position),
        )

    def _is_gone(self, leaf: int, position: int) -> bool:
        """Tell whether a leaf is no more at a position: its node lives as long as it does."""
        found = self._store.defined_at(leaf, position)
        return found is not None and found[1] is not None and self._store.gone(found[1], position) is not None

    def value(self, tensor: int, position: int) -> Tensor | None:
        """Return the newest appearance of a tensor; it has no value where that may have changed unseen."""
        found = self._store.defined_at(tensor, position)
        known = None if found is None else self._store.defined(found[0]).get(tensor)
        doubt = "" if found is None else self._doubt(found[0], position, self._gaps.of_value(found[0], position))
        if known is None or not doubt:
            return known
        return replace(known, value=_unknown(known.value, doubt))

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

    def grad(self, name: str, position: int) -> TensorValue | None:
        """Return the ``.grad`` of the variable called ``name`` at a position."""
        leaf = self._naming.tensor(name, position)
        found = None if leaf is None else self._store.grad_event(leaf, position)
        if leaf is None or found is None:
            return None
        after = _touched(leaf, self._store.detail(found[0]))[2]
        doubt = self._doubt_of_grad(leaf, found[0], position)
        return _unknown(after, doubt) if doubt else after


class Leaves:
    """The leaves of a tape in the order of their appearance, the first ``MAX`` of them."""

    MAX = 512

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read_at = 0
        self._found: dict[int, int] = {}
        """tensor -> event of its first appearance."""

    def at(self, position: int) -> list[int]:
        """Return the leaves that have appeared up to a position."""
        head = self._store.head
        if head > self._read_at:
            self._read_leaves(head)
            self._read_touched()
            self._read_at = head
        first = sorted((event, tensor) for tensor, event in self._found.items() if event <= position)
        return [tensor for _, tensor in first[: self.MAX]]

    def _read_leaves(self, head: int) -> None:
        query = f"SELECT seq FROM event WHERE kind = {CODES['leaf']} AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
        room = max(0, self.MAX - len(self._found))
        for (seq,) in self._store.db.all(query, self._read_at, head, room):
            for tensor in self._store.defined(seq):
                self._found.setdefault(tensor, seq)

    def _read_touched(self) -> None:
        """Add the leaves whose ``.grad`` was touched, jumping through the index from one tensor to the next."""
        query = "SELECT tensor, min(event) FROM grad WHERE tensor > ? GROUP BY tensor ORDER BY tensor LIMIT 1"
        row = self._store.db.one(query, -(2**63))
        while row is not None and len(self._found) < 2 * self.MAX:
            self._found[row[0]] = min(row[1], self._found.get(row[0], row[1]))
            row = self._store.db.one(query, row[0])


def _touched(
    leaf: int, detail: Detail | None
) -> tuple[TensorValue | None, TensorValue | None, TensorValue | None, str, str]:
    """Return before, added, after, how, and the name told by the event that touched a buffer last."""
    if isinstance(detail, AccumulateDetail):
        return detail.before, detail.added, detail.after, "accumulated", detail.parameter
    if isinstance(detail, ZeroGradDetail):
        for one in detail.cleared:
            if one.tensor == leaf:
                how = "cleared (set to None)" if one.after is None else "cleared (zeroed)"
                return one.before, None, one.after, how, one.parameter
    if isinstance(detail, GradChangeDetail):
        for one in detail.changed:
            if one.tensor == leaf:
                return one.before, None, one.after, f"changed by {detail.by}", one.parameter
    if isinstance(detail, HookDetail) and len(detail.before) == len(detail.after) == 1:
        before, after = (None if one is None else one.value for one in (*detail.before, *detail.after))
        return before, None, after, f"changed by the hook {detail.function}", ""
    if isinstance(detail, DepthDetail):
        for tensor, gradient in zip(detail.leaves, detail.gradients, strict=True):
            if tensor.id == leaf:  # it was there before: the event found it
                unseen = _unknown(gradient, "not recorded: only watched before")
                return unseen, unseen, gradient, "", tensor.name or ""
    return None, None, None, "", ""


def _unknown(value: TensorValue | None, note: str) -> TensorValue:
    """Return a value that is not known: what was recorded of it may have changed since."""
    if value is None:
        return TensorValue((), "", None, None, note)
    return TensorValue(value.shape, value.dtype, None, None, note)


def _check(before: TensorValue | None, added: TensorValue | None, after: TensorValue | None) -> Check | None:
    check = None if added is None else jacobian.check_sum((before, added), after)
    if check is None or not check.is_ok or check.text != jacobian.AGREES:
        return check
    return Check(True, check.max_error, "before + added = after")
