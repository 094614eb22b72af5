"""Names of variables at a position: which name a tensor has, and which tensor a name means.

A name belongs to the tensor that got it last. Only rows up to the position count, so the answer is the same when the
tape has grown since.
"""

from __future__ import annotations

from gradb.frame.store import Store

_MAX_NAMES = 10_000  # more distinct names than any script has
_MAX_OLD = 16  # older names of one tensor that are tried after its newest


_NAMES = (
    "SELECT n.tensor, n.event, n.name, (SELECT m.event FROM name m WHERE m.name = n.name AND (m.event, m.tensor) >"
    " (n.event, n.tensor) AND m.tensor <> n.tensor ORDER BY m.event, m.tensor LIMIT 1) FROM name n"
)
"""The names of a tensor, and from which event on each is another tensor's."""


class Naming:
    """Names of one tape."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names = store.history(_NAMES, "n.tensor", "n.event DESC")
        self._read_at = 0
        self._firsts: list[tuple[int, str]] = []

    def load(self, tensors: list[int]) -> None:
        """Read at once what the names of some tensors are told from."""
        if self._store.is_indexed:  # else all names would be looked through for each
            self._names.load(tensors)

    def label(self, tensor: int, position: int) -> str | None:
        """Return the newest name of a tensor that was not given to another tensor since, or None."""
        return self.named(tensor, position)[0]

    def named(self, tensor: int, position: int) -> tuple[str | None, int, int]:
        """Return ``label``, and from which to which position it is known to be the same; it may be nowhere."""
        known = self._names(tensor, position) if self._store.is_indexed else None
        if known is None:
            return self._looked_up(tensor, position), position, position - 1
        first, last, tried = 0, self._names.settled(tensor), 0
        for event, name, lost in known:  # the newest first
            if event > position:
                last = min(last, event - 1)
            elif tried == _MAX_OLD:
                return None, position, position
            elif lost is None or lost > position:
                return str(name), max(first, event), last if lost is None else min(last, lost - 1)
            else:
                first, tried = max(first, lost), tried + 1
        return None, first, last

    def _looked_up(self, tensor: int, position: int) -> str | None:
        """Return ``label`` of a tensor of which not all names are kept."""
        rows = self._store.db.all(
            "SELECT name, event FROM name WHERE tensor = ? AND event <= ? ORDER BY event DESC LIMIT ?",
            tensor,
            position,
            _MAX_OLD,
        )
        for name, event in rows:
            if not self._is_rebound(name, tensor, event, position):
                return str(name)
        return None

    def best(self, tensor: int, position: int, *others: str | None) -> str | None:
        """Return ``label``, or else the first of some other names that means no other tensor at the position."""
        found = self.label(tensor, position)
        if found is not None:
            return found
        return next((name for name in others if name and self._called(name, position) in {None, tensor}), None)

    def _is_rebound(self, name: str, tensor: int, event: int, position: int) -> bool:
        row = self._store.db.one(
            "SELECT 1 FROM name WHERE name = ? AND (event, tensor) > (?, ?) AND event <= ? AND tensor <> ? LIMIT 1",
            name,
            event,
            tensor,
            position,
            tensor,
        )
        return row is not None

    def tensor(self, name: str, position: int) -> int | None:
        """Return the tensor that a name means at a position; None where none is called so.

        ``fc.weight`` means ``model.fc.weight``, where nothing is called ``fc.weight`` and only one path ends so.
        """
        found = self._called(name, position)
        if found is not None or not name:
            return found
        longer = {self._called(one, position) for one in self.known(position) if one.endswith(f".{name}")}
        alive = [tensor for tensor in longer if (self.label(tensor or 0, position) or "").endswith(f".{name}")]
        return alive[0] if len(alive) == 1 else None

    def _called(self, name: str, position: int) -> int | None:
        row = self._store.db.one(
            "SELECT tensor FROM name WHERE name = ? AND event <= ? ORDER BY event DESC, tensor DESC LIMIT 1",
            name,
            position,
        )
        return None if row is None else row[0]

    def known(self, position: int) -> tuple[str, ...]:
        """Return the names known at a position, in the order of their first appearance."""
        head = self._store.head
        if head > self._read_at:
            self._firsts, self._read_at = sorted(self._scan()), head
        return tuple(name for event, name in self._firsts if event <= position)

    def _scan(self) -> list[tuple[int, str]]:
        """Return (first event, name) of every name, jumping through the index from one name to the next."""
        found: list[tuple[int, str]] = []
        query = "SELECT name, event FROM name WHERE name > ? ORDER BY name, event LIMIT 1"
        row = self._store.db.one(query, "")
        while row is not None and len(found) < _MAX_NAMES:
            found.append((row[1], str(row[0])))
            row = self._store.db.one(query, row[0])
        return found
