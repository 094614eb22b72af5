"""Runs the user's program as ``python script.py`` or ``python -m module`` would.

Knows nothing of torch or of recording: it sets the stage, runs, and tells how the run ended.
"""

from __future__ import annotations

import builtins
import os
import runpy
import signal
import sys
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import NoReturn

from gradb.tracer import PACKAGE


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the program ended."""

    exit_code: int
    reason: str
    error: BaseException | None = None
    """The uncaught exception, its traceback free of frames of ours."""


def set_stage(script: str | None, arguments: tuple[str, ...]) -> None:
    """Set ``sys.argv`` and ``sys.path[0]`` as Python does before the first line runs."""
    sys.argv[:] = [script if script is not None else "-m", *arguments]
    if not sys.flags.safe_path:
        folder = os.path.dirname(os.path.realpath(script)) if script is not None else os.getcwd()
        sys.path.insert(0, folder)


def run(script: str | None, module: str | None) -> Outcome:
    """Run the program to its end; whatever it raises is caught and told."""
    try:
        if script is not None:
            _run_script(script)
        else:
            _run_module(module or "")
    except SystemExit as error:
        return Outcome(_exit_code(error), _exit_reason(error), error)
    except BaseException as error:
        strip(error)
        return Outcome(1, f"uncaught {type(error).__name__}", error)
    return Outcome(0, "finished")


def runner(script: str | None) -> CodeType:
    """Return the code that runs the program: what is below it on the stack is none of the program's."""
    return (_run_module if script is None else _run_script).__code__


def _run_script(script: str) -> None:
    path = os.path.abspath(script)
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    main = ModuleType("__main__")
    main.__dict__.update(
        __file__=path, __builtins__=builtins, __loader__=SourceFileLoader("__main__", path), __cached__=None,
        __annotations__={},
    )  # fmt: skip
    sys.modules["__main__"] = main
    exec(code, main.__dict__)  # noqa: S102 - this is what gradb is for


def _run_module(name: str) -> None:
    sys.modules["__main__"] = ModuleType("__main__")
    runpy._run_module_as_main(name, alter_argv=True)  # type: ignore[attr-defined]


def _exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    return error.code & 0xFF if isinstance(error.code, int) else 1


def _exit_reason(error: SystemExit) -> str:
    return f"sys.exit({error.code!r})" if error.code is None or isinstance(error.code, int) else "sys.exit(message)"


def strip(error: BaseException) -> None:
    """Take our own and runpy's frames out of the tracebacks of an exception and of all it is linked to.

    What was raised and handled within our own code is no context of the script's.
    """
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        while (context := current.__context__) is not None and _is_ours(context):
            current.__context__ = context.__context__
        current.__traceback__ = _without_ours(current.__traceback__)
        pending += [current.__cause__, current.__context__]
        if isinstance(current, BaseExceptionGroup):
            pending.extend(current.exceptions)


def _is_ours(error: BaseException) -> bool:
    return error.__traceback__ is not None and _without_ours(error.__traceback__) is None


def _without_ours(traceback: TracebackType | None) -> TracebackType | None:
    kept: list[TracebackType] = []
    was_ours = False
    while traceback is not None:
        code = traceback.tb_frame.f_code
        is_ours = code.co_filename.startswith(PACKAGE) or code.co_filename == "<frozen runpy>"
        if not is_ours:
            _drop_detour(kept, code, was_ours=was_ours)
            kept.append(traceback)
        was_ours = is_ours
        traceback = traceback.tb_next
    for here, after in zip(kept, [*kept[1:], None], strict=False):
        here.tb_next = after
    return kept[0] if kept else None


def _drop_detour(kept: list[TracebackType], code: CodeType, *, was_ours: bool) -> None:
    """Take out the frames by which torch came to us: a function, ``handle_torch_function``, and then the same again.

    The accelerator has no frames of its own: there the same again follows at once.
    """
    if not kept or kept[-1].tb_frame.f_code.co_name != "handle_torch_function":
        return
    is_same = len(kept) > 1 and kept[-2].tb_frame.f_code is code
    if was_ours or is_same:
        del kept[-2 if is_same else -1 :]


def tell(outcome: Outcome) -> None:
    """Print what Python prints of how a program has ended that nobody has caught."""
    error = outcome.error
    if isinstance(error, SystemExit):
        if not isinstance(error.code, int | None):
            print(error.code, file=sys.stderr)
    elif error is not None:
        sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
        sys.excepthook(type(error), error, error.__traceback__)


def leave(outcome: Outcome) -> None:
    """End the process as Python would after the same outcome (does not return normally if there was an error)."""
    error = outcome.error
    if error is None:
        return
    if isinstance(error, SystemExit):
        raise error.with_traceback(None)
    tell(outcome)
    _interrupt(error)
    raise SystemExit(1)


def leave_at_once(outcome: Outcome) -> NoReturn:
    """End the process in the same way, but run nothing that the program has asked for at its end."""
    _interrupt(outcome.error)
    os._exit(outcome.exit_code)


def _interrupt(error: BaseException | None) -> None:
    """End the process by the signal of Ctrl+C, where that has ended the program."""
    if isinstance(error, KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
