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

from gradb.tape.codec import Blob, dumps
from gradb.tracer.buffers import grad_of
from gradb.tracer.composer import Composer
from gradb.tracer.places import Found, PlaceRow


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

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._recorder = composer.recorder
        self._local = _Local()

    def before_setting(self, call: str, args: tuple[Any, ...]) -> None:
        """Remember ``.grad`` before ``p.grad = ...``, ``del p.grad`` or ``p.grad.data = ...``."""
        if ".data" in call:
            self.before_inplace(args[0])
        elif not self._local.depth:
            self._local.held = self._hold([args[0]] if args[0].is_leaf or args[0].retains_grad else [])

    def before_inplace(self, target: Any) -> None:
        """Remember the buffers before an in-place op on a tensor, or on several, that are some leaves' ``.grad``."""
        grads = [target] if isinstance(target, torch.Tensor) else target if isinstance(target, (list, tuple)) else []
        owners = self._composer.tensors.owners_of_grad
        leaves = {id(leaf): leaf for grad in grads if isinstance(grad, torch.Tensor) for leaf in owners(grad)}
        self._local.held = self._hold(list(leaves.values()))

    def after_setting(self, call: str, args: tuple[Any, ...], found: Found) -> None:
        """Record ``p.grad = ...``, ``del p.grad``, or a leaf that begins to require grad."""
        held, self._local.held = self._local.held, None
        if "requires_grad" in call:
            if args[0].requires_grad and args[0].is_leaf:
                self._recorder.settle()
                self._composer.leaf(args[0], "requires_grad = True", found.place.row, is_quiet=False)
        elif not held or self._local.depth or found.is_optimizer:
            return
        elif ".data" in call:
            self._emit("grad.data = value", held, found.place.row)
        else:
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
            held = self._composer.guard(lambda: self._hold([leaf for leaf in leaves(owner) if _has_buffer(leaf)]))
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
            after = self._composer.snapshots.take(grad_of(leaf), held.blob)
            rows.append(f"[{known.id},{dumps(known.label)},{before},{after}]")
            self._composer.writer.grad(known.id, event)
        self._recorder.emit("zero_grad", idiom, place, f"[{dumps(idiom)},[{','.join(rows)}]]", held.blob)


def _has_buffer(tensor: torch.Tensor) -> bool:
    return tensor.is_leaf and (tensor.requires_grad or tensor.grad is not None)


def _optimized(optimizer: Any) -> list[torch.Tensor]:
    return [tensor for group in optimizer.param_groups for tensor in group["params"]]
