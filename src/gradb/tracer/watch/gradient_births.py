"""What is odd about the gradients of one call of the engine, and where in it that was born.

A node is given its upstream gradients and what it saved; what it is given upstream, the engine has added up of what
other nodes have sent. Hooks of the script's may change either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from gradb.tape.oddity import born
from gradb.tape.schema import NONFINITE, SCALED
from gradb.tape.wire import Blob
from gradb.tracer.isolation.signals import shielded
from gradb.tracer.recording.composer import Composer
from gradb.tracer.tensors.records import NodeMark


class GradientBirths:
    """Judges the births in one call of the engine."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._births = composer.births
        self.flags = 0
        """Those of every event of the call: ``SCALED`` where it begins from a loss that a GradScaler has multiplied."""
        self.sent: dict[int, int] = {}
        """What is odd about what was sent to a node, by its id; the accelerator reads it too."""
        self.arrived: dict[int, int] = {}
        """What is odd about the upstream gradients of a node that runs, by the seq of its node_start."""
        self._changed = 0
        """What is odd about what hooks have made of gradients: it may be anywhere since."""

    def begins(self, roots: Sequence[torch.Tensor], marks: Sequence[NodeMark | None], odd: int) -> None:
        """Take note of what a call begins from, and what is odd about the gradients that the script itself gives."""
        self.flags = SCALED if any(map(self._composer.scaled.has, roots)) else 0
        for mark in marks if odd else ():
            if mark is not None:
                self._add(mark, odd)

    def upstream(self, mark: NodeMark, start: int, gradients: Sequence[Any], odd: int) -> int:
        """Return the flags of a node that is about to run: what was sent may have become odd by being added up."""
        if not odd:
            return self.flags
        self.arrived[start] = odd
        self._note(gradients)
        return self._flags(odd, born(odd, self.sent.get(mark.id, 0) | self._changed))

    def downstream(self, node: Any, mark: NodeMark, start: int, gradients: Sequence[Any], odd: int) -> int:
        """Return the flags of a node that has run.

        What its own Python code has computed is told by the ops in it: what comes from there is not born here.
        """
        given = self.arrived.pop(start, 0) | self._changed
        if not odd & NONFINITE:
            return odd & NONFINITE | self.flags
        if born(odd, given):
            given |= self._composer.nodes.oddity(node)
        if born(odd, given) and any(map(self._is_known, gradients)):
            given |= NONFINITE
        self._note(gradients)
        self.sends(node, self._each(gradients, odd))
        return self._flags(odd, born(odd, given))

    @shielded
    def sends(self, node: Any, odds: Sequence[int]) -> None:
        """Take note of what is odd about each gradient that a node sends on."""
        for (target, _), odd in zip(node.next_functions, odds, strict=False):
            if target is not None and odd & NONFINITE and (mark := self._composer.nodes.mark(target)) is not None:
                self._add(mark, odd)

    def accumulated(self, grad: torch.Tensor | None, given: int, odd: int) -> int:
        """Return the flags of an accumulation."""
        if odd:
            self._note((grad,))
        return self._flags(odd, born(odd, given | self._changed))

    def ends(self, odd: int) -> int:
        """Return the flags of the end of the call, whose results come from nodes, which tell where they were born."""
        return self._flags(odd, 0)

    def hooked(self, tensors: Sequence[Any], given: int, odd: int) -> int:
        """Return the flags of a hook: it has made of gradients what it returned, or has left in them.

        What an op in it has computed is told by that.
        """
        birth = born(odd, given)
        if birth and any(map(self._is_known, tensors)):
            birth = 0
        self._note(tensors)
        self._changed |= odd
        return self._flags(odd, birth)

    @shielded
    def note(self, tensor: torch.Tensor) -> None:
        """Take note of memory in which something odd lies now."""
        self._births.note(tensor)

    def _add(self, mark: NodeMark, odd: int) -> None:
        self.sent[mark.id] = self.sent.get(mark.id, 0) | odd

    def _flags(self, odd: int, birth: int) -> int:
        return self._births.told(odd & NONFINITE | birth | self.flags)

    def _is_known(self, tensor: torch.Tensor | None) -> bool:
        return tensor is not None and self._births.knows(tensor)

    def _note(self, tensors: Sequence[Any]) -> None:
        for tensor in tensors:
            if tensor is not None:
                self._births.note(tensor)

    def _each(self, gradients: Sequence[Any], odd: int) -> list[int]:
        """Return what is odd about each of some gradients, of which it is known about all together."""
        if sum(gradient is not None for gradient in gradients) == 1:
            return [0 if gradient is None else odd for gradient in gradients]
        found = []
        for gradient in gradients:
            blob = Blob()
            self._composer.gradients((gradient,), blob)
            found.append(blob.odd)
        return found
