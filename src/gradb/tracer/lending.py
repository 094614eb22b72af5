"""Gradients whose memory the script has got hold of (as a NumPy array), so that it can change them past torch.

Nothing tells when that happens: they are looked at again before a backward adds to them, a step uses them or anything
else changes them, for as long as they are the gradients of their leaves.
"""

from __future__ import annotations

import weakref

import torch

from gradb.tracer.edits import Edits, Held
from gradb.tracer.history import grad_of
from gradb.tracer.places import PlaceRow

_Lent = tuple[weakref.ref[torch.Tensor], weakref.ref[torch.Tensor], Held]


class Lending:
    """The leaves whose gradient was lent, and what that held then."""

    def __init__(self, edits: Edits) -> None:
        self._edits = edits
        self._lent: dict[int, _Lent] = {}

    @property
    def has_lent(self) -> bool:
        """True where there is anything to look at."""
        return bool(self._lent)

    def lend(self, leaves: list[torch.Tensor]) -> None:
        """Take note that the script has got hold of the memory of some gradients."""
        for leaf in leaves:
            grad, held = grad_of(leaf), self._edits.hold([leaf], is_clear=False)
            if grad is not None and held is not None and id(leaf) not in self._lent:
                held.caller = None
                held.rows[0].leaf = torch.empty(0)  # nothing is kept alive
                self._lent[id(leaf)] = weakref.ref(leaf), weakref.ref(grad), held

    def look(self, place: PlaceRow) -> None:
        """Record what was changed past torch since it was last looked at."""
        for leaf, held in self._alive():
            held.rows[0].leaf = leaf
            self._edits.by_effect("grad, past torch", held, place)
        self.renew()

    def renew(self) -> None:
        """Take what the gradients are now for what they were: all changes so far are recorded."""
        leaves = [leaf for leaf, _ in self._alive()]
        self._lent = {}
        self.lend(leaves)

    def _alive(self) -> list[tuple[torch.Tensor, Held]]:
        """Return the leaves that still have the gradient that was lent."""
        return [
            (leaf, held)
            for ref, grad, held in self._lent.values()
            if (leaf := ref()) is not None and grad_of(leaf) is grad() is not None
        ]
