"""The newest event of a kind up to a position: one query for each stretch between two events of the kind.

What is kept is exact: of events that others follow no number and no kind becomes another one. It does not know what
the kinds mean.
"""

from __future__ import annotations

from bisect import bisect_right

from gradb.tape.database import Database

_KEPT = 4096  # stretches of one kind

_NEWEST = "SELECT max(seq) FROM event WHERE kind = ? AND seq <= ?"
_AND_NEXT = f"SELECT ({_NEWEST}), (SELECT min(seq) FROM event WHERE kind = ? AND seq > ?)"


class Newest:
    """Answers for one tape, by the numbers of kinds."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._stretches: dict[int, tuple[list[int], list[int]]] = {}
        """Of each kind where stretches begin (an event of it, or 0 before the first), and up to where each holds."""

    def kept(self, code: int, position: int) -> int | None:
        """Return the newest event of a kind up to a position, 0 where there is none; None where it is not kept."""
        firsts, lasts = self._stretches.setdefault(code, ([], []))
        at = bisect_right(firsts, position) - 1
        return firsts[at] if at >= 0 and position <= lasts[at] else None

    def read(self, code: int, position: int, settled: int, *, is_indexed: bool) -> int:
        """Ask the tape for the same, and keep it.

        Args:
            code: the number of the kind.
            position: up to which event.
            settled: the last event that stays what it is.
            is_indexed: the next event of the kind is found without a look at all that follow.

        Raises:
            TapeError: the tape is damaged.
        """
        if is_indexed:
            row = self._db.one(_AND_NEXT, code, position, code, position)
            newest, following = row or (None, None)
            last = settled if following is None else min(int(following) - 1, settled)
        else:
            row = self._db.one(_NEWEST, code, position)
            newest, last = None if row is None else row[0], min(position, settled)
        first = 0 if newest is None else int(newest)
        if first <= last:
            self._keep(code, first, last)
        return first

    def _keep(self, code: int, first: int, last: int) -> None:
        firsts, lasts = self._stretches.setdefault(code, ([], []))
        at = bisect_right(firsts, first) - 1
        if at >= 0 and firsts[at] == first:
            lasts[at] = max(lasts[at], last)
            return
        if len(firsts) >= _KEPT:
            firsts.clear()
            lasts.clear()
            at = -1
        firsts.insert(at + 1, first)
        lasts.insert(at + 1, last)
