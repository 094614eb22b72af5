"""Details and values of events, each by its number: out of the block that it is packed in, or where it is kept apart.

It checks what SQLite and ``packing`` give, and nothing of what a detail says.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from gradb.tape.database import Row, TapeError
from gradb.tape.packing import PackingError, Unpacked
from gradb.tape.sums import checksum

_QUERY = (
    "SELECT e.kind, a.crc, a.detail, a.data, (SELECT max(first) FROM block WHERE first <= e.seq) FROM event e"
    " LEFT JOIN apart a ON a.event = e.seq WHERE e.seq = ?"
)
_KEPT = 48
"""Blocks, of some 30 KiB each."""


class Details:
    """What a tape says of its events beside their headers; a block once written never changes.

    Args:
        one: returns the first row of a query, or None, as ``Database.one`` does.
        name: of the tape.
    """

    def __init__(self, one: Callable[..., Row | None], name: str) -> None:
        self._one = one
        self._name = name
        self._blocks: OrderedDict[int, Unpacked] = OrderedDict()

    def of(self, seq: int) -> tuple[object, str, bytes | None]:
        """Return the number of an event's kind, its detail and its data.

        Raises:
            TapeError: there is no such event, or it is damaged.
        """
        row = self._one(_QUERY, seq)
        if row is None:
            raise TapeError(f"{self._name} has no event {seq}.")
        kind, crc, detail, data, first = row
        if crc is None:
            return kind, *self._packed(seq, first)
        if type(detail) is not str or not (data is None or type(data) is bytes):
            raise TapeError(f"{self._name} is damaged at event {seq}: its detail is not text and bytes.")
        if crc != checksum(seq, detail, data):
            raise TapeError(f"{self._name} is damaged at event {seq}: its values are not those that were written.")
        return kind, detail, data

    def _packed(self, seq: int, first: Any) -> tuple[str, bytes | None]:
        block = None if first is None else self._block(first)
        detail, data = (b"", None) if block is None or seq - first >= block.count else block[seq - first]
        if not detail:
            raise TapeError(f"{self._name} is damaged at event {seq}: it has no detail.")
        try:
            return detail.decode("utf-8"), data
        except UnicodeDecodeError as error:
            raise TapeError(f"{self._name} is damaged at event {seq}: its detail is no text.") from error

    def _block(self, first: int) -> Unpacked:
        found = self._blocks.get(first)
        if found is None:
            found = self._blocks[first] = self._read(first)
            if len(self._blocks) > _KEPT:
                self._blocks.popitem(last=False)
        else:
            self._blocks.move_to_end(first)
        return found

    def _read(self, first: int) -> Unpacked:
        row = self._one("SELECT packed FROM block WHERE first = ?", first)
        try:
            if row is None or type(row[0]) is not bytes:
                raise PackingError("it is not bytes")
            return Unpacked(row[0])
        except PackingError as error:
            raise TapeError(f"{self._name} is damaged at event {first} and those after it: {error}.") from error

    def near(self, seq: int) -> tuple[range, frozenset[int], Unpacked] | None:
        """Return which events are in the block that goes up to an event or over it, which of them are kept apart, and
        the block; None where it is in none.

        Raises:
            TapeError: the block is damaged.
        """
        row = self._one("SELECT max(first) FROM block WHERE first <= ?", seq)
        if row is None or row[0] is None:
            return None
        block = self._block(row[0])
        events = range(row[0], row[0] + block.count)
        query = "SELECT group_concat(event) FROM apart WHERE event BETWEEN ? AND ?"
        apart = self._one(query, events[0], events[-1])
        return events, frozenset(map(int, str(apart[0]).split(",") if apart and apart[0] else ())), block


class Sweep:
    """Reads details of events that are near each other, of a tape that does not change meanwhile."""

    def __init__(self, details: Details) -> None:
        self._details = details
        self._near: tuple[range, frozenset[int], Unpacked] | None = None

    def of(self, seq: int) -> tuple[str, bytes | None]:
        """Return the detail of an event and its data.

        Raises:
            TapeError: there is no such event, or it is damaged.
        """
        if self._near is None or seq not in self._near[0]:
            self._near = self._details.near(seq)
        if self._near is not None and seq in self._near[0] and seq not in self._near[1]:
            detail, data = self._near[2][seq - self._near[0][0]]
            with contextlib.suppress(UnicodeDecodeError):
                if detail:
                    return detail.decode("utf-8"), data
        return self._details.of(seq)[1:]
