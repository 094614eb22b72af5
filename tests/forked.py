"""Runs something in a forked child of the test's process, where what it does to that process harms nobody."""

from __future__ import annotations

import json
import os
import traceback
import warnings
from collections.abc import Callable
from typing import Any

ANSWER = 900
"""The descriptor by which a child answers."""


class Failed(AssertionError):
    """What ran in the child raised something; the message is its traceback."""


def in_child(work: Callable[[], Any]) -> Any:
    """Return what ``work`` returns in a forked child, as JSON has it."""
    readable, writable = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a worker of the tests' has a thread
        pid = os.fork()
    if not pid:
        os.dup2(writable, ANSWER)
        os.close(writable)
        os.close(readable)
        _answer(work)
    os.close(writable)
    with open(readable, "rb") as file:
        found = json.loads(file.read() or b'["nothing", null]')
    os.waitpid(pid, 0)
    if found[0] is not None:
        raise Failed(found[0])
    return found[1]


def _answer(work: Callable[[], Any]) -> None:
    try:
        found = [None, work()]
    except BaseException:
        found = [traceback.format_exc(), None]
    os.write(ANSWER, json.dumps(found).encode())
    os._exit(0)
