"""The one object all parts of the tracer report to: it numbers, stamps and stores events, and asks the gate.

Knows the tape's writer, the gate and the places; it knows nothing of how torch is watched.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from gradb.log.writer import LogFull, LogWriter
from gradb.tape import trouble
from gradb.tape.descriptors import FileLost
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.note import write as write_note
from gradb.tape.kinds.registry import CODES, PHASE_OF_KIND, Kind
from gradb.tape.schema import BIRTH, NONFINITE, QUIET, SCALED
from gradb.tape.wire import Blob
from gradb.tracer.isolation.signals import deliver, held, shielded_but_for_its_end, shields_above
from gradb.tracer.native.loading import lock, sift
from gradb.tracer.recording.failures import Failures, reason
from gradb.tracer.recording.gate import Gate
from gradb.tracer.recording.observer import Observer
from gradb.tracer.source.places import NOWHERE, Found, ModuleCall, PlaceRow, Places

_ODD = NONFINITE | BIRTH | SCALED
_CALLS: frozenset[Kind] = frozenset(
    {"op", "leaf", "backward_start", "zero_grad", "grad_change", "step", "loss", "error", "breakpoint"}
)
"""Kinds that tell of a call of the script's, which has a grad mode."""


class Recorder:
    """Appends events to the tape.

    ``lock`` is held by whoever composes an event, from reading ``next_seq`` to ``emit``; ``emit`` may hold the script.
    """

    __slots__ = (
        "__dict__", "__weakref__", "_is_due", "before_event", "has_errands", "is_active", "is_full", "iteration",
        "pending", "phase",
    )  # fmt: skip

    def __init__(self, writer: LogWriter, gate: Gate) -> None:
        self.writer = writer
        self._event = writer.pen.event
        self.gate = gate
        self.failures = Failures(self)
        gate.on_fault = self.failures.condition
        gate.sift, gate.source_path = sift(), writer.source_path
        self.observer = Observer()
        self.places = Places(writer.source, self.failures.part, writer.stack)
        self.lock = lock()
        self.is_active = True
        self.is_full = True
        """False while only watching: no event of an op, a node or a .grad."""
        self.is_terse = False
        """True where only watching makes no event of a loss or a step either: their numbers alone are kept."""
        self.iteration = 1
        self.phase = "start"
        self.before_event: Callable[[], None] | None = None
        """Called before the next event is numbered (the output streams flush what was printed before it)."""
        self.pending: Callable[[], None] | None = None
        """Records what has been seen already, once it is over; called before each event is numbered."""
        self.grad_mode: Callable[[], int] = int
        """Returns the flag of the grad mode in force, 0 where it is on: as long as torch is not there."""
        self.scope: Callable[[], str] = str
        """Returns the path of the nn.Module that the calling thread is in, empty where it is in none."""
        self.has_errands = False
        """True when something has to be done between two events."""
        self.has_depth_waiting = False
        """True when the depth has changed where it cannot come into force yet: in a backward or a thread."""
        self._is_due = False
        self.is_open = True
        self.threads: dict[int, int] = {threading.main_thread().ident or 0: 0}
        """Numbers of threads by their idents."""
        self._pid = os.getpid()

    @property
    def next_seq(self) -> int:
        """The number the next event will get (with ``lock`` held, after ``settle``)."""
        return self.writer.pen.head + 1

    def settle(self) -> int:
        """Write what has to come before the next event; return that event's number."""
        if self.pending is not None or self.before_event is not None or self.has_errands or self._is_due:
            self._write_first()
        return self.writer.pen.head + 1

    def _write_first(self) -> None:
        gaps = self.failures.carried()
        self._write_pending()
        gaps += self.failures.carried()
        try:
            if self.has_errands:
                self.has_errands = False
                self.failures.tell()
                self.observer.between_events()
        finally:
            self.failures.carry(gaps)
        if self._is_due:
            self._is_due = False
            self.write()

    def _write_pending(self) -> None:
        if self.pending is not None:
            try:
                self.pending()
            except Exception as error:
                self.pending = None
                self.failures.part("a change of .grad", error)
        before, self.before_event = self.before_event, None
        if before is not None:
            try:
                before()
            except Exception as error:
                self.failures.part("what was printed", error)

    def next_iteration(self) -> None:
        """Begin the next iteration."""
        self.iteration += 1
        self.observer.iteration_begins(self.iteration)

    def find(self, depth: int = 1, within: ModuleCall | None = None) -> Found:
        """Find the user's place above the caller; ``within`` is the module call that it is known to be in."""
        try:
            frame: FrameType | None = sys._getframe(depth + 1)
        except ValueError:  # called by the interpreter itself, as when it prints the message of sys.exit
            frame = None
        try:
            return self.places.find(frame, within)
        except Exception as error:
            self.failures.part("places in the source", error)
            return NOWHERE.found(False, False, False)

    def emit(
        self,
        kind: Kind,
        name: str,
        place: PlaceRow,
        detail: str,
        blob: Blob | None = None,
        *,
        scope: str = "",
        node: int | None = None,
        is_quiet: bool = False,
        odd: int = 0,
        may_hold: bool = True,
        phase: str | None = None,
    ) -> int:
        """Append an event, then hold the script if the gate says so. Return its number.

        ``detail`` is its wire form, which ``write`` of its kind returns; ``odd`` is what is odd about its values: flags
        of ``schema``.
        """
        self.phase = phase = phase or PHASE_OF_KIND.get(kind) or self.phase
        thread = self.threads.get(ident := threading.get_ident())
        if thread is None:
            thread = self.threads[ident] = len(self.threads)
        data = b"".join(blob.parts) if blob is not None and blob.parts else None
        flags = QUIET * is_quiet | odd & _ODD
        if kind in _CALLS:
            flags |= self.grad_mode()
        seq = self._event(
            kind, name, place, detail, data, scope, self.iteration, phase, node, flags, thread
        )  # fmt: skip
        sieve = self.gate.sieve
        if sieve is not None and may_hold:
            sift, row, turn = self.gate.sift, CODES[kind], self.iteration
            if (
                sieve.passes(seq, kind, name, place, scope, turn, flags)
                if sift is None
                else sift(sieve, seq, row, kind, name, place, scope, turn, phase, node, flags, detail, data)
            ):
                self.arrived(seq, kind, name, place, scope, node, flags, thread, detail, data)
        return seq

    def arrived(
        self,
        seq: int,
        kind: Kind,
        name: str,
        place: PlaceRow,
        scope: str,
        node: int | None,
        flags: int,
        thread: int,
        detail: str,
        data: bytes | None,
    ) -> None:
        """Have the gate decide on an event that was just written, whose iteration and phase are those in force."""
        file = self.writer.source_path(place[0])
        header = Event(seq, kind, name, file, *place[1:], scope, self.iteration, self.phase, node, flags, thread)
        self.gate.arrive(header, detail, data)

    def thread(self) -> int:
        """Return the number of the calling thread, which has recorded something."""
        return self.threads[threading.get_ident()]

    def join_main_thread(self) -> None:
        """Count what the calling thread records (prints, by the clock) as the main thread's."""
        self.threads[threading.get_ident()] = 0

    def note(self, text: str) -> None:
        """Say something about the recording itself, on the tape."""
        with self.lock:
            self.settle()
            self.emit("note", "gradb", NOWHERE.row, write_note(text=text))

    @shielded_but_for_its_end
    def guard(self, part: Callable[..., Any], *arguments: Any, what: str = "an event", hides: str = "") -> Any:
        """Run a part of ours under the lock, so that nothing that goes wrong in it can reach the script.

        Args:
            part: returns what is returned; None where it failed, or nothing is recorded.
            arguments: the part's.
            what: would have been recorded.
            hides: what may have changed unseen if it fails (see ``Failures.part``).
        """
        if not self.is_active:
            return None
        try:
            with self.lock:
                result = part(*arguments)
        except Exception as error:
            self.lost(error, what, hides=hides)
            result = None
        if held:
            deliver()
        return result

    def lost(self, error: Exception, what: str, *, hides: str = "", node: int | None = None) -> None:
        """Go on after a failure of our own that has cost an event; where the tape cannot be written, stop."""
        with self.lock:
            if isinstance(error, FileLost | LogFull):
                self.stop(error)
            elif (
                self.is_active and shields_above(sys._getframe(1)) > 1
            ):  # another part called it, whose event has its number
                self.failures.part(what, error, hides=hides)
            elif self.is_active:
                self.failures.event(what, error, hides=hides, node=node)

    def write(self) -> None:
        """Commit what is pending, with ``lock`` held; where that cannot be done any more, the recording is over."""
        try:
            self.failures.save()
            self.writer.commit()
        except OSError as error:
            self.stop(error)

    def stop(self, error: BaseException) -> None:
        """End the recording, because it cannot be written any more: the script goes on without it."""
        known = trouble.why(error)
        self.end(f"the tape cannot be written any more{f': {known}' if known else f' ({reason(error)})'}")

    def end(self, why: str) -> None:
        """End the recording here, for a reason; the script goes on without it."""
        if not self.is_active and not self.is_open:
            return
        self.is_active = self.is_open = False
        writer = self.writer
        try:
            writer.abandon()
            writer.set_run(stopped=json.dumps([writer.committed, why]))
        except Exception:
            pass  # the parent says it where it can
        try:
            self.observer.stopped(writer.committed, why)
        except Exception:
            pass

    def commit(self, is_last: bool = False) -> None:
        """Commit what is pending, unless this is a forked child; a thread that is composing an event does it itself."""
        if os.getpid() != self._pid or not self.is_open:
            return
        if not self.lock.acquire(blocking=False):
            self._is_due = True
            return
        try:
            if self.pending is None:
                self.observer.before_commit(is_last)
            if self.writer.has_pending:
                self.write()
        except Exception as error:
            self.lost(error, "what was printed")
        finally:
            self._is_due = False
            self.lock.release()

    def go_on(self) -> None:
        """Go on in a process that was forked from the one before, of whose threads there is the main one alone."""
        self._pid, self._is_due = os.getpid(), False
        self.threads = {threading.main_thread().ident or 0: 0}

    def abandon(self) -> None:
        """Stop at once, in a forked child: the tape belongs to the parent."""
        self.is_active = False
        self.gate.release(None)
        self.lock = lock()
        self.before_event = None
        self.is_open = False
        self.writer.leak()
