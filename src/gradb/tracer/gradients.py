"""Watches ``.grad`` being cleared or set, in the idioms that scripts use, and carries out the zero_grad policy.

``optimizer.zero_grad()`` and ``module.zero_grad()`` are one event for all they clear; ``p.grad.zero_()``,
``p.grad = None`` and ``del p.grad`` are one each. So is a call that the policy makes do nothing, and what gradb clears
itself.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch

from gradb.tape.codec import Blob, dumps
from gradb.tracer.composer import Composer
from gradb.tracer.history import grad_of, is_leaf, keeps_grad
from gradb.tracer.norms import norm_of_all
from gradb.tracer.optimizers import parameters_of
from gradb.tracer.places import Found, PlaceRow
from gradb.tracer.policy import ZeroPolicy

LeavesOf = Callable[[Any], list[torch.Tensor]]


class _Held:
    """Leaves and what their ``.grad`` held before a call that may clear it."""

    __slots__ = ("blob", "rows")

    def __init__(self, composer: Composer, leaves: list[torch.Tensor]) -> None:
        self.blob = Blob()
        self.rows = [(leaf, composer.snapshots.take(grad_of(leaf), self.blob)) for leaf in leaves]


class _Local(threading.local):
    def __init__(self) -> None:
        self.held: _Held | None = None
        self.depth = 0


class GradWatch:
    """Compares ``.grad`` before and after whatever clears or changes it."""

    def __init__(self, composer: Composer, policy: ZeroPolicy) -> None:
        self._composer = composer
        self._recorder = composer.recorder
        self._policy = policy
        self._local = _Local()

    @property
    def is_clearing(self) -> bool:
        """True inside of ``optimizer.zero_grad`` or ``module.zero_grad``."""
        return self._local.depth > 0

    # --- the policy ---------------------------------------------------------------------------------------------------

    def suppresses(self, call: str, args: tuple[Any, ...]) -> bool:
        """Tell whether a call that clears gradients is to do nothing, and record that it did nothing."""
        leaves = self._to_clear(call, args)
        if not self._policy.is_off or not leaves or self._local.depth:
            return False
        found = self._recorder.find()
        if found.is_optimizer:
            return False
        self._suppressed(_idiom(call, args), leaves, found.place.row)
        return True

    def cleared_unseen(self, call: str, args: tuple[Any, ...]) -> None:
        """Take note of a call that is about to clear gradients while only watching."""
        if self._to_clear(call, args):
            self._policy.cleared(to_zeros=not _is_setting(call))

    def _to_clear(self, call: str, args: tuple[Any, ...]) -> list[torch.Tensor]:
        """Return the tensors whose ``.grad`` a call is about to clear."""
        target = args[0] if args else None
        if not isinstance(target, torch.Tensor):
            return self._owners(target)
        if not _is_setting(call):
            return self._owners(target) if not call.endswith("fill_") or (len(args) > 1 and not args[1]) else []
        is_clearing = len(args) < 2 or args[1] is None
        return [target] if is_clearing and grad_of(target) is not None else []

    def _owners(self, target: Any) -> list[torch.Tensor]:
        grads = [target] if isinstance(target, torch.Tensor) else target if isinstance(target, (list, tuple)) else []
        owners = self._composer.tensors.owners_of_grad
        return list(
            {id(leaf): leaf for grad in grads if isinstance(grad, torch.Tensor) for leaf in owners(grad)}.values()
        )

    def _suppressed(self, idiom: str, leaves: list[torch.Tensor], place: PlaceRow) -> None:
        event = self._recorder.settle()
        count = self._policy.count()
        self._composer.series.point("suppressed", "zero_grad", count, event)
        if self._recorder.is_full:
            self._composer.leaves(leaves, place)
            held, rows = _Held(self._composer, leaves), []
            for leaf, value in held.rows:
                known = self._composer.tensors.record(leaf)
                rows.append(f"[{known.id},{dumps(known.label)},{value},{value}]")
            self._recorder.emit("zero_grad", idiom, place, f"[{dumps(idiom)},[{','.join(rows)}],true]", held.blob)

    def before_backward(self, place: PlaceRow) -> None:
        """Clear, under the policy ``on``, what the script has left: nothing may be added to used up gradients.

        Not called before ``autograd.grad``, which adds to none.
        """
        leaves = self._policy.left_out()
        if not leaves:
            return
        event = self._recorder.settle()
        held = self._hold(leaves) if self._recorder.is_full else None
        with torch.no_grad():
            self._policy.clear(leaves)
        self._composer.series.point("inserted", "zero_grad", self._policy.count(), event)
        if held is not None:
            self._emit("policy on", held, place)

    # --- the script's own calls ---------------------------------------------------------------------------------------

    def before_setting(self, call: str, args: tuple[Any, ...]) -> None:
        """Remember ``.grad`` before ``p.grad = ...``, ``del p.grad`` or ``p.grad.data = ...``."""
        if ".data" in call:
            self.before_inplace(args[0])
        elif not self._local.depth:
            self._local.held = self._hold([args[0]] if keeps_grad(args[0]) else [])

    def before_inplace(self, target: Any) -> None:
        """Remember the buffers before an in-place op on a tensor, or on several, that are some leaves' ``.grad``."""
        self._local.held = self._hold(self._owners(target))

    def after_setting(self, call: str, args: tuple[Any, ...], found: Found) -> None:
        """Record ``p.grad = ...``, ``del p.grad``, or a leaf that begins to require grad."""
        held, self._local.held = self._local.held, None
        if "requires_grad" in call:
            if is_leaf(args[0]):
                self._recorder.settle()
                self._composer.leaf(args[0], "requires_grad = True", found.place.row, is_quiet=False)
        elif not held or self._local.depth or found.is_optimizer:
            return
        elif ".data" in call:
            self._emit("grad.data = value", held, found.place.row)
        else:
            self._emit(_idiom(call, args), held, found.place.row)

    def after_inplace(self, call: str, found: Found) -> bool:
        """Record an in-place op on a ``.grad``; return False when it was on something else."""
        held, self._local.held = self._local.held, None
        if held is None:
            return False
        if not self._local.depth:
            self._emit(f"grad.{call.rpartition('.')[2]}", held, found.place.row)
        return True

    def forget(self) -> None:
        """Let go of what was held before a call that raised."""
        self._local.held = None

    def error(self, error: Exception, place: PlaceRow) -> None:
        """Record an exception where it was raised, once."""
        key = (id(error), str(error))
        if self._composer.local.last_error != key:
            self._composer.local.last_error = key
            self._recorder.emit("error", type(error).__name__, place, [type(error).__name__, str(error), "", False])

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Group what ``Optimizer.zero_grad`` and ``Module.zero_grad`` clear, as long as the context lasts."""
        owners: list[tuple[Any, str, Callable[[Any], list[torch.Tensor]]]] = [
            (torch.optim.Optimizer, "optimizer.zero_grad", parameters_of),
            (torch.nn.Module, "module.zero_grad", lambda module: list(module.parameters())),
        ]
        originals = [(owner, owner.zero_grad) for owner, _, _ in owners]
        for owner, idiom, leaves in owners:
            owner.zero_grad = self._grouped(idiom, leaves, owner.zero_grad)
        try:
            yield
        finally:
            for owner, original in originals:
                owner.zero_grad = original

    def _grouped(self, idiom: str, leaves: LeavesOf, original: Callable[..., Any]) -> Any:
        @functools.wraps(original)
        def zero_grad(owner: Any, *args: Any, **kwargs: Any) -> Any:
            if not self._recorder.is_active or self._local.depth:
                return original(owner, *args, **kwargs)
            if not self._recorder.is_full and self._composer.controls.zero_grad == "script":
                return original(owner, *args, **kwargs)
            if self._policy.is_off and self._composer.guard(self._refused, idiom, owner, leaves):
                return None
            held: _Held | list[torch.Tensor] | None = self._composer.guard(self._before_clearing, owner, leaves)
            self._local.depth += 1
            try:
                return original(owner, *args, **kwargs)
            finally:
                self._local.depth -= 1
                place = self._recorder.find().place.row
                if isinstance(held, _Held):
                    self._composer.guard(self._emit, idiom, held, place)
                elif held:
                    self._composer.guard(self._after_clearing, held)

        return zero_grad

    def _refused(self, idiom: str, owner: Any, leaves: LeavesOf) -> bool:
        held = [leaf for leaf in leaves(owner) if _has_buffer(leaf)]
        self._suppressed(idiom, held, self._recorder.find().place.row)
        return True

    def _before_clearing(self, owner: Any, leaves: LeavesOf) -> _Held | list[torch.Tensor] | None:
        if self._recorder.is_full:
            return self._hold([leaf for leaf in leaves(owner) if _has_buffer(leaf)])
        return [leaf for leaf in leaves(owner) if grad_of(leaf) is not None]

    def _after_clearing(self, leaves: list[torch.Tensor]) -> None:
        self._policy.cleared(to_zeros=any(grad_of(leaf) is not None for leaf in leaves))

    def _hold(self, leaves: list[torch.Tensor]) -> _Held | None:
        return _Held(self._composer, leaves) if leaves else None

    def _emit(self, idiom: str, held: _Held, place: PlaceRow) -> None:
        self._recorder.settle()
        self._composer.leaves([leaf for leaf, _ in held.rows], place)
        event, rows = self._recorder.next_seq, []
        for leaf, before in held.rows:
            known = self._composer.tensors.note_grad(leaf)
            after = self._composer.snapshots.take(grad_of(leaf), held.blob)
            rows.append(f"[{known.id},{dumps(known.label)},{before},{after}]")
            if _is_cleared(leaf):
                known.fills = known.since = 0
                if before != "null":
                    self._policy.cleared(to_zeros=grad_of(leaf) is not None)
            elif not known.fills:
                known.filled(self._recorder.iteration)  # the script gave it a value of its own
            self._composer.writer.grad(known.id, event, known.fills, known.since)
        self._recorder.emit("zero_grad", idiom, place, f"[{dumps(idiom)},[{','.join(rows)}],false]", held.blob)


def _has_buffer(tensor: torch.Tensor) -> bool:
    return is_leaf(tensor) or grad_of(tensor) is not None


def _idiom(call: str, args: tuple[Any, ...]) -> str:
    """Return what people call it: ``grad.zero_``, ``grad = None``, ``del grad``, ``grad = value``."""
    if not _is_setting(call):
        return f"grad.{call.rpartition('.')[2]}"
    return "del grad" if len(args) < 2 else "grad = None" if args[1] is None else "grad = value"


def _is_setting(call: str) -> bool:
    return "Tensor.grad." in call or "__delete__" in call


def _is_cleared(leaf: torch.Tensor) -> bool:
    """Tell whether nothing is left in a buffer."""
    grad = grad_of(leaf)
    return grad is None or norm_of_all([grad]) == 0
