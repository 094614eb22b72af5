"""Keeps the script's signal handlers out of what must not be left half-way: they wait, and run right after it.

Python runs a handler between any two of its instructions, ours too. One that raises would tear an event in two, and in
the hooks that gradb registers on nodes it would stop a backward in the middle, where the bare script has no Python to
be stopped in. So the handlers that the script sets are called by one of ours, which looks where it has come. Nothing of
this is seen by the script: it gets its own handlers back when it asks for them.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any, ParamSpec, TypeVar

from gradb.tracer import PACKAGE

_signal: Any = importlib.import_module("_signal")
"""What the module ``signal`` calls: replaced here, ``signal.signal`` itself stays what it was."""
_set_handler = _signal.signal
_F = TypeVar("_F", bound=Callable[..., object])
_P = ParamSpec("_P")
_T = TypeVar("_T")
_codes: dict[CodeType, int] = {}
"""The functions that must not be left half-way, and the line from which on that is over."""
_own: dict[int, Any] = {}
"""The handlers that the script has set."""
held: list[int] = []
"""Signals whose handlers wait."""


class Torn:
    """Whether a handler has raised since that was last asked: then torch may have left calls of modules unannounced."""

    is_torn = False


def shielded(function: _F) -> _F:
    """Declare a function not to be left half-way; to be used as a decorator."""
    _codes[function.__code__] = sys.maxsize
    return function


def shielded_but_for_its_end(function: _F) -> _F:
    """The same, for a function whose last lines are ``if held: deliver()`` and its return.

    Between the look at ``held`` and the return Python looks for no signal; one that comes while a handler runs here is
    not to wait.
    """
    lines = [line for _, _, line in function.__code__.co_lines() if line is not None]
    _codes[function.__code__] = max(lines) - 2
    return function


class _Context(contextlib._GeneratorContextManager[_T]):
    @shielded
    def __enter__(self) -> _T:
        return super().__enter__()

    @shielded
    def __exit__(self, *raised: Any) -> bool | None:  # noqa: PYI036 - handed on
        return super().__exit__(*raised)


def shielded_context(function: Callable[_P, Iterator[_T]]) -> Callable[_P, _Context[_T]]:
    """Do what ``contextlib.contextmanager`` does, with a beginning and an end that are not left half-way.

    Python looks for signals when the end begins as well: what a handler raises there would keep it from being run.
    """
    generator: Any = function

    @functools.wraps(function)
    def context(*args: _P.args, **kwargs: _P.kwargs) -> _Context[_T]:
        return _Context(generator, args, kwargs)

    return context


def shields_above(frame: FrameType | None) -> int:
    """Count the calls of such functions that a frame is in, itself included."""
    count = 0
    while frame is not None:
        count += frame.f_code in _codes
        frame = frame.f_back
    return count


def deliver() -> None:
    """Run the handlers that have waited, if the caller is the last that they had to wait for."""
    caller = sys._getframe(1).f_back
    if threading.get_ident() != threading.main_thread().ident or _must_wait(caller):
        return
    while held:
        _run(held.pop(0), caller)


def remind() -> None:
    """Send the signals once more whose handlers wait; from another thread than the main one.

    What they had to wait for may be over with nothing of ours that runs after it: a finaliser, in which Python would
    swallow what a handler raises.
    """
    with contextlib.suppress(IndexError):  # the main thread has just run them
        signal.pthread_kill(threading.main_thread().ident or 0, held.pop(0))


def _arrived(number: int, frame: FrameType | None) -> None:
    """Stand for every handler of the script's."""
    if _must_wait(frame):
        held.append(number)
    else:
        _run(number, frame)


def _must_wait(frame: FrameType | None) -> bool:
    while frame is not None:
        end = _codes.get(frame.f_code)
        if end is not None and (frame.f_lineno or 0) < end:
            return True
        frame = frame.f_back
    return False


def _run(number: int, frame: FrameType | None) -> None:
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back  # the script's own frame, as it would be without us
    handler = _own.get(number)
    if not callable(handler):
        return
    try:
        handler(number, frame)
    except BaseException:
        Torn.is_torn = True
        raise


@contextlib.contextmanager
def taken(number: int, handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Have a signal come to a handler of ours, and to nothing of the script's, for as long as the context lasts."""
    before = _set_handler(number, handler)
    try:
        yield
    finally:
        if before is not None:  # None: it was not set from Python, and cannot be set back
            _set_handler(number, before)


@contextlib.contextmanager
def deferring() -> Iterator[None]:
    """Stand between the script's signal handlers and Python, for as long as the context lasts; on the main thread."""
    set_handler, get_handler = _signal.signal, _signal.getsignal

    @functools.wraps(set_handler)
    def set_own(number: int, handler: Any, /) -> Any:
        before = set_handler(number, _arrived if callable(handler) else handler)
        previous = _own.pop(number, None) if before is _arrived else before
        if callable(handler):
            _own[number] = handler
        return previous

    @functools.wraps(get_handler)
    def get_own(number: int, /) -> Any:
        handler = get_handler(number)
        return _own.get(number) if handler is _arrived else handler

    for number in signal.valid_signals():
        if callable(handler := get_handler(number)):
            set_own(number, handler)
    _signal.signal, _signal.getsignal = set_own, get_own
    try:
        yield
    finally:
        _signal.signal, _signal.getsignal = set_handler, get_handler
        for one, handler in list(_own.items()):
            if get_handler(one) is _arrived:
                set_handler(one, handler)
        _own.clear()
