"""A fork of the script's is what it is without gradb."""

from __future__ import annotations

import threading
import warnings

import pytest

from gradb.tracer.process.forks import count_threads, without_our_thread

WARNING = "This process (pid=1) is multi-threaded, use of fork() may lead to deadlocks in the child."


def fork() -> int:
    """Warn as Python does at a fork beside other threads."""
    warnings.warn(WARNING, DeprecationWarning, stacklevel=1)
    return 7


@pytest.mark.parametrize(("threads", "is_warned"), [(2, False), (3, True), (0, False)])
def test_python_does_not_warn_of_our_thread(threads: int, is_warned: bool) -> None:
    """Where the script has threads of its own it is warned as ever, at its own line."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        assert without_our_thread(fork, lambda: threads)() == 7
    assert [(str(one.message), one.filename) for one in heard] == [(WARNING, __file__)] * is_warned


def test_a_thread_that_a_library_ends_at_the_fork_is_not_counted() -> None:
    """Some end their threads just before a fork: Python counts after it, and so do we."""
    threads = [3]

    def ends_one() -> int:
        threads[0] -= 1
        return fork()

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        without_our_thread(ends_one, lambda: threads[0])()
    assert heard == []


def test_what_the_hooks_of_a_fork_warn_of_is_heard() -> None:
    """A hook of the script's that warns, even of something deprecated, warns as ever."""

    def with_hooks() -> int:
        warnings.warn("a hook of the script's", DeprecationWarning, stacklevel=1)
        return fork()

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        without_our_thread(with_hooks, lambda: 2)()
    assert [str(one.message) for one in heard] == ["a hook of the script's"]


def test_a_warning_that_was_shown_once_is_not_shown_again_after_a_fork() -> None:
    """The filters are as they were, and so is what Python remembers of the warnings shown."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("default")
        for _ in range(2):
            warnings.warn("shown once", UserWarning, stacklevel=1)
            without_our_thread(fork, lambda: 2)()
    assert [str(one.message) for one in heard] == ["shown once"]


def test_a_fork_that_fails_leaves_the_filters() -> None:
    """Whatever a fork raises, the script's filters are its own again."""

    def fails() -> int:
        raise OSError

    before = list(warnings.filters)
    with pytest.raises(OSError, match=r"^$"):
        without_our_thread(fails, lambda: 2)()
    assert list(warnings.filters) == before


def test_threads_are_counted() -> None:
    """One more is one more."""
    before, end = count_threads(), threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    assert count_threads() == before + 1
    end.set()
    thread.join()
