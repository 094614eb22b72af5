"""Branches from where a script stands or has been."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gradb.debugger.branches.beside import folder_of
from gradb.debugger.branches.family import Family
from gradb.debugger.branches.making import Made, wanted
from gradb.debugger.branches.telling import kin, listed, place_told
from gradb.debugger.checkpoints.pool import Pool
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import CheckpointLost, UserError
from gradb.debugger.ghost import Ghost
from gradb.frame.reader import Tape
from gradb.link.spec import Intervention
from gradb.tape.written import Write, Writes
from tests.fakes import DEBUGGEE
from tests.fakes.waiting import FakeLine, FakeWaiting
from tests.processes.debugger.conftest import PATIENCE, Live
from tests.unit.conftest import Tapes

Makes = Callable[[Debugger, str], Made]


@pytest.fixture
def makes() -> Iterator[Makes]:
    """Return a function that makes the branch which an argument asks for; its run is closed in the end."""
    made: list[Made] = []

    def make(debugger: Debugger, argument: str) -> Made:
        made.append(wanted(debugger, argument).run())
        return made[-1]

    yield make
    for one in made:
        one.run.close()


def test_a_branch_begins_where_one_stands(live: Live, makes: Makes) -> None:
    """It is held right after the change, which is its next event; the first run stays as it is."""
    debugger = live("training")
    debugger.go(12)
    assert debugger.wait(PATIENCE)
    debugger.go(7)
    made = makes(debugger, "lr 0.5")
    assert made.run.is_live
    assert not made.run.is_running
    assert made.run.head == 8
    assert made.run.tape is not None
    assert [made.run.tape.event(seq).kind for seq in range(1, 8)] == [
        debugger.recorded().event(seq).kind for seq in range(1, 8)
    ]
    assert made.run.tape.event(8).kind == "intervention"
    assert made.run.path == str(folder_of(debugger.run.path) / "1.tape")
    assert (made.origin.place, made.origin.event, made.origin.what, made.origin.value) == ("7", 7, "lr", "0.5")
    assert made.said.startswith("from iteration 1; the loss before it is equal bit for bit")
    assert "(right after event 7: " in made.said
    assert (debugger.position, debugger.head) == (7, 12)


def test_what_only_some_recordings_have_is_passed_over(live: Live, makes: Makes) -> None:
    """The change comes right after the call before what was printed, and that is what is told."""
    debugger = live("chain_rule")
    debugger.run_to_end()
    assert debugger.wait(PATIENCE)
    output = next(event.seq for event in debugger.recorded().events() if event.kind == "output")
    debugger.go(output)
    made = makes(debugger, "lr 0.5")
    before = debugger.recorded().event(output - 1)
    assert (made.origin.place, made.origin.event, made.run.head) == (str(output - 1), output - 1, output)
    assert made.said.endswith(f"(right after event {output - 1}: {before.kind} {before.name}, line {before.line})")


@pytest.mark.parametrize("position", [0, 7])
def test_what_was_planned_for_later_comes_too(live: Live, makes: Makes, position: int) -> None:
    """At its iteration; what was planned for before was made, and what is changed by hand after the place is not."""
    debugger = live("training")
    assert debugger.run.spec is not None
    planned = tuple(Intervention("lr", value, at) for value, at in (("0.1", 1), ("0.2", 2), ("0.4", 3)))
    debugger.intervene(planned[0])
    debugger.go(20)
    assert debugger.wait(PATIENCE)
    debugger.intervene(Intervention("zero_grad", "off"))
    debugger.run_to_end()
    assert debugger.wait(PATIENCE)
    debugger.run.spec = replace(debugger.run.spec, interventions=planned)
    debugger.go(position)
    branch = Debugger(makes(debugger, "lr 0.5").run)
    branch.run_to_end()
    assert branch.wait(PATIENCE)
    marks = [(mark.value, mark.iteration) for mark in branch.frame().training.marks]
    assert marks == [("0.1", 1), ("0.5", 1), ("0.2", 2), ("0.4", 3)]


def test_where_the_numbers_differ_there_is_no_branch(live: Live, tapes: Tapes, tmp_path: Path, makes: Makes) -> None:
    """It is said which and where; nothing of it is left."""
    debugger = live("training")
    debugger.run_to_end()
    assert debugger.wait(PATIENCE)
    debugger.go(30)
    debugger.run.command = (sys.executable, DEBUGGEE, str(tapes("nonfinite")))
    with pytest.raises(UserError, match="no branch: run again, the script did not do the same: "):
        makes(debugger, "zero_grad off")
    assert not folder_of(debugger.run.path).exists()


def test_a_run_that_ends_before_the_place_makes_no_branch(live: Live, tapes: Tapes, makes: Makes) -> None:
    """So it is said."""
    debugger = live("training")
    debugger.run_to_end()
    assert debugger.wait(PATIENCE)
    debugger.go(debugger.head - 1)
    debugger.run.command = (sys.executable, DEBUGGEE, str(tapes("training")), "exit=20")
    with pytest.raises(UserError, match=r"no branch: .* it has ended: exit code 3"):
        makes(debugger, "zero_grad off")


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("", "starts a run from here with something changed"),
        ("record watch", "a branch changes zero_grad or lr, not 'record'"),
        ("zero_grad", "say what zero_grad is set to: script, off or on"),
        ("lr -1", "'-1' is not what the learning rate can be set to"),
        ("lr 1@7", "a branch begins at the position"),
    ],
)
def test_what_is_no_change_is_refused(live: Live, argument: str, told: str) -> None:
    """With what would be one."""
    with pytest.raises(UserError, match=told):
        wanted(live("training"), argument)


def test_the_end_has_no_future(live: Live) -> None:
    """A branch begins before it."""
    debugger = live("training")
    debugger.run_to_end()
    assert debugger.wait(PATIENCE)
    with pytest.raises(UserError, match="the script is over here"):
        wanted(debugger, "lr 1")


def test_who_wrote_files_is_asked_for(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script of the user's own is run again unasked only where its first run wrote nothing."""
    asked = wanted(live("training"), "lr 1")
    assert not asked.consent().is_needed
    writes = Writes((Write("/log.txt", "opened", was_there=True),), 0)
    monkeypatch.setattr(Tape, "writes", writes)
    consent = asked.consent()
    assert consent.is_needed
    assert not consent.is_from_tape


def test_one_goes_to_and_fro(live: Live, makes: Makes) -> None:
    """Each run keeps its own position; breakpoints and displays are those of all."""
    debugger = live("training")
    debugger.go(20)
    assert debugger.wait(PATIENCE)
    debugger.go(7)
    debugger.displays.add("loss")
    family = Family(debugger)
    branch = family.add(makes(debugger, "zero_grad off"))
    assert family.current is branch
    assert (branch.position, branch.displays, branch.breakpoints) == (8, debugger.displays, debugger.breakpoints)
    assert [(row.key, row.is_here) for row in listed(family)] == [("0", False), ("1", True)]
    assert kin(family).number == 1
    assert place_told(family).startswith("branch 1: zero_grad off from iteration 1, at event 8 (paused)")
    assert family.go("0") is debugger
    assert debugger.position == 7
    assert [(one.number, one.change) for one in kin(family).others] == [(1, "zero_grad off")]
    with pytest.raises(UserError, match="there is no '3' among the runs: 0 is the first run, 1 is branch 1"):
        family.go("3")
    family.close(debugger)
    assert not branch.is_live


def test_a_ghost_is_a_branch_from_the_start(live: Live) -> None:
    """It is listed as such, and can be gone to; where it is let go of, one is with the first run again."""
    debugger = live("training")
    ghost = Ghost.launch(debugger)
    try:
        family = Family(debugger)
        family.haunt(ghost)
        family.haunt(ghost)
        assert [row.label for row in listed(family)] == ["the first run", "the ghost: zero_grad off from the start"]
        assert kin(family).others == ()
        assert family.go("v").run is ghost.run
        family.haunt(None)
        assert family.current is debugger
        assert len(family) == 1
    finally:
        ghost.close()


def _with_checkpoints(debugger: Debugger, *iterations: int) -> Pool:
    """Have checkpoints wait of a run, at the beginnings of some iterations."""
    assert debugger.tape is not None
    events = list(debugger.tape.events())
    heads = [next((event.seq - 1 for event in events if event.iteration == one), 1) for one in iterations]
    some = [FakeWaiting(one, head) for one, head in zip(iterations, heads, strict=True)]
    pool = Pool(FakeLine([*some]), 4, clock=lambda: -1.0)
    pool.look()
    debugger.run.checkpoints = pool
    return pool


def test_the_nearest_checkpoint_is_taken(live: Live) -> None:
    """It is not after the iteration of the position; with `anew` none is, and where there is none that is said."""
    debugger = live("training")
    debugger.run_to_end()
    assert debugger.wait(PATIENCE)
    pool = _with_checkpoints(debugger, 2)
    seq = next(event.seq for event in debugger.recorded().events() if event.iteration == 2)
    debugger.go(seq)
    asked = wanted(debugger, "lr 0.5")
    assert (asked.has_checkpoint, asked.why) == (True, "")
    assert not wanted(debugger, "lr 0.5 anew").has_checkpoint
    with pytest.raises(CheckpointLost, match="the checkpoint at iteration 2 is of no use: there is none"):
        asked.go_on()
    assert not folder_of(debugger.run.path).exists()
    lost = asked.from_start("the checkpoint is of no use")
    assert (lost.has_checkpoint, lost.why) == (False, "the checkpoint is of no use")
    debugger.go(1)
    early = wanted(debugger, "lr 0.5")
    assert (early.has_checkpoint, early.why) == (False, "no checkpoint waits before it")
    pool.keep(0)
    assert wanted(debugger, "lr 0.5").why == ""


def test_why_it_is_run_from_its_start(live: Live, makes: Makes) -> None:
    """It is said of the branch, and before what has to be agreed to."""
    debugger = live("training")
    debugger.run_to_end()
    assert debugger.wait(PATIENCE)
    _with_checkpoints(debugger, 3)
    debugger.go(3)
    assert wanted(debugger, "lr 0.5").consent().lines()[0] == "No checkpoint waits before it."
    assert makes(debugger, "lr 0.5").said.endswith("; run from its start: no checkpoint waits before it")


def test_one_whose_run_was_killed(live: Live, tapes: Tapes, makes: Makes) -> None:
    """That is no difference of the script's."""
    debugger = live("training")
    debugger.run_to_end()
    assert debugger.wait(PATIENCE)
    debugger.go(debugger.head - 1)
    debugger.run.command = (sys.executable, DEBUGGEE, str(tapes("training")), "kill=20")
    with pytest.raises(UserError, match=r"^no branch: run again, the script was killed by SIGKILL \(short of memory"):
        makes(debugger, "zero_grad off")
    assert not folder_of(debugger.run.path).exists()
