"""What goes on from a checkpoint: its order, what is compared of it, and what is said of how it came out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gradb.debugger.checkpoints.pool import Pool
from gradb.debugger.debugger import Debugger
from gradb.debugger.living import wanted
from gradb.debugger.rerun.again import Again, error_of
from gradb.debugger.rerun.attempts import attempt
from gradb.debugger.rerun.begun import Begun
from gradb.debugger.rerun.comparison import Comparison, Difference, compare
from gradb.debugger.rerun.origin import changes
from gradb.debugger.rerun.reliving import beginning
from gradb.link.spec import Intervention, RunSpec
from tests.fakes import examples
from tests.fakes.waiting import FakeLine, FakeWaiting
from tests.unit.debugger.rerun.conftest import MakeTape
from tests.unit.debugger.rerun.test_noticing import _losses

_FROM = Begun(2812, 9000)
_KILLED = (
    "the checkpoint at iteration 2,812, or what went on from it, was killed by SIGKILL (short of memory, perhaps):"
    " iteration 3,001 was its last"
)


def _again(comparison: Comparison, reached: int = 3001, tried: str = "", status: str = "ended") -> Again:
    return Again("", 3000, 2999, 3001, reached, status, comparison, (), checkpoint=_FROM, tried=tried)


@pytest.mark.parametrize(
    ("again", "text"),
    [
        (
            _again(Comparison(570, 3001, None)),
            "the script did the same: 570 numbers of iterations 2,812 to 3,001 are equal bit for bit",
        ),
        (
            _again(Comparison(20, 2820, Difference("loss", 2820, 1.0, 2.0))),
            "the script did not do the same: loss of iteration 2,820 was 1.0 and is 2.0",
        ),
        (
            _again(Comparison(20, 2820, None), 2820, "would have had a.txt opened for writing (train.py:40)"),
            "the script would have had a.txt opened for writing (train.py:40), which it may not there",
        ),
        (
            _again(Comparison(20, 2820, None), 2820, status="exit code 1"),
            "the script did not come to iteration 3,000: iteration 2,820 was its last, and it ended: exit code 1",
        ),
        (
            _again(Comparison(20, 3001, None), 3001, status="killed by SIGKILL"),
            _KILLED,
        ),
    ],
)
def test_what_is_said_of_it(again: Again, text: str) -> None:
    """One sentence, and no reasons that lie before the checkpoint."""
    assert again.sentences == [text if text == _KILLED else f"from the checkpoint at iteration 2,812, {text}"]
    assert again.has_repeated == ("did the same" in text)


def test_what_is_compared() -> None:
    """What came before the checkpoint is a copy, and so no proof of anything."""
    first, again = [_losses(1.0, 2.0, 3.0, 4.0)], [_losses(9.0, 2.0, 3.0, 4.0)]
    assert compare(first, again, 4).difference is not None
    assert compare(first, again, 4, begin=2) == Comparison(3, 4, None)
    assert compare(first, again, 1, begin=2) == Comparison(0, 0, None)


def test_where_it_may_begin(tmp_path: Path) -> None:
    """At a checkpoint that is not after what is to be in full; among the first iterations there is none."""
    examples.watched(tmp_path / "x.tape")
    assert beginning(str(tmp_path / "x.tape"), 50) == 49
    assert beginning(str(tmp_path / "x.tape"), 50, 5) == 45
    assert beginning(str(tmp_path / "x.tape"), 10) == 1


def test_what_was_changed_after_the_checkpoint(tmp_path: Path) -> None:
    """What was before is in force there already."""
    examples.training(tmp_path / "x.tape", 40, off_at=30)
    debugger = Debugger.open(str(tmp_path / "x.tape"))
    assert debugger.run.tape is not None
    (mark,) = (mark for mark in debugger.frame().training.marks if mark.what == "zero_grad")
    assert changes(debugger.run.tape) == (Intervention("zero_grad", "off", 30),)
    assert changes(debugger.run.tape, mark.event - 1) == changes(debugger.run.tape)
    assert changes(debugger.run.tape, mark.event) == ()
    debugger.close()


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (json.dumps(["/a/x.txt", "opened", "/a/t.py", 7]), "would have had /a/x.txt opened for writing (t.py:7)"),
        (json.dumps(["/a/x\n.txt", "removed", None, None]), "would have had /a/x\\n.txt removed"),
        (json.dumps(["/a/x.txt", "eaten", "", 0]), "would have had /a/x.txt changed"),
        ("", ""),
        ("[1]", ""),
        ("[", ""),
        (json.dumps([1, 2, 3, 4]), ""),
    ],
)
def test_what_it_tried(make_tape: MakeTape, fact: str, text: str) -> None:
    """As its tape tells it, which may be anybody's."""
    tape = make_tape(tried=fact)
    assert (attempt(tape), error_of(tape)) == (text, "")


def test_one_that_is_of_no_use(tmp_path: Path) -> None:
    """It is said why; nothing is kept, and nothing left behind."""
    examples.watched(tmp_path / "y.tape")
    debugger = Debugger.open(str(tmp_path / "y.tape"))
    near = FakeWaiting(30)
    pool = Pool(FakeLine([FakeWaiting(16), near, FakeWaiting(50)]), 4, clock=lambda: -1.0)
    pool.look()
    debugger.run.checkpoints, debugger.run.spec = pool, RunSpec("train.py", "")
    assert [wanted(debugger, text).has_checkpoint for text in ("16", "17", "40")] == [False, True, True]
    opened = wanted(debugger, "40").go_on()
    assert opened.relived is None
    assert opened.sentences == ["the checkpoint at iteration 30 is of no use: there is none"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["y.tape"]
    debugger.close()
    assert near.is_gone
