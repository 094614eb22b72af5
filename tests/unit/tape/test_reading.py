from __future__ import annotations

import contextlib
import math
from pathlib import Path

import pytest

from gradb.frame.build import MAX_OUTPUTS
from gradb.frame.cache import Cache
from gradb.frame.leaves import Leaves
from gradb.frame.reader import Tape
from gradb.tape.database import TapeError
from gradb.tape.kinds.leaf import LeafDetail
from gradb.tape.writer import TapeWriter
from tests.fakes import TapeBuilder
from tests.unit.tape.conftest import Opener
from tests.unit.tape.pictures import numbers


def test_events_by_range(chain_rule: Tape) -> None:
    """Events are read in order, both ends included, and never past the head."""
    assert [event.seq for event in chain_rule.events()] == list(range(1, 20))
    assert [event.seq for event in chain_rule.events(5, 7)] == [5, 6, 7]
    assert [event.seq for event in chain_rule.events(-3, 2)] == [1, 2]
    assert [event.seq for event in chain_rule.events(19, 400)] == [19]
    assert list(chain_rule.events(20)) == []


def test_one_event(chain_rule: Tape) -> None:
    """A header and a detail by number; a number that is not there is a TapeError."""
    assert (chain_rule.event(1).kind, chain_rule.event(1).name) == ("leaf", "a")
    assert isinstance(chain_rule.detail(1), LeafDetail)
    for missing in (0, 20, -1, 2**70):
        with pytest.raises(TapeError):
            chain_rule.event(missing)
        with pytest.raises(TapeError):
            chain_rule.detail(missing)


def test_values_of_variables(chain_rule: Tape) -> None:
    """A variable has the value that was recorded last, from the event on that named it."""
    assert numbers(chain_rule.lookup("d", 19)) == [49, 81, 121, 169]
    assert chain_rule.lookup("d", 3) is None
    assert chain_rule.lookup("nobody", 19) is None
    assert chain_rule.grad("a", 15) is None
    assert numbers(chain_rule.grad("a", 16)) == [28, 36, 44, 52]
    assert chain_rule.grad("d", 19) is None
    assert chain_rule.grad("nobody", 19) is None


def test_values_follow_steps(opener: Opener) -> None:
    """A parameter's value changes with each optimizer step, and back again."""
    tape = opener("training")
    steps = [event.seq for event in tape.events() if event.kind == "step"]
    before, after = tape.lookup("w", steps[0] - 1), tape.lookup("w", steps[0])
    assert numbers(before) == [1.0, 2.0]
    assert numbers(after) == pytest.approx([0.82, 1.99])
    assert tape.grad("w", steps[0]) is not None


def test_series(tmp_path: Path) -> None:
    """A series is read as far as it is recorded, NaN and infinities included, and a reader sees it grow."""
    path = tmp_path / "t.tape"
    with TapeBuilder(path) as builder, Tape.open(path) as tape:
        assert not list(tape.series)
        for item in (1.5, math.nan, math.inf):
            builder.point("loss", "out", item, builder.output("x"), line=7)
        builder.commit()
        (early,) = tape.series
        builder.point("loss", "out", 2.0, builder.output("x"), line=7)
        builder.point("grad_norm", "SGD", 3.0, builder.output("x"))
        builder.commit()
        loss, norm = tape.series
        assert (loss.kind, loss.label, loss.count, early.count, norm.label) == ("loss", "out:7", 4, 3, "SGD")
        assert repr(list(loss.values)) == "[1.5, nan, inf, 2.0]"
        assert (loss.first_nonfinite, norm.first_nonfinite) == (1, None)
        assert [loss.latest(position) for position in (0, 1, 4)] == [None, 1.5, 2.0]
        assert [loss.until(position) for position in (0, 1, 2, 9)] == [0, 1, 2, 4]
        assert early.latest(9) == math.inf


def test_only_the_newest_outputs_are_in_a_frame(tmp_path: Path) -> None:
    """A Frame holds the newest 500 outputs and says how many came before, in whatever order it is asked."""
    path = tmp_path / "t.tape"
    with TapeBuilder(path) as builder:
        for number in range(MAX_OUTPUTS + 30):
            builder.output(f"{number}\n")
    with Tape.open(path) as tape:
        for position, dropped in ((530, 30), (500, 0), (510, 10), (529, 29), (3, 0), (0, 0)):
            frame = tape.frame(position)
            assert frame.outputs_dropped == dropped
            assert [line.event for line in frame.outputs] == list(range(dropped + 1, position + 1))


def test_leaves_are_limited_to_the_first(tmp_path: Path) -> None:
    """A script that makes leaves for ever does not make Frames slow: the first of them are shown."""
    path = tmp_path / "t.tape"
    with TapeBuilder(path) as builder:
        for number in range(Leaves.MAX + 5):
            builder.leaf(f"w{number}", [1.0])
    with Tape.open(path) as tape:
        assert [buffer.name for buffer in tape.frame(3).grads] == ["w0", "w1", "w2"]
        assert len(tape.frame(tape.head).grads) == Leaves.MAX


def test_source_lines_are_counted_as_python_counts_them(tmp_path: Path) -> None:
    """Form feeds and Unicode separators end no line; all three line ends do."""
    path = tmp_path / "t.tape"
    with TapeBuilder(path, "s.py", "a\x0cb\u2028c\r\nd\re\n\n") as builder:
        builder.leaf("a", [1.0], line=2)
    with Tape.open(path) as tape:
        source = tape.frame(1).source
        assert source is not None
        assert source.lines == ("a\x0cb\u2028c", "d", "e", "")
        assert tape.source_text("s.py") == "a\x0cb\u2028c\r\nd\re\n\n"
        assert tape.source_text("other.py") is None


def test_the_script_may_be_known_by_its_full_path(tmp_path: Path) -> None:
    """At position 0 the script's source is found by the path given or by the absolute one."""
    path = tmp_path / "t.tape"
    with TapeBuilder(path, "/home/user/s.py", "import torch\n") as builder:
        builder.set_run(script="s.py", cwd="/home/user", arguments='["--lr", "0.1"]')
    with Tape.open(path) as tape:
        source = tape.frame(0).source
        assert source is not None
        assert source.lines == ("import torch",)
        assert tape.run.arguments == ("--lr", "0.1")


def test_a_cache_forgets_what_was_longest_unused() -> None:
    """A bounded cache keeps what was used last and makes the rest again."""
    made: list[int] = []

    def make(key: int) -> int:
        made.append(key)
        return key

    cache = Cache(make, 2)
    for key in (1, 2, 1, 3, 1, 2):
        assert cache(key) == key
    assert made == [1, 2, 3, 2]
    assert len(cache) == 2
    cache.drop(2)
    cache(2)
    cache.clear()
    assert len(cache) == 0


def test_a_source_that_comes_late_is_shown(tmp_path: Path) -> None:
    """A tape that is being written may have an event, or be looked at, before it has the text of a file."""
    path = tmp_path / "run.tape"
    with contextlib.closing(TapeWriter(path)) as writer:
        writer.set_run(script="a.py")
        with Tape.open(path) as tape:
            assert tape.frame(0).source is None
            writer.source("a.py", "x = 1\n")
            writer.event("note", "gradb", (1, 1, 1, 0, 5), '["one"]', None)
            writer.commit()
            tape.refresh()
            source = tape.frame(1).source
            assert source is not None
            assert source.lines == ("x = 1",)
