"""The process that has torch and gradb in memory, and forks what runs a case: ``tests.gallery.parent FD WORKERS``.

A case is run by gradb's own debuggee in a fork of its own, as ``gradb record`` would run it, in a folder that is
thrown away; its tape is made and judged in the process that waited for it.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import signal
import socket
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, NoReturn

from gradb.link.channel import Channel
from gradb.link.spec import RunSpec
from gradb.scribe.tapes import lay_out
from gradb.scribe.transcript import transcribe
from tests.e2e import warm
from tests.gallery.judging import judge_tape
from tests.tracer.seeding import seed_what_there_is

_FOLDER = "/dev/shm" if os.path.isdir("/dev/shm") else None  # nothing to wait for a disk for
_PATIENCE = 60
"""Seconds after which a script that should have ended long ago is killed."""


def serve(requests: socket.socket, workers: int) -> None:
    """Fork workers, and be there until they end: as soon as nobody can ask any more."""
    pids = []
    for _ in range(workers):
        pid = os.fork()
        if not pid:
            _work(requests)
        pids.append(pid)
    requests.close()
    for pid in pids:
        os.waitpid(pid, 0)


@functools.cache
def _laid_out() -> bytes:
    """Return a tape that is laid out: to write it takes less than to lay one out for each case."""
    with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
        path = Path(folder, "run.tape")
        lay_out(path, is_indexed=True)
        return path.read_bytes()


def _work(requests: socket.socket) -> NoReturn:
    """Answer one request after the other; each is taken by the worker that has nothing else to do."""
    while True:
        text, streams, _, _ = socket.recv_fds(requests, 1 << 16, 1)
        if not text:
            os._exit(0)
        asked = json.loads(text)
        try:
            said = _run(**asked)
        except Exception:
            said = {"code": None, "err": "", "findings": [], "failure": traceback.format_exc()}
        with os.fdopen(streams[0], "w", encoding="utf-8") as file:
            json.dump(said, file)


def _run(script: str, is_bare: bool, ends_after: int | None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
        tape = os.path.join(folder, "run.tape")
        if not is_bare:
            Path(tape).write_bytes(_laid_out())
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if not pid:
            ours.close()
            _become(script, folder, None if is_bare else Channel(theirs), _spec(script, tape, ends_after))
        theirs.close()
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        ours.close()
        said = {"code": code, "err": Path(folder, "err").read_text(errors="replace"), "failure": "", "findings": []}
        if not is_bare:
            transcribe(tape)
            said["findings"], said["failure"] = judge_tape(tape)
        return said


def _become(script: str, folder: str, channel: Channel | None, spec: RunSpec) -> NoReturn:
    """Be the process that runs the script: under gradb where there is a channel, else alone."""
    signal.alarm(_PATIENCE)
    os.setsid()
    atexit._clear()
    os.chdir(folder)
    for number, name in enumerate((os.devnull, "out", "err")):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
    warm._renew_streams()
    sys.argv = [script]
    if channel is None:
        warm.end(lambda: warm._run(script))
    warm._keep_torch()
    warm.end(lambda: _debug(channel, spec))


def _spec(script: str, tape: str, ends_after: int | None) -> RunSpec:
    return RunSpec(script, tape, is_paused_at_start=False, passes_output=True, probe="never", ends_after=ends_after)


def _debug(channel: Channel, spec: RunSpec) -> None:
    from gradb.tracer.process.debuggee import Debuggee

    Debuggee(spec, channel).run()


def main() -> None:
    """Load what is to be in memory, and serve on the socket whose number is the first argument."""
    import torch._dynamo  # noqa: F401 - every optimizer of a script would import it, for seconds

    for name in ("gradb.tracer.process.debuggee", "gradb.tracer.watch.tracing"):
        importlib.import_module(name)
    warm.prepare({__file__, warm.__file__})
    seed_what_there_is()
    _laid_out()
    gc.collect()
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))


if __name__ == "__main__":
    main()
