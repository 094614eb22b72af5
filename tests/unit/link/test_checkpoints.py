"""The line over which checkpoints come, and what is said to one: descriptors go along, and nonsense does no harm."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gradb.link.checkpoints import Line, NotStarted, Said, Waiting
from gradb.link.handing import receive, send
from gradb.link.spec import RunSpec
from gradb.log import marks

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there are none elsewhere")


@pytest.fixture
def line(tmp_path: Path) -> Iterator[tuple[Line, socket.socket]]:
    """Return both ends of a line; nothing is left open."""
    before = set(os.listdir("/proc/self/fd"))
    ours, theirs = Line.pair(str(tmp_path / "t.tape"))
    yield ours, theirs
    ours.close()
    theirs.close()
    assert set(os.listdir("/proc/self/fd")) == before


def announce(
    line: tuple[Line, socket.socket], folder: Path, **changes: Any
) -> tuple[list[Waiting | Said], socket.socket]:
    """Announce a checkpoint; return what comes of it, and the end that it listens to."""
    marks.make(folder / "t.tape")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    hello = {"number": 2, "iteration": 40, "head": 7, "pid": 1, "price": 0.5, "copied": 0.1} | changes
    send(line[1], hello | {"tape": str(folder / "t.tape")}, [ours.fileno()])
    ours.close()
    return line[0].take(), theirs


def test_a_checkpoint_comes_with_the_socket_that_it_listens_to(
    line: tuple[Line, socket.socket], tmp_path: Path
) -> None:
    """What is ordered reaches it, with three descriptors; to close it ends it, and what was kept for it goes."""
    found, theirs = announce(line, tmp_path)
    (one,) = found
    assert isinstance(one, Waiting)
    assert (one.number, one.iteration, one.head, one.price, one.copied) == (2, 40, 7, 0.5, 0.1)
    Path(marks.path_of(tmp_path / "t.tape", 2)).touch()
    asked: list[Any] = []

    def answer() -> None:
        order, descriptors = receive(theirs)
        asked.append((order, len(descriptors)))
        for fd in descriptors:
            os.close(fd)
        send(theirs, {"pid": os.getpid()})
        send(theirs, {"ended": os.getpid(), "status": 3})

    thread = threading.Thread(target=answer)
    thread.start()
    tape = str(tmp_path / "r.tape")
    runner = one.start(RunSpec("a.py", tape))
    thread.join()
    assert asked == [({"order": "run", "spec": RunSpec("a.py", tape).to_json()}, 3)]
    assert (runner.wait(5.0), runner.is_gone) == (3, True)
    (tmp_path / "r.tape-files").mkdir()
    runner.close()
    states = [one.is_gone]
    one.close()
    assert [*states, one.is_gone] == [False, True]
    assert receive(theirs) == (None, [])
    theirs.close()
    assert os.listdir(tmp_path) == []


def test_why_one_cannot_be_gone_on_from(line: tuple[Line, socket.socket], tmp_path: Path) -> None:
    """It says so, or is gone; the runners of one that is gone are gone too."""
    (one,), theirs = announce(line, tmp_path)
    assert isinstance(one, Waiting)
    send(theirs, {"refused": "a file was changed"})
    with pytest.raises(NotStarted, match="a file was changed"):
        one.start(RunSpec("a.py", "r.tape"))
    assert one.ended(1) is None
    theirs.close()
    with pytest.raises(NotStarted, match="is gone"):
        one.start(RunSpec("a.py", "r.tape"))
    assert (one.is_gone, one.ended(1)) == (True, -signal.SIGKILL)
    one.close()


def test_what_makes_no_sense_is_passed_over(line: tuple[Line, socket.socket], tmp_path: Path) -> None:
    """Whatever comes, no descriptor stays open; what is said is taken."""
    ours, theirs = line
    theirs.send(b"not JSON")
    theirs.send(b"[1]")
    with Path(os.devnull).open() as file:
        send(theirs, {"number": 1}, [file.fileno()])
        send(theirs, {"why": "because", "iteration": 3}, [file.fileno()])
    assert ours.take() == [Said("because", 3)]
    found, end = announce(line, tmp_path, number="two")
    assert found == []
    end.close()
    assert ours.fileno() >= 0
    theirs.close()
    assert ours.take() == []
    assert ours.fileno() == -1
    marks.sweep(tmp_path / "t.tape")
