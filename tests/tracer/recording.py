"""Records a function in this very process, for tests that hold the tape against torch."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from gradb.frame.reader import Tape
from gradb.link.spec import Intervention, Nudge
from gradb.log.writer import LogWriter
from gradb.scribe.tapes import lay_out
from gradb.scribe.transcript import transcribe
from gradb.tracer.native.loading import pen
from gradb.tracer.process.execute import strip
from gradb.tracer.recording.gate import Gate
from gradb.tracer.recording.interventions import Interventions
from gradb.tracer.recording.recorder import Recorder
from gradb.tracer.recording.uncaught import tell_uncaught
from gradb.tracer.source import files, kinds, syntax, variables
from gradb.tracer.watch.tracing import tracing
from tests.tracer.seeding import seed_what_there_is

_indexes: dict[str, syntax.Index] = {}


def _index_once(text: str) -> syntax.Index:
    """Index a source text; each recording of a test file needs that of the whole file."""
    found = _indexes.get(text) or syntax.index(text)
    if found.spans:  # else it may be that the stack had no room
        _indexes[text] = found
    return found


vars(files)["index"] = _index_once
seed_what_there_is()
# What runs the tests is below them on the stack, and so is this file, but neither is a library that a recorded function
# has called, nor its own: names of tensors are not to be looked for in all that they hold.
vars(variables)["_FOREIGN"] |= {"_pytest", "execnet", "hypothesis", "pluggy", "pytest", "xdist"}
vars(kinds)["_STDLIB_GLUE"] |= {__file__}


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Have none of the threads count that there are already: other tests have left them, and they may end any time."""
    others = {thread for thread in threading.enumerate() if thread is not threading.current_thread()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "active_count", lambda: len(set(threading.enumerate()) - others))
        yield


@functools.cache
def _empty() -> bytes:
    """Return a tape that is laid out: to copy it takes a tenth of the time, and there are thousands of recordings."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "empty.tape")
        lay_out(path, is_indexed=True)
        return path.read_bytes()


def begin(path: Path, gate: Gate) -> Recorder:
    """Return a recorder whose tape is laid out, and nothing on it yet."""
    with path.open("xb") as file:
        file.write(_empty())
    return Recorder(LogWriter(path, pen()), gate)


def end(recorder: Recorder) -> None:
    """End a recording, and make the tape of its log."""
    with recorder.lock:
        recorder.settle()
        recorder.write()
    recorder.is_active = False
    recorder.writer.close()
    transcribe(recorder.writer.path)


def record(
    path: Path,
    function: Callable[[], Any],
    *,
    probe: str = "always",
    changes: Sequence[Intervention] = (),
    is_stepping: bool = False,
    aten: bool = False,
    nudge: Nudge | None = None,
    gate: Gate | None = None,
    keeps_error: bool = False,
) -> tuple[Any, Tape]:
    """Run a function under the tracer; return what it returned and the tape.

    ``keeps_error``: what the function raises is returned, and recorded as the error that ended a script.
    """
    recorder = begin(path, gate or Gate(None, lambda head, request_seq: None, always_looks_in=aten))
    recorder.writer.set_run(torch=str(torch.__version__))
    recorder.places.learn_torch(os.path.dirname(torch.__file__))
    recorder.places.end_at(record.__code__)
    try:
        interventions = Interventions(recorder, changes)
        with (
            _alone(),
            tracing(recorder, interventions, probe=probe, is_stepping=lambda: is_stepping, nudge=nudge),
        ):
            try:
                result = function()
            except Exception as error:
                if not keeps_error:
                    raise
                strip(result := error)
                tell_uncaught(recorder, error)
    finally:
        end(recorder)
    return result, Tape.open(path)


def notes(tape: Tape) -> list[str]:
    """Return what gradb said about itself."""
    return [str(tape.detail(event.seq)) for event in tape.events() if event.kind == "note"]
