"""The checkpoints of one run that wait: they come over a line, and are let go where they are too many or too large.

They outlive the script, and end with ``close``. How one is gone on from it must not know.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from gradb.algebra.figures import bytes_text
from gradb.debugger.checkpoints.memory import available_bytes, private_bytes
from gradb.debugger.checkpoints.thinning import least_missed_first
from gradb.debugger.checkpoints.waiting import Line, Waiting
from gradb.link.checkpoints import Said
from gradb.link.messages import FIRST_AFTER
from gradb.present.options import Checkpoints

BOUND = 384 << 20
"""Bytes that all may hold beside the script; the newest alone may hold more, up to its share of what is free."""
_SHARE = 4
_EVERY = 0.25
"""Seconds between two measurements, of one checkpoint each."""


class Pool:
    """What waits of one run. ``nearest`` may be asked on any thread, the rest belongs to one.

    Args:
        line: over which they come; None: there are none.
        most: how many are kept at most; 0: none.
        ask: tells the script's process how many are wanted.
        measure: returns the bytes that a process holds alone, None where it is gone.
        free: returns the bytes that can be had, None where that is not known.
        clock: tells the seconds.
    """

    def __init__(
        self,
        line: Line | None = None,
        most: int = 0,
        ask: Callable[[int], object] = lambda most: None,
        measure: Callable[[int], int | None] = private_bytes,
        free: Callable[[], int | None] = available_bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most, self._is_now = most, False
        self._line, self._ask = line, ask
        self._measure, self._free, self._clock = measure, free, clock
        self._waiting: list[Waiting] = []  # in the order of their iterations
        self._used: list[Waiting] = []
        self._lock = threading.RLock()
        self._sizes: dict[int, int] = {}
        self._measured: dict[int, float] = {}
        self._has_ended = False
        self._fresh: tuple[Waiting, int] | None = None  # what was measured last
        self._due = 0.0
        self._made, self._spent, self._refusal = 0, 0.0, ""
        self._told: set[str] = set()
        self._news: list[str] = []

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    @property
    def is_kept(self) -> bool:
        """True where checkpoints are wanted, or some wait."""
        return bool(self.most or self._waiting)

    @property
    def is_heard(self) -> bool:
        """True where there is a line over which they could come."""
        return self._line is not None

    @property
    def standing(self) -> Checkpoints:
        """What there is of them."""
        places = tuple((one.iteration, one.head) for one in self._waiting)
        due = FIRST_AFTER if self.is_heard and not self._is_now else 0.0
        return Checkpoints(self.most, places, sum(self._sizes.values()), self._made, self._spent, self._refusal, due)

    # --- what comes ---------------------------------------------------------------------------------------------------

    def look(self) -> bool:
        """Take in what has come, and let go of what is too much, without waiting; return whether anything changed."""
        if self._line is None:
            return False
        known = self.standing
        for one in self._line.take():
            if isinstance(one, Said):
                self._refuse(one.why)
            else:
                self._add(one)
        self._let_go_of_more()
        if self._waiting and self._clock() >= self._due:
            self._due = self._clock() + _EVERY
            self._weigh()
        return self.standing != known

    def _add(self, one: Waiting) -> None:
        self._made += 1
        self._spent += one.price + one.copied
        self._refusal = ""
        with self._lock:
            self._waiting = sorted([*self._waiting, one], key=lambda each: each.iteration)

    def _let_go_of_more(self) -> None:
        """Let go of those that are too many."""
        with self._lock:
            while len(self._waiting) > self.most and self._let_go_of_one():
                pass

    def _refuse(self, why: str) -> None:
        self._refusal = why
        self._say(f"no checkpoint can be made: {why}")

    def _weigh(self) -> None:
        """Measure the one that was measured longest ago, and keep all of them within bounds.

        What it holds alone counts once the script has lived on for a while: at its end all of its memory is theirs.
        """
        one = min(self._waiting, key=lambda each: self._measured.get(each.number, 0.0))
        found = self._measure(one.pid)
        self._measured[one.number] = self._clock()
        with self._lock:
            if found is None:
                self._let_go(one)
                self._say(f"a checkpoint has ended by itself: that at iteration {one.iteration:,}")
                return
            before, self._fresh = self._fresh, (one, found)
            is_over = self._has_ended or self._line is None or self._line.is_over
            if is_over or before is None or before[0] not in self._waiting:
                return
            self._sizes[before[0].number] = before[1]
            while sum(self._sizes.values()) > BOUND and len(self._waiting) > 1 and self._let_go_of_one():
                pass
            self._weigh_last()

    def _weigh_last(self) -> None:
        """Give up where a checkpoint alone is too large."""
        free, held = self._free(), sum(self._sizes.values())
        if len(self._waiting) == 1 and held > BOUND and free is not None and held > free // _SHARE:
            self._say(f"no checkpoints are kept: one holds {bytes_text(held)}, and {bytes_text(free)} are free")
            self.keep(0)

    def _let_go_of_one(self) -> bool:
        """Let go of the one that is missed least, but of none that is used; return whether there was one."""
        kept = [one for one in self._waiting if one not in self._used and not one.is_used]
        if not kept:
            return False
        order = least_missed_first([one.iteration for one in self._waiting])
        self._let_go(next(self._waiting[index] for index in order if self._waiting[index] in kept))
        return True

    def _let_go(self, one: Waiting) -> None:
        self._waiting = [each for each in self._waiting if each is not one]
        self._sizes.pop(one.number, None)
        self._measured.pop(one.number, None)
        one.close()

    def script_ends(self) -> None:
        """Measure no more: the script comes to its end, and all of its memory is theirs then."""
        self._has_ended, self._fresh = True, None

    # --- what is asked ------------------------------------------------------------------------------------------------

    def keep(self, most: int) -> None:
        """Have at most so many kept from here on; 0: those that wait go too."""
        self.most, self._is_now = most, most > 0
        self._ask(most)
        self._let_go_of_more()

    def before(self, iteration: int) -> Waiting | None:
        """Return the nearest from which all of an iteration can be seen; None where there is none."""
        return max(
            (one for one in self._waiting if one.iteration <= iteration and not one.is_gone),
            key=lambda one: one.iteration,
            default=None,
        )

    @contextlib.contextmanager
    def nearest(self, iteration: int) -> Iterator[Waiting | None]:
        """Give the same, which is not let go meanwhile."""
        with self._lock:
            found = self.before(iteration)
            self._used += [found] if found is not None else []
        try:
            yield found
        finally:
            if found is not None:
                with self._lock:
                    self._used.remove(found)

    def take_news(self) -> list[str]:
        """Return, once, what there is to say: each reason for a refusal is said one time."""
        news, self._news = self._news, []
        return news

    def _say(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            self._news.append(sentence)

    def close(self) -> None:
        """Let all of them go; safe to call twice."""
        if self._line is not None:
            self._line.close()
            self._line = None
        for one in self._waiting:
            one.close()
        self._waiting = []
        self._sizes.clear()
