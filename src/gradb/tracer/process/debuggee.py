"""The debuggee process: opens tape and channel, sets the stage, runs the script under the tracer, and ends as it would.

The parts that need torch are imported when the script imports torch. A warm parent may fork before ``Debuggee.run``.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import sys
import threading
from types import ModuleType

from gradb.link.channel import Channel, Closed
from gradb.link.messages import Checkpoints, Continue, Ended, Loading, Ready, RecordingStopped, Refused
from gradb.link.spec import RunSpec
from gradb.log.writer import LogWriter
from gradb.tape import trouble
from gradb.tape.kinds.end import write as write_end
from gradb.tape.stops import Stop
from gradb.tape.written import Deed
from gradb.tracer.checkpoints.making import Making, Own, Surroundings
from gradb.tracer.checkpoints.waiting import Ordered
from gradb.tracer.isolation import signals
from gradb.tracer.isolation.importing import FirstImport, begins_with_torch
from gradb.tracer.native.loading import pen
from gradb.tracer.process import execute, facts, seeding
from gradb.tracer.process.breakpoints import Breakpoints
from gradb.tracer.process.control import Control
from gradb.tracer.process.forks import stop_in_forks, without_our_thread
from gradb.tracer.process.outputs import Outputs
from gradb.tracer.process.writes import Writes
from gradb.tracer.recording.cutoff import Cutoff
from gradb.tracer.recording.gate import Gate
from gradb.tracer.recording.interventions import Interventions
from gradb.tracer.recording.recorder import Recorder
from gradb.tracer.recording.terseness import Terseness
from gradb.tracer.source.files import read_source
from gradb.tracer.source.places import NOWHERE


class Debuggee:
    """One run of one script, with a tape to write to and a channel to be controlled over."""

    def __init__(self, spec: RunSpec, channel: Channel) -> None:
        self._spec = spec
        self._pid, self._is_runner = os.getpid(), False
        self._writer = LogWriter(spec.tape, pen())
        self._gate = Gate(
            _first_order(spec), self._paused, always_looks_in=spec.aten,
            measures_updates=spec.measures_updates,
        )  # fmt: skip
        self._recorder = Recorder(self._writer, self._gate)
        self._recorder.places.end_at(execute.runner(spec.script))
        self._making = None if spec.line is None else Making(self._recorder, spec.line, self._made_of())
        self._interventions = Interventions(self._recorder, spec.interventions)  # it lets go before anybody is told
        if spec.ends_after is not None:
            Cutoff(self._recorder, self._interventions, spec.ends_after, self._cut)
        if spec.is_terse:
            Terseness(self._recorder, self._interventions)
        self._control = self._listening_to(channel)
        self._recorder.observer.stopped.listen(lambda head, why: self._control.send(RecordingStopped(head, why)))
        self._outputs = Outputs(self._recorder, spec.passes_output)
        self._writes = Writes(self._recorder, spec.tape)
        self._torch = contextlib.ExitStack()
        self._outcome = execute.Outcome(0, "finished")
        if self._making is not None and spec.checkpoints:
            self._making.order(Checkpoints(spec.checkpoints))

    def _listening_to(self, channel: Channel) -> Control:
        control = Control(self._spec, channel, self._recorder, self._gate, self._interventions)
        if self._making is not None and not self._is_runner:
            control.keep = self._making.order
        return control

    def run(self) -> None:
        """Run the script to its end; does not return normally if the script ended with an error."""
        spec = self._spec
        execute.set_stage(spec.script, spec.arguments)
        text = read_source(os.path.abspath(spec.script)) if spec.script is not None else None
        self._recorder.guard(self._describe, text, what="what is run")
        facts.hide_hash_seed(spec)
        self._watch_exits()
        self._control.start()
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
        if self._is_runner:
            self._end_runner()
        execute.leave(self._outcome)

    def _describe(self, text: str | None) -> None:
        spec = self._spec
        if spec.script is not None:  # before the facts: who sees these finds the text as well
            self._writer.source(os.path.abspath(spec.script), text)
        self._writer.set_run(**facts.begin(spec, text))

    def _importing(self) -> None:
        self._control.send(Loading("importing torch"))

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
            self._control.newest_loss = self._torch.enter_context(context)
            self._recorder.guard(self._torch.enter_context, self._writes.saving(), what="what torch.save writes")
        except Exception as error:
            self._recorder.lost(error, "everything that torch does", hides="values gradients")
        self._recorder.guard(lambda: self._writer.set_run(torch=str(torch.__version__)), what="torch's version")
        self._control.send(Ready(str(torch.__version__)))

    def _paused(self, head: int, request_seq: int) -> None:
        with self._recorder.lock:  # whoever hears of the pause may ask at once what a run again would overwrite
            self._recorder.guard(self._writes.tell, what="what the script did to files")
        self._control.paused(head, request_seq)

    # --- going on from a checkpoint ---

    def _made_of(self) -> Surroundings:
        return Surroundings(
            fork=os.fork if sys.version_info < (3, 12) else without_our_thread(os.fork, lambda: 0),
            own=lambda: Own(frozenset({self._control.channel.fileno()}), frozenset({self._control.thread})),
            is_settled=self._is_settled,
            let_go=self._let_go,
            go_on=self._go_on,
        )

    def _is_settled(self) -> bool:
        return self._interventions.is_settled()

    def _let_go(self) -> None:
        """Let go of what is the script's process's alone, in a checkpoint."""
        self._control.channel.close()
        self._writer.release()

    def _go_on(self, ordered: Ordered) -> None:
        """Be a runner from here on: the same script, but what is recorded, what is changed and the tape are its own.

        Called between two events with the recorder's lock held.
        """
        spec, self._spec, self._pid, self._is_runner = ordered.spec, ordered.spec, os.getpid(), True
        self._writer.go_on_at(spec.tape)
        self._recorder.go_on()
        self._outputs.go_on(spec.passes_output)
        self._writes.go_on(spec.tape, self._tried)
        self._gate.go_on(_first_order(spec), always_looks_in=spec.aten, measures_updates=spec.measures_updates)
        self._interventions.go_on(spec.interventions)
        self._recorder.observer.goes_on(spec.probe)
        self._recorder.is_terse = spec.is_terse
        if spec.ends_after is not None:
            Cutoff(self._recorder, self._interventions, spec.ends_after, self._cut)
        newest_loss, self._control = self._control.newest_loss, self._listening_to(ordered.channel)
        self._control.newest_loss = newest_loss
        self._control.start()
        self._control.send(Ready(str(vars(sys.modules.get("torch", sys)).get("__version__", ""))))
        if spec.is_paused_at_start:
            self._gate.hold(self._writer.head)

    def _tried(self, path: str, deed: Deed) -> None:
        """End a runner that is about to do something to files: those are the script's, which does it itself."""
        with self._recorder.lock:
            where = ""
            with contextlib.suppress(Exception):
                self._recorder.settle()
                place = self._recorder.find().place.row
                file, line = self._writer.source_path(place[0]), place[1]
                self._writer.set_run(tried=json.dumps([path, deed, file, line]))
                where = f" at {os.path.basename(file)}:{line}" if file and line else ""
            self._kill(f"ended by gradb: it tried to write {path}{where}")

    # --- the end ---

    def _watch_exits(self) -> None:
        stop_in_forks(self._stop_in_fork)
        atexit.register(self._end)  # the first to be registered is the last to be called
        original = os._exit

        def leave_at_once(status: int) -> None:
            if os.getpid() == self._pid and not self._control.is_ended:
                self._recorder.commit(is_last=True)
                self._control.send(Ended(status & 0xFF))
            original(status)

        os._exit = leave_at_once  # type: ignore[assignment]

    def _stop_in_fork(self) -> None:
        """Stop recording in a forked child, unless it is a checkpoint: the tape belongs to the parent."""
        if self._making is not None and self._making.is_forking:
            return
        self._recorder.abandon()
        self._control.channel.close()
        if self._making is not None:
            self._making.close()

    def _tell_error(self) -> None:
        error = self._outcome.error
        if error is None or isinstance(error, SystemExit):
            return
        from gradb.tracer.recording.uncaught import tell_uncaught

        tell_uncaught(self._recorder, error)

    def _end(self) -> None:
        if os.getpid() != self._pid or self._control.is_ended:
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
        self._control.is_ended = True
        self._control.send(Ended(outcome.exit_code))
        self._control.channel.close()

    def _end_runner(self) -> None:
        """End a runner: what the script has asked for at its end is done once, where it was started."""
        with contextlib.suppress(BaseException):
            threading._shutdown()  # type: ignore[attr-defined] # waits for the script's own threads
        with contextlib.suppress(BaseException):
            execute.tell(self._outcome)
        self._end()
        execute.leave_at_once(self._outcome)

    def _cut(self) -> None:
        """End this process after the last iteration that is wanted, with the recorder's lock held."""
        if os.getpid() != self._pid:
            return
        with contextlib.suppress(Exception):
            self._writer.set_run(ended_after=str(self._spec.ends_after))
        self._kill(f"ended by gradb after iteration {self._spec.ends_after}")

    def _kill(self, reason: str) -> None:
        """Kill this process and those that it has started: of what the script would do on its way out nothing is done.

        Called with the recorder's lock held.
        """
        with contextlib.suppress(Exception):
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


def _first_order(spec: RunSpec) -> Continue | None:
    """Return where a run is to stop first that does not begin held; None: nowhere."""
    return Continue(Stop("end"), spec.breakpoints) if spec.breakpoints and not spec.is_paused_at_start else None


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
