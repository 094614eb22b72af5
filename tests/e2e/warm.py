"""One process that has torch and gradb in memory, and forks what the tests start: an import less each, of seconds.

What it forks is what ``python -m gradb ...`` or ``python SCRIPT ...`` would be, in a process of its own with the
folder, environment and streams that are asked for; gradb's own debuggee is forked from gradb's process in turn, and
takes torch from memory when the script imports it. Tests of processes themselves (signals, terminals, descriptors,
how a script ends) start real ones instead.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, NoReturn

_LARGEST = 1 << 20
_PARTS = (
    "cli.main cli.run cli.record cli.show cli.events cli.gradcheck cli.compare"
    " tracer.process.debuggee tracer.watch.tracing"
)
_leave = os._exit


def serve(requests: socket.socket) -> None:
    """Fork what is asked for, one after the other, and answer with the exit code, until nobody can ask any more."""
    while True:
        text, streams, _, _ = socket.recv_fds(requests, _LARGEST, 2)
        if not text:
            return
        pid = os.fork()
        if not pid:
            requests.close()
            _become(streams, **json.loads(text))
        for stream in streams:
            os.close(stream)
        requests.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())


def _become(streams: list[int], words: list[str], cwd: str, env: dict[str, str]) -> NoReturn:
    """Be the process that was asked for."""
    _take([os.open(os.devnull, os.O_RDONLY), *streams], keeping=())
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    subprocess.Popen = _Forked  # type: ignore[misc]
    is_gradb = words[0] == "gradb"
    if not is_gradb:
        _keep_torch()
    sys.argv = words
    sys.path.insert(0, cwd if is_gradb else str(Path(words[0]).resolve().parent))
    _end(importlib.import_module("gradb.cli.main").main if is_gradb else lambda: _run(words[0]))


def _run(script: str) -> None:
    path = Path(script).absolute()
    main = sys.modules["__main__"] = ModuleType("__main__")
    main.__file__ = str(path)
    exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), main.__dict__)


def _take(streams: list[int], keeping: tuple[int, ...]) -> None:
    """Make these the standard streams (-1: as before), and close every other descriptor but those kept."""
    for number, stream in enumerate(streams):
        if stream >= 0:
            os.dup2(stream, number)
    low = 3
    for number in sorted(keeping):
        os.closerange(low, number)
        low = number + 1
    os.closerange(low, 1024)


def _end(run: Callable[[], int | None]) -> NoReturn:
    """Run something as the whole of this process, and end as Python does after it."""
    code = 1
    try:
        code = run() or 0
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            code = error.code or 0
        else:
            print(error.code, file=sys.stderr)
    except BaseException as error:
        sys.excepthook(type(error), error.with_traceback(_without_ours(error.__traceback__)), error.__traceback__)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    _leave(code & 0xFF)


def _without_ours(frames: TracebackType | None) -> TracebackType | None:
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return frames


class _Forked(subprocess.Popen[Any]):
    """A process; the debuggee is forked from this one instead of started."""

    def _execute_child(self, *given: Any) -> None:
        argv, pass_fds, pipes = given[0], given[4], given[10:16]
        if not (isinstance(argv, list) and len(argv) == 4 and argv[1].endswith("tracer/__main__.py")):
            super()._execute_child(*given)  # type: ignore[misc]
            return
        self.pid = os.fork()
        if not self.pid:
            os.setsid()
            _take([pipes[0], pipes[3], pipes[5]], pass_fds)
            _debug(argv[1:])
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


def _debug(argv: list[str]) -> NoReturn:
    """Be gradb's debuggee, which has not imported torch yet."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)
    atexit._clear()
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    sys.argv = argv
    sys.path[0] = str(Path(argv[0]).parent)
    _keep_torch()
    _end(lambda: _run(argv[0]))


def _keep_torch() -> None:
    """Let torch be a module that was not imported yet, and is taken from memory when it is."""
    PathFinder.find_spec = _Kept(sys.modules.pop("torch"))  # type: ignore[assignment, method-assign]


class _Kept:
    """Stands in for the finder until torch has been imported, and loads the torch that is in memory."""

    def __init__(self, torch: ModuleType) -> None:
        self._torch, self._spec, self._loader = torch, torch.__spec__, torch.__loader__
        self._find = PathFinder.find_spec

    def __call__(self, name: str, *rest: Any) -> ModuleSpec | None:
        if name != "torch":
            return self._find(name, *rest)
        return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._torch

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__, module.__loader__ = self._spec, self._loader
        PathFinder.find_spec = self._find  # type: ignore[method-assign]


def main() -> None:
    """Load what is to be in memory, and serve on the socket whose number is the only argument."""
    del sys.path[0]  # this folder
    import torch._dynamo  # noqa: F401 - every optimizer of a script would import it, for seconds

    for name in _PARTS.split():
        importlib.import_module(f"gradb.{name}")
    serve(socket.socket(fileno=int(sys.argv[1])))


if __name__ == "__main__":
    main()
