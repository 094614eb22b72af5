"""Which events of a tape speak of something: those in whose details there is a text, found without reading any."""

from __future__ import annotations

from collections.abc import Iterator

from gradb.tape.database import Database, TapeError
from gradb.tape.packing import MOST, PackingError, Unpacked

_STRETCH = 2048


class Mentions:
    """Looks through the details of one tape."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of(self, text: str, low: int, high: int, direction: int) -> Iterator[int]:
        """Yield the events low..high in whose details there is a text, in ascending (1) or descending (-1) order.

        Raises:
            TapeError: the tape is damaged there.
        """
        for first in range(low, high + 1, _STRETCH)[::direction]:
            last = min(first + _STRETCH - 1, high)
            packed = {seq for seq in self._packed(text.encode(), first, last) if first <= seq <= last}
            yield from sorted(packed | self._apart(text, first, last), reverse=direction < 0)

    def _packed(self, text: bytes, first: int, last: int) -> Iterator[int]:
        query = "SELECT first, packed FROM block WHERE first BETWEEN ? AND ? ORDER BY first LIMIT ?"
        for begin, packed in self._db.all(query, first - MOST + 1, last, _STRETCH + MOST):
            try:
                yield from (begin + index for index in Unpacked(packed).mentioning(text))
            except (PackingError, TypeError) as error:
                raise TapeError(f"{self._db.name} is damaged at event {begin} and those after it: {error}.") from error

    def _apart(self, text: str, first: int, last: int) -> set[int]:
        """Return the same of events that are kept apart; where one is, the block does not count."""
        query = "SELECT event FROM apart WHERE event BETWEEN ? AND ? AND instr(detail, ?) LIMIT ?"
        return {int(seq) for (seq,) in self._db.all(query, first, last, text, _STRETCH)}
