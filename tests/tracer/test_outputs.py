"""What the script prints becomes events that do not depend on a clock."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gradb.frame.reader import Tape
from gradb.tape.kinds.note import write as write_note
from gradb.tape.kinds.output import OutputDetail
from gradb.tracer.process.outputs import Outputs
from gradb.tracer.recording.gate import Gate
from gradb.tracer.recording.recorder import Recorder
from gradb.tracer.source.places import NOWHERE
from tests.tracer.recording import begin, end

Script = Callable[[Recorder], None]


@pytest.fixture
def printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Script], list[str]]:
    """Run a function whose prints are recorded, and return the text of each output event."""

    def run(script: Script) -> list[str]:
        recorder = begin(tmp_path / "a.tape", Gate(None, lambda head, request_seq: None))
        with monkeypatch.context() as patch:
            for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
                patch.setattr(sys, name, getattr(sys, name))
            Outputs(recorder, passes=False).install()
            script(recorder)
        end(recorder)
        with Tape.open(tmp_path / "a.tape") as tape:
            details = [tape.detail(event.seq) for event in tape.events()]
        return [detail.text for detail in details if isinstance(detail, OutputDetail)]

    return run


Printed = Callable[[Script], list[str]]


def test_a_print_is_an_event(printed: Printed) -> None:
    """Each print has its own, and the clock between two of them changes nothing."""

    def script(recorder: Recorder) -> None:
        for i in range(3):
            print("iteration", i, end="")
            recorder.commit()
            print()
            recorder.commit()

    assert printed(script) == ["iteration 0", "\n", "iteration 1", "\n", "iteration 2", "\n"]


def test_the_clock_does_not_cut_a_print(printed: Printed) -> None:
    """What one print writes in pieces is one event, whenever the clock looks."""

    class Slow:
        def __init__(self, recorder: Recorder) -> None:
            self.recorder = recorder

        def __str__(self) -> str:
            self.recorder.commit()
            return "slow"

    def script(recorder: Recorder) -> None:
        for i in range(2):
            print(i, Slow(recorder), "text")

    assert printed(script) == ["0 slow text\n", "1 slow text\n"]


def test_lines_of_one_place_are_an_event_each(printed: Printed) -> None:
    """A line is told when it is complete, and not when the clock next looks."""

    def script(recorder: Recorder) -> None:
        for i in range(4):
            print(i)
            if i % 2:
                recorder.commit()

    assert printed(script) == ["0\n", "1\n", "2\n", "3\n"]


def test_very_many_lines_of_one_place_are_collected(printed: Printed) -> None:
    """A script that prints without end makes no event of each of its lines."""

    def script(recorder: Recorder) -> None:
        for _ in range(5000):
            print("x")

    texts = printed(script)
    assert "".join(texts) == "x\n" * 5000
    assert len(texts) == 1001


def test_half_a_line_is_told_when_nothing_more_comes(printed: Printed) -> None:
    """The wait is counted in looks of the clock, begins anew with each write, and is not needed at an end."""

    def script(recorder: Recorder) -> None:
        for text in "ab":
            sys.stdout.write(text)
            for _ in range(5):
                recorder.commit()
        seen.append(recorder.writer.head)
        for _ in range(5):
            recorder.commit()
        seen.append(recorder.writer.head)
        sys.stderr.write("c")
        recorder.commit(is_last=True)
        seen.append(recorder.writer.head)

    seen: list[int] = []
    assert printed(script) == ["ab", "c"]
    assert seen == [0, 1, 2]


def test_a_commit_that_comes_at_a_bad_time_is_made_up_for(tmp_path: Path) -> None:
    """While an event is composed the clock writes nothing of it; whoever composes the next one does it first."""
    recorder = begin(tmp_path / "a.tape", Gate(None, lambda head, request_seq: None))
    with recorder.lock:
        recorder.settle()
        recorder.writer.pen.point(recorder.writer.series("loss", "loss"), 1, 1, 0.5)
        clock = threading.Thread(target=recorder.commit)
        clock.start()
        clock.join()
        before = recorder.writer.has_pending
    with recorder.lock:
        recorder.settle()
        after = recorder.writer.has_pending
    end(recorder)
    assert (before, after) == (True, False)


def test_what_a_call_changes_comes_before_what_is_printed_after_it(printed: Printed) -> None:
    """A change that waits for the end of its call is recorded before the text that shows it."""
    order = []

    def script(recorder: Recorder) -> None:
        def change() -> None:
            recorder.pending = None
            recorder.settle()
            order.append(recorder.emit("note", "change", NOWHERE.row, write_note(text="changed")))

        print("before")
        recorder.settle()
        recorder.pending = change
        print("after")
        order.append(recorder.settle())

    assert printed(script) == ["before\n", "after\n"]
    assert order == [2, 4]
