"""A run is judged a little at a time, and what was found stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.judging import Judging
from gradb.frame.reader import Tape
from gradb.present.panes.findings import judged_text
from tests.fakes import examples
from tests.unit.debugger.conftest import carry_out
from tests.unit.diagnosis.rows import alone


@pytest.fixture(autouse=True)
def _table() -> Iterator[None]:
    with alone("G901", "G903", "G951"):
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Twenty iterations."""
    examples.training(tmp_path / "train.tape", 20)
    return tmp_path / "train.tape"


@pytest.fixture
def tape(path: Path) -> Iterator[Tape]:
    """Its tape."""
    with Tape.open(path, is_over=True) as opened:
        yield opened


def test_little_by_little_comes_to_the_same(tape: Tape) -> None:
    """However little time there is, each look judges something, and the last knows what one of all at once knows."""
    slow, fast = Judging(), Judging()
    seen = []
    while not slow.look(tape, 0.0):
        assert slow.judged is not None
        seen.append(slow.judged.position)
    assert len(seen) > 3
    assert seen == sorted(set(seen))
    assert fast.look(tape)
    assert slow.judged == fast.judged


def test_what_was_found_is_the_same_however_far_is_judged(tape: Tape) -> None:
    """At a position that was judged, nothing changes when more is."""
    judging = Judging()
    judging.look(tape, 0.0)
    first = judging.judged
    assert first is not None
    judging.look(tape)
    assert judging.judged is not None
    assert judging.judged.until(first.position) == first.until(first.position) != ()
    assert judging.judged.later(first.position) == 0


def test_a_tape_that_is_opened_anew_is_judged_anew(tape: Tape, path: Path) -> None:
    """What was found stays until as much is judged again."""
    judging = Judging()
    judging.look(tape)
    whole = judging.judged
    assert whole is not None
    with Tape.open(path, is_over=True) as again:
        judging.look(again, 0.0)
        assert judging.judged == whole
        judging.look(again)
        assert judging.judged == whole


def test_hints_are_left_to_the_check(path: Path) -> None:
    """And without a screen all of the tape is judged when that is asked for."""
    debugger = Debugger.open(str(path))
    try:
        judged = debugger.judged()
        assert judged is not None
        assert (judged.judged, [code for code, _ in judged.unjudged]) == (("G901",), ["G903"])
        assert judged.position == debugger.head
    finally:
        debugger.close()


def test_hints_are_judged_when_asked_for(path: Path) -> None:
    """They are off at first, which the pane says, and `hints` judges them too, or no more."""
    with closing(Debugger.open(str(path))) as debugger:
        plain = debugger.judged()
        assert plain is not None
        assert (plain.hints_off, "G951" in plain.judged) == (1, False)
        assert "1 hint off (`hints`)" in judged_text(plain, debugger.frame())
        assert "judged too" in (carry_out(debugger, "hints") or "")
        both = debugger.judged()
        assert both is not None
        assert (both.hints_off, "G951" in both.judged) == (0, True)
        assert "off" not in judged_text(both, debugger.frame())
        carry_out(debugger, "hints off")
        assert debugger.judged() == plain
        with pytest.raises(UserError, match="`hints` takes on, off or nothing, not 'perhaps'"):
            carry_out(debugger, "hints perhaps")
