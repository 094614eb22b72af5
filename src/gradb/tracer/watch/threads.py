"""Threads that the script starts are traced like its main thread."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator
from typing import Any

from gradb.tracer.watch.forward import ForwardMode


@contextlib.contextmanager
def traced(mode: ForwardMode) -> Iterator[None]:
    """Enter the mode, which is thread-local, in every thread that the script starts while the context lasts."""
    original = threading.Thread._bootstrap_inner  # type: ignore[attr-defined]

    @functools.wraps(original)
    def bootstrap(thread: threading.Thread) -> Any:
        with mode:
            return original(thread)

    threading.Thread._bootstrap_inner = bootstrap  # type: ignore[attr-defined]
    try:
        yield
    finally:
        threading.Thread._bootstrap_inner = original  # type: ignore[attr-defined]
