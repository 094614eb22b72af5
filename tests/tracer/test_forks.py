"""A fork of the script's is what it is without gradb."""

from __future__ import annotations

import threading
import warnings

import pytest

from gradb.tracer.forks import count_threads, without_our_thread


def fork() -> int:
    """Warn as Python does at a fork beside other threads."""
    warnings.warn("This process (pid=1) is multi-threaded", DeprecationWarning, stacklevel=1)
    return 7


@pytest.mark.parametrize(("threads", "is_warned"), [(2, False), (3, True), (0, False)])
def test_python_does_not_warn_of_our_thread(threads: int, is_warned: bool) -> None:
    """Where the script has threads of its own it is warned as ever, at its own line."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        assert without_our_thread(fork, lambda: threads)() == 7
    assert [one.filename for one in heard] == [__file__] * is_warned


def test_threads_are_counted() -> None:
    """One more is one more."""
    before, end = count_threads(), threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    assert count_threads() == before + 1
    end.set()
    thread.join()
