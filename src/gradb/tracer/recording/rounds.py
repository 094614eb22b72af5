"""The rounds in which several steppers (optimizers, or updates by hand) take turns, found out from who stepped when.

A round is what lies between one step of its first member and the next one of it that others have stepped before:
``A B``, ``A A A B``, ``P1 P2 P3``. At most one of its members steps more than once in a row; where two do, as in 5 of
A, then 5 of B, each step counts for itself. Knows nothing but keys and counts.
"""

from __future__ import annotations

_MOST_RUNS = 1000
_MOST_ALONE = 5
"""So often may one step before another joins it in the first round; after that each step was an iteration."""
_MOST_UNSETTLED = 12
"""So many steps may the first two rounds have before they are taken for settled as they are."""

Run = list[int]
"""[key, how often it stepped in a row]"""


class Rounds:
    """Tells with which step an iteration is over."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._closer: int | None = None
        """Who ends the iteration; None where each step does."""
        self._times = 1
        """How often the closer steps in a round."""
        self._members: set[int] = set()
        self._count = 0
        """Steps of the closer in this iteration."""
        self._ends: list[int] = []
        """For each step so far, while nothing is settled: whether (1) an iteration was ended with it, or not (0)."""
        self._unsettled = 0
        """Steps so far that had a backward of their own, while nothing is settled."""
        self._alone = 0
        """While the first round is not over, but looks as if it were: how often its first member stepped in it."""
        self.is_settled = False
        self.now: dict[int, None] = {}
        """Who stepped in this iteration, in order."""
        self.merged: tuple[int, ...] = ()
        """Set when the first round turns out to be one: the numbers that iterations 1, 2 ... are to have instead."""

    @property
    def has_steps(self) -> bool:
        """True once anybody has stepped."""
        return bool(self._runs)

    def has_stepped(self, key: int) -> bool:
        """Tell whether somebody has stepped, of late at least."""
        return any(run[0] == key for run in self._runs)

    @property
    def members(self) -> frozenset[int]:
        """Who takes turns in a round."""
        return frozenset(self._members)

    @property
    def is_open(self) -> bool:
        """True while others have stepped after the first one, and it is not known yet whether that was a round."""
        return self._alone > 0 or (not self.is_settled and self._closer is None and len(self._runs) > 1)

    def forget(self, key: int) -> None:
        """Forget an optimizer that is gone; another may get its key."""
        self.now.pop(key, None)
        self._members.discard(key)
        for run in self._runs:
            if run[0] == key:
                run[0] = -1

    def begin(self) -> None:
        """Take note that the next iteration begins."""
        self.now = {}
        self._count = 0

    def comes_back(self, key: int) -> bool:
        """Tell whether a step is the first of the next round, though the one before was not seen to be over."""
        return self._closer is not None and key != self._closer and key in self.now and self._runs[-1][0] != key

    def step(self, key: int, *, has_backward: bool) -> bool:
        """Take note of a step; return whether the iteration is over with it."""
        if self._runs and self._runs[-1][0] == key:
            self._runs[-1][1] += 1
            if self.is_settled and self._closer is None:  # nobody else has stepped since its last one
                self.now[key] = None
                return True
        else:
            self._look_back(key)
            self._runs.append([key, 1])
            del self._runs[:-_MOST_RUNS]
        is_first = not self.now
        self.now[key] = None
        is_over = self._judge(key, has_backward, is_first)
        self._settle(is_over, has_backward)
        return is_over

    def _judge(self, key: int, has_backward: bool, is_first: bool) -> bool:
        if self._closer is None:
            return self._alone_steps(key, has_backward)
        if key == self._closer:
            self._count += 1
            return self._count >= self._times
        if key not in self._members:
            self._members.add(key)
            if has_backward and is_first and self.is_settled:  # a phase of its own
                self._closer, self._members = None, {key}
                return True
            self._closer, self._times, self._count = key, 1, 0
            if not self.is_settled:
                self._merge_all()
                return True
        return False

    def _alone_steps(self, key: int, has_backward: bool) -> bool:
        """Judge a step where each has ended an iteration so far."""
        runs = self._runs
        is_second = not self.is_settled and len(runs) == 2 and runs[0][1] == 1 and runs[1][1] == 1
        joins = len(runs) > 1 and runs[-1][1] == 1 and not has_backward
        if is_second or joins:
            self._members = {runs[-2][0], key}
            self._closer, self._times, self._count = key, 1, 0
            if self.is_settled:
                return False
            self._merge_all()
        return True

    def _look_back(self, key: int) -> None:
        """Find the round that is over when somebody steps again whom others have followed."""
        if self.now and self._closer is not None:
            return
        at = next((at for at in range(len(self._runs) - 1, -1, -1) if self._runs[at][0] == key), None)
        if at is None:
            return
        period = self._runs[at:]
        if sum(count > 1 for _, count in period) > 1:
            self._closer, self._members = None, {one for one, _ in period}
            return
        self._members = {one for one, _ in period}
        self._closer, self._times = period[-1][0], period[-1][1]
        if not self.is_settled and at == 0 and not self._alone:
            self._alone = self._runs[0][1]
            if self._alone == 1:
                self._close(0)

    def _settle(self, is_over: bool, has_backward: bool) -> None:
        if self.is_settled:
            return
        self._ends.append(int(is_over))
        self._unsettled += has_backward
        if self._alone and is_over:  # the second round: what it is tells what the first was
            second = next((count for one, count in reversed(self._runs[1:]) if one == self._runs[0][0]), 0)
            self._close(max(self._alone - second, 0))
        elif not self._alone and self._is_phase():
            self.is_settled = True
        elif self._unsettled > _MOST_UNSETTLED:
            self.is_settled, self._alone = True, 0

    def _is_phase(self) -> bool:
        """Tell whether what was stepped so far can be no round."""
        counts = [count for _, count in self._runs]
        return (len(counts) == 1 and counts[0] > _MOST_ALONE) or sum(count > 1 for count in counts) > 1

    def _close(self, singles: int) -> None:
        """Settle the first round: after so many single steps it is one iteration."""
        self.is_settled, is_late = True, self._alone > 1
        self._alone = 0
        steps = sum(count for _, count in self._runs) if is_late else 0
        first = len(self._ends) if not is_late else self._first_round_ends(steps)
        count = sum(self._ends[:first])
        numbers = [*range(1, singles + 1), *[singles + 1] * (count - singles), singles + 2]
        self.merged = tuple(numbers)

    def _first_round_ends(self, steps: int) -> int:
        """Return how many steps there were before the first member came back."""
        seen, first = 0, self._runs[0][0]
        for one, count in self._runs:
            if one == first and seen:
                return seen
            seen += count
        return seen

    def _merge_all(self) -> None:
        """Say that all so far is one iteration."""
        count = sum(self._ends)
        if count:
            self.merged = tuple([1] * (count + 1))
            self._ends = [0] * len(self._ends)
