"""Recognises parameters that the script updates by its own code (hand-written SGD), through autograd or past it."""

from __future__ import annotations

import math
import weakref
from typing import Any

import torch

from gradb.tape.codec import Blob
from gradb.tracer import calls, norms
from gradb.tracer.calls import Call
from gradb.tracer.composer import Composer
from gradb.tracer.history import is_leaf, is_part
from gradb.tracer.iterations import Iterations
from gradb.tracer.places import Found
from gradb.tracer.policy import ZeroPolicy


class UpdateWatch:
    """Tells the iterations and the policy of updates by hand."""

    def __init__(self, composer: Composer, iterations: Iterations, policy: ZeroPolicy) -> None:
        self._composer = composer
        self._iterations = iterations
        self._policy = policy
        self._found: dict[int, tuple[weakref.ref[torch.Tensor], float | None]] = {}
        """Leaves updated in this iteration, and the norms of the gradients that they were updated with."""
        iterations.on_end = self.tell

    def forward_begins(self) -> None:
        """Take note that the script computes something that can be differentiated."""
        self._iterations.forward_begins()

    def leaf_of(self, call: Call, args: tuple[Any, ...]) -> torch.Tensor | None:
        """Return the leaf that a call which changes a tensor in place, or sets its ``.data``, changes."""
        target = args[0] if args else None
        if not isinstance(target, torch.Tensor) or (call.kind == calls.GRAD and "Tensor.data." not in call.display):
            return None
        if target.requires_grad:
            whole = target._base if is_part(target) else target
            return whole if whole is not None and is_leaf(whole) else None
        return None if call.kind == calls.GRAD else self._composer.tensors.leaf_at(target)

    def updated(self, leaf: torch.Tensor) -> bool:
        """Take note of a change of a leaf; return whether it is an update: one that follows a backward."""
        if not self._iterations.updated_by_hand():
            return False
        self._policy.used(leaf)
        grad = leaf.grad
        self._found[id(leaf)] = (weakref.ref(leaf), None if grad is None else norms.norm_of_all((grad,)))
        return True

    def tell(self) -> None:
        """Add what the updates of an iteration were to the series; called when it ends."""
        found, self._found = self._found, {}
        if not found:
            return
        composer, event = self._composer, self._composer.recorder.next_seq
        sizes = [size for _, size in found.values()]
        known = [size for size in sizes if size is not None]
        if len(known) == len(sizes):
            composer.series.point("grad_norm", "by hand", math.hypot(*known), event)
        for ref, _ in found.values():
            leaf = ref()
            value = None if leaf is None else norms.norm_of_all((leaf,))
            if leaf is not None and value is not None:
                composer.series.point("parameter_norm", composer.tensors.record(leaf).label, value, event)

    def look(self, call: Call, args: tuple[Any, ...]) -> None:
        """Do both, while only watching."""
        leaf = self.leaf_of(call, args)
        if leaf is not None and not self._composer.recorder.find().is_optimizer:
            self.updated(leaf)

    def set_data(self, call: Call, args: tuple[Any, ...], found: Found) -> None:
        """Record ``p.data = value`` as an op that changes the leaf."""
        leaf = self.leaf_of(call, args)
        if leaf is None or found.is_optimizer:
            return
        composer, recorder = self._composer, self._composer.recorder
        known = composer.tensors.record(leaf)
        composer.tensors.note_memory(known, leaf)
        composer.nodes.edited()
        recorder.settle()
        is_update = self.updated(leaf)
        event, blob = recorder.next_seq, Blob()
        text, node = composer.defined(leaf, blob, event, found.place.row)
        recorder.emit(
            "op", "Tensor.data = value", found.place.row, f'["Tensor.data = value",[],[{text}],[],[],true]', blob,
            scope=composer.scope, node=node, is_quiet=not is_update, has_nonfinite=blob.has_nonfinite,
            phase="optimizer" if is_update else None,
        )  # fmt: skip
