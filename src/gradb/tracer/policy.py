"""The zero_grad policy: which of the script's own calls are let through, and what is cleared besides.

``script`` lets every call through. ``off`` lets none. ``on`` lets all of them through and clears what they leave out:
the gradients of parameters that were stepped (or updated by hand) are cleared when the next backward begins, which is
after the script has had its chance to look at them and before anything is added to them.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable

import torch

from gradb.tracer.buffers import grad_of
from gradb.tracer.controls import Controls


class ZeroPolicy:
    """The policy in force and the parameters whose gradients are used up."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self._due: dict[int, weakref.ref[torch.Tensor]] = {}
        self._zeroes = False
        self._count = 0
        self._counted = "script"

    @property
    def is_off(self) -> bool:
        """True when the script's own calls do nothing."""
        return self._controls.zero_grad == "off"

    @property
    def is_on(self) -> bool:
        """True when gradb clears what the script does not."""
        return self._controls.zero_grad == "on"

    def used(self, tensors: Iterable[torch.Tensor]) -> None:
        """Take note of parameters whose gradients have had their effect."""
        for tensor in tensors:
            self._due[id(tensor)] = weakref.ref(tensor)

    def cleared(self, tensors: Iterable[torch.Tensor]) -> None:
        """Take note of gradients that the script has cleared, and of how: to None or to zeros."""
        for tensor in tensors:
            self._due.pop(id(tensor), None)
            self._zeroes = grad_of(tensor) is not None

    def count(self) -> int:
        """Count a call suppressed or a clearing added, and return how many since the policy came into force."""
        self._count += 1
        return self._count

    def restart(self) -> None:
        """Count from the beginning where the policy is another one now."""
        if self._counted != self._controls.zero_grad:
            self._count, self._counted = 0, self._controls.zero_grad

    def left_out(self) -> list[torch.Tensor]:
        """Return the tensors whose gradients are used up and still there, and count them as dealt with."""
        due, self._due = self._due, {}
        alive = (tensor for ref in due.values() if (tensor := ref()) is not None)
        return [tensor for tensor in alive if grad_of(tensor) is not None]

    def clear(self, tensors: Iterable[torch.Tensor]) -> None:
        """Clear gradients as the script would: the way of its own last call, else to None."""
        for tensor in tensors:
            grad = tensor.grad
            if not self._zeroes or grad is None:
                tensor.grad = None
            else:
                if grad.grad_fn is not None:
                    grad.detach_()
                else:
                    grad.requires_grad_(False)
                grad.zero_()
