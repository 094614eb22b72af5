"""One process that has torch and gradb in memory, and forks what the tests start: an import less each, of seconds.

What it forks is what ``python -m gradb ...``, ``python SCRIPT ...`` or ``python -m MODULE ...`` would be, in a process
of its own with the folder, environment and streams that are asked for; gradb's own debuggee is forked from gradb's
process in turn, and takes torch from memory when the script imports it, and its scribe is. A script that *finalizes*
ends as with its interpreter, all modules taken down, which takes half a second; any other runs its exit functions and
is gone. Tests of what is set before an interpreter starts, and a few of each kind besides, start real ones instead.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import ctypes
import gc
import importlib
import io
import multiprocessing.util
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, NoReturn

from tests import forkserver, pages

DRAWN = "GRADB_TESTS_DRAWN_SEED"
"""Environment variable: the seed that torch is to have drawn where it is imported; else all have that of the server."""
_leave = os._exit
_exit = ctypes.pythonapi.Py_Exit  # unlike ``sys.exit`` it runs nothing of what called us on the way
_finalizes = False


def _become(line: list[str], finalizes: bool) -> NoReturn:
    """Be the process that was asked for."""
    global _finalizes
    if is_part(line):
        gc.unfreeze()
        _hand_on(line)
    _finalizes = finalizes
    if os.isatty(0):
        _have_server()
    else:
        subprocess.Popen = _Forked  # type: ignore[misc]
    if not finalizes:
        gc.unfreeze()
        vars(weakref)["finalize"]._registry = {}  # what torch has finalized is taken down with its interpreter alone
    _go_on(line)


def _be(words: list[str]) -> NoReturn:
    """Run what was asked for, with the streams, folder and environment that this process has."""
    sys.argv = words
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [path for path in paths if path and path not in sys.path]
    if words[0] == "gradb":
        sys.path.insert(0, os.getcwd())
        end(importlib.import_module("gradb.cli.main").main, is_script=False)
    _keep_torch()
    if words[0] == "-m":
        sys.argv = words[1:]
        sys.path.insert(0, os.getcwd())
        end(lambda: _run_module(words[1]))
    sys.path.insert(0, str(Path(words[0]).resolve().parent))
    end(lambda: _run(words[0]))


def _run(script: str) -> None:
    path = Path(script).absolute()
    main = sys.modules["__main__"] = ModuleType("__main__")
    main.__file__ = str(path)
    main.__dict__["__builtins__"] = builtins
    exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), main.__dict__)


def _run_module(name: str) -> None:
    sys.modules["__main__"] = ModuleType("__main__")
    runpy._run_module_as_main(name)  # type: ignore[attr-defined] # as Python itself does


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


def end(run: Callable[[], int | None], *, is_script: bool = True) -> NoReturn:
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
    if _finalizes and is_script:
        _exit(code)
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
    """A process; debuggee and scribe are forked from this one instead of started, and so are gradb and scripts."""

    def _execute_child(self, *given: Any) -> None:
        argv, pass_fds, cwd, env, pipes = given[0], given[4], given[5], given[6], given[10:16]
        be = _known(argv)
        if be is None:
            super()._execute_child(*given)  # type: ignore[misc]
            return
        self.pid = os.fork()
        if not self.pid:
            atexit._clear()  # these are of the process that is forked from
            atexit.register(vars(multiprocessing.util)["_exit_function"])  # and this is of what is in memory
            _take([pipes[0], pipes[3], pipes[5]], pass_fds)
            os.chdir(cwd or os.getcwd())
            os.environ.update(env or {})
            if given[-2]:
                os.setsid()
            forkserver.be_called(argv)
            be(argv)
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


class _Handed(forkserver.Forked):
    """What is forked is from a process that stands by: from one with threads, such as the app, nothing can be."""

    by: forkserver.Forkserver

    @classmethod
    def server(cls, argv: list[str]) -> tuple[forkserver.Forkserver, dict[str, Any]] | None:
        """Return who forks it."""
        return None if _known(argv) is None else (cls.by, {})


def _have_server() -> None:
    """Fork the process that stands by until this one ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if not os.fork():
        ours.close()
        os.setsid()
        forkserver.take([os.open(os.devnull, os.O_RDWR)] * 3 + [theirs.fileno()], [0, 1, 2, theirs.fileno()])
        forkserver.serve(theirs, _hand_on)
        _leave(0)
    theirs.close()
    _Handed.by = forkserver.Forkserver("", ours)
    subprocess.Popen = _Handed  # type: ignore[misc]


def _hand_on(line: list[str]) -> NoReturn:
    """Be what the app asked for."""
    atexit._clear()
    be = _known(line)
    assert be is not None
    be(line)


def _known(argv: Any) -> Callable[[list[str]], NoReturn] | None:
    """Return what is to be done in the place of a command, where that is known."""
    if not isinstance(argv, list) or argv[0] != sys.executable or len(argv) < 2:
        return None
    if argv[1].endswith("tracer/__main__.py") and len(argv) == 4:
        return _debug
    if argv[1:3] == ["-S", "-E"] and argv[3].endswith("scribe/__main__.py"):
        return _write
    return None if words_of(argv) is None else _go_on


def is_part(argv: list[str]) -> bool:
    """Tell whether a command line is that of gradb's debuggee or scribe."""
    return _known(argv) in {_debug, _write}


def words_of(argv: list[str]) -> list[str] | None:
    """Return what a command line asks for, where it is one that can be forked."""
    if argv[0] != sys.executable or len(argv) < 2:
        return None
    if argv[1:3] == ["-m", "gradb"]:
        return argv[2:]
    return argv[1:] if argv[1] == "-m" or argv[1].endswith(".py") else None


def _go_on(argv: list[str]) -> NoReturn:
    """Be gradb or a script."""
    _renew_streams()
    _be(words_of(argv) or [])


def _write(argv: list[str]) -> NoReturn:
    """Be gradb's scribe."""
    sys.argv = argv[3:]
    end(lambda: _run(argv[3]))


def _renew_streams() -> None:
    """Write to the standard streams anew: those that there are know where in a file they were."""
    sys.stdout, sys.stderr = _stream(1, "strict"), _stream(2, "backslashreplace")
    sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr  # type: ignore[misc]


def _stream(number: int, errors: str) -> io.TextIOWrapper:
    buffer = io.BufferedWriter(io.FileIO(number, "w", closefd=False))
    return io.TextIOWrapper(buffer, sys.stdout.encoding, errors, line_buffering=number == 2 or os.isatty(number))


def _debug(argv: list[str]) -> NoReturn:
    """Be gradb's debuggee, which has not imported torch yet."""
    argv = argv[1:]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    sys.argv = argv
    sys.path[0] = str(Path(argv[0]).parent)
    _keep_torch()
    end(lambda: _run(argv[0]))


def _keep_torch() -> None:
    """Let torch be a module that was not imported yet, and is taken from memory when it is."""
    if "torch" in sys.modules:
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
        if DRAWN in os.environ:
            module.manual_seed(int(os.environ[DRAWN]))


def prepare(files: set[str]) -> None:
    """Do once what each debuggee that is forked would do by itself, and have it know the files that it is forked from.

    What runs in these is below the script on the stack, where no names of its tensors are to be looked for.
    """
    from gradb.tape import admission
    from gradb.tracer.isolation.dynamo import run_as_they_are
    from gradb.tracer.native.trial import doubt
    from gradb.tracer.source import kinds

    doubt()
    vars(admission)["_expected"]()  # how a tape is laid out: each that opens one asks, and SQLite makes one for it
    run_as_they_are([])  # goes through all functions of ours, and touches the memory of each
    vars(kinds)["_STDLIB_GLUE"] |= files


def load() -> None:
    """Load what is to be in memory: all of gradb, and what it and torch would import where they first need it."""
    import tomllib  # noqa: F401 - every gradb would, for the user's settings

    import plotext  # noqa: F401 - every app would, for its first plot
    import torch._dynamo

    with contextlib.suppress(ImportError):  # torch 2.14 has it no more
        import torch.profiler._cupti_monitor  # noqa: F401 - every optimizer of a script would, this and the one before

    import gradb

    for found in pkgutil.walk_packages(gradb.__path__, "gradb."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)


def serve(requests: socket.socket, files: set[str]) -> NoReturn:
    """Be the process that is forked from, once all is loaded, until nobody can ask any more.

    Args:
        requests: where it is asked.
        files: those that it runs in itself, besides this one.
    """
    del sys.path[0]  # the tests' folder
    prepare({__file__, forkserver.__file__} | files)
    gc.collect()
    gc.freeze()  # what is in memory is not looked through by the processes that finalize, for a second each
    pages.collapse()
    forkserver.serve(requests, _become)
    _leave(0)


if __name__ == "__main__":
    load()
    serve(socket.socket(fileno=int(sys.argv[1])), set())
