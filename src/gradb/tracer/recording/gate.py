"""Decides, after each event, whether the script may go on.

The decision is taken inside the debuggee, by the same predicates that search a recorded tape, so that a free run never
waits for another process. Knows nothing of torch.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from gradb.link.messages import Continue
from gradb.tape.kinds.event import Event

_STEPS = frozenset({"step", "event", "into", "out", "aten", "line", "phase", "node", "at", "kind"})


class Gate:
    """Holds the script at the events where the user wants it to stop.

    Args:
        order: where to stop first; None: nowhere.
        on_pause: called with the head before the script is held (commit, tell the other side).
        always_looks_in: the ATen calls of every op and node are recorded, whatever the order.
    """

    def __init__(
        self, order: Continue | None, on_pause: Callable[[int], None], *, always_looks_in: bool = False
    ) -> None:
        self.is_paused = False
        self.looks_in = False
        """True when the ATen calls of the ops and nodes that run now are recorded."""
        self._always_looks_in = always_looks_in
        self._obey(order)
        self._on_pause = on_pause
        self._is_asked = False
        self._errands: deque[Callable[[], int]] = deque()
        self._held = threading.Semaphore(0)

    def _obey(self, order: Continue | None) -> None:
        self._order = order
        self.looks_in = self._always_looks_in or (order is not None and order.looks_in)

    @property
    def is_watching(self) -> bool:
        """True when headers have to be built, because something could stop the script."""
        return self._order is not None or self._is_asked

    def is_stepping(self) -> bool:
        """Tell whether a person is going through the script step by step, and wants everything known at each."""
        return self._order is not None and self._order.stop.kind in _STEPS

    def arrive(self, event: Event) -> None:
        """Hold the script here if the order or a request to pause says so."""
        if self._is_asked or (self._order is not None and self._order.matches(event)):
            self.hold(event.seq)

    def hold(self, head: int) -> None:
        """Stop the calling thread until ``release``; meanwhile it does the errands it is given."""
        self._is_asked = False
        self.is_paused = True
        self._on_pause(head)
        self._held.acquire()
        while self._errands:
            new_head = self._errands.popleft()()
            if self.is_paused:
                self._on_pause(new_head)
            self._held.acquire()

    def send(self, errand: Callable[[], int]) -> bool:
        """Have the thread that is held do something that returns the new head; False when none is held.

        Called from the listening thread.
        """
        if self.is_paused:
            self._errands.append(errand)
            self._held.release()
        return self.is_paused

    def release(self, order: Continue | None) -> None:
        """Let the script go on until the order says stop (None: to the end). Called from the listening thread."""
        self._obey(order)
        if self.is_paused:
            self.is_paused = False
            self._held.release()

    def ask(self) -> None:
        """Hold the script at its next event. Called from the listening thread."""
        self._is_asked = not self.is_paused
