"""Iterations that were lived again: what lies beside a tape, and what is put there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradb.cli.tapes import output
from gradb.debugger.errors import UserError
from gradb.debugger.rerun import reliving
from gradb.debugger.rerun.again import Again
from gradb.debugger.rerun.comparison import Comparison, Difference
from gradb.debugger.rerun.consent import Consent
from gradb.debugger.rerun.relived import (
    Relived,
    beside,
    folder_of,
    identity,
    identity_so_far,
    meant,
    passed_over,
    there,
)
from gradb.debugger.rerun.watched import Watched
from gradb.debugger.rerun.workshop import workshop
from gradb.frame.reader import Tape
from gradb.link.spec import RunSpec
from gradb.tape import lineage
from gradb.tape.lineage import Lineage
from tests.fakes.examples import training, watched
from tests.fakes.recording import Recording

_CONSENT = Consent("python train.py", "/", "", (), 0, is_from_tape=False)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """Return the tape of a run of 100 iterations, of which 1 to 3 and 98 to 100 are in full."""
    path = tmp_path / "x.tape"
    watched(path)
    return path


def _place(first: Path, iteration: int, reach: int = 1, *, run: str | None = None, named: int = 0) -> Path:
    """Put the tape of an iteration beside a first one."""
    path = folder_of(first) / f"{named or iteration}.tape"
    path.parent.mkdir(exist_ok=True)
    watched(path)
    with Tape.open(first) as tape:
        of = identity(tape) if run is None else run
    lineage.write(path, Lineage(of, first.name, iteration, iteration - reach, iteration + reach))
    return path


def test_where_they_lie() -> None:
    """In a folder beside the tape, which is called after it."""
    assert folder_of("/runs/x.tape") == Path("/runs/x.relived")
    assert folder_of("/runs/x.y.tape") == Path("/runs/x.y.relived")
    assert folder_of("x.db") == Path("x.db.relived")


def test_what_lies_beside_a_tape(first: Path) -> None:
    """Those of its run, in order; the folder may have been moved with the tape, and a copy is of the same run."""
    with Tape.open(first) as tape:
        assert beside(tape) == ()
    paths = [str(_place(first, iteration)) for iteration in (50, 9, 51)]
    moved = first.parent / "elsewhere"
    moved.mkdir()
    shutil.copytree(folder_of(first), folder_of(moved / "y.tape"))
    shutil.copy(first, moved / "y.tape")
    with Tape.open(first) as tape, Tape.open(moved / "y.tape") as copy:
        found = beside(tape)
        assert found == (Relived(paths[1], 9, 8, 10), Relived(paths[0], 50, 49, 51), Relived(paths[2], 51, 50, 52))
        assert passed_over(tape) == ()
        assert [one.iteration for one in beside(copy)] == [9, 50, 51]
    assert [one.iteration if (one := meant(found, seen)) else 0 for seen in (7, 8, 49, 50, 51, 52, 53)] == [
        0, 9, 50, 50, 51, 51, 0
    ]  # fmt: skip


def test_what_is_no_iteration_of_it_is_passed_over(first: Path) -> None:
    """Another run's, one under a wrong name, one that tells nothing, one that is cut off, and what is no tape."""
    _place(first, 50, run="another")
    _place(first, 60, named=61)
    watched(folder_of(first) / "70.tape")
    with Recording(folder_of(first) / "75.tape") as half:
        half.loss("loss", 1.0)
    with Tape.open(first) as tape:
        lineage.write(folder_of(first) / "75.tape", Lineage(identity(tape), "x.tape", 75, 74, 76))
    (folder_of(first) / "80.tape").write_text("nothing\n")
    (folder_of(first) / ".90.tape").write_text("hidden\n")
    (folder_of(first) / "notes.txt").write_text("the user's own\n")
    with Tape.open(first) as tape:
        assert beside(tape) == ()
        said = passed_over(tape)
    assert len(said) == 3
    strange = f"in {folder_of(first)} 50.tape, 61.tape, 70.tape are not of the run in {first}: they are passed over"
    assert said[0] == strange
    assert "75.tape is not whole" in said[1]
    assert "80.tape" in said[2]


def test_many_of_another_run_are_told_in_one_sentence(first: Path) -> None:
    """Whoever records a tape anew elsewhere and puts it there is not told of each."""
    for iteration in range(50, 56):
        _place(first, iteration, run="another")
    with Tape.open(first) as tape:
        (said,) = passed_over(tape)
    assert "50.tape, 51.tape, 52.tape and 3 more are not of the run" in said


def test_a_tape_that_was_recorded_anew_has_none(first: Path) -> None:
    """It is another run, even where its script is the same."""
    _place(first, 50)
    first.unlink()
    watched(first, 99)
    with Tape.open(first) as tape:
        assert beside(tape) == ()
        assert "50.tape is not of the run" in passed_over(tape)[0]


def test_recording_anew_takes_what_was_lived_again_with_it(first: Path) -> None:
    """It can be of no run any more; what is none of gradb's stays, and so does the folder then."""
    _place(first, 50)
    (folder_of(first) / "60.tape").write_text("nothing\n")
    with output(str(first)):
        assert [one.name for one in folder_of(first).iterdir()] == ["60.tape"]
    (folder_of(first) / "60.tape").unlink()
    watched(first)
    _place(first, 50)
    with output(str(first)):
        assert not folder_of(first).exists()


@pytest.mark.parametrize(
    "text", [None, "", "[", "{}", "[1,2,3,4,5]", '["a","b",3,4,5]', '["a","b",3,0,5]', '["a","b",true,1,5]', '["a"]']
)
def test_a_damaged_lineage_is_none(text: str | None) -> None:
    """What stands on a tape is a stranger's word."""
    assert lineage.read(text) is None


@pytest.mark.parametrize(
    ("iteration", "why"), [(0, "there is no iteration 0: .* has iterations 1 to 100"), (101, "no iteration 101")]
)
def test_what_is_refused_before_anything_is_run(first: Path, iteration: int, why: str) -> None:
    """There has to be such an iteration."""
    with pytest.raises(UserError, match=why):
        reliving.known(str(first), iteration)


def test_what_is_in_full_as_it_is(first: Path) -> None:
    """The tape itself has it; an iteration in which the depth has changed is not known to be whole."""
    with Tape.open(first) as tape:
        assert [one for one in range(1, 101) if reliving.whole(tape, one)] == [1, 2, 3, 99, 100]
    assert reliving.known(str(first), 2) == Relived(str(first), 2, 1, 3)
    assert reliving.known(str(first), 2, 1) == Relived(str(first), 2, 1, 3)
    assert reliving.known(str(first), 100, 1) == Relived(str(first), 100, 99, 100)
    assert reliving.known(str(first), 2, 2) is None
    assert reliving.known(str(first), 98) is None


def test_a_run_without_numbers_is_refused(tmp_path: Path) -> None:
    """Nothing would tell whether a run again does the same."""
    with Recording(tmp_path / "x.tape") as recording:
        recording.set_depth("watch")
        recording.end()
    with pytest.raises(UserError, match="has no loss and no gradient norm"):
        reliving.known(str(tmp_path / "x.tape"), 1)


def test_what_was_lived_again_is_not_lived_again(first: Path) -> None:
    """It is the first tape from which others are opened."""
    with pytest.raises(UserError, match=r"those of x\.tape: open others from"):
        reliving.known(str(_place(first, 50)), 50)


# --- living again -----------------------------------------------------------------------------------------------------

Run = Callable[..., Again]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Stand in for the run again: what it leaves is in full throughout; return what was asked of it."""
    asked: list[tuple[int, int]] = []

    def around(first: Watched, iteration: int, folder: str, *, reach: int, **_: Any) -> Again:
        asked.append((iteration, reach))
        path = Path(folder) / "again.tape"
        last = min(iteration + reach, 100)
        training(path, last)
        return Again(str(path), iteration, 1, last, last, "ended", Comparison(2 * last, last, None), ())

    monkeypatch.setattr(reliving, "around", around)
    return asked


def _watched(path: Path) -> Watched:
    return Watched(RunSpec("train.py", ""), str(path), "finished", 0, None, _CONSENT)


def test_an_iteration_is_put_beside_its_tape(first: Path, runs: list[tuple[int, int]]) -> None:
    """It bears its lineage, nothing else is left, and the first tape stays as it is, byte for byte."""
    before = first.read_bytes()
    opened = reliving.relive(_watched(first), 50, is_agreed=True)
    path = folder_of(first) / "50.tape"
    assert opened.relived == Relived(str(path), 50, 1, 51)
    assert opened.sentences[-1] == f"iterations 1 to 51 are in full in {path}"
    assert [one.name for one in folder_of(first).iterdir()] == ["50.tape"]
    assert first.read_bytes() == before
    with Tape.open(first) as tape:
        assert beside(tape) == (opened.relived,)
    assert runs == [(50, 1)]


def test_what_is_there_is_not_made_again(first: Path, runs: list[tuple[int, int]]) -> None:
    """Whichever tape has it, unless more is asked for than that has."""
    path = _place(first, 50)
    known = Relived(str(path), 50, 49, 51)
    for iteration, reach in ((50, None), (50, 1), (51, None), (51, 0)):
        opened = reliving.relive(_watched(first), iteration, reach, is_agreed=True)
        assert (opened.again, opened.relived) == (None, known)
    assert opened.sentences == [f"iterations 49 to 51 are in full in {path}: nothing had to be run"]
    reliving.relive(_watched(first), 50, 2, is_agreed=True)
    assert runs == [(50, 2)]
    with Tape.open(first) as tape:
        assert there(tape, 97, 5) is None


def test_what_was_made_of_another_run_of_that_name_is_replaced(first: Path, runs: list[tuple[int, int]]) -> None:
    """A tape of an older run of the same name goes; what is anything else stays, and nothing is run."""
    path = _place(first, 50, run="an older one")
    opened = reliving.relive(_watched(first), 50, is_agreed=True)
    assert opened.again is not None
    assert opened.relived is not None
    path.write_text("the user's own\n")
    with pytest.raises(UserError, match=r"50\.tape is there already, and was not made of x\.tape: move it away"):
        reliving.relive(_watched(first), 50, is_agreed=True)
    assert path.read_text() == "the user's own\n"
    assert len(runs) == 1


def test_a_run_that_did_not_repeat_leaves_nothing(first: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the folder, and neither does one that was broken off."""
    difference = Difference("loss", 7, 1.0, 2.0)

    def around(first: Watched, iteration: int, folder: str, **_: Any) -> Again:
        (Path(folder) / "again.tape").write_text("")
        return Again(f"{folder}/again.tape", iteration, 1, 51, 51, "ended", Comparison(6, 7, difference), ())

    monkeypatch.setattr(reliving, "around", around)
    opened = reliving.relive(_watched(first), 50, is_agreed=True)
    assert opened.relived is None
    assert "loss of iteration 7 was 1.0 and is 2.0" in opened.sentences[0]
    assert opened.sentences[-1] == "so nothing of it is kept"
    assert not folder_of(first).exists()

    def broken(*_: Any, **__: Any) -> Again:
        raise KeyboardInterrupt

    monkeypatch.setattr(reliving, "around", broken)
    with pytest.raises(KeyboardInterrupt):
        reliving.relive(_watched(first), 50, is_agreed=True)
    assert not folder_of(first).exists()


def test_what_was_not_recorded_in_full_is_not_kept(first: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the tape became too large on the way the iteration is not whole, and that is said."""

    def around(first: Watched, iteration: int, folder: str, **_: Any) -> Again:
        path = Path(folder) / "again.tape"
        with Recording(path) as recording:
            for number in range(1, 52):
                recording.iteration = number
                if number == 49:
                    recording.set_depth("watch", "the tape has reached its limit of 10 bytes")
                recording.loss("loss", 1.0)
            recording.end()
        return Again(str(path), iteration, 1, 51, 51, "ended", Comparison(51, 51, None), ())

    monkeypatch.setattr(reliving, "around", around)
    opened = reliving.relive(_watched(first), 50, is_agreed=True)
    assert opened.relived is None
    assert opened.sentences[-1] == "but it is not kept: the tape has reached its limit of 10 bytes"
    assert not folder_of(first).exists()


def test_what_a_killed_one_has_left_is_swept_away(first: Path, runs: list[tuple[int, int]]) -> None:
    """Its hidden folder goes with the next; one that is at work keeps its own, which is locked."""
    left = folder_of(first) / ".again-left"
    left.mkdir(parents=True)
    (left / "lock").touch()
    with workshop(folder_of(first)) as busy:
        reliving.relive(_watched(first), 50, is_agreed=True)
        assert Path(busy).is_dir()
    assert [one.name for one in folder_of(first).iterdir()] == ["50.tape"]


def test_a_folder_that_cannot_be_made(first: Path, runs: list[tuple[int, int]]) -> None:
    """One sentence says so, and nothing is run."""
    folder_of(first).write_text("in the way\n")
    with pytest.raises(UserError, match=r"cannot write .*x\.relived: "):
        reliving.relive(_watched(first), 50, is_agreed=True)
    assert not runs


def test_one_that_was_lived_while_the_run_went_on(first: Path) -> None:
    """It is of that run by what was recorded by then, whatever came after it; another beginning is another run."""
    with Tape.open(first) as tape:
        half = identity_so_far(tape, tape.head // 2)
        _place(first, 20, run=half)
        _place(first, 30, run=half.replace(":", ":0", 1))
        _place(first, 40, run=f"{tape.head + 1}:{half.partition(':')[2]}")
        _place(first, 50, run=identity_so_far(tape))
        assert [one.iteration for one in beside(tape)] == [20, 50]
    with Tape.open(_place(first, 60)) as other:
        assert identity_so_far(other, other.head // 2) == half
    training(first.parent / "y.tape", 100)
    with Tape.open(first.parent / "y.tape") as another:
        assert identity_so_far(another, int(half.partition(":")[0])) != half
