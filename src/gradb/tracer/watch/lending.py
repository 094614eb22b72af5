"""Gradients whose memory the script has got hold of (as a NumPy array), so that it can change them past torch.

Nothing tells when that happens: they are looked at again before a backward adds to them, a step uses them or anything
else changes them, for as long as they are the gradients of their leaves. What the engine adds is no such change: from
the moment at which a backward is about to add to a gradient until what it has become is recorded, it is left alone.
"""

from __future__ import annotations

import weakref

import torch

from gradb.tracer.recording.threadstate import EngineCall
from gradb.tracer.source.places import PlaceRow
from gradb.tracer.tensors.history import grad_of
from gradb.tracer.watch.edits import Edits, HeldBuffers

_Lent = tuple[weakref.ref[torch.Tensor], weakref.ref[torch.Tensor], HeldBuffers]


class Lending:
    """The leaves whose gradient was lent, and what that held when it was last looked at."""

    def __init__(self, edits: Edits) -> None:
        self._edits = edits
        self.lent: dict[int, _Lent] = {}
        self._adding: dict[int, list[EngineCall]] = {}
        """By leaf: the calls of the engine that are about to add to its gradient."""

    @property
    def has_lent(self) -> bool:
        """True where there is anything to look at."""
        return bool(self.lent)

    def lend(self, leaves: list[torch.Tensor]) -> None:
        """Take note that the script has got hold of the memory of some gradients."""
        for leaf in leaves:
            grad, held = grad_of(leaf), self._edits.hold([leaf], is_clear=False)
            if grad is not None and held is not None and id(leaf) not in self.lent:
                held.caller = None
                held.rows[0].leaf = torch.empty(0)  # nothing is kept alive
                self.lent[id(leaf)] = weakref.ref(leaf), weakref.ref(grad), held

    def look(self, place: PlaceRow) -> None:
        """Record what was changed past torch since it was last looked at."""
        for key in list(self.lent):
            if not self._adding.get(key):
                self._look(key, place)

    def renew(self) -> None:
        """Take what the gradients are now for what they were: all changes so far are recorded."""
        for key in list(self.lent):
            self._renew(key)

    def told(self, leaf: torch.Tensor) -> None:
        """Take note that what was done to one gradient is recorded."""
        self._renew(id(leaf))

    # --- what the engine adds -----------------------------------------------------------------------------------------

    def will_add(self, leaf: torch.Tensor, run: EngineCall) -> None:
        """Look at a gradient that a backward is about to add to."""
        adding = self._adding.setdefault(id(leaf), [])
        if not adding:
            self._look(id(leaf), run.place)
        adding.append(run)

    def added(self, leaf: torch.Tensor, run: EngineCall) -> None:
        """Take note that what a gradient has become is recorded."""
        adding = self._adding.get(id(leaf), [])
        if run in adding:
            adding.remove(run)
        self._renew(id(leaf))

    def backward_ends(self, run: EngineCall) -> None:
        """Record what its hooks have changed past torch; of what it left half done nothing is known."""
        for key, adding in list(self._adding.items()):
            if run in adding:
                adding.remove(run)
                self._renew(key)
            if not adding:
                del self._adding[key]
        self.look(run.place)

    # --- one gradient -------------------------------------------------------------------------------------------------

    def _look(self, key: int, place: PlaceRow) -> None:
        found = self._alive(key)
        if found is not None:
            leaf, held = found
            held.rows[0].leaf = leaf
            self._edits.by_effect("grad, past torch", held, place)
        self._renew(key)

    def _renew(self, key: int) -> None:
        found = self._alive(key)
        self.lent.pop(key, None)
        if found is not None:
            self.lend([found[0]])

    def _alive(self, key: int) -> tuple[torch.Tensor, HeldBuffers] | None:
        """Return a leaf that still has the gradient that was lent."""
        if key not in self.lent:
            return None
        ref, grad, held = self.lent[key]
        leaf = ref()
        return (leaf, held) if leaf is not None and grad_of(leaf) is grad() is not None else None
