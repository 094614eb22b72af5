"""Keeps torch.compile from compiling gradb.

While compiled code runs, Dynamo is offered every Python frame that begins, ours too. It is told to run these as they
are: our own frames, and with ``Composer.guard`` all that is called from there. (Where Dynamo follows a call of the
script's into a function of ours, ``is_compiling`` leads it past.)
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any

import torch

_dynamo: Any = torch._C._dynamo.eval_frame
_OURS = "gradb."
_known: set[str] = set()  # modules: a mark stays, and another recording in this process has only the new ones to mark


def run_as_they_are(roots: Iterable[Callable[..., Any]]) -> None:
    """Have Dynamo run all frames of ours as they are, and all that is called from some functions.

    It is a mark on the code, which costs nothing where nothing is compiled and is not taken off.
    """
    action = _dynamo._FrameAction
    here = _dynamo._FrameExecStrategy(action.SKIP, action.DEFAULT)
    below = _dynamo._FrameExecStrategy(action.SKIP, action.SKIP)
    for code in _codes():
        _dynamo.set_code_exec_strategy(code, here)
    for root in roots:
        _dynamo.set_code_exec_strategy(_code(root), below)


def _code(function: Any) -> Any:
    return function.__code__


def _codes() -> Iterator[CodeType]:
    """Yield the code of every function of ours that was loaded since the last call, with those inside of it."""
    pending = [f.__code__ for f in _functions() if isinstance(f, FunctionType)]
    seen: set[int] = set()
    while pending:
        code = pending.pop()
        if id(code) not in seen:
            seen.add(id(code))
            yield code
            pending += [inner for inner in code.co_consts if isinstance(inner, CodeType)]


def _functions() -> Iterator[Any]:
    new = sys.modules.keys() - _known
    _known.update(new)
    for name in new:
        if name.startswith(_OURS) and name in sys.modules:
            for value in list(vars(sys.modules[name]).values()):
                if getattr(value, "__module__", None) == name:
                    yield from _of(value)


def _of(value: Any) -> Iterator[Any]:
    """Yield a function, or those of a class: methods, properties and what they wrap."""
    members = vars(value).values() if isinstance(value, type) else (value,)
    for member in members:
        yield from (member, *(getattr(member, name, None) for name in ("fget", "__func__", "__wrapped__")))
