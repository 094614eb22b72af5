"""The files that a script has written, as facts of its run."""

from __future__ import annotations

from pathlib import Path

from gradb.frame.reader import Tape
from gradb.tape.writer import TapeWriter
from gradb.tape.written import MOST, Write, Writes, facts


def _read(path: Path, *told: dict[str, str]) -> Writes:
    writer = TapeWriter(path)
    for some in told:
        writer.set_run(**some)
    writer.close()
    with Tape.open(path) as tape:
        return tape.writes


def test_writes_survive(tmp_path: Path) -> None:
    """What was told bit by bit is read back in order, with how many there are beyond."""
    one, two = Write("/a/\udcff", "opened", was_there=True), Write("/b", "folder", was_there=False)
    assert _read(tmp_path / "t.tape", facts(0, [one], 0), facts(1, [two], 3)) == Writes((one, two), 3)


def test_nothing_told_is_nothing_written(tmp_path: Path) -> None:
    """A run that has done nothing to files has no such facts."""
    assert facts(0, [], 0) == {}
    assert _read(tmp_path / "t.tape") == Writes()


def test_damage_is_passed_over(tmp_path: Path) -> None:
    """A made-up tape can say anything there: only what is a write counts, and no more than are ever kept."""
    sound = facts(2, [Write("/a", "moved", was_there=False)], 0)
    strange = {"wrote_0000": "[", "wrote_0001": '[["/b", "eaten", true], ["/c", "opened", 1], 3]', "wrote_more": "-x"}
    assert _read(tmp_path / "t.tape", strange, sound) == Writes((Write("/a", "moved", was_there=False),))
    many = [Write(f"/{number}", "opened", was_there=False) for number in range(MOST)]
    assert len(_read(tmp_path / "u.tape", facts(0, many, 0), facts(MOST, many, 0)).kept) == MOST


def test_they_hide_no_other_fact(tmp_path: Path) -> None:
    """However many there are, what else is known of the run is found."""
    writer = TapeWriter(tmp_path / "t.tape")
    for number in range(MOST):
        writer.set_run(**facts(number, [Write(f"/{number}", "opened", was_there=False)], 0))
    writer.set_run(zuletzt="1", script="train.py", status="finished")
    writer.close()
    with Tape.open(tmp_path / "t.tape") as tape:
        assert (tape.run.script, tape.run.status, len(tape.writes.kept)) == ("train.py", "finished", MOST)
