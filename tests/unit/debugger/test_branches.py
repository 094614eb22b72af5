"""Branches without torch: where one begins, how it comes there, what is refused, and what is told of the runs."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gradb.debugger.branches.beside import beside, first_of, folder_of, identity, number_of
from gradb.debugger.branches.family import Family
from gradb.debugger.branches.making import Made, wanted
from gradb.debugger.branches.moments import Moment, moment_of
from gradb.debugger.branches.planned import planned_of
from gradb.debugger.branches.reaching import Turn
from gradb.debugger.branches.routes import Route
from gradb.debugger.branches.telling import kin, listed
from gradb.debugger.debugger import Debugger
from gradb.debugger.places import read_place
from gradb.debugger.run import Run
from gradb.frame.called import Place
from gradb.frame.reader import Tape
from gradb.link.spec import Intervention, RunSpec
from gradb.tape import branching, runfacts
from gradb.tape.branching import Origin
from tests.fakes.again import lived_again, watched_run
from tests.unit.conftest import Tapes

# --- moments ----------------------------------------------------------------------------------------------------------


def test_a_moment_is_told_by_steps_backwards_and_calls(tapes: Tapes) -> None:
    """They rise with the position, and what only some recordings have moves nothing."""
    with Tape.open(tapes("training")) as tape:
        moments = [moment_of(tape, position) for position in range(tape.head + 1)]
        told = [(one.steps, one.begins, one.events) for one in moments]
        assert told == sorted(told)
        assert moments[0] == Moment()
        steps = [event.seq for event in tape.events() if event.kind == "step"]
        assert [moments[seq].steps for seq in steps] == [*range(1, len(steps) + 1)]
        outputs = [event.seq for event in tape.events() if event.kind == "output"]
        assert all(moments[seq] == moments[seq - 1] for seq in outputs)


def test_the_insides_of_a_step_make_no_moment(tapes: Tapes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only who steps through an optimizer has them on the tape."""
    with Tape.open(tapes("chain_rule")) as tape:
        op = next(event for event in tape.events() if event.kind == "op")
        assert moment_of(tape, op.seq) != moment_of(tape, op.seq - 1)
        inside = replace(op, phase="optimizer")
        monkeypatch.setattr(tape, "events", lambda first, last: iter([inside] if first <= op.seq <= last else []))
        assert moment_of(tape, op.seq) == moment_of(tape, op.seq - 1)


def test_the_moment_of_an_iteration_lived_again(tmp_path: Path) -> None:
    """It is the one of the run that it is of: of what goes before that tape has the steps."""
    first = tmp_path / "y.tape"
    watched_run(first)
    lived = lived_again(first, 7)
    with Tape.open(first) as tape, Tape.open(lived.path) as again:
        begin = next(event.seq for event in again.events() if event.iteration == 7)
        step = next(event.seq for event in tape.events() if event.iteration == 7)
        found = moment_of(again, begin, begin, moment_of(tape, step - 1))
        assert (found.steps, found.begins) == (6, 0)


# --- one is made ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("place", "told"), [((1, 6), "14"), ((12, 6), "6:11"), ((1, 7), "6:17"), ((8, 7), "7:8")])
def test_a_branch_off_an_iteration_lived_again(tmp_path: Path, place: tuple[int, int], told: str) -> None:
    """It is told of the event that both runs have, right behind which something is changed, and of its iteration."""
    first = tmp_path / "y.tape"
    watched_run(first)
    lived_again(first, 7)
    debugger = Debugger.open(str(first))
    try:
        debugger.go(Place(*place))
        found = wanted(debugger, "lr 0.5").place
        assert found.after is not None
        assert (found.name, found.iteration, found.within) == (told, found.after.iteration, place[1])
        debugger.go(read_place(found.name) or 0)
        event = debugger.event()
        assert event is not None
        assert (event.kind, event.name, event.iteration) == (found.after.kind, found.after.name, found.iteration)
        again = wanted(debugger, "lr 0.5").place
        assert (again.name, again.after) == (found.name, found.after)
    finally:
        debugger.close()


@pytest.mark.parametrize(
    ("text", "planned"),
    [
        ('[["lr","1e-4",300],["zero_grad","off",5]]', [("lr", "1e-4", 300), ("zero_grad", "off", 5)]),
        ('[["lr","x",3],["record","full",3],["lr","1",0],["lr","1",true],7,["lr"],["up","1",1]]', []),
        ("{}", []),
        ("[" * 9999, []),
    ],
)
def test_what_a_tape_says_was_planned(
    tmp_path: Path, tapes: Tapes, text: str, planned: list[tuple[str, str, int]]
) -> None:
    """Changes that are of the form; a stranger's word else."""
    shutil.copy(tapes("training"), path := tmp_path / "x.tape")
    with closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO run VALUES('planned', ?)", (text,))
        db.commit()
    with Tape.open(path) as tape:
        assert [(one.what, one.value, one.iteration) for one in planned_of(tape) if one.what != "record"] == planned


# --- the family -------------------------------------------------------------------------------------------------------


# --- files ------------------------------------------------------------------------------------------------------------


def _branch(first: Path, number: int, of: str, example: Path, origin: Origin | None = None) -> Path:
    path = folder_of(first) / f"{number}.tape"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(example.read_bytes())
    branching.write(path, origin or Origin(of, first.name, "7", 1, 7, "lr", "0.5", 3))
    return path


def test_what_lies_beside_a_tape(tmp_path: Path, tapes: Tapes) -> None:
    """Branches of its run, and of those; not what is another's, damaged, or was not begun."""
    first = tmp_path / "x.tape"
    first.write_bytes(tapes("training").read_bytes())
    with Tape.open(first) as tape:
        run = identity(tape)
    one = _branch(first, 1, run, tapes("chain_rule"))
    with Tape.open(one) as tape:
        _branch(first, 2, identity(tape), tapes("accumulation"))
    _branch(first, 3, "another", tapes("lesson"))
    (folder_of(first) / "4.tape").write_bytes(tapes("lesson").read_bytes())
    (folder_of(first) / "5.tape").write_text("no tape")
    (folder_of(first) / "notes.txt").touch()
    assert [found.number for found in beside(first)] == [1, 2]
    assert [found.number for found in beside(one)] == [1, 2]
    assert (number_of(one), first_of(one), number_of(first), first_of(first)) == (1, first, 0, first)
    debugger = Debugger.open(str(one))
    try:
        family = Family(debugger)
        family.find()
        assert [(row.key, row.is_here) for row in listed(family)] == [("0", False), ("1", True), ("2", False)]
        assert family.go("0").run.path == str(first)
        family.close(debugger)
    finally:
        debugger.close()


def test_a_branch_of_a_branch_names_its_whole_way(tmp_path: Path, tapes: Tapes) -> None:
    """What was changed before is what makes it another run too; a tape of the same name is not taken for another's."""
    first = tmp_path / "x.tape"
    first.write_bytes(tapes("training").read_bytes())
    with Tape.open(first) as tape:
        run = identity(tape)
    ways = ((1, "x.tape", 2, "zero_grad", "off"), (2, "1.tape", 1_200, "lr", "0.5"), (3, "2.tape", 0, "lr", "1"))
    for number, of, iteration, what, value in ways:
        _branch(first, number, run, tapes("training"), Origin(run, of, "7", iteration, 7, what, value, 3))
    told = [
        "the first run",
        "branch 1: zero_grad off from iteration 2",
        "branch 2: zero_grad off from iteration 2, lr 0.5 from 1,200",
        "branch 3: zero_grad off from iteration 2, lr 0.5 from 1,200, lr 1 from the start",
    ]
    debugger = Debugger.open(str(first))
    try:
        family = Family(debugger)
        family.find()
        assert [row.label for row in listed(family)] == told
        assert [one.name for one in kin(family).others] == ["branch 1", "branch 2", "branch 3"]
        family.close(debugger)
    finally:
        debugger.close()
    (folder_of(first) / "1.tape").unlink()
    debugger = Debugger.open(str(first))
    try:
        family = Family(debugger)
        family.find()
        assert listed(family)[1].label == "branch 2: lr 0.5 from iteration 1,200 of 1.tape"
        family.close(debugger)
    finally:
        debugger.close()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        '["a", "b", "c", 1, 1, "lr", "1", true]',
        '["a", "b", "c", -1, 1, "lr", "1", 0]',
        "[" * 9999,
        "x",
    ],
)
def test_a_strangers_word_is_no_origin(text: str) -> None:
    """What is not of the form is none."""
    assert branching.read(text) is None


def test_an_origin_is_read_back(tmp_path: Path, tapes: Tapes) -> None:
    """As it was written."""
    path = tmp_path / "x.tape"
    path.write_bytes(tapes("training").read_bytes())
    origin = Origin("run", "x.tape", "3000:17", 3000, 41, "zero_grad", "off", 12)
    branching.write(path, origin)
    with Tape.open(path) as tape:
        assert branching.read(tape.fact(branching.KEY)) == origin


def test_the_order_is_that_of_the_first_run() -> None:
    """All is recorded as it was."""
    from gradb.debugger.rerun.orders import branching as order

    spec = RunSpec("t.py", "a.tape", probe="always", aten=True, seed=3, passes_output=True)
    made = order(spec, (), "7")
    assert (made.probe, made.aten, made.seed, made.passes_output) == ("always", True, 3, False)
    assert (made.is_paused_at_start, made.hash_seed, made.interventions) == (True, 7, ())


# --- from a checkpoint ------------------------------------------------------------------------------------------------


def test_the_rest_of_a_route() -> None:
    """What was changed by the checkpoint is in force there; how much is recorded is said where it is another."""
    turns = tuple(Turn(Moment(steps), Intervention("lr", str(steps)), 10 * steps) for steps in (1, 5))
    depths = tuple(Intervention("record", value, at) for value, at in (("watch", 1), ("full", 3), ("watch", 9)))
    route = Route(Moment(7), turns, (Intervention("zero_grad", "off"),), depths)
    rest = route.behind(20, 4, "watch")
    assert (rest.first, rest.turns) == ((), turns[1:])
    assert rest.depths == (Intervention("record", "full", 4), depths[2])
    assert route.behind(20, 4, "full").depths == depths[2:]


def test_one_that_would_have_written(tapes: Tapes, tmp_path: Path) -> None:
    """The list says so, of a recording too, and once it is news: with what makes it from the start."""
    shutil.copy(tapes("training"), first := tmp_path / "x.tape")
    (folder := folder_of(first)).mkdir()
    shutil.copy(first, branch := folder / "1.tape")
    with Tape.open(first) as tape:
        origin = Origin(identity(tape), "x.tape", "7", 2, 7, "lr", "0.5", 3)
    branching.write(branch, origin)
    runfacts.put(branch, "tried", ["/a/model.pt", "opened", "/a/train.py", 9])
    told = "it would have had model.pt opened for writing (train.py:9)"
    ended = "ended at train.py:9: model.pt would have been opened for writing"
    family = Family(Debugger.open(str(first)))
    family.find()
    assert [row.status for row in listed(family)] == ["finished", ended]
    assert family.take_news() == ""
    family = Family(Debugger.open(str(first)))
    family.add(Made(Run.open(str(branch)), origin, "from here on"))
    assert family.here.status == ended
    family.go("0")
    assert family.take_news() == (
        f"branch 1 was ended: {told}; what goes on from a checkpoint may write no file:"
        " `branches 0; goto 7; branch lr 0.5 anew` runs the script from its start"
    )
    assert family.take_news() == ""
    family.close()
