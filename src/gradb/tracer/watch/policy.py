"""The zero_grad policy: which of the script's own calls are let through, and what is cleared besides.

``script`` lets every call through. ``off`` lets none. ``on`` lets all of them through and clears what they leave out:
the gradients of parameters that were stepped (or updated by hand) are cleared when the next backward begins, which is
after the script has had its chance to look at them and before anything is added to them.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable

import torch

from gradb.tracer.recording.interventions import Interventions
from gradb.tracer.recording.recorder import Recorder
from gradb.tracer.tensors.history import grad_of, maker
from gradb.tracer.tensors.norms import norm_of_all
from gradb.tracer.watch.optimizers import parameters_of


class ZeroPolicy:
    """The policy in force and the parameters whose gradients are used up."""

    def __init__(self, recorder: Recorder, interventions: Interventions) -> None:
        self._interventions = interventions
        self._due: list[weakref.ref[torch.Tensor]] = []
        self._due_of: list[weakref.ref[torch.optim.Optimizer]] = []
        self._zeroes = False
        self._count = self._missed = 0
        self._counted = "script"
        recorder.observer.policy_changed.listen(self.restart)

    @property
    def is_off(self) -> bool:
        """True when the script's own calls do nothing."""
        return self._interventions.zero_grad == "off"

    @property
    def is_on(self) -> bool:
        """True when gradb clears what the script does not."""
        return self._interventions.zero_grad == "on"

    def used(self, tensor: torch.Tensor) -> None:
        """Take note of a parameter whose gradient has had its effect."""
        self._due.append(weakref.ref(tensor))

    def used_by(self, optimizer: torch.optim.Optimizer) -> None:
        """Take note of a step, which uses up the gradients of all its parameters."""
        self._due_of.append(weakref.ref(optimizer))

    def cleared(self, *, to_zeros: bool) -> None:
        """Take note of how the script clears gradients: to None or to zeros."""
        self._zeroes = to_zeros

    def count(self) -> int:
        """Count a call suppressed or a clearing added, and return how many since the policy came into force."""
        self._count += 1
        return self._count

    def count_missed(self) -> int:
        """Count a clear that could not be held back, and return how many since the policy came into force."""
        self._missed += 1
        return self._missed

    def restart(self) -> None:
        """Count from the beginning where the policy is another one now."""
        if self._counted != self._interventions.zero_grad:
            self._count, self._missed, self._counted = 0, 0, self._interventions.zero_grad

    def left_out(self) -> list[torch.Tensor]:
        """Return the tensors whose gradients are used up and still there, under ``on``; from here on none is."""
        due, due_of = self._due, self._due_of
        if not due and not due_of:
            return []
        self._due, self._due_of = [], []
        if not self.is_on:
            return []
        tensors = [tensor for ref in due if (tensor := ref()) is not None]
        for optimizer in [optimizer for one in due_of if (optimizer := one()) is not None]:
            tensors += parameters_of(optimizer)
        return [tensor for tensor in dict.fromkeys(tensors) if self._is_left(grad_of(tensor))]

    def _is_left(self, grad: torch.Tensor | None) -> bool:
        """Tell whether a gradient has yet to be cleared, in the way the script does it."""
        return grad is not None and not (self._zeroes and norm_of_all([grad]) == 0)

    def clear(self, tensors: Iterable[torch.Tensor]) -> None:
        """Clear gradients as the script would: the way of its own last call, else to None."""
        for tensor in tensors:
            grad = tensor.grad
            if not self._zeroes or grad is None:
                tensor.grad = None
            else:
                if maker(grad) is not None:
                    grad.detach_()
                else:
                    grad.requires_grad_(False)
                grad.zero_()
