"""Which iteration `relive` asks for, and how one comes there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gradb.batch.script import prepare
from gradb.batch.show import Style
from gradb.debugger.checkpoints.pool import Pool
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.living import arrive, wanted
from gradb.debugger.rerun.relived import Relived
from gradb.debugger.run import Run
from gradb.frame.called import Place
from gradb.link.spec import RunSpec
from tests.fakes.again import lived_again, watched_run
from tests.fakes.examples import watched
from tests.fakes.waiting import FakeLine, FakeWaiting


@pytest.fixture
def debugger(tmp_path: Path) -> Iterator[Debugger]:
    """Return a debugger of 100 iterations, of which the first three and the last three are in full."""
    watched(tmp_path / "x.tape")
    debugger = Debugger.open(str(tmp_path / "x.tape"))
    yield debugger
    debugger.close()


def test_the_iteration_that_is_meant(debugger: Debugger) -> None:
    """That of the argument, with or without the sign of iterations, else that of the position."""
    path = debugger.run.path
    assert [wanted(debugger, text).iteration for text in ("50", "@50", " @ 50 ")] == [50, 50, 50]
    assert wanted(debugger, "2").found == Relived(path, 2, 1, 3)
    for position in (debugger.head - 1, debugger.head):  # behind the last step it is the last one
        debugger.go(position)
        assert (wanted(debugger, "").iteration, wanted(debugger, "50").found) == (100, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the position is in no iteration yet: say which"),
        ("101", "there is no iteration 101: .* has iterations 1 to 100"),
        ("0", "'0' is not an iteration"),
        ("3000x", "is not an iteration"),
    ],
)
def test_what_is_none(debugger: Debugger, text: str, said: str) -> None:
    """One sentence says so."""
    with pytest.raises(UserError, match=said):
        wanted(debugger, text)


def test_a_command_script_has_nothing_run_that_the_tape_does_not_tell_of(debugger: Debugger) -> None:
    """It goes to what is in full; for the rest the script would have to be run, of which this tape has no more."""
    said: list[str] = []
    prepare("relive 99").run(debugger, Style(), said.append)
    here = debugger.event()
    assert here is not None
    assert here.iteration == 99
    assert "".join(said) == "iteration 99 is in full as it is recorded\n"
    with pytest.raises(UserError, match="was recorded in an unknown folder, which is not here"):
        prepare("relive 50").run(debugger, Style(), said.append)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Debugger]:
    """Return a debugger of 12 watched iterations, beside which nothing lies yet."""
    watched_run(tmp_path / "y.tape")
    debugger = Debugger.open(str(tmp_path / "y.tape"))
    yield debugger
    debugger.close()


def test_an_iteration_in_full_is_so_from_its_first_event_on(opened: Debugger) -> None:
    """Its leaves may be seen before the event that says from where on all is recorded."""
    found = lived_again(Path(opened.run.path), 7)
    opened.put_in_place([found])
    opened.go(Place(1, found.first))
    event = opened.event()
    assert event is not None
    assert event.kind == "leaf"
    assert opened.frame().training.depth is None
    opened.go(1)
    assert opened.frame().training.depth is not None


@pytest.mark.parametrize(("kind", "there"), [("loss", "backward_start"), ("step", "step"), ("output", "")])
def test_one_arrives_where_one_stood(opened: Debugger, kind: str, there: str) -> None:
    """At a loss or a step that was watched it is that very one in full, else the first event."""
    assert opened.run.tape is not None
    seq = next(each.seq for each in opened.run.tape.events() if each.iteration == 7 and each.kind == kind)
    opened.go(seq)
    asked = wanted(opened, "6" if kind == "output" else "")
    found = lived_again(Path(opened.run.path), asked.iteration)
    statement, said = arrive(opened, asked, found)
    assert said == f"iteration {asked.iteration} is in full here, from y.relived/{asked.iteration}.tape"
    prepare(statement).run(opened, Style(), lambda _: None)
    here = opened.event()
    assert here is not None
    assert here.iteration == asked.iteration
    assert here.kind == there if there else statement == "goto 6:1"
    assert wanted(opened, "").found == found
    assert arrive(opened, asked, found) == ("", f"iteration {asked.iteration} is in full here already")


def test_a_command_script_goes_to_what_was_lived_again(opened: Debugger) -> None:
    """Though it lies there only since the tape was opened."""
    lived_again(Path(opened.run.path), 7)
    said: list[str] = []
    prepare("relive 7").run(opened, Style(), said.append)
    assert opened.name(opened.position) == "7:1"


class LiveRun(Run):
    """A recorded run that is taken for one that is held at its last event."""

    is_live = True


@pytest.mark.parametrize(
    ("waiting", "iteration", "is_running", "said"),
    [
        ((16, 30), "40", False, ""),
        ((16, 30), "2", False, ""),
        ((16, 30), "40", True, "the script is running: pause it first"),
        ((16, 30), "100", False, ""),
        ((16, 30), "101", False, "there is no iteration 101"),
        ((50,), "40", False, "no checkpoint waits before iteration 40, and from its start a script is run again only"),
        ((), "40", False, "no checkpoint waits before iteration 40"),
    ],
)
def test_a_script_that_is_not_over(
    tmp_path: Path,
    waiting: tuple[int, ...],
    iteration: str,
    is_running: bool,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a checkpoint waits an iteration that is over is lived again beside it; what is in full is so anyway."""
    watched(tmp_path / "x.tape")
    run = LiveRun(str(tmp_path / "x.tape"))
    run.settle()
    run.spec, run.is_running = RunSpec("train.py", ""), is_running
    run.checkpoints = Pool(FakeLine([FakeWaiting(one) for one in waiting]), 4, clock=lambda: -1.0)
    run.checkpoints.look()
    debugger = Debugger(run)
    if said:
        with pytest.raises(UserError, match=said):
            wanted(debugger, iteration)
        return
    asked = wanted(debugger, iteration)
    assert (asked.found is None) is (iteration == "40")
    assert asked.has_checkpoint is (iteration != "2")
    assert asked.reach == 0
    with pytest.raises(UserError, match="only once it has come to its end"):
        asked.first()
    monkeypatch.setattr(Debugger, "iteration", 40)
    with pytest.raises(UserError, match="iteration 40 is not over yet"):
        wanted(debugger, "40")
