"""Decides, after each event, whether the script may go on.

The decision is taken inside the debuggee, by the same predicates that search a recorded tape, so that a free run never
waits for another process. Knows nothing of torch.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from gradb.link.messages import Continue
from gradb.tape.conditions.condition import speaks_of_update
from gradb.tape.conditions.event_names import Raw
from gradb.tape.conditions.newest import Newest, SeriesName
from gradb.tape.kinds.event import Event
from gradb.tape.lookout import Lookout, begun
from gradb.tape.sieve import OPEN, Sieve
from gradb.tape.stops import Stop

_STEPS = frozenset({"step", "event", "into", "out", "aten", "line", "phase", "node", "at", "module", "kind"})


class Gate:
    """Holds the script at the events where the user wants it to stop.

    Args:
        order: where to stop first; None: nowhere.
        on_pause: called before the script is held (commit, tell the other side) with the head and the number of the
            request that is answered.
        always_looks_in: the ATen calls of every op and node are recorded, whatever the order.
        measures_updates: how much each step changes is measured, whatever the order.
    """

    __slots__ = ("__dict__", "__weakref__", "_asked", "_is_stepping", "looks_in", "sieve")

    def __init__(
        self,
        order: Continue | None,
        on_pause: Callable[[int, int], None],
        *,
        always_looks_in: bool = False,
        measures_updates: bool = False,
    ) -> None:
        self.is_paused = False
        self.looks_in = False
        """True when the ATen calls of the ops and nodes that run now are recorded."""
        self.measures_updates = measures_updates
        """True once somebody has asked how much steps change: it is measured from then on."""
        self.sieve: Sieve | None = None
        """Which events ``arrive`` has to be asked about; None: none at all."""
        self._own: Sieve | None = None  # of the order alone
        self._always_looks_in = always_looks_in
        self._asked = 0  # number of the request to pause
        self._points = Newest()
        self._starts: dict[int, Raw] = {}
        self.source_path: Callable[[int | None], str | None] | None = None
        """Returns the file of a place, once there is a recording."""
        self._faults: set[str] = set()
        self.on_fault: Callable[[str, Exception], object] = lambda condition, error: None
        """Told, once of each condition, that it could not be evaluated."""
        self.sift: Callable[..., bool] | None = None
        """The accelerator's: tells of an event that Python has put whether it passes a sieve, and one of its parts."""
        self._obey(order)
        self._on_pause = on_pause
        self._errands: deque[tuple[Callable[[], int], int]] = deque()
        self._held = threading.Semaphore(0)
        self.break_off: Callable[[], None] | None = None
        """Breaks off what is being evaluated while the script is held."""

    def go_on(self, order: Continue | None, *, always_looks_in: bool, measures_updates: bool) -> None:
        """Begin anew in another process, where none listens yet; see the constructor."""
        self._errands.clear()
        self._held = threading.Semaphore(0)
        self.is_paused = False
        self._always_looks_in, self.measures_updates = always_looks_in, measures_updates
        self._obey(order)

    def _obey(self, order: Continue | None) -> None:
        self._order = order
        self._lookout = (
            None
            if order is None
            else Lookout(order.stops, order.origin, self._points, self._tell, self._starts, self._path_of)
        )
        self._is_stepping = order is not None and order.stop.kind in _STEPS
        self.looks_in = self._always_looks_in or (order is not None and order.looks_in)
        if order is not None and not self.measures_updates:
            self.measures_updates = order.measures_updates or any(map(speaks_of_update, order.stops))
        self._asked = 0
        self._sift()

    def _path_of(self, number: int | None) -> str | None:
        return None if self.source_path is None else self.source_path(number)

    def _sift(self) -> None:
        """Have a sieve of what can stop the script, perhaps until the next point of a series only.

        The listening thread does this with another order, and the script's may be at it with the old one meanwhile.
        """
        while True:
            lookout = self._lookout
            own = None if lookout is None else lookout.sieve(self._own, asks_parts=self.sift is not None)
            self.sieve = self._own = own
            if lookout is self._lookout:
                break
        if self._asked:  # perhaps since a moment ago
            self.sieve = OPEN

    def _set_request(self, number: int) -> None:
        self._asked = number
        self.sieve = OPEN if number else self._own

    def is_stepping(self) -> bool:
        """Tell whether a person is going through the script step by step, and wants everything known at each."""
        return self._is_stepping

    def arrive(self, event: Event, detail: str, data: bytes | None) -> None:
        """Hold the script here if the order or a request to pause says so.

        Only events that the sieve lets pass need come here.

        Args:
            event: that was just written.
            detail: its wire form.
            data: the bytes of its values; None where it has none.
        """
        if asked := self._asked:
            self.hold(event.seq, asked)
        elif (order := self._order) is not None and self._sees(event, detail, data):
            self.hold(event.seq, order.seq)

    def begun(self, seq: int, raw: Raw) -> None:
        """Keep what a node began with until its end is asked about, perhaps by an order that is given meanwhile."""
        begun(self._starts, seq, raw)

    def ended(self, seq: int) -> None:
        """Let go of it."""
        self._starts.pop(seq, None)

    def _sees(self, event: Event, detail: str, data: bytes | None) -> bool:
        lookout = self._lookout
        if lookout is None:
            return False
        before, is_met = lookout.stops, lookout.sees(event, detail, data)
        if lookout.stops is not before:
            self._sift()
        return is_met

    def point(self, kind: SeriesName, series: int, event: int, value: float) -> None:
        """Take a point of a series, which holds from an event on that comes next."""
        self._points.add(kind, series, event, value)
        if (lookout := self._lookout) is not None and kind in lookout.changing:
            self._sift()

    def _tell(self, stop: Stop, error: Exception) -> None:
        if (text := stop.condition or str(stop)) not in self._faults:
            self._faults.add(text)
            self.on_fault(text, error)

    def hold(self, head: int, request_seq: int = 0) -> None:
        """Stop the calling thread until ``release``; meanwhile it does the errands it is given."""
        self._set_request(0)
        self.is_paused = True
        self._on_pause(head, request_seq)
        self._held.acquire()
        while self._errands:
            errand, request_seq = self._errands.popleft()
            new_head = errand()
            if self.is_paused:
                self._on_pause(new_head, request_seq)
            self._held.acquire()

    def send(self, errand: Callable[[], int], request_seq: int) -> bool:
        """Have the thread that is held do something that returns the new head; False when none is held.

        Called from the listening thread.
        """
        if self.is_paused:
            self._errands.append((errand, request_seq))
            self._held.release()
        return self.is_paused

    def release(self, order: Continue | None) -> None:
        """Let the script go on until the order says stop (None: to the end). Called from the listening thread."""
        self._obey(order)  # what was asked before is answered by the pause that ends here
        if self.is_paused:
            self.is_paused = False
            self._held.release()

    def pause_next(self, request_seq: int) -> None:
        """Hold the script at its next event, or break off what is evaluated. Called from the listening thread."""
        self._set_request(0 if self.is_paused else request_seq)
        if (break_off := self.break_off) is not None:
            break_off()
