"""The accelerator's lock is what threading.RLock is: one thread has it, as often as it likes."""

from __future__ import annotations

import signal
import threading
from typing import Any

import pytest

from gradb.tracer.native.loading import lock, standing


@pytest.fixture(params=["C", "Python"])
def made(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a lock of either kind."""
    if request.param == "Python":
        monkeypatch.setenv("GRADB_ACCELERATOR", "off")
    elif standing().module is None:
        pytest.skip("gradb has no C accelerator here")
    return lock()


def elsewhere(what: Any) -> Any:
    """Return what a function returns on another thread."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(what()))
    thread.start()
    thread.join(10)
    return found[0]


def test_a_thread_has_it_as_often_as_it_takes_it(made: Any) -> None:
    """Another one gets it once it was let go of as often, and no sooner."""
    with made:
        assert made.acquire()
        assert made.acquire(blocking=False)
        assert made._is_owned()
        assert not elsewhere(lambda: made.acquire(blocking=False))
        assert not elsewhere(made._is_owned)
        made.release()
        made.release()
        assert not elsewhere(lambda: made.acquire(blocking=False))
    assert not made._is_owned()
    assert elsewhere(lambda: made.acquire(blocking=False) and made._is_owned())


def test_it_is_let_go_of_where_the_block_raises(made: Any) -> None:
    """What is raised within reaches whoever takes it."""
    with pytest.raises(KeyError), made:
        raise KeyError
    assert not made._is_owned()
    with pytest.raises(RuntimeError, match="cannot release un-acquired lock"):
        made.release()


def test_threads_wait_for_each_other(made: Any) -> None:
    """What many threads do under it is done by one at a time."""
    count = 0

    def work() -> None:
        nonlocal count
        for _ in range(300):
            with made, made:
                before = count
                made.acquire(blocking=False)
                made.release()
                count = before + 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert count == 1200


def test_a_handler_of_a_signal_runs_while_one_waits(made: Any) -> None:
    """What it raises ends the waiting, and the lock is not had."""

    class RangError(Exception):
        """Raised by the handler."""

    taken, let_go, waiting = threading.Event(), threading.Event(), threading.Event()

    def ring(number: int, frame: object) -> None:
        if waiting.is_set():
            raise RangError

    def hold() -> None:
        with made:
            taken.set()
            while not let_go.wait(0.01):
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR2)

    before = signal.signal(signal.SIGUSR2, ring)
    thread = threading.Thread(target=hold)
    try:
        thread.start()
        taken.wait(10)
        waiting.set()
        with pytest.raises(RangError):
            made.acquire()
        waiting.clear()
        assert not made._is_owned()
    finally:
        let_go.set()
        thread.join(10)
        signal.signal(signal.SIGUSR2, before)
