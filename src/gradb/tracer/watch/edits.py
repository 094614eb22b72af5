"""Records what becomes of ``.grad`` buffers that the script clears or changes, told by effect.

Where all that changed is zero (or None) afterwards, gradients were cleared; where it is not, they were changed; where
nothing is different, nothing happened. What one call of a function of torch's does in several ops (clipping, unscaling)
is one event: it waits until the function is left or anything else has to be recorded.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Hashable
from types import FrameType

import torch

from gradb.tape.kinds.buffer import write_buffer
from gradb.tape.kinds.grad_change import write as write_grad_change
from gradb.tape.kinds.registry import Kind
from gradb.tape.kinds.spec import Phase
from gradb.tape.kinds.zero_grad import write as write_zero_grad
from gradb.tape.oddity import born
from gradb.tape.schema import NONFINITE
from gradb.tape.wire import Blob
from gradb.tracer.recording.composer import Composer
from gradb.tracer.source.callers import Caller, caller_in_torch
from gradb.tracer.source.places import PlaceRow
from gradb.tracer.source.syntax import Names
from gradb.tracer.tensors.fingerprints import fingerprint
from gradb.tracer.tensors.history import grad_of
from gradb.tracer.tensors.norms import norm_of_all
from gradb.tracer.tensors.records import TensorRecord
from gradb.tracer.watch.policy import ZeroPolicy
from gradb.tracer.watch.returned import name_returned

Kept = tuple[list[torch.Tensor], list[tuple[str, int]], bytes]
"""Leaves and what their buffers hold, as the accelerator keeps it: see its ``Leaves.keep``."""


class BufferRow:
    """One leaf and what its ``.grad`` held before a call."""

    __slots__ = ("before", "leaf", "norm", "odd", "print")

    def __init__(self, leaf: torch.Tensor, before: str, odd: int) -> None:
        self.leaf, self.before, self.odd = leaf, before, odd
        self.norm: float | None = None
        self.print: Hashable = None


class HeldBuffers:
    """Leaves and what their buffers held before a call that clears them, or may change them."""

    __slots__ = ("blob", "caller", "given", "names", "rows")

    def __init__(
        self,
        composer: Composer,
        leaves: list[torch.Tensor],
        blob: Blob | None = None,
        held: list[tuple[str, int]] | None = None,
    ) -> None:
        self.blob = Blob() if blob is None else blob
        held = _held(composer, leaves, self.blob) if held is None else held
        self.rows = [BufferRow(leaf, *one) for leaf, one in zip(leaves, held, strict=True)]
        self.caller: Caller | None = None
        self.names: Names | None = None
        """Of the script's expression that the call is in, as far as that is known."""
        self.given = 0
        """What is odd about what the call was given beside them."""

    @classmethod
    def kept(cls, composer: Composer, kept: Kept) -> HeldBuffers:
        """Return what the accelerator has kept."""
        leaves, held, data = kept
        blob = Blob()
        if data:
            blob.add(data)
        return cls(composer, leaves, blob, held)

    def look_closely(self) -> None:
        """Remember enough to tell afterwards whether anything is different."""
        for row in self.rows:
            grad = grad_of(row.leaf)
            row.print, row.norm = fingerprint(grad), norm_of(grad)


def _held(composer: Composer, leaves: list[torch.Tensor], blob: Blob) -> list[tuple[str, int]]:
    """Return the wire form of what each buffer holds, and what is odd about it."""
    at_once = composer.leaves_at_once
    held = None if at_once is None else at_once.hold(leaves, blob)
    return [taken(composer, grad_of(leaf), blob) for leaf in leaves] if held is None else held


class _Part:
    """One leaf in a change that is going on."""

    __slots__ = ("after", "before", "known", "norms")

    def __init__(self, known: TensorRecord, before: str, norm: float | None) -> None:
        self.known, self.before, self.after = known, before, "null"
        self.norms: list[float | None] = [norm, None]


class _Change:
    """What one call changes."""

    __slots__ = ("assumed", "blob", "by", "caller", "given", "made", "names", "parts", "phase", "place")

    def __init__(self, by: str, place: PlaceRow, blob: Blob, caller: Caller | None, phase: Phase | None) -> None:
        self.by, self.place, self.blob, self.caller, self.phase = by, place, blob, caller, phase
        self.parts: dict[int, _Part] = {}
        self.names: Names | None = None
        self.given = self.made = self.assumed = 0
        """What was odd about the buffers and about what the call was given, what is odd about the buffers now, and what
        may have been odd before in memory that was put in their place.
        """


class Edits:
    """Writes the events of clearings and changes."""

    def __init__(self, composer: Composer, policy: ZeroPolicy) -> None:
        self._composer = composer
        self._recorder = composer.recorder
        self._policy = policy
        self._open: _Change | None = None
        composer.recorder.observer.grad_moved.listen(self.moved)

    def hold(self, leaves: list[torch.Tensor], *, is_clear: bool) -> HeldBuffers | None:
        """Remember buffers before a call; ``is_clear``: it is known to clear them."""
        if not leaves:
            return None
        if is_clear:
            return HeldBuffers(self._composer, leaves)
        caller = caller_in_torch(sys._getframe(1))
        is_same = self._open is not None and caller is not None and self._goes_on(sys._getframe(1))
        held = HeldBuffers(self._composer, leaves, self._open.blob if is_same and self._open else None)
        held.caller = caller
        held.look_closely()
        return held

    def cleared(self, idiom: str, held: HeldBuffers, place: PlaceRow) -> None:
        """Record a call that clears gradients, whether or not there was anything to clear."""
        composer = self._composer
        self._recorder.settle()
        composer.leaves([row.leaf for row in held.rows], place)
        event = self._recorder.next_seq
        rows = self._emptied(held, event) or self._each_cleared(held, event)
        detail = write_zero_grad(idiom=idiom, cleared=rows)
        self._recorder.emit("zero_grad", idiom, place, detail, held.blob, phase=phase_of_change(composer))

    def keep(self, leaves: list[torch.Tensor]) -> Kept | None:
        """Remember buffers before a call that clears them; None where that is for ``hold``."""
        at_once = self._composer.leaves_at_once
        return None if at_once is None else at_once.keep(leaves)

    def cleared_at_once(self, idiom: str, kept: Kept, place: PlaceRow) -> bool:
        """Record a call that has cleared them; return False, and nothing was done, where that is for ``cleared``."""
        at_once, phase = self._composer.leaves_at_once, phase_of_change(self._composer) or "gradients"
        had_any = None if at_once is None else at_once.cleared(kept, idiom, place, phase)
        if had_any:
            self._policy.cleared(to_zeros=False)
        return had_any is not None

    def _emptied(self, held: HeldBuffers, event: int) -> list[str]:
        """Say that nothing is left in any of the buffers; nothing is done, and returned, where that is not so."""
        at_once, before = self._composer.leaves_at_once, [row.before for row in held.rows]
        told = None if at_once is None else at_once.clear([row.leaf for row in held.rows], before, event)
        if told is None:
            return []
        if any(value != "null" for value in before):
            self._policy.cleared(to_zeros=False)
        return [told]

    def _each_cleared(self, held: HeldBuffers, event: int) -> list[str]:
        composer, rows = self._composer, []
        for row in held.rows:
            grad = grad_of(row.leaf)
            known = self._noted(row.leaf, grad)
            after = composer.snapshots.take(grad, held.blob)
            rows.append(write_buffer(tensor=known.id, parameter=known.label, before=row.before, after=after))
            if grad is None or norm_of(grad) == 0:
                known.fills = known.since = 0
                if row.before != "null":
                    self._policy.cleared(to_zeros=grad is not None)
            elif not known.fills:
                known.filled(self._recorder.iteration)  # the script gave it a value of its own
            composer.writer.pen.grad(known.id, event, known.fills, known.since)
        return rows

    def broke_off(self, idiom: str, held: HeldBuffers, place: PlaceRow) -> None:
        """Record what a call that clears gradients, and has raised, has cleared until then."""
        held.rows = [row for row in held.rows if row.before != "null" and is_cleared(row.leaf)]
        if held.rows:
            self.cleared(idiom, held, place)

    def by_effect(self, idiom: str, held: HeldBuffers, place: PlaceRow) -> None:
        """Record what a call did: cleared, changed, or nothing."""
        changed = []
        for row in held.rows:
            grad = grad_of(row.leaf)
            self._noted(row.leaf, grad)
            if row.print is None or fingerprint(grad) != row.print:
                changed.append(row)
        if not changed:
            return
        held.rows, is_clear = changed, all(is_cleared(row.leaf) for row in changed)
        if is_clear and self._policy.is_off and any(row.norm != 0 for row in changed):
            self.missed()
        if not self._recorder.is_full:
            return
        if is_clear:
            self.cleared(idiom, held, place)
        else:
            self._changed(idiom, held, place)

    def missed(self) -> None:
        """Count a clear that the policy ``off`` could not hold back: it was none before it had happened."""
        event = self._recorder.settle()
        self._composer.series.point("missed", "zero_grad", self._policy.count_missed(), event)

    def moved(self, known: TensorRecord, value: str, blob: Blob, place: PlaceRow) -> None:
        """Record that a buffer was given other memory, which no mode sees (``set_``): known only when it is added to.

        Args:
            known: the leaf.
            value: what the buffer held, that memory, before anything was added; its bytes begin the blob.
            blob: of ``value``.
            place: where this was found out.
        """
        known.is_moved = False
        self.flush()
        self._recorder.settle()
        by, before = "grad.set_", self._composer.snapshots.missing("the memory that it lay in was exchanged since")
        is_clear = _is_zero(value, blob)
        kind: Kind = "zero_grad" if is_clear else "grad_change"
        known.fills = known.since = 0
        if is_clear and self._policy.is_off:
            self.missed()
        elif not is_clear:
            known.filled(self._recorder.iteration)
        rows = [write_buffer(tensor=known.id, parameter=known.label, before=before, after=value)]
        self._composer.writer.pen.grad(known.id, self._recorder.next_seq, known.fills, known.since)
        if is_clear:
            detail = write_zero_grad(idiom=by, cleared=rows)
        else:
            detail = write_grad_change(by=by, changed=rows, norm_before=None, norm_after=None)
        self._recorder.emit(kind, by, place, detail, blob, phase=phase_of_change(self._composer))

    def _noted(self, leaf: torch.Tensor, grad: torch.Tensor | None) -> TensorRecord:
        """Take note of the buffer that a leaf has after a call that is recorded, which may have put it elsewhere."""
        known = self._composer.tensors.note_grad(leaf, grad)
        known.is_moved = False
        return known

    def _changed(self, idiom: str, held: HeldBuffers, place: PlaceRow) -> None:
        caller = held.caller
        change = self._open
        if change is None or change.blob is not held.blob:
            self._recorder.settle()
            self.flush()
            phase = phase_of_change(self._composer)
            change = _Change(caller.name if caller else idiom, place, held.blob, caller, phase)
        self._composer.leaves([row.leaf for row in held.rows], place)
        for row in held.rows:
            self._note(change, row, is_set=idiom in {"grad = value", "grad.data = value"})
        change.given |= held.given
        change.caller, change.names, self._open = caller, held.names, change
        self._recorder.pending = self.flush_if_over
        if caller is None:
            self.flush()

    def _note(self, change: _Change, row: BufferRow, *, is_set: bool) -> None:
        """Add what became of one buffer to the change; ``is_set``: another's value was put in its place."""
        composer, grad = self._composer, grad_of(row.leaf)
        known = self._noted(row.leaf, grad)
        if known.id not in change.parts:
            change.parts[known.id] = _Part(known, row.before, row.norm)
            change.given |= row.odd
        if grad is not None and is_set and composer.births.knows(grad):
            change.assumed |= NONFINITE  # no birth: what lies in that memory was odd before
        part = change.parts[known.id]
        part.after, odd = taken(composer, grad, change.blob)
        part.norms[1] = norm_of(grad)
        change.made |= odd
        if odd and grad is not None:
            composer.births.note(grad)
        if part.norms[1] == 0:
            known.fills = known.since = 0
        elif not known.fills:
            known.filled(self._recorder.iteration)

    def flush_if_over(self) -> None:
        """Record the change that is going on, unless the script is still in the call that makes it."""
        if not self._goes_on(sys._getframe(1)):
            self.flush()

    def _goes_on(self, frame: FrameType | None) -> bool:
        change = self._open
        return change is not None and change.caller is not None and change.caller.goes_on(frame)

    def flush(self) -> None:
        """Record the change that is going on, if there is one."""
        change, self._open, self._recorder.pending = self._open, None, None
        if change is None:
            return
        self._recorder.settle()
        event, rows = self._recorder.next_seq, []
        for part in change.parts.values():
            known = part.known
            rows.append(write_buffer(tensor=known.id, parameter=known.label, before=part.before, after=part.after))
            self._composer.writer.pen.grad(known.id, event, known.fills, known.since)
        norms = [_together([part.norms[at] for part in change.parts.values()]) for at in (0, 1)]
        detail = write_grad_change(by=change.by, changed=rows, norm_before=norms[0], norm_after=norms[1])
        odd = change.given | change.made | born(change.made, change.given | change.assumed)
        self._recorder.emit("grad_change", change.by, change.place, detail, change.blob, odd=odd, phase=change.phase)
        if change.caller is not None and change.names is not None:
            name_returned(self._composer, change.names, self._recorder.next_seq)


def phase_of_change(composer: Composer) -> Phase | None:
    """Return the phase that a change of gradients is made in: a backward's, where one of its hooks makes it."""
    return None if composer.run() is None else "backward"


def taken(composer: Composer, grad: torch.Tensor | None, blob: Blob) -> tuple[str, int]:
    """Return the wire form of a buffer's value, and what is odd about it."""
    blob.odd = 0
    value = composer.snapshots.take(grad, blob)
    return value, blob.odd


def _together(norms: list[float | None]) -> float | None:
    """Return the norm of several buffers together; None where one of theirs is not known."""
    known = [norm for norm in norms if norm is not None]
    return math.hypot(*known) if len(known) == len(norms) else None


def _is_zero(value: str, blob: Blob) -> bool:
    """Tell whether the wire form of a value, whose bytes begin the blob, is that of zeros."""
    _, _, offset, stats, _ = json.loads(value)
    return not any(blob.parts[0]) if offset is not None else bool(stats) and stats[:2] == [0, 0]


def norm_of(grad: torch.Tensor | None) -> float | None:
    """Return the norm of a buffer, 0 where there is none, None where it is not known."""
    return 0.0 if grad is None else norm_of_all((grad,))


def is_cleared(leaf: torch.Tensor) -> bool:
    """Tell whether nothing is left in a buffer."""
    return norm_of(grad_of(leaf)) == 0
