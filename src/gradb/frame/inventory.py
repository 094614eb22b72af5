"""What occurs on a tape at all: lines of files, names of nodes, ATen calls. Each answer takes a whole table."""

from __future__ import annotations

from gradb.frame.store import Store
from gradb.tape.kinds.registry import CODES

_MOST = 100_000


class Inventory:
    """The names of one tape, as far as it goes now."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def lines(self, path: str) -> list[int]:
        """Return the lines of a source file at which something has happened, in order."""
        rows = self._store.db.all(
            "SELECT DISTINCT line FROM site WHERE file = (SELECT id FROM source WHERE path = ?) AND line IS NOT NULL"
            " ORDER BY line LIMIT ?",
            path,
            _MOST,
        )
        return [int(line) for (line,) in rows]

    def nodes(self) -> list[str]:
        """Return the names of the nodes of every graph."""
        return [str(name) for (name,) in self._store.db.all("SELECT DISTINCT name FROM node LIMIT ?", _MOST)]

    def modules(self) -> list[str]:
        """Return the paths of the modules in which something has happened, and of those around them."""
        paths: set[str] = set()
        for (scope,) in self._store.db.all("SELECT DISTINCT scope FROM site WHERE scope <> '' LIMIT ?", _MOST):
            parts = str(scope).split(".")
            paths.update(".".join(parts[:count]) for count in range(1, len(parts) + 1))
        return sorted(paths)

    def calls(self) -> list[str]:
        """Return the names of the ATen calls."""
        rows = self._store.db.all(
            "SELECT name FROM site WHERE id IN (SELECT site FROM event WHERE kind = ?) LIMIT ?", CODES["aten"], _MOST
        )
        return sorted({str(name) for (name,) in rows})
