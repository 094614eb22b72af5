"""The leaves of a tape in the order of their appearance, and which of them backwards have left out."""

from __future__ import annotations

from gradb.frame.store import Store
from gradb.tape.database import TapeError
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.leaf import read_id
from gradb.tape.kinds.registry import CODES
from gradb.tape.wire import WireError

_TOUCHED = (
    "WITH RECURSIVE t(leaf) AS (SELECT min(tensor) FROM grad UNION ALL"
    " SELECT (SELECT min(tensor) FROM grad WHERE tensor > t.leaf) FROM t WHERE t.leaf IS NOT NULL LIMIT ?)"
    " SELECT leaf, (SELECT min(event) FROM grad WHERE tensor = t.leaf) FROM t WHERE leaf IS NOT NULL"
)
"""Each leaf of which a ``.grad`` was touched, and where first: it jumps through the index from one to the next."""


class Leaves:
    """The leaves of a tape in the order of their appearance, the first ``MAX`` of them."""

    MAX = 2048

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read_at = 0
        self._found: dict[int, int] = {}
        """tensor -> event of its first appearance."""
        self._ordered: list[tuple[int, int]] = []
        """The same as (event, tensor), in order."""
        self._filled: dict[int, int] = {}
        """tensor -> event that filled its ``.grad`` first, of those that have one."""
        self._unfilled: dict[int, int] = {}
        """tensor -> event up to which none has."""

    def at(self, position: int) -> list[int]:
        """Return the leaves that have appeared up to a position."""
        head = self._store.head
        if head > self._read_at:
            self._read_leaves(head)
            self._read_touched()
            self._read_at = head
            self._ordered = sorted((event, tensor) for tensor, event in self._found.items())
        return [tensor for event, tensor in self._ordered[: self.MAX] if event <= position]

    def is_cut(self, position: int) -> bool:
        """Tell whether more leaves than ``at`` returns have appeared up to a position."""
        if len(self._ordered) < self.MAX:
            return False
        query = f"SELECT 1 FROM event WHERE kind = {CODES['leaf']} AND seq <= ? LIMIT 1 OFFSET {self.MAX}"
        beyond = self._ordered[self.MAX :]
        return bool(beyond and beyond[0][0] <= position) or self._store.db.one(query, position) is not None

    def filling(self, position: int) -> int:
        """Return where the newest backward had begun that filled buffers and is over at a position; 0: none."""
        end = self._store.latest("backward_end", position)
        filled = None if end is None else self._store.latest("accumulate", end)
        detail = None if filled is None else self._store.detail(filled)
        return detail.backward if isinstance(detail, AccumulateDetail) else 0

    def appeared(self, leaf: int) -> int:
        """Return the event at which a leaf has appeared."""
        return self._found[leaf]

    def first_filling(self, leaf: int) -> int | None:
        """Return the event that filled the ``.grad`` of a leaf first; None where none has by now."""
        head = self._read_at
        if leaf not in self._filled and self._unfilled.get(leaf, 0) < head:
            query = "SELECT event FROM grad WHERE tensor = ? AND event > ? AND fills <> 0 ORDER BY event LIMIT 1"
            row = self._store.db.one(query, leaf, self._unfilled.get(leaf, 0))
            if row is None:
                self._unfilled[leaf] = head
            else:
                self._filled[leaf] = int(row[0])
        return self._filled.get(leaf)

    def _read_leaves(self, head: int) -> None:
        query = f"SELECT seq FROM event WHERE kind = {CODES['leaf']} AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
        room, sweep = max(0, self.MAX - len(self._found)), self._store.sweep()
        for (seq,) in self._store.db.all(query, self._read_at, head, room):
            try:
                tensor = read_id(sweep.of(seq)[0])
            except WireError as error:
                raise TapeError(f"{self._store.db.name} is damaged at event {seq}: {error}.") from error
            self._found.setdefault(tensor, seq)

    def _read_touched(self) -> None:
        """Add the leaves whose ``.grad`` was touched."""
        most = 2 * self.MAX
        for tensor, event in self._store.db.all(_TOUCHED, most):
            if tensor in self._found or len(self._found) < most:
                self._found[tensor] = min(event, self._found.get(tensor, event))
