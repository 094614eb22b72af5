"""The one object all parts of the tracer report to: it numbers, stamps and stores events, and asks the gate.

Knows the tape's writer, the gate and the places; it knows nothing of how torch is watched.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType

from gradb.link.messages import Ask
from gradb.tape.codec import Blob, Wire, dumps
from gradb.tape.events import PHASE_OF_KIND, Event
from gradb.tape.schema import NONFINITE, QUIET
from gradb.tape.writer import TapeWriter
from gradb.tracer.gate import Gate
from gradb.tracer.places import NOWHERE, Found, ModuleCall, PlaceRow, Places

_BATCH = 500


class Recorder:
    """Appends events to the tape.

    ``lock`` is held by whoever composes an event, from reading ``next_seq`` to ``emit``; ``emit`` may hold the script.
    """

    def __init__(self, writer: TapeWriter, gate: Gate) -> None:
        self.writer = writer
        self.gate = gate
        self.places = Places(writer.source)
        self.lock = threading.RLock()
        self.is_active = True
        self.is_full = True
        """False while only watching: no event of an op, a node or a .grad."""
        self.iteration = 1
        self.phase = "start"
        self.before_event: Callable[[], None] = lambda: None
        """Called before each event is numbered (the output streams flush what was printed before it)."""
        self.flush_idle: Callable[[], None] = lambda: None
        """Called before a commit by the clock, from a thread that must not be held."""
        self.errands: Callable[[], None] = lambda: None
        """What has to be done between two events, when ``has_errands``."""
        self.has_errands = False
        self.answer: Callable[[Ask], None] = lambda ask: None
        """Called on the thread that is held at a node, to measure something there."""
        self.aftermath: Callable[[], str] = lambda: ""
        """Says what else ends when the recording fails."""
        self.on_iteration: Callable[[int], None] = lambda iteration: None
        """Called when an iteration begins."""
        self.is_open = True
        self._threads: dict[int, int] = {threading.main_thread().ident or 0: 0}
        self._pid = os.getpid()

    @property
    def next_seq(self) -> int:
        """The number the next event will get (with ``lock`` held, after ``settle``)."""
        return self.writer.head + 1

    def settle(self) -> int:
        """Write what has to come before the next event; return that event's number."""
        self.before_event()
        if self.has_errands:
            self.has_errands = False
            self.errands()
        return self.writer.head + 1

    def next_iteration(self) -> None:
        """Begin the next iteration."""
        self.iteration += 1
        self.on_iteration(self.iteration)

    def find(self, depth: int = 1, within: ModuleCall | None = None) -> Found:
        """Find the user's place above the caller; ``within`` is the module call that it is known to be in."""
        try:
            frame: FrameType | None = sys._getframe(depth + 1)
        except ValueError:  # called by the interpreter itself, as when it prints the message of sys.exit
            frame = None
        return self.places.find(frame, within)

    def emit(
        self,
        kind: str,
        name: str,
        place: PlaceRow,
        detail: Wire | str,
        blob: Blob | None = None,
        *,
        scope: str = "",
        node: int | None = None,
        is_quiet: bool = False,
        has_nonfinite: bool = False,
        may_hold: bool = True,
        phase: str | None = None,
    ) -> int:
        """Append an event, then hold the script if the gate says so. Return its number.

        ``detail`` is its wire form, or the text of that.
        """
        self.phase = phase = phase or PHASE_OF_KIND.get(kind) or self.phase
        thread = self._threads.get(ident := threading.get_ident())
        if thread is None:
            thread = self._threads[ident] = len(self._threads)
        writer = self.writer
        writer.head = seq = writer.head + 1
        data = b"".join(blob.parts) if blob is not None and blob.parts else None
        text = detail if type(detail) is str else dumps(detail)
        flags = QUIET * is_quiet | NONFINITE * has_nonfinite
        events = writer.events
        events.append(
            (seq, kind, name, *place, scope, self.iteration, phase, node, flags, thread, text, data)
        )  # as ``TapeWriter.event`` does, without a call of twelve arguments
        if len(events) >= _BATCH:
            writer.commit()
        if may_hold and self.gate.is_watching:
            self._arrive(seq, kind, name, place, scope, node, is_quiet, has_nonfinite, thread)
        return seq

    def _arrive(
        self,
        seq: int,
        kind: str,
        name: str,
        place: PlaceRow,
        scope: str,
        node: int | None,
        is_quiet: bool,
        has_nonfinite: bool,
        thread: int,
    ) -> None:
        file = self.writer.source_path(place[0])
        header = Event(
            seq, kind, name, file, *place[1:], scope, self.iteration, self.phase, node, is_quiet, has_nonfinite, thread
        )
        self.gate.arrive(header)

    def join_main_thread(self) -> None:
        """Count what the calling thread records (prints, by the clock) as the main thread's."""
        self._threads[threading.get_ident()] = 0

    def note(self, text: str) -> None:
        """Say something about the recording itself, on the tape."""
        with self.lock:
            self.settle()
            self.emit("note", "gradb", NOWHERE.row, [text])

    def fail(self, error: BaseException) -> None:
        """Fail open: say once on the tape what went wrong in gradb, and let the script go on unrecorded."""
        if not self.is_active:
            return
        self.is_active = False
        last = traceback.extract_tb(error.__traceback__)[-1:]
        where = f" ({os.path.basename(last[0].filename)}:{last[0].lineno})" if last else ""
        what = f"gradb stopped recording after an error of its own: {type(error).__name__}: {error}{where}"
        try:
            self.note(what + self.aftermath())
        except Exception:
            pass

    def commit(self) -> None:
        """Commit what is pending, unless another thread is composing an event or this is a forked child."""
        if os.getpid() == self._pid and self.is_open and self.lock.acquire(blocking=False):
            try:
                self.flush_idle()
                if self.writer.has_pending:
                    self.writer.commit()
            finally:
                self.lock.release()

    def abandon(self) -> None:
        """Stop at once, in a forked child: the tape belongs to the parent."""
        self.is_active = False
        self.gate.release(None)
        self.lock = threading.RLock()
        self.before_event = lambda: None
        self.is_open = False
