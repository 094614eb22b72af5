"""What is asked of every leaf at a position, read at once: one query in place of three a parameter."""

from __future__ import annotations

import json
from collections.abc import Sequence

from gradb.tape.database import Database, Row

_LEAVES = (
    "SELECT k.value, t.event, t.node, t.output_nr, g.event, g.fills, g.since, o.last, o.event FROM json_each(?) k"
    " LEFT JOIN tensor t ON t.tensor = k.value AND t.event ="
    " (SELECT event FROM tensor WHERE tensor = k.value AND event <= ? ORDER BY event DESC LIMIT 1)"
    " LEFT JOIN grad g ON g.tensor = k.value AND g.event ="
    " (SELECT event FROM grad WHERE tensor = k.value AND event <= ? ORDER BY event DESC LIMIT 1)"
    " LEFT JOIN gone o ON o.first = (SELECT max(first) FROM gone WHERE first <= t.node)"
)
"""What of each leaf is asked at a position: its newest definition, what touched its gradient last, and its end."""


class LeafRows:
    """The rows of some leaves at one position; what was read for another is forgotten."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._position = 0
        self._rows: dict[int, Row] = {}
        self._ends: dict[int, Row] = {}

    def load(self, leaves: Sequence[int], position: int) -> list[Row]:
        """Read them; return the row of each, in their order."""
        rows = self._db.all(_LEAVES, json.dumps(leaves), position, position)
        self._position = position
        self._rows = {row[0]: row for row in rows}
        self._ends = {row[2]: row[7:] for row in rows if row[2] is not None}
        return [self._rows[leaf] for leaf in leaves]

    def has(self, leaf: int, position: int) -> bool:
        """Tell whether a leaf was read for a position."""
        return position == self._position and leaf in self._rows

    def defines(self, leaf: int, position: int) -> bool:
        """Tell whether the newest definition of a leaf at a position was read: it may be that of a later one."""
        if position >= self._position or leaf not in self._rows:
            return self.has(leaf, position)
        event = self._rows[leaf][1]
        return event is not None and event <= position

    def definition(self, leaf: int) -> tuple[int, int | None, int] | None:
        """Return (event, node, output number) of its newest definition."""
        _, event, node, number, *_ = self._rows[leaf]
        return None if event is None else (event, node, number)

    def touched(self, leaf: int) -> tuple[int, int, int] | None:
        """Return (event, fills, since) of what touched its gradient last."""
        event, fills, since = self._rows[leaf][4:7]
        return None if event is None else (event, fills, since)

    def end(self, node: int, position: int) -> Row | None:
        """Return (last, event) of the newest range of nodes gone that may have a leaf's; None where it was not read."""
        return self._ends.get(node) if position <= self._position else None
