"""The debuggee process: opens tape and channel, sets the stage, runs the script under the tracer, and ends as it would.

The parts that need torch are imported when the script imports torch. A warm parent may fork before ``Debuggee.run``.
"""

from __future__ import annotations

import _thread
import atexit
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from types import ModuleType

from gradb.link.channel import Channel, Closed, Lost
from gradb.link.messages import (
    Abandon,
    Ask,
    Continue,
    Ended,
    Evaluate,
    Loading,
    Message,
    Pause,
    Paused,
    Progress,
    Quit,
    Ready,
    RecordingStopped,
    Refused,
    Set,
)
from gradb.link.spec import Intervention, RunSpec
from gradb.link.ticks import Ticks
from gradb.log.writer import LogWriter
from gradb.tape import trouble
from gradb.tape.kinds.end import write as write_end
from gradb.tape.kinds.print_ import name_of, write as write_print
from gradb.tape.stops import Stop
from gradb.tracer.isolation import signals
from gradb.tracer.isolation.importing import FirstImport, begins_with_torch
from gradb.tracer.native.loading import pen
from gradb.tracer.process import execute, facts, seeding
from gradb.tracer.process.breakpoints import Breakpoints
from gradb.tracer.process.forks import stop_in_forks
from gradb.tracer.process.outputs import Outputs
from gradb.tracer.process.writes import Writes
from gradb.tracer.recording.cutoff import Cutoff
from gradb.tracer.recording.gate import Gate
from gradb.tracer.recording.interventions import Interventions
from gradb.tracer.recording.recorder import Recorder
from gradb.tracer.recording.terseness import Terseness
from gradb.tracer.source.files import read_source
from gradb.tracer.source.places import NOWHERE

_TICK, _QUIET_TICK, _QUIET = 0.04, 0.25, 12  # seconds between two looks, and after so many in vain while held
_MAX_BACKLOG = 256 << 20
"""Bytes of the log that wait to be made a tape of."""


class Debuggee:
    """One run of one script, with a tape to write to and a channel to be controlled over."""

    def __init__(self, spec: RunSpec, channel: Channel) -> None:
        self._spec = spec
        self._channel = channel
        self._pid = os.getpid()
        self._writer = LogWriter(spec.tape, pen())
        order = Continue(Stop("end"), spec.breakpoints) if spec.breakpoints and not spec.is_paused_at_start else None
        self._gate = Gate(order, self._paused, always_looks_in=spec.aten, measures_updates=spec.measures_updates)
        self._recorder = Recorder(self._writer, self._gate)
        self._recorder.places.end_at(execute.runner(spec.script))
        self._interventions = Interventions(self._recorder, spec.interventions)  # it lets go before anybody is told
        if spec.ends_after is not None:
            Cutoff(self._recorder, self._interventions, spec.ends_after, self._cut)
        if spec.is_terse:
            Terseness(self._recorder, self._interventions)
        self._recorder.observer.stopped.listen(lambda head, why: self._send(RecordingStopped(head, why)))
        self._newest_loss: Callable[[], float | None] = lambda: None
        self._outputs = Outputs(self._recorder, spec.passes_output)
        self._writes = Writes(self._recorder, spec.tape)
        self._torch = contextlib.ExitStack()
        self._outcome = execute.Outcome(0, "finished")
        self._is_ended = self._is_capped = self._is_behind = self._is_deaf = False

    def run(self) -> None:
        """Run the script to its end; does not return normally if the script ended with an error."""
        spec = self._spec
        execute.set_stage(spec.script, spec.arguments)
        text = read_source(os.path.abspath(spec.script)) if spec.script is not None else None
        self._recorder.guard(self._describe, text, what="what is run")
        facts.hide_hash_seed(spec)
        self._watch_exits()
        _thread.start_new_thread(self._listen, ())
        waiting = FirstImport("torch", self._importing, self._imported)
        waiting.install()
        if spec.seed is not None:
            seeding.seed_random(spec.seed)
        if begins_with_torch(text or ""):
            with contextlib.suppress(ImportError):  # the script's own import will say it better
                import torch  # noqa: F401
        self._outputs.install()
        self._writes.install()
        Breakpoints(self._recorder).install()
        if spec.is_paused_at_start:
            self._gate.hold(0)
        with signals.deferring():
            self._outcome = execute.run(spec.script, spec.module)
        waiting.uninstall()
        self._tell_error()
        self._recorder.commit(
            is_last=True
        )  # a KeyboardInterrupt ends the process by its signal, past every exit function
        execute.leave(self._outcome)

    def _describe(self, text: str | None) -> None:
        spec = self._spec
        if spec.script is not None:  # before the facts: who sees these finds the text as well
            self._writer.source(os.path.abspath(spec.script), text)
        self._writer.set_run(**facts.begin(spec, text))

    def _importing(self) -> None:
        self._send(Loading("importing torch"))

    def _imported(self, torch: ModuleType) -> None:
        if self._spec.seed is not None:
            seeding.seed_torch(self._spec.seed)
        try:
            from gradb.tracer.watch.tracing import tracing

            self._recorder.places.learn_torch(os.path.dirname(os.path.abspath(torch.__file__ or "")))
            context = tracing(
                self._recorder,
                self._interventions,
                limit=self._spec.limit,
                probe=self._spec.probe,
                is_stepping=self._gate.is_stepping,
                nudge=self._spec.nudge,
            )
            self._newest_loss = self._torch.enter_context(context)
            self._recorder.guard(self._torch.enter_context, self._writes.saving(), what="what torch.save writes")
        except Exception as error:
            self._recorder.lost(error, "everything that torch does", hides="values gradients")
        self._recorder.guard(lambda: self._writer.set_run(torch=str(torch.__version__)), what="torch's version")
        self._send(Ready(str(torch.__version__)))

    # --- control ---

    def _listen(self) -> None:
        """Hear commands and commit by the clock; runs on a thread that Python's ``threading`` does not know."""
        self._recorder.join_main_thread()
        last, told, seen, ticks = time.monotonic(), (0, 1), 0, Ticks(_TICK, _QUIET_TICK, _QUIET)
        while not self._is_ended:
            try:
                if self._is_deaf:
                    time.sleep(_TICK)
                elif self._channel.wait(ticks.seconds):
                    self._obey(self._channel.receive(0.0))
                if signals.held:
                    signals.remind()
                self._recorder.commit()
                self._watch_size()
                ticks.count(is_quiet=self._gate.is_paused and self._writer.head == seen and not signals.held)
                seen = self._writer.head
                reached = self._writer.head, self._recorder.iteration
                if not self._gate.is_paused and time.monotonic() - last >= 0.1 and reached != told:
                    last, told = time.monotonic(), reached
                    self._send(Progress(self._writer.committed, self._recorder.iteration, self._newest_loss()))
            except Lost:  # nobody can be heard any more, but the log needs no descriptor
                self._is_deaf = True
                self._gate.release(None)
            except (Closed, OSError, ValueError):
                self._abort()
                return
            except Exception as error:  # go on hearing commands
                self._recorder.lost(error, "a command")

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
        behind = self._writer.backlog()
        if self._is_behind and behind < _MAX_BACKLOG // 8:
            self._is_behind = False
            if not self._recorder.is_full:
                self._interventions.ask(Intervention("record", "full"), "the tape has caught up with the script")
        if not self._recorder.is_full:
            return
        if self._writer.size() >= self._spec.max_tape:
            self._is_capped = True
            limit = f"{self._spec.max_tape:,} bytes"
            self._interventions.ask(Intervention("record", "watch"), f"the tape has reached its limit of {limit}")
        elif behind > _MAX_BACKLOG and not self._is_behind:
            self._is_behind = True
            why = f"the tape is {_MAX_BACKLOG >> 20} MiB behind the script"
            self._interventions.ask(Intervention("record", "watch"), why)

    def _abort(self) -> None:
        """End the process because nobody is there any more to debug it."""
        if not self._is_ended and os.getpid() == self._pid:
            with contextlib.suppress(Exception):
                self._recorder.commit(is_last=True)
            os._exit(1)

    def _paused(self, head: int, request_seq: int) -> None:
        self._recorder.write()
        self._send(Paused(head, request_seq))

    def _send(self, message: Message) -> None:
        if os.getpid() == self._pid:
            with contextlib.suppress(Closed, OSError):
                self._channel.send(message)

    # --- the end ---

    def _watch_exits(self) -> None:
        stop_in_forks(self._recorder, self._channel)
        atexit.register(self._end)  # the first to be registered is the last to be called
        original = os._exit

        def leave_at_once(status: int) -> None:
            if os.getpid() == self._pid and not self._is_ended:
                self._recorder.commit(is_last=True)
                self._send(Ended(status & 0xFF))
            original(status)

        os._exit = leave_at_once  # type: ignore[assignment]

    def _tell_error(self) -> None:
        error = self._outcome.error
        if error is None or isinstance(error, SystemExit):
            return
        from gradb.tracer.recording.uncaught import tell_uncaught

        tell_uncaught(self._recorder, error)

    def _end(self) -> None:
        if os.getpid() != self._pid or self._is_ended:
            return
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        with contextlib.suppress(Exception):
            self._torch.close()
        outcome = self._outcome
        if self._recorder.is_open:
            self._recorder.guard(self._close_tape, what="the end")
        self._writer.release()
        self._is_ended = True
        self._send(Ended(outcome.exit_code))
        self._channel.close()

    def _cut(self) -> None:
        """Kill this process and those that it has started: of what the script would do on its way out nothing is done.

        Called between two events, with the recorder's lock held.
        """
        if os.getpid() != self._pid:
            return
        reason = f"ended by gradb after iteration {self._spec.ends_after}"
        with contextlib.suppress(Exception):
            self._writer.set_run(ended_after=str(self._spec.ends_after))
            self._write_end(write_end(exit_code=None, reason=reason), reason)
        if os.getpgrp() == self._pid:
            os.killpg(self._pid, signal.SIGKILL)
        os.kill(self._pid, signal.SIGKILL)

    def _close_tape(self) -> None:
        outcome = self._outcome
        self._recorder.settle()
        detail = write_end(exit_code=outcome.exit_code, reason=outcome.reason)
        self._write_end(detail, "finished" if not outcome.exit_code else f"exit code {outcome.exit_code}")

    def _write_end(self, detail: str, status: str) -> None:
        recorder = self._recorder
        self._writes.tell()
        self._writes.close()
        recorder.emit("end", "end", NOWHERE.row, detail, may_hold=False)
        recorder.write()
        if recorder.is_open:
            self._writer.set_run(status=status)
            recorder.is_active = recorder.is_open = False
            self._writer.close()


def main(fd: int, spec: str) -> None:
    """Run as the debuggee on an inherited socket."""
    channel = Channel.from_fd(fd)
    try:
        debuggee = Debuggee(RunSpec.from_json(spec), channel)
    except OSError as error:
        with contextlib.suppress(Closed, OSError):
            channel.send(Refused(trouble.why(error) or str(error)))
        sys.exit(2)
    debuggee.run()
