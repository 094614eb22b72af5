"""What panes say of a tape from which something is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.cli import events, run, show
from gradb.debugger.debugger import Debugger
from gradb.frame.frame import Frame
from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.json.events import event_json
from gradb.present.options import Options
from gradb.present.panes.table import PANES, pane_json
from gradb.tape.missing import Stopped
from gradb.tui.heading import heading
from tests.fakes import TapeBuilder, Variable, diagonal

WHY = "OSError: no space left"
NOWHERE = "where in the source this happened is not known"
STOPPED = f"not recorded since event 2: {WHY}"


def drawn(name: str, frame: Frame, options: Options | None = None) -> str:
    return " ".join(to_text(PANES[name].render(frame, options or Options(width=100)), 100).split())


def forward(builder: TapeBuilder) -> Variable:
    a = builder.leaf("a", [1.0, 2.0])
    jacobians = [diagonal([3.0, 3.0]), None]
    return builder.op("Tensor.mul", "MulBackward0", [a, 3], [3, 6], name="b", jacobians=jacobians)


@pytest.fixture
def stopped(tmp_path: Path) -> str:
    """Return the tape of a recording that ended after event 2, before its script."""
    path = tmp_path / "stopped.tape"
    with TapeBuilder(path) as builder:
        forward(builder)
        builder.stop(WHY)
        builder.output("a stray\n", "stderr")
        builder.end()
    return str(path)


@pytest.fixture
def empty(tmp_path: Path) -> str:
    """Return the tape of a recording that ended before its first event."""
    path = tmp_path / "empty.tape"
    with TapeBuilder(path) as builder:
        builder.stop(WHY)
        builder.end()
    return str(path)


@pytest.mark.parametrize("name", PANES)
def test_every_pane_says_that_the_recording_has_ended(stopped: str, name: str) -> None:
    """It does so first, from the last event on, as text and as JSON; before that event it says nothing of it."""
    with Tape.open(stopped) as tape:
        for position in (2, 3, 4):
            assert drawn(name, tape.frame(position)).startswith(f"! {STOPPED}")
            assert pane_json(name, tape.frame(position))["not_recorded"] == STOPPED
        assert "not recorded since" not in drawn(name, tape.frame(1))
        assert pane_json(name, tape.frame(1))["not_recorded"] in {None, NOWHERE}


@pytest.mark.parametrize("name", [name for name in PANES if name not in {"source", "training"}])
def test_no_pane_says_that_there_is_nothing_where_nothing_was_recorded(empty: str, name: str) -> None:
    """The line stands alone in the place of the sentence that would say so."""
    with Tape.open(empty) as tape:
        assert drawn(name, tape.frame(1)) == f"! not recorded since event 0: {WHY}"


def test_a_part_that_is_missing_is_told_where_the_event_is_shown(tmp_path: Path) -> None:
    """The panes that show the event say it first, and so does its JSON; at the events around it nothing is said."""
    why = "ZeroDivisionError: a bug in gradb"
    with TapeBuilder(tmp_path / "part.tape") as builder:
        a = builder.leaf("a", [1.0, 2.0])
        builder.writer.missing(builder.head + 1, "places in the source", why)
        b = builder.op("Tensor.mul", "MulBackward0", [a, 3], [3, 6], jacobians=[diagonal([3.0, 3.0]), None])
        builder.op("Tensor.exp", "ExpBackward0", [b], [20.0, 403.0], jacobians=[diagonal([20.0, 403.0])])
        builder.end()
    sentence = f"not recorded of this event: places in the source, {why}"
    with Tape.open(tmp_path / "part.tape") as tape:
        assert [event_json(tape, tape.event(seq))["missing"] for seq in (1, 2, 3)] == [
            [], [f"places in the source: {why}"], [],
        ]  # fmt: skip
        for name in ("source", "chain"):
            assert drawn(name, tape.frame(2)).startswith(f"! {sentence}")
            assert pane_json(name, tape.frame(2))["not_recorded"] == sentence
        assert drawn("source", tape.frame(3)).startswith(f"! {NOWHERE}")
        assert not drawn("chain", tape.frame(3)).startswith("!")


def test_a_script_that_was_not_recorded_to_its_end_may_train(stopped: str) -> None:
    """Neither that it never trains is said, nor that there is no loss."""
    with Tape.open(stopped) as tape:
        words = drawn("training", tape.frame(tape.head))
    assert "never trains" not in words
    assert "no loss" not in words


def test_a_node_past_the_end_of_the_recording_may_have_run(stopped: str) -> None:
    """It is not said to wait for its backward, in the graph neither."""
    with Tape.open(stopped) as tape:
        frame = tape.frame(3)
        chain = tape.chain(2, 3)
        assert chain is not None
        assert (chain.state, chain.unseen) == ("unrecorded", STOPPED)
        assert drawn("chain", frame, Options(width=100, chain=chain)).count("not run yet") == 0
        assert {frame.graph.state(frame.graph.row(index).node) for index in range(len(frame.graph))} == {"unrecorded"}


def test_the_last_line_of_the_events_says_it(stopped: str, capsys: pytest.CaptureFixture[str]) -> None:
    """So does the event `end`, and stderr with the words of `gradb record`."""
    with Tape.open(stopped) as tape:
        assert event_json(tape, tape.event(4))["not_recorded"] == STOPPED
    assert events.run([stopped]) == 0
    printed = capsys.readouterr()
    assert STOPPED in printed.out.splitlines()[-1]
    assert printed.err == f"gradb: {STOPPED}\n"


def test_every_command_closes_with_the_sentences_of_record(stopped: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`show` and `run -e` say what the recording lacks."""
    assert show.run(["--pane", "output", stopped]) == 0
    assert capsys.readouterr().err == f"gradb: {STOPPED}\n"
    assert run.run(["-e", "show output", stopped]) == 0
    assert capsys.readouterr().err == f"gradb: {STOPPED}\n"


def test_the_header_says_it(stopped: str) -> None:
    """Since which event, in a few words."""
    debugger = Debugger.open(stopped)
    try:
        assert heading(debugger, debugger.frame(), "script.py").missing == "not recorded since event 2"
    finally:
        debugger.close()


@pytest.fixture
def lost(tmp_path: Path) -> str:
    """Return a tape on which the run of a node is lost at event 3, and a later backward is whole."""
    path = tmp_path / "lost.tape"
    with TapeBuilder(path) as builder:
        b = forward(builder)
        builder.lose("a node", "ValueError: odd", "gradients", node=b.node)
        builder.output("hello\n")
        builder.backward(b, gradient=[1, 1])
        builder.end()
    return str(path)


GAP = "not recorded (event 3: a node, ValueError: odd)"


def test_a_node_whose_run_was_lost_is_not_said_to_wait(lost: str) -> None:
    """It is unrecorded from there on, until a run of it is recorded."""
    with Tape.open(lost) as tape:
        node = tape.event(3).node
        assert node is not None
        states = [chain.state for at in range(2, tape.head + 1) if (chain := tape.chain(node, at)) is not None]
        chain = tape.chain(node, 4)
        words = drawn("chain", tape.frame(4), Options(width=100, chain=chain))
    assert states[:5] == ["created", "unrecorded", "unrecorded", "pending", "running"]
    assert states[-1] in {"done", "freed"}
    assert f"? whether it has run is not known: {GAP}" in words
    assert "not run yet" not in words


def test_only_the_panes_that_a_gap_concerns_tell_of_it(lost: str) -> None:
    """Lost gradients say nothing of what was printed or saved."""
    with Tape.open(lost) as tape:
        frame = tape.frame(4)
        told = {name for name in PANES if f"something here was {GAP}" in drawn(name, frame)}
        assert told == {name for name in PANES if pane_json(name, frame)["not_recorded"]}
        assert told == {"graph", "chain", "grads", "training", "paths", "displays", "values"}
        assert all(GAP not in drawn(name, tape.frame(2)) for name in PANES)


def test_a_gap_that_hides_nothing_is_not_told_at_every_position(tmp_path: Path) -> None:
    """A name that is missing changes no value."""
    with TapeBuilder(tmp_path / "names.tape") as builder:
        builder.lose("names", "ValueError: odd")
        builder.output("hello\n")
    with Tape.open(tmp_path / "names.tape") as tape:
        assert all(pane_json(name, tape.frame(2))["not_recorded"] in {None, NOWHERE} for name in PANES)


def test_a_recording_that_was_cut_off_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A tape without an end is known up to its last event; one that is being recorded here just goes on."""
    path = str(tmp_path / "cut.tape")
    with TapeBuilder(path) as builder:
        forward(builder)
    sentence = "not recorded since event 2: the recording has no end: it was cut off, or still goes on"
    assert show.run(["--pane", "chain", path]) == 0
    printed = capsys.readouterr()
    assert printed.out.replace("\n  ", " ").startswith(f"! {sentence}")
    assert "not run yet" not in printed.out
    assert printed.err == f"gradb: {sentence}\n"
    assert events.run([path]) == 0
    assert capsys.readouterr().err == f"gradb: {sentence}\n"
    with Tape.open(path) as tape:
        assert tape.run.stopped is None
        assert all(pane_json(name, tape.frame(2))["not_recorded"] in {None, NOWHERE} for name in PANES)


def test_what_is_heard_of_the_end_of_a_recording_is_shown_at_once(lost: str) -> None:
    """While the script goes on the tape does not say it yet; a Frame drawn before is not shown again."""
    debugger = Debugger.open(lost)
    try:
        debugger.go(debugger.head)
        assert debugger.frame().cut is None
        debugger.run.stopped = Stopped(debugger.head, WHY)
        assert pane_json("output", debugger.frame())["not_recorded"] == debugger.run.stopped.text
    finally:
        debugger.close()
