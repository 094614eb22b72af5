"""Gradients whose memory the script has got hold of (as a NumPy array), so that it can change them past torch.

Nothing tells when that happens: they are looked at again before the next backward adds to them.
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

    def lend(self, leaves: list[torch.Tensor]) -> None:
        """Take note that the script has got hold of the memory of some gradients."""
        for leaf in leaves:
            grad, held = grad_of(leaf), self._edits.hold([leaf], is_clear=False)
            if grad is not None and held is not None and id(leaf) not in self._lent:
                held.caller = None
                held.rows[0].leaf = torch.empty(0)  # nothing is kept alive
                self._lent[id(leaf)] = weakref.ref(leaf), weakref.ref(grad), held

    def look(self, place: PlaceRow) -> None:
        """Record what was changed past torch since it was lent."""
        lent, self._lent = self._lent, {}
        for ref, grad, held in lent.values():
            leaf = ref()
            if leaf is not None and grad_of(leaf) is grad() is not None:
                held.rows[0].leaf = leaf
                self._edits.by_effect("grad, past torch", held, place)
