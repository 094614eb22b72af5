"""What gradb tells the debuggee, and hears of it: the thread that listens, and what it does with each message.

It ends the process where nobody is there any more. How the script is run it must not know.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import threading
import time
from collections.abc import Callable

from gradb.link.channel import Channel, Closed, Lost
from gradb.link.messages import (
    Abandon,
    Ask,
    Checkpoints,
    Continue,
    Evaluate,
    Message,
    Pause,
    Paused,
    Progress,
    Quit,
    Set,
)
from gradb.link.spec import Intervention, RunSpec
from gradb.link.ticks import Ticks
from gradb.tape.kinds.print_ import name_of, write as write_print
from gradb.tracer.isolation import signals
from gradb.tracer.recording.gate import Gate
from gradb.tracer.recording.interventions import Interventions
from gradb.tracer.recording.recorder import Recorder
from gradb.tracer.source.places import NOWHERE

_TICK, _QUIET_TICK, _QUIET = 0.04, 0.25, 12  # seconds between two looks, and after so many in vain while held
_MAX_BACKLOG = 256 << 20
"""Bytes of the log that wait to be made a tape of."""


class Control:
    """The debuggee's side of the channel.

    Args:
        spec: of the run.
        channel: to gradb.
        recorder: of the run.
        gate: holds the script.
        interventions: change it.
    """

    def __init__(
        self, spec: RunSpec, channel: Channel, recorder: Recorder, gate: Gate, interventions: Interventions
    ) -> None:
        self._spec, self.channel, self._pid = spec, channel, os.getpid()
        self._recorder, self._gate, self._interventions = recorder, gate, interventions
        self.newest_loss: Callable[[], float | None] = lambda: None
        self.keep: Callable[[Checkpoints], object] = lambda order: None
        """Takes the order to make checkpoints."""
        self.thread = 0
        """The system's number of the thread that listens."""
        self.is_ended = self._is_capped = self._is_behind = self._is_deaf = False

    def start(self) -> None:
        """Listen from here on, on a thread that Python's ``threading`` does not know."""
        _thread.start_new_thread(self._listen, ())

    def send(self, message: Message) -> None:
        """Say something; who is not there any more, or is another process than this one, does not hear it."""
        if os.getpid() == self._pid:
            with contextlib.suppress(Closed, OSError):
                self.channel.send(message)

    def paused(self, head: int, request_seq: int) -> None:
        """Say that the script is held."""
        self._recorder.write()
        self.send(Paused(head, request_seq))

    def _listen(self) -> None:
        """Hear commands and commit by the clock."""
        self.thread = threading.get_native_id()
        self._recorder.join_main_thread()
        last, told, seen, ticks = time.monotonic(), (0, 1), 0, Ticks(_TICK, _QUIET_TICK, _QUIET)
        recorder, writer = self._recorder, self._recorder.writer
        while not self.is_ended:
            try:
                if self._is_deaf:
                    time.sleep(_TICK)
                elif self.channel.wait(ticks.seconds):
                    self._obey(self.channel.receive(0.0))
                if signals.held:
                    signals.remind()
                recorder.commit()
                self._watch_size()
                ticks.count(is_quiet=self._gate.is_paused and writer.head == seen and not signals.held)
                seen = writer.head
                reached = writer.head, recorder.iteration
                if not self._gate.is_paused and time.monotonic() - last >= 0.1 and reached != told:
                    last, told = time.monotonic(), reached
                    self.send(Progress(writer.committed, recorder.iteration, self.newest_loss()))
            except Lost:  # nobody can be heard any more, but the log needs no descriptor
                self._is_deaf = True
                self._gate.release(None)
            except (Closed, OSError, ValueError):
                self._abort()
                return
            except Exception as error:  # go on hearing commands
                recorder.lost(error, "a command")

    def _obey(self, message: Message | None) -> None:
        match message:
            case Continue():
                self._gate.release(message)
            case Pause(seq):
                self._gate.pause_next(seq)
            case Set(intervention, seq):
                self._intervene(intervention, seq)
            case Ask():
                self._gate.send(lambda: self._answer(message), message.seq)
            case Evaluate():
                self._gate.send(lambda: self._evaluate(message), message.seq)
            case Checkpoints():
                self.keep(message)
            case Abandon(why):
                self._recorder.end(why)
            case Quit():
                self._abort()

    def _intervene(self, intervention: Intervention, seq: int) -> None:
        """Have something changed: at once where the script is held, else between two events."""
        self._interventions.ask(intervention)
        self._gate.send(self._settle, seq)

    def _answer(self, ask: Ask) -> int:
        with self._recorder.lock:
            self._recorder.guard(self._recorder.observer.asked, ask, what="the answer to a question")
            return self._recorder.settle() - 1

    def _evaluate(self, question: Evaluate) -> int:
        with self._recorder.lock:
            evaluated = self._recorder.observer.evaluated
            answer = evaluated if evaluated.is_heard else self._refuse
            self._recorder.guard(answer, question, what="the answer to a question")
            return self._recorder.settle() - 1

    def _refuse(self, question: Evaluate) -> None:
        error = "not evaluated: torch is not imported yet"
        detail = write_print(
            expression=question.text, function="", parts=(), error=error, output="", changed=(), notes=()
        )
        self._recorder.settle()
        self._recorder.emit("print", name_of(question.text), NOWHERE.row, detail, may_hold=False)

    def _settle(self) -> int:
        with self._recorder.lock:
            return self._recorder.settle() - 1

    def _watch_size(self) -> None:
        """Only watch from here on once the tape is as large as it may become, and as long as it is too far behind."""
        if self._is_capped:
            return
        recorder, ask = self._recorder, self._interventions.ask
        behind = recorder.writer.backlog()
        if self._is_behind and behind < _MAX_BACKLOG // 8:
            self._is_behind = False
            if not recorder.is_full:
                ask(Intervention("record", "full"), "the tape has caught up with the script")
        if not recorder.is_full:
            return
        if recorder.writer.size() >= self._spec.max_tape:
            self._is_capped = True
            limit = f"{self._spec.max_tape:,} bytes"
            ask(Intervention("record", "watch"), f"the tape has reached its limit of {limit}")
        elif behind > _MAX_BACKLOG and not self._is_behind:
            self._is_behind = True
            ask(Intervention("record", "watch"), f"the tape is {_MAX_BACKLOG >> 20} MiB behind the script")

    def _abort(self) -> None:
        """End the process because nobody is there any more to debug it."""
        if not self.is_ended and os.getpid() == self._pid:
            with contextlib.suppress(Exception):
                self._recorder.commit(is_last=True)
            os._exit(1)
