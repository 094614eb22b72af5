"""The run under the debugger: its tape, and its debuggee while there is one.

It takes in what the debuggee says and finishes the tape once the process is gone. Where the user is looking it must not
know.
"""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from gradb.debugger.checkpoints.pool import Pool
from gradb.debugger.checkpoints.waiting import Waiting
from gradb.debugger.ending import describe, last_line, passing
from gradb.debugger.errors import CheckpointLost, UserError
from gradb.debugger.live import Live
from gradb.debugger.pace import Pace
from gradb.debugger.recording import Recording
from gradb.debugger.writing import Writing
from gradb.link.checkpoints import NotStarted
from gradb.link.launch import launch
from gradb.link.messages import (
    Abandon,
    Ask,
    Checkpoints,
    Continue,
    Ended,
    Evaluate,
    Loading,
    Message,
    Pause,
    Paused,
    Progress,
    Ready,
    RecordingStopped,
    Refused,
    Request,
    Set,
    Written,
)
from gradb.link.signals import SignalRelay, stop
from gradb.link.spec import Intervention, RunSpec
from gradb.scribe.tapes import complete, discard, lay_out
from gradb.tape import trouble
from gradb.tape.finish import finish

_GRACE = 0.3
_ENDING = 5.0
"""Seconds for a script that has come to its end: Python writes what is left of its open files then."""
_EVALUATING = "evaluating"
_LOST = "the script closed gradb's descriptors, or left Python without ending it"


class Run(Recording):
    """One run, live or recorded."""

    def __init__(self, path: str, live: Live | None = None) -> None:
        super().__init__(path)
        self.pace = Pace()
        """What a running script has said of its progress."""
        self.torch = ""
        """Version of torch in the debuggee, once it has said so."""
        self.is_running = live is not None
        """True while the script moves (or starts)."""
        self.return_code: int | None = None
        """Of a debuggee that is gone; negative: the signal."""
        self.passed = ""
        """What is to be said of the script's own breakpoints, where nobody was there to go on from them."""
        self.spec: RunSpec | None = None
        """What was started; None for a recording."""
        self.command: Sequence[str] | None = None
        """What it was started with, where that is not the tracer."""
        self.checkpoints = Pool()
        """What waits of a live script, also once that is over."""
        self._live = live
        self._requests = self._continued = 0  # number of the newest request, and of the newest to go on
        self._doing = "starting Python"
        self._is_closing = self._has_ended = False

    @classmethod
    def launch(cls, spec: RunSpec, command: Sequence[str] | None = None, source: Waiting | None = None) -> Run:
        """Start the debuggee and return at once; ``command`` replaces it in tests (see ``link.launch``).

        Where there is a ``source`` the script goes on from that checkpoint, else it begins.

        Raises:
            UserError: there can be no tape, or no process; or the checkpoint is gone.
        """
        try:
            live = Live(launch(spec, command)) if command is not None else _launch(spec, source)
        except (OSError, NotStarted) as error:
            why = getattr(error, "strerror", None) or error
            if source is not None:
                raise CheckpointLost(f"the checkpoint at iteration {source.iteration:,} is of no use: {why}") from error
            raise UserError(f"cannot start {spec.target}: {why}") from error
        run = cls(spec.tape, live)
        run.spec, run.command = spec, command
        run.checkpoints = Pool(live.debuggee.line, spec.checkpoints, run._want_checkpoints)
        return run

    @classmethod
    def open(cls, path: str, told: Callable[[float], object] = lambda share: None) -> Run:
        """Open a recorded run; the tape of one that was cut off is made whole first (see ``transcript.complete``).

        Raises:
            UserError: the file is not a tape that can be read.
        """
        complete(path, told)
        run = cls(path)
        run.settle()
        if run.failure:
            raise UserError(run.failure)
        return run

    @property
    def is_live(self) -> bool:
        """True while the debuggee is there."""
        return self._live is not None

    @property
    def is_pausing(self) -> bool:
        """True after ``pause``, until the script has paused."""
        return self.is_running and self._doing == "pausing"

    @property
    def status(self) -> str:
        """One short clause: ``importing torch``, ``running``, ``paused``, ``finished``, ``exit code 3`` ..."""
        if self._live is not None:
            return self._doing if self.is_running else "paused"
        return self._tape.run.status if self._tape else "nothing recorded"

    def fileno(self) -> int:
        """Return a descriptor that is readable when ``pump`` has something to do; -1 when not live."""
        return self._live.fileno() if self._live is not None else -1

    def run_on(self, order: Continue) -> None:
        """Let a paused script go on."""
        assert self._live is not None
        self.is_running = True
        self._doing = "running"
        self._continued = self._send(self._live, order)

    def pause(self) -> None:
        """Ask a running script to pause at its next event; break off what it evaluates, as often as asked."""
        if self._live is not None and self.is_running and not self.is_pausing:
            self._doing = self._doing if self._doing == _EVALUATING else "pausing"
            self._send(self._live, Pause())

    def intervene(self, intervention: Intervention) -> None:
        """Have something changed; a paused script answers by pausing anew, and counts as running until then."""
        if self._live is None:
            return
        self._send(self._live, Set(intervention))
        if not self.is_running:
            self.is_running = True
            self._doing = "changing"

    def ask(self, ask: Ask) -> None:
        """Have the node that a paused script is held at probed; the script counts as running until it has answered."""
        if self._live is not None and not self.is_running:
            self._send(self._live, ask)
            self.is_running = True
            self._doing = "probing"

    def evaluate(self, text: str) -> None:
        """Have an expression evaluated in the frame that a paused script is held in; it counts as running until then.

        ``pause`` breaks that off.
        """
        if self._live is not None and not self.is_running:
            self._send(self._live, Evaluate(text))
            self.is_running = True
            self._doing = _EVALUATING

    def _want_checkpoints(self, most: int) -> None:
        """Tell the script's process how many checkpoints are wanted; of some it makes one at once."""
        if self._live is not None:
            self._send(self._live, Checkpoints(most, is_now=most > 0))

    def release_checkpoints(self) -> Pool:
        """Return what waits, which from here on is somebody else's: ``close`` lets it be."""
        released, self.checkpoints = self.checkpoints, Pool()
        return released

    def _send(self, live: Live, request: Request) -> int:
        """Send a request with the next number, and return that."""
        self._requests += 1
        live.send(replace(request, seq=self._requests))
        return self._requests

    def relaying(self) -> SignalRelay | contextlib.nullcontext[None]:
        """Return a context in which the signals that this process gets are the script's."""
        is_ours = threading.current_thread() is threading.main_thread()
        if self._live is None or not is_ours:
            return contextlib.nullcontext()
        return SignalRelay(self._live.debuggee, lambda: not self.is_running)

    def signal(self, number: int, *, is_for_all: bool = False) -> None:
        """Send the script a signal; ``is_for_all``: and its children, as a terminal would."""
        if self._live is not None:
            self._live.debuggee.signal(number, is_for_all=is_for_all)

    def linger(self, seconds: float) -> None:
        """Wait for the script to end by itself, up to some seconds."""
        deadline = time.monotonic() + seconds
        while self._live is not None and (left := deadline - time.monotonic()) > 0:
            self.pump(left)

    def stop(self) -> None:
        """Stop the process of the script and its children, unless it ignores that."""
        if self._live is not None:
            stop(self._live.debuggee, is_for_all=True)

    def pump(self, timeout: float = 0.0) -> list[Message]:
        """Take in what the debuggee said, waiting up to ``timeout`` seconds for it; finish the tape when it is gone."""
        live = self._live
        if live is None:
            return []
        messages = live.poll(timeout)
        self.checkpoints.look()
        is_gone = live.is_gone
        if live.is_dead and not is_gone:
            self.is_running, self._doing = True, "writing the tape"
        elif live.is_cut_off and not is_gone:
            self._lose_touch(live)
        if is_gone:
            messages += live.last_words()
        for message in messages:
            self._take_in(message)
        if is_gone:
            self._let_go(live)
        return messages

    def _take_in(self, message: Message) -> None:
        match message:
            case Loading(what):
                self._doing = what
            case Ready(torch):
                self.torch = torch
                self._doing = "running"
            case Refused(why):
                self.failure = f"cannot write {self.path}: {why}"
            case Progress(head, iteration, loss):
                self.pace.take(time.monotonic(), iteration, loss)
                self.grow(head)
            case Paused(head, request_seq):
                self.grow(head)
                if request_seq >= self._continued:  # else it was said before the script went on
                    self.pace.rest()
                    self.is_running = False
            case Written(head):
                self.grow(head)
            case RecordingStopped(head, why):
                self._stop_recording(head, why)
            case Ended():
                self._doing = "ending"
                self._has_ended = True
                self.checkpoints.script_ends()
            case _:
                pass  # a message of the other direction says nothing to us

    def _stop_recording(self, head: int, why: str) -> None:
        """Take note that debuggee or scribe can write no more."""
        if self.stop_at(head, why) and self._live is not None:
            self._live.send(Abandon(why))

    def _lose_touch(self, live: Live) -> None:
        """Take note that the debuggee is out of reach: whether it still records is known when it has ended."""
        if live.is_on_record:
            self.is_running, self._doing = True, "ending" if self._has_ended else "running out of reach"
        else:
            self._lose()

    def _lose(self) -> None:
        """Take note that the debuggee cannot be heard any more, though it may live on."""
        if self.stopped is None and not self._has_ended:
            self.grow(self.head)
            self.grow(0 if self.tape is None else self.tape.head)
            self.stop_at(self.head, _LOST)

    def _let_go(self, live: Live) -> None:
        self._live = None
        self.is_running = False
        self.return_code = code = live.debuggee.poll()
        if code == -signal.SIGKILL:
            self.checkpoints.close()  # somebody wants it gone, or there is no memory
        if not live.is_whole:
            self._leave_rest(live)
            return
        is_left = code is not None and code >= 0 and not self._is_closing and Path(self.path).exists()
        if is_left and not self.has_end():
            self._lose()
        strays = live.debuggee.strays.texts()
        live.close()
        self.close_tape()  # the last one to close leaves one clean file
        if self.failure:
            return
        if self.find_file() and not self.is_lost:
            finish(self.path, *self._how_ended(), strays, self.stopped)
            self.settle()
        elif not self.is_lost:
            self.failure = last_line(strays) or f"Python ended ({describe(code)}) before the script began"

    def _leave_rest(self, live: Live) -> None:
        """Leave what the scribe had no time for in the log: whoever opens the tape makes it whole."""
        live.close()
        self.close_tape()
        self.settle()
        self.closing = [f"the tape is not written to its end yet: opening {self.path} does the rest"]

    def _how_ended(self) -> tuple[int | None, int | None]:
        """Return (exit code, signal): both None when we ended it, for then they say nothing of the script."""
        code = self.return_code
        if code is None or self._is_closing:
            return None, None
        return (None, -code) if code < 0 else (code, None)

    def settle(self) -> None:
        """Open the finished tape, and take note of what its script's own breakpoints met."""
        super().settle()
        if self._tape is not None and self.spec is not None and not self.spec.is_paused_at_start:
            self.passed = passing(self._tape)

    def close(self) -> None:
        """End a live debuggee with all its children, finish the tape and let go of it; safe to call twice."""
        self.pump()
        if self._live is not None:
            self._is_closing = not self._live.is_dead
            self._live.end(_ENDING if self._has_ended else _GRACE)
            for message in self._live.end_writing():
                self._take_in(message)
            self.pump()
        self.checkpoints.close()
        self.close_tape()


def _launch(spec: RunSpec, source: Waiting | None = None) -> Live:
    """Lay the tape out, and start the scribe and the debuggee, or have the script go on from a checkpoint.

    Raises:
        UserError: there can be no tape.
        OSError: a process cannot be started.
        NotStarted: the checkpoint is gone.
    """
    try:
        is_indexed = spec.is_paused_at_start
        file = lay_out(spec.tape, is_indexed=is_indexed) if source is None else source.lay_out(spec.tape)
    except (sqlite3.Error, OSError) as error:
        if source is not None:
            raise
        raise UserError(f"cannot write {spec.tape}: {trouble.why(error) or error}") from error
    try:
        writing = Writing(spec.tape, file)
        try:
            return Live(launch(spec) if source is None else source.start(spec), writing)
        except BaseException:
            writing.close()
            raise
    except BaseException:
        discard(spec.tape)
        raise
