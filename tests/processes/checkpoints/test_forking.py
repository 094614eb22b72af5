"""A process is forked that is nobody's child here, and nothing of it is seen, in C and in Python alike."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from gradb.tracer.checkpoints.forking import Handlers, fork_apart, leave
from gradb.tracer.native.loading import standing
from tests.forked import in_child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there are no checkpoints elsewhere")


@pytest.fixture(params=["on", "off"])
def accelerator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have it forked in C, or by two forks."""
    found: str = request.param
    monkeypatch.setenv("GRADB_ACCELERATOR", found)
    if found == "on" and standing().module is None:
        pytest.skip("the accelerator is not built")
    return found


def _told_by_new(tell: Callable[[], str], fork: Callable[[], int] = os.fork) -> tuple[float, str]:
    """Fork, and return what the process between has used, and what the new one has to tell."""
    readable, writable = os.pipe()
    between = fork_apart(fork)
    if between is None:
        os.write(writable, tell().encode())
        leave(0)
    os.close(writable)
    with open(readable) as file:
        return between, file.read()


@pytest.mark.usefixtures("accelerator")
def test_nothing_of_it_is_seen() -> None:
    """It is no child, no signal comes, nothing was used by children, and the signals that are blocked stay so."""

    def work() -> dict[str, Any]:
        heard: list[int] = []
        signal.signal(signal.SIGCHLD, lambda number, _: heard.append(number))
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        before, own = resource.getrusage(resource.RUSAGE_CHILDREN), os.getpid()
        between, told = _told_by_new(lambda: f"{os.getppid()} {signal.pthread_sigmask(signal.SIG_BLOCK, ())}")
        parent, _, mask = told.partition(" ")
        try:
            os.wait()
            has_child = True
        except ChildProcessError:
            has_child = False
        return {
            "is ours": int(parent) == own, "child": has_child, "heard": heard, "blocked": len(blocked),
            "used": resource.getrusage(resource.RUSAGE_CHILDREN) != before, "took": 0 < between < 5,
            "mask": mask == str(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
            "handler": callable(signal.getsignal(signal.SIGCHLD)),
        }  # fmt: skip

    assert in_child(work) == {
        "is ours": False, "child": False, "heard": [], "blocked": 0, "used": False, "took": True, "mask": True,
        "handler": True,
    }  # fmt: skip


@pytest.mark.usefixtures("accelerator")
def test_what_the_new_one_does_is_its_own() -> None:
    """Memory is, from where it was forked, and so are its children, of which it is told how they end."""

    def work() -> list[Any]:
        found = ["before"]

        def tell() -> str:
            found.append("in the new one")
            pid = os.fork()
            if not pid:
                leave(7)
            return str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

        return [_told_by_new(tell)[1], found]

    assert in_child(work) == ["7", ["before"]]


def test_what_forbids_it_is_raised(accelerator: str) -> None:
    """Nothing else happens then; two forks do not tell what it was."""

    def work() -> str:
        def fork() -> int:
            raise OSError(11, "there are too many")

        try:
            fork_apart(fork)
        except OSError as error:
            return f"{error.errno} {error.strerror}"
        return "none"

    assert in_child(work) == "11 there are too many"


@pytest.mark.usefixtures("accelerator")
def test_one_that_fails_in_the_new_process_leaves_only_one() -> None:
    """What is raised there must not go on as the script."""

    def work() -> list[Any]:
        def fork() -> int:
            if not (pid := os.fork()):
                raise ValueError
            return pid

        readable, writable = os.pipe()
        try:
            fork_apart(fork)
        except OSError:
            pass
        os.write(writable, b"once")
        time.sleep(0.05)
        return [os.read(readable, 100).decode()]

    assert in_child(work) == ["once"]


def test_the_process_between_ends_with_the_one_that_it_forks_for() -> None:
    """It runs in the memory of that, where nobody is left then to let go of what it waits for."""
    if standing().module is None:
        pytest.skip("the accelerator is not built")

    def work() -> bool:
        readable, writable = os.pipe()

        def fork() -> int:
            os.write(writable, str(os.getpid()).encode())
            time.sleep(60)
            return 1

        script = os.fork()
        if not script:
            fork_apart(fork)
        between = int(os.read(readable, 20))
        assert between != script
        os.kill(script, signal.SIGKILL)
        os.waitpid(script, 0)
        os.close(writable)
        return os.read(readable, 1) == b""  # once nobody has it open any more

    began = time.monotonic()
    assert in_child(work) is True
    assert time.monotonic() - began < 50


def test_the_cpu_is_known_in_the_new_process() -> None:
    """The C library reads it from memory that the kernel writes to, of which a vfork knows nothing."""
    if standing().module is None:
        pytest.skip("the accelerator is not built")

    def work() -> list[str]:
        def tell() -> str:
            libc, wrong = ctypes.CDLL(None), 0
            for cpu in os.sched_getaffinity(0):
                os.sched_setaffinity(0, {cpu})
                wrong += libc.sched_getcpu() != cpu
            return str(wrong)

        return [_told_by_new(tell)[1], str(gc.isenabled())]

    assert in_child(work) == ["0", "True"]


def test_only_what_python_and_we_need_runs_at_forks() -> None:
    """Functions of a module whose name only begins as that of Python's threads do not."""

    def work() -> list[str]:
        ran: list[str] = []
        for module in ("threading_tools", "threading", "gradb.some", "gradbish"):

            def note(module: str = module) -> None:
                ran.append(module)

            note.__module__ = module
            os.register_at_fork(after_in_parent=note)
        gc.unfreeze()  # what the tests' process has frozen is not found
        handlers = Handlers()
        with handlers.put_aside():
            if not os.fork():
                leave(0)
        quiet = list(ran)
        if not os.fork():
            leave(0)
        return [*quiet, "|", *ran[len(quiet) :]]

    assert in_child(work) == ["threading", "gradb.some", "|", "threading_tools", "threading", "gradb.some", "gradbish"]
