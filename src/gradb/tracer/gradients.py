"""Watches ``.grad`` being cleared or set, in the idioms that scripts use, and records errors.

``optimizer.zero_grad()`` and ``module.zero_grad()`` are one event for all they clear; ``p.grad.zero_()``,
``p.grad = None`` and ``del p.grad`` are one each.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch

from gradb.tape.codec import Blob
from gradb.tracer.composer import Composer
from gradb.tracer.places import Found, PlaceRow


class _Held:
    """Leaves and what their ``.grad`` held before a call that may clear it."""

    __slots__ = ("blob", "rows")

    def __init__(self, composer: Composer, leaves: list[torch.Tensor]) -> None:
        self.blob = Blob()
        self.rows = [(leaf, composer.snapshots.take(leaf.grad, self.blob)[0]) for leaf in leaves if _is_leaf(leaf)]


class _Local(threading.local):
    def __init__(self) -> None:
        self.held: _Held | None = None
        self.depth = 0


class GradWatch:
    """Compares ``.grad`` before and after whatever clears or changes it."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._recorder = composer.recorder
        self._local = _Local()

    def before_setting(self, args: tuple[Any, ...]) -> None:
        """Remember ``.grad`` before ``p.grad = ...`` or ``del p.grad``."""
        if not self._local.depth:
            self._local.held = self._hold([args[0]] if args else [])

    def before_inplace(self, args: tuple[Any, ...]) -> None:
        """Remember the buffer before an in-place op if it is some leaf's ``.grad``."""
        first = args[0] if args else None
        grads = [first] if isinstance(first, torch.Tensor) else list(first) if isinstance(first, (list, tuple)) else []
        leaves = [self._composer.tensors.owner_of_grad(grad) for grad in grads if isinstance(grad, torch.Tensor)]
        self._local.held = self._hold([leaf for leaf in leaves if leaf is not None])

    def after_setting(self, call: str, args: tuple[Any, ...], found: Found) -> None:
        """Record ``p.grad = ...``, ``del p.grad``, or a leaf that begins to require grad."""
        held, self._local.held = self._local.held, None
        if "requires_grad" in call:
            if args[0].requires_grad and args[0].is_leaf:
                self._recorder.settle()
                self._composer.leaf(args[0], "requires_grad = True", found.place.row, is_quiet=False)
        elif ".data" not in call and held and not self._local.depth and not found.is_optimizer:
            is_set = len(args) > 1 and args[1] is not None
            idiom = "grad = value" if is_set else "grad = None" if len(args) > 1 else "del grad"
            self._emit(idiom, held, found.place.row)

    def after_inplace(self, call: str, found: Found) -> bool:
        """Record an in-place op on a ``.grad``; return False when it was on something else."""
        held, self._local.held = self._local.held, None
        if held is None:
            return False
        if not self._local.depth:
            self._emit(f"grad.{call.rpartition('.')[2]}", held, found.place.row)
        return True

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
            (torch.optim.Optimizer, "optimizer.zero_grad", _optimized),
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

    def _grouped(self, idiom: str, leaves: Callable[[Any], list[torch.Tensor]], original: Callable[..., Any]) -> Any:
        @functools.wraps(original)
        def zero_grad(owner: Any, *args: Any, **kwargs: Any) -> Any:
            if not self._recorder.is_active or self._local.depth:
                return original(owner, *args, **kwargs)
            held = self._composer.guard(lambda: self._hold(leaves(owner)))
            self._local.depth += 1
            try:
                return original(owner, *args, **kwargs)
            finally:
                self._local.depth -= 1
                place = self._recorder.find().place.row
                if held is not None:
                    self._composer.guard(self._emit, idiom, held, place)

        return zero_grad

    def _hold(self, leaves: list[torch.Tensor]) -> _Held | None:
        return _Held(self._composer, leaves) if leaves else None

    def _emit(self, idiom: str, held: _Held, place: PlaceRow) -> None:
        self._recorder.settle()
        self._composer.leaves([leaf for leaf, _ in held.rows], place)
        event, rows = self._recorder.next_seq, []
        for leaf, before in held.rows:
            known = self._composer.tensors.note_grad(leaf)
            after, _ = self._composer.snapshots.take(leaf.grad, held.blob)
            rows.append([known.id, known.name or f"leaf #{known.id}", before, after])
            self._composer.writer.grad(known.id, event)
        self._recorder.emit("zero_grad", idiom, place, [idiom, rows], held.blob)


def _is_leaf(tensor: torch.Tensor) -> bool:
    return tensor.requires_grad or (tensor.is_leaf and tensor.grad is not None)


def _optimized(optimizer: Any) -> list[torch.Tensor]:
    return [tensor for group in optimizer.param_groups for tensor in group["params"]]
