"""What waits of a run: which checkpoints stay, what they may hold, and what is said of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import pytest

from gradb.debugger.checkpoints.memory import available_bytes, private_bytes
from gradb.debugger.checkpoints.pool import BOUND, Pool
from gradb.link.checkpoints import Said
from gradb.present.lines.checkpoints import price, told
from tests.fakes.waiting import FakeLine, FakeWaiting

MIB = 1 << 20


class Clock:
    """A clock that goes on by a second whenever it is looked at."""

    now = 0.0

    def __call__(self) -> float:
        """Return the seconds."""
        self.now += 1.0
        return self.now


def _pool(
    line: FakeLine,
    most: int,
    measure: Callable[[int], int | None] = lambda pid: MIB,
    free: Callable[[], int | None] = lambda: 100 * BOUND,
) -> Pool:
    return Pool(line, most, measure=measure, free=free, clock=Clock())


def _iterations(pool: Pool) -> list[int]:
    return [iteration for iteration, _ in pool.standing.places]


def test_as_many_wait_as_may() -> None:
    """One that is too many is let go, never the newest; what all have cost is known."""
    line = FakeLine()
    pool, some = _pool(line, 3), [FakeWaiting(one) for one in (100, 200, 300, 400)]
    for one in some:
        line.coming.append(one)
        assert pool.look()
    assert not pool.look() or pool.standing.size
    assert len(pool) == 3
    assert _iterations(pool)[-1] == 400
    assert [one.iteration for one in some if not one.is_gone] == _iterations(pool)
    assert pool.standing.made == 4
    assert pool.standing.spent == pytest.approx(0.08)


def test_the_nearest_is_found() -> None:
    """One that begins with an iteration, or before; the start of the run is none."""
    line = FakeLine([FakeWaiting(20), FakeWaiting(50)])
    pool = _pool(line, 3)
    pool.look()
    found = [None if (one := pool.before(at)) is None else one.iteration for at in (19, 20, 49, 50, 900)]
    assert found == [None, 20, 20, 50, 50]


def test_what_is_used_stays() -> None:
    """It is let go only once nobody uses it any more."""
    line = FakeLine([FakeWaiting(20), FakeWaiting(50)])
    pool = _pool(line, 2)
    pool.look()
    with pool.nearest(30) as one:
        assert one is not None
        assert one.iteration == 20
        pool.keep(0)
        assert _iterations(pool) == [20]
        assert not one.is_gone
    pool.keep(0)
    assert one.is_gone


def test_too_much_memory() -> None:
    """Measured one by one: the least missed go until the rest is within bounds."""
    line = FakeLine([FakeWaiting(one) for one in (100, 200, 300, 400)])
    pool = _pool(line, 8, measure=lambda pid: BOUND // 2 - MIB)
    for _ in range(8):
        pool.look()
    assert len(pool) == 2
    assert _iterations(pool)[-1] == 400
    assert pool.standing.size == BOUND - 2 * MIB


def test_one_that_is_larger_than_all_may_be() -> None:
    """It stays as long as there is plenty of memory, else none are kept, and that is said."""
    wanted: list[int] = []
    for free, kept in ((40 * BOUND, 1), (4 * BOUND, 0)):
        line = FakeLine([FakeWaiting(100), FakeWaiting(200)])
        pool = Pool(line, 4, wanted.append, lambda pid: 2 * BOUND, lambda free=free: free, Clock())  # type: ignore[misc]
        for _ in range(4):
            pool.look()
        assert len(pool) == kept
        news = pool.take_news()
        assert news == ([] if kept else ["no checkpoints are kept: one holds 768.0 MiB, and 1.5 GiB are free"])
    assert wanted == [0]


def test_what_they_held_while_the_script_lived() -> None:
    """At its end all of its memory is theirs: that does not count, nor what was measured a moment before."""
    line = FakeLine([FakeWaiting(100), FakeWaiting(200)])
    sizes = iter([MIB, 2 * MIB, 3 * BOUND, 4 * BOUND, 4 * BOUND])
    pool = _pool(line, 4, measure=lambda pid: next(sizes))
    for _ in range(3):
        pool.look()
    assert pool.standing.size == 3 * MIB
    pool.script_ends()
    for _ in range(2):
        pool.look()
    assert pool.standing.size == 3 * MIB
    assert told(pool.standing).startswith("2 of at most 4 wait (iterations 100, 200); 3.0 MiB held by them alone; ")


def test_one_that_a_branch_goes_on_from() -> None:
    """It stays as long as that does, however many are wanted, and goes then."""
    used = FakeWaiting(100, is_used=True)
    pool = _pool(FakeLine([used, FakeWaiting(200), FakeWaiting(300)]), 3)
    pool.look()
    pool.keep(1)
    pool.look()
    assert _iterations(pool) == [100]
    used.is_used = False
    pool.keep(0)
    assert used.is_gone
    assert pool.before(500) is None


def test_one_that_has_ended_by_itself() -> None:
    """It is said, once."""
    line = FakeLine([FakeWaiting(100), FakeWaiting(1200)])
    pool = _pool(line, 4, measure=lambda pid: None if pid == 1200 else MIB)
    for _ in range(3):
        pool.look()
    assert _iterations(pool) == [100]
    assert pool.take_news() == ["a checkpoint has ended by itself: that at iteration 1,200"]
    assert pool.take_news() == []


def test_a_reason_is_said_once() -> None:
    """Why none could be made is said the first time, and stands there until one can be."""
    line = FakeLine([Said("the script has a thread of its own", 30), Said("the script has a thread of its own", 60)])
    pool = _pool(line, 4)
    assert pool.look()
    assert pool.take_news() == ["no checkpoint can be made: the script has a thread of its own"]
    assert told(pool.standing).endswith("the newest could not be made: the script has a thread of its own")
    line.coming = [FakeWaiting(90), Said("another", 120), Said("the script has a thread of its own", 150)]
    pool.look()
    assert pool.take_news() == ["no checkpoint can be made: another"]
    line.coming = [FakeWaiting(180)]
    pool.look()
    assert pool.standing.refusal == ""


def test_all_go_with_it() -> None:
    """With ``close``, twice too; nothing comes after that."""
    one = FakeWaiting(100)
    line = FakeLine([one])
    pool = _pool(line, 4)
    pool.look()
    pool.close()
    pool.close()
    assert one.is_gone
    assert line.is_closed
    assert not pool.look()
    assert len(pool) == 0
    assert not Pool().look()


def test_how_many_are_wanted_is_told_to_the_script() -> None:
    """And what comes when none are is let go at once."""
    wanted: list[int] = []
    line = FakeLine()
    pool = Pool(line, 0, wanted.append)
    pool.keep(4)
    pool.keep(0)
    assert wanted == [4, 0]
    line.coming = [late := FakeWaiting(100)]
    pool.look()
    assert late.is_gone
    assert len(pool) == 0


@pytest.mark.parametrize(
    ("iterations", "text"),
    [
        ((), "none of at most 4 wait; the first comes after 1.25 s of the script's CPU time"),
        ((100,), "1 of at most 4 waits (iteration 100); 1 made, in 0.02 s of CPU time"),
        ((100, 1200), "2 of at most 4 wait (iterations 100, 1,200); 2 made, in 0.04 s of CPU time"),
        ((1, 2, 3, 4), "4 of at most 4 wait (iterations 1, 2 ... 4); 4 made, in 0.08 s of CPU time"),
    ],
)
def test_what_is_told_of_them(iterations: tuple[int, ...], text: str) -> None:
    """How many wait and where, and what they took."""
    pool = Pool(FakeLine([FakeWaiting(one) for one in iterations]), 4, clock=lambda: -1.0)
    pool.look()
    assert told(pool.standing) == text
    assert told(Pool().standing) == ""
    assert "at most 1,000" in price(1000, BOUND)
    assert "up to 384 MiB" in price(1000, BOUND)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_memory_is_what_the_kernel_says() -> None:
    """Of a process that is there; of none it is not known."""
    own, free = private_bytes(os.getpid()), available_bytes()
    assert own is not None
    assert free is not None
    assert own > MIB
    assert free > MIB
    assert private_bytes(0) is None
