"""What each thread is in the middle of.

The engine runs nodes on threads of its own: one for each device, and more beyond some depth of backwards in backwards.
Python may know such a thread only as long as it runs Python: between two hooks all that is thread-local is gone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from threading import get_ident
from typing import TYPE_CHECKING, Any, Protocol

from gradb.tracer.source.places import ModuleCall, PlaceRow

if TYPE_CHECKING:
    import torch

Kept = dict[int, dict[str, Any]]


class EngineCall(Protocol):
    """One call of the engine, as those know it who watch what happens in it."""

    start: int
    """seq of its backward_start event; 0 where that is not on the tape."""
    place: PlaceRow
    task: int | None
    """torch's number of it; None until its first node runs."""
    is_over: bool
    thread: int
    """Ident of the thread that has made it."""
    is_building: bool
    """Whether gradients were on where it was made."""
    running: int
    """Id of the node that runs, or ran last."""
    births: Any
    """Judges what is born in it: see gradb.tracer.watch.gradient_births."""


class ThreadState(threading.local):
    """What each thread is in the middle of.

    Args:
        kept: what it was when a thread that is none of Python's was left, by thread.
    """

    def __init__(self, kept: Kept) -> None:
        self.scopes: list[str] = []
        self.roots: list[torch.nn.Module] = []
        self.calls: list[ModuleCall] = []
        """The calls of modules that this thread is in, as far as they were seen."""
        self.last_error: tuple[int, str] | None = None
        self.recomputing: int | None = None
        """Id of the node for which a checkpoint is computing its forward again."""
        self.inside: int | None = None
        """Id of the node whose Python code is running: a custom backward, or a hook; 0 where it is not known."""
        self.visit: Any = None
        """The visit of the node that is running."""
        self.awaiting: list[Callable[[int | None], None]] = []
        """What is to be recorded as soon as it is known which node it is about."""
        self.backward: EngineCall | None = None
        """The innermost call of the engine that this thread has begun, or runs a node of."""
        self.steps: list[Any] = []
        """The optimizers whose step this thread is in."""
        self.looks: list[Any] = []
        """The looks into ops and nodes that this thread is in, the innermost last."""
        self.is_making_ends = False
        """Whether the nodes at which gradients end are being made ahead of the engine."""
        self.is_pythons = get_ident() in threading._active  # type: ignore[attr-defined]
        """True where Python knows the thread: then all this stays, and need not be kept."""
        self._kept = kept
        vars(self).update(kept.get(get_ident(), ()))

    def keep(self) -> None:
        """Keep all this for the next time that Python is entered on a thread that is none of Python's."""
        if not self.is_pythons:
            self._kept[get_ident()] = dict(vars(self))
